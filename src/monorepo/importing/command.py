"""`monorepo migrate import`: a folder of code becomes a package, all of it or nothing."""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

from monorepo.core import hashes, languages, naming, workspace
from monorepo.core.hashes import PINS
from monorepo.core.languages import FLAT, Kind, Language
from monorepo.core.workspace import Package, Workspace
from monorepo.guard import catalog, runner
from monorepo.guard.repository import Sources
from monorepo.importing import (
    declared,
    javascript_package,
    needs,
    origin,
    path_changes,
    python_imports,
    python_layout,
)
from monorepo.importing.declared import Declared
from monorepo.importing.javascript_package import Code
from monorepo.importing.needs import Needs
from monorepo.importing.origin import Origin, Where
from monorepo.importing.python_imports import Modules
from monorepo.importing.python_layout import Layout
from monorepo.importing.report import Report, merged
from monorepo.layout import applying, places, tree
from monorepo.layout.tree import Moved
from monorepo.locking import projects
from monorepo.migrating import pins
from monorepo.parsing import javascript
from monorepo.parsing.python_imports import Import
from monorepo.programs.git import Git
from monorepo.scaffold import addition
from monorepo.syncing import derive, toml_text, workspace_files
from monorepo.system.errors import UsageError

_VENV = ".venv"
# The modules by which packages start, as their templates have them.
_ENTRIES = {
    (Kind.SERVICE, Language.PYTHON): "main.py",
    (Kind.SERVICE, Language.JAVASCRIPT): "main.ts",
    (Kind.APP, Language.PYTHON): "cli.py",
}
_PATH = re.compile(r"(?<![\w@])[\w.@+-]+(?:/[\w.@+-]+)*")
# A line of a requirements file that names another file or folder.
_INCLUDES = re.compile(r"\s*-[a-z]\b|\s*--(requirement|constraint|editable)\b")


@dataclass
class _Import:
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


def bring(root: Path, path: str, to: str, *, dry_run: bool) -> Report:
    """Make a package of a folder of code.

    Args:
        root: the repository.
        path: the folder, or a single file, from the current folder.
        to: the path of the package.
        dry_run: change nothing.

    Returns:
        What was done, or would be, and what needs a hand.

    Raises:
        UsageError: the folder cannot be one, or something is in the way or not committed.
        TaskError: git failed. After an error nothing has changed.
    """
    git = Git(root)
    git.refuse_unready()
    space = workspace.load_whole(root)
    source = origin.read(space, git, path.rstrip("/") or path)
    work = _prepared(space, source, to.rstrip("/"))
    moves = {_old(source): work.to} if source.where is Where.HERE else {}

    def change(tree_root: Path, files: list[str]) -> Moved:
        return _change(git, tree_root, files, work)

    def place(file: str) -> str:
        inner = file.removeprefix(f"{source.inner}/")
        if work.code:
            return f"{work.to}/{inner}"
        return f"{work.to}/{python_layout.place(work.layout, inner)}"

    merge = origin.history(git, source, work.to, work.layout.places)
    done = applying.apply(git, "import", moves, change, place, dry_run=dry_run)
    if merge and not dry_run:
        origin.begin_merge(git, merge, f"import {source.shown} as {work.to}")
    work.report.changes = done.diff.splitlines() if dry_run else ()
    work.report.moved |= done.carried
    return work.report


def _old(source: Origin) -> str:
    """Return the path of the folder, or the file, in this repository."""
    return source.at(source.single) if source.single else source.inner


