"""What has changed between two versions is what the changelog says of those after the first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from monorepo.system.errors import UsageError
from monorepo.templating import changelog, template

TEXT = """\
# Changelog

The newest stands first.

## Unreleased

- Not yet.

## 1.10.0 \N{EN DASH} 2026-11-20

- Ten.

### Fixed

- More of ten.

## 1.9.0 \N{EN DASH} 2026-10-01

- Nine.

## 1.9.0rc1 \N{EN DASH} 2026-09-20

- Nearly nine.

## 1.0 \N{EN DASH} 2026-01-01

- One.

## How it was before

- By date.
"""


def headings(old: str, new: str, text: str = TEXT) -> list[str]:
    """Return the first words of the headings of the sections between two versions."""
    return list(changelog.sections(changelog.between(text, old, new)))


def test_it_is_that_of_the_checkout() -> None:
    text = changelog.text()
    assert text == (template.TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.between(text, "0.0", "999").startswith("## ")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("1.9.0", "1.10.0", ["1.10.0"]),
        ("1.0", "1.9.0", ["1.9.0", "1.9.0rc1"]),
        ("1.0.0", "1.9.0rc1", ["1.9.0rc1"]),
        ("1.9.0rc1", "1.9.0", ["1.9.0"]),
        # Neither has a section of its own.
        ("0.2.0", "1.5", ["1.0"]),
        ("1.9.1", "1.10.0+acme.1", ["1.10.0"]),
        # Not released: newer than every section.
        ("1.9.0", "1.11.0", ["Unreleased", "1.10.0"]),
        ("1.10.0", "1.10.1.dev0", ["Unreleased"]),
        # Nothing has changed, or it is the way back.
        ("1.10.0", "1.10.0", []),
        ("1.11.0", "1.11.0", []),
        ("1.10.0", "1.9.0", []),
    ],
)
def test_what_is_newer_up_to_a_version(old: str, new: str, found: list[str]) -> None:
    assert headings(old, new) == found


def test_sections_are_whole() -> None:
    said = changelog.between(TEXT, "1.9.0", "1.10.0")
    assert said == "## 1.10.0 \N{EN DASH} 2026-11-20\n\n- Ten.\n\n### Fixed\n\n- More of ten."


def test_what_has_nothing_in_it_is_no_section() -> None:
    text = TEXT.replace("- Not yet.\n", "")
    assert headings("1.10.0", "1.11.0", text) == []
    assert changelog.between("# Changelog\n", "1.0", "2.0") == ""


@pytest.mark.parametrize("version", ["", "1.x", "v1.0", "1!2.0", "1.0\n", "٣.1", "1" * 5000])
def test_what_is_no_version_is_an_error(version: str) -> None:
    for words in ((version, "1.0"), ("1.0", version)):
        with pytest.raises(UsageError, match="is no version; write one such as"):
            changelog.between(TEXT, *words)


numbers = st.integers(0, 11)
versions = st.builds(
    lambda release, *parts: ".".join(map(str, release)) + "".join(parts),
    st.lists(numbers, min_size=1, max_size=4),
    st.just("") | st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), numbers),
    st.just("") | st.builds(".post{}".format, numbers),
    st.just("") | st.builds(".dev{}".format, numbers),
)


@given(versions, versions)
def test_versions_are_ordered_as_pep_440_says(one: str, other: str) -> None:
    mine = changelog.key(one), changelog.key(other)
    theirs = Version(one), Version(other)
    assert (mine[0] < mine[1], mine[0] == mine[1]) == (
        theirs[0] < theirs[1],
        theirs[0] == theirs[1],
    )
