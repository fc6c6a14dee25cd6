"""`monorepo migrate import`: a folder of code becomes a package, all of it or nothing."""

import datetime
import os
import re
import symtable
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

from monorepo.core import hashes, languages, naming, workspace
from monorepo.core.hashes import PINS
from monorepo.core.languages import FLAT, Kind, Language
from monorepo.core.workspace import Package, Workspace
from monorepo.guard import accepted, catalog, runner
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.importing import (
    declared,
    following,
    javascript_package,
    needs,
    origin,
    path_changes,
    python_imports,
    python_layout,
)
from monorepo.importing.declared import Declared
from monorepo.importing.following import Import, read
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
from monorepo.programs.git import Git
from monorepo.scaffold import addition
from monorepo.syncing import derive, toml_text, workspace_files
from monorepo.system import text_files
from monorepo.system.errors import UsageError

_VENV = ".venv"
# An exception from this rule lasts so long.
_THIN, _ALLOWED_DAYS = "thin", 180
_REASON = "code of an older repository: make split moves it to shared packages"
# The modules by which services start.
_ENTRIES = {Language.PYTHON: "src/*/main.py", Language.JAVASCRIPT: "src/main.ts"}
# What a smoke test asks of a service.
_ASKED = {"PORT": re.compile(rb"\bPORT\b"), "/health": re.compile(rb"/health\b")}
_NO_SCRIPTS = re.compile(r"^\[project\.scripts\]\n\s*(?=[\[#]|\Z)", re.MULTILINE)


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
    moves = {following.old_path(source): work.to} if source.where is Where.HERE else {}

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


def _prepared(space: Workspace, source: Origin, to: str) -> Import:
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
    if kind is Kind.SERVICE and template is None:
        # One of its own code is not configured by a manifest.
        template = f"{kind}-{language}"
    if language is Language.JAVASCRIPT:
        layout = javascript_package.plan(source, license_text)
        code = Code(layout, javascript_package.read(source), package)
        report = Report(source.shown, to, package, _history(source))
        modules = Modules(source, layout)
        return Import(space, source, to, template, layout, modules, Declared(), report, code)
    package = package.replace("-", "_")
    layout = python_layout.plan(source, package, license_text)
    roots = _roots(source, layout)
    said = declared.read(source, layout.manifests, declared.Place(space))
    report = Report(source.shown, to, package, _history(source))
    return Import(space, source, to, template, layout, Modules(source, layout, roots), said, report)


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


def _change(git: Git, root: Path, files: list[str], work: Import) -> Moved:
    """Make the package in the tree at a root, which has the given files."""
    source, layout, report = work.source, work.layout, work.report
    addition.add(root, [work.to], template=work.template, example=False, code=False)
    _place(root, work)
    if source.where is Where.HERE:
        accepted.forget(root, following.old_path(source))
    space = workspace.load_whole(root)
    if work.code:
        others = [one for one in files if (root / one).is_file()]
        _javascript(root, space.packages[work.to], space, work, work.code)
        if source.where is Where.HERE:
            following.javascript_importers(root, others, space, work, work.code)
            following.mentions(root, others, work)
    else:
        following.python_code(root, work)
    with _environment(git.root, root):
        if not work.code:
            _python(git, root, files, space, work)
        moved = Moved([*dict.fromkeys(work.changed)])
        applying.fit(git.root, root, moved)
        # What make lock writes, it writes next.
        rules = [rule for rule in catalog.ids(root) if rule != "pins"]
        space = workspace.load_whole(root)
        wrong = runner.found(space, rules, [work.to])
        space = _allow(root, space, work, accepted.standing(space, wrong))
        wrong = accepted.standing(space, wrong)
        report.findings = [one for one in wrong if one.status == "error"]
    report.moved |= {source.place(old): f"{work.to}/{new}" for old, new in layout.places.items()}
    report.dropped |= {source.place(old): why for old, why in layout.dropped.items()}
    moved.changed = [path for path in moved.changed if (root / path).is_file()]
    return moved


