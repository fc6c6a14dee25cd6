"""Register the nox sessions; a noxfile calls `register`.

A session has the name of a Make target and runs that target. All this works under any nox, so it
imports the standard library, nox and what nox itself brings.
"""

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import nox

from monorepo.core import workspace
from monorepo.core.engine import REQUIREMENT
from monorepo.core.workspace import NEWEST, Package, Workspace
from monorepo.sessions.definitions import TASKS, Cell, cells_of, python_of, pythons_of, tasks_of
from monorepo.system import terminal
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, without_make

# These run when no session is named; `-t slow` runs the others.
QUICK = ("lint", "type-check", "test")
# One process does these for all packages, so CI leaves them to `make`; `-t proof` is the rest.
ONCE = ("lint", "type-check")
# For more packages than this, `nox -l` shows the tasks alone.
READABLE = 10
# The session that takes the place of those of broken packages.
MANIFESTS = "manifests"
LISTING = {"-l", "--list", "--list-sessions"}
CHOOSING = {
    *("-s", "-e", "--session", "--sessions", "-t", "--tags", "-k", "--keywords"),
    *("-p", "--python", "--pythons", "--json"),
}


def register(folder: Path) -> None:
    """Register the sessions of the package in `folder`; at the root, those of all packages.

    A package whose manifest is wrong has no sessions: a line says why, and at the root a session
    that fails takes their place. In the package's own folder, nox ends with code 2.
    """
    # A session's modules are those of its environment.
    for name in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"):
        os.environ.pop(name, None)
    nox.options.default_venv_backend = "uv|virtualenv"
    nox.options.download_python = "never"
    folder = folder.resolve()
    parents = [folder, *folder.parents]
    root = next(parent for parent in parents if (parent / REQUIREMENT).exists())
    path = folder.relative_to(root).as_posix()
    at_root = path == "."
    try:
        space = workspace.load(root)
        packages = list(space.packages.values()) if at_root else space.select([path])
    except UsageError as error:
        _tell(error.mistakes)
        raise SystemExit(2) from None
    wrong = {package.path: list(_mistakes(space, package)) for package in packages}
    mistakes = [*(map(str, space.problems) if at_root else ()), *chain(*wrong.values())]
    _tell(mistakes)
    if mistakes and not at_root:
        raise SystemExit(2)
    packages = [package for package in packages if not wrong[package.path]]
    cells = [cell for package in packages for cell in cells_of(space, package)]
    # `nox -l` is read by people: one Python stands for all, until they ask for some sessions.
    words = {word.partition("=")[0] for word in sys.argv[1:]}
    manual = bool(words & LISTING) and not words & CHOOSING
    if manual:
        cells = [cell for cell in cells if cell.python in (None, python_of(space, cell.package))]
    folded = manual and len(packages) > READABLE
    for task in TASKS:
        mine = [cell for cell in cells if cell.task == task]
        names = [cell.name(at_root=at_root) for cell in mine]
        if set(names) - {task}:
            asked = [] if manual else [*names, *([MANIFESTS] if mistakes else [])]
            _gather(task, task, asked, default=folded and task in QUICK)
        if not folded:
            for cell, name in zip(mine, names, strict=True):
                _register(space, cell, name, at_root=at_root)
    if not cells or mistakes:
        _stand_in(mistakes)
    if at_root and not manual:
        versioned = [cell for cell in cells if cell.task == "test" and cell.python]
        for python in sorted({str(cell.python) for cell in versioned}):
            names = [cell.name(at_root=True) for cell in versioned if cell.python == python]
            _gather(f"test-{python}", "test", names)


def _tell(mistakes: Iterable[str]) -> None:
    for mistake in mistakes:
        print(f"monorepo: {terminal.line(mistake)}", file=sys.stderr)


def _stand_in(mistakes: Sequence[str]) -> None:
    """Register a session in place of others: no run is fine when packages were left out.

    Where there are no packages, it does nothing: without any session, nox fails, and so does CI.
    """

    def stand_in(session: nox.Session) -> None:
        if mistakes:
            session.error("; ".join(map(terminal.line, mistakes)))

    left_out = "Fails: some packages have no sessions, see above"
    stand_in.__doc__ = left_out if mistakes else "Does nothing: there are no packages yet"
    tags = ["quick", "proof"]
    nox.session(name=MANIFESTS, python=False, default=True, tags=tags)(stand_in)


