"""Who may still request an extra for a migration: the baseline of the rule, and its exceptions.

It may only shrink. Its history says how far the migration is.
"""

import contextlib
import datetime
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.core import workspace
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.guard import accepted, catalog, findings
from monorepo.guard.findings import BASELINE, Finding, covers
from monorepo.guard.repository import Sources
from monorepo.programs.git import Git
from monorepo.system.errors import TaskError

RULE = "legacy"
_FILES = (BASELINE, ROOT_MANIFEST)


class Point(NamedTuple):
    """How long the list was from a commit on; `date` is empty for what is not committed.

    `paths` are those of the packages in it.
    """

    date: str
    length: int
    paths: frozenset[str]


def entries(baseline: str, manifest: str) -> list[str]:
    """Return the paths in the list, given the texts of the baseline and of the root's manifest.

    What cannot be read has none.
    """
    found = list[str]()
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        found += [
            str(path)
            for found_id, path, _ in json.loads(baseline or "[]")
            if covers(RULE, found_id)
        ]
    with contextlib.suppress(ValueError, TypeError, RecursionError, AttributeError):
        table: Mapping[str, Any] = workspace.toml(manifest)
        listed = table.get("tool", {}).get("monorepo", {}).get("allow", [])
        found += [
            str(one["path"])
            for one in listed
            if covers(RULE, one.get("rule", "")) and "path" in one
        ]
    return [path.removesuffix(f"/{ROOT_MANIFEST}") for path in found]


def requests(space: Workspace) -> list[Finding]:
    """Return the findings of the rule, also those that are allowed."""
    sources, rule = Sources(space), catalog.load(space.root, RULE)
    return [
        finding
        for subject in rule.subjects(sources)
        for finding in rule.check(sources, subject)
        if finding.status == "error"
    ]


def shrunk(space: Workspace, read: Callable[[str], str]) -> dict[str, str]:
    """Return the texts of the files that have the list, without what is no longer needed.

    Args:
        space: the repository as it will be.
        read: returns the text of a file, "" if there is none.

    Raises:
        UsageError: the baseline is malformed.
    """
    wrong = requests(space)
    found = dict[str, str]()
    known = accepted.read(space.root)
    now = Counter((one.id, one.path, one.message) for one in wrong)
    left = Counter(
        {
            entry: min(count, now[entry]) if covers(RULE, entry[0]) else count
            for entry, count in known.items()
        }
    )
    if left.total() < known.total():
        found[BASELINE] = findings.baseline(left.elements())
    allowed, _ = accepted.allowed(space)
    unused = [
        one
        for one in allowed
        if covers(RULE, one.id) and not any(one.covers(space, finding) for finding in wrong)
    ]
    manifest = read(ROOT_MANIFEST)
    if unused and (text := accepted.without(manifest, unused)) != manifest:
        found[ROOT_MANIFEST] = text
    return found


def history(root: Path) -> list[Point]:
    """Return how long the list was after each commit that changed its length, and is now.

    It begins where the list was not empty for the first time. Without git, there is only now.
    """
    found = list[Point]()
    with contextlib.suppress(TaskError, OSError):
        found += _committed(Git(root))
    texts = [(root / path).read_text("utf-8") if (root / path).exists() else "" for path in _FILES]
    paths = entries(*texts)
    if not found or found[-1].length != len(paths):
        found.append(Point("", len(paths), frozenset(paths)))
    first = next((at for at, point in enumerate(found) if point.length), len(found))
    return found[first:]


def _committed(git: Git) -> Iterator[Point]:
    """Yield the commits that changed the length, the oldest first."""
    rows = git.text("log", "--first-parent", "--reverse", "--format=%H %cI", "--", *_FILES)
    commits = [row.split(" ") for row in rows.splitlines()]
    wanted = [f"{commit}:{git.prefix}{path}" for commit, _ in commits for path in _FILES]
    texts = [(content or b"").decode(errors="replace") for content in git.contents(wanted)]
    before = 0
    for at, (_, date) in enumerate(commits):
        paths = entries(*texts[2 * at : 2 * at + 2])
        if len(paths) != before:
            day = datetime.datetime.fromisoformat(date).date().isoformat()
            yield Point(day, len(paths), frozenset(paths))
        before = len(paths)
