"""Create and fill environments: one resolver call each, and only when something changed.

Each call names the whole internal closure by path and is held by constraints.txt, so that no local
name is ever asked of an index and no two calls undo each other. Standard library only.
"""

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monorepo import node, uv
from monorepo.errors import UsageError
from monorepo.names import fold
from monorepo.processes import held, run, say
from monorepo.uv import PINS
from monorepo.workspace import Package, Workspace

STAMP = "monorepo.json"
# Asked for by name, never installed because it is there: a machine without a GPU is the rule.
OPT_IN = {"gpu"}


def default_extras(package: Package) -> set[str]:
    """Return the extras that a developer's environment has: all that are not opt-in."""
    return set(package.extras) - OPT_IN


@dataclass(frozen=True)
class Environment:
    """A virtual environment at `path` (from the root) for packages with the extras wanted."""

    space: Workspace
    path: str
    wanted: Mapping[str, Iterable[str]]
    with_tools: bool = False

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.space.root / self.path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"

    @property
    def layer(self) -> str:
        """How it was filled: with the tools alone, or with packages. Each is noted by itself."""
        return "packages" if self.wanted else "tools"

    def requirements(self) -> list[str]:
        """Return one line for each package of the closure, by path: what is to be installed.

        Raises:
            UsageError: it needs a package whose manifest is broken. An index would be asked for it.
        """
        if wrong := [str(one) for path, one in self.space.unmet.items() if path in self.wanted]:
            raise UsageError(*wrong)
        lines = []
        if self.with_tools:
            javascript = "javascript," if self.space.has_javascript else ""
            lines.append(f"./tools[{javascript}test]")
        for path, extras in sorted(self.space.closure(self.wanted).items()):
            if self.space.every[path].language == "py":
                lines.append(f"./{path}[{','.join(sorted(extras))}]" if extras else f"./{path}")
        return lines

    def install(self) -> bool:
        """Make the environment what it should be. Tell whether there was anything to do.

        Raises:
            TaskError: uv failed.
        """
        if self._is_filled():
            return False
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # Of several commands at once, one fills it and the others find it filled.
        with held(self.folder.parent):
            if self._is_filled():
                return False
            noted = self._noted()
            if not noted:
                self._make()
            # What is filled by half, should this be interrupted, is not what was noted.
            (self.folder / STAMP).unlink(missing_ok=True)
            self._fill(set(noted.get(self.layer, {}).get("internal", [])))
            names = sorted(_installed(self.folder))
            noted["root"] = str(self.space.root)
            # With packages and tools in it, it is also what it would be with the tools alone.
            for layer in (self, replace(self, wanted={})) if self.with_tools else (self,):
                noted[layer.layer] = {
                    "names": names,
                    "internal": sorted(set(names) & set(self.space.by_name)),
                    "digest": layer._digest(names),
                }
            (self.folder / STAMP).write_text(json.dumps(noted), encoding="utf-8")
        return True

    def _is_filled(self) -> bool:
        """Tell whether nothing has changed since it was filled."""
        old = self._noted().get(self.layer, {})
        return "digest" in old and old["digest"] == self._digest(old["names"])

    def _make(self) -> None:
        """Make the environment anew, without anything in it but uv where that is needed."""
        if self.with_tools:
            uv.bootstrap(self.space, self.folder)
        else:
            root = self.space.root
            venv = [uv.program(root), "venv", "--quiet", "--clear"]
            run([*venv, "--python", root / ".venv/bin/python", self.folder], Path.cwd())

    def _fill(self, before: set[str]) -> None:
        """Install what is required, and take out the packages that are here no longer."""
        say(f"install: {self.path}")
        if gone := before - set(self.space.by_name):
            pip = [uv.program(self.space.root), "pip", "uninstall", "--quiet"]
            run([*pip, "--python", self.python, *sorted(gone)], self.space.root)
        self.put(f"-e {line}" for line in self.requirements())

    def put(self, lines: Iterable[str], *flags: object, constraints: object = PINS) -> None:
        """Install `lines`, as they are written in requirements files, in one resolver call.

        Raises:
            TaskError: uv failed; it has said why.
        """
        root = self.space.root
        pip = [uv.program(root), "pip", "install", "--python", self.python, *flags]
        held = ["--constraints", constraints, "--build-constraints", PINS]
        # From a file and not as arguments: uv then builds an editable once, not at each call.
        uv.install([*pip, *held, "--requirements", "-"], root, "\n".join(lines))

    def _noted(self) -> dict[str, Any]:
        """Return what was noted when the environment was filled; nothing if it is not usable."""
        try:
            noted = dict(json.loads((self.folder / STAMP).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}
        # An environment names its own path in its scripts: it does not survive being moved.
        moved = noted.get("root") != str(self.space.root)
        return {} if moved or not self.python.exists() else noted

    def _digest(self, names: Iterable[str]) -> str:
        """Return a hash of all that the environment depends on, given the names in it."""
        pinned = uv.pins(self.space.root)
        tools = [self.space.tools] if self.with_tools else []
        closure = [self.space.every[path] for path in self.space.closure(self.wanted)]
        told = {
            "requirements": self.requirements(),
            "manifests": [_installable(package) for package in tools + closure],
            "pins": [pinned.get(name) for name in names],
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _installable(package: Package) -> list[object]:
    """Return the part of a Python package's manifest that its installation depends on."""
    setuptools = package.manifest.get("tool", {}).get("setuptools")
    return [package.manifest.get("project"), package.manifest.get("build-system"), setuptools]


def _installed(folder: Path) -> Iterator[str]:
    """Yield the folded names of what is installed in the environment at `folder`."""
    for entry in folder.glob("lib/python*/site-packages/*.dist-info"):
        yield fold(entry.name.split("-")[0])


def tools_environment(space: Workspace) -> Environment:
    """Return the root's environment with the tools alone."""
    return Environment(space, ".venv", {}, with_tools=True)


def environments(space: Workspace, packages: Iterable[Package]) -> list[Environment]:
    """Return the environments in which `packages` are worked on, the root's first."""
    every = (one for path, one in space.packages.items() if path not in space.uninstallable)
    wanted = {
        package.path: default_extras(package) for package in every if package.language == "py"
    }
    if space.facts["python-env"] == "shared":
        return [Environment(space, ".venv", wanted, with_tools=True)]
    mine = [package.path for package in packages if package.path in wanted]
    own = [Environment(space, f"{path}/.venv", {path: wanted[path]}) for path in mine]
    return [tools_environment(space), *own]


def setup(space: Workspace) -> None:
    """Make the root's environment and what JavaScript needs there.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter does not do.
    """
    tools_environment(space).install()
    if space.has_javascript:
        node.setup(space)


def install(space: Workspace, packages: Sequence[Package]) -> None:
    """Make all environments in which `packages` are worked on.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter does not do.
    """
    for environment in environments(space, packages):
        environment.install()
    if space.has_javascript:
        node.setup(space)
        if any(package.language == "js" for package in packages):
            node.install(space)


def explain(space: Workspace, packages: Sequence[Package]) -> list[str]:
    """Return the plain commands that give the same environments, for those who want to see them."""
    lines = []

    def size(line: str) -> int:
        """Return how much a requirement by path needs: always less than what needs it does."""
        path, _, extras = line.removeprefix("./").rstrip("]").partition("[")
        asked = {path: extras.split(",")} if path in space.packages else {}
        return len(space.closure(asked))

    for environment in environments(space, packages):
        python = shlex.quote(f"{environment.path}/bin/python")
        # pip, unlike uv, wants to see a package before another one that requires it.
        ordered = sorted(environment.requirements(), key=size)
        words = [word for line in ordered for word in ("-e", shlex.quote(line))]
        lines += [
            f"python -m venv {shlex.quote(environment.path)}",
            f"PIP_CONSTRAINT={PINS} {python} -m pip install -c {PINS} {' '.join(words)}",
        ]
    if space.has_javascript:
        pnpm = f"pnpm@{node.pnpm_version(space)}"
        lines.append(f".venv/bin/npm install --global --prefix .venv {pnpm}")
        lines.append('PATH="$PWD/.venv/bin:$PATH" pnpm install --frozen-lockfile')
    return lines
