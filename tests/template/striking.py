"""Strikes a verb of the engine in a repository, and says what it may leave there."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.template import baking
from tests.template.faults import Fault, Outcome, Run, Victim, snapshot, unfit


def call(root: Path, *words: str) -> Run:
    """Return how to call the command in `root`."""
    return Run(root, baking.environment(), [list(words)])


def do(victim: Victim, root: Path, *words: str) -> Outcome:
    """Run the command in `root`, with nothing failing."""
    done = victim(call(root, *words))
    assert done.code == 0, done.output
    return done


class Judge:
    """Knows what the repository may hold after a run that was struck."""

    def __init__(self, victim: Victim, words: Sequence[str], before: Path, place: Path) -> None:
        """Make what is wanted, with nothing failing."""
        self.victim = victim
        self.run = call(place, *words)
        self.next = call(place, "list")
        self.before = snapshot(before)
        shutil.copytree(before, place, symlinks=True)
        self.changes = do(victim, place, *words).changes
        self.wanted = snapshot(place)
        shutil.rmtree(place)
        assert self.before != self.wanted

    def __call__(self, fault: Fault, outcome: Outcome, place: Path) -> str | None:
        """Say what is wrong, if anything is."""
        struck = snapshot(place)
        repaired = self.victim(self.next)
        if repaired.code:
            return f"the next command ended with {repaired.code}: {repaired.output}"
        found = snapshot(place)
        if found not in (self.before, self.wanted):
            return f"PART: {sorted(found.items() ^ self.wanted.items())[:5]}"
        made = found == self.wanted
        if said := unfit(fault, outcome, made=made, prefix="monorepo: "):
            return said
        # A full disk stays full, and a fault may strike the tidying up itself.
        if struck != found and not made and fault.mode == "EIO":
            return "left what the next command had to undo"
        # From the very tree of before, what the command does is known.
        if not made and struck != found:
            again = self.victim(self.run)
            if again.code or snapshot(place) != self.wanted:
                return f"the same command again ended with {again.code}: {again.output}"
        return None

    def journal(self, kind: str) -> int:
        """Return the number of the change to the journal: `os.rename` or `os.remove`."""
        (number,) = [
            number
            for number, change in enumerate(self.changes, 1)
            if change.startswith(kind) and change.endswith(".journal")
        ]
        return number
