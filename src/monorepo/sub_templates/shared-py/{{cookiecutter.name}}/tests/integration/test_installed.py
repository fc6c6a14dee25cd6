"""The package as others meet it: installed, and imported from somewhere else."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

IMPORT_NAME = "{{ cookiecutter.import_name }}"


def test_it_imports_in_a_fresh_interpreter(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import {IMPORT_NAME}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_type_checkers_may_read_its_types() -> None:
    assert files(IMPORT_NAME).joinpath("py.typed").is_file()
