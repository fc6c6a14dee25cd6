"""Packages use the public names of shared packages, and form no cycle.

Looked at are imports in Python (stubs and notebooks too) and JavaScript, entry points, all lists
of a manifest, and strings that name a module which is there, or an object in it:
"acme_core.ids:new"; a package alone where a module is asked for: resources.files, "-m".

layers.service   a service or an app is imported, named or declared by another package
layers.private   a private module of another package is imported or named
layers.path      code reaches into another package by a path, also `new URL` and `__dirname`
layers.cycle     an edge closes a cycle of what consumers get; without all of these, there is none
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
import hashlib
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, NamedTuple

from monorepo.core.languages import STARTS, Kind
from monorepo.core.workspace import Package
from monorepo.graph import packages as graph
from monorepo.graph.view import named
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import requested
from monorepo.guard.repository import PYTHON, Sources
from monorepo.parsing import javascript
from monorepo.parsing.javascript import TokenKind
from monorepo.parsing.python_imports import ImportKind, prefixes

_MANIFEST = "pyproject.toml"
# What takes the name of a module, and the objects of entry points.
_TAKES = re.compile(
    r"import_module|find_spec|run_module|resolve_name|files|get_data|resource_\w+"
    r"|(open|read)_(binary|text)|is_resource|contents"
)
_CLUE = re.compile(r"""["'](\w+)(?=[\\"'.:])""")
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_][\w.]*)?")
_MOCKS = {"mock", "doMock", "unmock", "dontMock", "importActual", "requireActual", "resolve"}


class _Contract(NamedTuple):
    """What a team forbids: imports from some packages or files of others, or of modules."""

    sources: tuple[str, ...]
    never: tuple[str, ...]
    why: str


class _Use(NamedTuple):
    """A module that a file imports or names, and where."""

    line: int
    verb: str
    module: str


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, for cycles and contracts, and the files and manifests of packages."""
    manifests = {package.manifest_path for package in sources.space.packages.values()}
    files = [path for path in sources.looked_at if path in manifests or _is_code(sources, path)]
    return [".", *files] if sources.space.packages else []


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at what a file names; or at the graph and the settings."""
    if subject == ".":
        yield from _cycles(sources)
        yield from _settings(sources)
        return
    package = sources.package_of(subject)
    assert package
    aliases = sources.space.aliases(subject)
    contracts = [one for one in _contracts(sources) if _in_any(aliases, one.sources)]
    seen: set[tuple[str, object]] = set()
    if subject == package.manifest_path:
        found = _declared(sources, package, contracts)
    else:
        found = (
            (use.line, *wrong)
            for use in sorted(_uses(sources, subject))
            for wrong in _wrong(sources, package, subject, use, contracts)
        )
    for line, rule, message, fix in found:
        # Of `from a import b`, both a and a.b are looked at.
        keys = {(rule, line), (rule, message.partition(" ")[2])}
        if not keys & seen:
            seen |= keys
            yield Finding(subject, line, rule, message, fix)


def _is_code(sources: Sources, path: str) -> bool:
    """Return whether a file of a package may have imports."""
    return path.endswith((*PYTHON, *javascript.SUFFIXES)) and bool(sources.package_of(path))


def _declared(
    sources: Sources, package: Package, contracts: Sequence[_Contract]
) -> Iterator[tuple[int, str, str, str]]:
    """Yield line, id, message and fix of what a manifest must not declare or start."""
    for one in requested(sources, package.manifest_path, package.manifest):
        other = sources.space.by_name.get(one.needs.name)
        if other and other.path != package.path and not other.is_shared:
            message = f"declares the {other.kind.singular} {other.path}"
            yield one.line, "layers.service", message, _move(other)
        aliases = sources.space.aliases(other.path) if other else ()
        for contract in contracts:
            if _in_any((one.needs.name, *aliases), contract.never):
                message = f"declares {one.needs.name}, against a contract: {contract.why}"
                yield one.line, "layers.contract", message, "do without it"
    project = package.manifest.get("project", {}) if package.is_python else {}
    tables = [project.get("scripts"), project.get("gui-scripts")]
    for table in (*tables, *project.get("entry-points", {}).values()):
        for value in table.values() if isinstance(table, Mapping) else ():
            module = re.split(r"[\s:\[]", str(value).strip(), maxsplit=1)[0]
            line = sources.line_of(package.manifest_path, f'{value}"')
            for wrong in _wrong(sources, package, "x.py", _Use(line, "starts", module), ()):
                yield line, *wrong


