"""Find the tests in a file, as pytest and node --test collect them. Standard library only."""

import ast
import fnmatch
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from monorepo.parsing import javascript

# Modules that JavaScript test files import, unless their runner has globals.
RUNNERS = {"node:test", "vitest", "@jest/globals", "bun:test"}
# The names of assertions, besides the assert statement.
_PROOFS = re.compile(r"assert\w*|raises|warns|fail")
# Files that pytest collects by default, and conftest.py.
_COLLECTED = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|conftest)\.py")
_FLOWS = (ast.If, ast.Try, ast.With, ast.For, ast.While, ast.ExceptHandler)


def words(text: object) -> list[str]:
    """Split a command or an option into words; none if it is malformed."""
    try:
        return shlex.split(text) if isinstance(text, str) else []
    except ValueError:
        return []


class Pytest(NamedTuple):
    """The collection settings of pytest; see its reference for each."""

    testpaths: list[str]
    files: list[str]
    left_out: list[str]
    marks: str
    # Whether the import mode is importlib.
    by_path: bool

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> "Pytest":
        """Return the settings of the options of pytest, with its defaults."""

        def option(key: str, default: str) -> list[str]:
            value = options.get(key, default)
            return [*map(str, value)] if isinstance(value, list) else words(value)

        flags = option("addopts", "")
        chosen = [text for flag, text in pairwise(flags) if flag == "-m"]
        return cls(
            option("testpaths", ".") or ["."],
            option("python_files", "test_*.py *_test.py"),
            option("norecursedirs", "*.egg .* _darcs build CVS dist node_modules venv {arch}"),
            chosen[-1] if chosen else "",
            "--import-mode=importlib" in flags,
        )

    def hidden(self, folders: Iterable[str]) -> list[str]:
        """Return the folders that match norecursedirs."""
        return [
            folder for folder in folders for out in self.left_out if fnmatch.fnmatch(folder, out)
        ]

    def runs(self, marks: Iterable[str]) -> bool:
        """Return whether a test with these marks runs by default."""
        # The marks after `not` in `-m`: a name, or several in parentheses.
        without = re.findall(r"\bnot\s+(\w+|\([^)]*\))", self.marks)
        return {"skip", *re.findall(r"\w+", " ".join(without))}.isdisjoint(marks)


class Module:
    """A Python file that may have tests.

    Attributes:
        tests: the line and the marks of each test that pytest collects from the file.
        lost: the line of each class with tests that pytest does not collect, and why.
        proves: whether any test has an assertion; without one, it may be some other function.
    """

    def __init__(self, tree: ast.Module) -> None:
        """Find the tests at the top level of a module."""
        self.tests: list[list[Any]] = []
        self.lost: list[list[Any]] = []
        self.proves = False
        self._cases = set[str]()
        self._marks: dict[str, set[str]] = {}
        top = list(_statements(tree.body))
        for statement in top:
            if isinstance(statement, ast.Assign):
                self._marks |= dict.fromkeys(_targets(statement), self._named([statement.value]))
        above = self._own(tree.body)
        for statement in top:
            # `TestX = Machine.TestCase` is a test of Hypothesis.
            if (
                isinstance(statement, ast.Assign)
                and getattr(statement.value, "attr", "") == "TestCase"
            ):
                self.tests.append([statement.lineno, []])
            self._look(statement, above)

    def _look(self, node: ast.AST, above: set[str]) -> None:
        """Record a test function, or the tests of a class."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = self._named(node.decorator_list)
            if node.name.startswith("test") and "fixture" not in marks:
                self.tests.append([node.lineno, sorted(above | marks)])
                self.proves = self.proves or any(map(_proves, ast.walk(node)))
        elif isinstance(node, ast.ClassDef):
            self._class(node, above)

    def _class(self, node: ast.ClassDef, above: set[str]) -> None:
        """Record the tests of a class, or that pytest does not collect them."""
        bases = [str(getattr(base, "attr", getattr(base, "id", ""))) for base in node.bases]
        is_case = any(base.endswith("TestCase") or base in self._cases for base in bases)
        self._cases |= {node.name} if is_case else set()
        disabled = any("__test__" in _targets(each) for each in node.body)
        if disabled or not (is_case or node.name.startswith("Test")):
            return
        before = len(self.tests)
        marks = above | self._own(node.body) | self._named(node.decorator_list)
        for each in node.body:
            self._look(each, marks)
        made = {"__init__", "__new__"} & {getattr(each, "name", "") for each in node.body}
        if len(self.tests) > before and made and not is_case:
            del self.tests[before:]
            self.lost.append([node.lineno, f"it has a {min(made)}"])
        elif len(self.tests) == before and any(not base.endswith("TestCase") for base in bases):
            # Its tests are inherited.
            self.tests.append([node.lineno, sorted(marks)])

    def _own(self, body: Sequence[ast.stmt]) -> set[str]:
        """Return the `pytestmark` marks of a module or a class."""
        given = (
            getattr(statement, "value", None)
            for statement in body
            if "pytestmark" in _targets(statement)
        )
        return self._named(value for value in given if value)

    def _named(self, nodes: Iterable[ast.AST]) -> set[str]:
        """Return the marks in expressions; of other decorators, the last part of their name."""
        found: set[str] = set()
        for node in nodes:
            value = node.func if isinstance(node, ast.Call) else node
            if isinstance(value, ast.List | ast.Tuple):
                found |= self._named(value.elts)
            elif isinstance(value, ast.Attribute):
                found.add(value.attr)
            elif isinstance(value, ast.Name):
                found |= self._marks.get(value.id, {value.id})
        return found


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements, also nested ones in conditions, loops, `try` and `with`."""
    for statement in body:
        yield statement
        if isinstance(statement, _FLOWS):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _statements(getattr(statement, part, []))


def _targets(statement: ast.AST) -> set[str]:
    """Return the names that a statement assigns to."""
    targets = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [getattr(statement, "target", None)]
    )
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _proves(node: ast.AST) -> bool:
    """Return whether a node is an assertion."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    return isinstance(node, ast.Assert) or bool(_PROOFS.fullmatch(str(name)))


def is_test(file: str) -> bool:
    """Return whether a Python file belongs to the tests, by its path."""
    return "tests" in file.split("/")[:-1] or bool(_COLLECTED.fullmatch(file))


def above(path: str) -> list[str]:
    """Return the parent folders of a file, the outermost first."""
    return list(accumulate(path.split("/")[:-1], lambda folder, name: f"{folder}/{name}"))


def calls(text: str) -> list[list[Any]]:
    """Return the line of each JavaScript test, and whether it runs (is not skip or todo)."""
    code = javascript.tokens(text)
    texts = ["", *(token.text for token in code), "", ""]
    found = []
    for token, before, after, then in zip(code, texts, texts[2:], texts[3:], strict=False):
        if token.text in ("test", "it") and before != "." and after in ("(", "."):
            found.append([token.line, then not in ("skip", "todo")])
    return found


def like(path: str, pattern: str) -> bool:
    """Match a path with a glob of Node's test runner; braces match anything."""
    return fnmatch.fnmatch(path, re.sub(r"\*\*/|\{.*?\}", "*", pattern.removeprefix("./")))
