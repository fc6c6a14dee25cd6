"""What is reported of git, the engine, the locks, the disk, and of what commands leave behind."""

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.doctor import checkout
from monorepo.environments import git_hooks
from monorepo.guard.findings import Finding
from monorepo.system import transaction

Write = Callable[[dict[str, str]], None]


def brief(found: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(one.status, one.id) for one in found]


def one_of(found: Iterable[Finding]) -> Finding:
    (one,) = found
    return one


def test_a_hook_is_looked_for_where_git_does(root: Path) -> None:
    assert one_of(checkout.hook(root)).id == "hooks.repository"
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    assert one_of(checkout.hook(root)).fix == "make install-hooks"
    other = root.parent / "hooks"
    other.mkdir()
    (other / "pre-commit").write_text(f"#!/bin/sh\n# {git_hooks.PREK}\n", encoding="utf-8")
    subprocess.run(["git", "config", "core.hooksPath", str(other)], cwd=root, check=True)
    assert one_of(checkout.hook(root)).status == "ok"


def test_without_git_the_check_of_git_tells_of_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert list(checkout.hook(root)) == []


def test_the_engine_is_the_one_that_is_named(root: Path, write: Write) -> None:
    good = one_of(checkout.engine(workspace.load(root)))
    assert good.status == "ok" and good.message.startswith("1.0, sha256 ")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": f'{facts}\n[tool.monorepo.template]\nversion = "0.9"\n'})
    assert one_of(checkout.engine(workspace.load(root))).id == "engine.version"
    (root / good.path).write_bytes(b"other")
    changed = one_of(checkout.engine(workspace.load(root)))
    assert (changed.id, changed.fix) == ("engine.changed", "restore both from git")


def test_an_ejected_engine_is_told(root: Path, write: Write) -> None:
    text = (root / "tools/requirements.txt").read_text(encoding="utf-8")
    lines = text.partition("./")[2].split()
    ejected = f"# ./{lines[0]} {lines[2]}\n-e ./tools/src\n"
    write({"tools/requirements.txt": ejected})
    assert "ejected to tools/src" in one_of(checkout.engine(workspace.load(root))).message


def test_locks_that_do_not_fit_are_told_with_make_lock(
    root: Path, package: Callable[..., Path], write: Write
) -> None:
    assert one_of(checkout.locks(workspace.load(root))).status == "ok"
    package("shared/py/core", "deep")
    one = one_of(checkout.locks(workspace.load(root)))
    assert (one.id, one.fix) == ("locks.drift", "make lock")
    assert one.path == "shared/py/core/pyproject.toml"


def test_packages_that_are_broken_are_told(root: Path, write: Write) -> None:
    assert one_of(checkout.problems(workspace.load(root))).message == "0 can be read"
    write({"shared/py/core/pyproject.toml": "x"})
    one = one_of(checkout.problems(workspace.load(root)))
    assert (one.id, one.path) == ("packages.broken", "shared/py/core/pyproject.toml")


def test_a_disk_that_is_nearly_full_is_a_warning(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert one_of(checkout.disk(root)).id in ("disk", "disk.full")
    monkeypatch.setattr(checkout, "ROOM", shutil.disk_usage(root).total + 1)
    assert (one_of(checkout.disk(root)).status, one_of(checkout.disk(root)).id) == (
        "warn",
        "disk.full",
    )


def test_what_was_interrupted_is_told_and_left(root: Path) -> None:
    assert brief(checkout.left_behind(root)) == [("ok", "caches")]
    journal = transaction.record(root, "journal")
    journal.write_text("{}", encoding="utf-8")
    (root / "shared/py/gone/.nox").mkdir(parents=True)
    assert brief(checkout.left_behind(root)) == [
        ("warn", "caches.interrupted"),
        ("warn", "caches.stale"),
    ]
    assert journal.exists()
