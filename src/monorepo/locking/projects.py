"""uv projects: what `make lock` writes into the manifest of one, and its uv.lock.

Where python-env is `uv`, a Python service or app is a uv project. Its manifest lists the internal
packages of its closure by path, so that no internal name reaches an index, and the pins of
constraints.txt that it can need, so that all have the same versions, except those in `own-pins`.

uv accepts members of a workspace outside of its folder, but then takes their requirements of each
other for another source than its lock has, and never finds the lock up to date. So the internal
packages are `sources` with a path, and `constraint-dependencies` without a version: a constraint
applies to what packages of the closure require, a source alone does not. Names that have an index
of their own are `sources` of that index, in the same way. Standard library only.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from monorepo.core import hashes
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST, Package, Workspace, requirement, toml
from monorepo.locking import lowest, resolution, unpinned
from monorepo.locking.lowest import Pins
from monorepo.programs import indexes, uv
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say
from monorepo.system.text_files import MalformedError
from monorepo.system.transaction import begin

LOCK = "uv.lock"
# What is wrong with a manifest that `drift` yields.
DRIFTED = "{}: [tool.uv] is not as make lock writes it; run make lock"
# The advice to give a version of its own to a uv project.
OWN_PINS = '[tool.monorepo.own-pins] name = "the reason"'
_START = "# Written by make lock: the internal packages by path, and the pins of constraints.txt."
_END = "# End of what make lock writes."
_TABLE = "[tool.uv]"
# In a table of its own, unless the team has one.
_BLOCK = re.compile(
    rf"(?:(?P<table>\n^{re.escape(_START)}\n{re.escape(_TABLE)}\n)|^{re.escape(_START)}\n)"
    rf"(?P<lines>.*?)^{re.escape(_END)}\n",
    re.DOTALL | re.MULTILINE,
)
# Nothing that uv reads may be dynamic but the version.
_DYNAMIC = re.compile(r"^([ \t]*)dynamic[ \t]*=[ \t]*\[(?:[^\]#]|#.*)*\]", re.MULTILINE)
_OWN_TABLE = re.compile(rf"^{re.escape(_TABLE)}[ \t]*(#.*)?\n", re.MULTILINE)


def is_lock(space: Workspace, path: str) -> bool:
    """Return whether a file is the lock of a uv project, not one of the team's own."""
    folder, _, name = path.rpartition("/")
    return name == LOCK and folder in space.projects


def closure(space: Workspace, package: Package) -> dict[str, set[str]]:
    """Return the closure of a uv project, with all of its extras and groups."""
    every = space.closure({package.path: package.extras}, {package.path: package.groups})
    return {path: extras for path, extras in every.items() if space.packages[path].is_python}


def manifest(space: Workspace, package: Package, text: str, pinned: Pins) -> str:
    """Return the text of the manifest of a Python package as `make lock` writes it.

    Args:
        space: the repository.
        package: of which only a uv project has something written by `make lock`.
        text: its manifest.
        pinned: the pins of the repository.

    Raises:
        UsageError: the team's own settings of uv clash with it.
    """
    bare = without_block(text)
    if package.path not in space.projects:
        return bare
    whole = with_block(bare, _block(space, package, pinned))
    try:
        toml(whole)
    except MalformedError as error:
        place = f"{package.path}/{ROOT_MANIFEST}: {_TABLE}"
        message = "clashes with what make lock writes into it"
        advice = f"write the settings of uv as keys of {_TABLE}, such as sources.name"
        raise UsageError(f"{place}: {message} ({error.message}); {advice}") from error
    return whole


def block(text: str) -> str:
    """Return the lines that `make lock` has written into a manifest; "" for none."""
    found = _BLOCK.search(text)
    return found["lines"] if found else ""


def written(text: str) -> Mapping[str, Any]:
    """Return the keys that `make lock` has written into a manifest; {} if they are broken."""
    try:
        return toml(block(text))
    except MalformedError:
        return {}


def without_block(text: str) -> str:
    """Return a manifest without what `make lock` has written into it."""
    found = _BLOCK.search(text)
    if not found:
        return text
    rest = text[found.end() :]
    # Keys that the team has added at the end of the table.
    keys = found["table"] and re.match(r"(?:[ \t]*(?:#.*)?\n)*[ \t]*[^\s\[#]", rest)
    table = f"\n{_TABLE}\n" if keys else ""
    return text[: found.start()] + table + rest


