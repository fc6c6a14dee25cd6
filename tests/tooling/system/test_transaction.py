"""All of a change or nothing of it, whatever happens in between."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monorepo.system.errors import UsageError
from monorepo.system.transaction import STAGING, begin, locked, recover

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]

CHANGES = {"shutil.rmtree", "shutil.move", "shutil.copymode", "os.rename", "os.mkdir", "os.rmdir"}
CHANGES |= {"os.remove", "os.chmod", "os.utime", "os.link", "os.symlink", "os.truncate"}
FORK = multiprocessing.get_context("fork")


class Faults:
    """Makes system calls that change something fail: the one with a number, or all from there."""

    def __init__(self) -> None:
        self.calls = 0
        self.first = 0
        self.error: Callable[[], BaseException] | None = None
        self.lasting = False

    def listen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.error is None:
            return
        if event == "open":
            changes = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        else:
            changes = event in CHANGES
        if changes:
            self.calls += 1
            if self.calls == self.first or (self.lasting and self.calls > self.first):
                raise self.error()

    @contextmanager
    def at(
        self, first: int, error: Callable[[], BaseException], *, lasting: bool = False
    ) -> Iterator[None]:
        self.calls, self.first, self.error, self.lasting = 0, first, error, lasting
        try:
            yield
        finally:
            self.error = None


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def killed() -> BaseException:
    os.kill(os.getpid(), signal.SIGKILL)
    return SystemExit()


FAULTS = Faults()
# Python tells its hooks of each such call before it is made; a hook stays for good.
sys.addaudithook(FAULTS.listen)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Take any folder: a change does not care what it is made to."""
    (tmp_path / "a b").mkdir()
    return tmp_path / "a b"


@pytest.fixture
def before(root: Path, write: Write) -> Path:
    """Give the tree what a change replaces and removes."""
    write({"old/a": "1", "old/b/c": "2", "gone": "3", "kept": "4", "pins": "5\r\n"})
    (root / "pins").chmod(0o640)
    return root


def left(root: Path) -> list[Path]:
    """Return what is left of a change: its records, its staging folder."""
    return [*root.glob(".monorepo.*"), *root.glob(".git/.monorepo.*")]


def change(root: Path) -> None:
    """Make a change with each kind of step, and parents that are not there yet."""
    with begin(root) as made:
        staged = made.stage()
        (staged / "package/src").mkdir(parents=True)
        (staged / "package/src/x.py").write_bytes(b"x")
        (staged / "lock").write_bytes(b"y")
        made.create("new/deep/package", staged / "package")
        made.write("pins", "6\n")
        made.create("new/lock", staged / "lock")
        made.remove("old")
        made.remove("gone")
        made.commit()


def test_a_change_is_made_whole(before: Path, tree: Tree) -> None:
    then = tree()
    change(before)
    now = tree()
    assert {path for path in then if path not in now} == {
        *("old", "old/a", "old/b", "old/b/c", "gone"),
    }
    assert now["new/deep/package/src/x.py"][1] == b"x"
    assert now["pins"] == (then["pins"][0], b"6\r\n")
    assert now["kept"] == then["kept"]
    assert not left(before)


def test_without_commit_nothing_happens(before: Path, tree: Tree) -> None:
    then = tree()
    with begin(before) as made:
        made.write("pins", "")
        made.remove("old")
    assert tree() == then
    with pytest.raises(KeyError), begin(before) as made:
        made.remove("old")
        raise KeyError
    assert tree() == then


def test_nothing_is_put_where_something_is(before: Path, tree: Tree) -> None:
    then = tree()
    (before / "link").symlink_to("nowhere")
    for path in ("kept", "old", "link"):
        with pytest.raises(UsageError, match="exists already"), begin(before) as made:
            made.create(path, made.stage())
    (before / "link").unlink()
    assert tree() == then


@pytest.mark.parametrize("path", ["../victim", "kept/../../victim", "out/victim"])
def test_nothing_is_made_outside(before: Path, path: str) -> None:
    outside = before.with_name("outside")
    outside.mkdir()
    (before / "out").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out of the repository"), begin(before) as made:
        made.write(path, "theirs")
    assert not [*outside.iterdir()]
    assert not before.with_name("victim").exists()


def test_a_step_that_fails_undoes_those_before(before: Path, tree: Tree) -> None:
    then = tree()
    with pytest.raises(FileNotFoundError), begin(before) as made:
        made.create("new/a", made.stage())
        made.write("pins", "")
        made.remove("never-was")
        made.commit()
    assert tree() == then


