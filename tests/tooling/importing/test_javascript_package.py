"""A folder of JavaScript keeps its imports in its new places, and gets what it needs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.importing import following, javascript_package
from monorepo.importing.javascript_package import Code, Manifest
from monorepo.importing.needs import Need
from monorepo.importing.origin import File, Origin, Where
from monorepo.parsing import javascript as scanner
from monorepo.parsing.python_imports import Import, ImportKind
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]


def code(files: dict[str, str]) -> Code:
    """Return the code of a folder with files."""
    found = {file: File(text.encode()) for file, text in files.items()}
    origin = Origin("old/colors", Where.HERE, Path("/r/old/colors"), "old/colors", "", found)
    layout = javascript_package.plan(origin, b"MIT")
    return Code(layout, javascript_package.read(origin), "@acme/colors")


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("src/a/b.ts", "", "src/a/b.ts"),
        ("src/a.test.ts", "", "tests/a.test.ts"),
        ("src/__tests__/a.ts", "", "tests/a.ts"),
        ("test/deep/a.spec.js", "import x from 'y'", "tests/deep/a.test.ts"),
        ("test/a.spec.js", "require('x')", "tests/a.test.cjs"),
        ("README.md", "", "docs/README.md"),
        ("docs/a.md", "", "docs/a.md"),
        ("scripts/a.js", "", "scripts/a.js"),
    ],
)
def test_each_file_has_its_place(file: str, text: str, place: str) -> None:
    assert code({"src/index.ts": "", file: text}).layout.places[file] == place


def test_loose_files_are_code_and_commonjs_says_so() -> None:
    places = code(
        {"index.js": "module.exports = 1", "lib/a.js": "export {}", "b.ts": "", "data.json": "{}"}
    ).layout.places
    assert places == {
        "index.js": "src/index.cjs",
        "lib/a.js": "src/lib/a.js",
        "b.ts": "src/b.ts",
        "data.json": "src/data.json",
    }


def test_tools_stay_out_and_a_folder_without_code_is_refused() -> None:
    files = {
        "package.json": "{}",
        "yarn.lock": "",
        "tsconfig.json": "",
        ".eslintrc.js": "",
        "LICENSE": "MIT",
    }
    found = code({"index.ts": "", "dist/index.js": "", **files})
    assert {*found.layout.dropped} == {*files, "dist/index.js"}
    with pytest.raises(UsageError, match="old/colors: has no JavaScript outside of tests"):
        code({"tests/a.test.ts": ""})
    with pytest.raises(UsageError, match=r"old/colors/package\.json:1: is not JSON"):
        code({"index.ts": "", "package.json": "["})


@pytest.mark.parametrize(
    ("module", "new"),
    [
        ("./deep", "./deep/index.ts"),
        ("./deep/index.js", "./deep/index.ts"),
        ("./old", "./old.cjs"),
        ("./old.js", "./old.cjs"),
        ("./data.json", None),
        ("./gone", None),
        ("fastify", None),
        ("colors", "@acme/colors"),
        ("colors/x", "@acme/colors/x"),
        ("colorsome", None),
        ("..", None),
    ],
)
def test_a_specifier_names_the_file_that_it_means(module: str, new: str | None) -> None:
    found = code(
        {
            "package.json": '{"name": "colors"}',
            "src/index.ts": "",
            "src/deep/index.ts": "",
            "src/old.js": "exports.x = 1",
            "src/data.json": "",
        }
    )
    told = found.specifier("src/index.ts", "src/index.ts", module)
    assert told == new or (told == module and new is None)


def test_only_specifiers_change() -> None:
    text = (
        "import a from './a'; // './a'\nconst b = './a';\nexport * from \"./a\";\nrequire(`./a`);\n"
    )
    new, lines = javascript_package.rewritten(text, lambda module: f"{module}.ts")
    assert new == (
        "import a from './a.ts'; // './a'\nconst b = './a';\nexport * from \"./a.ts\";\n"
        "require(`./a.ts`);\n"
    )
    assert lines == [1, 3, 4]
    assert {one.module for one in scanner.imports(new)} == {"./a.ts"}


@pytest.mark.parametrize(
    ("manifest", "entry"),
    [
        ({}, "src/index.ts"),
        ({"main": "dist/main.js"}, "src/main.ts"),
        ({"exports": {".": {"import": "./dist/main.mjs", "require": "./x"}}}, "src/main.ts"),
        ({"exports": "./src/main.ts"}, "src/main.ts"),
        ({"module": "lib/main.js", "main": "gone.js"}, "src/main.ts"),
    ],
)
def test_the_entry_is_the_source_of_what_was_imported(manifest: object, entry: str) -> None:
    files = {"package.json": json.dumps(manifest), "src/index.ts": "", "src/main.ts": ""}
    assert code(files).entry() == entry


def test_a_catalog_gets_what_it_lacks_without_a_mark() -> None:
    before = "packages: []\n\ncatalog:\n  fastify: 5.0.0\n"
    need = Need("left", ["catalog:"], "dependencies", "x", pins=["^1.0.0"])
    assert javascript_package.catalog(before, [need]) == f"{before}  left: ^1.0.0\n"
    assert javascript_package.catalog(before, []) == before


def test_who_requires_it_by_the_old_name_requires_the_new_one() -> None:
    text = '{\n  "devDependencies": {\n    "colors": "^1"\n  }\n}\n'
    assert json.loads(javascript_package.required(text, "colors", "@acme/colors")) == {
        "devDependencies": {"@acme/colors": "workspace:*"}
    }
    assert json.loads(javascript_package.required("{}\n", "colors", "@acme/colors")) == {
        "dependencies": {"@acme/colors": "workspace:*"}
    }


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("import test from 'node:test';\ntest('a', f);\n", False),
        ("describe('a', f);\n", True),
        ("import { it } from 'vitest';\n", True),
        ("export const x = 1;\n", False),
    ],
)
def test_tests_of_another_runner_are_told(text: str, is_foreign: bool) -> None:
    assert javascript_package.is_foreign_test(text) is is_foreign


def test_packages_here_are_required_by_workspace(root: Path, javascript: Path) -> None:
    for name in ("base", "colors"):
        (root / f"shared/js/{name}").mkdir(parents=True)
        text = json.dumps({"name": f"@tiny/{name}", "version": "1.0.0"})
        (root / f"shared/js/{name}/package.json").write_text(text, encoding="utf-8")
    space = workspace.load(javascript)
    said = Manifest(ranges={"dependencies": {"left": "^1"}}, where="old")
    imports = {
        "src/a.ts": ["@tiny/base", "left/x", "node:fs", "gone", "fs", "@tiny/colors"],
        "tests/a.test.ts": ["right"],
    }
    told = {
        file: [
            Import(name, line, ImportKind.REQUIRED, name=False) for line, name in enumerate(names)
        ]
        for file, names in imports.items()
    }
    package = space.packages["shared/js/colors"]
    found, unknown = javascript_package.needs(space, package, told, said, ["right"])
    assert {(one.name, one.texts[0], one.group) for one in found} == {
        ("@tiny/base", "workspace:*", "dependencies"),
        ("left", "catalog:", "dependencies"),
        ("right", "catalog:", "devDependencies"),
    }
    assert [*unknown] == ["shared/js/colors/src/a.ts:3"]


def test_what_a_package_needs_is_compiled_first(javascript: Path, write: Write) -> None:
    build = '{{\n  "references": [{}]\n}}\n'
    gone = '\n    {\n      "path": "../c/tsconfig.build.json"\n    }\n  '
    names = {"a": {"@tiny/b": "workspace:*"}, "b": {}, "c": {}}
    for name, needs in names.items():
        folder = f"shared/js/{name}"
        manifest = {"name": f"@tiny/{name}", "version": "1.0.0", "dependencies": needs}
        text = build.format(gone if name == "a" else "")
        write(
            {f"{folder}/package.json": json.dumps(manifest), f"{folder}/tsconfig.build.json": text}
        )
    space = workspace.load_whole(javascript)
    following.compile_first(javascript, space, space.packages["shared/js/a"])
    found = json.loads((javascript / "shared/js/a/tsconfig.build.json").read_text("utf-8"))
    assert found == {"references": [{"path": "../b/tsconfig.build.json"}]}


@pytest.mark.parametrize(
    ("document", "groups"),
    [
        ({"devDependencies": {"old": "1"}}, ["devDependencies"]),
        ({"dependencies": {"other": "1"}}, ["dependencies"]),
        ({}, ["dependencies"]),
    ],
)
def test_a_package_is_required_where_it_was(document: dict[str, object], groups: list[str]) -> None:
    assert javascript_package.requiring(document, "old") == groups
