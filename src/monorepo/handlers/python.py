"""Handlers in Python: what a module defines or imports under a name, and with which parameters."""

import ast
import posixpath
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from monorepo.core.workspace import Package, Workspace
from monorepo.handlers.sources import HandlerError, Sources, Use

_Function = ast.FunctionDef | ast.AsyncFunctionDef
# What FastAPI takes from elsewhere than the path, and what may take anything.
_ELSEWHERE = {"Query", "Header", "Cookie", "Body", "Form", "File"}
_ANYWHERE = {"Depends", "Security"}


class _Parameter(NamedTuple):
    """A parameter: its names in a path, the type's last name, and what FastAPI makes of it."""

    name: str
    kind: str
    marker: str
    is_optional: bool


class _Found(NamedTuple):
    """A function, and where it is."""

    path: str
    function: _Function

    @property
    def where(self) -> str:
        return f"{self.path}:{self.function.lineno}"


def owner(space: Workspace, module: str) -> Package | None:
    """Return the package of a module, if it is one of the repository."""
    return space.by_import.get(module.partition(".")[0])


def check(sources: Sources, package: Package, module: str, name: str, use: Use) -> None:
    """Check one handler.

    Raises:
        HandlerError: there is no such function, or its parameters do not fit the use.
    """
    found = _find(sources, package, module, name, set())
    function = found.function
    parameters = [*_parameters(function)]
    if use.kind in ("route", "websocket"):
        _check_route(found, parameters, use)
    if use.kind == "websocket":
        _check_websocket(found, parameters)
    if use.kind == "job":
        _check_takes(found, parameters, "settings", least=0)
    if use.kind == "check":
        _check_takes(found, parameters, "state", least=1)
        if not isinstance(function, ast.AsyncFunctionDef):
            raise HandlerError(f"{found.where}: is not async", "write async def")
    if use.kind == "lifespan":
        _check_takes(found, parameters, "settings", least=1)
        if "asynccontextmanager" not in {_last(one) for one in function.decorator_list}:
            fix = "decorate it with contextlib.asynccontextmanager"
            raise HandlerError(f"{found.where}: is no asynchronous context manager", fix)


