"""Edit pnpm-lock.yaml as text, so that packages are added and removed without pnpm or network.

The file is split into blocks and joined again, byte for byte as pnpm writes it; a YAML library
would reformat it. tools/pnpm-lock.yaml locks the dependencies of every sub-template: the entries of
a new package are copied from there.
"""

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, groupby
from typing import Any, NamedTuple

from monorepo.system import text_files
from monorepo.system.errors import UsageError

_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies")
_TABLES = ("importers", "packages", "snapshots")
_LINE = re.compile(r"^ *('(?:[^']|'')+'|[^\s'].*?):(?: (.*))?$")
_OPTIONAL = "    optional: true\n"
# The resolution of a registry package, and the keys of other sources.
_RESOLUTION = re.compile(r"    resolution: \{integrity: (['\"]?)sha(512|256)-[\w+/]{20,}=*\1\}")
_ELSEWHERE = re.compile(r"\b(tarball|repo|directory|type|path|url)\b['\"]?:")
_INTEGRITY = re.compile(r"integrity['\"]?: ['\"]?sha(512|256)-")


@dataclass(frozen=True)
class Lock:
    """The parts of a pnpm-lock.yaml, in file order; the text of a block includes its key line."""

    head: str  # lockfile version and settings
    catalogs: Mapping[tuple[str, str], str]  # the entries in use, by catalog and name
    middle: str  # other tables, such as overrides
    importers: Mapping[str, str]  # direct dependencies of each workspace package, by path
    packages: Mapping[str, str]  # downloaded packages, by name and version
    snapshots: Mapping[str, str]  # their dependencies, by name, version and peers

    def __str__(self) -> str:
        """Return the text of the file."""
        text = self.head + ("\ncatalogs:\n" if self.catalogs else "")
        for catalog, entries in groupby(sorted(self.catalogs.items()), lambda item: item[0][0]):
            text += f"  {_quote(catalog)}:\n" + "".join(entry for _, entry in entries)
        text += self.middle
        for part in _TABLES:
            blocks: Mapping[str, str] = getattr(self, part)
            text += f"\n{part}:\n" if blocks else ""
            text += "".join(f"\n{blocks[key]}" for key in sorted(blocks))
        return text


class Dependency(NamedTuple):
    """A dependency of a workspace package in the lock."""

    group: str
    specifier: str
    version: str


@lru_cache(maxsize=4)
def parse(text: str, path: str = "pnpm-lock.yaml") -> Lock:
    """Parse the text of the pnpm-lock.yaml at `path`.

    Raises:
        UsageError: it does not have the format that pnpm writes.
    """
    head = middle = ""
    parts = {}
    for key, block in _blocks(text, 0):
        if key in ("catalogs", *_TABLES):
            parts[key] = block
        elif parts:
            middle += f"\n{block}"
        else:
            head += f"\n{block}" if head else block
    catalogs = {
        (catalog, name): entry
        for catalog, block in _blocks(parts.get("catalogs", ""), 2)
        for name, entry in _blocks(block, 4)
    }
    tables = [dict(_blocks(parts.get(part, ""), 2)) for part in _TABLES]
    lock = Lock(head, catalogs, middle, *tables)
    if line := text_files.conflict(text):
        raise UsageError(f"{path}:{line}: has a conflict marker of git; resolve the conflict")
    entries = chain.from_iterable(map(_entries, lock.importers.values()))
    if str(lock) != text or any(len(_values(entry)) < 2 for _, _, entry in entries):
        raise UsageError(f"{path}: is not as pnpm writes it; restore it from git and run make lock")
    return lock


def strangers(text: str) -> list[tuple[int, str]]:
    """Return line and message for each entry that does not come from the registry."""
    found: list[tuple[int, str]] = []
    table = key = ""
    for number, row in enumerate(text.splitlines(), start=1):
        if row[:1].strip():
            table = row
        elif re.match(r"  \S", row):
            key = row.strip().rstrip(":").strip("'")
            # pnpm writes no package on one line.
            if table == "packages:" and not row.rstrip().endswith(":"):
                found.append((number, f"{key} is not as pnpm writes it"))
        elif table == "packages:" and re.match(r"    (?! |[A-Za-z]+:)", row):
            found.append((number, f"{key} is not as pnpm writes it"))
        elif row.startswith("    resolution:") and not _RESOLUTION.fullmatch(row.rstrip()):
            other = _ELSEWHERE.search(row)
            source = f"comes from a {other[1]}, not from the registry" if other else ""
            fault = "has more than an integrity" if _INTEGRITY.search(row) else "has no integrity"
            found.append((number, f"{key} {source or fault}"))
        elif re.match(r" +(specifier|version): ['\"]?(https?:|git[+@:]|file:|github:)", row):
            found.append((number, f"has {row.strip()}, not a version of the registry"))
    return found


