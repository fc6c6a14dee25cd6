"""Makes the Nth change that a command makes to the disk fail, and shows what is left.

A helper process imports the command once and forks for every run, so that a run costs no more than
the command itself. In the fork an audit hook sees each call that changes the file system before it
happens. Writes are not audited: they pass through `_File` and `_wrapped`.
"""

import contextlib
import errno
import gc
import hashlib
import importlib
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, cast

# A full disk stays full; the others happen once.
MODES = ("ENOSPC", "EIO", "SIGINT", "SIGTERM", "SIGKILL")

_AUDITED = {
    *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr"),
    *("subprocess.Popen", "os.system", "os.posix_spawn"),
}
_UNAUDITED = {
    *("write", "writev", "pwrite", "pwritev", "sendfile", "copy_file_range", "posix_fallocate"),
    *("fsync", "fdatasync", "mkfifo", "mknod"),
}
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_KINDS = str.maketrans("", "", "bt")
_Opener = Callable[[str, int], int]
# A run that hangs is a finding, not a reason to wait for ever.
_PATIENCE = 300
_HERE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """How to call the command: its arguments, its whole environment, its folder."""

    folder: Path
    environment: Mapping[str, str]
    arguments: Sequence[object] = ()
    # Another user to be, for one who is root.
    user: int | None = None


@dataclass(frozen=True)
class Fault:
    """What happens at which change; the first is number 1."""

    number: int
    mode: str


@dataclass(frozen=True)
class Outcome:
    """The exit code (negative for a signal), all that was printed, and the changes seen."""

    code: int
    output: str
    changes: list[str] = field(default_factory=list)


