"""Move packages in a tree of files, with everything in it that names them."""

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from monorepo.core.languages import FLAT, MANIFESTS, TOPS, Kind, Language
from monorepo.core.workspace import Workspace
from monorepo.generation import code_owners, records
from monorepo.guard import findings
from monorepo.guard.findings import BASELINE
from monorepo.layout import manifest_kind
from monorepo.layout.rewriting import Rewriting
from monorepo.locking import lowest, pnpm_locks
from monorepo.locking.lowest import LOWEST
from monorepo.parsing import pnpm_lockfile
from monorepo.system import text_files
from monorepo.templating import record_region

# What comes with the engine, or is written for the grouped layout whatever the packages have.
TEMPLATES = "tools/templates/"
NOT_OURS = ("tools/make/", "tools/src/", TEMPLATES, "vendor/")
# The history of a package is about the names that it had.
HISTORY = "CHANGELOG.md"
BIOME = "biome.json"
# The folders that Biome looks at, a line each: of both layouts, and of the flat one.
_LOOKED_AT = re.compile(r'^( *)"(?:\w+/js|packages/[\w.-]+)/\*\*",\n', re.MULTILINE)
# What holds for packages in both layouts.
_FOR_BOTH = re.compile(rf"(?<![\w.-]){FLAT}/?(?:\*|[\"'\s])")
_FLAT_LINE = re.compile(rf'^ *"({FLAT}/[\w.-]+/\*\*)",\n', re.MULTILINE)


@dataclass(frozen=True)
class Moving:
    """Packages that move.

    Attributes:
        rewriting: of the texts that name them.
        manifests: the new path of the manifest of each, with its language and kind.
        linted: the new paths of all JavaScript packages in the flat layout.
    """

    rewriting: Rewriting
    manifests: Mapping[str, tuple[Language, Kind]]
    linted: tuple[str, ...]

    @staticmethod
    def of(space: Workspace, places: Mapping[str, str]) -> "Moving":
        """Return the move of packages of a repository to new places, by their old ones."""
        packages = [space.packages[path] for path in places]
        manifests = {
            f"{places[package.path]}/{package.language.manifest}": (package.language, package.kind)
            for package in packages
        }
        news = (
            places.get(package.path, package.path)
            for package in space.packages.values()
            if package.is_javascript
        )
        linted = tuple(sorted(new for new in news if new.startswith(f"{FLAT}/")))
        # What an installation makes may not be there yet.
        tops = {".venv", "node_modules", *os.listdir(space.root)} - {*TOPS}
        rewriting = Rewriting(places, frozenset(space.packages), frozenset(tops))
        return Moving(rewriting, manifests, linted)


@dataclass
class Moved:
    """What a move has changed.

    Attributes:
        changed: the new paths of files with a new text.
        unclear: `path:line` of what names a folder from which packages have moved.
    """

    changed: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


def move(root: Path, moving: Moving, files: Iterable[str], team: Path | None = None) -> Moved:
    """Move packages in the tree at `root`.

    Args:
        root: a folder that may be changed.
        moving: the packages; those that are not in the tree are left out.
        files: the paths of the files in it whose texts are to follow.
        team: a repository where the packages have moved. What a file there calls by an old path
            keeps that: an example in a document is older than the package of that name.

    Raises:
        UsageError: a manifest or a lock has a form that cannot follow.
    """
    for old, new in moving.rewriting.places.items():
        if (root / old).is_dir():
            (root / new).parent.mkdir(parents=True, exist_ok=True)
            (root / old).rename(root / new)
            remove_empty(root, Path(old).parent)
    done = Moved()
    hashes: dict[str, str] = {}
    for file in files:
        new = moving.rewriting.path(file)
        place = root / new
        if file.startswith(NOT_OURS) or not (place.is_symlink() or place.is_file()):
            continue
        if place.is_symlink():
            _relink(place, moving.rewriting.link(file, os.readlink(place)), new, done)
            continue
        before = place.read_bytes()
        if b"\0" in before:
            continue
        text = before.decode("utf-8", "surrogateescape")
        kept = moving.rewriting.named(_peek(team, new)) if team else set[str]()
        new_text = _text(moving, file, text, kept)
        after = new_text.encode("utf-8", "surrogateescape")
        if file.endswith(".md") or not (file == BIOME or _FOR_BOTH.search(text)):
            lines = dict.fromkeys(moving.rewriting.unclear(file, text))
            done.unclear += [f"{new}:{line}" for line in lines]
        if after != before:
            place.write_bytes(after)
            done.changed.append(new)
            hashes[records.hash_of(before)] = records.hash_of(after)
    rehash(root, done, hashes, {moving.rewriting.path(file) for file in files})
    return done


def is_left_alone(file: str) -> bool:
    """Tell whether a file comes with the engine; sub-templates of the team do not."""
    return file.startswith(NOT_OURS) and not file.startswith(TEMPLATES)


