"""Split a module off a JavaScript package: which files go, and the texts that follow."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monorepo.core import naming
from monorepo.core.languages import Language
from monorepo.core.workspace import Package, Workspace
from monorepo.parsing import javascript
from monorepo.parsing.javascript import SUFFIXES, TokenKind
from monorepo.renaming import texts as renaming
from monorepo.renaming.names import Names
from monorepo.splitting import typescript_names
from monorepo.splitting.splitting import ENTRY, Look, Plan, Split, Use, cycle
from monorepo.splitting.typescript_names import Edit, Item, Statement
from monorepo.system.errors import UsageError

_PART = re.compile(r"[A-Za-z_$][\w$-]*")
_TEST = re.compile(r"\.(?:test|spec)\.[cm]?[jt]sx?$")


def find(package: Package, module: str) -> tuple[str, list[str]]:
    """Find a module of a package.

    Args:
        package: the package.
        module: its name: `audio`, `a/b` or `a.b`.

    Returns:
        Its name in the package, with slashes, and the path of its folder or file.

    Raises:
        UsageError: there is none.
    """
    name = module.removeprefix("src/")
    name = next((name.removesuffix(one) for one in SUFFIXES if name.endswith(one)), name)
    parts = re.split(r"[./]", name)
    if not all(map(_PART.fullmatch, parts)) or parts == ["index"]:
        raise UsageError(
            f"MODULE={naming.show(module)}: is not a module; give a name such as audio"
        )
    base = f"{package.path}/src/{'/'.join(parts)}"
    files = [f"{base}{one}" for one in SUFFIXES if (package.root / f"{base}{one}").is_file()]
    is_folder = (package.root / base).is_dir()
    if len(files) + is_folder > 1:
        raise UsageError(f"{files[0]}: has the name of another module; rename one of the two")
    if found := [base] if is_folder else files:
        return "/".join(parts), found
    there = sorted(
        one.name.partition(".")[0]
        for one in (package.root / f"{package.path}/src").glob("*")
        if (one.is_dir() or one.suffix in SUFFIXES) and not one.name.startswith("index.")
    )
    advice = f"give one of {', '.join(there)}" if there else "it has none"
    raise UsageError(f"MODULE={naming.show(module)}: is not a module of {package.path}; {advice}")


@dataclass
class _Work:
    """What is known of a split while it is planned.

    Attributes:
        files: the paths of all files that git has.
        names: those that the old package exports of the module, and what the new one calls them.
        subpaths: the files of the module that others import by a path: the path by the file.
        wrong: why it cannot be done.
    """

    split: Split
    texts: Mapping[str, str]
    moved: dict[str, str]
    files: frozenset[str]
    names: dict[str, str] = field(default_factory=dict)
    subpaths: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def init(self) -> str:
        """The file that is the module itself; "" if it has none."""
        path = self.split.paths[0]
        if not self.split.is_folder:
            return path
        return next((one for end in SUFFIXES if (one := f"{path}/index{end}") in self.texts), "")

    @property
    def index(self) -> str:
        """The file that is the old package itself."""
        return self.resolve(self.split.package.path, self.split.package.name) or ""

    def resolve(self, file: str, module: str) -> str | None:
        """Return the file of the old package that an import leads to; None if to no such file."""
        package = self.split.package
        if module.startswith("."):
            return self._file(posixpath.normpath(posixpath.join(posixpath.dirname(file), module)))
        name, inner = javascript.specifier(module)
        if name != package.name:
            return None
        target = _target(package.manifest.get("exports", "./src/index.ts"), "/".join([".", *inner]))
        return self._file(posixpath.normpath(f"{package.path}/{target}")) if target else None

    def _file(self, path: str) -> str | None:
        if not path.startswith(f"{self.split.package.path}/"):
            return None
        stem = re.sub(r"\.([cm]?)js(x?)$", r".\1ts\2", path)
        tried = [path, stem, *(f"{path}{end}" for end in SUFFIXES)]
        tried += [f"{path}/index{end}" for end in SUFFIXES]
        return next((one for one in tried if one in self.texts), None)

    def new(self, target: str) -> str:
        """Return how others import a file of the module from now on."""
        if target == self.init:
            return self.split.name
        inner = stem(target.removeprefix(f"{self.split.paths[0]}/"))
        self.subpaths[target] = f"./{inner}"
        return f"{self.split.name}/{inner}"

    def old(self, target: str) -> str | None:
        """Return how others import a file of the old package; None if it does not export it."""
        package = self.split.package
        exports = package.manifest.get("exports", "./src/index.ts")
        keys = [key for key in exports if key[0] == "."] if isinstance(exports, dict) else []
        for key in keys or ["."]:
            found = _target(exports, key)
            if found and self._file(posixpath.normpath(f"{package.path}/{found}")) == target:
                return f"{package.name}{key[1:]}"
        return None


def stem(path: str) -> str:
    """Return the path of a file with code without its ending; any other path as it is."""
    return next((path.removesuffix(end) for end in SUFFIXES if path.endswith(end)), path)


def _target(exports: Any, key: str) -> str | None:  # noqa: ANN401
    """Return the path of the source that exports have for a key."""
    if isinstance(exports, dict) and any(name.startswith(".") for name in exports):
        return source_of(exports.get(key))
    return source_of(exports) if key == "." else None


def source_of(export: Any) -> str | None:  # noqa: ANN401
    """Return the path of the source that an export leads to; None if it leads to none."""
    while isinstance(export, dict):
        export = export.get("source", export.get("default", export.get("import")))
    return str(export) if isinstance(export, str) else None


def plan(
    space: Workspace, split: Split, texts: Mapping[str, str], every: Iterable[str]
) -> tuple[Plan, dict[str, str]]:
    """Return what changes in the files of a repository when a module becomes a package.

    Args:
        space: the repository.
        split: what goes where.
        texts: the texts of the files that follow, by path.
        every: the paths of all files that git has.

    Returns:
        The plan, and the files of the module that others import by a path in the new package: that
        path, by the new path of the file.

    Raises:
        UsageError: the two packages would need each other, or something cannot follow.
    """
    moved = {path: new for path in every if (new := split.path(path)) != path}
    work = _Work(split, texts, moved, frozenset(every))
    result = Plan({**moved})
    code = [file for file in texts if file.endswith(SUFFIXES)]
    _take_out(work, result)
    tests = _tests(work, code, result)
    going = _sorted_tests(work, tests, every, result)
    for file in going:
        result.moved[file] = split.at + file.removeprefix(split.package.path)
    back: list[Use] = []
    ahead: list[Use] = []
    for file in code:
        _follow(space, work, file, result, back, ahead)
    if back and (ahead or not split.package.is_shared):
        work.wrong += cycle(split, split.module, back, ahead)
    if work.wrong:
        raise UsageError(*work.wrong)
    result.told += [
        Look(file, "it stays, because it is about both packages") for file in tests.mixed
    ]
    result.needs_old = back
    words = {}
    for key in _keys(split.package):
        target = work.resolve(split.package.path, split.package.name + key[1:])
        if key != "." and target in work.moved and target is not None:
            words[split.package.name + key[1:]] = work.new(target)
    names = Names(None, words, {}, {})
    for file in texts:
        if not file.endswith(SUFFIXES):
            after = renaming.rename(file, result.text(file, texts), names)
            if after != result.text(file, texts):
                result.texts[file] = after
    _list_names(work, result)
    return result, {split.path(file): key for file, key in work.subpaths.items()}


def _list_names(work: _Work, result: Plan) -> None:
    """Have the test of the new package that lists what it exports do so."""
    todo, seen, names = [work.init], set[str](), set[str]()
    while todo:
        file = todo.pop()
        if file not in work.texts or file in seen:
            continue
        seen.add(file)
        text = result.text(file, work.texts)
        found = typescript_names.exported(text)
        names |= {name for name, is_type in found.items() if not is_type}
        todo += [
            target
            for statement in typescript_names.statements(text)
            if statement.word == "export" and statement.whole == "*" and not statement.is_type
            if (target := work.resolve(file, statement.module))
        ]
    listed = ", ".join(f'"{name}"' for name in sorted(names))
    test = f"{work.split.at}/{Language.JAVASCRIPT.test.replace('it.', 'index.')}"
    result.made[test] = lambda text: text.replace("(exported), []", f"(exported), [{listed}]")


def _keys(package: Package) -> list[str]:
    exports = package.manifest.get("exports")
    return [key for key in exports if key[0] == "."] if isinstance(exports, dict) else []


def _take_out(work: _Work, result: Plan) -> None:
    """Take what the package re-exports of the module out of its index."""
    index = work.index
    if not index:
        return
    text, edits = work.texts[index], list[Edit]()
    own = typescript_names.exported(work.texts[work.init]) if work.init else {}
    more: dict[str, list[Item]] = {}
    for statement in typescript_names.statements(text):
        target = work.resolve(index, statement.module)
        if statement.word != "export" or target not in work.moved or target is None:
            continue
        items = statement.items
        if statement.whole == "*":
            found = typescript_names.exported(work.texts[target])
            items = tuple(Item(name, name, kind) for name, kind in found.items())
        elif statement.whole:
            work.names[statement.whole] = "*" if target == work.init else f"*{target}"
            items = ()
        for item in items or ():
            name = item.name if target == work.init or item.name in own else item.alias
            work.names[item.alias] = name
            if target != work.init and name not in own:
                is_type = statement.is_type or item.is_type
                more.setdefault(target, []).append(Item(item.name, name, is_type))
        end = statement.end + (text[statement.end : statement.end + 1] == "\n")
        edits.append((statement.start, end, ""))
    after = typescript_names.edited(text, edits)
    if edits and not typescript_names.tokens(after):
        # Without an import or an export, it would be no module.
        after = f"{after.rstrip()}\nexport {{}};\n".lstrip()
    if edits:
        result.texts[index] = after.lstrip("\n")
    _export(work, more, result)


def _export(work: _Work, more: Mapping[str, list[Item]], result: Plan) -> None:
    """Have the module's index export what the package had of its files."""
    if not more:
        return
    folder, rows = work.split.paths[0], []
    for target, items in more.items():
        inner = target.removeprefix(f"{folder}/")
        word = "export"
        if all(item.is_type for item in items):
            word, items = "export type", [item._replace(is_type=False) for item in items]
        rows.append(f'{word} {{ {", ".join(map(str, items))} }} from "./{inner}";\n')
    if work.init:
        before = result.text(work.init, work.texts)
        result.texts[work.init] = f"{before.rstrip()}\n{''.join(rows)}"
    else:
        result.made[f"{work.split.source}/index.ts"] = lambda _: "".join(rows)


