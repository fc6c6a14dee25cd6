"""What a result depends on changes its hash, and nothing else does."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.caching import worktree
from monorepo.caching.contents import LINT, PROVING, TEST, TYPE_CHECK, Contents, Key, Machine
from monorepo.core import workspace
from monorepo.core.languages import Language
from monorepo.graph.scopes import Node, group

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Save = Callable[[], str]
Change = Callable[[Path], object]

MACHINE = Machine("3.11.9 python3.11", "linux-x86_64")
BASE, CORE, API = "shared/py/base", "shared/py/core", "services/py/api"
ALONE, WEB, PAGE = "shared/py/alone", "shared/js/web", "shared/js/page"
EVERYTHING = {BASE, CORE, API, ALONE, WEB, PAGE}
PYTHON = {BASE, CORE, API, ALONE}
LOCK = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: false

catalogs:
  default:
    fast:
      specifier: 1.0.0
      version: 1.0.0

importers:

  .: {}

  shared/js/page: {}

  shared/js/web:
    dependencies:
      '@tiny/page':
        specifier: workspace:*
        version: link:../page
      fast:
        specifier: 'catalog:'
        version: 1.0.0

packages:

  fast@1.0.0:
    resolution: {integrity: sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==}

snapshots:

  fast@1.0.0: {}
"""


def pin(name: str, digit: str, *requires: str) -> str:
    """Return the entry of a pin in tools/hashes.txt."""
    text = f"{name}==1.0 \\\n    --hash=sha256:{digit * 64}\n"
    return text + (f"    # requires {', '.join(requires)}\n" if requires else "")


PINS = {name: f"{name}==1.0\n" for name in ("deep", "heavy", "left", "ruff", "uv")}
HASHES = {
    "deep": pin("deep", "1"),
    "heavy": pin("heavy", "2"),
    "left": pin("left", "3", "deep"),
    "ruff": pin("ruff", "4"),
    "uv": pin("uv", "5"),
}


@pytest.fixture
def tree(
    root: Path,
    javascript: Path,
    package: MakePackage,
    groups: Callable[..., None],
    write: Write,
    save: Save,
) -> Path:
    """A repository: api needs core, which needs base with an extra; web needs page."""
    package(BASE, lite=["left"], ml=["heavy"])
    package(CORE, "tiny-base[lite]")
    groups(CORE, test=["left"], docs=["heavy"])
    package(API, "tiny-core")
    package(ALONE)
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    manifest = '"monorepo": {}, "version": "1.0.0"'
    needs = '"dependencies": {"@tiny/page": "workspace:*", "fast": "catalog:"}'
    write(
        {
            "pyproject.toml": facts.replace("dev = []", 'dev = ["ruff"]')
            + "\n[tool.ruff]\nline-length = 90\n",
            "constraints.txt": "".join(PINS.values()),
            "tools/hashes.txt": "".join(HASHES.values()),
            "tools/make/py.mk": "",
            "tools/make/js.mk": "",
            "tools/make/common.mk": "",
            "README.md": "A.\n",
            ".env.example": "# DATABASE=x\nLEVEL=info\n",
            f"{CORE}/tests/test_it.py": "",
            f"{BASE}/tests/test_it.py": "",
            f"{BASE}/README.md": "B.\n",
            f"{WEB}/package.json": f'{{"name": "@tiny/web", {needs}, {manifest}}}',
            f"{WEB}/src/index.ts": "",
            f"{PAGE}/package.json": f'{{"name": "@tiny/page", {manifest}}}',
            f"{PAGE}/src/index.ts": "",
            f"{PAGE}/tests/it.test.ts": "",
            "pnpm-lock.yaml": LOCK,
        }
    )
    (root / f"{BASE}/src/tiny_base").mkdir(parents=True, exist_ok=True)
    (root / f"{BASE}/src/tiny_base/more.py").write_text("x = 1\n", encoding="utf-8")
    save()
    return root


def contents(root: Path) -> Contents:
    """Return what there is at the moment."""
    found = worktree.read(root)
    assert found
    return Contents(workspace.load(root), found)


def keys(root: Path, task: str = TEST) -> dict[str, Key]:
    """Return what the result of a task of each package depends on."""
    now = contents(root)
    return {path: now.key(package, task, MACHINE) for path, package in now.space.packages.items()}


