"""Install and run uv, which creates and fills environments.

Standard library only.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.hashes import HASHES
from monorepo.core.workspace import Package, Workspace
from monorepo.programs import uv_settings
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import CommandError, attend, explained, explanation_of, say

# Progress lines of uv.
_PROGRESS = r"\s*(Downloading|Downloaded|Building|Built|Prepared|Installed|Uninstalled|[-+~] )"
# Errors of uv and pip, and their explanations.
_NO_WHEEL = re.compile(r"\b([a-z0-9-]+?)(?:==(\S+))? ha(?:s|ve) no usable wheels")
_NO_HASH = re.compile(r"Failed to resolve requirements from .* was provided for: `([^`]+)`")
REFUSED = "an index refuses access"
NO_FILE = "has no wheels with a matching"
_EXPLANATIONS = {
    f"a file does not match its hash in {HASHES}; do not use it before you know why": (
        "Hash mismatch",
        "DO NOT MATCH THE HASHES",
        "no trusted hash",
    ),
    f"{REFUSED}; set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD for it": (
        *("401 Unauthorized", "403 Forbidden", "401 Error"),
    ),
    "the index does not answer as it should; try again when it does": (
        *("Failed to fetch", "error sending request", "timed out", "Connection", "HTTP status"),
        *("dns error", "Failed to download", "Request failed", "Retrying (", "from versions: none"),
        *("not found in the cache", "HTTPError", "was not found in the package registry"),
    ),
    "a wheel is not in vendor/wheels; run make vendor where there is a network": (
        "was not found in the provided package locations",
    ),
    "a pin has no wheel for this Python or platform; see below": (NO_FILE,),
    "the declared requirements conflict with the pins; run make lock": ("No solution found",),
}


def program(root: Path) -> Path:
    """Return the repository's own uv."""
    return root / ".venv/bin/uv"


def call(command: Sequence[object], root: Path, doing: str, text: str = "") -> str:
    """Run uv with only the index and network settings of the user.

    Args:
        command: uv, and its arguments.
        root: the repository, in which it runs.
        doing: what is being done, such as `install: .venv`.
        text: its standard input.

    Returns:
        Its output without progress lines.

    Raises:
        TaskError: it failed: an explanation, the command and its output.
        UsageError: the user's settings cannot be read.
    """
    with explained(doing, explain), uv_settings.variables(root) as env:
        return attend(command, root, env, doing, text=text, progress=_PROGRESS)


def explain(output: str) -> str:
    """Return an explanation of the output of uv or pip."""
    if found := _NO_WHEEL.search(output):
        name, version = found.groups()
        what = f"{name} {version}" if version else name
        advice = "pin a version that has one, or allow to build it and list what that needs:"
        table = f'{name} = ["setuptools"] in [tool.monorepo.build-from-source]'
        return f"{what} has no usable wheel; {advice} {table}"
    if found := _NO_HASH.search(output):
        advice = "list it in [tool.monorepo.build-from-source], and run make lock"
        return f"{found[1]}: needed to build a pin and not pinned; {advice}"
    return explanation_of(output, _EXPLANATIONS)


def formats(space: Workspace, editable: Iterable[Package] = ()) -> list[str]:
    """Return the flags of uv and pip to install wheels, and sdists only where the team allows it.

    The build requirements of an sdist need not be pinned.

    Args:
        space: the repository.
        editable: local packages that uv builds; one with a dynamic version has to be allowed.

    Raises:
        UsageError: the setting build-from-source is malformed.
    """
    ours = [package.name for package in editable if package.manifest["project"].get("dynamic")]
    built = sorted({*space.built_from_source, *ours})
    return ["--only-binary", ":all:", *(word for name in built for word in ("--no-binary", name))]


def building() -> list[str]:
    """Return the flags of uv to pin and verify build requirements."""
    strict = ["--preview-features", "build-dependency-hashes", "--require-build-hashes"]
    return ["--build-constraints", HASHES, *strict]


def install(command: Sequence[object], root: Path, doing: str, text: str = "") -> None:
    """Install pinned requirements with uv, offline if its cache has all of them.

    Online, uv would query the index for every name, although the versions are fixed.

    Raises:
        TaskError: uv failed; the message has its output.
    """
    with uv_settings.variables(root) as env:
        try:
            attend([*command, "--offline"], root, env, doing, text=text)
            return
        except CommandError:
            pass
    call(command, root, doing, text)


def bootstrap(space: Workspace, folder: Path) -> None:
    """Create the root environment with the pinned uv, from the running interpreter.

    Raises:
        UsageError: this interpreter is too old, or has no venv.
        TaskError: a command failed.
    """
    floor = str(space.facts["python"])
    if sys.version_info[:2] < tuple(int(part) for part in floor.split(".")):
        old = f"{sys.executable} is older than {floor}"
        raise UsageError(f"PYTHON: {old}; give PYTHON=python{floor} or newer")
    doing = f"setup: {folder.name}"
    say(doing)
    recorded = hashes.parse(text_files.read(space.root, HASHES))
    ours = hashes.named(recorded).get("uv", [])
    wanted = "".join(hashes.lines(pin, recorded[pin]) for pin in ours)
    if not wanted:
        raise UsageError(f"{HASHES}: has no uv; restore it from git")
    # The base interpreter, in case this runs in the environment that is replaced.
    base = os.path.realpath(sys.executable) if sys.prefix != sys.base_prefix else sys.executable
    if uv := _on_path():
        python = folder / "bin/python"
        make(uv, space.root, folder, base)
        words = [uv, "pip", "install", "--require-hashes", "--only-binary", ":all:"]
        command = [*words, "--python", python, "--requirements", "-"]
        install(command, space.root, doing, wanted)
        return
    try:
        # Imported here: only bootstrapping without uv needs them.
        import ensurepip  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"PYTHON: {sys.executable} has no ensurepip; install it (Debian: apt install"
            " python3-venv) or put uv on the PATH"
        ) from error
    from monorepo.programs import pip

    python = folder / "bin/python"
    with explained(doing, explain), tempfile.TemporaryDirectory() as place:
        venv = [base, "-I", "-m", "venv", "--clear", folder]
        attend(venv, space.root, pip.variables(), doing)
        pip.download(python, space.root, wanted, Path(place), doing)
        pip.install(python, space.root, "uv", Path(place), doing)


def make(uv: object, root: Path, folder: Path, python: object) -> None:
    """Create an empty environment in `folder`, replacing an existing one.

    Raises:
        TaskError: uv failed; the message has its output.
    """
    # uv clears what is an environment, and refuses what once was one, or is what is left of it.
    if folder.is_dir() and not folder.is_symlink() and not (folder / "pyvenv.cfg").exists():
        shutil.rmtree(folder)
    command = [uv, "venv", "--quiet", "--clear", "--python", python, folder]
    call(command, root, f"setup: {folder.name}")


def _on_path() -> str | None:
    """Return a working uv on the PATH."""
    found = shutil.which("uv")
    try:
        works = found and not subprocess.run([found, "--version"], capture_output=True).returncode
    except OSError:
        works = False
    return found if works else None
