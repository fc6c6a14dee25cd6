"""Whether a package's files mention a distribution, its modules or its programs."""

import ast
import json
import re
from collections.abc import Set
from functools import partial

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.guard.repository import Sources
from monorepo.parsing import markdown

_PROSE = (".md", ".rst", ".lock", "LICENSE", "pyproject.toml")
# Tables that tell of dependencies, and use none.
_TABLES = {"deptry", "monorepo", "pdm", "pixi", "poetry", "ruff", "uv"}


def is_named(sources: Sources, package: Package, names: Set[str]) -> bool:
    """Return whether a string in a package's code, or another file of it, has one of some words.

    Args:
        sources: the repository.
        package: the package.
        names: the words, folded.
    """
    read = partial(_words, sources)
    project, tools = package.manifest["project"], package.manifest.get("tool", {})
    told = [value for key, value in tools.items() if key not in _TABLES]
    told += [project.get("scripts"), project.get("entry-points")]
    if not names.isdisjoint(_folded(json.dumps(told))):
        return True
    paths = [
        path
        for path in sources.by_package[package.path]
        if path.endswith(".md") or not path.endswith(_PROSE)
    ]
    # Programs are named in Makefiles and the like, and code takes the longest to read.
    paths.sort(key=lambda path: path.endswith(".py"))
    return any(not names.isdisjoint(sources.kept.of(path, "words", read) or ()) for path in paths)


def _words(sources: Sources, path: str) -> list[str] | None:
    """Return, folded, the words of a file.

    Of Python, those in strings apart from docstrings; of Markdown, the programs that it runs.
    """
    text = sources.text(path)
    if text is None:
        return None
    texts = markdown.programs(text) if path.endswith(".md") else [text]
    if path.endswith(".py"):
        texts = _strings(sources, path)
    return sorted(set[str]().union(*map(_folded, texts)))


def _folded(text: str) -> set[str]:
    """Return, folded, the words of a text, and what each starts with."""
    words = {*re.findall(r"[A-Za-z0-9_.-]+", text)}
    return {fold(one) for word in words for one in (word, word.partition(".")[0])}


def _strings(sources: Sources, path: str) -> list[str]:
    """Return the strings of a Python file, apart from docstrings."""
    nodes = list(ast.walk(sources.tree(path) or ast.Module([], [])))
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (one.value for one in nodes if isinstance(one, ast.Constant) and id(one) not in alone)
    return [one for one in texts if isinstance(one, str)]
