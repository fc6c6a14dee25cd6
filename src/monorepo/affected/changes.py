"""What differs between two commits, or between a commit and the working tree, as git has it.

Nothing of the tree is executed: git is asked for names and objects, without hooks, filters, and
programs that show differences.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from monorepo.core import workspace
from monorepo.core.languages import BY_MANIFEST, STARTS
from monorepo.core.workspace import Workspace
from monorepo.programs.git import OLDEST, Git
from monorepo.system.errors import UsageError

REMOTE = "origin"
# What a default branch is called where nothing says it.
_USUAL = ("main", "master")
_SYMLINK, _SUBMODULE = "120000", "160000"
# Settings of git: the programs that convert files, and the name of the first branch.
_SETTINGS = r"^(filter\..*\.(clean|smudge|process|required)|init\.defaultbranch)$"
# What git has in place of a file that git-lfs keeps: its hash and its size.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n"
)
# What `ls-files -v --stage` says of links, and of files whose changes git is told to ignore. A
# pattern that begins with one byte looks for that, and not at each.
_ODD = re.compile(rb"\0(H 120000 [^\0]*|[a-zS] [^\0]*)")


class Commit(NamedTuple):
    """A commit: what it is called, its id, and how it was chosen."""

    ref: str
    id: str
    how: str


@dataclass(frozen=True)
class Changes:
    """What differs from a base.

    Attributes:
        root: the repository.
        base: the commit that is compared with; None if there is none.
        head: the commit that is compared; None for the working tree.
        files: the paths of the files that differ, from the root, each with its object in the base;
            empty if it was not there.
        links: the symbolic links in the head, by path: what they lead to.
        unknown: why it is not known what differs; empty if it is.
    """

    root: Path
    base: Commit | None = None
    head: Commit | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""

    def before(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return what files that differ had in the base, of those that were there."""
        objects = {path: self.files[path] for path in paths if self.files[path]}
        contents = Git(self.root).contents(objects.values()) if objects else ()
        found = zip(objects, contents, strict=True)
        return {path: content for path, content in found if content is not None}


def since(root: Path, base: str = "", head: str = "", *, called: str = "BASE") -> Changes:
    """Return what differs from a base, which is that of the default branch if none is given.

    Compared is with the last commit that the base and the head have in common.

    Args:
        root: the repository, perhaps a folder of a larger worktree.
        base: a name of a commit.
        head: a name of a commit; the working tree by default.
        called: the variable that has given the base, for messages.

    Raises:
        UsageError: a name is not that of a commit here, or was given where git cannot be asked.
        TaskError: git failed.
    """
    git = Git(root)
    if reason := _unusable(git):
        if base or head:
            raise UsageError(f"{called if base else 'HEAD'}: {reason}")
        return Changes(root, unknown=reason)
    settings = _settings(git)
    candidates = [base] if base else [*_defaults(settings)]
    chosen, *found = _commits(git, [head or "HEAD", *candidates])
    names = {"HEAD": (head, chosen), called: (base, found[0])}
    wrong = [_no_commit(key, name) for key, (name, one) in names.items() if name and not one]
    # The hook of a first commit compares with the last one.
    if wrong and (base, head) != ("HEAD", ""):
        raise UsageError(*wrong)
    if not chosen:
        return Changes(root, unknown="git has no commit yet")
    compared = Commit(head, chosen, "given") if head else None
    known = [(name, one) for name, one in zip(candidates, found, strict=True) if one]
    if not known:
        reason = "there is no default branch to compare with; give BASE=<branch or commit>"
        return Changes(root, head=compared, unknown=reason)
    start = _start(git, *known[0], chosen, is_given=bool(base))
    files = _between(git, start.id, chosen) if start.id != chosen else {}
    if head:
        links = [(path, one) for path, mode, one in _tree(git, chosen) if mode == _SYMLINK]
    else:
        links, ignored = _odd(git)
        files = {**ignored, **_working(git, settings), **files}
    return Changes(root, start, compared, dict(sorted(files.items())), _targets(git, links))


def _unusable(git: Git) -> str:
    """Return why git cannot be asked; empty if it can."""
    if shutil.which("git") is None:
        return f"git is missing; install {'.'.join(map(str, OLDEST))} or newer"
    code, said, wrong = git.tried("rev-parse", "--is-inside-work-tree", "--show-prefix")
    inside, _, prefix = said.partition(b"\n")
    if code or inside != b"true":
        lines = wrong.decode(errors="replace").splitlines() or ["there is no working tree"]
        return f"git cannot be asked here ({lines[0].removeprefix('fatal: ')})"
    # One process fewer.
    git.__dict__["prefix"] = os.fsdecode(prefix).removesuffix("\n")
    return ""


