"""npm's side of a package: its package.json as text, and ranges as npm understands them."""

import json
import re
import subprocess
from collections.abc import Collection, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from monorepo.system.errors import TaskError, UsageError
from monorepo.system.subprocesses import reason

# The semver that npm has itself, beside Node.
_EXCLUDING = """\
const { createRequire } = require("node:module");
const npm = require("node:path").join(process.execPath, "../../lib/node_modules/npm/package.json");
const semver = createRequire(npm)("semver");
const [version, ...ranges] = process.argv.slice(1);
const excludes = (range) =>
  semver.validRange(range) && !semver.satisfies(version, range, { includePrerelease: true });
console.log(JSON.stringify(ranges.filter(excludes)));
"""


def with_string(path: str, text: str, keys: Sequence[str], value: str) -> str:
    """Return the text of a package.json with another string at `keys`, otherwise to the letter.

    Args:
        path: its path, for the error.
        text: the text.
        keys: the keys of a string in it.
        value: the new string.

    Raises:
        UsageError: it writes that string in a way that cannot be replaced.
    """
    wanted: dict[str, Any] = json.loads(text)
    reduce(getitem, keys[:-1], wanted)[keys[-1]] = value
    # Other tables may have the same key.
    line = re.compile(rf'{re.escape(json.dumps(keys[-1]))}\s*:\s*("(?:[^"\\\n]|\\.)*")')
    for found in line.finditer(text):
        written = text[: found.start(1)] + json.dumps(value) + text[found.end(1) :]
        if json.loads(written) == wanted:
            return written
    what = f"writes {'.'.join(keys)} in an unusual notation"
    raise UsageError(f"{path}: {what}; write it as plain strings without escapes")


def excluding(root: Path, version: str, ranges: Collection[str]) -> set[str]:
    """Return the ranges that a version is not in; what is no range is none of them.

    Raises:
        TaskError: Node or its npm cannot be run.
    """
    if not ranges:
        return set()
    command = [str(root / ".venv/bin/node"), "--eval", _EXCLUDING, "--", version, *sorted(ranges)]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)
    except OSError as error:
        raise TaskError(f".venv/bin/node: cannot be run ({error.strerror})") from error
    if done.returncode:
        raise TaskError(f".venv/bin/node: cannot compare versions ({reason(done.stderr)})")
    return set(json.loads(done.stdout))
