"""Change an EDN document as text: items of vectors and entries of maps; all else keeps its bytes.

Standard library only.
"""

import re
from collections.abc import Sequence

from monorepo.edn import reader, writer
from monorepo.edn.reader import Keyword

Path = tuple[str | int, ...]
_TOKEN = re.compile(
    r"(?P<blank>[\s,]+|;[^\n]*)|(?P<open>#?[\[({])|(?P<close>[\])}])"
    r'|"(?:\\.|[^"\\])*"|[^\s,\[\](){}";]+',
    re.DOTALL,
)


def without(text: str, path: Path) -> str:
    """Return a document without the item or the entry at a path.

    Args:
        text: the document, with Unix line breaks.
        path: of a value that is there.
    """
    document = reader.read(text)
    line, column = document.key_position(path)
    start = _offset(text, line, column)
    end = _end(text, document.offset(path))
    before = len(text[:start].rstrip(" \t\n,"))
    row = text[text.rfind("\n", 0, before) + 1 : before]
    if text[before - 1] in "[({":
        # What follows takes its place.
        after = re.compile(r"[\s,]*").match(text, end)
        return text[:start] + text[after.end() if after else end :]
    return text[: start if _has_comment(row) else before] + text[end:]


def appended(text: str, path: Path, value: object, key: Keyword | str | None = None) -> str:
    """Return a document with another item at the end of a vector, or another entry of a map.

    Args:
        text: the document, with Unix line breaks.
        path: of the vector or the map.
        value: the value.
        key: its key, in a map.
    """
    document = reader.read(text)
    start = document.offset(path)
    close = _end(text, start) - 1
    written = writer.flat(value) if key is None else f"{writer.flat(key)} {writer.flat(value)}"
    at = len(text[:close].rstrip(" \t\n,"))
    inner = text[start + 1 : at].lstrip(" \t\n,")
    if not inner:
        return text[: start + 1] + written + text[close:]
    first = at - len(inner)
    column = first - text.rfind("\n", 0, first) - 1
    if _has_comment(text[text.rfind("\n", 0, at) + 1 : at]):
        return f"{text[:at]}\n{' ' * column}{written}\n{' ' * (column - 1)}{text[close:]}"
    between = f"\n{' ' * column}" if "\n" in inner or (key is not None and path == ()) else " "
    return text[:at] + between + written + text[at:]


def with_items(
    text: str, path: Path, old: Sequence[str], new: Sequence[str], values: Sequence[object]
) -> str:
    """Return a document in which a vector has other items.

    Args:
        text: the document.
        path: of the vector, whose map is there; an empty one takes it out.
        old: what its items are called.
        new: what those are called that it shall have.
        values: these.
    """
    for name, value in zip(new, values, strict=True):
        if name not in old:
            text = appended(text, path, value)
    for at in reversed([at for at, name in enumerate(old) if name not in new]):
        text = without(text, (*path, at))
    return text


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.index("\n", at) + 1
    return at + column - 1


def _end(text: str, start: int) -> int:
    """Return where the value ends that begins at a place."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token["blank"]:
            continue
        depth += 1 if token["open"] else -1 if token["close"] else 0
        if depth == 0:
            return token.end()
    return len(text)


def _has_comment(row: str) -> bool:
    return any(token[0][0] == ";" for token in _TOKEN.finditer(row))
