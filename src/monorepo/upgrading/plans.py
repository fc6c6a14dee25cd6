"""What an upgrade is about: what each version renders, and which packages follow."""

import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.version import Version

from monorepo.core.workspace import Package, Workspace
from monorepo.layout import places, tree
from monorepo.programs.git import Git
from monorepo.scaffold import kinds
from monorepo.system import text_files
from monorepo.system.errors import UsageError
from monorepo.templating import sub_templates, template
from monorepo.upgrading import records, versions
from monorepo.upgrading.records import Record


@dataclass(frozen=True)
class Followed:
    """A package that follows its sub-template.

    Attributes:
        package: as it is.
        record: what it was made from.
        old: the engine that made it, or "" if the kind is the team's own.
        new: the version that its record gets.
        own: whether the kind is the team's own by now.
    """

    package: Package
    record: Record
    old: str
    new: str
    own: bool


@dataclass
class Plan:
    """Which packages follow, by path; and why others do not."""

    followed: dict[str, Followed] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def plan(
    space: Workspace, target: Version, only: Collection[str], *, everything: bool = False
) -> Plan:
    """Return which packages have something to follow.

    Args:
        space: the repository.
        target: the version that it is brought to.
        only: the paths of those that are to follow; empty for all.
        everything: whether those in step follow as well: an answer of the root is another one.
    """
    made = Plan(left={path: str(problem) for path, problem in space.broken.items()})
    for path, package in space.packages.items():
        try:
            record = records.of_package(package)
            followed = (
                _followed(space, package, record, target, everything=everything) if record else None
            )
        except UsageError as error:
            made.left[path] = str(error.mistakes[0])
            continue
        if followed and only and path not in only:
            made.left[path] = "is not in PKG"
        elif followed and followed.record.keep:
            made.left[path] = f"keep: {followed.record.keep[0]}"
        elif followed:
            made.followed[path] = followed
    return made


def _followed(
    space: Workspace, package: Package, record: Record, target: Version, *, everything: bool
) -> Followed | None:
    """Return what a package has to follow; None if it is in step.

    Raises:
        UsageError: it cannot follow.
    """
    root, kind = space.root, record.kind
    own = (root / sub_templates.TEAMS / kind / sub_templates.QUESTIONS).is_file()
    if not own and not (sub_templates.OURS / kind).is_dir():
        raise UsageError(f"its kind {kind} is not there any longer")
    if not record.version:
        raise UsageError("its record has no version")
    new = kinds.tree(root, kind) if own else str(target)
    if record.version == new and not everything:
        return None
    if own:
        # A broken one stops its own packages alone.
        sub_templates.read(root, kind)
    # The id of a tree, which git has as long as a commit has it.
    if re.fullmatch(r"[0-9a-f]{40,64}", record.version):
        if Git(root).tried("cat-file", "-e", f"{record.version}^{{tree}}")[0]:
            raise UsageError(f"git does not have {sub_templates.TEAMS}/{kind} as it was")
        return Followed(package, record, "", new, own)
    old = versions.number(record.version, "its record")
    if old > target:
        raise UsageError(f"it was made from {old}, which is newer")
    return Followed(package, record, str(old), new, own)


@dataclass(frozen=True)
class Rendering:
    """What one version gives.

    Attributes:
        root: the folder of the tree.
        answers: of the root.
        packages: the answers of each package, by path.
        failed: why a package cannot be rendered, by path.
    """

    root: Path
    answers: Mapping[str, Any]
    packages: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, str]


def render_old(
    space: Workspace, record: Record, followed: Iterable[Followed], work: Path
) -> Rendering:
    """Render what the recorded versions give: of the root, and of each package.

    Raises:
        UsageError, TaskError: a version is nowhere, or cannot render.
    """
    packages = [*followed]
    made: Rendering | None = None
    for version in dict.fromkeys([record.version, *(one.old for one in packages if one.old)]):
        here = [one for one in packages if (one.old or record.version) == version]
        asked = [question(one, _kept_kind(space, one, work), {}) for one in here]
        release = versions.earlier(space.root, version, work)
        engine = versions.unpack(release, work / f"engine-{version}")
        found = rendered(space, engine, record.answers, asked, _new(work / f"old-{version}"))
        if made is None:
            made = found
            continue
        for path in found.packages:
            # The folder is there if its manifest was needed to render others.
            shutil.copytree(found.root / path, made.root / path, symlinks=True, dirs_exist_ok=True)
        made = Rendering(
            made.root,
            made.answers,
            {**made.packages, **found.packages},
            {**made.failed, **found.failed},
        )
    assert made
    return made


