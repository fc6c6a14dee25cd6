"""Runs the engine from its wheel, after verifying it against tools/requirements.txt.

monorepo.sh does so until .venv has that version, and noxfiles do under a nox from elsewhere. What
`make eject` has put into tools/src takes the place of the wheel.
"""

import hashlib
import os
import re
import runpy
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"\./(tools/\S+\.whl) \\\n *--hash=sha256:([0-9a-f]{64})")


def add() -> None:
    """Import modules from the wheel; exit with a message if its hash differs."""
    path, sha256 = named()
    if not sha256:
        sys.path.insert(0, str(ROOT / path))
        return
    try:
        content = (ROOT / path).read_bytes()
    except OSError:
        fail(path + ": is missing; restore it from git")
    if hashlib.sha256(content).hexdigest() != sha256:
        fail(path + ": is not the file that tools/requirements.txt names; restore both from git")
    sys.path.insert(0, str(ROOT / path))


def named() -> tuple[str, str]:
    """Return the path of the wheel from the root, and its sha256; none for tools/src."""
    try:
        text = (ROOT / "tools/requirements.txt").read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = ""
    said = "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()
    if said == "-e ./tools/src":
        return "tools/src", ""
    found = NAMED.fullmatch(said)
    if found is None:
        fail("tools/requirements.txt: does not name a wheel and its sha256; restore it from git")
    return found[1], found[2]


def fail(mistake: str) -> NoReturn:
    """Print an error, and exit as for wrong input."""
    print("monorepo: " + mistake, file=sys.stderr)
    sys.exit(2)


def register(noxfile: str) -> None:
    """Register the sessions of the package that a noxfile is in; at the root, those of all."""
    note = ROOT / ".venv/monorepo.python"
    ours = os.path.realpath(sys.prefix) == os.path.realpath(ROOT / ".venv") and note.exists()
    _, sha256 = named()
    if not (ours and sha256 and sha256 in note.read_text(encoding="utf-8")):
        add()
    from monorepo.sessions import registration

    registration.register(Path(noxfile).parent)


if __name__ == "__main__":
    add()
    runpy.run_module("monorepo", run_name="__main__", alter_sys=True)
