"""Packages ship their types, and none loosens its checks.

typed.mark     an import package in src has no py.typed, or the manifest keeps it out of the wheel
typed.config   the root's configuration of mypy, Ruff or the TypeScript compiler is not strict, or a
               file or table in its place: of mypy, pyright, Ruff, Biome and the compiler, at any
               depth; Ruff's may extend the root's, Biome's `//`, a tsconfig.json our base, as long
               as they switch nothing off
typed.comment  a comment switches a check off for all of a file: `# mypy: ignore-errors` and each
               option below strict, `# type: ignore` above all code, `# pyright: basic`,
               `# ruff: noqa`, `# flake8: noqa`, `// @ts-nocheck`, `/* eslint-disable */`,
               `// biome-ignore-all lint`

A comment for a line or for single rules of a linter is fine, and settings for single modules or
rules at the root are the team's decision.

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
import posixpath
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monorepo.core.languages import TOPS
from monorepo.core.workspace import Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import PYTHON, Sources, line_of
from monorepo.parsing import data_formats, javascript, notebooks
from monorepo.system.text_files import MalformedError

Found = Iterator[tuple[int, str]]
_ROOT, _COMPILER, _BROWSER = "pyproject.toml", "tsconfig.base.json", "tsconfig.browser.json"
_FILES = {"mypy.ini": "mypy", ".mypy.ini": "mypy", "pyrightconfig.json": "pyright"}
_FILES |= {"ruff.toml": "Ruff", ".ruff.toml": "Ruff"}
_TABLES = {"mypy": "mypy", "pyright": "pyright", "basedpyright": "pyright"}
_INSTEAD = "configures {} in place of the root's pyproject.toml"
_LESS = "lets {} look at less ({})"
_RUFF = re.compile(r"(extend-)?(exclude|ignore|per-file-ignores)|select")
# Options of mypy that take from `strict`, as `name=value`.
_MYPY = re.compile(
    r"(ignore_(errors|missing_imports)|allow_\w+|implicit_\w+"
    r"|no_(disallow|check|strict|extra|warn)\w*)(=(true|1))?|disable_error_code=.*"
    r"|(disallow|check|strict|extra|no_implicit|warn_(re|unused))\w*=(false|0)"
    r"|follow_imports=(skip|silent)"
)
# What the team may decide at the root.
_TEAMS = re.compile(r"ignore_missing|disable_error|follow_imports|allow_redef")
# The options of the compiler that the root or its `strict` sets.
_COMPILED = re.compile(r"([aA]lways)?[sS]trict.*|no(Implicit|Unchecked|Fallth).*|exactO.*|useUnk.*")
_DIRECTIVE = re.compile(r"#\s*(mypy|(?:based)?pyright|ruff|flake8)\s*[:=]\s*(.*)", re.IGNORECASE)
# Above all code, this is about the file; mypy and Ruff tell the other comments by their words.
_IGNORED = re.compile(r"#\s*type:\s*ignore\b.*")
_PYRIGHT = re.compile(r"\b(basic|standard|off)\b|=\s*(false|none)\b", re.IGNORECASE)
_ABOVE = re.compile(r"(#![^\n]*|\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_JAVASCRIPT = re.compile(
    r"^[ \t]*///?\s*@ts-nocheck\b|/\*\s*eslint-disable\s*(--.*)?\*/"
    r"|/[/*]+\s*biome-ignore-all\s+lint(/\w+)?(?![\w/])",
    re.MULTILINE,
)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, for the files at its root, and the packages."""
    return [".", *sources.space.packages]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at the configuration, the marks of types and the comments of a package."""
    advice = "remove it and fix what is found then"
    if subject == ".":
        for path in sources.files:
            above = path.startswith(tuple(f"{top}/" for top in TOPS)) or "/" not in path
            tool = _FILES.get(path.rpartition("/")[2], "pyright")
            if above and tool != "pyright" and sources.package_of(path) is None:
                yield Finding(path, 0, "typed.config", _INSTEAD.format(tool), advice)
        for path, line, message in _root(sources):
            yield Finding(path, line, "typed.config", message, "restore it, and fix what is found")
        return
    for path in sources.by_package[subject]:
        for line, message in _configured(sources, path):
            yield Finding(path, line, "typed.config", message, advice)
        for line, comment in _comments(sources, path):
            yield Finding(path, line, "typed.comment", f"{comment} is about the whole file", advice)
    package = sources.space.packages[subject]
    if package.is_python:
        yield from _marks(sources, package)


def _root(sources: Sources) -> Iterator[tuple[str, int, str]]:
    """Yield path, line and message of what is not strict at the root."""
    tools = data_formats.table(config_files.read(sources, _ROOT), "tool")
    if sources.space.has_python:
        mypy = data_formats.table(tools, "mypy")
        if mypy.get("strict") is not True:
            yield _ROOT, sources.line_of(_ROOT, "[tool.mypy]"), "mypy is not strict"
        for key, value in mypy.items():
            if key != "strict" and _is_loose(f"{key}={value}") and not _TEAMS.match(key):
                yield _ROOT, sources.line_of(_ROOT, "[tool.mypy]", key), _LESS.format("mypy", key)
        lint = data_formats.table(tools, "ruff", "lint")
        if not lint.get("select") or "ALL" in lint.get("ignore", ()):
            yield _ROOT, 0, "selects no rules of Ruff"
    for path in (_COMPILER, _BROWSER):
        found = config_files.read(sources, path)
        options = data_formats.table(found, "compilerOptions")
        if path == _COMPILER and found is not None and options.get("strict") is not True:
            yield path, 0, "the compiler is not strict"
        else:
            yield from ((path, *one) for one in _compiler(sources, path))


def _is_loose(option: str) -> bool:
    """Return whether an option of mypy takes from `strict`."""
    return _MYPY.fullmatch(re.sub(r"\s", "", option).replace("-", "_").lower()) is not None


def _configured(sources: Sources, path: str) -> Found:
    """Yield configurations in a package by which a tool checks less than at the root."""
    name = posixpath.basename(path)
    if _FILES.get(name, "Ruff") != "Ruff":
        yield 0, _INSTEAD.format(_FILES[name])
    elif name == "setup.cfg" and (line := line_of(sources.text(path) or "", "[mypy")):
        yield line, _INSTEAD.format("mypy")
    elif name in _FILES:
        if (found := config_files.read(sources, path)) is not None:
            yield from _ruff(sources, path, found, "")
    elif name == "pyproject.toml":
        tool = data_formats.table(config_files.read(sources, path), "tool")
        for key in tool.keys() & _TABLES.keys():
            yield sources.line_of(path, f"[tool.{key}"), _INSTEAD.format(_TABLES[key])
        if "ruff" in tool:
            yield from _ruff(sources, path, data_formats.table(tool, "ruff"), "[tool.ruff")
    elif re.fullmatch(r"tsconfig[^/]*\.json", name):
        yield from _compiler(sources, path)
    elif name in ("biome.json", "biome.jsonc"):
        yield from _biome(sources, path)


def _biome(sources: Sources, path: str) -> Found:
    """Yield where a biome.json takes the place of the root's, or switches rules off."""
    found = config_files.read(sources, path)
    if found is not None and "//" not in str(found.get("extends")):
        yield 0, 'does not extend the root\'s biome.json, "//", and takes its place'
    for keys, value in data_formats.leaves(found or {}):
        is_off = value == "off" or (value is False and keys[-1] in ("enabled", "recommended"))
        if is_off and "linter" in keys:
            name = str(keys[-2] if keys[-1] == "level" else keys[-1])
            yield sources.line_of(path, f'"{name}"'), _LESS.format("Biome", name)


