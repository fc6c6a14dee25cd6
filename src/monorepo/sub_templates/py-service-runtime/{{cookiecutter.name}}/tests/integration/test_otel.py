"""Traces and metrics, as a collector gets them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROGRAM = """
import socket

from fastapi import FastAPI, HTTPException

from {{ cookiecutter.import_name }} import Settings
from {{ cookiecutter.import_name }}.client import async_client
from {{ cookiecutter.import_name }}.fastapi import create_app, serve

def create(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.get("/called")
    async def called(url: str, key: str) -> None:
        async with async_client(trust_env=False) as calls:
            await calls.get(url)

    return app

if __name__ == "__main__":
    serve(create, Settings.from_environment("demo"))
"""


class Collector(ThreadingHTTPServer):
    """What arrives: bodies by path, and the headers of the last call."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
        self.traceparent = ""
        super().__init__(("127.0.0.1", 0), Receiver)


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.server.bodies[self.path].append(self.rfile.read(length))
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.traceparent = self.headers["traceparent"]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@contextmanager
def served(folder: Path, endpoint: str, workers: str = "1") -> Iterator[str]:
    """Serve a program; at the end, it has to stop with code 0."""
    file = folder / "program.py"
    file.write_text(PROGRAM, "utf-8")
    settings = {"PORT": "0", "HOST": "127.0.0.1", "LOG_LEVEL": "INFO", "WORKERS": workers}
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with subprocess.Popen(
        [sys.executable, file],
        env=ours | settings | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().split('"port": ')[1].rstrip("}\n")
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=20)
            assert (process.returncode, errors) == (0, ""), output
        finally:
            process.kill()


def spans(collector: Collector) -> list[Span]:
    requests = map(ExportTraceServiceRequest.FromString, collector.bodies["/v1/traces"])
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_collector_gets_traces_and_metrics(
    tmp_path: Path, collector: Collector, workers: str
) -> None:
    address = f"http://127.0.0.1:{collector.server_port}"
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    with served(tmp_path, address, workers) as url:
        httpx2.get(f"{url}/health", trust_env=False, timeout=30)
        called, headers = f"{url}/called?url={address}&key=secret", {"traceparent": parent}
        httpx2.get(called, headers=headers, trust_env=False, timeout=30)

    (span,) = spans(collector)
    assert (span.name, span.trace_id.hex()) == ("GET /called", TRACE)
    status = {one.key: one.value.int_value for one in span.attributes}
    assert status["http.response.status_code"] == 200
    assert not any(b"secret" in body for bodies in collector.bodies.values() for body in bodies)
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert collector.traceparent == f"00-{TRACE}-{span.span_id.hex()}-01"
    metrics = b"".join(collector.bodies["/v1/metrics"])
    assert b"http.server.request.duration" in metrics
    first = ExportMetricsServiceRequest.FromString(collector.bodies["/v1/metrics"][0])
    resource = first.resource_metrics[0].resource.attributes
    names = {one.key: one.value.string_value for one in resource}
    assert (names["service.name"], names["service.version"]) == ("demo", "0")


@pytest.mark.slow
def test_without_a_collector_it_serves_and_stops_as_well(tmp_path: Path) -> None:
    with served(tmp_path, "http://127.0.0.1:9") as url:
        assert httpx2.get(f"{url}/no-such-path", trust_env=False, timeout=30).status_code == 404


@pytest.mark.slow
def test_without_the_extra_it_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"import sys\nsys.modules['opentelemetry.sdk'] = None\n{PROGRAM}", "utf-8")
    settings = {"PORT": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, file], env=os.environ | settings, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("demo: OTEL_EXPORTER_OTLP_ENDPOINT: ")
    assert len(done.stderr.splitlines()) == 1
