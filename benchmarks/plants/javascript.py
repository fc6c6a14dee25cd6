"""Imports in JavaScript and TypeScript, and what else a package.json answers for."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from benchmarks.plants.planting import Plant, Tree, combined, merged

IMPORTED = "every import has a declared dependency that provides it"
CONSTANT = "require, createRequire, require.resolve, import.meta.resolve with a constant count"
UNUSED = (
    "unused is told where a manifest is complete and nothing in the package imports the provider"
)
SHIPPED = "imports in src are declared in dependencies, peerDependencies or optionalDependencies"
SERVICE = "no package imports a service or an app"
PATH = "no package reaches into another one's folder by a path"

CORE = "shared/js/core"
UI = "shared/js/ui"


class Form(NamedTuple):
    """A spelling of an import: {m} is the module, {b} stands before everything."""

    code: str
    before: str = ""
    claim: str = IMPORTED
    late: bool = False
    types: bool = False


CREATE = 'import { createRequire } from "node:module";\n'
FORMS = {
    "default": Form('import thing from "{m}";'),
    "names": Form("import { a, b as c } from '{m}';"),
    "namespace": Form('import * as thing from "{m}";'),
    "default and names": Form('import thing, { a } from "{m}";'),
    "over lines": Form('import {\n  a,\n  b,\n} from "{m}";'),
    "for effect": Form("import '{m}';"),
    "without a semicolon": Form('import thing from "{m}"'),
    "a type among names": Form('import { type A, b } from "{m}";', types=True),
    "with attributes": Form('import thing from "{m}" with { type: "json" };'),
    "export all": Form('export * from "{m}";'),
    "export all as": Form('export * as thing from "{m}";'),
    "export names": Form("export { a as b } from '{m}';"),
    "a comment in it": Form('import /* why */ thing /* { x } */ from "{m}";'),
    "dynamic": Form('import("{m}")', late=True),
    "dynamic, template": Form("import(`{m}`)", late=True),
    "dynamic, over lines": Form('import(\n    "{m}"\n  )', late=True),
    "dynamic, a hint": Form('import(/* webpackChunkName: "x" */ "{m}")', late=True),
    "dynamic, constant": Form("import(TARGET)", 'const TARGET = "{m}";\n', CONSTANT, late=True),
    "require": Form('require("{m}")', claim=CONSTANT, late=True),
    "require.resolve": Form("require.resolve('{m}')", claim=CONSTANT, late=True),
    "createRequire": Form(
        'load("{m}")', f"{CREATE}\nconst load = createRequire(import.meta.url);\n", CONSTANT, True
    ),
    "createRequire at once": Form(
        'createRequire(import.meta.url)("{m}")', CREATE, CONSTANT, late=True
    ),
    "createRequire and resolve": Form(
        'load.resolve("{m}")',
        f"{CREATE}\nconst load = createRequire(import.meta.url);\n",
        CONSTANT,
        True,
    ),
    "createRequire, alias": Form(
        'load("{m}")',
        'import { createRequire as make } from "node:module";\n'
        "\nconst load = make(import.meta.url);\n",
        CONSTANT,
        True,
    ),
    "import.meta.resolve": Form('import.meta.resolve("{m}")', claim=CONSTANT, late=True),
    "import equals": Form('import thing = require("{m}");', claim=IMPORTED, types=True),
    "typeof import": Form('type T = typeof import("{m}");', types=True),
    "a type's import": Form('type T = import("{m}").A<string>;', types=True),
    "types alone": Form('import type { A } from "{m}";', types=True),
    "export types": Form('export type { A } from "{m}";', types=True),
    "reference types": Form('/// <reference types="{m}" />', claim="", types=True),
    "JSDoc": Form('/** @type {import("{m}").A} */\nlet x;', claim=""),
    "declare module": Form('declare module "{m}" {}', claim="", types=True),
}
PLACES = {
    "top": "{s};",
    "constant": "const thing = {s};",
    "function": "export function f() {\n  return {s};\n}",
    "arrow": "export const f = () => {s};",
    "async": "export async function f() {\n  const { a } = await {s};\n  return a;\n}",
    "if": "if (process.argv.length > 9) {\n  {s};\n}",
    "try": "try {\n  {s};\n} catch {}",
    "class": "export class C {\n  static {\n    {s};\n  }\n}",
    "template": "export const x = `a ${await {s}} b`;",
    "template in a template": "export const x = `a ${`b ${{s}}`}`;",
    "argument": "console.log(1, {s});",
    "behind a regular expression": "export const x = /[\"'`/]/.test('') ? 1 : {s};",
    "behind a division": "export const x = 4 / 2 / 1 + Number({s});",
    "default argument": "export function f(x = {s}) {\n  return x;\n}",
    "then": "{s}.then(({ a }) => a);",
}
MODULES = {
    "not there": "lodash",
    "a subpath": "lodash/fp/map.js",
    "a scope": "@tanstack/query-core",
    "a subpath in a scope": "@tanstack/query-core/build/x",
    "of another package": "fastify",
    "a sibling": "@acme/ui",
    "of the root": "c8",
    "with a digit and dot": "three.js2",
}


def code(form: Form, place: str, module: str) -> str:
    """Return code with an import of a module."""
    spelled = form.code.replace("{m}", module)
    before = form.before.replace("{m}", module)
    body = place.replace("{s}", spelled) if form.late else spelled
    return f"{before}\n{body}\n"


def files(tree: Tree, package: str) -> dict[str, Any]:
    """Return what puts code into each kind of file: the edits, and the path."""

    def appended(path: str, text: str) -> tuple[dict[str, str], str]:
        return tree.append(path, f"\n{text}"), path

    def headed(path: str, text: str) -> tuple[dict[str, str], str]:
        return {path: f"{text}\n{tree.text(path)}"}, path

    def fresh(path: str, text: str) -> tuple[dict[str, str], str]:
        return {path: text}, path

    src = f"{package}/src"
    made = {
        "a .ts": "fresh.ts",
        "a .tsx": "View.tsx",
        "a .mts": "fresh.mts",
        "a .cts": "fresh.cts",
        "a .js": "fresh.js",
        "a .mjs": "fresh.mjs",
        "a .cjs": "deep/fresh.cjs",
        "a .jsx": "deep/down/View.jsx",
    }
    found: dict[str, Callable[[str], tuple[dict[str, str], str]]] = {
        "its index, at the end": partial(appended, f"{src}/index.ts"),
        "its index, at the top": partial(headed, f"{src}/index.ts"),
        **{name: partial(fresh, f"{src}/{path}") for name, path in made.items()},
        "a test": partial(appended, f"{package}/tests/index.test.ts"),
        "a new test": partial(fresh, f"{package}/tests/fresh.test.ts"),
        "a helper of tests": partial(fresh, f"{package}/tests/helper.ts"),
        "a configuration": partial(fresh, f"{package}/fresh.config.ts"),
        "a script": partial(fresh, f"{package}/scripts/fresh.ts"),
    }
    return found


def _drawn(
    rng: random.Random,
    count: int,
    forms: Mapping[str, Form],
    modules: Mapping[str, str],
    kinds: Mapping[str, Any],
) -> Iterator[tuple[str, Form, str, str, str, Any]]:
    made = 0
    axes = (forms, PLACES, modules, kinds)
    for (how, form), (where, place), (which, module), (what, put) in combined(
        rng, count * 4, *axes
    ):
        script = what in ("a .js", "a .mjs", "a .cjs", "a .jsx")
        if (form.types and script) or ("then" in where and form.claim == CONSTANT and form.late):
            continue
        if how == "import equals" and "cts" not in what:
            continue
        if made < count:
            made += 1
            yield (
                f"{how}, {where if form.late else 'top'}, {what}, {which}",
                form,
                place,
                module,
                what,
                put,
            )


def plants(tree: Tree, rng: random.Random, share: float) -> Iterator[Plant]:
    """Yield the plants about JavaScript."""

    def some(count: int) -> int:
        return max(2, round(count * share))

    yield from _missing(tree, rng, some(70))
    yield from _misplaced(tree, rng, some(12))
    yield from _unused(tree, rng, some(20))
    yield from _innocent(tree, rng, some(30))
    yield from _layers(tree, rng, some(30))


def _missing(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    kinds = files(tree, CORE)
    for kind, form, place, module, _, put in _drawn(rng, count, FORMS, MODULES, kinds):
        edits, path = put(code(form, place, module))
        yield Plant("declared", f"js: {kind}", edits, (path,), form.claim)
    declared = tree.node(UI, dependencies={"@acme/core": "workspace:*", "fastify": "catalog:"})
    path = f"{UI}/tsconfig.build.json"
    built = tree.text(path).replace(
        '"references": []',
        '"references": [\n    {\n      "path": "../core/tsconfig.build.json"\n    }\n  ]',
    )
    lock = tree.text("pnpm-lock.yaml")
    base = "  shared/js/ui:\n    devDependencies:"
    entry = "  shared/js/ui:\n    dependencies:\n      '@acme/core':\n        specifier: workspace:*\n        version: link:../core\n"
    known = lock[lock.index("fastify:\n        specifier: 'catalog:'") :].split("\n")[2].strip()
    entry += f"      fastify:\n        specifier: 'catalog:'\n        {known}\n    devDependencies:"
    locked = {"pnpm-lock.yaml": lock.replace(base, entry, 1), path: built}
    modules = {"a package": "fastify", "a sibling": "@acme/core", "a subpath": "fastify/types/x.js"}
    kinds = files(tree, UI)
    for kind, form, place, module, _, put in _drawn(rng, count // 2, FORMS, modules, kinds):
        if not form.claim:
            continue
        edits, _ = put(code(form, place, module))
        user = {f"{UI}/src/user.ts": 'import "@acme/core";\nimport "fastify";\n'}
        yield Plant(
            "declared", f"js, declared: {kind}", merged(edits, declared, locked, user), twin=True
        )


def _misplaced(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield what src imports and only developers get."""
    kinds = {
        name: put for name, put in files(tree, CORE).items() if "index" in name or "a ." in name
    }
    forms = {name: form for name, form in FORMS.items() if form.claim and not form.types}
    modules = {"a development dependency": "typescript"}
    for kind, form, place, module, _, put in _drawn(rng, count, forms, modules, kinds):
        edits, path = put(code(form, place, module))
        yield Plant("declared", f"js, {kind}", edits, (path, f"{CORE}/package.json"), SHIPPED)


