"""Handlers in TypeScript: which package exports them, and with which parameters."""

from monorepo.core.workspace import Package, Workspace
from monorepo.handlers import exports
from monorepo.handlers.exports import Missing
from monorepo.handlers.sources import HandlerError, Sources, Use
from monorepo.parsing import javascript

# The arguments that each use gives, and how many of them a handler has to take.
_TAKES = {
    "route": (("request", "reply", "context"), 0),
    "websocket": (("socket", "request", "context"), 1),
    "job": (("settings",), 0),
    "lifespan": (("settings",), 0),
    "check": (("state",), 0),
}


def owner(space: Workspace, module: str) -> Package | None:
    """Return the package of a module, if it is one of the repository."""
    return space.named(_split(module)[0])


def check(sources: Sources, package: Package, module: str, name: str, use: Use) -> None:
    """Check one handler.

    Raises:
        HandlerError: there is no such export, or its parameters do not fit the use.
    """
    subpath = _split(module)[1]
    found = exports.find(sources.read, sources.space, package, subpath, name)
    if isinstance(found, Missing):
        place = f"{found.path}:{found.line}" if found.line else found.path
        raise HandlerError(f"{place}: {found.message}", "export it there, or mend the name")
    where = f"{found.path}:{found.line}"
    given, least = _TAKES[use.kind]
    takes = f"({', '.join(given)})"
    if found.required > len(given):
        what = f"{where}: has {found.required} parameters, and is called with {takes}"
        raise HandlerError(what, "take the others out, or give them defaults")
    if found.total < least:
        raise HandlerError(f"{where}: has no parameters", f"write {takes}")
    if use.kind in ("route", "websocket"):
        _check_route(where, found.params, use)


def _check_route(where: str, params: tuple[str, ...] | None, use: Use) -> None:
    """Check that the type of a request has the parameters of a path, and no others."""
    listed = "; ".join(f"{name}: string" for name in use.parameters)
    fix = f"write FastifyRequest<{{ Params: {{ {listed} }} }}>"
    if params is None and use.parameters:
        what = f"does not name the parameters of the path {use.name} in the type of its request"
        raise HandlerError(f"{where}: {what}", fix)
    for name in use.parameters:
        if name not in (params or ()):
            what = f"has no parameter {name} in its Params, which the path {use.name} has"
            raise HandlerError(f"{where}: {what}", fix)
    for name in params or ():
        if name not in use.parameters:
            what = f"has {name} in its Params, and the path {use.name} has it not"
            raise HandlerError(f"{where}: {what}", f"add {{{name}}} to the path")


def _split(module: str) -> tuple[str, str]:
    """Return the name of a package, and the subpath of its export: "." or "./routes"."""
    name, inner = javascript.specifier(module)
    rest = "/".join(inner)
    return name, f"./{rest}" if rest else "."
