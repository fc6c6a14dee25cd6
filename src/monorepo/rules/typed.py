"""Packages ship their types, and none loosens its checks.

Each import package in src has a py.typed, which the manifest does not exclude from the wheel. mypy,
Ruff, Biome and the TypeScript compiler are configured once, at the root: no package has a table or
file of its own, and no other file beside the root's pyproject.toml overrides it. No comment turns a
check off for a whole file: `# mypy: ignore-errors`, `# type: ignore` above all code, `# ruff:
noqa`, `# flake8: noqa`, `// @ts-nocheck`, `// biome-ignore-all lint`. A comment for a line is fine,
and settings for single modules or rules at the root are the team's decision.

Why: mypy silently ignores `strict` where a package has a table of its own; a run that is green
because it checks less looks like any other green run.

Fix: remove it, and fix the errors; settings for all packages belong at the root.

Passes::

    import untyped  # type: ignore[import-untyped]

Fails::

    # mypy: ignore-errors
"""

import contextlib
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from monorepo.core.languages import TOPS
from monorepo.core.workspace import Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.parsing import data_formats, javascript

Found = Iterator[tuple[int, str]]
_MYPY, _COMPILER, _BROWSER = "pyproject.toml", "tsconfig.base.json", "tsconfig.browser.json"
_FILES = {"mypy.ini": "mypy", ".mypy.ini": "mypy", "ruff.toml": "Ruff", ".ruff.toml": "Ruff"}
_INSTEAD = "configures {} in place of the root's pyproject.toml"
_LESS = "lets {} look at less ({})"
_RUFF = re.compile(r"(extend-)?(exclude|ignore|per-file-ignores)|select")
# The compiler's options that the root or its `strict` sets.
_STRICT = re.compile(r"([aA]lways)?[sS]trict.*|no(Implicit|Unchecked|Fallth).*|exactO.*|useUnk.*")
_PYTHON = re.compile(
    r"#\s*(mypy:.*\bignore[-_]errors|ruff\s*:\s*noqa|flake8[:=]\s*noqa)\b", re.IGNORECASE
)
# Above all code, this is about the file; mypy and Ruff tell the other comments by their words.
_IGNORED = re.compile(r"#\s*type:\s*ignore\b")
_ABOVE = re.compile(r"(#![^\n]*|\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_JAVASCRIPT = re.compile(
    r"^[ \t]*///?\s*@ts-nocheck\b|/[/*]+\s*biome-ignore-all\s+(?!format|assist)", re.MULTILINE
)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, for the files at its root, and the packages."""
    return [".", *sources.space.packages]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at the configuration, the marks of types and the comments of a package."""
    if subject == ".":
        yield from _root(sources)
        return
    package = sources.space.packages[subject]
    advice = "remove it and fix what is found then"
    for path in sources.by_package[subject]:
        for line, message in [*_configured(sources, package, path), *_comments(sources, path)]:
            yield Finding(path, line, "typed", message, advice)
    if package.is_python:
        yield from _marks(sources, package)


def _root(sources: Sources) -> Iterator[Finding]:
    """Yield what takes the place of the root's configuration, and what of that is not strict."""
    for path in sources.files:
        tool = _FILES.get(path.rpartition("/")[2])
        above = path.startswith(tuple(f"{top}/" for top in TOPS)) or "/" not in path
        if tool and above and sources.package_of(path) is None:
            yield Finding(path, 0, "typed", _INSTEAD.format(tool), "move what you need of it there")
    python = sources.space.has_python
    tools = data_formats.table(config_files.read(sources, _MYPY), "tool")
    if python and data_formats.table(tools, "mypy").get("strict") is not True:
        line = sources.line_of(_MYPY, "[tool.mypy]")
        yield Finding(_MYPY, line, "typed", "mypy is not strict", "write strict = true")
    if python and not data_formats.entries(tools, "ruff", "lint", "select"):
        message, advice = "selects no rules of Ruff", "restore select in [tool.ruff.lint]"
        yield Finding(_MYPY, 0, "typed", message, advice)
    compiler = config_files.read(sources, _COMPILER)
    options = data_formats.table(compiler, "compilerOptions")
    if compiler is not None and options.get("strict") is not True:
        message = "the compiler is not strict"
        yield Finding(_COMPILER, 0, "typed", message, 'write "strict": true')
    for line, message in _compiler(sources, _BROWSER):
        yield Finding(_BROWSER, line, "typed", message, "remove it and fix what is found then")


