"""Parse requirements files, in every syntax that pip and uv accept.

pip's own parser is not a public API. pip-requirements-parser, a copy of it from 2022, supports
neither uv's options nor command lines, and takes every URL for a local path.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from monorepo.core.hashes import COMMENT, LONGEST


class Kind(StrEnum):
    """What a line of a requirements file is."""

    INCLUDE = "include"  # another requirements or constraints file
    PATH = "path"  # a local package
    NAME = "name"  # a requirement by name
    URL = "url"  # a remote package
    OPTION = "option"
    INVALID = "wrong"  # refused by every installer


# The options that name a file or a package.
_KINDS = {
    **dict.fromkeys(("--requirement", "--constraint", "-r", "-c"), Kind.INCLUDE),
    **dict.fromkeys(("--build-constraint", "--override", "--overrides", "-b"), Kind.INCLUDE),
    **dict.fromkeys(("--editable", "-e"), Kind.PATH),
}
# Short flags may be combined: pip install -Ur file.
_BUNDLE = re.compile(r"-[qvUI]*([rcbe])(.*)", re.DOTALL)
_OPTION = re.compile(
    r"-[rcefib]|--(req|cons|edit|(extra-)?index|find-l|no-i|pre|(no|only)-b|trusted|use-f|hash|conf|gl)"
)
_NAMED = re.compile(
    r"(^|/)requirements/[^/]+\.(txt|in|lock|pip)$"
    r"|(^|/)([^/]*[-_.])?(requirements?|constraints?|reqs)([-_.][^/]*)?\.(txt|in|lock|pip)$"
)
_CLUE = re.compile(r"^[ \t]*['\"]?-|@\s*['\"]?(\w+\+)?(file:|\.)", re.MULTILINE | re.IGNORECASE)


# The options of a line, and whether they take a value. The other names of some are pip's and uv's.
_TAKES = {
    **dict.fromkeys(("--index-url", "--extra-index-url", "--find-links", "--trusted-host"), True),
    **dict.fromkeys(("--requirement", "--constraint", "--editable", "--build-constraint"), True),
    **dict.fromkeys(("--no-binary", "--only-binary", "--all-releases", "--only-final"), True),
    **dict.fromkeys(("--use-feature", "--hash", "--config-settings"), True),
    **dict.fromkeys(("--no-index", "--pre", "--prefer-binary"), False),
    **dict.fromkeys(("--require-hashes", "--no-require-hashes"), False),
}
_SAME = {
    "--pypi-url": "--index-url",
    "--config-setting": "--config-settings",
    "--requirements": "--requirement",
    "--constraints": "--constraint",
    "--build-constraints": "--build-constraint",
}
_LETTERS = {
    **{"-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-i": "--index-url"},
    **{"-f": "--find-links", "-C": "--config-settings"},
}


class Setting(NamedTuple):
    """An option of a line, by its full name, and its value; "" for one without."""

    name: str
    value: str


class Entry(NamedTuple):
    """An entry of a requirements file.

    Attributes:
        line: its line, from 1.
        kind: what it is.
        value: the file, the path, the URL or the requirement.
    """

    line: int
    kind: Kind
    value: str


def read(text: str) -> Iterator[Entry]:
    """Yield the entries of a requirements file."""
    for number, line in logical(text):
        yield from (Entry(number, kind, value) for kind, value in asked(line))


def is_requirements(path: str, text: str) -> bool:
    """Return whether a file is a requirements file, by its name or its content.

    By content, if every line is valid and at least one is a path or includes a file: a plain list
    of words is not a requirements file.
    """
    if _NAMED.search(path):
        return True
    if not _CLUE.search(text):
        return False
    has_path = False
    for entry in read(text):
        if entry.kind is Kind.INVALID:
            return False
        has_path = has_path or entry.kind in (Kind.INCLUDE, Kind.PATH)
    return has_path


def logical(text: str, comment: re.Pattern[str] = COMMENT) -> Iterator[tuple[int, str]]:
    """Yield number and text of logical lines: comments removed, continuation lines joined."""
    start, parts = 0, [""]
    # The additional empty line completes a last line that ends with a backslash.
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
def asked(line: str) -> Sequence[tuple[Kind, str]]:
    """Return kinds and values of the entries of a logical line."""
    if line.lstrip("'\"").startswith("-"):
        found = tuple(options(words(line)))
        return found or ((Kind.OPTION if _OPTION.match(line) else Kind.INVALID, line),)
    # Imported here, because packaging takes long to load and few runs need it.
    from packaging.requirements import InvalidRequirement, Requirement

    text = re.split(r"\s+--?[a-z]", line, maxsplit=1)[0]
    if text[:1] in ("'", '"') and text[0] == text[-1]:
        text = text[1:-1]
    try:
        wanted = Requirement(text)
    # A marker may have thousands of parentheses.
    except (InvalidRequirement, RecursionError):
        if re.search(r"\s", text.partition(";")[0]) or not re.search(r"^\.|^~|[/\\]|^file:", text):
            return ((Kind.INVALID, text),)
        return ((Kind.URL if remote(text) else Kind.PATH, text),)
    if wanted.url is None:
        return ((Kind.NAME, text),)
    return ((Kind.URL if remote(wanted.url) else Kind.PATH, wanted.url),)


def options(line: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    """Yield kinds and values of the options of a line or command that name a file or package."""
    for word, following in zip(line, [*line[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if match := _BUNDLE.fullmatch(word):
            name, equals, value = f"-{match[1]}", match[2], match[2].removeprefix("=")
        kind, value = _KINDS.get(_full(name) or name), value if equals else following
        if kind and value:
            yield kind, value


def settings(line: str) -> tuple[str, list[Setting]]:
    """Return what stands before the options of a logical line, and the options, as pip reads them.

    Raises:
        ValueError: pip refuses an option, or ignores a word behind one; the message says which.
    """
    # As pip does it: quotes do not count, since those of markers are none of a shell.
    tokens = line.split(" ")
    at = next((at for at, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    before, rest = " ".join(tokens[:at]), " ".join(tokens[at:])
    try:
        todo = shlex.split(rest)
    except ValueError as error:
        raise ValueError("has a quote that does not end") from error
    found = []
    while todo:
        word = todo.pop(0)
        if not re.match(r"-.", word) or word == "--":
            raise ValueError(f"pip ignores {word}, which follows an option")
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            name = _full(name)
        else:
            # With `=` in uv's spelling; pip takes the sign for a part of the value.
            name, equals = _LETTERS.get(word[:2], ""), word[2:]
            value = equals.removeprefix("=")
        if not name or (equals and not _TAKES[name]):
            raise ValueError(f"{word.partition('=')[0]} is not an option of a requirements file")
        if _TAKES[name] and not equals:
            if not todo:
                raise ValueError(f"{word} has no value")
            value = todo.pop(0)
        found.append(Setting(name, value))
    return before.strip(), found


def _full(name: str) -> str:
    """Return the full name of a long option, which may be abbreviated; "" if it is none."""
    every = [name] if name in (*_TAKES, *_SAME) else [*_TAKES, *_SAME]
    found = {_SAME.get(option, option) for option in every if option.startswith(name)}
    return found.pop() if len(found) == 1 and len(name) > len("--") else ""


def words(line: str) -> list[str]:
    """Split a line into words; backslashes in Windows paths become slashes."""
    line = re.sub(r"\\(?=[\w.])", "/", line)
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def remote(value: str) -> bool:
    """Return whether a value is a remote URL."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", value)
    return scheme is not None and not scheme[1].lower().endswith("file")
