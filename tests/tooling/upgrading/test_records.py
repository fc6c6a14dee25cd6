"""A record is read as data and changed as text: whatever stands around it stays as it is."""

import json
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.scaffold import record as scaffold_record
from monorepo.system.errors import UsageError
from monorepo.upgrading import records
from monorepo.upgrading.records import Record

Write = Callable[[dict[str, str]], None]

# TOML and JSON are UTF-8, which has no half of a character.
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        'a "b" \\ c',
        "{}",
        "[x]\n[y]",
        "a\u2028[tool]",
        "\u2028[tool.monorepo.template]",
        "#",
        "=",
        "é",
    ]
)
VALUES = st.one_of(st.booleans(), TEXTS, st.lists(TEXTS))
# cookiecutter's questions are names of Jinja.
KEYS = st.from_regex(r"[a-zA-Zé][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda key: key not in ("kind", "version", "dependencies", "keep")
)
ANSWERS = st.dictionaries(KEYS, VALUES, max_size=5)
CONFLICT = "<<<<<<< HEAD\na = 1\n||||||| old\n=======\na = 2\n>>>>>>> new\n"
BEFORE = st.sampled_from(["", '[project]\nname = "a"\n\n', f"[project]\n{CONFLICT}\n", "# ü\n"])
AFTER = st.sampled_from(
    [
        "",
        "\n",
        "\n[tool.x]\n",
        "\n# Of the next.\n[tool.x]\ny = 1\n",
        CONFLICT,
        f"\n{CONFLICT}[z]\n",
    ]
)


