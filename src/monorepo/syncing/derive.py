"""Write the `package.edn` that a pyproject.toml or a package.json amounts to.

What `make sync` makes of it is what was there: all that the manifest decides stands in it, in the
order of that file. Standard library only, because the first packages of a repository get theirs
before anything is installed.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from monorepo.core.naming import fold
from monorepo.core.workspace import Package, Workspace
from monorepo.edn import reader, targets, writer
from monorepo.edn.reader import Keyword
from monorepo.syncing.making import MANIFESTS, PACKAGE, Source, marked
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin

# A requirement that can be written as {:pkg … :extras […]}.
_PLAIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[([^\]\s]+)\])?")
_NAMED = ("name", "version", "description")
# The entry points of [project], and the keys of a peer in `peerDependenciesMeta`.
_ENTRY = ("scripts", "gui-scripts", "entry-points")
_OPTIONAL = "optional"


def derive(space: Workspace, packages: Sequence[Package], *, dry_run: bool = False) -> list[str]:
    """Give packages a `package.edn` each, in one transaction.

    Returns:
        A line for each file written; with `dry_run`, the changes.

    Raises:
        UsageError: a package has such a manifest, or cannot have one; nothing has changed.
    """
    texts: dict[str, str] = {}
    mistakes: list[str] = []
    for package in packages:
        if there := [file for file in MANIFESTS if os.path.lexists(package.folder / file)]:
            mistakes.append(f"{package.path}/{there[0]}: is there already; change that")
            continue
        try:
            texts |= files(space, package, text_files.read(space.root, package.manifest_path))
        except UsageError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UsageError(*mistakes)
    with begin(space.root, dry_run=dry_run) as change:
        for path, text in texts.items():
            change.write(path, text)
        if dry_run:
            return change.describe()
        change.commit()
    return [f"wrote {path}" for path in texts]


def into(target: Path, space: Workspace, package: Package) -> None:
    """Give a package that is rendered below the folder `target` a `package.edn`.

    Raises:
        UsageError: see `files`.
    """
    text = text_files.read(target, package.manifest_path)
    for path, written in files(space, package, text).items():
        (target / path).write_text(written, encoding="utf-8")


def files(space: Workspace, package: Package, manifest: str) -> dict[str, str]:
    """Return the `package.edn` of a package, and its marked manifest, by their paths.

    Args:
        space: the repository.
        package: the package, which may not be in place yet.
        manifest: the text of its manifest for the tools of its language, which is valid.

    Raises:
        UsageError: something in that cannot be said in a `package.edn`; with all such mistakes.
    """
    source = Source(package.path, PACKAGE, package.language)
    found = text(package, space.by_name)
    return {source.path: found, source.output: marked(source, manifest)}


def text(package: Package, internal: Collection[str]) -> str:
    """Return the text of the `package.edn` of a package.

    Args:
        package: the package; its manifest is valid.
        internal: the normalized names of the packages of the repository.

    Raises:
        UsageError: something in its manifest cannot be said there; with all such mistakes.
    """
    derive = _python if package.is_python else _node
    mistakes: list[str] = []
    found = derive(package.manifest, internal, mistakes)
    if mistakes:
        raise UsageError(*(f"{package.manifest_path}: {mistake}" for mistake in mistakes))
    filled = {key: value for key, value in found.items() if value}
    return writer.write({Keyword(key): value for key, value in filled.items()})


def _python(
    manifest: Mapping[str, Any], internal: Collection[str], mistakes: list[str]
) -> dict[str, Any]:
    project = manifest["project"]
    requires = project.get("requires-python")
    extras = project.get("optional-dependencies", {})
    seen: dict[str, str] = {}
    for extra in extras:
        if (other := seen.setdefault(fold(extra), extra)) != extra:
            mistakes.append(f"the extras {other} and {extra} are one name; join them")

    def requirements(items: Sequence[str | Mapping[str, str]]) -> list[object]:
        return [dependency(item, internal) for item in items]

    return {
        **_named(project),
        "lang": Keyword("python"),
        "runtimes/targets": [] if requires is None else [f"{targets.PYTHON}{requires}"],
        "deps/base": requirements(project.get("dependencies", ())),
        "extras": {word(extra): requirements(items) for extra, items in extras.items()},
        "dev": {
            word(group): requirements(items)
            for group, items in manifest.get("dependency-groups", {}).items()
        },
        "entry": {Keyword(key): project[key] for key in _ENTRY if project.get(key)},
    }


def dependency(item: str | Mapping[str, str], internal: Collection[str]) -> object:
    """Return a requirement, or what includes a group, as `package.edn` has it."""
    if not isinstance(item, str):
        return {Keyword(key): value for key, value in item.items()}
    found = _PLAIN.fullmatch(item)
    if found is None or fold(found[1]) not in internal:
        return item
    extras = {Keyword("extras"): found[2].split(",")} if found[2] else {}
    return {Keyword("pkg"): found[1], **extras}


def _node(
    manifest: Mapping[str, Any], internal: Collection[str], mistakes: list[str]
) -> dict[str, Any]:
    exports = _export(manifest.get("exports"), "exports", mistakes)
    return {
        **_named(manifest, mistakes),
        "lang": Keyword("node"),
        "runtimes/targets": _targets(manifest, mistakes),
        "deps/base": manifest.get("dependencies"),
        "peers": _peers(manifest, mistakes),
        "dev": manifest.get("devDependencies"),
        "entry": exports,
    }


def _targets(manifest: Mapping[str, Any], mistakes: list[str]) -> list[str]:
    """Return the engines of a package.json as targets."""
    found = []
    engines = _table(manifest, "engines", mistakes)
    for engine, versions in engines.items():
        try:
            found.append(targets.target(engine, versions))
        except (TypeError, ValueError):
            shown = f"{engine}: {versions}"
            mistakes.append(f"engines: {shown!a} is no range of an engine; correct it")
    exports = manifest.get("exports")
    exported = isinstance(exports, dict) and targets.BROWSER_EXPORT in exports
    return targets.ordered([*found, targets.BROWSER] if exported else found)


def _peers(manifest: Mapping[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """Return the peers of a package.json, with what it says about each."""
    ranges = manifest.get("peerDependencies", {})
    key = "peerDependenciesMeta"
    optional = {}
    for name, told in _table(manifest, key, mistakes).items():
        if not isinstance(told, dict) or told.keys() - {_OPTIONAL}:
            mistakes.append(f"{key}: {name} has more than {_OPTIONAL}; take that out")
        elif told.get(_OPTIONAL) is True:
            version = {Keyword("version"): ranges[name]} if name in ranges else {}
            optional[name] = {**version, Keyword(_OPTIONAL): True}
    return {**ranges, **optional}


def _export(value: object, place: str, mistakes: list[str]) -> object:
    """Return exports as `package.edn` has them, with conditions as keywords."""
    if isinstance(value, dict):
        return {
            word(name): _export(inner, f"{place}: {name}", mistakes)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_export(inner, place, mistakes) for inner in value]
    if value is not None and not isinstance(value, str):
        mistakes.append(f"{place}: is no path; correct it")
    return value


def _named(table: Mapping[str, Any], mistakes: list[str] | None = None) -> dict[str, Any]:
    """Return what a package is called, and what it is for."""
    found = {key: table[key] for key in _NAMED if key in table}
    for key, value in found.items():
        if not isinstance(value, str) and mistakes is not None:
            mistakes.append(f"{key}: is no text; correct it")
    return {f"package/{key}": value for key, value in found.items()}


def _table(manifest: Mapping[str, Any], key: str, mistakes: list[str]) -> Mapping[str, Any]:
    """Return an object of a package.json."""
    found = manifest.get(key, {})
    if not isinstance(found, dict):
        mistakes.append(f"{key}: is no object; correct it")
        return {}
    return found


def word(name: str) -> str | Keyword:
    """Return a name as a keyword if it can be one."""
    return Keyword(name) if name[:1].isalpha() and reader.is_keyword(name) else name
