"""Register the nox sessions; a noxfile calls `register`.

A session has the name of a Make target and runs that target. It works under any nox, so it imports
only the standard library, nox and the dependencies of nox.
"""

import contextlib
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import nox
from nox.command import CommandFailed

from monorepo.core import workspace
from monorepo.core.engine import REQUIREMENT
from monorepo.core.workspace import NEWEST, Package, Workspace
from monorepo.graph.scopes import Node, extra, group
from monorepo.parsing.arguments import is_off
from monorepo.sessions import durations
from monorepo.sessions.definitions import (
    BY_NAME,
    TASKS,
    SessionSpec,
    cells_of,
    python_of,
    pythons_of,
    tasks_of,
)
from monorepo.system import terminal
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, without_make

if TYPE_CHECKING:
    from monorepo.environments.results import Results

# The default sessions; `-t slow` runs the others.
QUICK = ("lint", "type-check", "test")
# In CI, `make` runs these in one process for all packages, and `-t proof` selects the others.
ONCE = ("lint", "type-check")
# With more packages than this, `nox -l` shows only the tasks.
READABLE = 10
# The session that replaces those of broken packages.
MANIFESTS = "manifests"
LISTING = {"-l", "--list", "--list-sessions"}
# The versions of dependencies, where they are not those of the pins.
_VERSIONS = {
    "test-lowest": "lowest",
    "test-newest": "newest",
    "test-prerelease": "prerelease",
    "test-gpu": "gpu",
}
CHOOSING = {
    *("-s", "-e", "--session", "--sessions", "-t", "--tags", "-k", "--keywords"),
    *("-p", "--python", "--pythons", "--json"),
}


class Given(TypedDict):
    """What the user says of a session: whether results are used and kept, and ARGS."""

    cache: bool
    arguments: str


def register(folder: Path) -> None:
    """Register the sessions of the package in `folder`; at the root, those of all packages.

    A package with a broken manifest has no sessions: the reason is printed, and at the root a
    failing session replaces them. In the package's own folder, nox exits with 2.
    """
    # Sessions must import modules from their own environment only.
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
        _print_mistakes(error.mistakes)
        raise SystemExit(2) from None
    wrong = {package.path: list(_mistakes(space, package)) for package in packages}
    mistakes = [*(map(str, space.problems) if at_root else ()), *chain(*wrong.values())]
    _print_mistakes(mistakes)
    if mistakes and not at_root:
        raise SystemExit(2)
    packages = [package for package in packages if not wrong[package.path]]
    specs = [spec for package in packages for spec in cells_of(space, package)]
    # For people, `nox -l` shows one Python only, unless sessions are selected.
    words = {word.partition("=")[0] for word in sys.argv[1:]}
    manual = bool(words & LISTING) and not words & CHOOSING
    if manual:
        specs = [spec for spec in specs if spec.python in (None, python_of(space, spec.package))]
    only_tasks = manual and len(packages) > READABLE
    for task in TASKS:
        mine = [spec for spec in specs if spec.task == task]
        names = [spec.name(at_root=at_root) for spec in mine]
        if set(names) - {task}:
            required = [] if manual else [*names, *([MANIFESTS] if mistakes else [])]
            _gather(task, task, required, default=only_tasks and task in QUICK)
        if not only_tasks:
            for spec, name in zip(mine, names, strict=True):
                _register(space, spec, name, at_root=at_root)
    if not specs or mistakes:
        _stand_in(mistakes)
    if at_root and not manual:
        versioned = [spec for spec in specs if spec.task == "test" and spec.python]
        for python in sorted({str(spec.python) for spec in versioned}):
            names = [spec.name(at_root=True) for spec in versioned if spec.python == python]
            _gather(f"test-{python}", "test", names)


def _print_mistakes(mistakes: Iterable[str]) -> None:
    for mistake in mistakes:
        print(f"monorepo: {terminal.line(mistake)}", file=sys.stderr)


