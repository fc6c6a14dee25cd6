"""Names of packages and distributions: which are valid, and how they are normalized."""

import keyword
import re
import sys
from collections.abc import Iterable
from functools import cache

from monorepo.core import languages
from monorepo.core.languages import AREAS, FLAT, Kind, Language

LONGEST = 64

_WORD = re.compile(r"[a-z][a-z0-9-]*")
# Folder names that git, Node, Python or Windows reserve, or that Ruff and pytest exclude.
_DEVICES = {f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)}
_LEFT_OUT = {"build", "dist", "buck_out", "site_packages", "venv"}
_RESERVED = {"con", "prn", "aux", "nul", *_DEVICES, "node_modules", "test", "tests", "src"}
_RESERVED |= _LEFT_OUT
_KEYWORDS = {word.lower() for word in (*keyword.kwlist, *keyword.softkwlist)}


@cache
def fold(name: str) -> str:
    """Return the normalized form of a name: lower case, one `-` for each run of `-_.` (PEP 503).

    It also covers npm, and file systems that ignore case.
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def problem(name: str) -> str | None:
    """Return what is wrong with the name of a repository or a namespace, or None."""
    if name.replace("-", "_") in _KEYWORDS:
        return "is a Python keyword; choose another name"
    return _spelling_problem(name)


def _spelling_problem(name: str) -> str | None:
    """Return why `name` cannot name a folder, a distribution and an npm package, or None."""
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
    """Return the distribution name of the package at `path` in the grouped layout."""
    return f"{namespace}-{stem(path)}"


def package_name(namespace: str, path: str) -> str:
    """Return the name that the manifest of the package at `path` in the grouped layout has."""
    if languages.of(path) is Language.PYTHON:
        return distribution(namespace, path)
    return f"@{namespace}/{stem(path)}"


def flat(namespace: str, path: str, *, twin: bool = False) -> str:
    """Return the path in the flat layout of the package at `path` in the grouped one.

    It is the name of the distribution, or of the npm package without `@` and with `-` for `/`. If
    there is a `twin`, the Python package of the same name, that of a JavaScript one ends in `-js`.
    """
    suffix = f"-{Language.JAVASCRIPT}" if twin and languages.of(path) is Language.JAVASCRIPT else ""
    return f"{FLAT}/{distribution(namespace, path)}{suffix}"


def twin(path: str) -> str:
    """Return the path, in the grouped layout, of the Python package with the name of another."""
    return f"{languages.kind_of(path)}/{Language.PYTHON}/{path.rpartition('/')[2]}"


def grouped(namespace: str, path: str, kind: Kind, language: Language, name: str) -> str:
    """Return the path in the grouped layout of the package at `path` in the flat one.

    Args:
        namespace: of the repository.
        path: such as `packages/acme-core`.
        kind: what the package is for, as its settings say.
        language: that of its manifest.
        name: in its manifest. It tells whether `-js` is part of the name, or of the folder alone.
    """
    end = f"-{Language.JAVASCRIPT}"
    folder = path.rpartition("/")[2].removeprefix(f"{namespace}-").removeprefix(kind.prefix)
    if language is Language.JAVASCRIPT and not name.endswith(end):
        folder = folder.removesuffix(end) or folder
    return f"{kind}/{language}/{folder}"


def stem(path: str) -> str:
    """Return what follows the namespace in the name of the package at `path`, a grouped one."""
    return languages.kind_of(path).prefix + path.rpartition("/")[2]


def path_problem(path: str, namespace: str) -> str | None:
    """Return what is wrong with `path` as the path of a package (`shared/py/audio`), or None.

    The last part may be a keyword or a module of the standard library: import names start with the
    namespace.
    """
    area, _, name = path.rpartition("/")
    if area not in AREAS:
        return f"is not a package's path; use a name in one of {', '.join(AREAS)}"
    if wrong := _spelling_problem(name):
        return wrong
    if languages.kind_of(path) is Kind.SHARED and name.startswith(Kind.SERVICE.prefix):
        return "would be named like a service; choose a name without svc-"
    full = distribution(namespace, path)
    if len(full) > LONGEST:
        return f"makes a package name of {len(full)} characters; use at most {LONGEST}"
    module = full.replace("-", "_")
    if languages.of(path) is Language.PYTHON and module in sys.stdlib_module_names:
        return f"would shadow {module} of Python's standard library; choose another name"
    return None


def show(value: str) -> str:
    """Format a value for an error message: one line of ASCII, shortened."""
    text = ascii(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]}...{text[-1]}"


def clash(name: str, others: Iterable[str]) -> str | None:
    """Return the first of `others` that normalizes to the same name as `name`, or None."""
    return next((other for other in others if fold(other) == fold(name)), None)
