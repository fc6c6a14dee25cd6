"""A folder of JavaScript or TypeScript in a package: places, imports, what its package.json says.

What is relative gets the extension of the file, without which Node finds nothing in a package of
this repository. CommonJS stays that: a file of it is called .cjs, because packages are modules.
"""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monorepo.core.workspace import NODE_GROUPS, Package, Workspace
from monorepo.dependencies.npm import BUILTIN
from monorepo.importing.needs import Need
from monorepo.importing.origin import Origin
from monorepo.importing.python_layout import Layout, left_out, project_file
from monorepo.parsing import data_formats, javascript
from monorepo.parsing.javascript import TokenKind
from monorepo.parsing.python_imports import Import, ImportKind
from monorepo.syncing import node_package, workspace_files
from monorepo.system import text_files
from monorepo.system.errors import UsageError

MANIFEST, COMPILER = "package.json", "tsconfig.base.json"
_OPTIONS = re.compile(r'("compilerOptions": \{\n)([ ]*)')
_TOOLS = re.compile(
    r"(package-lock|npm-shrinkwrap)\.json|yarn\.lock|pnpm-(lock|workspace)\.yaml|bun\.lockb?|\.npmrc"
    r"|\.yarnrc(\.yml)?|\.npmignore|tsconfig[\w.-]*\.json|biome\.jsonc?|\.?babel.*|\.nvmrc|\.mocharc.*"
    r"|\.?(eslint|prettier|jest|vitest|rollup|webpack|vite|tsup|nyc|stylelint)[\w.-]*|(dist|build)/.*"
)
_TEST = re.compile(r"(.*/)?([^/]+\.(test|spec)\.[cm]?[jt]sx?|(__tests__|tests?)/.*)")
_COMMON = re.compile(r"\bmodule\.exports\b|\bexports\.\w+\s*=|\brequire\s*\(")
_MODULE = re.compile(r"^\s*(import|export)\b", re.MULTILINE)
# What an import without an extension may mean, in the order in which it is looked for.
_ENDS = ("", ".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json")
_COMPILED = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
_BUILT = {".ts": ".js", ".tsx": ".js", ".mts": ".mjs", ".cts": ".cjs", ".jsx": ".js"}
_TYPES = {".js": ".d.ts", ".mjs": ".d.mts", ".cjs": ".d.cts"}
_RUNNERS = re.compile(r"jest|vitest|mocha|ava|@jest/globals|chai")


@dataclass
class Manifest:
    """What the package.json of a folder says.

    Attributes:
        name: the npm name by which it is imported.
        entry: the file that is imported then, as it was called.
        ranges: the range of each dependency, by group and name.
        where: the path of the file.
    """

    name: str = ""
    entry: str = ""
    ranges: dict[str, dict[str, str]] = field(default_factory=dict)
    where: str = ""


def read(origin: Origin) -> Manifest:
    """Return what the package.json of a folder says.

    Raises:
        UsageError: it cannot be read.
    """
    if MANIFEST not in origin.files:
        return Manifest()
    where = origin.place(MANIFEST)
    try:
        text = text_files.decode(origin.files[MANIFEST].content)
        document = text_files.json_object(text)
    except text_files.MalformedError as error:
        raise error.of(where) from error
    ranges = {
        group: {
            str(name): str(value) for name, value in data_formats.table(document, group).items()
        }
        for group in NODE_GROUPS
    }
    return Manifest(str(document.get("name", "")), _entry(document), ranges, where)


def _entry(document: Mapping[str, Any]) -> str:
    """Return the file that an import of the package reads."""
    found = document.get("exports")
    if isinstance(found, dict):
        found = found.get(".", found)
    while isinstance(found, dict):
        known = [found.get(key) for key in ("source", "import", "default", "require")]
        found = next((one for one in known if one), None)
    for value in (document.get("source"), found, document.get("module"), document.get("main")):
        if isinstance(value, str):
            return posixpath.normpath(value)
    return ""


def plan(origin: Origin, license_text: bytes) -> Layout:
    """Return where the files of a folder go.

    Args:
        origin: the folder.
        license_text: of the repository.

    Raises:
        UsageError: it has no JavaScript outside of tests.
    """
    code = [one for one in origin.files if one.endswith(javascript.SUFFIXES)]
    base = "src" if any(one.startswith("src/") for one in code) else ""
    layout = Layout("", base, is_package=False)
    for file, kept in origin.files.items():
        if file == MANIFEST or _TOOLS.fullmatch(file):
            layout.dropped[file] = "the package has its own, and its tools those of the repository"
        elif why := left_out(origin, license_text, file):
            layout.dropped[file] = why
        else:
            layout.places[file] = _place(base, file, kept.content)
    if not any(
        one.startswith("src/") and one.endswith(javascript.SUFFIXES)
        for one in layout.places.values()
    ):
        message = "has no JavaScript outside of tests; name a folder of code"
        raise UsageError(f"{origin.shown}: {message}")
    return layout


