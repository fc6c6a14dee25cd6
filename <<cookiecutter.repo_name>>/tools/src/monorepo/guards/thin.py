"""A service is one short entry point and its tests; what it does lives in shared packages.

Why: code in a service can be used by no other one, and is tested only by starting the service.

The entry point is a module that the manifest names: in `scripts`, `gui-scripts` or `entry-points`
of `[project]`; in `main`, `bin` or `exports` of package.json, where `dist/` stands for `src/`.
Where it names none of the service's, what its Dockerfile, Procfile, Makefile, compose file or the
scripts of package.json start: `python x.py`, `uvicorn package.main:app`. Else the module's name
tells: `main`, `index`, `app`, `server`, `cli`. Modules are those in the service's language.

Fix: move code to a shared package. A repository on its way allows more lines, and lists adapters,
modules that only translate, in the root's pyproject.toml; `*` stands for anything::

    [tool.monorepo.thin]
    lines = 200
    adapters = ["services/py/api/src/acme_svc_api/legacy.py", "services/py/api/migrations/*"]

Passes::

    services/py/api/src/acme_svc_api/main.py  10 lines

Fails::

    services/py/api/src/acme_svc_api/main.py  400 lines
    services/py/api/src/acme_svc_api/pricing.py
"""

import ast
import fnmatch
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from typing import TypeGuard

from monorepo import javascript
from monorepo.findings import Finding
from monorepo.sources import Sources

# A repository may have no services at all.
OPTIONAL = True
LINES = 20
# Where manifests name entry points, and what of a path depends on whether it is built.
_TOLD = ("scripts", "gui-scripts", "entry-points")
_TOLD_JS = ("main", "bin", "exports")
_FOLDER = re.compile(r"^(\./)?((build|dist|lib|out)/)?(src/)?")
_SUFFIX = re.compile(r"(/__init__)?(\.d)?(\.py|\.[mc]?[jt]sx?)?$")
_STARTING = re.compile(
    r"/(Dockerfile[^/]*|[^/]*\.Dockerfile|Procfile|Makefile|[^/]*compose[^/]*\.ya?ml)$"
)
# A program, its options, and the file or the module that it runs; an exec form has quotes between.
_START = re.compile(
    r"\b(?:python3?|node|tsx|ts-node|bun|streamlit|fastapi|uvicorn|gunicorn|hypercorn)\b"
    r"(?:[\s\"',]+(?:run|dev|watch|-(?!m\b)\S+?))*[\s\"',]+"
    r"(?:(?P<file>[\w./-]+\.(?:py|[cm]?[jt]sx?))\b|-m[\s\"',]+(?P<run>[\w.]+)|(?P<app>[\w.]+):\w+)"
)
# Which module is the entry point when there are several.
_ENTRIES = ("main", "__main__", "index", "app", "server", "cli")
# Tests, the sessions, what builds or configures a tool, and types without code.
_BESIDE = re.compile(
    r"(.*/)?(tests?|__tests__|\.[^/]+)/.*|(noxfile|setup)\.py|(.*/)?conftest\.py"
    r"|(.*/)?(test_[^/]*|[^/]*_test)\.py|.*\.(test|spec)\.\w+|.*\.config\.\w+|.*\.d\.[mc]?ts"
)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the services."""
    return [package.path for package in sources.space.packages.values() if package.is_service]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for modules beside the entry point, and count the lines of what there may be."""
    limit, listed = _settings(sources, subject)
    read = partial(_lines, sources)
    modules = _modules(sources, subject)
    lines = {path: sources.kept.of(path, "lines", read) or [] for path in modules}
    adapters: set[str] = set()
    for pattern in sorted(listed):
        found = fnmatch.filter(lines, pattern)
        adapters.update(found)
        if not found:
            message = f"the adapter {pattern} does not exist"
            advice = "remove it from [tool.monorepo.thin]"
            yield Finding("pyproject.toml", 0, "thin", message, advice)
    # An __init__.py without code makes a folder a package, and is no module of its own.
    there = [path for path in lines if lines[path] or not path.endswith("/__init__.py")]
    inner = {path: _module(path.removeprefix(f"{subject}/")) for path in there}
    told = _named(sources, subject)
    if not told & {*inner.values()}:
        started = [f"/{one}" for one in _started(sources, subject)]
        # An image has other folders: then the last name tells.
        for ends in (tuple(started), tuple(f"/{one.rpartition('/')[2]}" for one in started)):
            if not told & {*inner.values()}:
                told = {one for one in inner.values() if f"/{one}".endswith(ends)}
    rank = partial(_rank, subject, told)
    entry, *others = sorted({*there} - adapters, key=rank) or [subject]
    if entry == subject:
        yield Finding(subject, 0, "thin", "has no entry point", "write main.py or main.ts in src")
    for path in others:
        message = f"is a module beside the entry point {entry.removeprefix(f'{subject}/')}"
        yield Finding(path, 0, "thin", message, "move it to a shared package")
    for path in (entry, *adapters):
        if len(code := lines.get(path, [])) > limit:
            message = f"has {len(code)} lines of code, more than {limit}"
            yield Finding(path, code[limit], "thin", message, "move code to a shared package")


