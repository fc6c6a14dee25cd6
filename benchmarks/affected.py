"""What it costs to ask what a change affects, in monorepos of 10, 100 and 1,000 packages.

The change is an edit of one leaf, committed on a branch. Each command is timed whole, as a user
types it; the peers answer in a workspace of the same packages (benchmarks/peers.py). What each
answers to other changes, `benchmarks.answers` compares.
"""

from collections.abc import Iterator

from benchmarks import peers
from benchmarks.measuring import Job, Lab, Row, main
from benchmarks.peers import AFFECTED, WORKSPACES, Tree

COUNTS = (10, 100, 1000)
# At 1,000 packages, ours at most so many times as much.
GOALS = {
    "turbo ls --affected": 1.0,
    "difftrace": 1.0,
    "mise run --affected": 0.1,
    "nx show projects --affected": 0.1,
}
OURS = ("make", "affected")


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    lab, programs = peers.install(lab)
    found = [peer for peer in AFFECTED if peer.program in programs]
    costs = {}
    for count in COUNTS:
        tree = peers.ours(lab, count)
        edit(lab, tree, count - 1)
        trees = {}
        for kind in dict.fromkeys(peer.workspace for peer in found):
            trees[kind] = WORKSPACES[kind](lab, count, programs, "true")
            edit(lab, trees[kind], count - 1)
        jobs = [Job(peer.command(programs), trees[peer.workspace].root) for peer in found]
        try:
            ours, *theirs = lab.compare(Job(OURS, tree.root), *jobs)
        finally:
            peers.stop(lab, programs, trees)
        costs[count] = ours
        what = f"{' '.join(OURS)}, {count:,} packages"
        for peer, cost in zip(found, theirs, strict=True):
            goal = GOALS.get(peer.name) if count == COUNTS[-1] else None
            yield Row(what, ours, peer.name, cost, goal=goal, count=count)
        if count == COUNTS[-1]:
            best = min(theirs, key=lambda cost: cost.cpu)
            name = found[theirs.index(best)].name
            yield Row(what, ours, name, best, goal=0.06, measure="CPU seconds")
            fewer = costs[100]
            yield Row(what, ours, f"{' '.join(OURS)}, 100 packages", fewer, goal=10)


def edit(lab: Lab, tree: Tree, number: int) -> None:
    """Edit the module of a package, and commit that on a branch."""
    lab.run(["git", "checkout", "--quiet", "-b", "change"], tree.root)
    with tree.source(number).open("a", encoding="utf-8") as file:
        file.write("\n# An edit.\n")
    peers.commit(lab, tree.root)


if __name__ == "__main__":
    main(__doc__, measure)
