"""Find and end the processes that `make dev` started, by a mark in their environment.

Process ids are reused, and a file with one can be forged. The environment of a process is recorded
by the system, and inherited by its children in any process group.
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
    """Return the mark of the processes of `make dev` at the root."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32] + ".all"


def one_of(root: Path) -> str:
    """Return the mark of the processes of `make dev` in a service."""
    return all_of(root).removesuffix("all") + "one"


def end(mark: str, grace: float) -> int:
    """Terminate the processes with `mark`, kill them after `grace` seconds; return their number."""
    first = len(_signal(mark, signal.SIGTERM))
    deadline = time.monotonic() + grace
    while _find(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    while _signal(mark, signal.SIGKILL):
        time.sleep(0.05)
    return first


def _signal(mark: str, number: int) -> list[int]:
    """Send a signal to the processes with `mark`, and return them."""
    found = _find(mark)
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
    return found


def _find(mark: str) -> list[int]:
    """Return the processes of this user with `mark`, except this one."""
    environments = _from_proc() if (_PROC / "self/environ").exists() else _from_ps()
    entry = f"{VARIABLE}={mark}".encode()
    return [process for process, words in environments if entry in words and process != os.getpid()]


def _from_proc() -> Iterator[tuple[int, list[bytes]]]:
    """Yield processes and their environments from /proc (Linux)."""
    for folder in _PROC.iterdir():
        # It may have ended meanwhile, or belong to another user.
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and folder.stat().st_uid == os.getuid():
                yield int(folder.name), (folder / "environ").read_bytes().split(b"\0")


def _from_ps() -> Iterator[tuple[int, list[bytes]]]:
    """Yield processes and their environments from ps (BSD, macOS)."""
    command = ["ps", "-Eww", "-U", str(os.getuid()), "-o", "pid=,command="]
    for line in subprocess.run(command, capture_output=True, check=False).stdout.splitlines():
        process, *words = line.split()
        yield int(process), words
