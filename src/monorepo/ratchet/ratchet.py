"""`monorepo ratchet`: packages get what they need in place of an extra for a migration."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace
from monorepo.graph import packages as graph
from monorepo.guard import accepted
from monorepo.guard.repository import Sources
from monorepo.locking import locks
from monorepo.ratchet import allow_list, manifests, needs, proof, requests
from monorepo.ratchet.allow_list import Point
from monorepo.ratchet.needs import Change, Plan, Reason
from monorepo.ratchet.proof import Copy
from monorepo.ratchet.requests import EXTRAS, ROOT, Request
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say
from monorepo.system.transaction import begin

_TEST = "test"


class State(StrEnum):
    """What has become of a package.

    `left` still requests a marked extra, `blocked` cannot do without it before something is changed
    by hand, and of `failed` the proof failed.
    """

    LEFT = "left"
    BLOCKED = "blocked"
    FAILED = "failed"
    DONE = "done"


@dataclass
class Row:
    """A package that requests marked extras, or did.

    Attributes:
        path: the package; "." for the root.
        state: what has become of it.
        plan: what it needs in their place; None if that is not looked at.
        why: why it failed.
    """

    path: str
    state: State
    plan: Plan | None = None
    why: str = ""


@dataclass
class Holder:
    """A package with marked extras.

    Attributes:
        package: the package.
        requirements: how many its marked extras have.
        growth: what its other extras lack, by extra, with the reasons.
        state: `left` while there are the extras.
        why: why something failed.
    """

    package: Package
    requirements: int
    growth: Mapping[str, Mapping[str, Sequence[Reason]]]
    state: State = State.LEFT
    why: str = ""


@dataclass
class Report:
    """How far the migration is.

    `changes` is what is written: paths, or the diffs of a dry run.
    """

    holders: list[Holder]
    rows: list[Row]
    history: list[Point]
    changes: list[str]

    @property
    def is_failed(self) -> bool:
        """Whether something that was to be done was not."""
        states = [*(row.state for row in self.rows), *(one.state for one in self.holders)]
        return State.FAILED in states or State.BLOCKED in states


def look(space: Workspace, words: Sequence[str] = ()) -> Report:
    """Return what packages need in place of marked extras.

    Args:
        space: the repository.
        words: the paths of packages; none given means all.
    """
    return _Run(space, words).report()


def fix(space: Workspace, words: Sequence[str] = (), *, dry_run: bool = False) -> Report:
    """Give packages what they need in place of marked extras, each after a proof.

    What a package lacks for the proof stays as it was; the others go on.

    Args:
        space: the repository.
        words: the paths of packages; none given means all.
        dry_run: only say what would change, without a proof.

    Raises:
        UsageError: the baseline is malformed, or a sparse checkout leaves out a package.
    """
    # What cannot be read, or is not there, cannot shrink.
    accepted.read(space.root)
    if missing := locks.left_out(space.root):
        what = "is not in this sparse checkout, and may request what is to go"
        raise UsageError(*(f"{path}: {what}; run this where all packages are" for path in missing))
    run = _Run(space, words)
    if run.holders:
        with proof.copied(space) as copy:
            run.fix(copy, dry_run=dry_run)
            # A dry run goes on with what it has in the copy.
            return run.report()
    run.shrink(dry_run=dry_run)
    return run.report()


class _Run:
    """One run over the packages."""

    def __init__(self, space: Workspace, words: Sequence[str]) -> None:
        self.root = space.root
        self.space = space
        self.words = words
        self.rows: dict[str, Row] = {}
        self.texts: dict[str, str] = {}
        self.changes: list[str] = []
        self.holders = {
            one.path: Holder(one, self._count(one), needs.growth(space, one))
            for one in requests.holders(Sources(space))
        }
        for path, asked in self._requests().items():
            if self._is_chosen(path):
                self.rows[path] = self._planned(path, asked)

    def _count(self, holder: Package) -> int:
        return sum(len(holder.extras[extra]) for extra in requests.marked(holder))

    def _is_chosen(self, path: str) -> bool:
        return not self.words or path in self.words

    def _requests(self) -> dict[str, list[Request]]:
        """Return the requests by package, those that others depend on first."""
        found: dict[str, list[Request]] = {}
        for request in requests.find(Sources(self.space)):
            found.setdefault(request.path, []).append(request)
        try:
            names = [*TopologicalSorter(graph.consumed(self.space)).static_order()]
            # A package has its turn when all that its extras need had theirs.
            last = dict.fromkeys(map(graph.owner, reversed(names)))
            order = [*reversed(last), ROOT]
        except CycleError:
            order = [*self.space.packages, ROOT]
        return {path: found[path] for path in order if path in found}

    def _planned(self, path: str, asked: Sequence[Request]) -> Row:
        if path == ROOT or not self.space.packages[path].has_code:
            why = "it has no code that could say what it needs; take the request out by hand"
            return Row(path, State.BLOCKED, why=why)
        plan = needs.plan(self.space, self.space.packages[path], asked)
        return Row(path, State.BLOCKED if plan.blocked else State.LEFT, plan)

    def report(self) -> Report:
        """Return what is known by now."""
        history = allow_list.history(self.root)
        known = {path for point in history for path in point.paths}
        asking = self._requests()
        for path in sorted(known & self.space.packages.keys() - asking.keys() - self.rows.keys()):
            if self._is_chosen(path):
                self.rows[path] = Row(path, State.DONE)
        for path, holder in self.holders.items():
            holder.package = self.space.packages[path]
            holder.growth = needs.growth(self.space, holder.package)
        return Report([*self.holders.values()], [*self.rows.values()], history, self.changes)

    def fix(self, copy: Copy, *, dry_run: bool) -> None:
        """Change one package after another."""
        for path, holder in self.holders.items():
            if holder.growth and self._is_chosen(path):
                holder.why = self._grow(copy, holder, dry_run=dry_run)
                holder.state = State.FAILED if holder.why else State.LEFT
        for path, asked in self._requests().items():
            if self._is_chosen(path):
                row = self.rows[path] = self._planned(path, asked)
                if row.plan and row.state is State.LEFT:
                    row.why = self._replace(copy, row.plan, dry_run=dry_run)
                    row.state = _state(row.why, dry_run=dry_run)
        for path in [] if self._requests() else self.holders:
            if self._is_chosen(path):
                self._remove(copy, path, dry_run=dry_run)
        self.shrink(dry_run=dry_run)

    def _grow(self, copy: Copy, holder: Holder, *, dry_run: bool) -> str:
        """Give a package extras with what only its marked ones have; return why not."""
        package = self.space.packages[holder.package.path]
        changes = {
            requests.DEPENDENCIES if not area else ("project", EXTRAS, _written(package, area)): (
                Change(added=[*texts])
            )
            for area, texts in holder.growth.items()
        }
        texts = manifests.changed(self.space, package, changes, self._read)
        return self._try(copy, package, texts, None, dry_run=dry_run)

    def _replace(self, copy: Copy, plan: Plan, *, dry_run: bool) -> str:
        """Give a package what it needs in place of marked extras; return why not."""
        package = self.space.packages[plan.package.path]
        texts = manifests.changed(self.space, package, plan.changes, self._read)
        extras = {_TEST, *(fold(place[-1]) for place in plan.changes if EXTRAS in place)}
        return self._try(copy, package, texts, extras, dry_run=dry_run)

    def _remove(self, copy: Copy, path: str, *, dry_run: bool) -> None:
        """Take away marked extras that nobody requests."""
        package, holder = self.space.packages[path], self.holders[path]
        if needs.growth(self.space, package):
            return
        texts = manifests.without_marks(package, self._read)
        holder.why = self._try(copy, package, texts, None, dry_run=dry_run)
        holder.state = _state(holder.why, dry_run=dry_run)

    def _try(
        self,
        copy: Copy,
        package: Package,
        texts: Mapping[str, str],
        extras: set[str] | None,
        *,
        dry_run: bool,
    ) -> str:
        """Write texts if a package works with them; return why it does not.

        Its tests run with some extras and the group `test`; those of a package with marked extras,
        of which `extras` is None, as in its own environment.
        """
        try:
            whole = copy.write(texts, [package.path])
            there = workspace.load(copy.root)
            whole |= copy.put(allow_list.shrunk(there, self._read))
            changed = there.packages[package.path]
            groups = {*changed.groups} if extras is None else {_TEST} & changed.groups.keys()
            chosen = changed.default_extras - requests.tainted(changed)
            if extras is not None:
                chosen = extras & changed.extras.keys()
            if not dry_run:
                before = self._contents(whole)
                say(f"ratchet: {package.path}: proving it in an environment of its own")
                proof.prove(there, changed, chosen, groups)
                if self._contents(whole) != before:
                    what = "its manifest, or what follows it, has changed since"
                    raise UsageError(f"{package.path}: {what}; run this again")
        except (TaskError, UsageError) as error:
            copy.restore(self.space.root)
            return str(error)
        copy.keep()
        self._commit(whole, dry_run=dry_run)
        self.space = workspace.load(copy.root if dry_run else self.root)
        return ""

    def _commit(self, texts: Mapping[str, str], *, dry_run: bool) -> None:
        """Write texts into the repository, or say what that would be."""
        self.texts |= texts
        with begin(self.root, dry_run=dry_run) as change:
            if dry_run:
                for path, text in self.texts.items():
                    change.write(path, text)
                self.changes = change.describe()
                return
            written = [path for path, text in texts.items() if change.write(path, text)]
            if written:
                change.commit()
            self.changes += [path for path in written if path not in self.changes]

    def shrink(self, *, dry_run: bool) -> None:
        """Take out of the list what nobody requests any more."""
        self._commit(allow_list.shrunk(self.space, self._read), dry_run=dry_run)

    def _contents(self, paths: Iterable[str]) -> list[bytes | None]:
        """Return what files contain; None for one that there is not."""
        files = [self.root / path for path in paths]
        return [file.read_bytes() if file.exists() else None for file in files]

    def _read(self, path: str) -> str:
        """Return the text of a file with Unix line breaks; "" if there is none."""
        if not (self.space.root / path).exists():
            return ""
        return text_files.read(self.space.root, path).replace("\r\n", "\n")


def _state(why: str, *, dry_run: bool) -> State:
    if why:
        return State.FAILED
    return State.LEFT if dry_run else State.DONE


def _written(package: Package, extra: str) -> str:
    """Return an extra as its package writes it."""
    table = package.manifest["project"].get(EXTRAS, {})
    return next((one for one in table if fold(one) == extra), extra)
