"""No index is ever asked for a name of this repository, or for one in its namespace.

What counts: commands of any installer, in scripts, Makefiles, Dockerfiles, workflows of any CI,
hooks, notebooks and code that runs them; lists of requirements in manifests and settings;
dependencies in package.json; pins and locks.
- confusion.internal: a package of this repository is asked of an index
- confusion.stray: a name in our namespace or npm scope is neither a package here nor external
- confusion.index: a command, or a requirements file, asks another index for all names
- confusion.name: a package's name is outside the namespace

Why: pip and npm request an unknown name from the index, where somebody else may have registered it.
That package would run with our permissions.

Fix: give the folders of all packages that are needed to one command; write `workspace:*` in
package.json. A package of others in our namespace or scope is allowed by its name:
`external = ["acme-sdk", "@acme/sdk"]` in `[tool.monorepo]` of the root's pyproject.toml. An index
for some names belongs in `[tool.monorepo.indexes]`.

Passes::

    pip install -c constraints.txt ./shared/py/core ./services/py/api

Fails::

    pip install acme-core
    uv run --with acme-core pytest
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, Package, requirement
from monorepo.dependencies import requirement_lists
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import pnpm_locks, projects
from monorepo.parsing import data_formats, pnpm_lockfile, requirements_txt, shell_commands
from monorepo.parsing.shell_commands import Command
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.templating.sub_templates import TEAMS

# With one of these, no index is asked.
_CLOSED = ("--no-index", "--offline", "--workspace", "--no-install", "--no")
_INDEX = re.compile(
    r"-[if]|--(find-links|index|default-index|index-url|extra-index-url|pypi-url|registry|trusted-host|@.*:registry)"
)
_USUAL = re.compile(
    r"https://(pypi\.org/simple|registry\.npmjs\.org)/?$|https?://(localhost|127\.|\[::1\])"
)
_SETTING = re.compile(r"registry|index|repositories|^(add|channels|pypi\.url)$", re.IGNORECASE)
_REQUIREMENTS = re.compile(r"\.(txt|in|lock|pip)$")
_NODE = re.compile(r"(^|/)(package\.json|pnpm-workspace\.yaml|denoc?\.jsonc?)$")
_TABLES = (*NODE_GROUPS, "overrides", "resolutions", "imports", "catalog", "catalogs")
_LOCKS = (pnpm_locks.LOCK, projects.LOCK)
# Where a package says what it needs, which an installation takes from folders.
_OWN = re.compile(r"(project|dependency-groups|tool\.uv)\.")
_WORD = re.compile(r"[\w.-]+")
# What an override is for: `a>@acme/core@1`, `**/@acme/core`.
_OVERRIDDEN = re.compile(r"((?:@[\w.~-]+/)?[\w.~-]+)(?:@[^>/]*)?$")
_NO_URL = re.compile(r"(npm:|catalog:)|[^:/]*$")
# A requirement, not a folder, a file or a URL; of conda, it may have a channel.
_REQUIREMENT = re.compile(
    r"(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)(?:\s*\[[^\]]*\])?(?![\w-]|\s*[./\\:\[]|\s*@\s*\S*[:/])"
)
_FILE = re.compile(r"\.(whl|zip|gz|bz2|xz|tgz)$")
_FOLDERS = "give the folders of all packages it needs to the same command"
_WORKSPACE = "write workspace:* in package.json, and run what it has by pnpm exec"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the manifests, the requirements files, and the files with commands."""
    return [path for path in sources.files if _is_read(path)]