def digests(root: Path, task: str = TEST) -> dict[str, str]:
    """Return the hash of each package."""
    return {path: key.digest for path, key in keys(root, task).items()}


def differing(root: Path, change: Change, task: str = TEST) -> set[str]:
    """Return the packages whose hash differs after a change."""
    before = digests(root, task)
    change(root)
    after = digests(root, task)
    return {path for path in before if before[path] != after.get(path)}


def edit(path: str, old: str = "", new: str = "# more\n") -> Change:
    """Return a change of a file: a text replaced, or one more line."""

    def change(root: Path) -> None:
        file = root / path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert old in text
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")

    change.__name__ = f"{path} {old}"
    return change


def repin(name: str, *, also: str = "") -> Change:
    """Return a change of a pin, and of what it requires."""

    def change(root: Path) -> None:
        edit("constraints.txt", f"{name}==1.0", f"{name}==2.0")(root)
        edit("tools/hashes.txt", f"{name}==1.0", f"{name}==2.0")(root)

    change.__name__ = f"pin {name}"
    return change


def without(path: str) -> Change:
    """Return the removal of a file."""

    def change(root: Path) -> None:
        (root / path).unlink()

    change.__name__ = f"without {path}"
    return change


def executable(root: Path) -> None:
    (root / f"{BASE}/src/tiny_base/more.py").chmod(0o755)


CHANGES: list[tuple[Change, set[str]]] = [
    # Files of packages.
    (edit(f"{BASE}/src/tiny_base/more.py"), {BASE, CORE, API}),
    (edit(f"{BASE}/src/tiny_base/new.py"), {BASE, CORE, API}),
    (edit(f"{BASE}/unknown.dat"), {BASE, CORE, API}),
    (executable, {BASE, CORE, API}),
    (without(f"{BASE}/src/tiny_base/more.py"), {BASE, CORE, API}),
    (edit(f"{BASE}/tests/test_it.py"), {BASE}),
    (without(f"{BASE}/tests/test_it.py"), {BASE}),
    (edit(f"{BASE}/README.md"), {BASE}),
    (edit(f"{CORE}/src/tiny_core/x.py"), {CORE, API}),
    (edit(f"{API}/src/tiny_svc_api/x.py"), {API}),
    (edit(f"{PAGE}/src/index.ts", new="export {};\n"), {PAGE, WEB}),
    (edit(f"{PAGE}/tests/it.test.ts", new="export {};\n"), {PAGE}),
    # Manifests: what the closure reaches.
    (edit(f"{BASE}/pyproject.toml", 'lite = ["left"]', 'lite = ["left>0"]'), {BASE, CORE, API}),
    (edit(f"{BASE}/pyproject.toml", 'ml = ["heavy"]', 'ml = ["heavy>0"]'), {BASE}),
    (edit(f"{CORE}/pyproject.toml", 'test = ["left"]', 'test = ["left>0"]'), {CORE}),
    (edit(f"{BASE}/pyproject.toml"), {BASE}),
    # Pins: of the closure, also those that pins require.
    (repin("left"), {BASE, CORE, API}),
    (repin("deep"), {BASE, CORE, API}),
    (repin("heavy"), {BASE, CORE}),
    (edit("tools/hashes.txt", "3" * 64, "f" * 64), {BASE, CORE, API}),
    (repin("ruff"), PYTHON),
    (edit("pnpm-lock.yaml", "sha512-AA", "sha512-BB"), {WEB}),
    # Files of the root.
    (edit("tools/make/py.mk"), PYTHON),
    (edit("tools/make/js.mk"), {WEB, PAGE}),
    (edit("tools/make/common.mk"), EVERYTHING),
    (edit("pyproject.toml", "line-length = 90", "line-length = 80"), PYTHON),
    (edit("unknown"), EVERYTHING),
    (edit("README.md"), set()),
    (edit("docs/x.md"), set()),
]


