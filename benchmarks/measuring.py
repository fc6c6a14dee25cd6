"""Measure whole processes side by side, in a folder that is gone afterwards."""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

TEMPLATE = Path(__file__).resolve().parent.parent
# They would change what is measured: no bytecode more than halves the speed of cookiecutter.
UNWANTED = ("PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "ARGS")


@dataclass(frozen=True)
class Cost:
    """Seconds: of the processors, for a process and all that it started, and of the clock."""

    cpu: float
    wall: float
    memory: float = 0
    """MiB that are resident at the end, where that is measured."""


@dataclass(frozen=True)
class Job:
    """A command, and what is to be done before each time that it is measured."""

    command: Sequence[str]
    cwd: Path
    prepare: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Row:
    """What something of ours costs beside something else, and what it may cost, if that is set."""

    ours: str
    ours_cost: Cost
    theirs: str
    theirs_cost: Cost
    goal: float | None = None
    measure: Literal["CPU ratio", "wall ratio", "memory ratio", "wall seconds", "CPU seconds"] = (
        "CPU ratio"
    )
    count: int = 0
    """How many packages it is about, where the growth with their number is of interest."""

    @property
    def value(self) -> float:
        """What is held against the goal."""
        if self.measure == "wall seconds":
            return self.ours_cost.wall
        if self.measure == "CPU seconds":
            return self.ours_cost.cpu
        if self.measure == "wall ratio":
            return self.ours_cost.wall / self.theirs_cost.wall
        if self.measure == "memory ratio":
            return self.ours_cost.memory / self.theirs_cost.memory
        return self.ours_cost.cpu / self.theirs_cost.cpu

    @property
    def met(self) -> bool:
        """Whether the goal, if there is one, is met."""
        return self.goal is None or self.value <= self.goal


@dataclass(frozen=True)
class Lab:
    """A temporary folder, the environment of what runs in it, and how often that is measured."""

    folder: Path
    env: Mapping[str, str]
    rounds: int

    @property
    def template(self) -> Path:
        """A copy of this template."""
        return self.folder / "template"

    def run(self, command: Sequence[str], cwd: Path) -> Cost:
        """Run a command and return what it cost; end the program if it fails."""
        with tempfile.TemporaryFile() as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                output.seek(0)
                said = output.read().decode(errors="replace")
                sys.exit(f"{said}\nbenchmarks: failed: {' '.join(command)[:200]}")
        return Cost(usage.ru_utime + usage.ru_stime, wall)

    def compare(self, *jobs: Job) -> list[Cost]:
        """Return the median costs of each job, after a round that warms all caches.

        The jobs take turns, so that what else the machine does meets them alike.
        """
        costs: list[list[Cost]] = [[] for _ in jobs]
        for number in range(self.rounds + 1):
            for job, seen in zip(jobs, costs, strict=True):
                job.prepare()
                cost = self.run(job.command, job.cwd)
                if number:
                    seen.append(cost)
        return [
            Cost(
                statistics.median(cost.cpu for cost in seen),
                statistics.median(cost.wall for cost in seen),
            )
            for seen in costs
        ]

    def bake(self, name: str, *answers: str) -> Path:
        """Return a new monorepo, made by cookiecutter in the folder `name`."""
        command = ["cookiecutter", "--no-input", "--default-config", "--output-dir", name]
        self.run([*command, str(self.template), *answers], self.folder)
        return self.folder / name / "acme-platform"


def remover(*paths: Path) -> Callable[[], None]:
    """Return a function that removes folders, where they are."""

    def remove() -> None:
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)

    return remove


def words() -> list[str]:
    """Return the words of the command line; without any, those of ARGS, which Make hands over."""
    return sys.argv[1:] or shlex.split(os.environ.get("ARGS", ""))


def main(description: str | None, measure: Callable[[Lab], Iterable[Row]]) -> None:
    """Measure, and print the rows as the command line asks."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--format", choices=["markdown", "json"], default="markdown")
    parser.add_argument("--rounds", type=int, default=5, help="median of how many (default: 5)")
    options = parser.parse_args()
    with laboratory(options.rounds) as lab:
        rows = list(measure(lab))
    if options.format == "json":
        told = [{**asdict(row), "value": row.value, "met": row.met} for row in rows]
        print(json.dumps({"rounds": options.rounds, "rows": told}, indent=2))
    else:
        print(_table(rows))


@contextmanager
def laboratory(rounds: int) -> Iterator[Lab]:
    """Hand out a lab, with a copy of this template that has nothing but what git would have."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name).resolve()
        home = folder / "home"
        home.mkdir()
        env = {key: value for key, value in os.environ.items() if not key.startswith(UNWANTED)}
        # All caches are new ones; where packages come from is still the user's to say.
        env["XDG_CONFIG_HOME"] = os.environ.get("XDG_CONFIG_HOME", str(Path.home() / ".config"))
        env["NPM_CONFIG_USERCONFIG"] = str(Path.home() / ".npmrc")
        env["HOME"] = str(home)
        # cookiecutter leaves its hooks there, and nx its binaries.
        env["TMPDIR"] = str(home)
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        lab = Lab(folder, env, rounds)
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        files = subprocess.run(listing, cwd=TEMPLATE, check=True, capture_output=True, text=True)
        for file in files.stdout.split("\0"):
            if file and (TEMPLATE / file).is_file():
                (lab.template / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TEMPLATE / file, lab.template / file)
        yield lab


def _table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| ours | CPU s | wall s | beside | CPU s | wall s | result | goal | |"]
    lines.append("| --- | --: | --: | --- | --: | --: | --: | --: | --- |")
    for row in rows:
        ours, theirs = (_columns(row.measure, cost) for cost in (row.ours_cost, row.theirs_cost))
        result = f"{row.value:.3g} {row.measure}"
        goal = "" if row.goal is None else f"≤ {row.goal:g} {row.measure}"
        verdict = "" if row.goal is None else "goal met" if row.met else "**goal missed**"
        lines.append(
            f"| {row.ours} | {ours} | {row.theirs} | {theirs} | {result} | {goal} | {verdict} |"
        )
    return "\n".join(lines)


def _columns(measure: str, cost: Cost) -> str:
    if measure == "memory ratio":
        return f"{cost.memory:.0f} MiB | "
    return f"{cost.cpu:.3f} | {cost.wall:.3f}"
