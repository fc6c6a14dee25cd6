"""Commands, links, headings and rules of a document are found where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import markdown
from monorepo.parsing.markdown import Kind

PIECES = [
    "`",
    "```sh\n",
    "```\n",
    "# ",
    "make test",
    "cd a",
    "\\",
    "\n",
    "[a](b)",
    '"',
    "|",
    "- ",
    ";",
]


def words(text: str, kind: Kind) -> list[tuple[int, list[str]]]:
    """Return line and words of each element of one kind."""
    return [(one.line, list(one.words)) for one in markdown.read(text) if one.kind == kind]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `make test`.", [(1, ["make", "test"])]),
        ('Run\n`make test PKG="a b"`.', [(2, ["make", "test", "PKG=a b"])]),
        (
            "```sh\nmake a\nmake b && nox -l\n```",
            [(2, ["make", "a"]), (3, ["make", "b"]), (3, ["nox", "-l"])],
        ),
        ("```console\n$ make a\nmake is output\n```", [(2, ["make", "a"])]),
        ("```sh\nmake a \\\n  B=1\n```", [(3, ["make", "a", "B=1"])]),
        ("```sh\nPKG=a make test\nuvx nox -l\n```", [(2, ["make", "test"]), (3, ["nox", "-l"])]),
        (
            "```sh\ncd a/b\nmake test\n```",
            [(2, ["cd", "a/b"]), (3, ["make", "-C", "a/b", "test"])],
        ),
        (
            "`.venv/bin/ruff check`, `sh tools/x.sh`, `./run.sh`",
            [(1, [".venv/bin/ruff", "check"]), (1, ["sh", "tools/x.sh"]), (1, ["./run.sh"])],
        ),
        ("```python\nmake test\n```\n\nmake test, `make`d, `a/b`, `echo make`", [(5, ["make"])]),
        ("```sh\necho 'make\n```", []),
    ],
)
def test_commands(text: str, expected: list[tuple[int, list[str]]]) -> None:
    assert words(text, Kind.COMMAND) == expected


def test_links_and_anchors() -> None:
    text = "# A `b` c!\n\n[x](y.md#z)\n![i](i.png)\n\n## A b c\n\n[r]\n\n[r]: ref.md\n"
    assert words(text, Kind.ANCHOR) == [(1, ["a-b-c"]), (6, ["a-b-c-1"])]
    assert words(text, Kind.LINK) == [(3, ["y.md#z"]), (4, ["i.png"]), (8, ["ref.md"])]


def test_rules_stand_below_their_heading() -> None:
    text = "- `no`: here\n\n## Rules\n\n- `a`: x\n- `b`, `c` and `d`: y\n- no rule\n\n"
    text += "## End\n\n- `e`: z\n"
    assert words(text, Kind.RULE) == [(5, ["a"]), (6, ["b", "c", "d"])]


def test_fences() -> None:
    text = "```mermaid\na --> b\n```\n\n~~~sh\nmake\n~~~\n"
    assert markdown.fences(text, "mermaid") == [(2, "a --> b\n")]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 2
    assert all(1 <= one.line <= lines and one.words for one in markdown.read(text))
    markdown.fences(text, "sh")
