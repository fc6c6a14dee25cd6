"""Break something, and run the real tasks: whose result is another one, is affected.

Of what is not affected, each task still succeeds, so that nothing was missed; of the packages that
an edit breaks, a task fails, so that the edits are no pretence.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from monorepo.caching import worktree
from monorepo.caching.contents import Contents, Machine
from monorepo.core import workspace
from tests.template.baking import attempt, bake, commit, edit, run

pytestmark = pytest.mark.slow
PY, JS, API, WEB = "shared/py", "shared/js", "services/py/api", "services/js/web"
PYTHON = {f"{PY}/core", f"{PY}/notes", f"{PY}/service", API}
NODE = {f"{JS}/core", f"{JS}/notes", f"{JS}/service", WEB}
TEST, TYPE_CHECK = TASKS = "test", "type-check"


class Mutation(NamedTuple):
    """A text in a file and what takes its place, and the packages whose task fails then."""

    path: str
    old: str
    new: str
    task: str = TEST
    fails: frozenset[str] = frozenset()


# Each has one part in Python and one in TypeScript where that is possible: running the tasks of all
# that is not affected takes long.
MUTATIONS = {
    "a function": [
        Mutation(
            f"{PY}/notes/src/acme_notes/store.py",
            *("order_by(Note.id)", "where(Note.id < 0)", TEST),
            frozenset([f"{PY}/notes", API]),
        ),
        Mutation(
            f"{JS}/notes/src/database.ts",
            *('.select(["id", "text"]).orderBy', '.select(["id"]).orderBy', TEST),
            frozenset([f"{JS}/notes", WEB]),
        ),
    ],
    "a type": [
        Mutation(
            f"{PY}/service/src/acme_service/fastapi/application.py",
            *("    lifespan: Lifespan", "    needed: int,\n    lifespan: Lifespan", TYPE_CHECK),
            frozenset([API]),
        ),
        Mutation(
            f"{JS}/service/src/index.ts",
            *("export ", "export const missing: Missing = 1;\nexport ", TYPE_CHECK),
            frozenset([f"{JS}/service", WEB]),
        ),
    ],
    "a test, and a document": [
        Mutation(
            f"{PY}/core/tests/unit/test_retries.py",
            *("\n\n\ndef ", "\n\nassert False\n\n\ndef ", TEST),
            frozenset([f"{PY}/core"]),
        ),
        Mutation(
            f"{JS}/core/tests/index.test.ts",
            *("\ntest(", "\nassert.fail();\ntest(", TEST),
            frozenset([f"{JS}/core"]),
        ),
        Mutation(f"{PY}/notes/README.md", "# ", "# Other: "),
        Mutation("README.md", "# ", "# Other: "),
    ],
    "tasks and configuration of Python": [
        Mutation(
            "tools/make/py.mk",
            *("-P -m pytest", "-P -m pytest --no-such-option", TEST),
            frozenset(PYTHON),
        ),
        Mutation(
            "pyproject.toml",
            *("strict = true\n", "strict = true\ndisallow_any_explicit = true\n", TYPE_CHECK),
            frozenset([f"{PY}/service"]),
        ),
    ],
    "configuration of TypeScript": [
        Mutation(
            "tsconfig.base.json",
            *('      "node"\n', '      "missing"\n', TYPE_CHECK),
            frozenset(NODE),
        ),
    ],
}


def hashes(root: Path) -> Mapping[tuple[str, str], str]:
    """Return the hash of what each task of each package depends on."""
    space, tree = workspace.load(root), worktree.read(root)
    assert tree
    contents = Contents(space, tree)
    return {
        (path, task): contents.key(package, task, Machine("3.11")).digest
        for path, package in space.packages.items()
        for task in TASKS
    }


@pytest.mark.parametrize("name", MUTATIONS)
def test_whose_result_changes_is_affected(
    ready: Path, edited: Callable[[str, str, str], None], name: str
) -> None:
    before = hashes(ready)
    assert before.keys() == {(path, task) for path in PYTHON | NODE for task in TASKS}
    for mutation in MUTATIONS[name]:
        edited(mutation.path, mutation.old, mutation.new)
    said = run(ready, "tools/make/monorepo.sh", "affected", "--base", "HEAD", "--format", "json")
    affected = {package["path"] for package in json.loads(said)["packages"]}
    after = hashes(ready)
    changed = {key for key in before if before[key] != after[key]}

    assert {path for path, _ in changed} <= affected
    for mutation in MUTATIONS[name]:
        assert {(path, mutation.task) for path in mutation.fails} <= changed
        for path in sorted(mutation.fails):
            assert attempt(ready / path, "make", mutation.task).returncode, path
    # What is the same has the same result: it succeeds, as it did before.
    for task in TASKS:
        same = " ".join(path for path, each in sorted(before.keys() - changed) if each == task)
        run(ready, "make", task, f"PKG={same}", "CACHE=0")


PIN, OTHER = "blinker==1.9.0", "blinker==1.8.2"
PINNED = """\
\"\"\"Which version is installed.\"\"\"

from importlib.metadata import version


def test_version() -> None:
    assert f"blinker=={version('blinker')}" == "blinker==1.9.0"
"""


def test_whose_pin_is_another_one_is_affected(tmp_path: Path) -> None:
    core, audio, sound = (f"{PY}/{name}" for name in ("core", "audio", "sound"))
    root = bake(tmp_path, packages=f"{core} {audio} {sound}")
    for path, needed in ((audio, "blinker>=1.8"), (sound, "acme-audio")):
        manifest = root / path / "pyproject.toml"
        edit(manifest, "dependencies = []", f"dependencies = {json.dumps([needed])}")
        (root / path / "tests/unit/test_version.py").write_text(PINNED, encoding="utf-8")
    run(root, "make", "lock")
    _pin(root, PIN)
    commit(root)
    run(root, "make", "test")
    before = hashes(root)

    _pin(root, OTHER)

    said = run(root, "make", "affected", "BASE=HEAD", "FORMAT=paths")
    assert {*said.split()} == {audio, sound}
    after = hashes(root)
    changed = {path for path, task in before if before[path, task] != after[path, task]}
    assert changed == {audio, sound}
    for path in (audio, sound):
        assert attempt(root / path, "make", "test").returncode, path
    run(root, "make", "test", f"PKG={core}", "CACHE=0")


def _pin(root: Path, pin: str) -> None:
    """Pin a distribution, record its hashes and install it."""
    file = root / "constraints.txt"
    text = re.sub(r"(?m)^blinker==\S+", pin, file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    run(root, "make", "lock", "install")
    assert pin in file.read_text(encoding="utf-8")
