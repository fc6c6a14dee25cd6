"""`make upgrade`, from its words to its exit code.

The new version always does the merge: the installed one finds it, unpacks it in a temporary folder
and executes it. So no code runs that the merge itself changes.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monorepo.core import engine, workspace
from monorepo.core.workspace import Workspace
from monorepo.programs.git import Git
from monorepo.system import transaction
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say, without_make
from monorepo.upgrading import records, versions
from monorepo.upgrading.versions import Release

# What merges reads files of the template, and is imported once these are unpacked.
if TYPE_CHECKING:
    from monorepo.upgrading.merge import Base, Outcome

_PREFIX = "monorepo-upgrade-"


@dataclass(frozen=True)
class Request:
    """The options of the command; see the README of a repository's `tools`.

    Attributes:
        to: a version, the path of a wheel, or nothing for the newest release.
        wheel: the running engine, if it is the new version.
        packages: the packages to upgrade; empty for all.
        given: new answers to questions.
        origin: for a repository without a record, the candidates that it was made from.
        answers: for a repository without a record, its answers.
        dry_run: change nothing.
        check: only report whether the repository is behind.
        as_json: print the outcome as JSON.
    """

    to: str
    wheel: str
    packages: tuple[str, ...]
    given: Mapping[str, str]
    origin: str
    answers: Mapping[str, str]
    dry_run: bool
    check: bool
    as_json: bool


def run(root: Path, request: Request) -> int:
    """Run the command; return the exit code: 1 while there are conflicts.

    Raises:
        UsageError: something in the request or in the repository is wrong; nothing has changed.
        TaskError: a program failed; nothing has changed.
    """
    if not request.wheel:
        _start(root, request.to)
    wheel = Path(request.wheel)
    try:
        from monorepo.layout import worktrees

        with worktrees.workshop(root, "upgrade") as work:
            return _run(root, versions.read(wheel), request, work)
    finally:
        if wheel.parent.name.startswith(_PREFIX):
            shutil.rmtree(wheel.parent, ignore_errors=True)


def adopt(root: Path, path: str, *, dry_run: bool) -> int | None:
    """Give a repository what its template has for the first package of an area, by an upgrade.

    It stays at its version: what differs is the answer to `packages`. So a repository without apps,
    services or JavaScript has nothing about them until it gets one.

    Args:
        root: the repository.
        path: the package to be, in the grouped layout, such as `apps/py/report`.
        dry_run: change nothing, and print what would change.

    Returns:
        The exit code of the upgrade; None if there is no record to start from.
    """
    record = records.of_root(root)
    if record is None or "packages" not in record.answers:
        return None
    say(f"{path}: is the first of its kind here; following the template for it")
    return _answer(root, f"packages={record.answers['packages']} {path}", dry_run=dry_run)


def adopt_manifests(root: Path, *, dry_run: bool) -> int | None:
    """Give a repository what its template has where packages have manifests in EDN, likewise.

    Returns:
        The exit code of the upgrade; None if there is no record to start from.
    """
    if records.of_root(root) is None:
        return None
    say("package.edn: is the first one here; following the template for it")
    return _answer(root, "manifests=edn", dry_run=dry_run)


def _answer(root: Path, answer: str, *, dry_run: bool) -> int:
    """Follow the template at the same version with another answer; return the exit code."""
    given = {"TO": str(root / engine.read(root).path), "SET": shlex.quote(answer), "PKG": ""}
    env = {**without_make(), **given, "DRY_RUN": "1" if dry_run else "", "CHECK": "", "FROM": ""}
    command = ["sh", str(root / "tools/make/monorepo.sh"), "upgrade"]
    return subprocess.run(
        command, cwd=root, env=env, stdin=subprocess.DEVNULL, check=False
    ).returncode


def name_places(root: Path, before: Workspace) -> None:
    """Have documents that `adopt` has changed call new packages in the flat layout by their paths.

    Args:
        root: the repository with the packages.
        before: the same without them.
    """
    from monorepo.layout import places
    from monorepo.layout.rewriting import Rewriting

    every = places.of_flat(workspace.load(root))
    new = {path: place for path, place in every.items() if path not in before.by_grouped}
    rewriting, git = Rewriting(new, (), ()), Git(root)
    with transaction.begin(root) as change:
        for file in (os.path.relpath(git.top / path, root) for path in git.changed()):
            if file.endswith(".md") and (root / file).is_file():
                change.write(file, rewriting.text(file, change.read(file)))
        change.commit()


def _start(root: Path, to: str) -> None:
    """Go on as the version that is asked for, unpacked in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        # What is begun is finished first.
        begun = _State(root).read()
        release = versions.current(root) if begun else versions.wanted(root, to, folder)
        wheel = folder / release.wheel.name
        shutil.copyfile(release.wheel, wheel)
        copy = versions.read(wheel)
        if copy.sha256 != release.sha256:
            raise UsageError(f"{release.wheel}: has changed meanwhile; run this again")
        unpacked = versions.unpack(copy, folder / "engine")
        if not (unpacked / "monorepo/upgrading").is_dir():
            message = "is older than this command; undo an upgrade with git"
            raise UsageError(f"TO={release.version}: {message}")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    versions.start(unpacked, [*sys.argv[1:], "--wheel", str(wheel)])


