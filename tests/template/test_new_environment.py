"""`make new` where it is not at home: odd folders, users, locales; and several of it at once."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from monorepo.scaffold.creation import STAGE
from tests.template import baking
from tests.template.faults import Outcome, Run, Victim, snapshot

STRANGE = ["with space", "Zoë-übergroß", "日本", "a'b\"c", "$HOME", "%s", "new\nline", "-rf", "#x"]
NOBODY = 65534


@pytest.fixture(scope="module")
def new() -> Iterator[Victim]:
    """Hand out `make new`, to be called often."""
    with (
        Victim("monorepo.__main__:main", baking.ENGINE) as victim,
        tempfile.TemporaryDirectory() as scratch,
    ):
        victim.warm(asked(Path(scratch), scratch))
        yield victim


@pytest.fixture
def open_path() -> Iterator[Path]:
    """Return a folder that other users reach; pytest's own is closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def told(name: str = "demo", **environment: str) -> dict[str, str]:
    """Return the environment that asks for a small monorepo called `name`."""
    words = f"--no-input repo_name={shlex.quote(name)} namespace=acme packages=shared/py/core"
    return baking.environment(ANSWERS=words, **environment)


def asked(
    folder: Path,
    out: Path | str,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
) -> Run:
    """Return how `make new` calls the engine, in `folder`, for a monorepo in `out`."""
    return Run(
        folder, told() if environment is None else environment, [["create", "--", str(out)]], user
    )


def call(new: Victim, out: Path | str, folder: Path, **environment: str) -> Outcome:
    """Run `make new` without Make, in `folder`."""
    return new(asked(folder, out, told(**environment)))