@pytest.mark.slow
def strike(
    work: Callable[[Path], None],
    root: Path,
    tree: Tree,
    error: Callable[[], BaseException],
    *,
    lasting: bool,
) -> None:
    """Have each system call of `work` fail in its turn: all of it is done then, or nothing."""
    again = root.with_name("again")
    then = tree()
    shutil.copytree(root, again, symlinks=True)
    work(root)
    after = now = tree()
    outcomes = []
    for number in range(1, 1000):
        if now == after:
            shutil.rmtree(root)
            shutil.copytree(again, root, symlinks=True)
        raised = True
        try:
            with FAULTS.at(number, error, lasting=lasting):
                work(root)
            raised = False
        except (OSError, KeyboardInterrupt):
            pass
        recover(root)
        now = tree()
        assert now in (then, after), f"neither before nor after, with a fault at call {number}"
        assert raised or now == after, f"no error, and nothing done, with a fault at call {number}"
        if FAULTS.calls < number:
            break
        # A fault that changes nothing, such as in making a folder that is there, is none.
        outcomes += [now == after] if raised else []
    # Before up to one call, after from there on; and the last round met no fault.
    assert outcomes == sorted(outcomes)
    assert not raised
    assert len(outcomes) > 20


FAULTY = [(full, False), (full, True), (KeyboardInterrupt, False)]


@pytest.mark.parametrize(("error", "lasting"), FAULTY)
def test_a_fault_anywhere_leaves_before_or_after(
    before: Path, tree: Tree, error: Callable[[], BaseException], lasting: bool
) -> None:
    strike(change, before, tree, error, lasting=lasting)


def test_a_fault_while_undoing_is_mended_by_the_next(before: Path, tree: Tree) -> None:
    then = tree()
    for number in range(1, 1000):
        # Dies with everything in place but the end of the journal ...
        in_a_process(_commit_but_for_the_end, before, code=3)
        assert tree() != then
        # ... and whoever recovers dies as well.
        try:
            with FAULTS.at(number, KeyboardInterrupt, lasting=True):
                recover(before)
        except KeyboardInterrupt:
            pass
        with locked(before):
            assert tree() == then
        if FAULTS.calls < number:
            break
    assert number > 10


def in_a_process(work: Callable[..., None], *arguments: object, code: int = 0) -> None:
    """Do some work in a process of its own, which ends with `code`."""
    worker = FORK.Process(target=work, args=arguments)
    worker.start()
    worker.join()
    assert worker.exitcode == code


def _commit_but_for_the_end(root: Path) -> None:
    with begin(root) as made:
        made.write("pins", "6")
        made.create("new/deep/a", made.stage())
        made.remove("old")
        Path.unlink = lambda self: os._exit(3)  # type: ignore[method-assign, assignment, misc]
        made.commit()


def test_somebody_elses_file_survives_the_undoing(before: Path, tree: Tree) -> None:
    with pytest.raises(FileNotFoundError), begin(before) as made:
        made.create("new/a", made.stage())
        made.write("pins", "6")
        made.remove("never-was")
        # Meanwhile, by somebody who asks for no lock:
        rename = Path.rename

        def meanwhile(self: Path, target: Path) -> Path:
            if self.name == "never-was":
                (before / "mine").write_bytes(b"mine")
                os.replace(before / "mine", before / "pins")
                (before / "new/mine").write_bytes(b"")
            return rename(self, target)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "rename", meanwhile)
            made.commit()
    now = tree()
    assert now["pins"][1] == b"mine"
    assert "new/mine" in now
    assert "new/a" not in now


def _stage_and_die(root: Path) -> None:
    with begin(root) as made:
        made.write("pins", "6")
        os._exit(3)


@pytest.mark.parametrize("git", ["none", "folder", "worktree"])
def test_what_a_killed_command_left_is_removed(before: Path, tree: Tree, git: str) -> None:
    records = before
    if git == "folder":
        (records := before / ".git").mkdir()
    elif git == "worktree":
        (records := before.with_name("main") / ".git/worktrees/a b").mkdir(parents=True)
        (before / ".git").write_text("gitdir: ../main/.git/worktrees/a b\n", encoding="utf-8")
    then = tree()
    in_a_process(_stage_and_die, before, code=3)
    (staging,) = before.glob(f"{STAGING}*")
    (record,) = records.glob(".monorepo.*.staging")
    recover(before)
    assert not staging.exists()
    assert not record.exists()
    assert tree() == then
    recover(before)
    assert tree() == then


