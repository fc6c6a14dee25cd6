"""What an upgrade makes of each situation that `benchmarks.situations` has."""

import os
import re
import shutil
from pathlib import Path

import pytest

from benchmarks import situations
from benchmarks.situations import SITUATIONS, THEIRS, File
from tests.template.baking import changed, commit, run
from tests.template.releases import Releases, tree, upgrade

# Each makes repositories and upgrades them, with all that git does on the way.
pytestmark = pytest.mark.slow

BY_KEY = {one.key: one for one in SITUATIONS}
CLEAN = [one.key for one in SITUATIONS if one.merged is not None]
EDITED = "changed in the same place here and by the template; edit it, then git add it"
# The stages that a conflict has in git's index, and what is told of it.
TO_DECIDE = {
    "same-line": ({1, 2, 3}, EDITED),
    "next-line": ({1, 2, 3}, EDITED),
    "crlf-same-line": ({1, 2, 3}, EDITED),
    "dependencies": ({1, 2, 3}, EDITED),
    "moved-block": ({1, 2, 3}, EDITED),
    "rewritten": ({1, 2, 3}, EDITED),
    "both-add": ({2, 3}, "added here and by the template; edit it, then git add it"),
    "deleted-there": (
        {1, 2},
        "changed here, removed by the template; keep it with git add, or git rm it",
    ),
}


def old(checkout: Path) -> None:
    for one in SITUATIONS:
        situations.write(tree(checkout) / one.folder, one.old)


def new(checkout: Path) -> None:
    for one in SITUATIONS:
        situations.write(tree(checkout) / one.folder, one.new)
    move(tree(checkout), "0.99.0")


def move(root: Path, version: str) -> None:
    """Move the pin of ruff, and pretend to know its files."""
    for name in ("constraints.txt", "tools/hashes.txt"):
        text = (root / name).read_text(encoding="utf-8")
        moved = re.sub(r"^ruff==[\w.]+", f"ruff=={version}", text, flags=re.MULTILINE)
        assert moved != text
        (root / name).write_text(moved, encoding="utf-8")


def newer(checkout: Path) -> None:
    new(checkout)
    edited = BY_KEY["elsewhere"].folder
    file = tree(checkout) / edited / "file.txt"
    file.write_text(file.read_text("utf-8").replace("line 19", "line 19, newer"), "utf-8")


