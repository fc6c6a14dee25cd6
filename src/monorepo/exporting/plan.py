"""What an engine is told: the packages, what each needs, and the files that a task depends on.

Paths and patterns are from the root; `**/*` is all files below a folder. An engine knows packages,
where the graph here knows their scopes, and compares whole files: what it takes for affected is
never less than what `monorepo affected` says.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from monorepo.core.languages import Language
from monorepo.core.workspace import Package
from monorepo.graph import packages as graph
from monorepo.graph.scopes import EVERYTHING, tools
from monorepo.guard import config_files
from monorepo.guard.repository import Sources
from monorepo.inputs.files import NODE_MANIFEST, OWN, Files, packed

# The task that does nothing, and whose result changes with what dependents get of a package.
SOURCES = "sources"
# The branch that the workflows of a repository are about.
BRANCH = "main"
_OUTPUTS = {Language.PYTHON: ("dist",), Language.JAVASCRIPT: ("dist", "build/*.tgz")}
# What a pattern of some engine may take for something else; `?` fits it in each.
_SPECIAL = re.compile(r"[^\w./ @+~=%-]")


class Task(NamedTuple):
    """A Make target of a package.

    Attributes:
        name: the target.
        reads_dependencies: whether its result depends on the sources of what the package needs.
        outputs: the patterns of what it makes, by language, from the package.
        follows: the languages in which it runs after the same task of what the package needs.
    """

    name: str
    reads_dependencies: bool = True
    outputs: Mapping[Language, tuple[str, ...]] = dict.fromkeys(Language, ())
    follows: frozenset[Language] = frozenset()


TASKS = (
    Task("lint", reads_dependencies=False),
    Task("type-check"),
    Task("test"),
    # TypeScript compiles what a package refers to, and two compilers would write the same files.
    Task("build", outputs=_OUTPUTS, follows=frozenset({Language.JAVASCRIPT})),
)


class Project(NamedTuple):
    """A package, as an engine is told of it.

    Attributes:
        package: the package.
        needs: the paths of the packages that it needs, directly.
        inputs: files outside of it that it gets, and that no edge of the graph stands for.
        own: the patterns of files in it that none of its dependents gets; usually `OWN`.
    """

    package: Package
    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    own: tuple[str, ...]


class Plan(NamedTuple):
    """What engines are told of a repository.

    Attributes:
        projects: the packages, in display order.
        shared: the patterns of files outside of packages that each task in a language depends on.
        cycle: the paths of packages that need each other, the first one twice; [] if none do.
        name: the name of the root in package.json; "" if it has none.
    """

    projects: tuple[Project, ...]
    shared: Mapping[Language, tuple[str, ...]]
    cycle: list[str]
    name: str


def make(sources: Sources, paths: Iterable[str]) -> Plan:
    """Return what engines are told.

    Args:
        sources: the repository, without broken packages.
        paths: those of all its files, but for what is generated for engines.

    Raises:
        UsageError: settings about files are malformed.
    """
    space = sources.space
    files, edges = Files(space), graph.graph(space)
    shared: dict[Language, dict[str, bool]] = {language: {} for language in Language}
    inputs: dict[str, list[str]] = {path: [] for path in space.packages}
    for path in paths:
        nodes = files.nodes(path)
        owner = space.owner(path)
        for language, reads in shared.items():
            reads[path] = owner is None and bool({EVERYTHING, tools(language)} & {*nodes})
        for reader in {node.owner for node in nodes if node.owner in inputs}:
            if owner is None or owner.path not in {reader, *edges[reader]}:
                inputs[reader].append(_literal(path))
    return Plan(
        tuple(
            Project(package, tuple(sorted(edges[path])), tuple(sorted(inputs[path])), _own(package))
            for path, package in space.packages.items()
        ),
        {language: (*_patterns(reads),) for language, reads in shared.items()},
        graph.cycle(edges),
        _name(sources),
    )


def languages(plan: Plan) -> list[Language]:
    """Return the languages that a repository has packages in."""
    there = {project.package.language for project in plan.projects}
    return [language for language in Language if language in there]


def marked(mark: str, lines: Iterable[str]) -> str:
    """Return lines of TOML or YAML as a text that begins with a comment."""
    return "\n".join([f"# {mark}", *lines]) + "\n"


def _name(sources: Sources) -> str:
    """Return the name of the root in package.json; "" if it has none."""
    told = config_files.read(sources, NODE_MANIFEST) if sources.space.has_javascript else None
    return str((told or {}).get("name", ""))


def _own(package: Package) -> tuple[str, ...]:
    """Return the patterns of files that no dependent of a package gets."""
    shipped = packed(package)
    return tuple(pattern for pattern in OWN if pattern.partition("/")[0] not in shipped)


def _patterns(reads: Mapping[str, bool]) -> list[str]:
    """Return patterns of the files that are read: whole folders, where nothing else is in them."""
    mixed = {folder for path, read in reads.items() if not read for folder in _folders(path)}
    found = set()
    for path, read in reads.items():
        whole = next((folder for folder in _folders(path) if folder not in mixed), "")
        if read:
            found.add(f"{_literal(whole)}/**/*" if whole else _literal(path))
    return sorted(found)


def _folders(path: str) -> Iterator[str]:
    """Yield the folders that a file is in, from the top."""
    parts = path.split("/")[:-1]
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def _literal(path: str) -> str:
    """Return a path as a pattern that fits it."""
    return _SPECIAL.sub("?", path)
