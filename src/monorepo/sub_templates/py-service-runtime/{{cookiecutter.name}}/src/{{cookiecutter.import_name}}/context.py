"""The request that is being answered: what logs and calls of other services say of it."""

import random
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header; a later version than 00 may have more.
_TRACEPARENT = re.compile(
    r"(?!ff|00-.{53})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


# Ids have to differ, and need not be secret: uuid4 takes ten times as long.
_random_bits = random.Random().getrandbits


class RequestContext(NamedTuple):
    """A request: its id, and the trace that it is a part of, if there is one."""

    request_id: str
    trace_id: str = ""
    traceparent: str = ""
    tracestate: str = ""


request: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def _inject_nothing(_carrier: dict[str, str]) -> None: ...


# OpenTelemetry's, once it is configured: it writes the headers of the span that is current.
inject: Callable[[dict[str, str]], None] = _inject_nothing


def enter(request_id: str, traceparent: str, tracestate: str) -> RequestContext:
    """Make a request the one that is being answered, in this task and what it starts.

    Args:
        request_id: X-Request-ID as it arrived; another one is made if it is not usable.
        traceparent: As it arrived.
        tracestate: As it arrived.
    """
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    trace_id = found[1] if found else ""
    if not request_id or not _REQUEST_ID.fullmatch(request_id):
        request_id = trace_id or f"{_random_bits(128):032x}"
    if inject is not _inject_nothing:
        carrier: dict[str, str] = {}
        inject(carrier)
        # The trace is this one if it is sampled here, also without a caller that began it.
        if own := _TRACEPARENT.fullmatch(carrier.get("traceparent", "")):
            trace_id = own[1]
    context = RequestContext(
        request_id,
        trace_id,
        traceparent if found else "",
        tracestate if found else "",
    )
    request.set(context)
    return context


def headers() -> dict[str, str]:
    """Return the headers by which a call of another service belongs to this request."""
    context = request.get()
    if context is None:
        return {}
    passed = {
        "X-Request-ID": context.request_id,
        "traceparent": context.traceparent,
        "tracestate": context.tracestate,
    }
    inject(passed)
    return {name: value for name, value in passed.items() if value}
