"""Plain YAML is read as any YAML parser reads it, or refused with the line."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monorepo.system import plain_yaml
from monorepo.system.text_files import MalformedError
from tests.examples import times

MANIFEST = """\
---
# What the repository's own Python has.
schema_version: 1   # the first
project: "acme # platform"
python:
  venv: default
  packages:
  - httpx[http2]>=0.28 ; python_version < '3.13'
  - 'it''s'
  -
    - "a\\tb"
  empty:
  flow: [a, "b, c", 'd', [e], {f: g}]
artifacts:
- type: python-package
  name: pytest
  version: 8.4.1
- { type: python-package, name: rich, version: latest }
"""


def test_a_manifest_is_read_as_pyyaml_reads_it() -> None:
    found = plain_yaml.read(MANIFEST)
    assert found == yaml.safe_load(MANIFEST)
    assert found["artifacts"] == [
        {"type": "python-package", "name": "pytest", "version": "8.4.1"},
        {"type": "python-package", "name": "rich", "version": "latest"},
    ]


PIECES = st.sampled_from(
    [
        *("a:", "b:", "- ", "-", ":", " ", "  ", "\n", "\n", "\n  ", "\n- ", "#", " # x", "\t"),
        *(
            "'",
            '"',
            "''",
            '\\"',
            "\\",
            "[",
            "]",
            "{",
            "}",
            ",",
            ", ",
            "text",
            "1",
            "0",
            "01",
            "1.5",
        ),
        *("8.4.1", "1e3", "0x1f", "1:30", "2001-01-01", "no", "null", "~", "~/x", ".5", "-1", "+1"),
        *(
            "&a",
            "*a",
            "!t",
            "|",
            ">",
            ">=1",
            "%",
            "@",
            "`",
            "?",
            "? ",
            "<<",
            "=",
            "---",
            "...",
            "é",
        ),
        *("x[y]>=1", "a b", "-r x", "http://u:p@h", "\u2028", "\x85", "\xa0", "\ufeff", "_", "1_0"),
    ]
)


@times(20)
@given(text=st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=20))
def test_what_is_read_is_what_pyyaml_reads(text: str) -> None:
    try:
        found = plain_yaml.read(text)
    except MalformedError:
        return
    assert found == yaml.safe_load(text)


@times(5)
@given(values=st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")))))
def test_what_is_quoted_is_read(values: list[str]) -> None:
    quoted = ["'" + value.replace("'", "''") + "'" for value in values]
    text = "a:\n" + "".join(f"  - {value}\n" for value in quoted) + f"b: [{', '.join(quoted)}]\n"
    found = plain_yaml.read(text)
    assert found == {"a": values or None, "b": values} == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 0, "is empty"),
        ("# nothing\n", 0, "is empty"),
        ("- a\n", 1, "is not a YAML mapping"),
        ("a: &x b\n", 1, "is not plain YAML"),
        ("a: *x\n", 1, "is not plain YAML"),
        ("a: !!python/object x\n", 1, "is not plain YAML"),
        ("a: |\n  text\n", 1, "is not plain YAML"),
        ("a: b\n  c\n", 2, "is indented otherwise"),
        ("a: 3.11\n", 1, "is no text in YAML"),
        ("a: no\n", 1, "is no text in YAML"),
        ("a:\n  - 2026-01-31\n", 2, "is no text in YAML"),
        ("a: 1\na: 2\n", 2, "has the key 'a' twice"),
        ("a: {b: 1, b: 2}\n", 1, "write each key once"),
        ("a: [b\n", 1, "close [ on the same line"),
        ("a: 'b\n", 1, "has a quote that does not end"),
        ('a: "\\x41"\n', 1, "has the escape"),
        ("a: 1\n# \u2028b: 2\n", 2, "has the character"),
        ("a:\n\t- b\n", 2, "has the character"),
        ("a: b: c\n", 1, "is not plain YAML"),
        ("no: 1\n", 1, "has the key no"),
        ("<<<<<<< ours\na: 1\n", 1, "has a conflict marker of git"),
        ("a:" + " [" * 60 + "\n", 1, "is nested too deeply"),
        ("a:\n" + "- " * 60 + "b\n", 2, "is nested too deeply"),
    ],
)
def test_the_rest_of_yaml_is_refused(text: str, line: int, said: str) -> None:
    with pytest.raises(MalformedError) as caught:
        plain_yaml.read(text)
    assert caught.value.line == line
    assert said in f"{caught.value.message}; {caught.value.fix}"


@pytest.mark.parametrize(
    ("line", "content", "comment"),
    [
        ("a: b # c", "a: b ", "# c"),
        ("# c", "", "# c"),
        ("a: 'b # c' # d", "a: 'b # c' ", "# d"),
        ("a: b#c", "a: b#c", ""),
        ('- "x" #y', '- "x" ', "#y"),
    ],
)
def test_comments_are_told_from_content(line: str, content: str, comment: str) -> None:
    assert plain_yaml.split(line) == (content, comment)
