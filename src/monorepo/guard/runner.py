"""Run the rules; apply exceptions, the baseline and fixes."""

import contextlib
import datetime
import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from monorepo.core.workspace import Workspace
from monorepo.guard import catalog, findings
from monorepo.guard.findings import BASELINE as BASELINE
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.locking import pnpm_locks
from monorepo.system import terminal, text_files
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin

# An entry of the baseline: an id, a path and a message.
Entry = tuple[str, str, str]
# With this variable, an error in a rule ends the run with its traceback.
TRACEBACK = "MONOREPO_TRACEBACK"


class Allowed(NamedTuple):
    """An exception from a rule: `[[tool.monorepo.allow]]` in pyproject.toml."""

    id: str
    path: str
    reason: str
    until: datetime.date

    def covers(self, space: Workspace, finding: Finding) -> bool:
        """Return whether it applies to a finding: of this rule or id, at this path or below."""
        return findings.covers(self.id, finding.id) and any(
            f"{path}/".startswith(f"{self.path}/") for path in space.aliases(finding.path)
        )


def guard(
    space: Workspace,
    rules: Sequence[str],
    packages: Sequence[str] = (),
    *,
    changed: bool = False,
    today: datetime.date | None = None,
) -> list[Finding]:
    """Run rules and return their findings, without exceptions and the baseline.

    Malformed exceptions, or a malformed baseline, are findings as well.

    Args:
        space: the repository.
        rules: rules, or ids of their problems.
        packages: paths of packages; findings elsewhere are left out. None given means all.
        changed: check only what differs from the last commit.
        today: the date to compare with the end of exceptions; by default, today.
    """
    exceptions, malformed = allowed(space)
    wrong = [*malformed, *found(space, rules, packages, changed=changed)]
    whole = not packages and not changed
    now = today or datetime.datetime.now(tz=datetime.UTC).date()
    used = {
        exception
        for exception in exceptions
        if any(exception.covers(space, finding) for finding in wrong)
    }
    for exception in exceptions:
        if exception.until < now:
            what = f"the exception from {exception.id} for {exception.path}"
            message = f"{what} has expired on {exception.until}"
            wrong.append(Finding("pyproject.toml", 0, "allow", message, "fix what it hides"))
        elif whole and _among(rules, exception.id) and exception not in used:
            message = f"the exception from {exception.id} for {exception.path} is not used"
            wrong.append(Finding("pyproject.toml", 0, "allow", message, "remove it"))
    wrong = _without_allowed(space, exceptions, wrong, now)
    try:
        known = read_baseline(space.root)
    except UsageError as error:
        _, line, message, fix = text_files.mistake(str(error))
        return sorted([*wrong, Finding(BASELINE, line, "unreadable", message, fix)])
    above = _above_baseline(known, wrong, rules if whole else ())
    return sorted([*above, *_grown(Sources(space), known)])


