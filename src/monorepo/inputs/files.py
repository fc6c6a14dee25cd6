"""What a file of the repository configures: which scopes of which packages it is an input of.

One table, so that what a change affects and what a result depends on cannot disagree. A file that
the table does not know is an input of everything. Standard library only.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from monorepo.core import base_manifest, hashes, languages
from monorepo.core.languages import Language
from monorepo.core.workspace import ROOT_MANIFEST, Package, Workspace
from monorepo.graph.scopes import CHECKS, EVERYTHING, Node, scopes_of, tools
from monorepo.parsing import data_formats
from monorepo.system.errors import UsageError

AFFECTS = "affects"
NODE_LOCK, NODE_WORKSPACE, NODE_MANIFEST = "pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"
LOWEST, GPU = "tools/lowest.txt", "tools/gpu.txt"
# Files with pins: what differs in them tells whom that concerns, see `pins`.
PINS = (hashes.PINS, hashes.HASHES, LOWEST, GPU, NODE_LOCK, NODE_WORKSPACE)

_PYTHON, _JAVASCRIPT = (tools(Language.PYTHON),), (tools(Language.JAVASCRIPT),)
_ALL, _NONE = (EVERYTHING,), ()
# Patterns of files outside of packages; the first that fits counts.
_ROOT: dict[str, tuple[Node, ...]] = {
    ROOT_MANIFEST: _ALL,
    base_manifest.FILE: _ALL,
    hashes.PINS: _ALL,
    hashes.HASHES: _ALL,
    LOWEST: _PYTHON,
    GPU: _PYTHON,
    NODE_LOCK: _JAVASCRIPT,
    NODE_WORKSPACE: _JAVASCRIPT,
    "tools/make/{py,services-py,apps-py}.mk": _PYTHON,
    ".python-version": _PYTHON,
    "tools/make/{js,services-js,apps-js}.mk": _JAVASCRIPT,
    "tools/make/sources.test.ts": _JAVASCRIPT,
    NODE_MANIFEST: _JAVASCRIPT,
    "biome.{json,jsonc}": _JAVASCRIPT,
    "tsconfig*.json": _JAVASCRIPT,
    ".npmrc": _JAVASCRIPT,
    # The engine, and how it is started; what is checked, and how.
    "tools/{requirements.txt,*.whl,src/**}": _ALL,
    "tools/make/{common.mk,engine.py,environment.sh,monorepo.sh,run.sh}": _ALL,
    "{Makefile,noxfile.py,run,.gitignore,.gitattributes}": _ALL,
    ".github/workflows/ci.yml": _ALL,
    # What people and editors read, and what only `new`, `guard` and the hooks of git do.
    "*.md": _NONE,
    "{shared,services,apps}/{README.md,*/README.md}": _NONE,
    "packages/README.md": _NONE,
    "LICENSE*": _NONE,
    "{docs,.vscode,.schemas,tools/templates,tools/rules}/**": _NONE,
    "{,.github/,docs/}CODEOWNERS": _NONE,
    ".github/{dependabot.yml,*.md,ISSUE_TEMPLATE/**,PULL_REQUEST_TEMPLATE/**}": _NONE,
    ".github/workflows/{lock,upgrade,watch,release}.yml": _NONE,
    ".editorconfig": _NONE,
    ".env.example": _NONE,
    ".pre-commit-config.yaml": _NONE,
    "guard-baseline.json": _NONE,
    # What `make export` writes.
    "{nx.json,.nxignore,.moon/**}": _NONE,
    "tools/{README.md,pnpm-lock.yaml}": _NONE,
}
# Patterns of files in a package that none of its dependents get.
OWN = (
    *("tests/**", "docs/**", "changes/**", "scripts/**", "README*", "CHANGELOG*", "Makefile"),
    *("noxfile.py", "package.edn", "service.edn", "project.json", "moon.yml", "mise.toml"),
)
_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_WILDCARDS |= {"{": "(?:", "}": ")", ",": "|"}
_PARTS = re.compile(r"(\*\*/|\*\*|\*|\?|[{},])")
_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?)")
_STRINGS = re.compile(r"^(?:\./)?([^/*]+)/")
# The tables of a manifest that say which files a distribution has.
_PACKED = ("exports", "imports", "main", "module", "types", "browser", "bin", "files")


@cache
def pattern(text: str, *, alternatives: bool = False) -> Callable[[str], object]:
    """Return the test for paths that fit a pattern.

    `*` and `?` fit within a name, `**` across folders; with `alternatives`, `{a,b}` fits either.
    """
    parts = (_PARTS if alternatives else _WILDCARD).split(text)
    whole = "".join(_WILDCARDS.get(part) or re.escape(part) for part in parts)
    return re.compile(whole, re.DOTALL).fullmatch


@cache
def _root_nodes(path: str) -> tuple[Node, ...] | None:
    """Return what a file outside of packages is an input of; None if the table has no such file."""
    fitting = (nodes for text, nodes in _ROOT.items() if pattern(text, alternatives=True)(path))
    return next(fitting, None)


class Files:
    """What the files of a repository are inputs of."""

    def __init__(self, space: Workspace) -> None:
        """Read what settings say of files.

        Raises:
            UsageError: `affects` in [tool.monorepo] is malformed.
        """
        self.space = space
        self._affects = affects(space)
        # The packages that generate something, with the tests for the files that they read.
        self._reading = [
            (Node(package.path), fits)
            for package in space.packages.values()
            for entry in package.generated
            for text in entry.inputs
            for fits in self._read(text)
        ]
        # The services with the place of what they serve, where no package is any more.
        self._reading += [
            (Node(package.path, CHECKS), pattern(f"{path}/**"))
            for package in space.packages.values()
            for path in package.serves
            if path not in space.packages
        ]

    def _read(self, text: str) -> Iterator[Callable[[str], object]]:
        """Yield the tests for the files that an input of `generate` is.

        Of a package, they are the manifests, as a whole; the graph has the rest. If there is none
        any more, they are whatever was below it.
        """
        if package := self.space.packages.get(text):
            closure = self.space.closure({text: package.extras})
            yield {self.space.packages[path].manifest_path for path in closure}.__contains__
        else:
            yield pattern(text)
            yield pattern(f"{text}/**")

    def nodes(self, path: str) -> tuple[Node, ...]:
        """Return what the file at `path` is an input of; () if no result depends on it.

        Of a manifest, and of `PINS`, it is what any difference could concern.

        Args:
            path: from the root, in or outside of a package, there or not.
        """
        return tuple(dict.fromkeys([*self.own(path), *self.told(path)]))

    def told(self, path: str) -> list[Node]:
        """Return what settings say that a file is an input of: `affects`, `generate`, `serves`."""
        told = [node for fits, nodes in self._affects if fits(path) for node in nodes]
        return told + [node for node, fits in self._reading if fits(path)]

    def own(self, path: str) -> tuple[Node, ...]:
        """Return what a file is an input of by its place.

        Settings decide about those alone that no package and no line of the table has.
        """
        if (package := self.space.owner(path)) is not None:
            return self._own(package, path)
        if (broken := self.broken(path)) is not None:
            return (Node(broken),)
        if (known := _root_nodes(path)) is not None:
            return known
        return _NONE if any(fits(path) for fits, _ in self._affects) else _ALL

    def is_known(self, path: str) -> bool:
        """Return whether a package, a setting or the table is about the file at `path`."""
        inside = self.space.owner(path) is not None or self.broken(path) is not None
        told = any(fits(path) for fits, _ in self._affects)
        return inside or told or _root_nodes(path) is not None

    def broken(self, path: str) -> str | None:
        """Return the path of the broken package that a file belongs to; None for no such one."""
        return next((one for one in languages.owners(path) if one in self.space.broken), None)

    @staticmethod
    def _own(package: Package, path: str) -> tuple[Node, ...]:
        """Return the scopes of a package that a file in it is an input of."""
        inner = path.removeprefix(package.path).removeprefix("/")
        if not inner or path == package.manifest_path:
            return tuple(scopes_of(package))
        top = inner.partition("/")[0]
        is_own = any(pattern(text)(inner) for text in OWN) and top not in packed(package)
        return (Node(package.path, CHECKS) if is_own else Node(package.path),)


def packed(package: Package) -> set[str]:
    """Return the folders that a manifest names as part of the distribution, such as `src`."""
    if package.is_javascript:
        tables: list[Any] = [package.manifest.get(key) for key in _PACKED]
    else:
        tables = [package.manifest.get("tool", {}).get("setuptools")]
    found = (_STRINGS.match(f"{text}/") for text in data_formats.strings(tables))
    return {match[1] for match in found if match}


def affects(space: Workspace) -> list[tuple[Callable[[str], object], list[Node]]]:
    """Return the patterns of `affects` in [tool.monorepo], with what such files are inputs of.

    Raises:
        UsageError: it is malformed, or names what is not a package.
    """
    table = space.facts.get(AFFECTS, {})
    where = f"{ROOT_MANIFEST}: [tool.monorepo.{AFFECTS}]"
    if not isinstance(table, dict):
        raise UsageError(f'{where} is not a table; write "data/**" = ["shared/py/core"]')
    found, mistakes = [], []
    places = {path: path for path in (*space.packages, *space.broken)}
    places |= {grouped: package.path for grouped, package in space.by_grouped.items()}
    for text, paths in table.items():
        if not text or text.startswith("/") or ".." in text.split("/"):
            mistakes.append(f"{text!a}: is not a path from the root; write one, such as data/**")
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            mistakes.append(f'{text!a}: is not a list of packages; write ["shared/py/core"], or []')
            continue
        lost = [path for path in paths if path not in places]
        mistakes += [
            f"{text!a}: {one!a} is not a package here; make list shows them" for one in lost
        ]
        found.append((pattern(text), [Node(places[path]) for path in paths if path in places]))
    if mistakes:
        raise UsageError(*(f"{where} {mistake}" for mistake in mistakes))
    return found
