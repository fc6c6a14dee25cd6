"""Which tests a file has, as pytest and as node --test would see them. Standard library only."""

import ast
import fnmatch
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from monorepo import javascript

# What a file with tests in JavaScript imports, unless its runner gives it names.
RUNNERS = {"node:test", "vitest", "@jest/globals", "bun:test"}
# What pytest takes an assertion for, beside the statement.
_PROOFS = re.compile(r"assert\w*|raises|warns|fail")
_FLOWS = (ast.If, ast.Try, ast.With, ast.For, ast.While)


class Pytest(NamedTuple):
    """How pytest collects, as its configuration says; see its reference for each."""

    testpaths: list[str]
    files: list[str]
    functions: list[str]
    classes: list[str]
    left_out: list[str]
    marks: str

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> "Pytest":
        """Take it from the options of pytest, with its defaults."""

        def words(key: str, default: str) -> list[str]:
            told = options.get(key, default)
            return [*map(str, told)] if isinstance(told, list) else shlex.split(str(told))

        given = words("addopts", "")
        chosen = [text for flag, text in pairwise(given) if flag == "-m"]
        return cls(
            words("testpaths", "."),
            words("python_files", "test_*.py *_test.py"),
            words("python_functions", "test"),
            words("python_classes", "Test"),
            words("norecursedirs", "*.egg .* _darcs build CVS dist node_modules venv {arch}"),
            chosen[-1] if chosen else "",
        )

    def runs(self, marks: Iterable[str]) -> bool:
        """Tell whether a test with these marks is among those that run by default."""
        return "skip" not in marks and _true(_parsed(self.marks or "True"), {*marks})


