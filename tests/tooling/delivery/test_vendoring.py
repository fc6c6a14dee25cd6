"""What is vendored is what environments need: packages, tools and builds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.delivery import vendoring
from monorepo.delivery.targets import Target
from monorepo.locking import locks
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
Wheel = Callable[..., None]
Write = Callable[[dict[str, str]], None]


@pytest.fixture(autouse=True)
def pinned(index: Path, uv: Path, write: Write, wheel: Wheel) -> None:
    """Pin what the index has, which is more than anybody needs."""
    names = ("builder", "fast", "gpu", "left", "other", "right", "tester", "tool", "uv")
    write({"constraints.txt": "".join(f"{name}==1.0\n" for name in names)})
    for name in names:
        wheel(name, "1.0")


def vendored(root: Path, *paths: str) -> list[str]:
    space = workspace.load(root)
    vendoring.vendor(space, space.select(paths) if paths else [*space.packages.values()], Target())
    return sorted(file.name.partition("-")[0] for file in (root / "vendor/wheels").iterdir())


def test_it_is_what_environments_are_filled_with(
    root: Path,
    package: MakePackage,
    groups: Callable[..., None],
    give_engine: Callable[..., None],
    write: Write,
) -> None:
    give_engine("right", "uv")
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": text.replace("dev = []", 'dev = ["tool"]\nsbom = ["other"]')})
    api = package("services/py/api", "left", fast=["fast"], gpu=["gpu"])
    groups("services/py/api", test=["tester"])
    manifest = (api / "pyproject.toml").read_text(encoding="utf-8")
    (api / "pyproject.toml").write_text(
        manifest.replace("requires = [],", 'requires = ["builder"],'), encoding="utf-8"
    )
    needed = ["builder", "fast", "left", "other", "right", "tester", "tool", "uv"]
    assert vendored(root) == needed
    assert vendored(root) == needed, "a second time, nothing changes"


def test_what_no_pin_names_any_more_is_removed(
    root: Path, package: MakePackage, write: Write, wheel: Wheel
) -> None:
    package("shared/py/core", "left")
    assert vendored(root) == ["left"]
    old = root / "vendor/wheels/left-1.0-py3-none-any.whl"
    wheel("left", "1.1")
    write({"constraints.txt": "left==1.1\n"})
    assert vendored(root) == ["left"]
    assert not old.exists()


def test_what_another_uv_project_pins_itself_stays(
    root: Path, package: MakePackage, write: Write, wheel: Wheel
) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": text.replace('"shared"', '"uv"')})
    wheel("left", "0.9")
    package("services/py/web", "right")
    old = package("services/py/api", "left<1") / "pyproject.toml"
    with old.open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo.own-pins]\nleft = "its files are of that version"\n')
    locks.lock(workspace.load(root), [])
    write({"vendor/wheels/left-0.9-py3-none-any.whl": ""})
    assert vendored(root, "services/py/web") == ["left", "right"]
    write({"services/py/api/uv.lock": "[["})
    with pytest.raises(UsageError, match=r"^services/py/api/uv\.lock:1: is not TOML"):
        vendored(root, "services/py/web")
    (root / "services/py/api/uv.lock").unlink()
    assert vendored(root, "services/py/web") == ["right"]


def test_what_a_killed_command_has_left_is_removed(root: Path, package: MakePackage) -> None:
    package("shared/py/core", "left")
    for path in ("vendor/wheels/.download-x", "vendor/.download-x"):
        (root / path).mkdir(parents=True)
        (root / path / "half.whl").touch()
    assert vendored(root) == ["left"]
    assert [*(root / "vendor").glob(".*")] == []


@pytest.mark.parametrize("path", ["vendor", "vendor/wheels", "vendor/store", "vendor/pnpm"])
def test_nothing_is_removed_where_a_link_leads(
    root: Path, package: MakePackage, tmp_path: Path, path: str
) -> None:
    package("shared/py/core", "left")
    precious = tmp_path / "elsewhere/wheels/precious-1.0-py3-none-any.whl"
    precious.parent.mkdir(parents=True)
    precious.touch()
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).symlink_to(precious.parents[path == "vendor"])
    with pytest.raises(UsageError, match="is a link, or below one"):
        vendored(root)
    assert [*precious.parent.iterdir()] == [precious]
