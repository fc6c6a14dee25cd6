"""Sub-templates: their questions, their settings, and what is wrong with broken ones."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monorepo import cli, scaffold
from monorepo.errors import UsageError

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
pytestmark = pytest.mark.usefixtures("templates")

FOLDER = "templates/shared-py"
PACKAGE = f"{FOLDER}/{{{{cookiecutter.name}}}}"
CALLS: list[str] = []
WATCHED: list[str] = []
CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "os.link", "os.symlink"}


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note the calls that change something below the folder that is watched."""
    if WATCHED and (event in CHANGES or event == "open"):
        writes = event != "open" or bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes and str(arguments[0]).startswith(WATCHED[0]):
            CALLS.append(f"{event} {arguments[0]}")


sys.addaudithook(watch)


def refused(root: Path, tree: Tree, path: str, **words: Any) -> str:  # noqa: ANN401
    then = tree()
    with pytest.raises(UsageError) as caught:
        scaffold.add(root, [path], **words)
    assert tree() == then
    return "\n".join(caught.value.mistakes)


@pytest.mark.parametrize(
    "name", [r"{{ '..\x2f..\x2fx' }}", r"{{ '\x2fx' }}", "a/{{ '..' }}", "{{ '' }}"]
)
def test_no_file_lands_outside(root: Path, tree: Tree, name: str) -> None:
    (root / PACKAGE / name).mkdir(parents=True)
    assert "would leave the package" in refused(root, tree, "shared/py/a")


def test_a_link_is_refused(root: Path, tree: Tree) -> None:
    (root / PACKAGE / "link").symlink_to("/")
    assert "would leave the package" in refused(root, tree, "shared/py/a")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_port", "8000"),
        ("_requires", []),
        ("_requires", {"shared/py/b": 5}),
        ("_requires", {"../../x": "py-runtime"}),
        ("_touches", 5),
        ("_touches", [5]),
        ("_touches", ["../x"]),
        ("_touches", ["missing.md"]),
        ("_port", 65536),
        ("title", {}),
        ("title", []),
    ],
)
def test_a_wrong_setting_is_told(
    root: Path, write: Write, tree: Tree, key: str, value: object
) -> None:
    write({f"{FOLDER}/cookiecutter.json": json.dumps({"title": "x", key: value})})
    assert refused(root, tree, "shared/py/a")


def test_the_manifest_has_to_be_the_one_asked_for(root: Path, write: Write, tree: Tree) -> None:
    write({f"{PACKAGE}/pyproject.toml": '[project]\nname = "other"\n'})
    assert "names itself other, not tiny-a" in refused(root, tree, "shared/py/a")
    (root / PACKAGE / "pyproject.toml").unlink()
    assert "pyproject.toml: is missing" in refused(root, tree, "shared/py/a")


def test_requirements_in_a_chain_and_in_a_circle(root: Path, write: Write, tree: Tree) -> None:
    asked = {"title": "x", "_requires": {"shared/py/deep": "shared-py"}}
    write({"templates/py-runtime/cookiecutter.json": json.dumps(asked)})
    added = scaffold.add(root, ["services/py/api"])
    paths = ["shared/py/deep", "shared/py/service", "services/py/api"]
    assert added == [f"added {path}" for path in paths]
    asked["_requires"] = {"shared/py/service2": "shared-py"}
    write({f"{FOLDER}/cookiecutter.json": json.dumps(asked)})
    assert "mend _requires" in refused(root, tree, "shared/py/a")


def test_the_template_that_others_require_is_chosen(root: Path) -> None:
    scaffold.add(root, ["shared/py/service"])
    text = (root / "shared/py/service/pyproject.toml").read_text(encoding="utf-8")
    assert 'description = "Runtime"' in text


def test_choices_and_yes_or_no(root: Path, write: Write, tree: Tree) -> None:
    write({f"{FOLDER}/cookiecutter.json": '{"title": "x", "kind": ["a", "b"], "on": true}'})
    write({f"{PACKAGE}/said": "{{ cookiecutter.kind }} {{ cookiecutter.on }}"})
    scaffold.add(root, ["shared/py/a"])
    scaffold.add(root, ["shared/py/b"], answers={"kind": "b", "on": "no"})
    said = [(root / f"shared/py/{one}/said").read_text(encoding="utf-8") for one in "ab"]
    assert said == ["a True", "b False"]
    told = refused(root, tree, "shared/py/c", answers={"kind": "z", "on": "maybe"})
    assert "'z' is not one of a, b" in told
    assert "'maybe' is neither yes nor no" in told


def test_a_dry_run_changes_nothing(
    root: Path, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    then = tree()
    WATCHED[:] = [str(root)]
    try:
        assert cli.main(["--root", str(root), "new", "shared/py/a", "--dry-run"]) == 0
    finally:
        WATCHED.clear()
    assert CALLS == []
    assert tree() == then
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["+ shared/py/a/pyproject.toml", "+ shared/py/a/src/tiny_a.py"]


def test_a_circle_of_dependencies_is_refused(root: Path, write: Write, tree: Tree) -> None:
    name = '[project]\nname = "{}"\nversion = "1"\ndependencies = ["tiny-a"]\n'
    write({"shared/py/b/pyproject.toml": name.format("tiny-b")})
    assert "a circle" in refused(root, tree, "shared/py/a", dependencies=["shared/py/b"])
