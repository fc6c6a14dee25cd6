"""Have the imports of Python files follow modules that move.

Only statements change, and strings that a call imports by: whatever a name was bound to, it is
still bound to, so that no other line has to follow. Standard library only.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from monorepo.importing.origin import Origin
from monorepo.importing.python_layout import INIT, Layout, moved_folders
from monorepo.system import text_files

# Calls whose first argument is the name of a module, or of something in one.
_BY_NAME = frozenset(
    "patch import_module __import__ importorskip find_spec setattr delattr run_module files"
    " get_data resolve_name".split()
)
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
# Those of servers name a module and what to serve in it, as in uvicorn.run("main:app").
_SERVING = frozenset("run Config serve Granian".split())
_SERVED = re.compile(rf"({_DOTTED.pattern}):[^\W\d]\w*(\(\))?")
_QUOTE = re.compile(r"\w*(\"\"\"|\'\'\'|[\"'])")
_FROM = re.compile(r"from([\s\\]*)(\.*[\w.]*)(?=[\s\\]+import\b)")
_ROW = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")

# The new name of a module or of something in one, by its old one; None for what does not move.
Find = Callable[[str], str | None]


@dataclass
class Modules:
    """The modules of a folder that moves, by their old names.

    Attributes:
        origin: the folder.
        layout: where its files go.
        roots: the folders in it from which modules are imported.
    """

    origin: Origin
    layout: Layout
    roots: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Know the modules, and the folders of modules."""
        base = self.layout.base
        above = str(PurePosixPath(base).parent) if self.layout.is_package and base else base
        self.roots = ["" if above == "." else above, *self.roots]
        self._files = {
            old.removesuffix(".py"): self.layout.dotted(new)
            for old, new in self.layout.places.items()
            if new.startswith(f"{self.layout.home}/") and new.endswith(".py")
        }
        self._folders = {
            old: self.layout.dotted(new)
            for old, new in moved_folders(self.layout.places).items()
            if f"{new}/".startswith(f"{self.layout.home}/")
        }

    @property
    def _itself(self) -> bool:
        return self.layout.is_package and not self.layout.base

    def tops(self) -> set[str]:
        """Return the names by which others import the modules from the top."""
        if self._itself:
            return {self.origin.name}
        found = set()
        for path in (*self._files, *self._folders):
            folder, _, name = path.rpartition("/")
            if folder in self.roots and name and name != "__init__":
                found.add(name)
        return found

    def find(self, file: str, name: str) -> str | None:
        """Return the new name of what a file in the folder imports; None if it does not move."""
        parts = name.split(".")
        here = file.rpartition("/")[0]
        is_script = f"{here}/{INIT}".lstrip("/") not in self.origin.files
        starts = [(root, parts) for root in self.roots]
        if is_script:
            starts.insert(0, (here, parts))
        elif file.removesuffix(".py") in self._files:
            # Run as a script, it finds what lies beside it.
            starts.append((here, parts))
        if parts[0] in sys.stdlib_module_names:
            starts = []
        return self._first(starts) or self.from_above(name) or self._from_any_above(parts)

    def from_above(self, name: str) -> str | None:
        """Return the new name of what is imported through the folders above; None for nothing."""
        parts = name.split(".")
        found = None
        if self._itself and parts[0] == self.origin.name:
            found = self._walk("", parts[1:], least=0)
        above = self.origin.inner.split("/") if self.origin.inner else []
        if not found and above and parts[: len(above)] == above:
            found = self._walk("", parts[len(above) :], least=0 if self._itself else 1)
        return found

    def _from_any_above(self, parts: list[str]) -> str | None:
        """Return the new name of what a file in the folder imports from some folder above it.

        Which one its programs were started from, nothing says; the modules are its own.
        """
        if parts[0] in sys.stdlib_module_names:
            return None
        above = [*self.origin.folder.parts[1:]]
        starts = (at for at, one in enumerate(above) if parts[: len(above) - at] == above[at:])
        least = 0 if self._itself else 1
        found = (self._walk("", parts[len(above) - at :], least=least) for at in starts)
        return next(filter(None, found), None)

    def from_top(self, name: str) -> str | None:
        """Return the new name of what is imported where the folder is on sys.path."""
        return self._first((root, name.split(".")) for root in self.roots)

    def relative(self, file: str, level: int, module: str) -> str | None:
        """Return the absolute new name of a relative import; None if it leads out of the folder."""
        folder = PurePosixPath(file).parent
        for _ in range(level - 1):
            if str(folder) == ".":
                return None
            folder = folder.parent
        here = "" if str(folder) == "." else folder.as_posix()
        parts = module.split(".") if module else []
        if here not in self._folders:
            return None
        return self._walk(here, parts, least=0)

    def _first(self, starts: Iterable[tuple[str, list[str]]]) -> str | None:
        return next(filter(None, (self._walk(at, parts, least=1) for at, parts in starts)), None)

    def _walk(self, at: str, parts: list[str], *, least: int) -> str | None:
        """Return the new name of a path of names from a folder on, if that many are modules."""
        found, number = self._folders.get(at), 0
        for part in parts:
            path = f"{at}/{part}".lstrip("/")
            if path in self._files:
                found, number = self._files[path], number + 1
                break
            if path not in self._folders:
                break
            at, found, number = path, self._folders[path], number + 1
        if found is None or number < least:
            return None
        return ".".join([found, *parts[number:]])


