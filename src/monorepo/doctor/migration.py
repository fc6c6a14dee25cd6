"""Translate the older `artifacts` of base_manifest.yaml into `python.packages`, as text.

Comments stay, which a parser and a writer of YAML would lose. Standard library only.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from monorepo.core import base_manifest
from monorepo.core.base_manifest import FILE
from monorepo.system import plain_yaml
from monorepo.system.errors import UsageError
from monorepo.system.transaction import begin

_ROWS = "artifacts"


def migrate(root: Path) -> str:
    """Translate the manifest of the repository at `root`; return what was done.

    Raises:
        UsageError: there is no manifest, or it has mistakes; it is unchanged.
    """
    if not (root / FILE).exists():
        raise UsageError(f"{FILE}: is missing; there is nothing to migrate")
    base_manifest.load(root).listed()
    with begin(root) as change:
        before = change.read(FILE)
        after = translated(before)
        if not change.write(FILE, after):
            return f"{FILE}: has no {_ROWS}; nothing changed"
        change.commit()
    return f"{FILE}: {_ROWS} are python.packages now"


def translated(text: str) -> str:
    """Return a manifest without mistakes with its rows of `artifacts` as `python.packages`.

    Raises:
        UsageError: it has a form that this cannot edit.
    """
    document = plain_yaml.read(text)
    rows = document.get(_ROWS)
    if not isinstance(rows, list):
        return text
    python = document.get("python")
    table = python if isinstance(python, dict) else {}
    given = table.get("packages")
    packages = list(given) if isinstance(given, list) else []
    entries = [base_manifest.requirement(row) for row in rows if isinstance(row, dict)]
    lines = text.split("\n")
    start, end = _block(lines, _ROWS)
    moved = _moved(lines[start:end], entries, packages)
    if python is None:
        lines[start:end] = ["python:", "  packages:", *_indented(moved, 4)]
    else:
        del lines[start:end]
        _insert(lines, moved, given)
    result = "\n".join(lines).rstrip("\n") + "\n"
    wanted = [*packages, *(entry for entry in dict.fromkeys(entries) if entry not in packages)]
    after = plain_yaml.read(result)
    expected = {key: value for key, value in document.items() if key != _ROWS}
    if after != {**expected, "python": {**table, "packages": wanted}} or _comments(
        result
    ) != _comments(text):
        advice = f"write the rows of {_ROWS} into python.packages yourself"
        raise UsageError(f"{FILE}: has a form that cannot be edited; {advice}")
    return result


def _comments(text: str) -> list[str]:
    return sorted(filter(None, (plain_yaml.split(line)[1] for line in text.split("\n"))))


def _block(lines: Sequence[str], key: str) -> tuple[int, int]:
    """Return the range of lines of a key at the top, without what stands before the next key."""
    tops = [number for number, line in enumerate(lines) if line[:1].strip(" -#")]
    start = next(number for number in tops if lines[number].strip("\"'").startswith(key))
    end = next((number for number in tops if number > start), len(lines))
    while not lines[end - 1].strip() or lines[end - 1].startswith("#"):
        end -= 1
    return start, end


def _moved(block: Sequence[str], entries: Sequence[str], known: Iterable[object]) -> list[str]:
    """Return a line for each entry that is not known, after the comments of its row."""
    comments: list[list[str]] = [[] for _ in entries]
    pending = list(filter(None, [plain_yaml.split(block[0])[1]]))
    rows = [line for line in block[1:] if line.lstrip().startswith("-")]
    number = -1
    for line in block[1:]:
        content, comment = plain_yaml.split(line)
        number += line.lstrip().startswith("-") and _indent(line) == _indent(rows[0])
        pending += [comment] if comment else []
        # A comment on a line of its own is about what follows.
        if content.strip():
            comments[number] += pending
            pending = []
    listed, found = set(known), []
    for entry, above in zip(entries, comments, strict=True):
        found += above
        if entry not in listed:
            found.append(f'- "{entry}"')
        listed.add(entry)
    return [*found, *pending]


def _insert(lines: list[str], moved: Sequence[str], given: object) -> None:
    """Add lines to the list `packages` of the table `python`."""
    start, end = _block(lines, "python")
    below = [
        number for number in range(start + 1, end) if plain_yaml.split(lines[number])[0].strip()
    ]
    if not below:
        advice = "write its keys on lines of their own, and run this again"
        raise UsageError(f"{FILE}: python: is written in braces; {advice}")
    indent = _indent(lines[below[0]])
    keys = [number for number in below if _indent(lines[number]) == indent]
    keys = [number for number in keys if not lines[number].lstrip().startswith("-")]
    key = next((at for at in keys if lines[at].strip("\"' ").startswith("packages")), None)
    if key is None:
        lines[end:end] = _indented(["packages:", *_indented(moved, 2)], indent)
        return
    after = next((number for number in keys if number > key), end)
    items = [number for number in below if key < number < after]
    if items:
        at, inner = items[-1] + 1, _indent(lines[items[0]])
        lines[at:at] = _indented(moved, inner)
        return
    _, comment = plain_yaml.split(lines[key])
    old = [f'- "{text}"' for text in given] if isinstance(given, list) else []
    head = "packages:" + (f" {comment}" if comment else "")
    lines[key : key + 1] = _indented([head, *_indented([*old, *moved], 2)], indent)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _indented(lines: Iterable[str], indent: int) -> list[str]:
    return [" " * indent + line for line in lines]
