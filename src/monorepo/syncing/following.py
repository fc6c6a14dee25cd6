"""Carry a change of what is generated back into its manifest: `make release` moves versions."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from monorepo.core.languages import Language
from monorepo.edn import reader, writer
from monorepo.edn.reader import Document, EdnError
from monorepo.parsing import data_formats
from monorepo.syncing import node_package, python_project
from monorepo.syncing.asked import Place
from monorepo.syncing.making import MANIFESTS
from monorepo.system import text_files
from monorepo.system.errors import UsageError

_STRING = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
_VERSION = "package/version"
# Where a manifest has dependencies.
_SECTIONS = ("deps/base", "deps", "extras", "peers", "dev")


def follow(root: Path, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of the manifests of packages, with what changes in pyproject.toml or so.

    Args:
        root: the repository.
        texts: the new texts of files, by path; of those that come from no manifest as well.

    Raises:
        UsageError: a manifest is not what the file comes from.
    """
    found = {}
    for path, text in texts.items():
        folder, _, name = path.rpartition("/")
        for manifest in MANIFESTS if name in [each.manifest for each in Language] else ():
            source = f"{folder}/{manifest}"
            if (root / source).exists():
                before = text_files.read(root, path)
                found[source] = _edited(root, source, dict(_moved(path, before, text)))
    return found


def _moved(path: str, before: str, after: str) -> Iterator[tuple[Place, tuple[str, str]]]:
    """Yield each text that differs: its place, what it was, and what it is."""
    owned = python_project.owned if path.endswith(Language.PYTHON.manifest) else node_package.owned
    yield from _differing(
        owned(data_formats.parse(path, before)), owned(data_formats.parse(path, after)), ()
    )


def _differing(old: object, new: object, place: Place) -> Iterator[tuple[Place, tuple[str, str]]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in old.keys() & new.keys():
            yield from _differing(old[key], new[key], (*place, key))
    elif isinstance(old, list) and isinstance(new, list):
        for at, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from _differing(one, other, (*place, at))
    elif isinstance(old, str) and isinstance(new, str) and old != new:
        yield place, (old, new)


def _edited(root: Path, source: str, moved: Mapping[Place, tuple[str, str]]) -> str:
    """Return the text of a manifest with other texts; all else keeps its bytes."""
    text = text_files.read(root, source)
    try:
        document = reader.read(text)
    except EdnError as error:
        raise error.of(source) from error
    edits: dict[int, str] = {}
    for place, (old, new) in moved.items():
        places = [one for one in _places(document, place) if document.at(one) == old]
        if not places:
            raise UsageError(f"{source}: has no {old!a}; run make sync")
        edits |= {document.offset(one): writer.flat(new) for one in places}
    for at in sorted(edits, reverse=True):
        token = _STRING.match(text, at)
        assert token
        text = text[:at] + edits[at] + text[token.end() :]
    return text


def _places(document: Document, place: Place) -> Iterator[Place]:
    """Yield the places in a manifest that a place in a file may come from."""
    if place[-1] == "version":
        yield (_VERSION,)
    for section in _SECTIONS:
        for found in _below(document.at((section,)), (section,)):
            # A requirement names the package itself; in JavaScript, its name is on the way.
            if isinstance(place[-1], int) or place[-1] in found:
                yield found


def _below(value: object, place: Place) -> Iterator[Place]:
    """Yield the places of all texts in a value."""
    if isinstance(value, str):
        yield place
    for at, inner in enumerate(value) if isinstance(value, list) else ():
        yield from _below(inner, (*place, at))
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from _below(inner, (*place, str(key).removeprefix(":")))
