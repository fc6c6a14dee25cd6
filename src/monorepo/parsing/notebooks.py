"""Read the code of Jupyter notebooks: the Python of their cells, and the commands that these run.

Each source line stands on its own line of the file, so that findings have a place; where a line of
the file has several, they follow below it. Standard library only.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from monorepo.system import text_files
from monorepo.system.text_files import MalformedError

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
# Cell magics whose cell is Python in the notebook or in a process of its own, and those of shells.
_PYTHON = {"capture", "prun", "python", "python3", "time", "timeit"}
_SHELL = {"!", "bash", "script", "sh", "sx", "system"}
_CELL = re.compile(r"%%(!|\w+)")
_LINE = re.compile(
    r"(?P<before>\s*(?:[\w.,\[\] ]+=(?!=)\s*)?)"
    r"(?:!!?(?P<command>.*)|%(?P<magic>\w+)(?P<rest>.*)"
    r"|(?P<auto>(?:pip|conda|mamba|uv) +(?:add|install|pip|remove|sync|uninstall)\b.*)"
    r"|\?\??[\w.]+\s*|[\w.*]+\?\??\s*)"
)
_RUNS = {"conda", "mamba", "micromamba", "pip", "uv"}


class _Row(NamedTuple):
    """A source line of a cell: its line in the file, from 1, and its text."""

    line: int
    text: str


def python(text: str) -> str:
    """Return the Python of the code cells of a notebook, without magics.

    Raises:
        MalformedError: the text is not a notebook.
    """
    return _laid_out(text, (row for cell in _cells(text) for row in _split(cell)[0]))


def shell(text: str) -> str:
    """Return the commands that the code cells of a notebook run: `!cmd`, `%pip`, `%%bash`.

    Raises:
        MalformedError: the text is not a notebook.
    """
    return _laid_out(text, (row for cell in _cells(text) for row in _split(cell)[1]))


def _laid_out(text: str, rows: Iterator[_Row]) -> str:
    """Return rows as a text in which each stands on its line."""
    lines = [""] * (text.count("\n") + 1)
    last = 0
    for row in rows:
        last = max(row.line, last + 1)
        lines += [""] * (last - len(lines))
        lines[last - 1] = row.text
    return "\n".join(lines)


def _cells(text: str) -> Iterator[list[_Row]]:
    """Yield the source lines of each code cell, if the notebook is in Python."""
    found = _placed(text_files.json_object(text), _lines(text))
    if not isinstance(found.get("cells"), list):
        raise MalformedError(0, "is not a notebook with cells", "save it with Jupyter")
    metadata = _table(found.get("metadata"))
    named = _table(metadata.get("kernelspec")).get("language")
    named = named or _table(metadata.get("language_info")).get("name")
    if isinstance(named, _Row) and named.text.lower() not in ("python", "ipython"):
        return
    for cell in map(_table, found["cells"]):
        kind, source = cell.get("cell_type"), cell.get("source")
        if isinstance(kind, _Row) and kind.text == "code":
            yield list(_rows([source] if isinstance(source, _Row) else source or []))


def _lines(text: str) -> Iterator[int]:
    """Yield the line of each string of a JSON text, keys included."""
    line, before = 1, 0
    for string in _STRING.finditer(text):
        line += text.count("\n", before, string.start())
        before = string.start()
        yield line


def _placed(value: Any, lines: Iterator[int]) -> Any:  # noqa: ANN401
    """Return a JSON value with its strings as rows, given the lines of all strings in order."""
    if isinstance(value, str):
        return _Row(next(lines), value)
    if isinstance(value, list):
        return [_placed(one, lines) for one in value]
    if isinstance(value, Mapping):
        # The string before each value is its key.
        return {key: _placed(one, lines) for key, one in value.items() if next(lines)}
    return value


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(source: object) -> Iterator[_Row]:
    """Yield the lines of a source, which is a list of strings that are joined."""
    line, text = 0, ""
    for part in source if isinstance(source, list) else ():
        if isinstance(part, _Row):
            first, *others = part.text.split("\n")
            line, text = line if text else part.line, text + first
            for other in others:
                yield _Row(line, text)
                line, text = part.line, other
    yield _Row(line or 1, text)


def _split(cell: list[_Row]) -> tuple[list[_Row], list[_Row]]:
    """Return the Python and the commands of a cell."""
    first = next((row for row in cell if row.text.strip()), _Row(1, ""))
    if magic := _CELL.match(first.text):
        rest = cell[cell.index(first) + 1 :]
        if magic[1] in _SHELL:
            return [], rest
        if magic[1] not in _PYTHON:
            return [], []
        cell = rest
    code, commands = [], []
    goes_on = is_command = False
    for row in cell:
        if goes_on:
            commands += [row] if is_command else []
            goes_on = row.text.rstrip().endswith("\\")
            continue
        text = re.sub(r"^(\s*)%time (?!-)", r"\1", row.text)
        if not (match := _LINE.fullmatch(text)):
            code.append(_Row(row.line, text))
            continue
        # A block needs a statement, and an assignment a value.
        code.append(_Row(row.line, match["before"] + ("None" if match[0].strip() else "")))
        command = match["command"] or match["auto"]
        if match["magic"] in _RUNS:
            command = match["magic"] + match["rest"]
        elif match["magic"] in ("sx", "system"):
            command = match["rest"]
        is_command, goes_on = command is not None, text.rstrip().endswith("\\")
        if command is not None:
            commands.append(_Row(row.line, command.replace("{sys.executable}", "python").strip()))
    return code, commands
