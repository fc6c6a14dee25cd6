"""base_manifest.yaml: what the root's environment has for scripts and notebooks, besides tools.

The file is optional. An error shows none of its texts, because one may hold a password. For
editors, .schemas/base_manifest.json has the same rules. Standard library only.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from monorepo.core import manifests, python_versions
from monorepo.core.hashes import COMMENT, LONGEST
from monorepo.core.naming import show
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

if TYPE_CHECKING:
    from monorepo.system.plain_yaml import Value

FILE = "base_manifest.yaml"
SCHEMA_VERSION = 1
PYTHON_PACKAGE = "python-package"
LATEST = "latest"

# A name, perhaps with extras; what is no valid name is no requirement either.
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._, -]*\])?")
_URL = re.compile(r"[^;]*@")
_REQUIREMENT = "is not a requirement; write a name and a range, such as httpx>=0.28"
_DIRECT = "is a direct URL, which cannot be pinned; write name>=version"
Mistakes = Iterator[str]


class Listed(NamedTuple):
    """A requirement that the file lists, and where: `base_manifest.yaml: python.packages[1]`."""

    where: str
    text: str


@dataclass(frozen=True)
class BaseManifest:
    """What base_manifest.yaml says; nothing if there is no such file.

    Attributes:
        requires_python: the versions of Python that it allows; empty for any.
        requirements: what it lists, each text once.
        files: the paths of the requirements files, from the root.
        mistakes: what is wrong with it, a line each; the rest is empty then.
    """

    requires_python: str = ""
    requirements: tuple[Listed, ...] = ()
    files: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()

    def listed(self) -> tuple[Listed, ...]:
        """Return what it lists.

        Raises:
            UsageError: there are mistakes in it.
        """
        if self.mistakes:
            raise UsageError(*self.mistakes)
        return self.requirements

    def only(self, wanted: Callable[[Listed], bool]) -> "BaseManifest":
        """Return it with those requirements for which `wanted` is true."""
        return replace(self, requirements=tuple(filter(wanted, self.requirements)))


def load(root: Path) -> BaseManifest:
    """Read the manifest of the repository at `root`."""
    if not os.path.lexists(root / FILE):
        return BaseManifest()
    # Imported here, because few repositories have the file, and every command looks for it.
    from monorepo.system import plain_yaml

    try:
        if wrong := _leaves(root, FILE):
            return BaseManifest(mistakes=(f"{FILE}: {wrong}",))
        found = plain_yaml.read(text_files.read(root, FILE))
    except MalformedError as error:
        return BaseManifest(mistakes=error.of(FILE).mistakes)
    except UsageError as error:
        return BaseManifest(mistakes=error.mistakes)
    if mistakes := [f"{FILE}: {mistake}" for mistake in _mistakes(root, found)]:
        return BaseManifest(mistakes=tuple(mistakes))
    return _valid(root, found)


def _valid(root: Path, found: Mapping[str, "Value"]) -> BaseManifest:
    """Return what a manifest without mistakes says."""
    python, rows = found.get("python"), found.get("artifacts")
    table = python if isinstance(python, dict) else {}
    files, packages = _texts(table.get("requirements")), _texts(table.get("packages"))
    listed = [
        (f"python.requirements[{number}]: {path}:{line}", text)
        for number, path in enumerate(files, start=1)
        for line, text in _entries(text_files.read(root, path))
    ]
    listed += [(f"python.packages[{number}]", text) for number, text in enumerate(packages, 1)]
    listed += [
        (f"artifacts[{number}]", requirement(row))
        for number, row in enumerate(rows if isinstance(rows, list) else (), start=1)
        if isinstance(row, dict)
    ]
    # C6: only what is the same to the letter is dropped; the installer joins ranges.
    once: dict[str, Listed] = {}
    for where, text in listed:
        line = " ".join(text.split())
        once.setdefault(line, Listed(f"{FILE}: {where}", line))
    requires = str(table.get("requires_python", ""))
    return BaseManifest(requires, tuple(once.values()), tuple(files))


def requirement(row: Mapping[str, "Value"]) -> str:
    """Return the requirement that a row of `artifacts` stands for."""
    version = row.get("version", LATEST)
    return f"{row['name']}" if version == LATEST else f"{row['name']}=={version}"


def _texts(value: "Value") -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line of a requirements file that says something."""
    for number, whole in enumerate(text.splitlines(), start=1):
        line = whole if len(whole) > LONGEST else COMMENT.sub("", whole).strip()
        if line:
            yield number, line


def _problem(text: str) -> str | None:
    """Return why a text is no requirement to install; the text itself may hold a password."""
    if text.lstrip().startswith("-"):
        return "is an option or another file; list requirements alone"
    if " --" in text or text.endswith("\\"):
        return "has options; write the requirement alone, make lock records hashes"
    if not manifests.is_requirement(text):
        return _REQUIREMENT
    return _DIRECT if _URL.match(text) else None


