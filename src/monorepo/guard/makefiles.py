"""Find the targets of a Makefile in its text."""

import posixpath
import re
from fnmatch import fnmatchcase
from functools import lru_cache

from monorepo.guard.repository import Sources

_INCLUDE = re.compile(r"^[-s]?include[ \t]+(.+)$", re.MULTILINE)
_TARGETS = re.compile(r"^([^\s#:=$][^#:=$\n]*?)[ \t]*:{1,2}(?![:=])", re.MULTILINE)


def has(sources: Sources, folder: str, target: str) -> bool:
    """Return whether the Makefile in a folder ("" is the root) or an included one has a target."""
    package = sources.package_of(folder)
    todo, seen = [posixpath.join(folder, "Makefile")], set[str]()
    while todo:
        path = todo.pop()
        text = sources.text(path)
        if text is None or "$(eval" in text:
            return True
        targets, patterns, included = _read(text)
        if target in targets or any(fnmatchcase(target, pattern) for pattern in patterns):
            return True
        seen.add(path)
        for word in included:
            name = word.removeprefix("$(ROOT)/")
            if "$" in name or "*" in name:
                return True
            # These are included for services only.
            if not name.startswith("tools/make/services-") or (package and package.is_service):
                inner = posixpath.normpath(posixpath.join(folder if name == word else "", name))
                todo += {inner} - seen
    return False


@lru_cache(maxsize=64)
def _read(text: str) -> tuple[set[str], set[str], list[str]]:
    """Return the targets of a Makefile, the pattern rules among them as globs, and its includes."""
    targets = {
        target for line in _TARGETS.findall(text) for target in line.replace("%", "*").split()
    }
    patterns = {target for target in targets if any(sign in target for sign in "*?[")}
    return targets, patterns, [word for line in _INCLUDE.findall(text) for word in line.split()]
