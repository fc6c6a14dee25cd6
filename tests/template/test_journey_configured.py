"""Services that are configured: routes, a WebSocket, a setting and jobs by service.edn alone."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.template.baking import bake, changed, commit, edit, environment, run
from tests.template.test_journey_recipes import RECIPES, Reader, blocks

pytestmark = pytest.mark.slow

API, WEB = "services/py/api", "services/js/web"
PYTHON = '''\
"""What the service api does."""

import logging

from fastapi import Request, WebSocket


async def greet(name: str, request: Request) -> dict[str, str]:
    """Greet somebody, in the words of the settings."""
    return {"greeting": f"{request.app.state.settings.greeting} {name}"}


async def echo(websocket: WebSocket, room: str) -> None:
    """Say again what is said in a room."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{room}: {text}")


def tick() -> str:
    """Log that a minute is over."""
    logging.getLogger(__name__).info("tick")
    return "ticked"
'''
TYPESCRIPT = """\

interface Asked<T extends { Params: object }> {
  readonly params: T["Params"];
}

interface Room {
  on(event: "message", listener: (data: Buffer) => void): void;
  send(text: string): void;
}

/** Greet somebody, in the words of the settings. */
export const greet = (
  { params }: Asked<{ Params: { name: string } }>,
  _reply: unknown,
  { settings }: { settings: { greeting: string } },
) => ({ greeting: `${settings.greeting} ${params.name}` });

/** Say again what is said in a room. */
export function echo(socket: Room, { params }: Asked<{ Params: { room: string } }>): void {
  socket.on("message", (data) => socket.send(`${params.room}: ${data}`));
}

/** Return what is logged when a minute is over. */
export const tick = (): string => "ticked";
"""
ENDPOINTS = """\
:endpoints [{{:method :get :path "/greet/{{name}}" :handler "{0}:greet"}}
             {{:method :websocket :path "/rooms/{{room}}" :handler "{0}:echo"}}
             """
JOBS = ':jobs [{{:name "tick" :cron "* * * * *" :handler "{}:tick"}}\n        '
SETTING = ':env {"GREETING" {:type :string :choices ["Hello" "Hi"] :doc "the first word"}\n       '
# In the environment of the repository, which has a library for it.
CLIENT = """\
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], proxy=None) as socket:
    socket.send("hi")
    print(socket.recv())
"""
OPENER = build_opener(ProxyHandler({}))


def get(port: int, path: str) -> object:
    with OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return json.load(answer)


@contextmanager
def started(root: Path, path: str, *command: str, **variables: str) -> Iterator[tuple[int, Path]]:
    """Start a service; yield its port, and the file with its logs. It ends with code 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = root / path / "build/log"
    log.parent.mkdir(exist_ok=True)
    bins = {"PATH": f"{root}/.venv/bin:{os.environ['PATH']}", "HOST": "127.0.0.1"}
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=root / path,
            env=environment(**bins, PORT=str(port), **variables),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait(log, "listen", process)
        yield port, log
        process.terminate()
        assert process.wait(60) == 0, log.read_text("utf-8")
    finally:
        process.kill()
        process.wait()


def wait(log: Path, text: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until a log has a text; a job on a schedule takes a minute."""
    until = time.monotonic() + 180
    while text not in log.read_text("utf-8"):
        assert time.monotonic() < until, log.read_text("utf-8")
        assert process is None or process.poll() is None, log.read_text("utf-8")
        time.sleep(0.2)


def configure(root: Path, path: str, module: str, deps: str, package: str) -> None:
    """Add two routes, a job and a setting to a service, with the package of their functions."""
    file = root / path / "service.edn"
    edit(file, deps, f"{deps}{package} ")
    edit(file, ":endpoints [", ENDPOINTS.format(module))
    edit(file, ":jobs [", JOBS.format(module))
    edit(file, ":env {", SETTING)


def test_a_service_is_what_its_configuration_says(tmp_path: Path) -> None:
    root = bake(tmp_path, manifests="edn")
    commit(root)
    functions = root / "shared/py/core/src/acme_core/app.py"
    functions.write_text(PYTHON.replace("name: str", "person: str"), encoding="utf-8")
    declared = ':lang :python\n :deps/base ["fastapi>=0.165"]'
    edit(root / "shared/py/core/package.edn", ":lang :python", declared)
    with (root / "shared/js/core/src/index.ts").open("a", encoding="utf-8") as file:
        file.write(TYPESCRIPT)
    configure(root, API, "acme_core.app", ":deps {:python [", '{:pkg "acme-core"}')
    configure(root, WEB, "@acme/core", ":deps {:node [", '"@acme/core"')
    run(root, "make", "setup")

    # A handler that does not fit its route gets nowhere.
    said = run(root, "make", "sync", code=2)
    wrong = f"{API}/service.edn:6:59: acme_core.app:greet: shared/py/core/src/acme_core/app.py:8: "
    assert f"{wrong}has no parameter name, which the path /greet/{{name}} has; add name" in said
    assert f"{API}/pyproject.toml" not in changed(root)
    functions.write_text(PYTHON, encoding="utf-8")
    # The references of a build follow what its service needs by a rule that mends itself.
    run(root, "make", "sync")
    run(root, "make", "lock", "install")
    run(root, "make", "settings")
    run(root, "make", "guard", "FIX=1")
    run(root, "make", "guard", "type-check")

    python, node = root / ".venv/bin/python", root / ".venv/bin/node"
    api = [str(python), "-m", "acme_svc_api.main"]
    web = [str(node), "--conditions=source", "src/main.ts"]
    services = (API, api, "GREETING: is not set"), (WEB, web, "GREETING: is not set")
    for path, command, mistake in services:
        assert mistake in run(root / path, *command, code=1)
        assert "GREETING: should be Hello or Hi" in run(
            root / path, *command, env={"GREETING": "Servus"}, code=1
        )
        # What only the lifespan can tell of a setting is one line as well.
        bad = {"GREETING": "Hi", "DATABASE_URL": "hidden", "PORT": "0"}
        said = run(root / path, *command, env=bad, code=1)
        assert "DATABASE_URL: should be" in said
        assert "hidden" not in said and "Traceback" not in said and "    at " not in said
        # A job runs once by its name.
        assert run(root / path, *command, "tick", env={"GREETING": "Hi"}) == "ticked\n"
        assert "| `GREETING` | has to be set | the first word |" in run(
            root / path, *command, "--settings"
        )
    with ExitStack() as stack:
        running = [
            stack.enter_context(started(root, path, *command, GREETING="Hello"))
            for path, command, _ in services
        ]
        for port, _ in running:
            assert get(port, "/greet/Ann") == {"greeting": "Hello Ann"}
            address = f"ws://127.0.0.1:{port}/rooms/blue?token=hidden"
            assert run(root, python, "-c", CLIENT, address) == "blue: hi\n"
        for _, log in running:
            wait(log, "job tick done")
            lines = [*map(json.loads, log.read_text("utf-8").splitlines())]
            (line,) = (found for found in lines if found.get("job"))
            assert line["job"] == "tick" and line["duration_ms"] >= 0 and line["request_id"]
            # A WebSocket is one line, without its query.
            (line,) = (found for found in lines if "/rooms/" in str(found))
            assert (line["path"], line["status"]) == ("/rooms/blue", 101)
            assert "hidden" not in log.read_text("utf-8")

    # The recipe has two more services.
    reader = Reader(root)
    followed = [
        block
        for block in blocks((root / RECIPES).read_text(encoding="utf-8"))
        if block.recipe == "A route by configuration"
    ]
    assert {"python", "ts"} <= {block.language for block in followed}
    for block in followed:
        reader.follow(block)

    # One that needs what this machine has not is skipped, and says why.
    for path, command, _ in services:
        edit(root / path / "service.edn", ":gpu 0", ":gpu 1")
        run(root, "make", "sync", f"PKG={path}")
        told = run(root / path, *command, env={"GPU": "0"})
        assert re.search(r"skipped: needs 1 gpu, this machine has 0 \(GPU=", told), told