@dataclass
class _Tests:
    """Files beside the sources, and what each uses.

    Attributes:
        new: those that use the module.
        old: those that use the rest of the package.
        beside: what each imports that is beside the sources as well.
        mixed: tests of both, which stay.
    """

    new: set[str] = field(default_factory=set)
    old: set[str] = field(default_factory=set)
    beside: dict[str, set[str]] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)


def _tests(work: _Work, code: Iterable[str], result: Plan) -> _Tests:
    """Return what the files beside the sources use."""
    package, found = work.split.package, _Tests()
    start = f"{package.path}/tests/"
    for file in code:
        if not file.startswith(start):
            continue
        found.beside[file] = set()
        for statement in typescript_names.statements(work.texts[file]):
            target = work.resolve(file, statement.module)
            if target is None:
                continue
            if target.startswith(start):
                found.beside[file].add(target)
            elif target in work.moved:
                found.new.add(file)
            elif target == work.index and statement.items is not None:
                mine = {item.name for item in statement.items} & work.names.keys()
                found.new |= {file} if mine else set()
                rest = len(mine) < len(statement.items) or statement.default
                found.old |= {file} if rest else set()
            else:
                found.old.add(file)
    return found


def _sorted_tests(work: _Work, tests: _Tests, every: Iterable[str], result: Plan) -> set[str]:
    """Return the files beside the sources that go: tests of the module, and what they alone use."""
    last = work.split.module.rpartition("/")[2]
    every_test = {file for file in tests.beside if _TEST.search(file)}
    going = {file for file in every_test if file in tests.new - tests.old}
    while True:
        users = {
            helper: {one for one, used in tests.beside.items() if helper in used}
            for helper in tests.beside.keys() - every_test
        }
        helpers = {
            helper
            for helper, mine in users.items()
            if mine
            and helper not in tests.old
            and mine <= going | users.keys()
            and _only(mine, users, going)
        }
        lost = {one for one in going if tests.beside[one] - helpers - going}
        if not lost:
            break
        going -= lost
    tests.mixed = sorted(tests.new & every_test - going)
    start = f"{work.split.package.path}/tests/"
    folders = {
        file for file in every if file.startswith((f"{start}{last}/", f"{start}fixtures/{last}/"))
    }
    return going | helpers | {file for file in folders if not file.endswith(SUFFIXES)}


