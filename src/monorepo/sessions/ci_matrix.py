"""Distribute the nox sessions over the rows of a GitHub matrix.

Standard library only.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from monorepo.system.errors import UsageError

# Sessions per job below which more jobs do not pay: setting one up takes a minute.
ENOUGH = 12
# GitHub allows 256 rows, and runs 20 in parallel on a free plan.
ROWS = 24
_NAME = re.compile(r"[a-z0-9./()-]+")
_PYTHON = re.compile(r"3\.\d+")


def matrix(listing: str, floor: str) -> dict[str, list[dict[str, str]]]:
    """Return the matrix for the output of `nox --list --json`.

    Each session is in one row, and a row has sessions of one Python. They are distributed round
    robin, so that each row gets its share of every task.

    Args:
        listing: the sessions, as JSON.
        floor: the Python for sessions without a version.

    Raises:
        UsageError: the listing is malformed or empty.
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
    """Return the session names for each Python, the oldest first."""
    try:
        entries: list[Mapping[str, Any]] = json.loads(listing)
        found = {str(entry["session"]): str(entry["python"] or floor) for entry in entries}
    except (ValueError, TypeError, LookupError):
        found = {}
    for name in found:
        # Names are separated by commas.
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name}: is not allowed in a workflow; rename the package")
    if not found or not all(map(_PYTHON.fullmatch, found.values())):
        raise UsageError("stdin: lists no sessions; pipe `nox --list --json` into it")
    pythons = sorted({*found.values()}, key=lambda python: int(python.partition(".")[2]))
    return {
        version: [name for name, python in found.items() if python == version]
        for version in pythons
    }
