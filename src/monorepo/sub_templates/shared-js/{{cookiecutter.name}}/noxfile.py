"""Each task of this package, in a clean environment of its own: `nox -s test`."""

import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools/src"))

from monorepo.sessions.registration import register

nox.needs_version = ">=2026.10"
register(Path(__file__).parent)
