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
MAIN = f"{B}/src/tiny_svc_b/main.py"


def guarded(code: str, extra: str) -> str:
    """Return code that says which extra it needs."""
    inner = code.replace("\n", "\n    ")
    handler = f"except ImportError as e:\n    raise ImportError('tiny-a[{extra}]') from e\n"
    return f"try:\n    {inner}\n{handler}"


def told(root: Path) -> list[str]:
    """Return the findings: the place, the problem and the message."""
    lines = [str(one) for one in runner.guard(workspace.load(root), ["extras"])]
    return [line.replace(": extras.", " ") for line in lines]


def found(root: Path) -> list[str]:
    """Return the findings apart from those about the wording of errors."""
    return [line for line in told(root) if " wording: " not in line]


@pytest.fixture
def split(root: Path, package: MakePackage, write: Write) -> Path:
    """Make a package with a submodule for each extra, and a service that uses one of them."""
    test = ["tiny-a[web,db]", "pytest"]
    package(A, web=["httpx", "uvicorn"], db=["sqlmodel"], test=test)
    write(
        {
            f"{SRC}/__init__.py": "from . import plain\n",
            f"{SRC}/plain.py": "def f():\n    import httpx\n",
            f"{SRC}/web/__init__.py": f"{guarded('import httpx', 'web')}from ..plain import f\n",
            f"{SRC}/web/deep.py": "from typing import TYPE_CHECKING\nimport uvicorn\n",
            f"{SRC}/db.py": guarded("import sqlmodel", "db"),
            f"{A}/tests/test_a.py": "import pytest\nfrom tiny_a import db, web\n",
        }
    )
    package(B, "tiny-a[web]")
    write({MAIN: "from tiny_a.web import deep\n"})
    return root


def test_extras_that_are_asked_for(split: Path) -> None:
    """A2: a service imports what an extra brings because it asks for that extra."""
    assert told(split) == []


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        (
            f"{SRC}/__init__.py",
            "import httpx",
            "1 missing: imports httpx from an extra, without which tiny_a does not import;"
            " declare httpx in dependencies, or import it where it is needed",
        ),
        (
            f"{SRC}/__init__.py",
            "\nfrom .web import x",
            "2 missing: imports tiny_a.web, which needs httpx from an extra, without",
        ),
        (
            f"{SRC}/__init__.py",
            "from . import plain\nfrom . import db",
            "2 missing: imports tiny_a.db, which needs sqlmodel from an extra, without",
        ),
        (
            f"{SRC}/__init__.py",
            "import plain\nimport tiny_a.web, httpx",
            "2 missing: imports httpx",
        ),
        (f"{SRC}/web/more.py", "import sqlmodel", "1 missing: imports sqlmodel, which [web] does"),
        (
            f"{SRC}/web/more.py",
            "import httpx\nimport sqlmodel",
            "2 missing: imports sqlmodel, which [web] does not provide; declare sqlmodel in the"
            " extra web, or split the module",
        ),
        (
            f"{SRC}/db/more.py",
            "import httpx\nimport uvicorn\nimport sqlmodel",
            "1 missing: imports httpx, which [db]",
        ),
        (f"{SRC}/both.py", "from . import web\nfrom . import db", "missing: imports tiny_a."),
        (
            MAIN,
            "import tiny_a.db",
            f"1 unrequested: imports tiny_a.db, which needs tiny-a[db]; ask for tiny-a[db] in {B}",
        ),
        (MAIN, "def f():\n    import tiny_a.db", "2 unrequested: imports tiny_a.db, which needs"),
        (
            f"{B}/tests/test_b.py",
            "from tiny_a import db",
            "1 unrequested: imports tiny_a.db, which needs tiny-a[db]",
        ),
    ],
)
def test_extras_that_are_not(
    split: Path, write: Write, path: str, code: str, expected: str
) -> None:
    write({path: f"{code}\n"})
    lines = found(split)
    assert any(line.startswith(path) and expected in line for line in lines), lines


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    import sqlmodel, httpx",
        "try:\n    import httpx\nexcept ImportError:\n    httpx = None\nfrom .db import x",
        "import typing\nif typing.TYPE_CHECKING:\n    import httpx, sqlmodel, pytest",
        "try:\n    import httpx\nexcept ImportError:\n    try:\n        import sqlmodel\n"
        "    except ImportError:\n        raise",
        "from . import web\nimport httpx\nwith suppress(ImportError):\n    import sqlmodel",
        "if __name__ == '__main__':\n    import sqlmodel, httpx",
        "from . import web\nif os.getenv('DB'):\n    from .db import x\nelse:\n    x = 1",
        "find_spec('httpx')\nif x:\n    import httpx, sqlmodel",
    ],
)
def test_what_may_wait(split: Path, write: Write, code: str) -> None:
    write({f"{SRC}/late.py": f"{code}\n"})
    assert found(split) == []


