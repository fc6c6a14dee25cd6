"""Check the handlers in a service.edn against the source that they name, without importing it.

A handler is `module:function`. Its module belongs to a package of the repository that the service
declares, and the function has the parameters that its use asks for.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace, requirement
from monorepo.edn import package_manifest
from monorepo.edn.reader import MOST, Document, Mistake
from monorepo.edn.service_manifest import ServiceManifest, parameters
from monorepo.edn.validation import Path
from monorepo.handlers import python, typescript
from monorepo.handlers.sources import HandlerError, Sources, Use


class Checked(NamedTuple):
    """The mistakes, and the files that the answer depends on; some do not exist."""

    mistakes: tuple[Mistake, ...]
    inputs: tuple[str, ...]


def check(
    space: Workspace, package: Package, manifest: ServiceManifest, document: Document
) -> Checked:
    """Check all handlers of a service.

    Args:
        space: the repository.
        package: the service.
        manifest: its service.edn.
        document: the same, with positions.
    """
    sources = Sources(space)
    found = []
    for place, what, fix in islice(_mistakes(sources, package, manifest), MOST):
        line, column = document.position(place)
        found.append(Mistake(line, column, what, fix))
    return Checked(tuple(sorted(found)), tuple(sorted(sources.seen)))


def uses(manifest: ServiceManifest) -> Iterator[tuple[Path, str, Use]]:
    """Yield the place of each handler, the handler, and what it is used for."""
    for at, endpoint in enumerate(manifest.endpoints):
        use = Use("route", endpoint.path, (*parameters(endpoint.path),))
        if endpoint.method == "websocket":
            use = use._replace(kind="websocket")
        yield ("endpoints", at, "handler"), endpoint.handler, use
    for at, job in enumerate(manifest.jobs):
        yield ("jobs", at, "handler"), job.handler, Use("job", job.name)
    if manifest.lifespan:
        yield ("lifespan",), manifest.lifespan, Use("lifespan", "")
    for name, handler in manifest.checks.items():
        yield ("checks", name), handler, Use("check", name)


def _mistakes(
    sources: Sources, package: Package, manifest: ServiceManifest
) -> Iterator[tuple[Path, str, str]]:
    """Yield the place, what is wrong, and the fix."""
    yield from _wrong_names(sources, package, manifest)
    language = python if package.is_python else typescript
    declared = _declared(manifest)
    for place, handler, use in uses(manifest):
        module, _, name = handler.partition(":")
        owner = language.owner(sources.space, module)
        if wrong := _not_declared(owner, package, module, declared):
            yield place, *wrong
            continue
        assert owner is not None
        sources.seen.add(owner.manifest_path)
        try:
            language.check(sources, owner, module, name, use)
        except HandlerError as error:
            yield place, f"{handler}: {error.what}", error.fix
        except (RecursionError, MemoryError):
            # A stranger's branch may have any file.
            yield place, f"{handler}: its source is nested too deeply", "make it simpler"


def _wrong_names(
    sources: Sources, package: Package, manifest: ServiceManifest
) -> Iterator[tuple[Path, str, str]]:
    """Yield what the service is not: its name, its language, its entry point."""
    if manifest.name != package.short_name:
        what = f'"{manifest.name}" is not the name of the service'
        yield ("service/name",), what, f'write "{package.short_name}"'
    lang = "python" if package.is_python else "node"
    if manifest.runtime.lang != lang:
        what = f":{manifest.runtime.lang} is not the language of {package.path}"
        yield ("runtime", "lang"), what, f"write :{lang}"
        return
    entry = manifest.runtime.entry
    path = f"src/{entry.replace('.', '/')}.py" if package.is_python else entry
    if sources.read(f"{package.path}/{path}") is None:
        yield ("runtime", "entry"), f"there is no {package.path}/{path}", "mend the name"


def _not_declared(
    owner: Package | None, package: Package, module: str, declared: frozenset[str]
) -> tuple[str, str] | None:
    """Return what is wrong with the package of a handler, and the fix."""
    if owner is None or owner.language is not package.language:
        what = f"{module} is of no package of this repository in the service's language"
        return what, "write the handler in a shared package"
    if not owner.is_shared:
        what = f"{module} is of {owner.path}, which is no shared package"
        return what, "move the handler to a shared package"
    if fold(owner.name) not in declared:
        what = f"{module} is of {owner.path}, which :deps does not name"
        return what, f'add {{:pkg "{owner.name}"}} there'
    return None


def _declared(manifest: ServiceManifest) -> frozenset[str]:
    """Return the normalized names of all that a service declares."""
    texts = map(package_manifest.requirement, manifest.deps.python)
    names = {requirement(text).name for text in texts}
    return frozenset(names.union(*(map(fold, ranges) for ranges in manifest.deps.ranges)))
