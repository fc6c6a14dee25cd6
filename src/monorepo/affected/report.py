"""What changes affect: for people, for programs, for GitHub, and one package explained."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from monorepo.affected.changes import Changes
from monorepo.affected.impact import Chain, Impact, shown
from monorepo.core import languages
from monorepo.core.languages import AREAS, Language
from monorepo.core.workspace import Workspace
from monorepo.graph.scopes import EVERYTHING, Node, tools
from monorepo.system import terminal

FORMATS = ("text", "json", "github", "paths")
# What is not one package's.
_TOOLS = {tools(language): language.label for language in Language} | {EVERYTHING: "everything"}
# As many files does an explanation show as text.
_MOST = 20


class Report:
    """The impact of changes in a repository."""

    def __init__(self, space: Workspace, changes: Changes, impact: Impact) -> None:
        """Keep what there is to tell."""
        self.space, self.changes, self.impact = space, changes, impact

    def render(self, form: str) -> str:
        """Return it in one of `FORMATS`; paths may be no lines at all."""
        if form == "paths":
            return "\n".join(map(line, self.impact.packages))
        if form == "github":
            return self._github()
        return self._json() if form == "json" else self._text()

    def _text(self) -> str:
        """Return how many packages are affected, compared with what, and why each is."""
        packages, total = self.impact.packages, len({*self.space.packages, *self.space.broken})
        count = f"{len(packages)} of {total} packages {'is' if total == 1 else 'are'} affected"
        lines = [count, *self._compared()]
        if packages:
            lines += ["", *(arrows(reasons[0]) for reasons in packages.values())]
            lines += ["", "WHY=<package> shows all reasons of one, or why another is not affected."]
        return "\n".join(lines)

    def _compared(self) -> list[str]:
        """Return what is compared, and why everything is affected if it is."""
        base, head = self.changes.base, self.changes.head
        lines = []
        if base:
            files = len(self.changes.files)
            which = f"{line(head.ref)}" if head else "the working tree"
            what = f"{files} {'file differs' if files == 1 else 'files differ'}"
            lines.append(f"base: {base.id[:12]} ({line(base.how)}); {what} in {which}")
        if self.impact.everything:
            lines.append(f"everything: {line(self.impact.everything)}")
        return lines

    def _facts(self) -> dict[str, Any]:
        """Return what is compared, for programs."""
        base, head = self.changes.base, self.changes.head
        return {
            "schema_version": 1,
            "base": {
                "ref": plain(base.ref) if base else "",
                "commit": base.id if base else "",
                "how": plain(base.how) if base else plain(self.changes.unknown),
            },
            "head": {"ref": plain(head.ref), "commit": head.id} if head else None,
            "everything": plain(self.impact.everything) or None,
        }

    def _package(self, path: str) -> dict[str, Any]:
        """Return a package with all reasons, for programs."""
        kind, language = _kind_and_language(self.space, path)
        reasons = self.impact.packages.get(path, ())
        return {
            "path": plain(path),
            "kind": kind,
            "language": language,
            "reasons": [[*map(plain, chain)] for chain in reasons],
        }

    def _json(self) -> str:
        packages = [*map(self._package, self.impact.packages)]
        problems = [*map(plain, self.impact.problems)]
        return json.dumps({**self._facts(), "packages": packages, "problems": problems}, indent=2)

    def _github(self) -> str:
        """Return lines for $GITHUB_OUTPUT."""
        spoken = {_kind_and_language(self.space, path)[1] for path in self.impact.packages}
        # Of a broken package in the flat layout the language may be unknown.
        flags = {
            "any": bool(spoken),
            "python": not spoken.isdisjoint({Language.PYTHON, ""}),
            "javascript": not spoken.isdisjoint({Language.JAVASCRIPT, ""}),
        }
        paths = json.dumps([*map(plain, self.impact.packages)])
        return "\n".join([f"packages={paths}", *(f"{k}={json.dumps(v)}" for k, v in flags.items())])

    def explain(self, path: str, form: str) -> str:
        """Return why a package is affected, or why it is not, as text or as JSON."""
        reasons = self.impact.packages.get(path, ())
        inputs = {
            file: [*dict.fromkeys(map(_labelled, nodes))]
            for file, nodes in self.impact.inputs.items()
        }
        unneeded = [] if reasons else self._unneeded(path)
        if form == "json":
            files = [
                {"path": plain(file), "inputs_of": [*map(plain, names)]}
                for file, names in inputs.items()
            ]
            why = {"affected": bool(reasons), "files": files, "not_needed": unneeded}
            package = {**self._package(path), **why}
            return json.dumps({**self._facts(), "package": package}, indent=2)
        if reasons:
            return "\n".join(
                [f"{line(path)} is affected", *self._compared(), "", *map(arrows, reasons)]
            )
        return "\n".join(
            [
                f"{line(path)} is not affected: it needs nothing of what differs",
                *self._compared(),
                *_listed(inputs),
                *unneeded,
            ]
        )

    def _unneeded(self, path: str) -> list[str]:
        """Return what is not as before of the packages that a package needs, but not of these."""
        search = self.impact.search
        if search is None:
            return []
        needed = search.closure(path)
        owners = {node.owner for node in needed if node.is_package}
        return [
            f"{shown(node)} is affected, which it does not ask for: {arrows(search.chain(node))}"
            for node in search.next
            if node.owner in owners and node.scope.startswith("extra:") and node not in needed
        ]


def _listed(inputs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the files that differ, each with what it is an input of."""
    rows = [f"  {line(path)}: {', '.join(names) or 'nothing'}" for path, names in inputs.items()]
    more = [f"  … and {len(rows) - _MOST} more"] if len(rows) > _MOST else []
    return rows[:_MOST] + more


def _labelled(node: Node) -> str:
    """Return what a node is called, with its scope."""
    owner, scope = node
    if not node.is_package:
        return _TOOLS.get(node, owner)
    return shown(node) if scope.startswith("extra:") else f"{owner} ({scope})"


def _kind_and_language(space: Workspace, path: str) -> tuple[str, str]:
    """Return what a package is for, and its language; empty if a broken one does not say."""
    if package := space.packages.get(path):
        return package.kind, package.language
    if path.rpartition("/")[0] in AREAS:
        return languages.kind_of(path), languages.of(path)
    name = space.broken[path].path.rpartition("/")[2]
    return "", languages.BY_MANIFEST.get(name, "")


def arrows(chain: Chain) -> str:
    """Return a reason as a line, the file in a package by its path in that."""
    *above, file = chain
    inside = file.removeprefix(f"{above[-1]}/") if above else file
    return " ← ".join(map(line, [*above, inside]))


def plain(text: str) -> str:
    """Return a text that has any file names as one that all programs take."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def line(text: str) -> str:
    """Return a text that has any file names on one line."""
    return terminal.line(plain(text))
