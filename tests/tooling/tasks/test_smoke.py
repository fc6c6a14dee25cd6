"""A service or an app is proven alone: with what it declares, from its start to its end."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.system.errors import TaskError, UsageError
from monorepo.tasks import smoke

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]

SERVER = """\
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(STATUS if self.path == "/health" else 404)
        self.end_headers()
        self.wfile.write(BODY)
    def log_message(self, *words): pass

STATUS, BODY, CODE = 200, b'{"status": "ok"}', 0
signal.signal(signal.SIGTERM, lambda *_: os._exit(CODE))
"""
ASK = 'STATUS = int(os.environ["STATUS"])\n'
RUN = 'HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()\n'


@pytest.mark.slow
def test_a_good_service_is_proven(
    root: Path,
    package: MakePackage,
    groups: MakeGroups,
    write: Write,
    uv: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert uv.exists()
    package("shared/py/core")
    package("shared/py/helpers")
    package("services/py/api", "tiny-core", test=[])
    groups("services/py/api", test=["tiny-helpers"], docs=["nowhere"])
    run = 'test:\n\t@"$(VENV)/bin/python" -c "import tiny_core, tiny_helpers"\n'
    write(
        {
            "services/py/api/Makefile": run,
            "services/py/api/src/tiny_svc_api/main.py": f"import tiny_core\n{SERVER}{ASK}{RUN}",
            ".env": "STATUS=200\nPORT=1\n",
            "services/py/api/.env": "HOST=192.0.2.1\n",
        }
    )
    space = workspace.load(root)
    smoke.smoke(space, space.packages["services/py/api"])
    assert capfd.readouterr().err.endswith("smoke: services/py/api: ok\n")
    assert not (root / "services/py/api/.venv").exists()


def test_shared_packages_are_not_proven(root: Path, package: MakePackage) -> None:
    package("shared/py/core")
    space = workspace.load(root)
    with pytest.raises(UsageError, match="shared/py/core: is neither a service nor an app"):
        smoke.smoke(space, space.packages["shared/py/core"])


def test_a_service_has_something_to_start(root: Path, package: MakePackage) -> None:
    package("services/py/api")
    space = workspace.load(root)
    with pytest.raises(UsageError, match="services/py/api: has no src/"):
        smoke.smoke(space, space.packages["services/py/api"])


def test_an_app_has_a_command(root: Path, package: MakePackage) -> None:
    package("apps/py/cli")
    space = workspace.load(root)
    with pytest.raises(UsageError, match=r"^apps/py/cli/pyproject.toml: has no command; name one"):
        smoke.smoke(space, space.packages["apps/py/cli"])


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo tiny 1.0", None),
        ("echo 1.0 >&2", None),
        ("echo 2.0", "exit code 0, 2.0; expected 1.0"),
        ("exit 0", "exit code 0, no output; expected 1.0"),
        ("echo 1.0; exit 3", "exit code 3, 1.0; expected 1.0"),
        ("sleep 60", "did not end within 0 s"),
    ],
)
def test_a_command_tells_the_version_of_its_app(
    root: Path,
    package: MakePackage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    why: str | None,
) -> None:
    package("apps/py/cli")
    command = tmp_path / "tiny-cli"
    command.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {script}\n', encoding="utf-8")
    command.chmod(0o755)
    app = workspace.load(root).packages["apps/py/cli"]
    if why is None:
        smoke._tell_version(command, app, tmp_path)
        return
    if "within" in why:
        monkeypatch.setattr(smoke, "START_SECONDS", 0.2)
    with pytest.raises(TaskError, match=f"^smoke: tiny-cli --version: {why}"):
        smoke._tell_version(command, app, tmp_path)


def prove(folder: Path, code: str) -> None:
    with smoke._started([sys.executable, "-c", SERVER + code], folder, os.environ) as port:
        assert port is not None
        smoke._get_health(port)


def test_a_service_starts_answers_and_ends(tmp_path: Path) -> None:
    prove(tmp_path, RUN)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("sys.exit(4)", "ended with exit code 4 before it listened"),
        (f"STATUS = 503\n{RUN}", "GET /health: HTTP Error 503"),
        (f"BODY = b'fine'\n{RUN}", "GET /health: Expecting value"),
        (f"BODY = b'[]'\n{RUN}", r"GET /health: answered \[\]; expected an object"),
        (f"CODE = 5\n{RUN}", "ended with exit code 5 after SIGTERM; expected 0"),
    ],
)
def test_a_bad_service_is_told_of(tmp_path: Path, code: str, why: str) -> None:
    with pytest.raises(TaskError, match=f"^smoke: {why}"):
        prove(tmp_path, code)


@pytest.mark.parametrize("place", ["service.json", "src/tiny_svc_api/service.json"])
def test_a_configured_service_may_refuse_to_start(
    root: Path, package: MakePackage, write: Write, tmp_path: Path, place: str
) -> None:
    folder = package("services/py/api")
    space = workspace.load(root)
    api = space.packages["services/py/api"]

    def serves(code: str) -> bool:
        return smoke._serves(space, api, [sys.executable, "-c", SERVER + code], tmp_path)

    with pytest.raises(TaskError, match="exit code 0 before it listened"):
        serves("")
    write({f"{folder.relative_to(root)}/{place}": "{}"})
    assert not serves("")
    assert serves(RUN)
    with pytest.raises(TaskError, match="exit code 3 before it listened"):
        serves("sys.exit(3)")


def test_patience_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "START_SECONDS", 0.01)
    with pytest.raises(TaskError, match="nothing listens on port"):
        prove(tmp_path, "signal.pause()")
    monkeypatch.undo()
    monkeypatch.setattr(smoke, "STOP_SECONDS", 0.01)
    stubborn = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{RUN}"
    with pytest.raises(TaskError, match="did not end within"):
        prove(tmp_path, stubborn)


LOCK = """\
lockfileVersion: '9.0'

