"""The command line: verbs, options, and the variables of Make that set their defaults."""

import argparse
from typing import Any

import pytest

from monorepo.parsing import arguments

VARIABLES = (
    *("PKG", "AT", "DEPS", "RULE", "UPGRADE", "DRY_RUN", "GITHUB_ACTIONS", "SET", "TEMPLATE"),
    "EXAMPLE",
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that Make would export."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("words", "key", "expected"),
    [
        (["install"], "packages", []),
        (["install", "a", "b"], "packages", ["a", "b"]),
        (["guard", "thin", "--package", "a", "b"], "packages", ["a", "b"]),
        (["guard", "--format", "sarif"], "format", "sarif"),
        (["guard"], "format", "text"),
        (["new", "shared/py/a"], "path", "shared/py/a"),
        (["new", "shared/py/a"], "dry_run", False),
        (["new", "shared/py/a"], "example", True),
        (["new", "shared/py/a", "--no-example"], "example", False),
        (["run", "test", "a", "--once"], "once", True),
        # What follows belongs to another program, whatever it looks like.
        (["serve", "a", "uvicorn", "--port", "1"], "command", ["uvicorn", "--port", "1"]),
        (["create", "--no-example", "out"], "example", False),
        (["create", "out", "--no-input", "a=b"], "words", ["--no-input", "a=b"]),
    ],
)
def test_words(words: list[str], key: str, expected: object) -> None:
    assert getattr(arguments.parser().parse_args(words), key) == expected


@pytest.mark.parametrize(
    ("variable", "value", "words", "key", "expected"),
    [
        ("PKG", "a b", ["install"], "packages", ["a", "b"]),
        ("PKG", "a b", ["install", "c"], "packages", ["c"]),
        ("AT", "shared/py/$(x) y", ["new"], "path", "shared/py/$(x) y"),
        ("RULE", "thin pins", ["guard"], "rules", ["thin", "pins"]),
        ("DRY_RUN", "1", ["remove"], "dry_run", True),
        ("DRY_RUN", "no", ["remove"], "dry_run", False),
        ("UNDO", "1", ["flatten"], "undo", True),
        ("UNDO", "0", ["flatten"], "undo", False),
        ("EXAMPLE", "0", ["new"], "example", False),
        ("EXAMPLE", "No", ["new"], "example", False),
        ("EXAMPLE", "1", ["new"], "example", True),
        ("EXAMPLE", "", ["new"], "example", True),
        ("EXAMPLE", "0", ["create", "out"], "example", False),
        ("GITHUB_ACTIONS", "true", ["guard"], "format", "github"),
    ],
)
def test_variables(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    words: list[str],
    key: str,
    expected: object,
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(arguments.parser().parse_args(words), key) == expected


@pytest.mark.parametrize(
    "words",
    [[], ["nope"], ["guard", "--form", "json"], ["guard", "--format", "xml"], ["run"], ["serve"]],
)
def test_wrong_use_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments.parser().parse_args(words)
    assert ended.value.code == 2
    assert "usage: monorepo" in capsys.readouterr().err


def test_only_the_parser_of_the_verb_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = argparse.ArgumentParser.__init__

    def init(self: argparse.ArgumentParser, **words: Any) -> None:  # noqa: ANN401 (argparse's own)
        made.append(words["prog"])
        real(self, **words)

    monkeypatch.setattr(argparse.ArgumentParser, "__init__", init)
    assert arguments.parser().parse_args(["affected", "--why", "a"]).why == "a"
    assert (made[0], made[-1]) == ("monorepo", "monorepo affected")
    assert "monorepo guard" not in made
