"""Resolve tools/lowest.txt: the lowest versions that each package and sub-template allows."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from monorepo.core import hashes
from monorepo.core.workspace import Package, Workspace, requirement
from monorepo.locking import lowest, resolution
from monorepo.locking.lowest import LOWEST, Asked, Entry, Pins, Record
from monorepo.locking.resolution import Resolver
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import say
from monorepo.templating import samples


def resolve(resolver: Resolver, sampled: Sequence[Package], pins: Pins, draft: Path) -> str | None:
    """Return the text of tools/lowest.txt, or None if there is nothing to record.

    A record that is up to date is kept; the others are resolved, in parallel.

    Args:
        resolver: uv.
        sampled: the sample packages of the sub-templates.
        pins: the pins of constraints.txt, which may not be written yet.
        draft: a folder to work in.

    Raises:
        TaskError: the versions that an old manifest allows cannot be resolved.
        UsageError: a sub-template is broken.
    """
    space = resolver.space
    before = recorded(space)
    wanted = everybody(space, sampled, draft / "needed")
    found: dict[str, Pins] = {}
    groups: dict[Asked, list[str]] = {}
    for label, asked in wanted.items():
        if entry := asked.entry(label, before, pins):
            found[label] = entry.pins
        else:
            groups.setdefault(asked, []).append(label)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        folder = draft / "lowest"
        folder.mkdir()
        started = {
            pool.submit(_resolved, resolver, asked, labels, before, pins, folder): labels
            for asked, labels in groups.items()
        }
        for number, future in enumerate(as_completed(started), start=1):
            labels = started[future]
            found |= dict.fromkeys(labels, future.result())
            say(f"lock: lowest versions, {number} of {len(started)}: {', '.join(labels)}")
    if not found and not (space.root / LOWEST).exists():
        return None
    found = lowest.aligned(found)
    digests = {label: wanted[label].digest(pins, mine) for label, mine in found.items()}
    return lowest.render({label: Entry(digests[label], mine) for label, mine in found.items()})


def check(space: Workspace, sampled: Sequence[Package], draft: Path) -> list[str]:
    """Return the packages and sub-templates whose record is not up to date: one line each."""
    try:
        wanted = everybody(space, sampled, draft)
        pins = lowest.pinned(space.root)
        record = lowest.recorded(space.root) if wanted else {}
    except UsageError as error:
        return list(error.mistakes)
    return [
        lowest.stale(label)
        for label, asked in wanted.items()
        if not asked.entry(label, record, pins)
    ]


def recorded(space: Workspace) -> Record:
    """Return the entries of tools/lowest.txt; none if it is missing or malformed."""
    try:
        return lowest.recorded(space.root)
    except UsageError:
        return {}


def everybody(space: Workspace, sampled: Sequence[Package], folder: Path) -> dict[str, Asked]:
    """Return what each Python package and each sub-template asks for, if it asks for anything.

    Args:
        space: the repository.
        sampled: the sample packages of the sub-templates.
        folder: a new folder, for the packages that sub-templates require.
    """
    needed = {package.path: package for package in samples.required(space, folder)}
    found = {
        package.path: lowest.asked(space, package)
        for package in space.packages.values()
        if package.is_python and package.path not in space.unmet
    }
    for sample in sampled:
        if sample.is_python:
            around = replace(space, packages={**needed, **space.packages, sample.path: sample})
            found[sample.path.rpartition("/")[2]] = lowest.asked(around, sample)
    return {label: asked for label, asked in found.items() if asked.own}


def _resolved(
    resolver: Resolver,
    asked: Asked,
    labels: Sequence[str],
    before: Mapping[str, Entry],
    pins: Pins,
    folder: Path,
) -> Pins:
    """Return the record for `asked`: the packages and sub-templates `labels`."""
    direct = asked.direct
    last = before[labels[0]].pins if labels[0] in before else Pins({}, {})
    # uv takes the first preferred version that is possible. Direct dependencies have none.
    preferred = [
        hashes.lines(line, known.hashes[line])
        for known in (pins, last)
        for name, lines in known.named.items()
        if name not in direct
        for line in lines
    ]
    compiled = resolver.compile(
        [*asked.own, *asked.others],
        preferred,
        folder / f"{labels[0].replace('/', '-')}.txt",
        "--resolution=lowest-direct",
        python=asked.python,
        doing=f"lock: lowest versions of {labels[0]}",
    )
    found = hashes.parse(compiled)
    lines = hashes.named(found)
    differing = {
        line
        for same in lines.values()
        if not all(_covered(line, pins) for line in same)
        for line in same
    }
    required = resolution.required(compiled, lines)
    _report(asked, lines, labels)
    return Pins(
        {line: last.hashes.get(line) or found[line] for line in differing},
        {line: required[line] for line in differing & required.keys()},
    )


def _covered(line: str, pins: Pins) -> bool:
    """Return whether a pin applies wherever the pin `line` does."""
    return bool({line, line.partition(" ;")[0]} & pins.hashes.keys())


def _report(asked: Asked, lines: Mapping[str, Sequence[str]], labels: Sequence[str]) -> None:
    """Say which lower bounds of a package are too low, and the first version that resolves."""
    for text in asked.own:
        wanted = Requirement(text)
        clauses = [clause for clause in wanted.specifier if clause.operator in (">=", "~=")]
        bounds = [Version(clause.version) for clause in clauses]
        found = lines.get(requirement(text).name, ())
        if bounds and found:
            first = min(Version(hashes.version_of(line)) for line in found)
            size = len(max(bounds).release)
            # There may be no 24.0.0 for >=24.
            if first.release[:size] > max(bounds).release:
                shown = ", ".join(labels)
                say(f"lock: {shown}: {text} does not resolve below {first}; write >={first}")
