<% set cell = "test-" ~ cookiecutter.python_version ~ "(" ~ cookiecutter.__python ~ ")" if cookiecutter.__python else "test(" ~ cookiecutter.__javascript ~ ")" %>
"""Each task of each package, in a clean environment of its own.

<< '%-37s'|format('nox') >> the quick gate: lint, type-check and test, on one Python
<< '%-37s'|format('nox -s "' ~ cell ~ '"') >> one task of one package
<< '%-37s'|format('nox -s build') >> a task of all packages
<< '%-37s'|format('nox -t slow') >> what the quick gate leaves out; -t proof: what CI runs
<< '%-37s'|format('nox -j 4 -t proof') >> four at a time

nox -l shows one Python, and above ten packages the tasks alone; nox -l -t proof shows everything.
In a package's folder the names do without its path: nox -s test.
"""

from pathlib import Path
from runpy import run_path

import nox

nox.needs_version = ">=2026.10"
engine = run_path(str(Path(__file__).resolve().parent / "tools/make/engine.py"))
engine["register"](__file__)
