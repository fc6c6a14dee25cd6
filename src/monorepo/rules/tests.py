"""Each package with code has a test that runs by default, and no test is passed over.

- `tests.none`: a package with code has no test that runs: there is none, or the root's `-m`
  deselects all.
- `tests.lost`: no runner collects a test: its file has another name or is not in `tests`; its
  class has a constructor, another name than `Test…` or `__test__ = False`; it is in a function;
  or another one in the same module or class has its name.
- `tests.skipped`: all tests of a file, or of a class, are skipped in any case.
- `tests.narrowed`: settings have less collected. Of pytest: any besides the root's pyproject.toml
  (pytest.ini, tox.ini, setup.cfg, a package's manifest); there, `addopts` with `--ignore`,
  `--deselect`, `-k` and the like, and `testpaths`, `norecursedirs`, `python_files`,
  `python_classes` or `python_functions` that leave out tests; PYTEST_ADDOPTS in a Makefile;
  `collect_ignore` and hooks in conftest.py. In JavaScript: `.only`, such options in the script
  `test`, and what the configuration of Vitest or Jest excludes.
- `tests.package`: with `--import-mode=importlib`, a folder of tests has an `__init__.py`, or a
  module in it is imported: the tests of all packages would be one package.
- `tests.coverage`: the root requires no coverage.

Why: a test that never runs never fails; nor does a package whose only tests need a GPU.

Fix: name the file so that it is collected; write a test that needs no GPU and is fast; share code
as fixtures in tests/conftest.py, which can return functions.

Passes::

    tests/unit/test_audio.py    def test_it_is_loud(tone: Tone) -> None:

Fails::

    tests/unit/audio_tests.py    def test_it_is_loud() -> None:
    tests/unit/test_audio.py     pytestmark = pytest.mark.slow    (and there is no other test)
    tests/__init__.py
"""

import ast
import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from monorepo.core.workspace import Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats, javascript, python_tests
from monorepo.parsing.python_tests import words

_ROOT, _FOLDER = "pyproject.toml", "tests/"
_MAKE = "tools/make/js.mk"
_SHARE = "share what tests need as a fixture in conftest.py"
_ONE = "configure pytest in the root's pyproject.toml, so that every test runs"
# Outside the folder of tests, a file with another name may have a function that is called so.
_NAMED = re.compile(r"(.*/)?(tests?/.*|tests?(_[^/]*)?\.py|[^/]*_tests?\.py)")
_NAMED_JS = re.compile(r"(.*/)?([^/]*\.(test|spec)\.[cm]?[jt]sx?|__tests__/.*)")
# What pytest has by default; its reference, "Configuration Options".
_FILES = ["test_*.py", "*_test.py"]
_HIDDEN = ["*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"]
# Options that leave tests out, or run none.
_LEAVING = {"--ignore", "--ignore-glob", "--deselect", "-k", "--collect-only", "--co", "--lf"}
_LEAVING |= {"--last-failed", "--setup-only", "--setup-plan"}
_LEAVING_JS = {"--test-name-pattern", "--test-skip-pattern", "--test-only", "--test-shard", "-t"}
_LEAVING_JS |= {"--exclude", "--testNamePattern", "--shard", "--testPathIgnorePatterns"}
_LEAVING_JS |= {"--changed", "--onlyChanged", "--passWithNoTests"}
_CONFIGURATIONS = re.compile(
    r"(tests/)?(\.?pytest\.(ini|toml)|tox\.ini|setup\.cfg|pyproject\.toml)"
)
_SECTION = re.compile(r"^\[(tool:)?pytest\]", re.MULTILINE)
_VARIABLE = re.compile(r"^[^#\n]*\bPYTEST_ADDOPTS\s*[:?+]?=(.*)$", re.MULTILINE)
_CONFIGURATION_JS = re.compile(r"(vite|vitest|jest)\.config\.[cm]?[jt]s")
# What node --test looks for when it is told nothing; Node's documentation, "Test runner".
_NODE = "**/*[._-]test.* **/test-*.* **/test/**"
# Another runner has its own ways to find them.
_OTHERS = "**/*.{test,spec}.* **/__tests__/**"


