"""Record the interpreters of environments, which the scripts in tools/make verify.

Standard library only.
"""

import contextlib
import os
import subprocess
from pathlib import Path

from monorepo.core.engine import Engine

NOTE = "monorepo.python"
_SEEK = "tools/make/engine.py"
_MAIN = "lib/python3*/site-packages/monorepo/__main__.py"
# In the format of `ls -i`. A commit can contain files, but cannot predict their inodes.
_FILES = ("../pyvenv.cfg", "python")
_WORKS = """\
import sys
inside = sys.prefix != sys.base_prefix and sys.version_info >= (3, 11)
print(inside and any(path.startswith(sys.prefix) and "site-packages" in path for path in sys.path))
"""


def note(root: Path, path: str, engine: Engine | None, *, complete: bool) -> None:
    """Record the interpreter of an environment if it works; remove the record otherwise.

    The second line has the hash of the installed engine and the file that starts it, or dashes; the
    third one the repository, if the environment is complete. The interpreter is run only if the
    record changes.

    Args:
        root: the repository.
        path: the folder of the environment, from the root.
        engine: the engine in it; None in the environment of a package.
        complete: whether all packages that belong into it are installed.
    """
    folder, file = root / path / "bin", root / path / NOTE
    try:
        now = f"{_inodes(folder)}\n"
        now += f"{_start(root, path, engine)}\n"
        now += f"{root}\n" if complete else ""
        if file.exists() and os.fsdecode(file.read_bytes()) == now:
            return
    except (OSError, StopIteration):
        now = ""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        # If the interpreter cannot be started, there is no record either.
        if now and _works(folder / "python"):
            file.write_bytes(os.fsencode(now))


def is_noted(root: Path, path: str) -> bool:
    """Return whether the environment at `path` is as it was recorded, and so may be started."""
    try:
        first = (root / path / NOTE).read_bytes().partition(b"\n")[0]
        return os.fsdecode(first) == _inodes(root / path / "bin")
    except OSError:
        return False


def _inodes(folder: Path) -> str:
    """Return the inodes of the interpreter in `folder` and of its configuration.

    Raises:
        OSError: one of them is missing.
    """
    return " ".join(f"{os.stat(folder / name).st_ino} {name}" for name in _FILES)


def _start(root: Path, path: str, engine: Engine | None) -> str:
    """Return the hash of an engine, and the file in the environment at `path` that starts it."""
    if engine is None:
        return "- -"
    # An ejected engine is started in place, by the script that locates it.
    if engine.ejected:
        return f"- {_SEEK}"
    return f"{engine.sha256} {next((root / path).glob(_MAIN)).relative_to(root)}"


def _works(python: Path) -> bool:
    """Return whether an interpreter starts, is new enough and has site-packages of its own."""
    command = [str(python), "-I", "-c", _WORKS]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.strip() == b"True"
