"""A target says which wheels can be installed: to packaging, to uv and to pip alike."""

import sys

import pytest
from packaging.markers import Marker
from packaging.tags import parse_tag, sys_tags

from monorepo.delivery.targets import Target
from monorepo.system.errors import UsageError

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = "3.12" if HERE == "3.11" else "3.11"
LINUX, MUSL, MAC = "manylinux_2_28_x86_64", "musllinux_1_2_aarch64", "macosx_14_0_arm64"


def fits(target: Target, tag: str) -> bool:
    return not target.tags.isdisjoint(parse_tag(tag))


def test_by_default_it_is_this_process() -> None:
    target = Target.read("", "")
    assert target == Target() == Target.read(HERE, "")
    assert target.is_here
    assert target.tags == frozenset(sys_tags())
    assert [*target.of_uv(), *target.of_pip()] == []
    assert Marker(f"python_version == '{HERE}'").evaluate({**target.markers})
    assert str(target) == f"Python {HERE} on this platform"


@pytest.mark.parametrize(
    ("platform", "fitting", "others"),
    [
        (
            LINUX,
            ["cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp312-abi3-linux_x86_64"],
            ["cp312-cp312-manylinux_2_31_x86_64", "cp312-cp312-manylinux_2_28_aarch64"],
        ),
        (MUSL, ["cp312-cp312-musllinux_1_1_aarch64"], ["cp312-cp312-manylinux_2_17_aarch64"]),
        (MAC, ["cp312-cp312-macosx_11_0_universal2"], ["cp312-cp312-macosx_15_0_arm64"]),
    ],
)
def test_a_platform_takes_what_is_built_for_older_ones(
    platform: str, fitting: list[str], others: list[str]
) -> None:
    target = Target.read("3.12", platform)
    assert not target.is_here
    general = ["py3-none-any", "py2.py3-none-any", "cp310-abi3-" + target.platforms[0]]
    assert [tag for tag in [*fitting, *general] if not fits(target, tag)] == []
    wrong = ["cp313-cp313-any", "cp311-cp311-" + platform, "cp312-cp312-win_amd64"]
    assert [tag for tag in [*others, *wrong] if fits(target, tag)] == []


@pytest.mark.parametrize(
    ("platform", "flag", "markers"),
    [
        (LINUX, "x86_64-manylinux_2_40", ["sys_platform == 'linux'", "os_name == 'posix'"]),
        (MUSL, "aarch64-unknown-linux-musl", ["platform_machine == 'aarch64'"]),
        (MAC, "aarch64-apple-darwin", ["sys_platform == 'darwin'", "platform_machine == 'arm64'"]),
    ],
)
def test_uv_and_markers_know_the_platform(platform: str, flag: str, markers: list[str]) -> None:
    target = Target.read(OTHER, platform)
    assert [*target.of_uv()] == ["--python-version", OTHER, "--python-platform", flag]
    here = [f"python_full_version == '{OTHER}.0'", *markers]
    assert [text for text in here if not Marker(text).evaluate({**target.markers})] == []
    words = [*target.of_pip()]
    assert words[:4] == ["--python-version", OTHER, "--implementation", "cp"]
    assert words[4::2] == ["--platform"] * len(target.platforms)
    assert words[5::2] == target.platforms


def test_another_python_keeps_the_platform() -> None:
    target = Target.read(OTHER, "")
    assert [*target.of_uv()] == ["--python-version", OTHER]
    assert [*target.of_pip()] == ["--python-version", OTHER, "--implementation", "cp"]
    assert target.markers["sys_platform"] == sys.platform
    assert fits(target, f"cp{OTHER.replace('.', '')}-none-any")


@pytest.mark.parametrize(
    ("python", "platform", "told"),
    [
        ("3", "", ["PYTHON_VERSION=3: is not a version of Python"]),
        ("3.10", "", ["PYTHON_VERSION=3.10: "]),
        ("3.12.1", "linux", ["PYTHON_VERSION=3.12.1: ", "PLATFORM=linux: "]),
        ("", "manylinux2014_x86_64", ["PLATFORM=manylinux2014_x86_64: is not a platform"]),
        ("", "win_amd64", ["PLATFORM=win_amd64: "]),
        ("", f"{LINUX} --index-url=x", [f"PLATFORM={LINUX} --index-url=x: "]),
        ("", f"{LINUX}\n", [f"PLATFORM={LINUX}\n: "]),
    ],
)
def test_what_is_no_target_is_refused(python: str, platform: str, told: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        Target.read(python, platform)
    for line, start in zip(caught.value.mistakes, told, strict=True):
        assert line.startswith(start)
        assert "; write " in line
