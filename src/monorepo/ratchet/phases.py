"""`monorepo phase`: how far a repository is on the way from one requirements file to a flat layout.

A phase is done when each of its conditions is, and all phases before it are. A rule that is a
condition has no finding at all: one in the baseline, or allowed, is still to be done.
"""

import fnmatch
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from monorepo.core import hashes
from monorepo.core.hashes import PINS
from monorepo.core.workspace import Workspace
from monorepo.guard import runner
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript
from monorepo.ratchet import needs, requests
from monorepo.ratchet.requests import ROOT
from monorepo.rules import pins, thin
from monorepo.splitting import split
from monorepo.syncing.making import SERVICE

VERSION = 1
_DONE, _UNDONE, _NONE = "\N{CHECK MARK}", "\N{EN DASH}", "\N{MIDDLE DOT}"
_IN_PACKAGES, _UNMARKED = "all code is in packages", "no package marks an extra"
_RULES = ("includes", "pins", "declared", "extras", "layers", "heavy", "thin", "drift")
# Files that pip installs from, by the names that they usually have.
_REQUIREMENTS = re.compile(
    r"(?:.*/)?(?:[\w.-]*[-_.])?requirements(?:[-_.][\w.-]*)?\.(?:txt|in)"
    r"|(?:.*/)?requirements/[^/]+\.(?:txt|in)"
)
_SUFFIXES = (".py", *javascript.SUFFIXES)
_NOT_OURS = re.compile(r"(tools|vendor)/|(.*/)?(tests?|fixtures|templates?|docs?|examples?)/")


