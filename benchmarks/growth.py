"""Draw how costs grow with the number of packages: SVG that needs nothing else.

    python -m benchmarks.affected --format json > affected.json
    python -m benchmarks.tasks --format json > tasks.json
    python -m benchmarks.growth affected.json tasks.json > docs/growth.svg

One panel for each file, both axes in powers of ten: what grows in proportion is as steep as the
dotted lines.
"""

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

# By command: the processors' seconds by number of packages.
Lines = Mapping[str, Mapping[int, float]]

_WIDTH, _LEFT, _CHART = 560, 56, 250
_HEIGHT, _TOP, _BOTTOM = 420, 50, 50
# Grey that can be read on white and on black.
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #59636e }
.title { font-size: 15px; font-weight: 600 }
.axis { stroke: #818b98; fill: none; stroke-opacity: 0.5 }
.linear { stroke: #818b98; fill: none; stroke-dasharray: 1 5; stroke-opacity: 0.6 }
path.theirs { stroke: #818b98; stroke-width: 1.5; fill: none }
path.ours { stroke: #bc4c00; stroke-width: 3; fill: none }
text.ours { font-weight: 600; fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  path.ours { stroke: #f0883e }
  text.ours { fill: #f0883e }
}
"""


def lines(text: str) -> tuple[Lines, list[str]]:
    """Return the costs in the JSON of a benchmark, and which of the commands are ours."""
    found: dict[str, dict[int, float]] = {}
    ours = []
    for row in json.loads(text)["rows"]:
        if count := row["count"]:
            name = row["ours"].partition(",")[0]
            ours.append(name)
            found.setdefault(name, {})[count] = row["ours_cost"]["cpu"]
            found.setdefault(row["theirs"], {})[count] = row["theirs_cost"]["cpu"]
    return found, [*dict.fromkeys(ours)]


def draw(panels: Sequence[tuple[str, Lines, Sequence[str]]]) -> str:
    """Return the picture of panels: the title of each, its costs, and the commands of ours."""
    width = _WIDTH * len(panels)
    size = f'width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}"'
    title = "Seconds of the processors, by number of packages"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">']
    parts += [f"<title>{title}</title>", f"<style>\n{_STYLE}</style>"]
    for number, (name, costs, ours) in enumerate(panels):
        parts.append(f'<g transform="translate({number * _WIDTH} 0)">')
        parts += _panel(name, costs, ours)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(title: str, costs: Lines, ours: Sequence[str]) -> Iterator[str]:
    """Yield the parts of a panel."""
    counts = sorted({count for each in costs.values() for count in each})
    values = [value for each in costs.values() for value in each.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(counts[0]), math.log10(counts[-1])

    def x(count: float) -> float:
        return round(_LEFT + _CHART * (math.log10(count) - first) / (last - first), 1)

    def y(value: float) -> float:
        part = (math.log10(value) - low) / (high - low)
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * part, 1)

    yield f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>'
    for count in counts:
        yield f'<text x="{x(count)}" y="{_HEIGHT - 30}" text-anchor="middle">{count:,}</text>'
    yield f'<text x="{x(counts[0])}" y="{_HEIGHT - 12}">packages</text>'
    for power in range(low, high + 1):
        at = y(10.0**power)
        yield f'<path class="axis" d="M{_LEFT} {at}H{_LEFT + _CHART}"/>'
        yield f'<text x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{10.0**power:g} s</text>'
        # From here, a cost that grows in proportion.
        rise = min(high - power, last - first)
        if rise > 0:
            end = f"{x(counts[0] * 10**rise)} {y(10.0 ** (power + rise))}"
            yield f'<path class="linear" d="M{_LEFT} {at}L{end}"/>'
    ends = sorted((each[max(each)], name) for name, each in costs.items())
    floor = float(_HEIGHT)
    for value, name in ends:
        kind = "ours" if name in ours else "theirs"
        points = "L".join(f"{x(count)} {y(cost)}" for count, cost in sorted(costs[name].items()))
        yield f'<path class="{kind}" d="M{points}"/>'
        # Labels that would stand on each other move up.
        floor = min(y(value) + 4, floor - 15)
        place = f'x="{_LEFT + _CHART + 8}" y="{floor}"'
        yield f'<text class="{kind}" {place}>{escape(name)} {value:.3g}</text>'


def main(words: Sequence[str] | None = None) -> None:
    """Draw, and print the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="of --format json")
    options = parser.parse_args(words)
    titles = {
        "affected": "What does a change affect?",
        "scaling": "What does a change affect, in the same repository?",
        "tasks": "All tasks, nothing changed",
    }
    panels = [
        (titles.get(file.stem, file.stem), *lines(file.read_text(encoding="utf-8")))
        for file in options.files
    ]
    print(draw(panels), end="")


if __name__ == "__main__":
    main()
