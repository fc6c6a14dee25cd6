"""Every manifest and configuration file can be read.

Checked are the manifests of packages, the configuration at the root and in packages, and the
questions of sub-templates. In addition, every file that a rule cannot read is reported: it is not
UTF-8, or not Python. Below folders such as tests and data this is a warning, because samples may be
malformed on purpose.

A package with a broken manifest is left out, and so are its dependents; all others are listed,
checked and tested.

Why: rules cannot check an unreadable file, and tools skip it silently, or fail with an unrelated
error.

Fix: resolve the conflict, correct what is malformed, or restore the file from git.

Passes::

    {"name": "@acme/audio"}

Fails::

    <<<<<<< HEAD
    {"name": "@acme/audio",
"""

import re
from collections.abc import Iterator, Sequence

from monorepo.core.languages import FOLDERS
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.locking import pnpm_locks
from monorepo.parsing import data_formats
from monorepo.templating.sub_templates import QUESTIONS, TEAMS

_REGISTER = re.compile(r"""\bregister(["']\])?\(""")
_HOOKS = ".pre-commit-config.yaml"
_FILES = re.compile(
    r"(pyproject\.toml|package\.json|pnpm-workspace\.yaml|\.pre-commit-config\.yaml|\.vscode/.*\.json)"
    rf"|(({'|'.join(FOLDERS)})/[^/]+/)?((tests/)?tsconfig[^/]*\.json|biome\.jsonc?|noxfile\.py)"
    r"|tools/templates/[^/]+/cookiecutter\.json"
)
# What a file lists at least one of, or it does nothing.
_LISTS = {_HOOKS: "repos", pnpm_locks.SETTINGS: "packages"}


def subjects(sources: Sources) -> Sequence[str]:
    """Return the sub-templates, and the files that tools are configured by."""
    return [TEAMS, *(path for path in sources.looked_at if _FILES.fullmatch(path))]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Read a file; what is wrong with it is noted."""
    if subject == TEAMS:
        yield from _templates(sources)
        return
    if subject.endswith(".py"):
        if sources.tree(subject) and not _REGISTER.search(sources.text(subject) or ""):
            message = "registers no sessions: nox finds none"
            yield Finding(subject, 0, "unreadable", message, "take that of another package")
        return
    found = config_files.read(sources, subject)
    if found is None:
        if subject not in sources.notes:
            sources.note(
                subject, "is a folder, or a link that leads nowhere", "restore it from git"
            )
    elif (key := _LISTS.get(subject)) and not data_formats.entries(found, key):
        message = f"has no list called {key}, and so does nothing"
        yield Finding(subject, 0, "unreadable", message, "restore it from git")


def _templates(sources: Sources) -> Iterator[Finding]:
    """Yield folders of sub-templates without a file of questions."""
    files = {*sources.files}
    folders = {
        path.split("/")[2] for path in files if path.startswith(f"{TEAMS}/") and path.count("/") > 2
    }
    for name in sorted(folders):
        file = f"{TEAMS}/{name}/{QUESTIONS}"
        if file not in files:
            yield Finding(file, 0, "unreadable", "is missing, or no file", "restore it from git")
