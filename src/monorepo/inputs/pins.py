"""Which pins a package needs, and what differs between two texts of a file with pins.

What a pin requires stands in tools/hashes.txt for Python, and in pnpm-lock.yaml for JavaScript. The
parts of a text are what it says of each distribution; what differs is found by comparing the parts
of two texts. Standard library only.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from monorepo.core import hashes
from monorepo.core.languages import Language
from monorepo.core.workspace import DEV, NODE, Workspace, requirement
from monorepo.graph.scopes import (
    CHECKS,
    EVERYTHING,
    NODE_SCOPES,
    RUNTIME,
    TYPES,
    Edge,
    Node,
    distribution,
    npm_package,
    tools,
)
from monorepo.inputs import files
from monorepo.inputs.manifests import Parts, differing
from monorepo.parsing import pnpm_lockfile
from monorepo.system import plain_yaml
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

# A pin in the format of tools/hashes.txt, with its hashes and comments.
_ENTRY = re.compile(r"^[^\s#].*\n?(?:[ \t].*\n?)*", re.MULTILINE)
_NOTE = re.compile(r"^ +# (\w+) (.+)$", re.MULTILINE)
_DIGEST = re.compile(r"^# ([\w./-]+): ([0-9a-f]{16})$", re.MULTILINE)
# In a file of YAML: a line that is a comment alone, or empty; and a key of the top with its value.
_YAML_COMMENT = re.compile(r"^[ \t]*(#.*)?\n", re.MULTILINE)
_YAML_BLOCK = re.compile(r"^[^\s-].*\n?(?:[\s-].*\n?)*", re.MULTILINE)
_CATALOGS = ("catalog", "catalogs")

# Returns the text of a file by its path from the root; empty if there is none.
Read = Callable[[str], str]
# A node, and what a text says of it: a key and a value.
_Part = tuple[Node, str, object]


class UnknownError(Exception):
    """It cannot be told what pins are, or require: the file, and why."""


class Difference(NamedTuple):
    """What differs between two texts; or why that cannot be told."""

    nodes: frozenset[Node] = frozenset()
    unknown: str = ""


def difference(space: Workspace, path: str, old: str, new: str) -> Difference:
    """Return what differs between two texts of one of `files.PINS`; an empty one is no file."""
    try:
        before, after = (_collected(_PARTS[path](space, text)) for text in (old, new))
    except UnknownError as error:
        return Difference(unknown=str(error))
    return Difference(frozenset(differing(before, after)))


def parts(space: Workspace, read: Read) -> Parts:
    """Return what all files with pins say of each distribution, of packages and of tools.

    Raises:
        UnknownError: one cannot be read.
    """
    found = ((path, _PARTS[path](space, read(path))) for path in files.PINS)
    return _collected(
        (node, f"{path}: {key}", value) for path, rows in found for node, key, value in rows
    )


def _collected(rows: Iterator[_Part]) -> dict[Node, dict[str, object]]:
    found: dict[Node, dict[str, object]] = {}
    for node, key, value in rows:
        found.setdefault(node, {})[key] = value
    return found


def edges(space: Workspace, read: Read) -> list[Edge]:
    """Return the edges between distributions, and those from tools and locked packages to them.

    Raises:
        UnknownError: a lock does not say what its pins require.
    """
    return [*_python_edges(space, read), *_node_edges(space, read)]


def _python_edges(space: Workspace, read: Read) -> Iterator[Edge]:
    """Yield what the tools of Python and the engine need, and what each pin requires.

    Raises:
        UnknownError: tools/hashes.txt does not say.
    """
    for text in space.groups.get(DEV, ()):
        yield Edge(tools(Language.PYTHON), distribution(requirement(text).name))
    yield Edge(tools(Language.JAVASCRIPT), distribution(NODE))
    try:
        # In the environment that all commands run in.
        shared = [text for _, text in space.base.listed()] + space.engine.requirements
        built = space.built_from_source
    except UsageError as error:
        raise UnknownError(error.mistakes[0]) from error
    yield from (Edge(EVERYTHING, distribution(requirement(text).name)) for text in shared)
    for name, texts in built.items():
        yield from (Edge(distribution(name), distribution(requirement(one).name)) for one in texts)
    recorded = _entries(read(hashes.HASHES), hashes.HASHES)
    pinned = set(_lines(read(hashes.PINS)))
    if unlike := pinned ^ recorded.keys():
        reason = f"is not in step with {hashes.PINS} about {min(unlike)}; run make lock"
        raise UnknownError(f"{hashes.HASHES}: {reason}")
    if recorded and not any(_notes(entry, hashes.REQUIRES) for entry in recorded.values()):
        raise UnknownError(f"{hashes.HASHES}: does not say what a pin requires; run make lock")
    for line, entry in (*recorded.items(), *_entries(read(files.GPU), files.GPU).items()):
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
    try:
        declared = [*json.loads(manifest).get("devDependencies", {})]
    except (ValueError, AttributeError, TypeError) as error:
        raise UnknownError(f"{files.NODE_MANIFEST}: cannot be read; restore it from git") from error
    for name in declared:
        yield Edge(tools(Language.JAVASCRIPT), npm_package(name))
    lock = _lock(read(files.NODE_LOCK))
    for path, block in lock.importers.items():
        for name, locked in pnpm_lockfile.dependencies(block).items():
            if not locked.version.startswith("link:"):
                target = _locked(pnpm_lockfile.snapshot(name, locked.version))
                yield from (Edge(node, target) for node in _users(space, path, name, locked.group))
    for key, block in lock.snapshots.items():
        yield from (Edge(_locked(key), _locked(one)) for one in pnpm_lockfile.requirements(block))


def _locked(snapshot: str) -> Node:
    """Return the node of a version of an npm package, with the peers that it is locked for."""
    return Node(f"npm:{snapshot}")


def _users(space: Workspace, path: str, name: str, table: str) -> list[Node]:
    """Return what needs a package that is locked for the importer at `path`, in a table of it."""
    if path == ".":
        return [tools(Language.JAVASCRIPT)]
    package = space.packages.get(path)
    if package is None:
        return []
    # The version of a peer is that of development, and so are types.
    is_shared = name.startswith(TYPES) or name in package.manifest.get("peerDependencies", {})
    names = dict.fromkeys([NODE_SCOPES[table], *([RUNTIME] if is_shared else [])])
    return [Node(path, scope) for scope in names]


def _entries(text: str, path: str) -> dict[str, str]:
    """Return the entries of a file in the format of tools/hashes.txt, by the lines of the pins.

    Raises:
        UnknownError: it has others.
    """
    found = {}
    for match in _ENTRY.finditer(text):
        line = match[0].partition("\n")[0].removesuffix("\\").strip()
        if not hashes.is_pin(line) or line in found:
            raise UnknownError(f"{path}: {line[:60]!a} is not a pin; run make lock")
        found[line] = match[0]
    return found


def _notes(entry: str, word: str) -> list[str]:
    """Return the names in a comment of an entry, see `hashes.notes`."""
    found = (names for key, names in _NOTE.findall(entry) if key == word)
    return [name for names in found for name in names.split(", ")]


def _lines(text: str) -> list[str]:
    """Return the pins in the text of constraints.txt.

    Raises:
        UnknownError: it has other lines.
    """
    lines = hashes.pin_lines(text)
    if wrong := [line for line in lines if not hashes.is_pin(line)]:
        raise UnknownError(f"{hashes.PINS}: {wrong[0][:60]!a} is not a pin; run make lock")
    return lines


def _constraints(space: Workspace, text: str) -> Iterator[_Part]:
    """Yield what constraints.txt says of each distribution."""
    for line in _lines(text):
        yield distribution(hashes.name_of(line)), line, True


def _hashes(space: Workspace, text: str, path: str = hashes.HASHES) -> Iterator[_Part]:
    """Yield what tools/hashes.txt says of each distribution."""
    for line, entry in _entries(text, path).items():
        yield distribution(hashes.name_of(line)), line, entry


def _gpu(space: Workspace, text: str) -> Iterator[_Part]:
    """Yield what tools/gpu.txt says of each distribution."""
    return _hashes(space, text, files.GPU)


def _lowest(space: Workspace, text: str) -> Iterator[_Part]:
    """Yield what tools/lowest.txt says for the checks of each package."""
    entries = _entries(text, files.LOWEST).items()
    rows = [(label, line, entry) for line, entry in entries for label in _notes(entry, "for")]
    rows += [(label, "digest", digest) for label, digest in _DIGEST.findall(text)]
    # Others are sub-templates.
    return ((Node(at, CHECKS), key, value) for at, key, value in rows if at in space.packages)


def _lock(text: str) -> pnpm_lockfile.Lock:
    try:
        return pnpm_lockfile.parse(text)
    except UsageError as error:
        raise UnknownError(error.mistakes[0]) from error


def _node_lock(space: Workspace, text: str) -> Iterator[_Part]:
    """Yield what pnpm-lock.yaml says of each version, of tools, and for scopes of packages."""
    if not text:
        return
    lock = _lock(text)
    yield tools(Language.JAVASCRIPT), "settings", lock.head + lock.middle
    for path, block in lock.importers.items():
        for name, locked in pnpm_lockfile.dependencies(block).items():
            for node in _users(space, path, name, locked.group):
                yield node, f"{locked.group}: {name}", [*locked]
    for key, block in lock.snapshots.items():
        yield _locked(key), "snapshot", block + lock.packages.get(key.partition("(")[0], "")
    for (catalog, name), entry in lock.catalogs.items():
        yield npm_package(name), f"{catalog}: locked", entry


def _node_workspace(space: Workspace, text: str) -> Iterator[_Part]:
    """Yield what pnpm-workspace.yaml says of each npm package, and of all."""
    for block in _YAML_BLOCK.findall(_YAML_COMMENT.sub("", text)):
        key = block.partition(":")[0]
        versions = _versions(block) if key in _CATALOGS else None
        if versions is None:
            yield tools(Language.JAVASCRIPT), key, block
        else:
            yield from versions


def _versions(block: str) -> list[_Part] | None:
    """Return what the catalogs in a block of YAML say; None if it is not plain."""
    try:
        document = plain_yaml.read(block)
    except MalformedError:
        return None
    named = document.get("catalogs", {})
    catalogs = {"": document.get("catalog", {}), **(named if isinstance(named, dict) else {})}
    return [
        (npm_package(name), catalog, version)
        for catalog, entries in catalogs.items()
        for name, version in (entries if isinstance(entries, dict) else {}).items()
    ]


_PARTS: Mapping[str, Callable[[Workspace, str], Iterator[_Part]]] = {
    hashes.PINS: _constraints,
    hashes.HASHES: _hashes,
    files.GPU: _gpu,
    files.LOWEST: _lowest,
    files.NODE_LOCK: _node_lock,
    files.NODE_WORKSPACE: _node_workspace,
}
