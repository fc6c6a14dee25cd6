"""Whether a package.json declares what its package imports, and nothing else: `declared` asks.

knip knows more tools' configurations, but runs them to read them, needs Node and an installation,
and takes what the root or a sibling brings for declared.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial

from monorepo import javascript, pnpmlock
from monorepo.errors import UsageError
from monorepo.findings import Finding
from monorepo.sources import Sources
from monorepo.workspace import NODE_GROUPS, Package

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
_TEST = re.compile(r"(.*/)?(tests?|__tests__|__mocks__)/.*|.*\.(test|spec|stories|bench)\.\w+")
_DECLARATION = re.compile(r".*\.d\.[cm]?ts")
_REFERENCE = re.compile(r"""^///\s*<reference\s+types=["']([^"']+)""", re.MULTILINE)
_PROSE = (".md", ".txt", "LICENSE", "pnpm-lock.yaml", "package-lock.json")
# In a tool's configuration, `plugin:react/recommended` is eslint-plugin-react.
_PLUGIN = re.compile(r"(^|/)[a-z-]+?-(plugin|config|preset|environment|transformer)(-|$)")


def check(sources: Sources, package: Package) -> Iterator[Finding]:
    """Compare what a JavaScript package imports with what it declares."""
    development = set(package.manifest.get("devDependencies", {}))
    shipped = {
        name
        for group in NODE_GROUPS
        if group != "devDependencies"
        for name in package.manifest.get(group, {})
    }
    used = set[str]()
    # The first place of each is enough: one declaration mends them all.
    lost: dict[str, tuple[str, int, bool]] = {}
    aliases: tuple[str, ...] | None = None
    for file in _code(sources, package):
        inner = file.removeprefix(f"{package.path}/")
        runs = inner.startswith("src/") and not _TEST.fullmatch(inner)
        for one in sources.imports(file):
            name = _package(one.module)
            if name is None or name == package.name:
                continue
            used.add(name)
            types = one.how == "type" or bool(_DECLARATION.fullmatch(file))
            if name in shipped or one.module.partition("/")[0] in BUILTIN:
                continue
            if name in development and (types or not runs):
                continue
            # Types without code: what is imported is gone once it is compiled.
            if name not in development and _types_of(name) in shipped | development:
                continue
            aliases = _aliases(sources, package) if aliases is None else aliases
            if not one.module.startswith(aliases):
                place = (file, one.line, name in development)
                # What nothing declares is worse than what is declared in the wrong group.
                if name not in lost or lost[name][2] > place[2]:
                    lost[name] = place
    for name, (file, line, for_development) in lost.items():
        message = f"imports {name}, which {package.path}/package.json does not declare"
        advice = "declare it there"
        if for_development:
            message = f"imports {name}, which only devDependencies bring"
            advice = "move it to dependencies, or write import type"
        yield Finding(file, line, "declared", message, advice)
    yield from _unused(sources, package, used)


def _code(sources: Sources, package: Package) -> list[str]:
    """Return the JavaScript files of a package, without those of packages that are in it."""
    files = sources.by_package[package.path]
    own = f"{package.path}/package.json"
    inside = [one.removesuffix("package.json") for one in files if one.endswith("/package.json")]
    others = tuple(folder for folder in inside if folder != own.removesuffix("package.json"))
    return [
        path for path in files if path.endswith(javascript.SUFFIXES) and not path.startswith(others)
    ]


def _package(module: str) -> str | None:
    """Return the npm package that an import names; None for a file, an address, or Node's own."""
    if module.startswith((".", "/", "#", "~")) or ":" in module or "!" in module:
        return None
    found = _NAME.fullmatch(module.partition("?")[0])
    return found[1] if found else None


def _types_of(name: str) -> str:
    """Return the package with the types of one that has none."""
    return f"@types/{name.removeprefix('@').replace('/', '__')}"


def _aliases(sources: Sources, package: Package) -> tuple[str, ...]:
    """Return the beginnings of what tsconfig.json lets code call files by."""
    found: set[str] = set()
    files = sources.by_package[package.path]
    for path in files:
        folder, _, name = path.rpartition("/")
        told = _json(sources, path) if re.fullmatch(r"[tj]sconfig[^/]*\.json", name) else None
        options = told.get("compilerOptions") if isinstance(told, Mapping) else None
        if not isinstance(options, Mapping):
            continue
        paths, base = options.get("paths"), options.get("baseUrl")
        found |= set(paths) if isinstance(paths, Mapping) else set()
        if isinstance(base, str):
            start = posixpath.normpath(f"{folder}/{base}") + "/"
            inner = (one.removeprefix(start) for one in files if one.startswith(start))
            found |= {re.split(r"[/.]", one)[0] for one in inner} - {""}
    return tuple(alias.partition("*")[0] for alias in found - {"*"})


