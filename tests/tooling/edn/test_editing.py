"""Values are added to a text of EDN, of which all else keeps its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn import editing, reader, writer
from monorepo.edn.reader import EdnError, Keyword

TEXTS = st.text(alphabet="abz \"\\;]}é'", max_size=8)
ITEMS = st.lists(TEXTS, min_size=1, max_size=3)
BLANKS = st.sampled_from(["", " ", "\n", " ; why ]\n", ",\n  ", "\n#_ [] "])
PATHS = st.sampled_from([("base",), ("extras", "old"), ("extras", "new"), ("more", "new")])


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{}", ("base",), '{:base ["x"]}'),
        ("{:a 1}\n", ("base",), '{:a 1\n :base ["x"]}\n'),
        ("{:base []}", ("base",), '{:base ["x"]}'),
        ('{:base ["a"]}', ("base",), '{:base ["a"\n        "x"]}'),
        ('{:base ["a" ; why\n ]}', ("base",), '{:base ["a" ; why\n        "x"]}'),
        ('{:extras {:a ["b"]}}', ("extras", "c"), '{:extras {:a ["b"]\n          :c ["x"]}}'),
        ("{}", ("extras", "2 c"), '{:extras {"2 c" ["x"]}}'),
    ],
)
def test_where_values_go(text: str, path: tuple[str, ...], expected: str) -> None:
    assert editing.with_items(text, {path: ["x"]}) == expected


def test_what_is_no_edn_is_refused_and_nothing_is_added_for_nothing() -> None:
    with pytest.raises(EdnError):
        editing.with_items("{", {("base",): ["x"]})
    assert editing.with_items("{", {("base",): []}) == "{"


@given(st.lists(BLANKS, min_size=4, max_size=4), ITEMS, PATHS, ITEMS)
def test_the_rest_keeps_its_bytes(
    blanks: list[str], old: list[str], path: tuple[str, ...], added: list[str]
) -> None:
    first, second, third, fourth = blanks
    before = writer.flat(old)
    text = (
        f"{first}{{:base{second} {before[:-1]}{third}]{second} :extras {{:old []{third}}}{fourth}}}"
    )
    now = editing.with_items(text, {path: added})
    # What was there is there, in its order.
    rest = iter(now)
    assert all(character in rest for character in text)
    value = reader.read(now).value
    assert isinstance(value, dict)
    expected: dict[tuple[str, ...], list[str]] = {("base",): old, ("extras", "old"): []}
    expected[path] = [*expected.get(path, []), *added]
    for (key, *inner), items in expected.items():
        found = value[Keyword(key)]
        assert (found[Keyword(inner[0])] if inner else found) == items
