"""Check that a set of wheels is closed: all that any of them requires is in it."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

from monorepo.core.naming import fold
from monorepo.delivery.targets import Target


class _Wheel(NamedTuple):
    """What the metadata of a wheel says."""

    name: str
    version: Version
    requires: list[Requirement]


def _read(file: Path) -> _Wheel:
    """Read the metadata of a wheel (see the core metadata specifications of PyPA)."""
    with zipfile.ZipFile(file) as archive:
        (path,) = (
            name
            for name in archive.namelist()
            if name.endswith(".dist-info/METADATA") and name.count("/") == 1
        )
        metadata: Message = HeaderParser().parsestr(archive.read(path).decode("utf-8"))
    requires = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    return _Wheel(fold(metadata["Name"]), Version(metadata["Version"]), requires)


def unmet(
    files: Iterable[Path], wanted: Mapping[str, Iterable[str]], target: Target
) -> Iterator[str]:
    """Yield what wheels require that is not among them: one line each.

    Args:
        files: the wheels.
        wanted: the extras of each distribution that is to be installed.
        target: the Python and the platform.
    """
    wheels = {wheel.name: wheel for wheel in map(_read, files)}
    todo = [("", Requirement(_requirement(name, extras))) for name, extras in wanted.items()]
    seen: set[tuple[str, str]] = set()
    while todo:
        parent, needed = todo.pop(0)
        wheel = wheels.get(fold(needed.name))
        if wheel is None:
            yield f"{parent} requires {needed}, of which there is no wheel"
        elif not needed.specifier.contains(wheel.version, prereleases=True):
            yield f"{parent} requires {needed}, and the wheel has version {wheel.version}"
        else:
            for extra in ("", *map(fold, needed.extras)):
                if (wheel.name, extra) not in seen:
                    seen.add((wheel.name, extra))
                    todo += [(wheel.name, more) for more in _of(wheel, extra, target)]


def _requirement(name: str, extras: Iterable[str]) -> str:
    return f"{name}[{','.join(extras)}]"


def _of(wheel: _Wheel, extra: str, target: Target) -> Iterator[Requirement]:
    """Yield what a wheel requires with an extra; its markers have the extra's normalized name."""
    for needed in wheel.requires:
        if needed.marker is None:
            applies = not extra
        else:
            applies = needed.marker.evaluate({**target.markers, "extra": extra})
        if applies:
            yield needed
