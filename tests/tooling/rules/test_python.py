"""Everything that names a Python names one that is supported."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Found = Callable[..., list[str]]
A = "shared/py/a/pyproject.toml"


@pytest.fixture
def found(root: Path, write: Write) -> Found:
    def found(files: dict[str, str] | None = None) -> list[str]:
        write(files or {})
        return [str(one) for one in runner.guard(workspace.load(root), ["python"])]

    return found


def requires(root: Path, path: str, text: str) -> None:
    file = root / path
    was = file.read_text(encoding="utf-8")
    file.write_text(was.replace("requires-python = '>=3.11'", text), encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requires-python = '>=3.11'", ""),
        ("requires-python = '>=3.11.4,<4'", ""),
        ("requires-python = '~=3.11'", ""),
        ("requires-python = '>3.10.99'", ""),
        ("requires-python = '>=3.11,!=3.12.1'", ""),
        ("", "requires: has no requires-python; write"),
        ("requires-python = '>=3.9'", "8: python.requires: allows Python 3.9, which nothing is "),
        ("requires-python = '<3.13'", "8: python.requires: allows Python 3.0, which nothing is "),
        ("requires-python = '>=4'", "8: python.requires: requires-python = >=4 allows no Python "),
        ("requires-python = '>=3.15'", "8: python.requires: requires-python = >=3.15 allows no "),
        ("requires-python = '>=3.11,<3.13'", "8: python.requires: excludes Python 3.13: requires"),
        ("requires-python = '==3.11.*'", "8: python.requires: excludes Python 3.12: requires-pyth"),
        ("requires-python = '~=3.11.2'", "8: python.requires: excludes Python 3.12: requires-pyth"),
        ("requires-python = '>=3.11,!=3.12.*'", "8: python.requires: excludes Python 3.12: requir"),
        ("requires-python = '>=3.13'", "8: python.environment: needs Python 3.13, but the envir"),
    ],
)
def test_packages(root: Path, package: MakePackage, found: Found, text: str, said: str) -> None:
    package("shared/py/a")
    requires(root, A, text)
    lines = found()
    assert len(lines) == bool(said), lines
    assert all(said in line and line.startswith(A) for line in lines), lines


def test_a_package_needs_no_newer_one_than_its_dependents(
    root: Path, package: MakePackage, found: Found
) -> None:
    package("shared/py/a")
    package("services/py/old", "tiny-a[x]>=1")
    package("services/py/new", test=["tiny-a"])
    requires(root, A, 'requires-python = ">=3.12"')
    requires(root, "services/py/new/pyproject.toml", 'requires-python = ">=3.13"')
    assert found({".python-version": "3.14"}) == [
        f"{A}:8: python.dependents: needs Python 3.12, but services/py/old depends on it and allows"
        " 3.11; allow 3.11 here, or raise it there"
    ]


def test_an_environment_for_each_package_has_the_python_of_the_package(
    root: Path, package: MakePackage, found: Found
) -> None:
    package("shared/py/a")
    requires(root, A, 'requires-python = ">=3.13"')
    assert len(found()) == 1
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert found({"pyproject.toml": text.replace('"shared"', '"per-package"')}) == []


@pytest.mark.parametrize(
    ("path", "text", "named"),
    [
        ("README.md", "Python 3.11 or newer, Python 3.11+. We left Python 3.9.", ""),
        ("README.md", "# A\n\nPython 3.10 or newer", "3.10"),
        ("README.md", "Python >= 3.9+ works", "3.9"),
        ("README.md", "Python 3.12 and later", "3.12"),
        ("shared/py/a/README.md", "Python 3.10+", "3.10"),
        ("docs/old.md", "Python 3.8 or newer", ""),
        ("ruff.toml", 'target-version = "py39"', "3.9"),
        ("mypy.ini", "[mypy]\npython_version = 3.10", "3.10"),
        ("shared/py/a/.ruff.toml", 'target-version = "py312" # x', "3.12"),
        ("setup.cfg", "[mypy]\npython_version = 3.11", ""),
        (".python-version", "", ""),
        (".python-version", "3.11\n", ""),
        (".python-version", "3.13.1\n", ""),
        (".python-version", "pypy3.11\n", ""),
        (".python-version", "# any\n\n 3.12\n", ""),
        (".python-version", "3.9.18\n", "3.9"),
        (".python-version", "3.12\n3.10\n", "3.10"),
        (".python-version", "cpython-3.10.2\n", "3.10"),
        (".python-version", "3.15\n", "3.15"),
        ("shared/py/a/.python-version", "3.10\n", "3.10"),
        (".tool-versions", "node 24\npython 3.10.1\n", "3.10"),
        ("Dockerfile", "FROM python:3.12-slim\nFROM node:3.9", ""),
        ("Dockerfile", "FROM python:3\nFROM python:latest\n# FROM python:3.9", ""),
        ("shared/py/a/Dockerfile", "FROM python:3.9-slim AS build", "3.9"),
        ("shared/py/a/dev.Dockerfile", "FROM --platform=x docker.io/library/python:3.10", "3.10"),
        ("Dockerfile", "ARG PYTHON_VERSION=3.9\nFROM python:${PYTHON_VERSION}", "3.9"),
        ("Dockerfile", "ARG TAG=3.9-slim\nARG OTHER=3.9\nFROM python:${TAG}", "3.9"),
        ("Dockerfile", "FROM python:2.7", "2.7"),
        (".python-version", "2.7.18", "2.7"),
        ("Dockerfile.dev", "from ghcr.io/x/uv:python3.10-bookworm", "3.10"),
        ("Containerfile", "FROM python:${V:-3.15}", "3.15"),
        ("compose.yaml", "services:\n  a:\n    image: python:3.9-slim\n", "3.9"),
        ("compose.yaml", "services:\n  a:\n    image: postgres:3.9\n", ""),
        (".gitlab-ci.yml", 'image: "python:3.10"', "3.10"),
        (".github/workflows/a.yml", "python-version: '3.13'\n", ""),
        (".github/workflows/a.yml", "  python-version: 3.10 # 3.9\n", "3.10"),
        (".github/workflows/a.yml", "- python-version: '3.9'\n", "3.9"),
        (".github/workflows/a.yml", "python-version: ['3.12', '3.10']\n", "3.10"),
        (".github/workflows/a.yml", "python: [3.11, 3.15]\nnode: [3.2]", "3.15"),
        (".github/workflows/a.yml", "python-version:\n  - '3.11'\n  - \"3.10\"\nx: '3.9'", "3.10"),
        (".github/workflows/a.yml", "python-versions: [\n '3.11',\n '3.9',\n]\n", "3.9"),
        (".github/workflows/a.yml", "python-version: '3.x'\npython-version: '>=3.9'\n", ""),
        (".github/workflows/a.yml", "PYTHON_VERSION: 3.9\n", "3.9"),
        (".github/actions/a/action.yml", "python-version: 3.9\n", "3.9"),
        ("azure-pipelines.yml", "versionSpec: '3.10'\n", "3.10"),
        (".circleci/config.yml", "- image: cimg/python:3.9\n", "3.9"),
    ],
)
def test_files(package: MakePackage, found: Found, path: str, text: str, named: str) -> None:
    package("shared/py/a")
    lines = found({path: text})
    assert len(lines) == bool(named), lines
    written = re.compile(rf"[23]\.?{named[2:]}(?!\d)")
    number = next((at for at, row in enumerate(text.splitlines(), 1) if written.search(row)), 0)
    start = f"{path}:{number}: python.version: names Python {named}, and supported is 3.11"
    assert all(line.startswith(start) for line in lines), lines


def test_what_a_package_excludes(root: Path, package: MakePackage, found: Found) -> None:
    package("services/py/a")
    requires(root, "services/py/a/pyproject.toml", 'requires-python = ">=3.12"')
    files = {".python-version": "3.12", "services/py/a/Dockerfile": "FROM python:3.11"}
    assert found(files) == [
        "services/py/a/Dockerfile:1: python.version: names Python 3.11, and supported is"
        " 3.12 to 3.14; write 3.12"
    ]


def test_what_is_named_is_mended(root: Path, found: Found) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo.template]\npython_version = "3.9"\n')
        file.write('[tool.ruff]\ntarget-version = "py39" # x\n[tool.mypy]\npython_version = "3.12"')
    lines = found({"README.md": "Python 3.10 or newer\nWe", ".python-version": "3.9\n"})
    assert [line.rpartition("; ")[2] for line in lines] == [
        "write 3.11",
        "write 3.11",
        "write 311",
        "write 3.11",
    ]
    assert cli.main(["--root", str(root), "guard", "python", "--fix"]) == 0
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert 'target-version = "py311" # x' in text
    assert 'python_version = "3.11"' in text
    assert 'template]\npython_version = "3.9"' in text
    assert (root / "README.md").read_text(encoding="utf-8") == "Python 3.11 or newer\nWe\n"
    assert (root / ".python-version").read_text(encoding="utf-8") == "3.11\n"
