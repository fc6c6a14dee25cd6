"""Any target may be the first in a fresh clone, and what CI runs is first on each of its runners.

All targets, at the root and in packages, under FAULTS=all; otherwise some, and always all of CI.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.actions import Event, GitHub
from tests.template.baking import TREE, changed, run

pytestmark = pytest.mark.slow

ALL = os.environ.get("FAULTS") == "all"
# What CI restores on a runner that has nothing else.
CACHES = (".cache/uv", ".local/share/pnpm/store", ".npm")
EXPORTED = {
    **dict.fromkeys(("PKG", "VENV", "PATHS", "ROOT", "PACKAGE", "BIN", "AT", "RULE", "ARGS"), "x"),
    **dict.fromkeys(("FIX", "DRY_RUN", "CHANGED", "PRINT"), "0"),
    **{"VIRTUAL_ENV": "/x", "PYTHONPATH": "{planted}", "MAKEFLAGS": "-j8"},
}
# Those that run until they are stopped, run all that the others do, or tell that nothing is there
# yet, are tried elsewhere.
LEFT_OUT = {"dev", "ci", "doctor"}
GIVEN = {
    "new": ["AT=shared/py/audio"],
    "remove": ["AT=services/py/api"],
    "explain": ["RULE=pins"],
    "export": ["TO=nx"],
}
# What these change is what they are for.
CHANGING = {"new", "remove", "eject", "export"}
FOLDERS = ("shared/py/core", "shared/js/core", "services/py/api", "services/js/web")
SAMPLE = ["guard", "new", "lock-check", "services/js/web test", "shared/py/core type-check"]


def targets(makefiles: str) -> list[str]:
    """Return the targets that the text of Makefiles tells people of."""
    found = re.findall(r"^([a-z][a-z-]*):.* ## ", makefiles, re.MULTILINE)
    return sorted({*found} - LEFT_OUT)


def first_commands() -> list[str]:
    """Return each target of the root, and of a package of each kind with its folder before it."""
    texts = {file.name: file.read_text("utf-8") for file in TREE.glob("tools/make/*.mk")}
    found = targets((TREE / "Makefile").read_text("utf-8") + texts["common.mk"])
    for folder in FOLDERS:
        language = "js" if "/js/" in folder else "py"
        text = texts["common.mk"] + texts[f"{language}.mk"]
        text += texts[f"services-{language}.mk"] if folder.startswith("services") else ""
        found += [f"{folder} {target}" for target in targets(text)]
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a new home folder, with the caches alone."""
    home = tmp_path / "home"
    for name in CACHES:
        there = Path.home() / name
        there.mkdir(parents=True, exist_ok=True)
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(there)
    return home


def make(root: Path, home: Path, command: str, *flags: str, **env: str) -> str:
    """Run a first command; it must succeed, and say nothing of a defect."""
    *folder, target = command.split()
    words = [*flags, *(["-C", *folder] if folder else []), target, *GIVEN.get(target, [])]
    output = run(root, "make", *words, env={"HOME": str(home), **env})
    assert "Traceback" not in output and "jobserver" not in output
    return output


@pytest.mark.parametrize("command", first_commands() if ALL else SAMPLE)
def test_any_target_may_be_the_first(root: Path, home: Path, command: str) -> None:
    make(root, home, command)
    if command.split()[-1] not in CHANGING:
        assert changed(root) == ""


def dangling(root: Path) -> None:
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to("/nonexistent")


def foreign(root: Path) -> None:
    run(root, sys.executable, "-I", "-m", "venv", "--without-pip", root / ".venv")


def emptied(root: Path) -> None:
    (root / ".venv/lib").mkdir(parents=True)


SPOILED = [dangling, foreign, emptied]


@pytest.mark.parametrize("spoil", SPOILED if ALL else [dangling])
def test_whatever_is_in_the_environments_place(
    root: Path, home: Path, spoil: Callable[[Path], None], path_without_uv: str
) -> None:
    """With all that a shell may have set, eight jobs at once, and no uv."""
    spoil(root)
    planted = home / "planted"
    planted.mkdir()
    for name in ("yaml", "json", "packaging", "mypy"):
        (planted / f"{name}.py").write_text("raise SystemExit(name)\n", encoding="utf-8")
    told = {name: text.format(planted=planted) for name, text in EXPORTED.items()}
    told["PATH"] = path_without_uv
    for command in ("lint", "guard", "shared/py/core test", "lock-check"):
        make(root, home, command, "-j8", **told)
    assert changed(root) == ""
    # Replaced when it was there already, it is looked at again.
    (root / ".venv/bin/python").unlink()
    (root / ".venv/bin/python").symlink_to("/nonexistent")
    assert "shared/py/core" in make(root, home, "list")
    make(root, home, "setup", **told)
    make(root, home, "guard")


def jobs(root: Path, name: str) -> dict[str, Any]:
    """Return the jobs of a workflow."""
    text = (root / ".github/workflows" / name).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


def step(root: Path, home: Path, script: str, **env: str) -> str:
    """Run a script as GitHub does."""
    output = home / "output"
    told = {"HOME": str(home), "CI": "true", "GITHUB_ACTIONS": "true"}
    told |= {"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(home), **env}
    assert "Traceback" not in run(root, "bash", "-e", "-c", script, env=told)
    return output.read_text(encoding="utf-8") if output.exists() else ""


def test_ci_is_green_on_a_fresh_runner(baked: Path, tmp_path: Path, home: Path) -> None:
    """One session of each language: all of them are tried with nox."""
    jobs = ("check", "plan", "prove", "keep", "all-green")
    sessions = "test(shared/js/core),build(shared/py/core)"
    github = GitHub(baked, tmp_path / "github", home)
    done = github.run(Event("push"), jobs=jobs, sessions=sessions)
    assert done.results == {**dict.fromkeys(jobs, "success"), "gpu": "skipped"}, done.printed
    assert {*sessions.split(",")} <= {*done.sessions}
    for job in ("check", "plan", "prove"):
        assert changed(tmp_path / "github/runner" / job) == ""
    # With the variable GPU_RUNNER, there is one more.
    github.variables["GPU_RUNNER"] = "gpu"
    done = github.run(Event("push"), jobs=["gpu"])
    assert done.results["gpu"] == "success", done.printed
    # Nothing differs from what was green, and no result is proven again.
    github.green = [run(baked, "git", "rev-parse", "HEAD").strip()]
    done = github.run(Event("push"), jobs=jobs)
    assert done.results["prove"] == "skipped" and done.results["all-green"] == "success"
    assert "cached" in done.printed["check"]


@pytest.mark.skipif(not ALL, reason="it asks the index for every pin")
def test_the_pins_are_refreshed_on_a_fresh_runner(root: Path, home: Path) -> None:
    (script,) = [one["run"] for one in jobs(root, "lock.yml")["lock"]["steps"] if "run" in one]
    assert re.fullmatch("moved=(yes|no)\n", step(root, home, script))
