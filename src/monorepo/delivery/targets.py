"""What wheels are for: a version of Python, and a platform."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging import tags
from packaging.markers import default_environment

from monorepo.core.workspace import NEWEST
from monorepo.system.errors import UsageError

_HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# PEP 600, PEP 656, and the tags of macOS.
_PLATFORM = re.compile(
    r"(?P<system>manylinux|musllinux|macosx)_(?P<major>\d{1,2})_(?P<minor>\d{1,2})"
    r"_(?P<machine>x86_64|aarch64|arm64)"
)
# The platforms by which uv resolves. Which wheels fit exactly, their tags decide.
_OF_UV = {
    "manylinux": "{machine}-manylinux_2_40",
    "musllinux": "{machine}-unknown-linux-musl",
    "macosx": "{machine}-apple-darwin",
}
# The oldest manylinux of PEP 600 with a name of its own, and those names.
_ALIASES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True)
class Target:
    """A version of Python, such as 3.12, and the tag of a platform; by default, those here.

    The tag is that of wheels (PEP 425): manylinux_2_28_x86_64 is Linux with glibc 2.28 or newer.
    """

    python: str = _HERE
    platform: str = ""

    @staticmethod
    def read(python: str, platform: str) -> "Target":
        """Return the target that PYTHON_VERSION and PLATFORM name; either may be empty.

        Raises:
            UsageError: they name none.
        """
        mistakes = []
        if python and python not in [f"3.{minor}" for minor in range(11, NEWEST + 1)]:
            advice = f"write PYTHON_VERSION=3.11 to 3.{NEWEST}"
            mistakes.append(f"PYTHON_VERSION={python}: is not a version of Python; {advice}")
        if platform and not _PLATFORM.fullmatch(platform):
            advice = "write manylinux_2_28_x86_64, musllinux_1_2_aarch64 or macosx_14_0_arm64"
            mistakes.append(f"PLATFORM={platform}: is not a platform with wheels; {advice}")
        if mistakes:
            raise UsageError(*mistakes)
        return Target(python or _HERE, platform)

    @property
    def is_here(self) -> bool:
        """Whether it is the Python and the platform that run this."""
        return self == Target()

    def __str__(self) -> str:
        """Name it for people."""
        return f"Python {self.python} on {self.platform or 'this platform'}"

    @cached_property
    def platforms(self) -> list[str]:
        """The tags of the platforms whose wheels run on it, the best first."""
        found = _PLATFORM.fullmatch(self.platform)
        if found is None:
            return [*tags.platform_tags()]
        system, machine = found["system"], found["machine"]
        major, minor = int(found["major"]), int(found["minor"])
        if system == "macosx":
            return [*tags.mac_platforms((major, minor), machine)]
        older = [f"{system}_{major}_{level}_{machine}" for level in range(minor, -1, -1)]
        if system == "manylinux":
            older += [f"{name}_{machine}" for level, name in _ALIASES.items() if level <= minor]
        return [*older, f"linux_{machine}"]

    @cached_property
    def tags(self) -> frozenset[tags.Tag]:
        """The tags of all wheels that can be installed."""
        if self.is_here:
            return frozenset(tags.sys_tags())
        version = tuple(map(int, self.python.split(".")))
        interpreter = "cp" + self.python.replace(".", "")
        return frozenset(
            [
                *tags.cpython_tags(version, platforms=self.platforms),
                *tags.compatible_tags(version, interpreter, self.platforms),
            ]
        )

    @cached_property
    def markers(self) -> dict[str, str]:
        """The values of environment markers (PEP 508)."""
        found = {name: str(value) for name, value in default_environment().items()}
        if self.python != _HERE:
            found["python_version"] = self.python
            found["python_full_version"] = f"{self.python}.0"
        if platform := _PLATFORM.fullmatch(self.platform):
            mac = platform["system"] == "macosx"
            found["sys_platform"] = "darwin" if mac else "linux"
            found["platform_system"] = "Darwin" if mac else "Linux"
            found["platform_machine"] = platform["machine"]
            found["os_name"] = "posix"
            found["platform_release"] = found["platform_version"] = ""
        return found

    def of_uv(self) -> Iterator[str]:
        """Yield the flags of uv to resolve for it."""
        if self.python != _HERE:
            yield from ("--python-version", self.python)
        if found := _PLATFORM.fullmatch(self.platform):
            machine = found["machine"].replace("arm64", "aarch64")
            yield from ("--python-platform", _OF_UV[found["system"]].format(machine=machine))

    def of_pip(self) -> Iterator[str]:
        """Yield the flags of pip to download wheels for it."""
        if not self.is_here:
            yield from ("--python-version", self.python, "--implementation", "cp")
        if self.platform:
            for platform in self.platforms:
                yield from ("--platform", platform)
