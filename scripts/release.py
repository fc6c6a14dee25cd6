"""`make release VERSION=1.4.0`: commit, build and tag a release of the template, all or nothing.

Everything is made aside, in a worktree of git's; the wheel is built from what is committed there,
so nothing that git does not have gets into it. Then dist, the tag and the branch take it over, and
the first that fails takes back those before it.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import InvalidVersion, Version

from monorepo.core import naming
from monorepo.system.errors import TaskError, UsageError
from monorepo.templating import template
from monorepo.templating.changelog import CHANGELOG, UNRELEASED, sections
from scripts.wheel import DIST, SUMS

ROOT = template.TEMPLATE
BRANCH = "main"
MANIFEST = "pyproject.toml"


def main() -> int:
    """Make the release that VERSION names; return the exit code."""
    # Terminated, it takes back what it did, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    version = os.environ.get("VERSION", "")
    try:
        if mistakes := [*wrong_version(version), *wrong_repository(version)]:
            raise UsageError(*mistakes)
        release(version)
    except UsageError as error:
        print(*(f"release: {line}" for line in error.mistakes), sep="\n", file=sys.stderr)
        return 2
    except (OSError, TaskError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"released {version}: a commit of {BRANCH}, the tag v{version}, and {DIST}")
    print(f"to publish it: git push --atomic origin {BRANCH} v{version}")
    print(f"to take it back before: git tag -d v{version} && git reset --keep HEAD~")
    return 0


def wrong_version(version: str) -> Iterator[str]:
    """Yield why a text cannot be the next version (PEP 440)."""
    shown = f"VERSION={naming.show(version)}"
    try:
        parsed = Version(version)
    except InvalidVersion:
        yield f"{shown}: is no version; give one such as 1.4.0"
        return
    if str(parsed) != version:
        yield f"{shown}: is not in its normal form; write {parsed}"
    if parsed.local or parsed.epoch:
        yield f"{shown}: has a local part or an epoch; leave it out"
    current = tomllib.loads((ROOT / MANIFEST).read_text(encoding="utf-8"))["project"]["version"]
    if parsed <= Version(current):
        yield f"{shown}: is not newer than {current}; give a newer one"


def wrong_repository(version: str) -> Iterator[str]:
    """Yield why the repository, as it is, cannot become a release."""
    if git(ROOT, "status", "--porcelain", "--untracked-files=normal"):
        yield f"{ROOT}: has changes that are not committed; commit or stash them"
    branch = git(ROOT, "branch", "--show-current").strip()
    if branch != BRANCH:
        where = f"on {naming.show(branch)}" if branch else "on no branch"
        yield f"{ROOT}: is {where}; git switch {BRANCH}"
    tags = git(ROOT, "tag", "--list").splitlines()
    if f"v{version}" in tags:
        yield f"v{version}: is a tag already; give another VERSION"
    if UNRELEASED not in sections((ROOT / CHANGELOG).read_text(encoding="utf-8")):
        yield f"{CHANGELOG}: has nothing under {UNRELEASED}; write what has changed"


def release(version: str) -> None:
    """Make the release, or leave everything as it was.

    Raises:
        OSError: a file cannot be read or written.
        TaskError: git or the build failed.
    """
    tag = f"v{version}"
    with ExitStack() as clean, ExitStack() as undo:
        # Where dist can be renamed to and from, and git sees no change.
        place = git(ROOT, "rev-parse", "--absolute-git-dir").strip()
        aside = Path(clean.enter_context(tempfile.TemporaryDirectory(prefix="release-", dir=place)))
        tree, old, dist = aside / "tree", aside / "old", ROOT / DIST
        start = git(ROOT, "rev-parse", "HEAD").strip()
        git(ROOT, "worktree", "add", "--quiet", "--detach", tree, start)
        # Not `prune`, which forgets worktrees on a disk that is not there at the moment, too.
        clean.callback(git, ROOT, "worktree", "remove", "--force", tree)

        replace(tree / MANIFEST, r'(?<=^version = )".*"$', f'"{version}"')
        heading = f"## {version} \N{EN DASH} {datetime.now(UTC).date()}"
        replace(tree / CHANGELOG, rf"(?<=^## {UNRELEASED}$)", f"\n\n{heading}")
        git(tree, "commit", "--quiet", "--all", "--message", f"release: {version}")
        run(tree, "env", "PYTHONPATH=.:src", sys.executable, "-B", "-m", "scripts.wheel")

        if os.path.lexists(dist):
            dist.rename(old)
            undo.callback(old.rename, dist)
        (tree / DIST).rename(dist)
        undo.callback(dist.rename, tree / DIST)
        message = f"{version}\n\n{(dist / SUMS).read_text(encoding='utf-8')}"
        commit = git(tree, "rev-parse", "HEAD").strip()
        # Each does nothing if there is nothing to take back, as when Ctrl-C comes first.
        undo.callback(git, ROOT, "update-ref", "-d", f"refs/tags/{tag}")
        git(ROOT, "tag", "--annotate", "--message", message, tag, commit)
        undo.callback(git, ROOT, "read-tree", "-m", "-u", commit, start)
        git(ROOT, "read-tree", "-m", "-u", start, commit)
        # What comes last is done or not; a signal must not leave that open.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        git(ROOT, "update-ref", "-m", f"release: {version}", f"refs/heads/{BRANCH}", commit, start)
        undo.pop_all()


def replace(file: Path, pattern: str, text: str) -> None:
    """Put `text` where the pattern matches in a file, once.

    Raises:
        TaskError: it does not match once.
    """
    content, count = re.subn(
        pattern, lambda _: text, file.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    if count != 1:
        raise TaskError(f"{file.name}: has {count} places of {pattern}; there has to be one")
    file.write_text(content, encoding="utf-8")


def git(folder: Path, *words: object) -> str:
    """Run git in a folder and return what it says; raise as `run` does."""
    return run(folder, "git", *words)


def run(folder: Path, *words: object) -> str:
    """Run a program in a folder and return what it says.

    Raises:
        TaskError: it failed: the command, and what it said.
    """
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).rstrip()
        raise TaskError(f"{shlex.join(command)}: failed ({done.returncode})\n{said}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
