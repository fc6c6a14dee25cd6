"""Who needs whom, in words, for programs and as a picture."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.graph import packages as graph

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


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


def test_the_graph_in_words_and_as_a_picture(
    four: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--root", str(four), "graph"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "shared/py/audio",
        "  -> shared/py/core",
        "shared/py/core",
    ]
    assert cli.main(["--root", str(four), "graph", "--format", "mermaid"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["flowchart LR", '    p0["shared/py/audio"]']
    assert lines[-3:] == ["    p0 --> p1", "    p3 --> p0", "    p3 --> p1"]


def test_nothing_is_shown_of_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["list"], ["list", "--format", "json"], ["graph", "--format", "mermaid"]):
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
    assert cli.main(["--root", str(four), "graph"]) == 0
    shown = "shared/js/core\n  -> services/py/api (generated)\n  -> shared/py/core (generated)\n"
    assert shown in capsys.readouterr().out
    assert cli.main(["--root", str(four), "graph", "--format", "mermaid"]) == 0
    assert "    p2 -.-> p3\n    p2 -.-> p1\n" in capsys.readouterr().out
    assert cli.main(["--root", str(four), "list", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["packages"]
    assert told[2]["generated_from"] == ["services/py/api", "shared/py/core"]