def _mistakes(space: Workspace, package: Package) -> Iterator[str]:
    """Yield what is wrong with what a package's manifest says of its sessions."""
    if package.path in space.unmet:
        yield str(space.unmet[package.path])
    if package.is_python and not pythons_of(space, package):
        where = f"{package.path}/pyproject.toml: requires-python"
        floor = space.facts["python"]
        yield f"{where}: allows no Python from {floor} to 3.{NEWEST}; write >={floor}"
    tasks = tasks_of(package)
    for name, reason in _opted_out(package).items():
        where = f"{package.path}/{package.language.manifest}: monorepo.sessions: {name}"
        if name not in tasks:
            yield f"{where} is not a session of it; there are {', '.join(tasks)}"
        elif not isinstance(reason, str) or not reason.strip() or not reason.isprintable():
            yield f'{where} says no reason in one line; write {name} = "why not"'


def _opted_out(package: Package) -> Mapping[str, object]:
    """Return the reasons why a package goes without sessions, by their names."""
    table = package.settings.get("sessions", {})
    return table if isinstance(table, Mapping) else {str(table): ""}


def _gather(name: str, task: str, names: list[str], *, default: bool = False) -> None:
    """Register a session that has others run before it, and does nothing else."""

    def gathered(_: nox.Session) -> None:
        pass

    gathered.__doc__ = TASKS[task]
    nox.session(name=name, python=False, default=default, requires=names)(gathered)


def _register(space: Workspace, cell: Cell, name: str, *, at_root: bool) -> None:
    """Register the session of a cell."""
    quick, alone = cell.task in QUICK, cell.python in (None, python_of(space, cell.package))
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
    from monorepo.environments import virtualenv

    try:
        virtualenv.setup(space, [cell.package])
        run = _python if cell.package.is_python else _node
        if wrong := list(run(session, space, cell)):
            print("\n".join(f"monorepo: {line}" for line in wrong), file=sys.stderr, flush=True)
            session.error("see above for what is wrong")
    except (UsageError, TaskError) as error:
        session.error(f"monorepo: {error}")


def _python(session: nox.Session, space: Workspace, cell: Cell) -> Iterator[str]:
    """Run a session of a Python package; yield what it proves wrong beyond what Make does."""
    from monorepo.environments import virtualenv
    from monorepo.environments.isolated import Clean
    from monorepo.sessions import package_checks

    package, task = cell.package, cell.task
    if cell.python is None:
        _make(session, package.folder, task, f"VENV={space.root / '.venv'}")
        return
    folder, lowest = session.env_dir.absolute(), task == "test-lowest"
    # Every bound is to hold, and every import to have types; tests have what they ask for, in the
    # group of that name or, as it was once, the extra; and what users get has no groups.
    extras, groups = virtualenv.default_extras(package), set(package.groups)
    if not (lowest or task == "type-check"):
        extras &= {"test"}
        groups &= {"test"} if task in ("test", "test-coverage") else set()
    wanted, grouped = {package.path: extras}, {package.path: groups}
    environment = Clean(space, str(folder), wanted, grouped, lowest=lowest)
    if task == "test-extras":
        yield from package_checks.extras(environment, package)
    elif task == "build":
        environment.check()
        _make(session, package.folder, task, f"VENV={folder}")
        yield from package_checks.wheel(environment, package)
    else:
        environment.install()
        _make(session, package.folder, "test" if lowest else task, f"VENV={folder}")


def _node(session: nox.Session, space: Workspace, cell: Cell) -> Iterator[str]:
    """Run a session of a JavaScript package; yield what it proves wrong beyond what Make does."""
    from monorepo.environments import node
    from monorepo.tasks import js_sandbox

    package, task = cell.package, cell.task
    node.install(space)
    if task in ("lint", "smoke"):
        _make(session, package.folder, task, f"VENV={space.root / '.venv'}")
        return
    with tempfile.TemporaryDirectory(prefix="nox-") as place:
        copy = Path(place).resolve()
        _make(session, js_sandbox.make(space, package, copy), task, *js_sandbox.variables(space))
        if task == "build":
            yield from js_sandbox.packed(space, package, copy)


def _make(session: nox.Session, folder: Path, target: str, *variables: str) -> None:
    """Make `target` in `folder`; `variables`, such as VENV=…, say with what."""
    quote = _node_quote if (folder / "package.json").exists() else shlex.quote
    # None takes a variable out.
    gone = dict.fromkeys(os.environ.keys() - without_make().keys())
    words = make(folder, target, *variables, f"ARGS={' '.join(map(quote, session.posargs))}")
    session.run(*words, external=True, env=gone)


def _node_quote(word: str) -> str:
    """Quote a word for NODE_OPTIONS, where a backslash stands for nothing but the next letter."""
    if re.fullmatch(r"[\w.=-]+", word, re.ASCII):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
