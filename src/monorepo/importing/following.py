"""Have files follow a folder that becomes a package: its own, and others of the repository."""

import ast
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from monorepo.core import hashes, naming, workspace
from monorepo.core.hashes import PINS
from monorepo.core.workspace import Package, Workspace
from monorepo.importing import declared, javascript_package, needs, path_changes, python_imports
from monorepo.importing.declared import Declared
from monorepo.importing.javascript_package import Code
from monorepo.importing.needs import Needs
from monorepo.importing.origin import Origin, Where
from monorepo.importing.python_imports import Modules
from monorepo.importing.python_layout import Layout
from monorepo.importing.report import Report
from monorepo.layout import applying, tree
from monorepo.parsing import data_formats, javascript
from monorepo.parsing.python_imports import Import as Imported
from monorepo.programs.git import Git
from monorepo.splitting import edn_manifests, node_manifests
from monorepo.syncing.making import MANIFESTS
from monorepo.system.errors import UsageError

_PATH = re.compile(r"(?<![\w@])[\w.@+-]+(?:/[\w.@+-]+)*")
# A line of a requirements file that names another file or folder.
_INCLUDES = re.compile(r"\s*-[a-z]\b|\s*--(requirement|constraint|editable)\b")


@dataclass
class Import:
    """A folder of Python that becomes a package.

    Attributes:
        space: the repository before.
        source: the folder.
        to: the path of the package.
        template: its sub-template, if that has to be said.
        layout: where the files go.
        modules: its modules by their old names.
        said: what its manifests declare.
        report: what is told in the end.
        code: that in JavaScript; None in Python.
        changed: the files with a new text.
    """

    space: Workspace
    source: Origin
    to: str
    template: str | None
    layout: Layout
    modules: Modules
    said: Declared
    report: Report
    code: Code | None = None
    changed: list[str] = field(default_factory=list)


def old_path(source: Origin) -> str:
    """Return the path of the folder, or the file, in this repository."""
    return source.at(source.single) if source.single else source.inner


def python_code(root: Path, work: Import) -> None:
    """Have the imports in the package follow its modules."""
    layout, modules = work.layout, work.modules
    for old, new in layout.places.items():
        if not new.endswith(".py"):
            continue
        place, file = root / work.to / new, f"{work.to}/{new}"
        content = place.read_bytes()
        try:
            text, parsed = python_imports.parsed(file, content)
        except UsageError:
            # A script or a sample that is not Python is nobody's module.
            continue
        in_code = new.startswith(f"{layout.home}/")

        def find(name: str, file: str = old) -> str | None:
            return modules.find(file, name)

        def relative(level: int, name: str, file: str = old) -> str | None:
            return modules.relative(file, level, name)

        done = python_imports.rewrite(text, parsed, find, relative, keeps=in_code)
        for line, told in done.told.items():
            work.report.look[f"{file}:{line}"] = told
        if done.text != text:
            _write(place, content, done.text)
            work.report.changed += [f"{file}:{line}" for line in done.lines]
        if done.text != text or new != old:
            work.changed.append(file)


def _write(place: Path, before: bytes, text: str) -> None:
    """Write a text, with the mark of its encoding if it had one."""
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    place.write_bytes(mark + text.encode())


def python_paths(root: Path, work: Import, found: Needs) -> None:
    """Take out what changes sys.path, if each import has a provider without; tell of the rest."""
    for old, new in work.layout.places.items():
        place, file = root / work.to / new, f"{work.to}/{new}"
        if not new.endswith(".py") or not place.is_file():
            continue
        content = place.read_bytes()
        try:
            text, _ = python_imports.parsed(file, content)
        except UsageError:
            continue
        if not found.unknown:
            done = path_changes.without(text, lambda _, __: True)
            if done.lines:
                text = done.text
                _write(place, content, text)
                work.report.changed += [f"{file}:{line}: sys.path" for line in done.lines]
                work.changed.append(file)
        if old.rpartition("/")[0] != new.rpartition("/")[0]:
            for number in path_changes.climbs(text):
                why = "goes up from its own path, and that has changed"
                work.report.look[f"{file}:{number}"] = why
        for number, row in enumerate(text.splitlines(), start=1):
            if "sys.path" in row or "addsitedir" in row:
                work.report.look[f"{file}:{number}"] = "changes sys.path, or reads it"


