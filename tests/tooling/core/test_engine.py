"""The engine of a repository is the wheel that one file names, and nothing else is taken for it."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monorepo.core import engine
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
GiveEngine = Callable[..., None]

WHEEL = "./tools/cookiecutter_monorepo-1.0-py3-none-any.whl"
LINE = f"{WHEEL} \\\n    --hash=sha256:{'0a' * 32}\n"


def test_the_wheel_is_named_with_its_hash(root: Path) -> None:
    found = engine.read(root)
    content = (root / found.path).read_bytes()
    assert (found.sha256, found.version) == (hashlib.sha256(content).hexdigest(), "1.0")
    assert found.line == f"{WHEEL} --hash=sha256:{found.sha256}"
    assert (root / engine.REQUIREMENT).read_text(encoding="utf-8") == found.text


@pytest.mark.parametrize("text", [LINE, f"# Why.\n{LINE}", f"# {WHEEL}\n\n{LINE}\n# More.\n"])
def test_comments_say_nothing(root: Path, write: Write, text: str) -> None:
    write({engine.REQUIREMENT: text})
    assert engine.read(root) == engine.Engine(root, WHEEL[2:], "0a" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"# {LINE}",
        LINE * 2,
        f"{LINE}left==1.0\n",
        f"{WHEEL}\n",
        LINE.replace("0a", "0A"),
        LINE.replace("0a0a", "0a", 1),
        LINE.replace("sha256", "md5"),
        LINE.replace("./tools", "/tools"),
        LINE.replace("tools/", "tools/../"),
        LINE.replace("-py3-none-any.whl", ".tar.gz"),
        LINE.replace("./tools/", "https://example.com/tools/"),
    ],
)
def test_what_names_no_wheel_is_refused(root: Path, write: Write, text: str) -> None:
    write({engine.REQUIREMENT: text})
    with pytest.raises(UsageError) as caught:
        engine.read(root)
    fix = "restore it from git"
    assert caught.value.mistakes == (
        f"{engine.REQUIREMENT}: does not name a wheel and its sha256; {fix}",
    )


def test_the_file_may_be_missing(root: Path) -> None:
    (root / engine.REQUIREMENT).unlink()
    with pytest.raises(UsageError, match=f"^{engine.REQUIREMENT}: is missing; restore it from git"):
        engine.read(root)


def test_the_wheel_tells_what_it_requires(root: Path, give_engine: GiveEngine) -> None:
    assert engine.read(root).requirements == []
    asked = ["left>=1", "right ; python_version < '3.12'", "deep ; extra == 'x'"]
    give_engine(*asked)
    assert engine.read(root).requirements == asked[:2]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def emptied(file: Path) -> None:
    with zipfile.ZipFile(file, "w"):
        pass


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "is missing; restore it from git"),
        (cut, "is not the file that tools/requirements.txt names; restore both from git"),
    ],
)
def test_another_wheel_is_told(root: Path, spoil: Callable[[Path], None], said: str) -> None:
    found = engine.read(root)
    assert found.content() == (root / found.path).read_bytes()
    spoil(root / found.path)
    again = engine.read(root)
    for read in (again.content, lambda: again.requirements):
        with pytest.raises(UsageError) as caught:
            read()
        assert caught.value.mistakes == (f"{found.path}: {said}",)


@pytest.mark.parametrize("spoil", [cut, emptied])
def test_a_broken_wheel_is_told(root: Path, spoil: Callable[[Path], None]) -> None:
    wheel = root / engine.read(root).path
    spoil(wheel)
    found = replace(engine.read(root), sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(UsageError, match=r"-any\.whl: cannot be read; restore it from git$"):
        _ = found.requirements


def test_an_ejected_engine_is_its_source(root: Path, write: Write) -> None:
    found = engine.read(root)
    ejected = engine.Engine(root, found.path, found.sha256, ejected=True)
    write({engine.REQUIREMENT: ejected.text})
    assert engine.read(root) == ejected
    assert (ejected.line, ejected.version) == ("-e ./tools/src", "1.0")
    manifest = f"{engine.SOURCE}/pyproject.toml"
    for text in ("[", "[tool.x]\n"):
        write({manifest: text})
        with pytest.raises(UsageError, match=rf"^{manifest}: has no \[project\]; restore it"):
            _ = engine.read(root).requirements
    write({manifest: '[project]\nname = "x"\ndependencies = ["left"]\n'})
    assert engine.read(root).requirements == ["left"]
