"""Each import has a declared dependency that provides it, and each dependency is imported.

In Python every import counts, in any .py, .pyi or .ipynb of a package: at the top or in a function,
in a `try` or under TYPE_CHECKING, `import_module`, `find_spec`, `importorskip` and the like with a
constant, entry points, `pytest_plugins`. In src, a dependency group or the extra `test` counts for
an import only in a `try` that handles ImportError, after `find_spec`, or for type checkers.
In JavaScript every import, `require`, `createRequire` and `resolve` of a constant counts, `imports`
of package.json, and what tsconfig.json names; also in Vue, Svelte and Astro. devDependencies do not
count in src, but for types, and where a bundler ships them; they and peers are never unused.
A dependency is used if anything in the package imports it, or a script runs it; in JavaScript also
if a configuration in the package's folder names it, or another dependency has it as a peer.

- declared.missing: imported, and not declared
- declared.misplaced: declared where it does not count; a test tool in dependencies
- declared.unused: in dependencies or an extra, and not imported
- declared.dynamic: dependencies are dynamic, so that nothing can be compared

A distribution that is not installed has the modules that its name tells. A package of this
repository may be declared before it is imported; one with `packages = []` in [tool.setuptools] is a
set of dependencies, which stands for what it declares, as an extra for a migration does (`legacy`).

Why: a transitive dependency disappears when its dependent no longer needs it, and an unused one is
installed, audited and upgraded by everybody.

Fix: declare it in `dependencies`, or the extra whose submodule imports it; for tests, in the group
`test`. What is used without an import is listed with a reason, in [tool.monorepo.unimported] or
`monorepo.unimported` of package.json: `psycopg = "SQLAlchemy loads it"`. A compiled module is named
for Maturin, in `ext-modules` or as an `Extension` in setup.py; of other builds, except it.

Passes::

    dependencies = ["PyYAML>=6"]    import yaml

Fails::

    dependencies = ["httpx>=0.28"]    import yaml
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import extras_graph, npm, providers
from monorepo.dependencies.module_names import likely
from monorepo.dependencies.providers import GIVEN, Declared, Distributions
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import entry_points, requested
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import Import, ImportKind, may_fail, prefixes
from monorepo.parsing.python_tests import is_test

# Programs of developers, which no user of a package needs; those that pytest loads join them.
_TOOLS = {"black", "coverage", "hypothesis", "mypy", "nox", "pre-commit", "pytest", "ruff", "tox"}
_PLUGIN = "pytest11"
# What type checkers know without a declaration.
_TYPES = {"_typeshed", "typing_extensions"}
_REMOVE = "remove it, or list it with a reason in [tool.monorepo.unimported]"
_EXTRA = "remove it, move tools to a group, or list each in [tool.monorepo.unimported]"
REQUIRED, TEST = ImportKind.REQUIRED, "test"


class _Use(NamedTuple):
    """An import of a module of others: where, in words, and whether users of the package get it."""

    path: str
    imported: Import
    says: str
    in_src: bool
    is_strict: bool


def subjects(sources: Sources) -> Sequence[str]:
    """Return the packages."""
    return list(sources.space.packages)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare what a package imports with what it declares."""
    package = sources.space.packages[subject]
    if package.is_javascript:
        yield from npm.check(sources, package)
        return
    if extras_graph.is_dynamic(package):
        manifest = package.manifest_path
        line = sources.line_of(manifest, "[project]", "dynamic")
        message, fix = "has dynamic dependencies, which no rule can read", "list them"
        yield Finding(manifest, line, "declared.dynamic", message, fix)
        return
    known = providers.of(sources)
    files = known.files.get(subject, [])
    uses = [*_entry_points(known, package)]
    for file in sorted(files, key=lambda file: (not _in_src(file), is_test(file), file)):
        uses += _imports(known, package, file)
    provided = list(_provided(known.declared(package), uses))
    wrong = list(_wrong(known, package, provided))
    yield from (finding for finding, _ in wrong)
    # A file that cannot be read may import anything.
    if known.own.get(subject) and not any(f"{subject}/{file}" in sources.notes for file in files):
        yield from _unused(known, package, provided, is_clear=all(clear for _, clear in wrong))


