"""Prove that a package works with what it declares: in a copy, in an environment of its own.

The copy has what git has, or would have: a proof that fails, or is killed, leaves nothing behind.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.engine import SOURCE
from monorepo.core.workspace import Package, Workspace
from monorepo.environments.virtualenv import Environment
from monorepo.guard.repository import Sources
from monorepo.locking import projects
from monorepo.sessions import package_checks
from monorepo.syncing import sync
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import make, show, without_make

_TEST = "test"


class Copy:
    """A copy of a repository that changes are tried in."""

    def __init__(self, root: Path) -> None:
        """Know the copy at `root`."""
        self.root = root
        self._written: set[str] = set()

    def write(self, texts: Mapping[str, str], packages: Iterable[str]) -> dict[str, str]:
        """Write texts of files, and what `make sync` and `make lock` make of these manifests.

        Args:
            texts: the texts, by path.
            packages: the paths of the packages that they are about.

        Returns:
            The texts of all files that are others now, by path.

        Raises:
            TaskError: a uv project cannot be locked.
            UsageError: a manifest has mistakes.
        """
        found = self.put(texts)
        synced = sync.sync(self.root, [*packages])
        self._written.update(one.path for one in synced.drift)
        if synced.mistakes:
            raise UsageError(*synced.mistakes)
        found |= {one.path: one.text for one in synced.drift}
        space = workspace.load(self.root)
        found |= self.put(dict(projects.drift(space)))
        for path in packages:
            with tempfile.TemporaryDirectory(prefix="ratchet-") as draft:
                locks = projects.relock(space, space.packages[path], {}, Path(draft))
            found |= self.put(locks)
        return found

    def keep(self) -> None:
        """Take what was written for what is there."""
        self._written.clear()

    def restore(self, root: Path) -> None:
        """Make what was written what it is at another root."""
        for path in self._written:
            if (root / path).exists():
                shutil.copy2(root / path, self.root / path)
            else:
                (self.root / path).unlink(missing_ok=True)
        self._written.clear()

    def put(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Write texts of files, and return them."""
        for path, text in texts.items():
            (self.root / path).write_text(text, encoding="utf-8")
        self._written.update(texts)
        return dict(texts)


@contextlib.contextmanager
def copied(space: Workspace) -> Iterator[Copy]:
    """Make a copy of a repository, with the environment of its tools."""
    with tempfile.TemporaryDirectory(prefix="ratchet-") as place:
        root = Path(place).resolve() / "copy"
        files = [*Sources(space).files]
        files += [
            path.relative_to(space.root).as_posix() for path in (space.root / SOURCE).rglob("*")
        ]
        for path in files:
            source = space.root / path
            is_there = source.is_file() or source.is_symlink()
            if is_there and ".venv" not in path.split("/"):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, root / path, follow_symlinks=False)
        (root / ".venv").symlink_to(space.root / ".venv")
        yield Copy(root)


def prove(space: Workspace, package: Package, extras: Iterable[str], groups: Iterable[str]) -> None:
    """Install a package alone, import all its modules and run its tests, as nox does.

    Args:
        space: the repository.
        package: the package, in Python.
        extras: those of its extras that are installed.
        groups: those of its groups that are installed.

    Raises:
        TaskError: it cannot be installed, or a module or a test fails.
        UsageError: what it requires is not pinned.
    """
    with tempfile.TemporaryDirectory(prefix="ratchet-") as place:
        wanted, grouped = {package.path: {*extras}}, {package.path: {*groups}}
        environment = Environment(space, f"{place}/environment", wanted, grouped)
        environment.install()
        wrong = [
            f"{module}: {': '.join(error)}"
            for module, error in package_checks.import_all(environment, package).items()
            # It says itself which extra it needs.
            if error is not None and f"{package.name}[" not in error[1]
        ]
        if wrong:
            raise TaskError(f"{package.path}: does not import: {'; '.join(wrong)}")
        words = make(package.folder, _TEST, f"VENV={environment.folder}")
        show(words, space.root)
        # The report alone is for standard output.
        done = subprocess.run(words, env=without_make(), stdout=sys.stderr, check=False)
        if done.returncode:
            raise TaskError(f"{package.path}: its tests fail; see above")
