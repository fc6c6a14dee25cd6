"""Import every module of a package: `python -I imports.py PACKAGE` prints what went wrong.

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
        for inner in pkgutil.iter_modules(getattr(sys.modules[module], "__path__", ())):
            if inner.name != "__main__":
                yield from walk(f"{module}.{inner.name}")


if __name__ == "__main__":
    # Nothing but the answer reaches standard output, even when a module prints as it ends.
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        json.dump(dict(walk(sys.argv[1])), output)
