"""The repository as the rules read it: files, their texts and imports, each read once.

Each file is read once, whichever rules ask, and its imports are kept from run to run. What cannot
be read is noted, which is a finding, and skipped.
"""

import ast
import contextlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from monorepo.core import graph
from monorepo.core.engine import SOURCE
from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace
from monorepo.guard.cache import Kept
from monorepo.guard.findings import Finding
from monorepo.parsing import javascript, python_imports
from monorepo.parsing.python_imports import Import
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

# A file that is larger was not written by hand, unless it is a lock.
LARGEST = 1_000_000
_SAMPLES = {"data", "docs", "examples", "fixtures", "test", "testdata", "tests"}
_LEFT_OUT = {".git", ".venv", ".nox", "node_modules", "__pycache__"}


class Sources:
    """The files of a repository, and what stands in them."""

    def __init__(self, space: Workspace, *, changed: bool = False) -> None:
        """Look at nothing yet; later, with `changed`, at the files that differ from the commit."""
        self.space = space
        self._only_changed = changed
        self.root = space.root
        # For thousands of files, Path takes as long as what is done with them.
        self._start = f"{space.root}/"
        # What could not be read, by path.
        self.notes: dict[str, Finding] = {}
        self._texts: dict[str, str | None] = {}
        self._trees: dict[str, ast.Module | MalformedError] = {}
        self._imports: dict[str, list[Import]] = {}
        self._alike: dict[tuple[object, str], Any] = {}
        self.kept = Kept(space.root)

    def git(self, *words: str, paths: Iterable[str] = ()) -> list[str] | None:
        """Return the paths that git tells of, of `paths` if it asks for some; None if it fails."""
        command, asked = ["git", *words], "\0".join(paths).encode(errors="surrogateescape")
        with contextlib.suppress(OSError):
            done = subprocess.run(command, cwd=self.root, capture_output=True, input=asked)
            # It ends with 1 where there is nothing to tell of.
            if done.returncode in (0, 1):
                return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]
        return None

    @cached_property
    def _status(self) -> dict[str, str] | None:
        """What git tells of files that are not as in the last commit, and of those it ignores.

        Two letters for each path from the root, as `git status --porcelain` explains them; folders
        that are ignored as a whole end with a slash. None where git does not work.
        """
        above = self.git("rev-parse", "--show-prefix")
        if above is None:
            return None
        kinds = ("--untracked-files=all", "--ignored=matching", "--no-renames")
        told = self.git("--no-optional-locks", "status", "--porcelain", "-z", *kinds, ".")
        if told is None:
            return None
        prefix = "".join(above).rstrip("\n")
        return {line[3:].removeprefix(prefix): line[:2] for line in told}

    @cached_property
    def files(self) -> list[str]:
        """All files that git tracks, or would if they were added, by their paths from the root.

        But for the source of an ejected engine: rules look at it no more than into the wheel.
        """
        status = self._status
        tracked = None if status is None else self.git("ls-files", "-z", "--cached")
        if status is None or tracked is None:
            every = set(_walk(self.root))
        else:
            new = [path for path, code in status.items() if code == "??"]
            # What is deleted and not yet committed is still tracked.
            gone = {path for path, code in status.items() if code[1] == "D"}
            every = {*tracked, *new} - gone
        return sorted(path for path in every if not path.startswith(f"{SOURCE}/"))

    @cached_property
    def changed(self) -> set[str]:
        """What differs from the last commit; everything where git does not work."""
        if self._status is None:
            return set(self.files)
        return {path for path, code in self._status.items() if code != "!!"}

    @cached_property
    def looked_at(self) -> list[str]:
        """The files that rules look at one by one."""
        if self._only_changed:
            return [path for path in self.files if path in self.changed]
        return self.files

    @cached_property
    def ignored(self) -> list[str] | None:
        """What git ignores, though some of it be tracked; None where git does not work."""
        if self._status is None:
            return None
        if self._only_changed and not any(path.endswith(".gitignore") for path in self.changed):
            words = ("check-ignore", "--no-index", "-z", "--stdin")
            tracked = self.git(*words, paths=self.looked_at)
        else:
            tracked = self.git("ls-files", "-z", "--cached", "--ignored", "--exclude-standard")
        if tracked is None:
            return None
        return [*tracked, *(path for path, code in self._status.items() if code == "!!")]

    @cached_property
    def sites(self) -> list[str]:
        """The folders, from the root, where distributions are installed."""
        folders = [self.root]
        if self.space.facts["python-env"] == "per-package":
            folders += [package.folder for package in self.space.packages.values()]
        found = (
            one for folder in folders for one in folder.glob(".venv/lib/python*/site-packages")
        )
        return [one.relative_to(self.root).as_posix() for one in found]

    @cached_property
    def by_package(self) -> dict[str, list[str]]:
        """The files of each package, by its path."""
        found: dict[str, list[str]] = {path: [] for path in self.space.packages}
        for path in self.files:
            if package := self.package_of(path):
                found[package.path].append(path)
        return found

    @cached_property
    def named(self) -> dict[tuple[str, str], list[Package]]:
        """The packages of each language and folded name."""
        found: dict[tuple[str, str], list[Package]] = {}
        for package in self.space.packages.values():
            found.setdefault((package.language, fold(package.name)), []).append(package)
        return found

    @cached_property
    def graph(self) -> graph.Graph:
        """What each package needs, by path."""
        return graph.graph(self.space)

    @cached_property
    def samples(self) -> list[Package]:
        """What the sub-templates make; of these, only the manifests can be read."""
        from monorepo.templating import samples

        with tempfile.TemporaryDirectory() as folder:
            found, wrong = samples.usable(self.space, Path(folder))
        for one in wrong:
            path, line, message, fix = text_files.mistake(one)
            self.note(path, message, fix, line)
        return found

    @cached_property
    def internal(self) -> set[str]:
        """The folded names of this repository, which an index must never be asked for."""
        from monorepo.templating import samples

        return samples.internal_names(self.space)

    def package_of(self, path: str) -> Package | None:
        """Return the package that a file or folder belongs to."""
        return self.space.packages.get("/".join(path.split("/")[:3]))

    def python(self) -> list[str]:
        """Return the Python files."""
        return [path for path in self.files if path.endswith(".py")]

    def text(self, path: str) -> str | None:
        """Return what stands in a file, or None, with a note, if that cannot be told."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def note(
        self, path: str, message: str, fix: str = "correct it", line: int = 0, status: str = "error"
    ) -> None:
        """Note that a file cannot be read, so that no rule has looked at all of it."""
        # Samples may be malformed on purpose.
        if _SAMPLES & {*path.split("/")[:-1]}:
            status = "warn"
        self.notes[path] = Finding(path, line, "unreadable", message, fix, status)

    def peek(self, path: str) -> str | None:
        """Return what stands in a file that may be none of a rule's business: without a note."""
        noted = path in self.notes
        text = self._texts[path] if path in self._texts else self._read(path)
        if text is not None:
            self._texts[path] = text
        elif not noted:
            self.notes.pop(path, None)
        return text

    def _read(self, path: str) -> str | None:
        try:
            _, size, mode = self.kept.state(path) or (0, 0, stat.S_IFREG)
            if not stat.S_ISREG(mode):
                return None
            if size > LARGEST and not path.endswith("pnpm-lock.yaml"):
                self.note(path, "is larger than 1 MB", "make it smaller", status="warn")
                return None
            with open(self._start + path, "rb", buffering=0) as file:
                return text_files.decode(file.read())
        except FileNotFoundError:
            return None
        except MalformedError as error:
            self.note(path, error.message, error.fix, error.line)
        except OSError as error:
            self.note(path, f"cannot be read ({error.strerror})", "restore it from git")
        return None

    def line_of(self, path: str, *texts: str) -> int:
        """Return the first line with the last of `texts`, from one with each before; 0 for none."""
        todo = list(texts)
        for number, line in enumerate((self.text(path) or "").splitlines(), start=1):
            while todo and todo[0] in line:
                todo.pop(0)
            if not todo:
                return number
        return 0

    def tree(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a Python file, or None, with a note, if it is no Python."""
        if (text := self.text(path)) is None:
            return None
        # Files of many packages are alike.
        if text not in self._trees:
            try:
                self._trees[text] = ast.parse(text)
            # Too deep a nesting ends in one of the last two.
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
                reason = f"is no Python ({type(error).__name__})"
                self._trees[text] = text_files.malformed(text, line, reason)
        tree = self._trees[text]
        if isinstance(tree, ast.Module):
            return tree
        self.note(path, tree.message, tree.fix, tree.line)
        return None

    def findings(
        self, path: str, what: str, find: Callable[[], Iterable[Finding]], given: str
    ) -> list[Finding]:
        """Return what `find` finds, or found when a file and what is `given` were as they are.

        `what` is a name for what is looked for.
        """

        def rows(_: str) -> list[dict[str, Any]]:
            return [asdict(one) for one in find()]

        # JSON makes a list of the lines that mend.
        return [
            Finding(**{**row, "lines": None if row["lines"] is None else tuple(row["lines"])})
            for row in self.kept.of(path, what, rows, given)
        ]

    def in_text(self, path: str, what: str, find: Callable[[str], Any], given: str = "") -> Any:  # noqa: ANN401
        """Return what `find` finds in a file's text, as `kept.of` does; None without a text."""

        def read(path: str) -> Any:  # noqa: ANN401
            if (text := self.text(path)) is None:
                return None
            # Files of many packages are alike.
            if (find, text) not in self._alike:
                self._alike[find, text] = find(text)
            return self._alike[find, text]

        return self.kept.of(path, what, read, given)

    def imports(self, path: str) -> list[Import]:
        """Return what a file imports: Python modules with absolute names, or as JavaScript says."""
        if path not in self._imports:
            if path.endswith(".py"):
                found = self.kept.of(path, "imports", self._imported) or []
                self._imports[path] = list(python_imports.absolute(found, path))
            else:
                found = self.in_text(path, "imports", javascript.imports) or []
                self._imports[path] = [Import(one[0], one[1], one[2], False) for one in found]
        return self._imports[path]

    def _imported(self, path: str) -> list[list[object]] | None:
        if (text := self.text(path)) is None:
            return None
        # Without this word nothing is imported.
        if "import" not in text:
            return []
        if (python_imports, text) not in self._alike:
            if (tree := self.tree(path)) is None:
                return None
            found = python_imports.imports(tree, text)
            self._alike[python_imports, text] = [list(one) for one in found]
        return list(self._alike[python_imports, text])


def line_of(text: str, *needles: str) -> int:
    """Return the first line, comments apart, that has all of `needles`; 0 for none."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip()[:1] not in ("#", ";") and all(one in line for one in needles):
            return number
    return 0


def _walk(root: Path) -> Iterator[str]:
    """Yield the paths of all files that are not made by tools."""
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in _LEFT_OUT]
        for name in files:
            yield (Path(folder) / name).relative_to(root).as_posix()
