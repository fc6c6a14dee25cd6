"""Installed distributions are read from their metadata, whatever it has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.dependencies import metadata

Write = Callable[[dict[str, str]], None]
SITE = ".venv/lib/python3.11/site-packages"
INFO = f"{SITE}/left-1.2.dist-info"
HEAD = "Metadata-Version: 2.1\nName: left\nVersion: 1.2\n"
REQUIRES = """\
Provides-Extra: Fast_IO
Provides-Extra: dev
Requires-Dist: base>=1
Requires-Dist: colorama; sys_platform == "win32"
Requires-Dist: Uv.Loop[x]; extra == 'Fast_IO'
Requires-Dist: pytest; extra == 'dev'
"""
RECORD = """\
left/__init__.py,sha256=x,1
left/deep.py,,
"left/a,b.py",,
right-stubs/__init__.pyi,,
left-1.2.dist-info/METADATA,,
"""


def test_all_that_it_has(root: Path, write: Write) -> None:
    points = "[console_scripts]\nlefty = left:main\n\n[pytest11]\nl = left.plugin\n"
    write({f"{INFO}/METADATA": HEAD + REQUIRES, f"{INFO}/RECORD": RECORD})
    write({f"{INFO}/entry_points.txt": points})
    assert metadata.read("left", root, SITE) == {
        "version": ["1.2"],
        "extras": ["dev", "fast-io"],
        "requires": ["base"],
        "takes": ["colorama", "uv-loop"],
        "programs": ["lefty"],
        "groups": ["pytest11"],
        "modules": ["left"],
        "stubs": ["right"],
    }


def test_one_that_is_not_installed(root: Path, write: Write) -> None:
    assert metadata.read("left", root, SITE) == {}
    write({f"{INFO}/METADATA": HEAD})
    assert metadata.read("right", root, SITE) == {}


@pytest.mark.parametrize("text", ["", "no metadata\n", "Name: left\n\n\n", "\x00: \n"])
def test_poor_metadata_says_little(root: Path, write: Write, text: str) -> None:
    write({f"{INFO}/METADATA": text})
    found = metadata.read("left", root, SITE)
    assert "modules" not in found
    assert found["requires"] == found["extras"] == found["programs"] == []
