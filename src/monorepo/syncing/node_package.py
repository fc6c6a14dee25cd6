"""The part of a package.json that comes from a manifest: reading it, and writing another."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from monorepo.syncing.asked import Asked, Kind
from monorepo.system import text_files

if TYPE_CHECKING:
    from monorepo.edn.package_manifest import NodePackage

# npm leaves it alone: the comment of a package.json.
COMMENT = "//"
# The keys that a manifest decides.
KEYS = (
    *("name", "version", "description", "engines", "exports"),
    *("dependencies", "peerDependencies", "peerDependenciesMeta", "devDependencies"),
)
# Says of a peer what is so without it as well: that it is not optional.
_META = "peerDependenciesMeta"
# In these, the order has a meaning.
_ORDERED = {"exports", "publishConfig"}
# The order in which a package.json is usually written.
_ORDER = (
    *(COMMENT, "name", "version", "private", "description", "keywords", "homepage", "repository"),
    *("license", "author", "type", "main", "bin", "files", "engines", "exports", "publishConfig"),
    *("scripts", "dependencies", "peerDependencies", "peerDependenciesMeta"),
    *("optionalDependencies", "devDependencies", "monorepo"),
)
_WHITE = " \t\r\n"

Document = Mapping[str, Any]


class _Member(NamedTuple):
    """A key of the top object, and where its text and that of its value are."""

    key: str
    start: int
    value: int
    end: int


def wanted(manifest: "NodePackage") -> dict[str, Any]:
    """Return the part of a package.json that a `package.edn` asks for."""
    # Imported here: pydantic is loaded only for manifests that have changed.
    from monorepo.edn.package_manifest import range_of

    def ranges(declared: Mapping[str, Any]) -> dict[str, str]:
        found = {name: range_of(one) for name, one in declared.items()}
        return {name: version for name, version in found.items() if version is not None}

    return {
        "name": manifest.name,
        "version": manifest.version,
        "description": manifest.description,
        "engines": dict(manifest.engines),
        "exports": manifest.entry,
        "dependencies": ranges(manifest.base),
        "peerDependencies": ranges(manifest.peers),
        "peerDependenciesMeta": {name: {"optional": True} for name in manifest.optional_peers},
        "devDependencies": ranges(manifest.dev),
    }


def asked(manifest: "NodePackage") -> Iterator[Asked]:
    """Yield what a `package.edn` asks of the repository."""
    from monorepo.edn.package_manifest import range_of

    for group, declared in (
        ("deps/base", manifest.base),
        ("peers", manifest.peers),
        ("dev", manifest.dev),
    ):
        for name, one in declared.items():
            place, version = (group, name), range_of(one) or ""
            if (entry := getattr(one, "catalog", None)) is not None:
                yield Asked(Kind.CATALOG, name, entry, (*place, "catalog"))
            elif version == "catalog:":
                yield Asked(Kind.LISTED, name, place=place)
            # Of another name, it says `workspace:name@*`.
            elif version.startswith("workspace:") and "@" not in version:
                yield Asked(Kind.INTERNAL, name, place=place)
    for name, version in manifest.overrides.items():
        yield Asked(Kind.OVERRIDES, name, version, ("overrides", name))


def owned(document: Document) -> dict[str, Any]:
    """Return the part of a package.json that a manifest decides, without what is empty."""
    return {key: document[key] for key in KEYS if document.get(key)}


def write(text: str, wanted: Document) -> str:
    """Return the text of a package.json in which the manifest's part is as wanted.

    What is as wanted already keeps its bytes, as does all else. What is published has the exports
    that are used here, without those of the source.

    Args:
        text: a JSON object with Unix line breaks.
        wanted: the values by their keys. One that is empty is taken out.

    Raises:
        MalformedError: it is not a JSON object.
    """
    document = text_files.json_object(text)
    for key, value in {**wanted, **_published(document, wanted)}.items():
        if not _same(key, document.get(key), value):
            text = _without(text, key) if not value else _with(text, key, value)
    return text


def _published(document: Document, wanted: Document) -> dict[str, Any]:
    """Return `publishConfig` with the exports that are wanted, if it has any."""
    settings = document.get("publishConfig")
    exports = wanted.get("exports")
    if not (isinstance(settings, Mapping) and settings.get("exports") and exports):
        return {}
    if _same("exports", document.get("exports"), exports):
        # What is published otherwise than it is used here was meant so: the rule drift tells of it.
        return {}
    return {"publishConfig": {**settings, "exports": _built(exports)}}


def _built(exports: object) -> object:
    """Return exports without the condition by which packages of a repository see the source."""
    if not isinstance(exports, Mapping):
        return exports
    return {name: _built(each) for name, each in exports.items() if name != "source"}


def _same(key: str, now: object, wanted: object) -> bool:
    """Return whether two values of a key mean the same."""
    if key == _META and isinstance(now, Mapping):
        now = {name: told for name, told in now.items() if told != {"optional": False}}
    if not now or not wanted:
        return not now and not wanted
    return json.dumps(now) == json.dumps(wanted) if key in _ORDERED else now == wanted


def _members(text: str) -> Iterator[_Member]:
    """Yield the members of a JSON object, in their order."""
    decoder = json.JSONDecoder()
    at = _past(text, text.index("{") + 1)
    while text[at] != "}":
        key, end = decoder.raw_decode(text, at)
        value = _past(text, _past(text, end) + 1)
        _, end = decoder.raw_decode(text, value)
        yield _Member(key, at, value, end)
        at = _past(text, end)
        at = _past(text, at + 1) if text[at] == "," else at


def _past(text: str, at: int) -> int:
    """Return where the white space that starts at `at` ends."""
    while text[at] in _WHITE:
        at += 1
    return at


def _with(text: str, key: str, value: object) -> str:
    """Return the text of a JSON object with another value of a key, or with one more key."""
    members = list(_members(text))
    start = text.index("{") + 1
    # What separates members: a line break and an indentation, or a space.
    between = text[start : members[0].start] if members else "\n  "
    indent = between.rpartition("\n")[2] if "\n" in between else None
    if key not in _ORDERED and isinstance(value, Mapping):
        value = dict(sorted(value.items()))
    told = json.dumps(value, ensure_ascii=False, indent=indent)
    told = told.replace("\n", f"\n{indent}")
    for member in members:
        if member.key == key:
            return text[: member.value] + told + text[member.end :]
    told = f"{json.dumps(key, ensure_ascii=False)}: {told}"
    if not members:
        return f"{text[:start]}{between}{told}\n{text[text.rindex('}') :]}"
    rank = _ORDER.index(key)
    before = [one for one in members if one.key in _ORDER[:rank]]
    if before:
        return f"{text[: before[-1].end]},{between or ' '}{told}{text[before[-1].end :]}"
    return f"{text[: members[0].start]}{told},{between or ' '}{text[members[0].start :]}"


def _without(text: str, key: str) -> str:
    """Return the text of a JSON object without a key."""
    members = list(_members(text))
    at = next(number for number, member in enumerate(members) if member.key == key)
    if at + 1 < len(members):
        return text[: members[at].start] + text[members[at + 1].start :]
    if at:
        return text[: members[at - 1].end] + text[members[at].end :]
    return f"{{}}{text[text.rindex('}') + 1 :]}"