def render_new(
    space: Workspace,
    answers: Mapping[str, Any],
    followed: Iterable[Followed],
    given: Mapping[str, Mapping[str, str]],
    work: Path,
) -> Rendering:
    """Render what the running version gives.

    Args:
        space: the repository.
        answers: of the root.
        followed: the packages.
        given: new answers, by the path of the package.
        work: an empty folder.

    Raises:
        UsageError, TaskError: it cannot render.
    """
    asked = []
    for one in followed:
        own = space.root / sub_templates.TEAMS / one.record.kind if one.own else None
        asked.append(question(one, own, given.get(one.package.path, {})))
    return rendered(space, template.ENGINE.parent, answers, asked, _new(work / "new"))


def rendered(
    space: Workspace,
    engine: Path,
    answers: Mapping[str, Any],
    packages: list[dict[str, Any]],
    out: Path,
) -> Rendering:
    """Return what an engine renders.

    Args:
        space: the repository.
        engine: the folder of the engine, unpacked.
        answers: of the root.
        packages: as `question` returns them.
        out: an empty folder.

    Raises:
        UsageError, TaskError: it cannot.
    """
    asked = {package["path"] for package in packages}
    # A template is about the grouped layout; what it gives is moved as the packages were.
    manifests = {
        f"{package.grouped}/{package.language.manifest}": text_files.read(
            space.root, package.manifest_path
        )
        for package in space.packages.values()
        if package.grouped not in asked
    }
    wanted = {
        "wheel": False,
        "out": str(out),
        "answers": dict(answers),
        "packages": packages,
        "manifests": manifests,
    }
    found = versions.ask(engine, wanted)
    root = Path(found["root"])
    for place in manifests:
        (root / place).unlink(missing_ok=True)
    moves = places.of_flat(space)
    if moves:
        moving = tree.Moving.of(places.view(space), moves)
        tree.move(root, moving, tree.files_of(root), space.root)
    made, failed = (
        {moves.get(path, path): one for path, one in found[key].items()}
        for key in ("packages", "failed")
    )
    return Rendering(root, found["answers"], made, failed)


def question(one: Followed, folder: Path | None, given: Mapping[str, str]) -> dict[str, Any]:
    """Return what is asked for about a package; see `rendering.render`.

    Args:
        one: the package.
        folder: of its kind, if that is the team's own.
        given: new answers.
    """
    port = one.package.settings.get("port")
    return {
        "path": one.package.grouped,
        "kind": one.record.kind,
        "answers": {**one.record.answers, **given},
        "dependencies": [*one.record.dependencies],
        "port": port if isinstance(port, int) else None,
        "folder": str(folder) if folder else None,
    }


def _kept_kind(space: Workspace, one: Followed, work: Path) -> Path | None:
    """Return the folder of a kind of the team's own, as it was; None for one of ours."""
    if one.old:
        return None
    folder = work / f"kind-{one.record.version}"
    if not folder.exists():
        Git(space.root).extract(one.record.version, folder)
    return folder


def questions(space: Workspace, followed: Iterable[Followed]) -> dict[str, set[str]]:
    """Return what the kinds of packages ask by now, by the path of the package."""
    return {
        one.package.path: {
            key for key in sub_templates.read(space.root, one.record.kind) if key[0] != "_"
        }
        for one in followed
    }


def given(
    words: Mapping[str, str], root: Collection[str], packages: Mapping[str, Collection[str]]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return which answers of SET are about the root, and which about packages, by path.

    Raises:
        UsageError: an answer has no question.
    """
    unknown = [
        f"SET={key}: is no question of the template, nor of a package that follows; leave it out"
        for key in words
        if key not in root and not any(key in asked for asked in packages.values())
    ]
    if unknown:
        raise UsageError(*unknown)
    mine = {key: value for key, value in words.items() if key in root}
    others = {key: value for key, value in words.items() if key not in root}
    return mine, {
        path: {key: value for key, value in others.items() if key in asked}
        for path, asked in packages.items()
    }


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
