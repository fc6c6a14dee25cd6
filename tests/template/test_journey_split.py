"""A module becomes a package of its own in a repository that others import it in."""

import json
from pathlib import Path

import pytest

from tests.template.baking import DEFAULTS, bake, changed, commit, edit, run

pytestmark = pytest.mark.slow

PLAYER = '''\
"""Players."""

from importlib.resources import files

import idna

from ..retries import delays
from .codec import RATE


class Player:
    """One that plays."""

    def play(self) -> str:
        """Play once."""
        tone = files("acme_core.audio").joinpath("tone.txt").read_text()
        return idna.decode("la") + tone + str(RATE + next(delays(1, 2)))
'''
PYTHON = {
    "core/src/acme_core/audio/__init__.py": '"""Sound."""\n',
    "core/src/acme_core/audio/player.py": PLAYER,
    "core/src/acme_core/audio/codec.py": '"""Codecs."""\n\nRATE = 3\n',
    "core/src/acme_core/audio/tone.txt": "la",
    "core/tests/unit/test_player.py": (
        "from acme_core.audio.player import Player\n\n\n"
        "def test_it_plays() -> None:\n    assert Player().play()\n"
    ),
    "notes/src/acme_notes/sound.py": (
        '"""Sound."""\n\nimport acme_core\nfrom acme_core import Player, delays\n\n\n'
        'def play() -> str:\n    """Play."""\n    next(delays(1, 2))\n'
        "    return Player().play() + acme_core.Player().play()\n"
    ),
    "notes/tests/unit/test_sound.py": (
        "from acme_notes.sound import play\n\n\n"
        'def test_it_plays() -> None:\n    assert play().startswith("la")\n'
    ),
}
JAVASCRIPT = {
    "core/src/audio/index.ts": (
        'import { RATE } from "./codec.ts";\n\n'
        "export function play(): string {\n  return `la ${RATE}`;\n}\n"
    ),
    "core/src/audio/codec.ts": (
        'import { chunks } from "../index.ts";\n\n'
        "export type Rate = number;\n\n"
        "export const RATE: Rate = [...chunks([1, 2, 3], 1)].length;\n"
    ),
    "core/tests/audio.test.ts": (
        'import assert from "node:assert/strict";\nimport test from "node:test";\n'
        'import { RATE } from "../src/audio/codec.ts";\nimport { play } from "../src/index.ts";\n\n'
        'test("it plays", () => {\n  assert.equal(play(), `la ${RATE}`);\n});\n'
    ),
    "notes/src/sound.ts": (
        'import { chunks, play, type Rate } from "@acme/core";\n\n'
        "export const rate: Rate = 1;\n\nexport function twice(): string {\n"
        "  return [...chunks([play(), play()], 1)].join();\n}\n"
    ),
    "notes/tests/sound.test.ts": (
        'import assert from "node:assert/strict";\nimport test from "node:test";\n'
        'import { rate, twice } from "../src/sound.ts";\n\n'
        'test("it plays twice", () => {\n  assert.equal(twice(), "la 3,la 3");\n'
        "  assert.equal(rate, 1);\n});\n"
    ),
}

HANDLERS = '''\
"""What this service answers."""

from fastapi import APIRouter

greetings = APIRouter()


@greetings.get("/greeting")
async def greet() -> str:
    """Return a greeting."""
    return "hello"
'''
TEST_HANDLERS = """\
import asyncio

from acme_svc_api.handlers import greet


def test_it_greets() -> None:
    assert asyncio.run(greet()) == "hello"
"""
SERVICES = {
    "py/api/src/acme_svc_api/handlers.py": HANDLERS,
    "py/api/tests/unit/test_handlers.py": TEST_HANDLERS,
    "js/web/src/pages.ts": (
        'export function page(): { service: string } {\n  return { service: "web" };\n}\n'
    ),
}


def grow_services(root: Path) -> None:
    """Give each service a module beside its entry point, which the rule `thin` allows."""
    services = root / "services"
    for path, text in SERVICES.items():
        (services / path).write_text(text, encoding="utf-8")
    main = services / "py/api/src/acme_svc_api/main.py"
    imported = "from acme_svc_api.handlers import greetings\n"
    edit(main, "\n\n\nclass ServiceSettings", f"\n{imported}\n\nclass ServiceSettings")
    edit(main, "    return app\n", "    app.include_router(greetings)\n    return app\n")
    main = services / "js/web/src/main.ts"
    edit(main, "import { secret", 'import { page } from "./pages.ts";\nimport { secret')
    edit(main, '({ service: "web" })', "page()")
    adapters = [f"services/{path}" for path in SERVICES if "/src/" in path]
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.monorepo.thin]\nstatements = 40\nadapters = {json.dumps(adapters)}\n")


