"""Prepare a release of a published package: its version, its changelog, and what depends on it.

towncrier makes the section of the changelog from the package's fragments, and writes nothing
itself, so that all files change in one transaction. The commit and the tag are left to people.
"""

import dataclasses
import posixpath
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from monorepo.core import naming
from monorepo.core.languages import Language
from monorepo.core.naming import fold
from monorepo.core.workspace import (
    NODE_GROUPS,
    PRIVATE,
    Package,
    Workspace,
    requirement,
    toml,
)
from monorepo.delivery import distributions, release_workflow
from monorepo.environments import node, program
from monorepo.locking import pnpm_locks, projects
from monorepo.parsing import data_formats, pnpm_lockfile
from monorepo.programs.git import Git
from monorepo.syncing import following
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.system.subprocesses import reason, show
from monorepo.system.text_files import MalformedError
from monorepo.system.transaction import begin

GROUP = "release"
# What moves the version, in the words of Semantic Versioning.
PARTS = ("major", "minor", "patch")
CHANGELOG, FRAGMENTS = "CHANGELOG.md", "newsfragments"
_SETTINGS = f"""\
[tool.towncrier]
directory = "{FRAGMENTS}"
filename = "{CHANGELOG}"
title_format = "## {{version}} ({{project_date}})"
"""
# Semantic Versioning 2, without leading zeros, as npm has it: three numbers and a pre-release.
_NUMBER = r"(0|[1-9]\d*)"
_SEMANTIC = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
# What precedes the range of an internal npm package, and the ranges that any version is in.
_WORKSPACE, _ANY = "workspace:", {"", "*", "^", "~"}
# npm compares this with where a package was built; publint knows no shorthand of it.
_ADDRESS = re.compile(r"(git\+)?https://\S+")
# The types of fragments that it knows, and the files that it ignores, in lower case.
_TYPES = ("feature", "bugfix", "doc", "removal", "misc")
_IGNORED = {".gitignore", ".gitkeep", ".keep", "readme", "readme.md", "readme.rst"}


def prepare(space: Workspace, package: Package, part: str, *, dry_run: bool = False) -> list[str]:
    """Write all files of the next version of a package; or show the changes.

    Args:
        space: the repository, all of whose manifests can be read.
        package: the package.
        part: what moves its version, one of PARTS.
        dry_run: whether to only show the changes.

    Returns:
        A line for each file, and the next steps; or the changes.

    Raises:
        TaskError: git fails, or towncrier cannot be installed.
        UsageError: the package cannot be released as it is; nothing has changed.
    """
    if mistakes := [*_unfit(package, part)]:
        raise UsageError(*mistakes)
    version = bumped(package, part)
    # What the build or the index would refuse is refused before there is a tag.
    if package.is_javascript:
        if mistakes := [*_unpublishable(space, package)]:
            raise UsageError(*mistakes)
        manifests = _node_manifests(space, package, version)
    else:
        distributions.published_manifest(space, package)
        manifests = _manifests(space, package, version)
    manifests |= following.follow(space.root, manifests)
    names = _news(package)
    locks = (f"{project.path}/{projects.LOCK}" for project in projects.needing(space, package))
    paths = [package.path, *manifests, *locks]
    if mistakes := [*_unready(package, version, paths), *_strays(package, names)]:
        raise UsageError(*mistakes)
    fragments = [f"{package.path}/{FRAGMENTS}/{name}" for name in names]
    section = _section(space, package, version)
    with begin(space.root, dry_run=dry_run) as change:
        news, workflow = f"{package.path}/{CHANGELOG}", release_workflow.PATH
        texts = {**manifests, **projects.relock(space, package, manifests, change.stage())}
        is_first = not change.read(news)
        texts[news] = with_section(change.read(news), section)
        if not (publishing := change.read(workflow)):
            here = {Language.PYTHON: space.has_python, Language.JAVASCRIPT: space.has_javascript}
            languages = [one for one in here if here[one] or one is package.language]
            publishing = release_workflow.text(str(space.facts["python"]), languages)
            texts[workflow] = publishing
        for path, text in texts.items():
            change.write(path, text)
        for path in fragments:
            change.remove(path)
        if dry_run:
            return change.describe()
        change.commit()
    return [
        *(f"wrote {path}" for path in texts),
        *(f"removed {path}" for path in fragments),
        *_next_steps(package, version, [*texts, *fragments]),
        *_before_the_push(package, publishing, is_first=is_first),
    ]


def _unfit(package: Package, part: str) -> Iterator[str]:
    """Yield why a package is not released, or not as a version of that kind: one line each."""
    if part not in PARTS:
        what = f"{naming.show(part)} is no part of a version" if part else "is not given"
        yield f"BUMP: {what}; give {', '.join(PARTS[:-1])} or {PARTS[-1]}"
    if not package.is_published:
        mark = 'its "private"' if package.is_javascript else f"its classifier {PRIVATE}"
        yield f"{package.manifest_path}: is private; remove {mark} if it is to be published"


