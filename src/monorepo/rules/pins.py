"""Every version is pinned once, the pins are complete, and there is no other lock.

What packages, sub-templates, builds and the root's groups declare has a pin in constraints.txt or
pnpm-lock.yaml that fits. What no lock covers has an exact version (`==1.2`, npm: `@1.2.3`): in
tables of tools, hooks, scripts (PEP 723), other manifests, and commands, unless the command has
`-c`, `--require-hashes` or `--no-index`; folders need one of these, or `--no-deps`. Not judged are
words with a variable, and `npx name`, which may be installed.

- pins.unpinned: a requirement without a pin that fits, or without an exact version
- pins.open: a pin requires another one that is missing or does not fit, by the locks and `.venv`
- pins.unused: a pin that nothing requires
- pins.hashes: constraints.txt and tools/hashes.txt differ
- pins.lock: a lock of pnpm lacks something, or differs from manifests or pnpm-workspace.yaml
- pins.malformed, pins.twice: a line that is no pin; two pins for one environment
- pins.manager: a pnpm that is not exact, or a setting of pnpm where it does not read it
- pins.url: a requirement from git or a URL
- pins.second: a requirements file that base_manifest.yaml does not list, or a lock besides those
  that `make lock` writes

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
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from monorepo.core import base_manifest, constraints, hashes
from monorepo.core.engine import REQUIREMENT
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, ROOT_MANIFEST
from monorepo.dependencies import requirement_lists
from monorepo.guard import config_files
from monorepo.guard.findings import Finding, of_mistakes
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import gpu, locks, lowest, pnpm_locks, unpinned
from monorepo.locking.pnpm_locks import LOCK, SETTINGS, TEMPLATES_LOCK
from monorepo.parsing import data_formats, pnpm_lockfile, requirements_txt
from monorepo.parsing.requirements_txt import Kind
from monorepo.parsing.shell_commands import Command
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.templating.sub_templates import TEAMS, place

RELOCK = "run make lock"
# What a package requires, also one that is not of this repository yet.
MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "package.json")
_SECOND = re.compile(
    r"(.*/)?(([^/]*[-_.])?(requirements|constraints)([-_.][^/]*)?\.(txt|in|pip)"
    r"|requirements/[^/]+\.(txt|in|pip)|(uv|poetry|pdm|pixi|yarn|pnpm-lock)\.(lock|yaml)"
    r"|bun\.lockb?|conda-lock\.yml|environment\.ya?ml|Pipfile(\.lock)?|pylock(\..+)?\.toml"
    r"|(package-lock|npm-shrinkwrap)\.json)"
)
_OURS = {PINS, HASHES, REQUIREMENT, lowest.LOWEST, gpu.PINS, LOCK, TEMPLATES_LOCK}
# Samples of tests are no files that a tool reads; those of sub-templates become manifests later.
_SAMPLES = re.compile(rf"(^|/)tests?/(.*/)?(data|fixtures)/|^{TEAMS}/.*\{{\{{")
# Lists of requirements that tools hand to an index.
_LISTS = re.compile(
    r"(.*/)?((pyproject|hatch|tox|pixi|prek)\.toml|setup\.cfg|tox\.ini|\.pre-commit-config\.yaml)"
    r"|.*\.py"
)
_URL = re.compile(r"(?!npm:|jsr:|workspace:|file:|link:|catalog:)[\w+]+:|git@|[\w-]+/[\w.-]+(#|$)")
_NPM = re.compile(r"(?:npm:|jsr:)?((?:@[^@/]+/)?[^@/:]+)(?:@([^/:]*))?")
_VERSION = r"v?\d+\.\d+\.\d+[\w.+-]*"
_CLOSED = ("-c", "--constraint", "--constraints", "--no-index", "--require-hashes")
_FILES = ("-r", "--requirement", "--requirements", *_CLOSED[:3])
_VARIABLES = re.compile(r"\b(PIP|UV)_((BUILD_)?CONSTRAINT|REQUIRE_HASHES|NO_INDEX)\b")


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, and the files that can declare or install something."""
    return [".", *(path for path in sources.files if not _SAMPLES.search(path))]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the locks with all manifests, or read what a file declares."""
    if subject == ".":
        yield from _python(sources)
        if sources.space.has_javascript:
            yield from _manager(sources)
            yield from _javascript(sources)
        return
    folder, _, name = subject.rpartition("/")
    if _SECOND.fullmatch(subject) and subject not in _OURS:
        base = sources.space.base
        # What a base manifest with mistakes lists is not known.
        own = (name == "uv.lock" and folder in sources.space.projects) or (
            base.mistakes or subject in base.files
        )
        is_conda = name[:12] != "environment." or "dependencies" in _table(sources, subject)
        if not own and is_conda:
            message = "pins or lists dependencies besides the locks of the root"
            fix = f"declare them in manifests, {RELOCK}, and remove it"
            yield Finding(subject, 0, "pins.second", message, fix)
    elif name in ("package.json", SETTINGS):
        yield from _npm(sources, subject, folder or ".")
    else:
        yield from _lists(sources, subject, folder)
        yield from _commands(sources, subject)


def _table(sources: Sources, path: str) -> Mapping[str, Any]:
    return config_files.read(sources, path) or {}


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
        tools = [ROOT_MANIFEST, base_manifest.FILE, *sources.space.base.files, REQUIREMENT, HASHES]
        given = sources.kept.digest([*tools, *manifests, *_templates(sources), *sources.sites])
        yield from sources.findings(PINS, "pins", lambda: _pinned(sources, text), given)


def _templates(sources: Sources) -> list[str]:
    return [path for path in sources.files if path.startswith(f"{TEAMS}/")]


def _pinned(sources: Sources, text: str) -> Iterator[Finding]:
    """Yield requirements without a pin, and missing, wrong and unused pins: each name once."""
    space, floor = sources.space, str(sources.space.facts["python"])
    pinned, wanted = constraints.parsed(text), list(locks.declared(space, sources.samples))
    # Many packages require the same.
    fault = cache(partial(constraints.fault, pinned=pinned, floor=floor))
    # Rule `confusion` tells of a pin of our own.
    told = set(sources.internal)
    for name, what in constraints.twice(pinned, floor):
        told.add(name)
        yield _at(PINS, text, name, "twice", f"{name} {what}", "keep one")
    for one in wanted:
        name = unpinned.name_of(one)
        if name not in told and (what := fault(one.text)):
            told.add(name)
            yield _declared(sources, one.where, one.text, what)
    needs = constraints.installed(space.root, sources.sites)
    texts = dict.fromkeys(one.text for one in wanted)
    for pin, name, what in constraints.open_ends(texts, needs, pinned, floor):
        if name not in told:
            told.add(name)
            at = name if name in pinned else pin.partition(" ")[0]
            yield _at(PINS, text, at, "open", f"{pin} {what}")
    try:
        recorded = lowest.read(sources.text(HASHES) or "")
    except UsageError as error:
        yield from of_mistakes("pins.malformed", error.mistakes)
        return
    reached = recorded.reached(map(unpinned.name_of, wanted))
    for name in sorted(reached - pinned.keys() - told):
        # What is declared from a URL has none, and no pin requires it.
        for user in [pin for pin, names in recorded.requires.items() if name in names][:1]:
            message = f"{hashes.name_of(user)} requires {name}, which is not pinned"
            yield _at(PINS, text, hashes.name_of(user), "open", message)
    # Of what is not recorded, nobody knows what it requires.
    if reached <= recorded.named.keys():
        for name in sorted(pinned.keys() - reached - told):
            told.add(name)
            yield _at(PINS, text, name, "unused", f"{name} is pinned and not required")
    yield from _recorded(sources, text, recorded, told | reached - pinned.keys())


def _recorded(
    sources: Sources, text: str, recorded: lowest.Pins, told: set[str]
) -> Iterator[Finding]:
    """Yield where tools/hashes.txt has other pins than constraints.txt, except what is `told`."""
    lines = hashes.named(hashes.pin_lines(text))
    for name in sorted((lines.keys() | recorded.named.keys()) - told):
        mine, theirs = lines.get(name, []), recorded.named.get(name, [])
        if missing := [pin for pin in mine if not recorded.hashes.get(pin)]:
            yield _at(PINS, text, name, "hashes", f"{HASHES} has no hash of {missing[0]}")
        elif others := sorted({*theirs}.difference(mine)):
            message = f"{others[0]} is not in {PINS}"
            yield _at(HASHES, sources.text(HASHES) or "", name, "hashes", message)


def _at(path: str, text: str, name: str, problem: str, message: str, fix: str = RELOCK) -> Finding:
    """Return a finding at the first pin of a name."""
    rows = enumerate(text.splitlines(), start=1)
    line = next((at for at, row in rows if "==" in row and hashes.name_of(row) == name), 0)
    lines = () if problem == "unused" else None
    return Finding(path, line, f"pins.{problem}", message, fix, lines=lines)


def _declared(sources: Sources, where: str, text: str, what: str) -> Finding:
    """Return the finding at a requirement that has no pin which fits."""
    path, _, message, fix = text_files.mistake(f"{where}: {text} {what}")
    path = REQUIREMENT if path == sources.space.engine.path else path
    if not (there := sources.text(path) or ""):
        # A sub-template's, which is rendered elsewhere.
        path, message = place(sources.root, path.split("/")[2], PINS, message)
    return Finding(path, line_of(there, text), "pins.unpinned", message, fix)


def _manager(sources: Sources) -> Iterator[Finding]:
    """Yield a pnpm that is not exact, and settings where pnpm does not read them."""
    packages = pnpm_locks.packages(sources.space)
    for path in ["package.json", *(one.manifest_path for one in packages)]:
        ignored = {"overrides", "pnpm", "resolutions"}
        ignored |= {"packageManager"} if "/" in path else set()
        for key in sorted(ignored & _table(sources, path).keys()):
            fix = "remove it" if key == "packageManager" else f"move it to {SETTINGS}"
            line = sources.line_of(path, f'"{key}"')
            yield Finding(path, line, "pins.manager", f"pnpm does not read {key} here", fix)
    if config_files.read(sources, "package.json") is not None:
        try:
            pnpm.read(sources.text("package.json") or "")
        except UsageError as error:
            yield from of_mistakes("pins.manager", error.mistakes)


def _javascript(sources: Sources) -> Iterator[Finding]:
    """Yield where pnpm's locks are not as manifests, settings and sub-templates say."""
    manifests, settings = sources.once(_importers), _table(sources, SETTINGS)
    # What is from elsewhere is a finding of its own.
    told = {
        pnpm_locks.place_of(sources.root, SETTINGS, name) for name in _remote(SETTINGS, settings)
    }
    told |= {pnpm_locks.place_of(sources.root, SETTINGS, "overrides")} if told else set()
    for folder, manifest in manifests.items():
        path = posixpath.normpath(f"{folder}/package.json")
        told |= {pnpm_locks.place_of(sources.root, path, name) for name in _remote(path, manifest)}
    wrong = pnpm_locks.check(sources.space, locks.left_out(sources.root), manifests)
    for one in of_mistakes("pins.lock", wrong):
        if f"{one.path}:{one.line}" not in told:
            yield one
    yield from _unused(sources, pnpm_lockfile.parse(sources.text(LOCK) or ""))
    # Sub-templates are rendered only if any of this has changed.
    given = sources.kept.digest([ROOT_MANIFEST, REQUIREMENT, *_templates(sources)])
    yield from sources.findings(TEMPLATES_LOCK, "pins", partial(_samples, sources), given)


