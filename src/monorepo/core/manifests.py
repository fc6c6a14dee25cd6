"""Validate manifests, so that all who read one can rely on its shape.

Only what tools would refuse, or end on, is wrong here; what is merely unwise is for the rules.
Standard library only.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from monorepo.core import python_versions
from monorepo.core.languages import Language
from monorepo.core.naming import fold

NODE_GROUPS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")

# The grammars of PEP 508 and PEP 440, as far as a pattern can tell.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_IS_NAME = re.compile(_NAME)
_EXTRAS = rf"\[\s*(?:{_NAME}\s*(?:,\s*{_NAME}\s*)*)?\]"
_CLAUSE = r"(?:~=|===?|!=|<=|>=|<|>)\s*[^\s,;()]+\s*"
_CLAUSES = rf"{_CLAUSE}(?:,\s*{_CLAUSE})*,?\s*"
_VALUE = r"""(?:'[^']*'|"[^"]*"|[a-z_]+)"""
_TERM = rf"\(*\s*{_VALUE}\s*(?:===?|~=|!=|<=|>=|<|>|(?:not\s+)?in\b)\s*{_VALUE}\s*(?:\)\s*)*"
_MARKER = rf";\s*{_TERM}(?:(?:and|or)\b\s*{_TERM})*"
_REQUIREMENT = re.compile(
    rf"\s*{_NAME}\s*(?:{_EXTRAS}\s*)?"
    rf"(?:@\s*\S+(?:\s+{_MARKER})?|(?:\(\s*(?:{_CLAUSES})?\)\s*|{_CLAUSES})?(?:{_MARKER})?)\s*"
)
_VERSION = re.compile(
    r"\s*v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|beta|preview|pre|a|b|c|rc)[-_.]?\d*)?"
    r"(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?\s*",
    re.IGNORECASE,
)
# npm's rule for new names, with the capitals that old ones have.
_NPM = re.compile(r"(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*")


class Wrong(NamedTuple):
    """What is wrong with the value at the keys of a manifest, and what to do."""

    keys: tuple[str, ...]
    message: str
    fix: str


def wrong(manifest: Mapping[str, Any], language: Language) -> Iterator[Wrong]:
    """Yield what of a manifest is not as its format says."""
    return _python(manifest) if language is Language.PYTHON else _javascript(manifest)


@cache
def is_requirement(text: str) -> bool:
    """Tell whether a text can be a requirement (PEP 508)."""
    # A marker's brackets are beyond a pattern. A long text would take long to refuse.
    fits = len(text) < 1_000 and text.count("(") == text.count(")")
    return fits and _REQUIREMENT.fullmatch(text) is not None


