"""Build the distributions of a Python package, from a copy of its folder.

From a copy, because setuptools would include files that an earlier build recorded. The bytes of a
wheel depend on the files, the pins and the Python alone: neither on the time, nor on the place, nor
on the umask.
"""

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from monorepo.core.hashes import HASHES
from monorepo.core.workspace import PRIVATE, Package, Workspace, requirement, toml
from monorepo.programs import uv
from monorepo.system import folders, text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import held
from monorepo.system.text_files import MalformedError
from monorepo.templating.jinja_filters import quote

# What is generated in the folder of a package.
_BUILD = "build"
_OUTPUTS = {".venv", ".nox", "dist", _BUILD, "htmlcov"}
# A fixed date (SOURCE_DATE_EPOCH, see reproducible-builds.org) and not that of a commit: while its
# sources are unchanged, a wheel stays the same, and with it the layer of an image.
_REPRODUCIBLE = ("sh", "-c", 'umask 022; SOURCE_DATE_EPOCH=1580601600 exec "$@"', "sh")


def replace(space: Workspace, package: Package, python: object) -> None:
    """Build the wheel and the sdist of a package into its `dist`, in place of what is there.

    Raises:
        TaskError: the build failed, and `dist` is as it was.
        UsageError: as `build` does, or `dist` is a link.
    """
    text_files.unlinked(space.root, f"{package.path}/dist")
    text_files.unlinked(space.root, f"{package.path}/{_BUILD}")
    with replacing(package, "dist") as folder:
        build(space, package, python, folder)


@contextlib.contextmanager
def replacing(package: Package, path: str) -> Iterator[Path]:
    """Yield an empty folder, which takes the place of the one at `path` if nothing fails."""
    final, around = package.folder / path, package.folder / _BUILD
    around.mkdir(exist_ok=True)
    prefix = f".{final.name}-"
    # What cannot be removed, the next run removes.
    aside = tempfile.TemporaryDirectory(prefix=prefix, dir=around, ignore_cleanup_errors=True)
    with held(around), aside as place:
        for left in around.glob(f"{prefix}*"):
            # A killed command has left it.
            if left != Path(place):
                shutil.rmtree(left)
        new, old = Path(place, "new"), Path(place, "old")
        new.mkdir()
        yield new
        if final.exists():
            final.rename(old)
        try:
            new.rename(final)
        except BaseException:
            if old.exists():
                old.rename(final)
            raise


def build(
    space: Workspace, package: Package, python: object, out: Path, *, sdist: bool = True
) -> None:
    """Build the wheel of a package into `out`, and its sdist.

    The distributions of a published package require compatible versions of internal packages, and
    not any version, as the manifest does.

    Args:
        space: the repository.
        package: a Python package.
        python: the interpreter that runs the build.
        out: a folder.
        sdist: whether to build the sdist as well, and the wheel from it.

    Raises:
        TaskError: the build failed; the message has its output.
        UsageError: the package is published, and requires an internal one that is not.
    """
    manifest = published_manifest(space, package) if package.is_published else ""
    with tempfile.TemporaryDirectory(prefix="build-") as place:
        copy = Path(place) / "package"
        ignore = partial(_generated, package.folder)
        folders.copy(package.folder, copy, ignore)
        # Distributions contain the licence of the repository, unless the package has its own.
        if not (copy / "LICENSE").exists() and (space.root / "LICENSE").exists():
            folders.copy_file(space.root / "LICENSE", copy / "LICENSE")
        if manifest:
            (copy / "pyproject.toml").write_text(manifest, encoding="utf-8")
        command = [uv.program(space.root), "build", "--python", python]
        command += ["--require-hashes", "--build-constraints", HASHES]
        command += ["--out-dir", out, "--no-create-gitignore"]
        command += [copy] if sdist else ["--wheel", copy]
        uv.install([*_REPRODUCIBLE, *command], space.root, f"build: {package.path}")


