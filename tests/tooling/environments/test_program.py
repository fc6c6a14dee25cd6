"""Programs that few need have environments of their own, pinned like everything else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.environments import program
from monorepo.locking import locks
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
MakeWheel = Callable[..., None]


@pytest.fixture
def grouped(root: Path, write: Write) -> None:
    """Have a dependency group of the root besides `dev`."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    changed = text.replace("dev = []", 'dev = []\naudit = ["left>=1"]')
    assert changed != text
    write({"pyproject.toml": changed})


@pytest.mark.slow
def test_they_are_pinned_and_installed_apart(
    root: Path, grouped: None, wheel: MakeWheel, uv: Path, write: Write
) -> None:
    assert uv.exists()
    wheel("left", "1.0", "right")
    wheel("right", "1.0")
    wheel("left", "2.0", "right")
    write({"constraints.txt": ""})
    space = workspace.load(root)
    with pytest.raises(
        UsageError, match=r"^pyproject.toml: audit: left: not pinned; run make lock"
    ):
        program.install(space, "audit", "left")
    assert locks.check(space) == ["pyproject.toml: audit: left>=1 is not pinned; run make lock"]
    table = locks.lock(space, [])
    assert table[2] == "| left  | none   | 2.0   | tools    |"
    environment = program.install(space, "audit", "left")
    infos = environment.folder.glob("lib/python*/site-packages/*.dist-info")
    assert sorted(path.name for path in infos) == ["left-2.0.dist-info", "right-1.0.dist-info"]
    assert not environment.install()
    assert not list(root.glob(".venv/lib/python*/site-packages/left*"))


def test_a_name_of_ours_is_asked_of_nobody_for_them(root: Path, write: Write) -> None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": text.replace("dev = []", 'dev = []\nother = ["tiny-cor"]')})
    with pytest.raises(UsageError, match=r"^pyproject.toml: other: tiny-cor: is in the namespace"):
        locks.lock(workspace.load(root), [])


def test_a_group_that_is_not_there(root: Path) -> None:
    with pytest.raises(UsageError) as raised:
        program.install(workspace.load(root), "audit", "pip-audit")
    assert raised.value.mistakes == (
        "pyproject.toml: has no dependency group audit;"
        ' write audit = ["pip-audit"] into [dependency-groups], and run make lock',
    )
