"""What runs a package, as `:runtimes/targets` says it. Standard library only."""

import re
from collections.abc import Iterable

PYTHON = "python"
# The target of a package that browsers can load as well, and its export.
BROWSER, BROWSER_EXPORT = "browser", "./browser"

_TARGET = re.compile(r"([a-z]+)(?: |(?![a-z]))(.*\S.*)", re.DOTALL)
# A range that begins with one needs no space after the name of its engine.
_OPERATOR = re.compile(r"[<>=^~*]")


def target(engine: str, versions: str) -> str:
    """Return the target that an engine with a range of versions is, such as `node>=24`.

    Raises:
        ValueError: no target can say that.
    """
    text = f"{engine}{'' if _OPERATOR.match(versions) else ' '}{versions}"
    if engine_of(text) != (engine, versions):
        raise ValueError(f"{engine!a} with the range {versions!a} is no target")
    return text


def engine_of(text: str) -> tuple[str, str] | None:
    """Return engine and range of versions of a target; None if it has none."""
    found = _TARGET.fullmatch(text)
    return (found[1], found[2]) if found else None


def ordered(texts: Iterable[str]) -> list[str]:
    """Return targets in the order that they are written in, which says nothing."""
    return sorted(texts, key=lambda text: (text == BROWSER, text))
