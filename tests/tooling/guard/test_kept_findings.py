"""What is kept of packages is what a run that has kept nothing finds, after any change."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.guard import catalog, runner
from monorepo.guard.cache import FILE, FileCache
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources

# Those of the others keep what programs find, file by file.
RULES = [rule for rule in catalog.RULES if rule not in ("secrets", "workflows")]
CORE, AUDIO = "shared/py/core/src/tiny_core", "shared/py/audio/src/tiny_audio"
BLOCK = "# Title\n\n```{}\n{}\n```\n"
# Files, and what each may have in it; None of one that is not there. The first is where all begin.
TEXTS: dict[str, tuple[str | None, ...]] = {
    f"{CORE}/__init__.py": (
        "def make() -> None: ...\n",
        "def new() -> None: ...\n",
        "def (\n",
        "import yaml\n",
        "from tiny_core import wave\n",
    ),
    f"{CORE}/wave.py": ("import left\n", "import json\n", None, "from tiny_audio import play\n"),
    f"{CORE}/_clock.py": (None, "def now() -> int:\n    return 1\n"),
    f"{AUDIO}/__init__.py": (
        "from tiny_core import wave\n",
        "from tiny_core import make\n",
        "MAKER = 'tiny_core:make'\n",
        "CLOCK = 'tiny_core._clock:now'\n",
    ),
    f"{AUDIO}/play.py": ("import tiny_core.wave\n", "", "from tiny_api import main\n"),
    f"{AUDIO}/fast.py": (None, "import fast\n"),
    "shared/py/core/setup.py": (None, "setup(ext_modules=[Extension('fast')])\n"),
    # It does not ask for the extra.
    "shared/py/mute/src/tiny_mute/__init__.py": ("import tiny_core.wave\n", "import tiny_core\n"),
    "shared/py/audio/tests/unit/test_play.py": (
        "def test_it() -> None:\n    assert 1\n",
        "from tiny_core.wave import x\n\n\ndef check() -> None:\n    assert x\n",
        None,
    ),
    "shared/py/audio/README.md": (
        BLOCK.format("python", "from tiny_core import make"),
        BLOCK.format("python", "from tiny_core.wave import left"),
        BLOCK.format("ts", 'import { made } from "@tiny/ui";'),
        "[other](../core/README.md#title)\n",
    ),
    "shared/py/core/README.md": ("# Title\n", "# Other\n", "`make nothing`\n", None),
    "services/py/api/src/tiny_svc_api/main.py": (
        "import tiny_audio\n\n\ndef main() -> None:\n    tiny_audio.play()\n",
        "exec('1')\n",
        "",
    ),
    "services/py/api/src/tiny_svc_api/more.py": (None, "x = 1\n"),
    "shared/js/ui/src/index.ts": ("export const made = 1;\n", "export const other = 1;\n"),
    "services/js/web/src/main.ts": (
        'import { made } from "@tiny/ui";\nmade();\n',
        'import "../../../../shared/js/ui/src/index.ts";\n',
        "// @ts-nocheck\n",
    ),
    "services/js/web/README.md": (BLOCK.format("ts", 'import { made } from "@tiny/ui";'), ""),
    "README.md": ("# Tiny\n", BLOCK.format("python", "import tiny_core.wave"), "`make no`\n"),
    "shared/js/ui/tsconfig.json": ("{}\n", '{"extends": "../../x.json"}\n'),
}
CHANGES = [(path, text) for path, texts in TEXTS.items() for text in texts]
Opened = list[set[str]]


@pytest.fixture
def repository(
    root: Path, package: Callable[..., Path], write: Callable[[dict[str, str]], None]
) -> Path:
    """Make packages that read of each other, and a place to keep what is found."""
    package("shared/py/core", wave=["left"])
    package("shared/py/audio", "tiny-core[wave]")
    package("shared/py/mute", "tiny-core")
    package("services/py/api", "tiny-audio")
    node = {"version": "1.0.0", "private": True, "type": "module", "exports": "./src/index.ts"}
    web = {**node, "name": "@tiny/svc-web", "dependencies": {"@tiny/ui": "workspace:*"}}
    texts = {
        "shared/js/ui/package.json": json.dumps({**node, "name": "@tiny/ui"}),
        "services/js/web/package.json": json.dumps(web),
        ".venv/pyvenv.cfg": "",
    }
    write(texts)
    return root


def put(root: Path, path: str, text: str | None) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        (root / path).unlink(missing_ok=True)
    else:
        (root / path).write_text(text, "utf-8")


def anew(root: Path) -> list[Finding]:
    sources = Sources(workspace.load(root))
    sources.kept = FileCache(root, ".venv/none.json")
    return sorted(runner._found(sources, RULES, ()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4))
def test_what_is_kept_is_what_would_be_found(
    repository: Path, changes: list[tuple[str, str | None]]
) -> None:
    (repository / FILE).unlink(missing_ok=True)
    for path, texts in TEXTS.items():
        put(repository, path, texts[0])
    for path, text in (("README.md", TEXTS["README.md"][0]), *changes):
        put(repository, path, text)
        assert sorted(runner.found(workspace.load(repository), RULES)) == anew(repository)


_opened: Opened = []


def _hear(event: str, given: tuple[object, ...]) -> None:
    if _opened and event == "open":
        _opened[-1].add(str(given[0]))


sys.addaudithook(_hear)


def test_a_rule_opens_no_file_that_it_has_not_asked_for(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = FileCache.asking
    parts: list[int] = []

    @contextlib.contextmanager
    def heard(self: FileCache) -> Iterator[set[str]]:
        _opened.append(set())
        try:
            with asking(self) as asked:
                yield asked
        finally:
            opened = _opened.pop()
            if _opened:
                _opened[-1] |= opened
        start = f"{repository}/"
        inner = {path.removeprefix(start) for path in opened if path.startswith(start)}
        assert {path for path in inner if path.endswith(runner._EDITED)} <= asked
        parts.append(len(inner))

    monkeypatch.setattr(FileCache, "asking", heard)
    for path, texts in TEXTS.items():
        for text in texts:
            put(repository, path, text)
            runner.found(workspace.load(repository), RULES)
        put(repository, path, texts[0])
    assert sum(parts) > len(CHANGES)
