"""A release is a commit, a tag and a wheel that comes out of the tag again; or nothing."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from monorepo.templating.template import CACHES
from tests.template.baking import TEMPLATE, commit, environment, run
from tests.template.faults import snapshot

WHEEL = "dist/cookiecutter_monorepo-1.4.0-py3-none-any.whl"
CHANGES = "# Changelog\n\n## Unreleased\n\n- A change.\n\n## 0.2.0\n\n- One.\n"
MODULE = (sys.executable, "-B", "-m")
SOURCES = {"PYTHONPATH": ".:src"}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return this template as it would be committed, of a version that is always the same."""
    root = tmp_path_factory.mktemp("origin") / "template"
    ignored = shutil.ignore_patterns(".git", ".venv", ".nox", "dist", *CACHES)
    shutil.copytree(TEMPLATE, root, ignore=ignored)
    (root / "CHANGELOG.md").write_text(CHANGES, encoding="utf-8")
    manifest = (root / "pyproject.toml").read_text(encoding="utf-8")
    manifest = re.sub(r'^version = ".*"$', 'version = "0.2.0"', manifest, flags=re.MULTILINE)
    (root / "pyproject.toml").write_text(manifest, encoding="utf-8")
    run(root, "git", "init", "--quiet")
    commit(root)
    return root


@pytest.fixture
def root(origin: Path, tmp_path: Path) -> Path:
    """Return a clone of it, to be released."""
    run(tmp_path, "git", "clone", "--quiet", origin, "clone")
    return tmp_path / "clone"


def release(root: Path, version: str = "1.4.0", code: int = 0) -> str:
    """Release a version; return what is said."""
    return run(root, *MODULE, "scripts.release", env={**SOURCES, "VERSION": version}, code=code)


def state(root: Path) -> tuple[dict[str, str], str]:
    """Return all files but git's own, and all that git tells of itself."""
    told = [
        run(root, "git", *words)
        for words in (
            ("status", "--porcelain", "--branch"),
            ("for-each-ref",),
            ("worktree", "list"),
            ("rev-parse", "HEAD"),
        )
    ]
    assert not list((root / ".git").glob("release-*"))
    found = snapshot(root)
    return {path: one for path, one in found.items() if path.split("/")[0] != ".git"}, "".join(told)


def step(name: str) -> str:
    """Return what a step of the workflow runs."""
    text = (TEMPLATE / ".github/workflows/release.yml").read_text(encoding="utf-8")
    jobs: dict[str, Any] = yaml.safe_load(text)["jobs"]
    (found,) = [one for job in jobs.values() for one in job["steps"] if one.get("name") == name]
    return str(found["run"])


def test_a_release_is_a_commit_a_tag_and_a_wheel(root: Path) -> None:
    (root / "dist").mkdir()
    (root / "dist/cookiecutter_monorepo-1.3.0-py3-none-any.whl").touch()
    said = release(root)
    assert "git push --atomic origin main v1.4.0\n" in said
    digest = hashlib.sha256((root / WHEEL).read_bytes()).hexdigest()
    sums = f"{digest}  {WHEEL.removeprefix('dist/')}\n"
    assert (root / "dist/SHA256SUMS").read_text(encoding="utf-8") == sums
    assert len(list((root / "dist").iterdir())) == 2

    assert run(root, "git", "for-each-ref", "--format=%(objecttype)", "refs/tags") == "tag\n"
    assert run(root, "git", "cat-file", "tag", "v1.4.0").endswith(f"\n\n1.4.0\n\n{sums}")
    assert run(root, "git", "rev-parse", "v1.4.0^{}") == run(root, "git", "rev-parse", "main")
    changed = run(root, "git", "show", "--format=%s", "--name-only")
    assert changed == "release: 1.4.0\n\nCHANGELOG.md\npyproject.toml\n"
    _, told = state(root)
    assert told.startswith("## main...origin/main [ahead 1]\n") and told.count("[main]") == 1

    assert '\nversion = "1.4.0"\n' in (root / "pyproject.toml").read_text(encoding="utf-8")
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = r"## Unreleased\n\n## 1\.4\.0 \N{EN DASH} \d{4}-\d\d-\d\d\n"
    assert re.sub(heading, "## Unreleased\n", text) == CHANGES != text


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    text = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.count("\n## Unreleased\n\n") == 1


def test_nothing_that_git_does_not_have_gets_into_it(root: Path) -> None:
    (root / ".git/info/exclude").write_text("forgotten.py\n", encoding="utf-8")
    (root / "src/monorepo/forgotten.py").touch()
    release(root)
    with zipfile.ZipFile(root / WHEEL) as packed:
        assert "monorepo/forgotten.py" not in packed.namelist()


def test_it_comes_out_of_its_tag_again(root: Path, tmp_path: Path) -> None:
    release(root)
    run(tmp_path, "git", "clone", "--quiet", "--branch", "v1.4.0", root, "another folder")
    again = tmp_path / "another folder"
    for file in (path for path in again.rglob("*") if path.is_file()):
        file.chmod(0o600)
        os.utime(file, (1, 1))
    command = [*MODULE, "scripts.wheel"]
    subprocess.run(command, cwd=again, env=environment(**SOURCES), umask=0o077, check=True)
    assert (again / WHEEL).read_bytes() == (root / WHEEL).read_bytes()
    compare = ("bash", "-e", "-c", step("Fail unless it is the one that the tag names"))
    run(again, *compare, env={"TAG": "v1.4.0"})
    # A tag that names no wheel; another wheel.
    run(again, "git", "tag", "v1.4.1")
    run(again, *compare, env={"TAG": "v1.4.1"}, code=1)
    (again / WHEEL).write_bytes(b"another")
    run(again, *compare, env={"TAG": "v1.4.0"}, code=1)


