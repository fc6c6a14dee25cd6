"""Split a module off a Python package: which files go, and the texts that follow."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from monorepo.core import naming
from monorepo.core.workspace import Package, Workspace
from monorepo.layout import file_paths
from monorepo.layout.file_paths import Paths
from monorepo.parsing import python_imports
from monorepo.parsing.python_imports import Import
from monorepo.renaming import doctests
from monorepo.renaming import texts as renaming
from monorepo.splitting import python_names
from monorepo.splitting.python_names import Followed, Move, Place
from monorepo.splitting.splitting import ENTRY, Look, Plan, Split, Use, cycle
from monorepo.system.errors import UsageError

SUFFIXES = (".py", ".pyi")
_PART = re.compile(r"[A-Za-z_]\w*")
_INIT = "__init__"
# What may have doctests.
_DOCUMENTS = (".md", ".markdown", ".rst", ".txt")
# A block of Python in a document.
_FENCED = re.compile(r"(^```py(?:thon)?[ \t]*\n)(.*?)(?=^```)", re.MULTILINE | re.DOTALL)


def find(package: Package, module: str) -> tuple[str, list[str]]:
    """Find a module of a package.

    Args:
        package: the package.
        module: its name, with that of the package or without: `audio`, `acme_core.audio`, `a.b`.

    Returns:
        Its name in the package, and the paths of its folder or files.

    Raises:
        UsageError: there is none.
    """
    name = module.removeprefix(f"{package.import_name}.").removesuffix(".py").replace("/", ".")
    parts = name.split(".")
    if not all(map(_PART.fullmatch, parts)) or _INIT in parts:
        raise UsageError(
            f"MODULE={naming.show(module)}: is not a module; give a name such as audio"
        )
    base = f"{package.path}/src/{package.import_name}/{'/'.join(parts)}"
    place = package.root / base
    files = [
        f"{base}{suffix}" for suffix in SUFFIXES if (package.root / f"{base}{suffix}").exists()
    ]
    if place.is_dir() and files:
        raise UsageError(f"{files[0]}: is beside a folder of that name; remove one of the two")
    if found := [base] if place.is_dir() else files:
        return name, found
    there = sorted(
        one.stem
        for one in (package.root / f"{package.path}/src/{package.import_name}").glob("*")
        if (one.is_dir() or one.suffix in SUFFIXES) and _PART.fullmatch(one.stem)
        if one.stem not in (_INIT, "__pycache__")
    )
    advice = f"give one of {', '.join(there)}" if there else "it has none"
    raise UsageError(f"MODULE={naming.show(module)}: is not a module of {package.path}; {advice}")


@dataclass
class _Files:
    """The Python files of a repository, as they are after the split.

    Attributes:
        followed: what became of the text of each, by its old path.
        rows: the imports of each, with absolute names.
    """

    followed: dict[str, list[Followed]] = field(default_factory=dict)
    rows: dict[str, list[Import]] = field(default_factory=dict)

    def uses(self, file: str, module: str) -> list[Use]:
        """Return where a file imports a module, or what is in it."""
        found: dict[int, list[Import]] = {}
        for row in self.rows.get(file, ()):
            if f"{row.module}.".startswith(f"{module}."):
                found.setdefault(row.line, []).append(row)
        return [
            Use(
                file,
                self._line(file, line),
                # Of `from a import b`, it is a.b that is used.
                tuple(dict.fromkeys(row.module for row in rows if row.name or len(rows) == 1)),
            )
            for line, rows in sorted(found.items())
        ]

    def unclear(self) -> Iterator[Look]:
        """Yield where a file imports what only running it tells."""
        for file, (*before, last) in self.followed.items():
            for line in last.unclear:
                for one in reversed(before):
                    line = one.line(line)
                yield Look(f"{file}:{line}", "it computes the name of a module that it imports")

    def _line(self, file: str, line: int) -> int:
        for one in reversed(self.followed.get(file, [])):
            line = one.line(line)
        return line


def plan(space: Workspace, split: Split, texts: Mapping[str, str], every: Iterable[str]) -> Plan:
    """Return what changes in the files of a repository when a module becomes a package.

    Args:
        space: the repository.
        split: what goes where.
        texts: the texts of the files that follow, by path.
        every: the paths of all files that git has.

    Raises:
        UsageError: the two packages would need each other.
    """
    package = split.package
    moved = {path: new for path in every if (new := split.path(path)) != path}
    source = f"{package.import_name}.{split.module}"
    files = _Files()
    move, exports = _exported(split, source, texts, files)
    result = Plan({**moved})
    for file, text in texts.items():
        before = files.followed[file][-1].text if file in files.followed else text
        after = _follow(space, file, before, move, files)
        if after != text:
            result.texts[file] = after
    _export(split, move, exports, texts, result, files)
    result.told += _stars(texts, move)
    result.told += files.unclear()
    result.told += _left(split, texts, result, move)
    for file in texts:
        if file.endswith(SUFFIXES) and _may_import(result.text(file, texts)):
            files.rows[file] = _imports(split.path(file), result.text(file, texts))
    back = [
        use._replace(first=_first(split, use))
        for file in moved
        for use in files.uses(file, package.import_name)
    ]
    rest = [
        file for file in files.rows if file not in moved and _owner(space, file) == package.path
    ]
    inside = f"{package.path}/src/"
    ahead = [
        use for file in rest if file.startswith(inside) for use in files.uses(file, move.target)
    ]
    if back and (ahead or not package.is_shared):
        ahead = [
            use._replace(
                names=tuple(name.replace(split.import_name, source, 1) for name in use.names)
            )
            for use in ahead
        ]
        raise UsageError(*cycle(split, source, back, ahead))
    _sort_tests(split, texts, every, result, has_back=bool(back))
    result.needs_old = back
    result.told += _paths(split, texts, result, move)
    result.told += _run(split, texts)
    for file, rows in files.rows.items():
        owner = space.owner(file)
        if owner is None or not owner.is_python:
            continue
        is_new = file in result.moved
        where = split.at if is_new else owner.path
        code = file in moved or file.startswith(f"{owner.path}/src/")
        uses = result.imports.setdefault((where, code), {})
        lines = python_imports.tried(rows)
        for row in rows:
            must = row.kind == python_imports.ImportKind.REQUIRED
            must = must and not python_imports.may_fail(row, lines)
            uses[row.module] = uses.get(row.module, False) or must
    return result


def _stars(texts: Mapping[str, str], move: Move) -> Iterator[Look]:
    """Yield where all names of a package are imported, which has less of them afterwards."""
    packages = [package for package, names in move.exported.items() if names]
    for package in packages:
        star = re.compile(rf"^[ \t]*from {re.escape(package)} import \*", re.MULTILINE)
        for file, text in texts.items():
            for found in star.finditer(text) if file.endswith(SUFFIXES) else ():
                line = text.count("\n", 0, found.start()) + 1
                names = ", ".join(move.exported[package])
                what = f"it imports all of {package}, which has no {names} any more"
                yield Look(f"{file}:{line}", what)


def _left(split: Split, texts: Mapping[str, str], result: Plan, move: Move) -> Iterator[Look]:
    """Yield where a text imports the module, or names of it, in what is no code that follows."""
    parts = move.source.split(".")
    for depth in range(1, len(parts)):
        above, below = ".".join(parts[:depth]), parts[depth]
        words = [*move.exported.get(above, {}), *([below] if depth == len(parts) - 1 else [])]
        names = "|".join(map(re.escape, words)) or "(?!)"
        pattern = re.compile(
            rf"\bfrom\s+{re.escape(above)}\s+import(?:\s*\([^)]*?|\s[^\n]*?)"
            rf"(?<![\w.])(?<! as )(?P<name>{names})(?!\w)"
        )
        for file in texts:
            text = result.text(file, texts)
            for found in pattern.finditer(text) if above in text else ():
                line = text.count("\n", 0, found.start()) + 1
                what = f"it imports {found['name']} from {above}, which is in {split.name} now"
                yield Look(f"{file}:{line}", what)


def _paths(split: Split, texts: Mapping[str, str], result: Plan, move: Move) -> Iterator[Look]:
    """Yield where code computes a path that leads elsewhere now, or to what it does not need."""
    root = f"{split.package.path}/src"

    def before(name: str) -> str | None:
        ours = move.has(name) or f"{move.source}.".startswith(f"{name}.")
        return f"{root}/{name.replace('.', '/')}" if ours else None

    def after(name: str) -> str | None:
        goes = f"{split.at}/src/{move.named(name).replace('.', '/')}"
        return goes if move.has(name) else before(name)

    for file, text in texts.items():
        is_code = file.endswith(".py") and any(word in text for word in file_paths.WORDS)
        tree = python_names.parsed(text) if is_code else None
        if tree is None:
            continue
        new = result.moved.get(file, file)
        found = Paths(tree, file, before).computed(), Paths(tree, new, after).computed()
        told = set[int]()
        for (line, path), (_, there) in zip(*found, strict=True):
            goes = _new_path(split, path, result, there)
            lacks = file != new and f"{there}/".startswith(f"{root}/") and not result.needs_old
            if line in told or (there == goes and not lacks):
                continue
            told.add(line)
            what = f"which stays in {split.package.path}"
            if not lacks:
                what = f"which is {goes} now" if file == new else f"which would be {there} now"
            yield Look(f"{file}:{line}", f"it computes the path {path}, {what}")


def _run(split: Split, texts: Mapping[str, str]) -> Iterator[Look]:
    """Yield where a module of one file can be run, by a name that is one of a package now."""
    tree = None if split.is_folder else python_names.parsed(texts.get(split.init, ""))
    for node in tree.body if tree else ():
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            what = f"it can be run, which python -m {split.import_name} looks for in __main__.py"
            yield Look(f"{split.init}:{node.lineno}", what)


def _new_path(split: Split, path: str, result: Plan, wanted: str) -> str:
    """Return the new path of a file or folder; of one of tests, it may be in both packages."""
    is_there = any(
        old.startswith(f"{path}/") and new.startswith(f"{wanted}/")
        for old, new in result.moved.items()
    )
    if is_there and path.startswith(f"{split.package.path}/tests/"):
        return wanted
    return result.moved.get(path) or split.path(path)


def _owner(space: Workspace, file: str) -> str:
    owner = space.owner(file)
    return owner.path if owner else ""


def _may_import(text: str) -> bool:
    return "import" in text


def _imports(path: str, text: str) -> list[Import]:
    tree = python_names.parsed(text)
    if tree is None:
        return []
    return list(python_imports.absolute(list(python_imports.imports(tree, text)), path))


def _follow(space: Workspace, file: str, text: str, move: Move, files: _Files) -> str:
    """Return the text of a file in which the names of the module have followed."""
    owner = space.owner(file)
    folder = owner.path if owner else ""
    if not file.endswith(SUFFIXES):
        if doctests.PROMPT in text and file.endswith(_DOCUMENTS):
            text = python_names.edited(text, sorted(python_names.examples(text, move)))
        if renaming.is_document(file):
            text = _FENCED.sub(lambda found: found[1] + _example(found[2], move), text)
        return renaming.rename(file, text, move.names)
    at = python_names.place(file, folder)
    package = move.source.partition(".")[0]
    if package not in text and at.module.partition(".")[0] != package:
        return text
    found = python_names.follow(text, at, move, file)
    files.followed.setdefault(file, []).append(found)
    return found.text


def _example(text: str, move: Move) -> str:
    """Return code of a document that has followed."""
    return python_names.follow(text, Place("", is_package=False), move, "it.py").text


def _exported(
    split: Split, source: str, texts: Mapping[str, str], files: _Files
) -> tuple[Move, dict[str, list[tuple[str, str, str]]]]:
    """Take what the packages above re-export of the module out of them.

    Returns:
        The move, and what the module has to have of its submodules so that their users find it.
    """
    package = split.package
    folder = f"{package.path}/src"

    def names_of(module: str) -> list[str]:
        stem = f"{folder}/{module.replace('.', '/')}"
        file = next((one for one in (f"{stem}.py", f"{stem}/{_INIT}.py") if one in texts), "")
        return python_names.public_names(texts.get(file, ""))

    own = _bound(texts.get(split.init, ""))
    taken: dict[str, dict[str, tuple[str, str]]] = {}
    exports: list[tuple[str, str, str]] = []
    exported: dict[str, dict[str, str]] = {}
    for above in reversed(python_imports.prefixes(source)[:-1]):
        file = f"{folder}/{above.replace('.', '/')}/{_INIT}.py"
        if file not in texts:
            continue
        at = Place(above, is_package=True)
        found, names = python_names.take_out(texts[file], at, source, names_of, taken)
        files.followed[file] = [found]
        taken[above] = names
        for name, (module, there) in names.items():
            new = there
            if module != source and not _has(texts, split, module, there):
                new = name if there in own else there
                row = (split.import_name + module.removeprefix(source), there, new)
                exports += [row] if row not in exports else []
            exported.setdefault(above, {})[name] = new
    return Move(source, split.import_name, exported), {split.init: exports}


def _has(texts: Mapping[str, str], split: Split, module: str, name: str) -> bool:
    """Tell whether the module has a name of a submodule already."""
    submodule = module.rpartition(".")[2]
    tree = python_names.parsed(texts.get(split.init, ""))
    return tree is not None and any(
        (node.module or "").rpartition(".")[2] == submodule
        and any((alias.asname or alias.name) == name for alias in node.names)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
    )


def _bound(text: str) -> list[str]:
    tree = python_names.parsed(text)
    return python_names.bound(tree) if tree else []


def _export(
    split: Split,
    move: Move,
    exports: Mapping[str, list[tuple[str, str, str]]],
    texts: Mapping[str, str],
    result: Plan,
    files: _Files,
) -> None:
    """Have the module's `__init__` export what packages above had of its submodules."""
    for init, rows in exports.items():
        if not rows:
            continue
        if init in texts:
            before = result.text(init, texts)
            found = python_names.with_exports(before, move.target, rows)
            files.followed.setdefault(init, []).append(found)
            result.texts[init] = found.text
        else:
            result.made[split.path(init)] = partial(_with_exports, move.target, rows)


