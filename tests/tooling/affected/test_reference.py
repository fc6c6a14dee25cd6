"""`affected` against a slow and obvious reference, on random workspaces and random edits."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo import cli
from monorepo.affected import changes, impact
from monorepo.core import workspace
from tests.examples import times
from tests.tooling.affected import reference
from tests.tooling.affected.workspaces import (
    BASE,
    EDITS,
    REF,
    STATES,
    WIDE,
    Space,
    begin,
    change,
    edited,
    make,
    seen,
)


def ask(root: Path, before: Space, after: Space, state: str) -> impact.Impact:
    """Make the change in a repository, and return what it affects."""
    begin(root, before.tree())
    change(root, before.tree(), after.tree(), state)
    space = workspace.load(root)
    return impact.affected(space, changes.since(root, BASE, "HEAD" if state == REF else ""))


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
    if not found.everything:
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


@pytest.mark.parametrize("seed", range(4))
def test_the_command_line_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    before = make(10, seed)
    after = edited(before, [("odd", seed), ("runtime", seed + 1), ("pin", seed + 2)])
    found = ask(tmp_path, before, after, STATES[seed])
    words = ["--root", str(tmp_path), "affected", "--base", BASE, "--format", "json"]

    assert cli.main(words) == 0

    told = json.loads(capsys.readouterr().out)
    assert [package["path"] for package in told["packages"]] == [*found.packages]
    assert bool(told["everything"]) == bool(found.everything)
    needed = reference.affected(seen(before), seen(after))
    assert needed <= {package["path"] for package in told["packages"]}
