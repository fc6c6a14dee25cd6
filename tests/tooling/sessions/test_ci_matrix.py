"""Every session is in one row of CI's matrix, and there are few rows that take about as long."""

import io
import json
import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo import cli
from monorepo.programs.git import Git
from monorepo.sessions import durations
from monorepo.sessions.ci_matrix import (
    ENOUGH,
    JOBS,
    MOST_JOBS,
    USUAL,
    estimated,
    jobs,
    matrix,
    of_packages,
    sessions,
)
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
# What Linux lets one variable hold.
VARIABLE = 128 * 1024
PYTHONS = ["3.9", "3.11", "3.12", "3.14"]
NAMES = st.from_regex(r"[a-z-]{1,6}\([a-z0-9./-]{1,9}\)", fullmatch=True)
SECONDS = st.one_of(st.integers(0, 5000), st.floats(0, 2 * ENOUGH))


def proofs(path: str, language: str) -> dict[str, str]:
    """Return the sessions of a package, with the Python of each."""
    if language == "js":
        return {f"{task}({path})": "3.11" for task in ("test", "build")}
    tests = {f"test-3.{minor}({path})": f"3.{minor}" for minor in range(11, 15)}
    others = ("test-lowest", "test-extras", "test-coverage", "build")
    return tests | {f"{task}({path})": "3.11" for task in others}


def many(count: int) -> dict[str, str]:
    """Return the sessions of as many packages, with names as long as they get."""
    found: dict[str, str] = {}
    for number in range(count):
        language = "py" if number % 3 else "js"
        found |= proofs(f"services/{language}/{number:064}", language)
    return found


def listing(found: Mapping[str, str]) -> str:
    """Return what nox lists for sessions."""
    return json.dumps([{"session": name, "python": python} for name, python in found.items()])


def rows(
    found: Mapping[str, str], recorded: Mapping[str, float] | None = None, most: int = JOBS
) -> list[dict[str, str]]:
    """Return the rows of the matrix, after checks of what holds for all."""
    made = matrix(found, recorded or {}, most)
    assert made == matrix(dict(found), dict(recorded or {}), most)
    assert list(made) == ["include"]
    include = made["include"]
    assert all(list(row) == ["name", "python", "sessions"] for row in include)
    assert len(include) <= most
    assert len({row["name"] for row in include}) == len(include)
    dealt = [(name, row["python"]) for row in include for name in row["sessions"].split(",")]
    assert sorted(dealt) == sorted(found.items())
    return include


def loads(include: list[dict[str, str]], seconds: Mapping[str, float]) -> dict[str, list[float]]:
    """Return the seconds of each row of each Python."""
    found: dict[str, list[float]] = {}
    for row in include:
        names = row["sessions"].split(",")
        found.setdefault(row["python"], []).append(sum(seconds[name] for name in names))
    return found


@pytest.mark.parametrize(("packages", "least", "most"), [(1, 1, 1), (2, 4, 4), (7, 5, 8)])
def test_a_small_repository_has_few_rows(packages: int, least: int, most: int) -> None:
    assert least <= len(rows(many(packages))) <= most


def test_a_large_repository_has_no_more_than_there_may_be() -> None:
    made = rows(many(300))
    assert len(made) == JOBS
    sizes = [row["sessions"].count(",") + 1 for row in made]
    assert max(sizes) < 2 * min(sizes)
    assert max(len(row["sessions"]) for row in made) < VARIABLE / 8


def test_a_matrix_has_no_more_rows_than_github_takes() -> None:
    found = {f"build(shared/js/p{number})": "3.11" for number in range(4000)}
    slow = dict.fromkeys(found, 3600.0)
    assert len(rows(found, slow, MOST_JOBS)) == MOST_JOBS


def test_nothing_is_no_row() -> None:
    assert matrix({}, {"test(a)": 3}, JOBS) == {"include": []}


def test_rows_say_what_they_are() -> None:
    count = ENOUGH // USUAL + 1
    two = {f"test-3.12({number})": "3.12" for number in range(count)}
    made = rows({**two, "smoke(a)": "3.9"})
    assert [(row["name"], row["python"]) for row in made] == [
        ("Python 3.9", "3.9"),
        ("Python 3.12, 1 of 2", "3.12"),
        ("Python 3.12, 2 of 2", "3.12"),
    ]
    assert made[0]["sessions"] == "smoke(a)"


def test_the_longest_session_goes_first_into_the_emptiest_row() -> None:
    recorded = {"test(a)": 200, "test(b)": 190, "test(c)": 100, "test(d)": 50, "test(e)": 40}
    made = rows(dict.fromkeys(sorted(recorded), "3.11"), recorded, most=2)
    assert [row["sessions"] for row in made] == ["test(a),test(d),test(e)", "test(b),test(c)"]


def test_a_session_that_takes_all_the_time_has_a_row_and_the_others_one() -> None:
    recorded = {"test(a)": 5000.0, **{f"test({name})": 10.0 for name in "bcdefgh"}}
    made = rows(dict.fromkeys(recorded, "3.11"), recorded)
    assert [row["sessions"].count(",") for row in made] == [0, 6]


