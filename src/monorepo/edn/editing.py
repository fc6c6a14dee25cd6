"""Add values to collections in a text of EDN; all else keeps its bytes. Standard library only."""

from collections.abc import Mapping, Sequence

from monorepo.edn import reader, writer
from monorepo.edn.reader import TOKEN, Document, Keyword


def with_items(text: str, added: Mapping[tuple[str, ...], Sequence[str]]) -> str:
    """Return a text with texts at the ends of vectors; vectors and maps that lack are made.

    Args:
        text: EDN with Unix line breaks, a map.
        added: the texts by the path of the vector, keys without their colon.

    Raises:
        EdnError: it is not EDN.
    """
    for path, items in added.items():
        if items:
            text = _with(text, path, list(items))
    return text


def _with(text: str, path: tuple[str, ...], items: list[str]) -> str:
    document = reader.read(text)
    found = next(at for at in range(len(path), -1, -1) if _is_there(document, path[:at]))
    start = document.offset(path[:found])
    end = _end(text, start)
    value: object = items
    for key in reversed(path[found + 1 :]):
        value = {_word(key): value}
    indent = _indent(text, start, end)
    if found < len(path):
        key = writer.flat(_word(path[found]))
        rows = [f"{key} {writer.indented(value, indent + len(key) + 1)}"]
    else:
        rows = [writer.flat(item) for item in items]
    pad = " " * indent
    line = text[text.rfind("\n", 0, end) + 1 : end]
    is_first = not text[start + 1 : end].strip()
    # A comment may end the line above.
    lead = "" if is_first and line.strip() else pad[len(line) :] if not line.strip() else f"\n{pad}"
    return text[:end] + lead + f"\n{pad}".join(rows) + text[end:]


def _is_there(document: Document, path: tuple[str, ...]) -> bool:
    value: object = document.value
    for key in path:
        names = {getattr(one, "text", one): one for one in value} if isinstance(value, dict) else {}
        if key not in names:
            return False
        assert isinstance(value, dict)
        value = value[names[key]]
    return isinstance(value, list | dict)


def _end(text: str, start: int) -> int:
    """Return where the bracket stands that closes the one at `start`."""
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += {"open": 1, "close": -1}.get(token.lastgroup or "", 0)
        if depth == 0:
            return token.start()
    raise AssertionError("EDN that was read has all its brackets")


def _indent(text: str, start: int, end: int) -> int:
    """Return the column of the first value of a collection."""
    first = next(
        (one.start() for one in TOKEN.finditer(text, start + 1, end) if one.lastgroup != "blank"),
        start + 1,
    )
    return first - text.rfind("\n", 0, first) - 1


def _word(key: str) -> str | Keyword:
    return Keyword(key) if key[:1].isalpha() and reader.is_keyword(key) else key
