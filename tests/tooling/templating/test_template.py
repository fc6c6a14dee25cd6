"""The template is found beside the engine, without what tools have left in it."""

import tomllib
from pathlib import Path

import pytest

from monorepo.templating import template


def test_the_template_is_that_of_the_checkout() -> None:
    assert template.tree().parent == template.TEMPLATE
    assert (template.TEMPLATE / "cookiecutter.json").is_file()
    assert (template.tree() / "tools/make/monorepo.sh").is_file()
    manifest = tomllib.loads((template.TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    assert template.version() == manifest["project"]["version"]


def test_caches_are_no_files_of_it(tmp_path: Path) -> None:
    for name in ("b/y", "b/x", "a", ".hidden", "b/__pycache__/x.pyc", ".ruff_cache/x", "b/.git"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in template.files(tmp_path)]
    assert found == [".hidden", "a", "b/.git", "b/x", "b/y"]


@pytest.mark.parametrize("place", ["template/<<cookiecutter.repo_name>>", "sub_templates/x"])
def test_other_line_endings_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(template, "ENGINE", tmp_path)
    monkeypatch.setattr(template, "TEMPLATE", tmp_path / "template")
    tree = tmp_path / "template/<<cookiecutter.repo_name>>"
    for folder in (tree, tmp_path / place):
        folder.mkdir(exist_ok=True, parents=True)
    (tree / "Makefile").write_bytes(b"all:\n\t:\r")
    assert template.line_endings() == []
    (tmp_path / place / "run.sh").write_bytes(b":\n:\r\n")
    (said,) = template.line_endings()
    assert said.endswith("/run.sh: has CRLF line endings; clone the template again")