def grow(root: Path) -> None:
    """Give the packages `core` a module that others use."""
    for area, files in (("shared/py", PYTHON), ("shared/js", JAVASCRIPT)):
        for path, text in files.items():
            if (root / area / path.partition("/")[0]).is_dir():
                place = root / area / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8")
    core = root / "shared/py/core"
    edit(core / "src/acme_core/__init__.py", "from .r", "from .audio.player import Player\nfrom .r")
    for file in ("src/acme_core/__init__.py", "tests/contract/test_public_names.py"):
        edit(core / file, '["delays"]', '["Player", "delays"]')
    edit(core / "pyproject.toml", '"*" = ["py.typed"]', '"*" = ["py.typed", "*.txt"]')


def test_a_module_becomes_a_package(tmp_path: Path) -> None:
    root = bake(tmp_path, packages=DEFAULTS)
    grow(root)
    grow_services(root)
    core, notes = root / "shared/py/core/pyproject.toml", root / "shared/py/notes/pyproject.toml"
    edit(core, "optional-dependencies]\n", 'optional-dependencies]\naudio = ["idna>=3"]\n')
    edit(core, "test = [\n", 'test = [\n    "acme-core[audio]",\n')
    edit(notes, "dependencies = [\n", 'dependencies = [\n    "acme-core[audio]",\n')
    js = root / "shared/js"
    text = (js / "core/src/index.ts").read_text(encoding="utf-8")
    (js / "core/src/index.ts").write_text(
        'export type { Rate } from "./audio/codec.ts";\n'
        f'export {{ play }} from "./audio/index.ts";\n\n{text}',
        encoding="utf-8",
    )
    edit(js / "core/tests/index.test.ts", '["chunks"]', '["chunks", "play"]')
    edit(
        js / "notes/package.json",
        '"dependencies": {',
        '"dependencies": {"@acme/core": "workspace:*",',
    )
    path = '{ "path": "../core/tsconfig.build.json" }'
    edit(js / "notes/tsconfig.build.json", '"references": []', f'"references": [{path}]')
    run(root, "make", "lock")
    run(root, "make", "format")
    commit(root)
    words = ("PKG=shared/py/core", "MODULE=audio")
    shown = run(root, "make", "split", *words, "DRY_RUN=1")
    assert "rename to shared/py/audio/src/acme_audio/player.py" in shown
    assert changed(root) == ""

    assert "shared/py/audio" in run(root, "make", "split", *words)
    commit(root)
    run(root, "make", "split", "PKG=shared/js/core", "MODULE=audio")
    run(root, "make", "lock")
    commit(root)
    # What `make phase` says next is done as it says it.
    for service, module in (("py/api", "handlers"), ("js/web", "pages")):
        command = f"make split PKG=services/{service} MODULE={module}"
        assert f"Next: {command}\n" in run(root, "make", "phase")
        run(root, *command.split())
        run(root, "make", "lock")
        commit(root)
    assert "without exceptions: 1: up to 40 statements" in run(root, "make", "phase")
    run(root, "make", "check", "guard", "lock-check", "smoke")
    # It is a fixed point of the formatters.
    run(root, "make", "format")
    assert changed(root) == ""
    followed = run(
        root, "git", "log", "--follow", "--oneline", "shared/py/audio/src/acme_audio/player.py"
    )
    assert len(followed.splitlines()) == 2


def test_it_does_where_manifests_are_edn_and_services_are_uv_projects(tmp_path: Path) -> None:
    root = bake(
        tmp_path,
        packages="shared/py/core services/py/api",
        manifests="edn",
        python_env="uv",
    )
    grow(root)
    core, notes = root / "shared/py/core/package.edn", root / "shared/py/notes/package.edn"
    edit(core, ":dev {", ':extras {:audio ["idna>=3"]}\n :dev {')
    edit(notes, ":deps/base [", ':deps/base [{:pkg "acme-core" :extras ["audio"]} ')
    run(root, "make", "sync", "lock")
    run(root, "make", "format")
    commit(root)
    run(root, "make", "flatten")
    commit(root)
    run(root, "make", "split", "PKG=acme-core", "MODULE=audio")
    run(root, "make", "lock")
    commit(root)
    assert '{:pkg "acme-audio"}' in (root / "packages/acme-notes/package.edn").read_text("utf-8")
    run(root, "make", "check", "guard", "lock-check", "smoke")
    assert changed(root) == ""
