"""What packages exist: their paths, names, manifests and internal dependencies.

Paths are discovered, never listed. Standard library only.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.errors import UsageError
from monorepo.names import AREAS, fold

MANIFESTS = {"py": "pyproject.toml", "js": "package.json"}
FACTS = ("namespace", "python", "python-env", "license", "author-name", "author-email")
# The newest Python 3 that is supported: pins are checked for it, tests run on it.
NEWEST = 14
NODE_GROUPS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")

# PEP 508: a name, then extras in brackets; what follows does not matter here.
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")


class Requirement(NamedTuple):
    """A distribution's folded name and the extras that are asked of it."""

    name: str
    extras: tuple[str, ...]


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


@dataclass(frozen=True)
class Package:
    """A package: its path from the root (`shared/py/core`) and what its manifest says."""

    root: Path
    path: str
    manifest: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The package's folder."""
        return self.root / self.path

    @property
    def language(self) -> str:
        """`py` or `js`."""
        return "js" if "/js/" in self.path else "py"

    @property
    def is_service(self) -> bool:
        """Whether it is a service, which can be started."""
        return self.path.startswith("services/")

    @property
    def name(self) -> str:
        """The name in its manifest: a distribution's or an npm package's."""
        table = self.manifest.get("project", {}) if self.language == "py" else self.manifest
        return str(table.get("name", ""))

    @property
    def import_name(self) -> str:
        """The name by which code imports it."""
        return self.name if self.language == "js" else fold(self.name).replace("-", "_")

    @property
    def version(self) -> str:
        """The version in its manifest."""
        table = self.manifest.get("project", {}) if self.language == "py" else self.manifest
        return str(table.get("version", ""))

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the manifest tells this tooling: [tool.monorepo], or `monorepo` in package.json."""
        table = self.manifest.get("tool", {}) if self.language == "py" else self.manifest
        settings = table.get("monorepo", {})
        return settings if isinstance(settings, Mapping) else {}

    @cached_property
    def extras(self) -> dict[str, list[str]]:
        """The requirements of each extra of a Python package, by the extra's folded name."""
        table = self.manifest.get("project", {}).get("optional-dependencies", {})
        return {fold(extra): list(wanted) for extra, wanted in table.items()}

    def requirements(self, extras: Iterable[str] = ()) -> Iterator[str]:
        """Yield what a Python package requires for itself and `extras`, as PEP 508 texts."""
        yield from self.manifest.get("project", {}).get("dependencies", [])
        for extra in extras:
            yield from self.extras.get(extra, [])

    @property
    def node_dependencies(self) -> dict[str, str]:
        """The range asked of each dependency of a JavaScript package, all groups."""
        groups = [self.manifest.get(group, {}) for group in NODE_GROUPS]
        return {name: wanted for group in groups for name, wanted in group.items()}