def _is_read(path: str) -> bool:
    readers = (requirement_lists.holds, _REQUIREMENTS.search, shell_commands.may_carry)
    return not path.startswith(f"{TEAMS}/") and any(reads(path) for reads in readers)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Yield what would have an index asked for names of ours."""
    if subject.endswith(_LOCKS):
        yield from _locked(sources, subject)
        return
    if package := sources.space.packages.get(os.path.dirname(subject)):
        if subject == f"{package.path}/pyproject.toml":
            yield from _misnamed(sources, package, subject)
    yield from _manifest(sources, subject)
    if _NODE.search(subject):
        yield from _node(sources, subject)
    if _REQUIREMENTS.search(subject):
        yield from _requirements(sources, subject)
    told = set[tuple[int, str]]()
    for finding in _commands(sources, subject):
        if (finding.line, finding.message) not in told:
            told.add((finding.line, finding.message))
            yield finding


def _kind(sources: Sources, name: str) -> str:
    """Return `internal` or `stray` for a name that no index may be asked for, else ""."""
    folded, space = fold(name), sources.space
    if folded in space.external:
        return ""
    if folded in sources.internal:
        return "internal"
    if not space.is_stray(folded):
        return ""
    # A namespace may begin the name of a tool: `markdown` that of markdown-it-py.
    tools = {requirement(text).name for text in space.engine.requirements}
    return "" if folded in tools else "stray"


def _finding(path: str, line: int, kind: str, name: str, fix: str, **fixed: Any) -> Finding:  # noqa: ANN401
    """Return the finding that a name is asked for."""
    message = f"asks an index for {name}"
    if kind == "stray":
        message += ", which is in our namespace and no package here"
        fix = "correct the name, or list it as external in [tool.monorepo]"
    return Finding(path, line, f"confusion.{kind}", message, fix, **fixed)


def _misnamed(sources: Sources, package: Package, path: str) -> Iterator[Finding]:
    """Yield a name that others may have: outside the namespace, nobody looks for strays."""
    namespace = fold(str(sources.space.facts["namespace"]))
    if not f"{fold(package.name)}-".startswith(f"{namespace}-"):
        message = f"{package.name} is outside the namespace {namespace}"
        line = line_of(sources.text(path) or "", "name")
        yield Finding(path, line, "confusion.name", message, f"call it {namespace}-{package.name}")


def _manifest(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield names of ours in lists of requirements."""
    folder = os.path.dirname(path)
    is_package = folder in sources.space.packages or folder in sources.space.broken
    for line, keys, text in requirement_lists.of(sources, path):
        name = _npm_name(text) if text.startswith("@") else _python_name(text)
        kind = _kind(sources, name) if name else ""
        if (
            kind == "internal"
            and _OWN.match(keys)
            and (is_package or _has_source(sources, path, name))
        ):
            continue
        if kind:
            fix = f"remove it from {keys}: packages here are installed from their folders"
            yield _finding(path, line, kind, name, fix)


def _has_source(sources: Sources, path: str, name: str) -> bool:
    """Return whether uv takes a name of a manifest from a folder."""
    told = data_formats.table(config_files.read(sources, path), "tool", "uv", "sources")
    return name in map(fold, told)


def _python_name(word: str) -> str:
    """Return the normalized name that an index is asked for; "" for a folder, a file or a URL."""
    found = _REQUIREMENT.match(word)
    return fold(found[1]) if found and not _FILE.search(word) else ""


def _npm_name(word: str) -> str:
    """Return the name that a registry is asked for; "" for a folder, a file or a URL."""
    word = word.rpartition("npm:")[2]
    found = re.fullmatch(r"((?:@[\w.~-]+/)?[\w.~-]+)(?:@[^/:]*)?", word)
    return found[1] if found else ""


