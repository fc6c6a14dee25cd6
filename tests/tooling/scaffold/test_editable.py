"""The ejected engine is installed by pip and by uv, offline, and runs from where it lies."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from monorepo.core.engine import Engine
from monorepo.scaffold import editable, ejection
from monorepo.templating.template import ENGINE

UV = Path(sysconfig.get_path("scripts"), "uv")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Lay out an ejected engine, at a path that is no easy one."""
    source = tmp_path / "a b ü/tools/src"
    shutil.copytree(ENGINE, source / "monorepo", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "pyproject.toml").write_text(
        ejection.manifest(Engine(source, "tools/x-1.5-py3-none-any.whl", ""), ["left>=1"]),
        encoding="utf-8",
    )
    return source


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """Make an environment without anything."""
    run(UV, "venv", "--quiet", "--offline", "--python", sys.executable, tmp_path / "venv")
    return tmp_path / "venv"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def works(venv: Path, source: Path) -> None:
    """See that the command is there, and does what the source says by now."""
    command = venv / "bin/monorepo"
    assert "tools/src" in run(command, "--help")
    parser = source / "monorepo/parsing/arguments.py"
    text = parser.read_text(encoding="utf-8")
    parser.write_text(text.replace('prog="monorepo"', 'prog="changed"'), encoding="utf-8")
    assert run(command, "--help").startswith("usage: changed ")
    shown = "from importlib.metadata import distribution as d; x = d('cookiecutter-monorepo')"
    said = run(venv / "bin/python", "-c", f"{shown}; print(x.version, x.requires)")
    assert said == "1.5 ['left>=1']\n"


@pytest.mark.slow
def test_uv_installs_it(venv: Path, source: Path) -> None:
    words = ("--quiet", "--offline", "--no-index", "--no-deps", "--editable", source)
    run(UV, "pip", "install", "--python", venv / "bin/python", *words)
    works(venv, source)


@pytest.mark.slow
def test_pip_installs_it(venv: Path, source: Path) -> None:
    words = ("--quiet", "--no-index", "--no-deps", "--editable", source)
    run(sys.executable, "-m", "pip", "--python", venv / "bin/python", "install", *words)
    works(venv, source)


def test_what_is_in_the_wheel(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source)
    name = editable.build_editable(str(tmp_path))
    assert name == "cookiecutter_monorepo-1.5-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name) as wheel:
        assert wheel.testzip() is None
        assert wheel.read("cookiecutter_monorepo.pth").decode() == f"{source}\n"
        info = "cookiecutter_monorepo-1.5.dist-info"
        recorded = wheel.read(f"{info}/RECORD").decode().splitlines()
        assert {line.partition(",")[0] for line in recorded} == {*wheel.namelist()} - {
            f"{info}/RECORD"
        }


def test_a_manifest_without_a_project(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "pyproject.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(source)
    with pytest.raises(KeyError, match="project"):
        editable.build_editable(str(source))
