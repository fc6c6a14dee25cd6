"""What can happen to a file between two versions of a template: each case once, as data.

`benchmarks.upgrade` puts them before several tools, and a test of the template holds ours to what
is right. Each situation has a folder of its own, so that one pair of versions has all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

FOLDER = "situations"


@dataclass(frozen=True)
class File:
    """What is in a file, and whether it can be executed."""

    text: str
    executable: bool = False


Files = Mapping[str, File]


@dataclass(frozen=True)
class Situation:
    """What a folder has, by path in it.

    Attributes:
        name: for people.
        key: the name of the folder.
        old: from the version that a repository was made from.
        team: by the time of the upgrade.
        new: from the version that it is upgraded to.
        merged: afterwards, if all goes well; None if a person has to decide.
    """

    name: str
    key: str
    old: Files
    team: Files
    new: Files
    merged: Files | None

    @property
    def folder(self) -> str:
        """The path of the folder in a repository."""
        return f"{FOLDER}/{self.key}"


def _text(key: str, changed: Mapping[int, str]) -> str:
    """Return twenty lines that no other situation has, some of them changed."""
    rows = [changed.get(number, f"{key}: line {number}") for number in range(1, 21)]
    return "".join(f"{row}\n" for row in rows)


def _file(
    key: str, changed: Mapping[int, str] = MappingProxyType({}), *, executable: bool = False
) -> Files:
    return {"file.txt": File(_text(key, changed), executable)}


def crlf(files: Files) -> Files:
    """Return files with the line breaks of Windows."""
    return {
        path: File(file.text.replace("\n", "\r\n"), file.executable) for path, file in files.items()
    }


OURS, THEIRS = "changed by the team", "changed by the template"


def _every() -> Iterable[Situation]:
    both = {3: OURS, 15: THEIRS}
    for name, key, team, new, merged in (
        ("an edit elsewhere in the file", "elsewhere", {3: OURS}, {15: THEIRS}, both),
        ("an edit of the same line", "same-line", {9: OURS}, {9: THEIRS}, None),
        ("an edit of the next line", "next-line", {9: OURS}, {10: THEIRS}, None),
        ("the same edit", "same-edit", {9: OURS}, {9: OURS}, {9: OURS}),
    ):
        yield Situation(
            name,
            key,
            _file(key),
            _file(key, team),
            _file(key, new),
            None if merged is None else _file(key, merged),
        )
    yield _dependencies()
    yield _moved_block()
    # The team has git keep the line breaks; otherwise, those in git are LF on all sides.
    kept = {".gitattributes": File("* -text\n")}
    key = "crlf"
    yield Situation(
        "a file with CRLF here, an edit elsewhere in it",
        key,
        _file(key),
        {**crlf(_file(key, {3: OURS})), **kept},
        _file(key, {15: THEIRS}),
        {**crlf(_file(key, both)), **kept},
    )
    key = "crlf-same-line"
    yield Situation(
        "a file with CRLF here, an edit of the same line",
        key,
        _file(key),
        {**crlf(_file(key, {9: OURS})), **kept},
        _file(key, {9: THEIRS}),
        None,
    )
    key = "rewritten"
    yield Situation(
        "the team has rewritten the file",
        key,
        _file(key),
        {"file.txt": File("Another text.\nIt has nothing of what was there.\n")},
        _file(key, {15: THEIRS}),
        None,
    )
    key = "both-add"
    yield Situation(
        "both add a file",
        key,
        {},
        {"file.txt": File(_text(key, {9: OURS}))},
        {"file.txt": File(_text(key, {9: THEIRS}))},
        None,
    )
    yield from _deletions()
    yield from _renames()
    yield from _modes()
    key = "new"
    yield Situation("a new file", key, {}, {}, _file(key), _file(key))
    key = "own"
    yield Situation("a file of the team's own", key, {}, _file(key), {}, _file(key))


def _dependencies() -> Situation:
    def listed(*names: str) -> Files:
        rows = "".join(f'    "{name}",\n' for name in names)
        return {"file.toml": File(f"dependencies = [\n{rows}]\n")}

    old = ("attrs>=24", "httpx>=0.28")
    return Situation(
        "both add to the end of a list",
        "dependencies",
        listed(*old),
        listed(*old, "numpy>=2"),
        listed(*old, "structlog>=25"),
        None,
    )


def _moved_block() -> Situation:
    key = "moved-block"
    rows = _text(key, {}).splitlines(keepends=True)
    return Situation(
        "the team has moved a block, in which the template edits",
        key,
        _file(key),
        {"file.txt": File("".join([*rows[:4], *rows[10:], *rows[4:10]]))},
        _file(key, {7: THEIRS}),
        None,
    )


def _deletions() -> Iterable[Situation]:
    key = "deleted-here"
    name = "the team has deleted a file that the template edits"
    yield Situation(name, key, _file(key), {}, _file(key, {9: THEIRS}), {})
    key = "deleted-there"
    name = "the template deletes a file that the team has edited"
    yield Situation(name, key, _file(key), _file(key, {9: OURS}), {}, None)
    key = "deletion"
    yield Situation("the template deletes a file", key, _file(key), _file(key), {}, {})


def _renames() -> Iterable[Situation]:
    key = "renamed-there"
    yield Situation(
        "the template renames a file that the team has edited",
        key,
        _file(key),
        _file(key, {9: OURS}),
        {"renamed.txt": File(_text(key, {}))},
        {"renamed.txt": File(_text(key, {9: OURS}))},
    )
    key = "renamed-here"
    yield Situation(
        "the team has renamed a file that the template edits",
        key,
        _file(key),
        {"renamed.txt": File(_text(key, {}))},
        _file(key, {9: THEIRS}),
        {"renamed.txt": File(_text(key, {9: THEIRS}))},
    )


def _modes() -> Iterable[Situation]:
    key = "mode-here"
    yield Situation(
        "the team has made a file executable that the template edits",
        key,
        _file(key),
        _file(key, executable=True),
        _file(key, {9: THEIRS}),
        _file(key, {9: THEIRS}, executable=True),
    )
    # In a wheel, what begins with #! can be executed.
    key, script = "mode-there", {1: "#!/bin/sh"}
    yield Situation(
        "the template makes a file executable that the team has edited",
        key,
        _file(key),
        _file(key, {15: OURS}),
        _file(key, script, executable=True),
        _file(key, {**script, 15: OURS}, executable=True),
    )


SITUATIONS = tuple(_every())


def write(folder: Path, files: Files) -> None:
    """Make a folder have these files, and no others."""
    for path in read(folder):
        (folder / path).unlink()
    for path, file in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(file.text, encoding="utf-8", newline="")
        (folder / path).chmod(0o755 if file.executable else 0o644)


def read(folder: Path) -> dict[str, File]:
    """Return the files of a folder; none if it is not there."""
    return {
        str(path.relative_to(folder)): File(
            path.read_bytes().decode(), bool(path.stat().st_mode & 0o100)
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
