"""`affected` against a slow and obvious reference, on random workspaces and random edits."""

import random
import subprocess
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.affected import changes, impact
from monorepo.core import workspace
from tests.examples import times
from tests.tooling.affected import reference
from tests.tooling.affected.reference import Tree
from tests.tooling.affected.workspaces import EDITS, WIDE, Space, make, write

# How a change stands in git.
STATES = ("working tree", "staged", "both", "committed", "another ref")


def git(root: Path, *words: str) -> None:
    """Run git, without what it prints."""
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def edited(space: Space, edits: Sequence[tuple[str, int]]) -> Space:
    """Return a workspace after some edits; each follows from its seed."""
    after = deepcopy(space)
    for name, seed in edits:
        if after.packages or name == "new" or name.startswith("root"):
            EDITS[name](after, random.Random(seed))
    return after


def seen(space: Space) -> Tree:
    """Return the files that git does not ignore."""
    tree = space.tree()
    return {path: each for path, each in tree.items() if not path.startswith("ignored/")}


def ask(root: Path, before: Space, after: Space, state: str) -> impact.Impact:
    """Make the change in a repository, and return what it affects."""
    git(root, "init", "--quiet")
    old, new = before.tree(), after.tree()
    write(root, {}, old)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "before")
    git(root, "tag", "before")
    if state == "both":
        half = dict(sorted(new.items())[::2])
        kept = {path: each for path, each in old.items() if path not in new or path not in half}
        write(root, old, kept | half)
        git(root, "add", "--all")
        write(root, kept | half, new)
    else:
        write(root, old, new)
    if state in ("staged", "committed", "another ref"):
        git(root, "add", "--all")
    if state in ("committed", "another ref"):
        git(root, "commit", "--quiet", "--allow-empty", "--message", "after")
    space = workspace.load(root)
    head = "HEAD" if state == "another ref" else ""
    return impact.affected(space, changes.since(root, "before", head))


def check(before: Space, edits: Sequence[tuple[str, int]], state: str) -> None:
    """Compare what a change affects with the reference."""
    after = edited(before, edits)
    expected = reference.affected(seen(before), seen(after))
    with tempfile.TemporaryDirectory() as folder:
        found = ask(Path(folder), before, after, state)
        broken = workspace.load(Path(folder)).broken
    event = f"{edits} {state}: {found}"
    ours = {*found.packages} | broken.keys()
    assert expected - ours == set(), f"missed: {event}"
    # A pattern of inputs counts as a dependency on the package that has them.
    files = [text for each in after.packages.values() for text in each.generate if "/data/" in text]
    if not found.everything and not files:
        assert ours - expected - broken.keys() == set(), f"not affected: {event}"
    for path, chains in found.packages.items():
        assert chains and all(chain[0].partition("[")[0] == path for chain in chains)


numbers = st.integers(0, 10**6)
edits = st.tuples(st.sampled_from(sorted(EDITS)), numbers)
narrow = st.tuples(st.sampled_from(sorted(EDITS.keys() - WIDE)), numbers)


@pytest.mark.parametrize("state", STATES)
@times(0.4)
@given(st.integers(0, 12), numbers, st.lists(narrow, max_size=3) | st.lists(edits, max_size=2))
def test_affected_is_what_the_reference_says(
    state: str, size: int, seed: int, edits: list[tuple[str, int]]
) -> None:
    check(make(size, seed), edits, state)


@times(0.06)
@given(
    st.integers(40, 200),
    numbers,
    st.lists(narrow, min_size=1, max_size=4),
    st.sampled_from(STATES),
)
def test_of_a_large_workspace_as_well(
    size: int, seed: int, edits: list[tuple[str, int]], state: str
) -> None:
    check(make(size, seed), edits, state)


# What was missed once: size, seed, and edits.
MISSED: dict[str, tuple[int, int, list[tuple[str, int]]]] = {
    "a package is moved that another is generated from": (3, 649916, [("moved", 144511)]),
    "a package is removed that another is generated from": (8, 348035, [("gone", 494892)]),
}


@pytest.mark.parametrize("name", MISSED)
def test_what_was_missed_once(name: str) -> None:
    size, seed, edits = MISSED[name]
    check(make(size, seed), edits, "working tree")


@pytest.mark.parametrize("edit", sorted(EDITS))
@pytest.mark.parametrize("seed", range(2))
def test_each_kind_of_edit(edit: str, seed: int) -> None:
    check(make(8, seed + 5), [(edit, seed)], "working tree")
