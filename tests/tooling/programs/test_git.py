"""git as an upgrade uses it: what is refused, trees of folders, and merges in a worktree aside."""

import os
import subprocess
from pathlib import Path

import pytest

from monorepo.programs.git import Entry, Git, Worktree
from monorepo.system.errors import TaskError, UsageError

LINES = [f"line {number}" for number in range(20)]


def text(**changed: str) -> str:
    return "".join(f"{changed.get(f'l{n}', line)}\n" for n, line in enumerate(LINES))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "a b ü"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def save(root: Path, files: dict[str, str] | None = None) -> str:
    """Write files, commit everything, and return the commit."""
    for path, content in (files or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8", newline="")
    git = Git(root)
    git.run("add", "--all")
    git.run("commit", "--quiet", "--allow-empty", "--message", "all")
    return git.text("rev-parse", "HEAD")


def refused(root: Path) -> str:
    with pytest.raises(UsageError) as caught:
        Git(root).refuse_unready()
    return str(caught.value)


def test_what_is_committed_is_ready(root: Path) -> None:
    save(root, {"a": "1\n"})
    (root / "untracked").write_text("", encoding="utf-8")
    Git(root).refuse_unready()


def test_what_has_no_commit(root: Path, tmp_path: Path) -> None:
    assert refused(root).endswith("git has no commit of it; commit everything first")
    (tmp_path / "plain").mkdir()
    assert "git cannot use it (not a git repository" in refused(tmp_path / "plain")


def test_what_is_not_committed_below_paths(root: Path) -> None:
    save(root, {"a/old": "1\n", "a/gone": "2\n", "b/old": "1\n", "a*": "1\n"})
    (root / "a/gone").rename(root / "b/new")
    (root / "b/old").write_text("2\n", encoding="utf-8")
    assert Git(root).uncommitted("a") == ["a/gone"]
    assert sorted(Git(root).uncommitted("b", "c")) == ["b/new", "b/old"]
    assert Git(root).uncommitted("a*") == []
    # In a folder of a larger worktree, paths are from there.
    assert Git(root / "b").uncommitted("old") == ["old"]


@pytest.mark.parametrize("staged", [False, True])
def test_what_is_changed(root: Path, staged: bool) -> None:
    save(root, {"a": "1\n", "sub/é": "1\n"})
    (root / "sub/é").write_text("2\n", encoding="utf-8")
    if staged:
        Git(root).run("add", "--all")
    assert refused(root) == "sub/é: is not committed; commit or stash your changes first"


def test_a_sparse_checkout(root: Path) -> None:
    save(root, {"a": "1\n", "b/c": "1\n"})
    Git(root).run("sparse-checkout", "set", "b")
    assert "a sparse checkout leaves files out" in refused(root)
    Git(root).run("sparse-checkout", "disable")
    Git(root).refuse_unready()


def test_a_git_that_is_too_old(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(root)
    monkeypatch.setattr("monorepo.programs.git.OLDEST", (99, 0))
    assert refused(root) == "git: is missing or too old; install 99.0 or newer"
    monkeypatch.setenv("PATH", "/nonexistent")
    assert refused(root) == "git: is missing or too old; install 99.0 or newer"


@pytest.fixture
def forked(root: Path) -> str:
    """Make two commits that do not merge, and return the one that is not checked out."""
    save(root, {"a": "1\n"})
    Git(root).run("switch", "--quiet", "--create", "other")
    other = save(root, {"a": "2\n"})
    Git(root).run("switch", "--quiet", "main")
    save(root, {"a": "3\n"})
    return other


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        (["merge"], "a merge"),
        (["cherry-pick"], "a cherry-pick"),
        (["rebase"], "a rebase"),
        (["revert"], "a revert"),
    ],
)
def test_what_git_is_in_the_middle_of(
    root: Path, forked: str, command: list[str], operation: str
) -> None:
    target = "HEAD~1" if command == ["revert"] else forked
    if command == ["revert"]:
        save(root, {"a": "4\n"})
    assert Git(root).tried(*command, target)[0]
    assert refused(root) == f"git: {operation} is in progress; finish it, or abort it"
    Git(root).run(*command, "--abort")
    Git(root).refuse_unready()


def test_a_bisection(root: Path) -> None:
    save(root)
    Git(root).run("bisect", "start")
    assert "a bisection is in progress" in refused(root)


def test_what_fails_is_shown(root: Path) -> None:
    with pytest.raises(TaskError, match=r"^git rev-parse: failed \(128\)\ngit rev-parse nosuch\n"):
        Git(root).run("rev-parse", "nosuch")


