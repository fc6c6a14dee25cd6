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
def real(committed: Path, tmp_path: Path) -> Path:
    """Copy it, to a path that is no easy one."""
    return shutil.copytree(committed, tmp_path / "a real ü", symlinks=True)


@pytest.fixture
def tiny(root: Path) -> Path:
    """Commit a monorepo whose engine is one file: what is refused does not depend on the others."""
    git(root, "init", "--quiet")
    save(root)
    return root


def eject(root: Path) -> str:
    return ejection.eject(workspace.load(root))


def undo(root: Path) -> str:
    return ejection.undo(workspace.load(root))


def save(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "-qm", "more")


def test_the_source_is_that_of_the_wheel(real: Path) -> None:
    wheel = workspace.load(real).engine
    assert eject(real) == (
        f"ejected the engine to tools/src; {wheel.path} stays, to go back with UNDO=1"
    )
    with zipfile.ZipFile(real / wheel.path) as archive:
        entries = [one for one in archive.infolist() if one.filename.startswith("monorepo/")]
        for entry in entries:
            file = real / "tools/src" / entry.filename
            assert file.read_bytes() == archive.read(entry)
            assert file.stat().st_mode == entry.external_attr >> 16
    names = {entry.filename for entry in entries} | {"pyproject.toml"}
    source = real / "tools/src"
    files = (path for path in source.rglob("*") if path.is_file())
    assert {str(path.relative_to(source)) for path in files} == names
    ejected = workspace.load(real).engine
    assert ejected.ejected
    assert (ejected.path, ejected.sha256) == (wheel.path, wheel.sha256)
    assert ejected.requirements == wheel.requirements
    assert (real / wheel.path).exists()
    assert git(real, "status", "--porcelain") == f" M {REQUIREMENT}\n?? tools/src/\n"


def test_no_rule_minds_it(real: Path) -> None:
    eject(real)
    save(real)
    assert runner.guard(workspace.load(real), ["engine", "names", "docs", "ignored"]) == []


def test_the_source_runs(real: Path) -> None:
    eject(real)
    launcher = real / "tools/make/engine.py"
    command = [sys.executable, "-I", str(launcher), "--root", str(real), "list"]
    # What is installed beside this Python is not to be found first.
    main = real / "tools/src/monorepo/__main__.py"
    main.write_text(f'print("changed")\n{main.read_text(encoding="utf-8")}', encoding="utf-8")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("changed\n")
    assert "shared/py/core" in done.stdout


def test_there_and_back_is_nothing(real: Path) -> None:
    eject(real)
    save(real)
    assert undo(real) == f"the engine is {workspace.load(real).engine.path} again"
    assert git(real, "diff", "HEAD~1") == ""
    assert not (real / "tools/src").exists()


def test_twice(tiny: Path) -> None:
    eject(tiny)
    with pytest.raises(UsageError, match=r"^tools/src: the engine is ejected already; change it"):
        eject(tiny)
    git(tiny, "checkout", "-q", ".")
    git(tiny, "clean", "-fdq")
    with pytest.raises(UsageError, match=r"txt: the engine is not ejected; make eject does that$"):
        undo(tiny)


def test_what_git_does_not_have_is_not_replaced(tiny: Path) -> None:
    file = tiny / REQUIREMENT
    file.write_text(file.read_text(encoding="utf-8") + "# Mine.\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"^{REQUIREMENT}: is not committed; commit or discard"):
        eject(tiny)
    git(tiny, "checkout", "-q", REQUIREMENT)
    (tiny / "tools/src").mkdir()
    (tiny / "tools/src/mine.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^tools/src/mine\.py: is not committed; "):
        eject(tiny)
    assert (tiny / "tools/src/mine.py").exists()


def test_what_git_does_not_have_is_not_removed(tiny: Path) -> None:
    eject(tiny)
    with pytest.raises(UsageError, match=r": is not committed; commit or discard that first$"):
        undo(tiny)
    save(tiny)
    (tiny / "tools/src/monorepo/mine.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^tools/src/monorepo/mine\.py: is not committed; "):
        undo(tiny)
    assert (tiny / "tools/src/monorepo/mine.py").exists()


def test_caches_are_in_nobodys_way(real: Path) -> None:
    eject(real)
    save(real)
    cache = real / "tools/src/monorepo/__pycache__"
    cache.mkdir()
    (cache / "cli.cpython-311.pyc").write_bytes(b"")
    undo(real)
    assert not (real / "tools/src").exists()


def test_without_git(tiny: Path) -> None:
    shutil.rmtree(tiny / ".git")
    with pytest.raises(UsageError, match=r": git does not know this folder; run git init, and"):
        eject(tiny)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"another", "is not the file that tools/req"), (None, "is missing; rest")],
)
def test_another_wheel_is_refused(tiny: Path, content: bytes | None, said: str) -> None:
    wheel = tiny / workspace.load(tiny).engine.path
    if content is None:
        wheel.unlink()
    else:
        wheel.write_bytes(wheel.read_bytes() + content)
    with pytest.raises(UsageError, match=rf"\.whl: {said}"):
        eject(tiny)
    assert not (tiny / "tools/src").exists()


def test_there_is_no_way_back_to_another_wheel(tiny: Path) -> None:
    eject(tiny)
    wheel = tiny / workspace.load(tiny).engine.path
    wheel.write_bytes(b"another")
    save(tiny)
    with pytest.raises(UsageError, match=r"\.whl: is not the file that tools/requirements\.txt na"):
        undo(tiny)
    assert (tiny / "tools/src").exists()


def test_its_manifest_is_needed(tiny: Path) -> None:
    eject(tiny)
    (tiny / "tools/src/pyproject.toml").write_text("[tool.x]\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"^tools/src/pyproject\.toml: has no \[project\]; rest"):
        _ = workspace.load(tiny).engine.requirements


def test_the_words(real: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(real), "eject"]) == 0
    assert capsys.readouterr().out.startswith("ejected the engine to tools/src; ")
    save(real)
    assert cli.main(["--root", str(real), "eject", "--undo"]) == 0
    assert capsys.readouterr().out.endswith(" again\n")
    assert engine.read(real).version == template.version()
