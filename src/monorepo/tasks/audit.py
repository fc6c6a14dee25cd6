"""Find known vulnerabilities of what is pinned, with pip-audit and `pnpm audit`.

Advisories come from OSV and the npm registry. No answer is an error, never a good sign. A name that
a private index has is nobody else's business, and not asked about.
"""

import datetime
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from monorepo.core import hashes, naming
from monorepo.core.hashes import HASHES, PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import ROOT_MANIFEST, Workspace
from monorepo.environments import program
from monorepo.guard import findings
from monorepo.guard.findings import Finding
from monorepo.locking import gpu, movement, pnpm_locks, projects
from monorepo.programs import indexes, pnpm
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import reason, say, show

GROUP = "audit"
# The only variable of pip-audit that counts: where the advisories are.
_URL = "PIP_AUDIT_OSV_URL"


_VULNERABLE = "audit.vulnerable"
_IGNORE = "[[tool.monorepo.audit.ignore]]"


class Advisory(NamedTuple):
    """A known vulnerability of a pin.

    Attributes:
        name: the name of the pin.
        version: its version.
        ids: the names of the vulnerability; CVE-…, which people search for, is the first.
        fixed: the versions that have it no longer, as text.
        lock: the file that pins it.
    """

    name: str
    version: str
    ids: tuple[str, ...]
    fixed: str
    lock: str


class Ignored(NamedTuple):
    """A vulnerability that does not concern the repository: [[tool.monorepo.audit.ignore]].

    Attributes:
        id: one of its names.
        reason: why it does not.
        until: the last day on which it is ignored.
    """

    id: str
    reason: str
    until: datetime.date


@dataclass(frozen=True)
class Report:
    """What an audit has found: `advisories`, and `mistakes` in the list of what is ignored."""

    space: Workspace
    advisories: Sequence[Advisory]
    mistakes: Sequence[Finding]

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.advisories or self.mistakes)

    def text(self) -> str:
        """Return a table of the vulnerabilities, with the packages concerned, and the mistakes."""
        if not self:
            return "no known vulnerability"
        paths = {HASHES, *(one.lock for one in self.advisories if one.lock != PINS)}
        texts = {path: text_files.read(self.space.root, path) for path in sorted(paths)}
        users = movement.users(self.space, texts)
        rows = [
            [
                *(one.name, one.version, ", ".join(one.ids), one.fixed or "no release"),
                movement.shown(users.get(one.name, [movement.TEMPLATES])),
            ]
            for one in self.advisories
        ]
        head = ["pin", "version", "advisory", "fixed in", "packages"]
        table = movement.markdown(head, rows) if rows else []
        lines = [f"{one.path}: {one.message}; {one.fix}" for one in self.mistakes]
        return "\n".join([*table, *([""] if table and lines else []), *lines])

    def json(self) -> str:
        """Return the report for programs."""
        found = []
        for one in self.advisories:
            message = f"{one.name} {one.version} is vulnerable: {', '.join(one.ids)}"
            upgrade = f"run make lock UPGRADE={one.name}, for {one.fixed}"
            advice = upgrade if one.fixed else f"no release is without it: replace {one.name}"
            found.append(Finding(one.lock, 0, _VULNERABLE, message, advice))
        project = str(self.space.facts.get("project-name", self.space.root.name))
        return findings.as_json([*found, *self.mistakes], [_VULNERABLE], project)


def audit(space: Workspace) -> Report:
    """Return the known vulnerabilities of all pins, in any environment.

    Raises:
        TaskError: a program cannot be installed.
        UsageError: a service gives no answer, or one that is not complete; or the list of what is
            ignored is malformed: all mistakes.
    """
    ignored = _ignored(space)
    found = list(_python(space))
    if space.has_javascript:
        found += _javascript(space)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    met = {name for advisory in found for name in advisory.ids}
    mistakes = []
    for one in ignored:
        if one.until < today:
            message = f"{_IGNORE}: {one.id} was ignored until {one.until}"
            advice = "fix it, or give a reason for longer" if one.id in met else "remove it"
            mistakes.append(Finding(ROOT_MANIFEST, 0, "audit.expired", message, advice))
        elif one.id not in met:
            message = f"{_IGNORE}: no pin has {one.id}"
            mistakes.append(Finding(ROOT_MANIFEST, 0, "audit.unused", message, "remove it"))
    valid = {one.id for one in ignored if one.until >= today}
    left = sorted({advisory for advisory in found if not valid.intersection(advisory.ids)})
    return Report(space, left, mistakes)


def _ignored(space: Workspace) -> list[Ignored]:
    """Return the list of what is ignored.

    Raises:
        UsageError: it is malformed: all mistakes.
    """
    where = f"{ROOT_MANIFEST}: tool.monorepo.audit"
    table = space.facts.get("audit", {})
    if not isinstance(table, dict):
        raise UsageError(f"{where}: is not a table; write {_IGNORE}")
    wrong = [
        f"{where}.{naming.show(key)}: is not known; remove it" for key in table if key != "ignore"
    ]
    entries = table.get("ignore", [])
    if not isinstance(entries, list):
        wrong.append(f"{where}.ignore: is not a list; write {_IGNORE}")
        entries = []
    found = []
    for number, entry in enumerate(entries, start=1):
        place = f"{where}.ignore[{number}]"
        given = entry if isinstance(entry, dict) else {}
        if mistakes := list(_mistakes(given)):
            wrong += [f"{place}{mistake}" for mistake in mistakes]
        else:
            found.append(Ignored(given["id"], given["reason"], given["until"]))
    if wrong:
        raise UsageError(*wrong)
    return found


