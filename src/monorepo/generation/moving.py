"""The inputs of what is generated follow files that go to another package."""

from collections.abc import Collection, Mapping, Sequence

from monorepo.core.workspace import Workspace
from monorepo.generation.records import covered


def inputs(
    space: Workspace,
    written: Sequence[str],
    patterns: Sequence[str],
    moved: Mapping[str, str],
    files: Collection[str],
    folder: tuple[str, str],
) -> list[str]:
    """Return the inputs of an entry of `generate` after some files have gone.

    Args:
        space: the repository before.
        written: the inputs as the manifest has them.
        patterns: the same, as paths from the root.
        moved: the new path of each file that goes, by its old one.
        files: the paths of all files before.
        folder: the old and the new path of the folder that goes, or of the file.
    """
    old, new = folder
    found: list[str] = []
    for text, pattern in zip(written, patterns, strict=True):
        if pattern in space.packages:
            found.append(text)
            continue
        fits = covered(space, pattern)
        mine = [file for file in files if fits(file)]
        gone = sorted(moved[file] for file in mine if file in moved)
        if len(gone) < len(mine) or not gone:
            found.append(text)
        if gone and pattern.startswith(f"{old}/"):
            found.append(new + pattern.removeprefix(old))
        elif gone and _is_all(mine, moved, old):
            found += [f"{new}/**", *(file for file in gone if not file.startswith(f"{new}/"))]
        else:
            found += gone
    return [*dict.fromkeys(found)]


def _is_all(mine: Collection[str], moved: Mapping[str, str], old: str) -> bool:
    """Tell whether some files are all those that go of a folder, of which there are some."""
    inside = {file for file in moved if file.startswith(f"{old}/")}
    return bool(inside) and inside <= {*mine}
