"""`monorepo upgrade`: each change that it makes to the disk failing in turn."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template import baking, faults
from tests.template.faults import Fault, Outcome, Run, Victim, snapshot
from tests.template.releases import Releases, tree

ALL = os.environ.get("FAULTS") == "all"
# Beside the changes that put the merge in place there are 1,500: each fails in one way, and without
# FAULTS=all only one in so many.
SAMPLE = 101

State = tuple[dict[str, str], str]


def older(checkout: Path) -> None:
    """Have a file that the newer version has removed, and lack one that it has added."""
    (tree(checkout) / "guide").mkdir()
    (tree(checkout) / "guide/old.md").write_text("Old.\n", encoding="utf-8")


def newer(checkout: Path) -> None:
    """Change a file, rename one, and add one."""
    root = tree(checkout)
    for name in (".env.example", ".gitignore"):
        with (root / name).open("a", encoding="utf-8") as file:
            file.write("# New\n")
    (root / "guide").mkdir()
    (root / "guide/new.md").write_text("New.\n", encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(releases: Releases) -> Path:
    """Return the newer version."""
    return releases.wheel("0.5.0", newer)


@pytest.fixture(scope="module", params=["clean", "conflict"])
def before(
    request: pytest.FixtureRequest, releases: Releases, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a repository of the older version; with a conflict, or without."""
    out = tmp_path_factory.mktemp("before")
    root = releases.repository(out, releases.wheel("0.4.0", older))
    if request.param == "conflict":
        with (root / ".gitignore").open("a", encoding="utf-8") as file:
            file.write("# Ours\n")
    (root / "guide/ours.md").write_text("Ours.\n", encoding="utf-8")
    baking.commit(root)
    return root


@pytest.fixture(scope="module")
def victim(
    releases: Releases, wheel: Path, before: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Victim]:
    """Return the newer engine, with all that it imports on the way imported."""
    place = tmp_path_factory.mktemp("warm") / "place"
    shutil.copytree(before, place, symlinks=True)
    with Victim("monorepo.__main__:main", releases.engine(wheel)) as victim:
        victim.warm(call(place, "list"))
        victim.warm(call(place, *words(wheel)))
        yield victim


def words(wheel: Path) -> tuple[str, ...]:
    """Return the words with which the newer version, once it is unpacked, goes on."""
    return ("upgrade", "--to", str(wheel), "--wheel", str(wheel))


def call(root: Path, *words: str) -> Run:
    """Return how to call the command in `root`."""
    return Run(root, baking.environment(), [list(words)])


def state(root: Path) -> State:
    """Return the files of a repository, and git's index."""
    files = {path: what for path, what in snapshot(root).items() if not path.startswith(".git/")}
    del files[".git"]
    return files, baking.run(root, "git", "ls-files", "--stage")


class Judge:
    """Knows what the repository may hold after a run that was struck."""

    def __init__(self, victim: Victim, wheel: Path, before: Path, place: Path) -> None:
        """Make what is wanted, with nothing failing."""
        self.victim, self.before = victim, state(before)
        self.run, self.next = call(place, *words(wheel)), call(place, "list")
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
        if fault.mode == "SIGKILL" or fault.number in self.watched:
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


@pytest.mark.slow
def test_all_or_nothing(victim: Victim, wheel: Path, before: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    judge = Judge(victim, wheel, before, place)
    plan = [
        Fault(number, mode)
        for number in range(1, len(judge.changes) + 1)
        for turn, mode in enumerate(faults.MODES)
        if (number in judge.watched and (ALL or mode == "SIGKILL"))
        or (
            turn == number % len(faults.MODES)
            and (ALL or number in judge.watched or number % SAMPLE == 0)
        )
    ]
    assert not faults.sweep(victim, judge.run, before, place, plan, judge)
