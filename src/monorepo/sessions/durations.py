"""How long each nox session took when it last succeeded, for the plan of CI.

A file for each session, in the store of results: nox runs sessions in processes of their own, and
what several machines have recorded is merged by copying files. Standard library only.
"""

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

from monorepo.caching.store import Store
from monorepo.system import git_directories

FOLDER = "durations"


def record(root: Path, session: str, seconds: float) -> None:
    """Keep how long a session took, if that is possible."""
    place = _place(root)
    if place is None:
        return
    with contextlib.suppress(OSError):
        text = json.dumps({"session": session, "seconds": math.ceil(seconds)})
        # A path in a name has no plus.
        git_directories.put(place / f"{session.replace('/', '+')}.json", text.encode())


def recorded(root: Path) -> dict[str, float]:
    """Return how many seconds sessions took; what cannot be read is left out."""
    place = _place(root)
    return dict(sorted(_read(place))) if place else {}


def _read(place: Path) -> Iterator[tuple[str, float]]:
    """Yield the sessions in a folder that can be read."""
    for file in place.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
            noted = json.loads(file.read_bytes())
            session, seconds = noted["session"], noted["seconds"]
            if isinstance(session, str) and 0 <= float(seconds) < math.inf:
                yield session, float(seconds)


def _place(root: Path) -> Path | None:
    """Return the folder; None without git."""
    folder = Store(root).folder
    return folder / FOLDER if folder else None
