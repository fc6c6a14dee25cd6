"""`monorepo new` and `remove`: each change to the disk failing in turn; and several at once."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from tests.template import baking, faults
from tests.template.faults import Fault, Victim, snapshot
from tests.template.striking import Judge, call, do

ALL = os.environ.get("FAULTS") == "all"
LOCK = "pnpm-lock.yaml"
# With a service in one language only: one in the other brings its runtime along.
LOPSIDED = "shared/py/core shared/js/core services/py/api"
AREAS = ("shared/py", "shared/js", "services/py", "services/js")
EIGHT = {
    **{f"{area}/audio": f"shared/{area[-2:]}/core" for area in AREAS},
    **{f"{area}/video": "" for area in AREAS},
}

Words = tuple[str, ...]
SCENARIOS: dict[str, tuple[str, Words]] = {
    "js": (LOPSIDED, ("new", "services/js/shop", "--deps", "shared/js/core")),
    "py": (LOPSIDED, ("new", "shared/py/audio", "--deps", "shared/py/core")),
    "remove-js": (LOPSIDED, ("remove", "shared/js/core")),
    "remove-py": ("shared/py/core services/py/api", ("remove", "services/py/api")),
}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Return the command, with all that it imports on the way imported."""
    folder = tmp_path_factory.mktemp("warm")
    with Victim("monorepo.__main__:main", baking.ENGINE) as victim:
        root = baking.bake(folder)
        for words in (("new", "services/js/shop"), ("remove", "services/py/api"), ("list",)):
            victim.warm(call(root, *words))
        yield victim


def listed(victim: Victim, root: Path) -> dict[str, Any]:
    """Return what `monorepo list` says of each package, by path; but not who has which port."""
    told = json.loads(do(victim, root, "list", "--format=json").output)["packages"]
    return {one["path"]: {**one, "port": None} for one in told}


def ports(root: Path) -> list[int]:
    """Return the ports of all services."""
    space = workspace.load(root)
    return [one.settings["port"] for one in space.packages.values() if one.is_service]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_or_nothing(scenario: str, victim: Victim, tmp_path: Path) -> None:
    packages, words = SCENARIOS[scenario]
    before, place = baking.bake(tmp_path, packages=packages), tmp_path / "place"
    judge = Judge(victim, words, before, place)
    started, ended = judge.journal("os.rename"), judge.journal("os.remove")
    assert ended > started
    plan = faults.plan(judge.changes, range(started - 3, ended + 3))
    assert not faults.sweep(victim, judge.run, before, place, plan, judge)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_dry_run_changes_nothing_in_the_repository(
    scenario: str, victim: Victim, tmp_path: Path
) -> None:
    packages, words = SCENARIOS[scenario]
    root = baking.bake(tmp_path, packages=packages)
    before = snapshot(root)
    done = do(victim, root, *words, "--dry-run")
    assert words[1] in done.output
    assert not [change for change in done.changes if str(root) in change]
    assert snapshot(root) == before


@pytest.mark.parametrize("scenario", ["py", "remove-py"])
def test_any_verb_recovers_from_a_kill_in_the_middle(
    scenario: str, victim: Victim, tmp_path: Path
) -> None:
    _, words = SCENARIOS[scenario]
    # In Python alone, what is in step can be told without pnpm.
    root = baking.bake(tmp_path, packages="shared/py/core services/py/api")
    copy, before = tmp_path / "copy", snapshot(root)
    judge = Judge(victim, words, root, copy)
    outcome = victim(call(root, *words), Fault(judge.journal("os.rename") + 2, "SIGKILL"))
    assert outcome.code == -signal.SIGKILL
    assert list(root.glob(".git/.monorepo.*.journal"))
    do(victim, root, "lock-check")
    assert snapshot(root) == before
    do(victim, root, *words)
    assert snapshot(root) == judge.wanted