def _stand_in(mistakes: Sequence[str]) -> None:
    """Register a session that fails if packages were left out.

    Without packages, it does nothing: nox, and so CI, would fail without any session.
    """

    def stand_in(session: nox.Session) -> None:
        if mistakes:
            session.error("; ".join(map(terminal.line, mistakes)))

    left_out = "Fails: some packages have no sessions, see above"
    stand_in.__doc__ = left_out if mistakes else "Does nothing: there are no packages yet"
    tags = ["quick", "proof"]
    nox.session(name=MANIFESTS, python=False, default=True, tags=tags)(stand_in)


def _mistakes(space: Workspace, package: Package) -> Iterator[str]:
    """Yield the mistakes in a package's manifest that affect its sessions."""
    if package.path in space.unmet:
        yield str(space.unmet[package.path])
    if package.is_python and not pythons_of(space, package):
        where = f"{package.path}/pyproject.toml: requires-python"
        floor = space.facts["python"]
        yield f"{where}: allows no Python from {floor} to 3.{NEWEST}; write >={floor}"
    tasks = tasks_of(package)
    for name, reason in _opted_out(package).items():
        where = f"{package.manifest_path}: monorepo.sessions: {name}"
        if name not in tasks:
            yield f"{where} is not a session of it; there are {', '.join(tasks)}"
        elif not isinstance(reason, str) or not reason.strip() or not reason.isprintable():
            yield f'{where} has no reason on one line; write {name} = "why not"'


def _opted_out(package: Package) -> Mapping[str, object]:
    """Return the sessions that a package opts out of, with the reasons."""
    table = package.settings.get("sessions", {})
    return table if isinstance(table, Mapping) else {str(table): ""}


def _gather(name: str, task: str, names: list[str], *, default: bool = False) -> None:
    """Register a session that only requires others."""

    def gathered(_: nox.Session) -> None:
        pass

    gathered.__doc__ = TASKS[task]
    nox.session(name=name, python=False, default=default, requires=names)(gathered)


def _register(space: Workspace, spec: SessionSpec, name: str, *, at_root: bool) -> None:
    """Register a session."""
    quick, alone = spec.task in QUICK, spec.python in (None, python_of(space, spec.package))
    reason = _opted_out(spec.package).get(spec.task)

    def session(session: nox.Session) -> None:
        if reason:
            session.skip(f"{spec.package.path} opts out: {reason}")
        _run(session, space, spec)

    if reason:
        session.__doc__ = f"Opted out: {reason}"
    elif not at_root:
        session.__doc__ = TASKS[spec.task]
    tags = ["quick" if quick and alone else "slow", *(() if spec.task in ONCE else ["proof"])]
    nox.session(
        name=name,
        python=False if reason else spec.python or False,
        reuse_venv=True,
        default=quick and alone,
        tags=[] if spec.task in BY_NAME else tags,
        allow_parallel=True,
    )(session)


def _run(session: nox.Session, space: Workspace, spec: SessionSpec) -> None:
    """Run one session; an error is printed without a traceback."""
    # Imported here, because listing the sessions does not need it.
    from monorepo.environments import virtualenv

    try:
        virtualenv.setup(space, [spec.package])
        started = time.monotonic()
        run = _python if spec.package.is_python else _node
        _tell(session, [*run(session, space, spec)])
        # With arguments, it is another task.
        if not session.posargs:
            durations.record(space.root, spec.name(at_root=True), time.monotonic() - started)
    except (UsageError, TaskError) as error:
        session.error(f"monorepo: {error}")


def _tell(session: nox.Session, wrong: Sequence[str]) -> None:
    """End a session with an error if anything is wrong, which is printed."""
    if wrong:
        print("\n".join(f"monorepo: {line}" for line in wrong), file=sys.stderr, flush=True)
        session.error("see above for what is wrong")


