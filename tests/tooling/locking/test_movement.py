"""What moved is told once for both languages, with the packages that it concerns."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.locking import movement

MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
Write = Callable[[dict[str, str]], None]


def lock(version: str, *importers: str) -> str:
    """Return a pnpm-lock.yaml in which `importers` need `@s/right` in this version."""
    entry = "      '@s/right':\n        specifier: ^1\n        version: {}\n"
    text = "lockfileVersion: '9.0'\n\nimporters:\n"
    for importer in sorted(importers):
        text += f"\n  {importer}:\n    dependencies:\n{entry.format(version)}"
    text += f"\npackages:\n\n  '@s/right@{version}':\n    resolution: {{integrity: sha512-x}}\n"
    return f"{text}\nsnapshots:\n\n  '@s/right@{version}': {{}}\n"


def rows(root: Path, before: dict[str, str], after: dict[str, str]) -> list[list[str]]:
    """Return the cells of the table without its head."""
    lines = movement.table(workspace.load(root), before, after)[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_what_moved_in_both_languages(javascript: Path, package: MakePackage) -> None:
    package("shared/py/core", "left")
    before = {
        "constraints.txt": "# A==1\nleft==1.0 ; python_version < '3.12'\nleft==1.1\nsame==1\n",
        "tools/hashes.txt": "",
        "pnpm-lock.yaml": lock("1.0.0", ".", "apps/js/site"),
        "tools/pnpm-lock.yaml": "",
        "pnpm-workspace.yaml": "catalog:\n  a: 1\n",
    }
    after = {
        "constraints.txt": "left==1.1\nsame==1\n",
        "tools/hashes.txt": "left==1.1\nsame==1\n",
        "pnpm-lock.yaml": lock("2.0.0", ".", "apps/js/site"),
        "tools/pnpm-lock.yaml": lock("2.0.0", "templates/shared-js"),
        "pnpm-workspace.yaml": "catalog:\n  a: 2\n",
    }
    assert movement.table(workspace.load(javascript), before, before) == []
    assert rows(javascript, before, after) == [
        ["@s/right", "1.0.0", "2.0.0", "tools, apps/js/site"],
        ["left", "1.0 ; python_version < '3.12', 1.1", "1.1", "shared/py/core"],
    ]
    assert movement.new_names(before, after) == []
    assert movement.new_names(after, before | {"constraints.txt": "new==1\n"}) == ["new"]


def test_whom_a_pin_concerns(root: Path, package: MakePackage, groups: MakeGroups) -> None:
    pins = "left==1\n    # requires deep\ndeep==1\ntested==1\nbuilt==1\nlone==1\n"
    for name in ("a", "b", "c", "d"):
        package(f"shared/py/{name}", gpu=["left"])
    groups("shared/py/a", test=["tested"])
    # With a group of another package, an environment of this one has nothing to do.
    file = package("services/py/api", "tiny-a[gpu]") / "pyproject.toml"
    file.write_text(
        file.read_text("utf-8").replace("requires = []", 'requires = ["built"]'), "utf-8"
    )
    assert rows(root, {}, {"constraints.txt": pins, "tools/hashes.txt": pins}) == [
        ["built", "none", "1", "services/py/api"],
        ["deep", "none", "1", "shared/py/a, shared/py/b, shared/py/c and 2 more"],
        ["left", "none", "1", "shared/py/a, shared/py/b, shared/py/c and 2 more"],
        ["lone", "none", "1", "sub-templates"],
        ["tested", "none", "1", "shared/py/a"],
    ]


def test_builds_for_a_gpu_are_among_what_moved(root: Path, package: MakePackage) -> None:
    package("shared/py/core", gpu=["left"])
    package("shared/py/other")
    pins = "left==1+cpu\n    # requires small\nsmall==1\n"
    builds = "# digest: x\nleft==1+cuda \\\n    --hash=sha256:{}\n    # requires cuda\ncuda=={}\n"
    locks = {"constraints.txt": pins, "tools/hashes.txt": pins}
    before = {**locks, "tools/gpu.txt": builds.format("a" * 64, "2")}
    after = {**locks, "tools/gpu.txt": builds.format("a" * 64, "3")}
    assert rows(root, before, after) == [["cuda", "2", "3", "shared/py/core"]]
    assert rows(root, locks, after) == [
        ["cuda", "none", "3", "shared/py/core"],
        ["left", "1+cpu", "1+cpu, 1+cuda", "shared/py/core"],
    ]
    # Nor does one of them that cannot be read stop anything.
    assert rows(root, {**before, "tools/gpu.txt": "<<<<<<< HEAD\n"}, locks) == []


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "left==1\nleft==1\n"])
def test_old_hashes_that_cannot_be_read_tell_nothing(
    root: Path, package: MakePackage, text: str
) -> None:
    package("shared/py/core", "left")
    before = {"constraints.txt": "left==1\n", "tools/hashes.txt": text}
    after = {"constraints.txt": "left==2\n", "tools/hashes.txt": "left==2\n"}
    assert rows(root, before, after) == [["left", "1", "2", "shared/py/core"]]


def test_the_tools_are_concerned_by_what_they_need(root: Path, write: Write) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["left"]')})
    after = {"constraints.txt": "left==1\n", "tools/hashes.txt": "left==1\n"}
    assert rows(root, {}, after) == [["left", "none", "1", "tools"]]


def test_an_old_lock_that_lacks_something_stops_nothing(javascript: Path) -> None:
    broken = lock("1.0.0", ".").replace("snapshots:\n\n  '@s/right@1.0.0'", "snapshots:\n\n  'x@1'")
    after = {"pnpm-lock.yaml": lock("2.0.0", ".")}
    assert rows(javascript, {"pnpm-lock.yaml": broken}, after) == [
        ["@s/right", "1.0.0", "2.0.0", "tools"]
    ]
