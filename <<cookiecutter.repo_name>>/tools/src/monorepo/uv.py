"""uv, which makes and fills environments: how it comes here, and how it is asked.

Standard library only.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from monorepo import texts
from monorepo.errors import UsageError
from monorepo.names import fold
from monorepo.processes import run, say
from monorepo.workspace import Workspace

PINS = "constraints.txt"


def pins(root: Path) -> dict[str, list[str]]:
    """Return the lines of constraints.txt by folded name; one name has several with markers.

    Raises:
        UsageError: it is missing, or no UTF-8.
    """
    return read_pins(texts.read(root, PINS))


def read_pins(text: str) -> dict[str, list[str]]:
    """Return the same of its text."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, _ = line.partition("==")
        if equals and not name.startswith("#"):
            found.setdefault(fold(name.strip()), []).append(line.partition(" #")[0].strip())
    return found


def program(root: Path) -> Path:
    """Return the repository's own uv."""
    return root / ".venv/bin/uv"


def install(command: Sequence[object], cwd: Path, text: str = "") -> None:
    """Run uv to install what is pinned, without network if its cache has all of it.

    It would ask the index about every name otherwise, though the pins leave nothing to ask.

    Raises:
        TaskError: uv failed; it has said why.
    """
    words = [*map(str, command), "--offline"]
    done = subprocess.run(words, cwd=cwd, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        run(command, cwd, text)
    else:
        print(done.stderr, end="", file=sys.stderr, flush=True)


def bootstrap(space: Workspace, folder: Path) -> None:
    """Make the root environment, with the pinned uv in it, from the interpreter that runs this.

    Raises:
        UsageError: this interpreter is too old, or has no venv.
        TaskError: a command failed.
    """
    floor = str(space.facts["python"])
    if sys.version_info[:2] < tuple(int(part) for part in floor.split(".")):
        old = f"{sys.executable} is older than {floor}"
        raise UsageError(f"PYTHON: {old}; give PYTHON=python{floor} or newer")
    say(f"setup: {folder.name}")
    uv_pin = pins(space.root)["uv"][0]
    # The interpreter behind the environment, should it be this one that is made anew.
    base = os.path.realpath(sys.executable) if sys.prefix != sys.base_prefix else sys.executable
    if uv := shutil.which("uv"):
        python = folder / "bin/python"
        run([uv, "venv", "--quiet", "--clear", "--python", base, folder], Path.cwd())
        words = [uv, "pip", "install", "--quiet", "--python", python, uv_pin]
        install(words, Path.cwd())
        return
    try:
        # Imported here: most commands of most days do without.
        import ensurepip  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"PYTHON: {sys.executable} has no ensurepip; install it (Debian: apt install"
            " python3-venv) or put uv on the PATH"
        ) from error
    run([base, "-m", "venv", "--clear", folder], Path.cwd())
    pip = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run([*pip, "install", uv_pin], Path.cwd())
