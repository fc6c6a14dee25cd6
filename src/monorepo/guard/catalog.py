"""The catalog of rules: ours are modules of monorepo.rules, the team's are in tools/rules."""

import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.system.errors import UsageError

RULES = (
    "includes",
    "declared",
    "extras",
    "layers",
    "thin",
    "heavy",
    "legacy",
    "pins",
    "confusion",
    "sources",
    "structure",
    "names",
    "ignored",
    "tests",
    "python",
    "typed",
    "drift",
    "docs",
    "workflows",
    "secrets",
    "unreadable",
    "engine",
)
# The folder of the team's own rules; the file name is the id.
TEAMS = "tools/rules"
_ID = re.compile(r"[a-z][a-z0-9_-]*")


class Rule(Protocol):
    """The functions of a rule module."""

    def subjects(self, sources: Sources) -> Sequence[str]:
        """Return the paths that the rule checks."""

    def check(self, sources: Sources, subject: str) -> Iterator[Finding]:
        """Yield the findings at one of these paths."""


def own(root: Path) -> list[str]:
    """Return the ids of the team's own rules.

    Raises:
        UsageError: a file name is not a valid id.
    """
    names = sorted(file.stem for file in (root / TEAMS).glob("*.py") if file.stem[0] != "_")
    wrong = [
        f"{TEAMS}/{name}.py: is the name of another rule; rename it"
        if name in RULES
        else f"{TEAMS}/{name}.py: is not a valid rule id; use lower-case letters, a letter first"
        for name in names
        if name in RULES or not _ID.fullmatch(name)
    ]
    if wrong:
        raise UsageError(*wrong)
    return names


def ids(root: Path) -> list[str]:
    """Return the ids of all rules of a repository.

    Raises:
        UsageError: the file name of a team's rule is not a valid id.
    """
    return [*RULES, *own(root)]


def load(root: Path, rule: str) -> Rule:
    """Return the module of a rule.

    Raises:
        UsageError: the team's rule cannot be imported.
    """
    if rule in RULES:
        return cast("Rule", importlib.import_module(f"monorepo.rules.{rule}"))
    file = root / TEAMS / f"{rule}.py"
    spec = importlib.util.spec_from_file_location(f"tools.rules.{rule}", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    # A broken rule must not keep the others from running.
    except (Exception, SystemExit) as error:
        line = getattr(error, "lineno", None) or 1
        what = f"cannot be imported ({type(error).__name__}: {error})"
        raise UsageError(f"{TEAMS}/{rule}.py:{line}: {what}; correct it") from error
    if missing := [name for name in ("subjects", "check") if not hasattr(module, name)]:
        names = ", ".join(missing)
        raise UsageError(f"{TEAMS}/{rule}.py: has no {names}; see tools/README.md")
    return cast("Rule", module)


def chosen(root: Path, words: Sequence[str]) -> list[str]:
    """Return the selected rules and ids of problems; all rules if `words` is empty.

    Raises:
        UsageError: there is no such rule.
    """
    known = ids(root)
    if wrong := [word for word in words if not is_known(root, word)]:
        raise UsageError(
            *(f"{word}: is not a rule; there are {', '.join(known)}" for word in wrong)
        )
    return sorted({*words}, key=lambda word: (known.index(rule_of(word)), word)) if words else known


def explained(root: Path, rule: str) -> str:
    """Return the documentation of a rule, or of that of an id: what, why, fix, and examples."""
    return inspect.cleandoc(load(root, rule_of(rule)).__doc__ or "has no description")


def rule_of(finding_id: str) -> str:
    """Return the rule of an id such as `declared.unused`."""
    return finding_id.partition(".")[0]


def is_known(root: Path, finding_id: str) -> bool:
    """Return whether it is a rule, or the id of a problem that a rule documents."""
    if finding_id in ids(root):
        return True
    named = re.compile(rf"(?<![\w.-]){re.escape(finding_id)}(?![\w-])")
    return rule_of(finding_id) in ids(root) and bool(named.search(explained(root, finding_id)))


def what(root: Path, rule: str) -> str:
    """Return the summary line of a rule; "" if it cannot be imported."""
    try:
        return explained(root, rule).partition("\n")[0]
    except UsageError:
        return ""