def _importers(sources: Sources) -> Mapping[str, Mapping[str, Any]]:
    """Return each package.json that pnpm installs, as far as it can be read, by its folder."""
    # What the root asks for is not known if its manifest cannot be read.
    root = config_files.read(sources, "package.json")
    manifests = {} if root is None else {".": root}
    manifests |= {one.path: one.manifest for one in pnpm_locks.packages(sources.space)}
    with contextlib.suppress(UsageError):
        manifests |= pnpm_locks.members(sources.space)
    return manifests


def _samples(sources: Sources) -> list[Finding]:
    """Return what sub-templates require and their lock lacks: make new would have to look it up."""
    wrong = pnpm_locks.check_samples(sources.space, sources.samples)
    return of_mistakes("pins.lock", wrong)


def _unused(sources: Sources, lock: pnpm_lockfile.Lock) -> Iterator[Finding]:
    """Yield what pnpm-lock.yaml has and nothing requires."""
    with contextlib.suppress(UsageError):
        needed = pnpm_lockfile.prune(lock, lock.importers).packages
        for key in sorted(lock.packages.keys() - needed.keys()):
            line = sources.line_of(LOCK, "packages:", key)
            yield Finding(LOCK, line, "pins.unused", f"{key} is locked and not required", RELOCK)


