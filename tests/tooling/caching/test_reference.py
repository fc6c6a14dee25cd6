"""Hashes of random workspaces: what they depend on is what is affected, and what checks can see."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.affected import changes, impact
from monorepo.caching import worktree
from monorepo.caching.contents import PROVING, Contents, Machine
from monorepo.core import workspace
from tests.examples import times
from tests.tooling.affected import reference
from tests.tooling.affected.workspaces import (
    BASE,
    EDITS,
    STATES,
    WIDE,
    Space,
    begin,
    change,
    edited,
    git,
    make,
    seen,
)

# What stands for a hash of what is never found in the store.
REFUSED = "refused"


def hashes(root: Path) -> Mapping[tuple[str, str], str]:
    """Return the hash of each task of each package."""
    space, tree = workspace.load(root), worktree.read(root)
    assert tree
    contents = Contents(space, tree)
    found = {}
    for package in space.packages.values():
        for task in PROVING:
            key = contents.key(package, task, Machine("3.11"))
            found[package.path, task] = REFUSED if key.refused else key.digest
    return found


def check(before: Space, edits: list[tuple[str, int]], state: str) -> None:
    """Compare hashes before and after a change with what it affects, and with the reference."""
    after = edited(before, edits)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as elsewhere:
        root = Path(folder)
        begin(root, before.tree())
        old = hashes(root)
        change(root, before.tree(), after.tree(), state)
        new = hashes(root)
        found = impact.affected(workspace.load(root), changes.since(root, BASE))
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", "--message", "all")
        git(root, "clone", "--quiet", folder, f"{elsewhere}/clone")
        cloned = hashes(Path(elsewhere, "clone"))
    event = f"{edits} {state}: {found}"
    assert cloned == new
    other = {path for path, task in new if new[path, task] != old.get((path, task))}
    assert other - found.packages.keys() == set(), f"not affected: {event}"
    known = {path for path, task in new if new[path, task] != REFUSED}
    needed = reference.affected(seen(before), seen(after), rules=False)
    assert (needed & known) - other == set(), f"the same hash: {event}"


numbers = st.integers(0, 10**6)
edits = st.tuples(st.sampled_from(sorted(EDITS)), numbers)
narrow = st.tuples(st.sampled_from(sorted(EDITS.keys() - WIDE)), numbers)


@pytest.mark.parametrize("state", STATES[:4])
@times(0.2)
@given(st.integers(0, 10), numbers, st.lists(narrow, max_size=3) | st.lists(edits, max_size=2))
def test_a_hash_follows_what_checks_can_see(
    state: str, size: int, seed: int, edits: list[tuple[str, int]]
) -> None:
    """It differs if that does; a package whose hash differs is affected; a clone has the same."""
    check(make(size, seed), edits, state)
