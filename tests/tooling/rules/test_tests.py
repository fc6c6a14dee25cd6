"""Tests that nobody runs are found; what only looks like a test is not."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Found = Callable[[dict[str, str]], list[str]]
A, J = "shared/py/a", "shared/js/j"
OPTIONS = """
[tool.pytest.ini_options]
testpaths = ["tests", "*/py/*/tests"]
addopts = ["-ra", "-m", "not gpu and not slow"]
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


def ids(lines: list[str]) -> list[str]:
    """Return the path and the id of each finding."""
    return [" ".join(re.sub(r":\d+$", "", part) for part in line.split(": ")[:2]) for line in lines]


NARROWED = [
    ('addopts = ["-ra",', 'addopts = ["--ignore=tests/contract",', "addopts has --ignore"),
    ('addopts = ["-ra",', 'addopts = ["--ignore-glob", "*x*",', "addopts has --ignore-glob"),
    ('addopts = ["-ra",', 'addopts = ["--deselect", "tests/a.py",', "addopts has --deselect"),
    ('addopts = ["-ra",', 'addopts = ["-k", "not it",', "addopts has -k"),
    ('addopts = ["-ra",', 'addopts = ["-kfast",', "addopts has -k"),
    ('addopts = ["-ra",', 'addopts = ["--co",', "addopts has --co"),
    ('addopts = ["-ra",', 'addopts = ["tests/contract",', "addopts has tests/contract"),
    ('addopts = ["-ra",', 'addopts = ["-p", "no:python",', "addopts has no:python"),
    ('"not gpu and not slow"', '"smoke"', "addopts has -m, which selects"),
    ('"not gpu and not slow"', '"not (slow or gpu) and fast"', "addopts has -m, which selects"),
    (
        '"tests", "*/py/*/tests"',
        '"tests/contract"',
        "testpaths leaves out tests/test_x.py",
    ),
    ('"*/py/*/tests"', '"shared/py/b/tests"', f"testpaths leaves out {A}/tests"),
    ("testpaths", 'norecursedirs = ["un*"]\ntestpaths', "norecursedirs leaves out unit"),
    ("testpaths", 'python_files = "check_*.py"\ntestpaths', "python_files leaves out test_x.py"),
    ("testpaths", 'python_classes = ["*Suite"]\ntestpaths', "python_classes leaves out TestX"),
    (
        "testpaths",
        'python_functions = ["check_*"]\ntestpaths',
        "python_functions leaves out test_x",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), NARROWED)
def test_the_root_has_less_collected(
    root: Path, found: Found, dependency_set: MakePackage, old: str, new: str, told: str
) -> None:
    dependency_set("shared/py/b")
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert old in text
    (line,) = found({"pyproject.toml": text.replace(old, new)})
    assert re.match(rf"pyproject\.toml:\d+: tests\.narrowed: {re.escape(told)}", line)


@pytest.mark.parametrize(
    "options",
    [
        'testpaths = ["."]\naddopts = "-q -m \'not gpu and not (slow or web)\'"',
        'testpaths = ["tests"]\nnorecursedirs = ["build", "data"]\npython_files = ["*.py"]',
        'python_classes = ["Test*", "*Suite"]\npython_functions = "test check"',
        'addopts = ["-p", "no:cacheprovider", "-m", "not gpu", "--maxfail=3"]',
        'addopts = "-k \'a"\ntestpaths = []',
    ],
)
def test_settings_by_which_every_test_is_collected(root: Path, found: Found, options: str) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    start, end = text.index("testpaths"), text.index("[tool.coverage")
    assert found({"pyproject.toml": f"{text[:start]}{options}\n{text[end:]}"}) == []


