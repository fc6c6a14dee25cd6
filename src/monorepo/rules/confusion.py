"""Names of packages in this repository are never resolved from an index.

Why: pip and npm request an unknown name from the index, where somebody else may have registered it.
That package would run with our permissions.

Fix: pass the folders of all required packages to one command; write `workspace:*` in package.json.
An external package in the namespace is allowed by its name:
`external = ["acme-sdk", "@acme/sdk"]` in `[tool.monorepo]` of the root's pyproject.toml.

Passes::

    pip install -c constraints.txt ./shared/py/core ./services/py/api

Fails::

    pip install acme-core
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial

from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import DEV, NODE_GROUPS, ROOT_MANIFEST, Package, requirement
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import pnpm_locks
from monorepo.parsing import pnpm_lockfile, requirements_txt, shell_commands
from monorepo.system.errors import UsageError
from monorepo.templating.sub_templates import TEAMS

# With one of these, no index is asked.
_CLOSED = {"--no-index", "--no-deps", "--dry-run", "--workspace"}
_READ = re.compile(
    r"(^|/)(package\.json|pyproject\.toml|pnpm-lock\.yaml|[^/]*\.(txt|in|lock|pip))$"
)
_REQUIREMENTS = re.compile(r"(requirements|constraints)[^/]*$")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the manifests, the requirements files, and the files with commands."""
    return [path for path in sources.looked_at if _READ.search(path) or shell_commands.kind(path)]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield internal names that would be requested from an index."""
    if subject.startswith(f"{TEAMS}/"):
        return
    if subject.endswith("pyproject.toml"):
        yield from _strangers(sources, subject)
    elif subject == pnpm_locks.LOCK:
        yield from _lock(sources)
    elif subject.endswith("package.json"):
        yield from _package_json(sources, subject)
    elif shell_commands.kind(subject):
        for line, tool, words in sources.in_text(subject, "installs", _installs) or ():
            command = shell_commands.Command(line, tool, words)
            for name in _asked(sources, subject, command):
                message = f"asks an index for {name}"
                advice = "hand the folders of all packages it needs to the same command"
                yield Finding(subject, line, "confusion", message, advice)
    else:
        for line, name in sources.kept.of(subject, "names", partial(_names, sources)) or ():
            if name in sources.internal:
                message = f"has an index asked for {name}"
                lines = () if subject == PINS else None
                advice = "remove it: packages of this repository are installed from their folders"
                yield Finding(subject, line, "confusion", message, advice, lines=lines)


def _installs(text: str) -> list[list[object]]:
    """Return the line, the tool and the words of each command in a text that installs."""
    return [list(one) for one in shell_commands.installs(text)]


def _names(sources: Sources, path: str) -> list[list[object]] | None:
    """Return the line and the folded name of all that a requirements file, or the pins, name."""
    # Other texts have these suffixes as well.
    text = sources.text(path) if _REQUIREMENTS.search(path) else sources.peek(path)
    if text is None:
        return None
    found = requirements_txt.read(text) if requirements_txt.is_requirements(path, text) else ()
    return [[one.line, requirement(one.value).name] for one in found if one.kind == "name"]


def _groups(sources: Sources, path: str) -> list[list[str]] | None:
    """Return the dependencies in a package.json, with their versions."""
    if (manifest := config_files.read(sources, path)) is None:
        return None
    groups = [manifest.get(group) for group in NODE_GROUPS]
    asked = [one for one in groups if isinstance(one, dict)]
    return [[name, str(wanted)] for one in asked for name, wanted in one.items()]


def _package_json(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield the packages of this repository, or of its scope, that are no `workspace:`."""
    for name, wanted in sources.kept.of(subject, "asked", partial(_groups, sources)) or ():
        ours = fold(name) in sources.internal
        if not (ours or sources.space.is_stray(name)) or wanted.startswith("workspace:"):
            continue
        text = sources.text(subject) or ""
        line = line_of(text, json.dumps(name), json.dumps(wanted))
        before = text.splitlines()[line - 1]
        old = f"{json.dumps(name)}: {json.dumps(wanted)}"
        new = f'{json.dumps(name)}: "workspace:*"'
        lines = (before.replace(old, new),) if line and ours and old in before else None
        message = f"{name} is {wanted}, which a registry would be asked for"
        yield Finding(subject, line, "confusion", message, "write workspace:*", lines=lines)


def _strangers(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield requirements of a Python package in our namespace that are not packages here."""
    space = sources.space
    package = space.packages.get(os.path.dirname(subject))
    if package is None:
        asked = space.groups.get(DEV, []) if subject == ROOT_MANIFEST else []
    else:
        asked = list(package.requirements(package.extras, package.groups))
    start = f"{space.facts['namespace']}-"
    if package and not fold(package.name).startswith(start):
        message = f"{package.name} does not start with {start}, so that it may be taken"
        line = line_of(sources.text(subject) or "", "name")
        yield Finding(subject, line, "confusion", message, f"call it {start}…")
    # A namespace may begin the name of a tool: `markdown` that of markdown-it-py.
    known = sources.internal | {requirement(text).name for text in space.engine.requirements}
    for text in asked:
        name = requirement(text).name
        if space.is_stray(name) and name not in known:
            message = f"{name} is named like a package of this repository and is none"
            line = line_of(sources.text(subject) or "", text)
            advice = "add it, correct the name, or list it as external in [tool.monorepo]"
            yield Finding(subject, line, "confusion", message, advice)


def _lock(sources: Sources) -> Iterator[Finding]:
    """Yield the packages of this repository that pnpm has downloaded."""
    text = sources.text(pnpm_locks.LOCK) or ""
    try:
        keys = pnpm_lockfile.parse(text).packages
    except UsageError:
        return
    for key in keys:
        if fold(key.rpartition("@")[0]) in sources.internal:
            message = f"{key} comes from a registry"
            advice = "write workspace:* and run make lock"
            yield Finding(pnpm_locks.LOCK, line_of(text, f"{key}"), "confusion", message, advice)


def _asked(sources: Sources, subject: str, command: shell_commands.Command) -> list[str]:
    """Return the names of this repository that a command would ask an index for."""
    if _CLOSED & set(command.words):
        return []
    space = sources.space
    given: dict[str, set[str]] = {}
    names: set[str] = set()
    for word in command.words:
        try:
            name, extras = requirement(word)
        except UsageError:
            name, extras = "", ()
        bare = word.partition("[")[0]
        if package := _package(sources, subject, bare):
            extras = tuple(map(fold, re.findall(r"[\w.-]+", word[len(bare) :])))
            given.setdefault(package.path, set()).update(extras)
        elif command.tool == "npm":
            npm = re.sub(r"(?<=.)@.*", "", word)
            names |= {npm} & {one.name for one in pnpm_locks.packages(space)}
        elif "/" not in word and name in sources.internal:
            names.add(name)
    needed = space.closure(given) if command.tool == "pip" else {}
    names |= {fold(space.packages[path].name) for path in needed if path in space.packages}
    return sorted(names - {fold(space.packages[path].name) for path in given})


def _package(sources: Sources, subject: str, word: str) -> Package | None:
    """Return the package whose folder a word of a command names, from the root or the file."""
    if not word or word.startswith("-") or ("/" not in word and word != "."):
        return None
    for start in ("", os.path.dirname(subject)):
        path = os.path.normpath(os.path.join(start, word.strip("'\"")))
        if package := sources.space.packages.get(path):
            return package
    return None
