"""Functions that a JavaScript package exports, with their parameters, from its sources alone.

Nothing is run, built or installed: exports are followed through the files of the repository, as
Node and TypeScript resolve them under the condition `source`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import Any

from monorepo.core.workspace import Package, Workspace
from monorepo.handlers import declarations
from monorepo.handlers.declarations import Elsewhere, Found, Function, Module, Other
from monorepo.parsing import javascript

Read = Callable[[str], str | None]
"""Returns the text of a file, by its path from the root; None if there is none."""

# The conditions of `exports` that may lead to sources, in order of preference.
_CONDITIONS = ("source", "import", "node", "default")


@dataclass(frozen=True)
class Export(Function):
    """A function that a package exports.

    Attributes:
        path: the file that has it.
    """

    path: str


@dataclass(frozen=True)
class Missing:
    """Why an export cannot be a handler, and where that is."""

    path: str
    line: int
    message: str


def find(
    read: Read, space: Workspace, package: Package, subpath: str, name: str
) -> Export | Missing:
    """Return a function that a package exports.

    Args:
        read: reads a file of the repository.
        space: the repository.
        package: a JavaScript package.
        subpath: a key of its `exports`: `.` or `./routes`.
        name: what the function is exported as.
    """
    search = _Search(read, space)
    path = _target(package.manifest.get("exports"), subpath)
    if path is None:
        return Missing(package.manifest_path, 1, f"exports no {subpath}")
    file = search.file(package, package.path, path)
    if file is None:
        return Missing(package.manifest_path, 1, f"exports {subpath} from {path}, which is missing")
    try:
        found = search.exported(file, name)
    except RecursionError:
        return Missing(file, 1, f"leads to {name} through too many files or brackets")
    if found is None:
        known = ", ".join(sorted(set(search.names(file)))) or "nothing"
        return Missing(file, 1, f"does not export {name}; it exports {known}")
    return found


@dataclass
class _Search:
    """A way through modules; none is visited twice for the same name."""

    read: Read
    space: Workspace
    seen: set[tuple[str, str]] = field(default_factory=set)

    def exported(self, path: str, name: str) -> Export | Missing | None:
        """Return what a file exports by a name; None if it does not."""
        if (path, name) in self.seen:
            return None
        self.seen.add((path, name))
        found = self._module(path)
        own = found.exported(name)
        if own is not None:
            return self._resolved(path, name, own)
        # A star leaves out what is exported as default.
        stars = found.stars if name != "default" else ()
        for star in stars:
            file = self._imported(path, star.module)
            if file and (there := self.exported(file, name)):
                return there
        return None

    def names(self, path: str) -> Iterator[str]:
        """Yield the names that a file exports, those of its stars included."""
        if (path, "*") not in self.seen:
            self.seen.add((path, "*"))
            found = self._module(path)
            yield from found.exports
            for star in found.stars:
                if file := self._imported(path, star.module):
                    yield from self.names(file)

    def _module(self, path: str) -> Module:
        return declarations.module(self.read(path) or "")

    def _resolved(self, path: str, name: str, found: Found) -> Export | Missing:
        if isinstance(found, Function):
            return Export(found.line, found.required, found.total, found.params, path)
        if isinstance(found, Other):
            return Missing(path, found.line, f"{name} {found.what}")
        if found.name == "*":
            return Missing(path, found.line, f"{name} is a module, and no function")
        return self._followed(path, name, found)

    def _followed(self, path: str, name: str, found: Elsewhere) -> Export | Missing:
        file = self._imported(path, found.module)
        if file is None:
            what = f"{name} is from {found.module}, which is no file or package here"
            return Missing(path, found.line, what)
        there = self.exported(file, found.name)
        return there or Missing(path, found.line, f"{found.module} does not export {found.name}")

    def _imported(self, path: str, module: str) -> str | None:
        """Return the file of a module that a file imports."""
        owner = self.space.owner(path)
        if module.startswith("."):
            return self.file(owner, dirname(path), module)
        if module.startswith("#") and owner is not None:
            target = _target(owner.manifest.get("imports"), module)
            return self.file(owner, owner.path, target) if target else None
        name, inner = javascript.specifier(module)
        package = self.space.by_name.get(name)
        if package is None or not package.is_javascript:
            return None
        target = _target(package.manifest.get("exports"), "/".join([".", *inner]))
        return self.file(package, package.path, target) if target else None

    def file(self, package: Package | None, folder: str, target: str) -> str | None:
        """Return the file of a package that a path leads to, its extension put right."""
        path = normpath(join(folder, target))
        if package is None or not path.startswith(f"{package.path}/"):
            return None
        stem = path.removesuffix(".js")
        folders = f"{package.path}/dist/"
        source = stem.replace(folders, f"{package.path}/src/", 1)
        tried = (path, f"{stem}.ts", f"{source}.ts", f"{path}.ts", f"{path}/index.ts")
        return next((one for one in tried if self.read(one) is not None), None)


def _target(exports: Any, key: str) -> str | None:  # noqa: ANN401
    """Return the path that `exports`, or `imports`, have for a key.

    Source: the Node.js documentation of packages, "Subpath patterns" and "Conditional exports".
    """
    if isinstance(exports, str):
        return exports if key == "." else None
    if not isinstance(exports, dict):
        return None
    if not any(name.startswith((".", "#")) for name in exports):
        return _condition(exports) if key == "." else None
    if key in exports:
        return _condition(exports[key])
    for name, value in exports.items():
        before, star, behind = name.partition("*")
        if star and key.startswith(before) and key.endswith(behind):
            target = _condition(value)
            return (
                target.replace("*", key[len(before) : len(key) - len(behind)]) if target else None
            )
    return None


def _condition(value: Any) -> str | None:  # noqa: ANN401
    """Return the path among conditions that leads to sources."""
    if isinstance(value, dict):
        found = (_condition(value[name]) for name in _CONDITIONS if name in value)
        return next((one for one in found if one), None)
    return value if isinstance(value, str) else None