def _prepared(space: Workspace, source: Origin, to: str) -> _Import:
    """Return the import of a folder, after all that can be refused before anything is made.

    Raises:
        UsageError: something is.
    """
    if not to:
        raise UsageError("--as: is missing; give a path such as shared/py/audio")
    template = _template(space, to, source)
    grouped = places.of_new(space, to, template)
    namespace = str(space.facts["namespace"])
    if wrong := naming.path_problem(grouped, namespace):
        raise UsageError(f"--as: {naming.show(to)} {wrong}")
    license_file = space.root / "LICENSE"
    license_text = license_file.read_bytes() if license_file.is_file() else b""
    package = naming.package_name(namespace, grouped)
    kind, language = languages.kind_of(grouped), languages.of(grouped)
    entry = _ENTRIES.get((kind, language), "")
    if kind is Kind.SERVICE and template is None:
        # One of its own code is not configured by a manifest.
        template = f"{kind}-{language}"
    if language is Language.JAVASCRIPT:
        layout = javascript_package.plan(source, license_text, entry)
        code = Code(layout, javascript_package.read(source), package)
        report = Report(source.shown, to, package, _history(source))
        modules = Modules(source, layout)
        return _Import(space, source, to, template, layout, modules, Declared(), report, code)
    package = package.replace("-", "_")
    layout = python_layout.plan(source, package, license_text, entry)
    roots = _roots(source, layout)
    said = declared.read(source, layout.manifests, declared.Place(space))
    report = Report(source.shown, to, package, _history(source))
    return _Import(
        space, source, to, template, layout, Modules(source, layout, roots), said, report
    )


def _roots(source: Origin, layout: Layout) -> list[str]:
    """Return the folders in the source that its files add to sys.path.

    Raises:
        UsageError: a module is no Python: all of these.
    """
    found: dict[str, None] = {}
    mistakes: list[str] = []
    for old, new in layout.places.items():
        if not new.endswith(".py") or not new.startswith(("src/", "tests/")):
            continue
        try:
            _, parsed = python_imports.parsed(source.place(old), source.files[old].content)
        except UsageError as error:
            mistakes += error.mistakes
            continue
        for node in path_changes.found(parsed):
            told = path_changes.folders(node, parsed, old)
            inside = {"" if one == "." else one for one in told if not one.startswith("..")}
            found |= dict.fromkeys(sorted(inside))
    if mistakes:
        raise UsageError(*mistakes)
    return [*found]


def _template(space: Workspace, to: str, source: Origin) -> str | None:
    """Return the sub-template that tells the language of a package in the flat layout."""
    folder, _, name = to.rpartition("/")
    if folder != FLAT or not space.has_javascript:
        return None
    stem = name.removeprefix(f"{space.facts['namespace']}-")
    kinds = (kind for kind in Kind if kind.prefix and stem.startswith(kind.prefix))
    is_python = any(file.endswith(".py") for file in source.files)
    language = Language.PYTHON if is_python else Language.JAVASCRIPT
    return f"{next(kinds, Kind.SHARED)}-{language}"


def _history(source: Origin) -> str:
    """Return what becomes of the history of a folder, and what is committed."""
    if source.where is Where.HERE:
        return "nothing is committed: git has the files staged as renames, and git commit keeps it"
    if source.where is Where.THERE:
        return (
            f"nothing is committed: a merge of the history of {source.shown} is begun; "
            "git commit keeps it, git merge --abort undoes it"
        )
    return f"nothing is committed: {source.shown} has no history, and stays; git commit keeps it"


def _change(git: Git, root: Path, files: list[str], work: _Import) -> Moved:
    """Make the package in the tree at a root, which has the given files."""
    source, layout, report = work.source, work.layout, work.report
    addition.add(root, [work.to], template=work.template, example=False)
    _place(root, work)
    space = workspace.load_whole(root)
    if work.code:
        others = [one for one in files if (root / one).is_file()]
        _javascript(root, space.packages[work.to], space, work, work.code)
        if source.where is Where.HERE:
            _javascript_importers(root, others, space, work, work.code)
            _mentions(root, others, work)
    else:
        _rewrite(root, work)
    with _environment(git.root, root):
        if not work.code:
            _python(git, root, files, space, work)
        moved = Moved([*dict.fromkeys(work.changed)])
        applying.fit(git.root, root, moved)
        space = workspace.load_whole(root)
        # What make lock writes, it writes next.
        rules = [rule for rule in catalog.ids(root) if rule != "pins"]
        wrong = runner.standing(space, runner.found(space, rules, [work.to]))
        report.findings = [one for one in wrong if one.status == "error"]
    for new in layout.places.values():
        if layout.entry and new.endswith(f"/{python_layout.OLD}{layout.entry}"):
            why = f"was the entry: have {layout.entry} beside it start what it started"
            report.look[f"{work.to}/{new}"] = why
    report.moved |= {source.place(old): f"{work.to}/{new}" for old, new in layout.places.items()}
    report.dropped |= {source.place(old): why for old, why in layout.dropped.items()}
    moved.changed = [path for path in moved.changed if (root / path).is_file()]
    return moved


