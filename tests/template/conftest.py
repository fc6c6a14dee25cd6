"""What the journeys share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.template.baking import bake, commit, run

# Git has places for the last two that it looks at without any configuration.
GIT_CONFIGURATION = """\
[user]
    name = Ann Onymous
    email = ann@example.com
[init]
    defaultBranch = main
[core]
    excludesFile = /dev/null
    attributesFile = /dev/null
"""


@pytest.fixture(scope="session", autouse=True)
def own_git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep git away from the repository of the caller, such as a hook, and from their settings."""
    configuration = tmp_path_factory.mktemp("git") / "config"
    configuration.write_text(GIT_CONFIGURATION, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_ATTR_NOSYSTEM", "1")
        yield


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with its environments, all of it committed; a module has one to itself."""
    root = bake(tmp_path_factory.mktemp("ready"))
    run(root, "make", "install")
    commit(root)
    return root


@pytest.fixture
def edited(ready: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Replace a text in a file; afterwards, all is as it was committed."""

    def edit(path: str, old: str, new: str) -> None:
        text = (ready / path).read_text(encoding="utf-8")
        assert old in text
        (ready / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    yield edit
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
