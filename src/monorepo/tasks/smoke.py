"""Smoke-test a service or an app: clean environment, CPU-only tests; then it has to work.

A service is started, asked for /health and stopped. The commands of an app tell their version, the
build of a browser app is served and looked at.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from monorepo.core.workspace import Package, Workspace
from monorepo.environments import node
from monorepo.environments.virtualenv import Environment
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, run, say, show, without_make
from monorepo.tasks import js_sandbox, page, serving

START_SECONDS = 30.0
STOP_SECONDS = 15.0


def smoke(space: Workspace, package: Package) -> None:
    """Check that a service or an app works with exactly its declared dependencies.

    It works in a temporary folder, and removes it.

    Raises:
        UsageError: the package is neither, or has nothing to start.
        TaskError: a step failed, and its output was printed.
    """
    if package.is_shared:
        what = "is neither a service nor an app"
        raise UsageError(f"{package.path}: {what}; `make list` shows the packages")
    with tempfile.TemporaryDirectory(prefix="smoke-") as name:
        check = _python if package.is_python else _node
        is_whole = check(space, package, Path(name))
    how = "ok" if is_whole else "tested, and not started, as it says itself"
    say(f"smoke: {package.path}: {how}")


def _python(space: Workspace, package: Package, folder: Path) -> bool:
    """Install the package and its test dependencies into a new environment; test and start it.

    Returns:
        Whether it worked; otherwise this machine lacks what the service needs.
    """
    main = next(package.folder.glob("src/*/main.py"), None)
    commands = package.manifest.get("project", {}).get("scripts", {})
    if package.is_service and main is None:
        raise UsageError(f"{package.path}: has no src/*/main.py to start it; add one")
    if not package.is_service and not commands:
        file = package.manifest_path
        raise UsageError(f"{file}: has no command; name one in [project.scripts]")
    wanted = {package.path: {"test"} & set(package.extras)}
    groups = {package.path: {"test"} & set(package.groups)}
    environment = Environment(space, str(folder / "environment"), wanted, groups)
    environment.install()
    _make(package.folder, "test", f"VENV={environment.folder}")
    if main is None or not package.is_service:
        for name in commands:
            _tell_version(environment.python.with_name(name), package, folder)
        return True
    return _serves(space, package, [environment.python, "-m", f"{main.parent.name}.main"], folder)


def _tell_version(command: Path, package: Package, folder: Path) -> None:
    """Ask a command of an app for its version, somewhere else.

    Raises:
        TaskError: it fails, or tells none or another one.
    """
    show([command, "--version"], folder)
    try:
        done = subprocess.run(
            [command, "--version"],
            cwd=folder,
            env=without_make(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        what = f"did not end within {START_SECONDS:.0f} s"
        raise TaskError(f"smoke: {command.name} --version: {what}") from None
    said = f"{done.stdout}{done.stderr}".strip()
    if done.returncode or package.version not in said:
        what = f"exit code {done.returncode}, {said or 'no output'}"
        raise TaskError(f"smoke: {command.name} --version: {what}; expected {package.version}")


def _node(space: Workspace, package: Package, folder: Path) -> bool:
    """Copy the service with its closure, install its locked dependencies; test, build, start it.

    Returns:
        Whether it worked; otherwise this machine lacks what the service needs.
    """
    root = folder.resolve() / "copy"
    node.install(space)
    copied = js_sandbox.make(space, package, root)
    if package.is_page:
        _make(copied, "build", *js_sandbox.variables(space))
        with page.served(copied / "dist") as url:
            page.look(url)
            # The tests look at this build, and not at the sources.
            run(
                make(copied, "test", *js_sandbox.variables(space)),
                copied,
                env={**without_make(), "APP_URL": url},
            )
        return True
    _make(copied, "test", "build", *js_sandbox.variables(space))
    deployed = folder / "deployed"
    js_sandbox.deploy(space, package, root, deployed)
    command = [space.root / ".venv/bin/node", deployed / "dist/main.js"]
    return _serves(space, package, command, folder)


def _serves(space: Workspace, package: Package, command: Sequence[object], folder: Path) -> bool:
    """Start a service, request /health and stop it; return whether it started.

    One that is configured ends with exit code 0 if this machine lacks what it needs (`resources` in
    service.json), and has said so.
    """
    files = (package.folder / "service.json", *package.folder.glob("src/*/service.json"))
    is_configured = any(file.exists() for file in files)
    environment = serving.environment(space, package)
    with _started(command, folder, environment, may_refuse=is_configured) as port:
        if port is not None:
            _get_health(port)
        return port is not None


def _make(folder: Path, *words: str) -> None:
    """Run Make targets in `folder`.

    Raises:
        TaskError: one failed; its own output says why.
    """
    run(make(folder, *words), folder, env=without_make())


@contextlib.contextmanager
def _started(
    command: Sequence[object],
    cwd: Path,
    environment: Mapping[str, str],
    *,
    may_refuse: bool = False,
) -> Iterator[int | None]:
    """Start a service on a free local port, yield the port, and stop the service.

    One that may refuse to start ends with exit code 0 then, and there is no port.

    Raises:
        TaskError: it ended too early, with an error, or not at all.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    show(command, cwd)
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env={**environment, "PORT": str(port), "HOST": "127.0.0.1", "SHUTDOWN_DELAY": "0"},
        start_new_session=True,
    )
    try:
        yield port if _listens(process, port, may_refuse=may_refuse) else None
        process.terminate()
        code = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise TaskError(f"smoke: did not end within {STOP_SECONDS:.0f} s of SIGTERM") from None
    finally:
        # Kill the whole group, unless it has ended: then the id may be reused.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code:
        raise TaskError(f"smoke: ended with exit code {code} after SIGTERM; expected 0")


def _listens(process: subprocess.Popen[bytes], port: int, *, may_refuse: bool) -> bool:
    """Wait until something listens on `port`; return False if the service has refused to start.

    Raises:
        TaskError: it ended before, or it takes too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            if may_refuse and not process.returncode:
                return False
            raise TaskError(f"smoke: ended with exit code {process.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.05)
    raise TaskError(f"smoke: nothing listens on port {port} after {START_SECONDS:.0f} s")


def _get_health(port: int) -> None:
    """Request /health of the service.

    Raises:
        TaskError: the response is anything but 200 with a JSON object.
    """
    url = f"http://127.0.0.1:{port}/health"
    try:
        # No proxy: this never leaves the machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as answer:
            body = json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise TaskError(f"smoke: GET /health: {error}") from error
    if not isinstance(body, dict):
        raise TaskError(f"smoke: GET /health: answered {body!r}; expected an object")
