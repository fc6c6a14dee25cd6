"""Apps, from `make new` to what their users get: a command line, and a page in a browser."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from monorepo.core.languages import AREAS
from tests.template.baking import bake, changed, commit, edit, environment, run

pytestmark = pytest.mark.slow

PROGRAM, SITE, SHOP = "apps/py/report", "apps/js/site", "apps/js/shop"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with both kinds of apps and two services, installed and committed."""
    packages = f"shared/js/core {PROGRAM} {SITE} services/py/api services/js/web"
    root = bake(tmp_path_factory.mktemp("apps ü"), packages=packages)
    run(root, "make", "install")
    commit(root)
    return root


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def root(apps: Path) -> Iterator[Path]:
    """Return that monorepo; afterwards, all is as it was committed."""
    yield apps
    run(apps, "git", "reset", "--quiet", "--hard")
    run(apps, "git", "clean", "-fdq", "shared", "services", "apps")
    # What git ignores, a failed test has left.
    shutil.rmtree(apps / SHOP, ignore_errors=True)


def test_all_is_green_and_each_is_proven_alone(root: Path) -> None:
    run(root, "make", "lint", "type-check", "guard", "build", "lock-check")
    run(root, "make", "test", f"PKG={PROGRAM} {SITE}")
    assert (root / SITE / "dist/index.html").is_file()
    assert list((root / PROGRAM / "dist").glob("*.whl"))
    # In CI, nox fails if this machine lacks one of the Pythons.
    words = ("-t", "proof", "-k", "apps", "--no-error-on-missing-interpreters")
    said = run(root, root / ".venv/bin/nox", *words)
    assert "failed" not in said
    assert f"* smoke({SITE}): success" in said
    assert f"* test-lowest({PROGRAM}): success" in said
    assert changed(root) == ""


