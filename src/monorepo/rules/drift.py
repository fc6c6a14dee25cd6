"""Generated content (diagrams, references, locks) is up to date.

What a package generates by a command of its settings `generate` is there, not edited by hand, and
newer than its inputs: `generated.lock` has the hashes of both. Nothing is run. In README.md,
AGENTS.md and CONTRIBUTING.md, generated content is a Mermaid block with the output of
`sh tools/make/monorepo.sh graph --format mermaid`. For JavaScript, it is the package globs in
pnpm-workspace.yaml and tsconfig.json (a browser app has TypeScript programs of its own, and code
for browsers in another package a tsconfig.browser.json) and, for each package, the `references` of
tsconfig.build.json and the `exports` of publishConfig: those of `exports` without `source`. Both
locks have the catalog and the overrides of pnpm-workspace.yaml, the dependencies of sub-templates,
and nothing unused; the rule pins checks the dependencies of packages. In the pyproject.toml of a uv
project, it is what `make lock` writes into `[tool.uv]`; `make lock-check` checks uv.lock. Where a
package has a package.edn or a service.edn, it is what `make sync` writes of it into pyproject.toml,
package.json, pnpm-workspace.yaml and service.json. Where `make export` has written files for mise,
moon or Nx, it is all of these. In .github/CODEOWNERS, it is the lines between
two comments, which the key `owners` of manifests decides, and no line is one that never decides.

Why: outdated content misleads: a graph without the newest package, a package that is built before
its dependencies, a client with a field that its service no longer has, a review that nobody is
asked for.

Fix: `make generate` writes what packages generate, `make sync` what manifests say, `make export`
the files of engines, `make sync-docs` graphs, `make guard FIX=1` references, `make lock` the locks
and `[tool.uv]`.

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

from monorepo.core.engine import REQUIREMENT
from monorepo.core.workspace import NODE_GROUPS, Package
from monorepo.exporting import export
from monorepo.generation import records
from monorepo.graph import documents
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources, line_of
from monorepo.locking import pnpm_drift, pnpm_locks, projects
from monorepo.locking.pnpm_locks import LOCK, SETTINGS, TEMPLATES_LOCK
from monorepo.parsing import data_formats, markdown, pnpm_lockfile
from monorepo.syncing import making, sync
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.templating.sub_templates import TEAMS

_BUILD, _WHOLE = "tsconfig.build.json", "tsconfig.json"
# The programs of a package besides that of the root: fan_out has them checked.
_PROGRAMS = ("tsconfig.json", "tests/tsconfig.json")
_BROWSER = "tsconfig.browser.json"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the repository, and where there is JavaScript, the locks and the packages."""
    if not sources.space.has_javascript:
        return ["."]
    packages = [package.path for package in pnpm_locks.packages(sources.space)]
    return [".", LOCK, SETTINGS, TEMPLATES_LOCK, *packages]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Make it again, or its parts, and compare."""
    if subject == ".":
        for path in markdown.ROOT:
            yield from _graphs(sources, path)
        if sources.space.has_javascript:
            yield from _found(sources)
        yield from _projects(sources)
        for package in sources.space.packages.values():
            for each in records.drift(sources, package):
                yield Finding(each.path, each.line, "drift", each.message, each.fix)
        yield from _manifests(sources)
        yield from _exported(sources)
    elif subject == LOCK:
        yield from _leftovers(sources)
    elif subject == SETTINGS:
        yield from _settings(sources, LOCK)
        yield from _settings(sources, TEMPLATES_LOCK)
    elif subject == TEMPLATES_LOCK:
        # Sub-templates are rendered only if any of this has changed.
        templates = [path for path in sources.files if path.startswith(f"{TEAMS}/")]
        given = sources.kept.digest(["pyproject.toml", REQUIREMENT, *templates])
        yield from sources.findings(TEMPLATES_LOCK, "drift", lambda: _samples(sources), given)
    else:
        yield from _references(sources, sources.space.packages[subject])
        yield from _exports(sources, sources.space.packages[subject])


def _graphs(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield the graphs in a document that are not of these packages."""
    text = sources.text(path) or ""
    if "mermaid" in text:
        for line, end, lines in documents.outdated(text, sources.once(_picture)):
            message = "the graph is not that of the packages"
            advice = "run make sync-docs, which draws it anew"
            yield Finding(path, line, "drift", message, advice, lines=lines, end=end)


def _picture(sources: Sources) -> str:
    return documents.drawn(sources.space)


