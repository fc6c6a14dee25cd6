"""`affected` beside difftrace, which does the same for workspaces of uv, on the same graph."""

import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import given, note
from hypothesis import strategies as st

from tests.examples import times
from tests.tooling.affected import reference
from tests.tooling.affected.reference import PYTHON
from tests.tooling.affected.test_reference import ask
from tests.tooling.affected.workspaces import (
    BASE,
    FILE,
    Space,
    begin,
    change,
    edited,
    make,
    seen,
)

ROOT = '[tool.uv.workspace]\nmembers = ["*/py/*", "packages/*"]\n'
# What difftrace can see: it takes each file of a package for one of its sources.
KINDS = ["source", "data", "tests", "runtime", "extra", "version", "pin"]
PLAIN = ["source", "data", "version"]


def exported(space: Space) -> dict[str, tuple[str, bytes]]:
    """Return the Python packages of a workspace as a workspace of uv, with its lock."""
    python = {path: each for path, each in space.packages.items() if each.language == PYTHON}
    members = sorted(each.name for each in python.values())
    lock = f'version = 1\nrequires-python = ">=3.11"\n\n[manifest]\nmembers = {members}\n'

    def listed(texts: list[str]) -> str:
        names = {reference.folded(text.partition("[")[0].partition(">")[0]) for text in texts}
        return "[" + ", ".join(f'{{ name = "{name}" }}' for name in sorted(names)) + "]"

    for path, package in python.items():
        lock += f'\n[[package]]\nname = "{package.name}"\nversion = "{package.version}.0"\n'
        lock += f'source = {{ editable = "{path}" }}\ndependencies = {listed(package.runtime)}\n'
        for table, lists in (("optional", package.extras), ("dev", package.groups)):
            lock += f"\n[package.{table}-dependencies]\n"
            lock += "".join(f"{key} = {listed(texts)}\n" for key, texts in lists.items())
    for name, (version, required) in space.pypi.items():
        lock += f'\n[[package]]\nname = "{name}"\nversion = "{version}.0"\n'
        lock += f"dependencies = {listed(required)}\n"
    inside = {file: each for file, each in space.tree().items() if file.startswith((*python,))}
    texts = {"pyproject.toml": ROOT, "uv.lock": lock}
    return inside | {file: (FILE, text.encode()) for file, text in texts.items()}


def difftrace(root: Path, before: Space, after: Space) -> set[str]:
    """Return the paths of what difftrace says is affected."""
    old, new = exported(before), exported(after)
    begin(root, old)
    change(root, old, new, "committed")
    command = [sys.executable, "-m", "difftrace", "--base", BASE, "--lock-scope", "--paths"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return {*done.stdout.split()}


def plain(space: Space) -> None:
    """Leave no more in a workspace than what difftrace tells apart: Python, and no extras."""
    for path, package in [*space.packages.items()]:
        if package.language != PYTHON:
            del space.packages[path]
        package.generate, package.extras, package.groups = [], {}, {}
        package.runtime = [text.partition("[")[0] for text in package.runtime]


def both(before: Space, after: Space) -> tuple[set[str], set[str]]:
    """Return what is affected, as we say and as difftrace says."""
    if not any(each.language == PYTHON for each in before.packages.values()):
        return set(), set()
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        found = ask(Path(here), before, after, "committed")
        theirs = difftrace(Path(there), before, after)
    note(f"{found}, {theirs}")
    return {*found.packages}, theirs


numbers = st.integers(0, 10**6)


def some(kinds: list[str]) -> st.SearchStrategy[list[tuple[str, int]]]:
    """Return a strategy for edits of these kinds."""
    return st.lists(st.tuples(st.sampled_from(kinds), numbers), min_size=1, max_size=3)


@times(0.2)
@given(st.integers(2, 30), numbers, some(PLAIN))
def test_what_difftrace_has_is_affected(size: int, seed: int, edits: list[tuple[str, int]]) -> None:
    before = make(size, seed)
    plain(before)
    ours, theirs = both(before, edited(before, edits))
    assert theirs <= ours


@times(0.2)
@given(st.integers(2, 30), numbers, some(KINDS))
def test_what_difftrace_has_alone_no_check_can_see(
    size: int, seed: int, edits: list[tuple[str, int]]
) -> None:
    """Such as a test of a dependency, or an extra that nobody requests."""
    before = make(size, seed)
    after = edited(before, edits)
    ours, theirs = both(before, after)
    assert (theirs - ours) & reference.affected(seen(before), seen(after)) == set()