def _ruff(sources: Sources, path: str, ruff: Mapping[str, Any], start: str) -> Found:
    """Yield where a configuration of Ruff takes the place of the root's, or loosens it."""
    extended = posixpath.join(posixpath.dirname(path), str(ruff.get("extend", "x")))
    if posixpath.normpath(extended) != _ROOT:
        yield sources.line_of(path, start), _INSTEAD.format("Ruff")
        return
    for key in sorted({*ruff, *data_formats.table(ruff, "lint")}):
        if _RUFF.fullmatch(key):
            yield sources.line_of(path, start, key), _LESS.format("Ruff", key)


def _compiler(sources: Sources, path: str) -> Found:
    """Yield where a tsconfig.json lets the compiler look at less."""
    if (found := config_files.read(sources, path)) is None:
        return
    for key, value in data_formats.table(found, "compilerOptions").items():
        if (_COMPILED.fullmatch(key) and value is False) or (key == "noCheck" and value is True):
            yield sources.line_of(path, f'"{key}"'), _LESS.format("the compiler", key)
    # One with references and an empty list of files only names others.
    if not {"references", "files"} <= found.keys() and not _is_strict(sources, path, set()):
        yield 0, "does not extend tsconfig.base.json, which is strict"


def _is_strict(sources: Sources, path: str, seen: set[str]) -> bool:
    """Return whether a tsconfig.json is the root's, or extends it in the end."""
    if path == _COMPILER or path in seen or sources.peek(path) is None:
        return path == _COMPILER
    seen.add(path)
    extended = (config_files.read(sources, path) or {}).get("extends", [])
    others = map(str, extended if isinstance(extended, list) else [extended])
    folder = posixpath.dirname(path)
    paths = (posixpath.normpath(posixpath.join(folder, other)) for other in others)
    return any(_is_strict(sources, f"{one.removesuffix('.json')}.json", seen) for one in paths)


