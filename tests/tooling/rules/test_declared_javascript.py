"""What JavaScript imports and what package.json declares are compared."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
A = "shared/js/a"
LOCK = """\
lockfileVersion: '9.0'

importers:

  .: {}

  shared/js/a: {}

packages:

  right@1.0.0:
    resolution: {integrity: sha512-l}
    peerDependencies:
      '@tiny/wanted': '*'
      wanted: ^1
    peerDependenciesMeta:
      wanted:
        optional: true

snapshots:

  right@1.0.0: {}
"""


@pytest.fixture
def found(root: Path, write: Write) -> Callable[..., list[str]]:
    def found(files: dict[str, str], **manifest: object) -> list[str]:
        write(
            {
                "pnpm-lock.yaml": LOCK,
                f"{A}/package.json": json.dumps({"name": "@tiny/a", **manifest}, indent=2),
                f"{A}/src/index.ts": "",
                "shared/js/b/package.json": '{"name": "@tiny/b"}',
                "services/js/s/package.json": '{"name": "@tiny/svc-s"}',
                **{f"{A}/{path}": text for path, text in files.items()},
            }
        )
        told = runner.guard(workspace.load(root), ["declared"], [A])
        return [f"{one.path.removeprefix(f'{A}/')}:{one.line}: {one.message}" for one in told]

    return found


Found = Callable[..., list[str]]
MISSING = {
    'import left from "left";': 1,
    "import 'left';": 1,
    'export * from "left/deep";': 1,
    'let x = 1;\nimport {\n  a,\n  type B,\n} from "left";': 5,
    'const left = require("left");': 1,
    'import x = require("left");': 1,
    "async () => {\n  await import(`left/x`);\n};": 2,
    "import(`left/${locale}.js`);": 1,
    'require("left/" + name);': 1,
    'const NAME = "left";\nawait import(NAME);': 2,
    'const NAME: string = "left"; require(NAME);': 1,
    'import type { A } from "left";': 1,
    'let a: import("left").A;': 1,
    'const s = "//"; import "left"; // import': 1,
    'require.resolve("left/x.css");': 1,
    'import.meta.resolve("left");': 1,
    'createRequire(import.meta.url)("left");': 1,
    'module.createRequire(f(__filename))("left");': 1,
    'const load = createRequire(import.meta.url);\nload("left");': 2,
    'const load: NodeJS.Require = createRequire(url);\nload.resolve("left");': 2,
    'import { createRequire as make } from "node:module"; const r = make(url); r("left");': 1,
    'const load = require; load("left");': 1,
    'const find = require.resolve; find("left");': 1,
    'module.require("left");': 1,
    'try { require("left"); } catch {}': 1,
    'jest.requireActual("left");': 1,
    'import { register } from "node:module";\nregister("left", url);': 2,
    '#!/usr/bin/env node\n/// <reference types="left" />': 2,
    "/** @jsxImportSource left */\nconst a = <b />;": 1,
    'import "left?raw";': 1,
}


@pytest.mark.parametrize("ending", ["ts", "js", "jsx", "tsx", "mjs", "cjs", "mts", "cts"])
def test_each_ending_is_read(found: Found, ending: str) -> None:
    said = "1: imports left, which is not declared"
    assert found({f"src/x.{ending}": 'import "left";'}) == [f"src/x.{ending}:{said}"]


@pytest.mark.parametrize(("code", "line"), MISSING.items(), ids=list(MISSING))
def test_what_is_not_declared_is_told_once(found: Found, code: str, line: int) -> None:
    said = [f"src/x.ts:{line}: imports left, which is not declared"]
    assert found({"src/x.ts": code, "src/y.ts": code, "bench/x.ts": code}) == said
    assert found({"src/x.ts": code, "src/y.ts": code}, dependencies={"left": "*"}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/x.vue", '<template>\n</template>\n<script setup>\nimport "left";</script>'),
        ("src/x.svelte", '\n\n\n<script lang="ts">import "left";</script>'),
        ("src/x.astro", '---\n\n\nimport "left";\n---\n<p />'),
        ("package.json", '{"name": "@tiny/a",\n\n"imports": {"#left": {"node":\n"left/x"}}}'),
        ("tsconfig.json", '{\n\n\n"extends": "left/tsconfig.json"}'),
        ("tsconfig.build.json", '{"compilerOptions": {\n\n\n"types": ["left"]}}'),
        ("tsconfig.json", '{"compilerOptions": {"plugins": [\n\n{\n"name": "left"}]}}'),
        ("tests/tsconfig.json", '{"compilerOptions": {\n\n\n"jsxImportSource": "left"}}'),
    ],
)
def test_where_else_packages_are_named(found: Found, path: str, text: str) -> None:
    assert found({path: text}) == [f"{path}:4: imports left, which is not declared"]


@pytest.mark.parametrize(
    "code",
    [
        '// import "left";\n/* import "left" */ const s = `import "left"`;',
        'import fs from "fs";\nimport p from "node:path";\nimport "fs/promises";\nimport "bun:x";',
        'import "./left";\nimport "../left";\nimport "/left";\nimport "https://left.example/x.js";',
        'import { a } from "#left";\nimport { a } from "@tiny/a/deep";\nimport "@tiny/a";',
        'import { a } from "@/left";\nimport { a } from "~/left";\nimport { a } from "app/left";',
        'import { a } from "base/left";\nimport a from "$lib/a";\nimport "virtual:left";',
        'import "ui/left";\nimport "@tiny/svc-s";',
        "await import(name);\nrequire(name);\nrequire(`left${name}`);\nimport('left' + name);",
        'const NAME = pick() ? "left" : "right"; import(NAME);',
        'path.resolve("left"); thing.require("left"); load("left"); register("left");',
        'jest.mock("left"); vi.mock("left");',
        "import",
        "\0import 'left'",
        "const s = `${",
    ],
)
def test_what_needs_no_declaration(found: Found, code: str) -> None:
    options = '"baseUrl": "lib", "paths": {"app/*": ["./a/*"],}'
    config = f'{{ // Comment\n"compilerOptions": {{ {options} }},}}'
    files = {"src/x.ts": code, "tsconfig.json": config, "lib/base/left.ts": ""}
    files["vite.config.ts"] = 'export default { resolve: { alias: { ui: "./src/ui" } } };'
    assert [line for line in found(files) if "imports" in line] == []


def test_an_alias_that_leads_to_another_package(root: Path, write: Write, found: Found) -> None:
    write({"tsconfig.base.json": '{"compilerOptions": {"paths": {"@b/*": ["shared/js/b/src/*"]}}}'})
    files = {"src/x.ts": 'import "@b/x";', "tsconfig.json": '{"extends": "../../../tsconfig.base"}'}
    assert found(files) == ["src/x.ts:1: imports @tiny/b, which is not declared"]
    assert found(files, dependencies={"@tiny/b": "workspace:*"}) == []


def test_what_to_do(root: Path, write: Write, found: Found) -> None:
    found({"src/x.ts": 'import "left";\nimport "@tiny/gone"', "tests/x.ts": 'import "right"'})
    assert [one.fix for one in runner.guard(workspace.load(root), ["declared"], [A])] == [
        f"declare it in dependencies of {A}/package.json",
        "name a package that is here",
        f"declare it in devDependencies of {A}/package.json",
    ]


def test_code_that_runs_needs_more_than_development(found: Found) -> None:
    files = {
        "src/types.ts": 'import type { A } from "left";\nimport { type B } from "left";\n',
        "src/x.ts": '\nimport { a } from "left";\n',
        "src/y.d.ts": 'import { a } from "left";\n',
        "src/z.ts": 'import { A } from "only-types";\n',
    }
    names = ("x.test.ts", "setupTests.ts", "testUtils.ts", "__tests__/x.ts", "x.stories.tsx")
    files |= {f"src/{name}": 'import "left";\n' for name in names}
    development = {"left": "*", "@types/only-types": "*"}
    said = ["src/x.ts:2: imports left, which is only in devDependencies"]
    assert found(files, private=True, devDependencies=development) == said
    assert found(files, devDependencies=development, peerDependencies={"left": "*"}) == []
    # A bundler ships them.
    assert found(files, devDependencies={**development, "vite": "*"}) == []
    assert found(files, devDependencies=development, scripts={"build": "tsup src"}) == []


def test_frameworks_provide_some(found: Found) -> None:
    files = {"src/x.ts": 'import "next"; import "server-only"; import "electron";'}
    more = {"dependencies": {"next": "*"}, "devDependencies": {"electron": "*"}}
    assert found(files, **more) == []
    assert len(found(files)) == 3


@pytest.mark.parametrize("group", ["dependencies", "optionalDependencies"])
def test_what_is_not_used(root: Path, write: Write, found: Found, group: str) -> None:
    files = {
        "src/x.ts": "// left\n/* import 'left' */\nconst left_ = 'left'; /left/;\n",
        "README.md": "left",
        "src/left.json": '"left"',
    }
    manifest = {"description": "Not right, but left", group: {"left": "*"}}
    assert found(files, **manifest) == ["package.json:5: declares left, which nothing here uses"]
    assert found(files, devDependencies={"left": "*"}, peerDependencies={"right": "*"}) == []
    assert found(files, monorepo={"unimported": {"left": "knex does"}}, **manifest) == []
    # Only the lock knows peers.
    write({"pnpm-lock.yaml": LOCK.replace(A, "shared/js/b")})
    assert runner.guard(workspace.load(root), ["declared"], [A]) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/x.ts", 'import "left";'),
        ("tests/y.ts", 'jest.mock("left");'),
        ("tool.config.js", "export default { plugins: { left: {} } };"),
        (".eslintrc", "extends: [left/recommended]"),
        ("Makefile", "build:\n\tleft --all\n"),
        ("scripts/x.sh", "left --all\n"),
        ("src/page.vue", '<script>import x from "left"</script>'),
        ("src/page.mdx", 'import X from "left"\n\n# Text\n'),
        ("src/page.css", '@import "left/style.css";'),
    ],
)
def test_what_is_used_outside_of_code_in_src(found: Found, path: str, text: str) -> None:
    assert found({path: text}, dependencies={"left": "*"}) == []


def test_what_else_is_used(root: Path, write: Write, found: Found) -> None:
    installed = f"{A}/node_modules"
    write(
        {
            f"{installed}/typed/package.json": '{"bin": {"ty": "x.js"}}',
            f"{installed}/@x/one/package.json": '{"bin": "x.js"}',
            f"{installed}/idle/package.json": '{"bin": {"something-else": "x.js"}}',
            f"{installed}/broken/package.json": "{",
        }
    )
    names = ["typed", "@x/one", "idle", "broken", "wanted", "@tiny/wanted", "right", "tslib"]
    names += ["@types/node", "@types/right", "@types/gone", "react", "@x/command"]
    lines = found(
        {
            "src/x.tsx": 'import "right";',
            "tsconfig.json": '{"compilerOptions": {"importHelpers": true}}',
        },
        scripts={"build": "ty && one", "start": "command"},
        dependencies={**dict.fromkeys(names, "*"), "@tiny/b": "workspace:*"},
    )
    assert [line.split()[2] for line in lines] == ["idle,", "broken,", "@types/gone,"]


def test_files_that_are_not_of_the_package(found: Found) -> None:
    inner = {"tests/fixtures/b/package.json": "{}", "tests/fixtures/b/x.js": 'import "left";'}
    ready = {"public/x.js": 'import "left";', "src/x.min.js": 'require("left");'}
    assert found({**inner, **ready}) == []
    assert len(found({"src/public/x.js": 'import "left";'})) == 1


def test_broken_files_are_no_end(root: Path, write: Write, found: Found) -> None:
    files = {"src/x.ts": 'import "left";', "tsconfig.json": "{" * 9999, "src/y.ts": "import {"}
    write({f"{A}/src/latin.ts": ""})
    (root / A / "src/latin.ts").write_bytes(b'import "\xe4";')
    (root / A / "src/loop.ts").symlink_to("loop.ts")
    odd = {
        "extends": [1, None, "./tsconfig"],
        "compilerOptions": {"paths": {"a": 1, "b": [2]}, "types": 3},
    }
    files["tests/tsconfig.json"] = json.dumps(odd)
    found(files, dependencies={"right": "*"}, imports={"#x": [None, 1]})
    told = runner.guard(workspace.load(root), ["declared"], [A])
    assert [one.rule.partition(".")[0] for one in told].count("declared") == 2
    write({"pnpm-lock.yaml": "no lock"})
    told = runner.guard(workspace.load(root), ["declared"], [A])
    assert [one.rule.partition(".")[0] for one in told].count("declared") == 1
