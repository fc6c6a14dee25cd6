"""Read the metadata of installed distributions: modules, extras and requirements."""

import contextlib
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.naming import fold

_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)""")
_DEVELOPERS = re.compile(r"(^|-)(bench|ci|dev|docs?|lint|mypy|tests?|testing|typing)")
_SYSTEMS = re.compile(r";.*\b(os_name|platform_system|sys_platform)\b")
# Imports and names in third-party code, found by a text search.
_IMPORTED = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
_BY_NAME = re.compile(rb"import_module|__import__|find_spec|entry_points")
_QUOTED = re.compile(rb"""["']([a-z_][\w.-]*)["']""")
_SUFFIXES = (".py", ".pyi", ".so", ".pyd")


def roots(paths: Iterable[str]) -> set[str]:
    """Return the top-level modules of files; in a namespace package, with the full name."""
    files = [path for path in paths if path.endswith(_SUFFIXES) and ".dist-info/" not in path]
    packages = {path.rpartition("/")[0] for path in files if "/__init__." in path}
    found = set()
    for path in files:
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        stem = "/".join([*parts[:-1], parts[-1].partition(".")[0]])
        root = next((folder for folder in above if folder in packages), stem)
        if all(part.isidentifier() for part in root.split("/")):
            found.add(root.replace("/", "."))
    return found


def read(name: str, root: Path, site: str) -> dict[str, list[str]]:
    """Return the metadata of an installed distribution; empty if it is not installed.

    Args:
        name: the normalized name of the distribution.
        root: the root of the repository.
        site: the site-packages folder, from the root.

    Returns:
        `version`; `modules`, if it has a RECORD, and its .pth files, `starts`; `extras`;
        `programs`; the `groups` of its entry points; the names that it `requires` on each system;
        the optional ones that it `takes`, except for development; and for each extra, as `[name]`,
        its requirements.
    """
    installed = _find(name, root, site)
    if installed is None:
        return {}
    extras = installed.metadata.get_all("Provides-Extra") or []
    found = {"extras": sorted(map(fold, extras)), "requires": [], "takes": []}
    found["version"] = installed.metadata.get_all("Version") or []
    points = [(point.group, point.name) for point in installed.entry_points]
    found["programs"] = [name for group, name in points if group == "console_scripts"]
    found["groups"] = sorted({group for group, _ in points if not group.endswith("_scripts")})
    for text in installed.requires or []:
        extras_of_text = [fold(extra) for extra in _EXTRA.findall(text)]
        for extra in extras_of_text:
            found.setdefault(f"[{extra}]", []).append(text)
        if not extras_of_text or not _DEVELOPERS.search(extras_of_text[0]):
            optional = extras_of_text or _SYSTEMS.search(text)
            found["takes" if optional else "requires"].append(workspace.requirement(text).name)
    if record := installed.read_text("RECORD"):
        paths = (line.rpartition(",")[0].rpartition(",")[0] for line in record.split("\n"))
        files = [path.strip('"') for path in paths]
        found["modules"] = sorted(roots(files))
        # Python processes .pth files at the top of site-packages when it starts.
        found["starts"] = [path for path in files if path.endswith(".pth") and "/" not in path]
    return found


def mentions(name: str, root: Path, site: str) -> list[str]:
    """Return the modules that a distribution imports, and strings in files that import by name.

    Its tests are left out. The arguments are those of `read`.
    """
    installed = _find(name, root, site)
    found = set[bytes]()
    for file in (installed and installed.files) or ():
        if file.suffix == ".py" and "tests" not in file.parts:
            with contextlib.suppress(OSError):
                text = Path(str(file.locate())).read_bytes()
                found.update(_IMPORTED.findall(text))
                found.update(_QUOTED.findall(text) if _BY_NAME.search(text) else ())
    words = (word.decode() for word in found)
    return sorted(word for word in words if word.partition(".")[0] not in sys.stdlib_module_names)


def _find(name: str, root: Path, site: str) -> Distribution | None:
    return next(iter(Distribution.discover(name=name, path=[str(root / site)])), None)
