"""Compare pnpm-lock.yaml with the manifests and with pnpm-workspace.yaml.

It compares texts: it needs neither pnpm nor network, and runs no code of the repository.
"""

import os
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monorepo.core.naming import fold
from monorepo.parsing import data_formats, pnpm_lockfile
from monorepo.parsing.pnpm_lockfile import Lock

# In order of precedence, as in pnpm.
_GROUPS = ("optionalDependencies", "dependencies", "devDependencies")
# Defaults of pnpm.
_DEFAULTS = {"autoInstallPeers": True, "excludeLinksFromLockfile": False}


class Difference(NamedTuple):
    """A difference: the file that declares something, a word of the line, and the message."""

    path: str
    needle: str
    message: str


def asked(manifest: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return group and specifier of each dependency in a package.json."""
    found: dict[str, tuple[str, str]] = {}
    for group in _GROUPS:
        for name, wanted in data_formats.table(manifest, group).items():
            found.setdefault(name, (group, str(wanted)))
    return found


def in_manifests(
    path: str,
    lock: Lock,
    manifests: Mapping[str, Mapping[str, Any]],
    lost: Mapping[str, str] | None = None,
) -> Iterator[Difference]:
    """Yield the differences between a lockfile and manifests.

    Args:
        path: the path of the lockfile.
        lock: its content.
        manifests: each package.json, by the path of its folder; `.` is the root.
        lost: the paths of packages whose manifests are broken, by normalized name.
    """
    places = {**(lost or {})} | {
        fold(str(manifest.get("name"))): folder for folder, manifest in manifests.items()
    }
    for importer, manifest in manifests.items():
        file = posixpath.normpath(f"{importer}/package.json")
        if importer not in lock.importers:
            yield Difference(file, '"name"', f"{path} lacks {importer}")
        else:
            for name, message in _differing(lock, importer, manifest, places):
                yield Difference(file, f'"{name}"', f"{path} {message}")


def _differing(
    lock: Lock, importer: str, manifest: Mapping[str, Any], places: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield name and message of each dependency that differs between lock and manifest."""
    wanted, noted = asked(manifest), pnpm_lockfile.dependencies(lock.importers[importer])
    # Overrides replace the specifiers of manifests.
    replaced = "overrides:" in lock.middle
    for name, (group, specifier) in wanted.items():
        if name not in noted:
            yield name, f"lacks {name}"
            continue
        locked_group, old, version = noted[name]
        if old != specifier and not replaced:
            yield name, f"has {name} {old}, not {specifier}"
        elif locked_group != group:
            yield name, f"has {name} in {locked_group}"
        elif specifier.startswith("workspace:"):
            place = places.get(fold(name))
            if place is None:
                yield name, f"cannot have {name}, which is not a package here"
            elif version != f"link:{os.path.relpath(place, importer)}":
                yield name, f"has {version} for {name}"
        elif version.startswith("link:") and not specifier.startswith(("link:", "file:")):
            yield name, f"has {version} for {name}, not {specifier}"
    for name in sorted(noted.keys() - wanted.keys()):
        yield name, f"has {name}, which is not declared"


def in_settings(path: str, lock: Lock, settings: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the differences in versions, overrides and settings.

    Args:
        path: the path of the lockfile.
        lock: its content.
        settings: the content of pnpm-workspace.yaml.
    """
    file = "pnpm-workspace.yaml"
    catalogs = {name: data_formats.table(settings, "catalogs", name) for name, _ in lock.catalogs}
    catalogs["default"] = catalogs.get("default", {}) | data_formats.table(settings, "catalog")
    for (catalog, name), entry in lock.catalogs.items():
        now = catalogs[catalog].get(name)
        old = data_formats.table(data_formats.fragment(entry), name).get("specifier")
        if str(now) != str(old):
            message = f"{path} has {name} {old}, not {now or 'unused'}"
            yield Difference(file, name if now else "", message)
    new = data_formats.table(settings, "overrides")
    old = data_formats.table(data_formats.fragment(lock.middle), "overrides")
    # References to a version elsewhere cannot be compared.
    plain = {name for name, at in new.items() if not str(at).startswith(("$", "catalog:"))}
    if new.keys() != old.keys() or any(str(new[name]) != str(old[name]) for name in plain):
        yield Difference(file, "overrides:", f"the overrides in {path} differ")
    noted = data_formats.table(data_formats.fragment(lock.head), "settings")
    for key, usual in _DEFAULTS.items():
        then, now = noted.get(key, usual), settings.get(key, usual)
        if then != now:
            message = f"{path} was made with {key}: {str(then).lower()}"
            yield Difference(file, f"{key}:", message)
