"""Validate manifests, so that code that reads one can rely on its types.

Only what tools would refuse or crash on is an error here; advice is left to the rules.
Standard library only.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from monorepo.core import python_versions
from monorepo.core.languages import FLAT, STARTS, Kind, Language
from monorepo.core.naming import fold

# The keys of a value in a manifest, from the top.
Place = tuple[str, ...]
# The keys of an entry of the settings `generate`, and the word in its command that stands for a
# folder to write to.
GENERATE = ("command", "inputs", "outputs")
OUT = "{out}"
# The settings `cache`, and what counts of a dependency for the results of a package.
CACHE = ("dependencies", "environment", "never")
SOURCES, OUTPUTS, IGNORED = "sources", "outputs", "ignored"
NODE_GROUPS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")

# The grammars of PEP 508 and PEP 440, as far as a regular expression can check them. The long ones
# are compiled when they are first needed.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_IS_NAME = re.compile(_NAME)
_EXTRAS = rf"\[\s*(?:{_NAME}\s*(?:,\s*{_NAME}\s*)*)?\]"
_CLAUSE = r"(?:~=|===?|!=|<=|>=|<|>)\s*[^\s,;()]+\s*"
_CLAUSES = rf"{_CLAUSE}(?:,\s*{_CLAUSE})*,?\s*"
_VALUE = r"""(?:'[^']*'|"[^"]*"|[a-z_]+)"""
_TERM = rf"\(*\s*{_VALUE}\s*(?:===?|~=|!=|<=|>=|<|>|(?:not\s+)?in\b)\s*{_VALUE}\s*(?:\)\s*)*"
_MARKER = rf";\s*{_TERM}(?:(?:and|or)\b\s*{_TERM})*"
_REQUIREMENT = (
    rf"\s*{_NAME}\s*(?:{_EXTRAS}\s*)?"
    rf"(?:@\s*\S+(?:\s+{_MARKER})?|(?:\(\s*(?:{_CLAUSES})?\)\s*|{_CLAUSES})?(?:{_MARKER})?)\s*"
)
_VERSION = (
    r"\s*v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|beta|preview|pre|a|b|c|rc)[-_.]?\d*)?"
    r"(?:-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?(?:[-_.]?dev[-_.]?\d*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?\s*"
)
_WORD = re.compile(r"[A-Za-z0-9_-]+")
# npm's rule for new names; old ones may have capitals.
_NPM = re.compile(r"(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*")


class Mistake(NamedTuple):
    """A mistake in a manifest: the keys of the value, what is wrong and how to fix it."""

    keys: tuple[str, ...]
    message: str
    fix: str


def mistakes(manifest: Mapping[str, Any], language: Language, depth: int = 3) -> Iterator[Mistake]:
    """Yield the mistakes in a manifest, of a package so many folders below the root."""
    check = _python if language is Language.PYTHON else _javascript
    return check(manifest, depth)


def no_kind(language: Language) -> Mistake:
    """Return the mistake of a manifest in the flat layout that does not say what it is of."""
    kinds = [f'"{kind}"' for kind in Kind]
    advice = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
    keys, fix = (
        (("tool", "monorepo"), f"write kind = {advice} into [tool.monorepo]")
        if language is Language.PYTHON
        else (("monorepo",), f'write "kind": {advice} into "monorepo"')
    )
    return Mistake(keys, f"does not say of which kind this package in {FLAT} is", fix)


