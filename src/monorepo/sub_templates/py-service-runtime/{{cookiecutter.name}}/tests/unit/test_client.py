import asyncio

import httpx2

from {{ cookiecutter.import_name }} import context
from {{ cookiecutter.import_name }}.client import async_client, client

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def echo(request: httpx2.Request) -> httpx2.Response:
    """Answer with the headers that arrived."""
    return httpx2.Response(200, json=dict(request.headers))


def sent(**headers: str) -> dict[str, str]:
    with client(transport=httpx2.MockTransport(echo)) as calls:
        found: dict[str, str] = calls.get("http://web/", headers=headers).json()
    return found


def test_a_call_belongs_to_its_request() -> None:
    token = context.request.set(None)
    context.enter("one", PARENT, "vendor=1")
    try:
        found = sent()
    finally:
        context.request.reset(token)

    assert (found["x-request-id"], found["traceparent"]) == ("one", PARENT)
    assert found["tracestate"] == "vendor=1"


def test_without_a_request_nothing_is_added() -> None:
    assert not {"x-request-id", "traceparent", "tracestate"} & {*sent()}


def test_what_a_call_gives_stays() -> None:
    token = context.request.set(None)
    context.enter("one", "", "")
    try:
        assert sent(**{"X-Request-ID": "two"})["x-request-id"] == "two"
    finally:
        context.request.reset(token)


def test_coroutines_have_a_client_as_well() -> None:
    seen = []

    async def own(request: httpx2.Request) -> None:
        seen.append(request.headers["x-request-id"])

    async def call() -> None:
        context.enter("one", "", "")
        options = {"request": [own]}
        transport = httpx2.MockTransport(echo)
        async with async_client(transport=transport, event_hooks=options) as calls:
            assert (await calls.get("http://web/")).json()["x-request-id"] == "one"

    asyncio.run(call())
    assert seen == ["one"]