def test_records_belong_to_one_checkout(before: Path, tmp_path: Path) -> None:
    in_a_process(_commit_but_for_the_end, before, code=3)
    copy = tmp_path / "copy"
    shutil.copytree(before, copy)
    recover(copy)
    assert (copy / "pins").read_bytes() == b"6"
    before.rename(moved := before.with_name("moved"))
    recover(moved)
    assert (moved / "pins").read_bytes() == b"5\r\n"


def test_what_a_branch_brings_is_data(before: Path, tree: Tree) -> None:
    victim = before.with_name("victim")
    victim.write_bytes(b"mine")
    step = {"path": str(victim), "new": "x", "old": "x", "inode": victim.stat().st_ino}
    (before / ".git").mkdir()
    for folder in (".monorepo.txn", f"{STAGING}0123456789abcdef"):
        (before / folder).mkdir()
        (before / folder / "x").write_bytes(b"theirs")
        for name in ("journal", f".monorepo.{before.stat().st_ino}.journal"):
            journal = json.dumps({"staging": folder, "steps": [{**step, "parents": []}]})
            (before / folder / name).write_text(journal, encoding="utf-8")
            (before / name).write_text(journal, encoding="utf-8")
    then = tree()
    recover(before)
    assert tree() == then
    assert victim.read_bytes() == b"mine"


STEP = {"path": "gone", "old": "new-0/gone", "parents": []}
JOURNALS: dict[str, object] = {
    "not JSON": None,
    "no table": [],
    "without steps": {"staging": f"{STAGING}0123456789abcdef"},
    "steps of another kind": {"staging": f"{STAGING}0123456789abcdef", "steps": 1},
    "a folder of another name": {"staging": "old", "steps": [STEP]},
    "a folder elsewhere": {"staging": "../victim", "steps": [STEP]},
    **{
        f"{key} is {value}": {
            "staging": f"{STAGING}0123456789abcdef",
            "steps": [STEP, {**STEP, key: value}],
        }
        for key, value in (
            ("path", "../victim"),
            ("path", "/victim"),
            ("path", "out/victim"),
            ("path", "."),
            ("path", 1),
            ("old", "../../victim"),
            ("old", "out/victim"),
            ("parents", ["../empty"]),
            ("parents", 1),
        )
    },
}


@pytest.mark.parametrize("case", JOURNALS)
def test_a_malformed_journal_is_set_aside(
    before: Path, tree: Tree, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = before.with_name("outside")
    (outside / "empty").mkdir(parents=True)
    before.with_name("victim").write_bytes(b"mine")
    (before.with_name("empty")).mkdir()
    (before / "out").symlink_to(outside)
    staging = before / f"{STAGING}0123456789abcdef"
    (staging / "new-0").mkdir(parents=True)
    (staging / "new-0/gone").write_bytes(b"theirs")
    (staging / "out").symlink_to(outside)
    (before / ".git").mkdir()
    then = tree()
    journal = before / f".git/.monorepo.{before.stat().st_ino}.journal"
    text = "{" if JOURNALS[case] is None else json.dumps(JOURNALS[case])
    journal.write_text(text, encoding="utf-8")
    recover(before)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"monorepo: {journal}: is malformed; set aside as ")
    journal.with_name(f"{journal.name}.malformed").unlink()
    assert tree() == then
    assert before.with_name("empty").is_dir()


def test_terminated_is_like_interrupted(before: Path, tree: Tree) -> None:
    then = tree()
    was = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), begin(before) as made:
        made.remove("old")
        os.kill(os.getpid(), signal.SIGTERM)
        made.commit()
    assert tree() == then
    assert signal.getsignal(signal.SIGTERM) is was


def _increase(root: Path, times: int) -> None:
    for _ in range(times):
        with begin(root) as made:
            count = int((root / "count").read_text(encoding="utf-8"))
            made.write("count", str(count + 1))
            made.commit()


