"""The dependency graph of the packages, its cycles, and the packages as a list."""

import json
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from monorepo.core.languages import STARTS
from monorepo.core.workspace import Package, Workspace
from monorepo.graph import scopes

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
    """Return what consumers of each package get with it, in any extra, by path.

    That is what may form no cycle. What only development of a package needs may need the package:
    dependency groups (PEP 735) and devDependencies, which no consumer gets.
    """
    found: dict[str, set[str]] = {path: set() for path in space.packages}
    for source, target, kind in scopes.edges(space):
        inner = kind in (scopes.INCLUDED, scopes.SERVES) or source.scope.startswith("group:")
        if not inner and target.is_package and target.owner != source.owner:
            found[source.owner].add(target.owner)
    return found


def cycle(edges: Graph) -> list[str]:
    """Return the paths of the packages in a dependency cycle, the first one twice; [] for none."""
    return next(cycles(edges), [])


def cycles(edges: Graph) -> Iterator[list[str]]:
    """Yield dependency cycles that share no package, each as `cycle` does."""
    left = {path: set(needed) for path, needed in edges.items()}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            # graphlib lists predecessors first; show dependents first.
            found = [*reversed(error.args[1])]
            yield found
            left = {path: needed.difference(found) for path, needed in left.items()}
        else:
            return


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
