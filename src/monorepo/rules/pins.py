"""Every version is pinned once, the pins are complete, and there is no other lock.

What packages, sub-templates, groups, builds and the root declare has a pin in constraints.txt or
pnpm-lock.yaml that fits. What those do not cover has an exact version (`==1.2`, npm: `@1.2.3`):
requirements in tables of tools, in hooks, scripts and other manifests, and in commands without
`-c`, `--no-deps` or `--no-index`. A word of a command with a variable is not judged.

- pins.unpinned: a requirement without a pin that fits, or without an exact version
- pins.open: a pin needs another one that is missing or does not fit (`.venv` tells, or the lock)
- pins.unused: a pin that nothing needs
- pins.hashes: constraints.txt and tools/hashes.txt differ
- pins.lock: pnpm-lock.yaml differs from the manifests or pnpm-workspace.yaml
- pins.malformed, pins.twice: a line that is no pin; two pins for one environment
- pins.manager: pnpm, or a setting of it, that pnpm does not take from here
- pins.url: a requirement from git or a URL
- pins.second: a requirements file, or a lock besides those that `make lock` writes

Why: the version that was tested is the one that is installed, everywhere.

Fix: `make lock` adds missing pins and drops unused ones.

Passes::

    httpx==0.28.1
    RUN pip install -c constraints.txt ./services/py/api

Fails::

    httpx[http2]>=0.28
    RUN pip install httpx
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from monorepo.core import base_manifest, constraints, hashes
from monorepo.core.engine import REQUIREMENT
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, ROOT_MANIFEST
from monorepo.dependencies import requirement_lists
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import gpu, locks, lowest, pnpm_drift, pnpm_locks, unpinned
from monorepo.locking.pnpm_locks import LOCK, SETTINGS, TEMPLATES_LOCK
from monorepo.parsing import data_formats, pnpm_lockfile, requirements_txt
from monorepo.parsing.requirements_txt import Kind
from monorepo.parsing.shell_commands import Command
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.templating.sub_templates import TEAMS, place

_SECOND = re.compile(
    r"(.*/)?([^/]*[-_.])?(requirements|constraints)([-_.][^/]*)?\.(txt|in|pip)"
    r"|(.*/)?requirements/[^/]+\.(txt|in|pip)"
    r"|(.*/)?(uv|poetry|pdm|pixi|conda-lock)\.(lock|yml)|(.*/)?Pipfile(\.lock)?"
    r"|(.*/)?pylock(\..+)?\.toml|(.*/)?(package-lock|npm-shrinkwrap)\.json"
    r"|(.*/)?(yarn\.lock|bun\.lockb?|pnpm-lock\.yaml)|(.*/)?environment\.ya?ml"
)
_OURS = {PINS, HASHES, REQUIREMENT, lowest.LOWEST, gpu.PINS, LOCK, TEMPLATES_LOCK}
# Samples of tests are no files that a tool reads; those of sub-templates become manifests later.
_SAMPLES = re.compile(rf"(^|/)tests?/(.*/)?(data|fixtures)/|^{TEAMS}/.*\{{\{{")
_EXACT_NPM = re.compile(r"(@[^@/]+/)?[^@/]+@v?\d+\.\d+\.\d+[\w.+-]*")
_NPM_URL = re.compile(r"(?!npm:|workspace:|file:|link:)[\w+]+:(?!$)|git@|[\w-]+/[\w.-]+(#|$)")
# The tables in which tools name where a package comes from.
_SOURCES = (
    *(("uv", "sources"), ("pixi", "pypi-dependencies")),
    *(("poetry", "dependencies"), ("poetry", "dev-dependencies"), ("poetry", "group")),
)
_CLOSED = ("-c", "--constraint", "--constraints", "--no-index", "--require-hashes")
_FILES = ("-r", "--requirement", "--requirements", *_CLOSED[:3])
# Programs that run what is installed, if it is.
_LOCAL_FIRST = ("npx", "npm", "bunx", "bun")
_VARIABLE = re.compile(r"[$%{<*`]")
# Lists of requirements that no index is asked for by us.
_LISTS = re.compile(
    r"(.*/)?((pyproject|hatch|tox|pixi|prek)\.toml|setup\.cfg|tox\.ini|\.pre-commit-config\.yaml)"
    r"|.*\.py"
)


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, and the files that can declare or install something."""
    return [".", *(path for path in sources.looked_at if not _SAMPLES.search(path))]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the locks with all manifests, or read what a file declares."""
    if subject != ".":
        yield from _file(sources, subject)
        return
    yield from _python(sources)
    if sources.space.has_javascript:
        yield from _manager(sources)
        yield from _javascript(sources)


def _python(sources: Sources) -> Iterator[Finding]:
    """Yield what is wrong with the pins of Python."""
    if (text := sources.text(PINS)) is None:
        yield Finding(PINS, 0, "pins.malformed", "cannot be read", "restore it from git")
        return
    wrong = list(constraints.misfits(text))
    for line, message, fix, lines in wrong:
        yield Finding(PINS, line, "pins.malformed", message, fix, lines=lines)
    if not wrong:
        # Sub-templates are rendered, and what is installed is read, only if any of this changed.
        manifests = [one.manifest_path for one in sources.space.packages.values() if one.is_python]
        templates = [path for path in sources.files if path.startswith(f"{TEAMS}/")]
        tools = [ROOT_MANIFEST, base_manifest.FILE, *sources.space.base.files, REQUIREMENT, HASHES]
        given = sources.kept.digest([*tools, *manifests, *templates, *sources.sites])
        yield from sources.findings(PINS, "pins", lambda: _pinned(sources, text), given)


def _pinned(sources: Sources, text: str) -> Iterator[Finding]:
    """Yield requirements without a pin, and missing, wrong and unused pins: each name once."""
    space, floor, pinned = sources.space, str(sources.space.facts["python"]), {}
    pinned = constraints.parsed(text)
    for name, what in constraints.twice(pinned, floor):
        yield Finding(PINS, _pin(text, name), "pins.twice", f"{name} {what}", "keep one")
    # Rule `confusion` tells of a pin of our own.
    told = set(sources.internal)
    wanted = sorted(set(locks.declared(space, sources.samples)))
    for one in wanted:
        if what := constraints.fault(one.text, pinned, floor):
            told.add(unpinned.name_of(one))
            yield _declared(sources, one.where, one.text, what)
    needs = constraints.installed(space.root, sources.sites)
    for pin, name, what in constraints.open_ends(
        (one.text for one in wanted), needs, pinned, floor
    ):
        if name not in told:
            told.add(name)
            line = _pin(text, name) or _pin(text, pin.partition(" ")[0])
            yield Finding(PINS, line, "pins.open", f"{pin} {what}", "run make lock")
    try:
        recorded = lowest.read(sources.text(HASHES) or "")
    except UsageError as error:
        yield from map(_malformed, error.mistakes)
        return
    reached = recorded.reached(map(unpinned.name_of, wanted))
    for name in sorted(reached - pinned.keys() - told):
        users = (pin for pin, names in recorded.requires.items() if name in names)
        message = f"{hashes.name_of(next(users, name))} requires {name}, which is not pinned"
        yield Finding(
            HASHES, _pin(sources.text(HASHES), name), "pins.open", message, "run make lock"
        )
    for name in sorted(pinned.keys() - reached - told):
        message = f"{name} is pinned and not required"
        yield Finding(PINS, _pin(text, name), "pins.unused", message, "run make lock", lines=())
    told |= (reached - pinned.keys()) | (pinned.keys() - reached)
    lines = hashes.named(hashes.pin_lines(text))
    for name in sorted((lines.keys() | recorded.named.keys()) - told):
        mine, theirs = (
            set(lines.get(name, ())),
            {pin for pin in recorded.named.get(name, ()) if recorded.hashes[pin]},
        )
        for pin in sorted(mine - theirs)[:1]:
            message = f"{HASHES} has no hash of {pin}"
            yield Finding(PINS, _pin(text, name), "pins.hashes", message, "run make lock")
        for pin in sorted(theirs - mine)[:1] if mine <= theirs else ():
            at = _pin(sources.text(HASHES), name)
            yield Finding(HASHES, at, "pins.hashes", f"{pin} is not in {PINS}", "run make lock")


def _pin(text: str | None, name: str) -> int:
    """Return the line of the first pin of a name; 0 if there is none."""
    rows = enumerate((text or "").splitlines(), start=1)
    return next((at for at, row in rows if "==" in row and hashes.name_of(row) == name), 0)


def _malformed(mistake: str) -> Finding:
    path, line, message, fix = text_files.mistake(mistake)
    return Finding(path, line, "pins.malformed", message, fix)


def _declared(sources: Sources, where: str, text: str, what: str) -> Finding:
    """Return the finding at a requirement that has no pin which fits."""
    path, _, message, fix = text_files.mistake(f"{where}: {text} {what}")
    there = sources.text(path) or ""
    if not there and path == sources.space.engine.path:
        path = REQUIREMENT
    elif not there:
        # A sub-template's, which is rendered elsewhere.
        path, message = place(sources.root, path.split("/")[2], PINS, message)
    return Finding(path, line_of(there, text), "pins.unpinned", message, fix)


def _manager(sources: Sources) -> Iterator[Finding]:
    """Yield a pnpm that is not exact, and settings where pnpm does not read them."""
    for path in [
        "package.json",
        *(one.manifest_path for one in pnpm_locks.packages(sources.space)),
    ]:
        text, manifest = sources.text(path) or "", config_files.read(sources, path) or {}
        for key in manifest.keys() & {"overrides", "pnpm", "resolutions"}:
            message, line = f"pnpm does not read {key} here", line_of(text, f'"{key}"')
            yield Finding(path, line, "pins.manager", message, f"move it to {SETTINGS}")
        manager = str(manifest.get("packageManager", ""))
        if path == "package.json" and manifest:
            try:
                pnpm.read(text)
            except UsageError as error:
                _, line, message, fix = text_files.mistake(str(error))
                yield Finding(path, line, "pins.manager", message, fix)
        elif manager and not pnpm.EXACT.fullmatch(manager):
            message = f"packageManager is {manager}, not an exact pnpm with its hash"
            line, fix = line_of(text, '"packageManager"'), "remove it: the root's is for all"
            yield Finding(path, line, "pins.manager", message, fix)


def _javascript(sources: Sources) -> Iterator[Finding]:
    """Yield where pnpm's locks are not as manifests, settings and sub-templates say."""
    found: dict[str, pnpm_lockfile.Lock] = {}
    for path in (LOCK, TEMPLATES_LOCK):
        try:
            found[path] = pnpm_lockfile.parse(text_files.read(sources.root, path), path)
        except UsageError as error:
            yield from map(_malformed, error.mistakes)
    settings, told = config_files.read(sources, SETTINGS), set[tuple[str, str]]()
    for path, lock in found.items():
        different = list(pnpm_drift.in_settings(path, lock, settings)) if settings else []
        if path == LOCK:
            manifests = _importers(sources)
            different += pnpm_drift.in_manifests(path, lock, manifests, sources.space.lost)
            yield from _importers_gone(sources, lock, manifests)
            yield from _closure(sources, lock)
        for one in different:
            # One cause can make both locks differ.
            if (one.path, one.needle) not in told:
                told.add((one.path, one.needle))
                line = line_of(sources.text(one.path) or "", one.needle) if one.needle else 0
                yield Finding(one.path, line, "pins.lock", one.message, "run make lock")
    if TEMPLATES_LOCK in found:
        # Sub-templates are rendered only if any of this has changed.
        templates = [path for path in sources.files if path.startswith(f"{TEAMS}/")]
        given = sources.kept.digest([ROOT_MANIFEST, REQUIREMENT, *templates])
        lock = found[TEMPLATES_LOCK]
        yield from sources.findings(
            TEMPLATES_LOCK, "samples", lambda: _samples(sources, lock), given
        )


