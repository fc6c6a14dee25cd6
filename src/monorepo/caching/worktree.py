"""The files of the working tree as git sees them: tracked, or untracked and not ignored.

git says which files are as its index has them, and knows their content; the others are read. No
time of a file counts. Standard library only.
"""

import hashlib
import os
import stat
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

# -v: which files git does not look at (assume-unchanged, skip-worktree). A program that watches
# files for git might not be up to date.
_COMMAND = (
    *("git", "-c", "core.fsmonitor=false", "ls-files", "-z", "-v", "--stage"),
    *("--cached", "--modified", "--others", "--exclude-standard"),
)
_LINK, _REPOSITORY = "120000", "160000"
_SHA256 = 64  # digits


class File(NamedTuple):
    """The mode of a file in git's terms, and the id of its content: that of a blob of git."""

    mode: str
    id: str

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link, whose content is where it leads."""
        return self.mode == _LINK


@dataclass(frozen=True)
class Worktree:
    """The files below `root`, by their path from it.

    `unknown` are paths whose content cannot be told: repositories in this one, and files that
    cannot be read.
    """

    root: Path
    files: dict[str, File]
    unknown: dict[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """A hash of all files: with equal ones, each package is the same."""
        rows = [f"{file.mode} {file.id} {path}\0" for path, file in self.files.items()]
        rows += [f"{why} {path}\0" for path, why in self.unknown.items()]
        text = "".join(sorted(rows))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def read(root: Path) -> Worktree | None:
    """Return the files at `root`; None if git does not know the folder, or is not installed."""
    try:
        done = subprocess.run(_COMMAND, cwd=root, capture_output=True, check=False)
    except OSError:
        return None
    if done.returncode:
        return None
    files: dict[str, File] = {}
    stale: set[str] = set()
    algorithm = "sha1"
    for row in os.fsdecode(done.stdout).split("\0")[:-1]:
        if row[0] == "?":
            stale.add(row[2:])
            continue
        facts, _, path = row.partition("\t")
        tag, mode, name, stage = facts.split(" ")
        if len(name) == _SHA256:
            algorithm = "sha256"
        if tag == "H" and stage == "0":
            files[path] = File(mode, name)
        else:
            stale.add(path)
    tree = Worktree(root, files)
    for path in stale:
        files.pop(path, None)
        _add(tree, path, algorithm)
    for path in [path for path, file in files.items() if file.mode == _REPOSITORY]:
        del files[path]
        tree.unknown[path] = "a repository in this one"
    return tree


def _add(tree: Worktree, path: str, algorithm: str) -> None:
    """Add a file as it is in the working tree, if it is there."""
    place = f"{tree.root}/{path}"
    try:
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            tree.files[path] = File(_LINK, _blob(os.fsencode(os.readlink(place)), algorithm))
        elif stat.S_ISREG(status.st_mode):
            mode = "100755" if status.st_mode & 0o100 else "100644"
            tree.files[path] = File(mode, _blob_of(place, status.st_size, algorithm))
        else:
            tree.unknown[path] = "a repository in this one"
    except (FileNotFoundError, NotADirectoryError):
        # It is deleted, and still in the index.
        return
    except OSError as error:
        tree.unknown[path] = error.strerror or "cannot be read"


def _blob(content: bytes, algorithm: str) -> str:
    """Return the id of a blob with this content."""
    found = hashlib.new(algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
    found.update(content)
    return found.hexdigest()


def _blob_of(place: str, size: int, algorithm: str) -> str:
    """Return the id of a blob with the content of a file.

    Raises:
        OSError: it cannot be read, or is being written.
    """
    found = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
    read = 0
    with open(place, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
            read += len(chunk)
    if read != size:
        raise OSError(0, "is being written")
    return found.hexdigest()
