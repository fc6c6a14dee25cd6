"""Versioned steps: changes that a merge of texts cannot express.

`before` gives an older tree the layout of the newer version. It runs on the rendering of the old
version and on the team's tree, so that the merge sees no difference there. `after` runs on the
merged tree. A step takes any file to be optional, and changes nothing in a tree that has the new
layout.
"""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from monorepo.locking import pnpm_locks
from monorepo.templating import sub_templates


def _nothing(_root: Path) -> None:
    pass


@dataclass(frozen=True)
class Step:
    """A step of the upgrade to a version.

    Attributes:
        version: an upgrade from an older version runs it.
        what: a description.
        before: changes the folder of an older tree.
        after: changes the folder of the merged tree.
    """

    version: str
    what: str
    before: Callable[[Path], None] = _nothing
    after: Callable[[Path], None] = _nothing


def _move_sub_templates(root: Path) -> None:
    """Move `templates`, where all sub-templates stood with their lock, to where they are now."""
    for folder in sorted(root.glob(f"templates/*/{sub_templates.QUESTIONS}")):
        target = root / sub_templates.TEAMS / folder.parent.name
        if not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(folder.parent, target)
    lock, moved = root / f"templates/{pnpm_locks.LOCK}", root / pnpm_locks.TEMPLATES_LOCK
    if lock.is_file() and not moved.exists():
        lock.rename(moved)


def _pin_typescript_5(root: Path) -> None:
    """Pin a TypeScript with an API for JavaScript: a merge leaves alone what is pinned."""
    settings = root / pnpm_locks.SETTINGS
    if settings.is_file():
        pattern = re.compile(rb"^( +typescript:) +[~^]?7\.[^\r\n]*", re.MULTILINE)
        settings.write_bytes(pattern.sub(rb"\1 ^5.9.3", settings.read_bytes()))


STEPS: Sequence[Step] = (
    Step(
        "0.2.0",
        "templates/ is tools/templates/ now, and its lock tools/pnpm-lock.yaml",
        before=_move_sub_templates,
    ),
    Step("0.3.0.dev0", "TypeScript is 5.9, which tools can call", after=_pin_typescript_5),
)


def between(old: Version, new: Version) -> list[Step]:
    """Return the steps from one version to another, in their order."""
    steps = [step for step in STEPS if old < Version(step.version) <= new]
    return sorted(steps, key=lambda step: Version(step.version))
