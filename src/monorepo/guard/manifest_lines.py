"""The requirements in a manifest, with their lines, and its entry points."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monorepo.core import manifests
from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, Package, Requirement, requirement
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats
from monorepo.system.errors import UsageError

# Under another name: workspace:@acme/core@*, npm:puppeteer@^24
_ALIAS = re.compile(r"(?:workspace|npm):(@?[^@]+)@")
_STRING = re.compile(r"""(["'])(.*?)\1|#.*""")


class Requested(NamedTuple):
    """A requirement: its line, the keys of the list that it is in, its text, and what it asks."""

    line: int
    place: tuple[str, ...]
    text: str
    needs: Requirement


def requested(sources: Sources, path: str, manifest: Mapping[str, Any]) -> Iterator[Requested]:
    """Yield the requirements in all lists of a manifest; malformed ones are left out."""
    if path.endswith(".json"):
        for group in NODE_GROUPS:
            for name, version in manifest.get(group, {}).items():
                alias = _ALIAS.match(str(version))
                line = sources.line_of(path, f'"{group}"', f'"{name}"')
                needs = Requirement(fold(alias[1] if alias else name), ())
                yield Requested(line, (group,), name, needs)
        return
    lines: dict[str, list[int]] = {}
    for number, row in enumerate((sources.text(path) or "").splitlines(), start=1):
        for quote, text in _STRING.findall(row):
            lines.setdefault(quote and text, []).append(number)
    for place, text in manifests.requirements(manifest):
        with contextlib.suppress(UsageError):
            needs, found = requirement(text), lines.get(text, [0])
            # The same text may be in several lists: the second time, on the second such line.
            yield Requested(found.pop(0) if found[1:] else found[0], place, text, needs)


def entry_points(package: Package) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield the keys of the table, the name and the object of each script and entry point."""
    project = data_formats.table(package.manifest, "project")
    tables: list[tuple[str, ...]] = [("scripts",), ("gui-scripts",)]
    tables += [("entry-points", group) for group in data_formats.table(project, "entry-points")]
    for keys in tables:
        for name, value in data_formats.table(project, *keys).items():
            yield keys, name, str(value).strip()
