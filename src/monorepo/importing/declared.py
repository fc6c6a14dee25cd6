"""What the manifests of an old folder declare, read as data: no setup.py is run."""

import ast
import configparser
import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.importing.origin import Origin
from monorepo.migrating import pins, requirements_files
from monorepo.migrating.requirements_files import Status, mask
from monorepo.parsing import data_formats
from monorepo.system import text_files

# Extras and groups, and names of files, that are for those who work on the code.
DEVELOPERS = re.compile(
    r"(^|[^a-z])(bench|ci|dev|develop|doc|lint|qa|style|test|typing)", re.IGNORECASE
)
TEST = "test"
# Arguments of setup().
_REQUIRING = ("install_requires", "tests_require", "extras_require", "entry_points")
_BUILDING = ("ext_modules", "cmdclass", "cffi_modules", "rust_extensions")
_LINE = re.compile(r":\d+$")
# What pip-compile and uv write below what something else requires.
_VIA = re.compile(r"^\s*# via\b", re.MULTILINE)
_POETRY = re.compile(r"([\^~])\s*(\d[\w.]*)")


class Offer(NamedTuple):
    """A requirement that a manifest declares.

    Attributes:
        text: as it stands there.
        where: the file and the line.
        group: the extra that it is in; `test` for developers, "" for everybody.
        is_compiled: whether a tool has written it, which adds what others require.
    """

    text: str
    where: str
    group: str = ""
    is_compiled: bool = False

    @property
    def file(self) -> str:
        """The file, without the line."""
        return _LINE.sub("", self.where)


@dataclass
class Declared:
    """What the manifests of a folder say.

    Attributes:
        offers: the requirements.
        scripts: the commands, with the function that each calls.
        told: what could not be read, by its place.
    """

    offers: list[Offer] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def add(self, texts: object, where: str, group: str = "") -> None:
        """Add requirements, which may have any form."""
        rows = texts.splitlines() if isinstance(texts, str) else texts
        if not isinstance(rows, Iterable):
            self.told[where] = "is no list of requirements"
            return
        for row in rows:
            text = str(row).partition(" #")[0].strip()
            if not text or text.startswith("#"):
                continue
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                self.told[where] = f"{mask(text)} is not a requirement"
                continue
            if requirement.url:
                self.told[where] = f"{mask(text)} is a direct URL, which cannot be pinned"
            else:
                self.offers.append(Offer(text, where, group))


def read(origin: Origin, manifests: Sequence[str], place: "Place") -> Declared:
    """Return what the manifests of a folder declare.

    Args:
        origin: the folder.
        manifests: their paths in it.
        place: what there is at a path that one of them names.

    Raises:
        UsageError: a requirements file cannot be read.
    """
    found = Declared()
    for file in manifests:
        content, where = origin.files[file].content, origin.place(file)
        name = PurePosixPath(file).name
        try:
            text = text_files.decode(content).replace("\r\n", "\n")
            if name == "pyproject.toml":
                _pyproject(text, where, found)
            elif name == "setup.cfg":
                _setup_cfg(text, where, found)
            elif name == "setup.py":
                _setup_py(text, where, found)
            elif not name.endswith((".txt", ".in")):
                found.told[where] = "is not read: its names are looked for in constraints.txt"
        except text_files.MalformedError as error:
            at = f"{where}:{error.line}" if error.line else where
            found.told[at] = f"{error.message}; {error.fix}"
    files = [one for one in manifests if one.endswith((".txt", ".in"))]
    _requirements(origin, files, place, found)
    return found


class Place:
    """Tells which package of this repository is at a path."""

    def __init__(self, space: workspace.Workspace) -> None:
        """Know the packages."""
        self._space = space

    def package(self, origin: Origin, file: str, value: str) -> str:
        """Return the path of the package that a path in a file names; "" for none."""
        path = os.path.normpath(os.path.join(origin.folder, os.path.dirname(file), value))
        root = str(self._space.root.resolve())
        if not path.startswith(f"{root}/"):
            return ""
        owner = self._space.owner(os.path.relpath(path, root))
        return owner.path if owner else ""


