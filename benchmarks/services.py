"""What a service costs, beside the same application on the bare framework.

Requests: the processors' time of the server, and the time until one client has its answers, one
after the other on one connection, for a route that both log and for /health, which only the bare
one logs. The start: the same, until a server has answered once; and its memory after all
requests. Each is the minimum of turns that the servers take, so that what else the machine does
counts least. It takes Linux, which tells what a process has used so far.
"""

import http.client
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Cost, Lab, Row, main

REQUESTS = 1000
TURNS = 10
PATHS = {"/": "a logged route", "/health": "/health"}
START = "start, until it answers"

ROUTE = """
    @app.get("/")
    async def root() -> dict[str, str]:
        return {"service": "api"}

    return app
"""
FASTAPI = """\
import os
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def root() -> dict[str, str]:
    return {"service": "api"}

@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok", "name": "acme-svc-api", "version": "0.1.0"}

uvicorn.run(app, port=int(os.environ["PORT"]))
"""
FASTIFY = """\
import { fastify } from "fastify";

const app = fastify({ logger: true });
app.get("/", () => ({ service: "web" }));
app.get("/health", () => ({ status: "ok", name: "@acme/svc-web", version: "0.1.0" }));
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
"""
HANDLER_PY = """\
\"\"\"A route for a service.\"\"\"


async def root() -> dict[str, str]:
    \"\"\"Tell which service this is.\"\"\"
    return {"service": "api"}
"""
HANDLER_JS = """
export const root = () => ({ service: "web" });
"""


@dataclass(frozen=True)
class Server:
    """What starts a server."""

    command: Sequence[object]
    cwd: Path


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    root = lab.bake("services")
    lab.run(["make", "install", "build"], root)
    python, node = root / ".venv/bin/python", root / ".venv/bin/node"
    api, web = root / "services/py/api", root / "services/js/web"
    # A JavaScript service has a route from the start.
    main_py = api / "src/acme_svc_api/main.py"
    text = main_py.read_text(encoding="utf-8")
    with_route = text.replace("    return app\n", ROUTE)
    assert with_route != text
    main_py.write_text(with_route, encoding="utf-8")
    (root / "bare.py").write_text(FASTAPI, encoding="utf-8")
    # Beside the service, so that it has the same Fastify.
    (web / "bare.js").write_text(FASTIFY, encoding="utf-8")
    yield from _rows(
        lab,
        "services/py/*",
        Server([python, "-m", "acme_svc_api.main"], api),
        "FastAPI, uvicorn.run",
        Server([python, root / "bare.py"], api),
    )
    yield from _rows(
        lab,
        "services/js/*",
        Server([node, web / "dist/main.js"], web),
        "Fastify",
        Server([node, web / "bare.js"], web),
    )
    yield from _configured(lab)


def _configured(lab: Lab) -> Iterator[Row]:
    """Yield the rows of services whose route is in service.edn, and its handler in a package."""
    root = lab.bake("configured", "manifests=edn")
    python, node = root / ".venv/bin/python", root / ".venv/bin/node"
    api, web = root / "services/py/api", root / "services/js/web"
    _extend(root / "shared/py/core/src/acme_core/routes.py", "", HANDLER_PY)
    _extend(root / "shared/js/core/src/index.ts", "", HANDLER_JS)
    _extend(api / "service.edn", ":python [", '"acme-core" ')
    _extend(web / "service.edn", ":node [", '"@acme/core" ')
    route = '{:method :get :path "/" :handler "%s"} '
    _extend(api / "service.edn", ":endpoints [", route % "acme_core.routes:root")
    _extend(web / "service.edn", ":endpoints [", route % "@acme/core:root")
    core = '{ "path": "../../../shared/js/core/tsconfig.build.json" },'
    _extend(web / "tsconfig.build.json", '"references": [', core)
    lab.run(["make", "sync"], root)
    lab.run(["make", "lock"], root)
    lab.run(["make", "install", "build"], root)
    (root / "bare.py").write_text(FASTAPI, encoding="utf-8")
    (web / "bare.js").write_text(FASTIFY, encoding="utf-8")
    pairs = {
        "services/py/* by service.edn": (
            Server([python, "-m", "acme_svc_api.main"], api),
            "FastAPI, uvicorn.run",
            Server([python, root / "bare.py"], api),
        ),
        "services/js/* by service.edn": (
            Server([node, web / "dist/main.js"], web),
            "Fastify",
            Server([node, web / "bare.js"], web),
        ),
    }
    for what, (ours, other, theirs) in pairs.items():
        rounds = [_measured(lab, ours, theirs) for _ in range(lab.rounds)]
        mine, bare = (_least(costs) for costs in zip(*(one["/"] for one in rounds), strict=True))
        yield Row(f"{what}: 1,000 requests of a logged route", mine, other, bare, goal=1.05)


