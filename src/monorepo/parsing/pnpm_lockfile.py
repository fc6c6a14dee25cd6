"""Edit pnpm-lock.yaml as text, so that packages come and go without pnpm and without network.

The file is taken apart into blocks and put together again, byte for byte as pnpm writes it; a YAML
library would reformat all of it. tools/pnpm-lock.yaml holds what every sub-template needs: a
new package's part of the lock is copied from there.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, groupby
from typing import Any

from monorepo.system import text_files
from monorepo.system.errors import UsageError

_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies")
_TABLES = ("importers", "packages", "snapshots")
_LINE = re.compile(r"^ *('(?:[^']|'')+'|[^\s'].*?):(?: (.*))?$")
_OPTIONAL = "    optional: true\n"
# How pnpm writes what comes from a registry, and what else could tell where a package comes from.
_RESOLUTION = re.compile(r"    resolution: \{integrity: (['\"]?)sha(512|256)-[\w+/]{20,}=*\1\}")
_ELSEWHERE = re.compile(r"\b(tarball|repo|directory|type|path|url)\b['\"]?:")
_INTEGRITY = re.compile(r"integrity['\"]?: ['\"]?sha(512|256)-")


@dataclass(frozen=True)
class Lock:
    """The parts of a pnpm-lock.yaml, in its order; the text of each block has its key line."""

    head: str  # the format's version and the settings
    catalogs: Mapping[tuple[str, str], str]  # the entries in use, by catalog and name
    middle: str  # what else stands here, such as overrides
    importers: Mapping[str, str]  # what each package here asks for, by path
    packages: Mapping[str, str]  # what is downloaded, by name and version
    snapshots: Mapping[str, str]  # what those depend on, by name, version and peers

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


@lru_cache(maxsize=4)
def parse(text: str, path: str = "pnpm-lock.yaml") -> Lock:
    """Take the text of a pnpm-lock.yaml, which lies at `path`, apart.

    Raises:
        UsageError: it is not as pnpm writes it.
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
    """Return the line and what is wrong of each entry of a lock that is no plain registry's."""
    found: list[tuple[int, str]] = []
    table = key = ""
    for number, row in enumerate(text.splitlines(), start=1):
        if row[:1].strip():
            table = row
        elif re.match(r"  \S", row):
            key = row.strip().rstrip(":").strip("'")
            # A package on one line, or with a word that needs quotation marks, is not pnpm's.
            if table == "packages:" and not row.rstrip().endswith(":"):
                found.append((number, f"{key} is not as pnpm writes it"))
        elif table == "packages:" and re.match(r"    (?! |[A-Za-z]+:)", row):
            found.append((number, f"{key} is not as pnpm writes it"))
        elif row.startswith("    resolution:") and not _RESOLUTION.fullmatch(row.rstrip()):
            other = _ELSEWHERE.search(row)
            what = f"comes from a {other[1]}, not from the registry" if other else ""
            wants = "has more than an integrity" if _INTEGRITY.search(row) else "has no integrity"
            found.append((number, f"{key} {what or wants}"))
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
    """Return `lock` with one package more, whose versions stand in `source`.

    Args:
        lock: of the repository.
        source: of the sub-templates.
        importer: what `source` calls the sub-template that the package was made from.
        path: where the package lies, from the root.
        manifest: its package.json.
        places: where the packages of the repository lie, by npm name.

    Raises:
        UsageError: the sub-template and the locks are not in step.
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
                        f"{path}/package.json: wants {name}, which is not here; add it"
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
    """Return the union of two locks; `lock` has its way where they differ."""
    return replace(
        lock,
        catalogs={**other.catalogs, **lock.catalogs},
        importers={**other.importers, **lock.importers},
        packages={**other.packages, **lock.packages},
        snapshots={**other.snapshots, **lock.snapshots},
    )


def without_links(lock: Lock, path: str) -> Lock:
    """Return `lock` without the links to the package at `path`, which nobody declares any more."""
    kept = {}
    for importer, block in lock.importers.items():
        target = f"link:{os.path.relpath(path, importer)}"
        gone = [entry for _, _, entry in _entries(block) if (_values(entry) or [""])[-1] == target]
        for entry in gone:
            block = block.replace(entry, "", 1)
        # A section, or all of it, may have become empty.
        block = re.sub(r"^    \w+:\n(?!      )", "", block, flags=re.MULTILINE) if gone else block
        header, _, rest = block.partition("\n")
        kept[importer] = block if rest or not gone else f"{header} {{}}\n"
    return replace(lock, importers=kept)


def prune(lock: Lock, importers: Iterable[str]) -> Lock:
    """Return `lock` with these importers only, and what they reach."""
    paths = list(importers)
    if absent := [path for path in paths if path not in lock.importers]:
        raise UsageError(f"pnpm-lock.yaml: lacks {', '.join(absent)}; run `make lock`")
    kept = {path: lock.importers[path] for path in paths}
    firm: set[str] = set()
    loose: set[str] = set()
    used = set()
    for section, name, entry in chain.from_iterable(map(_entries, kept.values())):
        specifier, version = _values(entry)
        if specifier.startswith("catalog:"):
            used.add((specifier.removeprefix("catalog:") or "default", name))
        if not version.startswith("link:"):
            (loose if section == "optionalDependencies" else firm).add(_snapshot(name, version))
    needed = _reached(lock, firm, ("dependencies",))
    reached = _reached(lock, needed | loose, _SECTIONS)
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
    """Return the snapshots in `start` and all that they depend on, by these sections."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        key = waiting.pop()
        if key not in lock.snapshots:
            raise UsageError(f"pnpm-lock.yaml: lacks {key}; run `make lock`")
        if key not in reached:
            reached.add(key)
            for section, block in _blocks(lock.snapshots[key], 4):
                lines = block.splitlines()[1:] if section in sections else []
                waiting += [_snapshot(*_pair(line)) for line in lines]
    return reached


