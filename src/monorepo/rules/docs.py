"""Commands, links, imports and rule ids in the documentation exist.

Checked are README.md, AGENTS.md and CONTRIBUTING.md, and the README.md of each package and of
tools/. Placeholders (`<name>`, `…`) are skipped.

- `docs.command`: a code span or shell block has a Make target, a package or rule in a variable, a
  nox session, a program of .venv/bin, a verb of the engine or a script that is not there
- `docs.link`: a relative link leads nowhere, or to a heading that is not there
- `docs.import`: a block of Python, JavaScript or TypeScript, `python -m`, or a dotted code span
  names a module of a package here, or a name in one, that is not there. Nothing is said of a module
  with `__getattr__` or a star import
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
import contextlib
import io
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.guard import catalog, makefiles
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import arguments, javascript, markdown, python_imports
from monorepo.parsing.markdown import Kind, Said
from monorepo.sessions import definitions
from monorepo.splitting import typescript_names
from monorepo.splitting.javascript import source_of

_AGENTS = "AGENTS.md"
_PLACEHOLDER = re.compile(r"[<>{}*$…]|\.\.\.")
_LAUNCHER = "tools/make/monorepo.sh"
_NODE = {"node", "npm", "npx", "pnpm"}
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
    if subject == _AGENTS:
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
        yield from _program(sources, folder, first, words)


def _rules(sources: Sources, words: Iterable[str]) -> Wrong:
    for word in words:
        if not catalog.is_known(sources.root, word) and not _PLACEHOLDER.search(word):
            yield f"there is not a rule {word}", "make explain lists them"


def _make(sources: Sources, folder: str, words: list[str]) -> Wrong:
    """Look up targets, and the packages and rules that variables name."""
    places, gone, space = [folder, ""], [], sources.space
    if words[:1] == ["-f"]:
        return
    if words[:1] == ["-C"]:
        place = posixpath.normpath(posixpath.join(folder, *words[1:2]))
        words = [] if _PLACEHOLDER.search(place) else words[2:]
        # A folder that is not here may be what this repository was cloned into.
        places = [place] if (sources.root / place).is_dir() else places
    packages = {*space.packages, *space.broken}
    names = {"PKG": packages, "DEPS": {*packages, *space.by_name, *space.lost}}
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
    space = sources.space
    cells = [one for each in space.packages.values() for one in definitions.cells_of(space, each)]
    names = {(cell.package.path, name) for cell in cells
             for name in (cell.task, cell.name(at_root=False))}  # fmt: skip
    return names | {("", name) for _, name in names}


def _program(sources: Sources, folder: str, first: str, words: Sequence[str]) -> Wrong:
    """Look up a script, what an interpreter is given, or a program that pins provide."""
    program = first.rpartition("/")[2]
    interprets = re.fullmatch(r"python[\d.]*|(ba|z)?sh", program)
    if interprets and words[:1] == ["-m"]:
        if words[1:2] == ["monorepo"]:
            yield from _monorepo(sources, words[2:])
    elif interprets or first == "cd" or not first.startswith(".venv/bin/"):
        script, *given = words if interprets or first == "cd" else [first, *words]
        if "/" in script or first == "cd":
            yield from _script(sources, folder, script)
        if posixpath.normpath(script) == _LAUNCHER:
            yield from _monorepo(sources, given)
    else:
        pins = (sources.text(PINS) or "").splitlines()
        known = {fold(line.partition("==")[0]) for line in pins}
        known |= _NODE if sources.space.has_javascript else set()
        if program not in known and not (sources.root / first).exists():
            message = f"no pinned distribution provides {first}"
            yield message, "name another program, or declare it"


def _monorepo(sources: Sources, words: Sequence[str]) -> Wrong:
    """Look up a verb and its options, and the rules that it is given."""
    if any(map(_PLACEHOLDER.search, words)):
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            options = vars(arguments.parser().parse_args(words))
    except SystemExit as end:
        if end.code:
            reason = said.getvalue().strip().rpartition("error: ")[2]
            yield f"monorepo cannot run {' '.join(words)}", f"{reason}; --help tells"
    else:
        asked = options.get("rules") or [*filter(None, [options.get("rule")])]
        yield from _rules(sources, asked)


def _script(sources: Sources, folder: str, word: str) -> Wrong:
    """Look up a path, if it begins at a folder that is here: others may be about elsewhere."""
    word = posixpath.normpath(word)
    tops = [posixpath.join(base, word.split("/")[0]) for base in (folder, "")]
    if _PLACEHOLDER.search(word) or not any((sources.root / top).is_dir() for top in tops):
        return
    # What every service has is told of at the root.
    inside = any(path.endswith(f"/{word}") for path in sources.files)
    if not inside and not any((sources.root / base / word).exists() for base in (folder, "")):
        yield f"there is no {word}", "correct the path"


def _link(sources: Sources, path: str, target: str) -> Wrong:
    """Look up where a relative link leads."""
    place, _, heading = unquote(target).partition("#")
    if re.match(r"[\w.+-]+:|//", place) or "?" in place or _PLACEHOLDER.search(place):
        return
    base = "" if place.startswith("/") else posixpath.dirname(path)
    file = posixpath.normpath(posixpath.join(base, place.lstrip("/"))) if place else path
    # On GitHub, ../../issues leads to the issues.
    if file.startswith(".."):
        return
    if not os.path.exists(sources.root / file):
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
    tree = _tree("\n".join(lines))
    if tree is None:
        # What is left out in an example is no Python; most imports are.
        kept = (
            line if line.startswith(("import ", "from ")) and _tree(line) else "" for line in lines
        )
        tree = ast.parse("\n".join(kept))
    modules = [(one.line, one.module) for one in python_imports.imports(tree, text)]
    tops = {module.partition(".")[0] for _, module in modules}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and (name := ast.unparse(node)).partition(".")[0] in tops
        ):
            modules += [(node.lineno, name)] if re.fullmatch(r"[\w.]+", name) else []
    yield from ((line, name, "") for line, name in sorted(modules) if not name.endswith("*"))


def _tree(text: str) -> ast.Module | None:
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse(text)
    return None


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
        names = _bound(sources, place)
        return names is None or part in names or part.startswith("__")
    return True


def _bound(sources: Sources, place: str) -> set[str] | None:
    """Return the names of a Python module; None if they are known only when it runs."""
    file = next(
        (one for one in (f"{place}.py", f"{place}/__init__.py") if sources.peek(one) is not None),
        "",
    )
    tree, names = sources.tree(file) if file else None, set[str]()
    todo: list[ast.AST] = list(tree.body) if tree else []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        else:
            names.add(node.id if isinstance(node, ast.Name) else "")
            todo += ast.iter_child_nodes(node)
    return None if tree is None or names & {"*", "__getattr__", "globals"} else names


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
    todo, names, seen = (
        [posixpath.join(package.path, source_of(exports[key]) or "")],
        {"default"},
        set[str](),
    )
    while todo:
        path = posixpath.normpath(todo.pop())
        if path in seen:
            continue
        seen.add(path)
        text = sources.peek(path)
        if text is None or re.search(r"\bexports\b|export\s*=|export (const|let|var) [{[]", text):
            return None
        names |= typescript_names.exported(text).keys()
        for one in typescript_names.statements(text):
            if one.word == "export" and one.whole == "*":
                if not one.module.startswith("."):
                    return None
                todo.append(
                    posixpath.join(posixpath.dirname(path), re.sub(r"\.js$", ".ts", one.module))
                )
    return names
