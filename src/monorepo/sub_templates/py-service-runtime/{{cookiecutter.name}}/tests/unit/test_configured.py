"""A service that is nothing but its configuration."""

import asyncio
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError
from starlette.websockets import WebSocketDisconnect

from {{ cookiecutter.import_name }} import SettingsError, configuration
from {{ cookiecutter.import_name }}.configuration import settings_class
from {{ cookiecutter.import_name }}.fastapi import Service

EMPTY: dict[str, Any] = {
    "schema": 1,
    "name": "demo",
    "port": 8007,
    "workers": 1,
    "lifespan": None,
    "checks": {},
    "routes": [],
    "jobs": [],
    "resources": {"cpu": 1, "gpu": 0, "npu": 0},
    "telemetry": {"otel": False},
    "settings": {},
}
HANDLERS = """
from contextlib import asynccontextmanager

from fastapi import Request, WebSocket

events = []

async def greet(name: str, times: int = 1) -> dict[str, str]:
    return {"greeting": f"Hello {name}" * times}

def blocking(request: Request) -> dict[str, object]:
    secret = request.app.state.settings.api_key
    return {"pool": request.state.pool, "secret": str(secret)}

async def live(websocket: WebSocket, room: str) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{room}: {text}")

@asynccontextmanager
async def lifespan(settings):
    if said := getattr(settings, "bad", None):
        raise ValueError(said)
    events.append(f"open {settings.name}")
    yield {"pool": "open"}
    events.append("closed")

async def check(state):
    if state["pool"] != "open" or "fail" in events:
        raise RuntimeError("no pool")

def migrate(settings) -> str:
    return f"migrated with {settings.api_key.get_secret_value()}"
"""
SETTING = {"type": "string", "required": False, "secret": False, "description": ""}

Made = Callable[..., Service]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Return what makes a service of parts of its service.json."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/__init__.py").touch()
    (tmp_path / "demo_handlers.py").write_text(HANDLERS, "utf-8")
    before = {*sys.modules}

    def made(**parts: object) -> Service:
        text = json.dumps({**EMPTY, **parts})
        (tmp_path / "demo/service.json").write_text(text, "utf-8")
        return Service("demo")

    yield made
    configuration.read.cache_clear()
    settings_class.cache_clear()
    for name in {*sys.modules} - before:
        del sys.modules[name]


def route(path: str, name: str, method: str = "GET") -> dict[str, str]:
    return {"method": method, "path": path, "handler": f"demo_handlers:{name}"}


def test_a_service_without_anything_is_alive_and_ready(made: Made) -> None:
    service = made()
    with TestClient(service.create(service.settings())) as client:
        assert client.get("/health").json()["name"] == "demo"
        assert client.get("/ready").json() == {"status": "ok", "checks": {}}


def test_routes_call_their_handlers(made: Made) -> None:
    service = made(
        routes=[route("/greet/{name}", "greet"), route("/rooms/{room}", "live", "WEBSOCKET")]
    )
    client = TestClient(service.create(service.settings()))

    assert client.get("/greet/Ann", params={"times": 2}).json() == {"greeting": "Hello Ann" * 2}
    assert client.post("/greet/Ann").status_code == 405
    invalid = client.get("/greet/Ann", params={"times": "x"})
    assert invalid.status_code == 422
    assert invalid.json()["errors"][0]["pointer"] == "#/times"
    with client.websocket_connect("/rooms/blue") as socket:
        socket.send_text("hi")
        assert socket.receive_text() == "blue: hi"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/greet/Ann"):
        pass


def test_handlers_have_the_settings_and_what_the_lifespan_yields(made: Made) -> None:
    service = made(
        routes=[route("/blocking", "blocking")],
        lifespan="demo_handlers:lifespan",
        checks={"pool": "demo_handlers:check"},
        settings={"API_KEY": {**SETTING, "secret": True, "required": True}},
    )
    app = service.create(service.settings(api_key="hunter2"))
    with TestClient(app) as client:
        assert client.get("/blocking").json() == {"pool": "open", "secret": "**********"}
        assert client.get("/ready").json() == {"status": "ok", "checks": {"pool": "ok"}}
        events = sys.modules["demo_handlers"].events
        events.append("fail")
        assert client.get("/ready").status_code == 503

    assert events == ["open demo", "fail", "closed"]


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("BAD: should be\ngood", SettingsError, "demo: BAD: should be good"),
        ("bad: should be good", ValueError, "bad: should be good"),
        ("no pool", ValueError, "no pool"),
    ],
)
def test_a_setting_that_the_lifespan_refuses(
    made: Made, said: str, kind: type[BaseException], told: str
) -> None:
    service = made(lifespan="demo_handlers:lifespan", settings={"BAD": SETTING})
    app = service.create(service.settings(bad=said))

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pass

    with pytest.raises(kind) as error:
        asyncio.run(start())
    assert (type(error.value), str(error.value)) == (kind, told)


def test_a_websocket_is_one_line_without_its_query(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    service = made(routes=[route("/rooms/{room}", "live", "WEBSOCKET")])
    client = TestClient(service.create(service.settings()))
    with client.websocket_connect("/rooms/blue?token=hidden") as socket:
        socket.send_text("hi")
        assert socket.receive_text() == "blue: hi"
        socket.close()
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/nowhere"):
        pass

    messages = ["GET /rooms/blue 101", "GET /nowhere 403"]
    lines = [one for one in caplog.records if not one.name.startswith("httpx2")]
    assert [one.getMessage() for one in lines] == messages
    fields = vars(lines[0])
    assert (fields["method"], fields["path"], fields["status"]) == ("GET", "/rooms/blue", 101)
    assert fields["duration_ms"] > 0
    assert "hidden" not in str(fields)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " x ", " x "),
        ("integer", "-12", -12),
        ("number", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", "off", False),
        ("url", "http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
    ],
)
def test_a_setting_of_each_type(
    made: Made, monkeypatch: pytest.MonkeyPatch, kind: str, text: str, value: object
) -> None:
    made(settings={"A_B": {**SETTING, "type": kind, "required": True}})
    monkeypatch.setenv("A_B", text)

    settings = settings_class("demo").from_environment("demo")

    assert getattr(settings, "a_b") == value  # noqa: B009


