"""Compare the dependencies in a package.json with what the package uses, for the rule `declared`.

knip reads the configurations of more tools, but executes them, needs an installation, and accepts
what is declared by the root as declared.
"""

import contextlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from monorepo.core.workspace import NODE_GROUPS, Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.locking.pnpm_locks import LOCK
from monorepo.parsing import data_formats, javascript
from monorepo.parsing.python_imports import ImportKind
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

# Node's own modules that have a name without `node:`; `module.builtinModules` lists them.
BUILTIN = set(
    """
    assert async_hooks buffer child_process cluster console constants crypto dgram
    diagnostics_channel dns domain events fs http http2 https inspector module net os path
    perf_hooks process punycode querystring readline repl stream string_decoder sys timers tls
    trace_events tty url util v8 vm wasi worker_threads zlib
    """.split()
)
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
    told = {package.name}
    for group in set(NODE_GROUPS) - {"devDependencies"}:
        told |= package.manifest.get(group, {}).keys()
    told.update(*(_PROVIDED.get(name, ()) for name in declared))
    scripts = data_formats.table(package.manifest, "scripts")
    bundled = _BUNDLERS & {*declared, *" ".join(map(str, scripts.values())).split()}
    uses = sorted(_uses(sources, package), key=lambda use: (not use.runs, *use[1:3]))
    # The first place in src, or else in tests, is enough: one declaration fixes them all.
    for name, path, line, runs, types in uses:
        other = sources.space.by_import.get(name)
        needed = runs and not types
        # The rule `layers` tells of services and apps.
        if name in told or _types_of(name) in declared or (other and not other.is_shared):
            continue
        if name not in declared:
            told.add(name)
            message = f"imports {name}, which is not declared"
            group = "dependencies" if needed else "devDependencies"
            fix = f"declare it in {group} of {package.manifest_path}"
            fix = "name a package that is here" if sources.space.is_stray(name) else fix
            yield Finding(path, line, "declared.missing", message, fix)
        elif needed and not bundled:
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
    files, manifest = _files(sources, package), package.manifest_path
    aliases, seen = dict[str, str](), set[str]()
    for file in files:
        if re.fullmatch(r"(.*/)?[tj]sconfig[^/]*\.json", file):
            yield from _configured(sources, package, f"{package.path}/{file}", aliases, seen)
        elif re.fullmatch(r"(\.babelrc|[\w.-]+\.config\.\w+)", file):
            for block in _ALIASES.findall(sources.peek(f"{package.path}/{file}") or ""):
                aliases |= {f"{key}/": "" for key in _KEY.findall(block)}
    for target in data_formats.strings(package.manifest.get("imports")):
        if name := _package(target):
            line = sources.line_of(manifest, '"imports"', f'"{target}"')
            yield _Use(name, manifest, line, runs=True, types=False)
    for file in files:
        if not file.endswith((*javascript.SUFFIXES, *javascript.PAGES)) or _READY.fullmatch(file):
            continue
        path, declaration = f"{package.path}/{file}", bool(re.search(r"\.d\.[cm]?ts$", file))
        runs = file.startswith("src/") and not _TEST.fullmatch(file)
        if file.endswith((".jsx", ".tsx")) and "react" in package.node_dependencies:
            yield _Use("react", path, 0, runs=False, types=True)
        for one in sources.imports(path):
            name, mocked = _resolved(one.module, aliases), one.kind == ImportKind.MOCKED
            if name and (not mocked or name in package.node_dependencies):
                types = declaration or one.kind == ImportKind.TYPES
                yield _Use(name, path, one.line, runs and not mocked, types)


def _resolved(module: str, aliases: Mapping[str, str]) -> str | None:
    """Return the npm package that an import leads to; None for a file of the package itself.

    `aliases` are beginnings of modules, with the package that each leads to, or "".
    """
    led = (aliases[alias] for alias in aliases if f"{module}/".startswith(alias))
    return next(led, _package(module)) or None


def _configured(
    sources: Sources, package: Package, path: str, aliases: dict[str, str], seen: set[str]
) -> Iterator[_Use]:
    """Yield what a tsconfig.json names; take up the aliases of it and of those that it extends."""
    if path in seen or sources.peek(path) is None:
        return
    seen.add(path)
    table, folder = config_files.read(sources, path) or {}, posixpath.dirname(path)
    options = data_formats.table(table, "compilerOptions")
    plugins = options.get("plugins")
    plugins = plugins if isinstance(plugins, list) else []
    named = [options.get("types"), options.get("jsxImportSource")]
    named += [one.get("name") for one in plugins if isinstance(one, Mapping)]
    for parent in data_formats.strings(table.get("extends")):
        there = posixpath.normpath(posixpath.join(folder, parent))
        there += "" if there.endswith(".json") else ".json"
        if parent.startswith("."):
            yield from _configured(sources, package, there, aliases, seen)
        else:
            named.append(parent)
    for text in data_formats.strings(named) if path.startswith(f"{package.path}/") else ():
        if name := _package(text):
            yield _Use(name, path, sources.line_of(path, f'"{text}"'), runs=False, types=True)
    if options.get("importHelpers") and "tslib" in package.node_dependencies:
        yield _Use("tslib", path, 0, runs=False, types=False)
    base = "".join(data_formats.strings(options.get("baseUrl")))
    start = posixpath.normpath(posixpath.join(folder, base))
    for alias, targets in data_formats.table(options, "paths").items():
        for target in data_formats.strings(targets) if alias != "*" else ():
            place = posixpath.normpath(posixpath.join(start, target.partition("*")[0]))
            other = sources.package_of(place)
            leads = other.name if other and other != package else ""
            aliases.setdefault(alias.partition("*")[0] if "*" in alias else f"{alias}/", leads)
    for file in sources.by_package[package.path] if base else ():
        if file.startswith(f"{start}/"):
            aliases[re.split("[/.]", file[len(start) + 1 :])[0] + "/"] = ""


def _unused(sources: Sources, package: Package, used: set[str]) -> Iterator[Finding]:
    """Yield a finding for each dependency that nothing of the package uses.

    Not told of are packages of this repository, which `make new DEPS=…` adds before they are
    imported; peers, which a user of the package provides; and devDependencies, which are tools.
    """
    lock = config_files.lock(sources, LOCK)
    code = (file for file in _files(sources, package) if file.endswith(javascript.SUFFIXES))
    if not (lock and package.path in lock.importers and any(map(re.compile("src/").match, code))):
        return
    asked = package.node_dependencies.keys()
    used = used | data_formats.table(package.settings, "unimported").keys()
    used |= package.manifest.get("peerDependencies", {}).keys()
    used |= {peer for name in asked for peer in sources.once(_peers).get(name, ())}
    used |= {_types_of(name) for name in {*asked, *used, "node"}}
    named: set[str] | None = None
    for group in ("dependencies", "optionalDependencies"):
        for name, wanted in package.manifest.get(group, {}).items():
            if name in used or wanted.startswith("workspace:"):
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
    """Return the programs of a dependency: those in its manifest, or, if that is not there, one."""
    for folder in (package.folder, sources.root):
        file = folder / "node_modules" / name / "package.json"
        with contextlib.suppress(OSError, MalformedError):
            programs = text_files.json_object(file.read_text("utf-8")).get("bin", {})
            return {*programs} if isinstance(programs, dict) else {name.rpartition("/")[2]}
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