def _uses(sources: Sources, path: str) -> Iterator[_Use]:
    """Yield the modules that a file imports, and those that its strings name."""
    for one in sources.imports(path):
        if one.kind != ImportKind.MOCKED:
            yield _Use(one.line, "imports", one.module)
    if path.endswith(PYTHON):
        ours = sources.space.by_import.keys()

        def find(path: str) -> list[list[Any]] | None:
            # A file is taken apart only if a string in it begins with the name of a package here.
            text = sources.text(path)
            if text is None or ours.isdisjoint(_CLUE.findall(text)):
                return None if text is None else []
            tree = sources.tree(path)
            return None if tree is None else [*_in_python(tree)]

        found = sources.kept.of(path, "names of modules", find, sources.once(_given)) or ()
        rows = [row for row in found if _is_there(sources, row[1])]
    else:
        rows = sources.in_text(path, "places", _in_javascript) or []
    yield from (_Use(line, "names", module) for line, module in rows)


def _given(sources: Sources) -> str:
    """Return a hash of the import names of all packages."""
    names = " ".join(sorted(sources.space.by_import)).encode()
    return hashlib.blake2b(names, digest_size=8).hexdigest()


def _in_python(tree: ast.Module) -> Iterator[list[Any]]:
    """Yield line and name of the strings in Python that may name a module."""
    texts, asked = set[int](), set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            texts.add(id(node.value))
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if _TAKES.fullmatch(called):
                asked |= {
                    id(one) for one in (*node.args[:1], *(key.value for key in node.keywords))
                }
        if words := getattr(node, "elts", getattr(node, "args", None)):
            pairs = pairwise(words) if isinstance(words, list) else ()
            asked |= {id(word) for option, word in pairs if getattr(option, "value", 0) == "-m"}
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value if _NAME.fullmatch(node.value) else ""
            if name and id(node) not in texts and (not name.isidentifier() or id(node) in asked):
                yield [node.lineno, name.replace(":", ".")]


def _in_javascript(text: str) -> list[list[Any]]:
    """Return line and path, or name, of the strings that name a module but in imports."""
    found: list[list[Any]] = []
    if not re.search(r"import\.meta|__dirname|[mM]ock\(|Actual\(|\.resolve\(", text):
        return found
    code = [*javascript.tokens(text)]
    words = [token.text for token in code]
    for place, token in enumerate(code):
        before = "".join(words[max(0, place - 6) : place])
        value = token.text[1:-1]
        if token.kind is not TokenKind.STRING:
            continue
        if before.endswith("newURL("):
            if "".join(words[place + 1 : place + 7]).startswith(",import.meta.url"):
                found.append([token.line, value if value[:1] in "./" else f"./{value}"])
        elif before.endswith(("__dirname,", "import.meta.dirname,")):
            parts = [value]
            while words[place + 1 : place + 2] == [","] and place + 2 < len(code):
                place += 2
                if code[place].kind is not TokenKind.STRING:
                    break
                parts.append(code[place].text[1:-1])
            found.append([token.line, "./" + posixpath.join(*parts)])
        elif words[max(0, place - 3) : place - 2] == ["."] and words[place - 2] in _MOCKS:
            found.append([token.line, value])
    return found


def _wrong(
    sources: Sources, package: Package, path: str, use: _Use, contracts: Sequence[_Contract]
) -> Iterator[tuple[str, str, str]]:
    """Yield id, message and fix of what is wrong with the use of a module."""
    other, inner, by_path = _target(sources, path, use.module)
    if other is None or other.path == package.path:
        other = None
    elif by_path:
        fix = f"depend on {other.name} and import it by its name"
        yield "layers.path", f"reaches into {other.path} by a path", fix
    elif not other.is_shared:
        message = f"{use.verb} the {other.kind.singular} {other.path}"
        yield "layers.service", message, _move(other)
    elif _is_private(other, inner):
        message = f"{use.verb} {use.module}, which is private to {other.path}"
        yield "layers.private", message, f"export it from {other.name}, or do without"
    for contract in contracts:
        against = f"against a contract: {contract.why}"
        if _is_forbidden(sources, path, use.module, contract):
            message = f"{use.verb} {use.module}, {against}"
            yield "layers.contract", message, "do without it"
            continue
        ways = sources.once(_ways)[contract]
        if way := next(
            (ways[file] for file in _loaded(sources, path, use.module) if file in ways), None
        ):
            message = f"{use.verb} {use.module}, and so {way[-1]}, {against}"
            fix = f"do without it: {' imports '.join((use.module, *way))}"
            yield "layers.contract", message, fix


def _move(other: Package) -> str:
    return f"move what both need to {Kind.SHARED}/{other.language}"


