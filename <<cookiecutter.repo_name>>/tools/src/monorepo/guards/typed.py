"""Types reach whoever imports a package, and nothing in a package loosens how it is checked.

Each import package in src has a py.typed, which the manifest does not keep out of the wheel. The
configuration of mypy, Ruff, Biome and the compiler stands at the root, once: a table or a file of
a package's own, and one beside the root's pyproject.toml, takes its place or loosens it. Neither
does a comment for a whole file: `# mypy: ignore-errors`, `# type: ignore` above all code,
`# ruff: noqa`, `# flake8: noqa`, `// @ts-nocheck`, `// biome-ignore-all lint`. A comment for a line
is fine, and what the root's own files say about single modules or rules is a team's decision.

Why: mypy does without `strict` where a package has a table of its own, and says nothing; a run that
is green because it checks less looks like one that is green.

Fix: remove it, and mend what is found then; what a team wants for all, it writes at the root.

Passes::

    import untyped  # type: ignore[import-untyped]

Fails::

    # mypy: ignore-errors
"""

import fnmatch
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from monorepo import javascript
from monorepo.findings import Finding
from monorepo.sources import Sources, line_of
from monorepo.workspace import Package

Found = tuple[int, str]
_MYPY, _COMPILER = "pyproject.toml", "tsconfig.base.json"
_INSTEAD = "configures {} in place of the root's pyproject.toml"
_LEFT_OUT = "keeps py.typed out of the wheel"
_FILES = {"mypy.ini": "mypy", ".mypy.ini": "mypy", "ruff.toml": "Ruff", ".ruff.toml": "Ruff"}
_LOOSER = """
    exclude extend-exclude ignore extend-ignore select per-file-ignores extend-per-file-ignores
""".split()
_CLUE = re.compile(r"#\s*(mypy|ruff|flake8|type):", re.IGNORECASE)
_RUFF = re.compile(r"#\s*(flake8[:=]\s*noqa|ruff\s*:\s*(noqa|file-ignore))\b", re.IGNORECASE)
_IGNORED = re.compile(r"#\s*type:\s*ignore\b")
# Of mypy's options, those that take away; `no-implicit-reexport` and its like do not.
_LESS = re.compile(r"(allow-(?!redefinition)|ignore-errors|disable-error-code|no-(?!implicit)).*")
_MORE = re.compile(r"(disallow|warn|check|strict|no-implicit|extra|enable-error-code).*")
_ABOVE = re.compile(r"#![^\n]*|\s+|//[^\n]*|/\*.*?(\*/|$)", re.DOTALL)
_JAVASCRIPT = re.compile(r"///?\s*(@ts-nocheck)\b|/[/*]+\s*(biome-ignore-all)\s+(?!format|assist)")
# The compiler's options that the root or its `strict` sets.
_STRICT = """
    alwaysStrict exactOptionalPropertyTypes noFallthroughCasesInSwitch noImplicitAny
    noImplicitOverride noImplicitReturns noImplicitThis noUncheckedIndexedAccess strict
    strictBindCallApply strictBuiltinIteratorReturn strictFunctionTypes strictNullChecks
    strictPropertyInitialization useUnknownInCatchVariables
""".split()


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, for what stands at its root, the packages and the tooling."""
    return [".", *sources.space.every]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at the configuration, the marks of types and the comments of a package."""
    if subject == ".":
        yield from _root(sources)
        return
    package = sources.space.every[subject]
    advice = "remove it and mend what is found then"
    for path in sources.by_package[subject]:
        for line, message in [*_configured(sources, package, path), *_comments(sources, path)]:
            yield Finding(path, line, "typed", message, advice)
    if package.language == "py":
        yield from _marks(sources, package)


