"""Create and fill environments: one resolver call each, and only when something changed.

Each call names the whole internal closure by path and is held by the pins and their hashes, so that
no local name is ever asked of an index and no two calls undo each other. What no pin covers stops
it before any request. Standard library only.
"""

import contextlib
import hashlib
import json
import os
import platform
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from monorepo.core import hashes
from monorepo.core.engine import DISTRIBUTION
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import DEV, Package, Workspace, requirement
from monorepo.environments import interpreter, node
from monorepo.locking import unpinned
from monorepo.programs import pnpm, uv
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import held, say

STAMP = "monorepo.json"
# Asked for by name, never installed because it is there: a machine without a GPU is the rule.
OPT_IN = {"gpu"}
# What of a manifest's [tool] says nothing of how the package is built.
_NOT_BUILDING = {"monorepo", "ruff", "mypy", "pytest", "coverage"}
# What building makes beside the sources, and what it does not read.
_NO_SOURCES = {"build", "dist", "tests", "htmlcov", "node_modules", "__pycache__"}
_NO_SOURCE = (".md", ".rst", ".so", ".pyc", "pyproject.toml")
# uv leaves these where it finds them: venv puts them there.
_SEEDS = {"pip", "setuptools", "wheel", "uv"}

# Each Python that starts in an environment imports a module called sitecustomize: without one
# there, that of a package, whichever branch is checked out.
_STARTED = '"""Stands here so that no package can have each Python start its own."""\n'
# The last of the .pth files, which Python takes in the order of their names, starts this. Some
# systems have a sitecustomize of their own, which would come first.
_LAST = "zzz_monorepo"
_NOX = '''\
"""Started with each Python of this environment, once the paths of packages are known."""

import os
import sys

# nox shows what there is to run, for which no module of a package is needed, nor bytecode that is
# not made here.
if "nox" in map(os.path.basename, sys.orig_argv[1:3]):
    sys.pycache_prefix = os.path.join(sys.prefix, "pycache")
    root, own = os.path.dirname(sys.prefix) + os.sep, sys.prefix + os.sep
    sys.path[:] = [one for one in sys.path if one.startswith(own) or not one.startswith(root)]
'''


def default_extras(package: Package) -> set[str]:
    """Return the extras that a developer's environment has: all that are not opt-in."""
    return set(package.extras) - OPT_IN


