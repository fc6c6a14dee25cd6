"""Change a `package.edn` or `service.edn` as the manifest that it stands for has changed."""

from collections.abc import Collection, Mapping
from typing import Any

from monorepo.edn import editing, reader
from monorepo.edn.editing import Path
from monorepo.edn.reader import EdnError, Keyword
from monorepo.syncing import derive
from monorepo.syncing.making import PACKAGE

_MAPS = {
    "extras": ("project", "optional-dependencies"),
    "dev": ("dependency-groups",),
}
_ENTRY = ("scripts", "gui-scripts", "entry-points")


def python(
    text: str,
    file: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    internal: Collection[str],
) -> str:
    """Return the text of a manifest that says what pyproject.toml has now.

    Args:
        text: the manifest.
        file: its path.
        before: what pyproject.toml had, of what the manifest decides.
        after: what it has.
        internal: the normalized names of the packages of the repository.

    Raises:
        UsageError: the manifest is not EDN.
    """
    try:
        edit = _Edit(text, internal)
        if not file.endswith(f"/{PACKAGE}"):
            edit.vector(("deps", "python"), before["project"], after["project"], "dependencies")
            return edit.text
        edit.vector(("deps/base",), before["project"], after["project"], "dependencies")
        for key, path in _MAPS.items():
            edit.vectors(key, _at(before, path), _at(after, path))
        edit.entries(
            *({key: one["project"].get(key, {}) for key in _ENTRY} for one in (before, after))
        )
    except EdnError as error:
        raise error.of(file) from error
    return edit.text


def node(
    text: str,
    file: str,
    changes: Mapping[str, Mapping[str, str | None]],
    exports: Mapping[str, Any],
) -> str:
    """Return the text of a manifest that says what package.json has now.

    Args:
        text: the manifest.
        file: its path.
        changes: by the key of package.json, the range of each dependency that has changed; None
            for one that is gone.
        exports: the same for exports.

    Raises:
        UsageError: the manifest is not EDN.
    """
    keys = {"dependencies": "deps/base", "peerDependencies": "peers", "devDependencies": "dev"}
    try:
        edit = _Edit(text, ())
        for key, ranges in changes.items():
            if file.endswith(f"/{PACKAGE}"):
                edit.entry((keys[key],), ranges)
            elif key == "dependencies":
                edit.items(("deps", "node"), ranges)
        edit.entry(("entry",), exports)
    except EdnError as error:
        raise error.of(file) from error
    return edit.text


def _at(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    found: Any = document
    for key in path:
        found = found.get(key) or {}
    return dict(found)


class _Edit:
    """A document that is changed step by step."""

    def __init__(self, text: str, internal: Collection[str]) -> None:
        """Start with a text."""
        self.text = text.replace("\r\n", "\n")
        self.internal = internal

    def vector(
        self, path: Path, before: Mapping[str, Any], after: Mapping[str, Any], key: str
    ) -> None:
        """Have a vector say what a list of requirements has."""
        old, new = before.get(key, []), after.get(key, [])
        if old == new:
            return
        if key not in after:
            self._take_out(path)
        else:
            items = [derive.dependency(item, self.internal) for item in new]
            self.text = editing.with_items(self.text, path, items)

    def vectors(self, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Have a map of vectors say what a table of lists has."""
        for name in dict.fromkeys([*before, *after]):
            self.vector((key, name), before, after, name)

    def entries(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Have a map of maps say what tables have."""
        for table in dict.fromkeys([*before, *after]):
            old, new = before.get(table, {}), after.get(table, {})
            for name in dict.fromkeys([*old, *new]):
                if old.get(name) == new.get(name):
                    continue
                self.entry(("entry", table), {name: new.get(name) or None})

    def entry(self, path: Path, values: Mapping[str, Any]) -> None:
        """Have a map say other values; None takes a key out."""
        for name, value in values.items():
            if value is None:
                self._take_out((*path, name))
            else:
                key = derive.word(name) if path[0] == "entry" else name
                self.text = editing.with_entry(self.text, path, key, value)

    def _take_out(self, path: Path) -> None:
        """Take a value out, and the maps that have nothing else: no comment either."""
        self.text = editing.without(self.text, path)
        for depth in range(len(path) - 1, 0, -1):
            document = reader.read(self.text)
            start = document.offset(path[:depth])
            inside = document.text[start : reader.end_of(document.text, start)]
            if inside.strip("{} \t\n,"):
                return
            self.text = editing.without(self.text, path[:depth])

    def items(self, path: Path, ranges: Mapping[str, str | None]) -> None:
        """Have a vector say what dependencies a service in JavaScript has."""
        found = editing.items(self.text, path)
        kept = [one for item in found if (one := _without(item, ranges))]
        kept += [
            name if version.startswith("workspace:") else {name: version}
            for name, version in ranges.items()
            if version is not None
        ]
        self.text = editing.with_items(self.text, path, kept)


def _without(item: object, names: Collection[str]) -> object:
    """Return an item of a vector without some packages; None if it names no other."""
    if not isinstance(item, dict):
        return None if item in names else item
    if (package := item.get(Keyword("pkg"))) is not None:
        return None if package in names else item
    return {name: version for name, version in item.items() if name not in names} or None
