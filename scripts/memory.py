"""`make test-fast`: print the folder for what tests write, which lives for some milliseconds."""

import os
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
# More than ten times what the fast tests hold at once, with a worker for each of many cores.
ROOM = 2**30


def folder(memory: Path = MEMORY, room: int = ROOM) -> Path:
    """Return `memory`, a file system in memory, if it fits; else where Python has temporary files.

    It fits if it is there, has `room` bytes, and runs programs. TMPDIR decides if it is set.
    """
    default = Path(tempfile.gettempdir())
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return default
    state = os.statvfs(memory)
    fits = state.f_bavail * state.f_frsize >= room and not state.f_flag & os.ST_NOEXEC
    return memory if fits else default


if __name__ == "__main__":
    sys.stdout.write(f"{folder()}\n")
