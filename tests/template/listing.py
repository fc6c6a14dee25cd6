"""`nox` and the engine as functions, for tests/template/faults.py to call in forks."""

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


def monorepo(words: Sequence[str]) -> int:
    """Run a verb of the engine, without the environment that some make first."""
    # Imported here: nox has a monorepo bring its own.
    from monorepo import cli

    cli._equip = lambda options: None
    return cli.main(words)
