"""JavaScript is told from what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import javascript

BOTH = [("a", 1, "must"), ("b", 1, "must")]
PIECES = ["`", "${", "}", "{", "/", "//", "/*", "*/", "'", '"', "\\", "\n", "import", "(", "x", ";"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('import "a";', [("a", 1, "must")]),
        ("import x, { y as z } from 'a'", [("a", 1, "must")]),
        ('import {\n  x,\n  y,\n} from "@s/a/b";', [("@s/a/b", 4, "must")]),
        ('import type { X } from "a";', [("a", 1, "type")]),
        ('import { type X, y } from "a";', [("a", 1, "must")]),
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
        ('let url = "http://x"; // no\n', [1]),
        ("f(`\n\n// text`);", [1, 2, 3]),
        ("a(); b(); c();", [1, 1, 1]),
        ("for (let i = 0; i < 3; i++) f(i);", [1]),
        ("run((app) => { a(); b(); });", [1, 1, 1]),
        ("let r = /[/*]/;\nlet s = 1; /* no */", [1, 2]),
    ],
)
def test_code_lines(code: str, expected: list[int]) -> None:
    assert javascript.code_lines(code) == expected


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60))
def test_any_text_is_read_to_its_end(code: str) -> None:
    found = list(javascript.tokens(code))
    assert "".join(one.text for one in found) in code or len(found) != 1
    lines = code.count("\n") + 1
    assert all(1 <= one.line <= lines for one in found)
    assert all(1 <= one <= lines for one in javascript.code_lines(code))
    assert all(1 <= one.line <= lines for one in javascript.imports(code))


@pytest.mark.slow
def test_long_lines_take_linear_time() -> None:
    for piece in ("/[", "`${", "'", "=/x", "/*", "import {", "(", "a/"):
        javascript.imports(piece * 20_000)
