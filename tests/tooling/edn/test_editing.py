"""A vector gets other items, and all else in a manifest keeps its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn import editing, reader
from monorepo.edn.reader import Keyword
from tests.examples import times

MANIFEST = """\
; What it is.
{:package/name "acme-core" ; its name
 :deps/base ["httpx>=0.28" ; for calls
             ; the next one is pinned
             "left"
             {:pkg "acme-io" :extras ["x"]}]
 :extras {:all [] ; nothing
          :"odd" ["a"]}
}
""".replace(':"odd"', '"odd key"')


@pytest.mark.parametrize(
    ("path", "items", "old", "new"),
    [
        # Nothing to do.
        (("extras", "odd key"), ["a"], "", ""),
        # Another item in its place, one behind it, none.
        (("extras", "odd key"), ["b"], '["a"]', '["b"]'),
        (("extras", "odd key"), ["a", "b"], '["a"]', '["a" "b"]'),
        (("extras", "odd key"), ["b", "a"], '["a"]', '["b" "a"]'),
        (("extras", "odd key"), [], '["a"]', "[]"),
        (("extras", "all"), ["a", "b"], "[]", '["a" "b"]'),
        # Comments stay where they are.
        (
            ("deps/base",),
            ["httpx>=0.28", "left"],
            '"left"\n             {:pkg "acme-io" :extras ["x"]}]',
            '"left"]',
        ),
        (
            ("deps/base",),
            ["httpx>=0.28", {Keyword("pkg"): "acme-io", Keyword("extras"): ["x"]}],
            '"left"\n             {:pkg',
            "{:pkg",
        ),
        (
            ("deps/base",),
            ["left", {Keyword("pkg"): "acme-io", Keyword("extras"): ["x"]}],
            '["httpx>=0.28" ; for calls',
            "[; for calls",
        ),
        (
            ("deps/base",),
            ["httpx>=0.28", "new", "left", {Keyword("pkg"): "acme-io", Keyword("extras"): ["x"]}],
            "; for calls\n",
            '; for calls\n             "new"\n',
        ),
        (
            ("deps/base",),
            ["httpx>=0.28", "left", {Keyword("pkg"): "acme-io", Keyword("extras"): ["x"]}, "y"],
            '["x"]}]',
            '["x"]}\n             "y"]',
        ),
        # A key is made, and the maps on the way to it.
        (("extras", "new"), ["x"], '["a"]}', '["a"]\n          :new ["x"]}'),
        (("dev", "test"), ["x"], '["a"]}\n', '["a"]}\n :dev {:test ["x"]}\n'),
        # One that can be no keyword.
        (("dev", "a b"), ["x"], '["a"]}\n', '["a"]}\n :dev {"a b" ["x"]}\n'),
        (("extras", "a b"), ["x"], '["a"]}', '["a"]\n          "a b" ["x"]}'),
    ],
)
def test_items(path: tuple[str, ...], items: list[object], old: str, new: str) -> None:
    text = editing.with_items(MANIFEST, path, items)
    assert text == MANIFEST.replace(old, new, 1)
    document = reader.read(text)
    value = document.at(path)
    assert value == items
    assert editing.with_items(text, path, items) == text


def test_a_long_line_is_broken() -> None:
    text = '{:deps/base ["' + "a" * 80 + '"]}'
    wanted = ["a" * 80, "b" * 20]
    assert editing.with_items(text, ("deps/base",), wanted) == (
        '{:deps/base ["' + "a" * 80 + '"\n             "' + "b" * 20 + '"]}'
    )
    # What is put before an item in a line of its own has one, too.
    text = '{:a ["x"\n     "y"]}'
    assert editing.with_items(text, ("a",), ["w", "x", "y"]) == '{:a ["w"\n     "x"\n     "y"]}'


@pytest.mark.parametrize(
    ("text", "path", "new"),
    [
        ("{:a 1 :b 2}", ("a",), "{:b 2}"),
        ("{:a 1 :b 2}", ("b",), "{:a 1}"),
        ("{:a 1}", ("a",), "{}"),
        ("{:a {:b 2 ; two\n :c [3]}}", ("a", "c"), "{:a {:b 2 ; two\n }}"),
        ("{:a 1}", ("b",), "{:a 1}"),
        ("{}", ("b", "c"), "{}"),
    ],
)
def test_without(text: str, path: tuple[str, ...], new: str) -> None:
    assert editing.without(text, path) == new


def test_an_empty_map_gets_a_key() -> None:
    assert editing.with_items("{}", ("a", "b"), ["x"]) == '{:a {:b ["x"]}}'
    assert editing.with_items("{:a 1 ; one\n}", ("b",), []) == "{:a 1 ; one\n :b []\n}"


@pytest.mark.parametrize(
    ("text", "path", "key", "new"),
    [
        ('{:a {"b" 1 ; one\n     "c" 2}}', ("a",), "b", '{:a {"b" ["x"] ; one\n     "c" 2}}'),
        ('{:a {"b" 1}}', ("a",), "c", '{:a {"b" 1\n     "c" ["x"]}}'),
        ("{:a {}}", ("a",), "@b/c", '{:a {"@b/c" ["x"]}}'),
        ("{:a 1}", ("b", "c"), Keyword("d"), '{:a 1\n :b {:c {:d ["x"]}}}'),
        ("{}", (), Keyword("d"), '{:d ["x"]}'),
    ],
)
def test_a_map_gets_an_entry(
    text: str, path: tuple[str, ...], key: Keyword | str, new: str
) -> None:
    assert editing.with_entry(text, path, key, ["x"]) == new
    reader.read(new)


ITEMS = st.lists(st.sampled_from("abcdef"), max_size=6)
BETWEEN = st.sampled_from([" ", "\n     ", ", ", " ; note\n     ", ' #_"x" '])


@given(ITEMS, ITEMS, BETWEEN, BETWEEN)
@times(1)
def test_whatever_is_there_the_items_are_those(
    old: list[str], new: list[str], between: str, last: str
) -> None:
    text = f"{{:a [{between.join(f'{chr(34)}{one}{chr(34)}' for one in old)}{last}] :b 1}}"
    changed = editing.with_items(text, ("a",), new)
    assert reader.read(changed).value == {Keyword("a"): new, Keyword("b"): 1}
    assert changed.count("note") == text.count("note")