class _Settings(NamedTuple):
    """The settings of pytest in the root's pyproject.toml."""

    options: Mapping[str, Any]

    def values(self, key: str) -> list[str]:
        """Return a setting as a list; empty if there is none."""
        value = self.options.get(key)
        return [*map(str, value)] if isinstance(value, list) else words(value)

    def runs(self, marks: Sequence[str]) -> bool:
        """Return whether a test with these marks is selected."""
        chosen = [text for flag, text in pairwise(self.values("addopts")) if flag == "-m"]
        try:
            tree = ast.parse(chosen[-1] if chosen else "True", mode="eval")
        except SyntaxError:
            return True
        return "skip" not in marks and _holds(tree.body, {*marks, "True"})


def _holds(node: ast.expr, marks: set[str]) -> bool:
    """Return whether an expression of `-m` holds for a test with these marks."""
    if isinstance(node, ast.BoolOp):
        holds = [_holds(value, marks) for value in node.values]
        return all(holds) if isinstance(node.op, ast.And) else any(holds)
    if isinstance(node, ast.UnaryOp):
        return not _holds(node.operand, marks)
    return ast.unparse(node).partition("(")[0] in marks


def _settings(sources: Sources) -> _Settings:
    tool = data_formats.table(config_files.read(sources, _ROOT), "tool", "pytest")
    return _Settings(data_formats.table(tool, "ini_options") or tool)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the root's configuration, and the packages."""
    return [_ROOT, *sources.space.packages]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield tests that are not run, and packages without a test that runs."""
    if subject == _ROOT:
        if sources.space.has_python:
            yield from _configuration(sources)
        yield from _other_configurations(sources, "")
        return
    package = sources.space.packages[subject]
    if package.is_python:
        yield from _other_configurations(sources, f"{subject}/")
    # The place of each test that a runner collects, and whether it runs.
    found: list[tuple[str, int, bool]] = []
    wrong = [*(_python if package.is_python else _javascript)(sources, package, found)]
    yield from wrong
    # Only one finding tells of the same tests.
    if any(one.id in ("tests.lost", "tests.skipped") for one in wrong):
        return
    if found and not any(runs for _, _, runs in found) and sources.once(_settings).runs([]):
        path, line, _ = found[0]
        message = f"{subject} has no test that runs by default"
        advice = "write one that needs no mark, and is not skipped"
        yield Finding(path, line, "tests.none", message, advice)
    elif not found and package.has_code:
        advice = f"write one, such as {package.language.test}"
        yield Finding(subject, 0, "tests.none", "has no test that a runner collects", advice)


def _configuration(sources: Sources) -> Iterator[Finding]:
    """Yield what is missing at the root, and what leaves tests out."""
    settings = sources.once(_settings)
    wrong: list[tuple[str, str]] = []
    if not settings.options:
        yield Finding(_ROOT, 0, "tests.narrowed", "does not say how pytest collects", _ONE)
    tool = data_formats.table(config_files.read(sources, _ROOT), "tool")
    if not data_formats.table(tool, "coverage", "report").get("fail_under"):
        message = "has no required coverage, so that any is enough"
        advice = "write fail_under into [tool.coverage.report]"
        yield Finding(_ROOT, 0, "tests.coverage", message, advice)
    wrong += [("addopts", f"has {flag}") for flag in _leaving(settings.values("addopts"), _LEAVING)]
    if not settings.runs([]):
        wrong.append(("addopts", "has -m, which leaves out tests without a mark"))
    for key, name in (("python_classes", "TestX"), ("python_functions", "test_x")):
        values = settings.values(key)
        if values and not any(fnmatch.fnmatch(name, f"{one.rstrip('*')}*") for one in values):
            wrong.append((key, f"leaves out {name}"))
    inner = {
        path: path.removeprefix(f"{package.path}/")
        for package in sources.space.packages.values()
        for path in (sources.by_package[package.path] if package.is_python else ())
        if path.startswith(f"{package.path}/{_FOLDER}") and _matches(path, _FILES)
    }
    places, names = settings.values("testpaths"), settings.values("python_files")
    for key, left_out in (
        ("testpaths", lambda one: places and not any(_is_below(one, place) for place in places)),
        ("python_files", lambda one: names and not _matches(one, names)),
        ("norecursedirs", lambda one: _hidden(one, settings.values("norecursedirs"))),
    ):
        if lost := [path for path, one in inner.items() if left_out(one)]:
            wrong.append((key, f"leaves out {lost[0]}"))
    for key, what in wrong:
        line = sources.line_of(_ROOT, "[tool.pytest", key)
        yield Finding(_ROOT, line, "tests.narrowed", f"{key} {what}", "have every test run")


def _leaving(options: Sequence[str], flags: set[str]) -> list[str]:
    """Return which of some options there are, also as `--ignore=x` and `-kx`."""
    short = tuple(flag for flag in flags if len(flag) == 2)
    return [
        one.partition("=")[0]
        for before, one in pairwise(["", *options])
        if one.partition("=")[0] in flags or (one.startswith(short) and before != "-m")
    ]


def _is_below(inner: str, place: str) -> bool:
    return place == "." or fnmatch.fnmatch(inner, f"{place.rstrip('/')}/*")


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether the name of a file matches one of some patterns."""
    return any(fnmatch.fnmatch(path.rpartition("/")[2], one) for one in patterns)


