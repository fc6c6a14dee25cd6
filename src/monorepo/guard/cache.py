"""The cache of findings, by the size and modification time of each file."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

FILE = ".venv/monorepo-kept.json"


class Kept:
    """What was found in the files of a repository, by the name of what was looked for."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self._file = root / FILE
        self._start = f"{root}/"
        self._states: dict[str, list[int] | None] = {}
        self._fresh = False

    def of(self, path: str, what: str, find: Callable[[str], Any], given: str = "") -> Any:  # noqa: ANN401
        """Return what `find` finds in a file, or found when it was last changed.

        Args:
            path: the file or folder, from the root.
            what: a name for what is looked for.
            find: takes the path, and returns what JSON can hold, lists and no tuples; None for what
                is not to be kept.
            given: what this depends on beside the file.
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
        """Return when a file was changed, in ns, its size in bytes and its mode; None for none."""
        if path not in self._states:
            self._states[path] = None
            with contextlib.suppress(OSError):
                stat = os.stat(self._start + path)
                self._states[path] = [stat.st_ctime_ns, stat.st_size, stat.st_mode]
        return self._states[path]

    def digest(self, paths: Iterable[str]) -> str:
        """Return a text that changes whenever one of some files and folders does."""
        states = repr([(path, self.state(path)) for path in paths])
        return hashlib.blake2b(states.encode(errors="surrogateescape"), digest_size=16).hexdigest()

    @cached_property
    def _known(self) -> dict[str, Any]:
        """What was found, with the state of each file then; as JSON, until somebody asks."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            text = self._file.read_bytes().decode(errors="surrogateescape")
            by, *lines = text.split("\n")
            if json.loads(by) == self._finders:
                noted = (line.partition("\t") for line in lines)
                return {path: found for found, _, path in noted}
        return {}

    @cached_property
    def _finders(self) -> list[Any]:
        """What tells this version of the tooling from others, which may find something else."""
        states = []
        for folder, _, names in os.walk(Path(__file__).parents[1]):
            for name in names:
                if name.endswith(".py"):
                    stat = os.stat(os.path.join(folder, name))
                    states.append([name, stat.st_mtime_ns, stat.st_size])
        return [sys.version, sorted(states)]

    def save(self) -> None:
        """Keep what was found for the next run, if anything is new; without .venv, do not."""
        if self._fresh and self._file.parent.is_dir():
            # A line each, so that a run reads no more than it needs: JSON has no tab as such.
            lines = [json.dumps(self._finders)]
            for path, found in self._known.items():
                if "\n" not in path:
                    lines.append(
                        f"{found if isinstance(found, str) else json.dumps(found)}\t{path}"
                    )
            with contextlib.suppress(OSError):
                aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
                aside.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
                aside.replace(self._file)
