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

_ROOT, _COMPILER, _BROWSER = "pyproject.toml", "tsconfig.base.json", "tsconfig.browser.json"
_FILES = {
    r"\.?mypy\.ini": "mypy",
    r"pyrightconfig\.json": "pyright",
    r"\.?ruff\.toml": "Ruff",
    r"tsconfig[^/]*\.json": "the compiler",
    r"biome\.jsonc?": "Biome",
}
_TABLES = {"mypy": "mypy", "pyright": "pyright", "basedpyright": "pyright", "ruff": "Ruff"}
_APART = "configures {} without the root's settings"
_LESS = "lets {} look at less ({})"
_ADVICE = "remove it and fix what is found then"
# Settings that take from what the root has, as `name=value`; in mypy, from `strict`.
_LOOSE = {
    "mypy": re.compile(
        r"(ignore_(errors|missing_imports)|allow_\w+|implicit_\w+"
        r"|no_(disallow|check|strict|extra|warn)\w*)(=(true|1))?|disable_error_code=.*"
        r"|(disallow|check|strict|extra|no_implicit|warn_(re|unused))\w*=(false|0)"
        r"|follow_imports=(skip|silent)"
    ),
    "Ruff": re.compile(
        r"(lint\.)?(?P<name>(extend-)?(exclude|ignore|per-file-ignores)|select)[.=].*", re.DOTALL
    ),
    "Biome": re.compile(r"(.*\.)?linter\.(.*\.)?((enabled|recommended)=False|.*=off)"),
    "the compiler": re.compile(
        r"compilerOptions\.((([aA]lways)?[sS]trict|no(Implicit|Unchecked|Fallth)|exactO|useUnk)"
        r".*=False|noCheck=True)"
    ),
}
# What the team may decide at the root.
_TEAMS = re.compile(r"strict$|ignore_missing|disable_error|follow_imports|allow_redef")
# What the configuration of a package has to extend. A tsconfig.json in it is looked at itself.
_EXTENDS = {
    "Ruff": re.compile(re.escape(_ROOT)),
    "Biome": re.compile("//"),
    "the compiler": re.compile(r"\.\.?/(.*/)?tsconfig[^/]*"),
}
_DIRECTIVE = re.compile(r"#\s*(mypy|(?:based)?pyright|ruff|flake8)\s*[:=]\s*(.*)", re.IGNORECASE)
# Above all code, this is about the file; mypy and Ruff tell the other comments by their words.
_IGNORED = re.compile(r"#\s*type:\s*ignore\b.*")
_PYRIGHT = re.compile(r"\b(basic|standard|off)\b|=\s*(false|none)\b", re.IGNORECASE)
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
    if subject == ".":
        for path in sources.files:
            above = path.startswith(tuple(f"{top}/" for top in TOPS)) or "/" not in path
            is_file = re.fullmatch(r"\.?(mypy\.ini|ruff\.toml)", posixpath.basename(path))
            if above and is_file and sources.package_of(path) is None:
                tool = "mypy" if path.endswith(".ini") else "Ruff"
                yield Finding(path, 0, "typed.config", _APART.format(tool), _ADVICE)
        for path, line, message in _root(sources):
            yield Finding(path, line, "typed.config", message, "restore it, and fix what is found")
        return
    for path in sources.by_package[subject]:
        for line, message in _configured(sources, path):
            yield Finding(path, line, "typed.config", message, _ADVICE)
        for line, comment in _comments(sources, path):
            yield Finding(path, line, "typed.comment", f"{comment} is about all of it", _ADVICE)
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
        for name in _less("mypy", {key: mypy[key] for key in mypy if not _TEAMS.match(key)}):
            yield _ROOT, sources.line_of(_ROOT, "[tool.mypy]", name), _LESS.format("mypy", name)
        lint = data_formats.table(tools, "ruff", "lint")
        if not lint.get("select") or "ALL" in lint.get("ignore", ()):
            yield _ROOT, 0, "selects no rules of Ruff"
    found = config_files.read(sources, _COMPILER)
    if found and data_formats.table(found, "compilerOptions").get("strict") is not True:
        yield _COMPILER, 0, "the compiler is not strict"
    yield from ((_BROWSER, *one) for one in _configured(sources, _BROWSER))


