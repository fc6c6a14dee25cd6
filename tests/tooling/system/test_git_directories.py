"""Where git keeps what it knows, read without git."""

import subprocess
from pathlib import Path

from monorepo.system import git_directories


def asked(folder: Path, what: str) -> Path:
    """Return what git says of a folder."""
    command = ["git", "rev-parse", "--path-format=absolute", what]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def test_they_are_those_that_git_names(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        mine = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        subprocess.run(mine, cwd=tmp_path, check=True, capture_output=True)

    git("init", "--quiet", "one")
    git("-C", "one", "commit", "--quiet", "--allow-empty", "-m", "first")
    git("-C", "one", "worktree", "add", "--quiet", "../two")
    git("-C", "one", "-c", "protocol.file.allow=always", "submodule", "add", "../one", "sub")
    (tmp_path / "one/below/it").mkdir(parents=True)
    for folder in ("one", "one/below/it", "two", "one/sub"):
        place = tmp_path / folder
        own, common = git_directories.of_worktree(place), git_directories.common(place)
        assert own
        assert common
        assert own.resolve() == asked(place, "--git-dir")
        assert common.resolve() == asked(place, "--git-common-dir")


def test_without_git_there_are_none(tmp_path: Path) -> None:
    assert git_directories.of_worktree(tmp_path) is None
    assert git_directories.common(tmp_path) is None
    (tmp_path / ".git").write_text("gitdir: nowhere\n", encoding="utf-8")
    assert git_directories.common(tmp_path) is None
