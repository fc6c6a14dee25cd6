"""The store keeps what succeeded, and loses rather than lies."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from monorepo.caching import store
from monorepo.caching.store import Result, Store

RESULT = Result({"task": "test", "python": "3.11"}, {"src/a.py": "1"}, seconds=1.5)
PACKAGE, TASK = "shared/py/core", "test"
# What is in the file of an entry.
NOTED = {"version": 1, "package": PACKAGE, "task": TASK, "components": {}, "files": {}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "root")], check=True)
    return tmp_path / "root"


def files(root: Path) -> list[Path]:
    """Return the files of a store."""
    return sorted(file for file in (root / ".git" / store.FOLDER).rglob("*") if file.is_file())


def test_what_is_recorded_is_found_under_its_hash_alone(root: Path) -> None:
    Store(root).record(PACKAGE, TASK, "1" * 64, RESULT, b"5 passed\n\xff")
    found = Store(root).find(PACKAGE, TASK, "1" * 64)
    assert found
    assert replace(found, output="") == RESULT
    assert Store(root).output(found) == b"5 passed\n\xff"
    assert Store(root).find(PACKAGE, TASK, "2" * 64) is None
    assert Store(root).find(PACKAGE, "lint", "1" * 64) is None
    assert Store(root).find("shared/py/audio", TASK, "1" * 64) is None
    Store(root).forget(PACKAGE, TASK, "1" * 64)
    Store(root).forget(PACKAGE, TASK, "1" * 64)
    assert Store(root).find(PACKAGE, TASK, "1" * 64) is None


def test_it_is_for_its_owner_and_for_all_worktrees(root: Path, tmp_path: Path) -> None:
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "1"], check=True)
    subprocess.run([*git, "worktree", "add", "--quiet", str(tmp_path / "two")], check=True)
    Store(tmp_path / "two").record(PACKAGE, TASK, "1" * 64, RESULT, b"secret")
    assert Store(root).find(PACKAGE, TASK, "1" * 64)
    assert {file.stat().st_mode & 0o077 for file in files(root)} == {0}


def test_what_is_damaged_is_not_found(root: Path) -> None:
    Store(root).record(PACKAGE, TASK, "1" * 64, RESULT, b"output")
    entry, output = files(root)
    whole = entry.read_bytes()
    for damaged in (
        b"",
        whole[:-5],
        whole[:64],
        whole.replace(b"3.11", b"3.12"),
        b"[]",
        b"\xff" * 200,
        b"0" * 64 + b"\n{}",
    ):
        entry.write_bytes(damaged)
        assert Store(root).find(PACKAGE, TASK, "1" * 64) is None
        assert Store(root).last(PACKAGE, TASK, {}) is None
    entry.write_bytes(whole)
    output.write_bytes(b"other")
    found = Store(root).find(PACKAGE, TASK, "1" * 64)
    assert found
    assert Store(root).output(found) is None
    entry.unlink()
    entry.mkdir()
    assert Store(root).find(PACKAGE, TASK, "1" * 64) is None


@pytest.mark.parametrize(
    "poison",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b"[1]",
        *(
            json.dumps({**NOTED, key: value}).encode()
            for key, value in [
                ("components", 5),
                ("components", {"task": 5}),
                ("files", ["src/a.py"]),
                ("clean", "no"),
                ("seconds", "1"),
                ("output", 7),
                ("output", "../../../../../../etc/passwd"),
                ("output", "a\0b"),
                ("report", []),
                ("other", ""),
            ]
        ),
    ],
)
def test_what_has_its_hash_and_is_no_result_is_not_found(root: Path, poison: bytes) -> None:
    """Whoever writes the cache of CI can write that."""
    Store(root).record(PACKAGE, TASK, "1" * 64, RESULT)
    [entry] = files(root)
    harmless = json.dumps(NOTED).encode()
    for content, is_found in ((harmless, True), (poison, False)):
        entry.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        assert (Store(root).find(PACKAGE, TASK, "1" * 64) is not None) == is_found
        assert (Store(root).last(PACKAGE, TASK, {}) is not None) == is_found


def test_one_of_another_version_is_not_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(root).record(PACKAGE, TASK, "1" * 64, RESULT)
    monkeypatch.setattr(store, "_VERSION", 99)
    assert Store(root).find(PACKAGE, TASK, "1" * 64) is None


def test_the_last_one_is_that_which_was_used_last(root: Path) -> None:
    for number in range(3):
        result = replace(RESULT, components={"arguments": f"{number}"}, seconds=number)
        Store(root).record(PACKAGE, TASK, f"{number}" * 64, result)
        os.utime(files(root)[-1], (number, number))
    last = Store(root).last(PACKAGE, TASK, {})
    assert last
    assert last.seconds == 2
    Store(root).find(PACKAGE, TASK, "1" * 64)
    last = Store(root).last(PACKAGE, TASK, {})
    assert last
    assert last.seconds == 1
    alike = Store(root).last(PACKAGE, TASK, {"arguments": "0"})
    assert alike
    assert alike.seconds == 0
    assert Store(root).last(PACKAGE, TASK, {"arguments": "9"}) == last
    assert Store(root).last(PACKAGE, "lint", {}) is None


def test_it_keeps_so_many_of_a_task_and_so_much_of_all(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Store(root)
    for number in range(store.MOST_RESULTS + 3):
        mine.record(PACKAGE, TASK, f"{number:064}", RESULT)
        os.utime(mine._place(PACKAGE, TASK) / f"{number:064}.json", (1e9 + number, 1e9 + number))
    assert len(files(root)) == store.MOST_RESULTS
    assert mine.find(PACKAGE, TASK, f"{store.MOST_RESULTS + 2:064}")
    # All but that one are old by now.
    mine.prune()
    assert len([file for file in files(root) if file.suffix == ".json"]) == 1
    monkeypatch.setattr(store, "MOST_BYTES", 1)
    mine.prune()
    assert mine.find(PACKAGE, TASK, f"{store.MOST_RESULTS + 2:064}")
    past = time.time() - 2 * store._BETWEEN
    os.utime(root / ".git" / store.FOLDER / "pruned", (past, past))
    mine.prune()
    assert [file for file in files(root) if file.suffix == ".json"] == []


def test_a_long_output_is_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LONGEST_OUTPUT", 3)
    Store(root).record(PACKAGE, TASK, "1" * 64, RESULT, b"long")
    found = Store(root).find(PACKAGE, TASK, "1" * 64)
    assert found
    assert Store(root).output(found) is None


def test_where_nothing_can_be_written_nothing_is_kept(root: Path, tmp_path: Path) -> None:
    (root / ".git" / store.FOLDER).touch()
    mine = Store(root)
    mine.record(PACKAGE, TASK, "1" * 64, RESULT, b"output")
    mine.prune()
    mine.forget(PACKAGE, TASK, "1" * 64)
    assert mine.find(PACKAGE, TASK, "1" * 64) is None
    (tmp_path / "plain").mkdir()
    none = Store(tmp_path / "plain")
    none.record(PACKAGE, TASK, "1" * 64, RESULT)
    none.prune()
    none.forget(PACKAGE, TASK, "1" * 64)
    assert none.find(PACKAGE, TASK, "1" * 64) is None
    assert none.last(PACKAGE, TASK, {}) is None


def test_many_processes_write_at_once(root: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from monorepo.caching.store import Result, Store
        mine = Store(Path(sys.argv[1]))
        for turn in range(60):
            digest = f"{turn % 5}" * 64
            mine.record("shared/py/core", "test", digest, Result({"turn": digest}), b"x" * 5000)
            found = mine.find("shared/py/core", "test", digest)
            assert found and found.components == {"turn": digest}, found
            assert mine.output(found) == b"x" * 5000
            mine.prune()
    """)
    command = [sys.executable, "-c", code, str(root)]
    processes = [
        subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ}) for _ in range(6)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [
        (b"", 0)
    ] * 6
    assert not [file for file in files(root) if file.name.startswith(".")]
