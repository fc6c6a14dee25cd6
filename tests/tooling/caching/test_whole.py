"""What had nothing to do says the same again, until anything changes that it depends on."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monorepo.caching import whole
from monorepo.caching.whole import About
from monorepo.system import transaction

ABOUT = About(variables=("COUNTED",), places=(".venv/stamp", ".venv/site"))
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def unset() -> Iterator[None]:
    """Be told nothing by the make that runs these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PKG", "ARGS", "RULE", "CACHE", "WHY_RUN", "V"):
            patch.delenv(name, raising=False)
        patch.setenv("COUNTED", "0")
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository of which something is kept."""
    top = (tmp_path / "a ü").resolve()
    (top / ".venv/site").mkdir(parents=True)
    (top / ".venv/stamp").write_text("1", encoding="utf-8")
    (top / ".gitignore").write_text(".venv\n*.log\n", encoding="utf-8")
    (top / "a.py").write_text("x = 1\n", encoding="utf-8")
    git(top, "init", "--quiet")
    save(top)
    keep(top)
    return top


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def save(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")


def keep(root: Path, about: About = ABOUT) -> None:
    then = whole.state(root, about)
    assert then
    whole.keep(root, about, then, "all fine\n")


def test_what_was_said_is_said_again(root: Path, capsys: Capture) -> None:
    assert whole.recall(root) == "all fine\n"
    assert whole.repeat(str(root))
    assert capsys.readouterr().out == "all fine\n"
    assert whole.repeat(os.path.relpath(root))


def edit(root: Path) -> None:
    (root / "a.py").write_text("x = 2\n", encoding="utf-8")


def add(root: Path) -> None:
    (root / "b.py").touch()


def remove(root: Path) -> None:
    (root / "a.py").unlink()


def ignore(root: Path) -> None:
    (root / "a.log").touch()


def install(root: Path) -> None:
    (root / ".venv/site/new").touch()


def stamp(root: Path) -> None:
    (root / ".venv/stamp").write_text("2", encoding="utf-8")


def unstamp(root: Path) -> None:
    (root / ".venv/stamp").unlink()


def variable(_: Path) -> None:
    os.environ["COUNTED"] = "1"


def hold(root: Path) -> None:
    (root / "module").mkdir()
    git(root / "module", "init", "--quiet")
    (root / "module/a").touch()
    save(root / "module")


CHANGES = [edit, add, remove, ignore, install, stamp, unstamp, variable, hold]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_any_change_has_it_run_again(
    root: Path, change: Callable[[Path], None], capsys: Capture
) -> None:
    change(root)
    assert whole.recall(root) is None
    assert not whole.repeat(str(root))
    assert capsys.readouterr().out == ""


def test_what_is_taken_back_is_as_it_was(root: Path) -> None:
    edit(root)
    assert whole.recall(root) is None
    git(root, "checkout", "--quiet", "a.py")
    assert whole.recall(root) == "all fine\n"
    # Neither times nor a commit of the same content count.
    os.utime(root / "a.py", (1, 1))
    edit(root)
    keep(root)
    save(root)
    assert whole.recall(root) == "all fine\n"


def test_what_is_compared_with_a_commit_depends_on_it(root: Path) -> None:
    edit(root)
    keep(root, ABOUT._replace(compares=True))
    assert whole.recall(root) == "all fine\n"
    save(root)
    assert whole.recall(root) is None


def test_what_ends_at_a_date_depends_on_the_day(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(root, ABOUT._replace(is_dated=True))
    assert whole.recall(root) == "all fine\n"
    later = time.gmtime(time.time() + 86_400)
    monkeypatch.setattr(time, "gmtime", lambda: later)
    assert whole.recall(root) is None
    keep(root)
    assert whole.recall(root) == "all fine\n"


@pytest.mark.parametrize("name", ["PKG", "ARGS", "RULE", "CACHE", "WHY_RUN", "V"])
def test_who_asks_for_less_or_for_more_has_it_run(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert whole.is_asked()
    monkeypatch.setenv(name, "0")
    assert not whole.is_asked()
    assert not whole.repeat(str(root))


def test_what_a_killed_command_left_is_undone_first(root: Path) -> None:
    transaction.record(root, "journal").write_text("{}", encoding="utf-8")
    assert not whole.repeat(str(root))


def test_nothing_is_kept_of_what_changed_meanwhile(root: Path) -> None:
    then = whole.state(root, ABOUT)
    assert then
    edit(root)
    whole.keep(root, ABOUT, then, "of before\n")
    assert whole.recall(root) is None
    git(root, "checkout", "--quiet", "a.py")
    assert whole.recall(root) == "all fine\n"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"[1, 2, 3, 4]", b"1", b"[1, [[], [], 0, 0], [], null]", b"\xff"]
)
def test_a_broken_file_is_none(root: Path, text: bytes) -> None:
    (root / ".git" / whole.FILE).write_bytes(text)
    assert whole.recall(root) is None


def test_where_nothing_can_be_written_nothing_is_kept(root: Path) -> None:
    (root / ".git" / whole.FILE).unlink()
    (root / ".git" / whole.FILE).mkdir()
    keep(root)
    assert whole.recall(root) is None
    assert [file.name for file in (root / ".git").glob(f"{whole.FILE}*")] == [whole.FILE]


def test_without_git_nothing_is_known(tmp_path: Path, root: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert whole.state(tmp_path / "plain", ABOUT) is None
    assert whole.recall(tmp_path / "plain") is None
    (root / "below").mkdir()
    assert whole.recall(root / "below") is None
