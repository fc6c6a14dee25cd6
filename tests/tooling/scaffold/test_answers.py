"""Answers that would break a repository are refused before anything is rendered."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.scaffold import answers
from monorepo.templating import jinja_filters

GOOD = {
    "project_name": "Acme Platform",
    "repo_name": "acme-platform",
    "description": "It.",
    "namespace": "acme",
    "author_name": "Ann",
    "author_email": "",
    "license": "MIT",
    "python_version": "3.11",
    "python_env": "shared",
    "manifests": "none",
    "packages": "shared/py/core services/js/web",
}


def test_every_question_has_an_answer_and_a_prompt() -> None:
    assert GOOD.keys() == answers.QUESTIONS.keys() == answers.TEMPLATE["__prompts__"].keys()
    assert answers.mistakes(GOOD) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("author_email", text) for text in ("a@b", "a.b+c@d-e.example", "!#$%@x.y")),
        *(("license", choice) for choice in answers.QUESTIONS["license"]),
        ("project_name", "Ünï << 7*7 >> {{ x }} \"'\\ \N{GRINNING FACE}"),
        ("description", "two\nlines\tand more\r\n"),
        ("packages", "  shared/py/a\n shared/js/a  services/py/a "),
        ("packages", "shared/py/class shared/py/site"),
    ],
)
def test_a_good_answer(key: str, value: str) -> None:
    assert answers.mistakes({**GOOD, key: value}) == []
    assert answers.problems(key, {**GOOD, key: value}) == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("project_name", " \t", "project_name: ' \\t' is empty; write a few words"),
        ("description", "a\x1b[31m", "has control characters; leave them out"),
        ("author_name", "a\ud800", "has control characters; leave them out"),
        ("repo_name", "../x", "repo_name: '../x' is not a name; "),
        ("repo_name", "x\n", "repo_name: 'x\\n' is not a name; "),
        ("namespace", "class", "namespace: 'class' is a Python keyword; "),
        ("license", "mit", "license: 'mit' is not one of MIT, Apache-2.0, BSD-3-Clause, Proprie"),
        ("python_version", "3.10", "python_version: '3.10' is not one of 3.11, "),
        ("python_env", "", "python_env: '' is not one of shared, per-package, uv; choose one"),
        ("packages", " ", "packages: is empty; name at least one, such as shared/py/core"),
        ("packages", "core", "packages: 'core' is not a package's path; use a name in one of "),
        ("packages", "shared/py/test", "packages: 'shared/py/test' is reserved by "),
        (
            "packages",
            "shared/py/a services/py/a shared/py/a",
            "packages: 'shared/py/a' is the same name as shared/py/a; name it once",
        ),
        *(
            ("author_email", text, "is not an e-mail address; fix it")
            for text in ("a", "a@", "@b", "a@b c", "a@b.", ".a@b", "a@b\n", "a <a@b>", "ä@b")
        ),
    ],
)
def test_a_bad_answer_is_one_line(key: str, value: str, said: str) -> None:
    (line,) = answers.mistakes({**GOOD, key: value})
    assert line.startswith(f"{key}: ") and said in line
    assert answers.problems(key, {**GOOD, key: value}) == [line]


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {"typo": "x", "license": "x", "packages": "a b", "author_email": "x"}
    assert [line.partition(":")[0] for line in answers.mistakes({**GOOD, **wrong})] == [
        *("'typo'", "author_email", "license", "packages", "packages")
    ]
    # The namespace makes the names of the packages.
    (line,) = answers.mistakes({**GOOD, "namespace": "sre", "packages": "shared/py/parse"})
    assert line.startswith("packages: 'shared/py/parse' would shadow sre_parse")


@given(st.sampled_from(list(GOOD)), st.text(st.characters(exclude_categories=()), max_size=20))
def test_any_answer_is_taken_or_told_on_one_line(key: str, value: str) -> None:
    for line in answers.mistakes({**GOOD, key: value}):
        assert line.startswith(f"{key}: ") and "; " in line
        assert line.isprintable()


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_a_free_text_that_is_taken_can_be_written(text: str) -> None:
    if not answers.problems("description", {**GOOD, "description": text}):
        assert tomllib.loads(f"x = {jinja_filters.quote(text)}")["x"] == text
        assert text.encode("utf-8")
