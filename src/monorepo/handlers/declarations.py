"""What a TypeScript or JavaScript module exports, and the parameters of its functions.

It reads tokens and builds no tree: enough for how functions are declared and exported, and no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from monorepo.parsing.javascript import Token, TokenKind, tokens

Code = Sequence[Token]

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_VARIABLES = ("const", "let", "var")
# Words that begin a statement, and nothing else outside of brackets.
_BEGINS = ("export", "import", "function", "class", "interface", *_VARIABLES)
_COMPUTED = "is computed, so that its parameters are not known"
# What may stand between `export` and what is exported.
_MODIFIERS = ("async", "default", "abstract", "declare")


@dataclass(frozen=True)
class Function:
    """A function, or an object with one in `handler`.

    Attributes:
        line: where it is declared.
        required: how many parameters a call has to give.
        total: how many it may give; a rest parameter counts as one.
        params: the names in `Params` of the type of a parameter; None if none has it.
    """

    line: int
    required: int
    total: int
    params: tuple[str, ...] | None


@dataclass(frozen=True)
class Other:
    """What is no function, as far as the text tells: `is a class`."""

    line: int
    what: str


@dataclass(frozen=True)
class Elsewhere:
    """A name of another module; `*` is all of it."""

    line: int
    module: str
    name: str


Found = Function | Other | Elsewhere


@dataclass
class Module:
    """A module.

    Attributes:
        code: its tokens.
        exports: what is exported, by the name that users have for it: a name of this module, or of
            another one.
        stars: the modules of which everything is exported.
        imports: the names that are imported.
        declared: the names that are declared, with the kind (`function`, `class`, `value`) and the
            place of the token after the name.
        types: the names of types and interfaces, with the place of the keyword.
    """

    code: Code
    exports: dict[str, str | Elsewhere] = field(default_factory=dict)
    stars: list[Elsewhere] = field(default_factory=list)
    imports: dict[str, Elsewhere] = field(default_factory=dict)
    declared: dict[str, tuple[str, int]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)

    def text(self, at: int) -> str:
        """Return the text of the token at a place; "" outside."""
        return self.code[at].text if 0 <= at < len(self.code) else ""

    def exported(self, name: str) -> Found | None:
        """Return what is exported by a name, other than by a star; None if nothing is."""
        found = self.exports.get(name)
        return self.resolve(found) if isinstance(found, str) else found

    def resolve(self, name: str) -> Found:
        """Return what a name of this module is."""
        line, seen = 1, set[str]()
        while name not in seen:
            seen.add(name)
            if name in self.imports:
                return self.imports[name]
            if name not in self.declared:
                break
            kind, at = self.declared[name]
            line = self.code[at - 1].line
            found = _declaration(self, kind, at, line)
            if not isinstance(found, str):
                return found
            name = found
        return Other(line, f"is {name}, which is not declared in this file")


@lru_cache(maxsize=256)
def module(text: str) -> Module:
    """Return what a module has. It is cached, for several handlers of one file."""
    found = Module(tokens(text))
    depth = 0
    for at, token in enumerate(found.code):
        if token.kind is TokenKind.SIGN:
            depth += (token.text in _OPEN) - (token.text in _CLOSE)
        elif not depth and token.kind is TokenKind.WORD and found.text(at - 1) != ".":
            _take(found, at)
    return found


def _take(found: Module, at: int) -> None:
    """Take in the statement whose keyword is at a place outside of brackets, if it is one."""
    word = found.text(at)
    if word == "import":
        _take_import(found, at + 1)
    elif word == "export":
        _take_export(found, at + 1)
    elif word in ("type", "interface"):
        found.types[found.text(at + 1)] = at
    elif word in ("function", "class"):
        name = at + 1 + (found.text(at + 1) == "*")
        _declare(found, at, name, word)
    elif word in _VARIABLES and found.text(at + 1) in _OPEN:
        for name in _pattern(found, at + 1):
            _declare(found, at, name, "part")
    elif word in _VARIABLES:
        for name in _declarators(found, at + 1):
            _declare(found, at, name, "value")


def _declare(found: Module, at: int, place: int, kind: str) -> None:
    """Note a declaration that begins at `at`, with its name at `place`."""
    modifiers = []
    while found.text(at - 1) in _MODIFIERS:
        at -= 1
        modifiers.append(found.text(at))
    named = place < len(found.code) and found.code[place].kind is TokenKind.WORD
    name = found.text(place) if named and found.text(place) != "extends" else "default"
    if name == "default":
        place -= 1
    found.declared[name] = (kind, place + 1)
    if found.text(at - 1) == "export":
        found.exports["default" if "default" in modifiers else name] = name


def _pattern(found: Module, at: int) -> Iterator[int]:
    """Yield the places of the names in a pattern, such as `{ a, b: c }`."""
    for place in range(at, _closing(found.code, at)):
        is_key = found.text(place + 1) == ":"
        if found.code[place].kind is TokenKind.WORD and not is_key:
            yield place


def _declarators(found: Module, at: int) -> Iterator[int]:
    """Yield the places of the names that `const` declares."""
    if at < len(found.code) and found.code[at].kind is TokenKind.WORD:
        yield at
    while at < len(found.code) and found.text(at) != ";" and found.text(at) not in _BEGINS:
        if found.text(at) in _OPEN:
            at = _closing(found.code, at)
        elif found.text(at) == "," and found.text(at + 2) in ("=", ":"):
            yield at + 1
        at += 1


def _take_import(found: Module, at: int) -> None:
    if found.text(at) in ("(", ".", "type"):
        return
    end = _source(found, at)
    if end is None:
        return
    source = found.text(end)[1:-1]
    while at < end - 1:
        line = found.code[at].line
        if found.text(at) == "{":
            for name, own in _names(found, at):
                found.imports[own] = Elsewhere(line, source, name)
            at = _closing(found.code, at)
        elif found.text(at) == "*":
            found.imports[found.text(at + 2)] = Elsewhere(line, source, "*")
            at += 2
        elif found.text(at) != ",":
            found.imports[found.text(at)] = Elsewhere(line, source, "default")
        at += 1


def _take_export(found: Module, at: int) -> None:
    if at >= len(found.code):
        return
    word, line = found.text(at), found.code[at].line
    if word == "{":
        end = _closing(found.code, at)
        source = found.text(end + 2)[1:-1] if found.text(end + 1) == "from" else None
        for name, shown in _names(found, at):
            found.exports[shown] = name if source is None else Elsewhere(line, source, name)
    elif word == "*":
        place = _source(found, at)
        star = Elsewhere(line, found.text(place)[1:-1] if place else "", "*")
        if found.text(at + 1) == "as":
            found.exports[found.text(at + 2)] = star
        else:
            found.stars.append(star)
    elif word == "default":
        behind = at + 1 + (found.text(at + 1) in _MODIFIERS)
        if found.text(behind) not in ("function", "class"):
            found.declared["default"] = ("expression", at + 1)
            found.exports["default"] = "default"


def _source(found: Module, at: int) -> int | None:
    """Return the place of the string after the next `from`."""
    for place in range(at, len(found.code) - 1):
        if found.text(place) in (";", "import", "export"):
            return None
        if found.text(place) == "from" and found.code[place + 1].kind is TokenKind.STRING:
            return place + 1
    return None


def _names(found: Module, at: int) -> Iterator[tuple[str, str]]:
    """Yield the names in the braces at a place, each with what it becomes; types are left out."""
    words: list[str] = []
    for place in range(at + 1, _closing(found.code, at) + 1):
        if found.text(place) not in (",", "}"):
            words.append(found.text(place).strip("\"'"))
            continue
        if words and not (words[0] == "type" and len(words) in (2, 4)):
            yield words[0], words[-1]
        words = []


def _type(found: Module, name: str) -> Code:
    """Return the tokens of a type of this module; none if the word was a name of something else."""
    code, at = found.code, found.types[name]
    start = at + 2
    if found.text(start) == "<":
        start = _behind_angles(code, start)
    if found.text(at) == "interface":
        while start < len(code) and found.text(start) != "{":
            start += 1
        return code[start : _closing(code, start) + 1]
    if found.text(start) != "=":
        return ()
    end = start + 1
    while end < len(code) and found.text(end) != ";" and not _begins(code, end):
        end = _closing(code, end) + 1 if found.text(end) in _OPEN else end + 1
    return code[start + 1 : end]


def _begins(code: Code, at: int) -> bool:
    """Return whether a token begins a statement, on a line of its own."""
    words = (*_BEGINS, "type", "async")
    return code[at].text in words and code[at].line > code[at - 1].line


def _closing(code: Code, at: int) -> int:
    """Return the place of the bracket that closes the one at `at`; the last place if none does."""
    depth = 0
    for place in range(at, len(code)):
        if code[place].kind is TokenKind.SIGN:
            depth += (code[place].text in _OPEN) - (code[place].text in _CLOSE)
            if not depth:
                return place
    return len(code) - 1


def _behind_angles(code: Code, at: int) -> int:
    """Return the place after the parameters of a type, `<…>`, which begin at `at`."""
    depth = 0
    for place in range(at, len(code)):
        depth += _angle(code, place)
        if not depth:
            return place + 1
    return len(code)


def _angle(code: Code, at: int) -> int:
    """Return by how much a token opens `<…>`; the sign of an arrow is none of them."""
    if code[at].kind is not TokenKind.SIGN:
        return 0
    is_arrow = at > 0 and code[at - 1].text == "="
    return (code[at].text == "<") - (code[at].text == ">" and not is_arrow)


def _declaration(found: Module, kind: str, at: int, line: int) -> Found | str:
    """Return what is declared, or the name that it stands for."""
    if kind == "class":
        return Other(line, "is a class")
    if kind == "part":
        return Other(line, _COMPUTED)
    if kind == "function":
        return _function(found, at, line, ())
    if kind == "expression":
        return _expression(found, at, line, ())
    equals = at
    while equals < len(found.code) and not _is_default(found.code, equals):
        is_open = found.text(equals) in _OPEN
        equals = _closing(found.code, equals) + 1 if is_open else equals + 1
        if found.text(equals) == ";":
            return Other(line, "has no value")
    return _expression(found, equals + 1, line, found.code[at + 1 : equals])


def _is_default(code: Code, at: int) -> bool:
    """Return whether a token is the `=` before a value, and no part of an arrow or a comparison."""
    behind = code[at + 1].text if at + 1 < len(code) else ""
    return code[at].text == "=" and behind not in ("=", ">")


def _expression(found: Module, at: int, line: int, annotation: Code) -> Found | str:
    """Return what a value is, or the name that it is. `annotation` is the type of its variable."""
    if at >= len(found.code):
        return Other(line, "has no value")
    token, behind = found.code[at], found.text(at + 1)
    if token.text == "async" and behind != "=":
        return _expression(found, at + 1, line, annotation)
    if token.text == "function":
        return _function(found, at + 1, line, annotation)
    if token.text == "<":
        return _function(found, at, line, annotation)
    if token.text == "(":
        end = _closing(found.code, at)
        if found.text(end + 1) == ":" or _is_arrow(found, end + 1):
            return _function(found, at, line, annotation)
        return _expression(found, at + 1, line, annotation)
    if token.text == "{":
        return _object(found, at, line)
    if token.kind is TokenKind.WORD and _is_arrow(found, at + 1):
        return Function(line, 1, 1, _params(found, annotation))
    if token.kind is not TokenKind.WORD or not token.text.isidentifier():
        return Other(line, "is not a function")
    if behind in ("(", ".", "[", "<", "`", "?") or found.code[at].text in ("new", "await", "class"):
        return Other(line, _COMPUTED)
    return token.text


def _is_arrow(found: Module, at: int) -> bool:
    return found.text(at) == "=" and found.text(at + 1) == ">"


def _object(found: Module, at: int, line: int) -> Found | str:
    """Return what the `handler` of an object is."""
    end = _closing(found.code, at)
    at += 1
    while at < end:
        while found.text(at) == "async" and found.text(at + 1) not in (":", ",", "("):
            at += 1
        if found.text(at).strip("\"'") == "handler":
            if found.text(at + 1) == ":":
                return _expression(found, at + 2, line, ())
            if found.text(at + 1) in ("(", "<"):
                return _function(found, at + 1, line, ())
            return "handler"
        while at < end and found.text(at) != ",":
            at = _closing(found.code, at) + 1 if found.text(at) in _OPEN else at + 1
        at += 1
    return Other(line, "is an object without a handler")


def _function(found: Module, at: int, line: int, annotation: Code) -> Function:
    """Return a function; its name, type parameters and parameters begin at a place."""
    code = found.code
    while at < len(code) and found.text(at) != "(":
        at = _behind_angles(code, at) if found.text(at) == "<" else at + 1
    required = total = 0
    params = _params(found, annotation)
    for piece in _parameters(code[at + 1 : _closing(code, at)]):
        is_required, types = _parameter(piece)
        # TypeScript's declaration of `this` is no parameter.
        if piece[0].text != "this":
            total += 1
            required = total if is_required else required
            params = _params(found, types) if params is None else params
    return Function(line, required, total, params)


def _parameters(code: Code) -> Iterator[Code]:
    """Split what is between the brackets of a function. In types, commas may be between angles."""
    start = at = angles = 0
    typed = False
    while at < len(code):
        text = code[at].text
        if text in _OPEN:
            at = _closing(code, at)
        elif text == "," and angles <= 0:
            if start < at:
                yield code[start:at]
            start, angles, typed = at + 1, 0, False
        else:
            typed = text == ":" or (typed and not _is_default(code, at))
            angles += _angle(code, at) if typed else 0
        at += 1
    if start < len(code):
        yield code[start:]


def _parameter(piece: Code) -> tuple[bool, Code]:
    """Return whether a call has to give a parameter, and its type."""
    at = _closing(piece, 0) + 1 if piece[0].text in _OPEN else 1
    is_optional = at < len(piece) and piece[at].text == "?"
    at += is_optional
    default = at
    while default < len(piece) and not _is_default(piece, default):
        default = _closing(piece, default) + 1 if piece[default].text in _OPEN else default + 1
    is_rest = piece[0].text == "."
    return not (is_optional or is_rest or default < len(piece)), piece[at + 1 : default]


def _params(found: Module, types: Code) -> tuple[str, ...] | None:
    """Return the names in `Params` of a type, which may be a type of this module; None without."""
    seen: set[str] = set()
    waiting = [types]
    while waiting:
        code = waiting.pop(0)
        for at, token in enumerate(code[:-2]):
            if token.text == "Params" and code[at + 1].text == ":":
                name = code[at + 2].text
                named = _type(found, name) if name in found.types else ()
                return tuple(_keys(code[at + 2 :] if name == "{" else named))
        for token in code:
            if token.text in found.types and token.text not in seen:
                seen.add(token.text)
                waiting.append(_type(found, token.text))
    return None


def _keys(types: Code) -> Iterator[str]:
    """Yield the keys of an object type, which begins with its brace."""
    end = _closing(types, 0) if types else 0
    at = 1
    while types and at < end:
        begins = types[at - 1].text in ("{", ";", ",") or types[at].line > types[at - 1].line
        if begins and types[at].text == "readonly" and types[at + 1].text not in (":", "?"):
            at += 1
        if begins and types[at].kind is not TokenKind.SIGN and types[at + 1].text in (":", "?"):
            yield types[at].text.strip("\"'")
        at = _closing(types, at) + 1 if types[at].text in _OPEN else at + 1
