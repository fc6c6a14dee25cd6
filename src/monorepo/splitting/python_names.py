"""Have the text of a Python file follow a module that goes to another package.

Imports are read from the syntax tree, so that each is known for what it is; strings, comments and
docstrings follow by `renaming.texts`. What is no Python follows word by word. Standard library
only.
"""

import ast
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from monorepo.renaming import doctests, texts
from monorepo.renaming.names import Names

# A place in a text, from start to end, and what stands there afterwards.
Edit = tuple[int, int, str]
_COMMA = re.compile(r"[ \t]*,[ \t]*")
# What imports a module by a name that it is given.
_IMPORTING = ("import_module", "find_spec", "__import__")
# The rest of a line without code.
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")
# What stands between `from` and `import`.
_FROM = re.compile(r"from\b\s*(?P<module>[\w.\s\\]*?)\s*\bimport\b")


@dataclass(frozen=True)
class Move:
    """A module that goes to another package.

    Attributes:
        source: its name: `acme_core.audio`.
        target: the name that it gets: `acme_audio`.
        exported: what packages above it have of its names, by the name of the package: the name
            that `target` has, by the name there. They do not have these afterwards.
    """

    source: str
    target: str
    exported: Mapping[str, Mapping[str, str]]

    def has(self, module: str) -> bool:
        """Tell whether a module is the one that goes, or in it."""
        return f"{module}.".startswith(f"{self.source}.")

    def named(self, module: str) -> str:
        """Return the new name of a module."""
        return self.target + module.removeprefix(self.source) if self.has(module) else module

    @cached_property
    def names(self) -> Names:
        """The same, as it stands in strings and documents."""
        words = {self.source: self.target}
        for package, names in self.exported.items():
            for name, new in names.items():
                words |= {f"{package}{sep}{name}": f"{self.target}{sep}{new}" for sep in ".:"}
        return Names(None, words, {}, {})


@dataclass(frozen=True)
class Place:
    """What a file is.

    Attributes:
        module: its name as a module; "" if it is in no package.
        is_package: whether it is the `__init__` of that.
    """

    module: str
    is_package: bool

    def absolute(self, node: ast.ImportFrom) -> str | None:
        """Return the module that an import is from; None if that is not known."""
        if not node.level:
            return node.module
        parts = self.module.split(".") if self.module else []
        up = node.level - self.is_package
        if not parts or up >= len(parts):
            return None
        return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


@dataclass
class Followed:
    """A text that has followed.

    Attributes:
        text: the new text.
        edits: what was replaced in the old one: start, end, and the new text.
        unclear: the lines of the old one that import what only running it tells.
    """

    text: str
    old: str
    edits: list[Edit]
    unclear: list[int] = field(default_factory=list)

    def line(self, number: int) -> int:
        """Return the line of the old text that a line of the new one comes from."""
        rows = self.text.split("\n")
        at = sum(len(row) + 1 for row in rows[: number - 1]) + len(rows[number - 1])
        shift = 0
        for start, end, new in self.edits:
            if start + shift >= at:
                break
            shift += len(new) - (end - start)
        return self.old.count("\n", 0, max(0, at - shift)) + 1


