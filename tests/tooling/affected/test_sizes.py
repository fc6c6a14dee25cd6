"""Repositories of no package, of one, of broken ones, and of 5,000."""

import random
from pathlib import Path

import pytest

from monorepo.affected import changes, impact
from monorepo.core import workspace
from monorepo.graph import packages as package_graph
from tests.tooling.affected.workspaces import BASE, EDITS, FILE, Package, begin, make

MANY, CHAIN = 5_000, 10


def affected(root: Path) -> impact.Impact:
    """Return what the working tree affects."""
    return impact.affected(workspace.load(root), changes.since(root, BASE))


@pytest.mark.parametrize("file", ["README.md", "unknown", "constraints.txt", "tools/make/py.mk"])
def test_without_packages_nothing_is_affected(tmp_path: Path, file: str) -> None:
    begin(tmp_path, make(0, 0).tree())
    (tmp_path / file).write_text("# other\n")

    assert affected(tmp_path).packages == {}
    assert package_graph.graph(workspace.load(tmp_path)) == {}


def test_one_package_is_affected_by_its_own_files(tmp_path: Path) -> None:
    space = make(1, 0)
    begin(tmp_path, space.tree())
    [path] = space.packages
    assert affected(tmp_path).packages == {}

    (tmp_path / path / "new.txt").write_text("")

    assert affected(tmp_path).packages == {path: ((path, f"{path}/new.txt"),)}


def test_a_broken_manifest_stops_nothing_else(tmp_path: Path) -> None:
    """What depends on it is affected, and other packages are judged as ever."""
    space = make(12, 3)
    begin(tmp_path, space.tree())
    EDITS["broken"](space, random.Random(0))
    [path] = [path for path, each in space.packages.items() if each.broken]
    (tmp_path / path / space.packages[path].language).write_bytes(
        space.tree()[f"{path}/{space.packages[path].language}"][1]
    )

    found = affected(tmp_path)

    assert path in found.packages
    assert len(found.problems) == 1
    assert found.everything == ""
    assert {*space.packages} - found.packages.keys()


@pytest.mark.slow
def test_five_thousand_packages(tmp_path: Path) -> None:
    """Each ten of them are a chain; what is at the start of one affects these alone."""
    space = make(0, 0)
    for number in range(MANY):
        package = Package(f"tiny-p{number}", "pyproject.toml")
        if number % CHAIN:
            package.runtime = [f"tiny-p{number - 1}"]
        package.files = {f"src/p{number}.py": (FILE, b"")}
        space.packages[f"shared/py/p{number}"] = package
    begin(tmp_path, space.tree())
    (tmp_path / "shared/py/p40/src/p40.py").write_text("changed = True\n")
    (tmp_path / "shared/py/p4999/tests").mkdir()
    (tmp_path / "shared/py/p4999/tests/test_it.py").write_text("")

    found = affected(tmp_path)

    chain = {f"shared/py/p{number}" for number in range(40, 50)}
    assert found.packages.keys() == {*chain, "shared/py/p4999"}
    [longest, *_] = found.packages["shared/py/p49"]
    assert len(longest) == CHAIN + 1
    edges = package_graph.graph(workspace.load(tmp_path))
    assert len(edges) == MANY
    assert package_graph.cycle(edges) == []
