"""The dependency graph of the packages, its cycles, and the packages as a list."""

import json
from collections.abc import Callable, Mapping, Set

from monorepo.core.languages import STARTS
from monorepo.core.workspace import Package, Workspace
from monorepo.graph import scopes
from monorepo.graph.scopes import Node

Graph = Mapping[str, set[str]]


def needs(space: Workspace, package: Package) -> set[str]:
    """Return the paths of the direct internal dependencies of a package, in any extra or group."""
    found = {space.by_name[name].path for name in package.needs if name in space.by_name}
    # An extra may name the package itself, to include another extra.
    return found - {package.path}


def generated_from(space: Workspace, package: Package) -> set[str]:
    """Return the paths of the packages that a package is generated from, in any language."""
    inputs = (text for entry in package.generated for text in entry.inputs)
    found = {owner.path for text in inputs if (owner := space.owner(text))}
    return found - {package.path}


def lost_inputs(space: Workspace, package: Package) -> list[str]:
    """Return the inputs that a package is generated from, and that are in no package here."""
    inputs = (text for entry in package.generated for text in entry.inputs)
    return [text for text in inputs if text.startswith(STARTS) and not space.owner(text)]


def graph(space: Workspace) -> dict[str, set[str]]:
    """Return what each package depends on directly, is generated from or serves, by path."""
    return {
        package.path: needs(space, package)
        | generated_from(space, package)
        | {path for path in package.serves if path in space.packages}
        for package in space.packages.values()
    }


def consumed(space: Workspace) -> dict[str, set[str]]:
    """Return what consumers of each package get with it, and with each extra: `shared/py/core[io]`.

    That is what may form no cycle: `acme-core[plugins]` may need a plugin that needs `acme-core`.
    What only development of a package needs may need the package: dependency groups (PEP 735) and
    devDependencies, which no consumer gets.
    """
    own: dict[Node, list[Node]] = {}
    others: dict[Node, set[str]] = {}
    for source, target, _ in scopes.edges(space):
        if target.owner == source.owner:
            own.setdefault(source, []).append(target)
        elif target.is_package:
            others.setdefault(source, set()).add(str(target))
    # What an extra includes of its own package is no edge, but what that needs is one.
    return {
        str(node): set[str]().union(*(others.get(one, ()) for one in scopes.reached([node], own)))
        for package in space.packages.values()
        for node in scopes.scopes_of(package)
        if node.scope == scopes.RUNTIME or node.scope.startswith("extra:")
    }


def owner(name: str) -> str:
    """Return the path of a package, with or without an extra: of `shared/py/core[io]`."""
    return name.partition("[")[0]


def components(edges: Graph) -> list[list[str]]:
    """Return the sets of packages that all depend on each other, two or more; sorted."""
    needed_by: dict[str, set[str]] = {path: set() for path in edges}
    for path, needed in edges.items():
        for other in needed & edges.keys():
            needed_by[other].add(path)
    found, left = [], {*edges}
    # What needs nothing of the others, or what none of them needs, is in no cycle.
    for adjacent in (edges, needed_by):
        counts = {path: len(adjacent[path] & left) for path in left}
        ends = [path for path in left if not counts[path]]
        while ends:
            left.discard(end := ends.pop())
            for path in (needed_by if adjacent is edges else edges)[end] & left:
                counts[path] -= 1
                ends += [] if counts[path] else [path]
    while left:
        first = min(left)
        both = _reached(first, edges, left) & _reached(first, needed_by, left)
        found += [sorted(both)] if len(both) > 1 else []
        left -= both
    return found


def cycles(edges: Graph, order: Callable[[str], str] = str) -> list[list[str]]:
    """Return a cycle for each edge that closes one: the shortest, which begins with that edge.

    An edge closes a cycle if it has one with edges before it, in order. Without these edges, there
    is no cycle; without one of them, the others close theirs all the same.

    Args:
        edges: what each package depends on.
        order: the sort key of a package.
    """
    found = []
    for component in components(edges):
        kept: dict[str, set[str]] = {path: set() for path in component}
        for path in sorted(component, key=order):
            for other in sorted(edges[path] & {*component}, key=order):
                if path in _reached(other, kept, {*component}):
                    found.append([path, *_way(other, path, edges)])
                else:
                    kept[path].add(other)
    return found


def cycle(edges: Graph) -> list[str]:
    """Return the packages in a dependency cycle, the first one twice; [] for none."""
    return next(iter(cycles(edges)), [])


def _reached(start: str, adjacent: Graph, among: Set[str]) -> set[str]:
    """Return a package, and all of `among` that follow it, directly or not."""
    found, waiting = {start}, [start]
    while waiting:
        new = (adjacent[waiting.pop()] & among) - found
        found |= new
        waiting += new
    return found


def _way(start: str, end: str, edges: Graph) -> list[str]:
    """Return the shortest way from a package to another one that it needs in the end."""
    before = {start: start}
    waiting = [start]
    # The list is extended while iterating.
    for path in waiting:
        if path == end:
            break
        new = sorted(edges.get(path, set()) - before.keys())
        before |= dict.fromkeys(new, path)
        waiting += new
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def dependents(edges: Graph, path: str) -> list[str]:
    """Return the paths of the direct dependents of the package at `path`."""
    return sorted(other for other, needed in edges.items() if path in needed)


def as_rows(space: Workspace) -> list[dict[str, object]]:
    """Return path, kind, names, version, port, and what each package depends on or is made from."""
    return [
        {
            "path": path,
            "kind": f"{package.kind}-{package.language}",
            "name": package.name,
            "import": package.import_name,
            "version": package.version,
            "port": package.settings.get("port"),
            "needs": sorted(needs(space, package)),
            "generated_from": sorted(generated_from(space, package)),
        }
        for path, package in space.packages.items()
    ]


def as_table(space: Workspace) -> str:
    """Return the packages as a text table."""
    rows = [
        (path, package.name, package.version, ", ".join(_shown(space, package)) or "-")
        for path, package in space.packages.items()
    ]
    table = [("path", "name", "version", "needs"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    padded = (
        [cell.ljust(width) for cell, width in zip(row, widths, strict=False)] for row in table
    )
    return "\n".join("  ".join([*cells, row[3]]) for cells, row in zip(padded, table, strict=True))


def as_json(space: Workspace) -> str:
    """Return the packages as JSON."""
    return json.dumps({"schema_version": 1, "packages": as_rows(space)}, indent=2)


def _shown(space: Workspace, package: Package) -> list[str]:
    """Return the paths of what a package depends on, and of what it is generated from."""
    depends = needs(space, package)
    made = generated_from(space, package) - depends
    return [*sorted(depends), *(f"{path} (generated)" for path in sorted(made))]
