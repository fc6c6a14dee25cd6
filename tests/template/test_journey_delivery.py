"""What leaves the repository works without it: no index, no workspace, and no Docker needed."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from monorepo.environments import node
from tests.template.baking import commit, run

pytestmark = pytest.mark.slow

API, WEB, CORE = "services/py/api", "services/js/web", "shared/py/core"
BUNDLE = "build/bundle"
LAYERS = ("third-party", "internal", "app")
PYTHON, NODE = f"python:3.11-slim@sha256:{'1a' * 32}", f"node:24-slim@sha256:{'2b' * 32}"
# No index answers there, and nobody's settings apply.
ALONE = {
    "PATH": os.environ["PATH"],
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "all_proxy": "http://127.0.0.1:9",
}


def alone(folder: Path, *command: object, **more: str) -> str:
    """Run a command without an index and without what is set here; return what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env=ALONE | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (
        f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    )
    return done.stdout


def wheels(root: Path, path: str = API) -> dict[str, bytes]:
    """Return the internal wheels of a bundle."""
    folder = root / path / BUNDLE
    return {file.name: file.read_bytes() for file in folder.glob("*/acme_*.whl")}


def test_a_bundle_installs_without_an_index_and_is_the_same_elsewhere(
    ready: Path, edited: Callable[[str, str, str], None], tmp_path: Path
) -> None:
    """E5 and E6: all private wheels of a service, also those of an extra, and they are closed."""
    extra = '[project.optional-dependencies]\ntrain = ["acme-core", "packaging>=26"]\n'
    edited(f"{API}/pyproject.toml", "# Requirements of developers", f"{extra}\n# Requirements of")
    assert f"bundled {API}/{BUNDLE}\n" in run(ready, "make", "bundle", f"PKG={API}")
    plain = wheels(ready)
    assert sorted(name.partition("-")[0] for name in plain) == [
        *("acme_notes", "acme_service", "acme_svc_api")
    ]
    run(ready, "make", "-C", API, "bundle", "EXTRAS=train")
    found = wheels(ready)
    assert found.items() > plain.items()
    assert [name for name in found if name.startswith("acme_core")]
    third = {
        file.name.partition("-")[0] for file in (ready / API / BUNDLE).glob("third-party/*.whl")
    }
    assert {"fastapi", "packaging"} < third
    assert not third & {"pytest", "mypy", "jinja2"}, "nobody asks for them at run time"

    environment = tmp_path / "environment"
    run(tmp_path, ready / ".venv/bin/python", "-m", "venv", environment)
    python = environment / "bin/python"
    places = [word for layer in LAYERS for word in ("--find-links", ready / API / BUNDLE / layer)]
    alone(tmp_path, python, "-m", "pip", "install", "--no-index", *places, "acme-svc-api[train]")
    alone(tmp_path, python, "-m", "pip", "check")
    code = "import acme_core, acme_service.fastapi, acme_svc_api.main; print(acme_core.__file__)"
    assert str(environment) in alone(tmp_path, python, "-I", "-c", code)

    # Elsewhere, by somebody with another umask.
    clone = tmp_path / "some where"
    before = os.umask(0o027)
    try:
        run(tmp_path, "git", "clone", "--quiet", "--depth=1", f"file://{ready}", clone)
        shutil.copyfile(ready / API / "pyproject.toml", clone / API / "pyproject.toml")
        run(clone, "make", "bundle", f"PKG={API}", "EXTRAS=train")
    finally:
        os.umask(before)
    assert wheels(clone) == found


