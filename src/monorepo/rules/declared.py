"""Every import has a declared dependency that provides it, and each dependency is used.

Checked are all imports in src and tests, also in functions and `import_module("literal")`, except
relative imports, modules of the package, local modules beside a test or a script, and modules that
a test creates. An optional import (in a `try` that handles ImportError, or after a check whether
the module is available) need not be declared, nor one for type checkers with a fallback in the
`else`; other imports for type checkers may come from stubs. The modules of a distribution are read
from the environment; if it is not installed, they are guessed from its name. An uncertain finding
is a warning: a distribution that is not installed may provide the module; the code says what to
install, handles its absence, or mentions the module in a string; it changes `sys.path`; a script
outside src has that name; a test may create the module, or pytest does not reach the test; or the
requested extra of an internal package (`acme-core[io]`) is for it.

A dependency is used if anything in the package imports or mentions it or its programs (a Makefile,
a script, a string, a command in a README); if its bound constrains a transitive dependency
(`right<2`, or `right>1` with a comment); or if the code of another dependency loads it when it is
installed: a driver, a plugin. It is a warning where a distribution that is not installed may load
it, where another bound constrains a transitive dependency, where an unreadable file or a file
outside the package mentions it (a workflow, the build of another package), or where it has a
comment. Dependency groups, extras without imports in src (test, programs), extras for a
migration (`legacy` in [tool.monorepo]), and extras that a requesting package imports may contain
anything. A dependency that is loaded by other means is
listed in the manifest: `[tool.monorepo.unimported]`, `psycopg2 = "SQLAlchemy loads it"`.

In JavaScript the same applies to package.json: imports in src are declared in dependencies,
peerDependencies or optionalDependencies; those of tests, tools and `import type` may be in
devDependencies. Used is also a program that a script runs, the types of a used package, and a peer
of another dependency; peers are known from pnpm-lock.yaml only, and for a package that is not in it
nothing is reported as unused. Modules of Node, files, `#imports`, paths and aliases in
tsconfig.json and other configurations, modules of Next.js (`server-only`) and vendored code need no
declaration. It is a warning if a tool may load its plugin, if a bundler may include a
devDependency, or if only the scripts of a private package run it. The table is
`"monorepo": {"unimported": {"pg": "Knex does"}}`.

A package without code (`packages = []` in [tool.setuptools]) is a set of dependencies: one that is
named directly declares what it requires, with the requested extras (`acme-ml-runtime[cpu]`), and so
do sets that it requires. This is no luck, as with other transitive dependencies, because declaring
them is all that the set is for. Of a set itself, nothing is reported as unused.

Why: a transitive dependency disappears when its dependent no longer needs it, and an unused one is
installed, audited and upgraded by everybody.

Fix: add the distribution to `dependencies`, or to the extra whose submodule imports it; for tests,
to the group `test` of `[dependency-groups]`; remove unused ones.

Passes::

    dependencies = ["PyYAML>=6"]    import yaml
    "dependencies": {"fastify": "catalog:"}    import { fastify } from "fastify"

Fails::

    dependencies = ["httpx>=0.28"]    import yaml
    "devDependencies": {"fastify": "catalog:"}    import { fastify } from "fastify"
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import extras_graph, implicit_use, mentions, npm, providers, uncertainty
from monorepo.dependencies.module_names import STUBS
from monorepo.dependencies.providers import GIVEN, Declared, Distributions
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import Import, ImportKind, may_fail, prefixes
from monorepo.parsing.python_tests import is_test

_TEMPLATES = re.compile(r"/[._]?templates?/|\{\{|\{%")
_NOTEBOOKS = {"ipykernel", "jupyter", "jupyterlab", "nbconvert", "notebook"}
UNKNOWN = "the distribution that provides it"


def subjects(sources: Sources) -> Sequence[str]:
    """Return the packages."""
    return list(sources.space.packages)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Compare what a package imports with what it declares."""
    package = sources.space.packages[subject]
    if package.is_javascript:
        yield from npm.check(sources, package)
        return
    if "dependencies" in package.manifest["project"].get("dynamic", ()):
        manifest = f"{subject}/pyproject.toml"
        line = sources.line_of(manifest, "[project]", "dynamic")
        message = "what it declares is dynamic, and not looked at"
        yield Finding(manifest, line, "declared", message, "list it in dependencies", "warn")
        return
    known = providers.of(sources)
    declared = known.declared(package)
    # Any of these may bring what seems to be missing: one can be sure once they are installed.
    unknown = sorted(set(declared.guessed) - known.used(package))
    absent = f" ({', '.join(unknown)}: not installed, may provide it)" if unknown else ""
    # The first place of each module is enough, one declaration fixes them all; and what is certain
    # is worse than what may be a mistake.
    lost: dict[str, tuple[str, str, Import]] = {}
    for file in known.files.get(subject, []):
        imports = known.imports(package, file)
        ours = file.startswith(("src/", "tests/"))
        if ours and not uncertainty.in_project(sources, subject, file):
            for one in sorted(_lost(known, package, file, imports), key=lambda one: one.line):
                top = one.module.partition(".")[0]
                key = one.module if top in known.spaces else top
                if key not in lost or lost[key][0]:
                    doubt = "" if fold(top) in known.pins else absent
                    doubt = doubt or _doubt(known, package, file, one)
                    if key not in lost or not doubt:
                        lost[key] = (doubt, file, one)
    for doubt, file, one in lost.values():
        # Who has an extra for tests, and no groups, goes on with it.
        grouped = is_test(file) and (package.groups or "test" not in package.extras)
        place = "the group test of [dependency-groups] in " if grouped else ""
        advice = f"declare {_bringer(known, package, one)} in {place}{subject}/pyproject.toml"
        message = f"imports {one.module}, which no declared dependency provides{doubt}"
        status = "warn" if doubt else "error"
        yield Finding(f"{subject}/{file}", one.line, "declared", message, advice, status)
    yield from _unused(sources, package, declared, [one.module for _, _, one in lost.values()])


