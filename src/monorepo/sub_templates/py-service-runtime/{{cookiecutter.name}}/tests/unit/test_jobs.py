import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from {{ cookiecutter.import_name }} import Settings, context, jobs
from {{ cookiecutter.import_name }}.configuration import Job

ANY = {"minute": None, "hour": None, "day": None, "month": None, "weekday": None}
SETTINGS = Settings(name="test")
# A Friday.
START = datetime(2026, 11, 27, 23, 58, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ({}, True),
        ({"minute": [58], "hour": [0, 23]}, True),
        ({"minute": [0]}, False),
        ({"month": [1, 12]}, False),
        ({"day": [27]}, True),
        ({"weekday": [5]}, True),
        ({"weekday": [0, 6]}, False),
        ({"day": [1], "weekday": [5]}, True),
        ({"day": [27], "weekday": [0]}, True),
        ({"day": [1], "weekday": [0]}, False),
    ],
)
def test_when_a_job_is_due(at: dict[str, list[int]], due: bool) -> None:
    assert jobs.is_due({**ANY, **at}, START) == due


def test_sunday_is_zero() -> None:
    sunday = START + timedelta(days=2)

    assert jobs.is_due({**ANY, "weekday": [0]}, sunday)


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """Return what makes a job of a function."""
    module = ModuleType("handlers")
    monkeypatch.setitem(__import__("sys").modules, "handlers", module)

    def add(function: Callable[..., object], **at: list[int]) -> Job:
        setattr(module, function.__name__, function)
        return Job(function.__name__, f"handlers:{function.__name__}", {**ANY, **at})

    return add


def test_a_job_runs_once_and_says_something(add: Callable[..., Job]) -> None:
    def plain() -> str:
        return "plain"

    async def with_settings(settings: Settings) -> str:
        return settings.name

    def silent(settings: Settings, *, more: int = 1) -> None: ...

    said = [jobs.run_once(add(one), SETTINGS) for one in (plain, with_settings, silent)]

    assert said == ["plain", "test", "silent: done"]


class Clock:
    """A time that goes on when somebody sleeps; it ends with the last minute."""

    def __init__(self, minutes: int) -> None:
        self.now = START
        self.last = START + timedelta(minutes=minutes)

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        # A timer may be a little early.
        self.now += timedelta(seconds=seconds - 0.001 if self.now.second == 30 else seconds)
        # What was started has its turn.
        await asyncio.sleep(0.01)
        if self.now > self.last:
            await asyncio.sleep(3600)


def run(minutes: int, *listed: Job, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """Let some minutes pass; what still runs then is cancelled."""
    clock = Clock(minutes)
    scheduler = jobs.Scheduler(
        listed, SETTINGS, is_stopping=is_stopping, now=clock, sleep=clock.sleep
    )

    async def main() -> None:
        async with scheduler.run(lambda: 0.05):
            while clock.now <= clock.last:
                await asyncio.sleep(0.005)

    asyncio.run(main())


def test_jobs_run_in_their_minutes_and_in_threads_if_they_block(
    add: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    async def minutely(settings: Settings) -> None:
        ran.append("minutely")

    def midnight() -> None:
        # Not in the loop.
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        current = context.request.get()
        ran.append(current.request_id if current else "")

    with caplog.at_level("INFO"):
        run(3, add(minutely), add(midnight, minute=[0], hour=[0]))

    assert ran.count("minutely") == 3
    (request_id,) = {*ran} - {"minutely"}
    assert len(request_id) == 32
    lines = [record for record in caplog.records if record.name.endswith("jobs")]
    assert {record.getMessage() for record in lines} == {"job minutely done", "job midnight done"}
    assert all(getattr(record, "duration_ms") >= 0 for record in lines)  # noqa: B009
    assert [getattr(record, "job") for record in lines].count("midnight") == 1  # noqa: B009


def test_a_job_that_fails_is_logged_and_runs_again(
    add: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("why")

    run(2, add(broken))

    assert [record.getMessage() for record in caplog.records] == ["job broken failed"] * 2
    assert all("why" in str(record.exc_info) for record in caplog.records)


def test_a_job_that_still_runs_is_not_started_again_and_is_cancelled_at_the_end(
    add: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    started: list[int] = []

    async def slow() -> None:
        started.append(1)
        await asyncio.sleep(3600)

    with caplog.at_level(logging.WARNING):
        run(3, add(slow))

    assert started == [1]
    left_out = "job slow still runs; this time it is left out"
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [left_out, left_out, "job slow cancelled"]


def test_nothing_is_started_while_the_service_stops(add: Callable[..., Job]) -> None:
    ran: list[int] = []

    def minutely() -> None:
        ran.append(1)

    run(2, add(minutely), is_stopping=lambda: True)

    assert ran == []
