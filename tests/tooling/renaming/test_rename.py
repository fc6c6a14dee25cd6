"""A package gets another name: all that git has of it, or nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.layout import flatten
from monorepo.programs.git import Git
from monorepo.renaming import rename
from monorepo.system.errors import UsageError

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
CORE, BASE = "shared/py/core", "shared/py/base"
FILES = {
    ".gitignore": "__pycache__/\ndata/\n",
    "README.md": "`make test PKG=shared/py/core`: [core](shared/py/core/README.md), `tiny_core`\n",
    "shared/py/core/README.md": "[all](../../../README.md)\n",
    "shared/py/core/CHANGELOG.md": "# 1.0 of `tiny-core`: [it](src/tiny_core/deep/a.py)\n",
    "shared/py/core/src/tiny_core/deep/a.py": "import tiny_core\n\ntiny_core.deep\n",
    "shared/js/core/package.json": json.dumps({"name": "@tiny/core", "version": "1.0.0"}, indent=2),
    "shared/js/core/tsconfig.build.json": "{}\n",
    "services/js/web/package.json": json.dumps(
        {"name": "@tiny/svc-web", "dependencies": {"@tiny/core": "workspace:*"}}, indent=2
    ),
    "services/js/web/tsconfig.build.json": '{"references": ["../../../shared/js/core"]}\n',
    "services/js/web/src/main.ts": 'import { a } from "@tiny/core";\n',
    "services/py/api/src/tiny_svc_api/main.py": 'import tiny_core.deep\n\nX = "tiny_core.x:y"\n',
    "services/py/api/service.edn": '{:service/name "api"\n :deps ["tiny-core"]}\n',
    "compose.yaml": (
        "services:\n  py-api:\n    build: services/py/api\n"
        "  js-web:\n    build: services/js/web\n    depends_on: [py-api]\n"
        "    environment:\n      API_URL: http://py-api:8000\n"
    ),
    "typings/tiny_core/__init__.pyi": "x: int\n",
    "tools/templates/own/{{cookiecutter.name}}/a.py": "from tiny_core import x\n",
    "tools/templates/own/cookiecutter.json": '{"_requires": {"shared/py/core": "shared-py"}}',
}


@pytest.fixture
def tree(root: Path, package: MakePackage, write: Write, save: Save, git: Git) -> str:
    """Write a monorepo with packages in both languages; return the tree that git has of it."""
    package(CORE)
    package("services/py/api", "tiny-core[io]", "tiny_core")
    write(FILES)
    (root / "shared/py/core/link").symlink_to("src/tiny_core/deep")
    save()
    return git.text("write-tree")


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


@pytest.mark.usefixtures("tree")
def test_whatever_names_a_package_follows(root: Path, git: Git) -> None:
    (root / "shared/py/core/src/tiny_core/data").mkdir()
    (root / "shared/py/core/src/tiny_core/data/mine").write_bytes(b"")
    said = rename.rename(root, "tiny-core", f"{BASE}/")
    assert said[0].startswith(f"renamed {CORE} to {BASE}, in ")
    space = workspace.load_whole(root)
    assert space.packages[BASE].name == "tiny-base"
    manifest = space.packages["services/py/api"].manifest
    # The second one was an import name as well: it keeps that spelling.
    assert manifest["project"]["dependencies"] == ["tiny-base[io]", "tiny_base"]
    assert text(root, f"{BASE}/src/tiny_base/deep/a.py") == "import tiny_base\n\ntiny_base.deep\n"
    assert (root / f"{BASE}/src/tiny_base/data/mine").exists()
    assert (root / f"{BASE}/link").readlink() == Path("src/tiny_base/deep")
    assert text(root, "README.md") == (
        "`make test PKG=shared/py/base`: [core](shared/py/base/README.md), `tiny_base`\n"
    )
    assert text(root, "services/py/api/src/tiny_svc_api/main.py") == (
        'import tiny_base.deep\n\nX = "tiny_base.x:y"\n'
    )
    # It is about the name of that time, and its links lead somewhere.
    history = "# 1.0 of `tiny-core`: [it](src/tiny_base/deep/a.py)\n"
    assert text(root, f"{BASE}/CHANGELOG.md") == history
    assert text(root, "typings/tiny_base/__init__.pyi")
    assert "from tiny_base" in text(root, "tools/templates/own/{{cookiecutter.name}}/a.py")
    assert f'"{BASE}"' in text(root, "tools/templates/own/cookiecutter.json")
    # The package in JavaScript is another one.
    assert space.packages["shared/js/core"].name == "@tiny/core"
    assert not (root / CORE).exists()
    assert git.unstaged() == []


@pytest.mark.usefixtures("tree")
def test_a_javascript_package_is_renamed(root: Path) -> None:
    rename.rename(root, "shared/js/core", "shared/js/base")
    web = workspace.load_whole(root).packages["services/js/web"]
    assert web.node_dependencies == {"@tiny/base": "workspace:*"}
    assert '"../../../shared/js/base"' in text(root, "services/js/web/tsconfig.build.json")
    assert '"@tiny/base"' in text(root, "services/js/web/src/main.ts")
    assert "import tiny_core" in text(root, f"{CORE}/src/tiny_core/deep/a.py")


@pytest.mark.usefixtures("tree")
def test_a_service_has_a_name_in_addresses_as_well(root: Path) -> None:
    rename.rename(root, "services/py/api", "services/py/gate")
    assert text(root, "compose.yaml") == FILES["compose.yaml"].replace("api", "gate")
    assert ':service/name "gate"' in text(root, "services/py/gate/service.edn")


@pytest.mark.usefixtures("tree")
def test_an_address_is_another_one_where_nothing_is_built_from_the_package(
    root: Path, write: Write, save: Save
) -> None:
    composed = FILES["compose.yaml"].replace("build: services/py/api", "image: api")
    write({"compose.yaml": composed, "a.py": 'URL = "http://py-api:8000"\n'})
    save()
    rename.rename(root, "services/py/api", "services/py/gate")
    assert text(root, "compose.yaml") == composed
    assert text(root, "a.py") == 'URL = "http://py-api:8000"\n'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CORE, BASE),
        ("shared/js/core", "shared/js/a-longer-one"),
        ("services/py/api", "services/py/gate"),
        ("services/js/web", "services/js/front"),
    ],
)
@pytest.mark.parametrize("is_flat", [False, True])
def test_there_and_back_is_the_identity(
    old: str, new: str, is_flat: bool, root: Path, git: Git, save: Save, tree: str
) -> None:
    if is_flat:
        flatten.flatten(root)
        save()
        tree = git.text("write-tree")
        space = workspace.load_whole(root)
        at = space.by_grouped[old].path
        ends = [old.rpartition("/")[2], new.rpartition("/")[2]]
        to = at.removesuffix("-js").removesuffix(ends[0]) + ends[1]
        old, new = at, to
    rename.rename(root, old, new)
    save()
    assert new in workspace.load_whole(root).packages
    rename.rename(root, new, old)
    assert git.text("diff", "--cached", tree) == ""


def test_a_dry_run_shows_the_changes(root: Path, git: Git, tree: str) -> None:
    said = rename.rename(root, CORE, BASE, dry_run=True)
    assert said[0] == f"{CORE} -> {BASE}"
    assert '+X = "tiny_base.x:y"' in said
    assert (git.text("write-tree"), git.changed()) == (tree, [])


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("at", "to", "message"),
    [
        ("", "", "AT: is missing.*\n.*TO: is missing"),
        ("shared/py/none", BASE, "shared/py/none"),
        (CORE, CORE, "is its path already"),
        (CORE, "services/py/base", "keeps its kind, language and layout"),
        (CORE, "shared/js/base", "keeps its kind, language and layout"),
        (CORE, "packages/tiny-base", "keeps its kind, language and layout"),
        (CORE, "shared/py/Base", "is not a name"),
        (CORE, "shared/py/svc-base", "would be named like a service"),
        ("shared/js/core", "shared/js/taken", "exists already"),
        (CORE, "shared/py/other", r"a.py:2: has the new name already"),
        (CORE, "shared/py/another", r"run.sh:1: has the new name already"),
        (CORE, "shared/py/third", r"tools/templates/own/a.txt:1: has the new name already"),
    ],
)
def test_what_cannot_be_is_refused(
    at: str, to: str, message: str, root: Path, write: Write, save: Save, git: Git
) -> None:
    files = {"run.sh": "cd shared/py/another\n", "tools/templates/own/a.txt": "tiny_third\n"}
    write({"shared/js/taken/notes.txt": "", "a.py": "x = 1\nimport tiny_other\n", **files})
    save()
    with pytest.raises(UsageError) as caught:
        rename.rename(root, at, to)
    assert re.search(message, "\n".join(caught.value.mistakes))
    assert git.changed() == []


@pytest.mark.usefixtures("tree")
def test_a_document_with_the_new_name_keeps_its_words(root: Path, write: Write, save: Save) -> None:
    line = "[core](shared/py/core/README.md): `make rename AT=shared/py/core TO=shared/py/base`\n"
    example = f"new: ## Add a package: AT={BASE}\n"
    write({"HOW.md": f"\n{line}", "Makefile": example})
    save()
    said = rename.rename(root, CORE, BASE)
    assert "look at HOW.md:2: it had the new name before" in said
    assert "look at Makefile:1: it had the new name before" in said
    assert text(root, "Makefile") == example
    assert text(root, "HOW.md") == "\n" + line.replace("(shared/py/core", "(shared/py/base")


def test_nothing_is_needed_that_some_repositories_do_not_install() -> None:
    code = (
        "import sys\n"
        "for name in ('pydantic', 'packaging', 'cookiecutter'):\n"
        "    sys.modules[name] = None\n"
        "import monorepo.layout.flatten, monorepo.generation.code_owners, monorepo.syncing.sync\n"
        "sys.modules.pop('packaging')\n"
        "import monorepo.renaming.rename\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("dry_run", [False, True])
def test_what_git_does_not_have_is_told(root: Path, write: Write, dry_run: bool) -> None:
    files = {"new.py": "\nimport tiny_core\n", "new.sh": f"cd {CORE}\n", "data/a.py": "tiny_core"}
    write({**files, "other.py": "import tiny_core_b\n"})
    told = [line for line in rename.rename(root, CORE, BASE, dry_run=dry_run) if "look" in line]
    what = "it has the old name, and git does not have it"
    assert told == [f"look at new.py:2: {what}", f"look at new.sh:1: {what}"]
    assert text(root, "new.py") == files["new.py"]


@pytest.mark.usefixtures("tree")
def test_a_clean_tree_is_needed(root: Path) -> None:
    (root / "README.md").write_text("other", encoding="utf-8")
    with pytest.raises(UsageError, match=r"README.md: is not committed"):
        rename.rename(root, CORE, BASE)


@pytest.mark.usefixtures("tree")
def test_what_each_service_has_keeps_its_name(root: Path, package: MakePackage, save: Save) -> None:
    package("shared/py/service")
    save()
    with pytest.raises(UsageError, match=r"is required by each service.edn, under this name"):
        rename.rename(root, "shared/py/service", "shared/py/runtime")
    (root / "services/py/api/service.edn").unlink()
    save()
    rename.rename(root, "shared/py/service", "shared/py/runtime")


@pytest.mark.usefixtures("tree")
def test_the_lock_of_a_uv_project_keeps_its_order(root: Path, write: Write, save: Save) -> None:
    source = 'source = { editable = "../../../shared/py/core" }\n'
    rows = '    { name = "tiny-core" },\n    { name = "uvicorn" },\n'
    lock = (
        f'version = 1\n\n[[package]]\nname = "tiny-core"\n{source}\n'
        f'[[package]]\nname = "tiny-svc-api"\ndependencies = [\n{rows}]\n\n'
        '[[package]]\nname = "uvicorn"\n'
    )
    file = "services/py/api/uv.lock"
    write({file: lock})
    save()
    rename.rename(root, CORE, "shared/py/zeta")
    text_there = text(root, file)
    names = re.findall(r'^name = "(.*)"', text_there, re.MULTILINE)
    assert names == ["tiny-svc-api", "tiny-zeta", "uvicorn"]
    assert 'editable = "../../../shared/py/zeta"' in text_there
    save()
    rename.rename(root, "shared/py/zeta", CORE)
    assert text(root, file) == lock
