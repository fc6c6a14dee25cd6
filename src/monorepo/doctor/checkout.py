"""The checkout: git and its hook, the engine, the locks, the disk, what commands left behind."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.languages import FOLDERS
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.environments import git_hooks
from monorepo.guard.findings import Finding
from monorepo.system import text_files, transaction
from monorepo.system.errors import UsageError

# Environments and node_modules of a default repository take half of it.
ROOM = 1_000_000_000


def problems(space: Workspace) -> Iterator[Finding]:
    """Yield the packages that cannot be used."""
    for problem in space.problems:
        path, line = problem.path, problem.line
        yield Finding(path, line, "packages.broken", problem.message, problem.fix)
    if not space.problems:
        yield Finding(".", 0, "packages", f"{len(space.packages)} can be read", "", "ok")


def hook(root: Path) -> Iterator[Finding]:
    """Yield whether git checks each commit."""
    try:
        command = ["git", "rev-parse", "--path-format=absolute", "--git-path", "hooks/pre-commit"]
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except OSError:
        # The check of git tells of it.
        return
    if done.returncode:
        message = "there is no repository of git here, or git refuses it"
        yield Finding(".", 0, "hooks.repository", message, "git status", "warn")
        return
    file = Path(os.fsdecode(done.stdout.removesuffix(b"\n")))
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    if not (git_hooks.PREK in text or git_hooks.PRE_COMMIT in text):
        message = "git checks no commit here"
        yield Finding(".", 0, "hooks.missing", message, "make install-hooks", "warn")
        return
    yield Finding(".", 0, "hooks", "git checks each commit", "", "ok")


def engine(space: Workspace) -> Iterator[Finding]:
    """Yield the version of the engine, and whether its wheel is the one that is named."""
    try:
        found = space.engine
        if not found.ejected:
            found.content()
    except UsageError as error:
        for mistake in error.mistakes:
            path, line, message, fix = text_files.mistake(mistake)
            yield Finding(path, line, "engine.changed", message, fix)
        return
    template = space.facts.get("template")
    version = template.get("version") if isinstance(template, dict) else found.version
    if version != found.version:
        message = f"[tool.monorepo.template] has version {version!a}, the engine {found.version}"
        advice = "restore it and tools/ from the same commit"
        yield Finding(ROOT_MANIFEST, 0, "engine.version", message, advice)
        return
    where = f"{found.version}, ejected to tools/src" if found.ejected else found.version
    yield Finding(found.path, 0, "engine", f"{where}, sha256 {found.sha256[:12]}…", "", "ok")


def locks(space: Workspace) -> Iterator[Finding]:
    """Yield where the locks and the manifests differ."""
    try:
        # The first environment is made without it.
        from monorepo.locking import locks

        mistakes = locks.check(space)
    except ModuleNotFoundError:
        mistakes = hashes.problems(space.root)
        if not mistakes:
            message = "hold together; whether they fit the manifests is seen once there is a .venv"
            yield Finding(hashes.PINS, 0, "locks", message, "make setup", "warn")
            return
    except UsageError as error:
        mistakes = list(error.mistakes)
    for mistake in mistakes:
        path, line, message, fix = text_files.mistake(mistake)
        command = fix.removeprefix("run ")
        yield Finding(path, line, "locks.drift", message, command)
    if not mistakes:
        yield Finding(hashes.PINS, 0, "locks", "fit the manifests", "", "ok")


def disk(root: Path) -> Iterator[Finding]:
    """Yield how much room there is on the disk."""
    free = shutil.disk_usage(root).free
    room = f"{free / 1e9:.1f} GB are free"
    if free < ROOM:
        yield Finding(
            ".", 0, "disk.full", f"{room}; environments need 1 GB", "uv cache prune", "warn"
        )
        return
    yield Finding(".", 0, "disk", room, "", "ok")


def left_behind(root: Path) -> Iterator[Finding]:
    """Yield what an interrupted command has left, and caches of packages that are gone."""
    if transaction.is_interrupted(root):
        message = "an interrupted command left a change half done, which the next one undoes"
        yield Finding(".", 0, "caches.interrupted", message, "make list", "warn")
    stale = [path for path in in_packages(root, ".nox") if not _is_package(path.parent)]
    for path in stale:
        where = path.relative_to(root).as_posix()
        message = "is a cache of a package that is gone"
        command = f"rm -rf {shlex.quote(where)}"
        yield Finding(where, 0, "caches.stale", message, command, "warn")
    if not stale:
        yield Finding(".", 0, "caches", "none is stale", "", "ok")


def in_packages(root: Path, name: str) -> list[Path]:
    """Return the files or folders of a name where packages may lie, or have lain."""
    return sorted(path for folder in FOLDERS for path in root.glob(f"{folder}/*/{name}"))


def _is_package(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("pyproject.toml", "package.json"))
