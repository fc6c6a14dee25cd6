"""Packages move to the flat layout and back: all that git has of them, or nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.graph import packages as graph
from monorepo.layout import flatten, places
from monorepo.programs.git import Git
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
UI = {"name": "@tiny/core", "version": "1.0.0", "private": True}
FILES = {
    ".gitignore": ".env\n__pycache__/\ndata/\n/packages/*/build/\n/*/*/*/build/\n",
    "README.md": "`make test PKG=shared/py/core`: [core](shared/py/core/README.md)\n"
    "`shared/py/`: packages that others import\n",
    "shared/py/core/README.md": "[all](../../../README.md)\n",
    "shared/py/core/Makefile": "include ../../../tools/make/py.mk\n",
    "shared/js/core/package.json": json.dumps(UI, indent=2) + "\n",
    "shared/js/core/tsconfig.json": '{ "extends": "../../../tsconfig.base.json" }\n',
    "services/py/api/notes.txt": "a text of its own\n",
    "guard-baseline.json": '[\n  ["a", "b.py", "x"],\n  ["a", "services/py/api/a.py", "x"]\n]\n',
    "biome.json": '{\n  "includes": [\n      "shared/js/**",\n      "!x"\n  ]\n}\n',
    "tools/templates/shared-py/cookiecutter.json": '{"_requires": {"shared/py/core": "shared-py"}}',
    ".github/CODEOWNERS": "/shared/py/ @python\n/shared/py/core/ @core\n",
}
FLAT = {
    "shared/py/core": "packages/tiny-core",
    "shared/js/core": "packages/tiny-core-js",
    "services/py/api": "packages/tiny-svc-api",
}


@pytest.fixture
def tree(root: Path, package: MakePackage, write: Write, save: Save, git: Git) -> str:
    """Write a monorepo with packages in both languages; return the tree that git has of it."""
    package("shared/py/core")
    package("services/py/api", "tiny-core")
    write(FILES)
    (root / "shared/py/core/LICENSE").symlink_to("../../../README.md")
    save()
    return git.text("write-tree")


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


@pytest.mark.usefixtures("tree")
def test_packages_move_with_what_names_them(root: Path, git: Git) -> None:
    done = flatten.flatten(root)
    assert done[:3] == [f"moved {old} to {FLAT[old]}" for old in ("shared/py/core", *[*FLAT][1:])]
    for place in (".github/CODEOWNERS:1", "README.md:2"):
        assert f"look at {place}: it names a folder from which packages move" in done
    space = workspace.load_whole(root)
    assert {one.grouped: one.path for one in space.packages.values()} == FLAT
    assert graph.graph(space)["packages/tiny-svc-api"] == {"packages/tiny-core"}
    assert space.by_name["tiny-core"].is_python
    assert text(root, "README.md") == (
        "`make test PKG=packages/tiny-core`: [core](packages/tiny-core/README.md)\n"
        "`shared/py/`: packages that others import\n"
    )
    assert text(root, "packages/tiny-core/README.md") == "[all](../../README.md)\n"
    assert text(root, "packages/tiny-core/Makefile") == "include ../../tools/make/py.mk\n"
    assert (root / "packages/tiny-core/LICENSE").readlink() == Path("../../README.md")
    assert json.loads(text(root, "packages/tiny-core-js/package.json")) == {
        **UI,
        "monorepo": {"kind": "shared"},
    }
    assert '"packages/tiny-core-js/**",\n      "!x"' in text(root, "biome.json")
    assert json.loads(text(root, "guard-baseline.json"))[1][1] == "packages/tiny-svc-api/a.py"
    assert "/packages/tiny-core/ @core" in text(root, ".github/CODEOWNERS")
    # A kind of package is written for the grouped layout.
    assert "shared/py/core" in text(root, "tools/templates/shared-py/cookiecutter.json")
    assert not (root / "shared").exists()
    # Everything is staged, as git mv does it.
    assert git.unstaged() == []
    staged = git.text("diff", "--cached", "--name-status", "-M")
    assert "R100\tservices/py/api/notes.txt\tpackages/tiny-svc-api/notes.txt" in staged


def test_undo_gives_the_same_tree(root: Path, git: Git, save: Save, tree: str) -> None:
    flatten.flatten(root, ["shared/py/core"])
    assert [*workspace.load_whole(root).packages] == [
        "packages/tiny-core",
        "shared/js/core",
        "services/py/api",
    ]
    save()
    flatten.flatten(root, ["tiny-svc-api", "@tiny/core"])
    save()
    assert flatten.flatten(root) == ["every package is in the flat layout"]
    flatten.flatten(root, undo=True)
    assert git.text("diff", "--cached", tree) == ""
    assert not (root / "packages").exists()
    save()
    assert flatten.flatten(root, undo=True) == ["every package is in the grouped layout"]


def test_a_dry_run_says_what_moves_and_what_changes(root: Path, git: Git, tree: str) -> None:
    said = flatten.flatten(root, ["shared/py/core"], dry_run=True)
    assert said[0] == "shared/py/core -> packages/tiny-core"
    assert {"changes README.md", "changes packages/tiny-core/Makefile"} <= {*said}
    assert (git.text("write-tree"), git.changed()) == (tree, [])
    assert next(iter(workspace.load_whole(root).packages)) == "shared/py/core"


@pytest.mark.usefixtures("tree")
def test_settings_of_one_machine_move_along_and_what_tools_made_goes(root: Path) -> None:
    folder = root / "services/py/api"
    (folder / ".env").write_text("A=1\n", encoding="utf-8")
    for path in ("data/deep/a.bin", "src/tiny_svc_api/__pycache__/a.pyc", "build/a.whl"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    flatten.flatten(root, ["services/py/api"])
    assert not (root / "services").exists()
    moved = root / "packages/tiny-svc-api"
    assert text(moved, ".env") == "A=1\n"
    assert (moved / "data/deep/a.bin").exists()
    assert not (moved / "build").exists()


@pytest.mark.usefixtures("tree")
def test_what_is_not_committed_is_refused(root: Path) -> None:
    (root / "shared/py/core/new.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"shared/py/core/new.py: is not committed"):
        flatten.flatten(root, ["shared/py/core"])
    (root / "README.md").write_text("other", encoding="utf-8")
    with pytest.raises(UsageError, match=r"README.md: is not committed"):
        flatten.flatten(root, ["services/py/api"])


@pytest.mark.usefixtures("tree")
def test_what_is_in_the_way_is_refused(root: Path, git: Git) -> None:
    cache = root / "packages/tiny-core/src/__pycache__"
    cache.mkdir(parents=True)
    (cache / "a.pyc").write_bytes(b"")
    flatten.flatten(root, ["shared/py/core"], dry_run=True)
    (root / "packages/tiny-core/mine").write_bytes(b"")
    with pytest.raises(UsageError, match="would be packages/tiny-core, which exists already"):
        flatten.flatten(root, ["shared/py/core"])
    shutil.rmtree(root / "packages/tiny-core")
    (root / "packages/Tiny-Core").mkdir()
    (root / "packages/Tiny-Core/mine").write_bytes(b"")
    with pytest.raises(UsageError, match="would be packages/tiny-core, which exists already"):
        flatten.flatten(root, ["shared/py/core"])
    shutil.rmtree(root / "packages")
    (root / "packages").write_bytes(b"")
    with pytest.raises(UsageError, match="tiny-core, and packages is no folder; move that away"):
        flatten.flatten(root, ["shared/py/core"])
    assert git.changed() == []


@pytest.mark.usefixtures("tree")
def test_a_submodule_is_refused(root: Path, git: Git) -> None:
    inner = "shared/py/core/vendored"
    git.run("update-index", "--add", "--cacheinfo", f"160000,{git.head},{inner}")
    (root / inner).mkdir()
    git.run("commit", "--quiet", "-m", "a submodule")
    with pytest.raises(UsageError, match=f"{inner}: is a submodule, and cannot move along"):
        flatten.flatten(root, ["shared/py/core"])
    assert flatten.flatten(root, ["services/py/api"], dry_run=True)


def test_what_cannot_be_told_apart_is_refused(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/core-js")
    package("shared/py/core")
    package("shared/py/app-kit")
    package("shared/py/both")
    write({"shared/py/both/package.json": '{"name": "both"}', FLAT_JS: json.dumps(UI)})
    with pytest.raises(UsageError) as caught:
        places.flat(workspace.load_whole(root))
    words = ["app-kit: would be named like an app", "both: has package.json", "core-js: would be"]
    assert all(any(word in mistake for mistake in caught.value.mistakes) for word in words), (
        caught.value.mistakes
    )


FLAT_JS = "shared/js/core/package.json"


@pytest.mark.usefixtures("tree")
def test_words_have_to_fit(root: Path, save: Save) -> None:
    with pytest.raises(UsageError, match="shared/py/core: is not in packages; leave it out"):
        flatten.flatten(root, ["shared/py/core"], undo=True)
    flatten.flatten(root, ["shared/py/core"])
    save()
    with pytest.raises(UsageError, match="packages/tiny-core: is in packages already"):
        flatten.flatten(root, ["tiny-core"])


def test_a_rewritten_file_is_known_to_what_is_generated_from_it(
    root: Path, package: MakePackage, write: Write, save: Save
) -> None:
    from monorepo.generation import records
    from monorepo.guard.repository import Sources

    package("shared/py/core")
    package("shared/py/client")
    manifest = root / "shared/py/client/pyproject.toml"
    entry = (
        '\n[tool.monorepo.generate.api]\ncommand = ["cat", "x"]\n'
        'inputs = ["shared/py/core", "../core/README.md"]\noutputs = ["src/out.txt"]\n'
    )
    manifest.write_text(manifest.read_text(encoding="utf-8") + entry, encoding="utf-8")
    write({"shared/py/core/README.md": "shared/py/core\n", "shared/py/client/src/out.txt": ""})
    save()

    def drift() -> list[object]:
        space = workspace.load_whole(root)
        return [*records.drift(Sources(space), space.by_name["tiny-client"])]

    space = workspace.load_whole(root)
    sources, client = Sources(space), space.by_name["tiny-client"]
    (generated,) = client.generated
    found = records.Record(
        generated.command,
        {k: v for each in records.inputs(sources, generated).values() for k, v in each.items()},
        records.outputs(sources, generated),
    )
    write({f"shared/py/client/{records.LOCK}": records.render({"api": found})})
    save()
    assert drift() == []
    flatten.flatten(root)
    assert drift() == []
    assert graph.generated_from(
        workspace.load(root), workspace.load(root).by_name["tiny-client"]
    ) == {"packages/tiny-core"}
