"""Check that constraints.txt is well-formed and satisfies all requirements. No network."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
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
# The pins of each normalized name.
Pinned = Mapping[str, Sequence[Requirement]]


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
    pinned, floor = parsed(text), str(space.facts["python"])
    mistakes = [f"{PINS}: {name} {what}; keep one" for name, what in twice(pinned, floor)]
    # Many packages declare the same requirement.
    wrong_with = {text: fault(text, pinned, floor) for text in {one.text for one in wanted}}
    return mistakes + [
        f"{one.where}: {one.text} {what}" for one in wanted if (what := wrong_with[one.text])
    ]


def parsed(text: str) -> dict[str, list[Requirement]]:
    """Return the pins in the text of constraints.txt, which has no `misfits`, by name."""
    recorded = hashes.read_pins(text)
    return {name: [Requirement(line) for line in lines] for name, lines in recorded.items()}


class Misfit(NamedTuple):
    """A line of constraints.txt that is not a pin, and the lines that replace it, if known."""

    line: int
    message: str
    fix: str
    lines: tuple[str, ...] | None


def misfits(text: str) -> Iterator[Misfit]:
    """Yield the lines that are neither a pin, `name==version ; marker`, nor a comment."""
    for number, whole in enumerate(text.splitlines(), start=1):
        line = "" if len(whole) > hashes.LONGEST else hashes.COMMENT.sub("", whole).strip()
        bare = re.split(r"\s+--hash\b", line.rstrip("\\"))[0].strip()
        what, fix = f"{bare} is not a pin", "write name==version"
        lines: tuple[str, ...] | None = None
        if len(whole) > hashes.LONGEST:
            what, fix = "is not a pin: it has more than 10,000 characters", "remove it"
        elif text_files.conflict(whole):
            what, fix = "is a conflict marker of git", "resolve the conflict"
        elif line.startswith("--hash"):
            what, fix = "has a hash, so pip would require hashes for everything", "remove it"
            lines = ()
        elif line.startswith("-"):
            option = re.split(r"[\s=]", line)[0]
            what, fix = f"has the option {option}, which applies to all pins", "remove it"
        elif not line or (_is_pin(bare) and bare == line and "[" not in line):
            continue
        elif _is_pin(bare):
            lines = (re.sub(r"\[[^]]*\]", "", bare),)
            what = f"{bare} has extras or hashes, which do not belong in a pin"
            fix = f"write {lines[0]}"
        yield Misfit(number, what, fix, lines)


def _is_pin(text: str) -> bool:
    try:
        pin = Requirement(text)
    except InvalidRequirement:
        return False
    clauses = [(one.operator, "*" in one.version) for one in pin.specifier]
    return clauses == [("==", False)] and not pin.url


def twice(pinned: Pinned, floor: str) -> Iterator[tuple[str, str]]:
    """Yield the names that have two pins for the same environment, and which ones."""
    for name, pins in pinned.items():
        for environment in environments(floor) if len(pins) > 1 else ():
            if len(here := _here(pins, environment)) > 1:
                where = f"Python {environment['python_version']} on {environment['sys_platform']}"
                versions = " and ".join(str(pin.specifier) for pin in here)
                yield name, f"is pinned twice for {where}, {versions}"
                break


def fault(text: str, pinned: Pinned, floor: str) -> str:
    """Return what is wrong with a requirement or its pin, and the fix; "" for nothing, or a URL."""
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        return f"is not a requirement ({str(error).splitlines()[0]}); correct it"
    what = (
        "" if wanted.url else next(filter(None, _faults(wanted, pinned, environments(floor))), "")
    )
    return what and f"{what}; run make lock"


def open_ends(
    wanted: Iterable[str],
    needs: Mapping[tuple[str, str], Sequence[Requirement]],
    pinned: Pinned,
    floor: str,
) -> Iterator[tuple[str, str, str]]:
    """Yield what the pins of requirements need and no pin satisfies: pin, name and fault.

    Args:
        wanted: the requirements; also what their pins need is followed.
        needs: what distributions need, as far as it is known: by name and version, see `installed`.
        pinned: the pins.
        floor: the oldest Python.
    """
    todo = [(name, extra) for text in wanted for name, extra in _with_extras(text)]
    seen = set[tuple[str, str]]()
    while todo:
        if (asked := todo.pop()) in seen:
            continue
        seen.add(asked)
        name, extra = asked
        for pin in pinned.get(name, ()):
            # Another version may be pinned elsewhere, and need something else.
            places = [one for one in environments(floor) if _applies(pin.marker, one)]
            for need in needs.get((name, _version(pin)), ()):
                if found := set(_faults(need, pinned, places, extra)):
                    todo += _with_extras(str(need))
                    if what := max(found):
                        said = f"requires {need.name}{need.specifier}, which {what}"
                        yield f"{name} {_version(pin)}", fold(need.name), said


def installed(root: Path, sites: Iterable[str]) -> dict[tuple[str, str], list[Requirement]]:
    """Return what each distribution needs that is installed, by its name and version.

    Args:
        root: the repository.
        sites: the site-packages folders, from the root.
    """
    found: dict[tuple[str, str], list[Requirement]] = {}
    for one in metadata.distributions(path=[f"{root}/{site}" for site in sites]):
        # `one.requires` would read them again.
        fields = one.metadata
        key = fold(str(fields["Name"] or "")), str(fields["Version"])
        for text in fields.get_all("Requires-Dist", []):
            with contextlib.suppress(InvalidRequirement):
                found.setdefault(key, []).append(Requirement(text))
    return found


def _with_extras(text: str) -> list[tuple[str, str]]:
    """Return the name of a requirement without an extra, and with each that it requests."""
    name, extras = workspace.requirement(text)
    return [(name, extra) for extra in ("", *extras)]


def _version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def _here(pins: Iterable[Requirement], environment: Mapping[str, str]) -> list[Requirement]:
    """Return the pins that apply in an environment."""
    return [pin for pin in pins if _applies(pin.marker, environment)]


def _faults(
    wanted: Requirement, pinned: Pinned, places: Iterable[Mapping[str, str]], extra: str = ""
) -> Iterator[str]:
    """Yield, for each environment in which a requirement holds, what is wrong with its pin or "".

    Args:
        wanted: the requirement.
        pinned: the pins.
        places: the marker values of environments.
        extra: the extra of whose requirements it is.
    """
    pins = pinned.get(fold(wanted.name), ())
    for environment in places:
        if _applies(wanted.marker, environment, extra):
            if not (here := _here(pins, environment)):
                yield "is not pinned"
            elif wanted.specifier.contains(_version(here[0]), prereleases=True):
                yield ""
            else:
                yield f"is pinned to {_version(here[0])}"


def _applies(marker: Marker | None, environment: Mapping[str, str], extra: str = "") -> bool:
    """Return whether `marker` applies in `environment`; other values are those of this process."""
    return marker is None or marker.evaluate({**environment, "extra": extra})


@cache
def environments(floor: str) -> Sequence[Mapping[str, str]]:
    """Return PEP 508 marker values for each supported Python on each platform."""
    return [
        {
            "python_version": f"3.{minor}",
            "python_full_version": f"3.{minor}.0",
            "sys_platform": platform,
            "platform_system": {"linux": "Linux", "darwin": "Darwin"}.get(platform, "Windows"),
            "os_name": "nt" if platform == "win32" else "posix",
        }
        for minor in range(int(floor.partition(".")[2]), workspace.NEWEST + 1)
        for platform in PLATFORMS
    ]