def _projects(sources: Sources) -> Iterator[Finding]:
    """Yield the manifests in which `[tool.uv]` is not as `make lock` writes it."""
    try:
        for path, _ in projects.drift(sources.space):
            message = "[tool.uv] is not that of the closure and its pins"
            line = line_of(sources.text(path) or "", "[tool.uv]")
            yield Finding(path, line, "drift", message, "run make lock")
    except UsageError as error:
        for mistake in error.mistakes:
            path, line, message, fix = text_files.mistake(mistake)
            yield Finding(path, line, "drift", message, fix)


def _manifests(sources: Sources) -> Iterator[Finding]:
    """Yield where files are not as a package.edn or a service.edn says, and its mistakes."""
    found = sync.plan(sources.root)
    for mistake in found.mistakes:
        path, line, message, fix = text_files.mistake(mistake)
        yield Finding(path, line, "drift", message, fix)
    for each in found.drift:
        yield Finding(each.path, each.line, "drift", each.message, sync.RUN)
    if sources.space.uses_manifests:
        there = {source.package for source in sync.sources(sources.root)}
        for package in sources.space.packages.values():
            path = package.manifest_path
            if package.path not in there and making.is_marked(package, sources.text(path) or ""):
                message = "says that a manifest decides a part of it, and there is none"
                fix = "restore that from git, or remove what says so"
                yield Finding(path, sources.line_of(path, "make sync"), "drift", message, fix)


def _exported(sources: Sources) -> Iterator[Finding]:
    """Yield the files of engines that are not as the packages say."""
    # What is known of a broken package is not enough to write them, and it is a finding anyway.
    if sources.space.problems or not (engines := export.exported(sources)):
        return
    try:
        for each in export.differences(sources, engines):
            yield Finding(each.path, 0, "drift", each.message, each.fix)
    except UsageError as error:
        for mistake in error.mistakes:
            path, line, message, fix = text_files.mistake(mistake)
            yield Finding(path, line, "drift", message, fix)


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
            yield Finding(SETTINGS, line, "drift", message, advice)
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
            yield Finding(file, line, "drift", message, advice.format(folder))
    excluded = [str(one) for one in data_formats.entries(whole, "exclude")]
    hidden = [
        path
        for path in sources.by_package[package.path]
        if any(fnmatchcase(path, one) or fnmatchcase(path, f"{one}/*") for one in excluded)
    ]
    own = f"{package.path}/{_BROWSER}"
    if hidden and not package.is_page and sources.text(own) is None:
        message = f"its types are not checked: {_WHOLE} excludes it"
        yield Finding(hidden[0], 0, "drift", message, f"write {own}; see CONTRIBUTING.md")


def _covered(path: str, patterns: Sequence[str]) -> bool:
    """Return whether patterns match a folder, or one that it is in."""
    folders = (one.removeprefix("./").rstrip("/") for one in patterns)
    return any(fnmatchcase(f"{path}/", f"{one}/*") for one in folders)


def _leftovers(sources: Sources) -> Iterator[Finding]:
    """Yield unused packages in the lock."""
    if not (lock := config_files.lock(sources, LOCK)):
        return
    try:
        needed = pnpm_lockfile.prune(lock, lock.importers)
    except UsageError as error:
        message = str(error).partition(": ")[2].partition(";")[0]
        yield Finding(LOCK, 0, "drift", message, "run make lock")
        return
    for key in sorted(lock.packages.keys() - needed.packages.keys()):
        line = sources.line_of(LOCK, "packages:", key)
        yield Finding(LOCK, line, "drift", f"{key} is locked and not required", "run make lock")


def _settings(sources: Sources, path: str) -> Iterator[Finding]:
    """Yield where a lock has other versions than the settings say."""
    told = config_files.read(sources, SETTINGS)
    if not (lock := config_files.lock(sources, path)) or told is None:
        return
    text = sources.text(SETTINGS) or ""
    for one in pnpm_drift.in_settings(path, lock, told):
        line = line_of(text, one.needle) if one.needle else 0
        yield Finding(SETTINGS, line, "drift", one.message, "run make lock")


def _samples(sources: Sources) -> Iterator[Finding]:
    """Yield what sub-templates ask for and their lock lacks: make new would have to look it up."""
    if lock := config_files.lock(sources, TEMPLATES_LOCK):
        for path, message in pnpm_locks.in_samples(sources.root, lock, sources.samples):
            yield Finding(path, 0, "drift", message, "run make lock")


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
        yield Finding(path, line, "drift", message, advice, lines=lines)
    # Other programs of the package are its own, such as that of its code for browsers.
    own = {one for one in there if posixpath.dirname(one) == package.path and sources.text(one)}
    for one in sorted(there - needed - own):
        message = f"refers to {one}, and {package.name} does not depend on it"
        at = line_of(text, posixpath.relpath(one, package.path)) or line
        yield Finding(path, at, "drift", message, "remove it from references, or declare it")


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
        yield Finding(path, line, "drift", message, advice)
