"""Import each module of a package: `python -I import_check.py PACKAGE` prints the errors.

It runs in the environment under test, so it imports nothing of this engine.

Output as JSON: for each module its error, [exception type, message], or null. The output of the
modules goes to standard error.
"""

import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path


def failure(module: str) -> list[str] | None:
    """Import `module`; return type and message of its exception, or None."""
    try:
        importlib.import_module(module)
    # Report any exception, also SystemExit.
    except BaseException as error:
        return [type(error).__name__, str(error)]
    return None


def walk(module: str) -> Iterator[tuple[str, list[str] | None]]:
    """Import `module` and its submodules except `__main__`; yield the error of each."""
    error = failure(module)
    yield module, error
    if error is None:
        places = list(getattr(sys.modules[module], "__path__", ()))
        names = {inner.name for inner in pkgutil.iter_modules(places)} - {"__main__"}
        # A folder of modules without __init__.py is a namespace package, and is shipped.
        for place in map(Path, places):
            names |= {
                file.parent.name for file in place.glob("*/*.py") if file.parent.name.isidentifier()
            }
        for name in sorted(names - {"__pycache__"}):
            yield from walk(f"{module}.{name}")


if __name__ == "__main__":
    # Only the result reaches standard output, even if a module prints at exit.
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        json.dump(dict(walk(sys.argv[1])), output)
