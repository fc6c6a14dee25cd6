"""`make flatten`: move packages to the flat layout, or back, in one transaction.

The move is made in a temporary worktree, as git would rename: what is staged at the end is the
renames, and the texts that follow.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.workspace import Workspace
from monorepo.layout import places, tree, worktrees
from monorepo.layout.places import Places
from monorepo.layout.tree import Moved, Moving
from monorepo.programs import pnpm
from monorepo.programs.git import Git, Worktree
from monorepo.system.errors import UsageError

# The mode that git has for a submodule.
_SUBMODULE = "160000"
_JAVASCRIPT = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".jsonc")


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
    if unsaved := git.uncommitted(*moves):
        raise UsageError(*(f"{path}: is not committed; commit or remove it" for path in unsaved))
    if fixed := _submodules(git, moves):
        fix = "give it a place outside of packages first"
        raise UsageError(
            *(f"{path}: is a submodule, and cannot move along; {fix}" for path in fixed)
        )
    carried, made = _beside(git, moves)
    with worktrees.workshop(root, "flatten") as work:
        worktree = Worktree(git, work / worktrees.TREE, git.head)
        moved = tree.move(worktree.root, Moving.of(space, moves), _tracked(git, worktree))
        _format(space, worktree.root, moved)
        worktree.stage()
        if not dry_run:
            worktrees.apply(git, worktree, git.committed(), lambda: None, carried)
    if dry_run:
        lines = [f"{old} -> {new}" for old, new in {**moves, **carried}.items()]
        return [*lines, *(f"changes {path}" for path in sorted(moved.changed)), *_told(moved)]
    _remove(root, made)
    lines = [f"moved {old} to {new}" for old, new in moves.items()]
    return [*lines, *_told(moved), "git commit keeps it; git status shows what was staged"]


def _told(moved: Moved) -> list[str]:
    return [
        f"look at {place}: it names a folder from which packages move" for place in moved.unclear
    ]


def _submodules(git: Git, moves: Places) -> list[str]:
    """Return the paths, from the root, of the submodules in packages that move."""
    return [
        path.removeprefix(git.prefix)
        for path, found in git.entries().items()
        if any(entry.mode == _SUBMODULE for entry in found)
        and path.removeprefix(git.prefix).startswith(tuple(f"{old}/" for old in moves))
    ]


def _tracked(git: Git, worktree: Worktree) -> list[str]:
    """Return the paths of the files and links that git has, from the root."""
    entries = git.entries(worktree.folder)
    return [
        path.removeprefix(git.prefix)
        for path, found in entries.items()
        if path.startswith(git.prefix) and any(entry.mode != _SUBMODULE for entry in found)
    ]


def _beside(git: Git, moves: Places) -> tuple[dict[str, str], list[str]]:
    """Return the ignored files that move along, by their old paths; and what tools make again."""
    carried: dict[str, str] = {}
    made: list[str] = []
    for old, new in moves.items():
        words = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]
        said = git.run(*words, "--", f":(literal){old}")
        for entry in (os.fsdecode(row) for row in said.split(b"\0") if row):
            inner = entry.removeprefix(f"{old}/")
            if places.MADE.fullmatch(inner):
                made.append(entry.rstrip("/"))
                continue
            below = (git.root / entry).rglob("*") if entry.endswith("/") else [git.root / entry]
            files = (one for one in below if one.is_symlink() or not one.is_dir())
            paths = (one.relative_to(git.root).as_posix() for one in files)
            carried |= {path: new + path.removeprefix(old) for path in paths}
    return carried, made


def _remove(root: Path, made: Iterable[str]) -> None:
    """Remove what tools have made in the old folders, as far as possible."""
    for path in made:
        place = root / path
        with contextlib.suppress(OSError):
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            for parent in Path(path).parents[:-1]:
                (root / parent).rmdir()


def _format(space: Workspace, tree_root: Path, moved: Moved) -> None:
    """Give the changed files their style: a longer path may not fit on its line any more."""
    ruff, biome = space.root / ".venv/bin/ruff", space.root / "node_modules/.bin/biome"
    python = [path for path in moved.changed if path.endswith((".py", ".pyi"))]
    javascript = [path for path in moved.changed if path.endswith(_JAVASCRIPT)]
    commands: list[list[str | Path]] = []
    if ruff.exists() and python:
        commands.append([ruff, "format", "--quiet", "--no-cache", "--force-exclude", *python])
    if biome.exists() and javascript:
        words = [
            "--linter-enabled=false",
            "--no-errors-on-unmatched",
            "--files-ignore-unknown=true",
        ]
        commands.append([biome, "check", "--write", *words, *javascript])
    env = {**os.environ, "PATH": pnpm.path_variable(space.root)}
    for command in commands:
        # What a formatter cannot read was not formatted before, either.
        subprocess.run(command, cwd=tree_root, env=env, capture_output=True, check=False)
