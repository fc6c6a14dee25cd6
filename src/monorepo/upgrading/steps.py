"""What no merge can say: the steps that versions of the template ask for.

A step is about the tree of a repository. `before` gives an older tree the shape that the newer
version has. It is done to what the old version renders and to what the team has made of it, so that
the merge finds them alike. `after` is done to what the merge gives. A tree may lack anything, and a
step does nothing to one that has the new shape.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from monorepo.templating import sub_templates


def _nothing(_root: Path) -> None:
    pass


@dataclass(frozen=True)
class Step:
    """A step of the upgrade to a version.

    Attributes:
        version: who comes from an older one takes it.
        what: what it does, for people.
        before: is given the folder of a tree of an older version.
        after: is given the folder of the merged tree.
    """

    version: str
    what: str
    before: Callable[[Path], None] = _nothing
    after: Callable[[Path], None] = _nothing


def _move_sub_templates(root: Path) -> None:
    """Move `templates`, where all sub-templates stood, to the folder of the team's own."""
    for folder in sorted(root.glob(f"templates/*/{sub_templates.QUESTIONS}")):
        target = root / sub_templates.TEAMS / folder.parent.name
        if not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(folder.parent, target)


STEPS: Sequence[Step] = (
    Step(
        "0.2.0",
        "templates/ is now tools/templates/, for kinds of your own",
        before=_move_sub_templates,
    ),
)


def between(old: Version, new: Version) -> list[Step]:
    """Return the steps from one version to another, in their order."""
    steps = [step for step in STEPS if old < Version(step.version) <= new]
    return sorted(steps, key=lambda step: Version(step.version))
