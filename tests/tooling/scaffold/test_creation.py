"""A new monorepo is there as a whole or not at all, and its answers are data."""

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo import cli
from monorepo.core import workspace
from monorepo.scaffold import answers, creation
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held

Capture = pytest.CaptureFixture[str]
QUIET = ["--no-input", "--default-config"]
SMALL = ["repo_name=acme", "packages=shared/py/core"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    out = tmp_path / "a b ü"
    out.mkdir()
    return out


def refused(out: Path, *words: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        creation.create(out, words)
    return list(caught.value.mistakes)


def test_a_monorepo_and_what_to_do_next(out: Path, capsys: Capture) -> None:
    name = 'project_name=<< 7*7 >> {{ x }} "'
    assert creation.create(out, [*QUIET, *SMALL, name]) == 0
    assert capsys.readouterr().out == (
        f"\nMade {out}/acme. Next:\n\n  cd '{out}/acme'\n  make install\n  make check\n"
    )
    assert [path.name for path in out.iterdir()] == ["acme"]
    space = workspace.load_whole(out / "acme")
    assert list(space.packages) == ["shared/py/core"]
    assert space.facts["project-name"] == '<< 7*7 >> {{ x }} "'
    # A second one of that name is none.
    (line,) = refused(out, *QUIET, *SMALL)
    assert line == f"repo_name: {out}/acme exists already; choose another"


def test_the_first_packages_are_made_without_their_example_if_so_asked(out: Path) -> None:
    words = [*QUIET, "repo_name=acme", "packages=shared/py/core services/py/api"]
    assert cli.main(["create", "--no-example", str(out), *words]) == 0
    # The example of a service is a package with a database.
    packages = workspace.load_whole(out / "acme").packages
    assert list(packages) == ["shared/py/core", "shared/py/service", "services/py/api"]
    assert not (out / "acme/shared/py/core/src/acme_core/retries.py").exists()
    for path in ("shared/py/core", "services/py/api"):
        assert packages[path].settings["template"]["example"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["repo_name=../x", "namespace=x"], ["repo_name: '../x' is not a name; "]),
        (["typo=1", "license=x"], ["'typo': is not a question; ", "license: 'x' is not one of "]),
        (["--nosuch"], ["ANSWERS: "]),
        (["no pair"], ["ANSWERS: "]),
        (["--version"], ["ANSWERS: asks for a version; leave it out"]),
        (["--output-dir", "x", "-f"], ["ANSWERS: --output-dir, --overwrite-if-exists is not for"]),
        (["--config-file", "no such file"], ["cookiecutter's configuration: "]),
    ],
)
def test_wrong_words_make_nothing(out: Path, words: list[str], said: list[str]) -> None:
    found = refused(out, "--no-input", *words)
    assert len(found) == len(said)
    assert all(line.startswith(one) for line, one in zip(found, said, strict=True)), found
    assert list(out.iterdir()) == []


def test_a_place_where_nothing_can_be_made(out: Path) -> None:
    (line,) = refused(out / "gone", *QUIET, *SMALL)
    assert line == f"OUT: {out}/gone is not a folder; create it first"
    (out / "{{ x }}").mkdir()
    (line,) = refused(out / "{{ x }}", *QUIET, *SMALL)
    assert line.endswith("{{ x }} has template markup in it; choose another folder")
    # With questions, it is told before the first.
    assert refused(out / "gone") == [f"OUT: {out}/gone is not a folder; create it first"]


def test_the_nearer_answer_wins(out: Path) -> None:
    config = out / "config.yaml"
    mine = "default_context:\n  namespace: mine\n  license: Proprietary\n  other: x\n"
    config.write_text(mine, encoding="utf-8")
    words = ["--no-input", "--config-file", str(config), "namespace=theirs", "project_name=Big Co"]
    found = creation.collect(words, out)
    told = ("namespace", "license", "repo_name", "author_name")
    assert [found[key] for key in told] == ["theirs", "Proprietary", "big-co", "The Big Co team"]
    assert "other" not in found
    assert (found["__python"], found["__services"]) == ("shared/py/core", "services/py/api")
    assert creation.collect(QUIET, out)["license"] == "MIT"


def test_a_bad_answer_is_asked_again(
    out: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "taken").mkdir()
    typed = ["Acme", "taken", "../x", "acme", "", "", "", "", "9", "apache", "2", "", ""]
    typed += ["shared/py/a"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join([*typed, ""])))
    found = creation.collect(["--default-config"], out)
    assert {key: found[key] for key in answers.QUESTIONS} == {
        "project_name": "Acme",
        "repo_name": "acme",
        "description": "All the code of Acme, in one place.",
        "namespace": "acme",
        "author_name": "The Acme team",
        "author_email": "",
        "license": "Apache-2.0",
        "python_version": "3.12",
        "python_env": "shared",
        "manifests": "none",
        "packages": "shared/py/a",
    }
    said = capsys.readouterr().out
    assert "taken exists already; choose another" in said
    assert "repo_name: '../x' is not a name; " in said
    assert "license: '9' is not one of MIT, " in said


def test_without_a_terminal_it_stops(
    out: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Acme\n"))
    assert creation.create(out, ["--default-config"]) == 130
    assert capsys.readouterr().err == (
        "\nmonorepo: stopped, nothing half-made is left;"
        " without a terminal, give ANSWERS=--no-input\n"
    )
    assert list(out.iterdir()) == []


def test_a_folder_that_came_into_being_meanwhile_stays(out: Path) -> None:
    context = creation.collect([*QUIET, *SMALL], out)
    (out / "acme").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"^repo_name: .*/acme exists already; choose another$"):
        creation.make(out, context)
    assert [path.name for path in out.iterdir()] == ["acme"]


def test_only_what_a_killed_run_left_is_removed(out: Path) -> None:
    for name in ("dead", "alive"):
        (out / f"{creation.STAGE}{name}/deep").mkdir(parents=True)
    (out / "other").mkdir()
    with held(out / f"{creation.STAGE}alive"):
        creation.tidy(out)
        assert {path.name for path in out.iterdir()} == {f"{creation.STAGE}alive", "other"}
    creation.tidy(out)
    assert [path.name for path in out.iterdir()] == ["other"]


WORDS = st.text("aAbB12-", max_size=3)


@given(WORDS, st.lists(WORDS, max_size=4, unique=True))
def test_a_word_is_a_choice_or_stays(word: str, offered: list[str]) -> None:
    found = creation.chosen(word, offered)
    assert found in [*offered, word]
    if word in offered and not word.isdecimal():
        assert found.lower() == word.lower()


@given(st.lists(WORDS.filter(bool), min_size=1, max_size=4, unique=True), st.data())
def test_each_choice_has_a_number(offered: list[str], data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(offered)))
    assert creation.chosen(str(number), offered) == offered[number - 1]
