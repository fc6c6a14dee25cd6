"""Run a Make target in many packages in parallel; run services until they are stopped."""

import contextlib
import ctypes
import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple, cast

from monorepo.core.languages import TOPS, Language
from monorepo.core.workspace import Package, Workspace
from monorepo.environments.results import Results
from monorepo.guard.catalog import TEAMS
from monorepo.programs import process_marks
from monorepo.system import subprocesses, transaction
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, say, show, without_make
from monorepo.tasks import serving

_GRACE = 10.0  # seconds between SIGTERM and SIGKILL
# Targets of some packages only.
_ONLY: dict[str, Callable[[Package], bool]] = {
    "dev": lambda package: package.is_service or package.is_page,
    "smoke": lambda package: not package.is_shared,
    # A bundler reads the sources of a browser app itself.
    "compile": lambda package: package.is_javascript and not package.is_page,
}
# Targets that are about code, which a set of dependencies does not have.
_CODE_ONLY = {"type-check", "test", "test-coverage"}
# The totals in the reports of coverage.py and of Istanbul, which c8, Vitest and Jest print: there,
# lines come after statements, branches and functions.
_COVERED = re.compile(
    rb"^(?:TOTAL .* ([\d.]+)%|All files(?: *\|[^|]*){3}\| *([\d.]+) *\|)", re.MULTILINE
)
_COLOUR = re.compile(rb"\x1b\[[\d;]*m")


class _Lock(ctypes.Structure):
    """`struct flock` of fcntl.h: a query about a lock, and the answer."""

    _fields_ = sorted(
        [
            ("l_type", ctypes.c_short),
            ("l_whence", ctypes.c_short),
            ("l_start", ctypes.c_longlong),
            ("l_len", ctypes.c_longlong),
            ("l_pid", ctypes.c_int),
        ],
        # macOS has the 64-bit fields first.
        key=lambda field: -ctypes.sizeof(field[1]) if sys.platform == "darwin" else 0,
    )


class _Result(NamedTuple):
    """The exit code of a command, its output, and its running time."""

    code: int
    output: bytes
    seconds: float


def make_command(space: Workspace, package: Package, target: str) -> list[str]:
    """Return the command that runs `target` in `package` with its environment."""
    own = not space.has_one_environment
    venv = ".venv" if own else "../" * len(package.path.split("/")) + ".venv"
    return make(package.folder, target, f"VENV={venv}")


def _having(target: str, packages: Iterable[Package]) -> list[Package]:
    """Return the packages that have a target."""
    fits = _ONLY.get(target)
    return [package for package in packages if fits is None or fits(package)]


def _with_code(target: str, packages: Sequence[Package]) -> list[Package]:
    """Return the packages that have something for a target to look at; print which have not."""
    chosen = [package for package in packages if package.has_code or target not in _CODE_ONLY]
    if without := [package.path for package in packages if package not in chosen]:
        print(f"{target}: there is no code in {', '.join(without)}", flush=True)
    return chosen


def once(
    space: Workspace,
    target: str,
    packages: Sequence[Package],
    *,
    cache: bool = True,
    why: bool = False,
    started: list[str] | None = None,
) -> bool:
    """Run `target` once for all packages of a language, one language after the other.

    Python packages with their own environments are type-checked one by one. Those that succeeded on
    the same content are left out.

    Args:
        space: the repository.
        target: the target.
        packages: the packages.
        cache: whether results are used and kept.
        why: whether it says what has changed since the last success.
        started: gets what the target was really run for.

    Returns:
        Whether all succeeded.
    """
    done = True
    started = [] if started is None else started
    results = Results(space, target, cache=cache)
    for language in Language:
        mine = [package for package in _having(target, packages) if package.language == language]
        own = not space.has_one_environment and language is Language.PYTHON
        if mine and own and target == "type-check":
            done = run(space, target, mine, cache=cache, why=why, started=started) and done
        elif checked := _with_code(target, mine):
            every = {
                package.path for package in space.packages.values() if package.language == language
            }
            # With all packages selected, the files of the root are checked as well.
            whole = every.issubset(package.path for package in mine) and target != "compile"
            here, ok = _once(results, language, checked, whole=whole, why=why)
            started += here
            done = ok and done
    results.save()
    return done


