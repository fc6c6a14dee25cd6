"""Where packages go: `shared/py/core` to `packages/acme-core`, and back.

Standard library only.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from monorepo.core import naming, workspace
from monorepo.core.languages import FLAT, Kind, Language
from monorepo.core.workspace import Package, Workspace
from monorepo.system.errors import UsageError

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
    return _taken(space, package, places)


def _taken(space: Workspace, package: Package, places: Places) -> str | None:
    """Return why the new place of a package is not free, or None."""
    path = places[package.path]
    taken = [*space.packages, *(new for old, new in places.items() if old != package.path)]
    if twin := naming.clash(path, taken):
        return f"would be {path}, and {twin} is the same name; move or rename that first"
    if os.path.lexists(space.root / path):
        return f"would be {path}, which exists already; move that away"
    return None


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
        elif wrong := _taken(space, package, places):
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
