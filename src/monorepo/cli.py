"""The words of the command line and its exit codes; what they mean stands in the other modules.

Exit codes: 0 fine, 1 a task failed or something was found, 2 wrong use or wrong input.

A package whose manifest is broken is wrong input, and stops nothing but what depends on it: a verb
does what it can with the others, says why it left some out, and ends with 2. With packages given,
only these matter. For `guard`, a broken manifest is a finding. `lock`, `new`, `remove` and
`outdated` are about all manifests, and so is `release`: they do nothing until each can be read.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from monorepo.core import workspace
from monorepo.core.workspace import Package, Workspace
from monorepo.parsing import arguments
from monorepo.system import terminal, text_files, transaction
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import leave_callers_repository


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    leave_callers_repository()
    with terminal.printing():
        return _run_verb(arguments.parser().parse_args(words))


def _run_verb(options: argparse.Namespace) -> int:
    """Run one verb and return the exit code; what went wrong is printed."""
    try:
        options.root = _resolved(options.root)
        if options.verb not in _LEAVING_ALL_ALONE:
            transaction.recover(options.root)
        try:
            return _VERBS[options.verb](options)
        finally:
            # Here, because __main__ leaves without.
            sys.stdout.flush()
    except UsageError as error:
        return _wrong(error.mistakes)
    except TaskError as error:
        return _failed(error)
    except OSError as error:
        print(f"monorepo: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        # Run by PYTHON, whose packages are nobody's business here.
        print(f"monorepo: .venv: has no module {error.name}; run make install", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("monorepo: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _resolved(root: Path) -> Path:
    """Return one spelling for one place: environments note where they are.

    Raises:
        UsageError: the current folder has been removed.
    """
    try:
        return root.resolve()
    except FileNotFoundError:
        message = "current folder: has been removed; change to one that is there"
        raise UsageError(message) from None


def _wrong(mistakes: Iterable[object]) -> int:
    """Tell of wrong input, a line each, and return the exit code: 0 if there is none."""
    code = 0
    for mistake in mistakes:
        # What was given may have line breaks.
        print(f"monorepo: {' '.join(str(mistake).splitlines())}", file=sys.stderr)
        code = 2
    return code


def _failed(error: TaskError) -> int:
    """Tell of a failure, with what the program said that failed, and return the exit code."""
    print(f"monorepo: {error}", file=sys.stderr)
    return 1


def _named(space: Workspace, words: Sequence[str]) -> list[str] | None:
    """Return the paths of the packages that words name; None for no words, which is all packages.

    `.` is the package of the folder that this is run in, and `-shared/py/core` is all but that one.

    Raises:
        UsageError: a word is not a package.
    """
    here = os.path.relpath(Path.cwd(), space.root)
    wanted = [here if word == "." else word for word in words if not word.startswith("-")]
    left_out = space.paths(word[1:] for word in words if word.startswith("-"))
    paths = space.paths(wanted) if wanted else [*space.packages, *space.broken]
    return [path for path in paths if path not in left_out] if words else None


def _setup(options: argparse.Namespace) -> int:
    from monorepo.environments import virtualenv

    virtualenv.setup(workspace.load(options.root))
    return 0


def _install(options: argparse.Namespace) -> int:
    from monorepo.environments import virtualenv

    space = workspace.load(options.root)
    words = _named(space, options.packages)
    if not options.print:
        return _install_usable(space, words)
    packages, wrong = space.usable(words)
    print("\n".join(virtualenv.explain(space, packages)))
    return _wrong(wrong)


def _install_usable(space: Workspace, words: Sequence[str] | None = None) -> int:
    """Install what packages need, all by default, but for the broken ones; return the exit code."""
    packages, wrong = space.usable(words)
    code = 0
    if packages or not wrong:
        _, code = _installed(space, packages)
    return _wrong(wrong) or code


def _installed(space: Workspace, packages: list[Package]) -> tuple[list[Package], int]:
    """Install what packages need; return those that can be worked on, and the exit code so far.

    What cannot be installed for JavaScript stops no package in Python.
    """
    from monorepo.environments import virtualenv

    virtualenv.install(space, packages)
    try:
        virtualenv.install_javascript(space, packages)
    except UsageError as error:
        code = _wrong(error.mistakes)
    except TaskError as error:
        code = _failed(error)
    else:
        return packages, 0
    return [package for package in packages if not package.is_javascript], code


def _install_hooks(options: argparse.Namespace) -> int:
    from monorepo.environments import git_hooks

    git_hooks.install(options.root)
    return 0


def _equip(options: argparse.Namespace) -> None:
    """Make the root's environment if it is not ready, and go on in it."""
    from monorepo.environments import virtualenv

    virtualenv.setup(workspace.load(options.root))
    if not _is_equipped(options.root):
        _launch(options.root, *sys.argv[1:])


