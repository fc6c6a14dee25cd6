"""A module that needs an extra is imported only where that extra is requested.

The rule follows the import graph; nothing is listed by hand. All direct and indirect imports of a
module are provided by the base of its package, or by the base and one extra (`test` and dependency
groups are for tests). The top-level module needs only the base; of several, the one with the name
of the distribution. A package that imports a submodule which needs an extra requests that extra, or
its dependencies. Tests need only the base, the groups and the extra `test`, except for modules that
they or a conftest.py mock, import optionally or skip without, and the rest of such an extra. Test
files are those in a folder `tests` or with a name that pytest collects, also in src; one that
pytest neither collects nor imports runs elsewhere, with other dependencies. Imports in functions,
under a condition, optional ones and those for type checkers are deferred, but groups and `test`
provide nothing to src; plugins may import their program. Each fault is reported where it is, not at
dependents.

An uncertain finding is a warning: the extra of another package provides the module, the code says
to install it or has its name in a string, another module imports this one optionally, it is a
script with its own requirements, or for tests (`testing.py`).

A requested extra exists, no two normalize to the same name, and each extra of a private package
(`Private :: Do Not Upload`) is requested, mentioned or imported from, unless the package has no
code: those of a set of dependencies are there to be chosen from. The rule `legacy` is about those
that a package marks. Dynamic metadata is not checked.

Why: the development environment has all extras. A dependency in the wrong one is missing only where
others install the extra that they requested; pip only warns of an unknown extra, uv says nothing.

Fix: declare the dependency in the extra of that submodule, or request the extra: `acme-core[io]`.

Passes::

    dependencies = ["acme-service[fastapi]"]    from acme_service.fastapi import serve

Fails::

    dependencies = ["acme-service"]    from acme_service.fastapi import serve
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import extras_graph, mentions, providers, uncertainty
from monorepo.dependencies.extras_graph import Asked, Demand, Demands, Item
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing.python_tests import is_test

# Programs that load modules of others: one that is called after them is for them.
_LOADING = "ipython mkdocs mypy pylint pytest sphinx".split()
Ways = Mapping[str, Asked]

OPTIONAL = True


def subjects(sources: Sources) -> Sequence[str]:
    """Return the Python packages."""
    return [path for path, package in sources.space.packages.items() if package.is_python]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the imports of a package with the dependencies in its base and extras."""
    package = sources.space.packages[subject]
    yield from _asked(sources, package)
    yield from _same(sources, package)
    yield from _dead(sources, package)
    # Of what it brings nothing is known then; the rule `declared` says so.
    if extras_graph.is_dynamic(package):
        return
    graph = extras_graph.of(sources)
    asks = graph.known.asks
    ways = {extra: asks(package, [extra]) for extra in ("", *package.extras) if extra != "test"}
    test = asks(package, {"test"} & package.extras.keys(), package.groups)
    told = set[tuple[str, ...]]()
    for file in graph.known.files.get(subject, []):
        if is_test(file):
            yield from _tests(graph, package, file, ways, test)
        # Where a name in its path is none to Python it is no module, but data or run elsewhere.
        elif file.startswith("src/") and all(map(str.isidentifier, graph.module(file).split("."))):
            yield from _module(graph, package, file, ways, told)


def _tests(
    graph: Demands, package: Package, file: str, ways: Ways, test: Asked
) -> Iterator[Finding]:
    """Yield what a test imports and its environment lacks."""
    seen = set[int]()
    at_top = {one.names for one in graph.at_top(package)}
    for item in graph.items(package, file):
        lacks = [one for one in item.demands if not graph.met(one, test)]
        # Where an own module is at fault, it is told there.
        if not lacks or item.one.line in seen or (item.own and _stuck(graph, item, ways)):
            continue
        there = [test, *graph.skips(package, file, item.one.line)]
        lacks = [
            one
            for one in lacks
            if one.names not in at_top and not any(graph.met(one, way) for way in there)
        ]
        if lacks and graph.is_run(package, file):
            seen.add(item.one.line)
            kind = "extra" if "test" in package.extras and not package.groups else "group"
            which = f"which the {kind} test does not provide"
            yield _finding(graph, package, file, item, lacks, which, test)


