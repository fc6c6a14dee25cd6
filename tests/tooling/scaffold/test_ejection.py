"""The engine becomes source, and a wheel again, byte for byte; nothing is lost on the way."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import engine, workspace
from monorepo.guard import runner
from monorepo.scaffold import creation, ejection
from monorepo.system.errors import UsageError
from monorepo.templating import template

REQUIREMENT = "tools/requirements.txt"


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a real monorepo, whose wheel is a real one."""
    out = tmp_path_factory.mktemp("ejection")
    words = ["--no-input", "--default-config", "repo_name=acme", "packages=shared/py/core"]
    root = creation.make(out, creation.collect(words, out))
    git(root, "add", "--all")
    git(root, "commit", "-qm", "all")
    return root


@pytest.fixture
def root(committed: Path, tmp_path: Path) -> Path:
    """Copy it, to a path that is no easy one."""
    return shutil.copytree(committed, tmp_path / "a b ü", symlinks=True)


def eject(root: Path) -> str:
    return ejection.eject(workspace.load(root))


def undo(root: Path) -> str:
    return ejection.undo(workspace.load(root))


def save(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "-qm", "more")


def test_the_source_is_that_of_the_wheel(root: Path) -> None:
    wheel = workspace.load(root).engine
    assert eject(root) == (
        f"ejected the engine to tools/src; {wheel.path} stays, to go back with UNDO=1"
    )
    with zipfile.ZipFile(root / wheel.path) as archive:
        entries = [one for one in archive.infolist() if one.filename.startswith("monorepo/")]
        for entry in entries:
            file = root / "tools/src" / entry.filename
            assert file.read_bytes() == archive.read(entry)
            assert file.stat().st_mode == entry.external_attr >> 16
    names = {entry.filename for entry in entries} | {"pyproject.toml"}
    source = root / "tools/src"
    files = (path for path in source.rglob("*") if path.is_file())
    assert {str(path.relative_to(source)) for path in files} == names
    ejected = workspace.load(root).engine
    assert ejected.ejected
    assert (ejected.path, ejected.sha256) == (wheel.path, wheel.sha256)
    assert ejected.requirements == wheel.requirements
    assert (root / wheel.path).exists()
    assert git(root, "status", "--porcelain") == f" M {REQUIREMENT}\n?? tools/src/\n"


def test_no_rule_minds_it(root: Path) -> None:
    eject(root)
    save(root)
    assert runner.guard(workspace.load(root), ["engine", "names", "docs", "ignored"]) == []


def test_the_source_runs(root: Path) -> None:
    eject(root)
    launcher = root / "tools/make/engine.py"
    command = [sys.executable, "-I", str(launcher), "--root", str(root), "list"]
    # What is installed beside this Python is not to be found first.
    main = root / "tools/src/monorepo/__main__.py"
    main.write_text(f'print("changed")\n{main.read_text(encoding="utf-8")}', encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("changed\n")
    assert "shared/py/core" in done.stdout


def test_there_and_back_is_nothing(root: Path) -> None:
    eject(root)
    save(root)
    assert undo(root) == f"the engine is {workspace.load(root).engine.path} again"
    assert git(root, "diff", "HEAD~1") == ""
    assert not (root / "tools/src").exists()


def test_twice(root: Path) -> None:
    eject(root)
    with pytest.raises(UsageError, match=r"^tools/src: the engine is ejected already; change it"):
        eject(root)
    git(root, "checkout", "-q", ".")
    git(root, "clean", "-fdq")
    with pytest.raises(UsageError, match=r"txt: the engine is not ejected; make eject does that$"):
        undo(root)


def test_what_git_does_not_have_is_not_replaced(root: Path) -> None:
    file = root / REQUIREMENT
    file.write_text(file.read_text(encoding="utf-8") + "# Mine.\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"^{REQUIREMENT}: is not committed; commit or discard"):
        eject(root)
    git(root, "checkout", "-q", REQUIREMENT)
    (root / "tools/src").mkdir()
    (root / "tools/src/mine.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^tools/src/mine\.py: is not committed; "):
        eject(root)
    assert (root / "tools/src/mine.py").exists()


def test_what_git_does_not_have_is_not_removed(root: Path) -> None:
    eject(root)
    with pytest.raises(UsageError, match=r": is not committed; commit or discard that first$"):
        undo(root)
    save(root)
    (root / "tools/src/monorepo/mine.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^tools/src/monorepo/mine\.py: is not committed; "):
        undo(root)
    assert (root / "tools/src/monorepo/mine.py").exists()


def test_caches_are_in_nobodys_way(root: Path) -> None:
    eject(root)
    save(root)
    cache = root / "tools/src/monorepo/__pycache__"
    cache.mkdir()
    (cache / "cli.cpython-311.pyc").write_bytes(b"")
    undo(root)
    assert not (root / "tools/src").exists()


def test_without_git(root: Path) -> None:
    shutil.rmtree(root / ".git")
    with pytest.raises(UsageError, match=r": git does not know this folder; run git init, and"):
        eject(root)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"another", "is not the file that tools/req"), (None, "is missing; rest")],
)
def test_another_wheel_is_refused(root: Path, content: bytes | None, said: str) -> None:
    wheel = root / workspace.load(root).engine.path
    if content is None:
        wheel.unlink()
    else:
        wheel.write_bytes(wheel.read_bytes() + content)
    with pytest.raises(UsageError, match=rf"\.whl: {said}"):
        eject(root)
    assert not (root / "tools/src").exists()


def test_there_is_no_way_back_to_another_wheel(root: Path) -> None:
    eject(root)
    wheel = root / workspace.load(root).engine.path
    wheel.write_bytes(b"another")
    save(root)
    with pytest.raises(UsageError, match=r"\.whl: is not the file that tools/requirements\.txt na"):
        undo(root)
    assert (root / "tools/src").exists()


def test_its_manifest_is_needed(root: Path) -> None:
    eject(root)
    (root / "tools/src/pyproject.toml").write_text("[tool.x]\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^tools/src/pyproject\.toml: has no \[project\]; rest"):
        _ = workspace.load(root).engine.requirements


def test_the_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(root), "eject"]) == 0
    assert capsys.readouterr().out.startswith("ejected the engine to tools/src; ")
    save(root)
    assert cli.main(["--root", str(root), "eject", "--undo"]) == 0
    assert capsys.readouterr().out.endswith(" again\n")
    assert engine.read(root).version == template.version()
