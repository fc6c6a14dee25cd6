"""Find and end the processes that `make dev` started, by a mark in their environment.

The number of a process or a group may be another's by now, and a file that names it may be
anybody's. What a process was started with is known to the system alone, and is handed on to all
that it starts, whatever group that is in.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "MONOREPO_DEV"
_PROC = Path("/proc")


def all_of(root: Path) -> str:
    """Return the mark of what `make dev` at the root starts for the repository at `root`."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32] + ".all"


def one_of(root: Path) -> str:
    """Return the mark of what `make dev` in a service starts."""
    return all_of(root).removesuffix("all") + "one"


def end(mark: str, grace: float) -> int:
    """Ask the processes that have `mark` to end, kill them after `grace` seconds; count them."""
    first = len(_signal(mark, signal.SIGTERM))
    deadline = time.monotonic() + grace
    while _find(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    while _signal(mark, signal.SIGKILL):
        time.sleep(0.05)
    return first


def _signal(mark: str, number: int) -> list[int]:
    """Send a signal to the processes that have `mark`, and return them."""
    found = _find(mark)
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
    return found


def _find(mark: str) -> list[int]:
    """Return the processes of this user that have `mark`, without this one."""
    environments = _from_proc() if (_PROC / "self/environ").exists() else _from_ps()
    entry = f"{VARIABLE}={mark}".encode()
    return [process for process, words in environments if entry in words and process != os.getpid()]


def _from_proc() -> Iterator[tuple[int, list[bytes]]]:
    """Yield processes with what they were started with, as Linux tells it."""
    for folder in _PROC.iterdir():
        # One that has ended meanwhile, or is another user's.
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and folder.stat().st_uid == os.getuid():
                yield int(folder.name), (folder / "environ").read_bytes().split(b"\0")


def _from_ps() -> Iterator[tuple[int, list[bytes]]]:
    """Yield the same, as BSD's ps tells it, and with it macOS's."""
    command = ["ps", "-Eww", "-U", str(os.getuid()), "-o", "pid=,command="]
    for line in subprocess.run(command, capture_output=True, check=False).stdout.splitlines():
        process, *words = line.split()
        yield int(process), words
