"""The rules on tests, types and migrations: quiet at first, and each one fires, alone."""

import json
import re
import shutil
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import catalog, runner
from monorepo.guard.findings import BASELINE
from monorepo.scaffold import addition
from tests.template.baking import SHAPES, bake, commit, run
from tests.template.changes import Change, added, first, replaced

CORE, RUNTIME, API = "shared/py/core", "shared/py/service", "services/py/api"
MINE = ("legacy", "tests", "typed")
TEST = "import pytest\n\n\ndef test_it() -> None:\n    assert True\n"
NODE = 'import test from "node:test";\n\ntest("it", () => {});\n'


def found(root: Path) -> list[str]:
    """Return what fails a run of all rules."""
    told = runner.guard(workspace.load(root), catalog.RULES)
    return [str(one) for one in told if one.status == "error"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_monorepo_has_no_findings(shape: str, tmp_path: Path) -> None:
    root = bake(tmp_path, packages=SHAPES[shape])
    assert runner.guard(workspace.load(root), MINE) == []
    (told,) = runner.guard(workspace.load(root), ["legacy"])
    assert str(told) == ".: legacy: warn: nothing to check; see monorepo explain legacy"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = bake(tmp_path_factory.mktemp("fresh"))
    run(root, "git", "init", "--quiet")
    commit(root)
    return root


@pytest.fixture
def root(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh, tmp_path / "root"))


def test_nor_has_one_with_new_packages(root: Path) -> None:
    paths = ["shared/py/audio", "shared/js/audio", "services/py/two", "services/js/two"]
    for path in paths:
        addition.add(root, [path])
    assert runner.guard(workspace.load(root), MINE) == []


MUTATORS = [
    ("tests", f"{CORE}/tests/unit/check_it.py", added(TEST)),
    ("tests", f"{CORE}/tests/unit/it_tests.py", added(TEST)),
    ("tests", f"{CORE}/tests/unit/conftest.py", added(TEST)),
    ("tests", f"{CORE}/tests/unit/build/test_it.py", added(TEST)),
    (
        "tests",
        f"{API}/tests/unit/test_app.py",
        added(
            "\n\nclass TestIt:\n    def __init__(self) -> None: ...\n    def test_x(self): ...\n"
        ),
    ),
    ("tests", "shared/js/core/tests/it.spec.ts", added(NODE)),
    ("tests", "shared/js/core/tests/deep/it.ts", added(NODE)),
    ("tests", "services/js/web/tests/main.test.ts", replaced(r"(?s)^.*$", "export {};\n")),
    ("tests", f"{RUNTIME}/tests", "slow"),
    ("typed", f"{CORE}/src/acme_core", "py.typed"),
    ("typed", f"{CORE}/pyproject.toml", added("\n[tool.mypy]\npretty = true\n")),
    ("typed", f"{CORE}/pyproject.toml", added('\n[tool.ruff.lint]\nselect = ["E"]\n')),
    (
        "typed",
        f"{CORE}/pyproject.toml",
        added('\n[tool.setuptools.exclude-package-data]\n"*" = ["*.typed"]\n'),
    ),
    ("typed", f"{CORE}/mypy.ini", added("[mypy]\n")),
    ("typed", "ruff.toml", added("line-length = 120\n")),
    ("typed", "pyproject.toml", replaced("strict = true", "strict = false")),
    ("typed", f"{CORE}/src/acme_core/retries.py", first("# mypy: ignore-errors\n")),
    ("typed", f"{CORE}/src/acme_core/retries.py", first("# type: ignore\n")),
    ("typed", f"{CORE}/tests/unit/test_retries.py", added("# ruff: noqa\n")),
    ("typed", "shared/js/core/src/index.ts", first("// @ts-nocheck\n")),
    ("typed", "services/js/web/src/main.ts", first("// biome-ignore-all lint: later\n")),
    (
        "typed",
        "shared/js/core/tsconfig.json",
        replaced('"noEmit": true', '"strict": false, "noEmit": true'),
    ),
    ("typed", "tsconfig.base.json", replaced('"strict": true', '"strict": false')),
    ("typed", "shared/js/core/biome.json", added("{}\n")),
    ("legacy", f"{API}/pyproject.toml", replaced(r"service\[fastapi\]", "service[fastapi,legacy]")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "path", "change"), MUTATORS)
def test_what_goes_wrong_is_found_by_its_rule(
    root: Path, rule: str, path: str, change: Change | str
) -> None:
    if rule == "legacy":
        manifest = root / RUNTIME / "pyproject.toml"
        text = manifest.read_text(encoding="utf-8") + '\n[tool.monorepo]\nlegacy = ["legacy"]\n'
        manifest.write_text(text.replace("fastapi = [", "legacy = []\nfastapi = [", 1), "utf-8")
    if change == "slow":
        # Every test of a package, by a mark for each module.
        for file in (root / path).rglob("test_*.py"):
            mark = "\nimport pytest\n\npytestmark = pytest.mark.slow\n"
            file.write_text(file.read_text(encoding="utf-8") + mark, encoding="utf-8")
    elif isinstance(change, str):
        (root / path / change).unlink()
    else:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(change(old), encoding="utf-8")
    lines = found(root)
    assert {line.split(": ")[1].partition(".")[0] for line in lines} == {rule}, lines
    # At the file, below the folder, or at the package whose only test is gone.
    places = [re.sub(r"(:\d+)?: .*", "", line) for line in lines]
    assert all(one.startswith(path) or path.startswith(f"{one}/") for one in places), lines


def test_a_baseline_does_not_grow_by_hand(root: Path) -> None:
    core = root / CORE / "src/acme_core/retries.py"
    (line,) = _broken(root, core)
    rule, path, message = line.split(": ")[1], line.partition(":")[0], line.split(": ", 2)[2]
    entry = [rule, path, message.rpartition("; ")[0]]
    baseline = root / BASELINE
    baseline.write_text("[]\n", encoding="utf-8")
    run(root, "git", "add", BASELINE)
    run(root, "git", "commit", "--quiet", "--message", "empty")
    assert found(root) == [line]
    baseline.write_text(f"[\n  {json.dumps(entry)}\n]\n", encoding="utf-8")
    (told,) = found(root)
    assert told.startswith(f"{BASELINE}:2: baseline: has a new entry: typed.comment, {path}: ")


def _broken(root: Path, file: Path) -> list[str]:
    file.write_text("# ruff: noqa\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    return found(root)
