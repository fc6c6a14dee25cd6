"""Find the imports of a Python file in its syntax tree, also deferred and dynamic ones.

Standard library only.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from math import inf
from typing import Any, NamedTuple


class ImportKind(StrEnum):
    """Whether a module needs an import.

    An optional import is in a `try` that handles ImportError, or asked for by `find_spec` or
    `importorskip`. `TYPES` is for type checkers only. `MOCKED` is not an import: a mock replaces
    the module from this line on.
    """

    REQUIRED = "must"
    OPTIONAL = "may"
    TYPES = "type"
    MOCKED = "mock"


# Functions that import the module that an argument names: the keyword, and the kind of import.
_FUNCTIONS = {
    "__import__": ("name", ImportKind.REQUIRED),
    "builtins.__import__": ("name", ImportKind.REQUIRED),
    "importlib.__import__": ("name", ImportKind.REQUIRED),
    "importlib.import_module": ("name", ImportKind.REQUIRED),
    "importlib.util.find_spec": ("name", ImportKind.OPTIONAL),
    "pkgutil.resolve_name": ("name", ImportKind.REQUIRED),
    "pytest.importorskip": ("modname", ImportKind.OPTIONAL),
    "runpy.run_module": ("mod_name", ImportKind.REQUIRED),
}
# A text search is faster than walking expressions, and few files contain any of these.
_DYNAMIC = (*(name.rpartition(".")[2] for name in _FUNCTIONS), "sys.modules")
_PLUGINS = "pytest_plugins"
_ASSIGNMENTS = ast.Assign | ast.AnnAssign | ast.AugAssign
_ABSENT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_ABSENCE = re.compile(r"\b(Import|ModuleNotFound)Error\b")


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
    """Yield the imports of a file with absolute names; those of a stub are for type checkers.

    Args:
        found: the result of `imports`, or rows of it from JSON.
        path: the path of the file, from the root.
    """
    parts = path.split("/")
    package = parts[parts.index("src") + 1 if "src" in parts else 0 : -1]
    for module, line, kind, *rest in found:
        name = module.lstrip(".")
        if dots := len(module) - len(name):
            base = package[: len(package) - dots + 1]
            name = ".".join([*base, *([name] if name else [])])
        if name:
            yield Import(name, line, ImportKind.TYPES if path.endswith(".pyi") else kind, *rest)


def imports(tree: ast.Module, text: str) -> Iterator[Import]:
    """Yield all imports of a module; relative names are not resolved.

    Args:
        tree: its syntax tree.
        text: its source.
    """
    calls = _Calls(tree) if any(word in text for word in _DYNAMIC) else None
    todo: list[tuple[ast.AST, ImportKind, bool, bool]] = [(tree, ImportKind.REQUIRED, False, False)]
    while todo:
        node, kind, late, maybe = todo.pop()
        waits = late or (maybe and kind == ImportKind.REQUIRED)
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _statement(node, kind, waits)
        elif isinstance(node, _ASSIGNMENTS) and _PLUGINS in _targets(node):
            for module in _plugins(node.value):
                yield Import(module, node.lineno, kind, False, waits)
        elif isinstance(node, ast.Call) and calls and (named := calls.module(node)):
            module, asks = named
            optional = asks == ImportKind.OPTIONAL
            yield Import(
                module, node.lineno, *((asks, False, late) if optional else (kind, False, waits))
            )
        if calls and isinstance(node, ast.Assign | ast.Call):
            for module in _mocked(node):
                yield Import(module, node.lineno, ImportKind.MOCKED, False, late)
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        parts = _parts(node, kind, every=calls is not None)
        maybe = maybe or (isinstance(node, ast.If) and _type_checking(node.test) is None)
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
    node: ast.AST, kind: ImportKind, *, every: bool
) -> list[tuple[Iterable[ast.AST], ImportKind]]:
    """Return the child nodes, grouped with the kind of the imports in them.

    Args:
        node: a node of the syntax tree.
        kind: the kind of imports at the node.
        every: whether expressions may import, not only statements.
    """
    either = ImportKind.OPTIONAL if kind == ImportKind.REQUIRED else kind
    if isinstance(node, ast.Try | ast.TryStar) and any(map(_handles_absence, node.handlers)):
        # The import in a handler is a fallback: one of the two is enough.
        return [([*node.body, *node.handlers], either), (node.orelse + node.finalbody, kind)]
    if isinstance(node, ast.With) and any(map(_allows_absence, node.items)):
        return [(node.body, either)]
    if isinstance(node, ast.If) and (checking := _type_checking(node.test)) is not None:
        types, code = (node.body, node.orelse) if checking else (node.orelse, node.body)
        return [(types, ImportKind.TYPES), (code, kind)]
    return [(ast.iter_child_nodes(node) if every else _inner(node), kind)]


def _inner(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nested statements, handlers and cases of a statement."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        yield from getattr(node, field, ())


class _Calls:
    """The functions that import by name, as a file calls them, and its constants."""

    def __init__(self, tree: ast.Module) -> None:
        """Find what names mean: imported modules and functions, and constant strings."""
        self._names = {"__import__": "__import__"}
        values: dict[str, ast.expr] = {}
        bound = Counter[str]()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound[node.id] += 1
            elif isinstance(node, ast.arg):
                bound[node.arg] += 1
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._names[alias.asname or name] = name
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                for alias in node.names:
                    self._names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                values |= dict.fromkeys(_targets(node), node.value)
        self._constants: dict[str, str] = {}
        for name, value in values.items():
            if bound[name] == 1 and (text := self._text(value)) is not None:
                self._constants[name] = text
            elif bound[name] == 1 and (function := self._dotted(value)) in _FUNCTIONS:
                self._names[name] = function

    def _dotted(self, node: ast.AST) -> str:
        """Return the full name of a module or function that a file imports; "" for others."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, "")
        above = self._dotted(node.value) if isinstance(node, ast.Attribute) else ""
        return f"{above}.{node.attr}" if isinstance(node, ast.Attribute) and above else ""

    def module(self, node: ast.Call) -> tuple[str, ImportKind] | None:
        """Return the module that a call names, and what kind of import it is."""
        if (function := self._dotted(node.func)) not in _FUNCTIONS:
            return None
        keyword, kind = _FUNCTIONS[function]
        named = {word.arg: word.value for word in node.keywords}
        module = self._text(node.args[0] if node.args else named.get(keyword))
        package = self._text(node.args[1] if len(node.args) > 1 else named.get("package"))
        if not module or "level" in named or module == "." * len(module):
            return None
        # `resolve_name` takes `package.module:attribute`.
        module = module.partition(":")[0]
        dots = len(module) - len(module.lstrip("."))
        if dots and package:
            above = package.split(".")
            module = ".".join([*above[: len(above) - dots + 1], module.lstrip(".")])
        return module, kind

    def _text(self, node: ast.AST | None) -> str | None:
        """Return the value of an expression that is a constant string."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.NamedExpr):
            return self._text(node.value)
        if isinstance(node, ast.Name):
            return self._constants.get(node.id)
        parts: list[ast.AST] = []
        if isinstance(node, ast.JoinedStr):
            parts = [
                one.value if isinstance(one, ast.FormattedValue) else one for one in node.values
            ]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            parts = [node.left, node.right]
        texts = [text for part in parts if (text := self._text(part)) is not None]
        return "".join(texts) if parts and len(texts) == len(parts) else None


def _last(node: ast.AST) -> str:
    """Return the last part of a dotted name; "" for another expression."""
    return node.attr if isinstance(node, ast.Attribute) else str(getattr(node, "id", ""))


def _targets(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[str]:
    """Return the names that an assignment gives its value to."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _strings(nodes: Iterable[ast.AST | None]) -> list[str]:
    """Return the constant strings among nodes."""
    values = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [value for value in values if isinstance(value, str)]


