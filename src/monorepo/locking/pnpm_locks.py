"""Resolve, prune and check pnpm-lock.yaml."""

import contextlib
import json
import posixpath
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import reduce
from pathlib import Path
from typing import Any

from monorepo.core.languages import AREAS
from monorepo.core.naming import fold
from monorepo.core.workspace import NODE_GROUPS, Package, Workspace
from monorepo.parsing import pnpm_lockfile
from monorepo.parsing.pnpm_lockfile import Lock
from monorepo.programs import pnpm
from monorepo.system import text_files
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import CommandError
from monorepo.system.text_files import MalformedError
from monorepo.templating import sub_templates

LOCK = "pnpm-lock.yaml"
# The lock of the sub-templates, so that adding a package needs no network.
TEMPLATES_LOCK = f"tools/{LOCK}"
SETTINGS = "pnpm-workspace.yaml"
# The advice about a locked package that does not come from the registry.
NO_STRANGERS = "run make lock, or restore the file"
# The stamp of the last installation.
STAMP = "node_modules/monorepo.json"
# The list `packages` of pnpm-workspace.yaml, in the style of pnpm's documentation.
_LISTED = re.compile(r"^packages:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-.*|#.*)?\n)*)", re.MULTILINE)
# `npm:` installs a package under another name.
_ALIAS = re.compile(r"npm:(@?[^@]+)")
# Specifiers of local packages.
_LOCAL = ("workspace:", "link:", "file:", "./", "../", "/")
# What pnpm says of peer dependencies, on one line: the peer, its version if there is one, and who
# wants it; and of these, the versions and the first one that wants them.
_PEER = re.compile(r"✕ (?:unmet|missing) peer (\S+)(?: Installed: (\S+))? Wanted: (.*?)(?= ✕ |\Z)")
_WANTED = re.compile(r"""(?:"([^"]+)"|(\S+)): (@?[^@\s]+)@(\S+)""")
_ENTRY = re.compile(r"""^[ \t]*-[ \t]+["']?([^"'#\n]+?)["']?[ \t]*(?:#.*)?$""", re.MULTILINE)


def settings(root: Path) -> Mapping[str, Any]:
    """Return the content of pnpm-workspace.yaml.

    Raises:
        UsageError: it cannot be read.
    """
    from monorepo.parsing import data_formats

    try:
        return data_formats.yaml(text_files.read(root, SETTINGS))
    except MalformedError as error:
        raise error.of(SETTINGS) from error


def members(space: Workspace) -> dict[str, Mapping[str, Any]]:
    """Return the package.json of each folder of pnpm-workspace.yaml that is not in our areas.

    A team may have folders of its own, such as apps/*, and pnpm installs them as well.

    Raises:
        UsageError: one cannot be read.
    """
    listed = _LISTED.search(text_files.read(space.root, SETTINGS))
    globs = (
        [glob.removeprefix("./").rstrip("/") for glob in _ENTRY.findall(listed[1])]
        if listed
        else []
    )
    refused = [glob[1:].removeprefix("./") for glob in globs if glob[0] == "!"]
    ours = {f"{area}/*" for area in AREAS}
    found: dict[str, Mapping[str, Any]] = {}
    for glob in globs:
        if glob in ours or glob[0] in "!/" or ".." in glob:
            continue
        for file in sorted(space.root.glob(f"{glob}/package.json")):
            path = file.parent.relative_to(space.root).as_posix()
            left_out = "node_modules" in file.parts or any(
                fnmatchcase(path, glob) for glob in refused
            )
            area = path.rpartition("/")[0]
            # In the flat layout there may be folders of the team's own among the packages.
            here = path in space.packages or path in space.broken or area in AREAS
            if path != "." and not (left_out or here or path in found):
                found[path] = _manifest(space.root, f"{path}/package.json")
    return found


def _manifest(root: Path, path: str) -> Mapping[str, Any]:
    try:
        return text_files.json_object(text_files.read(root, path))
    except MalformedError as error:
        raise error.of(path) from error


def importers(space: Workspace) -> dict[str, Mapping[str, Any]]:
    """Return each package.json that pnpm installs, by the path of its folder; `.` is the root.

    Raises:
        UsageError: one cannot be read.
    """
    root = {".": _manifest(space.root, "package.json")}
    return {
        **root,
        **{package.path: package.manifest for package in packages(space)},
        **members(space),
    }


def place_of(root: Path, file: str, name: str) -> str:
    """Return `file:line` of a key, or the file if the key is not found."""
    try:
        rows = text_files.read(root, file).splitlines()
    except UsageError:
        return file
    word = re.compile(rf"""["']?{re.escape(name)}["']?\s*:""")
    return next((f"{file}:{at}" for at, row in enumerate(rows, 1) if word.search(row)), file)


