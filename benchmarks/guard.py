"""What the rules cost in a monorepo of 1,000 packages and 11,000 files.

Beside them, on Python code like that: `poly check` over as many bricks, and deptry and
import-linter, which look at one package in a run. These two run on a few packages, and are told for
each. The rules that hand the work to another program are left out.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import Cost, Job, Lab, Row, main

AREAS = {"shared/py": 450, "services/py": 150, "shared/js": 300, "services/js": 100}
# zizmor and the scanner of secrets do this work.
BY_OTHERS = ("workflows", "secrets")
SAMPLE = 10


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    root = _monorepo(lab)
    bricks = _polylith(lab, root)
    python = str(root / ".venv/bin/python")
    guard = [python, "-m", "monorepo", "guard"]
    own = [*guard, *_rules(python)]
    kept = root / ".venv/guard-cache.json"
    edited = [
        root / "shared/py/p000/src/acme_p000/retries.py",
        root / "services/py/p100/README.md",
        root / "shared/js/p200/src/index.ts",
    ]

    def edit() -> None:
        for file in edited:
            file.write_text(file.read_text() + "\n")

    cold, warm, poly, listed = lab.compare(
        Job(own, root, lambda: kept.unlink(missing_ok=True)),
        Job(own, root),
        Job(["poly", "check"], bricks),
        Job([python, "-m", "monorepo", "list"], root),
    )
    what, peer = "guard, 1,000 packages", "poly check, 1,000 bricks"
    yield Row(f"{what}, cold", cold, peer, poly, goal=3, measure="CPU seconds")
    yield Row(f"{what}, nothing changed", warm, peer, poly, goal=0.5, measure="CPU seconds")
    (changed,) = lab.compare(Job([*own, "--changed"], root, edit))
    # Every command reads the manifests: what is left is what the rules take.
    less = Cost(changed.cpu - listed.cpu, changed.wall - listed.wall)
    row = Row("guard --changed, 3 files, beyond make list", less, "make list", listed)
    yield replace(row, goal=0.3, measure="CPU seconds")
    yield from _one_by_one(lab, root, guard)


def _one_by_one(lab: Lab, root: Path, guard: list[str]) -> Iterator[Row]:
    """Yield what single rules cost for each package, beside what needs a run for each."""
    kept = root / ".venv/guard-cache.json"
    folders = [f"shared/py/p{number:03}" for number in range(SAMPLE)]
    for folder in folders:
        name = f"acme_{folder.rpartition('/')[2]}"
        contract = f"[importlinter]\nroot_package = {name}\ninclude_external_packages = true\n"
        contract += "[importlinter:contract:1]\nname = no torch\ntype = forbidden\n"
        contract += f"source_modules = {name}\nforbidden_modules = torch\n"
        (root / folder / ".importlinter").write_text(contract)
    deptry = "(cd {0} && deptry src 2> /dev/null)"
    checked = " && ".join(deptry.format(folder) for folder in folders)
    linter = "(cd {0} && PYTHONPATH=src lint-imports --no-cache > /dev/null)"
    linted = " && ".join(linter.format(folder) for folder in folders)
    declared, layers, deptries, linters = lab.compare(
        Job([*guard, "declared", "extras"], root, lambda: kept.unlink(missing_ok=True)),
        Job([*guard, "layers"], root, lambda: kept.unlink(missing_ok=True)),
        Job(["sh", "-c", checked], root),
        Job(["sh", "-c", linted], root),
    )
    count = sum(AREAS.values())
    for what, ours, peer, theirs in (
        ("declared and extras", declared, "deptry", deptries),
        ("layers", layers, "import-linter", linters),
    ):
        each = Cost(ours.cpu / count, ours.wall / count)
        beside = Cost(theirs.cpu / SAMPLE, theirs.wall / SAMPLE)
        yield Row(f"guard, {what}, cold, for each package", each, f"{peer}, for each", beside)


def _monorepo(lab: Lab) -> Path:
    """Make the monorepo, with its tools and all pins installed, and more modules."""
    paths = [f"{area}/p{number:03}" for area, count in AREAS.items() for number in range(count)]
    root = lab.bake("of-1000", f"packages={' '.join(paths)}")
    for path in paths:
        package = path.rpartition("/")[2]
        if path.startswith("shared/py"):
            for number in (1, 2):
                code = "\n".join(
                    f"\n\ndef f{line}(x: int) -> int:\n    return x + {line}" for line in range(20)
                )
                file = root / path / f"src/acme_{package}/module{number}.py"
                file.write_text(f'"""A module."""\n\nimport json\nfrom . import retries\n{code}\n')
    lab.run(["make", "setup"], root)
    uv = [str(root / ".venv/bin/uv"), "pip", "install", "--quiet", "--python"]
    lab.run([*uv, str(root / ".venv"), "-r", "constraints.txt"], root)
    _commit(lab, root)
    return root


def _polylith(lab: Lab, root: Path) -> Path:
    """Make a Polylith workspace of as many bricks with the code of a package, in 10 projects."""
    workspace = lab.folder / "polylith"
    files = {
        path.name: path.read_text() for path in (root / "shared/py/p000/src/acme_p000").glob("*.py")
    }
    names = [f"p{number:03}" for number in range(sum(AREAS.values()))]
    for name in names:
        folder = workspace / "components/acme" / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text)
    settings = '[tool.polylith]\nnamespace = "acme"\n[tool.polylith.structure]\ntheme = "loose"\n'
    (workspace / "workspace.toml").write_text(settings)
    project = (
        '[project]\nname = "{0}"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'
    )
    (workspace / "pyproject.toml").write_text(project.format("all"))
    for number in range(10):
        folder = workspace / f"projects/p{number}"
        folder.mkdir(parents=True)
        bricks = [f'"../../components/acme/{name}" = "acme/{name}"' for name in names[number::10]]
        text = project.format(f"p{number}") + "[tool.polylith.bricks]\n" + "\n".join(bricks)
        (folder / "pyproject.toml").write_text(f"{text}\n")
    _commit(lab, workspace)
    return workspace


def _commit(lab: Lab, folder: Path) -> None:
    who = ["-c", "user.name=benchmarks", "-c", "user.email=benchmarks@example.com"]
    lab.run(["git", "init", "--quiet"], folder)
    lab.run(["git", "add", "--all"], folder)
    lab.run(["git", *who, "commit", "--quiet", "--message", "all"], folder)


def _rules(python: str) -> list[str]:
    """Return the ids of the rules that do their own work."""
    code = "from monorepo.guard import catalog; print(*catalog.RULES)"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return [rule for rule in done.stdout.split() if rule not in BY_OTHERS]


if __name__ == "__main__":
    main(__doc__, measure)
