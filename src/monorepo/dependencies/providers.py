"""Find the distributions that provide a module, and the declared ones among them.

The modules of internal packages are known from their files, those of installed distributions from
their metadata. For others, the module is guessed from the name.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from monorepo.core import hashes, workspace
from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies.metadata import mentions, read, roots
from monorepo.dependencies.module_names import STUBS, guess
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import Import, ImportKind, prefixes, tried
from monorepo.parsing.python_tests import above, is_test

_T = TypeVar("_T")
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
        known: the distributions that provide each known module.
        guessed: the guessed module of each distribution that is not installed.
    """

    known: Mapping[str, set[str]]
    guessed: Mapping[str, str]

    def bringing(self, module: str, pins: Iterable[str] = ()) -> set[str]:
        """Return the distributions that provide a module, or most likely do.

        A variant that is not installed (psycopg2-binary) counts as the distribution whose name is
        its prefix, unless that is pinned itself, in `pins`.
        """
        found = set[str]()
        # Most imports are of these modules.
        if module.partition(".")[0] in GIVEN:
            return found
        for prefix in prefixes(module):
            found |= self.known.get(prefix, set())
            word = fold(prefix.replace(".", "-")) if self.guessed else ""
            for name, likely in self.guessed.items():
                variant = name.startswith(f"{word}-") and "." not in module and word not in pins
                variant = variant and prefix not in self.known
                if word in (name, likely) or variant:
                    found.add(name)
        return found


