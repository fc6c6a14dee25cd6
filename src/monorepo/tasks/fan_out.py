"""Run a Make target in many packages in parallel, and the services until they are stopped."""

import contextlib
import ctypes
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from monorepo.core.languages import Language
from monorepo.core.workspace import Package, Workspace
from monorepo.guard.catalog import TEAMS
from monorepo.programs import process_marks
from monorepo.system import subprocesses, transaction
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, say, show, without_make
from monorepo.tasks import serving

_GRACE = 10.0  # seconds that a process gets to end by itself
# Targets that not every package has.
_SERVICES_ONLY = {"dev", "smoke"}
_JAVASCRIPT_ONLY = {"compile"}


class _Lock(ctypes.Structure):
    """`struct flock` of fcntl.h: what is asked about a lock, and what the system answers."""

    _fields_ = sorted(
        [
            ("l_type", ctypes.c_short),
            ("l_whence", ctypes.c_short),
            ("l_start", ctypes.c_longlong),
            ("l_len", ctypes.c_longlong),
            ("l_pid", ctypes.c_int),
        ],
        # macOS has the long ones first.
        key=lambda field: -ctypes.sizeof(field[1]) if sys.platform == "darwin" else 0,
    )


def _command(space: Workspace, package: Package, target: str) -> list[str]:
    """Return the command that makes `target` in `package`, whose environment is ready."""
    own = space.facts["python-env"] == "per-package"
    venv = ".venv" if own else "../" * len(package.path.split("/")) + ".venv"
    return make(package.folder, target, f"VENV={venv}")


def _able(target: str, packages: Iterable[Package]) -> list[Package]:
    """Return those packages that have a target."""
    services, javascript = target in _SERVICES_ONLY, target in _JAVASCRIPT_ONLY
    some = [package for package in packages if package.is_service or not services]
    return [package for package in some if package.is_javascript or not javascript]


def once(space: Workspace, target: str, packages: Sequence[Package]) -> bool:
    """Make `target` in one process for all packages of a language, in one after the other.

    Types of Python packages with environments of their own are checked in each of these.

    Returns:
        Whether all went well.
    """
    done = True
    for language in Language:
        mine = [package for package in _able(target, packages) if package.language == language]
        own = space.facts["python-env"] == "per-package" and language is Language.PYTHON
        if mine and own and target == "type-check":
            done = run(space, target, mine) and done
        elif mine:
            paths = [package.path for package in mine]
            whole = {
                package.path for package in space.packages.values() if package.language == language
            }
            # With all packages, the root's own files are looked at, too.
            if whole.issubset(paths) and target != "compile":
                beside = ["noxfile.py", *([TEAMS] if (space.root / TEAMS).is_dir() else ())]
                paths = [*paths, *beside] if language is Language.PYTHON else ["."]
            words = [f"--file={language.fragment}", target, "VENV=.venv"]
            command = make(space.root, *words, f"PATHS={' '.join(paths)}")
            show(command, space.root)
            sys.stdout.flush()
            done = _waited(command, f"{target} of {len(mine)} packages") == 0 and done
    return done


def _waited(command: list[str], doing: str) -> int:
    """Run a command and return its exit code; after a long silence, say that it runs."""
    start = time.monotonic()
    with subprocess.Popen(command, env=without_make()) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(timeout=subprocesses.SILENCE)
                say(f"{doing}: {time.monotonic() - start:.0f} s")
        except BaseException:
            process.kill()
            raise


