"""Take requirements files of real repositories into new monorepos; compare what they resolve to.

    python -m benchmarks.migrating [NAME…] [--checkouts FOLDER]

Each repository of benchmarks/repositories.toml is cloned from its URL at its commit, or copied from
a folder of that name; commit nothing of it. Both sides are resolved by uv as of the same day: the
original files, and `shared/py/core[legacy-cpu]` with constraints.txt. Lines that `monorepo migrate
requirements` did not understand, and reported, are taken out of the original. What has to be equal
is the version of each name that a line pins; of others, those that differ are counted: they follow
the pins that the new repository has already.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import TEMPLATE
from monorepo.core import hashes
from monorepo.migrating import requirements_files

DATA = TEMPLATE / "benchmarks/repositories.toml"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
HOLDER = "shared/py/core"
ENGINE = ["env", f"PYTHONPATH={TEMPLATE / 'src'}", sys.executable, "-m", "monorepo"]


@dataclass(frozen=True)
class Resolved:
    """What both sides resolve to on a Python, or why one does not."""

    original: Mapping[str, Sequence[str]]
    migrated: Mapping[str, Sequence[str]]
    why: str = ""


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and print a row for each migration."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the table (all)")
    parser.add_argument("--checkouts", type=Path, help="a folder that has them already")
    options = parser.parse_args(words)
    table = tomllib.loads(DATA.read_text(encoding="utf-8"))
    pythons = " | ".join(PYTHONS)
    print(f"| files | files, lines | kept, changed, suspicious, unknown | s | {pythons} |")
    print("| --- | --: | --: | --: |" + " --- |" * len(PYTHONS))
    for name, facts in table["repositories"].items():
        if not options.names or name in options.names:
            for pattern in facts["files"]:
                with tempfile.TemporaryDirectory(prefix="migrating-") as folder:
                    copy = Path(folder).resolve() / "old"
                    _checkout(name, facts, options.checkouts, copy)
                    print(_row(f"{name} {pattern}", copy, pattern, table["until"]), flush=True)


def _checkout(name: str, facts: Mapping[str, Any], checkouts: Path | None, copy: Path) -> None:
    """Put the files of a repository into a folder."""
    if checkouts:
        shutil.copytree(checkouts / name, copy, symlinks=True)
    else:
        clone(facts, copy)


def clone(facts: Mapping[str, Any], folder: Path) -> None:
    """Clone a repository of the list, at its commit."""
    git = ["git", "-C", str(folder)]
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    source = ["fetch", "--quiet", "--depth=1", facts["url"], facts["commit"]]
    subprocess.run([*git, *source], check=True)
    subprocess.run([*git, "checkout", "--quiet", "FETCH_HEAD"], check=True)


def _row(name: str, copy: Path, pattern: str, until: str) -> str:
    """Return the row of a migration; what differs goes to the error stream."""
    files = [str(path) for path in sorted(copy.glob(pattern))]
    made = [*ENGINE, "create", str(copy.parent), "--no-input", "--default-config"]
    answers = ["repo_name=acme-platform", f"packages={HOLDER}"]
    subprocess.run([*made, *answers], check=True, capture_output=True)
    root = copy.parent / "acme-platform"
    migrate = [*ENGINE, "migrate", "requirements", *files, "--format", "json"]
    started = time.perf_counter()
    done = subprocess.run(migrate, cwd=root, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if not done.stdout:
        sys.exit(f"{name}: {done.stderr}")
    report = json.loads(done.stdout)
    _blank_unknown(files, report)
    pinned = {hashes.name_of(pin) for pin in report["pins"]}
    results = []
    with ThreadPoolExecutor() as pool:
        sides = pool.map(lambda python: _resolve(files, root, python, until), PYTHONS)
    for python, found in zip(PYTHONS, sides, strict=True):
        names = {*found.original, *found.migrated}
        wrong = {one for one in names if found.original.get(one) != found.migrated.get(one)}
        for one in wrong:
            moved = f"{found.original.get(one)} -> {found.migrated.get(one)}"
            kind = "pinned" if one in pinned else "not pinned"
            print(f"{name}, {python}: {kind}: {one}: {moved}", file=sys.stderr)
        if found.why:
            print(f"{name}, {python}: {found.why}", file=sys.stderr)
            results.append(found.why.partition(":")[0])
        else:
            same = "**no**" if wrong & pinned else "yes"
            others = f"{len(wrong - pinned)} of {len(names - pinned)}"
            results.append(f"{same}: {len(pinned & names)}; others moved: {others}")
    counts = report["summary"]
    lines = sum(len(file["lines"]) for file in report["files"])
    numbers = [counts[key] for key in ("kept", "changed", "suspicious", "not-understood")]
    shown = [f"{len(report['files'])}, {lines}", ", ".join(map(str, numbers)), f"{seconds:.1f}"]
    return f"| {' | '.join([name, *shown, *results])} |"


def _blank_unknown(files: Sequence[str], report: Mapping[str, Any]) -> None:
    """Take the lines that were not understood out of the original files."""
    paths = [file.path for file in requirements_files.read(files)]
    for path, file in zip(paths, report["files"], strict=True):
        text = requirements_files.decode(Path(path).read_bytes())[0].splitlines()
        for line in file["lines"]:
            if line["status"] == "not-understood":
                at = line["line"] - 1
                while text[at].endswith("\\"):
                    text[at], at = "", at + 1
                text[at] = ""
        Path(path).write_text("\n".join(text) + "\n", encoding="utf-8")


def _resolve(files: Sequence[str], root: Path, python: str, until: str) -> Resolved:
    """Return what the original files and the new package resolve to."""
    compile_ = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    compile_ += ["--python-version", python, "--exclude-newer", until]
    sides = []
    holder = f"./{HOLDER}[legacy-cpu]"
    for words, given in ((files, ""), (["-", "-c", "constraints.txt"], holder)):
        command = [*compile_, *words]
        done = subprocess.run(
            command, cwd=root, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            side = "the new package" if given else "the original"
            said = " ".join(done.stderr.split())
            return Resolved({}, {}, f"{side} does not resolve: {said}")
        sides.append(_versions(done.stdout))
    original, migrated = sides
    return Resolved(original, migrated)


def _versions(text: str) -> Mapping[str, Sequence[str]]:
    """Return the pins of a resolution, by their names."""
    return hashes.named(line for line in hashes.pin_lines(text) if "==" in line)


if __name__ == "__main__":
    main()
