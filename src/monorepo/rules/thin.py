"""A service is one short entry point and its tests; its logic lives in shared packages.

The entry point is what the manifest names (scripts and entry points; main, bin and exports), or
else a module `__main__`, `main`, `index`, `app`, `server` or `cli`. Counted are statements, and in
expressions each lambda, comprehension, condition, operator, and call within a call. All Python in
the folder ships, in a JavaScript service all JavaScript as well, but for what stands at its top:
`tests`, hidden folders, and the files in which tools look for their configuration. What `generate`
runs does not ship either.

- `thin.long`: the entry point, or an adapter, has more than `statements` (30 by default).
- `thin.beside`: another file has code.
- `thin.eval`: code is run that is data: `eval`, `exec`, `run_path`, `new Function`, `vm`.
- `thin.entry`: no module is the entry point.
- `thin.adapter`: `adapters` lists what is not there.

Why: code in a service cannot be used by another one, and is tested only by starting the service.

Fix: move code to a shared package; `make split PKG=… MODULE=…` makes one of a module. Routes are
a router of a shared package, in JavaScript a plugin of Fastify: docs/recipes.md, "A route in a
shared package". The root's pyproject.toml may list adapters, modules that only translate::

    [tool.monorepo.thin]
    statements = 100
    adapters = ["services/py/api/src/acme_svc_api/legacy.py", "services/py/api/migrations/*"]

Passes::

    app.include_router(routes(settings.greeting))   # from acme_greetings.routes import routes
    app.register(greetings, { greeting });          // import { greetings } from "@acme/greetings"

Fails::

    services/py/api/src/acme_svc_api/pricing.py
    exec(Path("pricing.txt").read_text())
"""

import ast
import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from monorepo.core.workspace import Package
from monorepo.dependencies import entry_points
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript

# A repository may have no services at all.
OPTIONAL = True
STATEMENTS = 30
# What is counted here is at most this many times the lines of code, which `lines` used to limit.
_PER_LINE = 2
_FIX = "move it to a shared package"
# What tools look for at the top of a package. Declarations of types have no code.
_TOOLS = re.compile(
    r"tests/.*|\.[^/]+(/.*)?|noxfile\.py|conftest\.py|(Gruntfile|gulpfile)\.[cm]?js"
    r"|(astro|babel|commitlint|cypress|drizzle|esbuild|eslint|jest|karma|knip|lint-staged|next|nuxt"
    r"|playwright|postcss|prettier|rolldown|rollup|stylelint|svelte|tailwind|tsdown|tsup|vite|vitest"
    r"|webpack)\.(config|conf|setup|workspace)\.[cm]?[jt]s|.*\.d\.[cm]?ts"
)
_HIDING = (ast.Lambda, ast.IfExp, ast.comprehension, ast.BinOp, ast.BoolOp, ast.Compare)
_EVAL = {"eval", "exec"}
_LOADERS = {"run_path", "spec_from_file_location", "SourceFileLoader"}


