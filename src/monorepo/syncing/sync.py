"""Write what the tools of a language read as the manifests say it: `make sync`.

The presence of a `package.edn`, or of the `service.edn` of a service, makes it the source of a part
of pyproject.toml or package.json, and of service.json. What is in step is remembered by the content
of the manifest and of what is generated: only what has changed is parsed. Of the manifests that
tools read, the key `owners` decides a part of CODEOWNERS.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from monorepo.core import languages
from monorepo.core.languages import FLAT, FOLDERS, Language
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST
from monorepo.generation import code_owners
from monorepo.guard.cache import FileCache
from monorepo.syncing import workspace_files
from monorepo.syncing.asked import Asked, Kind, Place
from monorepo.syncing.making import MANIFESTS, PACKAGE, SERVICE, Files, Maker, Source
from monorepo.syncing.workspace_files import SETTINGS
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.system.transaction import begin

RUN = "run make sync"
# Beside that of the rules.
CACHE = ".venv/sync-cache.json"


class Drift(NamedTuple):
    """A file that is not as its source says: the first line that differs, and the whole text.

    The text is "" if there should be no file.
    """

    path: str
    line: int
    source: str
    text: str

    @property
    def message(self) -> str:
        """What is wrong."""
        return f"is not what {self.source} says"

    def __str__(self) -> str:
        """Format it as a line of UsageError."""
        return f"{self.path}:{self.line}: {self.message}; {RUN}"


class Plan(NamedTuple):
    """What `make sync` would write, and why it would leave some out: lines of UsageError."""

    drift: list[Drift]
    mistakes: list[str]


class _Look(NamedTuple):
    """What a look at a manifest has shown.

    It has the name of the package, what that asks of the repository, the other files that were
    read, and what is wrong.
    """

    name: str = ""
    asked: Sequence[Asked] = ()
    inputs: Sequence[str] = ()
    drift: Sequence[Drift] = ()
    mistakes: Sequence[str] = ()

    @property
    def in_step(self) -> bool:
        """Whether all is as the manifest says."""
        return not (self.drift or self.mistakes)


def sources(root: Path) -> list[Source]:
    """Return the manifests of a repository, in the order of the packages."""
    return [
        Source(f"{folder}/{name}", file, language)
        for folder in FOLDERS
        for name in _names(f"{root}/{folder}")
        for file in MANIFESTS
        if os.path.lexists(f"{root}/{folder}/{name}/{file}")
        and (language := _language(root, f"{folder}/{name}"))
    ]


def _names(folder: str) -> list[str]:
    """Return the names of the packages in a folder."""
    # Not every folder exists.
    with contextlib.suppress(OSError):
        return sorted(name for name in os.listdir(folder) if name[0] != ".")
    return []


def _language(root: Path, package: str) -> Language:
    """Return the language of a package; in the flat layout, what it has for tools tells it."""
    if package.startswith(f"{FLAT}/"):
        is_node = os.path.lexists(f"{root}/{package}/{Language.JAVASCRIPT.manifest}")
        return Language.JAVASCRIPT if is_node else Language.PYTHON
    return languages.of(package)


def plan(root: Path, packages: Sequence[str] | None = None) -> Plan:
    """Return what is not as the manifests say, and their mistakes; only a cache is written.

    Args:
        root: the repository.
        packages: the paths of packages; all by default. CODEOWNERS is of all.
    """
    every = sources(root)
    chosen = {one for one in every if packages is None or one.package in packages}
    run = _Run(root, every)
    found, owners = run.plan(chosen), run.owners()
    return Plan([*found.drift, *owners.drift], [*found.mistakes, *owners.mistakes])


def sync(root: Path, packages: Sequence[str] | None = None) -> Plan:
    """Write what the manifests of packages say, in one transaction; return what that was.

    A manifest with mistakes keeps no other from being followed.
    """
    # With the lock, so that nobody else changes what is looked at.
    with begin(root) as change:
        found = plan(root, packages)
        for each in found.drift:
            if each.text:
                change.write(each.path, each.text)
            else:
                change.remove(each.path)
        if found.drift:
            change.commit()
    return found


def check(root: Path) -> None:
    """Refuse to go on while a manifest has mistakes, or is not followed.

    Without pydantic, nobody can tell: it may be what is about to be pinned.

    Raises:
        UsageError: one is.
    """
    if find_spec("pydantic") and (lines := refused(root)):
        raise UsageError(*lines)


def refused(root: Path) -> list[str]:
    """Return the mistakes of manifests, and what is not as they say: a line each.

    Who owns a package is left out: nothing that is installed depends on it.
    """
    every = sources(root)
    found = _Run(root, every).plan({*every})
    return [*found.mistakes, *map(str, found.drift)]


class _Run:
    """One look at the manifests of a repository, and at what is generated from them."""

    def __init__(self, root: Path, every: Sequence[Source]) -> None:
        """Read nothing yet; `every` is all manifests."""
        self._every = every
        self._kept = FileCache(root, CACHE)
        self._files = Files(root)
        self._maker = Maker(self._files)
        self._counts = Counter(source.package for source in every)

    @cached_property
    def _is_whole(self) -> bool:
        """Whether all packages are in this checkout: one that is left out may have a wish, too."""
        # Imported here: it asks git, when something is wrong already.
        from monorepo.locking import locks

        return not locks.left_out(self._files.root)

    def plan(self, chosen: set[Source]) -> Plan:
        """Return what is not as the chosen manifests say, and their mistakes."""
        looks = {source: self._look(source) for source in self._every}
        names = {fold(look.name) for look in looks.values()}
        wrong = {
            source: [*look.mistakes, *self._strangers(source, look, names)]
            for source, look in looks.items()
        }
        found = Plan([], [])
        # What a broken manifest asks for is not known: it might be there already.
        if not any(look.mistakes for look in looks.values()):
            self._settings(looks, wrong, found)
        self._kept.save()
        for source in self._every:
            if source in chosen:
                found.mistakes.extend(wrong[source])
                found.drift.extend([] if wrong[source] else looks[source].drift)
        # What is not installed is so for all.
        return found._replace(mistakes=[*dict.fromkeys(found.mistakes)])

    def owners(self) -> Plan:
        """Return how CODEOWNERS is not as the key `owners` says, and its mistakes."""
        path, found = code_owners.FILE, Plan([], [])
        now = self._files.content(path)
        if code_owners.BEGIN.encode() not in (now or b"") and not self._names_owners():
            return found
        try:
            text = self._files.text(path) if now is not None else ""
            then, mistakes = code_owners.plan(self._maker.space, text)
        except UsageError as error:
            return Plan([], [*error.mistakes])
        found.mistakes.extend(mistakes)
        if then != text:
            found.drift.append(
                Drift(
                    path,
                    text_files.first_difference(text, then),
                    f"the key {code_owners.KEY}",
                    then,
                )
            )
        return found

    def _names_owners(self) -> bool:
        """Tell whether a manifest may have the key: without it, none has to be parsed."""
        files = (
            f"{folder}/{name}/{language.manifest}"
            for folder in FOLDERS
            for name in _names(f"{self._files.root}/{folder}")
            for language in Language
        )
        key = code_owners.KEY.encode()
        return any(key in (self._files.content(file) or b"") for file in (ROOT_MANIFEST, *files))

    def _look(self, source: Source) -> _Look:
        """Look at a manifest, unless it was in step, and nothing it depends on has changed."""
        if self._counts[source.package] > 1:
            wrong = f"{source.package}: has {' and '.join(MANIFESTS)}; remove one of them"
            return _Look(mistakes=[wrong])
        looks: list[_Look] = []

        def looked() -> _Look:
            if not looks:
                looks.append(self._looked_at(source))
            return looks[0]

        def inputs(_: str) -> list[str] | None:
            return [*looked().inputs] if looked().in_step else None

        def facts(_: str) -> list[object] | None:
            look = looked()
            return [look.name, [one[:-1] for one in look.asked]] if look.in_step else None

        content = self._files.digest([source.path, source.output])
        read: Sequence[str] = ()
        if source.name == SERVICE:
            read = self._kept.of(source.path, "inputs", inputs, content) or ()
        state = f"{content} {self._files.digest(read)}"
        known = self._kept.of(source.path, "facts", facts, state)
        if not looks:
            return _Look(known[0], [Asked(*one) for one in known[1]], read)
        if [*read] != [*looks[0].inputs]:
            # Of the same manifest, another module has the handler by now: forget what was read.
            self._kept.of(source.path, "inputs", lambda _: [], "")
        return looks[0]

    def _looked_at(self, source: Source) -> _Look:
        """Look at a manifest that has changed, or of which something else has."""
        try:
            made = self._maker.make(source)
        except UsageError as error:
            return _Look(mistakes=error.mistakes)
        drift = []
        for path, text in made.texts.items():
            there = path == source.output or self._files.content(path) is not None
            if text != (now := self._files.text(path) if there else ""):
                drift.append(Drift(path, text_files.first_difference(now, text), source.name, text))
        return _Look(made.name, made.asked, made.inputs, drift)

    def _strangers(self, source: Source, look: _Look, names: set[str]) -> list[str]:
        """Return a mistake for each package that a manifest asks for, and that is not here."""
        unknown = {
            one.name
            for one in look.asked
            if one.kind == Kind.INTERNAL and fold(one.name) not in names
        }
        if not unknown:
            return []
        # Most have a manifest of their own, and the others do not have to be read.
        here = self._maker.space.by_name.keys() | self._maker.space.lost.keys()
        fix = "correct the name, or add the package with make new"
        message = "is no package of this repository"
        return [
            str(self._maker.wrong(source, one.place, f"{one.name} {message}", fix))
            for one in self._maker.make(source).asked
            if one.kind == Kind.INTERNAL and one.name in unknown and fold(one.name) not in here
            if self._is_whole
        ]

    def _settings(
        self, looks: Mapping[Source, _Look], wrong: Mapping[Source, list[str]], found: Plan
    ) -> None:
        """Note how pnpm-workspace.yaml differs, and what is asked of it in vain."""
        asked = [
            (source, one)
            for source, look in looks.items()
            for one in look.asked
            if one.kind != Kind.INTERNAL
        ]
        written = workspace_files.MARK.encode() in (self._files.content(SETTINGS) or b"")
        if not (asked or written):
            return
        wanted: dict[str, dict[str, str]] = {table: {} for table in workspace_files.TABLES}
        whose: dict[tuple[str, str], Source] = {}
        mistakes = []
        for source, one in asked:
            if one.kind in wanted:
                first = whose.setdefault((one.kind, one.name), source)
                version = wanted[one.kind].setdefault(one.name, one.version)
                if version != one.version:
                    message = f"{one.name} is {one.version} here, and {version} in {first.path}"
                    mistakes.append((source, one, message, "agree on one"))
        try:
            names, drift = self._follow(wanted, written=written)
        except UsageError as error:
            found.mistakes.extend(error.mistakes)
            return
        fix = 'add it there, or write {:catalog "^1.2"}'
        mistakes += [
            (source, one, f"{SETTINGS} has no {one.name} in its catalog", fix)
            for source, one in asked
            if one.kind == Kind.LISTED and one.name not in names
        ]
        found.drift.extend([] if mistakes else drift)
        places: dict[Source, dict[tuple[str, ...], Place]] = {}
        for source, one, message, fix in mistakes:
            if source not in places:
                made = self._maker.make(source).asked
                places[source] = {each[:3]: each.place for each in reversed(made)}
            place = places[source][one[:3]]
            wrong[source].append(str(self._maker.wrong(source, place, message, fix)))

    def _follow(
        self, wanted: Mapping[str, Mapping[str, str]], *, written: bool
    ) -> tuple[set[str], list[Drift]]:
        """Return the names that the catalog has then, and how pnpm-workspace.yaml differs.

        Raises:
            UsageError: it cannot be read, or not be changed in part.
        """
        now = self._files.text(SETTINGS)
        digest, drift = self._files.digest([SETTINGS]), list[Drift]()
        try:
            names = self._kept.of(SETTINGS, "catalog", lambda _: workspace_files.names(now), digest)
            if written or any(wanted.values()):
                then = workspace_files.write(now, wanted)
                if then != now and not self._is_whole:
                    then = workspace_files.write(now, wanted, keep=True)
                names = workspace_files.names(then)
                if then != now:
                    drift.append(
                        Drift(SETTINGS, text_files.first_difference(now, then), PACKAGE, then)
                    )
        except MalformedError as error:
            raise error.of(SETTINGS) from error
        return set(names), drift
