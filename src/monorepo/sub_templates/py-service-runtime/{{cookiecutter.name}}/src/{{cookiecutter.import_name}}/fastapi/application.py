"""The application: what every service answers, whatever its own routes are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from ..settings import Settings
from . import problems
from .requests import PROBES, BodyLimit, RequestLog, is_stopping, without_query

Check = Callable[[], Awaitable[object]]
"""Raises an exception as long as something that the service needs is not there."""

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 2
# As in Fastify. A router or a route that takes more has a `max_body_size` of its own.
_MAX_BODY_SIZE = 1024 * 1024


class _App(FastAPI):
    """An application that logs each request, and documents its errors as they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # FastAPI's spans would have the query.
        await super().__call__(without_query(scope), receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        # Outermost, so that it sees the answers to exceptions that nothing handles.
        return RequestLog(BodyLimit(super().build_middleware_stack(), _MAX_BODY_SIZE))

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            problems.document(super().openapi())
        return super().openapi()


def create_app(
    settings: Settings,
    *,
    lifespan: Lifespan[Any] | None = None,
    checks: Mapping[str, Check] | None = None,
) -> FastAPI:
    """Return an application that answers GET /health and GET /ready; add your routes to it.

    Args:
        settings: What is served, and whether its documentation is.
        lifespan: What is open while it serves, such as a pool of connections:
            https://fastapi.tiangolo.com/advanced/events/.
        checks: What has to be there for requests to be answered, by name. GET /ready calls all
            of them at once, and each has two seconds.
    """
    app = _App(
        title=settings.name,
        version=settings.version,
        lifespan=lifespan,
        openapi_url="/openapi.json" if settings.docs else None,
        telemetry={
            "auto_configure": settings.otel_exporter_otlp_endpoint is not None,
            "exclude": _is_probe,
            # One span for a request, and exceptions in the logs of the service, as in JavaScript.
            "operation_spans": False,
            "logs": False,
        },
    )
    problems.handle(app)
    alive = {"status": "ok", "name": settings.name, "version": settings.version}

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the process lives."""
        return alive

    @app.get("/ready", responses={503: {"description": "Not ready"}})
    async def ready(request: Request) -> JSONResponse:
        """Tell whether requests should be sent here."""
        if is_stopping(request.scope):
            return JSONResponse({"status": "stopping", "checks": {}}, 503)
        named = checks or {}
        passed = await asyncio.gather(*(_passes(name, check) for name, check in named.items()))
        results = dict(zip(named, ("ok" if one else "failed" for one in passed), strict=True))
        status = "ok" if all(passed) else "failed"
        return JSONResponse({"status": status, "checks": results}, 200 if all(passed) else 503)

    return app


def _is_probe(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in PROBES


async def _passes(name: str, check: Check) -> bool:
    """Tell whether a check passes; log why it does not."""
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except Exception:
        logger.warning("check %s failed", name, exc_info=True)
        return False
    return True
