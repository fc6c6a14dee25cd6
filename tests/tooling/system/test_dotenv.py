"""Settings of one machine are read as they stand there, and a malformed line is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.system import dotenv
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("A=", ""),
        ("  export A = 1  ", "1"),
        ("A=a b # comment", "a b"),
        ("A=a#b", "a#b"),
        ("A= # comment", ""),
        ("A=#comment", None),
        ("A='a # b' # comment", "a # b"),
        ("A='$(touch P) ${HOME} `x`'", "$(touch P) ${HOME} `x`"),
        ("A=$(touch P) $HOME", "$(touch P) $HOME"),
        (r'A="a \"b\" \\ \n \$c"', 'a "b" \\ \n $c'),
        ("A=it's", "it's"),
        ("A=ä=ö", "ä=ö"),
        ("A='a", None),
        ('A="a', None),
        ('A="\\x"', None),
        ("A='a'b", None),
        ("A", None),
        ("=1", None),
        ("1A=1", None),
        ("A B=1", None),
        ("set A=1", None),
        ("A: 1", None),
    ],
)
def test_a_line(line: str, value: str | None) -> None:
    if value is not None:
        assert dotenv.parse(line, ".env") == {"A": value}
        return
    with pytest.raises(UsageError) as caught:
        dotenv.parse(f"B=1\n{line}\n", ".env")
    (mistake,) = caught.value.mistakes
    assert mistake == ".env:2: is not a setting; write NAME=value or NAME='some text'"


def test_comments_and_empty_lines_set_nothing() -> None:
    assert dotenv.parse("# A=1\n\n  # B=1\n \t\nC=1\r\nC=2\n", ".env") == {"C": "2"}


@given(st.text())
def test_any_text_is_settings_or_a_mistake_without_what_stands_there(text: str) -> None:
    try:
        dotenv.parse(text, ".env")
    except UsageError as error:
        assert all(mistake.startswith(".env:") for mistake in error.mistakes)
        assert len({mistake.partition(": ")[2] for mistake in error.mistakes}) == 1


@given(st.text(st.characters(exclude_characters="'", exclude_categories=["Cc", "Zl", "Zp"])))
def test_what_is_quoted_is_taken_as_it_is(text: str) -> None:
    assert dotenv.parse(f"A='{text}'", ".env") == {"A": text}


def test_a_file(root: Path, write: Write) -> None:
    assert dotenv.read(root) == {}
    write({".env": "A=1\n", "services/py/a/.env": "A=2\n"})
    assert dotenv.read(root) == {"A": "1"}
    assert dotenv.read(root, "services/py/a") == {"A": "2"}
    (root / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(UsageError, match=r"^\.env:1: is not UTF-8"):
        dotenv.read(root)
    (root / ".env").unlink()
    (root / ".env").mkdir()
    with pytest.raises(UsageError, match=r"^\.env: "):
        dotenv.read(root)
