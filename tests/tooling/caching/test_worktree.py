"""What the files of a working tree are: content and mode, and never a time."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.caching import worktree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with some files."""
    root = tmp_path / "tree"
    root.mkdir()
    git(root, "init", "--quiet")
    for name in ("a.py", "b.py", "folder/c.py", "ä ö\n.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(f"{name}\n", encoding="utf-8")
    (root / os.fsdecode(b"\xff.bin")).write_bytes(b"\0\xff")
    (root / "link").symlink_to("a.py")
    (root / ".gitignore").write_text("*.log\n", encoding="utf-8")
    save(root)
    return root


def git(root: Path, *words: str) -> None:
    """Run git."""
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def save(root: Path) -> None:
    """Commit everything."""
    git(root, "add", "--all")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")


def read(root: Path) -> worktree.Worktree:
    """Return the files of a repository that git knows."""
    found = worktree.read(root)
    assert found
    return found


def test_files_are_those_that_git_has_or_could_have(tree: Path) -> None:
    (tree / "new.py").write_text("new\n", encoding="utf-8")
    (tree / "some.log").write_text("ignored\n", encoding="utf-8")
    (tree / "b.py").unlink()
    files = read(tree).files
    here = {"a.py", "folder/c.py", "ä ö\n.txt", os.fsdecode(b"\xff.bin"), "link", ".gitignore"}
    assert files.keys() == here | {"new.py"}
    assert files["link"].is_link


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_ids_are_those_of_git(tmp_path: Path, kind: str) -> None:
    git(tmp_path, "init", "--quiet", f"--object-format={kind}")
    (tmp_path / "a").write_text("a\n", encoding="utf-8")
    git(tmp_path, "add", "a")
    before = read(tmp_path)
    (tmp_path / "a").write_text("b\n", encoding="utf-8")
    (tmp_path / "run").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "there").symlink_to("a")
    changed = read(tmp_path)
    assert changed.digest != before.digest
    git(tmp_path, "add", "--all")
    assert read(tmp_path).files == changed.files
    save(tmp_path)
    assert read(tmp_path).files == changed.files


def empty(root: Path) -> None:
    (root / "a.py").write_text("", encoding="utf-8")


def one_more(root: Path) -> None:
    (root / "folder/new").touch()


def executable(root: Path) -> None:
    (root / "a.py").chmod(0o755)


def lead_elsewhere(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("b.py")


def rename(root: Path) -> None:
    (root / "a.py").rename(root / "aa.py")


def remove(root: Path) -> None:
    (root / "a.py").unlink()


def unseen_by_git(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", "a.py")
    (root / "a.py").write_text("other\n", encoding="utf-8")


def intended(root: Path) -> None:
    (root / "later.py").write_text("later\n", encoding="utf-8")
    git(root, "add", "--intent-to-add", "later.py")


def staged_and_changed(root: Path) -> None:
    (root / "a.py").write_text("staged\n", encoding="utf-8")
    git(root, "add", "a.py")
    (root / "a.py").write_text("and changed\n", encoding="utf-8")


def of_the_same_size_and_time(root: Path) -> None:
    status = (root / "a.py").stat()
    (root / "a.py").write_text("b.py\n", encoding="utf-8")
    os.utime(root / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES = [empty, one_more, executable, lead_elsewhere, rename, remove, unseen_by_git, intended]
CHANGES += [staged_and_changed, of_the_same_size_and_time]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_changes_the_digest(tree: Path, change: Callable[[Path], None]) -> None:
    before = read(tree).digest
    change(tree)
    after = read(tree)
    assert after.digest != before
    if change is not unseen_by_git:
        # Until it is committed, and then.
        save(tree)
        assert read(tree).digest == after.digest


def test_neither_times_nor_places_change_it(tree: Path, tmp_path: Path) -> None:
    before = read(tree).digest
    for file in tree.glob("*.py"):
        os.utime(file, (1, 1))
    assert read(tree).digest == before
    git(tmp_path, "clone", "--quiet", str(tree), "clone")
    assert read(tmp_path / "clone").digest == before
    git(tree, "worktree", "add", "--quiet", str(tmp_path / "other"), "HEAD")
    assert read(tmp_path / "other").digest == before
    shutil.rmtree(tree / "folder")
    git(tree, "checkout", "--quiet", "--", "folder")
    assert read(tree).digest == before


def test_a_conflict_is_what_stands_in_the_file(tree: Path) -> None:
    git(tree, "switch", "--quiet", "--create", "side")
    (tree / "a.py").write_text("side\n", encoding="utf-8")
    save(tree)
    git(tree, "switch", "--quiet", "-")
    (tree / "a.py").write_text("main\n", encoding="utf-8")
    save(tree)
    with pytest.raises(subprocess.CalledProcessError):
        git(tree, "merge", "side")
    content = (tree / "a.py").read_bytes()
    conflict = read(tree).files["a.py"]
    git(tree, "merge", "--abort")
    (tree / "a.py").write_bytes(content)
    assert read(tree).files["a.py"] == conflict


def test_what_cannot_be_told_is_named(tree: Path) -> None:
    for name in ("untracked", "tracked"):
        (tree / name).mkdir()
        git(tree / name, "init", "--quiet")
        (tree / name / "file").touch()
        save(tree / name)
    git(tree, "add", "tracked")
    assert read(tree).unknown.keys() == {"untracked/", "tracked"}
    assert not any("tracked" in path for path in read(tree).files)


def test_a_folder_of_a_larger_repository_has_its_own_files(tree: Path) -> None:
    assert read(tree / "folder").files.keys() == {"c.py"}


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert worktree.read(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert worktree.read(tmp_path) is None
