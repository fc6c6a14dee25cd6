"""Change several files and folders atomically: all of them or none.

Everything is prepared in a staging folder in the tree, a journal is written, and renames put it in
place. A command that finds a journal rolls it back before doing anything else.

The journal is in git's own directory, where no commit can put one. Its name has the inode of the
root, so that it belongs to this checkout. Without git, it is in the root. It holds paths relative
to the root, none of which leads out of it.
"""

import contextlib
import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any

from monorepo.system import git_directories, text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held, say

# Prefix of staging folders; a random suffix follows, so that nobody can prepare one.
STAGING = ".monorepo.txn-"
_STAGING = re.compile(re.escape(STAGING) + r"[0-9a-f]{16}")


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the repository's lock; first roll back an interrupted command."""
    with held(root):
        _recover(root)
        yield


def recover(root: Path) -> None:
    """Roll back an interrupted command at `root`, if there is one."""
    if root.is_dir() and is_interrupted(root):
        with locked(root):
            pass


def is_interrupted(root: Path) -> bool:
    """Return whether an interrupted command left something at `root` for `recover`."""
    return _Records(root).exist()


class _Records:
    """The files that record a transaction at `root`: staging folder and journal."""

    def __init__(self, root: Path) -> None:
        # A link whose target is the folder's name: it is created atomically.
        self.staging = record(root, "staging")
        self.journal = record(root, "journal")
        self.draft = record(root, "draft")
        self.index = record(root, "index")

    def exist(self) -> bool:
        """Return whether an interrupted command left any."""
        return os.path.lexists(self.staging) or os.path.lexists(self.journal)


def record(root: Path, name: str) -> Path:
    """Return the path of a record about the checkout at `root`, where no commit can put a file."""
    return _git_directory(root) / f".monorepo.{root.stat().st_ino}.{name}"


def _git_directory(root: Path) -> Path:
    """Return git's directory for the worktree that `root` is in; `root` itself if there is none."""
    return git_directories.of_worktree(root) or root