@pytest.fixture(scope="module")
def made(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with the old version; it is left as it is."""
    return releases.repository(tmp_path_factory.mktemp("made"), releases.wheel("0.3.0", old))


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(made, tmp_path / "a b", symlinks=True))


@pytest.fixture(scope="module")
def wheel(releases: Releases) -> Path:
    """Return the new version."""
    return releases.wheel("0.4.0", new)


def work(root: Path, *keys: str) -> None:
    """Do what the team does in some situations, and commit it."""
    for key in keys:
        situations.write(root / BY_KEY[key].folder, BY_KEY[key].team)
    if changed(root):
        commit(root)


def unmerged(root: Path) -> dict[str, set[int]]:
    """Return the stages in git's index of what has a conflict, by path."""
    found: dict[str, set[int]] = {}
    for row in run(root, "git", "ls-files", "-u").splitlines():
        facts, _, path = row.partition("\t")
        found.setdefault(path, set()).add(int(facts.split()[2]))
    return found


def side(text: str, kept: str) -> str:
    """Return a file with conflicts as one side has it: "ours" or "theirs"."""
    lines = r"(?:.*\n)*?"
    pattern = (
        rf"^<{{7}} .*\n(?P<ours>{lines})\|{{7}} .*\n{lines}={{7}}\n(?P<theirs>{lines})>{{7}} .*\n"
    )
    return re.sub(pattern, lambda found: found[kept], text, flags=re.MULTILINE)


def plain(text: str) -> str:
    """Return a text without the line breaks of Windows, if all are such; `run` reads none."""
    crlf = text.count("\n") == text.count("\r\n")
    return text.replace("\r\n", "\n") if crlf else text


def told(output: str) -> list[str]:
    """Return what is left to decide, as it is told."""
    return re.findall(r"^  (\S+: .*; .*)$", output, re.MULTILINE)


def test_each_situation_has_its_outcome() -> None:
    assert {*CLEAN} | {*TO_DECIDE} == {*BY_KEY}
    assert not {*CLEAN} & {*TO_DECIDE}


@pytest.mark.slow
@pytest.mark.parametrize("key", CLEAN)
def test_merged(root: Path, wheel: Path, key: str) -> None:
    one = BY_KEY[key]
    work(root, key)
    done = upgrade(root, "--to", wheel)
    assert (done.code, unmerged(root)) == (0, {}), done.output
    assert situations.read(root / one.folder) == one.merged
    deleted = re.findall(r"^(.*): stays deleted$", done.output, re.MULTILINE)
    assert deleted == ([f"{one.folder}/file.txt"] if key == "deleted-here" else [])
    assert told(done.output) == []
    # git has it as it is on the disk: all is staged, to be committed, with its modes.
    assert run(root, "git", "diff", "--name-only") == ""
    assert run(root, "git", "ls-files", "--others", "--exclude-standard") == ""


def test_merged_together(root: Path, wheel: Path) -> None:
    work(root, *CLEAN)
    assert upgrade(root, "--to", wheel).code == 0
    found = {key: situations.read(root / BY_KEY[key].folder) for key in CLEAN}
    assert found == {key: BY_KEY[key].merged for key in CLEAN}


@pytest.mark.parametrize("key", TO_DECIDE)
def test_to_decide(root: Path, wheel: Path, key: str) -> None:
    one, (stages, what) = BY_KEY[key], TO_DECIDE[key]
    name = next(name for name in one.team if name.startswith("file"))
    path = f"{one.folder}/{name}"
    work(root, key)
    before = snapshot(root)
    done = upgrade(root, "--to", wheel)
    assert (done.code, told(done.output)) == (1, [f"{path}: {what}"]), done.output
    assert unmerged(root) == {path: stages}
    # Tools for merging find the three sides in the index.
    for stage, files in ((1, one.old), (2, one.team), (3, one.new)):
        if stage in stages:
            blob = run(root, "git", "cat-file", "blob", f":{stage}:{path}")
            assert blob == plain(files[name].text)
    raw, before_it = situations.read(root / one.folder)[name].text, one.team[name].text
    assert (raw == plain(raw)) == (before_it == plain(before_it))
    text = plain(raw)
    assert side(text, "ours") == plain(before_it)
    if 3 in stages:
        expected = "structlog" if key == "dependencies" else THEIRS
        assert expected in side(text, "theirs")
        assert side(text, "theirs") != text
    # The rest is merged.
    assert situations.read(root / BY_KEY["new"].folder) == BY_KEY["new"].new
    run(root, "git", "reset", "--quiet", "--hard")
    assert snapshot(root) == before


def snapshot(root: Path) -> dict[str, File]:
    """Return all that git tracks, or could track, as it is on the disk."""
    names = run(root, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return {
        path: File((root / path).read_bytes().decode("latin-1"), os.access(root / path, os.X_OK))
        for path in sorted(names)
        if (root / path).is_file()
    }


def test_exit_codes_while_something_is_to_decide(root: Path, wheel: Path) -> None:
    work(root, "same-line", "elsewhere")
    path = f"{BY_KEY['same-line'].folder}/file.txt"
    dry = upgrade(root, "--to", wheel, "--dry-run")
    assert (dry.code, changed(root)) == (1, "")
    assert (upgrade(root, "--to", wheel, "--check").code, changed(root)) == (1, "")
    first = upgrade(root, "--to", wheel)
    again = upgrade(root)
    assert (first.code, again.code) == (1, 1)
    assert told(dry.output) == told(first.output) == told(again.output) == [f"{path}: {EDITED}"]
    assert unmerged(root) == {path: {1, 2, 3}}
    (root / path).write_text("Decided.\n", encoding="utf-8")
    run(root, "git", "add", path)
    assert (upgrade(root).code, (root / path).read_text("utf-8")) == (0, "Decided.\n")
    commit(root)
    last = upgrade(root, "--to", wheel)
    assert (last.code, changed(root)) == (0, "")
    assert last.output == "the repository is in step with version 0.4.0 of its template\n"
    assert upgrade(root, "--to", wheel, "--check").code == 0


def test_a_second_one_after_a_squash_merge(root: Path, wheel: Path, releases: Releases) -> None:
    work(root, "elsewhere", "deleted-here", "renamed-here")
    run(root, "git", "switch", "--quiet", "--create", "upgrade")
    assert upgrade(root, "--to", wheel).code == 0
    commit(root)
    run(root, "git", "switch", "--quiet", "main")
    run(root, "git", "merge", "--quiet", "--squash", "upgrade")
    commit(root)
    run(root, "git", "branch", "--quiet", "-D", "upgrade")
    run(root, "git", "reflog", "expire", "--expire=now", "--all")
    run(root, "git", "gc", "--quiet", "--prune=now")
    done = upgrade(root, "--to", releases.wheel("0.5.0", newer))
    assert (done.code, unmerged(root)) == (0, {}), done.output
    for key in ("deleted-here", "renamed-here"):
        assert situations.read(root / BY_KEY[key].folder) == BY_KEY[key].merged
    merged = BY_KEY["elsewhere"].merged
    assert merged
    text = merged["file.txt"].text.replace("line 19", "line 19, newer")
    assert situations.read(root / BY_KEY["elsewhere"].folder) == {"file.txt": File(text)}


def test_what_git_does_not_have_is_left(root: Path, wheel: Path) -> None:
    mine = {"untracked.txt": "Mine.\n", ".env": "KEY=1\n", f"{BY_KEY['new'].folder}/mine.txt": ""}
    for path, text in mine.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    assert upgrade(root, "--to", wheel).code == 0
    assert {path: (root / path).read_text("utf-8") for path in mine} == mine
    run(root, "git", "reset", "--quiet", "--hard")
    # In the way of a file of the template, it is left as well, and nothing else changes.
    path = f"{BY_KEY['new'].folder}/file.txt"
    (root / path).write_text("Mine.\n", encoding="utf-8")
    before = snapshot(root)
    done = upgrade(root, "--to", wheel)
    assert (done.code, snapshot(root)) == (2, before)
    assert f"monorepo: {path}: is in the way, and not in git; move it away\n" in done.output


def test_pins_are_the_teams(root: Path, wheel: Path) -> None:
    move(root, "0.17.0")
    commit(root)
    pins = [(root / name).read_text("utf-8") for name in ("constraints.txt", "tools/hashes.txt")]
    assert upgrade(root, "--to", wheel).code == 0
    after = [(root / name).read_text("utf-8") for name in ("constraints.txt", "tools/hashes.txt")]
    assert after == pins
