"""Copy folders into places where programs may work on them. Standard library only."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

# What `shutil.copytree` leaves out: the names in a folder, of all that are in it.
Ignore = Callable[[str, list[str]], set[str]]


def copy(source: Path, target: Path, ignore: Ignore) -> None:
    """Copy a folder with the modes that git would give it; links stay links.

    Neither the umask of its owner nor a read-only checkout shows in the copy. A folder that is
    already at `target` gets what it lacks.
    """
    shutil.copytree(
        source, target, symlinks=True, ignore=ignore, copy_function=copy_file, dirs_exist_ok=True
    )
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o755)


def copy_file(source: str | Path, target: str | Path) -> None:
    """Copy a file with the mode that git would give it."""
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.stat(source).st_mode & 0o100 else 0o644)
