"""The engine of a monorepo: what its Makefiles, noxfiles and git hooks run."""

import sys

# nox itself runs on older versions: there, this is a clear message instead of a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"monorepo: {sys.executable}: is older than Python 3.11; use a newer one")
