"""Work offline: what `make vendor` has collected takes the place of indexes and registries.

Standard library only.
"""

import os
from pathlib import Path

from monorepo.system.errors import UsageError

WHEELS = "vendor/wheels"
# The store of pnpm, and the packages of pnpm itself.
STORE, PNPM = "vendor/store", "vendor/pnpm"


def is_offline() -> bool:
    """Return whether OFFLINE is set to a true value."""
    return os.environ.get("OFFLINE", "").lower() not in ("", "0", "n", "no", "off", "false")


def place(root: Path, path: str) -> Path:
    """Return the folder or file at `path`, one of those above or below them, offline.

    Raises:
        UsageError: it is not there.
    """
    if not (root / path).exists():
        advice = "run make vendor where there is a network"
        raise UsageError(f"OFFLINE: {path}: is not there; {advice}")
    return root / path
