"""Spread the nox sessions over the rows of a GitHub matrix.

Standard library only.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from monorepo.system.errors import UsageError

# A job spends a minute on setting up: with fewer sessions each, jobs cost more than they save.
ENOUGH = 12
# GitHub allows 256, and runs 20 side by side for a free account.
ROWS = 24
_NAME = re.compile(r"[a-z0-9./()-]+")
_PYTHON = re.compile(r"3\.\d+")


def matrix(listing: str, floor: str) -> dict[str, list[dict[str, str]]]:
    """Return the matrix for what `nox --list --json` has printed.

    Each session is in one row, and a row has sessions of one Python. Which of them stand together
    does not matter: they are dealt out like cards, so that each row gets its share of every task.

    Args:
        listing: the sessions, as JSON.
        floor: the Python for sessions that do with any.

    Raises:
        UsageError: it is no such listing, or there is nothing in it.
    """
    sessions = _sessions(listing, floor)
    rows = dict.fromkeys(sessions, 1)

    def load(python: str) -> float:
        return len(sessions[python]) / rows[python]

    while sum(rows.values()) < ROWS and load(fullest := max(rows, key=load)) > ENOUGH:
        rows[fullest] += 1
    return {
        "include": [
            {
                "name": f"Python {python}" + (f", {row + 1} of {count}" if count > 1 else ""),
                "python": python,
                "sessions": ",".join(sessions[python][row::count]),
            }
            for python, count in rows.items()
            for row in range(count)
        ]
    }


def _sessions(listing: str, floor: str) -> dict[str, list[str]]:
    """Return the names of the sessions for each Python, the oldest first."""
    try:
        entries: list[Mapping[str, Any]] = json.loads(listing)
        found = {str(entry["session"]): str(entry["python"] or floor) for entry in entries}
    except (ValueError, TypeError, LookupError):
        found = {}
    for name in found:
        # A comma would be the name's end.
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name}: cannot stand in a workflow; give the package another name")
    if not found or not all(map(_PYTHON.fullmatch, found.values())):
        raise UsageError("stdin: lists no sessions; pipe `nox --list --json` into it")
    pythons = sorted({*found.values()}, key=lambda python: int(python.partition(".")[2]))
    return {
        version: [name for name, python in found.items() if python == version]
        for version in pythons
    }
