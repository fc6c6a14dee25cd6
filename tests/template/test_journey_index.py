"""What an index in this machine is asked for, and what comes of files that it should not have."""

import base64
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from monorepo.core import hashes
from tests.template.baking import bake, commit, edit, run
from tests.template.serving import Handler, Server, serving

pytestmark = pytest.mark.slow

API = "services/py/api/pyproject.toml"


class Index(Server):
    """An index that knows the files in a folder, and notes all that it is asked for."""

    def __init__(self, wheels: Path) -> None:
        """Serve `wheels`."""
        super().__init__(_Served)
        self.wheels = wheels
        self.asked: list[str] = []
        # The sha256 that it tells of a file, by name.
        self.told: dict[str, str] = {}
        # The user and the password that it wants, as `user:password`.
        self.wanted = ""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{super().url}/simple"


class _Served(Handler):
    server: Index

    def do_GET(self) -> None:  # noqa: N802
        name = unquote(self.path.rstrip("/").rpartition("/")[2])
        self.server.asked.append(name)
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() != self.server.wanted:
            self.answer(b"", status=401)
            return
        files = sorted(self.server.wheels.glob(f"{name.replace('-', '_')}-*"))
        told = self.server.told
        hashed = {f.name: f"{f.name}#sha256={told[f.name]}" for f in files if f.name in told}
        links = "".join(
            f'<a href="/files/{hashed.get(file.name, file.name)}">{file.name}</a>\n'
            for file in files
        )
        whole = self.server.wheels / name
        body = whole.read_bytes() if whole.is_file() else links.encode()
        kind = "text/html" if links else "application/octet-stream"
        self.answer(body, kind, 200 if body else 404)

    do_HEAD = do_GET  # noqa: N815


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Start an index without any wheel."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    server = Index(folder)
    with serving(server):
        yield server


def wheel(
    folder: Path, name: str, version: str, *needed: str, evil: bool = False, code: str = ""
) -> None:
    """Make a wheel with a module; an evil one has code that runs whenever Python starts."""
    info = f"{name}-{version}.dist-info"
    told = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in needed)]
    files = {
        f"{info}/METADATA": "".join(f"{row}\n" for row in ("Metadata-Version: 2.1", *told)),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        f"{name}.py": code,
    }
    if evil:
        files["evil.pth"] = "import os; os.environ['EVIL'] = '1'\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


# A build backend, as far as uv needs it.
BACKEND = """\
import zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "oldpad-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\\nName: oldpad\\nVersion: 1.0\\n"
    wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {"METADATA": metadata, "WHEEL": wheel, "RECORD": ""}
    with zipfile.ZipFile(wheel_directory + "/" + name, "w") as made:
        made.writestr("oldpad.py", "BUILT = True")
        for file, text in files.items():
            made.writestr("oldpad-1.0.dist-info/" + file, text)
    return name
"""


