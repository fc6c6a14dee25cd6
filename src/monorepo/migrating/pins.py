"""What the lines of requirements files pin, as lines of constraints.txt."""

import re
from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from monorepo.core import constraints, hashes
from monorepo.core.naming import fold
from monorepo.core.workspace import Declared
from monorepo.dependencies import module_names
from monorepo.migrating.requirements_files import File, Line, Status

# No name has more pins, unless a file was made to take long.
_MOST = 1000
# Ends of names of other builds of the same modules.
_BUILDS = ("binary", "cpu", "gpu", "headless", "nightly")


def find(files: Iterable[File]) -> list[str]:
    """Return the pins, each once, and note on the lines what is no pin, and what is odd."""
    asked = [line for file in files for line in file.lines if line.requirement]
    required = {
        fold(line.requirement.name) for line in asked if line.requirement and not line.is_constraint
    }
    found: dict[str, Line] = {}
    for line in asked:
        version = pinned(line.requirement) if line.requirement else ""
        if line.requirement is None or line.status is Status.UNKNOWN:
            continue
        if re.search(r"\bextra\b", str(line.requirement.marker or "")):
            line.becomes(Status.SUSPICIOUS, "its marker asks for an extra, which no file has")
        elif version:
            marker = f" ; {line.requirement.marker}" if line.requirement.marker else ""
            pin = f"{fold(line.requirement.name)}=={version}{marker}"
            if hashes.is_pin(pin) and not list(constraints.misfits(pin)):
                found.setdefault(pin, line)
            else:
                why = f"{hashes.PINS} cannot hold its marker or version; write another"
                line.becomes(Status.UNKNOWN, why)
        elif not line.is_constraint:
            line.becomes(Status.SUSPICIOUS, "is not pinned")
        elif line.name in required:
            line.becomes(Status.CHANGED, "stands beside the requirement", "legacy-cpu")
        else:
            why = "limits what no line requires, and is no pin; require it, or write name==version"
            line.becomes(Status.UNKNOWN, why)
        if line.is_constraint and line.requirement.extras:
            line.becomes(Status.SUSPICIOUS, "pip allows no extras in constraints")
    _conflicts(found)
    _twins(asked)
    # The same without a marker says it for all machines.
    return [pin for pin in found if " ; " not in pin or pin.partition(" ; ")[0] not in found]


def note_unpinned(files: Iterable[File], text: str) -> None:
    """Note on the lines without a pin which version they get, by the text of constraints.txt."""
    pins = hashes.read_pins(text)
    for line in (line for file in files for line in file.lines if line.requirement):
        if line.why.startswith("is not pinned"):
            versions = ", ".join(map(hashes.version_of, pins.get(line.name, ())))
            why = f"{hashes.PINS} has {versions}" if versions else "make lock chooses a version"
            line.becomes(Status.SUSPICIOUS, why)


def note_ranges(files: Iterable[File], declared: Iterable[Declared]) -> None:
    """Note on the lines of pins which declared requirements do not allow their version."""
    ranges = dict[str, list[tuple[str, Requirement]]]()
    for where, text in dict.fromkeys(declared):
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        ranges.setdefault(fold(wanted.name), []).append((where, wanted))
    for line in (line for file in files for line in file.lines):
        version = pinned(line.requirement) if line.requirement else ""
        for where, wanted in ranges.get(line.name, ()) if version else ():
            if not wanted.specifier.contains(version, prereleases=True):
                advice = "pin another version, lower that range, or leave the line out"
                line.blocks(f"{where} declares {wanted}; {advice}")
                break


def pinned(requirement: Requirement) -> str:
    """Return the version that a requirement pins; "" for none."""
    for clause in requirement.specifier:
        if clause.operator not in ("==", "===") or "*" in clause.version:
            continue
        try:
            version = str(Version(clause.version))
        except InvalidVersion:
            return ""
        # As it is written: an index may have it under that name alone.
        return clause.version if requirement.specifier.contains(version, prereleases=True) else ""
    return ""


def joined(pins: Sequence[str], more: Iterable[str]) -> list[str]:
    """Return pins, and more of other names or versions."""
    have = hashes.named(pins)
    versions = {name: {*map(hashes.version_of, lines)} for name, lines in have.items()}
    return [
        *pins,
        *(
            pin
            for pin in more
            if hashes.version_of(pin) not in versions.get(hashes.name_of(pin), ())
        ),
    ]


def merged(
    before: str, pins: Sequence[str], files: Iterable[File]
) -> tuple[str, Mapping[str, str]]:
    """Return the text of constraints.txt with pins, which replace those of the same names.

    Args:
        before: its text.
        pins: what the files pin.
        files: the files, which the header names.

    Returns:
        The text, and the pins that were replaced: the new lines of a name by each old one.
    """
    new = hashes.named(pins)
    kept, replaced = list[str](), dict[str, str]()
    for line in hashes.pin_lines(before):
        name = hashes.name_of(line)
        if name not in new:
            kept.append(line)
        elif line not in new[name]:
            replaced[line] = ", ".join(new[name])
    head = [row for row in before.splitlines() if row.startswith("#")]
    head += [hashes.source(file.path, file.sha256) for file in files]
    rows = sorted([*kept, *pins], key=lambda line: (hashes.name_of(line), line))
    return "".join(f"{row}\n" for row in [*dict.fromkeys(head), *rows]), replaced


def _conflicts(found: Mapping[str, Line]) -> None:
    """Note on lines without markers that another one pins another version."""
    for pins in hashes.named(found).values():
        for at, pin in enumerate(pins[:_MOST]):
            others = (one for one in pins[:at] if " ; " not in pin or " ; " not in one)
            if other := next(others, ""):
                earlier = f"{found[other].path}:{found[other].number}"
                why = f"{earlier} pins another version, for the same machines"
                found[pin].blocks(f"{why}: choose one")


def _twins(asked: Iterable[Line]) -> None:
    """Note on lines that another name has the same module: one overwrites the other."""
    modules: dict[str, dict[str, Line]] = {}
    for line in asked:
        if line.requirement is None or line.is_constraint:
            continue
        name = fold(line.requirement.name)
        module = module_names.guess(name)
        for end in _BUILDS:
            module = module.removesuffix(f"-{end}")
        others = modules.setdefault(module, {})
        for other, earlier in others.items():
            if other != name:
                why = f"may have the same module as {other}, {earlier.path}:{earlier.number}"
                line.becomes(Status.SUSPICIOUS, f"{why}; keep one")
        others.setdefault(name, line)