@pytest.mark.parametrize(
    ("said", "text", "message"),
    [
        ({"required": True}, "", "is not set"),
        ({"type": "integer"}, "1_0", "should be an integer"),
        ({"type": "integer"}, "1.5", "should be an integer"),
        ({"type": "number"}, "nan", "should be a number"),
        ({"type": "number"}, " 1", "should be a number"),
        ({"type": "boolean"}, "maybe", "should be a valid boolean"),
        ({"type": "url"}, "ftp://x", "should be an address such as http://127.0.0.1:8000"),
        ({"choices": ["a", "b", "c"]}, "d", "should be a, b or c"),
        ({"type": "integer", "choices": [1]}, "2", "should be 1"),
    ],
)
def test_a_setting_that_is_bad(
    made: Made, monkeypatch: pytest.MonkeyPatch, said: dict[str, object], text: str, message: str
) -> None:
    made(settings={"A": {**SETTING, **said}, "B": {**SETTING, "required": True}})
    monkeypatch.setenv("A", text)
    monkeypatch.delenv("B", raising=False)

    with pytest.raises(SettingsError) as error:
        settings_class("demo").from_environment("demo")

    first, second = str(error.value).splitlines()
    assert first.startswith(f"demo: A: {message}")
    assert second == "demo: B: is not set"


def test_defaults(made: Made) -> None:
    service = made(
        workers=3,
        settings={
            "KEY": {**SETTING, "secret": True, "default": "hunter2"},
            "MODE": {**SETTING, "choices": ["a", "b"], "default": "b"},
            "NONE": SETTING,
        },
    )
    settings = service.settings()

    found = {name: getattr(settings, name) for name in ("key", "mode", "none", "workers", "port")}
    key = SecretStr("hunter2")
    assert found == {"key": key, "mode": "b", "none": None, "workers": 3, "port": 8007}
    assert service.settings(mode="a") != settings


def test_the_table_has_the_settings_after_the_common_ones_and_no_secret(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = made(
        workers=2,
        settings={
            "KEY": {**SETTING, "secret": True, "default": "hunter2", "description": "the key"},
            "LIMIT": {**SETTING, "type": "number", "default": 5, "description": "how | many"},
            "WEB_URL": {**SETTING, "type": "url", "required": True},
        },
    )
    monkeypatch.setattr(sys, "argv", ["demo", "--settings"])

    with pytest.raises(SystemExit) as ended:
        service.run()

    rows = capsys.readouterr().out.splitlines()
    assert ended.value.code == 0
    assert "| `PORT` | 8007 | the port to listen on; 0 is a free one |" in rows
    assert "| `WORKERS` | 2 | the number of worker processes |" in rows
    assert rows[-3:] == [
        "| `KEY` | not shown | the key |",
        "| `LIMIT` | 5 | how \\| many |",
        "| `WEB_URL` | has to be set | |",
    ]


def test_settings_reach_worker_processes(made: Made) -> None:
    service = made(settings={"KEY": {**SETTING, "secret": True, "default": "hunter2"}})
    settings = service.settings(key="other")

    create, found = pickle.loads(pickle.dumps((service.create, settings)))

    assert found == settings
    assert create.__self__ == service


def test_a_service_with_a_schedule_has_one_worker(made: Made) -> None:
    at = {"minute": None, "hour": None, "day": None, "month": None, "weekday": None}
    job = {"name": "j", "handler": "demo_handlers:migrate", "cron": "* * * * *", "at": at}
    service = made(jobs=[job])

    assert service.settings().workers == 1
    with pytest.raises(ValidationError, match="should be 1: jobs run on a schedule"):
        service.settings(workers=2)


def run(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, word: str
) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["demo", word])
    with pytest.raises(SystemExit) as ended:
        service.run()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def test_a_job_is_run_by_its_name(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = {"name": "migrate", "handler": "demo_handlers:migrate", "cron": None, "at": None}
    service = made(jobs=[job], settings={"API_KEY": {**SETTING, "secret": True, "required": True}})
    monkeypatch.setenv("API_KEY", "k")

    assert run(service, capsys, monkeypatch, "migrate") == (0, "migrated with k\n", "")
    code, _, errors = run(service, capsys, monkeypatch, "other")
    assert code == 2
    assert '"other" is no command; give one of migrate, --settings, --openapi' in errors


def test_a_service_is_skipped_where_something_lacks(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = {"name": "migrate", "handler": "demo_handlers:none", "cron": None, "at": None}
    service = made(jobs=[job], resources={"cpu": 1, "gpu": 1, "npu": 0})
    monkeypatch.setenv("GPU", "0")

    lack = "needs 1 gpu, this machine has 0 (GPU=<n> overrides what is found)"
    assert service.lacks == lack
    assert run(service, capsys, monkeypatch, "migrate") == (0, "", f"demo: skipped: {lack}\n")
    code, document, _ = run(service, capsys, monkeypatch, "--openapi")
    assert (code, json.loads(document)["info"]["title"]) == (0, "demo")
    monkeypatch.setenv("GPU", "2")
    assert service.lacks == ""