def _generated(top: Path, folder: str, names: list[str]) -> set[str]:
    """Return the names in a folder of the package at `top` that are not copied."""
    made = {name for name in names if name == "__pycache__" or name.endswith(".egg-info")}
    return made | (_OUTPUTS if Path(folder) == top else set())


def published_manifest(space: Workspace, package: Package) -> str:
    """Return the pyproject.toml of a published package with ranges for internal requirements.

    Requirements that have a range keep it.

    Raises:
        UsageError: an internal package is not published, or its version is not static; or the
            manifest writes a requirement in a way that cannot be replaced.
    """
    path = f"{package.path}/pyproject.toml"
    texts = [*package.requirements(package.extras)]
    ranges, mistakes = {}, []
    for text in texts:
        needed = space.by_name.get(requirement(text).name)
        if needed is None or needed is package:
            continue
        if not needed.is_published:
            fix = f"publish it as well: remove its classifier {PRIVATE}"
            mistakes.append(f"{path}: {text}: {needed.path} is not published; {fix}")
            continue
        parsed = Requirement(text)
        if not parsed.specifier:
            parsed.specifier = compatible(needed)
            ranges[text] = str(parsed)
    if mistakes:
        raise UsageError(*dict.fromkeys(mistakes))
    return with_requirements(package, text_files.read(space.root, path), ranges)


def with_requirements(package: Package, manifest: str, ranges: Mapping[str, str]) -> str:
    """Return the text of a package's pyproject.toml with requirements in place of others.

    Args:
        package: a Python package.
        manifest: the text.
        ranges: the new requirements by the old ones, as they are written.

    Raises:
        UsageError: the text writes a requirement in a way that cannot be replaced.
    """
    written = manifest
    for text, ranged in ranges.items():
        for literal in (quote(text), f"'{text}'"):
            written = _replaced(written, literal, quote(ranged))
    before, after = (
        {*parsed.requirements(parsed.extras, parsed.groups)}
        for parsed in (
            dataclasses.replace(package, manifest=toml(text)) for text in (manifest, written)
        )
    )
    if after != {ranges.get(text, text) for text in before}:
        what = "requires internal packages in an unusual notation"
        fix = "write each as a plain string without escapes"
        raise UsageError(f"{package.path}/pyproject.toml: {what}; {fix}")
    return written


def _replaced(manifest: str, old: str, new: str) -> str:
    """Return a manifest with a literal in place of another one, wherever that is a requirement."""
    at = manifest.find(old)
    while at >= 0:
        changed = manifest[:at] + new + manifest[at + len(old) :]
        with contextlib.suppress(MalformedError):
            before, after = toml(manifest), toml(changed)
            if before != after and _besides_requirements(before) == _besides_requirements(after):
                manifest, at = changed, at + len(new) - len(old)
        at = manifest.find(old, at + len(old))
    return manifest


def _besides_requirements(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest without its requirements, but with the names of its extras and groups."""
    project, groups = manifest["project"], manifest.get("dependency-groups", {})
    extras = [*project.get("optional-dependencies", {})]
    included = {
        name: [entry for entry in entries if not isinstance(entry, str)]
        for name, entries in groups.items()
    }
    bare = {**project, "dependencies": [], "optional-dependencies": extras}
    return {**manifest, "project": bare, "dependency-groups": included}


def compatible(package: Package) -> SpecifierSet:
    """Return the versions of a package that are compatible with its present one.

    They end before the next major version, and before the next minor one of 0.x (as a caret does in
    npm; Semantic Versioning, 4).

    Raises:
        UsageError: its manifest has no static version.
    """
    try:
        version = Version(package.version)
    except InvalidVersion:
        path = f"{package.path}/pyproject.toml"
        raise UsageError(f"{path}: has no static version; write one, such as 0.1.0") from None
    above = f"{version.major + 1}" if version.major else f"0.{version.minor + 1}"
    return SpecifierSet(f">={version},<{above}")