@dataclass(frozen=True)
class Environment:
    """A virtual environment at `path` (from the root) for packages with the extras wanted.

    `groups` names those of the wanted packages' groups that it has as well, by their paths.
    """

    space: Workspace
    path: str
    wanted: Mapping[str, Iterable[str]]
    groups: Mapping[str, Iterable[str]] = field(default_factory=dict)
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
        """Return one line for each package of the closure, by path: what is installed editable.

        Raises:
            UsageError: it needs a package whose manifest is broken. An index would be asked for it.
        """
        if wrong := [str(one) for path, one in self.space.unmet.items() if path in self.wanted]:
            raise UsageError(*wrong)
        lines = []
        for path, extras in sorted(self.closure().items()):
            if self.space.packages[path].is_python:
                lines.append(f"./{path}[{','.join(sorted(extras))}]" if extras else f"./{path}")
        return lines

    def grouped(self) -> list[str]:
        """Return what the groups require of an index: no manifest of a distribution has it."""
        packages = [(self.space.packages[path], names) for path, names in self.groups.items()]
        texts = {text for one, names in packages for name in names for text in one.groups[name]}
        texts.update(self.space.groups.get(DEV, ()) if self.with_tools else ())
        # A line each, whatever line breaks there are in a manifest.
        lines = {" ".join(text.split()) for text in texts}
        return sorted(line for line in lines if requirement(line).name not in self.space.by_name)

    def lines(self) -> list[str]:
        """Return all that is to be installed, as it is written in requirements files.

        Raises:
            UsageError: as `requirements` does, or the engine is not named.
        """
        engine = [self.space.engine.line] if self.with_tools else []
        return [*engine, *(f"-e {line}" for line in self.requirements()), *self.grouped()]

    def _engine(self) -> list[str]:
        """Return what an ejected engine requires; that of a wheel goes with its hash."""
        ejected = self.with_tools and self.space.engine.ejected
        return self.space.engine.requirements if ejected else []

    def closure(self) -> dict[str, set[str]]:
        """Return the extras of each package that it has, by path."""
        return self.space.closure(self.wanted, self.groups)

    def check(self) -> None:
        """Hold what is to be installed to the pins, before anything is asked of an index.

        Raises:
            UsageError: no pin covers a requirement, a pin is not recorded with its hashes, or a
                package does not go with this Python.
        """
        closure = self.closure()
        programs = self.space.programs() if self.with_tools else ()
        wrong = unpinned.mistakes(self.space, closure, self.groups, programs)
        wrong += unpinned.excluded(self.space, closure, self._version(), self.path)
        if wrong:
            raise UsageError(*wrong)

    def _version(self) -> str:
        """Return the version of its Python, or of the one that it would be made with."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in (self.folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                if key.strip() in ("version", "version_info"):
                    return value.strip()
        return platform.python_version()

    def install(self) -> bool:
        """Make the environment what it should be. Tell whether there was anything to do.

        Raises:
            TaskError: uv failed; the environment is as it was.
            UsageError: no pin covers a requirement; the environment is as it was.
        """
        if self._is_filled():
            return False
        self.check()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # Of several commands at once, one fills it and the others find it filled.
        with held(self.folder.parent):
            if self._is_filled():
                return False
            self._update()
        return True

    def _update(self) -> None:
        """Make it if it cannot be used, fill it, and note that."""
        noted = self._noted(_entries(self.folder))
        if not noted:
            if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
                raise UsageError(f"{self.path}: is no folder; move it away, and run this again")
            self._make()
            noted = {"root": str(self.space.root), "python": _stamp_of(self.python), "layers": {}}
            noted["entries"] = _entries(self.folder)
        stamp = self.folder / STAMP
        # What is filled by half, should this be interrupted, is no environment to go on with.
        stamp.unlink(missing_ok=True)
        try:
            self._fill()
            self._prove(set(_names(noted["entries"])))
        except (TaskError, UsageError):
            # uv resolves and downloads before it touches anything.
            if _entries(self.folder) == noted["entries"]:
                _note(stamp, noted)
            raise
        entries = _entries(self.folder)
        # With packages and tools in it, it is also what it would be with the tools alone.
        layers = [self, replace(self, wanted={}, groups={})] if self.with_tools else [self]
        noted["entries"] = entries
        noted["layers"] = {layer.layer: layer._digest(_names(entries)) for layer in layers}
        _note(stamp, noted)

    def _is_filled(self) -> bool:
        """Tell whether nothing has changed since it was filled, nor in it."""
        entries = _entries(self.folder)
        noted = self._noted(entries)
        if not noted or self.layer not in noted["layers"]:
            return False
        same = _modules(entries) == _modules(noted["entries"])
        return same and noted["layers"][self.layer] == self._digest(_names(entries))

    def _make(self) -> None:
        """Make the environment anew, without anything in it but uv where that is needed."""
        if self.with_tools:
            uv.bootstrap(self.space, self.folder)
        else:
            root = self.space.root
            uv.make(uv.program(root), root, self.folder, root / ".venv/bin/python")
        for place in self.folder.glob("lib/python*/site-packages"):
            (place / "sitecustomize.py").write_text(_STARTED, encoding="utf-8")
            (place / f"{_LAST}.py").write_text(_NOX, encoding="utf-8")
            (place / f"{_LAST}.pth").write_text(f"import {_LAST}\n", encoding="utf-8")

    def _fill(self) -> None:
        """Install what is required, and take out what is not."""
        say(f"install: {self.path}")
        lines, flags = self._whole()
        self.put(lines, *flags)

    def _whole(self) -> tuple[list[str], list[str]]:
        """Return the lines that fill it, and the flags for uv."""
        # The tools alone are no reason to take out the packages that are worked on beside them.
        shared = self.space.facts["python-env"] == "shared"
        beside = shared and any(one.is_python for one in self.space.packages.values())
        exact = [] if self.with_tools and not self.wanted and beside else ["--exact"]
        # What fills it is not to be taken out.
        kept = ["uv"] if self.with_tools else []
        return [*kept, *self.lines()], exact

    def add(self) -> None:
        """Install what is required beside what is there, whatever else that may be.

        Raises:
            TaskError: uv failed; it has said why.
        """
        self.check()
        with held(self.folder.parent):
            self.put(self.lines())

    def put(self, lines: Iterable[str], *flags: object, constraints: object = HASHES) -> None:
        """Install `lines`, as they are written in requirements files, in one resolver call.

        Raises:
            TaskError: uv failed; it has said why.
        """
        command = self._command(lines := [*lines], *flags, constraints=constraints)
        uv.install(command, self.space.root, f"install: {self.path}", "\n".join(lines))

    def _command(
        self, lines: Iterable[str], *flags: object, constraints: object = HASHES
    ) -> list[object]:
        """Return the command that installs `lines`, which it reads."""
        pip = [uv.program(self.space.root), "pip", "install", "--python", self.python, *flags]
        here = [self.space.packages[path] for path in self.closure()]
        here = [package for package in here if package.is_python]
        # uv looks at the manifest alone when it asks whether what it built before will do.
        for package in here:
            if _sources(package):
                pip += ["--reinstall-package", package.name]
        paths = {line.partition("[")[0] for line in lines}
        editable = [package for package in here if f"-e ./{package.path}" in paths]
        held = ["--constraints", constraints, *uv.building(), *uv.formats(self.space, editable)]
        # From a file and not as arguments: uv then builds an editable once, not at each call.
        return [*pip, *held, "--requirements", "-"]

    def shown(self) -> str:
        """Return the line for a shell at the root that fills it as `make install` does."""
        lines, flags = self._whole()
        words = [
            str(word).removeprefix(f"{self.space.root}/") for word in self._command(lines, *flags)
        ]
        return f"printf '%s\\n' {shlex.join(lines)} | {shlex.join(words)}"

    def _prove(self, before: Collection[str]) -> None:
        """Look whether what was asked for is there, and nothing that no pin covers.

        Args:
            before: the names of what was there: it may be pinned no longer.

        Raises:
            TaskError: something is not as it should be, whatever uv said.
        """
        there = set(_names(_entries(self.folder)))
        internal = {*self.space.by_name, DISTRIBUTION}
        programs = [one.text for one in self.space.programs()] if self.with_tools else []
        wanted = {requirement(text).name for text in programs if ";" not in text}
        wanted |= {DISTRIBUTION} if self.with_tools else set()
        for path, extras in self.closure().items():
            package = self.space.packages[path]
            if package.is_python:
                asked = package.requirements(extras, self.groups.get(path, ()))
                wanted |= {fold(package.name)}
                wanted |= {requirement(text).name for text in asked if ";" not in text}
        if lacking := sorted(wanted - there):
            names = ", ".join(lacking)
            raise TaskError(f"{self.path}: {names}: not installed, although uv says so; see above")
        if strange := sorted(there - internal - self._pinned() - _SEEDS):
            pip = [uv.program(self.space.root), "pip", "uninstall", "--python", self.python]
            uv.call([*pip, *strange], self.space.root, f"install: {self.path}")
        if new := [name for name in strange if name not in before]:
            names = ", ".join(new)
            raise TaskError(f"{self.path}: {names}: needed by a pin and not pinned; run make lock")

    def _pinned(self) -> set[str]:
        """Return the names that may come from an index."""
        return set(hashes.named(hashes.parse(text_files.read(self.space.root, HASHES))))

    def _noted(self, entries: Iterable[str]) -> dict[str, Any]:
        """Return what was noted when the environment was filled; nothing if it is not usable.

        It is not if it was moved, since its scripts name its path, if its interpreter is another
        one, or if anything that was in it is gone.
        """
        try:
            noted = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
            usable = (
                noted["root"] == str(self.space.root)
                and noted["python"] == _stamp_of(self.python)
                and isinstance(noted["layers"], dict)
                and set(noted["entries"]) <= set(entries)
            )
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        return noted if usable else {}

    def _digest(self, names: Iterable[str]) -> str:
        """Return a hash of all that the environment depends on, given the names in it."""
        pinned = hashes.pins(self.space.root)
        told = {
            "requirements": self.lines(),
            "engine": self._engine(),
            "manifests": [_installable(self.space.packages[path]) for path in self.closure()],
            "pins": [pinned.get(name) for name in names],
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _installable(package: Package) -> list[object]:
    """Return what the installation of a Python package depends on, beside its own modules."""
    tool = package.manifest.get("tool", {})
    building = {key: value for key, value in tool.items() if key not in _NOT_BUILDING}
    return [
        package.manifest.get("project"),
        package.manifest.get("build-system"),
        building,
        _sources(package),
    ]


def _sources(package: Package) -> list[list[object]]:
    """Return the path, size and time of each file that is compiled or computed from.

    A package of Python modules that setuptools finds has none: they are used where they are.
    """
    manifest = package.manifest
    dynamic = manifest["project"].get("dynamic") if "project" in manifest else None
    scripts = [name for name in ("setup.py", "setup.cfg") if (package.folder / name).exists()]
    backend = manifest.get("build-system", {}).get("build-backend", "setuptools.build_meta")
    extension = "ext-modules" in manifest.get("tool", {}).get("setuptools", {})
    if not (dynamic or scripts or extension or "setuptools" not in str(backend)):
        return []
    found: list[list[object]] = []
    for folder, folders, files in os.walk(package.folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NO_SOURCES and not name.startswith(".") and ".egg-info" not in name
        )
        for name in sorted(files):
            made = name.startswith(".") or name.endswith(_NO_SOURCE)
            # Modules are used where they are, but for a version that is read from them.
            if made or (name.endswith((".py", ".pyi")) and not dynamic and name != "setup.py"):
                continue
            file = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                status = os.stat(file)
                path = os.path.relpath(file, package.folder)
                found.append([path, status.st_size, status.st_mtime_ns])
    return found


def _stamp_of(python: Path) -> list[object]:
    """Return what tells an interpreter from the one that takes its place; nothing if it is gone."""
    real = os.path.realpath(python)
    status = os.stat(real)
    return [real, status.st_size, status.st_mtime_ns]


def _entries(folder: Path) -> list[str]:
    """Return what lies in the environment at `folder`: its programs, modules, distributions."""
    found = []
    for place in (folder / "bin", *folder.glob("lib/python*/site-packages")):
        prefix = place.relative_to(folder)
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(place) if name != "__pycache__"]
            found += [f"{prefix}/{name}" for name in names]
    return sorted(found)


def _modules(entries: Iterable[str]) -> list[str]:
    """Return the entries that are no programs: those come and go with pnpm."""
    return [entry for entry in entries if not entry.startswith("bin/")]


def _names(entries: Iterable[str]) -> list[str]:
    """Return the folded names of the distributions among the entries."""
    infos = (entry.rpartition("/")[2] for entry in entries if entry.endswith(".dist-info"))
    return sorted({fold(name.split("-")[0]) for name in infos})


def _note(stamp: Path, noted: Mapping[str, Any]) -> None:
    """Write what is noted of an environment, whole or not at all."""
    draft = stamp.with_name(f".{stamp.name}")
    draft.write_text(json.dumps(noted), encoding="utf-8")
    draft.replace(stamp)


def tools_environment(space: Workspace) -> Environment:
    """Return the root's environment with the tools alone."""
    return Environment(space, ".venv", {}, with_tools=True)


