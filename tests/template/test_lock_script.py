"""Which pins a new monorepo starts with: under which condition each stands in constraints.txt."""

from collections.abc import Callable

import pytest

from scripts import lock
from scripts.lock import FEATURES, FLOORS, Combination

PYTHON, SERVICES, JAVASCRIPT = list(FEATURES)[:3]
EDN = lock.MANIFESTS
EVERY: list[Combination] = [
    (floor, chosen) for floor in FLOORS for chosen in lock.subsets(tuple(FEATURES))
]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", lambda floor, has: True),
        (PYTHON, lambda floor, has: PYTHON in has),
        (SERVICES, lambda floor, has: SERVICES in has),
        (f"{PYTHON} or {EDN}", lambda floor, has: PYTHON in has or EDN in has),
        (f"{SERVICES} or {EDN}", lambda floor, has: SERVICES in has or EDN in has),
        (
            f"{JAVASCRIPT} and not {PYTHON} and not ({EDN})"
            ' and cookiecutter.python_version in ["3.11"]',
            lambda floor, has: not {PYTHON, EDN} & has and floor == "3.11",
        ),
    ],
)
def test_the_condition_of_a_pin(condition: str, holds: Callable[[str, set[str]], bool]) -> None:
    found = {one: ["a==1"] if holds(one[0], {*one[1]}) else [] for one in EVERY}
    assert lock.condition("a==1", found) == condition


def test_what_no_condition_says_is_refused() -> None:
    found = {one: ["a==1"] if number % 2 else [] for number, one in enumerate(EVERY)}
    with pytest.raises(ValueError, match="a==1: no simple condition"):
        lock.condition("a==1", found)


def test_a_monorepo_has_packages() -> None:
    assert (EDN,) not in lock.subsets(tuple(FEATURES))
    assert (PYTHON, EDN) in lock.subsets(tuple(FEATURES))