def _with_exports(module: str, rows: Iterable[tuple[str, str, str]], text: str) -> str:
    return python_names.with_exports(text, module, rows).text


def _first(split: Split, use: Use) -> str:
    """Return the module that all names of an import are in, if it can be split off; else ""."""
    package = split.package
    start = f"{package.import_name}."
    names = {name.removeprefix(start).partition(".")[0] for name in use.names}
    name = names.pop() if len(names) == 1 else ""
    base = package.root / package.path / "src" / package.import_name / name
    is_module = bool(name) and (base.is_dir() or base.with_suffix(".py").is_file())
    is_above = f"{split.module}.".startswith(f"{name}.")
    return f"{start}{name}" if is_module and not is_above and name != ENTRY else ""


@dataclass
class _Test:
    """What a file beside the sources uses: the new package, the old one, and fixtures."""

    new: bool
    old: bool
    named: bool
    words: set[str]
    strings: list[str]
    fixtures: set[str]
    automatic: bool


def _test(text: str, file: str, split: Split, module: str) -> _Test:
    package = split.package.import_name
    stem, last = PurePosixPath(file).stem, module.rpartition(".")[2]
    named = stem in (f"test_{last}", f"{last}_test") or stem.startswith(f"test_{last}_")
    named = named or last in PurePosixPath(file).parts[:-1]
    tree = python_names.parsed(text)
    if tree is None:
        return _Test(False, True, named, set(), [], set(), False)
    rows = [row.module for row in python_imports.imports(tree, text)]
    nodes = [*ast.walk(tree)]
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    strings = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    ]
    functions = [one for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    words = {
        argument.arg for one in functions for argument in (*one.args.args, *one.args.kwonlyargs)
    }
    fixed = {
        one.name: [ast.unparse(decorator) for decorator in one.decorator_list] for one in functions
    }
    fixtures = {name for name, marks in fixed.items() if any("fixture" in mark for mark in marks)}

    def names(word: str) -> bool:
        pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
        return any(f"{row}.".startswith(f"{word}.") for row in rows) or any(
            map(pattern.search, strings)
        )

    automatic = any("autouse=True" in mark for marks in fixed.values() for mark in marks)
    return _Test(
        names(split.import_name),
        names(package),
        named,
        words | {*strings},
        strings,
        fixtures,
        automatic,
    )


def _sort_tests(
    split: Split,
    texts: Mapping[str, str],
    every: Iterable[str],
    result: Plan,
    *,
    has_back: bool,
) -> None:
    """Add the tests of the module to what goes, with their fixtures and data.

    A test of both stays, and its package then needs the new one for its tests.
    """
    start = f"{split.package.path}/tests/"
    tests = {
        file: _test(result.text(file, texts), file.removeprefix(start), split, split.module)
        for file in texts
        if file.startswith(start) and file.endswith(".py")
    }
    support = {file for file in tests if PurePosixPath(file).name in ("conftest.py", "__init__.py")}
    going = {
        file
        for file, test in tests.items()
        if file not in support
        and ((test.new and not test.old) or (test.named and (not test.old or has_back)))
    }
    why = {
        file: "it is about both packages" for file, test in tests.items() if test.new or test.named
    }
    # A fixture that stays keeps its tests, and the tests that stay keep their fixtures.
    while True:
        ready = {
            file
            for file in support
            if not tests[file].old
            and (below := {one for one in tests if _is_below(one, file) and one not in support})
            and below <= going
        }
        lost = {
            one: file
            for file in support - ready
            for one in going
            if _is_below(one, file)
            and (
                (tests[file].automatic and tests[file].old)
                or tests[file].fixtures & tests[one].words
            )
        }
        if not lost:
            break
        why |= {one: f"it has a fixture of {file}" for one, file in lost.items()}
        going -= lost.keys()
    going |= ready
    mixed = {file: tests[file] for file in why.keys() - going - support if tests[file].new}
    result.told += [Look(file, f"it stays, because {why[file]}") for file in sorted(mixed)]
    for file in going:
        result.moved[file] = split.at + file.removeprefix(split.package.path)
    staying = {word for file, test in tests.items() if file not in going for word in test.strings}
    leaving = {word for file in going for word in tests[file].strings}
    for file in every:
        if file.startswith(start) and not file.endswith(".py"):
            name = PurePosixPath(file).name
            here, there = (
                any(word == name or word.endswith(f"/{name}") for word in words)
                for words in (staying, leaving)
            )
            folder = (
                split.module.rpartition(".")[2]
                in PurePosixPath(file.removeprefix(start)).parts[:-1]
            )
            if (there and not here) or (folder and not here):
                result.moved[file] = split.at + file.removeprefix(split.package.path)
            elif there:
                result.told.append(Look(file, "tests of both packages name it, and it stays"))


def _is_below(file: str, support: str) -> bool:
    return file.startswith(support.rpartition("/")[0] + "/")
