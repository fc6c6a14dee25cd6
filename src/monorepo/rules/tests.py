"""Each package with code has a test that runs by default, and every test is collected.

Checked are the syntax tree and the root's configuration of pytest: `python_files`, `testpaths`, and
the marks that `-m` deselects; a test that is skipped unconditionally does not run. In JavaScript,
the globs in tools/make/js.mk and in the script `test` of the package. A module of slow tests
is fine as long as another one runs by default. `make test` checks the rest. The root's
pyproject.toml configures pytest's collection and the required coverage.

With `--import-mode=importlib`, a folder of Python tests is not a package: it has no `__init__.py`,
and no test imports from it.

Why: a test that never runs never fails; nor does a package whose only tests need a GPU. With an
`__init__.py`, the tests of all packages are one package `tests`: `make test` passes, but mypy and
pytest over the whole repository fail, or confuse modules of different packages.

Fix: name the file so that it is collected, tests/unit/test_audio.py, tests/audio.test.ts; write a
test that needs no GPU and is fast. Share code as fixtures in tests/conftest.py; a fixture can
return a function, for a helper with arguments.

Passes::

    tests/unit/test_audio.py    def test_it_is_loud(tone: Tone) -> None:
    tests/conftest.py           @pytest.fixture

Fails::

    tests/unit/audio_tests.py    def test_it_is_loud() -> None:
    tests/unit/test_audio.py     pytestmark = pytest.mark.slow
    tests/__init__.py
    tests/unit/test_audio.py     from tests.helpers import tone
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from monorepo.core.workspace import Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats, javascript, python_tests
from monorepo.parsing.python_tests import Pytest

# The file and the line of each test, and whether it runs; None for what cannot be read.
Found = list[tuple[str, int, bool] | None]
_ROOT = "pyproject.toml"
_MAKE = "tools/make/js.mk"
_SHARE = "share what tests need as a fixture in conftest.py"
# Outside the folders of tests, a file with another name may have a function that is called so.
_NAMED = re.compile(r"(.*/)?(tests?/.*|tests?(_[^/]*)?\.py|[^/]*_tests?\.py)")
_NAMED_JS = re.compile(r"(.*/)?([^/]*\.(test|spec)\.[cm]?[jt]sx?|__tests__/.*)")
# What node --test looks for when it is told nothing; Node's documentation, "Test runner".
_NODE = "**/*[._-]test.* **/test-*.* **/test/**"
# Another runner has its own ways to find them.
_OTHERS = "**/*.{test,spec}.* **/__tests__/**"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the root's configuration, and the packages."""
    return [_ROOT, *sources.space.packages]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield tests that are not run, and packages without a test that runs."""
    if subject == _ROOT:
        yield from _configuration(sources)
        return
    package = sources.space.packages[subject]
    look = _python if package.is_python else _javascript
    found: Found = []
    yield from look(sources, package, found)
    if not found and package.has_code:
        example = package.language.test
        message = "has no test that a runner collects"
        yield Finding(subject, 0, "tests", message, f"write one, such as {example}")
    elif found and not any(one is None or one[2] for one in found) and found[0]:
        path, line, _ = found[0]
        left_out = _pytest(sources).marks if package.is_python else "skip"
        message = f"none of the {len(found)} tests of {subject} runs by default ({left_out})"
        advice = "write one that needs no mark, and is not skipped"
        yield Finding(path, line, "tests", message, advice)


def _configuration(sources: Sources) -> Iterator[Finding]:
    """Yield what is missing at the root: without it, fewer tests would do."""
    if not sources.space.has_python:
        return
    tool = data_formats.table(config_files.read(sources, _ROOT), "tool")
    if not data_formats.table(tool, "pytest"):
        advice = "restore [tool.pytest.ini_options]"
        yield Finding(_ROOT, 0, "tests", "does not say how pytest collects", advice)
    if not data_formats.table(tool, "coverage", "report").get("fail_under"):
        message = "has no required coverage, so that any is enough"
        yield Finding(_ROOT, 0, "tests", message, "write fail_under into [tool.coverage.report]")


@lru_cache(maxsize=1)
def _pytest(sources: Sources) -> Pytest:
    """Return how pytest collects."""
    options = data_formats.table(config_files.read(sources, _ROOT), "tool", "pytest")
    return Pytest.read(data_formats.table(options, "ini_options") or options)


def _python(sources: Sources, package: Package, found: Found) -> Iterator[Finding]:
    """Yield the tests that pytest passes over; add those that it collects to `found`."""
    pytest = _pytest(sources)
    if pytest.by_path:
        yield from _packages(sources, package, pytest.testpaths[0])
    for path in sources.by_package[package.path]:
        inner = path.removeprefix(f"{package.path}/")
        inside = any(fnmatch.fnmatch(inner, f"{one}/*") or one == "." for one in pytest.testpaths)
        if not inner.endswith(".py") or not (inside or _NAMED.fullmatch(inner)):
            continue
        told = sources.kept.of(path, "tests", partial(_module, sources))
        if told is None:
            found.append(None)
            continue
        *folders, name = inner.split("/")
        named = any(fnmatch.fnmatch(name, one) for one in pytest.files)
        hidden = pytest.hidden(folders)
        if inside and named and not hidden:
            found += [(path, line, pytest.runs(marks)) for line, marks in told["tests"]]
            for line, why in told["lost"]:
                message = f"pytest does not collect the tests of this class: {why}"
                yield Finding(path, line, "tests", message, "fix that")
        elif told["tests"] and (told["proves"] or (named and inside)):
            why = f"is not called {' or '.join(pytest.files)}"
            if hidden:
                why = f"lies in {hidden[0]}, where pytest does not look"
            elif not inside and _imported(sources, package, inner):
                # Nobody imports a test: others are to run these.
                continue
            elif not inside:
                why = f"lies outside {pytest.testpaths[0]}, where pytest looks"
            message = f"has tests that are not run: it {why}"
            advice = "move it to tests/unit and call it test_<name>.py"
            yield Finding(path, told["tests"][0][0], "tests", message, advice)


def _packages(sources: Sources, package: Package, folder: str) -> Iterator[Finding]:
    """Yield what makes a package of a folder of tests, and what imports from one.

    By their paths, pytest imports all tests of the repository into one process, and there is one
    package `tests` in it.
    """
    homes = (folder, f"{package.path.replace('/', '.')}.{folder}")
    for path in sources.by_package[package.path]:
        if not path.startswith(f"{package.path}/{folder}/"):
            continue
        if path.endswith("/__init__.py"):
            message = f"makes a package of {folder}, and every package has one of that name"
            yield Finding(path, 0, "tests", message, f"remove it; {_SHARE}")
        elif path.endswith(".py"):
            lines = {
                one.line
                for one in sources.imports(path)
                if one.module.startswith(tuple(f"{home}." for home in homes))
            }
            for line in sorted(lines):
                yield Finding(path, line, "tests", "imports from a folder of tests", _SHARE)


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
    return {"tests": found.tests, "lost": found.lost, "proves": found.proves}


def _javascript(sources: Sources, package: Package, found: Found) -> Iterator[Finding]:
    """Yield the files with tests that no glob reaches; add the tests in others to `found`."""
    patterns = _globs(sources, package)
    for path in sources.by_package[package.path]:
        inner = path.removeprefix(f"{package.path}/")
        collected = any(python_tests.like(inner, one) for one in patterns)
        named = collected or _NAMED_JS.fullmatch(inner)
        if not inner.endswith(javascript.SUFFIXES):
            continue
        if not named and not inner.startswith(("test/", "tests/")):
            continue
        tests = sources.in_text(path, "tests", python_tests.calls)
        asks = python_tests.RUNNERS & {one.module for one in sources.imports(path)}
        if collected:
            found += [None] if tests is None else [(path, line, runs) for line, runs in tests]
            # One that calls the runner's functions by other names has tests as well.
            found += [(path, 1, True)] if asks and not tests else []
        elif tests and (named or asks):
            message = f"has tests that are not run: {' and '.join(patterns)} does not match it"
            advice = "move it to tests and call it <name>.test.ts"
            yield Finding(path, tests[0][0], "tests", message, advice)


def _globs(sources: Sources, package: Package) -> list[str]:
    """Return the patterns of the test runners of a package."""
    found = re.findall(r"'([^'\s]*/[^'\s]*\*[^'\s]*\.[cm]?[jt]sx?)'", sources.text(_MAKE) or "")
    words = python_tests.words(data_formats.table(package.manifest, "scripts").get("test"))
    if "--test" in words:
        told = [one for one in words if not one.startswith("-") and ("*" in one or "/" in one)]
        found += told or _NODE.split()
    elif words and "make" not in words:
        found += _OTHERS.split()
    return sorted({*found})
