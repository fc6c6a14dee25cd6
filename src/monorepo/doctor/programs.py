"""The programs that a repository needs: are they there, and in the pinned version?

Those in .venv are started only if it was made here. Standard library only; no network is asked.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from monorepo.core import hashes, python_versions
from monorepo.core.workspace import Workspace
from monorepo.environments import interpreter
from monorepo.guard.findings import Finding
from monorepo.programs import pnpm
from monorepo.system.errors import UsageError

# Older ones lack `git init --initial-branch` and `--shell` of Make's own fragments.
OLDEST = {"git": (2, 28), "make": (3, 81)}
_MODULES = ".venv/lib/node_modules/pnpm"


def python(space: Workspace) -> Iterator[Finding]:
    """Yield the Python that the commands run on."""
    version = ".".join(map(str, sys.version_info[:3]))
    floor = str(space.facts["python"])
    if sys.version_info[:2] < (3, python_versions.minor(floor)):
        message = f"the commands run on Python {version}, which is older than {floor}"
        yield Finding(".", 0, "python.old", message, f"make setup PYTHON=python{floor}")
        return
    inside = os.path.realpath(sys.prefix) == os.path.realpath(space.root / ".venv")
    place = "of .venv" if inside else f"at {sys.executable}, until there is a .venv"
    yield Finding(".", 0, "python", f"{version} {place}", "", "ok")


def on_path(name: str) -> Iterator[Finding]:
    """Yield the version of git or make."""
    try:
        words = _asked([name, "--version"]).split()
    except OSError:
        yield Finding(".", 0, f"{name}.missing", "is not on the PATH", "install it")
        return
    version = next((word for word in words if word[:1].isdigit()), "")
    wanted = OLDEST[name]
    if python_versions.release(version)[: len(wanted)] < wanted:
        message = f"{version or 'it'} is older than {'.'.join(map(str, wanted))}"
        yield Finding(".", 0, f"{name}.old", message, "install a newer one")
        return
    yield Finding(".", 0, name, version, "", "ok")


def uv(space: Workspace) -> Iterator[Finding]:
    """Yield the version of uv, which is to be the pinned one."""
    yield from _pinned(space.root, "uv", "uv", "make setup")


def javascript(space: Workspace) -> Iterator[Finding]:
    """Yield the versions of Node and pnpm, if the repository needs them."""
    if not space.has_javascript:
        return
    yield from _pinned(space.root, "node", pnpm.NODE, "make install")
    # From its manifest: pnpm itself would look at the version that package.json asks for.
    try:
        text = (space.root / _MODULES / "package.json").read_text(encoding="utf-8")
        found = re.search(r'"version":\s*"([^"]+)"', text)
        version = found[1] if found else ""
    except (OSError, ValueError):
        if interpreter.is_noted(space.root, ".venv"):
            yield Finding(".venv", 0, "pnpm.missing", "is not installed", "make install")
        return
    try:
        wanted = pnpm.pin(space.root).version
    except UsageError as error:
        yield Finding("package.json", 0, "pnpm.unpinned", error.mistakes[0], "make lock")
        return
    yield _compared("pnpm", version, [wanted], "make install")


def _pinned(root: Path, program: str, distribution: str, fix: str) -> Iterator[Finding]:
    """Yield the version of a program in .venv, compared with the pin of its distribution."""
    if not interpreter.is_noted(root, ".venv"):
        # The check of the environments tells of it.
        return
    try:
        said = _asked([str(root / ".venv/bin" / program), "--version"])
    except OSError:
        yield Finding(".venv", 0, f"{program}.missing", "is not installed", fix)
        return
    try:
        lines = hashes.pins(root).get(distribution, [])
    except UsageError:
        # The check of the locks tells of it.
        return
    pins = [hashes.version_of(line) for line in lines]
    found = re.search(r"\d+(\.\d+)+\S*", said)
    yield _compared(program, found[0] if found else "no version", pins, fix)


def _compared(program: str, version: str, pins: list[str], fix: str) -> Finding:
    if version in pins:
        return Finding(".venv", 0, program, version, "", "ok")
    message = f"{version} is installed, {' or '.join(pins) or 'none'} is pinned"
    return Finding(".venv", 0, f"{program}.drift", message, fix)


def _asked(command: list[str]) -> str:
    """Return what a program prints.

    Raises:
        OSError: it cannot be run, or fails.
    """
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True
        )
    except subprocess.SubprocessError as error:
        raise OSError(str(error)) from error
    return done.stdout.decode(errors="replace").strip()
