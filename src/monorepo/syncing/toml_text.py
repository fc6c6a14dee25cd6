"""Change values in a TOML document as text, statement by statement; all else keeps its bytes.

A library would do for values that are there. But tomlkit 0.15 puts a new key of a table behind the
comment of the next one, and takes two milliseconds for a manifest, of which there may be thousands.
So a statement is found by a scanner of tokens, tomllib says what its key means, and whoever calls
this compares what tomllib reads in the result.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import getitem
from typing import Any, NamedTuple

Path = tuple[str, ...]

# What may hold a bracket, an equals sign or a line break is one token.
_TOKEN = re.compile(
    r'''"""(?:\\.|"{1,2}(?!")|[^"\\])*"{3,5}'''
    r"""|'''(?:'{1,2}(?!')|[^'])*'{3,5}"""
    r"""|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[\[\]{}=\n]|[^"'\#\[\]{}=\n]+""",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(rf"{_BARE.pattern}(?:\.{_BARE.pattern})*")
# A comment right above what follows it, behind a blank line.
_ABOVE = re.compile(r"(?:[ \t]*\n)+(?P<comment>(?:[ \t]*#[^\n]*\n)+)")
# TOML 1.0 has no name for it in a string.
_DELETE = "\x7f"
_WIDTH = 100


class Statement(NamedTuple):
    """A key with its value, or the header of a table.

    `path` is that of the value, from the top; `table` that of the header above it. The text of the
    value is between `value` and `end`, and ends before a comment; of a header, both are its end.
    """

    path: Path
    table: Path
    start: int
    value: int
    end: int

    @property
    def is_header(self) -> bool:
        """Whether it is the header of a table."""
        return self.value == self.end


def with_value(text: str, path: Path, value: object, order: Sequence[str] = ()) -> str:
    """Return the text of a document with another value at a path.

    Args:
        text: a valid TOML document with Unix line breaks.
        path: the keys of the value.
        value: a string, a list of strings and tables, or a table; None to take it out.
        order: the keys of the table, in the order in which they are usually written.

    """
    statements = []
    for one in _statements(text):
        statements.append(one)
        if one.is_header or one.path != path[: len(one.path)]:
            continue
        if one.path != path:
            # A part of an inline table.
            value = _within(
                reduce(getitem, one.path, tomllib.loads(text)), path[len(one.path) :], value
            )
        elif value is None:
            return text[: _line_start(text, one.start)] + text[_line_end(text, one) :]
        return text[: one.value] + _like(text[one.value : one.end], value) + text[one.end :]
    return text if value is None else _inserted(text, statements, path, value, order)


def without_empty(text: str, path: Path) -> str:
    """Return the text of a document without the table at a path, if nothing is in it.

    A comment in it, or right above it, is something.

    Args:
        text: a valid TOML document with Unix line breaks.
        path: the keys of the table.
    """
    statements = [*_statements(text)]
    headers = [one for one in statements if one.is_header and one.path == path]
    inner = [one for one in statements if one.path[: len(path)] == path]
    if len(headers) != 1 or inner != headers:
        return text
    start, below = _line_start(text, headers[0].start), _line_end(text, headers[0])
    following = [one.start for one in statements if one.start > headers[0].start]
    end = _line_start(text, following[0]) if following else len(text)
    if following and (noted := _ABOVE.fullmatch(text, below, end)):
        # It is about the next one.
        end = noted.start("comment")
    if text[below:end].strip() or re.search(r"^[ \t]*#.*\n\Z", text[:start], re.MULTILINE):
        return text
    kept = text[:start].rstrip("\n")
    return f"{kept}\n" * bool(kept) + "\n" * bool(kept and following) + text[end:]


def literal(value: object) -> str:
    """Return a value in one line of TOML."""
    if isinstance(value, Mapping):
        rows = [f"{_dotted((key,))} = {literal(one)}" for key, one in value.items()]
        return f"{{ {', '.join(rows)} }}" if rows else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    # JSON is TOML here, if characters beyond ASCII are not escaped: TOML has no surrogate pairs.
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")


def _within(table: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """Return a table with another value at a path; None takes it out."""
    inner = table
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    if value is None:
        del inner[path[-1]]
    return table


def _statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a valid document, in their order."""
    table: Path = ()
    depth, start, value, end = 0, -1, -1, 0
    for token in _TOKEN.finditer(text + "\n"):
        word = token[0]
        if depth == 0 and (word == "\n" or word[0] == "#"):
            if start >= 0:
                words = text[start : end if value < 0 else value]
                if value < 0:
                    table = _path(words)
                    yield Statement(table, table, start, end, end)
                else:
                    key = _path(words.rstrip()[:-1].rstrip())
                    begin = value + len(text[value:end]) - len(text[value:end].lstrip())
                    yield Statement((*table, *key), table, start, begin, end)
            start, value = -1, -1
            continue
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(word, 0)
        if not word.isspace():
            if start < 0:
                start = token.start() + len(word) - len(word.lstrip())
            if word == "=" and depth == 0 and value < 0:
                value = token.end()
            end = token.start() + len(word.rstrip())


def _values(statements: Sequence[Statement]) -> Iterator[Statement]:
    return (one for one in statements if not one.is_header)


def _path(written: str) -> Path:
    """Return the keys that a header, or what stands before an equals sign, names."""
    if _PLAIN.fullmatch(plain := written.strip("[]")):
        return tuple(plain.split("."))
    found: Any = tomllib.loads(written if written[0] == "[" else f"{written} = {{}}")
    keys = []
    while table := found[0] if isinstance(found, list) else found:
        ((key, found),) = table.items()
        keys.append(key)
    return tuple(keys)


def _dotted(keys: Sequence[str]) -> str:
    """Return keys as they are written before an equals sign or in a header."""
    return ".".join(key if _BARE.fullmatch(key) else literal(key) for key in keys)


def _like(old: str, value: object) -> str:
    """Return the text of a value, laid out like the one that it takes the place of."""
    if not isinstance(value, list) or not value:
        return literal(value)
    if "\n" not in old and len(old) > len("[]") and len(flat := literal(value)) < _WIDTH:
        return flat
    indent = re.search(r"\n([ \t]+)[^ \t\n\]]", old)
    # What stands in a line of its own stays as it is, with the comments above it.
    kept, below = _lines(old)
    rows = [
        kept.get(literal(one), f"{indent[1] if indent else '    '}{literal(one)},") for one in value
    ]
    return "\n".join(["[", *rows, *below, "]"])


def _lines(array: str) -> tuple[dict[str, str], list[str]]:
    """Return the lines of each item of an array that has one to itself, and comments at its end."""
    found: dict[str, str] = {}
    above: list[str] = []
    for row in array.split("\n")[1:-1]:
        code = row if "#" not in row else _without_comment(row)
        if not code.strip():
            above.append(row)
            continue
        try:
            (item,) = tomllib.loads(f"x = [{code}]")["x"]
        except ValueError:
            above = []
            continue
        if code.rstrip()[-1:] == ",":
            found[literal(item)] = "\n".join([*above, row])
        above = []
    return found, above


def _without_comment(row: str) -> str:
    return "".join(word for word in _TOKEN.findall(row) if word[0] != "#")


def _inserted(
    text: str, statements: Sequence[Statement], path: Path, value: object, order: Sequence[str]
) -> str:
    """Return the text with a new statement, in its table or in one that it brings along."""
    if text and not text.endswith("\n"):
        text += "\n"
    table, key = path[:-1], path[-1]
    written = _like("[\n]" if isinstance(value, list) and len(value) > 1 else "[ ]", value)
    mine = [one for one in statements if one.path == table and one.is_header]
    inside = [one for one in _values(statements) if one.path[:-1] == table]
    if not (mine or inside):
        # Tables of tools stand last.
        family = [one for one in statements if one.path[0] == path[0]]
        family = family or [one for one in statements if one.path[0] != "tool"]
        at = _line_end(text, family[-1]) if family else 0
        below = "\n" if text[at : at + 1] not in ("", "\n") else ""
        above = "\n" if at else ""
        header = f"{above}[{_dotted(table)}]\n{_dotted((key,))} = {written}\n{below}"
        return text[:at] + header + text[at:]
    rank = order.index(key) if key in order else len(order)
    before = [one for one in inside if one.path[-1] in order[:rank]] if key in order else inside
    place = (before or mine or inside)[-1]
    at = _line_end(text, place)
    return f"{text[:at]}{_dotted(path[len(place.table) :])} = {written}\n{text[at:]}"


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, statement: Statement) -> int:
    """Return where the line after a statement starts."""
    found = text.find("\n", statement.end)
    return found + 1 if found >= 0 else len(text)