def _python(git: Git, root: Path, files: list[str], space: Workspace, work: _Import) -> None:
    """Write what a package in Python needs, and have those who import it follow."""
    package, report = space.packages[work.to], work.report
    found = needs.find(Sources(space), package, work.said.offers)
    report.needs = [need for need in found.found if need.name not in package.needs]
    _leave_paths_alone(root, work, found)
    _importers(git, root, files, space, package, work)
    pinned = hashes.pins(root)
    _manifests(root, space, package, work)
    report.look = merged(work.said.told, report.look, _told(work, found, pinned))


def _javascript(root: Path, package: Package, space: Workspace, work: _Import, code: Code) -> None:
    """Have the imports of a package in JavaScript follow, and write what it needs."""
    imports = _javascript_code(root, work, code)
    folder = root / work.to
    for made in ("src/index.ts", "tests/index.test.ts"):
        if made not in work.layout.places.values() and (folder / made).exists():
            (folder / made).unlink()
    settings = root / workspace_files.SETTINGS
    known = workspace_files.names(_text(settings))
    found, unknown = javascript_package.needs(space, package, imports, code.manifest, known)
    work.report.needs = found
    work.report.look |= unknown
    if package.is_shared and not code.entry():
        work.report.look[package.manifest_path] = "has no entry: name what others import in exports"
    place = folder / javascript_package.MANIFEST
    place.write_text(javascript_package.manifest(_text(place), code, found), encoding="utf-8")
    settings.write_text(javascript_package.catalog(_text(settings), found), encoding="utf-8")
    compiler = root / javascript_package.COMPILER
    options = javascript_package.allowing(_text(compiler), work.layout)
    if options != _text(compiler):
        compiler.write_text(options, encoding="utf-8")
        work.report.changed.append(f"{javascript_package.COMPILER}: allowJs")
    _readme(root, work)
    if names := javascript_package.unused(code.manifest, found):
        why = f"imported nowhere, and left out: {', '.join(names)}"
        work.report.look[code.manifest.where] = why
    after = workspace.load_whole(root)
    if after.uses_manifests:
        derive.into(root, after, after.packages[work.to])


def _javascript_code(root: Path, work: _Import, code: Code) -> dict[str, list[Import]]:
    """Have the imports of files in JavaScript follow; return those of code and tests, by file."""
    folder = root / work.to
    imports: dict[str, list[Import]] = {}
    for old, new in work.layout.places.items():
        if not new.endswith(javascript.SUFFIXES):
            continue
        file, before = f"{work.to}/{new}", (folder / new).read_bytes()
        text, lines = javascript_package.rewritten(
            before.decode("utf-8", "surrogateescape"),
            lambda module, old=old, new=new: code.specifier(old, new, module),  # type: ignore[misc]
        )
        if lines:
            (folder / new).write_bytes(text.encode("utf-8", "surrogateescape"))
            work.report.changed += [f"{file}:{line}" for line in lines]
        work.changed.append(file)
        if new.startswith(("src/", "tests/")):
            imports[new] = javascript.imports(text)
        for one in javascript.imports(text):
            if one.module.startswith("..") and code.leads_out(old, one.module):
                work.report.look[f"{file}:{one.line}"] = f"imports {one.module}, out of the folder"
        if new.startswith("tests/") and javascript_package.is_foreign_test(text):
            work.report.look[file] = "asks for another runner of tests than node --test"
    return imports