def _doubt(known: Distributions, package: Package, file: str, lost: Import) -> str:
    """Return why an import without a provider may be right."""
    bringer = _bringer(known, package, lost)
    names = {lost.module.partition(".")[0], bringer}
    for name, extras in known.asks(package, package.extras, package.groups).items():
        # What the extra of a package here needs is for its submodule, but was asked for by name.
        if other := known.space.by_name.get(name):
            more = known.asks(other, extras).keys() - known.asks(other).keys()
            if any(names & {one, *(known.modules(package, one) or ())} for one in more):
                return f" (but {name}[{','.join(sorted(extras))}] does)"
    told = uncertainty.told(extras_graph.of(known.sources), package, file, lost, names)
    told = told or uncertainty.place(known, package, file, lost, known_to_be=bringer != UNKNOWN)
    # What others here declare is forgotten more easily than what nobody does.
    pinned = not known.pins.isdisjoint(map(fold, names))
    if not told and lost.late and bringer == UNKNOWN and not pinned:
        return " (nobody here declares it, and a function may do without)"
    return told


def _bringer(known: Distributions, package: Package, one: Import) -> str:
    """Return the name of a distribution that provides a module, for messages."""
    top = one.module.partition(".")[0]
    if other := known.space.by_import.get(top):
        return other.name
    brings = (name for name in sorted(known.pins) if top in (known.modules(package, name) or ()))
    return next(brings, UNKNOWN)


def _given(known: Distributions, package: Package, file: str, one: Import) -> bool:
    """Return whether an import needs no declaration."""
    names = set(prefixes(one.module))
    top = one.module.partition(".")[0]
    if (
        one.kind in (ImportKind.OPTIONAL, ImportKind.MOCKED)
        or top in GIVEN
        or names & known.own.get(package.path, set())
    ):
        return True
    # What is declared would bring it, if its manifest could be read.
    if fold(top) in known.space.lost:
        return True
    # Type checkers know it without.
    if one.kind == ImportKind.TYPES and top == "typing_extensions":
        return True
    # A relative import outside src has the path of the package in its name.
    if one.module.startswith(f"{package.path.replace('/', '.')}."):
        return True
    # Where src is itself a package, it is run in the folder above.
    if top in known.beside(package.path, file) or (
        top == "src" and known.in_package(package.path, "src/x.py")
    ):
        return True
    # A test may write a module, or load it by its path; a template is run elsewhere.
    if file.startswith("tests/"):
        return f"{top}.py" in (known.sources.text(f"{package.path}/{file}") or "")
    return bool(_TEMPLATES.search(file)) and not known.in_package(package.path, file)


