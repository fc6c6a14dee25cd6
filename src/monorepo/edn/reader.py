"""Read EDN (https://github.com/edn-format/edn) strictly: one form of data, all mistakes at once.

What readers disagree about is a mistake, and what manifests never need: tags, characters, ratios,
numbers beyond 64 bits, keys that are collections. Standard library only.
"""

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import DEEPEST

# No manifest is larger, and a stranger's branch may have any file.
LARGEST = 1_000_000
# After so many mistakes, the rest of a text is not read.
MOST = 100

_TOKEN = re.compile(
    r"""
    (?P<blank>(?:[ \t\n\r\f,]+|;[^\n]*)+)
    |(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
    |(?P<discard>\#_)
    |(?P<open>\#\{|[\[{(])
    |(?P<close>[\]})])
    |(?P<character>\\.?[^\s,;"()\[\]{}\\]*)
    |(?P<word>[^\s,;"()\[\]{}\\]+)
    |(?P<wrong>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = r"(?:[A-Za-z*!_?$%&=<>]|[-+.](?![0-9]))[A-Za-z0-9.*!_?$%&=<>+#:-]*(?<!:)"
_IS_SYMBOL = re.compile(rf"{_NAME}(?:/{_NAME})?|/")
_IS_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_IS_FLOAT = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_IS_NUMBER = re.compile(r"[+-]?[0-9].*")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
_CLOSERS = {"[": "]", "(": ")", "{": "}", "#{": "}", "": ""}
_WORDS = {"nil": None, "true": True, "false": False}
# What Clojure's reader makes code of.
_MACROS = {
    "@": "a dereference",
    "'": "a quotation",
    "`": "a quotation",
    "~": "an unquotation",
    "^": "metadata",
}
# In the place of a value that cannot be read.
_WRONG = object()


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword: its text without the colon, such as `package/name`."""

    text: str

    def __str__(self) -> str:
        """Return it as it is written."""
        return f":{self.text}"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol: its text."""

    text: str

    def __str__(self) -> str:
        """Return it as it is written."""
        return self.text


class Mistake(NamedTuple):
    """A mistake in a text: its line and column, from 1, what is wrong and how to fix it."""

    line: int
    column: int
    message: str
    fix: str


class EdnError(ValueError):
    """A text is not EDN, or not what was asked for: all mistakes, in the order of the text."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        """Keep the mistakes."""
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes

    def of(self, path: str) -> UsageError:
        """Return the error as a UsageError for the file at `path`."""
        return UsageError(
            *(f"{path}:{line}:{column}: {what}; {fix}" for line, column, what, fix in self.mistakes)
        )


# Where a value stands in the text, and the key before it; without a key, both are the same.
_Mark = tuple[int, int]


@dataclass(frozen=True)
class Document:
    """A text, and the value that it is.

    `value` consists of dict, list (also for a list in parentheses), frozenset, str, int, float,
    bool, None, Keyword and Symbol. Keys and members of sets are Keyword, Symbol, str or int.
    """

    text: str
    value: object
    start: int
    marks: Mapping[int, Mapping[str | int, _Mark]]

    def position(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """Return line and column, from 1, of the value at `path`.

        A step of the path is an index, or the text of a key without its colon; steps that lead
        nowhere are passed over.
        """
        return place(self.text, self._mark(path)[1])

    def key_position(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """Return line and column, from 1, of the key of the value at `path`; see `position`."""
        return place(self.text, self._mark(path)[0])

    def offset(self, path: tuple[str | int, ...]) -> int:
        """Return where in the text the value at `path` begins; see `position`."""
        return self._mark(path)[1]

    def at(self, path: tuple[str | int, ...]) -> object:
        """Return the value at `path`; see `position`."""
        return self._steps(path)[0]

    def _mark(self, path: tuple[str | int, ...]) -> _Mark:
        return self._steps(path)[1]

    def _steps(self, path: tuple[str | int, ...]) -> tuple[object, _Mark]:
        value, mark = self.value, (self.start, self.start)
        for step in path:
            marks = self.marks.get(id(value), {})
            if step not in marks:
                continue
            mark = marks[step]
            if isinstance(value, dict):
                value = next(inner for key, inner in value.items() if _step(key) == step)
            elif isinstance(value, list) and isinstance(step, int):
                value = value[step]
        return value, mark


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of an offset in a text."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def end_of(text: str, offset: int) -> int:
    """Return where the value that begins at an offset of a valid text ends."""
    depth = 0
    for found in _TOKEN.finditer(text, offset):
        depth += {"open": 1, "close": -1}.get(found.lastgroup or "", 0)
        if not depth:
            return found.end()
    return len(text)


def is_keyword(text: str) -> bool:
    """Return whether a text can be a keyword, without its colon."""
    return text != "/" and _IS_SYMBOL.fullmatch(text) is not None


def read(text: str) -> Document:
    """Read a text that is one form. A byte order mark and CRLF are read past.

    Raises:
        EdnError: it is not strict EDN, or not one form; with all mistakes.
    """
    return _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n")).read()


@dataclass
class _Frame:
    """A collection whose end has not been read: its bracket, its values and where they stand."""

    bracket: str
    start: int
    values: list[object] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    discards: list[int] = field(default_factory=list)


class _TooMuchError(Exception):
    """The rest of a text cannot be read."""


class _Reader:
    """One reading of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mistakes: list[tuple[int, str, str]] = []
        self.marks: dict[int, Mapping[str | int, _Mark]] = {}
        self.stack = [_Frame("", 0)]
        # Collections that are left out are kept: the place in memory of one tells it apart.
        self.kept: list[object] = []

    def read(self) -> Document:
        with contextlib.suppress(_TooMuchError):
            self._scan()
            self._end()
        if self.mistakes:
            found = sorted(self.mistakes)
            raise EdnError(tuple(Mistake(*place(self.text, at), *what) for at, *what in found))
        top = self.stack[0]
        return Document(self.text, top.values[0], top.starts[0], self.marks)

    def _wrong(self, at: int, message: str, fix: str) -> object:
        self.mistakes.append((at, message, fix))
        if len(self.mistakes) == MOST:
            raise _TooMuchError
        return _WRONG

    def _scan(self) -> None:
        """Read all tokens.

        Raises:
            _TooMuchError: after a mistake that leaves no sense in what follows.
        """
        if len(self.text) > LARGEST:
            self._wrong(0, f"has more than {LARGEST:,} characters", "make it smaller")
            raise _TooMuchError
        if line := text_files.conflict(self.text):
            at = sum(map(len, self.text.splitlines(keepends=True)[: line - 1]))
            self._wrong(at, "has a conflict marker of git", "resolve the conflict")
            raise _TooMuchError
        handlers: dict[str | None, Callable[[int, str], None]] = {
            "blank": lambda at, token: None,
            "string": lambda at, token: self._push(at, self._string(at, token)),
            "discard": lambda at, token: self.stack[-1].discards.append(at),
            "open": self._open,
            "close": self._close,
            "character": self._character,
            "word": self._word,
            "wrong": self._stray,
        }
        for found in _TOKEN.finditer(self.text):
            handlers[found.lastgroup](found.start(), found[0])

    def _push(self, at: int, value: object) -> None:
        """Add a value to the collection that is open, unless it is discarded."""
        frame = self.stack[-1]
        if frame.discards:
            frame.discards.pop()
            self.kept.append(value)
            return
        if len(self.stack) == 1 and len(frame.values) == 1:
            self._wrong(at, "is a second form", "write one, such as a map, in a file")
        frame.values.append(value)
        frame.starts.append(at)

    def _open(self, at: int, bracket: str) -> None:
        if len(self.stack) > DEEPEST:
            self._wrong(at, f"is nested more than {DEEPEST} deep", "make it flatter")
            raise _TooMuchError
        self.stack.append(_Frame(bracket, at))

    def _close(self, at: int, bracket: str) -> None:
        if all(_CLOSERS[frame.bracket] != bracket for frame in self.stack):
            self._wrong(at, f"{bracket} closes nothing", "remove it")
            return
        while _CLOSERS[(frame := self.stack.pop()).bracket] != bracket:
            line, column = place(self.text, at)
            fix = f"write {_CLOSERS[frame.bracket]} before the {bracket} at {line}:{column}"
            self._wrong(frame.start, f"{frame.bracket} is not closed", fix)
            self._push(frame.start, _WRONG)
        self._discards(frame)
        self._push(frame.start, self._collection(frame))

    def _discards(self, frame: _Frame) -> None:
        for at in frame.discards:
            self._wrong(at, "#_ has no form to discard", "remove it")

    def _collection(self, frame: _Frame) -> object:
        """Return the value of a collection that is complete, and note where its values stand."""
        value: dict[object, object] | list[object] | frozenset[object]
        if frame.bracket == "{":
            value = self._map(frame)
        elif frame.bracket == "#{":
            keys = self._keys(frame.values, frame.starts, "the member", "of a set")
            value = frozenset(key for key, _, _ in keys)
        else:
            value = frame.values
            self.marks[id(value)] = {at: (mark, mark) for at, mark in enumerate(frame.starts)}
        return value

    def _map(self, frame: _Frame) -> dict[object, object]:
        if len(frame.values) % 2:
            line, column = place(self.text, frame.start)
            message = f"the map at {line}:{column} has a key without a value"
            self._wrong(frame.starts[-1], message, "give each key one value")
        keys = self._keys(frame.values[::2], frame.starts[::2], "the key", "of a map")
        value: dict[object, object] = {}
        marks: dict[str | int, _Mark] = {}
        for key, index, at in keys:
            if 2 * index + 1 < len(frame.values):
                value[key] = frame.values[2 * index + 1]
                marks[_step(key)] = (at, frame.starts[2 * index + 1])
        self.marks[id(value)] = marks
        return value

    def _keys(
        self, keys: list[object], starts: list[int], role: str, owner: str
    ) -> Iterator[tuple[object, int, int]]:
        """Yield the keys that can be keys, each once, with index and place."""
        seen: dict[str | int, object] = {}
        for index, (key, at) in enumerate(zip(keys, starts, strict=True)):
            if key is _WRONG:
                continue
            if isinstance(key, bool) or not isinstance(key, Keyword | Symbol | str | int):
                message = f"this cannot be {role} {owner}"
                self._wrong(at, message, "use a keyword, a string or an integer")
            elif (step := _step(key)) not in seen:
                seen[step] = key
                yield key, index, at
            elif (first := seen[step]) == key:
                self._wrong(at, f"{role} {_shown(key)} is there twice", "remove one of them")
            else:
                # Each is a key of its own in EDN, and the same one in JSON and TOML.
                what = f"{role} {_shown(key)} is there as {_shown(first)} as well"
                self._wrong(at, what, "remove one of them")

    def _string(self, at: int, token: str) -> object:
        if control := _CONTROL.search(token):
            code = f"U+{ord(control[0]):04X}"
            where = at + control.start()
            return self._wrong(where, f"has the control character {code}", "write an escape")
        if "\\" not in token:
            return token[1:-1]
        wrong = False

        def unescaped(found: re.Match[str]) -> str:
            nonlocal wrong
            if len(found[1]) == 5:
                return chr(int(found[1][1:], 16))
            if found[1] not in _ESCAPES:
                wrong = True
                message = f"{ascii(found[0])[1:-1]} is no escape".replace("\\\\", "\\")
                fix = r"write one of \" \\ \n \t \r \b \f \u0000"
                self._wrong(at + found.start(), message, fix)
            return _ESCAPES.get(found[1], "")

        value = _ESCAPE.sub(unescaped, token)[1:-1]
        try:
            # Two escapes may be a pair of surrogates, as in JSON.
            value = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            return self._wrong(at, "has half of a surrogate pair (\\ud…)", "write both, or none")
        return _WRONG if wrong else value

    def _character(self, at: int, token: str) -> None:
        message = f"{_cut(token)} is a character"
        self._push(at, self._wrong(at, message, f'write a string, such as "{_cut(token[1:])}"'))

    def _word(self, at: int, token: str) -> None:
        if token in _WORDS:
            self._push(at, _WORDS[token])
        elif token[0] == ":":
            self._push(at, self._keyword(at, token))
        elif _IS_NUMBER.fullmatch(token):
            self._push(at, self._number(at, token))
        elif _IS_SYMBOL.fullmatch(token):
            self._push(at, Symbol(token))
        else:
            self._foreign(at, token)

    def _keyword(self, at: int, token: str) -> object:
        if is_keyword(token[1:]):
            return Keyword(token[1:])
        fix = "write :name or :prefix/name, of letters, digits and dashes"
        return self._wrong(at, f"{_cut(token)} is not a keyword", fix)

    def _number(self, at: int, token: str) -> object:
        if _IS_INTEGER.fullmatch(token):
            # No int of a long text: the time for one grows with the square.
            if len(token) <= 20 and -(2**63) <= int(token) < 2**63:
                return int(token)
            return self._wrong(at, f"{_cut(token)} has more than 64 bits", "write a smaller number")
        if _IS_FLOAT.fullmatch(token):
            if len(token) <= 1_000 and math.isfinite(float(token)):
                return float(token)
            return self._wrong(at, f"{_cut(token)} is too large", "write a smaller number")
        if "/" in token:
            message, fix = "is a ratio, which EDN does not have", "write a number such as 0.5"
        elif token[-1] in "NM" and _IS_FLOAT.fullmatch(token[:-1]):
            message, fix = f"has the suffix {token[-1]}", f"write {_cut(token[:-1])}"
        else:
            message, fix = "is not a number", "write one such as 8, -1 or 0.5, or a string"
        return self._wrong(at, f"{_cut(token)} {message}", fix)

    def _foreign(self, at: int, token: str) -> None:
        """Note a word that is not EDN; one that belongs to what follows is no form itself."""
        if token[0] in _MACROS:
            what = f"{_cut(token)} is code ({_MACROS[token[0]]}), not data"
            self._wrong(at, what, "write a value: a string, a number, a keyword")
            if token in _MACROS:
                return
        elif token.startswith("#:"):
            message = f"{_cut(token)} is a prefix for a whole map, which EDN does not have"
            self._wrong(at, message, "write the prefix into each key")
            return
        elif token[0] == "#" and not token.startswith("##"):
            message = (
                f"{_cut(token)} is a tag" if token[1:2].isalpha() else f"{_cut(token)} is code"
            )
            self._wrong(at, f"{message}, which a manifest has no use for", "write a plain value")
            return
        else:
            message = f"{_cut(token)} is not a value"
            self._wrong(at, message, 'write a string, such as "text", a number or a keyword')
        self._push(at, _WRONG)

    def _stray(self, at: int, token: str) -> None:
        if token == '"':
            self._wrong(at, "the string has no end", 'write " where it ends')
            raise _TooMuchError
        code = f"U+{ord(token):04X}"
        self._wrong(at, f"has the character {code}, which is no space in EDN", "write a space")

    def _end(self) -> None:
        """Note what is missing at the end of the text."""
        for frame in self.stack[1:]:
            self._wrong(
                frame.start,
                f"{frame.bracket} is not closed",
                f"write {_CLOSERS[frame.bracket]} where it ends",
            )
        for frame in self.stack:
            self._discards(frame)
        if not self.stack[0].values and not self.mistakes:
            self._wrong(0, "has no form", "write a map: {…}")


def _step(key: object) -> str | int:
    """Return the step of a path that leads to the value of a key."""
    if isinstance(key, Keyword | Symbol):
        return key.text
    assert isinstance(key, str | int)
    return key


def _shown(key: object) -> str:
    return _cut(f'"{key}"' if isinstance(key, str) else str(key))


def _cut(text: str) -> str:
    """Return a text for a message, without what a terminal cannot show."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= 40 else f"{shown[:39]}…"
