"""Find the entry point of a service: the module by which it is started.

A command is read word by word: behind a program that runs what it is given, the first word that
names a module which the service has is started. So nobody needs to know the values of its options.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import NamedTuple

from monorepo.core.workspace import Package
from monorepo.guard.repository import Sources

# Where manifests name entry points, and the scripts that start a service.
_TOLD = ("scripts", "gui-scripts", "entry-points")
_TOLD_JS = ("main", "bin", "exports")
_SCRIPTS = ("start", "serve", "dev")
# Which modules are the entry point, if nothing else tells; the first surely is one.
_ENTRIES = ("__main__", "main", "index", "app", "server", "cli", "manage", "wsgi", "asgi")
# What people run now and then beside a service.
_ASIDE = re.compile(r"(src/)?(bin|deploy(ment)?|eval(s|uation)?|scripts?|tools?|utils?)/.*")
# What frameworks load by where it is, behind what tells that one is there: Django's settings; the
# pages of Next.js and of SvelteKit, which are entry points.
_LOADED = {r"(.*/)?manage\.py": r"(.*/)?(settings|urls|wsgi|asgi)\.py"}
_PAGES = {
    r"next(\.config\.\w+|-env\.d\.ts)": (
        r"(src/)?(pages/.*|middleware|proxy|instrumentation|mdx-components|(.*/)?_meta"
        r"|app/(.*/)?(page|layout|route|template|loading|default|not-found|(global-)?error))\.[jt]sx?"
    ),
    r"svelte\.config\.\w+": r"src/(routes/(.*/)?\+[^/]*|hooks(\.\w+)?|params/[^/]*)\.[jt]s",
}
# What of a path depends on whether it is built.
_FOLDER = re.compile(r"^(\./)?((build|dist|lib|out)/)?(src/)?")
_SUFFIX = re.compile(r"(/__init__)?(\.d)?(\.py|\.[mc]?[jt]sx?)?$")
_SOURCE = re.compile(r"\.(py|[mc]?[jt]sx?)$")
_PROGRAM = re.compile(
    r"(.*/)?(python[\d.]*|PYTHON|node|nodemon|tsx|ts-node(-dev)?|babel-node|bun|deno|pm2|esbuild|tsup"
    r"|streamlit|fastapi|uvicorn|gunicorn|hypercorn|granian|daphne|uwsgi|flask|celery|chainlit)"
    r"|functions-framework|app_file:|FLASK_APP|APP_MODULE|[Hh]andler:?"
)
# Behind these stands a module's name without anything that tells that it is one, ...
_NAMING = ("-m", "--app", "-A", "FLASK_APP")
# ... and what a program reads before it starts something.
_FIRST = ("-r", "--require", "--import", "--loader", "-c", "--config", "--env-file")
# Where a command goes on in the next line, also as a list in YAML, where it ends, and what makes an
# image or looks after it.
_GOES_ON = re.compile(r"\\\n|\n\s*(?:-|args:|CMD)(?=[ \[])")
_ENDS = re.compile(r"\n|&&|[;|]")
_MAKING = re.compile(r"^(RUN|HEALTHCHECK)\s(\\\n|.)*", re.M)
_BETWEEN = re.compile(r"[\s\"'`,\[\](){}<>=$]+")
_OBJECT = re.compile(r"[A-Za-z_][\w.]*")


class Entries(NamedTuple):
    """What is known of the modules of a service, by path.

    Attributes:
        may: what may be the entry point; one, if that is known.
        started: what some command starts, or the manifest names.
        pages: what else is an entry point, by where it is.
        wanted: what a tool wants where it is.
    """

    may: list[str]
    started: Set[str]
    pages: Set[str]
    wanted: Set[str]


def entries(sources: Sources, subject: str, paths: Set[str]) -> Entries:
    """Tell the entry point of a service from the other ones of its modules."""
    if len(paths) < 2:
        return Entries([*paths], set(), set(), set())
    inner = {path: path.removeprefix(f"{subject}/") for path in sources.by_package[subject]}
    modules = {path: module(inner[path]) for path in sorted(paths)}
    named, run, listing, other, configured = _told(sources, subject, inner, modules)
    pages, loaded = _placed(_PAGES, inner, paths), _placed(_LOADED, inner, paths)
    if sure := named or [*run, *listing]:
        may = [min(sure, key=partial(_rank, subject))]
    else:
        free = {path: modules[path] for path in modules if not _ASIDE.fullmatch(inner[path])}
        uses = _uses(sources, subject, free or modules)
        roots = [path for path in _unused(uses) if path not in pages | loaded]
        likely = _likely(subject, roots)
        # What uses none of the others may be something that is run beside them.
        roots = [path for path in roots if uses[path]] or roots
        may = _guessed(subject, likely, roots, other, configured) or ([] if pages else roots)
        may = [] if pages and len(may) > 1 else may
    return Entries(may, {*named, *run, *listing, *other}, pages, {*loaded, *configured})


def _told(
    sources: Sources, subject: str, inner: Mapping[str, str], modules: Mapping[str, str]
) -> list[list[str]]:
    """Return the modules that the manifest names, and those that each kind of `_READ` does."""
    package, names = sources.space.packages[subject], {*modules.values()}
    told = [_named(package) & names]
    for pattern, read in _READ:
        files = [path for path in inner if re.fullmatch(f"(.*/)?({pattern})", inner[path])]
        told.append({name for path in files for name in read(sources.peek(path) or "", names)})
    scripts = package.manifest.get("scripts") if package.is_javascript else None
    if isinstance(scripts, Mapping):
        texts = [str(scripts[key]) for key in scripts if key.partition(":")[0] in _SCRIPTS]
        told[1].update(name for text in texts for name in started(text, names))
    return [[path for path in modules if modules[path] in some] for some in told]


def _unused(uses: Mapping[str, Set[str]]) -> list[str]:
    """Return the modules that no other one uses; if there are none, all."""
    top = min((path.count("/") for path in uses if "/__init__." in path), default=0)
    # What the topmost package passes on is not used yet.
    users = [path for path in uses if "/__init__." not in path or path.count("/") > top]
    used = {other for path in users for other in uses[path]}
    roots = [path for path in users if path not in used and "/__init__." not in path]
    return roots or users or [*uses]


def _guessed(
    subject: str, likely: list[str], roots: list[str], other: list[str], configured: list[str]
) -> list[str]:
    """Return which modules may be the entry point, by their names or by what starts them."""
    least = min((path.count("/") for path in roots), default=0)
    some = {path for path in roots if path in other and path.count("/") == least} or {*configured}
    if both := some & {*likely} or (set() if likely else some):
        return [min(both, key=partial(_rank, subject))]
    if likely and likely[0].endswith("/__main__.py"):
        return likely
    return sorted({*likely, *some})


def _placed(kinds: Mapping[str, str], inner: Mapping[str, str], paths: Set[str]) -> set[str]:
    """Return the modules that the frameworks which are there load by where they are."""
    there = [
        kinds[sign] for sign in kinds if any(re.fullmatch(sign, file) for file in inner.values())
    ]
    return {path for path in paths for files in there if re.fullmatch(files, inner[path])}


def _likely(subject: str, paths: Sequence[str]) -> list[str]:
    """Return the modules that are called as entry points are, and lie where these do."""
    service = subject.rpartition("/")[2].replace("-", "_")
    stems = {path: path.rpartition("/")[2].partition(".")[0] for path in paths}
    for some in ([path for path in paths if path.startswith(f"{subject}/src/")], paths):
        # recipes_server.py is as good as server.py, but for that.
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
    """Return which others of some modules each of them imports, by how the names end."""
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
    """Return what a manifest names as entry points, as `module` does."""
    if package.is_javascript:
        return {module(text) for key in _TOLD_JS for text in _texts(package.manifest.get(key))}
    texts = [text for key in _TOLD for text in _texts(package.manifest["project"].get(key))]
    return {module(text.partition(":")[0].strip().replace(".", "/")) for text in texts}


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a part of a manifest."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _rank(subject: str, path: str) -> tuple[bool, bool, int, int, str]:
    """Return what sorts the entry point before other modules that are started."""
    stem = path.rpartition("/")[2].partition(".")[0]
    place = _ENTRIES.index(stem) if stem in _ENTRIES else len(_ENTRIES)
    outside = not path.startswith(f"{subject}/src/")
    return (outside, place == len(_ENTRIES), path.count("/"), place, path)


def _imports(sources: Sources, subject: str, path: str) -> Iterator[str]:
    """Yield what a module imports, as `module` has it."""
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
    """Return the path of a module without what differs between a source and what is built of it."""
    return _SUFFIX.sub("", _FOLDER.sub("", path))


def started(text: str, modules: Collection[str]) -> Iterator[str]:
    """Yield which of some modules the commands in a text start."""
    for command in _ENDS.split(_GOES_ON.sub(" ", _MAKING.sub("", text))):
        starts = before = ""
        for word in _BETWEEN.split(command):
            if starts and before not in _FIRST and (found := _meant(word, before, modules)):
                yield found
                starts = ""
            elif _PROGRAM.fullmatch(word) or (before, word) in (("uv", "run"), ("poetry", "run")):
                starts = word
            elif before == "-m" or (starts == "run" and not word.startswith("-")):
                # Another program's module, such as pip: what it works on is not started.
                starts = ""
            before = word


def listed(text: str, modules: Collection[str]) -> Iterator[str]:
    """Yield which of some modules a configuration names by their files."""
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
    # The folder that a command runs in, in an image or not, may be another.
    parts = [part for part in name.split("/") if part.strip(".")]
    for start in range(len(parts)):
        ends = "/" + "/".join(parts[start:])
        if found := [name for name in modules if f"/{name}".endswith((ends, f"{ends}/__main__"))]:
            return min(
                found, key=lambda name: (not name.endswith("__main__"), name.count("/"), name)
            )
    return None


# What starts a service, by files with commands or lists of files; what tells of commands, of which
# some do other things; and what lists what a tool wants from where it is.
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
