"""What is made from something else is as it would be made now.

In README.md, AGENTS.md and CONTRIBUTING.md, that is a Mermaid block with what
`python -m monorepo graph --format mermaid` has printed. For JavaScript, it is where
pnpm-workspace.yaml and tsconfig.json look for packages, and, of a package, the `references` of
tsconfig.build.json and the `exports` of publishConfig: those of `exports` without `source`. Both
locks have the catalog and the overrides of pnpm-workspace.yaml, what sub-templates ask for, and
nothing that nobody needs; whether they have what packages ask for is told by the rule pins.

Why: what was true once is believed for longest: a graph without the newest package, a package that
is built before what it imports.

Fix: `make guard FIX=1` writes graphs and references, `make lock` the locks.

Passes::

    "dependencies": {"@acme/core": "workspace:*"}
    "references": [{"path": "../core/tsconfig.build.json"}]

Fails::

    "dependencies": {"@acme/core": "workspace:*"}
    "references": []
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import yaml

from monorepo import documents, graph, node, pnpmlock
from monorepo.errors import UsageError
from monorepo.findings import Finding
from monorepo.names import fold
from monorepo.pnpmlock import Lock
from monorepo.sources import Sources, line_of
from monorepo.workspace import NODE_GROUPS, Package

DOCUMENTS = ("README.md", "AGENTS.md", "CONTRIBUTING.md")
_BUILD, _WHOLE = "tsconfig.build.json", "tsconfig.json"
# A graph that somebody has drawn has other names.
_DRAWN = re.compile(r'flowchart LR|    p\d+\["[^"]+"\]|    p\d+ --> p\d+')
# TypeScript reads JSON with comments and commas at the end.
_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'("(?:\\.|[^"\\\n])*")|,(?=\s*[\]}])')


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, and where there is JavaScript, the locks and the packages."""
    if not sources.space.has_javascript:
        return ["."]
    packages = [package.path for package in node.packages(sources.space)]
    return [".", node.LOCK, node.SETTINGS, "templates", *packages]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Make it again, or its parts, and compare."""
    if subject == ".":
        for path in DOCUMENTS:
            yield from _graphs(sources, path)
        if sources.space.has_javascript:
            yield from _found(sources)
    elif subject == node.LOCK:
        yield from _leftovers(sources)
    elif subject == node.SETTINGS:
        yield from _settings(sources, node.LOCK)
        yield from _settings(sources, node.TEMPLATES_LOCK)
    elif subject == "templates":
        # Sub-templates are rendered only if any of this has changed.
        templates = [path for path in sources.files if path.startswith("templates/")]
        given = sources.kept.digest(["pyproject.toml", *templates])
        yield from sources.findings(node.TEMPLATES_LOCK, "drift", lambda: _samples(sources), given)
    else:
        yield from _references(sources, sources.space.packages[subject])
        yield from _exports(sources, sources.space.packages[subject])


def _graphs(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the graphs in a document that are not of these packages."""
    text = sources.text(path) or ""
    for line, block in documents.fences(text, "mermaid") if "flowchart" in text else ():
        now, old = graph.as_mermaid(sources.space).splitlines(), block.splitlines()
        if old[:1] == now[:1] and all(map(_DRAWN.fullmatch, old)) and old != now:
            message = "the graph is not that of the packages"
            advice = "run make guard FIX=1, which draws it anew"
            first = text.splitlines()[line - 1]
            # In a list, the block is indented.
            lines = [f"{first.removesuffix(old[0])}{one}" for one in now]
            known = tuple(lines) if first.endswith(old[0]) else None
            end = line + len(old) - 1
            yield Finding(path, line, "drift", message, advice, lines=known, end=end)


def _found(sources: Sources) -> Iterator[Finding]:
    """Yield the packages that pnpm or TypeScript does not find."""
    settings, whole = _yaml(sources, node.SETTINGS), _json(sources, _WHOLE)
    for package in node.packages(sources.space):
        area = package.path.rpartition("/")[0]
        globs = [str(one) for one in (settings or {}).get("packages") or []]
        left = any(one[:1] == "!" and fnmatchcase(package.path, one[1:]) for one in globs)
        if settings is not None and (left or not _covered(package.path, globs)):
            line = line_of(sources.text(node.SETTINGS) or "", "packages:")
            message, advice = f"pnpm does not find {package.path}", f"write {area}/* into packages"
            yield Finding(node.SETTINGS, line, "drift", message, advice)
        patterns = [str(one).split("/**")[0] for one in (whole or {}).get("include") or []]
        for folder in ("src", "tests"):
            place = f"{package.path}/{folder}"
            parents = [place[:end] for end, sign in enumerate(f"{place}/") if sign == "/"]
            if patterns and not any(_covered(one, patterns) for one in parents):
                line = line_of(sources.text(_WHOLE) or "", '"include"')
                advice = f"write {area}/*/{folder} into include"
                yield Finding(_WHOLE, line, "drift", f"nobody checks the types in {place}", advice)


def _covered(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, one.removeprefix("./").rstrip("/")) for one in patterns)


def _leftovers(sources: Sources) -> Iterator[Finding]:
    """Yield what is in the lock and nobody in the lock needs."""
    if not (lock := _lock(sources, node.LOCK)):
        return
    try:
        needed = pnpmlock.prune(lock, lock.importers)
    except UsageError as error:
        message = str(error).partition(": ")[2].partition(";")[0]
        yield Finding(node.LOCK, 0, "drift", message, "run make lock")
        return
    lines = [line.strip().strip("':") for line in (sources.text(node.LOCK) or "").splitlines()]
    for key in sorted(lock.packages.keys() - needed.packages.keys()):
        line = lines.index(key) + 1 if key in lines else 0
        yield Finding(node.LOCK, line, "drift", f"nobody needs {key}", "run make lock")


