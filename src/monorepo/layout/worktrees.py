"""Changes made in a temporary worktree of git, and put in place all at once."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from monorepo.core.engine import SOURCE
from monorepo.programs.git import Entry, Git, Worktree
from monorepo.system import transaction
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held

# The name of the temporary worktree in a workshop.
TREE = "tree"


@contextmanager
def workshop(root: Path, verb: str) -> Iterator[Path]:
    """Yield an empty folder in git's own directory, locked against other commands of that verb.

    What a killed one has left there is removed first.

    Raises:
        UsageError: another one is at work.
    """
    folder = transaction.record(root, verb)
    folder.mkdir(exist_ok=True)
    try:
        with held(folder, wait=False):
            _empty(root, folder)
            try:
                # What a killed one has started may still be writing into a folder of its own.
                yield Path(tempfile.mkdtemp(dir=folder))
            finally:
                _empty(root, folder)
                shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError as error:
        raise UsageError(f"{verb}: another one is at work; wait for it") from error


def _empty(root: Path, folder: Path) -> None:
    for work in folder.iterdir():
        Worktree.remove(Git(root), work / TREE)
        shutil.rmtree(work, ignore_errors=True)


def apply(
    git: Git,
    worktree: Worktree,
    before: Mapping[str, set[Entry]],
    note: Callable[[], None],
    carried: Mapping[str, str] | None = None,
) -> None:
    """Apply the content of a temporary worktree: all of it and git's index, or nothing.

    Args:
        git: of the repository.
        worktree: what is put in place.
        before: what the index of the repository has to have.
        note: called before anything changes.
        carried: files that git does not have, and that move: the new path by the old one.

    Raises:
        UsageError: something is in the way, or has changed meanwhile; nothing has changed.
    """
    after, top = git.entries(worktree.folder), git.top
    paths = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
    with transaction.begin(git.root) as change:
        if changed := git.unstaged():
            raise UsageError(f"{changed[0]}: is changed; git add it, and run this again")
        if git.entries() != before:
            raise UsageError("git: something was added or committed meanwhile; run this again")
        if ways := {_in_the_way(top, path, before) for path in paths} - {""}:
            raise UsageError(
                *(f"{path}: is in the way, and not in git; move it away" for path in sorted(ways))
            )
        ignored = git.ignored_changes()
        if hidden := [path for path in paths if path in ignored]:
            raise UsageError(
                *(
                    f"{path}: is marked {ignored[path]}, so that its changes would be lost; "
                    f"run git update-index --no-{ignored[path]} on it"
                    for path in hidden
                )
            )
        staged = change.stage()
        there = [path for path in paths if os.path.lexists(worktree.folder / path)]
        gone = [path for path in paths if path not in there and os.path.lexists(top / path)]
        # Beside the source of an ejected engine, Python has left its caches.
        source = f"{git.prefix}{SOURCE}/"
        if any(path.startswith(source) for path in gone) and not (worktree.root / SOURCE).exists():
            change.remove(SOURCE)
            gone = [path for path in gone if not path.startswith(source)]
        # What was a folder may be a file from now on.
        for path in gone:
            change.remove(os.path.relpath(top / path, git.root))
        for number, path in enumerate(there):
            prepared = staged / str(number)
            shutil.copy2(worktree.folder / path, prepared, follow_symlinks=False)
            change.put(os.path.relpath(top / path, git.root), prepared)
        for number, (old, new) in enumerate((carried or {}).items()):
            prepared = staged / f"carried-{number}"
            shutil.copy2(git.root / old, prepared, follow_symlinks=False)
            change.remove(old)
            change.put(new, prepared)
        change.index(_index(git, before, after, paths, staged))
        note()
        change.commit()


def _in_the_way(top: Path, path: str, before: Mapping[str, set[Entry]]) -> str:
    """Return what stands at a path, above it or below it, and git does not have; "" if nothing."""
    for above in [*reversed(PurePosixPath(path).parents[:-1]), PurePosixPath(path)]:
        place = top / above
        if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
            return "" if str(above) in before else str(above)
    below = (file for file in (top / path).rglob("*") if file.is_symlink() or not file.is_dir())
    return path if any(str(file.relative_to(top)) not in before for file in below) else ""


def _index(
    git: Git,
    before: Mapping[str, set[Entry]],
    after: Mapping[str, set[Entry]],
    paths: Sequence[str],
    folder: Path,
) -> Path:
    """Return a copy of git's index in which the files at `paths` are as they are `after`."""
    index = folder / "index"
    shutil.copy2(git.directory / "index", index)
    none = b"0" * len(git.head)
    # These come first: what was a folder may be a file from now on.
    rows = [b"0 %s\t%s\0" % (none, os.fsencode(path)) for path in paths if path in before]
    for path in paths:
        name = os.fsencode(path)
        for entry in sorted(after.get(path, ()), key=lambda entry: entry.stage):
            facts = f"{entry.mode} {entry.object} {entry.stage}".encode()
            rows.append(b"%s\t%s\0" % (facts, name))
    words = ["update-index", "-z", "--index-info"]
    git.run(*words, env={"GIT_INDEX_FILE": str(index)}, data=b"".join(rows), cwd=git.top)
    return index
