"""What a team accepts: exceptions with a reason and an end, and the baseline, which shrinks.

A rule that is new or sharper than before is adopted by `guard --baseline RULE`. The baseline then
has an entry of its own about that, `["baseline", RULE, "adopted …: 12 findings"]`, which reviewers
see: a change that brings a new one may have as many new entries of this rule, and no others.
"""

import contextlib
import datetime
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from monorepo.core import workspace
from monorepo.core.workspace import ROOT_MANIFEST, Package, Workspace
from monorepo.guard import catalog, findings
from monorepo.guard.findings import BASELINE, Finding, among, covers
from monorepo.guard.repository import Sources
from monorepo.parsing import data_formats
from monorepo.system import text_files
from monorepo.system.text_files import MalformedError
from monorepo.system.transaction import begin

# The longest that an exception lasts.
LONGEST = datetime.timedelta(days=366)
# An entry of the baseline: an id, a path and a message; and the id of those about adoptions.
Entry = tuple[str, str, str]
ADOPTED = "baseline"
_ADOPTION = re.compile(r"adopted \d{4}-\d\d-\d\d \d\d:\d\d: (\d+) findings?")
_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*tool\.monorepo\.allow[ \t]*\]\][^\n]*\n", re.MULTILINE)
_HEADER = re.compile(r"^(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*\[", re.MULTILINE)


class Allowed(NamedTuple):
    """An exception from a rule: `[[tool.monorepo.allow]]` in pyproject.toml."""

    id: str
    path: str
    reason: str
    until: datetime.date
    line: int = 0

    def covers(self, space: Workspace, finding: Finding) -> bool:
        """Return whether it applies to a finding: of this rule or id, in this file or package."""
        return covers(self.id, finding.id) and any(
            f"{path}/".startswith(f"{self.path}/") for path in space.aliases(finding.path)
        )


def today() -> datetime.date:
    """Return the date that the end of exceptions is compared with."""
    return datetime.datetime.now(tz=datetime.UTC).date()


def allowed(
    space: Workspace, now: datetime.date | None = None
) -> tuple[list[Allowed], list[Finding]]:
    """Return the valid exceptions, and a finding for each invalid one."""
    good, wrong = [], []
    entries = space.facts.get("allow", [])
    entries = entries if isinstance(entries, list) else [entries]
    for entry, line in zip(entries, _lines(space, len(entries)), strict=True):
        made = _allowed(space, entry if isinstance(entry, Mapping) else {}, line, now or today())
        if isinstance(made, Allowed):
            good.append(made)
        else:
            wrong.append(Finding(ROOT_MANIFEST, line, "allow", *made))
    return good, wrong


def _allowed(
    space: Workspace, entry: Mapping[str, object], line: int, now: datetime.date
) -> Allowed | tuple[str, str]:
    """Return an exception, or what is wrong with it and what to do."""
    given = [entry.get(key) for key in ("rule", "path", "reason")]
    until, last = entry.get("until"), now + LONGEST
    if not all(isinstance(text, str) and text.strip() for text in given):
        return "the exception has not rule, path and reason, each a string", "add them"
    rule, path, reason = map(str, given)
    path = path.rstrip("/")
    if not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
        return "the exception has no date as its end", f"write until = {last}"
    if until > last:
        return f"the exception ends on {until}, in more than a year", f"write until = {last}"
    if not catalog.is_known(space.root, rule):
        known = ", ".join(catalog.ids(space.root))
        return f"the exception is from {rule}, which is not a rule", f"there are {known}"
    if path not in (".", *space.broken) and space.packages.keys().isdisjoint(space.aliases(path)):
        if path in ("", "..") or (space.root / path).is_dir():
            return f"the exception is for {path}, a folder", "name a file or a package"
    return Allowed(rule, path, reason, until, line)


def _lines(space: Workspace, count: int) -> list[int]:
    """Return the line of each exception; 0 where they are written as one array."""
    text = text_files.peek(space.root, ROOT_MANIFEST) if count else ""
    lines = [text.count("\n", 0, header.start()) + 1 for header in _ENTRY.finditer(text)]
    return lines if len(lines) == count else [0] * count