def _hidden(inner: str, patterns: Sequence[str]) -> str:
    """Return the first folder of a path that matches one of some patterns."""
    folders = inner.split("/")[:-1]
    return next((one for one in folders for out in patterns if fnmatch.fnmatch(one, out)), "")


def _other_configurations(sources: Sources, start: str) -> Iterator[Finding]:
    """Yield where pytest is configured besides the root's pyproject.toml."""
    for path in sources.by_package[start.rstrip("/")] if start else sources.files:
        inner = path.removeprefix(start)
        text = sources.text(path) if _CONFIGURATIONS.fullmatch(inner) else ""
        if inner.endswith("pyproject.toml") and text and path != _ROOT:
            read = config_files.read(sources, path)
            is_one = bool(data_formats.table(read, "tool", "pytest"))
        else:
            is_one = "pytest." in inner or bool(_SECTION.search(text or ""))
        if text and is_one:
            line = sources.line_of(path, "pytest")
            yield Finding(path, line, "tests.narrowed", "configures pytest once more", _ONE)
        elif inner in ("Makefile", "GNUmakefile", ".env"):
            for found in _VARIABLE.finditer(sources.text(path) or ""):
                if flags := _leaving(words(found[1].strip()), _LEAVING | {"-m"}):
                    line = sources.line_of(path, found[0].strip())
                    message = f"PYTEST_ADDOPTS has {flags[0]}"
                    yield Finding(path, line, "tests.narrowed", message, "have every test run")


