"""No git settings of a person, and no git that calls us, change what is made or another tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monorepo.system.subprocesses import CALLERS_REPOSITORY
from monorepo.templating.template import CACHES
from tests.template.baking import TEMPLATE, TREE, bake, commit, environment, files, run

CREATE = (sys.executable, "-B", "-m", "monorepo", "create")
COOKIECUTTER = (sys.executable, "-m", "cookiecutter", "--no-input", "--default-config")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of this template as git would have it."""
    ignored = shutil.ignore_patterns(".git", ".venv", ".nox", "dist", *CACHES)
    return shutil.copytree(TEMPLATE, tmp_path / "copy", ignore=ignored)


def test_a_clone_has_the_same_line_endings_under_every_setting(copy: Path, tmp_path: Path) -> None:
    run(copy, "git", "init", "--quiet")
    commit(copy)
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", "-c", "core.autocrlf=true", copy, clone)
    assert files(clone) == files(copy)
    for name in files(copy):
        assert (clone / name).read_bytes() == (copy / name).read_bytes(), name


def test_a_template_with_other_line_endings_is_refused(copy: Path, tmp_path: Path) -> None:
    fragment = copy / TREE.name / "tools/make/common.mk"
    fragment.write_bytes(fragment.read_bytes().replace(b"\n", b"\r\n"))
    name = fragment.relative_to(copy)
    line = f"{name}: has CRLF line endings; clone the template again\n"
    out = tmp_path / "out"
    out.mkdir()
    made = run(copy, *CREATE, out, "--no-input", env={"PYTHONPATH": str(copy / "src")}, code=2)
    assert made == f"monorepo: {line}"
    made = run(out, *COOKIECUTTER, copy, code=1)
    assert f"cookiecutter-monorepo: {line}" in made
    assert not list(out.iterdir())


def test_both_makefiles_know_how_git_names_the_callers_repository() -> None:
    for file in (TEMPLATE / "Makefile", TREE / "tools/make/common.mk"):
        text = file.read_text(encoding="utf-8").replace("\\\n", " ")
        (names,) = re.findall(r"^unexport (GIT_.*)", text, re.MULTILINE)
        assert tuple(names.split()) == CALLERS_REPOSITORY


@pytest.mark.parametrize("folder", [".", "shared/py/core", "shared/js/core"])
def test_clean_leaves_the_repository_of_its_caller_alone(folder: str, tmp_path: Path) -> None:
    root, other = bake(tmp_path), tmp_path / "other"
    (other / "dist").mkdir(parents=True)
    run(other, "git", "init", "--quiet")
    (other / "dist/only-copy").touch()
    made = [root / "shared/py/core/dist/x", root / "shared/js/core/dist/x"]
    for file in made:
        file.parent.mkdir()
        file.touch()
    git = {"GIT_DIR": f"{other}/.git", "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": "index"}
    subprocess.run(["make", "clean"], cwd=root / folder, env=environment(**git), check=True)
    assert (other / "dist/only-copy").exists()
    assert not any(file.exists() for file in made if file.is_relative_to(root / folder))
