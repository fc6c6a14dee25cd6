"""Create and fill environments: one resolver call each, and only if something changed.

Each call lists the whole internal closure by path, constrained by the pins and their hashes, so
that no internal name is requested from an index and no call undoes another. An unpinned requirement
is an error before any request. Standard library only.

What only JavaScript or uv projects need is imported where they are: in a new clone, each module of
the engine is compiled first.
"""

import contextlib
import hashlib
import json
import os
import platform
import shlex
import shutil
import sysconfig
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from monorepo.core import base_manifest, hashes, python_versions
from monorepo.core.engine import DISTRIBUTION
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import DEV, Package, Workspace, requirement
from monorepo.environments import interpreter
from monorepo.locking import unpinned
from monorepo.programs import indexes, uv
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import held, say

STAMP = "monorepo.json"
# The pins of a uv project, exported from its lock.
_PINS = "pins.txt"
# Tables of [tool] that do not affect the build.
_NOT_BUILDING = {"monorepo", "ruff", "mypy", "pytest", "coverage"}
# Folders and files that a build writes or does not read.
_NO_SOURCES = {"build", "dist", "tests", "htmlcov", "node_modules", "__pycache__"}
_NO_SOURCE = (".md", ".rst", ".pyc", "pyproject.toml")
# Packages that venv installs and uv keeps.
SEEDS = {"pip", "setuptools", "wheel", "uv"}

# Every Python process imports sitecustomize. Without one in the environment, that would be a module
# of a package, from whichever branch is checked out.
_STARTED = '"""Stands here so that no package can have each Python start its own."""\n'
# Python processes .pth files in alphabetical order, and the last one imports this module. Some
# systems have a sitecustomize of their own, which would take precedence.
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


