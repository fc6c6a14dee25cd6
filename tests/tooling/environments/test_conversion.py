"""The Python environments of a repository change, and back."""

import tomllib
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.core.workspace import ENVIRONMENTS
from monorepo.environments import conversion
from monorepo.locking import locks
from monorepo.system.errors import TaskError, UsageError

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeWheel = Callable[..., None]
Capture = pytest.CaptureFixture[str]

RECORD = '\n[tool.monorepo.template]\nversion = "1.0"\npython_env = "shared"  # asked\n'
API = "services/py/api/pyproject.toml"


@pytest.fixture
def tiny(root: Path, package: MakePackage, wheel: MakeWheel, uv: Path) -> Path:
    """Make a service and a module, pinned, in the mode shared."""
    assert uv.exists()
    wheel("left", "1.0")
    wheel("left", "2.0")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(RECORD)
    package("shared/py/core", "left<2")
    package("services/py/api", "tiny-core")
    locks.lock(workspace.load(root), [])
    return root


def facts(root: Path) -> tuple[str, str]:
    """Return the setting and the recorded answer."""
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    table = table["tool"]["monorepo"]
    return table["python-env"], table["template"]["python_env"]


def files(tree: Tree) -> dict[str, bytes]:
    """Return what git could track."""
    return {path: held[1] for path, held in tree().items() if not path.startswith(".venv")}


@pytest.mark.parametrize(("start", "to"), list(permutations(ENVIRONMENTS, 2)))
def test_there_and_back_is_the_same_tree(tiny: Path, tree: Tree, start: str, to: str) -> None:
    """D3 and E1: the three ways are one setting, and nothing is lost on the way."""
    conversion.convert(tiny, start)
    before = files(tree)
    shown = conversion.convert(tiny, to, dry_run=True)
    assert f'+python-env = "{to}"' in shown
    assert files(tree) == before

    done = conversion.convert(tiny, to)
    assert facts(tiny) == (to, to)
    assert done[0] == "changed pyproject.toml"
    assert (tiny / "services/py/api/uv.lock").exists() == (to == "uv")
    assert ("[tool.uv]" in (tiny / API).read_text(encoding="utf-8")) == (to == "uv")
    assert locks.check(workspace.load(tiny)) == []
    assert conversion.convert(tiny, to) == [f"python-env is {to} already"]

    conversion.convert(tiny, start)
    assert files(tree) == before


def test_what_only_a_uv_project_pins_is_pinned_for_all_or_keeps_the_mode(
    tiny: Path, package: MakePackage, tree: Tree
) -> None:
    conversion.convert(tiny, "uv")
    package("services/py/api", "left")
    with (tiny / API).open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo.own-pins]\nleft = "why not"\n')
    package("shared/py/core")
    locks.lock(workspace.load(tiny), [])
    assert "left" not in (tiny / "constraints.txt").read_text(encoding="utf-8")
    conversion.convert(tiny, "per-package")
    assert "left==2.0" in (tiny / "constraints.txt").read_text(encoding="utf-8")
    assert locks.check(workspace.load(tiny)) == []

    conversion.convert(tiny, "uv")
    package("shared/py/core", "left<2")
    package("services/py/api", "left>=2")
    with (tiny / API).open("a", encoding="utf-8") as file:
        file.write('[tool.monorepo.own-pins]\nleft = "why not"\n')
    locks.lock(workspace.load(tiny), [])
    before = files(tree)
    with pytest.raises(TaskError, match=r"^lock: no versions satisfy all declared"):
        conversion.convert(tiny, "shared")
    assert files(tree) == before


def test_what_is_wrong_is_said_and_changes_nothing(
    tiny: Path, tree: Tree, write: Write, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = tree()
    monkeypatch.setenv("TO", "none")
    assert cli.main(["--root", str(tiny), "env", "convert"]) == 2
    line = "monorepo: TO=none: is not one of shared, per-package, uv; choose one\n"
    assert capsys.readouterr().err == line
    assert tree() == then
    text = (tiny / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": text.replace('python-env = "shared"', '"python-env" = "shared"')})
    with pytest.raises(UsageError, match="python-env: is not on a line of its own; write"):
        conversion.convert(tiny, "uv")


def test_a_conversion_that_uv_fails_changes_nothing(tiny: Path, tree: Tree) -> None:
    (tiny.parent / "wheels/left-1.0-py3-none-any.whl").unlink()
    before = files(tree)
    with pytest.raises(TaskError, match=r"^lock: services/py/api"):
        conversion.convert(tiny, "uv")
    assert files(tree) == before
