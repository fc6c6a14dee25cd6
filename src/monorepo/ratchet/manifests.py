"""Change the requirements in manifests: pyproject.toml, or the manifest in EDN that it is from."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from monorepo.core import manifests, workspace
from monorepo.core.manifests import Place
from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace
from monorepo.edn import editing
from monorepo.edn.reader import Keyword
from monorepo.ratchet import requests
from monorepo.ratchet.needs import Change
from monorepo.ratchet.requests import DEPENDENCIES, EXTRAS, GROUPS
from monorepo.syncing import derive, toml_text
from monorepo.syncing.making import PACKAGE, SERVICE

_PKG = Keyword("pkg")

# A table that had the marks alone. It goes also above tables that stay, where `without_empty`
# leaves it.
_EMPTY = re.compile(r"^\[tool\.monorepo\]\n\n*(?=(?:#[^\n]*\n)*(?:\[|\Z))", re.MULTILINE)

Read = Callable[[str], str]


def changed(
    space: Workspace, package: Package, changes: Mapping[Place, Change], read: Read
) -> dict[str, str]:
    """Return the texts of the manifests of a package with other requirements, by path.

    What `make sync` writes is left to it.

    Args:
        space: the repository.
        package: the package.
        changes: what becomes of its lists of requirements.
        read: returns the text of a file.
    """
    found: dict[str, str] = {}
    for place, change in changes.items():
        path, keys = source(package, place)
        text = found.get(path) or read(path)
        if path == package.manifest_path:
            after: list[Any] = [
                new
                for item in manifests.items(package.manifest, place)
                if (new := change.of(item) if isinstance(item, str) else item)
            ]
            found[path] = toml_text.with_value(text, place, [*after, *change.added])
            continue
        items = _items(space, editing.items(text, keys), change)
        found[path] = editing.with_items(text, keys, [*items])
    return found


def without_marks(package: Package, read: Read) -> dict[str, str]:
    """Return the texts of the manifests of a package without its marked extras, and the marks."""
    marks = requests.marked(package)
    path = package.manifest_path
    found = {path: read(path)}
    for extra in package.manifest["project"].get(EXTRAS, {}):
        if fold(extra) in marks:
            place = ("project", EXTRAS, extra)
            file, keys = source(package, place)
            text = found.get(file) or read(file)
            if file == path:
                found[file] = toml_text.with_value(text, place, None)
            else:
                found[file] = editing.without(text, keys)
    place = ("tool", "monorepo", "legacy")
    rest = [mark for mark in package.legacy if fold(mark) not in marks]
    found[path] = toml_text.with_value(found[path], place, rest or None)
    if not rest:
        found[path] = _EMPTY.sub("", found[path]).rstrip("\n") + "\n"
    return found


def source(package: Package, place: Place) -> tuple[str, tuple[str, ...]]:
    """Return the manifest in which a list of requirements is written, and its keys there."""
    names = {path.name for path in package.folder.iterdir()}
    if PACKAGE in names:
        section = {DEPENDENCIES: "deps/base"}.get(place)
        keys = (section,) if section else ("dev" if place[0] == GROUPS else "extras", place[-1])
        return f"{package.path}/{PACKAGE}", keys
    if SERVICE in names and place == DEPENDENCIES:
        return f"{package.path}/{SERVICE}", ("deps", "python")
    return package.manifest_path, place


def _items(space: Workspace, items: Sequence[object], change: Change) -> Iterator[object]:
    """Yield the items of a vector of requirements after a change."""
    others = {workspace.requirement(old).name: new for old, new in change.replaced.items()}
    for item in items:
        text = _text(item)
        name = workspace.requirement(text).name if text else ""
        if name not in others:
            yield item
        elif new := others.pop(name):
            yield new if isinstance(item, str) else derive.dependency(new, space.by_name)
    # What a service needs for what it is configured for, only pyproject.toml has.
    for new in [*others.values(), *change.added]:
        if new:
            yield derive.dependency(new, space.by_name)


def _text(item: object) -> str:
    """Return the requirement that an item is; "" if it includes a group."""
    if isinstance(item, dict):
        return str(item.get(_PKG, ""))
    return str(item)
