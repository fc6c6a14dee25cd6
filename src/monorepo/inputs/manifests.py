"""Which scopes of a package differ between two texts of a manifest. Standard library only."""

from collections.abc import Iterator, Mapping
from typing import Any

from monorepo.core.languages import Language
from monorepo.core.workspace import DEV, dependency_groups, requirement
from monorepo.graph.scopes import (
    CHECKS,
    EVERYTHING,
    NODE_SCOPES,
    RUNTIME,
    Node,
    distribution,
    extra,
    group,
    npm_package,
    tools,
)
from monorepo.programs.pnpm import NODE
from monorepo.system import text_files
from monorepo.system.errors import UsageError

Manifest = Mapping[str, Any]

# What describes a package, and neither what it does nor what it needs.
_PROSE = {
    Language.PYTHON: {
        *("description", "readme", "license", "license-files", "authors", "maintainers"),
        *("keywords", "classifiers", "urls"),
    },
    Language.JAVASCRIPT: {
        *("description", "license", "author", "contributors", "keywords", "private", "scripts"),
        *("repository", "homepage", "bugs", "funding"),
    },
}
# The tables of tools in the manifest of a package; the others are about what is built of it.
_CHECKING = {"ruff", "mypy", "pytest", "coverage", "towncrier"}
# The settings of this tooling that no dependent notices.
_SETTINGS = {"template", "owners", "legacy", "own-pins"}
# The tables of tools of the root, and the settings that are about one thing.
_PYTHON = {"ruff", "mypy", "pytest", "coverage"}
_ABOUT_PYTHON = {"python", "python-env", "build-from-source"}
# What only `new`, `upgrade`, `guard` and reports ask.
_ABOUT_NO_RESULT = {"project-name", "license", "author-name", "author-email", "template", "allow"}
_ABOUT_NO_RESULT |= {"audit", "heavy", "layers", "thin", "external"}
# The groups of the root that verbs have environments of their own for.
_OTHER_GROUPS = {"audit", "release", "sbom"}


def difference(path: str, language: Language, old: str, new: str) -> set[Node]:
    """Return the scopes of a package that differ, its checks among them.

    Args:
        path: of the package.
        language: that of the manifest.
        old: the text that the manifest had; empty if there was none.
        new: the text that it has, or empty.

    Returns:
        All that the texts name, if one cannot be read. The names that the package had, or has, are
        among the nodes if they differ: what names it is resolved otherwise.
    """
    before, after = (_parsed(language, text) for text in (old, new))
    names = {_name(language, manifest) for manifest in (before, after) if manifest is not None}
    found = {Node(path, CHECKS)}
    if len(names) != 1 or before is None or after is None:
        found |= {_named(language, name) for name in names if name}
    found |= {
        Node(path, scope)
        for scope in _differing(
            *(_scopes(language, manifest or {}) for manifest in (before, after))
        )
    }
    if before is None or after is None:
        found.add(Node(path))
    return found


def root_difference(old: str, new: str) -> set[Node]:
    """Return what the differences between two texts of the root's pyproject.toml concern."""
    try:
        before, after = (text_files.toml(text) for text in (old, new))
    except text_files.MalformedError:
        return {EVERYTHING}
    found: set[Node] = set()
    for key in _differing(before, after):
        if key == "tool":
            found |= _root_tools(before.get(key), after.get(key))
        elif key == "dependency-groups":
            found |= _root_groups(before, after)
        else:
            found.add(EVERYTHING)
    return found


def _root_tools(before: object, after: object) -> set[Node]:
    found: set[Node] = set()
    one, two = (each if isinstance(each, dict) else {} for each in (before, after))
    for tool in _differing(one, two):
        if tool in _PYTHON:
            found.add(tools(Language.PYTHON))
            continue
        settings = [each.get(tool) for each in (one, two)]
        if tool != "monorepo" or not all(isinstance(each, dict) for each in settings):
            return {EVERYTHING}
        for key in {*_differing(*settings)} - _ABOUT_NO_RESULT:  # type: ignore[arg-type]
            found.add(tools(Language.PYTHON) if key in _ABOUT_PYTHON else EVERYTHING)
    return found


