"""The graph as a tree, as JSON, and in the languages that draw it."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo import cli
from monorepo.core import workspace
from monorepo.core.workspace import Package, Workspace
from monorepo.graph import packages as graph
from monorepo.graph import rendering
from monorepo.graph.view import named, view

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Show = Callable[..., list[str]]
GENERATE = {"x": {"command": ["x"], "inputs": ["services/py/api"], "outputs": ["out"]}}


@pytest.fixture
def many(root: Path, package: MakePackage, write: Write) -> Path:
    """Have packages that need each other in all ways that there are."""
    package("shared/py/core", "left", lite=[], full=["right"])
    package("shared/py/audio", "tiny-core", cut=["tiny-core[lite]"])
    package("shared/py/testing", "tiny-core")
    package("services/py/api", "tiny-audio[cut]", "tiny-core")
    more = {
        "shared/py/audio": '[dependency-groups]\ntest = ["tiny-testing"]\n',
        "services/py/api": '[tool.monorepo]\nserves = ["apps/js/page"]\n',
    }
    for path, text in more.items():
        manifest = root / path / "pyproject.toml"
        manifest.write_text(manifest.read_text(encoding="utf-8") + text, encoding="utf-8")
    client = {"name": "@tiny/client", "monorepo": {"generate": GENERATE}}
    page = {
        "name": "@tiny/app-page",
        "dependencies": {"@tiny/client": "workspace:*"},
        "peerDependencies": {"@tiny/ui": "^1"},
        "devDependencies": {"@tiny/ui": "workspace:*"},
    }
    files = {"shared/js/client": client, "shared/js/ui": {"name": "@tiny/ui"}, "apps/js/page": page}
    write({f"{path}/package.json": json.dumps(text) for path, text in files.items()})
    return root


@pytest.fixture
def show(many: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    def show(*words: str) -> list[str]:
        assert cli.main(["--root", str(many), "graph", *words]) == 0
        return capsys.readouterr().out.splitlines()

    return show


def test_a_tree_says_where_each_arrow_is_declared(show: Show) -> None:
    assert show() == [
        "services/py/api",
        "├── shared/py/audio[cut]",
        "│   ├── shared/py/core",
        "│   ├── shared/py/core[lite] (extra cut)",
        "│   └── shared/py/testing (group test)",
        "│       └── shared/py/core",
        "├── shared/py/core",
        "└── apps/js/page (serves)",
        "    ├── shared/js/client",
        "    │   └── services/py/api (generated) (*)",
        "    └── shared/js/ui (peer, dev)",
        "",
        "(*) see above",
    ]


def test_the_focus_is_on_what_a_package_needs_and_what_needs_it(show: Show) -> None:
    assert show("--focus", "tiny-testing") == [
        "shared/py/testing needs",
        "└── shared/py/core",
        "",
        "shared/py/testing is needed by",
        "└── shared/py/audio (group test)",
    ]
    assert show("--focus=shared/js/ui") == [
        "shared/js/ui needs no package",
        "",
        "shared/js/ui is needed by",
        "└── apps/js/page (peer, dev)",
        "    └── services/py/api (serves)",
    ]
    # Who needs an extra of it, says so.
    assert "└── services/py/api ([cut])" in show("--focus=shared/py/audio")


def test_the_focus_follows_extras_that_are_requested_alone(
    root: Path, package: MakePackage
) -> None:
    package("shared/py/a")
    package("shared/py/b", all=["tiny-a"], lite=[])
    package("shared/py/c", "tiny-b[lite]")
    package("shared/py/d", "tiny-b[all]")
    space = workspace.load(root)
    assert view(space, "shared/py/a").paths == ("shared/py/a", "shared/py/b", "shared/py/d")
    assert view(space, "shared/py/c").paths == ("shared/py/b", "shared/py/c")


def test_programs_get_the_scopes_of_both_ends(show: Show) -> None:
    told = json.loads("\n".join(show("--format=json")))
    assert [node["path"] for node in told["nodes"]][:2] == ["shared/py/audio", "shared/py/core"]
    assert told["nodes"][0] == {
        "path": "shared/py/audio",
        "kind": "shared",
        "language": "py",
        "name": "tiny-audio",
        "import": "tiny_audio",
        "version": "1.0",
        "extras": ["cut"],
        "groups": ["test"],
    }
    edges = {tuple(edge.values()) for edge in told["edges"]}
    assert len(edges) == len(told["edges"])
    assert edges >= {
        ("shared/py/audio", "extra:cut", "shared/py/core", "extra:lite", "dependency"),
        ("shared/py/audio", "group:test", "shared/py/testing", "runtime", "dependency"),
        ("services/py/api", "checks", "apps/js/page", "runtime", "serves"),
        ("shared/js/client", "runtime", "services/py/api", "runtime", "generated"),
        ("apps/js/page", "runtime", "shared/js/ui", "runtime", "peer"),
        ("apps/js/page", "group:dev", "shared/js/ui", "runtime", "dependency"),
    }
    assert told["schema_version"] == 1
    assert [told[key] for key in ("focus", "affected", "problems")] == [None, None, []]


def test_it_is_drawn_with_what_no_consumer_gets_dashed(show: Show) -> None:
    lines = show("--format", "mermaid")
    assert lines[:2] == ["flowchart LR", '    p0["shared/py/audio"]']
    assert lines[-10:] == [
        "    p0 --> p1",
        '    p0 -->|"[lite] extra cut"| p1',
        '    p0 -.->|"group test"| p2',
        "    p2 --> p1",
        '    p3 -.->|"generated"| p5',
        '    p5 -->|"[cut]"| p0',
        "    p5 --> p1",
        '    p5 -.->|"serves"| p6',
        "    p6 --> p3",
        '    p6 -->|"peer, dev"| p4',
    ]
    dot = show("--format", "dot")
    assert (dot[0], dot[-1]) == ("digraph packages {", "}")
    assert '    label="services/py"' in dot
    assert '    "services/py/api" [shape=box3d, fillcolor="#dbeafe"]' in dot
    dashed = '  "shared/py/audio" -> "shared/py/testing" [label="group test", style=dashed]'
    assert dashed in dot


def test_what_a_change_affects_is_marked(many: Path) -> None:
    chains = {
        "shared/py/testing": ("shared/py/testing", "shared/py/testing/src/x.py"),
        "shared/py/audio": ("shared/py/audio", "shared/py/testing", "shared/py/testing/src/x.py"),
    }
    space = workspace.load(many)
    shown = view(space, "shared/py/testing", "main", chains)
    assert rendering.as_text(shown).splitlines() == [
        "shared/py/testing needs  <- affected",
        "└── shared/py/core",
        "",
        "shared/py/testing is needed by  <- affected",
        "└── shared/py/audio (group test)  <- affected",
    ]
    assert rendering.as_mermaid(shown).splitlines()[-2:] == [
        "    classDef affected stroke:#c2410c,stroke-width:3px",
        "    class p0,p2 affected",
    ]
    marked = '    "shared/py/audio" [shape=box, fillcolor="#dbeafe", color="#c2410c", penwidth=3]'
    assert marked in rendering.as_dot(shown).splitlines()
    assert json.loads(rendering.as_json(shown))["affected"] == {
        "base": "main",
        "packages": {path: [*chain] for path, chain in chains.items()},
    }
    # Of what is not drawn, nothing is told.
    other = view(space, "shared/js/ui", "main", chains)
    assert json.loads(rendering.as_json(other))["affected"] == {"base": "main", "packages": {}}


def test_changes_since_a_commit_are_marked(
    many: Path, save: Callable[[], str], show: Show, capsys: pytest.CaptureFixture[str]
) -> None:
    save()
    (many / "shared/py/testing/src/tiny_testing/__init__.py").write_text("x = 1\n", "utf-8")
    marked = [line.rpartition("─ ")[2] for line in show("--affected=HEAD") if "<-" in line]
    # A dependency group is of no consumer.
    assert marked == [
        "shared/py/audio[cut]  <- affected",
        "shared/py/testing (group test)  <- affected",
    ]
    assert cli.main(["--root", str(many), "graph", "--affected=-x"]) == 2
    assert "BASE=-x: is not a commit here" in capsys.readouterr().err


FORMATS = ("text", "json", "mermaid", "dot", "html")


@pytest.mark.parametrize("style", FORMATS)
def test_a_broken_manifest_leaves_the_rest_to_be_drawn(
    many: Path, write: Write, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    write({"shared/py/core/pyproject.toml": "[project"})
    assert cli.main(["--root", str(many), "graph", "--format", style]) == 2
    printed = capsys.readouterr()
    assert "shared/py/testing" in printed.out
    assert "monorepo: shared/py/core/pyproject.toml:1: " in printed.err
    assert "shared/py/audio/pyproject.toml: needs shared/py/core, whose manifest" in printed.err


@pytest.mark.parametrize("style", FORMATS)
def test_nothing_is_drawn_of_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], style: str
) -> None:
    assert cli.main(["--root", str(root), "graph", "--format", style]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--format=svg"],
            "FORMAT: 'svg' is not a format of the graph; write one of text, json, mermaid, dot, "
            "html",
        ),
        (["--focus=shared/py/no"], "shared/py/no: is not a package here; `make list` shows them"),
        (
            ["--focus=shared/py/core shared/js/ui"],
            "FOCUS: names 2 packages; name one, such as shared/py/core",
        ),
        (["--output=no/x"], "OUT: no is no folder; make it first"),
    ],
)
def test_wrong_use_is_told(
    many: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.main(["--root", str(many), "graph", *words]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"monorepo: {message}\n"
    assert printed.out == ""


def test_a_broken_package_cannot_be_the_focus(
    many: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"shared/py/core/pyproject.toml": "[project"})
    assert cli.main(["--root", str(many), "graph", "--focus=shared/py/core"]) == 2
    assert capsys.readouterr().out == ""


def test_it_is_written_into_a_file_whole_or_not_at_all(
    show: Show, tmp_path: Path, capsys: pytest.CaptureFixture[str], many: Path
) -> None:
    file = tmp_path / "graph.txt"
    assert show(f"--output={file}") == [f"wrote {file}"]
    assert file.read_text(encoding="utf-8").splitlines() == show()
    assert cli.main(["--root", str(many), "graph", f"--output={tmp_path}"]) == 2
    assert capsys.readouterr().out == ""
    assert not [*tmp_path.parent.glob(".*.draft")]


def test_make_hands_its_variables_on(
    show: Show, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variables = {"FORMAT": "mermaid", "FOCUS": "shared/js/ui", "OUT": str(tmp_path / "x.md")}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert show() == [f"wrote {tmp_path / 'x.md'}"]
    assert '["shared/js/ui"]' in (tmp_path / "x.md").read_text(encoding="utf-8")


def test_a_cycle_is_named_with_what_is_asked_for(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/a", "tiny-b", lite=["tiny-c"])
    package("shared/py/b")
    package("shared/py/c", "tiny-a[lite]")
    page = {"name": "@tiny/ui", "peerDependencies": {"@tiny/x": "*"}}
    write({"shared/js/ui/package.json": json.dumps(page)})
    write({"shared/js/x/package.json": '{"name": "@tiny/x", "dependencies": {"@tiny/ui": "*"}}'})
    space = workspace.load(root)
    assert named(space, graph.cycles(graph.consumed(space))) == [
        "shared/js/x needs shared/js/ui needs shared/js/x (peer)",
        "shared/py/c needs shared/py/a[lite] needs shared/py/c",
    ]


def _space(count: int, pairs: set[tuple[int, int]]) -> Workspace:
    """Return a repository in memory: each pair is a package and one that it needs."""
    packages = {}
    for number in range(count):
        needs = [f"tiny-p{to}" for source, to in sorted(pairs) if source == number]
        manifest = {"project": {"name": f"tiny-p{number}", "dependencies": needs}}
        path = f"shared/py/p{number}"
        packages[path] = Package(Path("/nowhere"), path, manifest)
    return Workspace(Path("/nowhere"), {"namespace": "tiny"}, packages)


COUNT = st.integers(0, 12)


@given(st.data(), COUNT)
def test_a_tree_has_each_package_and_each_arrow_once(data: st.DataObject, count: int) -> None:
    number = st.integers(0, max(count - 1, 0))
    pairs = data.draw(st.sets(st.tuples(number, number), max_size=30)) if count else set()
    pairs = {(source, target) for source, target in pairs if source != target}
    shown = view(_space(count, pairs))
    lines = rendering.as_text(shown).splitlines()
    lines = lines[:-2] if lines[-1:] == ["(*) see above"] else lines
    tops = [line for line in lines if line and line[0] not in "│├└ "]
    assert len(lines) == len(tops) + len(pairs)
    whole = [line.split()[-1] for line in lines if not line.endswith("(*)")]
    assert {*whole} == {*shown.paths}
    drawn = rendering.as_mermaid(shown).splitlines()
    assert sum("-->" in line for line in drawn) == len(pairs)
    assert len(json.loads(rendering.as_json(shown))["edges"]) == len(pairs)


def test_a_long_chain_is_no_matter() -> None:
    chain = {*pairwise(range(3_000))}
    lines = rendering.as_text(view(_space(3_000, chain))).splitlines()
    assert len(lines) == 3_000
