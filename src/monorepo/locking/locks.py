"""Resolve and check constraints.txt, tools/hashes.txt, the uv.lock files and pnpm-lock.yaml."""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packaging.version import Version

from monorepo.core import hashes, workspace
from monorepo.core.constraints import out_of_step
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.languages import AREAS, Language
from monorepo.core.naming import fold
from monorepo.core.workspace import Declared, Package, Workspace
from monorepo.locking import npm_registry, pnpm_locks, projects, unpinned
from monorepo.locking.projects import OWN_PINS
from monorepo.parsing import pnpm_lockfile
from monorepo.programs import uv
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
# Younger releases are not taken: malicious ones are mostly detected within a day. The setting
# minimumReleaseAge of pnpm does the same.
AGE = timedelta(days=1)


def declared(space: Workspace, sampled: Sequence[Package]) -> Iterator[Declared]:
    """Yield all external requirements: of packages, sub-templates, tools and builds.

    Without those that only the lock of a uv project pins.
    """
    internal = samples.internal_names(space) | {fold(package.name) for package in sampled}
    requirements = [*space.programs(), *unpinned.building(space)]
    for package in [*space.packages.values(), *sampled]:
        if package.is_python:
            own = space.own_pins(package)
            requirements += [
                requirement
                for requirement in unpinned.declared(package, package.extras, package.groups)
                if workspace.requirement(requirement.text).name not in own
            ]
    for requirement in requirements:
        if workspace.requirement(requirement.text).name not in internal:
            yield requirement


def refused(space: Workspace, sampled: Sequence[Package]) -> list[str]:
    """Return the requirements that must not be requested from an index: one line each.

    These are direct URLs, dynamic dependencies, and names in the namespace of this repository that
    are not packages of it: somebody else may have registered them.
    """
    wrong: list[str] = []
    external = list(unpinned.building(space))
    # A tool may have a name in the namespace: markdown-it-py in `markdown`.
    known = {
        workspace.requirement(requirement.text).name
        for package in sampled
        if package.is_python
        for requirement in unpinned.declared(package, package.extras, package.groups)
    } - samples.internal_names(space)
    known |= {workspace.requirement(text).name for text in space.engine.requirements}
    external += [
        requirement for requirement in space.programs() if requirement.where != space.engine.path
    ]
    for package in [*space.packages.values(), *sampled]:
        if not package.is_python:
            continue
        mine = list(unpinned.declared(package, package.extras, package.groups))
        wrong += unpinned.unusable(package, mine)
        external += mine if package not in sampled else ()
    for requirement in external:
        name = workspace.requirement(requirement.text).name
        if name not in known and space.is_stray(name):
            fault = f"{name}: is in the namespace, but is not a package here"
            advice = f'correct it, or allow it: external = ["{name}"] in [tool.monorepo]'
            wrong.append(f"{requirement.where}: {fault}; {advice}")
    if space.has_javascript:
        wrong += npm_registry.refused(space, sampled)
    return list(dict.fromkeys(wrong))


def lock(space: Workspace, upgrade: Sequence[str]) -> list[str]:
    """Update the lockfiles of Python and, if there are any packages, of JavaScript.

    It writes constraints.txt, tools/hashes.txt, pnpm-lock.yaml and tools/pnpm-lock.yaml, and for uv
    projects uv.lock and a part of pyproject.toml: all or none of them.

    Args:
        space: the repository.
        upgrade: names of pins to upgrade; `all` for all; none keeps existing pins.

    Returns:
        A table of the changed pins; see `moved`.

    Raises:
        TaskError: no set of versions satisfies all requirements.
    """
    if lost := left_out(space.root):
        raise UsageError(f"{lost[0]}: {ELSEWHERE}")
    with begin(space.root) as change:
        after = resolve(space, upgrade, change.stage())
        before = {path: change.read(path) for path in after}
        if strangers := new_names(before, after):
            say(f"lock: new to this repository: {', '.join(strangers)}")
        for path in (changes := put(change, after)):
            say(f"lock: {path} changed")
        change.commit()
    if not changes:
        say("lock: every pin is up to date; nothing changed")
    return moved(before, after)


def put(change: Transaction, after: Mapping[str, str | None]) -> list[str]:
    """Write files, and remove those without a text; return the paths of those that change."""
    changes = []
    for path, text in after.items():
        if text is not None:
            changes += [path] if change.write(path, text) else []
        elif (change.root / path).exists():
            change.remove(path)
            changes.append(path)
    return changes


