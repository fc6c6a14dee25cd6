"""Who requests an extra that is marked as one for a migration, and where."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from monorepo.core import manifests, workspace
from monorepo.core.manifests import Place
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST, Package
from monorepo.guard.repository import Sources
from monorepo.system.errors import UsageError

ROOT = "."
DEPENDENCIES: Place = ("project", "dependencies")
EXTRAS, GROUPS = "optional-dependencies", "dependency-groups"
_BUILD: Place = ("build-system", "requires")


class Request(NamedTuple):
    """A requirement that asks for marked extras.

    Attributes:
        path: the package that has it; "." for the root.
        place: where it stands in the manifest.
        text: the requirement as it is written.
        line: its line.
        holder: the package that it asks for.
        extras: the normalized names of the marked extras.
    """

    path: str
    place: Place
    text: str
    line: int
    holder: Package
    extras: tuple[str, ...]

    @property
    def shown(self) -> str:
        """What is requested: `acme-core[legacy-cpu]`."""
        return f"{self.holder.name}[{','.join(self.extras)}]"


def holders(sources: Sources) -> list[Package]:
    """Return the packages that mark an extra which they have."""
    return [one for one in sources.space.packages.values() if one.is_python and marked(one)]


def marked(package: Package) -> list[str]:
    """Return the normalized names of the extras of a package that it marks."""
    return [extra for extra in map(fold, package.legacy) if extra in package.extras]


def tainted(package: Package) -> set[str]:
    """Return the extras of a package that are marked, or that include such a one."""
    found = set(marked(package))
    name = fold(package.name)
    while True:
        more = {
            extra
            for extra, texts in package.extras.items()
            for one in map(workspace.requirement, texts)
            if one.name == name and found.intersection(one.extras)
        }
        if more <= found:
            return found
        found |= more


def find(sources: Sources) -> list[Request]:
    """Return all requests for marked extras, in the order of the packages, the root's last."""
    by_name = {fold(one.name): one for one in holders(sources)}
    if not by_name:
        return []
    found = []
    packages = [one for one in sources.space.packages.values() if one.is_python]
    tables: dict[str, Mapping[str, Any]] = {one.path: one.manifest for one in packages}
    tables[ROOT] = workspace.toml(sources.text(ROOT_MANIFEST) or "")
    for path, manifest in tables.items():
        file = ROOT_MANIFEST if path == ROOT else f"{path}/{ROOT_MANIFEST}"
        for place, text in manifests.requirements(manifest):
            try:
                name, extras = workspace.requirement(text)
            except UsageError:
                continue
            holder = by_name.get(name)
            asked = tuple(extra for extra in marked(holder) if extra in extras) if holder else ()
            if holder and asked:
                line = _line(sources, file, place, text)
                found.append(Request(path, place, text, line, holder, asked))
    return found


def _line(sources: Sources, file: str, place: Place, text: str) -> int:
    """Return the line of a requirement; 0 if it is written in a way that has none."""
    needles = [text]
    if len(place) > 1:
        needles = [place[-1], text]
    return sources.line_of(file, f"[{place[0]}", *needles) or sources.line_of(file, text)


def is_build(place: Place) -> bool:
    """Return whether a place is what building a package requires."""
    return place == _BUILD
