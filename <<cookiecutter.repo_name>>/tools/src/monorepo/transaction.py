"""Several files and folders at once: all of it or nothing, whatever happens in between.

Everything is prepared in a folder beside the tree, a journal is written, and renames put it in
place. Whoever finds a journal undoes what it tells before doing anything else.
"""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from monorepo.errors import UsageError
from monorepo.processes import held

FOLDER = ".monorepo.txn"


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the repository's lock, after undoing what an interrupted command left."""
    with held(root):
        _recover(root)
        yield


def recover(root: Path) -> None:
    """Undo what an interrupted command left at `root`, if any did."""
    if (root / FOLDER).exists():
        with locked(root):
            pass


class Transaction:
    """Changes to the tree at `root`, prepared aside. Use it as `with begin(root) as change`."""

    def __init__(self, root: Path) -> None:
        """Make the folder in which the changes are prepared."""
        self.root = root
        self.folder = root / FOLDER
        self._steps: list[dict[str, Any]] = []

    def stage(self) -> Path:
        """Return a new, empty folder on the tree's own file system, to prepare things in."""
        staged = self.folder / f"new-{len(os.listdir(self.folder))}"
        staged.mkdir()
        return staged

    def create(self, path: str, prepared: Path) -> None:
        """Put `prepared`, a file or folder below a staged folder, at `path`, where nothing is."""
        if os.path.lexists(self.root / path):
            raise UsageError(f"{path}: exists already; choose another path")
        self._steps.append({"path": path, "new": self._inside(prepared)})

    def write(self, path: str, content: bytes) -> None:
        """Replace the content of the file at `path`; its mode stays."""
        target = self.root / path
        prepared = self.stage() / "file"
        prepared.write_bytes(content)
        shutil.copymode(target, prepared)
        old = prepared.with_name("old")
        shutil.copy2(target, old)
        self._steps.append({"path": path, "new": self._inside(prepared), "old": self._inside(old)})

    def remove(self, path: str) -> None:
        """Take away the file or folder at `path`."""
        self._steps.append({"path": path, "old": self._inside(self.stage() / "gone")})

    def commit(self) -> None:
        """Put everything in place. When this returns, it is; when it raises, nothing is."""
        for step in self._steps:
            if "new" in step:
                step["inode"] = (self.folder / step["new"]).stat().st_ino
            parents = (self.root / step["path"]).parents
            step["parents"] = [str(parent) for parent in parents if not parent.exists()]
        draft = self.folder / "journal.draft"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(self._steps, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.folder / "journal")
        for step in self._steps:
            target = self.root / step["path"]
            if "new" in step:
                target.parent.mkdir(parents=True, exist_ok=True)
                (self.folder / step["new"]).rename(target)
            else:
                target.rename(self.folder / step["old"])
        (self.folder / "journal").unlink()

    def _inside(self, path: Path) -> str:
        return str(path.relative_to(self.folder))


@contextlib.contextmanager
def begin(root: Path) -> Iterator[Transaction]:
    """Hold the lock and hand out a transaction; without `commit`, nothing has happened."""
    with _terminated_as_interrupt(), locked(root):
        (root / FOLDER).mkdir()
        try:
            yield Transaction(root)
        finally:
            _recover(root)


@contextlib.contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """Make SIGTERM raise, so that it is cleaned up after like Ctrl-C."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _recover(root: Path) -> None:
    """Undo a journal, if there is one, then drop the folder. Needs the lock."""
    folder = root / FOLDER
    if not folder.exists():
        return
    journal = folder / "journal"
    if journal.exists():
        for step in reversed(json.loads(journal.read_text(encoding="utf-8"))):
            _undo(folder, root / step["path"], step)
        journal.unlink()
    shutil.rmtree(folder)


def _undo(folder: Path, target: Path, step: dict[str, Any]) -> None:
    """Undo one step, if it was made; somebody else's file of the same name is left alone."""
    if "new" not in step:
        if os.path.lexists(folder / step["old"]):
            (folder / step["old"]).rename(target)
    elif os.path.lexists(target) and target.lstat().st_ino == step["inode"]:
        if "old" in step:
            (folder / step["old"]).rename(target)
        else:
            target.rename(folder / step["new"])
    for parent in step["parents"]:
        with contextlib.suppress(OSError):
            os.rmdir(parent)
