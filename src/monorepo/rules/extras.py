"""A module that needs an extra is imported only where that extra is requested.

All imports of a module, also those of the modules that it imports, are provided by the base of its
package, or by the base and one extra. The top-level module needs only the base. Who imports a
submodule that needs an extra, requests that extra; tests do so in a group or the extra `test`.
Imports in functions, under conditions, in a `try` that handles ImportError and for type checkers
may wait. A module that needs an extra raises an ImportError that names it: `acme-core[io]`.

- extras.missing: a module imports what neither the base nor any one extra provides for it
- extras.unrequested: a module of another package needs an extra that is not requested
- extras.wording: no ImportError names the extra, in the module, above it, or in what it imports
- extras.unknown: a requested extra does not exist
- extras.duplicate: two extras have names that normalize to the same

Why: the development environment has all extras. A dependency in the wrong one is missing only where
others install the extra that they requested; pip only warns of an unknown extra, uv says nothing.

Fix: declare the dependency in the extra of that submodule, or request the extra: `acme-core[io]`.

Passes::

    dependencies = ["acme-service[fastapi]"]    from acme_service.fastapi import serve

Fails::

    dependencies = ["acme-service"]    from acme_service.fastapi import serve
"""

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import extras_graph, providers
from monorepo.dependencies.extras_graph import Asked, Demand, Demands, Item
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import requested
from monorepo.guard.repository import Sources
from monorepo.parsing import python_imports
from monorepo.parsing.python_imports import Refusal, prefixes
from monorepo.parsing.python_tests import is_test

# What is installed with each extra, by its name; "" stands for the base alone.
Ways = Mapping[str, Asked]
_ABSENT = ("ImportError", "ModuleNotFoundError")

OPTIONAL = True


