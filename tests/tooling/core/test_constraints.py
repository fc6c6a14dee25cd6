"""Pins are pins, one for each environment, and what is declared fits them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import constraints, workspace
from monorepo.core.workspace import Declared

Write = Callable[[dict[str, str]], None]
# Pieces of lines: pins, what follows them, and what does not belong there.
PIECES = ["left", "==1", "==1.*", ">=1", "[x]", " ", "\\", "# why", " ; os_name == 'nt'", "@ x"]
LINES = st.lists(st.sampled_from([*PIECES, "--hash=sha256:a", "-r x", "\t"]), max_size=5)
TEXTS = st.lists(st.one_of(LINES.map("".join), st.text(max_size=20)), max_size=5).map("\n".join)


def wrong(root: Path, asked: str, pins: str) -> list[str]:
    wanted = [] if asked == "" else [Declared("x", asked)]
    return constraints.out_of_step(workspace.load(root), wanted, pins)


@pytest.mark.parametrize(
    "line", ["", "# -r x", "left==1.0", "Left.x==1.0  # why", "left==1 ; os_name == 'nt'"]
)
def test_a_pin_or_a_comment_is_no_misfit(line: str) -> None:
    assert list(constraints.misfits(f"# Pins.\n{line}\n")) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("left", "left is not a pin; write name==version"),
        ("left[x]==1", "left[x]==1 has extras or hashes, which do not belong in a pin; write left"),
        ("--hash=sha256:a", "has a hash, so pip would require hashes for everything; remove it"),
        ("-r x", "has the option -r, which applies to all pins; remove it"),
        ("<<<<<<< HEAD", "is a conflict marker of git; resolve the conflict"),
        (f"left==1 ;{'(' * 10_000}", "is not a pin: it has more than 10,000 characters; remove it"),
    ],
)
def test_anything_else_is_one(root: Path, line: str, said: str) -> None:
    (one,) = constraints.misfits(f"# Pins.\n{line}\n")
    assert one.line == 2
    assert f"{one.message}; {one.fix}".startswith(said)
    # What is wrong with the lines comes first.
    (told,) = wrong(root, "right", f"{line}\n")
    assert told.startswith(f"constraints.txt:1: {said}")


@given(TEXTS)
def test_a_mended_line_is_a_pin_or_gone(text: str) -> None:
    rows = text.splitlines()
    found = list(constraints.misfits(text))
    assert all(one.message and one.fix and 1 <= one.line <= len(rows) for one in found)
    for one in found:
        assert not list(constraints.misfits("\n".join(one.lines or ())))


@pytest.mark.parametrize(
    ("asked", "pins", "said"),
    [
        ("left>=1", "left==1.0", ""),
        ("Left[x]>=1", "left==1.0", ""),
        ("left>=1a0", "left==1.0b1", ""),
        ("left>=2", "left==1.0", "left>=2 is pinned to 1.0; run make lock"),
        ("left", "right==1.0", "left is not pinned; run make lock"),
        ("left", "", "left is not pinned; run make lock"),
        ("left ; python_version < '3'", "", ""),
        ("left ; extra == 'x'", "", ""),
        ("left ; sys_platform == 'win32'", "left==1 ; sys_platform == 'win32'", ""),
        ("left", "left==1 ; sys_platform == 'win32'", "left is not pinned; run make lock"),
        (
            "left>=2 ; python_version >= '3.12'",
            "left==1 ; python_full_version < '3.12'\nleft==2 ; python_full_version >= '3.12'",
            "",
        ),
        (
            "left>=2",
            "left==1 ; python_full_version < '3.12'\nleft==2 ; python_full_version >= '3.12'",
            "left>=2 is pinned to 1; run make lock",
        ),
        ("left>>2", "left==2", "left>>2 is not a requirement ("),
    ],
)
def test_what_is_declared_fits_its_pin(root: Path, asked: str, pins: str, said: str) -> None:
    found = wrong(root, asked, pins)
    assert len(found) == bool(said)
    assert all(line.startswith(f"x: {said}") for line in found)


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        ("left==1 ; os_name == 'nt'\nleft==2 ; os_name != 'nt'", []),
        (
            "left==1\nleft==2 ; sys_platform == 'darwin'",
            [
                "constraints.txt: left is pinned twice for Python 3.11 on darwin,"
                " ==1 and ==2; keep one"
            ],
        ),
    ],
)
def test_a_name_has_one_pin_in_an_environment(root: Path, pins: str, said: list[str]) -> None:
    assert wrong(root, "", pins) == said


def test_the_pins_are_those_of_the_repository(root: Path, write: Write) -> None:
    space = workspace.load(root)
    assert constraints.out_of_step(space, [Declared("x", "left")]) == []
    write({"constraints.txt": ""})
    told = constraints.out_of_step(space, [Declared("x", "left"), Declared("y", "left")])
    assert told == [f"{where}: left is not pinned; run make lock" for where in "xy"]
    (root / "constraints.txt").unlink()
    (told_once,) = constraints.out_of_step(space, [])
    assert told_once.startswith("constraints.txt: is missing; ")
