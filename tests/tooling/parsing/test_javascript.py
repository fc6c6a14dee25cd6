"""JavaScript is told from what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import javascript

BOTH = [("a", 1, "must"), ("b", 1, "must")]
PIECES = [
    "`",
    "${",
    "}",
    "{",
    "/",
    "//",
    "/*",
    "*/",
    "'",
    '"',
    "\\",
    "\n",
    "import",
    "(",
    "x",
    ";",
    *"require createRequire = as type from const . , ++ export".split(),
]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('import "a";', [("a", 1, "must")]),
        ("import x, { y as z } from 'a'", [("a", 1, "must")]),
        ('import {\n  x,\n  y,\n} from "@s/a/b";', [("@s/a/b", 4, "must")]),
        ('import type { X } from "a";', [("a", 1, "type")]),
        ('import { type X, y } from "a"; import { type, type as z } from "b";', BOTH),
        (
            'import { type X, type Y } from "a"; export { type as as z } from "a";',
            [("a", 1, "type")],
        ),
        ('import type from "a"; import type, { x } from "b";', BOTH),
        ('export * as x from "a"; export { y } from "b"', BOTH),
        ('export { x }\nimport y from "a"', [("a", 2, "must")]),
        ('const from = 1; export const a = from; f("no");', []),
        ('const x = await import("a"); import(`b`); import(`c${d}`);', BOTH),
        ('const x = require("a"), y = o.require("no"), z = o.import("no");', [("a", 1, "must")]),
        ('import x = require("a");', [("a", 1, "must")]),
        ('import j from "./a.json" with { type: "json" };', [("./a.json", 1, "must")]),
        ('// import "no";\n/* import "no"; */ "import \'no\'"; `import "no"`;', []),
        ('const r = /import "no"`/; import "a"; 1 / 2; "/";', [("a", 1, "must")]),
        ('`${`${import("a")}`} import("no")`; import("b")', BOTH),
        ('const s = "open\nimport "a";', [("a", 2, "must")]),
        ("import.meta.url; import", []),
        ('<p>Don\'t</p>;\nimport "a"', [("a", 2, "must")]),
    ],
)
def test_imports(code: str, expected: list[tuple[str, int, str]]) -> None:
    found = javascript.imports(code)
    assert [(one.module, one.line, one.kind) for one in found] == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", []),
        ("// no\n\n/* no\n no */\nlet x;\n", [5]),
        ('const url = "http://x"; // no\n', [1]),
        ("f(`\n\n// text`);", [1]),
        ("a(); b(); c();", [1, 1, 1]),
        ("a(),b(),c()", [1, 1, 1]),
        ("x = 1\ny += x\nconst { a = 1 } = b", [1, 2, 2, 3, 3]),
        ("for (const x of y) f(x);", [1, 1, 1]),
        ("run((app) => {\n a(); b(); });", [1, 1, 2, 2]),
        ("const f = (a) => a ? b(a) : c && d || e ?? g;", [1] * 7),
        ("function f(a: A, b?: B): C { return new D(a?.b); }", [1] * 3),
        ("if (a === b) { throw e } else while (c) d++;", [1] * 5),
        ("class A { b = 1; c() {} }", [1] * 3),
        ("f<T>(a); `${b(c)}`; a[0](b); x`t`;", [1] * 3),
        ('import * as a from "a"; export * from "b"; export default { import: 1 };', [1] * 3),
        ("type A = B | C; interface D { e: F }", []),
        ("const r = /[/*]/;\nlet s = 1 / 2; /* no */", [1, 2, 2]),
        ("return <a b={c}>{d}<br /></a>;", [1, 1]),
    ],
)
def test_statements(code: str, expected: list[int]) -> None:
    assert javascript.statements(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("eval(a);\n(0, eval)(b); globalThis.eval(c)", [1, 2]),
        ("new Function(a)();\nFunction(b)", [1, 2]),
        ('window["eval"](a);\nx = ["eval"]', [1, 2]),
        ('import vm from "node:vm";\nrequire("vm")', [1, 2]),
        ("model.eval(); f as Function; const x: Function = y; ({ eval: 1 })", []),
    ],
)
def test_evaluations(code: str, expected: list[int]) -> None:
    assert javascript.evaluations(code) == expected


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60))
def test_any_text_is_read_to_its_end(code: str) -> None:
    found = list(javascript.tokens(code))
    assert "".join(one.text for one in found) in code or len(found) != 1
    lines = code.count("\n") + 1
    assert all(1 <= one.line <= lines for one in found)
    assert all(1 <= one <= lines for one in javascript.statements(code))
    assert all(1 <= one.line <= lines for one in javascript.imports(code))


@pytest.mark.slow
def test_long_lines_take_linear_time() -> None:
    for piece in (
        "/[",
        "`${",
        "'",
        "=/x",
        "/*",
        "import {",
        "(",
        "a/",
        "import { type a ",
        "createRequire(",
        "const a = 'b'; import(a);",
        "require(x);",
        "a.b.",
        'import { type a from "x"',
    ):
        javascript.imports(piece * 20_000)
