"""EDN is read strictly: each mistake has its place, and all are told at once."""

from collections.abc import Hashable, Iterable, Mapping

import edn_format
import pytest
from edn_format.edn_lex import BaseEdnType
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn import reader, writer
from monorepo.edn.reader import EdnError, Keyword, Symbol
from tests.edn_documents import DOCUMENTS, ROUGH
from tests.examples import times


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{:a/b 1}", {Keyword("a/b"): 1}),
        ("[1 -2 +3 0 -0 1.5 1e3 -2.5E-1]", [1, -2, 3, 0, 0, 1.5, 1000.0, -0.25]),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("[nil true false nilly]", [None, True, False, Symbol("nilly")]),
        ("(a . / + -b .c a/b)", [*map(Symbol, ("a", ".", "/", "+", "-b", ".c", "a/b"))]),
        ('"a\\n\\t\\"\\\\\\u00e9"', 'a\n\t"\\é'),
        ('"\\ud83d\\ude00 😀"', "😀 😀"),
        ('"two\nlines"', "two\nlines"),
        ("#{:a, :b}", frozenset([Keyword("a"), Keyword("b")])),
        ("{}", {}),
        ("; first\n[1 ; second\n]", [1]),
        ("[1 #_ 2 #_ #_ 3 4 5 #_[6 #_7]]", [1, 5]),
        ("{:a #_ {:a 1} 1 #_ :b}", {Keyword("a"): 1}),
        ("#_ 1 2 #_3", 2),
        ('["a""b"[1]2]', ["a", "b", [1], 2]),
        ("\ufeff{:a 1}", {Keyword("a"): 1}),
        ('{:a\r\n "x\r\ny"}\r\n', {Keyword("a"): "x\ny"}),
        ("{:ä 1}".replace("ä", "a-1.b"), {Keyword("a-1.b"): 1}),
        ('{1 :a "1" :b}', {1: Keyword("a"), "1": Keyword("b")}),
    ],
)
def test_what_is_read(text: str, value: object) -> None:
    assert reader.read(text).value == value


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "has no form"),
        (" ; nothing\n#_ 1", 1, 1, "has no form"),
        ("{:a 1}\n{:b 2}", 2, 1, "is a second form"),
        ("{:a 1 :a 2}", 1, 7, "the key :a is there twice"),
        ('{:a 1 "a" 2}', 1, 7, 'the key "a" is there as :a as well'),
        ("#{1 1}", 1, 5, "the member 1 is there twice"),
        ('{"a" 1 "a" 2}', 1, 8, 'the key "a" is there twice'),
        ("#{:a :b :a}", 1, 9, "the member :a is there twice"),
        ("[#_ {:a 1 :a 2} 1]", 1, 11, "the key :a is there twice"),
        ("{:a 1\n :b}", 2, 2, "the map at 1:1 has a key without a value"),
        ("{[1] 2}", 1, 2, "this cannot be the key of a map"),
        ("{true 2}", 1, 2, "this cannot be the key of a map"),
        ("#{1.5}", 1, 3, "this cannot be the member of a set"),
        ("{:a/b/c 1}", 1, 2, ":a/b/c is not a keyword"),
        ("[:]", 1, 2, ": is not a keyword"),
        ("[::a]", 1, 2, "::a is not a keyword"),
        ("[:1a]", 1, 2, ":1a is not a keyword"),
        ("[:a/]", 1, 2, ":a/ is not a keyword"),
        ("[:/]", 1, 2, ":/ is not a keyword"),
        ("[:é]", 1, 2, ":é is not a keyword"),
        ("[@foo]", 1, 2, "@foo is code (a dereference), not data"),
        ("['foo]", 1, 2, "'foo is code (a quotation), not data"),
        ("[^{:a 1} b]", 1, 2, "^ is code (metadata), not data"),
        ("[08]", 1, 2, "08 is not a number"),
        ("[0x1F]", 1, 2, "0x1F is not a number"),
        ("[1.]", 1, 2, "1. is not a number"),
        ("[-1a]", 1, 2, "-1a is not a number"),
        ("[1/0]", 1, 2, "1/0 is a ratio, which EDN does not have"),
        ("[1N]", 1, 2, "1N has the suffix N"),
        ("[1.5M]", 1, 2, "1.5M has the suffix M"),
        ("[9223372036854775808]", 1, 2, "9223372036854775808 has more than 64 bits"),
        (f"[{'9' * 100_000}]", 1, 2, f"{'9' * 39}… has more than 64 bits"),
        ("[1e999]", 1, 2, "1e999 is too large"),
        ("[##Inf]", 1, 2, "##Inf is not a value"),
        ('[#inst "2020"]', 1, 2, "#inst is a tag, which a manifest has no use for"),
        ("[#?(:clj 1)]", 1, 2, "#? is code, which a manifest has no use for"),
        ('[#"a+"]', 1, 2, "# is code, which a manifest has no use for"),
        ("#:ns{:a 1}", 1, 1, "#:ns is a prefix for a whole map, which EDN does not have"),
        ("[\\a]", 1, 2, "\\a is a character"),
        ("[\\newline]", 1, 2, "\\newline is a character"),
        ("[\\(]", 1, 2, "\\( is a character"),
        ("[1 #_]", 1, 4, "#_ has no form to discard"),
        ("1 #_ #_ 2", 1, 3, "#_ has no form to discard"),
        ('"a\\qb"', 1, 3, "\\q is no escape"),
        ('"\\u12"', 1, 2, "\\u is no escape"),
        ('"\\ud800"', 1, 1, "has half of a surrogate pair (\\ud…)"),
        ('"a\x01"', 1, 3, "has the control character U+0001"),
        ('{:a "b', 1, 5, "the string has no end"),
        ("[1\n {:a 1", 1, 1, "[ is not closed"),
        ("[(1])", 1, 2, "( is not closed"),
        ("1 ]", 1, 3, "] closes nothing"),
        ("[1\u00a02]", 1, 3, "has the character U+00A0, which is no space in EDN"),
        ("\x00", 1, 1, "\\x00 is not a value"),
        ("[" * 51 + "]" * 51, 1, 51, "is nested more than 50 deep"),
        ("[" * 100_000, 1, 51, "is nested more than 50 deep"),
        (f'"{"a" * 1_000_000}"', 1, 1, "has more than 1,000,000 characters"),
        ("{:a 1\n<<<<<<< HEAD\n}", 2, 1, "has a conflict marker of git"),
    ],
)
def test_what_is_refused(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(EdnError) as caught:
        reader.read(text)
    first = caught.value.mistakes[0]
    assert (first.line, first.column, first.message) == (line, column, message)
    assert first.fix
    told = caught.value.of("a/package.edn").mistakes
    assert told[0] == f"a/package.edn:{line}:{column}: {message}; {first.fix}"


def test_all_mistakes_are_told_in_their_order_and_no_others_follow_from_them() -> None:
    text = '{:a/b/c @foo\r\n :x [08 1/0 #inst "x"}\r\n :y #_\r\n'
    with pytest.raises(EdnError) as caught:
        reader.read(text)
    places = [
        (line, column, message.split()[0]) for line, column, message, _ in caught.value.mistakes
    ]
    assert places == [
        *((1, 2, ":a/b/c"), (1, 9, "@foo"), (2, 5, "["), (2, 6, "08"), (2, 9, "1/0")),
        *((2, 13, "#inst"), (3, 2, "is"), (3, 5, "#_")),
    ]


def test_a_text_full_of_mistakes_has_an_end() -> None:
    with pytest.raises(EdnError) as caught:
        reader.read(f"[{'@ ' * 100_000}]")
    assert len(caught.value.mistakes) == 100


def test_where_values_and_keys_stand() -> None:
    document = reader.read('\ufeff{:a/b [1 {"x" 2}]\n ;c\n :c #_0 nil}')
    assert document.position(()) == (1, 1)
    assert (document.key_position(("a/b",)), document.position(("a/b",))) == ((1, 2), (1, 7))
    assert document.position(("a/b", 1, "x")) == (1, 15)
    assert (document.key_position(("c",)), document.position(("c",))) == ((3, 2), (3, 9))
    assert document.at(("a/b", 1, "x")) == 2
    # Steps that lead nowhere are passed over.
    assert document.position(("a/b", "model", 5)) == (1, 7)


def plain(value: object) -> Hashable:
    """Return a value of either reader, with types that tell apart what is apart in EDN."""
    if isinstance(value, Keyword | Symbol):
        return (type(value).__name__, value.text)
    if isinstance(value, BaseEdnType):
        return (type(value).__name__, value.name)
    if isinstance(value, Mapping):
        return frozenset((plain(key), plain(inner)) for key, inner in value.items())
    if isinstance(value, frozenset):
        return ("set", frozenset(map(plain, value)))
    if isinstance(value, str | int | float | None):
        return (type(value), value)
    assert isinstance(value, Iterable)
    return tuple(map(plain, value))


@given(DOCUMENTS)
@times(1)
def test_every_spelling_of_a_value_is_that_value_as_another_reader_has_it(
    document: tuple[object, str],
) -> None:
    value, text = document
    assert plain(reader.read(text).value) == plain(value) == plain(edn_format.loads(text))


@given(ROUGH | st.text('{}[]()#_:"\\;/ \n0129aN.@^+-', max_size=30) | st.text(max_size=30))
@times(2)
def test_any_text_is_refused_or_read_as_another_reader_does(text: str) -> None:
    try:
        value = reader.read(text).value
    except EdnError as error:
        assert error.mistakes == tuple(sorted(error.mistakes))
    else:
        assert plain(value) == plain(edn_format.loads(text.replace("\r", " ")))
        assert reader.read(writer.write(value)).value == value
