"""Where packages go: `shared/py/core` to `packages/acme-core`, and back."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from monorepo.core import naming, workspace
from monorepo.core.languages import FLAT, Kind, Language
from monorepo.core.workspace import Package, Workspace
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates

# What tools make in a package, and make again in its new place.
MADE = re.compile(
    r"(.*/)?(\.venv|node_modules|__pycache__|\.nox|\.(mypy|pytest|ruff)_cache|\.hypothesis"
    r"|[^/]+\.egg-info|[^/]+\.(pyc|so|tsbuildinfo)|\.coverage(\..*)?)/?|(build|coverage|dist|htmlcov)/"
)
# The new path of a package by its old one.
Places = Mapping[str, str]


def flat(space: Workspace, words: Iterable[str] = ()) -> dict[str, str]:
    """Return where packages go in the flat layout.

    Args:
        space: the repository.
        words: paths or names of packages; all that are not there yet if there are none.

    Raises:
        UsageError: a package cannot go there.
    """
    chosen = space.select(words) or [one for one in space.packages.values() if not one.is_flat]
    places = {package.path: flat_path(space, package.grouped) for package in chosen}
    mistakes = [
        f"{package.path}: {wrong}"
        for package in chosen
        if (wrong := _problem(space, package, places))
    ]
    if mistakes:
        raise UsageError(*mistakes)
    return places


def flat_path(space: Workspace, grouped: str) -> str:
    """Return the path in the flat layout of a package at a path in the grouped one."""
    twin = naming.twin(grouped) in space.by_grouped
    return naming.flat(str(space.facts["namespace"]), grouped, twin=twin)


def _problem(space: Workspace, package: Package, places: Places) -> str | None:
    """Return why a package cannot go to the flat layout, or None."""
    path, namespace = places[package.path], str(space.facts["namespace"])
    if package.is_flat:
        return f"is in {FLAT} already; leave it out"
    if package.kind is Kind.SHARED and package.short_name.startswith(Kind.APP.prefix):
        return f"would be named like an app in {FLAT}; rename it first"
    other = next(one for one in Language if one is not package.language).manifest
    if os.path.lexists(package.folder / other):
        return f"has {other}, and a package in {FLAT} is in one language; move that first"
    kind, language = package.kind, package.language
    if naming.grouped(namespace, path, kind, language, package.name) != package.path:
        return f"cannot be told apart as {path}; call it {package.name.rpartition('/')[2]} first"
    return taken(space, package, places)


def taken(space: Workspace, package: Package, places: Places) -> str | None:
    """Return why the new place of a package is not free, or None."""
    path = places[package.path]
    used = [*space.packages, *(new for old, new in places.items() if old != package.path)]
    if twin := naming.clash(path, used):
        return f"would be {path}, and {twin} is the same name; move or rename that first"
    place = space.root / path
    for folder in place.parents[: path.count("/")]:
        if os.path.lexists(folder) and not folder.is_dir():
            there = folder.relative_to(space.root).as_posix()
            return f"would be {path}, and {there} is no folder; move that away"
    # Some file systems take names for the same that differ in case alone.
    beside = os.listdir(place.parent) if place.parent.is_dir() else []
    for name in beside:
        if name.lower() == place.name.lower() and not _is_left_over(place.with_name(name)):
            return f"would be {path}, which exists already; move that away"
    return None


def _is_left_over(folder: Path) -> bool:
    """Tell whether a folder has only what tools have made: of another branch, where it is used."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    for place, folders, files in os.walk(folder):
        inner = os.path.relpath(place, folder)
        start = "" if inner == "." else f"{inner}/"
        if not all(MADE.fullmatch(f"{start}{name}") for name in files):
            return False
        folders[:] = [name for name in folders if not MADE.fullmatch(f"{start}{name}/")]
    return True


def grouped(space: Workspace, words: Iterable[str] = ()) -> dict[str, str]:
    """Return where packages go in the grouped layout, as `flat` does.

    Raises:
        UsageError: a package cannot go there.
    """
    chosen = space.select(words) or [one for one in space.packages.values() if one.is_flat]
    places = {package.path: package.grouped for package in chosen}
    namespace = str(space.facts["namespace"])
    mistakes = []
    for package in chosen:
        if not package.is_flat:
            mistakes.append(f"{package.path}: is not in {FLAT}; leave it out")
        elif wrong := naming.path_problem(package.grouped, namespace):
            mistakes.append(f"{package.path}: would be {package.grouped}, which {wrong}")
        elif wrong := taken(space, package, places):
            mistakes.append(f"{package.path}: {wrong}")
    if mistakes:
        raise UsageError(*mistakes)
    return places