def _json(sources: Sources, path: str) -> object:
    """Return what a JSON file with comments holds, or nothing."""
    tokens = [token.text for token in javascript.tokens(sources.peek(path) or "")]
    ends = zip(tokens, [*tokens[1:], ""], strict=True)
    text = "".join(token for token, after in ends if token != "," or after not in ("}", "]"))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _unused(sources: Sources, package: Package, used: set[str]) -> Iterator[Finding]:
    """Yield a finding for each dependency that the package neither imports nor names."""
    code = _code(sources, package)
    if not any(path.startswith(f"{package.path}/src/") for path in code):
        return
    peers = package.manifest.get("peerDependencies", {})
    told = package.settings.get("unimported", {})
    excused = {*peers, *(told if isinstance(told, Mapping) else ())}
    named: set[str] | None = None
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        for name, wanted in package.manifest.get(group, {}).items():
            # make new DEPS=… asks for a package of this repository before anything imports it.
            if name in used | excused or wanted.startswith("workspace:"):
                continue
            named = _named(sources, package) if named is None else named
            if _is_named(sources, package, name, used | named):
                continue
            manifest = f"{package.path}/package.json"
            line = sources.line_of(manifest, f'"{group}"', f'"{name}"')
            message = f"{name} is declared and nothing here imports or names it"
            advice = "remove it, or tell in monorepo.unimported of package.json what loads it"
            yield Finding(manifest, line, "declared", message, advice)


def _is_named(sources: Sources, package: Package, name: str, named: set[str]) -> bool:
    """Tell whether a dependency is in use although nothing imports it."""
    asked = package.node_dependencies
    if name.startswith("@types/"):
        base = name.removeprefix("@types/")
        real = re.sub(r"^(.+?)__(.+)$", r"@\1/\2", base)
        return base == "node" or bool({base, real} & (named | asked.keys()))
    stem = _PLUGIN.sub(r"\1", name).rstrip("/")
    if {name, stem} & named or (name == "typescript" and "tsconfig.json" in named):
        return True
    # A program: its names stand in the installed package, and may differ from the package's.
    programs = _programs(sources, package, name)
    if programs is None or programs & named:
        return True
    # Others that are declared may need it beside them.
    return any(name in _peers(sources).get(one, ()) for one in asked)


def _named(sources: Sources, package: Package) -> set[str]:
    """Return the packages and programs that a package's strings and other files may name."""
    left_out = {*NODE_GROUPS, "name", "description", "keywords", "monorepo"}
    told = {key: value for key, value in package.manifest.items() if key not in left_out}
    read = partial(_words, sources, package.path.count("/") + 1)
    files = sources.by_package[package.path]
    words = (sources.kept.of(path, "words", read) or () for path in files)
    # That a file is there may say that its tool is used.
    names = {path.rpartition("/")[2] for path in files}
    return names.union(_WORD.findall(json.dumps(told)), *words)


def _words(sources: Sources, depth: int, path: str) -> list[str] | None:
    """Return the words of a file that may be names; of code, those in strings."""
    if path.endswith((*_PROSE, "/package.json")):
        return []
    text = sources.peek(path)
    if text is None:
        return None
    texts = [text]
    if path.endswith(javascript.SUFFIXES):
        # The configuration of a tool may name another one as a key.
        kinds = {"string", "template", "word" if path.count("/") == depth else ""}
        texts = [one.text for one in javascript.tokens(text) if one.kind in kinds]
        texts += _REFERENCE.findall(text)
    words = {word for one in texts for word in _WORD.findall(one)}
    return sorted({name for word in words for name in (word, _package(word) or word)})


def _programs(sources: Sources, package: Package, name: str) -> set[str] | None:
    """Return the programs that a dependency brings; None if it has some and is not installed."""
    for folder in (package.folder, sources.root):
        file = folder / "node_modules" / name / "package.json"
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        programs = told.get("bin", {}) if isinstance(told, dict) else {}
        return {*programs} if isinstance(programs, dict) else {name.rpartition("/")[2]}
    blocks = (text for key, text in _lock(sources).items() if key.rpartition("@")[0] == name)
    return None if any("\n    hasBin: true\n" in text for text in blocks) else set()


@lru_cache(maxsize=1)
def _lock(sources: Sources) -> Mapping[str, str]:
    """Return what pnpm-lock.yaml says of each package, by name and version."""
    try:
        # Longer than what people write.
        text = (sources.root / "pnpm-lock.yaml").read_text(encoding="utf-8")
        return pnpmlock.parse(text).packages
    except (OSError, UnicodeDecodeError, UsageError):
        return {}


@lru_cache(maxsize=1)
def _peers(sources: Sources) -> dict[str, set[str]]:
    """Return what each npm package, also of this repository, wants beside it."""
    found: dict[str, set[str]] = {}
    for key, text in _lock(sources).items():
        block = re.search(r"^    peerDependencies:\n((?:      .*\n)+)", text, re.MULTILINE)
        names = re.findall(r"^      '?([^'\s:]+)'?:", block[1] if block else "", re.MULTILINE)
        found.setdefault(key.rpartition("@")[0], set()).update(names)
    for package in sources.space.packages.values():
        if package.language == "js":
            found[package.name] = set(package.manifest.get("peerDependencies", {}))
    return found
