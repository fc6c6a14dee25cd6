"""Imports go to the public names of shared packages, without cycles.

No package imports a service or an app: shared packages do not, and neither do other services and
apps. No package imports another one's private modules, or reaches into its folder by a path.

Why: a change to a package can then break only packages that declare it, and a service or an app can
be removed.

Fix: move shared code to a shared package, and export it there. A team can add contracts of its own,
for both languages, in the root's pyproject.toml. `from` are packages or files, `never` are packages
or modules, each with `*`::

    [[tool.monorepo.layers]]
    from = ["shared/py/core"]
    never = ["shared/py/audio", "torch"]
    why = "core stays small"

Passes::

    from acme_core import delays

Fails::

    from acme_svc_api.main import app
    from acme_core._clock import now
    import { x } from "../../core/src/x.ts"
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from monorepo.core.languages import STARTS, Kind
from monorepo.core.workspace import Package
from monorepo.graph import packages as graph
from monorepo.graph.view import named
from monorepo.guard import sys_path
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript
from monorepo.parsing.python_imports import Import, ImportKind

_MANIFEST = "pyproject.toml"


class _Contract(NamedTuple):
    """What a team forbids: imports from some packages or files of others, or of modules."""

    sources: list[str]
    never: list[str]
    why: str


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, for circles and contracts, and the files of packages."""
    files = [
        path
        for path in sources.looked_at
        if path.endswith((".py", *javascript.SUFFIXES))
        and (package := sources.package_of(path))
        # It starts the engine, before anything is installed.
        and path != f"{package.path}/noxfile.py"
    ]
    return [".", *files] if sources.space.packages else []


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at what a file imports; or at the graph and the contracts."""
    if subject == ".":
        yield from _circle(sources)
        yield from _served(sources)
        yield from _contracts_that_say_nothing(sources)
        return
    package = sources.package_of(subject)
    if package is None:
        return
    aliases = sources.space.aliases(subject)
    contracts = [one for one in _contracts(sources) if _in_any(aliases, one.sources)]
    told: set[tuple[int, str]] = set()
    for one in sources.imports(subject):
        if one.kind == ImportKind.MOCKED:
            continue
        for kind, message, fix in _wrong(sources, package, subject, one, contracts):
            # Of `from a import b`, both a and a.b are told of.
            if (one.line, kind) not in told:
                told.add((one.line, kind))
                yield Finding(subject, one.line, "layers", message, fix)
    if subject.endswith(".py"):
        for line in sys_path.found(sources, subject, package.path):
            message = "puts a folder outside its package on the path of modules"
            fix = "depend on the package by its name"
            yield Finding(subject, line, "layers", message, fix)


def _wrong(
    sources: Sources, package: Package, path: str, one: Import, contracts: Sequence[_Contract]
) -> Iterator[tuple[str, str, str]]:
    """Yield of what kind it is, what is wrong with an import, and what to do."""
    other, inner, by_path = _target(sources, path, one.module)
    if other is None or other.path == package.path:
        other = None
    elif by_path:
        fix = f"depend on {other.name} and import it by its name"
        yield "path", f"reaches into {other.path} by a path", fix
    elif not other.is_shared:
        fix = f"move what both need to {Kind.SHARED}/{other.language}"
        who = f"{'an' if package.kind is Kind.APP else 'a'} {package.kind.singular}"
        yield "layer", f"{who} imports the {other.kind.singular} {other.path}", fix
    elif _is_private(other, inner):
        message = f"imports {one.module}, which is private to {other.path}"
        yield "private", message, f"export it from {other.name}, or do without"
    names = [one.module, *(sources.space.aliases(other.path) if other else ())]
    for number, contract in enumerate(contracts):
        if _in_any(names, contract.never):
            message = f"imports {one.module}, against a contract: {contract.why}"
            yield f"contract {number}", message, "do without it"


def _target(sources: Sources, path: str, module: str) -> tuple[Package | None, list[str], bool]:
    """Return the package that an import is of, what follows its name, and whether by a path."""
    by_import = sources.space.by_import
    if path.endswith(".py"):
        first, *inner = module.split(".")
        # From the root, folders without __init__.py are packages as well.
        if (folder := module.replace(".", "/")).startswith(STARTS):
            return sources.package_of(folder), [], True
        return by_import.get(first), inner, False
    if module.startswith("."):
        full = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
        return sources.package_of(full), [], True
    if module.startswith(("/", "file:")):
        full = module.removeprefix("file://").removeprefix(f"{sources.root}/")
        return sources.package_of(full), [], True
    name, inner = javascript.specifier(module)
    return by_import.get(name), inner, False


def _is_private(package: Package, inner: Sequence[str]) -> bool:
    """Return whether a package keeps what follows its name in an import to itself."""
    if package.is_python:
        return any(one.startswith("_") and not one.endswith("__") for one in inner)
    exports = package.manifest.get("exports")
    if not inner:
        return False
    if isinstance(exports, Mapping) and any(key.startswith(".") for key in exports):
        wanted = "/".join([".", *inner])
        targets = [exports[key] for key in exports if fnmatchcase(wanted, key)]
        # null takes back what a wider pattern exports.
        return not targets or None in targets
    return exports is not None or inner[0] == "src" or any(one[0:1] == "_" for one in inner)


def _circle(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each dependency cycle between packages."""
    for circle in graph.cycles(sources.consumed):
        first, second = (sources.space.packages[path] for path in circle[:2])
        file = first.manifest_path
        lines = (sources.text(file) or "").splitlines()
        line = next((at for at, text in enumerate(lines, 1) if f'"{second.name}' in text), 0)
        message = f"packages depend on each other in a cycle: {named(sources.space, circle)}"
        fix = "move what they share to a package of its own"
        yield Finding(file, line, "layers", message, fix)