def _in_src(file: str) -> bool:
    """Return whether users of a package get a file."""
    return file.startswith("src/") and not is_test(file)


def _entry_points(known: Distributions, package: Package) -> Iterator[_Use]:
    """Yield the modules of others that entry points name."""
    path, given = package.manifest_path, known.own.get(package.path, set()) | GIVEN
    for _, name, value in entry_points(package):
        module = value.partition(":")[0].strip()
        if given.isdisjoint(prefixes(module)):
            imported = Import(module, known.sources.line_of(path, value), REQUIRED, False)
            says = f"has an entry point {name} in {module}"
            yield _Use(path, imported, says, in_src=True, is_strict=True)


def _imports(known: Distributions, package: Package, file: str) -> Iterator[_Use]:
    """Yield the imports of modules of others in a file."""
    path, in_src = f"{package.path}/{file}", _in_src(file)
    # The environments of these are those of nox and of the build.
    if file in ("noxfile.py", "setup.py"):
        return
    # A script with inline metadata (PEP 723) declares there what it needs.
    if not file.startswith("src/") and known.sources.in_text(path, "script", _is_script):
        return
    rows = known.imports(package, file)
    lines = known.tried(package, file)
    mocked = {one.module for one in rows if one.kind == ImportKind.MOCKED}
    own = known.own.get(package.path, set()) | mocked
    local = known.beside(package.path, file) | GIVEN
    relative = f"{package.path.replace('/', '.')}."
    # A namespace of which only a part of the package's own is imported is nobody's module.
    names = [one for one in rows if one.name and not own.isdisjoint(prefixes(one.module))]
    spaces = {(one.line, one.module.rpartition(".")[0]) for one in names}
    for one in sorted(rows, key=lambda one: (one.line, one.name)):
        top = one.module.partition(".")[0]
        # The manifest of a package that is lost cannot be read, which is told there.
        if top in local or fold(top) in known.space.lost or one.module.startswith(relative):
            continue
        if own.isdisjoint(prefixes(one.module)) and (one.line, one.module) not in spaces:
            strict = in_src and one.kind == REQUIRED and not may_fail(one, lines)
            yield _Use(path, one, f"imports {one.module}", in_src, strict)


def _is_script(text: str) -> bool:
    return "\n# /// script\n" in f"\n{text}"


def _provided(declared: Declared, uses: Iterable[_Use]) -> Iterator[tuple[_Use, set[str]]]:
    """Yield each use with the declared distributions that provide its module.

    Of a namespace package, each name is somebody's module: `from google.cloud import storage`.
    """
    places: dict[tuple[str, int, str], list[_Use]] = {}
    for use in uses:
        module = use.imported.module
        module = module.rpartition(".")[0] if use.imported.name else module
        places.setdefault((use.path, use.imported.line, module), []).append(use)
    for (_, _, module), (use, *inner) in places.items():
        names = declared.bringing(module)
        each = [] if names else [(one, declared.bringing(one.imported.module)) for one in inner]
        if any(found for _, found in each):
            yield from each
            continue
        if not names and not inner:
            below = (more for one, more in declared.known.items() if one.startswith(f"{module}."))
            names = names.union(*below)
        yield use, names


