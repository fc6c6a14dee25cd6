"""What no merge can say is done for each version that is passed, and once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from monorepo.upgrading import steps
from monorepo.upgrading.steps import Step

Write = Callable[[dict[str, str]], None]
Tree = Callable[[], dict[str, tuple[int, bytes]]]


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        ("1.0", "1.0", []),
        ("1.0", "1.9", []),
        ("1.0", "2.0", ["2.0"]),
        ("2.0", "9.0", ["3.0"]),
        ("1.0", "10.0", ["2.0", "3.0", "10.0"]),
        ("3.0rc1", "3.0", ["3.0"]),
    ],
)
def test_those_that_are_passed_in_their_order(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, taken: list[str]
) -> None:
    every = [Step(version, version) for version in ("10.0", "2.0", "3.0")]
    monkeypatch.setattr(steps, "STEPS", every)
    found = steps.between(Version(old), Version(new))
    assert [step.version for step in found] == taken


def test_a_step_that_says_nothing_does_nothing(root: Path, tree: Tree) -> None:
    before = tree()
    step = Step("1.0", "nothing")
    step.before(root)
    step.after(root)
    assert tree() == before


def sub_templates_moved() -> Step:
    (step,) = (step for step in steps.STEPS if step.version == "0.2.0")
    return step


def test_kinds_of_the_teams_move(root: Path, write: Write, tree: Tree) -> None:
    questions = "templates/worker/cookiecutter.json"
    write({questions: "{}", "templates/worker/x/y": "z", "templates/notes.md": "Mine."})
    sub_templates_moved().before(root)
    assert (root / "tools" / questions).read_text("utf-8") == "{}"
    assert (root / "tools/templates/worker/x/y").read_text("utf-8") == "z"
    assert not (root / "templates/worker").exists()
    assert (root / "templates/notes.md").exists()
    before = tree()
    sub_templates_moved().before(root)
    assert tree() == before


def test_one_that_has_the_new_place_stays(root: Path, write: Write, tree: Tree) -> None:
    write(
        {f"{place}/worker/cookiecutter.json": place for place in ("templates", "tools/templates")}
    )
    before = tree()
    sub_templates_moved().before(root)
    assert tree() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  typescript: 7.0.2\n", "  typescript: ^5.9.3\n"),
        ("  typescript: ^7.1.0 # fast\n", "  typescript: ^5.9.3\n"),
        ("  typescript: 5.8.2\n", "  typescript: 5.8.2\n"),
        ("  typescript-go: 7.0.2\r\n", "  typescript-go: 7.0.2\r\n"),
        ("x: 1\n", "x: 1\n"),
    ],
)
def test_typescript_has_an_api(root: Path, before: str, after: str) -> None:
    (step,) = (step for step in steps.STEPS if "TypeScript" in step.what)
    step.after(root)
    assert not (root / "pnpm-workspace.yaml").exists()
    (root / "pnpm-workspace.yaml").write_bytes(before.encode())
    step.after(root)
    assert (root / "pnpm-workspace.yaml").read_bytes() == after.encode()
