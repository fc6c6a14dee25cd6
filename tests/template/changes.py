"""What goes wrong in a repository, as changes of its files that mutators are made of."""

import re
from collections.abc import Callable
from pathlib import Path

Change = Callable[[str], str]


def replaced(pattern: str, new: str) -> Change:
    """Return a change of the first place in a text that matches; there has to be one."""

    def change(text: str) -> str:
        assert re.search(pattern, text, re.MULTILINE)
        return re.sub(pattern, new, text, count=1, flags=re.MULTILINE)

    return change


def added(more: str) -> Change:
    """Return a change that adds to the end of a text."""
    return lambda text: text + more


def first(more: str) -> Change:
    """Return a change that adds to the beginning of a text."""
    return lambda text: more + text


def patched(text: str, diff: str) -> str:
    """Return a text after the changes of a diff; it has the old lines of each once."""
    lines = text.splitlines(keepends=True)
    for hunk in diff.split("@@\n"):
        marked = hunk.splitlines(keepends=True)
        old = [line[1:] or line for line in marked if not line.startswith("+")]
        new = [line[1:] or line for line in marked if not line.startswith("-")]
        places = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
        assert len(places) == 1, f"is not there once:\n{''.join(old)}"
        lines[places[0] : places[0] + len(old)] = new
    return "".join(lines)


def append(path: str, text: str) -> Callable[[Path], object]:
    """Return a change of a repository that adds to the end of one of its files, or makes it."""

    def change(root: Path) -> None:
        with (root / path).open("a", encoding="utf-8") as file:
            file.write(text)

    return change
