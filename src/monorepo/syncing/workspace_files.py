"""The part of pnpm-workspace.yaml that comes from manifests: ranges of its catalog, and overrides.

A line that is written here ends in a mark, and goes again with the manifest that asked for it.
"""

import json
import re
from collections.abc import Iterator, Mapping

from monorepo.parsing import data_formats
from monorepo.system.text_files import MalformedError

# The name is pnpm's; what else there is about the file is too much to load for it.
SETTINGS = "pnpm-workspace.yaml"
TABLES = ("catalog", "overrides")
MARK = "# make sync"
_ENTRY = re.compile(
    r"""^(?P<indent>[ ]+)(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'#:][^#]*?):(?:\s|$)"""
)
# What YAML takes for a text without quotes.
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_PLAIN_RANGE = re.compile(r"[\^~]?\d+\.\d+\.\d+[0-9A-Za-z.-]*|[\^~]\d[0-9A-Za-z.-]*")

Tables = Mapping[str, Mapping[str, str]]


def write(text: str, wanted: Tables, *, keep: bool = False) -> str:
    """Return the text of pnpm-workspace.yaml with what manifests ask for; all else is kept.

    Args:
        text: what it is now, with Unix line breaks.
        wanted: the entries of each of TABLES.
        keep: whether nothing is taken out that was wanted before.

    Raises:
        MalformedError: it is not YAML, or a table is not written with a line for each entry.
    """
    before = data_formats.yaml(text)
    expected = {key: value for key, value in before.items() if key not in TABLES}
    lines = text.split("\n")
    for table in TABLES:
        entries = data_formats.table(before, table)
        mine = {key: str(entries[key]) for key in _marked(lines, table)} if keep else {}
        if then := _put(lines, table, {**mine, **wanted.get(table, {})}, entries):
            expected[table] = then
    written = "\n".join(lines)
    if written == text:
        return text
    after = {key: value for key, value in data_formats.yaml(written).items() if value != {}}
    if after != {key: value for key, value in expected.items() if value != {}}:
        message = f"writes {' or '.join(TABLES)} in a notation that cannot be changed in part"
        raise MalformedError(0, message, "write a line for each entry")
    return written


def names(text: str) -> list[str]:
    """Return the names in the catalog.

    Raises:
        MalformedError: the text is not YAML.
    """
    return sorted(map(str, data_formats.table(data_formats.yaml(text), "catalog")))


def _put(
    lines: list[str], table: str, wanted: Mapping[str, str], now: Mapping[str, object]
) -> dict[str, object]:
    """Change the lines of a table: add what is wanted, remove what was and is no more.

    Returns:
        The entries that it should have then.
    """
    left = dict(now)
    gone = [at for key, at in _marked(lines, table).items() if key not in wanted]
    for at, key in reversed([*_entries(lines, table)]):
        if at in gone:
            del lines[at]
            left.pop(key, None)
    if gone and not wanted and not [*_entries(lines, table)]:
        del lines[gone[0] - 1]
        if gone[0] > 1 and not lines[gone[0] - 2]:
            del lines[gone[0] - 2]
    for name, version in sorted(wanted.items()):
        if str(now.get(name)) == version:
            continue
        entries = [*_entries(lines, table)]
        known = [at for at, key in entries if key == name]
        if not entries:
            _open(lines, table)
        indent = _ENTRY.match(lines[entries[0][0]]) if entries else None
        row = f"{indent['indent'] if indent else '  '}{_entry(name, version)}"
        if known:
            lines[known[0]] = row
        else:
            later = [at for at, key in entries if key > name]
            end = entries[-1][0] + 1 if entries else lines.index(f"{table}:") + 1
            lines.insert(later[0] if later else end, row)
        left[name] = version
    return left


def _marked(lines: list[str], table: str) -> dict[str, int]:
    """Return the number of the line of each entry of a table that was written here, by its key."""
    entries = _entries(lines, table)
    return {key: at for at, key in entries if lines[at].rstrip().endswith(MARK)}


def _entry(name: str, version: str) -> str:
    is_plain = _PLAIN_NAME.fullmatch(name) and name.lower() not in _WORDS
    key = name if is_plain else json.dumps(name)
    value = version if _PLAIN_RANGE.fullmatch(version) else json.dumps(version)
    return f"{key}: {value} {MARK}"


def _entries(lines: list[str], table: str) -> Iterator[tuple[int, str]]:
    """Yield the number of the line of each entry of a table, and its key."""
    start = next((at for at, line in enumerate(lines) if re.match(rf"{table}:\s*(#|$)", line)), -1)
    for at in range(start + 1, len(lines)) if start >= 0 else ():
        line = lines[at]
        if line.strip() and line[0] not in " #":
            return
        if found := _ENTRY.match(line):
            key = found["key"]
            yield at, json.loads(key) if key[0] == '"' else key.strip("'")


def _open(lines: list[str], table: str) -> None:
    """Have a table start on a line of its own."""
    for at, line in enumerate(lines):
        if re.match(rf"{table}:", line):
            lines[at] = f"{table}:"
            return
    while lines and not lines[-1].strip():
        lines.pop()
    lines.extend(["", f"{table}:", ""])
