"""What packages exist, and what they need of each other."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Standard
from packaging.utils import canonicalize_name

from monorepo.core.workspace import (
    Package,
    Workspace,
    dependency_groups,
    load,
    load_whole,
    read_package,
    requirement,
)
from monorepo.system.errors import UsageError
from tests.examples import times

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]


def test_packages_are_discovered_in_order(root: Path, package: MakePackage, write: Write) -> None:
    for path in ("services/py/api", "shared/py/b", "shared/py/a"):
        package(path)
    write({"shared/js/a/package.json": '{"name": "@tiny/a", "monorepo": {"port": 1}}'})
    write({"shared/py/not-one/README.md": "", "misc/py/x/pyproject.toml": ""})
    space = load(root)
    assert list(space.packages) == ["shared/py/a", "shared/py/b", "shared/js/a", "services/py/api"]
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
    words = ["shared/py/text", "shared/py/text/", "tiny-text", "Tiny_Text"]
    assert [space.select([word]) for word in words] == [[text]] * len(words)
    assert space.select(words) == [text], "each once"
    with pytest.raises(UsageError) as caught:
        space.select(["shared/py/text", "text", "", "../x"])
    assert [line.partition(":")[0] for line in caught.value.mistakes] == ["text", "", "../x"]


P, J = "shared/py/a/pyproject.toml", "shared/js/a/package.json"
NAMED = '[project]\nname = "a"\n'
GROUPS = "[dependency-groups]\n"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (P, "", ":1: has no [project] table; "),
        (P, "[project", ":1: is not TOML (Expected ']' at the end of a table declaration); "),
        (P, "x = 1\nx = 2\n", ":2: is not TOML (Cannot overwrite a value); "),
        (P, "project = []", ":1: has no [project] table; "),
        (P, "[project]\n<<<<<<< HEAD\nname = 'a'", ":2: has a conflict marker of git; resolve "),
        (P, "[project]\n\nname = 1", ":3: name is not a name of letters, digits, "),
        (P, "[project]\nname = ''", ":2: name is not a name of letters, digits, "),
        (P, f"{NAMED}version = 1.0", ":3: version is not a version such as 0.1.0; "),
        (P, f"{NAMED}version = 'new'", ":3: version is not a version such as 0.1.0; "),
        (P, f"{NAMED}requires-python = 3", ":3: requires-python is not a range of versions "),
        (P, f"{NAMED}requires-python = 'new'", ":3: requires-python is not a range of versions "),
        (P, f"{NAMED}dynamic = 1", ":3: dynamic is not a list of strings; "),
        (P, f"{NAMED}entry-points = {{a = 1}}", ":3: entry-points is not a table of tables of "),
        (P, f"{NAMED}dependencies = 'b'", ":3: dependencies is not a list of requirements; "),
        (P, f"{NAMED}dependencies = [1]", ":3: dependencies is not a list of requirements; "),
        (P, f"{NAMED}dependencies = [\n'b',\n'c=>1']", ":5: 'c=>1' is not a requirement; write "),
        (P, f"{NAMED}optional-dependencies = []", ":3: optional-dependencies is not a table of "),
        (P, f"{NAMED}optional-dependencies.b = 'c'", ":3: the extra 'b' is not a list of "),
        (
            P,
            f"{NAMED}[project.optional-dependencies]\nx = []\nb.c = ['d']",
            ":5: the extra 'b' is a table, not a list of requirements; "
            'quote a name with a dot: "b.c" = […]',
        ),
        (P, f"dependency-groups = []\n{NAMED}", ":1: dependency-groups is not a table; "),
        (P, f"{NAMED}{GROUPS}test = 'b'", ":4: the group 'test' is not a list of requirements; "),
        (P, f"{NAMED}{GROUPS}test = [1]", ":4: the group 'test' is not a list of requirements; "),
        (P, f"{NAMED}{GROUPS}b = [{{x = 'c'}}]", ":4: the group 'b' is not a list of "),
        (P, f"{NAMED}{GROUPS}b = [{{include-group = 1}}]", ":4: the group 'b' is not a list of "),
        (P, f"{NAMED}{GROUPS}b = [\n'c',\n'd=>1']", ":6: 'd=>1' is not a requirement; write "),
        (
            P,
            f"{NAMED}{GROUPS}test.unit = ['b']",
            ":4: the group 'test' is a table, not a list of requirements; "
            'quote a name with a dot: "test.unit" = […]',
        ),
        (P, f"{NAMED}{GROUPS}'b c' = []", ":4: the group 'b c' is not a valid name; "),
        (P, f"{NAMED}{GROUPS}b_c = []\nB-c = []", ":5: the groups b_c and B-c normalize to the "),
        (
            P,
            f"{NAMED}{GROUPS}b = []\nc = ['d', {{include-group = 'e'}}]",
            ":5: the group 'c' includes 'e', which does not exist; correct the name, or remove it",
        ),
        (
            P,
            f"{NAMED}{GROUPS}b = [{{include-group = 'b'}}]",
            ":4: the group 'b' includes itself through 'b'; remove one of the includes",
        ),
        (
            P,
            f"{NAMED}{GROUPS}a = [{{include-group = 'B'}}]\nb = [{{include-group = 'c'}}]\n"
            "c = [{include-group = 'b'}]",
            ":5: the group 'b' includes itself through 'c'; ",
        ),
        (
            P,
            f"{NAMED}optional-dependencies = {{'b c' = []}}",
            ":3: the extra 'b c' is not a valid ",
        ),
        (P, f"tool = 1\n{NAMED}", ":1: tool is not a table; "),
        (P, f"{NAMED}[tool]\nmonorepo = 1", ":4: tool.monorepo is not a table; "),
        (P, f"{NAMED}[tool.monorepo]\nport = 'x'", ":4: port is not a number from 1 to 65535; "),
        (P, f"{NAMED}[tool.monorepo]\nport = true", ":4: port is not a number from 1 to 65535; "),
        (
            P,
            f"{NAMED}[tool.monorepo]\nserves = 'apps/js/a'",
            ":4: serves is not a list of packages",
        ),
        (P, f"{NAMED}[tool.monorepo]\nserves = ['./a']", ":4: serves is not a list of packages; "),
        (P, f"build-system.requires = 1\n{NAMED}", ":1: requires is not a list of strings; "),
        (P, f"build-system.requires = ['-e .']\n{NAMED}", ":1: '-e .' is not a requirement; "),
        (P, "\ufeff", ":1: starts with a byte order mark; save it as UTF-8 without one"),
        (P, f"{NAMED}x = '\0'", ":3: has a null byte; "),
        (P, "x = " + "[" * 10_000, ": is nested too deeply; "),
        (P, f"{NAMED}x = {'[' * 60}{']' * 60}", ": is nested too deeply; "),
        (P, f"{NAMED}x = {'1' * 5000}", ": is not TOML (Exceeds the limit (4300 digits) for "),
        (J, "", ":1: is not JSON (Expecting value); "),
        (J, "[]", ":1: is not a JSON object; "),
        (J, "{}", ":1: has no name; "),
        (J, '{\n"name": 1}', ":2: name is not a name such as @acme/audio; "),
        (J, '{"name": "a b"}', ":1: name is not a name such as @acme/audio; "),
        (J, '{"name": "a", "dependencies": []}', ":1: dependencies is not an object of ranges; "),
        (J, '{"name": "a",\n"devDependencies": {"b": 1}}', ":2: devDependencies is not an object"),
        (J, '{"name": "a", "dependencies": {"-x": "1", "b c": "1"}}', ":1: 'b c' is not the name "),
        (J, '{"name": "a", "scripts": {"test": 1}}', ":1: scripts is not an object of strings; "),
        (J, '{"name": "a", "monorepo": {"port": 0}}', ":1: port is not a number from 1 to "),
        (J, '{"name": "a", "monorepo": {"serves": [1]}}', ":1: serves is not a list of packages"),
        (J, '{"name": "a",\n"name": "b"}', ":2: has the key 'name' twice; "),
        (J, '{"name": "a", "x": "\\ud800"}', ": has half of a surrogate pair"),
        (J, "[" * 100_000, ": is nested too deeply; "),
        (J, '{"name": "a", "x": ' + "[" * 60 + "]" * 60 + "}", ": is nested too deeply; "),
        (J, "1" * 10_000, ": is not JSON (Exceeds the limit (4300 digits) for "),
    ],
)
def test_a_broken_manifest_stops_no_other(
    root: Path, package: MakePackage, write: Write, path: str, text: str, said: str
) -> None:
    package("shared/py/b")
    write({path: text})
    space = load(root)
    assert list(space.packages) == ["shared/py/b"]
    (problem,) = space.problems
    assert str(problem).startswith(f"{path}{said}")
    assert problem.package == path.rpartition("/")[0]
    with pytest.raises(UsageError):
        space.select([problem.package])
    with pytest.raises(UsageError) as caught:
        load_whole(root)
    assert caught.value.mistakes == (str(problem),)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[project]\nname = '\xff'", ":2: is not UTF-8; save it as UTF-8"),
        ("[project]".encode("utf-16"), ":1: is UTF-16, not UTF-8; save it as UTF-8"),
    ],
)
def test_a_manifest_that_is_not_text(
    root: Path, package: MakePackage, data: bytes, said: str
) -> None:
    (package("shared/py/a") / "pyproject.toml").write_bytes(data)
    assert list(map(str, load(root).problems)) == [f"{P}{said}"]


def test_a_folder_or_nothing_in_its_place(root: Path, package: MakePackage) -> None:
    for path in ("shared/py/a", "shared/py/b"):
        (package(path) / "pyproject.toml").unlink()
    (root / P).mkdir()
    (root / "shared/py/b/pyproject.toml").symlink_to("nowhere")
    assert list(map(str, load(root).problems)) == [
        f"{P}: cannot be read (Is a directory); restore it from git",
        "shared/py/b/pyproject.toml: is missing; restore it from git",
    ]


def test_who_needs_a_broken_package_is_named(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/mid", "tiny-a")
    package("services/py/api", x=["tiny-mid"])
    package("shared/py/b")
    write({P: "["})
    space = load(root)
    assert list(map(str, space.unmet.values())) == [
        "shared/py/mid/pyproject.toml: needs shared/py/a, whose manifest is broken;"
        " see shared/py/a",
        "services/py/api/pyproject.toml: needs shared/py/mid, which is not usable;"
        " see shared/py/mid",
    ]
    packages, wrong = space.usable(["shared/py/b"])
    assert ([one.path for one in packages], wrong) == (["shared/py/b"], [])
    packages, wrong = space.usable(None)
    assert [one.path for one in packages] == ["shared/py/b"]
    assert wrong == list(map(str, [*space.problems, *space.unmet.values()]))
    assert space.usable(["Tiny_A"]) == ([], [str(space.problems[0])])
    # It may have another name than its folder tells.
    write({P: "[project]\nname = 'tiny-other'\nversion = 1\n"})
    package("shared/py/c", "tiny-other")
    assert sorted(load(root).unmet) == ["services/py/api", "shared/py/c", "shared/py/mid"]


def test_a_package_for_another_python(root: Path, package: MakePackage) -> None:
    package("services/py/api", "tiny-a")
    file = package("shared/py/a") / "pyproject.toml"
    text = file.read_text(encoding="utf-8").replace(">=3.11", ">=3.99")
    file.write_text(text, encoding="utf-8")
    space = load(root)
    assert list(space.packages) == ["shared/py/a", "services/py/api"]
    assert (space.problems, space.unmet) == ((), {})
    packages, wrong = space.usable(None)
    assert packages == []
    assert wrong[0].startswith(f"{P}: requires Python >=3.99, and .venv has 3.")
    assert wrong[1] == (
        "services/py/api/pyproject.toml: needs shared/py/a, which is not usable; see shared/py/a"
    )


@pytest.mark.parametrize("name", ["a b", "a'b", "$x", "-rf", "a\nb", "a;b", "ä", "a\udcffb"])
def test_folders_whose_names_are_none(root: Path, write: Write, name: str) -> None:
    write({f"shared/py/{name}/pyproject.toml": ""})
    space = load(root)
    assert not space.packages
    assert space.problems[0].message == "is not a valid folder name for a package"


def test_hidden_folders_are_no_packages(root: Path, package: MakePackage) -> None:
    package("shared/py/.a")
    assert (load(root).packages, load(root).problems) == ({}, ())


def test_links_out_of_the_repository(root: Path, package: MakePackage) -> None:
    outside = root.parent / "out/side"
    outside.parent.mkdir()
    package("shared/py/a").rename(outside)
    (root / "shared/py/a").symlink_to(outside)
    assert list(map(str, load(root).problems)) == [
        "shared/py/a: is a link that leads out of the repository; put the package itself there"
    ]
    (root / "shared/py/a").unlink()
    (root / "shared/py/a").mkdir()
    (root / P).symlink_to(outside / "pyproject.toml")
    assert len(load(root).problems) == 1
    (root / P).unlink()
    (root / "shared/py/a").rmdir()
    (root / "shared/py").rmdir()
    (root / "shared/py").symlink_to(outside.parent)
    assert [problem.package for problem in load(root).problems] == ["shared/py/side"]


def test_two_packages_of_one_name(root: Path, package: MakePackage) -> None:
    package("shared/py/core")
    (package("shared/py/b") / "pyproject.toml").write_text(
        "[project]\nname = 'Tiny.Core'", encoding="utf-8"
    )
    space = load(root)
    assert list(space.packages) == ["shared/py/core"]
    assert list(map(str, space.problems)) == [
        "shared/py/b/pyproject.toml: the name Tiny.Core is that of shared/py/core as well;"
        " choose another"
    ]
    assert space.unmet == {}


def test_the_programs_are_those_of_dev_and_of_the_engine(
    root: Path, write: Write, give_engine: Callable[..., None]
) -> None:
    give_engine("right>=1", "deep ; extra == 'x'")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", "dev = ['left']\ndocs = ['far']")})
    space = load(root)
    assert list(space.programs()) == [
        ("pyproject.toml: dev", "left"),
        ("tools/cookiecutter_monorepo-1.0-py3-none-any.whl", "right>=1"),
    ]


def test_the_engine_may_be_broken(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    write({"tools/requirements.txt": "left\n"})
    space = load(root)
    assert (list(space.packages), space.problems) == (["shared/py/a"], ())
    with pytest.raises(UsageError, match=r"^tools/requirements.txt: does not name a wheel"):
        list(space.programs())


def test_other_folders_are_refused(root: Path, write: Write) -> None:
    with pytest.raises(UsageError, match="is not a generated monorepo"):
        load(root / "tools")
    write({"pyproject.toml": "[tool.ruff]\n"})
    with pytest.raises(UsageError, match=r"has no \[tool.monorepo\]"):
        load(root)
    write({"pyproject.toml": "[tool.monorepo]\nnamespace = 'a b'\npython = 3\nlicense = 'MIT'\n"})
    with pytest.raises(UsageError) as caught:
        load(root)
    where = "pyproject.toml:{}: [tool.monorepo] has "
    assert caught.value.mistakes == (
        f"{where.format(2)}namespace = 'a b', which is not valid; correct it",
        f"{where.format(3)}no python; restore it",
        *(
            f"{where.format(1)}no {fact}; restore it"
            for fact in ("python-env", "author-name", "author-email")
        ),
    )


@pytest.mark.parametrize("line", ['python = "banana"', 'python-env = "none"', 'namespace = "-"'])
def test_facts_that_are_none(root: Path, line: str) -> None:
    file = root / "pyproject.toml"
    rows = file.read_text(encoding="utf-8").splitlines()
    key = line.partition(" =")[0]
    at = next(at for at, row in enumerate(rows) if row.startswith(f"{key} ="))
    rows[at] = line
    file.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(
        UsageError, match=rf"^pyproject.toml:{at + 1}: \[tool.monorepo\] has {key} ="
    ):
        load(root)
    file.unlink()
    with pytest.raises(UsageError, match=r"^pyproject.toml: is missing"):
        load(root)


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


@times(2)
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


def test_groups_count_for_what_is_wanted_itself(
    root: Path, package: MakePackage, groups: MakeGroups
) -> None:
    core, helpers, api = "shared/py/core", "shared/py/helpers", "services/py/api"
    package(core, io=["httpx"])
    package(helpers, "tiny-core", more=[])
    package(api, "tiny-core", web=[])
    # A package that helps to test another one may need it.
    groups(core, test=["Tiny_Helpers[more]>=1", "pytest>=9"], lint=["ruff"])
    groups(api, test=["tiny-svc-api[web]", "tiny-core[io]"])
    space = load(root)
    assert space.closure({core: ()}, {core: ["test"]}) == {core: set(), helpers: {"more"}}
    assert space.closure({core: ()}, {core: ["lint"]}) == {core: set()}
    assert space.closure({api: ()}) == {api: set(), core: set()}
    assert space.closure({api: ()}, {api: ["test"]}) == {api: {"web"}, core: {"io"}}
    assert space.packages[core].needs == {"httpx", "tiny-helpers", "pytest", "ruff"}


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


@pytest.mark.parametrize(
    ("table", "has_code"),
    [
        ("[tool.setuptools]\npackages = []", False),
        ("[tool.setuptools]\npackages = ['tiny_a']", True),
        ("[tool.setuptools.packages.find]\nwhere = ['src']", True),
        ("[tool]\nsetuptools = []", True),
    ],
)
def test_a_package_says_that_it_has_no_code(
    root: Path, package: MakePackage, table: str, has_code: bool
) -> None:
    with (package("shared/py/a") / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{table}\n")
    assert read_package(root, "shared/py/a").has_code is has_code


def test_groups_of_a_package(root: Path, package: MakePackage) -> None:
    file = package("shared/py/a", "x", test=["y"]) / "pyproject.toml"
    include = "{ include-group = 'Te_st' }"
    table = f"[dependency-groups]\nte-st = ['y', 'z']\n'Dev.All' = ['w', {include}, 'z', 'v']\n"
    file.write_text(f"{file.read_text(encoding='utf-8')}{table}", encoding="utf-8")
    (one,) = load(root).packages.values()
    assert one.groups == {"te-st": ["y", "z"], "dev-all": ["w", "y", "z", "v"]}
    assert list(one.requirements(["test"], ["te-st", "none"])) == ["x", "y", "y", "z"]
    assert dependency_groups({}) == {}


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


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('"six"', 'is not a table; write { name = ["setuptools"] }'),
        ('{ six = "x" }', "'six': lists no requirements; write what building it needs"),
        ("{ six = [1] }", "'six': lists no requirements"),
        ('{ six = ["x @ file:///x"] }', "'six': lists no requirements"),
        ('{ six = ["-r x"] }', "'six': lists no requirements"),
        ('{ ":all:" = [] }', "':all:': lists no requirements"),
    ],
)
def test_what_is_built_from_source(root: Path, write: Write, table: str, said: str) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    good = "{ Six_Six = ['setuptools[x] >= 77 ; python_version > \"3\"', 'x'], y = [] }"
    write({"pyproject.toml": f"{facts}build-from-source = {good}\n"})
    assert list(load(root).built_from_source) == ["six-six", "y"]
    write({"pyproject.toml": f"{facts}build-from-source = {table}\n"})
    with pytest.raises(UsageError, match=re.escape(said)):
        assert load(root).built_from_source


def flat(name: str, kind: str = "") -> dict[str, str]:
    """Return the manifest of a Python package in the flat layout, named like its folder."""
    settings = f'[tool.monorepo]\nkind = "{kind}"\n' if kind else ""
    return {f"packages/{name}/pyproject.toml": f'[project]\nname = "{name}"\n{settings}'}


def test_in_the_flat_layout_the_manifest_says_what_a_package_is(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("services/py/b")
    names = {"core-js": "@tiny/core", "svc-web": "@tiny/svc-web", "kit-js": "@tiny/kit-js"}
    for name, own in names.items():
        kind = "services" if "svc" in name else "shared"
        manifest = {"name": own, "monorepo": {"kind": kind}}
        write({f"packages/tiny-{name}/package.json": json.dumps(manifest)})
    write(flat("tiny-core", "shared") | flat("tiny-svc-a", "services") | flat("tiny-app-a", "apps"))
    space = load(root)
    assert space.problems == ()
    assert {one.path: one.grouped for one in space.packages.values()} == {
        "packages/tiny-core": "shared/py/core",
        "packages/tiny-core-js": "shared/js/core",
        "packages/tiny-kit-js": "shared/js/kit-js",
        "packages/tiny-svc-a": "services/py/a",
        "services/py/b": "services/py/b",
        "packages/tiny-svc-web": "services/js/web",
        "packages/tiny-app-a": "apps/py/a",
    }
    assert [one.short_name for one in space.packages.values() if one.is_service] == [
        *("a", "b", "web")
    ]
    web = space.by_grouped["services/js/web"]
    assert (web.is_javascript, web.is_flat, web.manifest_path) == (
        True,
        True,
        "packages/tiny-svc-web/package.json",
    )
    assert space.owner("packages/tiny-svc-web/src/main.ts") == web
    assert space.owner("packages/README.md") is None
    assert space.aliases("packages/tiny-svc-web/src/main.ts") == (
        "packages/tiny-svc-web/src/main.ts",
        "services/js/web/src/main.ts",
    )
    assert space.aliases("services/py/b/src") == ("services/py/b/src",)


def test_a_package_in_the_flat_layout_that_cannot_be_used(root: Path, write: Write) -> None:
    write(flat("tiny-a") | flat("tiny-b", "service") | flat("tiny-c", "shared"))
    write(
        {"packages/tiny-c/package.json": '{"name": "@tiny/c"}', "packages/tiny-d/package.json": "{"}
    )
    kinds = 'write kind = "shared", "services" or "apps" into [tool.monorepo]'
    problems = list(map(str, load(root).problems))
    what = "does not say of which kind this package in packages is"
    assert problems[0] == f"packages/tiny-a/pyproject.toml:1: {what}; {kinds}"
    assert problems[1] == f"packages/tiny-b/pyproject.toml:3: {what}; {kinds}"
    assert problems[2].startswith("packages/tiny-c: has pyproject.toml and package.json")
    assert problems[3].startswith("packages/tiny-d/package.json:1: is not JSON")
    # What depends on a broken one is told of it.
    assert load(root).lost["@tiny/d"] == "packages/tiny-d"


def test_a_folder_of_the_teams_own_is_no_package(root: Path, write: Write) -> None:
    write({"packages/docs/package.json": '{"name": "docs"}'})
    assert (load(root).packages, load(root).problems) == ({}, ())


def test_what_a_flat_package_generates_cannot_come_from_outside(root: Path, write: Write) -> None:
    entry = '[tool.monorepo.generate.a]\ncommand = ["cat"]\noutputs = ["b"]\ninputs = ["{}x"]\n'
    write(
        {
            "packages/tiny-a/pyproject.toml": flat("tiny-a", "shared").popitem()[1]
            + entry.format("../../")
        }
    )
    assert load(root).packages["packages/tiny-a"].generated[0].inputs == ("x",)
    write(
        {
            "packages/tiny-a/pyproject.toml": flat("tiny-a", "shared").popitem()[1]
            + entry.format("../../../")
        }
    )
    assert "is not a path that is possible there" in str(load(root).problems[0])
