"""Whether constraints.txt is well-formed, and its pins satisfy what is declared. No network."""

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
    """Say what is wrong with the pins, on their own and for `wanted`: one line each.

    Args:
        space: the repository.
        wanted: what is declared.
        text: of constraints.txt, if it is not written yet.
    """
    try:
        text = text_files.read(space.root, PINS) if text is None else text
    except UsageError as error:
        return list(error.mistakes)
    if wrong := [f"{PINS}:{one.line}: {one.message}; {one.fix}" for one in misfits(text)]:
        return wrong
    recorded = hashes.read_pins(text)
    pinned = {name: [Requirement(line) for line in lines] for name, lines in recorded.items()}
    floor = str(space.facts["python"])
    mistakes = [line for name, pins in pinned.items() for line in _twice(name, pins, floor)]
    # Many ask for the same.
    said = {text: list(_unpinned(text, pinned, floor)) for text in {one.text for one in wanted}}
    return mistakes + [f"{one.where}: {line}" for one in wanted for line in said[one.text]]


class Misfit(NamedTuple):
    """A line of constraints.txt that is no pin, what to do, and what it should be, if clear."""

    line: int
    message: str
    fix: str
    lines: tuple[str, ...] | None


def misfits(text: str) -> Iterator[Misfit]:
    """Yield the lines of constraints.txt that are no `name==version ; marker` and no comment."""
    for number, whole in enumerate(text.splitlines(), start=1):
        if len(whole) > hashes.LONGEST:
            yield Misfit(
                number, "is no pin, but a line of more than 10,000 letters", "remove it", None
            )
            continue
        line = hashes.COMMENT.sub("", whole).strip()
        bare = re.split(r"\s+--hash\b", line.rstrip("\\"))[0].strip()
        if line.startswith("--hash"):
            yield Misfit(number, "a hash makes pip want hashes of everything", "remove it", ())
        elif text_files.conflict(whole):
            yield Misfit(number, "is a conflict marker of git", "resolve the conflict", None)
        elif line.startswith("-"):
            option = re.split(r"[\s=]", line)[0]
            yield Misfit(number, f"has the option {option}, which holds for all", "remove it", None)
        elif line:
            try:
                pin = Requirement(bare)
            except InvalidRequirement:
                yield Misfit(number, f"{bare} is no pin", "write name==version", None)
                continue
            exact = [
                one for one in pin.specifier if one.operator == "==" and "*" not in one.version
            ]
            if pin.url or len(exact) != 1 or len(pin.specifier) != 1:
                yield Misfit(number, f"{bare} is no pin", "write name==version", None)
            elif pin.extras or bare != line:
                fixed = re.sub(r"\[[^]]*\]", "", bare)
                what = "extras or hashes, which are no matter of a pin"
                yield Misfit(number, f"{bare} has {what}", f"write {fixed}", (fixed,))


def _twice(name: str, pins: Sequence[Requirement], floor: str) -> Iterator[str]:
    """Yield that a name is pinned twice, if it is in one environment."""
    for environment in _marker_environments(floor) if len(pins) > 1 else ():
        here = [pin for pin in pins if not pin.marker or _applies(pin.marker, environment)]
        if len(here) > 1:
            where = f"Python {environment['python_version']} on {environment['sys_platform']}"
            versions = " and ".join(str(pin.specifier) for pin in here)
            yield f"{PINS}: {name} is pinned twice for {where}, {versions}; keep one"
            return


def _unpinned(asked: str, pinned: Mapping[str, list[Requirement]], floor: str) -> Iterator[str]:
    """Yield what is wrong with the pins for a requirement."""
    try:
        wanted = Requirement(asked)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        yield f"{asked} is not a requirement ({reason}); mend it"
        return
    for marker_environment in _marker_environments(floor):
        if wanted.marker and not _applies(wanted.marker, marker_environment):
            continue
        pins = pinned.get(fold(wanted.name), [])
        here = [pin for pin in pins if not pin.marker or _applies(pin.marker, marker_environment)]
        if not here:
            yield f"{asked} is not pinned; run make lock"
            return
        version = next(iter(here[0].specifier)).version
        if not wanted.specifier.contains(version, prereleases=True):
            yield f"{asked} is pinned to {version}; run make lock"
            return


def _applies(marker: Marker, environment: dict[str, str]) -> bool:
    """Tell whether `marker` holds in `environment`, or in the running one where that is silent."""
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
