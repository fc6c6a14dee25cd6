"""Tests are found as pytest and node --test collect them."""

import ast
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import python_tests
from monorepo.parsing.python_tests import Module

PIECES = ["def test_a():\n ", "class TestA:\n ", "assert x\n", "pass\n", "@pytest.mark.slow\n", " "]
PIECES += ["pytestmark = pytest.mark.gpu\n", "class A(TestCase):\n ", "if x:\n ", "x = [\n"]
PIECES += ["async ", "__test__ = False\n", "pytest.skip()\n"]
MODIFY = "def pytest_collection_modifyitems(items):\n"
CASE = "class A(unittest.TestCase):\n    def test_a(self): ..."


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def test_a(): ...", [[1, []]]),
        ("async def test_a(): ...", [[1, []]]),
        ("def helper(): ...\nclass Helper:\n    def test_a(self): ...", []),
        ("@pytest.mark.slow\ndef test_a(): ...", [[2, ["slow"]]]),
        ("@pytest.mark.skipif(x)\n@pytest.mark.gpu()\ndef test_a(): ...", [[3, ["gpu", "skipif"]]]),
        ("pytestmark = [m.gpu, pytest.mark.slow]\ndef test_a(): ...", [[2, ["gpu", "slow"]]]),
        ("slow = pytest.mark.slow\n@slow\ndef test_a(): ...", [[3, ["slow"]]]),
        ("@pytest.fixture\ndef test_client(): ...", []),
        ("class TestA:\n    pytestmark = m.gpu\n    def test_a(self): ...", [[3, ["gpu"]]]),
        (CASE, [[2, []]]),
        ("class B(TestCase): ...\nclass A(B):\n    def test_a(self): ...", [[3, []]]),
        ("class TestA(Shared): ...", [[1, []]]),
        ("TestA = Machine.TestCase", [[1, []]]),
        ("if x:\n    def test_a(): ...\nelse:\n    def test_a(): ...", [[2, []], [4, []]]),
    ],
)
def test_what_is_collected(code: str, expected: list[list[object]]) -> None:
    module = Module(ast.parse(code))
    assert ([row[:2] for row in module.tests], module.lost) == (expected, [])


@pytest.mark.parametrize(
    "code",
    [
        "pytestmark = pytest.mark.skip\ndef test_a(): ...",
        "pytestmark = [pytest.mark.skip(reason='x')]\ndef test_a(): ...",
        "pytestmark = pytest.mark.skipif(True, reason='x')\ndef test_a(): ...",
        "pytest.skip('x', allow_module_level=True)\ndef test_a(): ...",
        "raise unittest.SkipTest('x')\ndef test_a(): ...",
        "@unittest.skip('x')\n" + CASE,
        "@unittest.skipIf(True, 'x')\n" + CASE,
        "@skip\n" + CASE,
        "@pytest.mark.skip\ndef test_a(): ...",
        "@pytest.mark.xfail(run=False)\ndef test_a(): ...",
        "LATER = pytest.mark.skip\n@LATER\ndef test_a(): ...",
        "def test_a():\n    '''Say.'''\n    pytest.skip('x')\n    assert x",
        "class TestA:\n    def test_a(self):\n        raise SkipTest",
    ],
)
def test_what_is_always_skipped(code: str) -> None:
    ((_, marks, _),) = Module(ast.parse(code)).tests
    assert "skip" in marks


@pytest.mark.parametrize(
    "code",
    [
        "if x:\n    pytest.skip('x', allow_module_level=True)\ndef test_a(): ...",
        "@pytest.mark.skipif(sys.version_info < (3, 12))\ndef test_a(): ...",
        "@pytest.mark.xfail\ndef test_a(): ...",
        "np = pytest.importorskip('numpy')\ndef test_a(): ...",
        "def test_a():\n    if x:\n        pytest.skip()\n    assert x",
    ],
)
def test_what_is_skipped_at_times(code: str) -> None:
    ((_, marks, _),) = Module(ast.parse(code)).tests
    assert "skip" not in marks


@pytest.mark.parametrize(
    ("code", "line", "why"),
    [
        ("class TestA:\n  def __init__(self): ...\n  def test_a(self): ...", 1, "__init__"),
        ("class TestA:\n  def __new__(cls): ...\n  def test_a(self): ...", 1, "__new__"),
        ("class TestA:\n  __test__ = False\n  def test_a(self): assert x", 1, "__test__"),
        ("__test__ = False\ndef test_a(): ...", 2, "__test__"),
        ("class Audio:\n  def test_a(self): assert x", 1, "does not begin with Test"),
        ("class AudioTest:\n  def test_a(self): assert x", 1, "does not begin with Test"),
        ("def outer():\n  def test_a(): assert x", 2, "in a function"),
        ("def outer():\n  if x:\n    async def test_a(): assert x", 3, "in a function"),
        ("class TestB:\n  def f(self):\n    def test_a(): assert x", 3, "in a function"),
        ("def test_a(): f()\n\ndef test_a(): g()", 1, "again below"),
        ("def test_a(): f()\ntest_a.__test__ = False", 1, "again below"),
        ("def test_a(): f()\ndel test_a", 1, "again below"),
        ("def test_a(): f()\ntest_a = None", 1, "again below"),
        ("class TestB:\n  def test_a(self): ...\n  def test_a(self): ...", 2, "again below"),
        (
            "class TestB:\n  def test_a(self): ...\nclass TestB:\n  def test_b(s): ...",
            1,
            "again below",
        ),
    ],
)
def test_what_is_lost(code: str, line: int, why: str) -> None:
    ((at, said),) = Module(ast.parse(code)).lost
    assert (at, why in said) == (line, True)


