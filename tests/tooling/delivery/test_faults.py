"""Each change that a verb of delivery makes to the disk fails in turn: all or nothing is left."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.template import faults
from tests.template.baking import ENGINE, TEMPLATE
from tests.template.faults import Fault, Outcome, Run, Victim, snapshot, unfit

pytestmark = pytest.mark.slow
API = "services/py/api"
ROWS = "schema_version: 1\nartifacts:\n  - {type: python-package, name: left, version: latest}\n"
DIGEST = f"python:3.11-slim@sha256:{'1a' * 32}"
SCENARIOS = {
    "build": ["build", API],
    "bundle": ["bundle", API],
    "docker": ["docker", API, "--base", DIGEST],
    "env": ["env", "convert", "--to", "per-package"],
    "lock": ["lock"],
    "manifest": ["manifest", "migrate"],
    "sbom": ["sbom", API],
    "vendor": ["vendor"],
}
# Where folders are made that take the place of others: what a killed command leaves there, the same
# command removes. Downloads that are complete stay.
ASIDE = (f"{API}/build", "vendor", "vendor/wheels")
PROGRESS = ("build: ", "download: ", "lock: ", "sbom: ")

# So many at the end, and as many of the others.
MOST = 5
# Modes of files hold for root as well, without these.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.fixture
def victim() -> Iterator[Victim]:
    path = Path(os.pathsep.join(map(str, (TEMPLATE, ENGINE))))
    with Victim("tests.tooling.delivery.struck:main", path) as victim:
        yield victim


@pytest.fixture
def before(
    root: Path,
    index: Path,
    uv: Path,
    wheel: Callable[..., None],
    write: Callable[[dict[str, str]], None],
    buildable: Callable[..., Path],
) -> Path:
    """Have a service with all that the verbs make, of an earlier state."""
    assert index and uv.exists()
    for name in ("left", "right", "uv"):
        wheel(name, "1.0")
    write(
        {
            "constraints.txt": "left==1.0\nuv==1.0\n",
            "base_manifest.yaml": ROWS,
            f"{API}/src/tiny_svc_api/main.py": "",
            f"{API}/build/bundle/app/old": "old",
            f"{API}/build/sbom.cdx.json": "old",
            f"{API}/dist/old": "old",
        }
    )
    folder = buildable(API, "left", "right")
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("[tool.monorepo]\nport = 8001\n")
    return root


def kept(place: Path) -> dict[str, str]:
    """Return all that is there but for what is aside, environments and caches."""
    found = snapshot(place)
    left_out = (".venv/", "vendor/", f"{API}/build/.")
    return {
        # An sdist has the time at which it was built.
        path: "" if path.endswith(".tar.gz") else what
        for path, what in found.items()
        if not f"{path}/".startswith(left_out) and not path.endswith("/build")
    }


def wheels(place: Path) -> dict[str, str]:
    """Return the wheels that are vendored."""
    folder = place / "vendor/wheels"
    return {file.name: snapshot(folder)[file.name] for file in folder.glob("*.whl")}


def left_aside(place: Path) -> list[str]:
    """Return the folders beside those in whose place they would be put."""
    return [path.name for pattern in ASIDE for path in place.glob(f"{pattern}/.*-*")]


class Judge:
    """Knows what may be left after a run that was struck."""

    def __init__(self, victim: Victim, run: Run, before: Path, place: Path) -> None:
        """Make what is wanted, with nothing failing."""
        self.victim, self.run = victim, run
        self.before = kept(before)
        shutil.copytree(before, place, symlinks=True)
        done = victim(run)
        assert done.code == 0, done.output
        self.changes, self.wanted, self.wheels = done.changes, kept(place), wheels(place)
        shutil.rmtree(place)
        assert self.wheels or self.before != self.wanted

    def __call__(self, fault: Fault, outcome: Outcome, place: Path) -> str | None:
        """Say what is wrong, if anything is."""
        repaired = self.victim(replace(self.run, arguments=[["--root", str(place), "list"]]))
        if repaired.code:
            return f"the next command ended with {repaired.code}: {repaired.output}"
        found, aside = kept(place), left_aside(place)
        made = outcome.code == 0 if self.wheels else found == self.wanted
        if not made and found != self.before:
            # Killed, or on a full disk, between two renames: the next run makes it anew.
            missing = self.before.items() - found.items()
            if not (aside and missing and found.items() < self.before.items()):
                return f"PART: {sorted(found.items() ^ self.before.items())[:5]}"
        if not wheels(place).items() <= self.wheels.items():
            return f"a wheel is half there: {wheels(place)}"
        # Threads that download may go on for a moment; the next run removes what they leave.
        strict = not self.wheels and fault.mode in ("EIO", "SIGINT", "SIGTERM")
        if aside and not made and strict:
            return f"left {aside}"
        lines = [line for line in outcome.output.splitlines() if not line.startswith(PROGRESS)]
        said = replace(outcome, output="\n".join(lines))
        if wrong := unfit(fault, said, made=made, prefix="monorepo: "):
            return wrong
        again = self.victim(self.run)
        if again.code or kept(place) != self.wanted or wheels(place) != self.wheels:
            return f"the same command again ended with {again.code}: {again.output[-800:]}"
        if self.wheels and left_aside(place) and fault.mode.startswith("SIG"):
            # pip has outlived the first command, and has put there what the next one removes.
            again = self.victim(self.run)
        return f"left {rest}" if (rest := left_aside(place)) else None


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_or_nothing(scenario: str, victim: Victim, before: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    words = ["--root", str(place), *SCENARIOS[scenario]]
    if scenario != "lock":
        text = (before / API / "pyproject.toml").read_text(encoding="utf-8")
        (before / API / "pyproject.toml").write_text(text.replace(', "right"', ""), "utf-8")
    run = Run(tmp_path, dict(os.environ), [words])
    judge = Judge(victim, run, before, place)
    plan = [
        fault
        for fault in faults.plan(judge.changes)
        # A signal while a thread is being started: Python does not wait for that thread at the end.
        if not (fault.mode.startswith("SIG") and "/lowest/" in judge.changes[fault.number - 1])
    ]
    if os.environ.get("FAULTS") != "all":
        # Where it is put in place, and a sample of the others.
        plan = plan[: -MOST : max(1, len(plan) // MOST)] + plan[-MOST:]
    wrong = faults.sweep(victim, run, before, place, plan, judge)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("verb", "folder"),
    [
        ("build", f"{API}/build"),
        ("bundle", f"{API}/build"),
        ("docker", API),
        ("manifest", "."),
        ("sbom", f"{API}/build"),
        ("vendor", "vendor/wheels"),
    ],
)
def test_a_folder_that_is_read_only(verb: str, folder: str, before: Path) -> None:
    (before / folder).mkdir(parents=True, exist_ok=True)
    (before / ".git").mkdir()
    text = (before / API / "pyproject.toml").read_text(encoding="utf-8")
    (before / API / "pyproject.toml").write_text(text.replace(', "right"', ""), "utf-8")
    then, mode = snapshot(before), (before / folder).stat().st_mode
    code = (
        "import sys; from tests.tooling.delivery.struck import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "--root", str(before), *SCENARIOS[verb]]
    path = os.pathsep.join(map(str, (TEMPLATE, ENGINE)))

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*BOUND, *command],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    (before / folder).chmod(0o555)
    try:
        done = run()
    finally:
        (before / folder).chmod(mode)
    (line,) = [one for one in done.stderr.splitlines() if not one.startswith(PROGRESS)]
    assert done.returncode == 2
    assert line.startswith("monorepo: ") and line.endswith(": Permission denied")
    assert snapshot(before) == then
    assert run().returncode == 0
