"""The paths that Python code computes, mostly from that of its own file.

Read from the syntax: nothing is run. Standard library only.
"""

import ast
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

# What gives the same place in another form.
_SAME = frozenset("abspath realpath normpath expanduser str fspath Path PurePath".split())
_METHODS = frozenset("resolve absolute as_posix".split())
# No path is computed in more steps.
_DEEPEST = 20


class FilePath(NamedTuple):
    """A path, and whether it was computed from that of the file."""

    path: str
    is_anchored: bool = False

    def up(self, steps: int = 1) -> "FilePath":
        """Return the folder so many steps above."""
        return self._replace(path=posixpath.normpath(posixpath.join(self.path, *[".."] * steps)))


def assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Return the expression that each name of a file is assigned; the last one of several."""
    found: dict[str, ast.expr] = {}
    for one in ast.walk(tree):
        if isinstance(one, ast.Assign):
            found |= {name.id: one.value for name in one.targets if isinstance(name, ast.Name)}
    return found


def computed(tree: ast.Module, file: str) -> Iterator[tuple[int, str]]:
    """Yield each path that is computed from that of the file: the line, and the path.

    Of one that cannot be told without running it, it is the folder that is known.

    Args:
        tree: of the file.
        file: its path, from which the others are told.
    """
    names = assigned(tree)
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        place = path_of(node, file, names) if isinstance(node, ast.expr) else None
        if isinstance(node, ast.expr) and place is not None and place.is_anchored:
            # A name that is assigned is told where it is read, with what is joined to it.
            if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Load):
                yield node.lineno, posixpath.normpath(place.path)
        else:
            todo += ast.iter_child_nodes(node)


def path_of(
    node: ast.expr, file: str, names: Mapping[str, ast.expr], depth: int = 0
) -> FilePath | None:
    """Return the path that an expression is; None if that cannot be told without running it.

    Args:
        node: the expression.
        file: the path of its file.
        names: the result of `assigned`.
        depth: how many expressions it is in.
    """

    def inner(part: ast.expr) -> FilePath | None:
        return path_of(part, file, names, depth + 1)

    if depth > _DEEPEST:
        return None
    if isinstance(node, ast.Constant):
        return FilePath(node.value) if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        if node.id == "__file__":
            return FilePath(file, is_anchored=True)
        return inner(names[node.id]) if node.id in names else None
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
        return _called(node, inner)
    return None


def _called(node: ast.Call, inner: Callable[[ast.expr], FilePath | None]) -> FilePath | None:
    """Return the path that a call gives, of those that join and split paths."""
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
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
