"""Add packages, all of them or none.

The post-generation hook of the template adds the first packages through this code, so it imports
only the standard library and cookiecutter.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monorepo.core import hashes, languages, naming, workspace
from monorepo.core.engine import DISTRIBUTION
from monorepo.core.languages import Kind
from monorepo.core.workspace import Package, Workspace
from monorepo.generation import code_owners
from monorepo.graph import packages as graph
from monorepo.graph.view import named
from monorepo.layout import places, tree
from monorepo.locking import lowest, pnpm_locks, projects
from monorepo.locking.lowest import LOWEST
from monorepo.scaffold import record
from monorepo.syncing import derive, node_package, toml_text
from monorepo.syncing.making import SERVICE
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin
from monorepo.templating import sub_templates

_INIT = "__init__.py"
# The sections of a README, and the one about starting the code of the sub-template.
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)
_RUN = "## Run it\n"
# What is compiled before a package in JavaScript: those that it needs.
_BUILD = "tsconfig.build.json"
_REFERENCES = re.compile(r'("references"\s*:\s*)\[[^\]]*\]')


def add(
    root: Path,
    paths: Sequence[str],
    *,
    template: str | None = None,
    dependencies: Iterable[str] = (),
    answers: Mapping[str, str] | None = None,
    example: bool = True,
    code: bool = True,
    dry_run: bool = False,
) -> list[str]:
    """Add the packages at `paths`, and those that their sub-templates require, in one step.

    It writes the new folders, pnpm-lock.yaml for JavaScript, and the files that the sub-template
    extends. It needs no network: the installation writes the uv.lock of a new uv project.

    Args:
        root: the repository.
        paths: such as `shared/py/audio`, or `packages/acme-audio`.
        template: the sub-template, if it is not the default of the area.
        dependencies: internal packages by path or name, with extras: `shared/py/core[io]`.
        answers: answers to questions of the sub-template of `paths`; the others get defaults.
        example: whether packages get their example, with the packages that it requires.
        code: whether packages get the code and the tests of their sub-templates, with what these
            need; if not, they get what is around it: code that comes from elsewhere follows.
        dry_run: change nothing, and return what would change.

    Returns:
        A line for each package added, required ones first; with `dry_run`, the changes.

    Raises:
        UsageError: every mistake in the input; nothing has changed.
    """
    with begin(root, dry_run=dry_run) as change:
        before = workspace.load_whole(root)
        grouped = [places.of_new(before, path, template) for path in paths]
        wanted = dict(zip(grouped, paths, strict=True))
        # Sub-templates know the grouped layout; what they make is moved afterwards.
        space = places.view(before)
        added = plan(space, grouped, template, example=example, code=code)
        moves = places.with_new(before, wanted, added)
        staged = change.stage()
        fragments: list[tuple[str, str]] = []
        for path, kind in added.items():
            # Options apply to the requested packages, not to those that they require.
            given = path in wanted
            made = render(
                space,
                staged,
                path,
                kind,
                dependencies=_dependencies(before, space, path, dependencies if given else ()),
                answers=places.answers(before, answers or {}) if given else {},
                example=example,
                code=code,
            )
            space = made.space
            fragments += made.fragments.items()
            # A service that is configured by its manifest has no other.
            if space.uses_manifests and not (staged / path / SERVICE).exists():
                derive.into(staged, space, space.packages[path])
        _refuse_impossible(space, added)
        texts: dict[str, str] = {}
        if moves:
            moving = tree.Moving.of(space, moves)
            tree.move(staged, moving, tree.files_of(staged))
            fragments = [(file, moving.rewriting.text(file, text)) for file, text in fragments]
            if text := change.read(tree.BIOME):
                texts[tree.BIOME] = tree.linted(text, moving)
            space = places.moved(space, moves)
        for file, text in fragments:
            texts[file] = appended(file, texts.get(file) or change.read(file), text)
        kinds = {moves.get(path, path): kind for path, kind in added.items()}
        for path in kinds:
            change.create(path, staged / path)
        texts |= _locks(space, kinds)
        owned = change.read(code_owners.FILE)
        if (then := code_owners.updated(space, owned)) != owned:
            texts[code_owners.FILE] = then
        _project(space, staged, kinds)
        for file, text in texts.items():
            change.write(file, text)
        if dry_run:
            return change.describe()
        change.commit()
        return [f"added {path}" for path in kinds]


def validate(root: Path, path: str, template: str | None, dependencies: Iterable[str]) -> None:
    """Do nothing if the repository may follow its template for the first package of an area.

    What is not there before it has followed, such as the sub-template, is not looked at.

    Args:
        root: the repository.
        path: of the package.
        template: its sub-template, if it is not the default of the area.
        dependencies: as for `add`.

    Raises:
        UsageError: every mistake in the path, or in the dependencies.
    """
    before = workspace.load_whole(root)
    grouped, space = places.of_new(before, path, template), places.view(before)
    if wrong := _path_problem(space, grouped, space.packages):
        raise UsageError(f"{naming.show(path)}: {wrong}")
    _dependencies(before, space, grouped, dependencies)


def _refuse_impossible(space: Workspace, added: Iterable[str]) -> None:
    """Refuse packages that are generated from nothing, or need themselves.

    Raises:
        UsageError: one is.
    """
    if lost := [
        f"{path}: is generated from {text}, which is not a package here; `make list` shows them"
        for path in added
        for text in graph.lost_inputs(space, space.packages[path])
    ]:
        raise UsageError(*lost)
    if circle := graph.cycle(graph.consumed(space)):
        raise UsageError(f"DEPS: {named(space, [circle])[0]}, a cycle; leave one out")


def _project(space: Workspace, staged: Path, added: Mapping[str, str]) -> None:
    """Write what a lock says into the manifests of new packages that are uv projects."""
    for path in added.keys() & space.projects.keys():
        pins = lowest.pinned(space.root)
        place = staged / path / workspace.ROOT_MANIFEST
        text = place.read_text(encoding="utf-8")
        text = projects.manifest(space, space.packages[path], text, pins)
        place.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Rendered:
    """A rendered package.

    Attributes:
        space: the repository including the package.
        answers: the answers to the questions of its sub-template; and `example`, if it has none
            although its sub-template has one, and `_code` likewise.
        fragments: the texts to append to files outside of the package, by path.
    """

    space: Workspace
    answers: Mapping[str, Any]
    fragments: Mapping[str, str]


def render(
    space: Workspace,
    target: Path,
    path: str,
    kind: str,
    *,
    dependencies: Sequence[Mapping[str, Any]] = (),
    answers: Mapping[str, str],
    example: bool = True,
    code: bool = True,
    port: int | None = None,
) -> Rendered:
    """Render one package below the folder `target`, and record its sub-template in its manifest.

    Args:
        space: the repository.
        target: the repository, or a staging folder.
        path: the path of the package.
        kind: its sub-template.
        dependencies: its internal dependencies, as `dependency` returns them.
        answers: answers to questions, in the syntax of SET; the others get defaults.
        example: whether it gets its example; without what that requires, it gets none.
        code: whether it gets the code and the tests of its sub-template.
        port: the port of a service; by default, a free one.

    Raises:
        UsageError: the sub-template is missing or broken, or an answer is not valid.
    """
    root = space.root
    needed = sub_templates.read(root, kind).get("_example", {}).get("requires", {})
    example = example and all(_is_made_from(space, *one) for one in needed.items())
    template = sub_templates.load(
        space, kind, path, example=example, dependencies=list(dependencies)
    )
    if "_port" in template.questions:
        free = port or _free_port(space, template.questions["_port"])
        template = replace(template, facts={**template.facts, "port": free})
    answered = template.answer(answers)
    template.render(target / path, answered)
    answered |= {} if template.example else {sub_templates.EXAMPLE: False}
    answered |= {} if code else {sub_templates.CODE: False}
    record.write(target / path, record.of(root, template.folder, template.facts, answered))
    package = _made(target, path, template.facts, root)
    if not code:
        _empty(target / path, package)
        package = _made(target, path, template.facts, root)
    return Rendered(_with(space, package), answered, template.fragments())


def _empty(folder: Path, package: Package) -> None:
    """Take the code and the tests out of a rendered package, and the dependencies of its code.

    What tests are run with stays: those that follow are run with it as well.
    """
    for place in [*(folder / "src").rglob("*"), *(folder / "tests").rglob("*")]:
        if place.name == _INIT and place.parent.parent == folder / "src":
            if not package.is_shared:
                text = f'"""The {package.kind.singular} {package.short_name}."""\n'
                place.write_text(text, encoding="utf-8")
        elif place.is_file() and place.name != "py.typed" and place.suffix != ".json":
            place.unlink()
    # A page is served in the same way, whoever has written it.
    if not (package.is_shared or package.is_page) and (readme := folder / "README.md").is_file():
        text = _without_start(readme.read_text(encoding="utf-8"), package)
        readme.write_text(text, encoding="utf-8")
    manifest = folder / package.language.manifest
    text = manifest.read_text(encoding="utf-8")
    if package.is_javascript:
        text = node_package.write(text, {"dependencies": {}})
        if (build := folder / _BUILD).is_file():
            none = _REFERENCES.sub(r"\1[]", build.read_text(encoding="utf-8"))
            build.write_text(none, encoding="utf-8")
    else:
        text = toml_text.with_value(text, ("project", "dependencies"), [])
    manifest.write_text(text, encoding="utf-8")


def _is_made_from(space: Workspace, path: str, template: str) -> bool:
    """Return whether there is a package at `path`, made from a sub-template."""
    record = space.packages[path].settings.get("template") if path in space.packages else None
    return isinstance(record, dict) and record.get("kind") == template


def _without_start(text: str, package: Package) -> str:
    """Return the README of a service or an app without what it says of how its code starts."""
    intro, *sections = _SECTION.split(text)
    title = intro.partition("\n")[0]
    article = "an" if package.kind is Kind.APP else "a"
    what = f"the package `{package.name}`"
    if package.is_python:
        what = f"the distribution `{package.name}`, imported as `{package.import_name}`"
    rows = [
        title,
        "",
        f"`{package.path}` is {article} {package.kind.singular}: {what}.",
        "Its code came from elsewhere, and starts as it did there, with settings of its own.",
        "",
        "",
    ]
    rest = [section for section in sections if not section.startswith(_RUN)]
    return "\n".join(rows) + "".join(rest)


def plan(
    space: Workspace,
    paths: Iterable[str],
    template: str | None,
    *,
    example: bool = True,
    code: bool = True,
) -> dict[str, str]:
    """Return the sub-template of each package to add, required ones first.

    Args:
        space: the repository.
        paths: of the packages that are asked for.
        template: their sub-template, if it is not the default of their areas.
        example: whether packages get their example.
        code: whether they get the code that requires others.

    Raises:
        UsageError: paths are not valid.
    """
    found: dict[str, str] = {}
    mistakes: list[str] = []
    for path in paths:
        if wrong := _path_problem(space, path, [*space.packages, *found]):
            mistakes.append(f"{naming.show(path)}: {wrong}")
            continue
        try:
            source = template or _kind(space, path, example=example)
            if code:
                _require(space, found, path, source, (), example=example)
            found.setdefault(path, source)
        except UsageError as error:
            mistakes += [f"{path}: {mistake}" for mistake in error.mistakes]
    if mistakes:
        raise UsageError(*mistakes)
    return found


def _kind(space: Workspace, path: str, *, example: bool) -> str:
    """Return the default sub-template for a package at `path`.

    Where packages have manifests, services are configured by theirs.
    """
    found = sub_templates.kind(space.root, path, example=example)
    configured = f"configured-{found}"
    use = space.uses_manifests and configured in sub_templates.every(space.root)
    return configured if use else found


def _path_problem(space: Workspace, path: str, taken: Iterable[str]) -> str | None:
    """Return why no package can be added at `path`, or None."""
    if wrong := naming.path_problem(path, str(space.facts["namespace"])):
        return wrong
    if os.path.lexists(space.root / path):
        return "exists already; choose another name"
    if twin := naming.clash(path, taken):
        return f"is the same name as {twin}; choose another"
    facts = sub_templates.facts(space, path)
    name = naming.fold(facts[languages.of(path).naming])
    others = {naming.fold(package.name): package.path for package in space.packages.values()}
    others[DISTRIBUTION] = "the engine"
    pinned = dict.fromkeys(hashes.pins(space.root), f"a package in {hashes.PINS}")
    in_npm = map(naming.fold, pnpm_locks.locked(space.root))
    locked = dict.fromkeys(in_npm, f"a package in {pnpm_locks.LOCK}")
    if owner := {**pinned, **locked, **others}.get(name):
        return f"would have the name of {owner}; choose another"
    return None


def _require(
    space: Workspace,
    found: dict[str, str],
    path: str,
    template: str,
    above: tuple[str, ...],
    *,
    example: bool,
) -> None:
    """Add to `found` the packages that a sub-template requires, then the package itself."""
    if path in above:
        raise UsageError(f"sub-templates: {' requires '.join((*above, path))}; fix _requires")
    questions = sub_templates.read(space.root, template)
    always = sub_templates.required(questions, example=False)
    for needed, source in sub_templates.required(questions, example=example).items():
        if needed not in space.packages and needed not in found:
            if wrong := naming.path_problem(needed, str(space.facts["namespace"])):
                raise UsageError(f"_requires: {naming.show(needed)} {wrong}")
            _require(space, found, needed, source, (*above, path), example=example)
        elif needed not in always and found.get(needed) != source:
            if not _is_made_from(space, needed, source):
                message = f"its example needs {needed} of the kind {source}, and that is another"
                raise UsageError(f"{message}; give EXAMPLE=0")
    found.setdefault(path, template)


def is_first(root: Path, path: str) -> bool:
    """Return whether the repository lacks what its template has for packages such as `path`."""
    if path.rpartition("/")[0] not in languages.AREAS:
        return False
    language = languages.of(path)
    fragments = (language.fragment, languages.kind_of(path).fragment(language))
    return not all((root / fragment).exists() for fragment in fragments)


def asked(
    root: Path,
    path: str,
    template: str | None,
    given: Mapping[str, str],
    *,
    example: bool = True,
) -> dict[str, str]:
    """Ask the questions of a sub-template on the terminal; return all answers in the syntax of SET.

    Raises:
        UsageError: the path or a given answer is not valid.
    """
    before = workspace.load_whole(root)
    space, path = places.view(before), places.of_new(before, path, template)
    given = places.answers(before, given)
    source = plan(space, [path], template, example=example)[path]
    loaded = sub_templates.load(space, source, path, example=example)
    answers = loaded.answer(given, sub_templates.ask)
    words = {True: "yes", False: "no"}
    return {key: words.get(value, str(value)) for key, value in answers.items()}


def _dependencies(
    before: Workspace, space: Workspace, path: str, texts: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the template values of internal dependencies, without duplicates.

    Args:
        before: the repository, in which they are named by a path in either layout.
        space: the same in the grouped layout.
        path: of the package that depends on them.
        texts: as they are given.
    """
    found: dict[str, dict[str, Any]] = {}
    mistakes: list[str] = []
    for text in texts:
        wanted, bracket, extras = text.partition("[")
        if package := before.packages.get(wanted.rstrip("/")):
            text = f"{package.grouped}{bracket}{extras}"
        try:
            described = dependency(space, path, text)
            found[described["requirement"]] = described
        except UsageError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UsageError(*mistakes)
    return list(found.values())


