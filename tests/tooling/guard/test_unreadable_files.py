"""Whatever stands in files, and whatever stands in their place, no rule ends in a crash."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.guard import catalog, runner
from monorepo.guard.findings import Finding
from tests.examples import times

MakePackage = Callable[..., Path]
# What some rule reads: code, manifests that nothing else needs, settings, locks, documents.
PY, JS, SERVICE = "shared/py/a", "shared/js/b", "services/py/c"
FILES = [
    f"{PY}/src/tiny_a/one.py",
    f"{PY}/src/tiny_a/__init__.py",
    f"{PY}/tests/test_one.py",
    f"{PY}/tests/unit/test_two.py",
    f"{PY}/README.md",
    f"{PY}/Makefile",
    f"{PY}/Dockerfile",
    f"{PY}/mypy.ini",
    f"{PY}/noxfile.py",
    f"{PY}/requirements.txt",
    f"{PY}/ruff.toml",
    f"{PY}/setup.cfg",
    f"{PY}/tox.ini",
    f"{PY}/uv.lock",
    f"{JS}/src/index.ts",
    f"{JS}/tests/index.test.ts",
    f"{JS}/tsconfig.json",
    f"{JS}/biome.json",
    f"{SERVICE}/src/tiny_svc_c/main.py",
    f"{SERVICE}/scripts/smoke.sh",
    ".env",
    ".github/actions/one/action.yml",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".gitignore",
    ".schemas/structure.yaml",
    "AGENTS.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "constraints.txt",
    "noxfile.py",
    "package.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "services/js/d/notes.ipynb",
    "tools/templates/shared-py/notes.toml",
    "tsconfig.base.json",
]
TEXTS = {
    "nothing": b"",
    "null bytes": b"import a\0\n",
    "another encoding": "# -*- coding: latin-1 -*-\nimport caf\u00e9\n".encode("latin-1"),
    "a byte order mark": b"\xef\xbb\xbfimport a\n",
    "two bytes a sign": "import a\n".encode("utf-16"),
    "no Python": b"import (",
    "open brackets": b"import a\n" + b"(" * 5_000,
    "open lists": b"[" * 1_000,
    "open tables": b'{"a":' * 5_000,
    "deep lists in YAML": b"- " * 3_000 + b"a",
    "quotes in quotes": b"> " * 3_000 + b"`make no`",
    "aliases of aliases": b"a: &a [b, b]\nc: &c [*a, *a]\nd: *d\n",
    "YAML that makes objects": b"!!python/object/apply:os.getcwd []\n",
    "only keys": b"[a]\nb = {}\n[[a]]\n",
    "a list": b"[1, null, [], {}]\n",
    "objects of the wrong kind": b'{"dependencies": 1, "scripts": [], "compilerOptions": "x"}',
    "carriage returns": b"import a\rimport b\r\n\r",
    "one long line": b"import a;" * 5_000,
    "too large": b"#" * 1_000_001,
    "an open quote": b"'''\nimport a\n",
    "options": b"-r\n--requirement\n-c ..\n-e\nfile:\n-r -r -r\n\\",
}


@pytest.fixture
def full(root: Path, package: MakePackage) -> Path:
    package(PY)
    package(JS)
    package(SERVICE)
    package("services/js/d")
    return root


def put(root: Path, make: Callable[[Path], object]) -> list[Finding]:
    """Make something in the place of each file, and return what all rules find."""
    for name in FILES:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        make(file)
    return runner.found(workspace.load(root), catalog.RULES)


@pytest.mark.slow
@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS)
def test_any_text(full: Path, data: bytes) -> None:
    assert put(full, lambda file: file.write_bytes(data))


@pytest.mark.parametrize("in_git", [True, False])
def test_what_is_no_file(full: Path, in_git: bool) -> None:
    kinds: list[Callable[[Path], object]] = [
        lambda file: file.symlink_to(file.name),
        lambda file: file.symlink_to("gone"),
        lambda file: file.symlink_to("."),
        # Git itself would wait for what comes out of this one.
        lambda file: None if file.name == ".gitignore" else os.mkfifo(file),
        lambda file: file.mkdir(),
    ]
    if in_git:
        subprocess.run(["git", "init", "-q"], cwd=full, check=True)
    for kind in kinds:
        assert put(full, kind)


def test_what_may_not_be_read(full: Path) -> None:
    def make(file: Path) -> None:
        file.write_text("import a", encoding="utf-8")
        file.chmod(0)

    assert put(full, make)


@settings(times(0.4), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_anything(full: Path, data: bytes) -> None:
    put(full, lambda file: file.write_bytes(data))
