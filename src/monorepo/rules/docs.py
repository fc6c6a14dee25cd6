"""Commands, links, imports and rule ids in the documentation exist.

Checked are README.md, AGENTS.md and CONTRIBUTING.md, and the README.md of each package and of
tools/. Placeholders (`<name>`, `…`) are skipped.

- `docs.command`: a code span or shell block has a Make target, a package or rule in a variable, a
  nox session or the path of a script that is not there
- `docs.link`: a relative link leads nowhere, or to a heading that is not there
- `docs.import`: a block of Python, JavaScript or TypeScript, `python -m`, or a dotted code span
  names a module of a package here, or a name in one, that is not there. Nothing is said of a module
  with `__getattr__`, `import *` or `export *`
- `docs.rule`: AGENTS.md does not list a rule below the heading Rules, in an item that starts with
  its id and a colon; or a rule is named that is not there

Why: after one command that does not exist, people no longer trust the page, and coding agents try
variants of it.

Fix: correct the document, or restore what it refers to.

Passes::

    `make test PKG="shared/py/core"`
    [how to add a package](README.md#add-a-package)

Fails::

    `make tests`
    from acme_core import gone
"""

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.guard import catalog, makefiles
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import javascript, markdown, python_imports
from monorepo.parsing.markdown import Kind, Said
from monorepo.sessions import definitions
from monorepo.splitting import python_names, typescript_names
from monorepo.splitting.javascript import source_of

_PLACEHOLDER = re.compile(r"[<>{}*$…]|\.\.\.")
_INTERPRETER = re.compile(r"(.*/)?(python[\d.]*|bash|sh|cd)")
# What exports more than a module names.
_OPEN = re.compile(r"\bexports\b|export\s*=|export\s*\*|export\s+(const|let|var)\s*[{[]")
_MODULES = (".py", ".pyi", ".pyx", ".so", ".pyd")
Wrong = Iterator[tuple[str, str]]


