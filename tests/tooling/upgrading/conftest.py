"""What the tests of upgrades share: a tiny monorepo that git has, and packages with records."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.programs.git import Git


@pytest.fixture
def git(root: Path) -> Git:
    """Give the tiny monorepo a repository."""
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return Git(root)


@pytest.fixture
def save(git: Git) -> Callable[[], str]:
    """Commit everything, and return the commit."""

    def save() -> str:
        git.run("add", "--all", "--force")
        git.run("commit", "--quiet", "--allow-empty", "--message", "all")
        return git.text("rev-parse", "HEAD")

    return save


@pytest.fixture
def recorded(root: Path, package: Callable[..., Path]) -> Callable[..., None]:
    """Write a package that was made from a kind: its path, and the rows of its record."""

    def recorded(path: str, *rows: str) -> None:
        package(path)
        with (root / path / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join(["", "[tool.monorepo.template]", *rows, ""]))

    return recorded
