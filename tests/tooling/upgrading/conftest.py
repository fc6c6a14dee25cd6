"""What the tests of upgrades share: packages with records."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def recorded(root: Path, package: Callable[..., Path]) -> Callable[..., None]:
    """Write a package that was made from a kind: its path, and the rows of its record."""

    def recorded(path: str, *rows: str) -> None:
        package(path)
        with (root / path / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join(["", "[tool.monorepo.template]", *rows, ""]))

    return recorded