def _python(manifest: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield what is wrong with a pyproject.toml (PEP 621, PEP 518, PEP 735)."""
    project = manifest.get("project")
    if not isinstance(project, dict):
        yield Wrong(("project",), "has no [project] table", "write one, with the package's name")
        return
    for key, (fits, what) in _PROJECT.items():
        if key in project and not fits(project[key]):
            yield Wrong(("project", key), f"{key} is not {what}", "correct it")
    if "name" not in project:
        yield Wrong(("project",), "has no name", "write name = into [project]")
    yield from _requirements(("project", "dependencies"), project.get("dependencies"))
    yield from _extras(project.get("optional-dependencies"))
    yield from wrong_groups(manifest)
    build = manifest.get("build-system", {})
    if not isinstance(build, dict):
        yield Wrong(("build-system",), "build-system is not a table", "correct it")
    elif not _texts(build.get("requires", [])):
        yield Wrong(("build-system", "requires"), "requires is not a list of texts", "correct it")
    else:
        yield from _requirements(("build-system", "requires"), build.get("requires"))
    tool = manifest.get("tool", {})
    if not isinstance(tool, dict):
        yield Wrong(("tool",), "tool is not a table", "correct it")
    else:
        yield from _settings(("tool", "monorepo"), tool.get("monorepo", {}))


def _requirements(keys: tuple[str, ...], texts: object) -> Iterator[Wrong]:
    """Yield the texts of a list that are no requirements; its type is looked at elsewhere."""
    for text in texts if isinstance(texts, list) else ():
        if isinstance(text, str) and not is_requirement(text):
            message = f"{text!a} is not a requirement"
            yield Wrong((*keys, text), message, "write a name and a range, such as httpx>=0.28")


def _extras(extras: object) -> Iterator[Wrong]:
    """Yield what is wrong with optional-dependencies."""
    key = "optional-dependencies"
    if not isinstance(extras, dict):
        return
    for extra, texts in extras.items():
        yield from _list(("project", key, extra), "extra", texts, _texts)


def wrong_groups(manifest: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield what is wrong with the [dependency-groups] of a pyproject.toml (PEP 735)."""
    key = "dependency-groups"
    groups = manifest.get(key, {})
    if not isinstance(groups, dict):
        yield Wrong((key,), f"{key} is not a table", "correct it")
        return
    written: dict[str, str] = {}
    included: dict[str, list[str]] = {}
    circular: set[str] = set()
    for group, items in groups.items():
        yield from _list((key, group), "group", items, _items)
        if (other := written.setdefault(fold(group), group)) != group:
            message = f"the groups {other} and {group} normalize to the same name"
            yield Wrong((key, group), message, "rename one, or join them")
        elif _items(items):
            tables = [one for one in items if isinstance(one, dict)]
            included[fold(group)] = [fold(one["include-group"]) for one in tables]
    for group, names in included.items():
        for name in names:
            keys = (key, written[group])
            if name not in written:
                message = f"the group {written[group]!a} includes {name!a}, which there is not"
                yield Wrong(keys, message, "correct the name, or remove it")
            elif group in (circle := _reached(name, included)) and circular.isdisjoint(circle):
                circular.add(group)
                message = f"the group {written[group]!a} includes itself, by {written[name]!a}"
                yield Wrong(keys, message, "remove one of the includes")


def _reached(group: str, included: Mapping[str, Iterable[str]]) -> set[str]:
    """Return a group and all that it includes, by folded names."""
    found, todo = set[str](), [group]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += included.get(one, ())
    return found


def _list(
    keys: tuple[str, ...], kind: str, items: object, fits: Callable[[object], bool]
) -> Iterator[Wrong]:
    """Yield what is wrong with an extra or a group, whose name is the last of its keys."""
    name = keys[-1]
    if isinstance(items, dict):
        message = f"the {kind} {name!a} is a table, not a list of requirements"
        fix = f'quote a name with a dot: "{name}.{next(iter(items), "x")}" = […]'
        yield Wrong(keys, message, fix if items else "write a list")
    elif not fits(items):
        message = f"the {kind} {name!a} is not a list of requirements"
        yield Wrong(keys, message, f'write {name} = ["…"]')
    elif not _IS_NAME.fullmatch(name):
        message = f"the {kind} {name!a} has no valid name"
        yield Wrong(keys, message, "use letters, digits, dashes and dots")
    else:
        yield from _requirements(keys, items)


def _javascript(manifest: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield what is wrong with a package.json."""
    if "name" not in manifest:
        yield Wrong((), "has no name", 'write "name"')
    for key, (fits, what) in _PACKAGE_JSON.items():
        if key in manifest and not fits(manifest[key]):
            yield Wrong((key,), f"{key} is not {what}", "correct it")
    for group in NODE_GROUPS:
        asked = manifest.get(group, {})
        for name in asked if isinstance(asked, dict) else ():
            if not _NPM.fullmatch(name):
                yield Wrong((group, name), f"{name!a} is not the name of a package", "correct it")
    yield from _settings(("monorepo",), manifest.get("monorepo", {}))


def _settings(keys: tuple[str, ...], settings: object) -> Iterator[Wrong]:
    """Yield what is wrong with what a manifest says to this tooling."""
    if not isinstance(settings, dict):
        yield Wrong(keys, f"{'.'.join(keys)} is not a table", "correct it")
    elif "port" in settings and not _is_port(settings["port"]):
        yield Wrong((*keys, "port"), "port is not a number from 1 to 65535", "correct it")


def _is_port(value: object) -> bool:
    return type(value) is int and 0 < value < 65536


def _text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _items(value: object) -> bool:
    """Tell whether a value is a list of texts and of includes of groups."""
    items = value if isinstance(value, list) else [None]
    tables = [one for one in items if isinstance(one, dict)]
    includes = all([*one] == ["include-group"] and _text(one["include-group"]) for one in tables)
    return includes and _texts([one for one in items if not isinstance(one, dict)])


def _table(value: object) -> bool:
    return isinstance(value, dict)


def _text_or_table(value: object) -> bool:
    return isinstance(value, str | dict)


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _table_of_texts(value: object) -> bool:
    return isinstance(value, dict) and _texts(list(value.values()))


def _table_of_tables(value: object) -> bool:
    return isinstance(value, dict) and all(map(_table_of_texts, value.values()))


Check = tuple[Callable[[Any], bool], str]
_PROJECT: dict[str, Check] = {
    "name": (
        lambda value: _text(value) and _IS_NAME.fullmatch(value) is not None,
        "a name of letters, digits, dashes and dots",
    ),
    "version": (
        lambda value: _text(value) and _VERSION.fullmatch(value) is not None,
        "a version such as 0.1.0",
    ),
    "description": (_text, "a text"),
    "readme": (_text_or_table, "a text or a table"),
    "requires-python": (
        lambda value: _text(value) and python_versions.is_valid(value),
        "a range of versions such as >=3.11",
    ),
    "license": (_text_or_table, "a text or a table"),
    "authors": (_tables, "a list of tables"),
    "maintainers": (_tables, "a list of tables"),
    "keywords": (_texts, "a list of texts"),
    "classifiers": (_texts, "a list of texts"),
    "urls": (_table_of_texts, "a table of texts"),
    "scripts": (_table_of_texts, "a table of texts"),
    "gui-scripts": (_table_of_texts, "a table of texts"),
    "entry-points": (_table_of_tables, "a table of tables of texts"),
    "dependencies": (_texts, "a list of requirements"),
    "optional-dependencies": (_table, "a table of lists of requirements"),
    "dynamic": (_texts, "a list of texts"),
}
_PACKAGE_JSON: dict[str, Check] = {
    "name": (
        lambda value: _text(value) and _NPM.fullmatch(value) is not None,
        "a name such as @acme/audio",
    ),
    "version": (_text, "a text"),
    "scripts": (_table_of_texts, "an object of texts"),
    "publishConfig": (_table, "an object"),
    **dict.fromkeys(NODE_GROUPS, (_table_of_texts, "an object of ranges")),
}
