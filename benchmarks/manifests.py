"""What manifests in EDN cost where there are 1,000 of them: to read them, and to follow them.

What reads them here also checks them against their model; edn_format only reads them.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import TEMPLATE, Job, Lab, Row, main

MANY = 1_000
READ = """
import pathlib, sys
from monorepo.edn.package_manifest import read_package
for file in pathlib.Path().glob("shared/py/*/package.edn"):
    read_package(file.read_text(encoding="utf-8"), str(file))
"""
LOADS = """
import pathlib
import edn_format
for file in pathlib.Path().glob("shared/py/*/package.edn"):
    edn_format.loads(file.read_text(encoding="utf-8"))
"""


def measure(lab: Lab) -> Iterator[Row]:
    """Yield all rows."""
    root = lab.bake("manifests", "manifests=edn", "packages=shared/py/core")
    multiply(root / "shared/py", MANY - 1)
    engine = ["env", f"PYTHONPATH={TEMPLATE / 'src'}", sys.executable]
    ours, theirs = lab.compare(Job([*engine, "-c", READ], root), Job([*engine, "-c", LOADS], root))
    what = f"{MANY:,} package.edn, read and checked"
    yield Row(what, ours, "edn_format.loads", theirs, goal=1, measure="CPU seconds")
    cache, follow = root / ".venv/sync-cache.json", [*engine, "-m", "monorepo", "sync"]
    cache.parent.mkdir(exist_ok=True)

    def settle() -> None:
        # What was written is looked at once more.
        lab.run(follow, root)

    first, changed, none = lab.compare(
        Job(follow, root, lambda: cache.unlink(missing_ok=True)),
        Job(follow, root, lambda: change(root / "shared/py")),
        Job(follow, root, settle),
    )
    same = f"sync, none of {MANY:,} changed"
    yield Row(f"sync, none of {MANY:,} known", first, same, none, 1, "CPU seconds")
    yield Row(f"sync, all of {MANY:,} written", changed, same, none)
    yield Row(same, none, f"sync, none of {MANY:,} known", first, 0.2, "CPU seconds")


def multiply(folder: Path, times: int) -> None:
    """Give a folder copies of its package `core`, each with a name of its own."""
    for number in range(times):
        package = folder / f"core{number}"
        shutil.copytree(folder / "core", package)
        for file in ("package.edn", "pyproject.toml"):
            text = (package / file).read_text(encoding="utf-8")
            (package / file).write_text(text.replace("acme-core", f"acme-core{number}"), "utf-8")


def change(folder: Path) -> None:
    """Have each manifest say another version."""
    for file in folder.glob("*/package.edn"):
        text = file.read_text(encoding="utf-8")
        other = '"0.2.0"' if '"0.1.0"' in text else '"0.1.0"'
        text = text.replace('"0.1.0"' if other == '"0.2.0"' else '"0.2.0"', other)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(__doc__, measure)