def left_out(root: Path) -> list[str]:
    """Return the paths of tracked packages that a sparse checkout leaves out."""
    command = ["git", "-C", str(root), "ls-files", "-t", "-z", "--", *AREAS]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return []
    found, manifests = [], [language.manifest for language in Language]
    for entry in done.stdout.split(b"\0"):
        tag, _, name = os.fsdecode(entry).partition(" ")
        path, _, file = name.rpartition("/")
        if tag == "S" and path.count("/") == 2 and file in manifests:
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
    known |= {"pnpm"} if space.has_javascript else set()
    known |= {name for package in space.projects.values() for name in space.own_pins(package)}
    wrong += [
        f"UPGRADE: {name}: is not pinned; give names of constraints.txt or pnpm-lock.yaml, or all"
        for name in upgrade
        if fold(name) not in known
    ]
    if wrong:
        raise UsageError(*wrong)
    compiled = compile_pins(space, wanted, upgrade, draft)
    if mistakes := out_of_step(space, wanted, compiled[PINS]):
        raise UsageError(*mistakes)
    texts: dict[str, str | None] = {**compiled}
    if space.has_javascript:
        texts |= pnpm_locks.resolve(space, sampled, upgrade, draft)
    pins = projects.Pins.read(compiled[PINS], compiled[HASHES])
    limit = datetime.now(UTC) - AGE
    return texts | projects.resolve(space, pins, upgrade, limit, draft / "projects")


def compile_pins(
    space: Workspace, wanted: Sequence[Declared], upgrade: Sequence[str], draft: Path
) -> dict[str, str]:
    """Return the texts of constraints.txt and tools/hashes.txt for `wanted`.

    Existing pins and their hashes are kept where possible. A release younger than AGE is taken only
    if it is already pinned.

    Raises:
        TaskError: uv found no solution; the message has its output.
    """
    before = _recorded(space)
    moving = set(before) if "all" in upgrade else {fold(name) for name in upgrade} & set(before)
    limit = datetime.now(UTC) - AGE
    young: set[str] = set()
    try:
        text = _compile(space, wanted, before, moving, limit, young, draft)
        young = _older(before, hashes.parse(text))
    except TaskError as error:
        # The error has this hint if a release is too young; existing pins may be, too.
        if "`exclude-newer`" not in str(error) or not before:
            raise TaskError(_with_manifests(space, str(error), wanted)) from error
        young = set(before)
    if young:
        # Keep existing pins that are too young.
        try:
            text = _compile(space, wanted, before, moving - young, limit, young, draft)
        except TaskError as error:
            raise TaskError(_with_manifests(space, str(error), wanted)) from error
    found = hashes.parse(text)
    pinned = "".join(f"{pin}\n" for pin in found)
    return {PINS: HEADER + pinned, HASHES: hashes.render(found, _required(space, text))}


def _required(space: Workspace, compiled: str) -> dict[str, set[str]]:
    """Return the requirements of each pin, by its line, from uv's output and from the records.

    Records are kept, as hashes are: a new repository has them for all possible pins.

    Args:
        space: the repository.
        compiled: the output of uv, with its `via` comments.
    """
    found: dict[str, set[str]] = {}
    with contextlib.suppress(UsageError):
        found = hashes.notes(text_files.read(space.root, HASHES), hashes.REQUIRES)
    lines = hashes.named(hashes.parse(compiled))
    for pin, parents in hashes.notes(compiled, "via").items():
        for line in (line for parent in parents for line in lines.get(parent, [])):
            found.setdefault(line, set()).add(fold(pin.partition("==")[0]))
    return found


def _recorded(space: Workspace) -> dict[str, dict[str, list[str]]]:
    """Return the recorded hashes of the pins, by normalized name and line."""
    try:
        recorded = hashes.parse(text_files.read(space.root, HASHES))
    except UsageError:
        recorded = {}
    pins = hashes.named(hashes.pin_lines(text_files.read(space.root, PINS)))
    return {name: {pin: recorded.get(pin, []) for pin in lines} for name, lines in pins.items()}


