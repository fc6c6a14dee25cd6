"""The extras of the package that holds what an old repository required.

`legacy-cpu` has every line as it was, so that nothing changes for those who ask for it; the rule
`legacy` lets nobody else do so. Beside it stand the extras that take its place: for each module
below the package, what that imports itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import providers
from monorepo.edn import editing
from monorepo.edn.reader import EdnError
from monorepo.guard.repository import Sources
from monorepo.migrating.requirements_files import File, Status
from monorepo.parsing.python_tests import is_test
from monorepo.programs.indexes import Index
from monorepo.syncing import python_project, toml_text
from monorepo.syncing.making import PACKAGE
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.system.transaction import Transaction

if TYPE_CHECKING:
    from monorepo.edn.package_manifest import PythonPackage

LEGACY = "legacy-cpu"
_EXTRAS = "optional-dependencies"


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
    distributions = providers.of(sources)
    texts: dict[str, list[str]] = {}
    for text in requirements:
        texts.setdefault(workspace.requirement(text).name, []).append(text)
    declared = distributions.named(package, texts)
    start = f"src/{package.import_name}/"
    found: dict[str, set[str]] = {}
    for file in distributions.files.get(package.path, []):
        if file.startswith(start) and not is_test(file):
            area = file.removeprefix(start).partition("/")[0].partition(".")[0]
            names = found.setdefault("" if area == "__init__" else fold(area.strip("_")), set())
            for imported in distributions.imports(package, file):
                names |= declared.bringing(imported.module)
    return {
        area: [text for name, same in texts.items() if name in names for text in same]
        for area, names in sorted(found.items())
        if names
    }


def manifests(
    change: Transaction,
    package: Package,
    requirements: Sequence[str],
    extras: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """Return the texts of a package's manifests with its extras, and the mark of `legacy-cpu`.

    What is declared stays; an extra that exists gets what it lacks. A package.edn decides what
    pyproject.toml says.

    Raises:
        UsageError: the manifest has its extras from elsewhere, or in a form that cannot be changed.
    """
    path = package.manifest_path
    more = _lacking(package, requirements, extras)
    texts = dict[str, str]()
    text = change.read(path)
    source = f"{package.path}/{PACKAGE}"
    try:
        if (change.root / source).exists():
            texts[source] = _edn(change.read(source), source, more)
            wanted = python_project.wanted(_read(texts[source], source))
        else:
            wanted = _project(package, more)
        text = python_project.write(text, wanted)
    except MalformedError as error:
        raise error.of(path) from error
    if LEGACY not in package.legacy:
        marks = [*package.legacy, LEGACY]
        text = toml_text.with_value(text, ("tool", "monorepo", "legacy"), marks)
    return {**texts, path: text}


def _lacking(
    package: Package, requirements: Sequence[str], extras: Mapping[str, Sequence[str]]
) -> dict[tuple[str, ...], list[str]]:
    """Return the requirements that a package lacks, by the key of the list in [project]."""
    project = package.manifest["project"]
    optional = project.get(_EXTRAS, {})
    written = {fold(extra): extra for extra in optional}
    more = dict[tuple[str, ...], list[str]]()
    for extra, texts in {**extras, LEGACY: requirements}.items():
        key = written.get(extra, extra)
        before = list(optional.get(key, []) if extra else project.get("dependencies", []))
        # A name stands in legacy-cpu several times, for several markers or limits.
        lacks = [text for text in texts if text not in before]
        more[(_EXTRAS, key) if extra else ("dependencies",)] = (
            lacks if extra == LEGACY else _of_other_names(before, lacks)
        )
    return more


def _project(package: Package, more: Mapping[tuple[str, ...], Sequence[str]]) -> dict[str, Any]:
    """Return what [project] of a package shall have, with more requirements."""
    project = package.manifest["project"]
    optional = dict(project.get(_EXTRAS, {}))
    found: dict[str, Any] = {_EXTRAS: optional}
    for path, texts in more.items():
        if path[0] == _EXTRAS:
            optional[path[1]] = [*optional.get(path[1], []), *texts]
        elif texts:
            found["dependencies"] = [*project.get("dependencies", []), *texts]
    return {"project": found}


def _edn(text: str, path: str, more: Mapping[tuple[str, ...], Sequence[str]]) -> str:
    """Return the text of a package.edn with more requirements.

    Raises:
        UsageError: it is not EDN.
    """
    try:
        for (table, *extra), texts in more.items():
            keys = ("extras", *extra) if table == _EXTRAS else ("deps/base",)
            if texts:
                text = editing.with_items(text, keys, [*editing.items(text, keys), *texts])
    except EdnError as error:
        raise error.of(path) from error
    return text


def _read(text: str, path: str) -> "PythonPackage":
    """Return what a package.edn of a Python package says.

    Raises:
        UsageError: it is none.
    """
    # Imported here: only a manifest in EDN needs pydantic.
    from monorepo.edn.package_manifest import PythonPackage, read_package

    manifest = read_package(text, path)
    if not isinstance(manifest, PythonPackage):
        raise UsageError(f"{path}: is not of a Python package; correct :lang")
    return manifest


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


def _of_other_names(before: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Return the requirements of names that are not among those before."""
    have = set()
    for text in before:
        try:
            have.add(fold(Requirement(text).name))
        except InvalidRequirement:
            continue
    return [text for text in texts if workspace.requirement(text).name not in have]
