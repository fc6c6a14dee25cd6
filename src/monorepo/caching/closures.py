"""What each node of a graph reaches: for thousands of nodes, as numbers whose bits are nodes."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

_N = TypeVar("_N", bound=Hashable)


class Closures(Generic[_N]):
    """The closures of the nodes of a graph, which may have cycles; a set of nodes is a number."""

    def __init__(self, nodes: Sequence[_N], needs: Mapping[_N, Iterable[_N]]) -> None:
        """Compute all closures.

        Args:
            nodes: all nodes, in the order that sets of them have.
            needs: what a node leads to directly.
        """
        self._nodes = nodes
        self._bits = {node: 1 << number for number, node in enumerate(nodes)}
        self._reached = dict(self._bits)
        order = self._order(needs)
        changed = True
        # Once for a graph without cycles, and once to see that.
        while changed:
            changed = False
            for node in order:
                found = before = self._reached[node]
                for other in needs[node]:
                    found |= self._reached[other]
                if found != before:
                    self._reached[node] = found
                    changed = True

    def _order(self, needs: Mapping[_N, Iterable[_N]]) -> list[_N]:
        """Return the nodes that lead anywhere, each after what it leads to, but for cycles."""
        order: list[_N] = []
        seen: set[_N] = set()
        for first in needs:
            todo = [] if first in seen else [(first, iter(needs[first]))]
            seen.add(first)
            while todo:
                node, rest = todo[-1]
                for other in rest:
                    if other in needs and other not in seen:
                        seen.add(other)
                        todo.append((other, iter(needs[other])))
                        break
                else:
                    order.append(node)
                    todo.pop()
        return order

    def only(self, nodes: Iterable[_N]) -> int:
        """Return a set of nodes."""
        found = 0
        for node in nodes:
            found |= self._bits[node]
        return found

    def of(self, nodes: Iterable[_N]) -> int:
        """Return the set of nodes and of all that they reach."""
        found = 0
        for node in nodes:
            found |= self._reached[node]
        return found

    def nodes(self, found: int) -> list[_N]:
        """Return the nodes of a set, in order."""
        bits = f"{found:b}"[::-1]
        nodes, at = [], bits.find("1")
        while at >= 0:
            nodes.append(self._nodes[at])
            at = bits.find("1", at + 1)
        return nodes
