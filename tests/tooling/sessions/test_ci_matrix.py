"""Every session is in one row of CI's matrix, and there are few rows of like size."""

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo import cli
from monorepo.sessions.ci_matrix import ENOUGH, ROWS, matrix
from monorepo.system.errors import UsageError

# What Linux lets one variable hold.
VARIABLE = 128 * 1024


def proofs(path: str, language: str) -> list[dict[str, str | bool]]:
    """Return what nox lists for a package: its tasks, and the Python of each."""
    if language == "js":
        return [{"session": f"{task}({path})", "python": False} for task in ("test", "build")]
    tests = [(f"test-3.{minor}", f"3.{minor}") for minor in range(11, 15)]
    others = [(task, "3.11") for task in ("test-lowest", "test-extras", "test-coverage", "build")]
    return [{"session": f"{task}({path})", "python": python} for task, python in tests + others]


def listing(count: int) -> list[dict[str, str | bool]]:
    """Return what nox lists for as many packages, with names as long as they get."""
    languages = ["py" if number % 3 else "js" for number in range(count)]
    paths = [f"services/{language}/{number:064}" for number, language in enumerate(languages)]
    pairs = zip(paths, languages, strict=True)
    return [entry for path, language in pairs for entry in proofs(path, language)]


def rows(sessions: object, floor: str = "3.11") -> list[dict[str, str]]:
    """Return the rows of the matrix, after checks of what holds for all."""
    made = matrix(json.dumps(sessions), floor)
    assert made == matrix(json.dumps(sessions), floor)
    assert list(made) == ["include"]
    assert all(list(row) == ["name", "python", "sessions"] for row in made["include"])
    return made["include"]


@pytest.mark.parametrize(("packages", "least", "most"), [(1, 1, 1), (2, 4, 4), (7, 5, 8)])
def test_a_small_repository_has_few_rows(packages: int, least: int, most: int) -> None:
    assert least <= len(rows(listing(packages))) <= most


def test_a_large_repository_has_no_more_than_there_may_be() -> None:
    made = rows(listing(300))
    assert len(made) == ROWS
    sizes = [row["sessions"].count(",") + 1 for row in made]
    assert max(sizes) < 2 * min(sizes)
    assert max(len(row["sessions"]) for row in made) < VARIABLE / 8


def test_rows_say_what_they_are() -> None:
    two = [{"session": f"test-3.12({number})", "python": "3.12"} for number in range(ENOUGH + 1)]
    made = rows([*two, {"session": "smoke(a)", "python": None}])
    assert [(row["name"], row["python"]) for row in made] == [
        ("Python 3.11", "3.11"),
        ("Python 3.12, 1 of 2", "3.12"),
        ("Python 3.12, 2 of 2", "3.12"),
    ]
    assert made[0]["sessions"] == "smoke(a)"


@given(
    st.dictionaries(
        st.from_regex(r"[a-z-]{1,6}\([a-z0-9./-]{1,9}\)", fullmatch=True),
        st.sampled_from(["3.9", "3.11", "3.12", "3.13", "3.14", None, False]),
        min_size=1,
        max_size=400,
    )
)
def test_every_session_is_proven_once(sessions: dict[str, str | None]) -> None:
    made = rows([{"session": name, "python": python} for name, python in sessions.items()])
    dealt = [(name, row["python"]) for row in made for name in row["sessions"].split(",")]
    assert sorted(dealt) == sorted((name, python or "3.11") for name, python in sessions.items())
    assert len(made) <= ROWS
    assert len({row["name"] for row in made}) == len(made)
    for python in {row["python"] for row in made}:
        sizes = [row["sessions"].count(",") + 1 for row in made if row["python"] == python]
        assert max(sizes) - min(sizes) <= 1
        assert len(sizes) == 1 or sum(sizes) > ENOUGH * (len(sizes) - 1)


@pytest.mark.parametrize("name", ["test(a),b", "test(a)\n", "$(x)", "test(a b)", "test(A)"])
def test_a_name_that_no_workflow_takes_is_told(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        matrix(json.dumps([{"session": name, "python": None}]), "3.11")
    assert caught.value.mistakes[0].startswith(f"{name}: is not allowed in a workflow; ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nox > Error",
        "[]",
        "{}",
        "null",
        '[{"session": "test(a)"}]',
        '["test(a)"]',
        '[{"session": "test(a)", "python": "3.11\\n"}]',
        '[{"session": "test(a)", "python": "${{ x }}"}]',
        '[{"session": "test(a)", "python": ["3.11"]}]',
    ],
)
def test_what_is_no_listing_is_refused(
    text: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="stdin: lists no sessions; pipe"):
        matrix(text, "3.11")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert cli.main(["--root", str(root), "matrix"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"monorepo: .*\n", err)


def test_the_matrix_is_one_line_of_json(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(listing(6))))
    assert cli.main(["--root", str(root), "matrix"]) == 0
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    assert json.loads(out) == {"include": rows(listing(6))}
