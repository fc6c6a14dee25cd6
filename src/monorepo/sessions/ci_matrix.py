"""Distribute nox sessions over the rows of a GitHub matrix.

A row is a job on a machine of its own, with one Python. Standard library only.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from heapq import heappop, heappush
from statistics import median
from typing import Any

from monorepo.core.naming import show
from monorepo.core.workspace import ROOT_MANIFEST
from monorepo.system.errors import UsageError

# GitHub runs 20 jobs in parallel on a free plan, and a matrix has at most 256 rows.
JOBS = 24
MOST_JOBS = 256
# Seconds of sessions in a row below which more rows do not pay: setting one up takes a minute.
ENOUGH = 240
# Seconds that a session takes, as long as none of its task is recorded.
USUAL = 20
# What Linux lets one environment variable hold, and what GitHub lets the output of a job (1 MB in
# UTF-16), in characters.
_VARIABLE = 128 * 1024 - 1024
_OUTPUT = 500_000
_SETTING = f"{ROOT_MANIFEST}: [tool.monorepo.ci]"
_NAME = re.compile(r"[a-z0-9./()-]+")
_PYTHON = re.compile(r"3\.\d+")
# The task and the package of a session; neither the team's own sessions nor `manifests` have one.
_CELL = re.compile(r"(.+?)(?:-3\.\d+)?\((.+)\)")

Matrix = dict[str, list[dict[str, str]]]


def sessions(listing: str, floor: str) -> dict[str, str]:
    """Return the Python of each session in the output of `nox --list --json`, in its order.

    Args:
        listing: the sessions, as JSON.
        floor: the Python for sessions without a version.

    Raises:
        UsageError: the listing is malformed or empty, or has a name that is not safe in a workflow.
    """
    try:
        entries: list[Mapping[str, Any]] = json.loads(listing)
        found = {str(entry["session"]): str(entry["python"] or floor) for entry in entries}
    except (ValueError, TypeError, LookupError):
        found = {}
    # Names are separated by commas.
    if wrong := [name for name in found if not _NAME.fullmatch(name)]:
        reason = "is not allowed in a workflow; rename the package"
        raise UsageError(*(f"{name}: {reason}" for name in wrong))
    if not found or not all(map(_PYTHON.fullmatch, found.values())):
        raise UsageError("stdin: lists no sessions; pipe `nox --list --json` into it")
    return found


def of_packages(found: Mapping[str, str], paths: Collection[str]) -> dict[str, str]:
    """Return those sessions that are about one of some packages, or about none."""
    cells = {name: _CELL.fullmatch(name) for name in found}
    return {name: found[name] for name, cell in cells.items() if cell is None or cell[2] in paths}


def jobs(facts: Mapping[str, Any], pythons: int) -> int:
    """Return how many rows there may be, as [tool.monorepo.ci] says.

    Args:
        facts: [tool.monorepo] of the root.
        pythons: how many versions of Python the sessions need.

    Raises:
        UsageError: the setting is malformed, or fewer than the versions of Python.
    """
    table = facts.get("ci", {})
    if not isinstance(table, Mapping):
        raise UsageError(f"{_SETTING}: is not a table; write jobs = {JOBS} in [tool.monorepo.ci]")
    wrong = [
        f"{_SETTING} {show(key)}: is not known; write jobs only" for key in table if key != "jobs"
    ]
    number = table.get("jobs", JOBS)
    if type(number) is not int or not 1 <= number <= MOST_JOBS:
        wrong.append(f"{_SETTING} jobs: is not a number from 1 to {MOST_JOBS}; write jobs = {JOBS}")
    elif number < pythons:
        reason = f"the sessions need {pythons} versions of Python, and a job has one"
        wrong.append(f"{_SETTING} jobs: is {number}, but {reason}; write {pythons} or more")
    if wrong:
        raise UsageError(*wrong)
    return int(number)


def matrix(found: Mapping[str, str], recorded: Mapping[str, float], most: int) -> Matrix:
    """Return the matrix for some sessions: each is in one row, and a row has one Python.

    A Python gets more rows as long as each would have enough to do, and more than the longest
    session; then the longest session goes first, into the row that has the least to do.

    Args:
        found: the Python of each session.
        recorded: how many seconds sessions have taken.
        most: how many rows there may be, at least one for each Python.

    Raises:
        UsageError: the sessions of a row, or of all rows, are more than GitHub takes.
    """
    seconds = estimated(found, recorded)
    by_python: dict[str, list[str]] = {}
    for name in sorted(found, key=lambda name: -seconds[name]):
        by_python.setdefault(found[name], []).append(name)
    counts = _rows(
        {python: [seconds[name] for name in names] for python, names in by_python.items()}, most
    )
    include = [
        {
            "name": f"Python {python}" + (f", {number} of {count}" if count > 1 else ""),
            "python": python,
            "sessions": ",".join(names),
        }
        for python, count in sorted(counts.items(), key=lambda row: _minor(row[0]))
        for number, names in enumerate(_spread(by_python[python], seconds, count), 1)
    ]
    if any(len(row["sessions"]) > _VARIABLE for row in include):
        reason = "a row would have more sessions than a variable holds"
        raise UsageError(f"{_SETTING} jobs: is {most}, so that {reason}; write a higher number")
    if sum(len(row["sessions"]) for row in include) > _OUTPUT:
        reason = "sessions are more than a matrix of GitHub holds"
        raise UsageError(f"matrix: {len(found)} {reason}; see make export")
    return {"include": include}


def estimated(names: Iterable[str], recorded: Mapping[str, float]) -> dict[str, float]:
    """Return how many seconds each session may take, at least one.

    Args:
        names: the sessions.
        recorded: how many seconds sessions have taken; of one that is not there, it is the median
            of the same task, in any package and with any Python.
    """
    by_task: dict[str, list[float]] = {}
    for name, seconds in recorded.items():
        by_task.setdefault(_task(name), []).append(seconds)
    usual = {task: median(found) for task, found in by_task.items()}
    return {name: max(1.0, recorded.get(name, usual.get(_task(name), USUAL))) for name in names}


def _rows(seconds: Mapping[str, list[float]], most: int) -> dict[str, int]:
    """Return how many rows each Python gets, given what its sessions take."""
    counts = dict.fromkeys(seconds, 1)
    total = {python: sum(found) for python, found in seconds.items()}
    enough = {python: max(ENOUGH, *found) for python, found in seconds.items()}
    while sum(counts.values()) < most:
        load = {python: total[python] / count for python, count in counts.items()}
        long = [python for python in counts if load[python] > enough[python]]
        if not long:
            break
        counts[max(long, key=load.__getitem__)] += 1
    return counts


def _spread(names: list[str], seconds: Mapping[str, float], count: int) -> list[list[str]]:
    """Return the names in as many rows, given the longest session first."""
    rows: list[list[str]] = [[] for _ in range(count)]
    loads = [(0.0, row) for row in range(count)]
    for name in names:
        load, row = heappop(loads)
        rows[row].append(name)
        heappush(loads, (load + seconds[name], row))
    return rows


def _task(name: str) -> str:
    """Return the task of a session, without a version of Python."""
    cell = _CELL.fullmatch(name)
    return cell[1] if cell else name


def _minor(python: str) -> int:
    return int(python.partition(".")[2])