def _samples(sources: Sources, lock: pnpm_lockfile.Lock) -> Iterator[Finding]:
    """Yield what sub-templates require and their lock lacks: make new would have to look it up."""
    for path, message in pnpm_locks.in_samples(sources.root, lock, sources.samples):
        yield Finding(path, 0, "pins.lock", message, "run make lock")


def _importers(sources: Sources) -> Mapping[str, Mapping[str, Any]]:
    """Return each package.json that pnpm installs, as far as it can be read, by its folder."""
    # What the root asks for is not known if its manifest cannot be read.
    root = config_files.read(sources, "package.json")
    manifests = {} if root is None else {".": root}
    manifests |= {one.path: one.manifest for one in pnpm_locks.packages(sources.space)}
    with contextlib.suppress(UsageError):
        manifests |= pnpm_locks.members(sources.space)
    return manifests


def _importers_gone(
    sources: Sources, lock: pnpm_lockfile.Lock, manifests: Iterable[str]
) -> Iterator[Finding]:
    """Yield the packages that the lock has and the repository has not."""
    known = {".", *manifests, *sources.space.broken, *locks.left_out(sources.root)}
    for path in sorted(lock.importers.keys() - known):
        line = sources.line_of(LOCK, f"  {path}:")
        yield Finding(LOCK, line, "pins.lock", f"{path} is not here", "run make lock")


