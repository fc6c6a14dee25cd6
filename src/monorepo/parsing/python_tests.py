"""Find the tests in a file, as pytest and node --test collect them. Standard library only."""

import ast
import fnmatch
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeGuard

from monorepo.parsing import javascript
from monorepo.parsing.javascript import TokenKind

# Modules that JavaScript test files import, unless their runner has globals.
RUNNERS = {"node:test", "vitest", "@jest/globals", "bun:test"}
# The names of assertions, besides the assert statement.
_PROOFS = re.compile(r"assert\w*|raises|warns|fail")
# Files that pytest collects by default, and conftest.py.
_COLLECTED = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|conftest)\.py")
_FLOWS = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.ExceptHandler)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What leaves tests out in conftest.py.
_LEAVING = {"collect_ignore", "collect_ignore_glob"}
_HOOKS = {"pytest_ignore_collect", "pytest_deselected"}
# JavaScript: functions of test runners; those of a suite have more in them.
_SUITES = {"describe", "suite", "fdescribe", "xdescribe"}
_CALLS = {"test", "it", "fit", "xit", "xtest", *_SUITES}


def words(text: object) -> list[str]:
    """Split a command or an option into words; none if it is malformed."""
    try:
        return shlex.split(text, comments=False) if isinstance(text, str) else []
    except ValueError:
        return []


