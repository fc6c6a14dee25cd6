"""A command about all packages that had nothing to do says the same again, until something changes.

What it printed is kept with all that it depends on: each file that git tracks or could, what git
ignores, the environments, and the variables that tests may read. To see that none of that has
changed takes no package, and few modules are imported here. Standard library only.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.caching import worktree
from monorepo.system import git_directories, terminal, transaction
from monorepo.system.subprocesses import leave_callers_repository

FILE = "monorepo-checked"
# Another way to look makes what is kept unknown.
_VERSION = 1


# Variables with which a command is about less, or shows more.
_NARROWING = ("PKG", "ARGS", "RULE", "CACHE", "WHY_RUN", "V")


class About(NamedTuple):
    """What a command depends on besides the files of the working tree.

    Attributes:
        variables: names of variables of the environment.
        places: files and folders that git ignores, from the root; there or not.
        is_dated: whether it depends on the day.
        compares: whether it depends on which commit is checked out.
    """

    variables: tuple[str, ...]
    places: tuple[str, ...]
    is_dated: bool = False
    compares: bool = False


def is_asked() -> bool:
    """Tell whether the variables of Make leave a command to be about everything."""
    return not any(os.environ.get(name) for name in _NARROWING)


def state(root: Path, about: About) -> list[Any] | None:
    """Return all that a command depends on, as JSON; None if it cannot be told."""
    tree = worktree.read(root)
    if tree is None or tree.unknown:
        return None
    head = _head(root) if about.compares else ""
    return [_beside(root, about), tree.digest, _digest(tree.ignored), head]


def repeat(place: str) -> bool:
    """Print what the command said the last time, if nothing has changed; return whether it did.

    Args:
        place: the repository, as it is given on the command line.
    """
    leave_callers_repository()
    root = Path(os.path.realpath(place))
    if not is_asked() or transaction.is_interrupted(root) or (said := recall(root)) is None:
        return False
    with terminal.printing():
        print(said, end="", flush=True)
    return True


def keep(root: Path, about: About, then: list[Any], said: str) -> None:
    """Keep what a command said, unless something has changed since it began.

    Args:
        root: the repository.
        about: what the command depends on.
        then: the `state` in which it began.
        said: what it printed.
    """
    place = git_directories.file(root, FILE)
    if place is None or state(root, about) != then:
        return
    with contextlib.suppress(OSError):
        git_directories.put(place, json.dumps([_VERSION, about, then, said]).encode())


def recall(root: Path) -> str | None:
    """Return what a command said the last time; None if anything is not as it was."""
    place = git_directories.file(root, FILE)
    with contextlib.suppress(OSError, ValueError, TypeError):
        if place is None:
            return None
        version, given, then, said = json.loads(place.read_bytes())
        variables, places, is_dated, compares = given
        about = About(tuple(variables), tuple(places), bool(is_dated), bool(compares))
        # What costs least first.
        known = version == _VERSION and then[:1] == [_beside(root, about)]
        return str(said) if known and then == state(root, about) else None
    return None


def _beside(root: Path, about: About) -> list[Any]:
    """Return what is looked at without git."""
    values = [f"{name}={os.environ[name]}" for name in about.variables if name in os.environ]
    system = os.uname()
    return [
        [sys.version, os.path.dirname(__file__), str(root), system.sysname, system.machine],
        _digest(values),
        [_state(f"{root}/{place}") for place in about.places],
        time.strftime("%Y-%m-%d", time.gmtime()) if about.is_dated else "",
    ]


def _state(place: str) -> list[int]:
    """Return what tells a file from what it was; links are followed, as programs do."""
    try:
        status = os.stat(place)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _head(root: Path) -> str:
    """Return the commit that is checked out."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, check=False)
    return done.stdout.decode(errors="replace")


def _digest(texts: Iterable[str]) -> str:
    text = "\0".join(texts)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
