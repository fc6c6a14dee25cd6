"""One merge at a time, put in place with git's index or not at all."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.layout import worktrees
from monorepo.programs.git import Entry, Git, Worktree
from monorepo.system.errors import UsageError
from monorepo.upgrading import merge
from monorepo.upgrading.plans import Plan, Rendering
from monorepo.upgrading.records import Record
from monorepo.upgrading.versions import Release

Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
Tree = Callable[[], dict[str, tuple[int, bytes]]]


def test_one_upgrade_at_a_time(root: Path, save: Save) -> None:
    save()
    with worktrees.workshop(root, "upgrade") as work:
        assert list(work.iterdir()) == []
        with pytest.raises(UsageError, match="another one is at work; wait for it"):
            worktrees.workshop(root, "upgrade").__enter__()
        assert work.is_dir()
    assert not work.exists()
    with worktrees.workshop(root, "upgrade"):
        pass


def test_what_a_killed_one_left_is_removed(root: Path, git: Git, save: Save) -> None:
    save()
    with worktrees.workshop(root, "upgrade") as work:
        folder = work
    (folder / "old").mkdir(parents=True)
    Worktree(git, folder / "tree", git.head)
    with worktrees.workshop(root, "upgrade") as work:
        assert list(work.iterdir()) == []
    assert git.text("worktree", "list", "--porcelain").count("worktree ") == 1


def test_worktrees_out_of_reach_stay(root: Path, git: Git, save: Save, tmp_path: Path) -> None:
    save()
    other = tmp_path / "disk/other"
    git.run("worktree", "add", other)
    other.parent.rename(tmp_path / "unmounted")
    with worktrees.workshop(root, "upgrade") as work:
        Worktree(git, work / "tree", git.head)
    (tmp_path / "unmounted").rename(other.parent)
    assert Git(other).changed() == []


def test_the_engine_that_is_named(root: Path) -> None:
    named = merge.named_engine(root)
    assert named
    assert named.version == "1.0"
    (root / "tools/requirements.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError):
        merge.named_engine(root)
    (root / "tools/requirements.txt").unlink()
    assert merge.named_engine(root) is None


@pytest.mark.parametrize("name", ["requirements.txt", "cookiecutter_monorepo-2.0-py3-none-any.whl"])
def test_no_link_leads_the_engine_out(root: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("theirs", encoding="utf-8")
    (root / "tools" / name).unlink(missing_ok=True)
    (root / "tools" / name).symlink_to(outside)
    wheel = tmp_path / "cookiecutter_monorepo-2.0-py3-none-any.whl"
    wheel.touch()
    with pytest.raises(UsageError, match=f"^tools/{name}: leads out of the repository"):
        merge._put_engine(root, None, Release(wheel, "0" * 64))
    assert outside.read_text(encoding="utf-8") == "theirs"


def test_no_link_leads_a_record_out(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    (root / "pyproject.toml").unlink()
    (root / "pyproject.toml").symlink_to(outside)
    base = merge.Base(Record("1.0", {}))
    with pytest.raises(UsageError, match=r"^pyproject\.toml: leads out of the repository"):
        merge._update_records(
            root, Plan(), merge.Outcome("1.0", "2.0"), base, Rendering(root, {}, {}, {})
        )


@pytest.mark.parametrize(
    ("stages", "begins"),
    [
        ({1, 2}, "changed here, removed by the template"),
        ({2, 3}, "added here and by the template"),
        ({1, 2, 3}, "changed in the same place"),
        ({1}, "renamed here or by the template in two ways"),
        ({3}, "renamed here or by the template in two ways"),
    ],
)
def test_each_conflict_says_what_to_do(stages: set[int], begins: str) -> None:
    (told,) = merge._explained({"a": stages}).values()
    assert told.startswith(begins)
    assert "git add" in told


@pytest.fixture
def worktree(root: Path, git: Git, write: Write, save: Save, tmp_path: Path) -> Worktree:
    """Change files of all kinds aside: conflict, mode, removal, addition, folder to file."""
    write({"conflict": "1\n", "mode": "1\n", "gone": "1\n", "folder/a": "1\n", "kept": "1\n"})
    save()
    aside = Worktree(git, tmp_path / "aside", git.head)
    (aside.folder / "mode").chmod(0o755)
    (aside.folder / "gone").unlink()
    (aside.folder / "folder/a").unlink()
    (aside.folder / "folder").rmdir()
    for name in ("folder", "new"):
        (aside.folder / name).write_text("2\n", encoding="utf-8")
    aside.stage()
    base = git.text("rev-parse", "HEAD:conflict")
    rows = [f"0 {'0' * 40}\tconflict"] + [f"100644 {base} {n}\tconflict" for n in (1, 2, 3)]
    data = "".join(f"{row}\0" for row in rows).encode()
    aside.run("update-index", "-z", "--index-info", data=data)
    (aside.folder / "conflict").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    return aside


def apply(git: Git, worktree: Worktree) -> list[str]:
    """Put it in place; return what git knew when it was noted."""
    noted: list[str] = []
    worktrees.apply(
        git,
        worktree,
        git.committed(),
        lambda: noted.append(git.text("status", "--porcelain", "--untracked-files=no")),
    )
    return noted


def refusal(git: Git, worktree: Worktree) -> str:
    """Put it in place, which is refused; return why."""
    before = git.text("status", "--porcelain")
    with pytest.raises(UsageError) as caught:
        apply(git, worktree)
    assert git.text("status", "--porcelain") == before
    return str(caught.value)


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_what_git_is_told_to_ignore_is_not_lost(
    root: Path, git: Git, worktree: Worktree, flag: str
) -> None:
    git.run("update-index", f"--{flag}", "kept", "mode")
    for name in ("kept", "mode"):
        (root / name).write_text("mine\n", encoding="utf-8")
    assert refusal(git, worktree).startswith(f"mode: is marked {flag}, so")
    assert (root / "mode").read_text(encoding="utf-8") == "mine\n"
    (root / "mode").write_text("1\n", encoding="utf-8")
    git.run("update-index", f"--no-{flag}", "mode")
    assert apply(git, worktree)
    assert (root / "kept").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize("link", [True, False])
def test_a_folder_that_git_does_not_have_is_none(
    root: Path, git: Git, worktree: Worktree, tmp_path: Path, link: bool
) -> None:
    (worktree.folder / "a/b").mkdir(parents=True)
    (worktree.folder / "a/b/c").touch()
    worktree.stage()
    outside = tmp_path / "outside"
    outside.mkdir()
    if link:
        (root / "a").symlink_to(outside)
    else:
        (root / "a").write_text("mine\n", encoding="utf-8")
    assert refusal(git, worktree) == "a: is in the way, and not in git; move it away"
    assert list(outside.iterdir()) == []


def test_all_of_it_is_put_in_place(root: Path, git: Git, worktree: Worktree) -> None:
    # It is noted before anything changes.
    assert apply(git, worktree) == [""]
    assert git.entries() == git.entries(worktree.folder)
    assert git.unmerged() == {"conflict": {1, 2, 3}}
    assert merge.unresolved(root) == merge._explained({"conflict": {1, 2, 3}})
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True
    )
    assert sorted(status.stdout.splitlines()) == [
        "A  folder",
        "A  new",
        "D  folder/a",
        "D  gone",
        "M  mode",
        "UU conflict",
    ]
    assert (root / "conflict").read_text("utf-8") == "<<<<<<< HEAD\n"
    git.run("reset", "--quiet", "--hard")
    assert (git.changed(), (root / "folder/a").read_text("utf-8")) == ([], "1\n")


def in_the_way(root: Path) -> None:
    (root / "new").write_text("mine\n", encoding="utf-8")


def in_the_folder(root: Path) -> None:
    (root / "folder/mine").write_text("mine\n", encoding="utf-8")


def changed(root: Path) -> None:
    (root / "kept").write_text("mine\n", encoding="utf-8")


def staged(root: Path) -> None:
    changed(root)
    Git(root).run("add", "kept")


def removed(root: Path) -> None:
    (root / "gone").unlink()


def locked(root: Path) -> None:
    (root / ".git/index.lock").touch()


@pytest.mark.parametrize(
    ("meanwhile", "wrong"),
    [
        (in_the_way, "new: is in the way, and not in git; move it away"),
        (in_the_folder, "folder: is in the way, and not in git; move it away"),
        (changed, "kept: is changed; git add it, and run this again"),
        (staged, "git: something was added or committed meanwhile; run this again"),
        (removed, "gone: is changed; git add it, and run this again"),
        (locked, "index.lock: exists, another git command is running"),
    ],
)
def test_what_has_happened_meanwhile_stays(
    root: Path,
    git: Git,
    worktree: Worktree,
    tree: Tree,
    meanwhile: Callable[[Path], None],
    wrong: str,
) -> None:
    before = git.committed()
    meanwhile(root)
    git.tried("status")
    then = tree()
    with pytest.raises(UsageError) as caught:
        worktrees.apply(git, worktree, before, lambda: None)
    assert wrong in str(caught.value)
    assert tree() == then


def fails() -> None:
    raise ZeroDivisionError


def test_a_failing_note_changes_nothing(git: Git, worktree: Worktree, tree: Tree) -> None:
    then = tree()
    with pytest.raises(ZeroDivisionError):
        worktrees.apply(git, worktree, git.committed(), fails)
    assert tree() == then


def test_the_index_of_others_is_kept(root: Path, git: Git, worktree: Worktree) -> None:
    before = git.entries()["kept"]
    apply(git, worktree)
    assert git.entries()["kept"] == before
    assert git.entries()["new"] == {Entry("100644", git.text("hash-object", root / "new"))}