def without(manifest: str, unused: Iterable[Allowed]) -> str:
    """Return the text of the root's manifest without some exceptions.

    Args:
        manifest: a valid TOML document.
        unused: valid exceptions of it.
    """
    listed = workspace.toml(manifest)["tool"]["monorepo"]["allow"]
    headers = [*_ENTRY.finditer(manifest)]
    # Written as one array, it is changed by hand: the rule says so.
    if len(headers) != len(listed):
        return manifest
    gone = {(one.id, one.path, one.reason) for one in unused}
    for header, entry in reversed([*zip(headers, listed, strict=True)]):
        path = str(entry.get("path", "")).rstrip("/")
        if (entry.get("rule"), path, entry.get("reason")) in gone:
            below = _HEADER.search(manifest, header.end())
            end = below.start() if below else len(manifest)
            manifest = manifest[: header.start()] + manifest[end:].lstrip("\n")
    return manifest.rstrip("\n") + "\n"


def excepted(
    space: Workspace, rules: Sequence[str], wrong: Sequence[Finding], now: datetime.date
) -> list[Finding]:
    """Return the findings that no valid exception covers, and what is wrong with exceptions.

    Args:
        space: the repository.
        rules: those that have checked everything, so that exceptions from them are used or not.
        wrong: all findings.
        now: the date.
    """
    exceptions, malformed = allowed(space, now)
    left = [*malformed, *_uncovered(space, exceptions, wrong, now)]
    for one in exceptions:
        what = f"the exception from {one.id} for {one.path}"
        if one.until < now:
            message, fix = f"{what} has expired on {one.until}", "fix what it hides"
        elif among(rules, one.id) and not any(one.covers(space, finding) for finding in wrong):
            message, fix = f"{what} is not used", "remove it"
        else:
            continue
        left.append(Finding(ROOT_MANIFEST, one.line, "allow", message, fix))
    return left


def _uncovered(
    space: Workspace, exceptions: Iterable[Allowed], wrong: Iterable[Finding], now: datetime.date
) -> list[Finding]:
    """Return the findings that no exception covers which has not expired."""
    valid = [one for one in exceptions if one.until >= now]
    return [one for one in wrong if not any(each.covers(space, one) for each in valid)]


