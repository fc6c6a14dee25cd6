"""The pictures of the graph in documents: Mermaid blocks that are drawn, and not by hand."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from monorepo.core.workspace import Workspace
from monorepo.graph import rendering
from monorepo.graph.view import view
from monorepo.parsing import markdown
from monorepo.system.transaction import begin

# A graph that somebody has drawn has other names.
_DRAWN = re.compile(r'flowchart LR|    p\d+\["[^"]+"\]|    p\d+ -(?:-|\.-)>(?:\|"[^"]+"\|)? p\d+')
_HEAD = "flowchart LR"
# A line of Markdown with its end.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


class Picture(NamedTuple):
    """A picture in a document: its first and last line, from 1, and the lines that are true."""

    line: int
    end: int
    lines: tuple[str, ...]


def drawn(space: Workspace) -> str:
    """Return the picture of all packages."""
    return rendering.as_mermaid(view(space))


def outdated(text: str, picture: str) -> Iterator[Picture]:
    """Yield the pictures in a document that are not `picture`."""
    for line, block in markdown.fences(text, "mermaid") if _HEAD in text else ():
        now, old = picture.split("\n"), block.splitlines()
        if old[:1] == [_HEAD] and all(map(_DRAWN.fullmatch, old)) and old != now:
            # In a list, the block is indented.
            indent = _LINE.findall(text)[line - 1].rstrip().removesuffix(old[0])
            yield Picture(line, line + len(old) - 1, tuple(f"{indent}{one}" for one in now))


def sync(space: Workspace, *, dry_run: bool = False) -> list[str]:
    """Draw anew the pictures in the documents at the root; all of them, or none.

    Args:
        space: the repository.
        dry_run: whether to only show the changes.

    Returns:
        A line for each document that has changed; or the changes.

    Raises:
        UsageError: a document leads out of the repository, or another command is at work.
    """
    picture, changed = drawn(space), []
    with begin(space.root, dry_run=dry_run) as change:
        for path in markdown.ROOT:
            text = change.read(path)
            lines, pictures = _LINE.findall(text), [*outdated(text, picture)]
            # From the last one: the lines of the others stay where they are.
            for one in reversed(pictures):
                lines[one.line - 1 : one.end] = [f"{line}\n" for line in one.lines]
            if pictures and change.write(path, "".join(lines)):
                changed.append(path)
        if not dry_run:
            change.commit()
        told = change.describe() if dry_run else [f"wrote {path}" for path in changed]
    return told or ["every graph is that of the packages"]
