"""What a request to a service costs, beside the same application on the bare framework.

The cost is that of 1,000 requests: the processors' time of the server alone, and the time until one
client has its answers, one after the other on one connection. Both servers log each request. It
takes Linux, which tells what a process has used so far.
"""

import http.client
import os
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Cost, Lab, Row, main

REQUESTS = 1000
WARMUP = 200
# After so many requests, it is another server's turn.
BLOCK = 50
TICK = os.sysconf("SC_CLK_TCK")

FASTAPI = """\
import os
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok", "name": "acme-svc-api"}

uvicorn.run(app, port=int(os.environ["PORT"]))
"""
FASTIFY = """\
import { fastify } from "fastify";

const app = fastify({ logger: true });
app.get("/", () => ({ service: "web" }));
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
"""


@dataclass(frozen=True)
class Server:
    """What starts a server, and the path that it is asked for."""

    command: Sequence[object]
    cwd: Path
    path: str


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    root = lab.bake("services")
    lab.run(["make", "install", "build"], root)
    python, node = root / ".venv/bin/python", root / ".venv/bin/node"
    api, web = root / "services/py/api", root / "services/js/web"
    (root / "bare.py").write_text(FASTAPI, encoding="utf-8")
    # Beside the service, so that it has the same Fastify.
    (web / "bare.js").write_text(FASTIFY, encoding="utf-8")
    compiled = web / "dist/main.js"
    yield from _rows(
        lab,
        "services/py/*",
        Server([python, "-m", "acme_svc_api.main"], api, "/health"),
        "FastAPI, uvicorn.run",
        Server([python, root / "bare.py"], api, "/health"),
    )
    yield from _rows(
        lab,
        "services/js/*",
        Server([node, compiled], web, "/"),
        "Fastify",
        Server([node, web / "bare.js"], web, "/"),
    )


def _rows(lab: Lab, what: str, ours: Server, other: str, theirs: Server) -> Iterator[Row]:
    """Yield the rows of a language."""
    mine, bare = _compare(lab, ours, theirs)
    yield Row(f"{what}: 1,000 requests", mine, other, bare, goal=1.1)
    yield Row(f"{what}: one after the other", mine, other, bare, goal=1.1, measure="wall ratio")


def _compare(lab: Lab, *servers: Server) -> list[Cost]:
    """Return what requests cost; the servers take turns, so that what else runs meets all alike."""
    with ExitStack() as stack:
        running = [stack.enter_context(_started(server, lab.env)) for server in servers]
        for one in running:
            one.ask(WARMUP)
        before = [one.cpu() for one in running]
        seconds: list[list[float]] = [[] for _ in running]
        for _ in range(lab.rounds * REQUESTS // BLOCK):
            for one, seen in zip(running, seconds, strict=True):
                seen += one.ask(BLOCK)
        cpu = [one.cpu() - then for one, then in zip(running, before, strict=True)]
    # The median: what else the machine does hits few requests, and these hard.
    return [
        Cost(used / lab.rounds, statistics.median(seen) * 1000)
        for used, seen in zip(cpu, seconds, strict=True)
    ]


@dataclass(frozen=True)
class Running:
    """A server that runs, and a connection to it."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    path: str

    def ask(self, times: int) -> list[float]:
        """Return how many seconds each answer takes."""
        found = []
        for _ in range(times):
            started = time.perf_counter()
            self.connection.request("GET", self.path)
            answer = self.connection.getresponse()
            answer.read()
            found.append(time.perf_counter() - started)
            assert answer.status == 200, answer.status
        return found

    def cpu(self) -> float:
        """Return the seconds that it has had of the processors (proc(5), `stat`)."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICK


@contextmanager
def _started(server: Server, env: Mapping[str, str]) -> Iterator[Running]:
    """Run a server on a free port, until it has been asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(word) for word in server.command],
        cwd=server.cwd,
        env={**env, "PORT": str(port), "HOST": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            yield Running(process, connection, server.path)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main(__doc__, measure)