def packages(space: Workspace) -> list[Package]:
    """Return the JavaScript packages."""
    return [package for package in space.packages.values() if package.is_javascript]


def _lock(root: Path, path: str = LOCK) -> pnpm_lockfile.Lock:
    return pnpm_lockfile.parse(text_files.read(root, path), path)


def importer_of(template: str) -> str:
    """Return the importer key of a sub-template in its lock, which has to be a folder for pnpm."""
    return f"templates/{template}"


def graft(space: Workspace, added: Sequence[tuple[Package, str]]) -> str:
    """Return the text of pnpm-lock.yaml with packages added from sub-templates. No network.

    Raises:
        UsageError: the locks do not match the sub-templates.
    """
    source = _lock(space.root, TEMPLATES_LOCK)
    if (space.root / LOCK).exists():
        lock = _lock(space.root)
    else:
        lock = pnpm_lockfile.prune(source, ["."])
    places = {package.name: package.path for package in packages(space)}
    for package, template in added:
        importer = importer_of(template)
        lock = pnpm_lockfile.graft(lock, source, importer, package.path, package.manifest, places)
    return str(lock)


def prune(space: Workspace, gone: str) -> str:
    """Return the text of pnpm-lock.yaml with the packages of `space`, without the one at `gone`."""
    lock = pnpm_lockfile.without_links(_lock(space.root), gone)
    return str(pnpm_lockfile.prune(lock, importers(space)))


def locked(root: Path) -> set[str]:
    """Return the names of the npm packages in pnpm-lock.yaml, if there is one."""
    if not (root / LOCK).exists():
        return set()
    lock = _lock(root)
    return {key.rpartition("@")[0] for key in lock.packages}


def only_templates(root: Path, text: str) -> str:
    """Return the lock of the sub-templates with only those that `root` supports.

    They have what is in the catalog of `root` alone: its answers decide about both.
    """
    lock = pnpm_lockfile.parse(text)
    lock = pnpm_lockfile.within_catalog(lock, settings(root).get("catalog") or {})
    here = {".", *map(importer_of, sub_templates.every(root))}
    return str(pnpm_lockfile.prune(lock, [path for path in lock.importers if path in here]))


def resolve(
    space: Workspace, samples: Sequence[Package], upgrade: Sequence[str], draft: Path
) -> dict[str, str]:
    """Return the texts of both locks for the current manifests.

    Packages and sub-templates are resolved together, in a copy of their manifests, so that both
    locks have the same versions.

    Args:
        space: the repository.
        samples: what the sub-templates make.
        upgrade: names that may move; `all` for all.
        draft: an empty folder to work in.

    Raises:
        TaskError: pnpm found no solution; the message has its output.
    """
    root = draft / "node"
    root.mkdir()
    manager = pnpm.locked(space.root, move="pnpm" in upgrade)
    pnpm.ready(space.root, pnpm.read(manager))
    (root / "package.json").write_text(manager, encoding="utf-8")
    for name in (SETTINGS, ".npmrc"):
        if (space.root / name).exists():
            shutil.copy2(space.root / name, root)
    here = [path for path in importers(space) if path != "."]
    for path in here:
        (root / path).mkdir(parents=True)
        # From memory: a package that is being added has no folder yet.
        text = json.dumps(importers(space)[path])
        (root / path / "package.json").write_text(text, encoding="utf-8")
    named = {importer_of(sample.folder.name): sample for sample in samples if sample.is_javascript}
    for path, sample in named.items():
        (root / path).mkdir(parents=True)
        manifest = json.dumps(without_siblings(sample.manifest))
        (root / path / "package.json").write_text(manifest, encoding="utf-8")
    locks = [path for path in (LOCK, TEMPLATES_LOCK) if (space.root / path).exists()]
    known = [_lock(space.root, path) for path in locks]
    if known:
        (root / LOCK).write_text(str(reduce(pnpm_lockfile.merge, known)), encoding="utf-8")
    globs = [f"--workspace-packages={path}" for path in [*here, *named]]
    words = ["install", "--lockfile-only", "--no-frozen-lockfile", *globs]
    _run(space, words, root)
    if upgrade:
        _move(space, root, [*globs], upgrade)
    both = _lock(root)
    names = {key.rpartition("@")[0] for key in both.packages}
    if strays := sorted(name for name in names if space.is_stray(name)):
        what = "a dependency requires it, and it is in the scope of this repository"
        raise UsageError(*(f"{LOCK}: {name}: {what}; remove that dependency" for name in strays))
    return {
        "package.json": manager,
        LOCK: str(pnpm_lockfile.prune(both, [".", *here])),
        TEMPLATES_LOCK: str(pnpm_lockfile.prune(both, [".", *named])),
        SETTINGS: (root / SETTINGS).read_text(encoding="utf-8"),
    }


