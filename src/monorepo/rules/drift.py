"""Generated content is what its command would write, and nothing is left out of it.

Nothing is run: the content is made again and compared, or its recorded hashes are.

- drift.generated: what `generate` in a package's settings writes
- drift.manifest: what a package.edn or service.edn decides, and the owners in CODEOWNERS
- drift.uv: `[tool.uv]` of a uv project, which `make lock` writes
- drift.export: the files of mise, moon or Nx
- drift.graph: Mermaid graphs of packages in README.md, AGENTS.md and CONTRIBUTING.md
- drift.workspace: a package that no glob of pnpm-workspace.yaml covers
- drift.types: a folder that no TypeScript program checks (tsconfig.json of the root; of a browser
  app its own; of code for browsers elsewhere a tsconfig.browser.json)
- drift.references: `references` in tsconfig.build.json that are not those of the dependencies
- drift.exports: `exports` of publishConfig that are not `exports` without `source`

Why: outdated content misleads: a graph without the newest package, a client with a field that its
service no longer has, a review that nobody is asked for.

Fix: the command that the finding names; `make guard FIX=1` mends graphs and references.

Passes::

    "dependencies": {"@acme/core": "workspace:*"}
    "references": [{"path": "../core/tsconfig.build.json"}]

Fails::

    "dependencies": {"@acme/core": "workspace:*"}
    "references": []
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from monorepo.core.workspace import NODE_GROUPS, Package
from monorepo.exporting import export
from monorepo.generation import records
from monorepo.graph import documents
from monorepo.guard import config_files
from monorepo.guard.findings import Finding, of_mistakes
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import pnpm_locks, projects
from monorepo.locking.pnpm_locks import SETTINGS
from monorepo.parsing import data_formats, markdown
from monorepo.syncing import making, sync
from monorepo.system.errors import UsageError

_BUILD, _WHOLE = "tsconfig.build.json", "tsconfig.json"
# The programs of a package besides that of the root: fan_out has them checked.
_PROGRAMS = ("tsconfig.json", "tests/tsconfig.json")
_BROWSER = "tsconfig.browser.json"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, and the JavaScript packages."""
    return [".", *(package.path for package in pnpm_locks.packages(sources.space))]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Make it again, or its parts, and compare."""
    if subject != ".":
        yield from _references(sources, sources.space.packages[subject])
        yield from _exports(sources, sources.space.packages[subject])
        return
    for path in markdown.ROOT:
        yield from _graphs(sources, path)
    for package in sources.space.packages.values():
        for each in records.drift(sources, package):
            yield Finding(each.path, each.line, "drift.generated", each.message, each.fix)
    yield from _manifests(sources)
    if sources.space.has_javascript:
        yield from _found(sources)
    try:
        for path, _ in projects.drift(sources.space):
            message = "[tool.uv] is not that of the closure and its pins"
            line = line_of(sources.text(path) or "", "[tool.uv]")
            yield Finding(path, line, "drift.uv", message, "run make lock")
    except UsageError as error:
        yield from of_mistakes("drift.uv", error.mistakes)
    # What is known of a broken package is not enough to write them, and it is a finding anyway.
    engines = [] if sources.space.problems else export.exported(sources)
    try:
        for one in export.differences(sources, engines) if engines else ():
            yield Finding(one.path, 0, "drift.export", one.message, one.fix)
    except UsageError as error:
        yield from of_mistakes("drift.export", error.mistakes)


def _graphs(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the graphs in a document that are not of these packages."""
    if "mermaid" in (sources.text(path) or ""):
        picture = sources.once(_picture)

        def outdated(text: str) -> list[list[object]]:
            return [list(one) for one in documents.outdated(text, picture)]

        for line, end, lines in sources.in_text(path, "graphs", outdated, picture):
            message, advice = "the graph is not that of the packages", "run make sync-docs"
            yield Finding(path, line, "drift.graph", message, advice, lines=tuple(lines), end=end)


def _picture(sources: Sources) -> str:
    return documents.drawn(sources.space)


def _manifests(sources: Sources) -> Iterator[Finding]:
    """Yield where files are not as a package.edn or a service.edn says, and its mistakes."""
    found = sync.plan(sources.root)
    yield from of_mistakes("drift.manifest", found.mistakes)
    for each in found.drift:
        yield Finding(each.path, each.line, "drift.manifest", each.message, sync.RUN)
    if sources.space.uses_manifests:
        there = {source.package for source in sync.sources(sources.root)}
        for package in sources.space.packages.values():
            path = package.manifest_path
            if package.path not in there and making.is_marked(package, sources.text(path) or ""):
                message = "says that a manifest decides a part of it, and there is none"
                fix = "restore that from git, or remove what says so"
                yield Finding(
                    path, sources.line_of(path, "make sync"), "drift.manifest", message, fix
                )