def _target(sources: Sources, path: str, module: str) -> tuple[Package | None, list[str], bool]:
    """Return the package that an import is of, what follows its name, and whether by a path."""
    by_import = sources.space.by_import
    if path.endswith(PYTHON):
        first, *inner = module.split(".")
        # From the root, folders without __init__.py are packages as well.
        if (folder := module.replace(".", "/")).startswith(STARTS):
            return sources.package_of(folder), [], True
        return by_import.get(first), inner, False
    if module.startswith((".", "/", "file:")):
        folder = posixpath.dirname(path) if module.startswith(".") else ""
        full = posixpath.join(folder, module.removeprefix("file://"))
        full = posixpath.normpath(full).removeprefix(f"{sources.root}/")
        return sources.package_of(full), [], True
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
    found = {}
    for path in sources.files:
        package = sources.package_of(path) if path.endswith((".py", ".pyi")) else None
        if package and path.startswith(start := f"{package.path}/src/"):
            name = path.removeprefix(start).rpartition(".")[0].removesuffix("/__init__")
            found[name.replace("/", ".")] = path
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
    if path.endswith(PYTHON):
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
    yield from (file for file in files if file in sources.once(_imported))


def _imported(sources: Sources) -> dict[str, list[str]]:
    """Return the modules that each file of a package imports or names."""
    return {
        path: [use.module for use in _uses(sources, path)]
        for path in sources.files
        if _is_code(sources, path)
    }


def _users(sources: Sources) -> dict[str, set[tuple[str, str]]]:
    """Return the files that load each file, with the module that they import."""
    found = defaultdict(set)
    for path, modules in sources.once(_imported).items():
        for module in modules:
            for file in _loaded(sources, path, module):
                found[file].add((path, module))
    return found


def _ways(sources: Sources) -> dict[_Contract, dict[str, tuple[str, ...]]]:
    """Return for each contract what a file imports on the shortest way to something forbidden.

    The files that the contract is about are on no way: each is told of itself.
    """
    found: dict[_Contract, dict[str, tuple[str, ...]]] = {}
    for contract in {*_contracts(sources)}:
        ways = found[contract] = dict[str, tuple[str, ...]]()
        left = {
            path: modules
            for path, modules in sources.once(_imported).items()
            if not _in_any(sources.space.aliases(path), contract.sources)
        }
        for path, modules in left.items():
            if wrong := [one for one in modules if _is_forbidden(sources, path, one, contract)]:
                ways[path] = (wrong[0],)
        waiting = [*ways]
        # The list is extended while iterating.
        for file in waiting:
            for path, module in sorted(sources.once(_users)[file]):
                if path in left and path not in ways:
                    ways[path] = (module, *ways[file])
                    waiting.append(path)
    return found


def _is_forbidden(sources: Sources, path: str, module: str, contract: _Contract) -> bool:
    """Return whether a contract forbids what an import of a file is of."""
    other = _target(sources, path, module)[0]
    return _in_any([module, *(sources.space.aliases(other.path) if other else ())], contract.never)


def _cycles(sources: Sources) -> Iterator[Finding]:
    """Yield a finding for each edge that closes a dependency cycle between packages."""
    space = sources.space
    # The order is the same in both layouts.
    for cycle in graph.cycles(sources.consumed, lambda path: space.packages[path].grouped):
        package, other = space.packages[cycle[0]], space.packages[cycle[1]]
        lines = [
            one.line
            for one in requested(sources, package.manifest_path, package.manifest)
            if space.by_name.get(one.needs.name) is other
            and one.group not in ("dependency-groups", "devDependencies")
        ]
        message = f"depends on {other.path}, which depends on it in the end"
        fix = f"move what they share to a package of its own: {named(space, cycle)}"
        line = next(iter(lines), 0)
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
    good = list(_contracts(sources))
    if len(good) < len(list(_tables(sources))):
        message = "an entry of [[tool.monorepo.layers]] has no from, never (lists) and why (a text)"
        yield Finding(_MANIFEST, 0, rule, message, "add what is missing")
    for contract in good:
        if not any(_in_any(space.aliases(path), contract.sources) for path in sources.files):
            message = f"the contract from {', '.join(contract.sources)} is about no file"
            yield Finding(_MANIFEST, 0, rule, message, "fix its from, or remove it")


def _contracts(sources: Sources) -> Iterator[_Contract]:
    """Yield the team's contracts that are well-formed."""
    for told in _tables(sources):
        texts = [told.get("from"), told.get("never")]
        lists = all(
            isinstance(one, list) and one and all(isinstance(text, str) for text in one)
            for one in texts
        )
        if lists and isinstance(told.get("why"), str):
            yield _Contract(tuple(told["from"]), tuple(told["never"]), told["why"])


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
