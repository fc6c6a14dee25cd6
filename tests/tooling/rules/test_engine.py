"""The wheel is the one that is named, and has the version that the repository records."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import engine, workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
OTHER = "tools/cookiecutter_monorepo-0.9-py3-none-any.whl"


@pytest.fixture
def wheel(root: Path) -> Path:
    """Record the version of the tiny monorepo's engine; return its wheel."""
    version(root, '"1.0"')
    return root / engine.read(root).path


def version(root: Path, text: str) -> None:
    """Record a version, as it stands in TOML."""
    manifest = root / "pyproject.toml"
    kept = manifest.read_text(encoding="utf-8").partition("\n[tool.monorepo.template]")[0]
    table = f"\n[tool.monorepo.template]\nversion = {text}\n" if text else ""
    manifest.write_text(kept + table, encoding="utf-8")


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["engine"])]


@pytest.mark.usefixtures("wheel")
def test_what_was_made(root: Path) -> None:
    assert found(root) == []


def test_another_file_in_its_place(root: Path, wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"more")
    assert found(root) == [
        f"tools/{wheel.name}: engine: does not have the sha256 that tools/requirements.txt names;"
        " restore both from the same commit"
    ]


def test_no_file_at_all(root: Path, wheel: Path) -> None:
    wheel.unlink()
    assert found(root) == [f"tools/{wheel.name}: engine: is missing; restore it from git"]


@pytest.mark.usefixtures("wheel")
def test_two_wheels(root: Path, write: Write) -> None:
    write({OTHER: "", "tools/wheels/b-1-py3-none-any.whl": "", "docs/c-1-py3-none-any.whl": ""})
    message = "engine: is not the wheel that tools/requirements.txt names; remove it, or restore"
    assert found(root) == [
        f"{OTHER}: {message} that file from git",
        f"tools/wheels/b-1-py3-none-any.whl: {message} that file from git",
    ]


@pytest.mark.parametrize(
    ("text", "said"), [('"0.9"', "'0.9'"), ("1", "1"), ("[]", "[]"), ("", "None")]
)
@pytest.mark.usefixtures("wheel")
def test_another_version_is_recorded(root: Path, text: str, said: str) -> None:
    version(root, text)
    rows = (root / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    place = f"pyproject.toml:{rows.index(f'version = {text}') + 1}" if text else "pyproject.toml"
    assert found(root) == [
        f"{place}: engine: [tool.monorepo.template] has version = {said}, the engine 1.0;"
        ' write "1.0"'
    ]


def test_a_new_wheel_with_all_that_names_it(root: Path, wheel: Path) -> None:
    other = root / OTHER
    other.write_bytes(wheel.read_bytes())
    digest = hashlib.sha256(other.read_bytes()).hexdigest()
    text = engine.Engine(root, OTHER, digest).text
    (root / "tools/requirements.txt").write_text(text, encoding="utf-8")
    version(root, '"0.9"')
    wheel.unlink()
    assert found(root) == []


def test_what_names_no_wheel(root: Path, wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wheel.exists()
    (root / "tools/requirements.txt").write_text("# Nothing.\n", encoding="utf-8")
    assert cli.main(["--root", str(root), "guard", "engine"]) == 1
    said = "does not name a wheel and its sha256; restore it from git"
    assert capsys.readouterr().out == f"tools/requirements.txt: unreadable: {said}\n"