def _served(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each package that is served and is none here."""
    there = sources.space.packages.keys() | sources.space.broken.keys()
    for package in sources.space.packages.values():
        for path in package.serves:
            if path not in there - {package.path}:
                message = f"serves {path}, which is not another package here"
                line = sources.line_of(package.manifest_path, "serves")
                fix = "correct serves, or remove it"
                yield Finding(package.manifest_path, line, "layers", message, fix)


def _contracts(sources: Sources) -> Iterator[_Contract]:
    """Yield the team's contracts that are well-formed."""
    for told in _tables(sources):
        texts = [told.get("from"), told.get("never")]
        lists = all(
            isinstance(one, list) and one and all(isinstance(text, str) for text in one)
            for one in texts
        )
        if lists and isinstance(told.get("why"), str):
            yield _Contract(told["from"], told["never"], told["why"])


def _contracts_that_say_nothing(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each contract that is malformed, or is about no package."""
    good = list(_contracts(sources))
    if len(good) < len(list(_tables(sources))):
        message = "an entry of [[tool.monorepo.layers]] has no from, never (lists) and why (a text)"
        yield Finding(_MANIFEST, 0, "layers", message, "add what is missing")
    for contract in good:
        aliases = map(sources.space.aliases, sources.files)
        if not any(_in_any(names, contract.sources) for names in aliases):
            message = f"the contract from {', '.join(contract.sources)} is about no file"
            yield Finding(_MANIFEST, 0, "layers", message, "fix its from, or remove it")


def _tables(sources: Sources) -> Iterator[Mapping[str, Any]]:
    told = sources.space.facts.get("layers", [])
    for one in told if isinstance(told, list) else [told]:
        yield one if isinstance(one, Mapping) else {}


def _in_any(names: Iterable[str], patterns: Sequence[str]) -> bool:
    """Return whether a path or a module, by any name, matches a pattern or is inside a match."""
    return any(
        fnmatchcase(name, one)
        for name in names
        for pattern in patterns
        for one in (pattern, f"{pattern}/*", f"{pattern}.*")
    )
