"""Write EDN: what people would write, the same text for the same value. Standard library only."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set

from monorepo.edn.reader import Keyword, Symbol

WIDTH = 100

_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')
_ESCAPES = {raw: f"\\{letter}" for raw, letter in zip('\t\r\n\b\f"\\', 'trnbf"\\', strict=True)}


def write(value: object) -> str:
    """Return the text of a value, which ends in a line break.

    A collection that does not fit into a line has one value, or one key with its value, in each;
    the outermost map always. What `reader.read` reads from it is the value again.

    Raises:
        ValueError: EDN has no such value, such as infinity.
    """
    if isinstance(value, Mapping) and len(value) > 1:
        return f"{_broken(value, 0)}\n"
    return f"{_text(value, 0)}\n"


def _text(value: object, indent: int) -> str:
    """Return the text of a value that begins at column `indent`."""
    line = flat(value)
    if indent + len(line) <= WIDTH or not isinstance(value, Mapping | list | tuple | Set):
        return line
    return _broken(value, indent)


def _broken(value: object, indent: int) -> str:
    """Return the text of a collection, a value to a line."""
    start, end = _brackets(value)
    inner = indent + len(start)
    if isinstance(value, Mapping):
        keys = [f"{flat(key)} " for key in value]
        rows = [
            key + _text(item, inner + len(key))
            for key, item in zip(keys, value.values(), strict=True)
        ]
    else:
        rows = [_text(item, inner) for item in _items(value)]
    return start + f"\n{' ' * inner}".join(rows) + end


def flat(value: object) -> str:
    """Return the text of a value in one line."""
    if isinstance(value, Mapping):
        pairs = (f"{flat(key)} {flat(item)}" for key, item in value.items())
        return f"{{{' '.join(pairs)}}}"
    if isinstance(value, list | tuple | Set):
        start, end = _brackets(value)
        return f"{start}{' '.join(map(flat, _items(value)))}{end}"
    return _scalar(value)


def _brackets(value: object) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return "{", "}"
    return ("#{", "}") if isinstance(value, Set) else ("[", "]")


def _items(value: object) -> Iterator[object]:
    """Yield the values of a vector, or the members of a set in the order of their texts."""
    if isinstance(value, Set):
        return iter(sorted(value, key=flat))
    assert isinstance(value, Sequence)
    return iter(value)


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{_ESCAPED.sub(_escaped, value)}"'
    if isinstance(value, Keyword | Symbol | int) or (
        isinstance(value, float) and math.isfinite(value)
    ):
        return str(value)
    raise ValueError(f"EDN has no {value!r}")


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}")
