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
import jsonschema
import pytest

PROGRAM = """
import asyncio
import logging
import os
import socket
import threading
import time
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request

from {{ cookiecutter.import_name }} import Settings, SettingsError
from {{ cookiecutter.import_name }}.fastapi import create_app, serve

def arrived() -> None:
    logging.getLogger("demo").info("in flight")

@asynccontextmanager
async def lifespan(app):
    if os.environ.get("BROKEN"):
        raise RuntimeError("no database")
    if os.environ.get("REFUSED"):
        raise SettingsError("demo: KEY: should be a good one")
    yield
    logging.getLogger("demo").info("closed")

def create(settings: Settings) -> FastAPI:
    app = create_app(settings, lifespan=lifespan)
    for route in (short, endless, stuck, broken, thread, sends_at_once):
        app.get(f"/{route.__name__}")(route)
    return app

async def short() -> str:
    arrived()
    await asyncio.sleep(0.5)
    return "done"

async def endless() -> None:
    arrived()
    await asyncio.sleep(60)

def stuck() -> None:
    arrived()
    time.sleep(60)

def broken() -> None:
    raise RuntimeError("secret")

def fail() -> None:
    raise RuntimeError("alone")

def thread() -> None:
    threading.Thread(target=fail).start()

def sends_at_once(request: Request) -> bool:
    for number in os.listdir("/dev/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(number))) as one:
            if one.getpeername()[1:2] == (request.client.port,):
                return bool(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    raise LookupError("the connection of this request")

if __name__ == "__main__":
    serve(create, Settings.from_environment("demo"))
"""
SCHEMA = json.loads((Path(__file__).parents[1] / "log_line.schema.json").read_text("utf-8"))


