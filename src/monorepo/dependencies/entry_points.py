"""Find the entry point of a service: the module that starts it.

A command is read word by word: after a program that runs modules, the first word that names a
module of the service is the one that is started. So the options of programs need not be known.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import NamedTuple

from monorepo.core.workspace import Package
from monorepo.guard.repository import Sources

# Fields of manifests with entry points, and scripts that start a service.
_TOLD = ("scripts", "gui-scripts", "entry-points")
_TOLD_JS = ("main", "bin", "exports")
_SCRIPTS = ("start", "serve", "dev")
# Names of entry points, in order of precedence; the first is certain.
_ENTRIES = ("__main__", "main", "index", "app", "server", "cli", "manage", "wsgi", "asgi")
# Folders of scripts that are not part of the running service.
_ASIDE = re.compile(r"(src/)?(bin|deploy(ment)?|eval(s|uation)?|scripts?|tools?|utils?)/.*")
# Modules that frameworks load by their path, keyed by a file that identifies the framework:
# settings of Django; pages of Next.js and SvelteKit, which are entry points.
_LOADED = {r"(.*/)?manage\.py": r"(.*/)?(settings|urls|wsgi|asgi)\.py"}
_PAGES = {
    r"next(\.config\.\w+|-env\.d\.ts)": (
        r"(src/)?(pages/.*|middleware|proxy|instrumentation|mdx-components|(.*/)?_meta"
        r"|app/(.*/)?(page|layout|route|template|loading|default|not-found|(global-)?error))\.[jt]sx?"
    ),
    r"svelte\.config\.\w+": r"src/(routes/(.*/)?\+[^/]*|hooks(\.\w+)?|params/[^/]*)\.[jt]s",
}
# The parts of a path that differ between source and build.
_FOLDER = re.compile(r"^(\./)?((build|dist|lib|out)/)?(src/)?")
_SUFFIX = re.compile(r"(/__init__)?(\.d)?(\.py|\.[mc]?[jt]sx?)?$")
_SOURCE = re.compile(r"\.(py|[mc]?[jt]sx?)$")
_PROGRAM = re.compile(
    r"(.*/)?(python[\d.]*|PYTHON|node|nodemon|tsx|ts-node(-dev)?|babel-node|bun|deno|pm2|esbuild|tsup"
    r"|streamlit|fastapi|uvicorn|gunicorn|hypercorn|granian|daphne|uwsgi|flask|celery|chainlit)"
    r"|functions-framework|app_file:|FLASK_APP|APP_MODULE|[Hh]andler:?"
)
# Options that are followed by a module name, ...
_NAMING = ("-m", "--app", "-A", "FLASK_APP")
# ... and options that are followed by a file that is read first.
_FIRST = ("-r", "--require", "--import", "--loader", "-c", "--config", "--env-file")
# Continuations of a command, also as a YAML list; ends of commands; and instructions of a
# Dockerfile that do not start the service.
_GOES_ON = re.compile(r"\\\n|\n\s*(?:-|args:|CMD)(?=[ \[])")
_ENDS = re.compile(r"\n|&&|[;|]")
_MAKING = re.compile(r"^(RUN|HEALTHCHECK)\s(\\\n|.)*", re.M)
_BETWEEN = re.compile(r"[\s\"'`,\[\](){}<>=$]+")
_OBJECT = re.compile(r"[A-Za-z_][\w.]*")


class Entries(NamedTuple):
    """The entry points among the modules of a service, by path.

    Attributes:
        may: the candidates for the entry point; one, if it is certain.
        started: modules that a command starts or the manifest names.
        pages: further entry points, by their location.
        wanted: modules that a tool requires at their location.
    """

    may: list[str]
    started: Set[str]
    pages: Set[str]
    wanted: Set[str]


def entries(sources: Sources, subject: str, paths: Set[str]) -> Entries:
    """Find the entry point among the modules of a service."""
    if len(paths) < 2:
        return Entries([*paths], set(), set(), set())
    inner = {path: path.removeprefix(f"{subject}/") for path in sources.by_package[subject]}
    modules = {path: module(inner[path]) for path in sorted(paths)}
    named, run, listing, other, configured = _mentioned(sources, subject, inner, modules)
    pages, loaded = _placed(_PAGES, inner, paths), _placed(_LOADED, inner, paths)
    if sure := named or [*run, *listing]:
        may = [min(sure, key=partial(_rank, subject))]
    else:
        free = {path: modules[path] for path in modules if not _ASIDE.fullmatch(inner[path])}
        uses = _uses(sources, subject, free or modules)
        roots = [path for path in _unused(uses) if path not in pages | loaded]
        likely = _likely(subject, roots)
        # A module that imports no other may be a separate script.
        roots = [path for path in roots if uses[path]] or roots
        may = _guessed(subject, likely, roots, other, configured) or ([] if pages else roots)
        may = [] if pages and len(may) > 1 else may
    return Entries(may, {*named, *run, *listing, *other}, pages, {*loaded, *configured})


def _mentioned(
    sources: Sources, subject: str, inner: Mapping[str, str], modules: Mapping[str, str]
) -> list[list[str]]:
    """Return the modules in the manifest, and those in each kind of files of `_READ`."""
    package, names = sources.space.packages[subject], {*modules.values()}
    mentioned = [_named(package) & names]
    for pattern, read in _READ:
        files = [path for path in inner if re.fullmatch(f"(.*/)?({pattern})", inner[path])]
        mentioned.append({name for path in files for name in read(sources.peek(path) or "", names)})
    scripts = package.manifest.get("scripts") if package.is_javascript else None
    if isinstance(scripts, Mapping):
        texts = [str(scripts[key]) for key in scripts if key.partition(":")[0] in _SCRIPTS]
        mentioned[1].update(name for text in texts for name in started(text, names))
    return [[path for path in modules if modules[path] in some] for some in mentioned]


def _unused(uses: Mapping[str, Set[str]]) -> list[str]:
    """Return the modules that no other imports; if there are none, all."""
    top = min((path.count("/") for path in uses if "/__init__." in path), default=0)
    # A re-export by the top-level package is not a use.
    users = [path for path in uses if "/__init__." not in path or path.count("/") > top]
    used = {other for path in users for other in uses[path]}
    roots = [path for path in users if path not in used and "/__init__." not in path]
    return roots or users or [*uses]


def _guessed(
    subject: str, likely: list[str], roots: list[str], other: list[str], configured: list[str]
) -> list[str]:
    """Return the candidates for the entry point, by their names or by what starts them."""
    least = min((path.count("/") for path in roots), default=0)
    some = {path for path in roots if path in other and path.count("/") == least} or {*configured}
    if both := some & {*likely} or (set() if likely else some):
        return [min(both, key=partial(_rank, subject))]
    if likely and likely[0].endswith("/__main__.py"):
        return likely
    return sorted({*likely, *some})


def _placed(kinds: Mapping[str, str], inner: Mapping[str, str], paths: Set[str]) -> set[str]:
    """Return the modules that the detected frameworks load by their path."""
    there = [
        kinds[sign] for sign in kinds if any(re.fullmatch(sign, file) for file in inner.values())
    ]
    return {path for path in paths for files in there if re.fullmatch(files, inner[path])}


def _likely(subject: str, paths: Sequence[str]) -> list[str]:
    """Return the modules with the name and location of an entry point."""
    service = subject.rpartition("/")[2].replace("-", "_")
    stems = {path: path.rpartition("/")[2].partition(".")[0] for path in paths}
    for some in ([path for path in paths if path.startswith(f"{subject}/src/")], paths):
        # recipes_server.py counts like server.py, with lower precedence.
        for known in (
            [path for path in some if stems[path] == _ENTRIES[0]],
            [path for path in some if stems[path] in _ENTRIES],
            [path for path in some if stems[path] == service],
            [path for path in some if stems[path].rpartition("_")[2] in _ENTRIES],
        ):
            if known:
                least = min(path.count("/") for path in known)
                return [path for path in known if path.count("/") == least]
    return []


def _uses(sources: Sources, subject: str, modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Return which of the other modules each module imports, by the end of their names."""
    names = {path: f"/{modules[path]}".removesuffix("/index") for path in modules}
    ends: dict[str, list[str]] = {}
    for path, name in names.items():
        ends.setdefault(name.rpartition("/")[2], []).append(path)
    uses: dict[str, set[str]] = {}
    for path in modules:
        found = _imports(sources, subject, path)
        uses[path] = {
            other
            for imported in found
            for other in ends.get(imported.rpartition("/")[2], ())
            if other != path and names[other].endswith(f"/{imported}")
        }
    return uses