def subjects(sources: Sources) -> Sequence[str]:
    """Return the documents of the repository, of its packages and of tools."""
    folders = ("tools", *sources.space.packages)
    paths = [*markdown.ROOT, *(f"{folder}/README.md" for folder in folders)]
    return [path for path in paths if (sources.root / path).is_file()]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look up what a document names."""
    said = _said(sources, subject)
    for one in said:
        for message, fix in _wrong(sources, subject, one):
            yield Finding(subject, one.line, f"docs.{one.kind}", message, fix)
        code = _missing(sources, *one.words) if one.kind is Kind.IMPORT else {}
        for line, names in code.items():
            message = f"imports {', '.join(names)}, which the code does not have"
            fix = "correct it, or restore what it names"
            yield Finding(subject, one.line + line - 1, "docs.import", message, fix)
    if subject == "AGENTS.md":
        listed = {word for one in said if one.kind is Kind.RULE for word in one.words}
        if missing := [rule for rule in catalog.ids(sources.root) if rule not in listed]:
            fix = f"say below the heading Rules what it holds: - `{missing[0]}`: …"
            yield Finding(subject, 0, "docs.rule", f"does not tell of {', '.join(missing)}", fix)


def _said(sources: Sources, path: str) -> list[Said]:
    rows = sources.in_text(path, "docs", markdown.read) or []
    return [Said(Kind(kind), line, words) for kind, line, words in rows]


def _wrong(sources: Sources, path: str, said: Said) -> Wrong:
    """Yield what is wrong with a thing that is said, and what to do."""
    folder, (first, *words) = posixpath.dirname(path), said.words
    if said.kind is Kind.LINK:
        yield from _link(sources, path, first)
    elif said.kind is Kind.RULE:
        yield from _rules(sources, said.words)
    elif said.kind is Kind.COMMAND and first == "make":
        yield from _make(sources, folder, words)
    elif said.kind is Kind.COMMAND and first.rpartition("/")[2] == "nox":
        yield from _nox(sources, folder, words)
    elif said.kind is Kind.COMMAND:
        script = "".join(words[:1]) if _INTERPRETER.fullmatch(first) else first
        yield from _script(sources, folder, script)


def _rules(sources: Sources, words: Iterable[str]) -> Wrong:
    for word in words:
        if not catalog.is_known(sources.root, word) and not _PLACEHOLDER.search(word):
            yield f"there is not a rule {word}", "make explain lists them"


def _make(sources: Sources, folder: str, words: list[str]) -> Wrong:
    """Look up targets, and the packages and rules that variables name."""
    places, gone, names = [folder, ""], [], sources.once(_named)
    if words[:1] == ["-f"]:
        return
    if words[:1] == ["-C"]:
        place = posixpath.normpath(posixpath.join(folder, *words[1:2]))
        words = [] if _PLACEHOLDER.search(place) else words[2:]
        # A folder that is not here may be what this repository was cloned into.
        places = [place] if (sources.root / place).is_dir() else places
    for word in words:
        variable, equals, value = word.partition("=")
        if equals:
            given = [one for one in value.split() if not _PLACEHOLDER.search(one)]
            yield from _rules(sources, given if variable == "RULE" else ())
            for one in given if variable in names else ():
                name = one.partition("[")[0].strip("-").rstrip("/")
                if not names[variable] & {name, fold(name)}:
                    yield f"there is not a package {one}", "make list shows them"
        elif not (word.startswith("-") or word.isdigit() or _PLACEHOLDER.search(word)):
            known = any(makefiles.has(sources, place, word) for place in places)
            gone += [] if known else [word]
    if gone:
        where = f" in {places[0]}" if places[0] else ""
        yield f"Make has no target {', '.join(gone)}{where}", "make help lists them"


def _named(sources: Sources) -> dict[str, set[str]]:
    """Return what may be named in each variable that takes packages."""
    space = sources.space
    packages = {*space.packages, *space.broken}
    return {"PKG": packages, "DEPS": {*packages, *space.by_name, *space.lost}}


def _nox(sources: Sources, folder: str, words: list[str]) -> Wrong:
    """Look up the sessions that are named."""
    naming = False
    for word in words[: words.index("--")] if "--" in words else words:
        named = word
        if word.startswith("-"):
            option, _, named = word.partition("=")
            naming = option in ("-s", "-e", "--session", "--sessions")
        if naming and named and not _PLACEHOLDER.search(named):
            if not _session(sources, folder, named):
                yield f"nox has no session {named}", "nox -l lists them"


def _session(sources: Sources, folder: str, name: str) -> bool:
    """Return whether there is a session: one of each task of a package, or a noxfile's own."""
    for noxfile in {posixpath.join(folder, "noxfile.py"), "noxfile.py"}:
        nodes = ast.walk(sources.tree(noxfile) or ast.Module([], []))
        if any(name in (getattr(one, "name", ""), getattr(one, "value", "")) for one in nodes):
            return True
    session, _, path = name.rstrip(")").partition("(")
    owner = path or (folder if folder in sources.space.packages else "")
    # Of what is broken, nobody knows which there would be. Few have those that run by name alone.
    if {owner, folder} & sources.space.broken.keys() or name in definitions.BY_NAME:
        return True
    return (owner, session) in sources.once(_sessions)


def _sessions(sources: Sources) -> set[tuple[str, str]]:
    """Return the names of all sessions, with the path of their package and with none."""
    found = set[tuple[str, str]]()
    for path, package in sources.space.packages.items():
        for cell in definitions.cells_of(sources.space, package):
            names = {cell.task, cell.name(at_root=False)}
            found |= {(place, name) for place in (path, "") for name in names}
    return found


def _script(sources: Sources, folder: str, word: str) -> Wrong:
    """Look up a path, if it begins with a folder that is here: others may be about elsewhere."""
    # A folder may be what a command makes.
    is_folder, word = word.endswith("/"), posixpath.normpath(word)
    places = [sources.root / folder, sources.root]
    if (
        is_folder
        or "/" not in word
        or word.split("/")[0] not in sources.once(_folders)
        or word.startswith((".venv/", "-"))
        or _PLACEHOLDER.search(word)
    ):
        return
    # What every service has is told of at the root.
    inside = any(path.endswith(f"/{word}") for path in sources.files)
    if not inside and not any((place / word).exists() for place in places):
        yield f"there is no {word}", "correct the path"


def _folders(sources: Sources) -> set[str]:
    return {part for path in sources.files for part in path.split("/")[:-1]}


