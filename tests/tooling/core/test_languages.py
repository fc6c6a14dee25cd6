"""The area of a package tells its language and its kind, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import languages
from monorepo.core.languages import AREAS, Kind, Language

SEGMENTS = st.sampled_from(["shared", "services", "apps", "tools", "py", "js", "go", "a", "", ".."])


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("rest", ["", "/a", "/a/src/a.py", "/js/py"])
def test_what_is_in_an_area_has_its_language_and_its_kind(area: str, rest: str) -> None:
    path = f"{area}{rest}"
    assert [languages.kind_of(path), languages.of(path)] == area.split("/")


@pytest.mark.parametrize(
    "path", ["", "README.md", "shared", "shared/go/a", "/shared/py", "tools/py"]
)
def test_what_is_in_no_area_has_none(path: str) -> None:
    for find in (languages.of, languages.kind_of):
        with pytest.raises(ValueError, match="is in no area"):
            find(path)


@given(st.lists(SEGMENTS, max_size=4).map("/".join))
def test_any_path_has_a_language_or_is_in_no_area(path: str) -> None:
    inside = f"{path}/".startswith(tuple(f"{area}/" for area in AREAS))
    try:
        assert languages.of(path) in Language
    except ValueError:
        assert not inside
    else:
        assert inside


def test_a_language_tells_where_its_things_are() -> None:
    told = [(one.manifest, one.fragment, one.naming, one.test) for one in Language]
    assert told == [
        ("pyproject.toml", "tools/make/py.mk", "distribution", "tests/unit/test_it.py"),
        ("package.json", "tools/make/js.mk", "npm_name", "tests/it.test.ts"),
    ]


def test_a_kind_tells_where_its_things_are() -> None:
    told = [(one.singular, one.prefix, one.fragment(Language.PYTHON)) for one in Kind]
    assert told == [
        ("shared package", "", "tools/make/py.mk"),
        ("service", "svc-", "tools/make/services-py.mk"),
        ("app", "app-", "tools/make/apps-py.mk"),
    ]
