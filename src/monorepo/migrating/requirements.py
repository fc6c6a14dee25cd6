"""`monorepo migrate requirements`: requirements files become pins, indexes and extras."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST, Declared, Package, Workspace
from monorepo.guard.repository import Sources
from monorepo.locking import locks
from monorepo.migrating import index_policy, legacy, pins, requirements_files, resolution
from monorepo.migrating.report import Report
from monorepo.migrating.requirements_files import File, Status
from monorepo.programs import indexes
from monorepo.programs.vendored import is_offline
from monorepo.syncing import sync
from monorepo.syncing.making import SERVICE
from monorepo.system import terminal
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin
from monorepo.templating import samples

# The package that gets the extras by default, in the grouped layout.
HOLDER = "shared/py/core"


def migrate(space: Workspace, files: Sequence[str], holder: str, *, dry_run: bool) -> Report:
    """Write what requirements files say into constraints.txt, and into the manifests.

    Args:
        space: the repository.
        files: paths from the current folder.
        holder: the package that gets the extras; "" for the default.
        dry_run: only say what would change.

    Raises:
        UsageError: a file cannot be read, or the package is not there: nothing has changed.
    """
    package = _holder(space, holder)
    have = indexes.read(space.root)
    read = requirements_files.read(files)
    _show_paths(space.root, read)
    _note_internal(space, read)
    found = pins.find(read)
    others = index_policy.choose(read, have)
    requirements = legacy.wanted(read)
    extras = legacy.by_use(Sources(space), package, requirements)
    with begin(space.root, dry_run=dry_run) as change:
        root_manifest = legacy.root_manifest(change.read(ROOT_MANIFEST), others)
        before = change.read(PINS)
        text, _ = pins.merged(before, found, read)
        why, declared = _not_asked(read), list[Declared]()
        try:
            declared += locks.declared(space, samples.render(space, change.stage()))
        except UsageError as error:
            # A part of the repository that cannot be read is not what this is about.
            why = why or error.mistakes[0]
        pins.note_ranges(read, declared)
        remarks = [f"not asked: {why}"] if why else []
        with indexes.written(root_manifest):
            indexes.read(space.root)
            if not why:
                more, remarks = resolution.resolve(space, declared, read, text, change.stage())
                found = pins.joined(found, more)
        text, replaced = pins.merged(before, found, read)
        pins.note_unpinned(read, text)
        texts = {
            PINS: text,
            **legacy.manifests(change, package, requirements, extras),
            ROOT_MANIFEST: root_manifest,
        }
        changed = [path for path, text in texts.items() if change.write(path, text)]
        if dry_run:
            changed = change.describe()
        else:
            change.commit()
    every = {**extras, legacy.LEGACY: requirements}
    return Report(read, found, replaced, others, every, remarks, changed)


def _holder(space: Workspace, path: str) -> Package:
    """Return the package that gets the extras.

    Raises:
        UsageError: there is none, or it cannot have them.
    """
    default = space.by_grouped.get(HOLDER)
    (package,) = [default] if default and not path else space.select([path or HOLDER])
    path = package.path
    advice = "name a shared package in Python"
    if not package.is_python:
        raise UsageError(f"--as: {path} is JavaScript; {advice}")
    if (package.folder / SERVICE).exists():
        raise UsageError(f"--as: {path} has a {SERVICE}, which decides what it requires; {advice}")
    dynamic = {"dependencies", "optional-dependencies"} & set(
        package.manifest["project"].get("dynamic", ())
    )
    if dynamic:
        what = f"{min(dynamic)} of {path} are dynamic"
        raise UsageError(f"--as: {what}; list them in [project], or {advice}")
    plan = sync.plan(space.root, [package.path])
    if plan.drift or plan.mistakes:
        raise UsageError(*plan.mistakes, *map(str, plan.drift))
    return package


def _note_internal(space: Workspace, files: Iterable[File]) -> None:
    """Note on lines that they name a package of this repository, which no index has."""
    for line in (line for file in files for line in file.lines if line.requirement):
        assert line.requirement
        name = fold(line.requirement.name)
        if other := space.by_name.get(name):
            advice = "take the line out; who imports it requires it by its name, without a version"
            line.becomes(Status.UNKNOWN, f"is {other.path}, which no index has; {advice}")
        elif name in space.lost or space.is_stray(name):
            advice = "take the line out, or list the name as external in [tool.monorepo]"
            why = f"is named like a package of this repository, which no index has; {advice}"
            line.becomes(Status.UNKNOWN, why)


def _not_asked(files: Iterable[File]) -> str:
    """Return why no index may be asked for what files name; "" if one may be."""
    if is_offline():
        return "OFFLINE is set"
    for line in (line for file in files for line in file.lines):
        if index_policy.is_left_out(line):
            return (
                f"{line.path}:{line.number} has an index with names that others must not hear of;"
                " write it into [tool.monorepo.indexes] with its names"
            )
    return ""


def _show_paths(root: Path, files: Sequence[File]) -> None:
    """Have files and lines named as the report does.

    That is from the root, or from the folder that all files outside have in common, on one line.
    """
    places = {file.path: os.path.realpath(file.path) for file in files}
    inside = f"{os.path.realpath(root)}{os.sep}"
    others = [os.path.dirname(place) for place in places.values() if not place.startswith(inside)]
    above = os.path.commonpath(others) if others else inside
    shown = {
        path: terminal.line(os.path.relpath(place, inside if place.startswith(inside) else above))
        for path, place in places.items()
    }
    for file in files:
        file.path = shown[file.path]
        for line in file.lines:
            line.path, line.to = file.path, shown.get(line.to, line.to)