def with_block(text: str, lines: str) -> str:
    """Return a manifest that has no such lines with `lines`, in its table of uv."""
    if not lines:
        return text
    if own := _OWN_TABLE.search(text):
        return f"{text[: own.end()]}{_START}\n{lines}{_END}\n{text[own.end() :]}"
    return f"{text}\n{_START}\n{_TABLE}\n{lines}{_END}\n"


def _block(space: Workspace, package: Package, pinned: Pins) -> str:
    """Return the lines in `[tool.uv]` of a uv project."""
    own = space.own_pins(package)
    internal, texts, building = {}, [], []
    for path, extras in closure(space, package).items():
        member = space.packages[path]
        texts += list(member.requirements(extras, package.groups if member == package else ()))
        building += member.build_requirements
        if member != package:
            place = json.dumps(os.path.relpath(path, package.path))
            internal[fold(member.name)] = f"{{ path = {place}, editable = true }}"
    needed = {requirement(text).name for text in texts} - internal.keys() - own.keys()
    constraints = [line for line in _lines(pinned, needed) if hashes.name_of(line) not in own]
    built = _lines(pinned, (requirement(text).name for text in building))
    known = {*map(hashes.name_of, constraints), *own}
    others = indexes.read(space.root)
    apart = {name: index for name in known if (index := indexes.owner(name, others))}
    free = sorted([*internal, *(name for name in apart if name in own)])
    rows = _rows("constraint-dependencies", [*free, *constraints])
    rows += _rows("build-constraint-dependencies", built)
    entries = {index.name: _index(index) for index in apart.values()}
    rows += [f"index = [{', '.join(entries[name] for name in sorted(entries))}]"] if entries else []
    places = internal | {name: f"{{ index = {json.dumps(apart[name].name)} }}" for name in apart}
    rows += [f"sources.{name} = {source}" for name, source in sorted(places.items())]
    return "".join(f"{row}\n" for row in rows)


def _index(index: indexes.Index) -> str:
    """Return an index as TOML: it is asked for the names alone that `sources` has for it."""
    name, url = json.dumps(index.name), json.dumps(index.url)
    return f"{{ name = {name}, url = {url}, explicit = true }}"


def _lines(pinned: Pins, names: Iterable[str]) -> list[str]:
    """Return the pins of names and of all that these require, sorted."""
    return sorted(line for name in pinned.reached(names) for line in pinned.named.get(name, ()))


def _rows(key: str, texts: Iterable[str]) -> list[str]:
    """Return a list of texts as TOML, a line for each; nothing for an empty one."""
    rows = [f"    {json.dumps(text)}," for text in texts]
    return [f"{key} = [", *rows, "]"] if rows else []


def mistakes(space: Workspace, package: Package) -> list[str]:
    """Return why the lock of a uv project cannot be used as it is: a line each."""
    try:
        found = [DRIFTED.format(path) for path, _ in drift(_alone(space, package))]
        locked(space.root, package.path)
    except UsageError as error:
        return list(error.mistakes)
    return found


def drift(space: Workspace) -> Iterator[tuple[str, str]]:
    """Yield each manifest that is not as `make lock` would write it, and its right text.

    Raises:
        UsageError: a file cannot be read, or settings of uv clash.
    """
    pinned = lowest.pinned(space.root) if space.projects else Pins({}, {})
    for path, text in _manifests(space).items():
        package = space.packages[os.path.dirname(path)]
        if package.path not in space.unmet:
            if (right := manifest(space, package, text, pinned)) != text:
                yield path, right


