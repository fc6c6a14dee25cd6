"""Resolve and check the lockfiles: the pins of Python, uv.lock, and pnpm-lock.yaml."""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.version import Version

from monorepo.core import constraints, hashes, workspace
from monorepo.core.constraints import out_of_step
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.languages import BY_MANIFEST, FOLDERS
from monorepo.core.naming import fold
from monorepo.core.workspace import ADD, DEV, Declared, Package, Workspace
from monorepo.locking import (
    floors,
    gpu,
    lowest,
    movement,
    pnpm_locks,
    projects,
    resolution,
    unpinned,
)
from monorepo.locking.lowest import LOWEST
from monorepo.locking.projects import OWN_PINS
from monorepo.locking.resolution import Resolver
from monorepo.programs import pnpm, uv
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say
from monorepo.system.transaction import Transaction, begin
from monorepo.templating import samples

HEADER = """\
# Every version that comes from a Python index, anywhere in this repository, once. `make lock` adds
# what is missing and keeps the rest; `make lock UPGRADE=all` or UPGRADE="name name" moves pins.
"""

# The pins of packages outside a sparse checkout would be lost.
ELSEWHERE = "is left out by the sparse checkout; run git sparse-checkout disable first"


def declared(space: Workspace, sampled: Sequence[Package]) -> Iterator[Declared]:
    """Yield all external requirements: of packages, sub-templates, tools and builds.

    Without those that only the lock of a uv project pins, and without `strays`.
    """
    own = {package.path: space.own_pins(package) for package in space.projects.values()}
    out = samples.internal_names(space) | {fold(package.name) for package in sampled}
    out |= {unpinned.name_of(stray) for stray in strays(space, sampled)}
    for path, one in [*_requirements(space), *_of(sampled)]:
        name = unpinned.name_of(one)
        if name not in out and name not in own.get(path, ()):
            yield one


def strays(space: Workspace, sampled: Sequence[Package]) -> list[Declared]:
    """Return the requirements that are in our namespace, but are no packages of ours.

    Somebody else may have registered them: no index is asked for them.
    """
    # A tool may have a name in the namespace: markdown-it-py in `markdown`.
    known = {unpinned.name_of(one) for _, one in _of(sampled)} - samples.internal_names(space)
    known |= {workspace.requirement(text).name for text in space.engine.requirements}
    named = ((unpinned.name_of(one), one) for _, one in _requirements(space))
    return [one for name, one in named if name not in known and space.is_stray(name)]


def _requirements(space: Workspace) -> Iterator[tuple[str, Declared]]:
    """Yield all requirements, each with the path of the package that declares it, or "."."""
    groups = [one for group in space.groups.keys() - {DEV} for one in space.group(group)]
    for one in [*space.programs(), *unpinned.building(space), *groups]:
        yield ".", one
    yield from _of(space.packages.values())


def _of(packages: Iterable[Package]) -> Iterator[tuple[str, Declared]]:
    for package in packages:
        if package.is_python:
            for one in unpinned.declared(package, package.extras, package.groups):
                yield package.path, one


def refused(space: Workspace, sampled: Sequence[Package]) -> list[str]:
    """Return the requirements that must not be requested from an index: one line each.

    These are direct URLs, dynamic dependencies, and `strays`.
    """
    wrong: list[str] = []
    for package in [*space.packages.values(), *sampled]:
        if package.is_python:
            asked = unpinned.declared(package, package.extras, package.groups)
            wrong += unpinned.unusable(package, asked)
    for requirement in strays(space, sampled):
        name = unpinned.name_of(requirement)
        fault = f"{name}: is in the namespace, but is not a package here"
        advice = f'correct it, or allow it: external = ["{name}"] in [tool.monorepo]'
        wrong.append(f"{requirement.where}: {fault}; {advice}")
    if space.has_javascript:
        wrong += pnpm_locks.refused(space, sampled)
    return list(dict.fromkeys(wrong))


