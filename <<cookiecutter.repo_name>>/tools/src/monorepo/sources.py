"""The repository as the rules read it: which files there are, their texts, what they import.

Each file is read once, whichever rules ask, and its imports are kept from run to run. What cannot
be read is noted and skipped.
"""

import ast
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from monorepo import graph, imported, javascript
from monorepo.imported import Import
from monorepo.workspace import Package, Workspace

CACHE = ".venv/monorepo-sources.json"
# A source file that is larger was not written by hand.
LARGEST = 1_000_000
_LEFT_OUT = {".git", ".venv", ".nox", "node_modules", "__pycache__"}


class Sources:
    """The files of a repository, and what stands in them."""

    def __init__(self, space: Workspace) -> None:
        """Look at nothing yet."""
        self.space = space
        self.root = space.root
        self.notes: dict[str, str] = {}
        self._texts: dict[str, str | None] = {}
        self._trees: dict[str, ast.Module | None] = {}
        self._fresh = False

    def git(self, *words: str) -> list[str] | None:
        """Return the paths that git tells of, NUL between them; None where it does not work."""
        with contextlib.suppress(OSError):
            command = ["git", *words]
            done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
            if done.returncode == 0:
                return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]
        return None

    @cached_property
    def files(self) -> list[str]:
        """All files that git tracks, or would if they were added, by their paths from the root."""
        found = self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if found is None:
            return sorted(_walk(self.root))
        # What is deleted and not yet committed is still listed.
        return sorted({path for path in found if os.path.lexists(self.root / path)})

    @cached_property
    def changed(self) -> set[str]:
        """What differs from the last commit; everything while there is none."""
        tracked = self.git("diff", "--name-only", "-z", "--no-renames", "HEAD", "--")
        if tracked is None:
            return set(self.files)
        new = self.git("ls-files", "-z", "--others", "--exclude-standard")
        return {*tracked, *(new or ())}

    @cached_property
    def by_package(self) -> dict[str, list[str]]:
        """The files of each package, by its path."""
        found: dict[str, list[str]] = {path: [] for path in self.space.every}
        for path in self.files:
            if package := self.package_of(path):
                found[package.path].append(path)
        return found

    @cached_property
    def graph(self) -> graph.Graph:
        """What each package needs, by path."""
        return graph.graph(self.space)

    @cached_property
    def internal(self) -> set[str]:
        """The folded names of this repository, which an index must never be asked for."""
        from monorepo import locks

        return locks.internal_names(self.space)

    def package_of(self, path: str) -> Package | None:
        """Return the package that a file or folder belongs to; the tooling is one."""
        parts = path.split("/")
        return self.space.every.get("/".join(parts[:3])) or self.space.every.get(parts[0])

    def python(self, folder: str = "") -> list[str]:
        """Return the Python files below `folder` of the packages, or of all packages."""
        start = f"{folder}/" if folder else ""
        return [path for path in self.files if path.endswith(".py") and path.startswith(start)]

    def text(self, path: str) -> str | None:
        """Return what stands in a file, or None, with a note, if that cannot be told."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

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
        file = self.root / path
        try:
            if not file.is_file():
                return None
            if file.stat().st_size > LARGEST:
                self.notes[path] = "is larger than 1 MB"
                return None
            data = file.read_bytes()
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.notes[path] = "is not UTF-8"
            return None
        except OSError as error:
            self.notes[path] = f"cannot be read ({error.strerror})"
            return None
        if "\0" in text:
            self.notes[path] = "has null bytes"
            return None
        return text

    def javascript(self, folder: str = "") -> list[str]:
        """Return the JavaScript and TypeScript files below `folder`, or all."""
        start = f"{folder}/" if folder else ""
        found = (path for path in self.files if path.endswith(javascript.SUFFIXES))
        return [path for path in found if path.startswith(start)]

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
        if path not in self._trees:
            self._trees[path] = self._parse(path)
        return self._trees[path]

    def _parse(self, path: str) -> ast.Module | None:
        text = self.text(path)
        if text is None:
            return None
        try:
            return ast.parse(text)
        # Too deep a nesting ends in one of the last two.
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self.notes[path] = f"is no Python ({type(error).__name__})"
            return None

    def imports(self, path: str) -> list[Import]:
        """Return what a file imports: Python modules with absolute names, or as JavaScript says."""
        try:
            stat = (self.root / path).stat()
        except OSError:
            return []
        key = [stat.st_mtime_ns, stat.st_size]
        known = self._known.get(path)
        if known is None or known[0] != key:
            found = self._imported(path)
            if path in self.notes:
                return found
            self._known[path] = known = (key, [list(one) for one in found])
            self._fresh = True
        return [Import(*one) for one in known[1]]

    def _imported(self, path: str) -> list[Import]:
        if path.endswith(".py"):
            tree = self.tree(path)
            return list(imported.imports(tree, path, self.text(path) or "")) if tree else []
        named = javascript.imports(self.text(path) or "")
        return [Import(module, line, how, name=False) for module, line, how in named]

    @cached_property
    def _known(self) -> dict[str, tuple[list[int], list[list[Any]]]]:
        """What was found in each file before, with its time of change and size then."""
        with contextlib.suppress(OSError, ValueError):
            noted = json.loads((self.root / CACHE).read_text(encoding="utf-8"))
            if isinstance(noted, dict):
                return noted
        return {}

    def save(self) -> None:
        """Keep what was found for the next run, if anything is new; without .venv, do not."""
        file = self.root / CACHE
        if self._fresh and file.parent.is_dir():
            with contextlib.suppress(OSError):
                aside = file.with_name(f"{file.name}.{os.getpid()}")
                aside.write_text(json.dumps(self._known), encoding="utf-8")
                aside.replace(file)


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
