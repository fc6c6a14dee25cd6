"""Isolated environments of nox or `make smoke`, with one package and its closure.

Standard library only.
"""

from dataclasses import dataclass

from monorepo.core import hashes
from monorepo.core.hashes import HASHES
from monorepo.environments.virtualenv import Environment
from monorepo.locking import lowest
from monorepo.locking.lowest import LOWEST, Pins
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import say


@dataclass(frozen=True)
class Clean(Environment):
    """A virtual environment with exactly the dependencies of `wanted`.

    With `lowest`, the direct external dependencies of its one package are in the lowest allowed
    versions, as tools/lowest.txt records them.
    """

    lowest: bool = False

    def _make(self) -> None:
        """Use the environment that nox created, with its interpreter.

        Raises:
            UsageError: it does not exist.
        """
        if not self.python.exists():
            raise UsageError(f"{self.path}: is not an environment; run nox without --no-venv")

    def _fill(self) -> None:
        """Install the requirements, and uninstall everything else."""
        say(f"install: {', '.join([*self.requirements(), *self.grouped()])}")
        if not self.lowest:
            self.put(self.lines(), "--exact")
            return
        recorded = self._recorded()
        shown = [line.partition(" ;")[0] for line in recorded.hashes]
        say(f"lowest: {', '.join(shown) or 'as pinned'}")
        file = self.folder / "lowest.txt"
        whole = recorded.over(lowest.read(text_files.read(self.space.root, HASHES)))
        text = "".join(hashes.lines(line, found) for line, found in whole.hashes.items())
        file.write_text(text, encoding="utf-8")
        self.put(self.lines(), "--exact", constraints=file)

    def check(self) -> None:
        """Check the requirements against the pins, before any request to an index.

        Raises:
            UsageError: as in other environments; or there is no record of the lowest versions that
                is up to date.
        """
        super().check()
        if self.lowest:
            self._recorded()

    def _recorded(self) -> Pins:
        """Return the recorded pins with the lowest versions of direct dependencies.

        Raises:
            UsageError: they are not recorded, or not up to date.
        """
        root = self.space.root
        (path,) = self.wanted
        asked = lowest.asked(self.space, self.space.packages[path])
        if not asked.own:
            return Pins({}, {})
        pins = lowest.read(text_files.read(root, HASHES))
        record = lowest.parse(text_files.read(root, LOWEST))
        if entry := asked.entry(path, record, pins):
            return entry.pins
        raise UsageError(lowest.stale(path))

    def pins(self) -> dict[str, list[str]]:
        """Return the pins of everything that may be installed from an index, by name."""
        return super().pins() | (self._recorded().named if self.lowest else {})
