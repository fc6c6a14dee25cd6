"""The same tree has the same report, byte for byte, whatever orders sets, folders and caches."""

import contextlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from monorepo.guard import catalog
from tests.template import (
    test_guard_checks,
    test_guard_dependencies,
    test_guard_documents,
    test_guard_tree,
    test_guard_trust,
)
from tests.template.baking import ENGINE, bake, commit, run

pytestmark = pytest.mark.slow
MODULES = (test_guard_checks, test_guard_trust)
# Each folder is listed in one order, or in the opposite one.
CODE = """
import os, sys

class Listed:
    def __init__(self, entries):
        self.entries = iter(entries)
    __enter__ = __iter__ = lambda self: self
    __next__ = lambda self: next(self.entries)
    __exit__ = close = lambda self, *error: None

scan, names, backwards = os.scandir, os.listdir, sys.argv.pop(1) == "backwards"
os.scandir = lambda *where: Listed(
    sorted(scan(*where), key=lambda entry: entry.name, reverse=backwards)
)
os.listdir = lambda *where: sorted(names(*where), reverse=backwards)
from monorepo import cli
for form in ("text", "json"):
    cli.main(["guard", *sys.argv[1:], "--format", form])
"""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a monorepo in which all goes wrong at once that goes wrong in the tests of rules."""
    root = bake(tmp_path_factory.mktemp("wrong"))
    for _, path, change in (*test_guard_documents.MUTATORS, *test_guard_tree.MUTATORS):
        # Another one may have changed the same lines.
        with contextlib.suppress(AssertionError, OSError):
            if isinstance(change, str):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                with (root / path).open("a", encoding="utf-8") as file:
                    file.write(change)
            elif callable(change):
                change(root)
    texts = [(path, change) for module in MODULES for _, path, change in module.MUTATORS]
    texts += [(path, change) for path, change, _ in test_guard_dependencies.MUTATORS.values()]
    for path, change in texts:
        if not (root / path).is_dir():
            with contextlib.suppress(AssertionError, ValueError):
                before = (root / path).read_text("utf-8") if (root / path).is_file() else ""
                after = change(before)
                if path.endswith(".toml"):
                    tomllib.loads(after)
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(after, "utf-8")
    # A knot of packages, and the same mistake in several places.
    for name, other in (("core", "notes"), ("notes", "service"), ("service", "core")):
        for number in (1, 2):
            code = root / f"shared/py/{name}/src/acme_{name}/more{number}.py"
            code.write_text(f"import acme_{other}\nimport requests\nimport httpx\n", "utf-8")
    image = root / "services/py/api/Dockerfile"
    image.write_text(
        "FROM x:1\nCOPY ../../shared/py/core /x\nRUN pip install acme-ghost\n", "utf-8"
    )
    twice = root / "shared/py/notes/src/acme_core/__init__.py"
    twice.parent.mkdir()
    twice.write_text("", "utf-8")
    run(root, "git", "init", "--quiet")
    commit(root)
    return root


def test_the_same_tree_has_the_same_report(wrong: Path) -> None:
    said = set()
    for seed in range(8):
        words = [
            sys.executable,
            "-P",
            "-c",
            CODE,
            ("forwards", "backwards")[seed % 2],
            *catalog.RULES,
        ]
        env = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ENGINE)}
        done = subprocess.run(words, cwd=wrong, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said.add(done.stdout)
    (report,) = said
    checks = json.loads(report[report.index(b"\n{\n") :])["checks"]
    rules = {check["id"].partition(".")[0] for check in checks if check["status"] == "error"}
    assert rules >= {*catalog.RULES} - {"engine", "heavy", "legacy"}