def _python(
    sources: Sources, package: Package, found: list[tuple[str, int, bool]]
) -> Iterator[Finding]:
    """Yield the tests that pytest passes over; add those that it collects to `found`."""
    settings = sources.once(_settings)
    if "--import-mode=importlib" in settings.values("addopts"):
        yield from _packages(sources, package)
    names = [*(settings.values("python_files") or _FILES), *_FILES]
    for path in sources.by_package[package.path]:
        inner = path.removeprefix(f"{package.path}/")
        inside = inner.startswith(_FOLDER)
        if not inner.endswith(".py") or not (inside or _NAMED.fullmatch(inner)):
            continue
        read = sources.kept.of(path, "tests", partial(_module, sources))
        if read is None:
            found.append((path, 0, True))
            continue
        for line in read["left_out"] if inner.endswith("conftest.py") else ():
            yield Finding(path, line, "tests.narrowed", "has pytest collect less", "remove it")
        named = _matches(path, names)
        hidden = _hidden(inner, [] if settings.values("norecursedirs") else _HIDDEN)
        if inside and named and not hidden:
            rows = [(path, line, settings.runs(marks)) for line, marks, _ in read["tests"]]
            found += rows
            for line, why in read["lost"]:
                message = f"has a test that is not run: {why}"
                yield Finding(path, line, "tests.lost", message, "make it a test of its own")
            yield from _skipped(path, read["tests"])
        elif read["tests"] and (read["proves"] or (named and inside)):
            if not inside and _imported(sources, package, inner):
                # Nobody imports a test: others are to run these.
                continue
            why = f"is not called {' or '.join(_FILES)}"
            if hidden or not inside:
                why = (
                    f"lies in {hidden}, where pytest does not look" if hidden else "is not in tests"
                )
            message, advice = (
                f"has tests that are not run: it {why}",
                "move it to tests/unit/test_*.py",
            )
            yield Finding(path, read["tests"][0][0], "tests.lost", message, advice)


def _skipped(path: str, tests: Sequence[tuple[int, list[str], int]]) -> Iterator[Finding]:
    """Yield a finding if all tests of a file are skipped, or of a class of it."""
    running = {group for _, marks, group in tests if "skip" not in marks}
    advice = "have it run, or remove it"
    if tests and not running:
        message = "has only tests that are skipped in any case"
        yield Finding(path, tests[0][0], "tests.skipped", message, advice)
    for group in sorted({group for _, _, group in tests} - running - {0} if running else ()):
        message = "has a class with only tests that are skipped in any case"
        yield Finding(path, group, "tests.skipped", message, advice)


