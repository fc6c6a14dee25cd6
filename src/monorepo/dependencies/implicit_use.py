"""Detect dependencies that are used without an import: plugins, drivers, backends.

A driver or a plugin is loaded by name, by a distribution that does not require it: this looks into
its code, into packages that request an extra, and into files outside the package.
"""

import contextlib
import re
from collections.abc import Set

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies.module_names import guess
from monorepo.dependencies.providers import Distributions
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript, markdown
from monorepo.parsing.python_imports import prefixes
from monorepo.parsing.python_tests import is_test

# Bounds that constrain a transitive dependency. A lower bound counts only with a comment, because
# nearly all requirements have one.
_HOLDS = re.compile("<|==|~=|!=")
_BOUND = re.compile("[<>=!]")
# Files that run programs.
_RUNS = re.compile(
    r"\.github/(actions|workflows)/.*\.ya?ml|(.*/)?(\.gitlab-ci|[^/]*compose[^/]*|Taskfile)\.ya?ml"
    r"|(.*/)?(Dockerfile|Containerfile|Makefile|Procfile|[Jj]ustfile)[^/]*|.*\.(mk|py|sh|spec)"
)
_STARTS = r"""(^\s*|[;&|"']\s*|\b(command|entrypoint|exec|from|import|run|-m)\b:?[ \t]+)"""
_CODE = (".ipynb", ".py", ".pyx", *javascript.SUFFIXES)


def is_needed(
    known: Distributions, package: Package, name: str, extra: str, others: Set[str]
) -> bool:
    """Return whether a declared distribution is used by others that are installed with it.

    Args:
        known: the known distributions.
        package: the package that declares it.
        name: the name of the distribution.
        extra: the extra in which it is declared; "" for none.
        others: the distributions that are installed with it, declared or not.
    """
    # Python itself may load it at startup, by a .pth file.
    if known.installed(package, name).get("starts"):
        return True
    if extra and _asked_for(known, package, extra, name):
        return True
    return name not in others and _loads(known, package, name, others)


def reached(known: Distributions, package: Package, but: str) -> set[str]:
    """Return the transitive dependencies of a package without the direct dependency `but`.

    Only installed distributions are followed. Dependency groups and the extra `test` do not count.
    """
    found = set[tuple[str, ...]]()
    direct = known.asks(package, package.extras.keys() - {"test"})
    todo = [(name, *sorted(direct[name])) for name in direct.keys() - {but}]
    while todo:
        if (entry := todo.pop()) in found:
            continue
        found.add(entry)
        name, *extras = entry
        if other := known.space.by_name.get(name):
            todo += [(more, *sorted(its)) for more, its in known.asks(other, extras).items()]
        else:
            names = {*known.installed(package, name).get("requires", ())}
            todo += [(more,) for more in names.union(known.brought(package, name, extras))]
    return {entry[0] for entry in found}


def _loads(known: Distributions, package: Package, name: str, others: Set[str]) -> bool:
    """Return whether any of `others` imports a distribution, or loads its plugins."""
    modules = known.modules(package, name) or {guess(name).replace("-", "_")}
    words = {*modules, *known.installed(package, name).get("groups", ())}
    starts = tuple(f"{word}." for word in words)
    mentioned = (f"{word}." for other in others for word in known.mentioned(package, other))
    return any(word.startswith(starts) for word in mentioned)


def holds(text: str, line: int, asked: str, *, brought: bool) -> tuple[bool, str]:
    """Return whether a bound constrains a transitive dependency, and why it may have other uses.

    Args:
        text: the text of the manifest.
        line: the line of the requirement, from 1; 0 if unknown.
        asked: the requirement.
        brought: whether another distribution requires it.
    """
    lines = ["", *text.split("\n")]
    noted = "#" in lines[line].partition(asked)[2]
    has_note = noted or lines[max(line - 1, 0)].lstrip().startswith("#")
    bounds = asked.partition(";")[0]
    doubt = "the manifest has a note on it" if noted else ""
    if brought and _BOUND.search(bounds):
        doubt = doubt or "another one requires it, and its bound may be meant"
    return brought and bool((_BOUND if has_note else _HOLDS).search(bounds)), doubt


def _asked_for(known: Distributions, package: Package, extra: str, name: str) -> bool:
    """Return whether any package that requests an extra imports a distribution in it."""
    modules = known.modules(package, name) or {guess(name).replace("-", "_")}
    return any(
        not modules.isdisjoint(prefixes(imported.module))
        for other in known.space.packages.values()
        if other.is_python
        and extra in known.asks(other, other.extras, other.groups).get(fold(package.name), ())
        for file in known.files.get(other.path, [])
        for imported in known.imports(other, file)
    )


def elsewhere(sources: Sources, package: Package, names: Set[str]) -> str:
    """Return where one of some names may be used outside of the checked code; "" for nowhere.

    In an unreadable file of the package, or in a file outside of it that runs programs: a workflow,
    a script, or the build of another package.
    """
    likely = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in sorted(names))
    for path in sources.by_package[package.path]:
        if path.endswith(_CODE) and path in sources.notes:
            text = b""
            with contextlib.suppress(OSError):
                text = (sources.root / path).read_bytes()
            if re.search(rf"(?i)\b({likely})\b".encode(), text):
                return f"{path} {sources.notes[path].message}"
    named = re.compile(rf"(?im){_STARTS}({likely})(?![\w-])")
    for path in filter(_RUNS.fullmatch, sources.files):
        other = sources.package_of(path)
        deep = other or is_test(path) or path.count("/") > 1
        if other is package or (deep and path.endswith(".py")):
            continue
        if named.search(sources.peek(path) or ""):
            return f"{path} names it"
    for path in markdown.ROOT:
        if named.search("\n".join(markdown.programs(sources.peek(path) or ""))):
            return f"{path} names it"
    return ""
