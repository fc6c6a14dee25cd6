"""Which packages follow their kinds, and why others do not; and which answers are whose."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from monorepo.core import workspace
from monorepo.scaffold import kinds
from monorepo.system.errors import UsageError
from monorepo.upgrading import plans
from monorepo.upgrading.plans import Plan

Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
Recorded = Callable[..., None]

TARGET = Version("2.0")
A, B = "shared/py/a", "shared/py/b"
KIND, OLD = 'kind = "shared-py"', 'version = "1.0"'


def plan(root: Path, *only: str, everything: bool = False) -> Plan:
    return plans.plan(workspace.load(root), TARGET, only, everything=everything)


def test_what_is_behind_follows(root: Path, recorded: Recorded) -> None:
    recorded(A, KIND, OLD, 'title = "A"')
    made = plan(root)
    assert (list(made.followed), made.left) == ([A], {})
    one = made.followed[A]
    assert (one.old, one.new, one.own, one.record.answers) == ("1.0", "2.0", False, {"title": "A"})


def test_what_is_in_step_or_has_no_record_does_not(
    root: Path, recorded: Recorded, package: Callable[..., Path]
) -> None:
    recorded(A, KIND, 'version = "2.0"')
    package(B)
    assert plan(root) == Plan()
    assert list(plan(root, everything=True).followed) == [A]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([KIND, OLD, 'keep = "rewritten"'], "keep: rewritten"),
        ([KIND], "its record has no version"),
        ([KIND, 'version = "3.0"'], "it was made from 3.0, which is newer"),
        ([KIND, 'version = "x"'], "its record: 'x' is no version; correct it"),
        (['kind = "nosuch"', OLD], "its kind nosuch is not there any longer"),
        ([OLD], f"{A}/pyproject.toml: the record of its template has no kind; correct it"),
    ],
)
def test_what_cannot_follow_stops_no_other(
    root: Path, recorded: Recorded, rows: list[str], reason: str
) -> None:
    recorded(A, *rows)
    recorded(B, KIND, OLD)
    made = plan(root)
    assert (list(made.followed), made.left) == ([B], {A: reason})


def test_a_broken_manifest_stops_no_other(root: Path, recorded: Recorded, write: Write) -> None:
    recorded(B, KIND, OLD)
    write({f"{A}/pyproject.toml": "["})
    made = plan(root)
    assert (list(made.followed), list(made.left)) == ([B], [A])


def test_a_broken_kind_stops_no_other(root: Path, recorded: Recorded, write: Write) -> None:
    recorded(A, 'kind = "worker"', OLD)
    recorded(B, KIND, OLD)
    write({"tools/templates/worker/cookiecutter.json": "{"})
    made = plan(root)
    assert list(made.followed) == [B]
    assert made.left[A].startswith("tools/templates/worker/cookiecutter.json:1: is not JSON")


def test_only_those_that_are_named(root: Path, recorded: Recorded) -> None:
    recorded(A, KIND, OLD)
    recorded(B, KIND, OLD)
    made = plan(root, A)
    assert (list(made.followed), made.left) == ([A], {B: "is not in PKG"})


QUESTIONS = "tools/templates/worker/cookiecutter.json"


def test_a_kind_of_the_teams(root: Path, recorded: Recorded, write: Write, save: Save) -> None:
    write({QUESTIONS: "{}"})
    save()
    was = kinds.tree(root, "worker")
    recorded(A, 'kind = "worker"', f'version = "{was}"')
    assert plan(root) == Plan()
    write({QUESTIONS: '{"title": "A"}'})
    one = plan(root).followed[A]
    assert (one.old, one.new, one.own) == ("", kinds.tree(root, "worker"), True)
    assert one.new != was
    manifest = root / A / "pyproject.toml"
    write({f"{A}/pyproject.toml": manifest.read_text("utf-8").replace(was, "0" * 40)})
    reason = "git does not have tools/templates/worker as it was"
    assert plan(root) == Plan({}, {A: reason})


def test_a_kind_as_it_was_comes_out_of_git(
    root: Path, recorded: Recorded, write: Write, save: Save, tmp_path: Path
) -> None:
    write({QUESTIONS: "{}", "tools/templates/worker/{{x}}/a": "1\n"})
    save()
    recorded(A, 'kind = "worker"', f'version = "{kinds.tree(root, "worker")}"')
    write({QUESTIONS: '{"title": "A"}', "tools/templates/worker/{{x}}/a": "2\n"})
    space = workspace.load(root)
    one = plans.plan(space, TARGET, ()).followed[A]
    folder = plans._kept_kind(space, one, tmp_path)
    assert folder
    assert (folder / "cookiecutter.json").read_text("utf-8") == "{}"
    assert (folder / "{{x}}/a").read_text("utf-8") == "1\n"
    # The checkout and its index are as they were.
    assert (root / "tools/templates/worker/{{x}}/a").read_text("utf-8") == "2\n"


def test_what_is_asked_about_a_package(root: Path, recorded: Recorded) -> None:
    recorded(A, KIND, OLD, 'dependencies = ["tiny-b[x]"]', 'title = "A"', "x = true")
    assert plans.question(plan(root).followed[A], None, {"x": "no"}) == {
        "path": A,
        "kind": "shared-py",
        "answers": {"title": "A", "x": "no"},
        "dependencies": ["tiny-b[x]"],
        "port": None,
        "folder": None,
    }


WORDS = st.sampled_from(["a", "b", "c", "d"])
SETS = st.sets(WORDS)


@given(st.dictionaries(WORDS, st.text()), SETS, st.dictionaries(st.sampled_from([A, B]), SETS))
def test_an_answer_is_given_to_who_asks(
    words: dict[str, str], root: set[str], packages: dict[str, set[str]]
) -> None:
    asked = root.union(*packages.values())
    if not words.keys() <= asked:
        with pytest.raises(UsageError) as caught:
            plans.given(words, root, packages)
        assert {one[4] for one in caught.value.mistakes} == words.keys() - asked
        return
    mine, theirs = plans.given(words, root, packages)
    assert mine == {key: value for key, value in words.items() if key in root}
    for path, questions in packages.items():
        rest = words.keys() & questions - root
        assert theirs[path] == {key: words[key] for key in rest}