def _allow(root: Path, space: Workspace, work: Import, wrong: Sequence[Finding]) -> Workspace:
    """Except a service from the rule that it is thin, for a time; return the repository then.

    It works as it came, and what is left to do, phase 3 of a migration counts.
    """
    thick = [one.path.removeprefix(f"{work.to}/") for one in wrong if one.rule == _THIN]
    if not thick:
        return space
    until = datetime.datetime.now(tz=datetime.UTC).date() + datetime.timedelta(days=_ALLOWED_DAYS)
    entry = {"rule": _THIN, "path": work.to, "reason": _REASON}
    rows = [f"{key} = {toml_text.literal(value)}" for key, value in entry.items()]
    rows = ["[[tool.monorepo.allow]]", *rows, f"until = {until}"]
    place = root / workspace.ROOT_MANIFEST
    text = read(place).rstrip("\n") + "\n\n" + "\n".join(rows) + "\n"
    try:
        workspace.toml(text)
    except text_files.MalformedError:
        # The exceptions are one array, which people have written.
        return space
    place.write_text(text, encoding="utf-8")
    work.report.allowed = f"{_THIN} for {work.to} until {until}: {', '.join(sorted({*thick}))}"
    return workspace.load_whole(root)


def _python(git: Git, root: Path, files: list[str], space: Workspace, work: Import) -> None:
    """Write what a package in Python needs, and have those who import it follow."""
    package, report = space.packages[work.to], work.report
    found = needs.find(Sources(space), package, work.said.offers)
    report.needs = [need for need in found.found if need.name not in package.needs]
    following.python_paths(root, work, found)
    following.python_importers(git, root, files, space, package, work)
    pinned = hashes.pins(root)
    _manifests(root, space, package, work)
    report.look = merged(work.said.told, report.look, _told(work, found, pinned))
    for (file, extra), names in found.kept.items():
        what = f"{len(names)} that nothing here imports are left out; {extra} has them"
        report.known = merged(report.known, {file: what})


def _javascript(root: Path, package: Package, space: Workspace, work: Import, code: Code) -> None:
    """Have the imports of a package in JavaScript follow, and write what it needs."""
    imports = following.javascript_code(root, work, code)
    folder = root / work.to
    settings = root / workspace_files.SETTINGS
    known = workspace_files.names(read(settings))
    found, unknown = javascript_package.needs(space, package, imports, code.manifest, known)
    work.report.needs = found
    work.report.look |= unknown
    if package.is_shared and not code.entry():
        work.report.look[package.manifest_path] = "has no entry: name what others import in exports"
    place = folder / javascript_package.MANIFEST
    place.write_text(javascript_package.manifest(read(place), code, found), encoding="utf-8")
    settings.write_text(javascript_package.catalog(read(settings), found), encoding="utf-8")
    compiler = root / javascript_package.COMPILER
    options = javascript_package.allowing(read(compiler), work.layout)
    if options != read(compiler):
        compiler.write_text(options, encoding="utf-8")
        work.report.changed.append(f"{javascript_package.COMPILER}: allowJs")
    _tell_start(root, package, work)
    _readme(root, work)
    if names := javascript_package.unused(code.manifest, found):
        why = f"imported nowhere, and left out: {', '.join(names)}"
        work.report.look[code.manifest.where] = why
    after = workspace.load_whole(root)
    following.compile_first(root, after, after.packages[work.to])
    if after.uses_manifests:
        derive.into(root, after, after.packages[work.to])


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


