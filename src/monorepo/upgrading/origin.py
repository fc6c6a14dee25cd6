"""Find what a repository was made from that does not record it: by comparing renderings."""

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from monorepo.core.workspace import Workspace
from monorepo.programs.git import Git
from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import say
from monorepo.templating import sub_templates
from monorepo.upgrading import plans, versions
from monorepo.upgrading.merge import Base
from monorepo.upgrading.plans import Followed, Plan, Rendering
from monorepo.upgrading.records import Record

# Before 0.2, the template had no version and its engine was source.
_BEFORE = "0.1.0"
_OLD = """\
import sys
folder, site = sys.argv[1:]
sys.path.insert(0, folder)
sys.path.append(site)
sys.argv[1:] = []
from hooks import new
sys.exit(new.main())
"""


@dataclass(frozen=True)
class Candidate:
    """Something that a repository may have been made from.

    Attributes:
        name: for people.
        version: that it has.
        engine: the folder of its engine, if it is a distribution.
        template: the folder of its template, if not.
    """

    name: str
    version: str
    engine: Path | None
    template: Path | None


def find(
    space: Workspace, origin: str, answers: Mapping[str, str], target: Version, work: Path
) -> Base:
    """Return the version that renders most files as a repository has them; say how many.

    Args:
        space: the repository.
        origin: the path of a wheel; or that of a clone of the template, and after an @ a commit or
            a range of commits of it.
        answers: to the questions of the template.
        target: the version that the repository is brought to.
        work: an empty folder.

    Raises:
        UsageError: there is no such wheel or clone, or nothing in it renders.
    """
    packages = _followed(space, str(target), str(target))
    answers = {**answers, "packages": " ".join(packages)}
    best: tuple[int, Candidate, Rendering] | None = None
    for number, candidate in enumerate(_candidates(origin, work)):
        out = work / f"candidate-{number}"
        out.mkdir()
        try:
            made = _rendered(space, candidate, answers, out)
        except (UsageError, TaskError) as error:
            say(f"upgrade: {candidate.name}: does not render: {error}".splitlines()[0])
            continue
        files = [path for path in made.root.rglob("*") if path.is_file() and not path.is_symlink()]
        same = sum(_is_same(space.root / path.relative_to(made.root), path) for path in files)
        say(f"upgrade: {candidate.name}: {same} of {len(files)} files are as it renders them")
        if best is None or same > best[0]:
            best = same, candidate, made
    if best is None:
        raise UsageError(
            f"FROM={origin}: nothing there renders; name an earlier commit, or a wheel"
        )
    _, candidate, made = best
    say(f"upgrade: taking {candidate.name}, which has most files as they are here")
    record = Record(candidate.version, {**answers, **made.answers})
    return Base(record, made, Plan(_followed(space, candidate.version, str(target))))


def _followed(space: Workspace, old: str, new: str) -> dict[str, Followed]:
    """Return all packages with the default kinds of their folders, by path."""
    return {
        path: Followed(package, Record(old, {}, kind=kind), old, new, own=False)
        for path, package in space.packages.items()
        if (kind := sub_templates.kind(space.root, package.grouped))
    }


def _candidates(origin: str, work: Path) -> Iterator[Candidate]:
    """Yield what `origin` names, the newest first."""
    if origin.endswith(".whl"):
        release = versions.read(Path(origin).absolute())
        unpacked = versions.unpack(release, work / "origin")
        yield Candidate(release.wheel.name, str(release.version), unpacked, None)
        return
    place, _, revisions = origin.rpartition("@")
    if not place or Path(origin).is_dir():
        place, revisions = origin, ""
    clone = Git(Path(place).absolute())
    if not clone.root.is_dir() or clone.tried("rev-parse", "--git-dir")[0]:
        raise UsageError(f"FROM={origin}: is no wheel and no clone of the template; correct it")
    one = [] if not revisions or ".." in revisions else ["-1"]
    words = ["log", *one, "--first-parent", "--format=%H"]
    code, said, _ = clone.tried(*words, "--end-of-options", revisions or "HEAD", "--")
    if code or not said:
        raise UsageError(f"FROM={origin}: the clone has no such commit; fetch it, or correct it")
    for commit in said.decode().split():
        folder = work / f"template-{commit}"
        clone.extract(commit, folder)
        engine = folder / "src" if (folder / "src/monorepo").is_dir() else None
        manifest = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        version = str(manifest["project"]["version"]) if engine else _BEFORE
        yield Candidate(f"commit {commit[:10]}", version, engine, None if engine else folder)


def _rendered(
    space: Workspace, candidate: Candidate, answers: Mapping[str, str], out: Path
) -> Rendering:
    """Return what a candidate gives, with the packages that there are."""
    packages = _followed(space, candidate.version, candidate.version)
    if candidate.engine:
        asked = [plans.question(one, None, {}) for one in packages.values()]
        return plans.rendered(space, candidate.engine, answers, asked, out)
    assert candidate.template
    given = shlex.join(["--no-input", *(f"{key}={value}" for key, value in answers.items())])
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _OLD, str(candidate.template)]
    done = subprocess.run(
        [*command, str(versions.site_packages())],
        cwd=candidate.template,
        env={**os.environ, "OUT": str(out), "ANSWERS": given},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise TaskError(" ".join(done.stderr.split()) or "it fails")
    root = next(path for path in out.iterdir())
    shutil.rmtree(root / ".git")
    return Rendering(root, {}, {path: {} for path in packages}, {})


def _is_same(file: Path, other: Path) -> bool:
    """Tell whether a file has the content of another one."""
    return file.is_file() and file.read_bytes() == other.read_bytes()