def _flag(block: str, *, optional: bool) -> str:
    """Return the block of a snapshot, marked if only optional dependencies reach it."""
    header, _, body = block.replace(_OPTIONAL, "").partition("\n")
    body += _OPTIONAL if optional else ""
    header = header.removesuffix(" {}")
    return f"{header}\n{body}" if body else f"{header} {{}}\n"


def _snapshot(name: str, version: str) -> str:
    """Return the key of the snapshot that `name: version` points at."""
    # An alias names the real package: `string-width@4.2.3`. A peer's `@` comes after a bracket.
    real = version.startswith("@") or "@" in re.split(r"[:(]", version)[0]
    return version if real else f"{name}@{version}"


def _entries(importer: str) -> Iterator[tuple[str, str, str]]:
    """Yield section, name and text of each dependency in the block of an importer."""
    for section, block in _blocks(importer, 4):
        for name, entry in _blocks(block, 6) if section in _SECTIONS else ():
            yield section, name, entry


def dependencies(importer: str) -> dict[str, tuple[str, str, str]]:
    """Return group, specifier and version of each dependency in the block of an importer."""
    found = {}
    for section, name, entry in _entries(importer):
        specifier, version = [*_values(entry), "", ""][:2]
        found[name] = (section, specifier, version)
    return found


def _values(entry: str) -> list[str]:
    """Return specifier and version of a dependency of an importer."""
    return [_pair(line)[1] for line in entry.splitlines()[1:]]


def _blocks(text: str, indent: int) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of each block at `indent`, without blank lines after it."""
    pattern = rf"^ {{{indent}}}\S.*\n(?:(?: {{{indent + 1}}}.*)?\n)*"
    for match in re.finditer(pattern, text, re.MULTILINE):
        block = match[0].rstrip("\n") + "\n"
        yield _pair(block.partition("\n")[0])[0], block


def _pair(line: str) -> tuple[str, str]:
    """Return the key and the value of a line, as YAML means them."""
    match = _LINE.match(line)
    key, value = match.groups("") if match else (line, "")
    return _plain(key), _plain(value)


def _plain(scalar: str) -> str:
    """Return what a YAML scalar means."""
    return scalar[1:-1].replace("''", "'") if scalar.startswith("'") else scalar


def _quote(key: str) -> str:
    """Return a YAML scalar for `key`, quoted as pnpm does."""
    return f"'{key}'" if key.startswith("@") else key
