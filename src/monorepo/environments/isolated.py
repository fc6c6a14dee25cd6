"""Isolated environments of nox or `make smoke`, with one package and its closure.

Standard library only.
"""

from dataclasses import dataclass
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.workspace import requirement
from monorepo.environments.virtualenv import Environment
from monorepo.locking import projects
from monorepo.programs import uv
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import say


@dataclass(frozen=True)
class Clean(Environment):
    """A virtual environment with exactly the dependencies of `wanted`.

    With `lowest`, direct external dependencies are installed in the lowest allowed version, and all
    others as pinned.
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
        pins = self._lowest() if self.lowest else None
        self.put(self.lines(), "--exact", constraints=pins)

    def _lowest(self) -> Path:
        """Write pins with the lowest versions of direct dependencies; return the file.

        Raises:
            TaskError: these versions conflict; the message has the output of uv.
        """
        closure = self.space.closure(self.wanted, self.groups)
        internal = [self.space.packages[path].name for path in closure]
        requirements = [
            text
            for path in self.wanted
            for text in self.space.packages[path].requirements(sorted(closure[path]))
            if requirement(text).name not in self.space.by_name
        ]
        requirements += self.grouped()
        direct = {requirement(text).name for text in requirements}
        if self.project:
            projects.write_pins(self.space, self.project, self._pins)
        recorded = hashes.parse((self.space.root / self._pins).read_text(encoding="utf-8"))
        file = self.folder / "lowest.txt"
        # uv prefers the versions in an existing output file, so only direct dependencies move.
        kept = [
            hashes.lines(pin, recorded[pin])
            for name, pins in hashes.named(recorded).items()
            for pin in pins
            if name not in direct
        ]
        file.write_text("".join(kept), encoding="utf-8")
        program = uv.program(self.space.root)
        command = [program, "pip", "compile", "--no-header", "--no-annotate", "--generate-hashes"]
        command += ["--resolution", "lowest-direct", *uv.building()]
        local = [self.space.packages[path] for path in closure]
        command += uv.formats(self.space, [package for package in local if package.is_python])
        hidden = [word for name in internal for word in ("--no-emit-package", name)]
        output = ["--python", self.python, "--output-file", file, "-"]
        lines = [*requirements, *(f"-e {line}" for line in self.requirements())]
        doing = f"lowest: {self.path}"
        uv.call([*command, *hidden, *output], self.space.root, doing, "\n".join(lines))
        found = hashes.named(hashes.parse(file.read_text(encoding="utf-8")))
        say(f"lowest: {', '.join(found[name][0] for name in sorted(direct & set(found)))}")
        return file

    def _pinned(self) -> set[str]:
        """Return the names that may be installed from an index."""
        file = self.folder / "lowest.txt"
        more = hashes.parse(file.read_text(encoding="utf-8")) if self.lowest else ()
        return super()._pinned() | set(hashes.named(more))
