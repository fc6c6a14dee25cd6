"""Give a rendering the form of the team's tree, so that the merge sees real differences only.

Both renderings are aligned, that of the old version and that of the new one. What is the team's
(its record, pins, what `make lock` writes, and line endings) is then equal on all three sides.
"""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.workspace import Workspace
from monorepo.locking import projects
from monorepo.programs import pnpm
from monorepo.syncing import derive
from monorepo.syncing.making import PACKAGE
from monorepo.upgrading import records

# Pins that stand in files which have more than pins: the version in each is the team's.
_PINS = {
    "pnpm-workspace.yaml": re.compile(
        r'^(?P<key>  (?:"[^"\n]+"|[\w./@-]+)): (?P<pin>[\^~]?\d[\w.+-]*)$', re.MULTILINE
    ),
    pnpm.MANIFEST: re.compile(r'^(?P<key> *"packageManager"): (?P<pin>"pnpm@[^"\n]+")', re.M),
}


def align(rendering: Path, team: Path, manifests: Iterable[str], crlf: Collection[str]) -> None:
    """Change the files of a rendering to the form that they have in the team's tree.

    Args:
        rendering: its folder.
        team: the root of the repository.
        manifests: the paths of those with a record.
        crlf: the paths of files that git has with CRLF.

    Raises:
        OSError: a file cannot be read or written.
    """
    with_record = {*manifests}
    for path in {*with_record, *_PINS, *crlf}:
        file, theirs = rendering / path, team / path
        if file.is_symlink() or not file.is_file() or not theirs.is_file():
            continue
        text, reference = (
            one.read_bytes().decode("utf-8", "surrogateescape").replace("\r\n", "\n")
            for one in (file, theirs)
        )
        if path in with_record and (record := records.region(reference)):
            text = records.with_region(text, record)
            text = projects.with_block(projects.without_block(text), projects.block(reference))
        if path in _PINS:
            text = with_pins(path, text, reference)
        if path in crlf:
            text = text.replace("\n", "\r\n")
        file.write_bytes(text.encode("utf-8", "surrogateescape"))


def describe(rendering: Path, space: Workspace, path: str) -> None:
    """Give a package of a rendering the `package.edn` that it has in the team's tree.

    So a change of its kind is merged into both: what is the source, and what comes from it.

    Args:
        rendering: its folder.
        space: the repository.
        path: of the package.

    Raises:
        UsageError: the package is broken, or what it says cannot be said there.
    """
    if (space.root / path / PACKAGE).is_file() and (rendering / path).is_dir():
        derive.into(rendering, space, workspace.read_package(rendering, path))


def with_pins(path: str, text: str, reference: str) -> str:
    """Return the text of a file with the pins that another text of it has for the same names."""
    pattern = _PINS[path]
    pins = {found["key"]: found["pin"] for found in pattern.finditer(reference)}
    return pattern.sub(
        lambda found: f"{found['key']}: {pins.get(found['key'], found['pin'])}", text
    )