def _configured(sources: Sources, package: Package, path: str) -> Found:
    """Yield configurations by which a tool checks less than at the root."""
    inner = path.removeprefix(f"{package.path}/")
    name = inner.rpartition("/")[2]
    if _FILES.get(name) == "mypy":
        yield 0, _INSTEAD.format("mypy")
    elif inner == "setup.cfg" and (line := line_of(sources.text(path) or "", "[mypy")):
        yield line, _INSTEAD.format("mypy")
    elif name in _FILES:
        if (told := config_files.read(sources, path)) is not None:
            yield from _ruff(sources, path, told, "")
    elif inner == "pyproject.toml":
        tool = data_formats.table(package.manifest, "tool")
        if "mypy" in tool:
            yield sources.line_of(path, "[tool.mypy"), _INSTEAD.format("mypy")
        if "ruff" in tool:
            yield from _ruff(sources, path, data_formats.table(tool, "ruff"), "[tool.ruff")
    elif re.fullmatch(r"(tests/)?tsconfig[^/]*\.json", inner):
        yield from _compiler(sources, path)
    elif name in ("biome.json", "biome.jsonc"):
        told = config_files.read(sources, path)
        if told is not None and "//" not in str(told.get("extends")):
            yield 0, 'does not extend the root\'s biome.json, "//", and takes its place'


def _ruff(sources: Sources, path: str, ruff: Mapping[str, Any], start: str) -> Found:
    """Yield where a configuration of Ruff takes the place of the root's, or loosens it."""
    if not str(ruff.get("extend", "")).endswith("../pyproject.toml"):
        yield sources.line_of(path, start), _INSTEAD.format("Ruff")
        return
    for key in {*ruff, *data_formats.table(ruff, "lint")}:
        if _RUFF.fullmatch(key):
            yield sources.line_of(path, start, key), _LESS.format("Ruff", key)


def _compiler(sources: Sources, path: str) -> Found:
    """Yield where a tsconfig.json lets the compiler look at less."""
    if (told := config_files.read(sources, path)) is None:
        return
    for key, value in data_formats.table(told, "compilerOptions").items():
        if (_STRICT.fullmatch(key) and value is False) or (key == "noCheck" and value is True):
            yield sources.line_of(path, f'"{key}"'), _LESS.format("the compiler", key)
    # One with references and an empty list of files only names others.
    if "extends" not in told and not {"references", "files"} <= told.keys():
        yield 0, "does not extend tsconfig.base.json, which is strict"


def _comments(sources: Sources, path: str) -> Found:
    """Yield the comments that switch a check off for all of a file."""
    for suffixes, find in (((".py", ".pyi"), _in_python), (javascript.SUFFIXES, _in_javascript)):
        if path.endswith(suffixes):
            for line, comment in sources.in_text(path, "comments", find) or ():
                yield line, f"{comment} is about all of the file"


def _in_python(text: str) -> list[list[Any]]:
    """Return the line and the text of each such comment in Python."""
    found: list[list[Any]] = []
    # To take each file apart would cost more than all else.
    if not _PYTHON.search(text) and not _IGNORED.search(text):
        return found
    above = True
    # What is no Python is looked at up to where it breaks off.
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                told = _PYTHON.match(token.string) or (above and _IGNORED.match(token.string))
                found += [[token.start[0], told[0]]] if told else []
            above = above and token.type in (tokenize.COMMENT, tokenize.NL)
    return found


def _in_javascript(text: str) -> list[list[Any]]:
    """Return the line and the text of each such comment above the code of a file."""
    above = _ABOVE.match(text)
    found = _JAVASCRIPT.finditer(above[0] if above else "")
    return [[text.count("\n", 0, one.start()) + 1, one[0].strip()] for one in found]


def _marks(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield the import packages without py.typed, and what keeps it out of the wheel."""
    start = f"{package.path}/src/"
    files = [one for one in sources.by_package[package.path] if one.startswith(start)]
    code = {one.rpartition("/")[0] for one in files if one.endswith(".py")} - {start[:-1]}
    marked = tuple(one.removesuffix("py.typed") for one in files if one.endswith("/py.typed"))
    # In a namespace, the packages are those below it; one mark may be for all of these.
    for top in sorted(code):
        inside = any(top.startswith(f"{other}/") for other in code)
        if not inside and not f"{top}/".startswith(marked) and "-stubs" not in top:
            message = "has no py.typed: who imports it gets no types"
            yield Finding(top, 0, "typed", message, "add an empty file of that name")
    # setuptools puts it into the wheel unless it is told otherwise, and so do the others.
    setuptools = data_formats.table(package.manifest, "tool", "setuptools")
    tables = data_formats.table(setuptools, "exclude-package-data").values()
    excluded = (str(one) for names in tables if isinstance(names, list) for one in names)
    if any(fnmatch("py.typed", one) for one in excluded):
        path = f"{package.path}/pyproject.toml"
        advice = "leave py.typed out of what is excluded"
        line = sources.line_of(path, "exclude-package-data")
        yield Finding(path, line, "typed", "keeps py.typed out of the wheel", advice)
