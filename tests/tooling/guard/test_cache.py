"""What was found in files is found once, for as long as they do not change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.guard import cache
from monorepo.guard.cache import FILE, FileCache


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., tuple[object, list[str]]]:
    """Return a function that asks for a file in a new run: what is found, and what was read."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / "a").write_text("one", encoding="utf-8")

    def ask(path: str = "a", given: str = "") -> tuple[object, list[str]]:
        read: list[str] = []

        def find(path: str) -> list[str] | None:
            read.append(path)
            file = tmp_path / path
            return [file.read_text(encoding="utf-8")] if file.exists() else None

        store = FileCache(tmp_path)
        result = store.of(path, "text", find, given)
        store.save()
        return result, read

    return ask


Found = Callable[..., tuple[object, list[str]]]


def test_a_file_is_read_again_only_once_it_changed(tmp_path: Path, found: Found) -> None:
    assert found() == (["one"], ["a"])
    assert found() == (["one"], [])
    (tmp_path / "a").write_text("two", encoding="utf-8")
    assert found() == (["two"], ["a"])
    (tmp_path / "a").chmod(0o600)
    assert found() == (["two"], ["a"])
    assert found() == (["two"], [])


def test_what_else_it_depends_on_counts(found: Found) -> None:
    assert found(given="x") == (["one"], ["a"])
    assert found(given="y") == (["one"], ["a"])
    assert found(given="y") == (["one"], [])


def test_what_cannot_be_read_is_not_kept(tmp_path: Path, found: Found) -> None:
    assert found("b") == (None, ["b"])
    (tmp_path / "b").write_text("", encoding="utf-8")
    assert found("b") == ([""], ["b"])


def test_another_version_of_the_tooling_finds_anew(
    found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found()
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "guard/cache.py"))
    assert found() == (["one"], ["a"])


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"by": 1, "files": 2}', "\xff", "\n\n"])
def test_a_broken_file_is_written_anew(tmp_path: Path, found: Found, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    assert found() == (["one"], ["a"])
    assert found() == (["one"], [])


@pytest.mark.parametrize("broken", ["", "{", "null", "[1, {}]"])
def test_a_broken_line_is_written_anew(tmp_path: Path, found: Found, broken: str) -> None:
    found()
    first = (tmp_path / FILE).read_text(encoding="utf-8").split("\n")[0]
    (tmp_path / FILE).write_text(f"{first}\n{broken}\ta", encoding="utf-8")
    assert found() == (["one"], ["a"])
    assert found() == (["one"], [])


@pytest.mark.parametrize("name", ["a\tb", "ä b", "a\rb", "a\u2028b", os.fsdecode(b"a\xff")])
def test_odd_names_are_kept(tmp_path: Path, found: Found, name: str) -> None:
    (tmp_path / name).write_text("odd", encoding="utf-8")
    assert found(name) == (["odd"], [name])
    assert found(name) == (["odd"], [])
    assert found() == (["one"], ["a"])


def test_a_name_of_two_lines_spoils_no_other(tmp_path: Path, found: Found) -> None:
    (tmp_path / "a\nb").write_text("odd", encoding="utf-8")
    found()
    assert found("a\nb") == (["odd"], ["a\nb"])
    assert found() == (["one"], [])


def test_without_an_environment_nothing_is_kept(tmp_path: Path, found: Found) -> None:
    (tmp_path / ".venv").rmdir()
    assert found() == (["one"], ["a"])
    assert found() == (["one"], ["a"])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_digest_changes_with_any_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one", encoding="utf-8")
    before = FileCache(tmp_path).digest(["a", "b"])
    assert FileCache(tmp_path).digest(["a", "b"]) == before
    (tmp_path / "b").mkdir()
    assert FileCache(tmp_path).digest(["a", "b"]) != before
