"""What the journeys share."""

from pathlib import Path

import pytest

from tests.baking import bake, commit, run


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a monorepo with its environments, all of it committed; a module has one to itself."""
    root = bake(tmp_path_factory.mktemp("ready"))
    run(root, "make", "install")
    commit(root)
    return root
