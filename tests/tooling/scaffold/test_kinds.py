"""A sub-template of ours becomes the team's, to be changed, once."""

import shutil
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
    assert refused(root, kind).endswith("is not a sub-template of the engine; give shared-py")
    assert tree() == before


def test_there_is_no_folder_of_ours_in_a_wheel(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sub_templates, "OURS", root / "engine.whl/monorepo/sub_templates")
    assert refused(root, "shared-py") == ".venv: does not have the engine yet; run make setup"


def test_the_copy_may_be_removed_again(root: Path) -> None:
    copy(root, "shared-py")
    shutil.rmtree(root / "tools/templates/shared-py")
    assert sub_templates.folder(root, "shared-py") == sub_templates.OURS / "shared-py"
    assert copy(root, "shared-py")
