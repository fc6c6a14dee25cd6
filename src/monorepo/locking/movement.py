"""Report the pins that moved, and the packages that they concern."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monorepo.core.hashes import HASHES, PINS
from monorepo.core.workspace import Package, Workspace, requirement
from monorepo.locking import gpu, lowest, pnpm_locks, projects, unpinned
from monorepo.parsing import pnpm_lockfile
from monorepo.system.errors import UsageError

# The texts of lockfiles, by path; "" for a file that does not exist.
Texts = Mapping[str, str]
# Who needs what the root asks for, and what no package asks for yet.
TOOLS = "tools"
TEMPLATES = "sub-templates"
# The number of packages that a row names.
_NAMED = 3


def table(space: Workspace, before: Texts, after: Texts) -> list[str]:
    """Return a Markdown table of the pins that differ, or nothing.

    Args:
        space: the repository.
        before: the old texts of the lockfiles.
        after: the new texts.
    """
    old, new = _versions(before), _versions(after)
    names = sorted(name for name in old | new if old.get(name) != new.get(name))
    if not names:
        return []
    concerned = users(space, before, after)
    rows = []
    for name in names:
        versions = (", ".join(pins.get(name, ["none"])) for pins in (old, new))
        unknown = [TEMPLATES if name in new else "none"]
        rows.append([name, *versions, shown(concerned.get(name, unknown))])
    return markdown(["pin", "before", "after", "packages"], rows)


def markdown(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Return a table in Markdown, with aligned columns."""
    rows = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]


def users(space: Workspace, *locks: Texts) -> dict[str, list[str]]:
    """Return the packages that need a pin, directly or not, by its name.

    Args:
        space: the repository.
        locks: the texts of the lockfiles; several, for what any of them says.
    """
    found: dict[str, dict[str, None]] = {}
    for texts in locks:
        for user, used in (*_python_users(space, texts), *_javascript_users(space, texts)):
            for name in used:
                found.setdefault(name, {})[user] = None
    return {name: list(known) for name, known in found.items()}


def new_names(before: Texts, after: Texts) -> list[str]:
    """Return the names that are newly pinned."""
    return sorted(_versions(after).keys() - _versions(before).keys())


def _versions(texts: Texts) -> dict[str, list[str]]:
    """Return all pinned versions, by name."""
    found: dict[str, set[str]] = {}
    for path, text in texts.items():
        pairs: list[tuple[str, str, str]] = []
        if path == PINS:
            pairs = [line.partition("==") for line in text.splitlines() if line[:1] != "#"]
        elif path == gpu.PINS:
            lines = (line.partition(" ")[0] for line in text.splitlines())
            pairs = [line.partition("==") for line in lines if line[:1] != "#"]
        elif path.endswith(pnpm_locks.LOCK):
            pairs = [key.rpartition("@") for key in pnpm_lockfile.parse(text).packages]
        elif path.endswith(projects.LOCK):
            pins = (pin.partition(" ")[0] for pin in projects.pins_of(text, path))
            # Usually a version of constraints.txt, which may have a marker there.
            known = {
                f"{name}=={one.partition(' ')[0]}" for name, ones in found.items() for one in ones
            }
            pairs = [pin.partition("==") for pin in pins if pin not in known]
        for name, _, version in pairs:
            if version:
                found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in found.items()}


def _python_users(space: Workspace, texts: Texts) -> Iterator[tuple[str, set[str]]]:
    """Yield each Python package, and the tools, with the names that they need from an index."""
    try:
        pins = lowest.read(texts.get(HASHES, ""))
        builds = lowest.read(texts.get(gpu.PINS, ""), gpu.PINS)
    except UsageError:
        return
    programs = [*space.programs(), *(one for group in space.groups for one in space.group(group))]
    yield TOOLS, pins.reached(requirement(program.text).name for program in programs)
    every = [pins, builds.over(pins)] if builds.hashes else [pins]
    for package in space.packages.values():
        if package.is_python:
            yield (
                package.path,
                {name for one in every for name in one.reached(_declared(space, package))},
            )


def _declared(space: Workspace, package: Package) -> Iterator[str]:
    """Yield the names of all requirements of a package and its closure."""
    groups = {package.path: set(package.groups)}
    for path, extras in space.closure({package.path: set(package.extras)}, groups).items():
        other = space.packages[path]
        for declared in unpinned.declared(other, extras, groups.get(path, ())):
            yield requirement(declared.text).name


def _javascript_users(space: Workspace, texts: Texts) -> Iterator[tuple[str, set[str]]]:
    """Yield each JavaScript package, and the tools, with the names that they need."""
    lock = pnpm_lockfile.parse(texts.get(pnpm_locks.LOCK, ""))
    for path in lock.importers:
        closure = space.closure({path: ()}) if path in space.packages else [path]
        present = [path for path in closure if path in lock.importers]
        # The old lock may lack what it refers to.
        with contextlib.suppress(UsageError):
            keys = pnpm_lockfile.prune(lock, present).packages
            yield TOOLS if path == "." else path, {key.rpartition("@")[0] for key in keys}


def shown(users: Sequence[str]) -> str:
    """Return the users of a pin, or the first of many."""
    rest = len(users) - _NAMED
    return ", ".join(users[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