class Distributions:
    """The distributions that the packages of a repository declare."""

    def __init__(self, sources: Sources) -> None:
        """Read nothing yet."""
        self.sources = sources
        self.space = sources.space
        self._declared: dict[str, Declared] = {}
        self._used: dict[str, set[str]] = {}
        self._asks: dict[tuple[str, frozenset[str], frozenset[str]], dict[str, set[str]]] = {}

    @cached_property
    def files(self) -> dict[str, list[str]]:
        """The Python files of each package, by its path; relative to its folder."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.sources.python():
            if package := self.sources.package_of(path):
                found[package.path].append(path.removeprefix(f"{package.path}/"))
        return found

    def asks(
        self, package: Package, extras: Iterable[str] = (), groups: Iterable[str] = ()
    ) -> dict[str, set[str]]:
        """Return the result of the function `asks`, cached.

        A package without code stands for what it requires, with its requested extras.
        """
        key = (package.path, frozenset(extras), frozenset(groups))
        if key not in self._asks:
            # In a cycle of such packages, each is looked at once.
            found = self._asks[key] = asks(package, key[1], key[2])
            for name, wanted in list(found.items()):
                other = self.space.by_name.get(name)
                if other and other.is_python and not self.own.get(other.path):
                    for inner, more in self.asks(other, wanted).items():
                        found.setdefault(inner, set()).update(more)
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
                    found["/".join(parts[:depth])].add(parts[depth].removesuffix(".py"))
        return found

    def in_package(self, path: str, file: str) -> bool:
        """Return whether the folder of a file is a Python package."""
        return "__init__" in self._children[f"{path}/{file}".rpartition("/")[0]]

    def beside(self, path: str, file: str) -> set[str]:
        """Return the local modules that a file can import by its location.

        A test can import modules beside and above it, and in `scripts`. Any other file can import
        modules beside it if its folder is not a package, because it is run as a script.
        """
        if not file.startswith("tests/"):
            there = self._children[f"{path}/{file}".rpartition("/")[0]]
            return set() if "__init__" in there else there
        parts = [path, *file.split("/")]
        folders = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
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
        """The top-level modules of each package here, by its path."""
        start = "src/"
        return {
            path: roots(file.removeprefix(start) for file in files if file.startswith(start))
            for path, files in self.files.items()
        }

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

    def used(self, package: Package) -> set[str]:
        """Return the declared distributions that any file of a package imports."""
        if package.path not in self._used:
            declared = self.declared(package)
            files = self.files.get(package.path, [])
            modules = {
                imported.module for file in files for imported in self.imports(package, file)
            }
            self._used[package.path] = set[str]().union(*map(declared.bringing, modules))
        return self._used[package.path]

    @cached_property
    def asked(self) -> dict[str, set[str]]:
        """The extras of each distribution that any package here requests."""
        found: dict[str, set[str]] = defaultdict(set)
        for package in self.space.packages.values():
            if package.is_python:
                for text in package.requirements(package.extras, package.groups):
                    name, extras = workspace.requirement(text)
                    found[name].update(extras)
        return found

    def modules(self, package: Package, name: str) -> set[str] | None:
        """Return the top-level modules that a distribution provides; None if unknown."""
        if other := self.space.by_name.get(name):
            return self.own.get(other.path, set())
        found = self.installed(package, name)
        modules = found.get("modules")
        if modules is None:
            return None
        # So does a metapackage, and a namespace package whose name is a prefix of its parts.
        spaced = all("." in module for module in modules) and not STUBS.match(name)
        start = f"{name}-" if modules else ""
        parts = [
            required for required in found["requires"] if spaced and required.startswith(start)
        ]
        inner = (self.installed(package, part).get("modules", []) for part in parts)
        return set(modules).union(*inner)

    def taken(self, package: Package) -> set[str]:
        """Return optional dependencies of the distributions that a package uses: drivers, codecs.

        These are in their extras, except those for their own development.
        """
        used = self.used(package)
        ours = (self.space.by_name[name] for name in used & self.space.by_name.keys())
        texts = (text for other in ours for more in other.extras.values() for text in more)
        found = {workspace.requirement(text).name for text in texts}
        return found.union(*(self.installed(package, name).get("takes", []) for name in used))

    def extras(self, package: Package, text: str) -> set[str] | None:
        """Return the extras that a required distribution has; None if it is not installed."""
        from packaging.requirements import Requirement

        required = Requirement(text)
        found = self.installed(package, fold(required.name))
        fits = [*required.specifier.filter(found.get("version", ()), prereleases=True)]
        return set(found["extras"]) if fits else None

    def brought(self, package: Package, name: str, extras: Iterable[str]) -> Iterator[str]:
        """Yield the dependencies in the requested extras of an installed distribution."""
        found = self.installed(package, name)
        todo, seen = [*extras], set[str]()
        while todo:
            extra = todo.pop()
            for text in [] if extra in seen else found.get(f"[{extra}]", []):
                other, more = workspace.requirement(text)
                todo += more if other == name else []
                yield from [] if other == name else [other]
            seen.add(extra)

    def installed(self, package: Package, name: str) -> dict[str, list[str]]:
        """Return the metadata of a distribution, as `read` does; empty if it is not installed."""
        return dict(self._first(package, name, read) or {})

    def mentioned(self, package: Package, name: str) -> set[str]:
        """Return the modules that a distribution may load; of a package here, optional imports."""
        if other := self.space.by_name.get(name):
            files = (file for file in self.files.get(other.path, []) if file.startswith("src/"))
            found = (imported for file in files for imported in self.imports(other, file))
            return {imported.module for imported in found if imported.kind == ImportKind.OPTIONAL}
        return set(self._first(package, name, mentions) or ())

    def _first(self, package: Package, name: str, ask: Callable[[str, Path, str], _T]) -> _T | None:
        """Return the result of `ask` for a distribution in the first site that has it."""
        look = partial(ask, name, self.space.root)
        sites = (*self._sites[package.path], *self._sites[""])
        found = (self.sources.kept.of(site, f"{ask.__name__} {name}", look) for site in sites)
        return next(filter(None, found), None)

    def declared(self, package: Package) -> Declared:
        """Return the declared dependencies of a package, with their modules."""
        if package.path not in self._declared:
            asked = self.asks(package, package.extras, package.groups)
            known, guessed = self.named(package, asked)
            known = dict(known)
            for name, extras in asked.items():
                for other in self.brought(package, name, extras):
                    likely = {guess(other).replace("-", "_")}
                    for module in self.modules(package, other) or likely:
                        known.setdefault(module, set()).add(name)
            self._declared[package.path] = Declared(known, guessed)
        return self._declared[package.path]

    def named(self, package: Package, names: Iterable[str]) -> Declared:
        """Return distributions with their modules: those installed say them, names of others do."""
        known: dict[str, set[str]] = {}
        guessed = {}
        for name in names:
            modules = self.modules(package, name)
            if modules is None:
                guessed[name] = guess(name)
            for module in modules or ():
                known.setdefault(module, set()).add(name)
        return Declared(known, guessed)


def of(sources: Sources) -> Distributions:
    """Return the distributions, shared by all rules of a run."""
    return sources.once(Distributions)