def _unpublishable(space: Workspace, package: Package) -> Iterator[str]:
    """Yield why npm would not take a published package, or its users not get it: one line each."""
    place, table = package.manifest_path, package.manifest
    for group in NODE_GROUPS:
        for name in table.get(group, {}) if group != "devDependencies" else ():
            needed = space.named(name)
            if needed and not needed.is_published:
                fix = f'publish it as well: remove "private" from {needed.manifest_path}'
                yield f"{place}: {group}.{name}: {needed.path} is not published; {fix}"
    if data_formats.table(table, "publishConfig").get("access") != "public":
        fix = "write it, and everybody can see the package, as npm's provenance requires"
        yield f'{place}: publishConfig has no "access": "public"; {fix}'
    repository = table.get("repository")
    url = repository.get("url") if isinstance(repository, dict) else repository
    if not _ADDRESS.match(str(url)):
        fix = "write where it was built, such as git+https://github.com/acme/platform.git"
        yield f"{place}: repository.url is not the address of this repository; {fix}"


def _unready(package: Package, version: str, paths: Iterable[str]) -> Iterator[str]:
    """Yield why git is not ready for a version that changes files at `paths`: one line each."""
    git, tag = Git(package.root), _tag(package, version)
    for path in git.uncommitted(*paths):
        yield f"{path}: is not committed; commit or stash it first"
    if not git.tried("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}")[0]:
        fix = f"write the newest version into {package.manifest_path}"
        yield f"{tag}: is a tag already; {fix}"


def tagged(space: Workspace, tag: str) -> Package:
    """Return the package whose present version a tag names.

    Raises:
        UsageError: there is none, or it is private.
    """
    for package in space.packages.values():
        if tag == _tag(package, package.version):
            if package.is_published:
                return package
            what = f"is private, and {tag} would publish it; remove the tag"
            raise UsageError(f"{package.manifest_path}: {what}")
    fix = "tag the commit that make release prepared"
    raise UsageError(f"TAG: {naming.show(tag)} names no package in its present version; {fix}")


def _tag(package: Package, version: str) -> str:
    return f"{package.name}-v{version}"


def bumped(package: Package, part: str) -> str:
    """Return the next version of a package.

    A pre-release becomes the release that it is for, if that is such a version (as `inc` of
    node-semver has it): 2.0.0rc1 becomes 2.0.0 by `major`, `minor` and `patch`.

    Raises:
        UsageError: its version is not static, or has an epoch.
    """
    found = _semantic(package.version) if package.is_javascript else _released(package.version)
    if found is None:
        what = "has no static version of the form 1.4.0"
        raise UsageError(f"{package.manifest_path}: {what}; write one")
    numbers, is_prerelease = found
    place = PARTS.index(part)
    if not is_prerelease or any(numbers[place + 1 :]):
        numbers = [*numbers[:place], numbers[place] + 1, *[0] * (2 - place)]
    return ".".join(map(str, numbers[:3]))


def _released(text: str) -> tuple[list[int], bool] | None:
    """Return the numbers of a version, and whether it is a pre-release (PEP 440).

    There are none if it has an epoch, or is no version.
    """
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    numbers = [version.major, version.minor, version.micro, *version.release[3:]]
    return None if version.epoch else (numbers, version.is_prerelease)


def _semantic(text: str) -> tuple[list[int], bool] | None:
    """Return the numbers of a version, and whether it is a pre-release (Semantic Versioning 2)."""
    found = _SEMANTIC.fullmatch(text)
    return ([int(found[number]) for number in (1, 2, 3)], bool(found[4])) if found else None


def _manifests(space: Workspace, package: Package, version: str) -> dict[str, str]:
    """Return the manifests that a new version of a package changes: its own, and its dependents'.

    A dependent follows if the range that it declares excludes the new version: here, it is
    installed with no other.
    """
    path = f"{package.path}/pyproject.toml"
    found = {path: _with_version(package, text_files.read(space.root, path), version)}
    allowed = distributions.compatible(dataclasses.replace(package, manifest=toml(found[path])))
    for other in space.packages.values():
        ranges = {}
        for text in other.requirements(other.extras, other.groups) if other.is_python else ():
            if requirement(text).name == fold(package.name):
                parsed = Requirement(text)
                if not parsed.specifier.contains(version, prereleases=True):
                    parsed.specifier = allowed
                    ranges[text] = str(parsed)
        if ranges:
            path = f"{other.path}/pyproject.toml"
            manifest = found.get(path) or text_files.read(space.root, path)
            found[path] = distributions.with_requirements(other, manifest, ranges)
    return found


def _with_version(package: Package, manifest: str, version: str) -> str:
    """Return the text of a pyproject.toml with another version.

    Raises:
        UsageError: it writes the version in a way that cannot be replaced.
    """
    # A line of the table, before the next table.
    line = re.compile(
        r"""(^\[project\](?:.*\n(?!\[))*?version *= *)(["'])[^"'\n]+\2""", re.MULTILINE
    )
    written = line.sub(rf"\g<1>\g<2>{version}\g<2>", manifest, count=1)
    before = toml(manifest)
    if toml(written) != {**before, "project": {**before["project"], "version": version}}:
        what = "writes the version in an unusual notation"
        fix = f'write version = "{package.version}" on a line of [project]'
        raise UsageError(f"{package.path}/pyproject.toml: {what}; {fix}")
    return written


