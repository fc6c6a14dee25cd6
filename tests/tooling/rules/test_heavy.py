"""What is heavy is found in every base, in whatever spelling and by whatever way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
A, B, C = "shared/py/a", "shared/py/b", "services/py/c"


def found(root: Path) -> list[str]:
    return [str(one) for one in runner.guard(workspace.load(root), ["heavy"])]


def test_heavy_extras(root: Path, package: MakePackage, groups: MakeGroups) -> None:
    """A4 and A5: what needs CUDA is in extras that nobody gets without asking for them."""
    package(A, "numpy", "torchlite", ml=["torch>=2"])
    package(B, ml=["tiny-a[ml]"])
    groups(B, test=["tiny-a[ml]", "jax"])
    package(C, "tiny-b[ml]")
    assert found(root) == []


@pytest.mark.parametrize(
    "text",
    [
        "torch",
        "Torch[opt]>=2; sys_platform == 'linux'",
        "opencv_python ~= 4.0",
        "torch@https://example.org/torch.whl",
    ],
)
def test_heavy_bases(root: Path, package: MakePackage, text: str) -> None:
    package(A, "numpy", text)
    (told,) = found(root)
    assert told.startswith(f"{A}/pyproject.toml:9: heavy: ")


def test_a_set_of_dependencies_has_no_submodule(root: Path, dependency_set: MakePackage) -> None:
    dependency_set(A, "numpy", ml=["torch>=2"])
    assert found(root) == []
    dependency_set(A, "torch>=2")
    (told,) = found(root)
    assert told.endswith(": torch is heavy, and in dependencies; move it to an extra")


def test_heavy_by_way_of_another_package(root: Path, package: MakePackage) -> None:
    package(A, ml=["jax"])
    package(B, io=["tiny-a[ml]"])
    package("shared/py/d", "tiny-b[io]")
    (told,) = found(root)
    assert "d/pyproject.toml:9: heavy: tiny-b[io] requires heavy packages by default: jax" in told


def test_a_list_of_ones_own(root: Path, package: MakePackage) -> None:
    package(A, "torch", "Big_One")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('heavy = ["big-one"]\n')
    (told,) = found(root)
    assert "big-one is heavy" in told


def test_javascript(root: Path, javascript: Path, write: Write) -> None:
    web: dict[str, object] = {"name": "@tiny/a", "peerDependencies": {"puppeteer": "^24"}}
    write({"shared/js/a/package.json": json.dumps(web)})
    service = {"name": "b", "dependencies": {"electron": "1"}}
    write({"services/js/b/package.json": json.dumps(service)})
    write({"apps/js/b/package.json": json.dumps({**service, "name": "c"})})
    assert found(root) == []
    web["dependencies"] = {"puppeteer": "^24"}
    write({"shared/js/a/package.json": json.dumps(web, indent=2)})
    (told,) = found(root)
    assert told.startswith("shared/js/a/package.json:7: heavy: puppeteer is heavy")
