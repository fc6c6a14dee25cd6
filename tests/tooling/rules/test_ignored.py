"""Git ignores what is made or secret, and nothing that the code needs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
A, SRC = "shared/py/a", "shared/py/a/src/tiny_a"
GONE = "ignored.source: is a source file that git ignores; make the pattern in .gitignore"
GONE += " narrower; git check-ignore -v names it"
RULES = "# Made\n.venv/\n.env\n.env.*\n!.env.example\n/*/*/*/build/\n__pycache__/\n*.egg-info/\n"
RULES += "*.db\n*.key\n"


@pytest.fixture
def found(root: Path, package: MakePackage, write: Write) -> Callable[[dict[str, str]], list[str]]:
    package(A)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)

    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [str(one) for one in runner.guard(workspace.load(root), ["ignored"])]

    return found


Found = Callable[[dict[str, str]], list[str]]


def git(root: Path, words: str) -> None:
    subprocess.run(["git", *words.split()], cwd=root, check=True)


def test_what_is_made_or_secret_is_ignored(found: Found) -> None:
    made = ".env .env.local .venv/x.py .env.example server.key src/local.db build/x.py"
    made += " src/tiny_a/__pycache__/x.py src/tiny_a.egg-info/x.toml src/tiny_a/.env.test"
    assert found({".gitignore": RULES, **{f"{A}/{path}": "" for path in made.split()}}) == []


@pytest.mark.parametrize(
    "path",
    [
        *("src/tiny_a/data/prices.json", "src/tiny_a/query.sql", "src/tiny_a/words.txt"),
        *("src/tiny_a/deep/a.yaml", "src/a.yml", "src/tiny_a/mail.html.j2", "src/tiny_a/t.csv"),
        *("src/tiny_a/py.typed", "src/tiny_a/a.pyi", "src/tiny_a/a.proto", "src/page.vue"),
        *("src/tiny_a/build/one.py", "tests/unit/test_it.py", "scripts/run.sh", "tests/a.ts"),
        *("pyproject.toml", "Makefile", "../../../constraints.txt", "../../../pnpm-lock.yaml"),
    ],
)
def test_what_others_need(root: Path, found: Found, path: str) -> None:
    name = path.rpartition("/")[2]
    full = (root / A / path).resolve().relative_to(root.resolve()).as_posix()
    files = {} if name == "pyproject.toml" else {full: ""}
    assert found({".gitignore": f"{RULES}/{full}\n", **files}) == [f"{full}: {GONE}"]
    # A folder is ignored as a whole, or a file is tracked nevertheless.
    git(root, "add --all --force")
    assert found({}) == [f"{full}: {GONE}"]


@pytest.mark.parametrize("pattern", ["data/", "data", "dat*/", "*.json", f"/{SRC}/data"])
def test_patterns_that_are_too_wide(found: Found, pattern: str) -> None:
    files = {f"{SRC}/data/one.json": "", f"{SRC}/data/picture.png": "", f"{A}/tests/out.json": ""}
    assert found({".gitignore": f"{RULES}{pattern}\n", **files}) == [f"{SRC}/data/one.json: {GONE}"]


def test_many_ignored_sources_are_one_finding(found: Found) -> None:
    many = {f"{SRC}/x{number}.py": "" for number in range(10, 21)}
    (line,) = found({".gitignore": f"{RULES}x*.py\n", **many})
    message = f"ignored.source: git ignores 11 source files of it, such as {SRC}/x10.py; make"
    assert line.startswith(f"{A}: {message}")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((path, "secret") for path in (".env", "a/.env.prod", "a/.env.local", "b/id_rsa")),
        *((path, "secret") for path in ("a.p12", "b.keystore", ".netrc", "x/.pypirc", "a.tfstate")),
        *((path, "made") for path in ("x/node_modules/y/z.js", "a/b.pyc", "a/venv/b.py")),
        *((path, "made") for path in (".mypy_cache/a.json", "a/.ruff_cache/b", ".coverage.host")),
        *((path, "made") for path in ("a.egg-info/PKG-INFO", ".DS_Store", "htmlcov/index.html")),
        *((path, "made") for path in (f"{A}/dist/a.whl", f"{A}/coverage/lcov.info", "a.swp")),
        *(
            (path, "made")
            for path in (f"{A}/build/lib/a.py", f"{A}/notes.db", "npm-debug.log", "x.tsbuildinfo")
        ),
    ],
)
def test_what_git_must_not_track(root: Path, found: Found, path: str, kind: str) -> None:
    found({".gitignore": "/*/*/*/build/\n*.db\n", path: ""})
    git(root, "add --all --force")
    (line,) = found({})
    assert line.startswith(f"{path}: ignored.{kind}: is ")


@pytest.mark.parametrize("path", [".venv", "node_modules", f"{A}/.venv"])
def test_a_link_in_the_place_of_an_environment(root: Path, found: Found, path: str) -> None:
    found({"docs/bin/python": ""})
    (root / path).symlink_to(root / "docs")
    (line,) = found({})
    assert line.startswith(f"{path}: ignored.made: is made by a tool;")


def test_what_git_may_track(root: Path, found: Found) -> None:
    paths = ".env.example .env.e2e.example .env.sample .env.template a/.env.test.dist bin/venv"
    paths += " id_rsa.pub .terraform.lock.hcl docs/dist/a.js tools/build/run.py env/a.py a.log"
    paths += " kept/.gitkeep kept/x/.gitignore"
    found({".gitignore": ".env.*\nkept/\n", **dict.fromkeys(paths.split(), "")})
    git(root, "add --all --force")
    assert found({}) == []


def test_comments_in_a_pattern(root: Path, found: Found) -> None:
    files = {".gitignore": "# ok\n\\#ok\na#b\n c\\ #d\nx/  # wrong\n"}
    assert [line.partition(";")[0] for line in found(files)] == [
        ".gitignore:5: ignored.comment: the comment is part of the pattern, which matches nothing"
    ]
    assert cli.main(["--root", str(root), "guard", "ignored", "--fix"]) == 0
    assert (root / ".gitignore").read_text(encoding="utf-8").endswith("#d\n# wrong\nx/\n")


def test_without_git_it_looks_at_nothing(root: Path) -> None:
    (line,) = runner.guard(workspace.load(root), ["ignored"])
    assert line.status == "warn"
