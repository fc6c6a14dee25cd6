"""What operators and other services rely on."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from fastapi.testclient import TestClient

from {{ cookiecutter.import_name }} import main


def test_health_names_the_service() -> None:
    answer = TestClient(main.app).get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "name": "{{ cookiecutter.distribution }}",
    }


def test_the_default_port_is_the_one_in_the_manifest() -> None:
    manifest = Path(__file__).parents[2] / "pyproject.toml"
    printed = subprocess.run(
        [sys.executable, "-c", f"from {main.__name__} import settings; print(settings.port)"],
        env={name: value for name, value in os.environ.items() if name != "PORT"},
        check=True,
        capture_output=True,
        text=True,
    )

    port = tomllib.loads(manifest.read_text("utf-8"))["tool"]["monorepo"]["port"]
    assert int(printed.stdout) == port