def empty(root: Path) -> None:
    """Leave nothing under Unreleased."""
    file = root / "CHANGELOG.md"
    text = file.read_text(encoding="utf-8")
    heading = "## Unreleased\n"
    file.write_text(text.replace(heading, f"{heading}\n## 0.1.0\n"), encoding="utf-8")
    commit(root)


WRONG: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "no version": ("", "VERSION='': is no version", Path.exists),
    "a command": ("$(touch x)", "VERSION='$(touch x)': is no version", Path.exists),
    "not normal": ("v1.4.0", "not in its normal form; write 1.4.0", Path.exists),
    "a local part": ("1.4.0+acme", "has a local part or an epoch", Path.exists),
    "an epoch": ("1!1.4.0", "has a local part or an epoch", Path.exists),
    "older": ("0.1.9", "is not newer than 0.", Path.exists),
    "a phase before": ("0.2.0rc1", "is not newer than 0.", Path.exists),
    "changed": (
        "1.4.0",
        "has changes that are not committed",
        lambda root: (root / "README.md").write_text("other", encoding="utf-8"),
    ),
    "untracked": (
        "1.4.0",
        "has changes that are not committed",
        lambda root: (root / "other").touch(),
    ),
    "a branch": (
        "1.4.0",
        "is on 'topic'; git switch main",
        lambda root: run(root, "git", "switch", "--quiet", "--create", "topic"),
    ),
    "detached": (
        "1.4.0",
        "is on no branch; git switch main",
        lambda root: run(root, "git", "switch", "--quiet", "--detach"),
    ),
    "tagged": (
        "1.4.0",
        "v1.4.0: is a tag already",
        lambda root: run(root, "git", "tag", "v1.4.0"),
    ),
    "no changes": ("1.4.0", "CHANGELOG.md: has nothing under Unreleased", empty),
}


@pytest.mark.slow
@pytest.mark.parametrize(("version", "said", "spoil"), WRONG.values(), ids=WRONG)
def test_what_is_no_release_is_refused(
    root: Path, version: str, said: str, spoil: Callable[[Path], object]
) -> None:
    spoil(root)
    before = state(root)
    (line,) = release(root, version, code=2).splitlines()
    assert line.startswith("release: ") and said in line
    assert state(root) == before


def test_all_that_is_wrong_is_said_at_once(root: Path) -> None:
    (root / "other").touch()
    run(root, "git", "switch", "--quiet", "--create", "topic")
    assert len(release(root, "0.1.0", code=2).splitlines()) == 3


def write_hook(root: Path, name: str, script: str) -> None:
    """Give git a hook."""
    file = root / ".git/hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def no_license(root: Path) -> None:
    """Have the build fail."""
    (root / "LICENSE").unlink()
    commit(root)


def no_signature(root: Path) -> None:
    """Have git refuse the tag."""
    run(root, "git", "config", "tag.gpgSign", "true")
    run(root, "git", "config", "gpg.program", "/bin/false")


def two_versions(root: Path) -> None:
    """Leave no one place for the version."""
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tool.other]\nversion = "1"\n')
    commit(root)


FAILING: dict[str, tuple[str, Callable[[Path], object]]] = {
    "version": ("pyproject.toml: has 2 places", two_versions),
    "commit": (
        "not today",
        lambda root: write_hook(root, "pre-commit", "echo not today; exit 1"),
    ),
    "build": ("LICENSE", no_license),
    "tag": ("git tag --annotate", no_signature),
    "tree": ("index.lock", lambda root: (root / ".git/index.lock").touch()),
    "branch": ("main.lock", lambda root: (root / ".git/refs/heads/main.lock").touch()),
}


@pytest.mark.slow
@pytest.mark.parametrize("built", [True, False], ids=["dist", "no dist"])
@pytest.mark.parametrize(("said", "spoil"), FAILING.values(), ids=FAILING)
def test_what_fails_leaves_everything_as_it_was(
    root: Path, said: str, spoil: Callable[[Path], object], built: bool
) -> None:
    spoil(root)
    if built:
        (root / "dist").mkdir()
        (root / "dist/kept").touch()
    before = state(root)
    assert said in release(root, code=1)
    assert state(root) == before


def test_a_signal_leaves_everything_as_it_was(root: Path) -> None:
    mark = root / ".git/terminated"
    terminate = f'touch "{mark}"; kill -TERM $(ps -o ppid= -p $PPID)'
    script = (
        f'[ -e "{mark}" ] || ! [ $1 = committed ] || ! grep -q refs/tags/ || {{ {terminate}; }}'
    )
    write_hook(root, "reference-transaction", script)
    before = state(root)
    release(root, code=130)
    assert mark.exists()
    assert state(root) == before


@pytest.mark.slow
def test_make_does_it(root: Path, tmp_path: Path) -> None:
    said = run(root, "make", "release", "VERSION=$(shell touch x)", code=2)
    assert "VERSION='$(shell touch x)': is no version" in said
    run(root, "make", "release", "VERSION=1.4.0")
    wheel = (root / WHEEL).read_bytes()
    run(root, "make", "wheel")
    assert (root / WHEEL).read_bytes() == wheel
    assert run(root, "git", "status", "--porcelain") == ""
