"""The module of a distribution that is not installed is guessed from its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core.naming import fold
from monorepo.dependencies import module_names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("httpx", "httpx"),
        ("pillow", "pil"),
        ("beautifulsoup4", "bs4"),
        ("gitpython", "git"),
        ("protobuf", "google-protobuf"),
        ("python-json-logger", "pythonjsonlogger"),
        ("python-multipart", "multipart"),
        ("odd-py", "odd"),
        ("kafka-python", "kafka"),
        # mypy's table of stubs has it.
        ("pyyaml", "yaml"),
    ],
)
def test_guesses(name: str, expected: str) -> None:
    assert module_names.guess(name) == expected


@given(st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True).map(fold))
def test_a_guess_is_a_normalized_name(name: str) -> None:
    guess = module_names.guess(name)
    assert guess == fold(guess)


@pytest.mark.parametrize(
    ("name", "expected"), [("types-requests", True), ("boto3-stubs", True), ("stubs-x", False)]
)
def test_stubs(name: str, *, expected: bool) -> None:
    assert bool(module_names.STUBS.match(name)) is expected