def _find(sources: Sources, package: Package, module: str, name: str, seen: set[str]) -> _Found:
    """Return the function that a module has under a name, wherever it is defined.

    No module is looked at twice for a name: with stars, there may be endlessly many ways to it.
    """
    path, text = _source(sources, package, module)
    if f"{path}:{name}" in seen:
        raise HandlerError(f"{path}: imports {name} from itself", "define it in one of the modules")
    seen.add(f"{path}:{name}")
    try:
        tree = _parsed(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise HandlerError(
            f"{path}:{line}: is not valid Python ({error})", "mend the file"
        ) from None
    bound: ast.stmt | None = None
    stars = []
    for statement in _statements(tree.body):
        if name in _bound(statement):
            bound = statement
        elif isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            stars.append(statement)
    if isinstance(bound, _Function):
        return _Found(path, bound)
    if isinstance(bound, ast.ImportFrom):
        alias = next(one for one in bound.names if (one.asname or one.name) == name)
        return _follow(sources, package, (path, module), bound, alias.name, seen)
    if isinstance(bound, ast.Assign) and isinstance(bound.value, ast.Name):
        return _find(sources, package, module, bound.value.id, seen)
    if bound is not None:
        raise HandlerError(
            f"{path}:{bound.lineno}: is no function", "write it with def or async def"
        )
    for star in stars if not name.startswith("_") else ():
        try:
            return _follow(sources, package, (path, module), star, name, seen)
        except HandlerError:
            continue
    raise HandlerError(f"{path}: has no function {name}", "write it there, or mend the name")


@cache
def _parsed(text: str) -> ast.Module:
    """Parse a module; cached, for several handlers of one."""
    return ast.parse(text)


def _follow(
    sources: Sources,
    package: Package,
    origin: tuple[str, str],
    statement: ast.ImportFrom,
    name: str,
    seen: set[str],
) -> _Found:
    """Return the function that an import statement of a module brings under a name."""
    path, module = origin
    target = statement.module or ""
    if statement.level:
        parts = module.split(".")
        # A package is one level nearer to what it imports than its modules are.
        up = statement.level - path.endswith("/__init__.py")
        base = parts[: len(parts) - up]
        target = ".".join([*base, *([target] if target else [])])
    other = owner(sources.space, target)
    if other is None or not other.is_python:
        what = f"{path}:{statement.lineno}: takes {name} from {target}, which is not here"
        raise HandlerError(what, "write a function of a package of this repository")
    submodule = f"{target}.{name}"
    try:
        return _find(sources, other, target, name, seen)
    except HandlerError:
        if _exists(sources, other, submodule):
            what = f"{path}:{statement.lineno}: {name} is a module"
            raise HandlerError(what, "name the function in it") from None
        raise


def _source(sources: Sources, package: Package, module: str) -> tuple[str, str]:
    """Return the path and the text of a module."""
    is_module = all(map(str.isidentifier, module.split(".")))
    for path in _paths(package, module) if is_module else ():
        text = sources.read(path)
        if text is not None:
            return path, text
    what = f"{package.path} has no module {module}"
    raise HandlerError(what, "write it, or mend the name")


def _exists(sources: Sources, package: Package, module: str) -> bool:
    return any(sources.read(path) is not None for path in _paths(package, module))


def _paths(package: Package, module: str) -> Iterator[str]:
    inner = module.replace(".", "/")
    for base in ("src", ""):
        folder = posixpath.join(package.path, base)
        yield f"{folder}/{inner}.py".replace("//", "/")
        yield f"{folder}/{inner}/__init__.py".replace("//", "/")


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, also those that depend on a condition."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With | ast.ExceptHandler):
                yield from _statements(getattr(statement, part, []))


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return {one.id for one in targets if isinstance(one, ast.Name)}


def _check_route(found: _Found, parameters: list[_Parameter], use: Use) -> None:
    """Check that a function takes the parameters of a path, and no others from there."""
    arguments = found.function.args
    if arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        what = f"{found.where}: has parameters that FastAPI cannot give by name"
        raise HandlerError(what, "write them without /, * and **")
    may_take = any(one.marker in _ANYWHERE for one in parameters)
    by_name = {one.name: one for one in parameters}
    for name in use.parameters:
        if name not in by_name and not may_take:
            what = f"{found.where}: has no parameter {name}, which the path {use.name} has"
            raise HandlerError(what, f"add {name}: str, or take it out of the path")
        if name in by_name and by_name[name].marker in _ELSEWHERE:
            what = f"{found.where}: takes {name} by {by_name[name].marker}, and the path has it"
            raise HandlerError(what, f"write {name}: str")
    for one in parameters:
        if one.marker == "Path" and one.name not in use.parameters:
            what = f"{found.where}: takes {one.name} from the path, and {use.name} has it not"
            raise HandlerError(what, f"add {{{one.name}}} to the path")


def _check_websocket(found: _Found, parameters: list[_Parameter]) -> None:
    if not isinstance(found.function, ast.AsyncFunctionDef):
        raise HandlerError(
            f"{found.where}: is not async, as a WebSocket needs it", "write async def"
        )
    if not any(one.kind == "WebSocket" for one in parameters):
        what = f"{found.where}: has no parameter of the type WebSocket"
        raise HandlerError(what, "add websocket: WebSocket")


def _check_takes(found: _Found, parameters: list[_Parameter], what: str, *, least: int) -> None:
    """Check that a function can be called with one argument, by position."""
    arguments = found.function.args
    given = [*arguments.posonlyargs, *arguments.args]
    needed = len(given) - len(arguments.defaults)
    keywords = any(one is None for one in arguments.kw_defaults)
    takes = bool(given or arguments.vararg)
    if needed > 1 or keywords or (least and not takes):
        wanted = f"({what})" if least else f"() or ({what})"
        names = ", ".join(one.name for one in parameters)
        raise HandlerError(f"{found.where}: has the parameters ({names})", f"write {wanted}")


def _parameters(function: _Function) -> Iterator[_Parameter]:
    """Yield all parameters of a function that have a name of their own."""
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args]
    without = len(given) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [*([None] * without), *arguments.defaults]
    both = zip([*given, *arguments.kwonlyargs], [*defaults, *arguments.kw_defaults], strict=True)
    for argument, default in both:
        kind, calls = _annotation(argument.annotation)
        calls += [default] if isinstance(default, ast.Call) else []
        markers = [call for call in calls if _last(call) in {*_ELSEWHERE, *_ANYWHERE, "Path"}]
        marker = _last(markers[0]) if markers else ""
        alias = next(filter(None, map(_alias, markers)), argument.arg)
        yield _Parameter(alias, kind, marker, default is not None)


def _annotation(node: ast.expr | None) -> tuple[str, list[ast.Call]]:
    """Return the last name of a type, and the calls in its metadata."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _annotation(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return "", []
    if isinstance(node, ast.Subscript) and _last(node.value) == "Annotated":
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _last(parts[0]), [part for part in parts[1:] if isinstance(part, ast.Call)]
    return _last(node), []


def _alias(call: ast.Call) -> str:
    values = [word.value for word in call.keywords if word.arg == "alias"]
    return next((str(one.value) for one in values if isinstance(one, ast.Constant)), "")


def _last(node: ast.expr | None) -> str:
    """Return the last part of a dotted name, of what is called if it is a call."""
    if isinstance(node, ast.Call):
        return _last(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
