"""package.edn: what may stand in it, and what is wrong, with line and column."""

import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn import package_manifest, schema, validation, writer
from monorepo.edn.package_manifest import (
    Catalog,
    IncludeGroup,
    Internal,
    NodePackage,
    PackageManifest,
    Peer,
    PythonEntry,
    PythonPackage,
    group_item,
    range_of,
    read_package,
    requirement,
)
from monorepo.edn.reader import Keyword, read
from monorepo.system.errors import UsageError
from tests.edn_documents import VALUES
from tests.edn_manifests import PYTHON_PACKAGES, node_packages, written
from tests.examples import times

PYTHON = """\
{:package/name "acme-audio"
 :package/version "0.1.0"
 :package/description "Mixes"
 :lang :python
 :runtimes/targets ["python>=3.11"]
 :deps/base ["numpy>=2" {:pkg "acme-core" :extras ["io"]}]
 :extras {:lite ["soundfile>=0.13"]}
 :dev {:test ["pytest>=9" {:include-group "typing"}] :typing ["mypy>=2"]}
 :entry {:scripts {"acme-audio" "acme_audio.cli:main"}}}
"""
NODE = """\
{:package/name "@acme/audio"
 :lang :node
 :runtimes/targets ["node>=24" "vscode 1.x" "browser"]
 :deps/base {"@acme/core" "workspace:*" "zod" {:catalog "^4"}}
 :peers {"fastify" "catalog:" "pg" {:version "^8" :optional true} "x" {:optional true}}
 :dev {"typescript" "catalog:"}
 :overrides {"ws" "^8.18"}
 :entry {"." {:source "./src/index.ts" :default "./dist/index.js"} "./browser" "./dist/b.js"}}
"""


def test_a_python_package() -> None:
    manifest = read_package(PYTHON, "package.edn")
    assert manifest == PythonPackage(
        name="acme-audio",
        version="0.1.0",
        description="Mixes",
        lang="python",
        targets=("python>=3.11",),
        base=("numpy>=2", Internal(pkg="acme-core", extras=("io",))),
        extras={"lite": ("soundfile>=0.13",)},
        dev={"test": ("pytest>=9", IncludeGroup(include_group="typing")), "typing": ("mypy>=2",)},
        entry=PythonEntry(scripts={"acme-audio": "acme_audio.cli:main"}),
    )
    assert manifest.requires_python == ">=3.11"
    assert [*map(requirement, manifest.base)] == ["numpy>=2", "acme-core[io]"]
    assert [*map(group_item, manifest.dev["test"])] == ["pytest>=9", {"include-group": "typing"}]
    assert written(manifest) == PYTHON


def test_a_javascript_package() -> None:
    manifest = read_package(NODE, "package.edn")
    assert isinstance(manifest, NodePackage)
    assert manifest.engines == {"node": ">=24", "vscode": "1.x"}
    assert manifest.catalog == {"zod": "^4"}
    assert {name: range_of(one) for name, one in manifest.base.items()} == {
        "@acme/core": "workspace:*",
        "zod": "catalog:",
    }
    assert [range_of(one) for one in manifest.peers.values()] == ["catalog:", "^8", None]
    assert manifest.optional_peers == ("pg", "x")
    assert written(manifest) == NODE


def test_the_least_that_a_manifest_says() -> None:
    python = read_package('{:package/name "a" :lang :python}', "package.edn")
    assert python == PythonPackage(name="a", lang="python")
    assert python.requires_python is None
    node = read_package('{"lang" :node, "package/name" "a", :entry "./a.js"}', "package.edn")
    assert node == NodePackage(name="a", lang="node", entry="./a.js")


def test_of_very_many_mistakes_the_first_are_told() -> None:
    keys = " ".join(f":k{number} 1" for number in range(50_000))

    with pytest.raises(UsageError) as error:
        read_package(f'{{:package/name "a" :lang :python {keys}}}', "package.edn")

    assert len(error.value.mistakes) == 100
    assert error.value.mistakes[0] == "package.edn:1:34: :k0 is not a key here; remove it"


def test_forms_that_say_the_same_are_the_same_manifest() -> None:
    start = '{:package/name "a" :lang :node :entry {"./browser" nil}'
    text = start + ' :peers {"b" %s} :runtimes/targets [%s]}'
    one = read_package(text % ('{:version "^1"}', '"browser" "node >=24"'), "package.edn")
    assert one == read_package(text % ('"^1"', '"node>=24" "browser"'), "package.edn")


@given(PYTHON_PACKAGES | node_packages())
@times(2)
def test_what_is_written_is_read_again_and_fits_the_schema(manifest: PackageManifest) -> None:
    text = written(manifest)
    assert read_package(text, "package.edn") == manifest
    assert written(read_package(text, "package.edn")) == text
    SCHEMA.validate(plain(read(text).value))


KEYS = [
    *(
        "package/name",
        "package/version",
        "lang",
        "runtimes/targets",
        "deps/base",
        "extras",
        "peers",
    ),
    *("dev", "overrides", "entry", "pkg"),
]


@given(
    st.dictionaries(st.sampled_from([Keyword(key) for key in KEYS]), VALUES),
    st.sampled_from(["python", "node"]),
)
@times(0.5)
def test_anything_else_is_a_mistake_with_a_place(found: dict[object, object], lang: str) -> None:
    text = writer.write({**found, Keyword("lang"): Keyword(lang)})
    try:
        read_package(text, "package.edn")
    except UsageError as error:
        for told in error.mistakes:
            assert re.match(r"package.edn:\d+:\d+: .+; .+", told)


