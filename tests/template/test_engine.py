"""The engine of a repository is one wheel, and no other file than the recorded one is run."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import engine
from tests.template.baking import TEMPLATE, bake, changed, run
from tests.template.faults import snapshot

INSTALL = ("install", "--require-hashes", "--no-deps", "-r", engine.REQUIREMENT)


def wheel(root: Path) -> Path:
    """Return the wheel that tools/requirements.txt names."""
    return root / engine.read(root).path


def tampered(file: Path) -> None:
    """Change one byte: the time of the first file in it, which is no matter to who unpacks it."""
    content = bytearray(file.read_bytes())
    content[10] ^= 1
    file.write_bytes(content)


SPOILED = {
    "is not the file that tools/requirements.txt names; restore both from git": tampered,
    "is missing; restore it from git": Path.unlink,
}
spoiled = pytest.mark.parametrize(("said", "spoil"), SPOILED.items(), ids=["tampered", "missing"])


def test_the_wheel_has_the_recorded_hash(baked: Path) -> None:
    assert hashlib.sha256(wheel(baked).read_bytes()).hexdigest() == engine.read(baked).sha256


def test_every_repository_has_the_same_wheel(baked: Path, tmp_path: Path) -> None:
    other = bake(tmp_path, repo_name="other", packages="shared/js/core", python_version="3.13")
    assert wheel(other).name == wheel(baked).name
    assert wheel(other).read_bytes() == wheel(baked).read_bytes()


@spoiled
@pytest.mark.parametrize(
    "command",
    [
        ("make", "--silent", "list"),
        ("make", "--silent", "setup"),
        (sys.executable, "-m", "nox", "-l"),
    ],
    ids=["list", "setup", "nox"],
)
def test_another_file_is_not_run(
    root: Path, command: tuple[str, ...], said: str, spoil: Callable[[Path], None]
) -> None:
    spoil(wheel(root))
    lines = run(root, *command, code=2).splitlines()
    name = engine.read(root).path
    assert [line for line in lines if not line.startswith("make")] == [f"monorepo: {name}: {said}"]
    assert not (root / ".venv").exists()


@spoiled
@pytest.mark.slow
def test_nor_is_it_installed(ready: Path, said: str, spoil: Callable[[Path], None]) -> None:
    spoil(wheel(ready))
    try:
        output = run(ready, "make", "--silent", "setup", code=2)
    finally:
        run(ready, "git", "checkout", "--quiet", ".")
    assert f"monorepo: {engine.read(ready).path}: {said}\n" in output
    assert run(ready, "make", "--silent", "setup") == ""
    assert changed(ready) == ""


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_pip_and_uv_verify_it(root: Path, tmp_path: Path, installer: str) -> None:
    venv = tmp_path / "venv"
    python = venv / "bin/python"
    run(root, sys.executable, "-m", "venv", venv)
    command: tuple[object, ...] = (python, "-m", "pip", *INSTALL)
    if installer == "uv":
        command = (sys.executable, "-m", "uv", "pip", *INSTALL, "--python", python)
    run(root, *command)
    shown = run(root, python, "-m", "pip", "show", engine.DISTRIBUTION)
    assert f"Version: {engine.read(root).version}\n" in shown
    run(root, python, "-m", "pip", "uninstall", "--yes", engine.DISTRIBUTION)
    tampered(wheel(root))
    refused = run(root, *command, code=1)
    assert "hash" in refused.lower()
    assert not list(venv.glob("lib/python*/site-packages/monorepo"))


@pytest.mark.slow
def test_the_wheel_alone_makes_the_same_monorepo(baked: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    uvx = (sys.executable, "-m", "uv", "tool", "run", "--python", sys.executable)
    pins = ("--constraints", TEMPLATE / "constraints.txt")
    words = ("--no-input", "--default-config", "packages=shared/py/core services/js/web")
    run(tmp_path, *uvx, *pins, "--from", wheel(baked), "monorepo", "create", theirs, *words)
    root = bake(ours, packages="shared/py/core services/js/web")
    assert snapshot(theirs / root.name) == snapshot(root)
