"""The note by which tools/make/monorepo.sh recognizes the interpreter of the root's .venv.

Standard library only.
"""

import contextlib
import os
import subprocess
from pathlib import Path

from monorepo.core.engine import Engine

NOTE = ".venv/monorepo.python"
_SEEK = "tools/make/engine.py"
_MAIN = ".venv/lib/python3*/site-packages/monorepo/__main__.py"
# As `ls -i` names them. A commit can bring files, but cannot know where a disk will have them.
_FILES = ("../pyvenv.cfg", "python")
_WORKS = """\
import sys
inside = sys.prefix != sys.base_prefix and sys.version_info >= (3, 11)
print(inside and any(path.startswith(sys.prefix) and "site-packages" in path for path in sys.path))
"""


def note(root: Path, engine: Engine) -> None:
    """Note which interpreter the root's environment has, if it works; otherwise, that none does.

    The second line is the hash of the engine that is installed there, and what starts it. It starts
    that interpreter only when anything is another one than before.
    """
    folder, file = root / ".venv/bin", root / NOTE
    try:
        now = " ".join(f"{os.stat(folder / name).st_ino} {name}" for name in _FILES) + "\n"
        # What is ejected is started where it is, by what looks for it.
        main = _SEEK if engine.ejected else next(root.glob(_MAIN)).relative_to(root)
        now += f"{'-' if engine.ejected else engine.sha256} {main}\n"
        if file.exists() and file.read_text(encoding="utf-8") == now:
            return
    except (OSError, ValueError, StopIteration):
        now = ""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        # What starts no program is an error of the system: then it stays without a note, too.
        if now and _works(folder / "python"):
            file.write_text(now, encoding="utf-8")


def _works(python: Path) -> bool:
    """Return whether an interpreter starts, is new enough and has an environment with packages."""
    command = [str(python), "-I", "-c", _WORKS]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.strip() == b"True"
