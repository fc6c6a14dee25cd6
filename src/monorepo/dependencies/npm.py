"""Compare the dependencies in a package.json with the imports, for the rule `declared`.

knip supports the configurations of more tools, but executes them, needs Node and an installation,
and accepts dependencies of the root or of another package as declared.
"""

import json
import posixpath
import re
from collections.abc import Iterator
from functools import partial

from monorepo.core.workspace import NODE_GROUPS, Package
from monorepo.guard import config_files
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.locking.pnpm_locks import LOCK
from monorepo.parsing import data_formats, javascript
from monorepo.parsing.javascript import TokenKind
from monorepo.parsing.python_imports import ImportKind

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
# Test files, also in src: generators put test setup there, and React its development server.
_TEST = re.compile(
    r"(.*/)?(tests?|__tests__|__mocks__)/.*|.*\.(test|spec|stories|bench)\.\w+"
    r"|(.*/)?\w*[tT]est-?[uU]tils?\.\w+|src/scripts/.*"
    r"|src/(setupTests|setupProxy|test-setup|setup-jest)\.\w+"
)
# Files that are not compiled: static, bundled and third-party ones.
_READY = re.compile(r".*\.min\.\w+|(.*/)?(public|static|templates?|third_party|vendor)/.*")
# Modules that a framework provides itself.
_ANSWERED = {"next": {"client-only", "server-only"}, "electron": {"electron"}}
_BUNDLERS = set(
    """
    @sveltejs/kit @vercel/ncc astro bunchee esbuild microbundle next parcel react-scripts rollup
    rolldown tsdown tsup unbuild vite webpack
    """.split()
)
# Fields by which others can import or run a package.
_OPEN = {"main", "module", "browser", "bin", "exports"}
_CONFIGURATION = re.compile(
    r"(.*/)?(\.babelrc|package\.json|[\w.-]+\.config\.\w+|(tsup|vite|webpack)[\w.-]*\.\w+)"
)
_ALIASES = re.compile(r"""\b(alias|moduleNameMapper)["']?\s*[:=]|module-resolver""")
_KEY = re.compile(r"""(?<![\w.])["'/]?\^?([\w@~-]+(?:/[\w-]+)*)[^"'\s:,]*["']?\s*[:,]""")
_AMBIENT = re.compile(r"""^\s*declare module ["']([^"'*]+)["']""", re.MULTILINE)
_DECLARATION = re.compile(r".*\.d\.[cm]?ts")
_REFERENCE = re.compile(r"""^///\s*<reference\s+types=["']([^"']+)""", re.MULTILINE)
_PROSE = (".md", ".txt", "LICENSE", "pnpm-lock.yaml", "package-lock.json")
# In a configuration, `plugin:react/recommended` stands for eslint-plugin-react.
_PLUGIN = re.compile(r"(^|/)[a-z-]+?-(plugin|config|preset|environment|transformer)(-|$)")


