"""Who asks for an extra that is marked is found wherever that stands; nobody else is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import catalog, runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
A, B = "shared/py/a", "shared/py/b"
FIX = "ask for the extras that take its place"


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["legacy"])]


def mark(folder: Path, text: str = 'legacy = ["Legacy_CPU"]') -> None:
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"[tool.monorepo]\n{text}\n")


@pytest.fixture
def legacy(package: MakePackage) -> Path:
    folder = package(A, **{"legacy-cpu": ["torch"], "io": ["left"]})
    mark(folder)
    return folder


def test_without_a_mark_only_who_asks_for_the_rule_hears_of_it(
    root: Path, package: MakePackage
) -> None:
    package(A, "tiny-a[x]", x=[])
    assert found(root) == [".: legacy: warn: nothing to check; see monorepo explain legacy"]
    told = runner.guard(workspace.load(root), ["heavy", "legacy"])
    assert told == []
    assert "legacy" in catalog.RULES


@pytest.mark.parametrize(
    "text", ["tiny-a[io]", "tiny-a", "other[legacy-cpu]", "tiny-ab[legacy-cpu]"]
)
def test_others_are_free(root: Path, legacy: Path, package: MakePackage, text: str) -> None:
    package(B, text, x=[text])
    assert found(root) == []


@pytest.mark.parametrize(
    "text",
    ["tiny-a[legacy-cpu]", "Tiny_A [io, LEGACY.cpu]>=1", "tiny-a[legacy_cpu]; sys_platform == 'x'"],
)
def test_who_asks_for_it_is_found(
    root: Path, legacy: Path, package: MakePackage, text: str
) -> None:
    package(B, text, x=["tiny-a[io]", text])
    line = "legacy: requests tiny-a[legacy-cpu], which is for a migration only"
    assert found(root) == [f"{B}/pyproject.toml:{at}: {line}; {FIX}" for at in (9, 11)]


def test_groups_and_the_package_itself(root: Path, package: MakePackage, write: Write) -> None:
    folder = package(A, **{"legacy-cpu": [], "all": ["tiny-a[legacy-cpu]"]})
    groups = '# "tiny-a[legacy-cpu]"\n[dependency-groups]\ndev = [\n  {include-group = "x"},\n]\n'
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"{groups}x = ['tiny-a[legacy-cpu]']\n")
    mark(folder)
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    told = 'dev = ["tiny-a[legacy-cpu]"]\n'
    write({"pyproject.toml": facts.replace("dev = []\n", told)})
    places = [line.partition(": ")[0] for line in found(root)]
    assert places == ["pyproject.toml:2", f"{A}/pyproject.toml:12", f"{A}/pyproject.toml:18"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('legacy = ["gone"]', "legacy names gone, an extra that there is not; remove it, or"),
        ('legacy = "x"', 'legacy is not a list of extras; write legacy = ["legacy-cpu"]'),
        ("legacy = [1]", "legacy is not a list of extras; "),
    ],
)
def test_marks_of_nothing(root: Path, package: MakePackage, text: str, told: str) -> None:
    mark(package(A, x=[]), text)
    (line,) = found(root)
    assert line.startswith(f"{A}/pyproject.toml:13: legacy: {told}")


def test_users_are_adopted_and_no_more_come(root: Path, legacy: Path, package: MakePackage) -> None:
    package(B, "tiny-a[legacy-cpu]")
    assert cli.main(["--root", str(root), "guard", "--baseline"]) == 0
    assert found(root) == []
    package("shared/py/c", "tiny-a[legacy-cpu]")
    (line,) = found(root)
    assert line.startswith("shared/py/c/pyproject.toml:9: ")
