"""git: the state of a repository, trees of folders, and merges in a temporary worktree."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import show

OLDEST = (2, 30)
# What git is in the middle of, by the file or folder that says so (see git's gitrepository-layout).
_OPERATIONS = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "sequencer": "a cherry-pick",
    "BISECT_LOG": "a bisection",
}
# Temporary commits need an author as well, and a date, so that the id which a conflict shows is the
# same each time. They run no hooks and have no signatures, and recorded resolutions do not apply.
_NAME, _MAIL, _DATE = "monorepo", "monorepo@localhost", "2000-01-01T00:00:00Z"
_IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", _NAME), ("EMAIL", _MAIL), ("DATE", _DATE))
}
_QUIET = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgSign=false"),
    *("-c", "rerere.enabled=false", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false"),
    *("-c", "advice.detachedHead=false", "-c", "gc.auto=0"),
)


@dataclass(frozen=True)
class Entry:
    """A file in an index: its mode, its object, and 0 or the side of a conflict (1, 2, 3)."""

    mode: str
    object: str
    stage: int = 0


@dataclass(frozen=True)
class Git:
    """git in the worktree at `root`, which may be a folder of a larger one."""

    root: Path

    def run(
        self,
        *words: object,
        env: Mapping[str, str] | None = None,
        data: bytes = b"",
        cwd: Path | None = None,
    ) -> bytes:
        """Return what a command of git says.

        Raises:
            TaskError: it failed: the command, and what it said.
        """
        code, said, wrong = self.tried(*words, env=env, data=data, cwd=cwd)
        if code:
            shown = " ".join(["git", *map(str, words)])
            message = wrong.decode(errors="replace").rstrip()
            raise TaskError(f"git {words[0]}: failed ({code})\n{shown}\n{message}")
        return said

    def tried(
        self,
        *words: object,
        env: Mapping[str, str] | None = None,
        data: bytes = b"",
        cwd: Path | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Return the exit code of a command of git, and what it says on either stream."""
        command = ["git", *_QUIET, *map(str, words)]
        show(command, cwd or self.root)
        done = subprocess.run(
            command,
            cwd=cwd or self.root,
            env={**os.environ, **_IDENTITY, "GIT_LITERAL_PATHSPECS": "0", **(env or {})},
            input=data,
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def text(self, *words: object) -> str:
        """Return what a command of git says, on one line."""
        return os.fsdecode(self.run(*words)).removesuffix("\n")

    @cached_property
    def version(self) -> tuple[int, int]:
        """The version of git."""
        found = re.search(r"(\d+)\.(\d+)", self.text("--version"))
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @cached_property
    def prefix(self) -> str:
        """The path of the root in the worktree: empty, or with a slash at its end."""
        return self.text("rev-parse", "--show-prefix")

    @cached_property
    def directory(self) -> Path:
        """The git directory of this worktree."""
        return Path(self.text("rev-parse", "--absolute-git-dir"))

    @cached_property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.text("rev-parse", "HEAD")

    def refuse_unready(self) -> None:
        """Refuse to begin where git could not bring back what stands now.

        Raises:
            UsageError: git is too old, does not know the folder, is in the middle of something, or
                has not all of what stands in the files that it tracks.
        """
        if shutil.which("git") is None or self.version < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise UsageError(f"git: is missing or too old; install {oldest} or newer")
        code, _, wrong = self.tried("rev-parse", "--git-dir")
        if code:
            reason = wrong.decode(errors="replace").partition("\n")[0].removeprefix("fatal: ")
            raise UsageError(f"{self.root}: git cannot use it ({reason}); see git status there")
        if self.tried("rev-parse", "--verify", "--quiet", "HEAD^{commit}")[0]:
            raise UsageError(f"{self.root}: git has no commit of it; commit everything first")
        for name, operation in _OPERATIONS.items():
            if (self.directory / name).exists():
                raise UsageError(f"git: {operation} is in progress; finish it, or abort it")
        if self.tried("config", "--type=bool", "core.sparseCheckout")[1] == b"true\n":
            message = "leaves files out; run git sparse-checkout disable first"
            raise UsageError(f"git: a sparse checkout {message}")
        if changed := self.changed():
            raise UsageError(f"{changed[0]}: is not committed; commit or stash your changes first")

    def changed(self) -> list[str]:
        """Return the tracked files that differ from the commit that is checked out."""
        said = self.run("status", "--porcelain", "--untracked-files=no", "-z")
        return [os.fsdecode(entry[3:]) for entry in said.split(b"\0") if entry[2:3] == b" "]

    def untracked(self) -> list[str]:
        """Return the files below the root that git does not have, without those that it ignores."""
        said = self.run("ls-files", "--others", "--exclude-standard", "-z")
        return [os.fsdecode(path) for path in said.split(b"\0") if path]

    def uncommitted(self, *paths: str) -> list[str]:
        """Return the files at or below paths that differ from the commit, or that it has not."""
        words = ["status", "--porcelain", "--no-renames", "--untracked-files=all", "-z", "--"]
        said = self.run(*words, *(f":(top,literal){self.prefix}{path}" for path in paths))
        entries = [os.fsdecode(entry[3:]) for entry in said.split(b"\0") if entry]
        return [path.removeprefix(self.prefix) for path in entries]

    @cached_property
    def top(self) -> Path:
        """The top of the worktree that the root is in."""
        return Path(*self.root.parts[: len(self.root.parts) - self.prefix.count("/")])

    def unstaged(self) -> list[str]:
        """Return the tracked files that differ from the index."""
        said = self.run("diff", "--name-only", "--no-ext-diff", "-z", "--", ":/")
        return [os.fsdecode(path) for path in said.split(b"\0") if path]

    def ignored_changes(self) -> dict[str, str]:
        """Return the tracked files whose changes git is told to ignore, by path from the top.

        Returns:
            The flag of each, see git-update-index: assume-unchanged or skip-worktree.
        """
        said = self.run("ls-files", "-v", "--full-name", "-z", "--", ":/")
        rows = [os.fsdecode(row) for row in said.split(b"\0") if row]
        skipped = {row[2:]: "skip-worktree" for row in rows if row[0] == "S"}
        return skipped | {row[2:]: "assume-unchanged" for row in rows if row[0].islower()}

    def unmerged(self) -> dict[str, set[int]]:
        """Return the stages of each file with a conflict, by its path from the top."""
        return _unmerged(self.entries())

    def entries(self, cwd: Path | None = None) -> dict[str, set[Entry]]:
        """Return what the index has, by path from the top of the worktree."""
        said = self.run("ls-files", "--stage", "--full-name", "-z", "--", ":/", cwd=cwd)
        found: dict[str, set[Entry]] = {}
        for row in said.split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, sha, stage = facts.decode().split()
            found.setdefault(os.fsdecode(path), set()).add(Entry(mode, sha, int(stage)))
        return found

    def contents(self, objects: Iterable[str]) -> Iterator[bytes | None]:
        """Yield the content of each object, by its id or as `commit:path`; None if there is none.

        See git-cat-file, `--batch`.
        """
        wanted = [*objects]
        said, at = self.run("cat-file", "--batch", data="\n".join([*wanted, ""]).encode()), 0
        for _ in wanted:
            end = said.index(b"\n", at)
            words = said[at:end].split()
            at = end + 1
            if words[-1] == b"missing":
                yield None
                continue
            size = int(words[-1])
            yield said[at : at + size]
            at += size + 1

    def committed(self) -> dict[str, set[Entry]]:
        """Return what the commit has that is checked out, by path from the top."""
        found = {}
        for row in self.run("ls-tree", "-r", "-z", "--full-tree", self.head).split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, _, sha = facts.decode().split()
            found[os.fsdecode(path)] = {Entry(mode, sha)}
        return found

    def tree(self, folder: Path, index: Path, left_out: Iterable[str]) -> str:
        """Return the id of the tree of a folder, placed where the root is in the worktree.

        The content of its files is taken as it is: how a .gitattributes in it would have git
        convert line breaks is not how the team has it.

        Args:
            folder: with files, none of which is left out because it is ignored.
            index: a file that is not there, to work with.
            left_out: patterns of files that are left out, as in .gitignore.
        """
        env = {
            "GIT_DIR": str(self.directory),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(index),
        }
        rows = b"".join(
            b"%s %s\t%s\0" % (mode, sha, os.fsencode(file.relative_to(folder)))
            for file, mode, sha in self._objects(folder)
        )
        words = ["update-index", "--add", "-z", "--index-info"]
        self.run(*words, env=env, cwd=folder, data=rows)
        patterns = index.with_suffix(".patterns")
        patterns.write_text("".join(f"{line}\n" for line in left_out), encoding="utf-8")
        words = ["ls-files", "--cached", "--ignored", f"--exclude-from={patterns}", "-z"]
        paths = self.run(*words, env=env, cwd=folder)
        words = ["update-index", "--force-remove", "-z", "--stdin"]
        self.run(*words, env=env, cwd=folder, data=paths)
        made = self.run("write-tree", env=env, cwd=folder).decode().strip()
        if self.prefix:
            index.unlink()
            self.run("read-tree", f"--prefix={self.prefix}", made, env=env, cwd=folder)
            made = self.run("write-tree", env=env, cwd=folder).decode().strip()
        return made

    def _objects(self, folder: Path) -> Iterator[tuple[Path, bytes, bytes]]:
        """Yield each file of a folder, with its mode and the id of an object of its content."""
        plain = []
        for file in sorted(folder.rglob("*")):
            if file.is_symlink():
                link = os.fsencode(os.readlink(file))
                yield file, b"120000", self.run("hash-object", "-w", "--stdin", data=link).strip()
            elif file.is_file():
                plain.append(file)
        names = b"".join(os.fsencode(file) + b"\n" for file in plain)
        words = ["hash-object", "-w", "--no-filters", "--stdin-paths"]
        for file, sha in zip(plain, self.run(*words, data=names).split(), strict=True):
            executable = file.stat().st_mode & 0o100
            yield file, b"100755" if executable else b"100644", sha

    def with_crlf(self) -> set[str]:
        """Return the files below the root all of whose line breaks are CRLF, as git has them."""
        said = self.run("ls-files", "--eol", "-z")
        rows = [os.fsdecode(row).partition("\t") for row in said.split(b"\0")]
        return {path for facts, _, path in rows if facts.startswith("i/crlf ")}

    def extract(self, tree: str, folder: Path) -> None:
        """Write the files of a tree, or of a commit, into `folder`, which is not there."""
        folder.mkdir()
        index = folder.with_name(f"{folder.name}.index")
        env = {
            "GIT_DIR": str(self.directory),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(index),
        }
        self.run("read-tree", tree, env=env, cwd=folder)
        self.run("checkout-index", "--all", "--force", env=env, cwd=folder)

    def commit(self, tree: str, message: str, *parents: str) -> str:
        """Return a commit of a tree, which no branch has."""
        above = [word for parent in parents for word in ("-p", parent)]
        return self.text("commit-tree", tree, "-m", message, *above)


def _unmerged(entries: Mapping[str, Iterable[Entry]]) -> dict[str, set[int]]:
    stages = {path: {entry.stage for entry in found} for path, found in entries.items()}
    return {path: found for path, found in stages.items() if found != {0}}


class Worktree:
    """A temporary worktree for a merge."""

    def __init__(self, git: Git, folder: Path, commit: str) -> None:
        """Make it in `folder`, which is not there, with what `commit` has."""
        self.git, self.folder = git, folder
        git.run("worktree", "add", "--detach", "--force", folder, commit)

    @staticmethod
    def remove(git: Git, folder: Path) -> None:
        """Have git forget the worktree in `folder`, and remove that; either may be gone.

        `git worktree prune` would forget those of the team as well that are out of reach, such as
        on another disk.
        """
        git.tried("worktree", "remove", "--force", folder)

    @property
    def root(self) -> Path:
        """The folder of the repository in it."""
        return self.folder / self.git.prefix

    def run(self, *words: object, data: bytes = b"") -> bytes:
        """Return what a command of git says that runs in it."""
        return self.git.run(*words, data=data, cwd=self.folder)

    def save(self, message: str) -> None:
        """Commit what has changed in it, if anything has."""
        self.run("add", "--all")
        if self.git.tried("diff", "--cached", "--quiet", cwd=self.folder)[0]:
            self.run("commit", "--quiet", "--no-verify", "--message", message)

    def merge(self, commit: str) -> list[str]:
        """Apply the changes of `commit` to its parent; leave conflicts in the index.

        What was deleted here stays deleted, whatever the other side has changed in it.

        Returns:
            The paths of files that stay deleted.

        Raises:
            TaskError: git cannot.
        """
        style = "zdiff3" if self.git.version >= (2, 35) else "merge"
        settings = [f"merge.conflictStyle={style}", "merge.renames=true"]
        settings += ["merge.directoryRenames=true", "merge.renameLimit=0"]
        words = [word for setting in settings for word in ("-c", setting)]
        command = [*words, "cherry-pick", "--no-commit", commit]
        code, _, said = self.git.tried(*command, cwd=self.folder)
        found = self.unmerged()
        if code and not found:
            raise TaskError(f"git cherry-pick: failed ({code})\n{said.decode(errors='replace')}")
        deleted = sorted(path for path, stages in found.items() if stages == {1, 3})
        for path in deleted:
            (self.folder / path).unlink(missing_ok=True)
        self.forget(deleted)
        return deleted

    def unmerged(self) -> dict[str, set[int]]:
        """Return the stages of each file with a conflict in it."""
        return _unmerged(self.git.entries(self.folder))

    def forget(self, paths: Sequence[str]) -> None:
        """Take files out of its index."""
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        self.run("update-index", "--force-remove", "-z", "--stdin", data=names)

    def stage(self) -> None:
        """Have its index know all files as they are, but for those with conflicts."""
        conflicts = self.unmerged()
        said = self.run("ls-files", "--modified", "--deleted", "--others", "-z")
        paths = {os.fsdecode(path) for path in said.split(b"\0") if path} - {*conflicts}
        names = b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
        # What was a folder may be a file from now on.
        words = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"]
        self.run(*words, data=names)
