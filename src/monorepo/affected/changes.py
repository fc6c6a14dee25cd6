"""What differs between two commits, or between a commit and the working tree, as git has it.

Nothing of the tree is executed: git is asked for names and objects, without hooks, filters, and
programs for differences.
"""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from monorepo.core import workspace
from monorepo.core.languages import STARTS, Language
from monorepo.core.workspace import Workspace
from monorepo.programs.git import OLDEST, Git
from monorepo.system.errors import UsageError

REMOTE = "origin"
# What a default branch is called where nothing says it.
_USUAL = ("main", "master")
_SYMLINK, _SUBMODULE = "120000", "160000"
_MANIFESTS = tuple(language.manifest for language in Language)


class Commit(NamedTuple):
    """A commit: what it is called, its id, and how it was chosen."""

    ref: str
    id: str
    how: str


class Change(NamedTuple):
    """A file that differs: its path from the root, and its object in the base; empty for none."""

    path: str
    old: str


@dataclass(frozen=True)
class Changes:
    """What differs from a base.

    Attributes:
        root: the repository.
        base: the commit that is compared with; None if there is none.
        head: the commit that is compared; None for the working tree.
        files: each file that differs, by path.
        unknown: why it is not known what differs; empty if it is.
    """

    root: Path
    base: Commit | None = None
    head: Commit | None = None
    files: Mapping[str, Change] = field(default_factory=dict)
    unknown: str = ""

    def before(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return what changed files had in the base, of those that were there."""
        objects = {path: self.files[path].old for path in paths if self.files[path].old}
        contents = Git(self.root).contents(objects.values()) if objects else ()
        found = zip(objects, contents, strict=True)
        return {path: content for path, content in found if content is not None}


def since(root: Path, base: str = "", head: str = "") -> Changes:
    """Return what differs from a base, which is that of the default branch if none is given.

    Args:
        root: the repository, perhaps a folder of a larger worktree.
        base: a name of a commit; compared with is the last commit that it shares with `head`.
        head: a name of a commit; the working tree by default.

    Raises:
        UsageError: a name is not that of a commit here, or was given where git cannot be asked.
        TaskError: git failed.
    """
    git = Git(root)
    if reason := _unusable(git):
        if base or head:
            raise UsageError(f"{'BASE' if base else 'HEAD'}: {reason}")
        return Changes(root, unknown=reason)
    settings = _settings(git)
    candidates = [base] if base else [*_defaults(settings)]
    ids = _commits(git, ["HEAD", head or "HEAD", *candidates])
    current, chosen, *found = ids
    if head and not chosen:
        raise UsageError(_no_commit("HEAD", head))
    if base and not found[0]:
        raise UsageError(_no_commit("BASE", base))
    compared = Commit(head, chosen, "given") if head else None
    known = [(name, one) for name, one in zip(candidates, found, strict=True) if one]
    if not known or not chosen:
        reason = "git has no commit yet" if not current else "there is no branch to compare with"
        return Changes(root, head=compared, unknown=reason)
    name, commit = known[0]
    start = _start(git, name, commit, chosen, is_given=bool(base))
    files = _between(git, start.id, chosen) if start.id != chosen else {}
    if not head:
        for path, old in _working(git, settings).items():
            files.setdefault(path, Change(path, old))
    return Changes(root, start, compared, dict(sorted(files.items())))


def _unusable(git: Git) -> str:
    """Return why git cannot be asked; empty if it can."""
    if shutil.which("git") is None:
        oldest = ".".join(map(str, OLDEST))
        return f"git is missing; install {oldest} or newer"
    code, said, wrong = git.tried("rev-parse", "--is-inside-work-tree", "--show-prefix")
    if code or not said.startswith(b"true"):
        lines = wrong.decode(errors="replace").splitlines() or ["there is no working tree"]
        return f"git cannot be used here ({lines[0].removeprefix('fatal: ')})"
    return ""


def _settings(git: Git) -> dict[str, str]:
    """Return the settings of git that matter here, by lower-case key."""
    wanted = r"^(filter\..*\.(clean|smudge|process|required)|init\.defaultbranch)$"
    _, said, _ = git.tried("config", "--null", "--get-regexp", wanted)
    rows = (os.fsdecode(row).partition("\n") for row in said.split(b"\0") if row)
    return {key: value for key, _, value in rows}


def _defaults(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the full names of what a default branch may be, the best one first."""
    usual = dict.fromkeys([settings.get("init.defaultbranch", ""), *_USUAL])
    names = [name for name in usual if name]
    yield f"refs/remotes/{REMOTE}/HEAD"
    yield from (f"refs/remotes/{REMOTE}/{name}" for name in names)
    yield from (f"refs/heads/{name}" for name in names)


def _commits(git: Git, names: Iterable[str]) -> list[str]:
    """Return the id of the commit of each name; empty if there is none.

    Names are lines of input for git, never words of its command line.
    """
    asked = ["" if re.search(r"[\n\0]", name) or not name.strip() else name for name in names]
    lines = "".join(f"{name or 'refs/'}^{{commit}}\n" for name in asked)
    said = git.run("cat-file", "--batch-check", data=os.fsencode(lines))
    rows = [row.split(b" ") for row in said.splitlines()]
    return [
        row[0].decode() if len(row) == 3 and row[1] == b"commit" and name else ""
        for row, name in zip(rows, asked, strict=True)
    ]


def _no_commit(variable: str, name: str) -> str:
    advice = "correct it, or fetch it: git fetch origin <branch>"
    return f"{variable}={name}: is not a commit here; {advice}"


def _start(git: Git, name: str, commit: str, head: str, *, is_given: bool) -> Commit:
    """Return the commit to compare with: the last one that two have in common, if they have any."""
    short = name.removeprefix("refs/").removeprefix("remotes/").removeprefix("heads/")
    which = "given" if is_given else "default branch"
    code, said, _ = git.tried("merge-base", commit, head)
    if not code and said.strip():
        return Commit(short, said.decode().split()[0], f"merge base with {short} ({which})")
    shallow = git.tried("rev-parse", "--is-shallow-repository")[1].strip() == b"true"
    reason = "in this shallow clone; git fetch --unshallow has it" if shallow else "in common"
    how = f"{short} itself ({which}): no commit {reason}"
    return Commit(short, commit, how)


def _between(git: Git, base: str, head: str) -> dict[str, Change]:
    """Return the files that differ between two commits."""
    words = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff"]
    said = git.run(*words, "--no-textconv", "--ignore-submodules=none", base, head, "--", ".")
    rows = said.split(b"\0")
    found = {}
    for facts, raw in zip(rows[::2], rows[1::2], strict=False):
        old = facts.split(b" ")[2].decode()
        path = os.fsdecode(raw).removeprefix(git.prefix)
        found[path] = Change(path, _object(old))
    return found


def _working(git: Git, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the files of the working tree and of the index that differ from the commit.

    With the object that each has in the commit; files are taken as they are, without filters.
    """
    off = []
    for key in settings:
        name, _, what = key.rpartition(".")
        if name.startswith("filter.") and "=" not in name:
            off += ["-c", f"{name}.{what}={'false' if what == 'required' else ''}"]
    words = ["status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"]
    said = git.run(
        *off, "--no-optional-locks", *words, "--ignore-submodules=none", "--ignored=no", "--", "."
    )
    found = {}
    for row in said.split(b"\0"):
        kind, _, rest = row.partition(b" ")
        if kind == b"?":
            path, old = rest, ""
        elif kind == b"1":
            *facts, path = rest.split(b" ", 7)
            old = facts[5].decode()
        elif kind == b"u":
            path, old = rest.split(b" ", 9)[9], ""
        else:
            continue
        found[os.fsdecode(path).removeprefix(git.prefix)] = _object(old)
    return found


def _object(name: str) -> str:
    """Return the id of an object; empty for the one that stands for none."""
    return name if name.strip("0") else ""


@contextlib.contextmanager
def opened(changes: Changes) -> Iterator[Workspace]:
    """Give the repository as it is in the head of changes.

    Of a commit, manifests and the files of the root and of tools are written into a folder aside.

    Raises:
        UsageError: it cannot be loaded.
    """
    if changes.head is None:
        yield workspace.load(changes.root)
        return
    with tempfile.TemporaryDirectory(prefix="monorepo-") as folder:
        place = Path(folder).resolve()
        _extract(Git(changes.root), changes.head.id, place)
        yield workspace.load(place)


def _extract(git: Git, commit: str, folder: Path) -> None:
    """Write the files of a commit that say what packages there are, and what they need."""
    said = git.run("ls-tree", "-r", "-z", "--full-name", commit, "--", ".")
    wanted = []
    for row in said.split(b"\0")[:-1]:
        facts, _, raw = row.partition(b"\t")
        mode, _, sha = facts.decode().split()
        path = os.fsdecode(raw).removeprefix(git.prefix)
        if mode != _SUBMODULE and _is_structure(path, mode):
            wanted.append((path, mode, sha))
    contents = git.contents(sha for _, _, sha in wanted)
    links = []
    for (path, mode, _), content in zip(wanted, contents, strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if mode == _SYMLINK:
            links.append((path, content or b""))
        else:
            (folder / path).write_bytes(content or b"")
    # At last, so that nothing is written through one.
    for path, target in links:
        os.symlink(target, os.fsencode(folder / path))


def _is_structure(path: str, mode: str) -> bool:
    """Return whether a file says what packages there are, or what they or the tools need."""
    above, _, name = path.rpartition("/")
    if not above or above in ("tools", "tools/make"):
        return True
    if not path.startswith(STARTS):
        return False
    depth = path.count("/")
    return depth <= 3 and (name in _MANIFESTS or mode == _SYMLINK)