def _settings(sources: Sources, subject: str) -> tuple[int, set[str]]:
    """Return how many lines a module may have, and which adapters a service has."""
    told = sources.space.facts.get("thin", {})
    settings = told if isinstance(told, Mapping) else {}
    limit, listed = settings.get("lines", LINES), settings.get("adapters", [])
    paths = listed if isinstance(listed, list) else []
    inside = {str(path) for path in paths if str(path).startswith(f"{subject}/")}
    return limit if isinstance(limit, int) else LINES, inside


def _modules(sources: Sources, subject: str) -> Iterator[str]:
    """Yield the files with code of a service that are no tests."""
    # A Python service may send scripts to browsers, and one in JavaScript has a tool in Python.
    suffixes = (".py",) if "/py/" in subject else tuple(javascript.SUFFIXES)
    for path in sources.by_package[subject]:
        inner = path.removeprefix(f"{subject}/")
        if path.endswith(suffixes) and not _BESIDE.fullmatch(inner):
            yield path


def _named(sources: Sources, subject: str) -> set[str]:
    """Return what the manifest names as entry points, as `_module` does."""
    package = sources.space.packages[subject]
    if package.language == "js":
        return {_module(text) for key in _TOLD_JS for text in _texts(package.manifest.get(key))}
    texts = [text for key in _TOLD for text in _texts(package.manifest["project"].get(key))]
    return {_module(text.partition(":")[0].strip().replace(".", "/")) for text in texts}


def _started(sources: Sources, subject: str) -> set[str]:
    """Return what the files that start a service name, as `_module` does."""
    files = [path for path in sources.by_package[subject] if _STARTING.search(path)]
    texts = [sources.text(path) or "" for path in files]
    texts += _texts(sources.space.packages[subject].manifest.get("scripts"))
    each = [match for text in texts for match in _START.finditer(text)]
    found = {match["file"] or (match["run"] or match["app"]).replace(".", "/") for match in each}
    return {_module(one.lstrip("/")) for one in found}


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a part of a manifest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _module(path: str) -> str:
    """Return the path of a module without what differs between a source and what is built of it."""
    return _SUFFIX.sub("", _FOLDER.sub("", path))


def _rank(subject: str, told: Set[str], path: str) -> tuple[bool, bool, int, int, str]:
    """Return what sorts the entry point before other modules: one in src."""
    name = path.rpartition("/")[2].partition(".")[0]
    names = (*_ENTRIES, subject.rpartition("/")[2].replace("-", "_"))
    # recipes_server.py is as good as server.py, but for that.
    last = name.rpartition("_")[2]
    found = names.index(name) if name in names else len(names)
    rank = len(names) if found == len(names) and last in _ENTRIES else 2 * found
    inside = path.startswith(f"{subject}/src/")
    unnamed = _module(path.removeprefix(f"{subject}/")) not in told
    return (unnamed, not inside, rank, path.count("/"), path)


def _lines(sources: Sources, path: str) -> list[int] | None:
    """Return the line of each line of code; one with two statements stands there twice."""
    text = sources.text(path)
    if text is not None and not path.endswith(".py"):
        return javascript.code_lines(text)
    tree = sources.tree(path) if text is not None else None
    return None if tree is None or text is None else _statement_lines(tree, text)


def _statement_lines(tree: ast.Module, text: str) -> list[int]:
    """Count what statements take up, without documentation, comments and blank lines."""
    nodes = list(ast.walk(tree))
    documents = [node for node in nodes if _is_document(node)]
    statements = [node for node in nodes if isinstance(node, ast.stmt) and not _is_document(node)]
    starts = Counter(node.lineno for node in statements)
    rows = re.split(r"\r\n?|\n", text)
    code = {at for at, row in enumerate(rows, 1) if row.strip() and not row.strip().startswith("#")}
    # What looks blank or like a comment in there is data.
    texts = [node for node in nodes if isinstance(node, ast.JoinedStr | ast.Constant)]
    found = _span(statements) & (code | _span(texts)) - _span(documents) | {*starts}
    return sorted([*found, *(line for line in starts for _ in range(starts[line] - 1))])


def _span(nodes: Sequence[ast.stmt | ast.expr]) -> set[int]:
    """Return the lines on which nodes stand, with their decorators."""
    found: set[int] = set()
    for node in nodes:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        found.update(range(first, (node.end_lineno or first) + 1))
    return found


def _is_document(node: ast.AST) -> TypeGuard[ast.stmt]:
    """Tell whether a statement is only a text, which does nothing."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
