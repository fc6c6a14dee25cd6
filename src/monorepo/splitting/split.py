"""`make split`: a module of a package becomes a shared package of its own, in one transaction."""

import contextlib
import copy
import fnmatch
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monorepo.core import naming, workspace
from monorepo.core.languages import FLAT, Kind
from monorepo.core.workspace import NODE_GROUPS, ROOT_MANIFEST, Package, Workspace
from monorepo.dependencies import entry_points, providers
from monorepo.generation import code_owners, moving, records
from monorepo.graph import packages as graph
from monorepo.guard import accepted, runner
from monorepo.guard.findings import covers
from monorepo.guard.repository import Sources
from monorepo.layout import applying, places, tree
from monorepo.layout.tree import Moved
from monorepo.locking import projects
from monorepo.parsing.javascript import SUFFIXES
from monorepo.programs.git import Git
from monorepo.scaffold import addition
from monorepo.splitting import (
    documents,
    edn_manifests,
    javascript,
    node_manifests,
    python,
    python_manifests,
)
from monorepo.splitting.python_manifests import Declared
from monorepo.splitting.splitting import ENTRY, Look, Plan, Result, Split
from monorepo.syncing import node_package, python_project, sync, toml_text
from monorepo.syncing.making import MANIFESTS
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError


def split(root: Path, at: str, module: str, to: str = "", *, dry_run: bool = False) -> Result:
    """Make a shared package of a module of a package; who imports it imports that.

    Args:
        root: the repository.
        at: the package, by path or by name.
        module: the module: `audio`, or `a.b`.
        to: the path of the new package; by default, that of the module's name.
        dry_run: change nothing.

    Raises:
        UsageError: there is no such package or module, the packages would need each other, or
            something is not committed.
        TaskError: git failed. After an error nothing has changed.
    """
    at, to = at.rstrip("/"), to.rstrip("/")
    if wrong := [
        f"{flag}: is missing; give {example}"
        for flag, word, example in (
            ("PKG", at, "the package, such as PKG=shared/py/core"),
            ("MODULE", module, "a module of it, such as MODULE=audio"),
        )
        if not word
    ]:
        raise UsageError(*wrong)
    git = Git(root)
    git.refuse_unready()
    space = workspace.load_whole(root)
    (package,) = space.select([at])
    wanted = plan(space, package, module, to)
    done = Result(wanted)

    def change(tree_root: Path, files: list[str]) -> Moved:
        _change(space, tree_root, files, done)
        return Moved(done.changed)

    moves = {path: wanted.path(path) for path in wanted.paths}
    applied = applying.apply(git, "split", moves, change, wanted.path, dry_run=dry_run)
    done.changed = applied.moved.changed
    if dry_run:
        done.diff = applied.diff.splitlines()
    return done


def plan(space: Workspace, package: Package, module: str, to: str) -> Split:
    """Return what a module of a package becomes.

    Raises:
        UsageError: it cannot.
    """
    name, paths = (python if package.is_python else javascript).find(package, module)
    if starts := [one for one in entries(Sources(space), package) if _is_in(one, paths)]:
        fix = "move code of it to a module of its own, and split that off"
        raise UsageError(f"{starts[0]}: starts {package.path}, and stays; {fix}")
    area = f"{Kind.SHARED}/{package.language}"
    namespace = str(space.facts["namespace"])
    folder, _, _ = to.rpartition("/")
    if not to:
        to, grouped = _place(space, package, _last(name))
    elif folder == FLAT:
        grouped = places.of_new(space, to, f"{Kind.SHARED}-{package.language}")
    else:
        grouped = to
    if wrong := naming.path_problem(grouped, namespace):
        raise UsageError(f"AT: {to} {wrong}")
    if grouped.rpartition("/")[0] != area:
        raise UsageError(f"AT: {to}: a module becomes a shared package; give a path in {area}")
    template = f"{Kind.SHARED}-{package.language}" if package.is_flat or folder == FLAT else None
    addition.validate(space.root, to, template, ())
    title = naming.package_name(namespace, grouped)
    imported = title if package.is_javascript else title.replace("-", "_")
    return Split(package, name, tuple(paths), to, title, imported)


