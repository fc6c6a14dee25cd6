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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from monorepo.core.workspace import Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats, javascript, python_tests
from monorepo.parsing.python_tests import words

# The file and the line of each test that a runner collects, and whether it runs.
Found = list[tuple[str, int, bool]]
_ROOT, _MAKE = "pyproject.toml", "tools/make/js.mk"
_ALL = "have every test run"
_SHARE = "share what tests need as a fixture in conftest.py"
# Outside the folder of tests, a file with another name may have a function that is called so.
_NAMED = re.compile(r"(.*/)?(tests?/.*|tests?(_[^/]*)?\.py|[^/]*_tests?\.py)")
_NAMED_JS = re.compile(r"(.*/)?([^/]*\.(test|spec)\.[cm]?[jt]sx?|__tests__/.*)")
# What pytest has by default; its reference, "Configuration Options".
_FILES = ["test_*.py", "*_test.py"]
_HIDDEN = ["*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"]
# A file or a name that each setting has to have collected, and folders in which pytest has to look.
_PROBES = {"testpaths": "tests/test_x.py", "python_files": "test_x.py"}
_PROBES |= {"python_classes": "TestX", "python_functions": "test_x"}
_FOLDERS = ("tests", "unit", "contract", "integration")
# Options that leave tests out, or run none.
_LEAVING = {"--ignore", "--ignore-glob", "--deselect", "-k", "--collect-only", "--co", "--lf"}
_LEAVING |= {"--last-failed", "--setup-only", "--setup-plan", "no:python", "no:unittest"}
_LEAVING_JS = {"--test-name-pattern", "--test-skip-pattern", "--test-only", "--test-shard", "-t"}
_LEAVING_JS |= {"--exclude", "--testNamePattern", "--shard", "--testPathIgnorePatterns", "--grep"}
_LEAVING_JS |= {"--changed", "--onlyChanged", "--passWithNoTests"}
_NOTHING = re.compile(r"(\|\||;)\s*(true|:|exit 0)\s*$|^(echo|true|exit|:)\b")
_PYTEST = re.compile(r"(tests/)?(\.?pytest\.(ini|toml)|tox\.ini|setup\.cfg|pyproject\.toml)")
_SECTION = re.compile(r"^\[(tool[:.])?pytest\b", re.MULTILINE)
_VARIABLE = re.compile(r"^[^#\n]*\bPYTEST_ADDOPTS\s*[:?+]?=(.*)$", re.MULTILINE)
_VITEST = re.compile(r"(vite|vitest|jest)\.config\.[cm]?[jt]s")
# The marks after `not` in `-m`: a name, or several in parentheses.
_WITHOUT = re.compile(r"\bnot\s+(\w+|\([^)]*\))")
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
        yield from _root(sources) if sources.space.has_python else ()
        yield from _other_settings(sources, sources.files, "")
        return
    package, found = sources.space.packages[subject], Found()
    wrong = [*(_python if package.is_python else _javascript)(sources, package, found)]
    yield from wrong
    # Only one finding tells of the same tests.
    if any(one.id in ("tests.lost", "tests.skipped") for one in wrong):
        return
    narrowed = package.is_python and _selected(_settings(sources)[1])
    if found and not any(runs for _, _, runs in found) and not narrowed:
        message, advice = f"{subject} has no test that runs by default", "write one without a mark"
        yield Finding(*found[0][:2], "tests.none", message, advice)
    elif not found and package.has_code:
        advice = f"write one, such as {package.language.test}"
        yield Finding(subject, 0, "tests.none", "has no test that a runner collects", advice)


def _settings(sources: Sources) -> tuple[Mapping[str, Any], str]:
    """Return the settings of pytest at the root, and the expression of `-m` in them."""
    tool = data_formats.table(config_files.read(sources, _ROOT), "tool", "pytest")
    settings = data_formats.table(tool, "ini_options") or tool
    options = pairwise(_values(settings, "addopts"))
    return settings, [text for flag, text in [("-m", ""), *options] if flag == "-m"][-1]


def _values(settings: Mapping[str, Any], key: str) -> list[str]:
    """Return a setting as a list; empty if there is none."""
    value = settings.get(key)
    return [*map(str, value)] if isinstance(value, list) else words(value)


def _selected(marks: str) -> bool:
    """Return whether an expression of `-m` selects marks, and so no test without one."""
    return bool(re.search(r"\w", re.sub(r"\band\b", "", _WITHOUT.sub("", marks))))


