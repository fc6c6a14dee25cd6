"""Compare what we and the peers answer to changes of a monorepo of 30 packages.

    python -m benchmarks.answers > docs/affected-answers.md

Each change is made in the same graph of packages (benchmarks/peers.py), on a branch. What a change
affects follows from the graph: a package, all that need it; a test, its own package; a pin, all
packages whose dependencies include that distribution. What misses a package would leave its checks
out; `-` is a workspace that has nothing of the kind.
"""

import argparse
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers
from benchmarks.affected import OURS
from benchmarks.measuring import Lab, laboratory
from benchmarks.peers import AFFECTED, NPM_PIN, PINNED, PYPI, WORKSPACES, Tree, name

COUNT = 30
LEAF = COUNT - 1


@dataclass(frozen=True)
class Change:
    """A change: what it is, how to make it, and the packages that it affects.

    `committed` tells whether it is, or stands in the working tree only.
    """

    what: str
    make: Callable[[Tree], None]
    affects: frozenset[int]
    committed: bool = True


def _append(find: Callable[[Tree], Path], text: str = "\n# An edit.\n") -> Callable[[Tree], None]:
    """Return what appends to a file, or makes it."""

    def make(tree: Tree) -> None:
        with find(tree).open("a", encoding="utf-8") as file:
            file.write(text)

    return make


def _renamed(tree: Tree) -> None:
    source = tree.source(PINNED)
    source.with_name("other.py").write_bytes(source.read_bytes())
    source.write_text('"""A module."""\n\nfrom .other import number as number\n', encoding="utf-8")


def _pinned(tree: Tree) -> None:
    """Change the pin of the distribution that one package needs, where there are pins."""
    for path in (tree.lockfile, "tools/hashes.txt"):
        if (lockfile := tree.root / path).is_file():
            text = lockfile.read_text(encoding="utf-8")
            for name, old, new in (PYPI, NPM_PIN):
                for sign in ("==", "@", '"\nversion = "', ":\n        specifier: "):
                    text = text.replace(f"{name}{sign}{old}", f"{name}{sign}{new}")
            text = text.replace(f"version: {NPM_PIN[1]}", f"version: {NPM_PIN[2]}")
            lockfile.write_text(text, encoding="utf-8")


def _odd(tree: Tree) -> None:
    odd = os.fsencode(tree.source(LEAF).parent) + b"/a \n\xff.txt"
    with open(odd, "wb") as file:
        file.write(b"odd\n")


def _moved(tree: Tree) -> None:
    """Move the module of a package into another one, which nothing needs."""
    tree.source(PINNED).rename(tree.source(LEAF).with_name("moved.py"))


def _changes() -> list[Change]:
    hub = frozenset(peers.dependents(PINNED, COUNT))
    leaf = frozenset({LEAF})
    every = frozenset(range(COUNT))
    return [
        Change("the module of a leaf", _append(lambda tree: tree.source(LEAF)), leaf),
        Change("a module that others need", _append(lambda tree: tree.source(PINNED)), hub),
        Change("a module is split in two", _renamed, hub),
        Change("a module is moved into another package", _moved, hub | leaf),
        Change(
            "a test of a package that others need",
            _append(lambda tree: tree.test(PINNED)),
            frozenset({PINNED}),
        ),
        Change("the pin of a distribution", _pinned, hub),
        Change("README.md of the root", _append(lambda tree: tree.root / "README.md"), frozenset()),
        Change(
            "a new file in the root, which nobody knows",
            _append(lambda tree: tree.root / "settings.cfg"),
            every,
        ),
        Change("a file whose name is no text", _odd, leaf),
        Change(
            "a new file that is not committed",
            _append(lambda tree: tree.source(LEAF).with_name("new.py")),
            leaf,
            committed=False,
        ),
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Compare, and print a row for each change."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.parse_args(words)
    with laboratory(1) as lab:
        lab, programs = peers.install(lab)
        # What Nx answers does not depend on its daemon.
        found = [peer for peer in AFFECTED if peer.program in programs and peer.env != peers.DAEMON]
        trees = {kind: WORKSPACES[kind](lab, COUNT, programs, "true") for kind in WORKSPACES}
        trees["ours"] = peers.ours(lab, COUNT)
        names = [" ".join(OURS), *(peer.name for peer in found)]
        print(f"| change | affects | {' | '.join(names)} |")
        print("| --- | --: |" + " --- |" * len(names))
        for change in _changes():
            made = {kind: _made(lab, tree, change) for kind, tree in trees.items()}
            cells = [_judged(lab, [*OURS, "FORMAT=paths"], trees["ours"], peers.names, change)]
            for peer in found:
                tree, there = trees[peer.workspace], made[peer.workspace]
                command = peer.command(programs)
                cells.append(_judged(lab, command, tree, peer.read, change) if there else "-")
            print(f"| {change.what} | {len(change.affects)} | {' | '.join(cells)} |", flush=True)


def _made(lab: Lab, tree: Tree, change: Change) -> bool:
    """Make a change on a branch of its own; tell whether the workspace has what it is about."""
    lab.run(["git", "checkout", "--quiet", "--force", "-B", "change", "main"], tree.root)
    lab.run(["git", "clean", "--quiet", "-d", "--force"], tree.root)
    change.make(tree)
    status = ["git", "status", "--porcelain"]
    there = bool(subprocess.run(status, cwd=tree.root, check=True, capture_output=True).stdout)
    if there and change.committed:
        peers.commit(lab, tree.root)
    return there


def _judged(
    lab: Lab,
    command: Sequence[str],
    tree: Tree,
    read: Callable[[str], set[str]],
    change: Change,
) -> str:
    """Return how an answer differs from what is right."""
    done = subprocess.run(command, cwd=tree.root, env=lab.env, capture_output=True, text=True)
    if done.returncode:
        return f"exit {done.returncode}"
    said = read(done.stdout)
    right = {name(number) for number in change.affects}
    missing, more = len(right - said), len(said & set(map(name, range(COUNT))) - right)
    told = [f"**misses {missing}**"] if missing else []
    told += [f"{more} too many"] if more else []
    return ", ".join(told) or "right"


if __name__ == "__main__":
    main()