def start(out: Path, name: str, **environment: str) -> "subprocess.Popen[str]":
    """Start `make new` without Make, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-B", "-m", "monorepo", "create", "--", str(out)],
        cwd=baking.TEMPLATE,
        env=told(name, PYTHONPATH=str(baking.ENGINE), **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="surrogateescape",
    )


def check_line(outcome: Outcome, *parts: str) -> None:
    """Fail unless it was refused with one clear line, in which `parts` are."""
    assert outcome.code == 2, outcome.output
    (line,) = outcome.output.splitlines()
    assert line.startswith("monorepo: ")
    assert "None" not in line
    for part in parts:
        assert part in line


def check_whole(new: Victim, root: Path, tmp_path: Path) -> None:
    """Fail unless `root` is what comes out where nothing is odd."""
    plain = tmp_path / "plain"
    plain.mkdir()
    assert call(new, plain, tmp_path).code == 0
    assert snapshot(root) == snapshot(plain / "demo")
    shutil.rmtree(plain)


@pytest.mark.slow
@pytest.mark.parametrize("name", STRANGE)
def test_odd_folders(name: str, new: Victim, tmp_path: Path) -> None:
    out = tmp_path / name
    out.mkdir()
    outcome = call(new, out, tmp_path)
    assert outcome.code == 0, outcome.output
    check_whole(new, out / "demo", tmp_path)
    # Relative, and said so that it can be pasted.
    assert call(new, Path(f"./{name}"), tmp_path).code == 2
    shutil.rmtree(out / "demo")
    outcome = call(new, Path(f"./{name}"), tmp_path)
    assert outcome.code == 0, outcome.output
    assert f"cd {shlex.quote(f'{name}/demo')}" in outcome.output or "--" in outcome.output


def test_a_folder_reached_through_a_symlink(new: Victim, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert call(new, tmp_path / "link", tmp_path).code == 0
    check_whole(new, tmp_path / "real/demo", tmp_path)


def test_the_parent_folder_is_the_default(new: Victim, tmp_path: Path) -> None:
    shown = baking.run(baking.TEMPLATE, "make", "BIN=echo", "-o", ".venv/new.stamp", "-n", "new")
    assert shown == 'echo/python -m monorepo create -- "${OUT:-..}"\n'
    (tmp_path / "here").mkdir()
    assert call(new, "..", tmp_path / "here").code == 0
    check_whole(new, tmp_path / "demo", tmp_path)


@pytest.mark.parametrize("kind", ["missing", "file", "dangling"])
def test_no_folder(kind: str, new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine", encoding="utf-8")
    elif kind == "dangling":
        out.symlink_to("nowhere")
    before = snapshot(tmp_path)
    check_line(call(new, out, tmp_path), "OUT: ", "is not a folder")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("mode", [0o555, 0o111, 0o000])
def test_a_folder_that_is_closed(mode: int, new: Victim, open_path: Path) -> None:
    out = open_path / "out"
    out.mkdir()
    out.chmod(mode)
    user = NOBODY if os.geteuid() == 0 else None
    outcome = new(asked(open_path, out, user=user))
    out.chmod(0o755)
    check_line(outcome, "ermission denied")
    assert snapshot(open_path) == {"out": "40755 "}


def test_what_another_user_left_is_no_hindrance(new: Victim, open_path: Path) -> None:
    open_path.chmod(0o777)
    other = open_path / f"{STAGE}other"
    other.mkdir()
    other.chmod(0o000)
    user = NOBODY if os.geteuid() == 0 else None
    outcome = new(asked(open_path, open_path, told(HOME="/nonexistent"), user))
    assert outcome.code == 0, outcome.output
    assert (open_path / "demo/Makefile").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("home", ["read-only", "missing", "unset", "file"])
def test_home(home: str, new: Victim, open_path: Path, tmp_path: Path) -> None:
    out, place = open_path / "out", open_path / "home"
    out.mkdir()
    out.chmod(0o777)
    environment = told()
    environment["HOME"] = str(place)
    if home == "read-only":
        place.mkdir()
        place.chmod(0o555)
    elif home == "file":
        place.touch()
    elif home == "unset":
        del environment["HOME"]
    user = NOBODY if os.geteuid() == 0 else None
    outcome = new(asked(open_path, out, environment, user))
    assert outcome.code == 0, outcome.output
    check_whole(new, out / "demo", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "xx_XX"])
def test_locales(locale: str, tmp_path: Path) -> None:
    out = tmp_path / "Zoë 日本"
    out.mkdir()
    run = start(out, "demo", LC_ALL=locale, LANG=locale)
    output, _ = run.communicate()
    assert run.returncode == 0, output
    for name in baking.texts(out / "demo"):
        (out / "demo" / name).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_bytes_that_are_no_text(locale: str, tmp_path: Path) -> None:
    out = tmp_path / "a\udcff"
    try:
        out.mkdir()
    except OSError:
        # This file system has names in UTF-8 only.
        return
    run = start(out, "demo", LC_ALL=locale)
    output, _ = run.communicate()
    assert "Traceback" not in output
    assert (run.returncode == 0) is (out / "demo/Makefile").is_file()
    assert run.returncode in (0, 2)


def test_no_git(new: Victim, tmp_path: Path) -> None:
    out, empty = tmp_path / "out", tmp_path / "empty"
    out.mkdir()
    empty.mkdir()
    check_line(call(new, out, tmp_path, PATH=str(empty)), "git: is not on the PATH")
    assert snapshot(out) == {}


def test_a_git_that_refuses(new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    git = tool(tmp_path, "exit 1")
    check_line(call(new, out, tmp_path, PATH=git), "git: refused")
    assert snapshot(out) == {}


@pytest.mark.slow
def test_inside_a_repository(new: Victim, tmp_path: Path) -> None:
    outer, tree = tmp_path / "outer", tmp_path / "tree"
    baking.run(tmp_path, "git", "init", "--quiet", outer)
    baking.run(outer, "git", "commit", "--quiet", "--allow-empty", "--message=a")
    baking.run(outer, "git", "worktree", "add", "--quiet", "--detach", tree)
    for out in (outer, tree, outer / ".git"):
        (out / "folder").mkdir()
        outcome = call(new, out / "folder", out)
        assert outcome.code == 0, outcome.output
        check_whole(new, out / "folder/demo", tmp_path)
        shutil.rmtree(out / "folder")
    # A hook of git's has these, and what it starts must not write there.
    before = snapshot(outer)
    git = {"GIT_DIR": f"{outer / '.git'}", "GIT_WORK_TREE": str(outer), "GIT_INDEX_FILE": "index"}
    (tmp_path / "out").mkdir()
    outcome = call(new, tmp_path / "out", outer, **git)
    assert outcome.code == 0, outcome.output
    assert snapshot(outer) == before
    check_whole(new, tmp_path / "out/demo", tmp_path)


def test_a_strict_umask_and_no_place_for_temporary_files(new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    outcome = call(new, out, tmp_path, TMPDIR=str(tmp_path / "nowhere"))
    assert outcome.code == 0, outcome.output
    check_whole(new, out / "demo", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(3))
def test_the_same_name_at_once(round_: int, new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    runs = [start(out, "demo") for _ in range(8)]
    outputs = [run.communicate()[0] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, *[2] * 7], outputs
    losers = [output for run, output in zip(runs, outputs, strict=True) if run.returncode]
    assert all(line.count("\n") == 1 and "exists already" in line for line in losers), losers
    assert os.listdir(out) == ["demo"]
    check_whole(new, out / "demo", tmp_path)


@pytest.mark.slow
def test_different_names_at_once(new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    names = {f"demo-{letter}" for letter in "abcdefgh"}
    runs = [start(out, name) for name in sorted(names)]
    outputs = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 8, outputs
    assert set(os.listdir(out)) == names
    for name in names:
        (tmp_path / name).mkdir()
        assert new(asked(tmp_path, tmp_path / name, told(name))).code == 0
        assert snapshot(out / name) == snapshot(tmp_path / name / name)


def tool(folder: Path, script: str) -> str:
    """Return a PATH on which there is a git that runs `script` first."""
    git = folder / "bin/git"
    git.parent.mkdir()
    real = shutil.which("git")
    git.write_text(f'#!/bin/sh\n{script}\nexec {real} "$@"\n', encoding="utf-8")
    git.chmod(0o755)
    return f"{git.parent}{os.pathsep}{os.environ['PATH']}"


@contextlib.contextmanager
def halted(out: Path, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Hand out a run that stands still, with everything made, until it is let go or killed."""
    here, go = folder / "here", folder / "go"
    os.mkfifo(here)
    os.mkfifo(go)
    path = tool(folder, f"echo > {shlex.quote(str(here))}\nread x < {shlex.quote(str(go))}")
    run = start(out, "demo", PATH=path)
    here.read_text(encoding="utf-8")
    try:
        yield run
    finally:
        # Its git may wait still, whatever has become of the run itself. Opened for both, so that
        # this does not wait for a git that is gone.
        with open(os.open(go, os.O_RDWR), "w", encoding="utf-8") as gate:
            gate.write("\n")
            gate.flush()
            run.communicate()


