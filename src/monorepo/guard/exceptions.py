"""Take exceptions from the rules, `[[tool.monorepo.allow]]`, out of the root's manifest as text."""

import re
from collections.abc import Iterable

from monorepo.core import workspace
from monorepo.guard.runner import Allowed

_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*tool\.monorepo\.allow[ \t]*\]\][^\n]*\n", re.MULTILINE)
_HEADER = re.compile(r"^(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*\[", re.MULTILINE)


def without(manifest: str, unused: Iterable[Allowed]) -> str:
    """Return the text of the root's manifest without some exceptions.

    Args:
        manifest: a valid TOML document.
        unused: valid exceptions of it.
    """
    listed = workspace.toml(manifest)["tool"]["monorepo"]["allow"]
    headers = [*_ENTRY.finditer(manifest)]
    # Written as one array, it is changed by hand: the rule says so.
    if len(headers) != len(listed):
        return manifest
    gone = {(one.id, one.path, one.reason) for one in unused}
    for header, entry in reversed([*zip(headers, listed, strict=True)]):
        path = str(entry.get("path", "")).rstrip("/")
        if (entry.get("rule"), path, entry.get("reason")) in gone:
            below = _HEADER.search(manifest, header.end())
            end = below.start() if below else len(manifest)
            manifest = manifest[: header.start()] + manifest[end:].lstrip("\n")
    return manifest.rstrip("\n") + "\n"