def _asked(path: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the npm packages that a file of pnpm names, and their versions."""
    if path == SETTINGS:
        return list(pnpm_locks.listed(table))
    groups = [data_formats.table(table, group) for group in NODE_GROUPS]
    return [(name, str(wanted)) for group in groups for name, wanted in group.items()]


def _remote(path: str, table: Mapping[str, Any]) -> list[str]:
    """Return the npm packages that come from git or a URL."""
    return [name for name, wanted in _asked(path, table) if _URL.match(wanted)]


def _npm(sources: Sources, path: str, folder: str) -> Iterator[Finding]:
    """Yield npm packages from elsewhere, and those of a package.json that pnpm does not install."""
    package = sources.space.packages.get(folder)
    table = package.manifest if package else _table(sources, path)
    for name in _remote(path, table):
        yield _url(path, sources.line_of(path, name), name)
    asked = _asked(path, table)
    if asked and path != SETTINGS and folder not in sources.once(_importers):
        message = f"requires {asked[0][0]}, and {LOCK} does not have this package.json"
        line = sources.line_of(path, f'"{asked[0][0]}"')
        yield Finding(path, line, "pins.unpinned", message, f"list its folder in {SETTINGS}")


def _url(path: str, line: int, name: str) -> Finding:
    message = f"{name} comes from git or a URL, which no lock verifies"
    return Finding(path, line, "pins.url", message, "take a release from the index")


def _lists(sources: Sources, path: str, folder: str) -> Iterator[Finding]:
    """Yield the requirements of lists that are from elsewhere, or that no lock covers."""
    locked: tuple[str, ...] = ("tool.monorepo.",)
    fix = "write name==version, or move it to [dependency-groups]"
    if folder in sources.space.packages or folder in sources.space.broken:
        locked += ("project.", "build-system.", "dependency-groups.")
    elif path == ROOT_MANIFEST:
        locked += ("dependency-groups.",)
    elif folder and posixpath.basename(path) in MANIFESTS:
        fix = "make a package of its folder, or write name==version"
    for line, where, text in requirement_lists.of(sources, path) if _LISTS.fullmatch(path) else ():
        kind, _ = next(iter(requirements_txt.asked(text)))
        is_locked = f"{where}.".startswith(locked) or "constraint" in where
        if kind == Kind.URL:
            yield _url(path, line, text.partition("@")[0].strip())
        elif not (is_locked or _is_path(text, kind) or _is_exact(sources, text)):
            message = f"{text} has no exact version, and no lock covers it"
            yield Finding(path, line, "pins.unpinned", message, fix)


def _is_path(text: str, kind: Kind) -> bool:
    """Return whether a word is a folder or a file, not `name@version`."""
    found = _NPM.fullmatch(text)
    return kind == Kind.PATH and not (found and found[2])


def _is_exact(sources: Sources, text: str, *, npm: bool = False) -> bool:
    """Return whether a requirement has one version, or is one that rule `confusion` tells of."""
    found = _NPM.fullmatch(text)
    if found and (npm or found[2]):
        name, exact = found[1], re.fullmatch(_VERSION if npm else r"v?\d[\w.+-]*", found[2] or "")
        is_exact = exact is not None
    else:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            # Of conda: name=1.2.
            return re.fullmatch(r"[\w.-]+=\d.*", text) is not None
        name, operators = wanted.name, [one.operator for one in wanted.specifier]
        is_exact = bool({"==", "==="}.intersection(operators)) and "*" not in str(wanted.specifier)
    return is_exact or fold(name) in sources.internal | {"python"} or sources.space.is_stray(name)


def _commands(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield what commands install without a version."""
    for command in config_files.commands(sources, path):
        remote, loose = list[str](), list[str]()
        for name, value in command.options:
            remote += [value] if name in _FILES and requirements_txt.remote(value) else []
        for word in () if command.sets else command.packages:
            kind, _ = next(iter(requirements_txt.asked(word)))
            if kind == Kind.URL or (not command.is_python and _URL.match(word)):
                remote.append(word)
            elif not re.search(r"[$%{<*`]", word) and _is_loose(sources, command, word, kind):
                loose.append(word)
        yield from (_url(path, command.line, word) for word in remote)
        if loose and not (command.is_python and _VARIABLES.search(sources.text(path) or "")):
            message = f"installs {', '.join(loose)} without a version, and no lock covers it"
            fix = "add -c constraints.txt, or write name==version"
            if not command.is_python:
                fix = "write name@version"
            elif all("/" in word or word[0] == "." for word in loose):
                message, fix = f"installs {', '.join(loose)} without -c", "add -c constraints.txt"
            yield Finding(path, command.line, "pins.unpinned", message, fix)


def _is_loose(sources: Sources, command: Command, word: str, kind: Kind) -> bool:
    """Return whether a command installs whatever version there is of a word."""
    if command.is_python:
        if command.has(*_CLOSED):
            return False
        if _is_path(word, kind):
            # What leads out of a package is a matter of rule `includes`; a file has one version.
            apart = ".." in word or word.endswith((".whl", ".gz", ".zip"))
            return not (apart or command.has("--no-deps"))
        return not _is_exact(sources, word)
    # What is installed comes first; and a file is no package.
    runs = command.program in ("npx", "bunx") or command.verb in ("exec", "x")
    local = runs and "@" not in word[1:] and not command.has("-y", "--yes", "-p", "--package")
    is_file = word[:1] in "./" or (
        command.program == "deno" and not word.startswith(("npm:", "jsr:"))
    )
    return not (local or is_file or _is_exact(sources, word, npm=True))