def _mistakes(entry: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with an entry of the list of what is ignored."""
    for key in entry.keys() - {"id", "reason", "until"}:
        yield f".{naming.show(key)}: is not known; write id, reason and until only"
    for key, example in (("id", "CVE-2026-1234"), ("reason", "we never call it")):
        text = entry.get(key)
        if not isinstance(text, str) or not text.strip():
            yield f'.{key}: is not there; write {key} = "{example}"'
    until = entry.get("until")
    if not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
        yield ".until: is not a date; write until = 2027-01-31"


def _python(space: Workspace) -> Iterator[Advisory]:
    """Yield the advisories about the pins of all Python locks."""
    environment = program.install(space, GROUP, "pip-audit")
    locks = {PINS: [*hashes.pin_lines(text_files.read(space.root, PINS))]}
    if builds := gpu.recorded(space.root).hashes:
        locks[gpu.PINS] = [*builds]
    for path in space.projects:
        locks[f"{path}/{projects.LOCK}"] = projects.locked(space.root, path)
    private = indexes.private(space.root)
    asked: set[str] = set()
    for lock, pins in locks.items():
        # A build such as 2.9.0+cu126 is vulnerable as 2.9.0 is, but would count as newer.
        lines = dict.fromkeys(line.partition(" ;")[0].partition("+")[0] for line in pins)
        own = {line for line in lines if indexes.owner(hashes.name_of(line), private)}
        if own:
            names = ", ".join(sorted({hashes.name_of(line) for line in own}))
            say(f"audit: {lock}: not asked about {names}, which private indexes have")
        left = [line for line in lines if line not in own and line not in asked]
        asked.update(left)
        say(f"audit: {len(left)} pins of {lock}")
        # pip-audit takes one version of a name at a time, and skips what a marker excludes here.
        rest = hashes.named(left)
        while rest:
            firsts = [same[0] for same in rest.values()]
            yield from _audited(space.root, environment.python, firsts, lock)
            rest = {name: same[1:] for name, same in rest.items() if same[1:]}


def _audited(root: Path, python: Path, pins: Sequence[str], lock: str) -> Iterator[Advisory]:
    """Yield the advisories about pins of a lock, each of another name."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_AUDIT_") or name == _URL
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, PINS)
        file.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        words = ["--strict", "--no-deps", "--disable-pip", "--progress-spinner=off"]
        words += ["--vulnerability-service=osv", "--format=json", f"--requirement={file}"]
        output = _run([python, "-I", "-m", "pip_audit", *words], root, env, "pip-audit")
    answered = {fold(one["name"]): one for one in output.get("dependencies", ())}
    for name in hashes.named(pins):
        if "vulns" not in answered.get(name, {}):
            raise UsageError(f"audit: pip-audit says nothing of {name}; run it again")
    for name, one in answered.items():
        for vulnerability in one["vulns"]:
            ids = {vulnerability["id"], *vulnerability["aliases"]}
            fixed = ", ".join(vulnerability["fix_versions"])
            yield Advisory(name, one["version"], tuple(sorted(ids)), fixed, lock)


def _javascript(space: Workspace) -> Iterator[Advisory]:
    """Yield the advisories about pnpm-lock.yaml, as `pnpm audit` reports them."""
    pnpm.ready(space.root)
    say(f"audit: {pnpm_locks.LOCK}")
    env = pnpm.environment(space.root, "pnpm", space.root)
    output = _run([space.root / ".venv/bin/pnpm", "audit", "--json"], space.root, env, "pnpm audit")
    if "advisories" not in output:
        raise UsageError("audit: pnpm audit gives no list of advisories; run it again")
    for one in output["advisories"].values():
        ids = {one.get("github_advisory_id") or str(one["id"]), *one.get("cves", ())}
        fixed = one.get("patched_versions") or ""
        for finding in one["findings"]:
            name, version = one["module_name"], finding["version"]
            yield Advisory(name, version, tuple(sorted(ids)), fixed, pnpm_locks.LOCK)


def _run(
    command: Sequence[object], root: Path, env: Mapping[str, str], what: str
) -> Mapping[str, Any]:
    """Return the JSON that a program prints; it ends with 1 if it has found something.

    Raises:
        UsageError: it prints none.
    """
    words = [str(word) for word in command]
    show(words, root)
    done = subprocess.run(
        words, cwd=root, env=dict(env), capture_output=True, text=True, check=False
    )
    try:
        output = json.loads(done.stdout)
    except ValueError:
        output = None
    if done.returncode not in (0, 1) or not isinstance(output, dict):
        advice = "nothing is known of the pins; try again when it does"
        raise UsageError(f"audit: {what} gets no answer ({reason(done.stderr)}); {advice}")
    return output