@pytest.mark.parametrize(
    "code",
    [
        "class Server:\n  def __init__(self): ...\n  def test_ping(self): return 1",
        "class Contract:\n  def test_a(self): assert x\nclass TestA(Contract): ...",
        "class Base:\n  __test__ = False\n  def test_a(self): assert x\nclass TestA(Base): ...",
        "class TestData:\n  def __init__(self): ...",
        "class Audio(HandlerCase):\n  def test_a(self): assert x",
        "class TestA(Case):\n  def __init__(self): ...\n  def test_a(self): assert x",
        "def make():\n  def test_a(): assert x\n  return test_a",
        "def test_b():\n  class TestA:\n    def test_a(self): assert x",
        "class A(TestCase):\n  def __init__(self): ...\n  def test_a(self): ...",
        "@overload\ndef helper(): ...\ndef helper(): ...",
    ],
)
def test_what_only_looks_lost(code: str) -> None:
    assert Module(ast.parse(code)).lost == []


@pytest.mark.parametrize(
    ("body", "proves"),
    [
        ("assert x", True),
        ("with pytest.raises(ValueError): x()", True),
        ("self.assertEqual(a, b)", True),
        ("mock.assert_called_once()", True),
        ("print(x)", False),
    ],
)
def test_assertions(body: str, *, proves: bool) -> None:
    assert Module(ast.parse(f"def test_a():\n    {body}")).proves is proves


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ('collect_ignore = ["test_a.py"]', [1]),
        ("collect_ignore_glob: list[str] = ['*_slow.py']", [1]),
        ("collect_ignore = []\ncollect_ignore.append('a')", [2]),
        ("collect_ignore += FILES", [1]),
        ("def pytest_ignore_collect(collection_path): return True", [1]),
        ("def pytest_collection_modifyitems(config):\n    config.hook.pytest_deselected(x)", [2]),
        (f"{MODIFY}    items.clear()", [2]),
        (f"{MODIFY}    items[:] = [one for one in items if one.name]", [2]),
        (f"{MODIFY}    del items[1:]", [2]),
        (f"{MODIFY}    items[:] = sorted(items)\n    items.sort()", []),
        ("collect_ignore = []\nif x:\n    collect_ignore.append('a')", []),
        ("import pytest\n@pytest.fixture\ndef collect(): ...", []),
    ],
)
def test_what_leaves_tests_out(code: str, lines: list[int]) -> None:
    assert python_tests.left_out(ast.parse(code)) == lines


def test_words() -> None:
    assert python_tests.words("'a") == python_tests.words(1) == []
    assert python_tests.words("-k 'a b'") == ["-k", "a b"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("tests/a.py", True),
        ("src/a/test_b.py", True),
        ("src/a/b_test.py", True),
        ("conftest.py", True),
        ("src/a/testing.py", False),
        ("src/tests.py", False),
    ],
)
def test_files_for_tests(file: str, *, expected: bool) -> None:
    assert python_tests.is_test(file) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('test("a", () => {});\nit("b");', "run run"),
        ('test.skip("a");\nit.todo("b");\ntest.only("c");', "skip skip only"),
        (
            "it.concurrent.skip('a'); test.each([1])('a', f); test.each`a`('b'); xit('c')",
            "skip run run skip",
        ),
        ('describe.skip("a", () => { test("b"); f(); it("c") }); test("d")', "skip skip run"),
        ('describe.only("a", () => { test("b") }); suite("c", f)', "only run"),
        ('test("a", { skip: true }, f); test("b", { todo: "later" }, f)', "skip skip"),
        ('test("a", { only: true }, f); fit("b"); fdescribe("c")', "only only only"),
        ('test("a", { skip: !url }, () => { skip: true }); test.skipIf(x)("b")', "run run"),
        ('t.test("a"); // test("b")\nconst test = 1; type it = A', ""),
    ],
)
def test_javascript(code: str, expected: str) -> None:
    assert [state for _, state in python_tests.calls(code)] == expected.split()


@pytest.mark.parametrize(
    ("path", "expected"),
    [("tests/a.test.ts", True), ("tests/b/c/a.test.js", True), ("a.test.ts", False)],
)
def test_globs_of_node(path: str, *, expected: bool) -> None:
    assert python_tests.like(path, "./tests/**/*.test.{ts,js}") is expected


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
def test_any_module_is_read(code: str) -> None:
    with contextlib.suppress(SyntaxError):
        module = Module(ast.parse(code))
        rows = [*module.tests, *module.lost]
        assert all(1 <= row[0] <= code.count("\n") + 1 for row in rows)


@given(
    st.lists(st.sampled_from(["test", "(", ")", ".", "only", "{", ":"])).map("".join) | st.text()
)
def test_any_javascript_is_read(code: str) -> None:
    assert all(1 <= line <= code.count("\n") + 1 for line, _ in python_tests.calls(code))
