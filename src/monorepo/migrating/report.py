"""What became of each line, for people and for programs."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monorepo.migrating.index_policy import HASHED
from monorepo.migrating.requirements_files import File, Line, Status
from monorepo.programs.indexes import Index

VERSION = 1


@dataclass(frozen=True)
class Report:
    """What was read and what was made of it.

    Attributes:
        files: the files with their lines.
        pins: the lines for constraints.txt.
        replaced: the pins that had another version before, and the new ones.
        indexes: the indexes for some names.
        extras: the requirements by extra; "" for dependencies.
        remarks: what the indexes could not be asked, or have no answer to.
        changes: what is written, as diffs of a dry run or as paths.
    """

    files: Sequence[File]
    pins: Sequence[str]
    replaced: Mapping[str, str]
    indexes: Sequence[Index]
    extras: Mapping[str, Sequence[str]]
    remarks: Sequence[str]
    changes: Sequence[str]

    @property
    def summary(self) -> dict[str, int]:
        """The number of lines by their status."""
        found = Counter(line.status for file in self.files for line in file.lines)
        return {status.value: found[status] for status in Status}

    @property
    def blocking(self) -> list[str]:
        """The lines with which `make lock` finds no versions."""
        lines = [line for file in self.files for line in file.lines if line.is_blocking]
        return [f"{_place(line)}: {_short(line)}" for line in lines]

    @property
    def is_complete(self) -> bool:
        """Whether every line was understood."""
        return not self.summary[Status.UNKNOWN]


def _place(line: Line) -> str:
    return f"{line.path}:{line.number}"


def _short(line: Line) -> str:
    """Return the text of a line without hashes, of which there may be many."""
    return re.sub(r"\s*--hash[= ]+\S+", "", line.text)


def _is_about_hashes(line: Line) -> bool:
    """Return whether all that has become of a line is that its hashes are recorded elsewhere."""
    return line.why == HASHED


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    files = []
    for file in report.files:
        lines = list[dict[str, Any]]()
        for line in file.lines:
            row = {"line": line.number, "text": line.text, "status": line.status.value}
            row |= {"blocking": True} if line.is_blocking else {}
            lines.append(row | {k: v for k, v in (("to", line.to), ("why", line.why)) if v})
        facts = {"path": file.path, "sha256": file.sha256, "encoding": file.encoding}
        files.append({**facts, "lines": lines})
    indexes = [
        {"name": index.name, "url": index.url, "names": list(index.patterns)}
        for index in report.indexes
    ]
    whole = {"schema_version": VERSION, "files": files, "pins": list(report.pins)}
    whole |= {"replaced": dict(report.replaced), "indexes": indexes}
    extras = {extra: list(texts) for extra, texts in report.extras.items()}
    whole |= {"remarks": list(report.remarks)}
    return json.dumps({**whole, "extras": extras, "summary": report.summary}, indent=2)


def as_text(report: Report) -> str:
    """Return the report for people: what somebody has to look at, then what is written."""
    rows = []
    for status in (Status.UNKNOWN, Status.SUSPICIOUS, Status.CHANGED):
        for file in report.files:
            for line in file.lines:
                if line.status is status and not _is_about_hashes(line):
                    to = f" -> {line.to}" if line.to else ""
                    rows.append(f"{_place(line)}: {status}: {_short(line)}{to}: {line.why}")
    for file in report.files:
        if hashed := sum(map(_is_about_hashes, file.lines)):
            rows.append(f"{file.path}: {hashed} lines have hashes: {HASHED}")
    rows += [f"constraints.txt: {old} is now {new}" for old, new in report.replaced.items()]
    for index in report.indexes:
        rows.append(f"[tool.monorepo.indexes.{index.name}]: {', '.join(index.patterns)}")
    for extra, texts in report.extras.items():
        rows.append(f"{extra or 'dependencies'}: {len(texts)} requirements")
    rows += [f"indexes: {remark}" for remark in report.remarks]
    rows += report.changes
    counts = ", ".join(f"{count} {status}" for status, count in report.summary.items())
    rows.append(f"{len(report.files)} files, {len(report.pins)} pins; lines: {counts}")
    return "\n".join(rows)