def lock(space: Workspace, upgrade: Sequence[str]) -> list[str]:
    """Update the lockfiles of Python and, if there are any packages, of JavaScript.

    It writes constraints.txt, tools/hashes.txt, tools/lowest.txt, pnpm-lock.yaml and
    tools/pnpm-lock.yaml, and for uv projects uv.lock and a part of pyproject.toml: all or none.

    Args:
        space: the repository.
        upgrade: names of pins to upgrade; `all` for all; none keeps existing pins.

    Returns:
        A table of the changed pins, and the packages concerned; see `movement`.

    Raises:
        TaskError: no set of versions satisfies all requirements.
    """
    if lost := left_out(space.root):
        raise UsageError(f"{lost[0]}: {ELSEWHERE}")
    with begin(space.root) as change:
        after = resolve(space, upgrade, change.stage())
        before = {path: change.read(path) for path in after}
        texts = {path: text or "" for path, text in after.items()}
        if strangers := movement.new_names(before, texts):
            say(f"lock: new to this repository: {', '.join(strangers)}")
        for path in (changes := put(change, after)):
            say(f"lock: {path} changed")
        change.commit()
    if not changes:
        say("lock: every pin is up to date; nothing changed")
    return movement.table(space, before, texts)


def put(change: Transaction, after: Mapping[str, str | None]) -> list[str]:
    """Write files, and remove those without a text; return the paths of those that change."""
    changes = []
    for path, text in after.items():
        if text is None:
            change.remove(path)
            changes.append(path)
        elif change.write(path, text):
            changes.append(path)
    return changes


def left_out(root: Path) -> list[str]:
    """Return the paths of tracked packages that a sparse checkout leaves out."""
    command = ["git", "-C", str(root), "ls-files", "-t", "-z", "--", *FOLDERS]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return []
    found = []
    for entry in done.stdout.split(b"\0"):
        tag, _, name = os.fsdecode(entry).partition(" ")
        path, _, file = name.rpartition("/")
        if tag == "S" and path.rpartition("/")[0] in FOLDERS and file in BY_MANIFEST:
            found.append(path)
    return sorted(found)


def resolve(space: Workspace, upgrade: Sequence[str], draft: Path) -> dict[str, str | None]:
    """Return the texts of all lockfiles, by path, for the current manifests; None to remove one.

    Args:
        space: the repository.
        upgrade: names of pins to upgrade.
        draft: an empty folder to work in.

    Raises:
        TaskError: no set of versions satisfies all requirements.
        UsageError: a requirement must not be requested from an index, or a name in `upgrade` is not
            pinned.
    """
    sampled = samples.render(space, draft / "samples")
    wanted = list(declared(space, sampled))
    wrong = refused(space, sampled)
    known = set(_recorded(space)) | {fold(name) for name in pnpm_locks.locked(space.root)} | {"all"}
    known |= gpu.recorded(space.root).named.keys()
    known |= {"pnpm"} if space.has_javascript else set()
    known |= {name for package in space.projects.values() for name in space.own_pins(package)}
    wrong += [
        f"UPGRADE: {name}: is not pinned; give names of constraints.txt or pnpm-lock.yaml, or all"
        for name in upgrade
        if fold(name) not in known
    ]
    if wrong:
        raise UsageError(*wrong)
    texts = python(space, sampled, wanted, upgrade, draft)
    if space.has_javascript:
        if not pnpm.has_node(space.root):
            _install_node(space.root, lowest.read(texts[HASHES] or ""))
        texts |= pnpm_locks.resolve(space, sampled, upgrade, draft)
    return texts


def _install_node(root: Path, pins: lowest.Pins) -> None:
    """Install Node by its new pin: JavaScript is new to the repository, and pnpm runs on Node.

    Raises:
        TaskError: uv failed; the message has its output.
        UsageError: the repository does not ask for Node.
    """
    if pnpm.NODE not in pins.named:
        raise UsageError(f"{pnpm.NODE}: is not pinned; {ADD}")
    needed = pins.reached([pnpm.NODE])
    text = "".join(
        hashes.lines(line, found)
        for line, found in pins.hashes.items()
        if hashes.name_of(line) in needed
    )
    words = [uv.program(root), "pip", "install", "--require-hashes", "--only-binary", ":all:"]
    command = [*words, "--python", root / ".venv/bin/python", "--requirements", "-"]
    uv.install(command, root, f"lock: {pnpm.NODE}", text)


