"""`nox` as a function, for tests/template/faults.py to call in forks."""

import os
import sys
from collections.abc import Sequence

import nox


def main(words: Sequence[str]) -> int:
    """Run nox in the working folder and return its exit code."""
    sys.argv = ["nox", *words]
    # A monorepo brings its own sessions: what has been imported of another one is not that.
    sys.path[:] = [path for path in sys.path if not path.startswith(os.getcwd())]
    try:
        nox.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
