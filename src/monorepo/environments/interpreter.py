"""Record the interpreter of the root's .venv, which tools/make/monorepo.sh verifies.

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
# In the format of `ls -i`. A commit can contain files, but cannot predict their inodes.
_FILES = ("../pyvenv.cfg", "python")
_WORKS = """\
import sys
inside = sys.prefix != sys.base_prefix and sys.version_info >= (3, 11)
print(inside and any(path.startswith(sys.prefix) and "site-packages" in path for path in sys.path))
"""


def note(root: Path, engine: Engine) -> None:
    """Record the interpreter of the root environment if it works; remove the record otherwise.

    The second line has the hash of the installed engine and the file that starts it. The
    interpreter is run only if the record changes.
    """
    folder, file = root / ".venv/bin", root / NOTE
    try:
        now = " ".join(f"{os.stat(folder / name).st_ino} {name}" for name in _FILES) + "\n"
        # An ejected engine is started in place, by the script that locates it.
        main = _SEEK if engine.ejected else next(root.glob(_MAIN)).relative_to(root)
        now += f"{'-' if engine.ejected else engine.sha256} {main}\n"
        if file.exists() and file.read_text(encoding="utf-8") == now:
            return
    except (OSError, ValueError, StopIteration):
        now = ""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        # If the interpreter cannot be started, there is no record either.
        if now and _works(folder / "python"):
            file.write_text(now, encoding="utf-8")


def _works(python: Path) -> bool:
    """Return whether an interpreter starts, is new enough and has site-packages of its own."""
    command = [str(python), "-I", "-c", _WORKS]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.strip() == b"True"
