"""No terminal obeys what is printed."""

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.system import terminal
from monorepo.system.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ä, 漢字, 🚀\n\t", "plain, ä, 漢字, 🚀\n\t"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\rb\x9bc\x7f", r"a\rb\x9bc\x7f"),
        ("\u202egnp.exe\u2066\u200b\ufeff", r"\u202egnp.exe\u2066\u200b\ufeff"),
        ("\udcff\u2028", r"\udcff\u2028"),
    ],
)
def test_what_prints_nothing_of_its_own_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_no_control_or_format_character_is_left(text: str) -> None:
    kinds = {unicodedata.category(one) for one in printable(text) if one not in "\n\t"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable(printable(text)) == printable(text)


def test_both_streams_are_printable_for_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.printing():
        sys.stdout.write("\x1b[2J")
        sys.stderr.write("\x1b[2J")
    sys.stdout.write("\x1b[2J")
    told = capsys.readouterr()
    assert told.out == "\\x1b[2J\x1b[2J"
    assert told.err == "\\x1b[2J"


def test_what_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    with terminal.printing():
        sys.stdout.write("ä → b\n")
        sys.stdout.flush()
    assert raw.getvalue() == b"\\xe4 \\u2192 b\n"
