"""Repositories of no package, of one, of broken ones, and of 5,000."""

import json
import random
from pathlib import Path

import pytest

from monorepo.affected import changes, impact
from monorepo.caching import worktree
from monorepo.caching.contents import TEST, Contents, Machine
from monorepo.core import workspace
from monorepo.graph import packages as package_graph
from monorepo.graph import rendering, view
from tests.tooling.affected.workspaces import BASE, EDITS, Package, begin, make

MANY, CHAIN = 5_000, 10


def hashes(root: Path) -> dict[str, str]:
    """Return the hash of the tests of each package."""
    space, tree = workspace.load(root), worktree.read(root)
    assert tree
    contents = Contents(space, tree)
    return {
        path: contents.key(package, TEST, Machine("3.11")).digest
        for path, package in space.packages.items()
    }


def affected(root: Path) -> impact.Impact:
    """Return what the working tree affects."""
    return impact.affected(workspace.load(root), changes.since(root, BASE))


@pytest.mark.parametrize("file", ["README.md", "unknown", "constraints.txt", "tools/make/py.mk"])
def test_without_packages_nothing_is_affected(tmp_path: Path, file: str) -> None:
    begin(tmp_path, make(0, 0).tree())
    (tmp_path / file).write_text("# other\n")

    assert affected(tmp_path).packages == {}
    assert package_graph.graph(workspace.load(tmp_path)) == {}
    assert hashes(tmp_path) == {}
    assert rendering.as_text(view.view(workspace.load(tmp_path))) == ""


def test_one_package_is_affected_by_its_own_files(tmp_path: Path) -> None:
    space = make(1, 0)
    begin(tmp_path, space.tree())
    [path] = space.packages
    assert affected(tmp_path).packages == {}

    (tmp_path / path / "new.txt").write_text("")

    assert affected(tmp_path).packages == {path: ((path, f"{path}/new.txt"),)}
    assert rendering.as_text(view.view(workspace.load(tmp_path))) == path
    assert hashes(tmp_path).keys() == {path}


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
    assert hashes(tmp_path).keys() == space.packages.keys() - {path}
    assert path not in rendering.as_text(view.view(workspace.load(tmp_path))).split()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of so many packages, in which each ten are a chain."""
    root, space = tmp_path_factory.mktemp("many"), make(0, 0)
    for number in range(MANY):
        package = Package(f"tiny-p{number}", "pyproject.toml")
        if number % CHAIN:
            package.runtime = [f"tiny-p{number - 1}"]
        space.packages[f"shared/py/p{number}"] = package
    begin(root, space.tree())
    return root


@pytest.mark.slow
def test_what_is_affected_of_many(many: Path) -> None:
    before = hashes(many)
    (many / "shared/py/p40/new.py").write_text("")
    (many / "shared/py/p4999/README.md").write_text("")

    found, after = affected(many), hashes(many)

    chain = {f"shared/py/p{number}" for number in range(40, 50)}
    assert found.packages.keys() == {*chain, "shared/py/p4999"}
    [longest, *_] = found.packages["shared/py/p49"]
    assert len(longest) == CHAIN + 1
    assert {path for path in after if after[path] != before[path]} == found.packages.keys()


@pytest.mark.slow
def test_the_graph_and_the_list_of_many(many: Path) -> None:
    space = workspace.load(many)
    drawn = view.view(space)
    assert package_graph.cycle(package_graph.consumed(space)) == []
    assert package_graph.as_table(space).count("\n") >= MANY
    assert len(json.loads(rendering.as_json(drawn))["nodes"]) == MANY
    assert rendering.as_text(drawn).count("\n") >= MANY - 1
