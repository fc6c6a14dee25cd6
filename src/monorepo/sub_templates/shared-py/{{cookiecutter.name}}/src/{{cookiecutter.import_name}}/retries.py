"""How long to wait before the next try, when something that may recover has failed.

An example: replace it with what the module is for.
"""

from collections.abc import Iterator
from itertools import accumulate, repeat


def delays(first: float, longest: float) -> Iterator[float]:
    """Yield seconds to wait: twice as long each time, up to `longest`, without end.

    >>> from itertools import islice
    >>> list(islice(delays(first=0.5, longest=3), 5))
    [0.5, 1.0, 2.0, 3, 3]

    Args:
        first: The delay before the first retry, above 0.
        longest: The delay that none exceeds, at least `first`.

    Raises:
        ValueError: When they are out of range; at the call, not at the first delay.
    """
    if not 0 < first <= longest:
        raise ValueError(f"0 < first <= longest must hold, not first={first}, longest={longest}")
    return accumulate(repeat(longest), lambda delay, limit: min(2 * delay, limit), initial=first)