def without_siblings(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the package.json of a sample without internal dependencies."""
    kept = dict(manifest)
    for group in NODE_GROUPS:
        asked = manifest.get(group, {})
        kept[group] = {name: at for name, at in asked.items() if not at.startswith("workspace:")}
    return kept


def _move(space: Workspace, root: Path, globs: list[str], upgrade: Sequence[str]) -> None:
    """Upgrade the copy at `root`: exact versions to the latest, others within their range."""
    catalogs = _lock(root).catalogs
    exact = {name for (_, name), entry in catalogs.items() if "specifier: ^" not in entry}
    asked = [
        manifest.get(group, {}) for manifest in importers(space).values() for group in NODE_GROUPS
    ]
    every = exact | {
        name
        for table in asked
        for name, wanted in table.items()
        if not wanted.startswith("workspace:")
    }
    chosen = every if "all" in upgrade else every & set(upgrade)
    for flags, names in (["--latest"], chosen & exact), ([], chosen - exact):
        if names:
            words = ["update", "--recursive", "--lockfile-only", *globs, *flags, *sorted(names)]
            _run(space, words, root)


def _run(space: Workspace, words: Sequence[object], cwd: Path) -> None:
    """Run pnpm in the copy at `cwd`.

    Raises:
        UsageError: packages want other versions of a peer dependency than the one that is pinned.
        TaskError: it failed otherwise; the message has its output.
    """
    try:
        pnpm.run(space.root, words, cwd, f"lock: {LOCK}")
    except TaskError as error:
        output = error.__cause__.output if isinstance(error.__cause__, CommandError) else ""
        if wrong := list(_unmet_peers(space.root, output)):
            raise UsageError(*wrong) from error
        raise


def _unmet_peers(root: Path, output: str) -> Iterator[str]:
    """Yield a line for each peer dependency that pnpm, in its output, finds missing or unfit."""
    # The path of an importer is alone on its line.
    _, *parts = re.split(r"^([\w@./-]+)$", output, flags=re.MULTILINE)
    for importer, text in zip(parts[::2], parts[1::2], strict=True):
        for name, installed, wanted in _PEER.findall(" ".join(text.split())):
            # Of the packages that want the same versions, the first requires the others, if at all.
            tools = [
                (tool, version, quoted or versions)
                for quoted, versions, tool, version in _WANTED.findall(wanted)
            ]
            said = ", ".join(f"{tool} {version} wants {name} {it}" for tool, version, it in tools)
            whose = " and ".join(tool for tool, _, _ in tools)
            kind = importer.removeprefix(importer_of(""))
            user = importer if kind == importer else f"the sub-template {kind}"
            if installed:
                place = place_of(root, SETTINGS, name)
                fix = f"pin a {name} that fits, or another version of {whose}"
                yield f"{place}: in {user}, {said}, but {installed} is pinned; {fix}"
            else:
                fix = f"declare {name} there as well"
                yield f"{importer}/package.json: {said}, which it does not declare; {fix}"


def check(
    space: Workspace,
    left_out: Iterable[str] = (),
    manifests: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[str]:
    """Return how pnpm-lock.yaml differs from manifests and settings: one line each.

    It needs neither pnpm nor network, and runs no code of the repository.

    Args:
        space: the repository.
        left_out: the paths of packages that are not in this checkout.
        manifests: what pnpm installs, if some of it cannot be read; see `importers`.

    Raises:
        UsageError: a file cannot be read.
    """
    from monorepo.locking import pnpm_drift

    lock = _lock(space.root)
    manifests = importers(space) if manifests is None else manifests
    found = [*pnpm_drift.in_manifests(LOCK, lock, manifests, space.lost)]
    # The first installation runs without PyYAML; pnpm checks the settings as well.
    with contextlib.suppress(ModuleNotFoundError):
        told, templates = settings(space.root), TEMPLATES_LOCK
        found += pnpm_drift.in_settings(LOCK, lock, told)
        if (space.root / templates).exists():
            others = pnpm_drift.in_settings(templates, _lock(space.root, templates), told)
            known = {one.needle for one in found}
            found += [one for one in others if one.needle not in known]
    lines = []
    for difference in found:
        place = (
            place_of(space.root, difference.path, difference.needle.strip('":'))
            if difference.needle
            else difference.path
        )
        lines.append(f"{place}: {difference.message}; run make lock")
    known = {".", *manifests, *space.broken, *left_out}
    gone = sorted(lock.importers.keys() - known)
    lines += [f"{LOCK}: has {path}, which is not here; run make lock" for path in gone]
    try:
        pnpm_lockfile.prune(lock, lock.importers)
    except UsageError as error:
        lines += error.mistakes
    return lines


def in_samples(root: Path, lock: Lock, samples: Iterable[Package]) -> Iterator[tuple[str, str]]:
    """Yield what sub-templates require and their lock lacks: a path, and a message.

    Args:
        root: the repository.
        lock: the content of tools/pnpm-lock.yaml.
        samples: what the sub-templates make.
    """
    from monorepo.locking import pnpm_drift

    for sample in samples:
        kind = sample.folder.name
        if sample.is_javascript:
            asked = {importer_of(kind): without_siblings(sample.manifest)}
            for one in pnpm_drift.in_manifests(TEMPLATES_LOCK, lock, asked):
                yield sub_templates.place(root, kind, TEMPLATES_LOCK, one.message)


def check_samples(space: Workspace, samples: Iterable[Package]) -> list[str]:
    """Return how tools/pnpm-lock.yaml differs from sub-templates: one line each; see `check`.

    Args:
        space: the repository.
        samples: what the sub-templates make.

    Raises:
        UsageError: the lock cannot be read.
    """
    lock = _lock(space.root, TEMPLATES_LOCK)
    found = in_samples(space.root, lock, samples)
    return [f"{path}: {message}; run make lock" for path, message in found]


def outdated(space: Workspace) -> list[str]:
    """Return pnpm's report of the versions that `make lock UPGRADE=all` could change."""
    if wrong := refused(space):
        raise UsageError(*wrong)
    pnpm.ready(space.root)
    return pnpm.output(space.root, ["outdated", "--recursive", "--format", "list"], "outdated")


def refused(space: Workspace, sampled: Sequence[Package] = ()) -> list[str]:
    """Return the npm packages that must not be requested from a registry: one line each.

    These are internal packages without `workspace:`, and names in the scope of this repository that
    are not packages here: somebody else may have registered them.
    """
    manifests = importers(space)
    names = [package.name for package in sampled] + [
        str(package.get("name")) for package in manifests.values()
    ]
    here = {*space.by_name, *space.lost, *map(fold, names)}
    wrong = []
    for path, manifest in manifests.items():
        file = posixpath.normpath(f"{path}/package.json")
        for group in NODE_GROUPS:
            for name, wanted in _items(manifest.get(group)):
                if what := _asked_of_registry(space, here, name, wanted):
                    wrong.append(f"{place_of(space.root, file, name)}: {what}")
    for name, wanted in listed(settings(space.root)):
        if what := _asked_of_registry(space, here, name, wanted):
            wrong.append(f"{place_of(space.root, SETTINGS, name)}: {what}")
    for sample in sampled:
        for name, wanted in sample.node_dependencies.items() if sample.is_javascript else ():
            # A sub-template may depend on a package that is not here yet.
            local = wanted.startswith(_LOCAL)
            if not local and (what := _asked_of_registry(space, here, name, wanted)):
                wrong.append(f"sub-template {sample.folder.name}: {what}")
    return list(dict.fromkeys(wrong))


def _items(table: object) -> Iterator[tuple[str, str]]:
    for name, wanted in table.items() if isinstance(table, dict) else ():
        yield str(name), str(wanted)


def listed(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and versions in pnpm-workspace.yaml."""
    yield from _items(settings.get("catalog"))
    yield from _items(settings.get("configDependencies"))
    for catalog in (settings.get("catalogs") or {}).values():
        yield from _items(catalog)
    for name, wanted in _items(settings.get("overrides")):
        # The key of an override may start with a dependent, and end with a range.
        last = name.rpartition(">")[2]
        yield last[:1] + last[1:].partition("@")[0], wanted


def _asked_of_registry(space: Workspace, here: set[str], name: str, wanted: str) -> str:
    """Return why a dependency must not be requested from a registry; "" if it may."""
    if wanted.startswith("workspace:"):
        known = fold(name) in here or "@" in wanted
        return "" if known else f"{name}: is not a package here; correct the name, or remove it"
    if wanted.startswith(_LOCAL):
        return ""
    alias = _ALIAS.match(wanted)
    real = alias[1] if alias else name
    if fold(real) in here and fold(real) not in space.external:
        return f'{name}: {wanted} is requested from the registry; write "workspace:*"'
    if space.is_stray(real):
        advice = f'correct it, or allow it: external = ["{real}"] in [tool.monorepo]'
        return f"{real}: is in the scope of this repository, but is not a package here; {advice}"
    return ""