def _lost(
    known: Distributions, package: Package, file: str, imports: Sequence[Import]
) -> Iterator[Import]:
    """Yield each import that no declared dependency provides."""
    declared = known.declared(package)

    def brought(one: Import) -> bool:
        stubs = (
            {f"types-{fold(one.module.partition('.')[0])}"}
            if one.kind == ImportKind.TYPES
            else set()
        )
        named = declared.bringing(one.module, known.pins) or stubs & declared.guessed.keys()
        return bool(named) or _given(known, package, file, one)

    names = [one for one in imports if one.name]
    lines = known.tried(package, file)
    for statement in imports:
        if statement.name or brought(statement) or may_fail(statement, lines):
            continue
        inner = [
            one
            for one in names
            if one.line == statement.line and one.module.rpartition(".")[0] == statement.module
        ]
        # `from google.cloud import storage`: of a namespace, each name is somebody's module.
        space = any(map(brought, inner))
        if not inner and any(one.startswith(f"{statement.module}.") for one in declared.known):
            continue
        yield from [one for one in inner if not brought(one)] if space else [statement]


def _unused(
    sources: Sources, package: Package, declared: Declared, lost: Sequence[str]
) -> Iterator[Finding]:
    """Yield a finding for each dependency that the package neither imports nor names.

    What is `lost`, nothing that is known brings.
    """
    known = providers.of(sources)
    code = [file for file in known.files.get(package.path, []) if file.startswith("src/")]
    if not code:
        return
    imported = {one.module for file in code for one in known.imports(package, file)}
    in_code = set[str]().union(*map(declared.bringing, imported))
    told = package.settings.get("unimported", {})
    excused = {fold(name) for name in told} if isinstance(told, Mapping) else set[str]()
    excused |= {fold(package.name)}
    excused |= {fold(one.replace(".", "-")) for module in lost for one in prefixes(module)}
    excused |= declared.guessed.keys() if lost else set()
    # The standard library's own way to be complete on Windows, and what shows notebooks.
    excused |= {"tzdata"} if "zoneinfo" in imported else set()
    notebooks = any(path.endswith(".ipynb") for path in sources.by_package[package.path])
    excused |= _NOTEBOOKS if notebooks else set()
    groups = {"": list(package.requirements()), **package.extras}
    for extra in ("test", *map(fold, package.legacy)):
        groups.pop(extra, None)
    manifest = f"{package.path}/pyproject.toml"
    for extra, texts in groups.items():
        asked = {workspace.requirement(text).name: text for text in texts}
        if extra and not in_code & asked.keys():
            continue
        for name in sorted(asked.keys() - known.used(package) - excused):
            # make new DEPS=… asks for a package of this repository before anything imports it.
            if STUBS.match(name) or name in sources.space.by_name:
                continue
            brings = {*(known.modules(package, name) or ())}
            brings |= {*known.installed(package, name).get("programs", ())}
            names = {name, *map(fold, brings)}
            if names & known.taken(package) or mentions.is_named(sources, package, names):
                continue
            where = ["[project.optional-dependencies]", extra] if extra else ["dependencies"]
            line = sources.line_of(manifest, "[project]", *where, asked[name])
            others = implicit_use.reached(known, package, name)
            text, brought = sources.text(manifest) or "", name in others
            holds, doubt = implicit_use.holds(text, line, asked[name], brought=brought)
            if holds or implicit_use.is_needed(known, package, name, extra, others):
                continue
            message = f"{name} is declared, but not imported or mentioned here"
            # One that is not installed may load it; with a marker, it is for another system.
            here = [text for texts in groups.values() for text in texts if ";" not in text]
            absent = {workspace.requirement(text).name for text in here} & declared.guessed.keys()
            unknown = ", ".join(sorted(one for one in absent - {name} if not STUBS.match(one)))
            doubt = f"{unknown}: not installed, may load it" if unknown else doubt
            doubt = doubt or implicit_use.elsewhere(sources, package, names)
            message += f" ({doubt})" if doubt else ""
            advice = "remove it, or list it with a reason in [tool.monorepo.unimported]"
            status = "warn" if doubt else "error"
            yield Finding(manifest, line, "declared", message, advice, status)
