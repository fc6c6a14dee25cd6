"""What a package needs in place of an extra for a migration.

What it imports itself, it declares itself. Of other packages of the repository, it requests the
extras of the modules that it imports, also of those that these import: late and in functions, too,
because a function that lacks a module fails when it is called.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

from monorepo.core import hashes, manifests, workspace
from monorepo.core.hashes import PINS
from monorepo.core.manifests import Place
from monorepo.core.naming import fold
from monorepo.core.workspace import OPT_IN, Package, Workspace
from monorepo.dependencies import extras_graph, mentions, providers
from monorepo.dependencies.extras_graph import Demand
from monorepo.dependencies.providers import GIVEN
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import ImportKind, may_fail, prefixes
from monorepo.parsing.python_tests import is_test
from monorepo.ratchet import requests
from monorepo.ratchet.requests import DEPENDENCIES, EXTRAS, GROUPS, Request

_TEST = "test"
# What the sessions and the build of a package import is installed for them.
_TOOLS = ("noxfile.py", "setup.py")
_DOTTED = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")


class Reason(NamedTuple):
    """A place in the code, and what it does there."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        """Format it as a line of a report."""
        return f"{self.path}:{self.line} {self.what}" if self.line else f"{self.path} {self.what}"


class Need(NamedTuple):
    """A requirement that a package has to have, where, and why."""

    place: Place
    text: str
    reasons: tuple[Reason, ...]


@dataclass
class Change:
    """What becomes of a list of requirements: texts that are others, None for out, and new ones."""

    replaced: dict[str, str | None] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)

    def of(self, text: str) -> str | None:
        """Return what becomes of a requirement."""
        return self.replaced.get(text, text)


@dataclass(frozen=True)
class Plan:
    """What a package needs in place of the extras that it requests, and how it gets that.

    Attributes:
        package: the package.
        requests: its requests for marked extras.
        needs: what it needs in their place.
        changes: what changes in its manifest, by place.
        perhaps: requirements of the extras that another dependency has as optional ones.
        blocked: why it cannot be done without: what has to be changed by hand.
    """

    package: Package
    requests: Sequence[Request]
    needs: Sequence[Need]
    changes: Mapping[Place, Change]
    perhaps: Sequence[str] = ()
    blocked: Sequence[str] = ()


class _Use(NamedTuple):
    """A module that a file names, by an import or in a string; `is_test` tells of which part."""

    module: str
    is_test: bool
    reason: Reason


def plan(space: Workspace, package: Package, asked: Sequence[Request]) -> Plan:
    """Return what a package needs in place of the marked extras that it requests.

    Args:
        space: the repository.
        package: the package.
        asked: its requests.
    """
    return _Planning(space, package, asked).plan()


def growth(space: Workspace, holder: Package) -> dict[str, dict[str, list[Reason]]]:
    """Return what modules of a package import that it has in marked extras alone.

    Returns:
        The requirements by the extra that should have them, which is named after the module; ""
        stands for its dependencies. Each with the reasons.
    """
    sources = Sources(space)
    known, graph = providers.of(sources), extras_graph.of(sources)
    out = requests.tainted(holder)
    ways = [known.asks(holder, [extra]) for extra in ("", *holder.extras) if extra not in out]
    texts = _texts(holder, requests.marked(holder))
    found: dict[str, dict[str, list[Reason]]] = {}
    for module, file in graph.modules(holder.path).items():
        if is_test(file):
            continue
        for item in graph.items(holder, file, late=True):
            for demand in [] if item.own else sorted(item.demands):
                if any(graph.met(demand, way) for way in ways):
                    continue
                area = fold(".".join(module.split(".")[1:2]).strip("_"))
                reason = Reason(f"{holder.path}/{file}", item.one.line, f"imports {demand.module}")
                for text in (text for name in demand.names for text in texts.get(name, ())):
                    found.setdefault(area, {}).setdefault(text, []).append(reason)
    return found


def _texts(holder: Package, extras: Iterable[str]) -> dict[str, list[str]]:
    """Return the requirements in extras of a package, by name; those of included extras as well."""
    found: dict[str, list[str]] = {}
    todo = [text for extra in extras for text in holder.extras[extra]]
    seen = set[str]()
    while todo:
        if (text := todo.pop(0)) in seen:
            continue
        seen.add(text)
        name, more = workspace.requirement(text)
        if name == fold(holder.name):
            todo += [inner for extra in more for inner in holder.extras.get(extra, ())]
        else:
            found.setdefault(name, []).append(text)
    return found


def _stripped(package: Package, asked: Sequence[Request]) -> Package:
    """Return a package that asks for no marked extra."""
    gone = {request.text: _without(request) for request in asked}

    def stripped(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            return {key: stripped(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [gone.get(item, item) if isinstance(item, str) else item for item in value]
        return value

    parts = {
        key: stripped(package.manifest[key])
        for key in ("project", GROUPS)
        if key in package.manifest
    }
    return replace(package, manifest={**package.manifest, **parts})


def _without(request: Request, *more: str) -> str:
    """Return the text of a request without the marked extras, and with others."""
    _, extras = workspace.requirement(request.text)
    return workspace.with_extras(request.text, sorted({*extras, *more} - {*request.extras}))


class _Planning:
    """One look at a package, as if it requested no marked extra."""

    def __init__(self, space: Workspace, package: Package, asked: Sequence[Request]) -> None:
        self.requests = asked
        self.package = _stripped(package, asked)
        self.space = replace(space, packages={**space.packages, package.path: self.package})
        self.sources = Sources(self.space)
        self.known = providers.of(self.sources)
        self.graph = extras_graph.of(self.sources)
        self.own = self.known.own.get(package.path, set())
        self.owners = {
            module: self.space.packages[path]
            for path, modules in self.known.own.items()
            for module in modules
        }
        self.holders = {one.holder.path: space.packages[one.holder.path] for one in asked}
        self.is_holder = package.path in self.holders
        self.texts: dict[str, list[str]] = {}
        for one in asked:
            for name, texts in _texts(self.holders[one.holder.path], one.extras).items():
                self.texts.setdefault(name, []).extend(
                    text for text in texts if text not in self.texts.get(name, ())
                )
        # The modules of what the marked extras require.
        self.legacy = self.known.named(self.package, self.texts)
        self.runtime, self.tests = self._places()
        # What is needed at each place: distributions, and modules of other packages.
        self.wanted: dict[Place, dict[str, list[Reason]]] = {self.runtime: {}, self.tests: {}}
        self.demands: dict[Place, dict[str, dict[Demand, list[Reason]]]] = {
            self.runtime: {},
            self.tests: {},
        }
        self.used: dict[Place, dict[str, list[Reason]]] = {self.runtime: {}, self.tests: {}}
        self.areas: dict[str, set[str]] = defaultdict(set)
        self.extras: dict[Place, dict[str, set[str]]] = {self.runtime: {}, self.tests: {}}
        self.blocked: list[str] = []
        self._said = cache(self._read_texts)
        self._reached = cache(self._reach)

    def _places(self) -> tuple[Place, Place]:
        """Return where what the code needs is declared, and where what the tests need."""
        places = [request.place for request in self.requests]
        extras = {place for place in places if EXTRAS in place and fold(place[-1]) != _TEST}
        # Code that two extras are for is for none of them.
        alone = DEPENDENCIES not in places and len(extras) == 1
        runtime = extras.pop() if alone else DEPENDENCIES
        for extra in self.package.manifest["project"].get(EXTRAS, {}):
            if fold(extra) == _TEST and not self.package.groups:
                return runtime, ("project", EXTRAS, extra)
        groups = [place for place in places if place[0] == GROUPS]
        written = [group for group in self.package.manifest.get(GROUPS, {}) if fold(group) == _TEST]
        return runtime, (groups[0] if groups and not written else (GROUPS, *(written or [_TEST])))

    def plan(self) -> Plan:
        """Return the plan."""
        for request in self.requests:
            if requests.is_build(request.place):
                file = f"{request.path}/pyproject.toml:{request.line}"
                self.blocked.append(f"{file}: building it asks for {request.shown}; take it out")
        for use in self._uses():
            self._use(use)
        for place in (self.runtime, self.tests):
            for path, demands in self.demands[place].items():
                self._choose(place, self.space.packages[path], demands)
        self._name()
        changes = self._changes()
        return Plan(
            self.package,
            self.requests,
            self._needs(changes),
            changes,
            self._perhaps(),
            self.blocked,
        )

    def _uses(self) -> Iterator[_Use]:
        """Yield the modules that the files of the package name."""
        for file in self.known.files.get(self.package.path, []):
            if file in _TOOLS:
                continue
            path, in_tests = f"{self.package.path}/{file}", is_test(file)
            local = self.known.beside(self.package.path, file) | self.own | GIVEN
            lines = self.known.tried(self.package, file)
            for one in self.known.imports(self.package, file):
                mocked = one.kind is ImportKind.MOCKED
                tried = one.kind is not ImportKind.OPTIONAL and may_fail(one, lines)
                top = one.module.partition(".")[0]
                own = in_tests and self.is_holder and top in self.own
                if mocked or tried or (top in local and not own):
                    continue
                # What is for type checkers is installed where they run.
                beside = in_tests or one.kind is ImportKind.TYPES
                what = "tries to import" if one.kind is ImportKind.OPTIONAL else "imports"
                yield _Use(one.module, beside, Reason(path, one.line, f"{what} {one.module}"))
        yield from self._strings()

    def _strings(self) -> Iterator[_Use]:
        """Yield the modules of other packages that texts name, such as handlers and factories."""
        for path in self.sources.by_package[self.package.path]:
            for line, text in self._said(path):
                for word in _DOTTED.findall(text):
                    owner = self.owners.get(word.partition(".")[0])
                    if owner and owner is not self.package and "." in word:
                        inner = path.removeprefix(f"{self.package.path}/")
                        reason = Reason(path, line, f"names {word}")
                        yield _Use(word, is_test(inner), reason)

    def _read_texts(self, path: str) -> list[tuple[int, str]]:
        """Return the texts in a file that may name a module or a program, with their lines.

        Of Python, these are strings in one word, and the first word of others.
        """
        found = mentions.texts(self.sources, path)
        if path.endswith(".py"):
            return [(line, text.split()[0]) for line, text in found if text.strip()]
        return found

    def _use(self, use: _Use) -> None:
        """Take note of what a module needs."""
        place = self.tests if use.is_test else self.runtime
        owner = next((self.owners[one] for one in prefixes(use.module) if one in self.owners), None)
        # The code of a package that has marked extras is what its other extras are for.
        if self.is_holder and not use.is_test:
            return
        if owner is None:
            self._use_distribution(place, use)
            return
        if owner.path != self.package.path:
            self.used[place].setdefault(owner.path, []).append(use.reason)
        self.areas[owner.path].update(map(fold, use.module.split(".")[1:]))
        base = self.known.asks(owner)
        theirs = {*self.texts, *(fold(one.name) for one in self.holders.values())}
        for demand, file, line, late in self._reached(owner.path, use.module):
            # What it did without until now, it can do without.
            is_lost = not late or not theirs.isdisjoint(demand.names)
            if is_lost and not self.graph.met(demand, base):
                what = f"{use.reason.what}, which needs {demand.module} ({file}:{line})"
                reasons = self.demands[place].setdefault(owner.path, {}).setdefault(demand, [])
                reasons.append(use.reason._replace(what=what))

    def _use_distribution(self, place: Place, use: _Use) -> None:
        """Take note of a module from outside, unless it is declared."""
        declared = self.known.declared(self.package).bringing(use.module)
        if not declared.isdisjoint(self._asked(place)):
            return
        names = self.legacy.bringing(use.module)
        if not names:
            top = use.module.partition(".")[0]
            brought = (
                name
                for name in sorted(self.known.pins)
                if top in (self.known.modules(self.package, name) or ())
            )
            names = {*list(brought)[:1]}
        for name in names:
            self.wanted[place].setdefault(name, []).append(use.reason)

    def _asked(self, place: Place) -> dict[str, set[str]]:
        """Return what the package asks for at a place, and where it is installed with that."""
        extras = {fold(self.runtime[-1])} if self.runtime != DEPENDENCIES else set[str]()
        groups: Iterable[str] = ()
        if place == self.tests:
            extras |= {_TEST} & self.package.extras.keys()
            groups = self.package.groups
        return self.known.asks(self.package, extras, groups)

    def _reach(self, path: str, module: str) -> list[tuple[Demand, str, int, bool]]:
        """Return what a module of a package and all that it imports there demand, and where."""
        package = self.space.packages[path]
        modules = self.graph.modules(package.path)
        found = list[tuple[Demand, str, int, bool]]()
        todo, later = [one for one in prefixes(module) if one in modules], list[str]()
        seen, is_late = set[str](), False
        while todo or later:
            if not todo:
                todo, later, is_late = later, [], True
            if (inner := todo.pop()) in seen:
                continue
            seen.add(inner)
            for item in self.graph.items(package, modules[inner], late=True):
                late = is_late or item.one.late
                named = [one for one in prefixes(item.own) if one in modules]
                (later if late else todo).extend(named)
                where = (f"{path}/{modules[inner]}", item.one.line, late)
                found += [(one, *where) for one in sorted(item.demands) if not item.own]
        return found

    def _choose(self, place: Place, package: Package, demands: Mapping[Demand, Any]) -> None:
        """Choose the extras of a package that meet demands; those named after a module first."""
        name, out = fold(package.name), requests.tainted(self._original(package))
        chosen = self.extras[place].setdefault(package.path, set())
        asked = {*self._asked(place).get(name, ())}
        asked |= self.extras[self.runtime].get(package.path, set())
        ways = {
            extra: self.known.asks(package, [extra])
            for extra in package.extras
            if extra not in out and extra != _TEST and extra not in OPT_IN
        }
        have = self.known.asks(package, asked)
        left = {one for one in demands if not self.graph.met(one, have)}
        while left:
            covers = {
                extra: {one for one in left if self.graph.met(one, way)}
                for extra, way in ways.items()
            }
            useful = [extra for extra, covered in covers.items() if covered]
            if not useful:
                break
            best = min(
                useful,
                key=lambda extra: (
                    extra not in self.areas[package.path],
                    -len(covers[extra]),
                    len(ways[extra]),
                    extra,
                ),
            )
            chosen.add(best)
            left -= covers[best]
        for demand in sorted(left):
            if any(self.graph.met(demand, self.known.asks(package, [one])) for one in out):
                reason = demands[demand][0]
                extras = ", ".join(requests.marked(self._original(package)))
                what = f"{reason}, which {package.path} has in {extras} alone"
                advice = f"make ratchet PKG={package.path} FIX=1 gives it an extra"
                self.blocked.append(f"{what}; {advice}")

    def _original(self, package: Package) -> Package:
        return self.holders.get(package.path, package)

    def _name(self) -> None:
        """Take note of the distributions that files name without an import."""
        found: list[tuple[Place, str, Reason]] = []
        for name in (
            [] if self.is_holder else sorted(self.texts.keys() - self._provided(self.runtime))
        ):
            installed = self.known.installed(self.package, name)
            modules = self.known.modules(self.package, name) or ()
            words = {name, *map(fold, modules), *map(fold, installed.get("programs", ()))}
            for place, reason in self._named(words):
                if name not in self._provided(place):
                    found.append((place, name, reason))
        for place, name, reason in found:
            self.wanted[place].setdefault(name, []).append(reason)

    def _provided(self, place: Place) -> set[str]:
        """Return the names that are declared or known to be needed at a place."""
        return {*self._asked(place), *self.wanted[self.runtime], *self.wanted[place]}

    def _named(self, words: set[str]) -> Iterator[tuple[Place, Reason]]:
        """Yield the places that name a word: where it is declared, and the reason."""
        for path in self.sources.by_package[self.package.path]:
            inner = path.removeprefix(f"{self.package.path}/")
            mocked = {
                fold(one.module.partition(".")[0])
                for one in (
                    self.known.imports(self.package, inner) if inner.endswith(".py") else ()
                )
                if one.kind is ImportKind.MOCKED
            }
            place = self.tests if is_test(inner) or inner.startswith("tests/") else self.runtime
            for line, text in self._said(path):
                for word in _WORD.findall(text):
                    if not (words - mocked).isdisjoint((fold(word), fold(word.partition(".")[0]))):
                        yield place, Reason(path, line, f"names {word}")

    def _perhaps(self) -> list[str]:
        """Return the names that nothing here needs, but what is needed has as optional."""
        if self.is_holder:
            return []
        others = self._provided(self.tests)
        for path, extras in self.extras[self.runtime].items():
            others |= self.known.asks(self.space.packages[path], extras).keys()
        todo, takes = [*others], set[str]()
        while todo:
            installed = self.known.installed(self.package, todo.pop())
            required = installed.get("requires", ())
            takes.update(installed.get("takes", ()))
            todo += [name for name in required if name not in others]
            others.update(required)
        return sorted(self.texts.keys() & takes - others)

    def _needs(self, changes: Mapping[Place, Change]) -> list[Need]:
        """Return what is needed in place of the marked extras: what the changes write."""
        found = []
        for place, change in changes.items():
            for text in [*filter(None, change.replaced.values()), *change.added]:
                name = workspace.requirement(text).name
                package = self.space.by_name.get(name)
                reasons = self.wanted.get(place, {}).get(name, [])
                if package:
                    demands = self.demands.get(place, {}).get(package.path, {})
                    reasons = [reason for same in demands.values() for reason in same]
                    reasons = reasons or self.used.get(place, {}).get(package.path, [])
                # `from a import b` may be of a module b or not, and is one place.
                places = {(one.path, one.line): one for one in sorted(reasons, reverse=True)}
                found.append(Need(place, text, tuple(sorted(places.values()))))
        return found

    def _distributions(self, place: Place) -> list[str]:
        """Return the names that are declared at a place: tests have what the code has."""
        others = self.wanted[self.runtime] if place != self.runtime else {}
        return sorted(self.wanted[place].keys() - others.keys())

    def _of(self, name: str) -> list[str]:
        """Return the requirements of a name; of one that is only brought along, from its pin on."""
        if name in self.texts:
            return self.texts[name]
        pins = hashes.read_pins(self.sources.text(PINS) or "").get(name, [])
        return [f"{name}>={hashes.version_of(line)}" for line in pins[:1]]

    def _changes(self) -> dict[Place, Change]:
        """Return what changes in the manifest."""
        found: dict[Place, Change] = defaultdict(Change)
        for request in self.requests:
            _, extras = workspace.requirement(request.text)
            path, rest = request.holder.path, {*extras} - {*request.extras}
            chosen = self.extras.get(request.place, {}).get(path, set())
            if path == self.package.path and EXTRAS in request.place:
                chosen = self._all_others(self.holders[path], fold(request.place[-1]))
            used = path in self.used.get(request.place, {})
            keeps = rest or chosen or used
            found[request.place].replaced[request.text] = (
                _without(request, *chosen) if keeps else None
            )
        for place in (self.runtime, self.tests):
            self._add(place, found)
        return dict(found)

    def _all_others(self, holder: Package, including: str) -> set[str]:
        """Return the extras of a package that one with all of them includes."""
        return holder.extras.keys() - requests.tainted(holder) - OPT_IN - {_TEST, including}

    def _add(self, place: Place, found: dict[Place, Change]) -> None:
        """Add what is needed at a place and not requested there."""
        texts = [
            one for one in manifests.items(self.package.manifest, place) if isinstance(one, str)
        ]
        stays = {workspace.requirement(text).name: text for text in texts}
        gone = {
            fold(request.holder.name)
            for request in self.requests
            if found[request.place].replaced.get(request.text, "") is None
        }
        for path in sorted({*self.extras[place], *self.used[place]}):
            package, extras = self.space.packages[path], self.extras[place].get(path, set())
            name, change = fold(package.name), found[place]
            if any(
                request.holder.path == path and request.place == place for request in self.requests
            ):
                continue
            if extras and name in stays:
                asked = workspace.requirement(stays[name]).extras
                change.replaced[stays[name]] = workspace.with_extras(
                    stays[name], sorted({*asked, *extras})
                )
            elif extras or name not in self._asked(place) or name in gone:
                change.added.append(workspace.with_extras(package.name, sorted(extras)))
        for name in self._distributions(place):
            found[place].added += self._of(name)
        if not found[place].added and not found[place].replaced:
            del found[place]
