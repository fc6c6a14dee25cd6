import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel

from {{ cookiecutter.import_name }} import Settings
from {{ cookiecutter.import_name }}.fastapi import create_app, serve

SETTINGS = Settings(name="{{ cookiecutter.distribution }}")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was logged, but for what the client of the test logs."""
    return [record for record in caplog.records if not record.name.startswith("httpx2")]


class Item(BaseModel):
    age: int


def shop(settings: Settings = SETTINGS) -> FastAPI:
    app = create_app(settings)

    @app.post("/items/{number}")
    async def add(
        number: int, item: Item, count: int = 1, token: Annotated[str, Header()] = ""
    ) -> int:
        return item.age

    @app.get("/refused")
    async def refused() -> None:
        raise HTTPException(429, "too many", headers={"Retry-After": "3"})

    @app.get("/detailed")
    async def detailed() -> None:
        raise HTTPException(409, {"detail": "sold", "left": 0, "status": 1})

    @app.get("/down")
    async def down() -> None:
        raise HTTPException(503, "secret", headers={"Retry-After": "3"})

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    @app.get("/bare")
    async def bare() -> None:
        raise HTTPException(204)

    return app


@pytest.fixture
def client() -> TestClient:
    return TestClient(shop(), raise_server_exceptions=False)


def test_health() -> None:
    with TestClient(create_app(SETTINGS)) as client:
        answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "name": SETTINGS.name, "version": "0.1.0"}


def test_two_applications_share_nothing() -> None:
    first, second = (create_app(Settings(name=name)) for name in ("one", "two"))

    assert TestClient(first).get("/health").json()["name"] == "one"
    assert TestClient(second).get("/health").json()["name"] == "two"


def test_it_is_ready_while_its_checks_pass(caplog: pytest.LogCaptureFixture) -> None:
    down = False

    async def database() -> None:
        if down:
            raise ConnectionError("no database")

    async def queue() -> None:
        await asyncio.sleep(0)

    client = TestClient(create_app(SETTINGS, checks={"database": database, "queue": queue}))
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["checks"] == {"database": "ok", "queue": "ok"}
    assert logged(caplog) == []

    down = True
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "failed")
    assert answer.json()["checks"] == {"database": "failed", "queue": "ok"}
    assert "no database" in caplog.text
    assert [record.getMessage() for record in logged(caplog)] == [
        "check database failed",
        "GET /ready 503",
    ]


def test_a_check_that_takes_too_long_fails() -> None:
    async def database() -> None:
        await asyncio.sleep(60)

    answer = TestClient(create_app(SETTINGS, checks={"database": database})).get("/ready")
    assert answer.json()["checks"] == {"database": "failed"}


def test_the_lifespan_is_what_surrounds_it() -> None:
    seen = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        seen.append("open")
        yield
        seen.append("closed")

    app = create_app(SETTINGS, lifespan=lifespan)
    assert seen == []
    with TestClient(app):
        assert seen == ["open"]
    assert seen == ["open", "closed"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_documentation_is_there_when_asked_for(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    documented = TestClient(shop(SETTINGS.model_copy(update={"docs": True})))
    assert documented.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "more"),
    [
        ("GET", "/no-such-path", 404, {"title": "Not Found"}),
        ("DELETE", "/health", 405, {"title": "Method Not Allowed"}),
        ("GET", "/refused", 429, {"title": "Too Many Requests", "detail": "too many"}),
        ("GET", "/detailed", 409, {"title": "Conflict", "detail": "sold", "left": 0}),
        ("GET", "/down", 503, {"title": "Service Unavailable"}),
        ("GET", "/broken", 500, {"title": "Internal Server Error"}),
    ],
)
def test_an_error_is_a_problem(
    client: TestClient, method: str, path: str, status: int, more: dict[str, Any]
) -> None:
    answer = client.request(method, path, headers={"X-Request-ID": "one"})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "one"
    assert answer.json() == {
        "type": "about:blank",
        "status": status,
        "request_id": "one",
        **more,
    }


def test_headers_of_an_error_are_kept(client: TestClient) -> None:
    assert client.get("/refused").headers["retry-after"] == "3"
    assert client.get("/down").headers["retry-after"] == "3"
    assert client.delete("/health").headers["allow"] == "GET"


def test_an_answer_to_head_has_no_body(client: TestClient) -> None:
    answer = client.head("/no-such-path")

    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/bare").content == b""


def test_head_is_answered_where_get_is(caplog: pytest.LogCaptureFixture) -> None:
    app, router = shop(), APIRouter()

    @router.get("/own")
    async def read(request: Request) -> str:
        return request.url.query

    @router.head("/own")
    async def look() -> Response:
        return Response(headers={"x-own": "1"})

    app.include_router(router, prefix="/more")
    client = TestClient(app)

    assert client.head("/health").status_code == 200
    length = client.head("/health").headers["content-length"]
    assert length == client.get("/health").headers["content-length"]
    assert client.head("/more/own").headers["x-own"] == "1"
    assert client.get("/more/own?a=1").json() == "a=1"
    assert client.head("/items/1").status_code == 405
    assert client.head("/refused").status_code == 429
    assert "HEAD /refused 429" in caplog.messages


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"age=1", "text/plain", 415),
        (b"age=1", "", 415),
        (b'{"age": 1}', "application/vnd.shop+json", 200),
        (b" " * 1024 * 1024 + b"{}", "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    client: TestClient, body: bytes, kind: str, status: int
) -> None:
    answer = client.post("/items/1", content=body, headers={"content-type": kind})

    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


def test_an_invalid_request_says_where_and_never_what(client: TestClient) -> None:
    answer = client.post("/items/one?count=hidden", json={"age": "hidden", "a/b": "hidden"})

    assert answer.status_code == 422
    assert answer.json()["title"] == "Unprocessable Content"
    places = [(error["in"], error["pointer"]) for error in answer.json()["errors"]]
    assert places == [("path", "#/number"), ("query", "#/count"), ("body", "#/age")]
    assert "hidden" not in answer.text
    assert client.post("/items/1").json()["errors"][0]["pointer"] == "#"


def test_the_documentation_has_problems_for_invalid_requests() -> None:
    schema = (
        TestClient(shop(SETTINGS.model_copy(update={"docs": True}))).get("/openapi.json").json()
    )

    answers = schema["paths"]["/items/{number}"]["post"]["responses"]
    assert list(answers["422"]["content"]) == ["application/problem+json"]
    assert "Problem" in schema["components"]["schemas"]
    assert "HTTPValidationError" not in str(schema)
    assert schema["info"]["version"] == "0.1.0"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Request-ID": "a-1._B"}, "a-1._B"),
        ({"X-Request-ID": "a-1", "traceparent": PARENT}, "a-1"),
        ({"X-Request-ID": "bad id", "traceparent": PARENT}, TRACE),
        ({"X-Request-ID": "x" * 129, "traceparent": f"01{PARENT[2:]}-more"}, TRACE),
        ({"traceparent": f"ff{PARENT[2:]}"}, ""),
        ({"traceparent": f"{PARENT}-more"}, ""),
        ({"traceparent": PARENT.replace(TRACE, "0" * 32)}, ""),
        ({}, ""),
    ],
)
def test_a_request_has_an_id(client: TestClient, headers: dict[str, str], found: str) -> None:
    answers = {client.get("/health", headers=headers).headers["x-request-id"] for _ in range(2)}

    if found:
        assert answers == {found}
    else:
        assert len(answers) == 2
        assert {len(answer) for answer in answers} == {32}


def test_a_request_is_one_line_without_its_query(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/no-such-path?token=hidden")
    client.get("/health")

    assert [record.getMessage() for record in logged(caplog)] == ["GET /no-such-path 404"]
    fields = vars(logged(caplog)[0])
    assert (fields["method"], fields["path"], fields["status"]) == ("GET", "/no-such-path", 404)
    assert fields["duration_ms"] > 0
    assert "hidden" not in str(fields)


def test_an_exception_is_one_line_with_500(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/broken")

    assert [record.getMessage() for record in logged(caplog)] == ["GET /broken 500"]


def test_why_an_answer_says_nothing_is_in_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert "secret" not in client.get("/down").text

    failed = next(record for record in logged(caplog) if record.exc_info)
    assert (failed.levelname, failed.getMessage()) == ("ERROR", "request failed")
    assert "secret" in caplog.text


def test_the_body_is_validated(client: TestClient) -> None:
    assert client.post("/items/1", json={"age": 3}).json() == 3


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["greet"], 0, "this is shop\n", ""),
        # Python prints it on stderr, and ends with 1.
        (["fail"], "shop: fail: no answer", "", ""),
        (
            ["greet", "x"],
            2,
            "",
            'shop: "greet x" is no command; give one of greet, fail, --settings, --openapi, '
            "or none to serve\n",
        ),
    ],
)
def test_a_command_runs_instead_with_the_settings(
    words: list[str],
    code: int | str,
    out: str,
    err: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: Settings) -> str:
        raise ValueError("no\nanswer")

    commands = {"greet": lambda settings: f"this is {settings.name}", "fail": fail}
    monkeypatch.setattr(sys, "argv", ["shop", *words])
    with pytest.raises(SystemExit) as ended:
        serve(shop, Settings(name="shop"), commands=commands)
    assert ended.value.code == code
    assert capsys.readouterr() == (out, err)


def test_the_openapi_document_is_printed_and_nothing_is_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["shop", "--openapi"])
    with pytest.raises(SystemExit) as end:
        serve(shop, Settings(name="shop", host="nowhere.invalid"))

    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out) == shop(Settings(name="shop")).openapi()