def _only(mine: set[str], users: Mapping[str, set[str]], going: set[str]) -> bool:
    """Tell whether all who use a file go, also by another file."""
    todo, seen = [*mine], set[str]()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in users:
            todo += users[one]
        elif one not in going:
            return False
    return True


def _follow(
    space: Workspace,
    work: _Work,
    file: str,
    result: Plan,
    back: list[Use],
    ahead: list[Use],
) -> None:
    """Have the imports of a file follow, and note what its package needs."""
    split, text = work.split, result.text(file, work.texts)
    owner = space.owner(file)
    is_mine = owner is not None and owner.path == split.package.path
    edits: list[Edit] = []
    if is_mine or split.package.name in text:
        for statement in typescript_names.statements(text):
            target = work.resolve(file, statement.module)
            if target is None or target.startswith(f"{split.package.path}/tests/"):
                continue
            if target in work.moved:
                edits += _to_module(work, file, statement, target, result)
                names = tuple(item.name for item in statement.items or ())
                use = Use(file, statement.line, names or (statement.module,))
                if file.startswith(f"{split.package.path}/src/") and file not in result.moved:
                    ahead.append(use)
                continue
            if target == work.index and work.names:
                edits += _divided(work, file, text, statement, result.moved.get(file, ""))
            if file in result.moved and not _is_of_module(work, target, statement):
                edits += _to_rest(work, file, statement, target, edits, back)
    if is_mine:
        result.told += _mentions(work, file, text, result)
    after = typescript_names.edited(text, edits)
    if after != work.texts[file]:
        result.texts[file] = after
    _note(result, owner, file, after)


