"""Judges what a command that changes files and git's index has left after it was struck."""

import shutil
import signal
from pathlib import Path

from tests.template import baking
from tests.template.faults import Fault, Outcome, Run, Victim, snapshot

State = tuple[dict[str, str], str]


def state(root: Path) -> State:
    """Return the files of a repository, and git's index."""
    files = {path: what for path, what in snapshot(root).items() if not path.startswith(".git/")}
    del files[".git"]
    return files, baking.run(root, "git", "ls-files", "--stage")


class Judge:
    """Knows what the repository may hold after a run that was struck."""

    def __init__(
        self,
        victim: Victim,
        run: Run,
        after: Run,
        before: Path,
        place: Path,
        *,
        repeats: bool = True,
    ) -> None:
        """Make what is wanted, with nothing failing.

        Args:
            victim: the engine.
            run: the command, in `place`.
            after: another one in it, which undoes what was left half done.
            before: the repository, which is copied to `place`.
            place: a folder that is not there.
            repeats: whether the command may follow itself at once.
        """
        self.victim, self.before = victim, state(before)
        self.run, self.next = run, after
        # Whether the command does nothing where it is done already; else it asks for a commit.
        self.repeats = repeats
        shutil.copytree(before, place, symlinks=True)
        done = victim(self.run)
        self.code, self.changes, self.wanted = done.code, done.changes, state(place)
        assert self.code in (0, 1), done.output
        shutil.rmtree(place)
        assert self.before != self.wanted
        started, ended = self._journal("os.rename"), self._journal("os.remove")
        assert ended > started
        self.watched = range(started - 3, ended + 3)

    def __call__(self, fault: Fault, outcome: Outcome, place: Path) -> str | None:
        """Say what is wrong, if anything is."""
        repaired = self.victim(self.next)
        if repaired.code:
            return f"the next command ended with {repaired.code}: {repaired.output}"
        found = state(place)
        if found not in (self.before, self.wanted):
            return f"PART: {sorted(found[0].items() ^ self.wanted[0].items())[:5]}"
        made = found == self.wanted
        ends = {"SIGKILL": -signal.SIGKILL, "SIGINT": 130, "SIGTERM": 130}
        codes = {ends.get(fault.mode, 2), *([self.code] if made else [])}
        if outcome.code not in codes:
            return f"made: {made}, exit code {outcome.code}, not {codes}; {outcome.output}"
        if "Traceback" in outcome.output:
            return f"said {outcome.output}"
        if outcome.code == 2 and "\nmonorepo: " not in f"\n{outcome.output}":
            return f"said {outcome.output}"
        # What is killed cleans up nothing. The others would take hours with FAULTS=all.
        if (fault.mode == "SIGKILL" or fault.number in self.watched) and (self.repeats or not made):
            again = self.victim(self.run)
            if again.code != self.code or state(place) != self.wanted:
                return f"the same command again ended with {again.code}: {again.output}"
            left = {
                path.rpartition(".")[2] for path in snapshot(place / ".git") if ".monorepo." in path
            }
            if left - {"upgrading", "lock"}:
                return f"leaves {sorted(left)}"
        return None

    def _journal(self, kind: str) -> int:
        """Return the number of the first change to the journal: `os.rename` or `os.remove`."""
        return next(
            number
            for number, change in enumerate(self.changes, 1)
            if change.startswith(kind) and change.endswith(".journal")
        )
