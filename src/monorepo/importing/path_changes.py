"""Find what changes sys.path in Python files, tell which folders it adds, and take it out.

Read from the syntax: nothing is run. Standard library only.
"""

import ast
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

from monorepo.importing.python_imports import Rewritten, Source
from monorepo.layout.file_paths import Paths

_NOQA = re.compile(r"[ \t]*#[ \t]*noqa:[ \t]*E402[ \t]*$", re.MULTILINE)
_ADDING = ("insert", "append", "extend")
_CLIMBS = re.compile(r"\.parent\b.*\.parent\b|\.parents\[[1-9]|dirname.*dirname|\.\.")


def found(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that change where modules are found."""
    whole: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and not node.orelse and all(map(_adds, node.body)):
            if "sys.path" in ast.unparse(node.test):
                whole |= {id(inside) for inside in ast.walk(node)}
                yield node
        if isinstance(node, ast.Expr) and _adds(node) and id(node) not in whole:
            whole |= {id(inside) for inside in ast.walk(node)}
            yield node
        elif isinstance(node, ast.AugAssign | ast.Assign) and id(node) not in whole:
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            if any(_is_path(one) for one in targets):
                yield node


def _adds(node: ast.stmt) -> bool:
    """Tell whether a statement is a call that adds to sys.path."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    adds = call.func.attr in _ADDING and _is_path(call.func.value)
    return adds or call.func.attr == "addsitedir"


def _is_path(node: ast.expr) -> bool:
    inner = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(inner, ast.Attribute) and ast.unparse(inner) == "sys.path"


def folders(node: ast.stmt, tree: ast.Module, file: str) -> set[str]:
    """Return the folders that a statement adds, as far as they can be told.

    Args:
        node: the statement.
        tree: of its file.
        file: the path of that. What is relative may be so to its folder, or to the top.

    Returns:
        Paths from the top; those outside of it start with `..`.
    """
    paths = Paths(tree, file)
    here, told = posixpath.dirname(file), set[str]()
    for value in _added(node):
        place = paths.of(value)
        if place is None or posixpath.isabs(place.path):
            continue
        told.add(posixpath.normpath(place.path))
        if not place.is_anchored:
            told.add(posixpath.normpath(posixpath.join(here, place.path)))
    return told


def _added(node: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions of folders that a statement adds."""
    for one in ast.walk(node):
        values: list[ast.expr] = []
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            values = one.args[-1:] if one.func.attr in (*_ADDING, "addsitedir") else []
        elif isinstance(one, ast.AugAssign | ast.Assign):
            values = [one.value]
        for value in values:
            yield from value.elts if isinstance(value, ast.List | ast.Tuple) else [value]


def without(text: str, which: Callable[[ast.stmt, ast.Module], bool]) -> Rewritten:
    """Return the text of a Python file without changes of sys.path, and imports only for these.

    Args:
        text: of the file.
        which: tells which statements go.
    """
    tree, source = ast.parse(text), Source(text)
    done = Rewritten(text)
    gone: list[ast.AST] = []
    for node in found(tree):
        if not which(node, tree):
            continue
        start, end = source.span(node)
        alone = _is_alone(tree, node)
        source.edits.append(_cut(source, start, end, "pass" if alone else ""))
        done.lines.append(node.lineno)
        gone.append(node)
    if not gone:
        return done
    _drop_unused(tree, source, gone)
    done.text = _NOQA.sub("", source.result())
    if not text[:1].isspace():
        done.text = done.text.lstrip("\r\n")
    return done


def _is_alone(tree: ast.Module, node: ast.stmt) -> bool:
    """Tell whether a statement is the only one of its block."""
    for above in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(above, name, None)
            if isinstance(block, list) and block == [node] and above is not tree:
                return True
    return False


def _cut(source: Source, start: int, end: int, instead: str) -> tuple[int, int, str]:
    """Return the edit that takes a statement out, with its line if nothing else is on it."""
    if instead:
        return start, end, instead
    indent = source.indent(start)
    tail = re.compile(r"[ \t]*(;[ \t]*)?(#[^\r\n]*)?(\r\n|\r|\n|$)?").match(source.text, end)
    assert tail
    if indent is not None and tail[1] is None and (tail[3] is not None):
        return start - len(indent), tail.end(), ""
    if tail[1] is not None:
        return start, end + len(source.text[end : tail.end(1)]), ""
    # Behind another statement: the semicolon before it goes as well.
    before = re.search(r";[ \t]*$", source.text[:start])
    return (before.start() if before else start), end, ""


def _drop_unused(tree: ast.Module, source: Source, gone: Iterable[ast.AST]) -> None:
    """Take out imports whose names only served what is gone."""
    dead = {id(inside) for node in gone for inside in ast.walk(node)}
    loaded = _loaded(node for node in ast.walk(tree) if id(node) not in dead)
    served = _loaded(inside for node in gone for inside in ast.walk(node))
    kept = ast.unparse(tree) if "__all__" in source.text else ""
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        unused = {name for name in names if name not in loaded and name in served}
        if unused == names and not any(f"'{name}'" in kept for name in names):
            start, end = source.span(node)
            source.edits.append(_cut(source, start, end, ""))
        elif unused and isinstance(node, ast.Import):
            left = [
                one
                for one in node.names
                if (one.asname or one.name.partition(".")[0]) not in unused
            ]
            start, end = source.span(node)
            source.edits.append((start, end, ast.unparse(ast.Import(left))))


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def climbs(text: str) -> list[int]:
    """Return the lines that go up from the file's own path by more than its folder."""
    rows = enumerate(text.splitlines(), start=1)
    return [number for number, row in rows if "__file__" in row and _CLIMBS.search(row)]