class Condition(NamedTuple):
    """Something that has to be so for a phase to be done.

    Attributes:
        name: what has to be so.
        left: how many are not so yet; None if there is nothing that it applies to.
        detail: of how many, or why it does not apply.
        advice: what to do.
    """

    name: str
    left: int | None
    detail: str
    advice: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it is so, or does not apply."""
        return not self.left


class Phase(NamedTuple):
    """A phase of a migration."""

    name: str
    conditions: tuple[Condition, ...]

    @property
    def is_done(self) -> bool:
        """Whether all its conditions are."""
        return all(one.is_done for one in self.conditions)


class Phases(NamedTuple):
    """All phases, in their order."""

    phases: tuple[Phase, ...]

    @property
    def current(self) -> int:
        """The number of the last phase that is done, with all before it; -1 for none."""
        undone = (at for at, phase in enumerate(self.phases) if not phase.is_done)
        return next(undone, len(self.phases)) - 1

    @property
    def next(self) -> str:
        """What to do next; "" if there is nothing."""
        conditions = (one for phase in self.phases for one in phase.conditions)
        return next((one.advice for one in conditions if not one.is_done), "")


def look(space: Workspace) -> Phases:
    """Return the phases of a repository."""
    return _Look(space).phases()


class _Look:
    """One look at a repository."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.sources = Sources(space)
        self.found: dict[str, list[Finding]] = {rule: [] for rule in _RULES}
        for finding in runner.found(space, _RULES):
            if finding.status == "error":
                self.found.setdefault(finding.rule, []).append(finding)
        self.packages = list(space.packages.values())
        # Requirements of an old package are pinned when it becomes a package here.
        paths = dict.fromkeys(one.path for one in self.found["pins"])
        self.old_manifests = [
            path
            for path in paths
            if self._is_old(path) and PurePosixPath(path).name in pins.MANIFESTS
        ]
        self.found["pins"] = [
            one for one in self.found["pins"] if one.path not in self.old_manifests
        ]
        self.services = [one for one in self.packages if one.is_service]

    def phases(self) -> Phases:
        """Return the phases."""
        names = ("frozen", "extras", "ratcheted", "thin services", "configured services", "flat")
        makers: tuple[Callable[[], Iterator[Condition]], ...] = (
            *(self._frozen, self._extras, self._ratcheted),
            *(self._thin, self._configured, self._flat),
        )
        return Phases(
            tuple(Phase(name, tuple(make())) for name, make in zip(names, makers, strict=True))
        )

    def _frozen(self) -> Iterator[Condition]:
        """Yield whether all versions stand in constraints.txt."""
        files = [
            path
            for path in self.sources.files
            if _REQUIREMENTS.fullmatch(path) and not _NOT_OURS.match(path)
        ]
        read = hashes.sources(self.sources.text(PINS) or "")
        new = [path for path in files if self._source(path) not in read]
        advice = f"make migrate-requirements FILES={shlex.quote(' '.join(new))}"
        if not new:
            advice = shlex.join(["git", "rm", "-f", *files])
        yield Condition("no requirements file is left", len(files), _first(files), advice)
        yield self._rule("includes", "no package includes a file of another")
        locks = any(one.fix == pins.RELOCK for one in self.found["pins"])
        advice = "make lock" if locks else ""
        yield self._rule("pins", "each version is pinned, in constraints.txt", advice)

    def _source(self, path: str) -> str:
        """Return how constraints.txt names a file that was migrated as it is now."""
        content = (self.space.root / path).read_bytes()
        return hashes.source(path, hashlib.sha256(content).hexdigest())

    def _extras(self) -> Iterator[Condition]:
        """Yield whether packages have what they import, in extras besides those for a migration."""
        holders = requests.holders(self.sources)
        is_old = holders or self.old_manifests
        yield self._in_packages() if is_old else Condition(_IN_PACKAGES, None, _UNMARKED)
        yield self._rule("declared", "each import is declared")
        yield self._rule("extras", "a module that needs an extra is imported where it is requested")
        name = "each module has an extra besides those for a migration"
        if not holders:
            yield Condition(name, None, _UNMARKED)
            return
        lacking = [
            f"{one.path}: {extra or 'dependencies'}"
            for one in holders
            for extra in needs.growth(self.space, one)
        ]
        path = lacking[0].partition(":")[0] if lacking else ""
        yield Condition(name, len(lacking), _first(lacking), f"make ratchet PKG={path} FIX=1")

    def _in_packages(self) -> Condition:
        """Return whether code of the old repository is left, which no package has yet."""
        code = [one for one in self.sources.files if one.endswith(_SUFFIXES) and self._is_old(one)]
        old = list(dict.fromkeys([*self.old_manifests, *code]))
        folder = old[0].rpartition("/")[0] if old else ""
        advice = f"make migrate-import FROM={shlex.quote(folder)} AT=…"
        return Condition(_IN_PACKAGES, len(old), _first(old), advice)

    def _is_old(self, path: str) -> bool:
        """Return whether a file can be of an old repository: no package has it, and no tool."""
        is_ours = "/" not in path or path.startswith(".") or _NOT_OURS.match(path)
        return not is_ours and self.space.owner(path) is None

    def _ratcheted(self) -> Iterator[Condition]:
        """Yield whether nobody requests an extra for a migration, and packages are small."""
        name = "nobody requests an extra for a migration"
        marked = requests.holders(self.sources)
        asking = list(dict.fromkeys(one.path for one in requests.find(self.sources)))
        if marked:
            path = next((one for one in asking if one != ROOT), "")
            advice = f"make ratchet PKG={path} FIX=1" if path else "remove it from pyproject.toml"
            yield Condition(name, len(asking), _first(asking), advice)
            paths = [one.path for one in marked]
            yield Condition("there is none", len(paths), _first(paths), "make ratchet FIX=1")
        else:
            yield Condition(name, None, _UNMARKED)
        yield self._rule("layers", "packages depend on shared packages alone")
        yield self._rule("heavy", "what is heavy is in extras")

    def _thin(self) -> Iterator[Condition]:
        """Yield whether services are one short entry point."""
        if not self.services:
            yield Condition("services are thin", None, "there is no service")
            return
        found = [finding.path for finding in self.found["thin"]]
        advice = self._split(found) or self._shorten(found)
        yield self._rule("thin", "services are thin", advice, of=len(self.services))
        limit, left = thin.settings(self.space.facts)
        allowed = [
            file
            for one in left
            for service in self.services
            for file in fnmatch.filter(self.sources.by_package[service.path], one)
        ]
        advice = self._split(allowed)
        if left and not advice:
            advice = f"take {left[0]} out of adapters in [tool.monorepo.thin]"
        if limit > thin.STATEMENTS:
            left.append(f"up to {limit} statements")
            fix = "take the limit out of [tool.monorepo.thin] in pyproject.toml"
            advice = advice or f"{fix}, and then make guard RULE=thin"
        yield Condition("without exceptions", len(left), _first(left), advice)

    def _split(self, files: Sequence[str]) -> str:
        """Return the command that has a module go from its service, of those that files are in."""
        for path, mine in self._by_service(files).items():
            package = self.space.packages[path]
            if command := split.command(self.sources, package, mine):
                return command
        return ""

    def _shorten(self, files: Sequence[str]) -> str:
        """Return what to do where one of some files is an entry point that has too much."""
        for path, mine in self._by_service(files).items():
            package = self.space.packages[path]
            starts = split.entries(self.sources, package)
            if long := next((one for one in mine if one in starts), ""):
                name = f"handlers{PurePosixPath(long).suffix}"
                fix = f"move code of {long} to a module beside it, such as {name}"
                return f"{fix}, and then make split PKG={path} MODULE=handlers"
        return ""

    def _by_service(self, files: Sequence[str]) -> dict[str, list[str]]:
        """Return files by the services that they are in."""
        found: dict[str, list[str]] = {}
        for file in files:
            owner = self.space.owner(file)
            if owner is not None and owner.is_service:
                found.setdefault(owner.path, []).append(file)
        return found

    def _configured(self) -> Iterator[Condition]:
        """Yield whether services are what their service.edn says."""
        if not self.services:
            yield Condition("each service is configured", None, "there is no service")
            return
        left = [one.path for one in self.services if not (one.folder / SERVICE).exists()]
        path = left[0] if left else ""
        advice = f"write {path}/{SERVICE}, and then make sync PKG={path}"
        detail = _of(left, len(self.services))
        yield Condition(f"each service has a {SERVICE}", len(left), detail, advice)
        yield self._rule("drift", "what is generated is as the manifests say", "make sync")

    def _flat(self) -> Iterator[Condition]:
        """Yield whether all packages are in one folder."""
        left = [one.path for one in self.packages if not one.is_flat]
        name, advice = "each package is in packages/", "make flatten"
        if self.packages:
            yield Condition(name, len(left), _of(left, len(self.packages)), advice)
        else:
            yield Condition(name, None, "there is no package")

    def _rule(self, rule: str, name: str, advice: str = "", of: int = 0) -> Condition:
        """Return the condition that a rule has no findings."""
        found = self.found[rule]
        owners = [self.space.owner(finding.path) for finding in found]
        paths = list(dict.fromkeys(one.path for one in owners if one))
        where = f" PKG={paths[0]}" if paths else ""
        advice = advice or f"make guard RULE={rule}{where}"
        places = [f"{one.path}:{one.line}" if one.line else one.path for one in found]
        detail = _of(paths, of) if of and paths else _first(places)
        return Condition(f"{name} ({rule})", len(found), detail, advice)


