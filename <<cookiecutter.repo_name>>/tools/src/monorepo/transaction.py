"""Several files and folders at once: all of it or nothing, whatever happens in between.

Everything is prepared in a folder beside the tree, a journal is written, and renames put it in
place. Whoever finds a journal undoes what it tells before doing anything else.
"""

import contextlib
import difflib
import json
import os
import shutil
import signal
import tempfile
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

    def __init__(self, root: Path, folder: Path) -> None:
        """Prepare changes to the tree at `root` in `folder`, which is empty."""
        self.root = root
        self.folder = folder
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

    def read(self, path: str) -> str:
        """Return the text of the file at `path`, as `write` takes it; "" if there is none."""
        file = self.root / path
        content = file.read_bytes() if file.exists() else b""
        return _text(content).replace("\r\n", "\n") if _foreign(content) else _text(content)

    def write(self, path: str, text: str) -> bool:
        """Replace the text of the file at `path`, or make it. Tell whether that is a change.

        A file that there is keeps its mode and its kind of line breaks.
        """
        target = self.root / path
        prepared = self.stage() / "file"
        if not os.path.lexists(target):
            prepared.write_bytes(_bytes(text))
            self.create(path, prepared)
            return True
        if not target.resolve().is_relative_to(self.root.resolve()):
            raise UsageError(f"{path}: leads out of the repository; replace the link with a file")
        before = target.read_bytes()
        if _foreign(before):
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
        """Take away the file or folder at `path`."""
        self._steps.append({"path": path, "old": self._inside(self.stage() / "gone")})

    def describe(self) -> list[str]:
        """Return what `commit` would do: each file that comes or goes, each line that changes."""
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
                # git keeps no empty folders: what was made for the package goes with it.
                for parent in target.relative_to(self.root).parents[:-1]:
                    if any((self.root / parent).iterdir()):
                        break
                    (self.root / parent).rmdir()
        (self.folder / "journal").unlink()

    def _inside(self, path: Path) -> str:
        return str(path.relative_to(self.folder))


@contextlib.contextmanager
def begin(root: Path) -> Iterator[Transaction]:
    """Hold the lock and hand out a transaction; without `commit`, nothing has happened."""
    with _terminated_as_interrupt(), locked(root):
        (root / FOLDER).mkdir()
        try:
            yield Transaction(root, root / FOLDER)
        finally:
            # What cannot be tidied up now is no failure: the next command does it.
            with contextlib.suppress(OSError):
                _recover(root)


@contextlib.contextmanager
def rehearse(root: Path) -> Iterator[Transaction]:
    """Hand out a transaction that is prepared elsewhere and never committed: for a dry run."""
    with tempfile.TemporaryDirectory() as folder:
        yield Transaction(root, Path(folder))


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
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / step["old"]).rename(target)
    elif os.path.lexists(target) and target.lstat().st_ino == step["inode"]:
        if "old" in step:
            (folder / step["old"]).rename(target)
        else:
            target.rename(folder / step["new"])
    for parent in step["parents"]:
        with contextlib.suppress(OSError):
            os.rmdir(parent)


def _text(content: bytes) -> str:
    """Return the text of a file; bytes that are no UTF-8 survive being written again."""
    return content.decode("utf-8", "surrogateescape")


def _foreign(content: bytes) -> bool:
    """Tell whether all line breaks are Windows'; a file with both kinds stays as it is."""
    return content.count(b"\n") == content.count(b"\r\n") > 0


def _bytes(text: str) -> bytes:
    """Return what a file with this text holds: the inverse of `_text`."""
    return text.encode("utf-8", "surrogateescape")


def _files(sign: str, folder: Path, path: str) -> list[str]:
    """Return a line for each file of a folder, or for the file itself, that comes or goes."""
    if not folder.is_dir():
        return [f"{sign} {path}"]
    found = sorted(file.relative_to(folder) for file in folder.rglob("*") if not file.is_dir())
    return [f"{sign} {path}/{file}" for file in found]
