"""No source file is ignored by git, and no generated or secret file is tracked.

Why: an ignored source file works on one machine only; a secret that was committed once stays
public.

Fix: write ignore patterns anchored to a level (`/*/*/*/build/`), and comments on lines of their
own.

Passes::

    # Build output
    /*/*/*/build/

Fails::

    build/
    dist/  # build output
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript

# What tools make, and settings of one machine.
_MADE = re.compile(
    r"(.*/)?(\.venv|venv|node_modules|__pycache__|\.nox|\.tox|\.(mypy|pytest|ruff)_cache"
    r"|\.hypothesis|htmlcov|[^/]+\.egg-info)/.*|(.*/)?(\.venv|node_modules)|.*\.(pyc|tsbuildinfo)"
    r"|(.*/)?(\.coverage|\.DS_Store|\.env)|(.*/)?\.env\.(?!example$|sample$|template$)[^/]*"
)
_COMMENT = re.compile(r"(\s*[^#\s].*?[^\\\s])\s+(#.*)")
_SOURCES = (".py", ".sh", ".sql", ".toml", ".yaml", *javascript.SUFFIXES)
# Of more files, one rule is the cause.
_MANY = 10
_LEVELS = ("src", "tests", "scripts")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, if it is one of git."""
    return ["."] if sources.ignored is not None else []


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look at what git ignores, at what it does not, and at the rules for it."""
    for path in sources.files:
        if _MADE.fullmatch(path):
            advice = "remove it from git with git rm --cached, and ignore it"
            yield Finding(path, 0, "ignored", "is made by a tool, or of one machine", advice)
        elif path.rpartition("/")[2] == ".gitignore":
            yield from _comments(sources, path)
    lost: dict[str, list[str]] = {}
    for path in sorted({*_ignored(sources)}):
        owner = sources.package_of(path)
        lost.setdefault(owner.path if owner else path, []).append(path)
    for package, paths in lost.items():
        advice = "make the rule in .gitignore narrower; git check-ignore -v names it"
        if len(paths) > _MANY:
            message = f"git ignores {len(paths)} source files of it, such as {paths[0]}"
            yield Finding(package, 0, "ignored", message, advice)
            continue
        for path in paths:
            yield Finding(path, 0, "ignored", "is a source file that git ignores", advice)


def _comments(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield a finding for each rule that its comment is part of."""
    for number, line in enumerate((sources.text(path) or "").splitlines(), start=1):
        if found := _COMMENT.fullmatch(line):
            message = "the comment is part of the pattern, which matches nothing"
            advice = "give the comment a line of its own"
            yield Finding(path, number, "ignored", message, advice, lines=(found[2], found[1]))


def _ignored(sources: Sources) -> Iterator[str]:
    """Yield the source files of packages that git ignores."""
    for path in sources.ignored or ():
        package = sources.package_of(path.rstrip("/"))
        inner = path.removeprefix(f"{package.path}/") if package else ""
        if inner.split("/")[0] not in _LEVELS or _MADE.fullmatch(path):
            continue
        found = [path]
        if path.endswith("/"):
            folder = sources.root / path
            found = [one.relative_to(sources.root).as_posix() for one in _files(folder)]
        yield from (one for one in found if one.endswith(_SOURCES) and not _MADE.fullmatch(one))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder."""
    return (path for path in folder.rglob("*") if path.is_file())
