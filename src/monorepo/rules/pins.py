"""Every dependency is pinned exactly once, within all declared ranges, and nothing else is.

Why: the version that was tested is the one that is installed everywhere. Every installation uses
constraints.txt: an option in it would apply to all, and pip allows no extras or hashes there.
tools/hashes.txt has the hashes of the same pins, so that no other file is installed.

Fix: `make lock` adds missing pins, and drops unused ones.

Passes::

    httpx==0.28.1
    colorama==0.4.6 ; sys_platform == 'win32'

Fails::

    --extra-index-url https://example.com/simple
    httpx[http2]>=0.28
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from monorepo.core import base_manifest, constraints, hashes, workspace
from monorepo.core.engine import REQUIREMENT
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import locks, lowest, pnpm_drift, pnpm_locks
from monorepo.parsing import pnpm_lockfile
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.templating.sub_templates import TEAMS, place


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository: pins are everybody's."""
    return ["."]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the locks with all manifests, those of the sub-templates and tools included."""
    text = sources.text(PINS)
    wrong = list(constraints.misfits(text or ""))
    for line, message, fix, lines in wrong:
        yield Finding(PINS, line, "pins", message, fix, lines=lines)
    if text is None:
        yield Finding(PINS, 0, "pins", "cannot be read", "restore it from git")
    elif not wrong:
        # Sub-templates are rendered, and what is installed is read, only if any of this changed.
        manifests = [
            f"{package.path}/pyproject.toml" for package in sources.space.packages.values()
        ]
        templates = [path for path in sources.files if path.startswith(f"{TEAMS}/")]
        tools = [ROOT_MANIFEST, base_manifest.FILE, *sources.space.base.files]
        given = sources.kept.digest([*tools, REQUIREMENT, *manifests, *templates, *sources.sites])
        yield from sources.findings(PINS, "pins", lambda: _python(sources, text), given)
        # Rule `confusion` tells of a pin of our own.
        names = hashes.named(hashes.pin_lines(text))
        theirs = [pin for name in names.keys() - sources.internal for pin in names[name]]
        for mistake in hashes.mismatches("\n".join(theirs), sources.text(HASHES) or ""):
            path, line, message, fix = text_files.mistake(mistake)
            yield Finding(path, line, "pins", message, fix)
    if sources.space.has_javascript:
        yield from _manager(sources)
        yield from _javascript(sources)


def _python(sources: Sources, text: str) -> Iterator[Finding]:
    """Yield requirements without a pin, duplicate, wrong and unused pins."""
    space = sources.space
    wanted = list(locks.declared(space, sources.samples))
    for mistake in sorted(set(constraints.out_of_step(space, wanted))):
        path, _, message, fix = text_files.mistake(mistake)
        where = re.split(r" is (?:pinned|not) ", message)[0]
        there = sources.text(path) or ""
        if not there and path == space.engine.path:
            path = REQUIREMENT
        elif not there:
            # A sub-template's, which is rendered elsewhere.
            path, message = place(sources.root, path.split("/")[2], PINS, message)
        yield Finding(path, line_of(there, where), "pins", message, fix)
    pins = {name: list(map(Requirement, lines)) for name, lines in hashes.pins(space.root).items()}
    # Of what is for other platforms, and of what that needs, nothing is known here.
    here = {
        name
        for name, several in pins.items()
        if any(not pin.marker or pin.marker.evaluate() for pin in several)
    }
    installed = _installed(sources)
    # The lock knows what is not installed, such as the programs of `make audit`, and which extras
    # these ask for; what is installed knows the markers.
    recorded = _required(sources)
    known = {
        name: [*installed.get(name, ()), *recorded.get(name, ())] for name in installed | recorded
    }
    missing = sorted((_reached(_installable(space), installed, here=True) & here) - set(installed))
    if missing:
        message = f"cannot tell which pins are not required: {missing[0]} is not installed"
        yield Finding(PINS, 0, "pins", message, "run make install", status="warn")
        return
    reached = _reached((one.text for one in wanted), known)
    if (reached & here) - set(known):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        name = hashes.name_of(line)
        if name in here - reached - sources.internal:
            message = f"{name} is pinned and not required"
            yield Finding(PINS, number, "pins", message, "run make lock", lines=())


def _installable(space: workspace.Workspace) -> Iterator[str]:
    """Yield what `make install` installs: nothing that only builds, and no extra for a GPU."""
    for package in space.packages.values():
        if package.is_python:
            yield from package.requirements(package.default_extras, package.groups)
    yield from (one.text for one in space.programs())


def _installed(sources: Sources) -> dict[str, list[Requirement]]:
    """Return what each distribution needs that is installed anywhere in the repository."""
    found: dict[str, list[Requirement]] = {}
    for one in metadata.distributions(path=[f"{sources.root}/{site}" for site in sources.sites]):
        # `one.requires` would read them again.
        told = one.metadata
        name = fold(str(told["Name"] or ""))
        found.setdefault(name, [])
        for text in told.get_all("Requires-Dist", []):
            try:
                found[name].append(Requirement(text))
            except InvalidRequirement:
                continue
    return found


def _required(sources: Sources) -> dict[str, list[Requirement]]:
    """Return what each pin needs, as tools/hashes.txt records it."""
    try:
        pins = lowest.read(sources.text(HASHES) or "")
    except UsageError:
        return {}
    return {
        name: [Requirement(need) for line in lines for need in pins.requires.get(line, ())]
        for name, lines in pins.named.items()
    }


def _reached(
    wanted: Iterable[str], known: dict[str, list[Requirement]], *, here: bool = False
) -> set[str]:
    """Return the names that `wanted` needs as far as it is known, on any platform or only here."""
    todo: list[tuple[str, str]] = []
    for text in wanted:
        name, extras = workspace.requirement(text)
        todo += [(name, extra) for extra in ("", *extras)]
    reached: set[tuple[str, str]] = set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in reached:
            continue
        reached.add((name, extra))
        for need in known.get(name, []):
            if here and need.marker and not need.marker.evaluate({"extra": extra}):
                continue
            asked = re.findall(r"extra == ['\"]([^'\"]+)", str(need.marker or ""))
            if extra in map(fold, asked) if asked else not extra:
                todo += [(fold(need.name), fold(one)) for one in ("", *need.extras)]
    return {name for name, _ in reached}


def _manager(sources: Sources) -> Iterator[Finding]:
    """Yield a pnpm that is not exact, and settings where pnpm does not read them."""
    manifests = ["package.json", *(f"{one.path}/package.json" for one in _packages(sources))]
    for path in manifests:
        text, manifest = sources.text(path) or "", config_files.read(sources, path)
        if manifest is None:
            continue
        for key in ("overrides", "pnpm", "resolutions"):
            if key in manifest:
                advice = f"move it to {pnpm_locks.SETTINGS}"
                message = f"pnpm does not read {key} here"
                yield Finding(path, line_of(text, f'"{key}"'), "pins", message, advice)
        manager = manifest.get("packageManager")
        if path == "package.json":
            yield from _root_manager(text)
        elif manager is not None and not pnpm.EXACT.fullmatch(str(manager)):
            message = f"packageManager is {manager}, not an exact pnpm with its hash"
            line = line_of(text, '"packageManager"')
            yield Finding(path, line, "pins", message, "remove it: the root's is for all")


def _root_manager(text: str) -> Iterator[Finding]:
    """Yield what is wrong with the pnpm that the root pins."""
    try:
        pnpm.read(text)
    except UsageError as error:
        path, line, message, fix = text_files.mistake(str(error))
        yield Finding(path, line, "pins", message, fix)


def _packages(sources: Sources) -> list[workspace.Package]:
    return pnpm_locks.packages(sources.space)


def _lock(sources: Sources, path: str) -> pnpm_lockfile.Lock | Finding:
    """Return a pnpm-lock.yaml, or what is wrong with it."""
    if (text := sources.text(path)) is None:
        return Finding(path, 0, "pins", "is missing or cannot be read", "run make lock")
    try:
        return pnpm_lockfile.parse(text, path)
    except UsageError as error:
        _, line, message, fix = text_files.mistake(str(error))
        return Finding(path, line, "pins", message, fix)


def _javascript(sources: Sources) -> Iterator[Finding]:
    """Yield the packages whose dependencies are not as pnpm-lock.yaml has them."""
    text, lock = sources.text(pnpm_locks.LOCK) or "", _lock(sources, pnpm_locks.LOCK)
    if isinstance(templates := _lock(sources, pnpm_locks.TEMPLATES_LOCK), Finding):
        yield templates
    if isinstance(lock, Finding):
        yield lock
        return
    # What the root asks for is not known if its manifest cannot be read.
    root = config_files.read(sources, "package.json")
    manifests = {} if root is None else {".": root}
    manifests |= {one.path: one.manifest for one in _packages(sources)}
    with contextlib.suppress(UsageError):
        manifests |= pnpm_locks.members(sources.space)
    known = {".", *manifests, *sources.space.broken, *locks.left_out(sources.root)}
    for path in sorted(lock.importers.keys() - known):
        line = line_of(text, f"  {path}:")
        yield Finding(pnpm_locks.LOCK, line, "pins", f"{path} is not here", "run make lock")
    for one in pnpm_drift.in_manifests(pnpm_locks.LOCK, lock, manifests, sources.space.lost):
        line = line_of(sources.text(one.path) or "", one.needle)
        yield Finding(one.path, line, "pins", one.message, "run make lock")
