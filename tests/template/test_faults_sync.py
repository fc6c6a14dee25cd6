"""`monorepo sync`: each change to the disk failing in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.template import baking, faults
from tests.template.faults import Victim, snapshot
from tests.template.striking import Judge, call, do

PACKAGES = "shared/py/core shared/js/core"
# All that may be written, files in two languages and the settings of pnpm, is.
MANIFESTS = {
    "shared/py/core": """\
{:package/name "acme-core"
 :package/version "0.2.0"
 :lang :python
 :runtimes/targets ["python>=3.11"]
 :dev {:test ["pytest>=9.0" "pytest-cov>=7.0"]}}
""",
    "shared/js/core": """\
{:package/name "@acme/core"
 :package/version "0.2.0"
 :lang :node
 :dev {"@types/node" "catalog:" "typescript" "catalog:" "zod" {:catalog "^4.1"}}
 :entry {"." {:source "./src/index.ts" :types "./dist/index.d.ts" :default "./dist/index.js"}}}
""",
}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Return the command, with all that it imports on the way imported."""
    with Victim("monorepo.__main__:main", baking.ENGINE) as victim:
        root = described(tmp_path_factory.mktemp("warm"))
        for words in (("sync",), ("list",)):
            victim.warm(call(root, *words))
        yield victim


def described(out: Path) -> Path:
    """Make a monorepo whose packages are not as their manifests say."""
    root = baking.bake(out, packages=PACKAGES)
    for path, text in MANIFESTS.items():
        (root / path / "package.edn").write_text(text, encoding="utf-8")
    return root


@pytest.mark.slow
def test_all_or_nothing(victim: Victim, tmp_path: Path) -> None:
    before, place = described(tmp_path), tmp_path / "place"
    judge = Judge(victim, ["sync"], before, place)
    started, ended = judge.journal("os.rename"), judge.journal("os.remove")
    plan = faults.plan(judge.changes, range(started - 2, ended + 2))
    assert not faults.sweep(victim, judge.run, before, place, plan, judge)


def test_to_ask_changes_nothing(victim: Victim, tmp_path: Path) -> None:
    root = described(tmp_path)
    before = snapshot(root)
    asked = victim(call(root, "sync", "--check"))
    assert asked.code == 1
    files = ("pnpm-workspace.yaml", "shared/py/core/pyproject.toml", "shared/js/core/package.json")
    assert len(asked.output.splitlines()) == len(files)
    assert all(file in asked.output for file in files)
    assert not [change for change in asked.changes if str(root) in change]
    assert snapshot(root) == before
    assert do(victim, root, "sync").output == "".join(f"wrote {file}\n" for file in files)
    assert snapshot(root) != before
    after = snapshot(root)
    assert do(victim, root, "sync").output == "all is as the manifests say\n"
    assert snapshot(root) == after
