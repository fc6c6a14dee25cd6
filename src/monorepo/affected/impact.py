"""Which packages changes affect: those whose checks need something that has changed."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monorepo.affected.changes import Changes
from monorepo.core import languages
from monorepo.core.languages import Language
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.graph import scopes
from monorepo.graph.scopes import EVERYTHING, Edge, Node
from monorepo.inputs import files, manifests, pins
from monorepo.inputs.files import Files
from monorepo.system import text_files
from monorepo.system.errors import UsageError

# Why a package is affected: its path, what it needs, what that needs, and the file that changed.
Chain = tuple[str, ...]


@dataclass(frozen=True)
class Impact:
    """What changes affect.

    Attributes:
        packages: the reasons of each affected package, the shortest first. A path may be that of a
            broken package, which the workspace has among its problems.
        everything: why all packages are affected; empty if it is not all.
        problems: the mistakes in the repository that were met.
    """

    packages: Mapping[str, tuple[Chain, ...]]
    everything: str = ""
    problems: tuple[str, ...] = ()


def affected(space: Workspace, changes: Changes) -> Impact:
    """Return what changes affect in a repository, which is as in their head.

    Raises:
        UsageError: `affects` in [tool.monorepo] is malformed.
        TaskError: git failed.
    """
    seeds = _Seeds(space, changes)
    seeds.collect()
    every = [*scopes.edges(space), *scopes.tool_edges(space), *seeds.pin_edges()]
    return _Search(space, every, seeds.found).impact()


class _Seeds:
    """The nodes that changes are about, each with the files that say so."""

    def __init__(self, space: Workspace, changes: Changes) -> None:
        self.space, self.changes = space, changes
        self.files = Files(space)
        self.found: dict[Node, list[str]] = {}
        self.everything = changes.unknown

    def add(self, nodes: Iterable[Node], reason: str) -> None:
        for node in nodes:
            self.found.setdefault(node, []).append(reason)

    def collect(self) -> None:
        if self.changes.unknown:
            self.add([EVERYTHING], self.changes.unknown)
            return
        compared = []
        folders = self._gone()
        for path in self.changes.files:
            package = self.space.owner(path)
            if path in files.PINS or path == ROOT_MANIFEST or self._manifest(path):
                compared.append(path)
                if package is None and path.startswith(languages.STARTS):
                    continue
                self.add(self._told(path), path)
            elif package is None and any(path.startswith(f"{folder}/") for folder in folders):
                self.add(self._told(path), path)
            else:
                self.add(self.files.nodes(path), path)
        before = self.changes.before(compared)
        for path in compared:
            self.add(self._compared(path, _text(before.get(path, b"")), self._now(path)), path)
        for path, problem in self.space.broken.items():
            names = [name for name, where in self.space.lost.items() if where == path]
            self.add([Node(path), *_by_name(names)], problem.path)

    def _told(self, path: str) -> list[Node]:
        """Return what settings and inputs of packages say of a file, and nothing else does."""
        own = {EVERYTHING, *(scopes.tools(language) for language in Language)}
        return [
            node
            for node in self.files.nodes(path)
            if node not in own and not path.startswith(f"{node.owner}/")
        ]

    def _manifest(self, path: str) -> str:
        """Return the path of the package that a file is the manifest of; empty for no manifest."""
        above, _, name = path.rpartition("/")
        if not path.startswith(languages.STARTS) or name not in _MANIFESTS:
            return ""
        package = self.space.owner(path)
        if package is not None:
            return above if path == package.manifest_path else ""
        depth = 1 if above.startswith(f"{languages.FLAT}/") else 2
        return above if above.count("/") == depth else ""

    def _gone(self) -> set[str]:
        """Return the folders of the packages that the changes have removed."""
        found = set()
        for path, change in self.changes.files.items():
            folder = self._manifest(path)
            if folder and change.old and self.space.owner(path) is None:
                found.add(folder)
        return found - self.space.broken.keys()

    def _now(self, path: str) -> str:
        try:
            return text_files.read(self.space.root, path)
        except UsageError:
            return ""

    def _compared(self, path: str, old: str, new: str) -> Iterator[Node]:
        """Yield what differs between two texts of a file."""
        if path == ROOT_MANIFEST:
            yield from manifests.root_difference(old, new)
        elif path in files.PINS:
            found = pins.difference(self.space, path, old, new)
            yield from found.nodes
            if found.unknown:
                yield EVERYTHING
                self.everything = self.everything or found.unknown
        else:
            folder, _, name = path.rpartition("/")
            language = next(one for one in Language if one.manifest == name)
            package = self.space.packages.get(folder)
            yield from manifests.difference(folder, language, old, new)
            if package is None:
                grouped = f"{folder}"
                del grouped

    def pin_edges(self) -> list[Edge]:
        """Return the edges between distributions, if the changes are about any."""
        if not any(
            ":" in node.owner and not node.owner.startswith("tools:") for node in self.found
        ):
            return []
        try:
            return pins.edges(self.space, self._now)
        except pins.UnknownError as error:
            self.everything = self.everything or str(error)
            paths = [path for path in self.changes.files if path in files.PINS] or [str(error)]
            self.add([EVERYTHING], paths[0])
            return []


_MANIFESTS = {language.manifest for language in Language}


def _by_name(names: Iterable[str]) -> list[Node]:
    """Return the nodes that a name of a package stands for where there is none."""
    return [
        node for name in names for node in (scopes.distribution(name), scopes.npm_package(name))
    ]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


class _Search:
    """Breadth-first search from what has changed to the checks of packages."""

    def __init__(
        self, space: Workspace, edges: Iterable[Edge], seeds: Mapping[Node, list[str]]
    ) -> None:
        self.space, self.seeds = space, seeds
        self.needs: dict[str, list[Node]] = {}
        needed_by: dict[Node, list[Node]] = {}
        for edge in edges:
            needed_by.setdefault(edge.target, []).append(edge.source)
        self.next: dict[Node, Node | None] = dict.fromkeys(seeds)
        waiting = deque(seeds)
        while waiting:
            node = waiting.popleft()
            for source in needed_by.get(node, ()):
                if source not in self.next:
                    self.next[source] = node
                    waiting.append(source)
        self.edges = edges

    def chain(self, node: Node) -> Chain:
        """Return the shortest way from a node to a file that changed."""
        found: list[str] = []
        at: Node | None = node
        while at is not None:
            if not found or found[-1] != shown(at):
                found.append(shown(at))
            last, at = at, self.next[at]
        return (*found, self.seeds[last][0])

    def impact(self) -> Impact:
        reasons: dict[str, list[Chain]] = {}
        for node in self.next:
            if node.is_package:
                reasons.setdefault(node.owner, []).append(self.chain(node))
        everything = self.seeds.get(EVERYTHING, [""])[0]
        found = {
            path: tuple(sorted(set(reasons[path]), key=lambda one: (len(one), one)))
            for path in [*self.space.packages, *self.space.broken]
            if path in reasons
        }
        return Impact(found, everything, tuple(map(str, self.space.problems)))


def shown(node: Node) -> str:
    """Return what a node is called in a reason."""
    kind, _, name = node.scope.partition(":")
    return f"{node.owner}[{name}]" if kind == "extra" else node.owner
