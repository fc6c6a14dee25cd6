"""Which scopes of a package differ between two texts of a manifest.

The parts of a text are what each scope has in it; what differs is found by comparing the parts of
two texts. Standard library only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from monorepo.core.languages import Language
from monorepo.core.workspace import DEV, NODE, dependency_groups, requirement
from monorepo.graph.scopes import (
    CHECKS,
    EVERYTHING,
    NODE_SCOPES,
    RUNTIME,
    TYPES,
    Node,
    distribution,
    extra,
    group,
    npm_package,
    tools,
)
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

# What each node has, by key.
Parts = Mapping[Node, Mapping[str, object]]
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
# The tools whose tables in a package's manifest are about its own checks.
_CHECKING = {"ruff", "mypy", "pytest", "coverage", "towncrier"}
# The settings of a package that no dependent notices.
_SETTINGS = {"template", "owners", "legacy", "own-pins", "serves", "sessions", "unimported"}
_SETTINGS.add("cache")
# The tools, and the settings, of the root that are about one language.
_PYTHON_TOOLS = {"ruff", "mypy", "pytest", "coverage"}
_ABOUT_PYTHON = {"python", "python-env", "build-from-source"}
# The tools and the settings of the root that only these ask: new, upgrade, guard, audit, release,
# and what distributes sessions over jobs.
_OTHER_TOOLS = {"towncrier"}
_ABOUT_NO_RESULT = {"project-name", "license", "author-name", "author-email", "template", "allow"}
_ABOUT_NO_RESULT |= {"audit", "heavy", "layers", "thin", "external", "ci"}
# The groups of the root that verbs have environments of their own for.
_OTHER_GROUPS = {"audit", "release", "sbom"}


def parsed(language: Language, text: str) -> Manifest | None:
    """Return what the text of a manifest says; None if it cannot be read."""
    try:
        return (
            text_files.toml(text) if language is Language.PYTHON else text_files.json_object(text)
        )
    except MalformedError:
        return None


def difference(path: str, language: Language, old: str, new: str) -> set[Node]:
    """Return the scopes of the package at `path` that differ, its checks among them.

    A name that the package had or has is among them if it differs: whatever names it finds
    something else now.

    Args:
        path: of the package.
        language: that of the manifest.
        old: the text of its manifest; empty if there was none.
        new: the text that it has now, or empty.
    """
    manifests = [parsed(language, text) if text else {} for text in (old, new)]
    found = differing(*(parts(path, language, manifest or {}) for manifest in manifests))
    # What one that cannot be read says is anything.
    unknown = [Node(path)] if None in manifests else []
    return {Node(path, CHECKS), *unknown, *found}


def differing(before: Parts, after: Parts) -> set[Node]:
    """Return the nodes that have something else."""
    return {node for node in {**before, **after} if before.get(node) != after.get(node)}


def parts(path: str, language: Language, manifest: Manifest) -> Parts:
    """Return what each scope of the package at `path` has in a manifest, which may be broken.

    The node that the package's name stands for elsewhere has the path.
    """
    found: dict[Node, dict[str, object]] = {}
    read = _python if language is Language.PYTHON else _javascript
    for scope, key, value in read(manifest):
        found.setdefault(Node(path, scope), {})[key] = value
    table = manifest.get("project") if language is Language.PYTHON else manifest
    name = table.get("name") if isinstance(table, Mapping) else None
    if isinstance(name, str):
        node = distribution(name) if language is Language.PYTHON else npm_package(name)
        found[node] = {"path": path}
    return found


def _python(manifest: Manifest) -> Iterator[tuple[str, str, object]]:
    """Yield the scope, the key and the value of each part of a pyproject.toml."""
    for key, value in manifest.items():
        if key == "project" and isinstance(value, Mapping):
            for name, part in value.items():
                if name == "optional-dependencies" and isinstance(part, Mapping):
                    yield from (
                        (extra("", one).scope, "extra", texts) for one, texts in part.items()
                    )
                else:
                    scope = CHECKS if name in _PROSE[Language.PYTHON] else RUNTIME
                    yield scope, f"project.{name}", part
        elif key == "dependency-groups":
            groups = _groups(manifest)
            # Of a broken manifest, the groups are one thing.
            yield from [(CHECKS, key, value)] if groups is None else groups
        elif key == "tool" and isinstance(value, Mapping):
            for tool, part in value.items():
                scope = CHECKS if tool in _CHECKING else RUNTIME
                yield from (
                    _settings(part) if tool == "monorepo" else [(scope, f"tool.{tool}", part)]
                )
        else:
            yield RUNTIME, key, value


def _groups(manifest: Manifest) -> list[tuple[str, str, object]] | None:
    """Return scope, key and value of each dependency group; None if they are malformed."""
    try:
        found = dependency_groups(manifest)
    except (AttributeError, KeyError, TypeError, RecursionError):
        return None
    return [(group("", name).scope, "group", texts) for name, texts in found.items()]


def _javascript(manifest: Manifest) -> Iterator[tuple[str, str, object]]:
    """Yield the scope, the key and the value of each part of a package.json."""
    for key, value in manifest.items():
        if key == "monorepo":
            yield from _settings(value)
            continue
        yield (
            (CHECKS if key in _PROSE[Language.JAVASCRIPT] else NODE_SCOPES.get(key, RUNTIME)),
            key,
            value,
        )
        if key == "devDependencies" and isinstance(value, Mapping):
            types = {name: version for name, version in value.items() if name.startswith(TYPES)}
            yield RUNTIME, key, types


def _settings(table: object) -> Iterator[tuple[str, str, object]]:
    """Yield the scope, the key and the value of each setting of this tooling in a manifest."""
    if not isinstance(table, Mapping):
        yield RUNTIME, "monorepo", table
        return
    for key, value in table.items():
        yield (CHECKS if key in _SETTINGS else RUNTIME), f"monorepo.{key}", value


def root_difference(old: str, new: str) -> set[Node]:
    """Return what the differences between two texts of the root's pyproject.toml concern."""
    return differing(root_parts(old), root_parts(new))


