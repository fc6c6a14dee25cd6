"""A configured service: service.json says its routes, jobs and settings; its code is elsewhere."""

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec
from typing import Any, Self

from fastapi import FastAPI

from ..configuration import Configuration, load, read, settings_class
from ..jobs import Scheduler, run_once
from ..machine import lacks
from ..settings import Settings, SettingsError
from .application import create_app
from .requests import STOPPING, Stopping
from .server import serve


@dataclass(frozen=True)
class Service:
    """A service by the package that has its service.json."""

    package: str

    @classmethod
    def of(cls, spec: ModuleSpec) -> Self:
        """Return the service of a main module.

        Args:
            spec: Its `__spec__`, which has its name also where it is started.
        """
        return cls(spec.name.rpartition(".")[0])

    @property
    def configuration(self) -> Configuration:
        """What service.json says."""
        return read(self.package)

    @property
    def lacks(self) -> str:
        """What the service needs and this machine has not; empty if it can be started here."""
        return lacks(self.configuration.resources)

    def settings(self, **values: object) -> Settings:
        """Return settings for a test: no environment is read.

        Args:
            values: By the names in code, such as `database_url`.
        """
        found = {"name": self.configuration.name, "port": self.configuration.port, **values}
        return settings_class(self.package).model_validate(found)

    def create(self, settings: Settings) -> FastAPI:
        """Return the application. Nothing is opened before it is served.

        Handlers find the settings in `request.app.state.settings`, and what the lifespan yields
        in `request.state`.
        """
        configuration = self.configuration
        held: dict[str, Any] = {}
        checks = {
            name: partial(load(handler), held) for name, handler in configuration.checks.items()
        }
        app = create_app(settings, lifespan=partial(self._lifespan, held), checks=checks)
        app.state.settings = settings
        for method, path, handler in configuration.routes:
            if method == "WEBSOCKET":
                app.add_api_websocket_route(path, load(handler))
            else:
                app.add_api_route(path, load(handler), methods=[method])
        return app

    @asynccontextmanager
    async def _lifespan(self, held: dict[str, Any], app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        """Open what the service needs, and start its jobs when they are due."""
        configuration, settings = self.configuration, app.state.settings
        async with AsyncExitStack() as stack:
            if configuration.lifespan:
                with _telling_mistakes(configuration):
                    opened = load(configuration.lifespan)(settings)
                    held.update(await stack.enter_async_context(opened) or {})
            if jobs := configuration.scheduled:
                server = getattr(app.state, "server", {})
                stopping: Stopping = server.get(STOPPING, Stopping())

                def seconds_left() -> float:
                    limit = float(settings.shutdown_timeout)
                    return min(stopping.ends_at - time.monotonic(), limit)

                scheduler = Scheduler(jobs, settings, is_stopping=stopping.is_set)
                await stack.enter_async_context(scheduler.run(seconds_left))
            yield dict(held)

    def run(self) -> None:
        """Serve; or run the job that is named, as the options of `serve` are.

        Raises:
            SystemExit: As `serve` and `Settings.from_environment` do; with code 0 when this
                machine lacks what the service needs (one line on stderr says what).
        """
        name, options = self.configuration.name, sys.argv[1:]
        if options not in (["--settings"], ["--openapi"]) and (reason := self.lacks):
            print(f"{name}: skipped: {reason}", file=sys.stderr)  # noqa: T201
            sys.exit(0)
        port = self.configuration.port
        settings = settings_class(self.package).from_environment(name, port=port)
        if not options:
            # Their modules may take seconds to import: no request has to wait for that.
            for handler in self.configuration.handlers:
                load(handler)
        commands = {job.name: partial(run_once, job) for job in self.configuration.jobs}
        serve(self.create, settings, commands=commands)


@contextmanager
def _telling_mistakes(configuration: Configuration) -> Iterator[None]:
    """Take a ValueError that begins with the name of a setting for a mistake of whoever set it.

    Raises:
        SettingsError: In place of that error.
    """
    try:
        yield
    except ValueError as error:
        said = " ".join(str(error).split())
        if said.partition(": ")[0] not in configuration.settings:
            raise
        raise SettingsError(f"{configuration.name}: {said}") from None