class Transaction:
    """Changes to the tree at `root`, staged. Use it as `with begin(root) as change`."""

    def __init__(self, root: Path, folder: Path) -> None:
        """Stage changes to the tree at `root` in the empty `folder`."""
        self.root = root
        self.folder = folder
        self._stages = 0
        self._steps: list[dict[str, Any]] = []
        self._index: Path | None = None

    def stage(self) -> Path:
        """Return a new, empty folder on the tree's own file system, to prepare things in."""
        staged = self.folder / f"new-{self._stages}"
        staged.mkdir()
        self._stages += 1
        return staged

    def create(self, path: str, prepared: Path) -> None:
        """Create `path` from `prepared`, a file or folder below a staged folder.

        Raises:
            UsageError: there is something, or the path leads out of the tree.
        """
        text_files.inside(self.root, path)
        if os.path.lexists(self.root / path):
            raise UsageError(f"{path}: exists already; choose another path")
        self._steps.append({"path": path, "new": self._inside(prepared)})

    def put(self, path: str, prepared: Path) -> None:
        """Create or replace `path` by `prepared`, a file or link below a staged folder."""
        target = self.root / path
        # A step before this one removes a folder at the path.
        if not os.path.lexists(target) or (target.is_dir() and not target.is_symlink()):
            self._steps.append({"path": path, "new": self._inside(prepared)})
            return
        _hold_inside(self.root, path)
        old = self.stage() / "old"
        shutil.copy2(target, old, follow_symlinks=False)
        self._steps.append({"path": path, "new": self._inside(prepared), "old": self._inside(old)})

    def index(self, prepared: Path) -> None:
        """Replace git's index by `prepared`, a file below a staged folder, in `commit`."""
        self._index = prepared

    def read(self, path: str) -> str:
        """Return the text of the file at `path`, as `write` expects it; "" if it does not exist.

        Raises:
            UsageError: it cannot be read.
        """
        exists = (self.root / path).exists()
        content = text_files.content(self.root, path) if exists else b""
        text = _text(content)
        return text.replace("\r\n", "\n") if text_files.has_crlf(content) else text

    def write(self, path: str, text: str) -> bool:
        """Replace the text of the file at `path`, or make it. Return whether that is a change.

        An existing file keeps its mode and its kind of line breaks.
        """
        target = self.root / path
        prepared = self.stage() / "file"
        if not os.path.lexists(target):
            prepared.write_bytes(_bytes(text))
            self.create(path, prepared)
            return True
        before = text_files.inside(self.root, path).read_bytes()
        if text_files.has_crlf(before):
            text = text.replace("\n", "\r\n")
        if before == _bytes(text):
            return False
        prepared.write_bytes(_bytes(text))
        shutil.copymode(target, prepared)
        old = prepared.with_name("old")
        shutil.copy2(target, old)
        place = str(target.resolve().relative_to(self.root.resolve()))
        self._steps.append({"path": place, "new": self._inside(prepared), "old": self._inside(old)})
        return True

    def remove(self, path: str) -> None:
        """Remove the file or folder at `path`."""
        self._steps.append({"path": path, "old": self._inside(self.stage() / "gone")})

    def describe(self) -> list[str]:
        """Return what `commit` would do: a line for each file added or removed, and diffs."""
        # Imported here: only a dry run needs it, and each command imports this module.
        import difflib

        lines: list[str] = []
        for step in self._steps:
            if "new" in step and "old" in step:
                texts = (_text((self.folder / step[key]).read_bytes()) for key in ("old", "new"))
                before, after = (text.splitlines() for text in texts)
                names = (f"a/{step['path']}", f"b/{step['path']}")
                lines += difflib.unified_diff(before, after, *names, lineterm="", n=1)
            elif "new" in step:
                lines += _files("+", self.folder / step["new"], step["path"])
            else:
                lines += _files("-", self.root / step["path"], step["path"])
        return lines

    def commit(self) -> None:
        """Apply all changes; if this raises, none is applied."""
        for step in self._steps:
            if "new" in step:
                step["inode"] = (self.folder / step["new"]).lstat().st_ino
            parents = PurePosixPath(step["path"]).parents
            step["parents"] = [
                str(parent) for parent in parents if not (self.root / parent).is_dir()
            ]
        records = _Records(self.root)
        index = _Index(self.root, self.folder) if self._index else None
        if index and self._index:
            index.prepare(self._index)
        noted = {"staging": self.folder.name, "steps": self._steps, "index": bool(index)}
        with records.draft.open("w", encoding="utf-8") as file:
            json.dump(noted, file)
            file.flush()
            os.fsync(file.fileno())
        records.draft.rename(records.journal)
        if index:
            index.lock()
        for step in self._steps:
            target = self.root / step["path"]
            if "new" in step:
                target.parent.mkdir(parents=True, exist_ok=True)
                (self.folder / step["new"]).rename(target)
            else:
                target.rename(self.folder / step["old"])
                # git tracks no empty folders: those of the package are removed with it.
                for parent in target.relative_to(self.root).parents[:-1]:
                    if any((self.root / parent).iterdir()):
                        break
                    (self.root / parent).rmdir()
        if index:
            index.replace()
        records.journal.unlink()

    def _inside(self, path: Path) -> str:
        return str(path.relative_to(self.folder))


class _Index:
    """git's index of the worktree at `root`, replaced under git's own lock on it."""

    def __init__(self, root: Path, folder: Path) -> None:
        """Keep the previous index in the staging folder."""
        git = _git_directory(root)
        self.place, self._lock = git / "index", git / "index.lock"
        # The index, or its lock, is ours if it is a hard link to this file.
        self.prepared, self._old = _Records(root).index, folder / "index"

    def prepare(self, prepared: Path) -> None:
        """Copy the new index and the previous one."""
        if self.place.exists():
            shutil.copy2(self.place, self._old)
        self.prepared.unlink(missing_ok=True)
        shutil.copyfile(prepared, self.prepared)

    def lock(self) -> None:
        """Take git's lock on the index.

        Raises:
            UsageError: another git command holds the lock.
        """
        try:
            os.link(self.prepared, self._lock)
        except FileExistsError as error:
            message = "exists, another git command is running; wait for it, or remove the file"
            raise UsageError(f"{self._lock}: {message}") from error

    def replace(self) -> None:
        """Put the new index in place, which releases the lock."""
        self._lock.rename(self.place)

    def undo(self) -> None:
        """Restore the previous index, and release the lock."""
        if not self.prepared.exists():
            return
        if self._lock.exists() and self._lock.samefile(self.prepared):
            self._lock.unlink()
        if self.place.exists() and self.place.samefile(self.prepared):
            if self._old.exists():
                self._old.rename(self.place)
            else:
                self.place.unlink()


def begin(root: Path, *, dry_run: bool = False) -> AbstractContextManager[Transaction]:
    """Return a context with a transaction; without `commit`, nothing changes.

    Args:
        root: the repository, whose lock is held.
        dry_run: stage the changes outside of it, for nobody to commit, and hold no lock.
    """
    return _rehearsed(root) if dry_run else _begun(root)


