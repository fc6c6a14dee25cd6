"""Which packages changes affect: those whose checks need something that has changed."""

import posixpath
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from monorepo.affected.changes import Changes
from monorepo.core.languages import BY_MANIFEST, FOLDERS, Language
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.graph import scopes
from monorepo.graph.scopes import CHECKS, EVERYTHING, Edge, Node
from monorepo.inputs import files, manifests
from monorepo.inputs.files import Files
from monorepo.system import text_files

# Why a package is affected: its path, what it needs, what that needs, and the file that differs.
Chain = tuple[str, ...]

_TOOLS = {EVERYTHING, *map(scopes.tools, Language)}


@dataclass(frozen=True)
class Impact:
    """What changes affect.

    Attributes:
        packages: the reasons of each affected package, by path, the shortest first: a file of its
            own each, and for whatever it needs directly the shortest way to a file. A path may be
            that of a broken package.
        everything: why all packages are affected; empty if they are not, or each for itself.
        problems: the mistakes in the repository that were met, and do not stop the rest.
        inputs: what each file that differs is an input of, by path.
        search: what was found on the way from these to the packages.
    """

    packages: Mapping[str, tuple[Chain, ...]]
    everything: str = ""
    problems: tuple[str, ...] = ()
    inputs: Mapping[str, tuple[Node, ...]] = field(default_factory=dict, repr=False)
    search: "Search | None" = field(default=None, repr=False, compare=False)


def affected(space: Workspace, changes: Changes) -> Impact:
    """Return what changes affect in a repository, which is as in their head.

    Raises:
        UsageError: `affects` in [tool.monorepo] is malformed.
        TaskError: git failed.
    """
    found = _Differing(space, changes)
    found.read()
    search = Search(found.edges(), found.seeds)
    packages = {
        path: reasons
        for path in (*space.packages, *sorted(space.broken))
        if (reasons := search.reasons(path))
    }
    problems = tuple(map(str, space.problems))
    return Impact(packages, found.everything, problems, found.inputs, search)


class _Differing:
    """The scopes and distributions that are not as before, with the files that say so."""

    def __init__(self, space: Workspace, changes: Changes) -> None:
        self.space, self.changes = space, changes
        self.files = Files(space)
        # The files by what they are inputs of, and the other way round.
        self.seeds: dict[Node, dict[str, None]] = {}
        self.inputs: dict[str, tuple[Node, ...]] = {}
        self.everything = ""

    def read(self) -> None:
        """Find out what each file that differs is an input of."""
        if self.changes.unknown:
            self._everything(self.changes.unknown)
        before = self.changes.before(filter(self._is_compared, self.changes.files))
        for path in self.changes.files:
            nodes = sorted(set(self._nodes(path, before)))
            self.inputs[path] = tuple(nodes)
            for node in nodes:
                self.seeds.setdefault(node, {})[path] = None
            if EVERYTHING in nodes and not self.everything:
                self.everything = self._why_everything(path)
        for path, problem in self.space.broken.items():
            named = [name for name, owner in self.space.lost.items() if owner == path]
            elsewhere = [node for name in named for node in _elsewhere(name)]
            for node in (Node(path), *elsewhere):
                self.seeds.setdefault(node, {})[problem.path] = None

    def _why_everything(self, path: str) -> str:
        """Return why a file concerns everything, or a link by which it is seen."""
        seen = (one for one in (path, *self._aliases(path)) if EVERYTHING in self.files.nodes(one))
        place = next(seen, path)
        through = "" if place == path else f" (through the link {place})"
        if self.files.is_known(place):
            return f"{path}{through} concerns everything"
        advice = f"[tool.monorepo.{files.AFFECTS}] can say what it concerns"
        return f"{path}{through}: belongs to no package; {advice}"

    def _everything(self, reason: str, path: str = "") -> None:
        self.everything = self.everything or reason
        self.seeds.setdefault(EVERYTHING, {})[path or reason] = None

    def _is_compared(self, path: str) -> bool:
        """Return whether what differs in a file counts, and not that it differs."""
        return path == ROOT_MANIFEST or path in files.PINS or bool(self._manifest(path))

    @staticmethod
    def _manifest(path: str) -> str:
        """Return the path of the package whose manifest a file may be or have been; or nothing."""
        folder, _, name = path.rpartition("/")
        return folder if name in BY_MANIFEST and folder.rpartition("/")[0] in FOLDERS else ""

    @cached_property
    def _gone(self) -> tuple[str, ...]:
        """The folders of the packages that were in the base, and are in no package now."""
        folders = {
            self._manifest(path)
            for path, old in self.changes.files.items()
            if old and self.space.owner(path) is None
        }
        return tuple(f"{folder}/" for folder in folders - {""})

    def _nodes(self, path: str, before: Mapping[str, bytes]) -> Iterator[Node]:
        """Yield what differs with a file that differs."""
        if not self._is_compared(path):
            # What a package had that is gone concerned whatever names it.
            is_gone = bool(self.changes.files[path]) and path.startswith(self._gone)
            yield from self.files.told(path) if is_gone else self.files.nodes(path)
        else:
            yield from self.files.told(path)
            yield from self._compared(path, _text(before.get(path, b"")), self._text(path))
        for other in self._aliases(path):
            yield from self.files.nodes(other)

    def _compared(self, path: str, old: str, new: str) -> Iterator[Node]:
        """Yield what differs between two texts of a file."""
        from monorepo.inputs import pins

        if path == ROOT_MANIFEST:
            yield from manifests.root_difference(old, new)
        elif folder := self._manifest(path):
            language = BY_MANIFEST[path.rpartition("/")[2]]
            yield from manifests.difference(folder, language, old, new)
            package = self.space.packages.get(folder)
            # It may be a file of a package that has another manifest now.
            yield from self.files.own(path) if package and package.manifest_path != path else ()
        else:
            found = pins.difference(self.space, path, old, new)
            yield from found.nodes
            if found.unknown:
                self.everything = self.everything or found.unknown
                yield EVERYTHING

    def _text(self, path: str) -> str:
        """Return the text of a file now; empty if there is none that can be read."""
        return text_files.peek(self.space.root, path)

    def _aliases(self, path: str) -> list[str]:
        """Return the paths by which a file is seen through symbolic links."""
        found: dict[str, None] = {}
        waiting = [path] if self._links else []
        while waiting:
            at = waiting.pop()
            for target, links in self._links.items():
                if at == target or at.startswith(f"{target}/") or target == ".":
                    rest = "" if target == "." else at.removeprefix(target)
                    new = [f"{link}{rest}" for link in links if not at.startswith(f"{link}/")]
                    waiting += [one for one in new if one not in found]
                    found.update(dict.fromkeys(new))
        return [*found]

    @cached_property
    def _links(self) -> dict[str, list[str]]:
        """The symbolic links by what they lead to in the repository, from the root."""
        found: dict[str, list[str]] = {}
        for link, target in self.changes.links.items():
            place = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
            if not place.startswith(("/", "../")):
                found.setdefault(place, []).append(link)
        return found

    def edges(self) -> list[Edge]:
        """Return what needs what: between scopes, and distributions if any pin is not as before."""
        found = [*scopes.edges(self.space), *scopes.tool_edges(self.space)]
        pinned = {node for path in files.PINS for node in self.inputs.get(path, ())}
        if all(node.is_package or node in _TOOLS for node in pinned):
            return found
        from monorepo.inputs import pins

        try:
            return found + pins.edges(self.space, self._text)
        except pins.UnknownError as error:
            path = next((path for path in self.inputs if path in files.PINS), "")
            self._everything(str(error), path)
            return found


