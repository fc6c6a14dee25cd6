"""The minimum Python version is the same everywhere.

A package may require a newer version than the repository, but none newer than its dependents.

Why: compatibility with the minimum version is tested on that version only, and an installer takes
an older release of a package, or none, where the newest one does not support it.

Fix: change what is named, or `python` in [tool.monorepo] together with all of them.

Passes::

    requires-python = ">=3.11"    target-version = "py311"

Fails::

    requires-python = ">=3.12"    in a package that one with >=3.11 depends on
"""

import re
from collections.abc import Iterator, Sequence

from monorepo.core import python_versions
from monorepo.core.workspace import NEWEST, Package
from monorepo.graph import packages as graph
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources

_ROOT = "pyproject.toml"
_VERSION_FILE = ".python-version"
_REQUIRES = "requires-python"
# Documents say "Python 3.11 or newer", workflows `python-version: "3.11"`.
_SAID = re.compile(r"\bPython (?:>= ?)?(3\.\d+)(?=\+| or (?:newer|later|above|higher))")
_SET_UP = re.compile(r"""\bpython-version:[ ]*["']?(3\.\d+)\b""")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, and its Python packages."""
    packages = [one.path for one in sources.space.packages.values() if one.is_python]
    return [".", *packages]


def _version_file(sources: Sources, floor: str) -> Iterator[Finding]:
    """Compare the file by which uv, pyenv and others choose a Python."""
    found = re.match(r"\s*(3\.\d+)", sources.text(_VERSION_FILE) or "")
    if found and python_versions.minor(found[1]) < python_versions.minor(floor):
        message = f"has Python {found[1]}, but python is {floor}"
        yield Finding(_VERSION_FILE, 1, "python", message, f"write {floor}", lines=(floor,))


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the settings at the root with [tool.monorepo], or a package with its dependents."""
    floor = str(sources.space.facts["python"])
    if subject == ".":
        yield from _configuration(sources, floor)
        yield from _texts(sources, floor)
        yield from _version_file(sources, floor)
        return
    package = sources.space.packages[subject]
    manifest = f"{subject}/pyproject.toml"
    requires = package.manifest["project"].get(_REQUIRES)
    line = _line(sources, manifest, _REQUIRES)
    if requires is None:
        fix = f'write {_REQUIRES} = ">={floor}"'
        yield Finding(manifest, 0, "python", f"has no {_REQUIRES}", fix)
    elif (oldest := _oldest(package)) is None:
        message = f"{_REQUIRES} = {requires} allows no Python up to 3.{NEWEST}"
        yield Finding(manifest, line, "python", message, f"write >={floor}")
    elif oldest < python_versions.minor(floor):
        message = f"allows Python 3.{oldest}, which nothing is checked for: python is {floor}"
        yield Finding(manifest, line, "python", message, f"write >={floor}")
    else:
        # What is only generated from it runs without it.
        for path in graph.dependents(sources.dependencies, subject):
            other = _oldest(sources.space.packages[path])
            if other is not None and other < oldest:
                message = f"needs Python 3.{oldest}, but {path} depends on it and allows 3.{other}"
                fix = f"allow 3.{other} here, or raise it there"
                yield Finding(manifest, line, "python", message, fix)
                continue
            theirs = sources.space.packages[path].requires_python
            oldest_here = python_versions.minor(floor)
            mine = python_versions.minors(package.requires_python, oldest_here)
            if newer := sorted({*python_versions.minors(theirs, oldest_here)}.difference(mine)):
                message = f"does not allow Python 3.{newer[0]}, and {path}, which needs it, does"
                fix = "allow it here, or leave it out there"
                yield Finding(manifest, line, "python", message, fix)


def _oldest(package: Package) -> int | None:
    """Return the minor version of the oldest Python 3 that a package allows; None for none."""
    return next(iter(python_versions.minors(package.requires_python)), None)


def _configuration(sources: Sources, floor: str) -> Iterator[Finding]:
    """Compare the configuration of Ruff and mypy."""
    expected = {"target-version": "py" + floor.replace(".", ""), "python_version": floor}
    for key, value in expected.items():
        for number, row in enumerate((sources.text(_ROOT) or "").splitlines(), start=1):
            found = re.match(rf"""{key}\s*=\s*["']([^"']*)["']\s*(#.*)?$""", row)
            if found and found[1] != value:
                mended = row[: found.start(1)] + value + row[found.end(1) :]
                message = f"{key} is {found[1]}, but python is {floor}"
                yield Finding(_ROOT, number, "python", message, f"write {value}", lines=(mended,))


def _texts(sources: Sources, floor: str) -> Iterator[Finding]:
    """Compare what documents at the root say, and what workflows set up."""
    for path in sources.files:
        workflow = path.startswith(".github/workflows/") and path.endswith((".yml", ".yaml"))
        if not workflow and not (path.endswith(".md") and "/" not in path):
            continue
        for number, row in enumerate((sources.text(path) or "").splitlines(), start=1):
            for found in (_SET_UP if workflow else _SAID).finditer(row):
                older = python_versions.minor(found[1]) < python_versions.minor(floor)
                # A workflow may use a newer one; a document names the oldest.
                if older or (not workflow and found[1] != floor):
                    mended = row[: found.start(1)] + floor + row[found.end(1) :]
                    message = f"has Python {found[1]}, but python is {floor}"
                    fix = f"write {floor}"
                    yield Finding(path, number, "python", message, fix, lines=(mended,))


def _line(sources: Sources, path: str, start: str) -> int:
    """Return the first line that starts with a text; 0 for none."""
    rows = (sources.text(path) or "").splitlines()
    return next((number for number, row in enumerate(rows, 1) if row.startswith(start)), 0)
