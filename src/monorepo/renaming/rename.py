"""`make rename`: give a package another name, wherever the old one stands, in one transaction."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from monorepo.core import languages, naming, workspace
from monorepo.core.languages import FLAT, MANIFESTS, Kind, Language
from monorepo.core.workspace import Package, Workspace
from monorepo.generation import records
from monorepo.layout import applying, places, tree
from monorepo.layout.rewriting import Rewriting
from monorepo.layout.tree import Moved, Moving
from monorepo.locking import pnpm_locks, projects
from monorepo.parsing import pnpm_lockfile
from monorepo.programs import compose
from monorepo.programs.compose import COMPOSE
from monorepo.programs.git import Git
from monorepo.renaming import texts
from monorepo.renaming.names import Names
from monorepo.syncing import sync
from monorepo.syncing.making import RUNTIME, SERVICE
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.templating import record_region

_LINK = re.compile(r"\]\([^)\s]*")
_LOCKED = re.compile(r'^name = "([^"]+)"', re.MULTILINE)
_ROWS = re.compile(r'(?:^    \{ name = "[^\n]*\n){2,}', re.MULTILINE)


@dataclass(frozen=True)
class Renaming:
    """A package that gets another name.

    Attributes:
        old: its path.
        new: the path that it gets.
        names: those that change.
        moving: the move of its folder.
        grouped: what names it in the grouped layout, for which templates and records are written.
    """

    old: str
    new: str
    names: Names
    moving: Moving
    grouped: Rewriting

    def path(self, file: str) -> str:
        """Return the new path of a file, by its old one."""
        if file.startswith(tree.NOT_OURS):
            return file
        moved = self.moving.rewriting.path(file)
        packages = {*self.moving.rewriting.packages, self.new}
        owner = next((one for one in languages.owners(moved) if one in packages), "")
        return owner + self.names.path(moved.removeprefix(owner))


def rename(root: Path, at: str, to: str, *, dry_run: bool = False) -> list[str]:
    """Give a package another path, and all names that follow from it.

    Args:
        root: the repository.
        at: the package, by path or by name.
        to: its new path, in the same folder.
        dry_run: change nothing.

    Returns:
        What was done, and what people have to look at; with `dry_run`, the changes as git has them.

    Raises:
        UsageError: there is no such package, the new name cannot be its own, or something is not
            committed.
        TaskError: git failed. After an error nothing has changed.
    """
    at, to = at.rstrip("/"), to.rstrip("/")
    if wrong := [
        f"{flag}: is missing; give a path such as shared/py/audio"
        for flag, word in (("AT", at), ("TO", to))
        if not word
    ]:
        raise UsageError(*wrong)
    git = Git(root)
    git.refuse_unready()
    space = workspace.load_whole(root)
    (package,) = space.select([at])
    renaming = plan(space, package, to)
    kept: dict[str, str] = {}

    def change(tree_root: Path, files: list[str]) -> Moved:
        kept.update(_kept(tree_root, files, renaming))
        return _change(tree_root, files, renaming, kept)

    done = applying.apply(git, "rename", {package.path: to}, change, renaming.path, dry_run=dry_run)
    told = [
        f"look at {renaming.path(file)}:{line}: it had the new name before"
        for file, line in _places(kept, renaming)
    ]
    told += [
        f"look at {file}:{line}: it has the old name, and git does not have it"
        for file, line in _untracked(git, renaming)
    ]
    if dry_run:
        carried = [f"{old} -> {new}" for old, new in done.carried.items()]
        return [f"{package.path} -> {to}", *carried, *told, *done.diff.splitlines()]
    return [
        f"renamed {package.path} to {to}, in {len(done.moved.changed)} files",
        *told,
        "git commit keeps it; git status shows what was staged",
    ]


def plan(space: Workspace, package: Package, to: str) -> Renaming:
    """Return what changes when a package goes to another path.

    Raises:
        UsageError: that cannot be its path.
    """
    grouped = _grouped(space, package, to)
    namespace = str(space.facts["namespace"])
    if wrong := naming.path_problem(grouped, namespace):
        raise UsageError(f"TO: {to} {wrong}")
    if wrong := places.taken(space, package, {package.path: to}):
        raise UsageError(f"{package.path}: {wrong}")
    name = naming.package_name(namespace, grouped)
    if (other := space.named(name)) and other is not package:
        raise UsageError(f"TO: {other.path} has the name {name}; choose another")
    if _is_required_by_manifests(space, package):
        what = f"is required by each {SERVICE}, under this name; leave it"
        raise UsageError(f"AT: {package.path}: {what}")
    moving = replace(Moving.of(space, {package.path: to}), manifests={})
    templates = Rewriting({package.grouped: grouped}, {*space.by_grouped}, moving.rewriting.tops)
    return Renaming(package.path, to, _names(space, package, grouped), moving, templates)


def _is_required_by_manifests(space: Workspace, package: Package) -> bool:
    """Tell whether a package is the runtime of services that are configured by manifests."""
    return (
        package.is_shared
        and package.short_name == RUNTIME
        and any(
            source.name == SERVICE and source.language is package.language
            for source in sync.sources(space.root)
        )
    )


def _grouped(space: Workspace, package: Package, to: str) -> str:
    """Return the path in the grouped layout of a package that goes to another path.

    Raises:
        UsageError: it would be a package of another kind, language or layout.
    """
    folder, _, name = to.rpartition("/")
    if to == package.path:
        raise UsageError(f"TO: {to} is its path already; give another one")
    if folder != package.path.rpartition("/")[0]:
        here = package.path.rpartition("/")[0]
        what = f"{to} is not in {here}, and a package keeps its kind, language and layout"
        raise UsageError(f"TO: {what}; give a path in {here}")
    area = package.grouped.rpartition("/")[0]
    if folder != FLAT:
        return f"{area}/{name}"
    namespace = str(space.facts["namespace"])
    start = f"{namespace}-{package.kind.prefix}"
    short = name.removeprefix(start)
    # Beside a Python package of the same name, -js is no part of it.
    ends = [short.removesuffix(f"-{Language.JAVASCRIPT}"), short]
    found = [f"{area}/{end}" for end in ends if places.flat_path(space, f"{area}/{end}") == to]
    others = [kind for kind in Kind if kind.prefix and kind is not package.kind]
    if not found or (
        package.kind is Kind.SHARED and short.startswith(tuple(kind.prefix for kind in others))
    ):
        what = f"{to} is not called like a {package.kind.singular} of this namespace"
        raise UsageError(f"TO: {what}; call it {FLAT}/{start}…")
    return found[0]


def _names(space: Workspace, package: Package, grouped: str) -> Names:
    """Return the names of a package that change when it goes to a path in the grouped layout.

    Raises:
        UsageError: compose.yaml cannot be read.
    """
    namespace = str(space.facts["namespace"])
    name = naming.package_name(namespace, grouped)
    # As it is called in compose.yaml, if it is the package that is built there.
    hosts = [path.partition("/")[2].replace("/", "-") for path in (package.grouped, grouped)]
    composed = tree.text_of(space.root / COMPOSE) or ""
    is_host = compose.is_built(composed, hosts[0], package.path)
    host = {hosts[0]: hosts[1]} if is_host else {}
    if package.is_javascript:
        return Names(None, {package.name: name}, {}, host)
    dashed = {package.name: name}
    command = f"{namespace}-{package.short_name}"
    if package.is_program and space.named(command) is None:
        dashed[command] = f"{namespace}-{grouped.rpartition('/')[2]}"
    return Names((package.import_name, name.replace("-", "_")), {}, dashed, host)


def _kept(root: Path, files: list[str], renaming: Renaming) -> dict[str, str]:
    """Return the texts of the documents that have the new name already.

    Raises:
        UsageError: code or data has it: the two could not be told apart afterwards.
    """
    found, mistakes = {}, []
    for file in files:
        if tree.is_left_alone(file):
            continue
        text = tree.text_of(root / file) or ""
        after = _back(file, text, renaming)
        if after == text:
            continue
        if texts.is_document(file):
            found[file] = text
            continue
        line = text_files.first_difference(text, after)
        what = "has the new name already, and that would be taken for the package"
        mistakes.append(f"{file}:{line}: {what}; choose another, or change that first")
    if mistakes:
        raise UsageError(*mistakes)
    return found


def _back(file: str, text: str, renaming: Renaming) -> str:
    """Return a text with the old name in place of the new one."""
    short = next(iter(renaming.grouped.places.values())).rpartition("/")[2]
    if short not in text and not renaming.names.back.are_in(text):
        return text
    paths = renaming.grouped if file.startswith(tree.TEMPLATES) else renaming.moving.rewriting
    places = {new: old for old, new in paths.places.items()}
    after = texts.rename(file, text, renaming.names.back)
    return Rewriting(places, {*places}, ()).text(file, after)


def _places(kept: dict[str, str], renaming: Renaming) -> list[tuple[str, int]]:
    """Return the files that had the new name, and the line of the first one in each."""
    return [
        (file, text_files.first_difference(text, _back(file, text, renaming)))
        for file, text in kept.items()
    ]


def _untracked(git: Git, renaming: Renaming) -> list[tuple[str, int]]:
    """Return the files with the old name that git does not have, and the line of the first one."""
    found = []
    for file in git.untracked():
        text = tree.text_of(git.root / file) or ""
        after = renaming.moving.rewriting.text(file, text)
        if (after := texts.rename(file, after, renaming.names)) != text:
            found.append((file, text_files.first_difference(text, after)))
    return found


def _change(root: Path, files: list[str], renaming: Renaming, kept: dict[str, str]) -> Moved:
    """Rename the package in the tree at a root, which has the given files."""
    done = tree.move(root, renaming.moving, files)
    changed, hashes = dict.fromkeys(done.changed), dict[str, str]()
    for file in files:
        moved, new = renaming.moving.rewriting.path(file), renaming.path(file)
        if tree.is_left_alone(file):
            continue
        place = root / moved
        if place.is_symlink():
            _relink(place, renaming.names)
        elif text := tree.text_of(place):
            after = _text(file, text, renaming, kept)
            if after != text:
                before = place.read_bytes()
                place.write_bytes(after.encode(text_files.encoding(before)))
                hashes[records.hash_of(before)] = records.hash_of(place.read_bytes())
                changed[moved] = None
        if new != moved:
            (root / new).parent.mkdir(parents=True, exist_ok=True)
            place.rename(root / new)
            tree.remove_empty(root, Path(moved).parent)
            if changed.pop(moved, 0) is None:
                changed[new] = None
    result = Moved([*changed])
    tree.rehash(root, result, hashes, map(renaming.path, files))
    _relock(root, result)
    return result


def _relink(place: Path, names: Names) -> None:
    target = place.readlink().as_posix()
    if (new := names.path(target)) != target:
        place.unlink()
        place.symlink_to(new)


def _text(file: str, text: str, renaming: Renaming, kept: dict[str, str]) -> str:
    """Return the new text of a file, whose paths have followed already."""
    names = renaming.names
    if file in kept:
        # Its links follow; what it says stays.
        return _LINK.sub(
            lambda link: names.data(renaming.moving.rewriting.text(file, link[0])), kept[file]
        )
    if file.rpartition("/")[2] == tree.HISTORY:
        return _LINK.sub(lambda link: names.data(link[0]), text)
    if file.startswith(tree.TEMPLATES):
        text = renaming.grouped.text(file, text)
    if record := record_region.region(text) if file.endswith(MANIFESTS) else "":
        before, _, after = text.partition(record)
        new = renaming.grouped.text(file, record)
        return texts.rename(file, before, names) + new + texts.rename(file, after, names)
    after = texts.rename(file, text, names)
    if file == COMPOSE:
        return _composed(after, renaming)
    if file.endswith("/service.edn") and file.startswith(f"{renaming.old}/"):
        return _service(after, renaming)
    if after != text or file in tree.ORDERED:
        after = _in_order(file, after)
    return after


def _in_order(file: str, text: str) -> str:
    """Return the text of a lock or list in the order of the new names."""
    if file == pnpm_locks.LOCK:
        lock = pnpm_lockfile.parse(text)
        blocks = {path: pnpm_lockfile.in_order(text) for path, text in lock.importers.items()}
        return str(replace(lock, importers=blocks))
    if file.rpartition("/")[2] == projects.LOCK:
        head, *packages = text.split("\n[[package]]\n")
        packages = [one.removesuffix("\n") for one in packages]
        packages.sort(key=lambda one: found[1] if (found := _LOCKED.search(one)) else "")
        text = "\n".join([head, *(f"[[package]]\n{one}\n" for one in packages)])
        return _ROWS.sub(lambda rows: "".join(sorted(rows[0].splitlines(keepends=True))), text)
    return tree.in_order(file, text)


def _composed(text: str, renaming: Renaming) -> str:
    """Return compose.yaml with the new name of the service that is built in the package."""
    for old, new in renaming.names.hosts.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w./-])", new, text)
    return text


def _service(text: str, renaming: Renaming) -> str:
    """Return service.edn with the new name of the service, which is that of its folder."""
    old, new = (path.rpartition("/")[2] for path in next(iter(renaming.grouped.places.items())))
    return re.sub(rf'(:service/name\s+")({re.escape(old)})(?=")', rf"\g<1>{new}", text)


def _relock(root: Path, done: Moved) -> None:
    """Write anew what `make lock` has written into the manifests of uv projects."""
    space = workspace.load_whole(root)
    for path, right in projects.drift(space) if space.projects else ():
        (root / path).write_text(right, encoding="utf-8")
        done.changed.append(path)
