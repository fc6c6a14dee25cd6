"""The package as others meet it: installed, and imported from somewhere else."""

import subprocess
import sys
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

DISTRIBUTION = "{{ cookiecutter.distribution }}"
IMPORT_NAME = "{{ cookiecutter.import_name }}"
NAMESPACE = "{{ cookiecutter.namespace }}-"


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


def test_its_base_asks_for_no_third_party_package() -> None:
    asked = distribution(DISTRIBUTION).requires or []
    base = [requirement for requirement in asked if "extra ==" not in requirement]

    assert [name for name in base if not name.startswith(NAMESPACE)] == []
