"""Read requirements files as they are found: encodings, nested files, what each line asks for.

The syntax of a line is `parsing.requirements_txt`'s. Here each line gets an outcome, and none is
lost: what cannot be kept says why. Secrets stay in the file: nothing else holds an unmasked text.
"""

import codecs
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement

from monorepo.core.hashes import LONGEST
from monorepo.core.naming import fold
from monorepo.parsing import requirements_txt
from monorepo.parsing.requirements_txt import Kind, Setting
from monorepo.system.errors import UsageError

# The order counts: the mark of UTF-16-LE is the start of that of UTF-32-LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
# PEP 263, as pip has it.
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_USER = re.compile(r"(?<=://)[^/\s'\"]+(?=@)")
_PLAIN_USER = re.compile(r"git|\$\{[A-Z0-9_]+\}(:\$\{[A-Z0-9_]+\})?")
_QUERY = re.compile(r"([?&;#])([\w.-]+)=(?!\$\{)[^&;#\s'\"]+")
_SECRET = re.compile(r"auth|credential|key|pass|secret|sig|token", re.IGNORECASE)
# A folder in an address: some indexes have their token there.
_FOLDER = re.compile(r"(?<=/)(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}(?=/)")
_HIDDEN = "****"
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
# Files that include each other that deep are an attack, and so are larger ones.
_DEEPEST = 50
_LARGEST = 10_000_000


class Status(StrEnum):
    """What became of a line."""

    KEPT = "kept"
    CHANGED = "changed"
    UNKNOWN = "not-understood"  # not carried over: somebody has to look at it
    SUSPICIOUS = "suspicious"


@dataclass
class Line:
    """A logical line.

    Attributes:
        path: the file, as it is shown.
        number: where it starts, from 1.
        text: its text without comments, secrets masked.
        is_constraint: whether it limits versions without asking for a distribution.
        requirement: what it asks for by name.
        wanted: the text of that, as it was.
        settings: its options.
        status: what became of it.
        to: what took its place.
        why: the reason.
        is_blocking: whether `make lock` finds no versions with it.
    """

    path: str
    number: int
    text: str
    is_constraint: bool = False
    requirement: Requirement | None = None
    wanted: str = ""
    settings: Sequence[Setting] = ()
    status: Status = Status.KEPT
    to: str = ""
    why: str = ""
    is_blocking: bool = False

    @property
    def name(self) -> str:
        """The normalized name of what it asks for; "" for nothing."""
        return fold(self.requirement.name) if self.requirement else ""

    def becomes(self, status: Status, why: str, to: str = "") -> None:
        """Note what became of it; what is worse stays."""
        worst = [Status.KEPT, Status.CHANGED, Status.SUSPICIOUS, Status.UNKNOWN]
        self.to = self.to or mask(to)
        self.why = "; ".join(filter(None, (self.why, mask(why))))
        self.status = max(self.status, status, key=worst.index)

    def blocks(self, why: str) -> None:
        """Note why `make lock` finds no versions with it."""
        self.becomes(Status.SUSPICIOUS, why)
        self.is_blocking = True


@dataclass
class File:
    """A requirements file that was read."""

    path: str
    sha256: str
    encoding: str
    lines: list[Line] = field(default_factory=list)


def mask(text: str) -> str:
    """Return a text without credentials in its URLs; names of variables are none."""

    def user(match: re.Match[str]) -> str:
        return match[0] if _PLAIN_USER.fullmatch(match[0]) else _HIDDEN

    def value(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}={_HIDDEN}" if _SECRET.search(match[2]) else match[0]

    text = _QUERY.sub(value, _USER.sub(user, text))
    return _FOLDER.sub(_HIDDEN, text) if "://" in text else text


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of a file and its encoding, as pip decides it.

    Raises:
        ValueError: the bytes are not in that encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding), encoding
    encoding = "utf-8"
    for line in data.split(b"\n")[:2]:
        if line.startswith(b"#") and (match := _CODING.search(line)):
            encoding = match[1].decode("ascii")
            break
    try:
        return data.decode(encoding), encoding
    except LookupError as error:
        raise ValueError(f"{encoding} is not an encoding") from error
    except UnicodeDecodeError as error:
        at = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {at} is not {encoding}") from error


def read(paths: Sequence[str]) -> list[File]:
    """Return files, each followed by those that it includes; none is read twice.

    Args:
        paths: the files, from the current folder.

    Raises:
        UsageError: a file cannot be read: all mistakes.
    """
    mistakes, found = [], _Reading()
    for path in paths:
        try:
            found.read(path, is_constraint=False)
        except OSError as error:
            mistakes.append(f"{path}: {error.strerror}; name a requirements file")
        except ValueError as error:
            advice = "save it as UTF-8, or name its encoding in a first line # coding: …"
            mistakes.append(f"{path}: {error}; {advice}")
    if mistakes:
        raise UsageError(*mistakes)
    return found.files


