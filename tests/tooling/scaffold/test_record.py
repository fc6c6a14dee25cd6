"""What a manifest records reads back as it was given, whatever people answered."""

import json
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.core.workspace import Workspace
from monorepo.scaffold import record
from monorepo.templating import sub_templates, template

PYTHON = '[project]\nname = "tiny-a"\n'
NODE = '{"name": "@tiny/a", "monorepo": {"port": 8000}}'
# TOML and JSON are UTF-8, which has no half of a character.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ANSWERS = st.dictionaries(TEXTS, st.one_of(st.booleans(), TEXTS, st.lists(TEXTS)))
AWKWARD = {
    "title": 'A "b" \\ c\n🎉\x7f',
    "dotted.key": "a",
    "a key": True,
    "ü": [],
    'q"': ["x", 'y"', "🎉"],
    "": False,
}


def read_python(folder: Path) -> Any:  # noqa: ANN401
    return tomllib.loads((folder / "pyproject.toml").read_bytes().decode())["tool"]["monorepo"]


def read_node(folder: Path) -> Any:  # noqa: ANN401
    return json.loads((folder / "package.json").read_bytes())["monorepo"]


@pytest.mark.parametrize("recorded", [{}, {"kind": "shared-py", "version": "1.0"}, AWKWARD])
def test_both_languages(tmp_path: Path, recorded: dict[str, Any]) -> None:
    (tmp_path / "pyproject.toml").write_text(PYTHON, encoding="utf-8")
    record.write(tmp_path, recorded)
    assert read_python(tmp_path) == {"template": recorded}
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "package.json").write_text(NODE, encoding="utf-8")
    record.write(tmp_path, recorded)
    assert read_node(tmp_path) == {"port": 8000, "template": recorded}


@given(ANSWERS)
def test_any_answer_comes_back_from_toml(recorded: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(PYTHON, encoding="utf-8")
        record.write(Path(folder), recorded)
        assert read_python(Path(folder)) == {"template": recorded}


@given(ANSWERS)
def test_any_answer_comes_back_from_json(recorded: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text(NODE, encoding="utf-8")
        record.write(Path(folder), recorded)
        assert read_node(Path(folder)) == {"port": 8000, "template": recorded}


def test_the_text_of_toml_is_as_people_write_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYTHON, encoding="utf-8")
    record.write(tmp_path, {"kind": "worker", "with_metrics": True, "two words": ["a", "b"]})
    assert (tmp_path / "pyproject.toml").read_text(encoding="utf-8") == (
        f"{PYTHON}\n# What this package was made from.\n[tool.monorepo.template]\n"
        'kind = "worker"\nwith_metrics = true\n"two words" = ["a", "b"]\n'
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "a", "name": "b"}', "\ufeff{}"])
def test_a_broken_manifest_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    manifest = tmp_path / "package.json"
    manifest.write_text(text, encoding="utf-8")
    record.write(tmp_path, {"kind": "worker"})
    assert manifest.read_text(encoding="utf-8") == text


def test_no_manifest_is_made(tmp_path: Path) -> None:
    record.write(tmp_path, {"kind": "worker"})
    assert list(tmp_path.iterdir()) == []


def test_only_what_comes_with_the_engine_has_a_version(root: Path) -> None:
    told = {"dependencies": [{"requirement": "tiny-a[x]"}]}
    ours = record.of(root, sub_templates.OURS / "shared-py", told, {"title": "A"})
    assert ours == {
        "kind": "shared-py",
        "version": template.version(),
        "dependencies": ["tiny-a[x]"],
        "title": "A",
    }
    own = record.of(root, root / sub_templates.TEAMS / "shared-py", {"dependencies": []}, {})
    assert own == {"kind": "shared-py"}


def test_a_manifest_that_has_it_is_still_one(root: Path) -> None:
    folder = root / "shared/py/a"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "tiny-a"\n', encoding="utf-8")
    record.write(folder, AWKWARD)
    space: Workspace = workspace.load(root)
    assert space.problems == ()
    assert space.packages["shared/py/a"].settings["template"] == AWKWARD
