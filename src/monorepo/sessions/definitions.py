"""The nox sessions: one for each task of each package, on each of its Pythons."""

import sys
from collections.abc import Iterator
from typing import NamedTuple

from monorepo.core import python_versions
from monorepo.core.workspace import Package, Workspace

# Each task, and what its session does.
TASKS = {
    "lint": "Check style",
    "type-check": "Check types",
    "test": "Run the tests that need no GPU and are not slow (-- -k name)",
    "test-lowest": "The same, with the lowest version of each direct dependency",
    "test-extras": "Install it without extras and with each one alone; import all of it each time",
    "test-coverage": "Run the tests with the coverage gate",
    "build": "Build the distributions, look into them, install it alone and import it",
    "smoke": "Start the service in an environment of its own, GET /health, stop",
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


def tasks_of(package: Package) -> list[str]:
    """Return the tasks that there are for a package."""
    missing = set() if package.is_service else {"smoke"}
    if package.is_javascript:
        missing |= {"test-lowest", "test-extras"}
    return [task for task in TASKS if task not in missing]


def cells_of(space: Workspace, package: Package) -> Iterator[Cell]:
    """Yield the cells of a package."""
    for task in tasks_of(package):
        if package.is_python and task == "test":
            yield from (Cell(task, package, python) for python in pythons_of(space, package))
        elif package.is_python and task not in ("lint", "smoke"):
            yield Cell(task, package, python_of(space, package))
        else:
            yield Cell(task, package, None)


def pythons_of(space: Workspace, package: Package) -> list[str]:
    """Return the versions of Python that a package supports and the pins are made for."""
    floor = python_versions.minor(str(space.facts["python"]))
    return [f"3.{minor}" for minor in python_versions.minors(package.requires_python, floor)]


def python_of(space: Workspace, package: Package) -> str | None:
    """Return the Python to prove a package on: the running one, or else the oldest it supports.

    None for a package in JavaScript, and for one that supports none.
    """
    if package.is_javascript:
        return None
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    supported = pythons_of(space, package)
    return running if running in supported else next(iter(supported), None)
