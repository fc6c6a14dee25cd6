"""Files of images are right by their own tools, pin their base, and are never overwritten."""

import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from monorepo.core import workspace
from monorepo.delivery import images
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]
API, WEB, CORE = "services/py/api", "services/js/web", "shared/py/core"
PYTHON, NODE = f"python:3.11-slim@sha256:{'1a' * 32}", f"node:24-slim@sha256:{'2b' * 32}"
SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.fixture(autouse=True)
def services(root: Path, package: MakePackage, write: Write) -> None:
    """Write a service in each language."""
    file = package(API) / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\n[tool.monorepo]\nport = 8123\n", encoding="utf-8")
    manifest = '{"name": "@tiny/svc-web", "monorepo": {"port": 3123}}'
    write({f"{API}/src/tiny_svc_api/main.py": "", f"{WEB}/package.json": manifest})


def write_images(root: Path, base: str, *paths: str, dry_run: bool = False) -> list[str]:
    space = workspace.load(root)
    return images.write(space, space.select(paths), base, dry_run=dry_run)


def refused(root: Path, base: str, *paths: str) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        write_images(root, base, *paths)
    return caught.value.mistakes


def hadolint(text: str) -> str:
    """Return what hadolint finds in a Dockerfile."""
    command = [str(SCRIPTS / "hadolint"), "--no-color", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stdout), done.stderr
    return done.stdout


def read(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "base", "said"),
    [
        (API, PYTHON, ["python", "tiny_svc_api.main", "PORT=8123", "pip --python .venv check"]),
        (WEB, NODE, ["node", "dist/main.js", "PORT=3123", "NODE_ENV=production"]),
    ],
)
def test_a_dockerfile_has_nothing_that_hadolint_would_change(
    root: Path, path: str, base: str, said: list[str]
) -> None:
    written = [f"wrote {path}/Dockerfile", f"wrote {path}/.dockerignore", "wrote compose.yaml"]
    assert write_images(root, base, path) == written
    text = read(root, f"{path}/Dockerfile")
    assert f"\nFROM {base}\n" in text
    assert [word for word in said if word not in text] == []
    assert hadolint(text) == ""
    order = [text.index(f"build/bundle/{layer}") for layer in ("third-party", "internal", "app")]
    assert order == sorted(order)
    assert text.index("\nUSER 10001:10001\n") < text.index("\nCMD [")
    # What is in the folder beside the bundle, such as .env, is in no image.
    ignored = read(root, f"{path}/.dockerignore").splitlines()
    assert [line for line in ignored if line[0] != "#"] == ["*", "!build/bundle"]


def test_hadolint_would_find_a_base_that_may_move(root: Path) -> None:
    write_images(root, PYTHON, API)
    text = read(root, f"{API}/Dockerfile").replace(PYTHON, "python")
    assert "DL3006" in hadolint(text)


def test_compose_knows_all_services_with_a_dockerfile(root: Path) -> None:
    write_images(root, PYTHON, API)
    write_images(root, NODE, WEB)
    file = root / "compose.yaml"
    ports = {"py-api": ["127.0.0.1:8123:8123"], "js-web": ["127.0.0.1:3123:3123"]}
    found = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    assert {name: service["ports"] for name, service in found.items()} == ports
    assert {service["build"] for service in found.values()} == {API, WEB}
    program = str(SCRIPTS / "check-jsonschema")
    command = [program, "--builtin-schema", "vendor.compose-spec", str(file)]
    subprocess.run(command, check=True, capture_output=True)

    file.unlink()
    assert write_images(root, "", API) == ["wrote compose.yaml"]
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["services"] == found


def test_what_a_team_has_in_compose_stays(root: Path, write: Write) -> None:
    own = "services: # ours\n  db:\n    image: db\n  js-web: {image: web}\nvolumes: {}\n"
    write({"compose.yaml": own})
    write_images(root, PYTHON, API)
    write_images(root, NODE, WEB)
    text = read(root, "compose.yaml")
    assert text.startswith("services: # ours\n  py-api:\n    build: services/py/api\n")
    assert text.endswith(own.partition("\n")[2])


