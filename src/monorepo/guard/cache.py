"""A cache of results by file, valid while size, change time and mode are unchanged."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

FILE = ".venv/guard-cache.json"


class FileCache:
    """Cached results of functions of files, by path and by the name of the function."""

    def __init__(self, root: Path, file: str = FILE) -> None:
        """Open the cache in a file, from the root; it is read when it is first used."""
        self._file = root / file
        self._start = f"{root}/"
        self._states: dict[str, list[int] | None] = {}
        self._fresh = False

    def of(self, path: str, what: str, find: Callable[[str], Any], given: str = "") -> Any:  # noqa: ANN401
        """Return the cached result of `find` for a file, or call it.

        Args:
            path: the file or folder, from the root.
            what: the name of the result.
            find: takes the path and returns a JSON value (lists, not tuples); None is not cached.
            given: further input of `find`; another value invalidates the result.
        """
        state = self.state(path)
        known = self._known.get(path)
        if isinstance(known, str):
            known = None
            with contextlib.suppress(ValueError, RecursionError):
                known = self._known[path] = json.loads(self._known[path])
        if known is None or known[0] != state:
            known = [state, {}]
        if known[1].get(what, (None,))[0] != given:
            found = find(path)
            if found is None or state is None:
                return found
            known[1][what] = [given, found]
            self._known[path] = known
            self._fresh = True
        return known[1][what][1]

    def state(self, path: str) -> list[int] | None:
        """Return change time in ns, size and mode of a file; None if it does not exist."""
        if path not in self._states:
            self._states[path] = None
            with contextlib.suppress(OSError):
                stat = os.stat(self._start + path)
                self._states[path] = [stat.st_ctime_ns, stat.st_size, stat.st_mode]
        return self._states[path]

    def digest(self, paths: Iterable[str]) -> str:
        """Return a hash that changes whenever any of the files and folders changes."""
        states = repr([(path, self.state(path)) for path in paths])
        return hashlib.blake2b(states.encode(errors="surrogateescape"), digest_size=16).hexdigest()

    @cached_property
    def _known(self) -> dict[str, Any]:
        """State and results of each file; unparsed JSON until they are first used."""
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
            for path, found in self._known.items():
                if "\n" not in path:
                    lines.append(
                        f"{found if isinstance(found, str) else json.dumps(found)}\t{path}"
                    )
            with contextlib.suppress(OSError):
                aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
                aside.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
                aside.replace(self._file)


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
