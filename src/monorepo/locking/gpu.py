"""tools/gpu.txt: the pins that environments with the extra `gpu` have instead of the others.

An index in [tool.monorepo.indexes] with `extra = "gpu"` has other builds of some names, such as the
torch that needs CUDA. constraints.txt has those of all other environments, so that no CPU-only
machine installs CUDA. Recorded is only what differs from tools/hashes.txt, in the same format, with
a digest of what that depends on.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.naming import fold
from monorepo.core.workspace import GPU, Workspace, requirement
from monorepo.locking import lowest, resolution
from monorepo.locking.lowest import Pins
from monorepo.locking.resolution import Resolver
from monorepo.programs import indexes
from monorepo.system import text_files
from monorepo.system.errors import UsageError

PINS = "tools/gpu.txt"
HEADER = """\
# What environments with the extra gpu have instead of pins of constraints.txt: `nox -s test-gpu`.
# `make lock` writes it, from the indexes with extra = "gpu" in [tool.monorepo.indexes].
"""
_DIGEST = re.compile(r"^# digest: ([0-9a-f]{16})$", re.MULTILINE)


def recorded(root: Path) -> Pins:
    """Return the pins that environments with the extra have instead; none without such an index.

    Raises:
        UsageError: the file is malformed.
    """
    return lowest.read(_text(root), PINS)


def instead(space: Workspace) -> Pins:
    """Return what is `recorded`, to install it.

    Raises:
        UsageError: it is malformed; or missing, although an index has builds for the extra.
    """
    if _others(space) and not (space.root / PINS).exists():
        raise UsageError(f"{PINS}: is missing; run make lock")
    return recorded(space.root)


def resolve(
    resolver: Resolver, wanted: Iterable[str], pins: Pins, upgrade: Sequence[str], draft: Path
) -> str | None:
    """Return the text of tools/gpu.txt, or None if no index has builds for the extra.

    Recorded pins, and otherwise those of constraints.txt, are kept where possible.

    Args:
        resolver: uv.
        wanted: all external requirements.
        pins: the pins of constraints.txt, which may not be written yet.
        upgrade: names of pins to upgrade, or `all`.
        draft: a folder to work in.

    Raises:
        TaskError: no set of versions satisfies the requirements.
        UsageError: the settings of indexes are malformed.
    """
    space, wanted = resolver.space, [*wanted]
    others = _others(space)
    if not others:
        return None
    moving = {fold(name) for name in upgrade}
    before = Pins({}, {}) if "all" in moving else recorded(space.root)
    kept = {
        line: found
        for line, found in before.over(pins).hashes.items()
        if hashes.name_of(line) not in moving
    }
    with indexes.preferring(GPU):
        text = resolver.compile(
            wanted,
            [hashes.lines(line, found) for line, found in kept.items()],
            draft / Path(PINS).name,
            python=str(space.facts["python"]),
            doing=f"lock: {PINS}",
        )
    found = hashes.parse(text)
    other = {
        line: found[line]
        for name, lines in hashes.named(found).items()
        if lines != pins.named.get(name)
        for line in lines
    }
    required = resolution.required(text, hashes.named(found))
    rows = HEADER + f"# digest: {_digest(others, wanted, pins, Pins(other, {}))}\n"
    for line, known in other.items():
        rows += hashes.entry(line, known, required.get(line, ()))
    return rows


def check(space: Workspace, wanted: Iterable[str]) -> list[str]:
    """Return why tools/gpu.txt is not up to date, without resolving anything; [] if it is."""
    try:
        others, text = _others(space), _text(space.root)
        if not others:
            return [f"{PINS}: no index is for the extra {GPU}; run make lock"] if text else []
        digest = _digest(others, wanted, lowest.pinned(space.root), lowest.read(text, PINS))
    except UsageError as error:
        return list(error.mistakes)
    known = _DIGEST.search(text)
    if known and known[1] == digest:
        return []
    return [f"{PINS}: is {'out of date' if text else 'missing'}; run make lock"]


def _text(root: Path) -> str:
    return text_files.read(root, PINS) if (root / PINS).exists() else ""


def _others(space: Workspace) -> list[indexes.Index]:
    """Return the indexes that have builds for the extra."""
    return [index for index in indexes.read(space.root) if index.extra == GPU]


def _digest(others: Sequence[indexes.Index], wanted: Iterable[str], pins: Pins, other: Pins) -> str:
    """Return a digest of other pins, and of all that they depend on."""

    def differs(name: str) -> bool:
        return name in other.named or bool(indexes.owner(name, others))

    inputs = {
        "indexes": sorted([index.url, *sorted(index.patterns)] for index in others),
        "wanted": sorted({text for text in wanted if differs(requirement(text).name)}),
        "pins": sorted(pins.hashes),
        "other": sorted(other.hashes),
    }
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]
