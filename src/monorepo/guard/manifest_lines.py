"""The lines of a manifest on which its requirements stand."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monorepo.core import manifests
from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, Requirement, requirement
from monorepo.guard.repository import Sources
from monorepo.system.errors import UsageError

# Under another name: workspace:@acme/core@*, npm:puppeteer@^24
_ALIAS = re.compile(r"(?:workspace|npm):(@?[^@]+)@")


class Requested(NamedTuple):
    """A requirement: its line, the list that it is in, its text and what it requests."""

    line: int
    group: str
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
                yield Requested(line, group, name, needs)
        return
    rows = (sources.text(path) or "").splitlines()
    rows = [row if row.lstrip()[:1] != "#" else "" for row in rows]
    met = Counter[str]()
    for place, text in manifests.requirements(manifest):
        quoted = re.compile(rf"""^[^#]*(["']){re.escape(text)}\1""")
        named = [(number, row) for number, row in enumerate(rows, 1) if text in row]
        lines = [number for number, row in named if quoted.match(row)] or [0]
        try:
            needs = requirement(text)
        except UsageError:
            continue
        # The same text may be in several lists: the second time, on the second such line.
        yield Requested(lines[min(met[text], len(lines) - 1)], place[-2], text, needs)
        met[text] += 1
