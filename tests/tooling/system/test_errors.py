"""Errors carry one line for each mistake."""

from monorepo.system.errors import TaskError, UsageError


def test_all_mistakes_are_kept_in_order() -> None:
    error = UsageError("a: is wrong; fix it", "b: too; likewise")
    assert error.mistakes == ("a: is wrong; fix it", "b: too; likewise")
    assert not isinstance(error, TaskError)
