"""Values in EDN are changed as text: what is not asked for keeps its bytes."""

import pytest

from monorepo.edn import editing, reader
from monorepo.edn.editing import Path
from monorepo.edn.reader import Keyword


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ('{:a ["x" "y"]}', ("a", 0), '{:a ["y"]}'),
        ('{:a ["x" "y"]}', ("a", 1), '{:a ["x"]}'),
        ('{:a ["x"]}', ("a", 0), "{:a []}"),
        ('{:a ["x" {:pkg "]"} "y"]}', ("a", 1), '{:a ["x" "y"]}'),
        ('{:a ["x"\n     ; why\n     "y"]}', ("a", 1), '{:a ["x"\n     ; why\n     ]}'),
        ('{:a ["x"]\n :b {:c 1}\n :d 2}', ("b",), '{:a ["x"]\n :d 2}'),
        ("{:b {:c 1}\n :d 2}", ("b",), "{:d 2}"),
        ("{:b {:c 1, :d 2}}", ("b", "d"), "{:b {:c 1}}"),
        ('{:b #{"x"} :c "a"}', ("b",), '{:c "a"}'),
    ],
)
def test_a_value_is_taken_out(text: str, path: Path, after: str) -> None:
    assert editing.without(text, path) == after
    reader.read(after)


@pytest.mark.parametrize(
    ("text", "path", "value", "key", "after"),
    [
        ("{:a []}", ("a",), "x", None, '{:a ["x"]}'),
        ('{:a ["y"]}', ("a",), "x", None, '{:a ["y" "x"]}'),
        ('{:a ["y"\n     "z"]}', ("a",), "x", None, '{:a ["y"\n     "z"\n     "x"]}'),
        (
            '{:a ["y" ; why\n     ]}',
            ("a",),
            "x",
            None,
            '{:a ["y" ; why\n     "x"\n    ]}',
        ),
        ("{:a 1}\n", (), ["x"], Keyword("b"), '{:a 1\n :b ["x"]}\n'),
        ("{:a {}}", ("a",), "x", "@b/c", '{:a {"@b/c" "x"}}'),
        ('{:a {"b" 1\n     "c" 2}}', ("a",), 3, "d", '{:a {"b" 1\n     "c" 2\n     "d" 3}}'),
    ],
)
def test_a_value_is_added(
    text: str, path: Path, value: object, key: Keyword | str | None, after: str
) -> None:
    assert editing.appended(text, path, value, key) == after
    reader.read(after)


def test_a_vector_gets_other_items() -> None:
    text = '{:a ["x" "y" "z"]}'
    after = editing.with_items(text, ("a",), ["x", "y", "z"], ["y", "w"], ["y", "w"])
    assert after == '{:a ["y" "w"]}'
