"""Which rules there are; each is a module of its own, see monorepo.rules."""

import importlib
import inspect
from collections.abc import Iterator, Sequence
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
)


class Rule(Protocol):
    """What the module of a rule has."""

    def subjects(self, sources: Sources) -> Sequence[str]:
        """Return the paths of what the rule looks at."""

    def check(self, sources: Sources, subject: str) -> Iterator[Finding]:
        """Yield what is wrong with one of them."""


def load(rule: str) -> Rule:
    """Return the module of a rule."""
    return cast("Rule", importlib.import_module(f"monorepo.rules.{rule}"))


def chosen(words: Sequence[str]) -> list[str]:
    """Return the ids that `words` name; all of them for none.

    Raises:
        UsageError: there is no such rule.
    """
    if wrong := [word for word in words if word not in RULES]:
        raise UsageError(*(f"{word}: is no rule; there are {', '.join(RULES)}" for word in wrong))
    return [rule for rule in RULES if rule in words] if words else list(RULES)


def explained(rule: str) -> str:
    """Return all that is to say about a rule: what, why, how to mend it, and examples."""
    return inspect.cleandoc(load(rule).__doc__ or "")


def what(rule: str) -> str:
    """Return in one line what a rule holds."""
    return explained(rule).partition("\n")[0]
