"""Rename in Python, by its own tokens: in imports, in names that they bind, strings and comments.

Whatever else has that name, such as an attribute, a keyword, a parameter or a submodule, keeps it.
Standard library only.
"""

import io
import token
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from monorepo.renaming.names import Names

Token = tokenize.TokenInfo
# With them, a statement begins.
_BEGIN = {token.NEWLINE, token.INDENT, token.DEDENT, token.ENCODING}
_BLANK = {token.NL, token.COMMENT}
# A string with code in it has tokens of its own from Python 3.12 on, a template from 3.14 on.
_OPEN = {getattr(token, name, -1) for name in ("FSTRING_START", "TSTRING_START")} - {-1}
_CLOSE = {getattr(token, name, -1) for name in ("FSTRING_END", "TSTRING_END")} - {-1}
_BOM = "\ufeff"


@dataclass
class _File:
    """What has been read of a file.

    Attributes:
        edits: where something is replaced, and by what.
        uses: where the name stands that an import may bind, by the number of the token.
        bound: whether one does.
    """

    names: Names
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    uses: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    bound: bool = False

    def replace(self, start: int, old: str, new: str) -> None:
        """Note an edit."""
        if new != old:
            self.edits.append((start, start + len(old), new))


def rename(text: str, names: Names) -> str:
    """Return the text of a Python file with the new names.

    What is no Python is rewritten word by word.
    """
    if text.startswith(_BOM):
        return _BOM + rename(text.removeprefix(_BOM), names)
    lines = io.StringIO(text, newline="").readlines()
    starts = [0, *accumulate(map(len, lines))]
    found = _File(names)
    try:
        tokens = list(tokenize.generate_tokens(iter([*lines, ""]).__next__))
    except (tokenize.TokenError, SyntaxError, UnicodeError):
        return names.data(text)
    _read(text, tokens, starts, found)
    if found.bound and names.module:
        others = _others(tokens, names.module[0])
        found.edits += [edit for number, edit in found.uses.items() if number not in others]
    edits = sorted(found.edits)
    parts, at = [], 0
    for start, end, new in edits:
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _read(text: str, tokens: list[Token], starts: list[int], found: _File) -> None:
    names = found.names
    module = names.module[0] if names.module else None
    depth, open_at = 0, 0
    for number, each in enumerate(tokens):
        start = starts[each.start[0] - 1] + each.start[1]
        if each.type in _OPEN:
            open_at = open_at if depth else start
            depth += 1
        elif each.type in _CLOSE:
            depth -= 1
            if not depth:
                old = text[open_at : starts[each.end[0] - 1] + each.end[1]]
                found.replace(open_at, old, names.data(old))
        elif depth:
            continue
        elif each.type == token.STRING and names.are_in(each.string):
            is_prose = _stands_alone(tokens, number)
            new = names.prose(each.string) if is_prose else names.data(each.string)
            found.replace(start, each.string, new)
        elif each.type == token.COMMENT and names.are_in(each.string):
            found.replace(start, each.string, names.prose(each.string))
        elif module and each.type == token.NAME and each.string == module:
            _name(tokens, number, start, found)


def _stands_alone(tokens: list[Token], number: int) -> bool:
    """Tell whether a string is a statement of its own, as a docstring is."""
    before = next((one for one in _before(tokens, number)), None)
    after = next(one for one in tokens[number + 1 :] if one.type not in _BLANK)
    begins = before is None or before.type in _BEGIN or before.string == ":"
    return begins and after.type in (token.NEWLINE, token.ENDMARKER)


def _before(tokens: list[Token], number: int) -> Iterator[Token]:
    """Yield the tokens before one, the nearest first, without comments and blank lines."""
    for place in range(number - 1, -1, -1):
        if tokens[place].type not in _BLANK:
            yield tokens[place]


def _name(tokens: list[Token], number: int, start: int, found: _File) -> None:
    """Read the name of the package: what an import names, binds, or what is something else."""
    assert found.names.module
    old, new = found.names.module
    edit = (start, start + len(old), new)
    before, after = tokens[number - 1].string if number else "", tokens[number + 1].string
    if before == ".":
        return
    if before == "from" and _begins(tokens, number - 1):
        found.edits.append(edit)
        return
    statement = _import(tokens, number)
    if statement == "import" and before != "as":
        found.edits.append(edit)
        ahead = number + 1
        while tokens[ahead].string == ".":
            ahead += 2
        found.bound |= tokens[ahead].string != "as"
    elif statement is None and (after != "=" or _opened(tokens, number) not in ("(", "[")):
        found.uses[number] = edit


def _others(tokens: list[Token], module: str) -> set[int]:
    """Return the numbers of the tokens where the name is that of a function, or a parameter's."""
    found: set[int] = set()
    for number, each in enumerate(tokens):
        if each.type != token.NAME or each.string not in ("def", "class"):
            continue
        if tokens[number + 1].string == module:
            found.add(number + 1)
        if each.string == "def" and (mine := _parameter(tokens, number, module)):
            found |= mine
    return found


def _parameter(tokens: list[Token], number: int, module: str) -> set[int]:
    """Return the numbers of the tokens where the name is that of a parameter of a function."""
    depth, mine, is_parameter, at = 0, set[int](), False, number + 1
    before = ""
    while tokens[at].type not in (token.NEWLINE, token.ENDMARKER):
        each = tokens[at]
        if depth == 0 and each.string == ":":
            break
        is_name = each.type == token.NAME and each.string == module
        if depth == 1 and is_name and before in ("(", ",", "*", "**"):
            is_parameter = True
            mine.add(at)
        depth += (each.string in ("(", "[", "{")) - (each.string in (")", "]", "}"))
        before = before if each.type in _BLANK else each.string
        at += 1
    if not is_parameter:
        return mine
    # The body: what follows on the line, or a block.
    start, types = at, [one.type for one in tokens]
    while at < len(tokens) and types[at] != token.NEWLINE:
        at += 1
    at += 1
    while at < len(tokens) and types[at] in _BLANK:
        at += 1
    depth = 0
    while at < len(tokens) and (depth or types[at] == token.INDENT):
        depth += (types[at] == token.INDENT) - (types[at] == token.DEDENT)
        at += 1
    return mine.union(range(start, at))


def _begins(tokens: list[Token], number: int) -> bool:
    """Tell whether a statement begins with a token."""
    before = next(_before(tokens, number), None)
    return before is None or before.type in _BEGIN or before.string in (";", ":")


def _import(tokens: list[Token], number: int) -> str | None:
    """Return the word that the import begins with which a name is in; None if it is in none."""
    for place in range(number - 1, -1, -1):
        each = tokens[place]
        if each.string in ("import", "from") and _begins(tokens, place):
            return each.string
        in_it = each.type in (token.NAME, *_BLANK) or each.string in (",", ".", "(", "...")
        if not in_it or each.type in _BEGIN:
            return None
    return None


def _opened(tokens: list[Token], number: int) -> str | None:
    """Return the bracket in which a token stands; None outside of any."""
    depth = 0
    for each in _before(tokens, number):
        if each.type in _BEGIN and each.type != token.DEDENT:
            return None
        if each.string in (")", "]", "}"):
            depth += 1
        elif each.string in ("(", "[", "{"):
            if not depth:
                return each.string
            depth -= 1
    return None