def _comments(sources: Sources, path: str) -> Found:
    """Yield the comments that switch a check off for all of a file."""
    for suffixes, find in ((PYTHON, _in_python), (javascript.SUFFIXES, _in_javascript)):
        if path.endswith(suffixes):
            yield from sources.in_text(path, "comments", find) or ()


def _in_python(text: str) -> list[list[Any]]:
    """Return the line and the text of each such comment in Python, or a notebook."""
    found: list[list[Any]] = []
    # To take each file apart would cost more than all else.
    if not _DIRECTIVE.search(text) and not _IGNORED.search(text):
        return found
    if text.startswith("{"):
        with contextlib.suppress(MalformedError):
            text = notebooks.python(text)
    above = True
    # What is no Python is looked at up to where it breaks off.
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (
                _loosens(token.string) or (above and _IGNORED.match(token.string))
            ):
                found.append([token.start[0], token.string])
            above = above and token.type in (tokenize.COMMENT, tokenize.NL)
    return found


def _loosens(comment: str) -> bool:
    """Return whether a comment of a checker lets it check less in all of the file."""
    if not (match := _DIRECTIVE.match(comment)):
        return False
    tool, text = match[1].lower(), match[2].strip()
    if tool == "mypy":
        return any(map(_is_loose, text.split(",")))
    if tool.endswith("pyright"):
        return _PYRIGHT.search(text) is not None
    # What follows a colon are single rules.
    return re.match(r"noqa(?!\s*:)\b", text, re.IGNORECASE) is not None


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
            yield Finding(top, 0, "typed.mark", message, "add an empty file of that name")
    # Backends put it into the wheel unless they are told otherwise.
    for keys, value in data_formats.leaves(package.manifest.get("tool", {})):
        is_typed = re.search(r"(^|/)(py\.\*|[\w.*]*typed)$", str(value))
        if is_typed and any("exclude" in str(key) for key in keys):
            path, advice = package.manifest_path, "leave py.typed out of what is excluded"
            line = sources.line_of(path, f'"{value}"')
            yield Finding(path, line, "typed.mark", "keeps py.typed out of the wheel", advice)