def subjects(sources: Sources) -> Sequence[str]:
    """Return the Python packages."""
    return [path for path, package in sources.space.packages.items() if package.is_python]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the imports of a package with the dependencies in its base and extras."""
    package = sources.space.packages[subject]
    yield from _unknown(sources, package)
    yield from _duplicates(sources, package)
    # What dynamic metadata declares is not known; the rule `declared` says so.
    if extras_graph.is_dynamic(package):
        return
    graph = extras_graph.of(sources)
    graph.ask(package)
    asks = graph.known.asks
    ways = {extra: asks(package, [extra]) for extra in ("", *package.extras) if extra != "test"}
    test = asks(package, {"test"} & package.extras.keys(), package.groups)
    # One finding for each cause: what is to be declared, or asked for, at one place.
    told = set[str]()
    for module, file in graph.modules(subject).items():
        if not is_test(file):
            items = list(graph.items(package, file, late=True))
            yield from _new(_unrequested(graph, package, file, items, ways), told)
            missing = list(_missing(graph, package, module, items, ways))
            yield from _new(missing, told)
            yield from () if missing else _wording(graph, package, module, items, ways)
    for file in graph.known.files.get(subject, []):
        if is_test(file) and file.endswith(".py"):
            yield from _new(_tests(graph, package, file, ways, test), told)


def _new(findings: Iterable[Finding], told: set[str]) -> Iterator[Finding]:
    """Yield the findings whose mending is not told yet."""
    for finding in findings:
        if finding.fix not in told:
            told.add(finding.fix)
            yield finding


def _tests(
    graph: Demands, package: Package, file: str, ways: Ways, test: Asked
) -> Iterator[Finding]:
    """Yield the first import of a test that its environment does not provide."""
    at_top = {need.names for need in graph.at_top(package)}
    for item in graph.items(package, file):
        there = [test, *graph.skips(package, file, item.one.line)]
        lacks = [
            need
            for need in sorted(item.demands)
            if need.names not in at_top and not any(graph.met(need, way) for way in there)
        ]
        # Where a module of the package is at fault, it is told there.
        if not lacks or (item.own and _is_stuck(graph, item, ways)):
            continue
        kind = "extra" if "test" in package.extras and not package.groups else "group"
        where = f"the {kind} test of {package.manifest_path}"
        if other := _asked_without(graph, lacks, test):
            yield _request(graph, package, file, item, other, test)
            return
        extra = next((one for one, way in ways.items() if one and graph.met(lacks[0], way)), "")
        what = f"ask for {package.name}[{extra}]" if extra else f"declare {lacks[0].names[0]}"
        message = f"{_says(item, lacks[0])}, which the {kind} test does not provide"
        path = f"{package.path}/{file}"
        yield Finding(path, item.one.line, "extras.missing", message, f"{what} in {where}")
        return


def _unrequested(
    graph: Demands, package: Package, file: str, items: Sequence[Item], ways: Ways
) -> Iterator[Finding]:
    """Yield imports of modules of other packages that need an extra which is never requested."""
    every: dict[str, set[str]] = {}
    for way in ways.values():
        for name, extras in way.items():
            every.setdefault(name, set()).update(extras)
    for item in items:
        if not item.own and _is_stuck(graph, item, ways):
            needs = sorted(item.demands)
            if other := _asked_without(graph, needs, every):
                yield _request(graph, package, file, item, other, every)


def _asked_without(graph: Demands, needs: Sequence[Demand], asked: Asked) -> str:
    """Return a package that is asked for without the extra that a need is for; "" for none."""
    names = (name for need in needs for name in need.names)
    return next((name for name in names if name in asked and name in graph.space.by_name), "")


def _request(
    graph: Demands, package: Package, file: str, item: Item, name: str, asked: Asked
) -> Finding:
    """Return the finding that an extra of another package is not requested."""
    other = graph.space.by_name[name]
    need = next(one for one in sorted(item.demands) if name in one.names)
    extras = [one for one in other.extras if one != "test"]
    opens = [one for one in extras if not graph.open(name, need.module, [*asked[name], one])]
    lacks = ", ".join(sorted({one.module for one in graph.lacking(name, need.module, asked)}))
    needed = f"{other.name}[{opens[0]}]" if opens else lacks
    message = f"imports {item.one.module}, which needs {needed}"
    fix = f"ask for {needed} in {package.manifest_path}"
    return Finding(f"{package.path}/{file}", item.one.line, "extras.unrequested", message, fix)


def _missing(
    graph: Demands, package: Package, module: str, items: Sequence[Item], ways: Ways
) -> Iterator[Finding]:
    """Yield what the best way to install a package lacks of what a module demands."""
    top = module in graph.tops(package)
    # What the top demands is told there, and what a folder demands comes before what is in it.
    at_top = frozenset[Demand]() if top else graph.of(package, module.partition(".")[0])
    above = graph.of(package, module.rpartition(".")[0]) - at_top
    # Whatever else is imported from here imports the top, and demands all that this does.
    each = [
        (item, sorted(item.demands - at_top))
        for item in sorted(items, key=lambda item: item.one.line)
        if not item.one.late and ((top and item.own) or not _is_stuck(graph, item, ways))
    ]
    wanted = [*sorted(above), *(need for _, needs in each for need in needs)]
    if not wanted:
        return
    lacking = {extra: [not graph.met(need, way) for need in wanted] for extra, way in ways.items()}
    # Where none provides all, the one that is called as a folder here is meant.
    folders = {fold(part) for part in module.split(".")}
    order = {
        extra: (any(some) and extra not in folders, sum(some), some)
        for extra, some in lacking.items()
    }
    best = "" if top else min(order, key=order.__getitem__)
    # What it imports itself says more than what another module of its package does.
    for item, needs in sorted(each, key=lambda pair: bool(pair[0].own)):
        if lacks := [need for need in needs if not graph.met(need, ways[best])]:
            path = f"{package.path}/{graph.modules(package.path)[module]}"
            says = _says(item, lacks[0])
            name = lacks[0].names[0]
            if top:
                message = f"{says} from an extra, without which {module} does not import"
                fix = f"declare {name} in dependencies, or import it where it is needed"
            else:
                message = f"{says}, which [{best}] does not provide"
                fix = f"declare {name} in the extra {best}, or split the module"
            yield Finding(path, item.one.line, "extras.missing", message, fix)
            return


def _says(item: Item, need: Demand) -> str:
    """Return in words what is imported, and what that needs."""
    says = f"imports {item.one.module}"
    return f"{says}, which needs {need.module}" if item.own else says


def _is_stuck(graph: Demands, item: Item, ways: Ways) -> bool:
    """Return whether there is no one way to install all that an import demands."""
    return not any(all(graph.met(one, way) for one in item.demands) for way in ways.values())


def _wording(
    graph: Demands, package: Package, module: str, items: Sequence[Item], ways: Ways
) -> Iterator[Finding]:
    """Yield the first import of what an extra provides that no ImportError with its name guards."""
    if module in graph.tops(package):
        return
    modules = graph.modules(package.path)
    path = f"{package.path}/{modules[module]}"
    legacy = {*map(fold, package.legacy)}
    above = {one for one in prefixes(module)[:-1] if one in modules}
    for item in sorted(items, key=lambda item: item.one.line):
        if item.own and not item.one.late:
            above |= {one for one in prefixes(item.own) if one in modules}
        needs = item.demands
        if item.own or item.one.late or all(graph.met(need, ways[""]) for need in needs):
            continue
        extras = [
            extra
            for extra, way in ways.items()
            if extra and all(graph.met(need, way) for need in needs)
        ]
        if not extras or not legacy.isdisjoint(extras):
            continue
        around = [one for one in _refusals(graph, path) if one.first <= item.one.line]
        # What a function of the team's own raises is not known.
        if any(one.error and not hasattr(builtins, one.error) for one in around):
            continue
        files = [path] if any(one.error in _ABSENT for one in around) else []
        files += [f"{package.path}/{modules[one]}" for one in above]
        named = re.compile(
            rf"(?i){re.escape(package.name)}\[({'|'.join(map(re.escape, extras))})\]"
        )
        if not any(named.search(graph.known.sources.text(file) or "") for file in files):
            wanted = f"{package.name}[{extras[0]}]"
            message = f"imports {item.one.module} without an ImportError that names {wanted}"
            fix = "catch ImportError, and raise one that says what to install"
            yield Finding(path, item.one.line, "extras.wording", message, fix)
            return


def _refusals(graph: Demands, path: str) -> list[Refusal]:
    """Return what refuses to go on without an import in a file."""
    rows = graph.known.sources.in_tree(path, "refusals", _rows)
    return [Refusal(*row) for row in rows or ()]


def _rows(tree: ast.Module) -> list[list[object]]:
    return [list(row) for row in python_imports.refusals(tree)]


def _unknown(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield requested extras that do not exist."""
    manifest, known = package.manifest_path, providers.of(sources)
    for one in requested(sources, manifest, package.manifest):
        name, wanted = one.needs
        other = package if name == fold(package.name) else sources.space.by_name.get(name)
        # What dynamic metadata declares is not known, nor what is not installed has.
        if not wanted or (other and extras_graph.is_dynamic(other)):
            continue
        there = {*other.extras} if other else known.extras(package, one.text)
        for extra in sorted({*wanted} - there) if there is not None else ():
            message = f"{one.text} requests an extra {extra}, which {name} does not have"
            has = f"ask for one of {', '.join(sorted(there))}" if there else "ask for none"
            yield Finding(manifest, one.line, "extras.unknown", message, has)


def _duplicates(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield extras whose names normalize to the same."""
    manifest = package.manifest_path
    seen: dict[str, str] = {}
    for extra in package.manifest["project"].get("optional-dependencies", {}):
        if fold(extra) in seen:
            line = sources.line_of(manifest, "[project.optional-dependencies]", extra)
            message = f"the extras {seen[fold(extra)]} and {extra} normalize to the same name"
            yield Finding(manifest, line, "extras.duplicate", message, "rename one, or join them")
        seen[fold(extra)] = extra
