"""The files of the working tree as git sees them: tracked, or untracked and not ignored.

git says which files are as its index has them, and knows their content; the others are read. No
time of a file counts. Standard library only.
"""

import hashlib
import os
import stat
import subprocess
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from monorepo.system import git_directories

# A program that watches files for git might not be up to date, and filters of files are none of a
# command that only looks.
_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")
_STATUS = (
    *(*_GIT, "status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignored=matching"),
    *("--no-renames", "--ignore-submodules=all", "--", "."),
)
# -v: which files git does not look at (assume-unchanged, skip-worktree).
_INDEX = (*_GIT, "ls-files", "-z", "-v", "--stage")
# The fields of a line of the status before the path, by its kind.
_FIELDS = {"1": 8, "u": 10, "?": 1, "!": 1}
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


class Worktree:
    """The files below a root, by their path from it.

    Attributes:
        root: the repository.
        files: what git tracks, or could.
        unknown: the paths whose content cannot be told, each with the reason: repositories in this
            one, and files that cannot be read.
        ignored: what .gitignore keeps from git; folders that it names end with a slash.
    """

    def __init__(self, root: Path) -> None:
        """Know of no file yet."""
        self.root = root
        self.files: dict[str, File] = {}
        self.unknown: dict[str, str] = {}
        self.ignored: list[str] = []

    @cached_property
    def digest(self) -> str:
        """A hash of all files: with equal ones, each package is the same."""
        rows = [f"{mode} {name} {path}\0" for path, (mode, name) in self.files.items()]
        rows += [f"{why} {path}\0" for path, why in self.unknown.items()]
        text = "".join(sorted(rows))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def read(root: Path) -> Worktree | None:
    """Return the files at `root`; None if git does not know the folder, or is not installed."""
    top = git_directories.top(root)
    # What differs from the index is read from the disk: so a file that is added in between is known
    # as it is.
    status, index = (_said(command, root) for command in (_STATUS, _INDEX))
    if top is None or status is None or index is None:
        return None
    prefix = os.path.relpath(root, top)
    start = 0 if prefix == "." else len(prefix) + 1
    tree = Worktree(root)
    stale: set[str] = set()
    for row in status:
        fields = row.split(" ", _FIELDS.get(row[0], 1))
        path = fields[-1][start:]
        if row[0] == "!":
            tree.ignored.append(path)
        elif row[0] != "1" or fields[1][1] != ".":
            stale.add(path)
    algorithm = "sha1"
    for row in index:
        facts, _, path = row.partition("\t")
        tag, mode, name, stage = facts.split(" ")
        if len(name) == _SHA256:
            algorithm = "sha256"
        if tag == "H" and stage == "0":
            if mode == _REPOSITORY:
                tree.unknown[path] = "a repository in this one"
            elif path not in stale:
                tree.files[path] = File(mode, name)
        else:
            stale.add(path)
    for path in stale - tree.unknown.keys():
        tree.files.pop(path, None)
        _add(tree, path, algorithm)
    return tree


def _said(command: tuple[str, ...], root: Path) -> list[str] | None:
    """Return the entries that git prints; None if it cannot."""
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except OSError:
        return None
    return os.fsdecode(done.stdout).split("\0")[:-1] if done.returncode == 0 else None


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
