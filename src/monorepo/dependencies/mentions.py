"""The texts in a package's files that may name a module or a program without an import."""

import ast
import json
import re

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.guard.repository import Sources

# What names no use: documents, locks, and the manifests themselves.
_PROSE = (".md", ".rst", ".txt", ".lock", "LICENSE", "pyproject.toml", "package.edn")
# Tables that tell of dependencies, and use none.
_TABLES = {"deptry", "monorepo", "pdm", "pixi", "poetry", "ruff", "uv"}


def texts(sources: Sources, path: str) -> list[tuple[int, str]]:
    """Return the texts in a file that may name one, with their lines.

    Of Python, these are its strings, apart from docstrings; other files, except documents, are
    taken line by line.
    """
    if path.endswith(".py"):
        nodes = list(ast.walk(sources.tree(path) or ast.Module([], [])))
        alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        values = [one for one in nodes if isinstance(one, ast.Constant) and id(one) not in alone]
        return [(one.lineno, one.value) for one in values if isinstance(one.value, str)]
    if path.endswith(_PROSE):
        return []
    return [*enumerate((sources.peek(path) or "").splitlines(), start=1)]


def words(sources: Sources, package: Package) -> set[str]:
    """Return, folded, the words of all texts in a package, and what each starts with."""
    project, tools = package.manifest["project"], package.manifest.get("tool", {})
    told = [value for key, value in tools.items() if key not in _TABLES]
    told += [project.get("scripts"), project.get("entry-points")]
    every = [text for path in sources.by_package[package.path] for _, text in texts(sources, path)]
    found = {*re.findall(r"[A-Za-z0-9_.-]+", "\n".join([json.dumps(told), *every]))}
    return {fold(one) for word in found for one in (word, word.partition(".")[0])}
