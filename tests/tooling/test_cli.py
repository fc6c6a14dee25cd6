"""Words in, exit codes out: 0 fine, 1 failed or found, 2 wrong use; and never a traceback."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core.workspace import Package, Workspace
from monorepo.delivery import sbom
from monorepo.environments import virtualenv
from monorepo.system import transaction
from monorepo.tasks import fan_out, smoke

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


pytestmark = pytest.mark.usefixtures("templates")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be told nothing by the make that runs these tests."""
    for name in ("AT", "CHECK", "DEPS", "DRY_RUN", "PKG", "TEMPLATE", "SET", "UPGRADE"):
        monkeypatch.delenv(name, raising=False)


def test_a_package_is_added_by_words(root: Path, capsys: Capture) -> None:
    words = ["new", "services/py/api/", "--set", "title='My API'"]
    assert cli.main(["--root", str(root), *words]) == 0
    assert capsys.readouterr().out == "added shared/py/service\nadded services/py/api\n"
    text = (root / "services/py/api/pyproject.toml").read_text(encoding="utf-8")
    assert 'description = "My API"' in text


def test_a_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert cli.main(["list"]) == 2
    what = "current folder: has been removed; change to one that is there"
    assert capsys.readouterr().err == f"monorepo: {what}\n"


def test_a_package_is_added_by_variables(
    root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    package("shared/py/core")
    told = {"AT": "shared/py/a", "DEPS": "shared/py/core", "SET": "title='{{ 7 }} $(x)'"}
    for name, value in {**told, "TEMPLATE": "py-runtime"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    assert cli.main(["new"]) == 0
    text = (root / "shared/py/a/pyproject.toml").read_text(encoding="utf-8")
    assert '"tiny-core"' in text
    assert 'description = "{{ 7 }} $(x)"' in text


@pytest.mark.parametrize(
    "words",
    [
        ["new"],
        ["new", "../x"],
        ["new", "shared/py/a\nb"],
        ["new", "shared/py/a", "--deps", "shared/py/gone 'not closed"],
        ["new", "shared/py/a", "--deps", "'shared/py/go\nne'"],
        ["new", "shared/py/a", "--set", "title"],
        ["new", "shared/py/a", "--set", "titel=x"],
        ["new", "shared/py/a", "--set", "title=\udcff"],
        ["new", "shared/py/a", "--template", "no\nne"],
        ["install", "shared/py/gone"],
        ["run", "test", "shared/py/gone"],
        ["smoke", "shared/py/gone"],
        ["dev"],
    ],
    ids=repr,
)
def test_wrong_input_is_told_in_one_line(
    root: Path, tree: Tree, capsys: Capture, words: list[str]
) -> None:
    then = tree()
    assert cli.main(["--root", str(root), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("monorepo: ")
    assert "; " in err
    assert len(err.splitlines()) == 1
    assert tree() == then


@pytest.mark.parametrize("words", [[], ["nope"], ["new", "a", "b"], ["new", "--templ=x"], ["run"]])
def test_wrong_words_are_told(root: Path, words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--root", str(root), *words])
    assert caught.value.code == 2
    assert "usage: monorepo" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["new", "install", "setup", "lock-check"])
def test_other_folders_are_left_alone(tmp_path: Path, verb: str, capsys: Capture) -> None:
    (tmp_path / "other").mkdir()
    for place in (tmp_path / "other", tmp_path / "gone"):
        assert cli.main(["--root", str(place), verb]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "gone").exists()
    assert list((tmp_path / "other").iterdir()) == []


def test_a_file_that_is_missing_is_told(root: Path, capsys: Capture) -> None:
    (root / "constraints.txt").unlink()
    assert cli.main(["--root", str(root), "lock-check"]) == 1
    said = "monorepo: constraints.txt: is missing; restore it from git\n"
    assert capsys.readouterr().err == said


def test_run_tells_how_it_went(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a")
    write({"shared/py/a/Makefile": "good:\nbad:\n\t@exit 1\n"})
    assert cli.main(["--root", str(root), "run", "good", "shared/py/a"]) == 0
    assert cli.main(["--root", str(root), "run", "bad", "tiny-a"]) == 1


def test_lock_check_tells_what_is_wrong(root: Path, package: MakePackage, capsys: Capture) -> None:
    assert cli.main(["--root", str(root), "lock-check"]) == 0
    package("shared/py/a", "x", "y")
    assert cli.main(["--root", str(root), "lock-check"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"monorepo: shared/py/a/pyproject.toml: {name} is not pinned; run make lock"
        for name in "xy"
    ]


def test_a_failed_task_is_told(
    root: Path, uv: Path, package: MakePackage, capfd: pytest.CaptureFixture[str]
) -> None:
    uv.unlink()
    uv.symlink_to("/bin/false")
    package("shared/py/a")
    for verb in ("lock", "outdated"):
        assert cli.main(["--root", str(root), verb]) == 1
        assert capfd.readouterr().err.startswith("monorepo: lock: failed; see below\n")


def test_sync_tells_what_it_writes_and_what_it_would(
    root: Path, package: MakePackage, write: Write, capsys: Capture
) -> None:
    def sync(*words: str) -> tuple[int, str, str]:
        code = cli.main(["--root", str(root), "sync", *words])
        return (code, *capsys.readouterr())

    assert sync() == (0, "all is as the manifests say\n", "")
    package("shared/py/core")
    package("shared/py/plain")
    manifest = '{:package/name "tiny-core" :package/version "1.1" :lang :python}\n'
    write({"shared/py/core/package.edn": manifest})
    differs = (
        "monorepo: shared/py/core/pyproject.toml:1: is not what package.edn says; run make sync\n"
    )
    assert sync("--check") == (1, "", differs)
    assert sync("--check", "--", "-shared/py/core") == (0, "all is as the manifests say\n", "")
    assert sync("tiny-core", "--check") == (1, "", differs)
    without = "shared/py/plain: has no package.edn; make derive PKG=shared/py/plain writes one"
    assert sync("shared/py/core", "shared/py/plain") == (2, "", f"monorepo: {without}\n")
    assert sync("nobody")[::2] == (
        2,
        "monorepo: nobody: is not a package here; `make list` shows them\n",
    )
    # What is generated can be broken.
    write({"shared/py/core/pyproject.toml": '[project]\nname = "tiny-plain"\n'})
    assert sync("shared/py/core") == (0, "wrote shared/py/core/pyproject.toml\n", "")
    write({"shared/py/core/package.edn": "{"})
    wrong = "monorepo: shared/py/core/package.edn:1:1: { is not closed; write } where it ends\n"
    assert sync() == (2, "", wrong)
    assert sync("--check") == (2, "", wrong)


def test_install_can_be_looked_at_first(root: Path, package: MakePackage, capsys: Capture) -> None:
    package("shared/py/a")
    assert cli.main(["--root", str(root), "install", "--print"]) == 0
    assert ".whl -e ./shared/py/a\n" in capsys.readouterr().out
    assert not (root / ".venv").exists()


def test_there_is_nothing_to_stop(root: Path, capsys: Capture) -> None:
    assert cli.main(["--root", str(root), "stop"]) == 0
    assert capsys.readouterr().out == "nothing runs\n"


def test_verbs_reach_what_does_the_work(
    root: Path, package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    package("services/py/api")
    done: list[object] = []
    monkeypatch.setattr(virtualenv, "setup", lambda space, _=None: done.append("setup"))
    monkeypatch.setattr(virtualenv, "install", lambda space, some: done.append(len(some)))
    monkeypatch.setattr(smoke, "smoke", lambda space, one: done.append(one.path))
    monkeypatch.setattr(fan_out, "dev", lambda space, some: done.append(some[0].path))
    for words in (
        ["setup"],
        ["install"],
        ["install", "services/py/api"],
        ["smoke", "services/py/api"],
    ):
        assert cli.main(["--root", str(root), *words]) == 0
    assert cli.main(["--root", str(root), "dev", "services/py/api"]) == 0
    assert done == ["setup", 1, 1, "setup", "services/py/api", "services/py/api"]


def test_an_interruption_is_no_traceback(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def stop(space: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(virtualenv, "setup", stop)
    assert cli.main(["--root", str(root), "setup"]) == 130
    assert capsys.readouterr().err == "monorepo: interrupted\n"


def test_what_a_killed_command_left_is_cleaned_up_first(root: Path) -> None:
    staging = root / f"{transaction.STAGING}0123456789abcdef"
    (staging / "new-0").mkdir(parents=True)
    (root / f".monorepo.{root.stat().st_ino}.staging").symlink_to(staging.name)
    assert cli.main(["--root", str(root), "stop"]) == 0
    assert not list(root.glob(".monorepo*"))


def test_it_is_a_program(root: Path) -> None:
    # A link leads to it, and no locale is set.
    link = root.parent / "link"
    link.symlink_to(root)
    done = subprocess.run(
        [sys.executable, "-m", "monorepo", "--root", link, "new", "shared/py/a"],
        env={**{name: os.environ[name] for name in ("PATH", "PYTHONPATH")}, "SET": "title='Zoë'"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "added shared/py/a\n", "")
    assert "Zoë" in (root / "shared/py/a/pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("", ["services/py/a", "services/py/b"]),
        ("-services/py/a", ["services/py/b"]),
        ("-shared/py/core", ["services/py/a", "services/py/b"]),
        ("shared/py/core services/py/a -services/py/a", ["shared/py/core"]),
        ("services/py/a tiny-svc-a services/py/a/", ["services/py/a"]),
    ],
)
def test_what_leaves_out_a_service_chooses_the_others(
    root: Path,
    package: MakePackage,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    chosen: list[str],
) -> None:
    for path in ("shared/py/core", "services/py/a", "services/py/b"):
        package(path)

    def write(_: Workspace, packages: list[Package]) -> list[str]:
        assert sorted(one.path for one in packages) == chosen
        return []

    monkeypatch.setattr(sbom, "write", write)
    monkeypatch.setenv("PKG", words)
    assert cli.main(["--root", str(root), "sbom"]) == 0


def test_a_reader_may_leave_early(root: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = ["--root", str(root), "explain", "includes"]
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "monorepo", *words],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_needs_no_repository(tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--root", str(tmp_path / "gone"), "--help"])
    assert caught.value.code == 0
    assert "add a package" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "codes", "ran", "code"),
    [
        ([], {}, "lint type-check guard test", 0),
        ([], {"type-check": 1}, "lint type-check", 1),
        (["--keep-going"], {"type-check": 1, "test": 2}, "lint type-check guard test", 1),
        (["--keep-going"], {"guard": 130}, "lint type-check guard", 130),
        ([], {"test": 2}, "lint type-check guard test", 2),
    ],
)
def test_check_is_four_verbs_one_after_the_other(
    root: Path,
    words: list[str],
    codes: dict[str, int],
    ran: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def verb(options: argparse.Namespace) -> int:
        done.append(getattr(options, "target", options.verb))
        assert options.packages == ["-shared/py/a"]
        assert (options.changed, options.fix, options.install) == ("HEAD", False, False)
        return codes.get(done[-1], 0)

    monkeypatch.setenv("PKG", "-shared/py/a")
    monkeypatch.setattr(cli, "_VERBS", {**cli._VERBS, "run": verb, "guard": verb})
    assert cli.main(["--root", str(root), "check", "--changed", *words]) == code
    assert done == ran.split()
