"""The code of doctests changes as code does, and what it prints stays."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.renaming import doctests
from monorepo.renaming.doctests import Edit

OLD = re.compile(r"from a import b\n?|\bold\b")


def changes(code: str) -> list[Edit]:
    """Return the edits that make two statements of an import, and take a name out."""
    found = []
    for match in OLD.finditer(code):
        row = code.rfind("\n", 0, match.start()) + 1
        if match[0] == "old":
            found.append((*match.span(), "new"))
        else:
            indent = code[row : match.start()]
            end = match.end() - match[0].endswith("\n")
            found.append((match.start(), end, f"import b\n{indent}from a import c"))
    return found


def followed(text: str) -> str:
    """Return the text with the edits in its doctests."""
    for start, end, new in reversed(doctests.edits(text, changes)):
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (">>> old\nold\n", ">>> new\nold\n"),
        ("    >>> old\n    ... old\n    old", "    >>> new\n    ... new\n    old"),
        ("> >>> old\n", "> >>> new\n"),
        # Each statement has a prompt of its own.
        (
            "  >>> from a import b\n  >>> old()\n",
            "  >>> import b\n  >>> from a import c\n  >>> new()\n",
        ),
        (
            ">>> def f():\n...     from a import b\n...     old\n",
            ">>> def f():\n...     import b\n...     from a import c\n...     new\n",
        ),
        # No example.
        ("old\n", "old\n"),
        ("... old\n", "... old\n"),
        (">>>old\n", ">>>old\n"),
        ("x >>> old\n", "x >>> old\n"),
        ("", ""),
    ],
)
def test_the_code_alone_changes(before: str, after: str) -> None:
    assert followed(before) == after


def test_lines_that_go_leave_no_prompt() -> None:
    text = "    >>> import a\n    >>> b\n    1\n\n    Text.\n\n    >>> import a"

    def without(code: str) -> list[Edit]:
        return [(found.start(), found.end(), "") for found in re.finditer(r"import a\n", code)]

    found = text
    for start, end, new in reversed(doctests.edits(text, without)):
        found = found[:start] + new + found[end:]
    assert found == "    >>> b\n    1\n\n    Text.\n\n"


def test_what_stands_over_several_lines_is_replaced_whole() -> None:
    text = ">>> f(\n...   old,\n... )\nold\n"

    def whole(code: str) -> list[Edit]:
        return [(0, code.index(")") + 1, "g()")]

    ((start, end, new),) = doctests.edits(text, whole)
    assert text[:start] + new + text[end:] == ">>> g()\nold\n"


LINE = st.text("ab >.\n\té", max_size=8)


@given(st.lists(st.one_of(LINE, LINE.map(">>> {}".format), LINE.map("... {}".format)), max_size=8))
def test_a_change_of_nothing_is_nothing(lines: list[str]) -> None:
    text = "\n".join(lines)
    codes: list[str] = []

    def same(code: str) -> list[Edit]:
        codes.append(code)
        return [(at, at + 1, code[at]) for at in range(len(code)) if code[at] != "\n"]

    found = text
    for start, end, new in reversed(doctests.edits(text, same)):
        assert found[start:end] == new