def _root(sources: Sources) -> Iterator[Finding]:
    """Yield what is missing at the root, and what leaves tests out."""
    tool = data_formats.table(config_files.read(sources, _ROOT), "tool")
    if not data_formats.table(tool, "coverage", "report").get("fail_under"):
        message = "has no required coverage, so that any is enough"
        advice = "write fail_under into [tool.coverage.report]"
        yield Finding(_ROOT, 0, "tests.coverage", message, advice)
    settings, marks = _settings(sources)
    wrong = [] if settings else ["does not say how pytest collects"]
    options = _values(settings, "addopts")
    named = [one for one in options if re.match(r"tests/|[^-].*::", one)]
    wrong += [f"addopts has {one}" for one in _leaving(options, _LEAVING) or named]
    wrong += ["addopts has -m, which selects marks"] if _selected(marks) else []
    for key, probe in _PROBES.items():
        values = _values(settings, key)
        covered = (
            one == "." or probe.startswith(one) or fnmatch.fnmatch(probe, one) for one in values
        )
        wrong += [f"{key} leaves out {probe}"] if values and not any(covered) else []
    # At the root, pytest collects all packages.
    homes = [f"{one.path}/tests" for one in sources.space.packages.values() if one.is_python]
    places = _values(settings, "testpaths")
    left_out = [home for home in homes if not _hidden([home], places)]
    wrong += [f"testpaths leaves out {left_out[0]}"] if left_out and left_out != homes else []
    hidden = [one for one in _FOLDERS if _hidden([one], _values(settings, "norecursedirs"))]
    wrong += [f"norecursedirs leaves out {hidden[0]}"] if hidden else []
    for message in wrong:
        line = sources.line_of(_ROOT, "[tool.pytest", message.partition(" ")[0])
        yield Finding(_ROOT, line, "tests.narrowed", message, _ALL)


def _leaving(options: Sequence[str], flags: set[str]) -> list[str]:
    """Return which of some options there are, also as `--ignore=x` and `-kx`."""
    names = [one[:2] if re.match(r"-\w", one) else one.partition("=")[0] for one in options]
    return [name for before, name in pairwise(["", *names]) if name in flags and before != "-m"]


def _hidden(folders: Sequence[str], patterns: Iterable[str]) -> str:
    """Return the first folder that one of some patterns matches."""
    return next((one for one in folders for out in patterns if fnmatch.fnmatch(one, out)), "")


def _other_settings(sources: Sources, paths: Iterable[str], start: str) -> Iterator[Finding]:
    """Yield where pytest is configured besides the root's pyproject.toml."""
    for path in paths:
        inner = path.removeprefix(start)
        if path != _ROOT and _PYTEST.fullmatch(inner):
            if found := _SECTION.search(sources.text(path) or ""):
                line = found.string.count("\n", 0, found.start()) + 1
                message, advice = "configures pytest once more", f"do so in the root's {_ROOT}"
                yield Finding(path, line, "tests.narrowed", message, advice)
        elif inner in ("Makefile", ".env"):
            for found in _VARIABLE.finditer(sources.text(path) or ""):
                line = found.string.count("\n", 0, found.start()) + 1
                for flag in _leaving(words(found[1].strip()), _LEAVING | {"-m"}):
                    yield Finding(path, line, "tests.narrowed", f"PYTEST_ADDOPTS has {flag}", _ALL)


def _python(sources: Sources, package: Package, found: Found) -> Iterator[Finding]:
    """Yield the tests that pytest passes over; add those that it collects to `found`."""
    files = sources.by_package[package.path]
    yield from _other_settings(sources, files, f"{package.path}/")
    settings, marks_out = _settings(sources)
    if "--import-mode=importlib" in _values(settings, "addopts"):
        yield from _packages(sources, package)
    out = {"skip", *re.findall(r"\w+", " ".join(_WITHOUT.findall(marks_out)))}
    names = [*_values(settings, "python_files"), *_FILES]
    for path in files:
        *folders, name = path.removeprefix(f"{package.path}/").split("/")
        inner, inside = "/".join([*folders, name]), folders[:1] == ["tests"]
        if not name.endswith(".py") or not (inside or _NAMED.fullmatch(inner)):
            continue
        read = sources.in_tree(path, "tests", _module)
        if read is None:
            found.append((path, 0, True))
            continue
        has_hooks = name == "conftest.py"
        for line in sources.in_tree(path, "left out", python_tests.left_out) if has_hooks else ():
            yield Finding(path, line, "tests.narrowed", "has pytest collect less", "remove it")
        named = any(fnmatch.fnmatch(name, one) for one in names)
        hidden = _hidden(folders, _values(settings, "norecursedirs") or _HIDDEN)
        if inside and named and (not hidden or hidden in _FOLDERS):
            found += [(path, line, out.isdisjoint(marks)) for line, marks, _ in read["tests"]]
            for line, why in read["lost"]:
                message = f"has a test that is not run: {why}"
                yield Finding(path, line, "tests.lost", message, "make it a test of its own")
            yield from _skipped(path, read["tests"])
        elif read["tests"] and (read["proves"] or (named and inside)):
            if not inside and _imported(sources, package, inner):
                # Nobody imports a test: others are to run these.
                continue
            why = f"is not called {' or '.join(_FILES)}" if inside else "is not in tests"
            why = f"lies in {hidden}, where pytest does not look" if hidden else why
            message = f"has tests that are not run: it {why}"
            advice = "move it to tests/unit and call it test_<name>.py"
            yield Finding(path, read["tests"][0][0], "tests.lost", message, advice)


