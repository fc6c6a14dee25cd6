"""A commit that git would not check out writes nothing outside of the folder aside."""

import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from monorepo.affected import changes, impact
from tests.tooling.affected.workspaces import BASE, begin, make

FOLDER, FILE, LINK = "40000", "100644", "120000"


def said(root: Path, *words: str, data: bytes = b"") -> str:
    """Return what git says."""
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, input=data)
    return done.stdout.decode(errors="replace").strip()


def tree(root: Path, entries: Iterable[tuple[str, str, str]], more: bytes = b"") -> str:
    """Return a tree with any names: mode, name and object."""
    rows = [f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in entries]
    words = ("hash-object", "-t", "tree", "-w", "--stdin", "--literally")
    return said(root, *words, data=b"".join(rows) + more)


@pytest.mark.parametrize("up", [1, 2, 3])
@pytest.mark.parametrize("name", ["pyproject.toml", "link", "a/../../../../../../escaped"])
def test_names_that_lead_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, up: int, name: str
) -> None:
    root, aside = tmp_path / "repository", tmp_path / "a/b/c/aside"
    root.mkdir()
    aside.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    begin(root, make(3, 1).tree())
    before = sorted(path for path in tmp_path.rglob("*") if root not in path.parents)
    blob = said(root, "hash-object", "-w", "--stdin", data=b"/etc/passwd")
    crafted = tree(root, [(LINK if name == "link" else FILE, name, blob)])
    for _ in range(up):
        crafted = tree(root, [(FOLDER, "..", crafted)])
    top = subprocess.run(
        ["git", "cat-file", "tree", "HEAD^{tree}"], cwd=root, check=True, capture_output=True
    ).stdout
    whole = tree(root, [(FOLDER, "packages", crafted)], top)
    commit = said(root, "commit-tree", whole, "-p", "HEAD", "-m", "crafted")

    found = changes.since(root, BASE, commit)
    with changes.opened(found) as space:
        impact.affected(space, found)

    assert sorted(path for path in tmp_path.rglob("*") if root not in path.parents) == before
