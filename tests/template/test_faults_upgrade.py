"""`monorepo upgrade`: each change that it makes to the disk failing in turn."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template import baking, faults
from tests.template.faults import Fault, Run, Victim
from tests.template.judging import Judge
from tests.template.releases import Releases, tree

ALL = os.environ.get("FAULTS") == "all"
# Beside the changes that put the merge in place there are 2,500, which are the same with a conflict
# and without: each fails in one way, and without FAULTS=all only one in so many.
SAMPLE = 202


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


@pytest.mark.slow
def test_all_or_nothing(victim: Victim, wheel: Path, before: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    judge = Judge(victim, call(place, *words(wheel)), call(place, "list"), before, place)
    # A conflict, of which the exit code tells, has those halfway between.
    first = judge.code * SAMPLE // 2
    plan = [
        Fault(number, mode)
        for number in range(1, len(judge.changes) + 1)
        for turn, mode in enumerate(faults.MODES)
        if (number in judge.watched and (ALL or mode == "SIGKILL"))
        or (
            turn == number % len(faults.MODES)
            and (ALL or number in judge.watched or number % SAMPLE == first)
        )
    ]
    assert not faults.sweep(victim, judge.run, before, place, plan, judge)