def _run(root: Path, release: Release, request: Request, work: Path) -> int:
    from monorepo.templating import changelog
    from monorepo.upgrading import merge, plans

    transaction.recover(root)
    state = _State(root)
    if (noted := state.read()) and not request.check:
        return _go_on(root, noted, work)
    base = _base(root, request, release, work)
    named = merge.named_engine(root)
    behind = versions.number(base.record.version, records.ROOT)
    if behind > release.version:
        message = f"is older than {behind}, which this repository has; undo an upgrade with git"
        raise UsageError(f"TO={release.version}: {message}")
    space = workspace.load(root)
    same = named and named.sha256 == release.sha256 and behind == release.version
    followed = plans.plan(space, release.version, ()).followed
    if same and not followed and not request.given:
        print(f"the repository is in step with version {release.version} of its template")
        return 0
    if request.check:
        print(f"the repository is behind version {release.version} of its template")
        print("".join(f"  {path} is behind its kind\n" for path in followed if same), end="")
        print(changelog.between(changelog.text(), str(behind), str(release.version)))
        return 1
    outcome = merge.begin(
        root,
        release,
        base,
        only=request.packages,
        given=request.given,
        work=work,
        note=None if request.dry_run else lambda outcome: state.begin(outcome, release),
    )
    if request.as_json:
        print(json.dumps({"schema_version": 1, **asdict(outcome)}, indent=2), flush=True)
    else:
        print(_summary(outcome, request.dry_run), flush=True)
    if outcome.conflicts or request.dry_run:
        return 1 if outcome.conflicts else 0
    return _lock(root, outcome.new)


def _go_on(root: Path, noted: Mapping[str, str], work: Path) -> int:
    """Go on with an upgrade that had conflicts; return the exit code."""
    from monorepo.upgrading import merge

    if conflicts := merge.unresolved(root):
        print(_conflict_report(conflicts))
        return 1
    # Both sides of a conflict have the record as it was.
    if (record := records.of_root(root)) and record.version != noted["new"]:
        message = f"has version {record.version} again; write version = {noted['new']!r} there"
        raise UsageError(f"{records.ROOT}: {records.TABLE}: {message}")
    if noted["steps"]:
        done = {**noted, "steps": ""}
        note = partial(_State(root).write, done)
        merge.take_steps(root, noted["old"], noted["new"], work, note)
    print(f"all conflicts of the upgrade from {noted['old']} to {noted['new']} are resolved")
    return _lock(root, noted["new"])


