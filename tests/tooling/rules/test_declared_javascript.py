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

  left@1.0.0:
    resolution: {integrity: sha512-l}
    peerDependencies:
      '@tiny/wanted': '*'
      wanted: ^1
    peerDependenciesMeta:
      wanted:
        optional: true

  tool@1.0.0:
    resolution: {integrity: sha512-t}
    hasBin: true

snapshots:

  left@1.0.0: {}

  tool@1.0.0: {}
"""


@pytest.fixture
def found(root: Path, write: Write) -> Callable[..., list[str]]:
    def found(files: dict[str, str], **manifest: object) -> list[str]:
        write(
            {
                "pnpm-lock.yaml": LOCK,
                f"{A}/package.json": json.dumps({"name": "@tiny/a", **manifest}, indent=2),
                **{f"{A}/{path}": text for path, text in files.items()},
            }
        )
        space = workspace.load(root)
        told = runner.guard(space, ["declared"], [A])
        return [str(one).removeprefix(f"{A}/") for one in told]

    return found


Found = Callable[..., list[str]]


def test_what_is_declared_and_used(found: Found) -> None:
    files = {
        "src/index.ts": 'import { x } from "left/deep";\nimport type { Y } from "@scope/types";\n',
        "tests/a.test.ts": 'import test from "node:test";\nimport { z } from "right";\n',
        "tool.config.mjs": 'import right from "right";\n',
    }
    development = {"right": "*", "@scope/types": "*"}
    assert found(files, dependencies={"left": "*"}, devDependencies=development) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ('import left from "left";', 1),
        ("import 'left';", 1),
        ('export * from "left/deep";', 1),
        ('let x = 1;\nimport {\n  a,\n  type B,\n} from "left";', 5),
        ('const left = require("left");', 1),
        ("async () => {\n  await import(`left/x`);\n};", 2),
        ('import type { A } from "left";', 1),
        ('const s = "//"; import "left"; // import', 1),
    ],
)
def test_what_is_not_declared(found: Found, code: str, line: int) -> None:
    told = f"declared: imports left, which {A}/package.json does not declare; declare it there"
    assert found({"src/x.ts": code, "tests/x.ts": code}) == [f"src/x.ts:{line}: {told}"]


@pytest.mark.parametrize(
    "code",
    [
        '// import "left";\n/* import "left" */ const s = `import "left"`;',
        'import fs from "fs";\nimport p from "node:path";\nimport "fs/promises";\nimport "bun:x";',
        'import "./left";\nimport "../left";\nimport "/left";\nimport "https://left.example/x.js";',
        'import { a } from "#left";\nimport { a } from "@tiny/a/deep";\nimport "@tiny/a";',
        'import { a } from "@/left";\nimport { a } from "~/left";\nimport { a } from "app/left";',
        'import { a } from "base/left";\nimport a from "$lib/a";\nimport "virtual:left";',
        "await import(name);\nrequire(name);",
        "import",
        "\0import 'left'",
        "const s = `${",
    ],
)
def test_what_needs_no_declaration(found: Found, code: str) -> None:
    options = '"baseUrl": "lib", "paths": {"app/*": ["./a/*"],}'
    config = f'{{ // Comment\n"compilerOptions": {{ {options} }},}}'
    files = {"src/x.ts": code, "tsconfig.json": config, "lib/base/left.ts": ""}
    assert [line for line in found(files) if ": unreadable: " not in line] == []


def test_code_that_runs_needs_more_than_development(found: Found) -> None:
    files = {
        "src/types.ts": 'import type { A } from "left";\n',
        "src/x.ts": '\nimport { a } from "left";\n',
        "src/x.test.ts": 'import { a } from "left";\n',
        "src/y.d.ts": 'import { a } from "left";\n',
        "src/z.ts": 'import { A } from "only-types";\n',
    }
    development = {"left": "*", "@types/only-types": "*"}
    told = "declared: imports left, which is only in devDependencies;"
    told += " move it to dependencies, or write import type"
    assert found(files, devDependencies=development) == [f"src/x.ts:2: {told}"]
    peers = {"left": "*"}
    assert found(files, devDependencies=development, peerDependencies=peers) == []


UNUSED = "declared: {} is declared, but not imported or mentioned here;"
UNUSED += " remove it, or list it with a reason in monorepo.unimported of package.json"


@pytest.mark.parametrize("group", ["dependencies", "devDependencies", "optionalDependencies"])
def test_what_is_not_used(found: Found, group: str) -> None:
    # Prose, comments, and the lists of dependencies do not use anything.
    files = {
        "src/x.ts": "// left\n/* import 'left' */\nconst left_ = 1; /left/;\n",
        "README.md": "left",
        "left.json": "{}",
    }
    manifest = {"description": "Not right, but left", group: {"left": "*"}}
    assert found(files, **manifest) == [f"package.json:5: {UNUSED.format('left')}"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/x.ts", 'import "left";'),
        ("src/y.ts", 'load("left/deep");'),
        ("src/y.d.ts", '/// <reference types="left" />'),
        ("tool.config.js", "export default { plugins: { left: {} } };"),
        ("tsconfig.json", '{"extends": "left/tsconfig.json"}'),
        ("Makefile", "build:\n\tleft --all\n"),
        ("src/page.vue", '<script>import x from "left"</script>'),
    ],
)
def test_what_is_used_without_an_import_in_src(found: Found, path: str, text: str) -> None:
    assert found({"src/x.ts": "", path: text}, devDependencies={"left": "*"}) == []


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
    development = dict.fromkeys(
        ["typed", "@x/one", "idle", "broken", "typescript", "tool", "wanted", "@tiny/wanted"], "*"
    )
    development |= dict.fromkeys(["@types/node", "@types/left", "@types/gone"], "*")
    development |= {"eslint-plugin-right": "*", "@tiny/b": "workspace:*", "excused": "*"}
    lines = found(
        {"src/x.ts": "", "tsconfig.json": "{}", ".eslintrc": "plugins: [right]\n"},
        scripts={"build": "ty && one"},
        dependencies={"left": "*"},
        devDependencies=development,
        peerDependencies={"@tiny/peer": "*"},
        monorepo={"unimported": {"excused": "it is loaded by name", "left": "so is it"}},
    )
    names = [line.split(": declared: ")[1].split()[0] for line in lines]
    assert names == ["idle", "broken", "@types/gone"]


def test_only_the_lock_tells_what_others_want_beside_them(
    root: Path, write: Write, found: Found
) -> None:
    assert len(found({"src/x.ts": ""}, dependencies={"right": "*"})) == 1
    write({"pnpm-lock.yaml": LOCK.replace("shared/js/a", "shared/js/b")})
    space = workspace.load(root)
    assert runner.guard(space, ["declared"], [A]) == []


def test_what_is_in_src_for_tests_and_developers(found: Found) -> None:
    names = ("setupTests.ts", "setupProxy.js", "appTestUtil.ts", "scripts/schema.ts")
    files = {f"src/{name}": 'import "left";\n' for name in names}
    development = {"left": "*", "tslib": "*"}
    options = {"tsconfig.json": '{"compilerOptions": {"importHelpers": true}}'}
    assert found({**files, **options}, devDependencies=development) == []


def test_a_package_in_a_package_is_its_own(found: Found) -> None:
    inner = {"tests/fixtures/b/package.json": "{}", "tests/fixtures/b/x.js": 'import "left";'}
    assert found({"src/x.ts": "", **inner}) == []


def test_broken_files_are_no_end(root: Path, write: Write, found: Found) -> None:
    files = {"src/x.ts": 'import "left";', "tsconfig.json": "{" * 9999, "src/y.ts": "import {"}
    write({f"{A}/src/latin.ts": ""})
    (root / A / "src/latin.ts").write_bytes(b'import "\xe4";')
    (root / A / "src/loop.ts").symlink_to("loop.ts")
    lines = found(files, dependencies={"right": "*"})
    rules = [line.split(": ")[1] for line in lines]
    assert (rules.count("declared"), rules.count("unreadable")) == (2, 3)
    write({"pnpm-lock.yaml": "no lock"})
    assert len(runner.guard(workspace.load(root), ["declared"], [A])) == 4


def test_what_others_than_npm_bring(root: Path, write: Write, found: Found) -> None:
    files = {
        "src/x.ts": 'import "server-only";\nimport "ui/left";\nimport "made";\nimport "up/left";\n'
        'import "rate-limit";\n',
        "vite.config.ts": 'export default { resolve: { alias: { ui: "./src/ui" } } };',
        "tsup.server.ts": 'esbuildOptions(o) { o.alias = { "rate-limit": "./src/rate" }; }',
        "src/env.d.ts": 'declare module "made" {}\n',
        "public/app.js": 'import "left";\n',
        "src/old.min.js": 'require("left");\n',
        "src/main.ts": 'import { app } from "electron";\n',
    }
    write({"tsconfig.base.json": '{"compilerOptions": {"paths": {"up/*": ["./up/*"]}}}'})
    development = {"electron": "*"}
    scripts = {"dev": "next dev"}
    more = {"scripts": scripts, "dependencies": {"next": "*"}, "devDependencies": development}
    assert found(files, **more) == []
    files |= {"vite.config.ts": "export default {};", "src/env.d.ts": ""}
    write({"tsconfig.base.json": "{}"})
    lines = [line for line in found(files) if line.startswith("src/x.ts:")]
    told = [line.split("imports ")[1].split(",")[0] for line in lines]
    assert told == ["server-only", "ui", "made", "up"]


def test_what_a_bundler_may_put_in(found: Found) -> None:
    files = {"src/x.ts": 'import "left";\n', "Makefile": "build:\n\tvite build\n"}
    (told,) = found(files, private=True, devDependencies={"left": "*", "vite": "*"})
    assert "declared: warn: imports left, which is only in devDependencies (vite" in told
    (told,) = found(files, devDependencies={"left": "*"})
    assert "declared: imports left" in told
    (told,) = found(files, scripts={"build": "tsup"}, devDependencies={"left": "*"})
    assert "declared: warn: imports left" in told
    # Of what nobody starts or imports, only its own scripts run something.
    (told,) = found(files, private=True, devDependencies={"left": "*"})
    assert "declared: warn: imports left" in told
    for more in ({"scripts": {"start": "node src/x.ts"}}, {"exports": "./src/x.ts"}):
        (told,) = found(files, private=True, devDependencies={"left": "*"}, **more)
        assert "declared: imports left" in told


def test_what_may_be_used_elsewhere(root: Path, write: Write, found: Found) -> None:
    files = {"src/x.ts": "", "tests/x.test.ts": 'import "left";\n'}
    development = {"left": "*", "left_plus": "*"}
    (told,) = found(files, devDependencies=development)
    assert told.startswith("package.json:5: declared: left_plus is declared")
    write({".github/workflows/ci.yml": "- run: pnpm exec left_plus\n"})
    (told,) = found(files, devDependencies=development)
    assert "declared: warn: left_plus is declared" in told and "(.github/workflows/ci.yml" in told
    head, tail = LOCK.split("  tool@1.0.0:\n", 1)
    plus = "  left_plus@1.0.0:\n    peerDependencies:\n      left: ^1\n\n"
    lock = f"{head}{plus}  tool@1.0.0:\n{tail}"
    lock = lock.replace("\n  tool@1.0.0: {}", "\n  left_plus@1.0.0: {}\n\n  tool@1.0.0: {}")
    write({".github/workflows/ci.yml": "", "pnpm-lock.yaml": lock})
    space = workspace.load(root)
    (one,) = runner.guard(space, ["declared"], [A])
    assert one.status == "warn" and one.message.endswith("(a plugin of left)")
