"""Compare the dependencies in a package.json with what the package uses, for the rule `declared`.

knip reads the configurations of more tools, but executes them, needs an installation, and accepts
what is declared by the root as declared.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monorepo.core.workspace import NODE_GROUPS, Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.locking.pnpm_locks import LOCK
from monorepo.parsing import data_formats, javascript
from monorepo.parsing.python_imports import Import, ImportKind

# Node's own modules that have a name without `node:`; `module.builtinModules` lists them.
BUILTIN = set(
    """
    assert async_hooks buffer child_process cluster console constants crypto dgram
    diagnostics_channel dns domain events fs http http2 https inspector module net os path
    perf_hooks process punycode querystring readline repl stream string_decoder sys timers tls
    trace_events tty url util v8 vm wasi worker_threads zlib
    """.split()
)
_PAGES = (".vue", ".svelte", ".astro", ".mdx", ".html")
_NAME = re.compile(r"((?:@[\w.-][\w.~-]*/)?[\w.-][\w.~-]*)(?:/.*)?")
_WORD = re.compile(r"@?[\w.-]+(?:/[\w.~-]+)*")
# Test files, also in src.
_TEST = re.compile(
    r"(.*/)?(tests?|e2e|stories|__\w+__)/.*|.*\.(test|spec|stories|bench)\.\w+"
    r"|(.*/)?(\w*[tT]est-?[uU]tils?|setup-?[tT]ests?|test-setup|setup-jest)\.\w+"
)
# Files that are served or copied as they are.
_READY = re.compile(r".*\.min\.\w+|(?!src/)(.*/)?(public|static|templates|third_party|vendor)/.*")
# Modules that a framework provides itself.
_PROVIDED = {"next": {"client-only", "server-only"}, "electron": {"electron"}}
# These put devDependencies into what they build.
_BUNDLERS = set(
    """
    @sveltejs/kit @vercel/ncc astro bunchee esbuild microbundle next parcel react-scripts rollup
    rolldown tsdown tsup unbuild vite webpack
    """.split()
)
_ALIASES = re.compile(r"""\b(?:alias|moduleNameMapper)["']?\s*[:=]\s*\{([^}]*)""")
_KEY = re.compile(r"""(?<![\w.])["'/]?\^?([\w@~-]+(?:/[\w-]+)*)[^"'\s:,]*["']?\s*[:,]""")
_PROSE = (".md", ".txt", ".edn", ".lock", "LICENSE")
# Fields of package.json that do not use what they name.
_LISTS = {*NODE_GROUPS, "name", "description", "keywords", "monorepo", "overrides", "resolutions"}
_LISTS |= {"peerDependenciesMeta", "pnpm", "repository", "homepage"}


class _Use(NamedTuple):
    """A use of an npm package: whether code of src needs it to run, or its types are enough."""

    name: str
    path: str
    line: int
    runs: bool
    types: bool


