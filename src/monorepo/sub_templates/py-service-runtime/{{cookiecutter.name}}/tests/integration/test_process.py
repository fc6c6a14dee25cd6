"""A service as an operator meets it: a process that starts, answers, logs and stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

PROGRAM = """
import asyncio
import logging
import os
import socket
import threading
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from fastapi import APIRouter, Request

from {{ cookiecutter.import_name }} import Settings, configure_logging
from {{ cookiecutter.import_name }}.fastapi import create_app, serve

settings = replace(Settings.from_environment("demo"), shutdown_seconds=1)
configure_logging(settings.log_level)
app = create_app(settings)

def arrived() -> None:
    logging.getLogger("demo").info("in flight")

@asynccontextmanager
async def no_database(app):
    raise RuntimeError("no database")
    yield

@app.get("/short")
async def short() -> str:
    arrived()
    await asyncio.sleep(0.5)
    return "done"

@app.get("/endless")
async def endless() -> None:
    arrived()
    await asyncio.sleep(60)

@app.get("/stuck")
def stuck() -> None:
    arrived()
    time.sleep(60)

@app.get("/broken")
def broken() -> None:
    raise RuntimeError("secret")

def fail() -> None:
    raise RuntimeError("alone")

@app.get("/thread")
def thread() -> None:
    threading.Thread(target=fail).start()

@app.get("/sends-at-once")
def sends_at_once(request: Request) -> bool:
    for number in os.listdir("/dev/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(number))) as one:
            if one.getpeername()[1:2] == (request.client.port,):
                return bool(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    raise LookupError("the connection of this request")

if __name__ == "__main__":
    serve(app, settings)
"""
BROKEN_PROGRAM = PROGRAM.replace(
    "if __name__", "app.include_router(APIRouter(lifespan=no_database))\nif __name__"
)


class Service:
    """A running service, and every line that it logged so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.logs: list[dict[str, Any]] = []

    def read_until(self, text: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.logs.append(json.loads(line))
            if text in self.logs[-1]["message"]:
                return self.logs[-1]
        raise AssertionError(f"{text!r} was never logged; it logged {self.logs}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        started = time.monotonic()
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=20)
        self.logs += map(json.loads, output.splitlines())
        return self.process.returncode, time.monotonic() - started, errors


def start(folder: Path, program: str = PROGRAM, **more: str) -> subprocess.Popen[str]:
    file = folder / "program.py"
    file.write_text(program, "utf-8")
    settings = {"PORT": "0", "HOST": "127.0.0.1", "LOG_LEVEL": "INFO", "WEB_CONCURRENCY": ""}
    return subprocess.Popen(
        [sys.executable, file],
        env=os.environ | settings | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(url: str) -> httpx2.Response:
    """Ask the service, which is on this machine: no proxy that the environment names is asked."""
    return httpx2.get(url, timeout=30, trust_env=False)


@contextmanager
def request_in_flight(service: Service, url: str) -> Iterator[list[httpx2.Response]]:
    """Have a request under way; the list has its answer at the end, if there was one."""
    answers: list[httpx2.Response] = []

    def get() -> None:
        try:
            answers.append(ask(url))
        except httpx2.TransportError:
            pass

    thread = threading.Thread(target=get)
    thread.start()
    service.read_until("in flight")
    yield answers
    thread.join(30)


@pytest.fixture
def workers() -> int:
    return 1


@pytest.fixture
def service(tmp_path: Path, workers: int) -> Iterator[Service]:
    with start(tmp_path, WEB_CONCURRENCY=str(workers)) as process:
        too_late = threading.Timer(60, process.kill)
        too_late.start()
        yield Service(process)
        too_late.cancel()
        process.kill()


@pytest.fixture
def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.read_until('demo listens')['port']}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_stops_with_code_0(
    service: Service, url: str, number: signal.Signals
) -> None:
    assert ask(f"{url}/health").json() == {"status": "ok", "name": "demo"}

    code, seconds, errors = service.stop(number)
    assert (code, errors) == (0, "")
    assert seconds < 5
    assert any("/health" in log["message"] for log in service.logs)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_answer_is_sent_at_once(service: Service, url: str) -> None:
    assert ask(f"{url}/sends-at-once").json() is True
    assert service.stop()[0] == 0


def test_an_open_request_is_finished_first(service: Service, url: str) -> None:
    with request_in_flight(service, f"{url}/short") as answers:
        code, _, _ = service.stop()

    assert code == 0
    assert [answer.json() for answer in answers] == ["done"]


def test_an_endless_request_is_cut_off_at_the_limit(service: Service, url: str) -> None:
    with request_in_flight(service, f"{url}/endless"):
        code, seconds, _ = service.stop()

    assert code == 0
    assert 0.9 < seconds < 5


@pytest.mark.slow
def test_a_stuck_thread_does_not_keep_it_alive(service: Service, url: str) -> None:
    with request_in_flight(service, f"{url}/stuck"):
        code, seconds, _ = service.stop()

    assert code == -signal.SIGALRM
    assert seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2])
def test_a_stuck_worker_is_killed(service: Service, url: str) -> None:
    with request_in_flight(service, f"{url}/stuck"):
        code, seconds, _ = service.stop()

    assert code == 0
    assert seconds < 10


def test_an_error_is_logged_with_its_traceback_and_not_shown(service: Service, url: str) -> None:
    answer = ask(f"{url}/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text

    service.stop()
    logged = [log for log in service.logs if "exception" in log]
    assert [log["logger"] for log in logged] == ["uvicorn.error"]
    assert "secret" in logged[0]["exception"]


def test_an_error_in_a_thread_is_logged(service: Service, url: str) -> None:
    ask(f"{url}/thread")
    assert "RuntimeError: alone" in service.read_until("unhandled in thread")["exception"]

    code, _, errors = service.stop()
    assert (code, errors) == (0, "")


def test_an_error_that_ends_the_program_is_logged(tmp_path: Path) -> None:
    broken = PROGRAM.replace("app = create_app(settings)", "app = create_app()")
    with start(tmp_path, broken) as process:
        output, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (1, "")
    assert "TypeError" in json.loads(output)["exception"]


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_application_that_fails_to_start_ends_with_code_3(tmp_path: Path, count: int) -> None:
    with start(tmp_path, BROKEN_PROGRAM, WEB_CONCURRENCY=str(count)) as process:
        output, _ = process.communicate(timeout=20)

    assert process.returncode == 3
    assert "no database" in output


def test_a_taken_port_is_one_line_on_stderr(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(tmp_path, PORT=str(port)) as process:
            output, errors = process.communicate(timeout=20)

    assert (process.returncode, output) == (1, "")
    assert len(errors.splitlines()) == 1
    assert errors.startswith(f"demo: cannot listen on 127.0.0.1 port {port}: ")
