"""The variables that operators set: the README documents all of them."""

import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from {{ cookiecutter.import_name }} import main

PACKAGE = Path(__file__).parents[2]


@cache
def table() -> str:
    command = [sys.executable, "-m", main.__name__, "--settings"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_readme_has_the_table_of_the_settings() -> None:
    readme = (PACKAGE / "README.md").read_text("utf-8")

    assert f"\n\n{table()}\n\n" in readme, "run make settings"


def test_the_default_port_is_the_one_in_the_manifest() -> None:
    manifest = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))

    assert f"| `PORT` | {manifest['tool']['monorepo']['port']} |" in table()