def check(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield findings about undeclared and unused dependencies of a JavaScript package."""
    development = {*package.manifest.get("devDependencies", {})}
    scripts = data_formats.table(package.manifest, "scripts")
    run = {word for text in scripts.values() for word in str(text).split()}
    bundlers = sorted(_BUNDLERS & (package.node_dependencies.keys() | run))
    closed = package.manifest.get("private") and not _OPEN & package.manifest.keys()
    closed = closed and "start" not in scripts
    groups = [group for group in NODE_GROUPS if group != "devDependencies"]
    shipped = {name for group in groups for name in package.manifest.get(group, {})}
    shipped.update(*(_ANSWERED.get(dependency, ()) for dependency in package.node_dependencies))
    code, used, running = _code(sources, package), set[str](), set[str]()
    # Report each dependency once, because one declaration fixes all imports. An undeclared one
    # takes precedence over one in the wrong group.
    lost: dict[str, tuple[bool, str, int]] = {}
    aliases: tuple[str, ...] | None = None
    for file in code:
        inner = file.removeprefix(f"{package.path}/")
        if _READY.fullmatch(inner):
            continue
        runs = inner.startswith("src/") and not _TEST.fullmatch(inner)
        for imported in sources.imports(file):
            name = _package(imported.module)
            if name is None or name == package.name:
                continue
            used.add(name)
            running.update([name] if runs else [])
            types = imported.kind == ImportKind.TYPES or bool(_DECLARATION.fullmatch(file))
            misplaced = name in development
            if name in shipped or imported.module.partition("/")[0] in BUILTIN:
                continue
            # Imports of types only are removed by the compiler.
            if (types or not runs) if misplaced else _types_of(name) in shipped | development:
                continue
            aliases = _aliases(sources, package) if aliases is None else aliases
            better = name not in lost or lost[name][0] > misplaced
            if better and not f"{imported.module}/".startswith(aliases):
                lost[name] = (misplaced, file, imported.line)
    for name, (misplaced, file, line) in lost.items():
        doubt = ""
        message = f"imports {name}, which {package.path}/package.json does not declare"
        advice = "declare it there"
        if misplaced:
            message = f"imports {name}, which is only in devDependencies"
            doubt = f" ({bundlers[0]} may bundle it)" if bundlers else ""
            doubt = doubt or (" (nothing else can import this)" if closed else "")
            message += doubt
            advice = "move it to dependencies, or write import type"
        status = "warn" if doubt else "error"
        yield Finding(file, line, "declared", message, advice, status)
    # Without code in src, uses of dependencies cannot be detected.
    if any(path.startswith(f"{package.path}/src/") for path in code):
        yield from _unused(sources, package, used, running)


def _code(sources: Sources, package: Package) -> list[str]:
    """Return the JavaScript files of a package, without those of nested packages."""
    files = sources.by_package[package.path]
    manifests = {file for file in files if file.endswith("/package.json")}
    manifests -= {f"{package.path}/package.json"}
    others = tuple(manifest.removesuffix("package.json") for manifest in manifests)
    code = (path for path in files if path.endswith(javascript.SUFFIXES))
    return [path for path in code if not path.startswith(others)]


def _package(module: str) -> str | None:
    """Return the npm package of an import; None for a file, a URL, or a module of Node."""
    if module.startswith((".", "/", "#", "~")) or ":" in module or "!" in module:
        return None
    found = _NAME.fullmatch(module.partition("?")[0])
    return found[1] if found else None


def _types_of(name: str) -> str:
    """Return the DefinitelyTyped package of a package."""
    return f"@types/{name.removeprefix('@').replace('/', '__')}"


def _aliases(sources: Sources, package: Package) -> tuple[str, ...]:
    """Return the prefixes of import aliases in tsconfig.json and similar configurations."""
    found: set[str] = set()
    files = sources.by_package[package.path]
    for path in [*files, *(file for file in sources.files if "/" not in file)]:
        folder, _, name = path.rpartition("/")
        text = sources.peek(path) or "" if path.endswith(".d.ts") else ""
        found.update(_AMBIENT.findall(text))
        if _CONFIGURATION.fullmatch(path) and _ALIASES.search(text := sources.peek(path) or ""):
            found.update(f"{key}/" for key in _KEY.findall(text))
        if not re.fullmatch(r"[tj]sconfig[^/]*\.json", name):
            continue
        options = data_formats.table(config_files.read(sources, path), "compilerOptions")
        found |= data_formats.table(options, "paths").keys()
        if isinstance(base := options.get("baseUrl"), str):
            start = posixpath.normpath(f"{folder}/{base}") + "/"
            inner = (file.removeprefix(start) for file in files if file.startswith(start))
            found |= {re.split(r"[/.]", file)[0] for file in inner} - {""}
    return tuple(alias.partition("*")[0] for alias in found - {"*"})


def _unused(
    sources: Sources, package: Package, used: set[str], running: set[str]
) -> Iterator[Finding]:
    """Yield a finding for each dependency that the package neither imports nor mentions.

    `used` are all imported packages, `running` those that code in src imports outside of tests.
    """
    excused = used | package.manifest.get("peerDependencies", {}).keys()
    excused |= data_formats.table(package.settings, "unimported").keys()
    named: set[str] | None = None
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        for name, wanted in package.manifest.get(group, {}).items():
            # `make new DEPS=…` adds internal dependencies before they are imported.
            if name in excused or wanted.startswith("workspace:"):
                continue
            named = used | _named(sources, package) if named is None else named
            if not _is_named(sources, package, name, named):
                # Peer dependencies are known from the lock only.
                lock = config_files.lock(sources, LOCK)
                if lock is None or package.path not in lock.importers:
                    return
                manifest = f"{package.path}/package.json"
                line = sources.line_of(manifest, f'"{group}"', f'"{name}"')
                message = f"{name} is declared, but not imported or mentioned here"
                # A peer of a library is not loaded by it; a tool loads its plugins.
                tools = package.node_dependencies.keys() - running
                hosts = sorted(sources.once(_peers).get(name, set()) & tools)
                hosts = [host for host in hosts if host.rpartition("/")[2] in name]
                doubt = f"a plugin of {hosts[0]}" if hosts else ""
                message += f" ({doubt})" if doubt else ""
                status = "warn" if doubt else "error"
                advice = (
                    "remove it, or list it with a reason in monorepo.unimported of package.json"
                )
                yield Finding(manifest, line, "declared", message, advice, status)


def _is_named(sources: Sources, package: Package, name: str, named: set[str]) -> bool:
    """Return whether a dependency is in use although nothing imports it."""
    asked = package.node_dependencies
    if name.startswith("@types/"):
        base = name.removeprefix("@types/")
        real = re.sub(r"^(.+?)__(.+)$", r"@\1/\2", base)
        return base == "node" or not {base, real}.isdisjoint(named | asked.keys())
    stem = _PLUGIN.sub(r"\1", name).rstrip("/")
    marker = {"typescript": "tsconfig.json", "tslib": "importHelpers"}.get(name, name)
    if {name, stem, marker} & named:
        return True
    # The names of its programs may differ from that of the package.
    programs = _programs(sources, package, name)
    if programs is None or programs & named:
        return True
    # Other dependencies may have it as a peer.
    return any(name in sources.once(_peers).get(dependency, ()) for dependency in asked)


def _named(sources: Sources, package: Package) -> set[str]:
    """Return the words in strings and files of a package that may be packages or programs."""
    left_out = {*NODE_GROUPS, "name", "description", "keywords", "monorepo"}
    fields = {key: value for key, value in package.manifest.items() if key not in left_out}
    read = partial(_words, sources, package.path.count("/") + 1)
    files = sources.by_package[package.path]
    words = (sources.kept.of(path, "words", read) or () for path in files)
    # The name of a configuration file may be that of its tool.
    names = {path.rpartition("/")[2] for path in files}
    commands = [word for entry in package.generated for word in entry.command]
    return names.union(_WORD.findall(json.dumps([fields, commands])), *words)


def _words(sources: Sources, depth: int, path: str) -> list[str] | None:
    """Return the words of a file that may be names; in code, only those in strings."""
    text = "" if path.endswith((*_PROSE, "/package.json")) else sources.peek(path)
    if text is None:
        return None
    texts = [text]
    if path.endswith(javascript.SUFFIXES):
        # In the configuration of a tool, another one may be a key.
        kinds = {TokenKind.STRING, TokenKind.TEMPLATE}
        kinds |= {TokenKind.WORD} if path.count("/") == depth else set()
        texts = [token.text for token in javascript.tokens(text) if token.kind in kinds]
        texts += _REFERENCE.findall(text)
    words = {word for text in texts for word in _WORD.findall(text)}
    return sorted(words | {_package(word) or word for word in words})


def _programs(sources: Sources, package: Package, name: str) -> set[str] | None:
    """Return the programs of a dependency; None if it has some and is not installed."""
    for folder in (package.folder, sources.root):
        try:
            file = folder / "node_modules" / name / "package.json"
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict):
            programs = manifest.get("bin", {})
            return {*programs} if isinstance(programs, dict) else {name.rpartition("/")[2]}
    lock = config_files.lock(sources, LOCK)
    entries = lock.packages.items() if lock else ()
    blocks = (text for key, text in entries if key.rpartition("@")[0] == name)
    return None if any("\n    hasBin: true\n" in text for text in blocks) else set()


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