def _requirements(origin: Origin, files: Sequence[str], place: Place, found: Declared) -> None:
    """Read requirements files, each with what it includes."""
    for file in files:
        for read_file in requirements_files.read([str(origin.folder / file)]):
            inner = PurePosixPath(read_file.path)
            shown = origin.place(file)
            if inner != PurePosixPath(origin.folder / file):
                shown = _shown(origin, str(inner))
            compiled = _is_compiled(Path(read_file.path))
            developers = DEVELOPERS.search(PurePosixPath(file).as_posix().removesuffix(".txt"))
            for line in read_file.lines:
                where = f"{shown}:{line.number}"
                if (
                    line.requirement
                    and not line.is_constraint
                    and line.status is not Status.UNKNOWN
                ):
                    group = TEST if developers else ""
                    found.offers.append(Offer(line.wanted, where, group, compiled))
                elif line.status is Status.UNKNOWN:
                    local = re.sub(r"^(-e|--editable)[\s=]*|\[[^]]*\]$", "", line.text.strip())
                    if not place.package(origin, file, local):
                        found.told[where] = f"{line.text}: {line.why}"


def _is_compiled(file: Path) -> bool:
    """Tell whether a tool has written a requirements file from another one."""
    if file.with_suffix(".in").is_file() and file.suffix != ".in":
        return True
    return bool(_VIA.search(file.read_text(encoding="utf-8", errors="replace")))


def _shown(origin: Origin, path: str) -> str:
    """Return the path of a file that one of the folder includes, as people find it."""
    return os.path.normpath(os.path.join(origin.shown, os.path.relpath(path, origin.folder)))


def _pyproject(text: str, where: str, found: Declared) -> None:
    document = text_files.toml(text)
    project = data_formats.table(document, "project")
    found.add(project.get("dependencies", []), where)
    for extra, texts in data_formats.table(project, "optional-dependencies").items():
        found.add(texts, where, _group(extra))
    for group, texts in data_formats.table(document, "dependency-groups").items():
        plain = [one for one in texts if isinstance(one, str)] if isinstance(texts, list) else []
        found.add(plain, where, _group(group) if DEVELOPERS.search(group) else TEST)
    for name, target in data_formats.table(project, "scripts").items():
        found.scripts[str(name)] = str(target)
    if "dynamic" in project:
        names = (
            [str(one) for one in project["dynamic"]] if isinstance(project["dynamic"], list) else []
        )
        if "dependencies" in names:
            found.told[where] = "its dependencies are dynamic: only requirements files tell them"
    poetry = data_formats.table(document, "tool", "poetry")
    if poetry:
        _poetry(poetry, where, found)


def _poetry(poetry: Mapping[str, Any], where: str, found: Declared) -> None:
    """Add what Poetry's own tables declare."""
    extras = data_formats.table(poetry, "extras")
    by_name = {
        fold(str(one)): _group(extra)
        for extra, names in extras.items()
        if isinstance(names, list)
        for one in names
    }
    groups = {"": data_formats.table(poetry, "dependencies")}
    groups |= {TEST: dict(data_formats.table(poetry, "dev-dependencies"))}
    for group in data_formats.table(poetry, "group").values():
        groups[TEST] |= data_formats.table(data_formats.table(group), "dependencies")
    for group, table in groups.items():
        for name, value in table.items():
            if name == "python":
                continue
            spec = value if isinstance(value, str) else data_formats.table(value).get("version")
            if not isinstance(spec, str):
                found.told[where] = f"{name} has no version of an index"
                continue
            extras_of = data_formats.entries(data_formats.table(value), "extras")
            inner = f"[{','.join(map(str, extras_of))}]" if extras_of else ""
            text = f"{name}{inner}{_poetry_range(spec)}"
            found.add([text], where, group or by_name.get(fold(name), ""))
    for name, target in data_formats.table(poetry, "scripts").items():
        if isinstance(target, str):
            found.scripts[str(name)] = target


