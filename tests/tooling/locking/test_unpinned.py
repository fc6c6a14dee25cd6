"""What is not pinned, or cannot be, is told before any index is asked."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import Declared, Package
from monorepo.locking import unpinned

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
A = "shared/py/a"
WHERE = f"{A}/pyproject.toml"


def wrong(root: Path, *extras: str, groups: Iterable[str] = (), programs: str = "") -> list[str]:
    space = workspace.load(root)
    wanted = [Declared("pyproject.toml: dev", text) for text in programs.split()]
    closure = {A: extras} if A in space.packages else {}
    return unpinned.mistakes(space, closure, {A: groups}, wanted)


def test_a_package_declares_what_it_is_asked_for(
    root: Path, package: MakePackage, groups: MakeGroups
) -> None:
    manifest = package(A, "left", x=["right"], y=["no"]) / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("requires = []", 'requires = ["maker"]', 1), encoding="utf-8")
    groups(A, test=["deep"], other=["no"])
    mine = workspace.load(root).packages[A]
    found = list(unpinned.declared(mine, ["x"], ["test"]))
    assert found == [Declared(WHERE, one) for one in ("left", "right", "deep", "maker")]
    assert [one.text for one in unpinned.declared(mine, [])] == ["left", "maker"]


def test_what_builds_an_sdist_is_declared_at_the_root(root: Path) -> None:
    assert list(unpinned.building(workspace.load(root))) == []
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('build-from-source = { left = ["maker>=1", "deep"] }\n')
    where = "pyproject.toml: build-from-source"
    found = list(unpinned.building(workspace.load(root)))
    assert found == [Declared(where, "maker>=1"), Declared(where, "deep")]


@pytest.mark.parametrize("text", ["left", "left[x]>=1", "left ; os_name == 'a @ b'", "left(>=1)"])
def test_a_name_can_be_pinned(root: Path, text: str) -> None:
    mine = Package(root, A, {"project": {"dynamic": ["version"]}})
    assert list(unpinned.unusable(mine, [Declared(WHERE, text)])) == []


@pytest.mark.parametrize("text", ["left @ https://x/y.whl", "left[x, y]@file:///y", " left @ x"])
def test_a_url_cannot_be_pinned(root: Path, text: str) -> None:
    mine = Package(root, A, {"project": {}})
    assert list(unpinned.unusable(mine, [Declared(WHERE, text)])) == [
        f"{WHERE}: {text}: is a direct URL, which cannot be pinned; write name>=version"
    ]


def test_what_is_made_when_it_is_built_cannot_be_pinned(root: Path) -> None:
    dynamic = {"dynamic": ["dependencies", "optional-dependencies"]}
    assert list(unpinned.unusable(Package(root, A, {"project": dynamic}), [])) == [
        f"{WHERE}: {key} are dynamic and cannot be pinned; list them in [project]"
        for key in ("dependencies", "optional-dependencies")
    ]


def test_what_is_pinned_or_of_this_repository_is_right(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(A, "left>=1", "tiny-b", x=["Left[y]"], y=["right"])
    groups(A, test=["uv"], other=["right"])
    package("shared/py/b")
    write({"shared/js/web/package.json": '{"name": "@tiny/web", "dependencies": {"no": "1"}}'})
    assert wrong(root, "x", groups=["test"], programs="uv left") == []
    space = workspace.load(root)
    assert unpinned.mistakes(space, {"shared/js/web": ()}, {}, []) == []


def test_each_mistake_is_told_once(
    root: Path, package: MakePackage, groups: MakeGroups, write: Write
) -> None:
    package(A, "left>=2", "right", "far @ https://x", x=["right"])
    groups(A, test=["deep"])
    assert wrong(root, "x", groups=["test"], programs="dev-tool") == [
        "pyproject.toml: dev: dev-tool: not pinned; run make lock",
        f"{WHERE}: far @ https://x: is a direct URL, which cannot be pinned; write name>=version",
        f"{WHERE}: right: not pinned; run make lock",
        f"{WHERE}: deep: not pinned; run make lock",
        f"{WHERE}: left>=2 is pinned to 1.0; run make lock",
    ]
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('build-from-source = { left = ["maker"] }\n')
    where = "pyproject.toml: build-from-source"
    assert f"{where}: maker: not pinned; run make lock" in wrong(root)
    # Nothing else can be said of files that are not in step.
    (root / "constraints.txt").write_text("left==1.1\nuv==9.9\n", encoding="utf-8")
    assert wrong(root) == [
        "tools/hashes.txt: has no hash of left==1.1; run make lock",
        "tools/hashes.txt: left==1.0 is not in constraints.txt; run make lock",
    ]


def test_the_tools_alone_need_nothing_but_their_hashes(root: Path, write: Write) -> None:
    write({"tools/hashes.txt": (root / "tools/hashes.txt").read_text(encoding="utf-8")})
    (root / "constraints.txt").write_text("nonsense\n", encoding="utf-8")
    assert wrong(root, programs="uv") == []
    assert wrong(root, programs="deep") == ["pyproject.toml: dev: deep: not pinned; run make lock"]
    hashes = (root / "tools/hashes.txt").read_text(encoding="utf-8")
    write({"tools/hashes.txt": f"{hashes}    # requires gone\n"})
    assert wrong(root, programs="uv") == [
        "tools/hashes.txt: uv==9.9 requires gone, which is not pinned; restore it from git"
    ]
    (root / "tools/hashes.txt").unlink()
    (line,) = wrong(root, programs="uv")
    assert line.startswith("tools/hashes.txt: is missing; ")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("3.11.7", []),
        ("3.15.0rc1", []),
        (
            "3.10.1",
            [
                f"{WHERE}: requires-python: >=3.11 excludes Python 3.10.1 of .venv; remove .venv,"
                " then make setup PYTHON=…, or correct the range"
            ],
        ),
    ],
)
def test_a_package_may_exclude_a_python(
    root: Path, package: MakePackage, write: Write, version: str, said: list[str]
) -> None:
    package(A)
    write({"shared/js/web/package.json": '{"name": "@tiny/web"}'})
    space = workspace.load(root)
    assert unpinned.excluded(space, [A, "shared/js/web"], version, ".venv") == said