def test_the_names_of_files_are_as_they_are(root: Path) -> None:
    name = 'q"\n\t -é'
    save(root, {name: "1\n"})
    assert set(Git(root).entries()) == set(Git(root).committed()) == {name}
    (root / name).write_text("2\n", encoding="utf-8")
    assert Git(root).changed() == Git(root).unstaged() == [name]


def listed(root: Path, tree: str) -> dict[str, str]:
    """Return the modes and contents of a tree."""
    git = Git(root)
    rows = git.text("ls-tree", "-r", "-z", "--full-tree", tree).split("\0")[:-1]
    found = {}
    for row in rows:
        facts, _, path = row.partition("\t")
        mode, _, sha = facts.split()
        found[path] = f"{mode} {git.run('cat-file', 'blob', sha).decode()}"
    return found


@pytest.mark.parametrize("place", ["", "sub/folder"])
def test_the_tree_of_a_folder(root: Path, tmp_path: Path, place: str) -> None:
    save(root, {f"{place}/kept".lstrip("/"): "1\n", ".gitignore": "ignored\n"})
    folder = tmp_path / "rendering"
    (folder / "tools").mkdir(parents=True)
    files = {"ignored": "a", ".gitattributes": "* text eol=lf\n", "crlf": "a\r\n", "tools/x": "b"}
    files |= {"tools/pins": "c", "pins": "d", "a.whl": "e", "é \t": "f", ".gitignore": "*\n"}
    for path, content in files.items():
        (folder / path).write_text(content, encoding="utf-8", newline="")
    (folder / "tools/x").chmod(0o755)
    (folder / "link").symlink_to("nowhere")
    git = Git(root / place)
    before = git.entries()
    tree = git.tree(folder, tmp_path / "index", ["/pins", "*.whl"])
    at = f"{place}/" if place else ""
    expected = {path: f"100644 {content}" for path, content in files.items()}
    expected |= {"tools/x": "100755 b", "link": "120000 nowhere"}
    left_out = ("pins", "a.whl")
    expected = {at + path: row for path, row in expected.items() if path not in left_out}
    assert listed(root, tree) == expected
    assert git.entries() == before
    assert git.changed() == []


def test_a_commit_has_the_same_id_each_time(root: Path) -> None:
    git = Git(root)
    made = git.commit(git.text("write-tree"), "Upgrade")
    assert git.text("show", "--no-patch", "--format=%at %ct", made) == "946684800 946684800"


def test_an_empty_folder_has_an_empty_tree(root: Path, tmp_path: Path) -> None:
    save(root)
    (tmp_path / "rendering").mkdir()
    assert listed(root, Git(root).tree(tmp_path / "rendering", tmp_path / "index", [])) == {}


def test_line_breaks_are_those_that_git_has(root: Path) -> None:
    attributes = {".gitattributes": "* text=auto eol=lf\nraw/* -text\n"}
    files = {"raw/crlf": "a\r\nb\r\n", "raw/mixed": "a\r\nb\n", "raw/lf": "a\n", "lf": "a\r\n"}
    save(root, {**attributes, **files})
    assert Git(root).with_crlf() == {"raw/crlf"}
    assert Git(root / "raw").with_crlf() == {"crlf"}


def merged(
    root: Path, old: dict[str, str], new: dict[str, str], place: Path
) -> tuple[Worktree, list[str]]:
    """Merge the change from `old` to `new` in a worktree; return it, and what stays deleted."""
    git = Git(root)
    commit = ""
    for number, files in enumerate((old, new)):
        folder = place / f"rendering-{number}"
        folder.mkdir()
        for path, content in files.items():
            (folder / path).write_text(content, encoding="utf-8")
        tree = git.tree(folder, place / f"index-{number}", [])
        commit = git.commit(tree, "Upgrade", *([commit] if commit else []))
    worktree = Worktree(git, place / "tree", git.head)
    return worktree, worktree.merge(commit)


A, B = {"a": text(l9="theirs")}, {"b": text()}
SAME = {"a": text(l9="ours")}