def _last(module: str) -> str:
    """Return the name that the package of a module has by default."""
    return naming.fold(re.split(r"[./]", module)[-1].strip("_"))


def _place(space: Workspace, package: Package, name: str) -> tuple[str, str]:
    """Return the path that a package with a name has by default, and that in the grouped layout."""
    grouped = f"{Kind.SHARED}/{package.language}/{name}"
    return (places.flat_path(space, grouped) if package.is_flat else grouped), grouped


def command(sources: Sources, package: Package, files: Iterable[str]) -> str:
    """Return the command that makes a shared package of a module of a service.

    It is one that imports nothing of the rest. Where each does, it is the first: the command says
    what to move.

    Args:
        sources: the files of the repository.
        package: the service.
        files: files of it; the module is one that some of them are in.

    Returns:
        The command for a shell; "" if none of the files is in a module that can go.
    """
    starts = entries(sources, package)
    modules: dict[str, list[str]] = {}
    for file in files:
        for name, paths in _modules(package, file):
            if not any(_is_in(one, paths) for one in starts):
                modules[name] = paths
                break
    needing = partial(_needs_rest, sources, package)
    free = (name for name in modules if not needing(name, modules[name]))
    name = next(free, next(iter(modules), ""))
    if not name:
        return ""
    to, grouped = _place(sources.space, package, _last(name))
    namespace = str(sources.space.facts["namespace"])
    words = f"make split PKG={package.path} MODULE={name}"
    if not (naming.path_problem(grouped, namespace) or (package.root / to).exists()):
        return words
    service = package.grouped.rpartition("/")[2]
    return f"{words} AT={_place(sources.space, package, f'{service}-{_last(name)}')[0]}"