def resolve(
    space: Workspace,
    pinned: Pins,
    upgrade: Sequence[str],
    limit: datetime | None,
    draft: Path,
    manifests: Mapping[str, str] | None = None,
) -> dict[str, str | None]:
    """Return the manifests of Python packages and the locks of uv projects, by path.

    Existing versions are kept where possible.

    Args:
        space: the repository.
        pinned: its pins.
        upgrade: names of pins to upgrade, or `all`.
        limit: the newest upload time of a release that only a uv project pins.
        draft: an empty folder to work in.
        manifests: texts of manifests that are not written yet, by path.

    Returns:
        The texts; None for a lock to remove.

    Raises:
        TaskError: no set of versions satisfies a uv project.
        UsageError: settings of uv clash with what is written.
    """
    before = {path: (manifests or {}).get(path, text) for path, text in _manifests(space).items()}
    texts = dict[str, str]()
    found: dict[str, str | None] = {}
    for path, text in before.items():
        package = space.packages[os.path.dirname(path)]
        texts[path] = manifest(space, package, text, pinned)
        lock = f"{package.path}/{LOCK}"
        gone = package.path not in space.projects and block(text)
        if gone and (space.root / lock).exists():
            found[lock] = None
    _mirror(space, texts, draft)
    flags = ["--upgrade"] if "all" in upgrade else []
    flags += [word for name in upgrade if name != "all" for word in ("--upgrade-package", name)]
    lock_one = partial(_lock, space, draft, flags, limit)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found |= zip(
            (f"{path}/{LOCK}" for path in space.projects),
            pool.map(lock_one, space.projects.values()),
            strict=True,
        )
    return texts | found


def newest(space: Workspace, recorded: str, limit: datetime | None, draft: Path) -> dict[str, str]:
    """Return the locks of `make lock UPGRADE=all` for projects with pins of their own, by path.

    Args:
        space: the repository.
        recorded: the text of tools/hashes.txt with the newest pins.
        limit: the newest upload time of a release that only a uv project pins.
        draft: an empty folder to work in.

    Raises:
        TaskError: no set of versions satisfies a uv project.
        UsageError: settings of uv clash with what is written, or a project has no lock yet.
    """
    if not (own := [one for one in space.projects.values() if space.own_pins(one)]):
        return {}
    found = resolve(_alone(space, *own), lowest.read(recorded), ["all"], limit, draft)
    return {path: text for path, text in found.items() if text and path.endswith(LOCK)}


def needing(space: Workspace, package: Package) -> list[Package]:
    """Return the uv projects that have a package in their closures."""
    return [one for one in space.projects.values() if package.path in closure(space, one)]


def relock(
    space: Workspace, package: Package, manifests: Mapping[str, str], draft: Path
) -> dict[str, str]:
    """Return the locks of the uv projects that need a package, by path. External versions stay.

    Args:
        space: the repository.
        package: the package.
        manifests: texts of manifests that are not written yet, by path.
        draft: an empty folder to work in.

    Raises:
        TaskError: uv failed.
        UsageError: a file cannot be read, or settings of uv clash with what is written.
    """
    if not (affected := needing(space, package)):
        return {}
    found = resolve(_alone(space, *affected), lowest.pinned(space.root), (), None, draft, manifests)
    locks = (f"{project.path}/{LOCK}" for project in affected)
    return {lock: found[lock] or "" for lock in locks}


def lock_missing(space: Workspace, package: Package) -> None:
    """Write the lock of a uv project that has none because it is new.

    Its versions are those of constraints.txt: nothing is left for an index to decide.

    Raises:
        TaskError: uv failed.
        UsageError: a requirement is not pinned there, or the manifest is not as `make lock` writes
            it.
    """
    lock, alone = f"{package.path}/{LOCK}", _alone(space, package)
    if (space.root / lock).exists():
        return
    groups = {package.path: package.groups}
    wrong = unpinned.mistakes(space, closure(space, package), groups, ())
    wrong += [DRIFTED.format(path) for path, _ in drift(alone)]
    if wrong:
        raise UsageError(*wrong)
    with begin(space.root) as change:
        # Of concurrent commands, one writes it.
        if not (space.root / lock).exists():
            text = resolve(alone, lowest.pinned(space.root), (), None, change.stage())[lock]
            change.write(lock, text or "")
            change.commit()
            say(f"lock: {lock} is new")