def _wrong(
    known: Distributions, package: Package, provided: Iterable[tuple[_Use, set[str]]]
) -> Iterator[tuple[Finding, bool]]:
    """Yield a finding for each module that is not declared where it counts.

    Each with whether it is known which distribution provides the module.
    """
    declared, manifest = known.declared(package), package.manifest_path
    runtime = known.asks(package, package.extras.keys() - {TEST}).keys()
    grouped = package.groups or TEST not in package.extras
    told = set[str]()
    for use, names in provided:
        if names and (not use.is_strict or names & runtime):
            continue
        one = use.imported
        top = one.module.partition(".")[0]
        if one.kind == ImportKind.TYPES and (top in _TYPES or declared.typing(one.module)):
            continue
        other = known.space.by_import.get(top)
        # An import of a service or an app is told by the rule `layers`.
        if other and not other.is_shared:
            continue
        name = min(names, default="") or (other.name if other else _pinned(known, package, one))
        key = name or (one.module if top in known.spaces else top)
        if key in told:
            continue
        told.add(key)
        what, where = name or "the distribution that provides it", manifest
        problem, message = "declared.missing", f"{use.says}, which is not declared"
        if names:
            problem, message = "declared.misplaced", f"{use.says}, which only groups declare"
            where = f"dependencies or an extra of {manifest}"
        elif not use.in_src and grouped:
            where = f"the group {TEST} of {manifest}"
        install = "run make install, or " if declared.absent and not name else ""
        fix = f"{install}declare {what} in {where}"
        yield Finding(use.path, one.line, problem, message, fix), bool(name)


def _pinned(known: Distributions, package: Package, one: Import) -> str:
    """Return the pinned distribution that provides a module; "" if none is known to."""
    modules = {*prefixes(one.module)}
    for name in sorted(known.pins):
        if not modules.isdisjoint(known.modules(package, name) or ()):
            return name
    words = {fold(module.replace(".", "-")) for module in modules}
    return next((name for name in sorted(known.pins) if words & likely(name)), "")


def _unused(
    known: Distributions,
    package: Package,
    provided: Iterable[tuple[_Use, set[str]]],
    *,
    is_clear: bool,
) -> Iterator[Finding]:
    """Yield what a package declares for its users, and does not import.

    `is_clear` tells whether it is known what provides each import.
    """
    declared, manifest, sources = known.declared(package), package.manifest_path, known.sources
    used, in_src = set[str](), set[str]()
    for use, names in provided:
        used |= names | declared.typing(use.imported.module)
        in_src |= names if use.in_src else set()
    told = package.settings.get("unimported", {})
    excused = {fold(name) for name in told} if isinstance(told, Mapping) else set[str]()
    excused |= {fold(package.name)} | (set() if is_clear else declared.absent)
    lists = {"": [*package.requirements()], **package.extras}
    for extra in (TEST, *map(fold, package.legacy)):
        lists.pop(extra, None)
    for extra, texts in lists.items():
        asked = {workspace.requirement(text).name for text in texts}
        idle = sorted(asked - used - excused)
        # make new DEPS=… declares a package of this repository before anything imports it.
        idle = [name for name in idle if name not in known.space.by_name]
        if extra and len(idle) == len(asked) > 1:
            line = sources.line_of(manifest, "[project.optional-dependencies]", extra)
            message = f"has an extra {extra}, of which nothing is imported"
            yield Finding(manifest, line, "declared.unused", message, _EXTRA)
            continue
        for name in idle:
            message = f"declares {name}, which is not imported"
            line = _line(sources, package, extra, name)
            yield Finding(manifest, line, "declared.unused", message, _REMOVE)
        plugins = (
            name for name in asked if _PLUGIN in known.installed(package, name).get("groups", ())
        )
        for name in [] if extra else sorted({*plugins, *_TOOLS} & asked & used - in_src):
            message = f"declares {name} for users, and only tests import it"
            fix = f"move it to the group {TEST} of [dependency-groups]"
            line = _line(sources, package, extra, name)
            yield Finding(manifest, line, "declared.misplaced", message, fix)


def _line(sources: Sources, package: Package, extra: str, name: str) -> int:
    """Return the line on which the dependencies, or those of an extra, have a distribution."""
    rows = requested(sources, package.manifest_path, package.manifest)
    place = ("project", extra or "dependencies")
    found = (row for row in rows if (row.place[0], fold(row.place[-1])) == place)
    return next((row.line for row in found if row.needs.name == name), 0)