def python(
    space: Workspace,
    sampled: Sequence[Package],
    wanted: Sequence[Declared],
    upgrade: Sequence[str],
    draft: Path,
) -> dict[str, str | None]:
    """Return the texts of constraints.txt, tools/hashes.txt, tools/lowest.txt, and of uv projects.

    Args:
        space: the repository.
        sampled: the sample packages of the sub-templates.
        wanted: the declared requirements.
        upgrade: names of pins to upgrade.
        draft: a folder to work in.

    Raises:
        TaskError: uv found no solution; the message has its output.
        UsageError: a requirement is not satisfied.
    """
    resolver = Resolver(space)
    compiled = compile_pins(resolver, wanted, upgrade, draft)
    if mistakes := out_of_step(space, wanted, compiled[PINS]):
        raise UsageError(*mistakes)
    pins, texts = lowest.read(compiled[HASHES]), dict[str, str | None](compiled)
    if text := floors.resolve(resolver, sampled, pins, draft):
        texts[LOWEST] = text
    text = gpu.resolve(resolver, (one.text for one in wanted), pins, upgrade, draft)
    if text or (space.root / gpu.PINS).exists():
        texts[gpu.PINS] = text
    return texts | projects.resolve(space, pins, upgrade, resolver.limit, draft / "projects")


def compile_pins(
    resolver: Resolver, wanted: Sequence[Declared], upgrade: Sequence[str], draft: Path
) -> dict[str, str]:
    """Return the texts of constraints.txt and tools/hashes.txt for `wanted`.

    Existing pins and their hashes are kept where possible. A release younger than AGE is taken only
    if it is already pinned; the names of such pins are added to `young` of the resolver.

    Raises:
        TaskError: uv found no solution; the message has its output.
    """
    space = resolver.space
    before = _recorded(space)
    moving = set(before) if "all" in upgrade else {fold(name) for name in upgrade} & set(before)

    def compiled() -> str:
        kept = [lines for name, lines in before.items() if name not in moving - resolver.young]
        return resolver.compile(
            (requirement.text for requirement in wanted),
            [hashes.lines(pin, found) for lines in kept for pin, found in lines.items()],
            draft / PINS,
            python=str(space.facts["python"]),
        )

    try:
        text = compiled()
        resolver.young = _older(before, hashes.parse(text))
    except TaskError as error:
        # The error has this hint if a release is too young; existing pins may be, too.
        if "`exclude-newer`" not in str(error) or not before:
            raise TaskError(_with_manifests(space, str(error), wanted)) from error
        resolver.young = set(before)
    if resolver.young:
        # Keep existing pins that are too young.
        try:
            text = compiled()
        except TaskError as error:
            raise TaskError(_with_manifests(space, str(error), wanted)) from error
    found = hashes.parse(text)
    sources = hashes.sources(text_files.read(space.root, PINS))
    pinned = "".join(f"{line}\n" for line in [*sources, *found])
    return {PINS: HEADER + pinned, HASHES: hashes.render(found, _required(space, text))}


def _required(space: Workspace, compiled: str) -> dict[str, set[str]]:
    """Return the requirements of each pin, by its line, from uv's output and from the records.

    Records are kept, as hashes are: a new repository has them for all possible pins.
    """
    found = resolution.required(compiled, hashes.named(hashes.parse(compiled)))
    with contextlib.suppress(UsageError):
        known = lowest.pinned(space.root).requires
        for line, names in known.items():
            found.setdefault(line, set()).update(names)
    return found


