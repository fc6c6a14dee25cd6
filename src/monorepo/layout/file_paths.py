"""The paths that Python code computes, mostly from that of its own file.

Read from the syntax: nothing is run. Standard library only.
"""

import ast
import posixpath
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

# What code that computes a path has, beside the names of folders.
WORDS = ("__file__", "files(", "get_data", "open_", "read_", "resource")
# What gives the same place in another form.
_SAME = frozenset("abspath realpath normpath expanduser str fspath Path PurePath".split())
_METHODS = frozenset("resolve absolute as_posix".split())
# What reads data of a package by its name, and the name of the file in it.
_DATA = frozenset(
    "get_data open_text open_binary read_text read_binary path is_resource contents"
    " resource_filename resource_string resource_stream resource_exists resource_listdir".split()
)
# What gives the folder of the file itself without an argument.
_FILES = ("files", "resources.files", "importlib.resources.files")
# What a file calls its package, and itself.
_OWN = ("__package__", "__name__", "__spec__.parent")
# No path is computed in more steps.
_DEEPEST = 20


class FilePath(NamedTuple):
    """A path, and whether it was computed from that of the file, or of a package."""

    path: str
    is_anchored: bool = False

    def up(self, steps: int = 1) -> "FilePath":
        """Return the folder so many steps above."""
        return self._replace(path=posixpath.normpath(posixpath.join(self.path, *[".."] * steps)))


class Paths:
    """The paths that the code of a file computes."""

    def __init__(
        self, tree: ast.Module, file: str, folder: Callable[[str], str | None] = lambda _: None
    ) -> None:
        """Read what is assigned to names.

        Args:
            tree: of the file.
            file: its path, from which the others are told.
            folder: returns the folder of a package that is imported by a name, None for any other.
        """
        self.tree, self.file, self.folder = tree, file, folder
        self.assigned: dict[str, ast.expr] = {}
        for one in ast.walk(tree):
            if isinstance(one, ast.Assign):
                names = (name.id for name in one.targets if isinstance(name, ast.Name))
                self.assigned |= dict.fromkeys(names, one.value)

    def computed(self) -> Iterator[tuple[int, str]]:
        """Yield each path that is computed from that of the file or of a package: line and path.

        Of one that cannot be told without running it, it is the folder that is known.
        """
        todo: list[ast.AST] = [self.tree]
        while todo:
            node = todo.pop()
            place = self.of(node) if isinstance(node, ast.expr) else None
            if not isinstance(node, ast.expr) or place is None or not place.is_anchored:
                todo += ast.iter_child_nodes(node)
            # A name that is assigned is told where it is read, with what is joined to it.
            elif not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Load):
                yield node.lineno, posixpath.normpath(place.path)

    def of(self, node: ast.expr, depth: int = 0) -> FilePath | None:
        """Return the path that an expression is; None if that cannot be told without running it."""

        def inner(part: ast.expr) -> FilePath | None:
            return self.of(part, depth + 1)

        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Constant):
            return FilePath(node.value) if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return FilePath(self.file, is_anchored=True)
            return inner(self.assigned[node.id]) if node.id in self.assigned else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return _joined([inner(node.left), inner(node.right)])
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            above = inner(node.value)
            return above.up() if above else None
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            index = getattr(node.slice, "value", None)
            above = inner(node.value.value) if node.value.attr == "parents" else None
            return above.up(index + 1) if above and isinstance(index, int) else None
        if isinstance(node, ast.Call):
            return self._data(node, inner) or _called(node, inner)
        return None

    def _data(
        self, node: ast.Call, inner: Callable[[ast.expr], FilePath | None]
    ) -> FilePath | None:
        """Return the path of the data that a call is about, which names the package of it."""
        name = _name(node)
        if name != "files" and not (name in _DATA and node.args):
            return None
        package = node.args[0] if node.args else None
        folder: str | None = None
        if package is None and ast.unparse(node.func) not in _FILES:
            return None
        if package is None or ast.unparse(package) in _OWN:
            folder = posixpath.dirname(self.file)
        elif isinstance(package, ast.Constant) and isinstance(package.value, str):
            folder = self.folder(package.value)
        if folder is None:
            return None
        rest = [] if name == "files" else node.args[1:]
        return _joined([FilePath(folder, is_anchored=True), *map(inner, rest)])


def _name(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _called(node: ast.Call, inner: Callable[[ast.expr], FilePath | None]) -> FilePath | None:
    """Return the path that a call gives, of those that join and split paths."""
    function, name = node.func, _name(node)
    if name in _METHODS and isinstance(function, ast.Attribute):
        return inner(function.value)
    if name == "joinpath" and isinstance(function, ast.Attribute):
        return _joined([inner(function.value), *map(inner, node.args)])
    if name == "dirname" and node.args:
        below = inner(node.args[0])
        return below.up() if below else None
    if name == "join" or (name in _SAME and len(node.args) > 1):
        return _joined([*map(inner, node.args)])
    return inner(node.args[0]) if name in _SAME and node.args else None


def _joined(parts: Sequence[FilePath | None]) -> FilePath | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    path = posixpath.join(*(part.path for part in known))
    return FilePath(path, any(part.is_anchored for part in known))