def _elsewhere(name: str) -> list[Node]:
    """Return the nodes that a normalized name stands for where it is no package here."""
    return [scopes.distribution(name), scopes.npm_package(name)]


def _text(data: bytes) -> str:
    """Return a text of the base; what is no UTF-8 in it differs from any that is."""
    return data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")


class Search:
    """What needs the nodes that are not as before, directly or not; breadth first."""

    def __init__(self, edges: Iterable[Edge], seeds: Mapping[Node, Iterable[str]]) -> None:
        """Search what needs the nodes of `seeds`, which have the files that say so."""
        self.seeds = seeds
        self.needs, needed_by = scopes.adjacent(edges)
        # What each node that was reached needs, on the shortest way.
        self.next: dict[Node, Node | None] = dict.fromkeys(seeds)
        waiting = deque(seeds)
        while waiting:
            node = waiting.popleft()
            for source in needed_by.get(node, ()):
                if source not in self.next:
                    self.next[source] = node
                    waiting.append(source)
        self.reached: dict[str, list[Node]] = {}
        for node in self.next:
            self.reached.setdefault(node.owner, []).append(node)
        self._chains: dict[Node, Chain] = {}

    def reasons(self, path: str) -> tuple[Chain, ...]:
        """Return why a package is affected, the shortest reasons first; () if it is not."""
        found: dict[Chain, None] = {}
        for node in self.reached.get(path, ()):
            for file in self.seeds.get(node, ()):
                found[(path, file)] = None
            for target in self.needs.get(node, ()):
                if target.owner != path and target in self.next:
                    chain = self.chain(target)
                    # What comes back to the package is its own reason.
                    if not any(label == path or label.startswith(f"{path}[") for label in chain):
                        found[(path, *chain)] = None
        return tuple(sorted(found, key=lambda chain: (len(chain), chain)))

    def closure(self, path: str) -> set[Node]:
        """Return what the checks of a package need, directly or not."""
        return scopes.reached([Node(path, CHECKS)], self.needs)

    def chain(self, node: Node) -> Chain:
        """Return the shortest way from a node to a file."""
        if node not in self._chains:
            target = self.next[node]
            rest = self.chain(target) if target else (next(iter(self.seeds[node])),)
            label = () if node in _TOOLS else (shown(node),)
            self._chains[node] = rest if label and rest[0] == label[0] else (*label, *rest)
        return self._chains[node]


def shown(node: Node) -> str:
    """Return what a node is called in a reason."""
    kind, _, name = node.scope.partition(":")
    return f"{node.owner}[{name}]" if kind == "extra" else node.owner
