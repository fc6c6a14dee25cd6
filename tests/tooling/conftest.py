"""A tiny monorepo to try the tooling on, with packages and sub-templates of its own.

The repository that these tests stand in may have any packages, or none: nothing here looks at it.
"""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from monorepo.core.engine import Engine
from monorepo.environments import virtualenv
from monorepo.environments.virtualenv import Environment
from monorepo.guard import catalog, runner
from monorepo.guard.findings import Finding
from monorepo.programs import pnpm as monorepo_pnpm
from monorepo.programs.git import Git
from monorepo.templating.template import ENGINE

SOURCES = ENGINE.parent
# No test takes as many seconds, on a machine that does much else.
LONGEST = 90

# A rule that breaks off is a defect, and no finding.
os.environ["MONOREPO_TRACEBACK"] = "1"

_shown = runner._shown


def _held(finding: Finding) -> Finding:
    """Hold each finding of our rules to what a person can read at a glance."""
    if finding.rule in catalog.RULES and finding.rule != "unreadable":
        for text in (finding.message, finding.fix):
            # Names and paths, which users choose, are not counted.
            words = [word for word in text.split() if word.strip(":()").isalpha()]
            assert len(" ".join(words)) <= 100, text
            assert "\n" not in text
    return _shown(finding)


runner._shown = _held

FACTS = """\
[dependency-groups]
dev = []

[tool.monorepo]
project-name = "Tiny"
namespace = "tiny"
python = "3.11"
python-env = "shared"
license = "MIT"
author-name = "Ann \\"A\\" Onymous"
author-email = ""
"""

# Builds without any other package: an installation needs no index.
BACKEND = """\
import os, tomllib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with open("pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    name = project["name"].replace("-", "_") + "-1.0"
    lines = ["Metadata-Version: 2.1", "Name: " + project["name"], "Version: 1.0"]
    lines += ["Requires-Dist: " + text for text in project.get("dependencies", [])]
    for extra, texts in project.get("optional-dependencies", {}).items():
        lines.append("Provides-Extra: " + extra)
        lines += [f"Requires-Dist: {text}; extra == '{extra}'" for text in texts]
    wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {"METADATA": "\\n".join(lines) + "\\n", "WHEEL": wheel, "RECORD": ""}
    with zipfile.ZipFile(os.path.join(wheel_directory, name + "-py3-none-any.whl"), "w") as made:
        made.writestr(name + ".pth", os.path.abspath("src") + "\\n")
        for file, text in files.items():
            made.writestr(f"{name}.dist-info/{file}", text)
    return name + "-py3-none-any.whl"
"""

PYTHON_TEMPLATE = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{{ cookiecutter.distribution }}"
version = "1.0"
description = {{ cookiecutter.title|oneline|quote }}
authors = [{ name = {{ cookiecutter.author_name|quote }} }]
dependencies = [
{% for dependency in cookiecutter.dependencies %}
    {{ dependency.requirement|quote }},
{% endfor %}
]
{% if cookiecutter.port is defined %}

[tool.monorepo]
port = {{ cookiecutter.port }}
{% endif %}
"""

WHEEL = "tools/cookiecutter_monorepo-1.0-py3-none-any.whl"

NODE_TEMPLATE = """\
{
  "name": "{{ cookiecutter.npm_name }}",
  "description": {{ cookiecutter.title|quote }},
  "dependencies": {
{% for dependency in cookiecutter.dependencies %}
    "{{ dependency.npm_name }}": "workspace:*",
{% endfor %}
    "left": "^1"
  }
}
"""

NODE_LOCK = """\
lockfileVersion: '9.0'

importers:

  .: {}

  templates/shared-js:
    dependencies:
      left:
        specifier: ^1
        version: 1.0.0

packages:

  left@1.0.0:
    resolution: {integrity: sha512-l}

snapshots:

  left@1.0.0: {}
"""


def record(root: Path) -> None:
    """Write the tools/hashes.txt of what is pinned, as far as there are files of it."""
    text = ""
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        pin = line.partition("#")[0].strip()
        name, equals, version = pin.partition(" ")[0].partition("==")
        files = sorted((root.parent / "wheels").glob(f"{name}-{version}-*")) if equals else []
        hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files] or ["0" * 64]
        if pin:
            words = [pin, *(f"--hash=sha256:{one}" for one in hashes)]
            text += " \\\n    ".join(words) + "\n"
    (root / "tools/hashes.txt").write_text(text, encoding="utf-8")


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """Have a test fail that waits for what never comes, such as a service that cannot start."""

    def late(*_: object) -> None:
        raise TimeoutError(f"waited for {LONGEST} s")

    was = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, was)


@pytest.fixture(scope="session", autouse=True)
def own_modules() -> Iterator[None]:
    """Let a process that a test starts anywhere import this engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SOURCES))
        yield


