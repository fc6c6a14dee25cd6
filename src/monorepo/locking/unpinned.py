"""Find unpinned requirements before any index is queried. Standard library only."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from monorepo.core import hashes
from monorepo.core.hashes import HASHES
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST, Declared, Package, Workspace, requirement
from monorepo.system import text_files
from monorepo.system.errors import UsageError

# PEP 508: a name, perhaps extras, and then a URL.
_URL = re.compile(r"\s*[\w.-]+\s*(\[[^\]]*\])?\s*@")


def declared(
    package: Package, extras: Iterable[str], groups: Iterable[str] = ()
) -> Iterator[Declared]:
    """Yield the requirements of a Python package and of its build, with `extras` and `groups`."""
    for text in [*package.requirements(extras, groups), *package.build_requirements]:
        yield Declared(f"{package.path}/pyproject.toml", text)


def building(space: Workspace) -> Iterator[Declared]:
    """Yield the build requirements of the sdists that the team allows."""
    for needed in space.built_from_source.values():
        for text in needed:
            yield Declared(f"{ROOT_MANIFEST}: build-from-source", text)


def unusable(package: Package, wanted: Iterable[Declared]) -> Iterator[str]:
    """Yield the requirements that cannot be pinned: direct URLs and dynamic dependencies."""
    where = f"{package.path}/pyproject.toml"
    dynamic = package.manifest.get("project", {}).get("dynamic", [])
    for key in ("dependencies", "optional-dependencies"):
        if key in dynamic:
            yield f"{where}: {key} are dynamic and cannot be pinned; list them in [project]"
    for item in wanted:
        if _URL.match(item.text):
            fault = "is a direct URL, which cannot be pinned"
            yield f"{where}: {item.text}: {fault}; write name>=version"


def mistakes(
    space: Workspace,
    closure: Mapping[str, Iterable[str]],
    groups: Mapping[str, Iterable[str]],
    programs: Iterable[Declared],
    locked: Iterable[str] = (),
) -> list[str]:
    """Return why packages cannot be installed with pinned and verified files only.

    Without packages, the tools need only recorded hashes, even if constraints.txt differs: `make
    lock`, which updates both, needs the tools.

    Args:
        space: the repository.
        closure: the extras of each package to install, by path.
        groups: their dependency groups to install, by path.
        programs: the requirements of tools to install.
        locked: pins that count instead of those of constraints.txt: those of a uv project.

    Returns:
        A line for each mistake, by manifest.
    """
    alone = not closure
    try:
        text = text_files.read(space.root, HASHES)
        recorded = hashes.parse(text)
    except UsageError as error:
        return list(error.mistakes)
    wrong = [] if alone else hashes.problems(space.root)
    if wrong:
        return wrong
    own = hashes.named(locked)
    pinned = hashes.named(pin for pin, found in recorded.items() if found) | own
    internal = {fold(package.name) for package in space.packages.values()} | space.lost.keys()
    programs = list(programs)
    wrong += _uncovered(programs, pinned)
    rest = [program for program in programs if name_of(program) in pinned.keys() - internal]
    for path, extras in closure.items():
        package = space.packages[path]
        if not package.is_python:
            continue
        wanted = list(declared(package, extras, groups.get(path, ())))
        wrong += unusable(package, wanted)
        wrong += _uncovered(wanted, internal | pinned.keys())
        rest += [
            requirement
            for requirement in wanted
            if name_of(requirement) in pinned.keys() - internal
        ]
    wrong += [] if alone else _uncovered(building(space), internal | pinned.keys())
    wrong = list(dict.fromkeys(wrong))
    if alone:
        # `make lock` itself needs the tools, so it cannot help.
        lost = hashes.unmet(text, [name_of(requirement) for requirement in rest])
        return wrong + [f"{problem}; restore it from git" for problem in lost]
    try:
        # packaging is not installed yet when the first environment is created.
        from monorepo.core import constraints as ranges
    except ImportError:
        return wrong
    kept = hashes.pins(space.root) | own
    pins = "".join(f"{pin}\n" for pins in kept.values() for pin in pins)
    return wrong + list(dict.fromkeys(ranges.out_of_step(space, rest, pins if own else None)))


def _uncovered(wanted: Iterable[Declared], covered: Collection[str]) -> Iterator[str]:
    """Yield the requirements that are neither pinned nor internal; `unusable` handles URLs."""
    for item in wanted:
        name = name_of(item)
        if name and name not in covered and not _URL.match(item.text):
            yield f"{item.where}: {name}: not pinned; run make lock"


def excluded(space: Workspace, closure: Iterable[str], version: str, path: str) -> list[str]:
    """Return the packages whose requires-python excludes a version: one line each.

    Args:
        space: the repository.
        closure: the packages to install.
        version: the full version of Python.
        path: the path of the environment.
    """
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return []
    wrong = []
    for needed in closure:
        asked = space.packages[needed].manifest.get("project", {}).get("requires-python")
        if asked and not SpecifierSet(asked).contains(version, prereleases=True):
            advice = f"remove {path}, then make setup PYTHON=…, or correct the range"
            where = f"{needed}/pyproject.toml: requires-python"
            wrong.append(f"{where}: {asked} excludes Python {version} of {path}; {advice}")
    return wrong


def name_of(declared: Declared) -> str:
    """Return the normalized name of a requirement; "" if it is invalid."""
    try:
        return requirement(declared.text).name
    except UsageError:
        return ""
