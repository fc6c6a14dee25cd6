"""Jobs: functions of the settings that run once by name, or at certain minutes (UTC)."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from . import context
from .configuration import Job, load
from .settings import Settings

logger = logging.getLogger(__name__)


def is_due(at: Mapping[str, Sequence[int] | None], when: datetime) -> bool:
    """Tell whether a job is due in a minute.

    Args:
        at: What each part of a time may be, None for anything. Of `day` and `weekday`, one has to
            match if both are given; Sunday is 0.
        when: A time in that minute, in UTC.
    """
    parts = {"minute": when.minute, "hour": when.hour, "month": when.month}
    if any(part not in (at[name] or (part,)) for name, part in parts.items()):
        return False
    days, weekdays = at["day"], at["weekday"]
    if days is None and weekdays is None:
        return True
    return when.day in (days or ()) or when.isoweekday() % 7 in (weekdays or ())


def run_once(job: Job, settings: Settings) -> str:
    """Run a job, and return what it says of it.

    Args:
        job: The job.
        settings: What it gets.
    """
    handler = load(job.handler)
    said = handler(*_arguments(handler, settings))
    if inspect.isawaitable(said):
        said = asyncio.run(_result(said))
    return said if isinstance(said, str) else f"{job.name}: done"


async def _result(awaited: Awaitable[object]) -> object:
    return await awaited


def _arguments(handler: Callable[..., object], settings: Settings) -> tuple[Settings, ...]:
    """Return what a handler is called with: the settings, if it takes anything."""
    kinds = (one.kind for one in inspect.signature(handler).parameters.values())
    by_position = {
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    }
    return (settings,) if by_position.intersection(kinds) else ()


def _now() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """Starts each job in the minutes in which it is due, unless it still runs.

    A minute in which the process cannot run is left out.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: Settings,
        *,
        is_stopping: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Load the handlers.

        Args:
            jobs: The jobs, each with the minutes at which it runs.
            settings: What they get.
            is_stopping: Whether nothing may be started any more.
            now: The time in UTC.
            sleep: Waits for some seconds.
        """
        self._jobs = [(job, load(job.handler)) for job in jobs]
        self._settings = settings
        self._is_stopping = is_stopping
        self._now = now
        self._sleep = sleep
        self._running: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def run(self, seconds_left: Callable[[], float]) -> AsyncIterator[None]:
        """Start jobs as long as this is open.

        Args:
            seconds_left: How long those that run have at the end, before they are cancelled.
        """
        loop = asyncio.create_task(self.start_jobs())
        try:
            yield
        finally:
            loop.cancel()
            if self._running:
                await asyncio.wait(self._running.values(), timeout=max(0, seconds_left()))
            left = [*self._running.values()]
            for task in left:
                task.cancel()
            await asyncio.gather(loop, *left, return_exceptions=True)

    async def start_jobs(self) -> None:
        """Start jobs in the minutes in which they are due, for ever."""
        last = _minute(self._now())
        while True:
            now = self._now()
            await self._sleep(60 - now.second - now.microsecond / 1e6)
            minute = _minute(self._now())
            # It may have woken a moment too early.
            if minute == last or self._is_stopping():
                continue
            last = minute
            for job, handler in self._jobs:
                if job.at is not None and is_due(job.at, minute):
                    self._start(job, handler)

    def _start(self, job: Job, handler: Callable[..., Any]) -> None:
        if job.name in self._running:
            what = "job %s still runs; this time it is left out"
            logger.warning(what, job.name, extra={"job": job.name})
            return
        task = asyncio.create_task(self._do(job, handler))
        self._running[job.name] = task
        task.add_done_callback(lambda _: self._running.pop(job.name))

    async def _do(self, job: Job, handler: Callable[..., Any]) -> None:
        """Run a job, and log how it went."""
        context.enter("", "", "")
        started = time.perf_counter()
        result, error = "done", None
        try:
            arguments = _arguments(handler, self._settings)
            if inspect.iscoroutinefunction(handler):
                await handler(*arguments)
            else:
                await asyncio.to_thread(handler, *arguments)
        except asyncio.CancelledError:
            result = "cancelled"
            raise
        except Exception as caught:
            result, error = "failed", caught
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 3)
            level = logging.INFO if result == "done" else logging.ERROR
            fields = {"job": job.name, "duration_ms": milliseconds}
            logger.log(level, "job %s %s", job.name, result, exc_info=error, extra=fields)


def _minute(time_: datetime) -> datetime:
    return time_.replace(second=0, microsecond=0)
