"""The files of a repository for the rules: texts, syntax trees and imports.

Each file is read once for all rules, and its imports are cached from run to run. An unreadable file
becomes a finding and is skipped.
"""

import ast
import contextlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from monorepo.core.engine import SOURCE
from monorepo.core.workspace import Package, Workspace
from monorepo.graph import packages as graph
from monorepo.guard.cache import FileCache
from monorepo.guard.findings import Finding, loaded
from monorepo.parsing import javascript, notebooks, python_imports
from monorepo.parsing.python_imports import Import
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

_T = TypeVar("_T")
# Of larger files, rules read lockfiles alone.
LARGEST = 10_000_000
# Files with Python code, also stubs and notebooks.
PYTHON = (".py", ".pyi", ".ipynb")
# They may quote a conflict; Python that has one does not parse.
_QUOTING = (".md", ".rst", *PYTHON)
_LEFT_OUT = {".git", ".venv", ".nox", "node_modules", "__pycache__"}


class Sources:
    """The files of a repository and their contents."""

    def __init__(self, space: Workspace) -> None:
        """Read nothing yet."""
        self.space = space
        self.root = space.root
        # For thousands of files, Path would take as long as the work itself.
        self._start = f"{space.root}/"
        # A finding for each unreadable file, by path.
        self.notes: dict[str, Finding] = {}
        self._owners: dict[str, Package | None] = {}
        self._contents: dict[str, str | Finding | None] = {}
        self._trees: dict[str, ast.Module | MalformedError] = {}
        self._imports: dict[str, list[Import]] = {}
        self._alike: dict[tuple[object, object], Any] = {}
        self._made: dict[Callable[[Sources], Any], tuple[Any, set[str]]] = {}
        self.kept = FileCache(space.root)

    def once(self, make: Callable[["Sources"], _T]) -> _T:
        """Return `make(self)`, which is called once: what all rules of a run share."""
        if make not in self._made:
            with self.kept.asking() as asked:
                self._made[make] = make(self), asked
        made, asked = self._made[make]
        self.kept.asked |= asked
        return cast("_T", made)

    def git(self, *words: str) -> list[str] | None:
        """Run git; return the paths that it prints, None if it fails."""
        with contextlib.suppress(OSError):
            done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, input=b"")
            # Some commands exit with 1 if there is nothing to print.
            if done.returncode in (0, 1):
                return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]
        return None

    @cached_property
    def _status(self) -> dict[str, str] | None:
        """The status of changed and ignored files; None where git does not work.

        Two letters for each path from the root, as in `git status --porcelain`; folders that are
        ignored as a whole end with a slash.
        """
        # Where there is no repository, git need not be started to tell so.
        folder = self.root.resolve()
        if not any((place / ".git").exists() for place in (folder, *folder.parents)):
            return None
        above = self.git("rev-parse", "--show-prefix")
        if above is None:
            return None
        kinds = ("--untracked-files=all", "--ignored=matching", "--no-renames")
        entries = self.git("--no-optional-locks", "status", "--porcelain", "-z", *kinds, ".")
        if entries is None:
            return None
        prefix = "".join(above).rstrip("\n")
        return {line[3:].removeprefix(prefix): line[:2] for line in entries}

    @cached_property
    def files(self) -> list[str]:
        """The paths of all files that are tracked or could be added, from the root.

        Without the source of an ejected engine, which rules do not check.
        """
        status = self._status
        tracked = None if status is None else self.git("ls-files", "-z", "--cached")
        if status is None or tracked is None:
            every = set(_walk(self.root))
        else:
            new = [path for path, code in status.items() if code == "??"]
            # Files that are deleted but not committed are still tracked.
            gone = {path for path, code in status.items() if code[1] == "D"}
            every = {*tracked, *new} - gone
        return sorted(path for path in every if not path.startswith(f"{SOURCE}/"))

    @cached_property
    def ignored(self) -> list[str] | None:
        """The files that .gitignore matches, also tracked ones; None where git does not work."""
        if self._status is None:
            return None
        tracked = self.git("ls-files", "-z", "--cached", "--ignored", "--exclude-standard")
        if tracked is None:
            return None
        return [*tracked, *(path for path, code in self._status.items() if code == "!!")]

    @property
    def sites(self) -> list[str]:
        """The site-packages folders, from the root."""
        return self.space.sites

    @cached_property
    def by_package(self) -> dict[str, list[str]]:
        """The files of each package, by its path."""
        found: dict[str, list[str]] = {path: [] for path in self.space.packages}
        for path in self.files:
            if package := self.package_of(path):
                found[package.path].append(path)
        return found

    @cached_property
    def dependencies(self) -> graph.Graph:
        """The direct internal dependencies of each package, by path."""
        packages = self.space.packages.values()
        return {package.path: graph.needs(self.space, package) for package in packages}

    @cached_property
    def samples(self) -> list[Package]:
        """Sample packages of the sub-templates; only their manifests exist."""
        from monorepo.templating import samples

        with tempfile.TemporaryDirectory() as folder:
            found, wrong = samples.usable(self.space, Path(folder))
        for mistake in wrong:
            path, line, message, fix = text_files.mistake(mistake)
            self.note(path, message, fix, line)
        return found

    @cached_property
    def internal(self) -> set[str]:
        """The normalized internal names, which must never be requested from an index."""
        from monorepo.templating import samples

        return samples.internal_names(self.space)

    def package_of(self, path: str) -> Package | None:
        """Return the package that a file or folder belongs to."""
        if path not in self._owners:
            self._owners[path] = self.space.owner(path)
        return self._owners[path]

    def python(self) -> list[str]:
        """Return the Python files."""
        return [path for path in self.files if path.endswith(".py")]

    def text(self, path: str) -> str | None:
        """Return the text of a file; None, with a finding, if it is unreadable."""
        content = self._content(path)
        if isinstance(content, Finding):
            self.notes[path] = content
            return None
        return content

    def peek(self, path: str) -> str | None:
        """Return the text of a file that need not be readable: without a finding."""
        content = self._content(path)
        return content if isinstance(content, str) else None

    def note(self, path: str, message: str, fix: str = "correct it", line: int = 0) -> None:
        """Record a finding that a file is unreadable and was not checked."""
        self.kept.asked.add(path)
        self.notes.setdefault(path, Finding(path, line, "unreadable", message, fix))

    def _content(self, path: str) -> str | Finding | None:
        """Return the text of a file, why it is unreadable, or None if it is no file."""
        # Who gets what was read before depends on the file as well.
        self.kept.asked.add(path)
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def _read(self, path: str) -> str | Finding | None:
        try:
            _, size, mode = self.kept.state(path) or (0, 0, stat.S_IFREG)
            if not stat.S_ISREG(mode):
                return None
            if size > LARGEST and not path.endswith("pnpm-lock.yaml"):
                message = "is larger than 10 MB, which no rule reads"
                return Finding(path, 0, "unreadable", message, "make it smaller")
            with open(self._start + path, "rb", buffering=0) as file:
                text = text_files.decode(file.read())
            if not path.endswith(_QUOTING) and (line := text_files.unmerged(text)):
                raise text_files.malformed(text, line, "")
            return text
        except FileNotFoundError:
            return None
        except MalformedError as error:
            return Finding(path, error.line, "unreadable", error.message, error.fix)
        except OSError as error:
            message = f"cannot be read ({error.strerror})"
            return Finding(path, 0, "unreadable", message, "restore it from git")

    def line_of(self, path: str, *texts: str) -> int:
        """Return the line of the last of `texts`, searched in order; 0 if one is missing."""
        todo = list(texts)
        for number, line in enumerate((self.text(path) or "").splitlines(), start=1):
            while todo and todo[0] in line:
                todo.pop(0)
            if not todo:
                return number
        return 0

    def tree(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a Python file, a stub or a notebook.

        None, with a note, if it is no Python.
        """
        if (text := self.text(path)) is None:
            return None
        # Many packages have identical files.
        if text not in self._trees:
            try:
                code = notebooks.python(text) if path.endswith(".ipynb") else text
                # As bytes, so that the encoding counts that it says it has.
                self._trees[text] = ast.parse(code.encode())
            except MalformedError as error:
                self._trees[text] = error
            # Deep nesting raises one of the last two.
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
                reason = f"is not Python ({type(error).__name__})"
                self._trees[text] = text_files.malformed(text, line, reason)
        tree = self._trees[text]
        if isinstance(tree, ast.Module):
            return tree
        self.note(path, tree.message, tree.fix, tree.line)
        return None

    def findings(
        self, path: str, what: str, find: Callable[[], Iterable[Finding]], given: str
    ) -> list[Finding]:
        """Return the findings of `find`, cached while the file and `given` are unchanged.

        `what` is the name of the result.
        """

        def rows(_: str) -> list[dict[str, Any]]:
            return [asdict(finding) for finding in find()]

        return [loaded(row) for row in self.kept.of(path, what, rows, given)]

    def in_text(
        self,
        path: str,
        what: str,
        find: Callable[[str], Any],
        given: str = "",
        *,
        quiet: bool = False,
    ) -> Any:  # noqa: ANN401 (JSON)
        """Return the result of `find` for the text of a file, cached; None if it is unreadable.

        That is a finding, unless `quiet`.
        """
        read = self.peek if quiet else self.text
        return self.kept.of(path, what, partial(self._look, read, find), given)

    def in_tree(self, path: str, what: str, find: Callable[[ast.Module], Any]) -> Any:  # noqa: ANN401 (JSON)
        """Return the result of `find` for the syntax tree of a file, cached; None without one."""
        return self.kept.of(path, what, partial(self._look, self.tree, find))

    def _look(self, read: Callable[[str], Any], find: Callable[[Any], Any], path: str) -> Any:  # noqa: ANN401 (JSON)
        if (content := read(path)) is None:
            return None
        # Many packages have identical files.
        if (find, content) not in self._alike:
            self._alike[find, content] = find(content)
        return self._alike[find, content]

    def imports(self, path: str) -> list[Import]:
        """Return the imports of a file: absolute names in Python, specifiers in JavaScript."""
        self.kept.asked.add(path)
        if path not in self._imports:
            if path.endswith(PYTHON):
                found = self.kept.of(path, "imports", self._imported) or []
                self._imports[path] = list(python_imports.absolute(found, path))
            else:
                is_page = path.endswith(javascript.PAGES)
                find = javascript.page_imports if is_page else javascript.imports
                found = self.in_text(path, "imports", find) or []
                self._imports[path] = [Import(*row) for row in found]
        return self._imports[path]

    def _imported(self, path: str) -> list[list[object]] | None:
        if (text := self.text(path)) is None:
            return None
        if (python_imports, text) not in self._alike:
            if (tree := self.tree(path)) is None:
                return None
            found = python_imports.imports(tree, text)
            self._alike[python_imports, text] = [list(row) for row in found]
        return list(self._alike[python_imports, text])


def line_of(text: str, *needles: str) -> int:
    """Return the first line with all of `needles`, except comments; 0 if there is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip()[:1] not in ("#", ";") and all(needle in line for needle in needles):
            return number
    return 0


def _walk(root: Path) -> Iterator[str]:
    """Yield the paths of all files, without folders of tools."""
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in _LEFT_OUT]
        for name in files:
            yield (Path(folder) / name).relative_to(root).as_posix()