def view(space: Workspace) -> Workspace:
    """Return a repository as if all of its packages were in the grouped layout.

    Sub-templates are written for that, and records of the template are about it.
    """
    packages = (replace(one, path=one.grouped) for one in space.packages.values())
    return replace(space, packages=workspace.in_order(packages))


def of_flat(space: Workspace) -> dict[str, str]:
    """Return the path of each package in the flat layout, by its path in the grouped one."""
    return {one.grouped: one.path for one in space.packages.values() if one.is_flat}


def moved(space: Workspace, moves: Places) -> Workspace:
    """Return a repository with packages at other paths, by those that they have."""
    packages = (replace(one, path=moves.get(one.path, one.path)) for one in space.packages.values())
    return replace(space, packages=workspace.in_order(packages))


def answers(space: Workspace, given: Mapping[str, str]) -> dict[str, str]:
    """Return answers in which packages are named by their paths in the grouped layout."""
    paths = {path: package.grouped for path, package in space.packages.items()}
    return {key: paths.get(value, value) for key, value in given.items()}


def of_new(space: Workspace, path: str, template: str | None) -> str:
    """Return the path in the grouped layout of a package to be, which may be the given one.

    Args:
        space: the repository.
        path: in either layout.
        template: its sub-template, if one is asked for: in the flat layout, it tells the language.

    Raises:
        UsageError: a path in the flat layout is not that of a distribution, or it is not known in
            which language.
    """
    folder, _, name = path.rpartition("/")
    if folder != FLAT:
        return path
    namespace = str(space.facts["namespace"])
    stem = name.removeprefix(f"{namespace}-")
    if stem == name:
        advice = f"call it {FLAT}/{namespace}-{name}"
        raise UsageError(f"{path}: is not named like a package of this namespace; {advice}")
    kinds = (kind for kind in Kind if kind.prefix and stem.startswith(kind.prefix))
    kind = next(kinds, Kind.SHARED)
    language = _language(space, path, kind, template)
    for other in Kind:
        if template == f"{other}-{language}" and other is not kind:
            own = naming.flat(namespace, f"{other}/{language}/{stem.removeprefix(kind.prefix)}")
            raise UsageError(f"{path}: is not named like a {other.singular}; call it {own}")
    short = stem.removeprefix(kind.prefix)
    without = short.removesuffix(f"-{Language.JAVASCRIPT}")
    if (
        language is Language.JAVASCRIPT
        and f"{kind}/{Language.PYTHON}/{without}" in space.by_grouped
    ):
        short = without
    path_there = f"{kind}/{language}/{short}"
    if (own := flat_path(space, path_there)) != path:
        raise UsageError(f"{path}: has the name of another package; call it {own}")
    return path_there


def _language(space: Workspace, path: str, kind: Kind, template: str | None) -> Language:
    """Return the language of a package to be.

    Raises:
        UsageError: nothing says it.
    """
    if template:
        return sub_templates.language(space.root, template)
    if space.has_python != space.has_javascript:
        return Language.PYTHON if space.has_python else Language.JAVASCRIPT
    choices = " or ".join(f"TEMPLATE={kind}-{one}" for one in Language)
    raise UsageError(f"{path}: does not say in which language it is; give {choices}")


def with_new(space: Workspace, wanted: Places, added: Iterable[str]) -> dict[str, str]:
    """Return where packages are in the flat layout, with new ones, by their grouped paths.

    What a new package there requires, and is not here yet, goes there as well.

    Args:
        space: the repository without the new packages.
        wanted: the paths of those that are asked for, by their grouped ones.
        added: the grouped paths of all new packages.

    Raises:
        UsageError: something is there already.
    """
    moves = of_flat(space)
    if any(grouped != path for grouped, path in wanted.items()):
        new = {grouped: flat_path(space, grouped) for grouped in added}
        if taken := [path for path in new.values() if os.path.lexists(space.root / path)]:
            raise UsageError(*(f"{path}: exists already; choose another name" for path in taken))
        moves |= new
    return moves
