"""What manifests said when they were last read, so that a command need not read them again.

An entry holds while its file has the size, the times and the inode that it had. A file that was
written just before it was read is not kept: within a tick of its clock, it may be written again,
and look the same (git has this problem with its index, see its racy-git.txt).

The entries are in git's directory of the worktree, where no commit can put a file. Standard library
only.
"""

import contextlib
import json
import os
import sys
import time
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.system import git_directories

FILE = "monorepo-manifests"
# The coarsest clock of a file system, FAT's, has ticks of two seconds.
_TICK = 2_000_000_000
# Size, time of the content, time of any change, inode: what tells a file from what it was.
State = tuple[int, int, int, int]


class Entry(NamedTuple):
    """What is kept of a file.

    Attributes:
        state: what it looked like.
        given: what else it was judged by; with another value, the entry does not hold.
        facts: what was made of it.
        text: it itself, as JSON.
    """

    state: State
    given: str
    facts: tuple[Any, ...]
    text: str


class Snapshot:
    """The entries of a repository, by the paths of the files from its root."""

    def __init__(self, root: Path) -> None:
        """Read the entries, if there are any for this repository and this engine."""
        self._place = git_directories.file(root, FILE)
        self._started = time.time_ns()
        self._used: dict[str, Entry] = {}
        self._is_new = False
        self._version = _version(root) if self._place else None
        self._known, self._derived = _read(self._place, self._version)

    def find(self, path: str, state: State, given: str = "") -> Entry | None:
        """Return the entry of a file, if it holds."""
        entry = self._known.get(path)
        if entry is None or entry.state != state or entry.given != given:
            return None
        self._used[path] = entry
        return entry

    def keep(self, path: str, state: State, whole: object, *facts: object, given: str = "") -> None:
        """Keep what a file says, unless JSON has no such values (dates), or it is too new.

        `facts` are parts of what it says, or texts.
        """
        if self._place is None or state[2] >= self._started - _TICK:
            return
        with contextlib.suppress(TypeError, ValueError):
            text = json.dumps(whole)
            if json.loads(text) == whole:
                self._used[path] = Entry(state, given, facts, text)
                self._is_new = True

    def save(self) -> None:
        """Write what was found and kept, if that is not what is written already."""
        if self._is_new or len(self._used) < len(self._known):
            self._derived = ""
            self._write()

    def is_of(self, count: int) -> bool:
        """Return whether there is an entry of each of so many files."""
        return self._place is not None and len(self._used) == count

    def derived(self) -> str:
        """Return what was made of all entries together, on one line; empty if that is not kept."""
        return self._derived

    def derive(self, line: str) -> None:
        """Keep what was made of all entries together, until one of them is another."""
        self._derived = line
        self._write()

    def _write(self) -> None:
        """Write all entries that were used, and what was made of them."""
        if self._place is None:
            return
        index = [[path, *entry[:3]] for path, entry in self._used.items()]
        rows = [json.dumps(index), self._derived, *(entry.text for entry in self._used.values())]
        content = "\n".join(rows).encode()
        head = json.dumps([self._version, zlib.crc32(content)]).encode()
        # In a checkout that is read-only, the next command reads the manifests as well.
        with contextlib.suppress(OSError):
            git_directories.put(self._place, head + b"\n" + content)


def state(place: str) -> tuple[State, int] | None:
    """Return the state and the mode of a file or link; None if it is not there."""
    try:
        status = os.lstat(place)
    except OSError:
        return None
    times = status.st_mtime_ns, status.st_ctime_ns
    return (status.st_size, *times, status.st_ino), status.st_mode


def _version(root: Path) -> list[Any] | None:
    """Return what the entries are made by and of: Python, this engine, and the repository.

    None for an engine in a wheel, which runs once to install another.
    """
    own = os.path.dirname(__file__)
    states = []
    for folder in (own, f"{os.path.dirname(own)}/system"):
        try:
            names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
        except OSError:
            return None
        states += [[name, *(state(f"{folder}/{name}") or ((),))[0]] for name in names]
    return [sys.version, str(root), states]


def _read(place: Path | None, version: list[Any] | None) -> tuple[dict[str, Entry], str]:
    """Return the entries in a file, and what was made of them.

    None if it is of another version, or not as it was written.
    """
    if place is None or version is None:
        return {}, ""
    with contextlib.suppress(OSError, ValueError, TypeError):
        head, _, content = place.read_bytes().partition(b"\n")
        if json.loads(head) == [version, zlib.crc32(content)]:
            index, derived, *texts = content.decode().split("\n")
            entries = {
                path: Entry(tuple(then), given, tuple(facts), text)
                for (path, then, given, facts), text in zip(json.loads(index), texts, strict=True)
            }
            return entries, derived
    return {}, ""
