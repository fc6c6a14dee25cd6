"""How far a migration is, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from monorepo.core.manifests import Place
from monorepo.migrating.requirements_files import mask
from monorepo.ratchet.needs import Need, Reason
from monorepo.ratchet.ratchet import Holder, Report, Row, State
from monorepo.ratchet.requests import EXTRAS, GROUPS

VERSION = 1
# Reasons beyond these are counted: one is enough to see why.
_SHOWN = 3


def shown(place: Place) -> str:
    """Return what a list of requirements is called."""
    if place[0] == GROUPS:
        return f"group {place[-1]}"
    return f"extra {place[-1]}" if EXTRAS in place else place[-1]


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    holders = [
        {
            "path": holder.package.path,
            "extras": list(holder.package.legacy),
            "requirements": holder.requirements,
            "state": holder.state.value,
            "why": holder.why,
            "lacking": {
                extra: {text: [*map(_reason, reasons)] for text, reasons in texts.items()}
                for extra, texts in holder.growth.items()
            },
        }
        for holder in report.holders
    ]
    history = [
        {"date": point.date, "length": point.length, "paths": sorted(point.paths)}
        for point in report.history
    ]
    whole = {"schema_version": VERSION, "holders": holders, "history": history}
    consumers = [*map(_row, report.rows)]
    whole |= {"consumers": consumers, "changes": report.changes}
    return mask(json.dumps(whole, indent=2))


def _row(row: Row) -> dict[str, Any]:
    plan = row.plan
    return {
        "path": row.path,
        "state": row.state.value,
        "why": row.why,
        "requests": [
            {"text": one.text, "place": shown(one.place), "line": one.line}
            for one in (plan.requests if plan else ())
        ],
        "needs": [
            {
                "text": need.text,
                "place": shown(need.place),
                "reasons": [*map(_reason, need.reasons)],
            }
            for need in (plan.needs if plan else ())
        ],
        "perhaps": list(plan.perhaps) if plan else [],
        "blocked": list(plan.blocked) if plan else [],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"path": reason.path, "line": reason.line, "what": reason.what}


def as_text(report: Report) -> str:
    """Return the report for people: what each package needs and why, then how far that is."""
    if not report.holders:
        rows = ["no package marks an extra for a migration: there is nothing to do"]
        return "\n".join([*rows, *report.changes])
    lines = [line for holder in report.holders for line in _holder(report, holder)]
    for row in report.rows:
        lines += _consumer(row)
    lines += report.changes
    if report.rows:
        lines += ["", *_table(report)]
    if len(report.history) > 1:
        steps = [f"{point.date or 'now'}: {point.length}" for point in report.history]
        lines.append(f"the allow-list: {', '.join(steps)}")
    return mask("\n".join(lines))


def _holder(report: Report, holder: Holder) -> Iterator[str]:
    path, marks = holder.package.path, ", ".join(holder.package.legacy)
    if holder.state is State.DONE:
        yield f"{path}: has no extra for a migration any more"
        return
    asking = [row for row in report.rows if row.state is not State.DONE]
    yield f"{path}: {marks} has {holder.requirements} requirements"
    for extra, texts in holder.growth.items():
        for text, reasons in texts.items():
            yield f"{path}: {f'extra {extra}' if extra else 'dependencies'}: lacks {text}"
            yield from _reasons(reasons)
    if holder.why:
        yield f"{path}: stays as it was: {holder.why}"
    elif holder.growth:
        yield f"{path}: make ratchet PKG={path} FIX=1 gives its extras what they lack"
    elif not asking:
        yield f"{path}: nobody requests {marks}: make ratchet FIX=1 removes it"


def _consumer(row: Row) -> Iterator[str]:
    plan = row.plan
    if plan:
        for need in plan.needs:
            yield f"{row.path}: {shown(need.place)}: {need.text}"
            yield from _reasons(need.reasons)
        asked = ", ".join(dict.fromkeys(request.shown for request in plan.requests))
        if not plan.needs and not plan.blocked:
            yield f"{row.path}: needs nothing in place of {asked}"
        if plan.perhaps:
            names = ", ".join(plan.perhaps)
            yield f"{row.path}: may lose what others have as optional: {names}"
        yield from (f"{row.path}: {line}" for line in plan.blocked)
    if row.why:
        yield f"{row.path}: stays as it was: {row.why}"


def _reasons(reasons: Sequence[Reason]) -> Iterator[str]:
    yield from (f"    {reason}" for reason in reasons[:_SHOWN])
    if len(reasons) > _SHOWN:
        yield f"    and {len(reasons) - _SHOWN} more places"


def left(report: Report, row: Row) -> tuple[int, int]:
    """Return how many requirements a package needs itself, and how many the marked extras have."""
    needs: Sequence[Need] = row.plan.needs if row.plan else ()
    asked = {request.holder.path for request in row.plan.requests} if row.plan else set[str]()
    every = sum(one.requirements for one in report.holders if one.package.path in asked)
    return len(needs), every


def _table(report: Report) -> Iterator[str]:
    """Yield the burn-down table."""
    rows = [("package", "needs", "in place of", "state")]
    for row in report.rows:
        few, every = left(report, row) if row.plan else (0, 0)
        cells = (str(few), str(every)) if row.plan else ("-", "-")
        rows.append((row.path, *cells, row.state.value))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row_cells in rows:
        padded = [cell.ljust(width) for cell, width in zip(row_cells, widths, strict=False)]
        yield "  ".join([*padded, row_cells[3]])
    done = sum(row.state is State.DONE for row in report.rows)
    yield f"{done} of {len(report.rows)} packages are done"