class Module:
    """A Python file that may have tests.

    Attributes:
        tests: of each test that pytest collects the line, the marks, and the line of its class, or
            0. The mark of one that is always skipped is `skip`.
        lost: the line of each test or class that pytest does not collect, and why.
        proves: whether any test has an assertion; without one, it may be some other function.
    """

    def __init__(self, tree: ast.Module) -> None:
        """Find the tests of a module."""
        self.tests: list[list[Any]] = []
        self.lost: list[list[Any]] = []
        self.proves = False
        self._cases = set[str]()
        self._marks: dict[str, set[str]] = {}
        self._tree = tree
        for statement in _statements(tree.body):
            if isinstance(statement, ast.Assign):
                names = _targets(statement)
                self._marks |= dict.fromkeys(names, self._named([statement.value]))
                # `TestX = Machine.TestCase` is a test of Hypothesis.
                if getattr(statement.value, "attr", "") == "TestCase":
                    self.tests.append([statement.lineno, [], 0])
        marks = self._own(tree.body)
        if any(_is_skip(statement) for statement in tree.body):
            marks.add("skip")
        self._look(tree.body, marks, 0)
        if self.tests and _is_disabled(tree.body):
            self.lost, self.tests = [[self.tests[0][0], "__test__ is False"]], []

    @cached_property
    def _used(self) -> set[str]:
        """The names that something in the module refers to."""
        return _loaded(self._tree)

    def _look(self, body: list[ast.stmt], above: set[str], group: int, why: str = "") -> None:
        """Record the tests in a module or a class; `why` is given if none is collected."""
        last = {name: one.lineno for one in body for name in _names(one)}
        for node in _statements(body):
            if isinstance(node, _FUNCTIONS):
                self._nested(node)
                marks = self._named(node.decorator_list)
                if not node.name.startswith("test") or "fixture" in marks:
                    continue
                self.proves = self.proves or _proves(node)
                marks |= {"skip"} if _is_skip(_first(node)) else set()
                if node in body and last[node.name] != node.lineno:
                    self.lost.append([node.lineno, "its name is used again below"])
                elif not why:
                    self.tests.append([node.lineno, sorted(above | marks), group])
            elif isinstance(node, ast.ClassDef):
                if node in body and last[node.name] != node.lineno and node.name[:4] == "Test":
                    self.lost.append([node.lineno, "its name is used again below"])
                else:
                    self._class(node, above)

    def _class(self, node: ast.ClassDef, above: set[str]) -> None:
        """Record the tests of a class, or that pytest does not collect them."""
        bases = [str(getattr(base, "attr", getattr(base, "id", ""))) for base in node.bases]
        is_case = any(base.endswith("TestCase") or base in self._cases for base in bases)
        self._cases |= {node.name} if is_case else set()
        named = is_case or node.name.startswith("Test")
        made = {"__init__", "__new__"} & {getattr(each, "name", "") for each in node.body}
        tests = [
            each for each in node.body if isinstance(each, _FUNCTIONS) and each.name[:4] == "test"
        ]
        # A base from elsewhere may be a TestCase, and others inherit what something refers to.
        is_free = not bases and node.name not in self._used and any(map(_proves, tests))
        why = ""
        if _is_disabled(node.body):
            why = "__test__ is False" if is_free else "inherited"
        elif not named:
            why = "its name does not begin with Test" if is_free else "inherited"
        elif made and not bases:
            why = f"it has a {min(made)}"
        before = len(self.tests)
        marks = above | self._own(node.body) | self._named(node.decorator_list)
        self._look(node.body, marks, node.lineno, why)
        if tests and why not in ("", "inherited"):
            self.lost.append([node.lineno, why])
        elif not why and len(self.tests) == before:
            # Its tests are inherited.
            if any(not base.endswith("TestCase") for base in bases):
                self.tests.append([node.lineno, sorted(marks), node.lineno])

    def _nested(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Record the tests in a function, which nothing in it refers to."""
        inside = [*_below(function)]
        named = [one for one in inside if isinstance(one, _FUNCTIONS) and one.name[:5] == "test_"]
        known = {one for node in inside if isinstance(node, ast.ClassDef) for one in node.body}
        used = _loaded(function) if named else set()
        for inner in named:
            if inner not in known and inner.name not in used and _proves(inner):
                self.lost.append([inner.lineno, "it is in a function"])

    def _own(self, body: Iterable[ast.stmt]) -> set[str]:
        """Return the `pytestmark` marks of a module or a class."""
        given = [getattr(one, "value", None) for one in body if "pytestmark" in _targets(one)]
        return self._named(value for value in given if value)

    def _named(self, nodes: Iterable[ast.AST]) -> set[str]:
        """Return the marks in expressions; of other decorators, the last part of their name."""
        found: set[str] = set()
        for node in nodes:
            value = node.func if isinstance(node, ast.Call) else node
            name = getattr(value, "attr", "")
            if isinstance(value, ast.List | ast.Tuple):
                found |= self._named(value.elts)
            elif isinstance(value, ast.Name):
                found |= self._marks.get(value.id, {value.id})
            elif name:
                found.add(name)
            if isinstance(node, ast.Call) and name.lower() in ("skipif", "xfail"):
                found |= {"skip"} if _is_certain(node, name) else set()
        return found


def _is_certain(call: ast.Call, name: str) -> bool:
    """Return whether `skipif(True)` or `xfail(run=False)` skips in any case."""
    if name == "xfail":
        return any(ast.unparse(each) == "run=False" for each in call.keywords)
    return any(getattr(value, "value", None) in (True, "True") for value in call.args[:1])


def _is_skip(node: ast.AST | None) -> bool:
    """Return whether a statement skips a test or a module: `pytest.skip()`, `raise SkipTest`."""
    value = node.exc if isinstance(node, ast.Raise) else getattr(node, "value", None)
    call = value.func if isinstance(value, ast.Call) else value
    name = getattr(call, "attr", getattr(call, "id", ""))
    return isinstance(node, ast.Raise | ast.Expr) and name in ("skip", "skipTest", "SkipTest")


def _first(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt | None:
    """Return the first statement of a function after its documentation."""
    body = [one for one in node.body if not isinstance(getattr(one, "value", 0), ast.Constant)]
    return body[0] if body else None


def _is_disabled(body: Iterable[ast.stmt]) -> bool:
    given = [getattr(each, "value", None) for each in body if "__test__" in _targets(each)]
    return any(getattr(value, "value", None) is False for value in given)


def _names(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines, deletes, or excludes with `__test__`."""
    targets = [getattr(node, "target", None), *getattr(node, "targets", ())]
    outs = {
        getattr(one.value, "id", "")
        for one in targets
        if isinstance(one, ast.Attribute) and one.attr == "__test__"
    }
    return {getattr(node, "name", ""), *_targets(node), *outs}


def _loaded(tree: ast.AST) -> set[str]:
    """Return the names that something refers to."""
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def left_out(tree: ast.Module) -> list[int]:
    """Return the lines by which a conftest.py has pytest collect less, whatever happens."""
    found = []
    for node in ast.walk(tree):
        name = str(getattr(node, "attr", getattr(node, "name", "")))
        found += [getattr(node, "lineno", 0)] if name in _HOOKS else []
        if name == "pytest_collection_modifyitems":
            found += [each.lineno for each in ast.walk(node) if _removes(each)]
    for statement in tree.body:
        value = getattr(statement, "value", None)
        target = getattr(getattr(getattr(value, "func", None), "value", None), "id", "")
        filled = not isinstance(value, ast.List | ast.Tuple) or value.elts
        if (_LEAVING & _targets(statement) and filled) or target in _LEAVING:
            found.append(statement.lineno)
    return sorted(found)


def _removes(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    """Return whether something is taken out of `items`, which a hook gets by this name."""
    if isinstance(node, ast.Assign | ast.Delete):
        part = node.targets[0]
        emptied = not isinstance(node, ast.Assign) or isinstance(
            node.value, ast.List | ast.ListComp
        )
        return emptied and isinstance(part, ast.Subscript) and ast.unparse(part.value) == "items"
    removing = ("items.clear", "items.remove", "items.pop")
    return isinstance(node, ast.Call) and ast.unparse(node.func) in removing


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements, also nested ones in conditions, loops, `try` and `with`."""
    for statement in body:
        yield statement
        if isinstance(statement, _FLOWS):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _statements(getattr(statement, part, []))


def _below(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield all statements in a statement."""
    for part in ("body", "handlers", "cases", "orelse", "finalbody"):
        for inner in getattr(node, part, ()):
            if isinstance(inner, ast.stmt):
                yield inner
            yield from _below(inner)


def _targets(statement: ast.AST) -> set[str]:
    """Return the names that a statement assigns to."""
    several = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return {target.id for target in several if isinstance(target, ast.Name)}


def _proves(tree: ast.AST) -> bool:
    """Return whether there is an assertion in a function."""
    return any(
        isinstance(node, ast.Assert)
        or bool(_PROOFS.fullmatch(str(getattr(node, "attr", getattr(node, "id", "")))))
        for node in ast.walk(tree)
    )


def is_test(file: str) -> bool:
    """Return whether a Python file belongs to the tests, by its path."""
    return "tests" in file.split("/")[:-1] or bool(_COLLECTED.fullmatch(file))


def above(path: str) -> list[str]:
    """Return the parent folders of a file, the outermost first."""
    return list(accumulate(path.split("/")[:-1], lambda folder, name: f"{folder}/{name}"))


def calls(text: str) -> list[list[Any]]:
    """Return the line of each JavaScript test, and `run`, `skip` or `only`; of suites, `only`."""
    code = javascript.tokens(text)
    texts = [*(token.text for token in code), *[""] * 8]
    found: list[list[Any]] = []
    depth, skipped = 0, 0
    for at, token in enumerate(code):
        depth += (token.text == "(") - (token.text == ")")
        skipped = 0 if token.text == ")" and depth < skipped else skipped
        if token.kind is not TokenKind.WORD or token.text not in _CALLS:
            continue
        end = at + 1
        while texts[end] == ".":
            end += 2
        named = {token.text[0], *texts[at + 2 : end : 2], *_options(texts, end)}
        if (at and texts[at - 1] == ".") or (texts[end] != "(" and end == at + 1):
            continue
        state = "run"
        if skipped or named & {"skip", "todo", "x"}:
            state = "skip"
        elif named & {"only", "f"}:
            state = "only"
        if token.text not in _SUITES or state == "only":
            found.append([token.line, state])
        elif state == "skip" and not skipped:
            skipped = depth + 1
    return found


def _options(texts: list[str], at: int) -> Iterator[str]:
    """Yield which of the options `skip`, `todo` and `only` a test is given for certain."""
    for place in range(at, len(texts) - 2):
        if texts[place] in ("=", "function", ";", ""):
            return
        is_key = texts[place] in ("skip", "todo", "only") and texts[place + 1] == ":"
        if is_key and (texts[place + 2] == "true" or texts[place + 2][:1] in "\"'`"):
            yield texts[place]


def like(path: str, pattern: str) -> bool:
    """Match a path with a glob of Node's test runner; braces match anything."""
    return fnmatch.fnmatch(path, re.sub(r"\*\*/|\{.*?\}", "*", pattern.removeprefix("./")))
