"""Which Pythons a `requires-python` allows, as packaging would say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from monorepo.core.python_versions import NEWEST, allows, is_valid, minor, minors

VERSIONS = st.lists(st.integers(0, 15), min_size=1, max_size=3).map(
    lambda parts: ".".join(map(str, [3, *parts]))
)
OPERATORS = st.sampled_from(["~=", "==", "!=", "<=", ">=", "<", ">", "==="])
CLAUSES = st.builds(
    lambda operator, version, star: f"{operator} {version}{star}",
    *(OPERATORS, VERSIONS, st.sampled_from(["", ".*", "rc1"])),
)


@given(st.lists(CLAUSES, max_size=3).map(", ".join), VERSIONS)
def test_it_is_as_packaging_says(requires: str, version: str) -> None:
    try:
        expected = SpecifierSet(requires)
    except InvalidSpecifier:
        assert not is_valid(requires)
        return
    assert is_valid(requires)
    # Where a version before a release is the bound, a release is never that one.
    if "===" not in requires and "rc" not in requires:
        assert allows(requires, tuple(map(int, version.split(".")))) == expected.contains(version)


@given(st.text(">=<~!3.,*x1 "))
def test_no_text_is_the_end(requires: str) -> None:
    allows(requires, (3, 11, 0))


@pytest.mark.parametrize(
    ("requires", "first", "expected"),
    [
        ("", 11, [*range(11, NEWEST + 1)]),
        (">=3.12.1", 11, [*range(12, NEWEST + 1)]),
        ("<=3.12", 11, [11, 12]),
        ("<4,>=3.9", 13, [*range(13, NEWEST + 1)]),
        ("==3.12.*", 0, [12]),
        (">=3.99", 0, []),
        ("garbage", 0, []),
        (f">={'9' * 5000}", 0, []),
    ],
)
def test_minors(requires: str, first: int, expected: list[int]) -> None:
    assert minors(requires, first) == expected


def test_a_minor() -> None:
    assert [minor(text) for text in ("3.11", "3", "banana", "3.11.1", "4.1")] == [11, 0, 0, 0, 0]