def _javascript_importers(
    root: Path, files: list[str], space: Workspace, work: _Import, code: Code
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
            renamed = javascript_package.required(_text(place), old, code.name)
            place.write_text(renamed, encoding="utf-8")


@contextmanager
def _environment(root: Path, tree_root: Path) -> Iterator[None]:
    """Let a worktree have the environment of the repository: it tells what is installed."""
    link = tree_root / _VENV
    if os.path.lexists(link) or not (root / _VENV).is_dir():
        yield
        return
    link.symlink_to(root / _VENV, target_is_directory=True)
    try:
        yield
    finally:
        link.unlink()


def _place(root: Path, work: _Import) -> None:
    """Put the files of the folder into the package; its code takes the place of the template's."""
    source, layout = work.source, work.layout
    here = source.where is Where.HERE
    for old, new in layout.places.items():
        target = root / work.to / new
        is_example = work.code or PurePosixPath(new).name == python_layout.INIT
        if target.exists() and not is_example:
            work.report.look[f"{work.to}/{new}"] = "takes the place of what the template has there"
        target.parent.mkdir(parents=True, exist_ok=True)
        if here:
            (root / source.at(old)).replace(target)
            continue
        target.write_bytes(source.files[old].content)
        target.chmod(0o755 if source.files[old].executable else 0o644)
    for old in layout.dropped if here else ():
        (root / source.at(old)).unlink()
    if here:
        for folder in sorted({PurePosixPath(source.at(old)).parent for old in source.files}):
            _remove_empty(root, folder)


def _remove_empty(root: Path, folder: PurePosixPath) -> None:
    for one in (folder, *folder.parents[:-1]):
        place = root / one
        if not place.is_dir() or any(place.iterdir()):
            return
        place.rmdir()


def _rewrite(root: Path, work: _Import) -> None:
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


def _leave_paths_alone(root: Path, work: _Import, found: Needs) -> None:
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


def _importers(
    git: Git, root: Path, files: list[str], space: Workspace, package: Package, work: _Import
) -> None:
    """Have other files of the repository import the package by its new name."""
    if work.source.where is not Where.HERE:
        return
    modules, gone = work.modules, {work.source.at(one) for one in work.source.files}
    tops = modules.tops()
    old_roots = {_old(work.source), *(work.source.at(one).rstrip("/") for one in modules.roots)}
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
    pinned = {name.replace("-", "_") for name in hashes.read_pins(_text(root / PINS))}
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
        cut = path_changes.without(
            done.text,
            lambda node, tree, file=file: bool(  # type: ignore[misc]
                path_changes.folders(node, tree, file) & old_roots
            ),
        )
        work.report.changed += [f"{file}:{line}: sys.path" for line in cut.lines]
        _write(root / file, (root / file).read_bytes(), cut.text)
        if styled:
            work.changed.append(file)
        if owner := space.owner(file):
            _require(root, owner, package, file)
        else:
            why = f"start it with ./run, for .venv has {package.import_name}"
            work.report.changed.append(f"{file}: {why}")
    _mentions(root, others, work)


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
    place.write_text(needs.manifest(_text(place), owner, [need]), encoding="utf-8")


def _mentions(root: Path, files: list[str], work: _Import) -> None:
    """Tell of what names the folder, or something in it, by a path."""
    old = _old(work.source)
    name = old.rpartition("/")[2].encode()
    for file in files:
        content = b"" if file.startswith(tree.NOT_OURS) else (root / file).read_bytes()
        if name not in content or b"\0" in content:
            continue
        here = posixpath.dirname(file)
        for number, row in enumerate(content.decode(errors="replace").splitlines(), start=1):
            paths = [path for path in _PATH.findall(row) if "/" in path or _INCLUDES.match(row)]
            told = {
                posixpath.normpath(path)
                for each in paths
                for path in (each, posixpath.join(here, each))
            }
            if any(f"{path}/".startswith(f"{old}/") for path in told):
                work.report.look[f"{file}:{number}"] = f"names {old}, which is {work.to} now"


def _manifests(root: Path, space: Workspace, package: Package, work: _Import) -> None:
    """Write what the package needs, its commands and its data into its manifest; pins as well."""
    place = root / package.manifest_path
    text = needs.manifest(_text(place), package, work.report.needs)
    text = _with_data(text, work.layout)
    text = _with_scripts(text, space, package, work)
    place.write_text(text, encoding="utf-8")
    known = {*hashes.read_pins(_text(root / PINS)), *space.by_name}
    new = [pin for need in work.report.needs for pin in need.pins if need.name not in known]
    if new:
        merged_text, _ = pins.merged(_text(root / PINS), new, [])
        (root / PINS).write_text(merged_text, encoding="utf-8")
        work.report.pins = new
    _readme(root, work)
    after = workspace.load_whole(root)
    if after.uses_manifests:
        derive.into(root, after, after.packages[work.to])
    for path, right in projects.drift(after) if after.projects else ():
        (root / path).write_text(right, encoding="utf-8")


def _with_data(text: str, layout: Layout) -> str:
    """Return the manifest with the data beside the code, which wheels have then."""
    found = {
        f"*{PurePosixPath(new).suffix}" if PurePosixPath(new).suffix else PurePosixPath(new).name
        for new in layout.places.values()
        if new.startswith(f"{layout.home}/") and not new.endswith(".py")
    }
    if not found:
        return text
    patterns = ["py.typed", *sorted(found - {"*.typed"})]
    path = ("tool", "setuptools", "package-data", "*")
    return toml_text.with_value(text, path, patterns)


def _with_scripts(text: str, space: Workspace, package: Package, work: _Import) -> str:
    """Return the manifest with the commands of the old one, under names of this repository."""
    for name, target in work.said.scripts.items():
        module, colon, function = target.partition(":")
        new = work.modules.from_top(module) or work.modules.from_above(module)
        if not new or not colon:
            work.report.look[f"{package.manifest_path}"] = f"the command {name} calls {target}"
            continue
        text = toml_text.with_value(text, ("project", "scripts", name), f"{new}:{function}")
    return text


def _readme(root: Path, work: _Import) -> None:
    """Have the README of the package name the one of the folder."""
    old = [new for new in work.layout.places.values() if new.lower().startswith("docs/readme")]
    place = root / work.to / "README.md"
    if old:
        text = _text(place).rstrip("\n")
        place.write_text(
            f"{text}\n\nWhat it is for, and how it came about: [{old[0]}]({old[0]}).\n",
            encoding="utf-8",
        )


def _unfit(need: needs.Need, pinned: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield the requirements of a need that a pin of the repository does not fit."""
    for text in need.texts:
        for line in pinned.get(need.name, ()):
            version = pins.pinned(Requirement(line))
            if version and not Requirement(text).specifier.contains(version, prereleases=True):
                yield text, version


def _told(work: _Import, found: Needs, pinned: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what people have to decide about dependencies."""
    looks = {
        place: f"imports {module}, and nothing here says which distribution provides it"
        for place, module in found.unknown.items()
    }
    for need in found.found:
        for text, version in _unfit(need, pinned):
            why = f"{text} does not allow {version}, which constraints.txt has: change one of them"
            looks[need.where] = f"{looks[need.where]}; {why}" if need.where in looks else why
    for offer in found.unused:
        if offer.group != declared.TEST:
            why = f"{offer.text} is imported nowhere, and left out; declare it if anything loads it"
            looks[offer.where] = f"{looks[offer.where]}; {why}" if offer.where in looks else why
    return looks


def _text(place: Path) -> str:
    return place.read_text(encoding="utf-8") if place.is_file() else ""
