"""Targets say which engines run a package, and nothing is lost on the way there and back."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn import targets


@pytest.mark.parametrize(
    ("text", "engine", "versions"),
    [
        ("node>=24", "node", ">=24"),
        ("node^20 || >=22", "node", "^20 || >=22"),
        ("node 20.x", "node", "20.x"),
        ("vscode *", "vscode", "*"),
    ],
)
def test_an_engine_and_its_range(text: str, engine: str, versions: str) -> None:
    assert targets.engine_of(text) == (engine, versions)
    assert targets.engine_of(targets.target(engine, versions)) == (engine, versions)


@pytest.mark.parametrize("text", ["node", "browser", "Node>=1", ">=1", "", "node "])
def test_what_has_no_range(text: str) -> None:
    assert targets.engine_of(text) is None


@given(st.text("anode-NB", max_size=5), st.text("<>=^ ~*1.xa\n", max_size=5))
def test_what_a_target_says_is_what_it_was_made_of(engine: str, versions: str) -> None:
    with contextlib.suppress(ValueError):
        assert targets.engine_of(targets.target(engine, versions)) == (engine, versions)


def test_the_order() -> None:
    assert targets.ordered(["vscode 1", "browser", "node>=1"]) == ["node>=1", "vscode 1", "browser"]