def start(root: Path, *words: str) -> subprocess.Popen[str]:
    """Start the command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-B", "-m", "monorepo", *words],
        cwd=root,
        env=baking.environment(PYTHONPATH=str(baking.ENGINE)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_eight_at_once_are_all_there(victim: Victim, tmp_path: Path) -> None:
    before = baking.bake(tmp_path)
    alone = tmp_path / "alone"
    shutil.copytree(before, alone, symlinks=True)
    for path, needed in EIGHT.items():
        do(victim, alone, "new", path, "--deps", needed)
    wanted = listed(victim, alone)
    for number in range(20 if ALL else 3):
        root = tmp_path / f"round-{number}"
        shutil.copytree(before, root, symlinks=True)
        running = [start(root, "new", path, "--deps", deps) for path, deps in EIGHT.items()]
        said = [process.communicate()[0] for process in running]
        assert [process.returncode for process in running] == [0] * 8, said
        assert listed(victim, root) == wanted
        assert snapshot(root).keys() == snapshot(alone).keys()
        assert (root / LOCK).read_bytes() == (alone / LOCK).read_bytes()
        assert len(ports(root)) == len(set(ports(root))) == 6
        shutil.rmtree(root)


@pytest.mark.slow
def test_eight_times_the_same_has_one_winner(victim: Victim, tmp_path: Path) -> None:
    before, alone = baking.bake(tmp_path), tmp_path / "alone"
    shutil.copytree(before, alone, symlinks=True)
    do(victim, alone, "new", "services/js/shop")
    for number in range(20 if ALL else 2):
        root = tmp_path / f"round-{number}"
        shutil.copytree(before, root, symlinks=True)
        running = [start(root, "new", "services/js/shop") for _ in range(8)]
        said = [process.communicate()[0] for process in running]
        assert sorted(process.returncode for process in running) == [0] + [2] * 7, said
        losing = {text for process, text in zip(running, said, strict=True) if process.returncode}
        assert losing == {"monorepo: 'services/js/shop': exists already; choose another name\n"}
        assert snapshot(root) == snapshot(alone)
        shutil.rmtree(root)


@pytest.mark.parametrize("packages", [baking.DEFAULTS, LOPSIDED])
def test_add_then_remove_is_the_identity(packages: str, victim: Victim, tmp_path: Path) -> None:
    root = baking.bake(tmp_path, packages=packages)
    # Whatever mode a file has, it keeps.
    (root / LOCK).chmod(0o640)
    before = snapshot(root)
    orders = [list(order) for order in itertools.permutations(AREAS)]
    for adding in orders if ALL else orders[:: len(orders) // 3]:
        removing = random.Random(repr(adding)).sample(adding, len(adding))
        for area in adding:
            do(victim, root, "new", f"{area}/audio", "--deps", f"shared/{area[-2:]}/core")
        for area in removing:
            do(victim, root, "remove", f"{area}/audio")
        if packages == LOPSIDED:
            do(victim, root, "remove", "shared/js/notes")
            do(victim, root, "remove", "shared/js/service")
        assert snapshot(root) == before


def test_line_breaks_modes_and_other_bytes_are_kept(victim: Victim, tmp_path: Path) -> None:
    root = baking.bake(tmp_path)
    lock = root / LOCK
    plain, windows = lock.read_bytes(), lock.read_bytes().replace(b"\n", b"\r\n")
    do(victim, root, "new", "services/js/shop", "--deps", "shared/js/core")
    wanted = lock.read_bytes()
    do(victim, root, "remove", "services/js/shop")
    assert lock.read_bytes() == plain
    lock.write_bytes(windows)
    lock.chmod(0o604)
    others = {path: what for path, what in snapshot(root).items() if path != LOCK}
    do(victim, root, "new", "services/js/shop", "--deps", "shared/js/core")
    assert lock.read_bytes() == wanted.replace(b"\n", b"\r\n")
    assert lock.stat().st_mode & 0o777 == 0o604
    assert others.items() <= snapshot(root).items()
    do(victim, root, "remove", "services/js/shop")
    assert lock.read_bytes() == windows
    assert lock.stat().st_mode & 0o777 == 0o604


@pytest.mark.slow
def test_ten_of_each_kind_in_any_order(victim: Victim, tmp_path: Path) -> None:
    before = baking.bake(tmp_path)
    paths = [f"{area}/part-{'abcdefghij'[number]}" for area in AREAS for number in range(10)]
    results = []
    for seed in range(10 if ALL else 2):
        root = tmp_path / f"order-{seed}"
        shutil.copytree(before, root, symlinks=True)
        for path in random.Random(seed).sample(paths, len(paths)):
            do(victim, root, "new", path)
        assert len(ports(root)) == len(set(ports(root))) == 22
        results.append((listed(victim, root), (root / LOCK).read_bytes(), snapshot(root).keys()))
        assert set(paths) <= results[-1][0].keys()
    assert all(result == results[0] for result in results)
