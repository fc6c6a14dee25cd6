"""What all tests share."""

import os
from collections.abc import Iterator

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests before the others, so that every worker is busy to the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