def dependency(space: Workspace, path: str, text: str) -> dict[str, Any]:
    """Return the template values of the internal dependency `text`."""
    wanted, bracket, extras = text.partition("[")
    shown = f"DEPS={naming.show(text)}"
    package = space.packages.get(wanted.rstrip("/")) or space.by_name.get(naming.fold(wanted))
    if package is None:
        raise UsageError(f"{shown}: is not a package here; `make list` shows them")
    if not package.is_shared:
        article = "an" if package.kind is Kind.APP else "a"
        raise UsageError(f"{shown}: is {article} {package.kind.singular}; name a shared package")
    if package.language != languages.of(path):
        raise UsageError(f"{shown}: is in another language than {path}; leave it out")
    unknown = {naming.fold(extra.strip()) for extra in extras.removesuffix("]").split(",")}
    if bracket and (not extras.endswith("]") or unknown - set(package.extras)):
        known = f"the extras {', '.join(package.extras)}" if package.extras else "no extras"
        advice = f"declare another in {package.path}/{package.language.manifest} first"
        raise UsageError(f"{shown}: {package.path} has {known}; {advice}")
    facts = sub_templates.facts(space, package.path)
    return {
        **{key: facts[key] for key in ("path", "name", "import_name", "npm_name")},
        "requirement": f"{package.name}{bracket}{extras}",
        "relative": os.path.relpath(package.path, path),
    }


