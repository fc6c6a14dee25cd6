"""Run one service for `make dev`, with its settings, and restart it when its code changes."""

import contextlib
import errno
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from monorepo.core.workspace import Package, Workspace
from monorepo.programs import process_marks
from monorepo.system import dotenv
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import say

# Seconds: between two checks of the sources, and between SIGTERM and SIGKILL.
_PAUSE = 0.25
_GRACE = 5.0


def environment(space: Workspace, package: Package) -> dict[str, str]:
    """Return the environment variables of a service in development.

    In order of precedence: this process, the `.env` of the service, that of the root without PORT,
    and the port in the manifest. The addresses of the other services are added, as far as they are
    not set: API_URL is that of services/py/api.

    Raises:
        UsageError: a `.env` is malformed.
    """
    common = dotenv.read(space.root)
    common.pop("PORT", None)
    found = {**common, **dotenv.read(space.root, package.path), **os.environ}
    if not found.get("PORT") and "port" in package.settings:
        found["PORT"] = str(package.settings["port"])
    for name, address in _addresses(space, package, found.get("HOST", "")):
        found[name] = found.get(name) or address
    return found


def _addresses(space: Workspace, package: Package, host: str) -> Iterator[tuple[str, str]]:
    """Yield the variable and the address of each other service; not of two with the same name."""
    others = [one for one in space.packages.values() if one.is_service and one is not package]
    names = [one.short_name.upper().replace("-", "_") for one in others]
    # Who listens on all addresses is called on this machine's own.
    host = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
    host = f"[{host}]" if ":" in host else host
    for name, other in zip(names, others, strict=True):
        own = {}
        # A malformed one stops the service that it is of, and no other.
        with contextlib.suppress(UsageError):
            own = dotenv.read(space.root, other.path)
        port = own.get("PORT") or other.settings.get("port")
        if port and names.count(name) == 1:
            yield f"{name}_URL", f"http://{host}:{port}"


def tell_of_common_port(root: Path) -> None:
    """Print a warning if the root's `.env` sets PORT, which is ignored."""
    if "PORT" in dotenv.read(root):
        say("monorepo: .env: PORT applies to one service and is ignored; set it in its own .env")


def hold_ports(environments: Mapping[str, Mapping[str, str]]) -> None:
    """Check that each service, by path, can listen on the port in its environment.

    Raises:
        UsageError: ports are taken, or assigned twice.
    """
    owners: dict[int, str] = {}
    mistakes = []
    for path, found in environments.items():
        # The service itself reports an invalid port or address.
        port = int(found["PORT"]) if found.get("PORT", "").isdecimal() else 0
        host = found.get("HOST") or "127.0.0.1"
        if not 0 < port < 2**16:
            continue
        if owners.setdefault(port, path) != path:
            message = f"port {port} is also that of {owners[port]}; set another one"
            mistakes.append(f"{path}: {message}")
        elif _is_taken(host, port):
            message = f"port {port} is taken on {host}; stop what listens there, or set PORT"
            mistakes.append(f"{path}: {message}")
    if mistakes:
        raise UsageError(*mistakes)


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port with closing connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def serve(
    space: Workspace, package: Package, command: Sequence[str], *, once: bool = False
) -> None:
    """Run `command`, which starts a service, until it is interrupted.

    Node watches its files itself. For Python, this watches all modules of the closure.

    Args:
        space: the repository.
        package: the service, or an app.
        command: the command and its arguments.
        once: whether it does something else with the settings of the service, and ends by itself.

    Raises:
        UsageError: the service's settings are malformed, or its port is taken.
    """
    if process_marks.VARIABLE not in os.environ:
        tell_of_common_port(space.root)
        os.environ[process_marks.VARIABLE] = process_marks.one_of(space.root)
    found = environment(space, package)
    if package.is_service:
        # Its documentation is for those who work on it.
        found["DOCS"] = found.get("DOCS") or "true"
    if not once:
        hold_ports({package.path: found})
    if once or package.is_javascript:
        os.execvpe(command[0], list(command), found)
    needed = space.closure({package.path: ()})
    folders = [space.root / path / "src" for path in needed]
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            seen = _sources(folders)
            with _running(command, found) as process:
                _wait_for_change(folders, seen, process, package.path)
            say(f"{package.path}: code has changed, restarting")


def _wait_for_change(
    folders: Iterable[Path], seen: object, process: subprocess.Popen[bytes], path: str
) -> None:
    """Wait until sources differ from `seen`; print a message if the process ends before."""
    ended = False
    while _sources(folders) == seen:
        if not ended and process.poll() is not None:
            ended = True
            say(f"{path}: ended with exit code {process.returncode}; waiting for a change")
        time.sleep(_PAUSE)


@contextlib.contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command and terminate it afterwards; kill it on a second interrupt."""
    process = subprocess.Popen(command, env=environment)
    try:
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
    finally:
        process.kill()
        process.wait()


def _sources(folders: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Return modification time and size of all Python files in folders."""
    found = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                # The file may be gone meanwhile.
                if name.endswith(".py"):
                    with contextlib.suppress(OSError):
                        status = os.stat(os.path.join(place, name))
                        found[os.path.join(place, name)] = status.st_mtime_ns, status.st_size
    return found
