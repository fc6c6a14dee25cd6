"""What knip finds in JavaScript packages, the rule `declared` finds, or a reason is given here.

`knip/` has the lock of knip. It gets all cases as packages of one monorepo, each file an entry.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.parsing import pnpm_lockfile
from monorepo.templating.template import ENGINE
from tests.template.baking import run

pytestmark = pytest.mark.slow

LOCKED = Path(__file__).with_name("knip")
LEFT = {"dependencies": {"left": "1.0.0"}}
DEVELOPMENT = {"devDependencies": {"left": "1.0.0"}}
PATTERN = "**/*.{js,mjs,cjs,jsx,ts,mts,cts,tsx,vue,svelte,astro,mdx,css}"
Case = tuple[Mapping[str, Any], Mapping[str, str]]
# A manifest and files of each package; `src/index.ts` is there in any case.
CASES: dict[str, Case] = {
    "static": ({}, {"src/x.ts": 'import a from "left"; import { b } from "@s/right/deep";'}),
    "side-effect": ({}, {"src/x.js": 'import "left";'}),
    "export-from": ({}, {"src/x.ts": 'export * from "left"; export { b } from "right";'}),
    "require": ({}, {"src/x.cjs": 'const a = require("left"); f(require("right/x"));'}),
    "import-equals": ({}, {"src/x.cts": 'import a = require("left"); export { a };'}),
    "dynamic": ({}, {"src/x.mjs": 'await import("left"); await import(`right`);'}),
    "resolve": ({}, {"src/x.cjs": 'require.resolve("left"); require.resolve(`right/x`);'}),
    "meta-resolve": ({}, {"src/x.mjs": 'import.meta.resolve("left");'}),
    "create-require": (
        {},
        {
            "src/x.mjs": 'import { createRequire } from "node:module";\n'
            'const load = createRequire(import.meta.url); load("left");'
            'createRequire(import.meta.url)("right");'
        },
    ),
    "register": (
        {},
        {"src/x.mjs": 'import { register } from "node:module"; register("left", import.meta.url);'},
    ),
    "type-import": ({}, {"src/x.ts": 'import type { A } from "left"; export type { A };'}),
    "import-type": ({}, {"src/x.ts": 'export let a: import("left").A;'}),
    "reference": ({}, {"src/x.ts": '/// <reference types="left" />\nexport {};'}),
    "pragma": ({}, {"src/x.jsx": "/** @jsxImportSource left */\nexport default <a />;"}),
    "jsdoc": ({}, {"src/x.js": '/** @type {import("left").A} */\nexport const a = 1;'}),
    "subpath-import": (
        {"imports": {"#left": "left", "#b": {"node": "right"}}},
        {"src/x.mjs": 'import "#left"; import "#b";'},
    ),
    "paths": (
        {},
        {
            "src/x.ts": 'import "@other/x"; import "~/y";',
            "src/y.ts": "export {};",
            "tsconfig.json": json.dumps(
                {
                    "compilerOptions": {
                        "paths": {"@other/*": ["../static/src/*"], "~/*": ["./src/*"]}
                    }
                }
            ),
        },
    ),
    "extends": ({}, {"tsconfig.json": '{"extends": "@left/tsconfig/base.json"}'}),
    "types": ({}, {"tsconfig.json": '{"compilerOptions": {"types": ["left", "right/client"]}}'}),
    "plugins": ({}, {"tsconfig.json": '{"compilerOptions": {"plugins": [{"name": "left"}]}}'}),
    "jsx-source": (
        {},
        {"tsconfig.json": '{"compilerOptions": {"jsx": "react-jsx", "jsxImportSource": "left"}}'},
    ),
    "tests": ({}, {"tests/x.test.ts": 'import "left";', "bench/x.mjs": 'import "right";'}),
    "mocks": (
        {"devDependencies": {"vitest": "4.0.0"}},
        {
            "tests/x.test.ts": 'import { vi } from "vitest";\n'
            'vi.mock("left"); vi.importActual("right");'
        },
    ),
    "try": ({}, {"src/x.cjs": 'try { require("left"); } catch {}'}),
    "public": ({}, {"src/public/x.js": 'import "left";'}),
    "vue": ({}, {"src/x.vue": '<script setup lang="ts">\nimport "left";\n</script>'}),
    "svelte": ({}, {"src/x.svelte": '<script>\nimport "left";\n</script>'}),
    "astro": ({}, {"src/x.astro": '---\nimport "left";\n---\n<p />'}),
    "mdx": ({}, {"src/x.mdx": 'import A from "left"\n\n<A />\n'}),
    "constant": ({}, {"src/x.mjs": 'const NAME = "left"; await import(NAME);'}),
    "part": ({}, {"src/x.mjs": "await import(`left/${name}.js`);"}),
    "unused": (LEFT, {}),
    "unused-optional": ({"optionalDependencies": {"left": "1.0.0"}}, {}),
    "unused-peer": ({"peerDependencies": {"left": "1.0.0"}}, {}),
    "unused-tool": (DEVELOPMENT, {}),
    "unused-types": ({"dependencies": {"@types/left": "1.0.0"}}, {}),
    "types-of-used": (
        {"dependencies": {"left": "1.0.0", "@types/left": "1.0.0"}},
        {"src/x.ts": 'import "left";'},
    ),
    "mentioned": (LEFT, {"src/x.js": '// left\nload("left"); export const a = "left";'}),
    "script": ({**LEFT, "scripts": {"x": "left --all"}}, {}),
    "unlisted-script": ({"scripts": {"x": "eslint ."}}, {}),
    "configured": ({**LEFT, "eslintConfig": {"extends": ["left"]}}, {}),
    "configuration": ({}, {"eslint.config.js": 'import left from "left"; export default [left];'}),
    "postcss": (
        {"dependencies": {"postcss": "8.0.0"}},
        {"postcss.config.js": "export default { plugins: { left: {} } };"},
    ),
    "babel": ({"devDependencies": {"@babel/core": "7.0.0"}}, {".babelrc": '{"presets": ["left"]}'}),
    "style": ({}, {"src/x.css": '@import "left/x.css";', "src/x.ts": 'import "./x.css";'}),
    "misplaced": (DEVELOPMENT, {"src/x.ts": 'import "left";'}),
    "bin": ({"dependencies": {"@s/tool": "1.0.0"}, "scripts": {"x": "tool"}}, {}),
}

# What knip alone finds, and why that is right.
DIFFERENT = {
    "jsdoc": ({"left"}, "a comment is no code, and runs without"),
    "subpath-import": ({"#left", "#b"}, "told of as left and right, where package.json names them"),
    "unused-tool": ({"left"}, "what only development uses is a tool, which nothing has to import"),
    "script": ({"left"}, "not installed, so that knip does not know whose the program is"),
    "bin": ({"@s/tool", "tool"}, "not installed, so that knip does not know whose the program is"),
    "unlisted-script": ({"eslint"}, "a program may be of the machine, such as make"),
    "configured": ({"left"}, "named in a configuration; knip does not know of `extends` here"),
    "postcss": ({"left"}, "the tool itself looks up what its configuration names"),
    "babel": ({"babel-preset-left", "@babel/core"}, "the same; and @babel/core is a tool"),
}
KINDS = ("dependencies", "devDependencies", "unlisted", "unresolved", "binaries")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[set[str], set[str]]]:
    """Return what knip and the rule find in each case."""
    place = tmp_path_factory.mktemp("knip").resolve()
    answers = ("repo_name=acme", "packages=shared/js/core")
    words = (sys.executable, "-m", "monorepo", "create", place, "--no-input", *answers)
    run(place, *words, env={"PYTHONPATH": str(ENGINE.parent)})
    root = place / "acme"
    run(root, "make", "install")
    for name in ("package.json", "pnpm-lock.yaml"):
        shutil.copy(LOCKED / name, place)
    env = {"PATH": f"{root / '.venv/bin'}{os.pathsep}{os.environ['PATH']}", "CI": "true"}
    quiet = ("--frozen-lockfile", "--ignore-scripts", "--ignore-workspace")
    run(place, root / ".venv/bin/pnpm", "install", *quiet, env=env)
    lock = pnpm_lockfile.parse((root / "pnpm-lock.yaml").read_text(encoding="utf-8"))
    importers = {f"shared/js/{name}": f"  shared/js/{name}: {{}}\n" for name in CASES}
    lock = replace(lock, importers={**lock.importers, **importers})
    (root / "pnpm-lock.yaml").write_text(str(lock), encoding="utf-8")
    for name, (manifest, files) in CASES.items():
        whole = {"name": f"@acme/{name}", "version": "1.0.0", "type": "module", **manifest}
        texts = {"src/index.ts": "export {};", "package.json": json.dumps(whole, indent=2)}
        for file, text in {**texts, **files}.items():
            (path := root / "shared/js" / name / file).parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    every = {"entry": [PATTERN], "project": [PATTERN]}
    (root / "knip.json").write_text(json.dumps({"workspaces": {"shared/js/*": every}}))
    options = ("--reporter", "json", "--no-progress", "--no-exit-code")
    report = json.loads(run(root, place / "node_modules/.bin/knip", *options, env=env))
    told: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in [*CASES, "core"]}
    for issue in report["issues"]:
        if issue["file"].startswith("shared/js/"):
            rows = (one["name"] for kind in KINDS for one in issue.get(kind, []))
            told[issue["file"].split("/")[2]][0].update(rows)
    for finding in runner.guard(workspace.load(root), ["declared"]):
        name = finding.message.split()[1].rstrip(",")
        told[finding.path.split("/")[2]][1].add(name)
    return told


@pytest.mark.parametrize("case", CASES)
def test_what_knip_finds_is_found(
    found: Mapping[str, tuple[set[str], set[str]]], case: str
) -> None:
    knip, ours = found[case]
    names, why = DIFFERENT.get(case, (set(), ""))
    # A module of a package is that package.
    mine = {name for name in knip for one in ours if f"{name}/".startswith(f"{one}/")}
    assert knip - mine == names, why
