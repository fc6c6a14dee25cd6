"""Pins are well-formed, needed and in step, without a network and without uv or pnpm."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import constraints, workspace
from monorepo.guard import runner
from monorepo.locking import locks

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
HOME = "shared/py/a"
HOOKS, FLOW = ".pre-commit-config.yaml", ".github/workflows/x.yml"
CELL = {"cell_type": "code", "source": ["%pip install flask"], "metadata": {}, "outputs": []}
NOTEBOOK = json.dumps({"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
SECOND = (
    *("requirements.txt", "dev-requirements.txt", "requirements-dev.txt", "requirements/base.txt"),
    *("a/requirements.in", "a/constraints.txt", "uv.lock", "a/uv.lock", "poetry.lock", "pdm.lock"),
    *("Pipfile", "Pipfile.lock", "pixi.lock", "pylock.toml", "pylock.dev.toml", "conda-lock.yml"),
    *("a/package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "bun.lock", "bun.lockb"),
    "a/pnpm-lock.yaml",
)
SITE = ".venv/lib/python3.11/site-packages"


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["pins"])]


def install(write: Write, name: str, *requires: str, venv: str = SITE) -> None:
    lines = "".join(f"Requires-Dist: {text}\n" for text in requires)
    told = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}"
    write({f"{venv}/{name}-1.0.dist-info/METADATA": told})


def pin(write: Write, *lines: str, **requires: str) -> None:
    """Write pins and their hashes, and what each requires."""
    recorded = [
        f"{line} \\\n    --hash=sha256:{'0' * 64}\n"
        + (f"    # requires {names}\n" if (names := requires.get(line.partition("=")[0])) else "")
        for line in lines
    ]
    write(
        {"tools/hashes.txt": "".join(recorded), "constraints.txt": "".join(f"{x}\n" for x in lines)}
    )


@pytest.mark.parametrize(
    ("line", "said", "mended"),
    [
        ("# -r x", "", None),
        ("left==1.0 ; sys_platform == 'win32'  # why", "", None),
        ("--index-url https://x", "has the option --index-url, which applies to all pins", None),
        ("-i=https://x", "has the option -i, which applies to all pins", None),
        ("-e ./x", "has the option -e, which applies to all pins", None),
        ("right[x]==1.0", "extras or hashes, which do not belong in a pin; write", "right==1.0"),
        ("right==1.0 --hash=sha256:a", "extras or hashes", "right==1.0"),
        ("right==1.0 \\", "extras or hashes", "right==1.0"),
        ("    --hash=sha256:a", "has a hash, so pip would require hashes for everything", ""),
        ("right @ https://x/x.whl", "is not a pin; write name==version", None),
        ("right>=1", "is not a pin", None),
        ("right==1.*", "is not a pin", None),
        ("right==1.0,==1.0", "is not a pin", None),
        ("right===1.0", "is not a pin", None),
        ("right", "is not a pin", None),
        ("./right", "is not a pin", None),
    ],
)
def test_lines(root: Path, write: Write, line: str, said: str, mended: str | None) -> None:
    write({"constraints.txt": f"# Pins.\n\n{line}\n"})
    wrong = [one for one in runner.found(workspace.load(root), ["pins"]) if "unused" not in one.id]
    assert len(wrong) == bool(said)
    for one in wrong:
        assert (one.path, one.line) == (
            "constraints.txt",
            3,
        ) and said in f"{one.message}; {one.fix}"
        assert one.lines == (None if mended is None else (mended,) if mended else ())
    # The command that checks the locks says the same, and does not fail.
    assert len(locks.check(workspace.load(root))) == bool(said)
    if mended is not None:
        runner.apply_fixes(workspace.load(root), wrong)
        assert (
            list(constraints.misfits((root / "constraints.txt").read_text(encoding="utf-8"))) == []
        )


@pytest.mark.parametrize(
    ("pins", "twice"),
    [
        ("left==1\nleft==2", True),
        ("left==1\nLeft==1", True),
        ("left==1\nleft==2 ; sys_platform == 'win32'", True),
        ("left==1 ; python_version < '3.12'\nleft==2 ; python_version >= '3.12'", False),
        ("left==1 ; python_version <= '3.12'\nleft==2 ; python_version >= '3.12'", True),
        ("left==1 ; sys_platform != 'win32'\nleft==2 ; sys_platform == 'win32'", False),
    ],
)
def test_a_name_is_pinned_once_in_an_environment(
    root: Path, package: MakePackage, write: Write, pins: str, twice: bool
) -> None:
    package(HOME, "left")
    write({"constraints.txt": f"{pins}\n"})
    said = found(root)
    assert len(said) == twice
    assert all(
        line.startswith("constraints.txt:1: pins.twice: left is pinned twice for") for line in said
    )


def test_what_is_declared_is_pinned(root: Path, package: MakePackage, groups: MakeGroups) -> None:
    """A3: all that any package declares has a pin in the one constraints.txt."""
    package(HOME, "left>=2", x=["right"])
    groups(HOME, test=["deep"])
    assert found(root) == [
        f"{HOME}/pyproject.toml:9: pins.unpinned: left>=2 is pinned to 1.0; run make lock",
        f"{HOME}/pyproject.toml:11: pins.unpinned: right is not pinned; run make lock",
        f"{HOME}/pyproject.toml:14: pins.unpinned: deep is not pinned; run make lock",
    ]


def test_a_url_is_required_by_no_pin(root: Path, package: MakePackage) -> None:
    package(HOME, "odd @ https://x/odd-1-py3-none-any.whl", "left")
    (line,) = [one for one in found(root) if "unused" not in one]
    assert line.startswith(f"{HOME}/pyproject.toml:9: pins.url: odd comes from git or a URL")


def test_a_requirement_is_told_where_it_stands(root: Path, write: Write) -> None:
    text = 'name = "more-left"\n[build.targets.more]\n[envs.x]\ndependencies = [\n  "more",\n]\n'
    write({"hatch.toml": text})
    assert [one.partition(": more")[0] for one in found(root) if "more" in one] == [
        "hatch.toml:5: pins.unpinned"
    ]


def test_what_the_engine_requires_is_pinned(root: Path, give_engine: Callable[..., None]) -> None:
    give_engine("left>=2")
    said = "tools/requirements.txt: pins.unpinned: left>=2 is pinned to 1.0; run make lock"
    lines = found(root)
    assert said in lines
    assert not any(".whl" in line for line in lines)


def test_what_a_sub_template_declares(root: Path, write: Write, templates: Path) -> None:
    path = "tools/templates/shared-py/{{cookiecutter.name}}/pyproject.toml"
    text = (templates / path).read_text(encoding="utf-8")
    write({path: text.replace("dependencies = [", 'dependencies = [\n"right",')})
    assert "tools/templates/shared-py: pins.unpinned: right is not pinned; run make lock" in found(
        root
    )


def test_a_pin_is_required(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(HOME, "left[fast]")
    groups(HOME, docs=["grouped"])
    lines = ["deep==1", "grouped==1", "left==1.0", "lost==1", "own==1", "win==1 ; os_name == 'nt'"]
    pin(write, *lines, left="deep, win", lost="own")
    assert found(root) == [
        f"constraints.txt:{line}: pins.unused: {name} is pinned and not required; run make lock"
        for line, name in ((4, "lost"), (5, "own"))
    ]
    # Of what has no hash, nobody knows what it requires.
    write({"tools/hashes.txt": ""})
    assert {line.split(": ")[1] for line in found(root)} == {"pins.hashes"}


@pytest.mark.parametrize(
    ("pins", "requires", "said"),
    [
        (["left==1.0", "deep==1.0"], {"left": "deep"}, ""),
        (["left==1.0"], {"left": "deep"}, "1: pins.open: left requires deep, which is not pinned"),
    ],
)
def test_the_lock_tells_what_a_pin_requires(
    root: Path,
    package: MakePackage,
    write: Write,
    pins: list[str],
    requires: dict[str, str],
    said: str,
) -> None:
    package(HOME, "left")
    pin(write, *pins, **requires)
    lines = found(root)
    assert len(lines) == bool(said), lines
    assert all(said in line for line in lines), lines


@pytest.mark.parametrize(
    ("requires", "said"),
    [
        (["right"], ""),
        (["right>=2 ; extra == 'other'"], ""),
        (["right>=2 ; python_version < '3.11'"], ""),
        (["right>=2 ; sys_platform == 'emscripten'"], ""),
        (["right[more]>=1,<2"], ""),
        (["no no"], ""),
        (["right>=2"], "requires right>=2, which is pinned to 1.0; run make lock"),
        (["right>=2 ; extra == 'Fast'"], "requires right>=2, which is pinned to 1.0"),
        (["right<1 ; python_version >= '3.13'"], "requires right<1, which is pinned to 1.0"),
        (["right!=1.0 ; sys_platform == 'win32'"], "requires right!=1.0, which is pinned to 1.0"),
        (["lost"], "requires lost, which is not pinned"),
        (["win"], "requires win, which is not pinned"),
    ],
)
@pytest.mark.parametrize("venv", [SITE, f"{HOME}/{SITE}"])
def test_the_metadata_tells_what_a_pin_requires(
    root: Path, package: MakePackage, write: Write, requires: list[str], said: str, venv: str
) -> None:
    package(HOME, "left[fast]")
    pin(write, "left==1.0", "right==1.0", "win==1 ; os_name == 'nt'", left="right, win")
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    if venv != SITE:
        write(
            {"pyproject.toml": text.replace('python-env = "shared"', 'python-env = "per-package"')}
        )
    install(write, "Left", *requires, venv=venv)
    lines = found(root)
    assert len(lines) == bool(said), lines
    assert all(f"pins.open: left 1.0 {said}" in line for line in lines), lines
    checked = locks.check(workspace.load(root))
    assert any(said in line for line in checked) if said else True
    # What is installed is another version than the pin.
    pin(write, "left==1.1", "right==1.0", "win==1 ; os_name == 'nt'", left="right, win")
    assert found(root) == []


def test_a_version_counts_where_it_is_pinned(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(HOME, "left")
    install(write, "Left", "right<2")
    old, new = "; python_version < '3.12'", "; python_version >= '3.12'"
    lefts = (f"left==1.0 {old}", f"left==2.0 {new}")
    pin(write, *lefts, f"right==1.0 {old}", f"right==2.0 {new}", left="right")
    assert found(root) == []
    pin(write, *lefts, f"right==2.0 {old}", f"right==2.1 {new}", left="right")
    (line,) = found(root)
    assert "pins.open: left 1.0 requires right<2, which is pinned to 2.0; run make lock" in line


def test_what_the_base_manifest_lists_is_no_second_lock(root: Path, write: Write) -> None:
    pin(write, "left==1.0")
    write({"requirements.txt": "left>=1\n", "requirements-old.txt": "left>=1\n"})
    base = "schema_version: 1\npython: {requirements: [requirements.txt]}\n"
    write({"base_manifest.yaml": base})
    (line,) = found(root)
    assert line.startswith("requirements-old.txt: pins.second: pins or lists dependencies besides")
    # What it lists is not known.
    write({"base_manifest.yaml": base.replace("1", "2")})
    assert "pins.second" not in str(found(root))


def test_hashes(root: Path, package: MakePackage, write: Write) -> None:
    package(HOME, "left", "right")
    pin(write, "left==1.0", "right==1.0")
    hashed = (root / "tools/hashes.txt").read_text(encoding="utf-8")
    write({"constraints.txt": "left==1.1\nright==1.0\n", "tools/hashes.txt": hashed})
    assert found(root) == [
        "constraints.txt:1: pins.hashes: tools/hashes.txt has no hash of left==1.1; run make lock"
    ]
    hashed = f"left==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    two = hashed + hashed.replace("==1.0", "==1.1") + hashed.replace("left", "right")
    write({"tools/hashes.txt": two})
    assert found(root) == [
        "tools/hashes.txt:1: pins.hashes: left==1.0 is not in constraints.txt; run make lock"
    ]
    write({"tools/hashes.txt": "?"})
    assert [line.split(": ")[1] for line in found(root)] == ["pins.malformed"]


def test_strays_are_left_to_rule_confusion(root: Path, package: MakePackage, write: Write) -> None:
    """Nobody is told to fetch and pin what somebody else may have registered."""
    manifest = package(HOME, "left", "tiny-cor", "tiny-service-x") / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    write({f"{HOME}/pyproject.toml": text.replace("requires = []", 'requires = ["tiny-build"]', 1)})
    write({"constraints.txt": "left==1.0\n", "x.sh": "pip install tiny-a tiny-cor"})
    assert found(root) == []
    assert not any("run make lock" in line for line in locks.check(workspace.load(root)))


TOML = "pyproject.toml"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (TOML, "[tool.uv]\ndev-dependencies = ['flask>=3']", "unpinned: flask>=3 has no exact"),
        (TOML, "[tool.uv]\ndev-dependencies = ['flask==3']", ""),
        (TOML, "[tool.uv]\noverride-dependencies = ['flask']", "unpinned: flask has no exact"),
        (TOML, "[tool.uv]\nconstraint-dependencies = ['flask<4']", ""),
        (TOML, "[tool.uv.extra-build-dependencies]\nx = ['flask==3.*']", "unpinned: flask==3.*"),
        (TOML, "[tool.uv.sources]\nleft = { git = 'https://x/y' }", "url: left comes from git"),
        (TOML, "[tool.uv.sources]\nleft = [{ url = 'https://x/y.whl' }]", "url: left comes from"),
        (TOML, "[tool.uv.sources]\nleft = { index = 'x' }", ""),
        (TOML, "[tool.hatch.envs.x]\ndependencies = ['flask']", "unpinned: flask has no exact"),
        (TOML, "[tool.hatch.envs.x]\nextra-dependencies = ['flask']", "unpinned: flask has no "),
        (TOML, "[tool.pdm.dev-dependencies]\nx = ['flask']", "unpinned: flask has no exact"),
        (TOML, "[tool.poetry.dependencies]\nflask = '^3'", "unpinned: flask has no exact"),
        (TOML, "[tool.poetry.dependencies]\nflask = '3.1.2'\npython = '^3.11'", ""),
        (
            TOML,
            "[tool.poetry.group.x.dependencies]\nflask = {git = 'https://x'}",
            "url: flask comes",
        ),
        (TOML, "[tool.poetry.group.x.dependencies]\nflask = {path = 'x'}", ""),
        (TOML, "[tool.setuptools.packages.find]\nwhere = ['src']", ""),
        (TOML, "[build-system]\nrequires = ['flask']", "unpinned: flask has no exact"),
        ("docs/pyproject.toml", "[project]\ndependencies = ['flask']", "unpinned: flask has"),
        ("tests/data/pyproject.toml", "[project]\ndependencies = ['flask']", ""),
        ("hatch.toml", "[envs.x]\ndependencies = ['flask']", "unpinned: flask has no exact"),
        ("Cargo.toml", "[dependencies]\nserde = '1'", ""),
        ("tox.ini", "[testenv]\ndeps =\n  flask\n  -r x", "unpinned: flask has no exact"),
        ("setup.cfg", "[options]\ninstall_requires =\n  flask", "unpinned: flask has no exact"),
        ("x.py", "# /// script\n# dependencies = ['flask']\n# ///", "unpinned: flask has no ex"),
        ("x.py", "# /// script\n# dependencies = ['flask==3']\n# ///", ""),
        (HOOKS, "a: {additional_dependencies: [types-x]}", "unpinned: types-x has no exact"),
        (HOOKS, "a: {additional_dependencies: ['x@^3']}", "unpinned: x@^3 has no exact"),
        (HOOKS, "a: {additional_dependencies: [x==1, 'y@1.0.0', '@z/y@1.0.0', .]}", ""),
        ("Dockerfile", "RUN pip install flask 'x>=3'", "unpinned: installs flask, x>=3 without"),
        ("Dockerfile", "RUN pip install .", "unpinned: installs . without -c"),
        ("Dockerfile", "RUN pip install --no-deps .", ""),
        ("shared/py/a/x.sh", "pip install -e ../b", ""),
        ("x.sh", "pip install dist/a-1.0-py3-none-any.whl", ""),
        ("Dockerfile", "RUN pip install --no-deps flask", "unpinned: installs flask without"),
        ("Dockerfile", "RUN pip install -c constraints.txt . flask", ""),
        ("Dockerfile", "ENV PIP_CONSTRAINT=c.txt\nRUN pip install flask", ""),
        ("Dockerfile", "RUN pip install git+https://x/y@v1", "url: git+https://x/y@v1 comes"),
        ("Dockerfile", "RUN pip install -r https://x/r.txt", "url: https://x/r.txt comes from"),
        (FLOW, "a: {run: python -m pip install --upgrade pip}", "unpinned: installs pip without"),
        (FLOW, "a: {run: pip install ruff==0.5.1}", ""),
        (FLOW, "a: {run: pip install $PACKAGE}", ""),
        ("x.sh", "uvx ruff check", "unpinned: installs ruff without"),
        ("x.sh", "uvx ruff@latest check", "unpinned: installs ruff@latest without"),
        ("x.sh", "uvx ruff@0.5 check\nuv tool install ruff==0.5", ""),
        ("x.sh", "uv run --with httpx x.py", "unpinned: installs httpx without"),
        ("x.sh", "pipx run black .", "unpinned: installs black without"),
        ("x.sh", "poetry add flask", "unpinned: installs flask without"),
        ("x.sh", "conda install numpy=1.2", ""),
        ("x.sh", "npm install -g x", "unpinned: installs x without"),
        ("x.sh", "npm i -g @x/y@1.2.3", ""),
        ("x.sh", "npx x\nnpx tsc --build", ""),
        ("x.sh", "npx -y x", "unpinned: installs x without"),
        ("x.sh", "npx x@latest", "unpinned: installs x@latest without"),
        ("x.sh", "pnpm dlx x@1", "unpinned: installs x@1 without"),
        ("x.sh", "bun add x", "unpinned: installs x without"),
        ("x.sh", "npm i github:x/y", "url: github:x/y comes from"),
        ("Makefile", "x:\n\tpip install flask\n", "unpinned: installs flask without"),
        ("noxfile.py", "def x(s):\n    s.install('flask')", "unpinned: installs flask without"),
        ("x.ipynb", NOTEBOOK, "unpinned: installs flask without"),
        *((path, "x", "second: pins or lists dependencies besides") for path in SECOND),
        ("environment.yml", "dependencies: [numpy]", "second: pins or lists dependencies"),
        ("k8s/environment.yml", "a: 1", ""),
        ("tests/fixtures/requirements.txt", "flask", ""),
        ("docs/package.json", '{"dependencies": {"x": "1"}}', "unpinned: requires x, and pnpm-l"),
        ("docs/package.json", '{"dependencies": {"x": "git+ssh://x"}}', "url: x comes from git"),
    ],
)
def test_files(root: Path, write: Write, path: str, text: str, said: str) -> None:
    if path == TOML:
        text = f"{(root / TOML).read_text(encoding='utf-8')}\n{text}"
    write({"constraints.txt": "", path: text})
    lines = [line for line in found(root) if not line.startswith("constraints.txt")]
    assert len(lines) == bool(said) or "package.json" in path, lines
    assert not said or any(f"pins.{said}" in line and line.startswith(path) for line in lines), (
        lines
    )


def test_what_is_no_package_of_the_repository_can_become_one(root: Path, write: Write) -> None:
    text = "from setuptools import setup\nsetup(name='x', install_requires=['flask>=3'])\n"
    write({"constraints.txt": "", "legacy/x/setup.py": text})
    assert found(root) == [
        "legacy/x/setup.py:2: pins.unpinned: flask>=3 has no exact version, and no lock covers it;"
        " make a package of its folder, or write name==version"
    ]


PNPM = f"pnpm@12.0.1+sha512.{'ab' * 64}"


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"packageManager": PNPM}, ""),
        ({"packageManager": "pnpm@12.0.1"}, "packageManager has no hash"),
        ({"packageManager": "pnpm@12.0.1+sha512.abc"}, "packageManager has no hash"),
        ({"packageManager": "pnpm@^12"}, "packageManager is not an exact pnpm"),
        ({"packageManager": "pnpm@12"}, "packageManager is not an exact pnpm"),
        ({"packageManager": "npm@12.0.1"}, "packageManager is not an exact pnpm"),
        ({"packageManager": "pnpm@file:./evil"}, "packageManager is not an exact pnpm"),
        ({"packageManager": 1}, "packageManager is not an exact pnpm"),
        ({}, "has no packageManager"),
        ({"packageManager": PNPM, "overrides": {}}, "pnpm does not read overrides here"),
        ({"packageManager": PNPM, "pnpm": {}}, "pnpm does not read pnpm here"),
        (
            {"packageManager": PNPM, "monorepo": {"pnpm": {"evil": "x"}}},
            "monorepo.pnpm: evil is not @pnpm/exe",
        ),
    ],
)
def test_pnpm_is_exact(
    javascript: Path, write: Write, manifest: dict[str, object], said: str
) -> None:
    write({"package.json": json.dumps(manifest, indent=2), "pnpm-lock.yaml": LOCK})
    write({"constraints.txt": ""})
    wrong = found(javascript)
    assert len(wrong) == bool(said)
    assert all(line.startswith("package.json") and said in line for line in wrong)


LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"


def test_a_broken_root_is_one_finding(javascript: Path, write: Write) -> None:
    lock = LOCK.replace(
        ".: {}", ".:\n    dependencies:\n      left:\n        specifier: ^1\n        version: 1.0.0"
    )
    write({"package.json": "<<<<<<< a\n", "pnpm-lock.yaml": lock})
    wrong = [str(one) for one in runner.guard(workspace.load(javascript), ["pins"])]
    assert [one for one in wrong if "package.json" in one and "templates" not in one] == [
        "package.json:1: unreadable: has a conflict marker of git; resolve the conflict"
    ]


SETTINGS = "packages:\n  - shared/js/*\n\ncatalog:\n  right: 2.0.0\n"
CATALOG = """lockfileVersion: '9.0'

