"""tools/lowest.txt: the pins with which `nox -s test-lowest` proves the lower bounds of a package.

Each direct external requirement of a package, in any group and extra but those that are opt-in, is
at its lowest allowed version, and everything else as pinned, if that is possible. Recorded is only
what differs from tools/hashes.txt, in the same format. Standard library only.

A digest tells whether a record is up to date, without resolving anything. It covers the record and
all that it was resolved from: the oldest Python; the requirements of the package and its closure
that name something recorded or direct; the pins that these need, or that need them. So the record
of a sub-template's sample counts for each package made from it.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from monorepo.core import hashes, python_versions
from monorepo.core.hashes import HASHES, REQUIRES
from monorepo.core.workspace import Package, Workspace, requirement
from monorepo.system import text_files

LOWEST = "tools/lowest.txt"
HEADER = """\
# What `nox -s test-lowest` installs instead of pins of constraints.txt: the lowest versions that
# the packages, and the sub-templates, allow, and what these need. `make lock` writes it. A digest
# stands for all that the versions of a package depend on.
"""
# The keyword of the comment that lists the packages which a pin is for.
_FOR = "for"
_DIGEST = re.compile(r"# ([\w./-]+): ([0-9a-f]{16})")


@dataclass(frozen=True)
class Pins:
    """Pins, by their lines: the hashes, and the names that each requires."""

    hashes: Mapping[str, list[str]]
    requires: Mapping[str, Collection[str]]

    @cached_property
    def named(self) -> dict[str, list[str]]:
        """The lines of pins by normalized name."""
        return hashes.named(self.hashes)

    def over(self, others: "Pins") -> "Pins":
        """Return these pins, and others of names that are not among these."""
        mine = self.named.keys()
        rest = {
            line: others.hashes[line]
            for name, lines in others.named.items()
            for line in lines
            if name not in mine
        }
        ordered = sorted((rest | dict(self.hashes)).items())
        return Pins(dict(ordered), {**others.requires, **self.requires})

    def reached(self, names: Iterable[str]) -> set[str]:
        """Return `names` and all that their pins require, also indirectly."""
        named, found, rest = self.named, set[str](), list(names)
        while rest:
            if (name := rest.pop()) not in found:
                found.add(name)
                for line in named.get(name, ()):
                    rest += self.requires.get(line, ())
        return found


def read(text: str, path: str = HASHES) -> Pins:
    """Return the pins in the text of tools/hashes.txt, or of a file in its format.

    Raises:
        UsageError: it is malformed.
    """
    return Pins(hashes.parse(text, path), hashes.notes(text, REQUIRES))


def pinned(root: Path) -> Pins:
    """Return the pins of the repository at `root`.

    Raises:
        UsageError: they cannot be read.
    """
    return read(text_files.read(root, HASHES))


class Entry(NamedTuple):
    """The record of a package or a sub-template."""

    digest: str
    pins: Pins


# The entries by the path of a package, or the name of a sub-template.
Record = dict[str, Entry]


def parse(text: str) -> Record:
    """Return the entries in the text of tools/lowest.txt.

    Raises:
        UsageError: it is malformed.
    """
    pins = read(text, LOWEST)
    users = hashes.notes(text, _FOR)
    found = {}
    for label, digest in _DIGEST.findall(text):
        mine = {line: found for line, found in pins.hashes.items() if label in users.get(line, ())}
        required = {line: names for line, names in pins.requires.items() if line in mine}
        found[label] = Entry(digest, Pins(mine, required))
    return found


def recorded(root: Path) -> Record:
    """Return the entries in tools/lowest.txt of the repository at `root`.

    Raises:
        UsageError: it is missing or malformed.
    """
    return parse(text_files.read(root, LOWEST))


def render(record: Mapping[str, Entry]) -> str:
    """Return the text of tools/lowest.txt."""
    text = HEADER + "".join(f"# {label}: {record[label].digest}\n" for label in sorted(record))
    lines = sorted({line for entry in record.values() for line in entry.pins.hashes})
    for line in lines:
        users = {label: pins for label, (_, pins) in record.items() if line in pins.hashes}
        pins = next(iter(users.values()))
        text += hashes.entry(line, pins.hashes[line], pins.requires.get(line, ()))
        text += f"    # {_FOR} {', '.join(sorted(users))}\n"
    return text


def aligned(found: Mapping[str, Pins]) -> dict[str, Pins]:
    """Return the pins of several packages with what any of them knows of a pin they share.

    The file has one place for it. With different extras, a pin requires different names.
    """
    known: dict[str, list[str]] = {}
    required: dict[str, set[str]] = {}
    for pins in found.values():
        known |= pins.hashes
        for line, names in pins.requires.items():
            required.setdefault(line, set()).update(names)

    def mine(pins: Pins) -> Pins:
        lines = pins.hashes.keys()
        return Pins(
            {line: known[line] for line in lines},
            {line: required[line] for line in lines & required.keys()},
        )

    return {label: mine(pins) for label, pins in found.items()}


class Asked(NamedTuple):
    """What the record of a package depends on, besides pins.

    Attributes:
        python: the oldest Python that it supports, with which its lower bounds are proven.
        own: its external requirements, with all groups, and all extras that are not opt-in.
        others: the external requirements of the other packages of its closure.
    """

    python: str
    own: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def direct(self) -> set[str]:
        """The normalized names of its direct dependencies."""
        return {requirement(text).name for text in self.own}

    def digest(self, pins: Pins, lowest: Pins) -> str:
        """Return the digest of `lowest` and all that it depends on, given the repository's pins."""
        texts, whole = {*self.own, *self.others}, lowest.over(pins)
        about = self.direct | lowest.named.keys()

        def lines(names: Iterable[str]) -> set[str]:
            others = set(names) - self.direct
            return {line for name in others for line in pins.named.get(name, ())}

        below = lines(whole.reached(self.direct))
        closure = lines(whole.reached(requirement(text).name for text in texts))
        beside = {line for line in closure if about.intersection(pins.requires.get(line, ()))}
        inputs = {
            "python": self.python,
            "direct": sorted(self.direct),
            "asked": sorted(text for text in texts if requirement(text).name in about),
            "pins": sorted(below | beside),
            "lowest": sorted(lowest.hashes),
        }
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]

    def fits(self, entry: Entry, pins: Pins) -> bool:
        """Return whether an entry is up to date for a package that asks for this."""
        return entry.digest == self.digest(pins, entry.pins)

    def entry(self, label: str, record: Mapping[str, Entry], pins: Pins) -> Entry | None:
        """Return an entry that is up to date: that of `label`, or of a sub-template, or None."""
        labels = [label, *filter(is_template, record)]
        entries = (record[one] for one in labels if one in record)
        return next((entry for entry in entries if self.fits(entry, pins)), None)