class Victim:
    """A Python function that returns an exit code, to be called again and again.

    It is `module:function`, found below `path`. Use it as `with Victim(…) as victim`.
    """

    def __init__(self, target: str, path: Path) -> None:
        """Start the helper, which imports the function."""
        self._helper = subprocess.Popen(
            [sys.executable, "-B", __file__, target],
            env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{_HERE}", "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> "Victim":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the helper."""
        self._helper.communicate()

    def __call__(self, run: Run, fault: Fault | None = None) -> Outcome:
        """Run the command, let `fault` happen, and return what came of it."""
        return self._ask({"fault": fault and asdict(fault)}, run)

    def warm(self, run: Run) -> None:
        """Run the command in the helper itself: what it imports on the way is there afterwards.

        Runs are faster then, and need not read what another user cannot.
        """
        self._ask({"warm": True}, run)

    def _ask(self, request: dict[str, object], run: Run) -> Outcome:
        assert self._helper.stdin
        assert self._helper.stdout
        told = json.dumps({**asdict(run), "folder": str(run.folder), **request})
        self._helper.stdin.write(told + "\n")
        self._helper.stdin.flush()
        return Outcome(**json.loads(self._helper.stdout.readline()))


def snapshot(root: Path) -> dict[str, str]:
    """Return all that is below `root`, but for a cache: kinds, modes and contents by path."""
    # This file is a program as well, which has no engine of its own.
    from monorepo.core.snapshot import FILE

    seen = {}
    for folder, folders, files in os.walk(root):
        kept = [name for name in files if not name.startswith(FILE)]
        for path in (Path(folder, name) for name in (*folders, *kept)):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = os.readlink(path)
            elif stat.S_ISREG(mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                content = ""
            seen[str(path.relative_to(root))] = f"{mode:o} {content}"
    return seen


def plan(changes: Sequence[str], watched: Collection[int] = (), sample: int = 1) -> list[Fault]:
    """Return the faults to try: a mode for each change in rotation, and all modes with FAULTS=all.

    Args:
        changes: those of the command.
        watched: the numbers of those at which it is killed, too.
        sample: without FAULTS=all, of the others one in so many is tried.
    """
    everything = os.environ.get("FAULTS") == "all"
    return [
        Fault(number, mode)
        for number in range(1, len(changes) + 1)
        for place, mode in enumerate(MODES)
        if everything
        or (number in watched and mode == "SIGKILL")
        or (place == number % len(MODES) and (number in watched or number % sample == 0))
    ]


def sweep(
    victim: Victim,
    run: Run,
    before: Path,
    place: Path,
    faults: Iterable[Fault],
    judge: Callable[[Fault, Outcome, Path], str | None],
) -> list[str]:
    """Let each of the faults happen, and return a line for each that leaves what it must not.

    Args:
        victim: the command.
        run: how to call it, so that it works in `place`.
        before: what `place` holds at first.
        place: the folder to work in, made anew for each fault.
        faults: what to try.
        judge: says what is wrong with how the run has ended and with what it has left.
    """
    broken = []
    for fault in faults:
        shutil.copytree(before, place, symlinks=True)
        outcome = victim(run, fault)
        if wrong := judge(fault, outcome, place):
            broken.append(f"{fault.mode} at {fault.number}, code {outcome.code}: {wrong}")
        shutil.rmtree(place)
    return broken


# What follows runs in the helper and its forks.


class _Injector:
    """Counts the changes and lets the fault happen."""

    def __init__(self, fault: Mapping[str, Any] | None) -> None:
        self.changes: list[str] = []
        self._number = fault["number"] if fault else 0
        self._mode = fault["mode"] if fault else ""
        self._on = False

    def start(self) -> None:
        """Look from now on; an audit hook cannot be taken away again."""
        plain: Callable[..., io.IOBase] = io.open

        def opened(
            file: str | Path | int,
            mode: str = "r",
            buffering: int = -1,
            encoding: str | None = None,
            errors: str | None = None,
            newline: str | None = None,
            closefd: bool = True,
            opener: _Opener | None = None,
        ) -> io.IOBase:
            if not set(mode) & set("wax+"):
                return plain(file, mode, buffering, encoding, errors, newline, closefd, opener)
            raw = _File(self, file, mode.translate(_KINDS), closefd, opener)
            if buffering == 0:
                return raw
            buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffer
            return io.TextIOWrapper(buffer, encoding, errors, newline)

        modules: list[Any] = [io, __import__("builtins")]
        for module in modules:
            module.open = opened
        for name in _UNAUDITED:
            if hasattr(os, name):
                setattr(os, name, self._wrapped(name, getattr(os, name)))
        sys.addaudithook(self._audit)
        self._on = True

    def stop(self) -> None:
        self._on = False

    def change(self, call: str, tear: Callable[[], object] | None = None) -> None:
        """Note a change that is about to happen; `tear` does half of it."""
        if not self._on:
            return
        self.changes.append(call)
        number = len(self.changes)
        if number != self._number and not (self._mode == "ENOSPC" and number > self._number):
            return
        if tear and number == self._number:
            tear()
        if self._mode.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, self._mode))
        else:
            code = getattr(errno, self._mode)
            raise OSError(code, os.strerror(code), call.partition(" ")[2])

    def _audit(self, event: str, words: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = words
            # A number is a file that is open already; /dev/null is no disk.
            if isinstance(path, int) or not flags & _CHANGING or str(path).startswith("/dev/"):
                return
            self.change(f"open {os.fsdecode(path)}")
        elif event in _AUDITED:
            told = [os.fsdecode(word) for word in words if isinstance(word, str | bytes | Path)]
            self.change(f"{event} {' '.join(told)}")

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*words: object, **options: object) -> object:
            # Standard output and error are no files of anybody's; at the end nothing is sent.
            ended = name == "sendfile" and words[2] == os.fstat(cast(int, words[1])).st_size
            if words[0] not in (1, 2) and not ended:
                self.change(f"os.{name} {words[0]}")
            return call(*words, **options)

        return wrapper


class _File(io.FileIO):
    """A file for writing, the writes of which are seen when they really happen."""

    def __init__(
        self,
        injector: _Injector,
        file: str | Path | int,
        mode: str,
        closefd: bool,
        opener: _Opener | None,
    ) -> None:
        super().__init__(file if isinstance(file, int) else str(file), mode, closefd, opener)
        self._injector = injector

    def write(self, data: object, /) -> int:
        whole = memoryview(cast(bytes, data))
        half = whole[: len(whole) // 2]
        self._injector.change(f"write {self.name!s}", lambda: super(_File, self).write(half))
        return super().write(whole)


def _serve(target: str) -> None:
    """Run the command in a fork for each line of standard input, and answer with a line."""
    importlib.import_module("tests.compiling").once()
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    # Collecting garbage writes to all memory, which a fork would then have to copy.
    gc.disable()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        if "warm" in request:
            _settle(request)
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                code = function(*request["arguments"])
            gc.freeze()
            _answer({"code": code, "output": printed.getvalue()})
            continue
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as changes:
            child = os.fork()
            if child == 0:
                _run(function, request, output, changes)
            _, status = os.waitpid(child, 0)
            outcome = {
                "code": os.waitstatus_to_exitcode(status),
                "output": _text(output),
                "changes": json.loads(_text(changes) or "[]"),
            }
        _answer(outcome)


def _answer(outcome: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(outcome) + "\n")
    sys.stdout.flush()


def _settle(request: Mapping[str, Any]) -> None:
    """Be where and who the request says."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if request["user"] is not None:
        os.setgroups([])
        os.setgid(request["user"])
        os.setuid(request["user"])


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _run(
    function: Callable[..., int], request: Mapping[str, Any], output: IO[bytes], changes: IO[bytes]
) -> NoReturn:
    """Be the command, from its start to the end of the process."""
    null = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((null, output.fileno(), output.fileno())):
        os.dup2(file, number)
    sys.stdin = open(os.devnull, encoding="utf-8")
    # Whoever started the tests may ignore them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.alarm(_PATIENCE)
    _settle(request)
    injector = _Injector(request["fault"])
    code = 1
    try:
        injector.start()
        code = function(*request["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    injector.stop()
    changes.write(json.dumps(injector.changes).encode())
    changes.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])


def unfit(fault: Fault, outcome: Outcome, *, made: bool, prefix: str) -> str | None:
    """Say what is wrong with how a struck command ended, if anything is.

    Args:
        fault: what struck it.
        outcome: its exit code and what it printed.
        made: whether all is there as wanted.
        prefix: how the one line starts that tells a person of an error.
    """
    codes = {"SIGKILL": -signal.SIGKILL, "SIGINT": 130, "SIGTERM": 130}
    expected = codes.get(fault.mode, 0 if made else 2)
    if outcome.code != expected:
        return f"made: {made}, exit code {outcome.code}, not {expected}; {outcome.output}"
    lines = outcome.output.strip().splitlines()
    if outcome.code > 0 and (
        len(lines) != 1 or not lines[0].startswith(prefix) or "None" in lines[0]
    ):
        return f"said {outcome.output}"
    return None