def _mentions(work: _Work, file: str, text: str, result: Plan) -> Iterator[Look]:
    """Yield where a file names another one by a path that leads elsewhere now."""
    folder, new = (posixpath.dirname(one) for one in (file, result.moved.get(file, file)))
    followed = {
        statement.source.start
        for statement in typescript_names.statements(text)
        if work.resolve(file, statement.module)
    }
    for token in typescript_names.tokens(text):
        path = token.text[1:-1]
        if token.kind is not TokenKind.STRING or path[:1] != "." or token.start in followed:
            continue
        whole = posixpath.normpath(posixpath.join(folder, path))
        target = work.resolve(file, path) or (whole if whole in work.files else "")
        goes = result.moved.get(target, target)
        there = posixpath.normpath(posixpath.join(new, path))
        if target and stem(there) not in (stem(goes), stem(goes).removesuffix("/index")):
            line = text.count("\n", 0, token.start) + 1
            where = "is in the module"
            if target not in work.moved:
                where = f"stays in {work.split.package.path}"
            yield Look(f"{file}:{line}", f"it names {path}, which {where}")


def _to_module(
    work: _Work, file: str, statement: Statement, target: str, result: Plan
) -> Iterator[Edit]:
    """Yield the edit of an import of the module."""
    spot = (statement.source.start + 1, statement.source.end - 1)
    is_relative = statement.module.startswith(".")
    if file in work.moved and is_relative:
        return
    if file in result.moved and is_relative:
        way = posixpath.relpath(work.moved[target], posixpath.dirname(result.moved[file]))
        yield (*spot, way if way.startswith(".") else f"./{way}")
    else:
        yield (*spot, work.new(target))


def _to_rest(
    work: _Work,
    file: str,
    statement: Statement,
    target: str,
    edits: Iterable[Edit],
    back: list[Use],
) -> Iterator[Edit]:
    """Yield the edit of an import, in a file that goes, of what stays."""
    is_shared = work.split.package.is_shared
    name = work.old(target) if is_shared else None
    if name is None and is_shared:
        what = f"imports {statement.module}, which {work.split.package.name} does not export"
        fix = "export it in package.json or its index first"
        work.wrong.append(f"{file}:{statement.line}: {what}; {fix}")
        return
    if file in work.moved:
        names = tuple(item.name for item in statement.items or ()) or (statement.module,)
        back.append(Use(file, statement.line, names, _first(work.split, target)))
    is_done = any(start == statement.start for start, *_ in edits)
    if name is not None and statement.module.startswith(".") and not is_done:
        yield statement.source.start + 1, statement.source.end - 1, name


