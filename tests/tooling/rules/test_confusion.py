"""No index is asked for a name of this repository."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.guard.findings import Finding

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]


def found(root: Path) -> list[Finding]:
    return runner.guard(workspace.load(root), ["confusion"])


def told(root: Path) -> list[str]:
    return [f"{one.path}:{one.line} {one.id} {one.message}" for one in found(root)]


@pytest.fixture(autouse=True)
def packages(package: MakePackage, write: Write) -> None:
    package("shared/py/core", x=["tiny-more"])
    package("shared/py/more")
    package("services/py/api", "tiny-core")
    write({"shared/js/a/package.json": '{"name": "@tiny/a"}', "package.json": "{}"})


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("pip install httpx", ""),
        ("pip install tiny-core", "tiny-core"),
        ("pip install -U 'Tiny_Core[x]>=1'", "tiny-core"),
        ("pip install 'tiny-core @ file:///x'", ""),
        ("pip install tiny_core-1.0-py3-none-any.whl", ""),
        ("cd x && uv run --with tiny-core pytest", "tiny-core"),
        ("pip install --no-index tiny-core", ""),
        ("pip install --no-deps tiny-core", "tiny-core"),
        ("pip install --no-deps ./services/py/api", ""),
        ("pip install ./shared/py/core", ""),
        ("pip install -e './shared/py/core[x]'", "tiny-more"),
        ("pip install -e ./shared/py/core[x] ./shared/py/more", ""),
        ("pip install -c constraints.txt services/py/api", "tiny-core"),
        ("pip install shared/py/core services/py/api", ""),
        ("pip install shared/py/core; pip install services/py/api", ""),
        ("pip install services/py/api; pip install shared/py/core", "tiny-core"),
        ("pip install services/py/api tiny-core", "tiny-core"),
        ("conda install -c x tiny-core=1", "tiny-core"),
        ("uvx tiny-core@latest", "tiny-core"),
        ("pnpm add @tiny/a@1", "@tiny/a"),
        ("pnpm add b@npm:@tiny/a@1", "@tiny/a"),
        ("pnpm add ./shared/js/a @tiny/a@workspace:* --workspace", ""),
        ("npx --no @tiny/a", ""),
        ("npm create @tiny/z", "@tiny/create-z"),
    ],
)
@pytest.mark.parametrize("name", ["x.sh", "Dockerfile", "Makefile", ".github/workflows/x.yml"])
def test_commands(root: Path, write: Write, name: str, command: str, asked: str) -> None:
    before = {"Dockerfile": "RUN ", "Makefile": "\t@", ".github/workflows/x.yml": "- run: "}
    write({name: f"\n{before.get(name, '')}{command}\n"})
    wrong = found(root)
    assert [(one.path, one.line) for one in wrong] == ([(name, 2)] if asked else [])
    assert all(f"{one.message},".startswith(f"asks an index for {asked},") for one in wrong)


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("shared/py/b/pyproject.toml", '[dependency-groups]\ndev = ["tiny-z"]', 5),
        ("shared/py/b/pyproject.toml", '[project.optional-dependencies]\na = ["tiny-z"]', 5),
        ("shared/py/b/pyproject.toml", '[build-system]\nrequires = ["tiny-z"]', 5),
        ("shared/py/b/pyproject.toml", '[build-system]\nrequires = ["tiny-core"]', 5),
        ("shared/py/b/pyproject.toml", '[tool.uv]\ndev-dependencies = ["tiny-z>1"]', 5),
        ("shared/py/b/pyproject.toml", '[tool.hatch.envs.a]\ndependencies = ["tiny-core"]', 5),
        ("shared/py/b/pyproject.toml", '[tool.pdm.dev-dependencies]\na = ["tiny-core"]', 5),
        ("shared/py/b/pyproject.toml", '[tool.poetry.dependencies]\ntiny-core = "1"', 5),
        ("shared/py/b/pyproject.toml", '[tool.poetry.group.a.dependencies]\ntiny-z = "1"', 5),
        ("shared/py/b/pyproject.toml", '[tool.poe.tasks]\na = "uvx tiny-z"', 5),
        ("shared/js/a/package.json", '{"name": "@tiny/a",\n"dependencies": {"@tiny/z": "1"}}', 2),
        (
            "shared/js/a/package.json",
            '{"name": "@tiny/a",\n"overrides": {"b": {"@tiny/z": "1"}}}',
            2,
        ),
        ("shared/js/a/package.json", '{"name": "@tiny/a",\n"resolutions": {"**/@tiny/z": "1"}}', 2),
        (
            "shared/js/a/package.json",
            '{"name": "@tiny/a",\n"dependencies": {"b": "npm:@tiny/z@1"}}',
            2,
        ),
        ("shared/js/a/package.json", '{"name": "@tiny/a",\n"scripts": {"b": "npx @tiny/z"}}', 2),
        ("pnpm-workspace.yaml", "packages: []\ncatalog: {'@tiny/z': 1}", 2),
        ("pnpm-workspace.yaml", "packages: []\noverrides: {'b>@tiny/z@1': '2'}", 2),
        ("deno.json", '{"imports": {"b": "npm:@tiny/z@1"}}', 1),
        (".pre-commit-config.yaml", "repos:\n- hooks:\n  - additional_dependencies: [tiny-z]", 3),
        (".pre-commit-config.yaml", "repos:\n- {additional_dependencies: ['@tiny/z@1']}", 2),
        ("environment.yml", "dependencies:\n- pip:\n  - tiny-z==1", 3),
        ("environment.yml", "dependencies:\n- conda-forge::tiny-z=1", 2),
        ("tox.ini", "[testenv]\ndeps =\n  tiny-z\n  py311: httpx", 3),
        ("setup.cfg", "[options]\ninstall_requires =\n  tiny-z", 3),
        ("old/setup.py", "setup(\n  install_requires=['httpx', 'tiny-z'])", 2),
        ("Pipfile", "[packages]\ntiny-z = '*'", 2),
        ("x.py", '# /// script\n# dependencies = ["tiny-z"]\n# ///\n', 2),
        ("old/requirements.txt", "httpx\ntiny.core==1\n", 2),
        ("old/requirements.txt", "httpx\ntiny-z\n", 2),
        ("constraints.txt", "uv==9.9\nTiny-Core==1.0\n", 2),
        ("old/uv.lock", '[[package]]\nname = "tiny-core"\nsource = { registry = "x" }', 2),
        ("noxfile.py", "session.install(\n'tiny-core')", 2),
    ],
)
def test_manifests(root: Path, write: Write, path: str, text: str, line: int) -> None:
    head = (
        '[project]\nname = "tiny-b"\nversion = "1"\n' if path.endswith("b/pyproject.toml") else ""
    )
    write({path: head + text})
    (one,) = found(root)
    assert (one.path, one.line) == (path, line)
    assert one.id in ("confusion.internal", "confusion.stray")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    external = 'external = ["Tiny_Z", "tiny-core", "@tiny/z"]\n'
    write({"pyproject.toml": f"{facts}{external}"})
    assert found(root) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shared/py/b/pyproject.toml", '[dependency-groups]\ndev = ["tiny-core", "tinyest"]'),
        ("shared/py/b/pyproject.toml", '[build-system]\nrequires = ["tiny-core @ file:///x"]'),
        (
            "shared/py/b/pyproject.toml",
            '[tool.poetry.dependencies]\ntiny-core = {path = "../core"}',
        ),
        ("shared/py/b/pyproject.toml", '[tool.monorepo.template]\ndependencies = ["tiny-core"]'),
        ("shared/py/b/pyproject.toml", '[tool.setuptools]\npackages = ["tiny_z"]'),
        (
            "shared/js/a/package.json",
            '{"name": "@tiny/a", "dependencies": {"@tiny/a": "link:../b"}}',
        ),
        ("shared/js/a/package.json", '{"name": "@tiny/a", "dependencies": {"@tiny/z": "git+x:y"}}'),
        ("shared/js/a/package.json", '{"name": "@tiny/a", "imports": {"#tiny": "./x.js"}}'),
        ("notes.txt", "tiny-core\n"),
        ("README.md", "pip install tiny-core\n"),
        ("tools/templates/py-x/Dockerfile", "RUN pip install tiny-core\n"),
        ("old/uv.lock", '[[package]]\nname = "tiny-core"\nsource = { editable = "x" }'),
    ],
)
def test_what_asks_nobody(root: Path, write: Write, path: str, text: str) -> None:
    head = (
        '[project]\nname = "tiny-b"\nversion = "1"\n' if path.endswith("b/pyproject.toml") else ""
    )
    write({path: head + text})
    assert [one for one in told(root) if "confusion" in one] == []


def test_an_internal_name_of_the_root(root: Path, write: Write) -> None:
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace("dev = []", 'dev = ["tiny-core"]')})
    assert [one.partition(" asks")[0] for one in told(root)] == [
        "pyproject.toml:2 confusion.internal"
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.sh", "pip install -i https://x/simple httpx"),
        ("x.sh", "pip install --extra-index-url=$URL httpx"),
        ("x.sh", "uv sync --default-index https://x"),
        ("x.sh", "uv add --index a=https://x httpx"),
        ("x.sh", "npm ci --registry https://x"),
        ("x.sh", "npm install --@tiny:registry=https://x b"),
        ("x.sh", "pip config set global.index-url https://x"),
        ("x.sh", "npm config set @tiny:registry https://x"),
        ("x.sh", "yarn config set npmRegistryServer https://x"),
        ("x.sh", "poetry source add a https://x"),
        ("x.sh", "conda config --add channels x"),
        ("Dockerfile", "RUN pip install --trusted-host x httpx"),
        ("old/requirements.txt", "--extra-index-url https://u:hunter2@x/simple"),
        ("old/requirements.txt", "-i https://x/simple"),
        ("old/requirements.txt", "--find-links https://x"),
        ("x.sh", "pip install -fhttps://x httpx"),
    ],
)
def test_another_index(root: Path, write: Write, path: str, text: str) -> None:
    write({path: text})
    (one,) = found(root)
    assert (one.path, one.line, one.id) == (path, 1, "confusion.index")
    assert "hunter2" not in str(one)


@pytest.mark.parametrize(
    "text",
    [
        "pip install -i https://pypi.org/simple httpx",
        "npm install --registry http://localhost:4873 left",
        "npm publish --registry https://x",
        "pip install --find-links ./dist httpx",
        "pip config list",
        "npm config set fund false",
    ],
)
def test_the_usual_index(root: Path, write: Write, text: str) -> None:
    write({"x.sh": text})
    assert found(root) == []


def test_a_name_outside_the_namespace(root: Path, write: Write) -> None:
    write({"shared/py/new/pyproject.toml": '[project]\nname = "audio"\n'})
    write({"shared/py/tiny/pyproject.toml": '[project]\nname = "tiny"\n'})
    assert told(root) == [
        "shared/py/new/pyproject.toml:2 confusion.name audio is outside the namespace tiny"
    ]


@pytest.mark.parametrize("group", ["dependencies", "devDependencies", "peerDependencies"])
@pytest.mark.parametrize("wanted", ["^1.0.0", "*", "catalog:", "npm:@tiny/a@1"])
def test_npm_names(root: Path, write: Write, group: str, wanted: str) -> None:
    manifest = {"name": "@tiny/b", group: {"@tiny/a": wanted, "left": "1"}}
    write({"shared/js/b/package.json": json.dumps(manifest, indent=2)})
    (one,) = found(root)
    assert (one.path, one.line) == ("shared/js/b/package.json", 4)
    runner.apply_fixes(workspace.load(root), [one])
    assert found(root) == []
    text = (root / one.path).read_text(encoding="utf-8")
    assert json.loads(text)[group] == {"@tiny/a": "workspace:*", "left": "1"}


def test_pins_and_the_lock_of_pnpm(root: Path, write: Write) -> None:
    write({"constraints.txt": "tiny-core==1.0\ntiny-z==1.0\n"})
    text = "lockfileVersion: '9.0'\n\npackages:\n\n  '@tiny/a@1.0.0':\n"
    write({"pnpm-lock.yaml": f"{text}    resolution: {{integrity: x}}\n"})
    assert [(one.path, one.line, one.lines) for one in found(root)] == [
        ("constraints.txt", 1, ()),
        ("pnpm-lock.yaml", 5, None),
    ]


def test_what_is_malformed_is_no_crash(root: Path, write: Write) -> None:
    write({"package.json": "[1", "pnpm-lock.yaml": "x: [", "x/package.json": "[]", "x.toml": "["})
    assert {one.rule for one in found(root)} == {"unreadable"}
