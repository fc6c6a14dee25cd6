"""Every place that names a Python names one that is supported, and packages fit together.

Supported is what `python` in [tool.monorepo] says, up to the newest Python that pins are made for.
Checked are `requires-python` of packages; `target-version` and `python_version` of
linters, and documents ("Python 3.11 or newer"), which name the oldest; .python-version, images in
Dockerfiles, and `python-version` in workflows, which name any. In a package, its own
`requires-python` counts.

- python.requires: `requires-python` is missing, or allows none or older ones, or excludes newer
  ones than its first
- python.dependents: a package needs a newer Python than one that depends on it
- python.environment: the one environment for all packages has a Python that a package excludes
- python.version: a file names another Python

Why: a version that nothing tests breaks for users; where one package excludes a Python, an
installer takes an older release of it, or none.

Fix: change what is named, or `python` together with all of them.

Passes::

    requires-python = ">=3.11"    target-version = "py311"    FROM python:3.13-slim

Fails::

    requires-python = ">=3.11,<3.13"    target-version = "py39"    FROM python:3.9-slim
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from monorepo.core import python_versions
from monorepo.core.workspace import NEWEST, Package
from monorepo.graph import packages as graph
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources

_VERSION_FILE = ".python-version"


# A line of each Python in a text, from 1, and where in it that stands.
_Spans = list[list[int]]


def _spans(names: re.Pattern[str], text: str) -> _Spans:
    """Return where a pattern, whose group is a version, names a Python."""
    found = []
    for one in names.finditer(text):
        # What the template was told is no setting.
        if text[text.rfind("\n[", 0, one.start()) :].startswith("\n[tool.monorepo.template]"):
            continue
        line, before = text.count("\n", 0, one.start(1)), text.rfind("\n", 0, one.start(1)) + 1
        found.append([line + 1, one.start(1) - before, one.end(1) - before])
    return found


def _docker(text: str) -> _Spans:
    """Return the Pythons of images, and of the variables that name them."""
    words = "|".join(["python", *re.findall(r"\bpython:\$\{?(\w+)", text)])
    line = rf"^\s*(?:FROM|ARG|ENV)\s[^\n#]*?\b\w*(?:{words})\D{{0,20}}?([23]\.\d+)"
    return _spans(re.compile(line, re.IGNORECASE | re.MULTILINE), text)


# In YAML, the versions of a key are on its line, or the items of a list below it.
_KEY = re.compile(
    r"""\s*(?:- +)?["']?(?:(python(?:[-_]?versions?)?|versionSpec)|image|container)["']?:""", re.I
)
_IMAGE = re.compile(r"\bpython:([23]\.\d+)")
# `>=3.9` and `3.x` are the newest that there is.
_VALUE = re.compile(r"(?<![\w.<>=~])([23]\.\d+)\b")


def _yaml(text: str) -> _Spans:
    """Return the Pythons of workflows, and of images."""
    found, inside = [], False
    for number, whole in enumerate(text.split("\n"), start=1):
        row = re.sub(r"(^|\s)#.*", "", whole)
        if key := _KEY.match(row):
            inside = bool(key[1])
        elif not row.lstrip().startswith(("-", "[", "]", '"3', "'3", "3")):
            inside = inside and not row.strip()
        values = _VALUE if inside else _IMAGE
        if key or inside:
            at = key.end() if key else 0
            found += [[number, *one.span(1)] for one in values.finditer(row, at)]
    return found


class _Kind(NamedTuple):
    """Files that name a Python: by their paths, how, and whether it is the oldest one."""

    files: re.Pattern[str]
    find: Callable[[str], _Spans]
    oldest: bool = False