def _link(sources: Sources, path: str, target: str) -> Wrong:
    """Look up where a relative link leads."""
    place, _, heading = unquote(target).partition("#")
    if re.match(r"[\w.+-]+:|//", place) or "?" in place or _PLACEHOLDER.search(place):
        return
    base = "" if place.startswith("/") else posixpath.dirname(path)
    file = posixpath.normpath(posixpath.join(base, place.lstrip("/"))) if place else path
    # On GitHub, ../../issues leads to the issues.
    if file.startswith("../../"):
        return
    if file.startswith("..") or not (sources.root / file).exists():
        yield f"the link leads to {file}, which is not there", "correct it"
    elif heading and file.endswith(".md"):
        anchors = {said.words[0].lower() for said in _said(sources, file) if said.kind == "anchor"}
        html = rf"""<[^>]*\b(id|name)=["']{re.escape(heading)}["']"""
        if heading.lower() not in anchors and not re.search(html, sources.text(file) or ""):
            yield f"{file} has no heading for #{heading}", "correct it"


def _missing(sources: Sources, language: str, text: str) -> dict[int, list[str]]:
    """Return what code imports of packages here and they do not have, by its line."""
    found: dict[int, list[str]] = {}
    for line, module, name in _python(text) if language == "python" else _javascript(text):
        top = module.partition(".")[0] if language == "python" else javascript.specifier(module)[0]
        package, gone = sources.space.by_import.get(top), ""
        if package and language == "python":
            gone = "" if _has(sources, package, module) else module
        elif package:
            known = _exported(sources, package, javascript.specifier(module)[1])
            if known is not None and (not known or (name and name not in known)):
                gone = f"{name} from {module}" if known else module
        # Of `from a.b import c`, both a.b and a.b.c are asked for.
        names = found.get(line, [])
        if gone and not any(f"{gone}.".startswith(f"{one}.") for one in names):
            found[line] = [*names, gone]
    return found


def _python(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line and dotted name of what Python code imports, or uses of a module it imports."""
    lines = text.replace("…", "...").splitlines()
    if any(line.startswith(">>> ") for line in lines):
        lines = [line[4:] if line.startswith((">>> ", "... ")) else "" for line in lines]
    # Of what is no Python as a whole, the lines that import something are.
    tree = python_names.parsed("\n".join(lines)) or ast.Module(
        [
            ast.increment_lineno(node, at)
            for at, line in enumerate(lines)
            if line.startswith(("import ", "from ")) and (one := python_names.parsed(line))
            for node in one.body
        ],
        [],
    )
    modules = [(one.line, one.module) for one in python_imports.imports(tree, text)]
    tops = {module.partition(".")[0] for _, module in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.fullmatch(r"[\w.]+", ast.unparse(node)):
            name = ast.unparse(node)
            modules += [(node.lineno, name)] if name.partition(".")[0] in tops else []
    yield from ((line, name, "") for line, name in sorted(modules) if not name.endswith("*"))


def _has(sources: Sources, package: Package, dotted: str) -> bool:
    """Return whether a package has a module, or a name in one; of others, nobody knows."""
    first, *parts = dotted.split(".")
    place = f"{package.path}/src/{first}"
    for part in parts:
        folder, inner = sources.root / place, sources.root / place / part
        files = [one for one in folder.glob(f"{part}.*") if one.suffix in _MODULES]
        # An old __pycache__ is no package.
        if files or (inner.is_dir() and any(one.name != "__pycache__" for one in inner.iterdir())):
            place += f"/{part}"
            continue
        file = f"{place}.py" if sources.peek(f"{place}.py") is not None else f"{place}/__init__.py"
        tree = python_names.parsed(sources.peek(file) or "")
        known = {part, "*", "__getattr__"}.intersection(python_names.bound(tree) if tree else "*")
        return bool(known) or part.startswith("__")
    return True


def _javascript(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, module and name of what JavaScript code imports."""
    for one in typescript_names.statements(text):
        names = [item.name for item in one.items or ()] if one.word else []
        yield from ((one.line, one.module, name) for name in names or [""])


def _exported(sources: Sources, package: Package, inner: Sequence[str]) -> set[str] | None:
    """Return the names that a subpath exports, none if there is none; None if nobody knows."""
    exports, key = package.manifest.get("exports"), "/".join([".", *inner])
    if not isinstance(exports, Mapping) or "." not in exports or "*" in "".join(exports):
        return None
    if key not in exports:
        return set()
    text = sources.peek(posixpath.normpath(f"{package.path}/{source_of(exports[key])}"))
    if text is None or _OPEN.search(text):
        return None
    return {"default", *typescript_names.exported(text)}
