"""Who needs whom, in words, for programs and as a picture."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo import cli
from monorepo.core import workspace
from monorepo.graph import packages as graph

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
NODES = st.sampled_from("abcdefgh")


@pytest.fixture
def four(root: Path, package: MakePackage, write: Write) -> Path:
    """Have packages in two languages, one of which needs another only for an extra."""
    package("shared/py/core", "left", lite=[], full=["tiny-core[lite]"])
    package("shared/py/audio", "left", cut=["Tiny.Core[lite]>=1"])
    package("services/py/api", "tiny-audio", "tiny-core")
    write({"shared/js/core/package.json": '{"name": "@tiny/core", "version": "2.0"}'})
    return root


def test_an_extra_counts_and_a_package_does_not_need_itself(four: Path) -> None:
    edges = graph.graph(workspace.load(four))
    assert edges == {
        "shared/py/audio": {"shared/py/core"},
        "shared/py/core": set(),
        "shared/js/core": set(),
        "services/py/api": {"shared/py/audio", "shared/py/core"},
    }
    assert graph.dependents(edges, "shared/py/core") == ["services/py/api", "shared/py/audio"]
    assert graph.dependents(edges, "services/py/api") == []


def test_a_circle_is_told_in_the_order_of_need() -> None:
    assert graph.cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    edges = {"x": {"a"}, "a": {"b"}, "b": {"c"}, "c": {"a"}}
    circle = graph.cycle(edges)
    assert circle[0] == circle[-1]
    assert sorted(circle[1:]) == ["a", "b", "c"]
    assert all(needed in edges[one] for one, needed in pairwise(circle))


def test_each_edge_that_closes_a_cycle_is_told_with_the_shortest_way_back() -> None:
    edges = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}, "e": {"a"}}
    assert graph.components(edges) == [["a", "b"], ["c", "d"]]
    assert graph.cycles(edges) == [["b", "a", "b"], ["d", "c", "d"]]
    # Five pairs among seven packages, all in one component.
    pairs = ("ab", "bc", "cd", "de", "fg")
    knot = {one: {x for pair in pairs if one in pair for x in pair} - {one} for one in "abcdefg"}
    knot["e"].add("f")
    knot["g"].add("a")
    assert graph.components(knot) == [[*"abcdefg"]]
    assert [f"{one[0]}{one[1]}" for one in graph.cycles(knot)] == [
        "ba",
        "cb",
        "dc",
        "ed",
        "ga",
        "gf",
    ]
    assert graph.cycles(knot)[4] == [*"gabcdefg"]
    assert graph.cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == [[*"cabc"]]


@given(st.dictionaries(NODES, st.sets(NODES), max_size=8))
def test_components_are_those_that_reach_each_other(edges: dict[str, set[str]]) -> None:
    edges = {one: edges.get(one, set()) - {one} for one in "abcdefgh"}
    reach = {one: {*needed} for one, needed in edges.items()}
    for _ in edges:
        reach = {one: found.union(*(reach[x] for x in found)) for one, found in reach.items()}
    sets = {tuple(x for x in "abcdefgh" if x in reach[one] and one in reach[x]) for one in reach}
    assert {tuple(one) for one in graph.components(edges)} == {one for one in sets if one}
    found = graph.cycles(edges)
    assert all(one[0] == one[-1] for one in found)
    assert all(needed in edges[one] for way in found for one, needed in pairwise(way))
    # Without one of these edges, the others are told as before; without all, there is no cycle.
    for number, (first, second, *_) in enumerate(found):
        edges[first] -= {second}
        told = [one[:2] for one in graph.cycles(edges)]
        assert told == [one[:2] for one in found[number + 1 :]]
    assert graph.components(edges) == []


GROUP = '[dependency-groups]\ntest = ["tiny-audio"]\n'


def test_what_only_tests_need_may_point_back(four: Path, write: Write) -> None:
    file = "shared/py/core/pyproject.toml"
    text = (four / file).read_text(encoding="utf-8")
    write({file: text + GROUP})
    dev = {"name": "@tiny/core", "devDependencies": {"@tiny/web": "workspace:*"}}
    web = {"name": "@tiny/web", "dependencies": {"@tiny/core": "workspace:*"}}
    write({"shared/js/core/package.json": json.dumps(dev)})
    write({"shared/js/web/package.json": json.dumps(web)})
    space = workspace.load(four)
    assert graph.cycle(graph.graph(space)) != []
    assert graph.cycle(graph.consumed(space)) == []
    # What is needed for tests is needed.
    assert graph.dependents(graph.graph(space), "shared/py/audio") == [
        *("services/py/api", "shared/py/core")
    ]


@pytest.mark.parametrize(
    ("group", "circular"),
    [("dependencies", True), ("peerDependencies", True), ("devDependencies", False)],
)
def test_what_consumers_get_may_form_no_circle(
    four: Path, write: Write, group: str, circular: bool
) -> None:
    core = {"name": "@tiny/core", group: {"@tiny/web": "workspace:*"}}
    web = {"name": "@tiny/web", "dependencies": {"@tiny/core": "workspace:*"}}
    write({"shared/js/core/package.json": json.dumps(core)})
    write({"shared/js/web/package.json": json.dumps(web)})
    assert bool(graph.cycle(graph.consumed(workspace.load(four)))) == circular


@pytest.mark.parametrize(
    ("core", "asked", "circle"),
    [
        ({"full": ["tiny-audio"]}, "tiny-core", []),
        ({"full": ["tiny-audio"]}, "tiny-core[lite]", []),
        ({"full": ["tiny-audio"]}, "tiny-core[full]", ["core[full]", "audio", "core[full]"]),
        # What an extra includes counts as its own.
        (
            {"all": ["tiny-core[full]"], "full": ["tiny-audio"]},
            "tiny-core[All]",
            ["core[all]", "audio", "core[all]"],
        ),
        ({"all": ["tiny-core[full]"], "full": ["tiny-core[all]"]}, "tiny-core[all]", []),
    ],
)
def test_an_extra_is_in_a_circle_if_it_needs_itself(
    four: Path, package: MakePackage, core: dict[str, list[str]], asked: str, circle: list[str]
) -> None:
    package("shared/py/core", "left", lite=[], **core)
    package("shared/py/audio", asked)
    found = graph.cycle(graph.consumed(workspace.load(four)))
    assert [name.removeprefix("shared/py/") for name in found] == circle


def test_a_frontend_that_a_service_serves_is_no_circle_with_the_client_of_that_service(
    four: Path, write: Write
) -> None:
    generate = {"x": {"command": ["x"], "inputs": ["services/py/api"], "outputs": ["out"]}}
    client = {"name": "@tiny/client", "monorepo": {"generate": generate}}
    page = {"name": "@tiny/app-page", "dependencies": {"@tiny/client": "workspace:*"}}
    write({"shared/js/client/package.json": json.dumps(client)})
    write({"apps/js/page/package.json": json.dumps(page)})
    file = "services/py/api/pyproject.toml"
    text = (four / file).read_text(encoding="utf-8")
    write({file: f'{text}\n[tool.monorepo]\nserves = ["apps/js/page", "apps/js/gone"]\n'})
    space = workspace.load(four)
    assert graph.cycle(graph.consumed(space)) == []
    assert graph.dependents(graph.graph(space), "apps/js/page") == ["services/py/api"]


def test_packages_as_a_table(four: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(four), "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "path             name          version  needs",
        "shared/py/audio  tiny-audio    1.0      shared/py/core",
        "shared/py/core   tiny-core     1.0      -",
        "shared/js/core   @tiny/core    2.0      -",
        "services/py/api  tiny-svc-api  1.0      shared/py/audio, shared/py/core",
    ]


def test_packages_as_json(four: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(four), "list", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema_version"] == 1
    assert told["packages"][-1] == {
        "path": "services/py/api",
        "kind": "services-py",
        "name": "tiny-svc-api",
        "import": "tiny_svc_api",
        "version": "1.0",
        "port": None,
        "needs": ["shared/py/audio", "shared/py/core"],
        "generated_from": [],
    }
    assert told["packages"][2]["import"] == "@tiny/core"


def test_nothing_is_shown_of_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["list"], ["list", "--format", "json"]):
        assert cli.main(["--root", str(root), *words]) == 0
    assert '"packages": []' in capsys.readouterr().out


def test_what_is_generated_depends_on_its_inputs_in_any_language(
    four: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = ["services/py/api", "../../py/core/data/*.json", "own/*.json", "services/py/gone"]
    entry = {"command": ["x"], "inputs": inputs, "outputs": ["out"]}
    manifest = {"name": "@tiny/core", "version": "2.0", "monorepo": {"generate": {"x": entry}}}
    write({"shared/js/core/package.json": json.dumps(manifest)})
    space = workspace.load(four)
    assert graph.dependents(graph.graph(space), "services/py/api") == ["shared/js/core"]
    assert graph.needs(space, space.packages["shared/js/core"]) == set()
    assert graph.lost_inputs(space, space.packages["shared/js/core"]) == ["services/py/gone"]
    assert cli.main(["--root", str(four), "list", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["packages"]
    assert told[2]["generated_from"] == ["services/py/api", "shared/py/core"]