@dataclass(frozen=True)
class Workspace:
    """The repository at `root`: its facts and its packages, by path."""

    root: Path
    facts: Mapping[str, Any]
    packages: Mapping[str, Package]

    @cached_property
    def tools(self) -> Package:
        """The tooling itself, which is checked like a package."""
        return read_package(self.root, "tools")

    @cached_property
    def every(self) -> dict[str, Package]:
        """The packages and the tooling, by path."""
        return {**self.packages, self.tools.path: self.tools}

    @cached_property
    def by_name(self) -> dict[str, Package]:
        """The packages by the folded names of their manifests."""
        return {fold(package.name): package for package in self.packages.values()}

    @cached_property
    def by_import(self) -> dict[str, Package]:
        """The packages by the names that code imports them by."""
        return {package.import_name: package for package in self.packages.values()}

    @cached_property
    def external(self) -> frozenset[str]:
        """The folded names under our namespace that others publish: `external` of the facts."""
        allowed = self.facts.get("external", [])
        names = allowed if isinstance(allowed, list) else []
        return frozenset(fold(name) for name in names if isinstance(name, str))

    def is_stray(self, name: str) -> bool:
        """Tell whether `name` carries the namespace, but is no package here and not allowed.

        Args:
            name: of a distribution, such as acme-cor, or of an npm package, such as @acme/cor.
        """
        folded, namespace = fold(name), fold(str(self.facts["namespace"]))
        carries = folded.startswith((f"{namespace}-", f"@{namespace}/"))
        return carries and folded not in self.by_name and folded not in self.external

    @property
    def has_javascript(self) -> bool:
        """Whether this repository has the JavaScript side at all."""
        return (self.root / "package.json").exists()

    def select(self, words: Iterable[str]) -> list[Package]:
        """Return the packages spoken of by path, or by the name in their manifest.

        Raises:
            UsageError: a word is neither.
        """
        chosen, mistakes = [], []
        for word in words:
            package = self.every.get(word.rstrip("/")) or self.by_name.get(fold(word))
            if package:
                chosen.append(package)
            else:
                mistakes.append(f"{word}: is not a package here; `make list` shows them")
        if mistakes:
            raise UsageError(*mistakes)
        return chosen

    def closure(self, wanted: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
        """Return each package that `wanted` needs, itself included, with the extras asked of it.

        Args:
            wanted: extras by package path.

        Returns:
            Extras by package path, in the order in which they are met.
        """
        found: dict[str, set[str]] = {}
        todo = [(path, extra) for path, extras in wanted.items() for extra in ("", *extras)]
        while todo:
            path, extra = todo.pop(0)
            extras = found.setdefault(path, set())
            if extra in extras:
                continue
            extras.add(extra)
            package = self.packages.get(path) or self.tools
            if package.language == "js":
                names = [Requirement(fold(name), ()) for name in package.node_dependencies]
            else:
                wants = package.extras.get(extra, []) if extra else package.requirements()
                names = [requirement(text) for text in wants]
            for name, more in names:
                if other := self.by_name.get(name):
                    todo += [(other.path, "")] + [(other.path, one) for one in more]
        return {path: extras - {""} for path, extras in found.items()}


@cache
def toml(text: str) -> Mapping[str, Any]:
    """Return what TOML holds; several read the same manifest.

    Raises:
        tomllib.TOMLDecodeError: it is malformed.
    """
    return tomllib.loads(text)


def _read(path: Path) -> Mapping[str, Any]:
    """Read a manifest.

    Raises:
        UsageError: it cannot be read or parsed.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = toml(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{path}: cannot be read ({reason}); mend the file") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: is not an object; mend the file")
    return data


def read_package(root: Path, path: str) -> Package:
    """Read the package at `path` below `root`.

    Raises:
        UsageError: its manifest cannot be read.
    """
    language = "js" if "/js/" in path else "py"
    file = root / path / MANIFESTS[language]
    manifest = _read(file)
    if wrong := list(_misshapen(manifest, language)):
        raise UsageError(*(f"{file}: {key} is missing or malformed; mend it" for key in wrong))
    return Package(root, path, manifest)


def _misshapen(manifest: Mapping[str, Any], language: str) -> Iterator[str]:
    """Yield what of a manifest is not as its format says, so that all else can rely on it."""

    def texts(value: object) -> bool:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)

    table = manifest if language == "js" else manifest.get("project")
    if not isinstance(table, dict) or not isinstance(table.get("name"), str) or not table["name"]:
        yield "name"
    elif language == "js":
        for group in NODE_GROUPS:
            asked = table.get(group, {})
            if not isinstance(asked, dict) or not texts(list(asked.values())):
                yield group
    else:
        extras = table.get("optional-dependencies", {})
        if not texts(table.get("dependencies", [])):
            yield "dependencies"
        if not isinstance(extras, dict) or not all(map(texts, extras.values())):
            yield "optional-dependencies"
        for key in ("build-system", "tool"):
            if not isinstance(manifest.get(key, {}), dict):
                yield key


def load(root: Path) -> Workspace:
    """Read the repository at `root`.

    Raises:
        UsageError: it is not a generated monorepo, or a manifest cannot be read.
    """
    if not (root / "tools/src/monorepo").is_dir() or not (root / "pyproject.toml").is_file():
        raise UsageError(f"{root}: is not a generated monorepo; run this at its root")
    facts = _read(root / "pyproject.toml").get("tool", {}).get("monorepo")
    if not isinstance(facts, dict):
        raise UsageError(f"{root / 'pyproject.toml'}: has no [tool.monorepo]; restore that table")
    if absent := [fact for fact in FACTS if not isinstance(facts.get(fact), str)]:
        file = root / "pyproject.toml"
        raise UsageError(*(f"{file}: [tool.monorepo] has no {fact}; restore it" for fact in absent))
    packages: dict[str, Package] = {}
    mistakes: list[str] = []
    for area in AREAS:
        for manifest in sorted(root.glob(f"{area}/*/{MANIFESTS[area[-2:]]}")):
            path = f"{area}/{manifest.parent.name}"
            try:
                packages[path] = read_package(root, path)
            except UsageError as error:
                mistakes += error.mistakes
    if mistakes:
        raise UsageError(*mistakes)
    return Workspace(root, facts, packages)