def _poetry_range(spec: str) -> str:
    """Return a range of Poetry, such as ^1.2, as PEP 440 has it."""
    if spec == "*":
        return ""

    def plain(match: re.Match[str]) -> str:
        sign, version = match.groups()
        release = [int(part) for part in re.findall(r"\d+", version)[:3]]
        if sign == "^":
            at = next((n for n, part in enumerate(release) if part), len(release) - 1)
        else:
            at = min(1, len(release) - 1)
        above = [*release[:at], release[at] + 1]
        return f">={version},<{'.'.join(map(str, above))}"

    text = _POETRY.sub(plain, spec)
    return text if text[:1] in "<>=!~" else f"=={text}"


def _group(extra: str) -> str:
    return TEST if DEVELOPERS.search(str(extra)) else fold(str(extra))


def _setup_cfg(text: str, where: str, found: Declared) -> None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        found.told[where] = f"is not understood ({str(error).splitlines()[0]})"
        return
    options = parser["options"] if parser.has_section("options") else {}
    for key, group in (("install_requires", ""), ("tests_require", TEST)):
        value = options.get(key) or ""
        if value.startswith("file:"):
            continue
        found.add(value, where, group)
    if parser.has_section("options.extras_require"):
        for extra, value in parser.items("options.extras_require"):
            found.add(value or "", where, _group(extra))
    if parser.has_section("options.entry_points"):
        _points(dict(parser.items("options.entry_points")), where, found)


def _points(points: Mapping[str, object], where: str, found: Declared) -> None:
    """Add commands; other entry points are told."""
    for group, value in points.items():
        rows = value.splitlines() if isinstance(value, str) else value
        for row in rows if isinstance(rows, list) else []:
            name, equals, target = str(row).partition("=")
            if equals and group == "console_scripts":
                found.scripts[name.strip()] = target.strip()
            elif equals:
                found.told[where] = f"has the entry point {row.strip()} of {group}; declare it here"


def _setup_py(text: str, where: str, found: Declared) -> None:
    """Read the arguments of setup() that are literals, or names of literals."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found.told[where] = "is not Python 3, and not read"
        return
    values: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            values |= {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) == "setup"
    ]
    for keyword, line, value in _keywords(calls, values):
        at = f"{where}:{line}"
        if keyword in _REQUIRING and value is None:
            found.told[at] = f"{keyword} is computed: only requirements files tell it"
        elif keyword == "extras_require":
            for extra, texts in value.items() if isinstance(value, dict) else ():
                found.add(texts, at, _group(str(extra).partition(":")[0]))
        elif keyword == "entry_points":
            _points(value if isinstance(value, dict) else {}, at, found)
        elif keyword in _REQUIRING:
            found.add(value, at, TEST if keyword == "tests_require" else "")
        elif keyword in _BUILDING:
            found.told[at] = f"{keyword}: what it builds is not built here; declare it again"


def _keywords(
    calls: Iterable[ast.Call], values: Mapping[str, ast.expr]
) -> Iterator[tuple[str, int, Any]]:
    """Yield the arguments of calls: the name, the line, and the value, None if it is computed."""
    for call in calls:
        for keyword in call.keywords:
            node = keyword.value
            if isinstance(node, ast.Name):
                node = values.get(node.id, node)
            value = None
            with contextlib.suppress(ValueError, TypeError, SyntaxError, RecursionError):
                value = ast.literal_eval(node)
            yield keyword.arg or "**", node.lineno, value


def ranged(text: str) -> tuple[str, str]:
    """Return a requirement as a manifest here has it, and the version that it pinned; "" for none.

    A pin becomes the lower bound of a range, for constraints.txt has the pin.
    """
    requirement = Requirement(text)
    version = pins.pinned(requirement)
    if not version:
        return text, ""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    with contextlib.suppress(InvalidVersion):
        public = Version(version).public
        return f"{requirement.name}{extras}>={public}{marker}", version
    return text, version
