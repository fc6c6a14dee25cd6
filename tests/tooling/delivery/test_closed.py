"""What wheels require is among them, or it is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.delivery import closed
from monorepo.delivery.targets import Target

Wheel = Callable[..., None]
LINUX, MAC = "manylinux_2_28_x86_64", "macosx_14_0_arm64"
BASE = ("a", "1.0"), ("b", "1.0", "c>=2", "d ; extra == 'more'"), ("c", "2.1"), ("d", "1.0")


def unmet(wheels: Path, extras: list[str], platform: str = "") -> list[str]:
    return [*closed.unmet(wheels.glob("*.whl"), {"a": extras}, Target(platform=platform))]


@pytest.mark.parametrize(
    ("requires", "extras"),
    [
        ([], []),
        (["b", "c"], []),
        (["B[more]"], []),
        (["gone ; extra == 'x'"], []),
        (["b[more] ; extra == 'a-b'"], ["a-b"]),
        (["a[x]", "c ; extra == 'x'"], []),
        (["b", "c<2 ; python_version < '3'"], []),
        (["c>=2.1a1"], []),
    ],
)
def test_a_closed_set_has_nothing_unmet(
    wheel: Wheel, wheels: Path, requires: list[str], extras: list[str]
) -> None:
    for name, version, *needed in BASE:
        wheel(name, version, *(requires if name == "a" else needed))
    assert unmet(wheels, extras) == []


@pytest.mark.parametrize(
    ("requires", "extras", "told"),
    [
        (["gone"], [], "a requires gone, of which there is no wheel"),
        (["c>=3"], [], "a requires c>=3, and the wheel has version 2.1"),
        (["b[evil]", "e"], [], "a requires e, of which there is no wheel"),
        (["gone ; extra == 'x-y'"], ["x-y"], "a requires gone; extra == "),
        (["a[x]", "gone ; extra == 'x'"], [], "a requires gone; extra == "),
    ],
)
def test_what_is_missing_is_told(
    wheel: Wheel, wheels: Path, requires: list[str], extras: list[str], told: str
) -> None:
    """E5: a set of wheels that is not closed is refused."""
    for name, version, *needed in BASE:
        wheel(name, version, *(requires if name == "a" else needed))
    (line,) = unmet(wheels, extras)
    assert line.startswith(told)


def test_what_is_missing_further_down_is_told(wheel: Wheel, wheels: Path) -> None:
    wheel("a", "1.0", "b")
    wheel("b", "1.0", "c>=2")
    wheel("c", "1.0")
    assert unmet(wheels, []) == ["b requires c>=2, and the wheel has version 1.0"]


def test_the_platform_decides(wheel: Wheel, wheels: Path) -> None:
    wheel("a", "1.0", "gone ; sys_platform == 'darwin'")
    assert unmet(wheels, [], LINUX) == []
    assert len(unmet(wheels, [], MAC)) == 1