def _module(
    graph: Demands, package: Package, file: str, ways: Ways, told: set[tuple[str, ...]]
) -> Iterator[Finding]:
    """Yield imports of a module that neither the base nor any single extra provides."""
    items = []
    module = graph.module(file)
    top = module in graph.tops(package)
    every: dict[str, set[str]] = {}
    for way in ways.values():
        every |= {name: extras | every.get(name, set()) for name, extras in way.items()}
    for item in graph.items(package, file, late=True):
        # Whatever else is imported from here imports the top, and demands all that this does.
        if (top and item.own) or not _stuck(graph, item, ways):
            items += [] if item.one.late else [item]
        elif not item.own and not _loads(graph, package, file, item):
            names = {one.names for one in item.demands}
            if not names <= told:
                which = f"which only {_for_tests(package, item)} provides"
                found = _finding(graph, package, file, item, list(item.demands), which, every)
                # A doubt does not keep a certain one elsewhere from being told.
                new = names if found.status == "error" else {("", *one) for one in names}
                if not new <= told:
                    told |= new
                    yield found
    yield from _unmet(graph, package, file, items, ways)


def _unmet(
    graph: Demands, package: Package, file: str, items: list[Item], ways: Ways
) -> Iterator[Finding]:
    """Yield what the best way to install a package lacks of what imports of a module demand."""
    module = graph.module(file)
    top = module in graph.tops(package)
    # What the top demands is told there, and what a folder demands comes before what is in it.
    at_top = frozenset[Demand]() if top else graph.of(package, module.partition(".")[0])
    above = graph.of(package, module.rpartition(".")[0]) - at_top
    items.sort(key=lambda item: item.one.line)
    each = [(item, sorted(item.demands - at_top)) for item in items]
    wanted = [*sorted(above), *(one for _, demanded in each for one in demanded)]
    if not wanted:
        return

    lacking = {extra: [not graph.met(one, way) for one in wanted] for extra, way in ways.items()}
    # Where none brings all, the one that is called as a folder here is meant.
    folders = {fold(part) for part in module.split(".")}
    order = {
        extra: (any(some) and extra not in folders, sum(some), some)
        for extra, some in lacking.items()
    }
    best = "" if top else min(order, key=order.__getitem__)
    which = f"which [{best}] does not provide, and another import here needs that"
    if top:
        which = f"without which {module} does not import"
    doubtful: Finding | None = None
    # What it imports itself says more than what another module of its package does; one is enough,
    # and what is certain is worse than what may be a mistake.
    for item, demanded in sorted(each, key=lambda pair: bool(pair[0].own)):
        if lacks := [one for one in demanded if not graph.met(one, ways[best])]:
            found = _finding(graph, package, file, item, lacks, which, ways[best])
            doubtful = doubtful or found
            if found.status == "error":
                doubtful = found
                break
    if doubtful:
        yield doubtful


def _loads(graph: Demands, package: Package, file: str, item: Item) -> bool:
    """Return whether an import is of the program that loads the module, or calls the function."""
    top = item.one.module.partition(".")[0].lower()
    if top not in _LOADING:
        return False
    tree = graph.known.sources.tree(f"{package.path}/{file}") or ast.Module([], [])
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = [one for one in functions if one.lineno < item.one.line <= (one.end_lineno or 0)]
    names = [file, *(one.name for one in inside)]
    points = package.manifest["project"].get("entry-points", {})
    names += [group for group, table in points.items() if graph.module(file) in str(table)]
    # To ask for the shell that one runs in is to do without.
    names += ["ipython"] if any("get_ipython()" in ast.unparse(one) for one in inside) else []
    return top in re.findall("[a-z]+", " ".join(names).lower())


def _for_tests(package: Package, item: Item) -> str:
    """Return the groups or extras that provide an import for development only."""
    names = {name for one in item.demands for name in one.names}
    for group, texts in package.groups.items():
        if names & {workspace.requirement(text).name for text in texts}:
            return f"the group {group}"
    return "the extra test"


def _stuck(graph: Demands, item: Item, ways: Ways) -> bool:
    """Return whether there is no one way to install all that an import demands."""
    return not any(all(graph.met(one, way) for one in item.demands) for way in ways.values())


