r"""Parse `.env` files: local development settings of the root or of a service.

A line is `NAME=value`, optionally after `export`. A value in single quotes is literal; in double
quotes, a backslash escapes `"`, `$`, `\`, `n`, `r` or `t`. An unquoted value ends before a space
and `#`. Nothing is expanded or executed.
"""

import os
import re
from pathlib import Path

from monorepo.system import text_files
from monorepo.system.errors import UsageError

FILE = ".env"
_COMMENT = r"[ \t]*(?:[ \t]\#.*)?"
_LINE = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"
    r"(?:'(?P<plain>[^']*)'"
    r'|"(?P<escaped>(?:[^"\\]|\\["$\\nrt])*)"'
    rf"|(?P<bare>(?!['\"\#]).*?)){_COMMENT}",
)
_NOTHING = re.compile(r"[ \t]*(?:\#.*)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse(text: str, path: str) -> dict[str, str]:
    """Return the variables of a file; the last assignment of a name counts.

    Raises:
        UsageError: lines are malformed. They are not shown, because they may hold a secret.
    """
    found: dict[str, str] = {}
    wrong = []
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _LINE.fullmatch(line):
            found[match["name"]] = _value(match)
        elif not _NOTHING.fullmatch(line):
            wrong.append(f"{path}:{number}: is not a setting; write NAME=value or NAME='some text'")
    if wrong:
        raise UsageError(*wrong)
    return found


def _value(match: re.Match[str]) -> str:
    if match["plain"] is not None:
        return match["plain"]
    if match["escaped"] is not None:
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match["escaped"])
    return match["bare"]


def read(root: Path, folder: str = "") -> dict[str, str]:
    """Return the variables of `.env` in a folder below `root`; none without such a file.

    Raises:
        UsageError: it cannot be read, or lines are malformed.
    """
    path = f"{folder}/{FILE}" if folder else FILE
    return parse(text_files.read(root, path), path) if os.path.lexists(root / path) else {}
