"""Which functions a JavaScript package exports, and with which parameters."""

import json
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.handlers.exports import Export, Missing, find

PARAMS = "FastifyRequest<{ Params: { id: string; readonly 'a-b'?: Record<string, string> } }>"


def made(root: Path, files: dict[str, str]) -> Path:
    """Write a repository with the packages core and other."""
    manifest = {
        "core": {
            ".": {"source": "./src/index.ts", "default": "./dist/index.js"},
            "./plain": "./dist/plain.js",
            "./deep/*": {"types": "./dist/deep/*.d.ts", "import": {"source": "./src/deep/*.ts"}},
            "./gone": {"source": "./src/gone.ts"},
        },
        "other": {"source": "./src/index.ts"},
    }
    for name, exports in manifest.items():
        folder = root / "shared/js" / name
        folder.mkdir(parents=True)
        inner = {"#own/*": {"source": "./src/own/*.ts"}}
        package = {"name": f"@acme/{name}", "version": "1", "exports": exports, "imports": inner}
        (folder / "package.json").write_text(json.dumps(package), "utf-8")
    for path, text in files.items():
        file = root / "shared/js" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return root


def found(root: Path, name: str, subpath: str = ".") -> Export | Missing:
    space = workspace.load(root)

    def read(path: str) -> str | None:
        file = root / path
        return file.read_text("utf-8") if file.is_file() else None

    return find(read, space, space.packages["shared/js/core"], subpath, name)


@pytest.mark.parametrize(
    ("text", "required", "total", "params"),
    [
        ("export function f() {}", 0, 0, None),
        ("export async function f(a, b) {}", 2, 2, None),
        ("export function* f(a: number, b = 1, c?: string, ...d: number[]) {}", 1, 4, None),
        ("export function f(a: number, b: { c: number } = { c: 1 }, d: string) {}", 3, 3, None),
        ("export function f<T extends Map<string, number>>(this: X, a: T) {}", 1, 1, None),
        ("export function f({ a, b }: { a: 1; b: 2 }, [c]: number[] = []) {}", 1, 2, None),
        (
            "export function f(a: Map<string, (b: number, c: 1) => void>, d?: A<B, C>) {}",
            1,
            2,
            None,
        ),
        ("export function f(a: string): void;\nexport function f(a, b) {}", 2, 2, None),
        ("export const f = (a, b) => a < b;", 2, 2, None),
        ("export const f = async (a: number): Promise<void> => {};", 1, 1, None),
        ("export const f = a => a;", 1, 1, None),
        ("export const f = async a => a;", 1, 1, None),
        ("export const f = <T, U>(a: T, b: U) => a;", 2, 2, None),
        ("export const f = function g(a) {}, h = 1;", 1, 1, None),
        ("export const h = 1, f = (a) => a", 1, 1, None),
        ("export const f = ((a, b) => a) satisfies X;", 2, 2, None),
        ("export const f: (a: string) => void = (a) => {}", 1, 1, None),
        ("export let f = async function (a, b, c) {}", 3, 3, None),
        ("const g = (a) => a\nexport { g as f }", 1, 1, None),
        ("function g(a) {}\nconst h = g;\nexport const f = h;", 1, 1, None),
        ("export { g as 'f', type h };\nfunction g(a, b) {}", 2, 2, None),
        ("export const f = { schema: { a: [1, 2] }, handler(a, b) {} };", 2, 2, None),
        ("export const f = { schema, async handler(a, b = 1) {} };", 1, 2, None),
        ("export const f = { handler: async (a, b, c) => {}, schema };", 3, 3, None),
        ("function handler(a) {}\nexport const f = { schema, handler };", 1, 1, None),
        (f"export const f = {{ handler(a: {PARAMS}) {{}} }}", 1, 1, ("id", "a-b")),
        (f"export function f({{ params }}: {PARAMS}, b) {{}}", 2, 2, ("id", "a-b")),
        (f"type Get = {PARAMS};\nexport const f = async (a: Get) => a", 1, 1, ("id", "a-b")),
        (f"type Get = {PARAMS}\nexport const f = (a: Get) => a", 1, 1, ("id", "a-b")),
        (
            "export interface P { id: string\n  name: string }\n"
            "interface R extends X<Y> { Params: P; Body: { no: 1 } }\n"
            "export function f(a: FastifyRequest<R>) {}",
            *(1, 1, ("id", "name")),
        ),
        (
            "export const f: RouteHandler<{ Params: { id: string } }> = (a, b) => a",
            *(2, 2, ("id",)),
        ),
        ("export function f(a: FastifyRequest<{ Params: {} }>) {}", 1, 1, ()),
        (f"export function f(socket: WebSocket, a: {PARAMS}) {{}}", 2, 2, ("id", "a-b")),
        ("const t = `${`}`} export function f(a) {}`;\nexport function f() {}", 0, 0, None),
        ("const r = /export function f(a)/;\nexport function f() {}", 0, 0, None),
    ],
)
def test_a_function_is_found_with_its_parameters(
    root: Path, text: str, required: int, total: int, params: tuple[str, ...] | None
) -> None:
    made(root, {"core/src/index.ts": text})
    export = found(root, "f")
    assert isinstance(export, Export)
    assert (export.required, export.total, export.params) == (required, total, params)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\nexport class f {}", 2, "f is a class"),
        ("export default 7;\nexport const f = 7;", 2, "f is not a function"),
        ("export const f = 'x';", 1, "f is not a function"),
        ("export const f = make((a) => a);", 1, "f is computed, so that its parameters"),
        ("export const { a, b: f } = make();", 1, "f is computed, so that its parameters"),
        ("export const f = { schema: { handler(a) {} } };", 1, "f is an object without a handler"),
        ("export let f: string;", 1, "f has no value"),
        ("export type f = string;\nexport { g, h };", 1, "does not export f; it exports g, h"),
        ("const f = (a) => a;", 1, "does not export f; it exports nothing"),
        ("export { f };", 1, "f is f, which is not declared in this file"),
        ("export { f } from 'fastify';", 1, "f is from fastify, which is no file or package here"),
        ("export { g as f } from './more.ts';", 1, "./more.ts does not export g"),
        ("export * as f from './more.ts';", 1, "f is a module, and no function"),
        ("import type { f } from './more.ts';\nexport type { f };", 1, "does not export f"),
        ("export * from './index.ts';", 1, "does not export f; it exports nothing"),
        ("const f = f;\nexport { f };", 1, "f is f, which is not declared"),
        ("export const f =", 1, "f has no value"),
        ("export {", 1, "does not export f"),
        ("export function", 1, "does not export f"),
    ],
)
def test_what_is_no_function_is_told_with_its_place(
    root: Path, text: str, line: int, message: str
) -> None:
    made(root, {"core/src/index.ts": text, "core/src/more.ts": "export const h = 1;"})
    missing = found(root, "f")
    assert isinstance(missing, Missing)
    assert (missing.path, missing.line) == ("shared/js/core/src/index.ts", line)
    assert missing.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("export { g as f } from './more.ts';", "f", ("core/src/more.ts", 2)),
        ("export { g as f } from './more.js';", "f", ("core/src/more.ts", 2)),
        ("export * from './folder';\nexport * from './more';", "g", ("core/src/more.ts", 2)),
        ("import { g } from './more.ts';\nexport { g as f };", "f", ("core/src/more.ts", 2)),
        ("import f, { h } from './more.ts';\nexport { f };", "f", ("core/src/more.ts", 4)),
        ("export { default as f } from '#own/a';", "f", ("core/src/own/a.ts", 1)),
        ("export { one as f } from '@acme/other';", "f", ("other/src/index.ts", 1)),
        ("export { default as f } from '../../other/src/index.ts'", "f", None),
    ],
)
def test_exports_are_followed(
    root: Path, text: str, name: str, place: tuple[str, int] | None
) -> None:
    files = {
        "core/src/index.ts": text,
        "core/src/more.ts": "\nexport function g() {}\n\nexport default async (a) => a;\n",
        "core/src/folder/index.ts": "export const x = () => 1;",
        "core/src/own/a.ts": "export default function (a) {}",
        "other/src/index.ts": "export const one = (a) => a;",
    }
    export = found(made(root, files), name)
    assert (isinstance(export, Export) and (export.path[10:], export.line)) == (place or False)