def _once(
    results: Results, language: Language, packages: Sequence[Package], *, whole: bool, why: bool
) -> tuple[list[str], bool]:
    """Run a target once for packages of a language, and the files of the root if it is `whole`.

    Returns:
        What it was run for, and whether all succeeded.
    """
    space, target = results.space, results.task
    left = [package for package in packages if not results.find(package.path)]
    # mypy looks at packages alone.
    outside = whole and (language is Language.JAVASCRIPT or target != "type-check")
    outside = outside and not results.find(language)
    subjects = [*(package.path for package in left), *([language] if outside else [])]
    if why:
        print("".join(f"{results.why(subject)}\n" for subject in subjects), end="", flush=True)
    if len(left) < len(packages):
        count = f"{len(packages) - len(left)} of {len(packages)} {language.label} packages"
        print(f"{target}: {count} cached", flush=True)
    if not subjects:
        return [], True
    paths = [package.path for package in left]
    # One program is faster than many, and the one of the root has all packages.
    if language is Language.JAVASCRIPT and whole and (outside or 2 * len(left) > len(packages)):
        pages = [package.path for package in packages if package.is_page]
        paths, left = ["."] + (pages if target == "type-check" else []), [*packages]
    elif language is Language.PYTHON and (outside or (whole and target == "type-check")):
        paths += ["noxfile.py", *([TEAMS] if (space.root / TEAMS).is_dir() else ())]
        paths += _own_folders(space.root) if target != "type-check" else []
    if language is Language.JAVASCRIPT and target == "type-check":
        paths += _programs(space, left)
    words = [f"--file={language.fragment}", target, "VENV=.venv"]
    command = make(space.root, *words, f"PATHS={' '.join(paths)}")
    show(command, space.root)
    sys.stdout.flush()
    if _run_reporting(command, f"{target} of {len(left)} packages"):
        return subjects, False
    for subject in subjects:
        results.succeeded(subject)
    return subjects, True


