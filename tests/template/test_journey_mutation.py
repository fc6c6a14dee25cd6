"""Break something, run the real tasks: each package whose result is another one is affected."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.template.baking import attempt, edit, run

pytestmark = pytest.mark.slow
PY, JS = "shared/py", "shared/js"
API, WEB = "services/py/api", "services/js/web"
PYTHON = {f"{PY}/core", f"{PY}/notes", f"{PY}/service", API}
NODE = {f"{JS}/core", f"{JS}/notes", f"{JS}/service", WEB}
TASKS = ("test", "type-check")


class Mutation(NamedTuple):
    """An edit: a text in a file and the one in its place, and whose task fails because of it."""

    path: str
    old: str
    new: str
    task: str
    fails: set[str]


MUTATIONS = {
    "a function in Python": Mutation(
        f"{PY}/notes/src/acme_notes/store.py",
        "order_by(Note.id)",
        "where(Note.id < 0)",
        "test",
        {f"{PY}/notes", API},
    ),
    "a type in Python": Mutation(
        f"{PY}/service/src/acme_service/fastapi.py",
        "def create_app(",
        "def create_app(\n    needed: int,",
        "type-check",
        {f"{PY}/service", API},
    ),
    "a test in Python": Mutation(
        f"{PY}/core/tests/unit/test_retries.py", "def test_", "assert False\n\n\ndef test_", "test", {f"{PY}/core"}
    ),
    "a constant in TypeScript": Mutation(
        f"{JS}/notes/src/database.ts", '"id", "text"]).orderBy', '"id"]).orderBy', "test", {WEB}
    ),
    "a type in TypeScript": Mutation(
        f"{JS}/service/src/index.ts", "export ", "export const unknown: Missing = 1;\nexport ", "type-check",
        {f"{JS}/service", WEB},
    ),
    "a test in TypeScript": Mutation(
        f"{JS}/core/tests/index.test.ts", "test(", "assert.fail();\ntest(", "test", {f"{JS}/core"}
    ),
    "the command of a task": Mutation(
        "tools/make/py.mk", "-P -m pytest", "-P -m pytest --no-such-option", "test", PYTHON
    ),
    "the configuration of mypy": Mutation(
        "pyproject.toml", "strict = true\n", "strict = true\ndisallow_any_expr = true\n", "type-check",
        {f"{PY}/service", API},
    ),
    "the configuration of TypeScript": Mutation(
        "tsconfig.base.json", '"types": [\n      "node"\n    ]', '"types": [\n      "missing"\n    ]', "type-check", NODE
    ),
    "documentation": Mutation("README.md", "# ", "## ", "test", set()),
}


def monorepo(root: Path, *words: str) -> str:
    """Return what a verb prints."""
    return run(root, "tools/make/monorepo.sh", *words)


def hashes(root: Path) -> dict[tuple[str, str], str]:
    """Return the content hash of each task of each package."""
    return {
        (path, task): monorepo(root, "hash", path, task) for path in PYTHON | NODE for task in TASKS
    }


@pytest.fixture(scope="module")
def before(ready: Path) -> dict[tuple[str, str], str]:
    """Return the hashes of what nobody has changed."""
    return hashes(ready)


@pytest.mark.parametrize("name", MUTATIONS)
def test_whose_result_changes_is_affected(
    ready: Path, before: dict[tuple[str, str], str], edited: Callable[[str, str, str], None], name: str
) -> None:
    mutation = MUTATIONS[name]
    edited(mutation.path, mutation.old, mutation.new)
    found = json.loads(monorepo(ready, "affected", "--base", "HEAD", "--format", "json"))
    affected = {package["path"] for package in found["packages"]}
    changed = {key for key, after in hashes(ready).items() if after != before[key]}
    assert mutation.fails <= affected
    assert {path for path, _ in changed} <= affected
    for path in mutation.fails:
        assert attempt(ready / path, "make", mutation.task).returncode, path
        assert (path, mutation.task) in changed
    for path, task in before.keys() - changed:
        run(ready / path, "make", task)
