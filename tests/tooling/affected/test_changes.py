"""What differs, in whatever state a repository may be."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.affected import changes
from monorepo.affected.changes import Commit, since
from monorepo.programs.git import Git
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Save = Callable[[], str]
CORE = "shared/py/core"
SOURCE = f"{CORE}/src/tiny_core/__init__.py"


@pytest.fixture
def main(root: Path, package: MakePackage, git: Git, save: Save) -> str:
    """Commit a package on the branch main, and return the commit."""
    package(CORE)
    git.run("symbolic-ref", "HEAD", "refs/heads/main")
    return save()


def files(root: Path, base: str = "", head: str = "") -> list[str]:
    return [*since(root, base, head).files]


def base_of(root: Path, name: str = "") -> Commit:
    base = since(root, name).base
    assert base
    return base


def refused(root: Path, base: str = "", head: str = "") -> list[str]:
    with pytest.raises(UsageError) as caught:
        since(root, base, head)
    return list(caught.value.mistakes)


def test_nothing_differs(root: Path, main: str) -> None:
    found = since(root)
    assert (found.base, found.head, found.unknown) == (
        ("main", main, "main, the default branch"),
        None,
        "",
    )
    assert [*found.files] == []


def test_committed_staged_unstaged_and_new_files_differ(
    root: Path, main: str, git: Git, save: Save, write: Write
) -> None:
    git.run("checkout", "--quiet", "-b", "topic")
    write({"committed": "1", ".gitignore": "ignored\n"})
    save()
    write({"staged": "1", "ignored": "1", "folder/new": "1", SOURCE: "unstaged"})
    git.run("add", "staged")
    assert files(root) == [".gitignore", "committed", "folder/new", SOURCE, "staged"]
    # What is staged counts although the file is as it was.
    write({SOURCE: "other"})
    git.run("add", SOURCE)
    write({SOURCE: ""})
    assert SOURCE in files(root)


def test_content_of_the_base(root: Path, main: str, git: Git, save: Save, write: Write) -> None:
    git.run("checkout", "--quiet", "-b", "topic")
    write({"constraints.txt": "left==2.0\n", "new": "1"})
    save()
    write({"constraints.txt": "left==3.0\n"})
    found = since(root)
    assert found.before(["constraints.txt", "new"]) == {
        "constraints.txt": b"# Pins.\nleft==1.0\nuv==9.9\n"
    }
    # Of a file that only the working tree has otherwise, it is that of the commit.
    write({SOURCE: "1", CORE + "/gone": ""})
    save()
    write({SOURCE: "2"})
    (root / CORE / "gone").unlink()
    assert since(root, "HEAD").before([SOURCE, CORE + "/gone"]) == {
        SOURCE: b"1",
        CORE + "/gone": b"",
    }


def test_deleted_renamed_and_moved_files_count_twice(root: Path, main: str, git: Git) -> None:
    git.run("mv", CORE, "packages")
    (root / "constraints.txt").unlink()
    found = files(root)
    assert "constraints.txt" in found
    assert {SOURCE, "packages/src/tiny_core/__init__.py"} <= {*found}
    git.run("reset", "--quiet", "--hard")
    git.run("mv", SOURCE, f"{CORE}/src/tiny_core/__Init__.py")
    assert files(root) == [f"{CORE}/src/tiny_core/__Init__.py", SOURCE]


def test_modes_count(root: Path, main: str, git: Git, save: Save) -> None:
    git.run("config", "core.fileMode", "true")
    (root / SOURCE).chmod(0o755)
    assert files(root) == [SOURCE]
    save()
    assert files(root, main, "HEAD") == [SOURCE]


@pytest.mark.parametrize(
    "name", ["a b", "new\nline", "tab\t", 'quote"', "ü", "-x", ":(top)a", "a*", "\\n", "trailing "]
)
def test_odd_names(root: Path, main: str, save: Save, write: Write, name: str) -> None:
    write({f"{CORE}/{name}": "1", name: "1"})
    assert {*files(root)} == {f"{CORE}/{name}", name}
    save()
    assert {*files(root, main, "HEAD")} == {f"{CORE}/{name}", name}
    write({name: "2"})
    assert since(root, "HEAD").before([name]) == {name: b"1"}


def test_names_that_are_not_utf_8(root: Path, main: str, save: Save) -> None:
    name = os.fsdecode(b"caf\xe9\xff")
    (root / CORE / name).write_text("1", "utf-8")
    assert files(root) == [f"{CORE}/{name}"]
    save()
    assert files(root, main, "HEAD") == [f"{CORE}/{name}"]


class TestBase:
    """Which commit is compared with."""

    @pytest.fixture
    def clone(self, root: Path, main: str, tmp_path: Path) -> Path:
        """Return a clone with a branch of its own, of which the origin goes on."""
        clone = tmp_path / "clone"
        subprocess.run(["git", "clone", "--quiet", root, clone], check=True)
        Git(clone).run("checkout", "--quiet", "-b", "topic")
        (clone / "mine").write_text("1", "utf-8")
        commit(clone)
        (root / "theirs").write_text("1", "utf-8")
        commit(root)
        Git(clone).run("fetch", "--quiet")
        return clone

    def test_the_default_branch_of_the_remote_comes_first(self, clone: Path, main: str) -> None:
        found = since(clone)
        assert found.base == (
            "origin/HEAD",
            main,
            "merge base with origin/HEAD, the default branch",
        )
        assert [*found.files] == ["mine"]

    def test_without_a_head_of_the_remote_its_branches_are_tried(
        self, clone: Path, main: str
    ) -> None:
        Git(clone).run("remote", "set-head", "origin", "--delete")
        assert base_of(clone)[:2] == ("origin/main", main)
        Git(clone).run("config", "init.defaultBranch", "trunk")
        Git(clone).run("update-ref", "refs/remotes/origin/trunk", "topic")
        assert base_of(clone)[0] == "origin/trunk"

    def test_without_a_remote_the_branch_is_it(self, clone: Path, main: str) -> None:
        Git(clone).run("remote", "remove", "origin")
        assert base_of(clone)[:2] == ("main", main)
        Git(clone).run("branch", "-m", "main", "other")
        assert since(clone).unknown == (
            "there is no default branch to compare with; give BASE=<branch or commit>"
        )

    def test_a_base_that_is_given(self, clone: Path, main: str) -> None:
        for name in ("origin/main", "main", main, "HEAD~1", "topic~", "main^{/all}"):
            assert base_of(clone, name)[1] == main, name
            assert [*since(clone, name).files] == ["mine"]

    def test_a_head_that_is_given(self, clone: Path, main: str) -> None:
        (clone / "loose").write_text("1", "utf-8")
        found = since(clone, head="topic")
        assert found.head and found.head[:2] == ("topic", Git(clone).head)
        assert [*found.files] == ["mine"]
        assert [*since(clone, "topic", "origin/main").files] == ["theirs"]

    def test_a_detached_head_and_a_linked_worktree(
        self, clone: Path, main: str, tmp_path: Path
    ) -> None:
        Git(clone).run("checkout", "--quiet", "--detach")
        assert [*since(clone).files] == ["mine"]
        Git(clone).run("worktree", "add", "--quiet", tmp_path / "linked", "topic")
        (tmp_path / "linked/here").write_text("1", "utf-8")
        assert [*since(tmp_path / "linked").files] == ["here", "mine"]

    def test_without_a_commit_in_common_it_is_the_base_itself(self, clone: Path) -> None:
        git = Git(clone)
        git.run("checkout", "--quiet", "--orphan", "alone")
        git.run("rm", "-r", "--quiet", "--force", "--cached", CORE)
        shutil.rmtree(clone / CORE)
        commit(clone)
        found = since(clone, "origin/main")
        assert found.base == (
            "origin/main",
            git.text("rev-parse", "origin/main"),
            "origin/main: it has no commit in common with the head",
        )
        assert {SOURCE, "theirs", "mine"} <= {*found.files}

    def test_a_shallow_clone(self, clone: Path, root: Path, tmp_path: Path) -> None:
        shallow = tmp_path / "shallow"
        Git(clone).run("checkout", "--quiet", "main")
        url = f"file://{clone}"
        words = ["--quiet", "--depth=1", "--branch=topic"]
        subprocess.run(["git", "clone", *words, url, shallow], check=True)
        assert since(shallow).unknown == (
            "there is no default branch to compare with; give BASE=<branch or commit>"
        )
        assert refused(shallow, "origin/main") == [
            "BASE=origin/main: is not a commit here; correct it, or fetch it: git fetch origin"
        ]
        git = Git(shallow)
        git.run("fetch", "--quiet", "--depth=1", f"file://{root}", "main:refs/remotes/origin/main")
        found = since(shallow)
        assert found.base and found.base.how == (
            "origin/main, the default branch: this shallow clone has no commit in common; "
            "git fetch --unshallow has it"
        )
        # Compared with the branch itself, all that differs counts.
        assert [*found.files] == ["mine", "theirs"]

    def test_the_first_parent_of_a_merge_in_a_clone_of_depth_two(
        self, clone: Path, main: str, tmp_path: Path
    ) -> None:
        Git(clone).run("merge", "--quiet", "--no-edit", "origin/main")
        shallow = tmp_path / "shallow"
        words = ["--quiet", "--depth=2", f"file://{clone}"]
        subprocess.run(["git", "clone", *words, shallow], check=True)
        assert [*since(shallow, "HEAD^1").files] == ["theirs"]


@pytest.mark.parametrize(
    "name",
    [
        "-x",
        "--help",
        "--output=x",
        "nobody",
        "main..HEAD",
        "HEAD:constraints.txt",
        "a\nHEAD",
        "HEAD@{99}",
        "HEAD^{/x",
        "HEAD^{/nothing like it}",
        " ",
        "\t",
    ],
)
def test_what_is_no_commit_is_refused(root: Path, main: str, name: str) -> None:
    advice = "is not a commit here; correct it, or fetch it: git fetch origin"
    assert refused(root, name) == [f"BASE={name}: {advice}"]
    assert refused(root, name, name) == [f"HEAD={name}: {advice}", f"BASE={name}: {advice}"]
    assert not (root / "x").exists()


def test_a_branch_that_is_called_like_an_option(root: Path, main: str, git: Git) -> None:
    git.run("update-ref", "refs/heads/-x", main)
    assert base_of(root, "-x") == ("-x", main, "-x")
    assert base_of(root, "heads/-x")[1] == main


def test_no_repository_no_commit_and_no_git(
    root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package(CORE)
    reason = since(root).unknown
    assert reason.startswith("git cannot be asked here (not a git repository")
    assert refused(root, "main")[0].startswith("BASE: git cannot be asked here")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    assert since(root).unknown == "git has no commit yet"
    assert refused(root, "main") == [
        "BASE=main: is not a commit here; correct it, or fetch it: git fetch origin"
    ]
    assert since(root / ".git").unknown == "git cannot be asked here (there is no working tree)"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert since(root).unknown == "git is missing; install 2.30 or newer"


def test_a_repository_in_a_folder_of_a_larger_one(
    root: Path, package: MakePackage, tmp_path: Path, write: Write
) -> None:
    package(CORE)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=tmp_path, check=True)
    base = commit(tmp_path)
    (tmp_path / "beside").write_text("1", "utf-8")
    write({SOURCE: "1", "new": "1"})
    assert files(root) == ["new", SOURCE]
    commit(tmp_path)
    assert files(root, base, "HEAD") == ["new", SOURCE]
    with changes.opened(since(root, base, "HEAD")) as space:
        assert [*space.packages] == [CORE]


def test_a_submodule_is_a_file(root: Path, main: str, tmp_path: Path, git: Git, save: Save) -> None:
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=other, check=True)
    (other / "a").write_text("1", "utf-8")
    commit(other)
    words = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "other"]
    git.run(*words, str(other), f"{CORE}/vendored")
    assert files(root) == [".gitmodules", f"{CORE}/vendored"]
    base = save()
    (root / CORE / "vendored/a").write_text("2", "utf-8")
    assert files(root, base) == [f"{CORE}/vendored"]
    commit(root / CORE / "vendored")
    assert files(root, base) == [f"{CORE}/vendored"]
    save()
    assert files(root, base, "HEAD") == [f"{CORE}/vendored"]


def test_links(root: Path, main: str, save: Save) -> None:
    (root / CORE / "data").symlink_to("../../../data")
    (root / "etc").symlink_to("/etc")
    save()
    assert since(root).links == {f"{CORE}/data": "../../../data", "etc": "/etc"}
    assert since(root, "HEAD", "HEAD").links == {f"{CORE}/data": "../../../data", "etc": "/etc"}
    (root / "etc").unlink()
    (root / "etc").symlink_to("/usr")
    assert files(root, "HEAD") == ["etc"]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_files_whose_changes_git_is_told_to_ignore(
    root: Path, main: str, git: Git, write: Write, flag: str
) -> None:
    git.run("update-index", flag, SOURCE, f"{CORE}/backend.py")
    assert files(root) == []
    write({SOURCE: "1"})
    assert files(root) == [SOURCE]
    (root / CORE / "backend.py").unlink()
    # A sparse checkout leaves out files that are there for everybody else.
    assert files(root) == ([SOURCE] if "skip" in flag else [f"{CORE}/backend.py", SOURCE])


def test_conflicts(root: Path, main: str, git: Git, save: Save, write: Write) -> None:
    git.run("checkout", "--quiet", "-b", "topic")
    write({SOURCE: "1", "both": "1"})
    save()
    git.run("checkout", "--quiet", "-b", "other", main)
    write({SOURCE: "2", "both": "2"})
    save()
    assert git.tried("merge", "topic")[0]
    assert files(root, "other") == ["both", SOURCE]
    assert since(root, "other").before(["both"]) == {"both": b"2"}


def test_nothing_of_the_tree_is_executed(
    root: Path, main: str, git: Git, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{mark}"\ncat\n', "utf-8")
    program.chmod(0o755)
    run = f"'{program}'"
    for key in ("clean", "smudge", "process"):
        git.run("config", f"filter.evil one.x.{key}", run)
        git.run("config", f"filter.other.{key}", run)
    git.run("config", "filter.evil one.x.required", "true")
    git.run("config", "filter.other.required", "true")
    git.run("config", "diff.evil.textconv", run)
    git.run("config", "diff.evil.command", run)
    git.run("config", "diff.external", run)
    git.run("config", "core.fsmonitor", run)
    git.run("config", "core.pager", run)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", run)
    for hook in ("post-index-change", "post-checkout", "fsmonitor-watchman", "pre-commit"):
        (root / ".git/hooks" / hook).write_text(program.read_text("utf-8"), "utf-8")
        (root / ".git/hooks" / hook).chmod(0o755)
    attributes = "*.py filter=other diff=evil\n*.txt filter=other diff=evil\n"
    write({".gitattributes": attributes, SOURCE: "1", "constraints.txt": "left==2.0\n"})
    mark.unlink(missing_ok=True)
    assert {".gitattributes", "constraints.txt", SOURCE} <= {*files(root)}
    since(root).before(["constraints.txt"])
    found = since(root, main, "HEAD")
    with changes.opened(found):
        pass
    assert not mark.exists()


def test_filters_do_not_hide_what_differs(root: Path, main: str, git: Git, write: Write) -> None:
    """A file that git has to look at differs, if its content is not what git keeps of it."""
    git.run("config", "filter.upper.clean", "tr a-z A-Z")
    git.run("config", "filter.upper.required", "true")
    write({".gitattributes": "*.up filter=upper\n", "a.up": "text", "b.up": "text"})
    for name in ("a.up", "b.up"):
        # Older than the index, so that git need not look at the content.
        os.utime(root / name, (1_000_000_000, 1_000_000_000))
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message", "filtered")
    assert files(root, "HEAD") == []
    write({"a.up": "text too"})
    assert files(root, "HEAD") == ["a.up"]


def test_files_that_git_lfs_keeps(
    root: Path, main: str, git: Git, write: Write, save: Save, tmp_path: Path
) -> None:
    """git-lfs is not asked: the pointer in the commit has hash and size of the file."""
    git.run("config", "filter.lfs.clean", "touch mark; cat")
    data = b"sound" * 1000
    digest = hashlib.sha256(data).hexdigest()
    spec = "version https://git-lfs.github.com/spec/v1"
    pointer = f"{spec}\noid sha256:{digest}\nsize {len(data)}\n"
    write({".gitattributes": "*.wav -text\n", "a.wav": pointer, "b.wav": pointer})
    save()
    write({".gitattributes": "*.wav filter=lfs -text\n"})
    for name in ("a.wav", "b.wav"):
        (root / name).write_bytes(data)
    assert files(root, "HEAD") == [".gitattributes"]
    (root / "a.wav").write_bytes(data[::-1])
    (root / "b.wav").chmod(0o755)
    assert files(root, "HEAD") == [".gitattributes", "a.wav", "b.wav"]
    assert not (root / "mark").exists()


class TestOpened:
    """The repository as it is in another commit."""

    def test_manifests_and_root_files_are_those_of_the_commit(
        self, root: Path, main: str, package: MakePackage, save: Save, write: Write
    ) -> None:
        package("services/py/api", "tiny-core")
        write(
            {"services/py/api/tests/pyproject.toml": "", "packages/x": "", "tools/make/py.mk": ""}
        )
        head = save()
        shutil.rmtree(root / "services")
        write({"constraints.txt": "", f"{CORE}/pyproject.toml": "broken"})
        with changes.opened(since(root, main, head)) as space:
            assert [*space.packages] == [CORE, "services/py/api"]
            assert (space.root / "constraints.txt").read_text("utf-8").startswith("# Pins.")
            assert space.has_python
            assert space.engine.requirements == []
            assert not (space.root / "services/py/api/tests").exists()
        assert not space.root.exists()
        with changes.opened(since(root, main)) as space:
            assert [*space.packages] == []
            assert space.root == root

    def test_a_commit_without_a_monorepo(self, root: Path, main: str, git: Git) -> None:
        git.run("rm", "--quiet", "-r", ".")
        commit(root)
        with (
            pytest.raises(UsageError, match=r"^HEAD=HEAD: is not a generated monorepo"),
            changes.opened(since(root, main, "HEAD")),
        ):
            pass

    def test_links_lead_nowhere_else(
        self, root: Path, main: str, git: Git, save: Save, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "pyproject.toml").write_text("[project]\nname='tiny-x'\n", "utf-8")
        (root / "shared/py/x").symlink_to(outside)
        (root / "shared/py/y").symlink_to("core")
        save()
        with changes.opened(since(root, main, "HEAD")) as space:
            assert "is a link that leads out of the repository" in str(space.broken["shared/py/x"])
            assert CORE in {*space.packages, *space.broken}

    def test_a_tree_that_leads_out_of_the_folder(
        self, root: Path, main: str, git: Git, tmp_path: Path
    ) -> None:
        blob = git.run("hash-object", "-w", "--stdin", data=b"out").decode().strip()
        inner = git.run("mktree", data=f"100644 blob {blob}\tout\n".encode()).decode().strip()
        rows = git.run("ls-tree", "HEAD") + f"040000 tree {inner}\t..\n".encode()
        tree = git.run("mktree", data=rows).decode().strip()
        head = git.commit(tree, "evil", main)
        with changes.opened(since(root, main, head)) as space:
            assert not (space.root / "../out").exists()


def commit(folder: Path) -> str:
    """Commit everything in a folder."""
    git = Git(folder)
    git.run("add", "--all", "--force")
    git.run("commit", "--quiet", "--allow-empty", "--message", "all")
    return git.text("rev-parse", "HEAD")
