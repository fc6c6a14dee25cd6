"""What the manifests of JavaScript packages declare when a module of one becomes another."""

import copy
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from monorepo.core.workspace import NODE_GROUPS, Package
from monorepo.splitting.javascript import source_of
from monorepo.splitting.splitting import Plan, Split

_RUN, _DEV = "dependencies", "devDependencies"
_META = "peerDependenciesMeta"
_HERE = "workspace:*"
# What compiles a package before those that reference it.
BUILD = "tsconfig.build.json"
# The groups whose packages of the repository are compiled before.
COMPILED = ("dependencies", "peerDependencies", "optionalDependencies")
_REFERENCES = re.compile(r'(?P<indent>[ \t]*)"references"\s*:\s*\[(?P<items>[^\]]*)\]')
_PATH = re.compile(r'"path"\s*:\s*"([^"]+)"')

Document = dict[str, Any]


def divide(split: Split, plan: Plan, new: Document, subpaths: Mapping[str, str]) -> Document:
    """Divide what a package declares between itself and a new package.

    Args:
        split: what goes where.
        plan: what the files of both import afterwards.
        new: the manifest of the new package; it gets more.
        subpaths: the files of it that others import by a path: the path by the file.

    Returns:
        The manifest that the old package has afterwards.
    """
    package = split.package
    old: Document = copy.deepcopy(dict(package.manifest))
    goes, stays = (_uses(plan, at) for at in (split.at, package.path))
    for group in NODE_GROUPS:
        for name, version in [*old.get(group, {}).items()]:
            # Types are for who imports what they are of.
            real = name.removeprefix("@types/") if name.startswith("@types/") else name
            if (name not in goes and real not in goes) or name in (package.name, split.name):
                continue
            _add(new, group, name, version)
            if name in old.get(_META, {}):
                _add(new, _META, name, old[_META][name])
            if name not in stays and real not in stays:
                _remove(old, group, name)
    _exports(split, old, new, subpaths)
    if plan.needs_old:
        _add(new, _RUN, package.name, _HERE)
    elif _needs(plan, split.at, package.name, code=False):
        _add(new, _DEV, package.name, _HERE)
    if _needs(plan, package.path, split.name, code=True):
        _add(old, _RUN, split.name, _HERE)
    elif _needs(plan, package.path, split.name, code=False):
        _add(old, _DEV, split.name, _HERE)
    return old


def _uses(plan: Plan, at: str) -> set[str]:
    return {*plan.imports.get((at, True), {}), *plan.imports.get((at, False), {})}


def _needs(plan: Plan, at: str, name: str, *, code: bool) -> bool:
    return name in plan.imports.get((at, code), {})


def _exports(split: Split, old: Document, new: Document, subpaths: Mapping[str, str]) -> None:
    """Have the exports of files go along, and have those of files that others import by a path."""
    folder = split.package.path
    exports, mine = old.get("exports"), new.get("exports")
    if isinstance(exports, dict) and any(key.startswith(".") for key in exports):
        for key in [*exports]:
            source = source_of(exports[key])
            if source and split.path(
                posixpath.normpath(f"{folder}/{source}")
            ) != posixpath.normpath(f"{folder}/{source}"):
                del exports[key]
    if not isinstance(mine, dict) or "." not in mine:
        return
    for file, key in sorted(subpaths.items(), key=lambda one: one[1]):
        stem = posixpath.splitext(file.removeprefix(f"{split.source}/"))[0]
        mine[key] = _like(mine["."], stem, posixpath.splitext(file)[1])


def _like(value: Any, stem: str, suffix: str) -> Any:  # noqa: ANN401
    """Return an export of a file like that of the index."""
    if isinstance(value, dict):
        return {key: _like(inner, stem, suffix) for key, inner in value.items()}
    name = value.replace("/index.", f"/{stem}.")
    return posixpath.splitext(name)[0] + suffix if "/src/" in name else name


def follow(package: Package, split: Split, plan: Plan) -> Document | None:
    """Return what another package declares that uses one of the two; None if that stays."""
    found: Document = copy.deepcopy(dict(package.manifest))
    old, new = split.package.name, split.name
    code, rest = (_needs(plan, package.path, new, code=one) for one in (True, False))
    if not (code or rest):
        return None
    groups = [group for group in NODE_GROUPS if old in found.get(group, {})]
    stays = old in _uses(plan, package.path)
    for group in groups:
        # What tests alone import, users need not have.
        target = group if code or group == _DEV else _DEV
        _add(found, target, new, found[group][old])
        if not stays:
            _remove(found, group, old)
    if not groups:
        _add(found, _RUN if code else _DEV, new, _HERE)
    return found


def references(text: str, folder: str, needs: Mapping[str, bool]) -> str:
    """Return the text of a tsconfig.build.json that references what its package needs.

    Args:
        text: the text.
        folder: the package.
        needs: the paths of other packages, and whether it needs each.
    """
    found = _REFERENCES.search(text)
    if found is None:
        return text
    paths = _PATH.findall(found["items"])
    wanted = {*paths}
    for other, is_needed in needs.items():
        path = f"{posixpath.relpath(other, folder)}/{BUILD}"
        wanted = wanted | {path} if is_needed else wanted - {path}
    if wanted == {*paths}:
        return text
    indent = found["indent"]
    step = indent or "  "
    rows = [
        f'{indent}{step}{{\n{indent}{step * 2}"path": "{path}"\n{indent}{step}}}'
        for path in sorted(wanted)
    ]
    inner = ",\n".join(rows)
    items = f"\n{inner}\n{indent}" if rows else ""
    return text[: found.start()] + f'{indent}"references": [{items}]' + text[found.end() :]


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the dependencies that differ, by group, and the exports; None for what is gone."""

    def differing(key: str) -> dict[str, Any]:
        old, new = before.get(key) or {}, after.get(key) or {}
        if not (isinstance(old, dict) and isinstance(new, dict)):
            return {}
        names: Iterable[str] = dict.fromkeys([*old, *new])
        return {name: new.get(name) for name in names if old.get(name) != new.get(name)}

    groups = {key: found for key in NODE_GROUPS if (found := differing(key))}
    return groups, differing("exports")


def _add(document: Document, group: str, name: str, value: object) -> None:
    document[group] = dict(sorted({**document.get(group, {}), name: value}.items()))


def _remove(document: Document, group: str, name: str) -> None:
    document[group] = {one: value for one, value in document[group].items() if one != name}
    if name in document.get(_META, {}) and group == "peerDependencies":
        _remove(document, _META, name)
