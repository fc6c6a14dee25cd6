"""`make flatten`: move packages to the flat layout, or back, in one transaction."""

from collections.abc import Sequence
from pathlib import Path

from monorepo.core import workspace
from monorepo.layout import applying, places, tree
from monorepo.layout.tree import Moved, Moving
from monorepo.programs.git import Git


def flatten(
    root: Path, words: Sequence[str] = (), *, undo: bool = False, dry_run: bool = False
) -> list[str]:
    """Move packages to `packages/<name>`, with `undo` back to their areas.

    Their names and imports stay. What names them by a path follows, in any file that git has.

    Args:
        root: the repository.
        words: paths or names of packages; without any, all that are not there yet.
        undo: move them from the flat layout to the grouped one.
        dry_run: change nothing, and return what would move and which files would change.

    Returns:
        What was done, a line for each package, and what people have to look at.

    Raises:
        UsageError: something is not committed, is in the way, or cannot follow.
        TaskError: git failed. After an error nothing has changed.
    """
    git = Git(root)
    git.refuse_unready()
    space = workspace.load_whole(root)
    moves = (places.grouped if undo else places.flat)(space, words)
    if not moves:
        return [f"every package is in the {'grouped' if undo else 'flat'} layout"]
    moving = Moving.of(space, moves)

    def move(tree_root: Path, files: list[str]) -> Moved:
        return tree.move(tree_root, moving, files)

    done = applying.apply(git, "flatten", moves, move, moving.rewriting.path, dry_run=dry_run)
    told = [
        f"look at {place}: it names a folder from which packages move"
        for place in done.moved.unclear
    ]
    if dry_run:
        lines = [f"{old} -> {new}" for old, new in {**moves, **done.carried}.items()]
        return [*lines, *(f"changes {path}" for path in sorted(done.moved.changed)), *told]
    lines = [f"moved {old} to {new}" for old, new in moves.items()]
    return [*lines, *told, "git commit keeps it; git status shows what was staged"]
