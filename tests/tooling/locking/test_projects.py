"""Services as uv projects: what is written into their manifests, and their locks."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import workspace
from monorepo.core.workspace import Workspace
from monorepo.locking import locks, projects
from monorepo.system.errors import TaskError, UsageError

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
MakeGroups = Callable[..., None]
MakeWheel = Callable[..., None]
Capture = pytest.CaptureFixture[str]

API, WEB = "services/py/api/pyproject.toml", "services/py/web/pyproject.toml"
LINES = 'constraint-dependencies = [\n    "a==1",\n]\n'


@pytest.fixture
def tiny(
    root: Path, package: MakePackage, groups: MakeGroups, wheel: MakeWheel, write: Write, uv: Path
) -> Path:
    """Make two services in the mode uv that share a package, and wheels for what they need."""
    assert uv.exists()
    for name, version, *needs in (
        ("left", "1.0", "right"),
        ("left", "2.0", "right>=1.5"),
        ("right", "1.0"),
        ("right", "2.0"),
        ("tester", "1.0"),
    ):
        wheel(name, version, *needs)
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"uv"'), "constraints.txt": "uv==9.9\n"})
    package("shared/py/base", "left")
    package("shared/py/core", "tiny-base", io=["right"])
    package("shared/py/unused", "tester")
    package("services/py/api", "tiny-core[io]")
    groups("services/py/api", test=["tester"])
    package("services/py/web", "left")
    return root


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def add(root: Path, path: str, more: str) -> None:
    with (root / path).open("a", encoding="utf-8") as file:
        file.write(more)


def locked(root: Path, path: str) -> list[str]:
    return sorted(projects.locked(root, path))


def test_lock_writes_the_closure_by_path_and_the_pins_that_it_can_need(
    tiny: Path, tree: Tree, capsys: Capture
) -> None:
    """E1: a project names its members, and has its own lock."""
    before = text(tiny, API)
    locks.lock(workspace.load(tiny), [])
    table = tomllib.loads(text(tiny, API))["tool"]["uv"]
    assert table == {
        "constraint-dependencies": [
            *("tiny-base", "tiny-core"),
            *("left==2.0", "right==2.0", "tester==1.0"),
        ],
        "sources": {
            f"tiny-{name}": {"path": f"../../../shared/py/{name}", "editable": True}
            for name in ("base", "core")
        },
    }
    assert text(tiny, API).startswith(before)
    # What only another package needs is not there.
    assert "tester" not in text(tiny, WEB)
    assert locked(tiny, "services/py/api") == ["left==2.0", "right==2.0", "tester==1.0"]
    assert locked(tiny, "services/py/web") == ["left==2.0", "right==2.0"]
    assert "[tool.uv]" not in text(tiny, "shared/py/core/pyproject.toml")
    assert locks.check(workspace.load(tiny)) == []
    then = tree()
    assert locks.lock(workspace.load(tiny), []) == []
    assert tree() == then
    assert capsys.readouterr().err.endswith("every pin is up to date; nothing changed\n")


def test_lock_in_another_mode_removes_what_it_has_written(tiny: Path, write: Write) -> None:
    before = {path: text(tiny, path) for path in (API, WEB)}
    locks.lock(workspace.load(tiny), [])
    facts = text(tiny, "pyproject.toml")
    write({"pyproject.toml": facts.replace('"uv"', '"shared"')})
    # A lock of the team's own stays.
    write({"shared/py/core/uv.lock": "version = 1\n"})
    locks.lock(workspace.load(tiny), [])
    assert {path: text(tiny, path) for path in (API, WEB)} == before
    assert [path.parent.name for path in tiny.rglob("uv.lock")] == ["core"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("dependency", f"{API}: [tool.uv] is not as make lock writes it; run make lock"),
        ("edited", f"{API}: [tool.uv] is not as make lock writes it; run make lock"),
        ("missing", "services/py/api/uv.lock: is missing; run make lock"),
        ("stale", "services/py/api/uv.lock: is out of date; run make lock"),
        ("malformed", "services/py/api/uv.lock: "),
    ],
)
def test_check_finds_what_is_not_in_step(tiny: Path, change: str, wrong: str) -> None:
    locks.lock(workspace.load(tiny), [])
    api, lock = tiny / API, tiny / "services/py/api/uv.lock"
    if change == "dependency":
        api.write_text(text(tiny, API).replace("tiny-core[io]", "tiny-base"), encoding="utf-8")
    elif change == "edited":
        api.write_text(text(tiny, API).replace("left==2.0", "left==1.0"), encoding="utf-8")
    elif change == "missing":
        lock.unlink()
    elif change == "stale":
        (tiny / "services/py/web/uv.lock").replace(lock)
        (tiny / "services/py/web/uv.lock").write_bytes(lock.read_bytes())
        lock.write_text(re.sub(r'name = "tester"', 'name = "right"', lock.read_text("utf-8")))
    else:
        lock.write_text("[[", encoding="utf-8")
    found = locks.check(workspace.load(tiny))
    assert [line for line in found if line.startswith(wrong)], found


def test_check_runs_no_code_of_the_tree(tiny: Path, write: Write) -> None:
    locks.lock(workspace.load(tiny), [])
    ran = tiny / "ran"
    write({"shared/py/core/backend.py": f"open({str(ran)!r}, 'w')"})
    assert locks.check(workspace.load(tiny)) == []
    manifest = text(tiny, "shared/py/core/pyproject.toml")
    dynamic = manifest.replace('version = "1.0"', 'dynamic = ["version"]')
    write({"shared/py/core/pyproject.toml": dynamic})
    wrong = ["services/py/api/uv.lock: is out of date; run make lock"]
    assert locks.check(workspace.load(tiny)) == wrong
    assert not ran.exists()


def test_a_version_that_only_building_tells_is_locked_and_checked(
    tiny: Path, write: Write, tree: Tree
) -> None:
    core = "shared/py/core/pyproject.toml"
    dynamic = text(tiny, core).replace('version = "1.0"', 'dynamic = [\n  "version",  # git\n]')
    assert dynamic != text(tiny, core)
    write({core: dynamic})
    locks.lock(workspace.load(tiny), [])
    then = tree()
    assert locks.check(workspace.load(tiny)) == []
    assert tree() == then
    # What it requires is checked, although nothing is built.
    write({"shared/py/core/backend.py": "raise SystemExit('built')"})
    assert locks.check(workspace.load(tiny)) == []
    write({core: dynamic.replace('["tiny-base"]', '["tiny-base", "right"]')})
    assert locks.check(workspace.load(tiny)) == [
        "services/py/api/uv.lock: is out of date; run make lock"
    ]


def test_own_pins_let_services_conflict(tiny: Path, package: MakePackage, tree: Tree) -> None:
    package("services/py/web", "left<2", "tiny-base")
    package("services/py/api", "left>=2")
    then = tree()
    with pytest.raises(TaskError, match=r"or have one service pin it alone: .*own-pins"):
        locks.lock(workspace.load(tiny), [])
    assert tree() == then
    add(tiny, WEB, '[tool.monorepo.own-pins]\nLeft = "its files are of that version"\n')
    moved = [line.split("|")[1:4] for line in locks.lock(workspace.load(tiny), [])[2:]]
    assert ["left", "none", "1.0, 2.0"] in [[word.strip() for word in row] for row in moved]
    assert "left==2.0" in text(tiny, "constraints.txt").splitlines()
    assert locked(tiny, "services/py/api") == ["left==2.0", "right==2.0"]
    assert locked(tiny, "services/py/web") == ["left==1.0", "right==2.0"]
    assert locks.check(workspace.load(tiny)) == []
    # With a reason, another version is no surprise.
    assert projects.divergent(workspace.load(tiny)) == []
    # What the pins do not allow is said with what to do about it.
    package("services/py/web", "left<2", "right<2")
    add(tiny, WEB, '[tool.monorepo.own-pins]\nleft = "its files are of that version"\n')
    then = tree()
    with pytest.raises(TaskError, match=r"(?s)^lock: no versions satisfy .*own-pins"):
        locks.lock(workspace.load(tiny), [])
    assert tree() == then


def test_a_version_that_differs_without_a_reason_is_told(tiny: Path, write: Write) -> None:
    locks.lock(workspace.load(tiny), [])
    assert projects.divergent(workspace.load(tiny)) == []
    lock = text(tiny, "services/py/web/uv.lock")
    write({"services/py/web/uv.lock": lock.replace('version = "2.0"', 'version = "1.0"', 1)})
    space = workspace.load(tiny)
    assert projects.divergent(space) == ["left: 2.0 in services/py/api; 1.0 in services/py/web"]
    add(tiny, WEB, '[tool.monorepo.own-pins]\nleft = "old"\n')
    assert projects.divergent(workspace.load(tiny)) == []


def test_a_version_of_constraints_is_told_once(tiny: Path, package: MakePackage) -> None:
    package("services/py/web", "left ; sys_platform == 'win32'")
    package("shared/py/base")
    rows = [line.split("|")[3].strip() for line in locks.lock(workspace.load(tiny), [])[2:]]
    assert "2.0 ; sys_platform == 'win32'" in rows


def test_upgrade_moves_own_pins_and_outdated_tells_them_as_well(
    tiny: Path, package: MakePackage, wheel: MakeWheel, tree: Tree
) -> None:
    package("services/py/web", "odd")
    add(tiny, WEB, '[tool.monorepo.own-pins]\nodd = "nobody else has it"\n')
    wheel("odd", "1.0")
    locks.lock(workspace.load(tiny), [])
    wheel("odd", "2.0")
    assert locks.lock(workspace.load(tiny), []) == []
    row = "| odd | 1.0    | 2.0   | services/py/web |"
    then = tree()
    assert locks.outdated(workspace.load(tiny))[2:] == [row]
    assert tree() == then
    assert locks.lock(workspace.load(tiny), ["odd"])[2:] == [row]
    assert locks.outdated(workspace.load(tiny)) == []
    assert "odd" not in text(tiny, "constraints.txt")


def test_a_new_project_is_locked_to_the_pins_that_there_are(tiny: Path, wheel: MakeWheel) -> None:
    locks.lock(workspace.load(tiny), [])
    recorded = text(tiny, "tools/hashes.txt")
    wheel("left", "3.0")
    (tiny / "tools/hashes.txt").write_text(recorded, encoding="utf-8")
    lock, manifest = tiny / "services/py/web/uv.lock", text(tiny, WEB)
    lock.unlink()
    space = workspace.load(tiny)
    projects.lock_missing(space, space.packages["services/py/web"])
    assert locked(tiny, "services/py/web") == ["left==2.0", "right==2.0"]
    # One that is there is left alone, and no manifest is written on the way.
    lock.write_text("mine", encoding="utf-8")
    projects.lock_missing(space, space.packages["services/py/web"])
    assert lock.read_text(encoding="utf-8") == "mine"
    lock.unlink()
    (tiny / WEB).write_text(projects.without_block(manifest), encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[tool\.uv\] is not as make lock writes it"):
        projects.lock_missing(space, space.packages["services/py/web"])


def test_the_locks_of_what_needs_a_package_follow_its_version(
    tiny: Path, tmp_path: Path, write: Write, wheel: MakeWheel
) -> None:
    locks.lock(workspace.load(tiny), [])
    recorded = text(tiny, "tools/hashes.txt")
    wheel("left", "3.0", "right")
    write({"tools/hashes.txt": recorded})
    space = workspace.load(tiny)
    base = space.packages["shared/py/base"]
    # The manifest of a package that no project needs is passed over.
    paths = ("shared/py/base/pyproject.toml", "shared/py/unused/pyproject.toml")
    manifests = {path: text(tiny, path).replace('"1.0"', '"1.1"') for path in paths}
    (lock,) = found = projects.relock(space, base, manifests, tmp_path / "draft")
    assert lock == "services/py/api/uv.lock"
    before = text(tiny, lock)
    assert found[lock] != before == text(tiny, lock)
    assert sorted(projects.pins_of(found[lock], lock)) == locked(tiny, "services/py/api")

    write({**manifests, **found})
    assert locks.check(workspace.load(tiny)) == []
    unused = space.packages["shared/py/unused"]
    assert projects.relock(space, unused, manifests, tmp_path / "none") == {}


def test_settings_of_the_team_stay_and_a_clash_is_told(tiny: Path) -> None:
    own = "\n[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n"
    add(tiny, API, own)
    before = text(tiny, API)
    locks.lock(workspace.load(tiny), [])
    table = tomllib.loads(text(tiny, API))["tool"]["uv"]
    assert table["environments"] == ["sys_platform == 'linux'"]
    assert "tiny-core" in table["sources"]
    assert projects.without_block(text(tiny, API)) == before
    (tiny / API).write_text(f"{before}[tool.uv.sources]\nright.path = 'x'\n", encoding="utf-8")
    clash = rf"^{API}: \[tool\.uv\]: clashes with what make lock writes into it \("
    with pytest.raises(UsageError, match=clash):
        locks.lock(workspace.load(tiny), [])
    assert re.match(clash, locks.check(workspace.load(tiny))[0])


@pytest.mark.parametrize("own", ["", "\n[tool.uv]\nmanaged = true\n", "[tool.uv]\n# x\n[tool.b]\n"])
def test_a_block_is_taken_out_as_it_was_put_in(own: str) -> None:
    before = f'[project]\nname = "a"\n{own}'
    after = projects.with_block(before, LINES)
    assert projects.block(after) == LINES
    assert tomllib.loads(after)["tool"]["uv"]["constraint-dependencies"] == ["a==1"]
    assert projects.without_block(after) == before
    # Keys that the team adds at the end of the table stay in it.
    added = projects.without_block(f"{after}\n# Why.\nmanaged = false\n") if not own else ""
    assert not added or tomllib.loads(added)["tool"]["uv"] == {"managed": False}


ROWS = ["", "# x", "[tool.uv]", "[tool.b]", "k = 1", "[tool.uv.sources]"]
TEXTS = st.lists(st.sampled_from(ROWS), max_size=8).map("\n".join).map("{}\n".format)


@given(TEXTS)
def test_no_text_is_lost(before: str) -> None:
    after = projects.with_block(before, LINES)
    assert projects.block(after) == LINES
    assert projects.without_block(after) == before
    assert projects.with_block(before, "") == projects.without_block(before) == before


@pytest.mark.parametrize(
    "content", ["[[", "package = 1", "[[package]]\n", "[[package]]\nname = 'a'\nsource = 1\n"]
)
def test_a_malformed_lock_is_told(root: Path, write: Write, content: str) -> None:
    write({"services/py/api/uv.lock": content})
    with pytest.raises(UsageError, match=r"^services/py/api/uv\.lock"):
        projects.locked(root, "services/py/api")


def test_forks_of_a_lock_have_markers(root: Path, write: Write) -> None:
    entry = '[[package]]\nname = "a"\nversion = "{0}"\nsource = {{ registry = "x" }}\n'
    forks = "resolution-markers = [\"python_version < '3.12'\", \"os_name == 'nt'\"]\n"
    local = '[[package]]\nname = "b"\nversion = "1"\nsource = { editable = "." }\n'
    write({"s/uv.lock": entry.format(1) + forks + entry.format(2) + local})
    marker = "(python_version < '3.12') or (os_name == 'nt')"
    assert projects.locked(root, "s") == [f"a==1 ; {marker}", "a==2"]


def test_only_services_in_python_are_projects(tiny: Path) -> None:
    space = workspace.load(tiny)
    assert list(space.projects) == ["services/py/api", "services/py/web"]
    assert not Workspace(tiny, {**space.facts, "python-env": "shared"}, space.packages).projects
