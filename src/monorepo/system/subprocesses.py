"""Run other programs: report progress, show failures whole, hold locks on folders.

Standard library only.
"""

import contextlib
import fcntl
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from monorepo.system.errors import TaskError

# Seconds without a word after which a line says what is being done: a terminal is looked at.
SILENCE = 5 if sys.stderr.isatty() else 15
# Source: `git rev-parse --local-env-vars`, without the variables that only configure, and
# git-namespaces(7).
CALLERS_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def leave_callers_repository() -> None:
    """Have what this process starts find its repository by its folder.

    Git names the repository that it works on to hooks, aliases and `rebase --exec`; every git
    below them would work on that one, in whatever folder it runs.
    """
    for name in CALLERS_REPOSITORY:
        os.environ.pop(name, None)


def say(line: str) -> None:
    """Tell what is being done, on standard error, at once."""
    print(line, file=sys.stderr, flush=True)


def show(command: Sequence[object], cwd: Path) -> None:
    """Print a command before it runs, if V=1 asks for that."""
    if os.environ.get("V"):
        say(f"+ (cd {shlex.quote(str(cwd))} && {shlex.join(map(str, command))})")


def run(
    command: Sequence[object],
    cwd: Path,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command in `cwd`, with `text` on its standard input.

    Args:
        command: the program and its arguments; strings, paths, anything that is one as text.
        cwd: the folder to run it in.
        text: what it reads.
        env: all of its environment; that of this process by default.

    Raises:
        TaskError: it failed; it has said why.
    """
    words = [str(word) for word in command]
    show(words, cwd)
    done = subprocess.run(words, cwd=cwd, input=text, text=True, env=env, check=False)
    if done.returncode:
        raise TaskError(f"{shlex.join(words)}: failed ({done.returncode}); see above")


class EndedError(TaskError):
    """A program that `attend` ran failed.

    Attributes:
        command: what was run.
        said: what it said, beside its progress.
    """

    def __init__(self, command: Sequence[str], said: str) -> None:
        """Keep what was run and what it said."""
        super().__init__(f"{Path(command[0]).name}: failed\n{shlex.join(command)}\n{said}")
        self.command = command
        self.said = said


def meaning_of(words: str, meanings: Mapping[str, Sequence[str]]) -> str:
    """Return the first of `meanings` that has a mark which stands in what a program said."""
    means = (told for told, marks in meanings.items() if any(mark in words for mark in marks))
    return next(means, "failed; see below")


@contextlib.contextmanager
def explained(doing: str, meaning: Callable[[str], str]) -> Iterator[None]:
    """Say first, if a program fails that `attend` runs, what that means.

    Args:
        doing: what is being done, such as `install: .venv`.
        meaning: tells what that means which the program says, all in one line.

    Raises:
        TaskError: it failed: what that means, the command, and what it said.
    """
    try:
        yield
    except EndedError as error:
        words = " ".join(error.said.split())
        _, _, shown = str(error).partition("\n")
        raise TaskError(f"{doing}: {meaning(words)}\n{shown.rstrip()}") from error


def attend(
    command: Sequence[object],
    cwd: Path,
    env: Mapping[str, str],
    doing: str,
    *,
    text: str = "",
    progress: str = "",
) -> str:
    """Run a program that may have to wait for the network, and say that it is still at work.

    Args:
        command: the program and its arguments.
        cwd: the folder to run it in.
        env: all of its environment.
        doing: what is being done, such as `install: .venv`.
        text: what it reads.
        progress: a pattern; lines that match are shown at once.

    Returns:
        What else it said, on standard error.

    Raises:
        EndedError: it failed.
        OSError: it cannot be run.
    """
    words = [str(word) for word in command]
    show(words, cwd)
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # What an index sends may be anything.
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdin
    assert process.stderr
    lines: list[str] = []
    heard = threading.Event()

    def listen(stream: Iterator[str]) -> None:
        for line in stream:
            heard.set()
            if progress and re.match(progress, line):
                say(line.rstrip())
            else:
                lines.append(line)

    listener = threading.Thread(target=listen, args=(process.stderr,), daemon=True)
    listener.start()
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(text)
        waited = 0
        while True:
            listener.join(SILENCE)
            if not listener.is_alive():
                break
            waited += SILENCE
            if not heard.is_set():
                say(f"{doing}: no answer for {waited} s, still waiting")
            else:
                heard.clear()
                waited = 0
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    said = "".join(lines)
    if code:
        raise EndedError(words, said)
    return said


def make(folder: Path, *words: str) -> list[str]:
    """Return the command that makes something in `folder`: targets, and variables as they are."""
    verbose = ["V=1"] if os.environ.get("V") else []
    return ["make", "--no-print-directory", "-C", str(folder), *words, *verbose]


def unmade() -> dict[str, str]:
    """Return the environment for a make of its own, which is no part of one that called us."""
    ours = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "UNMATCHED", "GIVEN_VENV"}
    return {name: value for name, value in os.environ.items() if name not in ours}


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
