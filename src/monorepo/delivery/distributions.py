"""Build the distributions of a Python package, from a copy of its folder.

From a copy, because setuptools would include files that an earlier build recorded. The bytes of a
wheel depend on the files, the pins and the Python alone: neither on the time, nor on the place, nor
on the umask.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from monorepo.core.hashes import HASHES
from monorepo.core.workspace import PRIVATE, Package, Workspace, requirement, toml
from monorepo.programs import uv
from monorepo.system import folders, text_files
from monorepo.system.errors import UsageError
from monorepo.templating.jinja_filters import quote

# What is generated in the folder of a package.
_OUTPUTS = {".venv", ".nox", "dist", "build", "htmlcov"}
# A fixed date (SOURCE_DATE_EPOCH, see reproducible-builds.org) and not that of a commit: while its
# sources are unchanged, a wheel stays the same, and with it the layer of an image.
_REPRODUCIBLE = ("sh", "-c", 'umask 022; SOURCE_DATE_EPOCH=1580601600 exec "$@"', "sh")


def replace(space: Workspace, package: Package, python: object) -> None:
    """Build the wheel and the sdist of a package into its `dist`, in place of what is there.

    Raises:
        TaskError: the build failed, and `dist` is as it was.
        UsageError: as `build` does, or `dist` is a link.
    """
    final = text_files.unlinked(space.root, f"{package.path}/dist")
    with tempfile.TemporaryDirectory(prefix="dist-") as place:
        build(space, package, python, Path(place))
        shutil.rmtree(final, ignore_errors=True)
        final.mkdir()
        for file in Path(place).iterdir():
            shutil.move(file, final)


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
            written = written.replace(literal, quote(ranged))
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
