"""Git ignores what is made, and no source."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
GONE = "is a source file that git ignores; make the rule in .gitignore narrower;"
GONE += " git check-ignore -v names it"
MADE = "is made by a tool, or of one machine;"
MADE += " remove it from git with git rm --cached, and ignore it"
RULES = "# Made\n.venv/\n.env\n.env.*\n!.env.example\n/*/*/*/build/\n__pycache__/\n*.egg-info/\n"


@pytest.fixture
def found(root: Path, package: MakePackage, write: Write) -> Callable[[dict[str, str]], list[str]]:
    package("shared/py/a")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)

    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [str(one) for one in runner.guard(workspace.load(root), ["ignored"])]

    return found


Found = Callable[[dict[str, str]], list[str]]


def test_what_is_made_is_ignored(found: Found) -> None:
    made = [".env", ".env.local", ".venv/x.py", "shared/py/a/build/x.py", ".env.example"]
    made += ["shared/py/a/src/tiny_a/__pycache__/x.py", "shared/py/a/src/tiny_a.egg-info/x.toml"]
    assert found({".gitignore": RULES, **dict.fromkeys(made, "")}) == []


@pytest.mark.parametrize("path", [".venv", "node_modules", "shared/py/a/.venv"])
def test_a_link_in_the_place_of_an_environment(root: Path, found: Found, path: str) -> None:
    found({"docs/bin/python": ""})
    (root / path).symlink_to(root / "docs")
    assert found({}) == [f"{path}: ignored: {MADE}"]


@pytest.mark.parametrize("rule", ["build/", "build", "lib*/", "*.py", "/shared/py/a/src/tiny_a"])
def test_ignored_sources(found: Found, rule: str) -> None:
    lines = found(
        {
            ".gitignore": f"{RULES}{rule}\n",
            "shared/py/a/src/tiny_a/build/one.py": "",
            "shared/py/a/src/tiny_a/lib/two.py": "",
            "shared/py/a/src/tiny_a/lib/picture.png": "",
        }
    )
    assert lines
    assert all(line.endswith(GONE) and ".py: ignored: " in line for line in lines)


def test_many_ignored_sources_are_one_finding(found: Found) -> None:
    many = {f"shared/py/a/src/tiny_a/x{number}.py": "" for number in range(10, 21)}
    assert found({".gitignore": f"{RULES}x*.py\n", **many}) == [
        "shared/py/a: ignored: git ignores 11 source files of it, such as"
        " shared/py/a/src/tiny_a/x10.py; make the rule in .gitignore narrower;"
        " git check-ignore -v names it"
    ]


def test_a_source_that_is_tracked_and_ignored_is_found(root: Path, found: Found) -> None:
    found({"shared/py/a/src/tiny_a/build/one.py": ""})
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    path = "shared/py/a/src/tiny_a/build/one.py"
    assert found({".gitignore": "build/\n"}) == [f"{path}: ignored: {GONE}"]


@pytest.mark.parametrize("path", [".env", "a/.env.prod", "x/node_modules/y/z.js", "a/b.pyc"])
def test_what_would_be_committed_and_must_not(found: Found, path: str) -> None:
    assert found({path: ""}) == [f"{path}: ignored: {MADE}"]


def test_comments_in_a_rule(root: Path, found: Found) -> None:
    files = {".gitignore": "# ok\n\\#ok\na#b\n c\\ #d\nx/  # wrong\n"}
    assert [line.partition(";")[0] for line in found(files)] == [
        ".gitignore:5: ignored: the comment is part of the pattern, which matches nothing"
    ]
    assert cli.main(["--root", str(root), "guard", "ignored", "--fix"]) == 0
    assert (root / ".gitignore").read_text(encoding="utf-8").endswith("#d\n# wrong\nx/\n")


def test_without_git_it_looks_at_nothing(root: Path) -> None:
    (line,) = runner.guard(workspace.load(root), ["ignored"])
    assert line.status == "warn"