def environments(space: Workspace, packages: Iterable[Package]) -> list[Environment]:
    """Return the environments in which `packages` are worked on, the root's first."""
    every = (one for path, one in space.packages.items() if path not in space.uninstallable)
    wanted = {package.path: default_extras(package) for package in every if package.is_python}
    groups = {path: set(space.packages[path].groups) for path in wanted}
    if space.facts["python-env"] == "shared":
        return [Environment(space, ".venv", wanted, groups, with_tools=True)]
    mine = [package.path for package in packages if package.path in wanted]
    own = [
        Environment(space, f"{path}/.venv", {path: wanted[path]}, {path: groups[path]})
        for path in mine
    ]
    return [tools_environment(space), *own]


def _refuse(space: Workspace) -> None:
    """Say why no environment is made, nor one that is there taken for good.

    Raises:
        UsageError: the repository stands where none works, or has another engine than recorded.
    """
    _refuse_place(space)
    if not space.engine.ejected:
        space.engine.content()


def _refuse_place(space: Workspace) -> None:
    """Say where no environment works.

    Sources: the library reference of venv, "cannot contain the PATH separator"; Node.js resolves
    no module below a folder with a backslash in its name (ERR_INVALID_MODULE_SPECIFIER).

    Raises:
        UsageError: the repository stands in such a place.
    """
    if os.pathsep in str(space.root):
        raise UsageError(f"{space.root}: no environment works below a name with a :; move it")
    if "\\" in str(space.root) and space.has_javascript:
        raise UsageError(f"{space.root}: Node does not work below a name with a \\; move it")


