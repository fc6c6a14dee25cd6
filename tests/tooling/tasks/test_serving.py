"""A service in development: its settings, its port, and a new start when its code changes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.programs import process_marks
from monorepo.system.errors import UsageError
from monorepo.tasks import fan_out, serving

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]

SERVICE = """\
import os, signal, time
print("port", os.environ["PORT"], flush=True)
while True:
    time.sleep(600)
"""


@pytest.fixture
def service(root: Path, package: MakePackage, write: Write) -> Path:
    """Make a service that needs a package, beside another package."""
    package("shared/py/core")
    package("shared/py/other")
    folder = package("services/py/api", "tiny-core")
    manifest = (folder / "pyproject.toml").read_text(encoding="utf-8")
    write({"services/py/api/pyproject.toml": f"{manifest}[tool.monorepo]\nport = 8123\n"})
    return root


def serve(
    root: Path, code: str, path: str = "services/py/api", *options: str, **more: str
) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "monorepo", "--root", str(root), "serve", *options, path]
    unset = ("PORT", "HOST", process_marks.VARIABLE)
    return subprocess.Popen(
        [*command, sys.executable, "-c", code],
        env={name: value for name, value in os.environ.items() if name not in unset} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def served(service: Path) -> Iterator["subprocess.Popen[str]"]:
    with serve(service, SERVICE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "port 8123\n"
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_the_nearer_setting_wins(
    service: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PORT", "A", "B", "C"):
        monkeypatch.delenv(name, raising=False)
    space = workspace.load(service)
    package = space.packages["services/py/api"]
    assert serving.environment(space, package)["PORT"] == "8123"
    write({".env": "A=root\nB=root\nC=root\nPORT=1\n", "services/py/api/.env": "B=own\nC=own\n"})
    monkeypatch.setenv("C", "real")
    found = serving.environment(space, package)
    assert [found[name] for name in ("A", "B", "C", "PORT")] == ["root", "own", "real", "8123"]
    write({"services/py/api/.env": "PORT=2\n"})
    assert serving.environment(space, package)["PORT"] == "2"
    monkeypatch.setenv("PORT", "3")
    assert serving.environment(space, package)["PORT"] == "3"


def test_a_service_knows_where_the_others_are(
    root: Path, package: MakePackage, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_URL", "MY_WEB_URL", "TWICE_URL", "HOST"):
        monkeypatch.delenv(name, raising=False)
    for port, path in enumerate(("py/api", "py/my-web", "py/twice", "js/twice"), start=8001):
        folder = package(f"services/{path}")
        if path.startswith("py"):
            manifest = (folder / "pyproject.toml").read_text(encoding="utf-8")
            text = f"{manifest}[tool.monorepo]\nport = {port}\n"
            write({f"services/{path}/pyproject.toml": text})
        else:
            name = '"name": "@tiny/svc-twice", "version": "1.0.0"'
            text = f'{{{name}, "monorepo": {{"port": {port}}}}}'
            write({f"services/{path}/package.json": text})
    space = workspace.load(root)

    def found(path: str) -> dict[str, str]:
        every = serving.environment(space, space.packages[path])
        return {name: value for name, value in every.items() if name.endswith("_URL")}

    web = {"MY_WEB_URL": "http://127.0.0.1:8002"}
    # Its own is not among them, and neither is one of a name that two have.
    assert found("services/py/api").items() >= web.items()
    assert not {"API_URL", "TWICE_URL"} & {*found("services/py/api")}
    # One of two is the other one.
    assert found("services/py/twice")["TWICE_URL"] == "http://127.0.0.1:8004"
    write({"services/py/api/.env": "PORT=9000\n", "services/py/my-web/.env": "not a setting\n"})
    assert found("services/py/twice") | web == found("services/py/twice")
    assert found("services/py/twice")["API_URL"] == "http://127.0.0.1:9000"
    monkeypatch.setenv("HOST", "::1")
    assert found("services/py/twice")["API_URL"] == "http://[::1]:9000"
    monkeypatch.setenv("HOST", "0.0.0.0")
    assert found("services/py/twice")["API_URL"] == "http://127.0.0.1:9000"
    monkeypatch.setenv("API_URL", "https://api.example.com")
    assert found("services/py/twice")["API_URL"] == "https://api.example.com"


@pytest.mark.parametrize(("given", "found"), [("", "true"), ("false", "false")])
def test_documentation_is_there_in_development(service: Path, given: str, found: str) -> None:
    code = "import os, time; print(os.environ['DOCS'], flush=True); time.sleep(600)"
    with serve(service, code, DOCS=given) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == f"{found}\n"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_what_ends_by_itself_has_its_settings_and_needs_no_port(
    service: Path, write: Write
) -> None:
    write({"services/py/api/.env": "DATABASE_URL=sqlite:///x\n"})
    code = "import os, sys; print(os.environ['DATABASE_URL']); sys.exit(3)"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serve(service, code, "services/py/api", "--once", PORT=port) as once:
            assert once.communicate(timeout=60) == ("sqlite:///x\n", "")
            assert once.returncode == 3
        with serve(service, code, PORT=port) as process:
            assert f"port {port} is taken" in process.communicate(timeout=60)[1]
            assert process.returncode == 2


def test_other_services_are_where_their_manifests_say(
    service: Path, package: MakePackage, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_URL", "MY_WEB_URL", "CLI_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    manifest = {"name": "@tiny/svc-my-web", "monorepo": {"port": 3001}}
    write({"services/js/my-web/package.json": json.dumps(manifest)})
    write({"apps/js/site/package.json": json.dumps({"name": "s", "monorepo": {"port": 5173}})})
    space = workspace.load(service)
    site = space.packages["apps/js/site"]
    found = serving.environment(space, site)
    assert (found["PORT"], "SITE_URL" in found) == ("5173", False)
    assert found["API_URL"] == "http://127.0.0.1:8123"
    assert found["MY_WEB_URL"] == "http://127.0.0.1:3001"
    # Where they really are, and where somebody says that they are.
    write({"services/py/api/.env": "PORT=9000\n", ".env": "MY_WEB_URL=https://web.test\n"})
    found = serving.environment(space, site)
    assert found["API_URL"] == "http://127.0.0.1:9000"
    assert found["MY_WEB_URL"] == "https://web.test"


def test_a_port_is_taken_or_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with pytest.raises(UsageError, match=f"^a: port {port} is taken on 127.0.0.1; "):
            serving.hold_ports({"a": {"PORT": port}})
        with pytest.raises(UsageError, match=f"^a: port {port} is taken on 0.0.0.0; "):
            serving.hold_ports({"a": {"PORT": port, "HOST": "0.0.0.0"}})
    serving.hold_ports({"a": {"PORT": port}})
    # What the service itself has a better sentence for, or takes as any free port.
    for odd in ("", "0", "x", "65536", "²"):
        serving.hold_ports({"a": {"PORT": odd}, "b": {"PORT": odd}})
    serving.hold_ports({"a": {"PORT": port, "HOST": "no such host"}, "b": {}})


@pytest.mark.parametrize("path", ["services/py/api", "shared/py/core"])
def test_it_starts_anew_when_its_code_changes(
    service: Path, served: "subprocess.Popen[str]", write: Write, path: str
) -> None:
    assert served.stdout
    write({f"{path}/src/new.py": ""})
    assert served.stdout.readline() == "port 8123\n"
    (service / path / "src/new.py").unlink()
    assert served.stdout.readline() == "port 8123\n"
    served.terminate()
    assert served.wait() == 0
    assert served.stderr
    line = "services/py/api: code has changed, restarting\n"
    assert served.stderr.read() == 2 * line


def test_what_it_does_not_need_is_not_looked_at(
    service: Path, served: object, write: Write
) -> None:
    space = workspace.load(service)
    folders = [service / path / "src" for path in space.closure({"services/py/api": ()})]
    seen = serving._sources(folders)
    write({"shared/py/other/src/new.py": "", "services/py/api/tests/new.py": ""})
    write({"services/py/api/src/new.txt": ""})
    assert serving._sources(folders) == seen


def test_a_service_that_ends_starts_again_with_a_change(service: Path, write: Write) -> None:
    with serve(service, "print('up', flush=True); raise SystemExit(3)") as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "up\n"
        said = "services/py/api: ended with exit code 3; waiting for a change\n"
        assert process.stderr.readline() == said
        write({"services/py/api/src/new.py": ""})
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_a_service_that_does_not_end_is_killed_when_told_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without the second interruption, this test would take an hour.
    monkeypatch.setattr(serving, "_GRACE", 3600.0)
    # What is ignored here is ignored by what is started here.
    kept = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    alarm = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            with serving._running(["sleep", "3600"], os.environ) as process:
                signal.setitimer(signal.ITIMER_REAL, 0.5)
        assert process.returncode == -signal.SIGKILL
    finally:
        signal.signal(signal.SIGTERM, kept)
        signal.signal(signal.SIGALRM, alarm)


def test_stop_ends_a_single_service_too(service: Path, served: "subprocess.Popen[str]") -> None:
    # Killed, so that it could not end the service itself.
    served.kill()
    served.wait()
    assert served.stdout
    assert fan_out.stop(service) == "stopped"
    assert served.stdout.read() == ""
    assert fan_out.stop(service) == "nothing runs"


def test_node_takes_the_place_of_the_tooling(javascript: Path, write: Write) -> None:
    manifest = '{"name": "@tiny/svc-web", "monorepo": {"port": 3123}}'
    write({"services/js/web/package.json": manifest, ".env": "A='a b'\n"})
    code = "import os; print(os.getpid(), os.environ['PORT'], os.environ['A'])"
    with serve(javascript, code, "services/js/web") as process:
        out, said = process.communicate()
    assert (out, said) == (f"{process.pid} 3123 a b\n", "")


def test_a_taken_port_is_one_line(service: Path, write: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        write({"services/py/api/.env": f"PORT={port}\n", ".env": "PORT=1\n"})
        with serve(service, SERVICE) as process:
            out, said = process.communicate()
    left_out = "monorepo: .env: PORT applies to one service and is ignored; set it in its own .env"
    taken = f"port {port} is taken on 127.0.0.1; stop what listens there, or set PORT"
    assert (process.returncode, out) == (2, "")
    assert said == f"{left_out}\nmonorepo: services/py/api: {taken}\n"