def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of a text; None if it is no Python."""
    try:
        return ast.parse(text)
    # Deep nesting raises one of the last two.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def place(path: str, folder: str) -> Place:
    """Return what the Python file at a path is, in the package at a folder."""
    start = f"{folder}/src/"
    if not path.startswith(start):
        return Place("", is_package=False)
    parts = path.removeprefix(start).rpartition(".")[0].split("/")
    is_package = parts[-1] == "__init__"
    return Place(".".join(parts[:-1] if is_package else parts), is_package)


def follow(text: str, at: Place, move: Move, file: str) -> Followed:
    """Return the text of a Python file in which the names of a module have followed.

    Args:
        text: the text of the file.
        at: what the file was before.
        move: the module that goes.
        file: its path, whose ending tells what it is.
    """
    tree = parsed(text)
    if tree is None:
        return Followed(move.names.data(text), text, [])
    reading = _Reading(text, at, move)
    reading.read(tree)
    edits = sorted([*reading.edits, *_examples(tree, reading.spans, move)])
    followed = edited(text, edits)
    return Followed(texts.rename(file, followed, move.names), text, edits, reading.unclear)


def examples(text: str, move: Move) -> list[Edit]:
    """Return the edits by which the names of a module follow in the doctests of a text."""

    def change(code: str) -> list[Edit]:
        tree = parsed(code)
        if tree is None:
            return []
        reading = _Reading(code, Place("", is_package=False), move)
        reading.read(tree)
        return reading.edits

    return doctests.edits(text, change)


def _examples(tree: ast.Module, spans: "Spans", move: Move) -> Iterator[Edit]:
    """Yield the same of the texts in a file: its docstrings, and others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and doctests.PROMPT in (_text(node) or ""):
            first, last = spans.of(node)
            for start, end, new in examples(spans.text[first:last], move):
                yield first + start, first + end, new


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text in which some places have another text."""
    parts, done = [], 0
    for start, end, new in edits:
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


class Spans:
    """Where the nodes of a syntax tree stand in the text."""

    def __init__(self, text: str) -> None:
        """Count the lines of a text as the tokenizer does: a form feed ends none."""
        self.text = text
        self._starts = [0, *accumulate(map(len, re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)))]

    def of(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """Return where a node begins and ends."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno, node.end_col_offset),
        )

    def _offset(self, line: int, column: int) -> int:
        # A column is counted in bytes.
        start = self._starts[line - 1]
        row = self.text[start : self._starts[line]]
        return start + len(row.encode()[:column].decode())

    def without(self, nodes: Sequence[ast.expr | ast.alias], gone: Collection[int]) -> list[Edit]:
        """Return the edits that take some of the items of a list out, of which others stay.

        Args:
            nodes: the items, in their order.
            gone: the places of those that go.
        """
        found: list[Edit] = []
        spans = [self.of(node) for node in nodes]
        closed = re.compile(r"\s*,?\s*(?:#[^\n]*\s*)*[)\]}]").match(self.text, spans[-1][1])
        for at in sorted(gone):
            start, end = spans[at]
            comma = _COMMA.match(self.text, end)
            row = self.text.rfind("\n", 0, start) + 1
            end = comma.end() if comma else end
            below = _REST.match(self.text, end)
            kept = [one for one in range(at) if one not in gone]
            if below and not self.text[row:start].strip() and (comma or closed):
                found.append((row, below.end(), ""))
            elif comma or not kept:
                found.append((start, end, ""))
            else:
                # It is the last one: the comma before it goes as well.
                found = [one for one in found if one[0] < spans[kept[-1]][1]]
                found.append((spans[kept[-1]][1], end, ""))
        return found

    def lines(self, start: int, statements: Iterable[str]) -> str:
        """Return statements that stand where another one begins, a line to each if it has one."""
        row = self.text.rfind("\n", 0, start) + 1
        indent = self.text[row:start]
        return ("; " if indent.strip() else "\n" + indent).join(statements)