def run(space: Workspace, target: str, packages: Sequence[Package]) -> bool:
    """Make `target` in each package that has it, as many at once as there are processors.

    A line tells of each finished package, with its time in seconds; the output of one that failed
    is shown whole; the others go on; the last line sums up. Where ARGS chooses tests, a package may
    have none of them, as long as another one has.

    Returns:
        Whether all went well.

    Raises:
        UsageError: there are no packages.
    """
    if not (packages := _able(target, packages)):
        raise UsageError(f"PKG: no package has the target {target}; `make list` shows them")
    # Two compilers side by side would write the same files.
    if target == "build" and not once(space, "compile", packages):
        return False
    failed: list[str] = []
    # Those whose tests ARGS leaves out, all of them.
    unmatched: list[str] = []
    width = max((len(package.path) for package in packages), default=0)
    running: set[subprocess.Popen[bytes]] = set()
    interrupted = threading.Event()
    with (
        tempfile.TemporaryDirectory(prefix="run-") as place,
        ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool,
    ):
        jobs: dict[Future[tuple[int, bytes, float]], tuple[str, Path]] = {}
        try:
            for number, package in enumerate(packages):
                note = Path(place, str(number))
                command = [*_command(space, package, target), *_choice(note)]
                job = pool.submit(_one, command, running, interrupted)
                jobs[job] = package.path, note
            for job in _ended({job: path for job, (path, _) in jobs.items()}, target):
                path, note = jobs[job]
                code, output, seconds = job.result()
                none = note.exists()
                word = "none" if none else "FAILED" if code else "ok"
                print(f"{word:6}  {path:{width}}  {seconds:6.1f} s", flush=True)
                if none:
                    unmatched.append(path)
                elif code:
                    failed.append(path)
                    sys.stdout.buffer.write(output)
                    sys.stdout.buffer.flush()
        except KeyboardInterrupt:
            interrupted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            _end(list(running))
            raise
    if len(unmatched) == len(packages):
        raise UsageError("ARGS: chooses no test in any package; correct it")
    summary = f"{target}: {len(packages) - len(failed) - len(unmatched)} ok"
    summary += f", {len(unmatched)} without a test that ARGS chooses" if unmatched else ""
    print(f"{summary}, {len(failed)} failed: {', '.join(sorted(failed))}" if failed else summary)
    if failed and not os.environ.get("V"):
        again = shlex.join(["make", target, f"PKG={' '.join(sorted(failed))}", "V=1"])
        print(f"{again} shows each command")
    return not failed


def _ended(
    jobs: Mapping[Future[tuple[int, bytes, float]], str], target: str
) -> Iterator[Future[tuple[int, bytes, float]]]:
    """Yield each job as it ends; after a long silence, say on standard error which ones run."""
    start, waiting = time.monotonic(), set(jobs)
    while waiting:
        ended, waiting = wait(waiting, timeout=subprocesses.SILENCE, return_when=FIRST_COMPLETED)
        if not ended:
            done = f"{len(jobs) - len(waiting)} of {len(jobs)} done"
            running = ", ".join(sorted(jobs[job] for job in waiting if job.running()))
            say(f"{target}: {time.monotonic() - start:.0f} s, {done}, running: {running}")
        yield from ended


def _choice(note: Path) -> list[str]:
    """Return what a package's Makefile is told of ARGS: where to note that it chooses no test."""
    arguments = os.environ.get("ARGS")
    return [f"ARGS={arguments}", f"UNMATCHED={note}"] if arguments else []


def _started(command: list[str], **env: str) -> subprocess.Popen[bytes]:
    """Start a command that nobody types into, with all that it starts in a group of its own."""
    show(command, Path.cwd())
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=without_make() | env,
        start_new_session=True,
    )


def _one(
    command: list[str], running: set[subprocess.Popen[bytes]], interrupted: threading.Event
) -> tuple[int, bytes, float]:
    """Run one command; return its exit code, all that it printed, and the seconds it took."""
    start = time.monotonic()
    process = _started(command)
    running.add(process)
    # Who interrupts ends what is running: not what has been starting meanwhile.
    if interrupted.is_set():
        _end([process])
    output, _ = process.communicate()
    running.discard(process)
    return process.returncode, output, time.monotonic() - start