def _python(session: nox.Session, space: Workspace, spec: SessionSpec) -> Iterator[str]:
    """Run a session of a Python package; yield the faults that Make does not report."""
    from monorepo.environments.isolated import Clean, Versions
    from monorepo.environments.results import Results
    from monorepo.sessions import package_checks

    package, task = spec.package, spec.task
    if spec.python is None:
        with _once(session, Results(space, task, **_given(session, package)), package):
            _make(session, package.folder, task, f"VENV={space.root / '.venv'}")
        return
    folder, versions = session.env_dir.absolute(), _VERSIONS.get(task, "pinned")
    # Tests with other versions and type-check need all extras and groups. Other tests need the
    # group `test` or, in older packages, the extra of that name. Distributions need no group.
    extras, groups = package.default_extras, set(package.groups)
    chosen: tuple[str, ...] = ()
    if versions == "gpu":
        extras, chosen = set(package.extras), ("-m", "gpu")
    if versions == "pinned" and task != "type-check":
        extras &= {"test"}
        groups &= {"test"} if task in ("test", "test-coverage") else set()
    wanted, grouped = {package.path: extras}, {package.path: groups}
    environment = Clean(space, str(folder), wanted, grouped, versions=Versions(versions))
    if task == "build":
        environment.check()
        _make(session, package.folder, task, f"VENV={folder}")
        yield from package_checks.wheel(environment, package)
        return
    target = "test" if task in _VERSIONS else task
    # Each extra alone; the last one stays.
    tried = sorted(package.default_extras) if task == "test-extras" else []
    last = replace(environment, wanted={package.path: tried[-1:]}) if tried else environment
    installed = [
        Node(package.path),
        *(extra(package.path, name) for name in [*extras, *tried]),
        *(group(package.path, name) for name in groups),
    ]
    given = _given(session, package)
    results = Results(space, task, environment=last, installed=installed, clean=True, **given)
    with _once(session, results, package):
        if task == "test-extras":
            _tell(session, [*package_checks.extras(environment, package)])
        else:
            environment.install()
            _make(session, package.folder, target, f"VENV={folder}", chosen=chosen)


def _node(session: nox.Session, space: Workspace, spec: SessionSpec) -> Iterator[str]:
    """Run a session of a JavaScript package; yield the faults that Make does not report."""
    from monorepo.environments import node
    from monorepo.environments.results import Results
    from monorepo.tasks import js_sandbox

    package, task = spec.package, spec.task
    node.install(space)
    alone = task not in ("lint", "smoke")
    results = Results(space, task, clean=alone, **_given(session, package))
    if not alone:
        with _once(session, results, package):
            _make(session, package.folder, task, f"VENV={space.root / '.venv'}")
        return
    with (
        _once(session, results, package),
        tempfile.TemporaryDirectory(prefix="nox-") as place,
    ):
        copy = Path(place).resolve()
        _make(session, js_sandbox.make(space, package, copy), task, *js_sandbox.variables(space))
        if task == "build":
            yield from js_sandbox.packed(space, package, copy)


@contextlib.contextmanager
def _once(session: nox.Session, results: "Results", package: Package) -> Iterator[None]:
    """Skip a session that has succeeded on the same content; otherwise keep its result."""
    if results.find(package.path):
        session.skip("cached; CACHE=0 runs it again")
    try:
        yield
    except CommandFailed:
        results.failed(package.path)
        raise
    results.succeeded(package.path)
    results.save()


def _given(session: nox.Session, package: Package) -> "Given":
    """Return what the user says of a session."""
    arguments = " ".join(_quoted(package.folder, session.posargs))
    return {"cache": not is_off("CACHE"), "arguments": arguments}


def _quoted(folder: Path, words: Iterable[str]) -> Iterator[str]:
    """Yield words as the program that tests the package in `folder` reads them in ARGS."""
    return map(_node_quote if (folder / "package.json").exists() else shlex.quote, words)


def _make(
    session: nox.Session, folder: Path, target: str, *variables: str, chosen: Sequence[str] = ()
) -> None:
    """Run the Make target in `folder`, with variables such as VENV=…, and `chosen` in ARGS."""
    # nox removes variables whose value is None.
    gone = dict.fromkeys(os.environ.keys() - without_make().keys())
    arguments = " ".join(_quoted(folder, [*chosen, *session.posargs]))
    words = make(folder, target, *variables, f"ARGS={arguments}")
    session.run(*words, external=True, env=gone)


def _node_quote(word: str) -> str:
    """Quote a word for NODE_OPTIONS, where a backslash only escapes the next character."""
    if re.fullmatch(r"[\w.=-]+", word, re.ASCII):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
