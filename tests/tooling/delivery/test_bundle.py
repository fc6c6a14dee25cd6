"""A bundle has all that installs a package, or it stays as it was."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import hashes, workspace
from monorepo.delivery import bundle, wheelhouse
from monorepo.delivery.bundle import Request
from monorepo.delivery.targets import Target
from monorepo.locking import gpu
from monorepo.system.errors import TaskError, UsageError

Buildable = Callable[..., Path]
Wheel = Callable[..., None]
Write = Callable[[dict[str, str]], None]
CORE, HTTP, API = "shared/py/core", "shared/py/http", "services/py/api"


@pytest.fixture(autouse=True)
def offline(
    root: Path, uv: Path, wheel: Wheel, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have all wheels of third parties where `make vendor` puts them."""
    write({"constraints.txt": "left==1.0\nright==2.0\nuv==9.9\n"})
    wheel("left", "1.0")
    wheel("right", "2.0")
    shutil.copytree(root.parent / "wheels", root / "vendor/wheels")
    monkeypatch.setenv("OFFLINE", "1")


def made(root: Path, *paths: str, extras: tuple[str, ...] = ()) -> list[str]:
    space = workspace.load(root)
    return bundle.bundle(space, Request(space.select(paths), extras))


def refused(root: Path, *paths: str, extras: tuple[str, ...] = (), **more: str) -> tuple[str, ...]:
    space = workspace.load(root)
    with pytest.raises(UsageError) as caught:
        bundle.bundle(space, Request(space.select(paths), extras, Target(**more)))
    return caught.value.mistakes


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.whl"))


def pinned(root: Path, layer: str) -> list[str]:
    """Return the pins of a layer of the bundle, without their hashes."""
    text = (root / API / "build/bundle" / layer / "requirements.txt").read_text(encoding="utf-8")
    assert all(" --hash=sha256:" in line for line in text.splitlines()[1::2])
    return [line.removesuffix(" \\") for line in text.splitlines()[::2]]


def files(root: Path, path: str = API) -> dict[str, list[str]]:
    """Return the wheels of each layer of a bundle."""
    folder = root / path / "build/bundle"
    found = {layer: names(folder / layer) for layer in bundle.LAYERS}
    assert sorted(os.listdir(folder)) == sorted(bundle.LAYERS)
    return found


def test_each_layer_has_wheels_and_their_hashes(root: Path, buildable: Buildable) -> None:
    buildable(CORE, "left")
    buildable(HTTP, "tiny-core", fast=["right"])
    buildable(API, "tiny-http", train=["tiny-http[fast]"])
    assert made(root, API) == [f"bundled {API}/build/bundle"]
    internal = ["tiny_core-1.0-py3-none-any.whl", "tiny_http-1.0-py3-none-any.whl"]
    assert files(root) == {
        "third-party": ["left-1.0-py3-none-any.whl"],
        "internal": internal,
        "app": ["tiny_svc_api-1.0-py3-none-any.whl"],
    }
    folder = root / API / "build/bundle"
    assert pinned(root, "third-party") == ["left==1.0"]
    assert pinned(root, "internal") == ["tiny-core==1.0", "tiny-http==1.0"]
    assert pinned(root, "app") == ["tiny-svc-api==1.0"]

    before = {file.name: file.read_bytes() for file in folder.glob("*/*")}
    made(root, API)
    assert {file.name: file.read_bytes() for file in folder.glob("*/*")} == before
    made(root, API, extras=("train",))
    assert len(files(root)["third-party"]) == 2
    assert not [name for name in os.listdir(folder.parent) if name != "bundle"]


def test_one_with_the_extra_gpu_has_the_builds_for_it(
    root: Path, buildable: Buildable, write: Write, wheel: Wheel
) -> None:
    buildable(CORE, ml=["left>=1"], gpu=["tiny-core[ml]"])
    buildable(API, "tiny-core[ml]", train=["tiny-core[gpu]"], gpu=[])
    wheel("left", "1.0+cpu")
    wheel("left", "1.0+cuda", "right")
    write({"constraints.txt": "left==1.0+cpu\nright==2.0\nuv==9.9\n"})
    shutil.copytree(root.parent / "wheels", root / "vendor/wheels", dirs_exist_ok=True)
    (build,) = (root / "vendor/wheels").glob("left-1.0+cuda-*")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo.indexes.cuda]\nurl = "https://packages.example.com/simple"\n')
        file.write('names = ["left"]\nextra = "gpu"\n')
    # Whatever asks for it: its own extra, or one of a package that it needs.
    for extra in ("gpu", "train"):
        assert refused(root, API, extras=(extra,)) == ("tools/gpu.txt: is missing; run make lock",)
        assert not (root / API / "build/bundle").exists()
    write({gpu.PINS: hashes.lines("left==1.0+cuda", [wheelhouse.digest(build)])})
    for extra in ("gpu", "train"):
        made(root, API, extras=(extra,))
        assert pinned(root, "third-party") == ["left==1.0+cuda", "right==2.0"]
        assert len(files(root)["third-party"]) == 2
    made(root, API)
    assert pinned(root, "third-party") == ["left==1.0+cpu"]