def _base(root: Path, request: Request, release: Release, work: Path) -> "Base":
    """Return what the repository was made from: its record, or what `find` finds.

    Raises:
        UsageError: there is neither a record nor FROM, or nothing fits.
    """
    from monorepo.upgrading import origin
    from monorepo.upgrading.merge import Base

    record = records.of_root(root)
    if record and record.version and not request.origin:
        return Base(record)
    if not request.origin:
        message = "is missing, so that it is unknown what this repository was made from"
        advice = "give FROM=<a wheel, or a clone of the template> and ANSWERS"
        raise UsageError(f"{records.ROOT}: {records.TABLE}: {message}; {advice}")
    space = workspace.load(root)
    return origin.find(space, request.origin, request.answers, release.version, work)


def _lock(root: Path, new: str) -> int:
    """Bring the locks in step, and say what is next; return the exit code."""
    from monorepo.upgrading import merge

    try:
        moved = merge.lock(root)
    except (TaskError, UsageError):
        say("upgrade: all is merged but the locks; run make upgrade again to bring them in step")
        raise
    _State(root).clear()
    for line in moved:
        say(line)
    say(f"next: git diff --staged, make check, git commit -m 'Follow the template to {new}'")
    return 0


class _State:
    """The state of an unfinished upgrade at `root`, in git's own directory."""

    def __init__(self, root: Path) -> None:
        """Take the root of the repository."""
        self.root, self.file = root, transaction.record(root, "upgrading")

    def begin(self, outcome: "Outcome", release: Release) -> None:
        """Record an upgrade that is about to be applied."""
        steps = "to be taken" if outcome.conflicts and outcome.steps else ""
        noted = {"old": outcome.old, "new": outcome.new, "steps": steps}
        self.write({**noted, "sha256": release.sha256, "head": Git(self.root).head})

    def write(self, noted: Mapping[str, str]) -> None:
        """Record the state."""
        draft = self.file.with_name(f"{self.file.name}.draft")
        draft.write_text(json.dumps(noted), encoding="utf-8")
        draft.rename(self.file)

    def read(self) -> Mapping[str, str] | None:
        """Return the state; None if there is none, or the upgrade was undone or never applied."""
        try:
            noted = dict(json.loads(self.file.read_text(encoding="utf-8")))
            git = Git(self.root)
            undone = noted["head"] == git.head and not git.changed()
            if noted["sha256"] == engine.read(self.root).sha256 and not undone:
                return noted
        except (OSError, ValueError, KeyError, TypeError, UsageError, TaskError):
            pass
        self.clear()
        return None

    def clear(self) -> None:
        """Remove the state."""
        self.file.unlink(missing_ok=True)


def _summary(outcome: "Outcome", dry_run: bool) -> str:
    """Return the outcome as text."""
    done = f"upgraded from {outcome.old} to {outcome.new}"
    if outcome.old == outcome.new:
        done = f"changed, at version {outcome.new}"
    would = "would be " if dry_run else ""
    lines = [would + done, "", outcome.diffstat.rstrip(), ""]
    lines += [f"question {key}: answered with {value!r}" for key, value in outcome.asked.items()]
    lines += [f"question {key}: is asked no longer" for key in outcome.dropped]
    lines += [f"step: {step}" for step in outcome.steps]
    lines += [f"{path}: stays deleted" for path in outcome.deleted]
    lines += [f"{path}: does not follow: {reason}" for path, reason in outcome.left.items()]
    if outcome.conflicts:
        lines += ["", _conflict_report(outcome.conflicts)]
    return "\n".join(lines)


def _conflict_report(conflicts: Mapping[str, str]) -> str:
    """Return the conflicts as text, and how to go on."""
    rows = [f"  {path}: {what}" for path, what in conflicts.items()]
    again = "make upgrade"
    names = {path.rpartition("/")[2] for path in conflicts}
    if names & {"monorepo.sh", "environment.sh", "engine.py"}:
        again = ".venv/bin/uvx --from ./tools/*.whl monorepo upgrade"
    elif any(name == "Makefile" or name.endswith(".mk") for name in names):
        again = "sh tools/make/monorepo.sh upgrade"
    return "\n".join(
        [
            f"conflicts in {len(conflicts)} files:" if len(conflicts) > 1 else "a conflict:",
            *rows,
            f"Resolve, then run {again} to go on. git reset --hard undoes the whole upgrade.",
        ]
    )
