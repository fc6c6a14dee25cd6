"""What takes long begins first, so that every worker is busy to the end."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests before the others."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
