"""Eject the engine as source that the team owns, and undo it."""

import io
import subprocess
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from monorepo.core.engine import DISTRIBUTION, REQUIREMENT, SOURCE, Engine
from monorepo.core.workspace import Workspace
from monorepo.scaffold import wheel
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin
from monorepo.templating.jinja_filters import quote

_MANIFEST = """\
# The engine, ejected from {path}. `make install` after a change of the dependencies;
# `make lock` first, if any of them is not pinned.
[build-system]
requires = []
build-backend = "monorepo.scaffold.editable"
backend-path = ["."]

[project]
name = "{name}"
version = "{version}"
requires-python = ">=3.11"
dependencies = [
{dependencies}
]

[project.scripts]
monorepo = "monorepo.__main__:run"
"""


def eject(space: Workspace) -> str:
    """Unpack the source of the engine into tools/src and run it from there; return a message.

    Raises:
        UsageError: it is already ejected, affected files are not committed, or the hash of the
            wheel differs.
    """
    engine = space.engine
    if engine.ejected:
        raise UsageError(f"{SOURCE}: the engine is ejected already; change it there")
    _refuse_unsaved(space.root)
    content = io.BytesIO(engine.content())
    with begin(space.root) as change:
        folder = change.stage() / "src"
        with zipfile.ZipFile(content) as archive:
            wheel.unpack(archive, folder, "monorepo/")
        text = manifest(engine, engine.requirements)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        change.create(SOURCE, folder)
        change.write(REQUIREMENT, replace(engine, ejected=True).text)
        change.commit()
    return f"ejected the engine to {SOURCE}; {engine.path} stays, to go back with UNDO=1"


def manifest(engine: Engine, requirements: Iterable[str]) -> str:
    """Return the pyproject.toml of an ejected engine."""
    return _MANIFEST.format(
        path=engine.path,
        name=DISTRIBUTION,
        version=engine.version,
        dependencies="\n".join(f"    {quote(text)}," for text in requirements),
    )


def undo(space: Workspace) -> str:
    """Remove the source of the engine and run it from its wheel again; return a message.

    Raises:
        UsageError: it is not ejected, has uncommitted changes, or the hash of the wheel differs.
    """
    engine = space.engine
    if not engine.ejected:
        raise UsageError(f"{REQUIREMENT}: the engine is not ejected; make eject does that")
    _refuse_unsaved(space.root)
    engine.content()
    with begin(space.root) as change:
        change.remove(SOURCE)
        change.write(REQUIREMENT, replace(engine, ejected=False).text)
        change.commit()
    return f"the engine is {engine.path} again"


def _refuse_unsaved(root: Path) -> None:
    """Refuse to change uncommitted files."""
    command = ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=all", "-z"]
    done = subprocess.run([*command, "--", REQUIREMENT, SOURCE], capture_output=True, check=False)
    if done.returncode:
        raise UsageError(f"{root}: git does not know this folder; run git init, and commit")
    if done.stdout:
        path = done.stdout.decode(errors="replace").split("\0")[0][3:]
        raise UsageError(f"{path}: is not committed; commit or discard that first")
