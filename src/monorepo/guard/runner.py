"""Run the rules; apply exceptions, the baseline and fixes."""

import contextlib
import datetime
import difflib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from monorepo.core.workspace import Workspace
from monorepo.guard import catalog
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.locking import pnpm_locks
from monorepo.system import terminal, text_files
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin

BASELINE = "guard-baseline.json"
# With this variable, a rule that breaks off ends the run with its traceback.
TRACEBACK = "MONOREPO_TRACEBACK"


class Allowed(NamedTuple):
    """An exception from a rule, as `[[tool.monorepo.allow]]` in pyproject.toml tells it."""

    rule: str
    path: str
    reason: str
    until: datetime.date

    def covers(self, finding: Finding) -> bool:
        """Return whether it is about a finding: of this rule, at this path or below."""
        inside = finding.path == self.path or finding.path.startswith(f"{self.path}/")
        return finding.rule == self.rule and inside


def guard(
    space: Workspace,
    rules: Sequence[str],
    packages: Sequence[str] = (),
    *,
    changed: bool = False,
    today: datetime.date | None = None,
) -> list[Finding]:
    """Run rules and return what they find, without what is allowed or in the baseline.

    Args:
        space: the repository.
        rules: ids.
        packages: paths; with any, what is found elsewhere is left out.
        changed: look only at what differs from the last commit.
        today: the day on which an exception has expired or not; by default, today.

    What is malformed, an exception or the baseline, is found as well.
    """
    exceptions, malformed = allowed(space)
    wrong = [*malformed, *found(space, rules, packages, changed=changed)]
    whole = not packages and not changed
    now = today or datetime.datetime.now(tz=datetime.UTC).date()
    used = {
        exception for exception in exceptions if any(exception.covers(finding) for finding in wrong)
    }
    for exception in exceptions:
        if exception.until < now:
            what = f"the exception from {exception.rule} for {exception.path}"
            message = f"{what} has expired on {exception.until}"
            wrong.append(Finding("pyproject.toml", 0, "allow", message, "fix what it hides"))
        elif whole and exception.rule in rules and exception not in used:
            message = f"the exception from {exception.rule} for {exception.path} is not used"
            wrong.append(Finding("pyproject.toml", 0, "allow", message, "remove it"))
    valid = [exception for exception in exceptions if exception.until >= now]
    wrong = [
        finding for finding in wrong if not any(exception.covers(finding) for exception in valid)
    ]
    try:
        known = read_baseline(space.root)
    except UsageError as error:
        _, line, message, fix = text_files.mistake(str(error))
        return sorted([*wrong, Finding(BASELINE, line, "unreadable", message, fix)])
    above = _above_baseline(known, wrong, rules if whole else ())
    return sorted([*above, *_grown(Sources(space), known)])


def standing(space: Workspace, wrong: Sequence[Finding]) -> list[Finding]:
    """Return those of what a rule finds that are neither allowed today nor in the baseline.

    Raises:
        UsageError: the baseline is malformed.
    """
    today = datetime.datetime.now(tz=datetime.UTC).date()
    valid = [exception for exception in allowed(space)[0] if exception.until >= today]
    left = [
        finding for finding in wrong if not any(exception.covers(finding) for exception in valid)
    ]
    return list(_above_baseline(read_baseline(space.root), left, ()))


def found(
    space: Workspace,
    rules: Sequence[str],
    packages: Sequence[str] = (),
    *,
    changed: bool = False,
) -> list[Finding]:
    """Return all that rules find, whether or not it is allowed; see `guard`."""
    sources = Sources(space, changed=changed)

    def find() -> Iterator[Finding]:
        return _found(sources, rules, packages, changed=changed)

    if changed or packages:
        wrong = list(find())
    else:
        # Where nothing at all has changed, the same is found.
        installed = [*sources.sites, pnpm_locks.STAMP]
        given = f"{sources.kept.digest([*sources.files, *installed])} {sources.ignored}"
        given += os.environ.get(TRACEBACK, "")
        wrong = sources.findings("pyproject.toml", f"found by {' '.join(rules)}", find, given)
        # Writing it takes longer than to look at what changed once more.
        sources.kept.save()
    return wrong