def requirements(manifest: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield each requirement in a pyproject.toml, with the place of the list that it is in.

    A list that is none has none. An include of another group names no requirement.
    """
    places = [("build-system", "requires"), ("project", "dependencies")]
    for *above, table in (("project", "optional-dependencies"), ("dependency-groups",)):
        named = _value(manifest, (*above, table))
        places += [(*above, table, name) for name in (named if isinstance(named, Mapping) else ())]
    for place in places:
        yield from ((place, one) for one in items(manifest, place) if isinstance(one, str))


def items(manifest: Mapping[str, Any], place: Place) -> list[Any]:
    """Return the list at a place of a manifest; empty if there is none."""
    found = _value(manifest, place)
    return found if isinstance(found, list) else []


def _value(manifest: Mapping[str, Any], place: Place) -> object:
    value: object = manifest
    for key in place:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@cache
def is_requirement(text: str) -> bool:
    """Return whether a text is a valid requirement (PEP 508)."""
    # Nested parentheses need a count. Long texts would take too much time.
    fits = len(text) < 1_000 and text.count("(") == text.count(")")
    return fits and re.fullmatch(_REQUIREMENT, text) is not None


def is_name(text: str) -> bool:
    """Return whether a text is a valid name of a distribution (PEP 508)."""
    return _IS_NAME.fullmatch(text) is not None


def is_npm_name(text: str) -> bool:
    """Return whether a text can be the name of an npm package."""
    return _NPM.fullmatch(text) is not None


def is_version(value: object) -> bool:
    """Return whether a value is the text of a version (PEP 440)."""
    return _text(value) and re.fullmatch(_VERSION, str(value), re.IGNORECASE) is not None


def _python(manifest: Mapping[str, Any], depth: int) -> Iterator[Mistake]:
    """Yield the mistakes in a pyproject.toml (PEP 621, PEP 518, PEP 735)."""
    project = manifest.get("project")
    if not isinstance(project, dict):
        yield Mistake(("project",), "has no [project] table", "write one, with the package's name")
        return
    for key, (fits, what) in _PROJECT.items():
        if key in project and not fits(project[key]):
            yield Mistake(("project", key), f"{key} is not {what}", "correct it")
    if "name" not in project:
        yield Mistake(("project",), "has no name", "write name = into [project]")
    yield from _requirements(("project", "dependencies"), project.get("dependencies"))
    yield from _extras(project.get("optional-dependencies"))
    yield from group_mistakes(manifest)
    build = manifest.get("build-system", {})
    if not isinstance(build, dict):
        yield Mistake(("build-system",), "build-system is not a table", "correct it")
    elif not _texts(build.get("requires", [])):
        yield Mistake(
            ("build-system", "requires"), "requires is not a list of strings", "correct it"
        )
    else:
        yield from _requirements(("build-system", "requires"), build.get("requires"))
    tool = manifest.get("tool", {})
    if not isinstance(tool, dict):
        yield Mistake(("tool",), "tool is not a table", "correct it")
    else:
        yield from _settings(("tool", "monorepo"), tool.get("monorepo", {}), depth)
        yield from _own_pins(tool.get("monorepo"))


def _requirements(keys: tuple[str, ...], texts: object) -> Iterator[Mistake]:
    """Yield the strings of a list that are not requirements; its type is checked elsewhere."""
    for text in texts if isinstance(texts, list) else ():
        if isinstance(text, str) and not is_requirement(text):
            message = f"{text!a} is not a requirement"
            yield Mistake((*keys, text), message, "write a name and a range, such as httpx>=0.28")


def _extras(extras: object) -> Iterator[Mistake]:
    """Yield the mistakes in optional-dependencies."""
    key = "optional-dependencies"
    if not isinstance(extras, dict):
        return
    for extra, texts in extras.items():
        yield from _list(("project", key, extra), "extra", texts, _texts)


def group_mistakes(manifest: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield the mistakes in the [dependency-groups] of a pyproject.toml (PEP 735)."""
    key = "dependency-groups"
    groups = manifest.get(key, {})
    if not isinstance(groups, dict):
        yield Mistake((key,), f"{key} is not a table", "correct it")
        return
    written: dict[str, str] = {}
    included: dict[str, list[str]] = {}
    circular: set[str] = set()
    for group, items in groups.items():
        yield from _list((key, group), "group", items, _items)
        if (other := written.setdefault(fold(group), group)) != group:
            message = f"the groups {other} and {group} normalize to the same name"
            yield Mistake((key, group), message, "rename one, or join them")
        elif _items(items):
            tables = [item for item in items if isinstance(item, dict)]
            included[fold(group)] = [fold(table["include-group"]) for table in tables]
    for group, names in included.items():
        for name in names:
            keys = (key, written[group])
            if name not in written:
                message = f"the group {written[group]!a} includes {name!a}, which does not exist"
                yield Mistake(keys, message, "correct the name, or remove it")
            elif group in (circle := _reached(name, included)) and circular.isdisjoint(circle):
                circular.add(group)
                message = f"the group {written[group]!a} includes itself through {written[name]!a}"
                yield Mistake(keys, message, "remove one of the includes")


def _reached(group: str, included: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the normalized names of a group and of all groups that it includes."""
    found, todo = set[str](), [group]
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += included.get(name, ())
    return found


def _list(
    keys: tuple[str, ...], kind: str, items: object, fits: Callable[[object], bool]
) -> Iterator[Mistake]:
    """Yield the mistakes in an extra or a group; the last key is its name."""
    name = keys[-1]
    if isinstance(items, dict):
        message = f"the {kind} {name!a} is a table, not a list of requirements"
        fix = f'quote a name with a dot: "{name}.{next(iter(items), "x")}" = […]'
        yield Mistake(keys, message, fix if items else "write a list")
    elif not fits(items):
        message = f"the {kind} {name!a} is not a list of requirements"
        yield Mistake(keys, message, f'write {name} = ["…"]')
    elif not _IS_NAME.fullmatch(name):
        message = f"the {kind} {name!a} is not a valid name"
        yield Mistake(keys, message, "use letters, digits, dashes and dots")
    else:
        yield from _requirements(keys, items)


def _javascript(manifest: Mapping[str, Any], depth: int) -> Iterator[Mistake]:
    """Yield the mistakes in a package.json."""
    if "name" not in manifest:
        yield Mistake((), "has no name", 'write "name"')
    for key, (fits, what) in _PACKAGE_JSON.items():
        if key in manifest and not fits(manifest[key]):
            yield Mistake((key,), f"{key} is not {what}", "correct it")
    for group in NODE_GROUPS:
        dependencies = manifest.get(group, {})
        for name in dependencies if isinstance(dependencies, dict) else ():
            if not is_npm_name(name):
                yield Mistake((group, name), f"{name!a} is not the name of a package", "correct it")
    yield from _settings(("monorepo",), manifest.get("monorepo", {}), depth)


def _settings(keys: tuple[str, ...], settings: object, depth: int) -> Iterator[Mistake]:
    """Yield the mistakes in the settings of this tooling."""
    if not isinstance(settings, dict):
        yield Mistake(keys, f"{'.'.join(keys)} is not a table", "correct it")
        return
    if "port" in settings and not _is_port(settings["port"]):
        yield Mistake((*keys, "port"), "port is not a number from 1 to 65535", "correct it")
    serves = settings.get("serves", [])
    if not _texts(serves) or not all(path.startswith(STARTS) for path in serves):
        fix = 'write their paths from the root, such as ["apps/js/page"]'
        yield Mistake((*keys, "serves"), "serves is not a list of packages", fix)
    yield from _generate((*keys, "generate"), settings.get("generate", {}), depth)
    yield from _cache((*keys, "cache"), settings.get("cache", {}))


def _cache(keys: tuple[str, ...], table: object) -> Iterator[Mistake]:
    """Yield the mistakes in the settings `cache`: on what the results of a package depend."""
    if not isinstance(table, dict):
        yield Mistake(keys, "cache is not a table", "correct it")
        return
    for key in table.keys() - {*CACHE}:
        message = f"cache: {key!a} is not known; there are {', '.join(CACHE)}"
        yield Mistake((*keys, key), message, "correct it")
    never = table.get("never", "-")
    if not (isinstance(never, str) and never.strip() and never.isprintable()):
        advice = 'write never = "why no result of it may be kept"'
        yield Mistake((*keys, "never"), "cache: never has no reason on one line", advice)
    if not _texts(table.get("environment", [])):
        message = "cache: environment is not a list of names of variables"
        yield Mistake((*keys, "environment"), message, 'write environment = ["DATABASE_URL"]')
    modes = table.get("dependencies", {})
    kinds = (SOURCES, OUTPUTS, IGNORED)
    if not isinstance(modes, dict) or not all(mode in kinds for mode in modes.values()):
        message = f"cache: dependencies says other than {', '.join(kinds)}"
        advice = f'write "shared/py/core" = "{IGNORED}" below it'
        yield Mistake((*keys, "dependencies"), message, advice)


def _generate(keys: tuple[str, ...], entries: object, depth: int) -> Iterator[Mistake]:
    """Yield the mistakes in the settings `generate`: what is generated, by name."""
    if not isinstance(entries, dict):
        yield Mistake(keys, "generate is not a table", "write a table for each, by a name")
        return
    for name, entry in entries.items():
        what = f"generate: {name!a}"
        if not _WORD.fullmatch(name):
            yield Mistake((*keys, name), f"{what} is not a name", "use letters, digits and dashes")
            continue
        table = entry if isinstance(entry, dict) else {}
        wrong = [key for key in GENERATE if not (_texts(table.get(key)) and table[key])]
        if wrong or table.keys() != {*GENERATE}:
            yield Mistake(
                (*keys, name),
                f"{what} does not have {', '.join(GENERATE)}, each a list of strings, alone",
                "correct it",
            )
            continue
        for key in ("inputs", "outputs"):
            for path in table[key]:
                if not _is_path(path, 0 if key == "outputs" else depth):
                    message = f"{what}: {path!a} in {key} is not a path that is possible there"
                    yield Mistake((*keys, name, key), message, "write one relative to the package")
        if len(table["outputs"]) > 1 and not any(OUT in word for word in table["command"]):
            message = f"{what} has several outputs, and its command prints one"
            yield Mistake((*keys, name), message, f"have it write them below {OUT}")


def _is_path(path: str, most: int) -> bool:
    """Return whether a path is relative, in normal form, and goes up by so many folders at most."""
    parts = path.split("/")
    up = parts.count("..")
    normal = not {"", "."} & {*parts} and ".." not in parts[up:] and path.isprintable()
    return normal and "\\" not in path and up <= most


def _own_pins(settings: object) -> Iterator[Mistake]:
    """Yield the mistakes in the settings `own-pins`: names, each with a reason."""
    keys = ("tool", "monorepo", "own-pins")
    table = settings.get(keys[-1], {}) if isinstance(settings, dict) else {}
    if not isinstance(table, dict):
        yield Mistake(keys, "own-pins is not a table", 'write name = "the reason" below it')
        return
    for name, reason in table.items():
        if not (_IS_NAME.fullmatch(name) and isinstance(reason, str) and reason.strip()):
            message = f"own-pins: {name!a} has no reason"
            yield Mistake((*keys, name), message, 'write name = "why it has another version here"')


def _is_port(value: object) -> bool:
    return type(value) is int and 0 < value < 65536


def _text(value: object) -> bool:
    return isinstance(value, str)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _items(value: object) -> bool:
    """Return whether a value is a list of strings and `include-group` tables."""
    items = value if isinstance(value, list) else [None]
    tables = [item for item in items if isinstance(item, dict)]
    includes = all(
        [*table] == ["include-group"] and _text(table["include-group"]) for table in tables
    )
    return includes and _texts([item for item in items if not isinstance(item, dict)])


def _table(value: object) -> bool:
    return isinstance(value, dict)


def _text_or_table(value: object) -> bool:
    return isinstance(value, str | dict)


def _tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


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
        is_version,
        "a version such as 0.1.0",
    ),
    "description": (_text, "a string"),
    "readme": (_text_or_table, "a string or a table"),
    "requires-python": (
        lambda value: _text(value) and python_versions.is_valid(value),
        "a range of versions such as >=3.11",
    ),
    "license": (_text_or_table, "a string or a table"),
    "authors": (_tables, "a list of tables"),
    "maintainers": (_tables, "a list of tables"),
    "keywords": (_texts, "a list of strings"),
    "classifiers": (_texts, "a list of strings"),
    "urls": (_table_of_texts, "a table of strings"),
    "scripts": (_table_of_texts, "a table of strings"),
    "gui-scripts": (_table_of_texts, "a table of strings"),
    "entry-points": (_table_of_tables, "a table of tables of strings"),
    "dependencies": (_texts, "a list of requirements"),
    "optional-dependencies": (_table, "a table of lists of requirements"),
    "dynamic": (_texts, "a list of strings"),
}
_PACKAGE_JSON: dict[str, Check] = {
    "name": (
        lambda value: _text(value) and is_npm_name(value),
        "a name such as @acme/audio",
    ),
    "version": (_text, "a string"),
    "scripts": (_table_of_texts, "an object of strings"),
    "publishConfig": (_table, "an object"),
    **dict.fromkeys(NODE_GROUPS, (_table_of_texts, "an object of ranges")),
}
