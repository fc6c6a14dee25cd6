"""Each task of each package, in a clean environment of its own.

nox                                  the quick gate: lint, type-check and test, on one Python
<% if cookiecutter.__python %>
nox -s "test-3.13(<< cookiecutter.__python >>)"   one task of one package
nox -s build test-3.13               a task of all packages
<% elif cookiecutter.__javascript %>
nox -s "test(<< cookiecutter.__javascript >>)"        one task of one package
nox -s build                         a task of all packages
<% endif %>
nox -t slow                          what the quick gate leaves out; -t proof: what CI runs
nox -j 4 -t proof                    four at a time

In a package's folder the names do without its path: nox -s test. make list shows the packages.
"""

import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent / "tools/src"))

from monorepo import sessions

nox.needs_version = ">=2026.10"
sessions.register(Path(__file__).parent)
