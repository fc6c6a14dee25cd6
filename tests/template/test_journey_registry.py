"""What an npm registry in this machine is asked for, and what comes of other bytes than pinned."""

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from monorepo.programs import pnpm
from monorepo.system.subprocesses import SILENCE
from tests.examples import UNTIL
from tests.template.baking import changed, run
from tests.template.serving import Handler, Server, serving

pytestmark = pytest.mark.slow

WEB = "services/js/web/package.json"
# An exception comes before the table that it is in, as TOML allows.
ALLOW = f"""\
[[tool.monorepo.allow]]
rule = "sources"
path = "pnpm-lock.yaml"
reason = "a test"
until = {UNTIL}

[tool.monorepo]
"""
PNPM = ".venv/lib/node_modules/pnpm"


class Registry(Server):
    """A registry that has one version of each package it is given, and notes what it is asked."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        super().__init__(_Served)
        self.asked: list[str] = []
        self.packages: dict[str, tuple[str, bytes]] = {}
        # When an answer ends without being complete.
        self.hangs = ""
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{super().url}/"

    def add(self, name: str, version: str, **more: object) -> str:
        """Make a package that leaves a mark when a script of it is run; return its integrity."""
        mark = 'touch "$MARK"'
        told = {"name": name, "version": version, "scripts": {"postinstall": mark}, **more}
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, text in (
                ("package.json", json.dumps(told)),
                ("pnpm", f"#!/bin/sh\n{mark}\n"),
            ):
                member = tarfile.TarInfo(f"package/{path}")
                member.size, member.mode = len(text), 0o755
                archive.addfile(member, io.BytesIO(text.encode()))
        self.packages[name] = (version, buffer.getvalue())
        return _integrity(buffer.getvalue())


def _integrity(data: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


class _Served(Handler):
    server: Registry

    def do_GET(self) -> None:  # noqa: N802
        name, _, file = unquote(self.path.lstrip("/")).partition("/-/")
        self.server.asked.append(name)
        if self.server.hangs == "at once":
            self.server.ended.wait()
            self.close_connection = True
            return
        version, data = self.server.packages.get(name, ("", b""))
        body = data if file else b""
        if version and not file:
            tarball = f"{self.server.url}{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
            dist = {"tarball": tarball, "integrity": _integrity(data)}
            one = {"name": name, "version": version, "dist": dist}
            told = {"name": name, "dist-tags": {"latest": version}, "versions": {version: one}}
            body = json.dumps(told).encode()
        if self.server.hangs:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.flush()
            self.server.ended.wait()
            return
        kind = "application/octet-stream" if file else "application/json"
        self.answer(body, kind, 200 if body else 404)


@pytest.fixture
def registry() -> Iterator[Registry]:
    """Start a registry without any package."""
    server = Registry()
    with serving(server):
        yield server
        server.ended.set()


@pytest.fixture
def alone(registry: Registry, tmp_path: Path) -> dict[str, str]:
    """Return variables by which npm and pnpm know no other registry, and npm remembers nothing."""
    return {
        "npm_config_registry": registry.url,
        "pnpm_config_registry": registry.url,
        "npm_config_cache": str(tmp_path / "cache"),
        "MARK": str(tmp_path / "mark"),
    }


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (
            '"@acme/service": "*"',
            '@acme/service: * is requested from the registry; write "workspace:*"',
        ),
        ('"@acme/service": "^99.0.0"', "@acme/service: ^99.0.0 is requested from the registry"),
        (
            '"@acme/cor": "*"',
            "@acme/cor: is in the scope of this repository, but is not a package",
        ),
        ('"x": "npm:@acme/cor@1"', "@acme/cor: is in the scope of this repository"),
        ('"@acme/gone": "workspace:*"', "@acme/gone: is not a package here"),
    ],
)
def test_a_package_of_ours_is_asked_of_no_registry(
    ready: Path,
    registry: Registry,
    alone: dict[str, str],
    edited: Callable[[str, str, str], None],
    new: str,
    said: str,
) -> None:
    edited(WEB, '"@acme/service": "workspace:*"', new)
    for target in ("lock", "install", "lock-check"):
        told = run(ready, "make", target, env=alone, code=2)
        assert f"{WEB}:" in told
        assert target == "install" or said in told
    assert registry.asked == []


def test_another_pnpm_than_the_pinned_one_is_refused(
    ready: Path, registry: Registry, alone: dict[str, str]
) -> None:
    version = pnpm.pin(ready).version
    registry.add("pnpm", version)
    registry.add(pnpm.program_package(), version)
    shutil.rmtree(ready / PNPM)
    told = run(ready, "make", "install", env=alone, code=2)
    assert f"the registry serves another pnpm {version} than the one pinned" in told
    assert set(registry.asked) == {"pnpm", pnpm.program_package()}
    assert not Path(alone["MARK"]).exists()
    assert not (ready / PNPM).exists()
    run(ready, "make", "install")
    assert run(ready, ready / ".venv/bin/pnpm", "--version").strip() == version


@pytest.mark.parametrize("hangs", ["at once", "after the headers"])
def test_a_registry_that_hangs_is_given_up(
    ready: Path, registry: Registry, alone: dict[str, str], hangs: str
) -> None:
    registry.hangs = hangs
    shutil.rmtree(ready / "node_modules", ignore_errors=True)
    alone["pnpm_config_store_dir"] = f"{alone['npm_config_cache']}/store"
    if hangs == "at once":
        # It asks six times. What the user has set counts: a quarter of the time.
        alone["pnpm_config_fetch_timeout"] = "2000"
    told = run(ready, "make", "install", env=alone, code=2)
    assert registry.asked
    assert "\nWill retry in 5s. 0 retries left.\n" in told
    silent = "the registry does not answer as it should; try again when it does"
    assert f"\nmonorepo: install: node_modules: {silent}\n{ready / '.venv/bin/pnpm'} ins" in told
    run(ready, "make", "install")


@pytest.mark.parametrize("hangs", ["at once", "after the headers"])
def test_a_registry_that_hangs_has_no_pnpm(
    ready: Path, registry: Registry, alone: dict[str, str], hangs: str
) -> None:
    registry.hangs = hangs
    shutil.rmtree(ready / PNPM, ignore_errors=True)
    told = run(ready, "make", "install", env=alone, code=2)
    assert registry.asked
    assert "\nmonorepo: setup: npm could not fetch pnpm@" in told
    if hangs == "at once":
        assert f"\nsetup: pnpm: no answer for {SILENCE} s, still waiting\n" in told
    run(ready, "make", "install")


def test_what_a_branch_brought_is_gone_after_it(
    ready: Path,
    registry: Registry,
    alone: dict[str, str],
    edited: Callable[[str, str, str], None],
) -> None:
    name, lock = "fast-uri", "pnpm-lock.yaml"
    rows = (ready / lock).read_text(encoding="utf-8").splitlines()
    at = next(at for at, row in enumerate(rows) if row.startswith(f"  {name}@"))
    version = rows[at].strip(" :").rpartition("@")[2]
    there = ready / f"node_modules/.pnpm/{name}@{version}/node_modules/{name}/package.json"
    then = there.read_bytes()
    evil = registry.add(name, version)
    tarball = f"{registry.url}{name}/-/{name}-{version}.tgz"
    edited(lock, rows[at + 1], f"    resolution: {{integrity: {evil}, tarball: {tarball}}}")
    assert "comes from a tarball" in run(ready, "make", "guard", "RULE=sources", code=2)
    told = run(ready, "make", "install", env=alone, code=2)
    assert f"pnpm-lock.yaml:{at + 2}: {name}@{version} comes from a tarball, not from" in told
    assert registry.asked == []
    # Somebody may have allowed it.
    edited("pyproject.toml", "[tool.monorepo]\n", ALLOW)
    run(ready, "make", "install", code=2)
    assert registry.asked == [name]
    assert not Path(alone["MARK"]).exists()
    run(ready, "git", "checkout", "--quiet", ".")
    run(ready, "make", "install")
    assert there.read_bytes() == then


def test_half_of_an_installation_on_another_branch(ready: Path) -> None:
    # A branch without the dependency; its installation ends in the middle, as if it were killed.
    link = ready / "services/js/web/node_modules/@acme/service"
    (ready / "node_modules/monorepo.json").unlink()
    link.unlink()
    run(ready, "make", "install")
    assert link.exists()
    shutil.rmtree(ready / "node_modules/typescript/lib", ignore_errors=True)
    shutil.rmtree(next((ready / "node_modules/.pnpm").glob("fastify@*")))
    run(ready, "make", "type-check", "PKG=services/js/web")
    assert run(ready, "make", "install") == ""


def test_scripts_and_hooks_of_a_branch_are_not_run(
    ready: Path, edited: Callable[[str, str, str], None], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    hook = ready / ".pnpmfile.cjs"
    hook.write_text(f"require('fs').writeFileSync({json.dumps(str(mark))}, '')\n", encoding="utf-8")
    scripts = dict.fromkeys(("pnpm:devPreinstall", "postinstall", "prepare"), f"touch '{mark}'")
    edited("package.json", '"type"', f'"scripts": {json.dumps(scripts)},\n  "type"')
    inside = json.dumps(scripts)[1:-1]
    edited("shared/js/core/package.json", '"scripts": {', f'"scripts": {{ {inside},')
    shutil.rmtree(ready / "node_modules")
    run(ready, "make", "install")
    run(ready, "make", "lock-check")
    told = run(ready, "make", "guard", "RULE=sources", code=2)
    assert told.count("is run by whoever installs") == 6
    assert ".pnpmfile.cjs: sources.code: is code that pnpm runs" in told
    assert not mark.exists()
    hook.unlink()


def test_a_folder_of_the_team_is_a_member_like_others(ready: Path) -> None:
    settings = ready / "pnpm-workspace.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("packages:\n", "packages:\n  - apps/*\n", 1), "utf-8")
    app = ready / "apps/shop/package.json"
    app.parent.mkdir(parents=True)
    asked = {"@acme/core": "workspace:*", "fastify": "catalog:"}
    told = {"name": "@acme/shop", "private": True, "dependencies": asked}
    app.write_text(json.dumps(told), encoding="utf-8")
    said = run(ready, "make", "lock-check", code=2)
    assert "apps/shop/package.json:1: pnpm-lock.yaml lacks apps/shop; run make lock" in said
    run(ready, "make", "lock")
    run(ready, "make", "lock-check", "install")
    assert (app.parent / "node_modules/@acme/core/package.json").exists()
    shutil.rmtree(app.parent.parent)
    settings.write_text(text, encoding="utf-8")
    run(ready, "make", "lock")
    assert changed(ready) == ""
