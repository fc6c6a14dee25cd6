"""Where plants are planted: a monorepo that is installed, and what the rules say of it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.plants.planting import Plant
from monorepo.core import workspace
from monorepo.guard import catalog, runner
from monorepo.guard.findings import Finding

PACKAGES = (
    "shared/py/core shared/py/audio shared/js/core shared/js/ui services/py/api services/py/jobs"
    " services/js/web services/js/edge apps/py/report apps/js/site"
)
# Programs of others, which take longer than all else: they run for their own plants alone.
BY_OTHERS = ("workflows", "secrets")
# How the message of a rule begins that has failed.
CRASH = "the rule failed here"


@dataclass(frozen=True)
class Outcome:
    """What the rules say of a plant."""

    plant: Plant
    findings: tuple[Finding, ...]
    crash: str = ""

    @cached_property
    def errors(self) -> list[Finding]:
        """The findings that fail a run."""
        return [one for one in self.findings if one.status == "error" and CRASH not in one.message]

    @cached_property
    def group(self) -> str:
        """Which column of the table it counts in."""
        failed = self.crash or any(CRASH in one.message for one in self.findings)
        if self.plant.twin:
            return "twins" if self.errors or failed else "silent"
        owners = (self.plant.rule, *self.plant.also)
        mine = [one for one in self.findings if one.rule in owners and self._here(one)]
        if any(one in self.errors for one in mine):
            return "found"
        if failed:
            return "crashed"
        if self.errors:
            return "other"
        if any(one.status == "warn" for one in self.findings):
            return "warned"
        return "missed" if self.plant.claim else "unclaimed"

    def _here(self, finding: Finding) -> bool:
        paths = self.plant.paths
        return not paths or any(f"{finding.path}/".startswith(f"{path}/") for path in paths)

    def told(self, *, whole: bool) -> str:
        """Return it for a person."""
        plant = self.plant
        lines = [f"{self.group:9} {plant.key} {plant.rule}: {plant.kind}"]
        if not plant.claim and not plant.twin:
            lines[0] += " (not claimed)"
        if self.crash:
            lines.append(f"    {self.crash}")
        lines += [f"    {one}" for one in self.findings[:6]]
        if whole:
            for path, after in plant.edits.items():
                lines.append(f"    --- {path}")
                lines.append(after if isinstance(after, str) else repr(after))
        return "\n".join(lines)


def made(folder: Path) -> Path:
    """Bake and install a monorepo in a folder, unless it is there."""
    root = folder / "acme-platform"
    if not (root / ".git").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["create", str(folder), "--no-input", "repo_name=acme-platform"]
        monorepo = [sys.executable, "-m", "monorepo"]
        _run([*monorepo, *words, f"packages={PACKAGES}"], folder)
        _run(["make", "install"], root)
        _run(["git", "init", "--quiet"], root)
        _run(["git", "add", "--all"], root)
        who = ["-c", "user.name=plants", "-c", "user.email=plants@example.com"]
        _run(["git", *who, "commit", "--quiet", "--message", "baked"], root)
    return root


def _run(words: Sequence[str], folder: Path) -> None:
    path = os.pathsep.join(one for one in sys.path if one)
    own = {"PYTHONPATH": path} if words[0] == sys.executable else {}
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(words, cwd=folder, env=env | own, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def outcomes(root: Path, plants: Sequence[Plant]) -> Iterator[Outcome]:
    """Yield what the rules say of each plant."""
    light = [rule for rule in catalog.RULES if rule not in BY_OTHERS]
    if before := [one for one in _findings(root, catalog.RULES) if one.status == "error"]:
        sys.exit("\n".join(["the monorepo is not clean:", *map(str, before)]))
    for plant in plants:
        rules = catalog.RULES if plant.rule in BY_OTHERS else light
        with _planted(root, plant):
            try:
                outcome = Outcome(plant, ())
                # Its own rule is enough where that finds it.
                if plant.rule in rules and not plant.twin:
                    outcome = Outcome(plant, tuple(_findings(root, [plant.rule, *plant.also])))
                if outcome.group != "found":
                    outcome = Outcome(plant, tuple(_findings(root, rules)))
                yield outcome
            except Exception as error:
                yield Outcome(plant, (), f"{type(error).__name__}: {error}")


def _findings(root: Path, rules: Sequence[str]) -> list[Finding]:
    return runner.guard(workspace.load(root), rules)


@contextlib.contextmanager
def _planted(root: Path, plant: Plant) -> Iterator[None]:
    """Make the edits, and undo them."""
    before: dict[Path, tuple[bytes, int] | None] = {}
    made: list[Path] = []
    for path, after in plant.edits.items():
        file = root / path
        before[file] = (file.read_bytes(), file.stat().st_mode) if file.is_file() else None
        for folder in reversed(file.parents):
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
        if after is None:
            file.unlink()
        else:
            file.write_bytes(after if isinstance(after, bytes) else after.encode())
    if plant.staged:
        _run(["git", "add", "--force", "--", *plant.edits], root)
    try:
        yield
    finally:
        for file, old in before.items():
            if old is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(old[0])
                file.chmod(old[1])
        for folder in reversed(made):
            shutil.rmtree(folder, ignore_errors=True)
        if plant.staged:
            _run(["git", "reset", "--quiet", "--", *plant.edits], root)


COLUMNS = ("found", "other", "warned", "crashed", "missed", "unclaimed")


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of rules, in Markdown."""
    by_rule: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_rule[outcome.plant.rule].append(outcome)
    heads = "planted, claimed, found, found by another rule, warned, crashed, missed".split(", ")
    lines = [
        f"| rule | {' | '.join(heads)} | not claimed, of these found | twins | false alarms |",
        f"|---|{'--:|' * (len(heads) + 3)}",
    ]
    for rule, some in [*by_rule.items(), ("**all**", list(outcomes))]:
        planted = [one for one in some if not one.plant.twin]
        claimed = [one for one in planted if one.plant.claim]
        rest = [one for one in planted if not one.plant.claim]
        twins = [one for one in some if one.plant.twin]
        counts = [sum(one.group == name for one in claimed) for name in COLUMNS[:-1]]
        found = sum(one.group == "found" for one in rest)
        alarms = sum(one.group == "twins" for one in twins)
        numbers = [len(planted), len(claimed), *counts, f"{len(rest)}, {found}", len(twins), alarms]
        lines.append(f"| {rule} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)
