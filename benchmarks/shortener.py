"""How much a team writes for a product in two languages, here and in a plain workspace.

The product is the URL shortener of `tests/template/shortener`, which the test of that name builds.
In `plain` is what the same team writes beside these sources for a workspace of uv and pnpm with the
same checks: it is built here, and has to be green. Files that `uv init` or `create vite` would have
begun count as written by hand, whole; here, what `make new` wrote does not.
"""

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.template import team
from tests.template.baking import commit, run

PLAIN = Path(__file__).with_name("plain")
KINDS = ("configuration", "sources", "tests")
# Written by commands, and read by nobody.
LOCKS = {"constraints.txt", "hashes.txt", "lowest.txt", "uv.lock", "pnpm-lock.yaml"}
GIT = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "Team", "EMAIL": "team@example.com"}.items()
}
Size = tuple[int, int]


def main() -> None:
    """Build both, and print the table."""
    os.environ |= {**GIT, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        root = team.start(Path(name))
        team.write(root)
        by_hand = dict(_written(root))
        team.bring_in_step(root)
        ours = [*_rows(by_hand), _size(_tree(root))]
        plain = _plain(Path(name, "plain"))
    print("| | here: files | lines | plain workspace: files | lines |")
    print("|---|--:|--:|--:|--:|")
    names = [f"by hand: {kind}" for kind in (*KINDS, "all")]
    rows = zip([*names, "in the tree"], ours, plain, strict=True)
    for what, (files, lines), (other_files, other_lines) in rows:
        print(f"| {what} | {files} | {lines:,} | {other_files} | {other_lines:,} |")


def _plain(root: Path) -> list[Size]:
    """Build the plain workspace, and return its rows."""
    ignored = shutil.ignore_patterns("*.diff")
    shutil.copytree(team.SOURCES, root, ignore=ignored)
    team.write(root, PLAIN)
    run(root, "git", "init", "--quiet")
    by_hand = dict(_tree(root))
    run(root, "make", "install", "generate")
    commit(root)
    run(root, "make", "check", "build")
    return [*_rows(by_hand), _size(_tree(root))]


def _written(root: Path) -> Iterator[tuple[str, int]]:
    """Yield the files that differ from the last commit, with the number of new lines."""
    run(root, "git", "add", "--all")
    for line in run(root, "git", "diff", "--staged", "--numstat", "HEAD").splitlines():
        added, _, path = line.split("\t")
        yield path, int(added)


def _tree(root: Path) -> Iterator[tuple[str, int]]:
    """Yield the files that git tracks, or would, with the number of their lines; without locks."""
    said = run(root, "git", "ls-files", "--cached", "--others", "--exclude-standard")
    for path in map(Path, said.splitlines()):
        generated = "generated" in path.parts or path.suffix in (".lock", ".whl")
        if not generated and path.name not in LOCKS:
            yield str(path), len((root / path).read_text(encoding="utf-8").splitlines())


def _rows(written: dict[str, int]) -> list[Size]:
    """Return how much of each kind was written, and how much in all."""
    files = Counter(map(_kind, written))
    lines = Counter[str]()
    for path, count in written.items():
        lines[_kind(path)] += count
    return [*((files[kind], lines[kind]) for kind in KINDS), _size(written.items())]


def _kind(path: str) -> str:
    parts = Path(path).parts
    return "tests" if "tests" in parts else "sources" if "src" in parts else "configuration"


def _size(files: Iterable[tuple[str, int]]) -> Size:
    counts = [lines for _, lines in files]
    return len(counts), sum(counts)


if __name__ == "__main__":
    main()
