"""Which sessions there are, what they are called, and which of them run."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nox
import pytest

from monorepo.core.workspace import NEWEST
from monorepo.sessions import registration
from monorepo.sessions.definitions import TASKS, UNPINNED

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]

PYTHONS = [f"3.{minor}" for minor in range(11, NEWEST + 1)]
TESTS = [f"test-{python}" for python in PYTHONS]
SLOW = ["test-lowest", *UNPINNED, "test-extras", "test-coverage", "build"]
RUNNING = f"3.{sys.version_info.minor}"


@pytest.fixture
def listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listed]:
    """List the sessions of a folder of the tiny monorepo, for a nox that is given some words."""
    for option in ("default_venv_backend", "download_python"):
        monkeypatch.setattr(nox.options, option, getattr(nox.options, option))
    # It takes these out of the environment, to which they come back.
    for name in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)

    def listed(*words: str, at: str = "") -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["nox", *words])
        nox.registry.reset()
        registration.register(root / at)
        return nox.registry.get()

    yield listed
    nox.registry.reset()


@pytest.fixture
def refused(listed: Listed, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """List the sessions of the root, where packages are left out; return what is printed.

    One that fails takes their place, and in the folder of such a package there are none.
    """

    def refused() -> list[str]:
        there = listed()
        lines = capsys.readouterr().err.splitlines()
        assert "manifests" in there
        assert there["manifests"].tags == ["quick", "proof"]
        for path in sorted({line.removeprefix("monorepo: ").rpartition("/")[0] for line in lines}):
            assert not [name for name in there if name.endswith(f"({path})")]
            with pytest.raises(SystemExit) as caught:
                listed(at=path)
            assert caught.value.code == 2
        capsys.readouterr()
        return lines

    return refused


@pytest.fixture
def three(package: MakePackage, write: Write) -> None:
    """Write a package of each sort that has sessions of its own."""
    package("shared/py/a")
    package("services/py/api")
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})


def test_names_at_the_root(three: None, listed: Listed) -> None:
    python = ["lint", "type-check", *TESTS, *SLOW]
    cells = {f"{task}({path})" for task in python for path in ("shared/py/a", "services/py/api")}
    javascript = ["lint", "type-check", "test", "test-coverage", "build"]
    cells |= {f"{task}(shared/js/web)" for task in javascript} | {"smoke(services/py/api)"}
    assert set(listed()) == cells | (TASKS.keys() - {"test-gpu"}) | set(TESTS)


@pytest.mark.parametrize(
    ("at", "names"),
    [
        ("shared/py/a", ["lint", "type-check", "test", *TESTS, *SLOW]),
        ("services/py/api", ["lint", "type-check", "test", *TESTS, *SLOW, "smoke"]),
        ("shared/js/web", ["lint", "type-check", "test", "test-coverage", "build"]),
    ],
)
def test_names_in_a_packages_folder(three: None, listed: Listed, at: str, names: list[str]) -> None:
    assert list(listed(at=at)) == names


def test_gathering_sessions_require_the_others(three: None, listed: Listed) -> None:
    found = listed()
    assert found["smoke"].requires == ["smoke(services/py/api)"]
    every = ["shared/py/a", "services/py/api"]
    assert sorted(found[TESTS[0]].requires) == sorted(f"{TESTS[0]}({path})" for path in every)
    versions = {f"{test}({path})" for test in TESTS for path in every}
    assert set(found["test"].requires) == versions | {"test(shared/js/web)"}
    assert found["test"].python is False
    assert listed(at="shared/py/a")["test"].requires == TESTS


def test_which_run_by_default_and_by_tag(three: None, listed: Listed) -> None:
    found = listed()
    tagged = {
        tag: {name for name in found if tag in found[name].tags}
        for tag in ("quick", "slow", "proof")
    }
    own = {name.partition("(")[0] for name in found if name.endswith("(services/py/api)")}
    cells = {name for name in found if "(" in name}
    quick = ("lint", "type-check", "test(", f"test-{RUNNING}(")
    assert tagged["quick"] == {name for name in cells if name.startswith(quick)}
    # What they do depends on an index: they run only by name.
    fixed = {name for name in cells if not name.startswith(UNPINNED)}
    assert tagged["slow"] == fixed - tagged["quick"]
    assert tagged["proof"] == {n for n in fixed if not n.startswith(("lint", "type-check"))}
    assert not any(found[name].tags for name in cells - fixed)
    assert own == {"lint", "type-check", *TESTS, *SLOW, "smoke"}
    assert tagged["quick"] == {name for name in found if found[name].default}
    assert found[f"test-{RUNNING}(shared/py/a)"].python == RUNNING
    assert found["lint(shared/py/a)"].python is False


@pytest.mark.parametrize("flag", ["-l", "--list", "--list-sessions"])
def test_people_see_one_python(three: None, listed: Listed, flag: str) -> None:
    names = set(listed(flag))
    assert f"test-{RUNNING}(shared/py/a)" in names
    assert not {f"{test}(shared/py/a)" for test in TESTS if test != f"test-{RUNNING}"} & names
    assert not set(TESTS) & names
    for words in ((flag, "--json"), (flag, "-s", "test"), ("-t", "proof")):
        assert {*TESTS, f"{TESTS[-1]}(shared/py/a)", f"{TESTS[0]}(shared/py/a)"} <= set(
            listed(*words)
        )


@pytest.mark.parametrize("count", [registration.READABLE, registration.READABLE + 1, 100])
def test_people_see_the_tasks_of_many_packages(
    package: MakePackage, listed: Listed, count: int
) -> None:
    for number in range(count):
        package(f"shared/py/p{number}")
    found = listed("-l")
    if count <= registration.READABLE:
        assert "lint(shared/py/p0)" in found
        return
    assert list(found) == [task for task in TASKS if task not in ("smoke", "test-gpu")]
    assert [name for name in found if found[name].default] == list(registration.QUICK)
    assert len(listed("-l", "--json")) > count * len(PYTHONS)


@pytest.mark.parametrize(
    ("requires", "pythons"),
    [
        (">=3.11", PYTHONS),
        (">=3.13", PYTHONS[2:]),
        (">=3.12.1,<3.14", ["3.12", "3.13"]),
        ("~=3.12", PYTHONS[1:]),
        ("==3.12.*", ["3.12"]),
        ("<=3.12", ["3.11", "3.12"]),
        # Older ones are not what the pins are made for.
        (">=3.8", PYTHONS),
    ],
)
def test_a_package_may_support_fewer_pythons(
    three: None, root: Path, listed: Listed, requires: str, pythons: list[str]
) -> None:
    file = root / "shared/py/a/pyproject.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(">=3.11", requires), encoding="utf-8")
    found = listed()
    mine = [name for name in found if name.startswith("test-3") and name.endswith("/a)")]
    assert mine == [f"test-{python}(shared/py/a)" for python in pythons]
    oldest = RUNNING if RUNNING in pythons else pythons[0]
    assert found["build(shared/py/a)"].python == oldest
    assert found[f"test-{oldest}(shared/py/a)"].default


def test_nothing_older_than_the_repositorys_python(
    three: None, root: Path, write: Write, listed: Listed
) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('python = "3.11"', 'python = "3.13"')})
    assert "test-3.13(shared/py/a)" in listed()
    assert not {"test-3.12", "test-3.12(shared/py/a)"} & set(listed())


def test_no_python_is_refused(three: None, root: Path, refused: Callable[[], list[str]]) -> None:
    where, line = [], "requires-python = '>=3.99'\n"
    for path in ("services/py/api", "shared/py/a"):
        file = root / path / "pyproject.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("requires-python = '>=3.11'\n", line), encoding="utf-8")
        where.append(f"monorepo: {path}/pyproject.toml: requires-python: ")
    why = f"allows no Python from 3.11 to 3.{NEWEST}; write >=3.11"
    assert sorted(refused()) == [f"{one}{why}" for one in where]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"tests": "why"}, "tests is not a session of it; there are lint, type-check, test, "),
        ({"smoke": "it is no service"}, "smoke is not a session of it"),
        ({"lint": ""}, 'lint has no reason on one line; write lint = "why not"'),
        ({"lint": "  "}, "lint has no reason"),
        ({"lint": "red\x1b[31m"}, "lint has no reason"),
        ({"lint": True}, "lint has no reason"),
        ("lint", "lint has no reason"),
        (["lint"], "['lint'] is not a session"),
    ],
)
def test_a_bad_opt_out_is_refused(
    package: MakePackage,
    write: Write,
    refused: Callable[[], list[str]],
    told: object,
    why: str,
) -> None:
    file = package("shared/py/a") / "pyproject.toml"
    value = (
        f"{{ {next(iter(told))} = {json.dumps(told[next(iter(told))])} }}"
        if isinstance(told, dict)
        else json.dumps(told)
    )
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\n[tool.monorepo]\nsessions = {value}\n", encoding="utf-8")
    write(
        {
            "shared/js/web/package.json": json.dumps(
                {"name": "@tiny/web", "monorepo": {"sessions": told}}
            )
        }
    )
    lines = refused()
    assert len(lines) == 2
    assert lines[0].startswith(f"monorepo: shared/py/a/pyproject.toml: monorepo.sessions: {why}")
    assert lines[1].startswith(f"monorepo: shared/js/web/package.json: monorepo.sessions: {why}")


def test_every_broken_manifest_is_told_of(
    package: MakePackage, write: Write, refused: Callable[[], list[str]]
) -> None:
    write({"shared/py/a/pyproject.toml": "[", "shared/js/web/package.json": "{"})
    package("services/py/api", "tiny-a")
    package("shared/py/b")
    assert [line.partition(": is no")[0] for line in refused()] == [
        "monorepo: shared/py/a/pyproject.toml:1",
        "monorepo: shared/js/web/package.json:1",
        "monorepo: services/py/api/pyproject.toml: needs shared/py/a, whose manifest is broken;"
        " see shared/py/a",
    ]


def test_a_package_without_a_range_is_for_every_python(
    three: None, root: Path, listed: Listed
) -> None:
    file = root / "shared/py/a/pyproject.toml"
    text = file.read_text(encoding="utf-8").replace("requires-python = '>=3.11'\n", "")
    file.write_text(text, encoding="utf-8")
    assert {f"{test}(shared/py/a)" for test in TESTS} <= set(listed())


def test_an_opt_out_is_listed_with_its_reason(
    package: MakePackage, write: Write, listed: Listed
) -> None:
    file = package("shared/py/a") / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    table = '[tool.monorepo.sessions]\nbuild = "never leaves"\n'
    told = {"name": "@tiny/web", "monorepo": {"sessions": {"type-check": "has none"}}}
    file.write_text(f"{text}\n{table}", encoding="utf-8")
    write({"shared/js/web/package.json": json.dumps(told)})
    found = listed()
    assert found["build(shared/py/a)"].func.__doc__ == "Opted out: never leaves"
    assert found["type-check(shared/js/web)"].func.__doc__ == "Opted out: has none"
    assert not found["lint(shared/py/a)"].func.__doc__
    assert listed(at="shared/py/a")["lint"].func.__doc__ == TASKS["lint"]
