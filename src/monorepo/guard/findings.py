"""Findings, and reports of them: text, JSON, GitHub annotations and SARIF."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monorepo.core.workspace import ADD
from monorepo.system import text_files

SCHEMA_VERSION = 1
BASELINE = "guard-baseline.json"


@dataclass(frozen=True, order=True)
class Finding:
    """A violation of a rule at a place, and how to fix it.

    Attributes:
        path: the file or folder, from the root; "." for the repository.
        line: the line in it, from 1; 0 for the whole file.
        id: the rule, or `rule.problem` where it finds several kinds.
        message: what is wrong, without the place.
        fix: what to do.
        status: `error`, or `warn`, which does not fail a run; `ok` of what the doctor looked at.
        lines: the replacement for the line, empty to remove it; None without an automatic fix.
        end: the last line to replace, if there are several.
    """

    path: str
    line: int
    id: str
    message: str
    fix: str
    status: str = "error"
    lines: tuple[str, ...] | None = None
    end: int = 0

    @property
    def rule(self) -> str:
        """The rule that has found it."""
        return self.id.partition(".")[0]

    def __str__(self) -> str:
        """Format it as a line of the text report."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        warning = "warn: " if self.status == "warn" else ""
        return f"{place}: {self.id}: {warning}{self.message}; {self.fix}"


def loaded(row: Mapping[str, Any]) -> Finding:
    """Return a finding that was kept as JSON, which has lists for tuples."""
    return Finding(**{**row, "lines": None if row["lines"] is None else tuple(row["lines"])})


def covers(chosen: str, finding_id: str) -> bool:
    """Return whether an id is what is chosen, or a problem of it if that is a rule."""
    return chosen in (finding_id, finding_id.partition(".")[0])


def among(rules: Iterable[str], finding_id: str) -> bool:
    """Return whether an id is one of some rules and ids, or a problem of such a rule."""
    return any(covers(rule, finding_id) for rule in rules)


def of_mistakes(finding_id: str, mistakes: Iterable[str]) -> list[Finding]:
    """Return a finding for each line of a UsageError."""
    told = map(text_files.mistake, mistakes)
    return [Finding(path, line, finding_id, message, fix) for path, line, message, fix in told]


def absent(rule: str, program: str) -> Finding:
    """Return the warning of a rule whose program is not installed."""
    return Finding(".", 0, rule, f"{program} is not installed: nothing was checked", ADD, "warn")


def as_json(findings: Sequence[Finding], ran: Sequence[str], project: str) -> str:
    """Return the JSON report.

    Args:
        findings: all findings.
        ran: the rules and ids that were checked; one without findings has a check with status ok.
        project: the name of the repository.
    """
    checks = [_check(finding) for finding in findings]
    found = {name for finding in findings for name in (finding.id, finding.rule)}
    for rule in ran:
        if rule not in found:
            checks.append({"id": rule, "status": "ok", "name": rule, "message": "", "fix": ""})
    order = {"ok": 0, "warn": 1, "error": 2}
    status = max((str(check["status"]) for check in checks), key=order.__getitem__, default="ok")
    report = {"schema_version": SCHEMA_VERSION, "status": status, "project": project}
    return json.dumps({**report, "checks": checks}, indent=2)


def _check(finding: Finding) -> dict[str, Any]:
    """Return a finding as a check of the report."""
    check: dict[str, Any] = {"id": finding.id, "status": finding.status, "name": finding.id}
    check |= {"message": finding.message, "fix": finding.fix, "path": finding.path}
    if finding.line:
        check["line"] = finding.line
    return check


def as_github(findings: Sequence[Finding]) -> str:
    """Return workflow commands, which GitHub shows as annotations.

    Source: GitHub's documentation, "Workflow commands for GitHub Actions".
    """

    def value(text: str) -> str:
        for sign, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
            text = text.replace(sign, code)
        return text

    lines = []
    for finding in findings:
        kind = "warning" if finding.status == "warn" else "error"
        line = f",line={finding.line}" if finding.line else ""
        text = f"{finding.message}; {finding.fix}".replace("%", "%25").replace("\r", "%0D")
        text = text.replace("\n", "%0A")
        lines.append(f"::{kind} file={value(finding.path)}{line},title={value(finding.id)}::{text}")
    return "\n".join(lines)


def as_sarif(findings: Sequence[Finding], summaries: Mapping[str, str]) -> str:
    """Return a log in SARIF 2.1.0 (OASIS), which code scanning reads.

    Args:
        findings: all findings.
        summaries: a line on each rule that has run, by id.
    """
    results = []
    for finding in findings:
        place: dict[str, Any] = {"artifactLocation": {"uri": finding.path}}
        if finding.line:
            place["region"] = {"startLine": finding.line}
        results.append(
            {
                "ruleId": finding.id,
                "level": "warning" if finding.status == "warn" else "error",
                "message": {"text": f"{finding.message}; {finding.fix}"},
                "locations": [{"physicalLocation": place}],
            }
        )
    ids = {**summaries, **{one.id: summaries.get(one.rule, "") for one in findings}}
    rules = [{"id": name, "shortDescription": {"text": what}} for name, what in ids.items()]
    driver = {"name": "monorepo guard", "rules": rules}
    run = {"tool": {"driver": driver}, "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def render(found: Sequence[Finding], form: str, summaries: Mapping[str, str], project: str) -> str:
    """Return findings as `text`, `json`, `github` or `sarif`.

    Args:
        found: all findings.
        form: the format.
        summaries: a line on each rule that has run, by id.
        project: the name of the repository.
    """
    if form == "json":
        return as_json(found, list(summaries), project)
    if form == "sarif":
        return as_sarif(found, summaries)
    return (as_github(found) if form == "github" else "\n".join(map(str, found))) or "nothing found"


def baseline(entries: Iterable[tuple[str, ...]]) -> str:
    """Return the text of the baseline, an entry a line: an id, a path and a message each."""
    lines = ",\n".join(f"  {json.dumps(entry)}" for entry in sorted(entries))
    return f"[\n{lines}\n]\n"
