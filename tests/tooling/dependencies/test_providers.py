"""Which modules a distribution brings is told by its files, or guessed from its name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.dependencies import providers
from monorepo.dependencies.metadata import roots
from monorepo.dependencies.providers import asks
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
SITE = ".venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["yaml/__init__.py", "yaml/cyaml.py", "_yaml/__init__.py"], {"yaml", "_yaml"}),
        (
            ["google/cloud/storage/__init__.py", "google/cloud/storage/x/y.py"],
            {"google.cloud.storage"},
        ),
        (["six.py", "_cffi.cpython-311-x86_64-linux-gnu.so"], {"six", "_cffi"}),
        (["space/one.py", "space/two.py"], {"space.one", "space.two"}),
        (["../../bin/x.py", "a-b/c.py", "x-1.dist-info/a.py", "data/x.json"], set()),
    ],
)
def test_roots(paths: list[str], expected: set[str]) -> None:
    assert roots(paths) == expected


@given(st.lists(st.text("ab./_-,\0ü", max_size=12)))
def test_any_paths_have_roots(paths: list[str]) -> None:
    assert all(name.isidentifier() for root in roots(paths) for name in root.split("."))


@given(st.text(max_size=40))
def test_any_module_is_looked_up(module: str) -> None:
    declared = providers.Declared({"a.b": {"x"}}, {"c": {"python-c"}}, {"python-c"}, {"d-e": {"y"}})
    assert declared.bringing(module) <= {"x", "python-c"}
    assert declared.bringing("c.d") == {"python-c"}
    assert declared.typing("d.e.f") == {"y"}


def test_a_package_that_asks_for_its_own_extra(root: Path, package: MakePackage) -> None:
    package("shared/py/a", "one", web=["two[x]"], test=["Tiny.A[web]", "three"])
    asked = asks(workspace.load(root).packages["shared/py/a"], ["test"])
    assert asked == {"one": set(), "two": {"x"}, "three": set()}


def test_a_package_whose_group_asks_for_its_own_extra(
    root: Path, package: MakePackage, groups: MakeGroups
) -> None:
    package("shared/py/a", "one", web=["two[x]", "tiny-a[db]"], db=["four", "tiny-a[web]"])
    groups("shared/py/a", test=["Tiny.A[web]", "three"], docs=["five"])
    one = workspace.load(root).packages["shared/py/a"]
    assert asks(one) == {"one": set()}
    found = {"one": set(), "two": {"x"}, "three": set(), "four": set()}
    assert asks(one, groups=["test"]) == found


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("scikit-learn", "sklearn.linear_model"),
        ("PyYAML", "yaml"),
        ("opencv-python", "cv2"),
        ("Pillow", "PIL.Image"),
        ("beautifulsoup4", "bs4"),
        ("python-dateutil", "dateutil"),
        ("markdown-it-py", "markdown_it"),
        ("psycopg2-binary", "psycopg2"),
        ("google-cloud-storage", "google.cloud.storage"),
        ("pytest_cov", "pytest_cov"),
    ],
)
def test_what_is_not_installed_is_told_by_its_name(
    root: Path, package: MakePackage, name: str, module: str
) -> None:
    package("shared/py/a", name)
    space = workspace.load(root)
    declared = providers.Distributions(Sources(space)).declared(space.packages["shared/py/a"])
    assert declared.bringing(module)
    assert not declared.bringing("requests")


def test_what_is_installed_is_told_by_its_files(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/a", "odd-name", "requests-more")
    info = "Metadata-Version: 2.1\nName: Odd_Name\nVersion: 1\n"
    record = 'even/__init__.py,sha256=x,1\n"even/a,b.py",,\nOdd_Name-1.dist-info/RECORD,,\n'
    write({f"{SITE}/Odd_Name-1.dist-info/METADATA": info})
    write({f"{SITE}/Odd_Name-1.dist-info/RECORD": record})
    space = workspace.load(root)
    known = providers.Distributions(Sources(space))
    declared = known.declared(space.packages["shared/py/a"])
    assert declared.bringing("even.more") == {"odd-name"}
    assert declared.bringing("odd_name") == set()


def test_one_without_modules_stands_for_what_it_depends_on(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/a", "whole", "whole-other")
    for name, record in (("whole", ""), ("whole_slim", "whole/__init__.py,,\n")):
        info = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\nRequires-Dist: whole-slim[x]==1\n"
        write({f"{SITE}/{name}-1.dist-info/METADATA": info})
        write({f"{SITE}/{name}-1.dist-info/RECORD": f"{record}{name}-1.dist-info/RECORD,,\n"})
    space = workspace.load(root)
    declared = providers.Distributions(Sources(space)).declared(space.packages["shared/py/a"])
    assert declared.known == {"whole": {"whole"}}
    assert declared.absent == {"whole-other"}


def test_stubs_bring_no_code(root: Path, package: MakePackage, write: Write) -> None:
    package("shared/py/a", "types-odd")
    info = "Metadata-Version: 2.1\nName: types-odd\nVersion: 1\nRequires-Dist: even\n"
    write({f"{SITE}/types_odd-1.dist-info/METADATA": info})
    write({f"{SITE}/types_odd-1.dist-info/RECORD": "odd-stubs/__init__.pyi,,\n"})
    write({f"{SITE}/even-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: even\nVersion: 1\n"})
    write({f"{SITE}/even-1.dist-info/RECORD": "even.py,,\n"})
    space = workspace.load(root)
    declared = providers.Distributions(Sources(space)).declared(space.packages["shared/py/a"])
    assert declared.known == {}
    assert declared.typing("odd.inner") == {"types-odd"}
