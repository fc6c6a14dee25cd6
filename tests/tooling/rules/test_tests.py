"""Tests that nobody runs are found; what only looks like a test is not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.parsing import python_tests
from monorepo.parsing.python_tests import Pytest

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Found = Callable[[dict[str, str]], list[str]]
A, J = "shared/py/a", "shared/js/j"
OPTIONS = """
[tool.pytest.ini_options]
testpaths = ["tests", "*/py/*/tests"]
addopts = ["-ra", "-m", "not gpu and not slow"]
norecursedirs = [".*", "build"]
[tool.coverage.report]
fail_under = 80
"""
RUNS = "def test_it() -> None:\n    assert True\n"
NODE = 'import test from "node:test";\n\ntest("it", () => {});\n'
MAKE = "test:\n\t@node --test 'tests/**/*.test.ts' --x='src/**'\n"


@pytest.fixture
def found(root: Path, package: MakePackage, javascript: Path, write: Write) -> Found:
    package(A)
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(OPTIONS)
    write(
        {
            "tools/make/py.mk": "",
            "tools/make/js.mk": MAKE,
            f"{A}/tests/unit/test_a.py": RUNS,
            f"{J}/package.json": '{"name": "@tiny/j", "scripts": {"test": "make test"}}',
            f"{J}/tests/a.test.ts": NODE,
        }
    )

    def found(files: dict[str, str]) -> list[str]:
        write({path: text for path, text in files.items() if text != "remove"})
        for path in files:
            if files[path] == "remove":
                (root / path).unlink()
        return [str(one) for one in runner.guard(workspace.load(root), ["tests"])]

    return found


def test_the_root_says_what_is_enough(root: Path, found: Found) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert found({"pyproject.toml": text.partition("[tool.coverage")[0]}) == [
        "pyproject.toml: tests: has no required coverage, so that any is enough;"
        " write fail_under into [tool.coverage.report]"
    ]
    (line, _) = found({"pyproject.toml": text.partition("[tool.pytest")[0]})
    assert line.startswith("pyproject.toml: tests: does not say how pytest collects; restore")


def test_what_is_no_test_is_free(found: Found) -> None:
    files = {
        # Functions of a program, and helpers of tests.
        f"{A}/src/tiny_a/check.py": "def test_connection():\n    assert 1\n",
        f"{A}/src/tiny_a/speed_test.py": "def test_speed() -> int:\n    return 1\n",
        # Tests that others are to run, from a module that does so.
        f"{A}/src/tiny_a/spec/test_reads.py": RUNS,
        f"{A}/src/tiny_a/spec/suite.py": "from tiny_a.spec.test_reads import test_it\n",
        f"{A}/tests/helpers.py": "def test_data() -> str:\n    return 'x'\n",
        f"{A}/tests/conftest.py": "import pytest\n@pytest.fixture\ndef test_x():\n    assert 1\n",
        f"{A}/tests/unit/test_slow.py": "import pytest\npytestmark = pytest.mark.slow\n" + RUNS,
        f"{A}/tests/unit/test_more.py": "class Base:\n    def test_b(self): assert 1\n"
        "class TestOne(Base):\n    def __init_subclass__(cls): pass\n"
        "class FakeServer:\n    def __init__(self): pass\n    def test_ping(self): pass\n"
        "class TestHelper:\n    def __init__(self): pass\n"
        "class Cases(u.TestCase):\n    def __init__(self): pass\n    def test_x(self): pass\n"
        "class OffTests:\n    __test__ = False\n    def test_x(self): assert 1\n",
        f"{J}/tests/helper.ts": "export const test = (x: string) => /x/.test(x);\n",
        f"{J}/tests/fixtures/a.ts": 'import { mock } from "node:test";\nmock.fn();\n',
        f"{J}/src/test.ts": "test(1);\n",
    }
    assert found(files) == []


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("tests/unit/check_a.py", f"\n{RUNS}", "2: it is not called test_*.py or *_test.py"),
        ("tests/a_tests.py", "class A(x.TestCase):\n  def test_b(self): self.assertTrue(1)", "2: "),
        ("tests/conftest.py", RUNS, "1: it is not called"),
        ("src/tiny_a/test_a.py", RUNS, "1: it lies outside tests, where pytest looks"),
        ("src/tiny_a/tests/a.py", RUNS, "1: it lies outside tests"),
        ("tests/build/test_a.py", RUNS, "1: it lies in build, where pytest does not look"),
        (
            "tests/test_b.py",
            "class TestB:\n  def __init__(self): pass\n  def test_x(self): 1",
            "1: ",
        ),
    ],
)
def test_what_no_runner_collects(found: Found, path: str, text: str, told: str) -> None:
    for _ in range(2):
        (line,) = found({f"{A}/{path}": text})
        at, _, why = told.partition(": ")
        assert line.startswith(f"{A}/{path}:{at}: tests: ")
        assert why in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import pytest\npytestmark = [pytest.mark.slow]\n{RUNS}", 3),
        (f"import pytest\nGPU = pytest.mark.gpu\n@GPU\n{RUNS}", 4),
        (f"from pytest import mark\n@mark.slow(reason='x')\n{RUNS}", 3),
        ("import pytest\n@pytest.mark.gpu\nclass TestA:\n    def test_x(self): assert 1\n", 4),
        (
            "import pytest\nclass TestA:\n  pytestmark = pytest.mark.gpu\n  def test_x(self): 1",
            4,
        ),
        (f"import pytest\n@pytest.mark.skip\n{RUNS}", 3),
    ],
)
def test_a_package_with_tests_that_do_not_run(found: Found, text: str, line: int) -> None:
    (told,) = found({f"{A}/tests/unit/test_a.py": text})
    message = f"none of the 1 tests of {A} runs by default (not gpu and not slow)"
    assert told.startswith(f"{A}/tests/unit/test_a.py:{line}: tests: {message}")


@pytest.mark.parametrize(
    "text",
    [
        f"import pytest\n@pytest.mark.skipif(x)\n{RUNS}",
        "try:\n    import x\nexcept ImportError:\n    pass\nelse:\n    def test_x(): pass",
        "from x import Contract\nclass TestIt(Contract):\n    pass\n",
        "TestIt = Machine.TestCase\n",
        "class TestIt:\n    class TestInner:\n        async def test_x(self): pass\n",
    ],
)
def test_a_package_with_tests_that_may_run(found: Found, text: str) -> None:
    assert [one for one in found({f"{A}/tests/unit/test_a.py": text}) if "warn" not in one] == []


def test_packages_without_tests(found: Found) -> None:
    files = [f"{A}/tests/unit/test_a.py", f"{J}/tests/a.test.ts"]
    message = "tests: has no test that a runner collects; write one, such as"
    assert found(dict.fromkeys(files, "remove")) == [
        f"{J}: {message} tests/it.test.ts",
        f"{A}: {message} tests/unit/test_it.py",
    ]
    assert len(found(dict.fromkeys(files, "x = 1\n"))) == 2


def test_a_set_of_dependencies_has_nothing_to_test(
    found: Found, dependency_set: MakePackage
) -> None:
    dependency_set("shared/py/ml")
    assert found({}) == []
    # A test in it is a test all the same.
    (line,) = found(
        {"shared/py/ml/tests/unit/test_ml.py": f"import pytest\n\n\n@pytest.mark.slow\n{RUNS}"}
    )
    assert "none of the 1 tests of shared/py/ml runs by default" in line


@pytest.mark.parametrize("path", ["src/a.test.ts", "tests/a.spec.ts", "tests/deep/a.ts"])
def test_javascript_that_no_glob_reaches(found: Found, path: str) -> None:
    (line,) = found({f"{J}/{path}": NODE})
    assert line.startswith(f"{J}/{path}:3: tests: has tests that are not run: tests/**/*.test.ts ")


def test_javascript_with_names_of_its_own(found: Found) -> None:
    text = 'import check from "node:test";\ncheck("it", () => {});\n'
    assert found({f"{J}/tests/a.test.ts": text}) == []


def test_javascript_that_is_left_out(found: Found) -> None:
    (line,) = found({f"{J}/tests/a.test.ts": 'import { it } from "node:test";\nit.skip("x");\n'})
    assert line.startswith(f"{J}/tests/a.test.ts:2: tests: none of the 1 tests")


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("node --test 'src/**/*.{test,spec}.ts'", "src/x/a.spec.ts"),
        ("node --import x --test", "src/a-test.mjs"),
        ("vitest run", "src/a.spec.tsx"),
    ],
)
def test_javascript_with_a_script_of_its_own(found: Found, script: str, path: str) -> None:
    manifest = json.dumps({"name": "@tiny/j", "scripts": {"test": script}})
    assert found({f"{J}/package.json": manifest, f"{J}/{path}": NODE}) == []


def test_options_of_pytest() -> None:
    options = {"addopts": "-q -m 'not gpu and not (slow or net)'", "python_files": "check_*.py"}
    read = Pytest.read(options)
    assert read.files == ["check_*.py"]
    cases = {(): True, ("slow",): False, ("x", "gpu"): False, ("x",): True, ("skip",): False}
    assert {marks: read.runs(marks) for marks in cases} == cases
    assert Pytest.read({}).runs(["slow"])
    assert Pytest.read({"addopts": ["-m", "not ("]}).runs(["slow"])
    odd = Pytest.read({"addopts": "-k 'a", "testpaths": [], "python_files": 3})
    assert (odd.testpaths, odd.files, odd.marks) == (["."], [], "")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("tests/a.test.ts", True), ("tests/b/c/a.test.ts", True), ("a.test.ts", False)],
)
def test_globs(path: str, wanted: bool) -> None:
    assert python_tests.like(path, "./tests/**/*.test.{ts,js}") == wanted


def test_nothing_makes_it_fail(root: Path, found: Found) -> None:
    (root / f"{A}/tests/loop").symlink_to(root / A)
    (root / f"{A}/tests/unit/test_b.py").write_bytes(b"\0\xff")
    (root / f"{J}/tests/b.test.ts").write_bytes(b"\0\xff")
    files = {
        f"{A}/tests/unit/test_c.py": "def test_(:\n",
        f"{J}/package.json": '{"name": "@tiny/j", "scripts": {"test": "node --test \'"}}',
    }
    assert {line.split(": ")[1] for line in found(files)} == {"unreadable"}


def test_a_folder_of_tests_is_no_package(found: Found, root: Path) -> None:
    files = {
        f"{A}/src/tiny_a/__init__.py": "",
        f"{A}/tests/__init__.py": "",
        f"{A}/tests/unit/__init__.py": "",
        f"{A}/tests/helpers.py": "def tone() -> int:\n    return 1\n",
        f"{A}/tests/unit/test_a.py": f"from tests.helpers import tone\nimport tiny_a\n{RUNS}",
        f"{A}/tests/unit/test_b.py": f"from ..helpers import tone\n{RUNS}",
    }
    assert found(files) == []
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"-ra"', '"--import-mode=importlib"'), encoding="utf-8")
    package = "makes a package of tests, and every package has one of that name; remove it"
    share = "share what tests need as a fixture in conftest.py"
    assert found({}) == [
        f"{A}/tests/__init__.py: tests: {package}; {share}",
        f"{A}/tests/unit/__init__.py: tests: {package}; {share}",
        f"{A}/tests/unit/test_a.py:1: tests: imports from a folder of tests; {share}",
        f"{A}/tests/unit/test_b.py:1: tests: imports from a folder of tests; {share}",
    ]