def _modules(package: Package, file: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the modules that a file is in, outer ones first: the name and the paths of each."""
    start = f"{package.path}/src/" + f"{package.import_name}/" * package.is_python
    inner = file.removeprefix(start).rpartition(".")[0].removesuffix("/__init__")
    parts = inner.split("/") if file.startswith(start) else []
    for depth in range(1, len(parts) + 1):
        with contextlib.suppress(UsageError):
            language = python if package.is_python else javascript
            yield language.find(package, ".".join(parts[:depth]))


def _needs_rest(sources: Sources, package: Package, name: str, paths: Sequence[str]) -> bool:
    """Tell whether a module imports something else of its package."""
    mine = [one for one in sources.by_package[package.path] if _is_in(one, paths)]
    if package.is_python:
        whole = f"{package.import_name}.{name}"
        return any(
            f"{row.module}.".startswith(f"{package.import_name}.")
            and not f"{row.module}.".startswith(f"{whole}.")
            and not f"{whole}.".startswith(f"{row.module}.")
            for file in mine
            for row in sources.imports(file)
        )
    base = f"{package.path}/src/{name}"
    return any(
        not f"{javascript.stem(path)}/".startswith(f"{base}/")
        for file in mine
        if file.endswith(SUFFIXES)
        for row in sources.imports(file)
        if row.module.startswith(".")
        if (path := posixpath.normpath(posixpath.join(posixpath.dirname(file), row.module)))
    )


def entries(sources: Sources, package: Package) -> list[str]:
    """Return the modules of a service or an app that stay: they start it."""
    if package.is_shared:
        return []
    suffixes = python.SUFFIXES[:1] if package.is_python else SUFFIXES
    start = f"{package.path}/src/"
    modules = {one for one in sources.by_package[package.path] if one.endswith(suffixes)}
    inside = {one for one in modules if one.startswith(start)}
    starts = {entry_points.entry(package, inside)} - {""}
    folder = f"{start}{package.import_name}/" if package.is_python else start
    return sorted(starts | {one for one in inside if one.startswith(f"{folder}{ENTRY}.")})


def _is_in(file: str, paths: Iterable[str]) -> bool:
    return any(f"{file}/".startswith(f"{path}/") for path in paths)


def _change(space: Workspace, root: Path, files: list[str], done: Result) -> None:
    """Split the package in the tree at a root, which has the given files."""
    split = done.split
    before = workspace.load_whole(root)
    texts = {file: text for file in files if (text := _read(root, file)) is not None}
    subpaths: dict[str, str] = {}
    if split.package.is_python:
        changes = python.plan(before, split, texts, files)
    else:
        changes, subpaths = javascript.plan(before, split, texts, files)
    _thin(before, changes, texts)
    _generated(before, split, changes, texts, files)
    documents.sections(split, changes, texts)
    documents.paths(split, changes, texts)
    template = (
        f"{Kind.SHARED}-{split.package.language}" if split.at.startswith(f"{FLAT}/") else None
    )
    addition.add(root, [split.at], template=template, example=False)
    done.moved, done.look = changes.moved, changes.told
    made = tree.files_of(root / split.at)
    done.changed += [f"{split.at}/{file}" for file in made]
    for file, new in changes.moved.items():
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / file).rename(root / new)
        tree.remove_empty(root, Path(file).parent)
        done.changed += [new] if file in changes.texts else []
    for file, text in changes.texts.items():
        new = changes.moved.get(file, file)
        _write(root, new, text)
        done.changed.append(new)
    for file, alter in changes.made.items():
        if (root / file).is_file():
            _write(root, file, alter((root / file).read_text(encoding="utf-8")))
    _relink(root, files, split, changes)
    if split.package.is_python:
        _python_manifests(space, root, split, changes, done)
    else:
        _node_manifests(root, split, changes, subpaths, done)
    _sync(root, done)
    after = workspace.load_whole(root)
    if (circle := graph.cycle(graph.consumed(after))) and not graph.cycle(graph.consumed(before)):
        what = f"{' would need '.join(circle)}, a cycle"
        raise UsageError(f"{split.package.path}: {what}; have one do without the other first")
    done.look += _lost_inputs(after, split)
    _end_exceptions(after, split, done)
    for path, text in projects.drift(after) if after.projects else ():
        _write(root, path, text)
        done.changed.append(path)
    if (root / code_owners.FILE).is_file():
        owned = text_files.read(root, code_owners.FILE)
        _write(root, code_owners.FILE, code_owners.updated(after, owned))
    done.changed = [*dict.fromkeys(done.changed)]


def _sync(root: Path, done: Result) -> None:
    """Write what manifests in EDN say, in their order."""
    packages = {str(Path(file).parent) for file in done.changed if file.endswith(MANIFESTS)}
    if packages and find_spec("pydantic"):
        found = sync.plan(root, [*packages])
        if found.mistakes:
            raise UsageError(*found.mistakes)
        for drift in found.drift:
            _write(root, drift.path, drift.text)
            done.changed.append(drift.path)


def _python_manifests(
    space: Workspace, root: Path, split: Split, changes: Plan, done: Result
) -> None:
    """Write what each Python package declares afterwards."""
    distributions = providers.of(Sources(space))
    after = workspace.load_whole(root)
    new = Declared.of(after.packages[split.at])
    internal = after.by_name
    # The names of its entry points have followed.
    old = Declared.of(after.packages[split.package.path])
    lost, told = python_manifests.divide(distributions, split, changes, old, new)
    done.notes += told
    wanted = {split.package.path: old, split.at: new}
    for package in after.packages.values():
        if package.is_python and package.path not in wanted:
            found = python_manifests.follow(package, split, changes, lost, new)
            if found:
                wanted[package.path] = found
    for path, declared in wanted.items():
        package = after.packages[path]
        _write_manifest(root, package, declared, internal, done)
    _settings(root, split, after, new, old, done)


def _write_manifest(
    root: Path, package: Package, declared: Declared, internal: Mapping[str, Package], done: Result
) -> None:
    path = package.manifest_path
    text = text_files.read(root, path)
    try:
        written = python_project.write(text, declared.wanted)
    except MalformedError as error:
        raise error.of(path) from error
    if written == text:
        return
    before = Declared.of(package).wanted
    for table in _tables(before["project"]):
        written = toml_text.without_empty(written, ("project", *table))
    _write(root, path, written)
    done.changed.append(path)
    for name in MANIFESTS:
        file = f"{package.path}/{name}"
        if (root / file).is_file():
            edn = text_files.read(root, file)
            _write(root, file, edn_manifests.python(edn, file, before, declared.wanted, internal))
            done.changed.append(file)


def _tables(project: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the tables in a project that have something, inner ones first."""
    for key, value in project.items():
        if value and isinstance(value, Mapping):
            yield from ((key, *inner) for inner in _tables(value))
            yield (key,)


def _node_manifests(
    root: Path, split: Split, changes: Plan, subpaths: Mapping[str, str], done: Result
) -> None:
    """Write what each JavaScript package declares afterwards, and what is compiled before it."""
    after = workspace.load_whole(root)
    new: dict[str, Any] = copy.deepcopy(dict(after.packages[split.at].manifest))
    if owners := split.package.settings.get(code_owners.KEY):
        new["monorepo"] = {**new.get("monorepo", {}), code_owners.KEY: owners}
    old = node_manifests.divide(split, changes, new, subpaths)
    if "monorepo" in old:
        # What it generates has followed.
        old["monorepo"] = after.packages[split.package.path].manifest["monorepo"]
    wanted = {split.package.path: old, split.at: new}
    for package in after.packages.values():
        if package.is_javascript and package.path not in wanted:
            if found := node_manifests.follow(package, split, changes):
                wanted[package.path] = found
    both = {split.at: split.name, split.package.path: split.package.name}
    names = {name for key in NODE_GROUPS for name in split.package.manifest.get(key, {})}
    # What is compiled before the old package now is compiled before the new one, or before both.
    compiled = both | {
        path: one.name
        for path, one in after.packages.items()
        if one.name in names and (one.folder / node_manifests.BUILD).is_file()
    }
    for path, document in wanted.items():
        _write_node(root, after.packages[path], document, done)
        file = f"{path}/{node_manifests.BUILD}"
        if (root / file).is_file():
            text = text_files.read(root, file)
            needs = {
                other: any(name in document.get(group, {}) for group in node_manifests.COMPILED)
                for other, name in (compiled if path in both else both).items()
                if other != path
            }
            written = node_manifests.references(text, path, needs)
            if written != text:
                _write(root, file, written)
                done.changed.append(file)


def _write_node(root: Path, package: Package, document: Mapping[str, Any], done: Result) -> None:
    path = package.manifest_path
    text = text_files.read(root, path)
    keys = (*NODE_GROUPS, "peerDependenciesMeta", "exports", "monorepo")
    wanted = {key: document.get(key) for key in keys if key in document or key in package.manifest}
    try:
        written = node_package.write(text, wanted)
    except MalformedError as error:
        raise error.of(path) from error
    if written == text:
        return
    _write(root, path, written)
    done.changed.append(path)
    groups, exports = node_manifests.changes(package.manifest, document)
    for name in MANIFESTS:
        file = f"{package.path}/{name}"
        if (root / file).is_file():
            edn = text_files.read(root, file)
            _write(root, file, edn_manifests.node(edn, file, groups, exports))
            done.changed.append(file)


def _settings(
    root: Path, split: Split, space: Workspace, new: Declared, old: Declared, done: Result
) -> None:
    """Have the settings go along that are about the module, or about what it requires."""
    texts = {
        one: text_files.read(root, f"{one}/pyproject.toml")
        for one in (split.package.path, split.at)
    }
    before = space.packages[split.package.path].manifest
    data = before.get("tool", {}).get("setuptools", {}).get("package-data", {})
    for key, patterns in data.items() if isinstance(data, dict) else ():
        _package_data(split, key, patterns, texts)
    reasons = split.package.settings.get("unimported", {})
    for name, reason in reasons.items() if isinstance(reasons, dict) else ():
        keys = ("tool", "monorepo", "unimported", name)
        if not _declares(new, name):
            continue
        texts[split.at] = toml_text.with_value(texts[split.at], keys, reason)
        if not _declares(old, name):
            text = toml_text.with_value(texts[split.package.path], keys, None)
            texts[split.package.path] = toml_text.without_empty(text, keys[:-1])
    if owners := split.package.settings.get(code_owners.KEY):
        path = ("tool", "monorepo", code_owners.KEY)
        texts[split.at] = toml_text.with_value(texts[split.at], path, owners)
    for folder, text in texts.items():
        file = f"{folder}/pyproject.toml"
        if text != text_files.read(root, file):
            _write(root, file, text)
            done.changed.append(file)


def _thin(space: Workspace, changes: Plan, texts: Mapping[str, str]) -> None:
    """Have the settings of the rule `thin` list no module that has gone."""
    told = space.facts.get("thin", {})
    adapters = told.get("adapters", []) if isinstance(told, Mapping) else []
    gone = [*changes.moved]
    stays = [one for one in texts if one not in changes.moved]
    kept = [
        one
        for one in (adapters if isinstance(adapters, list) else [])
        if fnmatch.filter(stays, str(one)) or not fnmatch.filter(gone, str(one))
    ]
    if kept != adapters and ROOT_MANIFEST in texts:
        table = ("tool", "monorepo", "thin")
        text = changes.text(ROOT_MANIFEST, texts)
        text = toml_text.with_value(text, (*table, "adapters"), kept or None)
        changes.texts[ROOT_MANIFEST] = toml_text.without_empty(text, table)


def _end_exceptions(space: Workspace, split: Split, done: Result) -> None:
    """Take out the exceptions of a service from the rule `thin` that it does not need any more."""
    if not split.package.is_service:
        return
    mine = [f"{path}/" for path in space.aliases(split.package.path)]
    wrong = runner.found(space, ["thin"], [split.package.path])
    unused = [
        one
        for one in accepted.allowed(space)[0]
        if covers("thin", one.id)
        and f"{one.path}/".startswith(tuple(mine))
        and not any(one.covers(space, finding) for finding in wrong)
    ]
    if unused:
        text = accepted.without(text_files.read(space.root, ROOT_MANIFEST), unused)
        _write(space.root, ROOT_MANIFEST, text)
        done.changed.append(ROOT_MANIFEST)


def _generated(
    space: Workspace,
    split: Split,
    changes: Plan,
    texts: Mapping[str, str],
    files: Sequence[str],
) -> None:
    """Have the inputs of what is generated follow, and tell of outputs that have gone."""
    moved, sources = changes.moved, Sources(space)
    folder = (split.paths[0], split.path(split.paths[0]))
    for package in space.packages.values():
        manifest = package.manifest_path
        text = changes.text(manifest, texts) if package.generated else ""
        settings = copy.deepcopy(dict(package.settings))
        for entry in package.generated:
            written = settings["generate"][entry.name]["inputs"]
            wanted = moving.inputs(space, written, entry.inputs, moved, files, folder)
            if wanted != written and package.is_python:
                path = ("tool", "monorepo", "generate", entry.name, "inputs")
                text = toml_text.with_value(text, path, wanted)
            settings["generate"][entry.name]["inputs"] = wanted
            gone = next((one for one in moved if records.is_in(one, entry.outputs)), "")
            if gone:
                what = f"{entry.name} writes {gone}, which is in {split.at} now"
                line = sources.line_of(manifest, "generate", entry.name)
                changes.told.append(Look(f"{manifest}:{line}", f"{what}; have that generate it"))
        if package.is_javascript and settings != package.settings:
            text = node_package.write(text, {"monorepo": settings})
        if package.generated and text != changes.text(manifest, texts):
            changes.texts[manifest] = text


def _lost_inputs(space: Workspace, split: Split) -> Iterator[Look]:
    """Yield where something is generated from a package, which does without the module now."""
    path = split.package.path
    extras = space.packages[path].extras if split.package.is_python else ()
    if split.at in space.closure({path: extras}):
        return
    for package in space.packages.values():
        for entry in package.generated:
            if path in entry.inputs:
                line = Sources(space).line_of(package.manifest_path, "generate", entry.name)
                what = f"{entry.name} reads {path}, which has no {split.module} any more"
                yield Look(f"{package.manifest_path}:{line}", what)


def _package_data(split: Split, key: str, patterns: list[str], texts: dict[str, str]) -> None:
    """Have the patterns of data files go that are in the module."""
    table = ("tool", "setuptools", "package-data")
    start = split.module.replace(".", "/") + "/"
    mine = [one.removeprefix(start) for one in patterns if one.startswith(start)]
    if key == "*":
        mine = patterns
    elif key != split.package.import_name:
        # Names of modules have followed already.
        whole = key == split.import_name or key.startswith(f"{split.import_name}.")
        mine = patterns if whole else []
    if not mine:
        return
    own = key if key == "*" or key.startswith(split.import_name) else split.import_name
    there = workspace.toml(texts[split.at]).get("tool", {}).get("setuptools", {})
    have = there.get("package-data", {}).get(own, [])
    texts[split.at] = toml_text.with_value(
        texts[split.at], (*table, own), list(dict.fromkeys([*have, *mine]))
    )
    if key != "*":
        rest = [one for one in patterns if one.removeprefix(start) not in mine]
        path = split.package.path
        text = toml_text.with_value(texts[path], (*table, key), rest or None)
        texts[path] = toml_text.without_empty(text, table)


def _declares(declared: Declared, name: str) -> bool:
    texts = (one for items in declared.lists() for one in items if isinstance(one, str))
    return any(workspace.requirement(one).name == naming.fold(name) for one in texts)


def _read(root: Path, file: str) -> str | None:
    """Return the text of a file that follows, with Unix line breaks; None if it has none."""
    if file.rpartition("/")[2] == tree.HISTORY or tree.is_left_alone(file):
        return None
    text = tree.text_of(root / file)
    return text.replace("\r\n", "\n") if text and text_files.has_crlf(text.encode()) else text


def _write(root: Path, file: str, text: str) -> None:
    """Write a text as the file is written that it takes the place of."""
    place = root / file
    before = place.read_bytes() if place.exists() else b""
    text = text.replace("\n", "\r\n") if text_files.has_crlf(before) else text
    place.write_bytes(text.encode(text_files.encoding(before)))


def _relink(root: Path, files: Iterable[str], split: Split, changes: Plan) -> None:
    """Have symbolic links lead to what has gone, also those that have gone themselves."""
    for file in files:
        place = root / changes.moved.get(file, file)
        if not place.is_symlink():
            continue
        target = os.readlink(place)
        if posixpath.isabs(target):
            continue
        old = posixpath.normpath(posixpath.join(posixpath.dirname(file), target))
        new = changes.moved.get(old, split.path(old))
        here = posixpath.dirname(changes.moved.get(file, file))
        if (new, here) != (old, posixpath.dirname(file)):
            place.unlink()
            place.symlink_to(posixpath.relpath(new, here or "."))
