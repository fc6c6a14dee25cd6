"""Which scope of a package needs which of another one, and which distributions.

A consumer of `acme-audio[lite]` depends on two scopes of audio, its runtime and the extra lite, and
on nothing that only another extra of audio needs. A dependency group (PEP 735) serves the checks of
its own package, and no consumer. Standard library only.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from monorepo.core import snapshot
from monorepo.core.languages import Language
from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace, requirement

# What a package is for its consumers: its sources and its dependencies.
RUNTIME = "runtime"
# What its own checks and sessions are about: all other scopes, its tests, its scripts.
CHECKS = "checks"
# An edge is of one of these kinds.
DEPENDENCY, PEER, GENERATED, INCLUDED = "dependency", "peer", "generated", "included"
# What it serves concerns a service's own checks, and not what is generated from it.
SERVES = "serves"
# What the names of packages begin with that have the types of another one. A consumer compiles our
# sources, and finds these beside them.
TYPES = "@types/"
# The groups of package.json that consumers get, and those that serve development.
NODE_SCOPES = {
    "dependencies": RUNTIME,
    "optionalDependencies": RUNTIME,
    "peerDependencies": RUNTIME,
    "devDependencies": "group:dev",
}


class Node(NamedTuple):
    """A scope of a package, a distribution from an index, or tools that packages share.

    Attributes:
        owner: the path of a package; `pypi:` or `npm:` and the normalized name; or `tools:` and a
            language.
        scope: of a package: `runtime`, `extra:<name>`, `group:<name>` or `checks`.
    """

    owner: str
    scope: str = RUNTIME

    def __str__(self) -> str:
        """Format a package as it is asked for: `shared/py/core[lite]`."""
        _, _, name = self.scope.partition("extra:")
        return f"{self.owner}[{name}]" if name else self.owner

    @property
    def is_package(self) -> bool:
        """Whether it is a scope of a package."""
        return ":" not in self.owner


class Edge(NamedTuple):
    """One scope needs another scope, or a distribution."""

    source: Node
    target: Node
    kind: str = DEPENDENCY


# The nodes next to each one, in one direction.
Adjacent = Mapping[Node, list[Node]]

# What the checks of all packages need, such as the engine and the Makefiles.
EVERYTHING = Node("tools:")


def tools(language: Language) -> Node:
    """Return the node of what the checks of all packages in a language need: tools, settings."""
    return Node(f"tools:{language}")


def distribution(name: str) -> Node:
    """Return the node of a distribution on a Python index."""
    return Node(f"pypi:{fold(name)}")


def npm_package(name: str) -> Node:
    """Return the node of a package on an npm registry, whose names are exact."""
    return Node(f"npm:{name}")


def extra(path: str, name: str) -> Node:
    """Return the node of an extra of a package."""
    return Node(path, f"extra:{fold(name)}")


def group(path: str, name: str) -> Node:
    """Return the node of a dependency group of a package."""
    return Node(path, f"group:{fold(name)}")


def scopes_of(package: Package) -> list[Node]:
    """Return the scopes of a package, its checks last."""
    found = [Node(package.path)]
    if package.is_python:
        found += [extra(package.path, name) for name in package.extras]
        found += [group(package.path, name) for name in package.groups]
    elif package.manifest.get("devDependencies"):
        found.append(group(package.path, "dev"))
    return [*found, Node(package.path, CHECKS)]


def edges(space: Workspace) -> list[Edge]:
    """Return the edges between the scopes of all packages, and to the distributions they declare.

    They follow from the manifests, and are kept with these.
    """
    own = snapshot.state(__file__)
    if space.kept is None or own is None:
        return [*_edges(space)]
    if line := space.kept.derived():
        state, nodes, sources, targets, kinds = json.loads(line)
        if state == [*own[0]]:
            node = [*map(Node._make, nodes)].__getitem__
            return [
                *map(Edge._make, zip(map(node, sources), map(node, targets), kinds, strict=True))
            ]
    found = [*_edges(space)]
    numbers: dict[Node, int] = {}
    rows = [[numbers.setdefault(node, len(numbers)) for node in edge[:2]] for edge in found]
    columns = [[row[0] for row in rows], [row[1] for row in rows], [edge.kind for edge in found]]
    space.kept.derive(json.dumps([own[0], [*numbers], *columns]))
    return found


def _edges(space: Workspace) -> Iterator[Edge]:
    for package in space.packages.values():
        *scopes, checks = scopes_of(package)
        yield from (Edge(checks, scope, INCLUDED) for scope in scopes)
        yield from _python(space, package) if package.is_python else _javascript(space, package)
        for entry in package.generated:
            # Of files in place of a package, those alone count: see `inputs.files`.
            inputs = {text: space.packages[text] for text in entry.inputs if text in space.packages}
            for path in sorted(inputs.keys() - {package.path}):
                # A command imports all that its input is, with its extras.
                for scope in (RUNTIME, *(f"extra:{name}" for name in inputs[path].extras)):
                    yield Edge(Node(package.path), Node(path, scope), GENERATED)
        for path in package.serves:
            if path in space.packages:
                yield Edge(checks, Node(path), SERVES)


def tool_edges(space: Workspace) -> Iterator[Edge]:
    """Yield the edges from the checks of each package to the tools of its language."""
    for language in Language:
        yield Edge(tools(language), EVERYTHING, INCLUDED)
    for package in space.packages.values():
        yield Edge(Node(package.path, CHECKS), tools(package.language), INCLUDED)


def _python(space: Workspace, package: Package) -> Iterator[Edge]:
    """Yield the edges of a Python package."""
    own = Node(package.path)
    lists: list[tuple[Node, Iterable[str]]] = [(own, package.requirements())]
    lists += [(own, package.build_requirements)]
    lists += [(extra(package.path, name), texts) for name, texts in package.extras.items()]
    lists += [(group(package.path, name), texts) for name, texts in package.groups.items()]
    for source, texts in lists:
        for text in texts:
            name, extras = requirement(text)
            needed = space.by_name.get(name)
            if needed is None:
                yield Edge(source, distribution(name))
                continue
            targets = [Node(needed.path), *(extra(needed.path, one) for one in extras)]
            # An extra may include another one of its own package.
            yield from (Edge(source, target) for target in targets if target != source)


def _javascript(space: Workspace, package: Package) -> Iterator[Edge]:
    """Yield the edges of a JavaScript package."""
    for table, scope in NODE_SCOPES.items():
        kind = PEER if table == "peerDependencies" else DEPENDENCY
        for name in package.manifest.get(table, {}):
            needed = space.by_name.get(fold(name))
            target = Node(needed.path) if needed else npm_package(name)
            yield Edge(Node(package.path, scope), target, kind)
            if scope != RUNTIME and name.startswith(TYPES):
                yield Edge(Node(package.path), target, kind)


def adjacent(found: Iterable[Edge]) -> tuple[Adjacent, Adjacent]:
    """Return what each node needs directly, and what needs it directly."""
    needs: dict[Node, list[Node]] = {}
    needed_by: dict[Node, list[Node]] = {}
    for source, target, _ in found:
        needs.setdefault(source, []).append(target)
        needed_by.setdefault(target, []).append(source)
    return needs, needed_by


def reached(starts: Iterable[Node], following: Adjacent) -> set[Node]:
    """Return nodes, and all that follow them, directly or not."""
    found, waiting = set[Node](), [*starts]
    while waiting:
        if (node := waiting.pop()) not in found:
            found.add(node)
            waiting += following.get(node, ())
    return found