def test_several_share_what_they_have_in_common(
    root: Path, buildable: Buildable, capfd: pytest.CaptureFixture[str]
) -> None:
    buildable(CORE)
    buildable(API, "tiny-core")
    buildable("services/py/web", "tiny-core")
    assert len(made(root, API, "services/py/web")) == 2
    assert capfd.readouterr().err.count(f"build: {CORE}\n") == 1
    assert files(root)["internal"] == files(root, "services/py/web")["internal"]


def test_a_failure_leaves_the_bundle_as_it_was(root: Path, buildable: Buildable) -> None:
    folder = buildable(API, "left")
    made(root, API)
    before = files(root)
    (folder / "FAILS").touch()
    with pytest.raises(TaskError, match="no compiler"):
        made(root, API)
    (folder / "FAILS").unlink()
    # What is required by no manifest: a backend can add it.
    (folder / "MORE").write_text("right>=3", encoding="utf-8")
    told = f"{API}: the bundle is not closed\ntiny-svc-api requires right>=3, of which there is no"
    with pytest.raises(TaskError, match=told):
        made(root, API)
    assert files(root) == before
    assert os.listdir(folder / "build") == ["bundle"]


def test_wrong_use_is_told_before_anything_is_built(
    root: Path, buildable: Buildable, write: Write
) -> None:
    buildable(API, train=[])
    write({"services/js/web/package.json": '{"name": "@tiny/svc-web"}'})
    assert refused(root) == ("PKG: there is no service here; name the packages to bundle",)
    assert refused(root, API, extras=("trian", "train")) == (
        f"EXTRAS=trian: is not an extra of {API}; choose from: train",
    )
    told = "is JavaScript: EXTRAS, PLATFORM and PYTHON_VERSION are about wheels; leave them out"
    for more in ({"extras": ("train",)}, {"platform": "macosx_14_0_arm64"}):
        assert refused(root, "services/js/web", **more) == (f"services/js/web: {told}",)
    assert not (root / API / "build").exists()


def test_layers_of_a_deployed_package_are_divided(root: Path, write: Write, tmp_path: Path) -> None:
    web = '{"name": "@tiny/svc-web", "dependencies": {"@tiny/core": "workspace:*"}}'
    core = '{"name": "@tiny/core", "version": "1.2.3"}'
    write({"services/js/web/package.json": web, "shared/js/core/package.json": core})
    folder, deployed = tmp_path / "bundle", tmp_path / "bundle/deployed"
    for layer in bundle.LAYERS:
        (folder / layer).mkdir(parents=True)
    for path in (
        *("node_modules/@tiny/core/index.js", "node_modules/left/index.js", "dist/main.js"),
        *("node_modules/.bin/left", "node_modules/.pnpm/lock.yaml", "node_modules/.modules.yaml"),
        *("node_modules/.pnpm-workspace-state-v1.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"),
    ):
        (deployed / path).parent.mkdir(parents=True, exist_ok=True)
        (deployed / path).touch()
    manifest = '{"dependencies": {"@tiny/core": "file:///tmp/x", "left": "1.0.0"}}'
    (deployed / "package.json").write_text(manifest, encoding="utf-8")
    space = workspace.load(root)
    bundle._layers(space, space.packages["services/js/web"], deployed, folder)
    found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert sorted(found) == [
        "app/dist/main.js",
        "app/package.json",
        "internal/node_modules/@tiny/core/index.js",
        "third-party/node_modules/.bin/left",
        "third-party/node_modules/left/index.js",
    ]
    assert '"@tiny/core": "1.2.3"' in (folder / "app/package.json").read_text(encoding="utf-8")
    assert not (folder / "third-party/node_modules/@tiny").exists()


def test_what_a_killed_command_has_left_is_removed(root: Path, buildable: Buildable) -> None:
    buildable(API, "left")
    left = root / API / "build/.bundle-x/new"
    left.mkdir(parents=True)
    made(root, API)
    assert [file.name for file in (root / API / "build").iterdir()] == ["bundle"]


@pytest.mark.parametrize("path", ["build", "build/bundle"])
def test_a_link_in_the_place_of_a_bundle_is_refused(
    root: Path, buildable: Buildable, tmp_path: Path, path: str
) -> None:
    buildable(API, "left")
    (tmp_path / "elsewhere/bundle").mkdir(parents=True)
    (root / API / path).parent.mkdir(exist_ok=True)
    (root / API / path).symlink_to(tmp_path / "elsewhere")
    wrong = f"{API}/build/bundle"
    told = f"{wrong}: is a link, or below one; remove the link, {wrong} is generated"
    assert refused(root, API) == (told,)
    assert [file.name for file in tmp_path.glob("elsewhere/**/*")] == ["bundle"]
