"""The part of a pyproject.toml that comes from a manifest: reading it, and writing another."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monorepo.syncing import toml_text
from monorepo.syncing.asked import Asked, Kind
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

if TYPE_CHECKING:
    from monorepo.edn.package_manifest import PythonPackage

GROUPS = "dependency-groups"
_TABLES = ("optional-dependencies", "scripts", "gui-scripts")
_ENTRY_POINTS = "entry-points"
# The keys of [project] that a manifest decides.
KEYS = (
    *("name", "version", "description", "requires-python", "dependencies"),
    *(*_TABLES, _ENTRY_POINTS),
)
# The order in which [project] is usually written.
_ORDER = (
    *("name", "version", "description", "readme", "requires-python", "license", "license-files"),
    *("authors", "maintainers", "keywords", "classifiers", "dynamic", "dependencies"),
)

Document = Mapping[str, Any]


def wanted(manifest: "PythonPackage") -> dict[str, Any]:
    """Return the part of a pyproject.toml that a `package.edn` asks for."""
    # Imported here: pydantic is read only for manifests that have changed.
    from monorepo.edn.package_manifest import group_item, requirement

    entry = manifest.entry
    project = {
        "name": manifest.name,
        "version": manifest.version,
        "description": manifest.description,
        "requires-python": manifest.requires_python,
        "dependencies": [requirement(one) for one in manifest.base],
        "optional-dependencies": {
            extra: [requirement(one) for one in items] for extra, items in manifest.extras.items()
        },
        "scripts": dict(entry.scripts),
        "gui-scripts": dict(entry.gui_scripts),
        "entry-points": {group: dict(names) for group, names in entry.entry_points.items()},
    }
    groups = {group: [group_item(one) for one in items] for group, items in manifest.dev.items()}
    return {"project": project, GROUPS: groups}


def asked(manifest: "PythonPackage") -> Iterator[Asked]:
    """Yield what a `package.edn` asks of the repository."""
    from monorepo.edn.package_manifest import Internal

    lists: list[tuple[tuple[str, ...], Sequence[object]]] = [(("deps/base",), manifest.base)]
    lists += [(("extras", extra), items) for extra, items in manifest.extras.items()]
    lists += [(("dev", group), items) for group, items in manifest.dev.items()]
    for place, items in lists:
        for at, item in enumerate(items):
            if isinstance(item, Internal):
                yield Asked(Kind.INTERNAL, item.pkg, place=(*place, at, "pkg"))


def owned(document: Document) -> dict[str, Any]:
    """Return the part of a pyproject.toml that a manifest decides, without what is empty.

    Args:
        document: a valid pyproject.toml (see `core.manifests`).
    """
    project = document.get("project", {})
    return _filled(
        {"project": {key: project.get(key) for key in KEYS}, GROUPS: document.get(GROUPS)}
    )


def dynamic(text: str) -> list[str]:
    """Return the keys of [project] that the build backend makes."""
    found = text_files.toml(text).get("project", {}).get("dynamic")
    return found if isinstance(found, list) else []


def write(text: str, wanted: Document) -> str:
    """Return the text of a pyproject.toml in which the manifest's part is as wanted.

    What is as wanted already keeps its bytes, as does all else.

    Args:
        text: a valid pyproject.toml with Unix line breaks.
        wanted: what it shall have, in its own shape. What `wanted` has not is left alone, and what
            is empty there is taken out.

    Raises:
        MalformedError: it is written in a way in which these values cannot be replaced.
    """
    before = text_files.toml(text)
    for table in ("project", GROUPS):
        if not isinstance(before.get(table, {}), Mapping):
            raise MalformedError(0, f"has {table}, which is not a table", f"write [{table}]")
    if _part(before, wanted) == _filled(wanted):
        return text
    written = text
    for path, value in _changes(before, wanted):
        written = toml_text.with_value(written, path, value, _ORDER)
    with contextlib.suppress(MalformedError):
        after = text_files.toml(written)
        if _part(after, wanted) == _filled(wanted) and _rest(after, wanted) == _rest(
            before, wanted
        ):
            return written
    message = "writes [project] in a notation that cannot be changed in part"
    raise MalformedError(0, message, "write it as a table with a line for each key")


def _filled(document: Document) -> dict[str, Any]:
    """Return the part of a document that says something: without empty keys and entry points."""
    project = {key: value for key, value in document.get("project", {}).items() if value}
    points = project.pop(_ENTRY_POINTS, {})
    if some := {group: names for group, names in points.items() if names}:
        project[_ENTRY_POINTS] = some
    found = {"project": project, GROUPS: document.get(GROUPS)}
    return {table: values for table, values in found.items() if values}


def _part(document: Document, wanted: Document) -> dict[str, Any]:
    """Return the part of a document that `wanted` is about."""
    project = document.get("project", {})
    part = {"project": {key: project.get(key) for key in wanted.get("project", {})}}
    return _filled(part | {key: document.get(key) for key in wanted if key != "project"})


def _rest(document: Document, wanted: Document) -> dict[str, Any]:
    """Return the part of a document that `wanted` is not about."""
    mine = wanted.get("project", {})
    project = {key: each for key, each in document.get("project", {}).items() if key not in mine}
    rest = {key: value for key, value in document.items() if key == "project" or key not in wanted}
    return rest | {"project": project}


def _changes(before: Document, wanted: Document) -> Iterator[tuple[toml_text.Path, object]]:
    """Yield each value that differs, by its path; None for one that is to be taken out."""
    for path in dict.fromkeys([*_paths(before, wanted), *_paths(wanted, wanted)]):
        now, then = _told(before, path), _told(wanted, path)
        if now != then:
            # Without requirements it says so.
            yield path, [] if then is None and path == ("project", "dependencies") else then


def _paths(document: Document, wanted: Document) -> Iterator[toml_text.Path]:
    """Yield the paths of the texts and lists in what `wanted` is about."""
    project = document.get("project", {})
    for key in wanted.get("project", {}):
        value = project.get(key)
        if value is not None and not isinstance(value, Mapping):
            yield "project", key
        for name, inner in value.items() if isinstance(value, Mapping) else ():
            if key == _ENTRY_POINTS:
                yield from (("project", key, name, each) for each in inner)
            else:
                yield "project", key, name
    if GROUPS in wanted:
        yield from ((GROUPS, name) for name in document.get(GROUPS) or {})


def _told(document: Document, path: toml_text.Path) -> object:
    """Return the value at a path; None if there is none, or if it says nothing.

    An extra, or a group, without requirements can still be asked for.
    """
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    is_key = path[0] == "project" and len(path) == len(("project", "name"))
    return None if is_key and not found else found
