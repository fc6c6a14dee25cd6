"""Read and write UTF-8, TOML and JSON files; errors give file, line and reason.

Standard library only.
"""

import codecs
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from monorepo.system.errors import UsageError

# Deeper than any file written by hand, shallow enough for recursive code.
DEEPEST = 50
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)
_UNMERGED = re.compile(r"^<{7} .*?^={7}\r?$.*?^>{7} ", re.MULTILINE | re.DOTALL)
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


# The format of a line of UsageError. A column helps people; programs are told the line.
_MISTAKE = re.compile(
    r"(?P<path>[^:]+?)(?::(?P<line>\d+)(?::\d+)?)?: (?P<message>.*?)(?:; (?P<fix>[^;]*))?"
)


class MalformedError(ValueError):
    """A text has the wrong format: the line (0 if unknown), what is wrong and how to fix it."""

    def __init__(self, line: int, message: str, fix: str) -> None:
        """Keep line, message and fix."""
        super().__init__(message)
        self.line, self.message, self.fix = line, message, fix

    def of(self, path: str) -> UsageError:
        """Return the error as a UsageError for the file at `path`."""
        place = f"{path}:{self.line}" if self.line else path
        return UsageError(f"{place}: {self.message}; {self.fix}")


def mistake(text: str) -> tuple[str, int, str, str]:
    """Return path, line, message and fix of a line of UsageError."""
    found = _MISTAKE.fullmatch(text)
    if found is None:
        return ".", 0, text, "correct it"
    return found["path"], int(found["line"] or 0), found["message"], found["fix"] or "correct it"


def decode(data: bytes, *, mark: bool = True) -> str:
    """Decode UTF-8.

    Args:
        data: the bytes of a file.
        mark: whether a byte order mark is allowed at the start; it is removed.

    Raises:
        MalformedError: the bytes are not UTF-8, or contain a null byte.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "UTF-16, not UTF-8" if data[:2] in _UTF_16 else "not UTF-8"
        raise MalformedError(line, f"is {what}", "save it as UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise MalformedError(line, "has a null byte", "restore it from git")
    if text[:1] == "\ufeff":
        if not mark:
            message = "starts with a byte order mark"
            raise MalformedError(1, message, "save it as UTF-8 without one")
        return text[1:]
    return text


def encoding(data: bytes) -> str:
    """Return the encoding of a text that goes back to the same bytes: with its mark if it has one.

    What is not UTF-8 has a character a byte.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"


def first_difference(text: str, other: str) -> int:
    """Return the number of the first line in which two texts differ."""
    rows = zip(text.split("\n"), other.split("\n"), strict=False)
    return next((number for number, (one, two) in enumerate(rows, 1) if one != two), 1)


def read(root: Path, path: str) -> str:
    """Return the text of the file at `path` below `root`, with Unix line breaks.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return decode(content(root, path)).replace("\r\n", "\n")
    except MalformedError as error:
        raise error.of(path) from error


def content(root: Path, path: str) -> bytes:
    """Return the bytes of the file at `path` below `root`.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        # A commit can contain a link to a device, such as /dev/zero, which never ends, or to a
        # pipe, which nobody writes to.
        if (root / path).is_char_device() or (root / path).is_fifo():
            raise UsageError(f"{path}: leads to a device; restore it from git")
        return (root / path).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{path}: is missing; restore it from git") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); restore it") from error


def peek(root: Path, path: str) -> str:
    """Return the text of the file at `path` below `root`; empty if there is none to be read."""
    try:
        return read(root, path)
    except UsageError:
        return ""


def write(file: Path, text: str) -> None:
    """Write a text into a file, all of it or nothing.

    Raises:
        OSError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def inside(root: Path, path: str) -> Path:
    """Return the place of a file that is to be written.

    Raises:
        UsageError: a link leads out of the tree at `root`.
    """
    if not (root / path).resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path}: leads out of the repository; replace the link with a file")
    return root / path


def unlinked(root: Path, path: str) -> Path:
    """Return the place of generated files, whose content is replaced or removed.

    Raises:
        UsageError: a link leads elsewhere, where other files would be removed.
    """
    if (root / path).resolve() != root.resolve() / path:
        raise UsageError(f"{path}: is a link, or below one; remove the link, {path} is generated")
    return root / path


def has_crlf(content: bytes) -> bool:
    """Return whether all line breaks are CRLF, and there are some."""
    return content.count(b"\n") == content.count(b"\r\n") > 0


def conflict(text: str) -> int:
    """Return the line of the first conflict marker of git in a text; 0 if there is none."""
    found = _CONFLICT.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def unmerged(text: str) -> int:
    """Return the line of the first whole conflict of git in a text; 0 if there is none."""
    found = _UNMERGED.search(text) if "<<<<<<< " in text else None
    return text.count("\n", 0, found.start()) + 1 if found else 0


def malformed(text: str, line: int, message: str) -> MalformedError:
    """Return the error for a text that is malformed at a line, or has an unresolved conflict."""
    if marked := conflict(text):
        return MalformedError(marked, "has a conflict marker of git", "resolve the conflict")
    return MalformedError(line, message, "correct the file, or restore it from git")


@cache
def toml(text: str) -> Mapping[str, Any]:
    """Parse TOML; cached, because several callers read the same manifest.

    Raises:
        MalformedError: the text is not TOML.
    """
    # Imported here, because a command that reads no TOML need not wait for it.
    import tomllib

    try:
        found = tomllib.loads(text)
    except RecursionError as error:
        raise malformed(text, 0, "is nested too deeply") from error
    # An integer of more than 4,300 digits is a plain ValueError.
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        at = _AT.search(reason)
        line = int(at[1] or text.count("\n") + 1) if at else 0
        raise malformed(text, line, f"is not TOML ({_AT.sub('', reason)})") from error
    return _shallow(text, found)


def json_object(text: str) -> Mapping[str, Any]:
    """Parse a JSON object.

    Raises:
        MalformedError: the text is not a JSON object, or a key occurs twice.
    """
    try:
        found = json.loads(text, object_pairs_hook=_unique)
    except _DuplicateKeyError as error:
        key = error.args[0]
        rows = [at for at, row in enumerate(text.splitlines(), 1) if f"{json.dumps(key)}:" in row]
        fix = "remove one of them"
        raise MalformedError(rows[-1] if rows else 0, f"has the key {key!a} twice", fix) from error
    except RecursionError as error:
        raise malformed(text, 0, "is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise malformed(text, error.lineno, f"is not JSON ({error.msg})") from error
    except ValueError as error:
        reason = str(error).partition(";")[0]
        raise malformed(text, 0, f"is not JSON ({reason})") from error
    if not isinstance(found, dict):
        raise malformed(text, 1, "is not a JSON object")
    # An escape may be an unpaired surrogate, which cannot be encoded.
    if "\\ud" in text.lower():
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise malformed(text, 0, "has half of a surrogate pair (\\ud…)") from error
    return _shallow(text, found)


class _DuplicateKeyError(Exception):
    """A key occurs twice in a JSON object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; refuse duplicate keys, of which json would keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(next(key for key in keys if keys.count(key) > 1))
    return found


def _shallow(text: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a parsed document unless it is nested too deeply for recursive code."""
    if text.count("[") + text.count("{") + text.count(".") > DEEPEST:
        level: list[object] = [found]
        for _ in range(DEEPEST):
            inner: list[object] = []
            for value in level:
                if isinstance(value, dict):
                    inner += value.values()
                elif isinstance(value, list):
                    inner += value
            level = inner
        if level:
            raise malformed(text, 0, "is nested too deeply")
    return found
