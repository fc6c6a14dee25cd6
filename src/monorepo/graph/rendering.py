"""The graph as a tree for people, as JSON for programs, and in the languages that draw it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monorepo.core.languages import AREAS, Kind, Language
from monorepo.core.workspace import Package
from monorepo.graph.view import Arrow, View

SCHEMA_VERSION = 1
# What is drawn of an affected package, in the languages that have colours.
AFFECTED = "#c2410c"
_FILLS = {Language.PYTHON: "#dbeafe", Language.JAVASCRIPT: "#fef9c3"}
_SHAPES = {Kind.SHARED: "box", Kind.SERVICE: "box3d", Kind.APP: "note"}
_AGAIN, _AFFECTED = " (*)", "  <- affected"


def as_text(view: View) -> str:
    """Return a tree: below each package what it depends on, is generated from or serves.

    What is below a package is shown once; where it stands again, `(*)` refers to that. An arrow
    that is not of the runtime alone says where it is declared.
    """
    arrows = view.arrows()
    down = _by(arrows, [arrow.source for arrow in arrows])
    if view.focus:
        up = _by(arrows, [arrow.target for arrow in arrows])
        lines = [*_section(view, down, "needs"), "", *_section(view, up, "is needed by")]
    else:
        needed = {arrow.target for arrow in arrows}
        got = {arrow.target for arrow in arrows if not arrow.is_inner}
        # First what nothing needs. Where arrows go round, all is needed.
        tops = sorted(
            view.paths,
            key=lambda path: (path in needed, path in got, view.space.packages[path].is_shared),
        )
        shown: set[str] = set()
        lines = [
            line for path in tops if path not in shown for line in _tree(view, down, path, shown)
        ]
    if any(_AGAIN in line for line in lines):
        lines += ["", "(*) see above"]
    return "\n".join(lines)


def _section(view: View, below: Mapping[str, Sequence[Arrow]], verb: str) -> list[str]:
    """Return the tree of the package that a view is about, in one direction."""
    first, *rest = _tree(view, below, view.focus, set())
    head, mark, _ = first.partition(_AFFECTED)
    return [f"{head} {verb}{'' if rest else ' no package'}{mark}", *rest]


def _tree(
    view: View, below: Mapping[str, Sequence[Arrow]], top: str, shown: set[str]
) -> Iterator[str]:
    """Yield the lines of a package and of all below it, without what is shown already."""
    # A chain of packages may be longer than Python's stack.
    todo: list[tuple[str, str, str, Arrow | None]] = [("", "", top, None)]
    while todo:
        branch, indent, path, arrow = todo.pop()
        texts = [path]
        if arrow is not None:
            upwards = arrow.source == path
            texts[0] += "" if upwards else arrow.asked
            about = [arrow.declared, arrow.asked if upwards else ""]
            texts += [f"({told})"] if (told := " ".join(filter(None, about))) else []
        again = path in shown and bool(below.get(path))
        mark = _AFFECTED if path in view.affected else ""
        yield f"{branch}{' '.join(texts)}{_AGAIN if again else ''}{mark}"
        if path in shown:
            continue
        shown.add(path)
        children = below.get(path, ())
        for number, child in reversed([*enumerate(children, 1)]):
            last = number == len(children)
            other = child.target if child.source == path else child.source
            todo.append(
                (
                    indent + ("└── " if last else "├── "),
                    indent + ("    " if last else "│   "),
                    other,
                    child,
                )
            )


def _by(arrows: Iterable[Arrow], ends: Iterable[str]) -> dict[str, list[Arrow]]:
    """Return arrows by one of their ends."""
    found: dict[str, list[Arrow]] = {}
    for arrow, end in zip(arrows, ends, strict=True):
        found.setdefault(end, []).append(arrow)
    return found


def described(package: Package) -> dict[str, object]:
    """Return what a picture tells of a package."""
    return {
        "path": package.path,
        "kind": str(package.kind),
        "language": str(package.language),
        "name": package.name,
        "import": package.import_name,
        "version": package.version,
        "extras": sorted(package.extras) if package.is_python else [],
        "groups": sorted(package.groups) if package.is_python else [],
    }


def as_json(view: View) -> str:
    """Return packages and edges as JSON: each edge with the scopes of both packages."""
    edges = [
        {
            "from": edge.source.owner,
            "from_scope": edge.source.scope,
            "to": edge.target.owner,
            "to_scope": edge.target.scope,
            "kind": edge.kind,
        }
        for edge in view.edges
    ]
    told: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "nodes": [described(package) for package in view.packages],
        "edges": edges,
        "focus": view.focus or None,
        "affected": None,
        "problems": [str(problem) for problem in view.space.problems],
    }
    if view.base is not None:
        reasons = {path: list(reason) for path, reason in view.affected.items()}
        told["affected"] = {"base": view.base, "packages": reasons}
    return json.dumps(told, indent=2)


def as_mermaid(view: View) -> str:
    """Return the graph as a Mermaid flowchart, which GitHub draws in Markdown."""
    # A path is not a valid identifier in Mermaid.
    place = {path: f"p{number}" for number, path in enumerate(view.paths)}
    lines = ["flowchart LR", *(f'    {place[path]}["{path}"]' for path in place)]
    for arrow in view.arrows():
        line = "-.->" if arrow.is_inner else "-->"
        label = f'|"{told}"|' if (told := _label(arrow)) else ""
        lines.append(f"    {place[arrow.source]} {line}{label} {place[arrow.target]}")
    if marked := [place[path] for path in view.paths if path in view.affected]:
        lines += [f"    classDef affected stroke:{AFFECTED},stroke-width:3px"]
        lines += [f"    class {','.join(marked)} affected"]
    return "\n".join(lines)


def as_dot(view: View) -> str:
    """Return the graph in the language of Graphviz, with a cluster for each area."""
    lines = ["digraph packages {", "  rankdir=LR", '  node [style="filled", fontname="sans-serif"]']
    lines.append('  edge [fontname="sans-serif", fontsize=10]')
    for number, area in enumerate(AREAS):
        inside = [one for one in view.packages if f"{one.kind}/{one.language}" == area]
        if inside:
            lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(area)}"]
            lines += [f"    {_quoted(one.path)} [{_node(view, one)}]" for one in inside]
            lines.append("  }")
    for arrow in view.arrows():
        style = ", style=dashed" if arrow.is_inner else ""
        ends = f"{_quoted(arrow.source)} -> {_quoted(arrow.target)}"
        lines.append(f"  {ends} [label={_quoted(_label(arrow))}{style}]")
    return "\n".join([*lines, "}"])


def _node(view: View, package: Package) -> str:
    """Return the attributes of a package for Graphviz."""
    fill, shape = _FILLS[package.language], _SHAPES[package.kind]
    mark = f", color={_quoted(AFFECTED)}, penwidth=3" if package.path in view.affected else ""
    return f"shape={shape}, fillcolor={_quoted(fill)}{mark}"


def _quoted(text: str) -> str:
    """Return a text as a quoted string of Graphviz, in which a backslash would escape."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _label(arrow: Arrow) -> str:
    """Return what is written on an arrow; nothing for the runtime alone."""
    return " ".join(filter(None, [arrow.asked, arrow.declared]))