def _first(left: Sequence[str]) -> str:
    """Return the first of what is left, and how many more there are."""
    if not left:
        return ""
    return f"{len(left)}: {left[0]}" + (f", and {len(left) - 1} more" if len(left) > 1 else "")


def _of(left: Sequence[str], every: int) -> str:
    """Return how many of all are not left, and the first that is."""
    done = f"{every - len(left)} of {every}"
    return f"{done}; {left[0]} is next" if left else done


def as_text(found: Phases) -> str:
    """Return the phases for people."""
    current = found.current
    lines = [
        f"phase {current} of {len(found.phases) - 1}: {found.phases[current].name}"
        if current >= 0
        else "no phase is done yet"
    ]
    for number, phase in enumerate(found.phases):
        lines.append(f"{_DONE if phase.is_done else _UNDONE} {number} {phase.name}")
        for one in phase.conditions:
            sign = _NONE if one.left is None else _UNDONE if one.left else _DONE
            lines.append(f"    {sign} {one.name}" + (f": {one.detail}" if one.detail else ""))
    lines.append(f"Next: {found.next}" if found.next else "There is nothing left to do.")
    return "\n".join(lines)


def as_json(found: Phases) -> str:
    """Return the phases as JSON; `left` of a condition that does not apply is null."""
    phases = [
        {
            "number": number,
            "name": phase.name,
            "done": phase.is_done,
            "conditions": [
                {"name": one.name, "done": one.is_done, "left": one.left, "detail": one.detail}
                for one in phase.conditions
            ],
        }
        for number, phase in enumerate(found.phases)
    ]
    whole = {"schema_version": VERSION, "current": found.current, "next": found.next}
    return json.dumps({**whole, "phases": phases}, indent=2, ensure_ascii=False)
