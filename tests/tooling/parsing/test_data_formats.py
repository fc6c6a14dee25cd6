"""TOML, YAML and JSON are parsed, and anything else is an error with its line."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import data_formats
from monorepo.system.text_files import MalformedError

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/*,]}\"' ü", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/", max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.toml", "a = 1\n"),
        ("a.yaml", "a: 1\n"),
        (".github/workflows/a.yml", "a: 1 # why\n"),
        ("package.json", '{"a": 1}'),
        ("tsconfig.json", '{\n  // why\n  "a": 1, /* why */\n}'),
    ],
)
def test_each_format(path: str, text: str) -> None:
    assert data_formats.parse(path, text) == {"a": 1}


@pytest.mark.parametrize(
    ("path", "text", "line", "message"),
    [
        ("a.toml", "a = 1\nb = \n", 2, "is not TOML (Invalid value)"),
        ("a.yaml", "a: 1\nb: [\n", 3, "is not YAML"),
        ("a.yaml", "a: 1\nb: 2\na: 3\n", 3, "has the key 'a' twice"),
        ("a.yaml", "x:\n  - a: 1\n    a: 2\n", 3, "has the key 'a' twice"),
        ("a.yaml", "- a\n", 1, "is not a YAML mapping"),
        ("a.yaml", "", 1, "is not a YAML mapping"),
        # The parser in C would overflow the stack.
        ("a.yaml", "- " * 50_000 + "a", 0, "is not YAML (RecursionError)"),
        ("a.yaml", "{a: " * 50_000, 0, "is not YAML (RecursionError)"),
        ("a.yaml", "a: 2020-99-99\n", 0, "is not YAML (ValueError)"),
        ("a.yaml", "a: !!python/object:os.system x\n", 1, "is not YAML"),
        ("package.json", '{"a": 1, // no\n}', 1, "is not JSON"),
        ("tsconfig.json", "[]", 1, "is not a JSON object"),
        ("a.yaml", "a: 1\n<<<<<<< HEAD\n", 2, "has a conflict marker of git"),
    ],
)
def test_malformed(path: str, text: str, line: int, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        data_formats.parse(path, text)
    assert (caught.value.line, caught.value.message[: len(message)]) == (line, message)


def test_anchors_and_merges_are_no_duplicates() -> None:
    text = "x: &x\n  a: 1\ny:\n  <<: *x\n  <<: *x\nz: [*x, *x]\n"
    assert data_formats.yaml(text)["y"] == {"a": 1}


def test_a_fragment_of_a_lock_may_be_anything() -> None:
    assert data_formats.fragment("a: 1") == {"a": 1}
    assert data_formats.fragment("- [") == {}


@given(st.dictionaries(st.text("ab/*", max_size=4), values, max_size=4))
def test_comments_and_trailing_commas_change_nothing(data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=1)
    commented = text.replace("\n", " // } ]\n/* , */").replace("\n}", ",\n}")
    assert data_formats.with_comments(commented) == data


@given(
    st.sampled_from(["a.toml", "a.yaml", "package.json", "a.json"]),
    st.text() | st.text("{}[]:,-&*!<>|\"'# \n\tab0.=", max_size=60),
)
def test_any_text_is_parsed_or_malformed(path: str, text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert isinstance(data_formats.parse(path, text), dict)


def test_tables_and_lists_below_keys() -> None:
    data = {"a": {"b": {"c": 1}, "d": [1]}, "e": 2}
    assert data_formats.table(data, "a", "b") == {"c": 1}
    assert data_formats.entries(data, "a", "d") == [1]
    for keys in (("e",), ("a", "d"), ("x", "y"), ("a", "b", "c")):
        assert data_formats.table(data, *keys) == {}
    assert data_formats.entries(data, "a", "b") == data_formats.entries(data, "x", "y") == []


MANIFEST = """\
{
  "monorepo": { "version": "1.0.0", "text": "\\"version\\": \\"1.0.0\\"" },
  "version" :"1.0.0", "name": "@tiny/web",
\t"dependencies": {"@tiny/core": "workspace:^1"},
  "peerDependencies": {"@tiny/core": "workspace:^1"}
}
"""


def test_only_the_string_at_the_keys_changes() -> None:
    moved = data_formats.with_string(MANIFEST, ["version"], "2.0.0")
    assert moved == MANIFEST.replace('"version" :"1.0.0"', '"version" :"2.0.0"')
    moved = data_formats.with_string(MANIFEST, ["peerDependencies", "@tiny/core"], "workspace:^2")
    assert moved == "workspace:^2".join(MANIFEST.rsplit("workspace:^1", 1))
    assert data_formats.with_string(MANIFEST, ["version"], "1.0.0") == MANIFEST


@pytest.mark.parametrize("text", ['{"versi\\u006fn": "1.0.0"}', '{"version": 1}'])
def test_what_cannot_be_replaced_is_told(text: str) -> None:
    with pytest.raises(MalformedError, match=r"^writes version in an unusual notation$"):
        data_formats.with_string(text, ["version"], "2.0.0")


@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.text(), st.text())), st.text())
def test_any_string_can_be_replaced(tables: dict[str, dict[str, str]], new: str) -> None:
    text = json.dumps(tables, indent=1)
    for key, table in tables.items():
        for name in table:
            written = data_formats.with_string(text, [key, name], new)
            assert json.loads(written) == {**tables, key: {**table, name: new}}
