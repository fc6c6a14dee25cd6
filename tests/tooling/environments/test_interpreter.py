"""The interpreter of the root's environment is known again, and no other one is."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monorepo.core import engine
from monorepo.environments import interpreter

NOTE = f".venv/{interpreter.NOTE}"


@pytest.fixture
def venv(root: Path) -> Path:
    """Give the tiny monorepo a real environment."""
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    command = [str(base), "-I", "-m", "venv", "--without-pip", str(root / ".venv")]
    subprocess.run(command, check=True)
    (site,) = (root / ".venv").glob("lib/python3*/site-packages")
    (site / "monorepo").mkdir()
    (site / "monorepo/__main__.py").touch()
    return root / ".venv"


def listed(venv: Path) -> str:
    """Return what the shell sees of its interpreter."""
    command = "LC_ALL=C; export LC_ALL; echo $(ls -dLi python ../pyvenv.cfg)"
    done = subprocess.run(["sh", "-c", command], cwd=venv / "bin", capture_output=True, check=True)
    return done.stdout.decode()


def noted(root: Path) -> None:
    interpreter.note(root, ".venv", engine.read(root), complete=False)


def test_what_works_is_noted_as_a_shell_sees_it(root: Path, venv: Path) -> None:
    note = root / NOTE
    noted(root)
    digest = hashlib.sha256((root / engine.read(root).path).read_bytes()).hexdigest()
    (main,) = venv.glob("lib/python3*/site-packages/monorepo/__main__.py")
    second = f"{digest} {main.relative_to(root)}\n"
    assert note.read_text(encoding="utf-8") == listed(venv) + second
    # Another one is looked at again.
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("python3")
    note.write_text(f"1 ../pyvenv.cfg 2 python\n{second}", encoding="utf-8")
    noted(root)
    assert note.read_text(encoding="utf-8") == listed(venv) + second


def test_another_engine_is_noted(root: Path, venv: Path, give_engine: Callable[..., None]) -> None:
    noted(root)
    before = (root / NOTE).read_text(encoding="utf-8")
    give_engine("left")
    noted(root)
    after = (root / NOTE).read_text(encoding="utf-8")
    assert after == before.replace(before.split()[4], engine.read(root).sha256)
    assert after != before


def test_an_ejected_engine_is_started_where_it_is(root: Path, venv: Path) -> None:
    interpreter.note(root, ".venv", replace(engine.read(root), ejected=True), complete=False)
    text = (root / NOTE).read_text(encoding="utf-8")
    assert text == f"{listed(venv)}- tools/make/engine.py\n"


def dangling(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nonexistent")


def replaced(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").write_text("#!/bin/sh\necho True and more\n", encoding="utf-8")
    (venv / "bin/python").chmod(0o755)


def without_packages(venv: Path) -> None:
    (lib,) = venv.glob("lib/python3.*")
    lib.rename(lib.with_name("python3.10"))


def without_configuration(venv: Path) -> None:
    (venv / "pyvenv.cfg").unlink()


def empty(venv: Path) -> None:
    (venv / "bin/python").unlink()
    (venv / "bin/python").touch(0o755)


def without_engine(venv: Path) -> None:
    shutil.rmtree(next(venv.glob("lib/python3*/site-packages/monorepo")))


SPOILED = [without_engine, dangling, replaced, without_packages, without_configuration, empty]


@pytest.mark.parametrize("spoil", SPOILED)
def test_what_does_not_work_is_not_noted(
    root: Path, venv: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(venv)
    (root / NOTE).write_text("1 ../pyvenv.cfg 2 python\n", encoding="utf-8")
    noted(root)
    assert not (root / NOTE).exists()


def test_what_was_noted_is_known_again(root: Path, venv: Path) -> None:
    assert not interpreter.is_noted(root, ".venv")
    noted(root)
    assert interpreter.is_noted(root, ".venv")
    replaced(venv)
    assert not interpreter.is_noted(root, ".venv")


def test_no_environment_is_no_mistake(root: Path) -> None:
    noted(root)
    (root / ".venv").touch()
    noted(root)
    assert (root / ".venv").read_bytes() == b""


def test_a_complete_environment_is_noted_with_its_repository(root: Path, venv: Path) -> None:
    interpreter.note(root, ".venv", None, complete=True)
    assert (root / NOTE).read_text(encoding="utf-8") == f"{listed(venv)}- -\n{root}\n"
    interpreter.note(root, ".venv", None, complete=False)
    assert (root / NOTE).read_text(encoding="utf-8") == f"{listed(venv)}- -\n"
