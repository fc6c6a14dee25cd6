"""Run the rules, on the repository or on what a branch changes, and apply fixes."""

import contextlib
import datetime
import difflib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from monorepo.core import workspace
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.guard import accepted, catalog
from monorepo.guard.cache import hashed
from monorepo.guard.findings import Finding, among, loaded, of_mistakes
from monorepo.guard.repository import PYTHON, Sources
from monorepo.locking import pnpm_locks
from monorepo.parsing import javascript
from monorepo.system import terminal
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin

# With this variable, an error in a rule ends the run with its traceback.
TRACEBACK = "MONOREPO_TRACEBACK"
UNREADABLE = "unreadable"
# Code and documents: what people edit most, and what other packages seldom depend on.
_EDITED = (*PYTHON, *javascript.SUFFIXES, *javascript.PAGES, ".css", ".md")
# Rules that look at names and bytes, which an unreadable file has as well.
_OF_BYTES = {"ignored", "secrets"}


def guard(
    space: Workspace,
    rules: Sequence[str],
    packages: Sequence[str] = (),
    *,
    today: datetime.date | None = None,
) -> list[Finding]:
    """Run rules and return their findings, without exceptions and the baseline.

    Malformed exceptions, or a malformed baseline, are findings as well.

    Args:
        space: the repository.
        rules: rules, or ids of their problems.
        packages: paths of packages; findings elsewhere are left out. None given means all.
        today: the date to compare with the end of exceptions; by default, today.
    """
    whole = () if packages else rules
    wrong = found(space, rules, packages)
    wrong = accepted.excepted(space, whole, wrong, today or accepted.today())
    try:
        known = accepted.read(space.root)
    except UsageError as error:
        return sorted([*wrong, *of_mistakes(UNREADABLE, error.mistakes)])
    above = accepted.above(known, wrong, whole)
    return sorted([*above, *accepted.grown(Sources(space), known)])


def since(
    space: Workspace, base: str, rules: Sequence[str], packages: Sequence[str] = ()
) -> list[Finding]:
    """Return the findings that the last commit in common with a base does not have.

    All rules look at everything, because a change may break packages that it does not touch. Only
    if they find something, those rules run on that commit as well, in a temporary worktree.

    Args:
        space: the repository.
        base: a name of a commit, such as `origin/main`, or HEAD.
        rules: rules, or ids of their problems.
        packages: paths of packages; findings elsewhere are left out. None given means all.

    Raises:
        UsageError: there is no such commit, or git does not work here.
        TaskError: git failed.
    """
    # Imported here: the other runs need nothing of them.
    from monorepo.affected import changes
    from monorepo.programs.git import Git, Worktree

    start = changes.since(space.root, base, called="CHANGED").base
    wrong = guard(space, rules, packages)
    if start is None or all(finding.status == "warn" for finding in wrong):
        return wrong
    git = Git(space.root)
    with tempfile.TemporaryDirectory(prefix="monorepo-") as folder:
        worktree = Worktree(git, Path(folder) / "base", start.id)
        try:
            before = _before(space, worktree.root, wrong)
        finally:
            Worktree.remove(git, worktree.folder)
    new = []
    for finding in wrong:
        key = (finding.id, finding.path, finding.message)
        if before[key] and finding.status != "warn":
            before[key] -= 1
        else:
            new.append(finding)
    return new


def _before(space: Workspace, root: Path, wrong: Iterable[Finding]) -> Counter[accepted.Entry]:
    """Return what the rules that find something now have found at `root`, another commit."""
    before = Counter[accepted.Entry]()
    # What cannot be loaded has no findings.
    with contextlib.suppress(UsageError):
        old = workspace.load(root)
        for folder in (space.root, *(one.folder for one in space.packages.values())):
            _link_installed(folder, root / folder.relative_to(space.root))
        known = catalog.ids(root)
        rules = {one.rule for one in wrong}
        for one in guard(old, [rule for rule in known if rule in rules]):
            before[one.id, one.path, one.message] += 1
    return before


def _link_installed(folder: Path, other: Path) -> None:
    """Give what is installed in a folder to the same folder in another worktree."""
    for name in (".venv/lib", "node_modules"):
        if other.is_dir() and (folder / name).is_dir() and not os.path.lexists(other / name):
            # Links below a real folder: git ignores folders of this name, and not links.
            (other / name).mkdir(parents=True)
            for entry in (folder / name).iterdir():
                (other / name / entry.name).symlink_to(entry)


def found(space: Workspace, rules: Sequence[str], packages: Sequence[str] = ()) -> list[Finding]:
    """Return all findings, also allowed ones; see `guard`."""
    sources = Sources(space)
    if packages:
        return _found(sources, rules, packages)
    # If nothing has changed, the findings of the last run are used.
    parts = _Parts(sources)
    find = partial(_found, sources, rules, (), parts)
    what = f"found by {' '.join(rules)}"
    wrong = sources.findings(ROOT_MANIFEST, what, find, parts.whole)
    sources.kept.save()
    return wrong


