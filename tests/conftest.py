"""What all tests share."""

import fcntl
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from monorepo.rules import secrets
from monorepo.scaffold import wheel
from monorepo.templating import template
from tests import compiling

# Hypothesis has no database, which would be left behind; the same examples each time, so that no
# gate is closed by chance; and no deadline, because other packages' tests run at the same time.
for name, examples in {"all": 50, "fast": 10}.items():
    settings.register_profile(
        name, max_examples=examples, database=None, deadline=None, derandomize=True
    )

# Git has places for excludesFile and attributesFile that it looks at without any configuration. No
# repository of a test outlives it: git need not wait for the disk, nor look what to pack.
GIT_CONFIGURATION = """\
[user]
    name = Ann Onymous
    email = ann@example.com
[init]
    defaultBranch = main
[core]
    excludesFile = /dev/null
    attributesFile = /dev/null
    fsync = none
[gc]
    auto = 0
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


@pytest.fixture(scope="session", autouse=True)
def own_python() -> Iterator[None]:
    """Let python3 be the interpreter of these tests, and no manager's shim, slow to start."""
    with pytest.MonkeyPatch.context() as patch:
        folder = Path(sys.executable).resolve().parent
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_secrets() -> Iterator[None]:
    """Keep the compiled rules about secrets in the environment that runs the tests."""
    folder, compiled = Path(sys.prefix), secrets._scanner

    @cache
    def scanner(_: str | None) -> object:
        with (folder / "monorepo-secrets.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return compiled(str(folder / "monorepo-secrets"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "_scanner", scanner)
        yield


@pytest.fixture(scope="session", autouse=True)
def packed_engine() -> Iterator[None]:
    """Have a process read and pack the files of this engine once for all repositories."""
    write = wheel.write

    @cache
    def packed(_: Path) -> tuple[str, bytes]:
        with TemporaryDirectory() as folder:
            file = write(Path(folder))
            return file.name, file.read_bytes()

    def again(folder: Path) -> Path:
        name, content = packed(template.TEMPLATE)
        (folder / name).write_bytes(content)
        return folder / name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wheel, "write", again)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Have hypothesis try all its examples only where slow tests run as well.

    Templates are compiled once for all that a process bakes.
    """
    settings.load_profile("fast" if config.option.markexpr == "not slow" else "all")
    compiling.once()


@pytest.hookimpl(tryfirst=True)  # before slow tests are deselected
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Put slow tests before the others, so that every worker is busy to the end."""
    for item in items:
        if "uv_cache" in item.fixturenames:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