def _unused(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    ranges = {
        "fastify": "catalog:",
        "kysely": "catalog:",
        "react": "catalog:",
        "@acme/ui": "workspace:*",
        "openapi-fetch": "catalog:",
    }
    tables = ("dependencies", "optionalDependencies")
    tempting = {
        "nothing else": "",
        "its name in a comment": "// import x from '{n}';\n/* require('{n}') */\n",
        "its name in a text": 'export const message = `no import "{n}" here`;\n',
        "a file of that name": 'import "./{n}.ts";\n',
        "a variable of that name": "export const fastify = 1;\nexport const react = fastify;\n",
        "a property": "export const x = { fastify: 1, react: 2, kysely: 3 };\n",
    }
    manifest = f"{CORE}/package.json"
    for (name, bound), (table, _), (what, text) in combined(rng, count, ranges, tables, tempting):
        edits: dict[str, str] = tree.node(CORE, **{table: {name: bound}})
        if text:
            edits[f"{CORE}/src/more.ts"] = text.replace("{n}", name)
        kind = f"js, unused {name} in {table}, {what}"
        # A package of this repository may be declared before it is imported.
        claim = "" if name == "@acme/ui" else UNUSED
        yield Plant("declared", kind, edits, (manifest,), claim)


def _innocent(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield what only looks like an import, or needs no declaration."""
    kinds = files(tree, CORE)
    alike = {
        "comment": "// import x from 'lodash';\n/* import 'lodash' */\n",
        "document": "/**\n * @example\n * import x from 'lodash';\n */\nexport const x = 1;\n",
        "text": "export const x = \"import y from 'lodash'\";\n",
        "template": "export const x = `\nimport y from 'lodash';\nrequire('lodash')\n`;\n",
        "regular expression": "export const x = /import y from 'lodash'/;\n",
        "of Node": "import { readFile } from 'node:fs/promises';\nimport fs from 'fs';\n",
        "a file": "import './index.ts';\n",
        "another file": "export * from '../src/index.ts';\n",
        "a method": "export class C {\n  import(x: string) {\n    return x;\n  }\n}\nnew C().import('lodash');\n",
        "a property": "export const x = { require: (y: string) => y };\nx.require('lodash');\n",
        "itself": "import { chunks } from '@acme/core';\nexport const y = chunks;\n",
        "a name": "export const lodash = 1;\nexport default lodash;\n",
        "computed": "export const f = (x: string) => import(x);\n",
        "a computed template": "export const f = (x: string) => import(`./${x}.ts`);\n",
    }
    plain = {name: put for name, put in kinds.items() if name in ("a .ts", "a .mts", "a new test")}
    for (what, text), (where, put) in combined(rng, count, alike, plain):
        edits, _ = put(text)
        yield Plant("declared", f"js, no import: {what}, in {where}", edits, twin=True)


def _layers(tree: Tree, rng: random.Random, count: int) -> Iterator[Plant]:
    """Yield imports of services and apps, and reaches into a folder of another package."""
    kinds = {name: put for name, put in files(tree, CORE).items() if "script" not in name}
    forms = {name: form for name, form in FORMS.items() if form.claim}
    modules = {"a service": "@acme/svc-web", "an app": "@acme/app-site"}
    for kind, form, place, module, _, put in _drawn(rng, count // 2, forms, modules, kinds):
        edits, path = put(code(form, place, module))
        yield Plant("layers", f"js: {kind}", edits, (path,), SERVICE)
    deep = {
        "a sibling's source": "ui/src/index.ts",
        "a sibling's folder": "ui",
        "a service's source": "../../services/js/web/src/main.ts",
    }
    ups = {
        "a .ts": "../../",
        "a .js": "../../",
        "a new test": "../../",
        "a helper of tests": "../../",
    }
    chosen = {name: kinds[name] for name in ups}
    for kind, form, place, module, _, put in _drawn(rng, count // 2, forms, deep, chosen):
        edits, path = put(code(form, place, f"../../{module}"))
        yield Plant("layers", f"js, by a path: {kind}", edits, (path,), PATH)
    manifest = f"{CORE}/package.json"
    told = "layers reads manifests besides imports"
    for table in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
        for name in ("@acme/svc-web", "@acme/app-site"):
            edits = tree.node(CORE, **{table: {name: "workspace:*"}})
            yield Plant("layers", f"js: {table} has {name}", edits, (manifest,), told)
    edits, path = kinds["a .ts"]("export * from './internal/clock.ts';\n")
    edits[f"{CORE}/src/internal/clock.ts"] = "export const now = 1;\n"
    yield Plant("layers", "js: its own inner file", edits, twin=True)
    inner = {"a subpath": "@acme/ui/src/index.ts", "a deep subpath": "@acme/ui/internal/x"}
    for kind, form, place, module, _, put in _drawn(rng, max(2, count // 4), forms, inner, chosen):
        edits, path = put(code(form, place, module))
        edits = merged(edits, {f"{CORE}/src/user.ts": 'import "@acme/ui";\n'})
        edits = merged(edits, tree.node(CORE, dependencies={"@acme/ui": "workspace:*"}))
        claim = "no package imports another one's private modules"
        yield Plant("layers", f"js, not exported: {kind}", edits, (path,), claim)
