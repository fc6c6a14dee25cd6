"""Find the distributions that provide a module, and the declared ones among them.

The modules of internal packages are known from their files, those of installed distributions from
their metadata. For others, the name says the module.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import NamedTuple

from monorepo.core import hashes, workspace
from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import compiled
from monorepo.dependencies.metadata import read, roots
from monorepo.dependencies.module_names import STUBS, likely
from monorepo.guard.repository import PYTHON, Sources
from monorepo.parsing.python_imports import Import, ImportKind, prefixes, tried
from monorepo.parsing.python_tests import above, is_test

# Modules that no distribution provides; the last exists for type checkers only.
GIVEN = {*sys.stdlib_module_names, "__main__", "_typeshed"}


def asks(
    package: Package, extras: Iterable[str] = (), groups: Iterable[str] = ()
) -> dict[str, set[str]]:
    """Return the declared distributions of a package, with their requested extras.

    These are its dependencies, and those in `extras` and `groups`. Extras that include other extras
    of the package are expanded.

    Raises:
        UsageError: a requirement is malformed.
    """
    found: dict[str, set[str]] = {}
    todo, seen = [*package.requirements(extras, groups)], {*extras}
    while todo:
        name, more = workspace.requirement(todo.pop())
        if name == fold(package.name):
            own = [extra for extra in more if extra not in seen]
            seen.update(own)
            todo += [text for extra in own for text in package.extras.get(extra, [])]
        else:
            found.setdefault(name, set()).update(more)
    return found


class Declared(NamedTuple):
    """The modules of all declared dependencies of a package, in any extra or group.

    Attributes:
        known: the distributions that provide each module of internal and installed ones.
        likely: those that are not installed, by the modules that their names tell, normalized.
        absent: those that are not installed.
        stubs: the distributions with stubs for each module, normalized.
    """

    known: Mapping[str, set[str]]
    likely: Mapping[str, set[str]]
    absent: set[str]
    stubs: Mapping[str, set[str]]

    def bringing(self, module: str) -> set[str]:
        """Return the distributions that provide a module."""
        found = set[str]()
        # Most imports are of these modules.
        if module.partition(".")[0] in GIVEN:
            return found
        for prefix in prefixes(module):
            found |= self.known.get(prefix, set())
            if self.likely:
                found |= self.likely.get(fold(prefix.replace(".", "-")), set())
        return found

    def typing(self, module: str) -> set[str]:
        """Return the distributions with stubs for a module."""
        names = (fold(prefix.replace(".", "-")) for prefix in prefixes(module))
        return set[str]().union(*(self.stubs.get(name, ()) for name in names))


class Distributions:
    """The distributions that the packages of a repository declare."""

    def __init__(self, sources: Sources) -> None:
        """Read nothing yet."""
        self.sources = sources
        self.space = sources.space
        self._declared: dict[str, Declared] = {}
        self._asks: dict[tuple[str, frozenset[str], frozenset[str]], dict[str, set[str]]] = {}

    @cached_property
    def files(self) -> dict[str, list[str]]:
        """The Python files of each package, with stubs and notebooks, relative to its folder.

        Without those of a folder with a manifest of its own: a project in a package.
        """
        ends = ("/pyproject.toml", "/setup.py")
        inner = {path.rpartition("/")[0] for path in self.sources.files if path.endswith(ends)}
        inner -= self.space.packages.keys()
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.sources.files:
            if path.endswith(PYTHON) and (package := self.sources.package_of(path)):
                if not inner or inner.isdisjoint(above(path)):
                    found[package.path].append(path.removeprefix(f"{package.path}/"))
        return found

    def asks(
        self, package: Package, extras: Iterable[str] = (), groups: Iterable[str] = ()
    ) -> dict[str, set[str]]:
        """Return the result of the function `asks`, cached.

        A package without code stands for what it requires, with its requested extras. So does an
        extra for a migration, until nobody requests it.
        """
        key = (package.path, frozenset(extras), frozenset(groups))
        if key not in self._asks:
            # In a cycle of such packages, each is looked at once.
            found = self._asks[key] = asks(package, key[1], key[2])
            for name, wanted in list(found.items()):
                other = self.space.by_name.get(name)
                if not other or not other.is_python:
                    continue
                legacy = wanted & {*map(fold, other.legacy)}
                if not self.own.get(other.path):
                    for inner, more in self.asks(other, wanted).items():
                        found.setdefault(inner, set()).update(more)
                elif legacy:
                    base = self.asks(other)
                    for inner in self.asks(other, legacy).keys() - base.keys():
                        found.setdefault(inner, set())
        return self._asks[key]

    @cached_property
    def _sites(self) -> dict[str, list[str]]:
        """The site-packages folders, by the path of the folder with their environment."""
        found: dict[str, list[str]] = defaultdict(list)
        for site in self.sources.sites:
            found[site.partition(".venv/")[0].rstrip("/")].append(site)
        return found

    @cached_property
    def _children(self) -> dict[str, set[str]]:
        """The modules and subfolders with Python in each folder of the packages."""
        found: dict[str, set[str]] = defaultdict(set)
        for path, files in self.files.items():
            for file in files:
                parts = [path, *file.split("/")]
                for depth in range(1, len(parts)):
                    found["/".join(parts[:depth])].add(parts[depth].partition(".")[0])
        return found

    def beside(self, path: str, file: str) -> set[str]:
        """Return the local modules that a file can import by its location.

        They are beside it, above it, and in other folders of the package, such as `scripts`; of
        a file in src beside it, if its folder is not a package, because it is run as a script.
        """
        if file.startswith("src/"):
            there = self._children[f"{path}/{file}".rpartition("/")[0]]
            return set() if "__init__" in there else there
        folders = {path, *(f"{path}/{folder}" for folder in above(file))}
        folders |= {f"{path}/{folder}" for folder in self._children[path] - {"src"}}
        return set[str]().union(*(self._children[folder] for folder in folders))

    @cached_property
    def spaces(self) -> set[str]:
        """The namespace packages that packages here share."""
        return {
            module.partition(".")[0] for own in self.own.values() for module in own if "." in module
        }

    @cached_property
    def pins(self) -> set[str]:
        """The names of all distributions that constraints.txt pins."""
        return set(hashes.read_pins(self.sources.text(PINS) or ""))

    @cached_property
    def own(self) -> dict[str, set[str]]:
        """The top-level modules of each package here, by its path; compiled ones as well."""
        found, start = {}, "src/"
        for path, files in self.files.items():
            mine = roots(file.removeprefix(start) for file in files if file.startswith(start))
            made = compiled.modules(self.sources, self.space.packages[path])
            found[path] = mine.union(one for one in made if mine.isdisjoint(prefixes(one)))
        return found

    def imports(self, package: Package, file: str) -> list[Import]:
        """Return the imports of a file of a package."""
        return self.sources.imports(f"{package.path}/{file}")

    def tried(self, package: Package, file: str) -> dict[str, float]:
        """Return `python_imports.tried` of a file, including the conftest.py files of a test."""
        found = tried(self.imports(package, file))
        for folder in above(file) if is_test(file) else ():
            for imported in self.imports(package, f"{folder}/conftest.py"):
                if imported.kind == ImportKind.MOCKED or (
                    imported.kind == ImportKind.OPTIONAL and not imported.late
                ):
                    found[imported.module] = 0
        return found

    def modules(self, package: Package, name: str) -> set[str] | None:
        """Return the top-level modules that a distribution provides; None if unknown."""
        if other := self.space.by_name.get(name):
            return self.own.get(other.path, set())
        found = self.installed(package, name)
        modules = found.get("modules")
        if modules or modules is None or STUBS.match(name):
            return modules if modules is None else set(modules)
        # A distribution without modules stands for what it requires.
        inner = (self.installed(package, part).get("modules", []) for part in found["requires"])
        return set[str]().union(*inner)

    def extras(self, package: Package, text: str) -> set[str] | None:
        """Return the extras that a required distribution has; None if it is not installed."""
        from packaging.requirements import Requirement

        required = Requirement(text)
        found = self.installed(package, fold(required.name))
        fits = [*required.specifier.filter(found.get("version", ()), prereleases=True)]
        return set(found["extras"]) if fits else None

    def installed(self, package: Package, name: str) -> dict[str, list[str]]:
        """Return the metadata of a distribution, as `read` does; empty if it is not installed."""
        look = partial(read, name, self.space.root)
        sites = (*self._sites[package.path], *self._sites[""])
        found = (self.sources.kept.of(site, f"read {name}", look) for site in sites)
        return dict(next(filter(None, found), {}))

    def declared(self, package: Package) -> Declared:
        """Return the declared dependencies of a package, with their modules."""
        if package.path not in self._declared:
            asked = self.asks(package, package.extras, package.groups)
            self._declared[package.path] = self.named(package, asked)
        return self._declared[package.path]

    def named(self, package: Package, names: Iterable[str]) -> Declared:
        """Return distributions with their modules: those installed say them, names of others do."""
        known, maybe, stubs = (defaultdict[str, set[str]](set) for _ in range(3))
        absent = set[str]()
        for name in names:
            typed = STUBS.match(name)
            modules = self.modules(package, name)
            if typed:
                found = self.installed(package, name).get("stubs", ())
                subject = name.removeprefix("types-").removesuffix("-stubs")
                for module in {*map(fold, found), *likely(subject)}:
                    stubs[module].add(name)
            elif modules is None:
                absent.add(name)
                for module in likely(name):
                    maybe[module].add(name)
            for module in modules or ():
                known[module].add(name)
        return Declared(dict(known), dict(maybe), absent, dict(stubs))


def of(sources: Sources) -> Distributions:
    """Return the distributions, shared by all rules of a run."""
    return sources.once(Distributions)
