"""What a module needs beyond the base of its package follows from its imports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.dependencies import extras_graph
from monorepo.dependencies.extras_graph import Demand, Demands
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
A, B = "shared/py/a", "shared/py/b"
SRC = f"{A}/src/tiny_a"
HTTPX = Demand("httpx", ("httpx",))


def demands(root: Path) -> Demands:
    """Return the graph of the repository as it is now."""
    return extras_graph.of(Sources(workspace.load(root)))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"web": "import httpx"}, {HTTPX}),
        ({"web": "from tiny_a import deep", "deep": "import httpx"}, {HTTPX}),
        ({"web": "import base"}, set()),
        ({"web": "def f():\n    import httpx"}, set()),
        ({"web": "try:\n    import httpx\nexcept ImportError:\n    httpx = None"}, set()),
        ({"web": "if TYPE_CHECKING:\n    import httpx"}, set()),
        ({"web": "import json, unknown"}, set()),
        ({"web": "import tiny_a.other", "other": "import tiny_a.web, httpx"}, {HTTPX}),
    ],
)
def test_demands(
    root: Path, package: MakePackage, write: Write, files: dict[str, str], expected: set[Demand]
) -> None:
    package(A, "base", web=["httpx"])
    write({f"{SRC}/{name}.py": f"{text}\n" for name, text in files.items()})
    graph = demands(root)
    assert graph.of(graph.space.packages[A], "tiny_a.web") == expected
    assert graph.of(graph.space.packages[A], "tiny_a") == set()


def test_a_dependent_has_to_request_the_extra(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, web=["httpx"])
    package(B, "tiny-a")
    write({f"{SRC}/web.py": "import httpx\n"})
    graph = demands(root)
    web = Demand("tiny_a.web", ("tiny-a",))
    assert not graph.met(web, {"tiny-a": set()})
    assert graph.lacking("tiny-a", "tiny_a.web", {"tiny-a": set()}) == [HTTPX]
    assert graph.met(web, {"tiny-a": {"web"}})
    # Requested directly, it is there as well.
    assert graph.met(web, {"tiny-a": set(), "httpx": set()})
    assert graph.met(Demand("tiny_a", ("tiny-a",)), {"tiny-a": set()})


def test_extras_that_are_open(root: Path, package: MakePackage, write: Write) -> None:
    package(A, web=["httpx"], db=["psycopg"])
    write({f"{SRC}/web.py": "import httpx\n"})
    graph = demands(root)
    assert graph.open("tiny-a", "tiny_a.web", {"db"}) == {HTTPX}
    assert graph.open("tiny-a", "tiny_a.web", {"web"}) == set()
    assert graph.open("unknown", "unknown", ()) == set()


def test_the_top_has_the_name_of_the_distribution(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A)
    graph = demands(root)
    assert graph.tops(graph.space.packages[A]) == {"tiny_a"}
    write({f"{A}/src/other/__init__.py": "", f"{A}/src/tiny_a/x.py": ""})
    graph = demands(root)
    assert graph.tops(graph.space.packages[A]) == {"tiny_a"}


def test_one_graph_for_all_rules_of_a_run(root: Path, package: MakePackage) -> None:
    package(A)
    first, second = (Sources(workspace.load(root)) for _ in range(2))
    graph = extras_graph.of(first)
    assert extras_graph.of(second) is not graph
    assert extras_graph.of(first) is graph
    assert graph.known is extras_graph.of(first).known