def _plugins(value: ast.expr | None) -> list[str]:
    """Return the modules of `pytest_plugins`; pytest has one itself that it does not load."""
    names = _strings(value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else [value])
    return ["_pytest.pytester" if name == "pytester" else name for name in names if name]


def _mocked(node: ast.Assign | ast.Call) -> list[str]:
    """Return the modules that a statement or a call replaces in `sys.modules`."""
    if isinstance(node, ast.Assign):
        places = [target for target in node.targets if isinstance(target, ast.Subscript)]
        return _strings(place.slice for place in places if _is_modules(place.value))
    if _last(node.func) not in ("setitem", "setdefault", "dict"):
        return []
    # monkeypatch.setitem(sys.modules, "a", mock), patch.dict(sys.modules, {"a": mock})
    words = [node.func.value, *node.args] if isinstance(node.func, ast.Attribute) else []
    tables = [word for word in words if isinstance(word, ast.Dict)]
    keys = [key for table in tables for key in table.keys]
    others = [word for word in words if not _is_modules(word)]
    return _strings([*keys, *others]) if len(others) < len(words) else []


def _is_modules(node: ast.expr) -> bool:
    """Return whether this is `sys.modules`, or its name in a patch."""
    return isinstance(node, ast.Attribute | ast.Constant) and (
        ast.unparse(node).strip("'") == "sys.modules"
    )


class Refusal(NamedTuple):
    """A `try` at the top of a module that raises another error for an import that fails.

    Attributes:
        first: the first line of its body.
        last: the last line.
        error: the name of what is raised; "" for the same error again.
    """

    first: int
    last: int
    error: str


def refusals(tree: ast.Module) -> Iterator[Refusal]:
    """Yield what refuses to go on without an import."""
    todo: list[ast.AST] = [tree]
    for node in todo:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += _inner(node)
        if isinstance(node, ast.Try):
            last = node.body[-1].end_lineno or 0
            raised = [
                next((one for one in handler.body if isinstance(one, ast.Raise)), None)
                for handler in node.handlers
                if _catches_absence(handler)
            ]
            for error in [one.exc for one in raised if one][:1]:
                name = error.func if isinstance(error, ast.Call) else error
                yield Refusal(node.body[0].lineno, last, _last(name) if name else "")


def _catches_absence(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler catches ImportError."""
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return caught is None or not _ABSENT.isdisjoint(_last(name) for name in names if name)


def _handles_absence(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler catches ImportError and goes on, or skips a test."""
    if not _catches_absence(handler):
        return False
    raised = [ast.unparse(one).lower() for one in handler.body if isinstance(one, ast.Raise)]
    return all("skip" in text for text in raised)


def _allows_absence(item: ast.withitem) -> bool:
    """Return whether `with` allows a failing import: suppress(ImportError), raises(ImportError)."""
    return bool(_ABSENCE.search(ast.unparse(item.context_expr)))


def _type_checking(test: ast.expr) -> bool | None:
    """Return whether a condition holds for type checkers alone, or all else; None for others."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return False if _type_checking(test.operand) else None
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return True if any(map(_type_checking, test.values)) else None
    return True if _last(test) == "TYPE_CHECKING" else None
