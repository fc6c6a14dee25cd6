"""A sub-template of ours becomes the team's, to be changed, once."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.scaffold import kinds
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates

Write = Callable[[dict[str, str]], None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]


@pytest.fixture(autouse=True)
def python(root: Path, write: Write) -> None:
    """Give the tiny monorepo the Python side, and no services."""
    write({"tools/make/py.mk": ""})


def copy(root: Path, kind: str) -> str:
    return kinds.copy(workspace.load(root), kind)


def refused(root: Path, kind: str) -> str:
    with pytest.raises(UsageError) as caught:
        copy(root, kind)
    return str(caught.value)


def test_it_is_copied_whole(root: Path, tmp_path: Path) -> None:
    assert copy(root, "shared-py") == (
        "copied tools/templates/shared-py; packages of this kind are made from it from now on"
    )
    ours, theirs = sub_templates.OURS / "shared-py", root / "tools/templates/shared-py"
    names = {path.relative_to(ours) for path in ours.rglob("*") if "__pycache__" not in path.parts}
    assert {path.relative_to(theirs) for path in theirs.rglob("*")} == names
    for name in names:
        if (ours / name).is_file():
            assert (theirs / name).read_bytes() == (ours / name).read_bytes()
            assert (theirs / name).stat().st_mode == (ours / name).stat().st_mode
    assert sub_templates.folder(root, "shared-py") == theirs


def test_one_that_is_there_is_left(root: Path, tree: Tree) -> None:
    copy(root, "shared-py")
    file = root / "tools/templates/shared-py/cookiecutter.json"
    file.write_text("{}", encoding="utf-8")
    before = tree()
    assert refused(root, "shared-py") == (
        "KIND='shared-py': tools/templates/shared-py is there already; change it there"
    )
    assert tree() == before


@pytest.mark.parametrize("kind", ["", "shared-js", "services-py", "nosuch", "..", "own", "a\nb"])
def test_what_is_none_of_ours(root: Path, write: Write, tree: Tree, kind: str) -> None:
    write({"tools/templates/own/cookiecutter.json": "{}"})
    before = tree()
    assert refused(root, kind).endswith("is not a sub-template of the engine; give deps, shared-py")
    assert tree() == before


def test_there_is_no_folder_of_ours_in_a_wheel(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sub_templates, "OURS", root / "engine.whl/monorepo/sub_templates")
    assert refused(root, "shared-py") == ".venv: does not have the engine yet; run make setup"


def test_the_copy_may_be_removed_again(root: Path) -> None:
    copy(root, "shared-py")
    shutil.rmtree(root / "tools/templates/shared-py")
    assert sub_templates.folder(root, "shared-py") == sub_templates.OURS / "shared-py"
    assert copy(root, "shared-py")


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


KIND = "tools/templates/worker"


@pytest.mark.parametrize("place", [".", "sub/folder"])
def test_a_kind_of_the_teams_has_the_tree_that_git_makes_of_it(
    root: Path, write: Write, place: str
) -> None:
    git(root, "init", "--quiet")
    write({f"{place}/{KIND}/cookiecutter.json": "{}", f"{place}/{KIND}/{{{{x}}}}/a": "1"})
    write({f"{place}/tools/templates/other/a": "1"})
    made = kinds.tree(root / place, "worker")
    # It is not staged by being looked at.
    assert git(root, "ls-files") == ""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "all")
    at = KIND if place == "." else f"{place}/{KIND}"
    assert git(root, "rev-parse", f"HEAD:{at}") == made == kinds.tree(root / place, "worker")
    write({f"{place}/tools/templates/other/a": "2", f"{place}/untracked": "2"})
    assert kinds.tree(root / place, "worker") == made
    write({f"{place}/{KIND}/{{{{x}}}}/a": "2"})
    assert kinds.tree(root / place, "worker") not in ("", made)


def test_without_git_or_the_kind_there_is_no_tree(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({f"{KIND}/cookiecutter.json": "{}"})
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(root.parent))
    assert kinds.tree(root, "worker") == ""
    git(root, "init", "--quiet")
    assert kinds.tree(root, "worker")
    assert kinds.tree(root, "nosuch") == ""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert kinds.tree(root, "worker") == ""
