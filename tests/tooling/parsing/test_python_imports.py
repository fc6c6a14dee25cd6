"""Imports are found wherever they are, with whether the module needs them."""

import ast
import contextlib
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import python_imports
from monorepo.parsing.python_imports import Import, ImportKind, may_fail, prefixes, tried

REQUIRED, OPTIONAL = ImportKind.REQUIRED, ImportKind.OPTIONAL
PIECES = [
    "import a\n",
    "from . import b\n",
    "try:\n ",
    "except ImportError:\n ",
    "if x:\n ",
    " pass\n",
]
PIECES += ["with suppress(ImportError):\n ", "else:\n ", "sys.modules['a'] = m\n", "def f():\n "]


def found(code: str) -> list[tuple[str, int, ImportKind, bool]]:
    """Return module, line, kind and deferral of each import, by line; without names in modules."""
    imports = python_imports.imports(ast.parse(code), code)
    rows = [(one.module, one.line, one.kind, one.late) for one in imports if not one.name]
    return sorted(rows, key=lambda row: (row[1], row[0]))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a, b.c as d", [("a", 1, REQUIRED, False), ("b.c", 1, REQUIRED, False)]),
        ("from ..a import b", [("..a", 1, REQUIRED, False)]),
        ("def f():\n    import a", [("a", 2, REQUIRED, True)]),
        ("class C:\n    import a", [("a", 2, REQUIRED, False)]),
        ("if x:\n    import a", [("a", 2, REQUIRED, True)]),
        ("try:\n    import a\nexcept ImportError:\n    a = None", [("a", 2, OPTIONAL, False)]),
        (
            "try:\n    import a\nexcept (KeyError, ImportError):\n    import b",
            [("a", 2, OPTIONAL, False), ("b", 4, OPTIONAL, False)],
        ),
        ("try:\n    import a\nexcept ImportError:\n    raise", [("a", 2, REQUIRED, False)]),
        ("try:\n    import a\nexcept KeyError:\n    pass", [("a", 2, REQUIRED, False)]),
        ("with suppress(ImportError):\n    import a", [("a", 2, OPTIONAL, False)]),
        ("if TYPE_CHECKING:\n    import a", [("a", 2, ImportKind.TYPES, False)]),
        (
            "if typing.TYPE_CHECKING:\n    import a\nelse:\n    a = None",
            [("a", 2, OPTIONAL, False)],
        ),
        ("import_module('a.b')", [("a.b", 1, REQUIRED, False)]),
        ("import_module('.a')\nimport_module(x)", []),
        ("pytest.importorskip('a')", [("a", 1, OPTIONAL, False)]),
        ("sys.modules['a'] = mock", [("a", 1, ImportKind.MOCKED, False)]),
        ("sys.modules['a'] = None", []),
        ("monkeypatch.setitem(sys.modules, 'a', mock)", [("a", 1, ImportKind.MOCKED, False)]),
        ("patch.dict('sys.modules', {'a': mock})", [("a", 1, ImportKind.MOCKED, False)]),
        (
            "if find_spec('a'):\n    import a",
            [("a", 1, OPTIONAL, False), ("a", 2, OPTIONAL, False)],
        ),
        ("if not HAS_A:\n    x()\nelse:\n    import a", [("a", 4, OPTIONAL, False)]),
    ],
)
def test_imports(code: str, expected: list[tuple[str, int, ImportKind, bool]]) -> None:
    assert found(code) == expected


def test_names_may_be_modules() -> None:
    code = "from a import b, c as d\nfrom e import *"
    names = [one.module for one in python_imports.imports(ast.parse(code), code) if one.name]
    assert names == ["a.b", "a.c"]


@pytest.mark.parametrize(
    ("module", "path", "expected"),
    [
        ("a", "x/src/p/q.py", ["a"]),
        (".a", "x/src/p/q.py", ["p.a"]),
        (".", "x/src/p/q.py", ["p"]),
        ("..a", "x/src/p/q/__init__.py", ["p.a"]),
        (".a", "src/a.py", ["a"]),
        (".", "src/a.py", []),
        ("....a", "x/src/p/q.py", ["a"]),
    ],
)
def test_absolute_names(module: str, path: str, expected: list[str]) -> None:
    imports = python_imports.absolute([Import(module, 1, REQUIRED, False)], path)
    assert [one.module for one in imports] == expected


def test_what_may_be_missing() -> None:
    lines = tried([Import("a", 3, OPTIONAL, False), Import("b", 1, OPTIONAL, False, late=True)])
    assert lines == {"a": 3, "b": inf}
    assert may_fail(Import("a.x", 4, REQUIRED, False), lines)
    assert not may_fail(Import("a", 2, REQUIRED, False), lines)
    assert may_fail(Import("a", 2, REQUIRED, False, late=True), lines)
    assert not may_fail(Import("b", 9, REQUIRED, False), lines)
    assert may_fail(Import("b", 9, REQUIRED, False, late=True), lines)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(".".join))
def test_prefixes(module: str) -> None:
    assert prefixes(module)[-1] == module
    assert all(module.startswith(prefix) for prefix in prefixes(module))


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_module_has_its_imports_in_it(code: str) -> None:
    with contextlib.suppress(SyntaxError):
        imports = list(python_imports.imports(ast.parse(code), code))
        assert all(1 <= one.line <= code.count("\n") + 1 for one in imports)
        assert all("a" in one.module or "b" in one.module or one.module == "." for one in imports)