def test_a_command_runs_from_anywhere_and_is_bundled(root: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("two words", encoding="utf-8")
    command = (root / "run", "--package", PROGRAM, "acme-report", "text")
    assert run(tmp_path, *command) == "2\ttext\n"
    # Without PKG, browser apps are left out: they are files.
    said = run(root, "make", "bundle", "PKG=-services/js/web -services/py/api")
    assert f"bundled {PROGRAM}/build/bundle\n" in said
    wanted = ("acme-app-report", "--no-index", "--target", tmp_path / "there")
    folders = [f"--find-links={part}" for part in ("third-party", "internal", "app")]
    bundle = root / PROGRAM / "build/bundle"
    run(bundle, root / ".venv/bin/pip", "install", "--quiet", *wanted, *folders)
    assert (tmp_path / "there/bin/acme-report").exists()
    said = run(root, "make", "bundle", f"PKG={SITE}", code=2)
    assert f"monorepo: {SITE}: is for browsers: make build writes all of it to dist" in said


def test_a_command_that_tells_no_version_is_not_proven(root: Path) -> None:
    edit(root / f"{PROGRAM}/src/acme_app_report/cli.py", 'action="version", version=', "default=")
    said = run(root / PROGRAM, "make", "smoke", code=2)
    assert "test_it_tells_its_version" in said


def test_apps_come_and_go(root: Path) -> None:
    said = run(root, "make", "new", f"AT={SHOP}", "DEPS=shared/js/core", "SET=title='<b>Shop'")
    assert f"added {SHOP}" in said
    manifest = json.loads((root / SHOP / "package.json").read_text(encoding="utf-8"))
    assert manifest["monorepo"]["port"] == 5174
    assert manifest["dependencies"]["@acme/core"] == "workspace:*"
    assert "<title>&lt;b&gt;Shop</title>" in (root / SHOP / "index.html").read_text("utf-8")
    assert 'services: string[] = ["api", "web"];' in (root / SHOP / "vite.config.ts").read_text()
    # Shared sources are read without a build.
    edit(root / f"{SHOP}/src/App.tsx", "import {", 'import { chunks } from "@acme/core";\nimport {')
    edit(root / f"{SHOP}/src/App.tsx", "<main>", '<main>\n<p>{[...chunks("abc", 2)].join("|")}</p>')
    run(root, "make", "format", "lint", "type-check", "guard")
    run(root, "make", "clean")
    run(root, "make", "build", "smoke", f"PKG={SHOP}")
    assert not (root / "shared/js/core/dist").exists()
    built = "".join(path.read_text("utf-8") for path in (root / SHOP / "dist").rglob("*.js"))
    assert "size must be 1 or more" in built
    run(root, "make", "new", "AT=apps/py/worker", "DEPS=shared/py/service")
    run(root, "make", "check", "smoke", "PKG=apps/py/worker")
    said = run(root, "make", "new", "AT=apps/py/other", f"DEPS={PROGRAM}", code=2)
    assert f"DEPS='{PROGRAM}': is an app; name a shared package" in said
    run(root, "make", "remove", f"AT={SHOP}")
    run(root, "make", "remove", "AT=apps/py/worker")
    assert changed(root) == ""


def test_packages_without_examples(root: Path) -> None:
    bare = [f"{area}/bare" for area in AREAS]
    for path in bare:
        run(root, "make", "new", f"AT={path}", "EXAMPLE=0")
    # As somebody deletes an example.
    run(root, "make", "new", "AT=shared/py/full", "EXAMPLE=1")
    for name in ("src/acme_full/retries.py", "tests/unit", "tests/contract"):
        run(root / "shared/py/full", "rm", "-r", name)
    text = (root / "shared/py/bare/src/acme_bare/__init__.py").read_text(encoding="utf-8")
    (root / "shared/py/full/src/acme_full/__init__.py").write_text(text, encoding="utf-8")
    all_of_them = f"PKG=shared/py/full {' '.join(bare)}"
    run(root, "make", "lint", "type-check", "guard", "build", "test-coverage", all_of_them)
    run(root, "git", "add", ".")
    run(root, "make", "format", "lock-check")
    assert run(root, "git", "diff") == ""
    sessions = [f"{task}(shared/py/bare)" for task in ("lint", "type-check", "test-3.11", "build")]
    run(root, root / ".venv/bin/nox", "-s", *sessions)


def test_browsers_and_node_do_not_see_each_other(root: Path) -> None:
    core, app = "shared/js/core/src/index.ts", f"{SITE}/src/App.tsx"
    with (root / core).open("a", encoding="utf-8") as file:
        file.write("export const title = document.title;\n")
    said = run(root, "make", "type-check", code=2)
    assert re.search(rf"{core}\(\d+,22\): error TS2584", said)
    run(root, "git", "checkout", "--quiet", core)
    edit(root / app, "document.title", "process.title")
    for folder in (root, root / SITE):
        said = run(folder, "make", "type-check", code=2)
        assert re.search(r"App.tsx\(\d+,12\): error TS2591", said)


BROWSER_PROGRAM = """\
{
  "extends": "../../../tsconfig.browser.json",
  "compilerOptions": {
    "composite": true,
    "rootDir": "src",
    "outDir": "dist",
    "tsBuildInfoFile": "dist/.tsbuildinfo-browser"
  },
  "include": [
    "src/browser.ts"
  ]
}
"""


def test_a_package_has_code_for_browsers_beside_other_code(root: Path) -> None:
    core = root / "shared/js/core"
    (core / "src/browser.ts").write_text(
        "/** Return the title of the page. */\nexport const title = (): string => document.title;\n"
    )
    said = run(root, "make", "guard", "RULE=drift", code=2)
    assert "write shared/js/core/tsconfig.browser.json" in said
    (core / "tsconfig.browser.json").write_text(BROWSER_PROGRAM, encoding="utf-8")
    edit(
        core / "tsconfig.json",
        '    "tests"\n  ]',
        '    "tests"\n  ],\n  "exclude": [\n    "src/browser.ts"\n  ]',
    )
    edit(
        core / "tsconfig.build.json",
        '    "src"\n  ],\n  "references": []',
        (
            '    "src"\n  ],\n  "exclude": [\n    "src/browser.ts"\n  ],\n  "references": [\n'
            '    {\n      "path": "./tsconfig.browser.json"\n    }\n  ]'
        ),
    )
    manifest = json.loads((core / "package.json").read_text(encoding="utf-8"))
    built = {"types": "./dist/browser.d.ts", "default": "./dist/browser.js"}
    manifest["exports"]["./browser"] = {"source": "./src/browser.ts", **built}
    manifest["publishConfig"]["exports"]["./browser"] = built
    (core / "package.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    app = root / SITE / "package.json"
    edit(root / f"{SITE}/package.json", '"react":', '"@acme/core": "workspace:*",\n    "react":')
    edit(
        root / f"{SITE}/src/App.tsx",
        "import {",
        'import { title } from "@acme/core/browser";\nimport {',
    )
    edit(root / f"{SITE}/src/App.tsx", "{document.title}", "{title()}")
    run(root, "make", "lock", "format")
    run(root, "make", "check", "build", "smoke", f"PKG={SITE} shared/js/core")
    run(root, "make", "type-check", "guard")
    assert (core / "dist/browser.d.ts").exists()
    assert app.exists()
    # A mistake in it is found, at the root and in the package.
    edit(core / "src/browser.ts", "document.title", "document.titel")
    for folder in (root, core):
        assert "browser.ts(2,45): error TS2551" in run(folder, "make", "type-check", code=2)


def get(url: str) -> str:
    """Return what is at an address, once it is there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with OPENER.open(url, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextlib.contextmanager
def developing(root: Path, *packages: str) -> Iterator[None]:
    """Run `make dev`."""
    log = root / ".git/dev.log"
    with log.open("w") as out:
        command = ["make", "dev", f"PKG={' '.join(packages)}"]
        env = environment()
        process = subprocess.Popen(command, cwd=root, env=env, stdout=out, stderr=out)
        try:
            yield
        except Exception as error:
            raise AssertionError(log.read_text(encoding="utf-8")) from error
        finally:
            run(root, "make", "stop")
            assert process.wait(30) == 0


def test_in_development_changes_are_seen_and_services_are_reached(root: Path) -> None:
    ports = {"services/py/api": 8421, SITE: 8423}
    for path, port in ports.items():
        (root / path / ".env").write_text(f"PORT={port}\n", encoding="utf-8")
    try:
        with developing(root, *ports):
            page = f"http://127.0.0.1:{ports[SITE]}"
            assert 'src="/src/main.tsx"' in get(page)
            assert json.loads(get(f"{page}/api/health"))["name"] == "acme-svc-api"
            assert '"h"' in get(f"{page}/src/duration.ts")
            edit(root / f"{SITE}/src/duration.ts", '"h"', '"hours"')
            deadline = time.monotonic() + 30
            while '"hours"' not in get(f"{page}/src/duration.ts"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
        with pytest.raises(OSError, match="refused"):
            OPENER.open(page, timeout=10)
    finally:
        for path in ports:
            (root / path / ".env").unlink()


def browser() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.mark.skipif(browser() is None, reason="needs Chromium")
def test_a_journey_sees_what_a_person_sees(root: Path) -> None:
    assert "skipped 0" in run(root / SITE, "make", "test")
    edit(root / f"{SITE}/src/App.tsx", "{duration(seconds)}", "{seconds}")
    assert "Timeout 30000ms exceeded" in run(root / SITE, "make", "test", code=2)
    # The build is what the smoke test looks at.
    run(root, "git", "checkout", "--quiet", ".")
    edit(root / f"{SITE}/src/main.tsx", "<App />", "{import.meta.env.PROD ? null : <App />}")
    run(root / SITE, "make", "test")
    assert "journey.test.ts" in run(root / SITE, "make", "smoke", code=2)


def test_a_journey_without_a_browser_is_skipped_and_says_why(root: Path) -> None:
    tools = root / ".venv/bin"
    path = f"{tools}:{root / 'node_modules/.bin'}"
    command = (tools / "node", "--conditions=source", "--test", "tests/journey.test.ts")
    home = {"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"}
    said = run(root / SITE, *command, env={"PATH": path, "CHROMIUM": "", **home})
    assert "# needs Chromium on the PATH, or CHROMIUM=path/to/it" in said
    assert "skipped 1" in said


def test_a_repository_has_no_trace_of_apps_and_of_javascript_until_it_gets_one(
    tmp_path: Path,
) -> None:
    root = bake(tmp_path, packages="shared/py/core")
    for word in (r"apps?/", r"\bapps?\b", "browser app", r"\bvite\b", "react"):
        run(
            root,
            "git",
            "grep",
            "--no-index",
            "-qiE",
            word,
            "--",
            ":!*.whl",
            ":!docs/recipes.md",
            code=1,
        )
    said = run(root, "make", "new", f"AT={PROGRAM}", code=2)
    assert "git has no commit of it; commit everything first" in said
    commit(root)
    said = run(root, "make", "new", f"AT={PROGRAM}", "DEPS=shared/py/nope", code=2)
    assert "DEPS='shared/py/nope': is not a package here" in said
    assert changed(root) == ""
    said = run(root, "make", "new", f"AT={PROGRAM}", "DRY_RUN=1")
    assert "tools/make/apps-py.mk" in said
    assert changed(root) == ""
    said = run(root, "make", "new", f"AT={PROGRAM}", "DEPS=shared/py/core")
    assert f"added {PROGRAM}\n" in said
    run(root, "make", "check", "smoke", f"PKG={PROGRAM}")
    run(root, "make", "guard", "lock-check")
    commit(root)
    run(root, "make", "new", f"AT={SITE}")
    run(root, "make", "check", "build", "smoke", f"PKG={SITE}")
    run(root, "make", "guard", "lock-check")
    # It is the same as if it had been asked for at first.
    other = bake(make(tmp_path / "other"), packages=f"shared/py/core {PROGRAM} {SITE}")
    commit(root)
    commit(other)
    run(root, "git", "fetch", "--quiet", other, "HEAD")
    # Locks may have newer versions, and the program has its dependency.
    locks = ("constraints.txt", "tools/hashes.txt", "tools/lowest.txt", "*pnpm-lock.yaml")
    without = (f":!{path}" for path in (*locks, f"{PROGRAM}/pyproject.toml"))
    assert run(root, "git", "diff", "FETCH_HEAD", "HEAD", "--", ".", *without) == ""
    # A bad path changes nothing.
    before = changed(root)
    assert "is not a name" in run(root, "make", "new", "AT=services/py/Api", code=2)
    assert changed(root) == before


def test_each_command_line_is_a_uv_project(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=f"shared/py/core {PROGRAM}", python_env="uv")
    commit(root)
    run(root, "make", "check", "smoke", "lock-check")
    assert (root / PROGRAM / "uv.lock").exists()
    run(root, root / ".venv/bin/uv", "sync", "--project", PROGRAM, "--frozen")
    assert run(root / PROGRAM, ".venv/bin/acme-report", "--version") == "0.1.0\n"
    run(root, "make", "env", "TO=per-package")
    run(root, "make", "check", "smoke")
    assert not (root / PROGRAM / "uv.lock").exists()


PLAIN = {
    "cookiecutter.json": '{ "_port": 5200 }',
    "{{cookiecutter.name}}/Makefile": "include ../../../tools/make/apps-js.mk\n",
    "{{cookiecutter.name}}/README.md": "# Plain\n",
    "{{cookiecutter.name}}/package.json": """\
{
  "name": "{{ cookiecutter.npm_name }}",
  "version": "0.1.0",
  "private": true,
  "type": "module",
  "scripts": {
    "build": "rm -rf dist && tsc --noEmit false --outDir dist && cp index.html dist/",
    "dev": "echo listens on $PORT, finds $API_URL && exec sleep 600"
  },
  "devDependencies": {
    "@types/node": "catalog:",
    "typescript": "catalog:"
  },
  "monorepo": {
    "port": {{ cookiecutter.port }}
  }
}
""",
    "{{cookiecutter.name}}/index.html": '<script type="module" src="main.js"></script>\n',
    "{{cookiecutter.name}}/src/main.ts": 'document.title = "plain";\n',
    "{{cookiecutter.name}}/tests/main.test.ts": """\
import assert from "node:assert/strict";
import test from "node:test";

const url = process.env.APP_URL;

test("the page is served", { skip: url === undefined && "make smoke serves it" }, async () => {
  assert.match(await (await fetch(`${url}main.js`)).text(), /plain/);
});

test("one runs anywhere", () => {});
""",
    "{{cookiecutter.name}}/tests/tsconfig.json": """\
{
  "extends": "../../../../tsconfig.base.json",
  "compilerOptions": {
    "noEmit": true
  },
  "include": [
    "."
  ]
}
""",
    "{{cookiecutter.name}}/tsconfig.json": """\
{
  "extends": "../../../tsconfig.browser.json",
  "compilerOptions": {
    "noEmit": true,
    "rootDir": "src"
  },
  "include": [
    "src"
  ]
}
""",
}


def test_another_kind_of_browser_app(root: Path) -> None:
    noxfile = (root / SITE / "noxfile.py").read_text(encoding="utf-8")
    for name, text in {**PLAIN, "{{cookiecutter.name}}/noxfile.py": noxfile}.items():
        file = root / "tools/templates/plain" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    try:
        run(root, "make", "lock")
        run(root, "make", "new", f"AT={SHOP}", "TEMPLATE=plain")
        run(root, "make", "check", "build", "smoke", f"PKG={SHOP}")
        run(root, "make", "guard", "lock-check")
        log = root / ".git/dev.log"
        with developing(root, SHOP):
            deadline = time.monotonic() + 60
            while "listens on 5200, finds http://127.0.0.1:8000" not in log.read_text("utf-8"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
        # A page that loads what was not built.
        edit(root / f"{SHOP}/index.html", "main.js", "mane.js")
        said = run(root / SHOP, "make", "smoke", code=2)
        assert "smoke: GET /mane.js: HTTP Error 404" in said
    finally:
        shutil.rmtree(root / "tools/templates")
