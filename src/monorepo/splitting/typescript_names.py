"""The imports and exports of a TypeScript or JavaScript file, as what can be replaced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monorepo.parsing import javascript
from monorepo.parsing.javascript import TokenKind

Edit = tuple[int, int, str]
_DECLARING = ("const", "let", "var", "function", "class", "interface", "type", "enum", "namespace")
_BEFORE = ("async", "abstract", "declare")


class Token(NamedTuple):
    """A token: its kind, its text, and where it begins."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


class Item(NamedTuple):
    """A name in braces: what it is there, what it is here, and whether it is a type alone."""

    name: str
    alias: str
    is_type: bool

    def __str__(self) -> str:
        """Return it as it is written."""
        other = "" if self.alias == self.name else f" as {self.alias}"
        return f"{'type ' if self.is_type else ''}{self.name}{other}"


@dataclass(frozen=True)
class Statement:
    """An import, or an export of another module, or a call that names one.

    Attributes:
        word: `import` or `export`; "" for a call.
        is_type: whether it is about types alone.
        default: the name of the default; "" for none.
        whole: the name that all of the module gets, `*` without one; "" if it is not asked for.
        items: the names in braces; None without these.
        start: where it begins.
        end: where it ends.
        source: the token with the module.
        line: its line, from 1.
    """

    word: str
    is_type: bool
    default: str
    whole: str
    items: tuple[Item, ...] | None
    start: int
    end: int
    source: Token
    line: int

    @property
    def module(self) -> str:
        """The module that it names."""
        return self.source.text[1:-1]

    def text(self, module: str, items: Sequence[Item] | None, *, whole: str = "") -> str:
        """Return a statement with other names of another module, without its end."""
        parts = [self.default] if self.default and not whole else []
        parts += [f"* as {whole}"] if whole else []
        parts += [f"{{ {', '.join(map(str, items))} }}"] if items is not None else []
        quote = self.source.text[0]
        only = "type " if self.is_type else ""
        return f"{self.word} {only}{', '.join(parts)} from {quote}{module}{quote}"


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text, with their places."""
    found, at = [], 0
    for kind, piece in javascript.pieces(text):
        if kind is not None:
            found.append(Token(kind, piece, at))
        at += len(piece)
    return found


def statements(text: str) -> Iterator[Statement]:
    """Yield what names other modules in a text."""
    code = tokens(text)
    for at, token in enumerate(code):
        if token.kind is not TokenKind.WORD or (at and code[at - 1].text == "."):
            continue
        found = None
        if token.text in ("import", "export"):
            found = _statement(text, code, at)
        if found is None and token.text in ("import", "require") and _text(code, at + 1) == "(":
            source = code[at + 2] if at + 2 < len(code) else token
            if source.kind is TokenKind.STRING:
                line = text.count("\n", 0, token.start) + 1
                found = Statement("", False, "", "*", None, token.start, source.end, source, line)
        if found is not None:
            yield found


def _text(code: Sequence[Token], at: int) -> str:
    return code[at].text if at < len(code) else ""


def _statement(text: str, code: Sequence[Token], at: int) -> Statement | None:
    """Return the statement whose word is at a place; None if it names no module."""
    word, place = code[at].text, at + 1
    is_type = _text(code, place) == "type" and _text(code, place + 1) not in ("from", ",")
    place += is_type
    default = whole = ""
    items: list[Item] | None = None
    if word == "import" and place < len(code) and code[place].kind is TokenKind.STRING:
        return _made(text, code, at, place, (word, is_type, "", "", None))
    while place < len(code):
        token = code[place]
        if token.text == "{":
            items, place = _items(code, place)
        elif token.text == "*":
            whole = "*"
            if _text(code, place + 1) == "as":
                whole, place = _text(code, place + 2), place + 2
        elif token.text == "from" and place + 1 < len(code):
            if code[place + 1].kind is not TokenKind.STRING:
                return None
            told = (word, is_type, default, whole, tuple(items) if items is not None else None)
            return _made(text, code, at, place + 1, told)
        elif word == "import" and token.kind is TokenKind.WORD and not (default or whole):
            default = token.text
        elif token.text != ",":
            return None
        place += 1
    return None


def _made(
    text: str,
    code: Sequence[Token],
    at: int,
    place: int,
    told: tuple[str, bool, str, str, tuple[Item, ...] | None],
) -> Statement:
    end = code[place + 1].end if _text(code, place + 1) == ";" else code[place].end
    line = text.count("\n", 0, code[at].start) + 1
    return Statement(*told, code[at].start, end, code[place], line)


def _items(code: Sequence[Token], at: int) -> tuple[list[Item], int]:
    """Return the names in braces, and the place of the brace that closes them."""
    items: list[Item] = []
    words: list[str] = []
    for place in range(at + 1, len(code)):
        word = code[place].text
        if word not in (",", "}"):
            words.append(word)
            continue
        if words:
            is_type = words[0] == "type" and len(words) in (2, 4)
            rest = words[1:] if is_type else words
            items.append(Item(rest[0], rest[-1], is_type))
        words = []
        if word == "}":
            return items, place
    return items, len(code)


def exported(text: str) -> dict[str, bool]:
    """Return the names that a module exports itself; whether each is a type alone."""
    code, found, depth = tokens(text), dict[str, bool](), 0
    for at, token in enumerate(code):
        if token.kind is TokenKind.SIGN:
            depth += (token.text in "([{") - (token.text in ")]}")
        if depth or token.text != "export":
            continue
        place = at + 1
        if _text(code, place) == "{" or _text(code, place + 1) == "{":
            is_type = _text(code, place) == "type"
            for item in _items(code, place + is_type)[0]:
                found[item.alias] = is_type or item.is_type
            continue
        if _text(code, place) == "*" and _text(code, place + 1) == "as":
            found[_text(code, place + 2)] = False
        while _text(code, place) in _BEFORE:
            place += 1
        word = _text(code, place)
        if word in _DECLARING:
            place += 1 + (_text(code, place + 1) in ("*", "enum"))
            found[_text(code, place)] = word in ("interface", "type")
    found.pop("default", None)
    return found


def words(text: str) -> set[str]:
    """Return the words of the code of a text."""
    return {token.text for token in tokens(text) if token.kind is TokenKind.WORD}


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a text in which some places have another text."""
    parts, done = [], 0
    for start, end, new in sorted(edits):
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def members(text: str, name: str) -> Iterator[tuple[Token, Token]]:
    """Yield each use of a member of an object: the object, and the member."""
    code = tokens(text)
    for at in range(len(code) - 2):
        before = code[at - 1].text if at else ""
        if code[at].text == name and code[at].kind is TokenKind.WORD and before != ".":
            if code[at + 1].text == "." and code[at + 2].kind is TokenKind.WORD:
                yield code[at], code[at + 2]


def unlisted(text: str, name: str, gone: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits that take names out of the list which a test expects of a module's keys."""
    code = tokens(text)
    for at, token in enumerate(code):
        if token.text != name or [one.text for one in code[at - 4 : at]] != [
            "Object",
            ".",
            "keys",
            "(",
        ]:
            continue
        place = at + 2
        while place < len(code) and code[place].text in (",", ")", ".", "sort", "toSorted", "("):
            place += 1
        if _text(code, place) != "[":
            continue
        kept, end = [], place + 1
        while end < len(code) and code[end].text != "]":
            if code[end].kind is TokenKind.STRING and code[end].text[1:-1] not in gone:
                kept.append(code[end].text)
            end += 1
        if end < len(code):
            yield code[place].start, code[end].end, f"[{', '.join(kept)}]"


def destructured(text: str, name: str) -> Iterator[tuple[int, set[str]]]:
    """Yield where names are taken out of an object: the place, and the names."""
    code = tokens(text)
    for at, token in enumerate(code):
        if token.text == name and at > 1 and code[at - 1].text == "=" and code[at - 2].text == "}":
            start = at - 2
            while start and code[start].text != "{":
                start -= 1
            yield code[start].start, {one.text for one in code[start + 1 : at - 2]}
