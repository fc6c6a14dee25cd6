"""Drivers, plugins and backends are used though nothing imports them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.dependencies import implicit_use, providers
from monorepo.dependencies.providers import Distributions
from monorepo.guard.repository import Sources

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
A = "shared/py/a"
SITE = ".venv/lib/python3.11/site-packages"


@pytest.fixture
def install(write: Write) -> Callable[..., None]:
    """Install a distribution: its name, its files, and what it requires."""

    def install(name: str, files: dict[str, str], *requires: str, points: str = "") -> None:
        info = f"{SITE}/{name}-1.dist-info"
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1"]
        lines += [f"Requires-Dist: {text}" for text in requires]
        record = "".join(f"{file},,\n" for file in files)
        write({f"{SITE}/{file}": text for file, text in files.items()})
        write({f"{info}/METADATA": "\n".join(lines) + "\n", f"{info}/RECORD": record})
        write({f"{info}/entry_points.txt": points})

    return install


Install = Callable[..., None]


def known(root: Path) -> Distributions:
    """Return the distributions of the repository as it is now."""
    return providers.of(Sources(workspace.load(root)))


def test_a_driver_is_loaded_by_another_one(
    root: Path, package: MakePackage, install: Install
) -> None:
    package(A, "orm", "driver", "other")
    install("orm", {"orm.py": "import driver\n"})
    install("driver", {"driver.py": ""})
    install("other", {"other.py": ""})
    distributions = known(root)
    mine = distributions.space.packages[A]

    def is_needed(name: str) -> bool:
        return implicit_use.is_needed(distributions, mine, name, "", {"orm"})

    assert is_needed("driver")
    assert not is_needed("other")
    # What is installed anyway need not be declared for that.
    assert not implicit_use.is_needed(distributions, mine, "driver", "", {"orm", "driver"})


def test_a_plugin_is_loaded_by_its_group(
    root: Path, package: MakePackage, install: Install
) -> None:
    package(A, "host", "plugin")
    code = "from importlib.metadata import entry_points\nentry_points(group='host.plugins')\n"
    install("host", {"host.py": code})
    install("plugin", {"p.py": ""}, points="[host.plugins]\np = p\n")
    distributions = known(root)
    mine = distributions.space.packages[A]
    assert implicit_use.is_needed(distributions, mine, "plugin", "", {"host"})
    assert not implicit_use.is_needed(distributions, mine, "plugin", "", {"p"})


def test_what_starts_with_python(root: Path, package: MakePackage, install: Install) -> None:
    package(A, "patch")
    install("patch", {"patch.pth": "import patch\n", "patch.py": ""})
    distributions = known(root)
    assert implicit_use.is_needed(
        distributions, distributions.space.packages[A], "patch", "", {*""}
    )


def test_an_extra_that_another_package_requests(
    root: Path, package: MakePackage, write: Write
) -> None:
    package(A, db=["driver"])
    package("shared/py/b", "tiny-a[db]")
    write({"shared/py/b/src/tiny_b/__init__.py": "import driver.pool\n"})
    distributions = known(root)
    mine = distributions.space.packages[A]
    assert implicit_use.is_needed(distributions, mine, "driver", "db", {*""})
    assert not implicit_use.is_needed(distributions, mine, "driver", "", {*""})


def test_what_is_reached_without_one(root: Path, package: MakePackage, install: Install) -> None:
    package(A, "left", "right", test=["tester"])
    install("left", {"left.py": ""}, "deep", 'never; extra == "x"')
    install("deep", {"deep.py": ""}, "deeper")
    distributions = known(root)
    mine = distributions.space.packages[A]
    assert implicit_use.reached(distributions, mine, "right") == {"left", "deep", "deeper"}
    assert implicit_use.reached(distributions, mine, "left") == {"right"}


@pytest.mark.parametrize(
    ("line", "asked", "brought", "expected"),
    [
        ('"x<2",', "x<2", True, True),
        ('"x<2",', "x<2", False, False),
        ('"x>=2",', "x>=2", True, False),
        ('"x>=2",  # CVE', "x>=2", True, True),
        ('"x",', "x", True, False),
        ("\"x; python_version < '4'\",", "x; python_version < '4'", True, False),
    ],
)
def test_bounds(line: str, asked: str, *, brought: bool, expected: bool) -> None:
    text = f"dependencies = [\n{line}\n]"
    assert implicit_use.holds(text, 2, asked, brought=brought)[0] is expected


def test_a_note_above_counts_as_well() -> None:
    assert implicit_use.holds('# CVE\n"x>=2",', 2, "x>=2", brought=True)[0]


@given(st.text("x<>=#\n\"' ,", max_size=40), st.integers(0, 1))
def test_any_manifest_is_looked_at(text: str, line: int) -> None:
    implicit_use.holds(text, line, "x<2", brought=True)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (".github/workflows/ci.yml", "run: gunicorn x\n", True),
        ("Dockerfile", 'CMD ["gunicorn", "x"]\n', True),
        ("README.md", "```sh\ngunicorn x\n```\n", True),
        ("README.md", "It is like gunicorn.\n", False),
        (".github/workflows/ci.yml", "# use gunicorn-like servers\n", False),
        ("notes.txt", "gunicorn x\n", False),
        (f"{A}/Makefile", "gunicorn x\n", False),
    ],
)
def test_files_outside_of_the_package(
    root: Path, package: MakePackage, write: Write, path: str, text: str, *, expected: bool
) -> None:
    package(A)
    write({path: text})
    sources = Sources(workspace.load(root))
    found = implicit_use.elsewhere(sources, sources.space.packages[A], {"gunicorn"})
    assert found == (f"{path} names it" if expected else "")
