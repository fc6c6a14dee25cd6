"""Collect in `vendor` all that installs this repository offline: `make install OFFLINE=1`.

What is there for other platforms stays. git ignores it: it is a cache to carry along, and every
file of it is verified by its recorded hash when it is used.
"""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.hashes import HASHES
from monorepo.core.workspace import Package, Workspace
from monorepo.delivery import wheelhouse
from monorepo.delivery.targets import Target
from monorepo.delivery.wheelhouse import ASIDE
from monorepo.environments import node, program, virtualenv
from monorepo.locking import projects
from monorepo.locking.pnpm_locks import LOCK, SETTINGS
from monorepo.programs import pnpm
from monorepo.programs.vendored import PNPM, STORE, WHEELS
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held


def vendor(space: Workspace, packages: Sequence[Package], target: Target) -> list[str]:
    """Download what the environments of packages and programs need, and the tools.

    Args:
        space: the repository, with its tools.
        packages: the packages.
        target: the Python and the platform of the wheels; npm packages are for this platform.

    Returns:
        A line for each folder.

    Raises:
        TaskError: a download failed; what is complete stays, and the next run goes on.
        UsageError: as `wheelhouse.collect` does, a folder is a link, or pnpm-lock.yaml names other
            sources.
    """
    for path in (WHEELS, STORE, PNPM):
        text_files.unlinked(space.root, path)
    pinned = _pinned(space)
    folder = space.root / WHEELS
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder.parent):
        # A killed command has left them.
        for left in [*folder.glob(f"{ASIDE}*"), *folder.parent.glob(f"{ASIDE}*")]:
            shutil.rmtree(left)
        pins: dict[str, list[str]] = {}
        programs = program.environments(space).values()
        for environment in [*virtualenv.environments(space, packages), *programs]:
            local = [space.packages[path] for path in environment.closure()]
            builds = [text for package in local for text in package.build_requirements]
            pins |= wheelhouse.pins_of(environment, target, builds)
        wheelhouse.collect(space, pins, target, folder)
        removed = _prune(folder, {*pinned, *pins})
        count = len([*folder.glob("*.whl")])
        done = [f"{WHEELS}: {count} wheels" + (f", {removed} old ones removed" if removed else "")]
        if any(package.is_javascript for package in packages):
            _javascript(space)
            done.append(f"{STORE}: what {LOCK} names")
        return done


def _pinned(space: Workspace) -> set[str]:
    """Return the pins of the repository, and those that uv projects have themselves."""
    locks = (path for path in space.projects if (space.root / path / projects.LOCK).exists())
    own = (pin for path in locks for pin in projects.locked(space.root, path))
    return {*hashes.parse(text_files.read(space.root, HASHES)), *own}


def _prune(folder: Path, pins: Iterable[str]) -> int:
    """Remove the wheels that no pin names any more; return how many."""
    old = wheelhouse.others(folder, pins)
    for file in old:
        file.unlink()
    return len(old)


def _javascript(space: Workspace) -> None:
    """Fill the store of pnpm, and keep pnpm itself."""
    if wrong := node.strangers(space):
        raise UsageError(*wrong)
    root = space.root
    pinned = pnpm.pin(root)
    programs = ("pnpm", pnpm.program_package())
    (root / PNPM).mkdir(parents=True, exist_ok=True)
    pnpm.ready(root)
    with tempfile.TemporaryDirectory(prefix=ASIDE, dir=root / "vendor") as place:
        fetched = pnpm.fetch(root, dict.fromkeys(programs, pinned), Path(place))
        for file in fetched.values():
            file.replace(root / PNPM / file.name)
        # Elsewhere, because it would fill node_modules as well.
        for name in (LOCK, SETTINGS, pnpm.MANIFEST):
            shutil.copy2(root / name, place)
        words = ["fetch", "--ignore-scripts", "--store-dir", root / STORE]
        pnpm.run(root, words, Path(place), "vendor: pnpm")
