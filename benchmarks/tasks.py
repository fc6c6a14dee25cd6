"""What it costs to check packages of which nothing, or one, has changed since the last time.

`make check` and `make test` beside the same run of the peers, which have the task `test` alone, in
workspaces of the same packages (benchmarks/peers.py). Up to 100 packages, their task is pytest with
our interpreter; of 1,000 it is `true`, because what is asked there is what it costs to run nothing.
pnpm has no cache. Cold is measured once, after a turn that warms up what else there is.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count as numbers
from pathlib import Path

from benchmarks import peers
from benchmarks.affected import COUNTS
from benchmarks.measuring import Cost, Job, Lab, Row, main
from benchmarks.peers import TASKS, WORKSPACES, Peer, Programs, Tree

CHECK, TEST = ("make", "check"), ("make", "test")
# With 1,000 packages of which nothing has changed, ours takes at most so many times as much.
GOALS = {"turbo run test": 0.2}
EDITED = 100
Trees = dict[str, Tree]


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    lab, programs = peers.install(lab)
    found = [peer for peer in TASKS if peer.program in programs]
    cached: dict[int, Cost] = {}
    for count in COUNTS:
        trees = _trees(lab, count, found, programs)
        try:
            yield from _cached(lab, count, trees, found, programs, cached)
            if count == EDITED:
                yield from _edited(lab, trees, found, programs)
                yield from _cold(lab, trees, found, programs)
        finally:
            peers.stop(lab, programs, trees)
    most, fewer = COUNTS[-1], COUNTS[-2]
    what = f"make check, nothing changed, {most:,} packages"
    other = f"the same, {fewer:,} packages"
    yield Row(what, cached[most], other, cached[fewer], goal=most / fewer)


def _trees(lab: Lab, count: int, found: list[Peer], programs: Programs) -> Trees:
    """Make all workspaces, ours with all environments."""
    ours = peers.ours(lab, count)
    lab.run(["make", "install"], ours.root)
    python = ours.root / ".venv/bin/python"
    task = f"PYTHONPATH=src {python} -P -m pytest -q -p no:cacheprovider"
    if count == COUNTS[-1]:
        task = "true"
    kinds = dict.fromkeys(peer.workspace for peer in found)
    return {"ours": ours} | {kind: WORKSPACES[kind](lab, count, programs, task) for kind in kinds}


def _cached(
    lab: Lab,
    count: int,
    trees: Trees,
    found: list[Peer],
    programs: Programs,
    cached: dict[int, Cost],
) -> Iterator[Row]:
    """Yield what it costs when nothing has changed."""
    root = trees["ours"].root
    jobs = [Job(peer.command(programs), trees[peer.workspace].root) for peer in found]
    check, test, *theirs = lab.compare(Job(CHECK, root), Job(TEST, root), *jobs)
    cached[count] = check
    for command, cost in ((CHECK, check), (TEST, test)):
        what = f"{' '.join(command)}, nothing changed, {count:,} packages"
        for peer, other in zip(found, theirs, strict=True):
            goal = GOALS.get(peer.name) if count == COUNTS[-1] else None
            yield Row(what, cost, peer.name, other, goal=goal, count=count)


def _edited(lab: Lab, trees: Trees, found: list[Peer], programs: Programs) -> Iterator[Row]:
    """Yield what it costs when the module of a leaf has changed since."""
    own = trees["ours"].root / trees["ours"].path(EDITED - 1)
    edits = {kind: _editor(tree.source(EDITED - 1)) for kind, tree in trees.items()}
    root, edit = trees["ours"].root, edits["ours"]
    check, own_check, test, own_test, *theirs = lab.compare(
        Job(CHECK, root, edit),
        Job(CHECK, own, edit),
        Job(TEST, root, edit),
        Job(TEST, own, edit),
        *(
            Job(peer.command(programs), trees[peer.workspace].root, edits[peer.workspace])
            for peer in found
        ),
    )
    what = f"one edit, {EDITED} packages"
    yield Row(f"make check, {what}", check, "make check of that package", own_check, goal=1.3)
    yield Row(f"make test, {what}", test, "make test of that package", own_test)
    for peer, cost in zip(found, theirs, strict=True):
        yield Row(f"make test, {what}", test, peer.name, cost)


def _editor(file: Path) -> Callable[[], None]:
    """Return what makes a file another one each time."""
    text, turns = file.read_text(encoding="utf-8"), numbers()

    def edit() -> None:
        file.write_text(f"{text}\n\n# Edit {next(turns)}.\n", encoding="utf-8")

    return edit


def _cold(lab: Lab, trees: Trees, found: list[Peer], programs: Programs) -> Iterator[Row]:
    """Yield what it costs to run everything."""
    lab = replace(lab, rounds=1)
    # What Nx runs does not depend on its daemon.
    found = [peer for peer in found if peer.env != peers.DAEMON]
    ours, *theirs = lab.compare(
        Job([*TEST, "CACHE=0"], trees["ours"].root),
        *(Job(peer.command(programs, anew=True), trees[peer.workspace].root) for peer in found),
    )
    for peer, cost in zip(found, theirs, strict=True):
        what = f"make test CACHE=0, {EDITED} packages"
        yield Row(what, ours, " ".join([peer.name, *peer.anew]), cost)


if __name__ == "__main__":
    main(__doc__, measure)