def setup(space: Workspace, packages: Sequence[Package] | None = None) -> None:
    """Make the root's environment with the tools, and those of JavaScript.

    Args:
        space: the repository.
        packages: whose tools are needed; all that there are, without it.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter does not do.
    """
    _refuse(space)
    tools_environment(space).install()
    interpreter.note(space.root, space.engine)
    if space.has_javascript and (packages is None or _in_javascript(packages)):
        node.setup(space)


def lockable(space: Workspace) -> Workspace:
    """Return the repository without the programs that no pin covers: `make lock` adds their pins.

    Raises:
        UsageError: the pins cannot be read.
    """
    pinned = hashes.named(hashes.parse(text_files.read(space.root, HASHES)))
    dev = [text for text in space.groups.get(DEV, ()) if requirement(text).name in pinned]
    return replace(space, groups={**space.groups, DEV: dev})


def install(space: Workspace, packages: Sequence[Package]) -> None:
    """Make all environments in which `packages` are worked on; see also `install_javascript`.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter does not do.
    """
    _refuse(space)
    for environment in environments(space, packages):
        _install(environment, packages)
    interpreter.note(space.root, space.engine)


def install_javascript(space: Workspace, packages: Sequence[Package]) -> None:
    """Install what JavaScript packages among `packages` need, once there are the environments.

    Raises:
        TaskError: a command failed.
        UsageError: package.json or the lock is broken.
    """
    if _in_javascript(packages):
        node.setup(space)
        node.install(space)