def _place(base: str, file: str, content: bytes) -> str:
    """Return the new path of a file."""
    inner = file.removeprefix(f"{base}/") if base else file
    new = _named(inner, content)
    if _TEST.fullmatch(file):
        parts = [one for one in new.split("/")[:-1] if one not in ("test", "tests", "__tests__")]
        name = new.rpartition("/")[2].replace(".spec.", ".test.")
        return "/".join(["tests", *parts, re.sub(r"(?<=\.test)\.m?js$", ".ts", name)])
    if project_file(file) or (base and not file.startswith(f"{base}/")):
        return f"docs/{file}" if re.fullmatch(r"(?i:readme)(\.\w+)?", file) else file
    return f"src/{new}"


def _named(file: str, content: bytes) -> str:
    """Return a path under which Node knows what kind of module this is."""
    text = content.decode(errors="replace")
    if file.endswith(".js") and _COMMON.search(text) and not _MODULE.search(text):
        return f"{file.removesuffix('.js')}.cjs"
    return file


@dataclass
class Code:
    """The code in its new places, and what it imports.

    Attributes:
        layout: where the files are.
        manifest: what the old package.json says.
        name: the new npm name.
    """

    layout: Layout
    manifest: Manifest
    name: str

    def own(self, module: str) -> str | None:
        """Return the new specifier of what is imported by the old npm name; None for others."""
        old = self.manifest.name
        if not old or not f"{module}/".startswith(f"{old}/"):
            return None
        return self.name + module.removeprefix(old)

    def specifier(self, old: str, new: str, module: str) -> str | None:
        """Return what a file imports by another specifier now; None for the same."""
        if own := self.own(module):
            return own
        if not module.startswith("."):
            return None
        target = self.target(posixpath.normpath(posixpath.join(posixpath.dirname(old), module)))
        if target is None:
            return None
        way = posixpath.relpath(self.layout.places[target], posixpath.dirname(new) or ".")
        return way if way.startswith(".") else f"./{way}"

    def target(self, path: str) -> str | None:
        """Return the old path of the file that an import means."""
        stem, dot, end = path.rpartition(".")
        others = [f"{stem}{one}" for one in _COMPILED.get(f"{dot}{end}", ())]
        names = [f"{path}{one}" for one in _ENDS] + others
        names += [posixpath.normpath(f"{path}/index{one}") for one in _ENDS[1:]]
        return next((name for name in names if name in self.layout.places), None)

    def leads_out(self, old: str, module: str) -> bool:
        """Tell whether a relative import leads out of the folder."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(old), module))
        return path.startswith("..")

    def entry(self) -> str:
        """Return the new path of the file that an import of the package reads; "" for none."""
        wanted = self.manifest.entry
        bare = wanted.partition("/")[2] if wanted.startswith(("dist/", "build/", "lib/")) else ""
        stem = bare.rpartition(".")[0]
        guesses = [wanted, bare, f"src/{bare}", f"src/{stem}", stem, "src/index", "index"]
        for guess in guesses:
            if guess and (found := self.target(guess)):
                return self.layout.places[found]
        files = [new for new in self.layout.places.values() if new.startswith("src/")]
        return files[0] if len(files) == 1 else ""


def rewritten(text: str, replace: Callable[[str], str | None]) -> tuple[str, list[int]]:
    """Return a text with other specifiers in its imports, and the lines that have changed."""
    wanted = {(one.module, one.line): replace(one.module) for one in javascript.imports(text)}
    parts, line, lines = [], 1, list[int]()
    for kind, piece in javascript.pieces(text):
        new = wanted.get((piece[1:-1], line)) if kind is TokenKind.STRING else None
        if new and new != piece[1:-1]:
            parts.append(f"{piece[0]}{new}{piece[-1]}")
            lines.append(line)
        else:
            parts.append(piece)
        line += piece.count("\n")
    return "".join(parts), lines


def needs(
    space: Workspace,
    package: Package,
    imports: Mapping[str, Sequence[Import]],
    said: Manifest,
    catalog: Sequence[str],
) -> tuple[list[Need], dict[str, str]]:
    """Return what the files of a package need, and what nothing provides, by its place."""
    found: dict[str, Need] = {}
    unknown: dict[str, str] = {}
    for file, told in imports.items():
        for one in told:
            name = javascript.specifier(one.module)[0]
            if one.module.startswith((".", "/", "#")) or ":" in one.module or name in BUILTIN:
                continue
            if name == package.name:
                continue
            runs = file.startswith("src/") and one.kind is not ImportKind.TYPES
            need = _need(space, name, said, catalog, f"{file}:{one.line}")
            if need is None:
                unknown.setdefault(
                    f"{package.path}/{file}:{one.line}",
                    f"imports {name}, and nothing here says which version",
                )
                continue
            need.group = "dependencies" if runs else "devDependencies"
            before = found.get(name)
            if before is None or (runs and before.group != "dependencies"):
                found[name] = need
    for name in [*found]:
        types = f"@types/{name.removeprefix('@').replace('/', '__')}"
        if types in said.ranges.get("devDependencies", {}) and types not in found:
            if need := _need(space, types, said, catalog, ""):
                need.group = "devDependencies"
                found[types] = need
    return [*found.values()], unknown


def _need(
    space: Workspace, name: str, said: Manifest, catalog: Sequence[str], used: str
) -> Need | None:
    """Return the need of a package: of this repository, of its catalog, or as it was declared."""
    other = space.named(name)
    if other and other.is_javascript:
        return Need(name, ["workspace:*"], "", other.path, used)
    spec = next((group[name] for group in said.ranges.values() if name in group), "")
    if name in catalog:
        where = "the catalog in pnpm-workspace.yaml"
        return Need(name, ["catalog:"], "", f"{where}; it was {spec}" if spec else where, used)
    if not spec or not re.match(r"[\^~>=<*\dv]", spec):
        return None
    return Need(name, ["catalog:"], "", said.where, used, [spec])


def unused(said: Manifest, found: Sequence[Need]) -> list[str]:
    """Return the dependencies that were declared for users, and that nothing imports."""
    have = {need.name for need in found}
    groups = [group for group in said.ranges if group != "devDependencies"]
    return sorted({name for group in groups for name in said.ranges[group]} - have)


def manifest(text: str, code: Code, found: Sequence[Need]) -> str:
    """Return the text of a package.json with its entry and its dependencies."""
    document = text_files.json_object(text)
    wanted: dict[str, Any] = {}
    for group in ("dependencies", "devDependencies"):
        now = dict(data_formats.table(document, group))
        now |= {need.name: need.texts[0] for need in found if need.group == group}
        if now:
            wanted[group] = dict(sorted(now.items()))
    if (entry := code.entry()) and "exports" in document:
        stem, _, end = entry.removeprefix("src/").rpartition(".")
        built = _BUILT.get(f".{end}", f".{end}")
        exports = {"source": f"./{entry}", "types": f"./dist/{stem}{_TYPES.get(built, '.d.ts')}"}
        wanted["exports"] = {".": {**exports, "default": f"./dist/{stem}{built}"}}
    return node_package.write(text, wanted)


def required(text: str, old: str, new: str) -> str:
    """Return the text of a package.json that requires a package here by its new name."""
    document = text_files.json_object(text)
    groups = {group: dict(data_formats.table(document, group)) for group in NODE_GROUPS}
    having = requiring(document, old)
    for group in having:
        groups[group].pop(old, None)
        groups[group][new] = "workspace:*"
    wanted = {group: dict(sorted(groups[group].items())) for group in having}
    return node_package.write(text, wanted)


def requiring(document: Mapping[str, Any], name: str) -> list[str]:
    """Return the groups in which a package.json requires a package that its code imports."""
    groups = [one for one in NODE_GROUPS if name in data_formats.table(document, one)]
    return groups or ["dependencies"]


def catalog(text: str, found: Sequence[Need]) -> str:
    """Return the text of pnpm-workspace.yaml with the ranges that its catalog lacks."""
    new = {need.name: need.pins[0] for need in found if need.pins}
    if not new:
        return text
    written = workspace_files.write(text, {"catalog": new}, keep=True)
    before = {*text.split("\n")}
    mark = f" {workspace_files.MARK}"
    # It is the team's from now on.
    return "\n".join(
        row if row in before else row.removesuffix(mark) for row in written.split("\n")
    )


def allowing(text: str, layout: Layout) -> str:
    """Return the text of tsconfig.base.json with which the compiler takes JavaScript along.

    One process checks all packages, so that it is said for all of them.
    """
    found = any(new.endswith((".js", ".jsx", ".mjs", ".cjs")) for new in layout.places.values())
    if not found or re.search(r'^\s*"allowJs"', text, re.MULTILINE):
        return text
    return _OPTIONS.sub(r'\1\2"allowJs": true,\n\2', text, count=1)


def is_foreign_test(text: str) -> bool:
    """Tell whether tests ask for a runner that no package has here."""
    names = {javascript.specifier(one.module)[0] for one in javascript.imports(text)}
    if any(_RUNNERS.fullmatch(name) for name in names):
        return True
    return "node:test" not in {one.module for one in javascript.imports(text)} and bool(
        re.search(r"^\s*(describe|it|test)\(", text, re.MULTILINE)
    )