# The pnpm that package.json pins; nobody has its bytes.
MANAGER = {
    "packageManager": f"pnpm@12.0.1+sha512.{'ab' * 64}",
    "monorepo": {"pnpm": {monorepo_pnpm.program_package(): f"sha512-{'A' * 86}=="}},
}


def _write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        try:
            (root / path).write_text(text, encoding="utf-8")
        except FileNotFoundError:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    if "constraints.txt" in files and "tools/hashes.txt" not in files:
        record(root)


@pytest.fixture
def write(root: Path) -> Callable[[dict[str, str]], None]:
    """Write files below the tiny monorepo."""
    return lambda files: _write(root, files)


def _engine(root: Path, *requires: str) -> None:
    """Write the wheel of an engine that does nothing, and the line that names it."""
    _wheel(root / WHEEL, *requires, files={"monorepo/__main__.py": ""})
    digest = hashlib.sha256((root / WHEEL).read_bytes()).hexdigest()
    _write(root, {"tools/requirements.txt": Engine(root, WHEEL, digest).text})


def _wheel(file: Path, *requires: str, files: dict[str, str] | None = None) -> None:
    """Write a wheel; its file tells the name and the version."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_archive(file.name, requires, tuple((files or {}).items())))


@cache
def _archive(file: str, requires: tuple[str, ...], files: tuple[tuple[str, str], ...]) -> bytes:
    name, version, _ = file.split("-", 2)
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    made = {
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        **dict(files),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in made.items():
            archive.writestr(path, text)
    return content.getvalue()


@pytest.fixture
def give_engine(root: Path) -> Callable[..., None]:
    """Give the tiny monorepo another engine: what it requires."""
    return lambda *requires: _engine(root, *requires)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a monorepo without packages and sub-templates, at a path that is no easy one."""
    root = tmp_path / "a b ü"
    files = {
        "pyproject.toml": FACTS,
        "constraints.txt": "# Pins.\nleft==1.0\nuv==9.9\n",
    }
    _engine(root)
    _write(root, files)
    return root


@pytest.fixture
def templates(root: Path) -> Path:
    """Give the tiny monorepo sub-templates for Python."""
    title = "{{ cookiecutter.name|title }}"
    runtime = {"title": "Runtime"}
    service = {"title": title, "_port": 8000, "_requires": {"shared/py/service": "py-runtime"}}
    questions = {"py-runtime": runtime, "services-py": service, "shared-py": {"title": title}}
    for template, asked in questions.items():
        made = "{{cookiecutter.name}}"
        files = {
            "cookiecutter.json": json.dumps(asked),
            f"{made}/pyproject.toml": PYTHON_TEMPLATE,
            f"{made}/src/{{{{cookiecutter.import_name}}}}.py": "",
        }
        _write(root / "tools/templates" / template, files)
    return root


@pytest.fixture
def javascript(root: Path) -> Path:
    """Give the tiny monorepo a JavaScript side."""
    _write(
        root,
        {
            "package.json": json.dumps({**MANAGER, "name": "tiny"}, indent=2) + "\n",
            "pnpm-workspace.yaml": "packages: []\n",
            "tools/pnpm-lock.yaml": NODE_LOCK,
            "tools/templates/shared-js/cookiecutter.json": '{"title": "It"}',
            "tools/templates/shared-js/{{cookiecutter.name}}/package.json": NODE_TEMPLATE,
        },
    )
    return root


@pytest.fixture
def pnpm(javascript: Path) -> Callable[[str], None]:
    """Put a program in pnpm's place, as if it were the one that is pinned."""

    def pnpm(text: str) -> None:
        link, folder = javascript / ".venv/bin/pnpm", javascript / ".venv/lib/node_modules/pnpm"
        _write(javascript, {".venv/bin/npm": "", ".venv/lib/node_modules/pnpm/pnpm": text})
        (folder / "pnpm").chmod(0o755)
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to("../lib/node_modules/pnpm/pnpm")
        monorepo_pnpm.note(folder, monorepo_pnpm.pin(javascript))

    return pnpm


