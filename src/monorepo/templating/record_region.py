"""Where a manifest records what a repository or a package was made from.

A record is found in the text, which may have conflict markers elsewhere. Standard library only.
"""

import contextlib
import json
import re

TABLE = "[tool.monorepo.template]"
# Where a table ends: at the next one, or where git has left a conflict.
_END = re.compile(r"\[|<{7}|\|{7}|={7}|>{7}")
_JSON = re.compile(r'"template"\s*:\s*(?=\{)')


def region(text: str) -> str:
    """Return the part of a manifest that is the record; "" if it has none."""
    start, end = _span(text)
    return text[start:end]


def with_region(text: str, record: str) -> str:
    """Return the manifest with another record in place of its own, as `region` returns it."""
    start, end = _span(text)
    return text[:start] + record + text[end:] if end else text


def _span(text: str) -> tuple[int, int]:
    """Return where the record begins and ends; it ends at 0 if there is none."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.rstrip() == TABLE]
    if starts:
        end = starts[0] + 1
        while end < len(lines) and not _END.match(lines[end]):
            end += 1
        # Blank lines and comments before the next table belong to that.
        while lines[end - 1].strip()[:1] in ("", "#"):
            end -= 1
        start = sum(map(len, lines[: starts[0]]))
        return start, start + len("".join(lines[starts[0] : end]).rstrip("\r\n"))
    for found in _JSON.finditer(text):
        with contextlib.suppress(ValueError):
            record, end = json.JSONDecoder().raw_decode(text, found.end())
            if "kind" in record:
                return found.start(), end
    return 0, 0