def _extend(file: Path, behind: str, more: str) -> None:
    """Write more into a file, behind a text of it; at its end without one."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    at = text.index(behind) + len(behind) if behind else len(text)
    file.write_text(f"{text[:at]}{more}{text[at:]}", encoding="utf-8")


def _rows(lab: Lab, what: str, ours: Server, other: str, theirs: Server) -> Iterator[Row]:
    """Yield the rows of a language."""
    rounds = [_measured(lab, ours, theirs) for _ in range(lab.rounds)]
    least = {
        name: [_least(costs) for costs in zip(*(one[name] for one in rounds), strict=True)]
        for name in (*PATHS, START)
    }
    for path, name in PATHS.items():
        mine, bare = least[path]
        yield Row(f"{what}: 1,000 requests of {name}", mine, other, bare, goal=1.1)
        latency = f"{what}: {name}, one after the other"
        yield Row(latency, mine, other, bare, goal=1.1, measure="wall ratio")
    mine, bare = least[START]
    yield Row(f"{what}: {START}", mine, other, bare)
    yield Row(f"{what}: memory", mine, other, bare, measure="memory ratio")


def _least(costs: Sequence[Cost]) -> Cost:
    return Cost(
        min(cost.cpu for cost in costs),
        min(cost.wall for cost in costs),
        min(cost.memory for cost in costs),
    )


def _measured(lab: Lab, *servers: Server) -> dict[str, list[Cost]]:
    """Start servers, and ask them in turns; return the costs of each, by path and of the start."""
    found: dict[str, list[Cost]] = {}
    with ExitStack() as stack:
        started = [stack.enter_context(_started(server, lab.env)) for server in servers]
        for path in PATHS:
            turns: list[list[Cost]] = [[] for _ in started]
            for number in range(TURNS + 1):
                for (running, _), costs in zip(started, turns, strict=True):
                    cost = running.ask(path, REQUESTS // TURNS)
                    # The first one warms up.
                    if number:
                        costs.append(Cost(cost.cpu * TURNS, cost.wall * TURNS))
            found[path] = [_least(costs) for costs in turns]
        found[START] = [Cost(cost.cpu, cost.wall, one.memory()) for one, cost in started]
    return found


@dataclass(frozen=True)
class Running:
    """A server that runs, and a connection to it."""

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection

    def ask(self, path: str, times: int) -> Cost:
        """Return what requests of a path cost."""
        before, started = self.cpu(), time.perf_counter()
        for _ in range(times):
            self.connection.request("GET", path)
            answer = self.connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
        return Cost(self.cpu() - before, time.perf_counter() - started)

    def cpu(self) -> float:
        """Return the seconds that its threads have had of the processors (proc(5), `schedstat`)."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text(encoding="utf-8").split()[0]) for task in tasks) / 1e9

    def memory(self) -> float:
        """Return the MiB that it has resident (proc(5), `status`)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, status
        return int(found[1]) / 1024


@contextmanager
def _started(server: Server, env: Mapping[str, str]) -> Iterator[tuple[Running, Cost]]:
    """Run a server on a free port; it has answered once, and that start has a cost."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
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
            time.sleep(0.01)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            running = Running(process, connection)
            running.ask("/health", 1)
            yield running, Cost(running.cpu(), time.perf_counter() - started)
        finally:
            connection.close()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main(__doc__, measure)
