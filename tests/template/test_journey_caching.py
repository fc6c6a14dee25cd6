"""What has succeeded is not run again on the same content, and everything else is."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template.baking import edit, run

pytestmark = pytest.mark.slow

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CORE, JS, SERVICE, API = "shared/py/core", "shared/js/core", "shared/py/service", "services/py/api"


@pytest.fixture
def fresh(ready: Path) -> Iterator[Path]:
    """Return the ready monorepo, in which nothing is proved yet."""
    shutil.rmtree(ready / ".git/monorepo-results", ignore_errors=True)
    yield ready
    run(ready, "git", "checkout", "--quiet", ".")
    run(ready, "git", "clean", "-fdq", "shared", "services")


def make(root: Path, target: str, *words: str, code: int = 0) -> str:
    """Run a target for two packages, unless words name others."""
    given = [] if any(word.startswith("PKG=") for word in words) else [f"PKG={CORE} {JS}"]
    return run(root, "make", target, *given, *words, code=code)


def cached(output: str) -> set[str]:
    """Return the packages whose task was not run."""
    return set(re.findall(r"^cached  (\S+)", output, re.MULTILINE))


def test_a_task_runs_once_for_each_content(fresh: Path) -> None:
    assert cached(make(fresh, "test")) == set()
    again = make(fresh, "test")
    assert cached(again) == {CORE, JS}
    assert again.endswith("test: 2 ok, 2 of them cached\n")
    shown = make(fresh, "test", "V=1")
    assert " passed" in shown
    assert "tests" in shown.partition(f"cached  {JS}")[2]
    assert cached(make(fresh, "test", "CACHE=0")) == set()
    assert cached(make(fresh, "test", "CACHE=no")) == set()
    assert cached(make(fresh, "test", "CACHE=1")) == {CORE, JS}
    # What is selected is another task.
    assert cached(make(fresh, "test", "ARGS=-k e")) == set()
    assert cached(make(fresh, "test", "ARGS=-k e")) == {CORE, JS}
    # An edit, and back.
    (source,) = (fresh / CORE / "src").glob("*/__init__.py")
    text = source.read_text(encoding="utf-8")
    edit(source, "", "\nANSWER = 42\n")
    said = make(fresh, "test", "WHY_RUN=1")
    assert cached(said) == {JS}
    assert f"{CORE}: test: {source.relative_to(fresh)} differs\n" in said
    source.write_text(text, encoding="utf-8")
    assert cached(make(fresh, "test")) == {CORE, JS}
    # In its own folder, a package is always tested.
    assert " passed" in run(fresh / CORE, "make", "test")


def test_a_failure_runs_again_and_a_lost_test_is_noticed(fresh: Path) -> None:
    test = fresh / CORE / "tests/unit/test_more.py"
    test.write_text("def test_it() -> None:\n    assert not 1\n", encoding="utf-8")
    for _ in range(2):
        assert "FAILED  shared/py/core" in make(fresh, "test", f"PKG={CORE}", code=2)
    test.write_text("def test_it() -> None:\n    assert 1\n", encoding="utf-8")
    assert cached(make(fresh, "test", f"PKG={CORE}")) == set()
    assert cached(make(fresh, "test", f"PKG={CORE}")) == {CORE}
    test.unlink()
    assert cached(make(fresh, "test", f"PKG={CORE}")) == set()


def test_what_a_package_does_not_get_of_another_one_does_not_count(fresh: Path) -> None:
    package = f"PKG={API}"
    assert cached(make(fresh, "test", package)) == set()
    (fresh / SERVICE / "tests/unit/test_more.py").touch()
    edit(fresh / SERVICE / "README.md", "", "\nMore.\n")
    assert cached(make(fresh, "test", package)) == {API}
    (source,) = (fresh / SERVICE / "src").glob("*/__init__.py")
    edit(source, "", "\n# More.\n")
    assert cached(make(fresh, "test", package)) == set()


def test_one_process_checks_what_is_left(fresh: Path) -> None:
    for target in ("lint", "type-check"):
        assert "cached" not in run(fresh, "make", target)
        again = run(fresh, "make", target)
        assert len(re.findall(r"^\S+: (\d+) of \1 \w+ packages cached$", again, re.MULTILINE)) == 2
        assert "Success" not in again
        assert "All checks passed" not in again
    (fresh / CORE / "src/wrong.py").write_text("x: int = 'a'\n", encoding="utf-8")
    for _ in range(2):
        said = run(fresh, "make", "type-check", code=2)
        assert "wrong.py:1: error" in said
        assert "1 source file" not in said
    # The root's own files are looked at as well.
    (fresh / CORE / "src/wrong.py").unlink()
    (fresh / "docs/wrong.py").write_text("import os\n", encoding="utf-8")
    for _ in range(2):
        assert "docs/wrong.py" in run(fresh, "make", "lint", code=2)
    (fresh / "docs/wrong.py").unlink()
    run(fresh, "make", "lint")


def test_coverage_is_told_and_its_report_is_there(fresh: Path) -> None:
    first = make(fresh, "test-coverage")
    again = make(fresh, "test-coverage")
    assert cached(again) == {CORE, JS}
    covered = re.findall(r"[\d.]+ % covered", first)
    assert sorted(covered) == sorted(re.findall(r"[\d.]+ % covered", again))
    assert len(covered) == 2
    shutil.rmtree(fresh / CORE / "htmlcov")
    assert cached(make(fresh, "test-coverage")) == {JS}
    assert (fresh / CORE / "htmlcov/index.html").exists()


def test_nox_proves_for_make_and_never_the_other_way_round(fresh: Path) -> None:
    nox, session = fresh / ".venv/bin/nox", f"test-{PYTHON}({CORE})"
    make(fresh, "test", f"PKG={CORE}")
    first = run(fresh, nox, "-s", session)
    assert f"* {session}: success" in first or "was successful" in first
    assert "cached" not in first
    assert "skipped: cached" in run(fresh, nox, "-s", session)
    assert "skipped: cached" not in run(fresh, nox, "-s", session, env={"CACHE": "0"})
    # Gathered sessions go on.
    assert "failed" not in run(fresh, nox, "-s", session, f"type-check({CORE})", "lint")
    shutil.rmtree(fresh / ".git/monorepo-results")
    run(fresh, nox, "-s", f"type-check({CORE})")
    assert "type-check: 1 of 1 Python packages cached" in make(fresh, "type-check", f"PKG={CORE}")


def test_a_hash_is_explained(fresh: Path, tmp_path: Path) -> None:
    python = (fresh / ".venv/bin/python", "-I", "-m", "monorepo")
    digest = run(fresh, *python, "hash", CORE, "test")
    assert re.fullmatch(r"[0-9a-f]{64}\n", digest)
    explained = run(fresh, *python, "hash", CORE, "test", "--explain").splitlines()
    assert explained[0] == digest.strip()
    names = {line.split("  ", 1)[1] for line in explained[1:]}
    assert {"task", "interpreter", f"{CORE} runtime", "pypi:pytest", f"{CORE}/README.md"} <= names
    found = json.loads(run(fresh, *python, "hash", CORE, "test", "--format", "json"))
    assert found["hash"] == digest.strip()
    assert set(found["components"]) | set(found["files"]) == names
    # In a package's folder, and in another worktree.
    assert run(fresh / CORE, *python, "--root", fresh, "hash", ".", "test") == digest
    other = tmp_path / "other"
    run(fresh, "git", "worktree", "add", "--quiet", "--detach", other)
    assert run(other, *python, "--root", other, "hash", CORE, "lint") == run(
        fresh, *python, "hash", CORE, "lint"
    )
    run(fresh, "git", "worktree", "remove", "--force", other)
    wrong = run(fresh, *python, "hash", CORE, "build", code=2)
    tasks = "lint, type-check, test or test-coverage"
    assert wrong == f"monorepo: build: no result of it is kept; name {tasks}\n"
    assert run(fresh, *python, "hash", "shared/py/none", "test", code=2).startswith("monorepo: ")