def python(recorded: Mapping[str, Any]) -> str:
    """Return the record as a new package has it."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, "pyproject.toml")
        manifest.touch()
        scaffold_record.write(Path(folder), recorded)
        text = manifest.read_bytes().decode()
    return text[text.index(records.TABLE) :]


def read_python(region: str) -> Any:  # noqa: ANN401
    return tomllib.loads(region)["tool"]["monorepo"]["template"]


@given(ANSWERS, ANSWERS, BEFORE, AFTER, st.data())
def test_a_table_is_updated_and_nothing_else(
    old: dict[str, Any], new: dict[str, Any], before: str, after: str, data: st.DataObject
) -> None:
    dropped = data.draw(st.sets(st.sampled_from(sorted({*old} - {*new}) or ["none"])))
    recorded = {"kind": "worker", "version": "1.0", **old}
    region = python(recorded).rstrip("\n")
    text = f"{before}{region}\n{after}"
    assert records.region(text) == region
    assert records.with_region(text, region) == text
    updated = records.updated(text, "2.0", new, dropped)
    found = records.region(updated)
    assert updated == f"{before}{found}\n{after}"
    expected = {**recorded, "version": "2.0", **new}
    assert read_python(found) == {k: v for k, v in expected.items() if k not in dropped}


@given(ANSWERS, ANSWERS, st.sampled_from(["", "  ", "\t"]), st.booleans(), st.data())
def test_an_object_is_updated_and_nothing_else(
    old: dict[str, Any], new: dict[str, Any], indent: str, broken: bool, data: st.DataObject
) -> None:
    steps: list[int | str] = [2, 4, "\t"]
    step = data.draw(st.sampled_from(steps))
    dropped = data.draw(st.sets(st.sampled_from(sorted({*old} - {*new}) or ["none"])))
    recorded = {"kind": "worker", "version": "1.0", **old}
    written = json.dumps(recorded, indent=step, ensure_ascii=False)
    region = f'"template": {written}'.replace("\n", f"\n{indent}")
    conflict = '<<<<<<< HEAD\n"a": 1,\n=======\n"a": 2,\n>>>>>>> new\n' if broken else ""
    before, after = f'{{\n{conflict}"monorepo": {{\n{indent}', f"\n}},\n{conflict}\n}}\n"
    text = before + region + after
    assert records.region(text) == region
    updated = records.updated(text, "2.0", new, dropped)
    found = records.region(updated)
    assert updated == before + found + after
    expected = {**recorded, "version": "2.0", **new}
    read = json.loads("{" + found + "}")["template"]
    assert read == {k: v for k, v in expected.items() if k not in dropped}
    assert found == f'"template": {json.dumps(read, indent=step, ensure_ascii=False)}'.replace(
        "\n", f"\n{indent}"
    )


TABLE = f'{records.TABLE}\nkind = "worker"\nversion = "1.0"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[project]\n",
        f"# {TABLE}",
        '{"name": "a"}',
        '{\n  "template": {"x": 1}\n}',
        '"template": {',
    ],
)
def test_without_a_record_all_stays(text: str) -> None:
    assert records.region(text) == ""
    assert records.with_region(text, TABLE) == text
    assert records.updated(text, "2.0", {"a": "b"}, set()) == text


def test_no_version_is_none() -> None:
    assert records.updated(TABLE, "", {}, set()) == TABLE


def test_a_text_of_several_lines_is_replaced_whole() -> None:
    text = f'{TABLE}title = """\nA\n[x]\n"""\nlast = true\n'.replace("[x]", "x = 1")
    updated = records.updated(text, "2.0", {"title": "B"}, set())
    assert updated == f'{TABLE}title = "B"\nlast = true\n'.replace("1.0", "2.0")
    assert records.updated(text, "1.0", {}, {"title"}) == f"{TABLE}last = true\n"


def test_comments_stay() -> None:
    text = f'{TABLE}# Ours.\ntitle = "#A" # "why"  # more\n'.replace('"1.0"', '"1.0"  # now')
    updated = records.updated(text, "2.0", {"title": "B"}, set())
    assert updated == text.replace("1.0", "2.0").replace("#A", "B")


def test_an_object_on_one_line() -> None:
    text = '{"monorepo":{"template":{"kind":"a","version":"1.0"}}}'
    updated = '{"monorepo":{"template":{"kind": "a", "version": "2.0"}}}'
    assert records.updated(text, "2.0", {}, set()) == updated


OTHER_FORMS = [
    '[tool.monorepo]\ntemplate = {version = "1.0"}\n',
    '[tool.monorepo]\ntemplate.version = "1.0"\n',
    '[ tool.monorepo.template ]\nversion = "1.0"\n',
    '[tool.monorepo.template]  # ours\nversion = "1.0"\n',
    f'[x]\ny = """\n{records.TABLE}\n"""\n[ tool.monorepo.template ]\nversion = "1.0"\n',
    f'{records.TABLE}\nversion = "1.0"\ntitle = """\n[x]\n"""\n',
    f'{records.TABLE}\nversion = "1.0"\n[tool.monorepo.template.more]\nx = 1\n',
]


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_a_record_in_another_form_is_refused(
    root: Path, write: Write, package: Callable[..., Path], text: str
) -> None:
    wrong = "the record of its template is written otherwise; make it a table"
    between = ", " if "{" in text else "\n"
    rows = re.sub(r"((?:template\.)?)version = ", rf'\1kind = "a"{between}\g<0>', text)
    package("shared/py/a")
    with pytest.raises(UsageError, match=f"^shared/py/a/pyproject.toml: {wrong}"):
        packaged(root, rows)
    write({"pyproject.toml": text})
    with pytest.raises(UsageError, match=f"^pyproject.toml: {wrong}"):
        records.of_root(root)


def test_an_answer_stands_once() -> None:
    text = f'{TABLE}title = "A"\n'
    assert records.updated(text, "1.0", {"title": "B"}, set()) == f'{TABLE}title = "B"\n'


def test_a_list_that_a_formatter_has_wrapped(root: Path, write: Write) -> None:
    wrapped = f'{records.TABLE}\nversion = "1.0"\nkeep = [\n    "/docs/",\n]\n\n[tool.x]\n'
    updated = records.updated(wrapped, "2.0", {"a": "b"}, set())
    assert updated.endswith("\n\n[tool.x]\n")
    write({"pyproject.toml": updated})
    assert records.of_root(root) == Record("2.0", {"a": "b"}, ("/docs/",))


def test_of_a_repository(root: Path, write: Write) -> None:
    assert records.of_root(root) is None
    write({"pyproject.toml": f'{records.TABLE}\nversion = "1.0"\nnamespace = "a"\nkeep = ["x"]\n'})
    assert records.of_root(root) == Record("1.0", {"namespace": "a"}, ("x",))


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ('keep = "x"', "keep: is no list of patterns; correct it"),
        ("keep = [1]", "keep: is no list of patterns; correct it"),
        ("version = 1", "the version of its template is no text; correct it"),
    ],
)
def test_a_malformed_one_of_a_repository(root: Path, write: Write, row: str, wrong: str) -> None:
    write({"pyproject.toml": f"{records.TABLE}\n{row}\n"})
    with pytest.raises(UsageError, match=wrong) as caught:
        records.of_root(root)
    assert str(caught.value).startswith("pyproject.toml: ")


@pytest.mark.parametrize("text", ["[", "<<<<<<< HEAD\n"])
def test_what_is_no_toml(root: Path, write: Write, text: str) -> None:
    write({"pyproject.toml": text})
    with pytest.raises(UsageError, match=r"^pyproject\.toml:"):
        records.of_root(root)


def packaged(root: Path, rows: str) -> Record | None:
    manifest = root / "shared/py/a/pyproject.toml"
    with manifest.open("a", encoding="utf-8") as file:
        file.write(f"\n{rows}")
    return records.of_package(workspace.load(root).packages["shared/py/a"])


def test_of_a_package(root: Path, package: Callable[..., Path]) -> None:
    package("shared/py/a")
    assert packaged(root, "") is None
    rows = f'{TABLE}keep = "ours"\ndependencies = ["tiny-b[x]"]\ntitle = "A"\n'
    assert packaged(root, rows) == Record(
        "1.0", {"title": "A"}, ("ours",), "worker", ("tiny-b[x]",)
    )


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("[tool.monorepo]\ntemplate = 1\n", "has no kind"),
        (f'{records.TABLE}\nversion = "1.0"\n', "has no kind"),
        (f'{records.TABLE}\nkind = "../../x"\n', "kind: '../../x' is no name; correct it"),
        (f'{TABLE}keep = " "\n', "is no reason"),
        (f"{TABLE}keep = []\n", "is no reason"),
        (f'{records.TABLE}\nkind = "worker"\nversion = 1\n', "is no text"),
    ],
)
def test_a_malformed_one_of_a_package(
    root: Path, package: Callable[..., Path], rows: str, wrong: str
) -> None:
    package("shared/py/a")
    with pytest.raises(UsageError, match=wrong) as caught:
        packaged(root, rows)
    assert str(caught.value).startswith("shared/py/a/pyproject.toml: ")