def stale(label: str) -> str:
    """Return the error of a package or a sub-template whose record is not up to date."""
    return f"{LOWEST}: the lowest versions are not up to date for {label}; run make lock"


def keep(root: Path, labels: Collection[str]) -> None:
    """Leave out all but some entries of tools/lowest.txt.

    Raises:
        UsageError: it is missing or malformed.
    """
    record = recorded(root)
    kept = {label: entry for label, entry in record.items() if label in labels}
    (root / LOWEST).write_text(render(kept), encoding="utf-8")


def relabelled(space: Workspace, new: Collection[str] = ()) -> str | None:
    """Return the text of tools/lowest.txt for the packages of `space`, without resolving anything.

    A package that is new or has no record gets that of a sub-template which fits; records of
    packages that are gone are left out. The others stay, without a look at whether they are up to
    date.

    Args:
        space: the repository.
        new: the paths of packages of which a record would be about an earlier one at that path.

    Returns:
        None if there is no such file.

    Raises:
        UsageError: it is malformed.
    """
    if not (space.root / LOWEST).exists():
        return None
    record = recorded(space.root)
    python = {path for path, package in space.packages.items() if package.is_python}
    kept = {
        label: entry for label, entry in record.items() if is_template(label) or label in python
    }
    if unknown := {*python - record.keys(), *new} & python:
        pins = pinned(space.root)
        for path in unknown:
            wanted = asked(space, space.packages[path])
            if wanted.own and (entry := wanted.entry(path, record, pins)):
                kept[path] = entry
    return render(kept)


def is_template(label: str) -> bool:
    """Return whether an entry is that of a sub-template, not of a package."""
    return "/" not in label


def asked(space: Workspace, package: Package) -> Asked:
    """Return what the record of a Python package depends on."""

    def external(texts: Iterable[str]) -> tuple[str, ...]:
        # A string in a manifest may have line breaks.
        lines = {" ".join(text.split()) for text in texts}
        return tuple(sorted(text for text in lines if requirement(text).name not in space.by_name))

    floor = python_versions.minor(str(space.facts["python"]))
    minors = python_versions.minors(package.requires_python, floor)
    wanted, groups = {package.path: package.default_extras}, {package.path: set(package.groups)}
    closure = space.closure(wanted, groups)
    own = package.requirements(closure.pop(package.path), package.groups)
    others = (
        text
        for path, extras in closure.items()
        if space.packages[path].is_python
        for text in space.packages[path].requirements(extras)
    )
    python = f"3.{next(iter(minors), floor)}"
    return Asked(python, external(own), external(others))