@cache
def _parsed(text: str) -> ast.expr:
    """Return an expression about marks; one that all meet if it is none."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return ast.Constant(value=True)


def _true(wanted: ast.expr, marks: set[str]) -> bool:
    """Evaluate an expression about marks."""
    if isinstance(wanted, ast.BoolOp):
        values = [_true(one, marks) for one in wanted.values]
        return all(values) if isinstance(wanted.op, ast.And) else any(values)
    if isinstance(wanted, ast.UnaryOp):
        return not _true(wanted.operand, marks)
    if isinstance(wanted, ast.Call):
        wanted = wanted.func
    return not isinstance(wanted, ast.Name) or wanted.id in marks


def matches(name: str, wanted: Sequence[str]) -> bool:
    """Tell whether a name starts with one of these, or is like one that is a pattern."""
    return any(name.startswith(one) or fnmatch.fnmatchcase(name, one) for one in wanted)


class Module:
    """A Python file that may have tests.

    Attributes:
        tests: the line and the marks of each test that pytest finds when it looks into the file.
        lost: the line of each class with tests that it passes over then, and why.
        proves: whether a test asserts anything, so that it is no function that is called so only.
    """

    def __init__(self, tree: ast.Module, pytest: Pytest) -> None:
        """Look at all that stands at the top."""
        self.pytest = pytest
        self.tests: list[tuple[int, list[str]]] = []
        self.lost: list[tuple[int, str]] = []
        self.proves = False
        top = list(_statements(tree.body))
        self._classes = {one.name: one for one in top if isinstance(one, ast.ClassDef)}
        self._marks: dict[str, set[str]] = {}
        for one in top:
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                self._marks[one.targets[0].id] = self._named([one.value])
                is_machine = isinstance(one.value, ast.Attribute) and one.value.attr == "TestCase"
                if is_machine and matches(one.targets[0].id, pytest.classes):
                    self.tests.append((one.lineno, []))
        above = self._own(tree.body)
        for statement in tree.body:
            if isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
                if any(word.arg == "allow_module_level" for word in call.keywords):
                    above |= {"skip"}
        bases = {base for one in self._classes.values() for base in _bases(one)}
        for one in top:
            if isinstance(one, ast.ClassDef):
                self._class(one, above, bases)
            else:
                self._function(one, above)

    def _function(self, one: ast.AST, above: set[str]) -> bool:
        """Note a function if it is a test."""
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        marks = self._named(one.decorator_list)
        if not matches(one.name, self.pytest.functions) or "fixture" in marks:
            return False
        self.tests.append((one.lineno, sorted(above | marks)))
        self.proves = self.proves or any(map(_proves, ast.walk(one)))
        return True

    def _class(self, one: ast.ClassDef, above: set[str], bases: set[str]) -> None:
        """Note the tests of a class, or that pytest passes them over."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        methods = [each.name for each in one.body if isinstance(each, kinds)]
        mine = [name for name in methods if matches(name, self.pytest.functions)]
        switched = [each for each in one.body if "__test__" in _targets(each)]
        case, named = self._is_case(one), matches(one.name, self.pytest.classes)
        made = {"__init__", "__new__"} & {*methods}
        if switched:
            return
        if not case and mine and made and named:
            self.lost.append((one.lineno, f"it has a {min(made)}"))
        elif not case and not named:
            # Others may call a method so; and what another class takes tests from needs no name.
            if mine and "test" in one.name.lower() and one.name not in bases:
                names = ", ".join(self.pytest.classes)
                self.lost.append((one.lineno, f"its name does not start with {names}"))
        else:
            marks = above | self._own(one.body) | self._named(one.decorator_list)
            found = [self._function(each, marks) for each in one.body]
            for each in one.body:
                if isinstance(each, ast.ClassDef):
                    self._class(each, marks, bases)
            if not any(found) and [base for base in _bases(one) if not base.endswith("TestCase")]:
                self.tests.append((one.lineno, sorted(marks)))

    def _is_case(self, one: ast.ClassDef) -> bool:
        """Tell whether a class is one of unittest's."""
        todo, seen = _bases(one), set[str]()
        while todo:
            name = todo.pop()
            if name.endswith("TestCase"):
                return True
            if name not in seen and name in self._classes:
                todo += _bases(self._classes[name])
            seen.add(name)
        return False

    def _own(self, body: Sequence[ast.stmt]) -> set[str]:
        """Return the marks that a module or a class gives all tests in it."""
        given = [getattr(one, "value", None) for one in body if "pytestmark" in _targets(one)]
        return self._named([one for one in given if one is not None])

    def _named(self, nodes: Sequence[ast.expr]) -> set[str]:
        """Return the marks that expressions name; of other decorators, their last name."""
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


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, and those that run on a condition."""
    for one in body:
        yield one
        if isinstance(one, _FLOWS):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(one, part, []))
            for handler in getattr(one, "handlers", []):
                yield from _statements(handler.body)


def _targets(one: ast.stmt) -> set[str]:
    """Return the names that a statement assigns to."""
    targets = one.targets if isinstance(one, ast.Assign) else [getattr(one, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _bases(one: ast.ClassDef) -> list[str]:
    """Return the last names of the classes that a class is made from."""
    names = [getattr(base, "attr", getattr(base, "id", "")) for base in one.bases]
    return [str(name) for name in names if name not in ("", "object")]


def _proves(node: ast.AST) -> bool:
    """Tell whether a node asserts something."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    return isinstance(node, ast.Assert) or bool(_PROOFS.fullmatch(str(name)))


def calls(text: str) -> list[tuple[int, bool]]:
    """Return the line of each test in JavaScript, and whether it is more than left out."""
    code = list(javascript.tokens(text))
    found = []
    ends = [*code[1:], *code[:1]]
    for before, one, after, then in zip([*ends[-1:], *code], code, ends, ends[1:], strict=False):
        if one.kind == "word" and one.text in ("test", "it") and before.text != ".":
            if after.text in ("(", "."):
                found.append((one.line, then.text not in ("skip", "todo")))
    return found


@cache
def like(pattern: str) -> re.Pattern[str]:
    """Return what matches the paths that a glob of Node's test runner does."""
    signs = {
        "**/": "(?:.*/)?",
        "**": ".*",
        "*": "[^/]*",
        "?": "[^/]",
        "{": "(?:",
        "}": ")",
        ",": "|",
    }
    pieces = re.findall(r"\*\*/|\*\*|.", pattern.removeprefix("./"), re.DOTALL)
    try:
        return re.compile("".join(signs.get(one) or re.escape(one) for one in pieces))
    except re.error:
        return re.compile(re.escape(pattern))