def _made(staged: Path, path: str, facts: Mapping[str, Any], root: Path) -> Package:
    """Return the rendered package.

    Raises:
        UsageError: its manifest is broken, or has another name.
    """
    try:
        package = workspace.read_package(staged, path)
    except UsageError as error:
        broken = [
            f"{path}: its sub-template makes a broken package: {mistake}"
            for mistake in error.mistakes
        ]
        raise UsageError(*broken) from error
    expected = facts[package.language.naming]
    if package.name != expected:
        raise UsageError(f"{path}: has the name {package.name}, not {expected}; fix its template")
    return replace(package, root=root)


def _with(space: Workspace, package: Package) -> Workspace:
    """Return `space` with an additional package, in display order."""
    return replace(space, packages=workspace.in_order([*space.packages.values(), package]))


def _free_port(space: Workspace, first: int) -> int:
    """Return the first unassigned port from `first` on."""
    taken = {package.settings.get("port") for package in space.packages.values()}
    for port in range(first, 65536):
        if port not in taken:
            return port
    raise UsageError(f"_port: every port from {first} on is taken; lower it in the sub-template")


def appended(file: str, text: str, fragment: str) -> str:
    """Return the text of `file` with `fragment` appended on its own line."""
    if text and not text.endswith("\n"):
        raise UsageError(f"{file}: does not end with a line break; add one")
    return text + fragment


