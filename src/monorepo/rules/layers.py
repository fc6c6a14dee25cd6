"""Packages use the public names of shared packages, and form no cycle.

Looked at are imports in Python (stubs and notebooks too) and JavaScript, entry points, all lists
of a manifest, and strings that name a module which is there, or an object in it:
"acme_core.ids:new"; a package alone where a module is asked for: resources.files, "-m".

layers.service   a service or an app is imported, named or declared by another package
layers.private   a private module of another package is imported or named
layers.path      code reaches into another package by a path, also `new URL` and `__dirname`
layers.cycle     an edge closes a cycle of what consumers get: a package, or an extra of it, needs
                 itself in the end; without all of these, there is none
layers.contract  what a team's contract forbids is imported or declared, also through other modules
layers.settings  a contract is malformed or about no file, or `serves` names no other package

Why: a change to a package can then break only packages that declare it, and a service or an app can
be removed.

Fix: move shared code to a shared package, and export it there. Contracts are a team's own, in the
root's pyproject.toml; `from` are packages or files, `never` packages or modules, each with `*`::

    [[tool.monorepo.layers]]
    from = ["shared/py/core"]
    never = ["shared/py/audio", "torch"]
    why = "core stays small"

Passes::

    from acme_core import delays

Fails::

    uvicorn.run("acme_svc_api.main:app")
    from acme_core._clock import now
    import { x } from "../../core/src/x.ts"
"""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, NamedTuple

from monorepo.core.languages import STARTS, Kind
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.graph import packages as graph
from monorepo.graph.view import named
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import entry_points, requested
from monorepo.guard.repository import PYTHON, Sources
from monorepo.parsing import javascript
from monorepo.parsing.python_imports import ImportKind, prefixes

_MANIFEST = "pyproject.toml"
# What takes the name of a module, besides what imports it.
_TAKES = re.compile(
    r"run_module|resolve_name|files|get_data|resource_\w+|(open|read)_(binary|text)|is_resource"
)
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_][\w.]*)?")
# A path from the file itself, in JavaScript.
_PLACE = re.compile(
    r"""\bnew\s+URL\(\s*(["'`])(?P<url>[^"'`$]+)\1\s*,\s*import\.meta\.url"""
    r"""|\b(__dirname|import\.meta\.dirname)(?P<parts>(\s*,\s*(["'`])[^"'`$]+\6)+)"""
)
# What is in each file that has such a path, also with comments between.
_CLUE = re.compile(r"import\.meta\.url|(__dirname|import\.meta\.dirname)\s*[,/]")


class _Contract(NamedTuple):
    """What a team forbids: imports from some packages or files of others, or of modules."""

    sources: tuple[str, ...]
    never: tuple[str, ...]
    why: str


class _Use(NamedTuple):
    """A module that a file imports, names, starts or declares, and where."""

    line: int
    verb: str
    module: str


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, for cycles and contracts, and the files and manifests of packages."""
    manifests = {package.manifest_path for package in sources.space.packages.values()}
    files = [path for path in sources.files if path in manifests or _is_code(sources, path)]
    return [".", *files] if sources.space.packages else []


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at what a file uses; or at the graph and the settings."""
    if not (package := sources.package_of(subject)):
        yield from _cycles(sources)
        yield from _settings(sources)
        return
    is_manifest = subject == package.manifest_path
    uses = _declared(sources, package) if is_manifest else _uses(sources, subject)
    seen: set[tuple[str, object]] = set()
    for use in sorted(uses):
        for rule, message, fix in _wrong(sources, package, subject, use):
            # Of `from a import b`, both a and a.b are looked at.
            keys = {(rule, use.line), (rule, message.partition(" ")[2])}
            if not keys & seen:
                seen |= keys
                yield Finding(subject, use.line, rule, message, fix)


def _is_code(sources: Sources, path: str) -> bool:
    """Return whether a file of a package may have imports."""
    return path.endswith((*PYTHON, *javascript.SUFFIXES)) and bool(sources.package_of(path))