def _settings(sources: Sources, path: str) -> Iterator[tuple[str, str, Mapping[str, Any] | None]]:
    """Yield each tool that a file configures, what its settings follow, and these if readable."""
    name = posixpath.basename(path)
    tool = next((tool for names, tool in _FILES.items() if re.fullmatch(names, name)), "")
    if tool:
        yield tool, "", {} if tool == "mypy" else config_files.read(sources, path)
    elif name == "setup.cfg" and line_of(sources.text(path) or "", "[mypy"):
        yield "mypy", "[mypy", {}
    elif name == _ROOT:
        tools = data_formats.table(config_files.read(sources, path), "tool")
        for key in sorted(tools.keys() & _TABLES.keys()):
            yield _TABLES[key], f"[tool.{key}", data_formats.table(tools, key)


def _configured(sources: Sources, path: str) -> Iterator[tuple[int, str]]:
    """Yield line and message of configuration by which a tool checks less than at the root."""
    for tool, start, settings in _settings(sources, path):
        # One with references and an empty list of files only names others.
        if settings is None or (tool == "the compiler" and {"references", "files"} <= {*settings}):
            continue
        extended = settings.get("extend" if tool == "Ruff" else "extends", [])
        others = [str(one) for one in (extended if isinstance(extended, list) else [extended])]
        if tool == "Ruff":
            folder = posixpath.dirname(path)
            others = [posixpath.normpath(posixpath.join(folder, other)) for other in others]
        if tool not in _EXTENDS or not any(map(_EXTENDS[tool].fullmatch, others)):
            line = line_of(sources.text(path) or "", start) if start else 0
            yield line, _APART.format(tool)
            continue
        for name in dict.fromkeys(_less(tool, settings)):
            yield sources.line_of(path, start, name), _LESS.format(tool, name)


def _less(tool: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of settings by which a tool checks less."""
    for keys, value in data_formats.leaves(settings):
        names = [key for key in keys if isinstance(key, str) and key != "level"] or [""]
        option = f"{'.'.join(names)}={value}"
        if tool == "mypy":
            option = re.sub(r"\s", "", option).replace("-", "_").lower()
        if match := _LOOSE[tool].fullmatch(option):
            yield match.groupdict().get("name") or names[-1]


def _comments(sources: Sources, path: str) -> Iterator[tuple[int, str]]:
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
        options = (option.partition("=") for option in text.split(","))
        return any(_less("mypy", {key: value or True for key, _, value in options}))
    if tool.endswith("pyright"):
        return _PYRIGHT.search(text) is not None
    # What follows a colon are single rules.
    return re.match(r"noqa(?!\s*:)\b", text, re.IGNORECASE) is not None


def _in_javascript(text: str) -> list[list[Any]]:
    """Return the line and the text of each such comment above the code of a file."""
    found = _JAVASCRIPT.finditer(javascript.above(text))
    return [[text.count("\n", 0, one.start()) + 1, one[0].strip()] for one in found]


def _marks(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield the import packages without py.typed, and what keeps it out of the wheel."""
    start = f"{package.path}/src/"
    files = [one for one in sources.by_package[package.path] if one.startswith(start)]
    code = {one.rpartition("/")[0] for one in files if one.endswith(".py")} - {start[:-1]}
    marked = tuple(one.removesuffix("py.typed") for one in files if one.endswith("/py.typed"))
    # A package that only holds others together may leave the marks to these.
    code -= {
        top
        for top in code
        if [one for one in files if one.rpartition("/")[0] == top] == [f"{top}/__init__.py"]
        and any(mark.startswith(f"{top}/") for mark in marked)
    }
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
