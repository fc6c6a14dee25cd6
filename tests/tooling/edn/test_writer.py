"""EDN is written as people write it, and read again it is the same value."""

import pytest
from hypothesis import given

from monorepo.edn import reader, writer
from monorepo.edn.reader import Keyword
from tests.edn_documents import DOCUMENTS
from tests.examples import times


@given(DOCUMENTS)
@times(1)
def test_what_is_written_is_read_again(document: tuple[object, str]) -> None:
    value, _ = document
    text = writer.write(value)
    assert reader.read(text).value == value
    assert writer.write(reader.read(text).value) == text


def test_the_layout() -> None:
    value = {
        Keyword("package/name"): "acme-audio",
        Keyword("deps/base"): [f"a-long-name-of-a-distribution-{number}>=1" for number in range(4)],
        Keyword("extras"): {Keyword("lite"): ["x"], Keyword("none"): []},
        Keyword("b"): frozenset([Keyword("z"), Keyword("a")]),
        Keyword("nothing"): None,
    }
    assert writer.write(value) == (
        '{:package/name "acme-audio"\n'
        ' :deps/base ["a-long-name-of-a-distribution-0>=1"\n'
        '             "a-long-name-of-a-distribution-1>=1"\n'
        '             "a-long-name-of-a-distribution-2>=1"\n'
        '             "a-long-name-of-a-distribution-3>=1"]\n'
        ' :extras {:lite ["x"] :none []}\n'
        " :b #{:a :z}\n"
        " :nothing nil}\n"
    )


def test_what_a_string_may_not_have_is_escaped() -> None:
    text = writer.write('a"\\\n\t\x00\x7fé😀')
    assert text == '"a\\"\\\\\\n\\t\\u0000\\u007fé😀"\n'
    assert reader.read(text).value == 'a"\\\n\t\x00\x7fé😀'


@pytest.mark.parametrize("value", [float("inf"), float("nan"), b"", object()])
def test_what_edn_does_not_have_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="EDN has no"):
        writer.write(value)
