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
from monorepo.parsing import data_formats, javascript, pnpm_lockfile, shell_commands
from monorepo.templating.sub_templates import QUESTIONS, TEAMS

_REGISTER = re.compile(r"""\bregister(["']\])?\(""")
_SETTINGS = re.compile(
    r"(pyproject\.toml|package\.json|pnpm-workspace\.yaml|\.pre-commit-config\.yaml|\.vscode/.*\.json)"
    rf"|(({'|'.join(FOLDERS)})/[^/]+/)?((tests/)?tsconfig[^/]*\.json|biome\.jsonc?)"
    r"|tools/templates/[^/]+/cookiecutter\.json|\.schemas/[^/]+\.yaml|\.github/.*\.ya?ml"
)
# What a file lists at least one of, or it does nothing.
_LISTS = {".pre-commit-config.yaml": "repos", pnpm_locks.SETTINGS: "packages"}
_LOCKS = (pnpm_locks.LOCK, pnpm_locks.TEMPLATES_LOCK)
_SESSIONS = re.compile(rf"(({'|'.join(FOLDERS)})/[^/]+/)?noxfile\.py")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the sub-templates, the source files, and the files that tools are configured by."""
    code = (*PYTHON, *javascript.SUFFIXES)
    found = [TEAMS]
    for path in sources.files:
        if path.endswith(code) or shell_commands.reader(path) or _SETTINGS.fullmatch(path):
            found.append(path)
    return found


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Read a file; what is wrong with it is noted."""
    if subject == TEAMS:
        yield from _templates(sources)
    elif subject in _LOCKS:
        sources.in_text(subject, "lock", lambda text: bool(pnpm_lockfile.parse(text, subject)))
    elif not _SETTINGS.fullmatch(subject):
        # A sub-template is Python only when it is rendered.
        is_code = subject.endswith((*PYTHON, *javascript.SUFFIXES))
        if is_code and not subject.startswith(f"{TEAMS}/"):
            sources.imports(subject)
        else:
            sources.in_text(subject, "text", bool)
        if _SESSIONS.fullmatch(subject) and not _REGISTER.search(sources.text(subject) or "def"):
            message = "registers no sessions: nox finds none"
            yield Finding(subject, 0, "unreadable", message, "take that of another package")
    elif (found := config_files.read(sources, subject)) is not None:
        if (key := _LISTS.get(subject)) and not data_formats.entries(found, key):
            message = f"has no list called {key}, and so does nothing"
            yield Finding(subject, 0, "unreadable", message, "restore it from git")
    else:
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
