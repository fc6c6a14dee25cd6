"""One command brings over a monorepo that has the engine as source, as docs/upgrading.md tells."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import hashes
from monorepo.core.hashes import PINS
from monorepo.scaffold import wheel
from tests.template.baking import TEMPLATE, changed, commit, run

pytestmark = pytest.mark.slow

MADE_FROM = "56ee592"
ANSWERS = {
    "project_name": 'Acme "A" Platform',
    "repo_name": "acme-platform",
    "namespace": "acme",
    "description": "What we do.",
    "license": "Apache-2.0",
    "author_name": "Ann Onymous",
    "author_email": "ann@example.com",
    "python_version": "3.11",
    "python_env": "shared",
}
PACKAGES = "shared/py/core shared/js/core services/py/api services/js/web"
NEEDS = "\ndependencies = [\n"
SET_UP, OURS = "## Set up\n", "## Ours\n\nWhat we have written.\n\n"
TONE = '''\
"""Tones."""

import attrs


@attrs.frozen
class Tone:
    """A tone."""

    hertz: float
'''


def words(**more: str) -> str:
    given = " ".join(f"{key}={shlex.quote(value)}" for key, value in {**ANSWERS, **more}.items())
    return given


def blocks() -> list[str]:
    """Return what the document has people run for this: the settings, and the commands."""
    text = (TEMPLATE / "docs/upgrading.md").read_text(encoding="utf-8")
    text = text.partition("## A repository without a record")[2]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def current(root: Path) -> str:
    return (root / PINS).read_text(encoding="utf-8")


def edit(file: Path, change: Callable[[str], str]) -> None:
    text = file.read_text(encoding="utf-8")
    assert change(text) != text
    file.write_text(change(text), encoding="utf-8")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Make a monorepo with the template as it was, and work in it."""
    known = ("git", "cat-file", "-e", f"{MADE_FROM}^{{commit}}")
    if subprocess.run(known, cwd=TEMPLATE, capture_output=True, check=False).returncode:
        pytest.skip(f"{MADE_FROM}: is not in this clone, which is shallow; git fetch --unshallow")
    for name in ("template", "a b"):
        (tmp_path / name).mkdir()
    archive = tmp_path / "template.tar"
    run(TEMPLATE, "git", "archive", f"--output={archive}", MADE_FROM)
    run(tmp_path, "tar", "-xf", archive, "-C", "template")
    told = {
        "OUT": str(tmp_path / "a b"),
        "ANSWERS": f"--no-input {words(packages=PACKAGES)}",
        "PYTHONPATH": ".",
    }
    run(tmp_path / "template", sys.executable, "-m", "hooks.new", env=told)
    root = tmp_path / "a b/acme-platform"
    commit(root)
    run(root, "make", "install")
    run(root, "make", "new", "AT=shared/py/audio", "DEPS=shared/py/core", "SET=title='Our tones'")
    run(root, "make", "new", "AT=shared/js/ui")
    # A dependency, a setting, a text, a task, and a kind of the team's own.
    audio = root / "shared/py/audio"
    edit(audio / "pyproject.toml", lambda text: text.replace(NEEDS, f'{NEEDS}    "attrs>=24",\n'))
    (audio / "src/acme_audio/tone.py").write_text(TONE, encoding="utf-8")
    edit(root / "pyproject.toml", lambda text: text.replace("fail_under = 80", "fail_under = 85"))
    edit(root / "README.md", lambda text: text.replace(SET_UP, f"{OURS}{SET_UP}"))
    edit(root / "Makefile", lambda text: f"{text}\n.PHONY: ours\nours: ## Ours\n\t@echo ours\n")
    run(root, "cp", "-R", "templates/shared-py", "templates/worker")
    run(root, "make", "lock")
    run(root, "make", "lint", "lock-check", "guard")
    commit(root)
    return root


def test_the_document_brings_it_over(old: Path, tmp_path: Path) -> None:
    settings, steps = blocks()
    given = {"TEMPLATE": str(TEMPLATE), "WHEEL": str(wheel.write(tmp_path)), "ANSWERS": words()}
    assert re.findall(r"^(\w+)=", settings, re.MULTILINE) == [*given]
    assert f"@{MADE_FROM}" in steps
    pins = run(old, "git", "show", f"HEAD:{PINS}")
    done = run(old, "sh", "-euc", steps, env=given)
    assert "conflict" not in done
    assert changed(old) == ""

    # What is new is there, and what was has gone.
    tracked = run(old, "git", "ls-files").splitlines()
    assert not [path for path in tracked if path.startswith(("tools/src", "templates/"))]
    assert len([path for path in tracked if path.endswith(".whl")]) == 1
    assert not (old / "tools/src").exists()
    assert not (old / "templates").exists()
    root = tomllib.loads((old / "pyproject.toml").read_text(encoding="utf-8"))
    assert root["tool"]["monorepo"]["template"]["project_name"] == ANSWERS["project_name"]
    assert {"mypy", "nox", "ruff"} <= {
        text.partition(">")[0] for text in root["dependency-groups"]["dev"]
    }
    audio = tomllib.loads((old / "shared/py/audio/pyproject.toml").read_text(encoding="utf-8"))
    assert audio["project"]["optional-dependencies"] == {}
    assert audio["dependency-groups"]["test"]
    assert audio["tool"]["monorepo"]["template"]["kind"] == "shared-py"

    # What the team has made is as it was.
    assert audio["project"]["description"] == "Our tones"
    assert {"attrs>=24", "acme-core"} <= {*audio["project"]["dependencies"]}
    assert root["tool"]["coverage"]["report"]["fail_under"] == 85
    assert OURS in (old / "README.md").read_text(encoding="utf-8")
    assert run(old, "make", "ours") == "ours\n"
    before, after = (hashes.named(hashes.pin_lines(text)) for text in (pins, current(old)))
    assert {name: after[name] for name in before.keys() & after} == {
        name: before[name] for name in before.keys() & after
    }
    run(old, "make", "new", "AT=shared/py/jobs", "TEMPLATE=worker")
