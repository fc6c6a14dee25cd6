"""Distributions come from the sources alone, and those of published packages have ranges."""

import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from monorepo.core import workspace
from monorepo.core.workspace import Package
from monorepo.delivery import distributions
from monorepo.system.errors import TaskError, UsageError

Buildable = Callable[..., Path]
CORE, API = "shared/py/core", "services/py/api"


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    """Set a umask, until the test ends."""
    before = os.umask(0o022)
    yield lambda mask: (os.umask(mask), None)[1]
    os.umask(before)


def wheel(root: Path, path: str, out: Path) -> Path:
    """Build a wheel in a new folder and return it."""
    space = workspace.load(root)
    out.mkdir()
    python = root / ".venv/bin/python"
    distributions.build(space, space.packages[path], python, out, sdist=False)
    (file,) = out.iterdir()
    return file


def metadata(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return archive.read(name).decode().splitlines()


def manifest(root: Path, path: str) -> str:
    space = workspace.load(root)
    return distributions.published_manifest(space, space.packages[path])


def refused(root: Path, path: str) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        manifest(root, path)
    return caught.value.mistakes


def test_a_wheel_has_the_same_bytes_whatever_is_around_its_sources(
    root: Path, buildable: Buildable, uv: Path, tmp_path: Path, umask: Callable[[int], None]
) -> None:
    folder = buildable(CORE)
    (root / "LICENSE").write_text("Mine.\n", encoding="utf-8")
    (folder / "src/tiny_core/run.sh").touch(0o755)
    first = wheel(root, CORE, tmp_path / "one")

    umask(0o077)
    for name in ("dist", "build", "htmlcov", ".nox", "src/tiny_core/__pycache__", "src/x.egg-info"):
        (folder / name).mkdir()
        (folder / name / "left.py").touch()
    for file in folder.rglob("*.py"):
        file.chmod(0o660)
        os.utime(file, (1, 1))
    second = wheel(root, CORE, tmp_path / "two")

    assert second.read_bytes() == first.read_bytes()
    with zipfile.ZipFile(first) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes["tiny_core/run.sh"] == 0o755
    assert {mode for name, mode in modes.items() if name != "tiny_core/run.sh"} == {0o644}
    assert "tiny_core-1.0.dist-info/licenses/LICENSE" in modes
    (folder / "src/tiny_core/new.py").touch()
    assert wheel(root, CORE, tmp_path / "three").read_bytes() != first.read_bytes()


def test_a_package_keeps_its_own_licence(
    root: Path, buildable: Buildable, uv: Path, tmp_path: Path
) -> None:
    folder = buildable(CORE)
    (root / "LICENSE").write_text("The team's.\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Another's.\n", encoding="utf-8")
    with zipfile.ZipFile(wheel(root, CORE, tmp_path / "out")) as archive:
        assert archive.read("tiny_core-1.0.dist-info/licenses/LICENSE") == b"Another's.\n"


def test_dist_is_replaced_when_both_are_built_and_not_before(
    root: Path, buildable: Buildable, uv: Path
) -> None:
    folder = buildable(CORE)
    (folder / "dist").mkdir()
    (folder / "dist/tiny_core-0.9-py3-none-any.whl").touch()
    (folder / "FAILS").touch()
    space = workspace.load(root)
    package, python = space.packages[CORE], root / ".venv/bin/python"
    with pytest.raises(TaskError, match="no compiler"):
        distributions.replace(space, package, python)
    assert os.listdir(folder / "dist") == ["tiny_core-0.9-py3-none-any.whl"]

    (folder / "FAILS").unlink()
    distributions.replace(space, package, python)
    made = ["tiny_core-1.0-py3-none-any.whl", "tiny_core-1.0.tar.gz"]
    assert sorted(os.listdir(folder / "dist")) == made
    assert (folder / "dist").stat().st_mode & 0o077, "only its owner can read it"


def test_published_distributions_require_compatible_versions(
    root: Path, buildable: Buildable, uv: Path, tmp_path: Path
) -> None:
    buildable(CORE, published=True, version="1.4.2", io=[])
    buildable("shared/py/audio", published=True, version="0.3.1")
    requires = ["tiny-core[io]", "left>=1", "tiny-audio==0.3.*"]
    extras = {"all": ["tiny-api[io]", 'tiny-core ; python_version < "4"'], "io": ["tiny-audio"]}
    folder = buildable("shared/py/api", *requires, published=True, **extras)

    text = manifest(root, "shared/py/api")
    project = workspace.toml(text)["project"]
    assert project["dependencies"] == ["tiny-core[io]<2,>=1.4.2", "left>=1", "tiny-audio==0.3.*"]
    assert project["optional-dependencies"] == {
        "all": ["tiny-api[io]", 'tiny-core<2,>=1.4.2; python_version < "4"'],
        "io": ["tiny-audio<0.4,>=0.3.1"],
    }
    before = (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert "Requires-Dist: tiny-core[io]<2,>=1.4.2" in metadata(
        wheel(root, "shared/py/api", tmp_path / "out")
    )
    space = workspace.load(root)
    distributions.replace(space, space.packages["shared/py/api"], root / ".venv/bin/python")
    with tarfile.open(folder / "dist/tiny_api-1.0.tar.gz") as archive:
        shipped = archive.extractfile("tiny_api-1.0/pyproject.toml")
        assert shipped
        assert shipped.read().decode() == text
    assert (folder / "pyproject.toml").read_text(encoding="utf-8") == before


def test_private_distributions_require_what_their_manifest_says(
    root: Path, buildable: Buildable, uv: Path, tmp_path: Path
) -> None:
    buildable(CORE)
    buildable(API, "tiny-core")
    assert "Requires-Dist: tiny-core" in metadata(wheel(root, API, tmp_path / "out"))


def test_what_is_published_requires_nothing_private(root: Path, buildable: Buildable) -> None:
    buildable(CORE)
    buildable("shared/py/api", "tiny-core", published=True, io=["tiny_core>=1"])
    fix = "publish it as well: remove its classifier Private :: Do Not Upload"
    assert refused(root, "shared/py/api") == tuple(
        f"shared/py/api/pyproject.toml: {text}: {CORE} is not published; {fix}"
        for text in ("tiny-core", "tiny_core>=1")
    )


def test_a_notation_that_cannot_be_replaced_is_refused(root: Path, buildable: Buildable) -> None:
    buildable(CORE, published=True)
    folder = buildable("shared/py/api", "tiny-core", published=True)
    file = folder / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"tiny-core"', r'"tiny\u002dcore"'), encoding="utf-8")
    (told,) = refused(root, "shared/py/api")
    assert told.endswith("; write each as a plain string without escapes")


def test_the_same_text_elsewhere_in_the_manifest_is_left_alone(
    root: Path, buildable: Buildable
) -> None:
    """E7: an extra, a group and a setting may have the name of a package, and so may a comment."""
    buildable(CORE, published=True)
    file = buildable("shared/py/api", "tiny-core", published=True) / "pyproject.toml"
    first = """[tool.first]
known = ["tiny-core", 'tiny-core']
said = "needs \\"tiny-core\\", 'tiny-core'"
"""
    last = """[project.optional-dependencies]
"tiny-core" = ['tiny-core', "left"]

[dependency-groups]
"tiny-core" = ["tiny-core"]
test = [{include-group = "tiny-core"}]  # "tiny-core"
"""
    text = file.read_text(encoding="utf-8").replace("[project.optional-dependencies]\n", "")
    text = text.replace("[project]", f"{first}\n[project]")
    file.write_text(f"{text}\n{last}", encoding="utf-8")
    before, text = file.read_text(encoding="utf-8"), manifest(root, "shared/py/api")
    made, was, ranged = workspace.toml(text), workspace.toml(before), "tiny-core<2,>=1.0"
    assert made["project"]["dependencies"] == [ranged]
    assert made["project"]["optional-dependencies"] == {"tiny-core": [ranged, "left"]}
    assert made["dependency-groups"] == {
        "tiny-core": [ranged],
        "test": [{"include-group": "tiny-core"}],
    }
    assert made["tool"]["first"] == was["tool"]["first"]
    assert text.count('# "tiny-core"') == 1


def test_a_version_that_is_not_static_is_refused(root: Path, buildable: Buildable) -> None:
    core = buildable(CORE, published=True) / "pyproject.toml"
    text = core.read_text(encoding="utf-8").replace('version = "1.0"', 'dynamic = ["version"]')
    core.write_text(text, encoding="utf-8")
    buildable("shared/py/api", "tiny-core", published=True)
    (told,) = refused(root, "shared/py/api")
    assert told == f"{CORE}/pyproject.toml: has no static version; write one, such as 0.1.0"


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.sampled_from(["", "rc1", ".post2"]))
def test_a_range_has_its_version_and_not_the_next_breaking_one(
    numbers: list[int], suffix: str
) -> None:
    text = ".".join(map(str, numbers)) + suffix
    package = Package(Path(), CORE, {"project": {"version": text}})
    versions, version = distributions.compatible(package), Version(text)
    assert versions.contains(version, prereleases=True)
    assert versions.contains(f"{version.major}.{version.minor}.{version.micro + 1}")
    later = version.minor + 1
    assert versions.contains(f"{version.major}.{later}") == (version.major > 0)
    assert not versions.contains(f"{version.major + 1}")