@pytest.mark.parametrize(
    ("change", "packages"), CHANGES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_change_changes_what_depends_on_it(
    tree: Path, change: Change, packages: set[str]
) -> None:
    assert differing(tree, change) == packages


def test_files_that_are_declared_count_as_a_whole(tree: Path) -> None:
    named = ("constraints.txt", "pyproject.toml", f"{BASE}/pyproject.toml", "README.md")
    lines = "".join(f'"{path}" = ["{ALONE}"]\n' for path in named)
    edit("pyproject.toml", new=f"\n[tool.monorepo.affects]\n{lines}")(tree)
    for path in named:
        assert ALONE in differing(tree, edit(path)), path


def test_a_linter_looks_at_each_file_alone(tree: Path) -> None:
    assert differing(tree, edit(f"{BASE}/src/tiny_base/more.py"), LINT) == {BASE}
    assert differing(tree, edit(f"{BASE}/tests/test_it.py"), LINT) == {BASE}
    assert differing(tree, edit(f"{BASE}/pyproject.toml"), LINT) == {BASE}
    assert differing(tree, edit("tools/make/py.mk"), LINT) == PYTHON
    assert differing(tree, repin("ruff"), LINT) == PYTHON
    assert differing(tree, repin("left"), LINT) == set()


def touch(root: Path) -> None:
    for file in root.rglob("*.py"):
        os.utime(file, (1, 1))


def write_ignored(root: Path) -> None:
    (root / ".git/info/exclude").write_text("*.log\n", encoding="utf-8")
    (root / f"{BASE}/src/some.log").touch()


@pytest.mark.parametrize("change", [touch, write_ignored], ids=["touched", "ignored"])
def test_nothing_else_changes_it(tree: Path, change: Change) -> None:
    for task in PROVING:
        assert differing(tree, change, task) == set()


def test_it_is_the_same_in_another_place(tree: Path, tmp_path: Path, save: Save) -> None:
    edit(f"{BASE}/src/tiny_base/more.py")(tree)
    before = digests(tree)
    save()
    assert digests(tree) == before
    subprocess.run(["git", "clone", "--quiet", str(tree), str(tmp_path / "clone")], check=True)
    assert digests(tmp_path / "clone") == before
    command = ["git", "worktree", "add", "--quiet", str(tmp_path / "other"), "HEAD"]
    subprocess.run(command, cwd=tree, check=True)
    assert digests(tmp_path / "other") == before


def test_what_runs_it_and_how_counts(tree: Path) -> None:
    now = contents(tree)
    core, web = now.space.packages[CORE], now.space.packages[WEB]
    found = [
        now.key(core, TEST, MACHINE),
        now.key(core, TYPE_CHECK, MACHINE),
        now.key(core, TEST, MACHINE._replace(python="3.11.10 python3.11")),
        now.key(core, TEST, MACHINE._replace(platform="macosx-14.0-arm64")),
        now.key(core, TEST, MACHINE, "-m slow"),
        now.key(core, TEST, MACHINE, installed=[Node(CORE), group(CORE, "test")]),
    ]
    assert len({key.digest for key in found}) == len(found)
    # All of core's scopes that are installed by default.
    scopes = [Node(CORE), group(CORE, "test"), group(CORE, "docs")]
    assert now.key(core, TEST, MACHINE, installed=scopes) == found[0]
    # Node is one of the pins.
    other = MACHINE._replace(python="3.12.0 python3.12")
    assert now.key(web, TEST, other) == now.key(web, TEST, MACHINE)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("PYTEST_ADDOPTS", True), ("TZ", True), ("DATABASE", True), ("LEVEL", True), ("MINE", False)],
)
def test_variables_that_tests_may_read_count(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str, counts: bool
) -> None:
    monkeypatch.delenv(name, raising=False)
    before = digests(tree)
    monkeypatch.setenv(name, "one")
    one = digests(tree)
    monkeypatch.setenv(name, "two")
    assert (before != one) == (one != digests(tree)) == counts


def settings(path: str, text: str) -> Change:
    """Return a change of the settings `cache` of a package."""
    return edit(f"{path}/pyproject.toml", new=f"\n[tool.monorepo.cache]\n{text}\n")