def check(space: Workspace, draft: Path) -> list[str]:
    """Check without network that manifests and locks of uv projects are as `make lock` writes them.

    No code of the repository is run.

    Args:
        space: the repository.
        draft: an empty folder to work in.

    Returns:
        A line for each mistake.
    """
    try:
        drifted = [path for path, _ in drift(space)]
    except UsageError as error:
        return list(error.mistakes)
    wrong = [DRIFTED.format(path) for path in drifted]
    usable = [package for path, package in space.projects.items() if path not in space.unmet]
    todo = []
    for package in usable:
        lock = f"{package.path}/{LOCK}"
        if not (space.root / lock).exists():
            wrong.append(f"{lock}: is missing; run make lock")
        elif f"{package.path}/{ROOT_MANIFEST}" not in drifted:
            todo.append(package)
    if todo:
        _mirror(space, _manifests(space), draft)
        _give_versions(space, draft)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            wrong += [line for line in pool.map(partial(_outdated, space, draft), todo) if line]
    return wrong


def divergent(space: Workspace) -> list[str]:
    """Return the names that uv projects lock in different versions without a reason: a line each.

    Raises:
        UsageError: a lock cannot be read.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for path, package in space.projects.items():
        own = space.own_pins(package)
        for name, lines in hashes.named(locked(space.root, path)).items():
            if name not in own:
                versions = ", ".join(sorted(map(hashes.version_of, lines)))
                found.setdefault(name, {}).setdefault(versions, []).append(path)
    return [
        f"{name}: " + "; ".join(f"{one} in {', '.join(at)}" for one, at in places.items())
        for name, places in sorted(found.items())
        if len(places) > 1
    ]


def locked(root: Path, path: str) -> list[str]:
    """Return the pins of the external packages in the lock of the uv project at `path`.

    Raises:
        UsageError: the lock is missing or malformed.
    """
    file = f"{path}/{LOCK}"
    return pins_of(text_files.read(root, file), file)


def pins_of(text: str, file: str) -> list[str]:
    """Return the pins of the external packages in the text of `file`, a lock of uv.

    Raises:
        UsageError: it is malformed.
    """
    try:
        entries = toml(text).get("package", [])
        return [
            f"{entry['name']}=={entry['version']}{_marker(entry.get('resolution-markers', []))}"
            for entry in entries
            if "registry" in entry["source"]
        ]
    except MalformedError as error:
        raise error.of(file) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{file}: is not a lock of uv; restore it from git") from error


def strangers(text: str, apart: Sequence[indexes.Index] = ()) -> list[list[object]]:
    """Return what in a lock of uv is from elsewhere: the line and a description of each.

    That is a package from git, from a URL, or from another index than most packages, or than the
    one that it has in the settings.

    Args:
        text: the lock.
        apart: the indexes of the settings.
    """
    try:
        entries = toml(text).get("package", [])
        sources = {str(entry["name"]): dict(entry["source"]) for entry in entries}
    except (MalformedError, AttributeError, KeyError, TypeError, ValueError):
        return []
    own = {name: index.url for name in sources if (index := indexes.owner(fold(name), apart))}
    counts = Counter(
        str(source["registry"])
        for name, source in sources.items()
        if "registry" in source and name not in own
    )
    usual = max(counts, key=lambda url: counts[url], default="")
    rows = text.splitlines()
    found: list[list[object]] = []
    for name, source in sources.items():
        right = own.get(name, usual)
        if "git" in source or "url" in source or source.get("registry", right) != right:
            row = f"name = {json.dumps(name)}"
            place = next(str(value) for value in source.values())
            found.append([rows.index(row) + 1 if row in rows else 0, f"takes {name} from {place}"])
    return found


def export(space: Workspace, package: Package, file: Path) -> list[object]:
    """Return the command that writes the pins and hashes in the lock of a uv project to a file."""
    internal = [space.packages[path].name for path in closure(space, package)]
    command = [uv.program(space.root), "export", "--project", package.folder, "--frozen"]
    command += ["--offline", "--no-python-downloads", "--python", space.root / ".venv/bin/python"]
    command += ["--all-extras", "--all-groups", "--no-header", "--no-annotate"]
    command += [word for name in internal for word in ("--no-emit-package", name)]
    return [*command, "--output-file", file]


def write_pins(space: Workspace, package: Package, file: Path) -> None:
    """Write the pins in the lock of a uv project to a file, in the format of tools/hashes.txt.

    Where constraints.txt has the same pin, the hashes are those that tools/hashes.txt records. Pins
    of what the lock does not have, such as build requirements, are added from there.

    Raises:
        TaskError: uv failed.
        UsageError: a file cannot be read, or the lock has no hash of a pin.
    """
    lock = f"{package.path}/{LOCK}"
    uv.call(export(space, package, file), space.root, f"install: {lock}")
    every = hashes.parse(text_files.read(space.root, HASHES))
    recorded = {pin.partition(" ")[0]: found for pin, found in every.items()}
    lines = {
        pin: recorded.get(pin.partition(" ")[0]) or found
        for pin, found in hashes.parse(file.read_text(encoding="utf-8")).items()
    }
    if unknown := [pin for pin, found in lines.items() if not found]:
        advice = f"an index that tells no hashes can serve only what {PINS} has"
        raise UsageError(*(f"{lock}: {pin}: has no hash; {advice}" for pin in unknown))
    named = hashes.named(lines)
    lines |= {pin: found for pin, found in every.items() if hashes.name_of(pin) not in named}
    text = "".join(hashes.lines(pin, found) for pin, found in lines.items())
    file.write_text(text, encoding="utf-8")


def _marker(forks: Sequence[str]) -> str:
    """Return the marker of a version that the lock has for some environments only."""
    return f" ; {' or '.join(f'({fork})' for fork in forks)}" if forks else ""


def _alone(space: Workspace, *packages: Package) -> Workspace:
    """Return the repository with the closures of some uv projects."""
    here = dict.fromkeys(path for package in packages for path in closure(space, package))
    return replace(space, packages={path: space.packages[path] for path in here})


def _manifests(space: Workspace) -> dict[str, str]:
    """Return the texts of the manifests of Python packages, by path.

    Raises:
        UsageError: one cannot be read.
    """
    packages = (package for package in space.packages.values() if package.is_python)
    paths = (f"{package.path}/{ROOT_MANIFEST}" for package in packages)
    return {path: text_files.read(space.root, path) for path in paths}


def _built(space: Workspace, package: Package) -> list[str]:
    """Return the packages in the closure of a uv project whose versions are known by building."""
    members = (space.packages[path] for path in closure(space, package))
    return [one.path for one in members if _is_built(one)]


def _mirror(space: Workspace, manifests: Mapping[str, str], draft: Path) -> None:
    """Write manifests, and the locks of uv projects, to the paths that they have in `draft`."""
    for path, text in manifests.items():
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text(text, encoding="utf-8")
    for path in space.projects:
        if (file := space.root / path / LOCK).exists():
            (draft / path / LOCK).write_bytes(file.read_bytes())


def _give_versions(space: Workspace, draft: Path) -> None:
    """Write a version where only building tells it: into manifests in `draft`, and into locks.

    A lock has none of such a package. uv compares both, and does not ask whether others allow it.
    """
    built = [one for one in space.packages.values() if one.is_python and _is_built(one)]
    for package in built:
        file = draft / package.path / ROOT_MANIFEST
        text = _DYNAMIC.sub(r'\g<1>version = "0"', file.read_text(encoding="utf-8"), count=1)
        file.write_text(text, encoding="utf-8")
    for path in space.projects if built else ():
        if (file := draft / path / LOCK).exists():
            content = file.read_bytes()
            for package in built:
                name = f'name = "{fold(package.name)}"\n'.encode()
                content = content.replace(name + b"source", name + b'version = "0"\nsource')
            file.write_bytes(content)


def _is_built(package: Package) -> bool:
    """Return whether the version of a Python package is known by building it."""
    return "version" in package.manifest["project"].get("dynamic", ())


def _command(space: Workspace, draft: Path, package: Package, *flags: object) -> list[object]:
    """Return the command that locks a uv project in `draft`."""
    python = space.root / ".venv/bin/python"
    command = [uv.program(space.root), "lock", "--project", draft / package.path]
    return [*command, "--python", python, "--no-python-downloads", *flags]


def _lock(
    space: Workspace,
    draft: Path,
    flags: Sequence[str],
    limit: datetime | None,
    package: Package,
) -> str:
    """Lock a uv project in `draft`, and return the text of the lock.

    Raises:
        TaskError: no set of versions satisfies it.
    """
    builds = [*space.built_from_source, *_built(space, package)]
    for path in _built(space, package):
        _link(space.root / path, draft / path)
    # Neither its metadata nor that of an sdist is worth running code that is not allowed.
    closed = [] if builds else ["--no-build"]
    command = _command(space, draft, package, *closed)
    doing = f"lock: {package.path}"
    try:
        if limit and space.own_pins(package):
            if _lock_within(space, [*command, *flags], limit, draft, package):
                # The lock records the limit: the next call without one keeps the versions.
                flags = []
        uv.call([*command, *flags], space.root, doing)
    except TaskError as error:
        raise TaskError(_with_advice(package, str(error))) from error
    file = draft / package.path / LOCK
    text = file.read_text(encoding="utf-8")
    if apart := indexes.read(space.root):
        from monorepo.programs import index_router

        text = index_router.recorded(text)
        _check_sources(apart, draft, package, text)
    return text


def _check_sources(
    apart: Sequence[indexes.Index], draft: Path, package: Package, text: str
) -> None:
    """Check that `uv sync` alone would ask no other index for a name that has one of its own.

    Raises:
        TaskError: what only an own pin requires has no source.
    """
    manifest = (draft / package.path / ROOT_MANIFEST).read_text(encoding="utf-8")
    sources = written(manifest).get("sources", {})
    names = {hashes.name_of(pin) for pin in pins_of(text, f"{package.path}/{LOCK}")}
    wrong = sorted(name for name in names - sources.keys() if indexes.owner(name, apart))
    if wrong:
        what = f"{', '.join(wrong)}: has an index of its own, and only an own pin requires it"
        advice = f"list it as well: {OWN_PINS}"
        raise TaskError(f"lock: {package.path}: {what}; {advice}")


def _lock_within(
    space: Workspace, command: Sequence[object], limit: datetime, draft: Path, package: Package
) -> bool:
    """Lock a uv project without releases after `limit`, if indexes report upload times.

    Returns:
        Whether it is locked: False if the usual index reports none.

    Raises:
        TaskError: no set of versions satisfies it.
    """
    text = (draft / package.path / ROOT_MANIFEST).read_text(encoding="utf-8")
    fixed = written(text).get("constraint-dependencies", [])
    free = {hashes.name_of(pin) for pin in fixed if "==" in pin}
    while True:
        words = [f"--exclude-newer={limit:%Y-%m-%dT%H:%M:%SZ}"]
        words += [f"--exclude-newer-package={name}=false" for name in sorted(free)]
        failed: TaskError | None = None
        try:
            messages = uv.call([*command, *words], space.root, f"lock: {package.path}")
        except TaskError as error:
            messages, failed = str(error), error
        undated = resolution.undated_of_other_indexes(space, messages) - free
        if not undated and failed and resolution.NO_DATE not in messages:
            raise failed
        if not undated:
            return not failed
        free |= undated


def _link(package: Path, draft: Path) -> None:
    """Link what a build of a package reads into its folder in a draft."""
    for entry in package.iterdir():
        if not os.path.lexists(draft / entry.name):
            (draft / entry.name).symlink_to(entry)


def _with_advice(package: Package, message: str) -> str:
    """Add to uv's error what to do about a uv project that the pins do not satisfy."""
    if "No solution found" not in message:
        return message
    _, _, shown = message.partition("\n")
    advice = f"move them, or pin a name for it alone: {OWN_PINS}"
    head = f"lock: {package.path}: needs other versions than those in {PINS}; {advice}"
    return f"{head}\n{shown}"


def _outdated(space: Workspace, draft: Path, package: Package) -> str:
    """Return why the lock of a uv project in `draft` is not up to date; "" if it is."""
    command = _command(space, draft, package, "--check", "--offline", "--no-build")
    try:
        uv.call(command, space.root, f"lock-check: {package.path}")
    except TaskError as error:
        needs = "needs to be updated" in str(error)
        reason = "is out of date" if needs else " ".join(str(error).split())
        return f"{package.path}/{LOCK}: {reason}; run make lock"
    return ""