def test_the_root_says_what_is_enough(root: Path, found: Found) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert found({"pyproject.toml": text.partition("[tool.coverage")[0]}) == [
        "pyproject.toml: tests.coverage: has no required coverage, so that any is enough;"
        " write fail_under into [tool.coverage.report]"
    ]
    lines = found({"pyproject.toml": text.partition("[tool.pytest")[0]})
    assert ids(lines) == ["pyproject.toml tests.coverage", "pyproject.toml tests.narrowed"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = --ignore=tests\n"),
        (f"{A}/pytest.ini", "[pytest]\n"),
        (f"{A}/.pytest.ini", "[pytest]\n"),
        (f"{A}/tests/pytest.toml", "[pytest]\n"),
        (f"{A}/tox.ini", "[tox]\n\n[pytest]\naddopts = -k x\n"),
        (f"{A}/setup.cfg", "[tool:pytest]\nnorecursedirs = tests\n"),
        (f"{A}/pyproject.toml", "{}\n[tool.pytest.ini_options]\ntestpaths = ['x']\n"),
        (f"{A}/tests/conftest.py", "collect_ignore = ['unit']\n"),
        (f"{A}/tests/unit/conftest.py", "def pytest_ignore_collect(collection_path): ...\n"),
        (f"{A}/Makefile", "export PYTEST_ADDOPTS := -k fast\n"),
        ("Makefile", "test: export PYTEST_ADDOPTS += --ignore=tests/unit\n"),
        (f"{J}/tests/a.test.ts", NODE + 'test.only("x", f);\n'),
        (f"{J}/tests/a.test.ts", NODE + 'test("x", { only: true }, f);\n'),
        (f"{J}/tests/a.test.ts", NODE + 'describe.only("x", f);\n'),
    ],
)
def test_less_is_collected(root: Path, found: Found, path: str, text: str) -> None:
    if text.startswith("{}"):
        text = text.replace("{}", (root / path).read_text(encoding="utf-8"))
    assert ids(found({path: text})) == [f"{path} tests.narrowed"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{A}/tox.ini", "[tox]\nenvlist = py\n"),
        (f"{A}/setup.cfg", "[metadata]\nname = pytest\n"),
        (f"{A}/tests/data/pytest.ini", "[pytest]\naddopts = -k x\n"),
        (f"{A}/tests/conftest.py", "collect_ignore = []\n"),
        (f"{A}/Makefile", "# PYTEST_ADDOPTS = -k x\nexport PYTEST_ADDOPTS = --color=yes\n"),
    ],
)
def test_as_much_is_collected(found: Found, path: str, text: str) -> None:
    assert found({path: text}) == []


@pytest.mark.parametrize(
    ("script", "config", "path"),
    [
        ("node --test --test-name-pattern=x", "", "package.json"),
        ("node --test --test-only", "", "package.json"),
        ("vitest run -t quick", "", "package.json"),
        ("vitest run --exclude tests/a.test.ts", "", "package.json"),
        ("vitest run --passWithNoTests", "", "package.json"),
        ("jest --testPathIgnorePatterns tests", "", "package.json"),
        ("node --test || true", "", "package.json"),
        ("echo later", "", "package.json"),
        ("node --test; exit 0", "", "package.json"),
        ("vitest run", "test: { exclude: ['tests/**'] }", "vitest.config.ts"),
        ("vitest run", 'plugins: [], test: { exclude: [...a, "**/a.*"] }', "vite.config.mts"),
        ("jest", "testPathIgnorePatterns: ['/tests/']", "jest.config.js"),
    ],
)
def test_less_is_collected_in_javascript(found: Found, script: str, config: str, path: str) -> None:
    files = {f"{J}/package.json": json.dumps({"name": "@tiny/j", "scripts": {"test": script}})}
    files |= {f"{J}/{path}": f"export default {{ {config} }};\n"} if config else {}
    assert ids(found(files)) == [f"{J}/{path} tests.narrowed"]


@pytest.mark.parametrize(
    ("script", "config", "path"),
    [
        ("node --test 'src/**/*.{test,spec}.ts'", "", "src/x/a.spec.ts"),
        ("node --import x --test", "", "src/a-test.mjs"),
        ("vitest run", "", "src/a.spec.tsx"),
        ("vitest run tests src", "", "src/a.spec.tsx"),
        ("vitest run", "test: { exclude: ['**/e2e/**', '**/node_modules/**'] }", "src/a.spec.ts"),
        ("vitest run", "test: { coverage: { exclude: ['tests/**'] } }", "src/a.spec.ts"),
    ],
)
def test_javascript_with_a_script_of_its_own(
    found: Found, script: str, config: str, path: str
) -> None:
    manifest = json.dumps({"name": "@tiny/j", "scripts": {"test": script}})
    config = f"export default {{ {config} }};\n"
    files = {f"{J}/package.json": manifest, f"{J}/{path}": NODE, f"{J}/vitest.config.ts": config}
    assert found({**files, f"{J}/tests/a.test.ts": "remove"}) == []


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
        "class OffTests:\n    __test__ = False\n    def test_x(self): pass\n",
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
        ("test_a.py", RUNS, "1: it is not in tests"),
        ("checks/test_a.py", RUNS, "1: it is not in tests"),
        ("src/tiny_a/test_a.py", RUNS, "1: it is not in tests"),
        ("src/tiny_a/a_test.py", RUNS, "1: it is not in tests"),
        ("src/tiny_a/tests/a.py", RUNS, "1: it is not in tests"),
        ("tests/build/test_a.py", RUNS, "1: it lies in build, where pytest does not look"),
        ("tests/unit/test_b.py", f"{RUNS}class B:\n  def test_x(self): assert 1", "3: its name"),
        ("tests/unit/test_b.py", f"{RUNS}def test_it(): ...\n", "1: its name is used again"),
        ("tests/unit/test_b.py", "__test__ = False\n" + RUNS, "2: __test__ is False"),
    ],
)
def test_what_no_runner_collects(found: Found, path: str, text: str, told: str) -> None:
    for _ in range(2):
        (line,) = found({f"{A}/{path}": text})
        at, _, why = told.partition(": ")
        assert line.startswith(f"{A}/{path}:{at}: tests.lost: ")
        assert why in line