def python_importers(
    git: Git, root: Path, files: list[str], space: Workspace, package: Package, work: Import
) -> None:
    """Have other files of the repository import the package by its new name."""
    if work.source.where is not Where.HERE:
        return
    modules, gone = work.modules, {work.source.at(one) for one in work.source.files}
    tops = modules.tops()
    old_roots = {old_path(work.source), *(work.source.at(one).rstrip("/") for one in modules.roots)}
    others = [file for file in files if file not in gone and (root / file).is_file()]
    python = [
        file for file in others if file.endswith(".py") and not file.startswith(tree.NOT_OURS)
    ]
    rivals = {
        top
        for top in tops
        for file in python
        if f"/{file}".endswith((f"/{top}.py", f"/{top}/__init__.py")) or f"/{top}/" in f"/{file}"
    }
    pinned = {name.replace("-", "_") for name in hashes.read_pins(read(root / PINS))}
    for file in python:
        try:
            text, parsed = python_imports.parsed(file, (root / file).read_bytes())
        except UsageError:
            continue
        doubtful: set[str] = set()

        def find(name: str, doubtful: set[str] = doubtful) -> str | None:
            if new := modules.from_above(name):
                return new
            top = name.partition(".")[0]
            if top not in tops or naming.fold(top).replace("-", "_") in pinned:
                return None
            if top in rivals:
                doubtful.add(name)
                return None
            return modules.from_top(name)

        done = python_imports.rewrite(text, parsed, find, lambda _, __: "", keeps=True)
        work.report.look |= {f"{file}:{line}": told for line, told in done.told.items()}
        if doubtful and "sys.path" in text and not _has_beside(file, doubtful, python):
            why = f"imports {', '.join(sorted(doubtful))}: is that what has moved?"
            work.report.look[file] = why
        if done.text == text:
            continue
        work.report.changed += [f"{file}:{line}" for line in done.lines]
        # A script that nobody has formatted keeps its form.
        styled = space.owner(file) or applying.is_styled(git.root, root, file)
        cut = path_changes.without(done.text, partial(_adds, old_roots, file))
        work.report.changed += [f"{file}:{line}: sys.path" for line in cut.lines]
        _write(root / file, (root / file).read_bytes(), cut.text)
        if styled:
            work.changed.append(file)
        if owner := space.owner(file):
            _require(root, owner, package, file)
        else:
            why = f"start it with ./run, for .venv has {package.import_name}"
            work.report.changed.append(f"{file}: {why}")
    mentions(root, others, work)


def _adds(roots: set[str], file: str, node: ast.stmt, module: ast.Module) -> bool:
    """Tell whether a statement of a file adds one of some folders to sys.path."""
    return not roots.isdisjoint(path_changes.folders(node, module, file))


def _has_beside(file: str, names: Iterable[str], files: Iterable[str]) -> bool:
    """Tell whether modules stand beside the file that imports them."""
    folder = posixpath.dirname(file)
    starts = {posixpath.join(folder, name.partition(".")[0]) for name in names}
    found = {one.removesuffix(".py") for one in files} | {
        parent for one in files for parent in map(str, PurePosixPath(one).parents)
    }
    return starts <= found


def _require(root: Path, owner: Package, package: Package, file: str) -> None:
    """Have a package require the new one, which it imports."""
    place = root / owner.manifest_path
    group = declared.TEST if file.startswith(f"{owner.path}/tests/") else ""
    need = needs.Need(naming.fold(package.name), [package.name], group, file)
    before = read(place)
    after = needs.manifest(before, owner, [need])
    place.write_text(after, encoding="utf-8")
    for source in _sources(owner):
        there = root / source
        names = [naming.fold(package.name)]
        document = workspace.toml(before), workspace.toml(after)
        text = edn_manifests.python(read(there), source, *document, names)
        there.write_text(text, encoding="utf-8")


def _sources(owner: Package) -> list[str]:
    """Return the manifests in EDN that a package's own is made from."""
    return [f"{owner.path}/{one}" for one in MANIFESTS if (owner.folder / one).is_file()]


