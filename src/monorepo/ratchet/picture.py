"""The burn-down of a migration as a picture: SVG that needs nothing else, on light and on dark."""

import datetime
from collections.abc import Iterator
from html import escape
from pathlib import Path

from monorepo.ratchet import report as reports
from monorepo.ratchet.allow_list import Point
from monorepo.ratchet.ratchet import Report, Row, State
from monorepo.system import text_files

_WIDTH = 720
_LEFT, _RIGHT = 40, 20
_CHART = 140
_ROW = 22
_BAR = 250
# Grey that can be read on white and on black, and colours that differ in lightness as well.
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #59636e }
.title { font-size: 15px; font-weight: 600 }
.axis { stroke: #818b98; fill: none }
.step { stroke: #bc4c00; stroke-width: 2; fill: none }
.rest { fill: #818b98; fill-opacity: 0.3 }
.need { fill: #bc4c00 }
.done { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  .step { stroke: #f0883e }
  .need { fill: #f0883e }
  .done { fill: #3fb950 }
}
"""


def draw(report: Report) -> str:
    """Return the picture of a report: the length of the allow-list by date, and each package."""
    rows = report.rows
    done = sum(row.state is State.DONE for row in rows)
    title = f"{done} of {len(rows)} packages need no extra for a migration"
    if not report.holders:
        title = "No extra for a migration is left"
    parts = [f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>']
    bottom = 40
    if report.history:
        parts += _chart(report.history, bottom)
        bottom += _CHART + 40
    for row in rows:
        parts += _row(report, row, bottom)
        bottom += _ROW
    height = bottom + 10
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    named = f'role="img" aria-label="{escape(title)}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} {named}>']
    lines += [f"<title>{escape(title)}</title>", f"<style>\n{_STYLE}</style>", *parts, "</svg>"]
    return "\n".join(lines) + "\n"


def save(file: Path, report: Report) -> None:
    """Write the picture of a report into a file, all of it or nothing."""
    text_files.write(file, draw(report))


def _chart(history: list[Point], top: int) -> Iterator[str]:
    """Yield the length of the allow-list over time, as steps."""
    most = max(point.length for point in history) or 1
    bottom, width = top + _CHART, _WIDTH - _LEFT - _RIGHT
    days = [
        datetime.date.fromisoformat(point.date).toordinal() if point.date else 0
        for point in history
    ]
    last = max([*days, 1])
    # What is not committed is there today, which is no earlier than the last commit.
    days = [day or last + 1 for day in days]
    first, span = days[0], max(days[-1] - days[0], 1)
    places = [
        (
            _LEFT + round(width * (day - first) / span),
            bottom - round((_CHART - 20) * point.length / most),
        )
        for day, point in zip(days, history, strict=True)
    ]
    path = f"M{places[0][0]} {places[0][1]}" + "".join(f"H{x}V{y}" for x, y in places[1:])
    yield f'<path class="axis" d="M{_LEFT} {top}V{bottom}H{_WIDTH - _RIGHT}"/>'
    yield f'<text x="{_LEFT - 6}" y="{top + 24}" text-anchor="end">{most}</text>'
    yield f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>'
    yield f'<path class="step" d="{path}H{_WIDTH - _RIGHT}"/>'
    start, end = (escape(point.date or "now") for point in (history[0], history[-1]))
    yield f'<text x="{_LEFT}" y="{bottom + 18}">{start}</text>'
    if len(history) > 1:
        place = f'x="{_WIDTH - _RIGHT}" y="{bottom + 18}" text-anchor="end"'
        yield f"<text {place}>{end}: {history[-1].length}</text>"


def _row(report: Report, row: Row, top: int) -> Iterator[str]:
    """Yield a package: what it needs, of what it asks for."""
    x, y = _WIDTH - _RIGHT - _BAR, top + _ROW - 8
    yield f'<text x="{_LEFT}" y="{y}">{escape(row.path)}</text>'
    few, every = reports.left(report, row)
    if row.state is State.DONE:
        yield f'<rect class="done" x="{x}" y="{y - 10}" width="{_BAR}" height="12"/>'
        yield f'<text x="{x - 8}" y="{y}" text-anchor="end">done</text>'
        return
    part = round(_BAR * min(few / every, 1)) if every else 0
    yield f'<rect class="rest" x="{x}" y="{y - 10}" width="{_BAR}" height="12"/>'
    yield f'<rect class="need" x="{x}" y="{y - 10}" width="{part}" height="12"/>'
    said = f"{few} in place of {every}" if row.plan else row.state.value
    yield f'<text x="{x - 8}" y="{y}" text-anchor="end">{said}</text>'
