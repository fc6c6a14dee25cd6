"""Each request: its id, its line in the log, and the end of its connection when a service stops."""

import asyncio
import logging
import math
import sys
import time
from collections.abc import Awaitable
from threading import Event

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import context
from ..settings import SettingsError
from . import problems

logger = logging.getLogger(__name__)

# They are asked every few seconds, and logged only when they fail.
PROBES = ("/health", "/ready")
# Where the server keeps, in the state that each request gets a copy of, its `Stopping`.
STOPPING = "stopping"
# The same, for an event that requests wait for.
RELEASED = "released"
# The same, for whether a request took longer than the server waited for it.
CUT_OFF = "cut off"
# The same, for the SettingsError that the lifespan has raised at the start.
REFUSED = "refused"
# RFC 9112, 6.3: a request without either has no body.
_OF_BODIES = (b"content-length", b"transfer-encoding")
# Where the query of a request is, until `RequestLog` puts it back.
_QUERY = "query of the request"


class Stopping(Event):
    """Whether the server is about to end."""

    ends_at = math.inf
    """The time (`time.monotonic`) at which what still runs is cancelled."""


def is_stopping(scope: Scope) -> bool:
    """Tell whether the server that a request came to is about to end."""
    stopping = scope.get("state", {}).get(STOPPING)
    return isinstance(stopping, Stopping) and stopping.is_set()


def without_query(scope: Scope) -> Scope:
    """Return a request without its query, which may hold secrets, down to `RequestLog`."""
    if scope["type"] != "http":
        return scope
    return {**scope, "query_string": b"", _QUERY: scope["query_string"]}


def _answered(scope: Scope) -> Scope:
    """Return the request that is answered: for HEAD, where no route takes it, that is GET.

    The server leaves out the body. Starlette and Fastify do so, too; FastAPI's routes do not.
    """
    if scope["method"] != "HEAD":
        return scope
    routes = scope["app"].routes
    taken = any(route.matches({**scope})[0] is Match.FULL for route in routes)
    return scope if taken else {**scope, "method": "GET"}


async def _wait_until_released(scope: Scope) -> None:
    """Wait as long as the server holds requests, which it does while it stops listening."""
    released = scope.get("state", {}).get(RELEASED)
    if isinstance(released, asyncio.Event) and not released.is_set():
        await released.wait()


class RequestLog:
    """Take up or make the id of a request, answer with it, and log one line at the end.

    It is plain ASGI: Starlette's BaseHTTPMiddleware would cost a task for each request.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; pass on whatever else there is, such as the lifespan."""
        if scope["type"] not in ("http", "websocket"):
            scope["app"].state.server = scope.get("state", {})
            await self.app(scope, receive, _without_mistakes(scope, send))
            return
        started = time.perf_counter()
        request_id = _enter(scope).request_id.encode()
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send, started)
            return
        scope["query_string"] = scope.pop(_QUERY, scope["query_string"])
        status, replaced = 0, False

        async def send_marked(message: Message) -> None:
            nonlocal status, replaced
            if replaced:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 413 and not _is_problem(message):
                    # Starlette's limit of a body has an answer of its own, in plain text.
                    await problems.answer(413)(scope, receive, send_marked)
                    replaced = True
                    return
                headers = [*message.get("headers", ()), (b"x-request-id", request_id)]
                if is_stopping(scope):
                    # The client takes another connection, and loses no request on this one.
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            await send(message)

        try:
            await _wait_until_released(scope)
            await self.app(_answered(scope), receive, send_marked)
        except asyncio.CancelledError:
            # It took longer than the server waits for it at the end.
            if cut_off := scope.get("state", {}).get(CUT_OFF):
                cut_off.set()
            if not status:
                await problems.answer(503)(scope, receive, send_marked)
            raise
        finally:
            _log(scope, status or 500, (time.perf_counter() - started) * 1000)

    async def _talk(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        """Pass on a WebSocket, and log one line when it is closed."""
        status = 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            # One that is closed before it is accepted is answered so:
            # https://asgi.readthedocs.io/en/latest/specs/www.html#close-send-event
            answers = {"websocket.accept": 101, "websocket.close": 403}
            status = status or message.get("status") or answers.get(message["type"], 0)
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        finally:
            _log(scope, status or 500, (time.perf_counter() - started) * 1000)


class BodyLimit:
    """Limit the body of a request that has one; to look at others would cost as much as to log."""

    def __init__(self, app: ASGIApp, size: int) -> None:
        """Wrap an application.

        Args:
            app: The application. A router or a route in it may have a limit of its own.
            size: The limit in bytes.
        """
        self._app = app
        self._limited = RequestBodyLimitMiddleware(app, size)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request."""
        has_body = any(name in _OF_BODIES for name, _ in scope.get("headers", ()))
        return (self._limited if has_body else self._app)(scope, receive, send)


def _without_mistakes(scope: Scope, send: Send) -> Send:
    """Return what sends how the lifespan went, but for mistakes of the settings.

    `serve` ends with these; Starlette would have their traceback logged.
    """

    async def send_rest(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(error, SettingsError):
            scope["state"][REFUSED] = error
            message = {**message, "message": ""}
        await send(message)

    return send_rest


def _is_problem(start: Message) -> bool:
    return (b"content-type", problems.MEDIA_TYPE.encode()) in start["headers"]


def _enter(scope: Scope) -> context.RequestContext:
    found = {b"x-request-id": b"", b"traceparent": b"", b"tracestate": b""}
    given = [header for header in scope["headers"] if header[0] in found]
    if not given:
        return context.enter("", "", "")
    for name, value in given:
        # https://www.w3.org/TR/trace-context/#tracestate-header: several are one list.
        joined = name == b"tracestate" and found[name]
        found[name] = found[name] + b"," + value if joined else value
    return context.enter(*(value.decode("latin-1") for value in found.values()))


def _log(scope: Scope, status: int, milliseconds: float) -> None:
    # A WebSocket begins as GET.
    method, path = scope.get("method", "GET"), scope["path"]
    if path in PROBES and (status < 500 or is_stopping(scope)):
        return
    if not logger.isEnabledFor(logging.INFO):
        return
    # Without the query, which may hold secrets.
    fields = {
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": round(milliseconds, 3),
    }
    logger.info("%s %s %d", method, path, status, extra=fields)
