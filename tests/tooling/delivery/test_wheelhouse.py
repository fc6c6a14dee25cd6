"""A folder is filled with pinned wheels and no others, and goes on where it was stopped."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.delivery import wheelhouse
from monorepo.delivery.targets import Target
from monorepo.environments.virtualenv import Environment
from monorepo.system.errors import TaskError, UsageError

MakePackage = Callable[..., Path]
Wheel = Callable[..., None]
Write = Callable[[dict[str, str]], None]
Collect = Callable[..., list[str]]
API = "services/py/api"
PINS = "left==1.0\nmac==1.0 ; sys_platform == 'darwin'\nright==2.0\nuv==9.9\n"


@pytest.fixture(autouse=True)
def pinned(index: Path, uv: Path, write: Write, wheel: Wheel) -> None:
    """Pin what the index has."""
    write({"constraints.txt": PINS})
    for name, version in (("left", "1.0"), ("mac", "1.0"), ("right", "2.0")):
        wheel(name, version)


HERE = Target()


def pins(root: Path, target: Target = HERE, extras: Iterable[str] = ()) -> wheelhouse.Pins:
    environment = Environment(workspace.load(root), f"{API}/build", {API: extras})
    return wheelhouse.pins_of(environment, target)


@pytest.fixture
def collect(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collect:
    """Collect pins in a folder, by its name, and return what it then has."""

    def collect(
        wanted: wheelhouse.Pins,
        name: str,
        target: Target = HERE,
        *,
        sources: Iterable[Path] = (),
        offline: str = "",
    ) -> list[str]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("OFFLINE", offline)
        wheelhouse.collect(workspace.load(root), wanted, target, folder, sources)
        return names(folder)

    return collect


def names(folder: Path) -> list[str]:
    return sorted(name.partition("-")[0] for name in os.listdir(folder))


def test_pins_are_those_of_the_closure_with_its_extras(
    root: Path, package: MakePackage, wheel: Wheel
) -> None:
    wheel("left", "1.0", "right ; extra == 'fast'")
    package("shared/py/core", io=["left[fast]"])
    package("shared/py/other", "left[fast]")
    package(API, "tiny-core", "left", train=["tiny-core[io]"])
    assert [*pins(root)] == ["left==1.0"]
    assert [*pins(root, extras=["train"])] == ["left==1.0", "right==2.0"]


def test_pins_keep_their_markers_and_their_hashes(root: Path, package: MakePackage) -> None:
    package(API, "left", "mac ; sys_platform == 'darwin'")
    mac = Target(platform="macosx_14_0_arm64")
    found = pins(root, mac)
    assert [*found] == ["left==1.0", "mac==1.0 ; sys_platform == 'darwin'"]
    assert wheelhouse.text(found).count("    --hash=sha256:") == 2
    assert wheelhouse.applicable(found, mac) == found
    assert [*wheelhouse.applicable(found, Target(platform="musllinux_1_2_x86_64"))] == ["left==1.0"]


def test_what_is_not_pinned_is_told(root: Path, package: MakePackage) -> None:
    package(API, "gone", "left>=2")
    with pytest.raises(UsageError, match="gone: not pinned; run make lock"):
        pins(root)


def test_a_python_that_a_package_excludes_is_told(root: Path, package: MakePackage) -> None:
    file = package(API, "left") / "pyproject.toml"
    text = file.read_text(encoding="utf-8").replace(">=3.11", ">=3.11,<3.13")
    file.write_text(text, encoding="utf-8")
    advice = f"{API} requires Python >=3.11,<3.13; give one that it allows"
    with pytest.raises(UsageError) as caught:
        pins(root, Target("3.13"))
    assert caught.value.mistakes == (f"PYTHON_VERSION=3.13: {advice}",)
    assert [*pins(root, Target("3.12"))] == ["left==1.0"]


def test_what_is_needed_is_downloaded_and_nothing_else(
    root: Path, package: MakePackage, collect: Collect
) -> None:
    package(API, "left", "mac ; sys_platform == 'darwin'")
    assert collect(pins(root), "here") == ["left"]
    mac = Target(platform="macosx_14_0_arm64")
    assert collect(pins(root, mac), "there", mac) == ["left", "mac"]


def test_what_is_there_is_not_downloaded_again(
    root: Path, package: MakePackage, collect: Collect, index: Path, tmp_path: Path
) -> None:
    package(API, "left", "right")
    wanted = pins(root)
    index.rename(tmp_path / "one")
    assert collect(wanted, "one", offline="1")[:1] == ["left"]
    assert collect(wanted, "two", sources=[tmp_path / "one"]) == ["left", "right"]


def test_an_interrupted_download_goes_on_where_it_was(
    root: Path,
    package: MakePackage,
    collect: Collect,
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(wheelhouse, "_BATCH", 1)
    package(API, "left", "right")
    wanted = pins(root)
    (lost,) = index.glob("right-*")
    aside = lost.rename(tmp_path / lost.name)
    with pytest.raises(TaskError, match=r"download: right==2\.0: "):
        collect(wanted, "wheels here")
    assert names(tmp_path / "wheels here") == ["left"], "what is complete stays, and nothing else"
    aside.rename(lost)
    capfd.readouterr()
    assert collect(wanted, "wheels here") == ["left", "right"]
    said = capfd.readouterr().err
    assert "download: 1 wheels" in said
    assert "left" not in said


def test_a_file_with_another_hash_is_never_taken(
    root: Path, package: MakePackage, collect: Collect, index: Path, tmp_path: Path
) -> None:
    package(API, "left", "right")
    wanted, folder = pins(root), tmp_path / "wheels here"
    (index / "right-2.0-py3-none-any.whl").write_bytes(b"evil")
    with pytest.raises(TaskError, match=r"a file does not match its hash in tools/hashes\.txt"):
        collect(wanted, folder.name)
    assert "right" not in names(folder)

    (folder / "right-2.0-py3-none-any.whl").write_bytes(b"evil")
    for name, more in (
        (folder.name, {}),
        ("other", {"sources": [folder]}),
        ("other", {"sources": [folder], "offline": "1"}),
    ):
        with pytest.raises(UsageError) as caught:
            collect(wanted, name, **more)
        told = f"{folder}/right-2.0-py3-none-any.whl: does not match its hash in tools/hashes.txt; "
        assert any(line.startswith(told) for line in caught.value.mistakes)


def test_what_is_missing_offline_is_told_at_once(
    root: Path, package: MakePackage, collect: Collect
) -> None:
    package(API, "left", "right")
    told = r"OFFLINE: left==1\.0, right==2\.0: has no wheel in vendor/wheels for "
    with pytest.raises(UsageError, match=told):
        collect(pins(root), "none", offline="1")


def test_what_is_built_from_source_is_told(root: Path, collect: Collect, write: Write) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table = "[tool.monorepo.build-from-source]\nleft = []\n"
    write({"pyproject.toml": f"{text}\n{table}"})
    with pytest.raises(UsageError, match="left: is built from source, and there is no wheel"):
        collect({"left==1.0": []}, "none")


def test_pins_of_a_uv_project_are_those_of_its_lock(
    root: Path, package: MakePackage, wheels: Path, wheel: Wheel, write: Write
) -> None:
    wheel("left", "0.5")
    package(API, "left<1")
    manifest = (root / API / "pyproject.toml").read_text(encoding="utf-8")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    digest = wheelhouse.digest(wheels / "left-0.5-py3-none-any.whl").partition("=")[2]
    file = f'{{ url = "https://x/left-0.5-py3-none-any.whl", hash = "{digest}" }}'
    source = 'source = { registry = "https://x" }'
    left = f'[[package]]\nname = "left"\nversion = "0.5"\n{source}\nwheels = [{file}]\n'
    own = '[[package]]\nname = "tiny-svc-api"\nversion = "1.0"\nsource = { editable = "." }\n'
    lock = f'version = 1\nrequires-python = ">=3.11"\n{left}{own}'
    write(
        {
            "pyproject.toml": facts.replace('"shared"', '"uv"'),
            f"{API}/pyproject.toml": f"{manifest}[tool.monorepo.own-pins]\nleft = 'it is'\n",
            f"{API}/uv.lock": lock + 'dependencies = [{ name = "left" }]\n',
        }
    )
    assert dict(pins(root)) == {"left==0.5": [f"--hash={digest}"]}
    # What builds it has the pins of the repository.
    environment = Environment(workspace.load(root), f"{API}/build", {API: ()})
    built = wheelhouse.pins_of(environment, HERE, ["right"])
    assert [*built] == ["left==0.5", "right==2.0"]
