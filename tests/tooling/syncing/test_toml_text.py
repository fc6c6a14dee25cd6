"""A value of a TOML document changes, and no other byte does."""

import tomllib
from functools import reduce
from operator import getitem
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from monorepo.syncing.toml_text import Path, literal, with_value, without_empty

PROJECT = """\
# Above.
[build-system]
requires = ["a # b"]

[project]
name = "acme-core"  # the name
version = '0.1.0'
dependencies = [
  "numpy>=2",  # for the mean
  # The others.
  "httpx",
]

# One extra for each purpose.
[project.optional-dependencies]
lite = ["soundfile"]

[tool.x]
text = \"\"\"
[project]
name = "no"
\"\"\"
"""


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that have gone and those that have come."""
    old, new = before.splitlines(), after.splitlines()
    return [row for row in old if row not in new], [row for row in new if row not in old]


@pytest.mark.parametrize(
    ("path", "value", "gone", "come"),
    [
        (
            ("project", "name"),
            "x é",
            ['name = "acme-core"  # the name'],
            ['name = "x é"  # the name'],
        ),
        (("project", "version"), "0.2.0", ["version = '0.1.0'"], ['version = "0.2.0"']),
        (("project", "version"), None, ["version = '0.1.0'"], []),
        (("project", "description"), "D", [], ['description = "D"']),
        (
            ("project", "dependencies"),
            ["a", "numpy>=2", "z"],
            ["  # The others.", '  "httpx",'],
            ['  "a",', '  "z",'],
        ),
        (("project", "dependencies"), ["numpy>=2", "httpx", "z"], [], ['  "z",']),
        (("project", "dependencies"), ["httpx"], ['  "numpy>=2",  # for the mean'], []),
        (("project", "dependencies"), [], None, ["dependencies = []"]),
        (("project", "optional-dependencies", "io"), ["b"], [], ['io = ["b"]']),
        (("project", "optional-dependencies", "lite"), None, ['lite = ["soundfile"]'], []),
        (
            ("project", "scripts", "a.b"),
            "c:d",
            [],
            ["[project.scripts]", '"a.b" = "c:d"'],
        ),
        (
            ("dependency-groups", "test"),
            ["pytest", {"include-group": "x"}],
            [],
            ["[dependency-groups]", "test = [", '    "pytest",', '    { include-group = "x" },'],
        ),
    ],
)
def test_a_value_changes_alone(
    path: Path, value: object, gone: list[str] | None, come: list[str]
) -> None:
    written = with_value(PROJECT, path, value, ("name", "version", "description", "dependencies"))
    then: Any = tomllib.loads(written)
    assert (None if value is None else reduce(getitem, path, then)) == value
    went, came = changed(PROJECT, written)
    assert came == come
    if gone is not None:
        assert went == gone
    # A blank line parts tables, and none is doubled.
    assert "\n\n\n" not in written


def test_a_new_key_stands_where_it_usually_does() -> None:
    written = with_value(PROJECT, ("project", "description"), "D", ("version", "description"))
    assert "version = '0.1.0'\ndescription = \"D\"\ndependencies" in written
    assert '[project]\nversion = "1"\n' in with_value(
        '[project]\nreadme = "r"\n', ("project", "version"), "1", ("version", "readme")
    )


def test_a_new_table_stands_after_its_family_and_before_those_of_tools() -> None:
    written = with_value(PROJECT, ("project", "scripts", "a"), "b:c")
    assert 'lite = ["soundfile"]\n\n[project.scripts]\na = "b:c"\n\n[tool.x]' in written
    written = with_value("[project]\n[tool.x]\na = 1", ("dependency-groups", "t"), ["x"])
    assert written == '[project]\n\n[dependency-groups]\nt = ["x"]\n\n[tool.x]\na = 1\n'
    assert with_value("", ("project", "name"), "a") == '[project]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        (
            'project = { name = "a", scripts = { b = "c" } }',
            ("project", "scripts", "d"),
            'project = { name = "a", scripts = { b = "c", d = "v" } }',
        ),
        ('project.name = "a"', ("project", "name"), 'project.name = "v"'),
        (
            'project.name = "a"',
            ("project", "version"),
            'project.name = "a"\nproject.version = "v"\n',
        ),
        (
            '[project]\nscripts."a b" = "c"\n',
            ("project", "scripts", "d"),
            '[project]\nscripts."a b" = "c"\nscripts.d = "v"\n',
        ),
        (
            '[project.entry-points."g.h"]\na = "b"',
            ("project", "entry-points", "g.h", "a"),
            '[project.entry-points."g.h"]\na = "v"',
        ),
        ("[[project.authors]]\nname = 'A'\n", ("project", "name"), None),
    ],
)
def test_each_notation_is_known(text: str, path: Path, wanted: str | None) -> None:
    written = with_value(text, path, "v")
    found: Any = reduce(getitem, path, tomllib.loads(written))
    assert found == "v"
    assert wanted is None or written == wanted


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
# Below `t` are values, which no other value can take the place of.
KEY = st.one_of(
    st.sampled_from(["name", "a.b", "ü", 'q"', "it's", "#", "[x]", "="]),
    TEXT.filter(lambda text: text != "t"),
)
LIST = st.lists(st.one_of(TEXT, st.fixed_dictionaries({"include-group": TEXT})), max_size=3)
STATEMENTS = st.sampled_from(
    [
        *("", "# [project] = {\n", 'x = "[project]"\n', "y = '''\n[project]\nname = 1\n'''\n"),
        *('z = """a""""\n', "w = [ # ]\n  1, [2,\n 3] ]\n", "v = { a = [1], b = '#' }  # c\n"),
        *("d = 2026-01-01T00:00:00Z\n", "t.u.'v' = true\n", 'e = """\\\n  "" \\"""\n"""\n'),
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a document: some statements, with or without tables of a project."""
    tables = ["", "[a]\n", "[[b]]\n", "[ project ]\n", '[project."x y"]\n', "[dependency-groups]\n"]
    parts = []
    for table in draw(
        st.lists(st.sampled_from(tables[1:]), unique=True).map(lambda some: ["", *some])
    ):
        parts += [table, *draw(st.lists(STATEMENTS, unique=True, max_size=3))]
    return "".join(parts)


@given(documents(), st.sampled_from(["project", "dependency-groups"]), KEY, st.one_of(TEXT, LIST))
def test_another_reader_finds_the_value_and_all_else(
    text: str, table: str, key: str, value: object
) -> None:
    written = with_value(text, (table, key), value)
    wanted = tomllib.loads(text)
    wanted.setdefault(table, {})[key] = value
    assert tomllib.loads(written) == wanted
    assert tomlkit.parse(written).unwrap() == wanted
    # All that was there is there still, in its order.
    rest = iter(written.splitlines())
    assert key in tomllib.loads(text).get(table, {}) or all(
        row in rest for row in text.splitlines()
    )
    # What was put in is taken out again.
    gone = with_value(written, (table, key), None)
    del wanted[table][key]
    assert tomllib.loads(gone) == wanted


@given(
    st.recursive(
        TEXT | st.booleans() | st.integers(), lambda x: st.lists(x) | st.dictionaries(KEY, x)
    )
)
def test_a_literal_is_the_value(value: object) -> None:
    assert tomllib.loads(f"x = {literal(value)}")["x"] == value


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a = 1\n\n[x.y]\n\n[z]\nb = 1\n", "a = 1\n\n[z]\nb = 1\n"),
        ("a = 1\n\n[x.y]\n", "a = 1\n"),
        ("[x.y]\n[z]\nb = 1\n", "[z]\nb = 1\n"),
        ("[x.y]\n", ""),
        ("[x.y]\n\n# Z.\n[z]\n", "# Z.\n[z]\n"),
        ("a = 1\n[x.y]\n\n# Z.\n# Z.\n[z]\n", "a = 1\n\n# Z.\n# Z.\n[z]\n"),
        # Something is in it, or it is none.
        *(
            (text, text)
            for text in (
                "[x.y]\na = 1\n",
                "[x.y]\n[x.y.z]\na = 1\n",
                "[x.y]\n# Why.\n",
                "# Why.\n[x.y]\n",
                "[x.y]\n# Why.\n[z]\n",
                "[x.y]\n\n# Why.\n\n[z]\n",
                "[x]\ny.z = 1\n",
                "[[x.y]]\n[[x.y]]\n",
                "a = 1\n",
            )
        ),
    ],
)
def test_a_table_without_anything_goes(text: str, after: str) -> None:
    assert without_empty(text, ("x", "y")) == after