def mentions(root: Path, files: list[str], work: Import) -> None:
    """Tell of what names the folder, or something in it, by a path."""
    old = old_path(work.source)
    name = old.rpartition("/")[2].encode()
    for file in files:
        content = b"" if file.startswith(tree.NOT_OURS) else (root / file).read_bytes()
        if name not in content or b"\0" in content:
            continue
        here = posixpath.dirname(file)
        for number, row in enumerate(content.decode(errors="replace").splitlines(), start=1):
            if file == PINS and hashes.sources(row):
                # Where pins were taken from once.
                continue
            paths = [path for path in _PATH.findall(row) if "/" in path or _INCLUDES.match(row)]
            told = {
                posixpath.normpath(path)
                for each in paths
                for path in (each, posixpath.join(here, each))
            }
            if any(f"{path}/".startswith(f"{old}/") for path in told):
                work.report.look[f"{file}:{number}"] = f"names {old}, which is {work.to} now"


def javascript_code(root: Path, work: Import, code: Code) -> dict[str, list[Imported]]:
    """Have the imports of files in JavaScript follow; return those of code and tests, by file."""
    folder = root / work.to
    imports: dict[str, list[Imported]] = {}
    for old, new in work.layout.places.items():
        if not new.endswith(javascript.SUFFIXES):
            continue
        file, before = f"{work.to}/{new}", (folder / new).read_bytes()
        text, lines = javascript_package.rewritten(
            before.decode("utf-8", "surrogateescape"),
            partial(code.specifier, old, new),
        )
        if lines:
            (folder / new).write_bytes(text.encode("utf-8", "surrogateescape"))
            work.report.changed += [f"{file}:{line}" for line in lines]
        work.changed.append(file)
        found = javascript.imports(text)
        if new.startswith(("src/", "tests/")):
            imports[new] = found
        for one in found:
            if one.module.startswith("..") and code.leads_out(old, one.module):
                work.report.look[f"{file}:{one.line}"] = f"imports {one.module}, out of the folder"
        if new.startswith("tests/") and javascript_package.is_foreign_test(text):
            work.report.look[file] = "asks for another runner of tests than node --test"
    return imports


def javascript_importers(
    root: Path, files: list[str], space: Workspace, work: Import, code: Code
) -> None:
    """Have other files of the repository import the package by its new name, and require it."""
    old = code.manifest.name
    for file in files:
        if not old or not file.endswith(javascript.SUFFIXES) or file.startswith(tree.NOT_OURS):
            continue
        before = (root / file).read_bytes()
        text, lines = javascript_package.rewritten(
            before.decode("utf-8", "surrogateescape"), code.own
        )
        if not lines:
            continue
        (root / file).write_bytes(text.encode("utf-8", "surrogateescape"))
        work.changed.append(file)
        work.report.changed += [f"{file}:{line}" for line in lines]
        if owner := space.owner(file):
            place = root / owner.manifest_path
            renamed = javascript_package.required(read(place), old, code.name)
            place.write_text(renamed, encoding="utf-8")
            after = workspace.load_whole(root)
            compile_first(root, after, after.packages[owner.path])
            for source in _sources(owner):
                groups = javascript_package.requiring(owner.manifest, old)
                changes = {one: {old: None, code.name: "workspace:*"} for one in groups}
                edited = edn_manifests.node(read(root / source), source, changes, {})
                (root / source).write_text(edited, encoding="utf-8")


def compile_first(root: Path, space: Workspace, package: Package) -> None:
    """Have TypeScript compile what a package needs before it."""
    place = package.folder / node_manifests.BUILD
    names = {
        name
        for group in node_manifests.COMPILED
        for name in data_formats.table(package.manifest, group)
    }
    needed = {
        one.path: one.name in names
        for one in space.packages.values()
        if one.is_javascript and (one.folder / node_manifests.BUILD).is_file() and one != package
    }
    if place.is_file():
        text = node_manifests.references(read(place), package.path, needed)
        place.write_text(text, encoding="utf-8")


def read(place: Path) -> str:
    """Return the text of a file; "" if it is not there."""
    return place.read_text(encoding="utf-8") if place.is_file() else ""
