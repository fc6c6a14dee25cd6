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

# Seconds without output after which a progress line is printed; shorter where a person watches.
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
    """Remove the variables by which git passes its repository to child processes.

    git sets them for hooks, aliases and `rebase --exec`; every git below them would work on that
    repository, in whatever folder it runs.
    """
    for name in CALLERS_REPOSITORY:
        os.environ.pop(name, None)


def say(line: str) -> None:
    """Print a line of progress on standard error, at once."""
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
        command: the program and its arguments, converted to strings.
        cwd: the folder to run it in.
        text: its standard input.
        env: its whole environment; that of this process by default.

    Raises:
        TaskError: it failed; its own output says why.
    """
    words = [str(word) for word in command]
    show(words, cwd)
    done = subprocess.run(words, cwd=cwd, input=text, text=True, env=env, check=False)
    if done.returncode:
        raise TaskError(f"{shlex.join(words)}: failed ({done.returncode}); see above")


class CommandError(TaskError):
    """A program that `attend` ran failed.

    Attributes:
        command: the program and its arguments.
        output: its standard error, without progress lines.
    """

    def __init__(self, command: Sequence[str], output: str) -> None:
        """Keep the command and its output."""
        super().__init__(f"{Path(command[0]).name}: failed\n{shlex.join(command)}\n{output}")
        self.command = command
        self.output = output


def explanation_of(output: str, explanations: Mapping[str, Sequence[str]]) -> str:
    """Return the first of `explanations` of which any error text occurs in a program's output."""
    matches = (
        explanation
        for explanation, texts in explanations.items()
        if any(text in output for text in texts)
    )
    return next(matches, "failed; see below")


@contextlib.contextmanager
def explained(doing: str, explain: Callable[[str], str]) -> Iterator[None]:
    """Put an explanation before the error of a program that `attend` runs.

    Args:
        doing: what is being done, such as `install: .venv`.
        explain: returns the explanation of the output, which it gets on one line.

    Raises:
        TaskError: the program failed: the explanation, the command and its output.
    """
    try:
        yield
    except CommandError as error:
        output = " ".join(error.output.split())
        _, _, shown = str(error).partition("\n")
        raise TaskError(f"{doing}: {explain(output)}\n{shown.rstrip()}") from error


def attend(
    command: Sequence[object],
    cwd: Path,
    env: Mapping[str, str],
    doing: str,
    *,
    text: str = "",
    progress: str = "",
) -> str:
    """Run a program that may wait for the network; report progress while it does.

    Args:
        command: the program and its arguments.
        cwd: the folder to run it in.
        env: its whole environment.
        doing: what is being done, such as `install: .venv`.
        text: its standard input.
        progress: a pattern; lines that match are printed at once.

    Returns:
        The other lines of its standard error.

    Raises:
        CommandError: it failed.
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
        # An index may send any bytes.
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
    output = "".join(lines)
    if code:
        raise CommandError(words, output)
    return output


def make(folder: Path, *words: str) -> list[str]:
    """Return the make command for `folder`, given targets and VARIABLE=value words.

    Makefiles ignore what the environment says, so switches for all commands are handed on here.
    """
    switches = [f"{name}={value}" for name in ("OFFLINE", "V") if (value := os.environ.get(name))]
    return ["make", "--no-print-directory", "-C", str(folder), *words, *switches]


def reason(errors: str) -> str:
    """Return the last line that a failed program printed to standard error."""
    return (errors.strip() or "it gives no reason").splitlines()[-1].strip()


def without_make() -> dict[str, str]:
    """Return the environment without the variables of a make that called this process."""
    ours = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "UNMATCHED", "GIVEN_VENV"}
    return {name: value for name, value in os.environ.items() if name not in ours}


@contextlib.contextmanager
def held(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on `folder`.

    The lock is on the folder itself and ends with the process, so no stale one can remain.

    Raises:
        BlockingIOError: another process holds it and `wait` is false.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