def _closure(sources: Sources, lock: pnpm_lockfile.Lock) -> Iterator[Finding]:
    """Yield what the lock lacks of what it needs, and what it has and does not need."""
    try:
        needed = pnpm_lockfile.prune(lock, lock.importers)
    except UsageError as error:
        _, _, message, _ = text_files.mistake(str(error))
        yield Finding(LOCK, 0, "pins.open", message, "run make lock")
        return
    for key in sorted(lock.packages.keys() - needed.packages.keys()):
        line, message = sources.line_of(LOCK, "packages:", key), f"{key} is locked and not required"
        yield Finding(LOCK, line, "pins.unused", message, "run make lock")


def _file(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield what a file declares or installs that no lock covers."""
    folder, _, name = path.rpartition("/")
    if _SECOND.fullmatch(path) and path not in _OURS:
        own = name == "uv.lock" and folder in sources.space.projects
        if not own and (not name.startswith("environment.") or _is_conda(sources, path)):
            message = "pins or lists dependencies besides the locks of the root"
            fix = "declare them in manifests, run make lock, and remove it"
            yield Finding(path, 0, "pins.second", message, fix)
    elif name == "package.json":
        yield from _package_json(sources, path, folder or ".")
    elif path == SETTINGS:
        told = config_files.read(sources, path) or {}
        yield from _urls(sources, path, pnpm_locks.listed(told))
    else:
        if _LISTS.fullmatch(path):
            yield from _lists(sources, path)
        yield from _commands(sources, path)


def _is_conda(sources: Sources, path: str) -> bool:
    return "dependencies" in (config_files.read(sources, path) or {})


def _package_json(sources: Sources, path: str, folder: str) -> Iterator[Finding]:
    """Yield dependencies from elsewhere, and those of a package.json that pnpm does not install."""
    package = sources.space.packages.get(folder)
    manifest = package.manifest if package else config_files.read(sources, path) or {}
    groups = [data_formats.table(manifest, group) for group in NODE_GROUPS]
    asked = [(name, str(wanted)) for group in groups for name, wanted in group.items()]
    yield from _urls(sources, path, asked)
    if asked and not package and folder not in {".", *sources.once(_importers)}:
        message = f"requires {asked[0][0]}, and {LOCK} does not have this package.json"
        line, fix = sources.line_of(path, json.dumps(asked[0][0])), f"list its folder in {SETTINGS}"
        yield Finding(path, line, "pins.unpinned", message, fix)


def _urls(sources: Sources, path: str, asked: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Yield the npm packages that come from git or a URL."""
    for name, wanted in asked:
        if _NPM_URL.match(wanted):
            yield _url(path, sources.line_of(path, name), name)


def _url(path: str, line: int, name: str) -> Finding:
    message = f"{name} comes from git or a URL, which no lock verifies"
    return Finding(path, line, "pins.url", message, "take a release from the index")


def _lists(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the requirements of lists that are from elsewhere, or that `make lock` does not pin."""
    folder = path.rpartition("/")[0]
    is_package = folder in sources.space.packages or folder in sources.space.broken
    locked = ("project.", "build-system.", "dependency-groups.") if is_package else ()
    locked = ("dependency-groups.",) if path == ROOT_MANIFEST else locked
    for line, where, text in requirement_lists.of(sources, path):
        kind, value = next(iter(requirements_txt.asked(text)))
        if kind == Kind.URL:
            yield _url(path, line, text.partition("@")[0].strip())
        elif kind == Kind.NAME and not f"{where}.".startswith((*locked, "tool.monorepo.")):
            if "constraint" not in where and not _is_exact(sources, value):
                message = f"{text} has no exact version, and no lock covers it"
                fix = "write name==version, or move it to [dependency-groups]"
                yield Finding(path, line, "pins.unpinned", message, fix)
    for name in _remote(sources, path, folder):
        yield _url(path, sources.line_of(path, name), name)


def _remote(sources: Sources, path: str, folder: str) -> Iterator[str]:
    """Yield the names that a pyproject.toml has uv, Poetry or pixi take from git or a URL."""
    if not path.endswith("pyproject.toml"):
        return
    package = sources.space.packages.get(folder)
    tool = data_formats.table(
        package.manifest if package else config_files.read(sources, path), "tool"
    )
    todo: list[tuple[str, Any]]
    todo = [("", data_formats.table(tool, *keys)) for keys in _SOURCES]
    while todo:
        name, value = todo.pop()
        tables = value if isinstance(value, list) else [value]
        for table in map(data_formats.table, tables):
            if isinstance(table.get("git") or table.get("url"), str):
                yield name
            else:
                todo += table.items()


def _is_exact(sources: Sources, text: str) -> bool:
    """Return whether a requirement has one version, or is none that pins tell of."""
    if re.fullmatch(r"[\w.-]+@[\w.+-]*\d[\w.+-]*|[\w.-]+=\d[\w.]*(=.*)?", text):
        return True
    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        return False
    ours = fold(wanted.name) in sources.internal or sources.space.is_stray(wanted.name)
    clauses = [one.operator for one in wanted.specifier if "*" not in one.version]
    return ours or wanted.name == "python" or "==" in clauses or "===" in clauses


def _commands(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield what commands install without a version."""
    told = set[str]()
    for command in config_files.commands(sources, path):
        files = [value for name, value in command.options if name in _FILES]
        for word in filter(requirements_txt.remote, files):
            yield _url(path, command.line, word)
        if command.sets or (command.is_python and command.has(*_CLOSED) and not told):
            continue
        for word in command.packages:
            if _VARIABLE.search(word) or word in told:
                continue
            told.add(word)
            if finding := _installed(sources, path, command, word):
                yield finding


def _installed(sources: Sources, path: str, command: Command, word: str) -> Finding | None:
    """Return the finding of what a command installs, if there is one."""
    fix = "add -c constraints.txt, or write name==version"
    if command.is_python:
        kind, value = next(iter(requirements_txt.asked(word)))
        exact = command.has("--no-deps") if kind == Kind.PATH else _is_exact(sources, value)
        if kind == Kind.URL:
            return _url(path, command.line, word)
    else:
        name = re.sub(r"^(npm|jsr):", "", word)
        if _NPM_URL.match(word):
            return _url(path, command.line, word)
        # What is installed comes first; and a file is no package.
        local = command.program in _LOCAL_FIRST and "@" not in name[1:]
        local = local and not command.has("-y", "--yes", "-p", "--package")
        is_file = name[:1] in "./" or command.program == "deno" and name == word
        ours = fold(name) in sources.internal or sources.space.is_stray(
            name.rpartition("@")[0] or name
        )
        exact = local or is_file or ours or _EXACT_NPM.fullmatch(name)
        fix = "write name@version"
    message = f"installs {word} without a version, and no lock covers it"
    return None if exact else Finding(path, command.line, "pins.unpinned", message, fix)
