"""Scan JavaScript and TypeScript for imports and statements.

This is a scanner, not a parser: it recognizes strings, templates, regular expressions and comments.
Text in JSX counts as code. Standard library only.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from monorepo.parsing.python_imports import Import, ImportKind

SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
# Files with code in them.
PAGES = (".vue", ".svelte", ".astro", ".mdx", ".html")

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


_KINDS = {str(kind): kind for kind in TokenKind}


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
        kind = _KINDS[group]
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


# Calls whose first argument is a module, and those that put another one in its place.
_CALLS = set(
    """
    import import.meta.resolve require require.resolve module.require module.register register
    jest.requireActual vi.importActual
    """.split()
)
_MOCKS = {f"{tool}.{name}" for tool in ("jest", "vi") for name in ("mock", "doMock")}
_MOCKS |= {"mock.module"}
_FACTORY = "createRequire"
_VARIABLES = ("const", "let", "var")
_STARTS = {"const", "export", _FACTORY, *(name.partition(".")[0] for name in _CALLS | _MOCKS)}
_COMMENTS = re.compile(r"(?:#![^\n]*)?(?:\s++|//[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*(?:\*/)?)*")
_PRAGMA = re.compile(
    r"""@jsxImportSource\s+([^\s*]+)|^///\s*<reference\s+types=["']([^"'\n]+)""", re.MULTILINE
)
# What stands between `import` and `from` of types alone, which the compiler removes.
_TYPES = re.compile(
    r"type (?!,).+|\{ (?:type (?!as \S+ [,}]|[,}])[^,}]+(?:, (?=type|\})|(?=\})))+\}", re.DOTALL
)
_EMBEDDED = re.compile(
    r"(?is)<script\b[^>]*>(?P<script>.*?)</script>|\A---(?P<front>\n.*?\n)---"
    r"|(?-s:(?m:^)(?P<line>import\b.*))"
)


def embedded(text: str) -> str:
    """Return the code in a page of Vue, Svelte, Astro, MDX or HTML, each line in its place."""
    code, at = "", 0
    for found in _EMBEDDED.finditer(text):
        start, end = found.span(str(found.lastgroup))
        code += "\n" * text.count("\n", at, start) + ";" + text[start:end]
        at = end
    return code


def page_imports(text: str) -> list[Import]:
    """Return the imports of the code in a page."""
    return imports(embedded(text))


def above(text: str) -> str:
    """Return the comments above the code of a file, in which it tells of itself."""
    found = _COMMENTS.match(text)
    return found[0] if found else ""


def imports(text: str) -> list[Import]:
    """Return the modules that are imported, re-exported or looked up, with line and kind.

    A name may be a constant of the file. Of one that is computed from a package's name on, such as
    `left/${name}`, it is the package; others that are computed are left out.
    """
    code, loaders, constants = tokens(text), dict[str, str](), dict[str, str]()
    found: dict[tuple[str, int], ImportKind] = {}
    for one in _PRAGMA.finditer(above(text)):
        name, kind = (f"{one[1]}/jsx-runtime", ImportKind.REQUIRED)
        name, kind = (name, kind) if one[1] else (one[2], ImportKind.TYPES)
        found[name, text.count("\n", 0, one.start()) + 1] = kind
    for place, token in enumerate(code):
        if token.text not in _STARTS and token.text not in loaders:
            continue
        if _text(code, place - 1) == "." and token.text != _FACTORY:
            continue
        if token.text in ("import", "export") and (end := _source(code, place)):
            words = " ".join(one.text for one in code[place + 1 : end - 1])
            kind = ImportKind.TYPES if _TYPES.fullmatch(words) else ImportKind.REQUIRED
            found.setdefault((code[end].text[1:-1], code[end].line), kind)
            continue
        if token.text == "const":
            name, value = _text(code, place + 1), _constant(code, place)
            constants[name] = value if constants.get(name, value) == value else ""
        called, behind = _callee(code, place, loaders)
        if called == "register" and not {"module", "node:module"} & {name for name, _ in found}:
            continue
        if called in _CALLS | _MOCKS and (name := _argument(code, behind, constants)):
            kind = ImportKind.MOCKED if called in _MOCKS else _call_kind(code, place, behind)
            found.setdefault((name, code[behind + 1].line), kind)
        elif called in (*_CALLS, _FACTORY) and (alias := _assigned(code, place, behind)):
            loaders[alias] = called
    return [Import(name, line, kind, name=False) for (name, line), kind in found.items() if name]


def _text(code: Sequence[Token], place: int) -> str:
    return code[place].text if 0 <= place < len(code) else ""