def test_a_living_run_keeps_its_folder(new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with halted(out, tmp_path) as run:
        (stage,) = os.listdir(out)
        assert new(asked(tmp_path, out, told("other"))).code == 0
        assert set(os.listdir(out)) == {stage, "other"}
    assert run.returncode == 0
    assert set(os.listdir(out)) == {"demo", "other"}
    check_whole(new, out / "demo", tmp_path)


def test_a_killed_run_s_folder_goes_with_the_next(new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with halted(out, tmp_path) as run:
        run.kill()
        run.wait()
        (stage,) = os.listdir(out)
        assert stage.startswith(STAGE)
        assert call(new, out, tmp_path).code == 0
        assert os.listdir(out) == ["demo"]
        check_whole(new, out / "demo", tmp_path)
    assert os.listdir(out) == ["demo"]


def test_who_comes_late_says_so(new: Victim, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with halted(out, tmp_path) as run:
        assert call(new, out, tmp_path).code == 0
        made = snapshot(out / "demo")
    assert run.returncode == 2
    assert os.listdir(out) == ["demo"]
    assert snapshot(out / "demo") == made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_git_runs(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with halted(out, tmp_path) as run:
        run.send_signal(number)
        run.wait()
    assert run.returncode == 130
    assert os.listdir(out) == []
