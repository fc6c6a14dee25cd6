"""`make check` is one command, and says of each part what the target of that name says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.template.baking import run

pytestmark = pytest.mark.slow

PACKAGE = "shared/py/core"
MODULE = f"{PACKAGE}/src/acme_core/__init__.py"
Edit = Callable[[str, str, str], None]


def parts(said: str) -> list[str]:
    """Return which parts have told how they ended."""
    found = re.findall(r"^(lint|type-check|test): |(nothing found)$", said, re.MULTILINE)
    return [part or "guard" for part, _ in found]


def test_it_stops_at_a_failure_unless_it_is_told_to_go_on(ready: Path, edited: Edit) -> None:
    chosen = f"PKG={PACKAGE}"
    run(ready, "make", "check", chosen)
    whole = run(ready, "make", "check", chosen)
    assert parts(whole) == ["lint", "type-check", "guard", "test"]
    assert run(ready, "make", "-j2", "check", chosen) == whole
    # As one target after the other.
    assert run(ready, "make", "lint", "type-check", "guard", "test", chosen) == whole
    edited(MODULE, '"""', 'import os\n"""')
    stopped = run(ready, "make", "check", chosen, code=2)
    assert "F401" in stopped
    assert "guard" not in parts(stopped)
    for words in (["-k"], ["--keep-going"], ["-kj2"]):
        went_on = run(ready, "make", *words, "check", chosen, code=2)
        assert "F401" in went_on
        assert parts(went_on)[-1] == "test"


def test_what_is_no_package_is_told_once(ready: Path) -> None:
    said = run(ready, "make", "check", "PKG=shared/py/none", code=2)
    assert said.count("shared/py/none: is not a package here") == 1
    assert "Traceback" not in said


def test_all_of_it_shows_each_command(ready: Path) -> None:
    said = run(ready, "make", "check", f"PKG={PACKAGE}", "V=1", "CACHE=0")
    assert "ruff check" in said
    assert f"+ (cd {ready}" in said
    assert parts(said)[-1] == "test"