importers:

  .: {}

  services/js/web:
    dependencies:
      '@tiny/core':
        specifier: workspace:*
        version: link:../../../shared/js/core

  shared/js/core: {}

  shared/js/other: {}
"""


def test_a_javascript_service_is_deployed_first(
    javascript: Path,
    write: Write,
    pnpm: Callable[[str], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    told = json.dumps({"name": "@tiny/svc-web", "dependencies": {"@tiny/core": "workspace:*"}})
    # In place of programs that are not on each machine: a `deploy` that copies, a Node that runs
    # what is no JavaScript.
    program = '#!/bin/sh\necho pnpm "$@" >&2\nmkdir -p node_modules\n'
    program += '[ "$4" != deploy ] || cp -r services/js/web "$5"\n'
    write(
        {
            "services/js/web/package.json": told,
            "services/js/web/Makefile": "test build:\n\t@test -e ../../../shared/js/core\n",
            "services/js/web/dist/old.js": "",
            "services/js/web/code/main.js": SERVER + RUN,
            "shared/js/core/package.json": '{"name": "@tiny/core"}',
            "shared/js/core/node_modules/x/index.js": "",
            "shared/js/other/package.json": '{"name": "@tiny/other"}',
            "tools/make/js.mk": "",
            "pnpm-lock.yaml": LOCK,
            ".venv/bin/node": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        }
    )
    (javascript / ".venv/bin/node").chmod(0o755)
    program = program.replace("cp -r", "test ! -e services/js/web/dist && cp -r")
    pnpm(program + '[ "$4" != deploy ] || mv "$5/code" "$5/dist"\n')
    space = workspace.load(javascript)
    smoke.smoke(space, space.packages["services/js/web"])
    _, err = capfd.readouterr()
    assert "pnpm install --frozen-lockfile --filter @tiny/svc-web..." in err
    assert err.endswith("smoke: services/js/web: ok\n")
