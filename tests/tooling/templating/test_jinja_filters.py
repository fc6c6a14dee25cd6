"""Free text stays text, wherever a generated file has it."""

import ast
import html
import json
import re
import tomllib

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment
from markdown_it import MarkdownIt

from monorepo.templating.jinja_filters import Escapes, markdown, oneline, quote
from tests.examples import times

PAYLOADS = [
    *('a"b', "a'b", "a\\", "\\n", "\n", "\r\n", "\t", "\x7f", "\x85", "\u2028", "\ufeff", "\x00"),
    *('"; import os #', "{{ 7 * 7 }}", "{% raw %}", "${HOME}", "$(touch P)", "`id`", "\U0001f600"),
    *("# x", "## x ##", "- x", "+ x", "1. x", "12. x", "123456789) x", "=", "---", "> x", "    x"),
    *("<b>", "<!-- x", "&amp;", "&#65;", "![a](b)", "[a]: b", "[^1]", "a|b", "~~a~~", "*a*", "_a_"),
    *("<http://a>", "\\", "  a  ", "\n\na", "a\nb", "a  \nb", "|-|", "***", "a\\\nb", "\x1f"),
]
texts = st.one_of(
    st.sampled_from(PAYLOADS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.text(" \\`*_{}[]<>()#+-.!|~&$=:;\"'\n1a", max_size=12),
)
# Markdown has no way to show these.
shown = texts.filter(lambda text: not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", text))
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.mark.parametrize("text", PAYLOADS)
def test_every_language_reads_the_same_text(text: str) -> None:
    literal = quote(text)
    assert json.loads(literal) == text
    assert tomllib.loads(f"x = {literal}")["x"] == text
    assert ast.literal_eval(literal) == text
    assert yaml.safe_load(f"x: {literal}")["x"] == text
    assert yaml.safe_load(f"[{literal}, {literal}]") == [text, text]


@times(2)
@given(texts)
def test_any_text_survives(text: str) -> None:
    literal = quote(text)
    assert json.loads(literal) == text
    assert tomllib.loads(f"x = {literal}")["x"] == text
    assert ast.literal_eval(literal) == text
    assert yaml.safe_load(literal) == text
    assert len(literal.splitlines()) == 1


def test_letters_stand_for_themselves() -> None:
    assert quote("Zoë, \U0001f600") == '"Zoë, \U0001f600"'
    assert quote(3) == '"3"'


def _read(source: str, tag: str) -> str:
    """Return the text that a reader sees, if the source is one plain `tag` and nothing else."""
    match = re.fullmatch(rf"<{tag}>(.*)</{tag}>\n", MARKDOWN.render(source), re.DOTALL)
    assert match, f"{source!r} is more than text"
    assert "<" not in match[1]
    return html.unescape(match[1])


@times(2)
@given(shown)
@example("12. x")
@example("1\n2. x")
@example("=")
def test_markdown_shows_the_text(text: str) -> None:
    if text.strip():
        assert _read(f"# {markdown(text)}\n", "h1") == text
        assert _read(f"{markdown(text)}\n", "p") == text
    assert len(markdown(text).split("\n")) == 1


@given(st.text())
def test_oneline_leaves_no_line_break(text: str) -> None:
    assert len(oneline(text).splitlines()) <= 1
    if len(text.splitlines()) <= 1:
        assert oneline(text) == "".join(text.splitlines())


def test_oneline_keeps_the_words() -> None:
    assert oneline("a\nb\r\nc") == "a b c"


def test_templates_have_them_as_filters() -> None:
    environment = Environment(extensions=[Escapes], autoescape=False)
    source = environment.from_string("{{ x|quote }} {{ x|markdown }} {{ x|oneline }}")
    assert source.render(x='{{ "*" }}') == r'"{{ \"*\" }}" {{ "\*" }} {{ "*" }}'
