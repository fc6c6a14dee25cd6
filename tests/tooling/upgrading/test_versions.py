"""A version is a file with a name and a hash; it is found where it is, and run aside."""

import hashlib
import os
import re
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from monorepo.core.engine import Engine
from monorepo.programs.git import Git
from monorepo.system.errors import TaskError, UsageError
from monorepo.upgrading import versions
from monorepo.upgrading.versions import Release

Save = Callable[[], str]

NAME = "cookiecutter_monorepo-{}-py3-none-any.whl"


def made(folder: Path, version: str, **files: str) -> Path:
    """Write the wheel of an engine with some files, whose names have __ for a slash."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / NAME.format(version)
    with zipfile.ZipFile(wheel, "w") as archive:
        metadata = f"cookiecutter_monorepo-{version}.dist-info/METADATA"
        added = {name.replace("__", "/"): text for name, text in files.items()}
        for name, text in {"monorepo/__main__.py": "", metadata: "", **added}.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if text[:2] == "#!" else 0o644) << 16
            archive.writestr(entry, text)
    return wheel


def have(root: Path, version: str) -> Path:
    """Give a repository a version."""
    wheel = made(root / "tools", version)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    text = Engine(root, f"tools/{wheel.name}", digest).text
    (root / "tools/requirements.txt").write_text(text, encoding="utf-8")
    return wheel


@pytest.mark.parametrize("version", ["1.0", "1.0rc1", "1!2.0.post1", "1.0+local.1"])
def test_a_name_tells_the_version(version: str) -> None:
    assert versions.version_of(Path("a b", NAME.format(version))) == Version(version)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1.0",
        "other-1.0-py3-none-any.whl",
        NAME.format("x"),
        NAME.format("1.0").replace("py3", "cp311"),
    ],
)
def test_another_name_is_none_of_ours(name: str) -> None:
    with pytest.raises(UsageError, match="is no wheel of cookiecutter-monorepo"):
        versions.version_of(Path(name))


@pytest.mark.parametrize("text", ["", "x", "1..0", "1.0\n2.0", "latest"])
def test_what_is_no_version(text: str) -> None:
    assert versions.number("1.0", "TO") == Version("1")
    with pytest.raises(UsageError, match=r"^TO: .* is no version; correct it$"):
        versions.number(text, "TO")


def test_a_wheel_is_read(tmp_path: Path) -> None:
    wheel = made(tmp_path, "1.0")
    release = versions.read(wheel)
    assert release == Release(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert release.version == Version("1.0")
    with pytest.raises(UsageError, match=r"cannot be read \(No such file or directory\)"):
        versions.read(tmp_path / NAME.format("2.0"))
    wheel.write_bytes(b"<html>")
    with pytest.raises(UsageError, match="is no wheel; download it again"):
        versions.read(wheel)


def test_a_wheel_has_what_its_name_says(tmp_path: Path) -> None:
    wheel = made(tmp_path, "1.0").rename(tmp_path / NAME.format("2.0"))
    wrong = r"has not what its name says, an engine with cookiecutter_monorepo-2\.0\.dist-info"
    with pytest.raises(UsageError, match=wrong):
        versions.read(wheel)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("cookiecutter_monorepo-2.0.dist-info/METADATA", "")
    with pytest.raises(UsageError, match=wrong):
        versions.read(wheel)


@pytest.mark.parametrize("kept", [1, 20])
def test_a_damaged_wheel_is_not_unpacked(tmp_path: Path, kept: int) -> None:
    wheel = made(tmp_path, "1.0")
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(500).hex())
        at = archive.getinfo("a").header_offset + 30 + kept
    content = bytearray(wheel.read_bytes())
    content[at : at + 40] = b"\xff" * 40
    wheel.write_bytes(content)
    with pytest.raises(UsageError, match=rf"^{re.escape(wheel.name)}: is no wheel \("):
        versions.unpack(versions.read(wheel), tmp_path / "engine")


def test_the_current_one_is_that_which_is_named(root: Path) -> None:
    wheel = have(root, "2.0")
    assert versions.current(root) == versions.read(wheel)
    wheel.write_bytes(b"another")
    with pytest.raises(UsageError):
        versions.current(root)
    wheel.unlink()
    with pytest.raises(UsageError):
        versions.current(root)


@pytest.mark.parametrize("place", ["", "./", "a b/"])
def test_one_is_wanted_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    wheel = made(tmp_path / place, "3.0")
    assert versions.wanted(tmp_path, f"{place}{wheel.name}", tmp_path).wheel.samefile(wheel)
    with pytest.raises(UsageError, match="is no wheel of cookiecutter-monorepo"):
        versions.wanted(tmp_path, f"{place}other.whl", tmp_path)


def test_no_index_is_asked_for_what_is_no_version(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^TO: 'newest' is no version; correct it$"):
        versions.wanted(root, "newest", tmp_path)


@pytest.mark.parametrize("place", ["", "sub"])
def test_an_earlier_one_is_here_or_in_git(
    root: Path, git: Git, save: Save, tmp_path: Path, place: str
) -> None:
    here = root / place
    first = have(here, "1.0")
    content = first.read_bytes()
    save()
    first.unlink()
    have(here, "2.0")
    save()
    assert versions.earlier(here, "2.0", tmp_path).wheel == here / "tools" / NAME.format("2.0")
    found = versions.earlier(here, "1.0", tmp_path)
    assert found.wheel.read_bytes() == content
    assert found.version == Version("1.0")


def test_it_is_unpacked_with_its_modes(tmp_path: Path) -> None:
    release = versions.read(made(tmp_path, "1.0", monorepo__run="#!/bin/sh\n", a="x"))
    folder = versions.unpack(release, tmp_path / "engine")
    assert (folder / "a").read_text("utf-8") == "x"
    modes = [stat.S_IMODE((folder / name).stat().st_mode) for name in ("monorepo/run", "a")]
    assert modes == [0o755, 0o644]


def test_a_broken_one_is_not(tmp_path: Path) -> None:
    wheel = made(tmp_path, "1.0", a="x" * 1000)
    content = bytearray(wheel.read_bytes())
    content[content.index(b"xxxx")] = ord("y")
    wheel.write_bytes(content)
    with pytest.raises(UsageError, match="is no wheel"):
        versions.unpack(versions.read(wheel), tmp_path / "engine")


def engine(tmp_path: Path, render: str) -> Path:
    """Return the folder of an engine that renders with that code."""
    errors = (
        "class UsageError(Exception):\n    @property\n    def mistakes(self): return self.args\n"
    )
    files = {
        "system/errors.py": errors,
        "upgrading/rendering.py": f"def render(wanted, out):\n    {render}\n",
        **{f"{room}__init__.py": "" for room in ("", "system/", "upgrading/")},
    }
    folder = tmp_path / "engine"
    for name, text in files.items():
        (folder / "monorepo" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "monorepo" / name).write_text(text, encoding="utf-8")
    return folder


QUESTION = {"wheel": False, "out": "/nonexistent", "é": 'q"\n'}


def test_another_engine_answers_in_a_process_of_its_own(tmp_path: Path) -> None:
    code = "print('talk'); import os; "
    code += "return {'é': wanted['é'], 'pid': os.getpid()}"
    folder = engine(tmp_path, code)
    before = {*folder.rglob("*")}
    answer = versions.ask(folder, QUESTION)
    assert answer["é"] == QUESTION["é"]
    assert answer["pid"] != os.getpid()
    assert {*folder.rglob("*")} == before
    assert str(folder) not in sys.path


def test_its_mistakes_are_ours(tmp_path: Path) -> None:
    code = "from monorepo.system.errors import UsageError; raise UsageError('a: b', 'c: d')"
    with pytest.raises(UsageError) as caught:
        versions.ask(engine(tmp_path, code), QUESTION)
    assert caught.value.mistakes == ("a: b", "c: d")


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("1 / 0", r"^the template cannot be rendered: ZeroDivisionError: division by zero$"),
        ("raise SystemExit('no\\n')", r"failed \(1\)\nno$"),
    ],
)
def test_its_failure_is_shown(tmp_path: Path, does: str, said: str) -> None:
    with pytest.raises(TaskError, match=said):
        versions.ask(engine(tmp_path, does), QUESTION)


def test_its_environment_is_that_of_what_it_requires() -> None:
    assert (versions.site_packages() / "cookiecutter").is_dir()
