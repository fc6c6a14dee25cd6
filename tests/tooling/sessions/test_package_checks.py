"""What is proven of a Python package: its extras hold what they say, its wheel what it should."""

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.environments.isolated import Clean
from monorepo.sessions import package_checks
from monorepo.system.errors import TaskError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeWheel = Callable[..., None]
Extras = Callable[..., list[str]]

FAST = """\
try:
    import left
except ModuleNotFoundError as error:
    raise ImportError("ask for Tiny-Core[{extra}]") from error
"""
PROJECT = """\
[project]
name = "tiny-core"
version = "1.0"
license = "MIT"
requires-python = ">= 3.11, <4"
"""


@pytest.fixture
def clean(root: Path, tmp_path: Path, uv: Path) -> Clean:
    """Make an environment for shared/py/core as nox does."""
    python, folder = root / ".venv/bin/python", tmp_path / "clean"
    subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True)
    return Clean(workspace.load(root), str(folder), {"shared/py/core": ()})


@pytest.fixture
def extras(
    root: Path, package: MakePackage, wheel: MakeWheel, write: Write, clean: Clean
) -> Extras:
    """Write a package with extras and modules, and prove its extras."""
    wheel("left", "1.0", files={"left.py": ""})

    def extras(modules: dict[str, str], **wanted: list[str]) -> list[str]:
        package("shared/py/core", **wanted)
        write({f"shared/py/core/src/tiny_core/{name}.py": text for name, text in modules.items()})
        space = workspace.load(root)
        environment = Clean(space, clean.path, clean.wanted)
        return list(package_checks.extras(environment, space.packages["shared/py/core"]))

    return extras


@pytest.mark.slow
def test_good_extras(extras: Extras) -> None:
    modules = {
        "fast": FAST.format(extra="f_ast"),
        "plain": "",
        "sub/__init__": FAST.format(extra="f-ast"),
        "sub/more": "raise ImportError('ask for tiny-core[gpu]')",
        # Never installed because it is there: nobody says what it needs.
        "huge": "raise ImportError('ask for tiny-core[gpu]')",
    }
    assert extras(modules, f_ast=["left"], gpu=["cuda"], test=[]) == []


@pytest.mark.slow
def test_bad_extras(extras: Extras) -> None:
    modules = {
        "bare": "import left",
        "misspelt": FAST.format(extra="fats"),
        "other": "raise ImportError('ask for someone-core[fast]')",
        "poor": "raise ImportError('ask for tiny-core[fast]')",
        "sub/__init__": FAST.format(extra="fast"),
        "sub/deep": "import nowhere",
        "unlucky": "import sys\nif 'left' in sys.modules: raise OSError('no\\nroom')\n",
        "wrong": "1 / 0",
    }
    declare = "declare what it needs, or raise an ImportError naming tiny-core[extra]"
    assert extras(modules, fast=["left"]) == [
        "tiny_core.bare: does not import without extras: ModuleNotFoundError: No module named"
        f" 'left'; {declare}",
        "tiny_core.misspelt: does not import without extras: ImportError: ask for"
        f" Tiny-Core[fats]; {declare}",
        "tiny_core.other: does not import without extras: ImportError: ask for"
        f" someone-core[fast]; {declare}",
        "tiny_core.wrong: does not import without extras: ZeroDivisionError: division by zero;"
        f" {declare}",
        "tiny_core.poor: does not import with [fast]: ImportError: ask for tiny-core[fast];"
        " add it there",
        "tiny_core.sub.deep: does not import with [fast]: ModuleNotFoundError: No module named"
        " 'nowhere'; add it there",
        "tiny_core.unlucky: does not import with [fast]: OSError: no room; add it there",
    ]


@pytest.mark.slow
def test_the_top_needs_no_extra(extras: Extras) -> None:
    assert extras({"__init__": FAST.format(extra="fast")}, fast=["left"]) == [
        "tiny_core: does not import without extras: ImportError: ask for Tiny-Core[fast];"
        " declare what it needs"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 3])
def test_a_module_that_ends_the_interpreter(extras: Extras, code: int) -> None:
    with pytest.raises(TaskError, match="shared/py/core: importing it ended the interpreter"):
        extras({"__init__": f"import os; os._exit({code})"})


SOURCES = {
    "tiny_core/__init__.py": "",
    "tiny_core/fast.py": "raise ImportError('ask for tiny-core[fast]')",
    "tiny_core/py.typed": "",
}
METADATA = """\
Metadata-Version: 2.4
Name: tiny-core
Version: 1.0
License-Expression: MIT
License-File: LICENSE
Requires-Python: <4,>=3.11
"""
INFO = "tiny_core-1.0.dist-info"
WHEEL = {
    **SOURCES,
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/RECORD": "",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/licenses/LICENSE": "MIT",
}
SDIST = ("pyproject.toml", "PKG-INFO", "LICENSE")
Proven = Callable[..., list[str]]