def _settings(git: Git) -> dict[str, str]:
    """Return the settings of git that matter here, by key."""
    said = git.tried("config", "--null", "--get-regexp", _SETTINGS)[1]
    rows = (os.fsdecode(row).partition("\n") for row in said.split(b"\0") if row)
    return {key: value for key, _, value in rows}


def _defaults(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the full names of what the default branch may be, the best one first."""
    names = [*filter(None, dict.fromkeys([settings.get("init.defaultbranch", ""), *_USUAL]))]
    yield f"refs/remotes/{REMOTE}/HEAD"
    yield from (f"refs/remotes/{REMOTE}/{name}" for name in names)
    yield from (f"refs/heads/{name}" for name in names)


def _commits(git: Git, names: Iterable[str]) -> list[str]:
    """Return the id of the commit of each name; empty if there is none.

    Names are lines of input for git, and never words of its command line.
    """
    asked = [name if name.strip() and not re.search(r"[\n\r\0]", name) else "" for name in names]
    lines = "".join(f"{name or 'HEAD^{tree}'}^{{commit}}\n" for name in asked)
    code, said, _ = git.tried("cat-file", "--batch-check", data=os.fsencode(lines))
    if code:
        # One that git cannot make sense of ends it: each by itself.
        return (
            [*chain.from_iterable(_commits(git, [name]) for name in asked)] if asked[1:] else [""]
        )
    rows = [row.split(b" ") for row in said.splitlines()]
    return [
        row[0].decode() if name and len(row) == 3 and row[1] == b"commit" else ""
        for row, name in zip(rows, asked, strict=True)
    ]


def _no_commit(variable: str, name: str) -> str:
    """Return the mistake of a name that is not that of a commit."""
    return f"{variable}={name}: is not a commit here; correct it, or fetch it: git fetch {REMOTE}"


def _start(git: Git, name: str, commit: str, head: str, *, is_given: bool) -> Commit:
    """Return the commit to compare with: the last one in common, or the base itself."""
    short = re.sub(r"^refs/(remotes|heads)/", "", name)
    which = short if is_given else f"{short}, the default branch"
    if commit == head:
        return Commit(short, commit, which)
    code, said, _ = git.tried("merge-base", commit, head)
    if not code and said.strip():
        return Commit(short, said.decode().split()[0], f"merge base with {which}")
    reason = "it has no commit in common with the head"
    if git.tried("rev-parse", "--is-shallow-repository")[1] == b"true\n":
        reason = "this shallow clone has no commit in common; git fetch --unshallow has it"
    return Commit(short, commit, f"{which}: {reason}")


def _between(git: Git, base: str, head: str) -> dict[str, str]:
    """Return the files that differ between two commits, each with its object in the first."""
    words = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff"]
    said = git.run(*words, "--no-textconv", "--ignore-submodules=none", base, head, "--", ".")
    rows = said.split(b"\0")
    return {
        _from_root(git, path): _object(facts.split(b" ")[2])
        for facts, path in zip(rows[::2], rows[1::2], strict=False)
    }


def _working(git: Git, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the files of the index or the working tree that differ from the commit.

    With the object of each in the commit. Files are compared as they are, without filters.
    """
    off = []
    for key in settings:
        name, _, what = key.rpartition(".")
        if name.startswith("filter."):
            off += ["-c", f"{name}.{what}={'false' if what == 'required' else ''}"]
    words = ["status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"]
    words += ["--ignored=no", "--ignore-submodules=none", "--", "."]
    found, converted = {}, {}
    for row in git.run(*off, "--no-optional-locks", *words).split(b"\0"):
        kind, _, rest = row.partition(b" ")
        if kind == b"?":
            found[_from_root(git, rest)] = ""
        elif kind == b"1":
            state, *facts, raw = rest.split(b" ", 7)
            path, old = _from_root(git, raw), _object(facts[4])
            found[path] = old
            # Its mode is that of the index, and so is what is committed.
            if off and state == b".M" and facts[2] == facts[3]:
                converted[path] = old
        elif kind == b"u":
            # Our side of a conflict is what the commit has.
            *facts, raw = rest.split(b" ", 9)
            found[_from_root(git, raw)] = _object(facts[7])
    contents = git.contents(converted.values()) if converted else ()
    for path, content in zip(converted, contents, strict=True):
        if content and _is_kept_elsewhere(git.root / path, content):
            del found[path]
    return found


def _is_kept_elsewhere(file: Path, content: bytes) -> bool:
    """Return whether git-lfs would put a file in the place of what git has."""
    import hashlib

    pointer = _POINTER.fullmatch(content)
    if pointer is None or file.is_symlink() or file.stat().st_size != int(pointer[2]):
        return False
    with file.open("rb") as opened_file:
        digest = hashlib.file_digest(opened_file, "sha256").hexdigest()
    return digest == pointer[1].decode()


def _odd(git: Git) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return the links in the index, and the files that differ although git is told to ignore it.

    Both with their objects. A file that a sparse checkout leaves out does not differ.
    """
    links, ignored = [], {}
    said = git.run("ls-files", "-v", "--stage", "--full-name", "-z", "--", ".")
    for row in _ODD.findall(b"\0" + said):
        facts, _, raw = row.partition(b"\t")
        flag, mode, sha, _ = facts.decode().split(" ")
        path = _from_root(git, raw)
        if mode == _SYMLINK:
            links.append((path, sha))
        if flag != "H" and (flag != "S" or os.path.lexists(git.root / path)):
            if _hashed(git.root / path, len(sha)) != sha:
                ignored[path] = sha
    return links, ignored


def _hashed(file: Path, length: int) -> str:
    """Return the id of the object that a file would be, without filters; empty if there is none."""
    import hashlib

    try:
        data = os.fsencode(os.readlink(file)) if file.is_symlink() else file.read_bytes()
    except OSError:
        return ""
    made = hashlib.sha1 if length == 40 else hashlib.sha256
    return made(b"blob %d\0" % len(data) + data).hexdigest()


def _tree(git: Git, commit: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, mode and object of each file of a commit below the root."""
    said = git.run("ls-tree", "-r", "-z", "--full-name", commit, "--", ".")
    for row in said.split(b"\0")[:-1]:
        facts, _, path = row.partition(b"\t")
        mode, _, sha = facts.decode().split()
        yield _from_root(git, path), mode, sha


def _targets(git: Git, links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what links lead to, by path, given their objects."""
    found = dict(links)
    contents = git.contents(found.values()) if found else ()
    return {
        path: os.fsdecode(content or b"") for path, content in zip(found, contents, strict=True)
    }


def _from_root(git: Git, path: bytes) -> str:
    return os.fsdecode(path).removeprefix(git.prefix)


def _object(name: bytes) -> str:
    """Return the id of an object; empty for the one that stands for none."""
    return name.decode() if name.strip(b"0") else ""


@contextlib.contextmanager
def opened(changes: Changes) -> Iterator[Workspace]:
    """Give the repository as it is in the head of changes.

    Of a commit, the manifests and the files of the root and of tools are written into a folder.

    Raises:
        UsageError: it cannot be loaded.
    """
    if changes.head is None:
        yield workspace.load(changes.root)
        return
    # Imported here: only another commit needs it, and it takes as long as reading all manifests.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="monorepo-") as folder:
        place = Path(folder).resolve()
        _write(Git(changes.root), changes.head, place)
        try:
            space = workspace.load(place)
        except UsageError as error:
            name = f"HEAD={changes.head.ref}"
            mistakes = (mistake.replace(str(place), name) for mistake in error.mistakes)
            raise UsageError(*mistakes) from error
        yield space


def _write(git: Git, commit: Commit, folder: Path) -> None:
    """Write the files of a commit that say what packages there are, and what they need."""
    wanted = [row for row in _tree(git, commit.id) if _is_structure(*row[:2])]
    links = []
    contents = git.contents(sha for _, _, sha in wanted)
    for (path, mode, _), content in zip(wanted, contents, strict=True):
        if mode == _SYMLINK:
            links.append((path, content or b""))
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content or b"")
    # At last, so that nothing is written through one.
    for path, target in links:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, os.fsencode(folder / path))


def _is_structure(path: str, mode: str) -> bool:
    """Return whether a file says what packages there are, or what they or the tools need."""
    above, _, name = path.rpartition("/")
    # A tree that git would not check out may lead out of the folder.
    if mode == _SUBMODULE or not {"", ".", ".."}.isdisjoint(path.split("/")):
        return False
    if above in ("", "tools", "tools/make"):
        return True
    is_manifest = name in BY_MANIFEST and path.count("/") in (2, 3)
    return path.startswith(STARTS) and (is_manifest or mode == _SYMLINK)