@dataclass(frozen=True)
class Environment:
    """A virtual environment at `path` (from the root) for packages with extras.

    `wanted` has the extras and `groups` the dependency groups to install, by package path.
    """

    space: Workspace
    path: str
    wanted: Mapping[str, Iterable[str]]
    groups: Mapping[str, Iterable[str]] = field(default_factory=dict)
    with_tools: bool = False

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.space.root / self.path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"

    @property
    def layer(self) -> str:
        """What it contains: only tools, or packages. The stamp has an entry for each."""
        return "packages" if self.wanted else "tools"

    @cached_property
    def project(self) -> Package | None:
        """The uv project whose lock has the pins; None if constraints.txt has them."""
        found = self.space.projects
        return next((found[path] for path in self.wanted if path in found), None)

    def requirements(self) -> list[str]:
        """Return the editable requirements, by path: one line for each package of the closure.

        Raises:
            UsageError: a broken package is needed, which would be requested from an index.
        """
        if wrong := [
            str(problem) for path, problem in self.space.unmet.items() if path in self.wanted
        ]:
            raise UsageError(*wrong)
        lines = []
        for path, extras in sorted(self.closure().items()):
            if self.space.packages[path].is_python:
                lines.append(f"./{path}[{','.join(sorted(extras))}]" if extras else f"./{path}")
        return lines

    def grouped(self) -> list[str]:
        """Return the external requirements of the dependency groups, and of base_manifest.yaml.

        Raises:
            UsageError: base_manifest.yaml has mistakes.
        """
        packages = [(self.space.packages[path], names) for path, names in self.groups.items()]
        texts = {
            text for package, names in packages for name in names for text in package.groups[name]
        }
        if self.with_tools:
            texts.update(self.space.groups.get(DEV, ()))
            texts.update(entry.text for entry in self.space.base.listed())
        # Strings in a manifest may have line breaks.
        lines = {" ".join(text.split()) for text in texts}
        return sorted(line for line in lines if requirement(line).name not in self.space.by_name)

    def lines(self) -> list[str]:
        """Return all requirements, in the syntax of requirements files.

        Raises:
            UsageError: as `requirements` does, or tools/requirements.txt names no engine.
        """
        engine = [self.space.engine.line] if self.with_tools else []
        return [*engine, *(f"-e {line}" for line in self.requirements()), *self.grouped()]

    def _engine(self) -> list[str]:
        """Return what an ejected engine requires; that of a wheel goes with its hash."""
        ejected = self.with_tools and self.space.engine.ejected
        return self.space.engine.requirements if ejected else []

    def closure(self) -> dict[str, set[str]]:
        """Return the packages in it, by path, with their extras."""
        return self.space.closure(self.wanted, self.groups)

    def check(self) -> None:
        """Check the requirements against the pins, before any request to an index.

        Raises:
            UsageError: a requirement is not pinned, a pin has no hashes, or a package does not
                support this Python.
        """
        wrong = self.mistakes()
        wrong += unpinned.excluded(self.space, self.closure(), self._version(), self.path)
        wrong += self._refused_by_base() if self.with_tools else []
        if wrong:
            raise UsageError(*wrong)

    def _refused_by_base(self) -> list[str]:
        """Return the error if base_manifest.yaml does not allow its version of Python."""
        requires, version = self.space.base.requires_python, self._version()
        if not requires or python_versions.allows(requires, python_versions.release(version)):
            return []
        advice = f"remove {self.path}, then make setup PYTHON=…, or correct the range"
        where = f"{base_manifest.FILE}: python.requires_python"
        return [f"{where}: {requires} excludes Python {version} of {self.path}; {advice}"]

    def mistakes(self) -> list[str]:
        """Return the requirements that no pin satisfies: a line each."""
        programs = self.space.programs() if self.with_tools else ()
        locked: list[str] = []
        if self.project:
            from monorepo.locking import projects

            if wrong := projects.mistakes(self.space, self.project):
                return wrong
            locked = projects.locked(self.space.root, self.project.path)
        return unpinned.mistakes(self.space, self.closure(), self.groups, programs, locked)

    def _version(self) -> str:
        """Return the version of its Python, or of the one that would create it."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in (self.folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                if key.strip() in ("version", "version_info"):
                    return value.strip()
        return platform.python_version()

    @property
    def interpreter(self) -> str:
        """The exact version of its Python, and its build: each has a folder name of its own."""
        places = sorted(place.parent.name for place in self.folder.glob("lib/*/site-packages"))
        # Without an environment, those of the Python that would create it.
        names = places or [os.path.basename(sysconfig.get_path("stdlib"))]
        return " ".join([self._version(), *names])

    def install(self) -> bool:
        """Create or update the environment; return whether anything was out of date.

        Raises:
            TaskError: uv failed; the environment is unchanged.
            UsageError: a requirement is not pinned; the environment is unchanged.
        """
        if self.is_filled():
            return False
        if self.project:
            from monorepo.locking import projects

            projects.lock_missing(self.space, self.project)
        self.check()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # Of concurrent commands, one fills it and the others wait.
        with held(self.folder.parent):
            if self.is_filled():
                return False
            self._update()
        return True

    def _update(self) -> None:
        """Create it if it is not usable, fill it, and write the stamp."""
        state = self._read_stamp(_entries(self.folder))
        if not state:
            if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
                raise UsageError(f"{self.path}: is not a folder; move it away, and run this again")
            # uv does not clear a folder that is no environment any more.
            if (self.folder / STAMP).exists() and not (self.folder / "pyvenv.cfg").exists():
                shutil.rmtree(self.folder)
            self._make()
            state = {"folder": str(self.folder), "python": _identity(self.python), "layers": {}}
            state["entries"] = _entries(self.folder)
        stamp = self.folder / STAMP
        # If this is interrupted, the environment is incomplete and must not be used.
        stamp.unlink(missing_ok=True)
        try:
            self._fill()
            self._verify(set(_names(state["entries"])))
        except (TaskError, UsageError):
            # uv resolves and downloads before it changes anything.
            if _entries(self.folder) == state["entries"]:
                _write_stamp(stamp, state)
            raise
        entries = _entries(self.folder)
        # With packages and tools, it also satisfies the requirements of the tools alone.
        layers = [self, replace(self, wanted={}, groups={})] if self.with_tools else [self]
        state["entries"] = entries
        state["layers"] = {layer.layer: layer._digest(_names(entries)) for layer in layers}
        _write_stamp(stamp, state)

    def note(self) -> None:
        """Record its interpreter for the scripts in tools/make."""
        layers = self._read_stamp(_entries(self.folder)).get("layers", {})
        engine = self.space.engine if self.with_tools else None
        interpreter.note(self.space.root, self.path, engine, complete=self.layer in layers)

    def is_filled(self) -> bool:
        """Return whether neither its inputs nor its content changed since it was filled."""
        entries = _entries(self.folder)
        state = self._read_stamp(entries)
        if not state or self.layer not in state["layers"]:
            return False
        same = _modules(entries) == _modules(state["entries"])
        return same and state["layers"][self.layer] == self._digest(_names(entries))

    def _make(self) -> None:
        """Create the environment, empty except for uv in the root's."""
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
        """Install the requirements, and uninstall everything else."""
        say(f"install: {self.path}")
        lines, flags = self._all_requirements()
        self.put(lines, *flags)

    def _all_requirements(self) -> tuple[list[str], list[str]]:
        """Return the requirements lines, and the flags for uv."""
        # uv must not uninstall itself.
        kept = ["uv"] if self.with_tools else []
        return [*kept, *self.lines()], ["--exact"] if self._is_exact() else []

    def _is_exact(self) -> bool:
        """Return whether everything else is uninstalled.

        Installing only the tools must not uninstall the packages in the same environment.
        """
        one = self.space.has_one_environment
        beside = one and any(package.is_python for package in self.space.packages.values())
        return not (self.with_tools and not self.wanted and beside)

    def add(self) -> None:
        """Install the requirements, and keep everything else.

        Raises:
            TaskError: uv failed; the message has its output.
        """
        self.check()
        with held(self.folder.parent):
            self.put(self.lines())

    def put(self, lines: Iterable[str], *flags: object, constraints: object = None) -> None:
        """Install requirements lines in one resolver call.

        Args:
            lines: the requirements.
            flags: further flags of uv.
            constraints: a file with other pins and hashes than those of this environment.

        Raises:
            TaskError: uv failed; the message has its output.
        """
        if self.project and not constraints:
            from monorepo.locking import projects

            projects.write_pins(self.space, self.project, self._pins_file)
        constraints = constraints or self._pins_file
        command = self._command(lines := [*lines], *flags, constraints=constraints)
        uv.install(command, self.space.root, f"install: {self.path}", "\n".join(lines))

    @property
    def _pins_file(self) -> Path:
        """The file with pins and hashes; that of a uv project is exported from its lock."""
        return self.folder / _PINS if self.project else Path(HASHES)

    def _lock(self) -> str:
        """Return the text of the lock of the uv project, if there are both."""
        if not self.project:
            return ""
        from monorepo.locking import projects

        return text_files.peek(self.project.folder, projects.LOCK)

    def _command(self, lines: Iterable[str], *flags: object, constraints: object) -> list[object]:
        """Return the command that installs `lines` from its standard input."""
        pip = [uv.program(self.space.root), "pip", "install", "--python", self.python, *flags]
        here = [self.space.packages[path] for path in self.closure()]
        here = [package for package in here if package.is_python]
        # uv compares only the manifest when it decides whether to rebuild.
        for package in here:
            if _sources(package):
                pip += ["--reinstall-package", package.name]
        paths = {line.partition("[")[0] for line in lines}
        editable = [package for package in here if f"-e ./{package.path}" in paths]
        held = ["--constraints", constraints, *uv.building(), *uv.formats(self.space, editable)]
        # From a file instead of arguments, so that uv builds an editable only once.
        return [*pip, *held, "--requirements", "-"]

    def shown(self) -> str:
        """Return the shell commands, run at the root, that fill it as `make install` does."""
        lines, flags = self._all_requirements()
        words = [
            str(word).removeprefix(f"{self.space.root}/")
            for word in self._command(lines, *flags, constraints=self._pins_file)
        ]
        shown = f"printf '%s\\n' {shlex.join(lines)} | {shlex.join(words)}"
        if not self.project:
            return shown
        from monorepo.locking import projects

        export = map(str, projects.export(self.space, self.project, self._pins_file))
        words = [word.removeprefix(f"{self.space.root}/") for word in export]
        return f"{shlex.join(words)}\n{shown}"

    def _verify(self, before: Collection[str]) -> None:
        """Check that all requirements are installed, and uninstall unpinned distributions.

        Args:
            before: the distributions that were installed before; their pins may be gone.

        Raises:
            TaskError: a requirement is missing, or something unpinned was installed.
        """
        installed = set(_names(_entries(self.folder)))
        internal = {*self.space.by_name, DISTRIBUTION}
        programs = [program.text for program in self.space.programs()] if self.with_tools else []
        wanted = {requirement(text).name for text in programs if ";" not in text}
        wanted |= {DISTRIBUTION} if self.with_tools else set()
        for path, extras in self.closure().items():
            package = self.space.packages[path]
            if package.is_python:
                texts = package.requirements(extras, self.groups.get(path, ()))
                wanted |= {fold(package.name)}
                wanted |= {requirement(text).name for text in texts if ";" not in text}
        if missing := sorted(wanted - installed):
            names = ", ".join(missing)
            raise TaskError(
                f"{self.path}: {names}: not installed, although uv succeeded; see above"
            )
        if unexpected := sorted(installed - internal - self.pins().keys() - SEEDS):
            pip = [uv.program(self.space.root), "pip", "uninstall", "--python", self.python]
            uv.call([*pip, *unexpected], self.space.root, f"install: {self.path}")
        if new := [name for name in unexpected if name not in before]:
            names = ", ".join(new)
            raise TaskError(f"{self.path}: {names}: needed by a pin and not pinned; run make lock")

    def pins(self) -> dict[str, list[str]]:
        """Return the pins of everything that may be installed from an index, by name."""
        found = hashes.pins(self.space.root)
        if not self.project:
            return found
        from monorepo.locking import projects

        return found | hashes.named(projects.locked(self.space.root, self.project.path))

    def _read_stamp(self, entries: Iterable[str]) -> dict[str, Any]:
        """Return the stamp of the last installation; empty if the environment is not usable.

        It is unusable if it was moved (its scripts contain its path), if its interpreter was
        replaced, or if anything in it was removed.
        """
        try:
            state = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
            usable = (
                state["folder"] == str(self.folder)
                and (self.folder / "pyvenv.cfg").exists()
                and state["python"] == _identity(self.python)
                and isinstance(state["layers"], dict)
                and set(state["entries"]) <= set(entries)
            )
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        return state if usable else {}

    def _digest(self, names: Iterable[str]) -> str:
        """Return a hash of all inputs, given the installed distributions."""
        pinned = self.pins()
        inputs = {
            "requirements": self.lines(),
            "exact": self._is_exact(),
            "engine": self._engine(),
            "manifests": [_installable(self.space.packages[path]) for path in self.closure()],
            "pins": [pinned.get(name) for name in names],
            "lock": self._lock(),
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


def _installable(package: Package) -> list[object]:
    """Return the inputs of the installation of a Python package, without its modules."""
    tool = package.manifest.get("tool", {})
    building = {key: value for key, value in tool.items() if key not in _NOT_BUILDING}
    return [
        package.manifest.get("project"),
        package.manifest.get("build-system"),
        building,
        _sources(package),
    ]


def _sources(package: Package) -> list[list[object]]:
    """Return path, size and time of each file that affects the build.

    Of what was compiled in place, that is the path: it is compiled again once it is lost. A pure
    Python package of setuptools has no such file: its modules are used in place.
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
            # Modules are used in place, unless a dynamic version is read from them.
            if made or (name.endswith((".py", ".pyi")) and not dynamic and name != "setup.py"):
                continue
            file = os.path.join(folder, name)
            path = os.path.relpath(file, package.folder)
            if name.endswith(".so"):
                found.append([path])
                continue
            with contextlib.suppress(OSError):
                status = os.stat(file)
                found.append([path, status.st_size, status.st_mtime_ns])
    return found


def _identity(python: Path) -> list[object]:
    """Return the identity of an interpreter, to detect that it was replaced."""
    real = os.path.realpath(python)
    status = os.stat(real)
    return [real, status.st_size, status.st_mtime_ns]


def _entries(folder: Path) -> list[str]:
    """Return the programs, modules and distributions in the environment at `folder`."""
    found = []
    for place in (folder / "bin", *folder.glob("lib/python*/site-packages")):
        prefix = place.relative_to(folder)
        with contextlib.suppress(OSError):
            names = [name for name in os.listdir(place) if name != "__pycache__"]
            found += [f"{prefix}/{name}" for name in names]
    return sorted(found)


def _modules(entries: Iterable[str]) -> list[str]:
    """Return the entries without programs, which pnpm changes as well."""
    return [entry for entry in entries if not entry.startswith("bin/")]


def _names(entries: Iterable[str]) -> list[str]:
    """Return the normalized names of the distributions among the entries."""
    infos = (entry.rpartition("/")[2] for entry in entries if entry.endswith(".dist-info"))
    return sorted({fold(name.split("-")[0]) for name in infos})


def _write_stamp(stamp: Path, state: Mapping[str, Any]) -> None:
    """Write the stamp of an environment atomically."""
    draft = stamp.with_name(f".{stamp.name}")
    draft.write_text(json.dumps(state), encoding="utf-8")
    draft.replace(stamp)


def tools_environment(space: Workspace) -> Environment:
    """Return the root environment with only the tools."""
    return Environment(space, ".venv", {}, with_tools=True)


def environments(space: Workspace, packages: Iterable[Package]) -> list[Environment]:
    """Return the development environments of `packages`, the root's first."""
    every = (package for path, package in space.packages.items() if path not in space.uninstallable)
    wanted = {package.path: package.default_extras for package in every if package.is_python}
    groups = {path: set(space.packages[path].groups) for path in wanted}
    if space.has_one_environment:
        return [Environment(space, ".venv", wanted, groups, with_tools=True)]
    mine = [package.path for package in packages if package.path in wanted]
    own = [
        Environment(space, f"{path}/.venv", {path: wanted[path]}, {path: groups[path]})
        for path in mine
    ]
    return [tools_environment(space), *own]


def _refuse(space: Workspace) -> None:
    """Refuse to work in an unsuitable folder, or with an engine that is not verified.

    Raises:
        UsageError: environments do not work in this folder, or the wheel has another hash.
    """
    _refuse_place(space)
    if not space.engine.ejected:
        space.engine.content()


def _refuse_place(space: Workspace) -> None:
    """Refuse folders in which environments do not work.

    Sources: the library reference of venv, "cannot contain the PATH separator"; Node.js resolves
    no module below a folder with a backslash in its name (ERR_INVALID_MODULE_SPECIFIER).

    Raises:
        UsageError: the repository is in such a folder.
    """
    if os.pathsep in str(space.root):
        raise UsageError(f"{space.root}: no environment works below a name with a :; move it")
    if "\\" in str(space.root) and space.has_javascript:
        raise UsageError(f"{space.root}: Node does not work below a name with a \\; move it")


def setup(space: Workspace, packages: Sequence[Package] | None = None) -> None:
    """Create the root environment with the tools, and Node if needed.

    Args:
        space: the repository.
        packages: the packages whose tools are needed; None for all.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter is not suitable.
    """
    _refuse(space)
    tools_environment(space).install()
    environments(space, ())[0].note()
    if space.has_javascript and (packages is None or _in_javascript(packages)):
        from monorepo.environments import node

        node.setup(space)


def setup_to_lock(space: Workspace) -> None:
    """Set up without the programs that no pin covers: `make lock` adds their pins.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter is not suitable, or the pins cannot be read.
    """
    pinned = hashes.named(hashes.parse(text_files.read(space.root, HASHES)))
    dev = [text for text in space.groups.get(DEV, ()) if requirement(text).name in pinned]
    base = space.base.only(lambda entry: requirement(entry.text).name in pinned)
    # Node is among them where JavaScript is new; the lock installs it.
    packages = None if len(dev) == len(space.groups.get(DEV, ())) else ()
    setup(replace(space, groups={**space.groups, DEV: dev}, base=base), packages)


def install(space: Workspace, packages: Sequence[Package]) -> None:
    """Create the development environments of `packages`; see also `install_javascript`.

    Raises:
        TaskError: a command failed.
        UsageError: the interpreter is not suitable.
    """
    _refuse(space)
    for environment in environments(space, packages):
        _install(environment, packages)
        environment.note()
    _remove_unused(space)


def _remove_unused(space: Workspace) -> None:
    """Remove the environments of packages once all are in the root's: after a conversion."""
    for package in space.packages.values() if space.has_one_environment else ():
        if (package.folder / ".venv" / STAMP).exists():
            say(f"install: {package.path}/.venv: removed, because .venv has all packages")
            shutil.rmtree(package.folder / ".venv")


def install_javascript(space: Workspace, packages: Sequence[Package]) -> None:
    """Install the dependencies of JavaScript packages; the root environment has to exist.

    Raises:
        TaskError: a command failed.
        UsageError: package.json or the lock is broken.
    """
    if _in_javascript(packages):
        from monorepo.environments import node

        node.setup(space)
        node.install(space)


def _in_javascript(packages: Iterable[Package]) -> bool:
    return any(package.is_javascript for package in packages)


def _install(environment: Environment, packages: Sequence[Package]) -> None:
    """Install an environment; if other packages prevent that, at least what `packages` need.

    Raises:
        TaskError: a command failed.
        UsageError: the requirements of `packages` cannot be installed either.
    """
    try:
        environment.install()
    except UsageError as error:
        wanted = environment.wanted
        here = {
            package.path: wanted[package.path] for package in packages if package.path in wanted
        }
        alone = replace(
            environment, wanted=here, groups={path: environment.groups[path] for path in here}
        )
        # Give up if fewer packages do not help.
        if here == wanted or _is_possible(environment) or not _is_possible(alone):
            raise
        for mistake in error.mistakes:
            say(f"monorepo: {mistake}")
        tools_environment(environment.space).install()
        if here:
            alone.add()


def _is_possible(environment: Environment) -> bool:
    """Return whether an environment can be installed with these manifests and locks."""
    try:
        environment.check()
    except UsageError:
        return False
    return True


def explain(space: Workspace, packages: Sequence[Package]) -> list[str]:
    """Return plain commands of uv and pip that create the same environments."""
    lines = ["# With uv, as make install does after make setup: each file is verified by its hash."]
    if apart := indexes.read(space.root):
        names = ", ".join(index.name for index in apart)
        lines.insert(0, f"# Only make install asks {names} for the names of its own; these do not.")
    for environment in environments(space, packages):
        if not environment.with_tools:
            lines.append(
                shlex.join([".venv/bin/python", "-m", "venv", "--without-pip", environment.path])
            )
        lines.append(environment.shown())
    lines.append(
        "# With pip alone, which verifies no hash: it would require hashes of local packages."
    )
    if space.projects:
        lines.append("# A uv project with uv sync, which verifies no hash of what builds packages.")

    def size(line: str) -> int:
        """Return the size of the closure of a local requirement, to sort dependencies first."""
        path, _, extras = line.removeprefix("./").rstrip("]").partition("[")
        wanted = {path: extras.split(",")} if path in space.packages else {}
        return len(space.closure(wanted))

    formats = " ".join(uv.formats(space))
    for environment in environments(space, packages):
        if project := environment.project:
            sync = ["uv", "sync", "--frozen", "--all-groups", "--all-extras"]
            left_out = sorted(project.extras.keys() - project.default_extras)
            sync += [word for extra in left_out for word in ("--no-extra", extra)]
            lines.append(shlex.join([*sync, "--project", project.path]))
            continue
        python = shlex.quote(f"{environment.path}/bin/python")
        # pip, unlike uv, needs a local package listed before its dependents.
        ordered = sorted(environment.requirements(), key=size)
        # With a hash for one requirement, pip would require hashes for all.
        words = [f"./{space.engine.path}"] if environment.with_tools else []
        words += [word for line in ordered for word in ("-e", shlex.quote(line))]
        words += map(shlex.quote, environment.grouped())
        lines += [
            f"python -m venv {shlex.quote(environment.path)}",
            f"PIP_CONSTRAINT={PINS} {python} -m pip install -c {PINS} {formats} {' '.join(words)}",
        ]
    if space.has_javascript:
        from monorepo.programs import pnpm

        version = pnpm.pin(space.root).version
        lines.append(
            "# npm does not verify the hash of pnpm in package.json; pnpm verifies its lock."
        )
        lines.append(f".venv/bin/npm install --global --prefix .venv pnpm@{version}")
        flags = "--frozen-lockfile --ignore-scripts --ignore-pnpmfile"
        lines.append(f'PATH="$PWD/.venv/bin:$PATH" pnpm install {flags}')
    return lines