def _first(split: Split, target: str) -> str:
    """Return the module that a file which stays is in, if it can be split off; else ""."""
    name = stem(target.removeprefix(f"{split.package.path}/src/").partition("/")[0])
    is_above = f"{split.module}/".startswith(f"{name}/")
    can = target.endswith(SUFFIXES) and not is_above and name not in ("index", ENTRY)
    return name if can else ""


def _is_of_module(work: _Work, target: str, statement: Statement) -> bool:
    """Tell whether an import is of names of the module alone."""
    if target != work.index or not statement.items:
        return False
    return not statement.default and all(item.name in work.names for item in statement.items)


def _divided(
    work: _Work, file: str, text: str, statement: Statement, new_file: str
) -> Iterator[Edit]:
    """Yield the edits by which the names of the module are imported from the new package.

    `new_file` is the path of a file that goes, "" for one that stays.
    """
    split = work.split
    here, there = statement.module, split.name
    if here.startswith(".") and new_file:
        here = work.old(work.index) or split.package.name
        index = split.path(work.init) if work.init else f"{split.source}/index.ts"
        way = posixpath.relpath(index, posixpath.dirname(new_file))
        there = way if way.startswith(".") else f"./{way}"
    if statement.items is None:
        yield from _whole(work, file, text, statement)
        return
    mine = [item for item in statement.items if item.name in work.names]
    rest = [item for item in statement.items if item.name not in work.names]
    if not mine:
        return
    alike = [
        Item(work.names[item.name], item.alias, item.is_type)
        for item in mine
        if work.names[item.name][0] != "*"
    ]
    rows = []
    if alike:
        word = statement.text(there, alike)
        rows.append(word.replace(f"{statement.default}, ", "", 1) if statement.default else word)
    for item in mine:
        if (target := work.names[item.name])[0] == "*":
            module = there if target == "*" else work.new(target[1:])
            rows.append(statement.text(module, None, whole=item.alias))
    if rest or statement.default:
        rows.append(statement.text(here, rest or None))
    end = ";" if text[statement.end - 1] == ";" else ""
    row = text.rfind("\n", 0, statement.start) + 1
    indent = text[row : statement.start] if not text[row : statement.start].strip() else ""
    yield statement.start, statement.end, f"{end}\n{indent}".join(rows) + end


def _whole(work: _Work, file: str, text: str, statement: Statement) -> Iterator[Edit]:
    """Yield the edits of an import of all of the package, with members of the module."""
    name = statement.whole
    if statement.word != "import" or name in ("", "*"):
        if statement.word == "export":
            what = f"exports all of {statement.module}, and with it names of {work.split.module}"
            work.wrong.append(f"{file}:{statement.line}: {what}; export names first")
        return
    for place, words in typescript_names.destructured(text, name):
        if lost := sorted(words & work.names.keys()):
            line = text.count("\n", 0, place) + 1
            what = f"takes {', '.join(lost)} out of {name}"
            work.wrong.append(f"{file}:{line}: {what}; import it by its name first")
    yield from typescript_names.unlisted(text, name, work.names)
    used = [
        (object_, member)
        for object_, member in typescript_names.members(text, name)
        if member.text in work.names
    ]
    if not used:
        return
    last = naming.fold(work.split.at.rpartition("/")[2]).title().replace("-", "")
    new = f"{name}{last}"
    for object_, member in used:
        if work.names[member.text][0] == "*":
            yield object_.start, member.end, new
        else:
            yield object_.start, object_.end, new
            yield member.start, member.end, work.names[member.text]
    end = ";" if text[statement.end - 1] == ";" else ""
    row = statement.text(work.split.name, None, whole=new)
    yield statement.start, statement.start, f"{row}{end}\n"


def _note(result: Plan, owner: Package | None, file: str, text: str) -> None:
    """Note the packages that a file imports."""
    if owner is None or not owner.is_javascript:
        return
    new = result.moved.get(file, file)
    at = owner.path if new == file else "/".join(new.split("/")[: owner.path.count("/") + 1])
    uses = result.imports.setdefault((at, new.startswith(f"{at}/src/")), {})
    for row in javascript.imports(text):
        if not row.module.startswith((".", "node:")):
            uses[javascript.specifier(row.module)[0]] = True
