"""Find Python code that adds folders outside its package to sys.path.

Read from the syntax: what stands in variables is followed, what is computed otherwise is not.
"""

import ast
from collections.abc import Iterator

from monorepo.core.languages import FLAT, Kind, Language
from monorepo.guard.repository import Sources

_CALLS = {"addsitedir", "run_path", "spec_from_file_location", "syspath_prepend"}
_CALLS |= {"SourceFileLoader"}
_WORDS = {"sys.path", *_CALLS}


def found(sources: Sources, path: str, package: str) -> list[int]:
    """Return the lines in a Python file that reach out of its package, a folder."""

    def find(path: str) -> list[int] | None:
        text = sources.text(path)
        if text is None or not any(word in text for word in _WORDS):
            return None if text is None else []
        tree = sources.tree(path)
        return None if tree is None else list(_lines(tree, path, package))

    return sources.kept.of(path, "path hacks", find) or []


def _lines(tree: ast.Module, path: str, package: str) -> Iterator[int]:
    assigned: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            assigned |= {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
    depth = path.removeprefix(f"{package}/").count("/") + 1
    for node in ast.walk(tree):
        if _adds(node) and _reaches(node, assigned, package, depth):
            yield getattr(node, "lineno", 0)


def _adds(node: ast.AST) -> bool:
    """Return whether a statement or call changes where modules are found."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        function = node.func
        if isinstance(function, ast.Name):
            return function.id in _CALLS
        changes = function.attr in ("insert", "append", "extend") and _is_path(function.value)
        return changes or function.attr in _CALLS
    if isinstance(node, ast.AugAssign):
        return _is_path(node.target)
    if isinstance(node, ast.Assign):
        targets = [one.value if isinstance(one, ast.Subscript) else one for one in node.targets]
        return any(map(_is_path, targets))
    return False


def _is_path(node: ast.expr) -> bool:
    """Return whether an expression is `sys.path`."""
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"


def _reaches(node: ast.AST, assigned: dict[str, ast.expr], package: str, depth: int) -> bool:
    """Return whether what is added names another area, or goes up by more than `depth` folders."""
    parts: list[ast.AST] = []
    todo, seen = [node], set[str]()
    while todo:
        part = todo.pop()
        parts.append(part)
        todo += ast.iter_child_nodes(part)
        if isinstance(part, ast.Name) and part.id in assigned and part.id not in seen:
            seen.add(part.id)
            todo.append(assigned[part.id])
    texts = [one.value for one in parts if isinstance(one, ast.Constant)]
    words = [word for text in texts if isinstance(text, str) for word in text.split("/")]
    ups = words.count("..") + sum(map(_ups, parts))
    named = FLAT in words or ({*Kind} & {*words} and {*Language} & {*words})
    return ups > depth or bool(named and not {*package.split("/")} <= {*words})


def _ups(node: ast.AST) -> int:
    """Return by how many folders a part of an expression goes up."""
    if isinstance(node, ast.Attribute):
        return int(node.attr == "parent")
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        return int(name == "dirname" or getattr(node.func, "id", "") == "dirname")
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        index = node.slice.value if isinstance(node.slice, ast.Constant) else 0
        return index + 1 if node.value.attr == "parents" and isinstance(index, int) else 0
    return 0
