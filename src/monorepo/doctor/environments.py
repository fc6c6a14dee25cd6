"""The environments and node_modules: are they there, do they start, do they have what is pinned?

Standard library only.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.naming import fold
from monorepo.core.workspace import Workspace
from monorepo.doctor import checkout
from monorepo.environments import interpreter, node, virtualenv
from monorepo.environments.virtualenv import SEEDS, STAMP, Environment
from monorepo.guard.findings import Finding
from monorepo.locking import pnpm_locks
from monorepo.system.errors import UsageError

_INSTALL = "make install"
# What that refuses to do without it.
_LOCK = "make lock"


def findings(space: Workspace) -> Iterator[Finding]:
    """Yield a finding for each environment."""
    for environment in virtualenv.environments(space, list(space.packages.values())):
        yield _state(environment)
    if space.has_javascript:
        yield _modules(space)
    yield from _left_over(space)


def _state(environment: Environment) -> Finding:
    """Return whether an environment is ready, or the first reason why it is not."""
    path, place = environment.path, environment.folder

    def wrong(problem: str, message: str) -> Finding:
        fix = _INSTALL if _is_pinned(environment) else f"{_LOCK} && {_INSTALL}"
        return Finding(path, 0, f"environments.{problem}", message, fix)

    if not place.is_dir():
        if os.path.lexists(place):
            return Finding(path, 0, "environments.foreign", "is not a folder", "move it away")
        return wrong("missing", "is missing")
    try:
        stamp = json.loads((place / STAMP).read_text(encoding="utf-8"))
        folder, layers = stamp["folder"], stamp["layers"]
    except (OSError, ValueError, TypeError, KeyError):
        return wrong("incomplete", "is incomplete: an installation was interrupted, or is going on")
    if folder != str(place):
        return wrong("moved", f"was made as {folder}")
    if environment.layer not in layers:
        return wrong("incomplete", "has the tools alone, no package")
    # One that was made elsewhere is not started.
    if not (interpreter.is_noted(environment.space.root, path) and _starts(environment.python)):
        return wrong("broken", "has another Python than it was made with, or none that starts")
    try:
        if environment.is_filled():
            return Finding(path, 0, "environments", "is as pinned", "", "ok")
    except UsageError as error:
        return Finding(path, 0, "environments.unknown", error.mistakes[0], "correct it")
    return wrong("drift", f"is not as pinned{_drift(environment)}")


def _is_pinned(environment: Environment) -> bool:
    """Return whether there is a pin of all that an environment needs."""
    try:
        return not environment.mistakes()
    except UsageError:
        return False


def _starts(python: Path) -> bool:
    """Return whether an interpreter starts, without the site-packages of its environment."""
    command = [str(python), "-I", "-S", "-c", ""]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _drift(environment: Environment) -> str:
    """Return the first installed version that is not the pinned one, if there is any."""
    pinned = environment.pins()
    for info in sorted(environment.folder.glob("lib/python*/site-packages/*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        pins = pinned.get(fold(name), [])
        versions = [hashes.version_of(pin) for pin in pins]
        if pins and version not in versions and fold(name) not in SEEDS:
            return f": {fold(name)} {version} is installed, {' or '.join(versions)} is pinned"
    return ": what is declared or installed has changed"


def _modules(space: Workspace) -> Finding:
    """Return whether node_modules is ready."""
    folder = pnpm_locks.STAMP.partition("/")[0]
    if not (space.root / folder).is_dir():
        return Finding(folder, 0, "environments.missing", "is missing", _INSTALL)
    try:
        if node.is_installed(space):
            return Finding(folder, 0, "environments", "is as locked", "", "ok")
    except UsageError as error:
        return Finding(folder, 0, "environments.unknown", error.mistakes[0], "correct it")
    return Finding(folder, 0, "environments.drift", "is incomplete, or not as locked", _INSTALL)


def _left_over(space: Workspace) -> Iterator[Finding]:
    """Yield environments in packages that are gone, or that have none of their own."""
    known = {f"{path}/.venv" for path in (*space.packages, *space.broken)}
    if space.has_one_environment:
        known = set()
    for folder in checkout.in_packages(space.root, ".venv"):
        path = folder.relative_to(space.root).as_posix()
        if path not in known:
            message = "is a left-over: nothing here uses it"
            yield Finding(
                path, 0, "environments.unused", message, f"rm -rf {shlex.quote(path)}", "warn"
            )