@contextlib.contextmanager
def _begun(root: Path) -> Iterator[Transaction]:
    with _terminated_as_interrupt(), locked(root):
        folder = root / f"{STAGING}{os.urandom(8).hex()}"
        try:
            _Records(root).staging.symlink_to(folder.name)
            folder.mkdir()
            yield Transaction(root, folder)
        finally:
            # If cleaning up fails, the next command does it.
            with contextlib.suppress(OSError):
                _recover(root)


@contextlib.contextmanager
def _rehearsed(root: Path) -> Iterator[Transaction]:
    # Imported here: only a dry run needs it, and each command imports this module.
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield Transaction(root, Path(folder))


@contextlib.contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C, so that cleanup runs."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _recover(root: Path) -> None:
    """Roll back the journal, if there is one, then remove the staging folder. Needs the lock."""
    records = _Records(root)
    if os.path.lexists(records.journal):
        try:
            folder, steps, index = _read(root, records.journal)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            _set_aside(records.journal)
        else:
            if index:
                _Index(root, folder).undo()
            for step in reversed(steps):
                _undo(root, folder, step)
            records.journal.unlink()
    if os.path.lexists(records.staging):
        try:
            folder = _staging(root, os.readlink(records.staging))
        except (OSError, ValueError):
            _set_aside(records.staging)
            return
        if folder.exists():
            shutil.rmtree(folder)
        records.draft.unlink(missing_ok=True)
        records.index.unlink(missing_ok=True)
        records.staging.unlink()


def _set_aside(record: Path) -> None:
    """Rename a malformed record, and say so."""
    aside = record.with_name(f"{record.name}.malformed")
    record.rename(aside)
    say(f"monorepo: {record}: is malformed; set aside as {aside.name}, nothing was undone")


def _read(root: Path, journal: Path) -> tuple[Path, list[dict[str, Any]], bool]:
    """Return the staging folder and the steps of a journal, and whether it replaces git's index.

    Raises:
        ValueError, TypeError, KeyError: it is malformed, or names a path outside.
        OSError: it cannot be read.
    """
    noted = json.loads(journal.read_text(encoding="utf-8"))
    folder, steps = _staging(root, noted["staging"]), noted["steps"]
    for step in steps:
        if not step.keys() & {"new", "old"}:
            raise ValueError(journal)
        for path in (step["path"], *step["parents"]):
            _hold_inside(root, path)
        for key in step.keys() & {"new", "old"}:
            _hold_inside(folder, step[key])
    return folder, steps, bool(noted.get("index"))


def _staging(root: Path, name: str) -> Path:
    """Return the staging folder of that name.

    Raises:
        ValueError: this is not the name of one, or it is a link.
    """
    if not _STAGING.fullmatch(name) or (root / name).is_symlink():
        raise ValueError(name)
    return root / name


def _hold_inside(folder: Path, path: str) -> None:
    """Raise ValueError unless `path`, from `folder`, leads to something in it."""
    pure = PurePosixPath(path)
    place = (folder / pure).parent.resolve()
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(path)
    if not place.is_relative_to(folder.resolve()):
        raise ValueError(path)


def _undo(root: Path, folder: Path, step: dict[str, Any]) -> None:
    """Undo one step, if it was applied; another file of the same name is left alone."""
    target = root / step["path"]
    if "new" not in step:
        if os.path.lexists(folder / step["old"]):
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / step["old"]).rename(target)
    elif os.path.lexists(target) and target.lstat().st_ino == step["inode"]:
        if "old" in step:
            (folder / step["old"]).rename(target)
        else:
            target.rename(folder / step["new"])
    for parent in step["parents"]:
        with contextlib.suppress(OSError):
            (root / parent).rmdir()


def _text(content: bytes) -> str:
    """Decode a file; bytes that are not UTF-8 survive a round trip."""
    return content.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    """Encode a text: the inverse of `_text`."""
    return text.encode("utf-8", "surrogateescape")


def _files(sign: str, folder: Path, path: str) -> list[str]:
    """Return a line for each file of a folder, or for the file itself, added or removed."""
    if not folder.is_dir():
        return [f"{sign} {path}"]
    found = sorted(file.relative_to(folder) for file in folder.rglob("*") if not file.is_dir())
    return [f"{sign} {path}/{file}" for file in found]