@dataclass
class Rewritten:
    """The new text of a file.

    Attributes:
        text: the text.
        lines: the old lines that have changed.
        told: what people have to look at, by the line.
        modules: the new names that it imports.
    """

    text: str
    lines: list[int] = field(default_factory=list)
    told: dict[int, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)


class Source:
    """A text whose syntax tree has places, and edits in it."""

    def __init__(self, text: str) -> None:
        """Note where each line starts; nothing is edited yet."""
        self.text = text
        rows = [row for row in _ROW.findall(text) if row]
        self._rows = [row.encode() for row in rows]
        self._starts = [0]
        for row in rows:
            self._starts.append(self._starts[-1] + len(row))
        self.edits: list[tuple[int, int, str]] = []

    def at(self, line: int, column: int) -> int:
        """Return where a place of the syntax tree is in the text."""
        return self._starts[line - 1] + len(self._rows[line - 1][:column].decode())

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Return where a node starts and ends."""
        assert node.end_lineno and node.end_col_offset is not None
        start = self.at(node.lineno, node.col_offset)
        return start, self.at(node.end_lineno, node.end_col_offset)

    def indent(self, start: int) -> str | None:
        """Return what stands before a statement in its line; None if that is code."""
        row = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        return row if not row.strip() else None

    def result(self) -> str:
        """Return the text with the edits."""
        parts, at = [], 0
        for start, end, new in sorted(self.edits):
            parts += [self.text[at:start], new]
            at = end
        return "".join([*parts, self.text[at:]])


def rewrite(
    text: str,
    tree: ast.Module,
    find: Find,
    relative: Callable[[int, str], str | None],
    *,
    keeps: bool,
) -> Rewritten:
    """Return the text of a file whose imports follow.

    Args:
        text: of a Python file.
        tree: its syntax tree.
        find: the new name of an absolute import.
        relative: the new, absolute name of a relative import, by its dots and what follows them.
        keeps: whether a relative import stays right, because all of its package moves along.
    """
    source, done = Source(text), Rewritten(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            _import(source, node, find, done)
        elif isinstance(node, ast.ImportFrom) and node.level:
            if (new := relative(node.level, node.module or "")) is None:
                done.told[node.lineno] = "imports by a relative path what has not moved along"
            elif new and not keeps:
                _replace_module(source, node, new, done)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if new := find(node.module):
                if new != node.module:
                    _replace_module(source, node, new, done)
                done.modules |= {new, *(f"{new}.{alias.name}" for alias in node.names)}
            else:
                _from_above(source, node, find, done)
        elif isinstance(node, ast.Call):
            _by_name(source, node, find, done)
    done.text = source.result()
    return done


def _import(source: Source, node: ast.Import, find: Find, done: Rewritten) -> None:
    """Replace an import statement; what it binds stays bound, to the same module."""
    if not any(find(alias.name) for alias in node.names):
        return
    start, end = source.span(node)
    rows: list[str] = []
    for alias in node.names:
        new = find(alias.name)
        done.modules |= {new} if new else set()
        if new is None or new == alias.name:
            rows.append(f"import {alias.name}{f' as {alias.asname}' if alias.asname else ''}")
        elif alias.asname:
            rows.append(_binding(new, alias.asname))
        else:
            top = alias.name.partition(".")[0]
            if "." in alias.name:
                rows.append(f"import {new}")
            bound = find(top)
            if bound and not (bound == top and "." in alias.name):
                rows.append(_binding(bound, top))
    rows = list(dict.fromkeys(rows))
    indent = source.indent(start)
    between = "; " if indent is None else f"\n{indent}"
    source.edits.append((start, end, between.join(rows)))
    done.lines.append(node.lineno)


def _binding(module: str, name: str) -> str:
    """Return the statement that imports a module under a name."""
    package, _, last = module.rpartition(".")
    if not package:
        return f"import {module}{f' as {name}' if name != module else ''}"
    return f"from {package} import {last}{f' as {name}' if name != last else ''}"


def _replace_module(source: Source, node: ast.ImportFrom, new: str, done: Rewritten) -> None:
    start, end = source.span(node)
    found = _FROM.match(source.text, start, end)
    if found is None:
        done.told[node.lineno] = f"imports {node.module}, which is {new} now: write that"
        return
    # Without a space: from.core import x
    source.edits.append((found.start(1), found.end(2), f" {new}"))
    done.lines.append(node.lineno)
    done.modules |= {new, *(f"{new}.{alias.name}" for alias in node.names)}


def _from_above(source: Source, node: ast.ImportFrom, find: Find, done: Rewritten) -> None:
    """Replace `from legacy import audio`, where that folder is what moves."""
    names = {alias.name: find(f"{node.module}.{alias.name}") for alias in node.names}
    if not any(names.values()):
        return
    if not all(names.values()):
        done.told[node.lineno] = f"imports from {node.module} what has moved, and what has not"
        return
    start, end = source.span(node)
    rows = [_binding(names[one.name] or "", one.asname or one.name) for one in node.names]
    indent = source.indent(start)
    source.edits.append((start, end, ("; " if indent is None else f"\n{indent}").join(rows)))
    done.lines.append(node.lineno)
    done.modules |= {new for new in names.values() if new}


def _by_name(source: Source, node: ast.Call, find: Find, done: Rewritten) -> None:
    """Have the name of a module follow that a call imports by, as `patch("audio.play")` does."""
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    first = node.args[0] if node.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return
    old = first.value if called in _BY_NAME and _DOTTED.fullmatch(first.value) else ""
    if called in _SERVING and (served := _SERVED.fullmatch(first.value)):
        old = served[1]
    new = find(old) if old else None
    if not new or new == old:
        return
    start, end = source.span(first)
    written = source.text[start:end]
    quote = _QUOTE.match(written)
    if quote and written.startswith(old, quote.end()):
        source.edits.append((start + quote.end(), start + quote.end() + len(old), new))
        done.lines.append(first.lineno)
        done.modules.add(new)
    else:
        done.told[first.lineno] = f"names {old}, which is {new} now: write that"


def parsed(place: str, content: bytes) -> tuple[str, ast.Module]:
    """Return the text of a Python file and its syntax tree.

    Raises:
        UsageError: it is not UTF-8, or no Python that runs here.
    """
    try:
        text = text_files.decode(content)
        return text, ast.parse(text)
    except text_files.MalformedError as error:
        raise error.of(place) from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
        python = "{}.{}".format(*sys.version_info)
        reason = f"is not Python {python} ({getattr(error, 'msg', '') or type(error).__name__})"
        advice = "correct it first; what a newer Python knows, only a repository of that one reads"
        raise text_files.MalformedError(line, reason, advice).of(place) from error