@pytest.mark.parametrize(
    ("team", "new", "files", "stages", "deleted"),
    [
        ({"a": text(l2="ours")}, A, {"a": text(l2="ours", l9="theirs")}, {}, []),
        (SAME, A, None, {"a": {1, 2, 3}}, []),
        (SAME, {}, SAME, {"a": {1, 2}}, []),
        ({}, A, {}, {}, ["a"]),
        ({}, B, {}, {}, ["b"]),
        (SAME, B, {"b": text(l9="ours")}, {}, []),
        (B, A, {"b": text(l9="theirs")}, {}, []),
        (B, {}, {"b": text()}, {"b": {1, 2}}, []),
        (B, {"c": text()}, {"b": text(), "c": text()}, {"a": {1}, "b": {2}, "c": {3}}, []),
        ({"a": text(), **B}, {"a": text(), "b": text(l1="x")}, None, {"b": {2, 3}}, []),
    ],
)
def test_merges(
    root: Path,
    tmp_path: Path,
    team: dict[str, str],
    new: dict[str, str],
    files: dict[str, str] | None,
    stages: dict[str, set[int]],
    deleted: list[str],
) -> None:
    save(root, {"ours": "", **team})
    before = Git(root).entries()
    worktree, stay_deleted = merged(root, {"a": text()}, new, tmp_path)
    assert worktree.unmerged() == stages
    assert stay_deleted == deleted
    if files is not None:
        found = {
            path.name: path.read_text("utf-8")
            for path in worktree.folder.iterdir()
            if path.name not in (".git", "ours")
        }
        assert found == files
    # Nothing happens to the checkout.
    assert (Git(root).entries(), Git(root).changed()) == (before, [])


def test_a_merge_that_git_cannot_begin(root: Path, tmp_path: Path) -> None:
    save(root, {"a": "1\n"})
    worktree = Worktree(Git(root), tmp_path / "tree", Git(root).head)
    with pytest.raises(TaskError, match=r"^git cherry-pick: failed"):
        worktree.merge("0" * 40)


def test_the_settings_and_hooks_of_a_person_do_not_matter(root: Path, tmp_path: Path) -> None:
    save(root, {"a": text(l2="ours")})
    git = Git(root)
    for key, value in {
        "merge.renames": "false",
        "merge.conflictStyle": "merge",
        "commit.gpgSign": "true",
        "user.useConfigOnly": "true",
        "core.autocrlf": "true",
        "diff.external": "false",
    }.items():
        git.run("config", key, value)
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    worktree, _ = merged(root, {"a": text()}, B, tmp_path)
    (worktree.folder / "new").write_text("1\n", encoding="utf-8")
    worktree.stage()
    worktree.save("More")
    assert worktree.unmerged() == {}
    assert git.run("show", f"{git.text('-C', worktree.folder, 'rev-parse', 'HEAD')}:b") == (
        text(l2="ours").encode()
    )


def test_saving_nothing_makes_no_commit(root: Path, tmp_path: Path) -> None:
    head = save(root, {"a": "1\n"})
    worktree = Worktree(Git(root), tmp_path / "tree", head)
    worktree.save("Nothing")
    assert worktree.run("rev-parse", "HEAD").decode().strip() == head
    (worktree.root / "a").write_text("2\n", encoding="utf-8")
    worktree.save("Something")
    assert worktree.run("rev-parse", "HEAD~1").decode().strip() == head
    assert Git(root).text("rev-parse", "HEAD") == head


def test_staging_leaves_conflicts(root: Path, tmp_path: Path) -> None:
    save(root, {"a": text(l9="ours"), "gone": "1\n", "mode": "1\n"})
    worktree, _ = merged(root, {"a": text()}, {"a": text(l9="theirs")}, tmp_path)
    (worktree.folder / "gone").unlink()
    (worktree.folder / "mode").chmod(0o755)
    (worktree.folder / "new é").write_text("1\n", encoding="utf-8")
    worktree.stage()
    found = Git(root).entries(worktree.folder)
    assert worktree.unmerged() == {"a": {1, 2, 3}}
    assert {*found} == {"a", "mode", "new é"}
    assert [entry.mode for entry in found["mode"]] == ["100755"]


def test_git_forgets_a_worktree_whose_folder_is_gone(root: Path, tmp_path: Path) -> None:
    head = save(root, {"a": "1\n"})
    for _ in range(2):
        worktree = Worktree(Git(root), tmp_path / "tree", head)
        assert (worktree.folder / "a").exists()
        subprocess.run(["rm", "-r", str(worktree.folder)], check=True)
    Worktree.remove(Git(root), worktree.folder)
    assert Git(root).text("worktree", "list", "--porcelain").count("worktree ") == 1


def test_the_place_in_a_larger_worktree(root: Path) -> None:
    save(root, {"sub/folder/a": "1\n", "b": "1\n"})
    git = Git(root / "sub/folder")
    assert (git.prefix, git.top) == ("sub/folder/", root)
    (root / "b").write_text("2\n", encoding="utf-8")
    assert git.changed() == git.unstaged() == ["b"]
    assert git.committed()["sub/folder/a"] == {
        Entry("100644", git.text("rev-parse", "HEAD:b")),
    }
    assert Git(root).top == root
    assert os.path.isdir(git.directory)


def test_pathspecs_have_their_meaning(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(root, {"a": "1\n"})
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert {*Git(root).entries()} == {"a"}
