"""The folder that an upgrade works in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.system import transaction
from monorepo.system.errors import UsageError
from monorepo.upgrading import merge

Save = Callable[[], str]


def test_what_a_killed_one_left_is_not_in_the_way(root: Path, save: Save) -> None:
    save()
    with merge.workshop(root) as first:
        folder = transaction.record(root, "upgrade")
    # A process that it has started may still be at work there.
    (first / "new").mkdir(parents=True)
    with merge.workshop(root) as second:
        assert second != first
        assert second.is_relative_to(folder)
        assert [*second.iterdir()] == []
        assert not first.exists()
    assert not folder.exists()


def test_one_at_a_time(root: Path, save: Save) -> None:
    save()
    with merge.workshop(root), pytest.raises(UsageError, match="another one is at work"):
        with merge.workshop(root):
            pass
