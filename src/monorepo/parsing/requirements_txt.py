"""Requirements files, in every spelling that pip and uv accept.

pip's own reader is not for others to use. pip-requirements-parser, a copy of it from 2022, knows
neither uv's spellings nor command lines, and takes every URL for a local path.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from monorepo.core.hashes import COMMENT, LONGEST

# What an option's value is. The shortest of each is as far as pip takes an abbreviation; uv has
# the names in the plural.
_LONG = (
    ("--requirem", "--requirements", "include"),
    ("--cons", "--constraints", "include"),
    ("--build-c", "--build-constraints", "include"),
    ("--ov", "--overrides", "include"),
    ("--ed", "--editable", "path"),
)
_SHORT = {"r": "include", "c": "include", "b": "include", "e": "path"}
# Flags may be written together with what follows: pip install -Ur file.
_BUNDLE = re.compile(r"-[qvUI]*([rcbe])(.*)", re.DOTALL)
_OPTION = re.compile(
    r"-[rcefib]|--(req|cons|edit|(extra-)?index|find-l|no-i|pre|(no|only)-b|trusted|use-f|hash|conf|gl)"
)
_NAMED = re.compile(
    r"(^|/)requirements/[^/]+\.(txt|in|lock|pip)$"
    r"|(^|/)([^/]*[-_.])?(requirements?|constraints?|reqs)([-_.][^/]*)?\.(txt|in|lock|pip)$"
)
_CLUE = re.compile(r"^[ \t]*['\"]?-|@\s*['\"]?(\w+\+)?(file:|\.)", re.MULTILINE | re.IGNORECASE)


class Asked(NamedTuple):
    """A thing that a line asks for.

    Attributes:
        line: where, from 1.
        kind: `include`, another file; `path`, a package by its place; `name`; `url`; `option`; or
            `wrong`, which no installer takes.
        value: the file, the place or the requirement.
    """

    line: int
    kind: str
    value: str


def read(text: str) -> Iterator[Asked]:
    """Yield what a requirements file asks for."""
    for number, line in logical(text):
        yield from (Asked(number, kind, value) for kind, value in asked(line))


def is_requirements(path: str, text: str) -> bool:
    """Return whether a file is one: it is called so, or no installer would refuse any of its lines.

    The latter only if a line leads somewhere: a list of words is no such file.
    """
    if _NAMED.search(path):
        return True
    if not _CLUE.search(text):
        return False
    leads = False
    for entry in read(text):
        if entry.kind == "wrong":
            return False
        leads = leads or entry.kind in ("include", "path")
    return leads


def logical(text: str, comment: re.Pattern[str] = COMMENT) -> Iterator[tuple[int, str]]:
    """Yield lines without comments, continuation lines joined, and where each starts."""
    start, parts = 0, [""]
    # The last, empty line ends one that ends with a backslash.
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        start = start or number
        is_comment = comment.match(line.lstrip())
        if len(line) > LONGEST:
            continue
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        whole = comment.sub("", "".join([*parts, " " if is_comment else "", line])).strip()
        if whole:
            yield start, whole
        start, parts = 0, [""]


@lru_cache(maxsize=4096)
def asked(line: str) -> Sequence[tuple[str, str]]:
    """Return the kinds and values of a line without its comment."""
    if line.lstrip("'\"").startswith("-"):
        found = tuple(options(words(line)))
        return found or (("option" if _OPTION.match(line) else "wrong", line),)
    # Few runs read any, and packaging takes long to load.
    from packaging.requirements import InvalidRequirement, Requirement

    text = re.split(r"\s+--?[a-z]", line, maxsplit=1)[0]
    if text[:1] in ("'", '"') and text[0] == text[-1]:
        text = text[1:-1]
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        if re.search(r"\s", text.partition(";")[0]) or not re.search(r"^\.|^~|[/\\]|^file:", text):
            return (("wrong", text),)
        return (("url" if remote(text) else "path", text),)
    if wanted.url is None:
        return (("name", text),)
    return (("url" if remote(wanted.url) else "path", wanted.url),)


def options(line: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the kinds and values of the options of a line or a command that lead somewhere."""
    for word, following in zip(line, [*line[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        kind = next((kind for short, full, kind in _LONG if _abbreviates(name, short, full)), "")
        if not kind and (match := _BUNDLE.fullmatch(word)) and not word.startswith("--"):
            kind, value = _SHORT[match[1]], match[2].removeprefix("=")
            equals = value
        value = value if equals else following
        if kind and value:
            yield kind, value


def _abbreviates(name: str, short: str, full: str) -> bool:
    """Return whether `name` stands for the option `full`."""
    return name.startswith(short) and full.startswith(name)


def words(line: str) -> list[str]:
    """Return the words of a line; Windows' paths have no other meaning."""
    line = re.sub(r"\\(?=[\w.])", "/", line)
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def remote(value: str) -> bool:
    """Return whether a value is a URL that leads to another machine."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", value)
    return scheme is not None and not scheme[1].lower().endswith("file")
