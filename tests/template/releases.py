"""Releases of the template, repositories made from them, and upgrades from one to another.

No network and no installation are needed: a wheel is written from a copy of this checkout, and
a repository that has no `.venv` runs its engine from its wheel.
"""

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from monorepo.templating.template import CACHES
from monorepo.upgrading import versions
from tests.template.baking import TEMPLATE, TREE, attempt, commit, run

# What a wheel is written from; see monorepo.scaffold.wheel.
SOURCES = ("src", "hooks", TREE.name)
FILES = ("CHANGELOG.md", "LICENSE", "README.md", "cookiecutter.json", "pyproject.toml")
WRITE = "import pathlib, sys; from monorepo.scaffold import wheel; "
WRITE += "print(wheel.write(pathlib.Path(sys.argv[1])))"

Edit = Callable[[Path], object]


@dataclass(frozen=True)
class Done:
    """How a command has ended: its exit code, and what it printed on both streams."""

    code: int
    output: str


class Releases:
    """Makes releases, each of them once. A session has one, as the fixture `releases`."""

    def __init__(self, folder: Path) -> None:
        """Keep everything below an empty folder."""
        self._folder = folder
        self._wheels: dict[tuple[str, Edit | None], Path] = {}
        self._unpacked: dict[Path, Path] = {}

    def wheel(self, version: str, edit: Edit | None = None) -> Path:
        """Return the wheel of a release.

        Args:
            version: that it has.
            edit: changes the template, given the folder of a checkout; see `tree`. Releases of the
                same version and the same function are the same one.
        """
        if (version, edit) not in self._wheels:
            place = self._folder / f"release-{len(self._wheels)}"
            checkout = place / "checkout"
            for name in SOURCES:
                skipped = shutil.ignore_patterns(*CACHES)
                shutil.copytree(TEMPLATE / name, checkout / name, ignore=skipped, symlinks=True)
            for name in FILES:
                shutil.copy2(TEMPLATE / name, checkout / name)
            manifest = checkout / "pyproject.toml"
            text = manifest.read_text(encoding="utf-8")
            text = re.sub('^version = ".*"$', f'version = "{version}"', text, count=1, flags=re.M)
            manifest.write_text(text, encoding="utf-8")
            if edit:
                edit(checkout)
            env = {"PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
            said = run(place, sys.executable, "-c", WRITE, place, env=env)
            shutil.rmtree(checkout)
            self._wheels[version, edit] = Path(said.strip())
        return self._wheels[version, edit]

    def engine(self, wheel: Path) -> Path:
        """Return the folder with the engine of a release, to be the PYTHONPATH of a process."""
        if wheel not in self._unpacked:
            release = versions.read(wheel)
            self._unpacked[wheel] = versions.unpack(release, wheel.parent / "engine")
        return self._unpacked[wheel]

    def repository(self, out: Path, wheel: Path, **answers: str) -> Path:
        """Make a repository below `out` with a release, commit all of it, and return its root."""
        words = [
            f"{key}={value}" for key, value in {"packages": "shared/py/core", **answers}.items()
        ]
        engine = {"PYTHONPATH": str(self.engine(wheel))}
        command = [sys.executable, "-m", "monorepo", "create", out, "--no-input", *words]
        run(out, *command, env=engine)
        root = out / answers.get("repo_name", "acme-platform")
        commit(root)
        return root


def tree(checkout: Path) -> Path:
    """Return the folder of a checkout that is rendered into a repository."""
    return checkout / TREE.name


def upgrade(root: Path, *words: object, env: Mapping[str, str] | None = None) -> Done:
    """Upgrade a repository as `make upgrade` does, through the engine that it has.

    Args:
        root: the repository.
        words: of the command line, such as `"--to", wheel`.
        env: what the environment has beside.
    """
    command = ("sh", "tools/make/monorepo.sh", "upgrade", *words)
    done = attempt(root, *command, env={"PYTHON": sys.executable, **(env or {})})
    return Done(done.returncode, done.stdout)
