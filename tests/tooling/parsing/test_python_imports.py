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
FUNCTIONS = """\
from importlib import import_module
from importlib.util import find_spec
import importlib, pkgutil, pytest, runpy
"""
TYPES, MOCKED = ImportKind.TYPES, ImportKind.MOCKED
PIECES = [
    "import a\n",
    "from . import b\n",
    "try:\n ",
    "except ImportError:\n ",
    "if x:\n ",
    " pass\n",
]
PIECES += ["load = import_module\n", "load('a')\n", "A = 'b'\n", "__import__(A)\n"]
PIECES += ["with suppress(ImportError):\n ", "else:\n ", "sys.modules['a'] = m\n", "def f():\n "]


def found(code: str) -> list[tuple[str, int, ImportKind, bool]]:
    """Return module, line, kind and deferral of each import, by line; without names in modules."""
    text = f"{code}\n{FUNCTIONS}"
    imports = list(python_imports.imports(ast.parse(text), text))
    last = code.count("\n") + 1
    rows = [
        (one.module, one.line, one.kind, one.late)
        for one in imports
        if not one.name and one.line <= last
    ]
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
        ("if typing.TYPE_CHECKING and x:\n    import a", [("a", 2, TYPES, False)]),
        (
            "if not TYPE_CHECKING:\n    import a\nelse:\n    import b",
            [("a", 2, REQUIRED, False), ("b", 4, TYPES, False)],
        ),
        ("try:\n    import a\nexcept* ImportError:\n    pass", [("a", 2, OPTIONAL, False)]),
        (
            "try:\n    import a\nexcept m.ImportError:\n    raise SkipTest",
            [("a", 2, OPTIONAL, False)],
        ),
        (
            "pytest_plugins = 'a', \"pytester\"",
            [("_pytest.pytester", 1, REQUIRED, False), ("a", 1, REQUIRED, False)],
        ),
        ("pytest_plugins: list[str] = ['a', x]", [("a", 1, REQUIRED, False)]),
        ("pytest_plugins += ['a']", [("a", 1, REQUIRED, False)]),
        ("__import__(x := 'a')", [("a", 1, REQUIRED, False)]),
        ("import_module('a.b')", [("a.b", 1, REQUIRED, False)]),
        ("import_module('.a')\nimport_module(x)", [(".a", 1, REQUIRED, False)]),
        ("import_module('..a', package='b.c')", [("b.a", 1, REQUIRED, False)]),
        ("import_module('..a', __package__)\nimport_module('.')", [("..a", 1, REQUIRED, False)]),
        ("__import__('a', level=1)\n__import__(name='b')", [("b", 2, REQUIRED, False)]),
        ("pkgutil.resolve_name('a.b:c')", [("a.b", 1, REQUIRED, False)]),
        ("runpy.run_module(mod_name='a')", [("a", 1, REQUIRED, False)]),
        ("importlib.util.find_spec(f'a')", [("a", 1, OPTIONAL, False)]),
        ("C().import_module('a')\nself.find_spec('a')\nload('a')", []),
        ("f = lambda: __import__('a')", [("a", 1, REQUIRED, True)]),
        (
            "from importlib import import_module as load\nload('a')",
            [("importlib", 1, REQUIRED, False), ("a", 2, REQUIRED, False)],
        ),
        ("load = importlib.import_module\nload('a' '.b')", [("a.b", 2, REQUIRED, False)]),
        ("A: Final = 'a'\n__import__(f'{A}.b' + '.c')", [("a.b.c", 2, REQUIRED, False)]),
        ("A = 'a'\nA = 'b'\n__import__(A)", []),
        ("A = 'a'\ndef f(A):\n    __import__(A)", []),
        ("A = b'a'\n__import__(A)\n__import__()\n__import__(f'{x}a')\n__import__('a' * 2)", []),
        ("pytest.importorskip('a')", [("a", 1, OPTIONAL, False)]),
        ("sys.modules['a'] = mock", [("a", 1, MOCKED, False)]),
        ("sys.modules.pop('a')\nsys.modules[a] = 1\nx.setdefault('a', 1)", []),
        ("monkeypatch.setitem(sys.modules, 'a', mock)", [("a", 1, MOCKED, False)]),
        ("patch.dict('sys.modules', {'a': mock})", [("a", 1, MOCKED, False)]),
        (
            "if find_spec('a'):\n    import a",
            [("a", 1, OPTIONAL, False), ("a", 2, REQUIRED, True)],
        ),
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
        (".a", "x/src/p/q.pyi", ["p.a"]),
        ("....a", "x/src/p/q.py", ["a"]),
    ],
)
def test_absolute_names(module: str, path: str, expected: list[str]) -> None:
    imports = python_imports.absolute([Import(module, 1, REQUIRED, False)], path)
    assert [one.module for one in imports] == expected


def test_a_stub_imports_for_type_checkers() -> None:
    (found,) = python_imports.absolute([Import("a", 1, REQUIRED, False)], "src/a.pyi")
    assert found == Import("a", 1, TYPES, False)


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
        text = f"{code}from importlib import import_module\n"
        imports = list(python_imports.imports(ast.parse(text), text))
        imports = [one for one in imports if "import" not in one.module]
        assert all(1 <= one.line <= code.count("\n") + 1 for one in imports)
        assert all("a" in one.module or "b" in one.module or one.module == "." for one in imports)
