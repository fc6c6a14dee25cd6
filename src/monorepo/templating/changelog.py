"""The changelog that the engine carries: what has changed between two of its versions."""

import re
from importlib import resources
from typing import TYPE_CHECKING

from monorepo.system.errors import UsageError
from monorepo.templating.template import TEMPLATE

if TYPE_CHECKING:
    from packaging.version import Version

CHANGELOG = "CHANGELOG.md"
UNRELEASED = "Unreleased"
# A version in its normal form (PEP 440), but for the epoch, which no release has. The local part,
# which a wheel of one's own may have, has no section.
_VERSION = re.compile(
    r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?(?:\+[a-z0-9.]+)?"
)


def text() -> str:
    """Return the changelog of the running version, in a checkout, installed or from the wheel.

    Raises:
        OSError: it cannot be read.
    """
    carried = resources.files("monorepo") / "template" / CHANGELOG
    file = carried if carried.is_file() else TEMPLATE / CHANGELOG
    return file.read_text(encoding="utf-8")


def between(text: str, old: str, new: str) -> str:
    """Return what has changed after version `old`, up to version `new`.

    Args:
        text: the changelog of version `new`, or of a later one.
        old: the version to start from, which is left out.
        new: the last version. If it is newer than every section, it has not been released, and
            what is unreleased is its own.

    Returns:
        The sections as they stand in the changelog, the newest first; empty if there are none.

    Raises:
        UsageError: `old` or `new` is no version.
    """
    first, last = key(old), key(new)
    found = sections(text)
    released = {name: key(name) for name in found if _VERSION.fullmatch(name)}
    chosen = {name for name, version in released.items() if first < version <= last}
    if first < last and all(version < last for version in released.values()):
        chosen.add(UNRELEASED)
    return "".join(section for name, section in found.items() if name in chosen).strip()


def sections(text: str) -> dict[str, str]:
    """Return the sections of a changelog by the first word of their headings, in its order.

    A section without content is none.
    """
    parts = re.split(r"^(?=## \S)", text, flags=re.MULTILINE)[1:]
    return {part.split()[1]: part for part in parts if part.partition("\n")[2].strip()}


def key(version: str) -> "Version":
    """Return what versions are ordered by, without the local part.

    Raises:
        UsageError: it is no version.
    """
    # The text is read before anything is installed.
    from packaging.version import Version

    # int() has a limit, and no version comes near it.
    if not _VERSION.fullmatch(version) or len(version) > 100 or not version.isascii():
        raise UsageError(f"version: {version!a} is no version; write one such as 1.4.0")
    return Version(Version(version).public)
