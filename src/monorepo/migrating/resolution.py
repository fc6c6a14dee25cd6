"""What the indexes have of what requirements files name, and what it resolves to today.

Nothing is installed or built. A name of this repository is never asked for, nor is any name at all
if the files also use an index whose names are not known.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from monorepo.core import hashes
from monorepo.core.hashes import PINS
from monorepo.core.workspace import Declared, Workspace
from monorepo.locking.resolution import Resolver
from monorepo.migrating.requirements_files import File, Line, Status, mask
from monorepo.system.errors import TaskError

_NONE = "No solution found"
# What uv says offline.
_UNKNOWN = "not found in the cache"
_CAUSE = re.compile(r"^\s*(?:cause: |╰─▶ )?(Because .*?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"(?<![\w.-])[a-z0-9][a-z0-9-]*")
_DOING = "migrate"
# After so many lines, the others are said to be looked at the next time.
_MOST = 20


def resolve(
    space: Workspace, declared: Iterable[Declared], files: Iterable[File], before: str, draft: Path
) -> tuple[list[str], list[str]]:
    """Ask the indexes for what the files name, and note on the lines what they do not have.

    Args:
        space: the repository; `indexes.written` has its new indexes.
        declared: what it requires itself.
        files: the files.
        before: the text of constraints.txt with the pins of the files.
        draft: an empty folder to work in.

    Returns:
        Pins for what the files do not pin, and what could not be asked.

    Raises:
        UsageError: uv's settings are malformed.
    """
    lines = [line for file in files for line in file.lines if _is_asked(line)]
    asking = _Asking(space, declared, before, draft)
    try:
        missing = asking.missing(lines)
        lines = [line for line in lines if line not in missing]
        found, why = asking.together(lines)
        asking.beside_the_rest(lines)
    except TaskError as error:
        reason = mask(str(error).partition("\n")[0].removeprefix(f"{_DOING}: "))
        return [], [f"not asked: {reason}"]
    return found, [f"the files have no solution: {why}"] if why else []


def _is_asked(line: Line) -> bool:
    return line.requirement is not None and line.status is not Status.UNKNOWN


class _Asking:
    """Questions to uv."""

    def __init__(
        self, space: Workspace, declared: Iterable[Declared], before: str, draft: Path
    ) -> None:
        self.space = space
        self.declared = declared
        self.python = str(space.facts["python"])
        self.before = hashes.read_pins(before)
        self.draft = draft

    def _solved(
        self, texts: Iterable[str], *flags: str, preferred: Iterable[str] = ()
    ) -> tuple[str, str]:
        """Return what uv resolves, or why there is nothing.

        Raises:
            TaskError: it could not ask.
        """
        output = self.draft / PINS
        kept = [f"{pin}\n" for pin in preferred]
        try:
            resolver = Resolver(self.space)
            text = resolver.compile(texts, kept, output, *flags, python=self.python, doing=_DOING)
        except TaskError as error:
            if _NONE not in str(error) or _UNKNOWN in str(error):
                raise
            found = _CAUSE.search(str(error))
            return "", mask(" ".join(found[1].split()) if found else _NONE)
        return text, ""

    def missing(self, lines: Sequence[Line]) -> list[Line]:
        """Return the lines of which no index has a wheel, each with a note."""
        found = list[Line]()
        for batch in _batches(lines):
            found += self._missing(batch)
        return found

    def _missing(self, lines: Sequence[Line]) -> Iterator[Line]:
        """Yield lines by halves: uv names one at a time."""
        _, why = self._solved([_bare(line) for line in lines], "--no-deps")
        if why and len(lines) == 1:
            (line,) = lines
            line.blocks(_reason(why, line))
            yield line
        elif why:
            half = len(lines) // 2
            yield from self._missing(lines[:half])
            yield from self._missing(lines[half:])

    def together(self, lines: Sequence[Line]) -> tuple[list[str], str]:
        """Return pins for what lines do not pin, or why they have no solution."""
        required = [line.wanted for line in lines if not line.is_constraint]
        limits = [_bare(line) for line in lines if line.is_constraint]
        file = self.draft / "limits.txt"
        file.write_text("".join(f"{text}\n" for text in limits), encoding="utf-8")
        named = {line.name for line in lines}
        kept = [pin for name, pins in self.before.items() if name not in named for pin in pins]
        text, why = self._solved(required, "--constraint", str(file), preferred=kept)
        if why:
            for line in _mentioned(lines, why):
                line.blocks(f"conflicts with other lines: {why}")
            return [], why
        compiled = hashes.named(hashes.parse(text, PINS))
        return [pin for name, pins in compiled.items() for pin in self._new(name, pins)], ""

    def _new(self, name: str, pins: Sequence[str]) -> Iterator[str]:
        """Yield the pins of a name that constraints.txt lacks."""
        have = {hashes.version_of(pin) for pin in self.before.get(name, ())}
        if {hashes.version_of(pin) for pin in pins} - have:
            yield from pins

    def beside_the_rest(self, lines: Sequence[Line]) -> None:
        """Note on lines that all else in the repository has no solution with them."""
        rest = [one.text for one in self.declared]
        left = [line for line in lines if not (line.is_constraint or line.is_blocking)]
        for _ in range(_MOST):
            _, why = self._solved([*rest, *(line.wanted for line in left)])
            found = _mentioned(left, why)
            if not found:
                return
            for line in found:
                line.blocks(f"conflicts with what the repository requires: {why}")
            left = [line for line in left if line not in found]


def _batches(lines: Sequence[Line]) -> list[list[Line]]:
    """Return lines in groups that have each name once."""
    groups = list[dict[str, Line]]()
    seen = dict[str, int]()
    for line in {_bare(line): line for line in reversed(lines)}.values():
        at = seen[line.name] = seen.get(line.name, -1) + 1
        if at == len(groups):
            groups.append({})
        groups[at][line.name] = line
    return [list(group.values()) for group in groups]


def _mentioned(lines: Iterable[Line], why: str) -> list[Line]:
    """Return the lines whose names a reason has."""
    names = set(_NAME.findall(why))
    return [line for line in lines if line.name in names]


def _bare(line: Line) -> str:
    """Return the requirement of a line without extras."""
    assert line.requirement
    marker = f" ; {line.requirement.marker}" if line.requirement.marker else ""
    return f"{line.requirement.name}{line.requirement.specifier}{marker}"


def _reason(why: str, line: Line) -> str:
    """Return what is wrong with a line of which no index has a wheel."""
    assert line.requirement
    if "no usable wheel" in why:
        advice = "pin another version, or list it in build-from-source of [tool.monorepo]"
        return f"is sdist-only, or has no wheel for the Pythons of this repository; {advice}"
    if "not found in the package registry" in why:
        return f"no index has {line.requirement.name}; correct its name, or name its index"
    if "there is no version of" in why or "there are no versions of" in why:
        version = str(line.requirement.specifier)
        return f"no index has {line.requirement.name}{version}; pin a version that there is"
    return why