@pytest.fixture
def proven(root: Path, write: Write, clean: Clean) -> Proven:
    """Write sources, a wheel and an sdist, and prove the wheel."""

    def proven(
        changed: dict[str, str | None],
        sources: dict[str, str] = SOURCES,
        sdist: tuple[str, ...] = SDIST,
        project: str = PROJECT,
    ) -> list[str]:
        folder = root / "shared/py/core"
        write({f"shared/py/core/src/{name}": text for name, text in sources.items()})
        made = {"tiny_core/__pycache__/x.pyc": "", "tiny_core.egg-info/PKG-INFO": ""}
        write({f"shared/py/core/src/{name}": text for name, text in made.items()})
        write({"shared/py/core/pyproject.toml": project, "shared/py/core/dist/.keep": ""})
        with zipfile.ZipFile(folder / "dist/tiny_core-1.0-py3-none-any.whl", "w") as archive:
            for name, text in {**WHEEL, **changed}.items():
                if text is not None:
                    archive.writestr(name, text)
        with tarfile.open(folder / "dist/tiny_core-1.0.tar.gz", "w:gz") as tar:
            for name in sdist:
                tar.addfile(tarfile.TarInfo(f"tiny_core-1.0/{name}"), io.BytesIO())
        space = workspace.load(root)
        environment = Clean(space, clean.path, clean.wanted)
        return list(package_checks.wheel(environment, space.packages["shared/py/core"]))

    return proven


def test_a_good_wheel(proven: Proven, clean: Clean) -> None:
    assert proven({}) == []
    code = "import tiny_core; print(tiny_core.__file__)"
    told = subprocess.check_output([clean.python, "-I", "-c", code], text=True)
    assert told.startswith(str(clean.folder))


def test_the_wheel_of_a_set_of_dependencies_is_metadata_alone(proven: Proven) -> None:
    project = PROJECT + "[tool.setuptools]\npackages = []\n"
    assert proven(dict.fromkeys(SOURCES), {}, project=project) == []
    where = "shared/py/core: the wheel"
    assert proven({**dict.fromkeys(SOURCES), "stray.py": ""}, {}, project=project) == [
        f"{where} has stray.py, which is not in src/; fix [tool.setuptools]"
    ]


def test_what_a_wheel_lacks_and_has_too_much(proven: Proven) -> None:
    where = "shared/py/core: the wheel"
    sources = {**SOURCES, "tiny_core/data.json": "{}"}
    changed = {"tiny_core/py.typed": None, "tests/test_it.py": "", "stray/__init__.py": ""}
    assert proven({**changed}, sources, ("PKG-INFO",)) == [
        f"{where} lacks src/tiny_core/data.json; name it in [tool.setuptools.package-data]",
        f"{where} lacks src/tiny_core/py.typed; name it in [tool.setuptools.package-data]",
        f"{where} has stray/__init__.py, which is not in src/; fix [tool.setuptools]",
        f"{where} has tests/test_it.py, which is not in src/; fix [tool.setuptools]",
        f"{where} lacks tiny_core/py.typed; add it to src/ and to package-data",
        "shared/py/core: the sdist lacks pyproject.toml; see MANIFEST.in",
        "shared/py/core: the sdist lacks LICENSE; see MANIFEST.in",
    ]


def test_what_a_wheel_says(proven: Proven) -> None:
    where, fix = "shared/py/core: the wheel", "fix pyproject.toml"
    project = PROJECT.replace("1.0", "1.1").replace("MIT", "BSD-3-Clause").replace("<4", "<5")
    assert proven({f"{INFO}/licenses/LICENSE": None}, project=project) == [
        f"{where} says version '1.0', not '1.1'; {fix}",
        f"{where} says license-expression 'MIT', not 'BSD-3-Clause'; {fix}",
        f"{where} says requires-python '<4,>=3.11', not '>= 3.11, <5'; {fix}",
        f"{where} has no text of its licence; add LICENSE",
    ]
    silent = "Metadata-Version: 2.4\nName: tiny-core\nVersion: 1.0\n"
    found = proven({f"{INFO}/METADATA": silent}, project=PROJECT)
    assert [line.partition(" says ")[2].partition(" ")[0] for line in found] == [
        *("license-expression", "requires-python", ""),
    ]


@pytest.mark.slow
def test_a_wheel_that_does_not_import(proven: Proven) -> None:
    broken = {"tiny_core/fast.py": "import nowhere"}
    assert proven({**broken}, {**SOURCES, **broken}) == [
        "tiny_core.fast: does not import from the wheel: ModuleNotFoundError: No module named"
        " 'nowhere'; see shared/py/core"
    ]


def test_there_is_one_wheel(proven: Proven, write: Write) -> None:
    write({"shared/py/core/dist/tiny_core-0.9-py3-none-any.whl": ""})
    assert proven({}) == [
        "shared/py/core/dist: has 2 wheels and 1 sdists instead of one each; run make build"
    ]