RAISE, OTHER = "raise ImportError", "raise RuntimeError('tiny-a[web]')"
MODULE = "ModuleNotFound"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"x": "import httpx"}, "x.py:1 wording: imports httpx without an ImportError that names"),
        ({"x": "try:\n    import httpx\nexcept ImportError:\n    raise"}, "x.py:2 wording"),
        ({"x": f"try:\n    import httpx\nexcept ImportError:\n    {RAISE}('x')"}, "x.py:2 wording"),
        ({"x": guarded("import httpx", "db")}, "x.py:2 wording"),
        ({"x": f"try:\n    import httpx\nexcept ImportError:\n    {OTHER}"}, "x.py:2 wording"),
        ({"x": guarded("import httpx", "web").replace("raise Import", f"raise {MODULE}")}, ""),
        ({"x": "'''tiny-a[web]'''\nimport httpx"}, "x.py:2 wording"),
        ({"x": "import httpx\nfrom . import y", "y": guarded("import uvicorn", "web")}, "x.py:1"),
        ({"x": guarded("import httpx", "WEB") + "import uvicorn"}, ""),
        ({"x": "from . import y\nimport httpx", "y": guarded("import uvicorn", "web")}, ""),
        ({"x": "try:\n    import httpx\nexcept ImportError:\n    raise missing('web')"}, ""),
        ({"web/more": "import httpx, uvicorn"}, ""),
    ],
)
def test_the_wording_of_a_missing_extra(
    split: Path, write: Write, files: dict[str, str], expected: str
) -> None:
    write({f"{SRC}/{name}.py": f"{code}\n" for name, code in files.items()})
    lines = told(split)
    assert len(lines) == bool(expected), lines
    fix = "tiny-a[web]; catch ImportError, and raise one that says what to install"
    for line in lines:
        assert line.startswith(f"{SRC}/{expected}") and line.endswith(fix)


