"""The processes of `make dev` are known by a mark in their environment, and only they are ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monorepo.programs import process_marks

Start = Callable[..., "subprocess.Popen[str]"]
# Says that it is ready, and waits for what never comes.
WAITS = "echo ready; read -r line"
IGNORES = f"trap '' TERM; {WAITS}"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a shell with a mark, and wait until it is ready."""
    started: list[subprocess.Popen[str]] = []

    def start(mark: str | None, code: str = WAITS) -> "subprocess.Popen[str]":
        env = {name: value for name, value in os.environ.items() if name != process_marks.VARIABLE}
        process = subprocess.Popen(
            ["/bin/sh", "-c", code],
            env=env if mark is None else {**env, process_marks.VARIABLE: mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_mark_is_that_of_one_root(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    for mark in (process_marks.all_of, process_marks.one_of):
        assert mark(root) == mark(link)
        assert mark(root) != mark(tmp_path)
    assert process_marks.all_of(root) != process_marks.one_of(root)


def test_only_what_has_the_mark_is_ended(root: Path, tmp_path: Path, start: Start) -> None:
    mark = process_marks.all_of(root)
    ours = [start(mark), start(mark)]
    others = [start(process_marks.one_of(root)), start(process_marks.all_of(tmp_path)), start(None)]
    assert process_marks.end(mark, 10) == 2
    assert [one.wait() for one in ours] == [-signal.SIGTERM] * 2
    assert [one.poll() for one in others] == [None] * 3
    assert process_marks.end(mark, 0) == 0


def test_what_does_not_end_is_killed(root: Path, start: Start) -> None:
    process = start(process_marks.all_of(root), IGNORES)
    assert process_marks.end(process_marks.all_of(root), 0) == 1
    assert process.wait() == -signal.SIGKILL


def test_who_asks_is_not_ended(root: Path) -> None:
    mark = process_marks.all_of(root)
    code = f"from monorepo.programs import process_marks as it; print(it.end({mark!r}, 0))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, process_marks.VARIABLE: mark},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "0\n")