def _leaves(root: Path, path: str) -> str | None:
    """Return how a path leads out of the repository, if it does."""
    parts = path.replace("\\", "/").split("/")
    if path.startswith("~"):
        return "begins with ~, which leads out of the repository; write a path from the root"
    if os.path.isabs(path) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path):
        return "is no path from the root; write one, such as requirements.txt"
    if ".." in parts:
        return "leads out of the repository by ..; write a path from the root"
    if not Path(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root)):
        return "is a link that leads out of the repository; put the file itself there"
    return None


def _mistakes(root: Path, found: Mapping[str, "Value"]) -> Mistakes:
    """Yield what is wrong with the keys and values of the document, with their dotted keys."""
    yield from _unknown("", found, ("schema_version", "project", "python", "artifacts"))
    version = found.get("schema_version")
    if version != SCHEMA_VERSION:
        said = "is missing" if version is None else f"is not {SCHEMA_VERSION}"
        yield f"schema_version: {said}; write schema_version: {SCHEMA_VERSION}"
    if "project" in found:
        yield from _text("project", found["project"], bool, "the name of the repository")
    if "python" in found:
        yield from _python(root, found["python"])
    if "artifacts" in found:
        yield from _items("artifacts", found["artifacts"], _row)


def _python(root: Path, table: "Value") -> Mistakes:
    if not isinstance(table, dict):
        yield "python: is not a mapping; write its keys below it"
        return
    yield from _unknown("python.", table, ("requires_python", "venv", "requirements", "packages"))
    if "requires_python" in table:
        fits, example = python_versions.is_valid, 'a range of versions, such as ">=3.11"'
        yield from _text("python.requires_python", table["requires_python"], fits, example)
    if "venv" in table and table["venv"] != "default":
        yield "python.venv: is not default; write default, which is .venv at the root"
    if "requirements" in table:
        yield from _items("python.requirements", table["requirements"], partial(_path, root))
    if "packages" in table:
        yield from _items("python.packages", table["packages"], _package)


def _unknown(prefix: str, table: Mapping[str, object], known: Sequence[str]) -> Mistakes:
    for key in table:
        if key not in known:
            yield f"{prefix}{show(key).strip(chr(39))}: is unknown; there are {', '.join(known)}"


def _text(key: str, value: object, fits: Callable[[str], bool], what: str) -> Mistakes:
    if not isinstance(value, str):
        yield f"{key}: is not a text; write {what}, in quotes"
    elif not fits(value):
        yield f"{key}: is not valid; write {what}"


def _items(key: str, value: "Value", check: Callable[[str, "Value"], Mistakes]) -> Mistakes:
    """Yield what is wrong with a list; its items are counted from 1."""
    if not isinstance(value, list):
        yield f"{key}: is not a list; write an item a line, with a dash before it"
        return
    for number, item in enumerate(value, start=1):
        yield from check(f"{key}[{number}]", item)


def _path(root: Path, key: str, value: "Value") -> Mistakes:
    """Yield what is wrong with a requirements file: its path, and its lines."""
    if not isinstance(value, str) or not value or not value.isprintable():
        yield f"{key}: is not a path; write that of a requirements file, from the root"
    elif wrong := _leaves(root, value):
        yield f"{key}: {wrong}"
    elif not (root / value).is_file():
        yield f"{key}: is not a file here; correct the path"
    else:
        try:
            text = text_files.read(root, value)
        except UsageError as error:
            yield f"{key}: {error.mistakes[0]}"
            return
        for line, entry in _entries(text):
            if problem := _problem(entry):
                yield f"{key}: {value}:{line}: {problem}"


def _package(key: str, value: "Value") -> Mistakes:
    if not isinstance(value, str):
        yield f"{key}: is not a text; write a requirement, such as httpx>=0.28, in quotes"
    elif problem := _problem(value):
        yield f"{key}: {problem}"


def _row(key: str, value: "Value") -> Mistakes:
    """Yield what is wrong with a row of the older format."""
    if not isinstance(value, dict):
        yield f"{key}: is not a mapping; write type, name and version"
        return
    yield from _unknown(f"{key}.", value, ("type", "name", "version"))
    if value.get("type") != PYTHON_PACKAGE:
        yield f"{key}.type: is not {PYTHON_PACKAGE}; remove the row"
    name, version = value.get("name"), value.get("version", LATEST)
    if not isinstance(name, str) or not _NAMED.fullmatch(name):
        yield f"{key}.name: is not the name of a distribution; write one, such as httpx"
    elif not manifests.is_requirement(name):
        yield f"{key}.name: {_REQUIREMENT}"
    if version != LATEST and not manifests.is_version(version):
        yield f'{key}.version: is neither {LATEST} nor a version; write one, such as "8.4.1"'
