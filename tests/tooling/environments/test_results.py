"""A result is used again where it proves the same, and kept only if it proves anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monorepo.caching import store
from monorepo.core import workspace
from monorepo.core.languages import Language
from monorepo.environments import virtualenv
from monorepo.environments.isolated import Clean
from monorepo.environments.results import Results
from monorepo.environments.virtualenv import STAMP, Environment
from monorepo.graph.scopes import Node
from monorepo.programs.git import Git
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Fill = Callable[[Environment], None]
CORE, AUDIO = "shared/py/core", "shared/py/audio"


@pytest.fixture
def ready(root: Path, package: MakePackage, write: Write, git: Git, fill: Fill) -> Path:
    """A repository with two packages, installed as it should be."""
    package(CORE, test=[])
    package(AUDIO, "tiny-core")
    write(
        {"constraints.txt": "", "tools/hashes.txt": "", ".gitignore": ".nox/\n.venv/\nhtmlcov/\n"}
    )
    git.run("add", "--all")
    fill(virtualenv.environments(workspace.load(root), [])[0])
    return root


def results(root: Path, task: str = "test", **given: Any) -> Results:  # noqa: ANN401
    """Return the results of a task, of what is there now."""
    return Results(workspace.load(root), task, **given)


def prove(root: Path, subject: str, task: str = "test", **given: Any) -> None:  # noqa: ANN401
    """Have a task succeed."""
    mine = results(root, task, **given)
    assert not mine.find(subject)
    mine.succeeded(subject, 1.5, b"2 passed\n")
    mine.save()


def test_what_succeeded_is_found_until_something_changes(ready: Path) -> None:
    prove(ready, CORE)
    found = results(ready).find(CORE)
    assert found
    assert results(ready).output(found) == b"2 passed\n"
    assert found.seconds == 1.5
    assert not results(ready).find(AUDIO)
    assert not results(ready, "lint").find(CORE)
    assert not results(ready, arguments="-m slow").find(CORE)
    assert not results(ready, cache=False).find(CORE)
    (ready / CORE / "src/x.py").touch()
    assert not results(ready).find(CORE)
    (ready / CORE / "src/x.py").unlink()
    assert results(ready).find(CORE)


def test_what_changed_while_a_task_ran_is_not_kept(ready: Path) -> None:
    mine = results(ready)
    mine.succeeded(CORE)
    mine.succeeded(AUDIO)
    (ready / AUDIO / "src/x.py").touch()
    mine.save()
    (ready / AUDIO / "src/x.py").unlink()
    assert results(ready).find(CORE)
    assert not results(ready).find(AUDIO)
    mine = results(ready)
    mine.succeeded(AUDIO)
    manifest = ready / CORE / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("dependencies = []", 'dependencies = ["left"]'), "utf-8")
    mine.save()
    manifest.write_text(text, encoding="utf-8")
    assert not results(ready).find(AUDIO)
    # The package is gone, or nothing can be read any more.
    for breaking in (manifest, ready / "pyproject.toml"):
        mine = results(ready)
        mine.succeeded(AUDIO)
        before = breaking.read_text(encoding="utf-8")
        breaking.write_text("[", encoding="utf-8")
        mine.save()
        breaking.write_text(before, encoding="utf-8")
        assert not results(ready).find(AUDIO)


def test_failures_are_not_kept_and_take_a_success_away(ready: Path) -> None:
    prove(ready, CORE)
    results(ready).failed(CORE)
    assert not results(ready).find(CORE)
    results(ready, cache=False).failed(CORE)


def install_by_hand(root: Path) -> None:
    place = root / ".venv/lib/python3.11/site-packages/left-9.dist-info"
    place.mkdir(parents=True)


def lose_the_stamp(root: Path) -> None:
    (root / ".venv" / STAMP).unlink()


def pin_otherwise(root: Path) -> None:
    text = (root / AUDIO / "pyproject.toml").read_text(encoding="utf-8")
    text = text.replace('"tiny-core"', '"tiny-core", "left"')
    (root / AUDIO / "pyproject.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("change", [install_by_hand, lose_the_stamp, pin_otherwise])
def test_what_ran_in_another_environment_than_that_of_the_pins_is_not_kept(
    ready: Path, change: Callable[[Path], None]
) -> None:
    prove(ready, CORE)
    change(ready)
    # What is known of the content stays true.
    assert results(ready).find(CORE)
    prove(ready, AUDIO)
    assert not results(ready).find(AUDIO)


def test_a_clean_environment_serves_for_the_shared_one_and_never_the_other_way_round(
    ready: Path, fill: Fill
) -> None:
    space = workspace.load(ready)
    clean = Clean(space, str(ready / ".nox/test"), {CORE: {"test"}}, {CORE: set()})
    scopes = [Node(CORE), Node(CORE, "extra:test")]
    given: dict[str, Any] = {"environment": clean, "installed": scopes, "clean": True}
    prove(ready, CORE, **given)
    # It was not filled.
    assert not results(ready, **given).find(CORE)
    fill(clean)
    prove(ready, CORE)
    assert not results(ready, **given).find(CORE)
    prove(ready, CORE, **given)
    assert results(ready, **given).find(CORE)
    assert results(ready).find(CORE)
    # Less was installed.
    other = {**given, "installed": [Node(CORE)]}
    assert not results(ready, **other).find(CORE)
    # Another Python.
    (clean.folder / "pyvenv.cfg").write_text("version = 3.12.1\n", encoding="utf-8")
    assert not results(ready, **given).find(CORE)


def test_tests_with_coverage_are_known_as_long_as_their_report_is_there(ready: Path) -> None:
    page = ready / CORE / "htmlcov/index.html"
    page.parent.mkdir()
    page.write_text("today", encoding="utf-8")
    prove(ready, CORE, "test-coverage")
    assert results(ready, "test-coverage").find(CORE)
    page.write_text("of another run", encoding="utf-8")
    assert not results(ready, "test-coverage").find(CORE)
    page.unlink()
    mine = results(ready, "test-coverage")
    assert not mine.find(CORE)
    assert mine.why(CORE) == f"{CORE}: test-coverage: what it had written is not there"


@pytest.mark.parametrize("task", ["build", "smoke", "compile", "format", "dev"])
def test_tasks_that_write_what_others_need_have_no_results(ready: Path, task: str) -> None:
    mine = results(ready, task)
    assert not mine.are_kept
    mine.succeeded(CORE)
    mine.failed(CORE)
    mine.save()
    assert not mine.find(CORE)
    assert mine.why(CORE) == f"{CORE}: {task}: no result of it is kept"
    assert not (ready / ".git" / store.FOLDER).exists()


def test_without_git_there_are_no_results(root: Path, package: MakePackage) -> None:
    package(CORE)
    mine = results(root)
    mine.succeeded(CORE)
    mine.save()
    assert not mine.are_kept


def test_files_outside_of_packages_have_results_of_their_own(ready: Path) -> None:
    prove(ready, Language.PYTHON, "lint")
    assert results(ready, "lint").find(Language.PYTHON)
    assert not results(ready, "lint").find(Language.JAVASCRIPT)


def test_why_says_what_has_changed(ready: Path, write: Write) -> None:
    start = f"{CORE}: test: "
    assert results(ready).why(CORE) == f"{start}no success of it is known here"
    prove(ready, CORE)
    write({f"{CORE}/src/x\n.py": "", "tools/make/py.mk": "x:\n"})
    assert results(ready).why(CORE) == (
        f"{start}shared/py/core/src/x\\n.py is new; tools/make/py.mk is new"
    )
    prove(ready, CORE)
    (ready / "tools/make/py.mk").unlink()
    (ready / CORE / "src/x\n.py").write_text("x = 1\n", encoding="utf-8")
    assert results(ready).why(CORE) == (
        f"{start}shared/py/core/src/x\\n.py differs; tools/make/py.mk is gone"
    )
    assert results(ready, arguments="-m slow").why(CORE).endswith("; arguments differs")
    prove(ready, AUDIO)
    (ready / CORE / "src/x\n.py").unlink()
    assert results(ready).why(AUDIO) == f"{AUDIO}: test: {CORE} runtime differs"
    write({f"{AUDIO}/src/{number}.py": "" for number in range(9)})
    assert results(ready).why(AUDIO).endswith("5 more")


def test_a_malformed_setting_is_told(ready: Path) -> None:
    with (ready / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.monorepo.affects]\n"x" = ["nowhere"]\n')
    with pytest.raises(UsageError, match="nowhere"):
        results(ready)
