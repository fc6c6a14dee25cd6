"""A manifest says of which kind its package is, and is as before when that is taken out again."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core.languages import Kind, Language
from monorepo.layout import manifest_kind
from monorepo.system.errors import UsageError

PROJECT = '[project]\nname = "acme-core"\n'
RECORD = '\n# What this package was made from.\n[tool.monorepo.template]\nkind = "shared-py"\n'


@pytest.mark.parametrize(
    "text",
    [
        PROJECT,
        PROJECT + RECORD,
        PROJECT + "\n[tool.monorepo]\nport = 8000\n" + RECORD,
        PROJECT + "\n[tool.monorepo]  # ours\nport = 8000\n\n[tool.other]\na = 1\n",
        PROJECT + "\n[[tool.monorepo.layers]]\nwhy = 'x'\n",
    ],
)
@pytest.mark.parametrize("kind", Kind)
def test_a_pyproject_toml(text: str, kind: Kind) -> None:
    there = manifest_kind.write(text, Language.PYTHON, kind, "a")
    assert tomllib.loads(there)["tool"]["monorepo"]["kind"] == kind
    assert manifest_kind.remove(there, Language.PYTHON, "a") == text


def objects(indent: int | None) -> st.SearchStrategy[str]:
    """Return the texts of package.json with some settings, or none."""
    settings = st.dictionaries(
        st.sampled_from(["port", "template", "sessions"]),
        st.one_of(
            st.integers(), st.fixed_dictionaries({"kind": st.sampled_from(["shared-js", "}"])})
        ),
        min_size=1,
    )
    whole = st.builds(
        lambda before, told, after: {"name": "@acme/core", **before, **told, **after},
        st.sampled_from([{}, {"scripts": {"monorepo": "x"}}]),
        st.one_of(st.just({}), settings.map(lambda one: {"monorepo": one})),
        st.sampled_from([{}, {"private": True}, {"other": {"monorepo": {"port": 1}}}]),
    )
    return whole.map(lambda one: json.dumps(one, indent=indent) + "\n")


@given(objects(2), st.sampled_from(Kind))
def test_a_package_json(text: str, kind: Kind) -> None:
    there = manifest_kind.write(text, Language.JAVASCRIPT, kind, "a")
    assert json.loads(there)["monorepo"]["kind"] == kind
    if '"monorepo"' not in json.loads(text):
        assert json.loads(manifest_kind.remove(there, Language.JAVASCRIPT, "a")) == json.loads(text)
    assert manifest_kind.remove(there, Language.JAVASCRIPT, "a") == text


def test_settings_in_another_form_are_refused() -> None:
    text = PROJECT + "[tool]\nmonorepo = { port = 8000 }\n"
    with pytest.raises(UsageError, match=r"a/pyproject.toml: has its settings in another form"):
        manifest_kind.write(text, Language.PYTHON, Kind.SHARED, "a/pyproject.toml")
