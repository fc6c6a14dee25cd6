"""Define the nox sessions: one for each task of each package, and for each Python in tests."""

import sys
from collections.abc import Iterator
from typing import NamedTuple

from monorepo.core import python_versions
from monorepo.core.workspace import OPT_IN, Package, Workspace

# The tasks, with the descriptions of their sessions.
TASKS = {
    "lint": "Check style",
    "type-check": "Check types",
    "test": "Run the tests that need no GPU and are not slow (-- -k name)",
    "test-lowest": "The same, with the lowest version of each direct dependency",
    "test-newest": "The same, with the newest versions that the manifests allow",
    "test-prerelease": "The same, with the newest versions, including pre-releases",
    "test-gpu": "Run the tests that need a GPU, with the extra gpu",
    "test-extras": "Install without extras and with each one alone, and import all modules",
    "test-coverage": "Run the tests with the coverage gate",
    "build": "Build and check the distributions, install the wheel alone and import all modules",
    "smoke": "Start the service in a clean environment, GET /health, stop",
}
# They resolve when they run, so that they need what an index has today: only by name.
UNPINNED = ("test-newest", "test-prerelease")
# Few machines have what these need: only by name, as well.
BY_NAME = (*UNPINNED, "test-gpu")
# What a set of dependencies has no use for: it has no code, and so no tests.
_ABOUT_CODE = {"type-check", "test", "test-lowest", *BY_NAME, "test-coverage"}


class SessionSpec(NamedTuple):
    """A task of a package, with a version of Python unless the task needs none."""

    task: str
    package: Package
    python: str | None

    def name(self, *, at_root: bool) -> str:
        """Return the session name, at the root or in the package's folder."""
        name = f"{self.task}-{self.python}" if self.task == "test" and self.python else self.task
        return f"{name}({self.package.path})" if at_root else name


def tasks_of(package: Package) -> list[str]:
    """Return the tasks of a package."""
    missing = {"smoke"} if package.is_shared else set()
    if not package.has_code:
        missing |= _ABOUT_CODE
    if not OPT_IN.intersection(package.extras):
        missing.add("test-gpu")
    if package.is_javascript:
        missing |= {"test-lowest", *BY_NAME, "test-extras"}
    return [task for task in TASKS if task not in missing]


def cells_of(space: Workspace, package: Package) -> Iterator[SessionSpec]:
    """Yield the sessions of a package."""
    for task in tasks_of(package):
        if package.is_python and task == "test":
            yield from (SessionSpec(task, package, python) for python in pythons_of(space, package))
        elif package.is_python and task == "test-lowest":
            # tools/lowest.txt is resolved for this one: old releases have wheels for old Pythons.
            yield SessionSpec(task, package, next(iter(pythons_of(space, package)), None))
        elif package.is_python and task not in ("lint", "smoke"):
            yield SessionSpec(task, package, python_of(space, package))
        else:
            yield SessionSpec(task, package, None)


def pythons_of(space: Workspace, package: Package) -> list[str]:
    """Return the versions of Python that both the package and the pins support."""
    floor = python_versions.minor(str(space.facts["python"]))
    return [f"3.{minor}" for minor in python_versions.minors(package.requires_python, floor)]


def python_of(space: Workspace, package: Package) -> str | None:
    """Return the Python to check a package with: the running one, or the oldest supported.

    None for a JavaScript package, and for one that supports no version.
    """
    if package.is_javascript:
        return None
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    supported = pythons_of(space, package)
    return running if running in supported else next(iter(supported), None)