@pytest.mark.parametrize(
    "text",
    [
        f"export const f = {'(' * 1500}1{')' * 1500}",
        "import\n" * 30_000,
        "export *\n" * 30_000,
        "type a = b " * 30_000 + "\nexport const f = 1",
        "".join(f"type T{n} = T{n + 1} | T{n + 1};\n" for n in range(500))
        + "export const f = (a: T0) => {}",
    ],
)
def test_a_file_that_means_ill_is_read_in_time(root: Path, text: str) -> None:
    assert found(made(root, {"core/src/index.ts": text}), "f")


def test_a_subpath_leads_to_sources(root: Path) -> None:
    files = {
        "core/src/plain.ts": "export const f = () => 1;",
        "core/src/deep/a.ts": "export const f = (a) => 1;",
    }
    made(root, files)
    plain, deep = found(root, "f", "./plain"), found(root, "f", "./deep/a")
    assert isinstance(plain, Export) and plain.path == "shared/js/core/src/plain.ts"
    assert isinstance(deep, Export) and deep.total == 1
    manifest = "shared/js/core/package.json"
    assert found(root, "f", "./gone") == Missing(
        manifest, 1, "exports ./gone from ./src/gone.ts, which is missing"
    )
    assert found(root, "f", "./other") == Missing(manifest, 1, "exports no ./other")


def test_types_that_refer_to_each_other_in_many_ways(root: Path) -> None:
    types = "".join(f"type T{n} = T{n + 1} & T{n + 1};\n" for n in range(60))
    made(root, {"core/src/index.ts": f"{types}export const f = (a: T0) => a;\n"})

    export = found(root, "f")

    assert isinstance(export, Export)
    assert (export.total, export.params) == (1, None)


def test_what_is_no_typescript_is_read_nevertheless(root: Path) -> None:
    made(root, {"core/src/index.ts": "export function f(a, , b"})

    assert isinstance(found(root, "f"), Export)