def _own_folders(root: Path) -> list[str]:
    """Return the folders of the team's own at the root that have Python files or notebooks."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    said = subprocess.run(
        [*command, "--", "*/*.py", "*/*.ipynb"], cwd=root, capture_output=True, check=False
    )
    known = {"tools", *TOPS}
    tops = {os.fsdecode(path).partition("/")[0] for path in said.stdout.split(b"\0")} - known
    # Folders of tools start with a dot, and a shell splits what the fragment of Make gets.
    return sorted(top for top in tops if re.fullmatch(r"\w[\w.-]*", top) and (root / top).is_dir())


def _programs(space: Workspace, packages: Iterable[Package]) -> list[str]:
    """Return the TypeScript programs of packages that need options of their own.

    They are code for browsers, in a package that has other code as well, and tests of such code.
    """
    files = [
        f"{package.path}/{name}"
        for package in packages
        for name in ("tsconfig.browser.json", "tests/tsconfig.json")
    ]
    return [file for file in files if (space.root / file).exists()]


def _run_reporting(command: list[str], doing: str) -> int:
    """Run a command and return its exit code; print its running time now and then."""
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


def run(
    space: Workspace,
    target: str,
    packages: Sequence[Package],
    *,
    cache: bool = True,
    why: bool = False,
    started: list[str] | None = None,
) -> bool:
    """Run `target` in each package that has it, in as many processes as there are processors.

    Prints a line with the seconds for each finished package, and the percentage if it reports
    coverage, the output of failed ones, and a summary. If ARGS selects tests, a package may have no
    match, as long as another one has. What succeeded on the same content is not run again, see
    `environments.results`; V=1 shows what it printed.

    Args:
        space: the repository.
        target: the target.
        packages: the packages.
        cache: whether results are used and kept.
        why: whether it says what has changed since the last success.
        started: gets the packages that the target was really run in.

    Returns:
        Whether all succeeded.

    Raises:
        UsageError: there are no packages.
    """
    if not (packages := _having(target, packages)):
        raise UsageError(f"PKG: no package has the target {target}; `make list` shows them")
    if not (packages := _with_code(target, packages)):
        return True
    # Parallel compilers would write the same files.
    if target == "build" and not once(space, "compile", packages):
        return False
    failed: list[str] = []
    # The packages without a test that ARGS selects.
    unmatched: list[str] = []
    width = max((len(package.path) for package in packages), default=0)
    results = Results(space, target, cache=cache, arguments=os.environ.get("ARGS", ""))
    cached = _cached(results, packages, width)
    left = [package for package in packages if package.path not in cached]
    (started if started is not None else []).extend(package.path for package in left)
    if why:
        print("".join(f"{results.why(package.path)}\n" for package in left), end="", flush=True)
    running: set[subprocess.Popen[bytes]] = set()
    interrupted = threading.Event()
    with (
        tempfile.TemporaryDirectory(prefix="run-") as place,
        ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool,
    ):
        jobs: dict[Future[_Result], tuple[str, Path]] = {}
        try:
            for number, package in enumerate(left):
                note = Path(place, str(number))
                command = [*make_command(space, package, target), *_choice(note)]
                job = pool.submit(_run_job, command, running, interrupted)
                jobs[job] = package.path, note
            for job in _ended({job: path for job, (path, _) in jobs.items()}, target):
                path, note = jobs[job]
                result = job.result()
                no_match = note.exists()
                word = "none" if no_match else "FAILED" if result.code else "ok"
                line = f"{word:6}  {path:{width}}  {result.seconds:6.1f} s"
                print(line + _covered(result.output), flush=True)
                if no_match:
                    unmatched.append(path)
                elif not result.code:
                    results.succeeded(path, result.seconds, result.output)
                else:
                    failed.append(path)
                    results.failed(path)
                    sys.stdout.buffer.write(result.output)
                    sys.stdout.buffer.flush()
        except KeyboardInterrupt:
            interrupted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            _end(list(running))
            raise
        finally:
            results.save()
    if len(unmatched) == len(packages):
        raise UsageError("ARGS: selects no test in any package; correct it")
    summary = f"{target}: {len(packages) - len(failed) - len(unmatched)} ok"
    summary += f", {len(cached)} of them cached" if cached else ""
    summary += f", {len(unmatched)} without a test that ARGS selects" if unmatched else ""
    print(f"{summary}, {len(failed)} failed: {', '.join(sorted(failed))}" if failed else summary)
    if failed and not os.environ.get("V"):
        again = shlex.join(["make", target, f"PKG={' '.join(sorted(failed))}", "V=1"])
        print(f"{again} shows each command")
    return not failed


def _cached(results: Results, packages: Sequence[Package], width: int) -> set[str]:
    """Print a line for each package whose task is not run again; return their paths."""
    found = set()
    for package in packages:
        if result := results.find(package.path):
            found.add(package.path)
            output = results.output(result)
            print(f"cached  {package.path:{width}}{_covered(output)}".rstrip(), flush=True)
            if os.environ.get("V"):
                sys.stdout.buffer.write(output)
                sys.stdout.buffer.flush()
    return found


def _covered(output: bytes) -> str:
    """Return the total of a report of coverage, for the end of a line; else nothing."""
    found = _COVERED.search(_COLOUR.sub(b"", output))
    return f"  {(found[1] or found[2]).decode()} % covered" if found else ""


def _ended(jobs: Mapping[Future[_Result], str], target: str) -> Iterator[Future[_Result]]:
    """Yield each job as it ends; now and then, print which ones are running to standard error."""
    start, waiting = time.monotonic(), set(jobs)
    while waiting:
        ended, waiting = wait(waiting, timeout=subprocesses.SILENCE, return_when=FIRST_COMPLETED)
        if not ended:
            done = f"{len(jobs) - len(waiting)} of {len(jobs)} done"
            running = ", ".join(sorted(jobs[job] for job in waiting if job.running()))
            say(f"{target}: {time.monotonic() - start:.0f} s, {done}, running: {running}")
        yield from ended


def _choice(note: Path) -> list[str]:
    """Return the Make variables for ARGS, and for the file that records that it selects no test."""
    arguments = os.environ.get("ARGS")
    return [f"ARGS={arguments}", f"UNMATCHED={note}"] if arguments else []


def _started(command: list[str], **env: str) -> subprocess.Popen[bytes]:
    """Start a command without standard input, in a process group of its own."""
    show(command, Path.cwd())
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=without_make() | env,
        start_new_session=True,
    )


def _run_job(
    command: list[str], running: set[subprocess.Popen[bytes]], interrupted: threading.Event
) -> _Result:
    """Run one command to its end."""
    start = time.monotonic()
    process = _started(command)
    running.add(process)
    # A process started during the interrupt may not be in `running` yet: stop it here.
    if interrupted.is_set():
        _end([process])
    output, _ = process.communicate()
    running.discard(process)
    return _Result(process.returncode, output, time.monotonic() - start)


def dev(space: Workspace, packages: Sequence[Package]) -> None:
    """Run the `dev` target of services, and prefix their output.

    It ends on Ctrl-C, on SIGTERM (sent by `stop`), when the terminal is closed, or when every
    service has ended.

    Raises:
        UsageError: services run already, ports are taken, or settings are malformed.
        TaskError: a service failed.
    """
    if not (packages := _having("dev", packages)):
        raise UsageError("PKG: names no service; `make list` shows the packages")
    width = max(len(package.path) for package in packages)
    mark = process_marks.all_of(space.root)
    processes, copied = [], []
    # The pool waits for the output of services while they stop.
    with _only_one(space.root), ThreadPoolExecutor(len(packages)) as readers:
        if count := process_marks.end(mark, _GRACE):
            say(f"dev: stopped {count} processes that an earlier make dev left")
        _prepare(space, packages)
        try:
            for package in packages:
                command = make_command(space, package, "dev")
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
            # Processes that have left their group.
            process_marks.end(mark, 0)
    if any(process.returncode for process in processes):
        raise TaskError("dev: a service ended with an error; see above")


def _prepare(space: Workspace, packages: Sequence[Package]) -> None:
    """Check the settings of services, and that each has a free port of its own.

    Raises:
        UsageError: settings are malformed, or ports are taken.
    """
    if len(packages) > 1 and os.environ.pop("PORT", ""):
        say("monorepo: PORT applies to one service and is ignored; use it with PKG=services/…")
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
    """Stop the services of `dev`, also of a killed run or of `make dev` in one service.

    Waits until all have ended, and returns a message.
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
    """Return the id of the process that holds the lock of `dev`; 0 if there is none."""
    file = transaction.record(root, "dev")
    if not os.path.lexists(file):
        return 0
    with _opened(file) as held:
        query = bytes(_Lock(l_type=fcntl.F_WRLCK))
        answer = _Lock.from_buffer_copy(fcntl.fcntl(held, fcntl.F_GETLK, query))
    return 0 if answer.l_type == fcntl.F_UNLCK else int(answer.l_pid)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[int]:
    """Open a lock file."""
    held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield held
    finally:
        os.close(held)


@contextlib.contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Hold the lock of `dev`, which ends with the process.

    The system reports the holder (fcntl(2), F_GETLK), so that `stop` need not trust a file.
    """
    with _opened(transaction.record(root, "dev")) as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise UsageError("dev: the services run already; `make stop` stops them") from None
        yield


def _copy(source: IO[bytes] | None, prefix: str) -> None:
    """Print the lines of `source`, each after `prefix`, as they arrive."""
    # Write line breaks together with their lines, because other threads print as well.
    rest = b""
    while chunk := cast(BufferedReader, source).read1(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        text = "".join(f"{prefix}{line.decode(errors='replace')}\n" for line in lines)
        print(text, end="", flush=True)
    if rest:
        print(f"{prefix}{rest.decode(errors='replace')}\n", end="", flush=True)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Terminate process groups; kill them after a while, or at once on another interrupt."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    with contextlib.suppress(KeyboardInterrupt):
        # There is no notification for the end of a group: poll.
        while time.monotonic() < deadline and any(map(_is_there, processes)):
            time.sleep(0.02)
    for process in filter(_is_there, processes):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def _is_there(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process or any other in its group is running."""
    if process.poll() is None:
        return True
    # macOS raises PermissionError for a zombie.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 0)
        return True
    return False
