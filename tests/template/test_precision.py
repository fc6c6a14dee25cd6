"""What the rules find in other people's repositories is measured on a copy that they can read."""

from pathlib import Path

import pytest

from benchmarks import precision
from tests.template.baking import run

LIBRARY = """
[tool.poetry]
name = "left"
[tool.poetry.dependencies]
python = "^3.11"
httpx = { version = "^0.28", extras = ["http2"] }
[tool.poetry.group.dev.dependencies]
pytest = "*"
"""
FILES = {
    "libs/left/pyproject.toml": LIBRARY,
    "libs/left/left/__init__.py": "import httpx\nimport yaml\n",
    "libs/left/tests/test_left.py": "import pytest\n",
    "apps/web/requirements.txt": "-r ../../requirements.txt\nflask\n",
    "apps/web/main.py": "import flask\nimport prices\n",
    "apps/web/prices.py": "x = 1\n",
    "requirements.txt": "httpx\n",
}


def test_a_repository_is_read_as_if_it_were_a_monorepo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, text in FILES.items():
        (tmp_path / "theirs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "theirs" / path).write_text(text)
    run(tmp_path / "theirs", "git", "init", "-q")
    run(tmp_path / "theirs", "git", "add", "--all")
    words = ["--map", "libs/*=shared", "--map", "apps/*=services", "--offline"]
    rules = ["--rule", "includes", "--rule", "declared", "--rule", "thin"]
    copy = tmp_path / "copy"
    precision.main([str(tmp_path / "theirs"), *words, *rules, "--copy", str(copy)])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error")]
    assert told == [
        "error apps/web/requirements.txt:1 ../../requirements.txt leads out of services/py/web",
        "error libs/left/left/__init__.py:2 imports yaml, which is not declared",
        "error apps/web/prices.py:0 is a module beside the entry point src/main.py",
    ]
