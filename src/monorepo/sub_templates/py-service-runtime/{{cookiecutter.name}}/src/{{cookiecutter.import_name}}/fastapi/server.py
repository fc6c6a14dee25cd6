"""The server: it listens, and ends without losing a request."""

import asyncio
import functools
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from threading import Event
from types import FrameType, MappingProxyType
from typing import TypeVar, cast

import uvicorn
from fastapi import FastAPI

from ..logs import configure_logging
from ..settings import Settings
from .requests import CUT_OFF, REFUSED, RELEASED, STOPPING, Stopping

logger = logging.getLogger(__name__)

_Settings = TypeVar("_Settings", bound=Settings)

# What a handler that can't be cancelled and the end of a lifespan get, beyond the limits of the
# settings.
_LAST_SECONDS = 5
# How long requests are held before and after the port closes.
_HELD_SECONDS = 0.05
# How long connections that wait for another request are left open at the end.
_IDLE_SECONDS = 0.5
# The exit code of a worker whose application fails to start; it is uvicorn's.
_NOT_STARTED = 3


def serve(
    create: Callable[[_Settings], FastAPI],
    settings: _Settings,
    *,
    commands: Mapping[str, Callable[[_Settings], str]] = MappingProxyType({}),
) -> None:
    """Serve an application until SIGTERM or Ctrl-C, then finish requests.

    At the end, GET /ready answers 503 at once, the service listens for `settings.shutdown_delay`
    more seconds (a second Ctrl-C skips them), and requests in flight have
    `settings.shutdown_timeout` seconds before they are cancelled; a process that even so does not
    end within five more seconds is killed. Call it in the main thread, below
    `if __name__ == "__main__"`: only there Python delivers signals, and worker processes import
    the program anew.

    With the name of a command, it runs that instead, and prints the sentence that it returns. With
    the option --openapi, it prints the OpenAPI document of the application; nothing listens or
    connects then.

    Args:
        create: Returns the application, in each worker process; a function of a module.
        settings: What it gets, and how it is served.
        commands: What `python -m <module> <name>` does with the settings, by name.

    Raises:
        SystemExit: With code 0 when it has printed something instead; with code 1 when a command
            fails, it can't listen or an extra is missing, and with code 2 when there is no such
            command (one line on stderr says why); with code 1 when the application fails to start,
            or a request was cut off at the end (the logs say why).
    """
    if word := " ".join(sys.argv[1:]):
        _do(word, create, settings, commands)
        sys.exit(0)
    configure_logging(settings)
    if settings.otel_exporter_otlp_endpoint:
        _require_otel(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    listener = _listen(settings)
    port = listener.getsockname()[1]
    logger.info("%s listens", settings.name, extra={"port": port})
    if settings.workers == 1:
        finished = _serve_alone(create, settings, listener)
    else:
        finished = _Workers(create, settings, listener).run()
    if not finished:
        sys.exit(1)


def _do(
    word: str,
    create: Callable[[_Settings], FastAPI],
    settings: _Settings,
    commands: Mapping[str, Callable[[_Settings], str]],
) -> None:
    """Do something else than to serve."""
    if word == "--openapi":
        print(json.dumps(create(settings).openapi(), indent=2, ensure_ascii=False))  # noqa: T201
        return
    if word not in commands:
        known = ", ".join([*commands, "--settings", "--openapi"])
        what = f'"{word}" is no command; give one of {known}, or none to serve'
        print(f"{settings.name}: {what}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    try:
        said = commands[word](settings)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SystemExit(f"{settings.name}: {word}: {reason}") from error
    print(said)  # noqa: T201


def _require_otel(settings: Settings) -> None:
    try:
        from .. import otel  # noqa: F401
    except ImportError as error:
        raise SystemExit(f"{settings.name}: OTEL_EXPORTER_OTLP_ENDPOINT: {error}") from None


def _listen(settings: Settings) -> socket.socket:
    """Return a listening socket. uvicorn would log a traceback when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        # create_server adds the address in its own words.
        reason = str(error.strerror).partition(" (while")[0]
        raise SystemExit(
            f"{settings.name}: cannot listen on {settings.host} port {settings.port}: {reason}; "
            "set HOST and PORT to an address that is free"
        ) from None
    # Connections inherit it. asyncio sets it on its own listeners only, and without it the body of
    # an answer waits until the client has acknowledged the headers: 40 ms on Linux.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _serve_alone(
    create: Callable[[_Settings], FastAPI], settings: _Settings, listener: socket.socket
) -> bool:
    """Serve in this process; return whether no request was cut off at the end."""
    if settings.otel_exporter_otlp_endpoint:
        from .. import otel

        otel.configure(settings)
    try:
        app = create(settings)
    except Exception:
        logger.critical("cannot start", exc_info=True)
        sys.exit(1)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=None,
        access_log=False,
        workers=1,
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )
    server = _Server(config, settings)
    try:
        server.run(sockets=[listener])
    except SystemExit as error:
        if refused := server.lifespan.state.get(REFUSED):
            raise refused from None
        sys.exit(1 if error.code == _NOT_STARTED else error.code)
    return not server.cut_off.is_set()


class _Server(uvicorn.Server):
    """A server that is not ready before it stops listening, and ends in time."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings
        self.cut_off = Event()
        # A signal may come before there is a lifespan, which it is told by.
        self._stopping = Stopping()
        self._listens_until = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state[STOPPING] = self._stopping
        self.lifespan.state[CUT_OFF] = self.cut_off
        self._released = self.lifespan.state[RELEASED] = asyncio.Event()
        self._released.set()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop. uvicorn's would raise the signal once more at the end: the exit code was -15."""
        if not self._stopping.is_set():
            delay = self._settings.shutdown_delay
            self._listens_until = time.monotonic() + delay
            self._stopping.ends_at = self._listens_until + self._settings.shutdown_timeout
            self._stopping.set()
            # A handler in a thread can't be cancelled: then the alarm ends the process.
            signal.alarm(delay + self._settings.shutdown_timeout + _LAST_SECONDS)
        elif sig == signal.SIGINT:
            self.force_exit = self.should_exit
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._stopping.is_set() and time.monotonic() >= self._listens_until:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Connections that nobody has taken yet would be reset with the listener. A client that has
        # to wait makes no other one, neither here nor to a worker that stops a moment later.
        self._released.clear()
        await asyncio.sleep(_HELD_SECONDS)
        waiting = [*_accepted(sockets or ())]
        for server in self.servers:
            server.close()
        protocol = functools.partial(
            cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
        await asyncio.sleep(_HELD_SECONDS)
        self._released.set()
        # uvicorn closes idle connections at once, and a request that is on its way there is lost.
        # One that arrives in time is answered, and told to take another connection.
        closes_at = time.monotonic() + min(_IDLE_SECONDS, self._settings.shutdown_timeout)
        while self.server_state.connections and time.monotonic() < closes_at:
            await asyncio.sleep(0.02)
        await super().shutdown()


def _accepted(listeners: Iterable[socket.socket]) -> Iterator[socket.socket]:
    """Yield the connections that wait to be taken."""
    for listener in listeners:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setblocking(False)
                yield connection


class _Workers:
    """Several servers, each in a process of its own; one that dies is started anew."""

    def __init__(
        self,
        create: Callable[[_Settings], FastAPI],
        settings: _Settings,
        listener: socket.socket,
    ) -> None:
        self._create = create
        self._settings = settings
        self._listener = listener
        self._workers: list[SpawnProcess] = []
        self._stopping = False

    def run(self) -> bool:
        """Serve until a signal; return whether all could start, and ended in time."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle_exit)
        self._workers = [self._start() for _ in range(self._settings.workers)]
        starts = True
        while starts:
            wait([reader, *(worker.sentinel for worker in self._workers)])
            if self._stopping:
                break
            starts = self._restart()
        return self._stop() and starts

    def _handle_exit(self, *_: object) -> None:
        self._stopping = True

    def _start(self) -> SpawnProcess:
        arguments = (self._create, self._settings, self._listener)
        process = multiprocessing.get_context("spawn").Process(target=_work, args=arguments)
        process.start()
        return process

    def _restart(self) -> bool:
        """Start workers anew that died; return whether they can start at all."""
        for number, worker in enumerate(self._workers):
            if worker.exitcode == _NOT_STARTED:
                return False
            if worker.exitcode is not None:
                logger.error("worker %s died, with code %s", worker.pid, worker.exitcode)
                self._workers[number] = self._start()
        return True

    def _stop(self) -> bool:
        """End the workers, and kill those that don't end in time; return whether all did."""
        # Otherwise connections would be taken that no worker answers.
        self._listener.close()
        for worker in self._workers:
            worker.terminate()
        limits = self._settings.shutdown_delay + self._settings.shutdown_timeout
        until = time.monotonic() + limits + _LAST_SECONDS
        for worker in self._workers:
            worker.join(max(0, until - time.monotonic()))
            worker.kill()
            worker.join()
        # One that starts is ended by the signal itself.
        return all(worker.exitcode in (0, -signal.SIGTERM) for worker in self._workers)


def _work(
    create: Callable[[_Settings], FastAPI], settings: _Settings, listener: socket.socket
) -> None:
    """Serve in a worker process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    configure_logging(settings)
    try:
        finished = _serve_alone(create, settings, listener)
    except SystemExit as error:
        # Anything else than the end of the server: the next one would fail in the same way.
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)  # noqa: T201
        if error.code:
            os._exit(_NOT_STARTED)
        raise
    if not finished:
        sys.exit(1)
