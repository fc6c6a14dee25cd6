"""A malformed file of settings is a finding, told once, and no rule reads it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import config_files
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"


@pytest.fixture
def sources(root: Path) -> Sources:
    return Sources(workspace.load(root))


def told(sources: Sources) -> list[str]:
    return [str(one) for one in sources.notes.values()]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.toml", "a = [1]\n"),
        ("x.yaml", "a: [1]\n"),
        ("x.yml", "a:\n  - 1\n"),
        ("tsconfig.json", '{"a": [1,], /* why */}'),
        ("package.json", '{"a": [1]}'),
    ],
)
def test_each_format_is_read(sources: Sources, write: Write, path: str, text: str) -> None:
    write({path: text})
    assert config_files.read(sources, path) == {"a": [1]}
    assert told(sources) == []


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("x.toml", "a = 1\na = 2\n", "x.toml:2: unreadable: is not TOML"),
        ("x.yaml", "a: [\n", "x.yaml:2: unreadable: is not YAML"),
        ("x.yaml", "a: 1\na: 2\n", "x.yaml:2: unreadable: has the key 'a' twice; remove one"),
        ("x.json", "{", "x.json:1: unreadable: is not JSON"),
        ("x.json", "[]", "x.json:1: unreadable: "),
        ("package.json", "{/* why */}", "package.json:1: unreadable: is not JSON"),
    ],
)
def test_a_malformed_one_is_a_finding(
    sources: Sources, write: Write, path: str, text: str, said: str
) -> None:
    write({path: text})
    for _ in range(2):
        assert config_files.read(sources, path) is None
    (line,) = told(sources)
    assert line.startswith(said)


def test_what_is_not_there_is_none(sources: Sources) -> None:
    assert config_files.read(sources, "x.toml") is None
    assert told(sources) == []


def test_only_the_root_manifest_is_checked_here(sources: Sources, write: Write) -> None:
    wrong = json.dumps({"dependencies": {"left": 1}}, indent=1)
    write({"package.json": wrong, "shared/js/a/package.json": wrong})
    assert config_files.read(sources, "shared/js/a/package.json") is not None
    assert told(sources) == []
    assert config_files.read(sources, "package.json") is None
    (line,) = told(sources)
    assert line.startswith("package.json:2: unreadable: dependencies is not an object of ranges")


def test_a_lock_is_one_that_pnpm_writes(sources: Sources, write: Write) -> None:
    write(
        {"pnpm-lock.yaml": LOCK, "broken/pnpm-lock.yaml": "importers: [", "no/pnpm-lock.yaml": ""}
    )
    lock = config_files.lock(sources, "pnpm-lock.yaml")
    assert lock is not None
    assert list(lock.importers) == ["."]
    assert config_files.lock(sources, "broken/pnpm-lock.yaml") is None
    # The rule unreadable tells it.
    assert told(sources) == []
