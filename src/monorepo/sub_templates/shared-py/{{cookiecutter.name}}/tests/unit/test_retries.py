import doctest
import math
from itertools import islice, pairwise

import pytest

from {{ cookiecutter.import_name }} import retries


def test_examples_in_the_documentation_are_true() -> None:
    outcome = doctest.testmod(retries)

    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize(("first", "longest"), [(1, 1), (1, 60), (0.1, 7.3), (5e-324, math.inf)])
def test_delays_double_up_to_the_longest_and_never_end(first: float, longest: float) -> None:
    some = list(islice(retries.delays(first, longest), 5000))

    assert some[0] == first
    assert all(after == min(2 * before, longest) for before, after in pairwise(some))
    assert some[-1] == longest


@pytest.mark.parametrize(
    ("first", "longest"), [(0, 1), (-1, 1), (2, 1), (math.nan, 1), (1, math.nan)]
)
def test_what_is_out_of_range_is_refused_at_the_call(first: float, longest: float) -> None:
    with pytest.raises(ValueError, match="must hold"):
        retries.delays(first, longest)
