"""`.github/CODEOWNERS`: who reviews what changes in a package, from `owners` in the manifests.

The last line that fits a file decides. What is generated stands between two comments, and the lines
of the team stay where they are. Standard library only.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.core.workspace import ROOT_MANIFEST, Workspace

FILE = ".github/CODEOWNERS"
# The key of [tool.monorepo], and of `monorepo` in package.json.
KEY = "owners"
BEGIN = "# What owners in the manifests say, by make sync; lines above and below are yours."
_END = "# The end of what make sync writes. The last line that fits a file decides."
# Where GitHub looks when there is none at the first place.
OTHERS = ("CODEOWNERS", "docs/CODEOWNERS")
# A user, a team or an e-mail address.
_OWNER = re.compile(
    r"@[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?"
    r"|[A-Za-z0-9.!$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)
_ALL = "*"
# The patterns that fit every file.
_EVERY = (_ALL, "**", "/**", "**/*")
_NAMED = re.compile(rf'^\s*"?{KEY}"?\s*[=:]', re.MULTILINE)


class Plan(NamedTuple):
    """The text that the file should have, "" for none, and what is wrong: lines of UsageError."""

    text: str
    mistakes: list[str]


class _Region(NamedTuple):
    """The lines before, between and after the two comments, which may not be there yet."""

    above: list[str]
    inside: list[str]
    below: list[str]
    is_there: bool


def plan(space: Workspace, text: str) -> Plan:
    """Return what CODEOWNERS should be.

    Nothing changes while an owner is none, GitHub reads another file, or a comment is missing. What
    is known of a package whose manifest is broken, or not in this checkout, stays.

    Args:
        space: the repository.
        text: what the file is now, with Unix line breaks; "" if there is none.
    """
    owners, mistakes = _owners(space)
    region = _region(text)
    if isinstance(region, str):
        return Plan(text, [*mistakes, region])
    wanted = _lines(owners) if any(owners.values()) else []
    if wanted != region.inside:
        # Imported here: it is more than the standard library, and asks git.
        from monorepo.locking import locks

        gone = {*space.broken, *locks.left_out(space.root)}
        kept = [line for line in region.inside if _pattern(line).strip("/") in gone]
        wanted = sorted([*wanted, *kept], key=_rank)
    if wanted and not text:
        there = [file for file in OTHERS if os.path.lexists(space.root / file)]
        fix = f"git mv it to {FILE}"
        mistakes += [f"{file}: GitHub would not read it any more; {fix}" for file in there]
    if mistakes:
        return Plan(text, mistakes)
    after = _put(region, wanted) if wanted or region.is_there else text
    return Plan(after, _hidden(after))


def updated(space: Workspace, text: str) -> str:
    """Return what CODEOWNERS should be for the packages of a repository; `plan` says more."""
    return plan(space, text).text


def in_order(text: str) -> str:
    """Return the text of CODEOWNERS with the generated lines in the order of their paths."""
    rows = text.split("\n")
    marks = [number for number, row in enumerate(rows) if row.rstrip("\r") in (BEGIN, _END)]
    if len(marks) != len((BEGIN, _END)):
        # `plan` says so.
        return text
    start, end = marks
    return "\n".join([*rows[: start + 1], *sorted(rows[start + 1 : end], key=_rank), *rows[end:]])


def _owners(space: Workspace) -> tuple[dict[str, list[str]], list[str]]:
    """Return the owners by the pattern that they are of, and what is wrong with them."""
    tables: list[tuple[str, Path, str, Mapping[str, Any]]]
    tables = [(_ALL, space.root, ROOT_MANIFEST, space.facts)]
    for one in space.packages.values():
        tables.append((f"/{one.path}/", one.root, one.manifest_path, one.settings))
    owners: dict[str, list[str]] = {}
    mistakes: list[str] = []
    for pattern, root, file, settings in tables:
        told = settings.get(KEY, [])
        if not isinstance(told, list):
            fix = 'write one such as ["@acme/audio"]'
            mistakes.append(f"{_place(root, file)}: {KEY} is not a list; {fix}")
            continue
        wrong = [one for one in told if not (isinstance(one, str) and _OWNER.fullmatch(one))]
        fix = "write @user, @organization/team or an e-mail address"
        mistakes += [f"{_place(root, file)}: {one!a} in {KEY} is no owner; {fix}" for one in wrong]
        if KEY in settings:
            owners[pattern] = [one for one in told if one not in wrong]
    return owners, mistakes


def _place(root: Path, file: str) -> str:
    """Return where a manifest names owners."""
    text = (root / file).read_text(encoding="utf-8")
    found = _NAMED.search(text)
    return f"{file}:{text.count(chr(10), 0, found.end()) + 1}" if found else file


def _lines(owners: Mapping[str, Sequence[str]]) -> list[str]:
    # A package without any is nobody's, whoever has the rest.
    return sorted((" ".join([pattern, *told]) for pattern, told in owners.items()), key=_rank)


def _pattern(line: str) -> str:
    """Return the pattern of a line; "" if it is a comment, or blank."""
    first = next(iter(line.split()), "")
    return "" if first.startswith("#") else first


def _rank(line: str) -> tuple[bool, str]:
    """Return where a line stands among the generated ones: first, what others override."""
    return _pattern(line) != _ALL, _pattern(line)


def _region(text: str) -> _Region | str:
    """Return the parts of CODEOWNERS; a line of UsageError if it has one of the comments alone."""
    rows = text.removesuffix("\n").split("\n") if text else []
    marks = [number for number, row in enumerate(rows) if row in (BEGIN, _END)]
    if not marks:
        every = [number for number, row in enumerate(rows) if _pattern(row) in _EVERY]
        # What a team has written goes on to hold, and so do owners, which are of one package each.
        at = every[-1] + 1 if every else 0
        return _Region(rows[:at], [], rows[at:], is_there=False)
    if [rows[number] for number in marks] != [BEGIN, _END]:
        message = "does not have the two comments around what make sync writes"
        return f"{FILE}:{marks[0] + 1}: {message}; restore them, or remove both"
    start, end = marks
    return _Region(rows[:start], rows[start + 1 : end], rows[end + 1 :], is_there=True)


def _put(region: _Region, lines: Sequence[str]) -> str:
    """Return the text with other generated lines."""
    above, _, below, is_there = region
    if not is_there:
        above = [*above, ""] if above else []
        below = ["", *below] if below else []
    rows = [*above, BEGIN, *lines, _END, *below]
    if not lines:
        above = above[:-1] if above and not above[-1].strip() else above
        below = below[1:] if below and not below[0].strip() else below
        rows = [*above, *below]
    return "".join(f"{row}\n" for row in rows)


def _hidden(text: str) -> list[str]:
    """Return a mistake for each line that never decides, because a later one fits every file.

    Of two lines, one is generated: what a team has written in vain itself is its own matter.
    """
    region = _region(text)
    assert isinstance(region, _Region)
    if not region.inside:
        return []
    found = []
    first = len(region.above) + 1
    if _pattern(region.inside[0]) == _ALL:
        fix = f"write it below, or remove {KEY} from {ROOT_MANIFEST}"
        found = [
            f"{FILE}:{number}: never decides, because line {first + 1} is about every file; {fix}"
            for number, row in enumerate(region.above, 1)
            if _pattern(row)
        ]
    start = first + len(region.inside) + 2
    return found + [
        f"{FILE}:{number}: is about every file, so that no {KEY} decide; write it above them"
        for number, row in enumerate(region.below, start)
        if _pattern(row) in _EVERY
    ]
