"""The folder that an upgrade or a move works in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.layout import worktrees
from monorepo.system import transaction
from monorepo.system.errors import UsageError

Save = Callable[[], str]


def test_what_a_killed_one_left_is_not_in_the_way(root: Path, save: Save) -> None:
    save()
    with worktrees.workshop(root, "upgrade") as first:
        folder = transaction.record(root, "upgrade")
    # A process that it has started may still be at work there.
    (first / "new").mkdir(parents=True)
    with worktrees.workshop(root, "upgrade") as second:
        assert second != first
        assert second.is_relative_to(folder)
        assert [*second.iterdir()] == []
        assert not first.exists()
    assert not folder.exists()


def test_one_at_a_time(root: Path, save: Save) -> None:
    save()
    with (
        worktrees.workshop(root, "upgrade"),
        pytest.raises(UsageError, match="another one is at work"),
    ):
        with worktrees.workshop(root, "upgrade"):
            pass
