"""Reasons why a dependency that seems missing may be available after all."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Set
from functools import lru_cache

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import extras_graph, mentions
from monorepo.dependencies.extras_graph import Asked, Demand, Demands, Item
from monorepo.dependencies.module_names import guess
from monorepo.dependencies.providers import Distributions
from monorepo.guard.repository import Sources
from monorepo.parsing.python_imports import Import, ImportKind
from monorepo.parsing.python_tests import above, is_test

_INSTALLING = re.compile(r"(?i)install|\b(pdm|poetry|uv) add\b")
_COMMAND = re.compile(r"\b(pip3? install|(pdm|poetry|uv) add)\b")
_IMAGE = re.compile(r"\.(uv_)?pip_install")
_FAILED = re.compile(r"except\b.*(ImportError|ModuleNotFoundError)")
_SENTENCES = re.compile(r"[.!;\n](?:\s|$)")
_FOR_TESTS = re.compile(r"(^|[/_])(tests?|testing)[/_.]")
_REQUIRED = re.compile(r"([\w.-]+)(\[[\w, -]+\])?($|[=<>!~])")
_PATHS = re.compile(r"sys\.path|syspath_prepend|addsitedir")
_PYTEST = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_PYTHONPATH = re.compile(r"^\s*pythonpath\s*=", re.MULTILINE)
_SCRIPT = re.compile(r"\b__(main|package)__\b")
# What builds modules from other languages.
_BUILDERS = ("/Cargo.toml", "/CMakeLists.txt", "/meson.build", "/setup.py")
_PROJECTS = ("/pyproject.toml", "/setup.py")


def of(graph: Demands, package: Package, file: str, item: Item, need: Demand, asked: Asked) -> str:
    """Return why it may be right that what is asked for does not bring what an import needs."""
    for name, extras in asked.items():
        # An extra that is asked of a package here is for its submodule, but was asked for by name.
        if other := graph.space.by_name.get(name):
            there = graph.known.asks(other, extras)
            others = there.keys() - graph.known.asks(other).keys() | graph.space.by_name.keys()
            if graph.met(need, {one: there[one] for one in there.keys() & others}):
                more = f"[{','.join(sorted(extras))}]" if extras else ""
                return f" (but {name}{more} does)"
    names = {need.module.partition(".")[0], *need.names}
    if doubt := told(graph, package, file, item.one, names):
        return doubt
    module = graph.module(file)
    spared = not is_test(file) and (item.one.late or module not in graph.tops(package))
    sparing = graph.spares(package, module) if spared else ""
    return f" (but {sparing} does without this)" if sparing else ""


def told(graph: Demands, package: Package, file: str, one: Import, names: Iterable[str]) -> str:
    """Return what tells that a file may do without an import.

    `names` are its module, and the distributions that bring it.
    """
    sources, path = graph.known.sources, f"{package.path}/{file}"
    text = sources.text(path) or ""
    if "# /// script" in text:
        return " (but the script says itself what it needs)"
    if is_test(file) and "allow_module_level" in text:
        return " (but the tests may be skipped)"
    # Without what its top imports nothing of a package works, whatever that says.
    if graph.module(file) in graph.tops(package) and not one.late:
        return ""
    if _FOR_TESTS.search(file) and not is_test(file):
        return " (but this may be for tests)"
    tree = sources.tree(path) or ast.Module([], [])
    if one.late and _names(tree, set(map(fold, names))):
        return " (but the code names it, and may know whether it is there)"
    handlers = _handlers(tree, one.line)
    if one.late and handlers:
        return " (but the code has an answer if it is not there)"
    if one.late and _IMAGE.search(text):
        return " (but the code has an image made that may bring it)"
    texts = [part for text in mentions.said(sources, path) for part in _SENTENCES.split(text)]
    words = (re.findall(r"[\w-]+", part) for part in texts if _INSTALLING.search(part))
    says = any(_is_for(word, names) for each in words for word in each)
    says = says or any(map(_INSTALLING.search, handlers))
    # What is installed for one may bring another.
    says = says or (one.late and any(map(_COMMAND.search, texts)))
    return " (the code says in words what to install)" if says else ""


def _is_for(word: str, names: Iterable[str]) -> bool:
    """Return whether a word in a text means what one of some names does: scikit-learn, sklearn."""
    likely = {fold(word), fold(guess(fold(word)))}
    return any(fold(name) in likely or fold(word).startswith(f"{fold(name)}-") for name in names)


def _handlers(tree: ast.Module, line: int) -> list[str]:
    """Return, as code, the handlers for an import that fails of each `try` around a line."""
    tries = (node for node in ast.walk(tree) if isinstance(node, ast.Try))
    around = (one for one in tries if one.lineno < line <= (one.body[-1].end_lineno or 0))
    texts = [ast.unparse(handler) for one in around for handler in one.handlers]
    return [text for text in texts if _FAILED.match(text)]


def _names(tree: ast.Module, wanted: Set[str]) -> bool:
    """Return whether code has one of some names as a string, `pandas>=2`, or as an attribute."""
    nodes = list(ast.walk(tree))
    keys = {id(key) for one in nodes if isinstance(one, ast.Dict) for key in one.keys}
    texts = [getattr(one, "value", "") for one in nodes if id(one) not in keys]
    texts += [one.attr for one in nodes if isinstance(one, ast.Attribute)]
    starts = (_REQUIRED.match(one) for one in texts if isinstance(one, str))
    return any(start and fold(start[1]) in wanted for start in starts)


def place(
    known: Distributions, package: Package, file: str, one: Import, *, known_to_be: bool
) -> str:
    """Return why what a file imports may be there all the same.

    `known_to_be` tells whether a distribution or a package here is known to bring it.
    """
    if file.startswith("tests/") and not extras_graph.of(known.sources).is_run(package, file):
        return " (pytest does not reach it)"
    sources, top = known.sources, one.module.partition(".")[0]
    if one.late and (foreseeing := _foreseeing(known, package, file, top)):
        return f" (but {foreseeing} has an answer if it is not there)"
    if known_to_be:
        return ""
    path = f"{package.path}/{file}"
    text = sources.text(path) or ""
    tests = [f"{folder}/conftest.py" for folder in above(path)] if is_test(file) else []
    texts = [text, *(sources.peek(test) or "" for test in tests)]
    if any(map(_PATHS.search, texts)):
        return " (the code changes where modules are looked for)"
    settings = [f"{start}{name}" for start in ("", f"{package.path}/") for name in _PYTEST]
    if tests and any(_PYTHONPATH.search(sources.peek(one) or "") for one in settings):
        return " (pytest changes where modules are looked for)"
    # What is put there by its name was seen before, with the lines that come first.
    quoted = re.compile(rf"""(?<!modules\[)["']{re.escape(top)}["'.]""")
    if tests and any("sys.modules" in each and quoted.search(each) for each in texts):
        return " (it may be made here)"
    there = f"{path.rpartition('/')[0]}/{top}"
    beside = {f"{there}.py", f"{there}/__init__.py"} & {*sources.by_package[package.path]}
    if beside and _SCRIPT.search(text):
        return " (it stands beside this script)"
    builders = [each for each in sources.by_package[package.path] if each.endswith(_BUILDERS)]
    builds = re.compile(rf"\b{re.escape(top)}\b")
    if top.endswith(("_pb2", "_pb2_grpc")) or any(
        builds.search(sources.peek(each) or "") for each in builders
    ):
        return " (a tool makes it)"
    for other in _scripts(sources).get(top, ()):
        if not other.startswith(f"{package.path}/"):
            return f" ({other} is called so)"
    return ""


def _foreseeing(known: Distributions, package: Package, file: str, top: str) -> str:
    """Return another file of a package that says what to do if a module is not there."""
    for other in [one for one in known.files.get(package.path, []) if one != file]:
        path = f"{package.path}/{other}"
        for one in known.imports(package, other):
            if one.module.partition(".")[0] != top or one.kind not in (
                ImportKind.OPTIONAL,
                ImportKind.REQUIRED,
            ):
                continue
            tree = known.sources.tree(path) if one.kind == ImportKind.REQUIRED else None
            if one.kind == ImportKind.OPTIONAL or (tree and _handlers(tree, one.line)):
                return path
    return ""


def in_project(sources: Sources, path: str, file: str) -> bool:
    """Return whether a file is of a project that lies in a package: data of tests, a template."""
    inner = _projects(sources)
    return bool(inner) and not inner.isdisjoint(above(f"{path}/{file}"))


@lru_cache(maxsize=1)
def _projects(sources: Sources) -> set[str]:
    """Return the folders with a project of their own, apart from the packages."""
    found = {path.rpartition("/")[0] for path in sources.files if path.endswith(_PROJECTS)}
    return found - sources.space.packages.keys()


@lru_cache(maxsize=1)
def _scripts(sources: Sources) -> dict[str, list[str]]:
    """Return the Python files outside the packages' src, by what they could be imported as."""
    found = defaultdict(list)
    for path in sources.python():
        if "/src/" not in path:
            found[path.rpartition("/")[2].removesuffix(".py")].append(path)
            if not sources.package_of(path):
                found[path.partition("/")[0]].append(path)
    return found
