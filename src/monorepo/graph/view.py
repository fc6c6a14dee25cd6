"""What is drawn of the graph: packages, the arrows between them, and what a change affects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from monorepo.core.workspace import Package, Workspace
from monorepo.graph import scopes
from monorepo.graph.packages import owner
from monorepo.graph.scopes import (
    CHECKS,
    DEPENDENCY,
    GENERATED,
    INCLUDED,
    PEER,
    RUNTIME,
    SERVES,
    Edge,
    Node,
)

# Why a package is affected: itself, what it needs, …, down to a file that has changed.
Chain = Sequence[str]


class Arrow(NamedTuple):
    """One package needs another.

    Attributes:
        source: the path of the package that needs it.
        target: the path of the package that is needed.
        extras: the extras of the target that are requested.
        origins: where it is declared: `runtime`, `extra lite`, `group test`, `dev`, `peer`,
            `generated` or `serves`.
    """

    source: str
    target: str
    extras: tuple[str, ...]
    origins: tuple[str, ...]

    @property
    def is_inner(self) -> bool:
        """Whether no consumer of the source gets the target with it."""
        return not any(one in (RUNTIME, PEER) or one.startswith("extra ") for one in self.origins)

    @property
    def asked(self) -> str:
        """The requested extras, as a requirement writes them."""
        return f"[{','.join(self.extras)}]" if self.extras else ""

    @property
    def declared(self) -> str:
        """Where it is declared, if that is not the runtime alone."""
        return "" if self.origins == (RUNTIME,) else ", ".join(self.origins)


@dataclass(frozen=True)
class View:
    """A part of the graph.

    Attributes:
        space: the repository.
        paths: the packages, in display order.
        edges: what their scopes need of each other.
        focus: the package that it is about; empty for all.
        base: what changes are counted from; None if nobody asked what is affected.
        affected: the shortest reason for each affected package, by its path.
    """

    space: Workspace
    paths: tuple[str, ...]
    edges: tuple[Edge, ...]
    focus: str = ""
    base: str | None = None
    affected: Mapping[str, Chain] = field(default_factory=dict)

    @property
    def packages(self) -> list[Package]:
        """The packages, in display order."""
        return [self.space.packages[path] for path in self.paths]

    def arrows(self) -> list[Arrow]:
        """Return the arrows between the packages, by source and target in display order."""
        asked: dict[tuple[str, str], dict[str, set[str]]] = {}
        for edge in self.edges:
            origins = asked.setdefault((edge.source.owner, edge.target.owner), {})
            extras = origins.setdefault(_origin(self.space, edge), set())
            # What is generated may be from all extras.
            if edge.target.scope != RUNTIME and edge.kind == DEPENDENCY:
                extras.add(edge.target.scope.partition(":")[2])
        place = {path: number for number, path in enumerate(self.paths)}
        found = []
        for source, target in sorted(asked, key=lambda pair: (place[pair[0]], place[pair[1]])):
            same: dict[tuple[str, ...], list[str]] = {}
            for origin, extras in asked[source, target].items():
                same.setdefault(tuple(sorted(extras)), []).append(origin)
            found += [Arrow(source, target, extras, tuple(same[extras])) for extras in same]
        return found


def view(
    space: Workspace,
    focus: str = "",
    base: str | None = None,
    affected: Mapping[str, Chain] | None = None,
) -> View:
    """Return the graph; with `focus`, a package with what it needs and what needs it, transitively.

    Args:
        space: the repository.
        focus: the path of a package.
        base: what changes are counted from.
        affected: the shortest reason for each affected package, by its path.
    """
    known = [*scopes.edges(space)]
    paths = {*space.packages}
    if focus:
        needs, needed_by = scopes.adjacent(known)
        down = scopes.reached([Node(focus, CHECKS)], needs)
        up = scopes.reached(scopes.scopes_of(space.packages[focus]), needed_by)
        known = [edge for edge in known if edge.source in down or edge.target in up]
        paths = {focus, *(node.owner for node in (*down, *up) if node.is_package)}
    # Several lists of a manifest may need the same.
    drawn = tuple(
        edge
        for edge in dict.fromkeys(known)
        if edge.kind != INCLUDED
        and edge.target.is_package
        and edge.source.owner != edge.target.owner
    )
    shown = tuple(path for path in space.packages if path in paths)
    marked = {path: reason for path, reason in (affected or {}).items() if path in paths}
    return View(space, shown, drawn, focus, base, marked)


def named(space: Workspace, cycles: Sequence[Sequence[str]]) -> list[str]:
    """Return the packages of each cycle in words, with `peer` and `generated` where one is that."""
    edges = [one for one in scopes.edges(space) if one.kind in (PEER, GENERATED)] if cycles else []
    kinds = {(one.source.owner, one.target.owner): one.kind for one in edges}
    found = []
    for cycle in cycles:
        texts = [cycle[0]]
        for name, other in pairwise(cycle):
            kind = kinds.get((owner(name), owner(other)))
            texts.append(f"{other} ({kind})" if kind else other)
        found.append(" needs ".join(texts))
    return found


def _origin(space: Workspace, edge: Edge) -> str:
    """Return where an edge is declared, in words."""
    if edge.kind in (PEER, GENERATED, SERVES):
        return edge.kind
    kind, _, name = edge.source.scope.partition(":")
    if kind == "group" and space.packages[edge.source.owner].is_javascript:
        return name
    return f"{kind} {name}".rstrip()
