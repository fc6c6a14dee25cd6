"""What a package imports is compared with what it declares."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
A, B = "shared/py/a", "shared/py/b"
SRC, MANIFEST = f"{A}/src/tiny_a", f"{A}/pyproject.toml"
SITE = ".venv/lib/python3.11/site-packages"
TRIED = "try:\n    import left\nexcept ImportError:\n    left = None"


def installed(name: str, *modules: str, points: str = "") -> dict[str, str]:
    """Return the files of a distribution that is installed."""
    info = f"{SITE}/{name}-1.dist-info"
    return {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/RECORD": "".join(f"{module},,\n" for module in modules or [f"{name}.py"]),
        f"{info}/entry_points.txt": points,
    }


def found(root: Path) -> list[str]:
    """Return the findings in the package A: the place, the problem and the message."""
    told = [str(one) for one in runner.guard(workspace.load(root), ["declared"], [A])]
    return [line.removeprefix(f"{A}/").replace(": declared.", " ") for line in told]


def test_what_is_declared_and_used(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(A, "PyYAML>=6", web=["httpx[http2]>=0.28"])
    groups(A, test=["pytest", "pytest-cov"], lint=["ruff"])
    write({f"{SRC}/__init__.py": "def f():\n    import yaml\n"})
    write({f"{SRC}/web.py": "import os, httpx as h\n", f"{A}/tests/test_a.py": "import pytest"})
    assert found(root) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("import left", 1),
        ("import os, left.right as right", 1),
        ("x = 1; import left", 1),
        ("if x:\n    from left import right", 2),
        ("def f():\n    class A:\n        import left", 3),
        (TRIED, 2),
        ("try:\n    import left\nexcept Exception:\n    pass", 2),
        ("with suppress(ImportError):\n    import left", 2),
        ("if TYPE_CHECKING:\n    import left\nelse:\n    left = 1", 2),
        ("import importlib as il\nil.import_module('left.right')", 2),
        ("from importlib import import_module as load\nload(name='left')", 2),
        ("NAME = 'left'\ndef f():\n    return __import__(NAME)", 3),
        ("import importlib.util\nHAS = importlib.util.find_spec('left') is not None", 2),
        ("import pkgutil\npkgutil.resolve_name('left.right:turn')", 2),
        ("import pytest\npytest.importorskip('left')", 2),
        ("pytest_plugins = ['left.plugin']", 1),
        ("f = 'left'; x = lambda: f.left; import left", 1),
        ("raise ImportError('pip install left')\nimport left", 2),
    ],
)
def test_what_is_not_declared(
    root: Path, package: MakePackage, write: Write, code: str, line: int
) -> None:
    package(A, test=["pytest"])
    write({f"{A}/tests/test_x.py": code})
    (told,) = found(root)
    assert told.startswith(f"tests/test_x.py:{line} missing: imports left")


@pytest.mark.parametrize(
    "code",
    [
        "'''import left'''\n# import left",
        "import importlib\nimportlib.import_module(name)",
        "import importlib\nimportlib.import_module('.left', __package__)",
        "from . import y\nfrom .y import z\nimport tiny_a.y",
        "from __future__ import annotations\nimport __main__, sys, tomllib",
        "if TYPE_CHECKING:\n    from _typeshed import A\n    from typing_extensions import B",
    ],
)
def test_what_needs_no_declaration(
    root: Path, package: MakePackage, write: Write, code: str
) -> None:
    package(A)
    write({f"{SRC}/x.py": code})
    assert found(root) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (f"{SRC}/x.pyi", 1),
        (f"{A}/docs/x.ipynb", 6),
        (f"{A}/scripts/x.py", 1),
        (f"{A}/templates/x.py", 1),
        (f"{A}/conftest.py", 1),
    ],
)
def test_all_files_of_a_package_count(
    root: Path, package: MakePackage, write: Write, path: str, line: int
) -> None:
    package(A)
    cell = {"cell_type": "code", "source": ["import left\n", "%matplotlib inline"]}
    notebook = json.dumps({"cells": [cell]}, indent=1)
    write({path: notebook if path.endswith("ipynb") else "import left\n"})
    (told,) = found(root)
    assert told.startswith(f"{path.removeprefix(f'{A}/')}:{line} missing: imports left")


def test_what_is_no_file_of_a_package(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    script = "# /// script\n# dependencies = ['left']\n# ///\nimport left\n"
    write({f"{A}/noxfile.py": "import nox\n", f"{A}/setup.py": "import setuptools\n"})
    write({f"{A}/scripts/x.py": script, f"{A}/tests/data/x.py": "import left\n"})
    assert len(found(root)) == 1
    write({f"{A}/tests/data/pyproject.toml": ""})
    assert found(root) == []


def test_the_first_place_that_matters_is_told(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(B)
    package(A)
    groups(A, test=["pytest"])
    write({f"{A}/tests/test_a.py": "import left, tiny_b\nimport odd\n"})
    write({f"{SRC}/y.py": "import tiny_b\n\nimport left.x\n"})
    assert found(root) == [
        "src/tiny_a/y.py:1 missing: imports tiny_b, which is not declared;"
        f" declare tiny-b in {MANIFEST}",
        "src/tiny_a/y.py:3 missing: imports left.x, which is not declared;"
        f" declare left in {MANIFEST}",
        "tests/test_a.py:2 missing: imports odd, which is not declared;"
        " run make install, or declare the distribution that provides it in the group test of"
        f" {MANIFEST}",
    ]


def test_who_has_an_extra_for_tests_goes_on_with_it(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, test=["pytest"])
    write({f"{A}/tests/test_a.py": "import pytest, left\n"})
    (told,) = found(root)
    assert told.endswith(f"declare left in {MANIFEST}")


@pytest.mark.parametrize(
    ("code", "is_misplaced"),
    [
        ("import left", True),
        ("def f():\n    import left.deep", True),
        ("try:\n    import left\nexcept ImportError:\n    raise", True),
        ("import importlib\nimportlib.import_module('left')", True),
        (TRIED, False),
        (f"{TRIED}\nimport left.deep", False),
        ("from importlib.util import find_spec\nif find_spec('left'):\n    import left", False),
        ("if TYPE_CHECKING:\n    import left", False),
    ],
)
def test_a_group_counts_in_src_for_what_the_code_can_do_without(
    root: Path,
    package: MakePackage,
    groups: MakeGroups,
    write: Write,
    code: str,
    *,
    is_misplaced: bool,
) -> None:
    package(A)
    groups(A, docs=["left"])
    write({f"{SRC}/x.py": code, f"{SRC}/test_x.py": "import left\n"})
    told = found(root)
    assert [" misplaced: imports left" in line for line in told] == [True] * is_misplaced
    package(A, test=["left"])
    assert len(found(root)) == is_misplaced
    package(A, some=["left"])
    assert found(root) == []


def test_a_tool_for_tests_is_none_for_users(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "pytest", "left", "right")
    write({**installed("left", points="[pytest11]\nx = left\n"), **installed("right")})
    write({f"{A}/tests/test_a.py": "import pytest, left, right\n"})
    fix = "; move it to the group test of [dependency-groups]"
    assert found(root) == [
        f"pyproject.toml:9 misplaced: declares {name} for users, and only tests import it{fix}"
        for name in ("left", "pytest")
    ]
    write({f"{SRC}/plugin.py": "import pytest, left\n"})
    assert found(root) == []


def test_entry_points(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "right")
    text = (root / MANIFEST).read_text("utf-8")
    scripts = '[project.scripts]\na = "tiny_a:main"\nb = "left.cli:main"\n'
    points = '[project.entry-points."x.y"]\nc = "right.deep"\nd = "json"\n'
    write({MANIFEST: f"{text}\n{scripts}\n{points}"})
    (told,) = found(root)
    message = "missing: has an entry point b in left.cli, which is not declared"
    assert told.startswith("pyproject.toml:") and message in told


def test_an_import_of_a_service_is_for_another_rule(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("services/py/s")
    package(A)
    write({f"{SRC}/x.py": "import tiny_svc_s\n"})
    assert found(root) == []


def test_what_cannot_be_read_is_for_another_rule(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "left")
    write({f"{SRC}/x.py": "import (\n"})
    assert not any("left" in line for line in found(root))


def test_stubs_are_for_type_checkers(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "types-left", "types-odd")
    write(
        {f"{SRC}/x.py": "if TYPE_CHECKING:\n    import left.deep\n", f"{SRC}/y.pyi": "import left"}
    )
    assert [line.partition(";")[0] for line in found(root)] == [
        "pyproject.toml:9 unused: declares types-odd, which is not imported"
    ]
    write({f"{SRC}/y.py": "import left\n"})
    assert found(root)[1].startswith("src/tiny_a/y.py:1 missing: imports left")


def test_what_another_package_declares_does_not_count(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(B, "left", io=["right"])
    package(A, "tiny-b[io]")
    write({f"{SRC}/x.py": "import tiny_b, left, right\n"})
    assert [line.partition(",")[0] for line in found(root)] == [
        "src/tiny_a/x.py:1 missing: imports left",
        "src/tiny_a/x.py:1 missing: imports right",
    ]


def test_the_name_of_what_is_pinned_is_known(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "odd-name")
    write({f"{SRC}/x.py": "import even, odd, le_ft\n", **installed("odd_name", "odd.py")})
    write({"constraints.txt": "right-hand==1\nle-ft==1\n"})
    write(installed("right_hand", "even/__init__.py"))
    assert [line.rpartition("; ")[2] for line in found(root)] == [
        f"declare right-hand in {MANIFEST}",
        f"declare le-ft in {MANIFEST}",
    ]


def test_what_is_not_installed_is_known_by_its_name(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "PyYAML", "beautifulsoup4", "psycopg2-binary", "odd-name", "scikit-learn")
    write({f"{SRC}/x.py": "import bs4, yaml, psycopg2, sklearn\n"})
    (told,) = found(root)
    assert told.startswith("pyproject.toml:9 unused: declares odd-name")
    # Where it is not known what provides an import, it may be that one.
    write({f"{SRC}/y.py": "import even\n"})
    (told,) = found(root)
    assert told.endswith(
        f"; run make install, or declare the distribution that provides it in {MANIFEST}"
    )


@pytest.mark.parametrize(
    ("module", "file", "text"),
    [
        ("fast", "setup.py", "setup(ext_modules=[CMakeExtension('fast')])\n"),
        ("fast.x.y", "setup.py", "made = st.RustExtension(target='fast.x')\nsetup()\n"),
        ("fast.x", "pyproject.toml", "[[tool.setuptools.ext-modules]]\nname = 'fast.x'\n"),
        ("fast", "pyproject.toml", "[[tool.setuptools-rust.ext-modules]]\ntarget = 'fast'\n"),
        ("fast._x", "pyproject.toml", "[tool.maturin]\nmodule-name = 'fast._x'\n"),
        ("fast", "Cargo.toml", "[package]\nname = 'x'\n[lib]\nname = 'fast'\n"),
        ("fast_x", "Cargo.toml", "[package]\nname = 'fast-x'\n"),
    ],
)
def test_modules_that_the_build_makes(
    root: Path, package: MakePackage, write: Write, module: str, file: str, text: str
) -> None:
    manifest = package(A) / "pyproject.toml"
    write({f"{SRC}/x.py": f"import {module}\n"})
    assert len(found(root)) == 1
    maturin = manifest.read_text("utf-8").replace('"backend"', '"maturin"')
    files = {MANIFEST: maturin if "setup" not in text else manifest.read_text("utf-8")}
    write({**files, f"{A}/{file}": files.get(f"{A}/{file}", "") + text})
    assert found(root) == []
    write({f"{SRC}/y.py": "import faster\n"})
    assert len(found(root)) == 1


def test_packages_that_share_a_namespace(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "google-cloud-storage")
    write({f"{A}/src/google/cloud/mine/__init__.py": "from google.cloud import storage\n"})
    assert found(root) == []
    write({f"{SRC}/x.py": "import google.cloud.mine\nfrom google.cloud import storage, vision\n"})
    (told,) = found(root)
    assert told.startswith("src/tiny_a/x.py:2 missing: imports google.cloud.vision")
    write({f"{SRC}/x.py": "from google.cloud import mine\nfrom google.cloud import mine, vision\n"})
    (told, *_) = found(root)
    assert told.startswith("src/tiny_a/x.py:2 missing: imports google.cloud.vision")


def test_the_line_of_what_is_unused(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    text = (root / MANIFEST).read_text("utf-8")
    write({MANIFEST: text.replace("= []\n[", '= [\n  "left-out",\n  "left",\n]\n[')})
    write({f"{SRC}/x.py": "import left_out\n"})
    (told,) = found(root)
    assert told.startswith("pyproject.toml:11 unused: declares left,")


def test_the_parent_of_a_namespace(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "left-open")
    write({**installed("left_open"), f"{SRC}/x.py": "import left\nimport left.open\n"})
    assert len(found(root)) == 2
    write(installed("left_open", "left/open.py"))
    assert found(root) == []


def test_a_set_of_dependencies_declares_what_is_in_it(
    root: Path, package: MakePackage, dependency_set: MakePackage, write: Write
) -> None:
    # Sets in a circle end as well, and packages of the repository can be in one.
    dependency_set("shared/py/base", "up", "tiny-b", "tiny-ml")
    dependency_set("shared/py/ml", "left", "tiny-base", cpu=["right"], gpu=["down"])
    package(B, "tiny-c")
    package("shared/py/c")
    package(A, "tiny-ml[cpu]")
    write({f"{SRC}/x.py": "import left, right, tiny_b, up\n"})
    assert found(root) == []
    # Of a set, nothing is unused.
    assert runner.guard(workspace.load(root), ["declared"], ["shared/py/ml"]) == []
    # An extra that is not requested, and what a package with code requires, are luck.
    write({f"{SRC}/x.py": "import down\n", f"{SRC}/y.py": "import tiny_c\n"})
    assert len(found(root)) == 2


@pytest.mark.parametrize("texts", ["import json", "LEFT = 'left.apps'", "'''left'''"])
def test_what_is_not_imported_is_unused(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write, texts: str
) -> None:
    package(A, "left>=1", "tiny-b", web=["httpx", "also-odd"], docs=["sphinx", "furo"], one=["up"])
    package(B)
    groups(A, test=["pytest-cov"])
    write({f"{SRC}/x.py": f"{texts}\nimport httpx\n", f"{A}/Makefile": "dev:\n\tleft\n"})
    fix = "; remove it, or list it with a reason in [tool.monorepo.unimported]"
    more = "; remove it, move tools to a group, or list each in [tool.monorepo.unimported]"
    assert found(root) == [
        f"pyproject.toml:9 unused: declares left, which is not imported{fix}",
        f"pyproject.toml:11 unused: declares also-odd, which is not imported{fix}",
        f"pyproject.toml:12 unused: has an extra docs, of which nothing is imported{more}",
        f"pyproject.toml:13 unused: declares up, which is not imported{fix}",
    ]
    reasons = "".join(f"{one} = 'x'\n" for one in ("Left", "also_odd", "sphinx", "furo", "up"))
    text = (root / MANIFEST).read_text("utf-8")
    write({MANIFEST: f"{text}\n[tool.monorepo.unimported]\n{reasons}"})
    assert found(root) == []


@pytest.mark.parametrize("path", ["tests/test_x.py", "docs/x.ipynb", "scripts/x.py", "src/x.pyi"])
def test_any_file_uses_it(root: Path, package: MakePackage, write: Write, path: str) -> None:
    package(A, "left")
    cell = {"cell_type": "code", "source": "import left"}
    text = json.dumps({"cells": [cell]}) if path.endswith("ipynb") else "import left\n"
    write({f"{A}/{path}": text})
    assert found(root) == []


def test_an_extra_for_a_migration_may_hold_anything(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, legacy_cpu=["httpx", "pyyaml"])
    write({f"{SRC}/x.py": "import httpx\n"})
    (told,) = found(root)
    assert "declares pyyaml" in told
    text = (root / MANIFEST).read_text("utf-8")
    mark = '\n[tool.monorepo]\nlegacy = ["legacy-cpu"]\n'
    write({MANIFEST: f"{text}{mark}"})
    assert found(root) == []
    # Who requests it has what it holds.
    package(B, "right", legacy_cpu=["left"])
    text = (root / B / "pyproject.toml").read_text("utf-8")
    package(A, "tiny-b[legacy-cpu]")
    write({f"{SRC}/x.py": "import left\n"})
    assert len(found(root)) == 1
    write({f"{B}/pyproject.toml": f"{text}{mark}"})
    assert found(root) == []
    write({f"{SRC}/x.py": "import right\n"})
    assert len(found(root)) == 1


def test_dynamic_dependencies(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    text = (root / MANIFEST).read_text(encoding="utf-8")
    dynamic = text.replace("dependencies = []", 'dynamic = ["dependencies"]')
    write({f"{SRC}/x.py": "import left\n", MANIFEST: dynamic})
    (told,) = found(root)
    assert told.startswith("pyproject.toml:9 dynamic: has dynamic dependencies")


def test_what_stands_beside_a_file(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write({f"{A}/tests/deep/test_a.py": "import help, tests.help, other\nfrom ..help import x\n"})
    write({f"{A}/tests/help.py": "", f"{SRC}/x.py": "import help\n"})
    # A conftest.py may put a folder of the package on the path.
    write({f"{A}/scripts/report.py": "", f"{A}/tests/test_report.py": "import report\n"})
    write({f"{A}/src/loose/run.py": "import helper\n", f"{A}/src/loose/helper.py": ""})
    assert [line.partition(", which")[0] for line in found(root)] == [
        "src/tiny_a/x.py:1 missing: imports help",
        "tests/deep/test_a.py:1 missing: imports other",
    ]


def test_what_a_test_mocks(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write(
        {f"{A}/tests/test_a.py": "import sys\nsys.modules['left'] = object()\nimport left.right\n"}
    )
    assert found(root) == []
    write({f"{A}/tests/test_b.py": "import left\n"})
    assert len(found(root)) == 1
