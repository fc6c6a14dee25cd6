"""The nox sessions: each task of each package, in a clean environment of its own.

A session has the name of a Make target and runs that target. All this works under any nox, so it
imports the standard library, nox and what nox itself brings.
"""

import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nox
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from monorepo import workspace
from monorepo.errors import TaskError, UsageError
from monorepo.workspace import NEWEST, Package, Workspace

# Each task, and what its session does.
TASKS = {
    "lint": "Check style",
    "type-check": "Check types",
    "test": "Run the tests that need no GPU and are not slow (-- -k name)",
    "test-lowest": "The same, with the lowest version of each direct dependency",
    "test-extras": "Install it without extras and with each one alone; import all of it each time",
    "test-coverage": "Run the tests with the coverage gate",
    "build": "Make what is shipped, look into it, install it alone and import it",
    "smoke": "Start the service in an environment of its own, GET /health, stop",
}
# These run when no session is named; `-t slow` runs the others.
QUICK = ("lint", "type-check", "test")
# One process does these for all packages, so CI leaves them to `make`; `-t proof` is the rest.
ONCE = ("lint", "type-check")
# For more packages than this, `nox -l` shows the tasks alone.
READABLE = 10
LISTING = {"-l", "--list", "--list-sessions"}
CHOOSING = {
    *("-s", "-e", "--session", "--sessions", "-t", "--tags", "-k", "--keywords"),
    *("-p", "--python", "--pythons", "--json"),
}


class Cell(NamedTuple):
    """One task of one package, on a version of Python unless the task does without."""

    task: str
    package: Package
    python: str | None

    def name(self, *, at_root: bool) -> str:
        """Return the name of its session, at the root or in the package's folder."""
        name = f"{self.task}-{self.python}" if self.task == "test" and self.python else self.task
        return f"{name}({self.package.path})" if at_root else name


def register(folder: Path) -> None:
    """Register the sessions of the package in `folder`; at the root, those of all packages.

    When a manifest is wrong, it prints a line for each mistake and exits with code 2.
    """
    nox.options.default_venv_backend = "uv|virtualenv"
    nox.options.download_python = "never"
    folder = folder.resolve()
    parents = [folder, *folder.parents]
    root = next(parent for parent in parents if (parent / "tools/src/monorepo").is_dir())
    path = folder.relative_to(root).as_posix()
    at_root = path == "."
    try:
        space = workspace.load(root)
        packages = list(space.every.values()) if at_root else space.select([path])
        if mistakes := [line for package in packages for line in _mistakes(space, package)]:
            raise UsageError(*mistakes)
    except UsageError as error:
        for mistake in error.mistakes:
            print(f"monorepo: {mistake}", file=sys.stderr)
        raise SystemExit(2) from None
    cells = [cell for package in packages for cell in _cells(space, package)]
    # `nox -l` is read by people: one Python stands for all, until they ask for some sessions.
    words = {word.partition("=")[0] for word in sys.argv[1:]}
    manual = bool(words & LISTING) and not words & CHOOSING
    if manual:
        cells = [cell for cell in cells if cell.python in (None, _default(space, cell.package))]
    folded = manual and len(packages) > READABLE
    for task in TASKS:
        mine = [cell for cell in cells if cell.task == task]
        names = [cell.name(at_root=at_root) for cell in mine]
        if set(names) - {task}:
            _gather(task, task, [] if manual else names, default=folded and task in QUICK)
        if not folded:
            for cell, name in zip(mine, names, strict=True):
                _register(space, cell, name, at_root=at_root)
    if at_root and not manual:
        versioned = [cell for cell in cells if cell.task == "test" and cell.python]
        for python in sorted({str(cell.python) for cell in versioned}):
            names = [cell.name(at_root=True) for cell in versioned if cell.python == python]
            _gather(f"test-{python}", "test", names)


def _mistakes(space: Workspace, package: Package) -> Iterator[str]:
    """Yield what is wrong with what a package's manifest says of its sessions."""
    if package.language == "py" and not _pythons(space, package):
        where = f"{package.path}/pyproject.toml: requires-python"
        floor = space.facts["python"]
        yield f"{where}: allows no Python from {floor} to 3.{NEWEST}; write >={floor}"
    tasks = _tasks(package)
    for name, reason in _opted_out(package).items():
        where = f"{package.path}/{workspace.MANIFESTS[package.language]}: monorepo.sessions: {name}"
        if name not in tasks:
            yield f"{where} is no session of it; there are {', '.join(tasks)}"
        elif not isinstance(reason, str) or not reason.strip() or not reason.isprintable():
            yield f'{where} says no reason in one line; write {name} = "why not"'


def _tasks(package: Package) -> list[str]:
    """Return the tasks that there are for a package."""
    missing = set() if package.is_service else {"smoke"}
    if package.language == "js":
        missing |= {"test-lowest", "test-extras"}
    return [task for task in TASKS if task not in missing]


def _cells(space: Workspace, package: Package) -> Iterator[Cell]:
    """Yield the cells of a package."""
    for task in _tasks(package):
        if package.language == "py" and task == "test":
            yield from (Cell(task, package, python) for python in _pythons(space, package))
        elif package.language == "py" and task not in ("lint", "smoke"):
            yield Cell(task, package, _default(space, package))
        else:
            yield Cell(task, package, None)


