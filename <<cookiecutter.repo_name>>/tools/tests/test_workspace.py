"""What packages exist, and what they need of each other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Standard
from packaging.utils import canonicalize_name

from monorepo.errors import UsageError
from monorepo.workspace import Package, Workspace, load, read_package, requirement

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


def test_packages_are_discovered_in_order(root: Path, package: MakePackage, write: Write) -> None:
    for path in ("services/py/api", "shared/py/b", "shared/py/a"):
        package(path)
    write({"shared/js/a/package.json": '{"name": "@tiny/a", "monorepo": {"port": 1}}'})
    write({"shared/py/not-one/README.md": "", "misc/py/x/pyproject.toml": ""})
    space = load(root)
    assert list(space.packages) == ["shared/py/a", "shared/py/b", "shared/js/a", "services/py/api"]
    assert space.tools.name == "monorepo-tools"
    node, api = space.packages["shared/js/a"], space.packages["services/py/api"]
    assert (node.language, node.is_service, node.name, node.settings["port"]) == (
        *("js", False, "@tiny/a"),
        1,
    )
    assert (api.language, api.is_service, api.name) == ("py", True, "tiny-svc-api")
    assert api.folder == root / "services/py/api"


def test_a_repository_without_packages_is_fine(root: Path) -> None:
    space = load(root)
    assert not space.packages
    assert not space.has_javascript
    assert space.closure({}) == {}


def test_javascript_shows_in_the_root(javascript: Path) -> None:
    assert load(javascript).has_javascript


def test_packages_are_spoken_of_by_path_or_name(root: Path, package: MakePackage) -> None:
    package("shared/py/text")
    space = load(root)
    text = space.packages["shared/py/text"]
    words = ["shared/py/text", "shared/py/text/", "tiny-text", "Tiny_Text", "tools"]
    assert space.select(words) == [text, text, text, text, space.tools]
    with pytest.raises(UsageError) as caught:
        space.select(["shared/py/text", "text", "", "../x"])
    assert [line.partition(":")[0] for line in caught.value.mistakes] == ["text", "", "../x"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shared/py/a/pyproject.toml", "[project"),
        ("shared/py/a/pyproject.toml", "x = 1"),
        ("shared/py/a/pyproject.toml", "project = []"),
        ("shared/py/a/pyproject.toml", "[project]\nname = 1"),
        ("shared/py/a/pyproject.toml", "[project]\nname = 'a'\ndependencies = 'b'"),
        ("shared/py/a/pyproject.toml", "[project]\nname = 'a'\ndependencies = [1]"),
        ("shared/py/a/pyproject.toml", "[project]\nname = 'a'\noptional-dependencies = []"),
        ("shared/py/a/pyproject.toml", "[project]\nname = 'a'\noptional-dependencies.b = 'c'"),
        ("shared/py/a/pyproject.toml", "tool = 1\n[project]\nname = 'a'"),
        ("shared/py/a/pyproject.toml", "\ufeff"),
        ("shared/py/a/pyproject.toml", "x = " + "[" * 10_000),
        ("shared/js/a/package.json", ""),
        ("shared/js/a/package.json", "[]"),
        ("shared/js/a/package.json", "{}"),
        ("shared/js/a/package.json", '{"name": "a", "dependencies": []}'),
        ("shared/js/a/package.json", '{"name": "a", "devDependencies": {"b": 1}}'),
        ("shared/js/a/package.json", "[" * 100_000),
        ("shared/js/a/package.json", "1" * 10_000),
    ],
)
def test_a_broken_manifest_is_named(root: Path, write: Write, path: str, text: str) -> None:
    write({path: text, "shared/py/b/pyproject.toml": "["})
    with pytest.raises(UsageError) as caught:
        load(root)
    first, other = sorted(caught.value.mistakes, key=lambda mistake: "/b/" in mistake)
    assert first.startswith(f"{root / path}: ")
    assert first.endswith(("mend the file", "mend it"))
    assert "shared/py/b/pyproject.toml: cannot be read" in other


def test_a_manifest_that_is_not_text_is_named(root: Path, package: MakePackage) -> None:
    (package("shared/py/a") / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        load(root)


def test_other_folders_are_refused(root: Path, write: Write) -> None:
    with pytest.raises(UsageError, match="is not a generated monorepo"):
        load(root / "tools")
    write({"pyproject.toml": "[tool.ruff]\n"})
    with pytest.raises(UsageError, match=r"has no \[tool.monorepo\]"):
        load(root)
    write({"pyproject.toml": "[tool.monorepo]\nnamespace = 'a'\npython = 3\nlicense = 'MIT'\n"})
    with pytest.raises(UsageError) as caught:
        load(root)
    facts = [line.partition(" has no ")[2] for line in caught.value.mistakes]
    wanted = ["python", "python-env", "author-name", "author-email"]
    assert facts == [f"{fact}; restore it" for fact in wanted]


@pytest.mark.parametrize(
    ("text", "name", "extras"),
    [
        ("httpx", "httpx", ()),
        ("  Tiny_Core [ Lite , x.y ] >= 1 ; python_version > '3'", "tiny-core", ("lite", "x-y")),
        ("a[]", "a", ()),
        ("a @ https://example.org/a.whl", "a", ()),
        ("a>=1,<2", "a", ()),
    ],
)
def test_a_requirement_tells_name_and_extras(text: str, name: str, extras: tuple[str]) -> None:
    assert requirement(text) == (name, extras)


@pytest.mark.parametrize("text", ["", " ", ">=1", "-e .", "[x]", "./a", "ü"])
def test_what_has_no_name_is_no_requirement(text: str) -> None:
    with pytest.raises(UsageError, match="is not a requirement"):
        requirement(text)


@settings(max_examples=100)
@given(st.one_of(st.text(), st.text("aB1-_.[], >=;@<!~'\"()", max_size=12)))
def test_requirements_are_read_as_the_standard_says(text: str) -> None:
    try:
        read = requirement(text)
    except UsageError:
        read = None
    try:
        standard = Standard(text)
    except InvalidRequirement:
        return
    assert read is not None
    assert read.name == canonicalize_name(standard.name)
    assert set(read.extras) == {canonicalize_name(extra) for extra in standard.extras}


def test_the_closure_follows_extras(root: Path, package: MakePackage) -> None:
    package("shared/py/base", fast=["tiny-speed"])
    package("shared/py/speed")
    package("shared/py/mid", "tiny-base", "httpx>=1", all=["Tiny_Base[fast]"])
    package("services/py/api", "tiny-mid", test=["tiny-mid[all]"])
    space = load(root)
    base, mid, speed, api = "shared/py/base", "shared/py/mid", "shared/py/speed", "services/py/api"
    assert space.closure({base: ()}) == {base: set()}
    assert space.closure({api: ()}) == {api: set(), mid: set(), base: set()}
    assert space.closure({api: ["test"]}) == {
        **{api: {"test"}, mid: {"all"}},
        **{base: {"fast"}, speed: set()},
    }


def test_the_closure_ends_in_a_circle(root: Path, package: MakePackage) -> None:
    package("shared/py/a", "tiny-b")
    package("shared/py/b", "tiny-a[x]", x=["tiny-b[x]"])
    assert set(load(root).closure({"shared/py/a": ()})) == {"shared/py/a", "shared/py/b"}


def test_the_closure_of_javascript(root: Path, write: Write) -> None:
    one = '{"name": "@tiny/a", "peerDependencies": {"@tiny/b": "workspace:*", "left": "1"}}'
    write({"shared/js/a/package.json": one, "shared/js/b/package.json": '{"name": "@tiny/b"}'})
    assert set(load(root).closure({"shared/js/a": ()})) == {"shared/js/a", "shared/js/b"}


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdefxy"))), st.data())
def test_a_closure_is_closed_and_no_larger(graph: dict[str, set[str]], data: st.DataObject) -> None:
    packages = {}
    for name, needed in graph.items():
        manifest: dict[str, Any] = {"project": {"name": name, "dependencies": sorted(needed)}}
        packages[f"shared/py/{name}"] = Package(Path("/"), f"shared/py/{name}", manifest)
    space = Workspace(Path("/"), {}, packages)
    start = data.draw(st.sets(st.sampled_from(sorted(packages))) if packages else st.just(set()))
    found = {path.rpartition("/")[2] for path in space.closure(dict.fromkeys(start, ()))}
    expected = {path.rpartition("/")[2] for path in start}
    while more := {one for name in expected for one in graph[name] & set(graph)} - expected:
        expected |= more
    assert found == expected


def test_extras_and_requirements_of_a_package(root: Path, package: MakePackage) -> None:
    package("shared/py/a", "x", Some_Extra=["y", "z"])
    one = read_package(root, "shared/py/a")
    assert one.extras == {"some-extra": ["y", "z"]}
    assert list(one.requirements()) == ["x"]
    assert list(one.requirements(["some-extra", "none"])) == ["x", "y", "z"]


def test_names_that_carry_the_namespace_and_are_no_package(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/core")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})
    write({"pyproject.toml": f'{facts}external = ["Tiny_SDK", "@tiny/sdk"]\n'})
    space = load(root)
    strays = ["tiny-cor", "Tiny.Cor", "@tiny/cor", "tiny-svc-core"]
    others = ["tiny_core", "@tiny/web", "tiny-sdk", "@tiny/sdk", "tinyest", "left", "@left/tiny"]
    assert [name for name in strays + others if space.is_stray(name)] == strays
