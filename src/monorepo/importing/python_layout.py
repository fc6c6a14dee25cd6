"""Where each file of a folder of Python goes in the package: code, tests, data, and what stays out.

The code of a folder is one package (flat, or in src), the folder itself, or loose modules, which
become modules of the package. What lies beside code stays beside it.
"""

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from monorepo.importing.origin import Origin
from monorepo.parsing.python_tests import is_test
from monorepo.system.errors import UsageError

_CODE = (".py", ".pyi")
_TESTS = ("test", "tests")
_SORTED = ("unit", "contract", "integration")
# What is about the project, and not beside its code, wherever that is.
_PROJECT = re.compile(
    r"(docs?|examples?|scripts|bin|benchmarks|notebooks)/.*|Dockerfile|compose\.ya?ml|\.dockerignore"
    r"|(?i:(CHANGELOG|CHANGES|HISTORY|AUTHORS|CONTRIBUTING|NOTICE|SECURITY)(\.\w+)?)"
)
_README = re.compile(r"(?i:readme)(\.\w+)?")
_LICENSE = re.compile(r"(?i:licen[cs]e|copying)(\.\w+)?")
# What declares, builds or checks the old folder: other files here do that.
MANIFESTS = re.compile(
    r"setup\.py|setup\.cfg|pyproject\.toml|(requirements[\w.-]*|constraints)\.(txt|in)"
    r"|requirements/[\w.-]+\.(txt|in)|Pipfile(\.lock)?|(poetry|uv|pdm)\.lock|environment\.ya?ml"
)
_TOOLS = re.compile(
    r"Makefile|noxfile\.py|tox\.ini|MANIFEST\.in|pytest\.ini|mypy\.ini|\.mypy\.ini|\.?ruff\.toml"
    r"|\.flake8|\.pylintrc|\.coveragerc|\.isort\.cfg|\.pre-commit-config\.yaml|\.gitignore"
    r"|\.gitattributes|\.editorconfig|\.python-version|\.travis\.yml|\.github/.*|\.gitlab-ci\.yml"
)
_IMPORTABLE = re.compile(r"[^\W\d]\w*")
INIT = "__init__.py"