def _place(root: Path, work: Import) -> None:
    """Put the files of the folder into the package; its code takes the place of the template's."""
    source, layout = work.source, work.layout
    here = source.where is Where.HERE
    for old, new in layout.places.items():
        target = root / work.to / new
        if target.exists() and PurePosixPath(new).name != python_layout.INIT:
            work.report.look[f"{work.to}/{new}"] = "takes the place of what the template has there"
        target.parent.mkdir(parents=True, exist_ok=True)
        if here:
            (root / source.at(old)).replace(target)
            tree.remove_empty(root, Path(source.at(old)).parent)
            continue
        target.write_bytes(source.files[old].content)
        target.chmod(0o755 if source.files[old].executable else 0o644)
    for old in layout.dropped if here else ():
        (root / source.at(old)).unlink()
        tree.remove_empty(root, Path(source.at(old)).parent)


def _manifests(root: Path, space: Workspace, package: Package, work: Import) -> None:
    """Write what the package needs, its commands and its data into its manifest; pins as well."""
    place = root / package.manifest_path
    text = needs.manifest(read(place), package, work.report.needs)
    text = _with_data(text, work.layout)
    text = _with_scripts(text, space, package, work)
    place.write_text(text, encoding="utf-8")
    _tell_start(root, package, work)
    known = {*hashes.read_pins(read(root / PINS)), *space.by_name}
    new = [pin for need in work.report.needs for pin in need.pins if need.name not in known]
    if new:
        merged_text, _ = pins.merged(read(root / PINS), new, [])
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


def _with_scripts(text: str, space: Workspace, package: Package, work: Import) -> str:
    """Return the manifest with the commands of the old one, under names of this repository."""
    for name, target in package.manifest["project"].get("scripts", {}).items():
        # That of the sub-template calls its code.
        if not _calls(package, target):
            text = toml_text.with_value(text, ("project", "scripts", name), None)
    for name, target in work.said.scripts.items():
        module, colon, function = target.partition(":")
        new = work.modules.from_top(module) or work.modules.from_above(module)
        if not new or not colon:
            work.report.look[f"{package.manifest_path}"] = f"the command {name} calls {target}"
            continue
        text = toml_text.with_value(text, ("project", "scripts", name), f"{new}:{function}")
    return _NO_SCRIPTS.sub("", text)


def _calls(package: Package, target: str) -> bool:
    """Tell whether a package has the function that a command calls."""
    module, _, function = str(target).partition(":")
    file = package.folder / "src" / f"{module.replace('.', '/')}.py"
    symbols = symtable.symtable(read(file), str(file), "exec").get_symbols()
    bound = (one for one in symbols if one.is_assigned() or one.is_imported())
    return function in {one.get_name() for one in bound}


def _tell_start(root: Path, package: Package, work: Import) -> None:
    """Tell what a service or an app lacks to be started as the others are."""
    if package.is_service:
        entry = _ENTRIES[package.language]
        files = [new for new in work.layout.places.values() if new.startswith("src/")]
        code = b"\n".join((root / work.to / new).read_bytes() for new in files)
        there = any(PurePosixPath(new).match(entry) for new in files)
        lacks = [] if there else [f"it has no {entry}"]
        lacks += [
            f"its code does not name {word}"
            for word, form in _ASKED.items()
            if not form.search(code)
        ]
        if lacks:
            why = f"make dev and make smoke start {entry} with PORT, and ask for /health"
            work.report.look[f"{work.to}/scripts/smoke.sh"] = f"{why}: {', '.join(lacks)}"
    elif package.is_program:
        if not workspace.toml(read(root / package.manifest_path))["project"].get("scripts"):
            why = "has no command: add one, which make smoke asks for its version"
            work.report.look[package.manifest_path] = why


def _readme(root: Path, work: Import) -> None:
    """Have the README of the package name the one of the folder."""
    old = [new for new in work.layout.places.values() if new.lower().startswith("docs/readme")]
    place = root / work.to / "README.md"
    if old:
        text = read(place).rstrip("\n")
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


def _told(work: Import, found: Needs, pinned: Mapping[str, Sequence[str]]) -> dict[str, str]:
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
