"""Isolated environments of nox or `make smoke`, with one package and its closure.

Standard library only.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from monorepo.core import hashes, workspace
from monorepo.environments.virtualenv import Environment
from monorepo.locking import gpu, lowest
from monorepo.locking.lowest import Asked, Pins
from monorepo.locking.movement import markdown
from monorepo.locking.resolution import Resolver
from monorepo.programs import indexes
from monorepo.programs.vendored import is_offline
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import say


class Versions(StrEnum):
    """Which versions of external dependencies an environment has.

    `newest` and `prerelease` are resolved when it is filled, and what an index has then is taken.
    `gpu` are the pins of environments with that extra.
    """

    PINNED = "pinned"
    LOWEST = "lowest"
    NEWEST = "newest"
    PRERELEASE = "prerelease"
    GPU = workspace.GPU


@dataclass(frozen=True)
class Clean(Environment):
    """A virtual environment with exactly the dependencies of `wanted`.

    Other `versions` than the pinned ones are those of one package, with all groups and all extras
    that are not opt-in, unless they are for those. The lowest ones are recorded in
    tools/lowest.txt, those for GPUs in tools/gpu.txt.
    """

    versions: Versions = Versions.PINNED

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
        if self.versions is Versions.PINNED:
            self.put(self.lines(), "--exact")
            return
        pins = lowest.pinned(self.space.root)
        found = self._found()
        _show(pins, found)
        whole = found.over(pins)
        text = "".join(hashes.lines(line, known) for line, known in whole.hashes.items())
        self._file.write_text(text, encoding="utf-8")
        flags = ["--prerelease=allow"] if self.versions is Versions.PRERELEASE else []
        with indexes.preferring(workspace.GPU if self.versions is Versions.GPU else ""):
            self.put(self.lines(), "--exact", *flags, constraints=self._file)

    def _found(self) -> Pins:
        """Return the pins that replace those of the repository."""
        if self.versions is Versions.GPU:
            return gpu.instead(self.space)
        return self._recorded() if self.versions is Versions.LOWEST else self._newest()

    @property
    def _file(self) -> Path:
        """The pins that it was filled with, in the format of tools/hashes.txt."""
        return self.folder / f"{self.versions}.txt"

    def check(self) -> None:
        """Check the requirements against the pins, before any request to an index.

        Raises:
            UsageError: as in other environments; or there is no record of the lowest versions that
                is up to date; or of the pins for GPUs, or these are not there offline.
        """
        super().check()
        if self.versions is Versions.LOWEST:
            self._recorded()
        elif self.versions is Versions.GPU:
            gpu.instead(self.space)
            if is_offline():
                advice = "run the session where there is a network"
                raise UsageError(f"OFFLINE: make vendor takes nothing for a GPU along; {advice}")

    def _asked(self) -> Asked:
        """Return what its one package asks an index for."""
        (path,) = self.wanted
        return lowest.asked(self.space, self.space.packages[path])

    def _recorded(self) -> Pins:
        """Return the recorded pins with the lowest versions of direct dependencies.

        Raises:
            UsageError: they are not recorded, or not up to date.
        """
        asked, root, (path,) = self._asked(), self.space.root, self.wanted
        if not asked.own:
            return Pins({}, {})
        if entry := asked.entry(path, lowest.recorded(root), lowest.pinned(root)):
            return entry.pins
        raise UsageError(lowest.stale(path))

    def _newest(self) -> Pins:
        """Resolve the newest versions; return their pins.

        A release younger than a day is taken as a pre-release is: only where these are asked for.

        Raises:
            TaskError: uv found no solution, or the index cannot be queried.
        """
        resolver, flags = Resolver(self.space), list[str]()
        if self.versions is Versions.PRERELEASE:
            resolver.limit, flags = None, ["--prerelease=allow"]
        asked, python = self._asked(), ".".join(self._version().split(".")[:2])
        doing = f"{self.versions}: {self.path}"
        wanted = [*asked.own, *asked.others]
        text = resolver.compile(wanted, [], self._file, *flags, python=python, doing=doing)
        return lowest.read(text)

    def is_filled(self) -> bool:
        """Return whether it is up to date, which it never is where an index decides that."""
        fixed = self.versions in (Versions.PINNED, Versions.LOWEST, Versions.GPU)
        return fixed and super().is_filled()

    def pins(self) -> dict[str, list[str]]:
        """Return the pins of everything that may be installed from an index, by name."""
        if self.versions is Versions.PINNED:
            return super().pins()
        if self.versions in (Versions.LOWEST, Versions.GPU):
            return super().pins() | self._found().named
        return lowest.read(self._file.read_text(encoding="utf-8")).named


def _show(pins: Pins, found: Pins) -> None:
    """Print the versions that differ from the pins."""
    rows = []
    for name, lines in found.named.items():
        here, pinned = (
            ", ".join(line.partition("==")[2] for line in same)
            for same in (lines, pins.named.get(name, ()))
        )
        if here != pinned:
            rows.append([name, pinned or "none", here])
    say("\n".join(markdown(["pin", "pinned", "here"], rows)) if rows else "all is as pinned")
