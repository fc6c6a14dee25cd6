"""Pictures of the graph in documents are drawn anew, and nothing else in them changes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.graph import documents
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
EMPTY = "```mermaid\nflowchart LR\n```\n"
MINE = '```mermaid\nflowchart LR\n    api["shared/py/a"] --> web\n```\n'


@pytest.fixture(autouse=True)
def packages(root: Path, package: MakePackage) -> None:
    package("shared/py/a")
    package("shared/py/b", "tiny-a", lite=["tiny-a[x]"])


def sync(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert cli.main(["--root", str(root), "sync-docs", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_each_picture_is_drawn_and_checked(
    root: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = f"- x\n\n{EMPTY}".replace("\n", "\n  ").rstrip() + "\n"
    write({"README.md": f"# It\n\n{EMPTY}\n{MINE}\n{EMPTY}end", "AGENTS.md": listed})
    before = (root / "README.md").read_text(encoding="utf-8")
    found = runner.guard(workspace.load(root), ["drift"])
    assert [(one.path, one.line) for one in found] == [
        *(("AGENTS.md", 4), ("README.md", 4), ("README.md", 13))
    ]
    assert sync(root, capsys, "--dry-run")[:2] == ["--- a/README.md", "+++ b/README.md"]
    assert (root / "README.md").read_text(encoding="utf-8") == before
    assert sync(root, capsys) == ["wrote README.md", "wrote AGENTS.md"]
    picture = documents.drawn(workspace.load(root))
    assert '    p1 -->|"[x] extra lite"| p0' in picture
    drawn = before.replace(EMPTY, f"```mermaid\n{picture}\n```\n")
    assert (root / "README.md").read_text(encoding="utf-8") == drawn
    assert '\n      p1["shared/py/b"]\n' in (root / "AGENTS.md").read_text(encoding="utf-8")
    assert runner.guard(workspace.load(root), ["drift"]) == []
    assert sync(root, capsys) == ["every graph is that of the packages"]
    assert not (root / "CONTRIBUTING.md").exists()


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_new_package_is_drawn_and_line_breaks_stay(
    root: Path,
    package: MakePackage,
    capsys: pytest.CaptureFixture[str],
    ending: str,
) -> None:
    picture = documents.drawn(workspace.load(root))
    text = f"a\x0bb\u2028c\n\n```mermaid\n{picture}\n```\n"
    (root / "README.md").write_bytes(text.replace("\n", ending).encode())
    assert sync(root, capsys) == ["every graph is that of the packages"]
    package("shared/py/c", "tiny-b")
    assert sync(root, capsys) == ["wrote README.md"]
    new = text.replace(picture, documents.drawn(workspace.load(root)))
    assert (root / "README.md").read_bytes() == new.replace("\n", ending).encode()


def test_bytes_that_are_no_text_stay(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "README.md").write_bytes(b"\xff\n\n" + EMPTY.encode())
    assert sync(root, capsys) == ["wrote README.md"]
    assert (root / "README.md").read_bytes().startswith(b"\xff\n\n```mermaid\nflowchart LR\n    p0")


def test_a_broken_manifest_leaves_all_as_it_is(
    root: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"README.md": EMPTY, "shared/py/a/pyproject.toml": "["})
    assert cli.main(["--root", str(root), "sync-docs"]) == 2
    assert capsys.readouterr().err.startswith("monorepo: shared/py/a/pyproject.toml:1: ")
    assert (root / "README.md").read_text(encoding="utf-8") == EMPTY
