"""What pydantic says of a value becomes a mistake with line and column, and what to do about it."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, Field, Tag, TypeAdapter

from monorepo.edn.validation import KeywordOf, Record, WrongError, chosen, validate, wrong
from monorepo.system.errors import UsageError


def _even(numbers: tuple[int, ...]) -> tuple[int, ...]:
    odd = [index for index, number in enumerate(numbers) if number % 2]
    if odd:
        raise WrongError(*(((index,), "is odd", "add 1") for index in odd))
    return numbers


def _small(number: int) -> int:
    if number > 9:
        raise wrong("is large", "write less")
    return number


def _shape(value: object) -> str | None:
    shape = value.get("shape") if isinstance(value, dict) else getattr(value, "shape", None)
    return {"Box": "box", "Round": "round"}.get(str(shape))


class Box(Record):
    """A box."""

    shape: str
    side_length: int


class Round(Record):
    """A circle."""

    shape: str


class Whole(Record):
    """A map of all kinds of values."""

    name: str = Field(validation_alias="a/name")
    way: KeywordOf[Literal["up", "down"]] = "up"
    even: Annotated[tuple[int, ...], AfterValidator(_even)] = ()
    small: Annotated[int, AfterValidator(_small)] = 0
    ratio: float = 0.5
    on: bool = False
    words: dict[Annotated[str, Field(max_length=3)], str] = Field(default={})
    inner: Annotated[
        Annotated[Box, Tag("box")] | Annotated[Round, Tag("round")],
        chosen(_shape, "has no shape", "write one", at="shape"),
    ] = Round(shape="Round")


ADAPTER = TypeAdapter(Whole)


def test_code_uses_the_words_of_python_and_a_text_its_keys() -> None:
    text = '{:a/name "x" :way :down :even [2 4] :on true :inner {:shape "Box" :side-length 1}}'
    box = Box(shape="Box", side_length=1)
    assert validate(ADAPTER, text, "a.edn") == Whole(
        name="x", way="down", even=(2, 4), on=True, inner=box
    )


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("{}", ["1:1: has no :a/name; write it"]),
        (
            '{:a/nmae "x"}',
            ["1:1: has no :a/name; write it", "1:2: :a/nmae is not a key here; write :a/name"],
        ),
        (
            '{:name "x"}',
            ["1:1: has no :a/name; write it", "1:2: :name is not a key here; write :a/name"],
        ),
        ('{:a/name "x" :side-length 1}', ["1:14: :side-length is not a key here; remove it"]),
        (
            '{:a/name "x" :inner {:shape "Box" :side_length 1}}',
            [
                "1:21: has no :side-length; write it",
                "1:35: :side_length is not a key here; write :side-length",
            ],
        ),
        ('{:a/name "x" :way "up"}', ['1:19: "up" is a string; write :up']),
        ('{:a/name "x" :way :left}', ["1:19: :left is none of the words here; write :up or :down"]),
        ('{:a/name "x"\n :even [2 3\n 5]}', ["2:11: is odd; add 1", "3:2: is odd; add 1"]),
        ('{:a/name "x" :small 10}', ["1:21: is large; write less"]),
        ('{:a/name "x" :small 1.5}', ["1:21: 1.5 is not an integer; correct it"]),
        ('{:a/name "x" :ratio nil}', ["1:21: nil is not a number; correct it"]),
        ('{:a/name "x" :on :true}', ["1:18: :true is not true or false; correct it"]),
        ('{:a/name "x" :inner {:shape "X"}}', ["1:29: has no shape; write one"]),
        ('{:a/name "x" :inner 5}', ["1:21: has no shape; write one"]),
        (
            '{:a/name "x" :words {"long" "y"}}',
            [
                '1:22: "long": string should have at most 3 characters; correct it',
            ],
        ),
        ('{:a/name "x" :words [1]}', ["1:21: [1] is not a map; correct it"]),
        ("[1]", ["1:1: is not a map; write {:key value}"]),
        ("{:a}", ["1:2: the map at 1:1 has a key without a value; give each key one value"]),
    ],
)
def test_mistakes(text: str, mistakes: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        validate(ADAPTER, text, "a.edn")
    assert [told.removeprefix("a.edn:") for told in caught.value.mistakes] == mistakes
