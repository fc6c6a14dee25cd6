"""Read the metadata of installed distributions: modules, extras and requirements."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from monorepo.core import workspace
from monorepo.core.naming import fold

_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)""")
_DEVELOPERS = re.compile(r"(^|-)(bench|ci|dev|docs?|lint|mypy|tests?|testing|typing)")
_SYSTEMS = re.compile(r";.*\b(os_name|platform_system|sys_platform)\b")
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
        `version`; if it has a RECORD, its `modules`, and those that it has `stubs` for; `extras`;
        `programs`; the `groups` of its entry points; the names that it `requires` on each system;
        and the optional ones that it `takes`, except for development.
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
        if not extras_of_text or not _DEVELOPERS.search(extras_of_text[0]):
            optional = extras_of_text or _SYSTEMS.search(text)
            found["takes" if optional else "requires"].append(workspace.requirement(text).name)
    if record := installed.read_text("RECORD"):
        files = [
            line.rpartition(",")[0].rpartition(",")[0].strip('"') for line in record.split("\n")
        ]
        found["modules"] = sorted(roots(files))
        stubs = {file.partition("/")[0] for file in files if file.endswith(".pyi")}
        found["stubs"] = sorted(one[:-6] for one in stubs if one.endswith("-stubs"))
    return found


def _find(name: str, root: Path, site: str) -> Distribution | None:
    return next(iter(Distribution.discover(name=name, path=[str(root / site)])), None)
