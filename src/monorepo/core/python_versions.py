"""The Python versions that a `requires-python` allows.

Standard library only, because `setup` and `install` run before anything is installed. It follows
PEP 440 for final releases.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

# The newest supported minor version of Python 3: pins are checked for it, tests run on it.
NEWEST = 14

# A pre-release suffix makes no difference here.
_EARLY = r"(?:(?:a|b|rc)\d+|\.dev\d+)?"
_CLAUSE = re.compile(rf"\s*(~=|===?|!=|<=|>=|<|>)\s*v?(\d+(?:\.\d+)*){_EARLY}(\.\*)?\s*")
Version = tuple[int, ...]


class _Clause(NamedTuple):
    """A clause of a version specifier; `wildcard` if the version ends with `.*`."""

    operator: str
    version: Version
    wildcard: bool


@cache
def _clauses(requires: str) -> tuple[_Clause, ...] | None:
    """Return the clauses of a version specifier; None if it is malformed."""
    found = []
    for text in filter(str.strip, requires.split(",")):
        match = _CLAUSE.fullmatch(text)
        # int() limits the number of digits.
        if match is None or len(text) > 100 or not text.isascii():
            return None
        operator, wildcard = match[1], bool(match[3])
        version = tuple(map(int, match[2].split(".")))
        if (wildcard and operator not in ("==", "!=")) or (operator == "~=" and len(version) < 2):
            return None
        found.append(_Clause(operator, version, wildcard))
    return tuple(found)


def is_valid(requires: str) -> bool:
    """Return whether a text is a valid `requires-python`."""
    return _clauses(requires) is not None


def allows(requires: str, version: Version) -> bool:
    """Return whether a `requires-python` allows (3, 11, 7); a malformed one allows nothing."""
    clauses = _clauses(requires)
    return clauses is not None and all(_holds(clause, version) for clause in clauses)


def _holds(clause: _Clause, version: Version) -> bool:
    operator, bound, wildcard = clause
    if wildcard or operator == "~=":
        prefix = bound if wildcard else bound[:-1]
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
    """Pad a version with zeros."""
    return version + (0,) * (size - len(version))


def release(version: str) -> Version:
    """Return the numbers of a version: (3, 15, 0) for 3.15.0rc1."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@cache
def minors(requires: str, first: int = 0) -> Sequence[int]:
    """Return the minor versions of Python 3 from `first` on that a `requires-python` allows."""
    # Try the first and a late release: `>=3.12.1` allows 3.12, and so does `<=3.12`.
    return [
        minor
        for minor in range(first, NEWEST + 1)
        if allows(requires, (3, minor, 0)) or allows(requires, (3, minor, 99))
    ]


def minor(version: str) -> int:
    """Return the minor version: 11 for 3.11; 0 for anything else."""
    found = re.fullmatch(r"3\.(\d{1,3})", version)
    return int(found[1]) if found else 0
