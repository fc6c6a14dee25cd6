"""The edges between scopes are those of the manifests, and kept while these are the same."""

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monorepo.core import snapshot, workspace
from monorepo.core.workspace import Workspace
from monorepo.graph import scopes
from monorepo.graph.scopes import Edge, Node

MakePackage = Callable[..., Path]
A, B = "shared/py/a", "shared/py/b"
DEPENDENCY = Edge(Node(B), Node(A))
# Long for the clock of any file system that tests run on.
TICK = 20_000_000
EXTRA = Edge(Node(B, "extra:lite"), Node("pypi:x"))


@pytest.fixture
def root(root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository of two packages, whose manifests are kept."""
    monkeypatch.setattr(snapshot, "_TICK", TICK)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    package(A)
    package(B, "tiny-a", lite=["x"])
    assert _settled(root).kept
    return root


def _settled(root: Path) -> Workspace:
    """Load a repository whose files have been as they are for a while."""
    time.sleep(TICK * 1.5e-9)
    return workspace.load(root)


def test_they_are_those_of_the_manifests(
    root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = scopes.edges(workspace.load(root))
    assert {DEPENDENCY, EXTRA} <= {*first}
    with monkeypatch.context() as patch:
        patch.setattr(scopes, "_edges", None)
        assert scopes.edges(workspace.load(root)) == first
    # One package more, and one fewer.
    package("shared/py/c", "tiny-b")
    assert Edge(Node("shared/py/c"), Node(B)) in scopes.edges(_settled(root))
    assert Edge(Node("shared/py/c"), Node(B)) in scopes.edges(workspace.load(root))
    shutil.rmtree(root / "shared/py/c")
    assert scopes.edges(workspace.load(root)) == first
    package(A, "y")
    assert Edge(Node(A), Node("pypi:y")) in scopes.edges(_settled(root))


def test_they_are_not_those_of_an_older_engine(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = workspace.load(root)
    found = scopes.edges(space)
    assert space.kept
    space.kept.derive(space.kept.derived().replace("extra:lite", "extra:other"))
    assert scopes.edges(workspace.load(root)) != found
    monkeypatch.setattr(scopes, "__file__", workspace.__file__)
    assert scopes.edges(workspace.load(root)) == found


def test_a_part_of_a_repository_has_its_own(root: Path) -> None:
    space = workspace.load(root)
    whole = scopes.edges(space)
    part = replace(space, packages={B: space.packages[B]})
    assert DEPENDENCY in whole
    assert DEPENDENCY not in scopes.edges(part)
    assert scopes.edges(workspace.load(root)) == whole


def test_a_manifest_that_is_new_is_read(
    root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes.edges(workspace.load(root))
    # However slow this machine is.
    monkeypatch.setattr(snapshot, "_TICK", 3_600_000_000_000)
    package(B, "z")
    for _ in range(2):
        found = scopes.edges(workspace.load(root))
        assert Edge(Node(B), Node("pypi:z")) in found
        assert DEPENDENCY not in found
