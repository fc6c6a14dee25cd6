"""The git hook is installed where git looks for it, or refused, and then nothing has changed."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core.workspace import ADD
from monorepo.environments import git_hooks

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Capture = pytest.CaptureFixture[str]

# Runs nothing of this repository: it says that it was run, and by which program.
CONFIGURATION = """\
repos:
  - repo: local
    hooks:
      - id: said
        name: said
        language: system
        entry: sh -c 'echo ran in "$(basename "$PWD")"; exit 1'
"""


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a prek without settings and caches, and settings of git that a test may change."""
    for name in [name for name in os.environ if name.startswith("PREK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREK_HOME", str(tmp_path / "prek"))
    settings = shutil.copy(os.environ["GIT_CONFIG_GLOBAL"], tmp_path / "gitconfig")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))


def git(folder: Path, *words: str | Path, code: int = 0) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def give_prek(root: Path) -> None:
    venv = root / ".venv/bin"
    venv.mkdir(parents=True)
    (venv / "prek").symlink_to(Path(sysconfig.get_path("scripts")) / "prek")


@pytest.fixture
def repository(root: Path) -> Path:
    """Make the tiny monorepo a repository with prek and a commit."""
    (root / ".pre-commit-config.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (root / ".gitignore").write_text(".venv\n", encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "all")
    give_prek(root)
    return root


def commit(folder: Path) -> str:
    """Return what a commit that is refused has said."""
    (folder / "new").touch()
    git(folder, "add", "new")
    return git(folder, "commit", "--message", "new", code=1)


def refused(root: Path, tree: Tree, capsys: Capture) -> str:
    then = tree()
    assert cli.main(["--root", str(root), "install-hooks"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.endswith(", then run make install-hooks again\n")
    assert tree() == then
    return err


def test_a_commit_runs_the_hooks(repository: Path) -> None:
    assert cli.main(["--root", str(repository), "install-hooks"]) == 0
    assert "ran in a b" in commit(repository)


def test_a_second_time_changes_nothing(repository: Path, tree: Tree) -> None:
    git_hooks.install(repository)
    then = tree()
    git_hooks.install(repository)
    assert tree() == then


def test_a_hook_of_preks_is_made_ours(repository: Path) -> None:
    subprocess.run([".venv/bin/prek", "install", "--quiet"], cwd=repository, check=True)
    hook = repository / ".git/hooks/pre-commit"
    assert git_hooks.LAUNCH not in hook.read_text(encoding="utf-8")
    git_hooks.install(repository)
    assert git_hooks.LAUNCH in hook.read_text(encoding="utf-8")
    assert not hook.with_suffix(".legacy").exists()


def test_without_prek_it_says_so(repository: Path, tree: Tree, capsys: Capture) -> None:
    (repository / ".venv/bin/prek").unlink()
    then = tree()
    assert cli.main(["--root", str(repository), "install-hooks"]) == 2
    assert capsys.readouterr() == ("", f"monorepo: prek: not installed; {ADD}\n")
    assert tree() == then


def test_a_hook_of_pre_commits_is_left(repository: Path, tree: Tree) -> None:
    hook = repository / ".git/hooks/pre-commit"
    hook.write_text(f"#!/usr/bin/env bash\n# {git_hooks.PRE_COMMIT}\n", encoding="utf-8")
    then = tree()
    git_hooks.install(repository)
    assert tree() == then


def test_a_repository_without_a_folder_for_hooks(repository: Path) -> None:
    for sample in (repository / ".git/hooks").iterdir():
        sample.unlink()
    (repository / ".git/hooks").rmdir()
    git_hooks.install(repository)
    assert "ran in a b" in commit(repository)


@pytest.mark.parametrize("first", ["repository", "worktree"])
def test_worktrees_share_the_hook(repository: Path, tmp_path: Path, first: str) -> None:
    worktree = tmp_path / "worktree"
    git(repository, "worktree", "add", "--quiet", worktree)
    give_prek(worktree)
    git_hooks.install(repository if first == "repository" else worktree)
    assert "ran in a b" in commit(repository)
    assert "ran in worktree" in commit(worktree)
    # Each has its own environment, and misses only that.
    (repository / ".venv/bin/prek").unlink()
    assert "ran in worktree" in commit(worktree)
    said = "monorepo: .venv/bin/prek: is missing; run make install\n"
    assert commit(repository) == said


def test_another_hook_is_left(repository: Path, tree: Tree, capsys: Capture) -> None:
    hook = repository / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexec lefthook run pre-commit\n", encoding="utf-8")
    assert f"{hook}: is another manager's or your own" in refused(repository, tree, capsys)
    hook.unlink()
    hook.symlink_to("gone")
    assert str(hook) in refused(repository, tree, capsys)


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_that_are_elsewhere_are_left(
    repository: Path, tree: Tree, capsys: Capture, scope: str
) -> None:
    git(repository, "config", scope, "core.hooksPath", ".husky/_")
    assert "core.hooksPath: is set to .husky/_" in refused(repository, tree, capsys)


@pytest.mark.parametrize("place", [".git/hooks", "{root}/.git/hooks"])
def test_the_place_of_hooks_may_be_spelled_out(repository: Path, place: str) -> None:
    git(repository, "config", "core.hooksPath", place.format(root=repository))
    git_hooks.install(repository)
    assert "ran in a b" in commit(repository)


def test_what_is_no_repository_is_told(root: Path, tree: Tree, capsys: Capture) -> None:
    give_prek(root)
    assert f"{root}: is not a git repository; run git init" in refused(root, tree, capsys)


def test_a_folder_of_a_repository_is_told(root: Path, tree: Tree, capsys: Capture) -> None:
    git(root.parent, "init", "--quiet")
    said = f"{root}: is inside the repository {root.parent}"
    assert said in refused(root, tree, capsys)
    assert not (root.parent / ".git/hooks/pre-commit").exists()


def test_the_reason_of_git_is_told(repository: Path, tree: Tree, capsys: Capture) -> None:
    (repository / ".git/config").write_text("[", encoding="utf-8")
    assert "git refuses: bad config line" in refused(repository, tree, capsys)


@pytest.mark.parametrize("kept", [0, 1, 9, 60])
def test_a_hook_that_was_written_by_half_is_written_again(repository: Path, kept: int) -> None:
    hook = repository / ".git/hooks/pre-commit"
    git_hooks.install(repository)
    whole, mode = hook.read_bytes(), hook.stat().st_mode
    hook.write_bytes(whole[:kept])
    hook.chmod(0o644)
    git_hooks.install(repository)
    assert (hook.read_bytes(), hook.stat().st_mode) == (whole, mode)


# Stands in for a prek that is struck where it writes: what it has written by then is there.
STRUCK = """\
#!/bin/sh
while [ "$1" != --git-dir ]; do shift; done
mkdir -p "$2/hooks"
printf '#!/bin/sh' >"$2/hooks/pre-commit"
kill -s {signal} $PPID
exit 1
"""


@pytest.mark.slow
@pytest.mark.parametrize("signal", ["INT", "KILL", "0"])
@pytest.mark.parametrize("before", [True, False])
def test_what_is_struck_leaves_the_hook_as_it_was(
    repository: Path, signal: str, before: bool
) -> None:
    hook = repository / ".git/hooks/pre-commit"
    if before:
        git_hooks.install(repository)
    then = hook.read_bytes() if before else None
    prek = repository / ".venv/bin/prek"
    real = os.readlink(prek)
    prek.unlink()
    prek.write_text(STRUCK.format(signal=signal), encoding="utf-8")
    prek.chmod(0o755)
    words = ["-m", "monorepo", "--root", str(repository), "install-hooks"]
    done = subprocess.run([sys.executable, *words], capture_output=True, check=False)
    assert done.returncode
    assert (hook.read_bytes() if hook.exists() else None) == then
    prek.unlink()
    prek.symlink_to(real)
    git_hooks.install(repository)
    assert "ran in a b" in commit(repository)
    assert not (repository / ".git/monorepo-hook").exists()