@pytest.mark.parametrize(
    ("base", "test", "expected"),
    [
        (["tiny-a", "sqlmodel"], ["pytest"], []),
        (["tiny-a"], ["sqlmodel"], [f"{B}/src/tiny_svc_b/x.py:2 "]),
        (["tiny-a", "rows"], ["pytest"], [f"{B}/src/tiny_svc_b/x.py:2 "]),
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
    lines = found(split)
    assert len(lines) == len(expected)
    assert all(map(str.startswith, lines, expected)), lines


def test_modules_in_a_circle(split: Path, write: Write) -> None:
    write({f"{SRC}/x.py": "from . import y\n", f"{SRC}/y.py": "import httpx\nfrom . import x\n"})
    write({f"{SRC}/z.py": "from .x import a\nimport sqlmodel\n"})
    (line,) = found(split)
    assert line.startswith(f"{SRC}/z.py:")


def test_packages_in_a_circle(root: Path, package: MakePackage, write: Write) -> None:
    package(A, "tiny-c", web=["httpx"])
    package("shared/py/c", "tiny-a")
    write({f"{SRC}/x.py": "import tiny_c.y\nimport httpx\n"})
    write({"shared/py/c/src/tiny_c/y.py": "import tiny_a.x\n"})
    assert any("shared/py/c/src/tiny_c/y.py:1 unrequested: " in line for line in found(root))


def test_tests_have_what_the_extra_test_brings(split: Path, write: Write) -> None:
    manifest = split / A / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8").replace("tiny-a[web,db]", "tiny-a[web]")
    write({f"{A}/pyproject.toml": text})
    (line,) = found(split)
    assert line.startswith(
        f"{A}/tests/test_a.py:2 missing: imports tiny_a.db, which needs sqlmodel"
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
        (
            "import pytest as p\nfrom importlib.util import find_spec\n"
            "if find_spec('rows') is None:\n    p.skip('')",
            0,
        ),
        (
            "import pytest as p, importlib.util as u\n"
            "HAS = u.find_spec('rows')\nif not HAS:\n    p.skip('')",
            0,
        ),
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
    (line,) = found(root)
    assert line.startswith(
        f"{SRC}/__init__.py:1 missing: imports httpx from an extra, without which"
    )


def test_a_fault_is_told_once(root: Path, package: MakePackage, write: Write) -> None:
    package(A, web=["httpx"], db=["sqlmodel"], test=["pytest"])
    write({f"{SRC}/__init__.py": "from .web import a\nfrom .db import b\n"})
    write({f"{SRC}/web.py": "import httpx\n", f"{SRC}/db.py": "import sqlmodel\n"})
    write({f"{A}/tests/test_a.py": "import httpx\nfrom tiny_a.web import a\n"})
    package("shared/py/b", "tiny-a")
    write({"shared/py/b/src/tiny_b/x.py": "from tiny_a.web import a\n"})
    (line,) = found(root)
    assert line.startswith(f"{SRC}/__init__.py:1 missing: imports tiny_a.web, which needs httpx")


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


def test_an_extra_that_a_group_asks_for(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(A, web=["unused"])
    groups(A, test=["left", "tiny-a[wbe]"])
    write({f"{SRC}/x.py": ""})
    (wrong,) = found(root)
    message = "tiny-a[wbe] requests an extra wbe, which tiny-a does not have; ask for one of web"
    assert wrong == f"{A}/pyproject.toml:14 unknown: {message}"


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        (
            {"web": ["httpx"], "test": ["tiny-a[wbe]"]},
            ":12 unknown: tiny-a[wbe] requests an extra wbe",
        ),
        (
            {"web": ["httpx"], "w_b": ["httpx"], "w-b": ["httpx"]},
            ":13 duplicate: the extras w_b and w-b",
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
    (line,) = found(root)
    assert line.startswith(f"{A}/pyproject.toml{expected}")


@pytest.mark.parametrize("what", ["dependencies", "optional-dependencies"])
def test_what_is_dynamic_is_not_judged(
    root: Path, package: MakePackage, write: Write, what: str
) -> None:
    package(A, web=["uvicorn"], test=["httpx"])
    package(B, "tiny-a[docs]")
    write({f"{SRC}/x.py": "import httpx\n", f"{SRC}/y.py": "import uvicorn\n"})
    write({f"{B}/src/tiny_svc_b/x.py": "import tiny_a.y\n"})
    assert len(found(root)) == 2
    manifest = (root / A / "pyproject.toml").read_text(encoding="utf-8")
    empty = "dependencies = []\n"
    write({f"{A}/pyproject.toml": manifest.replace(empty, f"{empty}dynamic = ['{what}']\n")})
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
        "imports right from an extra, without which tiny_a does not import;"
        " declare right in dependencies, or import it where it is needed"
    ]
    package(B, "tiny-ml[gpu]")
    assert any("tiny-ml[gpu] requests an extra gpu" in line for line in found(root))


def test_extras_of_others_exist_as_far_as_one_can_tell(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, "odd[fast]", "even[fast]")
    site = ".venv/lib/python3.11/site-packages/odd-1.dist-info"
    line = "Metadata-Version: 2.1\nName: odd\nVersion: 1\nProvides-Extra: Fa_st\n"
    write({f"{site}/METADATA": line})
    (line,) = found(root)
    assert line.endswith(
        "odd[fast] requests an extra fast, which odd does not have; ask for one of fa-st"
    )
    # What is installed is another version.
    package(A, "odd[fast]>=2")
    assert found(root) == []
