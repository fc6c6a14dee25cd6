"""Whatever a team and a template change, no line of the team is lost, and its own files stay."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monorepo.programs.git import Git, Worktree
from monorepo.upgrading import alignment

NAMES = ("one.txt", "docs/two.txt", "docs/three.txt", "package/four.txt")
LINES = 12
Tree = dict[str, list[str]]
# What is done to which file: to which lines, or where it goes.
Edit = tuple[str, str, int, int]
edits = st.tuples(
    st.sampled_from(["insert", "replace", "delete", "remove", "rename"]),
    st.sampled_from(NAMES),
    st.integers(0, LINES),
    st.integers(1, 4),
)


def changed(tree: Tree, done: Sequence[Edit], who: str) -> Tree:
    """Return a tree with edits; each line that comes new says whose it is."""
    after = {path: [*lines] for path, lines in tree.items()}
    where = {name: name for name in NAMES}
    for number, (what, name, start, length) in enumerate(done):
        path = where[name]
        if path not in after:
            continue
        lines = after[path]
        new = [f"{who} {number}.{row}" for row in range(length)]
        if what == "insert":
            lines[start:start] = new
        elif what == "replace":
            lines[start : start + length] = new
        elif what == "delete":
            del lines[start : start + length]
        elif what == "remove":
            del after[path]
        else:
            where[name] = f"{path.rpartition('.')[0]}-{who}.txt"
            after[where[name]] = after.pop(path)
    return after


def write(folder: Path, tree: Tree, end: str = "\n") -> None:
    """Write the files of a tree."""
    for path, lines in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{line}{end}" for line in lines)
        (folder / path).write_text(text, encoding="utf-8", newline="")


def upgraded(base: Tree, new: Tree, team: Tree, place: Path, end: str) -> tuple[Worktree, Path]:
    """Merge what differs between two renderings into what the team has."""
    root = place / "root"
    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    write(root, team, end)
    git = Git(root)
    git.run("add", "--all")
    git.run("commit", "--quiet", "--allow-empty", "--message", "all")
    commits: list[str] = []
    for number, rendering in enumerate((base, new)):
        folder = place / f"rendering-{number}"
        folder.mkdir()
        write(folder, rendering)
        alignment.align(folder, root, [], git.with_crlf())
        tree = git.tree(folder, place / f"{number}.index", [])
        commits = [git.commit(tree, "Upgrade", *commits)]
    worktree = Worktree(git, place / "tree", git.head)
    worktree.merge(commits[0])
    return worktree, root


def texts(folder: Path) -> Mapping[str, bytes]:
    """Return all files of a worktree."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".git"
    }


@given(st.lists(edits, max_size=8), st.lists(edits, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_no_line_of_the_team_is_lost(theirs: list[Edit], ours: list[Edit], end: str) -> None:
    base = {name: [f"{name} line {number}" for number in range(LINES)] for name in NAMES}
    new, team = changed(base, theirs, "template"), changed(base, ours, "team")
    own = {"own.txt": ["own 1", "own 2"], "docs/own.txt": ["own 3"], "src/own.py": ["own 4"]}
    place = Path(tempfile.mkdtemp())
    try:
        worktree, _ = upgraded(base, new, {**team, **own}, place, end)
        found = texts(worktree.folder)
        unmerged = worktree.unmerged()
    finally:
        shutil.rmtree(place)
    lines = [line for text in found.values() for line in text.decode().splitlines()]
    for written in (line for content in team.values() for line in content):
        if written.startswith("team"):
            assert written in lines
    for path, content in own.items():
        assert found[path] == "".join(f"{line}{end}" for line in content).encode()
    # What the team has left as it was is as the new version has it.
    touched = {name for _, name, *_ in ours}
    renamed = any(what == "rename" for what, *_ in ours)
    for path, content in new.items():
        name = path.replace("-template", "")
        if name not in touched and not renamed:
            assert found[path].decode().splitlines() == content
    for path, text in found.items():
        if path not in unmerged:
            assert b"<<<<<<<" not in text
        if path not in unmerged and path in team and end == "\r\n":
            assert text.count(b"\r\n") == text.count(b"\n")
