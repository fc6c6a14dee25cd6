"""Names of packages and distributions: which are valid, and how they are normalized."""

import keyword
import re
import sys
from collections.abc import Iterable
from functools import cache

from monorepo.core.languages import AREAS

LONGEST = 64

_WORD = re.compile(r"[a-z][a-z0-9-]*")
# Folders that git, Node, Python or Windows keep for themselves, or that Ruff and pytest leave out.
_DEVICES = {f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)}
_LEFT_OUT = {"build", "dist", "buck_out", "site_packages", "venv"}
_RESERVED = {"con", "prn", "aux", "nul", *_DEVICES, "node_modules", "test", "tests", "src"}
_RESERVED |= _LEFT_OUT
_KEYWORDS = {word.lower() for word in (*keyword.kwlist, *keyword.softkwlist)}


@cache
def fold(name: str) -> str:
    """Return the form in which two names are the same: lower case, one `-` for each run of `-_.`.

    The rule is PEP 503's; npm and file systems that ignore case are covered by it.
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def problem(name: str) -> str | None:
    """Say what is wrong with `name` for a repository or a namespace; None if nothing."""
    if name.replace("-", "_") in _KEYWORDS:
        return "is a Python keyword; choose another name"
    return _spelling_problem(name)


def _spelling_problem(name: str) -> str | None:
    """Say why no folder, distribution and npm package can be called `name`; None if they can."""
    if not name.strip():
        return "is empty; give a name such as audio"
    if len(name) > LONGEST:
        return f"has {len(name)} characters; use at most {LONGEST}"
    if not _WORD.fullmatch(name):
        return "is not a name; use lower-case letters, digits and single dashes, a letter first"
    if name.endswith("-") or "--" in name:
        return "has a dash at its end or two in a row; use single dashes between words"
    if name.replace("-", "_") in _RESERVED:
        return "is reserved by file systems or tools; choose another name"
    return None


def distribution(namespace: str, path: str) -> str:
    """Return the name of the distribution at `path`; import and npm names are made like it."""
    area, _, name = path.rpartition("/")
    return f"{namespace}-svc-{name}" if area.startswith("services/") else f"{namespace}-{name}"


def path_problem(path: str, namespace: str) -> str | None:
    """Say what is wrong with `path` as a package's path, such as `shared/py/audio`.

    A package may be called like a keyword or a module of Python's standard library: what is
    imported begins with the namespace.
    """
    area, _, name = path.rpartition("/")
    if area not in AREAS:
        known = ", ".join(f"{area}/<name>" for area in AREAS)
        return f"is not a package's path; use one of {known}"
    if wrong := _spelling_problem(name):
        return wrong
    if area.startswith("shared/") and name.startswith("svc-"):
        return "would be named like a service; choose a name without svc-"
    full = distribution(namespace, path)
    if len(full) > LONGEST:
        return f"makes a package name of {len(full)} characters; use at most {LONGEST}"
    module = full.replace("-", "_")
    if area.endswith("/py") and module in sys.stdlib_module_names:
        return f"would shadow {module} of Python's standard library; choose another name"
    return None


def show(value: str) -> str:
    """Return `value` for an error message: on one line, in ASCII, and short."""
    text = ascii(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]}...{text[-1]}"


def clash(name: str, others: Iterable[str]) -> str | None:
    """Return the first of `others` that is the same as `name` once folded, or None."""
    return next((other for other in others if fold(other) == fold(name)), None)