def _declared(sources: Sources, package: Package) -> Iterator[_Use]:
    """Yield what a manifest declares, and the modules of its entry points."""
    for one in requested(sources, package.manifest_path, package.manifest):
        other = sources.space.by_name.get(one.needs.name)
        yield _Use(one.line, "declares", other.import_name if other else one.needs.name)
    for _, _, value in entry_points(package):
        module = re.split(r"[\s:\[]", value, maxsplit=1)[0]
        yield _Use(sources.line_of(package.manifest_path, f'{value}"'), "starts", module)


def _uses(sources: Sources, path: str) -> Iterator[_Use]:
    """Yield the modules that a file imports, and those that its strings name."""
    is_python = path.endswith(PYTHON)
    for one in sources.imports(path):
        # In Python, what stands for another module is no use of it.
        if one.kind != ImportKind.MOCKED or not is_python:
            yield _Use(one.line, "imports", one.module)
    package, start = sources.package_of(path), sources.space.facts["namespace"].replace("-", "_")
    clue = re.compile(rf"""["']({start}_\w+)(?=[\\"'.:])""")

    def find(path: str) -> list[list[Any]] | None:
        # A file is taken apart only if a string in it begins as other packages here do.
        text = sources.text(path)
        if text is None or not {*clue.findall(text)} - {package and package.import_name}:
            return None if text is None else []
        tree = sources.tree(path)
        return None if tree is None else [*_in_python(tree)]

    if is_python:
        found = sources.kept.of(path, "names of modules", find, start) or ()
        rows = [row for row in found if _is_there(sources, row[1])]
    else:
        rows = sources.in_text(path, "places", _in_javascript) or []
    yield from (_Use(line, "names", module) for line, module in rows)


