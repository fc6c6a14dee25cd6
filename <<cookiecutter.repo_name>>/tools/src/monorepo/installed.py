"""What an installed distribution says of itself: its modules, its extras, what it depends on."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from monorepo import workspace
from monorepo.names import fold

_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)""")
_DEVELOPERS = re.compile(r"(^|-)(bench|ci|dev|docs?|lint|mypy|tests?|testing|typing)")
_SUFFIXES = (".py", ".pyi", ".so", ".pyd")


def roots(paths: Iterable[str]) -> set[str]:
    """Return the topmost modules that files are, by their paths; namespaces are told in full."""
    files = [path for path in paths if path.endswith(_SUFFIXES) and ".dist-info/" not in path]
    packages = {path.rpartition("/")[0] for path in files if "/__init__." in path}
    found = set()
    for path in files:
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        stem = "/".join([*parts[:-1], parts[-1].partition(".")[0]])
        root = next((one for one in above if one in packages), stem)
        if all(part.isidentifier() for part in root.split("/")):
            found.add(root.replace("/", "."))
    return found


def read(name: str, root: Path, site: str) -> dict[str, list[str]]:
    """Return what a distribution in a folder says; nothing if it is not there.

    Args:
        name: the distribution's, folded.
        root: of the repository.
        site: where distributions are installed, from there.

    Returns:
        `modules`, if it tells its files; `extras`; the names of what it `requires`, and of what it
        `takes` if it is there, but for its developers; and for each extra, as `[name]`, what that
        asks for.
    """
    installed = next(iter(Distribution.discover(name=name, path=[str(root / site)])), None)
    if installed is None:
        return {}
    extras = installed.metadata.get_all("Provides-Extra") or []
    found = {"extras": sorted(map(fold, extras)), "requires": [], "takes": []}
    for text in installed.requires or []:
        asking = [fold(one) for one in _EXTRA.findall(text)]
        for extra in asking:
            found.setdefault(f"[{extra}]", []).append(text)
        if not asking or not _DEVELOPERS.search(asking[0]):
            found["takes" if asking else "requires"].append(workspace.requirement(text).name)
    if record := installed.read_text("RECORD"):
        paths = (line.rpartition(",")[0].rpartition(",")[0] for line in record.split("\n"))
        found["modules"] = sorted(roots(path.strip('"') for path in paths))
    return found
