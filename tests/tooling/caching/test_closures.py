"""Closures are those that a walk finds, with cycles as well."""

from hypothesis import given
from hypothesis import strategies as st

from monorepo.caching.closures import Closures

NODES = [f"{number:02}" for number in range(12)]
GRAPHS = st.dictionaries(
    st.sampled_from(NODES), st.lists(st.sampled_from(NODES), max_size=4), max_size=12
)


def walked(needs: dict[str, list[str]], start: str) -> set[str]:
    """Return what a walk through the graph finds."""
    found, todo = set[str](), [start]
    while todo:
        if (node := todo.pop()) not in found:
            found.add(node)
            todo += needs.get(node, [])
    return found


@given(needs=GRAPHS, starts=st.sets(st.sampled_from(NODES)))
def test_closures_are_those_of_a_walk(needs: dict[str, list[str]], starts: set[str]) -> None:
    closures = Closures(NODES, needs)
    wanted = sorted({node for start in starts for node in walked(needs, start)})
    assert closures.nodes(closures.of(starts)) == wanted
    assert closures.nodes(closures.only(starts)) == sorted(starts)


def test_long_chains_and_wide_circles_are_no_trouble() -> None:
    nodes = list(range(5_000))
    chain = Closures(nodes, {number: [number + 1] for number in nodes[:-1]})
    assert len(chain.nodes(chain.of([0]))) == 5_000
    circle = Closures(nodes, {number: [(number + 1) % 5_000] for number in nodes})
    assert circle.nodes(circle.of([17])) == nodes