def _is_equipped(root: Path) -> bool:
    """Tell whether this runs in the root's environment, as the engine that is installed there."""
    is_there = os.path.realpath(sys.prefix) == os.path.realpath(root / ".venv")
    # After an upgrade, that environment's Python runs the new wheel, to install it.
    return is_there and os.path.exists(__file__)


def _launch(root: Path, *words: str) -> NoReturn:
    """Go on as another command, on the engine and the interpreter that are right by now."""
    sys.stdout.flush()
    os.execv("/bin/sh", ["sh", str(root / "tools/make/monorepo.sh"), *words])


def _install_changed(options: argparse.Namespace, done: Sequence[str]) -> int:
    """Print what was done, install what that asks for, if wanted; return the exit code."""
    print("\n".join(done), flush=True)
    if options.dry_run or not options.install:
        return 0
    return _install_usable(workspace.load(options.root))


def _new(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.layout import places
    from monorepo.scaffold import addition

    path, answers = options.path.rstrip("/"), _answers(options.set, "SET")
    dependencies = addition.words(options.deps, "DEPS")
    before = workspace.load(options.root)
    grouped, adopted = places.of_new(before, path, options.template), None
    if addition.is_first(options.root, grouped):
        from monorepo.upgrading import command

        # After a mistake, the repository has not followed either.
        addition.validate(options.root, path, options.template, dependencies)
        adopted = command.adopt(options.root, grouped, dry_run=options.dry_run)
        if adopted is not None and (adopted or options.dry_run):
            return adopted
    if sys.stdin.isatty():
        with terminal.prompting():
            answers = addition.asked(
                options.root, path, options.template, answers, example=options.example
            )
    done = addition.add(
        options.root,
        [path],
        template=options.template,
        dependencies=dependencies,
        answers=answers,
        example=options.example,
        dry_run=options.dry_run,
    )
    if adopted is not None and grouped != path:
        command.name_places(options.root, before)
    code = _install_changed(options, done)
    if code or options.dry_run or not options.install:
        return code
    space = workspace.load(options.root)
    package = space.packages[path]
    return _generated(space, [package], install=False) if package.generated else 0


def _answers(text: str, variable: str) -> dict[str, str]:
    """Return the answers that a variable gives, by question."""
    from monorepo.scaffold import addition

    answers = {}
    for word in addition.words(text, variable):
        key, equals, value = word.partition("=")
        if not equals:
            example = f"write {variable}=\"title='Audio tools'\""
            raise UsageError(f"{variable}={word}: is not an answer; {example}")
        answers[key] = value
    return answers


def _upgrade(options: argparse.Namespace) -> int:
    from monorepo.upgrading import command

    request = command.Request(
        to=options.to,
        wheel=options.wheel,
        packages=tuple(options.packages),
        given=_answers(options.set, "SET"),
        origin=getattr(options, "from"),
        answers=_answers(options.answers, "ANSWERS"),
        dry_run=options.dry_run,
        check=options.check,
        as_json=options.format == "json",
    )
    return command.run(options.root, request)


def _remove(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.scaffold import removal

    path = options.path.rstrip("/")
    done = removal.remove(options.root, path, dry_run=options.dry_run)
    return _install_changed(options, done)


def _eject(options: argparse.Namespace) -> int:
    from monorepo.scaffold import ejection

    space = workspace.load(options.root)
    print(ejection.undo(space) if options.undo else ejection.eject(space))
    if options.install:
        _launch(options.root, "setup")
    return 0


def _flatten(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.layout import flatten

    words = _named(workspace.load(options.root), options.packages) or []
    done = flatten.flatten(options.root, words, undo=options.undo, dry_run=options.dry_run)
    return _install_changed(options, done)


def _rename(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.renaming import rename

    done = rename.rename(options.root, options.path, options.to, dry_run=options.dry_run)
    return _install_changed(options, done)


def _split(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.splitting import split

    to = getattr(options, "as")
    done = split.split(options.root, options.path, options.module, to, dry_run=options.dry_run)
    print(done.json if options.format == "json" else "\n".join(done.lines))
    return 0


def _env(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.environments import conversion

    done = conversion.convert(options.root, options.to, dry_run=options.dry_run)
    return _install_changed(options, done)


def _template(options: argparse.Namespace) -> int:
    from monorepo.scaffold import kinds

    print(kinds.copy(workspace.load(options.root), options.kind))
    return 0


def _create(options: argparse.Namespace) -> int:
    from monorepo.scaffold import addition, creation

    words = options.words or addition.words(os.environ.get("ANSWERS", ""), "ANSWERS")
    return creation.create(options.out, words, example=options.example)


def _list(options: argparse.Namespace) -> int:
    from monorepo.graph import packages as graph

    space = workspace.load(options.root)
    print(graph.as_json(space) if options.format == "json" else graph.as_table(space))
    return _wrong([*space.problems, *space.unmet.values()])


def _graph(options: argparse.Namespace) -> int:
    from monorepo.graph import page, rendering
    from monorepo.graph.view import View, view

    renderers: dict[str, Callable[[View], str]] = {
        "text": rendering.as_text,
        "json": rendering.as_json,
        "mermaid": rendering.as_mermaid,
        "dot": rendering.as_dot,
        "html": page.as_html,
    }
    if options.format not in renderers:
        advice = f"write one of {', '.join(renderers)}"
        raise UsageError(f"FORMAT: {options.format!a} is not a format of the graph; {advice}")
    space = workspace.load(options.root)
    focus = [package.path for package in space.select(_named(space, options.focus.split()) or [])]
    if len(focus) > 1:
        raise UsageError(f"FOCUS: names {len(focus)} packages; name one, such as {focus[0]}")
    file = Path(options.output)
    if not file.parent.is_dir():
        raise UsageError(f"OUT: {file.parent} is no folder; make it first")
    base, reasons = None, {}
    if options.affected:
        from monorepo.affected import changes, impact

        found = changes.since(options.root, options.affected)
        base = options.affected
        told = impact.affected(space, found).packages
        reasons = {path: chains[0] for path, chains in told.items()}
    text = renderers[options.format](view(space, "".join(focus), base, reasons))
    if options.output:
        text_files.write(file, f"{text}\n")
        print(f"wrote {options.output}")
    else:
        print(text)
    return _wrong([*space.problems, *space.unmet.values()])


def _affected(options: argparse.Namespace) -> int:
    from monorepo.affected import changes, impact
    from monorepo.affected.report import FORMATS, Report

    if options.format not in FORMATS:
        message = f"is none of {', '.join(FORMATS)}; choose one"
        raise UsageError(f"FORMAT={options.format}: {message}")
    found = changes.since(options.root, options.base, options.head)
    with changes.opened(found) as space:
        why = space.paths([options.why])[0] if options.why else ""
        report = Report(space, found, impact.affected(space, found))
        told = report.explain(why, options.format) if why else report.render(options.format)
        print(told, end="\n" if told else "")
        return _wrong(space.problems)


def _export(options: argparse.Namespace) -> int:
    from monorepo.exporting import export
    from monorepo.guard.repository import Sources

    space = workspace.load_whole(options.root)
    sources = Sources(space)
    engines = export.chosen(sources, options.engines, undo=options.undo)
    found = export.differences(sources, engines, undo=options.undo)
    if options.check:
        print("".join(f"monorepo: {each}\n" for each in found), end="", file=sys.stderr)
        return 1 if found else 0
    done = export.export(space, found, dry_run=options.dry_run)
    print("\n".join(done) or "all is as the packages say")
    return 0


def _matrix(options: argparse.Namespace) -> int:
    from monorepo.sessions import ci_matrix, durations

    space = workspace.load(options.root)
    found = ci_matrix.sessions(sys.stdin.read(), str(space.facts["python"]))
    most = ci_matrix.jobs(space.facts, len({*found.values()}))
    if options.base:
        found = ci_matrix.of_packages(found, _affected_paths(space, options.base))
    if options.names:
        print("".join(f"{name}\n" for name in found), end="")
        return 0
    made = ci_matrix.matrix(found, durations.recorded(space.root), most)
    print(f"any={json.dumps(bool(found))}\nmatrix={json.dumps(made)}")
    return 0


def _affected_paths(space: Workspace, base: str) -> Collection[str]:
    """Return the paths of the packages that differ from a commit, and say how many that are."""
    from monorepo.affected import changes, impact

    found = impact.affected(space, changes.since(space.root, base))
    said = f"{len(found.packages)} of {len({*space.packages, *space.broken})} packages are affected"
    if found.everything:
        said = f"every package is affected: {found.everything}"
    print(f"monorepo: {said}; make affected BASE={shlex.quote(base)} says why", file=sys.stderr)
    return found.packages


def _run(options: argparse.Namespace) -> int:
    from monorepo.tasks import fan_out

    space = workspace.load(options.root)
    packages, wrong = space.usable(_named(space, options.packages))
    code = 0
    if options.install and packages:
        packages, code = _installed(space, packages)
    do = fan_out.once if options.once else fan_out.run
    if packages or not (wrong or code):
        caching = {"cache": options.cache, "why": options.why_run}
        done = do(space, options.target, packages, **caching, started=options.started)
        code = code or (0 if done else 1)
    return _wrong(wrong) or code


def _check(options: argparse.Namespace) -> int:
    if options.install:
        _equip(options)
    # It imports what is installed by now.
    from monorepo.caching import whole
    from monorepo.environments.results import about_all

    is_whole = whole.is_asked() and not (options.packages or options.changed or options.fix)
    about = about_all(workspace.load(options.root)) if is_whole else None
    before = whole.state(options.root, about) if about else None
    started: list[str] = []
    with terminal.copied() as said:
        code = _checked(options, started)
    if about and before and not started and not code:
        whole.keep(options.root, about, before, "".join(said))
    return code


def _checked(options: argparse.Namespace, started: list[str]) -> int:
    """Run one verb after the other, up to the first that fails; return the exit code."""
    parser = arguments.parser()
    code = 0
    for words in _CHECKS:
        verb = parser.parse_args(["--root", str(options.root), *words])
        verb.packages, verb.install, verb.started = options.packages, options.install, started
        verb.changed, verb.fix = options.changed, options.fix
        done = _run_verb(verb)
        code = code or done
        if done and (not options.keep_going or done == _INTERRUPTED):
            break
    return code


def _hash(options: argparse.Namespace) -> int:
    from monorepo.caching import explain
    from monorepo.caching.contents import PROVING
    from monorepo.environments.results import Results

    if options.task not in PROVING:
        tasks = f"{', '.join(PROVING[:-1])} or {PROVING[-1]}"
        raise UsageError(f"{options.task}: no result of it is kept; name {tasks}")
    space = workspace.load(options.root)
    (package,) = space.select(_named(space, [options.package]) or [])
    results = Results(space, options.task, arguments=os.environ.get("ARGS", ""))
    if not results.are_kept:
        raise UsageError(f"{space.root}: git does not know this folder; run git init")
    key = results.key(package.path)
    if options.format == "json":
        print(explain.as_json(package.path, options.task, key))
    else:
        print(explain.as_text(key) if options.explain else key.digest)
    return 0


def _format_javascript(options: argparse.Namespace) -> int:
    from monorepo.guard.repository import Sources
    from monorepo.tasks import formatting

    folders = [folder.resolve().relative_to(options.root) for folder in options.folders]
    space = workspace.load(options.root)
    formatting.javascript(space, [str(folder) for folder in folders], Sources(space).files)
    return 0


def _dev(options: argparse.Namespace) -> int:
    from monorepo.tasks import fan_out

    space = workspace.load(options.root)
    packages, wrong = space.usable(_named(space, options.packages))
    code = _wrong(wrong)
    if options.install and packages:
        packages, failed = _installed(space, packages)
        code = code or failed
    if packages or not code:
        fan_out.dev(space, packages)
    return code


def _serve(options: argparse.Namespace) -> int:
    from monorepo.tasks import serving

    space = workspace.load(options.root)
    (package,) = space.select(_named(space, [options.package]) or [])
    serving.serve(space, package, options.command, once=options.once)
    return 0


def _settings(options: argparse.Namespace) -> int:
    from monorepo.tasks import settings_tables

    space = workspace.load(options.root)
    packages, wrong = _chosen(space, options, lambda package: package.is_service)
    code = _wrong(wrong)
    if options.install and packages:
        packages, failed = _installed(space, packages)
        code = code or failed
    if packages or not code:
        print("\n".join(settings_tables.write(space, packages, dry_run=options.dry_run)))
    return code


def _generate(options: argparse.Namespace) -> int:
    space = workspace.load(options.root)
    packages, wrong = space.usable(_named(space, options.packages))
    if options.packages and not any(package.generated for package in packages):
        raise UsageError(*wrong, "PKG: names no package that generates files; see CONTRIBUTING.md")
    code = _wrong(wrong)
    return _generated(space, packages, install=options.install) or code


def _sync(options: argparse.Namespace) -> int:
    from monorepo.syncing import sync

    packages = _with_manifests(options.root, options.packages)
    found = (sync.plan if options.check else sync.sync)(options.root, packages)
    if options.check:
        print("".join(f"monorepo: {each}\n" for each in found.drift), end="", file=sys.stderr)
    else:
        print("".join(f"wrote {each.path}\n" for each in found.drift), end="")
    if not found.drift and not found.mistakes:
        print("all is as the manifests say")
    return _wrong(found.mistakes) or (1 if options.check and found.drift else 0)


def _sync_docs(options: argparse.Namespace) -> int:
    from monorepo.graph import documents

    space = workspace.load_whole(options.root)
    print("\n".join(documents.sync(space, dry_run=options.dry_run)))
    return 0


def _with_manifests(root: Path, words: Sequence[str]) -> list[str] | None:
    """Return the paths of the packages that words name; None for no words, which is all packages.

    What is generated may be broken: a package with a manifest is found by its path even then.

    Raises:
        UsageError: a word is not a package, or the package that it names has no manifest.
    """
    from monorepo.syncing import sync

    known = {one.package for one in sync.sources(root)}
    if not words or known.issuperset(words):
        return [*words] or None
    paths = _named(workspace.load(root), words) or []
    if any(not word.startswith("-") for word in words):
        without = [path for path in paths if path not in known]
        what = "has no package.edn; make derive PKG="
        if without:
            raise UsageError(*(f"{path}: {what}{path} writes one" for path in without))
    return paths


def _generated(space: Workspace, packages: Sequence[Package], *, install: bool) -> int:
    """Generate what packages declare; return the exit code."""
    from monorepo.generation import running
    from monorepo.graph import packages as graph

    needed = {path for package in packages for path in graph.generated_from(space, package)}
    if install and any(package.generated for package in packages):
        chosen = {package.path for package in packages if package.generated} | needed
        _, code = _installed(space, [space.packages[path] for path in sorted(chosen)])
        if code:
            return code
    done = False
    for line in running.generate(space, packages):
        done = True
        print(line, flush=True)
    if not done:
        print("what packages generate is up to date")
    return 0


def _stop(options: argparse.Namespace) -> int:
    from monorepo.tasks import fan_out

    print(fan_out.stop(options.root))
    return 0


def _smoke(options: argparse.Namespace) -> int:
    from monorepo.environments import virtualenv
    from monorepo.tasks import smoke

    space = workspace.load(options.root)
    (package,) = space.select(_named(space, [options.package]) or [])
    virtualenv.setup(space, [package])
    smoke.smoke(space, package)
    return 0


def _build(options: argparse.Namespace) -> int:
    from monorepo.delivery import distributions

    space = workspace.load(options.root)
    (package,) = space.select(_named(space, [options.package]) or [])
    if not package.is_python:
        raise UsageError(f"{package.path}: is JavaScript; run make build there")
    python = Path(os.path.abspath(options.python or space.root / ".venv/bin/python"))
    distributions.replace(space, package, python)
    return 0


def _bundle(options: argparse.Namespace) -> int:
    _equip(options)
    # It imports what is installed by now.
    from monorepo.delivery import bundle
    from monorepo.delivery.targets import Target

    target = Target.read(options.python_version, options.platform)
    space = workspace.load(options.root)
    # What a browser app is shipped as is its build.
    packages, wrong = _chosen(
        space, options, lambda package: package.is_service or package.is_program
    )
    request = bundle.Request(packages, options.extras.split(), target)
    print("".join(f"{line}\n" for line in bundle.bundle(space, request)), end="")
    return _wrong(wrong)


def _vendor(options: argparse.Namespace) -> int:
    _equip(options)
    # It imports what is installed by now.
    from monorepo.delivery import vendoring
    from monorepo.delivery.targets import Target

    target = Target.read(options.python_version, options.platform)
    space = workspace.load(options.root)
    packages, wrong = space.usable(_named(space, options.packages))
    print("\n".join(vendoring.vendor(space, packages, target)))
    return _wrong(wrong)


def _docker(options: argparse.Namespace) -> int:
    _equip(options)
    # It imports what is installed by now.
    from monorepo.delivery import images

    space = workspace.load(options.root)
    packages, wrong = _chosen(space, options, lambda package: package.is_service)
    print("\n".join(images.write(space, packages, options.base, dry_run=options.dry_run)))
    return _wrong(wrong)


def _sbom(options: argparse.Namespace) -> int:
    from monorepo.delivery import sbom

    space = workspace.load(options.root)
    packages, wrong = _chosen(space, options, lambda package: package.is_service)
    if options.format == "github":
        print(json.dumps(sbom.snapshot(space, packages)))
    else:
        print("\n".join(sbom.write(space, packages)))
    return _wrong(wrong)


def _release(options: argparse.Namespace) -> int:
    from monorepo.delivery import release

    space = workspace.load_whole(options.root)
    if options.tagged is not None:
        print(release.tagged(space, options.tagged).path)
        return 0
    packages = space.select(_named(space, options.packages) or [])
    if len(packages) != 1:
        raise UsageError(f"PKG: names {len(packages)} packages; name one, such as shared/py/core")
    print("\n".join(release.prepare(space, packages[0], options.bump, dry_run=options.dry_run)))
    return 0


def _chosen(
    space: Workspace, options: argparse.Namespace, default: Callable[[Package], bool]
) -> tuple[list[Package], list[str]]:
    """Return the packages that are named, or else those of a sort; and why some cannot be used."""
    packages, wrong = space.usable(_named(space, options.packages))
    chosen = any(not word.startswith("-") for word in options.packages)
    return [package for package in packages if chosen or default(package)], wrong


def _guard(options: argparse.Namespace) -> int:
    import gc

    from monorepo.guard import accepted, catalog, findings, runner

    # A run is short, and keeps what it reads: looking for garbage in it took half of its time.
    gc.disable()
    space = workspace.load(options.root)
    rules = catalog.chosen(options.root, options.rules)
    packages = _named(space, options.packages) or []
    if options.baseline is not None:
        if options.rules or packages or options.changed:
            raise UsageError("--baseline: is about all packages; name rules behind it, or none")
        adopted = catalog.chosen(options.root, options.baseline) if options.baseline else []
        kept = accepted.adopt(space, runner.found(space, rules), adopted).total()
        print(f"{findings.BASELINE}: holds {kept} {'finding' if kept == 1 else 'findings'}")
        return 0
    run = partial(runner.guard, space)
    if options.changed:
        run = partial(runner.since, space, "HEAD" if options.changed == "1" else options.changed)
    wrong = run(rules, packages)
    if options.fix:
        print("".join(f"{line}\n" for line in runner.apply_fixes(space, wrong)), end="")
        wrong = run(rules, packages)
    # Only this format says what each is about, for which all of them would be loaded.
    summaries = dict.fromkeys(rules, "")
    if options.format == "sarif":
        summaries = {rule: catalog.what(options.root, rule) for rule in rules}
    print(
        findings.render(wrong, options.format, summaries, str(space.facts.get("project-name", "")))
    )
    return 1 if any(finding.status == "error" for finding in wrong) else 0


def _explain(options: argparse.Namespace) -> int:
    from monorepo.guard import catalog

    print(catalog.explained(options.root, *catalog.chosen(options.root, [options.rule])))
    return 0


def _lock(options: argparse.Namespace) -> int:
    if options.install:
        _equip_to_lock(options)
    # It imports what is installed by now.
    from monorepo.locking import locks
    from monorepo.syncing import sync

    sync.check(options.root)
    moved = locks.lock(workspace.load_whole(options.root), options.upgrade.split())
    print("".join(f"{line}\n" for line in moved), end="")
    return 0


def _equip_to_lock(options: argparse.Namespace) -> None:
    """Make the root's environment, as far as it is pinned, and go on in it."""
    from monorepo.environments import virtualenv

    space = workspace.load(options.root)
    try:
        virtualenv.setup_to_lock(space)
    except UsageError:
        # What an ejected engine requires by now is not pinned; it ran until now without.
        if not (space.engine.ejected and _is_equipped(options.root)):
            raise
    if not _is_equipped(options.root):
        _launch(options.root, *sys.argv[1:])


def _lock_check(options: argparse.Namespace) -> int:
    from monorepo.locking import locks, projects
    from monorepo.syncing import sync

    space = workspace.load(options.root)
    # Of manifests that are not followed, no lock can say that they are pinned.
    mistakes = [*sync.refused(options.root), *locks.check(space)]
    _wrong(mistakes)
    for line in projects.divergent(space) if not mistakes else ():
        advice = f"align them, or give the reason: {projects.OWN_PINS}"
        print(f"monorepo: warning: {line}; {advice}", file=sys.stderr)
    return _wrong(space.problems) or (1 if mistakes else 0)


def _outdated(options: argparse.Namespace) -> int:
    from monorepo.locking import locks

    space = workspace.load_whole(options.root)
    print("\n".join(locks.outdated(space)) or "every pin is the newest")
    return 0


def _bounds(options: argparse.Namespace) -> int:
    from monorepo.tasks import bounds

    space = workspace.load(options.root)
    if not options.packages:
        raise UsageError("PKG: names no package; name those whose lower bounds are to be tried")
    found = [
        line
        for package in space.select(_named(space, options.packages) or [])
        for line in bounds.find(space, package)
    ]
    print("\n".join(found) or "the tests pass with the lowest versions")
    return 1 if found else 0


def _audit(options: argparse.Namespace) -> int:
    from monorepo.tasks import audit

    report = audit.audit(workspace.load(options.root))
    print(report.json() if options.format == "json" else report.text())
    return 1 if report else 0


def _doctor(options: argparse.Namespace) -> int:
    from monorepo.doctor import report

    found = report.examine(options.root)
    if options.fix and report.mend(options.root, found):
        _launch(options.root, "doctor", "--format", options.format)
    print(report.render(options.root, found, options.format))
    return 1 if report.is_wrong(found) else 0


def _manifest(options: argparse.Namespace) -> int:
    from monorepo.doctor import manifest, migration, report

    if options.action == "derive":
        return _derive(options)
    if options.action == "migrate":
        print(migration.migrate(options.root))
        return 0
    found = list(manifest.findings(options.root, workspace.load(options.root)))
    print(report.render(options.root, found, options.format))
    return 1 if report.is_wrong(found) else 0


def _migrate(options: argparse.Namespace) -> int:
    _equip(options)
    return _bring(options) if options.part == "import" else _require(options)


def _require(options: argparse.Namespace) -> int:
    # It imports what is installed by now.
    from monorepo.migrating import report, requirements
    from monorepo.scaffold import addition

    files = options.files or addition.words(os.environ.get("FILES", ""), "FILES")
    if not files:
        raise UsageError("FILES: names no file; name requirements files")
    holder = getattr(options, "as").strip().rstrip("/")
    space = workspace.load(options.root)
    done = requirements.migrate(space, files, holder, dry_run=options.dry_run)
    if options.format == "json":
        print(report.as_json(done))
    else:
        print(report.as_text(done))
        if done.blocking:
            print(f"{_BLOCKED}\n" + "\n".join(f"  {line}" for line in done.blocking))
        else:
            print(_NEXT if done.is_complete else _LOOK)
    return 0 if done.is_complete else 1


def _bring(options: argparse.Namespace) -> int:
    from monorepo.importing import command, report
    from monorepo.scaffold import addition
    from monorepo.upgrading import command as following

    to = getattr(options, "as").rstrip("/")
    # In the flat layout, there is an area already.
    if addition.is_first(options.root, to):
        adopted = following.adopt(options.root, to, dry_run=options.dry_run)
        if adopted is not None:
            if not (adopted or options.dry_run):
                done = "what the template has for it is staged: commit it, and run this again"
                print(f"{to}: {done}")
            return adopted or 1
    found = command.bring(options.root, options.path, to, dry_run=options.dry_run)
    print((report.as_json if options.format == "json" else report.as_text)(found), flush=True)
    if options.format == "text":
        print(_NEXT if found.is_complete else _BY_HAND)
    return 0 if found.is_complete else 1


def _ratchet(options: argparse.Namespace) -> int:
    _equip(options)
    # It imports what is installed by now.
    from monorepo.ratchet import picture, ratchet, report

    load = workspace.load_whole if options.fix else workspace.load
    space = load(options.root)
    words = _named(space, options.packages) or []
    file = Path(options.svg)
    if not file.parent.is_dir():
        raise UsageError(f"SVG: {file.parent} is no folder; make it first")
    if options.fix:
        found = ratchet.fix(space, words, dry_run=options.dry_run)
    else:
        found = ratchet.look(space, words)
    if options.svg:
        picture.save(file, found)
    print(report.as_json(found) if options.format == "json" else report.as_text(found))
    if options.fix and found.changes and not options.dry_run and options.format != "json":
        print(_NEXT)
    return _wrong(space.problems) or (1 if options.fix and found.is_failed else 0)


def _phase(options: argparse.Namespace) -> int:
    _equip(options)
    # It imports what is installed by now.
    from monorepo.ratchet import phases

    space = workspace.load(options.root)
    found = phases.look(space)
    print(phases.as_json(found) if options.format == "json" else phases.as_text(found))
    return _wrong(space.problems)


def _derive(options: argparse.Namespace) -> int:
    from monorepo.syncing import derive

    transaction.recover(options.root)
    space = workspace.load(options.root)
    packages = space.select(_named(space, options.packages) or [])
    if not packages:
        raise UsageError("PKG: names no package; name those that get a package.edn")
    if not space.uses_manifests:
        from monorepo.upgrading import command

        adopted = command.adopt_manifests(options.root, dry_run=options.dry_run)
        if adopted:
            return adopted
        # That has changed manifests as well.
        space = workspace.load(options.root)
        packages = [space.packages[package.path] for package in packages]
    print("\n".join(derive.derive(space, packages, dry_run=options.dry_run)))
    return 0


# The exit code after Ctrl-C, as shells have it.
_INTERRUPTED = 130
# What `check` does: the verbs of the targets lint, type-check, guard and test.
_CHECKS = (
    ("run", "--once", "lint"),
    ("run", "--once", "type-check"),
    ("guard",),
    ("run", "test"),
)
# They make a repository, or change nothing before they are asked to.
_LEAVING_ALL_ALONE = {"create", "doctor", "manifest"}
_NEXT = "Next: make lock, then make check."
_BLOCKED = "make lock would fail: take this back (git restore), change these, and run it again."
_LOOK = "Some lines are not carried over: mend them, and run this again, before make lock."
_BY_HAND = "Some of it needs a hand, see above; then make lock and make check."
_VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "create": _create,
    "eject": _eject,
    "flatten": _flatten,
    "rename": _rename,
    "split": _split,
    "env": _env,
    "template": _template,
    "doctor": _doctor,
    "manifest": _manifest,
    "migrate": _migrate,
    "ratchet": _ratchet,
    "phase": _phase,
    "upgrade": _upgrade,
    "install": _install,
    "new": _new,
    "remove": _remove,
    "list": _list,
    "graph": _graph,
    "affected": _affected,
    "export": _export,
    "run": _run,
    "check": _check,
    "hash": _hash,
    "format-javascript": _format_javascript,
    "dev": _dev,
    "serve": _serve,
    "settings": _settings,
    "generate": _generate,
    "sync": _sync,
    "sync-docs": _sync_docs,
    "smoke": _smoke,
    "build": _build,
    "bundle": _bundle,
    "docker": _docker,
    "vendor": _vendor,
    "sbom": _sbom,
    "release": _release,
    "guard": _guard,
    "explain": _explain,
    "lock": _lock,
    "setup": _setup,
    "install-hooks": _install_hooks,
    "matrix": _matrix,
    "stop": _stop,
    "lock-check": _lock_check,
    "outdated": _outdated,
    "audit": _audit,
    "bounds": _bounds,
}
