"""Merge the difference between two versions of the template into a repository.

The merge happens in a temporary worktree, and is applied by one transaction, git's index included.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.version import Version

from monorepo.core import engine, workspace
from monorepo.core.engine import REQUIREMENT, SOURCE, Engine
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.guard import catalog, runner
from monorepo.layout import worktrees
from monorepo.locking import locks, pnpm_locks, projects
from monorepo.locking.lowest import LOWEST
from monorepo.programs.git import Git, Worktree
from monorepo.scaffold import answers as template_answers
from monorepo.scaffold import ejection
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import say
from monorepo.upgrading import alignment, plans, records, steps, versions
from monorepo.upgrading.plans import Plan, Rendering
from monorepo.upgrading.records import Record
from monorepo.upgrading.versions import Release

LOCKS = (PINS, HASHES, LOWEST, pnpm_locks.LOCK, pnpm_locks.TEMPLATES_LOCK)
# What is not merged as text: pins, which stay the team's, and the engine, which is replaced.
NOT_MERGED = (*(f"/{path}" for path in LOCKS), f"/{REQUIREMENT}", "/tools/*.whl")
# Descriptions of conflicts by their stages in the index: 1 base, 2 ours, 3 theirs.
_CONFLICTS = {
    (1, 2): "changed here, removed by the template; keep it with git add, or git rm it",
    (2, 3): "added here and by the template; edit it, then git add it",
    (1, 2, 3): "changed in the same place here and by the template; edit it, then git add it",
}
_OTHER = "renamed here or by the template in two ways; git add the one to keep, git rm the others"


@dataclass
class Outcome:
    """The result of an upgrade, or of its dry run.

    Attributes:
        old: the version before.
        new: the version after.
        diffstat: the output of `git diff --stat`.
        conflicts: a description of each conflict, by the path of the file.
        deleted: files that the team has deleted and the template has changed; they stay deleted.
        asked: new questions with their answers.
        dropped: questions that no longer exist.
        followed: the packages that were upgraded.
        left: the reason why a package was not upgraded, by its path.
        steps: descriptions of the versioned steps.
    """

    old: str
    new: str
    diffstat: str = ""
    conflicts: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    asked: dict[str, Any] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Base:
    """The base of the merge.

    Attributes:
        record: of the repository.
        rendering: of the old version, if there is one already.
        plan: the packages to upgrade, if they have no records.
    """

    record: Record
    rendering: Rendering | None = None
    plan: Plan | None = None


def begin(
    root: Path,
    release: Release,
    base: Base,
    *,
    only: Sequence[str] = (),
    given: Mapping[str, str],
    work: Path,
    note: Callable[[Outcome], None] | None,
) -> Outcome:
    """Merge what the running version renders, and apply the result.

    Args:
        root: the repository.
        release: the wheel of the running version.
        base: what the repository was made from.
        only: the paths of the packages to upgrade; empty for all.
        given: new answers to questions.
        work: an empty folder.
        note: called before anything changes; None for a dry run, which changes nothing.

    Raises:
        UsageError: the repository is not ready for it, or an answer is not good; nothing changed.
        TaskError: a version cannot be had or cannot render, or git fails; nothing changed.
    """
    git = Git(root)
    git.refuse_unready()
    space = workspace.load(root)
    named = named_engine(root)
    _refuse_ejected(git, named, work)
    everything = not template_answers.QUESTIONS.keys().isdisjoint(given)
    plan = base.plan or plans.plan(space, release.version, space.paths(only), everything=everything)
    outcome = Outcome(base.record.version, str(release.version), left=plan.left)
    say(f"upgrade: rendering {outcome.old} and {outcome.new}")
    old, new = _rendered(space, base, plan, given, work)
    outcome.left |= {path: reason for one in (old, new) for path, reason in one.failed.items()}
    outcome.followed = [path for path in plan.followed if path not in outcome.left]
    taken = steps.between(versions.number(outcome.old, records.ROOT), release.version)
    outcome.steps = [step.what for step in taken]
    for step in taken:
        step.before(old.root)
    difference = _committed(git, space, base, outcome, (old.root, new.root), work)
    say("upgrade: merging")
    worktree = Worktree(git, work / worktrees.TREE, git.head)
    for step in taken:
        step.before(worktree.root)
    worktree.save("What a merge cannot say")
    outcome.deleted = worktree.merge(difference)
    _put_engine(worktree.root, named, release)
    _update_records(worktree.root, plan, outcome, base, new)
    outcome.conflicts = _explained(worktree.unmerged())
    if not outcome.conflicts:
        for step in taken:
            step.after(worktree.root)
    worktree.stage()
    words = ["diff", "--stat=100", "--no-ext-diff", "--no-color", git.head]
    outcome.diffstat = os.fsdecode(worktree.run(*words))
    if note:
        worktrees.apply(git, worktree, git.committed(), lambda: note(outcome))
    return outcome


def _rendered(
    space: Workspace, base: Base, plan: Plan, given: Mapping[str, str], work: Path
) -> tuple[Rendering, Rendering]:
    """Return the rendering of the old version, and of the new one with the answers `given`."""
    followed = plan.followed.values()
    asked = plans.questions(space, followed)
    ours, theirs = plans.given(given, template_answers.QUESTIONS, asked)
    answers = {**base.record.answers, **ours}
    # Each runs in a process of its own: in parallel they take half of the time.
    with ThreadPoolExecutor() as threads:
        new = threads.submit(plans.render_new, space, answers, followed, theirs, work)
        old = base.rendering or plans.render_old(space, base.record, followed, work)
        return old, new.result()


def _committed(
    git: Git, space: Workspace, base: Base, outcome: Outcome, trees: Sequence[Path], work: Path
) -> str:
    """Return a commit of the second of two trees whose parent is a commit of the first.

    Both have only what is merged as text.
    """
    manifests = [space.packages[path].manifest_path for path in outcome.followed]
    left_out, crlf = [*NOT_MERGED, *base.record.keep], git.with_crlf()
    commit: list[str] = []
    for number, tree in enumerate(trees):
        for path in outcome.left:
            shutil.rmtree(tree / path, ignore_errors=True)
        for path in outcome.followed:
            alignment.describe(tree, space, path)
        alignment.align(tree, space.root, [records.ROOT, *manifests], crlf)
        made = git.tree(tree, work / f"{number}.index", left_out)
        commit = [git.commit(made, f"Upgrade to {outcome.new}", *commit)]
    return commit[0]


def named_engine(root: Path) -> Engine | None:
    """Return the engine of a repository; None for one that was made before there were wheels.

    Raises:
        UsageError: what names it is malformed.
    """
    return engine.read(root) if (root / REQUIREMENT).exists() else None


def _refuse_ejected(git: Git, named: Engine | None, work: Path) -> None:
    """Refuse to replace an engine that the team has changed.

    Raises:
        UsageError: tools/src is not what `make eject` has put there.
    """
    if named is None or not named.ejected:
        return
    wheel = replace(named, ejected=False)
    origin = versions.unpack(Release(git.root / named.path, named.sha256), work / "ejected")
    (origin / "pyproject.toml").write_text(
        ejection.manifest(wheel, wheel.requirements), encoding="utf-8"
    )
    for file in sorted((git.root / SOURCE).rglob("*")):
        twin = origin / file.relative_to(git.root / SOURCE)
        if not file.is_file() or "__pycache__" in file.parts:
            continue
        if not twin.is_file() or twin.read_bytes() != file.read_bytes():
            place = file.relative_to(git.root)
            advice = "save your changes as a patch, run make eject UNDO=1, upgrade, eject again"
            raise UsageError(f"{place}: is changed, and would be lost; {advice}")


def _put_engine(root: Path, named: Engine | None, release: Release) -> None:
    """Replace the engine in the tree at `root`: the wheel, and the line that names it."""
    if named:
        (root / named.path).unlink(missing_ok=True)
    if named and named.ejected:
        shutil.rmtree(root / SOURCE)
    wheel = f"tools/{release.wheel.name}"
    shutil.copyfile(release.wheel, text_files.inside(root, wheel))
    text = Engine(root, wheel, release.sha256).text
    text_files.inside(root, REQUIREMENT).write_text(text, encoding="utf-8")


def _update_records(root: Path, plan: Plan, outcome: Outcome, base: Base, new: Rendering) -> None:
    """Write the new version, and answers to what it asks, into the manifests of a tree."""
    rows = [(records.ROOT, outcome.new, base.record.answers, new.answers)]
    for path in outcome.followed:
        one = plan.followed[path]
        place = one.package.manifest_path
        rows.append((place, one.new, one.record.answers, new.packages[path]))
    for place, version, before, after in rows:
        file = text_files.inside(root, place)
        if not file.is_file():
            continue
        changed = {key: value for key, value in after.items() if before.get(key) != value}
        dropped = {*before} - {*after}
        at = place.rpartition("/")[0]
        name = f"{at}: " if at else ""
        # Without a record it is unknown which questions are new.
        asked = {} if base.rendering else changed
        outcome.asked |= {name + key: value for key, value in asked.items() if key not in before}
        outcome.dropped += [name + key for key in sorted(dropped)]
        content = file.read_bytes()
        text = content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        text = records.updated(text, version, changed, dropped)
        text = text.replace("\n", "\r\n") if text_files.has_crlf(content) else text
        file.write_bytes(text.encode("utf-8", "surrogateescape"))


def unresolved(root: Path) -> dict[str, str]:
    """Return a description of each conflict, by the path of the file from the top."""
    return _explained(Git(root).unmerged())


def _explained(unmerged: Mapping[str, set[int]]) -> dict[str, str]:
    return {
        path: _CONFLICTS.get(tuple(sorted(stages)), _OTHER) for path, stages in unmerged.items()
    }


def take_steps(root: Path, old: str, new: str, work: Path, note: Callable[[], None]) -> None:
    """Run the steps that had to wait until the conflicts were resolved.

    Args:
        root: the repository.
        old: the version that it had.
        new: the version that it has.
        work: an empty folder.
        note: called before anything changes.

    Raises:
        UsageError, TaskError: it cannot be done; nothing has changed.
    """
    git = Git(root)
    now = git.commit(git.text("write-tree"), "What was resolved", git.head)
    worktree = Worktree(git, work / worktrees.TREE, now)
    for step in steps.between(Version(old), Version(new)):
        step.after(worktree.root)
    worktree.stage()
    worktrees.apply(git, worktree, git.entries(), note)


def lock(root: Path) -> list[str]:
    """Update the locks once there are no conflicts; return a table of the pins that moved.

    Raises:
        UsageError, TaskError: they cannot be.
    """
    space = workspace.load_whole(root)
    # The rules find what is locked and no longer required; where they cannot know, they warn.
    found = runner.guard(space, catalog.chosen(root, ["pins", "drift"]), [])
    if not locks.check(space) and all(finding.status == "warn" for finding in found):
        return []
    moved = locks.lock(space, [])
    names = (ROOT_MANIFEST, projects.LOCK)
    written = [*LOCKS, *(f"{path}/{name}" for path in space.projects for name in names)]
    Git(root).run("add", "--", *(path for path in written if (root / path).is_file()))
    return moved