def graft(
    lock: Lock,
    source: Lock,
    importer: str,
    path: str,
    manifest: Mapping[str, Any],
    places: Mapping[str, str],
) -> Lock:
    """Return `lock` with a new package, whose versions are taken from `source`.

    Args:
        lock: the lock of the repository.
        source: the lock of the sub-templates.
        importer: the key of the package's sub-template in `source`.
        path: the path of the package.
        manifest: its package.json.
        places: the paths of the packages of the repository, by npm name.

    Raises:
        UsageError: the sub-template and the locks do not match.
    """
    known = {name: entry for _, name, entry in _entries(source.importers.get(importer, ""))}
    text = ""
    for section in _SECTIONS:
        wanted: Mapping[str, str] = manifest.get(section, {})
        text += f"    {section}:\n" if wanted else ""
        for name, specifier in sorted(wanted.items()):
            entry = known.get(name, "")
            if specifier.startswith("workspace:"):
                if name not in places:
                    raise UsageError(
                        f"{path}/package.json: requires {name}, which is not a package here; add it"
                    )
                link = os.path.relpath(places[name], path)
                entry = f"      {_quote(name)}:\n"
                entry += f"        specifier: {specifier}\n        version: link:{link}\n"
            elif not entry or _values(entry)[0] != specifier:
                raise UsageError(f"tools/pnpm-lock.yaml: lacks {name}; run `make lock`")
            text += entry
    importers = {**lock.importers, path: f"  {path}:\n{text}" if text else f"  {path}: {{}}\n"}
    result = prune(replace(merge(lock, source), importers=importers), importers)
    for key, entry in result.catalogs.items():
        if source.catalogs.get(key, entry) != entry:
            raise UsageError(f"tools/pnpm-lock.yaml: has another {key[1]}; run `make lock`")
    return result


def merge(lock: Lock, other: Lock) -> Lock:
    """Return the union of two locks; `lock` takes precedence."""
    return replace(
        lock,
        catalogs={**other.catalogs, **lock.catalogs},
        importers={**other.importers, **lock.importers},
        packages={**other.packages, **lock.packages},
        snapshots={**other.snapshots, **lock.snapshots},
    )


def without_links(lock: Lock, path: str) -> Lock:
    """Return `lock` without links to the removed package at `path`."""

    def is_gone(importer: str, name: str, entry: str) -> bool:
        target = f"link:{os.path.relpath(path, importer)}"
        return (_values(entry) or [""])[-1] == target

    return _without(lock, is_gone)


def within_catalog(lock: Lock, catalog: Container[str]) -> Lock:
    """Return `lock` without what importers have from a catalog that does not list it."""

    def is_gone(importer: str, name: str, entry: str) -> bool:
        return _values(entry)[:1] == ["catalog:"] and name not in catalog

    return _without(lock, is_gone)


def _without(lock: Lock, is_gone: Callable[[str, str, str], bool]) -> Lock:
    """Return `lock` without entries; `is_gone` gets their importer, name and text."""
    kept = {}
    for importer, block in lock.importers.items():
        gone = [entry for _, name, entry in _entries(block) if is_gone(importer, name, entry)]
        for entry in gone:
            block = block.replace(entry, "", 1)
        # A section, or the whole block, may be empty now.
        block = re.sub(r"^    \w+:\n(?!      )", "", block, flags=re.MULTILINE) if gone else block
        header, _, rest = block.partition("\n")
        kept[importer] = block if rest or not gone else f"{header} {{}}\n"
    return replace(lock, importers=kept)


def with_specifier(lock: Lock, importer: str, name: str, old: str, new: str) -> Lock:
    """Return `lock` with another specifier where a package is required by `old`; see `Dependency`.

    The version is locked as it was: it has to be in both ranges, or be a link.
    """
    block = lock.importers.get(importer, "")
    for _, required, entry in _entries(block):
        if required == name and _values(entry)[0] == old:
            written = re.sub(r"(?<=specifier: ).*", lambda _: new, entry, count=1)
            block = block.replace(entry, written, 1)
    return replace(lock, importers={**lock.importers, importer: block})