def _in_javascript(packages: Iterable[Package]) -> bool:
    return any(package.is_javascript for package in packages)


def _install(environment: Environment, packages: Sequence[Package]) -> None:
    """Make an environment; if others' manifests forbid that, at least what `packages` need.

    Raises:
        TaskError: a command failed.
        UsageError: what `packages` need cannot be installed either.
    """
    try:
        environment.install()
    except UsageError as error:
        wanted = environment.wanted
        here = {one.path: wanted[one.path] for one in packages if one.path in wanted}
        alone = replace(
            environment, wanted=here, groups={path: environment.groups[path] for path in here}
        )
        # Whatever else is wrong stays so with fewer packages.
        if here == wanted or _is_possible(environment) or not _is_possible(alone):
            raise
        for mistake in error.mistakes:
            say(f"monorepo: {mistake}")
        tools_environment(environment.space).install()
        if here:
            alone.add()


def _is_possible(environment: Environment) -> bool:
    """Tell whether the manifests and the locks allow an environment."""
    try:
        environment.check()
    except UsageError:
        return False
    return True


def explain(space: Workspace, packages: Sequence[Package]) -> list[str]:
    """Return the plain commands that give the same environments, for those who want to see them."""
    lines = ["# With uv, as make install does after make setup: each file is verified by its hash."]
    for environment in environments(space, packages):
        if not environment.with_tools:
            lines.append(shlex.join(["python", "-m", "venv", "--without-pip", environment.path]))
        lines.append(environment.shown())
    lines.append("# With pip alone, which verifies no hash: it would want those of packages here.")

    def size(line: str) -> int:
        """Return how much a requirement by path needs: always less than what needs it does."""
        path, _, extras = line.removeprefix("./").rstrip("]").partition("[")
        asked = {path: extras.split(",")} if path in space.packages else {}
        return len(space.closure(asked))

    formats = " ".join(uv.formats(space))
    for environment in environments(space, packages):
        python = shlex.quote(f"{environment.path}/bin/python")
        # pip, unlike uv, wants to see a package before another one that requires it.
        ordered = sorted(environment.requirements(), key=size)
        # A hash in one requirement would make pip want hashes of all, and packages have none.
        words = [f"./{space.engine.path}"] if environment.with_tools else []
        words += [word for line in ordered for word in ("-e", shlex.quote(line))]
        words += map(shlex.quote, environment.grouped())
        lines += [
            f"python -m venv {shlex.quote(environment.path)}",
            f"PIP_CONSTRAINT={PINS} {python} -m pip install -c {PINS} {formats} {' '.join(words)}",
        ]
    if space.has_javascript:
        version = pnpm.pin(space.root).version
        lines.append(
            "# npm does not look at the hash of pnpm in package.json; pnpm looks at its lock."
        )
        lines.append(f".venv/bin/npm install --global --prefix .venv pnpm@{version}")
        flags = "--frozen-lockfile --ignore-scripts --ignore-pnpmfile"
        lines.append(f'PATH="$PWD/.venv/bin:$PATH" pnpm install {flags}')
    return lines