def check(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield findings about missing, misplaced and unused dependencies of a JavaScript package."""
    declared = package.node_dependencies.keys()
    shipped = {name for group in NODE_GROUPS for name in package.manifest.get(group, {})
               if group != "devDependencies"}  # fmt: skip
    shipped.update(*(_PROVIDED.get(name, ()) for name in declared))
    scripts = " ".join(map(str, data_formats.table(package.manifest, "scripts").values()))
    bundled = _BUNDLERS & {*declared, *scripts.split()}
    uses = list(_uses(sources, package))
    told: set[str] = set()
    # The first place in src, or else in tests, is enough: one declaration fixes them all.
    for name, path, line, runs, types in sorted(uses, key=lambda use: (not use.runs, *use[1:3])):
        other = sources.space.by_import.get(name)
        if name in told | shipped | {package.name} or _types_of(name) in declared:
            continue
        # The rule `layers` tells of services and apps.
        if other and not other.is_shared:
            continue
        if name not in declared:
            told.add(name)
            group = "dependencies" if runs and not types else "devDependencies"
            fix = f"declare it in {group} of {package.manifest_path}"
            if sources.space.is_stray(name):
                fix = "correct the name: no package here has it"
            yield Finding(
                path, line, "declared.missing", f"imports {name}, which is not declared", fix
            )
        elif runs and not types and not bundled:
            told.add(name)
            message = f"imports {name}, which is only in devDependencies"
            fix = "move it to dependencies, or write import type"
            yield Finding(path, line, "declared.misplaced", message, fix)
    yield from _unused(sources, package, {use.name for use in uses})


def _types_of(name: str) -> str:
    """Return the DefinitelyTyped package of a package."""
    return f"@types/{name.removeprefix('@').replace('/', '__')}"


def _files(sources: Sources, package: Package) -> list[str]:
    """Return the files of a package from its folder, without those of packages inside it."""
    start = len(package.path) + 1
    files = [path[start:] for path in sources.by_package[package.path]]
    others = [file[: -len("package.json")] for file in files if file.endswith("/package.json")]
    return [file for file in files if not file.startswith(tuple(others))]


def _package(module: str) -> str | None:
    """Return the npm package of an import; None for a file, a URL, or a module of Node."""
    if module.startswith((".", "/", "#", "~")) or ":" in module or "!" in module:
        return None
    found = _NAME.fullmatch(module.partition("?")[0])
    return found[1] if found and module.partition("/")[0] not in BUILTIN else None


def _uses(sources: Sources, package: Package) -> Iterator[_Use]:
    """Yield the npm packages that code, tsconfig.json and `imports` in package.json name."""
    files = _files(sources, package)
    aliases: dict[str, str] = {}
    seen: set[str] = set()
    for file in files:
        if re.fullmatch(r"(.*/)?[tj]sconfig[^/]*\.json", file):
            yield from _configured(sources, package, f"{package.path}/{file}", aliases, seen)
        elif re.fullmatch(r"(\.babelrc|[\w.-]+\.config\.\w+)", file):
            for block in _ALIASES.findall(sources.peek(f"{package.path}/{file}") or ""):
                aliases |= {f"{key}/": "" for key in _KEY.findall(block)}
    for target in _strings(package.manifest.get("imports")):
        if name := _package(target):
            line = sources.line_of(package.manifest_path, '"imports"', f'"{target}"')
            yield _Use(name, package.manifest_path, line, runs=True, types=False)
    for file in files:
        if not file.endswith((*javascript.SUFFIXES, *_PAGES)) or _READY.fullmatch(file):
            continue
        path = f"{package.path}/{file}"
        runs = file.startswith("src/") and not _TEST.fullmatch(file)
        if file.endswith((".jsx", ".tsx")) and package.node_dependencies.keys() & {"react"}:
            yield _Use("react", path, 0, runs=False, types=True)
        for module, line, kind, *_ in _imports(sources, path):
            name, mocked = _resolved(module, aliases), kind == ImportKind.MOCKED
            if name and (not mocked or name in package.node_dependencies):
                types = kind == ImportKind.TYPES or bool(re.search(r"\.d\.[cm]?ts$", file))
                yield _Use(name, path, line, runs and not mocked, types)


def _imports(sources: Sources, path: str) -> list[Import]:
    if path.endswith(javascript.SUFFIXES):
        return sources.imports(path)
    return [Import(*row) for row in sources.in_text(path, "imports", _embedded) or ()]


def _embedded(text: str) -> list[Import]:
    return javascript.imports(javascript.embedded(text))


def _resolved(module: str, aliases: Mapping[str, str]) -> str | None:
    """Return the npm package that an import leads to; None for a file of the package itself.

    `aliases` are beginnings of modules, with the package that each leads to, or "".
    """
    for alias, target in aliases.items():
        if f"{module}/".startswith(alias):
            return target or None
    return _package(module)


def _strings(value: object) -> list[str]:
    """Return a text, or all those in a list, or in a table of any depth."""
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _configured(
    sources: Sources, package: Package, path: str, aliases: dict[str, str], seen: set[str]
) -> Iterator[_Use]:
    """Yield what a tsconfig.json names; take up the aliases of it and of those that it extends."""
    if path in seen or sources.peek(path) is None:
        return
    seen.add(path)
    ours = path.startswith(f"{package.path}/")
    table = config_files.read(sources, path) or {}
    options = data_formats.table(table, "compilerOptions")
    folder = posixpath.dirname(path)
    named = [*_strings(options.get("types")), *_strings(options.get("jsxImportSource"))]
    for parent in _strings(table.get("extends")):
        there = posixpath.normpath(posixpath.join(folder, parent))
        there += "" if there.endswith(".json") else ".json"
        if not parent.startswith("."):
            named.append(parent)
        else:
            yield from _configured(sources, package, there, aliases, seen)
    for text in named if ours else ():
        if name := _package(text):
            yield _Use(name, path, sources.line_of(path, f'"{text}"'), runs=False, types=True)
    if options.get("importHelpers") and "tslib" in package.node_dependencies:
        yield _Use("tslib", path, 0, runs=False, types=False)
    base = options.get("baseUrl")
    start = posixpath.normpath(posixpath.join(folder, base if isinstance(base, str) else "."))
    for alias, targets in data_formats.table(options, "paths").items():
        for target in _strings(targets):
            place = posixpath.normpath(posixpath.join(start, target))
            other = sources.package_of(place.partition("*")[0].rstrip("/"))
            key = alias.partition("*")[0] if "*" in alias else f"{alias}/"
            if key:
                aliases.setdefault(key, other.name if other and other != package else "")
    if isinstance(base, str):
        inner = (file[len(start) + 1 :] for file in sources.by_package[package.path]
                 if file.startswith(f"{start}/"))  # fmt: skip
        aliases |= {f"{re.split('[/.]', file)[0]}/": "" for file in inner}


def _unused(sources: Sources, package: Package, used: set[str]) -> Iterator[Finding]:
    """Yield a finding for each dependency that nothing of the package uses.

    Not told of are packages of this repository, which `make new DEPS=…` adds before they are
    imported; peers, which a user of the package provides; and devDependencies, which are tools.
    """
    lock = config_files.lock(sources, LOCK)
    if not lock or package.path not in lock.importers or not any(
        file.startswith("src/") and file.endswith(javascript.SUFFIXES)
        for file in _files(sources, package)
    ):  # fmt: skip
        return
    asked = package.node_dependencies.keys()
    used = used | data_formats.table(package.settings, "unimported").keys()
    used |= package.manifest.get("peerDependencies", {}).keys()
    used |= {peer for name in asked for peer in sources.once(_peers).get(name, ())}
    named: set[str] | None = None
    for group in ("dependencies", "optionalDependencies"):
        for name, wanted in package.manifest.get(group, {}).items():
            if name in used or wanted.startswith("workspace:"):
                continue
            if any(name == _types_of(other) for other in {*asked, *used, "node"}):
                continue
            named = _named(sources, package) if named is None else named
            if not named & {name, *_programs(sources, package, name)}:
                line = sources.line_of(package.manifest_path, f'"{group}"', f'"{name}"')
                message = f"declares {name}, which nothing here uses"
                fix = f'remove it, or say why in "monorepo": {{"unimported": {{"{name}": "…"}}}}'
                yield Finding(package.manifest_path, line, "declared.unused", message, fix)


def _named(sources: Sources, package: Package) -> set[str]:
    """Return the words of scripts, stylesheets and of the files that configure a package."""
    fields = {key: value for key, value in package.manifest.items() if key not in _LISTS}
    texts = [json.dumps(fields), *(word for entry in package.generated for word in entry.command)]
    for file in _files(sources, package):
        configures = "/" not in file or file.startswith("scripts/")
        configures = configures and file != "package.json" and not file.endswith(_PROSE)
        if not configures and not file.endswith((".css", ".scss", ".less")):
            continue
        text = sources.peek(f"{package.path}/{file}") or ""
        if file.endswith(javascript.SUFFIXES):
            text = " ".join(token.text for token in javascript.tokens(text))
        texts.append(text)
    words = {word for text in texts for word in _WORD.findall(text)}
    return words | {_package(word) or word for word in words}


def _programs(sources: Sources, package: Package, name: str) -> set[str]:
    """Return the programs of a dependency, as far as it is installed."""
    for folder in (package.folder, sources.root):
        try:
            file = folder / "node_modules" / name / "package.json"
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        programs: Any = manifest.get("bin") if isinstance(manifest, dict) else None
        if not isinstance(programs, str):
            return {*programs} if isinstance(programs, dict) else set()
    return {name.rpartition("/")[2]}


def _peers(sources: Sources) -> dict[str, set[str]]:
    """Return the peer dependencies of each npm package, locked or in this repository."""
    found: dict[str, set[str]] = {}
    lock = config_files.lock(sources, LOCK)
    for key, text in lock.packages.items() if lock else ():
        block = re.search(r"^    peerDependencies:\n((?:      .*\n)+)", text, re.MULTILINE)
        names = re.findall(r"^      '?([^'\s:]+)'?:", block[1] if block else "", re.MULTILINE)
        found.setdefault(key.rpartition("@")[0], set()).update(names)
    for package in sources.space.packages.values():
        if package.is_javascript:
            found[package.name] = set(package.manifest.get("peerDependencies", {}))
    return found
