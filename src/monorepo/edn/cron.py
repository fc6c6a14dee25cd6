"""Cron expressions: the five fields of crontab(5), read to the sets of what they match.

A service only compares the time with these sets: nothing parses an expression when it runs.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypedDict

from monorepo.edn.validation import wrong

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_WEEKDAYS = "sun mon tue wed thu fri sat".split()
_MOST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/([0-9]+))?")


class _Field(NamedTuple):
    name: str
    first: int
    last: int
    names: dict[str, int]


# 7 is Sunday as well.
_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day", 1, 31, {}),
    _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Field("weekday", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


class Schedule(TypedDict):
    """The minutes that an expression matches: what each part of a time may be, None for anything.

    With both `day` and `weekday`, one of them has to match. 0 is Sunday.
    """

    minute: list[int] | None
    hour: list[int] | None
    day: list[int] | None
    month: list[int] | None
    weekday: list[int] | None


def read(text: str) -> Schedule:
    """Return what a cron expression matches: five fields, or one of @hourly, @daily, @weekly, ….

    Raises:
        WrongError: it is malformed, or matches no minute of any year.
    """
    words = _MACROS.get(text.strip().lower(), text).split()
    if len(words) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise wrong(f'"{text}" is no schedule', f'write {names}, such as "0 3 * * *"')
    minute, hour, day, month, weekday = map(_values, _FIELDS, words)
    if day is not None and weekday is not None and "*" in (words[2][0], words[4][0]):
        # Some crons take a field that starts with a star for one that is not given.
        what = f'"{words[2]} {words[3]} {words[4]}" is of other days in other crons'
        raise wrong(what, "write a range instead of the star, as in 1-31/2")
    # Either of the two has to match, unless one is a star: so 0-6 is any day, also beside a day.
    if (day is None) != (weekday is None) and "*" not in (words[2], words[4]):
        day = weekday = None
    if weekday is None and not any(
        number <= _MOST_DAYS[one - 1] for one in month or range(1, 13) for number in day or [1]
    ):
        raise wrong(f'"{text}" is on no day of any year', "choose another day or month")
    return {"minute": minute, "hour": hour, "day": day, "month": month, "weekday": weekday}


def _values(field: _Field, word: str) -> list[int] | None:
    """Return the sorted numbers that a field matches, None for all."""
    found = {number for part in word.lower().split(",") for number in _part(field, part)}
    if field.name == "weekday":
        found = {number % 7 for number in found}
    every = len(found) == field.last - field.first + (field.name != "weekday")
    return None if every else sorted(found)


def _part(field: _Field, part: str) -> Iterator[int]:
    match = _PART.fullmatch(part)
    if match is None:
        raise wrong(f'"{part}" is no {field.name}', "write *, 5, 1-5, */15 or a list of these")
    star, first, last, step = match.groups()
    low = field.first if star else _number(field, first)
    high = field.last if star else _number(field, last) if last else low
    if high < low:
        raise wrong(f'"{part}" ends before it starts', f"write the lower {field.name} first")
    if step and not star and not last:
        fix = f"write {first}-{field.last}/{step}"
        raise wrong(f'"{part}" has a step without a range', fix)
    if step and not 0 < int(step) <= field.last:
        raise wrong(f'"{part}" has a step that no {field.name} has', f"write 1 to {field.last}")
    yield from range(low, high + 1, int(step or 1))


def _number(field: _Field, word: str) -> int:
    number = field.names.get(word)
    if number is None and word.isascii() and word.isdecimal() and len(word) <= 2:
        number = int(word)
    if number is None or not field.first <= number <= field.last:
        raise wrong(f'"{word}" is no {field.name}', f"write {field.first} to {field.last}")
    return number