def _recorded(space: Workspace) -> dict[str, dict[str, list[str]]]:
    """Return the recorded hashes of the pins, by normalized name and line."""
    try:
        recorded = hashes.parse(text_files.read(space.root, HASHES))
    except UsageError:
        recorded = {}
    pins = hashes.named(hashes.pin_lines(text_files.read(space.root, PINS)))
    return {name: {pin: recorded.get(pin, []) for pin in lines} for name, lines in pins.items()}


def _older(before: Mapping[str, Iterable[str]], found: Iterable[str]) -> set[str]:
    """Return the names whose newest pin has a lower version now."""

    def newest(pins: Iterable[str]) -> Version:
        return max(Version(hashes.version_of(pin)) for pin in pins)

    after = hashes.named(found)
    return {name for name in before.keys() & after if newest(after[name]) < newest(before[name])}


def _with_manifests(space: Workspace, message: str, wanted: Sequence[Declared]) -> str:
    """Add to uv's error the manifests that declare the requirements it mentions."""
    if "No solution found" not in message:
        return message
    head, command, output = message.split("\n", 2)
    named = set(re.findall(r"(?<![\w.-])[a-z0-9][a-z0-9-]*", output))
    shown = {
        f"  {requirement.where}: {requirement.text}"
        for requirement in wanted
        if workspace.requirement(requirement.text).name in named
    }
    if "no usable wheel;" not in head and uv.REFUSED not in head:
        head = "lock: no versions satisfy all declared dependencies; change one of those below"
        head += f", or have one service pin it alone: {OWN_PINS}" if space.projects else ""
    return "\n".join([head, *sorted(shown), command, output])


def check(space: Workspace) -> list[str]:
    """Check without network that every requirement is pinned and satisfied by its pin.

    Returns:
        A line for each mistake.
    """
    with tempfile.TemporaryDirectory() as folder:
        found, mistakes = samples.usable(space, Path(folder, "samples"))
        wanted = list(declared(space, found))
        mistakes += refused(space, found)
        mistakes += out_of_step(space, wanted)
        mistakes += unsatisfied(space, wanted) if not mistakes else []
        mistakes += [
            problem for problem in hashes.problems(space.root) if not problem.startswith(f"{PINS}:")
        ]
        # The lowest versions and uv projects depend on the pins.
        if not mistakes:
            mistakes += projects.check(space, Path(folder, "projects"))
            mistakes += floors.check(space, found, Path(folder, "needed"))
            mistakes += gpu.check(space, (requirement.text for requirement in wanted))
    if space.has_javascript:
        try:
            mistakes += pnpm_locks.check(space, left_out(space.root))
            mistakes += pnpm_locks.check_samples(space, found)
        except UsageError as error:
            mistakes += error.mistakes
    return sorted(set(mistakes))


def unsatisfied(space: Workspace, wanted: Iterable[Declared]) -> list[str]:
    """Return what pins require, by their metadata, and no pin satisfies: one line each."""
    pinned = constraints.parsed(text_files.read(space.root, PINS))
    needs = constraints.installed(space.root, space.sites)
    texts, floor = {one.text for one in wanted}, str(space.facts["python"])
    found = constraints.open_ends(texts, needs, pinned, floor)
    return [f"{PINS}: {pin} {what}; run make lock" for pin, _, what in found]


def outdated(space: Workspace) -> list[str]:
    """Return a table of the pins that `make lock UPGRADE=all` would change, and pnpm's report.

    Raises:
        TaskError: the index cannot be queried.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder)
        resolver = Resolver(space)
        wanted = list(declared(space, samples.render(space, draft / "samples")))
        newest = compile_pins(resolver, wanted, ["all"], draft)
        newest |= projects.newest(space, newest[HASHES], resolver.limit, draft / "projects")
    now = {path: text_files.read(space.root, path) for path in newest}
    lines = movement.table(space, now, newest)
    if space.has_javascript:
        report = pnpm_locks.outdated(space)
        lines += ["", *report] if lines and report else report
    return lines
