"""What was added can be removed, and leaves no trace."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo import cli
from monorepo.core import workspace
from monorepo.locking import pnpm_locks
from monorepo.scaffold import addition, removal
from monorepo.system.errors import UsageError

Tree = Callable[[], dict[str, tuple[int, bytes]]]
Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("templates")

EMPTY_LOCK = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"
TOUCHING = {"title": "x", "_port": 8000, "_touches": ["docs/list.md", "docs/made.md"]}


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be told nothing by the make that runs these tests."""
    for name in ("AT", "DRY_RUN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def touching(templates: Path, write: Write) -> None:
    """Have the sub-template of services write to two files outside."""
    assert templates.exists()
    folder = "tools/templates/services-py"
    line = "{{ cookiecutter.name }} {{ cookiecutter.port }}"
    write({f"{folder}/cookiecutter.json": json.dumps(TOUCHING)})
    write({f"{folder}/touches/docs/{file}.md": line for file in ("list", "made")})


@pytest.mark.parametrize("path", ["shared/py/a", "shared/js/a"])
def test_add_then_remove_is_the_identity(javascript: Path, tree: Tree, path: str) -> None:
    (javascript / "pnpm-lock.yaml").write_text(EMPTY_LOCK, encoding="utf-8")
    (javascript / "pnpm-lock.yaml").chmod(0o640)
    then = tree()
    addition.add(javascript, [path])
    assert tree() != then
    assert removal.remove(javascript, path) == [f"removed {path}"]
    assert tree() == then


@pytest.mark.usefixtures("touching")
@pytest.mark.parametrize("text", [b"# All\n", b"# All\r\n", b"# \xff\r\n\r\n", b"a\r\nb\n"])
def test_files_outside_get_lines_and_lose_them(root: Path, tree: Tree, text: bytes) -> None:
    (root / "docs").mkdir()
    (root / "docs/list.md").write_bytes(text)
    (root / "docs/list.md").chmod(0o600)
    then = tree()
    addition.add(root, ["services/py/my-api"])
    grown = tree()
    end = b"\r\n" if text.count(b"\n") == text.count(b"\r\n") else b"\n"
    assert grown["docs/list.md"] == (then["docs/list.md"][0], text + b"my-api 8000" + end)
    assert grown["docs/made.md"][1] == b"my-api 8000\n"
    addition.add(root, ["services/py/api"])
    assert tree()["docs/made.md"][1] == b"my-api 8000\napi 8001\n"
    removal.remove(root, "services/py/api")
    assert tree() == grown
    removal.remove(root, "services/py/my-api")
    assert tree() == then


@pytest.mark.usefixtures("touching")
def test_a_line_that_merely_ends_alike_is_kept(root: Path) -> None:
    addition.add(root, ["services/py/api"])
    (root / "docs/list.md").write_text("my-api 8000\n", encoding="utf-8")
    removal.remove(root, "services/py/api")
    assert (root / "docs/list.md").read_text(encoding="utf-8") == "my-api 8000\n"


@pytest.mark.usefixtures("touching")
def test_a_file_without_a_last_line_break_is_refused(root: Path, write: Write, tree: Tree) -> None:
    write({"docs/list.md": "open"})
    then = tree()
    with pytest.raises(UsageError, match=r"docs/list\.md: does not end with a line break"):
        addition.add(root, ["services/py/api"])
    assert tree() == then


def test_its_service_in_compose_goes_with_it(root: Path, write: Write, tree: Tree) -> None:
    write({"compose.yaml": "services:\n  db: {image: db}\n"})
    addition.add(root, ["shared/py/service"])
    then = tree()
    addition.add(root, ["services/py/api"])
    text = (root / "compose.yaml").read_text(encoding="utf-8")
    write({"compose.yaml": f"{text}  py-api:\n    build: services/py/api\n"})
    removal.remove(root, "services/py/api")
    assert tree() == then


def test_who_needs_it_is_told(root: Path, package: MakePackage, tree: Tree) -> None:
    package("shared/py/core")
    package("shared/py/a", "tiny-core")
    package("services/py/b", extra=["tiny-core"])
    then = tree()
    with pytest.raises(
        UsageError, match="is needed by services/py/b, shared/py/a; remove that dependency first"
    ):
        removal.remove(root, "tiny-core")
    assert tree() == then


@pytest.mark.parametrize("word", ["", "tools", "shared/py/gone", "../x"])
def test_what_is_no_package_is_refused(root: Path, tree: Tree, word: str) -> None:
    then = tree()
    with pytest.raises(UsageError):
        removal.remove(root, word)
    assert tree() == then


def test_what_git_could_not_bring_back_is_refused(root: Path, write: Write, tree: Tree) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)

    git("init")
    addition.add(root, ["shared/py/a", "shared/py/b"])
    git("add", "shared/py/a")
    git("commit", "--message", "x")
    write({"shared/py/a/new.txt": ""})
    with pytest.raises(UsageError, match=r"has uncommitted changes \(.*new.txt\); commit"):
        removal.remove(root, "shared/py/a")
    (root / "shared/py/a/new.txt").unlink()
    # What git never knew was just made, and was a mistake.
    removal.remove(root, "shared/py/b")
    removal.remove(root, "shared/py/a")
    assert not (root / "shared").exists()


