"""`monorepo flatten` and `monorepo rename`: each change to the disk failing in turn."""

import os
from pathlib import Path

import pytest

from monorepo.templating.template import ENGINE
from tests.template import baking, faults
from tests.template.faults import Fault, Run, Victim
from tests.template.judging import Judge

ALL = os.environ.get("FAULTS") == "all"
# What is prepared aside, in a worktree, is one kind of change: without FAULTS=all only one in so
# many fails. Of what is put in place, each fails, in one way.
SAMPLE = 101


def call(root: Path, *words: str) -> Run:
    """Return how to call the command in `root`."""
    return Run(root, baking.environment(), [list(words)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [["flatten"], ["rename", "shared/py/core", "shared/py/kernel"]],
    ids=lambda words: words[0],
)
def test_all_or_nothing(words: list[str], tmp_path: Path) -> None:
    before, place = baking.bake(tmp_path, packages="shared/py/core"), tmp_path / "place"
    baking.commit(before)
    # Settings of one machine, which git does not have, move along.
    (before / "shared/py/core/.env").write_text("A=1\n", encoding="utf-8")
    with Victim("monorepo.__main__:main", ENGINE.parent) as victim:
        warm = tmp_path / "warm"
        baking.run(tmp_path, "cp", "-a", before, warm)
        victim.warm(call(warm, "list"))
        victim.warm(call(warm, *words, "--dry-run"))
        run, after = call(place, *words), call(place, "list")
        judge = Judge(victim, run, after, before, place, repeats=False)
        plan = [
            Fault(number, mode)
            for number in range(1, len(judge.changes) + 1)
            for turn, mode in enumerate(faults.MODES)
            if ALL
            or (
                turn == number % len(faults.MODES)
                and (number in judge.watched or number % SAMPLE == 0)
            )
        ]
        assert not faults.sweep(victim, judge.run, before, place, plan, judge)
