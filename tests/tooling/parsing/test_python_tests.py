"""Tests are found as pytest and node --test collect them."""

import ast
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import python_tests
from monorepo.parsing.python_tests import Module, Pytest

PIECES = ["def test_a():\n ", "class TestA:\n ", "assert x\n", "pass\n", "@pytest.mark.slow\n", " "]
PIECES += [
    "pytestmark = pytest.mark.gpu\n",
    "class A(TestCase):\n ",
    "if x:\n ",
    "x = [\n",
    "async ",
]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def test_a(): ...", [[1, []]]),
        ("async def test_a(): ...", [[1, []]]),
        ("def helper(): ...\nclass Helper:\n    def test_a(self): ...", []),
        ("@pytest.mark.slow\ndef test_a(): ...", [[2, ["slow"]]]),
        ("@pytest.mark.skipif(x)\n@pytest.mark.gpu()\ndef test_a(): ...", [[3, ["gpu", "skipif"]]]),
        (
            "pytestmark = [pytest.mark.gpu, pytest.mark.slow]\ndef test_a(): ...",
            [[2, ["gpu", "slow"]]],
        ),
        ("slow = pytest.mark.slow\n@slow\ndef test_a(): ...", [[3, ["slow"]]]),
        ("@pytest.fixture\ndef test_client(): ...", []),
        (
            "class TestA:\n    pytestmark = pytest.mark.gpu\n    def test_a(self): ...",
            [[3, ["gpu"]]],
        ),
        ("class A(unittest.TestCase):\n    def test_a(self): ...", [[2, []]]),
        ("class B(TestCase): ...\nclass A(B):\n    def test_a(self): ...", [[3, []]]),
        ("class TestA:\n    __test__ = False\n    def test_a(self): ...", []),
        ("class TestA(Shared): ...", [[1, []]]),
        ("TestA = Machine.TestCase", [[1, []]]),
        ("if x:\n    def test_a(): ...", [[2, []]]),
    ],
)
def test_what_is_collected(code: str, expected: list[list[object]]) -> None:
    assert Module(ast.parse(code)).tests == expected


def test_a_class_with_a_constructor_is_not_collected() -> None:
    code = "class TestA:\n    def __init__(self): ...\n    def test_a(self): ..."
    module = Module(ast.parse(code))
    assert (module.tests, module.lost) == ([], [[1, "it has a __init__"]])


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


def test_the_settings_of_pytest() -> None:
    assert Pytest.read({}).testpaths == ["."]
    options = {"testpaths": ["tests"], "addopts": "-q -m 'not gpu and not (slow or web)'"}
    read = Pytest.read({**options, "norecursedirs": "old*"})
    assert read.testpaths == ["tests"]
    assert not read.by_path
    assert read.runs(["other"])
    assert not any(map(read.runs, (["gpu"], ["slow"], ["web", "other"], ["skip"])))
    assert read.hidden(["old_tests", "tests"]) == ["old_tests"]
    assert Pytest.read({"addopts": ["--import-mode=importlib"]}).by_path


def test_malformed_options_are_empty() -> None:
    assert python_tests.words("'a") == python_tests.words(1) == []
    assert Pytest.read({"addopts": "'", "testpaths": 1}).testpaths == ["."]


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
        ('test("a", () => {});\nit("b");', [[1, True], [2, True]]),
        ('test.skip("a");\nit.todo("b");\ntest.only("c");', [[1, False], [2, False], [3, True]]),
        ('t.test("a"); // test("b")\nconst test = 1;', []),
    ],
)
def test_javascript(code: str, expected: list[list[object]]) -> None:
    assert python_tests.calls(code) == expected


def test_globs_of_node() -> None:
    assert python_tests.like("tests/a/b.test.ts", "tests/**/*.test.{ts,js}")
    assert python_tests.like("tests/b.test.ts", "./tests/**/*.test.ts")
    assert not python_tests.like("src/b.ts", "tests/**/*.ts")


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
def test_any_module_is_read(code: str) -> None:
    with contextlib.suppress(SyntaxError):
        module = Module(ast.parse(code))
        assert all(1 <= line <= code.count("\n") + 1 for line, _ in [*module.tests, *module.lost])


@given(st.text(max_size=60))
def test_any_javascript_is_read(code: str) -> None:
    assert all(1 <= line <= code.count("\n") + 1 for line, _ in python_tests.calls(code))
