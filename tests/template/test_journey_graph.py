"""The graph of a monorepo: its page in a browser, and what may point back in it."""

import gzip
import json
import os
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from monorepo.core import languages, workspace
from monorepo.core.languages import AREAS, Language
from monorepo.core.workspace import SHARED, UV
from monorepo.graph import page as graph_page
from monorepo.graph.view import view
from tests.template import chromium
from tests.template.baking import bake, commit, edit, run
from tests.template.chromium import Page

pytestmark = pytest.mark.slow

PY, JS = "shared/py", "shared/js"
SHOWN = "document.querySelectorAll('#graph .node').length"
DETAILS = "document.querySelector('#details').innerText"
STATUS = "document.querySelector('#status').textContent"
BOX = "document.querySelector('#graph svg').getAttribute('viewBox').split(' ').map(Number)"


@pytest.fixture
def page(installed: Path, tmp_path: Path) -> Iterator[Page]:
    profile = tmp_path / "profile"
    profile.mkdir()
    with Page(chromium.program(installed / ".venv/bin"), profile) as page:
        yield page


def shown(page: Page, file: Path) -> None:
    """Open a page and wait for its graph; it asks nobody for anything, and nothing is wrong."""
    page.open(file)
    page.until("document.querySelector('#graph').dataset.drawn")
    asked = [
        event["params"]["request"]["url"]
        for event in page.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [file.as_uri()]
    wrong = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
    assert not [event for event in page.events if event["method"] in wrong]


def node(page: Page, name: str) -> str:
    """Return the selector of what is drawn with a name."""
    found = page.js(
        f"[...document.querySelectorAll('#graph .node')]"
        f".find((one) => one.getAttribute('aria-label') === {json.dumps(name)})?.id"
    )
    assert found, name
    return f"#{found}"


def test_the_page_of_a_new_monorepo(root: Path, tmp_path: Path, page: Page) -> None:
    notes = root / "shared/py/notes/src/acme_notes/__init__.py"
    notes.write_text(f"{notes.read_text(encoding='utf-8')}# Changed.\n", encoding="utf-8")
    file = tmp_path / "graph.html"
    # Nothing is installed here: the engine is in its wheel.
    said = run(root, "make", "graph", "FORMAT=html", "BASE=HEAD", f"OUT={file}")
    assert said == f"wrote {file}\n"
    shown(page, file)
    packages = workspace.load(root).packages
    assert page.js(SHOWN) == len(packages) == 8
    assert page.js(STATUS) == "8 packages"
    assert page.js("document.title") == "Acme Platform: package graph"
    assert page.buttons() >= {*packages}
    picture = page.picture("graph-small", tmp_path).read_bytes()
    assert struct.unpack(">II", picture[16:24])[0] == 1400

    # What has changed, and what that affects, is marked.
    marked = "[...document.querySelectorAll('#graph .node.affected')].map((one) => one.id)"
    both = [node(page, "shared/py/notes"), node(page, "services/py/api")]
    assert {f"#{name}" for name in page.js(marked)} == {*both}

    # A click selects, and shows details.
    page.click(both[1])
    told = page.js(DETAILS)
    assert told.startswith("services/py/api\n")
    assert "services/py/api ← shared/py/notes ← shared/py/notes/src/acme_notes/__init__.py" in told
    assert "shared/py/service[fastapi]" in told
    near = "[...document.querySelectorAll('#graph .node.near')].length"
    assert page.js(near) == 3
    page.click("#graph svg")
    assert page.js(DETAILS).startswith("Select a package.")

    # So does the keyboard.
    page.js(f"document.querySelector({json.dumps(node(page, 'services/js/web'))}).focus()")
    page.press("Enter")
    assert page.js(DETAILS).startswith("services/js/web\n")
    page.press("Escape")
    assert page.js(DETAILS).startswith("Select a package.")
    x = page.js(BOX)[0]
    page.press("ArrowRight")
    assert page.js(BOX)[0] > x
    page.press("0")
    assert page.js(BOX)[0] == x

    # Drag, wheel, and the buttons.
    page.drag((700, 700), (600, 650))
    moved = page.js(BOX)
    assert moved[0] > x
    page.wheel((700, 400), -300)
    page.until(f"({BOX})[2] < {moved[2]}")
    page.click("#fit")
    assert page.js(BOX)[0] == x

    # Search, and go to what is found.
    page.press("/")
    page.write("acme_svc_api")
    assert page.js("[...document.querySelectorAll('#list li button')].map((b) => b.title)") == [
        "services/py/api"
    ]
    page.press("Enter")
    assert page.js(DETAILS).startswith("services/py/api\n")
    page.js("document.querySelector('#search').value = ''")

    # Filters.
    with page.drawing():
        page.click("#related")
    assert page.js(SHOWN) == 3
    with page.drawing():
        page.click("#related")
    with page.drawing():
        page.click("#languages label:nth-of-type(2) input")
    assert page.js(SHOWN) == sum(package.is_python for package in packages.values())
    with page.drawing():
        page.click("#kinds label:nth-of-type(1) input")
    assert page.js(STATUS) == "1 of 8 packages"
    with page.drawing():
        page.click("#kinds label:nth-of-type(1) input")
    with page.drawing():
        page.click("#affected")
    assert page.js(SHOWN) == 2

    # On dark, it is dark.
    light = page.js("getComputedStyle(document.body).backgroundColor")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.call("Emulation.setEmulatedMedia", features=features)
    assert page.js("getComputedStyle(document.body).backgroundColor") != light
    page.picture("graph-dark", tmp_path)


def many(root: Path, count: int) -> None:
    """Add packages to a monorepo without any; each needs some shared ones before it."""
    for number in range(count):
        area = AREAS[number % len(AREAS)]
        language = languages.of(area)
        turn = number // len(AREAS)
        shared = {one * len(AREAS) + number % 2 for one in (turn, turn // 2, turn // 3)}
        names = [f"p{one}" for one in sorted(shared) if one < number]
        prefix = languages.kind_of(area).prefix
        folder = root / area / f"p{number}"
        folder.mkdir(parents=True)
        if language is Language.PYTHON:
            manifest = f'[project]\nname = "acme-{prefix}p{number}"\ndependencies = '
            manifest += json.dumps([f"acme-{name}" for name in names])
        else:
            needed = {f"@acme/{name}": "workspace:*" for name in names}
            told = {"name": f"@acme/{prefix}p{number}", "dependencies": needed}
            # A text that would be markup.
            manifest = json.dumps({**told, "version": "<img src=x onerror='window.hit = 1'>"})
        (folder / language.manifest).write_text(manifest, encoding="utf-8")


def test_the_page_of_hundreds_of_packages(root: Path, tmp_path: Path, page: Page) -> None:
    for area in AREAS:
        shutil.rmtree(root / area, ignore_errors=True)
    many(root, 300)
    file = tmp_path / "graph.html"
    file.write_text(graph_page.as_html(view(workspace.load(root))), encoding="utf-8")
    shown(page, file)
    # Six areas, each with the number of its packages.
    assert page.js(SHOWN) == 6
    assert "shared/py: 50 packages" in page.buttons()
    page.picture("graph-areas", tmp_path)
    # One opens with a click, and closes in the list.
    with page.drawing():
        page.click(node(page, "shared/py: 50 packages"))
    assert page.js(SHOWN) == 55
    page.picture("graph-area", tmp_path)
    with page.drawing():
        page.click("#list h3 button")
    assert page.js(SHOWN) == 6
    # What is searched for is drawn, in sight and large enough.
    page.press("/")
    page.write("p181")
    with page.drawing():
        page.press("Enter")
    assert page.js(DETAILS).startswith("shared/js/p181\n")
    assert "<img src=x" in page.js(DETAILS)
    assert page.js("globalThis.hit") is None
    x, y = page.middle(node(page, "shared/js/p181"))
    assert 265 < x < 1095
    assert 100 < y < 900
    height = page.js(
        "document.querySelector('#graph .selected text').getBoundingClientRect().height"
    )
    assert height > 8
    page.js("document.querySelector('#search').value = ''")
    with page.drawing():
        page.click("#related")
    assert page.js(SHOWN) == len(view(workspace.load(root), "shared/js/p181").paths) == 11
    page.picture("graph-related", tmp_path)
    # All at once.
    with page.drawing():
        page.click("#related")
    for _ in range(5):
        with page.drawing():
            page.click("#list button[aria-expanded=false]")
    assert page.js(SHOWN) == 300
    page.picture("graph-large", tmp_path)


def test_a_page_of_nothing_and_of_what_is_broken(
    root: Path, tmp_path: Path, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(root / "shared/py/notes/pyproject.toml", "[project]", "[project")
    file = tmp_path / "graph.html"
    said = run(root, "make", "graph", "FORMAT=html", f"OUT={file}", code=2)
    assert "shared/py/notes/pyproject.toml" in said
    shown(page, file)
    assert page.js(SHOWN) == 7
    assert "shared/py/notes/pyproject.toml" in page.js(DETAILS)
    for area in AREAS:
        shutil.rmtree(root / area, ignore_errors=True)
    nothing = tmp_path / "nothing.html"
    run(root, "make", "graph", "FORMAT=html", f"OUT={nothing}")
    page.events.clear()
    shown(page, nothing)
    assert page.js(STATUS) == "0 packages"
    assert page.js(DETAILS) == "There are no packages yet."
    # CI keeps screenshots.
    monkeypatch.setenv("SCREENSHOTS", str(tmp_path / "kept"))
    assert page.picture("graph-nothing", tmp_path) == tmp_path / "kept/graph-nothing.png"


def test_the_library_is_that_of_npm(installed: Path, tmp_path: Path) -> None:
    tools = installed / ".venv/bin"
    env = {"PATH": f"{tools}:{os.environ['PATH']}", "npm_config_cache": str(tmp_path / "cache")}
    run(tmp_path, tools / "npm", "pack", "--silent", f"@viz-js/viz@{graph_page.VIZ}", env=env)
    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as members:
        library = members.extractfile("package/dist/viz-global.js")
        assert library
        content = library.read()
    kept = Path(graph_page.__file__).with_name("viz.js.gz").read_bytes()
    assert gzip.decompress(kept) == content


PY_TEST = """\
\"\"\"Core with a package that needs it.\"\"\"

import acme_audio
import acme_core


def test_both() -> None:
    assert [acme_audio.__name__, acme_core.__name__] == ["acme_audio", "acme_core"]
"""
JS_TEST = """\
import assert from "node:assert/strict";
import { test } from "node:test";

import * as audio from "@acme/audio";
import * as core from "@acme/core";

test("core with a package that needs it", () => {
  assert.ok(audio && core);
});
"""


@pytest.mark.parametrize("env", [SHARED, UV])
def test_tests_may_need_a_package_that_needs_theirs(tmp_path: Path, env: str) -> None:
    languages = ("py", "js") if env == SHARED else ("py",)
    packages = [f"shared/{one}/{name}" for one in languages for name in ("core", "audio")]
    root = bake(tmp_path, packages=" ".join(packages), python_env=env)
    edit(root / f"{PY}/audio/pyproject.toml", "dependencies = []", 'dependencies = ["acme-core"]')
    edit(root / f"{PY}/core/pyproject.toml", '    "pytest>=', '    "acme-audio",\n    "pytest>=')
    (root / f"{PY}/core/tests/unit/test_both.py").write_text(PY_TEST, encoding="utf-8")
    if "js" in languages:
        dev = '"devDependencies": {'
        dependencies = f'"dependencies": {{\n    "@acme/core": "workspace:*"\n  }},\n  {dev}'
        edit(root / f"{JS}/audio/package.json", dev, dependencies)
        edit(root / f"{JS}/core/package.json", dev, f'{dev}\n    "@acme/audio": "workspace:*",')
        (root / f"{JS}/core/tests/both.test.ts").write_text(JS_TEST, encoding="utf-8")
    commit(root)
    run(root, "make", "lock")
    run(root, "make", "guard", "FIX=1")
    run(root, "make", "check", "build", "lock-check")
    said = run(root, "make", "graph", f"FOCUS={PY}/core")
    assert said.splitlines()[1] == "└── shared/py/audio (group test)"
    # What is built of core does not know audio.
    (wheel,) = (root / PY / "core/dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        assert b"acme-audio" not in archive.read(metadata)
    said = run(root, ".venv/bin/nox", "-s", f"test-3.11({PY}/core)", env={"CACHE": "0"})
    assert "was successful" in said
    # The other way round, consumers would get it as well.
    edit(root / f"{PY}/core/pyproject.toml", "dependencies = []", 'dependencies = ["acme-audio"]')
    said = run(root, "make", "guard", "RULE=layers", code=2)
    assert "depends on shared/py/audio, which depends on it in the end" in said


def test_pip_installs_it_as_well(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=f"{PY}/core {PY}/audio")
    edit(root / f"{PY}/audio/pyproject.toml", "dependencies = []", 'dependencies = ["acme-core"]')
    edit(root / f"{PY}/core/pyproject.toml", '    "pytest>=', '    "acme-audio",\n    "pytest>=')
    said = run(root, "make", "install", "PRINT=1")
    (command,) = [line for line in said.splitlines() if "python -m pip install" in line]
    run(root, "sh", "-c", f"python3 -m venv .venv && {command}")
    run(root, ".venv/bin/python", "-c", "import acme_audio, acme_core")