def _found(sources: Sources) -> Iterator[Finding]:
    """Yield the packages that pnpm or TypeScript does not find."""
    settings = config_files.read(sources, SETTINGS)
    whole = config_files.read(sources, _WHOLE)
    globs = [str(one) for one in data_formats.entries(settings, "packages")]
    for package in pnpm_locks.packages(sources.space):
        area = package.path.rpartition("/")[0]
        left_out = _covered(package.path, [one[1:] for one in globs if one[:1] == "!"])
        if settings is not None and (left_out or not _covered(package.path, globs)):
            line = sources.line_of(SETTINGS, "packages:")
            message, advice = f"pnpm does not find {package.path}", f"write {area}/* into packages"
            yield Finding(SETTINGS, line, "drift.workspace", message, advice)
        yield from _unchecked(sources, package, whole or {})


def _unchecked(sources: Sources, package: Package, whole: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the folders of a package that no TypeScript program has.

    A browser app has programs of its own; of another package, it is what the root excludes.
    """
    file, advice = _WHOLE, f"write {package.path.rpartition('/')[0]}/*/{{}} into include"
    include = [str(one).split("/**")[0] for one in data_formats.entries(whole, "include")]
    if package.is_page:
        file, advice = f"{package.path}/{_WHOLE}", "write {} into include"
        include = [
            posixpath.normpath(posixpath.join(package.path, posixpath.dirname(name), str(one)))
            for name in _PROGRAMS
            if (told := config_files.read(sources, f"{package.path}/{name}")) is not None
            for one in data_formats.entries(told, "include") or ["."]
        ]
    for folder in ("src", "tests"):
        message = f"the types in {package.path}/{folder} are not checked"
        if (include or package.is_page) and not _covered(f"{package.path}/{folder}", include):
            line = sources.line_of(file, '"include"')
            yield Finding(file, line, "drift.types", message, advice.format(folder))
    excluded = [str(one) for one in data_formats.entries(whole, "exclude")]
    hidden = [
        path
        for path in sources.by_package[package.path]
        if any(fnmatchcase(path, one) or fnmatchcase(path, f"{one}/*") for one in excluded)
    ]
    own = f"{package.path}/{_BROWSER}"
    if hidden and not package.is_page and sources.text(own) is None:
        message = f"its types are not checked: {_WHOLE} excludes it"
        yield Finding(hidden[0], 0, "drift.types", message, f"write {own}; see CONTRIBUTING.md")


def _covered(path: str, patterns: Sequence[str]) -> bool:
    """Return whether patterns match a folder, or one that it is in."""
    folders = (one.removeprefix("./").rstrip("/") for one in patterns)
    return any(fnmatchcase(f"{path}/", f"{one}/*") for one in folders)


def _references(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield missing and superfluous references of TypeScript."""
    path = f"{package.path}/{_BUILD}"
    if (told := config_files.read(sources, path)) is None:
        return
    paths = [
        str(data_formats.table(one).get("path")) for one in data_formats.entries(told, "references")
    ]
    there = {posixpath.normpath(posixpath.join(package.path, one)) for one in paths}
    needed = {f"{one}/{_BUILD}" for one in _needs(sources, package, NODE_GROUPS)}
    # Tests are not compiled.
    compiled = [group for group in NODE_GROUPS if group != "devDependencies"]
    first = {f"{one}/{_BUILD}" for one in _needs(sources, package, compiled)}
    text = sources.text(path) or ""
    line = line_of(text, '"references"')
    if missing := sorted(one for one in first - there if (sources.root / one).is_file()):
        names = ", ".join(map(posixpath.dirname, missing))
        lines = _added(text, line, [posixpath.relpath(one, package.path) for one in missing])
        message, advice = f"TypeScript does not compile {names} first", "add it to references"
        yield Finding(path, line, "drift.references", message, advice, lines=lines)
    # Other programs of the package are its own, such as that of its code for browsers.
    own = {one for one in there if posixpath.dirname(one) == package.path and sources.text(one)}
    for one in sorted(there - needed - own):
        message = f"refers to {one}, and {package.name} does not depend on it"
        at = line_of(text, posixpath.relpath(one, package.path)) or line
        yield Finding(
            path, at, "drift.references", message, "remove it from references, or declare it"
        )


def _needs(sources: Sources, package: Package, groups: Sequence[str]) -> set[str]:
    """Return the paths of the JavaScript packages here that groups of dependencies name."""
    names = [name for group in groups for name in package.manifest.get(group, {})]
    others = map(sources.space.named, names)
    return {other.path for other in others if other and other.is_javascript} - {package.path}


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
    theirs = data_formats.table(package.manifest, "publishConfig").get("exports")
    if theirs is not None and shipped(mine) not in (mine, theirs):
        path = f"{package.path}/package.json"
        message = "the exports of publishConfig are not those that are used here"
        advice = "write there what exports has, without source"
        line = sources.line_of(path, '"publishConfig"')
        yield Finding(path, line, "drift.exports", message, advice)
