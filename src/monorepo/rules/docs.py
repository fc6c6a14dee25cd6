"""Commands, links and rule ids in the documentation exist.

Checked are README.md, AGENTS.md and CONTRIBUTING.md, and the README.md of each package and of
templates/. Commands are read from code spans and shell blocks: Make targets with their packages and
rules, nox sessions, programs in .venv/bin, verbs of `tools/make/monorepo.sh` and `python -m
monorepo`, scripts by their paths. Placeholders (`<name>`, `…`) are skipped. Relative links lead to
existing files, and `#…` to a heading. AGENTS.md lists each rule below the heading Rules, in an item
that starts with its id and a colon.

Why: after one command that does not exist, people no longer trust the page, and coding agents try
variants of it.

Fix: correct the document, or restore what it refers to.

Passes::

    `make test PKG="shared/py/core"`
    [how to add a package](README.md#add-a-package)

Fails::

    `make tests`
    [how to add a package](README.md#adding-packages)
"""

import ast
import contextlib
import io
import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from monorepo.core.hashes import PINS
from monorepo.core.naming import fold
from monorepo.guard import catalog, makefiles
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources
from monorepo.parsing import arguments, markdown
from monorepo.parsing.markdown import Said
from monorepo.sessions import definitions

_AGENTS = "AGENTS.md"
_PLACEHOLDER = re.compile(r"[<>{}*$…]|\.\.\.")
_LAUNCHER = "tools/make/monorepo.sh"
_NODE = {"node", "npm", "npx", "pnpm"}
Wrong = Iterator[tuple[str, str]]


def subjects(sources: Sources) -> Sequence[str]:
    """Return the documents of the repository, of its packages and of the sub-templates."""
    folders = ("tools", *sources.space.packages)
    paths = [*markdown.ROOT, *(f"{folder}/README.md" for folder in folders)]
    return [path for path in paths if (sources.root / path).is_file()]


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look up what a document names."""
    for said in _said(sources, subject):
        for message, advice in _wrong(sources, subject, said):
            yield Finding(subject, said.line, "docs", message, advice)
    if subject == _AGENTS:
        rules = (said.words for said in _said(sources, subject) if said.kind == "rule")
        known = catalog.ids(sources.root)
        if missing := sorted({*known}.difference(*rules), key=known.index):
            advice = f"say below the heading Rules what it holds: - `{missing[0]}`: …"
            yield Finding(subject, 0, "docs", f"does not tell of {', '.join(missing)}", advice)


def _said(sources: Sources, path: str) -> list[Said]:
    """Return the elements of a document."""
    return [Said(*one) for one in sources.in_text(path, "docs", markdown.read) or []]


def _wrong(sources: Sources, path: str, said: Said) -> Wrong:
    """Yield what is wrong with a thing that is said, and what to do."""
    folder, (first, *words) = posixpath.dirname(path), said.words
    program = first.rpartition("/")[2]
    if said.kind == "link":
        yield from _link(sources, path, first)
    elif said.kind == "rule":
        yield from _rules(sources, said.words)
    elif said.kind == "command" and first == "make":
        yield from _make(sources, folder, words)
    elif said.kind == "command" and program == "nox":
        yield from _nox(sources, folder, words)
    elif said.kind == "command" and first.startswith(".venv/bin/"):
        yield from _program(sources, folder, program, words)
    elif said.kind == "command":
        # `cd` and the interpreters run what comes next.
        script, *given = said.words if "/" in first else words
        yield from _script(sources, folder, script)
        if posixpath.normpath(script) == _LAUNCHER and not any(map(_PLACEHOLDER.search, given)):
            yield from _monorepo(sources, given)


def _rules(sources: Sources, words: Sequence[str]) -> Wrong:
    """Look up rules."""
    for word in words:
        if not catalog.is_known(sources.root, word) and not _PLACEHOLDER.search(word):
            known = ", ".join(catalog.ids(sources.root))
            yield f"there is not a rule {word}", f"there are {known}"


def _make(sources: Sources, folder: str, words: list[str]) -> Wrong:
    """Look up targets, and the packages and rules that variables name."""
    places, gone = [folder, ""], []
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
            yield from _given(sources, variable, value)
        elif not (word.startswith("-") or word.isdigit() or _PLACEHOLDER.search(word)):
            known = any(makefiles.has(sources, place, word) for place in places)
            gone += [] if known else [word]
    if gone:
        where = f" in {places[0]}" if places[0] else ""
        yield f"Make has no target {', '.join(gone)}{where}", "make help lists them"


def _given(sources: Sources, variable: str, value: str) -> Wrong:
    """Look up what a variable names."""
    space = sources.space
    words = [word for word in value.split() if not _PLACEHOLDER.search(word)]
    if variable == "RULE":
        yield from _rules(sources, words)
    for word in words if variable in ("PKG", "DEPS") else ():
        name = word.partition("[")[0].rstrip("/")
        known = {*space.packages, *space.broken}
        named = {*space.by_name, *space.lost} if variable == "DEPS" else set()
        if name not in known and fold(name) not in named:
            yield f"there is not a package {word}", "make list shows them"


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
    every = sources.space.packages
    session, _, path = name.rstrip(")").partition("(")
    # Of what is broken, nobody knows which there would be.
    if (path or folder) in sources.space.broken:
        return True
    chosen = {path or folder} & every.keys() if path or folder in every else every
    # A package has one of them once it has the extra that it is for.
    if name in definitions.BY_NAME and any(every[one].is_python for one in chosen):
        return True
    return any(
        session in (cell.task, cell.name(at_root=False))
        for one in chosen
        for cell in definitions.cells_of(sources.space, every[one])
    )


def _program(sources: Sources, folder: str, program: str, words: Sequence[str]) -> Wrong:
    """Look up a program of the root's environment in the pinned distributions."""
    if re.fullmatch(r"python[\d.]*", program):
        if words[:2] == ["-m", "monorepo"] and not any(map(_PLACEHOLDER.search, words)):
            yield from _monorepo(sources, words[2:])
        elif words and "/" in words[0]:
            yield from _script(sources, folder, words[0])
        return
    pinned = {fold(line.partition("==")[0]) for line in (sources.text(PINS) or "").splitlines()}
    if sources.space.has_javascript:
        pinned |= _NODE
    if program not in pinned and not (sources.root / ".venv/bin" / program).exists():
        message = f"no pinned distribution provides .venv/bin/{program}"
        yield message, "name another program, or declare it"


def _monorepo(sources: Sources, words: Sequence[str]) -> Wrong:
    """Look up a verb and its options, and the rules that it is given."""
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
    paths = [posixpath.normpath(posixpath.join(base, word)) for base in (folder, "")]
    tops = [posixpath.join(base, posixpath.normpath(word).split("/")[0]) for base in (folder, "")]
    here = any((sources.root / top).is_dir() for top in tops) and not _PLACEHOLDER.search(word)
    # What every service has is told of at the root.
    inside = any(path.endswith(f"/{posixpath.normpath(word)}") for path in sources.files)
    if here and not inside and not any(os.path.exists(sources.root / path) for path in paths):
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