def _root(sources: Sources) -> Iterator[Finding]:
    """Yield what takes the place of the root's configuration, and what of that is not strict."""
    for path in sources.files:
        tool = _FILES.get(path.rpartition("/")[2])
        outside = path.startswith(("shared/", "services/")) or "/" not in path
        if tool and outside and sources.package_of(path) is None:
            message = f"takes the place of what pyproject.toml says about {tool}"
            yield Finding(path, 0, "typed", message, "move what you need of it there")
    mypy = _table(_toml(sources.text(_MYPY)), "tool", "mypy")
    if mypy.get("strict") is not True:
        line = sources.line_of(_MYPY, "[tool.mypy]")
        yield Finding(_MYPY, line, "typed", "mypy is not strict", "write strict = true")
    text = sources.text(_COMPILER)
    if text is not None and not any(_options(text, "strict", "true")):
        message = "the compiler is not strict"
        yield Finding(_COMPILER, 0, "typed", message, 'write "strict": true')


def _toml(text: str | None) -> dict[str, Any]:
    """Return what stands in a file; nothing if it is malformed."""
    try:
        return tomllib.loads(text or "")
    except (ValueError, RecursionError):
        return {}


def _table(data: object, *keys: str) -> Mapping[str, Any]:
    """Return the table below others; an empty one if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _configured(sources: Sources, package: Package, path: str) -> Iterator[Found]:
    """Yield where a file configures a tool to look at less than the root says."""
    inner = path.removeprefix(f"{package.path}/")
    name = inner.rpartition("/")[2]
    if name in ("mypy.ini", ".mypy.ini"):
        yield 0, _INSTEAD.format("mypy")
    elif inner == "setup.cfg" and (line := line_of(sources.text(path) or "", "[mypy")):
        yield line, _INSTEAD.format("mypy")
    elif name in ("ruff.toml", ".ruff.toml"):
        yield from _ruff(sources, path, _toml(sources.text(path)))
    elif inner == "pyproject.toml":
        yield from _tables(sources, package, path)
    elif "/" not in inner and re.fullmatch(r"tsconfig.*\.json", name):
        yield from _compiler(sources.text(path) or "")
    elif name in ("biome.json", "biome.jsonc"):
        text = sources.text(path) or ""
        if '"//"' not in {one.text for one in javascript.tokens(text)}:
            yield 0, 'does not extend the root\'s biome.json, "//", and takes its place'
        for option, value in (("", '"off"'), ("enabled", "false"), ("recommended", "false")):
            yield from ((at, "switches rules off") for at in _options(text, option, value))


def _compiler(text: str) -> Iterator[Found]:
    """Yield where a tsconfig.json lets the compiler look at less."""
    for option in _STRICT:
        yield from ((at, f"switches {option} off") for at in _options(text, option, "false"))
    yield from ((at, "switches all checks off") for at in _options(text, "noCheck", "true"))
    words = {one.text for one in javascript.tokens(text)}
    # One with references and an empty list of files only names others.
    if '"extends"' not in words and not {'"references"', '"files"'} <= words:
        yield 0, "does not extend tsconfig.base.json, which is strict"


def _options(text: str, option: str, value: str) -> Iterator[int]:
    """Yield the line of each option, or of any, that JSON with comments gives a value."""
    code = list(javascript.tokens(text))
    for name, colon, told in zip(code, code[1:], code[2:], strict=False):
        if name.kind == "string" and (colon.text, told.text) == (":", value):
            if name.text[1:-1] == option or not option:
                yield name.line


def _tables(sources: Sources, package: Package, path: str) -> Iterator[Found]:
    """Yield the tables of a package's pyproject.toml that loosen what the root says."""
    tool = _table(package.manifest, "tool")
    if "mypy" in tool:
        yield sources.line_of(path, "[tool.mypy"), _INSTEAD.format("mypy")
    if "ruff" in tool:
        yield from _ruff(sources, path, _table(tool, "ruff"), "[tool.ruff")
    for key, value in _table(tool, "pyright").items():
        less = key == "typeCheckingMode" and value in ("off", "basic")
        if less or key == "ignore" or (key.startswith("report") and value in (False, "none")):
            yield sources.line_of(path, "[tool.pyright", key), f"lets pyright look at less ({key})"


