"""Files are decoded and parsed, and an error has the line and the reason."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a\n\xff", 2, "is not UTF-8"),
        ("a".encode("utf-16"), 1, "is UTF-16, not UTF-8"),
        (b"a\n\nb\0", 3, "has a null byte"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, line: int, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        text_files.decode(data)
    assert (caught.value.line, caught.value.message) == (line, message)


def test_a_byte_order_mark() -> None:
    assert text_files.decode(b"\xef\xbb\xbfa") == "a"
    with pytest.raises(MalformedError, match="starts with a byte order mark"):
        text_files.decode(b"\xef\xbb\xbfa", mark=False)


@given(st.binary(max_size=40))
def test_any_bytes_are_decoded_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert text_files.decode(data).encode() == data.removeprefix(b"\xef\xbb\xbf")


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x\r\ny\n")
    (tmp_path / "link").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    assert text_files.read(tmp_path, "a") == "x\ny\n"
    for path, message in (
        ("b", "is missing"),
        ("link", "leads to a device"),
        ("pipe", "leads to a device"),
        (".", "cannot be"),
    ):
        with pytest.raises(UsageError, match=f"{path}: {message}"):
            text_files.read(tmp_path, path)


def test_generated_files_have_a_place_of_their_own(tmp_path: Path) -> None:
    root = tmp_path / "link to the root"
    (tmp_path / "root/a").mkdir(parents=True)
    root.symlink_to("root")
    assert text_files.unlinked(root, "a/new/file") == root / "a/new/file"
    for target in ("a", "..", "gone"):
        (root / "build").unlink(missing_ok=True)
        (root / "build").symlink_to(target)
        for path in ("build", "build/file"):
            with pytest.raises(UsageError, match=f"^{path}: is a link, or below one; remove"):
                text_files.unlinked(root, path)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\na = 2\n", 2, "is not TOML (Cannot overwrite a value)"),
        ("a = [\n", 2, "is not TOML (Invalid value)"),
        ("a = 1\n<<<<<<< HEAD\n", 2, "has a conflict marker of git"),
        (f"a = {'9' * 5000}", 0, "is not TOML (Exceeds the limit (4300 digits) for integer"),
        (f"a = {'[' * 5000}", 0, "is nested too deeply"),
        (f"a = {'[' * 60}{']' * 60}", 0, "is nested too deeply"),
    ],
)
def test_toml(text: str, line: int, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        text_files.toml(text)
    assert (caught.value.line, caught.value.message[: len(message)]) == (line, message)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[]", 1, "is not a JSON object"),
        ('{"a": 1,\n "b": }', 2, "is not JSON (Expecting value)"),
        ('{"a": 1,\n "a": 2}', 2, "has the key 'a' twice"),
        ('{"a": "\\ud800"}', 0, "has half of a surrogate pair"),
        (f'{{"a": {"[" * 60}{"]" * 60}}}', 0, "is nested too deeply"),
    ],
)
def test_json(text: str, line: int, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        text_files.json_object(text)
    assert (caught.value.line, caught.value.message[: len(message)]) == (line, message)


@given(st.text(max_size=40) | st.text("{}[]\"':,=.\\ud8 0-\n", max_size=40))
def test_any_text_is_parsed_or_malformed(text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert isinstance(text_files.toml(text), dict)
    with contextlib.suppress(MalformedError):
        assert text_files.json_object(text) == json.loads(text)


@given(st.text(":;. \nab1", max_size=40))
def test_any_line_of_an_error_is_taken_apart(text: str) -> None:
    path, line, message, fix = text_files.mistake(text)
    assert path
    assert line >= 0
    assert message in text
    assert fix


def test_the_parts_of_an_error() -> None:
    assert text_files.mistake("a/b.py:3: is wrong: x; do y") == ("a/b.py", 3, "is wrong: x", "do y")
    # People are told the column as well.
    assert text_files.mistake("a/b.edn:3:14: is wrong; do y") == ("a/b.edn", 3, "is wrong", "do y")
    error = MalformedError(3, "is wrong", "do y").of("a")
    assert text_files.mistake(error.mistakes[0]) == ("a", 3, "is wrong", "do y")