def _found(
    sources: Sources, rules: Sequence[str], packages: Sequence[str], *, changed: bool
) -> Iterator[Finding]:
    inside = tuple(f"{path}/" for path in packages)
    for rule in rules:
        find = partial(_of_rule, sources, rule, inside, changed=changed, alone=len(rules) == 1)
        for finding in _safely(rule, ".", find):
            if not inside or f"{finding.path}/".startswith(inside):
                yield _shown(finding)
    # Whichever rules were asked for: at what cannot be read, none of them has looked.
    unread = {**sources.notes}
    for problem in sources.space.problems:
        if not changed or problem.path in sources.changed:
            unread[problem.path] = Finding(
                problem.path, problem.line, "unreadable", problem.message, problem.fix
            )
    for path, note in sorted(unread.items()):
        if not inside or f"{path}/".startswith(inside):
            yield _shown(note)


def _of_rule(
    sources: Sources, rule: str, inside: tuple[str, ...], *, changed: bool, alone: bool
) -> Iterator[Finding]:
    """Yield what a rule finds in its subjects, as far as these are asked for."""
    module = catalog.load(sources.root, rule)
    subjects = module.subjects(sources)
    if not subjects and not changed and (alone or not getattr(module, "OPTIONAL", False)):
        advice = f"see monorepo explain {rule}"
        yield Finding(".", 0, rule, "nothing to check", advice, status="warn")
    for subject in subjects:
        if changed and not _touched(sources, subject):
            continue
        if inside and subject != "." and not f"{subject}/".startswith(inside):
            continue
        yield from _safely(rule, subject, partial(module.check, sources, subject))


