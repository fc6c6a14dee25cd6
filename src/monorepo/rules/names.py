"""The names of a package follow from its path, and what it installs has a name of its own.

Compared are folder, distribution and npm name; each import package and module in src; console
scripts and those with a window, `bin`, and entry points. Names that differ only by case, `-`, `_`
or `.` are the same to an index, to npm or to a file system.

- `names.folder`: the folder cannot be, or is not, called so
- `names.distribution`: the manifest has another name than that of the folder
- `names.module`: src has another import package or module than the one of the package
- `names.twin`: two packages of a language install the same module, script, `bin` or entry point
- `names.tool`: a script or `bin` has the name of a tool of the repository

Why: who knows one name knows the others, and of two files of one name the last installed wins.

Fix: rename what differs; `make list` shows all names.

Passes::

    shared/py/audio      acme-audio  src/acme_audio
    packages/acme-audio  acme-audio  src/acme_audio

Fails::

    shared/py/audio  acme-sound  src/audio
    [project.scripts] pytest = "acme_audio.main:run"
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from monorepo.core import naming
from monorepo.core.naming import fold
from monorepo.core.workspace import DEV, Package, requirement
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import entry_points
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats

_TOOLS = {"git", "make", "monorepo", "node", "npm", "npx", "pip", "pnpm", "python", "python3", "uv"}


class _Name(NamedTuple):
    """What a package installs: of what kind it is, its name, and the lists that lead to it."""

    kind: str
    name: str
    where: Sequence[str]


def subjects(sources: Sources) -> Sequence[str]:
    """Return the packages."""
    return list(sources.space.packages)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare the names of a package with its path and with others; npm names are on loading."""
    space = sources.space
    package = space.packages[subject]
    namespace = str(space.facts["namespace"])
    if problem := naming.path_problem(package.grouped, namespace):
        wrong, _, advice = problem.partition("; ")
        message = f"{package.short_name} {wrong}"
        yield Finding(subject, 0, "names.folder", message, advice or "choose another")
    folders = [naming.flat(namespace, package.grouped, twin=twin) for twin in (False, True)]
    if package.is_flat and subject not in folders:
        message = f"is not called like a {package.kind.singular}"
        yield Finding(subject, 0, "names.folder", message, f"call it {folders[0]}")
    expected = naming.package_name(namespace, package.grouped)
    if package.name != expected:
        message = f"the name is {package.name}, not {expected}"
        fix = f"call it {expected}"
        yield Finding(package.manifest_path, 0, "names.distribution", message, fix)
    elif package.is_python:
        yield from _modules(sources, package)
    yield from _installed(sources, package)


def _modules(sources: Sources, package: Package) -> Iterator[Finding]:
    """Compare what src has with the import name of a package."""
    tops, source = _tops(sources, package), f"{package.path}/src"
    if not package.has_code:
        if any(path.startswith(f"{source}/") for path in sources.by_package[package.path]):
            message = "is not in the distribution: the manifest has packages = []"
            fix = "name its packages there, or remove src"
            yield Finding(source, 0, "names.module", message, fix)
    elif package.import_name not in tops:
        message, fix = f"has no src/{package.import_name}", "call the folder in src so"
        yield Finding(package.path, 0, "names.module", message, fix)
    else:
        for top, path in sorted(tops.items()):
            alone = len(sources.once(_claims)["module", fold(top)]) == 1
            if top != package.import_name and alone:
                message = f"installs {top} besides {package.import_name}"
                fix = f"move it into src/{package.import_name}"
                yield Finding(path, 0, "names.module", message, fix)


def _tops(sources: Sources, package: Package) -> dict[str, str]:
    """Return the import packages and modules that src has, with their paths."""
    found, start = {}, f"{package.path}/src/"
    for path in sources.by_package[package.path]:
        if path.startswith(start) and path.endswith((".py", ".pyi")):
            first = path[len(start) :].partition("/")[0]
            found[first.partition(".")[0]] = start + first
    found.pop("", None)
    return found


def _names(sources: Sources, package: Package) -> Iterator[_Name]:
    """Yield what a package installs."""
    if package.is_javascript:
        single = isinstance(package.manifest.get("bin"), str)
        names = [package.short_name] if single else data_formats.table(package.manifest, "bin")
        # Those of npm are in other folders than those of Python.
        yield from (_Name("bin", name, ['"bin":']) for name in names)
        return
    for top in _tops(sources, package):
        yield _Name("module", top, [])
    for keys, name, _ in entry_points(package):
        yield _Name(f"entry point of {keys[1]}" if keys[1:] else "script", name, keys)


def _claims(sources: Sources) -> dict[tuple[str, str], list[str]]:
    """Return the paths of the packages that install something, by its kind and folded name."""
    found: dict[tuple[str, str], list[str]] = {}
    for path, package in sorted(sources.space.packages.items()):
        for kind, name, _ in _names(sources, package):
            owners = found.setdefault((kind, fold(name)), [])
            # A module belongs to the package of its name.
            owners.insert(0 if name == package.import_name else len(owners), path)
    return found


def _installed(sources: Sources, package: Package) -> Iterator[Finding]:
    """Yield a finding for what an earlier package or a tool installs as well."""
    tools = _TOOLS | {requirement(one.text).name for one in sources.space.group(DEV)}
    seen: set[tuple[str, str]] = set()
    for kind, name, where in _names(sources, package):
        owners = sources.once(_claims)[kind, fold(name)]
        place = package.manifest_path if where else _tops(sources, package)[name]
        line = sources.line_of(place, *where, name) if where else 0
        if kind == "module" and _is_shared(sources, owners, name):
            continue
        if owners[0] != package.path or (kind, name) in seen:
            message = f"{owners[0]} has the {kind} {name} as well"
            yield Finding(place, line, "names.twin", message, "rename one of them")
        elif kind in ("script", "bin") and fold(name) in tools:
            message = f"the {kind} {name} has the name of a tool of this repository"
            yield Finding(place, line, "names.tool", message, "rename it")
        seen.add((kind, name))


def _is_shared(sources: Sources, owners: Iterable[str], name: str) -> bool:
    """Return whether packages have parts of a namespace: folders without an `__init__`."""
    packages = [sources.space.packages[path] for path in owners]
    if name in {package.import_name for package in packages}:
        return False
    tops = [_tops(sources, package).items() for package in packages]
    paths = [path for some in tops for top, path in some if fold(top) == fold(name)]
    files = {*paths, *(f"{path}/__init__.{end}" for path in paths for end in ("py", "pyi"))}
    return files.isdisjoint(sources.files)