def prune(lock: Lock, importers: Iterable[str]) -> Lock:
    """Return `lock` with these importers and their transitive dependencies only."""
    paths = list(importers)
    if absent := [path for path in paths if path not in lock.importers]:
        raise UsageError(f"pnpm-lock.yaml: lacks {', '.join(absent)}; run `make lock`")
    kept = {path: lock.importers[path] for path in paths}
    required: set[str] = set()
    optional: set[str] = set()
    used = set()
    for section, name, entry in chain.from_iterable(map(_entries, kept.values())):
        specifier, version = _values(entry)
        if specifier.startswith("catalog:"):
            used.add((specifier.removeprefix("catalog:") or "default", name))
        if not version.startswith("link:"):
            (optional if section == "optionalDependencies" else required).add(
                snapshot(name, version)
            )
    needed = _reached(lock, required, ("dependencies",))
    reached = _reached(lock, needed | optional, _SECTIONS)
    keys = {key.partition("(")[0] for key in reached}
    if lost := sorted(keys - lock.packages.keys()):
        raise UsageError(f"pnpm-lock.yaml: lacks {lost[0]}; run `make lock`")
    return replace(
        lock,
        catalogs={key: entry for key, entry in lock.catalogs.items() if key in used},
        importers=kept,
        packages={key: lock.packages[key] for key in keys},
        snapshots={key: _flag(lock.snapshots[key], optional=key not in needed) for key in reached},
    )


def _reached(lock: Lock, start: Iterable[str], sections: Iterable[str]) -> set[str]:
    """Return the snapshots in `start` and their transitive dependencies in these sections."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        key = waiting.pop()
        if key not in lock.snapshots:
            raise UsageError(f"pnpm-lock.yaml: lacks {key}; run `make lock`")
        if key not in reached:
            reached.add(key)
            waiting += requirements(lock.snapshots[key], sections)
    return reached


def requirements(block: str, sections: Iterable[str] = _SECTIONS) -> list[str]:
    """Return the keys of the snapshots that the block of another one requires in some sections."""
    return [
        snapshot(*_pair(line))
        for section, rows in _blocks(block, 4)
        if section in sections
        for line in rows.splitlines()[1:]
    ]


def _flag(block: str, *, optional: bool) -> str:
    """Return the block of a snapshot, with or without `optional: true`."""
    header, _, body = block.replace(_OPTIONAL, "").partition("\n")
    body += _OPTIONAL if optional else ""
    header = header.removesuffix(" {}")
    return f"{header}\n{body}" if body else f"{header} {{}}\n"


def snapshot(name: str, version: str) -> str:
    """Return the key of the snapshot of `name: version`."""
    # An alias has the real name: `string-width@4.2.3`. The `@` of a peer follows a parenthesis.
    real = version.startswith("@") or "@" in re.split(r"[:(]", version)[0]
    return version if real else f"{name}@{version}"


def _entries(importer: str) -> Iterator[tuple[str, str, str]]:
    """Yield section, name and text of each dependency in the block of an importer."""
    for section, block in _blocks(importer, 4):
        for name, entry in _blocks(block, 6) if section in _SECTIONS else ():
            yield section, name, entry


def in_order(importer: str) -> str:
    """Return the block of an importer with the dependencies in the order that pnpm gives them."""
    text = importer.partition("\n")[0] + "\n"
    for _, block in _blocks(importer, 4):
        entries = [*_blocks(block, 6)]
        text += block.partition("\n")[0] + "\n" + "".join(entry for _, entry in sorted(entries))
    return text


def dependencies(importer: str) -> dict[str, Dependency]:
    """Return the dependencies in the block of an importer, by name."""
    found = {}
    for section, name, entry in _entries(importer):
        specifier, version = [*_values(entry), "", ""][:2]
        found[name] = Dependency(section, specifier, version)
    return found


def _values(entry: str) -> list[str]:
    """Return specifier and version in the entry of a dependency."""
    return [_pair(line)[1] for line in entry.splitlines()[1:]]


def _blocks(text: str, indent: int) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each block at `indent`, without blank lines after it."""
    pattern = rf"^ {{{indent}}}\S.*\n(?:(?: {{{indent + 1}}}.*)?\n)*"
    for match in re.finditer(pattern, text, re.MULTILINE):
        block = match[0].rstrip("\n") + "\n"
        yield _pair(block.partition("\n")[0])[0], block


def _pair(line: str) -> tuple[str, str]:
    """Return key and value of a line, unquoted."""
    match = _LINE.match(line)
    key, value = match.groups("") if match else (line, "")
    return _plain(key), _plain(value)


def _plain(scalar: str) -> str:
    """Return the value of a YAML scalar."""
    return scalar[1:-1].replace("''", "'") if scalar.startswith("'") else scalar


def _quote(key: str) -> str:
    """Return a YAML scalar for `key`, quoted as pnpm does."""
    return f"'{key}'" if key.startswith("@") else key
