from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from monorepo.edn import cron
from monorepo.edn.cron import Schedule
from monorepo.edn.validation import WrongError

NOTHING: Schedule = {"minute": None, "hour": None, "day": None, "month": None, "weekday": None}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("* * * * *", {}),
        ("0 3 * * *", {"minute": [0], "hour": [3]}),
        ("*/15 0-6/3 1,15 JAN,mar-may *", {
            "minute": [0, 15, 30, 45],
            "hour": [0, 3, 6],
            "day": [1, 15],
            "month": [1, 3, 4, 5],
        }),
        ("5 4 * * sun", {"minute": [5], "hour": [4], "weekday": [0]}),
        ("5 4 * * 5-7", {"minute": [5], "hour": [4], "weekday": [0, 5, 6]}),
        ("0 0 13 * fri", {"minute": [0], "hour": [0], "day": [13], "weekday": [5]}),
        ("@Weekly", {"minute": [0], "hour": [0], "weekday": [0]}),
        ("*/1 0-23 1-31 1-12 0-6", {}),
    ],
)  # fmt: skip
def test_what_an_expression_matches(text: str, found: dict[str, list[int]]) -> None:
    assert cron.read(text) == {**NOTHING, **found}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("* * * *", "is no schedule; write minute, hour, day, month, weekday"),
        ("@reboot", "is no schedule"),
        ("60 * * * *", '"60" is no minute; write 0 to 59'),
        ("* * 0 * *", '"0" is no day; write 1 to 31'),
        ("* * * ja *", '"ja" is no month; write 1 to 12'),
        ("* * * * 8", '"8" is no weekday; write 0 to 7'),
        ("x! * * * *", '"x!" is no minute; write *, 5, 1-5, */15 or a list of these'),
        (", * * * *", '"" is no minute'),
        ("5-1 * * * *", '"5-1" ends before it starts; write the lower minute first'),
        ("5/10 * * * *", '"5/10" has a step without a range; write 5-59/10'),
        ("*/0 * * * *", '"*/0" has a step that no minute has; write 1 to 59'),
        ("٣ * * * *", '"٣" is no minute'),
        ("0 0 30 2 *", "is on no day of any year; choose another day or month"),
        ("0 0 31 4,6 *", "is on no day of any year"),
        ("0 0 */2 * 1", "is of other days in other crons; write a range instead of the star"),
    ],
)
def test_what_is_no_expression(text: str, problem: str) -> None:
    with pytest.raises(WrongError) as error:
        cron.read(text)
    ((path, message, fix),) = error.value.mistakes
    assert path == ()
    assert problem in f"{message}; {fix}"


def matches(schedule: Schedule, time: datetime) -> bool:
    """Compare as the runtimes do."""
    found = {
        "minute": time.minute,
        "hour": time.hour,
        "day": time.day,
        "month": time.month,
        "weekday": time.isoweekday() % 7,
    }
    wanted = {name: set(cast(list[int], values)) for name, values in schedule.items() if values}
    fits = {name: found[name] in values for name, values in wanted.items()}
    days = [fits.pop(name) for name in ("day", "weekday") if name in fits]
    return all(fits.values()) and (any(days) or not days)


def numbers(first: int, last: int) -> st.SearchStrategy[str]:
    one = st.integers(first, last)
    ranges = st.tuples(one, one).map(sorted).map(lambda pair: f"{pair[0]}-{pair[1]}")
    stepped = st.tuples(ranges, st.integers(1, last)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.lists(st.one_of(one.map(str), ranges, stepped), min_size=1, max_size=3).map(",".join)


FIELDS = st.tuples(
    st.one_of(st.just("*"), st.just("*/7"), numbers(0, 59)),
    st.one_of(st.just("*"), st.just("*/5"), numbers(0, 23)),
    st.one_of(st.just("*"), numbers(1, 28)),
    st.one_of(st.just("*"), numbers(1, 12)),
    st.one_of(st.just("*"), numbers(0, 6)),
)


@given(FIELDS, st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)))
def test_the_next_times_are_those_of_an_independent_reader(
    fields: tuple[str, ...], start: datetime
) -> None:
    text = " ".join(fields)
    schedule = cron.read(text)
    start = start.replace(tzinfo=UTC, second=0, microsecond=0)
    times = CronSim(text, start)
    for time in (next(times), next(times)):
        assert matches(schedule, time)
        # Nothing between two of them, as far as this looks.
        minutes = min(60, (time - start) // timedelta(minutes=1))
        between = (start + timedelta(minutes=at) for at in range(1, minutes))
        assert not any(matches(schedule, one) for one in between)
        start = time