def _named(package: Package) -> set[str]:
    """Return the entry points in a manifest, in the format of `module`."""
    if package.is_javascript:
        return {module(text) for key in _TOLD_JS for text in _texts(package.manifest.get(key))}
    texts = [text for key in _TOLD for text in _texts(package.manifest["project"].get(key))]
    return {module(text.partition(":")[0].strip().replace(".", "/")) for text in texts}


def _texts(value: object) -> Iterator[str]:
    """Yield all strings in a part of a manifest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _rank(subject: str, path: str) -> tuple[bool, bool, int, int, str]:
    """Return a sort key by which the entry point precedes other started modules."""
    stem = path.rpartition("/")[2].partition(".")[0]
    place = _ENTRIES.index(stem) if stem in _ENTRIES else len(_ENTRIES)
    outside = not path.startswith(f"{subject}/src/")
    return (outside, place == len(_ENTRIES), path.count("/"), place, path)


def _imports(sources: Sources, subject: str, path: str) -> Iterator[str]:
    """Yield the imports of a module, in the format of `module`."""
    for imported in sources.imports(path):
        if path.endswith(".py"):
            yield imported.module.replace(".", "/")
        elif imported.module.startswith("."):
            inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), imported.module))
            yield module(inner.removeprefix(f"{subject}/"))
        else:
            # An alias: "@/lib/prices".
            yield imported.module.partition("/")[2]


def module(path: str) -> str:
    """Return the path of a module without the parts that differ between source and build."""
    return _SUFFIX.sub("", _FOLDER.sub("", path))


def started(text: str, modules: Collection[str]) -> Iterator[str]:
    """Yield the modules that the commands in a text start."""
    for command in _ENDS.split(_GOES_ON.sub(" ", _MAKING.sub("", text))):
        starts = before = ""
        for word in _BETWEEN.split(command):
            if starts and before not in _FIRST and (found := _meant(word, before, modules)):
                yield found
                starts = ""
            elif _PROGRAM.fullmatch(word) or (before, word) in (("uv", "run"), ("poetry", "run")):
                starts = word
            elif before == "-m" or (starts == "run" and not word.startswith("-")):
                # A module of another distribution, such as pip: its arguments are not started.
                starts = ""
            before = word


def listed(text: str, modules: Collection[str]) -> Iterator[str]:
    """Yield the modules whose files a configuration names."""
    for word in _BETWEEN.split(text):
        if _SOURCE.search(word.partition(":")[0]) and (found := _meant(word, "", modules)):
            yield found


def _meant(word: str, before: str, modules: Collection[str]) -> str | None:
    """Return the module that a word names, by the word before it."""
    name, _, attribute = word.partition(":")
    if before.rstrip(":").lower() == "handler":
        name, attribute = name.rpartition(".")[::2]
    if _SOURCE.search(name):
        name = module(name.lstrip("/"))
    elif _OBJECT.fullmatch(attribute) or before in _NAMING:
        name = name.replace(".", "/")
    else:
        # node dist/main
        return module(name) if "/" in name and module(name) in modules else None
    # A command may run in another folder, such as in an image.
    parts = [part for part in name.split("/") if part.strip(".")]
    for start in range(len(parts)):
        ends = "/" + "/".join(parts[start:])
        if found := [name for name in modules if f"/{name}".endswith((ends, f"{ends}/__main__"))]:
            return min(
                found, key=lambda name: (not name.endswith("__main__"), name.count("/"), name)
            )
    return None


# Files that start a service, by commands or by lists of files; files with other commands as well;
# and configurations of tools that require modules at their location.
_READ = (
    (
        r"(Docker|Container)file[^/]*|[^/]*\.Dockerfile|Procfile|[^/]*compose[^/]*\.ya?ml"
        r"|(template|serverless|fly|dapr)\.(ya?ml|toml)",
        started,
    ),
    (r"langgraph\.json|[^/]*\.fastmcp\.json", listed),
    (
        r"(?i:readme|index)\.md|(GNUm|[Mm])akefile|[Jj]ustfile|package\.json"
        r"|[^/]*\.(sh|tf|toml|ya?ml)",
        started,
    ),
    (r"index\.html|(angular|project)\.json|[^/]*\.(config|conf)\.\w+", listed),
)
