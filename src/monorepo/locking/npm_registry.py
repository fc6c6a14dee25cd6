"""The npm names that no registry is ever asked for: this repository's own, and its scope.

Standard library only, apart from what reads YAML.
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
# What no registry is asked for.
_LOCAL = ("workspace:", "link:", "file:", "./", "../", "/")


def refused(space: Workspace, sampled: Sequence[Package] = ()) -> list[str]:
    """Say which npm packages are asked for that no registry is to be asked for: one line each.

    That are packages of this repository which are not asked for as `workspace:`, and names that
    carry its scope and are no package here: somebody else may have taken such a name.
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
            # A sub-template may require a package that is not here yet.
            local = wanted.startswith(_LOCAL)
            if not local and (what := _asked_of_registry(space, here, name, wanted)):
                wrong.append(f"sub-template {sample.folder.name}: {what}")
    return list(dict.fromkeys(wrong))


def _items(table: object) -> Iterator[tuple[str, str]]:
    for name, wanted in table.items() if isinstance(table, dict) else ():
        yield str(name), str(wanted)


def _listed(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names and the versions in pnpm-workspace.yaml."""
    yield from _items(settings.get("catalog"))
    yield from _items(settings.get("configDependencies"))
    for catalog in (settings.get("catalogs") or {}).values():
        yield from _items(catalog)
    for name, wanted in _items(settings.get("overrides")):
        # What depends on it may stand before it, and a range after it.
        last = name.rpartition(">")[2]
        yield last[:1] + last[1:].partition("@")[0], wanted


def _asked_of_registry(space: Workspace, here: set[str], name: str, wanted: str) -> str:
    """Say why a registry would wrongly be asked for a dependency; nothing if it is right."""
    if wanted.startswith("workspace:"):
        known = fold(name) in here or "@" in wanted
        return "" if known else f"{name}: is no package here; correct the name, or remove it"
    if wanted.startswith(_LOCAL):
        return ""
    alias = _ALIAS.match(wanted)
    real = alias[1] if alias else name
    if fold(real) in here and fold(real) not in space.external:
        return f'{name}: {wanted} is asked of the registry; write "workspace:*"'
    if space.is_stray(real):
        advice = f'correct it, or allow it: external = ["{real}"] in [tool.monorepo]'
        return f"{real}: carries the scope of this repository, but is no package here; {advice}"
    return ""