def _kind(code: Sequence[Token], place: int) -> TokenKind | None:
    return code[place].kind if place < len(code) else None


def _source(code: Sequence[Token], place: int) -> int:
    """Return where the string behind `from` is in an import or export, or behind `import`; or 0."""
    if code[place].text == "import" and _kind(code, place + 1) is TokenKind.STRING:
        return place + 1
    for at in range(place + 1, len(code)):
        kind, text = code[at].kind, code[at].text
        if text == "from" and _kind(code, at + 1) is TokenKind.STRING:
            return at + 1
        if kind is TokenKind.WORD and text in ("import", "export", "const", "function", "class"):
            return 0
        if kind not in (TokenKind.WORD, TokenKind.STRING) and text not in ("{", "}", ",", "*"):
            return 0
    return 0


def _callee(code: Sequence[Token], place: int, loaders: Mapping[str, str]) -> tuple[str, int]:
    """Return the dotted name of what may be called at a place, and the place behind it."""
    name = loaders.get(code[place].text, code[place].text)
    while True:
        place += 1
        if name == _FACTORY and _text(code, place) == "(":
            depth, last = 1, min(place + 99, len(code) - 1)
            while depth and place < last:
                place += 1
                depth += (code[place].text == "(") - (code[place].text == ")")
            name = "require"
        elif _text(code, place) == "." and _kind(code, place + 1) is TokenKind.WORD:
            place += 1
            name += f".{code[place].text}"
        else:
            return name, place


def _argument(code: Sequence[Token], place: int, constants: Mapping[str, str]) -> str:
    """Return the module that the argument of a call at `(` names; empty if it is computed."""
    text, whole = "", _text(code, place) == "("
    while whole:
        place += 1
        token = code[place] if place < len(code) else Token(TokenKind.SIGN, "", 0)
        if token.kind is TokenKind.TEMPLATE and token.text.startswith("`"):
            text, whole = text + token.text[1:-2], False
        elif token.kind is TokenKind.STRING:
            text += token.text[1:-1]
        elif token.kind is TokenKind.WORD and constants.get(token.text):
            text += constants[token.text]
        else:
            whole = False
        place += 1
        if whole and _text(code, place) != "+":
            return text if _text(code, place) in (")", ",", "as", "") else ""
    name, inner = specifier(text)
    return "" if not inner else text if name in (".", "..", "") else name


def _constant(code: Sequence[Token], place: int) -> str:
    """Return the string that the `const` at a place is; empty if it may be something else."""
    place += 4 if _text(code, place + 2) == ":" else 2
    known = _text(code, place) == "=" and _kind(code, place + 1) is TokenKind.STRING
    return (
        ""
        if not known or _text(code, place + 2) in ("+", ".", "[", "?")
        else code[place + 1].text[1:-1]
    )


def _call_kind(code: Sequence[Token], place: int, opened: int) -> ImportKind:
    """Return the kind of a call: `import("x").X` and `import type x = require(…)` are types."""
    before = [token.text for token in code[max(place - 4, 0) : place]]
    after = [token.text for token in code[opened + 2 : opened + 5]]
    member = code[place].text == "import" and after[:2] == [")", "."]
    if member and after[2:] and after[2] not in ("then", "catch", "finally"):
        return ImportKind.TYPES
    is_type = before[-1:] == ["typeof"] or (before[:2], before[3:]) == (["import", "type"], ["="])
    return ImportKind.TYPES if is_type else ImportKind.REQUIRED


def _assigned(code: Sequence[Token], place: int, behind: int) -> str:
    """Return the variable that has a function from now on: `load` of `const load = require`."""
    if _text(code, behind) == "as" and code[place].text == _FACTORY:
        return _text(code, behind + 1)
    while _text(code, place - 1) == ".":
        place -= 2
    if _text(code, place - 1) != "=" or _text(code, behind) in ("(", "["):
        return ""
    # A type may stand between the name and the sign.
    before = ["", *(token.text for token in code[max(place - 9, 0) : place - 1])]
    starts = [at for at, text in enumerate(before[:-1]) if text in _VARIABLES]
    return before[starts[-1] + 1] if starts else before[-1]


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
        if before.text == "[" and token.text[1:-1] in ("eval", "Function"):
            found.add(token.line)
        elif token.kind is TokenKind.WORD and token.text in ("eval", "Function"):
            free = before.text != "." or last.text in ("globalThis", "window", "global")
            made = token.text == "eval" or before.text == "new" or after.text == "("
            if free and made and after.text != ":":
                found.add(token.line)
    return sorted(found)