@dataclass
class Layout:
    """Where the files of a folder go.

    Attributes:
        package: the import name.
        base: the folder whose content becomes that package; "" for the folder itself.
        is_package: whether that folder is one already, so that its own name is imported.
        is_sorted: whether its tests are sorted as here.
        places: the new path of each file from the folder of the package, by its old one.
        dropped: why a file is not taken along.
        manifests: those of `dropped` that say what the code needs.
    """

    package: str
    base: str
    is_package: bool
    is_sorted: bool = False
    places: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    manifests: list[str] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The folder of the code in the package."""
        return f"src/{self.package}"

    def dotted(self, new: str) -> str:
        """Return the name of the module at a new path, which is in src."""
        name = new.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        return name.replace("/", ".")


def plan(origin: Origin, package: str, license_text: bytes) -> Layout:
    """Return where the files of a folder go.

    Args:
        origin: the folder.
        package: the import name that its code gets.
        license_text: of the repository: a folder with the same needs no copy.

    Raises:
        UsageError: it has no Python, or two files would have the same place.
    """
    files = list(origin.files)
    base, is_package = _base(origin, files)
    layout = Layout(package, base, is_package, any(map(_is_sorted, files)))
    for file in files:
        if why := _why_not(origin, license_text, layout, file):
            layout.dropped[file] = why
        else:
            layout.places[file] = place(layout, file)
        if MANIFESTS.fullmatch(file):
            layout.manifests.append(file)
    _refuse_twins(origin, layout)
    if not any(new.startswith("src/") and new.endswith(".py") for new in layout.places.values()):
        raise UsageError(f"{origin.shown}: has no Python outside of tests; name a folder of code")
    if not layout.is_package:
        _refuse_shadows(origin, layout)
    return layout


def _why_not(origin: Origin, license_text: bytes, layout: Layout, file: str) -> str:
    """Return why a file is not taken along; "" if it is."""
    if MANIFESTS.fullmatch(file):
        return "read for what it declares; pyproject.toml is written from it"
    content = origin.files[file].content
    if PurePosixPath(file).name == INIT and _in_tests(file, layout.base) and _is_empty(content):
        return "a folder of tests is no package here"
    return left_out(origin, license_text, file)


def left_out(origin: Origin, license_text: bytes, file: str) -> str:
    """Return why a file of any language is not taken along; "" if it is."""
    if _TOOLS.fullmatch(file):
        return "what it configures, the repository does for all packages"
    if _LICENSE.fullmatch(file) and origin.files[file].content == license_text:
        return "is the license of the repository"
    return ""


def project_file(file: str) -> bool:
    """Tell whether a file is about the project, and not beside its code."""
    patterns = (_LICENSE, _README, _PROJECT)
    return file.startswith(".") or any(one.fullmatch(file) for one in patterns)


def place(layout: Layout, file: str) -> str:
    """Return the new path of a file, from the folder of the package."""
    base = layout.base
    inner = file.removeprefix(f"{base}/") if base else file
    if _README.fullmatch(file):
        return f"docs/{file}"
    if _in_tests(file, base):
        return _test(inner, is_sorted=layout.is_sorted)
    if project_file(file) or (base and not file.startswith(f"{base}/")):
        return file
    return f"{layout.home}/{_importable(inner)}"


def _base(origin: Origin, files: Collection[str]) -> tuple[str, bool]:
    """Return the folder whose content becomes the package, and whether it is a package itself."""
    if origin.single:
        return "", False
    if INIT in files:
        return "", True
    start = "src/" if any(one.startswith("src/") and one.endswith(_CODE) for one in files) else ""
    code = [
        one.removeprefix(start)
        for one in files
        if one.startswith(start)
        and one.endswith(_CODE)
        and not (_in_tests(one, "") or _PROJECT.fullmatch(one) or _other(one))
    ]
    tops = {one.partition("/")[0] for one in code}
    if len(tops) == 1 and not (top := next(iter(tops))).endswith(_CODE):
        return f"{start}{top}", True
    return start.rstrip("/"), False


def _other(file: str) -> bool:
    return bool(MANIFESTS.fullmatch(file) or _TOOLS.fullmatch(file))


def _in_tests(file: str, base: str) -> bool:
    """Tell whether a file is a test, or lies in a folder of tests."""
    inner = file.removeprefix(f"{base}/") if base else file
    folders = inner.split("/")[:-1]
    name = PurePosixPath(file).name
    return any(one in _TESTS for one in folders) or name == "conftest.py" or is_test(name)


def _is_sorted(file: str) -> bool:
    """Tell whether a folder of tests is sorted as here."""
    parts = file.split("/")
    return parts[0] in _TESTS and len(parts) > 2 and parts[1] in _SORTED


def _test(inner: str, *, is_sorted: bool) -> str:
    """Return the place of a test, or of what lies beside one."""
    parts = inner.split("/")
    at = next((number for number, one in enumerate(parts[:-1]) if one in _TESTS), None)
    rest = parts if at is None else [*parts[:at], *parts[at + 1 :]]
    if at is None and parts == ["conftest.py"]:
        return "tests/conftest.py"
    tested = is_test(parts[-1]) and parts[-1] != "conftest.py"
    if is_sorted and at == 0 and (rest[0] in _SORTED or not (tested and len(rest) == 1)):
        return "/".join(["tests", *rest])
    return "/".join(["tests", "unit", *rest])


def _importable(path: str) -> str:
    """Return a path below the package in which each module can be imported."""
    if not path.endswith(_CODE):
        return path
    *folders, name = path.split("/")
    stem, dot, suffix = name.rpartition(".")
    return "/".join([*(_word(one) for one in folders), f"{_word(stem)}{dot}{suffix}"])


def _word(name: str) -> str:
    """Return a name that no import can have had as one that an import can have."""
    if _IMPORTABLE.fullmatch(name):
        return name
    word = re.sub(r"\W", "_", name)
    return f"_{word}" if word[:1].isdigit() else word


def _is_empty(content: bytes) -> bool:
    rows = (row.strip() for row in content.splitlines())
    return all(not row or row.startswith(b"#") for row in rows)


def _refuse_twins(origin: Origin, layout: Layout) -> None:
    """Refuse files that would have the same place, also where a file system folds case.

    Raises:
        UsageError: there are some.
    """
    taken: dict[str, str] = {}
    mistakes = []
    for old, new in layout.places.items():
        other = taken.setdefault(new.casefold(), old)
        if other != old:
            message = f"would have the place of {other} in the package; rename one of them"
            mistakes.append(f"{origin.place(old)}: {message}")
    if mistakes:
        raise UsageError(*mistakes)


def _refuse_shadows(origin: Origin, layout: Layout) -> None:
    """Refuse loose modules with the name of one that comes with Python: which one is imported?

    Raises:
        UsageError: there are some.
    """
    tops = {old: old.removeprefix(layout.base).lstrip("/") for old in layout.places}
    shadows = [
        old
        for old, inner in tops.items()
        if layout.places[old].startswith(layout.home)
        and "/" not in inner
        and inner.removesuffix(".py") in sys.stdlib_module_names
        and inner.endswith(".py")
        and inner != "__main__.py"
    ]
    if shadows:
        what = "has the name of a module that comes with Python, and hides it; rename it first"
        raise UsageError(*(f"{origin.place(one)}: {what}" for one in shadows))


def moved_folders(places: Mapping[str, str]) -> dict[str, str]:
    """Return the new path of each folder with code, by its old one; "" is the folder itself."""
    found: dict[str, str] = {}
    for old, new in places.items():
        if not (new.startswith("src/") and new.endswith(_CODE)):
            continue
        above, there = PurePosixPath(old).parent, PurePosixPath(new).parent
        for one, other in zip(_up(above), _up(there), strict=False):
            found.setdefault(one, other)
    return found


def _up(path: PurePosixPath) -> Iterable[str]:
    """Yield a folder and those above it, from the nearest on."""
    while str(path) != ".":
        yield path.as_posix()
        path = path.parent
    yield ""