def root_parts(text: str) -> Parts:
    """Return what each language, or everything, has in the pyproject.toml of the root.

    What no result depends on is left out. A text that cannot be read is one thing.
    """
    found: dict[Node, dict[str, object]] = {}
    manifest = parsed(Language.PYTHON, text)
    if manifest is None:
        return {EVERYTHING: {"": text}}
    for node, key, value in _root(manifest):
        found.setdefault(node, {})[key] = value
    return found


def _root(manifest: Manifest) -> Iterator[tuple[Node, str, object]]:
    """Yield what each part of the root's pyproject.toml concerns, its key and its value."""
    for key, value in manifest.items():
        if key == "dependency-groups":
            yield from _root_groups(manifest)
        elif key == "tool" and isinstance(value, Mapping):
            for tool, part in value.items():
                if tool == "monorepo" and isinstance(part, Mapping):
                    for name in part.keys() - _ABOUT_NO_RESULT:
                        about = tools(Language.PYTHON) if name in _ABOUT_PYTHON else EVERYTHING
                        yield about, f"monorepo.{name}", part[name]
                elif tool not in _OTHER_TOOLS:
                    about = tools(Language.PYTHON) if tool in _PYTHON_TOOLS else EVERYTHING
                    yield about, f"tool.{tool}", part
        else:
            yield EVERYTHING, key, value


def _root_groups(manifest: Manifest) -> Iterator[tuple[Node, str, object]]:
    """Yield what each dependency group of the root concerns, its key and its requirements."""
    try:
        groups = dependency_groups(manifest)
        node = [text for text in groups.get(DEV, []) if requirement(text).name == NODE]
    except (AttributeError, KeyError, TypeError, UsageError, RecursionError):
        yield EVERYTHING, "dependency-groups", manifest["dependency-groups"]
        return
    for name in groups.keys() - _OTHER_GROUPS:
        about = tools(Language.PYTHON) if name == DEV else EVERYTHING
        yield about, f"group:{name}", groups[name]
    if node:
        yield tools(Language.JAVASCRIPT), f"group:{DEV}", node