def test_what_was_never_recorded_takes_the_median_of_its_task() -> None:
    recorded = {
        **{"test-3.11(a)": 10.0, "test-3.12(a)": 30.0, "test-3.11(gone)": 80.0},
        **{"build(a)": 0.0, "audit": 7.0},
    }
    names = ["test-3.11(a)", "test-3.13(b)", "build(a)", "build(b)", "smoke(b)", "audit"]
    assert estimated(names, recorded) == {
        **{"test-3.11(a)": 10, "test-3.13(b)": 30, "build(a)": 1, "build(b)": 1},
        **{"smoke(b)": USUAL, "audit": 7},
    }


@given(
    st.dictionaries(NAMES, st.sampled_from(PYTHONS), min_size=1, max_size=300),
    st.data(),
    st.integers(len(PYTHONS), MOST_JOBS),
)
def test_every_session_is_proven_once_in_rows_that_are_bounded(
    found: dict[str, str], data: st.DataObject, most: int
) -> None:
    """The bound is Graham's, for each Python: at most a mean row and the longest session."""
    known = data.draw(st.lists(st.sampled_from(sorted(found)), unique=True))
    recorded = {name: float(data.draw(SECONDS)) for name in known}
    made = rows(found, recorded, most)
    seconds = estimated(found, recorded)
    for python, sums in loads(made, seconds).items():
        longest = max(seconds[name] for name in found if found[name] == python)
        mean = sum(sums) / len(sums)
        assert max(sums) <= mean + (1 - 1 / len(sums)) * longest + 1e-6
        # A row is there because those before it had enough to do.
        assert len(sums) == 1 or mean * len(sums) / (len(sums) - 1) > max(ENOUGH, longest) - 1e-6
    if len(made) < most:
        for python, sums in loads(made, seconds).items():
            longest = max(seconds[name] for name in found if found[name] == python)
            assert sum(sums) / len(sums) <= max(ENOUGH, longest) + 1e-6


@given(st.lists(st.integers(100, 900), min_size=2, max_size=7), st.integers(2, 3))
def test_no_row_takes_a_third_longer_than_in_the_best_distribution(
    given_seconds: list[int], most: int
) -> None:
    recorded = {f"test({number})": float(one) for number, one in enumerate(given_seconds)}
    made = rows(dict.fromkeys(recorded, "3.11"), recorded, most)
    (sums,) = loads(made, recorded).values()
    best = min(
        max(
            sum(one for one, row in zip(given_seconds, dealt, strict=True) if row == number)
            for number in range(len(sums))
        )
        for dealt in product(range(len(sums)), repeat=len(given_seconds))
    )
    assert max(sums) <= (4 / 3 - 1 / (3 * len(sums))) * best + 1e-6


def test_only_sessions_of_some_packages_and_of_none() -> None:
    found = {
        **{"test-3.11(shared/py/core)": "3.11", "build(shared/py/core-x)": "3.11"},
        **{"test(packages/acme-web)": "3.11", "manifests": "3.11", "licenses-3.12": "3.12"},
    }
    team = {"manifests": "3.11", "licenses-3.12": "3.12"}
    assert of_packages(found, ["shared/py/core"]) == {"test-3.11(shared/py/core)": "3.11", **team}
    assert of_packages(found, []) == team
    assert of_packages(found, ["shared/py/core", "shared/py/core-x", "packages/acme-web"]) == found