def _packages(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield what makes a package of a folder of tests, and what imports from one.

    By their paths, pytest imports all tests of the repository into one process, and there is one
    package `tests` in it.
    """
    homes = ("tests.", f"{package.path.replace('/', '.')}.tests.")
    for path in sources.by_package[package.path]:
        if not path.startswith(f"{package.path}/{_FOLDER}"):
            continue
        if path.endswith("/__init__.py"):
            message = "makes a package of tests, and every package has one of that name"
            yield Finding(path, 0, "tests.package", message, f"remove it; {_SHARE}")
        elif path.endswith(".py"):
            imports = sources.imports(path)
            for line in sorted({one.line for one in imports if one.module.startswith(homes)}):
                message = "imports from a folder of tests"
                yield Finding(path, line, "tests.package", message, _SHARE)


def _imported(sources: Sources, package: Package, inner: str) -> bool:
    """Return whether a package imports a module of its own."""
    name = inner.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return any(
        f"{one.module}.".startswith(f"{name}.")
        for path in sources.by_package[package.path]
        if path.endswith(".py") and path != f"{package.path}/{inner}"
        for one in sources.imports(path)
    )


def _module(sources: Sources, path: str) -> dict[str, Any] | None:
    """Return what tests a file has; None if it is no Python."""
    if (tree := sources.tree(path)) is None:
        return None
    found = python_tests.Module(tree)
    read = {"tests": found.tests, "lost": found.lost, "proves": found.proves}
    return {**read, "left_out": python_tests.left_out(tree)}


def _javascript(
    sources: Sources, package: Package, found: list[tuple[str, int, bool]]
) -> Iterator[Finding]:
    """Yield the tests that no runner runs; add those that one collects to `found`."""
    script = words(data_formats.table(package.manifest, "scripts").get("test"))
    runs_none = script[:1] in (["echo"], ["true"], ["exit"], [":"]) or "||" in script
    if flags := [*_leaving(script, _LEAVING_JS), *["a way to pass without tests"] * runs_none]:
        line = sources.line_of(package.manifest_path, '"scripts"', '"test"')
        message = f"the script test has {flags[0]}"
        yield Finding(package.manifest_path, line, "tests.narrowed", message, "have every test run")
    patterns, told = _globs(sources, script), False
    excluded = [*_excluded(sources, package)]
    for path in sources.by_package[package.path]:
        inner = path.removeprefix(f"{package.path}/")
        collected = any(python_tests.like(inner, one) for one in patterns)
        named = collected or _NAMED_JS.fullmatch(inner)
        if not inner.endswith(javascript.SUFFIXES):
            continue
        if not named and not inner.startswith(("test/", _FOLDER)):
            continue
        tests = sources.in_text(path, "tests", python_tests.calls)
        asks = python_tests.RUNNERS & {one.module for one in sources.imports(path)}
        if not tests and not (asks and collected) and tests is not None:
            continue
        for config, line, pattern in excluded if tests and not told else ():
            if pattern.strip("*/") in inner or python_tests.like(inner, pattern):
                message, told = f"leaves out {path}", True
                yield Finding(config, line, "tests.narrowed", message, "have every test run")
                break
        if collected:
            # One that calls the runner's functions by other names has tests as well.
            rows = tests or [[1, "run"]]
            found += [(path, line, state != "skip") for line, state in rows]
            yield from _skipped(path, [(line, [state], 0) for line, state in rows])
            for line in [line for line, state in rows if state == "only"][:1]:
                message, advice = "runs only some of its tests", "remove only"
                yield Finding(path, line, "tests.narrowed", message, advice)
        elif named or asks:
            message = f"has tests that are not run: {' and '.join(patterns)} does not match it"
            advice = "move it to tests/<name>.test.ts"
            yield Finding(path, tests[0][0], "tests.lost", message, advice)


def _globs(sources: Sources, script: Sequence[str]) -> list[str]:
    """Return the patterns of the test runners of a package."""
    found = re.findall(r"'([^'\s]*/[^'\s]*\*[^'\s]*\.[cm]?[jt]sx?)'", sources.text(_MAKE) or "")
    told = [one for one in script if not one.startswith("-")]
    if "--test" in script:
        found += [one for one in told if "*" in one or "/" in one] or _NODE.split()
    elif script and "make" not in script:
        # Words behind `vitest run` are parts of paths.
        parts = [one for one in told[1:] if one not in ("run", "watch", "dev")]
        found += [f"**/*{part}*" for part in parts] or _OTHERS.split()
    return sorted({*found})


def _excluded(sources: Sources, package: Package) -> Iterator[tuple[str, int, str]]:
    """Yield where configurations of Vitest and Jest exclude tests, and each pattern."""
    for path in sources.by_package[package.path]:
        if _CONFIGURATION_JS.fullmatch(path.removeprefix(f"{package.path}/")):
            for line, pattern in sources.in_text(path, "excluded", _exclusions) or ():
                yield path, line, pattern
    jest = data_formats.table(package.manifest, "jest").get("testPathIgnorePatterns")
    for pattern in jest if isinstance(jest, list) else ():
        line = sources.line_of(package.manifest_path, "testPathIgnorePatterns")
        yield package.manifest_path, line, str(pattern)


def _exclusions(text: str) -> list[tuple[int, str]]:
    """Return the patterns of tests that a configuration excludes: in `test`, or of Jest."""
    found, opened, key = [], [], ""
    code = javascript.tokens(text)
    for token, after in zip(code, [*code[1:], javascript.END], strict=True):
        if token.text == "{":
            opened.append(key)
        elif token.text == "}" and opened:
            opened.pop()
        elif after.text == ":":
            key = token.text.strip("\"'")
        elif token.kind is javascript.TokenKind.STRING and (
            key == "testPathIgnorePatterns" or (key == "exclude" and opened[-1:] == ["test"])
        ):
            found.append((token.line, token.text[1:-1]))
    return found
