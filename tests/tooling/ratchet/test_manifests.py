"""Requirements change where they are written: in pyproject.toml, or in the manifest in EDN."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.manifests import Place
from monorepo.ratchet import manifests
from monorepo.ratchet.needs import Change
from monorepo.ratchet.requests import DEPENDENCIES, EXTRAS

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
CORE, API = "shared/py/core", "services/py/api"
TEST: Place = ("dependency-groups", "test")
SOUND: Place = ("project", EXTRAS, "sound")
OLD = "tiny-core[legacy-cpu]"
PACKAGE = """\
{:package/name "tiny-svc-api" ; its name
 :deps/base [{:pkg "tiny-core" :extras ["legacy-cpu"]} ; for now
             "left>=1"]
 :extras {:sound ["tiny-core[legacy-cpu]>=1"]}
 :dev {:test [{:include-group "docs"} "tiny-core[legacy-cpu]"]
       :docs []}}
"""
SERVICE = """\
{:service/name "tiny-svc-api"
 :deps {:python [{:pkg "tiny-core" :extras ["legacy-cpu"]}]}}
"""


def changed(root: Path, changes: Mapping[Place, Change]) -> dict[str, str]:
    space = workspace.load(root)

    def read(path: str) -> str:
        return (root / path).read_text(encoding="utf-8")

    return manifests.changed(space, space.packages[API], changes, read)


@pytest.fixture
def api(root: Path, package: MakePackage, groups: MakeGroups) -> Path:
    package(CORE, **{"legacy-cpu": [], "io": []})
    folder = package(API, OLD, "left>=1", sound=[f"{OLD}>=1"])
    groups(API, docs=[], other=[])
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f'test = [{{ include-group = "docs" }}, "{OLD}"] # for now\n')
    return folder


CHANGES = {
    DEPENDENCIES: Change({OLD: "tiny-core[io]"}, ["right==1", "tiny-more[a]"]),
    SOUND: Change({f"{OLD}>=1": "tiny-core>=1"}),
    TEST: Change({OLD: None}, ["tiny-core"]),
}


def test_in_toml(root: Path, api: Path) -> None:
    (text,) = changed(root, CHANGES).values()
    manifest = workspace.toml(text)
    assert manifest["project"]["dependencies"] == [
        *("tiny-core[io]", "left>=1", "right==1", "tiny-more[a]")
    ]
    assert manifest["project"]["optional-dependencies"] == {"sound": ["tiny-core>=1"]}
    assert manifest["dependency-groups"]["test"] == [{"include-group": "docs"}, "tiny-core"]
    assert "# for now" in text
    # A group that is not there yet is made.
    (text,) = changed(root, {("dependency-groups", "more"): Change({}, ["x"])}).values()
    assert workspace.toml(text)["dependency-groups"]["more"] == ["x"]


def test_in_a_package_edn(root: Path, api: Path, write: Write) -> None:
    write({f"{API}/package.edn": PACKAGE})
    assert changed(root, CHANGES) == {
        f"{API}/package.edn": """\
{:package/name "tiny-svc-api" ; its name
 :deps/base [{:pkg "tiny-core" :extras ["io"]} ; for now
             "left>=1"
             "right==1"
             "tiny-more[a]"]
 :extras {:sound ["tiny-core>=1"]}
 :dev {:test [{:include-group "docs"} {:pkg "tiny-core"}]
       :docs []}}
"""
    }
    found = changed(root, {("project", EXTRAS, "new"): Change({}, ["tiny-core[io]", "left"])})
    assert ':new [{:pkg "tiny-core" :extras ["io"]} "left"]' in found[f"{API}/package.edn"]


def test_a_service_edn_has_the_dependencies_alone(root: Path, api: Path, write: Write) -> None:
    write({f"{API}/service.edn": SERVICE})
    found = changed(root, {**CHANGES, DEPENDENCIES: Change({OLD: None, "left>=1": "left[x]>=1"})})
    assert sorted(found) == [f"{API}/pyproject.toml", f"{API}/service.edn"]
    # What it needs for what it is configured for was in pyproject.toml alone.
    assert ':deps {:python ["left[x]>=1"]}' in found[f"{API}/service.edn"]
    assert "left[x]" not in found[f"{API}/pyproject.toml"]


@pytest.mark.parametrize(
    ("table", "left"),
    [
        ('[tool.monorepo]\nlegacy = ["Legacy-CPU"]\n', ""),
        ('[tool.monorepo]\nlegacy = ["Legacy-CPU"]\n\n[tool.x]\na = 1\n', "[tool.x]\na = 1\n"),
        ('[tool.monorepo]\nlegacy = ["legacy-cpu"]\nport = 1\n', "[tool.monorepo]\nport = 1\n"),
        (
            '[tool.monorepo]\nlegacy = ["legacy-cpu", "gone"]\n',
            '[tool.monorepo]\nlegacy = ["gone"]\n',
        ),
        (
            '[tool.monorepo]\nlegacy = ["legacy-cpu"]\n\n[tool.monorepo.generate]\n',
            "[tool.monorepo.generate]\n",
        ),
    ],
)
def test_the_marks_go(root: Path, package: MakePackage, table: str, left: str) -> None:
    folder = package(CORE, io=[], **{"Legacy_CPU": ["left"]})
    before = (folder / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(f"{before}\n{table}", encoding="utf-8")
    core = workspace.load(root).packages[CORE]
    (text,) = manifests.without_marks(core, lambda path: (root / path).read_text("utf-8")).values()
    want = before.replace('Legacy_CPU = ["left"]\n', "")
    assert text.rstrip("\n") == f"{want}\n{left}".rstrip("\n")
    assert workspace.toml(text)


def test_the_marks_go_from_a_package_edn(root: Path, package: MakePackage, write: Write) -> None:
    folder = package(CORE, **{"legacy-cpu": ["left"]})
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo]\nlegacy = ["legacy-cpu"]\n')
    write({f"{CORE}/package.edn": '{:extras {:io ["a"]\n          :legacy-cpu ["left"]}}\n'})
    core = workspace.load(root).packages[CORE]
    found = manifests.without_marks(core, lambda path: (root / path).read_text("utf-8"))
    assert found[f"{CORE}/package.edn"] == '{:extras {:io ["a"]}}\n'
    # `make sync` takes it out of there.
    assert "legacy-cpu" in found[f"{CORE}/pyproject.toml"]
    assert "tool.monorepo" not in found[f"{CORE}/pyproject.toml"]
