"""`monorepo migrate requirements`: requirements files become pins, indexes and extras."""

from collections.abc import Sequence
from pathlib import Path

from monorepo.core.hashes import PINS
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.guard.repository import Sources
from monorepo.migrating import index_policy, legacy, pins, requirements_files
from monorepo.migrating.report import Report
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin


def migrate(space: Workspace, files: Sequence[str], holder: str, *, dry_run: bool) -> Report:
    """Write what requirements files say into constraints.txt, and into the manifests.

    Args:
        space: the repository.
        files: paths from the current folder.
        holder: the package that gets the extras.
        dry_run: only say what would change.

    Raises:
        UsageError: a file cannot be read, or the package is not there: nothing has changed.
    """
    (package,) = space.select([holder])
    if not package.is_python:
        raise UsageError(f"--as: {holder} is JavaScript; name a shared package in Python")
    if (space.root / package.path / "package.edn").exists():
        advice = "name one without, and derive its package.edn afterwards"
        raise UsageError(f"--as: {holder} has a package.edn, which this cannot write; {advice}")
    read = requirements_files.read(files)
    for file in read:
        file.path = _shown(space.root, file.path)
        for line in file.lines:
            line.path = file.path
    found = pins.find(read)
    others = index_policy.choose(read)
    requirements = legacy.wanted(read)
    extras = legacy.by_use(Sources(space), package, requirements)
    with begin(space.root, dry_run=dry_run) as change:
        text, replaced = pins.merged(change.read(PINS), found, read)
        path = package.manifest_path
        texts = {
            PINS: text,
            path: legacy.manifest(change.read(path), package, requirements, extras),
            ROOT_MANIFEST: legacy.root_manifest(change.read(ROOT_MANIFEST), others),
        }
        changed = [path for path, text in texts.items() if change.write(path, text)]
        if dry_run:
            changed = change.describe()
        else:
            change.commit()
    return Report(read, found, replaced, others, {**extras, legacy.LEGACY: requirements}, changed)


def _shown(root: Path, path: str) -> str:
    """Return a path from the root, if it is below; otherwise its name."""
    place = Path(path).resolve()
    inside = place.is_relative_to(root.resolve())
    return place.relative_to(root.resolve()).as_posix() if inside else place.name
