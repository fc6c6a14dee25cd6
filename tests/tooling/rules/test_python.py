"""Everything that says which Python is the oldest agrees."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
A = "shared/py/a/pyproject.toml"


@pytest.fixture
def found(root: Path, write: Write) -> Callable[[dict[str, str]], list[str]]:
    def found(files: dict[str, str]) -> list[str]:
        write(files)
        return [str(one) for one in runner.guard(workspace.load(root), ["python"])]

    return found


Found = Callable[[dict[str, str]], list[str]]


def requires(root: Path, path: str, text: str) -> None:
    file = root / path
    was = file.read_text(encoding="utf-8")
    file.write_text(was.replace("requires-python = '>=3.11'", text), encoding="utf-8")


@pytest.mark.parametrize("text", [">=3.11", ">=3.11.4,<4", "~=3.11", ">3.10.99", ">=3.13"])
def test_what_agrees(root: Path, package: MakePackage, found: Found, text: str) -> None:
    package("shared/py/a")
    requires(root, A, f'requires-python = "{text}"')
    assert found({}) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", "", "has no requires-python; write requires-python"),
        ('requires-python = ">=3.9"', ":8", "allows Python 3.9, which nothing is checked for"),
        ('requires-python = ">=4"', ":8", "requires-python = >=4 allows no Python up to 3.14"),
    ],
)
def test_what_does_not(
    root: Path, package: MakePackage, found: Found, text: str, line: str, message: str
) -> None:
    package("shared/py/a")
    requires(root, A, text)
    (only,) = found({})
    assert only.startswith(f"{A}{line}: python: {message}")


def test_a_package_needs_no_newer_one_than_its_dependents(
    root: Path, package: MakePackage, found: Found
) -> None:
    package("shared/py/a")
    package("services/py/old", "tiny-a[x]>=1")
    package("services/py/new", test=["tiny-a"])
    requires(root, A, 'requires-python = ">=3.12"')
    requires(root, "services/py/new/pyproject.toml", 'requires-python = ">=3.13"')
    assert found({}) == [
        f"{A}:8: python: needs Python 3.12, but services/py/old depends on it and allows 3.11;"
        " allow 3.11 here, or raise it there"
    ]


def test_a_package_allows_all_that_its_dependents_allow(
    root: Path, package: MakePackage, found: Found
) -> None:
    package("shared/py/a")
    package("services/py/x", "tiny-a")
    requires(root, A, 'requires-python = ">=3.11,<3.13"')
    assert found({}) == [
        f"{A}:8: python: does not allow Python 3.13, and services/py/x, which needs it, does;"
        " allow it here, or leave it out there"
    ]


TEXTS = {
    "README.md": "You need Python 3.11 or newer.\nPython 3.10 or newer\nWe left Python 3.9.\n",
    ".github/workflows/ci.yml": "python-version: '3.13'\n  python-version: 3.10 # old\n",
    "docs/old.md": "Python 3.8 or newer",
}


def test_configuration_documents_and_workflows(root: Path, found: Found) -> None:
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.ruff]\ntarget-version = "py39" # x\n[tool.mypy]\npython_version = "3.12"')
    assert found(TEXTS) == [
        ".github/workflows/ci.yml:2: python: has Python 3.10, but python is 3.11; write 3.11",
        "README.md:2: python: has Python 3.10, but python is 3.11; write 3.11",
        "pyproject.toml:13: python: target-version is py39, but python is 3.11; write py311",
        "pyproject.toml:15: python: python_version is 3.12, but python is 3.11; write 3.11",
    ]
    assert cli.main(["--root", str(root), "guard", "python", "--fix"]) == 0
    assert 'target-version = "py311" # x' in (root / "pyproject.toml").read_text(encoding="utf-8")
    assert "Python 3.11 or newer\nWe" in (root / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "3.11\n", "3.13.1\n", "pypy3.11\n", "# any\n", "\n 3.12\n"])
def test_the_file_that_chooses_a_python_may_name_a_newer_one(found: Found, text: str) -> None:
    assert found({".python-version": text}) == []


def test_the_file_that_chooses_a_python_names_no_older_one(root: Path, found: Found) -> None:
    assert found({".python-version": "3.9.18\n"}) == [
        ".python-version:1: python: has Python 3.9, but python is 3.11; write 3.11"
    ]
    assert cli.main(["--root", str(root), "guard", "python", "--fix"]) == 0
    assert (root / ".python-version").read_text(encoding="utf-8") == "3.11\n"