def plain(value: object) -> object:
    """Return EDN as JSON: keywords are strings."""
    if isinstance(value, dict):
        return {getattr(key, "text", key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.text if isinstance(value, Keyword) else value


SCHEMA = jsonschema.Draft202012Validator(
    json.loads(schema.text(package_manifest.ADAPTER, package_manifest.FILE))
)


@pytest.mark.parametrize(
    ("text", "old", "new", "mistakes"),
    [
        (PYTHON, ":lang :python", "", ["1:1: has no :lang that is :python or :node"]),
        (PYTHON, ":python", ":rust", ["4:8: has no :lang that is :python or :node"]),
        (PYTHON, ":python", '"python"', ["4:8: has no :lang that is :python or :node"]),
        (PYTHON, '"acme-audio"\n', ":acme\n", ["1:16: :acme is not a string"]),
        (PYTHON, '"acme-audio"\n', '"a b"\n', ["1:16: 'a b' is not a valid name"]),
        (PYTHON, ':package/name "acme-audio"\n ', "", ["1:1: has no :package/name"]),
        (PYTHON, "/version", "/verison", ["2:2: :package/verison is not a key here"]),
        (PYTHON, ":extras {", ":peers {", ["7:2: :peers is not a key here"]),
        (PYTHON, '"0.1.0"', '"new"', ["2:19: 'new' is not a version"]),
        (PYTHON, '"python>=3.11"', '"python>>3"', ["5:20: 'python>>3' is not a range of Python"]),
        (PYTHON, '"python>=3.11"', '"node>=24"', ["5:20: 'node>=24' is not a range of Python"]),
        (PYTHON, '11"]', '11" "python<4"]', ["5:20: has several ranges of Python"]),
        (
            PYTHON,
            '"numpy>=2" {:pkg "acme-core"',
            '"numpy 2" 5 {:pgk "x"',
            [
                "6:14: 'numpy 2' is not a requirement",
                "6:24: is not a requirement",
                "6:26: has no :pkg",
                "6:27: :pgk is not a key here",
            ],
        ),
        (PYTHON, '["soundfile>=0.13"]', '"soundfile"', ['7:17: "soundfile" is not a vector']),
        (PYTHON, '"]}\n :dev', '"] :LITE []}\n :dev', ["7:43: 'LITE' is the same name as 'lite'"]),
        (
            PYTHON,
            '"typing"}',
            '"tpying"} {:include-group "nope"}',
            [
                "8:14: the group 'test' includes 'nope', which does not exist",
                "8:14: the group 'test' includes 'tpying', which does not exist",
            ],
        ),
        (PYTHON, '["mypy>=2"]', '[{:include-group "test"}]', ["8:14: the group 'test' includes"]),
        (PYTHON, '"acme_audio.cli:main"', "nil", ["9:33: nil is not a string"]),
        (PYTHON, ":scripts", ":script", ["9:10: :script is not a key here"]),
        (NODE, ":node", ":node :extras {}", ["2:14: :extras is not a key here"]),
        (NODE, '"@acme/audio"', '"@acme"', ["1:16: '@acme' is not the name of a package"]),
        (NODE, '"node>=24"', '"node"', ["3:20: 'node' is no target"]),
        (NODE, '"vscode 1.x"', '"node 24"', ["3:20: node is there twice"]),
        (NODE, '{:catalog "^4"}', "4", ["4:47: is not a range"]),
        (NODE, '"catalog:"}\n', '"catalog:" "zod" {:catalog "^3"}}\n', ["4:47: the catalog has"]),
        (NODE, '"x" {:optional true}', '"x" {}', ["5:71: has neither a range nor :optional true"]),
        (NODE, '"x" {', '"x" {:version "1" :catalog "1" ', ["5:71: has both :version and"]),
        (NODE, 'true} "x"', '1} "x"', ["5:61: 1 is not true or false"]),
        (NODE, ' "browser"]', "]", ['3:20: has no "browser", and :entry has "./browser"']),
        (NODE, '"./browser" "./dist/b.js"', "", ['8:9: has no "./browser", and :runtimes/targets']),
        (NODE, '"./dist/index.js"', "5", ["8:49: is no export"]),
    ],
)
def test_what_is_wrong(text: str, old: str, new: str, mistakes: list[str]) -> None:
    assert text.count(old) == 1
    with pytest.raises(UsageError) as caught:
        read_package(text.replace(old, new), "a/package.edn")
    told = [line.removeprefix("a/package.edn:") for line in caught.value.mistakes]
    begun = [line[: len(begin)] for line, begin in zip(told, mistakes, strict=False)]
    assert (begun, len(told)) == (mistakes, len(mistakes)), told
    assert all("; " in line for line in told)


def test_what_is_no_map() -> None:
    with pytest.raises(UsageError, match=r"^package.edn:1:1: is not a map; "):
        read_package("[]", "package.edn")
    with pytest.raises(UsageError, match=r"^package.edn:1:43: 1 is not a string; "):
        read_package('{:lang :python :package/name "a" :extras {1 []}}', "package.edn")


def test_mistakes_of_the_reader_are_told_in_the_same_way() -> None:
    with pytest.raises(UsageError) as caught:
        read_package("{:a/b/c 1 :b}", "package.edn")
    assert [told.partition("; ")[0] for told in caught.value.mistakes] == [
        "package.edn:1:2: :a/b/c is not a keyword",
        "package.edn:1:11: the map at 1:1 has a key without a value",
    ]
    assert validation.wrong("no", "yes").mistakes == (((), "no", "yes"),)
    assert range_of(Catalog(catalog="^1")) == "catalog:"
    assert range_of(Peer(optional=True)) is None