_CONFIGURED = r"""^(?:target-version|python_version)\s*=\s*\[?["']?(?:py)?([23]\.?\d+)"""
_SAID = r"\bPython (?:>= ?)?([23]\.\d+)(?=\+| (?:or|and) (?:newer|later|above|higher|up)\b)"
_CHOSEN = r"^[ \t]*(?:c?python[-@ ])?([23]\.\d+)"
_KINDS = (
    _Kind(
        re.compile(r"(.*/)?(pyproject\.toml|\.?ruff\.toml|mypy\.ini|setup\.cfg)"),
        partial(_spans, re.compile(_CONFIGURED, re.MULTILINE)),
        oldest=True,
    ),
    _Kind(re.compile(r"[^/]+\.md|.*/README\.md"), partial(_spans, re.compile(_SAID)), oldest=True),
    _Kind(
        re.compile(r"(.*/)?(\.python-version|\.tool-versions)"),
        partial(_spans, re.compile(_CHOSEN, re.MULTILINE)),
    ),
    _Kind(re.compile(r"(.*/)?([^/]+\.)?(docker|container)file([.-][^/]*)?", re.I), _docker),
    _Kind(
        re.compile(
            r"\.(github|circleci)/.*\.ya?ml"
            r"|(.*/)?([^/]*compose|\.gitlab-ci|azure-pipelines)[^/]*\.ya?ml"
        ),
        _yaml,
    ),
)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the Python packages, and the files that can name a Python."""
    packages = [one.path for one in sources.space.packages.values() if one.is_python]
    return [*packages, *filter(_kind, sources.files)]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare a package with the settings and its dependents, or what a file names."""
    if subject in sources.space.packages:
        yield from _package(sources, sources.space.packages[subject])
    elif kind := _kind(subject):
        yield from _file(sources, subject, kind)


def _kind(path: str) -> _Kind | None:
    return next((kind for kind in _KINDS if kind.files.fullmatch(path)), None)


def _file(sources: Sources, path: str, kind: _Kind) -> Iterator[Finding]:
    """Yield the Pythons that a file names and its package, or the repository, does not support."""
    package, floor = sources.package_of(path), _floor(sources)
    allowed = python_versions.minors(package.requires_python if package else "", floor) or [floor]
    supported = f"3.{allowed[0]}" + ("" if kind.oldest else f" to 3.{allowed[-1]}")
    for line, start, end in sources.in_text(path, "pythons", kind.find) or ():
        row = (sources.text(path) or "").split("\n")[line - 1]
        named = f"{row[start]}.{row[start + 1 : end].removeprefix('.')}"
        if named not in [f"3.{minor}" for minor in (allowed[:1] if kind.oldest else allowed)]:
            new = f"3.{allowed[0]}" if "." in row[start:end] else f"3{allowed[0]}"
            message = f"names Python {named}, and supported is {supported}"
            lines = (row[:start] + new + row[end:],)
            yield Finding(path, line, "python.version", message, f"write {new}", lines=lines)


def _floor(sources: Sources) -> int:
    return python_versions.minor(str(sources.space.facts["python"]))


def _package(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield what is wrong with the `requires-python` of a package, and its classifiers."""
    floor, manifest, requires = _floor(sources), package.manifest_path, package.requires_python
    fix, every = f'write requires-python = ">=3.{floor}"', python_versions.minors(requires)

    def wrong(problem: str, message: str, fix: str = fix) -> Finding:
        line = sources.line_of(manifest, "requires-python")
        return Finding(manifest, line, f"python.{problem}", message, fix)

    if not requires:
        yield wrong("requires", "has no requires-python")
    elif not every:
        yield wrong("requires", f"requires-python = {requires} allows no Python up to 3.{NEWEST}")
    elif every[0] < floor:
        message = f"allows Python 3.{every[0]}, which nothing is checked for: python is 3.{floor}"
        yield wrong("requires", message)
    elif missing := sorted(set(range(every[0], NEWEST + 1)).difference(every)):
        message = f"excludes Python 3.{missing[0]}: requires-python = {requires}"
        yield wrong("requires", message, f'write requires-python = ">=3.{every[0]}"')
    else:
        yield from _beside(sources, package, every[0], wrong)


def _beside(
    sources: Sources, package: Package, oldest: int, wrong: Callable[..., Finding]
) -> Iterator[Finding]:
    """Yield the packages and the environment that a package with a newer Python is not for."""
    # What is only generated from it runs without it.
    for path in graph.dependents(sources.dependencies, package.path):
        theirs = python_versions.minors(sources.space.packages[path].requires_python)
        if theirs and theirs[0] < oldest:
            message = f"needs Python 3.{oldest}, but {path} depends on it and allows 3.{theirs[0]}"
            fix = f"allow 3.{theirs[0]} here, or raise it there"
            yield wrong("dependents", message, fix)
    found = re.match(r"3\.(\d+)", sources.text(_VERSION_FILE) or "")
    # One that is too old is a finding of its own.
    here = max(_floor(sources), int(found[1]) if found else 0)
    if sources.space.has_one_environment and here < oldest:
        message = f"needs Python 3.{oldest}, but the environment for all packages has 3.{here}"
        yield wrong("environment", message, f"allow 3.{here}, or raise python and {_VERSION_FILE}")
