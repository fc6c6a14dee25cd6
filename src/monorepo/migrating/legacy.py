"""The extras of the package that holds what an old repository required.

`legacy-cpu` has every line as it was, so that nothing changes for those who ask for it; the rule
`legacy` lets nobody else do so. Beside it stand the extras that take its place: for each module
below the package, what that imports itself.
"""

from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import module_names, providers
from monorepo.guard.repository import Sources
from monorepo.migrating.requirements_files import File, Status
from monorepo.parsing.python_tests import is_test
from monorepo.programs.indexes import Index
from monorepo.syncing import toml_text

LEGACY = "legacy-cpu"


def wanted(files: Iterable[File]) -> list[str]:
    """Return the requirements of the lines as they were, each once.

    A limit on what another line requires is a requirement here: an extra has no constraints. One
    that is a pin stands in constraints.txt.
    """
    lines = [line for file in files for line in file.lines if line.status is not Status.UNKNOWN]
    return list(
        dict.fromkeys(
            line.wanted
            for line in lines
            if line.requirement and (not line.is_constraint or line.to == LEGACY)
        )
    )


def by_use(sources: Sources, package: Package, requirements: Sequence[str]) -> dict[str, list[str]]:
    """Return the requirements that each module of a package imports itself, by its name.

    "" is the package's own `__init__`, which everybody imports. Installed distributions say which
    modules they have; of others, the name does.
    """
    known, guessed = dict[str, set[str]](), dict[str, str]()
    distributions = providers.of(sources)
    texts: dict[str, list[str]] = {}
    for text in requirements:
        texts.setdefault(workspace.requirement(text).name, []).append(text)
    for name in texts:
        modules = distributions.modules(package, name)
        if modules is None:
            guessed[name] = module_names.guess(name)
        for module in modules or ():
            known.setdefault(module, set()).add(name)
    declared = providers.Declared(known, guessed)
    start = f"src/{package.import_name}/"
    found: dict[str, set[str]] = {}
    for file in distributions.files.get(package.path, []):
        if file.startswith(start) and not is_test(file):
            area = file.removeprefix(start).partition("/")[0].partition(".")[0]
            names = found.setdefault("" if area == "__init__" else fold(area.strip("_")), set())
            for imported in distributions.imports(package, file):
                names |= declared.bringing(imported.module, texts)
    return {
        area: [text for name, same in texts.items() if name in names for text in same]
        for area, names in sorted(found.items())
        if names
    }


def manifest(
    text: str, package: Package, requirements: Sequence[str], extras: Mapping[str, Sequence[str]]
) -> str:
    """Return the text of a package's pyproject.toml with its extras, and the mark of `legacy-cpu`.

    What is declared stays; an extra that exists gets what it lacks.
    """
    optional = package.manifest.get("project", {}).get("optional-dependencies", {})
    written = {fold(extra): extra for extra in optional}
    if "" in extras:
        before = list(package.manifest.get("project", {}).get("dependencies", []))
        after = _with_missing(before, extras[""])
        text = toml_text.with_value(text, ("project", "dependencies"), after)
    for extra, texts in {**extras, LEGACY: requirements}.items():
        if extra:
            key = written.get(extra, extra)
            before = list(optional.get(key, []))
            # A name stands there several times, for several markers or limits.
            after = (
                list(dict.fromkeys([*before, *texts]))
                if extra == LEGACY
                else _with_missing(before, texts)
            )
            text = toml_text.with_value(text, ("project", "optional-dependencies", key), after)
    if LEGACY not in package.legacy:
        marks = [*package.legacy, LEGACY]
        text = toml_text.with_value(text, ("tool", "monorepo", "legacy"), marks)
    return text


def root_manifest(text: str, indexes: Iterable[Index]) -> str:
    """Return the text of the root's pyproject.toml with indexes; those of the same address grow."""
    tables = workspace.toml(text).get("tool", {}).get("monorepo", {}).get("indexes", {})
    for index in indexes:
        same = [name for name, table in tables.items() if table["url"].rstrip("/") == index.url]
        path = ("tool", "monorepo", "indexes", same[0] if same else index.name)
        if same:
            names = list(dict.fromkeys([*tables[same[0]]["names"], *index.patterns]))
            text = toml_text.with_value(text, (*path, "names"), names)
            continue
        text = toml_text.with_value(text, (*path, "url"), index.url)
        text = toml_text.with_value(text, (*path, "names"), list(index.patterns))
        if index.public:
            text = toml_text.with_value(text, (*path, "public"), True)
    return text


def _with_missing(before: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Return requirements with those of other names behind them."""
    have = set()
    for text in before:
        try:
            have.add(fold(Requirement(text).name))
        except InvalidRequirement:
            continue
    return [*before, *(text for text in texts if workspace.requirement(text).name not in have)]