def test_no_change_is_lost_among_several_processes(root: Path, write: Write, tree: Tree) -> None:
    write({"count": "0"})
    then = tree()
    workers = [FORK.Process(target=_increase, args=(root, 10)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert tree() == {**then, "count": (then["count"][0], b"40")}


def _change_and_die(root: Path, number: int) -> None:
    with FAULTS.at(number, killed):
        change(root)


@pytest.mark.parametrize("number", range(8, 24, 3))
def test_a_killed_process_is_cleaned_up_after(before: Path, tree: Tree, number: int) -> None:
    then = tree()
    in_a_process(_change_and_die, before, number, code=-signal.SIGKILL)
    recover(before)
    assert tree() == then
    change(before)
    assert tree() != then


@pytest.fixture
def indexed(root: Path, write: Write) -> Path:
    """Give the tree a git index, and what a merge replaces, removes and changes in kind."""
    write({"file": "1", "gone": "2", "folder/a": "3", "script": "4", "kept": "5"})
    (root / "link").symlink_to("file")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    return root


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def merge(root: Path) -> None:
    """Put files of all kinds in place, with an index that has them."""
    with begin(root) as made:
        staged = made.stage()
        for name in ("file", "new", "script", "folder"):
            (staged / name).write_text(f"{name}: new", encoding="utf-8")
        (staged / "script").chmod(0o755)
        (staged / "link").symlink_to("kept")
        made.remove("gone")
        made.remove("folder/a")
        for name in ("file", "script", "link", "folder"):
            made.put(name, staged / name)
        made.put("deep/new", staged / "new")
        index = staged / "index"
        shutil.copyfile(root / ".git/index", index)
        # git is not struck by faults, but would be started by a process that is.
        index.write_bytes(index.read_bytes() + b"new")
        made.index(index)
        made.commit()


def test_files_of_any_kind_are_put_with_the_index(indexed: Path) -> None:
    index = (indexed / ".git/index").read_bytes()
    merge(indexed)
    texts = {name: (indexed / name).read_text("utf-8") for name in ("file", "deep/new", "folder")}
    assert texts == {"file": "file: new", "deep/new": "new: new", "folder": "folder: new"}
    assert os.access(indexed / "script", os.X_OK)
    assert os.readlink(indexed / "link") == "kept"
    assert not (indexed / "gone").exists()
    assert (indexed / "kept").read_text("utf-8") == "5"
    assert (indexed / ".git/index").read_bytes() == index + b"new"
    assert not (indexed / ".git/index.lock").exists()
    assert not left(indexed)


@pytest.mark.parametrize("path", ["../victim", "/victim", "out/victim"])
def test_nothing_is_put_outside(indexed: Path, path: str) -> None:
    outside = indexed.with_name("outside")
    outside.mkdir()
    for victim in (outside / "victim", indexed.with_name("victim")):
        victim.write_bytes(b"mine")
    (indexed / "out").symlink_to(outside)
    with pytest.raises(ValueError, match="victim"), begin(indexed) as made:
        staged = made.stage()
        (staged / "x").write_bytes(b"theirs")
        place = str(indexed.with_name("victim")) if path == "/victim" else path
        made.put(place, staged / "x")
        made.commit()
    assert (outside / "victim").read_bytes() == indexed.with_name("victim").read_bytes() == b"mine"


def test_a_lock_of_another_git_is_left(indexed: Path, tree: Tree) -> None:
    lock = indexed / ".git/index.lock"
    lock.write_bytes(b"theirs")
    then = tree()
    with pytest.raises(UsageError, match=r"index\.lock: exists, another git command is running"):
        merge(indexed)
    assert tree() == then
    lock.unlink()
    merge(indexed)
    assert not lock.exists()


def test_an_index_that_was_not_there_is_gone_again(indexed: Path, tree: Tree) -> None:
    (indexed / ".git/index").unlink()
    then = tree()
    with pytest.raises(FileNotFoundError), begin(indexed) as made:
        staged = made.stage()
        (staged / "index").write_bytes(b"new")
        made.index(staged / "index")
        made.remove("never-was")
        made.commit()
    assert tree() == then


@pytest.mark.slow
@pytest.mark.parametrize(("error", "lasting"), FAULTY)
def test_a_fault_anywhere_leaves_both_or_neither(
    indexed: Path, tree: Tree, error: Callable[[], BaseException], lasting: bool
) -> None:
    strike(merge, indexed, tree, error, lasting=lasting)


def _merge_and_die(root: Path, number: int) -> None:
    with FAULTS.at(number, killed):
        merge(root)


@pytest.mark.slow
def test_a_merge_that_is_killed_anywhere_is_undone_or_done(indexed: Path, tree: Tree) -> None:
    then = tree()
    shutil.copytree(indexed, indexed.with_name("again"), symlinks=True)
    merge(indexed)
    after = tree()
    ended = []
    for number in range(1, 1000):
        shutil.rmtree(indexed)
        shutil.copytree(indexed.with_name("again"), indexed, symlinks=True)
        worker = FORK.Process(target=_merge_and_die, args=(indexed, number))
        worker.start()
        worker.join()
        recover(indexed)
        assert tree() in (then, after), f"neither before nor after, killed at call {number}"
        ended.append(worker.exitcode)
        if worker.exitcode == 0:
            break
    assert ended[:-1] == [-signal.SIGKILL] * (len(ended) - 1)
    assert len(ended) > 20
