"""Makes the generated monorepo's own tooling importable, and looks at what there is to render."""

import os
import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
TREE = next(TEMPLATE.glob("*cookiecutter.repo_name*"))
# Tools leave them in a template that is worked on.
CACHES = {"__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

sys.path.insert(0, str(TREE / "tools/src"))
# Another run would copy what this one is compiling.
sys.dont_write_bytecode = True


def line_endings() -> list[str]:
    """Name a file with CRLF, as git may have written them before .gitattributes forbade it.

    A shell script or Makefile that is copied so does not run.
    """
    for folder, names, files in os.walk(TREE):
        names[:] = sorted(set(names) - CACHES)
        for path in (Path(folder, name) for name in sorted(files)):
            if b"\r\n" in path.read_bytes():
                name = path.relative_to(TEMPLATE)
                return [f"{name}: has CRLF line endings; clone the template again"]
    return []
