"""What base_manifest.yaml lists, and what the root's pyproject.toml says; both are only read.

No build backend is started, and no text is shown that could hold a password. Standard library only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from monorepo.core import base_manifest, hashes, manifests, python_versions
from monorepo.core.base_manifest import FILE, Listed
from monorepo.core.workspace import ROOT_MANIFEST, Workspace, requirement, toml
from monorepo.guard.findings import Finding
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.text_files import MalformedError

_MIGRATE = "sh tools/make/monorepo.sh manifest migrate"
_LISTS = ("dependencies", "optional-dependencies")


def findings(root: Path, space: Workspace | None) -> Iterator[Finding]:
    """Yield what is to be said about both files of the repository at `root`.

    Args:
        root: the repository.
        space: the same, loaded; None if it cannot be.
    """
    yield from manifest(root, space)
    yield from pyproject(root)


def manifest(root: Path, space: Workspace | None) -> Iterator[Finding]:
    """Yield a finding for each mistake in base_manifest.yaml, or one that all is well."""
    base = base_manifest.load(root)
    for mistake in base.mistakes:
        _, line, message, fix = text_files.mistake(mistake)
        yield Finding(FILE, line, "manifest.invalid", message, fix)
    if base.mistakes:
        return
    wrong = list(_listed(root, space, base.requirements))
    yield from wrong
    if not wrong:
        there = f"lists {len(base.requirements)} requirements" if (root / FILE).exists() else "none"
        yield Finding(FILE, 0, "manifest", there, "", "ok")


def _listed(root: Path, space: Workspace | None, listed: tuple[Listed, ...]) -> Iterator[Finding]:
    """Yield the requirements that are not pinned, belong elsewhere or have the older form."""
    if any(entry.where.startswith(f"{FILE}: artifacts") for entry in listed):
        message = "artifacts is the older form of python.packages"
        yield Finding(FILE, 0, "manifest.artifacts", message, _MIGRATE, "warn")
    declared = {} if space is None else _declared(space)
    try:
        pinned = set(hashes.pins(root))
    except UsageError:
        # The check of the locks tells of it.
        pinned = {requirement(text).name for _, text in listed}
    for where, text in listed:
        key, name = where.removeprefix(f"{FILE}: "), requirement(text).name
        if name in declared:
            message = f"{key}: {name}: is a dependency in {declared[name]} as well"
            yield Finding(FILE, 0, "manifest.repeated", message, "remove it here")
        elif name not in pinned:
            message = f"{key}: {name}: is not pinned"
            yield Finding(FILE, 0, "manifest.unpinned", message, "make lock")


def _declared(space: Workspace) -> dict[str, str]:
    """Return the manifests that declare or are a distribution, by its normalized name."""
    found = {
        requirement(text).name: ROOT_MANIFEST for texts in space.groups.values() for text in texts
    }
    for package in space.packages.values():
        if package.is_python:
            where = package.manifest_path
            found |= dict.fromkeys(package.needs, where)
    return found


def pyproject(root: Path) -> Iterator[Finding]:
    """Yield what the root's pyproject.toml is about, and what in it has no effect."""
    try:
        found = toml(text_files.decode((root / ROOT_MANIFEST).read_bytes(), mark=False))
    except MalformedError as error:
        advice = f"{error.fix}, or git restore it"
        yield Finding(ROOT_MANIFEST, error.line, "pyproject.unreadable", error.message, advice)
        return
    except OSError as error:
        message = f"cannot be read ({error.strerror})"
        yield Finding(ROOT_MANIFEST, 0, "pyproject.unreadable", message, "restore it from git")
        return
    project, tool = found.get("project", {}), found.get("tool", {})
    table = project if isinstance(project, dict) else {}
    yield Finding(ROOT_MANIFEST, 0, "pyproject", f"can be read; {_summary(table)}", "", "ok")
    dynamic = table.get("dynamic", [])
    keys = [key for key in _LISTS if key in table or (isinstance(dynamic, list) and key in dynamic)]
    for key in keys:
        message = f"[project] {key}: nothing installs what the root's pyproject.toml lists there"
        advice = f"move it to a package, or to python.packages in {FILE}"
        yield Finding(ROOT_MANIFEST, 0, "pyproject.dependencies", message, advice, "warn")
    if isinstance(tool, dict) and "base" in tool:
        message = "[tool.base] is not supported, and has no effect"
        yield Finding(ROOT_MANIFEST, 0, "pyproject.base", message, "remove it", "warn")


def _summary(project: Mapping[str, object]) -> str:
    """Return name, version and range of Python of [project], each only if it is a valid one."""
    if not project:
        return "it has no [project]"
    name, version = project.get("name"), project.get("version")
    requires = project.get("requires-python")
    words = ["[project]"]
    words += [name] if isinstance(name, str) and manifests.is_name(name) else ["without a name"]
    words += [str(version)] if manifests.is_version(version) else []
    if isinstance(requires, str) and python_versions.is_valid(requires):
        words.append(f"for Python {requires}")
    return " ".join(words)
