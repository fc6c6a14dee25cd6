"""Which tasks a package has, for which Python, and what their sessions are called."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.core.languages import AREAS
from monorepo.core.workspace import NEWEST, Package, Workspace
from monorepo.sessions import definitions
from monorepo.sessions.definitions import TASKS, SessionSpec

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
ROOT = Path()
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = [f"3.{minor}" for minor in range(11, NEWEST + 1)]
CLAUSES = st.tuples(st.sampled_from([">=", "<", "!=", "=="]), st.integers(9, 16)).map(
    lambda clause: f"{clause[0]}3.{clause[1]}"
)


def made(path: str, requires: str = "") -> Package:
    return Package(ROOT, path, {"project": {"name": "x", "requires-python": requires}})


VERSIONS = {"test-lowest", *definitions.UNPINNED}
GPU = {"test-gpu"}


def space(floor: str = "3.11") -> Workspace:
    return Workspace(ROOT, {"python": floor}, {})


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("shared/py/a", {"smoke", *GPU}),
        ("services/py/a", GPU),
        ("shared/js/a", {"smoke", *VERSIONS, *GPU, "test-extras"}),
        ("services/js/a", {*VERSIONS, *GPU, "test-extras"}),
        ("apps/py/a", GPU),
        ("apps/js/a", {*VERSIONS, *GPU, "test-extras"}),
    ],
)
def test_the_tasks_of_a_package(path: str, missing: set[str]) -> None:
    tasks = definitions.tasks_of(made(path))
    assert tasks == [task for task in TASKS if task in tasks]
    assert TASKS.keys() - tasks == missing


def test_what_has_an_extra_for_it_is_tested_on_a_gpu() -> None:
    table = {"name": "x", "optional-dependencies": {"gpu": ["torch>=2"]}}
    package = Package(ROOT, "shared/py/a", {"project": table})
    assert "test-gpu" in definitions.tasks_of(package)


def test_a_set_of_dependencies_is_installed_and_built(
    root: Path, dependency_set: MakePackage
) -> None:
    dependency_set("shared/py/ml")
    found = workspace.read_package(root, "shared/py/ml")
    assert definitions.tasks_of(found) == ["lint", "test-extras", "build"]


@pytest.mark.parametrize(
    ("task", "python", "name"),
    [("test", "3.12", "test-3.12"), ("test", None, "test"), ("build", "3.12", "build")],
)
def test_only_tests_are_called_after_their_python(task: str, python: str, name: str) -> None:
    spec = SessionSpec(task, made("shared/py/a"), python)
    assert spec.name(at_root=False) == name
    assert spec.name(at_root=True) == f"{name}(shared/py/a)"


@pytest.mark.parametrize(
    ("requires", "floor", "pythons"),
    [
        ("", "3.11", PYTHONS),
        (">=3.8", "3.12", PYTHONS[1:]),
        (">=3.12,<3.14", "3.11", ["3.12", "3.13"]),
        (">=3.99", "3.11", []),
    ],
)
def test_pythons_are_those_of_the_package_and_the_pins(
    requires: str, floor: str, pythons: list[str]
) -> None:
    assert definitions.pythons_of(space(floor), made("shared/py/a", requires)) == pythons


@pytest.mark.parametrize(
    ("requires", "python"),
    [
        ("", RUNNING),
        (f"!={RUNNING}.*,>=3.12", "3.13" if RUNNING == "3.12" else "3.12"),
        ("<3", None),
    ],
)
def test_a_package_is_checked_with_the_running_python_or_its_oldest(
    requires: str, python: str | None
) -> None:
    assert definitions.python_of(space(), made("shared/py/a", requires)) == python
    assert definitions.python_of(space(), Package(ROOT, "shared/js/a", {"name": "x"})) is None


@given(
    st.sampled_from(AREAS), st.lists(CLAUSES, max_size=3).map(",".join), st.sampled_from(PYTHONS)
)
def test_sessions_are_told_apart_and_run_where_the_package_does(
    area: str, requires: str, floor: str
) -> None:
    package = made(f"{area}/a", requires)
    cells = list(definitions.cells_of(space(floor), package))
    names = [cell.name(at_root=True) for cell in cells]
    assert len(set(names)) == len(names)
    allowed = definitions.pythons_of(space(floor), package)
    told = {cell.python for cell in cells if cell.python}
    assert told <= set(allowed) and (package.is_python or not told)
    tasks = {cell.task for cell in cells}
    # Without any Python, there is nothing to run the tests with.
    without = {"test"} if package.is_python and not allowed else set()
    assert tasks == set(definitions.tasks_of(package)) - without


def test_the_sessions_of_a_service(root: Path, package: MakePackage) -> None:
    package("services/py/api")
    found = workspace.load(root)
    (api,) = found.packages.values()
    told = [(cell.task, cell.python) for cell in definitions.cells_of(found, api)]
    others = (*definitions.UNPINNED, "test-extras", "test-coverage", "build")
    # Whatever runs this: old releases have wheels for old Pythons.
    checks = [("test-lowest", PYTHONS[0]), *((task, RUNNING) for task in others)]
    tests = [("test", python) for python in PYTHONS]
    assert told == [("lint", None), ("type-check", RUNNING), *tests, *checks, ("smoke", None)]