def text_of(place: Path) -> str | None:
    """Return the text of a file, in its encoding; None for a link, data, or what is no file."""
    if place.is_symlink() or not place.is_file():
        return None
    content = place.read_bytes()
    return None if b"\0" in content else content.decode(text_files.encoding(content))


def remove_empty(root: Path, folder: Path) -> None:
    """Remove a folder of packages, and those above, if nothing is in them."""
    for place in (folder, *folder.parents[:-1]):
        if any((root / place).iterdir()):
            return
        (root / place).rmdir()


def _relink(place: Path, target: str, path: str, done: Moved) -> None:
    if target != os.readlink(place):
        place.unlink()
        place.symlink_to(target)
        done.changed.append(path)


def _peek(team: Path, path: str) -> str:
    """Return the text of a file of a repository; "" if it has none."""
    place = team / path
    if place.is_symlink() or not place.is_file():
        return ""
    return place.read_bytes().decode("utf-8", "surrogateescape")


def _text(moving: Moving, file: str, text: str, kept: Collection[str]) -> str:
    """Return the new text of a file, in which some paths remain as they are."""
    rewriting, new = moving.rewriting, moving.rewriting.path(file)
    if file == pnpm_locks.LOCK:
        return _pnpm_lock(rewriting, text)
    if file == BIOME:
        return linted(text, moving)
    record = record_region.region(text) if file.endswith(MANIFESTS) else ""
    if record:
        # What a package was made from is recorded for the grouped layout.
        before, _, after = text.partition(record)
        text = rewriting.text(file, before, kept) + record + rewriting.text(file, after, kept)
    else:
        text = rewriting.text(file, text, kept)
    if new in moving.manifests:
        return _with_kind(text, new, *moving.manifests[new])
    return in_order(file, text)


def _with_kind(text: str, path: str, language: Language, kind: Kind) -> str:
    """Return the manifest with the kind in the flat layout, and without it in the grouped one."""
    crlf = text_files.has_crlf(text.encode("utf-8", "surrogateescape"))
    text = text.replace("\r\n", "\n") if crlf else text
    if path.startswith(f"{FLAT}/"):
        text = manifest_kind.write(text, language, kind, path)
    else:
        text = manifest_kind.remove(text, language, path)
    return text.replace("\n", "\r\n") if crlf else text


def _pnpm_lock(rewriting: Rewriting, text: str) -> str:
    """Return the lock with the packages in their new order, which is that of their paths."""
    lock = pnpm_lockfile.parse(text)
    importers = {
        # In an importer, a path is relative to its folder.
        rewriting.path(path): rewriting.text(f"{path}/{Language.JAVASCRIPT.manifest}", block)
        for path, block in lock.importers.items()
    }
    return str(replace(lock, importers=importers))


def _lowest(text: str) -> str:
    """Return tools/lowest.txt in the order of the new paths."""
    return lowest.render(lowest.parse(text))


def _baseline(text: str) -> str:
    """Return the baseline of the rules in the order of the new paths."""
    try:
        return findings.baseline(json.loads(text))
    except (ValueError, TypeError):
        # Its own rule reports it.
        return text


ORDERED = {LOWEST: _lowest, BASELINE: _baseline, code_owners.FILE: code_owners.in_order}


def in_order(file: str, text: str) -> str:
    """Return the text of the file at a path in the order that its writer gives it."""
    return ORDERED[file](text) if file in ORDERED else text


def linted(text: str, moving: Moving, gone: str = "") -> str:
    """Return Biome's configuration with the JavaScript packages in the flat layout.

    They are listed, because packages in Python have files as well that it would format.

    Args:
        text: of the configuration.
        moving: the packages that move, and those that are in the flat layout then.
        gone: the path of one that is no longer there.
    """
    listed = {f"{path}/**" for path in (*moving.rewriting.packages, *moving.linted, gone)}
    text = _FLAT_LINE.sub(lambda line: "" if line[1] in listed else line[0], text)
    text = moving.rewriting.text(BIOME, text)
    if not (found := [*_LOOKED_AT.finditer(text)]):
        return text
    lines = "".join(f'{found[-1][1]}"{path}/**",\n' for path in moving.linted)
    return text[: found[-1].end()] + lines + text[found[-1].end() :]


def rehash(root: Path, done: Moved, hashes: Mapping[str, str], files: Iterable[str]) -> None:
    """Have the records of what is generated know the files by their new texts."""
    for path in sorted(file for file in files if file.endswith(f"/{records.LOCK}")):
        place = root / path
        text = place.read_text(encoding="utf-8")
        for old, new in hashes.items():
            text = text.replace(old, new)
        try:
            text = records.render(records.parse(text))
        except text_files.MalformedError:
            # Its own rule reports it.
            continue
        if text != place.read_text(encoding="utf-8"):
            place.write_text(text, encoding="utf-8")
            done.changed.append(path)


def files_of(root: Path) -> list[str]:
    """Return the paths of all files below a folder."""
    found = (path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(root).as_posix() for path in found)
