"""Scan JavaScript and TypeScript for imports and statements.

This is a scanner, not a parser: it recognizes strings, templates, regular expressions and comments.
Text in JSX counts as code. Standard library only.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from monorepo.parsing.python_imports import Import, ImportKind

SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")

# The alternatives start with different characters, so that matching takes linear time. Only sets
# are possessive: before Python 3.11.5, alternatives in a possessive group match wrongly.
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

# The words that begin a statement, those that begin a declaration, and those before a parenthesis
# that is no call.
_STATEMENTS = {"import", "const", "let", "var", "function", "class", "enum", "if", "for", "while"}
_STATEMENTS |= {"do", "switch", "case", "return", "throw", "try", "catch", "delete", "new"}
_DECLARATIONS = {"const", "let", "var", "type", "enum"}
_NO_CALLS = {"if", "for", "while", "switch", "catch", "function", "async", "return", "new"}


class TokenKind(StrEnum):
    """The kind of a token; a template without `${` is a string."""

    STRING = "string"
    TEMPLATE = "template"
    REGEX = "regex"
    WORD = "word"
    SIGN = "sign"


class Token(NamedTuple):
    """A token: its kind, text and line."""

    kind: TokenKind
    text: str
    line: int


# Where the tokens before and after others are asked for.
END = Token(TokenKind.SIGN, ";", 0)


@lru_cache(maxsize=1024)
def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens; an unterminated string ends with its line. Cached for several rules."""
    return tuple(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    line = 1
    for kind, piece in pieces(text):
        if kind:
            yield Token(kind, piece, line)
        line += piece.count("\n")


def pieces(text: str) -> Iterator[tuple[TokenKind | None, str]]:
    """Yield the kind and the text of each token, and of what is between: blanks and comments.

    Joined, they are the text. Between tokens, the kind is None.
    """
    at, before = 0, Token(TokenKind.SIGN, "", 0)
    # For each template that is open, how many braces are open in its `${`.
    templates: list[int] = []
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return
        group, piece = str(found.lastgroup), found[0]
        if group == "space":
            yield None, piece
            at += len(piece)
            continue
        kind = TokenKind(group)
        resumes = piece == "}" and templates and templates[-1] == 0
        if piece == "`" or resumes:
            rest = _TEMPLATE.match(text, at + 1)
            piece += rest[0] if rest else ""
            whole = piece.endswith("`") and not resumes and len(piece) > 1
            kind = TokenKind.STRING if whole else TokenKind.TEMPLATE
            if resumes:
                templates.pop()
            if rest and rest[1] == "${":
                templates.append(0)
        elif templates and piece in ("{", "}"):
            templates[-1] += 1 if piece == "{" else -1
        elif piece == "/" and _wants_value(before) and (regex := _REGEX.match(text, at)):
            kind, piece = TokenKind.REGEX, regex[0]
        before = Token(kind, piece, 0)
        yield kind, piece
        at += len(piece)


def _wants_value(before: Token) -> bool:
    """Return whether a value follows a token, so that a slash starts a regular expression."""
    if before.kind is TokenKind.TEMPLATE:
        return before.text.endswith("${")
    if before.kind is TokenKind.WORD:
        return before.text in _OPERATORS
    return before.kind is TokenKind.SIGN and before.text not in (")", "]")


def specifier(module: str) -> tuple[str, list[str]]:
    """Return the package that an import names, and the parts of the path in it.

    Source: the Node.js documentation of ECMAScript modules, "Import specifiers".
    """
    parts = module.split("/")
    count = 2 if module.startswith("@") else 1
    return "/".join(parts[:count]), parts[count:]


def imports(text: str) -> list[Import]:
    """Return the modules that are imported or re-exported, with line and kind.

    Names that are computed at run time are left out.
    """
    code = tokens(text)
    found: dict[tuple[str, int], ImportKind] = {}
    for place, token in enumerate(code):
        after_dot = place > 0 and code[place - 1].text == "."
        if token.kind is not TokenKind.WORD or after_dot:
            continue
        target = None
        if token.text in ("import", "export"):
            target = _source(code, place)
        if target is None and token.text in ("import", "require"):
            target = _argument(code, place + 1)
        if target is not None and len(name := target.text[1:-1]) > 0:
            only = code[place + 1].text == "type" and code[place + 2].text not in ("from", ",")
            kind = ImportKind.TYPES if only else ImportKind.REQUIRED
            found.setdefault((name, target.line), kind)
    return [Import(name, line, kind, name=False) for (name, line), kind in found.items()]


def _source(code: Sequence[Token], place: int) -> Token | None:
    """Return the string after `from` in an import or export, or directly after `import`."""
    if code[place].text == "import" and _kind(code, place + 1) is TokenKind.STRING:
        return code[place + 1]
    for token in range(place + 1, len(code)):
        kind, text = code[token].kind, code[token].text
        if text == "from" and _kind(code, token + 1) is TokenKind.STRING:
            return code[token + 1]
        if kind is TokenKind.WORD and text in ("import", "export", "const", "function", "class"):
            return None
        if kind not in (TokenKind.WORD, TokenKind.STRING) and text not in ("{", "}", ",", "*"):
            return None
    return None


def _argument(code: Sequence[Token], place: int) -> Token | None:
    """Return the first argument of a call whose `(` is at `place`, if it is a string."""
    opened = place < len(code) and code[place].text == "("
    return code[place + 1] if opened and _kind(code, place + 1) is TokenKind.STRING else None


def _kind(code: Sequence[Token], place: int) -> TokenKind | None:
    return code[place].kind if place < len(code) else None


def statements(text: str) -> list[int]:
    """Return the lines of all statements, and of the logic in expressions, each as often.

    Counted are the keywords of statements, assignments, calls, functions `=>`, conditions and
    operators: so minified code has as many as other code. Types have none.
    """
    found, declared = [], False
    code = (END, END, *tokens(text), END)
    for last, before, token, after in zip(code, code[1:], code[2:], code[3:], strict=False):
        if token.kind is TokenKind.SIGN:
            counts = _acts(token.text, last, before, after)
            if token.text in ("=", ";") and after.text not in ("=", ">"):
                # A declaration is counted by its keyword.
                counts, declared = counts and not (declared and token.text == "="), False
        else:
            key = before.text == "." or after.text == ":"
            exports = token.text == "export" and after.text in ("{", "*", "default")
            counts = token.kind is TokenKind.WORD and not key and token.text in _STATEMENTS
            counts = counts or exports
            names = after.kind is TokenKind.WORD or after.text in ("{", "[")
            declared = declared or (token.text in _DECLARATIONS and names)
        found += [token.line] * counts
    return found


def _acts(sign: str, last: Token, before: Token, after: Token) -> bool:
    """Return whether a sign is a call, an assignment, a condition, `=>` or an operator."""
    value = before.kind is not TokenKind.SIGN or before.text in (")", "]")
    if sign == "(":
        generic = before.text == ">" and last.text != "="
        return (value or generic) and not _NO_CALLS & {before.text, last.text}
    if sign == "?":
        return before.text == "?" or after.text not in ("?", ".", ":", ",", ")", ";", "=")
    if sign == "=":
        return after.text not in ("=", ">")
    if sign in ("&", "|", ">"):
        return before.text + sign in ("&&", "||", "=>")
    named = value and before.text not in ("import", "export", "function", "yield")
    return sign in "+-*/%" and named and after.text != ">"


def evaluations(text: str) -> list[int]:
    """Return the lines that run a text as code: `eval`, `Function`, and the module `vm`."""
    code = (END, END, *tokens(text), END)
    found = {row.line for row in imports(text) if row.module in ("vm", "node:vm")}
    for last, before, token, after in zip(code, code[1:], code[2:], code[3:], strict=False):
        if token.kind is TokenKind.WORD and token.text in ("eval", "Function"):
            free = before.text != "." or last.text in ("globalThis", "window", "global")
            made = token.text == "eval" or before.text == "new" or after.text == "("
            if free and made and after.text != ":":
                found.add(token.line)
    return sorted(found)