def test_pins_go_with_it(
    root: Path, package: MakePackage, uv: Path, wheel: Callable[..., None], write: Write
) -> None:
    for name in ("left", "right"):
        wheel(name, "1.0")
    write({"constraints.txt": "left==1.0\nright==1.0\n"})
    package("shared/py/a", "right>=1", "left")
    package("shared/py/b", "left")
    uv.rename(uv.with_name("away"))
    assert cli.main(["--root", str(root), "remove", "shared/py/b"]) == 0
    assert cli.main(["--root", str(root), "remove", "shared/py/a"]) == 2
    assert (root / "shared/py/a").is_dir()
    uv.with_name("away").rename(uv)
    package("shared/py/b", "left")
    assert cli.main(["--root", str(root), "remove", "shared/py/a/"]) == 0
    assert (root / "constraints.txt").read_text(encoding="utf-8").endswith("\nleft==1.0\n")
    assert "right" not in (root / "tools/hashes.txt").read_text(encoding="utf-8")


def test_it_can_be_looked_at_first(
    javascript: Path, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    addition.add(javascript, ["shared/js/a"])
    then = tree()
    assert cli.main(["--root", str(javascript), "remove", "shared/js/a", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "- shared/js/a/package.json"
    assert "-  shared/js/a:" in lines
    assert tree() == then


LOCK = """\
lockfileVersion: '9.0'

importers:

  .: {}

  shared/js/a:
    dependencies:
      '@tiny/gone':
        specifier: workspace:*
        version: link:../gone

  shared/js/b:
    dependencies:
      '@tiny/a':
        specifier: workspace:*
        version: link:../a
    devDependencies:
      '@tiny/gone':
        specifier: workspace:*
        version: link:../gone

  shared/js/gone: {}
"""
REFERENCE = """
    {
      "path": "../%s/tsconfig.build.json"
    }"""
REFERENCES = '{\n  "references": [%s\n  ]\n}\n'


def test_what_others_left_of_a_dependency_goes_with_it(javascript: Path, write: Write) -> None:
    both = f"{REFERENCE % 'a'},{REFERENCE % 'gone'}"
    asked = {"@tiny/a": "workspace:*"}
    write(
        {
            "pnpm-lock.yaml": LOCK,
            "shared/js/gone/package.json": '{"name": "@tiny/gone"}',
            "shared/js/a/package.json": '{"name": "@tiny/a"}',
            "shared/js/a/tsconfig.build.json": REFERENCES % (REFERENCE % "gone"),
            "shared/js/b/package.json": json.dumps({"name": "@tiny/b", "dependencies": asked}),
            "shared/js/b/tsconfig.build.json": REFERENCES % both,
        }
    )
    assert cli.main(["--root", str(javascript), "remove", "shared/js/gone"]) == 0
    assert pnpm_locks.check(workspace.load(javascript)) == []
    mine = (javascript / "shared/js/a/tsconfig.build.json").read_text(encoding="utf-8")
    assert mine == '{\n  "references": []\n}\n'
    other = (javascript / "shared/js/b/tsconfig.build.json").read_text(encoding="utf-8")
    assert other == REFERENCES % (REFERENCE % "a")


@pytest.mark.usefixtures("touching")
def test_in_the_flat_layout_nothing_is_left_either(javascript: Path, tree: Tree) -> None:
    biome = '{\n  "includes": [\n    "shared/js/**",\n    "!x"\n  ]\n}\n'
    (javascript / "biome.json").write_text(biome, encoding="utf-8")
    (javascript / "pnpm-lock.yaml").write_text(EMPTY_LOCK, encoding="utf-8")
    then = tree()
    for path, kind in (("tiny-a", "shared-js"), ("tiny-svc-b", "services-py")):
        addition.add(javascript, [f"packages/{path}"], template=kind)
    assert (javascript / "docs/list.md").read_text(encoding="utf-8") == "b 8000\n"
    for path in ("packages/tiny-svc-b", "packages/tiny-a"):
        removal.remove(javascript, path)
    assert tree() == then
