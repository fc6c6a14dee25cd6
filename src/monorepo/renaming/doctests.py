"""Change the code of the examples in a text as code: the lines of a doctest have prompts.

Standard library only.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

# A place in a text, from start to end, and what stands there afterwards.
Edit = tuple[int, int, str]
PROMPT = ">>>"
_LINE = re.compile(r"^(?P<indent>[ \t>]*?)(?P<prompt>>>>|\.\.\.)(?:[ \t]|$)", re.MULTILINE)


class _Row(NamedTuple):
    """A line of code: where its line, its code and its end are in the text; and its prompt."""

    start: int
    code: int
    end: int
    prompt: str


def edits(text: str, change: Callable[[str], Sequence[Edit]]) -> list[Edit]:
    """Return the edits of a text by which the code of its examples changes.

    All examples of a text are one piece of code: what one imports, the next ones use.

    Args:
        text: the text: a docstring, or a document.
        change: returns the edits of a piece of code; each begins where a line or a token does.
    """
    rows = _rows(text)
    if not rows:
        return []
    starts, code = list[int](), ""
    for row in rows:
        starts.append(len(code))
        code += text[row.code : row.end] + "\n"
    found = []
    for start, end, new in sorted(change(code)):
        first = bisect_right(starts, start) - 1
        last = bisect_right(starts, end) - 1
        row = rows[first]
        if not new and start == starts[first] and (end in starts or end == len(code)):
            # Whole lines go, with their prompts.
            below = rows[last if end == len(code) else last - 1].end
            found.append((row.start, min(below + 1, len(text)), ""))
            continue
        place = row.code + start - starts[first]
        until = rows[last].code + end - starts[last]
        found.append((place, until, new.replace("\n", f"\n{row.prompt} ")))
    return found


def _rows(text: str) -> list[_Row]:
    """Return the lines of code of the examples in a text."""
    rows: list[_Row] = []
    for found in _LINE.finditer(text):
        goes_on = rows and rows[-1].end + 1 == found.start()
        if found["prompt"] == "..." and not goes_on:
            continue
        end = text.find("\n", found.start())
        end = len(text) if end < 0 else end
        rows.append(_Row(found.start(), min(found.end(), end), end, found[0].rstrip()))
    return rows