def _node_manifests(space: Workspace, package: Package, version: str) -> dict[str, str]:
    """Return what a new version of an npm package changes: manifests as in Python, and the lock."""
    path, lock = package.manifest_path, pnpm_locks.LOCK
    text = text_files.read(space.root, path)
    found = {path: _with_string(path, text, ["version"], version)}
    asked = [
        (importer, group, wanted)
        for importer, manifest in pnpm_locks.importers(space).items()
        for group in NODE_GROUPS
        for name, wanted in data_formats.table(manifest, group).items()
        if name == package.name and wanted.startswith(_WORKSPACE)
    ]
    ranges = {wanted.removeprefix(_WORKSPACE) for *_, wanted in asked}
    excluding = node.excluding(space.root, version, ranges - _ANY)
    new = f"{_WORKSPACE}^{version}"
    for importer, group, wanted in asked:
        if wanted.removeprefix(_WORKSPACE) in excluding:
            path = posixpath.normpath(f"{importer}/package.json")
            text = found.get(path) or text_files.read(space.root, path)
            found[path] = _with_string(path, text, [group, package.name], new)
            locked = pnpm_lockfile.parse(found.get(lock) or text_files.read(space.root, lock))
            locked = pnpm_lockfile.with_specifier(locked, importer, package.name, wanted, new)
            found[lock] = str(locked)
    return found


def _with_string(path: str, text: str, keys: Sequence[str], value: str) -> str:
    try:
        return data_formats.with_string(text, keys, value)
    except MalformedError as error:
        raise error.of(path) from error


def _news(package: Package) -> list[str]:
    """Return the names of the files that say what has changed in a package."""
    folder = package.folder / FRAGMENTS
    files = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    return [name for name in files if name.lower() not in _IGNORED]


def _strays(package: Package, names: Sequence[str]) -> Iterator[str]:
    """Yield that there are no fragments, or which files towncrier would leave out."""
    place = f"{package.path}/{FRAGMENTS}"
    if not names:
        fix = f"write what has changed into a file such as {FRAGMENTS}/12.feature.md"
        yield f"{place}: has no fragments; {fix}"
    for name in names:
        if not {*name.split(".")[1:]} & {*_TYPES}:
            fix = f"name it <issue>.<type>.md, with one of the types {', '.join(_TYPES)}"
            yield f"{place}/{name}: is no fragment; {fix}"


def _section(space: Workspace, package: Package, version: str) -> str:
    """Return the section of the changelog that towncrier makes of the fragments.

    Raises:
        TaskError: towncrier cannot be installed.
        UsageError: it refuses the fragments.
    """
    environment = program.install(space, GROUP, "towncrier")
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "towncrier.toml")
        settings.write_text(_SETTINGS, encoding="utf-8")
        command = [str(environment.python), "-I", "-X", "utf8", "-m", "towncrier", "build"]
        # It would write in place, and as the last step remove the fragments.
        command += ["--draft", f"--config={settings}", f"--dir={package.folder}"]
        command += [f"--version={version}", f"--date={datetime.now(UTC).date()}"]
        show(command, space.root)
        done = subprocess.run(
            command, cwd=space.root, capture_output=True, encoding="utf-8", check=False
        )
    if done.returncode:
        what = f"towncrier refuses the fragments ({reason(done.stderr)})"
        raise UsageError(f"{package.path}/{FRAGMENTS}: {what}; correct them")
    return done.stdout.strip()


def with_section(changelog: str, section: str) -> str:
    """Return the text of a changelog with a section above all others."""
    head, heading, sections = (changelog or "# Changelog\n").partition("\n## ")
    return f"{head.rstrip()}\n\n{section}\n{heading}{sections}"


def _next_steps(package: Package, version: str, paths: Sequence[str]) -> Iterator[str]:
    """Yield what is left to people."""
    tag, message = _tag(package, version), f"release: {package.name} {version}"
    yield "next:"
    yield f"  {shlex.join(['git', 'add', '--', *paths])}"
    yield f"  {shlex.join(['git', 'commit', '--message', message])}"
    yield f"  git tag {tag}"
    yield f"  git push --atomic origin HEAD {tag}"
    yield "only this clone was searched for the tag: if origin has it, it refuses all of that push"


def _before_the_push(package: Package, workflow: str, *, is_first: bool) -> Iterator[str]:
    """Yield what has to be done elsewhere before the tag is pushed."""
    language = package.language
    if not release_workflow.publishes(workflow, language):
        what = f"has no {release_workflow.PUBLISHES[language]}, so nothing publishes {package.name}"
        yield f"before the push: {release_workflow.PATH} {what}; add that job"
    if is_first:
        environment = release_workflow.ENVIRONMENTS[language]
        if package.is_javascript:
            what = f"npm has to have {package.name}: if it has none, publish an older one by hand"
            yield f"before the first push: {what}"
        what = f"has to know the workflow release.yml and its environment {environment}"
        index = "npm" if package.is_javascript else "the index"
        yield f"before the first push: {index} {what} as a trusted publisher of {package.name}"
