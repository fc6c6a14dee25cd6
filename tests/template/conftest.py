"""What the journeys share."""

import os
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.template import baking
from tests.template.baking import bake, commit, edit, run
from tests.template.releases import Releases

# What a team writes: its tests run in its repository.
collect_ignore = ["shortener"]

INSTALLED = "installed"
# What takes long to make again, and is looked at by its own program before it is used.
KEPT = (".venv", "node_modules", ".nox", ".ruff_cache")


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Make releases of the template, each of them once."""
    return Releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="session", autouse=True)
def rendered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have each monorepo rendered once, whichever worker asks for it first."""
    base = tmp_path_factory.getbasetemp()
    workers = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    baking.RENDERED = workers / "rendered"
    baking.RENDERED.mkdir(exist_ok=True)


@pytest.fixture(scope="session", autouse=True)
def path_without_uv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Have uv on the PATH, as most people do, so that `make setup` needs no pip.

    Return the PATH without it, for tests of a machine that has Python alone.
    """
    folder, path = tmp_path_factory.mktemp("programs"), os.environ["PATH"]
    (folder / "uv").symlink_to(Path(sysconfig.get_path("scripts"), "uv"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{path}{os.pathsep}{folder}")
        yield path


@pytest.fixture(scope="session", autouse=True)
def own_mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have mypy check the standard library and what is installed once for all monorepos.

    It compares what it has with the hashes of the files. A worker has a cache of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
        yield


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with its environments, all of it committed."""
    root = bake(tmp_path_factory.mktemp("ready"))
    run(root, "make", "install")
    commit(root)
    run(root, "git", "tag", INSTALLED)
    return root


@pytest.fixture(scope="module")
def ready(installed: Path) -> Path:
    """Return that monorepo as it was committed; environments and caches of tools are kept.

    No result is: what one module has proved, another one proves itself.
    """
    shutil.rmtree(installed / ".git/monorepo-results", ignore_errors=True)
    run(installed, "git", "reset", "--quiet", "--hard", INSTALLED)
    run(installed, "git", "clean", "-ffdxq", *(f"--exclude={path}" for path in KEPT))
    run(installed, "make", "install")
    return installed


@pytest.fixture
def edited(ready: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Replace a text in a file; afterwards, all is as it was committed."""

    yield lambda path, old, new: edit(ready / path, old, new)
    run(ready, "git", "checkout", "--quiet", ".")
    run(ready, "git", "clean", "-fdq", "shared", "services")


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo that was never worked in, to be left as it is."""
    root = bake(tmp_path_factory.mktemp("baked"))
    commit(root)
    return root


@pytest.fixture
def root(baked: Path, tmp_path: Path) -> Path:
    """Return a clone of it, to be spoiled."""
    run(tmp_path, "git", "clone", "--quiet", baked, "clone")
    return tmp_path / "clone"
