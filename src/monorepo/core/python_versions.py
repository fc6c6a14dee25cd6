"""The Python versions that a `requires-python` allows.

Standard library only: to install needs to know it, before there is anything else. The rules are
those of PEP 440 for versions that are released; Python's are.
"""

import re
from collections.abc import Sequence
from functools import cache

# The newest Python 3 that is supported: pins are checked for it, tests run on it.
NEWEST = 14

# That a version is one before a release decides nothing here.
_EARLY = r"(?:(?:a|b|rc)\d+|\.dev\d+)?"
_CLAUSE = re.compile(rf"\s*(~=|===?|!=|<=|>=|<|>)\s*v?(\d+(?:\.\d+)*){_EARLY}(\.\*)?\s*")
Version = tuple[int, ...]


@cache
def _clauses(requires: str) -> tuple[tuple[str, Version, bool], ...] | None:
    """Return operator, version and whether it ends with `.*` of each clause; None for malformed."""
    found = []
    for text in filter(str.strip, requires.split(",")):
        match = _CLAUSE.fullmatch(text)
        # int() has a limit, and no version comes near it.
        if match is None or len(text) > 100 or not text.isascii():
            return None
        operator, star = match[1], bool(match[3])
        version = tuple(map(int, match[2].split(".")))
        if (star and operator not in ("==", "!=")) or (operator == "~=" and len(version) < 2):
            return None
        found.append((operator, version, star))
    return tuple(found)


def is_valid(requires: str) -> bool:
    """Tell whether a text can be a `requires-python`."""
    return _clauses(requires) is not None


def allows(requires: str, version: Version) -> bool:
    """Tell whether a `requires-python` allows a version such as (3, 11, 7); malformed, none."""
    clauses = _clauses(requires)
    return clauses is not None and all(_holds(clause, version) for clause in clauses)


def _holds(clause: tuple[str, Version, bool], version: Version) -> bool:
    operator, bound, star = clause
    if star or operator == "~=":
        prefix = bound if star else bound[:-1]
        alike = _padded(version, len(prefix))[: len(prefix)] == prefix
        if operator == "~=":
            return alike and _padded(version, len(bound)) >= bound
        return alike is (operator == "==")
    size = max(len(bound), len(version))
    mine, other = _padded(version, size), _padded(bound, size)
    return {
        "===": version == bound,
        "==": mine == other,
        "!=": mine != other,
        "<=": mine <= other,
        ">=": mine >= other,
        "<": mine < other,
        ">": mine > other,
    }[operator]


def _padded(version: Version, size: int) -> Version:
    """Return a version with zeros at its end, up to a size."""
    return version + (0,) * (size - len(version))


@cache
def minors(requires: str, first: int = 0) -> Sequence[int]:
    """Return the minor versions of Python 3 from `first` on that a `requires-python` allows."""
    # The first or the last release of each: `>=3.12.1` allows 3.12, and so does `<=3.12`.
    return [
        minor
        for minor in range(first, NEWEST + 1)
        if allows(requires, (3, minor, 0)) or allows(requires, (3, minor, 99))
    ]


def minor(version: str) -> int:
    """Return 11 for 3.11; 0 for what is no such version."""
    found = re.fullmatch(r"3\.(\d{1,3})", version)
    return int(found[1]) if found else 0