@pytest.mark.parametrize(
    "own",
    ["services: {db: {image: db}}\n", "services:\n    db:\n        image: db\n", "volumes: {}\n"],
)
def test_a_compose_file_without_a_place_is_left_alone(
    root: Path, write: Write, tree: Tree, own: str
) -> None:
    write({"compose.yaml": own})
    before = tree()
    (told,) = refused(root, PYTHON, API)
    assert told == ("compose.yaml: has no place for py-api; write it there, or remove the file")
    assert tree() == before


@pytest.mark.parametrize("own", ["services: [", "services: []\n", "a: 1\na: 2\n"])
def test_a_broken_compose_file_is_told(root: Path, write: Write, own: str) -> None:
    write({"compose.yaml": own})
    (told,) = refused(root, PYTHON, API)
    assert told.startswith("compose.yaml")


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
def test_what_a_team_has_changed_is_never_overwritten(root: Path, tree: Tree, name: str) -> None:
    write_images(root, PYTHON, API)
    again = ["every file is as it would be written"]
    assert write_images(root, "", API) == write_images(root, PYTHON, API) == again
    file = root / API / name
    file.write_text(file.read_text(encoding="utf-8") + "# Ours.\n", encoding="utf-8")
    before = tree()
    advice = "DRY_RUN=1 shows the difference; remove it to have it written anew"
    assert refused(root, "", API) == (f"{API}/{name}: exists, and is yours; {advice}",)
    shown = write_images(root, "", API, dry_run=True)
    assert shown[:2] == [f"--- a/{API}/{name}", f"+++ b/{API}/{name}"]
    assert "-# Ours." in shown
    assert tree() == before


def test_a_dry_run_shows_what_would_be_added(root: Path, tree: Tree) -> None:
    before = tree()
    shown = write_images(root, PYTHON, API, dry_run=True)
    assert shown == [f"+ {API}/Dockerfile", f"+ {API}/.dockerignore", "+ compose.yaml"]
    assert tree() == before


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("", "BASE: is not given; write BASE=python:3.11-slim@sha256:… "),
        ("python", "BASE: python: has no digest; write BASE=python@sha256:… "),
        ("python:3.11-slim@sha256:12", "BASE: python:3.11-slim@sha256:12: has no digest; "),
        (f"{PYTHON}\nRUN x", "BASE: python:3.11-slim@sha256:"),
        (f"$(x)@sha256:{'1a' * 32}", "BASE: $(x)@sha256:"),
        (f"--platform=x {PYTHON}", "BASE: --platform=x python:3.11-slim@sha256:"),
    ],
)
def test_a_base_without_a_digest_is_refused(root: Path, tree: Tree, base: str, told: str) -> None:
    before = tree()
    (line,) = refused(root, base, API)
    assert line.startswith(told)
    assert " that `docker buildx imagetools inspect " in line
    assert tree() == before


def test_every_mistake_is_told_at_once(root: Path, package: MakePackage) -> None:
    package(CORE)
    package("services/py/bare")
    told = refused(root, PYTHON, CORE, "services/py/bare", WEB)
    assert told == (
        f"{CORE}: is not a service; `make list` shows the packages",
        "services/py/bare/pyproject.toml: has no port; write one, as a new service has it",
        "BASE: is for one language; name its services with PKG",
    )
    assert refused(root, "") == ("PKG: there is no service here; add one with make new",)


@pytest.mark.parametrize("path", [f"{API}/Dockerfile", f"{API}/.dockerignore", "compose.yaml"])
def test_a_link_to_a_device_is_not_read(root: Path, path: str) -> None:
    (root / path).symlink_to("/dev/zero")
    assert refused(root, PYTHON, API) == (f"{path}: leads to a device; restore it from git",)
    if path.endswith("Dockerfile"):
        assert refused(root, "", API)[0].startswith("BASE: is not given")