def _finding(
    graph: Demands,
    package: Package,
    file: str,
    item: Item,
    lacks: Sequence[Demand],
    which: str,
    asked: Asked,
) -> Finding:
    """Return the finding for an import."""
    doubted = []
    for one in sorted(lacks):
        doubted.append((uncertainty.of(graph, package, file, item, one, asked), one))
        # One that is certain is enough, and there may be hundreds.
        if not doubted[-1][0]:
            break
    doubt, need = min(doubted)
    path, manifest = f"{package.path}/{file}", f"{package.path}/pyproject.toml"
    message = f"imports {item.one.module}"
    if item.own:
        message += f", which needs {need.module}"
    advice = f"declare it in the right place in {manifest}, or import it where it is needed"
    for name in [one for one in need.names if one in asked]:
        # It is asked for, but not with the extra that the submodule needs.
        more = sorted({one.module for one in graph.lacking(name, need.module, asked)})
        other = graph.space.by_name[name]
        which = f"which needs an extra of {name} that is not requested ({', '.join(more)})"
        doing = [
            one
            for one in other.extras
            if one != "test" and not graph.open(name, need.module, [one])
        ]
        advice = f"ask for {name}[{doing[0]}] in {manifest}" if doing else advice
    status = "warn" if doubt else "error"
    return Finding(path, item.one.line, "extras", f"{message}, {which}{doubt}", advice, status)


def _asked(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield requested extras that do not exist."""
    manifest = f"{package.path}/pyproject.toml"
    known = providers.of(sources)
    lists: dict[tuple[str, ...], list[str]]
    lists = {("[project]", "dependencies"): list(package.requirements())}
    for extra, texts in package.extras.items():
        lists["[project]", "[project.optional-dependencies]", extra] = texts
    # What one group includes of another one stands there.
    grouped = dict.fromkeys(text for texts in package.groups.values() for text in texts)
    lists["[dependency-groups]",] = list(grouped)
    for where, texts in lists.items():
        for text in texts:
            name, wanted = workspace.requirement(text)
            other = package if name == fold(package.name) else sources.space.by_name.get(name)
            if other:
                there = set(other.extras)
                if extras_graph.is_dynamic(other):
                    continue
            elif wanted and (found := known.extras(package, text)) is not None:
                there = found
            else:
                continue
            for one in sorted(set(wanted) - there):
                line = sources.line_of(manifest, *where, text)
                message = f"{text} requests an extra {one}, which {name} does not have"
                has = f"ask for one of {', '.join(sorted(there))}" if there else "ask for none"
                yield Finding(manifest, line, "extras", message, has)


def _same(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield extras whose names normalize to the same."""
    manifest = f"{package.path}/pyproject.toml"
    seen: dict[str, str] = {}
    for extra in package.manifest["project"].get("optional-dependencies", {}):
        if fold(extra) in seen:
            line = sources.line_of(manifest, "[project.optional-dependencies]", extra)
            message = f"the extras {seen[fold(extra)]} and {extra} normalize to the same name"
            yield Finding(manifest, line, "extras", message, "rename one, or join them")
        seen[fold(extra)] = extra


def _dead(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield extras that are not requested, mentioned or imported from."""
    known = providers.of(sources)
    manifest = f"{package.path}/pyproject.toml"
    # Of a package that an index may have, others may ask for them.
    if package.is_published or not package.has_code:
        return
    excused = {"test", *workspace.OPT_IN, *map(fold, package.legacy)}
    excused |= known.asked.get(fold(package.name), set())
    for extra in package.extras.keys() - excused:
        names = {workspace.requirement(text).name for text in package.extras[extra]}
        names |= known.asks(package, [extra]).keys() - known.asks(package).keys()
        if names & known.used(package) or _named(sources, extra, manifest):
            continue
        # An instrumentation names the modules that it is for.
        modules = {module for name in names for module in known.modules(package, name) or ()}
        if mentions.is_named(sources, package, {*names, *map(fold, modules)}):
            continue
        raw = package.manifest["project"]["optional-dependencies"]
        written = next(one for one in raw if fold(one) == extra)
        line = sources.line_of(manifest, "[project.optional-dependencies]", written)
        message = f"the extra {extra} is not requested, and nothing here imports what it provides"
        yield Finding(manifest, line, "extras", message, "remove it")


def _named(sources: Sources, extra: str, manifest: str) -> bool:
    """Return whether a file, such as a workflow or a README, requests an extra: `name[extra]`."""
    word = rf"(?<![\w-]){re.escape(extra)}(?![\w-])"
    asking = re.compile(rf"[\w.]\[[^\]\n]*{word}[^\]\n]*\]|--(all-extras|extra[ =]{word})")
    return any(
        asking.search(sources.peek(path) or "")
        for path in sources.files
        if path != manifest and not path.endswith((".py", ".lock"))
    )