def test_what_is_skipped_in_any_case(found: Found) -> None:
    skip = "import pytest\npytestmark = pytest.mark.skip\n"
    case = (
        "import unittest\n@unittest.skip('x')\nclass A(unittest.TestCase):\n  def test_x(s): ...\n"
    )
    node = 'import { it } from "node:test";\nit.skip("x");\n'
    files = {f"{A}/tests/test_b.py": skip + RUNS, f"{A}/tests/test_c.py": case + RUNS}
    assert ids(found({**files, f"{J}/tests/b.test.ts": node})) == [
        f"{J}/tests/b.test.ts tests.skipped",
        f"{A}/tests/test_b.py tests.skipped",
        f"{A}/tests/test_c.py tests.skipped",
    ]
    one = f"import pytest\n@pytest.mark.skip\ndef test_x(): ...\n{RUNS}"
    files = {f"{A}/tests/test_b.py": one, f"{A}/tests/test_c.py": RUNS}
    assert found({**files, f"{J}/tests/b.test.ts": NODE + 'test.skip("y", f);\n'}) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import pytest\npytestmark = [pytest.mark.slow]\n{RUNS}", 3),
        (f"import pytest\nGPU = pytest.mark.gpu\n@GPU\n{RUNS}", 4),
        (f"from pytest import mark\n@mark.slow(reason='x')\n{RUNS}", 3),
        ("import pytest\n@pytest.mark.gpu\nclass TestA:\n    def test_x(self): assert 1\n", 4),
    ],
)
def test_a_package_with_tests_that_do_not_run(found: Found, text: str, line: int) -> None:
    (told,) = found({f"{A}/tests/unit/test_a.py": text})
    message = f"tests.none: {A} has no test that runs by default"
    assert told.startswith(f"{A}/tests/unit/test_a.py:{line}: {message}")


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
    assert found({f"{A}/tests/unit/test_a.py": text}) == []


def test_packages_without_tests(found: Found) -> None:
    files = [f"{A}/tests/unit/test_a.py", f"{J}/tests/a.test.ts"]
    message = "tests.none: has no test that a runner collects; write one, such as"
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
    assert "shared/py/ml has no test that runs by default" in line


@pytest.mark.parametrize("script", ["vitest run src", "node --test tests/b.test.ts"])
def test_javascript_that_the_script_does_not_name(found: Found, script: str) -> None:
    manifest = json.dumps({"name": "@tiny/j", "scripts": {"test": script}})
    files = {
        f"{J}/package.json": manifest,
        f"{J}/src/b.test.ts": NODE,
        f"{J}/tests/b.test.ts": NODE,
    }
    assert f"{J}/tests/a.test.ts tests.lost" in ids(found(files))


@pytest.mark.parametrize("path", ["src/a.test.ts", "tests/a.spec.ts", "tests/deep/a.ts"])
def test_javascript_that_no_glob_reaches(found: Found, path: str) -> None:
    (line,) = found({f"{J}/{path}": NODE})
    assert line.startswith(f"{J}/{path}:3: tests.lost: has tests that are not run: tests/**/*.test")


def test_javascript_whose_patterns_nobody_knows(found: Found) -> None:
    assert found({"tools/make/js.mk": "test:\n\t@run-tests\n", f"{J}/src/a.spec.ts": NODE}) == []


def test_javascript_with_names_of_its_own(found: Found) -> None:
    text = 'import check from "node:test";\ncheck("it", () => {});\n'
    assert found({f"{J}/tests/a.test.ts": text}) == []


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
        f"{A}/tests/__init__.py: tests.package: {package}; {share}",
        f"{A}/tests/unit/__init__.py: tests.package: {package}; {share}",
        f"{A}/tests/unit/test_a.py:1: tests.package: imports from a folder of tests; {share}",
        f"{A}/tests/unit/test_b.py:1: tests.package: imports from a folder of tests; {share}",
    ]