class _Reading:
    """The files read so far, and those that are being read."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self._seen: set[tuple[str, bool]] = set()
        self._open: list[str] = []

    def read(self, path: str, *, is_constraint: bool) -> None:
        """Read a file and what it includes, if that has not been done.

        Raises:
            OSError, ValueError: it cannot be read.
        """
        place = os.path.realpath(path)
        if (place, is_constraint) in self._seen:
            return
        data = _content(path)
        text, encoding = decode(data)
        self._seen.add((place, is_constraint))
        file = File(path, hashlib.sha256(data).hexdigest(), encoding)
        self.files.append(file)
        self._open.append(place)
        for line in _lines(path, text, is_constraint=is_constraint):
            file.lines.append(line)
            if line.status is not Status.UNKNOWN:
                self._follow(line)
        self._open.pop()

    def _follow(self, line: Line) -> None:
        """Read the files that a line includes."""
        names = ("--requirement", "--constraint")
        for name, value in (one for one in line.settings if one.name in names):
            target = _local(value)
            if target is None:
                line.becomes(Status.UNKNOWN, "is on the network; download it and name the copy")
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(line.path), target))
            if "\0" not in path and os.path.realpath(path) in self._open:
                line.becomes(Status.SUSPICIOUS, "includes a file that includes this one: pip stops")
                continue
            try:
                if len(self._open) == _DEEPEST:
                    raise ValueError(f"more than {_DEEPEST} files include each other")
                self.read(path, is_constraint=line.is_constraint or name == "--constraint")
            except OSError as error:
                line.becomes(Status.UNKNOWN, f"{value}: {error.strerror}")
            except ValueError as error:
                line.becomes(Status.UNKNOWN, f"{value}: {error}")
            else:
                line.becomes(Status.CHANGED, "its lines are reported below", path)


def _content(path: str) -> bytes:
    """Return the content of a file that is no device, which never ends, and not too large.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    if "\0" in path:
        raise ValueError("a path has no null byte")
    if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
        raise ValueError("is no file")
    with Path(path).open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"has more than {_LARGEST:,} bytes")
    return data


def _local(value: str) -> str | None:
    """Return the path that an include names, or None for a file on the network."""
    if not requirements_txt.remote(value):
        return unquote(urlsplit(value).path) if value.lower().startswith("file:") else value
    return None


def _lines(path: str, text: str, *, is_constraint: bool) -> Iterator[Line]:
    """Yield the lines of a text, in their order."""
    found = [
        _line(path, number, line, is_constraint=is_constraint)
        for number, line in requirements_txt.logical(text)
    ]
    for number, line in enumerate(text.splitlines(), start=1):
        # The parser passes over them.
        if len(line) > LONGEST:
            one = Line(path, number, mask(line[:80]) + "…", is_constraint)
            one.becomes(Status.UNKNOWN, f"has more than {LONGEST:,} characters")
            found.append(one)
    yield from sorted(found, key=lambda line: line.number)


def _line(path: str, number: int, text: str, *, is_constraint: bool) -> Line:
    """Return a logical line, with what cannot be kept for what it is."""
    line = Line(path, number, mask(text), is_constraint)
    if line.text != text:
        line.becomes(Status.SUSPICIOUS, "has a secret, which is not kept; give it a new one")
    try:
        before, line.settings = requirements_txt.settings(text)
    except ValueError as error:
        line.becomes(Status.UNKNOWN, str(error))
        return line
    if not before:
        for name, value in line.settings:
            if name == "--editable":
                _by_path(line, requirements_txt.asked(value.partition(";")[0].strip())[0][0], value)
        return line
    for name in {one.name for one in line.settings} - {"--hash", "--config-settings"}:
        line.becomes(Status.SUSPICIOUS, f"pip ignores {name} behind a requirement, uv refuses it")
    kind, value = requirements_txt.asked(before)[0]
    if kind is Kind.NAME:
        line.wanted, line.requirement = value, Requirement(value)
    elif kind is Kind.INVALID:
        why = "is not a requirement"
        if _VARIABLE.search(before):
            why = "depends on a variable of the environment; write what it stands for"
        line.becomes(Status.UNKNOWN, why)
    else:
        _by_path(line, kind, value)
    return line


def _by_path(line: Line, kind: Kind, value: str) -> None:
    """Note that a line names a file, a folder or a URL: no index has what it names."""
    if kind is Kind.URL:
        advice = "require the release of an index, or name==version of an index that has it"
        line.becomes(Status.UNKNOWN, f"is a direct URL, which cannot be pinned; {advice}")
    else:
        folder = re.sub(r"\[[^]]*\]$", "", value)
        advice = f"bring it in: monorepo migrate import {folder} --as shared/py/…"
        line.becomes(Status.UNKNOWN, f"is a local package; {advice}")