def _requirements(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield names of ours, and other indexes, in a requirements file or the pins."""

    def names(text: str) -> list[requirements_txt.Entry]:
        found = requirements_txt.read(text) if requirements_txt.is_requirements(path, text) else ()
        return [one for one in found if one.kind in ("name", "option")]

    for line, kind, value in sources.in_text(path, "names", names, quiet=True) or ():
        if kind == "option":
            name, _, url = re.sub(r"[\s=]+", " ", value).partition(" ")
            if path != PINS and _INDEX.fullmatch(name):
                yield from _elsewhere(path, line, name, url)
            continue
        name = requirement(value).name
        # A stray that is pinned is told where it is declared.
        if (ours := _kind(sources, name)) and (ours == "internal" or path != PINS):
            fix = "remove it: packages here are installed from their folders"
            yield _finding(path, line, ours, name, fix, lines=() if path == PINS else None)


def _elsewhere(path: str, line: int, option: str, url: str) -> Iterator[Finding]:
    """Yield an option that names another index than everybody's, or than one of this machine."""
    is_folder = option in ("-f", "--find-links") and "://" not in url
    if not (is_folder or _USUAL.match(url)):
        message = f"{option} has another index asked for all names"
        fix = "remove it; an index for some names belongs in [tool.monorepo.indexes]"
        yield Finding(path, line, "confusion.index", message, fix)


def _node(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield names of ours that are no `workspace:` in package.json, overrides and catalogs."""

    def read(path: str) -> list[list[str]] | None:
        told = config_files.read(sources, path)
        return None if told is None else [list(one) for one in _wanted(told)]

    for name, wanted in sources.kept.of(path, "asked", read) or ():
        if not (kind := _kind(sources, _npm_name(wanted) if "npm:" in wanted else name)):
            continue
        text = sources.text(path) or ""
        line = line_of(text, name, wanted)
        before = text.splitlines()[line - 1] if line else ""
        old, new = f"{json.dumps(name)}: {json.dumps(wanted)}", f'{json.dumps(name)}: "workspace:*"'
        lines = (before.replace(old, new),) if kind == "internal" and old in before else None
        asked = _npm_name(wanted) if "npm:" in wanted else name
        yield _finding(path, line, kind, asked, "write workspace:*", lines=lines)


def _wanted(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names that tables of dependencies ask a registry for, with their ranges."""
    todo = [(key, told.get(key)) for key in _TABLES]
    todo += [("pnpm", data_formats.table(told, "pnpm"))]
    for key, table in todo:
        for name, wanted in table.items() if isinstance(table, dict) else ():
            if isinstance(wanted, dict):
                todo.append((key, wanted))
            elif _NO_URL.match(str(wanted)) and (key != "imports" or "npm:" in str(wanted)):
                found = _OVERRIDDEN.search(name)
                yield found[1] if found else name, str(wanted)


def _locked(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the packages of this repository that a lock takes from an index."""
    text = sources.text(path) or ""
    try:
        if path.endswith(projects.LOCK):
            entries = data_formats.entries(text_files.toml(text), "package")
            sourced = [one for one in entries if "registry" in data_formats.table(one, "source")]
            names = [(str(one.get("name")), f'name = "{one.get("name")}"') for one in sourced]
        else:
            keys = pnpm_lockfile.parse(text).packages
            names = [(key.rpartition("@")[0], key) for key in keys]
    except (UsageError, MalformedError):
        return
    for name, needle in names:
        if fold(name) in sources.internal - sources.space.external:
            fix = "take it from its folder, and run make lock"
            yield _finding(path, line_of(text, needle), "internal", name, fix)


def _commands(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield what the commands of a file ask an index for."""
    # What an earlier command has installed, with its extras, no later one asks for.
    given: dict[str, set[str]] = {}
    for command in config_files.commands(sources, path):
        if command.sets:
            if name := next(filter(_SETTING.search, command.words), ""):
                yield from _elsewhere(path, command.line, f"{command.program} {name}", "")
            continue
        for name, url in command.options:
            if _INDEX.fullmatch(name):
                yield from _elsewhere(path, command.line, name, url)
        if not command.has(*_CLOSED):
            for kind, name in _asked(sources, path, command, given):
                fix = _FOLDERS if command.is_python else _WORKSPACE
                yield _finding(path, command.line, kind, name, fix)


def _asked(
    sources: Sources, path: str, command: Command, given: dict[str, set[str]]
) -> list[tuple[str, str]]:
    """Return the names of ours that a command would ask an index for; adds to `given`."""
    space = sources.space
    names, folders = set[str](), dict[str, set[str]]()
    for word in command.packages:
        folder, _, extras = word.partition("[")
        if package := _package(sources, path, folder):
            folders.setdefault(package.path, set()).update(map(fold, _WORD.findall(extras)))
        elif name := (_python_name if command.is_python else _npm_name)(word):
            names.add(name)
    given.update(folders)
    if command.is_python and not command.has("--no-deps"):
        # uv takes what a project of its own needs from folders.
        by_index = [one for one in folders if command.program != "uv" or one not in space.projects]
        needed = space.closure({one: folders[one] for one in by_index})
        names |= {fold(space.packages[one].name) for one in needed if one in space.packages}
    names -= {fold(space.packages[one].name) for one in given}
    return sorted((kind, name) for name in names if (kind := _kind(sources, name)))


def _package(sources: Sources, subject: str, word: str) -> Package | None:
    """Return the package whose folder a word of a command names, from the root or the file."""
    if "/" not in word and word != ".":
        return None
    for start in ("", os.path.dirname(subject)):
        path = os.path.normpath(os.path.join(start, word))
        if package := sources.space.packages.get(path):
            return package
    return None
