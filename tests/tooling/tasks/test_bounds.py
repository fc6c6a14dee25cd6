"""A lower bound with which the tests fail is found, with the first version that passes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.locking import locks, lowest
from monorepo.system.errors import TaskError, UsageError
from monorepo.tasks import bounds

MakePackage = Callable[..., Path]
MakeWheel = Callable[..., None]
Write = Callable[[dict[str, str]], None]

CORE = "shared/py/core"
pytestmark = pytest.mark.slow


@pytest.fixture
def core(package: MakePackage, write: Write, wheel: MakeWheel, uv: Path) -> Callable[..., None]:
    """Have a package that needs `left` and `right`, and a test: an expression about their versions.

    `left` has six versions, of which the one that is pinned is not the newest.
    """
    assert uv.exists()
    for minor in range(6):
        wheel("left", f"1.{minor}", files={"left.py": f"minor = {minor}"})
    for minor in (0, 9):
        wheel("right", f"1.{minor}", files={"right.py": f"minor = {minor}"})
    write({"constraints.txt": "left==1.4\nright==1.9\n"})

    def core(test: str) -> None:
        package(CORE, "left>=1.0", "right>=1.0")
        command = f"import left, right, sys; sys.exit(not ({test}))"
        write({f"{CORE}/Makefile": f'test:\n\t@"$(VENV)/bin/python" -I -c "{command}"\n'})

    return core


def found(root: Path, path: str = CORE) -> list[str]:
    space = workspace.load(root)
    locks.lock(space, [])
    return bounds.find(space, space.packages[path])


def test_nothing_is_found_where_the_tests_pass(
    root: Path, core: Callable[..., None], package: MakePackage, capfd: pytest.CaptureFixture[str]
) -> None:
    core("left.minor == right.minor == 0")
    assert found(root) == []
    assert f"bounds: {CORE}: the lowest versions: pass\n" in capfd.readouterr().err
    package("shared/py/bare")
    assert found(root, "shared/py/bare") == []


def test_it_needs_an_index(
    root: Path, core: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    core("True")
    monkeypatch.setenv("OFFLINE", "1")
    space = workspace.load(root)
    with pytest.raises(UsageError, match=r"^OFFLINE: bounds tries versions that only an index has"):
        bounds.find(space, space.packages[CORE])


@pytest.mark.parametrize("first", [1, 2, 3, 4])
def test_the_first_version_that_passes_is_found(
    root: Path, core: Callable[..., None], first: int
) -> None:
    core(f"left.minor >= {first}")
    said = f"the tests fail below 1.{first}; write left>=1.{first}"
    assert found(root) == [f"{CORE}/pyproject.toml: left>=1.0: {said}"]


def test_each_bound_that_is_too_low_is_found(root: Path, core: Callable[..., None]) -> None:
    core("left.minor >= 2 and right.minor")
    where = f"{CORE}/pyproject.toml"
    assert found(root) == [
        f"{where}: left>=1.0: the tests fail below 1.2; write left>=1.2",
        f"{where}: right>=1.0: the tests fail below 1.9; write right>=1.9",
    ]


def test_bounds_that_fail_only_together_are_told(root: Path, core: Callable[..., None]) -> None:
    core("left.minor or right.minor")
    (line,) = found(root)
    assert line.startswith(
        f"{CORE}/pyproject.toml: the tests fail with the lowest versions together"
    )


def test_a_version_without_a_wheel_for_this_python_does_not_pass(
    root: Path, core: Callable[..., None], wheels: Path, write: Write
) -> None:
    core("True")
    file = wheels / "left-1.0-py3-none-any.whl"
    # It counts for a newer Python, so it is resolved.
    file.rename(wheels / "left-1.0-cp313-none-any.whl")
    write({"constraints.txt": "left==1.4\nright==1.9\n"})
    (line,) = found(root)
    assert "left>=1.0: the tests fail below 1.1" in line


def test_what_cannot_be_tried(
    root: Path, core: Callable[..., None], dependency_set: Callable[..., Path], write: Write
) -> None:
    core("False")
    with pytest.raises(TaskError, match="the tests fail with the pinned versions, too"):
        found(root)
    space = workspace.load(root)
    (root / lowest.LOWEST).write_text(lowest.HEADER, encoding="utf-8")
    with pytest.raises(UsageError, match=lowest.stale(CORE)):
        bounds.find(space, space.packages[CORE])
    dependency_set("shared/py/ml", "left")
    with pytest.raises(UsageError, match=r"^shared/py/ml: has no code, and so no tests to try"):
        space = workspace.load(root)
        bounds.find(space, space.packages["shared/py/ml"])
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})
    with pytest.raises(UsageError, match=r"^shared/js/web: is not in Python"):
        space = workspace.load(root)
        bounds.find(space, space.packages["shared/js/web"])
