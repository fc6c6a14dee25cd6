"""Locate the template and the sub-templates: in a checkout, or in the installed engine."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

from monorepo.core.engine import DISTRIBUTION

ENGINE = Path(__file__).resolve().parents[1]
_INSTALLED = ENGINE / "template"
TEMPLATE = _INSTALLED if _INSTALLED.is_dir() else ENGINE.parents[1]
# Caches of tools in a checkout.
CACHES = {"__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


def version() -> str:
    """Return the version of the template, which is that of the engine."""
    if TEMPLATE == _INSTALLED:
        from importlib import metadata

        return metadata.version(DISTRIBUTION)
    manifest = tomllib.loads((TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    return str(manifest["project"]["version"])


def tree() -> Path:
    """Return the folder that is rendered into a repository."""
    return next(TEMPLATE.glob("*cookiecutter.repo_name*"))


def files(folder: Path) -> Iterator[Path]:
    """Yield all files below `folder`, sorted, without caches."""
    for place, names, found in os.walk(folder):
        names[:] = sorted(set(names) - CACHES)
        yield from (Path(place, name) for name in sorted(found))


def line_endings() -> list[str]:
    """Return an error if any file has CRLF line endings, as old checkouts on Windows may have.

    A shell script or Makefile with them does not run.
    """
    for path in (*files(tree()), *files(ENGINE / "sub_templates")):
        if b"\r\n" in path.read_bytes():
            place = os.path.relpath(path, TEMPLATE)
            return [f"{place}: has CRLF line endings; clone the template again"]
    return []
