"""Find the extras that each module needs, through all its imports.

A demand is an imported module with the distributions that provide it. For an internal package, the
demands of the imported submodule have to be satisfied as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import providers
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import Import, ImportKind, may_fail, prefixes
from monorepo.parsing.python_tests import is_test

Asked = Mapping[str, set[str]]


class Demand(NamedTuple):
    """A module that is imported from outside the package, and the distributions that provide it."""

    module: str
    names: tuple[str, ...]


class Item(NamedTuple):
    """An import and its demands: of another distribution, or through a module of the package."""

    one: Import
    demands: frozenset[Demand]
    own: str


class Demands:
    """The import graph of the packages, limited to what extras provide."""

    def __init__(self, sources: Sources) -> None:
        """Read nothing yet."""
        self.known = providers.of(sources)
        self.space = sources.space
        self._sources = sources
        self._modules: dict[str, dict[str, str]] = {}
        self._direct: dict[tuple[str, str], tuple[set[str], set[Demand]]] = {}
        self._all: dict[tuple[str, str, frozenset[str]], frozenset[Demand]] = {}
        self._every: dict[str, list[Asked]] = {}

    def ask(self, package: Package) -> None:
        """Ask for all files on which the demands of a package may depend, whoever has read them.

        They are those of all that it depends on.
        """
        reached, waiting = {package.path}, [package.path]
        while waiting:
            new = self._sources.dependencies[waiting.pop()] - reached
            reached |= new
            waiting += new
        for path in reached:
            for file in self.known.files.get(path, []):
                self._sources.kept.state(f"{path}/{file}")

    def modules(self, path: str) -> dict[str, str]:
        """Return the files of the modules of a package, by dotted name."""
        if path not in self._modules:
            files = self.known.files.get(path, [])
            found = {
                self.module(file): file
                for file in files
                if file.startswith("src/") and file.endswith(".py")
            }
            # Where a name in its path is none to Python it is no module, but data or run elsewhere.
            named = {
                name: file
                for name, file in found.items()
                if all(map(str.isidentifier, name.split(".")))
            }
            self._modules[path] = named
        return self._modules[path]

    @staticmethod
    def module(file: str) -> str:
        """Return the dotted name of a file in src."""
        name = file.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        return name.replace("/", ".")

    def items(self, package: Package, file: str, *, late: bool = False) -> Iterator[Item]:
        """Yield the demands of the imports of a file; deferred imports only if `late`."""
        # If a test mocks a module, or is skipped without it, imported modules do not need it
        # either.
        lines = self.known.tried(package, file) if is_test(file) else {}
        # Parent packages are already imported, except in tests, where nothing else reports them.
        running = frozenset() if is_test(file) else frozenset(prefixes(self.module(file)))
        for imported, own, names in self._named(package, file, late=late):
            if own:
                # Most modules demand nothing, which is cached for all files.
                wanted = self.of(package, own) and self.of(package, own, running)
                if lines:
                    wanted = frozenset(
                        need
                        for need in wanted
                        if not may_fail(imported._replace(module=need.module), lines)
                    )
                yield Item(imported, wanted, own)
            else:
                yield Item(imported, frozenset({Demand(imported.module, tuple(sorted(names)))}), "")

    def _named(
        self, package: Package, file: str, *, late: bool
    ) -> Iterator[tuple[Import, str, set[str]]]:
        """Yield each required import, with the module of the package or the distributions."""
        modules = self.modules(package.path)
        # The parent packages of a module are already imported.
        running = set(prefixes(self.module(file)))
        imports = self.known.imports(package, file)
        lines = self.known.tried(package, file)
        declared = self.known.declared(package)
        for imported in imports:
            if (
                imported.kind != ImportKind.REQUIRED
                or (imported.late and not late)
                or may_fail(imported, lines)
            ):
                continue
            if own := _inside(modules, imported.module):
                # In `from own import name`, the name may not be a module: `own` was yielded.
                if own not in running and (own == imported.module or not imported.name):
                    yield imported, own, set()
                continue
            names = declared.bringing(imported.module)
            if imported.name:
                # In `from other import name`, only a module can have further demands.
                inside = {name for name in names if self._is_module(name, imported.module)}
                above = declared.bringing(imported.module.rpartition(".")[0])
                names = inside if above else names
            if names:
                yield imported, "", names

    def _is_module(self, name: str, module: str) -> bool:
        """Return whether a distribution is an internal package with that module."""
        other = self.space.by_name.get(name)
        return other is not None and module in self.modules(other.path)

    def skips(self, package: Package, file: str, line: int) -> list[Asked]:
        """Return the dependencies of each extra that a test file requires up to a line.

        If one module of an extra is installed, its other dependencies are as well.
        """
        tried = {
            imported.module
            for imported in self.known.imports(package, file)
            if imported.kind == ImportKind.OPTIONAL and imported.line <= line and not imported.late
        }
        declared, base = self.known.declared(package), self.known.asks(package)
        names = set[str]().union(*map(declared.bringing, tried))
        own = (_inside(self.modules(package.path), tried_module) for tried_module in tried)
        names = names.union(*(demand.names for inner in own for demand in self.of(package, inner)))
        return [way for way in self._ways(package) if names & (way.keys() - base.keys())]

    def of(
        self, package: Package, module: str, but: frozenset[str] = frozenset()
    ) -> frozenset[Demand]:
        """Return the demands of a module and its imports, beyond the base of its package.

        Modules in `but` are already imported.
        """
        key = (package.path, module, but)
        if key not in self._all:
            # Demands within an import cycle between packages are left out.
            self._all[key] = frozenset()
            todo = [module] if module in self.modules(package.path) else []
            todo = [] if is_dynamic(package) else todo
            seen, found = {*todo, *but}, set[Demand]()
            while todo:
                inner, demanded = self._directly(package, todo.pop())
                found |= demanded
                todo += inner - seen
                seen |= inner
            self._all[key] = frozenset(found)
        return self._all[key]

    def _directly(self, package: Package, module: str) -> tuple[set[str], set[Demand]]:
        """Return the modules of the package that a module imports, and its direct demands."""
        key = (package.path, module)
        if key not in self._direct:
            modules = self.modules(package.path)
            # Importing a.b.c imports a and a.b first.
            inner = {prefix for prefix in prefixes(module) if prefix in modules} - {module}
            demanded = set()
            base = self.known.asks(package)
            ways = self._ways(package)
            for imported, own, names in self._named(package, modules[module], late=False):
                if own:
                    inner.add(own)
                else:
                    demand = Demand(imported.module, tuple(sorted(names)))
                    # A demand that nothing satisfies is reported at its import, not at dependents.
                    if not self.met(demand, base) and any(self.met(demand, way) for way in ways):
                        demanded.add(demand)
            self._direct[key] = (inner, demanded)
        return self._direct[key]

    def met(self, demand: Demand, asked: Asked) -> bool:
        """Return whether the requested distributions satisfy a demand."""
        return any(
            name in asked and not self.lacking(name, demand.module, asked) for name in demand.names
        )

    def lacking(self, name: str, module: str, asked: Asked) -> list[Demand]:
        """Return the demands of a module of an internal package that are not satisfied.

        The dependencies of its extra may also be requested directly.
        """

        def beside(demand: Demand) -> bool:
            if any(
                each in asked and not self.open(each, demand.module, asked[each])
                for each in demand.names
            ):
                return True
            others = asked.keys() - self.space.by_name.keys()
            brought = (self.known.modules(self.space.by_name[name], each) for each in others)
            return any(not found.isdisjoint(prefixes(demand.module)) for found in brought if found)

        return [
            demand for demand in sorted(self.open(name, module, asked[name])) if not beside(demand)
        ]

    def open(self, name: str, module: str, extras: Iterable[str]) -> frozenset[Demand]:
        """Return the demands of a module of an internal package beyond base and extras."""
        other = self.space.by_name.get(name)
        inside = _inside(self.modules(other.path), module) if other else ""
        wanted = self.of(other, inside) if other and inside else frozenset[Demand]()
        if not other or not wanted:
            return frozenset()
        # Missing dependencies of that package are reported there.
        wanted -= self.at_top(other)
        if not any(all(self.met(demand, way) for demand in wanted) for way in self._ways(other)):
            return frozenset()
        asked = self.known.asks(other, extras)
        return frozenset(demand for demand in wanted if not self.met(demand, asked))

    def at_top(self, package: Package) -> frozenset[Demand]:
        """Return the demands of the top-level module: none, unless dependencies are missing."""
        return frozenset[Demand]().union(*(self.of(package, top) for top in self.tops(package)))

    def tops(self, package: Package) -> set[str]:
        """Return the top-level modules of a package that need only its base.

        Of several, the one with the name of the distribution; the others may need extras.
        """
        found = self.known.own.get(package.path, set())
        named = {top for top in found if fold(top.replace(".", "-")) == fold(package.name)}
        return found if len(found) == 1 else named

    def _ways(self, package: Package) -> list[Asked]:
        """Return the dependencies of a package with each of its extras except `test`."""
        if package.path not in self._every:
            extras = [extra for extra in package.extras if extra != "test"]
            self._every[package.path] = [self.known.asks(package, [extra]) for extra in extras]
        return self._every[package.path]


def is_dynamic(package: Package) -> bool:
    """Return whether dependencies or extras of a package are dynamic."""
    dynamic = package.manifest.get("project", {}).get("dynamic", ())
    return not {"dependencies", "optional-dependencies"}.isdisjoint(dynamic)


def _inside(modules: Mapping[str, str], module: str) -> str:
    """Return the module of `modules` that an import of a module, or of a name in it, runs last."""
    return next((prefix for prefix in reversed(prefixes(module)) if prefix in modules), "")


def of(sources: Sources) -> Demands:
    """Return the graph, shared by all rules of a run."""
    return sources.once(Demands)
