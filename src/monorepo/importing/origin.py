"""The folder that becomes a package: what git has of it, or what is there. Nothing in it is run."""

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from monorepo.core.workspace import Workspace
from monorepo.layout.places import MADE
from monorepo.programs.git import Git
from monorepo.system.errors import TaskError, UsageError

_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"
_GIT = ".git"
_REFERENCE = "refs/heads/import"
_KEPT = (b"author ", b"committer ", b"encoding ")
_LINKED = "is a link, and may lead anywhere; replace it with what it stands for, or remove it"
_DEVICE = "is neither a file nor a folder; remove it"


class Where(StrEnum):
    """Where the folder is, which decides what becomes of its history."""

    HERE = "this repository"
    THERE = "another repository"
    NOWHERE = "no repository"


@dataclass(frozen=True)
class File:
    """A file of the folder: its content, and whether it can be run."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Origin:
    """The folder, or a single file, that becomes a package.

    Attributes:
        shown: its path, as errors and reports name it.
        where: what has its history.
        folder: the folder; that of a single file.
        inner: its path from the top of its repository; "" for that itself.
        commit: of another repository, whose files these are.
        files: by their paths from the folder.
        single: the name of the file, if it is one and no folder.
    """

    shown: str
    where: Where
    folder: Path
    inner: str
    commit: str
    files: Mapping[str, File]
    single: str = ""

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    def place(self, file: str) -> str:
        """Return the path of a file as people find it."""
        return self.shown if self.single else f"{self.shown}/{file}"

    def at(self, file: str) -> str:
        """Return the path of a file from the top of its repository."""
        return f"{self.inner}/{file}" if self.inner else file


def read(space: Workspace, git: Git, path: str) -> Origin:
    """Return the folder at a path, with all of its files.

    Args:
        space: the repository that it becomes a package of.
        git: of that.
        path: from the current folder.

    Raises:
        UsageError: it cannot be a package, or has what cannot be taken along: all mistakes.
        TaskError: git failed.
    """
    if not path:
        raise UsageError("PATH: is missing; name a folder of code")
    place = Path(path)
    if place.is_symlink():
        raise UsageError(f"{path}: is a link; name the folder that it leads to")
    if not place.exists():
        raise UsageError(f"{path}: is not there; name a folder of code")
    place = Path(os.path.abspath(place)).resolve()
    single = "" if place.is_dir() else place.name
    folder = place.parent if single else place
    root = space.root.resolve()
    if folder.is_relative_to(root) and _top(folder) == git.top:
        return _here(space, git, place.relative_to(root).as_posix(), single)
    if root.is_relative_to(folder) and not single:
        raise UsageError(f"{path}: has this repository in it; name a folder of code")
    if top := _top(folder):
        return _there(top, path, place, single)
    return _nowhere(path, folder, single)


def _top(folder: Path) -> Path | None:
    """Return the top of the repository that a folder is in."""
    return next((one for one in (folder, *folder.parents) if (one / _GIT).exists()), None)


def _here(space: Workspace, git: Git, path: str, single: str) -> Origin:
    """Return a folder of this repository, as it is committed.

    Raises:
        UsageError: it is, or has, something else than code that is no package yet.
    """
    if path == ".":
        raise UsageError(f"{path}: is the repository itself; name a folder of code in it")
    if owner := space.owner(path):
        what = "is a package" if owner.path == path else f"is in the package {owner.path}"
        verb = "rename" if owner.path == path else "split"
        raise UsageError(f"{path}: {what}; see monorepo {verb}")
    if inside := [one for one in space.packages if one.startswith(f"{path}/")]:
        raise UsageError(f"{path}: has the package {inside[0]} in it; name a folder of code")
    if path.startswith((".git/", "tools/")) or path in (_GIT, "tools"):
        raise UsageError(f"{path}: belongs to the tools of this repository; name a folder of code")
    inner = path.rpartition("/")[0] if single else path
    above = f"{git.prefix}{inner}/" if inner else git.prefix
    wanted = f"{git.prefix}{path}"
    found = {
        name.removeprefix(above): entry
        for name, entries in git.entries().items()
        for entry in entries
        if name == wanted or name.startswith(f"{wanted}/")
    }
    _refuse_modes(path, {name: entry.mode for name, entry in found.items()}, single)
    folder = space.root / inner
    files = {
        name: File((folder / name).read_bytes(), entry.mode == _EXECUTABLE)
        for name, entry in found.items()
        if (folder / name).is_file()
    }
    return _whole(Origin(path, Where.HERE, folder, inner, "", files, single))


def _there(top: Path, shown: str, place: Path, single: str) -> Origin:
    """Return a folder of another repository, as it is committed there.

    git is asked for names and objects alone: neither hooks nor filters of that repository run.

    Raises:
        UsageError: git cannot read it, or it differs from the commit.
    """
    git = Git(top)
    path = place.relative_to(top).as_posix()
    path = "" if path == "." else path
    folder = place.parent if single else place
    inner = path.rpartition("/")[0] if single else path
    code, said, wrong = git.tried("rev-parse", "--verify", "HEAD^{commit}")
    if code:
        reason = wrong.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
        raise UsageError(f"{shown}: git cannot read its repository ({reason}); see git log there")
    if git.text("rev-parse", "--is-shallow-repository") == "true":
        advice = "run git fetch --unshallow there"
        raise UsageError(f"{shown}: its repository has not all of its history; {advice}")
    commit = said.decode().strip()
    rows = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *([path] if path else []))
    modes, objects = {}, {}
    for row in rows.split(b"\0")[:-1]:
        facts, _, name = row.partition(b"\t")
        mode, _, sha = facts.decode().split()
        key = os.fsdecode(name).removeprefix(f"{inner}/" if inner else "")
        modes[key], objects[key] = mode, sha
    _refuse_modes(shown, modes, single)
    contents = _blobs(git, objects)
    different = [
        name
        for name, content in contents.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != content
    ]
    words = ["ls-files", "--others", "--exclude-standard", "-z", "--", path or "."]
    said = git.run(*words)
    start = f"{inner}/" if inner else ""
    different += [os.fsdecode(name).removeprefix(start) for name in said.split(b"\0") if name]
    if different:
        raise UsageError(
            *(
                f"{shown if single else f'{shown}/{name}'}: is not committed there; "
                "commit or remove it"
                for name in different
            )
        )
    files = {name: File(contents[name], modes[name] == _EXECUTABLE) for name in contents}
    return _whole(Origin(shown, Where.THERE, folder, inner, commit, files, single))


def _blobs(git: Git, objects: Mapping[str, str]) -> dict[str, bytes]:
    """Return the contents of files, by their paths."""
    return dict(zip(objects, _objects(git, objects.values()), strict=True))


def _objects(git: Git, ids: Iterable[str]) -> Iterator[bytes]:
    """Yield the contents of objects.

    Raises:
        TaskError: one is missing.
    """
    wanted = [*ids]
    for name, content in zip(wanted, git.contents(wanted), strict=True):
        if content is None:
            raise TaskError(f"git cat-file: {name} is missing")
        yield content


def _nowhere(shown: str, folder: Path, single: str) -> Origin:
    """Return a folder that no git knows, without what tools have made in it.

    Raises:
        UsageError: something in it is neither a file nor a folder.
    """
    found: dict[str, File] = {}
    mistakes: list[str] = []
    for name in [single] if single else _names(folder):
        place = folder / name
        mode = place.lstat().st_mode
        if stat.S_ISREG(mode):
            found[name] = File(place.read_bytes(), bool(mode & stat.S_IXUSR))
        else:
            mistakes.append(f"{shown}/{name}: {_LINKED if stat.S_ISLNK(mode) else _DEVICE}")
    if mistakes:
        raise UsageError(*mistakes)
    return _whole(Origin(shown, Where.NOWHERE, folder, "", "", found, single))


def _names(folder: Path) -> Iterator[str]:
    """Yield the paths of what is below a folder, and is no folder that can be entered."""
    for above, folders, files in os.walk(folder):
        inner = PurePosixPath(os.path.relpath(above, folder))
        names = {name: (inner / name).as_posix() for name in (*folders, *files)}
        links = [name for name in folders if (Path(above) / name).is_symlink()]
        folders[:] = sorted(
            name
            for name in folders
            if name not in links and name != _GIT and not MADE.fullmatch(f"{names[name]}/")
        )
        yield from (names[name] for name in sorted([*links, *files]) if not _made(names[name]))


def _made(path: str) -> bool:
    return bool(MADE.fullmatch(path))


def _refuse_modes(shown: str, modes: Mapping[str, str], single: str) -> None:
    """Refuse links and submodules.

    Raises:
        UsageError: there are some.
    """
    mistakes = []
    for name, mode in modes.items():
        place = shown if single else f"{shown}/{name}"
        if mode == _LINK:
            mistakes.append(f"{place}: {_LINKED}")
        elif mode == _SUBMODULE:
            mistakes.append(f"{place}: is a submodule; give it a place of its own first")
    if mistakes:
        raise UsageError(*mistakes)


def _whole(origin: Origin) -> Origin:
    """Return a folder whose files can have a place here.

    Raises:
        UsageError: it has none, or names that a manifest cannot say.
    """
    if not origin.files:
        raise UsageError(f"{origin.shown}: has no file that git has; name a folder of code")
    odd = [name for name in origin.files if not name.isprintable() or not _is_text(name)]
    if odd:
        raise UsageError(
            *(f"{origin.shown}/{name!a}: has a name that is no text; rename it" for name in odd)
        )
    return origin


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def history(git: Git, source: Origin, to: str, places: Mapping[str, str]) -> str:
    """Return a commit with the history of a folder of another repository; "" without one.

    It is that of the folder alone, as if it had been at the path of the package all the time, and
    ends with the move of each file to its place: so git follows every file, and blames each line.
    The trees are those of the other repository, whose objects are read where they are.

    Args:
        git: of this repository, which gets the objects, and no branch for them.
        source: the folder.
        to: the path of the package.
        places: the new path of each file, from that.

    Raises:
        TaskError: git failed, for example because the other repository lacks objects.
    """
    if source.where is not Where.THERE:
        return ""
    there = Git(source.folder)
    objects = (source.folder / there.text("rev-parse", "--git-path", "objects")).resolve()
    with tempfile.TemporaryDirectory() as folder:
        aside = Git(Path(folder))
        # Replaced objects and settings of the other repository do not count.
        aside.run("init", "--quiet", "--bare", f"--object-format={_hashes(git)}", ".")
        alternates = Path(folder) / "objects/info/alternates"
        alternates.write_bytes(os.fsencode(objects) + b"\n")
        words = ["rev-list", "--parents", "--topo-order", "--reverse", source.commit]
        path = source.at(source.single) if source.single else source.inner
        said = aside.run(*words, *(["--", path] if path else []))
        commits = [row.split() for row in said.decode().splitlines()]
        stream = b"".join(_stream(aside, source, f"{git.prefix}{to}", commits, places))
        words = ["--quiet", "--force", "--done", "--date-format=raw-permissive"]
        aside.run("fast-import", *words, data=stream)
        tip = aside.text("rev-parse", _REFERENCE)
        git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", folder, _REFERENCE)
    return tip


def _hashes(git: Git) -> str:
    code, said, _ = git.tried("rev-parse", "--show-object-format")
    return said.decode().strip() if code == 0 else "sha1"


def _stream(
    git: Git,
    source: Origin,
    to: str,
    commits: Sequence[Sequence[str]],
    places: Mapping[str, str],
) -> Iterator[bytes]:
    """Yield what git fast-import reads: each commit, with the folder at another path."""
    ids = [row[0] for row in commits]
    marks = {commit: number for number, commit in enumerate(ids, start=1)}
    date = b"0 +0000"
    for (commit, *parents), raw, tree in zip(
        commits, _objects(git, ids), _trees(git, source, to, ids), strict=True
    ):
        head, _, message = raw.partition(b"\n\n")
        rows = [row for row in head.split(b"\n") if row.startswith(_KEPT)]
        date = next(row for row in rows if row.startswith(b"committer ")).rpartition(b"> ")[2]
        message = message.rstrip(b"\n") + f"\n\nImported-From: {commit}\n".encode()
        yield b"commit %s\nmark :%d\n" % (_REFERENCE.encode(), marks[commit])
        yield b"\n".join(rows) + b"\ndata %d\n%s\n" % (len(message), message)
        for number, parent in enumerate(one for one in parents if one in marks):
            yield b"%s :%d\n" % (b"merge" if number else b"from", marks[parent])
        yield b"deleteall\n" + tree
    yield from _moves(marks[ids[-1]], date, source, to, places)
    yield b"done\n"


def _trees(git: Git, source: Origin, to: str, commits: Sequence[str]) -> Iterator[bytes]:
    """Yield the line that puts the folder, as a commit has it, at another path; empty for none."""
    path = source.at(source.single) if source.single else source.inner
    asked = "".join(f"{commit}:{path}\n" if path else f"{commit}^{{tree}}\n" for commit in commits)
    said = git.run("cat-file", "--batch-check=%(objecttype) %(objectname)", data=asked.encode())
    target = f"{to}/{source.single}" if source.single else to
    for row in said.splitlines():
        kind, _, sha = row.partition(b" ")
        # What was a file before may be a folder now.
        fits = kind == (b"blob" if source.single else b"tree")
        mode = b"100644" if source.single else b"040000"
        yield b"M %s %s %s\n" % (mode, sha, _quoted(target)) if fits else b""


def _moves(
    last: int, date: bytes, source: Origin, to: str, places: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield the commit that moves each file to its place."""
    message = f"Move {source.name} to its place\n".encode()
    yield b"commit %s\ncommitter monorepo <monorepo@localhost> %s\n" % (_REFERENCE.encode(), date)
    yield b"data %d\n%s\nfrom :%d\n" % (len(message), message, last)
    # By way of a folder aside: a new place may be the old one of another file.
    for number, old in enumerate(places):
        yield b"R %s %s\n" % (_quoted(f"{to}/{old}"), _quoted(f"{to}/.moving/{number}"))
    for number, new in enumerate(places.values()):
        yield b"R %s %s\n" % (_quoted(f"{to}/.moving/{number}"), _quoted(f"{to}/{new}"))


def _quoted(path: str) -> bytes:
    """Return a path as git fast-import reads it."""
    inner = path.replace("\\", "\\\\").replace('"', '\\"')
    return b'"%s"' % os.fsencode(inner)


def begin_merge(git: Git, commit: str, message: str) -> None:
    """Have the next commit be a merge with another one, whose files are staged already."""
    # git merge --abort takes files away whose state it knows.
    git.tried("update-index", "-q", "--refresh")
    for name, text in (
        ("MERGE_MSG", f"{message}\n"),
        ("MERGE_MODE", "no-ff"),
        # The last one: with it, the merge is begun.
        ("MERGE_HEAD", f"{commit}\n"),
    ):
        draft = git.directory / f"{name}.monorepo"
        draft.write_text(text, encoding="utf-8")
        draft.rename(git.directory / name)
