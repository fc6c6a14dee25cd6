"""A requirement is told from what is none, as packaging does it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from monorepo.core import manifests
from monorepo.core.languages import Language
from tests.examples import times

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
KEYS = [*manifests._PROJECT, *manifests._PACKAGE_JSON, "monorepo", "requires"]
TABLES = st.dictionaries(st.sampled_from(KEYS), JSON)


@times(4)
@given(st.one_of(st.text(), st.text("aB1-_.[], >=;@<!~'\"()", max_size=16)))
def test_what_packaging_takes_is_a_requirement(text: str) -> None:
    try:
        Requirement(text)
    except InvalidRequirement:
        return
    assert manifests.is_requirement(text)


@pytest.mark.parametrize(
    "text",
    [
        *("httpx", "a[b,c]>=1,<2", "a (>=1)", "a~=1.0 ; python_version < '3.12'"),
        "a @ https://example.org/a.whl ; sys_platform == 'linux'",
        "a; (os_name == 'nt' or extra == \"x\") and '3' in python_version",
        "a==1.*; platform_machine not in 'x y'",
    ],
)
def test_requirements(text: str) -> None:
    assert str(Requirement(text))
    assert manifests.is_requirement(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", ">=1", "a b", "a=>1", "a=1", "-e .", "./a", "a[b", "ä", "a;", "a ; x", "a; ("),
        "a; python_version < 3.12",
        "a; python_version",
        "a" * 1000,
    ],
)
def test_no_requirements(text: str) -> None:
    assert not manifests.is_requirement(text)


@given(st.one_of(st.text("0123.abrcpostdev+-_! v"), st.text()))
def test_what_packaging_takes_is_a_version(text: str) -> None:
    try:
        Version(text)
    except InvalidVersion:
        return
    assert manifests.is_version(text)


@given(
    st.dictionaries(st.sampled_from(["project", "tool", "build-system"]), JSON | TABLES) | TABLES
)
def test_no_manifest_is_the_end(manifest: dict[str, object]) -> None:
    for language in Language:
        for one in manifests.mistakes(manifest, language):
            assert one.message and one.fix


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ({"Left_Pad": "its files"}, ""),
        (["left"], "own-pins is not a table"),
        ({"left": " "}, "own-pins: 'left' has no reason"),
        ({"left": 1}, "own-pins: 'left' has no reason"),
        ({"left pad": "x"}, "own-pins: 'left pad' has no reason"),
    ],
)
def test_own_pins_have_reasons(table: object, wrong: str) -> None:
    manifest = {"project": {"name": "a"}, "tool": {"monorepo": {"own-pins": table}}}
    found = list(manifests.mistakes(manifest, Language.PYTHON))
    assert [one.message for one in found] == [wrong] * bool(wrong)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, ""),
        ({"inputs": ["../../../schema/*.x", "services/py/api"]}, ""),
        (
            {"outputs": ["a", "b"]},
            "generate: 'one' has several outputs, and its command prints one",
        ),
        ({"outputs": ["a", "b"], "command": ["x", "--to={out}"]}, ""),
        ({"command": "sh -c x"}, "generate: 'one' does not have command, inputs, outputs, each"),
        ({"command": []}, "generate: 'one' does not have command"),
        ({"inputs": [1]}, "generate: 'one' does not have command"),
        ({"more": ["x"]}, "generate: 'one' does not have command"),
        (
            {"inputs": ["/etc/passwd"]},
            "generate: 'one': '/etc/passwd' in inputs is not a path that",
        ),
        ({"inputs": ["../../../../x"]}, "generate: 'one': '../../../../x' in inputs is not a path"),
        (
            {"outputs": ["../x"]},
            "generate: 'one': '../x' in outputs is not a path that is possible",
        ),
        ({"outputs": ["a/../b"]}, "generate: 'one': 'a/../b' in outputs is not a path"),
        ({"outputs": ["a/"]}, "generate: 'one': 'a/' in outputs is not a path"),
        ({"outputs": ["a\nb"]}, "generate: 'one': 'a\\nb' in outputs is not a path"),
    ],
)
def test_what_is_generated_has_a_command_inputs_and_outputs(
    change: dict[str, object], wrong: str
) -> None:
    entry = {"command": ["x"], "inputs": ["a/**/*.json"], "outputs": ["b/c"]} | change
    settings = {"monorepo": {"generate": {"one": entry}}}
    for language, manifest in (
        (Language.PYTHON, {"project": {"name": "a"}, "tool": settings}),
        (Language.JAVASCRIPT, {"name": "a", **settings}),
    ):
        found = [one.message for one in manifests.mistakes(manifest, language)]
        assert len(found) == bool(wrong)
        assert all(message.startswith(wrong) for message in found)


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ([], "generate is not a table"),
        ({"a b": {}}, "generate: 'a b' is not a name"),
        ({"a": []}, "generate: 'a' does not have command"),
    ],
)
def test_what_is_generated_has_a_name(table: object, wrong: str) -> None:
    manifest = {"name": "a", "monorepo": {"generate": table}}
    (found,) = manifests.mistakes(manifest, Language.JAVASCRIPT)
    assert found.message.startswith(wrong)


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ({}, ""),
        ({"never": "asks a server", "environment": ["DATABASE"]}, ""),
        ({"dependencies": {"shared/py/core": "ignored", "shared/py/a": "outputs"}}, ""),
        ({"dependencies": {"shared/py/core": "sources"}}, ""),
        ([], "cache is not a table"),
        ({"nevr": "x"}, "cache: 'nevr' is not known; there are dependencies, environment, never"),
        ({"never": " "}, "cache: never has no reason on one line"),
        ({"never": True}, "cache: never has no reason on one line"),
        ({"never": "a\nb"}, "cache: never has no reason on one line"),
        ({"environment": "DATABASE"}, "cache: environment is not a list of names of variables"),
        ({"dependencies": ["x"]}, "cache: dependencies says other than sources, outputs, ignored"),
        (
            {"dependencies": {"shared/py/core": "no"}},
            "cache: dependencies says other than sources, outputs, ignored",
        ),
        (
            {"dependencies": {"shared/py/core": ["ignored"]}},
            "cache: dependencies says other than sources, outputs, ignored",
        ),
    ],
)
def test_the_settings_of_results_are_checked(table: object, wrong: str) -> None:
    for language, manifest in (
        (Language.PYTHON, {"project": {"name": "a"}, "tool": {"monorepo": {"cache": table}}}),
        (Language.JAVASCRIPT, {"name": "a", "monorepo": {"cache": table}}),
    ):
        found = [one.message for one in manifests.mistakes(manifest, language)]
        assert found == [wrong] * bool(wrong)
