"""`python -m monorepo`."""

import signal
import sys

# Older ones lack what the modules below import, and would say so with a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"monorepo: PYTHON: {sys.executable} is older than 3.11; give PYTHON=python3.11")

from monorepo.cli import main

if __name__ == "__main__":
    # Terminated, a command ends what it started and takes back what it did, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
