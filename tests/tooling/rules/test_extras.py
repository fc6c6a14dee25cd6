"""What an extra brings is imported where the extra is asked for, and nowhere else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
A, B = "shared/py/a", "services/py/b"
SRC = f"{A}/src/tiny_a"


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["extras"])]


@pytest.fixture
def split(root: Path, package: MakePackage, write: Write) -> Path:
    """Make a package with a submodule for each extra, and a service that uses one of them."""
    test = ["tiny-a[web,db]", "pytest"]
    package(A, web=["httpx", "uvicorn"], db=["sqlmodel"], test=test)
    write(
        {
            f"{SRC}/__init__.py": "from . import plain\n",
            f"{SRC}/plain.py": "def f():\n    import httpx\n",
            f"{SRC}/web/__init__.py": "import httpx\nfrom ..plain import f\n",
            f"{SRC}/web/deep.py": "from typing import TYPE_CHECKING\nimport uvicorn\n",
            f"{SRC}/db.py": "try:\n    import sqlmodel\nexcept ImportError:\n    raise\n",
            f"{A}/tests/test_a.py": "import pytest\nfrom tiny_a import db, web\n",
        }
    )
    package(B, "tiny-a[web]")
    write({f"{B}/src/tiny_svc_b/main.py": "from tiny_a.web import deep\n"})
    return root


def test_extras_that_are_asked_for(split: Path) -> None:
    """A2: a service imports what an extra brings because it asks for that extra."""
    assert found(split) == []


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        (
            f"{SRC}/__init__.py",
            "import httpx",
            "1: extras: imports httpx, without which tiny_a does",
        ),
        (
            f"{SRC}/__init__.py",
            "\nfrom .web import x",
            "2: extras: imports tiny_a.web, which needs httpx, without",
        ),
        (
            f"{SRC}/__init__.py",
            "from . import plain\nfrom . import db",
            "2: extras: imports tiny_a.db, which needs sqlmodel, without",
        ),
        (f"{SRC}/plain.py", "import tiny_a.db", ""),
        (f"{SRC}/web/more.py", "import sqlmodel", "1: extras: imports sqlmodel, which [web]"),
        (
            f"{SRC}/web/more.py",
            "import httpx\nimport sqlmodel",
            "2: extras: imports sqlmodel, which [web]",
        ),
        (
            f"{SRC}/db/more.py",
            "import httpx\nimport uvicorn\nimport sqlmodel",
            "1: extras: imports httpx, which [db]",
        ),
        (f"{SRC}/both.py", "from . import web\nfrom . import db", "extras: imports tiny_a."),
        (
            f"{SRC}/late.py",
            "def f():\n    import pytest",
            "2: extras: imports pytest, which only the extra test",
        ),
        (
            f"{B}/src/tiny_svc_b/main.py",
            "import tiny_a.db",
            "an extra of tiny-a that is not requested (sqlmodel); ask for tiny-a[db]",
        ),
        (
            f"{B}/tests/test_b.py",
            "from tiny_a import db",
            "1: extras: imports tiny_a.db, which needs an extra",
        ),
    ],
)
def test_extras_that_are_not(
    split: Path, write: Write, path: str, code: str, expected: str
) -> None:
    write({path: f"{code}\n"})
    told = found(split)
    if not expected:
        path, expected = f"{SRC}/__init__.py", "imports tiny_a.plain, which needs sqlmodel"
    assert any(line.startswith(path) and expected in line for line in told), told


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    import sqlmodel, httpx",
        "try:\n    import httpx\nexcept ImportError:\n    httpx = None\nfrom .db import x",
        "import typing\nif typing.TYPE_CHECKING:\n    import httpx, sqlmodel, pytest",
        "import sys\nhas = 'httpx' in sys.modules\nif has:\n    import httpx, sqlmodel",
        "try:\n    import a\n    ok = True\nexcept ImportError:\n    ok = False\n"
        "if not ok:\n    pass\nelse:\n    import httpx, sqlmodel",
        "try:\n    import httpx\nexcept ImportError:\n    try:\n        import sqlmodel\n"
        "    except ImportError:\n        raise",
        "import httpx\nwith raises(ImportError):\n    import sqlmodel",
        "if __name__ == '__main__':\n    import sqlmodel, httpx",
        "import os, httpx\nif os.getenv('DB'):\n    from .db import x\nelse:\n    x = 1",
    ],
)
def test_what_may_wait(split: Path, write: Write, code: str) -> None:
    write({f"{SRC}/late.py": f"{code}\n"})
    assert found(split) == []


@pytest.mark.parametrize(
    ("base", "test", "expected"),
    [
        (["tiny-a", "sqlmodel"], ["pytest"], []),
        (["tiny-a"], ["sqlmodel"], [f"{B}/src/tiny_svc_b/x.py:2: "]),
        (["tiny-a", "rows"], ["pytest"], [f"{B}/src/tiny_svc_b/x.py:2: ", f"{B}/tests/test_b.py"]),
        (["tiny-a", "rows-binary"], ["pytest"], []),
    ],
)
def test_what_an_extra_brings_may_be_asked_for_beside_it(
    split: Path,
    package: MakePackage,
    write: Write,
    base: list[str],
    test: list[str],
    expected: list[str],
) -> None:
    package(B, *base, test=test)
    site = ".venv/lib/python3.11/site-packages/rows_binary-1.dist-info"
    write({f"{site}/METADATA": "Metadata-Version: 2.1\nName: rows-binary\n"})
    write({f"{site}/RECORD": "sqlmodel/__init__.py,,\n"})
    write({f"{B}/src/tiny_svc_b/main.py": "", f"{B}/src/tiny_svc_b/x.py": "\nimport tiny_a.db\n"})
    write({f"{B}/tests/test_b.py": "from tiny_a.db import x\n"})
    told = found(split)
    assert len(told) == len(expected)
    assert all(map(str.startswith, told, expected)), told


@pytest.mark.parametrize(
    ("path", "code", "doubt"),
    [
        (f"{B}/src/tiny_svc_b/x.py", "import httpx", "tiny-a[web] does"),
        (f"{B}/tests/test_b.py", "import uvicorn", "tiny-a[web] does"),
        (f"{B}/src/tiny_svc_b/x.py", "import more", None),
        (f"{B}/tests/test_b.py", "import rows", None),
        (f"{SRC}/x.py", "try:\n    import pytest_x\nexcept ImportError:\n    raise E", None),
        (
            f"{SRC}/x.py",
            "try:\n    import pytest_x\nexcept ImportError:\n    raise E('Install Pytest_x.')",
            "says in words",
        ),
        (f"{SRC}/x.py", "import httpx, sqlmodel\nE = 'install sqlmodel'", "says in words"),
        (f"{SRC}/x.py", "import sqlmodel, uvicorn, httpx\nE = 'install sqlmodel'", None),
        (f"{SRC}/__init__.py", "import sqlmodel\nE = 'install sqlmodel'", None),
        (f"{SRC}/__init__.py", "def f():\n    import pytest_x\nE = 'install pytest-x'", "in words"),
        (f"{SRC}/x.py", "# /// script\nimport pytest_x", "says itself"),
        (f"{SRC}/testing.py", "import pytest_x", "may be for tests"),
        (f"{SRC}/attesting.py", "import pytest_x", None),
        (f"{SRC}/x.py", "def f():\n    import pytest_x\nA = 'pytest-x[a]>=2'", "the code names it"),
        (f"{SRC}/x.py", "def f():\n    import pytest_x\nA = 'pytest-x it'", None),
        (f"{SRC}/x.py", "import pytest_x\nA = 'pytest_x'", None),
        (f"{SRC}/x.py", "def f():\n    a.pytest_x.ask()\n    import pytest_x", "the code names"),
        (f"{SRC}/x.py", "def f():\n    import pytest_x as a\n    b = {'pytest_x': a}", None),
        (f"{SRC}/tried/deep.py", "import pytest_x", "tiny_a.late does without"),
        (f"{SRC}/other/deep.py", "import pytest_x", None),
        (f"{B}/tests/test_b.py", "import tiny_a.db", "tiny-c does"),
        (f"{B}/tests/test_b.py", "skip('', allow_module_level=1)\nimport rows", "skipped"),
    ],
)
def test_where_it_may_be_there_all_the_same_it_warns(
    split: Path, package: MakePackage, write: Write, path: str, code: str, doubt: str | None
) -> None:
    web, db = ["httpx", "uvicorn"], ["sqlmodel", "uvicorn"]
    package(A, web=web, db=db, test=["tiny-a[web,db]", "pytest-x"])
    package("shared/py/c", "tiny-a[db]", "sqlmodel", "rows")
    more = ["uvicorn", "sqlmodel", "rows"]
    package(B, "tiny-a[web]", "tiny-c", test=["httpx", "more"], more=more)
    tried = "".join(f"        import tiny_a.{one}\n" for one in ("tried", "other"))
    tried = f"import tiny_a.other.more\ndef f():\n    if so.is_imported('x'):\n{tried}"
    write({f"{SRC}/late.py": tried, path: f"{code}\n"})
    (told,) = [one for one in found(split) if one.startswith(path)]
    assert (": warn: " in told) == (doubt is not None), told
    assert (doubt or "") in told


def test_modules_in_a_circle(split: Path, write: Write) -> None:
    write({f"{SRC}/x.py": "from . import y\n", f"{SRC}/y.py": "import httpx\nfrom . import x\n"})
    write({f"{SRC}/z.py": "from .x import a\nimport sqlmodel\n"})
    (told,) = found(split)
    assert told.startswith(f"{SRC}/z.py:")


def test_packages_in_a_circle(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "tiny-c", web=["httpx"])
    package("shared/py/c", "tiny-a")
    write({f"{SRC}/x.py": "import tiny_c.y\nimport httpx\n"})
    write({"shared/py/c/src/tiny_c/y.py": "import tiny_a.x\n"})
    assert any("shared/py/c/src/tiny_c/y.py:1: extras: " in line for line in found(root))


def test_tests_have_what_the_extra_test_brings(split: Path, write: Write) -> None:
    manifest = split / A / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8").replace("tiny-a[web,db]", "tiny-a[web]")
    write({f"{A}/pyproject.toml": text})
    (told,) = found(split)
    assert told.startswith(
        f"{A}/tests/test_a.py:2: extras: imports tiny_a.db, which needs sqlmodel"
    )
    write(
        {f"{A}/tests/test_a.py": "import pytest as p\np.importorskip('sqlmodel')\nimport sqlmodel"}
    )
    assert found(split) == []


@pytest.mark.parametrize(
    ("before", "count"),
    [
        ("import sys\nsys.modules['sqlmodel'] = object()", 0),
        ("import pytest as p\np.importorskip('sqlmodel')", 0),
        ("import pytest as p\np.importorskip('tiny_a.db')", 0),
        ("import pytest as p\np.importorskip('rows')", 0),
        ("import pytest as p\np.importorskip('uvicorn')", 1),
        ("import sys\nsys.modules['rows'] = object()", 1),
        ("try:\n    import rows\nexcept ImportError:\n    raise unittest.SkipTest('no rows')", 0),
        ("import pytest as p\nif find_spec('rows') is None:\n    p.skip('')", 0),
        ("import pytest as p\nHAS = 'rows' in sys.modules\nif not HAS:\n    p.skip('')", 0),
        ("import pytest as p\nif not find_spec('rows'):\n    raise ValueError", 1),
        ("import sys\nsys.modules['other'] = object()", 1),
        ("import sys\ndef f(m):\n    m.setitem(sys.modules, 'sqlmodel', object())", 1),
    ],
)
def test_a_test_may_do_without_what_its_subject_needs(
    split: Path, write: Write, before: str, count: int
) -> None:
    manifest = split / A / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8").replace("tiny-a[web,db]", "tiny-a[web]")
    write({f"{A}/pyproject.toml": text.replace('"sqlmodel"', '"sqlmodel", "rows"')})
    write({f"{A}/tests/test_a.py": f"{before}\nfrom tiny_a.db import x"})
    assert len(found(split)) == count


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("tests/e2e/functions/upload.py", 0),
        ("tests/e2e/helpers.py", 1),
        ("tests/e2e/inner/deep.py", 1),
        ("tests/e2e/inner/__init__.py", 1),
        ("tests/e2e/test_it.py", 1),
        ("src/tiny_a/tests/helpers.py", 0),
        ("src/tiny_a/web/test_web.py", 1),
    ],
)
def test_what_pytest_neither_collects_nor_imports_is_run_elsewhere(
    root: Path, package: MakePackage, write: Write, path: str, count: int
) -> None:
    package(A, db=["sqlmodel"], test=["pytest"])
    write({f"{A}/tests/e2e/test_a.py": "import helpers\nimport other.x\n"})
    write({f"{A}/tests/e2e/helpers.py": "from .inner import deep\n"})
    before = "from .inner import deep\n" if path.endswith("helpers.py") else ""
    write({f"{A}/{path}": f"{before}import pytest\nimport sqlmodel\n"})
    assert len(found(root)) == count


@pytest.mark.parametrize(
    ("path", "code", "points", "count"),
    [
        ("more.py", "import mypy.nodes", "", 1),
        ("ext/mypy_plugin.py", "import mypy.nodes", "", 0),
        ("ext/mypy_plugin.py", "import httpx", "", 1),
        ("more.py", "import pytest", '[project.entry-points.pytest11]\nx = "tiny_a.more"', 0),
        ("other.py", "import pytest", '[project.entry-points.pytest11]\nx = "tiny_a.more"', 1),
        ("more.py", "class A:\n    def _ipython_display_(self):\n        import IPython", "", 0),
        ("more.py", "def f():\n    import IPython\n    return IPython.get_ipython()", "", 0),
        ("more.py", "def f():\n    import IPython", "", 1),
    ],
)
def test_who_loads_a_module_is_there(
    root: Path,
    package: MakePackage,
    write: Write,
    path: str,
    code: str,
    points: str,
    count: int,
) -> None:
    package(A, test=["mypy", "pytest", "IPython", "httpx"])
    manifest = (root / A / "pyproject.toml").read_text(encoding="utf-8")
    write({f"{A}/pyproject.toml": f"{manifest}\n{points}\n", f"{SRC}/{path}": f"{code}\n"})
    assert len(found(root)) == count


def test_what_conftest_tries_its_tests_may_do_without(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, db=["sqlmodel"], test=["pytest"])
    write({f"{A}/tests/db/test_a.py": "import sqlmodel\n"})
    late = "try:\n        import sqlmodel\n    except ImportError:\n        pass"
    write({f"{A}/tests/conftest.py": f"def f():\n    {late}"})
    assert len(found(root)) == 1
    write({f"{A}/tests/conftest.py": "try:\n    import sqlmodel\nexcept ImportError:\n    pass"})
    assert found(root) == []


@pytest.mark.parametrize("path", ["my-app/x.py", "{{ name }}/x.py", "2to3.py"])
def test_what_is_no_module_is_run_elsewhere(
    root: Path, package: MakePackage, write: Write, path: str
) -> None:
    package(A, test=["httpx"])
    write({f"{SRC}/new/{path}": "import httpx\n"})
    assert found(root) == []


def test_of_several_tops_one_is_the_package(root: Path, package: MakePackage, write: Write) -> None:
    package(A, web=["httpx"])
    write({f"{A}/src/{file}": "import httpx\n" for file in ("server/__init__.py", "loose/x.py")})
    assert found(root) == []
    write({f"{SRC}/__init__.py": "import httpx\n"})
    (told,) = found(root)
    assert told.startswith(f"{SRC}/__init__.py:1: extras: imports httpx, without which tiny_a does")


def test_a_fault_is_told_once(root: Path, package: MakePackage, write: Write) -> None:
    package(A, web=["httpx"], db=["sqlmodel"], test=["pytest"])
    write({f"{SRC}/__init__.py": "from .web import a\nfrom .db import b\n"})
    write({f"{SRC}/web.py": "import httpx\n", f"{SRC}/db.py": "import sqlmodel\n"})
    write({f"{A}/tests/test_a.py": "import httpx\nfrom tiny_a.web import a\n"})
    package("shared/py/b", "tiny-a")
    write({"shared/py/b/src/tiny_b/x.py": "from tiny_a.web import a\n"})
    (told,) = found(root)
    assert told.startswith(f"{SRC}/__init__.py:1: extras: imports tiny_a.web, which needs httpx")


@pytest.fixture
def grouped(root: Path, package: MakePackage, groups: MakeGroups, write: Write) -> Path:
    """Make a package with an extra, whose tests have what groups bring."""
    package(A, web=["httpx"])
    groups(A, test=["tiny-a[web]", "pytest"], Bench=["bencher", "tiny-b[io]"])
    package("shared/py/b", io=["pandas"])
    write(
        {
            f"{SRC}/web.py": "import httpx\n",
            f"{A}/tests/test_a.py": "import pytest, bencher\nfrom tiny_a import web\n",
            f"{A}/tests/test_b.py": "from tiny_b import io\n",
            "shared/py/b/src/tiny_b/io.py": "import pandas\n",
        }
    )
    return root


def test_groups_are_for_tests(grouped: Path) -> None:
    assert found(grouped) == []


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        (f"{SRC}/x.py", "import pytest", "imports pytest, which only the group test provides"),
        (f"{SRC}/x.py", "import bencher", "imports bencher, which only the group bench provides"),
        (f"{SRC}/x.py", "def f(): import pytest", "imports pytest, which only the group test"),
        (f"{SRC}/x.py", "import tiny_b", "imports tiny_b, which only the group bench provides"),
        (f"{SRC}/tests/test_x.py", "import pytest", ""),
        # The code has an answer, and a plugin is brought by its program.
        (f"{SRC}/x.py", "try:\n    import pytest\nexcept ImportError:\n    pytest = None", ""),
        (f"{SRC}/pytest_plugin.py", "import pytest", ""),
        ("shared/py/b/tests/test_x.py", "from tiny_b import io", "which the group test does not"),
    ],
)
def test_what_only_a_group_brings(
    grouped: Path, write: Write, path: str, code: str, expected: str
) -> None:
    write({path: f"{code}\n"})
    told = found(grouped)
    assert len(told) == bool(expected), told
    assert all(line.startswith(f"{path}:1: extras: ") and expected in line for line in told)


def test_an_extra_that_a_group_asks_for(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(A, web=["unused"])
    groups(A, test=["left", "tiny-a[wbe]"])
    write({f"{SRC}/x.py": ""})
    dead, wrong = found(root)
    assert "the extra web is not requested" in dead
    message = "tiny-a[wbe] requests an extra wbe, which tiny-a does not have; ask for one of web"
    assert wrong == f"{A}/pyproject.toml:14: extras: {message}"


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        (
            {"web": ["httpx"], "test": ["tiny-a[wbe]"]},
            ":12: extras: tiny-a[wbe] requests an extra wbe",
        ),
        ({"web": ["httpx"], "Dead_One": []}, ":12: extras: the extra dead-one is not requested"),
        (
            {"web": ["httpx"], "w_b": ["httpx"], "w-b": ["httpx"]},
            ":13: extras: the extras w_b and w-b",
        ),
    ],
)
def test_manifests(
    root: Path,
    package: MakePackage,
    write: Write,
    extras: dict[str, list[str]],
    expected: str,
) -> None:
    package(A, **extras)
    write({f"{SRC}/x.py": "import httpx\n"})
    (told,) = found(root)
    assert told.startswith(f"{A}/pyproject.toml{expected}")


def test_an_extra_that_is_spoken_of_is_not_dead(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, lint=["ruff"])
    write({"README.md": "the lint in [lint] is no extra\n"})
    assert len(found(root)) == 1
    write({"README.md": 'pip install "tiny-a[all, lint]"\n'})
    assert found(root) == []
    write({"README.md": "uv sync --all-extras\n"})
    assert found(root) == []


def test_an_extra_for_a_migration_waits_for_those_who_ask_for_it(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, legacy_cpu=["httpx"])
    write({f"{SRC}/x.py": ""})
    assert len(found(root)) == 1
    manifest = root / A / "pyproject.toml"
    text = manifest.read_text("utf-8")
    write({f"{A}/pyproject.toml": f'{text}\n[tool.monorepo]\nlegacy = ["legacy-cpu"]\n'})
    assert found(root) == []


def test_an_extra_of_extras_lives_as_long_as_they(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(
        A, "left", csv=["pandas"], every=["tiny-a[csv]"], none=["left", "tiny-a[empty]"], empty=[]
    )
    write({f"{SRC}/csv.py": "import pandas\nLOADS = 'odd_name.apps'\n"})
    (told,) = found(root)
    assert "the extra none is not requested" in told
    package("shared/py/b", odd=["odd-name"], also=["httpx"])
    write({"shared/py/b/src/tiny_b/x.py": "LOADS = 'odd_name.apps'\n"})
    assert [line.partition(" is not requested")[0].rpartition(" ")[2] for line in found(root)] == [
        "none",
        "also",
    ]


@pytest.mark.parametrize("what", ["dependencies", "optional-dependencies"])
def test_what_is_dynamic_is_not_judged(
    root: Path, package: MakePackage, write: Write, what: str
) -> None:
    package(A, web=["uvicorn"], test=["httpx"])
    package(B, "tiny-a[docs]")
    write({f"{SRC}/x.py": "import httpx\n", f"{SRC}/y.py": "import uvicorn\n"})
    write({f"{B}/src/tiny_svc_b/x.py": "import tiny_a.y\n"})
    assert len(found(root)) == 3
    manifest = (root / A / "pyproject.toml").read_text(encoding="utf-8")
    empty = "dependencies = []\n"
    write({f"{A}/pyproject.toml": manifest.replace(empty, f"{empty}dynamic = ['{what}']\n")})
    assert found(root) == []


def test_an_extra_of_a_public_package_may_be_for_others(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, csv=["pandas"])
    assert len(found(root)) == 1
    manifest = (root / A / "pyproject.toml").read_text(encoding="utf-8")
    write({f"{A}/pyproject.toml": manifest.replace("Private :: Do Not Upload", "Typing :: Typed")})
    assert found(root) == []


def test_the_extras_of_a_set_of_dependencies(
    root: Path, package: MakePackage, dependency_set: MakePackage, write: Write
) -> None:
    # There to be chosen from, but a choice that there is not is none.
    dependency_set("shared/py/ml", "idle", cpu=["right"], tpu=["up"])
    package(A, "left", fast=["tiny-ml[cpu]"])
    write({f"{SRC}/__init__.py": "import left\n", f"{SRC}/fast.py": "import right\n"})
    package(B, "tiny-a[fast]")
    write({f"{B}/src/tiny_svc_b/main.py": "import tiny_a.fast\n"})
    assert found(root) == []
    write({f"{SRC}/__init__.py": "import left, right\n"})
    assert [line.partition(": ")[2] for line in found(root)] == [
        "extras: imports right, without which tiny_a does not import; declare it in the right"
        " place in shared/py/a/pyproject.toml, or import it where it is needed"
    ]
    package(B, "tiny-ml[gpu]")
    assert any("tiny-ml[gpu] requests an extra gpu" in line for line in found(root))


def test_what_a_module_imports_itself_comes_first(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, web=["httpx"])
    write({f"{SRC}/__init__.py": "from tiny_a import x\nimport httpx\n"})
    write({f"{SRC}/x.py": "import httpx\n"})
    (told,) = found(root)
    assert told.startswith(f"{SRC}/__init__.py:2: extras: imports httpx, without which")


def test_extras_of_others_exist_as_far_as_one_can_tell(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "odd[fast]", "even[fast]")
    site = ".venv/lib/python3.11/site-packages/odd-1.dist-info"
    told = "Metadata-Version: 2.1\nName: odd\nVersion: 1\nProvides-Extra: Fa_st\n"
    write({f"{site}/METADATA": told})
    (told,) = found(root)
    assert told.endswith(
        "odd[fast] requests an extra fast, which odd does not have; ask for one of fa-st"
    )
    # What is installed is another version.
    package(A, "odd[fast]>=2")
    assert found(root) == []
