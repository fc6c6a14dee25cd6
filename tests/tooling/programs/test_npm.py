"""A package.json is edited to the letter; the journey compares versions with the real npm."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.programs import npm
from monorepo.system.errors import TaskError, UsageError

TEXT = """\
{
  "monorepo": { "version": "1.0.0", "text": "\\"version\\": \\"1.0.0\\"" },
  "version" :"1.0.0", "name": "@tiny/web",
\t"dependencies": {"@tiny/core": "workspace:^1"},
  "peerDependencies": {"@tiny/core": "workspace:^1"}
}
"""


def test_only_the_string_at_the_keys_changes() -> None:
    moved = npm.with_string("x", TEXT, ["version"], "2.0.0")
    assert moved == TEXT.replace('"version" :"1.0.0"', '"version" :"2.0.0"')
    moved = npm.with_string("x", TEXT, ["peerDependencies", "@tiny/core"], "workspace:^2")
    assert moved == "workspace:^2".join(TEXT.rsplit("workspace:^1", 1))
    assert npm.with_string("x", TEXT, ["version"], "1.0.0") == TEXT


@pytest.mark.parametrize("text", ['{"versi\\u006fn": "1.0.0"}', '{"version": 1}'])
def test_what_cannot_be_replaced_is_told(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"^a/package\.json: writes version in an unusual notation;"
    ):
        npm.with_string("a/package.json", text, ["version"], "2.0.0")


@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.text(), st.text())), st.text())
def test_any_string_can_be_replaced(tables: dict[str, dict[str, str]], new: str) -> None:
    text = json.dumps(tables, indent=1)
    for key, table in tables.items():
        for name in table:
            written = npm.with_string("x", text, [key, name], new)
            assert json.loads(written) == {**tables, key: {**table, name: new}}


def test_without_node_no_ranges_are_compared(tmp_path: Path) -> None:
    assert npm.excluding(tmp_path, "1.0.0", set()) == set()
    with pytest.raises(TaskError, match=r"^\.venv/bin/node: cannot be run \(No such file"):
        npm.excluding(tmp_path, "1.0.0", {"^1"})
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/node").symlink_to("/bin/false")
    with pytest.raises(TaskError, match=r"^\.venv/bin/node: cannot compare versions \(it gives no"):
        npm.excluding(tmp_path, "1.0.0", {"^1"})
