"""The hash of all that the result of a task depends on: files, pins, what runs it, and how.

Which file is an input of what, and who needs whom, is what `inputs` and `graph.scopes` say, as for
what a change affects. All packages of a repository share the hashes of scopes and pins, and one
look at the working tree. Standard library only.
"""

import hashlib
import json
import os
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from monorepo.caching.closures import Closures
from monorepo.caching.worktree import Worktree
from monorepo.core.languages import Language
from monorepo.core.manifests import IGNORED, OUTPUTS
from monorepo.core.workspace import ROOT_MANIFEST, Package, Workspace
from monorepo.graph.scopes import (
    CHECKS,
    EVERYTHING,
    Edge,
    Node,
    edges,
    extra,
    scopes_of,
    tool_edges,
    tools,
)
from monorepo.inputs import manifests, pins
from monorepo.inputs.files import PINS, Files
from monorepo.system import text_files

# The tasks that prove something, and leave nothing that other tasks need.
LINT, TYPE_CHECK, TEST, COVERAGE = "lint", "type-check", "test", "test-coverage"
PROVING = (LINT, TYPE_CHECK, TEST, COVERAGE)
# Those that nox alone has.
LOWEST, EXTRAS = "test-lowest", "test-extras"
# Another way to hash, or another meaning of a component, makes old results unknown.
_VERSION = "1"
# What Python, Node and the programs that test read of the environment. Others count if .env.example
# or a package's settings name them.
_VARIABLES = (
    *("CI", "GPU", "LANG", "LC_ALL", "MYPYPATH", "NODE_ENV", "NODE_OPTIONS", "PYTEST_ADDOPTS"),
    *("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS", "PYTHONHASHSEED", "PYTHONOPTIMIZE"),
    *("PYTHONWARNINGS", "SLOW", "TZ"),
)
_EXAMPLE = ".env.example"
# Where tasks leave what they build.
_BUILT = "dist"
# The name of a component.
_OUTSIDE = "files outside of packages"
# What each language has at the root that lint looks at.
_SUFFIXES = {
    Language.PYTHON: (".py", ".pyi", ".ipynb"),
    Language.JAVASCRIPT: (".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".json"),
}


class Machine(NamedTuple):
    """What runs a task: the exact version of Python, and the platform. Node is a pin."""

    python: str = ""
    platform: str = sysconfig.get_platform()


class Detail(NamedTuple):
    """What the result of a task depends on, part by part.

    Attributes:
        components: a hash of each part, by its name.
        files: the package's own files and those of the root, with the hash of each.
        detailed: the components all of whose files are among these.
    """

    components: dict[str, str]
    files: dict[str, str]
    detailed: frozenset[str]


@dataclass(frozen=True)
class Key:
    """The hash of all that the result of a task depends on.

    Attributes:
        digest: the hash.
        refused: why no result is kept; empty if it is.
        run: the components about how it is run.
    """

    digest: str
    refused: str
    run: dict[str, str]
    _tell: Callable[[], Detail] = field(compare=False, repr=False)

    @cached_property
    def detail(self) -> Detail:
        """What it depends on, part by part."""
        return self._tell()


class Contents:
    """What the files of a repository are, at one moment, for each task of each package."""

    def __init__(self, space: Workspace, tree: Worktree) -> None:
        """Hash nothing yet.

        Raises:
            UsageError: `affects` in [tool.monorepo] is malformed.
        """
        self.space, self.tree = space, tree
        self._digests: dict[int, str] = {}
        self._lines: dict[Node, str] = {}
        self._outputs: dict[str, str] = {}
        self._files: dict[Node, list[str]] = {}
        self._refused: dict[Node, str] = {}
        known = Files(space)
        told = {ROOT_MANIFEST, *PINS, *(one.manifest_path for one in space.packages.values())}
        for path, file in tree.files.items():
            nodes = known.nodes(path)
            if path in told:
                # Its parts say what it is for its own package, or for all; others have it whole.
                owner = space.owner(path)
                nodes = tuple(
                    node
                    for node in nodes
                    if node.is_package and not (owner and owner.path == node.owner)
                )
            for node in nodes:
                self._files.setdefault(node, []).append(path)
            if file.is_link and nodes and (why := self._leads_out(path)):
                self._refused.update(dict.fromkeys(nodes, why))
        for path, why in tree.unknown.items():
            self._refused.update(dict.fromkeys(known.nodes(path), f"{path}: {why}"))
        for package in space.packages.values():
            own = Node(package.path, CHECKS)
            if package.manifest_path in tree.files:
                # What it is for others, its parts say.
                self._files.setdefault(own, []).append(package.manifest_path)
            else:
                self._refused[own] = f"{package.path}: git ignores it"

    def key(
        self,
        package: Package,
        task: str,
        machine: Machine,
        arguments: str = "",
        installed: Iterable[Node] | None = None,
    ) -> Key:
        """Return what the result of a task of a package depends on.

        Args:
            package: the package.
            task: the name of the task, in Make and nox.
            machine: what runs it.
            arguments: what the user has it do: ARGS.
            installed: the scopes of the package that are installed for it; by default those of a
                development environment.
        """
        found = self._reached(package, task, installed)
        run = self._run(task, package.language, machine, arguments)
        run["environment"] = self._environment(package)

        def detail() -> Detail:
            nodes = self._closures.nodes(found)
            own = [node for node in nodes if node.owner == package.path or not node.is_package]
            paths = chain.from_iterable(self._files.get(node, ()) for node in own)
            detailed = frozenset(next(iter(self._component(node))) for node in own)
            return Detail(run | self._components(nodes), self._shown(paths), detailed)

        refused = self._never(package) or self._unknown(found)
        return Key(_digest([*run.values(), self._digest_of(found)]), refused, run, detail)

    def key_of_root(self, language: Language, task: str, machine: Machine) -> Key:
        """Return what the result of a task about the files outside of packages depends on."""
        found = self._closures.of([tools(language)])
        suffixes = _SUFFIXES[language]
        outside = [
            path
            for path in self.tree.files
            if path.endswith(suffixes) and self.space.owner(path) is None
        ]
        run = self._run(task, language, machine, "")
        files = _digest(sorted(map(self._row, outside)))

        def detail() -> Detail:
            components = run | {_OUTSIDE: files} | self._components(self._closures.nodes(found))
            return Detail(components, self._shown(outside), frozenset([_OUTSIDE]))

        digest = _digest([*run.values(), files, self._digest_of(found)])
        return Key(digest, self._unknown(found), run, detail)

    @staticmethod
    def _run(task: str, language: Language, machine: Machine, arguments: str) -> dict[str, str]:
        """Return the components about how a task is run; an engine's hash is one of its files."""
        runs = {"task": f"{_VERSION} {task}", "arguments": arguments, "platform": machine.platform}
        if language is Language.PYTHON:
            runs["interpreter"] = machine.python
        return {name: _digest([text]) for name, text in runs.items()}

    def _environment(self, package: Package) -> str:
        """Return a hash of the variables of the environment that tests may read."""
        named = _settings(package).get("environment")
        names = sorted({*self._variables, *named} & os.environ.keys()) if named else self._variables
        return _digest(f"{name}={os.environ[name]}" for name in names)

    @cached_property
    def _variables(self) -> list[str]:
        """The variables of the environment that count for each package, and are set."""
        return sorted({*_VARIABLES, *self._examples} & os.environ.keys())

    @cached_property
    def _examples(self) -> list[str]:
        """The variables that .env.example names, set or not."""
        return _named(self._text(_EXAMPLE))

    def _never(self, package: Package) -> str:
        """Return why no result of a package is kept, as its settings say; or what they lack."""
        where = f"{package.manifest_path}: cache"
        if reason := _settings(package).get("never"):
            return f"{where}.never: {reason}"
        for path in self._modes.get(package.path, {}):
            if path not in self._needed[package.path]:
                return f"{where}.dependencies: {path}: it does not depend on that; correct the path"
        return ""

    def _reached(self, package: Package, task: str, installed: Iterable[Node] | None) -> int:
        """Return the scopes, pins and root files that a task of a package depends on."""
        own, tool = Node(package.path, CHECKS), tools(package.language)
        if task == LINT:
            # A linter looks at each file alone.
            return self._closures.only(scopes_of(package)) | self._closures.of([tool])
        starts = default_scopes(package) if installed is None else [*installed]
        starts += [node for node in self._needs.get(own, ()) if node.owner != package.path]
        return self._closures.only([own]) | self._closures.of(starts)

    @cached_property
    def _closures(self) -> Closures[Node]:
        """What each node reaches."""
        every = {node for one in self.space.packages.values() for node in scopes_of(one)}
        every |= {*map(tools, Language), *self._needs, *chain.from_iterable(self._needs.values())}
        return Closures(sorted(every), self._needs)

    @cached_property
    def _needs(self) -> dict[Node, list[Node]]:
        """What each scope and pin depends on directly, as packages count what they depend on."""
        found: dict[Node, list[Node]] = {}
        for source, target, _ in self._edges:
            mode = self._modes.get(source.owner, {}).get(target.owner)
            if mode == OUTPUTS and self._built(target.owner):
                target = Node(target.owner, OUTPUTS)
            if mode != IGNORED:
                found.setdefault(source, []).append(target)
        return found

    @cached_property
    def _edges(self) -> list[Edge]:
        """All edges."""
        found = [*edges(self.space), *tool_edges(self.space)]
        return [*found, *self._locked[0]] if self._locked else found

    @cached_property
    def _locked(self) -> tuple[list[Edge], Mapping[Node, object]] | None:
        """The edges from and between pins, and the text of each; None if locks do not say them."""
        try:
            return pins.edges(self.space, self._text), pins.parts(self.space, self._text)
        except pins.UnknownError:
            return None

    @cached_property
    def _needed(self) -> dict[str, set[str]]:
        """The packages that each one depends on directly, in any scope."""
        found: dict[str, set[str]] = {path: set() for path in self.space.packages}
        for edge in self._edges:
            if edge.source.owner in found:
                found[edge.source.owner].add(edge.target.owner)
        return found

    @cached_property
    def _modes(self) -> dict[str, dict[str, str]]:
        """How packages count what they depend on, where they say so."""
        every = self.space.packages.values()
        found = {package.path: _settings(package).get("dependencies", {}) for package in every}
        return {path: modes for path, modes in found.items() if modes}

    @cached_property
    def _parts(self) -> dict[Node, str]:
        """What manifests and locks say, by whom it is for."""
        found: dict[Node, list[object]] = {}
        every: list[Mapping[Node, object]] = [
            manifests.parts(package.path, package.language, package.manifest)
            for package in self.space.packages.values()
        ]
        every.append(manifests.root_parts(self._text(ROOT_MANIFEST)))
        if self._locked:
            every.append(self._locked[1])
        else:
            # Each pin may be needed by each package.
            locks = [self._row(path) for path in PINS if path in self.tree.files]
            every.append({EVERYTHING: locks})
        for table in every:
            for node, part in table.items():
                found.setdefault(node, []).append(part)
        return {node: json.dumps(part, sort_keys=True, default=str) for node, part in found.items()}

    def _unknown(self, found: int) -> str:
        """Return why the content of some files cannot be told; empty if it can."""
        nodes = self._closures.nodes(found) if self._refused else ()
        return next((self._refused[node] for node in nodes if node in self._refused), "")

    def _digest_of(self, found: int) -> str:
        """Return a hash of what some nodes have."""
        if found not in self._digests:
            lines = (self._line(node) for node in self._closures.nodes(found))
            self._digests[found] = _digest(lines)
        return self._digests[found]

    def _components(self, nodes: Iterable[Node]) -> dict[str, str]:
        """Return a hash of what each node has itself, by the names that people see."""
        found: dict[str, str] = {}
        for node in nodes:
            found.update(self._component(node))
        return found

    def _line(self, node: Node) -> str:
        """Return the hash of what a node has, with its name."""
        if node not in self._lines:
            rows = (f"{name}\0{digest}" for name, digest in self._component(node).items())
            self._lines[node] = "\n".join(rows)
        return self._lines[node]

    def _component(self, node: Node) -> dict[str, str]:
        """Return the hash of what a node has; of tools, settings are apart from files."""
        said = self._parts.get(node, "")
        rows = sorted(map(self._row, self._files.get(node, ())))
        kind, _, name = node.owner.partition(":")
        if node.is_package:
            own = self._built(node.owner) if node.scope == OUTPUTS else _digest([*rows, said])
            return {f"{node.owner} {node.scope}": own}
        if kind == "tools":
            name = name or "all"
            return {f"root files ({name})": _digest(rows), f"settings ({name})": _digest([said])}
        return {node.owner: _digest([said])}

    def _built(self, path: str) -> str:
        """Return the hash of what the package at `path` has built; empty if that is nothing."""
        if path not in self._outputs:
            top = f"{self.space.root}/{path}/{_BUILT}"
            rows = []
            for folder, _, names in os.walk(top):
                for name in names:
                    with open(f"{folder}/{name}", "rb") as file:
                        content = hashlib.file_digest(file, "sha256").hexdigest()
                    rows.append(f"{os.path.relpath(folder, top)}/{name}\0{content}")
            self._outputs[path] = _digest(sorted(rows)) if rows else ""
        return self._outputs[path]

    def _leads_out(self, path: str) -> str:
        """Return what is wrong with a link out of its package, whose files would not count."""
        owner = self.space.owner(path)
        top = f"{self.space.root}/{owner.path}" if owner else str(self.space.root)
        place = os.path.realpath(f"{self.space.root}/{path}")
        inside = place.startswith(f"{os.path.realpath(top)}/")
        return "" if inside else f"{path}: is a link that leads elsewhere"

    def _text(self, path: str) -> str:
        """Return the text of a file; empty if there is none that can be read."""
        return text_files.peek(self.space.root, path)

    def _row(self, path: str) -> str:
        """Return path, mode and content of a file."""
        mode, content = self.tree.files[path]
        return f"{path}\0{mode} {content}"

    def _shown(self, paths: Iterable[str]) -> dict[str, str]:
        """Return mode and content of files by path, sorted."""
        return {path: " ".join(self.tree.files[path]) for path in sorted({*paths})}


def variables(space: Workspace) -> set[str]:
    """Return all variables of the environment that count for any package."""
    every = map(_settings, space.packages.values())
    named = chain.from_iterable(table.get("environment", []) for table in every)
    return {*_VARIABLES, *_named(text_files.peek(space.root, _EXAMPLE)), *named}


def _named(example: str) -> list[str]:
    """Return the variables that an example of a .env names, set or not."""
    rows = (line.lstrip("# ").partition("=") for line in example.splitlines())
    return [name for name, equals, _ in rows if equals and name.isidentifier()]


def default_scopes(package: Package) -> list[Node]:
    """Return the scopes of a package that a development environment has."""
    left_out = {extra(package.path, name) for name in set(package.extras) - package.default_extras}
    own = Node(package.path, CHECKS)
    return [node for node in scopes_of(package) if node != own and node not in left_out]


def _settings(package: Package) -> Mapping[str, Any]:
    """Return the settings `cache` of a package."""
    found: Mapping[str, Any] = package.settings.get("cache", {})
    return found


def _digest(texts: Iterable[str]) -> str:
    """Return a hash of texts."""
    text = "\n".join(texts)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
