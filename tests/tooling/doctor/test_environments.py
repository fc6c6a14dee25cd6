"""Environments are reported as missing, broken, incomplete, moved or drifted, and left so."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.doctor import environments
from monorepo.environments import virtualenv
from monorepo.guard.findings import Finding

Write = Callable[[dict[str, str]], None]
STAMP = ".venv/monorepo.json"


@pytest.fixture
def made(
    root: Path, wheel: Callable[..., None], package: Callable[..., Path], write: Write
) -> Path:
    """Give the tiny monorepo a package and its environment."""
    uv = shutil.which("uv")
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": f'#!/bin/sh\nexec "{uv}" "$@"\n'})
    wheel("left", "1.0")
    write({"constraints.txt": "left==1.0\nuv==9.9\n"})
    package("shared/py/core", "left")
    space = workspace.load(root)
    virtualenv.install(space, list(space.packages.values()))
    return root


def found(root: Path) -> list[Finding]:
    return list(environments.findings(workspace.load(root)))


def test_what_is_as_pinned_is_all_right(made: Path, tree: Callable[[], object]) -> None:
    then = tree()
    assert [(one.status, one.id, one.path) for one in found(made)] == [
        ("ok", "environments", ".venv")
    ]
    assert tree() == then


def missing(root: Path) -> None:
    shutil.rmtree(root / ".venv")


def foreign(root: Path) -> None:
    missing(root)
    (root / ".venv").touch()


def broken(root: Path) -> None:
    (root / ".venv/bin/python").unlink()
    (root / ".venv/bin/python").symlink_to("/nonexistent")


def incomplete(root: Path) -> None:
    (root / STAMP).unlink()


def changed(root: Path, key: str, value: object) -> None:
    stamp = json.loads((root / STAMP).read_text(encoding="utf-8"))
    (root / STAMP).write_text(json.dumps({**stamp, key: value}), encoding="utf-8")


def moved(root: Path) -> None:
    changed(root, "folder", "/elsewhere")


def drift(root: Path) -> None:
    manifest = root / "shared/py/core/pyproject.toml"
    text = manifest.read_text(encoding="utf-8").replace('version = "1.0"', 'version = "1.1"')
    manifest.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("spoil", [missing, foreign, broken, incomplete, moved, drift])
def test_what_is_not_is_told_with_what_mends_it(
    made: Path, tree: Callable[[], object], spoil: Callable[[Path], None]
) -> None:
    spoil(made)
    then = tree()
    (one,) = found(made)
    assert (one.status, one.id) == ("error", f"environments.{spoil.__name__}")
    assert one.fix == ("move it away" if spoil is foreign else "make install")
    assert tree() == then


@pytest.mark.parametrize("spoil", [missing, drift])
def test_what_is_not_pinned_is_locked_before_it_is_installed(
    made: Path, tree: Callable[[], object], spoil: Callable[[Path], None]
) -> None:
    manifest = made / "shared/py/core/pyproject.toml"
    text = manifest.read_text(encoding="utf-8").replace('["left"]', '["left", "new"]')
    manifest.write_text(text, encoding="utf-8")
    spoil(made)
    then = tree()
    (one,) = found(made)
    assert (one.id, one.fix) == (f"environments.{spoil.__name__}", "make lock && make install")
    assert tree() == then


def test_another_version_than_the_pinned_one_is_named(made: Path, write: Write) -> None:
    write({"constraints.txt": "left==2.0\nuv==9.9\n"})
    (one,) = found(made)
    assert one.id == "environments.drift"
    assert one.message == "is not as pinned: left 1.0 is installed, 2.0 is pinned"


def test_tools_without_packages_are_incomplete(made: Path) -> None:
    stamp = json.loads((made / STAMP).read_text(encoding="utf-8"))
    changed(made, "layers", {"tools": stamp["layers"]["tools"]})
    (one,) = found(made)
    assert (one.id, one.message) == (
        "environments.incomplete",
        "has the tools alone, no package",
    )


def test_an_environment_that_nothing_uses_is_a_warning(made: Path) -> None:
    for path in ("shared/py/core/.venv", "shared/py/it's gone/.venv"):
        (made / path).mkdir(parents=True)
    assert [(one.status, one.id, one.fix) for one in found(made)[1:]] == [
        ("warn", "environments.unused", "rm -rf shared/py/core/.venv"),
        ("warn", "environments.unused", "rm -rf 'shared/py/it'\"'\"'s gone/.venv'"),
    ]


def test_node_modules_is_looked_at(javascript: Path) -> None:
    def last() -> Finding:
        return found(javascript)[-1]

    assert (last().path, last().id) == ("node_modules", "environments.missing")
    (javascript / "node_modules").mkdir()
    assert (last().path, last().id) == ("node_modules", "environments.drift")
