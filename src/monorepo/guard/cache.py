"""A cache of results by file, valid while size, change time and mode are unchanged."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

FILE = ".venv/guard-cache.json"
# What has looked at more files than this is not worth keeping.
_MANY = 1000


class FileCache:
    """Cached results of functions of files, by path and by the name of the function."""

    def __init__(self, root: Path, file: str = FILE) -> None:
        """Open the cache in a file, from the root; it is read when it is first used."""
        self._file = root / file
        self._start = f"{root}/"
        self._states: dict[str, list[int] | None] = {}
        self._fresh = False
        # State and results of each file that was used.
        self._known: dict[str, Any] = {}
        # The files that somebody has asked for.
        self.asked: set[str] = set()

    def of(self, path: str, what: str, find: Callable[[str], Any], given: str = "") -> Any:  # noqa: ANN401 (JSON)
        """Return the cached result of `find` for a file, or call it.

        Args:
            path: the file or folder, from the root.
            what: the name of the result.
            find: takes the path and returns a JSON value (lists, not tuples); None is not cached.
            given: further input of `find`; another value invalidates the result.
        """
        state = self.state(path)
        if path not in self._known:
            with contextlib.suppress(KeyError, ValueError, RecursionError):
                self._known[path] = json.loads(self._rows[path])
        known = self._known.get(path)
        if known is None or known[0] != state:
            # Here already: `find` may ask for other results of this file.
            known = self._known[path] = [state, {}]
        if known[1].get(what, (None,))[0] != given:
            found = find(path)
            if found is None or state is None:
                return found
            known[1][what] = [given, found]
            self._rows.pop(path, None)
            self._fresh = True
        return known[1][what][1]

    def traced(
        self,
        path: str,
        what: str,
        find: Callable[[str], Any],
        given: str,
        covers: Callable[[str], bool],
    ) -> Any:  # noqa: ANN401 (JSON)
        """Return the result of `find`, as `of` does, while no file has changed that it asked for.

        `covers` tells whether `given` changes with a file.
        """
        made: list[Any] = []

        def look(path: str) -> list[Any] | None:
            with self.asking() as asked:
                made.append(find(path))
            others = sorted(one for one in asked if not covers(one))
            return None if len(others) > _MANY else [made[-1], others, self.digest(others)]

        known = self.of(path, what, look, given)
        if not made and self.digest(known[1]) != known[2]:
            del self._known[path][1][what]
            self.of(path, what, look, given)
        return made[-1] if made else known[0]

    @contextlib.contextmanager
    def asking(self) -> Iterator[set[str]]:
        """Collect the files that are asked for inside; who collects around this gets them too."""
        around, self.asked = self.asked, set()
        asked = self.asked
        try:
            yield asked
        finally:
            around |= asked
            self.asked = around

    def state(self, path: str) -> list[int] | None:
        """Return change time in ns, size and mode of a file; None if it does not exist."""
        self.asked.add(path)
        if path not in self._states:
            self._states[path] = None
            with contextlib.suppress(OSError):
                stat = os.stat(self._start + path)
                self._states[path] = [stat.st_ctime_ns, stat.st_size, stat.st_mode]
        return self._states[path]

    def digest(self, paths: Iterable[str]) -> str:
        """Return a hash that changes whenever any of the files and folders changes."""
        return hashed([(path, self.state(path)) for path in paths])

    @cached_property
    def _rows(self) -> dict[str, str]:
        """The JSON of state and results of each file, as they are in the file of the cache."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = self._file.read_bytes().decode(errors="surrogateescape")
            version, *lines = text.split("\n")
            if json.loads(version) == _version(Path(__file__).parents[1]):
                rows = (line.partition("\t") for line in lines)
                return {path: entry for entry, _, path in rows}
        return {}

    def save(self) -> None:
        """Write new results; without .venv, do nothing."""
        if self._fresh and self._file.parent.is_dir():
            # A line for each file, so that a run parses only what it needs. JSON escapes tabs.
            lines = [json.dumps(_version(Path(__file__).parents[1]))]
            lines += (f"{row}\t{path}" for path, row in self._rows.items())
            for path, found in self._known.items():
                if found[1] and path not in self._rows and "\n" not in path:
                    lines.append(f"{json.dumps(found)}\t{path}")
            with contextlib.suppress(OSError):
                aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
                aside.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
                aside.replace(self._file)


def hashed(value: object) -> str:
    """Return a hash of what a value looks like."""
    text = repr(value).encode(errors="surrogateescape")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@cache
def _version(code: Path) -> list[Any]:
    """Return the version of Python and of the code; results of another version are not used."""
    states = []
    for folder, _, names in os.walk(code):
        for name in names:
            if name.endswith(".py"):
                stat = os.stat(os.path.join(folder, name))
                states.append([name, stat.st_mtime_ns, stat.st_size])
    return [sys.version, sorted(states)]
