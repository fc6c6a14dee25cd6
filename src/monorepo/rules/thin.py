"""A service is one short entry point and its tests; its logic lives in shared packages.

Why: code in a service cannot be used by another one, and is tested only by starting the service.

The entry point is a module in the manifest: in `scripts`, `gui-scripts` or `entry-points` of
`[project]`; in `main`, `bin` or `exports` of package.json, where `dist/` stands for `src/`.
Otherwise, the module that a Dockerfile, a Procfile, a compose file, langgraph.json or the script
`start`, `serve` or `dev` of package.json starts: `python x.py`, `uvicorn a.b:app`. Otherwise
`__main__`, then a module named `main`, `index`, `app`, `server` or `cli` that no other imports, or
one that a README, a Makefile, a task or a script starts; several candidates are one finding. Files
that tests and tools need at their location, such as `setupTests.ts` or migrations, are not modules
of the service. Modules are those in the service's language.

Fix: move code to a shared package; `make split PKG=… MODULE=…` makes one of a module. During a
migration, a repository can allow more lines, and list adapters, modules that only translate, in the
root's pyproject.toml; `*` matches anything::

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
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeGuard

from monorepo.dependencies import entry_points
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript

# A repository may have no services at all.
OPTIONAL = True
LINES = 20
# Tests, the sessions, migrations, what people run beside a service, what builds or configures a
# tool or is made by one, and types without code.
_BESIDE = re.compile(
    r"(.*/)?(tests?|__tests__|__mocks__|__generated__|migrations|alembic|cypress|\.[^/]+)/.*"
    r"|(docs?|examples?|notebooks?|benchmarks?|evals?|scripts?)/.*|(noxfile|setup)\.py|(.*/)?conftest\.py"
    r"|(.*/)?(test_[^/]*|[^/]*_test|tests?|_*(version|about)_*|gunicorn_conf(ig)?)\.py"
    r"|(.*/)?(test|setupTests?|setupProxy|(jest|vitest)[.-]?setup|(.*-)?sw|service-worker)\.[jt]sx?"
    r"|(.*/)?(gulpfile|Gruntfile|webpack\.[^/]*|\.[^/]*)\.[cm]?[jt]s"
    r"|.*\.(test|spec|stories|config|conf|gen|generated)\.\w+|.*\.d\.[mc]?ts"
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
    # An __init__.py without code makes a folder a package, and is not a module of its own.
    there = [path for path in lines if lines[path] or not path.endswith("/__init__.py")]
    own = {*there} - adapters
    entries = entry_points.entries(sources, subject, own)
    entry = entries.may[0] if len(entries.may) == 1 else ""
    if not own:
        yield Finding(subject, 0, "thin", "has no entry point", "write main.py or main.ts in src")
    elif entries.may and not entry:
        names = ", ".join(path.removeprefix(f"{subject}/") for path in entries.may[:5])
        message = f"has several modules that may be its entry point: {names}"
        advice = "name it in the manifest, and move the others to shared packages"
        yield Finding(subject, 0, "thin", message, advice)
    for path in sorted(own - {*entries.may} - entries.pages - entries.wanted):
        # What builds the package reads its version there.
        if len(lines[path]) == 1 and "__version__" in (sources.text(path) or ""):
            continue
        how = "is started as well as" if path in entries.started else "is a module beside"
        # Beside pages, something else is mostly started elsewhere: a worker, a queue.
        which = "points" if entries.pages else f"point {entry.removeprefix(f'{subject}/')}"
        message = f"{how} the entry {which}".rstrip()
        yield Finding(path, 0, "thin", message, "move it to a shared package")
    for path in (entry, *sorted(entries.pages - {entry}), *adapters):
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
    suffixes = (".py",) if sources.space.packages[subject].is_python else tuple(javascript.SUFFIXES)
    for path in sources.by_package[subject]:
        inner = path.removeprefix(f"{subject}/")
        if path.endswith(suffixes) and not _BESIDE.fullmatch(inner):
            yield path


def _lines(sources: Sources, path: str) -> list[int] | None:
    """Return the numbers of all lines of code; a line with two statements occurs twice."""
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
    """Return whether a statement is only a text, which does nothing."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
