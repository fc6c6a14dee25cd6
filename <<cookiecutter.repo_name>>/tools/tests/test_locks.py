"""Pins are in step with what is declared, and only what is external is pinned."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import locks, workspace
from monorepo.errors import TaskError

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


@pytest.fixture(autouse=True)
def template(write: Write) -> str:
    """Have a sub-template that declares nothing, and requires a package of another one."""
    folder = "templates/sample"
    manifest = f"{folder}/{{{{cookiecutter.name}}}}/pyproject.toml"
    asked = '{"title": "x", "_requires": {"shared/py/service": "sample"}}'
    write({f"{folder}/cookiecutter.json": asked, manifest: '[project]\nname = "tiny-sample"\n'})
    return manifest


@pytest.fixture
def index(wheels: Path, uv: Path) -> Path:
    """Have two versions of `left`, which wants `right`, to choose from."""
    assert uv.exists()
    for name, version, needs in (
        ("left", "1.0", "right"),
        ("left", "2.0", "right>=1.5"),
        ("right", "1.0", ""),
        ("right", "2.0", ""),
    ):
        wants = f"Requires-Dist: {needs}\n" if needs else ""
        told = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wants}"
        files = {"METADATA": told, "RECORD": "", "WHEEL": "Wheel-Version: 1.0\n"}
        file = wheels / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as archive:
            for part, text in files.items():
                archive.writestr(f"{name}-{version}.dist-info/{part}", text)
    return wheels


def pinned(root: Path) -> list[str]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_lock_adds_what_is_missing_and_keeps_the_rest(
    root: Path, index: Path, package: MakePackage, write: Write, tree: Tree
) -> None:
    assert index.exists()
    write({"constraints.txt": "left==1.0\nunused==1.0\n"})
    package("shared/py/core", "left", lite=["right>=1 ; sys_platform == 'win32'"])
    package("services/py/api", "tiny-core[lite]")
    space = workspace.load(root)
    wrong = "shared/py/core/pyproject.toml: right>=1 ; sys_platform == 'win32' is not pinned"
    assert locks.check(space) == [f"{wrong}; run make lock"]
    assert locks.lock(space, []) == [
        "| pin    | before | after |",
        "| ------ | ------ | ----- |",
        "| right  | none   | 2.0   |",
        "| unused | 1.0    | none  |",
    ]
    assert pinned(root) == ["left==1.0", "right==2.0"]
    assert (root / "constraints.txt").read_text(encoding="utf-8").startswith(locks.HEADER)
    assert locks.check(space) == []
    assert locks.outdated(space)[2:] == ["| left | 1.0    | 2.0   |"]
    then = tree()
    assert locks.lock(space, []) == []
    assert tree() == then
    locks.lock(space, ["left"])
    assert pinned(root) == ["left==2.0", "right==2.0"]
    write({"constraints.txt": "left==1.0\nright==1.0\n"})
    locks.lock(space, ["all"])
    assert pinned(root) == ["left==2.0", "right==2.0"]
    assert locks.outdated(space) == []


def test_the_pins_that_moved_are_told_once_for_both_languages() -> None:
    head = "lockfileVersion: '9.0'\n"
    block = "\n  '{0}':\n    resolution: {{integrity: sha512-x}}\n"
    before = {
        "constraints.txt": "# A==1\nleft==1.0 ; python_version < '3.12'\nleft==1.1\nsame==1\n",
        "pnpm-lock.yaml": f"{head}\npackages:\n{block.format('@s/right@1.0.0')}",
        "templates/pnpm-lock.yaml": "",
        "pnpm-workspace.yaml": "catalog:\n  a: 1\n",
    }
    after = {
        "constraints.txt": "left==1.1\nsame==1\n",
        "pnpm-lock.yaml": f"{head}\npackages:\n{block.format('@s/right@2.0.0')}",
        "templates/pnpm-lock.yaml": f"{head}\npackages:\n{block.format('@s/right@2.0.0')}",
        "pnpm-workspace.yaml": "catalog:\n  a: 2\n",
    }
    assert locks.moved(before, before) == []
    assert [line.split() for line in locks.moved(before, after)[2:]] == [
        "| @s/right | 1.0.0 | 2.0.0 |".split(),
        "| left | 1.0 ; python_version < '3.12', 1.1 | 1.1 |".split(),
    ]


def test_lock_changes_nothing_when_there_is_no_solution(
    root: Path, index: Path, package: MakePackage, tree: Tree
) -> None:
    assert index.exists()
    package("shared/py/core", "right>=2")
    package("shared/py/other", "Right[x]<2", "left")
    then = tree()
    with pytest.raises(TaskError) as raised:
        locks.lock(workspace.load(root), [])
    assert tree() == then
    head, core, other, left, command, *said = str(raised.value).splitlines()
    assert head.startswith("lock: no versions satisfy all that is declared; ")
    assert core == "  shared/py/core/pyproject.toml: right>=2"
    assert other == "  shared/py/other/pyproject.toml: Right[x]<2"
    assert left == "  shared/py/other/pyproject.toml: left"
    assert "/uv' pip compile" in command
    assert any("No solution found" in line for line in said)


def test_what_sub_templates_declare_is_pinned_too(root: Path, write: Write, template: str) -> None:
    name = '[project]\nname = "{{ cookiecutter.distribution }}"\ndependencies = ["right>=1"]\n'
    write({template: f'{name}[build-system]\nrequires = ["maker>=1", "left"]\n'})
    assert locks.check(workspace.load(root)) == [
        f"shared/py/sample/pyproject.toml: {asked}>=1 is not pinned; run make lock"
        for asked in ("maker", "right")
    ]


def test_local_names_are_never_asked_of_an_index(root: Path, package: MakePackage) -> None:
    package("shared/py/core", "Tiny.Service", "tiny-api", "monorepo_tools", "tiny-other")
    space = workspace.load(root)
    names = locks.internal_names(space)
    assert names == {"tiny-core", "tiny-service", "@tiny/service", "monorepo-tools"}
    declared = list(locks.declared(space, []))
    assert ("shared/py/core/pyproject.toml", "tiny-api") in declared
    assert {one.text for one in declared} == {"tiny-api", "tiny-other"}


@pytest.mark.parametrize(
    ("asked", "pins", "wrong"),
    [
        ("left>=1", "left==1.0", ""),
        ("Left[x]>=1", "left==1.0", ""),
        ("left>=1a0", "left==1.0b1", ""),
        ("left>=2", "left==1.0", "left>=2 is pinned to 1.0; run make lock"),
        ("left", "right==1.0", "left is not pinned; run make lock"),
        ("left", "", "left is not pinned; run make lock"),
        ("left ; python_version < '3'", "", ""),
        ("left ; sys_platform == 'win32'", "left==1 ; sys_platform == 'win32'", ""),
        ("left", "left==1 ; sys_platform == 'win32'", "left is not pinned; run make lock"),
        (
            "left>=2 ; python_version >= '3.12'",
            "left==1 ; python_full_version < '3.12'\nleft==2 ; python_full_version >= '3.12'",
            "",
        ),
        (
            "left>=2",
            "left==1 ; python_full_version < '3.12'\nleft==2 ; python_full_version >= '3.12'",
            "left>=2 is pinned to 1; run make lock",
        ),
        ("left>>2", "left==2", "left>>2 is not a requirement"),
    ],
)
def test_check_says_what_is_out_of_step(
    root: Path, package: MakePackage, write: Write, asked: str, pins: str, wrong: str
) -> None:
    package("shared/py/core", asked)
    write({"constraints.txt": f"{pins}\n"})
    said = locks.check(workspace.load(root))
    assert len(said) == bool(wrong)
    assert all(line.startswith(f"shared/py/core/pyproject.toml: {wrong}") for line in said)


def test_the_tools_of_javascript_count_where_there_is_some(javascript: Path) -> None:
    declared = list(locks.declared(workspace.load(javascript), []))
    assert ("tools/pyproject.toml", "node-wheel") in declared
    (javascript / "package.json").unlink()
    assert list(locks.declared(workspace.load(javascript), [])) == []


def test_both_locks_move_or_none(
    javascript: Path, index: Path, write: Write, tree: Tree, package: MakePackage
) -> None:
    assert index.exists()
    pnpm = '#!/bin/sh\necho "$@" >> {}/said\n[ ! -e {}/broken ] || exit 1\n'
    beside = f"'{javascript.parent}'"
    write({".venv/bin/pnpm": pnpm.format(beside, beside)})
    (javascript / ".venv/bin/pnpm").chmod(0o755)
    write({"pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"})
    package("shared/py/core", "left")
    write({"constraints.txt": ""})
    tools = (javascript / "tools/pyproject.toml").read_text(encoding="utf-8")
    write({"tools/pyproject.toml": tools.replace("node-wheel", "left")})
    then = tree()
    (javascript.parent / "broken").touch()
    with pytest.raises(TaskError, match="pnpm install: failed"):
        locks.lock(workspace.load(javascript), [])
    assert tree() == then
    (javascript.parent / "broken").unlink()
    locks.lock(workspace.load(javascript), [])
    assert pinned(javascript) == ["left==2.0", "right==2.0"]
    said = (javascript.parent / "said").read_text(encoding="utf-8")
    assert "--workspace-packages=templates/*" in said
