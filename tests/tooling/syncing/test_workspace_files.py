"""The part of pnpm-workspace.yaml that manifests ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import data_formats
from monorepo.syncing import workspace_files
from monorepo.system.text_files import MalformedError

TEXT = """\
packages:
  - shared/js/*

# Every version, once.
catalog:
  "@types/node": ^24.19.2
  fastify: 5.12.8
  # The last with an API.
  typescript: ^5.9.3

catalogMode: strict
"""


def test_entries_are_written_in_their_order_with_a_mark_and_go_again() -> None:
    wanted = {
        "catalog": {"zod": "^4.1", "@acme/x": ">=1", "fastify": "^5.13.0"},
        "overrides": {"ws": "8.18.0"},
    }
    written = workspace_files.write(TEXT, wanted)
    assert (
        written
        == """\
packages:
  - shared/js/*

# Every version, once.
catalog:
  "@acme/x": ">=1" # make sync
  "@types/node": ^24.19.2
  fastify: ^5.13.0 # make sync
  # The last with an API.
  typescript: ^5.9.3
  zod: ^4.1 # make sync

catalogMode: strict

overrides:
  ws: 8.18.0 # make sync
"""
    )
    assert workspace_files.write(written, wanted) == written
    assert workspace_files.names(written) == [
        "@acme/x",
        "@types/node",
        "fastify",
        "typescript",
        "zod",
    ]
    # What a manifest has taken over is its own.
    assert workspace_files.write(written, {}) == TEXT.replace("  fastify: 5.12.8\n", "")


def test_what_is_there_already_keeps_its_words() -> None:
    text = TEXT + "overrides: {}\n"
    assert workspace_files.write(text, {"catalog": {"fastify": "5.12.8"}}) == text
    assert "\noverrides:\n  a: ^1 # make sync\n" in workspace_files.write(
        text, {"overrides": {"a": "^1"}}
    )


@pytest.mark.parametrize(
    "text", ["catalog: {fastify: 1.0.0}\n", "catalog:\n- a\n", "a: [\n", "catalog: {a: 1\n  }\n"]
)
def test_another_notation_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        workspace_files.write(text, {"catalog": {"zod": "^4.1"}})


NAMES = st.sampled_from(["a", "@b/c", "on", "1", "a>b", "zod", "typescript", "null"])
RANGES = st.sampled_from(
    ["^1", "1.0", "1.10.0", ">=2 <3", "*", "^5.9.3", "npm:x@1", "true", "1.0.0-a.1"]
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "catalog": st.dictionaries(NAMES, RANGES, max_size=4),
        "overrides": st.dictionaries(NAMES, RANGES, max_size=4),
    },
)


@given(ENTRIES, ENTRIES)
def test_from_any_state_to_any_other(
    first: dict[str, dict[str, str]], second: dict[str, dict[str, str]]
) -> None:
    text = workspace_files.write(workspace_files.write(TEXT, first), second)
    found = data_formats.yaml(text)
    for table in workspace_files.TABLES:
        there = data_formats.table(found, table)
        assert second.get(table, {}).items() <= there.items()
        own = {"@types/node", "fastify", "typescript"} if table == "catalog" else set()
        assert there.keys() <= second.get(table, {}).keys() | own
    assert workspace_files.write(text, second) == text
    assert found["catalogMode"] == "strict"