catalogs:
  default:
    right:
      specifier: 2.0.0
      version: 2.0.0

importers:

  .: {}

  shared/js/a:
    dependencies:
      left:
        specifier: ^1
        version: 1.0.0
      right:
        specifier: 'catalog:'
        version: 2.0.0

packages:

  left@1.0.0:
    resolution: {integrity: sha512-l}

  right@2.0.0:
    resolution: {integrity: sha512-r}

snapshots:

  left@1.0.0: {}

  right@2.0.0: {}
"""
A, SET = "shared/js/a/package.json", "pnpm-workspace.yaml"
DRAFT = "tools/templates/shared-js/{{cookiecutter.name}}/package.json"


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        (SET, "x", "x", ""),
        (SET, "2.0.0", "2.1.0", f"{SET}:5: pins.lock: pnpm-lock.yaml has right 2.0.0, not 2.1.0"),
        (SET, "right: 2.0.0", "left: 1", f"{SET}: pins.lock: pnpm-lock.yaml has right 2.0.0, not"),
        (SET, "2.0.0", "github:x/y", f"{SET}:5: pins.url: right comes from git or a URL"),
        (SET, "cat", "overrides: {left: 1}\ncat", f"{SET}:4: pins.lock: the overrides in pnpm-"),
        (SET, "cat", "overrides: {left: 'git@x:y'}\ncat", f"{SET}:4: pins.url: left comes from"),
        (SET, "cat", "catalogs: {default: {x: 1}}\ncat", ""),
        (A, '"^1"', '"git+https://x/y.git"', f"{A}:4: pins.url: left comes from git or a URL"),
        (A, '"^1"', '"x/y#v1"', f"{A}:4: pins.url: left comes from git or a URL"),
        (A, '"^1"', '"https://x/y.tgz"', f"{A}:4: pins.url: left comes from git or a URL"),
        (A, '"^1"', '"^2"', f"{A}:4: pins.lock: pnpm-lock.yaml has left ^1, not ^2"),
        (A, '"left": "^1",', "", f"{A}: pins.lock: pnpm-lock.yaml has left, which is not declared"),
        (A, '"^1"', '"^1", "new": "1"', f"{A}:4: pins.lock: pnpm-lock.yaml lacks new"),
        ("pnpm-lock.yaml", "shared/js/a:", "shared/js/z:", f"{A}:2: pins.lock: pnpm-lock.yaml lac"),
        ("pnpm-lock.yaml", "shared/js/a:", "shared/js/z:", "pnpm-lock.yaml: pins.lock: has sha"),
        ("pnpm-lock.yaml", "importers:", "importers: [", "pnpm-lock.yaml: unreadable: is not as "),
        ("pnpm-lock.yaml", "left@1.0.0", "lift@1.0.0", "pnpm-lock.yaml: pins.lock: lacks left@1."),
        (
            "pnpm-lock.yaml",
            "      left:\n        specifier: ^1\n        version: 1.0.0\n",
            "",
            "pnpm-lock.yaml:21: pins.unused: left@1.0.0 is locked and not required; run make lock",
        ),
        (
            "tools/pnpm-lock.yaml",
            "importers:",
            "importers: [",
            "tools/pnpm-lock.yaml: unreadable: is not ",
        ),
        (DRAFT, "^1", "^2", "tools/templates/shared-js: pins.lock: tools/pnpm-lock.yaml has left"),
    ],
)
def test_the_settings_of_pnpm(
    javascript: Path, write: Write, path: str, old: str, new: str, said: str
) -> None:
    asked = {"left": "^1", "right": "catalog:"}
    manifest = json.dumps({"name": "@tiny/a", "dependencies": asked}, indent=1)
    write({"constraints.txt": "", A: manifest, SET: SETTINGS, "pnpm-lock.yaml": CATALOG})
    text = (javascript / path).read_text(encoding="utf-8")
    write({path: text.replace(old, new, 1)})
    lines = found(javascript)
    assert any(line.startswith(said) for line in lines) if said else lines == [], lines
    if path in (SET, A) and said:
        assert len(lines) == 1, lines
    # The command that checks the locks says the same.
    if "pins.lock" in said or "unreadable" in said:
        what = said.rpartition(": ")[2]
        assert any(what in line for line in locks.check(workspace.load(javascript)))