def standing(space: Workspace, wrong: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are neither allowed today nor in the baseline.

    Raises:
        UsageError: the baseline is malformed.
    """
    left = _uncovered(space, allowed(space)[0], wrong, today())
    return list(above(read(space.root), left, ()))


def above(
    known: "Counter[Entry]", wrong: Sequence[Finding], whole: Sequence[str]
) -> Iterator[Finding]:
    """Yield the findings that are not in the baseline, and its entries that are fixed.

    Args:
        known: the baseline.
        wrong: all findings.
        whole: the rules and ids that have checked everything, so that missing findings are fixed.
    """
    known = known.copy()
    for finding in wrong:
        key = (finding.id, finding.path, finding.message)
        if known[key] > 0:
            known[key] -= 1
        else:
            yield finding
    for (finding_id, path, message), left in known.items():
        if left > 0 and among(whole, finding_id):
            gone = f"{path} no longer has: {message}"
            advice = "run sh tools/make/monorepo.sh guard --baseline, which makes it shorter"
            yield Finding(BASELINE, 0, finding_id, gone, advice)


def read(root: Path) -> "Counter[Entry]":
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


def _entries(text: str) -> "Counter[Entry]":
    return Counter((str(rule), str(path), str(message)) for rule, path, message in json.loads(text))


def _renamed(sources: Sources, commit: str) -> Callable[[Entry], Entry]:
    """Return what gives an entry of a commit the paths and the names that there are now."""
    options = ("--name-status", "-z", "--find-renames", "-l0", "--diff-filter=R", "--relative")
    told = iter(sources.git("diff", *options, commit) or ())
    files = {old: new for _, old, new in zip(told, told, told, strict=True)}
    words: dict[str, str] = {}
    for old, new in files.items():
        package = sources.space.packages.get(os.path.dirname(new))
        if package and new == package.manifest_path:
            with contextlib.suppress(MalformedError):
                text = "".join(sources.git("show", f"{commit}:./{old}") or ())
                manifest = data_formats.parse(old, text)
                was = Package(package.root, os.path.dirname(old), manifest)
                words |= {was.path: package.path, was.name: package.name}
                words |= {was.import_name: package.import_name}
    longest = sorted(words, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest)) or '(?!)'})(?![\w-])")

    def renamed(entry: Entry) -> Entry:
        rule, *texts = entry
        path, message = (pattern.sub(lambda word: words[word[0]], text) for text in texts)
        return rule, files.get(entry[1], path), message

    return renamed


def grown(sources: Sources, now: "Counter[Entry]") -> Iterator[Finding]:
    """Yield entries that the baseline of the last commit, or of its first parent, does not have.

    The first parent of a merge commit, as in CI, is the target branch.
    """
    if not now:
        return
    more = Counter[Entry]()
    for commit in ("HEAD", "HEAD^"):
        # Without a baseline there, this one is new, which is allowed.
        for text in sources.git("show", f"{commit}:./{BASELINE}") or ():
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                before = _entries(text)
                # What is moved or renamed makes no entry new.
                if now - before:
                    before = Counter(map(_renamed(sources, commit), before.elements()))
                more |= _not_adopted(now - before, now)
    rows = (sources.text(BASELINE) or "").splitlines()
    for rule, path, message in now:
        if not (count := more[rule, path, message]):
            continue
        entry = json.dumps([rule, path, message])
        places = [number for number, row in enumerate(rows, 1) if entry in row][-count:]
        for line in places or [0]:
            wrong = f"has a new entry: {rule}, {path}: {message}"
            advice = "remove the line and fix what it hides; the baseline may only shrink"
            yield Finding(BASELINE, line, "baseline", wrong, advice)


def _not_adopted(new: "Counter[Entry]", now: "Counter[Entry]") -> "Counter[Entry]":
    """Return the new entries but for those of rules that have been adopted with them."""
    for finding_id, scope, message in [*new]:
        adoption = _ADOPTION.fullmatch(message) if finding_id == ADOPTED else None
        mine = {entry: count for entry, count in now.items() if covers(scope, entry[0])}
        if adoption and sum(mine.values()) <= int(adoption[1]):
            new = Counter(
                {
                    entry: count
                    for entry, count in new.items()
                    if entry not in mine and entry != (ADOPTED, scope, message)
                }
            )
    return new


def forget(root: Path, path: str) -> None:
    """Take the entries of a file or a folder, which is gone, out of the baseline.

    Raises:
        UsageError: the baseline is malformed.
    """
    known = read(root)
    left = [one for one in known.elements() if not f"{one[1]}/".startswith(f"{path}/")]
    if len(left) < known.total():
        (root / BASELINE).write_text(findings.baseline(left), encoding="utf-8")


def adopt(
    space: Workspace, wrong: Sequence[Finding], rules: Sequence[str] = ()
) -> "Counter[Entry]":
    """Write the baseline: the findings that it has already, and all of some rules.

    Without a baseline, all findings of all rules. What an exception covers needs no entry.

    Args:
        space: the repository.
        wrong: the findings of all rules, without a baseline.
        rules: the rules or ids that are adopted anew.

    Returns:
        Its entries of findings.

    Raises:
        UsageError: the baseline that is there is malformed.
    """
    left = _uncovered(space, allowed(space)[0], wrong, today())
    found = Counter((one.id, one.path, one.message) for one in left if one.status == "error")
    is_new = not os.path.lexists(space.root / BASELINE)
    known = read(space.root)
    adopted = Counter({entry: count for entry, count in found.items() if among(rules, entry[0])})
    kept = found if is_new and not rules else adopted | (found & known)
    about = {
        entry
        for entry in known
        if entry[0] == ADOPTED and any(covers(entry[1], one) for one, _, _ in kept)
    }
    if not is_new and adopted - known:
        minute = f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d %H:%M}"
        for scope in rules:
            count = sum(number for entry, number in adopted.items() if covers(scope, entry[0]))
            about = {entry for entry in about if entry[1] != scope}
            what = f"adopted {minute}: {count} {'finding' if count == 1 else 'findings'}"
            about |= {(ADOPTED, scope, what)} if count else set()
    with begin(space.root) as change:
        change.write(BASELINE, findings.baseline([*kept.elements(), *about]))
        change.commit()
    return kept