def _root_groups(before: Manifest, after: Manifest) -> set[Node]:
    try:
        one, two = dependency_groups(before), dependency_groups(after)
        differing = {*_differing(one, two)} - _OTHER_GROUPS
        texts = {*one.get(DEV, [])} ^ {*two.get(DEV, [])}
        names = {requirement(text).name for text in texts}
    except (AttributeError, KeyError, TypeError, UsageError, RecursionError):
        return {EVERYTHING}
    if differing - {DEV}:
        return {EVERYTHING}
    found = {tools(Language.PYTHON)} if differing else set()
    return found | ({tools(Language.JAVASCRIPT)} if NODE in names else set())


def _parsed(language: Language, text: str) -> Manifest | None:
    """Return a manifest; None if there is none, or it cannot be read."""
    if not text:
        return None
    try:
        if language is Language.PYTHON:
            return text_files.toml(text)
        return text_files.json_object(text)
    except text_files.MalformedError:
        return None


def _name(language: Language, manifest: Manifest) -> str:
    table = manifest.get("project") if language is Language.PYTHON else manifest
    name = table.get("name") if isinstance(table, Mapping) else None
    return name if isinstance(name, str) else ""


def _named(language: Language, name: str) -> Node:
    return distribution(name) if language is Language.PYTHON else npm_package(name)


def _scopes(language: Language, manifest: Manifest) -> dict[str, dict[str, object]]:
    """Return what each scope has in a manifest, by key."""
    found: dict[str, dict[str, object]] = {}
    read = _python if language is Language.PYTHON else _javascript
    for scope, key, value in read(manifest):
        found.setdefault(scope, {})[key] = value
    return found


def _python(manifest: Manifest) -> Iterator[tuple[str, str, object]]:
    """Yield the scope, the key and the value of each part of a pyproject.toml."""
    for key, value in manifest.items():
        if key == "project" and isinstance(value, Mapping):
            for name, part in value.items():
                if name == "optional-dependencies" and isinstance(part, Mapping):
                    yield from ((extra("", one).scope, "", texts) for one, texts in part.items())
                else:
                    yield (CHECKS if name in _PROSE[Language.PYTHON] else RUNTIME), name, part
        elif key == "dependency-groups" and isinstance(value, Mapping):
            yield from _groups(manifest)
        elif key == "tool" and isinstance(value, Mapping):
            for tool, part in value.items():
                if tool == "monorepo":
                    yield from _settings(part)
                else:
                    yield (CHECKS if tool in _CHECKING else RUNTIME), f"tool.{tool}", part
        else:
            yield RUNTIME, f"{key}.", value


def _groups(manifest: Manifest) -> Iterator[tuple[str, str, object]]:
    try:
        for name, texts in dependency_groups(manifest).items():
            yield group("", name).scope, "", texts
    except (AttributeError, KeyError, TypeError, RecursionError):
        # The manifest is broken: all that is in its groups is one thing.
        yield CHECKS, "dependency-groups", manifest["dependency-groups"]


def _javascript(manifest: Manifest) -> Iterator[tuple[str, str, object]]:
    """Yield the scope, the key and the value of each part of a package.json."""
    for key, value in manifest.items():
        if key == "monorepo":
            yield from _settings(value)
        elif key in _PROSE[Language.JAVASCRIPT]:
            yield CHECKS, key, value
        else:
            yield NODE_SCOPES.get(key, RUNTIME), key, value


def _settings(table: object) -> Iterator[tuple[str, str, object]]:
    if not isinstance(table, Mapping):
        yield RUNTIME, "monorepo", table
        return
    for key, value in table.items():
        yield (CHECKS if key in _SETTINGS else RUNTIME), f"monorepo.{key}", value


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    """Yield the keys whose values differ."""
    return (key for key in {**before, **after} if before.get(key) != after.get(key))
