"""How long sessions took is kept where no commit can put it, and a file that is broken is none."""

import json
from pathlib import Path

import pytest

from monorepo.programs.git import Git
from monorepo.sessions import durations

CELL = "test-3.11(shared/py/core)"


def place(root: Path) -> Path:
    """Return the folder of the durations of a repository."""
    return root / ".git/monorepo-results/durations"


def test_the_last_duration_of_each_session_is_kept(root: Path, git: Git) -> None:
    for session, seconds in ((CELL, 3.2), ("build(shared/js/a)", 0.1), (CELL, 41.0)):
        durations.record(root, session, seconds)
    assert durations.recorded(root) == {CELL: 41, "build(shared/js/a)": 1}
    names = ["build(shared+js+a).json", "test-3.11(shared+py+core).json"]
    assert sorted(file.name for file in place(root).iterdir()) == names


def test_worktrees_share_them(root: Path, git: Git, tmp_path: Path) -> None:
    git.run("commit", "--quiet", "--allow-empty", "--message", "x")
    other = tmp_path / "other"
    git.run("worktree", "add", "--quiet", str(other))
    durations.record(other, CELL, 5)
    assert durations.recorded(root) == durations.recorded(other) == {CELL: 5}


def test_without_git_nothing_is_kept(root: Path) -> None:
    durations.record(root, CELL, 5)
    assert durations.recorded(root) == {}


def test_where_nothing_can_be_written_nothing_is_kept(root: Path, git: Git) -> None:
    place(root).parent.mkdir()
    place(root).write_text("", encoding="utf-8")
    durations.record(root, CELL, 5)
    durations.record(root, f"test({'x' * 300})", 5)
    assert durations.recorded(root) == {}


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "{}", "\xff", '{"session": "a"}', '{"seconds": 1}'),
        *('{"session": 1, "seconds": 1}', '{"session": "a", "seconds": "x"}'),
        *('{"session": "a", "seconds": NaN}', '{"session": "a", "seconds": -1}'),
        *('{"session": "a", "seconds": Infinity}', '{"session": "a", "seconds": [1]}'),
    ],
)
def test_a_broken_file_is_none(root: Path, git: Git, text: str) -> None:
    durations.record(root, CELL, 5)
    (place(root) / "broken.json").write_text(text, encoding="latin-1")
    (place(root) / "folder.json").mkdir()
    assert durations.recorded(root) == {CELL: 5}
    assert json.loads((place(root) / "test-3.11(shared+py+core).json").read_text("utf-8"))