class _Parts:
    """The packages of a repository, for each of which is kept what a rule has found in it.

    That holds while nothing changes of what it depends on: which files there are, what configures
    anything, the code and the documents of the package, and those of others that the rule has read.

    Attributes:
        whole: changes whenever anything does.
    """

    def __init__(self, sources: Sources) -> None:
        """Divide the files."""
        self._sources = sources
        inner: dict[str, list[str]] = {path: [] for path in sources.space.packages}
        common = [*sources.sites, pnpm_locks.STAMP]
        for path in sources.files:
            # A setup.py names modules that others import.
            edited = path.endswith(_EDITED) and not path.endswith("/setup.py")
            package = sources.package_of(path) if edited else None
            files = inner[package.path] if package else common
            files.append(path)
        digest = sources.kept.digest
        frame = hashed((inner, digest(common), sources.ignored, os.environ.get(TRACEBACK)))
        self._given = {path: hashed((frame, digest(files))) for path, files in inner.items()}
        self._owners = dict.fromkeys(common, "")
        self._owners |= {path: owner for owner, files in inner.items() for path in files}
        self.whole = hashed((frame, self._given))

    def findings(
        self, part: str, rule: str, find: Callable[[], Iterable[Finding]]
    ) -> Iterator[Finding]:
        """Yield what a rule finds in a package, and note what it cannot read."""
        sources = self._sources

        def look(_: str) -> list[list[dict[str, Any]]]:
            with sources.kept.asking() as asked:
                wrong = [asdict(one) for one in find()]
            return [wrong, [asdict(sources.notes[path]) for path in asked & sources.notes.keys()]]

        manifest = sources.space.packages[part].manifest_path
        wrong, notes = sources.kept.traced(
            manifest,
            f"found by {rule}",
            look,
            self._given[part],
            lambda path: self._owners.get(path) in ("", part),
        )
        for row in notes:
            sources.notes.setdefault(row["path"], loaded(row))
        yield from map(loaded, wrong)


def _found(
    sources: Sources, rules: Sequence[str], packages: Sequence[str], parts: _Parts | None = None
) -> list[Finding]:
    inside = tuple(f"{path}/" for path in packages)
    names = dict.fromkeys(map(catalog.rule_of, rules))
    wrong: list[Finding] = []
    for rule in names:
        find = partial(_of_rule, sources, rule, inside, parts, alone=len(names) == 1)
        wrong += (
            finding
            for finding in _safely(rule, ".", find)
            if finding.rule != rule or among(rules, finding.id)
        )
    unread = {one.path for one in wrong if one.rule == UNREADABLE} | sources.notes.keys()
    wrong = [
        one
        for one in wrong
        if one.path not in unread
        or (one.path not in sources.notes if one.rule == UNREADABLE else one.rule in _OF_BYTES)
    ]
    # Report unreadable files for any selection of rules, because none has checked them.
    for problem in sources.space.problems:
        sources.note(problem.path, problem.message, problem.fix, problem.line)
    return [
        _shown(one)
        # Several rules may have met the same mistake.
        for one in dict.fromkeys([*wrong, *sources.notes.values()])
        if not inside or f"{one.path}/".startswith(inside)
    ]


def _of_rule(
    sources: Sources, rule: str, inside: tuple[str, ...], parts: _Parts | None, *, alone: bool
) -> Iterator[Finding]:
    """Yield the findings of a rule in the selected subjects."""
    module = catalog.load(sources.root, rule)
    subjects = module.subjects(sources)
    if not subjects and (alone or not getattr(module, "OPTIONAL", False)):
        advice = f"see monorepo explain {rule}"
        yield Finding(".", 0, rule, "nothing to check", advice, status="warn")
    by_part: dict[str, list[str]] = {}
    for subject in subjects:
        if not inside or subject == "." or f"{subject}/".startswith(inside):
            package = sources.package_of(subject)
            by_part.setdefault(package.path if package else "", []).append(subject)
    for part, each in by_part.items():
        find = partial(_checked, sources, rule, module, each)
        # A rule of the team may read what it likes.
        if parts and part and rule in catalog.RULES:
            yield from parts.findings(part, rule, find)
        else:
            yield from find()


def _checked(
    sources: Sources, rule: str, module: catalog.Rule, subjects: Iterable[str]
) -> Iterator[Finding]:
    """Yield the findings of a rule at some subjects."""
    for subject in subjects:
        yield from _safely(rule, subject, partial(module.check, sources, subject))


def _safely(rule: str, subject: str, find: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a rule; an error in it becomes a finding as well."""
    try:
        yield from find()
    except UsageError as error:
        yield from of_mistakes(UNREADABLE, error.mistakes)
    except Exception as error:
        # A missing module of our own rules is an error of the environment.
        if isinstance(error, ModuleNotFoundError) and rule in catalog.RULES:
            raise
        # Tests of a rule need the traceback.
        if os.environ.get(TRACEBACK):
            raise
        message = f"the rule failed here ({type(error).__name__}: {error})"
        advice = f"report it, with the output of {TRACEBACK}=1 make guard"
        yield Finding(subject, 0, rule, message, advice)


def _shown(finding: Finding) -> Finding:
    """Escape the texts of a finding; one at an unprintable path cannot be fixed automatically."""
    path, message, fix = map(terminal.line, (finding.path, finding.message, finding.fix))
    if (path, message, fix) == (finding.path, finding.message, finding.fix):
        return finding
    lines = finding.lines if path == finding.path else None
    return replace(finding, path=path, message=message, fix=fix, lines=lines)


def apply_fixes(space: Workspace, found: Sequence[Finding]) -> list[str]:
    """Apply the fixes that findings carry, all of them or none.

    Returns:
        The changes as a unified diff.
    """
    by_path: dict[str, dict[int, tuple[int, tuple[str, ...]]]] = {}
    for finding in found:
        if finding.lines is not None and finding.line:
            by_path.setdefault(finding.path, {})[finding.line] = (
                finding.end or finding.line,
                finding.lines,
            )
    shown: list[str] = []
    with begin(space.root) as change:
        for path, edits in sorted(by_path.items()):
            old = change.read(path).splitlines()
            new = list(old)
            for line, (end, lines) in sorted(edits.items(), reverse=True):
                new[line - 1 : end] = lines
            shown += difflib.unified_diff(old, new, path, path, lineterm="")
            change.write(path, "".join(f"{line}\n" for line in new))
        change.commit()
    return shown
