"""Refuse to request internal npm names and the repository's own scope from a registry.

Standard library only, except for reading YAML.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, Package, Workspace
from monorepo.locking import pnpm_locks

# `npm:` installs a package under another name.
_ALIAS = re.compile(r"npm:(@?[^@]+)")
# Specifiers of local packages.
_LOCAL = ("workspace:", "link:", "file:", "./", "../", "/")


def refused(space: Workspace, sampled: Sequence[Package] = ()) -> list[str]:
    """Return the npm packages that must not be requested from a registry: one line each.

    These are internal packages without `workspace:`, and names in the scope of this repository that
    are not packages here: somebody else may have registered them.
    """
    manifests = pnpm_locks.importers(space)
    names = [package.name for package in sampled] + [
        str(package.get("name")) for package in manifests.values()
    ]
    here = {*space.by_name, *space.lost, *map(fold, names)}
    wrong = []
    for path, manifest in manifests.items():
        file = posixpath.normpath(f"{path}/package.json")
        for group in NODE_GROUPS:
            for name, wanted in _items(manifest.get(group)):
                if what := _asked_of_registry(space, here, name, wanted):
                    wrong.append(f"{pnpm_locks.place_of(space.root, file, name)}: {what}")
    for name, wanted in _listed(pnpm_locks.settings(space.root)):
        if what := _asked_of_registry(space, here, name, wanted):
            wrong.append(f"{pnpm_locks.place_of(space.root, pnpm_locks.SETTINGS, name)}: {what}")
    for sample in sampled:
        for name, wanted in sample.node_dependencies.items() if sample.is_javascript else ():
            # A sub-template may depend on a package that is not here yet.
            local = wanted.startswith(_LOCAL)
            if not local and (what := _asked_of_registry(space, here, name, wanted)):
                wrong.append(f"sub-template {sample.folder.name}: {what}")
    return list(dict.fromkeys(wrong))


def _items(table: object) -> Iterator[tuple[str, str]]:
    for name, wanted in table.items() if isinstance(table, dict) else ():
        yield str(name), str(wanted)


def _listed(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and versions in pnpm-workspace.yaml."""
    yield from _items(settings.get("catalog"))
    yield from _items(settings.get("configDependencies"))
    for catalog in (settings.get("catalogs") or {}).values():
        yield from _items(catalog)
    for name, wanted in _items(settings.get("overrides")):
        # The key of an override may start with a dependent, and end with a range.
        last = name.rpartition(">")[2]
        yield last[:1] + last[1:].partition("@")[0], wanted


def _asked_of_registry(space: Workspace, here: set[str], name: str, wanted: str) -> str:
    """Return why a dependency must not be requested from a registry; "" if it may."""
    if wanted.startswith("workspace:"):
        known = fold(name) in here or "@" in wanted
        return "" if known else f"{name}: is not a package here; correct the name, or remove it"
    if wanted.startswith(_LOCAL):
        return ""
    alias = _ALIAS.match(wanted)
    real = alias[1] if alias else name
    if fold(real) in here and fold(real) not in space.external:
        return f'{name}: {wanted} is requested from the registry; write "workspace:*"'
    if space.is_stray(real):
        advice = f'correct it, or allow it: external = ["{real}"] in [tool.monorepo]'
        return f"{real}: is in the scope of this repository, but is not a package here; {advice}"
    return ""
