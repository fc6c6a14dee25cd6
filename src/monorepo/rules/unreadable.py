"""Every manifest, configuration file and source file can be read.

What counts: a file that is not UTF-8, is not what its name says, or has an unresolved conflict, and
that a rule, or a tool of this repository, reads: manifests, settings, locks of pnpm, Python (also
stubs and notebooks), JavaScript. This is so for samples of tests as well. No other rule says
anything about such a file. A package with a broken manifest is left out, and all others are listed,
checked and tested.

Why: rules cannot check an unreadable file, and tools skip it silently, or fail with an unrelated
error.

Fix: resolve the conflict, correct what is malformed, or restore the file from git. A sample that
is malformed on purpose gets an exception, or is written by its test.

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
from monorepo.guard.repository import PYTHON, Sources
from monorepo.locking import pnpm_locks
from monorepo.parsing import javascript, pnpm_lockfile, shell_commands
from monorepo.templating.sub_templates import QUESTIONS, TEAMS

_SETTINGS = re.compile(
    r"(pyproject\.toml|package\.json|pnpm-workspace\.yaml|\.pre-commit-config\.yaml|\.vscode/.*\.json)"
    rf"|(({'|'.join(FOLDERS)})/[^/]+/)?((tests/)?tsconfig[^/]*\.json|biome\.jsonc?)"
    r"|tools/templates/[^/]+/cookiecutter\.json|\.schemas/[^/]+\.yaml|\.github/.*\.ya?ml"
)
_CODE = (*PYTHON, *javascript.SUFFIXES)
_LOCKS = (pnpm_locks.LOCK, pnpm_locks.TEMPLATES_LOCK)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the sub-templates, the source files, and the files that tools are configured by."""
    return [TEAMS, *filter(_is_read, sources.files)]


def _is_read(path: str) -> bool:
    is_source = path.endswith(_CODE) or shell_commands.reader(path) is not None
    return is_source or _SETTINGS.fullmatch(path) is not None


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Read a file; what is wrong with it is noted."""
    if subject == TEAMS:
        yield from _templates(sources)
    elif subject in _LOCKS:
        sources.in_text(subject, "lock", lambda text: bool(pnpm_lockfile.parse(text, subject)))
    elif not _SETTINGS.fullmatch(subject):
        # A sub-template is Python only when it is rendered.
        if subject.endswith(_CODE) and not subject.startswith(f"{TEAMS}/"):
            sources.imports(subject)
        else:
            sources.in_text(subject, "text", bool)
    elif config_files.read(sources, subject) is None:
        message = "is a folder, or a link that leads nowhere"
        sources.note(subject, message, "restore it from git")


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
