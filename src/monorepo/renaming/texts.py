"""Rename in the texts of files, in each as its language has it. Standard library only."""

import re
from collections.abc import Callable

from monorepo.core.languages import MANIFESTS
from monorepo.generation import code_owners
from monorepo.parsing import javascript
from monorepo.parsing.javascript import TokenKind
from monorepo.renaming import python
from monorepo.renaming.names import Names

_PYTHON = (".py", ".pyi")
_MARKDOWN = (".md", ".markdown")
# Files with requirements in any spelling.
_REQUIRING = (".toml", ".edn")
# What is code in a document: blocks, spans, the targets of links, and a heading of one word.
_CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?P<ticks>`+)(?!`)(?:[^`\n]|\n(?!\s*\n)|(?!(?P=ticks)(?!`))`+)*(?P=ticks)(?!`)"
    r"|\]\([^)\s]*|^ {0,3}\[[^\]\n]+\]:[ \t]*\S+|^\#{1,6} +\S+ *$",
    re.MULTILINE | re.DOTALL,
)
# Who owns a file, in CODEOWNERS and in manifests: a team may be called like a package.
_OWNER = re.compile(r"(?<=[ \t])\S*@\S+")
_OWNERS = re.compile(rf"""^[ \t{{]*"?{code_owners.KEY}"?[ \t]*[:=][ \t]*\[[^\]]*\]""", re.MULTILINE)
# What a manifest says to people.
_DESCRIPTION = re.compile(
    r"""^[ \t{]*(?:"|:package/)?description"?[ \t]*[:=]?[ \t]*(?P<prose>"(?:[^"\\\n]|\\.)*")""",
    re.MULTILINE,
)


def rename(file: str, text: str, names: Names) -> str:
    """Return the text of the file at a path with the new names."""
    if not names.are_in(text):
        return text
    if file.endswith(_PYTHON):
        return python.rename(text, names)
    if file.endswith(javascript.SUFFIXES):
        return typescript(text, names)
    if file.endswith(_MARKDOWN):
        return _parted(text, _CODE, names.data, names.prose)
    if file == code_owners.FILE or file in code_owners.OTHERS:
        return _parted(text, _OWNER, str, names.data)
    data = names.requirements if file.endswith(_REQUIRING) else names.data

    def described(text: str) -> str:
        return _parted(text, _DESCRIPTION, names.prose, data)

    return _parted(text, _OWNERS, str, described) if file.endswith(MANIFESTS) else described(text)


def is_document(file: str) -> bool:
    """Tell whether a file is for people, and may have examples that are no packages here.

    The help of a Makefile has some as well.
    """
    return file.endswith(_MARKDOWN) or file.rpartition("/")[2] == "Makefile"


def typescript(text: str, names: Names) -> str:
    """Return the text of a TypeScript or JavaScript file with the new names.

    They are changed in strings, templates and regular expressions, and in comments as in prose;
    code has no name of a package outside of these.
    """
    return "".join(
        names.prose(piece)
        if kind is None
        else piece
        if kind in (TokenKind.WORD, TokenKind.SIGN)
        else names.data(piece)
        for kind, piece in javascript.pieces(text)
    )


def _parted(
    text: str,
    pattern: re.Pattern[str],
    inside: Callable[[str], str],
    outside: Callable[[str], str],
) -> str:
    """Return a text with one change to what fits a pattern, and another to the rest."""
    parts, at = [], 0
    for found in pattern.finditer(text):
        parts += [outside(text[at : found.start()]), inside(found[0])]
        at = found.end()
    return "".join([*parts, outside(text[at:])])
