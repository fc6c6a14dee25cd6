"""`make upgrade`, from its words to its exit code.

What merges is always the new version: the one that a repository has finds it, unpacks it aside, and
goes on as that. So no code runs that the merge itself changes.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monorepo.core import engine, workspace
from monorepo.system import transaction
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say
from monorepo.upgrading import records, versions
from monorepo.upgrading.versions import Release

# What merges reads files of the template, and is imported once these are unpacked.
if TYPE_CHECKING:
    from monorepo.upgrading.merge import Base, Outcome

_PREFIX = "monorepo-upgrade-"


@dataclass(frozen=True)
class Request:
    """What a person asks for; see the README of a repository's `tools`.

    Attributes:
        to: a version, the path of a wheel, or nothing for the newest release.
        wheel: that of the running engine, if it is the one that merges.
        packages: those that are to follow; none for all.
        given: answers to questions.
        origin: for a repository without a record, what it was made from.
        answers: and with which answers.
        dry_run: whether nothing is to change.
        check: whether to say only if there is anything to follow.
        as_json: whether the outcome is for programs.
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
    """Do what is asked for; return the exit code: 1 while there is something to decide.

    Raises:
        UsageError: something in the request or in the repository is wrong; nothing has changed.
        TaskError: a program failed; nothing has changed.
    """
    if not request.wheel:
        _start(root, request.to)
    from monorepo.upgrading import merge

    wheel = Path(request.wheel)
    try:
        with merge.workshop(root) as work:
            return _run(root, versions.read(wheel), request, work)
    finally:
        if wheel.parent.name.startswith(_PREFIX):
            shutil.rmtree(wheel.parent, ignore_errors=True)


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
    base = _base(root, request, work)
    named = engine.read(root)
    behind = versions.number(base.record.version, records.ROOT)
    if behind > release.version:
        message = f"is older than {behind}, which this repository has; undo an upgrade with git"
        raise UsageError(f"TO={release.version}: {message}")
    space = workspace.load(root)
    same = named.sha256 == release.sha256 and behind == release.version and not base.rendering
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
    told = json.dumps({"schema_version": 1, **asdict(outcome)}, indent=2)
    print(told if request.as_json else _told(outcome, request.dry_run), flush=True)
    if outcome.conflicts or request.dry_run:
        return 1 if outcome.conflicts else 0
    return _lock(root, outcome.new)


def _go_on(root: Path, noted: Mapping[str, str], work: Path) -> int:
    """Go on with an upgrade that had something to decide; return the exit code."""
    from monorepo.upgrading import merge

    if conflicts := merge.unresolved(root):
        print(_decide(conflicts))
        return 1
    if noted["steps"]:
        done = {**noted, "steps": ""}
        note = partial(_State(root).write, done)
        merge.take_steps(root, noted["old"], noted["new"], work, note)
    print(f"nothing is left to decide of the upgrade from {noted['old']} to {noted['new']}")
    return _lock(root, noted["new"])


def _base(root: Path, request: Request, work: Path) -> "Base":
    """Return what the repository was made from, as it records or as it looks.

    Raises:
        UsageError: neither is known.
    """
    from monorepo.upgrading import origin
    from monorepo.upgrading.merge import Base

    record = records.of_root(root)
    if record and record.version and not request.origin:
        return Base(record)
    if not request.origin:
        message = "does not say what this repository was made from"
        advice = "give FROM=<a wheel, or a clone of the template> and ANSWERS"
        raise UsageError(f"{records.ROOT}: {records.TABLE}: {message}; {advice}")
    return origin.find(workspace.load(root), request.origin, request.answers, work)


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
    say(f"next: git diff --staged, make check, git commit -m 'Upgrade the template to {new}'")
    return 0


class _State:
    """What is left to do of an upgrade at `root`, as it is noted in git's own directory."""

    def __init__(self, root: Path) -> None:
        """Know where it is noted."""
        self.root, self.file = root, transaction.record(root, "upgrading")

    def begin(self, outcome: "Outcome", release: Release) -> None:
        """Note an upgrade, before it is put in place."""
        steps = "to be taken" if outcome.conflicts and outcome.steps else ""
        noted = {"old": outcome.old, "new": outcome.new, "sha256": release.sha256}
        self.write({**noted, "steps": steps})

    def write(self, noted: Mapping[str, str]) -> None:
        """Note what is left to do."""
        draft = self.file.with_name(f"{self.file.name}.draft")
        draft.write_text(json.dumps(noted), encoding="utf-8")
        draft.rename(self.file)

    def read(self) -> Mapping[str, str] | None:
        """Return what is noted, unless the upgrade was undone or never put in place."""
        try:
            noted = dict(json.loads(self.file.read_text(encoding="utf-8")))
            if noted["sha256"] == engine.read(self.root).sha256:
                return noted
        except (OSError, ValueError, KeyError, TypeError, UsageError):
            pass
        self.clear()
        return None

    def clear(self) -> None:
        """Note that nothing is left."""
        self.file.unlink(missing_ok=True)


def _told(outcome: "Outcome", dry_run: bool) -> str:
    """Return what was done, for people."""
    done = "would be upgraded" if dry_run else "upgraded"
    lines = [f"{done} from {outcome.old} to {outcome.new}", "", outcome.diffstat.rstrip(), ""]
    lines += [f"question {key}: answered with {value!r}" for key, value in outcome.asked.items()]
    lines += [f"question {key}: is asked no longer" for key in outcome.dropped]
    lines += [f"step: {step}" for step in outcome.steps]
    lines += [f"{path}: stays deleted" for path in outcome.deleted]
    lines += [f"{path}: does not follow: {reason}" for path, reason in outcome.left.items()]
    if outcome.conflicts:
        lines += ["", _decide(outcome.conflicts)]
    return "\n".join(lines)


def _decide(conflicts: Mapping[str, str]) -> str:
    """Return what is left to decide, and how to go on."""
    rows = [f"  {path}: {what}" for path, what in conflicts.items()]
    again = "make upgrade"
    if any(path.endswith(("Makefile", ".mk")) for path in conflicts):
        again = "make upgrade (if make does not start: sh tools/make/monorepo.sh upgrade)"
    return "\n".join(
        [
            f"{len(conflicts)} to decide:",
            *rows,
            f"Then run {again} to go on. git reset --hard undoes all of the upgrade.",
        ]
    )