def sdist(folder: Path) -> None:
    """Make an sdist of oldpad, which is built with padder."""
    project = '[project]\nname = "oldpad"\nversion = "1.0"\n'
    build = '[build-system]\nrequires = ["padder"]\nbuild-backend = "padder"\n'
    told = "Metadata-Version: 2.2\nName: oldpad\nVersion: 1.0\n"
    with tarfile.open(folder / "oldpad-1.0.tar.gz", "w:gz") as archive:
        for name, text in {"PKG-INFO": told, "pyproject.toml": build + project}.items():
            member = tarfile.TarInfo(f"oldpad-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def alone(index: Index, tmp_path: Path) -> dict[str, str]:
    """Return variables by which uv and pip know no other index, and remember nothing."""
    cleared = ("UV_FIND_LINKS", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_INDEX")
    return {
        **dict.fromkeys(cleared, ""),
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_DEFAULT_INDEX": index.url,
        "UV_HTTP_RETRIES": "0",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": index.url,
        "PIP_NO_CACHE_DIR": "1",
    }


def names(site: Path) -> list[str]:
    """Return what is installed."""
    return sorted(path.name for path in site.iterdir() if path.name != "__pycache__")


VERBS = (
    ("make", "install"),
    ("make", "lint"),
    ("make", "test", "PKG=services/py/api"),
    ("make", "-C", "services/py/api", "test"),
    ("make", "new", "AT=shared/py/audio", "DEPS=shared/py/core"),
    ("make", "smoke", "PKG=services/py/api"),
    (".venv/bin/nox", "-s", "build(services/py/api)"),
    (".venv/bin/nox", "-s", "test-lowest(services/py/api)"),
)


@pytest.mark.parametrize("asked", ["acme-cor", "leftpad"])
def test_an_index_is_never_asked_for_what_is_not_pinned(
    ready: Path, edited: Callable[..., None], index: Index, tmp_path: Path, asked: str
) -> None:
    wheel(index.wheels, asked.replace("-", "_"), "99.0.0", evil=True)
    edited(API, "dependencies = [", f'dependencies = [\n    "{asked}",')
    for verb in VERBS[:1] if asked == "leftpad" else VERBS:
        code = 1 if "nox" in verb[0] else 2
        output = run(ready, *verb, env=alone(index, tmp_path), code=code)
        assert f"{API}: {asked}: not pinned; run make lock" in output, verb
    assert index.asked == []
    # What has nothing to do with it goes on.
    tested = run(ready, "make", "test", "PKG=shared/py/core", env=alone(index, tmp_path))
    assert "test: 1 ok" in tested
    assert index.asked == []
    # Nor is a name of ours that is not a package here asked for by the only command that may ask.
    if asked == "acme-cor":
        output = run(ready, "make", "lock", env=alone(index, tmp_path), code=2)
        assert f"{API}: acme-cor: is in the namespace, but is not a package here" in output
        assert index.asked == []


def test_only_recorded_files_are_installed_and_a_mistake_can_be_taken_back(
    ready: Path, edited: Callable[..., None], index: Index, tmp_path: Path
) -> None:
    fresh = {"UV_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv-cache")}
    wheel(index.wheels, "leftpad", "1.0")
    edited(API, "dependencies = [", 'dependencies = [\n    "leftpad",')
    output = run(ready, "make", "lock", env={"UV_INDEX": index.url})
    assert "lock: new to this repository: leftpad\n" in output
    assert not [name for name in index.asked if name.startswith("acme")]
    digest = hashlib.sha256((index.wheels / "leftpad-1.0-py3-none-any.whl").read_bytes())
    recorded = hashes.parse((ready / hashes.HASHES).read_text(encoding="utf-8"))
    assert recorded["leftpad==1.0"] == [f"--hash=sha256:{digest.hexdigest()}"]
    (site,) = (ready / ".venv/lib").glob("python*/site-packages")
    then = names(site)
    good = (index.wheels / "leftpad-1.0-py3-none-any.whl").read_bytes()
    wheel(index.wheels, "leftpad", "1.0", evil=True)
    output = run(ready, "make", "install", env=fresh, code=2)
    assert "monorepo: install: .venv: a file does not match its hash" in output
    assert "Hash mismatch" in output
    assert names(site) == then
    (index.wheels / "leftpad-1.0-py3-none-any.whl").write_bytes(good)
    run(ready, "make", "install", env=fresh)
    assert (site / "leftpad.py").exists()
    run(ready, "git", "checkout", "--quiet", ".")
    run(ready, "make", "install")
    assert not (site / "leftpad.py").exists()
    assert names(site) == then


def test_an_sdist_is_built_only_where_that_is_allowed_and_with_pins(
    ready: Path, edited: Callable[..., None], index: Index
) -> None:
    env = {"UV_INDEX": index.url}
    sdist(index.wheels)
    wheel(index.wheels, "padder", "1.0", code=BACKEND)
    edited(API, "dependencies = [", 'dependencies = [\n    "oldpad",')
    output = run(ready, "make", "lock", env=env, code=2)
    said = "oldpad 1.0 has no usable wheel; pin a version that has one, or allow to build it"
    assert f"monorepo: lock: {said}" in output
    assert f"\n  {API}: oldpad\n" in output
    table = "\n[tool.monorepo.build-from-source]\noldpad = []\n\n[tool.ruff]\n"
    edited("pyproject.toml", "\n[tool.ruff]\n", table)
    run(ready, "make", "lock", env=env)
    edited("pyproject.toml", "oldpad = []", "")
    index.asked.clear()
    output = run(ready, "make", "install", env=env, code=2)
    assert "monorepo: install: .venv: oldpad 1.0 has no usable wheel; pin a version" in output
    edited("pyproject.toml", "source]\n", "source]\noldpad = []")
    output = run(ready, "make", "install", env=env, code=2)
    said = "padder: needed to build a pin and not pinned; list it in [tool.monorepo.build-from"
    assert f"monorepo: install: .venv: {said}" in output
    edited("pyproject.toml", "oldpad = []", 'oldpad = ["padder>=1"]')
    said = "pyproject.toml: build-from-source: padder: not pinned; run make lock"
    assert said in run(ready, "make", "install", env=env, code=2)
    assert "padder>=1 is not pinned" in run(ready, "make", "lock-check", env=env, code=2)
    assert "padder-1.0-py3-none-any.whl" not in index.asked
    run(ready, "make", "lock", env=env)
    run(ready, "make", "install", env=env)
    assert run(ready, ".venv/bin/python", "-c", "import oldpad; print(oldpad.BUILT)") == "True\n"
    (site,) = (ready / ".venv/lib").glob("python*/site-packages")
    assert not (site / "padder.py").exists()


INDEXES = """
[tool.monorepo.indexes.our-corp]
url = "{corp}"
names = ["corp-*"]

[tool.monorepo.indexes.cpu]
url = "{cpu}"
names = ["torch"]

[tool.ruff]
"""


@pytest.fixture
def apart(tmp_path: Path, index: Index) -> Iterator[tuple[Index, Index]]:
    """Start two more indexes: a private one, and one for torch. Each has what others answer for."""
    (tmp_path / "corp").mkdir()
    (tmp_path / "cpu").mkdir()
    corp, cpu = Index(tmp_path / "corp"), Index(tmp_path / "cpu")
    corp.wanted = "me:secret"
    # What is private is required by what is private.
    wheel(corp.wheels, "corp_pad", "1.0", "corp-deep>=1", "idna>=3")
    wheel(corp.wheels, "corp_deep", "1.0")
    wheel(cpu.wheels, "torch", "2.9.0+cpu", "idna>=3")
    for one in (corp, cpu):
        wheel(one.wheels, "idna", "99.0", evil=True)
    for name in ("corp_pad", "corp_deep", "torch"):
        wheel(index.wheels, name, "99.0", evil=True)
    # As the one with CUDA.
    wheel(index.wheels, "torch", "2.9.0", "nvidia-cuda>=1", evil=True)
    with serving(corp), serving(cpu):
        yield corp, cpu


def asked_apart(index: Index, corp: Index, cpu: Index) -> None:
    """Assert that each index was asked for what it alone may have."""
    assert "idna" in index.asked
    assert not [name for name in index.asked if re.match("corp|torch|nvidia", name)]
    assert {"corp-pad", "corp-deep"} <= set(corp.asked)
    assert not [name for name in corp.asked if not name.startswith("corp")]
    assert {name.partition("-")[0] for name in cpu.asked} == {"torch"}


SECRET = {"UV_INDEX_OUR_CORP_USERNAME": "me", "UV_INDEX_OUR_CORP_PASSWORD": "secret"}


def test_some_names_have_an_index_of_their_own_and_are_asked_for_nowhere_else(
    ready: Path,
    edited: Callable[..., None],
    index: Index,
    apart: tuple[Index, Index],
    tmp_path: Path,
) -> None:
    """A4 and A5: so builds for CPU or GPU come from an index that answers for nothing else."""
    corp, cpu = apart
    env = {"UV_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv-cache")}
    env |= {"PIP_EXTRA_INDEX_URL": index.url, "PIP_NO_CACHE_DIR": "1"}
    edited("pyproject.toml", "\n[tool.ruff]\n", INDEXES.format(corp=corp.url, cpu=cpu.url))
    edited(API, "dependencies = [", 'dependencies = [\n    "corp-pad>=1",\n    "torch>=2.9",')
    pins = (ready / hashes.PINS).read_text(encoding="utf-8")
    # Without the password, nobody else is asked.
    output = run(ready, "make", "lock", env=env, code=2)
    assert "monorepo: lock: an index refuses access; set UV_INDEX_<NAME>_USERNAME" in output
    assert (ready / hashes.PINS).read_text(encoding="utf-8") == pins
    env |= SECRET
    output = run(ready, "make", "lock", env=env)
    # Those of other names still have to be a day old.
    assert "no release is too young" not in output
    for pin in ("corp-deep==1.0", "corp-pad==1.0", "torch==2.9.0+cpu"):
        assert f"{pin}\n" in (ready / hashes.PINS).read_text(encoding="utf-8")
    for verb in (
        ("make", "lock-check"),
        ("make", "install"),
        ("make", "smoke", "PKG=services/py/api"),
        ("make", "outdated"),
        ("make", "bundle", "PKG=services/py/api"),
        (".venv/bin/nox", "-s", "test-newest(services/py/api)"),
        (".venv/bin/nox", "-s", "test-lowest(services/py/api)"),
    ):
        run(ready, *verb, env=env)
    bundle = ready / "services/py/api/build/bundle"
    wheels = {file.name.partition("-")[0] for file in bundle.rglob("*.whl")}
    assert {"corp_pad", "corp_deep", "torch", "idna"} <= wheels
    (site,) = (ready / ".venv/lib").glob("python*/site-packages")
    assert (site / "torch-2.9.0+cpu.dist-info").exists()
    assert not (site / "evil.pth").exists()
    asked_apart(index, corp, cpu)
    # No address, and no password, is written anywhere.
    run(ready, "git", "add", "--all")
    changed = run(ready, "git", "diff", "--cached", "--", ":!pyproject.toml")
    assert "127.0.0.1" not in changed
    assert "secret" not in changed
    run(ready, "git", "reset", "--quiet", "--hard")
    run(ready, "make", "install")


