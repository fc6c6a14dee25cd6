"""Read plain YAML: mappings and lists of texts and whole numbers.

PyYAML is not installed before the first environment is made. What this reads, every YAML parser
reads alike; it refuses the rest of YAML (anchors, tags, text over several lines) and what YAML
takes for something other than text, such as 3.11 or no. Standard library only.
"""

import re
from typing import NamedTuple

from monorepo.system import text_files
from monorepo.system.text_files import DEEPEST, MalformedError

Value = str | int | dict[str, "Value"] | list["Value"] | None

_KEY = re.compile(r"""([A-Za-z_][\w-]*|"[^"\\]*"|'[^']*')[ ]*:(?=[ ]|$)""", re.ASCII)
# Quoted texts are matched first, so that a # in them begins no comment.
_COMMENT = re.compile(r"(^|(?<= ))#.*")
_QUOTED = re.compile(r"""(?<![^ ,:\[{-])("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
# What some version of YAML takes for a number, a date or a time; 8.4.1 is a text in all of them.
_NO_TEXT = re.compile(r"[-+]?\.?[0-9][0-9a-fA-F_xXoO:.TtZz +-]*")
_TEXT = re.compile(r"[0-9]+(\.[0-9]+){2,}[0-9A-Za-z.+-]*")
_WORDS = {"~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"}
_WORDS |= {"-.inf", "+.inf"}
_PLAIN = re.compile(r"[A-Za-z0-9._~/(+<$^;\\-].*")
# What is no part of a text without quotes.
_MARK = re.compile(r":( |$)|^-( |$)| #")
_MARK_IN_FLOW = re.compile(rf"{_MARK.pattern}|\?")
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t", "\\/": "/"}
# What YAML does not allow, or not everywhere, or takes for a line break.
_UNPRINTABLE = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]"
)


class Line(NamedTuple):
    """A line with content: its number from 1, its indentation, and its text without comment."""

    number: int
    indent: int
    text: str


def read(text: str) -> dict[str, Value]:
    """Return a document, which is a mapping.

    Raises:
        MalformedError: it is not plain YAML.
    """
    if odd := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise MalformedError(line, f"has the character {odd[0]!a}", "write a space, or remove it")
    lines = _lines(text)
    if not lines:
        raise MalformedError(0, "is empty", "restore it from git, or remove it")
    reader = _Reader(text, lines)
    found = reader.block(lines[0].indent, 0)
    if reader.at < len(lines):
        raise reader.error("is indented otherwise than what it belongs to", "align it")
    if not isinstance(found, dict):
        raise text_files.malformed(text, lines[0].number, "is not a YAML mapping")
    return found


def split(line: str) -> tuple[str, str]:
    """Return a line without its comment, and the comment."""
    # Of the same length, so that positions stay.
    bare = _QUOTED.sub(lambda found: "x" * len(found[0]), line)
    found = _COMMENT.search(bare)
    at = found.start() if found else len(line)
    return line[:at], line[at:].strip()


def _lines(text: str) -> list[Line]:
    found = []
    for number, whole in enumerate(text.split("\n"), start=1):
        content = split(whole)[0].rstrip(" ")
        bare = content.lstrip(" ")
        if number == 1 and bare == "---":
            continue
        if bare:
            found.append(Line(number, len(content) - len(bare), bare))
    return found


class _Reader:
    """Reads lines from the first to the last."""

    def __init__(self, text: str, lines: list[Line]) -> None:
        """Start at the first of `lines`, which are those of `text`."""
        self.text, self.lines, self.at = text, lines, 0

    def error(self, message: str, fix: str) -> MalformedError:
        """Return the error for the current line."""
        number = self.lines[min(self.at, len(self.lines) - 1)].number
        found = text_files.malformed(self.text, number, message)
        return found if found.message != message else MalformedError(number, message, fix)

    def _here(self, indent: int) -> Line | None:
        """Return the current line if it is indented so."""
        line = self.lines[self.at] if self.at < len(self.lines) else None
        return line if line and line.indent == indent else None

    def block(self, indent: int, depth: int) -> Value:
        """Read the mapping or list that begins at the current line, with that indentation."""
        if depth > DEEPEST:
            raise self.error("is nested too deeply", "write it flat")
        line = self.lines[self.at]
        return self._list(indent, depth) if _is_item(line) else self._mapping(indent, depth)

    def _list(self, indent: int, depth: int) -> list[Value]:
        found: list[Value] = []
        while (line := self._here(indent)) and _is_item(line):
            rest = line.text[1:].lstrip(" ")
            if not rest:
                found.append(self._below(indent, depth, lists=False))
            elif _KEY.match(rest) or rest == "-" or rest.startswith("- "):
                inner = indent + len(line.text) - len(rest)
                self.lines[self.at] = Line(line.number, inner, rest)
                found.append(self.block(inner, depth + 1))
            else:
                found.append(self._scalar(rest))
                self.at += 1
        return found

    def _mapping(self, indent: int, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while (line := self._here(indent)) and not _is_item(line):
            match = _KEY.match(line.text)
            if match is None:
                raise self.error("is not plain YAML", "write key: value, and text in quotes")
            key = match[1].strip("\"'")
            if match[1] == key and key.lower() in _WORDS:
                raise self.error(f"has the key {key}, which is no text in YAML", "put it in quotes")
            if key in found:
                raise self.error(f"has the key {key!a} twice", "remove one of them")
            rest = line.text[match.end() :].lstrip(" ")
            if rest:
                found[key] = self._scalar(rest)
                self.at += 1
            else:
                found[key] = self._below(indent, depth, lists=True)
        return found

    def _below(self, indent: int, depth: int, *, lists: bool) -> Value:
        """Read what stands below the current line; `lists` may be indented like that itself."""
        self.at += 1
        line = self.lines[self.at] if self.at < len(self.lines) else None
        if line and (line.indent > indent or (lists and line.indent == indent and _is_item(line))):
            return self.block(line.indent, depth + 1)
        return None

    def _scalar(self, text: str) -> Value:
        """Read a value that stands on one line."""
        value, rest = self._value(text, flow=False, depth=0)
        if rest.strip(" "):
            raise self.error("goes on after its value", "put text in quotes")
        return value

    def _value(self, text: str, *, flow: bool, depth: int) -> tuple[Value, str]:
        """Return the value at the start of a text, and what follows it."""
        if depth > DEEPEST:
            raise self.error("is nested too deeply", "write it flat")
        if text[:1] in ("[", "{"):
            return self._flow(text, depth)
        if text[:1] in ("'", '"'):
            return self._quoted(text)
        end = re.search(r"[,\[\]{}]", text) if flow else None
        plain = (text[: end.start()] if end else text).rstrip(" ")
        rest = text[len(plain) :]
        if not _PLAIN.fullmatch(plain) or (_MARK_IN_FLOW if flow else _MARK).search(plain):
            raise self.error("is not plain YAML", "put text in quotes, and write it on one line")
        if _NUMBER.fullmatch(plain):
            return int(plain), rest
        odd = _NO_TEXT.fullmatch(plain) and not _TEXT.fullmatch(plain)
        if odd or plain.lower() in _WORDS or plain == "<<":
            raise self.error("has a value that is no text in YAML", "put it in quotes")
        return plain, rest

    def _quoted(self, text: str) -> tuple[str, str]:
        match = _QUOTED.match(text)
        if match is None:
            raise self.error("has a quote that does not end", "close it on the same line")
        inner = match[0][1:-1]
        if text[0] == "'":
            return inner.replace("''", "'"), text[match.end() :]
        if unknown := set(re.findall(r"\\.", inner)) - _ESCAPES.keys():
            raise self.error(f"has the escape {min(unknown)!a}", "write the character itself")
        plain = re.sub(r"\\.", lambda found: _ESCAPES[found[0]], inner)
        return plain, text[match.end() :]

    def _flow(self, text: str, depth: int) -> tuple[Value, str]:
        """Read a list or a mapping in brackets."""
        closing = {"[": "]", "{": "}"}[text[0]]
        items: list[Value] = []
        pairs: dict[str, Value] = {}
        rest = text[1:].lstrip(" ")
        while not rest.startswith(closing):
            if closing == "}":
                match = _KEY.match(rest)
                key = match[1].strip("\"'") if match else ""
                if match is None or key in pairs or (match[1] == key and key.lower() in _WORDS):
                    raise self.error("is not plain YAML", "write each key once, as { key: value }")
                rest = rest[match.end() :].lstrip(" ")
                pairs[key], rest = self._value(rest, flow=True, depth=depth + 1)
            else:
                value, rest = self._value(rest, flow=True, depth=depth + 1)
                items.append(value)
            rest = rest.lstrip(" ")
            if rest.startswith(","):
                rest = rest[1:].lstrip(" ")
            elif not rest.startswith(closing):
                raise self.error("is not plain YAML", f"close {text[0]} on the same line")
        return (pairs if closing == "}" else items), rest[1:]


def _is_item(line: Line) -> bool:
    return line.text == "-" or line.text.startswith("- ")
