r"""Settings of one machine for development: `.env` at the root, and in a service.

A line is `NAME=value`, with `export` before it if a shell is to read it, too. A value in single
quotes is taken as it is; in double quotes, a backslash stands before `"`, `$`, `\`, `n`, `r` or
`t`. Without quotes it ends before a space and `#`. Nothing in it is ever replaced or run.
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
    """Return what a file sets; of a name that stands there twice, what comes last.

    Raises:
        UsageError: lines are malformed. What stands there is not shown: it may be a secret.
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
    """Return what `.env` in a folder below `root` sets; nothing if there is no such file.

    Raises:
        UsageError: it cannot be read, or lines are malformed.
    """
    path = f"{folder}/{FILE}" if folder else FILE
    return parse(text_files.read(root, path), path) if os.path.lexists(root / path) else {}