def subjects(sources: Sources) -> Sequence[str]:
    """Return the services."""
    return [package.path for package in sources.space.packages.values() if package.is_service]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for code beside the entry point, and count the statements of what there may be."""
    package = sources.space.packages[subject]
    limit, listed = settings(sources.space.facts)
    read = partial(_read, sources)
    files = {path: sources.kept.of(path, "thin", read) for path in _shipped(sources, package)}
    adapters: set[str] = set()
    for pattern in sorted(one for one in listed if one.startswith(f"{subject}/")):
        found = fnmatch.filter(files, pattern)
        adapters.update(found)
        if not found:
            message = f"lists the adapter {pattern}, which does not exist"
            advice = "remove it from [tool.monorepo.thin]"
            yield Finding("pyproject.toml", 0, "thin.adapter", message, advice)
    code = {path: each[0] for path, each in files.items() if each and each[0]}
    suffixes = (".py",) if package.is_python else javascript.SUFFIXES
    own = [path for path in code if path not in adapters]
    entry = entry_points.entry(package, [path for path in own if path.endswith(suffixes)])
    if not entry:
        advice = f"call one main, or name it in {package.manifest_path}"
        yield Finding(subject, 0, "thin.entry", "has no entry point", advice)
    for path in sorted({*own} - {entry}) if entry else ():
        message = f"is a module beside the entry point {entry.removeprefix(f'{subject}/')}"
        yield Finding(path, 0, "thin.beside", message, _FIX)
    for path in (entry, *sorted(adapters)):
        if len(lines := code.get(path, [])) > limit:
            message = f"has {len(lines)} statements, more than {limit}"
            yield Finding(path, lines[limit], "thin.long", message, _FIX)
    for path, each in files.items():
        for line in each[1] if each else ():
            message = "runs code that is data"
            yield Finding(path, line, "thin.eval", message, "import it from a shared package")


def settings(facts: Mapping[str, object]) -> tuple[int, list[str]]:
    """Return how many statements a module may have, and which adapters there are."""
    table = facts.get("thin")
    told = table if isinstance(table, Mapping) else {}
    limit, lines, listed = told.get("statements"), told.get("lines"), told.get("adapters")
    if not isinstance(limit, int):
        limit = lines * _PER_LINE if isinstance(lines, int) else STATEMENTS
    return limit, [str(one) for one in listed] if isinstance(listed, list) else []


def _shipped(sources: Sources, package: Package) -> Iterator[str]:
    """Yield the source files of a service that are no tests."""
    # A Python service may send scripts to browsers.
    suffixes = (".py",) if package.is_python else (".py", ".vue", ".svelte", *javascript.SUFFIXES)
    generators = {word for each in package.generated for word in each.command}
    for path in sources.by_package[package.path]:
        inner = path.removeprefix(f"{package.path}/")
        if path.endswith(suffixes) and not _TOOLS.fullmatch(inner) and inner not in generators:
            yield path


def _read(sources: Sources, path: str) -> list[list[int]] | None:
    """Return the lines of all statements, and where data is run as code; None if unreadable."""
    if path.endswith(".py"):
        tree = sources.tree(path)
        return None if tree is None else [sorted(statements(tree)), sorted(evaluated(tree))]
    text = sources.text(path)
    if text is None:
        return None
    if path.endswith(javascript.PAGES):
        text = javascript.embedded(text)
    return [javascript.statements(text), javascript.evaluations(text)]


def statements(tree: ast.Module) -> Iterator[int]:
    """Yield the line of each statement, and of what hides them in an expression."""
    todo: list[tuple[ast.AST, bool]] = [(tree, False)]
    while todo:
        node, within = todo.pop()
        types = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for child in ast.iter_child_nodes(node):
            call = isinstance(child, ast.Call)
            line = getattr(getattr(child, "target", child), "lineno", 0)
            if child in types or _is_inert(child):
                continue
            if isinstance(child, (ast.stmt, *_HIDING)) or (call and within):
                yield line
            inner = within or call or isinstance(child, ast.Lambda | ast.comprehension)
            todo.append((child, inner and not isinstance(child, ast.stmt)))


def _is_inert(node: ast.AST) -> bool:
    """Return whether a statement is a documentation, or gives a name such as `__version__`."""
    if isinstance(node, ast.Assign):
        names = [getattr(target, "id", "") for target in node.targets]
        value = node.value
        values = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
        return all(name.startswith("__") for name in names) and all(
            isinstance(one, ast.Constant) for one in values
        )
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def evaluated(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that run a text or a file as code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            wrong = node.id in _EVAL
        elif isinstance(node, ast.Attribute):
            built_in = getattr(node.value, "id", "") in ("builtins", "__builtins__")
            wrong = node.attr in _LOADERS or (built_in and node.attr in _EVAL)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            wrong = bool(names & _LOADERS or (node.module == "builtins" and names & _EVAL))
        elif isinstance(node, ast.Call):
            # getattr(builtins, "exec")
            texts = {getattr(value, "value", None) for value in node.args}
            wrong = getattr(node.func, "id", "") == "getattr" and not _EVAL.isdisjoint(texts)
        elif isinstance(node, ast.Subscript):
            # __builtins__["exec"]
            wrong = getattr(node.slice, "value", None) in _EVAL
        else:
            continue
        if wrong:
            yield node.lineno
