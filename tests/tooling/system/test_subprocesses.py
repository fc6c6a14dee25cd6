"""Other programs are run as told, and two commands keep out of each other's way."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from monorepo.system import subprocesses
from monorepo.system.errors import TaskError
from monorepo.system.subprocesses import (
    CALLERS_REPOSITORY,
    attend,
    held,
    leave_callers_repository,
    make,
    run,
    say,
)


def test_a_command_gets_what_it_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ['X'], sys.argv[1], sys.stdin.read())"
    env = {**os.environ, "X": "x y"}
    run([sys.executable, "-c", code, Path("a b;$(c)")], tmp_path, "text", env)
    assert capfd.readouterr().out == f"{os.path.realpath(tmp_path)} x y a b;$(c) text\n"


def test_a_failed_command_is_told_whole(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r" -c 'raise SystemExit\(3\)': failed \(3\); see above"):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_commands_show_themselves_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V", raising=False)
    command = [sys.executable, "-c", "pass"]
    run(command, tmp_path)
    assert capsys.readouterr().err == ""
    assert "V=1" not in make(tmp_path, "test")
    monkeypatch.setenv("V", "1")
    run(command, tmp_path)
    attend(command, tmp_path, dict(os.environ), "look")
    shown = f"+ (cd {shlex.quote(str(tmp_path))} && {shlex.join(command)})\n"
    assert capsys.readouterr().err == shown * 2
    assert make(tmp_path, "test")[-1] == "V=1"


def test_make_is_told_again_that_there_is_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OFFLINE", raising=False)
    assert not any("OFFLINE" in word for word in make(tmp_path, "test"))
    monkeypatch.setenv("OFFLINE", "yes")
    assert "OFFLINE=yes" in make(tmp_path, "test")


def test_what_is_said_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("install: x")
    assert capsys.readouterr() == ("", "install: x\n")


def test_one_process_holds_a_folder_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(BlockingIOError), held(tmp_path, wait=False):
        pass
    # Let go, even after an error.
    with pytest.raises(KeyError), held(tmp_path, wait=False):
        raise KeyError
    with held(tmp_path, wait=False):
        assert list(tmp_path.iterdir()) == []


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path\n"
    code += "from monorepo.system.subprocesses import held\n"
    code += "with held(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    dead = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert dead.returncode == -9
    with held(tmp_path, wait=False):
        pass


def test_the_callers_repository_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CALLERS_REPOSITORY, "GIT_CONFIG_COUNT"):
        monkeypatch.setenv(name, "0")
    leave_callers_repository()
    assert "GIT_CONFIG_COUNT" in os.environ
    assert not {*CALLERS_REPOSITORY} & {*os.environ}


def test_a_program_that_waits_is_attended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocesses, "SILENCE", 0.2)
    script = "read word; sleep 0.7; echo \"Built $word\" >&2; printf 'a\\377b\\n' >&2; exit $CODE"
    command = ["sh", "-c", script]
    env = {"PATH": os.environ["PATH"]}
    text, progress = "it\n", "Built"
    said = subprocesses.attend(
        command, tmp_path, {**env, "CODE": "0"}, "install: e", text=text, progress=progress
    )
    assert said == "a\ufffdb\n"
    shown = capsys.readouterr().err.splitlines()
    assert shown[-1] == "Built it"
    assert shown[0].startswith("install: e: no answer for ")
    with pytest.raises(subprocesses.CommandError, match=r"(?s)^sh: failed\nsh -c .*\na\ufffdb\n$"):
        subprocesses.attend(
            command, tmp_path, {**env, "CODE": "3"}, "x", text=text, progress=progress
        )
