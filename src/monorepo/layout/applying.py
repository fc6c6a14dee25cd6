"""Changes to packages and to all that names them, made in a temporary worktree and applied at once.

What is staged at the end is what git would call renames, and the texts that follow.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from monorepo.layout import places, worktrees
from monorepo.layout.places import Places
from monorepo.layout.tree import Moved
from monorepo.programs import pnpm
from monorepo.programs.git import Git, Worktree
from monorepo.system.errors import UsageError

# The mode that git has for a submodule.
_SUBMODULE = "160000"
_JAVASCRIPT = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".jsonc")
# What fits the lines of Python, and sorts imports where the team has them sorted.
_RUFF = (
    ("check", "--fix-only", "--fixable=I001", "--exit-zero", "--quiet"),
    ("format", "--quiet"),
)


@dataclass
class Applied:
    """What was changed, or would be.

    Attributes:
        moved: what changed in the files that git has.
        carried: files that git does not have, and that move along: the new path by the old one.
        diff: the changes, as git shows them.
    """

    moved: Moved
    carried: dict[str, str] = field(default_factory=dict)
    diff: str = ""


def apply(
    git: Git,
    verb: str,
    moves: Places,
    change: Callable[[Path, list[str]], Moved],
    path: Callable[[str], str],
    *,
    dry_run: bool,
) -> Applied:
    """Change packages, all of it or nothing.

    Args:
        git: of the repository, whose state is ready for it.
        verb: the command, which one of at a time does.
        moves: the folders that change, which are to be committed: the new path by the old one.
        change: changes the tree at a root, which has the given files.
        path: the new path of a file, by its old one.
        dry_run: change nothing in the repository.

    Raises:
        UsageError: something is not committed, is in the way, or cannot follow.
        TaskError: git failed. After an error nothing has changed.
    """
    # Without a path, git would tell of all of them.
    if unsaved := git.uncommitted(*moves) if moves else []:
        raise UsageError(*(f"{path}: is not committed; commit or remove it" for path in unsaved))
    if fixed := _submodules(git, moves):
        fix = "give it a place outside of packages first"
        raise UsageError(
            *(f"{path}: is a submodule, and cannot move along; {fix}" for path in fixed)
        )
    carried, made = _beside(git, moves, path)
    with worktrees.workshop(git.root, verb) as work:
        worktree = Worktree(git, work / worktrees.TREE, git.head)
        done = Applied(change(worktree.root, _tracked(git, worktree)), carried)
        fit(git.root, worktree.root, done.moved)
        worktree.stage()
        if dry_run:
            words = ("--cached", "--find-renames", "--unified=0", "--no-ext-diff", "--no-color")
            done.diff = worktree.run("diff", *words).decode(errors="replace")
            return done
        worktrees.apply(git, worktree, git.committed(), lambda: None, carried)
    _remove(git.root, made)
    return done


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


def _beside(
    git: Git, moves: Places, new_path: Callable[[str], str]
) -> tuple[dict[str, str], list[str]]:
    """Return the ignored files that move along, by their old paths; and what tools make again."""
    carried: dict[str, str] = {}
    made: list[str] = []
    for old in moves:
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
            carried |= {path: new_path(path) for path in paths}
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


def fit(root: Path, tree_root: Path, moved: Moved) -> None:
    """Give the changed files their style: a longer name may not fit on its line any more."""
    ruff, biome = root / ".venv/bin/ruff", root / "node_modules/.bin/biome"
    python = [path for path in moved.changed if path.endswith((".py", ".pyi"))]
    javascript = [path for path in moved.changed if path.endswith(_JAVASCRIPT)]
    commands: list[list[str | Path]] = []
    if ruff.exists() and python:
        commands += [[ruff, *words, "--no-cache", "--force-exclude", *python] for words in _RUFF]
    if biome.exists() and javascript:
        words = [
            "--linter-enabled=false",
            "--no-errors-on-unmatched",
            "--files-ignore-unknown=true",
        ]
        commands.append([biome, "check", "--write", *words, *javascript])
    env = {**os.environ, "PATH": pnpm.path_variable(root)}
    for command in commands:
        # What a formatter cannot read was not formatted before, either.
        subprocess.run(command, cwd=tree_root, env=env, capture_output=True, check=False)


def is_styled(root: Path, tree_root: Path, path: str) -> bool:
    """Tell whether a Python file in a tree has the style that the formatter gives it."""
    ruff = root / ".venv/bin/ruff"
    words = ("format", "--check", "--quiet", "--no-cache", "--force-exclude")
    if not ruff.exists():
        return False
    return subprocess.run([ruff, *words, path], cwd=tree_root, check=False).returncode == 0