def _settings(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield where a lock has other versions than the settings say."""
    told = _yaml(sources, node.SETTINGS)
    if not (lock := _lock(sources, path)) or told is None:
        return
    text = sources.text(node.SETTINGS) or ""
    catalogs = _table(told, "catalogs")
    catalogs["default"] = _table(catalogs, "default") | _table(told, "catalog")
    for (catalog, name), entry in lock.catalogs.items():
        now, old = _table(catalogs, catalog).get(name), yaml.safe_load(entry)[name]["specifier"]
        if str(now) != str(old):
            message = f"{path} has {name} {old}, not {now or 'what nobody asks for'}"
            line = line_of(text, name) if now else 0
            yield Finding(node.SETTINGS, line, "drift", message, "run make lock")
    new, old = _table(told, "overrides"), _table(yaml.safe_load(lock.middle) or {}, "overrides")
    # These two stand for a version that is said elsewhere.
    plain = {name for name, at in new.items() if not str(at).startswith(("$", "catalog:"))}
    if new.keys() != old.keys() or any(str(new[name]) != str(old[name]) for name in plain):
        message = f"{path} has other overrides"
        yield Finding(node.SETTINGS, line_of(text, "overrides:"), "drift", message, "run make lock")


def _samples(sources: Sources) -> Iterator[Finding]:
    """Yield what sub-templates ask for and their lock lacks: make new would have to look it up."""
    if lock := _lock(sources, node.TEMPLATES_LOCK):
        for sample in sources.samples:
            folder = f"templates/{sample.folder.name}"
            asked = node.without_siblings(sample.manifest)
            for name in node.differing(lock, folder, asked) if sample.language == "js" else ():
                message = f"{node.TEMPLATES_LOCK} has another {name}, or none"
                yield Finding(folder, 0, "drift", message, "run make lock")


def _references(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield what TypeScript is not told to compile first, and what it is told for nothing."""
    path = f"{package.path}/{_BUILD}"
    if (told := _json(sources, path)) is None:
        return
    entries = told.get("references")
    paths = [str(_table({"": one}, "").get("path")) for one in entries or []]
    there = {posixpath.normpath(posixpath.join(package.path, one)) for one in paths}
    here: dict[str, str] = {}
    for name in package.node_dependencies:
        other = sources.space.by_name.get(fold(name))
        if other and other.language == "js" and other is not package:
            here[name] = f"{other.path}/{_BUILD}"
    # Tests are not compiled.
    groups = [group for group in NODE_GROUPS if group != "devDependencies"]
    needed = {
        here[name] for group in groups for name in here if name in package.manifest.get(group, {})
    }
    text = sources.text(path) or ""
    line = line_of(text, '"references"')
    if missing := sorted(one for one in needed - there if (sources.root / one).is_file()):
        names = ", ".join(map(posixpath.dirname, missing))
        lines = _added(text, line, [posixpath.relpath(one, package.path) for one in missing])
        message, advice = f"TypeScript does not compile {names} first", "add it to references"
        yield Finding(path, line, "drift", message, advice, lines=lines)
    for one in sorted(there - {*here.values()}):
        message = f"refers to {one}, and {package.name} does not depend on it"
        line = line_of(text, posixpath.relpath(one, package.path)) or line
        yield Finding(path, line, "drift", message, "remove it from references, or declare it")


def _added(text: str, line: int, paths: Sequence[str]) -> tuple[str, ...] | None:
    """Return what takes the place of the line where references begin, when there are more."""
    old = text.splitlines()[line - 1] if line else ""
    head, empty, tail = old.partition("[]")
    if not empty and not old.endswith("["):
        return None
    entries = [part for one in paths for part in ("    {", f'      "path": "{one}"', "    },")]
    if not empty:
        return (old, *entries)
    return (f"{head}[", *entries[:-1], "    }", f"  ]{tail}")


def _exports(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield where what is published opens other doors than what is used here."""

    def shipped(door: object) -> object:
        if not isinstance(door, dict):
            return door
        return {name: shipped(one) for name, one in door.items() if name != "source"}

    mine = package.manifest.get("exports")
    theirs = _table(package.manifest, "publishConfig").get("exports")
    if theirs is not None and shipped(mine) not in (mine, theirs):
        path = f"{package.path}/package.json"
        message = "the exports of publishConfig are not those that are used here"
        advice = "write there what exports has, without source"
        line = line_of(sources.text(path) or "", '"publishConfig"')
        yield Finding(path, line, "drift", message, advice)


def _lock(sources: Sources, path: str) -> Lock | None:
    """Return a lock; none if there is none, or, as the rule pins tells, none that can be read."""
    try:
        return pnpmlock.parse(sources.text(path) or "")
    except UsageError:
        return None


def _table(told: Mapping[Any, Any], key: str) -> dict[Any, Any]:
    """Return the table under a key, empty if it is none."""
    found = told.get(key)
    return found if isinstance(found, dict) else {}


def _json(sources: Sources, path: str) -> dict[str, Any] | None:
    """Return what a file of TypeScript's says, or None, with a note, if that cannot be told."""
    if (text := sources.text(path)) is None:
        return None
    for useless in (_COMMENT, _COMMA):
        text = useless.sub(lambda found: found[1] or "", text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        sources.notes[path] = "is no JSON"
        return None
    return found if isinstance(found, dict) else {}


def _yaml(sources: Sources, path: str) -> dict[str, Any] | None:
    """Return what a file says, or None, with a note, if that cannot be told."""
    if (text := sources.text(path)) is None:
        return None
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        sources.notes[path] = "is no YAML"
        return None
    return found if isinstance(found, dict) else {}