def test_a_published_package_requires_compatible_ones(
    ready: Path, edited: Callable[[str, str, str], None]
) -> None:
    for path in (CORE, "shared/py/service"):
        edited(f"{path}/pyproject.toml", '    "Private :: Do Not Upload",\n', "")
    edited(
        "shared/py/service/pyproject.toml", "dependencies = [", 'dependencies = [\n    "acme-core",'
    )
    run(ready, "make", "build", "PKG=shared/py/service")
    (wheel,) = (ready / "shared/py/service/dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read("acme_service-0.1.0.dist-info/METADATA").decode()
    assert "Requires-Dist: acme-core<0.2,>=0.1.0\n" in metadata


@pytest.fixture
def start(ready: Path) -> Iterator[str]:
    """Return the commit to work from, which is what there is again afterwards."""
    head = run(ready, "git", "rev-parse", "HEAD").strip()
    yield head
    run(ready, "git", "reset", "--quiet", "--hard", head)


def test_a_package_is_released_by_its_tag(
    ready: Path, start: str, edited: Callable[[str, str, str], None], tmp_path: Path
) -> None:
    """E7: some packages are published, and with ranges of what they need."""
    edited(f"{CORE}/pyproject.toml", '    "Private :: Do Not Upload",\n', "")
    requires = 'dependencies = [\n    "acme-core>=0.1,<0.2",'
    edited("shared/py/service/pyproject.toml", "dependencies = [", requires)
    (ready / CORE / "newsfragments").mkdir()
    for name, text in {"12.feature.md": "Louder,\nä.\n", "+x.misc.md": "Ours: {{ 1 }}.\n"}.items():
        (ready / CORE / "newsfragments" / name).write_text(text, encoding="utf-8")
    commit(ready)
    said = run(ready, "make", "release", f"PKG={CORE}", "BUMP=minor")
    assert "  git push --atomic origin HEAD acme-core-v0.2.0\n" in said
    assert not (ready / CORE / "newsfragments").exists()
    changelog = (ready / CORE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.sub(r"\d{4}-\d\d-\d\d", "today", changelog) == (
        "# Changelog\n\n## 0.2.0 (today)\n\n### Features\n\n- Louder,\n  ä. (#12)\n\n"
        "### Misc\n\n- Ours: {{ 1 }}.\n"
    )
    # The workflow is as safe as ours, and what depends on the package takes the new version.
    run(ready, "make", "guard", "lock-check")
    commit(ready)

    workflow = (ready / ".github/workflows/release.yml").read_text(encoding="utf-8")
    find, build = (
        step["run"] for step in yaml.safe_load(workflow)["jobs"]["build"]["steps"] if "run" in step
    )
    output = tmp_path / "output"
    for tag, code in (("acme-core-v0.1.0", 2), ("x-v1$(id)", 2), ("acme-core-v0.2.0", 0)):
        env = {"TAG": tag, "GITHUB_OUTPUT": str(output)}
        run(ready, "bash", "-e", "-c", find, env=env, code=code)
        assert output.exists() == (not code)
    assert output.read_text(encoding="utf-8") == f"package={CORE}\n"
    run(ready, "bash", "-e", "-c", build, env={"PACKAGE": CORE})
    made = sorted(file.name for file in (ready / CORE / "dist").iterdir())
    assert made == ["acme_core-0.2.0-py3-none-any.whl", "acme_core-0.2.0.tar.gz"]


def test_an_npm_package_is_released_by_its_tag(
    ready: Path, start: str, edited: Callable[[str, str, str], None], tmp_path: Path
) -> None:
    core, audio = "shared/js/core", "shared/js/audio"
    assert "is private; remove its " in run(
        ready, "make", "release", f"PKG={core}", "BUMP=minor", code=2
    )
    run(ready, "make", "new", f"AT={audio}", f"DEPS={core}")
    for path in (core, audio):
        edited(f"{path}/package.json", '  "private": true,\n', "")
        config = '"publishConfig": {\n    "access": "public",'
        edited(f"{path}/package.json", '"publishConfig": {', config)
        address = '"repository": "git+https://example.com/acme.git",\n  "files"'
        edited(f"{path}/package.json", '"files"', address)
        (ready / path / "newsfragments").mkdir()
        (ready / path / "newsfragments/12.feature.md").write_text("Louder.\n", encoding="utf-8")
    edited(f"{audio}/package.json", '"workspace:*"', '"workspace:^0.1.0"')
    lock, _, block = (ready / "pnpm-lock.yaml").read_text("utf-8").partition(f"\n  {audio}:\n")
    block = block.replace("specifier: workspace:*", "specifier: workspace:^0.1.0", 1)
    (ready / "pnpm-lock.yaml").write_text(f"{lock}\n  {audio}:\n{block}", encoding="utf-8")
    run(ready, "make", "build", f"PKG={core} {audio}")
    old = shutil.copy(ready / core / "build/acme-core-0.1.0.tgz", tmp_path)
    commit(ready)

    # The minor version of 0.x is in no range that starts with an older one.
    said = run(ready, "make", "release", f"PKG={core}", "BUMP=minor")
    assert f"wrote {audio}/package.json\nwrote pnpm-lock.yaml\n" in said
    assert "  git push --atomic origin HEAD @acme/core-v0.2.0\n" in said
    assert "### Features\n\n- Louder. (#12)" in (ready / core / "CHANGELOG.md").read_text("utf-8")
    run(ready, "make", "guard", "lock-check")
    commit(ready)
    assert "pnpm-lock.yaml" not in run(ready, "make", "release", f"PKG={audio}", "BUMP=patch")
    commit(ready)

    workflow = yaml.safe_load((ready / ".github/workflows/release.yml").read_text("utf-8"))
    find, build = (step["run"] for step in workflow["jobs"]["build"]["steps"] if "run" in step)
    for path, tag in ((core, "@acme/core-v0.2.0"), (audio, "@acme/audio-v0.1.1")):
        assert any(fnmatch(tag, pattern) for pattern in workflow[True]["push"]["tags"])
        output = tmp_path / tag.replace("/", "-")
        run(ready, "bash", "-e", "-c", find, env={"TAG": tag, "GITHUB_OUTPUT": str(output)})
        assert output.read_text(encoding="utf-8") == f"package={path}\n"
        run(ready, "bash", "-e", "-c", build, env={"PACKAGE": path})
    packed = [*ready.glob("shared/js/*/build/acme-*.tgz")]
    assert sorted(file.name for file in packed) == ["acme-audio-0.1.1.tgz", "acme-core-0.2.0.tgz"]
    with tarfile.open(ready / audio / "build/acme-audio-0.1.1.tgz") as archive:
        inside = archive.extractfile("package/package.json")
        assert inside
        manifest = json.loads(inside.read())
    assert manifest["dependencies"] == {"@acme/core": "^0.2.0"}
    assert manifest["publishConfig"] == {"access": "public"}
    assert not [text for text in manifest["devDependencies"].values() if ":" in text]

    # For somebody who has nothing but these files.
    def installed(name: str, *files: object, code: int = 0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "package.json").write_text("{}", encoding="utf-8")
        words = ("install", "--offline", "--no-audit", "--no-fund", *files)
        env = {"npm_config_cache": str(tmp_path / "cache")}
        run(folder, ready / ".venv/bin/npm", *words, env=env, code=code)
        return folder

    folder = installed("user", *packed)
    code = (
        "const { chunks } = await import('@acme/audio'); console.log([...chunks('abc', 2)].length)"
    )
    words = ("--input-type=module", "--eval", code)
    assert run(folder, ready / ".venv/bin/node", *words) == "2\n"
    installed("older", ready / audio / "build/acme-audio-0.1.1.tgz", old, code=1)


def test_npm_says_which_ranges_a_version_is_in(ready: Path) -> None:
    ranges = {"^1.2": True, "~1.2.3": True, "1.x || 3": True, "1.0.0 - 2": True, ">=1 <1.4": False}
    ranges |= {"^2": False, "1.3.4": False, "*": True, "../core": True, "@acme/core@^1": True}
    found = node.excluding(ready, "1.4.0", ranges.keys() - {"~1.2.3"})
    assert found == {text for text, has in ranges.items() if not has}
    assert node.excluding(ready, "1.3.0", {"~1.2.3"}) == {"~1.2.3"}
    assert node.excluding(ready, "2.0.0-rc.1", {"^2.0.0-rc.0", "^1"}) == {"^1"}


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile, and what each is about."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


class Image(NamedTuple):
    """The instructions of an image, the variables of its container, and its /app."""

    words: dict[str, str]
    env: dict[str, str]
    app: Path


def built(context: Path, folder: Path, tools: Path) -> Image:
    """Follow a Dockerfile in an empty folder; return what a container would start with.

    What is in an image at / is in that folder, and what the base image has comes from `tools`.
    """
    image: dict[str, str] = {}
    env, app = {"PATH": f"{tools}:{os.environ['PATH']}"}, folder / "app"

    def placed(words: str) -> str:
        return re.sub(r"(?<![\w.])/(app|bundle)\b", lambda path: f"{folder}{path[0]}", words)

    def copied(source: str, target: Path) -> None:
        # What .dockerignore lets through.
        assert source.startswith(f"{BUNDLE}/")
        shutil.copytree(context / source, target, symlinks=True, dirs_exist_ok=True)

    for word, rest in steps((context / "Dockerfile").read_text(encoding="utf-8")):
        if word == "WORKDIR":
            assert rest == "/app"
            app.mkdir(parents=True)
        elif word == "COPY":
            copied(rest.split()[0], app)
        elif word == "RUN":
            mount = re.match(r"--mount=type=bind,source=(\S+),target=(\S+) ", rest)
            if mount:
                copied(mount[1], folder / mount[2].strip("/"))
            script = placed(rest[mount.end() :] if mount else rest)
            alone(app, "sh", "-c", script, **env)
            if mount:
                shutil.rmtree(folder / mount[2].strip("/"))
        elif word == "ENV":
            for pair in shlex.split(rest):
                name, _, value = pair.partition("=")
                env[name] = placed(value).replace("$PATH", env["PATH"])
        elif word in ("FROM", "EXPOSE", "USER", "CMD"):
            image[word] = rest
        else:
            assert word == "HEALTHCHECK"
            image[word] = rest.partition(" CMD ")[2]
    return Image(image, env, app)


@contextmanager
def container(image: Image) -> Iterator[Callable[[], int]]:
    """Start what an image starts, on a free port; yield what checks its health."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    env = {**image.env, "PORT": port, "HOST": "127.0.0.1"}
    start, check = (json.loads(image.words[word]) for word in ("CMD", "HEALTHCHECK"))

    def started(command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=image.app, env=env, stderr=subprocess.DEVNULL)

    def health() -> int:
        return started(check).wait()

    assert health() == 1, "nothing listens yet"
    process = started(start)
    try:
        yield health
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("path", "base"), [(API, PYTHON), (WEB, NODE)])
def test_an_image_is_made_from_the_bundle_alone(
    ready: Path, tmp_path: Path, path: str, base: str
) -> None:
    run(ready, "make", "bundle", f"PKG={path}")
    try:
        words = ("docker", f"PKG={path}", f"BASE={base}")
        assert f"wrote {path}/Dockerfile\n" in run(ready, "make", *words)
        image = built(ready / path, tmp_path / "image", ready / ".venv/bin")
        assert run(ready, "make", "guard").endswith("nothing found\n")
    finally:
        run(ready, "git", "clean", "-fdq")
    assert image.words["FROM"] == base
    with container(image) as health:
        deadline = time.monotonic() + 20
        while health() != 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert health() == 0


# In a network namespace of its own, where that is allowed; indexes are dead anyway.
APART = ["unshare", "--map-root-user", "--net"]


def test_an_installation_needs_no_network_once_all_is_vendored(
    ready: Path, tmp_path: Path, path_without_uv: str
) -> None:
    """D4: wheels and npm packages are in vendor, and each is verified."""
    done = run(ready, "make", "vendor")
    assert re.search(r"^vendor/wheels: [0-9]+ wheels$", done, re.MULTILINE)
    assert "vendor" not in run(ready, "git", "status", "--porcelain")
    assert "download: " not in run(ready, "make", "vendor"), "nothing is missing any more"

    clone = tmp_path / "an island"
    run(tmp_path, "git", "clone", "--quiet", ready, clone)
    (ready / "vendor").rename(clone / "vendor")
    dead = "http://127.0.0.1:9"
    env = {
        **{f"{scheme}_proxy": dead for scheme in ("http", "https", "all")},
        **{"UV_DEFAULT_INDEX": dead, "PIP_INDEX_URL": dead, "npm_config_registry": dead},
        **dict.fromkeys(("UV_FIND_LINKS", "PIP_FIND_LINKS", "UV_INDEX", "PIP_EXTRA_INDEX_URL"), ""),
        # No cache of this machine helps.
        **{"HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "uv"), "XDG_CACHE_HOME": ""},
        "PATH": path_without_uv,
    }
    alone = APART if subprocess.run([*APART, "true"], check=False).returncode == 0 else []
    offline = (*alone, "make", "OFFLINE=1")
    (wheel,) = (clone / "vendor/wheels").glob("iniconfig-*.whl")
    good = wheel.read_bytes()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("evil.py", "")
    output = run(clone, *offline, "install", env=env, code=2)
    assert "a file does not match its hash in tools/hashes.txt" in output
    wheel.write_bytes(good)
    run(clone, *offline, "install", env=env)
    run(clone, *offline, "lint", "type-check", "guard", "lock-check", env=env)
    run(clone, *offline, "bundle", env=env)
    run(clone, *offline, "build", "sbom", env=env)
    # A service is asked on the loopback interface, which is down where the network is cut off.
    run(clone, "make", "OFFLINE=1", "smoke", env=env)
    # Neither of them takes away what the others have made.
    assert (clone / WEB / "build/sbom.cdx.json").exists()
    assert (clone / WEB / BUNDLE / "internal/node_modules/@acme/service/package.json").exists()
    # Without that file, and a cache that has it, nothing takes its place.
    wheel.unlink()
    (clone / ".venv/monorepo.json").unlink()
    output = run(clone, *offline, "install", env={**env, "UV_CACHE_DIR": f"{tmp_path}/b"}, code=2)
    assert "iniconfig" in output