@pytest.fixture
def package(root: Path) -> Callable[..., Path]:
    """Write a Python package by hand: its path, its requirements, and those of its extras."""

    def package(path: str, *requires: str, **extras: list[str]) -> Path:
        kind, _, name = path.split("/")
        prefix = {"services": "svc-", "apps": "app-"}.get(kind, "")
        distribution = f"tiny-{prefix}{name}"
        lines = "".join(f"{extra} = {json.dumps(texts)}\n" for extra, texts in extras.items())
        manifest = (
            'build-system = { requires = [], build-backend = "backend", backend-path = ["."] }\n'
            '\n\n[project]\nclassifiers = ["Private :: Do Not Upload"]\n'
            f'name = "{distribution}"\nversion = "1.0"\n'
            f"requires-python = '>=3.11'\n"
            f"dependencies = {json.dumps(requires)}\n[project.optional-dependencies]\n{lines}"
        )
        module = f"{path}/src/{distribution.replace('-', '_')}/__init__.py"
        files = {f"{path}/pyproject.toml": manifest, f"{path}/backend.py": BACKEND, module: ""}
        _write(root, files)
        return root / path

    return package


@pytest.fixture
def dependency_set(root: Path, package: Callable[..., Path]) -> Callable[..., Path]:
    """Write a package without code by hand: its path, its requirements, and those of its extras."""

    def dependency_set(path: str, *requires: str, **extras: list[str]) -> Path:
        folder = package(path, *requires, **extras)
        shutil.rmtree(folder / "src")
        with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write("\n[tool.setuptools]\npackages = []\n")
        return folder

    return dependency_set


@pytest.fixture
def groups(root: Path) -> Callable[..., None]:
    """Give a Python package that was written by hand groups: its path, and what is in each."""

    def groups(path: str, **groups: list[str]) -> None:
        lines = "".join(f"{group} = {json.dumps(texts)}\n" for group, texts in groups.items())
        with (root / path / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[dependency-groups]\n{lines}")

    return groups


@pytest.fixture
def tree(root: Path) -> Callable[[], dict[str, tuple[int, bytes]]]:
    """Take a picture of the tiny monorepo: the mode and the content of all that is in it."""

    def picture() -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(root)): (
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in root.rglob("*")
        }

    return picture


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep what uv learns for the next test, and away from the user's own cache."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def wheels(tmp_path: Path, uv_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that uv takes for the index: wheels put there are all that there is."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    scripts = sysconfig.get_path("scripts")
    told = {
        # uv keeps its locks there.
        "TMPDIR": str(tmp_path),
        "UV_CACHE_DIR": str(uv_cache),
        "UV_FIND_LINKS": str(folder),
        "UV_NO_CONFIG": "1",
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def wheel(root: Path, wheels: Path) -> Callable[..., None]:
    """Make a wheel of a package that no index has: its name, version, requirements, files.

    If it is pinned, it is recorded.
    """

    def wheel(name: str, version: str, *requires: str, files: dict[str, str] | None = None) -> None:
        file = wheels / f"{name}-{version}-py3-none-any.whl"
        _wheel(file, *requires, files=files)
        record(root)

    return wheel


@pytest.fixture
def uv(root: Path, wheels: Path) -> Path:
    """Put uv and Python where the root's environment has them."""
    scripts = Path(sysconfig.get_path("scripts"))
    venv = root / ".venv/bin"
    venv.mkdir(parents=True)
    for name in ("uv", "python"):
        (venv / name).symlink_to(scripts / name)
    return venv / "uv"


@pytest.fixture
def fill() -> Callable[[Environment], None]:
    """Have an environment be as its pins have it, without anything in it."""

    def fill(environment: Environment) -> None:
        folder = environment.folder
        (folder / "lib/python3.11/site-packages").mkdir(parents=True, exist_ok=True)
        environment.python.parent.mkdir(exist_ok=True)
        if not environment.python.exists():
            environment.python.symlink_to(os.path.realpath(sys.executable))
        (folder / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
        layers = [environment, replace(environment, wanted={}, groups={})]
        stamp = {
            "folder": str(folder),
            "python": virtualenv._identity(environment.python),
            "entries": virtualenv._entries(folder),
            "layers": {layer.layer: layer._digest([]) for layer in layers},
        }
        (folder / virtualenv.STAMP).write_text(json.dumps(stamp), encoding="utf-8")

    return fill


@pytest.fixture
def git(root: Path) -> Git:
    """Give the tiny monorepo a repository."""
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return Git(root)


@pytest.fixture
def save(git: Git) -> Callable[[], str]:
    """Commit everything, and return the commit."""

    def save() -> str:
        git.run("add", "--all", "--force")
        git.run("commit", "--quiet", "--allow-empty", "--message", "all")
        return git.text("rev-parse", "HEAD")

    return save