def _in_python(tree: ast.Module) -> Iterator[list[Any]]:
    """Yield line and name of the strings in Python that may name a module."""
    docs, asked = set[int](), set[int]()
    for node in ast.walk(tree):
        words = getattr(node, "elts", getattr(node, "args", None))
        pairs = pairwise(words) if isinstance(words, list) else ()
        asked |= {id(word) for option, word in pairs if getattr(option, "value", 0) == "-m"}
        if isinstance(node, ast.Expr):
            docs.add(id(node.value))
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [*node.args[:1], *(key.value for key in node.keywords)]
            asked |= {id(one) for one in given if _TAKES.fullmatch(called)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value if _NAME.fullmatch(node.value) else ""
            if name and id(node) not in docs and (not name.isidentifier() or id(node) in asked):
                yield [node.lineno, name.replace(":", ".")]


def _in_javascript(text: str) -> list[list[Any]]:
    """Return line and path of `new URL("…", import.meta.url)` and `__dirname, "…"`."""
    if not _CLUE.search(text):
        return []
    pieces = (
        piece if kind else re.sub(r"\S", "", piece) for kind, piece in javascript.pieces(text)
    )
    code, found = "".join(pieces), []
    for match in _PLACE.finditer(code):
        parts = [match["url"]] if match["url"] else re.findall(r"[^\s,\"'`]+", match["parts"])
        line = code.count("\n", 0, match.end()) + 1
        if not match["url"] or not re.match(r"[a-z]+:", match["url"]):
            found.append([line, posixpath.join(".", *parts)])
    return found


def _wrong(
    sources: Sources, package: Package, path: str, use: _Use
) -> Iterator[tuple[str, str, str]]:
    """Yield id, message and fix of what is wrong with the use of a module."""
    other, inner, by_path = _target(sources, path, use.module)
    if other is None or other.path == package.path:
        pass
    elif by_path:
        fix = f"depend on {other.name} and import it by its name"
        yield "layers.path", f"reaches into {other.path} by a path", fix
    elif not other.is_shared:
        message = f"{use.verb} the {other.kind.singular} {other.path}"
        yield "layers.service", message, f"move what both need to {Kind.SHARED}/{other.language}"
    elif _is_private(other, inner):
        message = f"{use.verb} {use.module}, which is private to {other.path}"
        yield "layers.private", message, f"export it from {other.name}, or do without"
    aliases = sources.space.aliases(path)
    for contract in filter(None, _contracts(sources)):
        against = f"against a contract: {contract.why}"
        if not _in_any(aliases, contract.sources):
            continue
        if _is_forbidden(sources, path, use.module, contract):
            yield "layers.contract", f"{use.verb} {use.module}, {against}", "do without it"
        elif use.verb != "declares":
            ways = sources.once(_ways)[contract]
            for file in [file for file in _loaded(sources, path, use.module) if file in ways][:1]:
                message = f"{use.verb} {use.module}, and so {ways[file][-1]}, {against}"
                fix = f"do without it: {' imports '.join((use.module, *ways[file]))}"
                yield "layers.contract", message, fix


def _target(sources: Sources, path: str, module: str) -> tuple[Package | None, list[str], bool]:
    """Return the package that an import is of, what follows its name, and whether by a path."""
    by_import = sources.space.by_import
    if path.endswith((*PYTHON, _MANIFEST)):
        # From the root, folders without __init__.py are packages as well.
        if (folder := module.replace(".", "/")).startswith(STARTS):
            return sources.package_of(folder), [], True
        name, *inner = module.split(".")
    elif module.startswith((".", "/", "file:")):
        folder = posixpath.dirname(path) if module.startswith(".") else ""
        full = posixpath.join(folder, module.removeprefix("file://"))
        full = posixpath.normpath(full).removeprefix(f"{sources.root}/")
        return sources.package_of(full), [], True
    else:
        name, inner = javascript.specifier(module)
    return by_import.get(name), inner, False


def _is_private(package: Package, inner: Sequence[str]) -> bool:
    """Return whether a package keeps what follows its name in an import to itself."""
    if package.is_python:
        return any(one.startswith("_") and not one.endswith("__") for one in inner)
    if not inner:
        return False
    if exports := _exports(package):
        targets = [exports[key] for key in exports if fnmatchcase("/".join([".", *inner]), key)]
        # null takes back what a wider pattern exports.
        return not targets or None in targets
    return inner[0] == "src" or any(one[0:1] == "_" for one in inner)


def _exports(package: Package) -> Mapping[str, Any]:
    """Return what a JavaScript package exports, by subpath; empty if it does not say."""
    exports = package.manifest.get("exports")
    if isinstance(exports, Mapping) and any(key.startswith(".") for key in exports):
        return exports
    return {} if exports is None else {".": exports}


def _modules(sources: Sources) -> dict[str, str]:
    """Return the files of the modules of all Python packages, by their names."""
    found: dict[str, str] = {}
    for path in sources.files:
        package = sources.package_of(path) if path.endswith((".py", ".pyi")) else None
        if package and path.startswith(start := f"{package.path}/src/"):
            name = path.removeprefix(start).rpartition(".")[0].removesuffix("/__init__")
            found.setdefault(name.replace("/", "."), path)
    return found


def _is_there(sources: Sources, name: str) -> bool:
    """Return whether a module of a package here has a name, or what the package itself defines."""
    modules = sources.once(_modules)
    first, *inner = name.split(".")
    if first not in sources.space.by_import or not inner or f"{first}.{inner[0]}" in modules:
        return first in sources.space.by_import
    text = sources.text(modules[first]) if first in modules else None
    return re.search(rf"\b{inner[0]}\b", text or "") is not None


def _loaded(sources: Sources, path: str, module: str) -> Iterator[str]:
    """Yield the files of packages here that an import of a file loads."""
    if path.endswith((*PYTHON, _MANIFEST)):
        modules = sources.once(_modules)
        yield from (modules[name] for name in prefixes(module) if name in modules)
        return
    other, inner, by_path = _target(sources, path, module)
    targets = [posixpath.join(posixpath.dirname(path), module)] if by_path else []
    for key, value in _exports(other).items() if other and not by_path else ():
        if fnmatchcase(wanted := "/".join([".", *inner]), key):
            before, _, after = key.partition("*")
            part = wanted[len(before) : len(wanted) - len(after)]
            found = re.findall(r"'(\./[^']+)'", repr([value]))
            targets += [f"{other.path}/{file.replace('*', part)}" for file in found if other]
    ends = ("", *javascript.SUFFIXES, *(f"/index{suffix}" for suffix in javascript.SUFFIXES))
    files = (posixpath.normpath(target) + end for target in targets for end in ends)
    yield from (file for file in files if _is_code(sources, file) and sources.kept.state(file))


def _ways(sources: Sources) -> dict[_Contract, dict[str, tuple[str, ...]]]:
    """Return for each contract what a file imports on the shortest way to something forbidden.

    The files that the contract is about are on no way: each is told of itself.
    """
    found: dict[_Contract, dict[str, tuple[str, ...]]] = {}
    imports = {
        # The last in a dict is the first in the file.
        path: {
            use.module: [*_loaded(sources, path, use.module)]
            for use in sorted(_uses(sources, path), reverse=True)
        }
        for path in sources.files
        if _is_code(sources, path)
    }
    for contract in filter(None, _contracts(sources)):
        left = [
            path for path in imports if not _in_any(sources.space.aliases(path), contract.sources)
        ]
        ways = found[contract] = {
            path: (module,)
            for path in left
            for module in imports[path]
            if _is_forbidden(sources, path, module, contract)
        }
        new = ways
        while new:
            new = {
                path: (module, *ways[file])
                for path in left
                if path not in ways
                for module, files in imports[path].items()
                for file in files
                if file in new
            }
            ways |= new
    return found


def _is_forbidden(sources: Sources, path: str, module: str, contract: _Contract) -> bool:
    """Return whether a contract forbids what an import of a file is of."""
    other = _target(sources, path, module)[0]
    return _in_any([module, *(sources.space.aliases(other.path) if other else ())], contract.never)


def _cycles(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each edge that closes a dependency cycle between packages."""
    space = sources.space

    def order(name: str) -> str:
        """Return the name in the grouped layout: the order is the same in both."""
        path = graph.owner(name)
        return f"{space.packages[path].grouped}{name.removeprefix(path)}"

    cycles = graph.cycles(graph.consumed(space), order)
    told = set[tuple[str, str]]()
    for cycle, way in zip(cycles, named(space, cycles), strict=True):
        package, other = (space.packages[graph.owner(name)] for name in cycle[:2])
        # Several extras of one may need the other.
        if (package.path, other.path) in told:
            continue
        told.add((package.path, other.path))
        extra = cycle[0].removeprefix(package.path).strip("[]")
        lines = [
            (fold(one.place[-1]) != (extra or "dependencies"), one.line)
            for one in requested(sources, package.manifest_path, package.manifest)
            if space.by_name.get(one.needs.name) is other
            and one.place[0] not in ("dependency-groups", "devDependencies")
        ]
        message = f"depends on {other.path}, which depends on it in the end"
        fix = f"move what they share to a package of its own: {way}"
        line = min(lines, default=(True, 0))[1]
        yield Finding(package.manifest_path, line, "layers.cycle", message, fix)


def _settings(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each setting that is malformed, or about nothing."""
    space, rule = sources.space, "layers.settings"
    there = space.packages.keys() | space.broken.keys()
    for package in space.packages.values():
        for path in package.serves:
            if path not in there - {package.path}:
                message = f"serves {path}, which is not another package here"
                line = sources.line_of(package.manifest_path, "serves")
                fix = "correct serves, or remove it"
                yield Finding(package.manifest_path, line, rule, message, fix)
    for contract in _contracts(sources):
        if contract is None:
            message = "an entry of [[tool.monorepo.layers]] has no from, never (lists) and why"
            yield Finding(_MANIFEST, 0, rule, message, "add what is missing")
        elif not any(_in_any(space.aliases(path), contract.sources) for path in sources.files):
            message = f"the contract from {', '.join(contract.sources)} is about no file"
            yield Finding(_MANIFEST, 0, rule, message, "fix its from, or remove it")


def _contracts(sources: Sources) -> Iterator[_Contract | None]:
    """Yield the team's contracts; None for one that is malformed."""
    entries = sources.space.facts.get("layers", [])
    for entry in entries if isinstance(entries, list) else [entries]:
        match entry:
            case {"from": [str(), *_] as start, "never": [str(), *_] as never, "why": str(why)}:
                yield _Contract(tuple(map(str, start)), tuple(map(str, never)), why)
            case _:
                yield None


def _in_any(names: Iterable[str], patterns: Sequence[str]) -> bool:
    """Return whether a path or a module, by any name, matches a pattern or is inside a match."""
    return any(
        fnmatchcase(name, one)
        for name in names
        for pattern in patterns
        for one in (pattern, f"{pattern}/*", f"{pattern}.*")
    )
