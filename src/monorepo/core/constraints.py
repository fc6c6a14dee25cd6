"""Check that constraints.txt is well-formed and satisfies all requirements. No network."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement

from monorepo.core import hashes, workspace
from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import Declared, Workspace
from monorepo.system import text_files
from monorepo.system.errors import UsageError

# The platforms that pins are checked for, by PEP 508's sys_platform.
PLATFORMS = ("linux", "darwin", "win32")


def out_of_step(space: Workspace, wanted: Sequence[Declared], text: str | None = None) -> list[str]:
    """Return what is wrong with the pins, also for the requirements `wanted`: one line each.

    Args:
        space: the repository.
        wanted: the declared requirements.
        text: the text of constraints.txt, if it is not written yet.
    """
    try:
        text = text_files.read(space.root, PINS) if text is None else text
    except UsageError as error:
        return list(error.mistakes)
    if wrong := [
        f"{PINS}:{misfit.line}: {misfit.message}; {misfit.fix}" for misfit in misfits(text)
    ]:
        return wrong
    recorded = hashes.read_pins(text)
    pinned = {name: [Requirement(line) for line in lines] for name, lines in recorded.items()}
    floor = str(space.facts["python"])
    mistakes = [line for name, pins in pinned.items() for line in _twice(name, pins, floor)]
    # Many packages declare the same requirement.
    mistakes_of = {
        text: list(_unpinned(text, pinned, floor))
        for text in {requirement.text for requirement in wanted}
    }
    return mistakes + [
        f"{requirement.where}: {line}"
        for requirement in wanted
        for line in mistakes_of[requirement.text]
    ]


class Misfit(NamedTuple):
    """A line of constraints.txt that is not a pin, and the lines that replace it, if known."""

    line: int
    message: str
    fix: str
    lines: tuple[str, ...] | None


def misfits(text: str) -> Iterator[Misfit]:
    """Yield the lines that are neither a pin, `name==version ; marker`, nor a comment."""
    for number, whole in enumerate(text.splitlines(), start=1):
        if len(whole) > hashes.LONGEST:
            yield Misfit(
                number, "is not a pin: it has more than 10,000 characters", "remove it", None
            )
            continue
        line = hashes.COMMENT.sub("", whole).strip()
        bare = re.split(r"\s+--hash\b", line.rstrip("\\"))[0].strip()
        if line.startswith("--hash"):
            yield Misfit(
                number, "has a hash, so pip would require hashes for everything", "remove it", ()
            )
        elif text_files.conflict(whole):
            yield Misfit(number, "is a conflict marker of git", "resolve the conflict", None)
        elif line.startswith("-"):
            option = re.split(r"[\s=]", line)[0]
            yield Misfit(
                number, f"has the option {option}, which applies to all pins", "remove it", None
            )
        elif line:
            try:
                pin = Requirement(bare)
            except InvalidRequirement:
                yield Misfit(number, f"{bare} is not a pin", "write name==version", None)
                continue
            exact = [
                clause
                for clause in pin.specifier
                if clause.operator == "==" and "*" not in clause.version
            ]
            if pin.url or len(exact) != 1 or len(pin.specifier) != 1:
                yield Misfit(number, f"{bare} is not a pin", "write name==version", None)
            elif pin.extras or bare != line:
                fixed = re.sub(r"\[[^]]*\]", "", bare)
                what = "extras or hashes, which do not belong in a pin"
                yield Misfit(number, f"{bare} has {what}", f"write {fixed}", (fixed,))


def _twice(name: str, pins: Sequence[Requirement], floor: str) -> Iterator[str]:
    """Yield an error if two pins of a name apply to the same environment."""
    for environment in _marker_environments(floor) if len(pins) > 1 else ():
        here = [pin for pin in pins if not pin.marker or _applies(pin.marker, environment)]
        if len(here) > 1:
            where = f"Python {environment['python_version']} on {environment['sys_platform']}"
            versions = " and ".join(str(pin.specifier) for pin in here)
            yield f"{PINS}: {name} is pinned twice for {where}, {versions}; keep one"
            return


def _unpinned(text: str, pinned: Mapping[str, list[Requirement]], floor: str) -> Iterator[str]:
    """Yield an error if no pin satisfies a requirement."""
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        yield f"{text} is not a requirement ({reason}); correct it"
        return
    for marker_environment in _marker_environments(floor):
        if wanted.marker and not _applies(wanted.marker, marker_environment):
            continue
        pins = pinned.get(fold(wanted.name), [])
        here = [pin for pin in pins if not pin.marker or _applies(pin.marker, marker_environment)]
        if not here:
            yield f"{text} is not pinned; run make lock"
            return
        version = next(iter(here[0].specifier)).version
        if not wanted.specifier.contains(version, prereleases=True):
            yield f"{text} is pinned to {version}; run make lock"
            return


def _applies(marker: Marker, environment: dict[str, str]) -> bool:
    """Return whether `marker` applies in `environment`; other values are those of this process."""
    return marker.evaluate({**environment, "extra": ""})


def _marker_environments(floor: str) -> Iterator[dict[str, str]]:
    """Yield PEP 508 marker values for each supported Python on each platform."""
    for minor in range(int(floor.partition(".")[2]), workspace.NEWEST + 1):
        for platform in PLATFORMS:
            yield {
                "python_version": f"3.{minor}",
                "python_full_version": f"3.{minor}.0",
                "sys_platform": platform,
                "platform_system": {"linux": "Linux", "darwin": "Darwin"}.get(platform, "Windows"),
                "os_name": "nt" if platform == "win32" else "posix",
            }
