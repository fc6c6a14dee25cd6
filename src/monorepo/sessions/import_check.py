"""Import each module of a package: `python -I import_check.py PACKAGE` prints the errors.

It runs in the environment that is proven, so it imports nothing of this tooling.

Output, as JSON: for each module its error, as [the exception's type, its text], or null. What
the modules print goes to standard error.
"""

import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path


def failure(module: str) -> list[str] | None:
    """Import `module`; return the type and the text of what it raised, if anything."""
    try:
        importlib.import_module(module)
    # Whatever an import raises is what this is asked to tell, a SystemExit as well.
    except BaseException as error:
        return [type(error).__name__, str(error)]
    return None


def walk(module: str) -> Iterator[tuple[str, list[str] | None]]:
    """Import `module` and those in it but what is run, `__main__`; yield what each one raised."""
    error = failure(module)
    yield module, error
    if error is None:
        places = list(getattr(sys.modules[module], "__path__", ()))
        names = {inner.name for inner in pkgutil.iter_modules(places)} - {"__main__"}
        # A folder of modules without __init__.py is a package as well, and is shipped.
        for place in map(Path, places):
            names |= {
                file.parent.name for file in place.glob("*/*.py") if file.parent.name.isidentifier()
            }
        for name in sorted(names - {"__pycache__"}):
            yield from walk(f"{module}.{name}")


if __name__ == "__main__":
    # Nothing but the answer reaches standard output, even when a module prints as it ends.
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        json.dump(dict(walk(sys.argv[1])), output)