def test_uv_projects_ask_the_same_indexes(
    index: Index, apart: tuple[Index, Index], tmp_path: Path
) -> None:
    """A lock names the index of each package, so that `uv sync` alone asks nobody else."""
    corp, cpu = apart
    root = bake(tmp_path, packages="shared/py/core services/py/api", python_env="uv")
    commit(root)
    env = {"UV_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv-cache"), **SECRET}
    env |= {"PIP_EXTRA_INDEX_URL": index.url, "PIP_NO_CACHE_DIR": "1"}
    tables = INDEXES.format(corp=corp.url, cpu=cpu.url)
    edit(root / "pyproject.toml", "\n[tool.ruff]\n", tables)
    # An own pin has no hash but that of its index.
    for file in cpu.wheels.glob("torch-*"):
        cpu.told[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    # One that a shared package requires, and one that the service pins itself.
    core = root / "shared/py/core/pyproject.toml"
    edit(core, "dependencies = []", 'dependencies = ["corp-pad>=1"]')
    edit(root / API, "dependencies = [", 'dependencies = [\n    "acme-core",\n    "torch>=2.9",')
    edit(root / API, "[tool.monorepo]\n", '[tool.monorepo]\nown-pins.torch = "with CUDA later"\n')
    run(root, "make", "lock", env=env)
    lock = (root / "services/py/api/uv.lock").read_text(encoding="utf-8")
    sources = dict(
        re.findall(r'name = "(.+)"\nversion = ".+"\nsource = .* registry = "(.+)"', lock)
    )
    assert {sources["corp-pad"], sources["corp-deep"]} == {corp.url}
    assert sources["torch"] == cpu.url and sources["idna"] == sources["anyio"]
    for verb in (
        ("make", "lock-check", "guard", "RULE=sources drift confusion"),
        ("make", "install"),
        ("make", "lock"),
        ("make", "smoke", "PKG=services/py/api"),
        ("make", "env", "TO=shared"),
        ("make", "env", "TO=uv"),
    ):
        run(root, *verb, env=env)
    assert (root / "services/py/api/uv.lock").read_text(encoding="utf-8") == lock
    asked_apart(index, corp, cpu)
    assert "secret" not in run(root, "git", "diff")

    clone = tmp_path / "clone"
    commit(root)
    run(tmp_path, "git", "clone", "--quiet", root, clone)
    for server in (index, corp, cpu):
        server.asked.clear()
    env["UV_CACHE_DIR"] = str(tmp_path / "other-cache")
    uv = root / ".venv/bin/uv"
    run(clone, uv, "sync", "--quiet", "--locked", "--project", "services/py/api", env=env)
    (site,) = (clone / "services/py/api/.venv/lib").glob("python*/site-packages")
    assert (site / "torch-2.9.0+cpu.dist-info").exists() and (site / "corp_deep.py").exists()
    assert not (site / "evil.pth").exists()
    assert not [name for name in index.asked if re.match("corp|torch|nvidia", name)]

    # What only an own pin requires is not known before: it has to be named.
    wheel(cpu.wheels, "torch", "2.9.1+cpu", "corp-other>=1")
    wheel(corp.wheels, "corp_other", "1.0")
    output = run(root, "make", "lock", "UPGRADE=torch", env=env, code=2)
    said = "lock: services/py/api: corp-other: has an index of its own, and only an own pin"
    assert f"monorepo: {said} requires it; list it as well: " in output
    assert "corp-other" not in index.asked
    assert run(root, "git", "status", "--porcelain") == ""


@pytest.mark.parametrize(("name", "by"), [("anyio", "starlette"), ("idna", "requests")])
def test_an_index_is_never_asked_for_what_only_a_pin_requires(
    ready: Path, edited: Callable[..., None], index: Index, tmp_path: Path, name: str, by: str
) -> None:
    then = [(ready / path).read_text(encoding="utf-8") for path in (hashes.PINS, hashes.HASHES)]
    for path, text in zip((hashes.PINS, hashes.HASHES), then, strict=True):
        (block,) = re.findall(rf"^{name}==.*\n(?: .*\n)*", text, re.MULTILINE)
        edited(path, block, "")
    env = alone(index, tmp_path)
    # The tools need requests.
    advice = "run make lock" if name == "anyio" else "restore it from git"
    for verb in ("lock-check", "install", "lint"):
        output = run(ready, "make", verb, env=env, code=2)
        assert re.search(rf"{by}==\S+ requires {name}, which is not pinned; ", output)
    assert f"which is not pinned; {advice}" in run(ready, "make", "lock-check", env=env, code=2)
    assert index.asked == []
    if name == "anyio":
        run(ready, "make", "lock")
        paths = (hashes.PINS, hashes.HASHES)
        assert [(ready / path).read_text(encoding="utf-8") for path in paths] == then


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_uv_itself_is_the_recorded_one(
    ready: Path, index: Index, tmp_path: Path, installer: str
) -> None:
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", ready, clone)
    pins = (clone / "constraints.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"^uv==(\S+)$", pins, re.MULTILINE)
    wheel(index.wheels, "uv", version, evil=True)
    path = tmp_path / "bin"
    path.mkdir()
    if installer == "uv":
        (path / "uv").symlink_to(ready / ".venv/bin/uv")
    else:
        # One that does not run is none.
        (path / "uv").write_text("#!/bin/sh\necho 'uv: command not found' >&2\nexit 127\n", "utf-8")
        (path / "uv").chmod(0o755)
    settings = tmp_path / "pip.conf"
    settings.write_text("[install]\nuser = true\ntarget = /nonexistent\n", encoding="utf-8")
    env = alone(index, tmp_path) | {"PATH": f"{path}:/usr/local/bin:/usr/bin:/bin"}
    env |= {"PIP_CONFIG_FILE": str(settings), "PIP_CONSTRAINT": "/nonexistent", "PIP_USER": "1"}
    interpreter = (ready / ".venv/bin/python").resolve()
    words = ("make", "setup", f"PYTHON={interpreter}")
    output = run(clone, *words, env=env, code=2)
    assert "monorepo: setup: .venv: a file does not match its hash" in output
    assert "uv" in index.asked
    assert not list((clone / ".venv").glob("lib/python*/site-packages/evil.pth"))


def test_a_silent_index_is_given_up(ready: Path, tmp_path: Path, index: Index) -> None:
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", ready, clone)
    path = tmp_path / "bin"
    path.mkdir()
    (path / "uv").symlink_to(ready / ".venv/bin/uv")
    index.shutdown()
    env = alone(index, tmp_path) | {"PATH": f"{path}:/usr/local/bin:/usr/bin:/bin"}
    interpreter = (ready / ".venv/bin/python").resolve()
    words = ("make", "setup", f"PYTHON={interpreter}")
    output = run(clone, *words, env={**env, "UV_HTTP_TIMEOUT": "1"}, code=2)
    lines = output.splitlines()
    at = lines.index(
        "monorepo: setup: .venv: the index does not answer as it should; try again when it does"
    )
    assert " pip install --require-hashes " in lines[at + 1]
    assert lines[at + 2].startswith("error: ")


def gpu_step(root: Path) -> str:
    """Return what CI runs on a machine with a GPU."""
    workflow = yaml.safe_load((root / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    return str(workflow["jobs"]["gpu"]["steps"][-1]["run"])


def test_ci_says_that_nothing_needs_a_gpu(ready: Path) -> None:
    said = "0\nNo package has an extra gpu: there is nothing to test.\n"
    assert run(ready, "bash", "-e", "-c", gpu_step(ready)) == said


@pytest.mark.parametrize("python_env", ["shared", "per-package", "uv"])
def test_cuda_is_installed_by_those_alone_who_ask_for_it(
    index: Index, apart: tuple[Index, Index], tmp_path: Path, python_env: str
) -> None:
    """A4, A5, A9: both builds are pinned; machines without a GPU never see the other one."""
    corp, cpu = apart
    (tmp_path / "cuda").mkdir()
    cuda = Index(tmp_path / "cuda")
    wheel(cpu.wheels, "torch", "2.9.0+cpu", "idna>=3", code="cuda = False\n")
    needed = ("idna>=3", "nvidia-cuda>=1", "nvidia-nccl>=2")
    wheel(cuda.wheels, "torch", "2.9.0+cu126", *needed, code="cuda = True\n")
    wheel(cuda.wheels, "nvidia_cuda", "12.6")
    wheel(cuda.wheels, "nvidia_nccl", "2.27")
    for name in ("idna", "nvidia_tuner"):
        wheel(cuda.wheels, name, "99.0", evil=True)
    wheel(index.wheels, "nvidia_cuda", "99.0", evil=True)
    env = {"UV_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv-cache"), **SECRET}
    env |= {"PIP_EXTRA_INDEX_URL": index.url, "PIP_NO_CACHE_DIR": "1"}
    core, api = "shared/py/core", "services/py/api"
    root = bake(tmp_path, packages=f"{core} {api}", python_env=python_env)
    gpu = f'[tool.monorepo.indexes.cuda]\nurl = "{cuda.url}"\nextra = "gpu"\n'
    gpu += 'names = ["torch", "nvidia-*"]\n'
    tables = INDEXES.format(corp=corp.url, cpu=cpu.url)
    edit(
        root / "pyproject.toml",
        "\n[tool.ruff]\n",
        tables.replace("[tool.ruff]", f"{gpu}\n[tool.ruff]"),
    )
    extras = "[project.optional-dependencies]\n"
    more = 'ml = ["torch>=2.9"]\ngpu = ["acme-core[ml]", "nvidia-cuda>=1"]\n'
    edit(root / core / "pyproject.toml", extras, extras + more)
    edit(root / API, "dependencies = [", 'dependencies = [\n    "acme-core",')
    edit(root / API, "[tool.monorepo]\n", f'{extras}gpu = ["acme-core[gpu]"]\n\n[tool.monorepo]\n')
    for path in (core, api):
        (root / path / "tests/unit").mkdir(exist_ok=True)
        test = root / path / "tests/unit/test_cuda.py"
        test.write_text(
            '"""Which torch there is."""\n\nimport pytest\n\n'
            'torch = pytest.importorskip("torch")\n\n\n'
            "@pytest.mark.gpu\ndef test_cuda_is_there() -> None:\n    assert torch.cuda\n\n\n"
            "def test_there_is_none() -> None:\n    assert not torch.cuda\n",
            encoding="utf-8",
        )
    with serving(cuda):
        run(root, "make", "lock", env=env)
        pins = (root / hashes.PINS).read_text(encoding="utf-8").splitlines()
        assert "torch==2.9.0+cpu" in pins and "nvidia-cuda==12.6" in pins
        other = hashes.parse((root / "tools/gpu.txt").read_text(encoding="utf-8"))
        assert list(other) == ["nvidia-nccl==2.27", "torch==2.9.0+cu126"] and all(other.values())
        for verb in (
            ("make", "lock-check"),
            ("make", "lock"),
            ("make", "install"),
            ("make", "test", f"PKG={core}"),
        ):
            run(root, *verb, env=env)
        assert "cu126" not in (root / hashes.PINS).read_text(encoding="utf-8")
        venv = root / (".venv" if python_env == "shared" else f"{core}/.venv")
        (site,) = (venv / "lib").glob("python*/site-packages")
        assert (site / "torch-2.9.0+cpu.dist-info").exists()
        assert not (site / "nvidia_cuda.py").exists() and not (site / "evil.pth").exists()
        output = run(root, ".venv/bin/nox", "-s", f"test-gpu({core})", env=env)
        assert "1 passed" in output
        output = run(root, ".venv/bin/nox", "-s", f"test-gpu({core})", env=env)
        assert "| torch" not in output, "it is filled"
        assert run(root, "bash", "-e", "-c", gpu_step(root), env=env).count("1 passed") == 2

        third = root / api / "build/bundle/third-party"
        run(root, "make", "bundle", f"PKG={api}", "EXTRAS=gpu", env=env)
        wheels = {file.name.partition("-py3")[0] for file in third.glob("*.whl")}
        assert {"torch-2.9.0+cu126", "nvidia_cuda-12.6", "nvidia_nccl-2.27"} <= wheels
        run(root, "make", "bundle", f"PKG={core}", "EXTRAS=ml", env=env)
        assert [*(root / core / "build/bundle/third-party").glob("torch-2.9.0+cpu-*")]
        # A pin that only the other build needs.
        wheel(cuda.wheels, "nvidia_nccl", "2.28")
        run(root, "make", "lock", "UPGRADE=nvidia-nccl", env=env)
        assert "nvidia-nccl==2.28 " in (root / "tools/gpu.txt").read_text(encoding="utf-8")

        # The order of names says nothing; other names do.
        names = 'names = ["torch", "nvidia-*"]'
        other_names = 'names = ["nvidia-*", "torch"]'
        edit(root / "pyproject.toml", names, other_names)
        run(root, "make", "lock-check", env=env)
        edit(root / "pyproject.toml", other_names, 'names = ["nvidia-*", "torch", "triton"]')
        output = run(root, "make", "lock-check", env=env, code=2)
        assert "monorepo: tools/gpu.txt: is out of date; run make lock\n" in output
        run(root, "make", "lock", env=env)
        run(root, "make", "lock-check", env=env)
    assert not [name for name in index.asked if re.match("corp|torch|nvidia", name)]
    assert not [name for name in cuda.asked if not re.match("torch|nvidia", name)]
    assert not [name for name in cpu.asked if not name.startswith("torch")]

    # Without such an index, there is no such file.
    edit(root / "pyproject.toml", gpu.replace(names, 'names = ["nvidia-*", "torch", "triton"]'), "")
    output = run(root, "make", "lock-check", env=env, code=2)
    assert "tools/gpu.txt: no index is for the extra gpu; run make lock\n" in output
