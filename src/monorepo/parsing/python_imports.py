"""Find the imports of a Python file in its syntax tree, also deferred and conditional ones.

Standard library only.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from math import inf
from typing import Any, NamedTuple

_ABSENCE = re.compile(
    r"\b(Import|ModuleNotFound)Error\b|(?i:(optional|lazy|try)_?import)|^imports$"
)
# `if tracing_available():`, `if HAS_TRACING:`; the groups are the module, if it is named.
_ASKS = re.compile(
    r"(?i:available|installed|imported)|\bHAS_|find_spec(?:\('([\w.]+)')?"
    r"|'([\w.]+)' (?:not )?in sys\.modules"
)
# A negated condition guards the code for a missing module.
_OPPOSITE = re.compile(r"^not |^\S+ is None$|not in sys\.modules")
# A text search is faster than walking the tree, and few files contain any of these.
_ASKING = """
available AVAILABLE installed INSTALLED imported( HAS_ find_spec sys.modules
ImportError NotFoundError
""".split()
_IMPORTING = ("import_module", "__import__", "importorskip", "sys.modules")


class Question(NamedTuple):
    """A condition that asks whether modules are installed.

    Attributes:
        present: whether it holds if they are installed.
        absent: whether it holds if they are not.
        modules: the modules, as far as they are named.
    """

    present: bool
    absent: bool
    modules: set[str]


class ImportKind(StrEnum):
    """Whether a module needs an import.

    An optional import is in a `try` that handles ImportError, or under a check for the module.
    `TYPES` is for type checkers only. `MOCKED` is not an import: a mock replaces the module from
    this line on.
    """

    REQUIRED = "must"
    OPTIONAL = "may"
    TYPES = "type"
    MOCKED = "mock"


class Import(NamedTuple):
    """An import of a module, by its absolute name, or by its specifier in JavaScript.

    Attributes:
        module: `httpx`, `acme_core.retries`; `from a import b` yields both `a` and `a.b`.
        line: its line, from 1.
        kind: whether the importing module needs it.
        name: whether this is the `a.b` of `from a import b`, which may not be a module.
        late: whether it is deferred: in a function or, if required, under a condition.
    """

    module: str
    line: int
    kind: ImportKind
    name: bool
    late: bool = False


def tried(found: Iterable[Import]) -> dict[str, float]:
    """Return the line from which on each optional or mocked module may be missing.

    An optional import in a function does not count for the top of the module.
    """
    lines: dict[str, float] = {}
    for imported in found:
        if imported.kind in (ImportKind.OPTIONAL, ImportKind.MOCKED):
            lines[imported.module] = min(
                lines.get(imported.module, inf), inf if imported.late else imported.line
            )
    return lines


def may_fail(imported: Import, lines: Mapping[str, float]) -> bool:
    """Return whether the code works without an import, given the result of `tried`.

    In a function, an optional import anywhere in the file counts; at the top, only one above.
    """
    waits = imported.late or imported.kind == ImportKind.TYPES
    return any(
        prefix in lines and (waits or lines[prefix] <= imported.line)
        for prefix in prefixes(imported.module)
    )


@cache
def prefixes(module: str) -> tuple[str, ...]:
    """Return `a`, `a.b`, `a.b.c` of `a.b.c`."""
    parts = module.split(".")
    return tuple(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def absolute(found: Iterable[Sequence[Any]], path: str) -> Iterator[Import]:
    """Yield the imports of a file with absolute names.

    Args:
        found: the result of `imports`, or rows of it from JSON.
        path: the path of the file, from the root.
    """
    parts = path.split("/")
    package = parts[parts.index("src") + 1 if "src" in parts else 0 : -1]
    for row in found:
        relative = row[0]
        name = relative.lstrip(".")
        if dots := len(relative) - len(name):
            base = package[: len(package) - dots + 1]
            if not (module := ".".join([*base, *([name] if name else [])])):
                continue
            yield Import(module, *row[1:])
        else:
            yield Import(*row)


def imports(tree: ast.Module, text: str) -> Iterator[Import]:
    """Yield all imports of a module; relative names are not resolved.

    Args:
        tree: its syntax tree.
        text: its source.
    """
    dynamic = any(word in text for word in _IMPORTING)
    asked = _asked(tree, text) if any(word in text for word in _ASKING) else None
    todo: list[tuple[ast.AST, ImportKind, bool, bool]] = [(tree, ImportKind.REQUIRED, False, False)]
    while todo:
        node, kind, late, maybe = todo.pop()
        waits = late or (maybe and kind == ImportKind.REQUIRED)
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _statement(node, kind, waits)
        elif isinstance(node, ast.Call) and (literal := _dynamic(node)):
            if _called(node) == "importorskip":
                yield Import(literal, node.lineno, ImportKind.OPTIONAL, False, late)
            else:
                yield Import(literal, node.lineno, kind, False, waits)
        elif dynamic and isinstance(node, ast.Assign | ast.Call):
            for mocked in _mocked(node):
                yield Import(mocked, node.lineno, ImportKind.MOCKED, False, late)
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        question: Question | None = None
        if asked is not None and isinstance(node, ast.If) and not _is_type_checking(node.test):
            question = _question(node.test, asked)
            for module in question.modules if not _raises(node.body) else ():
                yield Import(module, node.lineno, ImportKind.OPTIONAL, False, late)
        # Under a condition other than TYPE_CHECKING, the module may import without it.
        maybe = maybe or (isinstance(node, ast.If) and not _is_type_checking(node.test))
        parts = _parts(node, kind, question, dynamic=dynamic)
        todo += [(child, kind, late, maybe) for children, kind in parts for child in children]


def _statement(
    node: ast.Import | ast.ImportFrom, kind: ImportKind, waits: bool
) -> Iterator[Import]:
    """Yield the modules and names of an import statement."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, kind, False, waits)
        return
    module = "." * node.level + (node.module or "")
    yield Import(module, node.lineno, kind, False, waits)
    start = f"{module}." if node.module else module
    for alias in node.names:
        if alias.name != "*":
            yield Import(f"{start}{alias.name}", node.lineno, kind, True, waits)


def _parts(
    node: ast.AST, kind: ImportKind, question: Question | None, *, dynamic: bool
) -> list[tuple[Iterable[ast.AST], ImportKind]]:
    """Return the child nodes, grouped with the kind of the imports in them.

    Args:
        node: a node of the syntax tree.
        kind: the kind of imports at the node.
        question: the condition of an `if`, if it asks whether modules are installed.
        dynamic: whether expressions may import.
    """
    either = ImportKind.OPTIONAL if kind == ImportKind.REQUIRED else kind
    if isinstance(node, ast.Try) and any(map(_catches_import_error, node.handlers)):
        # The import in a handler is a fallback: one of the two is enough.
        return [([*node.body, *node.handlers], either), (node.orelse + node.finalbody, kind)]
    if isinstance(node, ast.With) and any(map(_allows_absence, node.items)):
        return [(node.body, either)]
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        # A name with a fallback in the `else` does not need its module.
        inner = [inside for part in node.orelse for inside in ast.walk(part)]
        made = {getattr(inside, key, "") for inside in inner for key in ("id", "asname", "name")}
        body = [
            ([statement], either if made & _names(statement) else ImportKind.TYPES)
            for statement in node.body
        ]
        return [*body, (node.orelse, kind)]
    if question is not None and isinstance(node, ast.If):
        return [
            (node.body, either if question.present else kind),
            (node.orelse, either if question.absent else kind),
            ([node.test] if dynamic else [], kind),
        ]
    return [(ast.iter_child_nodes(node) if dynamic else _inner(node), kind)]


def _asked(tree: ast.Module, text: str) -> dict[str, set[str]]:
    """Return the names that hold whether modules are installed, with these modules if known."""
    found: dict[str, set[str]] = {}
    has_check = "find_spec" in text or "sys.modules" in text
    todo: list[ast.AST] = [tree]
    # The list is extended while iterating.
    for node in todo:
        todo += _inner(node)
        names: list[ast.expr | None] = []
        modules = set[str]()
        if has_check and isinstance(node, ast.Assign):
            question = _question(node.value, found)
            modules = question.modules
            names = [*node.targets] if question.present else []
        elif isinstance(node, ast.Try) and any(map(_catches_import_error, node.handlers)):
            # Names that the handler sets to None or False.
            inside = [statement for handler in node.handlers for statement in handler.body]
            assignments = [statement for statement in inside if isinstance(statement, ast.Assign)]
            absent = [
                assignment
                for assignment in assignments
                if not getattr(assignment.value, "value", True)
            ]
            names = [target for assignment in absent for target in assignment.targets]
        elif isinstance(node, ast.With):
            names = [item.optional_vars for item in node.items if _allows_absence(item)]
        found |= {name.id: modules for name in names if isinstance(name, ast.Name)}
    return found


def _question(test: ast.expr, asked: Mapping[str, set[str]]) -> Question:
    """Return what a condition asks, given the names that hold whether modules are installed."""
    text = ast.unparse(test)
    names = asked.keys() & {name.id for name in ast.walk(test) if isinstance(name, ast.Name)}
    found = list(_ASKS.finditer(text))
    modules = {module for match in found for module in match.groups() if module}
    asks, opposite = bool(names or found), bool(_OPPOSITE.search(text))
    modules = modules.union(*(asked[name] for name in names))
    return Question(asks and not opposite, asks and opposite, modules)


def _names(node: ast.AST) -> set[str]:
    """Return the names that an import binds."""
    aliases = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return {alias.asname or alias.name for alias in aliases}


def _inner(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nested statements, handlers and cases of a statement."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        yield from getattr(node, field, ())


def _called(node: ast.Call) -> str:
    """Return the last part of the name of a called function."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return node.func.id if isinstance(node.func, ast.Name) else name


def _dynamic(node: ast.Call) -> str | None:
    """Return the module that `import_module`, `__import__` or `importorskip("…")` names."""
    name = _called(node)
    imports_module = name in ("import_module", "__import__") and len(node.args) == 1
    if imports_module or (name == "importorskip" and node.args):
        argument = node.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return None if argument.value.startswith(".") else argument.value or None
    return None


def _mocked(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a statement or a call replaces in `sys.modules`."""
    pairs: list[tuple[ast.expr | None, ast.expr]] = []
    if isinstance(node, ast.Assign):
        places = [target for target in node.targets if isinstance(target, ast.Subscript)]
        pairs = [(place.slice, node.value) for place in places if _is_modules(place.value)]
    elif isinstance(node, ast.Call) and _called(node) in ("setitem", "setdefault", "dict"):
        # monkeypatch.setitem(sys.modules, "a", mock), patch.dict(sys.modules, {"a": mock})
        words = [node.func.value, *node.args] if isinstance(node.func, ast.Attribute) else []
        rest = next(
            (words[at + 1 :] for at, argument in enumerate(words) if _is_modules(argument)), []
        )
        tables = [argument for argument in rest if isinstance(argument, ast.Dict)]
        pairs = [pair for table in tables for pair in zip(table.keys, table.values, strict=True)]
        pairs += [(rest[0], rest[1])] if len(rest) > 1 else []
    for name, value in pairs:
        # With None in its place, a module cannot be imported.
        absent = isinstance(value, ast.Constant) and value.value is None
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and not absent:
            yield name.value


def _is_modules(node: ast.expr) -> bool:
    """Return whether this is `sys.modules`, or its name in a patch."""
    return isinstance(node, ast.Attribute | ast.Constant) and (
        ast.unparse(node).strip("'") == "sys.modules"
    )


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler catches ImportError and does not raise."""
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    words = {
        name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "") for name in names
    }
    wide = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    return (caught is None or bool(words & wide)) and not _raises(handler.body)


def _raises(body: Sequence[ast.stmt]) -> bool:
    """Return whether statements always raise, other than to skip a test."""
    return any(
        (isinstance(statement, ast.Raise) and "skip" not in ast.unparse(statement).lower())
        or (isinstance(statement, ast.With) and _raises(statement.body))
        or (isinstance(statement, ast.If) and _raises(statement.body) and _raises(statement.orelse))
        for statement in body
    )


def _allows_absence(item: ast.withitem) -> bool:
    """Return whether `with` allows a failing import: suppress(ImportError), raises(ImportError)."""
    call = item.context_expr
    name = _called(call) if isinstance(call, ast.Call) else ""
    takes_exception = name in ("suppress", "raises", "assertRaises")
    return bool(_ABSENCE.search(ast.unparse(call) if takes_exception else name))


def _is_type_checking(test: ast.expr) -> bool:
    """Return whether a condition is TYPE_CHECKING, possibly with `and`."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(map(_is_type_checking, test.values))
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"