def standing(space: Workspace, wrong: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are neither allowed today nor in the baseline.

    Raises:
        UsageError: the baseline is malformed.
    """
    today = datetime.datetime.now(tz=datetime.UTC).date()
    left = _without_allowed(space, allowed(space)[0], wrong, today)
    return list(_above_baseline(read_baseline(space.root), left, ()))


def _without_allowed(
    space: Workspace,
    exceptions: Iterable[Allowed],
    wrong: Iterable[Finding],
    today: datetime.date,
) -> list[Finding]:
    """Return the findings that no exception covers which has not expired."""
    valid = [exception for exception in exceptions if exception.until >= today]
    return [
        finding
        for finding in wrong
        if not any(exception.covers(space, finding) for exception in valid)
    ]


def found(
    space: Workspace,
    rules: Sequence[str],
    packages: Sequence[str] = (),
    *,
    changed: bool = False,
) -> list[Finding]:
    """Return all findings, also allowed ones; see `guard`."""
    sources = Sources(space, changed=changed)

    def find() -> Iterator[Finding]:
        return _found(sources, rules, packages, changed=changed)

    if changed or packages:
        wrong = list(find())
    else:
        # If nothing has changed, the findings of the last run are used.
        installed = [*sources.sites, pnpm_locks.STAMP]
        given = f"{sources.kept.digest([*sources.files, *installed])} {sources.ignored}"
        given += os.environ.get(TRACEBACK, "")
        wrong = sources.findings("pyproject.toml", f"found by {' '.join(rules)}", find, given)
        # Writing takes longer than checking changed files again, so only full runs write.
        sources.kept.save()
    return wrong


def _found(
    sources: Sources, rules: Sequence[str], packages: Sequence[str], *, changed: bool
) -> Iterator[Finding]:
    inside = tuple(f"{path}/" for path in packages)
    names = dict.fromkeys(chosen.partition(".")[0] for chosen in rules)
    for rule in names:
        find = partial(_of_rule, sources, rule, inside, changed=changed, alone=len(names) == 1)
        for finding in _safely(rule, ".", find):
            if finding.rule == rule and not _among(rules, finding.id):
                continue
            if not inside or f"{finding.path}/".startswith(inside):
                yield _shown(finding)
    # Report unreadable files for any selection of rules, because none has checked them.
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
    """Yield the findings of a rule in the selected subjects."""
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
    """Yield the findings of a rule; an error in it becomes a finding as well."""
    try:
        yield from find()
    except UsageError as error:
        for mistake in error.mistakes:
            path, line, message, fix = text_files.mistake(mistake)
            yield Finding(path, line, rule, message, fix)
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


def _among(rules: Iterable[str], finding_id: str) -> bool:
    """Return whether an id is one of `rules`, or of one of them."""
    return any(findings.covers(rule, finding_id) for rule in rules)


def _touched(sources: Sources, subject: str) -> bool:
    """Return whether a subject, or anything in it, has changed."""
    if subject == "." or subject in sources.changed:
        return bool(sources.changed)
    return any(path.startswith(f"{subject}/") for path in sources.changed)


def allowed(space: Workspace) -> tuple[list[Allowed], list[Finding]]:
    """Return the valid exceptions, and a finding for each invalid one."""
    good, wrong = [], []
    entries = space.facts.get("allow", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], start=1):
        table = entry if isinstance(entry, Mapping) else {}
        given = [table.get(key) for key in ("rule", "path", "reason")]
        until = table.get("until")
        problem = ""
        if not all(isinstance(text, str) and text.strip() for text in given):
            problem = "needs rule, path and reason, each a string; add them"
        elif not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
            problem = "needs a date; write until = 2027-01-31"
        elif not catalog.is_known(space.root, table["rule"]):
            known = ", ".join(catalog.ids(space.root))
            problem = f"names an unknown rule; there are {known}"
        else:
            rule, path, reason = map(str, given)
            good.append(Allowed(rule, path.rstrip("/"), reason, until))
        if problem:
            message, _, fix = f"[[tool.monorepo.allow]] number {number} {problem}".partition("; ")
            wrong.append(Finding("pyproject.toml", 0, "allow", message, fix))
    return good, wrong


def _above_baseline(
    known: "Counter[Entry]", found: Sequence[Finding], whole: Sequence[str]
) -> Iterator[Finding]:
    """Yield the findings that are not in the baseline, and its entries that are fixed.

    Args:
        known: the baseline.
        found: all findings.
        whole: the rules and ids that have checked everything, so that missing findings are fixed.
    """
    known = known.copy()
    for finding in found:
        key = (finding.id, finding.path, finding.message)
        if known[key] > 0:
            known[key] -= 1
        else:
            yield finding
    for (finding_id, path, message), left in known.items():
        if left > 0 and _among(whole, finding_id):
            gone = f"{path} no longer has: {message}"
            advice = "run sh tools/make/monorepo.sh guard --baseline, which makes it shorter"
            yield Finding(BASELINE, 0, finding_id, gone, advice)


def read_baseline(root: Path) -> "Counter[Entry]":
    """Return how often each id, path and message occurs in the baseline.

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


def _grouped(space: Workspace) -> Callable[[Entry], Entry]:
    """Return what gives an entry as if all packages were in the grouped layout."""
    moved = {one.path: one.grouped for one in space.packages.values() if one.is_flat}
    names = re.compile("|".join(rf"\b{re.escape(path)}(?![\w-])" for path in moved) or "(?!)")

    def grouped(entry: Entry) -> Entry:
        rule, *texts = entry
        path, message = (names.sub(lambda name: moved[name[0]], text) for text in texts)
        return rule, path, message

    return grouped


def _entries(text: str) -> "Counter[Entry]":
    return Counter((str(rule), str(path), str(message)) for rule, path, message in json.loads(text))


def _grown(sources: Sources, now: "Counter[Entry]") -> Iterator[Finding]:
    """Yield entries that the baseline of the last commit, or of its first parent, does not have.

    The first parent of a merge commit, as in CI, is the target branch.
    """
    if not now:
        return
    # A move to the other layout makes no entry new.
    grouped = _grouped(sources.space)
    entries = Counter({grouped(entry): count for entry, count in now.items()})
    more = Counter[Entry]()
    for commit in ("HEAD", "HEAD^"):
        # Without a baseline there, this one is new, which is allowed.
        for text in sources.git("show", f"{commit}:./{BASELINE}") or ():
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                before = Counter(grouped(entry) for entry in _entries(text).elements())
                more |= entries - before
    rows = (sources.text(BASELINE) or "").splitlines()
    for rule, path, message in now:
        if not (count := more[grouped((rule, path, message))]):
            continue
        entry = json.dumps([rule, path, message])
        places = [number for number, row in enumerate(rows, 1) if entry in row][-count:]
        for line in places or [0]:
            wrong = f"has a new entry: {rule}, {path}: {message}"
            advice = "remove the line and fix what it hides; the baseline may only shrink"
            yield Finding(BASELINE, line, "baseline", wrong, advice)


def write_baseline(space: Workspace, found: Sequence[Finding]) -> int:
    """Write the baseline: the current findings that are also in an existing baseline.

    What an exception covers needs no entry.

    Args:
        space: the repository.
        found: the findings of all rules, without a baseline.

    Returns:
        The number of findings in it.
    """
    today = datetime.datetime.now(tz=datetime.UTC).date()
    now = Counter(
        (finding.id, finding.path, finding.message)
        for finding in _without_allowed(space, allowed(space)[0], found, today)
        if finding.status == "error"
    )
    if (space.root / BASELINE).exists():
        now &= read_baseline(space.root)
    with begin(space.root) as change:
        change.write(BASELINE, findings.baseline(now.elements()))
        change.commit()
    return now.total()


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
