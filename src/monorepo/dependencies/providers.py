"""Which distribution provides a module, and whether a declared dependency does.

Of packages here their files tell, of others what is installed, of what is not installed the name.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
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
# What no distribution brings; the last is known to type checkers only.
GIVEN = {*sys.stdlib_module_names, "__main__", "_typeshed"}


def asks(
    package: Package, extras: Iterable[str] = (), groups: Iterable[str] = ()
) -> dict[str, set[str]]:
    """Return the extras asked of each distribution that a package declares.

    It does so for itself, in its `extras` and in its `groups`. A package whose extra or group asks
    for another extra of its own has what that one declares.

    Raises:
        UsageError: something declared is no requirement.
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
    """What a package declares, in its base, any extra or group, and the modules that this brings.

    Attributes:
        known: the distributions by the modules that they are known to bring.
        guessed: those that are not installed, by what their names say.
    """

    known: Mapping[str, set[str]]
    guessed: Mapping[str, str]

    def bringing(self, module: str, pins: Iterable[str] = ()) -> set[str]:
        """Return which distributions bring a module, as far as one can tell.

        A variant that is not installed (psycopg2-binary) is taken for what its name starts with,
        unless that is the name of a distribution of its own, in `pins`.
        """
        found = set[str]()
        # Most of what is imported is this, or known without a guess.
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
    """What is known of the distributions that the packages of a repository declare."""

    def __init__(self, sources: Sources) -> None:
        """Look at nothing yet."""
        self.sources = sources
        self.space = sources.space
        self._declared: dict[str, Declared] = {}
        self._used: dict[str, set[str]] = {}
        self._asks: dict[tuple[str, frozenset[str], frozenset[str]], dict[str, set[str]]] = {}

    @cached_property
    def files(self) -> dict[str, list[str]]:
        """The Python files of each package, by its path, from its folder."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.sources.python():
            if package := self.sources.package_of(path):
                found[package.path].append(path.removeprefix(f"{package.path}/"))
        return found

    def asks(
        self, package: Package, extras: Iterable[str] = (), groups: Iterable[str] = ()
    ) -> dict[str, set[str]]:
        """Return what `asks` does, found once."""
        key = (package.path, frozenset(extras), frozenset(groups))
        if key not in self._asks:
            self._asks[key] = asks(package, key[1], key[2])
        return self._asks[key]

    @cached_property
    def _sites(self) -> dict[str, list[str]]:
        """The folders where distributions are installed, by the path of their environment."""
        found: dict[str, list[str]] = defaultdict(list)
        for site in self.sources.sites:
            found[site.partition(".venv/")[0].rstrip("/")].append(site)
        return found

    @cached_property
    def _children(self) -> dict[str, set[str]]:
        """The modules and folders with Python in each folder of the packages."""
        found: dict[str, set[str]] = defaultdict(set)
        for path, files in self.files.items():
            for file in files:
                parts = [path, *file.split("/")]
                for depth in range(1, len(parts)):
                    found["/".join(parts[:depth])].add(parts[depth].removesuffix(".py"))
        return found

    def in_package(self, path: str, file: str) -> bool:
        """Return whether the folder that a file stands in is a package for Python."""
        return "__init__" in self._children[f"{path}/{file}".rpartition("/")[0]]

    def beside(self, path: str, file: str) -> set[str]:
        """Return what a test could import: what stands beside it, above it, or in `scripts`.

        Any other file can where it stands in a folder that is not a package: it is started there.
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
        """The topmost names that several packages here share."""
        return {
            module.partition(".")[0] for own in self.own.values() for module in own if "." in module
        }

    @cached_property
    def pins(self) -> set[str]:
        """The names of all distributions that constraints.txt pins."""
        return set(hashes.read_pins(self.sources.text(PINS) or ""))

    @cached_property
    def own(self) -> dict[str, set[str]]:
        """The topmost modules of each package here, by its path."""
        start = "src/"
        return {
            path: roots(file.removeprefix(start) for file in files if file.startswith(start))
            for path, files in self.files.items()
        }

    def imports(self, package: Package, file: str) -> list[Import]:
        """Return what a file of a package imports."""
        return self.sources.imports(f"{package.path}/{file}")

    def tried(self, package: Package, file: str) -> dict[str, float]:
        """Return what `imported.tried` does of a file, with what conftest.py mocks or tries."""
        found = tried(self.imports(package, file))
        for folder in above(file) if is_test(file) else ():
            for imported in self.imports(package, f"{folder}/conftest.py"):
                if imported.kind == ImportKind.MOCKED or (
                    imported.kind == ImportKind.OPTIONAL and not imported.late
                ):
                    found[imported.module] = 0
        return found

    def used(self, package: Package) -> set[str]:
        """Return what of that which a package declares any of its files imports."""
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
        """The extras that anybody here asks of each distribution."""
        found: dict[str, set[str]] = defaultdict(set)
        for package in self.space.packages.values():
            if package.is_python:
                for text in package.requirements(package.extras, package.groups):
                    name, extras = workspace.requirement(text)
                    found[name].update(extras)
        return found

    def modules(self, package: Package, name: str) -> set[str] | None:
        """Return the topmost modules that a distribution brings to a package; None if unknown."""
        if other := self.space.by_name.get(name):
            # One without code of its own is a name for what it depends on.
            return self.own.get(other.path) or self._through(other, {other.path})
        found = self.installed(package, name)
        modules = found.get("modules")
        if modules is None:
            return None
        # So does one of an index, and one in a namespace for those that are called its parts.
        spaced = all("." in module for module in modules) and not STUBS.match(name)
        start = f"{name}-" if modules else ""
        parts = [
            required for required in found["requires"] if spaced and required.startswith(start)
        ]
        inner = (self.installed(package, part).get("modules", []) for part in parts)
        return set(modules).union(*inner)

    def taken(self, package: Package) -> set[str]:
        """Return what the distributions that a package uses take if it is there: drivers, codecs.

        They say so by an extra of theirs; those for their own developers do not count.
        """
        used = self.used(package)
        ours = (self.space.by_name[name] for name in used & self.space.by_name.keys())
        texts = (text for other in ours for more in other.extras.values() for text in more)
        found = {workspace.requirement(text).name for text in texts}
        return found.union(*(self.installed(package, name).get("takes", []) for name in used))

    def extras(self, package: Package, text: str) -> set[str] | None:
        """Return the folded extras that what is asked for has; None if it is not installed."""
        from packaging.requirements import Requirement

        asked = Requirement(text)
        found = self.installed(package, fold(asked.name))
        fits = [*asked.specifier.filter(found.get("version", ()), prereleases=True)]
        return set(found["extras"]) if fits else None

    def brought(self, package: Package, name: str, extras: Iterable[str]) -> Iterator[str]:
        """Yield what the extras that are asked of an installed distribution depend on."""
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
        """Return what a distribution says of itself, as `read` does; nothing if not installed."""
        return dict(self._first(package, name, read) or {})

    def mentioned(self, package: Package, name: str) -> set[str]:
        """Return the modules that a distribution may load; of a package here, if they are there."""
        if other := self.space.by_name.get(name):
            files = (file for file in self.files.get(other.path, []) if file.startswith("src/"))
            found = (imported for file in files for imported in self.imports(other, file))
            return {imported.module for imported in found if imported.kind == ImportKind.OPTIONAL}
        return set(self._first(package, name, mentions) or ())

    def _first(self, package: Package, name: str, ask: Callable[[str, Path, str], _T]) -> _T | None:
        """Return what `ask` tells of a distribution in the first site that has it."""
        look = partial(ask, name, self.space.root)
        sites = (*self._sites[package.path], *self._sites[""])
        found = (self.sources.kept.of(site, f"{ask.__name__} {name}", look) for site in sites)
        return next(filter(None, found), None)

    def _through(self, package: Package, seen: set[str]) -> set[str]:
        """Return the topmost modules that a package without code brings by what it depends on."""
        found = set[str]()
        for name in self.asks(package):
            other = self.space.by_name.get(name)
            if other is None:
                found |= self.modules(package, name) or set()
            elif other.path not in seen:
                seen.add(other.path)
                found |= self.own.get(other.path) or self._through(other, seen)
        return found

    def declared(self, package: Package) -> Declared:
        """Return what a package declares, with the modules that this brings."""
        if package.path not in self._declared:
            known: dict[str, set[str]] = defaultdict(set)
            guessed = {}
            for name, extras in self.asks(package, package.extras, package.groups).items():
                for other in self.brought(package, name, extras):
                    likely = {guess(other).replace("-", "_")}
                    for module in self.modules(package, other) or likely:
                        known[module].add(name)
                modules = self.modules(package, name)
                if modules is None:
                    guessed[name] = guess(name)
                for module in modules or ():
                    known[module].add(name)
            self._declared[package.path] = Declared(known, guessed)
        return self._declared[package.path]


@lru_cache(maxsize=1)
def of(sources: Sources) -> Distributions:
    """Return what is known of the distributions, found once for all rules of a run."""
    return Distributions(sources)
