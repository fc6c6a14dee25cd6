"""Each task of this package, in a clean environment of its own: `nox -s test`."""

from pathlib import Path
from runpy import run_path

import nox

nox.needs_version = ">=2026.10"
run_path(str(Path(__file__).resolve().parents[3] / "tools/make/engine.py"))["register"](__file__)
