"""Where the fast tests write: in memory, where there is room for it."""

import tempfile
from pathlib import Path

import pytest

from scripts import memory


@pytest.fixture(autouse=True)
def not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what a caller has set."""
    monkeypatch.delenv("TMPDIR", raising=False)


def test_memory_with_room_is_taken(tmp_path: Path) -> None:
    assert memory.folder(tmp_path, room=1) == tmp_path


@pytest.mark.parametrize(("name", "room"), [(".", 2**80), ("gone", 1)])
def test_else_it_is_where_temporary_files_are(tmp_path: Path, name: str, room: int) -> None:
    assert memory.folder(tmp_path / name, room) == Path(tempfile.gettempdir())


def test_what_the_caller_says_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert memory.folder(tmp_path, room=1) == Path(tempfile.gettempdir())
