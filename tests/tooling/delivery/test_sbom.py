"""What is written of a package of this repository can be taken for nobody else's."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from monorepo.delivery import sbom
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]


def component(name: str, version: str, ref: str = "", **more: object) -> dict[str, Any]:
    """Return a component with a package URL, as the programs list them."""
    url = f"pkg:pypi/{name}@{version}"
    return {"name": name, "version": version, "bom-ref": ref or url, "purl": url, **more}


# As cyclonedx-py does it: what is editable is listed twice, once with the path of this machine.
PLACE = [{"type": "distribution", "url": "file:///home/me/acme"}]
BOM: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "serialNumber": "urn:uuid:1",
    "metadata": {
        "timestamp": "now",
        "component": {"name": "tiny-svc-api", "version": "1.0", "bom-ref": "root"},
    },
    "components": [
        component("left", "2.0", "left"),
        component("Tiny_Core", "1.0", "one"),
        component("tiny-core", "1.0", "two", externalReferences=PLACE),
        component("tiny-svc-api", "1.0", "three", externalReferences=PLACE),
        component("right", "3.0", "right"),
    ],
    "dependencies": [
        {"ref": "root", "dependsOn": ["two", "three"]},
        {"ref": "one", "dependsOn": ["left"]},
        {"ref": "two"},
        {"ref": "left", "dependsOn": ["right"]},
    ],
}


@pytest.fixture
def space(root: Path, package: MakePackage) -> workspace.Workspace:
    package("shared/py/core")
    package("services/py/api", "tiny-core")
    return workspace.load(root)


def test_packages_of_the_repository_have_no_url(space: workspace.Workspace) -> None:
    made = sbom.without_local(copy.deepcopy(BOM), space)
    assert made["metadata"]["component"]["bom-ref"] == "tiny-svc-api@1.0"
    assert [one["bom-ref"] for one in made["components"]] == ["left", "right", "tiny-core@1.0"]
    assert [one.get("purl") for one in made["components"]] == [
        "pkg:pypi/left@2.0",
        "pkg:pypi/right@3.0",
        None,
    ]
    assert "file:" not in str(made) and "serialNumber" not in made
    assert "timestamp" not in made["metadata"]
    assert made["dependencies"] == [
        {"ref": "left", "dependsOn": ["right"]},
        {"ref": "right", "dependsOn": []},
        {"ref": "tiny-core@1.0", "dependsOn": ["left"]},
        {"ref": "tiny-svc-api@1.0", "dependsOn": ["tiny-core@1.0"]},
    ]


@pytest.mark.parametrize(("more", "url"), [("", None), ("public = true\n", "pkg:pypi/left@2.0")])
def test_nor_have_those_of_a_private_index(
    space: workspace.Workspace, more: str, url: str | None
) -> None:
    with (space.root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo.indexes.corp]\nurl = "https://packages.example.com/simple"\n')
        file.write(f'names = ["left"]\n{more}')
    made = sbom.without_local(copy.deepcopy(BOM), workspace.load(space.root))
    left = next(one for one in made["components"] if one["name"] == "left")
    assert left.get("purl") == url


def test_nor_have_those_of_npm(javascript: Path) -> None:
    manifest = javascript / "shared/js/core/package.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"name": "@tiny/core"}', encoding="utf-8")
    main = {"group": "@tiny", "name": "core", "version": "1.0", "bom-ref": "x", "purl": "pkg:npm/x"}
    other = {"name": "core", "version": "1.0", "bom-ref": "y", "purl": "pkg:npm/core@1.0"}
    bom = {"metadata": {"component": main}, "components": [other]}
    made = sbom.without_local(bom, workspace.load(javascript))
    assert made["metadata"]["component"] == {
        **{"group": "@tiny", "name": "core", "version": "1.0", "bom-ref": "@tiny/core@1.0"}
    }
    assert made["components"] == [other]


def test_what_github_is_told(space: workspace.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sbom.without_local(copy.deepcopy(BOM), space)
    monkeypatch.setattr(sbom, "_made", lambda _, packages: [(one, made) for one in packages])
    api = space.packages["services/py/api"]
    told = {"GITHUB_SHA": "a" * 40, "GITHUB_REF": "refs/heads/main", "GITHUB_RUN_ID": "7"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_WORKFLOW", raising=False)
    with pytest.raises(UsageError, match=r"^GITHUB_WORKFLOW: not set; run this in GitHub Actions"):
        sbom.snapshot(space, [api])
    monkeypatch.setenv("GITHUB_WORKFLOW", "Watch")
    snapshot = sbom.snapshot(space, [api])
    assert snapshot["sha"] == "a" * 40 and snapshot["job"] == {
        "id": "7",
        "correlator": "Watch sbom",
    }
    assert snapshot["detector"]["version"] == "1.0"
    path = "services/py/api/pyproject.toml"
    assert snapshot["manifests"][path]["file"] == {"source_location": path}
    left, right = "pkg:pypi/left@2.0", "pkg:pypi/right@3.0"
    scope = {"scope": "runtime"}
    assert snapshot["manifests"][path]["resolved"] == {
        left: {"package_url": left, "relationship": "direct", **scope, "dependencies": [right]},
        right: {"package_url": right, "relationship": "indirect", **scope, "dependencies": []},
    }


def test_without_a_service_there_is_nothing_to_write(space: workspace.Workspace) -> None:
    with pytest.raises(UsageError, match=r"^PKG: there is no service here"):
        sbom.write(space, [])


def test_it_is_not_written_where_a_link_leads(space: workspace.Workspace, tmp_path: Path) -> None:
    (package,) = space.select(["services/py/api"])
    precious = tmp_path / "precious"
    precious.write_text("mine", encoding="utf-8")
    file = package.folder / sbom.FILE
    file.parent.mkdir()
    file.symlink_to(precious)
    with pytest.raises(UsageError, match=f"^{package.path}/{sbom.FILE}: is a link, or below one"):
        sbom.write(space, [package])
    assert precious.read_text(encoding="utf-8") == "mine"
