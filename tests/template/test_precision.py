"""What the rules find in other people's repositories is measured on a copy that they can read."""

from pathlib import Path

import pytest

from benchmarks import precision
from tests.template.baking import TEMPLATE, commit, run

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


WORDS = ("--map", "libs/*=shared", "--map", "apps/*=services", "--offline")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Return a repository in another layout."""
    for path, text in FILES.items():
        (tmp_path / "theirs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "theirs" / path).write_text(text)
    run(tmp_path / "theirs", "git", "init", "-q")
    run(tmp_path / "theirs", "git", "add", "--all")
    return tmp_path / "theirs"


def test_a_repository_is_read_as_if_it_were_a_monorepo(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = ["--rule", "includes", "--rule", "declared", "--rule", "thin"]
    precision.main([str(theirs), *WORDS, *rules, "--copy", str(tmp_path / "copy")])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error")]
    assert told == [
        "error apps/web/requirements.txt:1 ../../requirements.txt leads out of services/py/web",
        "error libs/left/left/__init__.py:2 imports yaml, which is not declared",
        "error apps/web/prices.py:0 is a module beside the entry point src/main.py",
    ]


def test_a_repository_of_the_list_is_cloned_at_its_commit(
    theirs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    commit(theirs)
    told = run(theirs, "git", "rev-parse", "HEAD").strip()
    (theirs / "libs/left/left/__init__.py").write_text("import gone\n")
    commit(theirs)
    table = f"[judged.left]\nurl = '{theirs}'\ncommit = '{told}'\nmap = ['libs/*=shared']\n"
    (tmp_path / "list.toml").write_text(table)
    monkeypatch.setattr(precision, "DATA", tmp_path / "list.toml")
    words = ["left", "--offline", "--rule", "declared", "--copy", str(tmp_path / "copy")]
    precision.main(words)
    assert "import yaml" in capsys.readouterr().out


@pytest.mark.slow
def test_it_runs_in_a_fresh_clone_by_the_command_that_is_documented(
    theirs: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", TEMPLATE, clone)
    words = " ".join(f"'{word}'" for word in (str(theirs), *WORDS, "--copy", f"{tmp_path}/copy"))
    told = run(clone, "make", "precision", env={"ARGS": words})
    assert "error libs/left/left/__init__.py:2 " in told
    assert "the rule failed here" not in told