class Service:
    """A running service, and every line that it logged so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.logs: list[dict[str, Any]] = []

    def read_until(self, text: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.logs.append(checked(line))
            if text in self.logs[-1]["message"]:
                return self.logs[-1]
        raise AssertionError(f"{text!r} was never logged; it logged {self.logs}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, str]:
        started = time.monotonic()
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=20)
        self.logs += map(checked, output.splitlines())
        return self.process.returncode, time.monotonic() - started, errors


def checked(line: str) -> dict[str, Any]:
    """Return a line of the log, which is as the schema says."""
    fields: dict[str, Any] = json.loads(line)
    jsonschema.validate(fields, SCHEMA)
    return fields


def start(folder: Path, program: str = PROGRAM, **more: str) -> subprocess.Popen[str]:
    file = folder / "program.py"
    file.write_text(program, "utf-8")
    settings = {"PORT": "0", "HOST": "127.0.0.1", "LOG_LEVEL": "INFO", "WORKERS": ""}
    settings |= {"SHUTDOWN_TIMEOUT": "1", "SHUTDOWN_DELAY": "", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
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
def delay() -> int:
    return 0


@pytest.fixture
def service(tmp_path: Path, workers: int, delay: int) -> Iterator[Service]:
    with start(tmp_path, WORKERS=str(workers), SHUTDOWN_DELAY=str(delay)) as process:
        too_late = threading.Timer(60, process.kill)
        too_late.start()
        yield Service(process)
        too_late.cancel()
        process.kill()


@pytest.fixture
def url(service: Service) -> str:
    return f"http://127.0.0.1:{service.read_until('demo listens')['port']}"


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_it_answers_and_stops_with_code_0(
    service: Service, url: str, number: signal.Signals
) -> None:
    assert ask(f"{url}/health").json() == {"status": "ok", "name": "demo", "version": "0"}
    ask(f"{url}/no-such-path?token=secret")

    code, seconds, errors = service.stop(number)
    assert (code, errors) == (0, "")
    assert seconds < 5
    (line,) = (log for log in service.logs if "duration_ms" in log)
    assert (line["message"], line["status"]) == ("GET /no-such-path 404", 404)
    assert service.logs[-2]["message"] == "Application shutdown complete."
    assert any(log["message"] == "closed" for log in service.logs)
    assert "secret" not in str(service.logs)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_answer_is_sent_at_once(service: Service, url: str) -> None:
    assert ask(f"{url}/sends_at_once").json() is True
    assert service.stop()[0] == 0


def test_an_open_request_is_finished_first(service: Service, url: str) -> None:
    with request_in_flight(service, f"{url}/short") as answers:
        code, _, _ = service.stop()

    assert code == 0
    assert [answer.json() for answer in answers] == ["done"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_endless_request_is_cut_off_at_the_limit(service: Service, url: str) -> None:
    with request_in_flight(service, f"{url}/endless") as answers:
        code, seconds, _ = service.stop()

    assert code == 1
    assert 0.9 < seconds < 5
    assert [answer.status_code for answer in answers] == [503]
    assert answers[0].headers["content-type"] == "application/problem+json"


@pytest.mark.slow
@pytest.mark.parametrize("delay", [1])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_is_not_ready_before_it_stops_listening(service: Service, url: str) -> None:
    assert ask(f"{url}/ready").status_code == 200

    stopping = time.monotonic()
    service.process.terminate()
    with httpx2.Client(trust_env=False, timeout=30) as client:
        while (answer := client.get(f"{url}/ready")).status_code == 200:
            assert time.monotonic() - stopping < 0.5
    assert answer.json() == {"status": "stopping", "checks": {}}
    assert answer.headers["connection"] == "close"
    assert ask(f"{url}/short").json() == "done"

    output, _ = service.process.communicate(timeout=20)
    assert service.process.returncode == 0
    assert time.monotonic() - stopping > 1
    assert "/ready" not in output


@pytest.mark.slow
@pytest.mark.parametrize("delay", [30])
def test_a_second_interrupt_skips_the_delay(service: Service, url: str) -> None:
    assert ask(f"{url}/ready").status_code == 200

    service.process.terminate()
    while ask(f"{url}/ready").status_code == 200:
        time.sleep(0.01)
    code, seconds, _ = service.stop(signal.SIGINT)
    assert code == 0
    assert seconds < 5


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_busy_connection_loses_no_request(service: Service, url: str, workers: int) -> None:
    for _ in range(workers):
        service.read_until("Application startup complete")
    failed: list[str] = []
    ended = threading.Event()

    def keep_asking() -> None:
        with httpx2.Client(trust_env=False, timeout=30) as client:
            while not ended.is_set():
                try:
                    answer = client.get(f"{url}/health")
                except httpx2.ConnectError:
                    return
                except httpx2.TransportError as error:
                    failed.append(repr(error))
                    return
                if answer.status_code != 200:
                    failed.append(str(answer.status_code))

    threads = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    code, _, _ = service.stop()
    ended.set()
    for thread in threads:
        thread.join(20)

    assert (code, failed) == (0, [])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2])
def test_a_worker_that_dies_is_started_anew(service: Service, url: str) -> None:
    pid = int(service.read_until("Started server process")["message"].split("[")[1].rstrip("]"))
    os.kill(pid, signal.SIGKILL)
    service.read_until(f"worker {pid} died")
    service.read_until("Application startup complete")

    assert ask(f"{url}/health").status_code == 200
    assert service.stop()[0] == 0


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

    assert code == 1
    assert seconds < 10


def test_an_error_is_logged_with_its_traceback_and_not_shown(service: Service, url: str) -> None:
    answer = ask(f"{url}/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text

    service.stop()
    logged = [log for log in service.logs if "exception" in log]
    assert [log["request_id"] for log in logged] == [answer.headers["x-request-id"]]
    assert "secret" in logged[0]["exception"]


@pytest.mark.slow
def test_an_error_in_a_thread_is_logged(service: Service, url: str) -> None:
    ask(f"{url}/thread")
    assert "RuntimeError: alone" in service.read_until("unhandled in thread")["exception"]

    code, _, errors = service.stop()
    assert (code, errors) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_an_application_that_fails_to_start_ends_with_code_1(tmp_path: Path, count: int) -> None:
    with start(tmp_path, BROKEN="1", WORKERS=str(count)) as process:
        output, _ = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "no database" in output


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_a_setting_that_the_lifespan_refuses_is_one_line(tmp_path: Path, count: int) -> None:
    with start(tmp_path, REFUSED="1", WORKERS=str(count)) as process:
        output, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert {*errors.splitlines()} == {"demo: KEY: should be a good one"}
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_an_application_that_cannot_be_made_is_logged(tmp_path: Path, count: int) -> None:
    broken = PROGRAM.replace("create_app(settings,", "create_app(")
    with start(tmp_path, broken, WORKERS=str(count)) as process:
        output, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (1, "")
    assert "TypeError" in output


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_an_application_that_refuses_to_start_is_not_started_again(
    tmp_path: Path, count: int
) -> None:
    made = "    app = create_app("
    refusing = PROGRAM.replace(made, f'    raise SystemExit("no key")\n{made}')
    assert refusing != PROGRAM
    with start(tmp_path, refusing, WORKERS=str(count)) as process:
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert set(errors.splitlines()) == {"no key"}


@pytest.mark.slow
def test_a_stop_while_it_starts_is_an_ordinary_one(tmp_path: Path) -> None:
    stopped = """
import signal, uvicorn

def load(config, goes_on=uvicorn.Config.load):
    os.kill(os.getpid(), signal.SIGTERM)
    goes_on(config)

uvicorn.Config.load = load

if __name__"""
    with start(tmp_path, PROGRAM.replace("\nif __name__", stopped)) as process:
        output, errors = process.communicate(timeout=20)

    assert (process.returncode, errors) == (0, "")
    assert json.loads(output.splitlines()[-2])["message"] == "Application shutdown complete."


def test_a_taken_port_is_one_line_on_stderr(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(tmp_path, PORT=str(port)) as process:
            output, errors = process.communicate(timeout=20)

    assert (process.returncode, output) == (1, "")
    assert len(errors.splitlines()) == 1
    assert errors.startswith(f"demo: cannot listen on 127.0.0.1 port {port}: ")
