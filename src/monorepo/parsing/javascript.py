"""JavaScript and TypeScript: what a file imports, and its lines of code.

A scanner, no parser: it knows strings, templates, regular expressions and comments, and so what is
code and what only looks like it. Text in JSX is taken for code. Standard library only.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")

# Each piece starts with another sign than the next, so that no text takes more than linear time.
# Only sets are possessive: before Python 3.11.5, alternatives in a possessive group go wrong.
_TOKEN = re.compile(
    r"""
    (?P<space>\s++ | //[^\n]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*(?:\*/)? )
    | (?P<string>"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"? | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*'?)
    | (?P<word>[\w$\#@]++)
    | (?P<sign>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_TEMPLATE = re.compile(r"[^`\\$]*+(?:(?:\\.|\$(?!\{))[^`\\$]*+)*(`|\$\{)?", re.DOTALL)
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]++|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n]){0,999}\])+/\w*+")
# After these words a slash starts a regular expression; after any other it divides.
_OPERATORS = {"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else"}
_OPERATORS |= {"instanceof", "do", "yield", "await"}


class Token(NamedTuple):
    """A piece of code: its kind (`string`, `template`, `regex`, `word`, `sign`), text and line."""

    kind: str
    text: str
    line: int


@lru_cache(maxsize=1024)
def tokens(text: str) -> tuple[Token, ...]:
    """Return what is code; an unterminated string ends with its line. Several rules read it."""
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    at, line, before = 0, 1, Token("sign", "", 0)
    # For each template that is open, how many braces are open in its `${`.
    templates: list[int] = []
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return
        kind, piece = str(found.lastgroup), found[0]
        resumes = piece == "}" and templates and templates[-1] == 0
        if piece == "`" or resumes:
            rest = _TEMPLATE.match(text, at + 1)
            piece += rest[0] if rest else ""
            whole = piece.endswith("`") and not resumes and len(piece) > 1
            kind = "string" if whole else "template"
            if resumes:
                templates.pop()
            if rest and rest[1] == "${":
                templates.append(0)
        elif templates and piece in ("{", "}"):
            templates[-1] += 1 if piece == "{" else -1
        elif piece == "/" and _wants_value(before) and (regex := _REGEX.match(text, at)):
            kind, piece = "regex", regex[0]
        if kind != "space":
            before = Token(kind, piece, line)
            yield before
        line += piece.count("\n")
        at += len(piece)


def _wants_value(before: Token) -> bool:
    """Return whether a value comes after a token, so that a slash does not divide."""
    if before.kind == "template":
        return before.text.endswith("${")
    if before.kind == "word":
        return before.text in _OPERATORS
    return before.kind == "sign" and before.text not in (")", "]")


def imports(text: str) -> list[tuple[str, int, str]]:
    """Return what is imported or exported from elsewhere: the name, its line, and how.

    How is `type` for what only the compiler reads, else `must`. A name that is made while the code
    runs is not told of.
    """
    code = tokens(text)
    found: dict[tuple[str, int], str] = {}
    for place, token in enumerate(code):
        after_dot = place > 0 and code[place - 1].text == "."
        if token.kind != "word" or after_dot:
            continue
        target = None
        if token.text in ("import", "export"):
            target = _source(code, place)
        if target is None and token.text in ("import", "require"):
            target = _argument(code, place + 1)
        if target is not None and len(name := target.text[1:-1]) > 0:
            only = code[place + 1].text == "type" and code[place + 2].text not in ("from", ",")
            found.setdefault((name, target.line), "type" if only else "must")
    return [(name, line, how) for (name, line), how in found.items()]


def _source(code: Sequence[Token], place: int) -> Token | None:
    """Return the string after the `from` of an import or export, or right after `import`."""
    if code[place].text == "import" and _kind(code, place + 1) == "string":
        return code[place + 1]
    for token in range(place + 1, len(code)):
        kind, text = code[token].kind, code[token].text
        if text == "from" and _kind(code, token + 1) == "string":
            return code[token + 1]
        if kind == "word" and text in ("import", "export", "const", "function", "class"):
            return None
        if kind not in ("word", "string") and text not in ("{", "}", ",", "*"):
            return None
    return None


def _argument(code: Sequence[Token], place: int) -> Token | None:
    """Return the string that a call with one, at `place`, is given first."""
    opened = place < len(code) and code[place].text == "("
    return code[place + 1] if opened and _kind(code, place + 1) == "string" else None


def _kind(code: Sequence[Token], place: int) -> str:
    return code[place].kind if place < len(code) else ""


def code_lines(text: str) -> list[int]:
    """Return the line of each line of code; one with two statements stands there twice."""
    found: set[int] = set()
    ends: dict[int, int] = {}
    opened: list[str] = []
    for token in tokens(text):
        found.update(range(token.line, token.line + token.text.count("\n") + 1))
        if token.kind == "sign" and token.text in "([{":
            opened.append(token.text)
        elif token.kind == "sign" and token.text in ")]}" and opened:
            opened.pop()
        # The semicolons between the parentheses of a `for` end no statement.
        elif token.text == ";" and opened[-1:] != ["("]:
            ends[token.line] = ends.get(token.line, 0) + 1
    more = [line for line, count in ends.items() for _ in range(count - 1)]
    return sorted([*found, *more])
