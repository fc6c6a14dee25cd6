"""The entry point of tools/make/monorepo.sh and of the command `monorepo`."""

import os
import sys

# The modules below do not import on older versions.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"monorepo: PYTHON: {sys.executable} is older than 3.11; give PYTHON=python3.11")
# The first entry is the current folder, which is not trusted, or this folder, whose modules have to
# be imported by their full names.
if not sys.flags.safe_path:
    del sys.path[0]

# With -S, Python does not set up the virtual environment: see the module site.
if sys.flags.no_site and os.path.exists(f"{os.path.dirname(sys.executable)}/../pyvenv.cfg"):
    sys.prefix = sys.exec_prefix = os.path.dirname(os.path.dirname(sys.executable))
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path.append(f"{sys.prefix}/lib/{minor}/site-packages")

import gc
import signal
from collections.abc import Sequence
from typing import NoReturn


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line as the one command of a process, and return its exit code."""
    # On SIGTERM, or when its terminal is closed, a command cleans up as after Ctrl-C. Under nohup,
    # SIGHUP is ignored and stays so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    # A command is short, and most of what it makes is needed to its end.
    gc.set_threshold(100_000)
    words = sys.argv[1:] if words is None else words
    # Each command imports what it needs, and this one hardly anything if nothing has changed.
    if words[2:] == ["check", "--install"]:
        from monorepo.caching import whole

        if whole.repeat(words[1]):
            return 0
    from monorepo import cli

    return cli.main(words)


def run() -> NoReturn:
    """Run the command line and exit with its code."""
    code = main()
    sys.stderr.flush()
    # Freeing all objects would take a sixth of a run.
    os._exit(code)


if __name__ == "__main__":
    run()