def _compile(
    space: Workspace,
    wanted: Sequence[Declared],
    before: Mapping[str, Mapping[str, list[str]]],
    moving: set[str],
    limit: datetime | None,
    young: set[str],
    draft: Path,
) -> str:
    """Return uv's resolution of `wanted`: pins with hashes and `via` comments.

    Args:
        space: the repository.
        wanted: the declared requirements.
        before: the existing pins.
        moving: the names whose existing pins are dropped.
        limit: the newest upload time of a release, if the index reports upload times.
        young: names without such a limit.
        draft: a folder to work in.

    Raises:
        TaskError: uv found no solution.
    """
    # uv prefers the versions in an existing output file.
    output = draft / PINS
    kept = [lines for name, lines in before.items() if name not in moving]
    text = "".join(hashes.lines(pin, found) for lines in kept for pin, found in lines.items())
    output.write_text(text, encoding="utf-8")
    requirements = "".join(
        f"{text}\n" for text in sorted({requirement.text for requirement in wanted})
    )
    pip = [uv.program(space.root), "pip", "compile", "--universal", "--generate-hashes"]
    shape = ["--no-header", "--annotation-style=line"]
    shape += ["--python-version", str(space.facts["python"])]
    age = [f"--exclude-newer={limit:%Y-%m-%dT%H:%M:%SZ}"] if limit else []
    age += [f"--exclude-newer-package={name}=false" for name in sorted(young)] if limit else []
    command = [*pip, *shape, *uv.formats(space), *age, "--output-file", output, "-"]
    try:
        messages = uv.call(command, space.root, "lock", requirements)
    except TaskError as error:
        messages = str(error)
        if uv.NO_DATE not in messages:
            raise
    if uv.NO_DATE in messages:
        say("lock: the index reports no upload times, so no release is too young")
        return _compile(space, wanted, before, moving, None, young, draft)
    return output.read_text(encoding="utf-8")


def _older(before: Mapping[str, Iterable[str]], found: Iterable[str]) -> set[str]:
    """Return the names whose newest pin has a lower version now."""

    def newest(pins: Iterable[str]) -> Version:
        return max(Version(pin.partition("==")[2].partition(" ")[0]) for pin in pins)

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
    if "no usable wheel;" not in head:
        head = "lock: no versions satisfy all declared dependencies; change one of those below"
        head += f", or have one service pin it alone: {OWN_PINS}" if space.projects else ""
    return "\n".join([head, *sorted(shown), command, output])


def new_names(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[str]:
    """Return the names that are newly pinned."""
    old = _versions(before)
    return sorted(_versions(after).keys() - old.keys())


def check(space: Workspace) -> list[str]:
    """Check without network that every requirement is pinned and satisfied by its pin.

    Returns:
        A line for each mistake.
    """
    with tempfile.TemporaryDirectory() as folder:
        found, mistakes = samples.usable(space, Path(folder))
        wanted = list(declared(space, found))
        mistakes += refused(space, found)
        mistakes += projects.check(space, Path(folder, "projects"))
    mistakes += out_of_step(space, wanted)
    mistakes += [
        problem for problem in hashes.problems(space.root) if not problem.startswith(f"{PINS}:")
    ]
    if space.has_javascript:
        try:
            mistakes += pnpm_locks.check(space, left_out(space.root))
            mistakes += pnpm_locks.check_samples(space, found)
        except UsageError as error:
            mistakes += error.mistakes
    return sorted(set(mistakes))


def outdated(space: Workspace) -> list[str]:
    """Return a table of the pins that `make lock UPGRADE=all` would change, and pnpm's report.

    Raises:
        TaskError: the index cannot be queried.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder)
        wanted = list(declared(space, samples.render(space, draft / "samples")))
        newest = compile_pins(space, wanted, ["all"], draft)
    now = (space.root / PINS).read_text(encoding="utf-8")
    lines = moved({PINS: now}, newest)
    if space.has_javascript:
        report = pnpm_locks.outdated(space)
        lines += ["", *report] if lines and report else report
    return lines


def moved(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[str]:
    """Return a Markdown table of the pins that differ, or nothing.

    Args:
        before: the old texts of the lockfiles, by path.
        after: the new texts.
    """
    old, new = _versions(before), _versions(after)
    names = sorted(name for name in old | new if old.get(name) != new.get(name))
    if not names:
        return []
    rows = [["pin", "before", "after"]]
    for name in names:
        rows.append([name, *(", ".join(pins.get(name, ["none"])) for pins in (old, new))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]


def _versions(texts: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Return all pinned versions, by name."""
    found: dict[str, set[str]] = {}
    for path, text in texts.items():
        pairs: list[tuple[str, str, str]] = []
        if not text:
            continue
        if path == PINS:
            pairs = [line.partition("==") for line in text.splitlines() if line[:1] != "#"]
        elif path.endswith(pnpm_locks.LOCK):
            pairs = [key.rpartition("@") for key in pnpm_lockfile.parse(text).packages]
        elif path.endswith(projects.LOCK):
            lines = projects.pins_of(text, path)
            pairs = [line.partition(" ")[0].partition("==") for line in lines]
        for name, _, version in pairs:
            if version:
                found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in found.items()}