def _locks(space: Workspace, added: Mapping[str, str]) -> dict[str, str]:
    """Return the lockfiles with the new packages. No network.

    Raises:
        UsageError: the locks do not match the sub-templates.
    """
    packages = [(space.packages[path], template) for path, template in added.items()]
    known = {*hashes.pins(space.root), *space.by_name}
    missing = [
        f"sub-template {template}: {text}: not pinned; run make lock"
        for package, template in packages
        if package.is_python
        for text in external(package)
        if workspace.requirement(text).name not in known
    ]
    if missing:
        raise UsageError(*missing)
    texts = {}
    if any(package.is_python for package, _ in packages) and (
        text := lowest.relabelled(space, added)
    ):
        texts[LOWEST] = text
    if javascript := [pair for pair in packages if pair[0].is_javascript]:
        texts[pnpm_locks.LOCK] = pnpm_locks.graft(space, javascript)
    return texts


def external(package: Package) -> list[str]:
    """Return all requirements of a Python package, also of its build."""
    build = package.manifest.get("build-system", {}).get("requires", [])
    return [*package.requirements(package.extras, package.groups), *build]


def words(text: str, variable: str) -> list[str]:
    """Split the value of a variable like a shell, without running one."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{variable}={text}: {error}; close the quotation") from error