def dev(space: Workspace, packages: Sequence[Package]) -> None:
    """Run the `dev` target of all services, prefix their output, stop all when one is told to.

    Ends on Ctrl-C, on SIGTERM (which `stop` sends), when the terminal is closed, or when every
    service has ended.

    Raises:
        UsageError: services run already, ports are taken, or settings are malformed.
        TaskError: a service ended by itself with an error.
    """
    if not (packages := _able("dev", packages)):
        raise UsageError("PKG: names no service; `make list` shows the packages")
    width = max(len(package.path) for package in packages)
    mark = process_marks.all_of(space.root)
    processes, copied = [], []
    # The pool waits for what services say while they stop.
    with _only_one(space.root), ThreadPoolExecutor(len(packages)) as readers:
        if count := process_marks.end(mark, _GRACE):
            say(f"dev: stopped {count} processes that an earlier make dev left")
        _prepare(space, packages)
        try:
            for package in packages:
                command = _command(space, package, "dev")
                process = _started(command, **{process_marks.VARIABLE: mark})
                processes.append(process)
                prefix = f"{package.path:{width}} | "
                copied.append(readers.submit(_copy, process.stdout, prefix))
            for copy in wait(copied, return_when=FIRST_EXCEPTION).done:
                copy.result()
        except KeyboardInterrupt:
            print("stopping", flush=True)
            return
        finally:
            _end(processes)
            # What has left its group.
            process_marks.end(mark, 0)
    if any(process.returncode for process in processes):
        raise TaskError("dev: a service ended with an error; see above")


def _prepare(space: Workspace, packages: Sequence[Package]) -> None:
    """Make sure that services can be started with their settings, each on a port of its own.

    Raises:
        UsageError: they cannot.
    """
    if len(packages) > 1 and os.environ.pop("PORT", ""):
        say("monorepo: PORT is about one service, and left out; use it with PKG=services/…")
    environments: dict[str, dict[str, str]] = {}
    mistakes: list[str] = []
    for package in packages:
        try:
            environments[package.path] = serving.environment(space, package)
        except UsageError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UsageError(*dict.fromkeys(mistakes))
    serving.tell_of_common_port(space.root)
    serving.hold_ports(environments)


def stop(root: Path) -> str:
    """Stop what `dev` runs here, and what it left; wait until all has ended; tell what there was.

    Also what `make dev` runs in one service.
    """
    runs = False
    deadline = time.monotonic() + 2 * _GRACE
    last = 0
    while holder := _holder(root):
        runs = True
        number = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        if number != last:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder, number)
            last = number
        time.sleep(0.05)
    left = process_marks.end(process_marks.all_of(root), _GRACE)
    alone = process_marks.end(process_marks.one_of(root), _GRACE)
    if left:
        return f"stopped {left} processes that an earlier make dev left"
    return "stopped" if runs or alone else "nothing runs"


def _holder(root: Path) -> int:
    """Return the process that runs the services, as the system knows it; 0 if there is none."""
    file = transaction.record(root, "dev")
    if not os.path.lexists(file):
        return 0
    with _opened(file) as held:
        asked = bytes(_Lock(l_type=fcntl.F_WRLCK))
        answer = _Lock.from_buffer_copy(fcntl.fcntl(held, fcntl.F_GETLK, asked))
    return 0 if answer.l_type == fcntl.F_UNLCK else int(answer.l_pid)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[int]:
    """Open a file that is nothing but a lock."""
    held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield held
    finally:
        os.close(held)


@contextlib.contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Hold the lock of the process that runs the services, which dies with it.

    It is one of which the system tells who holds it (fcntl(2), F_GETLK), so that `stop` need not
    believe a file.
    """
    with _opened(transaction.record(root, "dev")) as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise UsageError("dev: the services run already; `make stop` stops them") from None
        yield


def _copy(source: IO[bytes] | None, prefix: str) -> None:
    """Print the lines of `source`, each after `prefix`, as many at once as have come."""
    # Others print meanwhile: a line is written with its line break, which `print` would add later.
    rest = b""
    while chunk := cast(BufferedReader, source).read1(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        text = "".join(f"{prefix}{line.decode(errors='replace')}\n" for line in lines)
        print(text, end="", flush=True)
    if rest:
        print(f"{prefix}{rest.decode(errors='replace')}\n", end="", flush=True)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask the processes, and all that they started, to end; insist after a while.

    Who interrupts once more does not wait.
    """
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    with contextlib.suppress(KeyboardInterrupt):
        # The system tells when a process ends, and of a group nothing: it has to be asked.
        while time.monotonic() < deadline and any(map(_is_there, processes)):
            time.sleep(0.02)
    for process in filter(_is_there, processes):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def _is_there(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process, or one that it has started, has not ended yet."""
    if process.poll() is None:
        return True
    # macOS says so of what has ended and nobody has asked for.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 0)
        return True
    return False