@pytest.mark.parametrize(
    ("table", "mistakes"),
    [
        ({"jobs": 0}, ["jobs: is not a number from 1 to 256; write jobs = 24"]),
        ({"jobs": 257}, ["jobs: is not a number from 1 to 256; write jobs = 24"]),
        ({"jobs": True}, ["jobs: is not a number from 1 to 256; write jobs = 24"]),
        ({"jobs": "8"}, ["jobs: is not a number from 1 to 256; write jobs = 24"]),
        (
            {"jobs": 3},
            [
                "jobs: is 3, but the sessions need 4 versions of Python, and a job has one;"
                " write 4 or more"
            ],
        ),
        (
            {"job\n": 8, "jobs": 1.5},
            [
                "'job\\n': is not known; write jobs only",
                "jobs: is not a number from 1 to 256; write jobs = 24",
            ],
        ),
    ],
)
def test_a_wrong_number_of_jobs_is_told(table: dict[str, object], mistakes: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        jobs({"ci": table}, 4)
    assert caught.value.mistakes == tuple(
        f"pyproject.toml: [tool.monorepo.ci] {mistake}" for mistake in mistakes
    )


def test_the_number_of_jobs_is_a_setting() -> None:
    assert jobs({}, 4) == jobs({"ci": {}}, 4) == JOBS
    assert [jobs({"ci": {"jobs": number}}, 4) for number in (4, 256)] == [4, 256]
    with pytest.raises(UsageError, match=r"\[tool.monorepo.ci\]: is not a table; write jobs = 24"):
        jobs({"ci": 8}, 4)


def test_more_than_a_variable_holds_is_told() -> None:
    with pytest.raises(UsageError, match=r"jobs: is 4, so that a row would have more sessions"):
        matrix(many(3000), {}, 4)
    with pytest.raises(UsageError, match="matrix: 18000 sessions are more than a matrix"):
        matrix(many(3000), {}, MOST_JOBS)


@pytest.mark.parametrize("name", ["test(a),b", "test(a)\n", "$(x)", "test(a b)", "test(A)"])
def test_a_name_that_no_workflow_takes_is_told(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        sessions(listing({name: "3.11"}), "3.11")
    assert caught.value.mistakes[0].startswith(f"{name}: is not allowed in a workflow; ")


def test_a_session_without_a_python_has_the_lowest() -> None:
    text = json.dumps([{"session": "a", "python": None}, {"session": "b", "python": False}])
    assert sessions(text, "3.12") == {"a": "3.12", "b": "3.12"}


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
        sessions(text, "3.11")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert cli.main(["--root", str(root), "matrix"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"monorepo: .*\n", err)


CORE = {"build(shared/py/core)": "3.11", "test-3.12(shared/py/core)": "3.12"}
OTHER = {"test-3.12(shared/py/other)": "3.12"}


def ask(
    root: Path, monkeypatch: pytest.MonkeyPatch, *words: str, found: Mapping[str, str] | None = None
) -> int:
    """Return the exit code of the verb for what nox lists."""
    monkeypatch.setattr("sys.stdin", io.StringIO(listing(found or {**CORE, **OTHER})))
    return cli.main(["--root", str(root), "matrix", *words])


def test_the_lines_are_outputs_of_a_job(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(root, monkeypatch, found=many(6)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    outputs = dict(line.split("=", 1) for line in out.splitlines())
    assert list(outputs) == ["any", "matrix"]
    assert outputs["any"] == "true"
    assert json.loads(outputs["matrix"]) == {"include": rows(many(6))}


def test_only_affected_packages_are_tested(
    root: Path,
    package: MakePackage,
    save: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("core", "other"):
        package(f"shared/py/{name}")
    base = save()
    for before, after in ((package("shared/py/core") / "src/new.py", 1), (root / "NOTES.md", 0)):
        before.write_text("", encoding="utf-8")
        save()
        assert ask(root, monkeypatch, f"--base={base}", "--names") == 0
        out, err = capsys.readouterr()
        assert out.split() == ([*CORE] if after else [])
        told = f"monorepo: {after} of 2 packages are affected; make affected BASE={base} says why"
        assert err == f"{told}\n"
        monkeypatch.setenv("BASE", base)
        assert ask(root, monkeypatch) == 0
        any_, matrix_ = capsys.readouterr().out.splitlines()
        assert any_ == f"any={json.dumps(bool(after))}"
        assert matrix_ == f"matrix={json.dumps(matrix(CORE if after else {}, {}, JOBS))}"
        monkeypatch.delenv("BASE")
        base = save()


def test_a_change_of_what_is_not_known_affects_every_package(
    root: Path,
    package: MakePackage,
    write: Callable[[dict[str, str]], None],
    save: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("core", "other"):
        package(f"shared/py/{name}")
    save()
    write({"unknown.bin": ""})
    assert ask(root, monkeypatch, "--base=HEAD", "--names") == 0
    out, err = capsys.readouterr()
    assert out.split() == [*CORE, *OTHER]
    assert err.startswith("monorepo: every package is affected: ")


@pytest.mark.parametrize("base", ["nowhere", "--exec=x", "a b;c", "$(x)", "HEAD^9", "-x"])
def test_a_base_that_is_no_commit_fails(
    base: str,
    root: Path,
    save: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save()
    assert ask(root, monkeypatch, f"--base={base}") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"monorepo: BASE=.* is not a commit here; .*\n", err)


def test_the_setting_and_the_durations_count(
    root: Path,
    package: MakePackage,
    git: Git,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {f"test(shared/js/{name})": "3.11" for name in "abcd"}
    for name in found:
        durations.record(root, name, 3 * ENOUGH)
    counts = {}
    manifest = root / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    for number in (2, 3, 4, 8):
        manifest.write_text(f"{text}\n[tool.monorepo.ci]\njobs = {number}\n", encoding="utf-8")
        assert ask(root, monkeypatch, found=found) == 0
        told = capsys.readouterr().out.partition("matrix=")[2]
        counts[number] = len(json.loads(told)["include"])
    assert counts == {2: 2, 3: 3, 4: 4, 8: 4}
    manifest.write_text(f"{text}\n[tool.monorepo.ci]\njobs = 0\n", encoding="utf-8")
    assert ask(root, monkeypatch, found=found) == 2
    assert "[tool.monorepo.ci] jobs: is not a number" in capsys.readouterr().err