def _ruff(sources: Sources, path: str, ruff: Mapping[str, Any], *table: str) -> Iterator[Found]:
    """Yield where a configuration of Ruff takes the place of the root's, or loosens it."""
    lint = _table(ruff, "lint")
    if not str(ruff.get("extend", "")).endswith("../pyproject.toml"):
        yield sources.line_of(path, *table) if table else 0, _INSTEAD.format("Ruff")
        return
    for key in _LOOSER:
        if key in ruff or key in lint:
            yield sources.line_of(path, *table, key), f"lets Ruff look at less ({key})"


def _comments(sources: Sources, path: str) -> Sequence[Found]:
    """Return the comments that switch a check off for all of a file."""
    if path.endswith((".py", ".pyi")):
        found = sources.kept.of(path, "comments", partial(_in_python, sources))
    elif path.endswith(javascript.SUFFIXES):
        found = sources.kept.of(path, "comments", partial(_in_javascript, sources))
    else:
        return []
    return [(line, f"{text} is about all of the file") for line, text in found or ()]


def _in_python(sources: Sources, path: str) -> list[list[Any]] | None:
    """Return the line and the text of each such comment in a Python file."""
    text = sources.text(path)
    # To take each file apart would cost more than all else.
    if text is None or not _CLUE.search(text):
        return None if text is None else []
    found: list[list[Any]] = []
    above = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                told = _RUFF.match(token.string) or (above and _IGNORED.match(token.string))
                if told:
                    found.append([token.start[0], told[0]])
                elif token.start[1] == 0 and _loosens(token.string):
                    found.append([token.start[0], token.string.strip()])
            above = above and token.type in (tokenize.COMMENT, tokenize.NL)
    except (tokenize.TokenError, SyntaxError, ValueError):
        # Where it breaks off; `sources` notes what is no Python.
        sources.tree(path)
    return found


def _loosens(comment: str) -> bool:
    """Tell whether a comment gives mypy an option that makes it find less."""
    if not comment.startswith("# mypy: "):
        return False
    for text in comment.removeprefix("# mypy: ").split(","):
        name, _, value = text.partition("=")
        key = name.strip().replace("_", "-").lower()
        off = value.strip().lower() in ("false", "0", "no", "off")
        if (_LESS.fullmatch(key) and not off) or (_MORE.fullmatch(key) and off):
            return True
    return False


def _in_javascript(sources: Sources, path: str) -> list[list[Any]] | None:
    """Return the line and the text of each such comment above the code of a file."""
    text = sources.text(path)
    found: list[list[Any]] = []
    at = 0
    if text is None:
        return None
    if "@ts-nocheck" not in text and "biome-ignore-all" not in text:
        return found
    while (piece := _ABOVE.match(text, at)) and piece.end() > at:
        if told := _JAVASCRIPT.match(piece[0]):
            found.append([text.count("\n", 0, at) + 1, f"// {told[1] or told[2]}"])
        at = piece.end()
    return found


def _marks(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield the import packages without py.typed, and what keeps it out of the wheel."""
    start, advice = f"{package.path}/src/", "leave py.typed out of what is excluded"
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
    manifest = f"{package.path}/pyproject.toml"
    for excluded in _table(package.manifest, "tool", "setuptools", "exclude-package-data").values():
        texts = excluded if isinstance(excluded, list) else []
        if any(fnmatch.fnmatch("py.typed", str(one)) for one in texts):
            line = sources.line_of(manifest, "exclude-package-data")
            yield Finding(manifest, line, "typed", _LEFT_OUT, advice)
    file = f"{package.path}/MANIFEST.in"
    for number, row in enumerate((sources.peek(file) or "").splitlines(), start=1):
        if re.match(r"\s*(global-|recursive-)?exclude\s.*(\bpy|\*)\.typed\b", row):
            yield Finding(file, number, "typed", _LEFT_OUT, advice)
