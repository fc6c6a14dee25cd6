"""What became of a folder, for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monorepo.guard.findings import Finding
from monorepo.importing.needs import Need

VERSION = 1


@dataclass
class Report:
    """What was done, and what is left to do.

    Attributes:
        source: the folder that became a package.
        package: the path of the package.
        module: the name that imports it.
        history: what became of the history, and what is committed.
        moved: the new path of each file, by its old one.
        dropped: why a file is not there any more, by its old path.
        needs: what the package needs, and what told it.
        pins: the lines that constraints.txt gets.
        changed: the files and lines that follow.
        look: what needs a hand, by its place.
        known: what an old file declares, and nothing needs here, but is kept elsewhere.
        allowed: the exception from a rule, and the files that it is for.
        findings: of the rules, in the package.
        changes: with a dry run, the changes as git has them.
    """

    source: str
    package: str
    module: str
    history: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    needs: list[Need] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    look: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    allowed: str = ""
    findings: Sequence[Finding] = ()
    changes: Sequence[str] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing needs a hand."""
        return not self.look and not any(one.status == "error" for one in self.findings)


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    needs = [
        {
            "name": need.name,
            "requirements": need.texts,
            "group": need.group,
            "from": need.where,
            "used": need.used,
        }
        for need in report.needs
    ]
    findings = [
        {
            "rule": one.id,
            "path": one.path,
            "line": one.line,
            "status": one.status,
            "message": one.message,
            "fix": one.fix,
        }
        for one in report.findings
    ]
    whole = {
        "schema_version": VERSION,
        "source": report.source,
        "package": report.package,
        "module": report.module,
        "history": report.history,
        "moved": report.moved,
        "dropped": report.dropped,
        "dependencies": needs,
        "pins": report.pins,
        "changed": report.changed,
        "look": [{"place": place, "message": text} for place, text in report.look.items()],
        "known": [{"place": place, "message": text} for place, text in report.known.items()],
        "allowed": report.allowed,
        "findings": findings,
        "complete": report.is_complete,
    }
    return json.dumps(whole, indent=2)


def as_text(report: Report) -> str:
    """Return the report for people: what was done, then what is left to do."""
    rows = [f"{old} -> {new}" for old, new in report.moved.items()]
    rows += [f"{old}: left out: {why}" for old, why in report.dropped.items()]
    rows += [_needed(need) for need in report.needs]
    rows += [f"constraints.txt: {pin}" for pin in report.pins]
    rows += [f"changed {place}" for place in report.changed]
    rows += report.changes
    rows += [f"{place}: {text}" for place, text in report.known.items()]
    rows += [f"allowed in pyproject.toml: {report.allowed}"] if report.allowed else []
    rows += [f"look at {place}: {text}" for place, text in report.look.items()]
    rows += [f"make guard: {one}" for one in report.findings]
    rows.append(f"{report.source} is {report.package}, imported as {report.module}")
    rows.append(report.history)
    return "\n".join(filter(None, rows))


def _needed(need: Need) -> str:
    """Return a line about a dependency."""
    names = need.texts if need.texts[0].startswith(need.name) else [need.name, *need.texts]
    group = f" [{need.group}]" if need.group else ""
    used = f", for {need.used}" if need.used else ""
    return f"dependency{group}: {' '.join(names)} (from {need.where}{used})"


def merged(*parts: Mapping[str, str]) -> dict[str, str]:
    """Return what is told of places, together where several tell of one."""
    found: dict[str, str] = {}
    for part in parts:
        for place, text in part.items():
            found[place] = f"{found[place]}; {text}" if place in found else text
    return found