def take_out(
    text: str,
    at: Place,
    source: str,
    names_of: Callable[[str], Collection[str]],
    inner: Mapping[str, Mapping[str, tuple[str, str]]],
) -> tuple[Followed, dict[str, tuple[str, str]]]:
    """Take what a package re-exports from a module of it out of its `__init__`.

    What the `__init__` uses itself stays in it.

    Args:
        text: the text of the `__init__`.
        at: its place.
        source: the module.
        names_of: returns the public names of a module.
        inner: what was taken out of packages in this one, by their names.

    Returns:
        The text; and by each name that it has not any more, the module and the name there.
    """
    tree = parsed(text)
    if tree is None:
        return Followed(text, text, []), {}
    move = Move(source, source, {})
    spans = Spans(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    edits: list[Edit] = []
    taken: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        base = at.absolute(node) if isinstance(node, ast.ImportFrom) else None
        if base is None or not isinstance(node, ast.ImportFrom):
            continue
        gone = set()
        for number, alias in enumerate(node.names):
            name = alias.asname or alias.name
            if alias.name == "*" and move.has(base):
                names = {one: (base, one) for one in names_of(base)}
            elif one := inner.get(base, {}).get(alias.name):
                names = {name: one}
            elif move.has(base) or f"{base}.{alias.name}" == source:
                names = {name: (base, alias.name)}
            else:
                continue
            if used.isdisjoint(names):
                gone.add(number)
                taken |= names
        start, end = spans.of(node)
        if len(gone) == len(node.names):
            edits.append(_line(text, start, end))
        elif gone:
            edits += spans.without(node.names, gone)
    edits += _unlisted(tree, spans, {*taken})
    edits.sort()
    # A submodule is no name of its package: who imports it follows as with any other module.
    names = {name: one for name, one in taken.items() if ".".join(one) != source}
    return Followed(edited(text, edits), text, edits), names


def _unlisted(tree: ast.Module, spans: Spans, names: Collection[str]) -> Iterator[Edit]:
    """Yield the edits that take names out of `__all__`."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        if not any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            continue
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) else None
        if not isinstance(value, ast.List | ast.Tuple):
            continue
        gone = _strings(value.elts, names)
        if gone and len(gone) == len(value.elts):
            start, end = spans.of(node if isinstance(node, ast.Assign) else value)
            # A type checker asks what an empty list is of.
            yield start, end, "__all__: list[str] = []" if isinstance(node, ast.Assign) else "[]"
        elif gone:
            yield from spans.without(value.elts, gone)


def _strings(nodes: Sequence[ast.expr], names: Collection[str]) -> set[int]:
    """Return the places of the nodes that are one of some strings."""
    return {
        at for at, one in enumerate(nodes) if isinstance(one, ast.Constant) and one.value in names
    }


def public_names(text: str) -> list[str]:
    """Return the names that `from … import *` has of a module."""
    tree = parsed(text) or ast.Module([], [])
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            items = value.elts if isinstance(value, ast.List | ast.Tuple) else []
            return [
                one.value
                for one in items
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
    return [name for name in bound(tree) if not name.startswith("_")]


def bound(tree: ast.Module) -> list[str]:
    """Return the names that the statements of a module bind, also those in `if` and `try`."""
    found, todo = list[str](), list[ast.AST](reversed(tree.body))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.alias):
            found.append(node.asname or node.name.partition(".")[0])
        else:
            found += (
                [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []
            )
            todo += reversed(list(ast.iter_child_nodes(node)))
    return list(dict.fromkeys(found))


def with_exports(text: str, module: str, exports: Iterable[tuple[str, str, str]]) -> Followed:
    """Return the text of an `__init__` that has more names of its submodules.

    Args:
        text: the text.
        module: the package.
        exports: the submodule, the name there, and the name that it gets.
    """
    # What is no Python yet gets them at its top.
    tree, spans = parsed(text) or ast.Module([], []), Spans(text)
    listed = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.List | ast.Tuple)
        and "__all__" in ast.unparse(node).partition("=")[0]
    ]
    rows, names = [], []
    for submodule, name, new in exports:
        relative = submodule.removeprefix(module) or "."
        same = name == new and listed
        rows.append(f"from {relative} import {name}{'' if same else f' as {new}'}")
        names.append(new)
    if not rows:
        return Followed(text, text, [])
    edits: list[Edit] = []
    if listed:
        node = listed[-1]
        assert isinstance(node.value, ast.List | ast.Tuple)
        have = [ast.literal_eval(one) for one in node.value.elts if isinstance(one, ast.Constant)]
        start, end = spans.of(node)
        edits.append((start, end, f"__all__ = {json.dumps(sorted({*have, *names}))}"))
    heads: list[ast.stmt] = [
        one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)
    ]
    heads = heads or [one for one in tree.body[:1] if ast.get_docstring(tree) is not None]
    place = spans.of(heads[-1])[1] if heads else 0
    before = "\n" if heads and isinstance(heads[-1], ast.Expr) else ""
    edits.append((place, place, "\n" * bool(heads) + before + "\n".join(rows) + "\n" * (not heads)))
    edits.sort()
    return Followed(edited(text, edits), text, edits)


def _called(node: ast.Call) -> str:
    """Return the last part of the name of a called function."""
    function = node.func
    name = function.id if isinstance(function, ast.Name) else ""
    return function.attr if isinstance(function, ast.Attribute) else name


def _text(node: ast.expr) -> str | None:
    """Return the text that an expression is; None if it is none."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _line(text: str, start: int, end: int) -> Edit:
    """Return the edit that takes a statement out, with its line if that is its own."""
    row, below = text.rfind("\n", 0, start) + 1, _REST.match(text, end)
    if below and not text[row:start].strip():
        return row, below.end(), ""
    after = re.compile(r"[ \t]*;[ \t]*").match(text, end)
    return start, after.end() if after else end, "" if after else "pass"


@dataclass
class _Site:
    """Where an import binds the name of a package that the module was in.

    `whole` tells whether it does nothing else, as `import acme_core` does.
    """

    node: ast.Import | ast.ImportFrom
    alias: ast.alias
    is_top: bool
    whole: bool


class _Reading:
    """What has been read of a file."""

    def __init__(self, text: str, at: Place, move: Move) -> None:
        """Read nothing yet."""
        self.at, self.move, self.spans = at, move, Spans(text)
        self.text = text
        self.edits: list[Edit] = []
        self.unclear: list[int] = []
        self._bound: dict[str, str] = {}
        self._sites: dict[str, list[_Site]] = {}
        # Imports of the module that bind the package which it was in.
        self._own: list[tuple[ast.Import, bool]] = []
        # Of each statement at the top, the number of the block of imports that it is in.
        self._blocks: dict[int, int] = {}

    def read(self, tree: ast.Module) -> None:
        """Note what changes in the imports, and in what they bind."""
        block = 0
        for node in tree.body:
            block += not isinstance(node, ast.Import | ast.ImportFrom)
            self._blocks[id(node)] = block
        for each in ast.walk(tree):
            if isinstance(each, ast.ImportFrom):
                self._from(each, is_top=id(each) in self._blocks)
            elif isinstance(each, ast.Import):
                self._import(each, is_top=id(each) in self._blocks)
            elif isinstance(each, ast.Call) and _called(each) in _IMPORTING:
                self._call(each)
        if self._bound:
            self._uses(tree)
            self._lists(tree)

    def _is_above(self, module: str) -> bool:
        """Tell whether a module is a package that the one that goes is in."""
        return self.move.source.startswith(f"{module}.")

    def _import(self, node: ast.Import, *, is_top: bool) -> None:
        """Note what changes in `import …`."""
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if self.move.has(alias.name):
                start, _ = self.spans.of(alias)
                self.edits.append((start, start + len(alias.name), self.move.named(alias.name)))
                if alias.asname is None:
                    self._bound[root] = root
                    self._own.append((node, is_top))
            elif self._is_above(root) and (alias.asname is None or self._is_above(alias.name)):
                name = alias.asname or root
                self._bound[name] = alias.name if alias.asname else root
                whole = len(node.names) == 1 and self._is_above(alias.name)
                self._sites.setdefault(name, []).append(_Site(node, alias, is_top, whole))

    def _from(self, node: ast.ImportFrom, *, is_top: bool) -> None:
        """Note what changes in `from … import …`."""
        base = self.at.absolute(node)
        if base is None:
            return
        if self.move.has(base):
            if not (node.level and self._is_inside):
                self._module(node, self.move.named(base))
            return
        gone: dict[int, str] = {}
        for number, alias in enumerate(node.names):
            whole, name = f"{base}.{alias.name}", alias.asname or alias.name
            if whole == self.move.source:
                new = self.move.target
                gone[number] = f"import {new}" if name == new else f"import {new} as {name}"
            elif new := self.move.exported.get(base, {}).get(alias.name, ""):
                other = "" if new == name else f" as {name}"
                gone[number] = f"from {self.move.target} import {new}{other}"
            elif self._is_above(whole):
                self._bound[name] = whole
                self._sites.setdefault(name, []).append(_Site(node, alias, is_top, whole=False))
        self._without(node, gone)
        if node.level and self.move.has(self.at.module) and len(gone) < len(node.names):
            self._module(node, base)

    @property
    def _is_inside(self) -> bool:
        """Whether what is relative to its package goes along: a module of one file has none."""
        goes = self.move.has(self.at.module)
        return goes and (self.at.module != self.move.source or self.at.is_package)

    def _call(self, node: ast.Call) -> None:
        """Note what changes in `import_module(".audio", __package__)`, and what cannot be told."""
        values = [*node.args, *(one.value for one in node.keywords)]
        if not values or (len(values) == 1 and _text(values[0]) is not None):
            return
        name, anchor = _text(values[0]), self._anchor(values[1:])
        is_plain = all(one.arg == "package" for one in node.keywords) and len(values) == len("ab")
        if name is None or anchor is None or not is_plain:
            root = self.move.source.partition(".")[0]
            words = [_text(one) or "" for one in ast.walk(node) if isinstance(one, ast.Constant)]
            if self.at.module.partition(".")[0] == root or any(
                f"{word}.".startswith(f"{root}.") for word in words
            ):
                self.unclear.append(node.lineno)
            return
        up = len(name) - len(name.lstrip("."))
        parts = anchor.split(".")
        if not up or up > len(parts):
            return
        base = ".".join(parts[: len(parts) - up + 1])
        whole = ".".join([base, *filter(None, [name[up:]])])
        goes = self.move.has(self.at.module)
        if self.move.has(whole):
            if self._is_inside and self.move.has(base):
                return
        elif not (goes and self._is_above(f"{whole}.".partition(".")[0])):
            return
        start, end = self.spans.of(values[0])[0], self.spans.of(values[1])[1]
        self.edits.append((start, end, json.dumps(self.move.named(whole))))

    def _anchor(self, nodes: Sequence[ast.expr]) -> str | None:
        """Return the package that a call imports from; None if that is not known."""
        if not nodes:
            return None
        if (text := _text(nodes[0])) is not None:
            return text
        word, module = ast.unparse(nodes[0]), self.at.module
        if word == "__name__":
            return module or None
        if word not in ("__package__", "__spec__.parent"):
            return None
        return (module if self.at.is_package else module.rpartition(".")[0]) or None

    def _module(self, node: ast.ImportFrom, name: str) -> None:
        """Note another module that an import is from."""
        found = _FROM.match(self.text, *self.spans.of(node))
        assert found
        start, end = found.span("module")
        before = "" if self.text[start - 1].isspace() else " "
        after = "" if self.text[end].isspace() else " "
        self.edits.append((start, end, before + name + after))

    def _without(self, node: ast.ImportFrom, gone: Mapping[int, str]) -> None:
        """Note an import without some of its names, which other imports have from now on."""
        if not gone:
            return
        statements = list(dict.fromkeys(gone.values()))
        start, end = self.spans.of(node)
        if len(gone) == len(node.names):
            self.edits.append((start, end, self.spans.lines(start, statements)))
        else:
            self.edits.append((start, start, self.spans.lines(start, [*statements, ""])))
            self.edits += self.spans.without(node.names, gone)

    def _uses(self, tree: ast.Module) -> None:
        """Note what changes where a package is named that the module was in."""
        replaced: set[str] = set()
        kept: set[str] = set()
        for root, chain in _chains(tree):
            if root.id not in self._bound:
                continue
            found = [(node, self._new(f"{self._bound[root.id]}.{names}")) for node, names in chain]
            changed = next(((node, new) for node, new in found if new), None)
            if changed:
                self.edits.append((*self.spans.of(changed[0]), changed[1]))
                replaced.add(root.id)
            else:
                kept.add(root.id)
        for name in sorted(replaced & self._sites.keys()):
            self._bind(name, is_used=name in kept)
        self._keep({name for name in kept if name not in self._sites})

    def _bind(self, name: str, *, is_used: bool) -> None:
        """Note the import of the new package, where the one that it was in is imported."""
        sites = self._sites[name]
        tops = [site for site in sites if site.is_top]
        new = f"import {self.move.target}"
        first = min((self._blocks[id(node)] for node, is_top in self._own if is_top), default=None)
        for site in sites if not is_used else tops[:1] or sites:
            start, end = self.spans.of(site.node)
            block = self._blocks.get(id(site.node))
            has_target = first is not None and (block is None or first <= block)
            if is_used or not site.whole:
                here = not has_target and (not tops or site is tops[0])
                lines = self.spans.lines(start, [new, ""])
                self.edits += [(start, start, lines)] if here else []
            elif site.is_top and (has_target or site is not tops[0]):
                self.edits.append(_line(self.text, start, end))
            else:
                self.edits.append((start, end, new))

    def _keep(self, names: Collection[str]) -> None:
        """Note the import of a package of which only an import of the module had the name."""
        for name in sorted(names):
            tops = [node for node, is_top in self._own if is_top]
            for node in tops[:1] or [node for node, _ in self._own]:
                start, _ = self.spans.of(node)
                self.edits.append((start, start, self.spans.lines(start, [f"import {name}", ""])))

    def _new(self, whole: str) -> str:
        """Return what takes the place of a name with its attributes; "" if it stays."""
        if whole == self.move.source:
            return self.move.target
        package, _, name = whole.rpartition(".")
        new = self.move.exported.get(package, {}).get(name, "")
        return f"{self.move.target}.{new}" if new else ""

    def _lists(self, tree: ast.Module) -> None:
        """Note what changes where `__all__` of a package is compared with a list."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            inner = [*ast.walk(node)]
            gone = {
                name
                for one in inner
                if isinstance(one, ast.Attribute) and one.attr == "__all__"
                if isinstance(one.value, ast.Name) and one.value.id in self._bound
                for name in self.move.exported.get(self._bound[one.value.id], {})
            }
            for one in inner if gone else ():
                if isinstance(one, ast.List | ast.Set | ast.Tuple):
                    found = _strings(one.elts, gone)
                    if found and len(found) == len(one.elts):
                        empty = {ast.List: "[]", ast.Set: "set()", ast.Tuple: "()"}[type(one)]
                        self.edits.append((*self.spans.of(one), empty))
                    elif found:
                        self.edits += self.spans.without(one.elts, found)


def _chains(tree: ast.Module) -> Iterator[tuple[ast.Name, list[tuple[ast.Attribute, str]]]]:
    """Yield each name, with the attributes of it that follow: `a`, and `.b`, `.b.c` of `a.b.c`."""
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            links = [node]
            while isinstance(links[-1].value, ast.Attribute):
                links.append(links[-1].value)
            inner |= {id(one) for one in links}
            if isinstance(root := links[-1].value, ast.Name):
                inner.add(id(root))
                links.reverse()
                names = accumulate((one.attr for one in links), "{}.{}".format)
                yield root, list(zip(links, names, strict=True))
        elif isinstance(node, ast.Name) and id(node) not in inner:
            yield node, []
