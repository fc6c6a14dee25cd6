"""What tools/make/monorepo.sh starts by its path, and the command `monorepo` by its name."""

import os
import sys

# Older ones lack what the modules below import, and would say so with a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"monorepo: PYTHON: {sys.executable} is older than 3.11; give PYTHON=python3.11")
# What comes first is the folder that this is started in, which may be anybody's, or this one, whose
# modules are to be imported by their full names.
if not sys.flags.safe_path:
    del sys.path[0]

# Started with -S, it knows nothing of the environment that it is in: see the module site.
if sys.flags.no_site and os.path.exists(f"{os.path.dirname(sys.executable)}/../pyvenv.cfg"):
    sys.prefix = sys.exec_prefix = os.path.dirname(os.path.dirname(sys.executable))
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path.append(f"{sys.prefix}/lib/{minor}/site-packages")

import signal
from collections.abc import Sequence
from typing import NoReturn

from monorepo import cli


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line as the one command of a process, and return its exit code."""
    # Terminated, or its terminal closed, a command ends what it started and takes back what it did,
    # as after Ctrl-C. nohup has the second signal ignored.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    return cli.main(words)


def run() -> NoReturn:
    """Run the command line, and leave with its exit code."""
    code = main()
    sys.stderr.flush()
    # To free all that was read, object by object, takes a sixth of a run.
    os._exit(code)


if __name__ == "__main__":
    run()
