"""Compare pnpm-lock.yaml with the manifests and with pnpm-workspace.yaml.

It compares texts: neither pnpm nor the network is needed, and no code of the repository is run.
"""

import os
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monorepo.core.naming import fold
from monorepo.parsing import data_formats, pnpm_lockfile
from monorepo.parsing.pnpm_lockfile import Lock

# The first that names a dependency counts, as for pnpm.
_GROUPS = ("optionalDependencies", "dependencies", "devDependencies")
# What pnpm does where pnpm-workspace.yaml does not say.
_DEFAULTS = {"autoInstallPeers": True, "excludeLinksFromLockfile": False}


class Difference(NamedTuple):
    """A file that asks for something, a word of the line that does, and how the lock differs."""

    path: str
    needle: str
    message: str


def asked(manifest: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the group and the specifier of each dependency that a package.json installs."""
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
    """Yield how a lock differs from manifests.

    Args:
        path: of the lock.
        lock: its content.
        manifests: each package.json, by the path of its folder; `.` is the root.
        lost: the paths of packages whose manifests cannot be read, by folded name.
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
    """Yield each dependency that a lock has otherwise than a manifest, and how."""
    wanted, noted = asked(manifest), pnpm_lockfile.dependencies(lock.importers[importer])
    # An override takes the place of what a manifest says.
    replaced = "overrides:" in lock.middle
    for name, (group, specifier) in wanted.items():
        if name not in noted:
            yield name, f"lacks {name}"
            continue
        there, old, version = noted[name]
        if old != specifier and not replaced:
            yield name, f"has {name} {old}, not {specifier}"
        elif there != group:
            yield name, f"has {name} in {there}"
        elif specifier.startswith("workspace:"):
            place = places.get(fold(name))
            if place is None:
                yield name, f"cannot have {name}, which is no package here"
            elif version != f"link:{os.path.relpath(place, importer)}":
                yield name, f"has {version} for {name}"
        elif version.startswith("link:") and not specifier.startswith(("link:", "file:")):
            yield name, f"has {version} for {name}, not {specifier}"
    for name in sorted(noted.keys() - wanted.keys()):
        yield name, f"has {name}, which is not declared"


def in_settings(path: str, lock: Lock, settings: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the versions, overrides and settings that a lock has otherwise.

    Args:
        path: of the lock.
        lock: its content.
        settings: what pnpm-workspace.yaml says.
    """
    file = "pnpm-workspace.yaml"
    catalogs = {name: data_formats.table(settings, "catalogs", name) for name, _ in lock.catalogs}
    catalogs["default"] = catalogs.get("default", {}) | data_formats.table(settings, "catalog")
    for (catalog, name), entry in lock.catalogs.items():
        now = catalogs[catalog].get(name)
        old = data_formats.table(data_formats.fragment(entry), name).get("specifier")
        if str(now) != str(old):
            message = f"{path} has {name} {old}, not {now or 'what nobody asks for'}"
            yield Difference(file, name if now else "", message)
    new = data_formats.table(settings, "overrides")
    old = data_formats.table(data_formats.fragment(lock.middle), "overrides")
    # These two stand for a version that is said elsewhere.
    plain = {name for name, at in new.items() if not str(at).startswith(("$", "catalog:"))}
    if new.keys() != old.keys() or any(str(new[name]) != str(old[name]) for name in plain):
        yield Difference(file, "overrides:", f"the overrides in {path} differ")
    noted = data_formats.table(data_formats.fragment(lock.head), "settings")
    for key, usual in _DEFAULTS.items():
        then, now = noted.get(key, usual), settings.get(key, usual)
        if then != now:
            message = f"{path} was made with {key}: {str(then).lower()}"
            yield Difference(file, f"{key}:", message)
