"""Imports and declarations are compared, and what only looks like a mistake is left alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
A = "shared/py/a"
SRC = f"{A}/src/tiny_a"
SHELL = "```bash\npip install odd-name\n```\n"
TRIED = "with suppress(ImportError): import left"


SITE = ".venv/lib/python3.11/site-packages"
UNUSED = " is declared, but not imported or mentioned here"


def installed(name: str, code: str = "", *needs: str, points: str = "") -> dict[str, str]:
    """Return the files of a distribution that is installed, with one module."""
    info = f"{SITE}/{name}-1.dist-info"
    requires = "".join(f"Requires-Dist: {one}\n" for one in needs)
    return {
        f"{SITE}/{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{requires}",
        f"{info}/RECORD": f"{name}.py,,\n",
        f"{info}/entry_points.txt": points,
    }


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["declared"], [A])]


def test_what_is_declared_and_used(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "PyYAML>=6", web=["httpx[http2]>=0.28"], test=["pytest", "pytest-cov"])
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
        ("import importlib\nimportlib.import_module('left.right')", 2),
        ("try:\n    import left\nexcept ImportError as e:\n    raise ImportError('x') from e", 2),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import left", 3),
        ("if not y.left_available():\n    import left", 2),
        ("if TYPE_CHECKING:\n    import left\nelse:\n    right = 1", 2),
        # What is optional for a function, or further down, is none at the top of the module.
        (f"import left\ndef f():\n    {TRIED}", 1),
        (f"from left import right\n{TRIED}", 1),
    ],
)
def test_what_is_not_declared(
    root: Path, package: MakePackage, write: Write, code: str, line: int
) -> None:
    package(A)
    write({f"{SRC}/x.py": code})
    (told,) = found(root)
    assert told.startswith(f"{SRC}/x.py:{line}: declared: imports left")


def test_what_tests_import_is_in_a_group(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package("shared/py/b")
    package(A)
    # What no module imports may be programs, and plugins.
    groups(A, test=["pytest", "idle", "types-left"], bench=["bencher"])
    code = "import pytest, bencher\nif TYPE_CHECKING:\n    import left\n"
    write({f"{SRC}/x.py": "", f"{A}/tests/test_a.py": code})
    assert found(root) == []
    # What only a group brings to a module, rule `extras` tells.
    write({f"{SRC}/x.py": "import pytest\n"})
    assert found(root) == []
    write({f"{A}/tests/test_a.py": f"{code}import tiny_b\n"})
    told = f"declare tiny-b in the group test of [dependency-groups] in {A}/pyproject.toml"
    assert [line.rpartition("; ")[2] for line in found(root)] == [told]
    write({f"{SRC}/x.py": "import tiny_b\n"})
    told = f"declare tiny-b in {A}/pyproject.toml"
    assert [line.rpartition("; ")[2] for line in found(root)] == [told]


def test_who_has_an_extra_for_tests_goes_on_with_it(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package("shared/py/b")
    package(A, test=["pytest"])
    write({f"{A}/tests/test_a.py": "import pytest, tiny_b\n"})
    (told,) = found(root)
    assert told.endswith(f"; declare tiny-b in {A}/pyproject.toml")
    groups(A, docs=[])
    (told,) = found(root)
    assert told.endswith(
        f"; declare tiny-b in the group test of [dependency-groups] in {A}/pyproject.toml"
    )


@pytest.mark.parametrize(
    "code",
    [
        "'''import left'''\n# import left",
        "try:\n    import left\nexcept ImportError:\n    left = None",
        "try:\n    import left\nexcept ImportError:\n    import right as left",
        "try:\n    import left\nexcept ImportError as e:\n    def f():\n        raise e",
        "from contextlib import suppress\nwith suppress(OSError, ImportError):\n    import left",
        "from tiny_a import y\nwith y.OptionalImports('left') as ok:\n    import left.right",
        "from tiny_a import image\nwith image.imports():\n    import left",
        "import pytest\ndef f():\n    pytest.importorskip('left')\n    from left import right",
        "import pytest\npytest.importorskip('left')\nfrom left import right",
        "from tiny_a import y\nif y.left_available():\n    from left import right",
        f"{TRIED}\nif left:\n    from left import right",
        f"def f():\n    {TRIED}\ndef g():\n    from left import right",
        "import importlib\nimportlib.import_module(name)",
        "from . import y\nfrom .y import z\nimport tiny_a.y",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from _typeshed import Incomplete",
        "from __future__ import annotations\nimport __main__",
        "if t.TYPE_CHECKING and x:\n    import left\nelse:\n    left = 1",
        "if TYPE_CHECKING:\n    from left import A\nelse:\n    class A: ...",
    ],
)
def test_what_needs_no_declaration(
    root: Path, package: MakePackage, write: Write, code: str
) -> None:
    package(A, test=["pytest"])
    write({f"{SRC}/x.py": code})
    assert found(root) == []


def test_a_package_of_ours_may_be_asked_for_before_it_is_used(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/b")
    package(A, "tiny-b", "left")
    write({f"{SRC}/x.py": ""})
    (told,) = found(root)
    assert "left is declared, but not imported" in told


def test_stubs_do_for_type_checkers(root: Path, package: MakePackage, write: Write) -> None:
    package(A, test=["types-left"])
    code = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import left\n"
    # Type checkers bring one of these themselves.
    write({f"{SRC}/x.py": f"{code}    import typing_extensions\n"})
    assert found(root) == []
    write({f"{SRC}/y.py": "import left\n"})
    assert len(found(root)) == 1


def test_another_package_is_declared_as_well(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/b", "left")
    package(A)
    write({f"{SRC}/x.py": "import tiny_b, left\n"})
    assert [line.rpartition("; ")[2] for line in found(root)] == [
        f"declare the distribution that provides it in {A}/pyproject.toml",
        f"declare tiny-b in {A}/pyproject.toml",
    ]
    # Of what is pinned and installed, the name is known.
    site = ".venv/lib/python3.11/site-packages/right_hand-1.dist-info"
    write({"constraints.txt": "right-hand==1\n", f"{site}/RECORD": "left/__init__.py,,\n"})
    write({f"{site}/METADATA": "Name: right-hand\nVersion: 1\n"})
    assert found(root)[0].endswith(f"declare right-hand in {A}/pyproject.toml")
    package(A, "tiny-b")
    assert [line.partition(": ")[2] for line in found(root)] == [
        "declared: imports left, which no declared dependency provides;"
        " declare right-hand in shared/py/a/pyproject.toml"
    ]


def test_a_package_without_code_is_a_name_for_what_it_needs(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/b", "tiny-c")
    package("shared/py/c", "tiny-b")
    package(A, "tiny-b")
    (root / "shared/py/b/src/tiny_b/__init__.py").unlink()
    write({f"{SRC}/x.py": "import tiny_c\n"})
    assert found(root) == []


def test_a_set_of_dependencies_declares_what_is_in_it(
    root: Path, package: MakePackage, dependency_set: MakePackage, write: Write
) -> None:
    # Sets in a circle end as well, and packages of the repository can be in one.
    dependency_set("shared/py/base", "up", "tiny-b", "tiny-ml")
    dependency_set("shared/py/ml", "left", "tiny-base", cpu=["right"], gpu=["down"])
    package("shared/py/b", "tiny-c")
    package("shared/py/c")
    package(A, "tiny-ml[cpu]")
    write({f"{SRC}/x.py": "import left, right, tiny_b, up\n"})
    assert found(root) == []
    # Of a set, nothing is unused.
    assert runner.guard(workspace.load(root), ["declared"], ["shared/py/ml"]) == []
    # An extra that is not requested, and what a package with code requires, are luck.
    write({f"{SRC}/x.py": "import down\n", f"{SRC}/y.py": "import tiny_c\n"})
    assert len(found(root)) == 2
    # So is a set that is not named directly.
    package("shared/py/b", "tiny-ml")
    package(A, "tiny-b")
    write({f"{SRC}/x.py": "import left, tiny_b\n", f"{SRC}/y.py": ""})
    (line,) = found(root)
    assert "imports left, which no declared dependency provides" in line


def test_what_is_dynamic_is_not_judged(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    manifest = (root / A / "pyproject.toml").read_text(encoding="utf-8")
    dynamic = manifest.replace("dependencies = []", 'dynamic = ["dependencies"]')
    write({f"{SRC}/x.py": "import left\n", f"{A}/pyproject.toml": dynamic})
    (told,) = found(root)
    assert told.startswith(f"{A}/pyproject.toml:9: declared: warn: what it declares is dynamic")


def test_packages_that_share_a_namespace(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "google-cloud-storage")
    write({f"{A}/src/google/cloud/mine/__init__.py": "from google.cloud import storage\n"})
    assert found(root) == []
    write({f"{SRC}/x.py": "import google.cloud.mine\nfrom google.cloud import storage, vision\n"})
    (told,) = found(root)
    assert told.startswith(f"{SRC}/x.py:2: declared: imports google.cloud.vision")


def test_the_parent_of_a_namespace(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "left-open")
    write({**installed("left_open"), f"{SRC}/x.py": "import left\nimport left.open\n"})
    assert len(found(root)) == 2
    write({f"{SITE}/left_open-1.dist-info/RECORD": "left/open.py,,\n"})
    assert found(root) == []


def test_what_shows_notebooks(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "ipykernel")
    write({**installed("ipykernel"), f"{SRC}/x.py": ""})
    assert unused(root) == ["ipykernel"]
    write({f"{A}/notebooks/x.ipynb": "{}"})
    assert unused(root) == []


def test_what_stands_beside_a_test(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write({f"{A}/tests/deep/test_a.py": "import help, tests.help, other\nfrom ..help import x\n"})
    write({f"{A}/tests/help.py": "", f"{SRC}/x.py": "import help\n"})
    # A conftest.py may put a folder of the package on the path.
    write({f"{A}/scripts/report.py": "", f"{A}/tests/test_report.py": "import report, x\n"})
    assert [line.partition(", which")[0] for line in found(root)] == [
        f"{SRC}/x.py:1: declared: imports help",
        f"{A}/tests/deep/test_a.py:1: declared: imports other",
        f"{A}/tests/test_report.py:1: declared: imports x",
    ]


def test_what_a_test_mocks(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    mock = "import sys\nsys.modules['{}'] = object()\n"
    write({f"{A}/tests/deep/test_a.py": mock.format("left") + "import left.right, above, even\n"})
    write({f"{A}/tests/conftest.py": mock.format("above"), f"{SRC}/x.py": "import above\n"})
    write({f"{A}/tests/deep/test_b.py": "import left\n" + mock.format("left")})
    assert [line.partition(", which")[0] for line in found(root)] == [
        f"{SRC}/x.py:1: declared: imports above",
        f"{A}/tests/deep/test_a.py:3: declared: imports even",
        f"{A}/tests/deep/test_b.py:1: declared: imports left",
    ]


def test_a_guess_is_a_warning(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "odd-name")
    write({f"{SRC}/x.py": "import even\n"})
    (told,) = found(root)
    assert "declared: warn: imports even" in told and "(odd-name: not installed" in told
    write({f"{SRC}/x.py": "import left\n"})
    assert "declared: imports left" in found(root)[0], "left is pinned by its own name"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SRC}/x.py", "try:\n    import odd_name\nexcept ImportError:\n    pass\n"),
        (f"{SRC}/x.py", "APPS = ['odd_name.apps']\n"),
        (f"{A}/scripts/run.sh", "exec odd-name --fast\n"),
        (f"{A}/README.md", "```bash\ncd x && A=1 uv run odd-name --fast\n```\n"),
        (f"{A}/pyproject.toml", "[tool.monorepo.unimported]\nodd-name = 'a driver'\n"),
        (f"{A}/pyproject.toml", "[tool.poe.tasks]\nserve = 'odd-name --fast'\n"),
    ],
)
def test_what_is_used(root: Path, package: MakePackage, write: Write, path: str, text: str) -> None:
    package(A, "odd_name>=1")
    old = (root / path).read_text(encoding="utf-8") if (root / path).exists() else ""
    write({path: old + text})
    assert found(root) == []


def test_what_is_not_used(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "odd_name>=1", "types-x", web=["httpx", "also-odd"], test=["pytest-cov"])
    for name in ("odd_name", "httpx", "also_odd"):
        write(installed(name))
    write({f"{SRC}/x.py": "'''odd_name'''\nimport httpx\n", f"{A}/README.md": f"odd-name\n{SHELL}"})
    assert [line.partition(", but")[0] for line in found(root)] == [
        f"{A}/pyproject.toml:9: declared: odd-name is declared",
        f"{A}/pyproject.toml:11: declared: also-odd is declared",
    ]


def test_an_extra_for_a_migration_may_hold_anything(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, legacy_cpu=["httpx", "pyyaml"])
    write({f"{SRC}/x.py": "import httpx\n"})
    (told,) = found(root)
    assert "pyyaml is declared, but not imported" in told
    text = (root / A / "pyproject.toml").read_text("utf-8")
    write({f"{A}/pyproject.toml": f'{text}\n[tool.monorepo]\nlegacy = ["legacy-cpu"]\n'})
    assert found(root) == []


def test_what_another_one_takes_if_it_is_there_is_used(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "left", "driver", "tester")
    site = ".venv/lib/python3.11/site-packages/left-1.dist-info"
    write({f"{SRC}/x.py": "import left\n", f"{site}/RECORD": "left.py,,\n"})
    extras = "".join(
        f"Requires-Dist: {name}>=1; extra == '{extra}'\n"
        for name, extra in (("driver", "fast"), ("tester", "dev-tests"))
    )
    write({f"{site}/METADATA": f"Metadata-Version: 2.1\nName: left\nVersion: 1\n{extras}"})
    (told,) = found(root)
    assert "tester is declared, but not imported" in told
    package("shared/py/b", db=["tester"])
    package(A, "left", "driver", "tester", "tiny-b")
    write({f"{SRC}/x.py": "import left\nfrom tiny_b import db\n"})
    assert found(root) == []


def test_what_only_holds_back_what_another_one_requires_is_used(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "left", "held>=1,<2", "lower>=1", "other<2", "marked>=1; python_version < '4'")
    site = ".venv/lib/python3.11/site-packages/left-1.dist-info"
    needs = "".join(f"Requires-Dist: {name}\n" for name in ("held", "lower", "marked"))
    write({f"{SRC}/x.py": "import left\n", f"{site}/RECORD": "left.py,,\n"})
    write({f"{site}/METADATA": f"Metadata-Version: 2.1\nName: left\nVersion: 1\n{needs}"})
    told = [line.partition(" is declared, but")[0].rpartition(" ")[2] for line in found(root)]
    assert sorted(told) == ["lower", "marked", "other"]


def test_what_stands_beside_a_script(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write({f"{SRC}/scripts/run.py": "import helper\n", f"{SRC}/scripts/helper.py": ""})
    write({f"{SRC}/run.py": "import helping\n", f"{SRC}/helping.py": ""})
    (told,) = found(root)
    assert told.startswith(f"{SRC}/run.py:1: declared: imports helping")


def unused(root: Path) -> list[str]:
    told = [line.partition(": declared: ")[2].partition("; ")[0] for line in found(root)]
    return [line.replace(UNUSED, "") for line in told]


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        ("try:\n    from driver.deep import x\nexcept ImportError: ...\n", True),
        ("from importlib import import_module\nHAS = {'a': 'driver.deep'}\n", True),
        ("for one in entry_points(group='left.plugins'): ...\n", True),
        ("# driver\nEVENTS = ['driver', 'left.plugins']\nimport drivers\n", False),
    ],
)
def test_what_another_library_loads_is_used(
    root: Path, package: MakePackage, write: Write, code: str, uses: bool
) -> None:
    package(A, "left", "driver")
    write({f"{SRC}/x.py": "import left\n", **installed("left", "", "inner")})
    write(installed("driver", "", points="[left.plugins]\na = driver\n"))
    write(installed("inner", code))
    assert unused(root) == ([] if uses else ["driver"])
    # One that is brought anyway need not be declared to be loaded.
    write(installed("left", "", "inner", "driver"))
    assert unused(root) == ["driver"]
    write(installed("left", "", "inner", "driver; sys_platform == 'win32'"))
    assert unused(root) == []


def test_a_package_of_ours_may_load_it(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/b")
    code = "import slow\ntry:\n    import fast\nexcept ImportError: ...\n"
    write({"shared/py/b/src/tiny_b/x.py": code})
    package(A, "tiny-b", "fast", "slow", "tzdata")
    write({f"{SRC}/x.py": "import tiny_b, zoneinfo\n", **installed("fast"), **installed("slow")})
    write(installed("tzdata"))
    assert unused(root) == ["slow"]


def test_what_is_not_installed_may_load_others(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "left", "right", "windows; sys_platform == 'win32'", test=["pytest"])
    write({f"{SRC}/x.py": "import right, windows\n", **installed("left"), **installed("right")})
    assert unused(root) == ["left"]
    package(A, "left", "heavy", test=["pytest"])
    write({f"{SRC}/x.py": "import heavy\n"})
    assert unused(root) == ["warn: left (heavy: not installed, may load it)"]


def test_src_that_is_a_package(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write({f"{A}/src/deep/x.py": "import src.y\n"})
    assert len(found(root)) == 1
    write({f"{A}/src/__init__.py": ""})
    assert found(root) == []


def test_a_program_is_named_as_it_is_called(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "left")
    points = "[console_scripts]\nturn = left:main\n[gui_scripts]\nshow = left:main\n"
    write({f"{SRC}/x.py": "", **installed("left", points=points)})
    assert unused(root) == ["left"]
    write({f"{A}/Makefile": "dev:\n\tturn around\n"})
    assert unused(root) == []


@pytest.mark.parametrize(
    ("file", "code", "doubt"),
    [
        (f"{SRC}/x.py", "raise ImportError('run `pip install left`')", "says in words"),
        (f"{SRC}/x.py", "raise ImportError('install it.'); x = 'left'", None),
        (f"{SRC}/x.py", "sys.path.insert(0, place)", "changes where"),
        (f"{SRC}/x.py", "if __package__ is None: f()", "stands beside this script"),
        (f"{A}/tests/test_x.py", "def f(p): p.syspath_prepend('.')", "changes where"),
        (f"{A}/tests/test_x.py", "def f(n): sys.modules[n] = 1\nf('left')", "may be made here"),
        (f"{A}/tests/test_x.py", "(tmp_path / 'left.py').write_text('')", ""),
        (f"{A}/tests/test_x.py", "(tmp_path / 'left.txt').write_text('')", None),
        (f"{SRC}/templates/new/x.py", "", ""),
        (f"{SRC}/y/templates/x.py", "", None),
    ],
)
def test_what_may_be_there_all_the_same(
    root: Path, package: MakePackage, write: Write, file: str, code: str, doubt: str | None
) -> None:
    package(A)
    more = {f"{SRC}/y/templates/__init__.py": "", f"{SRC}/left.py": ""}
    write({file: f"import left\n{code}\n", **more})
    told = unused(root)
    error = "imports left, which no declared dependency provides"
    if doubt:
        assert told[0].startswith(f"warn: {error} (") and doubt in told[0]
    else:
        assert told == ([error] if doubt is None else [])
    # Where it is certain in another place, that is told.
    write({f"{SRC}/certain.py": "import left\n"})
    assert unused(root) == [error]


def test_what_the_extra_that_is_asked_of_ours_is_for(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/b", "even", io=["left"])
    package(A, "tiny-b[io]")
    write({f"{SRC}/x.py": "import left, even\n"})
    error = "imports {}, which no declared dependency provides"
    doubt = f"warn: {error.format('left')} (but tiny-b[io] does)"
    assert unused(root) == [error.format("even"), doubt]


def test_what_outside_the_package_makes_it_a_doubt(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "odd-name")
    write({f"{SRC}/x.py": "", **installed("odd_name")})
    write({"constraints.txt": "odd-name==1\n", "README.md": "odd-name", "x.py": "import oddname"})
    write({"words.yaml": "- odd-name\n", "Makefile": "all:\n\tuv run --with odd-name x\n"})
    package("shared/py/b")
    write({"shared/py/b/src/tiny_b/x.py": "import odd_name\n"})
    assert unused(root) == ["odd-name"]
    write({".github/workflows/docs.yml": "run: uv run odd-name -o docs\n"})
    assert unused(root) == ["warn: odd-name (.github/workflows/docs.yml names it)"]
    write({".github/workflows/docs.yml": "", "README.md": "```sh\nuv run odd-name\n```\n"})
    assert unused(root) == ["warn: odd-name (README.md names it)"]
    write({"README.md": "", "shared/py/b/b.spec": "import odd_name\n"})
    assert unused(root) == ["warn: odd-name (shared/py/b/b.spec names it)"]


def test_a_bound_with_its_reason_holds_what_another_one_requires(
    root: Path, package: MakePackage, write: Write
) -> None:
    path = package(A, "left", "held>=1", "free") / "pyproject.toml"
    write({f"{SRC}/x.py": "import left\n", **installed("left", "", "held", "free")})
    write({**installed("held"), **installed("free")})
    may = "warn: held (another one requires it, and its bound may be meant)"
    assert unused(root) == ["free", may]
    text = path.read_text(encoding="utf-8")
    text = text.replace('"held>=1",', '\n# The first with a wheel.\n"held>=1",\n')
    path.write_text(text.replace('"free"', '"free"  # Why?\n'), encoding="utf-8")
    assert unused(root) == ["warn: free (the manifest has a note on it)"]


def test_an_extra_for_who_asks_for_it_here(root: Path, package: MakePackage, write: Write) -> None:
    package(A, io=["left", "right", "even"])
    write({f"{SRC}/io.py": "import even\n"})
    package("shared/py/b", "tiny-a[io]")
    write({"shared/py/b/src/tiny_b/x.py": "from left import deep\n"})
    write({**installed("left"), **installed("right"), **installed("even")})
    assert unused(root) == ["right"]


def test_what_only_seems_missing_may_be_what_seems_unused(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "left", "left-open")
    write({f"{SRC}/x.py": "import right.open, left\n", **installed("left")})
    write(installed("left_open"))
    assert "left-open" in unused(root)
    write({f"{SRC}/x.py": "import left_.open\n", **installed("left")})
    package(A, "left-open")
    assert unused(root) == ["imports left_.open, which no declared dependency provides"]


def test_what_acts_at_the_start_of_python(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "left")
    write({f"{SRC}/x.py": "", **installed("left")})
    assert unused(root) == ["left"]
    write({f"{SITE}/left-1.dist-info/RECORD": "left.py,,\nleft.pth,,\n"})
    assert unused(root) == []


def test_a_project_in_a_package_is_not_the_package(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A)
    code = {f"{A}/tests/project/x.py": "import left\n", f"{SRC}/_templates/x.py": "import left\n"}
    write(code)
    assert len(found(root)) == 1
    write({f"{A}/tests/project/setup.py": ""})
    assert found(root) == []


def test_what_pytest_does_not_reach_is_run_elsewhere(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A)
    write({f"{A}/tests/data/lambda.py": "import left\n", f"{A}/tests/test_x.py": "import even\n"})
    error = "imports {}, which no declared dependency provides"
    left = f"warn: {error.format('left')} (pytest does not reach it)"
    assert unused(root) == [left, error.format("even")]
    write({"constraints.txt": "left==1\n", **installed("left")})
    assert unused(root) == [left, error.format("even")]


def test_what_others_declare_is_forgotten(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write({f"{SRC}/x.py": "def f():\n    import le_ft\n", "constraints.txt": "le-ft==1\n"})
    assert unused(root) == ["imports le_ft, which no declared dependency provides"]


def test_what_stands_at_the_root(root: Path, package: MakePackage, write: Write) -> None:
    package(A)
    write({f"{A}/tests/test_x.py": "import report\n"})
    error = "imports report, which no declared dependency provides"
    assert unused(root) == [error]
    write({"scripts/report.py": ""})
    assert unused(root) == [f"warn: {error} (scripts/report.py is called so)"]


@pytest.mark.parametrize(
    ("code", "more", "doubt"),
    [
        ("import le_ft\nraise ImportError('Run: pip install Le-Ft')", {}, "the code says in words"),
        ("import left_pb2", {}, "a tool makes it"),
        (
            "try:\n    import le_ft.x\nexcept ImportError as e:\n"
            "    raise ImportError('Le-ft is not there. Run: uv add right') from e",
            {},
            "the code says in words",
        ),
        ("import _fast", {"Cargo.toml": "[lib]\nname = '_fast'\n"}, "a tool makes it"),
        (
            "def f():\n    try:\n        import le_ft.x\n"
            "    except ImportError as e:\n        raise RuntimeError from e",
            {},
            "but the code has an answer",
        ),
        ("def f():\n    have('le_ft')\n    import le_ft\n", {}, "but the code names it"),
        ("def f():\n    import le_ft\n", {}, "nobody here declares it"),
        ("image.pip_install(x)\ndef f():\n    import le_ft\n", {}, "but the code has an image"),
        (
            "def f():\n    import more\n    raise Error('pip install `all-that-is-left`')\n",
            {},
            "the code says in words",
        ),
        (
            "def f():\n    import le_ft.x",
            {"src/tiny_a/x.py": "try:\n    import le_ft\nexcept ImportError:\n    le_ft = None"},
            "but shared/py/a/src/tiny_a/x.py has an answer",
        ),
        (
            "import sklearn\nraise Error('install scikit-learn')\n",
            {},
            "the code says in words",
        ),
        (
            "import left",
            {"tests/conftest.py": "import sys\nsys.path.append(HOOKS)\n"},
            "the code changes where",
        ),
        ("import left", {"pytest.ini": "[pytest]\npythonpath = hooks\n"}, "pytest changes where"),
    ],
)
def test_more_that_may_be_there(
    root: Path, package: MakePackage, write: Write, code: str, more: dict[str, str], doubt: str
) -> None:
    package(A)
    write({f"{A}/tests/test_x.py": code, **{f"{A}/{path}": text for path, text in more.items()}})
    (told,) = unused(root)
    assert told.startswith("warn: imports") and f" ({doubt}" in told
