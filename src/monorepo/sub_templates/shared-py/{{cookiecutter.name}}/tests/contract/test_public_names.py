"""What other packages rely on. A failure here means that they have to change as well."""

import inspect
from collections.abc import Callable, Iterator

import {{ cookiecutter.import_name }} as package

# The type checker holds these types, on behalf of every caller.
delays: Callable[[float, float], Iterator[float]] = package.delays


def test_public_names() -> None:
    assert sorted(package.__all__) == ["delays"]


def test_delays_may_be_called_by_position_and_by_name() -> None:
    assert list(inspect.signature(delays).parameters) == ["first", "longest"]
    assert next(package.delays(first=1, longest=2)) == 1