def _safely(rule: str, subject: str, find: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what a rule finds; if it ends on a subject, that is a finding and hides no other."""
    try:
        yield from find()
    except UsageError as error:
        for mistake in error.mistakes:
            path, line, message, fix = text_files.mistake(mistake)
            yield Finding(path, line, rule, message, fix)
    except Exception as error:
        # The environment's fault, and that of all our rules alike.
        if isinstance(error, ModuleNotFoundError) and rule in catalog.RULES:
            raise
        # A defect of the rule, which its tests are to see as one.
        if os.environ.get(TRACEBACK):
            raise
        message = f"the rule broke off here ({type(error).__name__}: {error})"
        advice = f"report it, with what {TRACEBACK}=1 make guard prints"
        yield Finding(subject, 0, rule, message, advice)


def _shown(finding: Finding) -> Finding:
    """Return a finding whose texts can be shown; a name that is no text cannot be mended by it."""
    path, message, fix = map(terminal.line, (finding.path, finding.message, finding.fix))
    if (path, message, fix) == (finding.path, finding.message, finding.fix):
        return finding
    lines = finding.lines if path == finding.path else None
    return replace(finding, path=path, message=message, fix=fix, lines=lines)


def _touched(sources: Sources, subject: str) -> bool:
    """Return whether a subject, or anything in it, has changed."""
    if subject == "." or subject in sources.changed:
        return bool(sources.changed)
    return any(path.startswith(f"{subject}/") for path in sources.changed)


def allowed(space: Workspace) -> tuple[list[Allowed], list[Finding]]:
    """Return the exceptions, and what is wrong with those that are malformed or of no rule."""
    good, wrong = [], []
    known = catalog.ids(space.root)
    entries = space.facts.get("allow", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        table = entry if isinstance(entry, Mapping) else {}
        given = [table.get(key) for key in ("rule", "path", "reason")]
        until = table.get("until")
        problem = ""
        if not all(isinstance(text, str) and text.strip() for text in given):
            problem = "wants rule, path and reason, each a text; add them"
        elif not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
            problem = "wants a date; write until = 2027-01-31"
        elif table["rule"] not in known:
            problem = f"is about no rule; there are {', '.join(known)}"
        else:
            rule, path, reason = map(str, given)
            good.append(Allowed(rule, path.rstrip("/"), reason, until))
        if problem:
            message, _, fix = f"[[tool.monorepo.allow]] number {number} {problem}".partition("; ")
            wrong.append(Finding("pyproject.toml", 0, "allow", message, fix))
    return good, wrong


def _above_baseline(
    known: "Counter[tuple[str, str, str]]", found: Sequence[Finding], whole: Sequence[str]
) -> Iterator[Finding]:
    """Yield what the baseline does not have, and what it has that is found no longer.

    Args:
        known: the baseline.
        found: what was found.
        whole: the rules that have looked at everything, so that what they miss is mended.
    """
    known = known.copy()
    for finding in found:
        key = (finding.rule, finding.path, finding.message)
        if known[key] > 0:
            known[key] -= 1
        else:
            yield finding
    for (rule, path, message), left in known.items():
        if left > 0 and rule in whole:
            gone = f"{path} has no longer: {message}"
            advice = "run sh tools/make/monorepo.sh guard --baseline, which makes it shorter"
            yield Finding(BASELINE, 0, rule, gone, advice)


def read_baseline(root: Path) -> "Counter[tuple[str, str, str]]":
    """Return how often each rule, path and message stand in the baseline.

    Raises:
        UsageError: it is malformed.
    """
    if not os.path.lexists(root / BASELINE):
        return Counter()
    text = text_files.read(root, BASELINE)
    try:
        return _entries(text)
    except (ValueError, TypeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        raise text_files.malformed(text, line, "is not a list of findings").of(BASELINE) from error


def _entries(text: str) -> "Counter[tuple[str, str, str]]":
    return Counter((str(rule), str(path), str(message)) for rule, path, message in json.loads(text))


def _grown(sources: Sources, now: "Counter[tuple[str, str, str]]") -> Iterator[Finding]:
    """Yield what the baseline has and that of the last commit, or of its first parent, has not.

    The parent is for a merge, as in CI: it is the branch that the commit goes to.
    """
    if not now:
        return
    more = Counter[tuple[str, str, str]]()
    for commit in ("HEAD", "HEAD^"):
        # Where there was none, one may have been adopted.
        for text in sources.git("show", f"{commit}:./{BASELINE}") or ():
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                more |= now - _entries(text)
    rows = (sources.text(BASELINE) or "").splitlines()
    for (rule, path, message), count in more.items():
        entry = json.dumps([rule, path, message])
        places = [number for number, row in enumerate(rows, 1) if entry in row][-count:]
        for line in places or [0]:
            wrong = f"has been given more: {rule}, {path}: {message}"
            advice = "remove the line and fix what it hides; the list only becomes shorter"
            yield Finding(BASELINE, line, "baseline", wrong, advice)


def write_baseline(space: Workspace, found: Sequence[Finding]) -> int:
    """Write the baseline: what is found now, but nothing that an older one does not have.

    Args:
        space: the repository.
        found: what all rules find, without a baseline.

    Returns:
        How many findings it holds.
    """
    now = Counter(
        (finding.rule, finding.path, finding.message)
        for finding in found
        if finding.status == "error"
    )
    if (space.root / BASELINE).exists():
        now &= read_baseline(space.root)
    lines = sorted(now.elements())
    text = "[\n" + ",\n".join(f"  {json.dumps(line)}" for line in lines) + "\n]\n"
    with begin(space.root) as change:
        change.write(BASELINE, text)
        change.commit()
    return len(lines)


def apply_fixes(space: Workspace, found: Sequence[Finding]) -> list[str]:
    """Apply the fixes that findings carry, all of them or none.

    Returns:
        The difference that it made, as `diff -u` shows it.
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