def test_a_package_may_name_more_variables(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(CORE, 'environment = ["MINE"]')(tree)
    before = digests(tree)
    monkeypatch.setenv("MINE", "x")
    after = digests(tree)
    assert {path for path in before if before[path] != after[path]} == {CORE}


def test_what_a_dependency_counts_for_is_declared(tree: Path, write: Write) -> None:
    sources = edit(f"{BASE}/src/tiny_base/more.py")
    settings(CORE, f'dependencies = {{ "{BASE}" = "ignored" }}')(tree)
    assert differing(tree, sources) == {BASE}
    assert differing(tree, repin("deep")) == {BASE, CORE}
    edit(f"{CORE}/pyproject.toml", '"ignored"', '"outputs"')(tree)
    # Until something is built, sources are all that there is.
    assert differing(tree, sources) == {BASE, CORE, API}
    write({".gitignore": "dist/\n", f"{BASE}/dist/a.whl": "a"})
    assert differing(tree, sources) == {BASE}
    assert differing(tree, edit(f"{BASE}/dist/a.whl", "a", "b")) == {CORE, API}
    edit(f"{CORE}/pyproject.toml", '"outputs"', '"sources"')(tree)
    assert differing(tree, sources) == {BASE, CORE, API}
    edit(f"{CORE}/pyproject.toml", f'"{BASE}"', f'"{ALONE}"')(tree)
    wrong = f"cache.dependencies: {ALONE}: it does not depend on that; correct the path"
    assert keys(tree)[CORE].refused == f"{CORE}/pyproject.toml: {wrong}"
    assert keys(tree)[BASE].refused == ""


def test_no_result_is_kept_of_what_a_package_refuses(tree: Path) -> None:
    assert differing(tree, settings(CORE, 'never = "asks a server"')) == {CORE}
    found = keys(tree)
    assert found[CORE].refused == f"{CORE}/pyproject.toml: cache.never: asks a server"
    assert found[API].refused == ""


def lead_out(root: Path) -> None:
    (root / f"{BASE}/src/link.py").symlink_to("../../alone/pyproject.toml")


def hold_a_repository(root: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(root / BASE / "src/inner")], check=True)
    (root / BASE / "src/inner/file").touch()


@pytest.mark.parametrize("change", [lead_out, hold_a_repository])
def test_no_result_is_kept_of_what_has_files_that_do_not_count(tree: Path, change: Change) -> None:
    change(tree)
    found = keys(tree)
    assert {path for path, key in found.items() if key.refused} == {BASE, CORE, API}


def test_a_link_within_a_package_counts(tree: Path) -> None:
    def lead(root: Path) -> None:
        (root / f"{BASE}/src/link.py").symlink_to("tiny_base/more.py")

    assert differing(tree, lead) == {BASE, CORE, API}
    assert not keys(tree)[BASE].refused


def test_no_result_is_kept_of_a_package_that_git_ignores(tree: Path) -> None:
    (tree / ".git/info/exclude").write_text("shared/py/hidden/\n", encoding="utf-8")
    shutil.copytree(tree / ALONE, tree / "shared/py/hidden")
    edit("shared/py/hidden/pyproject.toml", "tiny-alone", "tiny-hidden")(tree)
    assert keys(tree)["shared/py/hidden"].refused == "shared/py/hidden: git ignores it"


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        ("constraints.txt", "more==1.0\n"),
        ("tools/hashes.txt", "more\n"),
        ("pnpm-lock.yaml", "<<<<<<< HEAD\n"),
    ],
)
def test_locks_that_cannot_be_read_count_as_a_whole(tree: Path, path: str, broken: str) -> None:
    edit(path, new=broken)(tree)
    assert differing(tree, edit(path, new=broken)) == EVERYTHING


def test_files_outside_of_packages_have_a_result_of_their_own(tree: Path) -> None:
    def digest(language: Language) -> str:
        return contents(tree).key_of_root(language, LINT, MACHINE).digest

    before = {language: digest(language) for language in Language}
    edit("scripts/x.py")(tree)
    edit("scripts/y.txt")(tree)
    # What is unknown is everybody's.
    assert all(digest(language) != before[language] for language in Language)
    before = {language: digest(language) for language in Language}
    edit("docs/x.py")(tree)
    assert digest(Language.PYTHON) != before[Language.PYTHON]
    assert digest(Language.JAVASCRIPT) == before[Language.JAVASCRIPT]
    edit(f"{BASE}/src/tiny_base/more.py")(tree)
    assert digest(Language.JAVASCRIPT) == before[Language.JAVASCRIPT]


def test_single_files_are_named(tree: Path) -> None:
    found = keys(tree)[CORE]
    assert {f"{CORE}/pyproject.toml", f"{CORE}/tests/test_it.py", "tools/make/py.mk"} <= {
        *found.detail.files
    }
    assert not any(path.startswith(BASE) for path in found.detail.files)
    assert {f"{BASE} runtime", f"{BASE} extra:lite", "pypi:left", "pypi:deep"} <= {
        *found.detail.components
    }
    assert f"{BASE} extra:ml" not in found.detail.components