def _skipped(path: str, tests: Sequence[tuple[int, list[str], int]]) -> Iterator[Finding]:
    """Yield a finding if all tests of a file are skipped, or of a class of it."""
    running = {group for _, marks, group in tests if "skip" not in marks}
    lines = sorted({group for _, _, group in tests} - running - {0}) if running else ()
    for line in lines if running else [line for line, _, _ in tests[:1]]:
        message = "has only tests that are skipped in any case"
        yield Finding(path, line, "tests.skipped", message, "have them run, or remove them")


def _packages(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield what makes a package of a folder of tests, and what imports from one.

    By their paths, pytest imports all tests of the repository into one process, and there is one
    package `tests` in it.
    """
    homes = ("tests.", f"{package.path.replace('/', '.')}.tests.")
    for path in sources.by_package[package.path]:
        if not path.startswith(f"{package.path}/tests/"):
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


def _module(tree: ast.Module) -> dict[str, Any]:
    """Return what tests a module has."""
    found = python_tests.Module(tree)
    return {"tests": found.tests, "lost": found.lost, "proves": found.proves}


def _javascript(sources: Sources, package: Package, found: Found) -> Iterator[Finding]:
    """Yield the tests that no runner runs; add those that one collects to `found`."""
    script = words(data_formats.table(package.manifest, "scripts").get("test"))
    manifest = package.manifest_path
    never = _NOTHING.search(" ".join(script))
    flags = [*_leaving(script, _LEAVING_JS), *([never[0].strip()] if never else [])]
    for flag in flags[:1]:
        line = sources.line_of(manifest, '"scripts"', '"test"')
        yield Finding(manifest, line, "tests.narrowed", f"the script test has {flag}", _ALL)
    patterns = ["**"] if flags else _globs(sources, script)
    excluded = [*_excluded(sources, package)]
    for path in sources.by_package[package.path]:
        inner = path.removeprefix(f"{package.path}/")
        collected = any(python_tests.like(inner, one) for one in patterns)
        named = collected or bool(_NAMED_JS.fullmatch(inner))
        if not inner.endswith(javascript.SUFFIXES):
            continue
        if not named and not inner.startswith(("test/", "tests/")):
            continue
        tests = sources.in_text(path, "tests", python_tests.calls)
        asks = python_tests.RUNNERS & {one.module for one in sources.imports(path)}
        if tests == [] and collected and asks:
            # It calls the runner's functions by other names.
            tests = [[1, "run"]]
        if tests is None:
            found += [(path, 0, True)] if collected else []
        elif tests and (out := [row for row in excluded if python_tests.like(inner, row[2])]):
            config, line, _ = out[0]
            found += [(path, 0, True)]
            yield Finding(config, line, "tests.narrowed", f"leaves out {path}", _ALL)
            excluded = []
        elif tests and collected:
            found += [(path, line, state != "skip") for line, state in tests]
            yield from _skipped(path, [(line, [state], 0) for line, state in tests])
            for line in [line for line, state in tests if state == "only"][:1]:
                message = "runs only some of its tests"
                yield Finding(path, line, "tests.narrowed", message, "remove only")
        elif tests and (named or asks):
            message = f"has tests that are not run: {' and '.join(patterns)} does not match it"
            advice = "move it to tests and call it <name>.test.ts"
            yield Finding(path, tests[0][0], "tests.lost", message, advice)


def _globs(sources: Sources, script: Sequence[str]) -> list[str]:
    """Return the patterns of the test runners of a package."""
    told = [one for one in script if not one.startswith("-")]
    if "--test" in script:
        return [one for one in told if "*" in one or "/" in one] or _NODE.split()
    if script and "make" not in script:
        # Words behind `vitest run` are parts of paths.
        parts = [one for one in told[1:] if one not in ("run", "watch", "dev")]
        return [f"**/*{part}*" for part in parts] or _OTHERS.split()
    found = re.findall(r"'([^'\s]*/[^'\s]*\*[^'\s]*\.[cm]?[jt]sx?)'", sources.text(_MAKE) or "")
    # Where no pattern is known, nobody knows what is left out.
    return sorted({*found}) or ["**"]


def _excluded(sources: Sources, package: Package) -> Iterator[tuple[str, int, str]]:
    """Yield the patterns by which configurations of Vitest and Jest exclude tests."""
    for path in sources.by_package[package.path]:
        if _VITEST.fullmatch(path.removeprefix(f"{package.path}/")):
            for line, pattern in sources.in_text(path, "excluded", _exclusions) or ():
                yield path, line, pattern


def _exclusions(text: str) -> list[tuple[int, str]]:
    """Return the globs of tests that a configuration excludes: in `test`, or for Jest."""
    found, opened, key = [], [""], ""
    code = javascript.tokens(text)
    for token, after in zip(code, [*code[1:], javascript.END], strict=True):
        if token.text == "{":
            opened.append(key)
        elif token.text == "}":
            key = opened.pop() if opened else ""
        elif after.text == ":":
            key = token.text.strip("\"'")
        elif token.kind is javascript.TokenKind.STRING:
            if key == "exclude" and opened[-1:] == ["test"]:
                found.append((token.line, token.text[1:-1]))
            elif key == "testPathIgnorePatterns":
                found.append((token.line, f"**{token.text[1:-1].strip('/')}*"))
    return found
