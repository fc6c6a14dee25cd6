"""`make new` with each change to the disk failing in turn; and several of it at once."""

import os
import shlex
import shutil
from pathlib import Path

import pytest

from monorepo.scaffold.creation import STAGE
from monorepo.templating.template import CACHES
from tests.template import baking, faults
from tests.template.faults import Fault, Outcome, Run, Victim, snapshot, unfit

ALL = os.environ.get("FAULTS") == "all"
PARTS = 4
# Most of the changes add a file to the wheel: without FAULTS=all, only one in so many fails.
WHEEL = 33


def make_new(out: Path, name: str, **environment: str) -> Run:
    """Return how to call `monorepo create` for a small monorepo called `name` in `out`."""
    given = {"repo_name": name, "namespace": "acme", "packages": "shared/py/core shared/js/core"}
    words = " ".join(shlex.quote(f"{key}={value}") for key, value in given.items())
    told = {"ANSWERS": f"--no-input --default-config {words}", **environment}
    return Run(out.parent, baking.environment(**told), [["create", str(out)]])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the template without what tools have left in it: its size is constant."""
    copy = tmp_path / "template"
    ignored = shutil.ignore_patterns(".git", ".venv", ".nox", *CACHES)
    shutil.copytree(baking.TEMPLATE, copy, ignore=ignored)
    return copy


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Return a folder in which somebody has things already."""
    folder = tmp_path / "before"
    (folder / "neighbour").mkdir(parents=True)
    (folder / "neighbour/file").write_text("mine", encoding="utf-8")
    (folder / "link").symlink_to("nowhere")
    return folder


class Judge:
    """Knows what the folder may hold after a run that was struck."""

    def __init__(self, victim: Victim, before: Path, place: Path) -> None:
        """Make what is wanted, with nothing failing."""
        self.victim = victim
        self.run = make_new(place, "demo")
        self.before = snapshot(before)
        shutil.copytree(before, place, symlinks=True)
        victim.warm(make_new(place, "other"))
        shutil.rmtree(place / "other")
        done = victim(self.run)
        assert done.code == 0, done.output
        self.changes = done.changes
        self.wanted = snapshot(place)
        shutil.rmtree(place)

    def __call__(self, fault: Fault, outcome: Outcome, place: Path) -> str | None:
        """Say what is wrong, if anything is."""
        found = snapshot(place)
        whole = {path: what for path, what in found.items() if not path.startswith(STAGE)}
        if whole not in (self.before, self.wanted):
            return f"PART: {sorted(whole.items() ^ self.wanted.items())[:5]}"
        made = whole == self.wanted
        if said := unfit(fault, outcome, made=made, prefix="monorepo: "):
            return said
        if fault.mode in ("SIGINT", "SIGTERM") and ("is in place" in outcome.output) != made:
            return f"made: {made}, said {outcome.output}"
        if found == whole:
            return None
        if not made and fault.mode not in ("SIGKILL", "ENOSPC"):
            return "left its temporary folder"
        # What is left goes with the next run, also with one that finds the monorepo in place.
        repaired = self.victim(self.run)
        if repaired.code != (2 if made else 0):
            return f"the next run ended with {repaired.code}: {repaired.output}"
        return None if snapshot(place) == self.wanted else "the next run left neither"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_all_or_nothing(part: int, checkout: Path, before: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    with Victim("monorepo.__main__:main", checkout / "src") as victim:
        judge = Judge(victim, before, place)
        target = f"{place / 'demo'}"
        (commit,) = [
            number
            for number, change in enumerate(judge.changes, 1)
            if change.startswith("os.rename") and change.endswith(f" {target}")
        ]
        watched = range(commit - 3, len(judge.changes) + 1)
        sampled = faults.plan(judge.changes, watched, sample=3)
        alike = {
            number
            for number, change in enumerate(judge.changes, 1)
            if change.endswith(".whl") and number % WHEEL
        }
        plan = [one for one in sampled if ALL or one.number not in alike][part::PARTS]
        assert len(plan) > 20
        assert not faults.sweep(victim, judge.run, before, place, plan, judge)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "caught"),
    [("careless", {"PART"}), ("silent", {"PART", "lies"}), ("careful", set())],
)
def test_the_sweep_catches_what_is_careless(
    function: str, caught: set[str], tmp_path: Path
) -> None:
    before, place = tmp_path / "before", tmp_path / "place"
    before.mkdir()
    place.mkdir()
    with Victim(f"tests.template.naive:{function}", baking.TEMPLATE) as victim:
        run = Run(place, baking.environment())
        changes = victim(run).changes
        wanted = snapshot(place)
        shutil.rmtree(place)

        def judge(fault: Fault, outcome: Outcome, place: Path) -> str | None:
            lies = outcome.code == 0 and snapshot(place) != wanted
            if snapshot(place) not in ({}, wanted):
                victim(run)
            return "lies" if lies else "PART" if snapshot(place) not in ({}, wanted) else None

        every = [Fault(number + 1, mode) for number in range(len(changes)) for mode in faults.MODES]
        broken = faults.sweep(victim, run, before, place, every, judge)
    assert {line.rpartition(" ")[2] for line in broken} == caught
    if caught:
        assert {line.partition(" ")[0] for line in broken} == set(faults.MODES)


def test_every_kind_of_change_is_seen(tmp_path: Path) -> None:
    with Victim("tests.template.naive:every", baking.TEMPLATE) as victim:
        outcome = victim(Run(tmp_path, baking.environment()))
    assert (outcome.code, outcome.output) == (0, "done\n")
    seen = [change.replace(f"{tmp_path}/", "") for change in outcome.changes]
    kinds = {change.partition(" ")[0].removeprefix("os.") for change in seen}
    wanted = "open write fsync chmod utime truncate symlink link mkdir rename remove rmdir"
    # How a file is copied differs from system to system.
    copying = {"sendfile", "copy_file_range", "setxattr"}
    assert kinds - copying == {*wanted.split(), "subprocess.Popen"}
    assert seen.count("open low") == 2
    assert not [change for change in seen if "/dev/" in change]
