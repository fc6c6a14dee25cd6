"""What an upgrade tells, and what it remembers until nothing is left to do."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.engine import Engine
from monorepo.programs.git import Git
from monorepo.system import transaction
from monorepo.system.errors import UsageError
from monorepo.upgrading import command
from monorepo.upgrading.merge import Outcome
from monorepo.upgrading.versions import Release

Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]


def release(root: Path) -> Release:
    """Return the release that the tiny monorepo has."""
    wheel = next((root / "tools").glob("*.whl"))
    return Release(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())


@pytest.fixture
def state(root: Path, git: Git, save: Save) -> command._State:
    """Begin an upgrade that has something to decide, and put it in place."""
    save()
    state = command._State(root)
    state.begin(Outcome("1.0", "2.0", conflicts={"a": "x"}, steps=["moves"]), release(root))
    (root / "constraints.txt").write_text("merged", encoding="utf-8")
    return state


def test_an_upgrade_is_gone_on_with(root: Path, state: command._State) -> None:
    noted = state.read()
    assert noted
    assert (noted["old"], noted["new"], noted["steps"]) == ("1.0", "2.0", "to be taken")
    state.write({**noted, "steps": ""})
    again = command._State(root).read()
    assert again == {**noted, "steps": ""}
    # No commit can bring it, and none does.
    assert not Git(root).run("ls-files", "--others", "--exclude-standard")
    state.clear()
    assert command._State(root).read() is None
    state.clear()


def test_steps_are_left_only_for_after_conflicts(root: Path, git: Git, save: Save) -> None:
    save()
    state = command._State(root)
    state.begin(Outcome("1.0", "2.0", steps=["moves"]), release(root))
    (root / "constraints.txt").write_text("merged", encoding="utf-8")
    noted = state.read()
    assert noted
    assert noted["steps"] == ""


def test_what_was_committed_is_gone_on_with(state: command._State, save: Save) -> None:
    save()
    assert state.read()


def undo(root: Path, _file: Path) -> None:
    Git(root).run("reset", "--quiet", "--hard")


def another_engine(root: Path, _file: Path) -> None:
    text = Engine(root, "tools/cookiecutter_monorepo-3.0-py3-none-any.whl", "0" * 64).text
    (root / "tools/requirements.txt").write_text(text, encoding="utf-8")


def no_engine(root: Path, _file: Path) -> None:
    (root / "tools/requirements.txt").unlink()


def torn(_root: Path, file: Path) -> None:
    file.write_text("{", encoding="utf-8")


def of_another_form(_root: Path, file: Path) -> None:
    file.write_text("[1]", encoding="utf-8")


def without_facts(_root: Path, file: Path) -> None:
    file.write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    "change", [undo, another_engine, no_engine, torn, of_another_form, without_facts]
)
def test_what_is_there_no_longer_is_forgotten(
    root: Path, state: command._State, change: Callable[[Path, Path], None]
) -> None:
    change(root, transaction.record(root, "upgrading"))
    assert state.read() is None
    assert not transaction.record(root, "upgrading").exists()


def test_all_is_told() -> None:
    outcome = Outcome(
        "1.0",
        "2.0",
        " a | 1 +\n",
        deleted=["b"],
        asked={"shared/py/a: loud": True, "who": "Ann"},
        dropped=["whom"],
        left={"shared/py/b": "keep: ours"},
        steps=["moves a folder"],
    )
    rest = (
        "\n\n a | 1 +\n\n"
        "question shared/py/a: loud: answered with True\nquestion who: answered with 'Ann'\n"
        "question whom: is asked no longer\nstep: moves a folder\nb: stays deleted\n"
        "shared/py/b: does not follow: keep: ours"
    )
    assert command._summary(outcome, dry_run=False) == f"upgraded from 1.0 to 2.0{rest}"
    assert command._summary(outcome, dry_run=True) == f"would be upgraded from 1.0 to 2.0{rest}"
    same = command._summary(Outcome("2.0", "2.0", " a | 1 +\n"), dry_run=False)
    assert same == "changed, at version 2.0\n\n a | 1 +\n"


@pytest.mark.parametrize(
    ("paths", "again"),
    [
        (["README.md", "src/Makefile.md"], "make upgrade"),
        (["Makefile"], "sh tools/make/monorepo.sh upgrade"),
        (["README.md", "tools/make/py.mk"], "sh tools/make/monorepo.sh upgrade"),
        (
            ["Makefile", "tools/make/engine.py"],
            ".venv/bin/uvx --from ./tools/*.whl monorepo upgrade",
        ),
    ],
)
def test_how_to_go_on(paths: list[str], again: str) -> None:
    conflicts = dict.fromkeys(paths, "edit it")
    text = command._summary(Outcome("1.0", "2.0", conflicts=conflicts), dry_run=False)
    told = command._conflict_report(conflicts)
    assert text.endswith(told)
    rows = [f"  {path}: edit it" for path in paths]
    last = f"Resolve, then run {again} to go on. git reset --hard undoes the whole upgrade."
    first = "a conflict:" if len(paths) == 1 else f"conflicts in {len(paths)} files:"
    assert told.splitlines() == [first, *rows, last]


def test_a_record_as_one_side_of_a_conflict_had_it(root: Path, git: Git, save: Save) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.monorepo.template]\nversion = "1.0"\n')
    save()
    noted = {"old": "1.0", "new": "2.0", "steps": ""}
    with pytest.raises(UsageError, match=r"^pyproject\.toml: .* has version 1\.0 again; write"):
        command._go_on(root, noted, root / "work")


def test_documents_call_a_new_package_by_its_place(
    root: Path, save: Callable[[], str], write: Callable[[dict[str, str]], None]
) -> None:
    write({"README.md": "a\n", "docs/old.md": "services/py/api\n"})
    save()
    before = workspace.load(root)
    write({"README.md": "make bundle PKG=services/py/api\n"})
    text = '[project]\nname = "tiny-svc-api"\n[tool.monorepo]\nkind = "services"\n'
    write({"packages/tiny-svc-api/pyproject.toml": text})
    command.name_places(root, before)
    said = (root / "README.md").read_text(encoding="utf-8")
    assert said == "make bundle PKG=packages/tiny-svc-api\n"
    # What the template has not changed is the team's.
    assert (root / "docs/old.md").read_text(encoding="utf-8") == "services/py/api\n"
