"""Run other programs, tell what is being done, keep out of each other's way.

Standard library only.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from monorepo.errors import TaskError


def say(line: str) -> None:
    """Tell what is being done, on standard error, at once."""
    print(line, file=sys.stderr, flush=True)


def run(command: Sequence[object], cwd: Path, text: str | None = None, **env: str) -> None:
    """Run a command in `cwd`, with `text` on its standard input and `env` in its environment.

    Args:
        command: the program and its arguments; strings, paths, anything that is one as text.
        cwd: the folder to run it in.
        text: what it reads.
        env: variables, beside those of this process.

    Raises:
        TaskError: it failed; it has said why.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, input=text, text=True, env=os.environ | env, check=False)
    if done.returncode:
        raise TaskError(f"{Path(words[0]).name} {words[1]}: failed ({done.returncode}); see above")


@contextlib.contextmanager
def held(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock on `folder`, which one process has at a time.

    It is on the folder itself and dies with the process, so none can be left over.

    Raises:
        BlockingIOError: another process has it, and we are not to wait.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