def _opted_out(package: Package) -> Mapping[str, object]:
    """Return the reasons why a package goes without sessions, by their names."""
    table = package.settings.get("sessions", {})
    return table if isinstance(table, Mapping) else {str(table): ""}


@cache
def _supported(requires: str, floor: str) -> list[str]:
    """Return the versions from `floor` on that a `requires-python` allows, the oldest first."""
    try:
        allowed = SpecifierSet(requires)
    except InvalidSpecifier:
        return []
    minors = [f"3.{minor}" for minor in range(int(floor.partition(".")[2]), NEWEST + 1)]
    # The first or the last release of each: `>=3.12.1` allows 3.12, and so does `<=3.12`.
    return [one for one in minors if any(allowed.filter([f"{one}.0", f"{one}.99"]))]


def _pythons(space: Workspace, package: Package) -> list[str]:
    """Return the versions of Python that a package supports and the pins are made for."""
    requires = package.manifest["project"].get("requires-python")
    return _supported(str(requires), str(space.facts["python"])) if requires else []


def _default(space: Workspace, package: Package) -> str | None:
    """Return the Python to prove a package on: the running one, or else the oldest it supports."""
    if package.language == "js":
        return None
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    pythons = _pythons(space, package)
    return running if running in pythons else pythons[0]


def _gather(name: str, task: str, names: list[str], *, default: bool = False) -> None:
    """Register a session that has others run before it, and does nothing else."""

    def gathered(_: nox.Session) -> None:
        pass

    gathered.__doc__ = TASKS[task]
    nox.session(name=name, python=False, default=default, requires=names)(gathered)


def _register(space: Workspace, cell: Cell, name: str, *, at_root: bool) -> None:
    """Register the session of a cell."""
    quick, alone = cell.task in QUICK, cell.python in (None, _default(space, cell.package))
    reason = _opted_out(cell.package).get(cell.task)

    def session(session: nox.Session) -> None:
        if reason:
            session.skip(f"{cell.package.path} opts out: {reason}")
        _run(session, space, cell)

    if reason:
        session.__doc__ = f"Opted out: {reason}"
    elif not at_root:
        session.__doc__ = TASKS[cell.task]
    nox.session(
        name=name,
        python=False if reason else cell.python or False,
        reuse_venv=True,
        default=quick and alone,
        tags=["quick" if quick and alone else "slow", *(() if cell.task in ONCE else ["proof"])],
        allow_parallel=True,
    )(session)


def _run(session: nox.Session, space: Workspace, cell: Cell) -> None:
    """Run one session; a mistake ends it with its lines, not with a traceback."""
    # What is not needed to list sessions is imported when one runs.
    from monorepo import environments

    try:
        environments.setup(space)
        run = _python if cell.package.language == "py" else _node
        if wrong := list(run(session, space, cell)):
            print("\n".join(f"monorepo: {line}" for line in wrong), file=sys.stderr, flush=True)
            session.error("see above for what is wrong")
    except (UsageError, TaskError) as error:
        session.error(f"monorepo: {error}")


def _python(session: nox.Session, space: Workspace, cell: Cell) -> Iterator[str]:
    """Run a session of a Python package; yield what it proves wrong beyond what Make does."""
    from monorepo import environments, proofs
    from monorepo.clean import Clean

    package, task = cell.package, cell.task
    if cell.python is None:
        _make(session, package.folder, task, f"VENV={space.root / '.venv'}")
        return
    folder, lowest = session.env_dir.absolute(), task == "test-lowest"
    # Every bound is to hold, and every import to have types; tests have what they ask for.
    extras = environments.default_extras(package)
    # The tooling's other extras are programs.
    if package is space.tools or not (lowest or task == "type-check"):
        extras &= {"test"}
    wanted = {package.path: extras}
    environment = Clean(space, str(folder), wanted, lowest=lowest)
    if task == "test-extras":
        yield from proofs.extras(environment, package)
    elif task == "build":
        _make(session, package.folder, task, f"VENV={folder}")
        yield from proofs.wheel(environment, package)
    else:
        environment.install()
        _make(session, package.folder, "test" if lowest else task, f"VENV={folder}")


def _node(session: nox.Session, space: Workspace, cell: Cell) -> Iterator[str]:
    """Run a session of a JavaScript package; yield what it proves wrong beyond what Make does."""
    from monorepo import copies, node

    package, task = cell.package, cell.task
    node.install(space)
    if task in ("lint", "smoke"):
        _make(session, package.folder, task, f"VENV={space.root / '.venv'}")
        return
    with tempfile.TemporaryDirectory(prefix="nox-") as place:
        copy = Path(place).resolve()
        _make(session, copies.make(space, package, copy), task, *copies.variables(space))
        if task == "build":
            yield from copies.packed(space, package, copy)


def _make(session: nox.Session, folder: Path, target: str, *variables: str) -> None:
    """Make `target` in `folder`; `variables`, such as VENV=…, say with what."""
    quote = _node_quote if (folder / "package.json").exists() else shlex.quote
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHONPATH")
    env = {**dict.fromkeys(outer), "ARGS": " ".join(map(quote, session.posargs))}
    words = ["make", "--no-print-directory", "-C", str(folder), target, *variables]
    session.run(*words, external=True, env=env)


def _node_quote(word: str) -> str:
    """Quote a word for NODE_OPTIONS, where a backslash stands for nothing but the next letter."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
