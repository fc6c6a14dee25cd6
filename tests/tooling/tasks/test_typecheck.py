"""One mypy process for many packages, of which each may have a test of the same name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.tasks import typecheck

Write = Callable[[dict[str, str]], None]

FLAGS = ["--strict", "--config-file="]


@pytest.mark.slow
def test_all_packages_are_checked_in_one_go(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    good = "def test_x() -> None:\n    pass\n"
    write(
        {
            "shared/py/a-b/src/tiny_a/__init__.py": "X: int = 1\n",
            "shared/py/a-b/tests/unit/test_health.py": good,
            "shared/py/c/src/tiny_c/__init__.py": "",
            "shared/py/c/tests/unit/test_health.py": "def test_x() -> int:\n    return ''\n",
            "shared/py/d/src/tiny_d/__init__.py": "",
        }
    )
    packages = ["shared/py/a-b", "shared/py/c", "shared/py/d"]
    assert typecheck.main([*FLAGS, *packages]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("shared/py/c/tests/unit/test_health.py:2: error: Incompatible return")
    assert "Found 1 error in 1 file (checked 5 source files)" in out
    assert err == ""
    write({"shared/py/c/tests/unit/test_health.py": good})
    assert typecheck.main([*FLAGS, *packages]) == 0
    assert capsys.readouterr().out == "Success: no issues found in 5 source files\n"


def test_what_is_no_python_stops_it(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    write({"shared/py/a/src/tiny_a/__init__.py": "def x(:\n"})
    assert typecheck.main([*FLAGS, "shared/py/a"]) == 2
    assert "shared/py/a/src/tiny_a/__init__.py:1: error: " in capsys.readouterr().out


def test_looking_at_nothing_is_no_success(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    write({"shared/py/a/src/README.md": ""})
    assert typecheck.main(["shared/py/a"]) == 2
    assert capsys.readouterr().err == "monorepo: type-check: no Python in the given packages\n"
