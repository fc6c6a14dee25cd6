"""Change vectors and keys in an EDN document as text; all else keeps its bytes.

Standard library only.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from monorepo.edn import reader, writer
from monorepo.edn.reader import Document, Keyword

Path = tuple[str | int, ...]

_BLANKS = " \t\r\n\f,"
# What stands behind a value on its line: a comment that is about it.
_COMMENT = re.compile(r"[ \t,]*;[^\n]*")


class _Edit(NamedTuple):
    """The text between two offsets, and what takes its place."""

    start: int
    end: int
    text: str


def items(text: str, path: Path) -> list[object]:
    """Return the items of the vector at a path of a document; none if there is no vector."""
    document = reader.read(text)
    found = document.at(path) if _existing(document, path) == len(path) else None
    return found if isinstance(found, list) else []


def with_items(text: str, path: Path, items: Sequence[object]) -> str:
    """Return the text of a document with other items in the vector at a path.

    An item that stays keeps its text, with the comments beside it. The vector is made, with the
    maps on the way, if it is not there.

    Args:
        text: a valid document, which is a map.
        path: the keys on the way, without their colons.
        items: the values.
    """
    document = reader.read(text)
    there = _existing(document, path)
    if there < len(path):
        return _made(document, path, [*map(_key, path)], there, list(items))
    return _applied(document.text, _edits(document, path, items))


def with_entry(text: str, path: Path, key: Keyword | str, value: object) -> str:
    """Return the text of a document with another value of a key in the map at a path.

    The key is made, with the maps on the way, if it is not there.

    Args:
        text: a valid document, which is a map.
        path: the keys on the way, without their colons.
        key: the key: a name is no keyword in each map.
        value: its value.
    """
    document = reader.read(text)
    step = key.text if isinstance(key, Keyword) else key
    there = _existing(document, (*path, step))
    if there > len(path):
        start = document.offset((*path, step))
        end = reader.end_of(document.text, start)
        return _applied(document.text, [_Edit(start, end, writer.flat(value))])
    return _made(document, path, [*map(_key, path), key], there, value)


def without(text: str, path: Path) -> str:
    """Return the text of a document without a key and its value; as it is if there is none."""
    document = reader.read(text)
    if _existing(document, path) < len(path):
        return document.text
    places = [
        (mark[0], reader.end_of(document.text, mark[1]))
        for mark in _marks(document, path[:-1]).values()
    ]
    places.sort()
    start, _ = _marks(document, path[:-1])[path[-1]]
    at = next(index for index, place in enumerate(places) if place[0] == start)
    opening = document.offset(path[:-1]) + 1
    return _applied(document.text, [_removal(document.text, places, at, at + 1, opening)])


def _edits(document: Document, path: Path, items: Sequence[object]) -> Iterator[_Edit]:
    """Yield what makes the items of a vector others."""
    text, opening = document.text, document.offset(path)
    old = document.at(path)
    assert isinstance(old, list)
    spans = [(start, reader.end_of(text, start)) for start, _ in _marks(document, path).values()]
    before, after = [*map(writer.flat, old)], [*map(writer.flat, items)]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, last, new, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        both = min(last - first, end - new)
        for index in range(both):
            yield _Edit(*spans[first + index], after[new + index])
        for run in _runs(text, spans, first + both, last):
            yield _removal(text, spans, *run, opening + 1)
        if added := after[new + both : end]:
            yield _addition(text, spans[: first + both], spans, opening + 1, added)


def _runs(
    text: str, spans: Sequence[tuple[int, int]], first: int, last: int
) -> Iterator[tuple[int, int]]:
    """Yield values that go as the runs of those that no comment is between."""
    for at in range(first, last):
        if at + 1 == last or text[spans[at][1] : spans[at + 1][0]].strip(_BLANKS):
            yield first, at + 1
            first = at + 1


def _removal(
    text: str, spans: Sequence[tuple[int, int]], first: int, last: int, opening: int
) -> _Edit:
    """Return the edit that takes some of the values out, with the blanks before them."""
    start, end = spans[first][0], spans[last - 1][1]
    above = spans[first - 1][1] if first else opening
    if first and not text[above:start].strip(_BLANKS):
        return _Edit(above, end, "")
    # A comment before it stays, and so does the bracket.
    below = end + len(text[end:]) - len(text[end:].lstrip(_BLANKS))
    return _Edit(start, end if first and last == len(spans) else below, "")


def _addition(
    text: str,
    before: Sequence[tuple[int, int]],
    spans: Sequence[tuple[int, int]],
    opening: int,
    added: Sequence[str],
) -> _Edit:
    """Return the edit that puts values behind some others, or behind the bracket."""
    if not spans:
        return _Edit(opening, opening, " ".join(added))
    column = _column(text, spans[0][0])
    line = f"\n{' ' * column}"
    if not before:
        is_broken = len(spans) > 1 and "\n" in text[spans[0][0] : spans[-1][0]]
        between = line if is_broken else " "
        return _Edit(opening, opening, "".join(f"{one}{between}" for one in added))
    at = before[-1][1]
    noted = _COMMENT.match(text, at)
    at = noted.end() if noted else at
    width = len(text[text.rfind("\n", 0, at) + 1 : at]) + sum(len(one) + 1 for one in added)
    is_broken = bool(noted) or "\n" in text[spans[0][0] : spans[-1][1]]
    between = line if is_broken or width > writer.WIDTH else " "
    return _Edit(at, at, "".join(f"{between}{one}" for one in added))


def _made(document: Document, path: Path, keys: Sequence[object], there: int, value: object) -> str:
    """Return the text of a document with a value at keys, of which some lead somewhere already."""
    for key in reversed(keys[there + 1 :]):
        value = {key: value}
    return _with_key(document, path[:there], f"{writer.flat(keys[there])} {writer.flat(value)}")


def _with_key(document: Document, path: Path, entry: str) -> str:
    """Return the text of a document with another key, and its value, in the map at a path."""
    text, opening = document.text, document.offset(path) + 1
    marks = _marks(document, path).values()
    spans = sorted((key, reader.end_of(text, value)) for key, value in marks)
    if not spans:
        return f"{text[:opening]}{entry}{text[opening:]}"
    at = spans[-1][1]
    noted = _COMMENT.match(text, at)
    at = noted.end() if noted else at
    return f"{text[:at]}\n{' ' * _column(text, spans[0][0])}{entry}{text[at:]}"


def _applied(text: str, edits: Sequence[_Edit] | Iterator[_Edit]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _existing(document: Document, path: Path) -> int:
    """Return how many steps of a path lead somewhere."""
    for depth, step in enumerate(path):
        if step not in _marks(document, path[:depth]):
            return depth
    return len(path)


def _marks(document: Document, path: Path) -> dict[str | int, tuple[int, int]]:
    return dict(document.marks.get(id(document.at(path)), {}))


def _column(text: str, offset: int) -> int:
    return reader.place(text, offset)[1] - 1


def _key(step: str | int) -> str | int | Keyword:
    return Keyword(step) if isinstance(step, str) and reader.is_keyword(step) else step
