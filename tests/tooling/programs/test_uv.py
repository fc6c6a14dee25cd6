"""uv runs with what the repository allows, and what it says becomes a line that helps."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import Package
from monorepo.programs import uv as programs_uv
from monorepo.system.errors import TaskError, UsageError

Write = Callable[[dict[str, str]], None]
MakeWheel = Callable[..., None]
# Says on standard error what its first word is.
SAYS = ["/bin/sh", "-c", 'printf "%s\\n" "$0" >&2; exit "$1"']


def settle(root: Path, table: str) -> workspace.Workspace:
    """Add a line to [tool.monorepo]."""
    file = root / "pyproject.toml"
    file.write_text(f"{file.read_text(encoding='utf-8')}{table}\n", encoding="utf-8")
    return workspace.load(root)


def test_it_is_the_repositorys_own(root: Path, uv: Path) -> None:
    assert programs_uv.program(root) == uv


def test_what_it_says_is_handed_on_and_progress_is_shown(
    root: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wheels.exists()
    text = "warning: x\nDownloading left\n + left==1.0"
    assert programs_uv.call([*SAYS, text, 0], root, "try: it") == "warning: x\n"
    assert capsys.readouterr().err == "Downloading left\n + left==1.0\n"


def test_what_is_left_of_an_environment_is_replaced(root: Path, uv: Path, write: Write) -> None:
    write({"x/.venv/bin/left": ""})
    for _ in range(2):
        programs_uv.make(uv, root, root / "x/.venv", sys.executable)
        assert (root / "x/.venv/pyvenv.cfg").exists()
        assert not (root / "x/.venv/bin/left").exists()


def test_it_gets_the_users_index_and_nothing_else(
    root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_TARGET", "PYTHONPATH"):
        monkeypatch.setenv(name, "x")
    words = ["/bin/sh", "-c", 'read -r x; echo "$x $UV_FIND_LINKS $UV_TARGET$PYTHONPATH" >&2']
    assert programs_uv.call(words, root, "try: it", "typed\n") == f"typed {wheels} \n"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("anything", "failed; see below"),
        ("Hash mismatch for `left`", "a file does not match its hash in tools/hashes.txt; do not"),
        ("error: Failed to fetch: `x`", "the index does not answer as it should; try again"),
        ("hint: An index … (401 Unauthorized)", "an index refuses access; set UV_INDEX_<NAME>_"),
        ("left==1 has no wheels with a matching tag", "a pin has no wheel for this Python or"),
        (
            "No solution found\n  Because left was not found in the provided package locations",
            "a wheel is not in vendor/wheels; run make vendor where there is a network",
        ),
        ("  No solution found when", "the declared requirements conflict with the pins; run make"),
        ("because left==1 has no usable wheels", "left 1 has no usable wheel; pin a version"),
        ("all versions of\nleft have no usable wheels", "left has no usable wheel; pin a version"),
        (
            "Failed to resolve requirements from `build-system.requires`. In `--require-hashes`"
            " mode, all requirements must be pinned; no hash was provided for: `deep`",
            "deep: needed to build a pin and not pinned; list it in [tool.monorepo.build-from-",
        ),
    ],
)
def test_a_failure_is_explained(root: Path, wheels: Path, output: str, said: str) -> None:
    assert wheels.exists()
    with pytest.raises(TaskError) as caught:
        programs_uv.call([*SAYS, output, 1], root, "try: it")
    assert str(caught.value).startswith(f"try: it: {said}")
    assert str(caught.value).endswith(output)


def test_settings_that_cannot_be_read_are_told_first(
    root: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_NO_CONFIG", raising=False)
    monkeypatch.delenv("UV_CONFIG_FILE", raising=False)
    write({"uv.toml": "["})
    with pytest.raises(UsageError, match=r"uv.toml: cannot be read"):
        programs_uv.call([*SAYS, "", 0], root, "try: it")


def test_only_what_the_team_allows_is_built(root: Path) -> None:
    wheels_only = ["--only-binary", ":all:"]
    assert programs_uv.formats(workspace.load(root)) == wheels_only
    fixed = Package(root, "shared/py/a", {"project": {"name": "tiny-a"}})
    moving = Package(root, "shared/py/b", {"project": {"name": "tiny-b", "dynamic": ["version"]}})
    space = settle(root, 'build-from-source = { Left = ["setuptools"] }')
    built = ["--no-binary", "left", "--no-binary", "tiny-b"]
    assert programs_uv.formats(space, [fixed, moving]) == [*wheels_only, *built]


def test_what_builds_is_verified() -> None:
    words = programs_uv.building()
    assert words[:2] == ["--build-constraints", "tools/hashes.txt"]
    assert "--require-build-hashes" in words


def test_an_environment_is_made_anew(root: Path, uv: Path) -> None:
    folder = root / "e"
    programs_uv.make(uv, root, folder, sys.executable)
    (folder / "old").touch()
    programs_uv.make(uv, root, folder, sys.executable)
    assert (folder / "bin/python").exists()
    assert not (folder / "old").exists()
    with pytest.raises(TaskError, match=r"^setup: f: .*\n.*uv'? venv"):
        programs_uv.make(uv, root, root / "f", root / "no-python")


@pytest.mark.parametrize(
    ("code", "calls"),
    [("exit 0", ["--offline"]), ('[ "$1" != --offline ]', ["--offline", ""])],
    ids=["cached", "new"],
)
def test_the_index_is_asked_only_for_what_the_cache_lacks(
    root: Path, wheels: Path, code: str, calls: list[str]
) -> None:
    assert wheels.exists()
    command = ["/bin/sh", "-c", f'read -r x; echo "$1" >> "$x"; {code}', "uv"]
    programs_uv.install(command, root, "try: it", "said\n")
    assert (root / "said").read_text(encoding="utf-8").splitlines() == calls


def test_an_installation_that_fails_twice_is_told_once(root: Path, wheels: Path) -> None:
    assert wheels.exists()
    with pytest.raises(TaskError, match=r"^try: it: the index does not answer"):
        programs_uv.install([*SAYS, "Failed to fetch", 1], root, "try: it")


def test_the_pinned_uv_is_installed(root: Path, wheel: MakeWheel) -> None:
    wheel("uv", "9.9", files={"uv-9.9.data/scripts/uv": "#!/bin/sh\necho pinned\n"})
    programs_uv.bootstrap(workspace.load(root), root / ".venv")
    assert programs_uv.program(root).read_text(encoding="utf-8").endswith("echo pinned\n")


def test_without_a_pin_or_with_an_old_python_there_is_none(
    root: Path, wheels: Path, write: Write
) -> None:
    assert wheels.exists()
    write({"constraints.txt": "left==1.0\n"})
    with pytest.raises(UsageError, match=r"^tools/hashes.txt: has no uv; restore it from git$"):
        programs_uv.bootstrap(workspace.load(root), root / ".venv")
    space = workspace.load(root)
    newer = dataclasses.replace(space, facts={**space.facts, "python": "3.99"})
    with pytest.raises(UsageError, match=r" is older than 3.99; give PYTHON=python3.99 or newer$"):
        programs_uv.bootstrap(newer, root / ".venv")
    assert not (root / ".venv").exists()
